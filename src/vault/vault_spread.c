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

static int open_all(struct vault *v, const struct vault_rows *rows, struct arena *a, struct vault_spread **ret)
{
	struct vault_spread *list = arena_alloc(a, (rows->n + 1) * sizeof(*list));
	int r = list ? 0 : ERR_LIMIT;

	for (size_t i = 0; r == 0 && i < rows->n; i++)
		r = open_one(v, &rows->v[i], a, &list[i]);
	if (r == 0)
		*ret = list;
	return r;
}

int vault_spread_next(struct vault *v, struct str fingerprint, struct vault_spread_at *at, size_t max, struct arena *a, struct vault_spread **ret,
		      size_t *ret_n)
{
	struct vault_key from = { 0 };
	struct store_range range = { .table = STORE_TABLE_spread, .max = max, .by_tag = true, .tag = vault_row_tag(v, 'f', 0, fingerprint) };
	struct vault_rows rows;
	int r;

	vault_key_u64(&from, at->when_ms);
	vault_key_u64(&from, at->id);
	vault_key_u64(&from, at->chance);
	if (at->when_ms)
		from.p[from.n++] = 0;		/* the next key */
	range.from = vault_key_str(&from);
	r = vault_row_collect(v, &range, a, &rows);
	if (r == 0)
		r = open_all(v, &rows, a, ret);
	if (r < 0)
		return r;
	*ret_n = rows.n;
	if (rows.n && rows.v[rows.n - 1].key.n == 24) {
		const char *k = rows.v[rows.n - 1].key.p;

		*at = (struct vault_spread_at){ .when_ms = store_number(k), .id = store_number(k + 8), .chance = store_number(k + 16) };
	}
	return 0;
}

int vault_spread_count(struct vault *v, struct str fingerprint, uint64_t *ret)
{
	struct store_range range = { .table = STORE_TABLE_spread, .by_tag = true, .tag = vault_row_tag(v, 'f', 0, fingerprint) };

	return store_count(v->store, &range, ret);
}

int vault_spread_list(struct vault *v, struct str fingerprint, uint64_t since_ms, size_t max, struct arena *a,
		      struct vault_spread **ret, size_t *ret_n)
{
	struct vault_key from = { 0 };
	struct store_range range = { .table = STORE_TABLE_spread, .max = max };
	struct vault_rows rows;
	int r;

	vault_key_u64(&from, since_ms);
	range.from = vault_key_str(&from);
	if (fingerprint.n) {
		range.by_tag = true;
		range.tag = vault_row_tag(v, 'f', 0, fingerprint);
	}
	r = vault_row_collect(v, &range, a, &rows);
	if (r == 0)
		r = open_all(v, &rows, a, ret);
	if (r == 0)
		*ret_n = rows.n;
	return r;
}
