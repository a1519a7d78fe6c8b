/* What is taken for a card, an account, an identity, a key or a password, and what only looks like one. Every number is made up
 * or published as an example. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "inspect/dlp.h"

static struct dlp *d, *slow;		/* both engines */
static struct arena *a;

static const struct str words[] = { { "Project Nautilus", 16 }, { "ACME+Sons", 9 }, { "zürich", 7 } };
static const struct dlp_own own[] = { { { "ticket", 6 }, { "TCK-\\d{4,8}", 11 } } };

static int up(void **st)
{
	struct dlp_conf conf = { .words = words, .n_words = 3, .own = own, .n_own = 1 };
	size_t bad;

	(void)st;
	a = arena_new(1 << 20);
	assert_int_equal(dlp_new(&conf, &d, &bad), 0);
	conf.engine = PATTERNS_PCRE2;
	assert_int_equal(dlp_new(&conf, &slow, &bad), 0);
	return 0;
}

static int down(void **st)
{
	(void)st;
	dlp_free(&d);
	dlp_free(&slow);
	arena_free(&a);
	return 0;
}

struct example {
	const char *text;
	enum rule rule;		/* RULE_COUNT: nothing */
};

static void check(const struct example *v, size_t n)
{
	struct dlp_spans fast, other;

	for (size_t i = 0; i < n; i++) {
		assert_int_equal(dlp_find(d, str_of(v[i].text), &fast), 0);
		assert_int_equal(dlp_find(slow, str_of(v[i].text), &other), 0);
		if (fast.n != (v[i].rule != RULE_COUNT) || (fast.n && fast.v[0].rule != v[i].rule))
			fail_msg("'%s': %u found, the first is %s", v[i].text, fast.n, fast.n ? inspect_rule_name(fast.v[0].rule) : "none");
		if (other.n != fast.n || (fast.n && (other.v[0].from != fast.v[0].from || other.v[0].to != fast.v[0].to)))
			fail_msg("'%s': the two engines differ", v[i].text);
	}
}

static void cards_are_found_by_issuer_length_grouping_and_check_digit(void **st)
{
	static const struct example v[] = {
		{ "my card is 4111 1111 1111 1111, thanks", DLP_CARD }, { "5555555555554444", DLP_CARD }, { "3782 822463 10005", DLP_CARD },
		{ "6011-1111-1111-1117", DLP_CARD }, { "3530111333300000", DLP_CARD }, { "2223003122003222", DLP_CARD }, { "(30569309025904)", DLP_CARD },
		{ "4111111111111112", RULE_COUNT }, { "order 1111111111111117", RULE_COUNT }, { "41111111111111110", RULE_COUNT },
		{ "4111 11111111 1111", RULE_COUNT }, { "0.4111111111111111", RULE_COUNT }, { "id x4111111111111111", RULE_COUNT },
		{ "4444444444444444", RULE_COUNT }, { "call +49 4111 1111 11", RULE_COUNT }, { "sha 5555555555554444abcd", RULE_COUNT },
	};

	(void)st;
	check(v, sizeof(v) / sizeof(v[0]));
}

static void ibans_are_found_by_country_length_and_mod_97(void **st)
{
	static const struct example v[] = {
		{ "pay to DE89 3704 0044 0532 0130 00 please", DLP_IBAN }, { "GB82WEST12345698765432", DLP_IBAN }, { "nl91 abna 0417 1643 00", DLP_IBAN },
		{ "NO9386011117947", DLP_IBAN }, { "FR1420041010050500013M02606", DLP_IBAN },
		{ "DE89 3704 0044 0532 0130 01", RULE_COUNT }, { "ZZ89370400440532013000", RULE_COUNT }, { "DE8937040044053201300", RULE_COUNT },
		{ "commit ab12cdef3456789012345678", RULE_COUNT },
	};

	(void)st;
	check(v, sizeof(v) / sizeof(v[0]));
}

