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
	static const struct str trusted[] = { { "meet.example", 12 } };

	(void)st;
	a = arena_new(4 << 20);
	denied = map_new(10);
	lookalike_init(&own[0], STR("firmament.test"));
	lookalike_init(&brands[0], STR("paypal.com"));
	lookalike_init(&brands[1], STR("microsoft.com"));
	brands[0].countries = brands[1].countries = true;
	conf = (struct links_conf){ .own = own, .n_own = 1, .brands = brands, .n_brands = 2, .trusted = trusted, .n_trusted = 1, .denied = denied };
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
		TEST(evidence_is_no_live_link),
		TEST(a_link_in_the_subject_counts),
		TEST(trust_needs_the_whole_name),
	};

	return cmocka_run_group_tests_name("inspect/links", tests, NULL, NULL);
}
