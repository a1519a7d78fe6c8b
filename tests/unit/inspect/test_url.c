/* Links as they are written, and what they really are. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <time.h>

#include "inspect/url.h"

static struct arena *arena;

static int up(void **st)
{
	(void)st;
	arena = arena_new(8 << 20);
	return arena ? 0 : -1;
}

static int down(void **st)
{
	(void)st;
	arena_free(&arena);
	return 0;
}

static const struct tricky {
	const char *text, *host, *site, *path;
	bool ip, userinfo, obfuscated, mixed;
} tricky[] = {
	{ "see http://www.firm.example/a?b=c#d.", "www.firm.example", "firm.example", "/a?b=c#d", 0, 0, 0, 0 },
	{ "(see https://firm.example/b).", "firm.example", "firm.example", "/b", 0, 0, 0, 0 },
	{ "https://en.wiki.test/wiki/X_(y)", "en.wiki.test", "wiki.test", "/wiki/X_(y)", 0, 0, 0, 0 },
	{ "HTTPS://FIRM.Example/Path", "firm.example", "firm.example", "/Path", 0, 0, 0, 0 },
	{ "look: www.evil.test", "www.evil.test", "evil.test", "", 0, 0, 0, 0 },
	{ "look at evil.test, please", "evil.test", "evil.test", "", 0, 0, 0, 0 },
	{ "http://firm.example.:8080/x", "firm.example", "firm.example", "/x", 0, 0, 0, 0 },
	{ "http://a.b.co.uk/", "a.b.co.uk", "b.co.uk", "/", 0, 0, 0, 0 },
	{ "https://firm.example@evil.test/login", "evil.test", "evil.test", "/login", 0, 1, 0, 0 },
	{ "https://user:pw@evil.test:8443/", "evil.test", "evil.test", "/", 0, 1, 0, 0 },
	{ "hxxps://evil[.]test/p", "evil.test", "evil.test", "/p", 0, 0, 1, 0 },
	{ "HXXP://evil[DOT]test", "evil.test", "evil.test", "", 0, 0, 1, 0 },
	{ "http://evil(dot)test/", "evil.test", "evil.test", "/", 0, 0, 1, 0 },
	{ "go to evil dot test now", "evil.test", "evil.test", "", 0, 0, 1, 0 },
	{ "http://%65vil.test/x", "evil.test", "evil.test", "/x", 0, 0, 1, 0 },
	{ "http://ev\xe2\x80\x8bil.test/x", "evil.test", "evil.test", "/x", 0, 0, 1, 0 },
	{ "http://ev\xc2\xadil.test/x", "evil.test", "evil.test", "/x", 0, 0, 1, 0 },
	{ "http://\xef\xbd\x85vil\xe3\x80\x82test/", "evil.test", "evil.test", "/", 0, 0, 1, 0 },
	{ "http://127.0.0.1:99/a", "127.0.0.1", "127.0.0.1", "/a", 1, 0, 0, 0 },
	{ "http://2130706433/", "127.0.0.1", "127.0.0.1", "/", 1, 0, 1, 0 },
	{ "http://0x7f.1/", "127.0.0.1", "127.0.0.1", "/", 1, 0, 1, 0 },
	{ "http://017700000001/", "127.0.0.1", "127.0.0.1", "/", 1, 0, 1, 0 },
	{ "http://[2001:db8::1]:8080/x", "2001:db8::1", "2001:db8::1", "/x", 1, 0, 0, 0 },
	{ "http://[2001:DB8:0:0::0001]/x", "2001:db8::1", "2001:db8::1", "/x", 1, 0, 0, 0 },
	{ "http://b\xc3\xbc" "cher.test/", "xn--bcher-kva.test", "xn--bcher-kva.test", "/", 0, 0, 0, 0 },
	{ "http://xn--bcher-kva.test/", "xn--bcher-kva.test", "xn--bcher-kva.test", "/", 0, 0, 0, 0 },
	{ "http://p\xd0\xb0ypal.test/", "xn--pypal-4ve.test", "xn--pypal-4ve.test", "/", 0, 0, 0, 1 },
	{ "https:\\\\evil.test\\x", "evil.test", "evil.test", "\\x", 0, 0, 0, 0 },
	{ "[here](http://evil.test/x) and so on", "evil.test", "evil.test", "/x", 0, 0, 0, 0 },
	{ "<http://evil.test/x>", "evil.test", "evil.test", "/x", 0, 0, 0, 0 },
	{ "\"http://evil.test/x\"", "evil.test", "evil.test", "/x", 0, 0, 0, 0 },
};

static void every_way_to_write_a_link_is_read(void **st)
{
	(void)st;
	for (size_t i = 0; i < sizeof(tricky) / sizeof(tricky[0]); i++) {
		const struct tricky *t = &tricky[i];
		struct url u[URLS] = { { .host = STR_NONE, .site = STR_NONE, .path = STR_NONE } };
		bool more;
		unsigned n = url_find(str_of(t->text), arena, u, &more);

		if (n != 1 || !str_is(u[0].host, t->host) || !str_is(u[0].site, t->site) || !str_is(u[0].path, t->path) ||
		    u[0].ip != t->ip || u[0].userinfo != t->userinfo || u[0].obfuscated != t->obfuscated || u[0].mixed_script != t->mixed)
			fail_msg("%s: %u links, host '%.*s' site '%.*s' path '%.*s' ip %d userinfo %d obfuscated %d mixed %d", t->text, n,
				 STR_FMT(u[0].host), STR_FMT(u[0].site), STR_FMT(u[0].path),
				 n && u[0].ip, n && u[0].userinfo, n && u[0].obfuscated, n && u[0].mixed_script);
	}
}

static void what_only_looks_like_a_link_is_none(void **st)
{
	static const char *const texts[] = {
		"hello there. how are you?", "version 1.2.3.4 is out", "main.c and README.md changed", "mail anna@firm.example please",
		"e.g. this, i.e. that...", "http://", "https:// firm", "http://a b", "a.b", "...", "http://.", "http://-", "http:///x",
		"10.30 to 11.45", "std::string", "the bot dot", "http://[::1", "http://a..b/",
	};

	(void)st;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct url u[URLS];
		bool more;
		unsigned n = url_find(str_of(texts[i]), arena, u, &more);

		if (n && !(u[0].host.n == 1))
			fail_msg("%s: taken for %.*s", texts[i], STR_FMT(u[0].host));
	}
}

static void no_more_than_sixteen_links_are_read_and_that_is_said(void **st)
{
	char text[400] = "";
	struct url u[URLS];
	bool more;

	(void)st;
	for (int i = 0; i < 17; i++)
		snprintf(text + strlen(text), sizeof(text) - strlen(text), "http://h%d.test ", i);
	assert_int_equal(url_find(str_of(text), arena, u, &more), URLS);
	assert_true(more);
	assert_true(str_is(u[15].host, "h15.test"));
}

static void markdown_shows_its_text(void **st)
{
	struct url u[URLS];
	bool more;

	(void)st;
	assert_int_equal(url_find(STR("see [the bank](http://evil.test/x) now"), arena, u, &more), 1);
	assert_true(str_is(u[0].shown, "the bank"));
}

static void a_target_without_a_host_is_no_link(void **st)
{
	struct url u;

	(void)st;
	assert_false(url_parse(STR("mailto:anna@firm.example"), arena, &u));
	assert_false(url_parse(STR("xmpp:anna@firm.example"), arena, &u));
	assert_false(url_parse(STR("javascript:alert(1)"), arena, &u));
	assert_false(url_parse(STR(""), arena, &u));
	assert_true(url_parse(STR(" //evil.test/x "), arena, &u));
	assert_true(str_is(u.host, "evil.test"));
}

static void programs_are_known_by_their_ending(void **st)
{
	static const char *const yes[] = { "http://a.test/x.scr", "http://a.test/photo.jpg.EXE?x=1", "http://a.test/x.pif#y" };
	static const char *const no[] = { "http://a.test/x.jpg", "http://a.test/exe", "http://a.test/?f=x.exe", "http://b.test/.com/x" };
	struct url u;

	(void)st;
	for (size_t i = 0; i < 3; i++)
		assert_true(url_parse(str_of(yes[i]), arena, &u) && url_is_program(&u));
	for (size_t i = 0; i < 4; i++)
		assert_true(url_parse(str_of(no[i]), arena, &u) && !url_is_program(&u));
}

/* The best of a few: the machine is shared. */
static double seconds(struct str text)
{
	struct url u[URLS];
	bool more;
	double best = 1e9;

	for (int i = 0; i < 5; i++) {
		struct timespec a, b;
		double s;

		arena_clear(arena);
		clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &a);
		url_find(text, arena, u, &more);
		clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &b);
		s = (double)(b.tv_sec - a.tv_sec) + (double)(b.tv_nsec - a.tv_nsec) / 1e9;
		best = s < best ? s : best;
	}
	return best;
}

