/* Lists of malicious links: every common format is read, what is broken is named, and a match is what was listed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "inspect/feed.h"

static struct arena *a;

static int up(void **st)
{
	(void)st;
	a = arena_new(1 << 20);
	return a ? 0 : -1;
}

static int down(void **st)
{
	(void)st;
	arena_free(&a);
	return 0;
}

static struct feed_set build(struct feed_build *b, const char *text)
{
	assert_int_equal(feed_begin(b), 0);
	assert_int_equal(feed_text(b, str_of(text)), 0);
	feed_finish(b);
	return (struct feed_set){ .name = STR("test"), .v = b->v, .n = b->n };
}

static bool listed(const char *text, const char *link)
{
	struct feed_build b;
	struct feed_set s = build(&b, text);
	struct url u;
	bool is;

	assert_true(url_parse(str_of(link), a, &u));
	is = feed_has(&s, &u, true);
	feed_free(&b);
	return is;
}

static void every_common_format_is_read(void **st)
{
	static const struct { const char *line, *link; bool listed; } cases[] = {
		{ "http://evil.test/a.exe", "http://evil.test/a.exe", true },
		{ "http://evil.test/a.exe", "https://evil.test/a.exe#top", true },
		{ "http://evil.test/a.exe", "http://evil.test/a.exe?id=7", true },
		{ "http://evil.test/a.exe", "http://evil.test/b.exe", false },
		{ "http://evil.test/a.exe\r\n", "http://evil.test/a.exe", true },
		{ "http://evil.test/a?b=1", "http://evil.test/a?b=1", true },
		{ "http://evil.test/a?b=1", "http://evil.test/a", false },
		{ "http://evil.test/", "http://www.evil.test/anything", true },
		{ "http://203.0.113.5:4444/bin.sh", "http://203.0.113.5:4444/bin.sh", true },
		{ "http://203.0.113.5:4444/bin.sh", "http://203.0.113.5:80/bin.sh", false },
		{ "\"123\",\"2026-11-01 10:00:00\",\"http://evil.test/x,y\",\"online\",\"malware_download\"", "http://evil.test/x,y", true },
		{ "7,2026-11-01,https://evil.test/csv,online", "https://evil.test/csv", true },
		{ "0.0.0.0 evil.test other.test # two", "http://other.test/x", true },
		{ "127.0.0.1\tevil.test", "http://a.evil.test/", true },
		{ "::1 localhost", "http://localhost/", false },
		{ "evil.test", "http://evil.test/x", true },
		{ "evil.test", "http://notevil.test/x", false },
		{ "*.evil.test", "http://b.evil.test/x", true },
		{ "||evil.test^", "http://evil.test/", true },
		{ "EVIL.Test", "http://evil.test/", true },
		{ "b\xc3\xbc" "cher.test", "http://xn--bcher-kva.test/", true },
		{ "evil.test/phish", "http://evil.test/phish", true },
		{ "evil.test/phish", "http://evil.test/", false },
		{ "a.evil.test", "http://evil.test/", false },
		{ "203.0.113.9", "http://0xcb007109/", true },
	};

	(void)st;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		if (listed(cases[i].line, cases[i].link) != cases[i].listed)
			fail_msg("%s: %s is%s listed", cases[i].line, cases[i].link, cases[i].listed ? " not" : "");
}

static void a_hash_stands_for_what_was_hashed(void **st)
{
	(void)st;
	assert_int_equal(feed_key(STR("abc")), 0xba7816bf8f01cfea);
	assert_true(listed("0xnothing\nba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad", "http://abc/"));
}

static void broken_lines_are_counted_and_the_first_are_named(void **st)
{
	struct feed_build b;

	(void)st;
	build(&b, "# a comment\n\nevil.test\n<html><body>not found</body></html>\nco.uk\ngithub.io\nhttp://\ncom\nhello world\ntwo words\nmore words\n");
	assert_int_equal(b.n, 1);
	assert_int_equal(b.broken, 8);
	assert_int_equal(b.named[0].line, 4);
	assert_string_equal(b.named[1].why, "it would stand for sites of many");
	assert_string_equal(b.named[1].text, "co.uk");
	feed_free(&b);
}

static void a_site_of_everybody_is_not_closed_for_one_page(void **st)
{
	struct feed_build b;
	struct feed_set s = build(&b, "github.com\nhttp://pastebin.com/raw/evil\n");
	struct url u, page;

	(void)st;
	assert_true(url_parse(STR("https://github.com/x"), a, &u) && url_parse(STR("https://pastebin.com/raw/evil"), a, &page));
	assert_true(feed_has(&s, &u, true));
	assert_false(feed_has(&s, &u, false));
	assert_true(feed_has(&s, &page, false));
	feed_free(&b);
}

static void a_million_entries_take_eight_mebibytes_and_are_all_found(void **st)
{
	struct feed_build b;
	struct feed_set s;
	char line[64];
	unsigned strangers = 0;

	(void)st;
	assert_int_equal(feed_begin(&b), 0);
	for (unsigned i = 0; i < 1000000; i++) {
		int n = snprintf(line, sizeof(line), "host%u.evil%u.test", i, i % 1000);

		assert_int_equal(feed_line(&b, str_make(line, (size_t)n)), 0);
	}
	feed_finish(&b);
	s = (struct feed_set){ .name = STR("test"), .v = b.v, .n = b.n };
	assert_int_equal(s.n, 1000000);
	assert_true(s.n * sizeof(*s.v) <= 16u << 20);
	for (unsigned i = 0; i < 1000000; i += 97) {
		struct url u;

		snprintf(line, sizeof(line), "http://host%u.evil%u.test/x", i, i % 1000);
		assert_true(url_parse(str_of(line), a, &u) && feed_has(&s, &u, true));
		snprintf(line, sizeof(line), "http://host%u.good%u.test/x", i, i % 1000);
		assert_true(url_parse(str_of(line), a, &u));
		strangers += feed_has(&s, &u, true);
		arena_clear(a);
	}
	assert_int_equal(strangers, 0);
	feed_free(&b);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, up, down)
	const struct CMUnitTest tests[] = {
		TEST(every_common_format_is_read),
		TEST(a_hash_stands_for_what_was_hashed),
		TEST(broken_lines_are_counted_and_the_first_are_named),
		TEST(a_site_of_everybody_is_not_closed_for_one_page),
		TEST(a_million_entries_take_eight_mebibytes_and_are_all_found),
	};

	return cmocka_run_group_tests_name("inspect/feed", tests, NULL, NULL);
}
