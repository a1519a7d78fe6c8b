/* What rules for links, files and limits say of a message. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "policy/opinion.h"

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

/* The table of true and false examples: who writes what to whom, and what the rules make of it. */
static void the_rules_decide_by_who_writes_to_whom(void **st)
{
	static const struct {
		const char *from, *to;
		bool known, link, file;
		enum subject_trust trust;
		enum decision decision;
		bool rewrite;
	} t[] = {
		{ "x@far.test", "anna@firm.test", false, true, false, TRUST_NORMAL, DECISION_HOLD, false },
		{ "x@far.test", "anna@firm.test", true, true, false, TRUST_NORMAL, DECISION_DELIVER, false },
		{ "x@far.test", "anna@firm.test", false, false, false, TRUST_NORMAL, DECISION_DELIVER, false },
		{ "x@far.test", "anna@firm.test", true, true, false, TRUST_LOW, DECISION_DEFANG, false },
		{ "x@far.test", "ben@firm.test", true, true, false, TRUST_LOW, DECISION_DEFANG, true },
		{ "ben@firm.test", "anna@firm.test", true, true, true, TRUST_HIGH, DECISION_DELIVER, false },
		{ "ben@firm.test", "x@far.test", true, false, true, TRUST_NORMAL, DECISION_REJECT, false },
		{ "anna@firm.test", "x@far.test", true, false, true, TRUST_NORMAL, DECISION_DELIVER, false },
		{ "x@far.test", "ben@firm.test", true, true, true, TRUST_LOW, DECISION_HOLD, true },
	};
	struct policy *p = read("groups: {sales: [anna@firm.test]}\nlinks:\n  rules:\n    - {from: low_trust, to: sales, do: defang}\n    - {from: low_trust, do: rewrite}\n"
				"    - {from: strangers, do: hold}\nfiles:\n  rules:\n    - {from: sales, to: outsiders, do: allow}\n"
				"    - {from: colleagues, to: outsiders, do: refuse}\n    - {from: outsiders, do: hold}\n");

	(void)st;
	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		struct subject s = { .from = str_of(t[i].from), .to = str_of(t[i].to), .known = t[i].known, .to_known = true, .trust = t[i].trust,
				     .has_file = t[i].file, .via = str_ends(str_of(t[i].from), STR("firm.test")) ? VIA_LOCAL : VIA_S2S };
		struct verdict v = { 0 };
		struct opinion o;

		opinion_of(p, &s, t[i].link, &v, &o);
		if (o.decision != t[i].decision || (o.link == POLICY_LINK_REWRITE) != t[i].rewrite)
			fail_msg("row %zu: %s, rewrite %d", i, inspect_decision_name(o.decision), o.link);
		assert_int_equal(v.n > 0, t[i].decision != DECISION_DELIVER);
		assert_int_equal(o.would, DECISION_DELIVER);
	}
	policy_free(&p);
}

static void a_rule_on_trial_tells_only_when_it_would_be_stricter(void **st)
{
	struct policy *p = read("links:\n  rules:\n    - {from: far.test, do: hold, shadow: on}\n    - {from: worse.test, do: flag, shadow: on}\n    - {from: outsiders, do: defang}\n");
	struct subject s = { .from = STR("x@far.test"), .to = STR("anna@firm.test"), .via = VIA_S2S };
	struct verdict v = { 0 };
	struct opinion o;

	(void)st;
	opinion_of(p, &s, true, &v, &o);
	assert_int_equal(o.decision, DECISION_DEFANG);
	assert_int_equal(o.would, DECISION_HOLD);
	assert_true(str_is(o.would_by, "links.rules, line 3"));
	s.from = STR("x@worse.test");
	opinion_of(p, &s, true, &v, &o);
	assert_int_equal(o.would, DECISION_DELIVER);
	policy_free(&p);
}

