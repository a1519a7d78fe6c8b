/* What decoys are called (outbreak/decoy.h). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "outbreak/decoy.h"

static bool free_all(void *ctx, struct str local)
{
	(void)ctx;
	(void)local;
	return false;
}

static bool taken_all(void *ctx, struct str local)
{
	unsigned *n = ctx;

	(void)local;
	(*n)++;
	return true;
}

static void an_address_is_made_as_most_are(void **state)
{
	struct decoy_style s = { 0 };
	struct decoy d;

	(void)state;
	assert_int_equal(decoy_make(&s, NULL, 0, free_all, NULL, &d), 0);
	assert_true(str_find_char(str_of(d.local), '.') > 1);
	for (int i = 0; i < 5; i++)
		decoy_style_see(&s, STR("ann_smith"));
	decoy_style_see(&s, STR("bob.jones"));
	assert_int_equal(decoy_make(&s, NULL, 0, free_all, NULL, &d), 0);
	assert_true(str_find_char(str_of(d.local), '_') > 1);
	for (int i = 0; i < 9; i++)
		decoy_style_see(&s, STR("carol"));
	assert_int_equal(decoy_make(&s, NULL, 0, free_all, NULL, &d), 0);
	assert_true(str_find_char(str_of(d.local), '_') < 0 && str_find_char(str_of(d.local), '.') < 0);
	assert_true(str_find_char(str_of(d.name), ' ') > 0);
}

static void nobodys_name_is_taken(void **state)
{
	struct decoy_style s = { 0 };
	struct decoy d;
	unsigned n = 0;

	(void)state;
	assert_int_equal(decoy_make(&s, NULL, 0, taken_all, &n, &d), ERR_NOT_FOUND);
	assert_int_equal(n, DECOY_TRIES);
}

static void the_companys_own_names_go_first(void **state)
{
	struct str own = STR("Zo\xc3\xab O'Hara"), none = STR("\xe6\x9d\x8e \xe5\x9b\x9b");
	struct decoy_style s = { 0 };
	struct decoy d;

	(void)state;
	assert_int_equal(decoy_make(&s, &own, 1, free_all, NULL, &d), 0);
	assert_string_equal(d.local, "zo.ohara");
	assert_int_equal(decoy_make(&s, &none, 1, free_all, NULL, &d), ERR_NOT_FOUND);
}

static void a_local_part_reads_as_a_name(void **state)
{
	char name[DECOY_NAME];

	(void)state;
	decoy_name_of(STR("mara.lindqvist"), name);
	assert_string_equal(name, "Mara Lindqvist");
	decoy_name_of(STR("bob"), name);
	assert_string_equal(name, "Bob");
	decoy_name_of(STR("\xc3\xa9va_k-1"), name);
	assert_string_equal(name, "\xc3\xa9va K 1");
}

static void a_long_name_is_cut_at_a_whole_character(void **state)
{
	char name[DECOY_NAME], local[101];

	(void)state;
	for (int i = 0; i < 100; i += 2) {
		local[i] = (char)0xc3;
		local[i + 1] = (char)0xa9;
	}
	decoy_name_of(str_make(local, 100), name);
	assert_int_equal(str_of(name).n, 62);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_address_is_made_as_most_are),
		cmocka_unit_test(nobodys_name_is_taken),
		cmocka_unit_test(the_companys_own_names_go_first),
		cmocka_unit_test(a_local_part_reads_as_a_name),
		cmocka_unit_test(a_long_name_is_cut_at_a_whole_character),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
