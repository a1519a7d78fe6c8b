/* What the links of a message say about it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "inspect/links.h"

static struct arena *a;
static struct lookalike_name own[1], brands[2];
static struct map *denied;
static struct links_conf conf;

static int up(void **st)
{
	static const struct str trusted[] = { { "meet.example", 12 } }, shorteners[] = { { "short.test", 10 } };

	(void)st;
	a = arena_new(4 << 20);
	denied = map_new(10);
	lookalike_init(&own[0], STR("firmament.test"));
	lookalike_init(&brands[0], STR("paypal.com"));
	lookalike_init(&brands[1], STR("microsoft.com"));
	brands[0].countries = brands[1].countries = true;
	conf = (struct links_conf){ .own = own, .n_own = 1, .brands = brands, .n_brands = 2, .trusted = trusted, .n_trusted = 1, .denied = denied,
				    .shorteners = shorteners, .n_shorteners = 1 };
	return map_put(denied, STR("evil.test"), &conf) < 0 || map_put(denied, STR("share.test/bad"), &conf) < 0 ? -1 : 0;
}

static int down(void **st)
{
	(void)st;
	arena_free(&a);
	map_free(&denied);
	return 0;
}

static struct verdict judge(struct subject s)
{
	struct verdict v = { 0 };
	struct links links;

	links_gather(&s, a, &links);
	links_verdict(&links, &conf, &v);
	return v;
}

static struct verdict body(const char *text)
{
	return judge((struct subject){ .body = str_of(text), .topic = STR_NONE });
}

/* -1: nothing at all. */
static void expect(const char *text, int rule)
{
	struct verdict v = body(text);

	if (rule < 0 && v.n)
		fail_msg("%s: %s", text, inspect_rule_name(v.f[0].rule));
	for (unsigned i = 0; i < v.n; i++)
		if ((int)v.f[i].rule == rule)
			return;
	if (rule >= 0)
		fail_msg("%s: no %s (%u findings)", text, inspect_rule_name((enum rule)rule), v.n);
}

static void every_rule_has_its_link(void **st)
{
	static const struct { const char *text; int rule; } cases[] = {
		{ "https://www.firmament.test/x", -1 },
		{ "https://meet.example/room", -1 },
		{ "http://ordinary.test/page", -1 },
		{ "https://www.paypal.com/login", -1 },
		{ "https://paypal.de/", -1 },
		{ "https://paypal-fans.github.io/", LINK_BRAND_LOOKALIKE },
		{ "https://someone.github.io/", -1 },
		{ "http://evil.test/", LINK_DENIED },
		{ "http://sub.evil.test/x", LINK_DENIED },
		{ "http://share.test/bad", LINK_DENIED },
		{ "http://share.test/good", -1 },
		{ "http://firrnament.test/", LINK_LOOKALIKE },
		{ "http://firmament.login.test/", -1 },
		{ "http://f\xc4\xb1rmament.test/", LINK_LOOKALIKE },
		{ "http://firmament-login.test/", LINK_LOOKALIKE },
		{ "http://firmament.test.login.example/", LINK_LOOKALIKE },
		{ "http://firmament.com/", LINK_LOOKALIKE },
		{ "http://firmamemt.test/", LINK_LOOKALIKE },
		{ "http://paypa1.test/", LINK_BRAND_LOOKALIKE },
		{ "http://p\xd0\xb0ypal.test/", LINK_BRAND_LOOKALIKE },
		{ "http://p\xd0\xb0ypal.test/", LINK_MIXED_SCRIPT },
		{ "http://rnicrosoft.com/", LINK_BRAND_LOOKALIKE },
		{ "http://paypal.tk/", LINK_BRAND_LOOKALIKE },
		{ "http://firmament.test@other.test/", LINK_USERINFO },
		{ "http://10.0.0.1/x", LINK_IP_LITERAL },
		{ "http://0x0a000001/x", LINK_OBFUSCATED },
		{ "hxxp://other[.]test/", LINK_OBFUSCATED },
		{ "http://other.test/photo.jpg.scr", LINK_FILE },
		{ "http://other.test/invoice.pdf.exe", LINK_DISGUISED },
		{ "http://other.test/invoice.pdf%20%20%20%20.exe?x=1", LINK_DISGUISED },
		{ "http://other.test/setup.1.2.exe", LINK_FILE },
		{ "http://other.test:4444/", LINK_PORT },
		{ "http://other.test:8443/", -1 },
		{ "http://192.168.7.1:9000/", LINK_IP_LITERAL },
		{ "https://go.meet.example/?u=http%3A%2F%2Fevil.test%2F", LINK_DENIED },
		{ "https://go.meet.example/?u=http%253A%252F%252Fevil.test%252F", LINK_DENIED },
		{ "https://ordinary.test/?u=aHR0cDovL2V2aWwudGVzdC9sb2dpbg", LINK_DENIED },
		{ "https://ordinary.test/?u=https%3A%2F%2Fother.test%2F", LINK_REDIRECT },
		{ "https://www.google.com/url?q=https://other.test/", LINK_REDIRECT },
		{ "https://ordinary.test/?u=https%3A%2F%2Fwww.ordinary.test%2F", -1 },
		{ "https://web.archive.org/web/2020/https://www.gnu.org/licenses/", -1 },
		{ "https://short.test/abc", LINK_SHORTENER },
		{ "https://short.test/", -1 },
		{ "http://discordnitro-gift.ru/", LINK_LEXICAL },
		{ "http://steamcomnumity-free.ru/", LINK_LEXICAL },
		{ "http://airdrop-claim-dapps.xyz/", LINK_LEXICAL },
		{ "https://paste.ubuntu.com/100240/", -1 },
		{ "https://bugs.launchpad.net/ubuntu/+source/gcc-4.2/+bug/186730", -1 },
		{ "https://en.wikipedia.org/wiki/Worm_(computing)", -1 },
		{ "[https://firmament.test](https://other.test/)", LINK_TEXT_MISMATCH },
		{ "[firmament.test](https://other.test/)", LINK_TEXT_MISMATCH },
		{ "[our site](https://other.test/)", -1 },
		{ "[www.other.test](https://other.test/x)", -1 },
	};

	(void)st;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		expect(cases[i].text, cases[i].rule);
}

