/* store_sqlite.c - the embedded back end: one SQLite file in WAL mode.
 *
 * One connection with the exclusive lock, so the index of the WAL stays on the heap and no shared
 * memory file is made. Every statement is prepared once. synchronous=FULL: a commit is on disk.
 */
#include <errno.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/check.h"
#include "base/limits.h"
#include "store/store.h"

#define SQLITE_MAGIC 0x5017e001u
#define APPLICATION_ID 0x57524d44	/* "WRMD" in the file's head */
#define CACHE_KIB 2048
#define CHECKPOINT_PAGES 2000		/* 8 MiB of WAL: long enough to write a page once, short enough to recover at once */

enum verb { PUT, GET, SCAN, SCAN_TAG, SCAN_BACK, SCAN_BACK_TAG, COUNT, COUNT_TAG, REMOVE, REMOVE_TAG, VERBS };

/* The words before and after the table's name. */
static const char *const verb_sql[VERBS][2] = {
	[PUT] = { "INSERT OR REPLACE INTO", "(k,t,v) VALUES(?1,?2,?3)" },
	[GET] = { "SELECT t,v FROM", "WHERE k=?1" },
	[SCAN] = { "SELECT k,t,v FROM", "WHERE k>=?1 AND k<?2 ORDER BY k LIMIT ?4" },
	[SCAN_TAG] = { "SELECT k,t,v FROM", "WHERE k>=?1 AND k<?2 AND t=?3 ORDER BY k LIMIT ?4" },
	[SCAN_BACK] = { "SELECT k,t,v FROM", "WHERE k>=?1 AND k<?2 ORDER BY k DESC LIMIT ?4" },
	[SCAN_BACK_TAG] = { "SELECT k,t,v FROM", "WHERE k>=?1 AND k<?2 AND t=?3 ORDER BY k DESC LIMIT ?4" },
	[COUNT] = { "SELECT count(*) FROM (SELECT 1 FROM", "WHERE k>=?1 AND k<?2 LIMIT ?4)" },
	[COUNT_TAG] = { "SELECT count(*) FROM (SELECT 1 FROM", "WHERE k>=?1 AND k<?2 AND t=?3 LIMIT ?4)" },
	[REMOVE] = { "DELETE FROM", "WHERE k>=?1 AND k<?2" },
	[REMOVE_TAG] = { "DELETE FROM", "WHERE k>=?1 AND k<?2 AND t=?3" },
};

struct sqlite {
	struct store store;
	CHECK_MAGIC;
	sqlite3 *db;
	sqlite3_stmt *begin, *commit, *rollback;
	sqlite3_stmt *stmt[STORE_TABLES][VERBS];	/* prepared at first use */
	bool erasing;				/* this transaction erases */
	bool lingers;				/* what was erased may still be in the WAL */
};

static struct sqlite *sqlite_of(struct store *s)
{
	struct sqlite *q = (struct sqlite *)s;

	CHECK_OBJ(q, SQLITE_MAGIC);
	return q;
}

/* SQLite's result codes in our words. */
static int sqlite_err(const struct sqlite *q, int rc)
{
	switch (rc & 0xff) {
	case SQLITE_OK:
	case SQLITE_DONE:
	case SQLITE_ROW:
		return 0;
	case SQLITE_FULL:
		return ERR_FULL;
	case SQLITE_NOMEM:
		return ERR_NOMEM;
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
		return ERR_LOCKED;
	case SQLITE_CORRUPT:
	case SQLITE_NOTADB:
		return ERR_CORRUPT;
	case SQLITE_TOOBIG:
		return ERR_LIMIT;
	case SQLITE_IOERR:
		return q->db && sqlite3_system_errno(q->db) == ENOSPC ? ERR_FULL : ERR_IO;
	default:
		return ERR_IO;
	}
}

static int prepare(struct sqlite *q, const char *sql, sqlite3_stmt **ret)
{
	return sqlite_err(q, sqlite3_prepare_v3(q->db, sql, -1, SQLITE_PREPARE_PERSISTENT, ret, NULL));
}

static int statement(struct sqlite *q, enum store_table table, enum verb verb, sqlite3_stmt **ret)
{
	char sql[160];
	int r;

	if (!q->stmt[table][verb]) {
		snprintf(sql, sizeof(sql), "%s %s %s", verb_sql[verb][0], store_table_name(table), verb_sql[verb][1]);
		r = prepare(q, sql, &q->stmt[table][verb]);
		if (r < 0)
			return r;
	}
	*ret = q->stmt[table][verb];
	return 0;
}

