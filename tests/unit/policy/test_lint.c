/* What is odd about a policy that can be read. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "policy/lint.h"

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

/* The notes, a line each. */
static const char *notes(const char *text)
{
	struct lint *l = arena_alloc(a, sizeof(*l));
	struct str why = STR_NONE, all = STR("");
	struct policy *p = NULL;

	if (policy_parse(str_of(text), "policy.yaml", "firm.test", a, &p, &why) < 0)
		fail_msg("%.*s", STR_FMT(why));
	assert_int_equal(lint_policy(p, a, l), 0);
	for (unsigned i = 0; i < l->n; i++)
		all = arena_printf(a, "%.*s%u: %.*s\n", STR_FMT(all), l->v[i].line, STR_FMT(l->v[i].text));
	policy_free(&p);
	return all.p;
}

#define G "groups: {sales: [anna@firm.test, ben@firm.test], chiefs: [anna@firm.test], partner: [partner.test], nobody: []}\n"

static void a_rule_behind_one_for_the_same_people_is_named(void **st)
{
	static const struct { const char *rules, *note; } t[] = {
		{ "{from: strangers, do: hold}, {from: strangers, to: sales, do: flag}", "2: links.rules, line 2 can never apply: the rule of line 2 decides" },
		{ "{from: outsiders, do: hold}, {from: strangers, do: flag}", "can never apply: the rule" },
		{ "{do: hold}, {from: sales, do: flag}", "can never apply: the rule" },
		{ "{from: sales, do: hold}, {from: chiefs, do: flag}", "can never apply: the rule" },
		{ "{from: colleagues, do: hold}, {from: chiefs, do: flag}", "can never apply: the rule" },
		{ "{from: partner.test, do: hold}, {from: partner, do: flag}", "can never apply: the rule" },
		{ "{between: [sales, partner], do: hold}, {from: partner, to: chiefs, do: flag}", "can never apply: the rule" },
		{ "{from: strangers, to: sales, do: hold}, {from: strangers, do: flag}", NULL },
		{ "{from: chiefs, do: hold}, {from: sales, do: flag}", NULL },
		{ "{from: strangers, do: hold, shadow: on}, {from: strangers, do: flag}", NULL },
		{ "{from: strangers, except: partner, do: hold}, {from: strangers, do: flag}", NULL },
		{ "{from: sales, to: partner, do: hold}, {between: [sales, partner], do: flag}", NULL },
		{ "{from: contacts, do: hold}, {from: strangers, do: flag}", NULL },
		{ "{from: sales, do: hold}, {from: nobody, do: flag}", "can never apply: nobody is in nobody" },
		{ "{from: sales, except: [chiefs, ben@firm.test], do: hold}", "its exception leaves nobody on one side" },
	};

	(void)st;
	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		struct str text = arena_printf(a, G "links: {rules: [%s]}\n", t[i].rules);
		const char *got = notes(text.p);

		if (t[i].note ? !strstr(got, t[i].note) : strstr(got, "can never") != NULL)
			fail_msg("row %zu: %s", i, got);
	}
}

static void rules_and_keys_for_files_that_never_apply_are_named(void **st)
{
	static const struct { const char *files, *note; } t[] = {
		{ "rules: [{from: sales, what: macros, do: hold}, {from: sales, what: [macros, active], do: hold}]", NULL },
		{ "rules: [{from: sales, what: [macros, active], do: hold}, {from: sales, what: macros, do: allow}]", "can never apply: the rule of line 2 decides" },
		{ "rules: [{from: sales, do: hold}, {from: sales, what: macros, do: allow}]", "can never apply: the rule of line 2 decides" },
		{ "rules: [{from: sales, what: macros, do: hold}, {from: sales, do: hold}]", NULL },
		{ "rules: [{from: sales, to: partner, what: macros, do: allow}]", "can never apply: a file is judged at upload" },
		{ "rules: [{from: sales, to: partner, what: [macros, scripts], do: hold}]", NULL },
		{ "rules: [{from: sales, what: macros, do: allow}]", NULL },
		{ "rules: [{between: [sales, partner], what: jingle, do: allow}]", NULL },
		{ "bombs: clean", "files.bombs: clean means hold" },
		{ "malware: allow", "files.malware: what is known" },
		{ "signed: allow", "files.signed: anybody can sign" },
		{ "{direct: off, in_band: allow}", "files.in_band can never apply: files.direct is off" },
	};

	(void)st;
	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		struct str text = arena_printf(a, *t[i].files == '{' ? G "files: %s\n" : G "files: {%s}\n", t[i].files);
		const char *got = notes(text.p);

		if (t[i].note ? !strstr(got, t[i].note) : strstr(got, "never apply") || strstr(got, "means hold"))
			fail_msg("row %zu: %s", i, got);
	}
}

static void whom_nobody_may_reach_is_named(void **st)
{
	(void)st;
	assert_non_null(strstr(notes("groups: {vault: [v@firm.test]}\nwalls: [{between: [vault, everybody]}]\n"), "nobody may reach the members of vault"));
	assert_null(strstr(notes("groups: {vault: [v@firm.test, w@firm.test], rest: [x@firm.test]}\nwalls: [{between: [vault, rest]}]\n"), "nobody may reach"));
	assert_non_null(strstr(notes("strangers: {outsiders: refuse, gateways: refuse, colleagues_outside_department: refuse}\n"),
			       "nobody may reach colleagues of no group"));
}

static void numbers_that_hide_one_another_are_named(void **st)
{
	const char *got = notes("decisions: {hold_at: 100, reject_at: 90}\nlimits: {strangers: 9, new_people: 5}\npeers: [{domain: firm.test, trust: high}]\n");

	(void)st;
	assert_non_null(strstr(got, "decisions.hold_at can never apply: from 90 on"));
	assert_non_null(strstr(got, "limits.strangers can never apply"));
	assert_non_null(strstr(got, "firm.test is our own domain"));
}

static void the_default_policy_and_an_ordinary_one_have_no_notes(void **st)
{
	struct str text = policy_default_text(a);

	(void)st;
	assert_string_equal(notes(text.p), "");
	assert_string_equal(notes(G "walls: [{between: [chiefs, partner]}]\nencryption:\n  rules:\n    - {between: [chiefs, chiefs], omemo: required}\n"
				    "    - {between: [sales, outsiders], omemo: forbidden}\nstrangers:\n  rules: [{from: partner, do: allow}]\n"),
			    "1: no rule names the group nobody\n");
}

static void members_of_our_domain_are_listed_once(void **st)
{
	struct str why, *v;
	struct policy *p;
	size_t n;

	(void)st;
	assert_int_equal(policy_parse(STR(G), "policy.yaml", "firm.test", a, &p, &why), 0);
	assert_int_equal(lint_members(p, a, &v, &n), 0);
	assert_int_equal(n, 2);
	policy_free(&p);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, up, down)
	const struct CMUnitTest tests[] = {
		TEST(a_rule_behind_one_for_the_same_people_is_named),
		TEST(rules_and_keys_for_files_that_never_apply_are_named),
		TEST(whom_nobody_may_reach_is_named),
		TEST(numbers_that_hide_one_another_are_named),
		TEST(the_default_policy_and_an_ordinary_one_have_no_notes),
		TEST(members_of_our_domain_are_listed_once),
	};

	return cmocka_run_group_tests_name("policy/lint", tests, NULL, NULL);
}
