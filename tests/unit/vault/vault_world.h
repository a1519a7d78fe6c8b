/* vault_world.h - a vault for one test, in memory or below /tmp. Included by the tests of this folder alone. */
#ifndef TEST_VAULT_WORLD_H
#define TEST_VAULT_WORLD_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/check.h"
#include "base/clock.h"
#include "base/limits.h"
#include "vault/vault.h"
#include "vault/vault_row.h"

#define ANNA STR("anna@corp.example")
#define BERT STR("bert@corp.example")
#define CARL STR("carl@corp.example")
#define NOW 1795600000000ull		/* in November 2026 */
#define EARLIER (NOW - 40ull * 86400000)	/* a month before */

struct world {
	char dir[64], data[80], keys[80], db[112];
	bool on_disk;
	struct arena *a;
	struct str why;
	struct vault *v;
};

static inline void world_open(struct world *w)
{
	w->why = STR_NONE;
	if (!w->on_disk)
		assert_int_equal(vault_open_memory(&w->v), 0);
	else
		assert_int_equal(vault_open(w->data, w->keys, true, w->a, &w->v, &w->why), 0);
}

static inline int world_make_memory(void **st)
{
	struct world *w = calloc(1, sizeof(*w));

	w->a = arena_new(256 << 20);
	world_open(w);
	*st = w;
	return 0;
}

static inline int world_make_disk(void **st)
{
	struct world *w = calloc(1, sizeof(*w));

	w->a = arena_new(256 << 20);
	w->on_disk = true;
	strcpy(w->dir, "/tmp/test-vault-XXXXXX");
	assert_non_null(mkdtemp(w->dir));
	snprintf(w->data, sizeof(w->data), "%s/data", w->dir);
	snprintf(w->keys, sizeof(w->keys), "%s/keys", w->dir);
	snprintf(w->db, sizeof(w->db), "%s/wardroom.db", w->data);
	assert_int_equal(vault_key_create(w->keys, w->a, &w->why), 0);
	world_open(w);
	*st = w;
	return 0;
}

static inline int world_drop(void **st)
{
	struct world *w = *st;
	char cmd[128];

	vault_close(&w->v);
	arena_free(&w->a);
	if (w->on_disk) {
		snprintf(cmd, sizeof(cmd), "rm -rf '%s'", w->dir);
		assert_int_equal(system(cmd), 0);
	}
	free(w);
	return 0;
}

/* Closes and opens again; in memory there is nothing to open. */
static inline void world_restart(struct world *w)
{
	if (!w->on_disk)
		return;
	vault_close(&w->v);
	world_open(w);
}

static inline void begin(struct world *w)
{
	assert_int_equal(vault_begin(w->v), 0);
}

static inline void commit(struct world *w)
{
	assert_int_equal(vault_commit(w->v), 0);
}

/* As after a kill: nothing is settled at the end, the next start reads the journal. */
static inline void world_crash(struct world *w)
{
	if (!w->on_disk)
		return;
	w->v->ready = false;
	vault_close(&w->v);
	world_open(w);
}

/* Runs SQL on the closed database. */
static inline void world_sql(struct world *w, const char *sql)
{
	sqlite3 *db;
	char *err = NULL;

	vault_close(&w->v);
	assert_int_equal(sqlite3_open(w->db, &db), SQLITE_OK);
	if (sqlite3_exec(db, sql, NULL, NULL, &err) != SQLITE_OK)
		fail_msg("%s: %s", sql, err);
	sqlite3_close(db);
}

static inline int add(struct world *w, uint64_t id, uint64_t when_ms, struct str from, struct str to, const char *text)
{
	struct vault_message m = { .id = id, .when_ms = when_ms, .stanza = str_of(text),
				   .owners = { { from, to }, { to, from } }, .n_owners = 2 };

	return vault_archive_add(w->v, &m);
}

#define IN_MEMORY(f) cmocka_unit_test_setup_teardown(f, world_make_memory, world_drop)
#define ON_DISK(f) cmocka_unit_test_setup_teardown(f, world_make_disk, world_drop)
#define IN_BOTH(f) IN_MEMORY(f), ON_DISK(f)

#endif
