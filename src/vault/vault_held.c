/* vault_held.c - the quarantine. The state stands readable as the row's tag, and sealed as well. */
#include "base/clock.h"
#include "vault/vault_row.h"

int vault_held_put(struct vault *v, const struct vault_held *h)
{
	struct buf *b = vault_row_pack(v);
	struct vault_key k = { 0 };

	vault_pack_u64(b, h->when_ms);
	vault_pack_u32(b, h->state);
	vault_pack_str(b, h->from);
	vault_pack_str(b, h->to);
	vault_pack_str(b, h->stanza);
	vault_pack_str(b, h->reason);
	vault_pack_str(b, h->fingerprint);
	if (b->failed)
		return ERR_LIMIT;
	vault_key_u64(&k, h->id);
	return vault_row_put(v, STORE_TABLE_held, vault_key_str(&k), h->state, v->purpose[PURPOSE_HELD],
			     clock_month(h->when_ms), buf_str(b));
}

static int open_one(struct vault *v, const struct store_row *row, struct arena *a, struct vault_held *ret)
{
	struct vault_unpack u = { 0 };
	struct vault_held h = { .id = store_number(row->key.p) };
	uint32_t state;
	int r = vault_row_open(v, STORE_TABLE_held, row->key, v->purpose[PURPOSE_HELD], row->value, a, &u.rest);

	if (r < 0)
		return r == ERR_NOT_FOUND ? ERR_CORRUPT : r;
	h.when_ms = vault_unpack_u64(&u);
	state = vault_unpack_u32(&u);
	h.from = vault_unpack_str(&u);
	h.to = vault_unpack_str(&u);
	h.stanza = vault_unpack_str(&u);
	h.reason = vault_unpack_str(&u);
	h.fingerprint = vault_unpack_str(&u);
	if (vault_unpack_end(&u) < 0 || state > HELD_FILE || state != row->tag)
		return ERR_CORRUPT;
	h.state = (enum vault_held_state)state;
	*ret = h;
	return 0;
}

int vault_held_get(struct vault *v, uint64_t id, struct arena *a, struct vault_held *ret)
{
	struct vault_key k = { 0 };
	struct store_row row;
	int r;

	vault_key_u64(&k, id);
	r = store_get(v->store, STORE_TABLE_held, vault_key_str(&k), a, &row);
	return r < 0 ? r : open_one(v, &row, a, ret);
}

/* The bare part of 'full' is 'who'. */
static bool is_of(struct str full, struct str who)
{
	return str_starts(full, who) && (full.n == who.n || full.p[who.n] == '/');
}

int vault_held_list(struct vault *v, struct str who, int state, size_t max, struct arena *a, struct vault_held **ret,
		    size_t *ret_n)
{
	struct store_range range = { .table = STORE_TABLE_held, .by_tag = state >= 0, .tag = (uint64_t)state,
				     .max = who.n ? 0 : max };
	struct vault_rows rows;
	struct vault_held *list;
	size_t n = 0;
	int r = vault_row_collect(v, &range, a, &rows);

	list = r == 0 ? arena_alloc(a, (rows.n + 1) * sizeof(*list)) : NULL;
	if (!list)
		return r < 0 ? r : ERR_LIMIT;
	for (size_t i = 0; i < rows.n && n < max; i++) {
		r = open_one(v, &rows.v[i], a, &list[n]);
		if (r < 0)
			return r;
		n += !who.n || is_of(list[n].from, who) || is_of(list[n].to, who);
	}
	*ret = list;
	*ret_n = n;
	return 0;
}

int vault_held_count(struct vault *v, int state, uint64_t *ret)
{
	struct store_range range = { .table = STORE_TABLE_held, .by_tag = state >= 0, .tag = (uint64_t)state };

	return store_count(v->store, &range, ret);
}
