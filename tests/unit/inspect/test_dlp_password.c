/* Which words of a message are worth asking the verifier about. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "inspect/dlp_password.h"

static bool names(const char *text, bool outsiders, const char *want)
{
	struct str v[DLP_PASSWORD_CANDIDATES];
	unsigned n = dlp_password_candidates(str_of(text), outsiders, v);

	for (unsigned i = 0; i < n; i++)
		if (str_is(v[i], want))
			return true;
	return false;
}

static unsigned count(const char *text, bool outsiders)
{
	struct str v[DLP_PASSWORD_CANDIDATES];

	return dlp_password_candidates(str_of(text), outsiders, v);
}

static void what_stands_beside_the_word_is_named(void **st)
{
	(void)st;
	assert_true(names("my password is k7fm-p2xq-9dtw.", false, "k7fm-p2xq-9dtw"));
	assert_true(names("Passwort:Sommer2024", false, "Sommer2024"));
	assert_true(names("PASSWORD: correct horse battery", false, "correct horse battery"));
	assert_true(names("login 'hunter2hunter'", false, "hunter2hunter"));
	assert_true(names("k7fm-p2xq-9dtw", false, "k7fm-p2xq-9dtw"));
}

static void an_ordinary_sentence_costs_nothing(void **st)
{
	(void)st;
	assert_int_equal(count("shall we meet at the station tomorrow?", true), 0);
	assert_int_equal(count("see https://intern.example/a1B2", true), 0);
	assert_int_equal(count("I forgot my password again", false), 0);
	assert_int_equal(count("the build v2.14.1-rc3 is broken on node-17", false), 0);
	assert_int_equal(count("", true), 0);
}

static void towards_outsiders_every_likely_word_is_named(void **st)
{
	(void)st;
	assert_true(names("take k7fm-p2xq-9dtw for it", true, "k7fm-p2xq-9dtw"));
	assert_int_equal(count("take k7fm-p2xq-9dtw for it", false), 0);
}

static void there_are_no_more_than_can_be_asked(void **st)
{
	(void)st;
	assert_int_equal(count("password aaaaaaa1 bbbbbbb2 ccccccc3 ddddddd4 eeeeeee5", true), DLP_PASSWORD_CANDIDATES);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_stands_beside_the_word_is_named),
		cmocka_unit_test(an_ordinary_sentence_costs_nothing),
		cmocka_unit_test(towards_outsiders_every_likely_word_is_named),
		cmocka_unit_test(there_are_no_more_than_can_be_asked),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("inspect/dlp_password", tests, NULL, NULL);
}
