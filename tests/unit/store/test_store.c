/* test_store.c - one suite for every back end: what store.h promises. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/limits.h"
#include "store/store.h"
#include "store/store_fault.h"

struct world {
	const struct store_ops *ops;
	char dir[64];
	struct arena *a;
	struct store *s;
};

static int make(void **st, const struct store_ops *ops)
{
	struct world *w = calloc(1, sizeof(*w));
	struct str why = STR_NONE;

	w->ops = ops;
	w->a = arena_new(64 << 20);
	strcpy(w->dir, "/tmp/test-store-XXXXXX");
	assert_non_null(mkdtemp(w->dir));
	assert_int_equal(store_open(ops, &(struct store_conf){ w->dir, true, w->a, &why }, &w->s), 0);
	*st = w;
	return 0;
}

static int make_sqlite(void **st)
{
	return make(st, &store_sqlite);
}

static int make_memory(void **st)
{
	return make(st, &store_memory);
}

static int make_fault(void **st)
{
	struct world *w;
	struct store *under;

	make(st, &store_memory);
	w = *st;
	under = w->s;
	return store_fault_new(&under, &w->s);
}

static int drop(void **st)
{
	static const char *const files[] = { "wardroom.db", "wardroom.db-wal", "wardroom.db-journal" };
	struct world *w = *st;
	char path[128];

	store_close(&w->s);
	for (size_t i = 0; i < 3; i++) {
		snprintf(path, sizeof(path), "%s/%s", w->dir, files[i]);
		unlink(path);
	}
	assert_int_equal(rmdir(w->dir), 0);	/* nothing else was left behind */
	arena_free(&w->a);
	free(w);
	return 0;
}

static void put(struct world *w, const char *key, uint64_t tag, const char *value)
{
	assert_int_equal(store_put(w->s, STORE_TABLE_item, str_of(key), tag, str_of(value)), 0);
}

static void begin(struct world *w)
{
	assert_int_equal(store_begin(w->s), 0);
}

static void commit(struct world *w)
{
	assert_int_equal(store_commit(w->s), 0);
}

static bool has(struct world *w, const char *key, uint64_t tag, const char *value)
{
	struct store_row row;
	int r = store_get(w->s, STORE_TABLE_item, str_of(key), w->a, &row);

	assert_true(r == 0 || r == ERR_NOT_FOUND);
	return r == 0 && row.tag == tag && str_is(row.value, value) && str_is(row.key, key);
}

struct seen {
	char text[256];
	size_t stop_after, n;
	int err;
};

static int see(void *ctx, const struct store_row *row)
{
	struct seen *s = ctx;

	strncat(s->text, row->key.p, row->key.n);
	strcat(s->text, " ");
	if (++s->n == s->stop_after)
		return s->err ? s->err : 1;
	return 0;
}

static struct seen look(struct world *w, struct store_range range)
{
	struct seen s = { 0 };

	assert_int_equal(store_scan(w->s, &range, see, &s), 0);
	return s;
}

static void a_row_is_found_replaced_and_removed(void **st)
{
	struct world *w = *st;
	uint64_t n = 9;

	begin(w);
	put(w, "a", 5, "one");
	assert_true(has(w, "a", 5, "one"));	/* the own transaction is seen */
	put(w, "a", UINT64_MAX, "");
	commit(w);
	assert_true(has(w, "a", UINT64_MAX, ""));
	begin(w);
	assert_int_equal(store_remove(w->s, &(struct store_range){ .table = STORE_TABLE_item, .from = STR("a"),
								    .to = STR("b") }, false, &n), 0);
	assert_int_equal(n, 1);
	commit(w);
	assert_false(has(w, "a", UINT64_MAX, ""));
}

static void bytes_of_any_value_are_kept(void **st)
{
	struct world *w = *st;
	struct store_row row;
	char all[256], *big = calloc(1, 1 << 20);

	for (int i = 0; i < 256; i++)
		all[i] = (char)i;
	begin(w);
	assert_int_equal(store_put(w->s, STORE_TABLE_item, str_make(all, 256), 1, str_make(all, 256)), 0);
	assert_int_equal(store_put(w->s, STORE_TABLE_queue, STR("big"), 1, str_make(big, 1 << 20)), 0);
	commit(w);
	assert_int_equal(store_get(w->s, STORE_TABLE_item, str_make(all, 256), w->a, &row), 0);
	assert_true(str_eq(row.value, str_make(all, 256)));
	assert_int_equal(store_get(w->s, STORE_TABLE_queue, STR("big"), w->a, &row), 0);
	assert_true(str_eq(row.value, str_make(big, 1 << 20)));
	free(big);
}

