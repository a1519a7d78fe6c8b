/* vault_outbreak.c - declared outbreaks, by the tag of their fingerprint. */
#include "vault/vault_row.h"

static void key_of(struct vault *v, struct str fingerprint, struct vault_key *ret)
{
	*ret = (struct vault_key){ 0 };
	vault_key_u64(ret, vault_row_tag(v, 'b', 0, fingerprint));
}

int vault_outbreak_put(struct vault *v, const struct vault_outbreak *o)
{
	struct buf *b = vault_row_pack(v);
	struct vault_key k;

	key_of(v, o->fingerprint, &k);
	vault_pack_str(b, o->fingerprint);
	vault_pack_u64(b, o->started_ms);
	vault_pack_u32(b, o->contained);
	vault_pack_str(b, o->json);
	if (b->failed)
		return ERR_LIMIT;
	return vault_row_put(v, STORE_TABLE_outbreak, vault_key_str(&k), 0, v->purpose[PURPOSE_OUTBREAK], VAULT_STANDING,
			     buf_str(b));
}

static int open_one(struct vault *v, const struct store_row *row, struct arena *a, struct vault_outbreak *ret)
{
	struct vault_unpack u = { 0 };
	struct vault_outbreak o = { 0 };
	int r = vault_row_open(v, STORE_TABLE_outbreak, row->key, v->purpose[PURPOSE_OUTBREAK], row->value, a, &u.rest);

	if (r < 0)
		return r == ERR_NOT_FOUND ? ERR_CORRUPT : r;
	o.fingerprint = vault_unpack_str(&u);
	o.started_ms = vault_unpack_u64(&u);
	o.contained = vault_unpack_u32(&u) != 0;
	o.json = vault_unpack_str(&u);
	r = vault_unpack_end(&u);
	if (r == 0)
		*ret = o;
	return r;
}

int vault_outbreak_get(struct vault *v, struct str fingerprint, struct arena *a, struct vault_outbreak *ret)
{
	struct vault_key k;
	struct store_row row;
	int r;

	key_of(v, fingerprint, &k);
	r = store_get(v->store, STORE_TABLE_outbreak, vault_key_str(&k), a, &row);
	return r < 0 ? r : open_one(v, &row, a, ret);
}

static void sort_by_start(struct vault_outbreak *o, size_t n)
{
	for (size_t i = 1; i < n; i++)
		for (size_t j = i; j > 0 && o[j].started_ms < o[j - 1].started_ms; j--) {
			struct vault_outbreak x = o[j];

			o[j] = o[j - 1];
			o[j - 1] = x;
		}
}

int vault_outbreak_list(struct vault *v, struct arena *a, struct vault_outbreak **ret, size_t *ret_n)
{
	struct vault_rows rows;
	struct vault_outbreak *list;
	int r = vault_row_collect(v, &(struct store_range){ .table = STORE_TABLE_outbreak }, a, &rows);

	list = r == 0 ? arena_alloc(a, (rows.n + 1) * sizeof(*list)) : NULL;
	if (!list)
		return r < 0 ? r : ERR_LIMIT;
	for (size_t i = 0; i < rows.n; i++) {
		r = open_one(v, &rows.v[i], a, &list[i]);
		if (r < 0)
			return r;
	}
	sort_by_start(list, rows.n);
	*ret = list;
	*ret_n = rows.n;
	return 0;
}
