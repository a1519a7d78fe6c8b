/* vault_item.c - small sealed values of an owner. Keys are tags; the readable key is sealed with the value. */
#include "vault/vault_row.h"

static void key_of(struct vault *v, uint64_t owner, enum vault_kind kind, struct str key, struct vault_key *ret)
{
	*ret = (struct vault_key){ 0 };
	vault_key_u64(ret, owner);
	ret->p[ret->n++] = (uint8_t)kind;
	vault_key_u64(ret, vault_row_tag(v, (char)('A' + (int)kind), owner, key));
}

/* Rooms are items of their service, occupants of their room, not of a person. */
static uint64_t limit_of(enum vault_kind kind)
{
	if (kind == ITEM_GONE)
		return LIMIT_GONE;
	if (kind == ITEM_PURGE_TELL)
		return LIMIT_PURGE_TELLS;
	if (kind == ITEM_REQUEST || kind == ITEM_REPORT)
		return kind == ITEM_REQUEST ? LIMIT_REQUESTS : LIMIT_REPORTS;
	return kind == ITEM_ROOM || kind == ITEM_TOPIC ? LIMIT_ROOMS : kind == ITEM_OCCUPANT ? LIMIT_OCCUPANTS : LIMIT_ITEMS;
}

/* ERR_LIMIT when the row is not there and there is no room for one more. */
static int check_room(struct vault *v, enum vault_kind kind, const struct vault_key *k)
{
	struct store_row row;
	uint8_t after[9];
	struct str prefix = str_make((const char *)k->p, 9);
	struct store_range range = { .table = STORE_TABLE_item, .from = prefix };
	uint64_t n = 0;
	int r;

	arena_clear(v->tmp);
	r = store_get(v->store, STORE_TABLE_item, vault_key_str(k), v->tmp, &row);
	if (r == 0 || r == ERR_LIMIT)
		return 0;	/* there, if larger than the look-up's arena */
	if (r != ERR_NOT_FOUND)
		return r;
	if (store_key_after(prefix, after))
		range.to = str_make((const char *)after, 9);
	r = store_count(v->store, &range, &n);
	return r < 0 ? r : n >= limit_of(kind) ? ERR_LIMIT : 0;
}

int vault_item_put(struct vault *v, struct str owner, enum vault_kind kind, struct str key, struct str value)
{
	uint64_t tag = vault_row_owner(v, owner);
	struct vault_key k;
	struct buf *b;
	int r;

	key_of(v, tag, kind, key, &k);
	r = check_room(v, kind, &k);
	if (r < 0)
		return r;
	b = vault_row_pack(v);
	vault_pack_str(b, key);
	vault_pack_str(b, value);
	if (b->failed)
		return ERR_LIMIT;
	return vault_row_put(v, STORE_TABLE_item, vault_key_str(&k), 0, tag, VAULT_STANDING, buf_str(b));
}

static int unpack(struct str plain, struct vault_item *ret)
{
	struct vault_unpack u = { .rest = plain };
	struct vault_item item = { .key = vault_unpack_str(&u) };
	int r;

	item.value = vault_unpack_str(&u);
	r = vault_unpack_end(&u);
	if (r == 0)
		*ret = item;
	return r;
}

int vault_item_get(struct vault *v, struct str owner, enum vault_kind kind, struct str key, struct arena *a,
		   struct str *ret)
{
	uint64_t tag = vault_row_owner(v, owner);
	struct vault_item item = { 0 };
	struct vault_key k;
	struct str plain;
	int r;

	key_of(v, tag, kind, key, &k);
	r = vault_row_get(v, STORE_TABLE_item, vault_key_str(&k), tag, a, &plain);
	if (r == 0)
		r = unpack(plain, &item);
	if (r < 0)
		return r;
	if (!str_eq(item.key, key))
		return ERR_NOT_FOUND;	/* two keys with one tag: 2^-64 */
	*ret = item.value;
	return 0;
}

