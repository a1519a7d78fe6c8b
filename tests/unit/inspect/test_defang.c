/* Links of a text are written anew; all else stays as it was, byte for byte. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "inspect/defang.h"

static struct arena *a;
static struct lookalike_name own[1];
static struct links_conf conf;

static int up(void **st)
{
	(void)st;
	a = arena_new(64 << 20);
	lookalike_init(&own[0], STR("firmament.test"));
	conf = (struct links_conf){ .own = own, .n_own = 1 };
	return a ? 0 : -1;
}

static int down(void **st)
{
	(void)st;
	arena_free(&a);
	return 0;
}

static void links_lose_their_life_and_nothing_else_changes(void **st)
{
	static const struct { const char *from, *to; } cases[] = {
		{ "no link here, version 1.2.3", "no link here, version 1.2.3" },
		{ "see http://evil.test/x.php?a=1, now", "see hxxp://evil[.]test/x[.]php?a=1, now" },
		{ "see HTTPS://Evil.test", "see hxxps://evil[.]test" },
		{ "(evil.example)", "(evil[.]example)" },
		{ "http://firmament.test/ok and http://evil.test/", "http://firmament.test/ok and hxxp://evil[.]test/" },
		{ "http://firmament.test@evil.test/", "hxxp://evil[.]test/" },
		{ "http://evil.test:8443/", "hxxp://evil[.]test[:]8443/" },
		{ "http://[::1]/x", "hxxp://[:][:]1/x" },
		{ "http://evil.test/?u=http://other.test/", "hxxp://evil[.]test/?u=http[:]//other[.]test/" },
		{ "\xc3\xa4 http://ev\xe2\x80\x8bil.test/ \xc3\xb6", "\xc3\xa4 hxxp://evil[.]test/ \xc3\xb6" },
		{ "http://p\xd0\xb0ypal.test/", "hxxp://xn--pypal-4ve[.]test/" },
		{ "[our site](https://evil.test/a) end", "[our site](hxxps://evil[.]test/a) end" },
		{ "hxxp://evil[.]test/x", "hxxp://evil[.]test/x" },
		{ "ftp://evil.test/f", "ftp[:]//evil[.]test/f" },
	};

	(void)st;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct defang d = { .conf = &conf };
		struct str out;

		assert_int_equal(defang_text(&d, str_of(cases[i].from), a, &out), 0);
		if (!str_is(out, cases[i].to))
			fail_msg("%s: got %.*s, expected %s", cases[i].from, STR_FMT(out), cases[i].to);
	}
}

/* However many there are, and wherever a window of the reader ends. */
static void no_link_of_a_long_text_stays_alive(void **st)
{
	(void)st;
	for (size_t before = URL_TEXT - 40; before < URL_TEXT + 4; before++) {
		struct defang d = { .conf = &conf };
		struct str out;
		struct buf b;

		buf_init(&b, 1 << 20);
		for (unsigned i = 0; i < 40; i++)
			buf_printf(&b, "http://evil%u.test/x ", i);
		while (b.n < before)
			buf_char(&b, 'a' + (char)(b.n % 7 == 0 ? -65 : 0));
		buf_printf(&b, " http://evil.test/last and more");
		assert_int_equal(defang_text(&d, buf_str(&b), a, &out), 0);
		assert_int_equal(d.n, 41);
		assert_true(str_find(out, STR("http://")) < 0);
		assert_true(str_ends(out, STR("hxxp://evil[.]test/last and more")));
		buf_release(&b);
		arena_clear(a);
	}
}

static int put_x(void *ctx, struct buf *b, const struct url *u)
{
	(void)ctx;
	buf_printf(b, "<%.*s>", STR_FMT(u->site));
	return 0;
}

static void another_text_can_stand_for_a_link(void **st)
{
	struct defang d = { .conf = &conf, .put = put_x };
	struct str out;

	(void)st;
	assert_int_equal(defang_text(&d, STR("a www.evil.test b"), a, &out), 0);
	assert_true(str_is(out, "a <evil.test> b"));
	assert_int_equal(d.n, 1);
	assert_true(str_is(d.first.host, "www.evil.test"));
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, up, down)
	const struct CMUnitTest tests[] = {
		TEST(links_lose_their_life_and_nothing_else_changes),
		TEST(no_link_of_a_long_text_stays_alive),
		TEST(another_text_can_stand_for_a_link),
	};

	return cmocka_run_group_tests_name("inspect/defang", tests, NULL, NULL);
}
