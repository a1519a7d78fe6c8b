/* policy.yaml and weights.yaml: what is read, and where each mistake is said to be. */
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

static struct policy *read(const char *text)
{
	struct policy *p = NULL;
	struct str why = STR_NONE;

	if (policy_parse(str_of(text), "policy.yaml", "firm.test", a, &p, &why) < 0)
		fail_msg("%.*s", STR_FMT(why));
	return p;
}

static void an_empty_policy_has_the_defaults(void **st)
{
	struct policy *p = read("# nothing but a comment\n");

	(void)st;
	assert_int_equal(p->copies, 3);
	assert_int_equal(p->window_ms, 24u * 3600 * 1000);
	assert_int_equal(p->flag, 60);
	assert_int_equal(p->hold, 100);
	assert_int_equal(p->reject, 0);
	assert_int_equal(p->links.n_own, 1);
	assert_true(p->links.n_brands > 5 && p->links.n_everyday > 5);
	policy_free(&p);
}

static void what_is_written_is_read(void **st)
{
	struct policy *p = read("own_domains: [Firm.example, firm.org]\ntrusted_links:\n  - meet.example\nworm_copies: 5\n"
				"worm_window: 7d\nreject_at: 300\nflag_at: off\ndeny_list: bad.txt\nbrands: []\n");

	(void)st;
	assert_int_equal(p->links.n_own, 3);
	assert_true(str_is(p->links.own[0].domain, "firm.test") && str_is(p->links.own[1].domain, "firm.example"));
	assert_true(str_is(p->links.trusted[0], "meet.example"));
	assert_int_equal(p->copies, 5);
	assert_int_equal(p->window_ms, 7ull * 24 * 3600 * 1000);
	assert_int_equal(p->reject, 300);
	assert_int_equal(p->flag, 0);
	assert_int_equal(p->links.n_brands, 0);
	assert_true(str_is(p->deny_file, "bad.txt"));
	policy_free(&p);
}

static void every_mistake_has_its_place(void **st)
{
	static const struct { const char *text, *why; } wrong[] = {
		{ "worm_copys: 3\n", "policy.yaml:1:1: expected a key of a policy" },
		{ "# one\nworm_copies: three\n", "policy.yaml:2:14: expected a whole number from 1 to 1000, found 'three'" },
		{ "worm_copies: 0\n", "policy.yaml:1:14: expected a whole number" },
		{ "worm_copies: 3\nworm_copies: 4\n", "policy.yaml:2:1: expected every key once" },
		{ "worm_window: 24\n", "policy.yaml:1:14: expected a duration" },
		{ "trusted_links: meet.example\n", "policy.yaml:1:16: expected a list of names" },
		{ "trusted_links: [https://meet.example/]\n", "policy.yaml:1:17: expected the name of a site" },
		{ "deny_list: ../../etc/passwd\n", "policy.yaml:1:12: expected the name of a file beside policy.yaml" },
		{ "hold_at: 50\n", "policy.yaml: expected flag_at to be no more than hold_at" },
		{ "- a\n- b\n", "policy.yaml:1:1: expected lines of the form" },
		{ "worm_copies: [\n", "policy.yaml:2:1: expected YAML" },
		{ "own_domains: &x [a.test]\n", "policy.yaml:1:14: expected a plain value" },
		{ "own_domains: &x [a.test]\ntrusted_links: *x\n", "policy.yaml:1:14: expected a plain value" },
		{ "worm_copies: !!int 3\n", "policy.yaml:1:14: expected a plain value" },
		{ "worm_copies: 3\n---\nworm_copies: 4\n", "policy.yaml:2:1: expected one document" },
	};

	(void)st;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		struct policy *p;
		struct str why = STR_NONE;

		assert_int_equal(policy_parse(str_of(wrong[i].text), "policy.yaml", "firm.test", a, &p, &why), ERR_BAD_FORMAT);
		if (!str_starts(why, str_of(wrong[i].why)))
			fail_msg("'%s' should begin with '%s'", arena_dup(a, why.p, why.n), wrong[i].why);
	}
}

static void the_file_of_defaults_reads_as_the_defaults(void **st)
{
	struct policy *p = read(""), *q = NULL;
	struct str text = policy_default_text(a), why;

	(void)st;
	assert_int_equal(policy_parse(text, "policy.yaml", "firm.test", a, &q, &why), 0);
	assert_int_equal(p->copies, q->copies);
	assert_int_equal(p->window_ms, q->window_ms);
	assert_int_equal(p->flag + p->hold + p->reject, q->flag + q->hold + q->reject);
	assert_int_equal(p->links.n_brands, q->links.n_brands);
	assert_int_equal(p->links.n_everyday, q->links.n_everyday);
	assert_int_equal(policy_weights(q, policy_default_weights(a), "weights.yaml", a, &why), 0);
	assert_memory_equal(p->weights, q->weights, sizeof(p->weights));
	policy_free(&p);
	policy_free(&q);
}

static void weights_are_read_by_the_names_of_rules(void **st)
{
	struct policy *p = read("");
	struct str why;

	(void)st;
	assert_int_equal(policy_weights(p, STR("LINK_LOOKALIKE: 45\nLINK_FILE: off\n"), "weights.yaml", a, &why), 0);
	assert_int_equal(p->weights[LINK_LOOKALIKE], 45);
	assert_int_equal(p->weights[LINK_FILE], 0);
	assert_int_equal(policy_weights(p, STR("LINK_LOOKALIK: 45\n"), "weights.yaml", a, &why), ERR_BAD_FORMAT);
	assert_true(str_starts(why, STR("weights.yaml:1:1: expected the name of a rule")));
	policy_free(&p);
}

static void a_deny_list_has_a_name_a_line(void **st)
{
	struct policy *p = read("");

	(void)st;
	assert_int_equal(policy_deny(p, STR("# bad ones\nevil.test\r\n\n  host.other.test/path  \n")), 0);
	assert_non_null(map_get(p->links.denied, STR("evil.test")));
	assert_non_null(map_get(p->links.denied, STR("host.other.test/path")));
	assert_int_equal(map_count(p->links.denied), 2);
	policy_free(&p);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, up, down)
	const struct CMUnitTest tests[] = {
		TEST(an_empty_policy_has_the_defaults),
		TEST(what_is_written_is_read),
		TEST(every_mistake_has_its_place),
		TEST(the_file_of_defaults_reads_as_the_defaults),
		TEST(weights_are_read_by_the_names_of_rules),
		TEST(a_deny_list_has_a_name_a_line),
	};

	return cmocka_run_group_tests_name("policy/policy", tests, NULL, NULL);
}