int vault_item_remove(struct vault *v, struct str owner, enum vault_kind kind, struct str key)
{
	struct vault_key k;

	key_of(v, vault_row_owner(v, owner), kind, key, &k);
	return vault_row_remove_one(v, STORE_TABLE_item, vault_key_str(&k));
}

int vault_item_clear(struct vault *v, struct str owner, enum vault_kind kind)
{
	struct vault_key k;

	key_of(v, vault_row_owner(v, owner), kind, STR_NONE, &k);
	return vault_row_remove_prefix(v, STORE_TABLE_item, str_make((const char *)k.p, 9), false);
}

int vault_item_list(struct vault *v, struct str owner, enum vault_kind kind, struct arena *a, struct vault_item **ret,
		    size_t *ret_n)
{
	uint64_t tag = vault_row_owner(v, owner);
	struct vault_key k;
	uint8_t after[9];
	struct store_range range = { .table = STORE_TABLE_item };
	struct vault_rows rows;
	struct vault_item *list;
	int r;

	key_of(v, tag, kind, STR_NONE, &k);
	range.from = str_make((const char *)k.p, 9);
	if (store_key_after(range.from, after))
		range.to = str_make((const char *)after, 9);
	r = vault_row_collect(v, &range, a, &rows);
	list = r == 0 ? arena_alloc(a, (rows.n + 1) * sizeof(*list)) : NULL;
	if (!list)
		return r < 0 ? r : ERR_LIMIT;
	for (size_t i = 0; i < rows.n && r == 0; i++) {
		struct str plain;

		r = vault_row_open(v, STORE_TABLE_item, rows.v[i].key, tag, rows.v[i].value, a, &plain);
		if (r == 0)
			r = unpack(plain, &list[i]);
	}
	if (r < 0)
		return r == ERR_NOT_FOUND ? ERR_CORRUPT : r;
	*ret = list;
	*ret_n = rows.n;
	return 0;
}

/* Keys of this kind behind 'tag'; of all when it is 0, which no tag is. */
struct span {
	struct vault_key from;
	uint8_t to[9];
	struct store_range range;
};

static void span_of(uint64_t owner, enum vault_kind kind, uint64_t tag, struct span *ret)
{
	struct str prefix;

	*ret = (struct span){ .range.table = STORE_TABLE_item };
	vault_key_u64(&ret->from, owner);
	ret->from.p[ret->from.n++] = (uint8_t)kind;
	prefix = vault_key_str(&ret->from);
	if (store_key_after(prefix, ret->to))
		ret->range.to = str_make((const char *)ret->to, prefix.n);
	vault_key_u64(&ret->from, tag);
	if (tag)
		ret->from.p[ret->from.n++] = 0;		/* the smallest key behind that one */
	ret->range.from = vault_key_str(&ret->from);
}

int vault_item_count(struct vault *v, struct str owner, enum vault_kind kind, uint64_t *ret)
{
	struct span s;

	span_of(vault_row_owner(v, owner), kind, 0, &s);
	return store_count(v->store, &s.range, ret);
}

int vault_item_next(struct vault *v, struct str owner, enum vault_kind kind, struct vault_item_at *at, struct arena *a,
		    struct vault_item *ret)
{
	uint64_t tag = vault_row_owner(v, owner);
	struct vault_rows rows;
	struct str plain;
	struct span s;
	int r;

	span_of(tag, kind, at->tag, &s);
	s.range.max = 1;
	r = vault_row_collect(v, &s.range, a, &rows);
	if (r < 0 || rows.n == 0)
		return r < 0 ? r : ERR_NOT_FOUND;
	r = vault_row_open(v, STORE_TABLE_item, rows.v[0].key, tag, rows.v[0].value, a, &plain);
	if (r < 0)
		return r == ERR_NOT_FOUND ? ERR_CORRUPT : r;
	if (rows.v[0].key.n != 17)
		return ERR_CORRUPT;
	at->tag = store_number(rows.v[0].key.p + 9);
	return unpack(plain, ret);
}