static void identity_numbers_are_found_by_their_own_rules(void **st)
{
	static const struct example v[] = {
		{ "ssn 536-90-4399", DLP_NATIONAL_ID }, { "AB 12 34 56 C is my NI number", DLP_NATIONAL_ID }, { "1 84 12 76 451 089 46", DLP_NATIONAL_ID },
		{ "RSSMRA85T10A562S", DLP_NATIONAL_ID }, { "mi dni es 12345678Z", DLP_NATIONAL_ID }, { "X1234567L", DLP_NATIONAL_ID },
		{ "756.9217.0769.85", DLP_NATIONAL_ID }, { "811228-9874", DLP_NATIONAL_ID }, { "19811228-9874", DLP_NATIONAL_ID },
		{ "131052-308T", DLP_NATIONAL_ID }, { "Steuer-IdNr: 86095742719", DLP_NATIONAL_ID }, { "bsn 111222333", DLP_NATIONAL_ID },
		{ "pesel 44051401359", DLP_NATIONAL_ID },
		{ "000-12-3456", RULE_COUNT }, { "666-12-3456", RULE_COUNT }, { "536-90-43991", RULE_COUNT }, { "BG 12 34 56 C", RULE_COUNT },
		{ "12345678A", RULE_COUNT }, { "811228-9873", RULE_COUNT }, { "811328-9874", RULE_COUNT }, { "86095742719", RULE_COUNT }, { "111222333", RULE_COUNT },
		{ "44051401359", RULE_COUNT }, { "756.9217.0769.84", RULE_COUNT }, { "call 555-12-34567", RULE_COUNT }, { "RSSMRA85T10A562T", RULE_COUNT },
	};

	(void)st;
	check(v, sizeof(v) / sizeof(v[0]));
}

static void keys_and_tokens_are_found_by_their_prefix(void **st)
{
	static const struct example v[] = {
		{ "-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaA==\n-----END OPENSSH PRIVATE KEY-----", DLP_PRIVATE_KEY },
		{ "-----BEGIN RSA PRIVATE KEY-----\ncut off", DLP_PRIVATE_KEY }, { "AKIAIOSFODNN7EXAMPLE", DLP_TOKEN },
		{ "use ghp_0123456789abcdefghijABCDEFGHIJ012345", DLP_TOKEN }, { "xoxb-000000000000-000000000000-made0up", DLP_TOKEN },
		{ "curl https://bob:s3cret@intern.example/", DLP_PASSWORD },
		{ "-----BEGIN PUBLIC KEY-----", RULE_COUNT }, { "-----BEGIN CERTIFICATE-----", RULE_COUNT }, { "ghp_short", RULE_COUNT }, { "see sk-learn-contrib-for-the-imbalanced-classes-of-it", RULE_COUNT },
		{ "AKIA is a prefix", RULE_COUNT }, { "https://intern.example:8443/a@b", RULE_COUNT }, { "ssh git@host.example:repo", RULE_COUNT },
	};

	(void)st;
	check(v, sizeof(v) / sizeof(v[0]));
}

static void a_password_is_what_follows_the_word_and_looks_like_one(void **st)
{
	static const struct example v[] = {
		{ "the password is Tr0ub4dor&3", DLP_PASSWORD }, { "password: hunter2!", DLP_PASSWORD }, { "Passwort lautet Sommer2024", DLP_PASSWORD },
		{ "pwd=aB3$xyz9", DLP_PASSWORD }, { "mot de passe : Ete2024!", DLP_PASSWORD }, { "пароль: qwerty123", DLP_PASSWORD },
		{ "I forgot my password again", RULE_COUNT }, { "the password is wrong", RULE_COUNT }, { "password: required", RULE_COUNT },
		{ "reset your password at https://intern.example/a1", RULE_COUNT }, { "password is <your-password-1>", RULE_COUNT },
		{ "password reset for v2.0.1 is done", RULE_COUNT }, { "password: $PASSWORD1", RULE_COUNT },
	};

	(void)st;
	check(v, sizeof(v) / sizeof(v[0]));
}

