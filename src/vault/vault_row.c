/* vault_row.c - see vault_row.h. The only place where rows are sealed and opened. */
#include "vault/vault_row.h"

static uint64_t mac_tag(struct vault *v, const struct str *parts, size_t n)
{
	uint8_t mac[SEAL_MAC];
	uint64_t tag;

	seal_mac(v->tags, parts, n, mac);
	tag = store_number((const char *)mac);
	return tag ? tag : 1;
}

uint64_t vault_row_tag(struct vault *v, char use, uint64_t owner, struct str text)
{
	struct vault_key k = { 0 };
	struct str parts[2];

	k.p[k.n++] = (uint8_t)use;
	vault_key_u64(&k, owner);
	parts[0] = vault_key_str(&k);
	parts[1] = text;
	return mac_tag(v, parts, ARRAY_SIZE(parts));
}

/* A full cache starts anew: simpler than an order of use, and as good for a working set that fits. */
static void remember(struct map **cache, struct str key, uint64_t tag)
{
	if (map_count(*cache) >= LIMIT_TAG_CACHE) {
		struct map *fresh = map_new(LIMIT_TAG_CACHE);

		if (!fresh)
			return;
		map_free(cache);
		*cache = fresh;
	}
	if (map_put(*cache, key, (void *)(uintptr_t)tag) < 0)
		return;		/* only slower */
}

uint64_t vault_row_owner(struct vault *v, struct str jid)
{
	uint64_t tag = (uintptr_t)map_get(v->owners, jid);

	if (tag)
		return tag;
	tag = vault_row_tag(v, 'o', 0, jid);
	remember(&v->owners, jid, tag);
	return tag;
}

uint64_t vault_row_stream(struct vault *v, struct str id)
{
	uint64_t tag = (uintptr_t)map_get(v->streams, id);

	if (tag)
		return tag;
	tag = vault_row_tag(v, 's', 0, id);
	remember(&v->streams, id, tag);
	return tag;
}

uint64_t vault_row_peer(struct vault *v, uint64_t owner, struct str jid)
{
	char key[8 + LIMIT_JID];
	struct str k = { key, 8 + jid.n };
	uint64_t tag;

	if (jid.n > LIMIT_JID)
		return vault_row_tag(v, 'p', owner, jid);
	memcpy(key, &owner, 8);
	if (jid.n)
		memcpy(key + 8, jid.p, jid.n);
	tag = (uintptr_t)map_get(v->peers, k);
	if (tag)
		return tag;
	tag = vault_row_tag(v, 'p', owner, jid);
	remember(&v->peers, k, tag);
	return tag;
}

/* --- keys ---------------------------------------------------------------------------------------- */

static void place(struct vault_key *k, uint64_t owner, uint32_t month)
{
	vault_key_u64(k, owner);
	for (int i = 0; i < 4; i++)
		k->p[k->n++] = (uint8_t)(month >> (24 - 8 * i));
}

static int make_key(struct vault *v, struct str key, uint64_t owner, uint32_t month, struct seal **ret)
{
	uint8_t wrapped[KEYRING_WRAPPED];
	int r = keyring_new_key(v->keyring, owner, month, wrapped, ret);

	if (r < 0)
		return r;
	v->new_keys = true;
	r = vault_row_put_plain(v, STORE_TABLE_keys, key, 0, str_make((const char *)wrapped, sizeof(wrapped)));
	if (r < 0)
		keyring_forget(v->keyring, owner, month);
	return r;
}

int vault_row_key(struct vault *v, uint64_t owner, uint32_t month, bool create, struct seal **ret)
{
	struct seal *s = keyring_get(v->keyring, owner, month);
	struct vault_key k = { 0 };
	struct store_row row;
	int r;

	if (s) {
		*ret = s;
		return 0;
	}
	place(&k, owner, month);
	arena_clear(v->tmp);
	r = store_get(v->store, STORE_TABLE_keys, vault_key_str(&k), v->tmp, &row);
	if (r == 0)
		return keyring_load(v->keyring, owner, month, row.value, ret);
	if (r != ERR_NOT_FOUND || !create)
		return r;
	return make_key(v, vault_key_str(&k), owner, month, ret);
}

/* --- rows ---------------------------------------------------------------------------------------- */

#define AAD_MAX (1 + 8 + 4 + STORE_KEY)

static int aad_of(enum store_table table, uint64_t owner, uint32_t month, struct str key, uint8_t p[AAD_MAX],
		  struct str *ret)
{
	struct vault_key k = { 0 };

	if (key.n > STORE_KEY)
		return ERR_LIMIT;
	k.p[k.n++] = (uint8_t)table;
	place(&k, owner, month);
	memcpy(p, k.p, k.n);
	memcpy(p + k.n, key.p, key.n);
	*ret = str_make((const char *)p, k.n + key.n);
	return 0;
}

int vault_row_put_plain(struct vault *v, enum store_table table, struct str key, uint64_t tag, struct str value)
{
	v->changes++;		/* also when it fails: the caller must roll back */
	return store_put(v->store, table, key, tag, value);
}

