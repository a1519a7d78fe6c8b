/* Campaigns: what several senders write to strangers is one template; what is learnt is kept, and taken back whole or not at all. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "outbreak/campaign.h"
#include "outbreak/guard.h"

#define WINDOW (24ull * 3600 * 1000)

/* One message of a sender who has written nothing before. */
static bool sends(struct campaign *c, const char *text, uint64_t to, uint64_t ms, bool known)
{
	struct subject s = { .from = STR("x@y.example"), .to = STR("a@firm.example"), .body = str_of(text), .topic = STR_NONE, .known = known, .ts_ms = ms };
	struct spim_memory mem = { 0 };
	struct verdict v = { 0 };
	bool found = false;

	campaign_see(c, &s, &mem, to, WINDOW, &v);
	campaign_note(c, &s, &mem, to);
	for (unsigned i = 0; i < v.n; i++)
		found |= v.f[i].rule == SPIM_CAMPAIGN;
	return found;
}

static void the_same_text_from_many_senders_is_a_campaign(void **state)
{
	struct campaign *c;

	(void)state;
	assert_int_equal(campaign_new(STR_NONE, &c), 0);
	for (unsigned i = 0; i < 10; i++)
		assert_int_equal(sends(c, "Good day, we sell furniture for offices, may I send you our catalogue?", i, 1000 + i, false), i >= 3);
	assert_false(sends(c, "thank you for the quick answer, the order came yesterday", 11, 2000, false));
	/* To acquaintances, or after the window, it is none. */
	assert_false(sends(c, "Good day, we sell furniture for offices, may I send you our catalogue?", 12, 3000, true));
	assert_false(sends(c, "Good day, we sell furniture for offices, may I send you our catalogue?", 13, 2 * WINDOW, false));
	campaign_free(&c);
}

/* Half of six words changes from copy to copy: each is alike to some of the others only. */
static void copies_of_a_short_text_meet_under_any_greeting(void **state)
{
	static const char *const names[] = { "anna", "bob", "chen", "dora", "emil", "fay", "gus", "hana" };
	struct campaign *c;
	char text[100];

	(void)state;
	assert_int_equal(campaign_new(STR_NONE, &c), 0);
	for (unsigned i = 0; i < 8; i++) {
		snprintf(text, sizeof(text), "%s %s, check out my acoustic channel%s", i % 2 ? "Hi" : "hey there", names[i], i % 3 ? " please" : "");
		assert_int_equal(sends(c, text, i, 1000 + i, false), i >= 3);
	}
	campaign_free(&c);
}

static void old_templates_hide_no_new_one(void **state)
{
	struct campaign *c;
	char text[100];

	(void)state;
	assert_int_equal(campaign_new(STR_NONE, &c), 0);
	for (unsigned i = 0; i < 40; i++) {
		snprintf(text, sizeof(text), "check out my acoustic channel today word%c", 'a' + i % 26);
		sends(c, text, 100 + i, 1000 + i * 3 * WINDOW, false);
	}
	for (unsigned i = 0; i < 6; i++)
		assert_int_equal(sends(c, "check out my acoustic channel today", i, 1000 + 200 * WINDOW + i, false), i >= 3);
	campaign_free(&c);
}

static void templates_are_bounded(void **state)
{
	struct campaign *c;
	char text[100];

	(void)state;
	assert_int_equal(campaign_new(STR_NONE, &c), 0);
	for (unsigned i = 0; i < CAMPAIGN_TEMPLATES + 500; i++) {
		snprintf(text, sizeof(text), "w%c%c%c v%c%c%c u%c%c%c", 'a' + i % 26, 'a' + i / 26 % 26, 'a' + i / 676, 'b' + i / 676, 'a' + i % 26, 'a' + i / 26 % 26,
			 'a' + i / 26 % 26, 'a' + i / 676, 'a' + i % 26);
		sends(c, text, i, 1000 + i, false);
		assert_true(campaign_templates(c) <= CAMPAIGN_TEMPLATES);
	}
	campaign_free(&c);
}

static void a_broken_model_is_no_start(void **state)
{
	struct campaign *c = NULL;

	(void)state;
	assert_int_equal(campaign_new(STR("no model at all"), &c), ERR_BAD_FORMAT);
	assert_null(c);
}

static void what_is_learnt_is_kept(void **state)
{
	struct arena *a = arena_new(1 << 20);
	struct str why;
	struct policy *p;
	struct guard *g;
	struct buf b;

	(void)state;
	assert_int_equal(policy_parse(STR_NONE, "policy.yaml", "firm.example", a, &p, &why), 0);
	assert_int_equal(guard_new(p, &g), 0);
	guard_learn(g, STR("our new garden gnome catalogue is here, order gnomes today"), true, 1);
	buf_init(&b, GUARD_LEARNT_BYTES);
	guard_learnt(g, &b);
	assert_true(b.n > 8 && !b.failed);
	assert_int_equal(guard_relearn(g, buf_str(&b)), 0);
	assert_int_equal(guard_relearn(g, str_make(b.p, b.n - 2)), ERR_BAD_FORMAT);
	buf_release(&b);
	guard_free(&g);
	arena_free(&a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_same_text_from_many_senders_is_a_campaign),
		cmocka_unit_test(copies_of_a_short_text_meet_under_any_greeting),
		cmocka_unit_test(old_templates_hide_no_new_one),
		cmocka_unit_test(templates_are_bounded),
		cmocka_unit_test(a_broken_model_is_no_start),
		cmocka_unit_test(what_is_learnt_is_kept),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