static int run(struct sqlite *q, sqlite3_stmt *st)
{
	int rc = sqlite3_step(st), r = sqlite_err(q, rc);

	sqlite3_reset(st);
	return r;
}

static int exec(struct sqlite *q, const char *sql)
{
	return sqlite_err(q, sqlite3_exec(q->db, sql, NULL, NULL, NULL));
}

/* --- opening ------------------------------------------------------------------------------------- */

static int one_number(struct sqlite *q, const char *sql, int64_t *ret)
{
	sqlite3_stmt *st = NULL;
	int r = prepare(q, sql, &st);

	if (r == 0) {
		int rc = sqlite3_step(st);

		r = rc == SQLITE_ROW ? 0 : rc == SQLITE_DONE ? ERR_NOT_FOUND : sqlite_err(q, rc);
		if (r == 0)
			*ret = sqlite3_column_int64(st, 0);
	}
	sqlite3_finalize(st);
	return r;
}

/* Also those that an older program did not know: nothing that is there changes, so the schema is the same. */
static int create_tables(struct sqlite *q)
{
	int r = exec(q, "BEGIN IMMEDIATE");

	for (int t = 0; t < STORE_TABLES && r == 0; t++) {
		char sql[192];
		bool number = store_table_is_number((enum store_table)t);

		snprintf(sql, sizeof(sql), "CREATE TABLE IF NOT EXISTS %s(k %s PRIMARY KEY NOT NULL,t INTEGER NOT NULL,v BLOB NOT NULL)%s",
			 store_table_name((enum store_table)t), number ? "INTEGER" : "BLOB", number ? "" : "WITHOUT ROWID");
		r = exec(q, sql);
	}
	if (r == 0) {
		char sql[96];

		snprintf(sql, sizeof(sql), "PRAGMA application_id=%d;PRAGMA user_version=%d", APPLICATION_ID, STORE_SCHEMA);
		r = exec(q, sql);
	}
	if (r == 0)
		r = exec(q, "COMMIT");
	return r;
}

static int check_schema(struct sqlite *q, const struct store_conf *conf)
{
	int64_t id = 0, version = 0;
	int r = one_number(q, "PRAGMA application_id", &id);

	if (r == 0)
		r = one_number(q, "PRAGMA user_version", &version);
	if (r < 0)
		return r;
	if (id == 0 && version == 0)
		return create_tables(q);
	if (id != APPLICATION_ID) {
		if (conf->ret_why)
			*conf->ret_why = arena_printf(conf->a, "%s/wardroom.db is not a database of this server", conf->dir);
		return ERR_CORRUPT;
	}
	if (version > STORE_SCHEMA) {
		if (conf->ret_why)
			*conf->ret_why = arena_printf(conf->a, "%s/wardroom.db was written by a newer version (schema %lld, "
						      "this program knows %d); use the newer program, or restore a backup",
						      conf->dir, (long long)version, STORE_SCHEMA);
		return ERR_VERSION;
	}
	return create_tables(q);
}

static int set_up(struct sqlite *q, const struct store_conf *conf)
{
	char sql[512];
	int r;

	/* The page size counts for a new file only. secure_delete: what is removed is overwritten. */
	snprintf(sql, sizeof(sql),
		 "PRAGMA page_size=4096;PRAGMA locking_mode=EXCLUSIVE;PRAGMA journal_mode=WAL;PRAGMA synchronous=FULL;"
		 "PRAGMA temp_store=MEMORY;PRAGMA cache_size=-%d;PRAGMA secure_delete=ON;PRAGMA wal_autocheckpoint=%d;"
		 "PRAGMA trusted_schema=OFF;PRAGMA cell_size_check=ON;PRAGMA journal_size_limit=%d", CACHE_KIB,
		 CHECKPOINT_PAGES, 2 * CHECKPOINT_PAGES * 4096);
	r = exec(q, sql);
	if (r == 0)
		r = check_schema(q, conf);
	/* Takes the exclusive lock now, not at the first write. */
	if (r == 0)
		r = exec(q, "BEGIN EXCLUSIVE;COMMIT");
	if (r == 0)
		r = prepare(q, "BEGIN IMMEDIATE", &q->begin);
	if (r == 0)
		r = prepare(q, "COMMIT", &q->commit);
	if (r == 0)
		r = prepare(q, "ROLLBACK", &q->rollback);
	return r;
}

static void close_sqlite(struct store **s)
{
	struct sqlite *q = sqlite_of(*s);

	for (int t = 0; t < STORE_TABLES; t++)
		for (int v = 0; v < VERBS; v++)
			sqlite3_finalize(q->stmt[t][v]);
	sqlite3_finalize(q->begin);
	sqlite3_finalize(q->commit);
	sqlite3_finalize(q->rollback);
	sqlite3_close(q->db);
	q->magic = 0;
	free(q);
	*s = NULL;
}