int vault_row_put(struct vault *v, enum store_table table, struct str key, uint64_t tag, uint64_t owner, uint32_t month,
		  struct str plain)
{
	uint8_t aad_bytes[AAD_MAX];
	struct str aad;
	struct seal *s;
	int r = aad_of(table, owner, month, key, aad_bytes, &aad);

	if (r == 0)
		r = vault_row_key(v, owner, month, true, &s);
	if (r < 0)
		return r;
	buf_clear(&v->sealed);
	vault_pack_u32(&v->sealed, month);
	r = buf_reserve(&v->sealed, plain.n + SEAL_EXTRA);
	if (r == 0)
		r = seal_close(s, aad, plain, (uint8_t *)v->sealed.p + v->sealed.n);
	if (r < 0)
		return r;
	v->sealed.n += plain.n + SEAL_EXTRA;
	return vault_row_put_plain(v, table, key, tag, buf_str(&v->sealed));
}

int vault_row_open(struct vault *v, enum store_table table, struct str key, uint64_t owner, struct str value,
		   struct arena *a, struct str *ret)
{
	uint8_t aad_bytes[AAD_MAX];
	struct vault_unpack u = { .rest = value };
	uint32_t month = vault_unpack_u32(&u);
	struct str aad;
	struct seal *s;
	char *plain;
	int r;

	if (u.bad || u.rest.n < SEAL_EXTRA)
		return ERR_CORRUPT;
	r = aad_of(table, owner, month, key, aad_bytes, &aad);
	if (r == 0)
		r = vault_row_key(v, owner, month, false, &s);
	if (r < 0)
		return r;
	plain = arena_alloc(a, u.rest.n - SEAL_EXTRA + 1);
	if (!plain)
		return ERR_LIMIT;
	r = seal_open(s, aad, u.rest, (uint8_t *)plain);
	if (r == 0)
		*ret = str_make(plain, u.rest.n - SEAL_EXTRA);
	return r;
}

int vault_row_get(struct vault *v, enum store_table table, struct str key, uint64_t owner, struct arena *a,
		  struct str *ret)
{
	struct store_row row;
	int r = store_get(v->store, table, key, a, &row);

	if (r < 0)
		return r;
	r = vault_row_open(v, table, key, owner, row.value, a, ret);
	return r == ERR_NOT_FOUND ? ERR_CORRUPT : r;
}

int vault_row_remove(struct vault *v, enum store_table table, struct str from, struct str to, bool erase)
{
	uint64_t n;

	v->changes++;
	return store_remove(v->store, &(struct store_range){ .table = table, .from = from, .to = to }, erase, &n);
}

static int remove_one(struct vault *v, enum store_table table, struct str key, bool erase)
{
	char after[STORE_KEY];
	uint8_t next[8];

	if (key.n >= STORE_KEY)
		return 0;
	if (store_table_is_number(table)) {
		store_key_number(store_number(key.p) + 1, next);
		return vault_row_remove(v, table, key, str_make((const char *)next, 8), erase);
	}
	memcpy(after, key.p, key.n);
	after[key.n] = 0;
	return vault_row_remove(v, table, key, str_make(after, key.n + 1), erase);
}

int vault_row_remove_one(struct vault *v, enum store_table table, struct str key)
{
	return remove_one(v, table, key, false);
}

int vault_row_erase_one(struct vault *v, enum store_table table, struct str key)
{
	return remove_one(v, table, key, true);
}

int vault_row_remove_prefix(struct vault *v, enum store_table table, struct str prefix, bool erase)
{
	uint8_t after[40];

	CHECK(prefix.n <= sizeof(after));
	if (!store_key_after(prefix, after))
		return vault_row_remove(v, table, prefix, STR_NONE, erase);
	return vault_row_remove(v, table, prefix, str_make((const char *)after, prefix.n), erase);
}

struct buf *vault_row_pack(struct vault *v)
{
	buf_clear(&v->plain);
	return &v->plain;
}

static int collect(void *ctx, const struct store_row *row)
{
	struct vault_rows *rows = ctx;
	struct store_row copy = { arena_str(rows->a, row->key), row->tag, arena_str(rows->a, row->value) };

	if (!copy.key.p || !copy.value.p)
		return ERR_LIMIT;
	if (rows->n == rows->cap) {
		size_t cap = rows->cap ? rows->cap * 2 : 16;
		struct store_row *grown = arena_alloc(rows->a, cap * sizeof(*grown));

		if (!grown)
			return ERR_LIMIT;
		if (rows->n)
			memcpy(grown, rows->v, rows->n * sizeof(*grown));
		rows->v = grown;
		rows->cap = cap;
	}
	rows->v[rows->n++] = copy;
	return 0;
}

int vault_row_collect(struct vault *v, const struct store_range *range, struct arena *a, struct vault_rows *ret)
{
	*ret = (struct vault_rows){ .a = a };
	return store_scan(v->store, range, collect, ret);
}
