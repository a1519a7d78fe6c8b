/* vault.c - opening, closing, transactions. See vault.h for the contract, vault_row.h for the inside. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/secret.h"
#include "vault/vault_row.h"

static const char *const purpose_names[PURPOSES] = {
	[PURPOSE_ACCOUNT] = "account", [PURPOSE_STREAM] = "stream", [PURPOSE_HELD] = "held",
	[PURPOSE_FINDING] = "finding", [PURPOSE_SPREAD] = "spread", [PURPOSE_OUTBREAK] = "outbreak",
	[PURPOSE_AUDIT] = "audit",
};

int vault_key_create(const char *keys_dir, struct arena *a, struct str *ret_why)
{
	return keyring_create(keys_dir, a, ret_why);
}

static int new_mac(struct vault *v, const char *purpose, struct seal_mac **ret)
{
	uint8_t key[SEAL_KEY];
	int r;

	keyring_derive(v->keyring, purpose, key);
	r = seal_mac_new(v->lib, key, ret);
	secret_wipe(key, sizeof(key));
	return r;
}

static bool has_rows(struct vault *v, enum store_table table)
{
	uint64_t n = 0;

	return store_count(v->store, &(struct store_range){ .table = table }, &n) < 0 || n > 0;
}

static int make_root(struct vault *v)
{
	uint8_t wrapped[KEYRING_WRAPPED];
	int r = keyring_root_new(v->keyring, wrapped);

	if (r == 0)
		r = store_begin(v->store);
	if (r < 0)
		return r;
	r = store_put(v->store, STORE_TABLE_meta, STR("root"), 0, str_make((const char *)wrapped, sizeof(wrapped)));
	if (r == 0)
		r = store_commit(v->store);
	if (r < 0)
		store_rollback(v->store);
	return r;
}

/* A database without its root key is new, or damaged; one that holds rows is not new. */
static int load_root(struct vault *v)
{
	struct store_row row;
	int r;

	arena_clear(v->tmp);
	r = store_get(v->store, STORE_TABLE_meta, STR("root"), v->tmp, &row);
	if (r == 0)
		return keyring_root_load(v->keyring, row.value);
	if (r != ERR_NOT_FOUND)
		return r;
	if (has_rows(v, STORE_TABLE_keys) || has_rows(v, STORE_TABLE_account) || has_rows(v, STORE_TABLE_audit))
		return ERR_CORRUPT;
	return make_root(v);
}

static int set_up(struct vault *v)
{
	v->tmp = arena_new(64 * 1024);
	v->owners = map_new(LIMIT_TAG_CACHE);
	v->peers = map_new(LIMIT_TAG_CACHE);
	v->streams = map_new(LIMIT_TAG_CACHE);
	buf_init(&v->plain, LIMIT_VALUE_BYTES);
	buf_init(&v->sealed, LIMIT_VALUE_BYTES);
	v->lib = keyring_lib(v->keyring);
	return v->tmp && v->owners && v->peers && v->streams ? 0 : ERR_NOMEM;
}

static int set_keys(struct vault *v)
{
	int r = new_mac(v, "tags", &v->tags);

	if (r == 0)
		r = new_mac(v, "audit entries", &v->audit.entries);
	if (r == 0)
		r = new_mac(v, "audit head", &v->audit.head);
	for (int i = 0; i < PURPOSES && r == 0; i++)
		v->purpose[i] = vault_row_tag(v, 'u', 0, str_of(purpose_names[i]));
	return r;
}

static struct vault *vault_new(void)
{
	struct vault *v = calloc(1, sizeof(*v));

	if (v) {
		v->magic = VAULT_MAGIC;
		v->audit.files[0] = v->audit.files[1] = -1;
	}
	return v;
}

static int fill(struct vault *v, const char *data_dir, const char *keys_dir, struct arena *a, struct str *ret_why)
{
	int r = set_up(v);

	if (r < 0)
		return r;
	r = load_root(v);
	if (r < 0) {
		if (r == ERR_CORRUPT && keys_dir)
			*ret_why = arena_printf(a, "the master key in %s does not open the database in %s; put back the key "
						"that belongs to it", keys_dir, data_dir);
		return r;
	}
	r = set_keys(v);
	if (r == 0)
		r = vault_audit_open(v, data_dir, keys_dir);
	if (r == 0)
		r = vault_journal_open(v);
	if (r == 0)
		r = vault_id_open(v);
	v->ready = r == 0;
	return r;
}