static void explain(const struct sqlite *q, const struct store_conf *conf, int r)
{
	if (!conf->ret_why || conf->ret_why->n)
		return;
	if (r == ERR_LOCKED)
		*conf->ret_why = arena_printf(conf->a, "%s/wardroom.db is in use by another process", conf->dir);
	else
		*conf->ret_why = arena_printf(conf->a, "cannot open %s/wardroom.db: %s (%s)", conf->dir, err_text(r),
					      q->db ? sqlite3_errmsg(q->db) : "no memory");
}

static int open_sqlite(const struct store_conf *conf, struct store **ret)
{
	struct sqlite *q = calloc(1, sizeof(*q));
	struct store *s;
	char path[4096];
	int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE, r, fd;

	if (conf->ret_why)
		*conf->ret_why = STR_NONE;
	if (!q)
		return ERR_NOMEM;
	q->magic = SQLITE_MAGIC;
	q->store.ops = &store_sqlite;
	s = &q->store;
	if ((size_t)snprintf(path, sizeof(path), "%s/wardroom.db", conf->dir) >= sizeof(path)) {
		close_sqlite(&s);
		return ERR_LIMIT;
	}
	/* SQLite gives the WAL the mode of the database file. */
	fd = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW | (conf->create ? O_CREAT : 0), 0600);
	if (fd < 0) {
		r = errno == ENOENT ? ERR_NOT_FOUND : errno == ENOSPC ? ERR_FULL : ERR_IO;
		if (conf->ret_why)
			*conf->ret_why = arena_printf(conf->a, "cannot open %s: %s", path, strerror(errno));
		close_sqlite(&s);
		return r;
	}
	close(fd);
	r = sqlite_err(q, sqlite3_open_v2(path, &q->db, flags, NULL));
	if (r == 0)
		r = set_up(q, conf);
	if (r < 0) {
		explain(q, conf, r);
		close_sqlite(&s);
		return r;
	}
	*ret = s;
	return 0;
}

/* --- transactions ---------------------------------------------------------------------------------- */

static int begin_sqlite(struct store *s)
{
	struct sqlite *q = sqlite_of(s);

	return run(q, q->begin);
}

static int commit_sqlite(struct store *s)
{
	struct sqlite *q = sqlite_of(s);
	int r;

	r = run(q, q->commit);
	if (r < 0)
		return r;
	q->lingers = q->lingers || q->erasing;
	q->erasing = false;
	/* secure_delete has overwritten it in the pages; it must leave the WAL as well. A failure here is not one of
	 * the commit: the next one tries again. */
	if (q->lingers && sqlite3_wal_checkpoint_v2(q->db, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL) == SQLITE_OK)
		q->lingers = false;
	return 0;
}

static void rollback_sqlite(struct store *s)
{
	struct sqlite *q = sqlite_of(s);

	/* SQLite has rolled back itself after some errors (disk full). */
	if (!sqlite3_get_autocommit(q->db))
		(void)run(q, q->rollback);
	q->erasing = false;
}

/* --- rows -------------------------------------------------------------------------------------------- */

static int bind_bytes(sqlite3_stmt *st, int at, struct str s)
{
	/* Static: bound again or reset before the bytes go. An empty blob must not become NULL. */
	return sqlite3_bind_blob64(st, at, s.n ? s.p : "", s.n, SQLITE_STATIC);
}

static int bind_key(sqlite3_stmt *st, int at, enum store_table table, struct str key)
{
	if (store_table_is_number(table))
		return sqlite3_bind_int64(st, at, (int64_t)store_number(key.p));
	return bind_bytes(st, at, key);
}

static int put_sqlite(struct store *s, enum store_table table, struct str key, uint64_t tag, struct str value)
{
	struct sqlite *q = sqlite_of(s);
	sqlite3_stmt *st;
	int r;

	r = statement(q, table, PUT, &st);
	if (r < 0)
		return r;
	bind_key(st, 1, table, key);
	sqlite3_bind_int64(st, 2, (int64_t)tag);
	bind_bytes(st, 3, value);
	return run(q, st);
}

static struct str column(sqlite3_stmt *st, int at)
{
	const void *p = sqlite3_column_blob(st, at);

	return str_make(p ? p : "", p ? (size_t)sqlite3_column_bytes(st, at) : 0);
}