/* Four times the text may take four times as long, not sixteen. */
static void time_grows_with_the_text_and_no_faster(void **st)
{
	static const char *const bits[] = { "a.", ".", "[", "http://", "://", "](http:", "a@b.", "(dot)", " dot ", "aaaa", "-.-", "www.", "\xe2\x80\x8b", "x.y:", "http://:", "x.com:", "http://a@", "[a](", "ht" };
	static char text[64 * 1024];

	(void)st;
	for (size_t i = 0; i < sizeof(bits) / sizeof(bits[0]); i++) {
		size_t n = strlen(bits[i]);
		double small, large;

		for (size_t k = 0; k < sizeof(text); k++)
			text[k] = bits[i][k % n];
		small = seconds(str_make(text, sizeof(text) / 4));
		large = seconds(str_make(text, sizeof(text)));
		if (large > 0.02 && large > small * 9)
			fail_msg("'%s' repeated: %.4f s, four times as much %.4f s", bits[i], small, large);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_way_to_write_a_link_is_read),
		cmocka_unit_test(what_only_looks_like_a_link_is_none),
		cmocka_unit_test(no_more_than_sixteen_links_are_read_and_that_is_said),
		cmocka_unit_test(markdown_shows_its_text),
		cmocka_unit_test(a_target_without_a_host_is_no_link),
		cmocka_unit_test(programs_are_known_by_their_ending),
		cmocka_unit_test(time_grows_with_the_text_and_no_faster),
	};

	return cmocka_run_group_tests_name("inspect/url", tests, up, down);
}
