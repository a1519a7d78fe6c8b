/* Archive preferences in memory and their stored form (core/prefs.h). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "core/prefs.h"
#include "core/state.h"
#include "core/user.h"

static struct prefs *decode(const char *text)
{
	struct prefs *p = NULL;

	assert_int_equal(prefs_decode(str_of(text), &p), 0);
	return p;
}

static bool archives(const char *stored, enum config_choice choice, enum config_archive def, const char *bare, const char *full)
{
	struct config config = { .archive = { .def = def, .choice = choice } };
	struct server srv = { .config = &config };
	struct user u = { .server = &srv, .prefs = stored ? decode(stored) : NULL };
	bool r = prefs_archives(&srv, &u, str_of(bare), str_of(full));

	prefs_free(&u.prefs);
	return r;
}

static bool chosen(const char *stored, const char *bare, const char *full)
{
	return archives(stored, CONFIG_CHOICE_ACCOUNT, CONFIG_ARCHIVE_ALWAYS, bare, full);
}

static void lists_come_back_as_they_were_stored(void **state)
{
	struct prefs *p = decode("roster\n+a@x.test\n+b@x.test/r\n-c@x.test\n");

	(void)state;
	assert_int_equal(p->def, PREFS_ROSTER);
	assert_int_equal(p->n_always, 2);
	assert_int_equal(p->n, 3);
	assert_true(str_is(p->v[1], "b@x.test/r") && str_is(p->v[2], "c@x.test"));
	prefs_free(&p);
	assert_null(p);
}

static void what_was_not_stored_by_us_is_corrupt(void **state)
{
	static const char *const bad[] = { "", "sometimes\n", "always\na@x.test\n", "always\n+\n", "always\n-a@x.test\n+b@x.test\n", "always\n\n" };
	char many[PREFS_JIDS * 8 + 64] = "never\n";
	struct prefs *p = NULL;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(prefs_decode(str_of(bad[i]), &p), ERR_CORRUPT);
	for (size_t i = 0; i <= PREFS_JIDS; i++)
		strcat(many, "-a@b.c\n");
	assert_int_equal(prefs_decode(str_of(many), &p), ERR_CORRUPT);
	assert_null(p);
}

static void a_listed_address_without_resource_means_all_of_it(void **state)
{
	(void)state;
	assert_false(chosen("always\n-a@x.test\n", "a@x.test", "a@x.test/phone"));
	assert_true(chosen("always\n-a@x.test/desk\n", "a@x.test", "a@x.test/phone"));
	assert_false(chosen("always\n-a@x.test/desk\n", "a@x.test", "a@x.test/desk"));
	assert_true(chosen("never\n+a@x.test\n-a@x.test\n", "a@x.test", "a@x.test"));
	assert_false(chosen("never\n", "b@x.test", "b@x.test"));
}

static void without_a_choice_the_company_decides(void **state)
{
	(void)state;
	assert_true(archives("never\n", CONFIG_CHOICE_COMPANY, CONFIG_ARCHIVE_ALWAYS, "a@x.test", "a@x.test"));
	assert_false(archives("always\n", CONFIG_CHOICE_COMPANY, CONFIG_ARCHIVE_NEVER, "a@x.test", "a@x.test"));
	assert_true(archives(NULL, CONFIG_CHOICE_ACCOUNT, CONFIG_ARCHIVE_ALWAYS, "a@x.test", "a@x.test"));
	assert_false(archives(NULL, CONFIG_CHOICE_ACCOUNT, CONFIG_ARCHIVE_ROSTER, "a@x.test", "a@x.test"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lists_come_back_as_they_were_stored),
		cmocka_unit_test(what_was_not_stored_by_us_is_corrupt),
		cmocka_unit_test(a_listed_address_without_resource_means_all_of_it),
		cmocka_unit_test(without_a_choice_the_company_decides),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
