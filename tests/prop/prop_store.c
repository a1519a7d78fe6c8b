/* prop_store.c - random operations: SQLite, memory, and memory behind faults always tell the same story.
 *
 * prop_store [seed] [steps]; the seed is printed, so that a failure can be had again.
 */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/check.h"
#include "base/rand.h"
#include "store/store.h"
#include "store/store_fault.h"

#define STORES 3	/* sqlite, memory, memory behind faults */

struct world {
	struct store *s[STORES];
	bool faulty;			/* the third one has failed in this transaction */
	struct arena *a;
};

/* Few keys, so that operations meet. */
static struct str some_key(enum store_table table, char buf[16])
{
	if (store_table_is_number(table)) {
		store_key_number(rand_below(24), (uint8_t *)buf);
		return str_make(buf, 8);
	}
	buf[0] = (char)('a' + (char)rand_below(3));
	buf[1] = (char)rand_below(4);
	return str_make(buf, 1 + (size_t)rand_below(2));
}

static struct store_range some_range(char from[16], char to[16])
{
	struct store_range g = { .table = (enum store_table)rand_below(STORE_TABLES) };

	if (rand_below(3))
		g.from = some_key(g.table, from);
	if (rand_below(3))
		g.to = some_key(g.table, to);
	g.by_tag = rand_below(3) == 0;
	g.tag = rand_below(3);
	return g;
}

static int show(void *ctx, const struct store_row *row)
{
	struct buf *b = ctx;

	buf_printf(b, "%zu:", row->key.n);
	buf_str_add(b, row->key);
	buf_printf(b, " %llu %zu:", (unsigned long long)row->tag, row->value.n);
	buf_str_add(b, row->value);
	return 0;
}

static void scan_all(struct world *w, struct store_range g)
{
	struct buf b[STORES];

	g.backward = rand_below(2);
	g.max = (size_t)rand_below(5);
	for (int i = 0; i < STORES; i++) {
		buf_init(&b[i], 1 << 24);
		CHECK(store_scan(w->s[i], &g, show, &b[i]) == 0);
		CHECK(w->faulty && i == 2 ? true : str_eq(buf_str(&b[0]), buf_str(&b[i])));
	}
	for (int i = 0; i < STORES; i++)
		buf_release(&b[i]);
}

static void compare_everything(struct world *w)
{
	for (int t = 0; t < STORE_TABLES; t++) {
		struct buf b[STORES];

		for (int i = 0; i < STORES; i++) {
			buf_init(&b[i], 1 << 24);
			CHECK(store_scan(w->s[i], &(struct store_range){ .table = (enum store_table)t }, show, &b[i]) == 0);
			CHECK(str_eq(buf_str(&b[0]), buf_str(&b[i])));
		}
		for (int i = 0; i < STORES; i++)
			buf_release(&b[i]);
	}
}

/* The third store may fail; when it has, its transaction is lost and so are the others'. */
static void expect(struct world *w, int i, int r)
{
	if (i == 2 && r < 0)
		w->faulty = true;
	else
		CHECK(r == 0);
}

static void put(struct world *w)
{
	enum store_table table = (enum store_table)rand_below(STORE_TABLES);
	char key[16], value[600];
	struct str k = some_key(table, key), v = { value, (size_t)rand_below(sizeof(value)) };
	uint64_t tag = rand_below(3);

	rand_bytes(value, v.n);
	for (int i = 0; i < STORES; i++)
		expect(w, i, store_put(w->s[i], table, k, tag, v));
}

static void delete(struct world *w)
{
	char from[16], to[16];
	struct store_range g = some_range(from, to);
	bool erase = rand_below(8) == 0;
	uint64_t n[STORES] = { 0 };

	for (int i = 0; i < STORES; i++) {
		expect(w, i, store_remove(w->s[i], &g, erase, &n[i]));
		CHECK(n[i] == n[0] || (i == 2 && w->faulty));
	}
}

static void read_some(struct world *w)
{
	char from[16], to[16];
	struct store_range g = some_range(from, to);
	struct str k = some_key(g.table, from);
	struct store_row row[STORES];
	uint64_t n[STORES] = { 0 };
	int r[STORES];

	scan_all(w, g);
	arena_clear(w->a);
	g.from = STR_NONE;
	for (int i = 0; i < STORES; i++) {
		CHECK(store_count(w->s[i], &g, &n[i]) == 0);
		r[i] = store_get(w->s[i], g.table, k, w->a, &row[i]);
		if (i == 2 && w->faulty)
			continue;
		CHECK(n[i] == n[0] && r[i] == r[0] && (r[0] == 0 || r[0] == ERR_NOT_FOUND));
		CHECK(r[0] != 0 || (row[i].tag == row[0].tag && str_eq(row[i].value, row[0].value)));
	}
}

static void transaction(struct world *w)
{
	bool roll_back = rand_below(4) == 0;
	uint64_t steps = rand_below(12);

	w->faulty = false;
	for (int i = 0; i < STORES; i++)
		CHECK(store_begin(w->s[i]) == 0);
	if (rand_below(3) == 0)
		store_fault_arm(w->s[2], 1 + rand_below(8), ERR_FULL, false);
	for (uint64_t j = 0; j < steps; j++) {
		if (rand_below(3))
			put(w);
		else
			delete(w);
		if (!w->faulty && !rand_below(3)) {
			store_fault_arm(w->s[2], 0, 0, false);
			read_some(w);
		}
	}
	if (!roll_back && !w->faulty) {
		/* The faulty one commits first: when it cannot, nobody does. */
		if (store_commit(w->s[2]) < 0) {
			w->faulty = true;
		} else {
			CHECK(store_commit(w->s[0]) == 0 && store_commit(w->s[1]) == 0);
			store_fault_arm(w->s[2], 0, 0, false);
			return;
		}
	}
	store_fault_arm(w->s[2], 0, 0, false);
	for (int i = 0; i < STORES; i++)
		store_rollback(w->s[i]);
	w->faulty = false;
}

int main(int argc, char **argv)
{
	uint64_t seed = argc > 1 ? strtoull(argv[1], NULL, 10) : rand_u64() >> 20 | 1;
	long steps = argc > 2 ? atol(argv[2]) : 1500;
	struct world w = { .a = arena_new(1 << 20) };
	char dir[] = "/tmp/prop-store-XXXXXX", path[64];
	struct store_conf conf = { .dir = mkdtemp(dir), .create = true };
	struct store *under;

	printf("seed %llu\n", (unsigned long long)seed);
	fflush(stdout);
	rand_simulate(seed);
	CHECK(conf.dir && store_open(&store_sqlite, &conf, &w.s[0]) == 0 && store_open(&store_memory, &conf, &w.s[1]) == 0);
	CHECK(store_open(&store_memory, &conf, &under) == 0 && store_fault_new(&under, &w.s[2]) == 0);
	for (long i = 0; i < steps; i++) {
		transaction(&w);
		if (i % 20 == 0)
			compare_everything(&w);
		if (i % 100 == 99) {		/* what is on disk is the same */
			store_close(&w.s[0]);
			CHECK(store_open(&store_sqlite, &conf, &w.s[0]) == 0);
			compare_everything(&w);
		}
	}
	compare_everything(&w);
	for (int i = 0; i < STORES; i++)
		store_close(&w.s[i]);
	arena_free(&w.a);
	snprintf(path, sizeof(path), "%s/wardroom.db", dir);
	unlink(path);
	CHECK(rmdir(dir) == 0);
	return 0;
}