static void limits_stop_at_new_people_and_never_between_those_who_know_each_other(void **st)
{
	struct policy *p = read("limits: {new_people: 10, strangers: 3}\n");
	struct subject s = { .from = STR("anna@firm.test"), .to = STR("x@far.test"), .via = VIA_LOCAL };
	struct verdict v = { 0 };
	struct opinion o;

	(void)st;
	s.sender = (struct subject_sender){ .strangers = 2, .new_people = 9, .to_new = true };
	opinion_of(p, &s, false, &v, &o);
	assert_int_equal(o.decision, DECISION_DELIVER);
	s.sender.strangers = 3;
	opinion_of(p, &s, false, &v, &o);
	assert_int_equal(o.decision, DECISION_HOLD);
	s.to_known = true;
	opinion_of(p, &s, false, &v, &o);
	assert_int_equal(o.decision, DECISION_DELIVER);
	s.sender.new_people = 10;
	opinion_of(p, &s, false, &v, &o);
	assert_int_equal(o.decision, DECISION_HOLD);
	s.sender.to_new = false;
	opinion_of(p, &s, false, &v, &o);
	assert_int_equal(o.decision, DECISION_DELIVER);
	policy_free(&p);
}

static void whoever_writes_a_rule_never_makes_the_sum_of_weights_milder(void **st)
{
	struct policy *p = read("");

	(void)st;
	assert_int_equal(opinion_of_score(p, 59), DECISION_DELIVER);
	assert_int_equal(opinion_of_score(p, 60), DECISION_FLAG);
	assert_int_equal(opinion_of_score(p, 100), DECISION_HOLD);
	assert_int_equal(opinion_of_score(p, 10000), DECISION_HOLD);
	p->reject = 300;
	assert_int_equal(opinion_of_score(p, 300), DECISION_REJECT);
	policy_free(&p);
}

/* Whatever the people and the rules: the answer is that of reading the list from the top. */
static void the_answer_is_that_of_reading_the_list_from_the_top(void **st)
{
	uint64_t seed = 7;

	(void)st;
	for (unsigned round = 0; round < 3000; round++) {
		struct clause v[6] = { 0 };
		struct clauses list = { v, 6 };
		struct people_pair pair;
		const struct clause *trial, *got, *want = NULL, *want_trial = NULL;

		for (unsigned i = 0; i < 6; i++) {
			seed = seed * 6364136223846793005u + 1442695040888963407u;
			v[i] = (struct clause){ .from = seed >> 60, .to = seed >> 56 & 15, .except = (seed >> 52 & 3) == 0 ? seed >> 48 & 15 : 0,
						.both = seed >> 40 & 1, .shadow = seed >> 39 & 1 };
		}
		seed = seed * 6364136223846793005u + 1442695040888963407u;
		pair = (struct people_pair){ seed >> 60, seed >> 50 & 15 };
		for (unsigned i = 0; i < 6 && !want; i++) {
			bool there = (v[i].from & pair.from) && (v[i].to & pair.to), back = v[i].both && (v[i].from & pair.to) && (v[i].to & pair.from);

			if (!(there || back) || (v[i].except & (pair.from | pair.to)))
				continue;
			if (!v[i].shadow)
				want = &v[i];
			else if (!want_trial)
				want_trial = &v[i];
		}
		got = clause_match(&list, pair, &trial);
		assert_ptr_equal(got, want);
		assert_ptr_equal(trial, want_trial);
	}
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, up, down)
	const struct CMUnitTest tests[] = {
		TEST(the_rules_decide_by_who_writes_to_whom),
		TEST(a_rule_on_trial_tells_only_when_it_would_be_stricter),
		TEST(limits_stop_at_new_people_and_never_between_those_who_know_each_other),
		TEST(whoever_writes_a_rule_never_makes_the_sum_of_weights_milder),
		TEST(the_answer_is_that_of_reading_the_list_from_the_top),
	};

	return cmocka_run_group_tests_name("policy/opinion", tests, NULL, NULL);
}
