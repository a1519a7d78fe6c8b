/* From which networks who may sign in (policy/networks.h). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "policy/policy.h"

static struct arena *a;

static int up(void **st)
{
	(void)st;
	a = arena_new(8 << 20);
	return a ? 0 : -1;
}

static int down(void **st)
{
	(void)st;
	arena_free(&a);
	return 0;
}

static bool has(const char *net, const char *address)
{
	struct network n, one;

	assert_true(networks_parse(str_of(net), &n));
	assert_true(networks_parse(str_of(address), &one));
	return networks_has(&n, one.address);
}

static void ranges_hold_what_is_in_them(void **st)
{
	(void)st;
	assert_true(has("10.1.0.0/16", "10.1.255.7"));
	assert_false(has("10.1.0.0/16", "10.2.0.1"));
	assert_true(has("10.1.2.128/25", "10.1.2.200"));
	assert_false(has("10.1.2.128/25", "10.1.2.100"));
	assert_true(has("192.0.2.7", "192.0.2.7"));
	assert_false(has("192.0.2.7", "192.0.2.8"));
	assert_true(has("2001:db8::/33", "2001:db8:7fff::1"));
	assert_false(has("2001:db8::/33", "2001:db8:8000::1"));
	assert_true(has("0.0.0.0/0", "203.0.113.9"));
	assert_false(has("0.0.0.0/0", "2001:db8::1"));
	assert_true(has("::/0", "203.0.113.9"));
	assert_true(has("10.0.0.0/8", "::ffff:10.3.4.5"));
}

static void what_is_no_network_is_refused(void **st)
{
	static const char *const bad[] = { "", "10.1.0.0/33", "10.1.0.0/", "10.1.0.1/16", "10.1.0/16", "::/129", "2001:db8::1/64", "firm.example", "10.0.0.0/-1",
					   "10.0.0.0/8/9", "1111:2222:3333:4444:5555:6666:7777:8888:9999/1234567890" };
	struct network n;

	(void)st;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_false(networks_parse(str_of(bad[i]), &n));
}

static bool may(const struct policy *p, const char *who, const char *address)
{
	struct network one;

	assert_true(networks_parse(str_of(address), &one));
	return networks_allow(&p->networks, people_of(&p->people, str_of(who)), one.address);
}

static struct policy *read_policy(const char *text, int want, struct str *why)
{
	struct policy *p = NULL;

	assert_int_equal(policy_parse(str_of(text), "policy.yaml", "firm.test", a, &p, why), want);
	return p;
}

static void the_first_line_that_names_somebody_decides(void **st)
{
	struct str why;
	struct policy *p = read_policy("groups: {sales: [ann@firm.test]}\n"
				       "networks:\n  allowed:\n    sales: [10.1.0.0/16]\n    bob@firm.test: [192.0.2.7, \"2001:db8::/32\"]\n    colleagues: [10.0.0.0/8]\n",
				       0, &why);

	(void)st;
	assert_true(may(p, "ann@firm.test", "10.1.2.3"));
	assert_false(may(p, "ann@firm.test", "10.2.2.3"));
	assert_true(may(p, "bob@firm.test", "2001:db8:9::1"));
	assert_false(may(p, "bob@firm.test", "10.1.2.3"));
	assert_true(may(p, "cat@firm.test", "10.9.9.9"));
	assert_false(may(p, "cat@firm.test", "203.0.113.9"));
	policy_free(&p);
}

static void whom_no_line_names_is_let_in_or_not(void **st)
{
	struct str why;
	struct policy *p = read_policy("networks: {allowed: {ann@firm.test: [10.1.0.0/16]}}\n", 0, &why);

	(void)st;
	assert_true(may(p, "bob@firm.test", "203.0.113.9"));
	policy_free(&p);
	p = read_policy("networks: {allowed: {ann@firm.test: [10.1.0.0/16]}, otherwise: nowhere}\n", 0, &why);
	assert_false(may(p, "bob@firm.test", "10.1.2.3"));
	assert_true(may(p, "ann@firm.test", "10.1.2.3"));
	policy_free(&p);
	p = read_policy("networks: {allowed: {ann@firm.test: []}}\n", 0, &why);
	assert_false(may(p, "ann@firm.test", "10.1.2.3"));
	policy_free(&p);
}

static void mistakes_are_named_with_their_place(void **st)
{
	static const char *const bad[] = {
		"networks: {allowed: {sales: [10.0.0.0/8]}}\n", "networks: {allowed: {colleagues: 10.0.0.0/8}}\n", "networks: {allowed: [10.0.0.0/8]}\n",
		"networks: {allowed: {colleagues: [10.0.0.1/8]}}\n", "networks: {allowed: {colleagues: [[1]]}}\n", "networks: {otherwise: maybe}\n",
	};
	struct str why = STR_NONE;

	(void)st;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		read_policy(bad[i], ERR_BAD_FORMAT, &why);
		assert_true(str_starts(why, STR("policy.yaml:1:")));
	}
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, up, down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(ranges_hold_what_is_in_them),
		TEST(what_is_no_network_is_refused),
		TEST(the_first_line_that_names_somebody_decides),
		TEST(whom_no_line_names_is_let_in_or_not),
		TEST(mistakes_are_named_with_their_place),
	};

	return cmocka_run_group_tests_name("policy/networks", tests, NULL, NULL);
}