static void the_companys_words_are_found_whole_whatever_the_case(void **st)
{
	static const struct example v[] = {
		{ "about project nautilus: no", DLP_WORD }, { "acme+sons wrote", DLP_WORD }, { "in ZÜRICH.", DLP_WORD }, { "see tck-12345", DLP_OWN_PATTERN },
		{ "project nautiluses", RULE_COUNT }, { "acmeesons", RULE_COUNT }, { "tck-123", RULE_COUNT },
	};

	(void)st;
	check(v, sizeof(v) / sizeof(v[0]));
}

static void evidence_never_holds_the_thing_itself(void **st)
{
	static const char *const texts[] = { "4111111111111111", "DE89370400440532013000", "536-90-4399", "password: hunter2!", "AKIAIOSFODNN7EXAMPLE" };

	(void)st;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct subject s = { .from = STR("a@firm.test"), .to = STR("b@firm.test"), .body = str_of(texts[i]), .topic = STR_NONE };
		struct verdict v = { 0 };

		assert_int_equal(dlp_verdict(d, &s, &v), 0);
		assert_int_equal(v.n, 1);
		assert_null(strstr(v.f[0].evidence, texts[i]));
		assert_null(strstr(v.f[0].evidence, "hunter2"));
	}
}

static void masking_takes_out_the_thing_and_leaves_the_sentence(void **st)
{
	struct str text = STR("card 4111 1111 1111 1111 and password: hunter2! ok"), masked;
	struct dlp_spans spans;

	(void)st;
	assert_int_equal(dlp_find(d, text, &spans), 0);
	masked = dlp_masked(&spans, text, a);
	assert_true(str_is(masked, "card [card number removed] and [password removed] ok"));
	assert_int_equal(dlp_find(d, masked, &spans), 0);
	assert_int_equal(spans.n, 0);
}

static void more_than_can_be_told_is_said(void **st)
{
	char text[40 * 24] = "";
	struct dlp_spans spans;

	(void)st;
	for (int i = 0; i < 40; i++)
		strcat(text, "4111111111111111 x\n");
	assert_int_equal(dlp_find(d, str_of(text), &spans), 0);
	assert_int_equal(spans.n, DLP_SPANS);
	assert_true(spans.more);
}

static void a_pattern_of_ones_own_that_is_none_is_named(void **st)
{
	const struct dlp_own bad_ones[] = { { STR("fine"), STR("A\\d+") }, { STR("broken"), STR("(") }, };
	struct dlp_conf conf = { .own = bad_ones, .n_own = 2 };
	struct dlp *none = NULL;
	size_t bad = 99;

	(void)st;
	assert_int_equal(dlp_new(&conf, &none, &bad), ERR_BAD_FORMAT);
	assert_int_equal(bad, 1);
	conf.engine = PATTERNS_PCRE2;
	assert_int_equal(dlp_new(&conf, &none, &bad), ERR_BAD_FORMAT);
	assert_int_equal(bad, 1);
	assert_null(none);
}

