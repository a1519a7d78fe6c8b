/* vault_offline.c - messages that wait for their receiver (XEP-0160), sealed under the month of their time. */
#include "base/clock.h"
#include "vault/vault_row.h"

static void range_of(uint64_t owner, struct vault_key *from, struct vault_key *to, struct store_range *ret)
{
	*from = *to = (struct vault_key){ 0 };
	vault_key_u64(from, owner);
	*ret = (struct store_range){ .table = STORE_TABLE_offline, .from = vault_key_str(from) };
	if (store_key_after(vault_key_str(from), to->p)) {
		to->n = from->n;
		ret->to = vault_key_str(to);
	}
}

int vault_offline_add(struct vault *v, struct str owner, uint64_t id, uint64_t when_ms, struct str stanza)
{
	uint64_t tag = vault_row_owner(v, owner), n = 0;
	struct vault_key from, to;
	struct store_range range;
	struct buf *b;
	int r;

	range_of(tag, &from, &to, &range);
	r = store_count(v->store, &range, &n);
	if (r < 0 || n >= LIMIT_OFFLINE)
		return r < 0 ? r : ERR_LIMIT;
	b = vault_row_pack(v);
	vault_pack_u64(b, when_ms);
	vault_pack_str(b, stanza);
	if (b->failed)
		return ERR_LIMIT;
	vault_key_u64(&from, id);
	return vault_row_put(v, STORE_TABLE_offline, vault_key_str(&from), 0, tag, clock_month(when_ms), buf_str(b));
}

static int open_one(struct vault *v, uint64_t owner, const struct store_row *row, struct arena *a,
		    struct vault_entry *ret)
{
	struct vault_unpack u = { 0 };
	struct vault_entry e = { 0 };
	int r = vault_row_open(v, STORE_TABLE_offline, row->key, owner, row->value, a, &u.rest);

	if (r < 0)
		return r;
	e.id = store_number(row->key.p + 8);
	e.when_ms = vault_unpack_u64(&u);
	e.stanza = vault_unpack_str(&u);
	r = vault_unpack_end(&u);
	if (r == 0)
		*ret = e;
	return r;
}

int vault_offline_list(struct vault *v, struct str owner, struct arena *a, struct vault_entry **ret, size_t *ret_n)
{
	uint64_t tag = vault_row_owner(v, owner);
	struct vault_key from, to;
	struct store_range range;
	struct vault_rows rows;
	struct vault_entry *list;
	size_t n = 0;
	int r;

	range_of(tag, &from, &to, &range);
	r = vault_row_collect(v, &range, a, &rows);
	list = r == 0 ? arena_alloc(a, (rows.n + 1) * sizeof(*list)) : NULL;
	if (!list)
		return r < 0 ? r : ERR_LIMIT;
	for (size_t i = 0; i < rows.n; i++) {
		if (rows.v[i].key.n != 16)
			return ERR_CORRUPT;
		r = open_one(v, tag, &rows.v[i], a, &list[n]);
		if (r < 0 && r != ERR_NOT_FOUND)
			return r;
		n += r == 0;		/* its key was shredded: as if it were not there */
	}
	*ret = list;
	*ret_n = n;
	return 0;
}

int vault_offline_remove(struct vault *v, struct str owner, uint64_t up_to_id)
{
	struct vault_key from = { 0 }, to = { 0 };

	if (up_to_id == UINT64_MAX)
		up_to_id--;
	vault_key_u64(&from, vault_row_owner(v, owner));
	to = from;
	vault_key_u64(&to, up_to_id + 1);
	return vault_row_remove(v, STORE_TABLE_offline, vault_key_str(&from), vault_key_str(&to), false);
}

int vault_offline_take(struct vault *v, struct str owner, uint64_t id)
{
	struct vault_key from = { 0 }, to = { 0 };

	if (id == UINT64_MAX)
		return 0;
	vault_key_u64(&from, vault_row_owner(v, owner));
	to = from;
	vault_key_u64(&from, id);
	vault_key_u64(&to, id + 1);
	return vault_row_remove(v, STORE_TABLE_offline, vault_key_str(&from), vault_key_str(&to), false);
}
