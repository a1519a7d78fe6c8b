/* Which sites people here know, and what a restart leaves of that (outbreak/sites.h). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "outbreak/sites.h"

#define HOUR (3600u * 1000)

static const uint64_t began = 1700000000000u;

static struct sites *linked(uint64_t site, unsigned people)
{
	struct sites *s = sites_new();

	assert_non_null(s);
	for (unsigned i = 0; i < people; i++)
		sites_seen(s, site, 1000 + i, began);
	return s;
}

static struct sites *again(const struct sites *s)
{
	struct sites *back = sites_new();
	struct buf b;

	buf_init(&b, SITES_BYTES);
	sites_write(s, &b);
	assert_false(b.failed);
	assert_int_equal(sites_read(back, buf_str(&b)), 0);
	buf_release(&b);
	return back;
}

static void a_site_is_known_when_five_have_linked_and_two_hours_are_over(void **st)
{
	struct sites *four = linked(7, SITES_PEOPLE - 1), *five = linked(7, SITES_PEOPLE);

	(void)st;
	assert_true(sites_novel(four, 7, began + 9 * HOUR));
	assert_true(sites_novel(five, 7, began + HOUR));
	assert_false(sites_novel(five, 7, began + 2 * HOUR));
	assert_true(sites_novel(five, 8, began + 9 * HOUR));
	sites_free(&four);
	sites_free(&five);
}

static void a_restart_forgets_no_known_site(void **st)
{
	struct sites *s = linked(7, SITES_PEOPLE), *back;

	(void)st;
	sites_seen(s, 8, 1, began);
	back = again(s);
	assert_false(sites_novel(back, 7, began + 2 * HOUR));
	assert_true(sites_novel(back, 8, began + 2 * HOUR));
	for (unsigned i = 0; i < SITES_PEOPLE - 1; i++)
		sites_seen(back, 8, 50 + i, began + HOUR);
	assert_false(sites_novel(back, 8, began + 2 * HOUR));
	sites_free(&s);
	sites_free(&back);
}

static void what_is_damaged_begins_anew(void **st)
{
	struct sites *s = sites_new();
	char junk[2 * SITES_ROW + 1] = { 1 };

	(void)st;
	assert_int_equal(sites_read(s, STR_NONE), ERR_BAD_FORMAT);
	assert_int_equal(sites_read(s, STR("\x02" "abc")), ERR_BAD_FORMAT);
	junk[SITES_ROW] = (char)200;		/* people */
	assert_int_equal(sites_read(s, str_make(junk, sizeof(junk))), 0);
	assert_int_equal(sites_read(s, str_make(junk, 7)), 0);
	sites_free(&s);
}

static void only_what_changes_is_written_again(void **st)
{
	struct sites *s = linked(7, SITES_PEOPLE);
	uint64_t changes = sites_changes(s);

	(void)st;
	sites_seen(s, 7, 4711, began);
	sites_seen(s, 7, 1000, began);
	assert_true(sites_changes(s) == changes);
	sites_seen(s, 9, 1000, began);
	assert_true(sites_changes(s) > changes);
	sites_free(&s);
}

static void as_many_as_are_remembered_fit(void **st)
{
	struct sites *s = sites_new(), *back;

	(void)st;
	for (uint64_t i = 0; i < SITES + 10; i++)
		sites_seen(s, i * 977, 1, began);
	back = again(s);
	sites_free(&s);
	sites_free(&back);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_site_is_known_when_five_have_linked_and_two_hours_are_over),
		cmocka_unit_test(a_restart_forgets_no_known_site),
		cmocka_unit_test(what_is_damaged_begins_anew),
		cmocka_unit_test(only_what_changes_is_written_again),
		cmocka_unit_test(as_many_as_are_remembered_fit),
	};

	return cmocka_run_group_tests_name("outbreak/sites", tests, NULL, NULL);
}