int vault_open(const char *data_dir, const char *keys_dir, bool create, struct arena *a, struct vault **ret,
	       struct str *ret_why)
{
	struct vault *v = vault_new();
	struct store_conf conf = { .dir = data_dir, .create = create, .a = a, .ret_why = ret_why };
	int r;

	*ret_why = STR_NONE;
	if (!v)
		return ERR_NOMEM;
	r = keyring_open(keys_dir, a, &v->keyring, ret_why);
	if (r == 0 && create && mkdir(data_dir, 0700) < 0 && errno != EEXIST) {
		*ret_why = arena_printf(a, "cannot make the folder %s: %s", data_dir, strerror(errno));
		r = errno == ENOSPC ? ERR_FULL : ERR_IO;
	}
	if (r == 0)
		r = store_open(&store_sqlite, &conf, &v->store);
	if (r == 0)
		r = fill(v, data_dir, keys_dir, a, ret_why);
	if (r < 0) {
		if (!ret_why->n)
			*ret_why = arena_printf(a, "cannot open the store in %s: %s", data_dir, err_text(r));
		vault_close(&v);
		return r;
	}
	*ret = v;
	return 0;
}

int vault_open_on(struct store **under, struct vault **ret)
{
	struct vault *v = vault_new();
	struct str why = STR_NONE;
	int r;

	if (!v)
		return ERR_NOMEM;
	r = keyring_open_random(&v->keyring);
	if (r == 0) {
		v->store = *under;
		*under = NULL;
		r = fill(v, NULL, NULL, NULL, &why);
	}
	if (r < 0) {
		vault_close(&v);
		return r;
	}
	*ret = v;
	return 0;
}

int vault_open_memory(struct vault **ret)
{
	struct store *s = NULL;
	int r = store_open(&store_memory, &(struct store_conf){ .create = true }, &s);

	if (r == 0)
		r = vault_open_on(&s, ret);
	store_close(&s);
	return r;
}

void vault_close(struct vault **vp)
{
	struct vault *v = *vp;

	if (!v)
		return;
	CHECK_OBJ(v, VAULT_MAGIC);
	vault_rollback(v);
	/* Only tidiness: the journal is durable, and the next start reads it. */
	if (v->ready && vault_journal_settle(v) < 0)
		v->ready = false;
	vault_journal_close(v);
	vault_audit_close(v);
	store_close(&v->store);
	seal_mac_free(&v->tags);
	map_free(&v->owners);
	map_free(&v->peers);
	map_free(&v->streams);
	arena_free(&v->tmp);
	buf_wipe(&v->plain);
	buf_wipe(&v->sealed);
	keyring_free(&v->keyring);
	v->magic = 0;
	free(v);
	*vp = NULL;
}

int vault_begin(struct vault *v)
{
	CHECK_OBJ(v, VAULT_MAGIC);
	v->new_keys = false;
	return store_begin(v->store);
}

int vault_commit(struct vault *v)
{
	int r;

	CHECK_OBJ(v, VAULT_MAGIC);
	r = vault_journal_before_commit(v);
	if (r == 0)
		r = vault_audit_before_commit(v);
	if (r == 0)
		r = store_commit(v->store);
	if (r < 0) {
		vault_rollback(v);
		return r;
	}
	vault_journal_after_commit(v);
	vault_audit_after_commit(v);
	return 0;
}

void vault_rollback(struct vault *v)
{
	CHECK_OBJ(v, VAULT_MAGIC);
	if (!v->store || !v->store->in_txn)
		return;
	store_rollback(v->store);
	v->audit.now = v->audit.committed;
	vault_journal_rolled_back(v);
	/* A key that was never stored must not seal anything more. */
	if (v->new_keys)
		keyring_forget_all(v->keyring);
	v->new_keys = false;
}

uint64_t vault_changes(const struct vault *v)
{
	return v->changes;
}

void vault_secret(struct vault *v, const char *purpose, uint8_t ret[32])
{
	char named[128];

	CHECK_OBJ(v, VAULT_MAGIC);
	/* Apart from the purposes of the vault itself. */
	CHECK((size_t)snprintf(named, sizeof(named), "outside %s", purpose) < sizeof(named));
	keyring_derive(v->keyring, named, ret);
}
