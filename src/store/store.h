/* store.h - the one door to persistent data: dumb sealed rows.
 *
 * A row is (table, key) -> (tag, value). Keys are ordered as bytes, tags are compared for equality
 * only. Everything that means something was sealed above (vault/): a back end never sees
 * plaintext or a key of the keyring. No SQL exists outside a back end.
 *
 * Ownership  Results of get live in the caller's arena. Rows shown by scan live during the call back.
 * Threads    One at a time.
 * Atomicity  Every write stands between begin and commit; commit returning 0 means durable.
 *            After a failed write every write and the commit fail too: only rollback is left, also
 *            after a failed commit. Reads see the own transaction.
 * Limits     Keys up to STORE_KEY bytes, values up to LIMIT_VALUE_BYTES: ERR_LIMIT.
 * Errors     ERR_NOT_FOUND, ERR_FULL (disk), ERR_IO, ERR_LOCKED, ERR_CORRUPT, ERR_VERSION, ERR_NOMEM.
 */
#ifndef STORE_STORE_H
#define STORE_STORE_H

#include "base/arena.h"
#include "base/err.h"

#define STORE_KEY 2048
#define STORE_SCHEMA 1

enum store_table {
#define TABLE(name, kind) STORE_TABLE_##name,
#include "store/store.def"
#undef TABLE
	STORE_TABLES
};

struct store;

struct store_conf {
	const char *dir;		/* of wardroom.db; not used in memory */
	bool create;
	struct arena *a;		/* for why */
	struct str *ret_why;		/* a sentence for the operator when open fails; may be NULL */
};

struct store_row {
	struct str key;
	uint64_t tag;
	struct str value;
};

/* Rows with from <= key < to; an empty 'to' means to the end of the table. */
struct store_range {
	enum store_table table;
	struct str from, to;
	bool by_tag;			/* only rows with this tag */
	uint64_t tag;
	bool backward;
	size_t max;			/* 0: all; of scan and count */
};

/* 0: go on; 1: enough; negative: stop, and scan returns it. Makes no call on the store. */
typedef int store_row_fn(void *ctx, const struct store_row *row);

struct store_ops {
	const char *name;
	int (*open)(const struct store_conf *conf, struct store **ret);
	void (*close)(struct store **s);
	int (*begin)(struct store *s);
	int (*commit)(struct store *s);
	void (*rollback)(struct store *s);
	int (*put)(struct store *s, enum store_table table, struct str key, uint64_t tag, struct str value);
	int (*get)(struct store *s, enum store_table table, struct str key, struct arena *a, struct store_row *ret);
	int (*scan)(struct store *s, const struct store_range *range, store_row_fn *fn, void *ctx);
	int (*count)(struct store *s, const struct store_range *range, uint64_t *ret);
	/* erase: after the commit no byte of the values is left in any file (key shredding). */
	int (*remove)(struct store *s, const struct store_range *range, bool erase, uint64_t *ret_n);
};

/* Every back end's struct begins with this. */
struct store {
	const struct store_ops *ops;
	bool in_txn;
	int failed;			/* a write of this transaction failed: it cannot be committed */
};

extern const struct store_ops store_sqlite, store_memory;

MUST_CHECK int store_open(const struct store_ops *ops, const struct store_conf *conf, struct store **ret);
void store_close(struct store **s);
MUST_CHECK int store_begin(struct store *s);
MUST_CHECK int store_commit(struct store *s);
void store_rollback(struct store *s);
MUST_CHECK int store_put(struct store *s, enum store_table table, struct str key, uint64_t tag, struct str value);
MUST_CHECK int store_get(struct store *s, enum store_table table, struct str key, struct arena *a, struct store_row *ret);
MUST_CHECK int store_scan(struct store *s, const struct store_range *range, store_row_fn *fn, void *ctx);
MUST_CHECK int store_count(struct store *s, const struct store_range *range, uint64_t *ret);
MUST_CHECK int store_remove(struct store *s, const struct store_range *range, bool erase, uint64_t *ret_n);

const char *store_table_name(enum store_table table);
bool store_table_is_number(enum store_table table);
/* The smallest key above every key that starts with these bytes; false when there is none. ret has n bytes. */
bool store_key_after(struct str prefix, uint8_t *ret);
void store_key_number(uint64_t v, uint8_t ret[8]);
uint64_t store_number(const char *p);

#endif
