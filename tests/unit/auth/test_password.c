/* test_password.c - generated passwords are strong and readable, weak ones are refused with a reason. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "auth/password.h"
#include "base/check.h"
#include "base/rand.h"

static void generated_passwords_are_readable_accepted_and_new(void **st)
{
	char a[PASSWORD_GENERATED], last[PASSWORD_GENERATED] = "";
	unsigned seen[256] = { 0 };
	const char *why = NULL;

	for (int i = 0; i < 2000; i++) {
		password_generate(a);
		assert_int_equal(strlen(a), 19);
		for (int k = 0; k < 19; k++) {
			assert_true(k % 5 == 4 ? a[k] == '-' : (a[k] >= 'a' && a[k] <= 'z') || (a[k] >= '2' && a[k] <= '9'));
			assert_null(strchr("lio01", a[k]));
			seen[(uint8_t)a[k]]++;
		}
		assert_string_not_equal(a, last);
		memcpy(last, a, sizeof(a));
		assert_int_equal(password_check(str_of(a), STR("juliet@a.test"), &why), 0);
	}
	for (const char *c = "abcdefghjkmnpqrstuvwxyz23456789"; *c; c++)
		assert_in_range(seen[(uint8_t)*c], 800, 1300);		/* 32000 / 31 = 1032 */
	(void)st;
}

static void weak_passwords_are_refused_with_a_sentence(void **st)
{
	static const char *const weak[] = {
		"", "short", "123456789", "nine char", "juliet1234", "xxJULIETxx", "12juliet345678", "password123", "Passw0rd2026!",
		"P4$$w0rd123", "aaaaaaaaaaaa", "abababababab", "abcabcabcabcab", "1234567890", "9876543210", "abcdefghij",
		"qwertyuiop", "QwErTyUiOp12", "Summer2026!", "welcome12345", "24.12.1999", "0301234567", "letmein!!!!", "iloveyou2024",
		"control\x01 character", "bad \xff utf-8 here", "testtest1234", "changeme-2026", "wardroom1234",
		"juliet@a.test", "Juliet@A.Test!", "1juliet@a.test2",
	};
	static const char *const fine[] = {
		"correct horse battery", "k7fm-p2xq-9dtw-hn4c", "Gr\xc3\xbc\xc3\x9f" "e aus Ulm", "juliet likes her balcony",
		"Tr0ub4dor&3", "8374629104857362", "\xf0\x9f\x98\x80\xf0\x9f\x98\x81\xf0\x9f\x98\x82\xf0\x9f\x98\x83 smile",
	};

	for (size_t i = 0; i < ARRAY_SIZE(weak); i++) {
		const char *why = NULL;

		if (password_check(str_of(weak[i]), STR("juliet@a.test"), &why) != ERR_POLICY)
			fail_msg("accepted: %s", weak[i]);
		assert_non_null(why);
		assert_true(strlen(why) > 20 && why[strlen(why) - 1] == '.');
	}
	for (size_t i = 0; i < ARRAY_SIZE(fine); i++) {
		const char *why = NULL;

		if (password_check(str_of(fine[i]), STR("juliet@a.test"), &why) != 0)
			fail_msg("refused: %s: %s", fine[i], why);
	}
	(void)st;
}

static void a_short_name_may_be_inside(void **st)
{
	const char *why = NULL;

	assert_int_equal(password_check(STR("al fresco at ten"), STR("al"), &why), 0);
	assert_int_equal(password_check(STR("correct horse 1"), STR(""), &why), 0);
	assert_int_equal(password_check(STR("romeo-romeo"), STR("romeo"), &why), ERR_POLICY);
	(void)st;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(generated_passwords_are_readable_accepted_and_new),
		cmocka_unit_test(weak_passwords_are_refused_with_a_sentence),
		cmocka_unit_test(a_short_name_may_be_inside),
	};

	rand_simulate(42);			/* counts of letters must not depend on luck */
	return cmocka_run_group_tests(tests, NULL, NULL);
}
