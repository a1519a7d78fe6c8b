/* vault_request.c - first contacts that wait for their receiver: an index of held rows by receiver and sender.
 *
 * The rows themselves stand in the quarantine, so that an operator sees them where everything else is that was stopped;
 * the index is the receiver's own, is shredded with his account, and bounds what strangers can make the server keep.
 */
#include "vault/vault_row.h"

static int unpack(struct str key, struct str value, struct arena *a, struct vault_request *ret)
{
	struct vault_unpack u = { .rest = value };
	struct vault_request q = { .from = key };

	q.first_ms = vault_unpack_u64(&u);
	q.last_ms = vault_unpack_u64(&u);
	q.number = vault_unpack_u32(&u);
	q.n_more = vault_unpack_u32(&u);
	q.subscribes = vault_unpack_u32(&u) != 0;
	q.nick = vault_unpack_str(&u);
	q.reason = vault_unpack_str(&u);
	q.n = vault_unpack_u32(&u);
	if (u.bad || q.n > LIMIT_REQUEST_STANZAS)
		return ERR_CORRUPT;
	q.ids = arena_alloc(a, (LIMIT_REQUEST_STANZAS + 1) * sizeof(*q.ids));
	if (!q.ids)
		return ERR_LIMIT;
	for (size_t i = 0; i < q.n; i++)
		q.ids[i] = vault_unpack_u64(&u);
	*ret = q;
	return vault_unpack_end(&u);
}

static int put(struct vault *v, struct str owner, const struct vault_request *q)
{
	struct buf b;
	int r;

	buf_init(&b, LIMIT_VALUE_BYTES);
	vault_pack_u64(&b, q->first_ms);
	vault_pack_u64(&b, q->last_ms);
	vault_pack_u32(&b, q->number);
	vault_pack_u32(&b, q->n_more);
	vault_pack_u32(&b, q->subscribes);
	vault_pack_str(&b, q->nick);
	vault_pack_str(&b, q->reason);
	vault_pack_u32(&b, (uint32_t)q->n);
	for (size_t i = 0; i < q->n; i++)
		vault_pack_u64(&b, q->ids[i]);
	r = b.failed ? ERR_LIMIT : vault_item_put(v, owner, ITEM_REQUEST, q->from, buf_str(&b));
	buf_release(&b);
	return r;
}

static int get(struct vault *v, struct str owner, struct str from, struct arena *a, struct vault_request *ret)
{
	struct str value;
	int r = vault_item_get(v, owner, ITEM_REQUEST, from, a, &value);

	return r < 0 ? r : unpack(from, value, a, ret);
}

static void by_number(struct vault_request *v, size_t n)
{
	for (size_t i = 1; i < n; i++)
		for (size_t k = i; k > 0 && v[k].number < v[k - 1].number; k--) {
			struct vault_request t = v[k];

			v[k] = v[k - 1];
			v[k - 1] = t;
		}
}

int vault_request_list(struct vault *v, struct str owner, struct arena *a, struct vault_request **ret, size_t *ret_n)
{
	struct vault_request *list;
	struct vault_item *items;
	size_t n;
	int r = vault_item_list(v, owner, ITEM_REQUEST, a, &items, &n);

	list = r == 0 ? arena_alloc(a, (n + 1) * sizeof(*list)) : NULL;
	if (!list)
		return r < 0 ? r : ERR_LIMIT;
	for (size_t i = 0; i < n && r == 0; i++)
		r = unpack(items[i].key, items[i].value, a, &list[i]);
	if (r < 0)
		return r;
	by_number(list, n);
	*ret = list;
	*ret_n = n;
	return 0;
}

/* The smallest number that none of the others has. */
static int new_one(struct vault *v, struct str owner, struct str from, uint64_t now_ms, struct arena *a, struct vault_request *ret)
{
	struct vault_request *list;
	uint32_t number = 1;
	size_t n;
	int r = vault_request_list(v, owner, a, &list, &n);

	if (r == 0 && n >= LIMIT_REQUESTS)
		r = ERR_LIMIT;
	for (size_t i = 0; r == 0 && i < n && list[i].number == number; i++)
		number++;
	*ret = (struct vault_request){ .from = from, .nick = STR_NONE, .reason = STR_NONE, .first_ms = now_ms, .number = number };
	ret->ids = r == 0 ? arena_alloc(a, (LIMIT_REQUEST_STANZAS + 1) * sizeof(*ret->ids)) : NULL;
	return r < 0 ? r : ret->ids ? 0 : ERR_LIMIT;
}

int vault_request_add(struct vault *v, struct str owner, struct str from, struct str nick, struct str reason, bool subscribes,
		      const struct vault_held *h, struct arena *a, struct vault_request *ret, bool *ret_new)
{
	int r = get(v, owner, from, a, ret);
	bool full;

	*ret_new = r == ERR_NOT_FOUND;
	if (*ret_new)
		r = new_one(v, owner, from, h->when_ms, a, ret);
	if (r < 0)
		return r;
	full = ret->n >= LIMIT_REQUEST_STANZAS || (subscribes && ret->subscribes);
	ret->n_more += full && !subscribes;
	ret->last_ms = h->when_ms;
	ret->nick = nick.n ? nick : ret->nick;
	ret->reason = reason.n ? reason : ret->reason;
	ret->subscribes = ret->subscribes || subscribes;
	if (!full)
		ret->ids[ret->n++] = h->id;
	r = full ? 0 : vault_held_put(v, h);
	return r < 0 ? r : put(v, owner, ret);
}

int vault_request_settle(struct vault *v, struct str owner, struct str from, enum vault_held_state state, struct arena *a,
			 struct vault_request *ret)
{
	size_t left = 0;
	int r = get(v, owner, from, a, ret);

	for (size_t i = 0; r == 0 && i < ret->n; i++) {
		struct vault_held h;

		r = vault_held_get(v, ret->ids[i], a, &h);
		if (r == ERR_NOT_FOUND || (r == 0 && h.state != HELD_REQUEST)) {
			r = 0;		/* an operator was faster */
			continue;
		}
		h.state = state;
		r = r == 0 ? vault_held_put(v, &h) : r;
		ret->ids[left++] = ret->ids[i];
	}
	ret->n = left;
	return r < 0 ? r : vault_item_remove(v, owner, ITEM_REQUEST, from);
}