static void markup_that_shows_another_site_is_found(void **st)
{
	struct subject s = { .body = STR("hello"), .topic = STR_NONE };
	struct verdict v;

	(void)st;
	subject_add_link(&s, STR("https://other.test/"), STR("https://firmament.test/"));
	v = judge(s);
	assert_int_equal(v.n, 1);
	assert_int_equal(v.f[0].rule, LINK_TEXT_MISMATCH);
}

static void a_shortened_link_of_somebody_known_is_no_news(void **st)
{
	struct verdict v = judge((struct subject){ .body = STR("https://short.test/abc"), .topic = STR_NONE, .known = true });

	(void)st;
	assert_int_equal(v.n, 0);
}

static void a_spelling_that_counts_comes_with_its_reason(void **st)
{
	struct verdict v = body("http://discordnitro-gift.ru/");

	(void)st;
	assert_int_equal(v.n, 1);
	assert_non_null(strstr(v.f[0].evidence, "discordnitro-gift[.]ru ("));
	assert_non_null(strstr(v.f[0].evidence, "'"));
}

static void evidence_is_no_live_link(void **st)
{
	struct verdict v = body("http://sub.evil.test/");

	(void)st;
	assert_string_equal(v.f[0].evidence, "sub[.]evil[.]test");
}

static void a_link_in_the_subject_counts(void **st)
{
	struct verdict v = judge((struct subject){ .body = STR("hello"), .topic = STR("http://evil.test/") });

	(void)st;
	assert_int_equal(v.n, 1);
}

static void trust_needs_the_whole_name(void **st)
{
	struct url u;

	(void)st;
	assert_true(url_parse(STR("https://a.meet.example/"), a, &u) && links_trusted(&u, &conf));
	assert_true(url_parse(STR("https://notmeet.example/"), a, &u) && !links_trusted(&u, &conf));
	assert_true(url_parse(STR("https://meet.example.other.test/"), a, &u) && !links_trusted(&u, &conf));
	assert_true(url_parse(STR("https://meet.example@other.test/"), a, &u) && !links_trusted(&u, &conf));
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, up, down)
	const struct CMUnitTest tests[] = {
		TEST(every_rule_has_its_link),
		TEST(markup_that_shows_another_site_is_found),
		TEST(a_shortened_link_of_somebody_known_is_no_news),
		TEST(a_spelling_that_counts_comes_with_its_reason),
		TEST(evidence_is_no_live_link),
		TEST(a_link_in_the_subject_counts),
		TEST(trust_needs_the_whole_name),
	};

	return cmocka_run_group_tests_name("inspect/links", tests, NULL, NULL);
}
