/* vault_spread.c - who passed what on to whom: rows in order of time, found by the tag of their fingerprint. */
#include "base/clock.h"
#include "base/rand.h"
#include "vault/vault_row.h"

int vault_spread_add(struct vault *v, const struct vault_spread *s)
{
	struct buf *b = vault_row_pack(v);
	struct vault_key k = { 0 };

	vault_pack_str(b, s->fingerprint);
	vault_pack_str(b, s->from);
	vault_pack_str(b, s->to);
	vault_pack_u64(b, s->id);
	vault_pack_u64(b, s->when_ms);
	vault_pack_str(b, s->outcome);
	if (b->failed)
		return ERR_LIMIT;
	vault_key_u64(&k, s->when_ms);
	vault_key_u64(&k, s->id);
	vault_key_u64(&k, rand_u64());		/* one stanza may reach several */
	return vault_row_put(v, STORE_TABLE_spread, vault_key_str(&k), vault_row_tag(v, 'f', 0, s->fingerprint),
			     v->purpose[PURPOSE_SPREAD], clock_month(s->when_ms), buf_str(b));
}

static int open_one(struct vault *v, const struct store_row *row, struct arena *a, struct vault_spread *ret)
{
	struct vault_unpack u = { 0 };
	struct vault_spread s = { 0 };
	int r = vault_row_open(v, STORE_TABLE_spread, row->key, v->purpose[PURPOSE_SPREAD], row->value, a, &u.rest);

	if (r < 0)
		return r == ERR_NOT_FOUND ? ERR_CORRUPT : r;
	s.fingerprint = vault_unpack_str(&u);
	s.from = vault_unpack_str(&u);
	s.to = vault_unpack_str(&u);
	s.id = vault_unpack_u64(&u);
	s.when_ms = vault_unpack_u64(&u);
	s.outcome = vault_unpack_str(&u);
	r = vault_unpack_end(&u);
	if (r == 0)
		*ret = s;
	return r;
}

int vault_spread_list(struct vault *v, struct str fingerprint, uint64_t since_ms, size_t max, struct arena *a,
		      struct vault_spread **ret, size_t *ret_n)
{
	struct vault_key from = { 0 };
	struct store_range range = { .table = STORE_TABLE_spread, .max = max };
	struct vault_rows rows;
	struct vault_spread *list;
	int r;

	vault_key_u64(&from, since_ms);
	range.from = vault_key_str(&from);
	if (fingerprint.n) {
		range.by_tag = true;
		range.tag = vault_row_tag(v, 'f', 0, fingerprint);
	}
	r = vault_row_collect(v, &range, a, &rows);
	list = r == 0 ? arena_alloc(a, (rows.n + 1) * sizeof(*list)) : NULL;
	if (!list)
		return r < 0 ? r : ERR_LIMIT;
	for (size_t i = 0; i < rows.n; i++) {
		r = open_one(v, &rows.v[i], a, &list[i]);
		if (r < 0)
			return r;
	}
	*ret = list;
	*ret_n = rows.n;
	return 0;
}
