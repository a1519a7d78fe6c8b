/* vault_account.c - accounts: the name readable, everything about it sealed with the name as associated data. */
#include "vault/vault_device.h"
#include "vault/vault_row.h"

#define ACCOUNT_BYTES (64 * 1024)

static int pack(struct vault *v, const struct vault_account *acc)
{
	struct buf *b = vault_row_pack(v);

	vault_pack_u32(b, acc->role);
	vault_pack_u32(b, acc->state);
	vault_pack_u64(b, acc->created_ms);
	vault_pack_str(b, acc->state_reason);
	vault_pack_str(b, acc->credentials);
	return b->failed ? ERR_LIMIT : 0;
}

static int unpack(struct str jid, struct str plain, struct vault_account *ret)
{
	struct vault_unpack u = { .rest = plain };
	struct vault_account acc = { .jid = jid };
	uint32_t role = vault_unpack_u32(&u), state = vault_unpack_u32(&u);

	acc.created_ms = vault_unpack_u64(&u);
	acc.state_reason = vault_unpack_str(&u);
	acc.credentials = vault_unpack_str(&u);
	if (vault_unpack_end(&u) < 0 || role > ROLE_ADMIN || state > ACCOUNT_DECOY)
		return ERR_CORRUPT;
	acc.role = (enum vault_role)role;
	acc.state = (enum vault_state)state;
	*ret = acc;
	return 0;
}

static int write(struct vault *v, const struct vault_account *acc)
{
	int r = pack(v, acc);

	if (r < 0)
		return r;
	return vault_row_put(v, STORE_TABLE_account, acc->jid, 0, v->purpose[PURPOSE_ACCOUNT], VAULT_STANDING,
			     buf_str(&v->plain));
}

static int exists(struct vault *v, struct str jid)
{
	struct store_row row;

	arena_clear(v->tmp);
	return store_get(v->store, STORE_TABLE_account, jid, v->tmp, &row);
}

int vault_account_add(struct vault *v, const struct vault_account *acc)
{
	int r = exists(v, acc->jid);

	if (r != ERR_NOT_FOUND)
		return r < 0 ? r : ERR_CONFLICT;
	return write(v, acc);
}

int vault_account_set(struct vault *v, const struct vault_account *acc)
{
	struct arena *a = arena_new(ACCOUNT_BYTES);
	struct vault_account old;
	int r = a ? vault_account_get(v, acc->jid, a, &old) : ERR_NOMEM;

	if (r == 0 && !str_eq(old.credentials, acc->credentials))
		r = vault_device_forget(v, acc->jid);
	if (r == 0)
		r = write(v, acc);
	if (a)
		arena_wipe_on_free(a);
	arena_free(&a);
	return r;
}

int vault_account_rehash(struct vault *v, struct str jid, struct str credentials)
{
	struct arena *a = arena_new(ACCOUNT_BYTES);
	struct vault_account acc;
	int r = a ? vault_account_get(v, jid, a, &acc) : ERR_NOMEM;

	if (r == 0) {
		acc.credentials = credentials;
		r = write(v, &acc);
	}
	if (a)
		arena_wipe_on_free(a);
	arena_free(&a);
	return r;
}

int vault_account_get(struct vault *v, struct str jid, struct arena *a, struct vault_account *ret)
{
	struct str plain, name = arena_str(a, jid);
	int r;

	if (!name.p)
		return ERR_LIMIT;
	r = vault_row_get(v, STORE_TABLE_account, jid, v->purpose[PURPOSE_ACCOUNT], a, &plain);
	return r < 0 ? r : unpack(name, plain, ret);
}

int vault_account_list(struct vault *v, struct str after, size_t max, struct arena *a, struct vault_account **ret,
		       size_t *ret_n)
{
	struct store_range range = { .table = STORE_TABLE_account, .max = max };
	char from[STORE_KEY];
	struct vault_rows rows;
	struct vault_account *list;
	int r;

	if (after.n >= sizeof(from))
		return ERR_NOT_FOUND;
	memcpy(from, after.p, after.n);
	from[after.n] = 0;		/* the smallest key behind it */
	range.from = str_make(from, after.n ? after.n + 1 : 0);
	r = vault_row_collect(v, &range, a, &rows);
	list = r == 0 ? arena_alloc(a, (rows.n + 1) * sizeof(*list)) : NULL;
	if (!list)
		return r < 0 ? r : ERR_LIMIT;
	for (size_t i = 0; i < rows.n && r == 0; i++) {
		struct str plain;

		r = vault_row_open(v, STORE_TABLE_account, rows.v[i].key, v->purpose[PURPOSE_ACCOUNT], rows.v[i].value, a,
				   &plain);
		if (r == 0)
			r = unpack(rows.v[i].key, plain, &list[i]);
	}
	if (r < 0)
		return r == ERR_NOT_FOUND ? ERR_CORRUPT : r;
	*ret = list;
	*ret_n = rows.n;
	return 0;
}

int vault_account_remove(struct vault *v, struct str jid)
{
	static const enum store_table of_owner[] = { STORE_TABLE_item, STORE_TABLE_archive, STORE_TABLE_offline };
	uint64_t owner = vault_row_owner(v, jid);
	struct vault_key k = { 0 };
	int r = exists(v, jid);

	if (r < 0)
		return r;
	r = vault_journal_settle(v);
	if (r < 0)
		return r;
	vault_key_u64(&k, owner);
	r = vault_file_forget(v, owner, VAULT_STANDING);
	if (r == 0)
		r = vault_row_remove_one(v, STORE_TABLE_account, jid);
	/* The keys go first and without a trace: bodies shared with other owners stay readable to those alone. */
	if (r == 0)
		r = vault_row_remove_prefix(v, STORE_TABLE_keys, vault_key_str(&k), true);
	for (size_t i = 0; i < ARRAY_SIZE(of_owner) && r == 0; i++)
		r = vault_row_remove_prefix(v, of_owner[i], vault_key_str(&k), false);
	if (r == 0)
		r = vault_stream_forget(v, owner);
	keyring_forget_all(v->keyring);
	return r < 0 ? r : vault_item_put(v, str_cut(jid, (size_t)(str_find_char(jid, '@') + 1)), ITEM_GONE, jid, STR_NONE);
}