static int get_sqlite(struct store *s, enum store_table table, struct str key, struct arena *a, struct store_row *ret)
{
	struct sqlite *q = sqlite_of(s);
	sqlite3_stmt *st;
	struct store_row row = { 0 };
	int r = statement(q, table, GET, &st), rc;

	if (r < 0)
		return r;
	bind_key(st, 1, table, key);
	rc = sqlite3_step(st);
	if (rc == SQLITE_ROW) {
		row.tag = (uint64_t)sqlite3_column_int64(st, 0);
		row.value = arena_str(a, column(st, 1));
		row.key = arena_str(a, key);
		r = row.key.p && row.value.p ? 0 : ERR_LIMIT;
	} else {
		r = rc == SQLITE_DONE ? ERR_NOT_FOUND : sqlite_err(q, rc);
	}
	sqlite3_reset(st);
	if (r == 0)
		*ret = row;
	return r;
}

/* Above every key of the table. */
static const char top_key[STORE_KEY + 1] = { [0 ... STORE_KEY] = '\xff' };

static int range_statement(struct sqlite *q, const struct store_range *g, enum verb verb, sqlite3_stmt **ret)
{
	int r = statement(q, g->table, (enum verb)(verb + g->by_tag), ret);

	if (r < 0)
		return r;
	if (store_table_is_number(g->table)) {
		sqlite3_bind_int64(*ret, 1, g->from.n ? (int64_t)store_number(g->from.p) : 0);
		sqlite3_bind_int64(*ret, 2, g->to.n && !(g->to.p[0] & 0x80) ? (int64_t)store_number(g->to.p) : INT64_MAX);
	} else {
		bind_bytes(*ret, 1, g->from);
		bind_bytes(*ret, 2, g->to.n ? g->to : str_make(top_key, sizeof(top_key)));
	}
	if (g->by_tag)
		sqlite3_bind_int64(*ret, 3, (int64_t)g->tag);
	return 0;
}

static void show_key(sqlite3_stmt *st, enum store_table table, uint8_t number[8], struct str *ret)
{
	if (store_table_is_number(table)) {
		store_key_number((uint64_t)sqlite3_column_int64(st, 0), number);
		*ret = str_make((const char *)number, 8);
	} else {
		*ret = column(st, 0);
	}
}

static int scan_sqlite(struct store *s, const struct store_range *g, store_row_fn *fn, void *ctx)
{
	struct sqlite *q = sqlite_of(s);
	sqlite3_stmt *st;
	int r = range_statement(q, g, g->backward ? SCAN_BACK : SCAN, &st), rc = SQLITE_DONE;

	if (r < 0)
		return r;
	sqlite3_bind_int64(st, 4, g->max ? (int64_t)g->max : -1);
	while (r == 0 && (rc = sqlite3_step(st)) == SQLITE_ROW) {
		uint8_t number[8];
		struct store_row row = { .tag = (uint64_t)sqlite3_column_int64(st, 1), .value = column(st, 2) };

		show_key(st, g->table, number, &row.key);
		r = fn(ctx, &row);
	}
	sqlite3_reset(st);
	if (r != 0)
		return r < 0 ? r : 0;
	return sqlite_err(q, rc);
}

static int count_sqlite(struct store *s, const struct store_range *g, uint64_t *ret)
{
	struct sqlite *q = sqlite_of(s);
	sqlite3_stmt *st;
	int r = range_statement(q, g, COUNT, &st), rc;

	if (r < 0)
		return r;
	sqlite3_bind_int64(st, 4, g->max ? (int64_t)g->max : -1);
	rc = sqlite3_step(st);
	r = rc == SQLITE_ROW ? 0 : rc == SQLITE_DONE ? ERR_CORRUPT : sqlite_err(q, rc);
	if (r == 0)
		*ret = (uint64_t)sqlite3_column_int64(st, 0);
	sqlite3_reset(st);
	return r;
}

static int remove_sqlite(struct store *s, const struct store_range *g, bool erase, uint64_t *ret_n)
{
	struct sqlite *q = sqlite_of(s);
	sqlite3_stmt *st;
	int r;

	r = range_statement(q, g, REMOVE, &st);
	if (r < 0)
		return r;
	q->erasing = q->erasing || erase;
	r = run(q, st);
	if (r == 0)
		*ret_n = (uint64_t)sqlite3_changes64(q->db);
	return r;
}

const struct store_ops store_sqlite = {
	.name = "sqlite",
	.open = open_sqlite,
	.close = close_sqlite,
	.begin = begin_sqlite,
	.commit = commit_sqlite,
	.rollback = rollback_sqlite,
	.put = put_sqlite,
	.get = get_sqlite,
	.scan = scan_sqlite,
	.count = count_sqlite,
	.remove = remove_sqlite,
};
