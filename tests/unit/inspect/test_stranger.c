/* test_stranger.c - what is seen of strangers, and how their texts are shown. */
#include "inspect/stranger.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#define NOW (1700000000ull * 1000)

static bool shows(const char *text, const char *want)
{
	struct buf b;
	bool same;

	buf_init(&b, 4096);
	stranger_defang(str_of(text), 1000, &b);
	same = !b.failed && str_is(buf_str(&b), want);
	if (!same)
		printf("# '%s' became '%.*s'\n", text, STR_FMT(buf_str(&b)));
	buf_release(&b);
	return same;
}

static void nothing_live_is_left_in_a_text(void **st)
{
	(void)st;
	assert_true(shows("see https://evil.example/a?b=c now", "see hxxps[:]//evil[.]example/a?b=c now"));
	assert_true(shows("www.evil.example", "www[.]evil[.]example"));
	assert_true(shows("write to me@mail.example", "write to me[at]mail[.]example"));
	assert_true(shows("xmpp:room@x.example?join", "xmpp[:]room[at]x[.]example?join"));
	assert_true(shows("HTTP://193.0.2.7:8080/x", "hxxp[:]//193[.]0[.]2[.]7:8080/x"));
	assert_true(shows("10.0.2.15", "10[.]0[.]2[.]15"));
	assert_true(shows("evil\xe3\x80\x82" "example", "evil[.]example"));
	assert_true(shows("ev\xe2\x80\x8bil.exa\xe2\x80\xaemple", "evil[.]example"));
	assert_true(shows("ring \x07 the \x1b[31m bell", "ring  the [31m bell"));
}

static void plain_words_stay_as_they_are(void **st)
{
	static const char *const texts[] = { "Hello, how are you? See you at 10:30.", "It costs 3.50 or 1,200.00 in all...", "na ja: gut",
		"\xc4\x9b\xc5\xa1\xc4\x8d\xc5\x99 \xe6\xbc\xa2\xe5\xad\x97 \xf0\x9f\x98\x80", "two\nlines\tand a tab", "" };

	(void)st;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		assert_true(shows(texts[i], texts[i]));
}

static void a_long_text_is_cut_between_characters(void **st)
{
	struct buf b;

	(void)st;
	buf_init(&b, 100);
	stranger_defang(STR("abc\xc4\x9b\xc4\x9b"), 6, &b);
	assert_true(str_is(buf_str(&b), "abc\xc4\x9b ..."));
	buf_release(&b);
}

static void names_of_people_are_not_random(void **st)
{
	static const char *const people[] = { "anna", "john.smith", "j.smith1984", "schwarzkopf", "christopher", "kshatriya", "mbappe", "o'brien",
		"bjornson", "support", "sales-team", "maria_77", "wlodzimierz", "zbigniew.brzezinski", "sgtpepper", "dr.strangelove", "info", "x",
		"\xd0\xb8\xd0\xb2\xd0\xb0\xd0\xbd\xd0\xbe\xd0\xb2", "rhythms", "thunder2020", "lightspeed" };
	static const char *const machines[] = { "xk7qvz93hp", "bcdfghjk", "qwrtzpsdfg", "a8f3b2c9d4e1", "d41d8cd98f00b204e9800998ecf8427e", "u4k2j9x7w1" };

	(void)st;
	for (size_t i = 0; i < sizeof(people) / sizeof(people[0]); i++)
		assert_string_equal(stranger_is_random(str_of(people[i])) ? people[i] : "", "");
	for (size_t i = 0; i < sizeof(machines) / sizeof(machines[0]); i++)
		assert_string_equal(stranger_is_random(str_of(machines[i])) ? "" : machines[i], "");
}

static uint64_t hash(unsigned n)
{
	uint64_t x = n * 0x9e3779b97f4a7c15ull;

	x ^= x >> 29;
	x *= 0xbf58476d1ce4e5b9ull;
	return x ^ x >> 32;
}