static void tables_are_apart(void **st)
{
	struct world *w = *st;
	struct store_row row;

	begin(w);
	put(w, "key", 1, "value");
	commit(w);
	for (int t = 0; t < STORE_TABLES; t++) {
		uint64_t n = 7;

		assert_int_equal(store_count(w->s, &(struct store_range){ .table = (enum store_table)t }, &n), 0);
		assert_int_equal(n, t == STORE_TABLE_item);
	}
	assert_int_equal(store_get(w->s, STORE_TABLE_keys, STR("key"), w->a, &row), ERR_NOT_FOUND);
}

static void rolled_back_is_as_if_never_written(void **st)
{
	struct world *w = *st;
	uint64_t n;

	begin(w);
	put(w, "a", 1, "old");
	put(w, "b", 1, "stays");
	commit(w);
	begin(w);
	put(w, "a", 2, "new");
	put(w, "a", 3, "newer");
	put(w, "c", 1, "added");
	assert_int_equal(store_remove(w->s, &(struct store_range){ .table = STORE_TABLE_item, .from = STR("b") }, false, &n),
			 0);
	assert_int_equal(n, 2);
	put(w, "b", 9, "again");
	store_rollback(w->s);
	assert_true(has(w, "a", 1, "old"));
	assert_true(has(w, "b", 1, "stays"));
	assert_string_equal(look(w, (struct store_range){ .table = STORE_TABLE_item }).text, "a b ");
	begin(w);				/* and the next transaction works */
	put(w, "d", 1, "x");
	commit(w);
	assert_string_equal(look(w, (struct store_range){ .table = STORE_TABLE_item }).text, "a b d ");
}

static void ranges_are_half_open_and_ordered_as_bytes(void **st)
{
	struct world *w = *st;
	const struct store_range all = { .table = STORE_TABLE_item };
	struct store_range r = all;

	begin(w);
	put(w, "b", 1, "");
	put(w, "\xff", 1, "");
	put(w, "a", 2, "");
	put(w, "aa", 1, "");
	put(w, "B", 2, "");
	commit(w);
	assert_string_equal(look(w, all).text, "B a aa b \xff ");
	r.from = STR("a");
	r.to = STR("b");
	assert_string_equal(look(w, r).text, "a aa ");
	r.backward = true;
	assert_string_equal(look(w, r).text, "aa a ");
	r.max = 1;
	assert_string_equal(look(w, r).text, "aa ");
	r = all;
	r.by_tag = true;
	r.tag = 2;
	assert_string_equal(look(w, r).text, "B a ");
	r.backward = true;
	assert_string_equal(look(w, r).text, "a B ");
	r.max = 1;
	assert_string_equal(look(w, r).text, "a ");
	r = all;
	r.from = STR("b");
	r.to = STR("a");
	assert_string_equal(look(w, r).text, "");
}

static void counts_agree_with_scans(void **st)
{
	struct world *w = *st;
	uint64_t n = 0;

	begin(w);
	for (char c = 'a'; c <= 'z'; c++)
		put(w, (char[]){ c, 0 }, (uint64_t)(c % 3), "v");
	commit(w);
	assert_int_equal(store_count(w->s, &(struct store_range){ .table = STORE_TABLE_item, .from = STR("c"),
								   .to = STR("f") }, &n), 0);
	assert_int_equal(n, 3);
	assert_int_equal(store_count(w->s, &(struct store_range){ .table = STORE_TABLE_item, .by_tag = true, .tag = 1 }, &n),
			 0);
	assert_int_equal(n, 9);
	begin(w);
	assert_int_equal(store_remove(w->s, &(struct store_range){ .table = STORE_TABLE_item, .by_tag = true, .tag = 1 },
				      true, &n), 0);
	assert_int_equal(n, 9);
	commit(w);
	assert_int_equal(look(w, (struct store_range){ .table = STORE_TABLE_item }).n, 17);
}

static void a_scan_ends_when_told(void **st)
{
	struct world *w = *st;
	struct store_range all = { .table = STORE_TABLE_item };
	struct seen s = { .stop_after = 2 };

	begin(w);
	put(w, "a", 1, "");
	put(w, "b", 1, "");
	put(w, "c", 1, "");
	commit(w);
	assert_int_equal(store_scan(w->s, &all, see, &s), 0);
	assert_string_equal(s.text, "a b ");
	s = (struct seen){ .stop_after = 1, .err = ERR_CORRUPT };
	assert_int_equal(store_scan(w->s, &all, see, &s), ERR_CORRUPT);
	assert_int_equal(look(w, all).n, 3);	/* and can be done again */
}