/* An engine that loses what stands far behind would be worse than none. */
static void it_is_found_wherever_it_stands(void **st)
{
	static const char *const things[] = {
		"4111 1111 1111 1111", "2223003122003222", "DE89 3704 0044 0532 0130 00", "536-90-4399", "AB 12 34 56 C", "1 84 12 76 451 089 46", "RSSMRA85T10A562S",
		"12345678Z", "756.9217.0769.85", "811228-9874", "131052-308T", "bsn 111222333", "pesel 44051401359", "-----BEGIN RSA PRIVATE KEY-----",
		"AKIAIOSFODNN7EXAMPLE", "ghp_0123456789abcdefghijABCDEFGHIJ012345", "xoxb-000000000000-000000000000-made0up",
		"https://bob:s3cret@intern.example/", "password: hunter2!", "mot de passe : Ete2024!", "project nautilus", "tck-123456", "in ZÜRICH",
	};
	static const char fill[] = "and then we went on to talk of other things, ok? ";

	(void)st;
	for (size_t i = 0; i < sizeof(things) / sizeof(things[0]); i++)
		for (size_t at = 0; at < 600; at++) {
			char text[1000];
			struct dlp_spans spans;
			size_t n = 0;

			for (; n < at; n++)
				text[n] = fill[n % (sizeof(fill) - 1)];
			text[n++] = ' ';
			n += (size_t)snprintf(text + n, sizeof(text) - n, "%s and so on", things[i]);
			assert_int_equal(dlp_find(d, str_make(text, n), &spans), 0);
			if (spans.n == 0)
				fail_msg("'%s' is not found behind %zu bytes", things[i], at);
		}
}

/* ReDoS: effort is bounded, and used-up effort is an error, not "nothing there". */
static void a_pattern_that_explodes_is_refused_or_bounded(void **st)
{
	const struct dlp_own evil[] = { { STR("evil"), STR("(?:a+)+$x") } };
	struct dlp_conf conf = { .own = evil, .n_own = 1, .engine = PATTERNS_PCRE2 };
	struct dlp *one = NULL;
	struct dlp_spans spans;
	char text[4096];
	clock_t began = clock();
	size_t bad;
	int r;

	(void)st;
	memset(text, 'a', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	assert_int_equal(dlp_new(&conf, &one, &bad), 0);
	r = dlp_find(one, str_of(text), &spans);
	assert_true(r == 0 || r == ERR_LIMIT);
	assert_true(clock() - began < 20 * CLOCKS_PER_SEC);
	dlp_free(&one);
}

/* Each of these is a beginning that could be read on from to the end of the text: once from each would be hours. */
static void what_begins_everywhere_is_read_once(void **st)
{
	static const char *const pieces[] = { "eyJhbGci.", "password:", "-----BEGIN RSA PRIVATE KEY-----", "sk-", "gh", ":AAAAAA", "AccountKey=", "a://b:", "4111 " };
	enum { BYTES = 240000 };
	char *text = malloc(BYTES);

	(void)st;
	assert_non_null(text);
	for (size_t i = 0; i < sizeof(pieces) / sizeof(pieces[0]); i++) {
		struct dlp_spans spans;
		clock_t began = clock();

		for (size_t n = 0; n < BYTES; n++)
			text[n] = pieces[i][n % strlen(pieces[i])];
		assert_int_equal(dlp_find(d, str_make(text, BYTES), &spans), 0);
		if (clock() - began > CLOCKS_PER_SEC)
			fail_msg("'%s' takes %ld ms", pieces[i], (long)((clock() - began) * 1000 / CLOCKS_PER_SEC));
	}
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(cards_are_found_by_issuer_length_grouping_and_check_digit),
		cmocka_unit_test(ibans_are_found_by_country_length_and_mod_97),
		cmocka_unit_test(identity_numbers_are_found_by_their_own_rules),
		cmocka_unit_test(keys_and_tokens_are_found_by_their_prefix),
		cmocka_unit_test(a_password_is_what_follows_the_word_and_looks_like_one),
		cmocka_unit_test(the_companys_words_are_found_whole_whatever_the_case),
		cmocka_unit_test(evidence_never_holds_the_thing_itself),
		cmocka_unit_test(masking_takes_out_the_thing_and_leaves_the_sentence),
		cmocka_unit_test(more_than_can_be_told_is_said),
		cmocka_unit_test(what_begins_everywhere_is_read_once),
		cmocka_unit_test(a_pattern_of_ones_own_that_is_none_is_named),
		cmocka_unit_test(it_is_found_wherever_it_stands),
		cmocka_unit_test(a_pattern_that_explodes_is_refused_or_bounded),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("inspect/dlp", tests, up, down);
}