static void the_count_of_people_is_near_and_forgotten_in_time(void **st)
{
	struct stranger_memory m = { 0 };

	(void)st;
	for (unsigned i = 0; i < 10; i++) {
		stranger_note(&m, hash(i), NOW);
		stranger_note(&m, hash(i), NOW);
	}
	assert_in_range(stranger_tried(&m, NOW), 9, 11);
	for (unsigned i = 0; i < 200; i++)
		stranger_note(&m, hash(i), NOW);
	assert_in_range(stranger_tried(&m, NOW), 160, 250);
	for (unsigned i = 0; i < 100000; i++)
		stranger_note(&m, hash(i), NOW);
	assert_in_range(stranger_tried(&m, NOW), 400, STRANGER_COUNTS);
	assert_true(stranger_tried(&m, NOW + STRANGER_HOUR_MS) < stranger_tried(&m, NOW));
	assert_int_equal(stranger_tried(&m, NOW + 2 * STRANGER_HOUR_MS), 0);
}

static void who_turns_out_to_be_known_is_not_counted(void **st)
{
	struct stranger_memory m = { 0 };

	(void)st;
	stranger_note(&m, hash(1), NOW);
	stranger_note(&m, hash(2), NOW);
	stranger_forget(&m, hash(2));
	assert_int_equal(stranger_tried(&m, NOW), 1);
}

static bool found(const struct subject *s, unsigned tried, enum rule rule)
{
	struct stranger_conf conf = { 0 };
	struct verdict v = { 0 };

	stranger_verdict(s, tried, &conf, &v);
	for (unsigned i = 0; i < v.n; i++)
		if (v.f[i].rule == rule)
			return true;
	return false;
}

static void only_strangers_from_outside_are_first_contacts(void **st)
{
	struct subject s = { .from = STR("bob@other.example"), .to = STR("ann@firm.example"), .via = VIA_S2S, .nick = STR_NONE, .poses_as = STR_NONE };

	(void)st;
	assert_true(found(&s, 0, STRANGER_FIRST_CONTACT));
	assert_false(found(&s, STRANGER_TRIES, STRANGER_HARVEST));
	assert_true(found(&s, STRANGER_TRIES + 1, STRANGER_HARVEST));
	s.poses_as = STR("Anna Schmidt");
	assert_true(found(&s, 0, STRANGER_IMPERSONATES));
	s.known = true;
	assert_false(found(&s, 100, STRANGER_FIRST_CONTACT) || found(&s, 100, STRANGER_HARVEST) || found(&s, 0, STRANGER_IMPERSONATES));
	s.known = false;
	s.via = VIA_LOCAL;
	assert_false(found(&s, 0, STRANGER_FIRST_CONTACT));
}

static void any_bytes_can_be_shown(void **st)
{
	char text[64];
	struct buf b;

	(void)st;
	srand(7);
	buf_init(&b, 4096);
	for (unsigned n = 0; n < 20000; n++) {
		size_t len = (size_t)rand() % sizeof(text);

		for (size_t i = 0; i < len; i++)
			text[i] = (char)(rand() % 3 ? ".:/@hw \xe2"[rand() % 8] : rand());
		buf_clear(&b);
		stranger_defang(str_make(text, len), (size_t)rand() % 70, &b);
		assert_false(b.failed);
		assert_true(str_find(buf_str(&b), STR("://")) < 0);
		(void)stranger_is_random(str_make(text, len));
	}
	buf_release(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_live_is_left_in_a_text),
		cmocka_unit_test(plain_words_stay_as_they_are),
		cmocka_unit_test(a_long_text_is_cut_between_characters),
		cmocka_unit_test(names_of_people_are_not_random),
		cmocka_unit_test(the_count_of_people_is_near_and_forgotten_in_time),
		cmocka_unit_test(who_turns_out_to_be_known_is_not_counted),
		cmocka_unit_test(only_strangers_from_outside_are_first_contacts),
		cmocka_unit_test(any_bytes_can_be_shown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