static void numbers_are_ordered_as_numbers(void **st)
{
	static const uint64_t numbers[] = { 0, 1, 255, 256, 1ull << 40, INT64_MAX - 1 };
	struct world *w = *st;
	uint8_t key[8], to[8];
	uint64_t n = 0;
	struct store_row row;

	begin(w);
	for (size_t i = 6; i-- > 0;) {
		store_key_number(numbers[i], key);
		assert_int_equal(store_put(w->s, STORE_TABLE_message, str_make((char *)key, 8), i, STR("v")), 0);
	}
	commit(w);
	for (size_t i = 0; i < 6; i++) {
		store_key_number(numbers[i], key);
		assert_int_equal(store_get(w->s, STORE_TABLE_message, str_make((char *)key, 8), w->a, &row), 0);
		assert_int_equal(row.tag, i);
		assert_int_equal(store_number(row.key.p), numbers[i]);
	}
	store_key_number(1, key);
	store_key_number(256, to);
	assert_int_equal(store_count(w->s, &(struct store_range){ .table = STORE_TABLE_message,
			 .from = str_make((char *)key, 8), .to = str_make((char *)to, 8) }, &n), 0);
	assert_int_equal(n, 2);
	assert_int_equal(store_count(w->s, &(struct store_range){ .table = STORE_TABLE_message }, &n), 0);
	assert_int_equal(n, 6);
	store_key_number(UINT64_MAX, to);
	assert_int_equal(store_count(w->s, &(struct store_range){ .table = STORE_TABLE_message,
			 .from = str_make((char *)key, 8), .to = str_make((char *)to, 8) }, &n), 0);
	assert_int_equal(n, 5);
}

static void too_large_is_refused_without_harm(void **st)
{
	struct world *w = *st;
	char *big = calloc(1, LIMIT_VALUE_BYTES + 1);
	char key[STORE_KEY + 1] = "k";

	begin(w);
	put(w, "a", 1, "before");
	assert_int_equal(store_put(w->s, STORE_TABLE_item, STR("b"), 1, str_make(big, LIMIT_VALUE_BYTES + 1)), ERR_LIMIT);
	assert_int_equal(store_put(w->s, STORE_TABLE_item, str_make(key, sizeof(key)), 1, STR("v")), ERR_LIMIT);
	assert_int_equal(store_put(w->s, STORE_TABLE_item, STR_NONE, 1, STR("v")), ERR_LIMIT);
	assert_int_equal(store_put(w->s, STORE_TABLE_message, STR("\x7f\xff\xff\xff\xff\xff\xff\xff"), 1, STR("v")), ERR_LIMIT);
	assert_int_equal(store_put(w->s, STORE_TABLE_message, STR("short"), 1, STR("v")), ERR_LIMIT);
	commit(w);
	assert_true(has(w, "a", 1, "before"));
	free(big);
}

static void an_answer_larger_than_the_arena_is_an_error(void **st)
{
	struct world *w = *st;
	struct arena *small = arena_new(4096);
	struct store_row row;
	char value[8000] = "x";

	begin(w);
	assert_int_equal(store_put(w->s, STORE_TABLE_item, STR("a"), 1, str_make(value, sizeof(value))), 0);
	commit(w);
	assert_int_equal(store_get(w->s, STORE_TABLE_item, STR("a"), small, &row), ERR_LIMIT);
	arena_free(&small);
}

static void the_key_after_a_prefix_is_above_all_that_start_with_it(void **st)
{
	uint8_t out[3];

	(void)st;
	assert_true(store_key_after(STR("ab\xff"), out));
	assert_memory_equal(out, "ac\0", 3);
	assert_true(store_key_after(STR("abc"), out));
	assert_memory_equal(out, "abd", 3);
	assert_false(store_key_after(STR("\xff\xff"), out));
}

#define SUITE(set_up) \
	cmocka_unit_test_setup_teardown(a_row_is_found_replaced_and_removed, set_up, drop), \
	cmocka_unit_test_setup_teardown(bytes_of_any_value_are_kept, set_up, drop), \
	cmocka_unit_test_setup_teardown(tables_are_apart, set_up, drop), \
	cmocka_unit_test_setup_teardown(rolled_back_is_as_if_never_written, set_up, drop), \
	cmocka_unit_test_setup_teardown(ranges_are_half_open_and_ordered_as_bytes, set_up, drop), \
	cmocka_unit_test_setup_teardown(counts_agree_with_scans, set_up, drop), \
	cmocka_unit_test_setup_teardown(a_scan_ends_when_told, set_up, drop), \
	cmocka_unit_test_setup_teardown(numbers_are_ordered_as_numbers, set_up, drop), \
	cmocka_unit_test_setup_teardown(too_large_is_refused_without_harm, set_up, drop), \
	cmocka_unit_test_setup_teardown(an_answer_larger_than_the_arena_is_an_error, set_up, drop)

int main(void)
{
	const struct CMUnitTest tests[] = {
		SUITE(make_memory),
		SUITE(make_sqlite),
		SUITE(make_fault),
		cmocka_unit_test(the_key_after_a_prefix_is_above_all_that_start_with_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
