/* What the guard lets through, holds, asks about, freezes and contains. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>

#include "inspect/stranger.h"
#include "outbreak/guard.h"

#define LURE "is this you?? http://photo-share.test/view?id=7"
#define MINUTE 60000u
#define HOUR (60u * MINUTE)

static struct guard *g;
static struct arena *a;
static uint64_t now;

static struct guard *with_policy(const char *text)
{
	struct policy *p;
	struct guard *made;
	struct str why;

	assert_int_equal(policy_parse(str_of(text), "policy.yaml", "firm.test", a, &p, &why), 0);
	assert_int_equal(guard_new(p, &made), 0);
	return made;
}

static int up(void **st)
{
	(void)st;
	a = arena_new(8 << 20);
	g = with_policy("trusted_links: [meet.example]\n");
	now = 1700000000000u;
	return 0;
}

static int down(void **st)
{
	(void)st;
	guard_free(&g);
	arena_free(&a);
	return 0;
}

static struct judgement judge(const char *from, const char *to, const char *body)
{
	char f[64], t[64];
	struct subject s = { .body = str_of(body), .topic = STR_NONE, .known = true, .ts_ms = now };
	struct judgement j;

	snprintf(f, sizeof(f), "%s@firm.test", from);
	snprintf(t, sizeof(t), "%s@firm.test", to);
	s.from = str_of(f);
	s.to = str_of(t);
	assert_int_equal(guard_judge(g, &s, a, &j), 0);
	now += 1000;
	return j;
}

static enum decision send(const char *from, const char *to, const char *body)
{
	return judge(from, to, body).decision;
}

static bool found(const struct judgement *j, enum rule rule)
{
	for (unsigned i = 0; i < j->n_findings; i++)
		if (j->findings[i].rule == rule)
			return true;
	return false;
}

static void three(const char *from, const char *body)
{
	assert_int_equal(send(from, "bob", body), DECISION_DELIVER);
	assert_int_equal(send(from, "carol", body), DECISION_DELIVER);
	assert_int_equal(send(from, "dave", body), DECISION_DELIVER);
}

static void words_alone_are_no_risk(void **st)
{
	char to[16];

	(void)st;
	for (int i = 0; i < 50; i++) {
		snprintf(to, sizeof(to), "u%d", i);
		assert_int_equal(send("anna", to, "Lunch at noon? v1.2.3 is out, see chapter 3.4."), DECISION_DELIVER);
	}
	assert_int_equal(guard_clusters(g), 0);
}

static void the_fourth_copy_is_held_and_the_sender_asked_once(void **st)
{
	struct judgement j;

	(void)st;
	three("anna", LURE);
	j = judge("anna", "eve", LURE);
	assert_int_equal(j.decision, DECISION_HOLD);
	assert_true(j.first_hold && found(&j, WORM_FANOUT) && !j.reserved);
	assert_true(str_is(j.patient_zero, "anna@firm.test"));
	j = judge("anna", "frank", LURE);
	assert_int_equal(j.decision, DECISION_HOLD);
	assert_false(j.first_hold);
	assert_true(j.outbreak && j.outbreak_began);
}

static void names_digits_and_paths_hide_nothing(void **st)
{
	(void)st;
	assert_int_equal(send("anna", "bob", "hey bob, foto 1 http://photo-share.test/a1/bob.html"), DECISION_DELIVER);
	assert_int_equal(send("anna", "carol", "hey Carol, foto 22 http://photo-share.test/ff3/carol.html"), DECISION_DELIVER);
	assert_int_equal(send("anna", "dave", "hey dave, foto 333 http://www.photo-share.test/0/x.html"), DECISION_DELIVER);
	assert_int_equal(send("anna", "eve", "hey eve, foto 4 hxxp://photo-share[.]test/9/eve.html"), DECISION_HOLD);
}

static void a_slow_drip_is_a_worm_too(void **st)
{
	const char *to[] = { "bob", "carol", "dave", "eve" };

	(void)st;
	for (int i = 0; i < 4; i++) {
		assert_int_equal(send("anna", to[i], LURE), i < 3 ? DECISION_DELIVER : DECISION_HOLD);
		now += 5 * HOUR;
	}
}

static void copies_are_forgotten_one_by_one_after_the_window(void **st)
{
	char to[16];

	(void)st;
	guard_free(&g);
	g = with_policy("worm_window: 24h\n");
	for (int i = 0; i < 20; i++) {		/* three a day, for a week */
		snprintf(to, sizeof(to), "u%d", i);
		assert_int_equal(send("anna", to, LURE), DECISION_DELIVER);
		now += 9 * HOUR;
	}
}

static void the_same_person_again_is_no_new_copy(void **st)
{
	(void)st;
	three("anna", LURE);
	for (int i = 0; i < 20; i++)
		assert_int_equal(send("anna", i & 1 ? "bob" : "carol", LURE), DECISION_DELIVER);
}

static void two_people_may_talk_about_a_link_all_day(void **st)
{
	(void)st;
	for (int i = 0; i < 40; i++)
		assert_int_equal(send(i & 1 ? "anna" : "bob", i & 1 ? "bob" : "anna", "still http://bugs.vendor.test/7 here"), DECISION_DELIVER);
	assert_int_equal(send("anna", "carol", "carol, http://bugs.vendor.test/7 is for you"), DECISION_DELIVER);
}

static void trusted_links_may_go_to_everybody(void **st)
{
	char to[16];

	(void)st;
	for (int i = 0; i < 40; i++) {
		snprintf(to, sizeof(to), "u%d", i);
		assert_int_equal(send("anna", to, "join https://meet.example/room and https://wiki.firm.test/x"), DECISION_DELIVER);
	}
}

static void an_honest_forward_is_no_outbreak(void **st)
{
	(void)st;
	assert_int_equal(send("anna", "bob", "read http://paper.test/a.html"), DECISION_DELIVER);
	assert_int_equal(send("bob", "carol", "anna says read http://paper.test/a.html"), DECISION_DELIVER);
	assert_int_equal(send("carol", "dave", "http://paper.test/a.html"), DECISION_DELIVER);
}

static void from_three_senders_and_sent_again_is_an_outbreak(void **st)
{
	struct judgement j;

	(void)st;
	an_honest_forward_is_no_outbreak(st);
	j = judge("dave", "eve", "http://paper.test/a.html");
	assert_int_equal(j.decision, DECISION_HOLD);
	assert_true(j.outbreak && j.outbreak_began && found(&j, WORM_RELAY) && found(&j, WORM_OUTBREAK));
	assert_true(str_is(j.patient_zero, "anna@firm.test"));
	j = judge("zoe", "yan", "http://paper.test/a.html");	/* who has nothing to do with it: held for everybody */
	assert_int_equal(j.decision, DECISION_HOLD);
	assert_true(j.outbreak && !j.outbreak_began);
}

static void a_receiver_may_not_carry_on_what_is_past_its_copies(void **st)
{
	struct judgement j;

	(void)st;
	three("anna", LURE);
	assert_int_equal(send("anna", "eve", LURE), DECISION_HOLD);
	j = judge("bob", "frank", "is this you?? http://photo-share.test/view?id=99");
	assert_int_equal(j.decision, DECISION_HOLD);
	assert_true(j.outbreak_began && str_is(j.patient_zero, "anna@firm.test"));
}

static void a_whole_tree_has_three_copies(void **st)
{
	(void)st;
	assert_int_equal(send("anna", "bob", LURE), DECISION_DELIVER);
	assert_int_equal(send("bob", "carol", LURE), DECISION_DELIVER);
	assert_int_equal(send("bob", "dave", LURE), DECISION_DELIVER);
	assert_int_equal(send("bob", "eve", LURE), DECISION_HOLD);
	assert_int_equal(send("carol", "frank", LURE), DECISION_HOLD);
	assert_int_equal(send("anna", "gita", LURE), DECISION_HOLD);
}

static void many_people_may_each_show_an_article_of_one_paper(void **st)
{
	char from[16], to[16], body[80];

	(void)st;
	for (int i = 0; i < 100; i++) {
		snprintf(from, sizeof(from), "u%d", i);
		snprintf(to, sizeof(to), "u%d", i + 7);
		snprintf(body, sizeof(body), "nice article http://paper.test/2026/%d.html", i);
		assert_int_equal(send(from, to, body), DECISION_DELIVER);
		now += 2 * HOUR;
	}
}

static void who_goes_on_after_the_question_is_frozen(void **st)
{
	char to[16];
	int frozen = 0;

	(void)st;
	three("anna", LURE);
	for (int i = 0; i < 20 && !frozen; i++) {
		snprintf(to, sizeof(to), "u%d", i);
		frozen = send("anna", to, LURE) == DECISION_FREEZE ? i : 0;
		now += MINUTE;
	}
	assert_in_range(frozen, 2, 4);
}

static void a_team_in_one_go_does_not_freeze(void **st)
{
	char to[16];

	(void)st;
	for (int i = 0; i < 12; i++) {
		snprintf(to, sizeof(to), "u%d", i);
		assert_int_not_equal(send("anna", to, LURE), DECISION_FREEZE);
	}
}

static void a_second_lure_past_its_copies_freezes(void **st)
{
	const char *other = "the new salary table for everybody http://files.test/table";

	(void)st;
	three("anna", LURE);
	assert_int_equal(send("anna", "eve", LURE), DECISION_HOLD);
	three("anna", other);
	assert_int_equal(send("anna", "eve", other), DECISION_FREEZE);
}

static void who_confirms_may_go_on(void **st)
{
	char to[16];
	struct judgement j;

	(void)st;
	three("anna", LURE);
	j = judge("anna", "eve", LURE);
	assert_int_equal(judge("anna", "frank", LURE).decision, DECISION_HOLD);
	assert_true(guard_confirm(g, str_of(j.fingerprint), STR("anna@firm.test")));
	for (int i = 0; i < 90; i++) {
		snprintf(to, sizeof(to), "u%d", i);
		assert_int_equal(send("anna", to, LURE), DECISION_DELIVER);
	}
	for (int i = 90; i < 130; i++) {	/* not without end */
		snprintf(to, sizeof(to), "u%d", i);
		j = judge("anna", to, LURE);
	}
	assert_true(j.decision >= DECISION_HOLD);
}

static void what_others_send_on_is_not_the_senders_to_confirm(void **st)
{
	struct judgement j;

	(void)st;
	assert_int_equal(send("anna", "bob", LURE), DECISION_DELIVER);
	assert_int_equal(send("bob", "carol", LURE), DECISION_DELIVER);
	assert_int_equal(send("bob", "dave", LURE), DECISION_DELIVER);
	j = judge("bob", "eve", LURE);
	assert_false(guard_confirm(g, str_of(j.fingerprint), STR("bob@firm.test")));
	assert_false(guard_confirm(g, str_of(j.fingerprint), STR("anna@firm.test")));
}

static void an_operator_contains_and_lifts(void **st)
{
	struct judgement j = judge("anna", "bob", LURE);

	(void)st;
	guard_contain(g, str_of(j.fingerprint), true);
	assert_int_equal(send("zoe", "yan", LURE), DECISION_HOLD);
	assert_false(guard_confirm(g, str_of(j.fingerprint), STR("zoe@firm.test")));
	guard_contain(g, str_of(j.fingerprint), false);
	assert_int_equal(send("zoe", "yan", LURE), DECISION_DELIVER);
}

static void a_copy_that_did_not_go_out_does_not_count(void **st)
{
	struct judgement j;

	(void)st;
	for (int i = 0; i < 10; i++) {
		j = judge("anna", "bob", LURE);
		assert_true(j.reserved);
		guard_unreserve(g, &j);
	}
	three("anna", LURE);
}

static void a_restart_forgets_neither_copies_nor_outbreaks(void **st)
{
	struct judgement j;
	char memory[GUARD_MEMORY], id[GUARD_FINGERPRINT];
	bool contained;

	(void)st;
	for (int round = 0; round < 2; round++) {
		three("anna", LURE);
		j = judge("anna", "eve", LURE);
		contained = round == 1;
		memcpy(id, j.fingerprint, sizeof(id));
		guard_memory(g, str_of(id), memory);
		assert_true(memory[0]);
		guard_free(&g);
		g = with_policy("");
		assert_int_equal(guard_remember(g, str_of(id), str_of(memory), contained, now), 0);
		assert_int_equal(guard_remember_copy(g, str_of(id), STR("anna@firm.test"), STR("bob@firm.test"), now, true), 0);
		assert_int_equal(guard_remember_copy(g, str_of(id), STR("anna@firm.test"), STR("carol@firm.test"), now, true), 0);
		assert_int_equal(guard_remember_copy(g, str_of(id), STR("anna@firm.test"), STR("dave@firm.test"), now, true), 0);
		assert_int_equal(send(contained ? "zoe" : "bob", "frank", "is this you?? http://photo-share.test/view?id=12"), DECISION_HOLD);
		guard_free(&g);
		g = with_policy("");
	}
}

static void a_reload_inherits_the_memory(void **st)
{
	struct guard *n = with_policy("worm_copies: 2\n");

	(void)st;
	three("anna", LURE);
	guard_inherit(n, g);
	guard_free(&g);
	g = n;
	assert_int_equal(send("anna", "eve", LURE), DECISION_HOLD);
}

static void a_decoy_or_too_many_links_hide_nothing(void **st)
{
	char many[600] = "", body[700];
	const char *to[] = { "bob", "carol", "dave", "eve" };

	(void)st;
	for (int i = 0; i < 4; i++) {
		snprintf(body, sizeof(body), "see http://youtube.com/%d and http://photo-share.test/view?id=7", i);
		assert_int_equal(send("anna", to[i], body), i < 3 ? DECISION_DELIVER : DECISION_HOLD);
	}
	for (int i = 0; i < 16; i++)
		snprintf(many + strlen(many), sizeof(many) - strlen(many), "https://meet.example/%d ", i);
	snprintf(body, sizeof(body), "%s http://hidden.test/", many);
	for (int i = 0; i < 4; i++)
		assert_int_equal(send("zoe", to[i], body) >= DECISION_HOLD, i == 3);
}

static void a_look_alike_of_our_domain_is_held(void **st)
{
	struct judgement j;

	(void)st;
	guard_free(&g);
	g = with_policy("own_domains: [firmament.test]\n");
	j = judge("anna", "bob", "log in at https://firrnament.test/login");
	assert_int_equal(j.decision, DECISION_HOLD);
	assert_true(found(&j, LINK_LOOKALIKE) && j.score >= 100 && !j.reserved);
	assert_int_equal(send("anna", "bob", "log in at https://intra.firmament.test/login"), DECISION_DELIVER);
}

static void other_words_and_pages_of_a_new_site_are_the_same_thing(void **st)
{
	(void)st;
	assert_int_equal(send("anna", "bob", "guess who was caught on tape http://a.party.test/one"), DECISION_DELIVER);
	assert_int_equal(send("anna", "carol", "your parcel waits since monday http://b.party.test/two/x"), DECISION_DELIVER);
	assert_int_equal(send("anna", "dave", "they raised the rent again http://c.party.test/3?q"), DECISION_DELIVER);
	assert_int_equal(send("anna", "eve", "cheap tickets while they last http://d.party.test/q.php"), DECISION_HOLD);
}

static void who_was_asked_may_answer_several_about_a_site_that_all_know(void **st)
{
	const char *people[] = { "p1", "p2", "p3", "p4", "p5" };
	const char *words[] = { "have a look at chapter two", "this explains the error", "section on leave is here", "as promised", "ours is older than that" };
	char text[100];

	(void)st;
	for (int i = 0; i < 5; i++) {	/* five people, of their own accord, over hours */
		snprintf(text, sizeof(text), "page %d http://docs.test/page%d says %s", i, i, people[i]);
		assert_int_equal(send(people[i], "bob", text), DECISION_DELIVER);
		now += HOUR;
	}
	for (int i = 0; i < 5; i++) {
		snprintf(text, sizeof(text), "%s http://docs.test/x%d/%d/y.html", words[i], i, i);
		assert_int_equal(send("anna", people[i], text), DECISION_DELIVER);
		now += HOUR;
	}
}

static void strange_sites_whatever_they_are_are_counted_together(void **st)
{
	(void)st;
	assert_int_equal(send("anna", "bob", "guess who http://one.test/a"), DECISION_DELIVER);
	assert_int_equal(send("anna", "carol", "your parcel waits http://two.test/b"), DECISION_DELIVER);
	assert_int_equal(send("anna", "dave", "they raised the rent http://three.test/c"), DECISION_DELIVER);
	assert_int_equal(send("anna", "eve", "cheap tickets http://four.test/d"), DECISION_HOLD);
}

static void many_who_send_one_new_thing_at_once_are_a_wave(void **st)
{
	char from[16], to[16];
	unsigned held = 0;

	(void)st;
	for (int i = 0; i < 12; i++) {
		snprintf(from, sizeof(from), "h%d", i);
		snprintf(to, sizeof(to), "t%d", i);
		held += send(from, to, LURE) >= DECISION_HOLD;
	}
	assert_true(held >= 5);
}

static void a_program_that_is_attached_counts_and_a_picture_does_not(void **st)
{
	const char *to[] = { "bob", "carol", "dave", "eve" };
	char text[100];

	(void)st;
	for (int i = 0; i < 4; i++) {
		snprintf(text, sizeof(text), "https://upload.firm.test/%d%d/video_%d.zip", i, i, 1000 + i);
		assert_int_equal(send("anna", to[i], text), i < 3 ? DECISION_DELIVER : DECISION_HOLD);
		snprintf(text, sizeof(text), "https://upload.firm.test/%d%d/holiday_%d.jpg", i, i, 1000 + i);
		assert_int_equal(send("bert", to[i], text), DECISION_DELIVER);
	}
}

static void a_number_to_call_counts_as_a_link_does(void **st)
{
	const char *to[] = { "bob", "carol", "dave", "eve" };

	(void)st;
	for (int i = 0; i < 4; i++) {
		assert_int_equal(send("anna", to[i], "your pay slip is stuck, call +44 700 900-1234"), i < 3 ? DECISION_DELIVER : DECISION_HOLD);
		assert_int_equal(send("bert", to[i], "1 + 1 is 2, and +12 is no number"), DECISION_DELIVER);
	}
}

static void from_outside_comes_no_more_than_a_few_of_one_new_thing(void **st)
{
	unsigned out = 0;

	(void)st;
	for (int i = 0; i < 20; i++) {
		char from[32], to[32];
		struct subject s = { .body = STR(LURE), .topic = STR_NONE, .known = true, .via = VIA_S2S, .ts_ms = now += 3 * HOUR };
		struct judgement j;

		snprintf(from, sizeof(from), "x%d@partner.test", i);
		snprintf(to, sizeof(to), "t%d@firm.test", i);
		s.from = str_of(from);
		s.to = str_of(to);
		assert_int_equal(guard_judge(g, &s, a, &j), 0);
		out += j.decision < DECISION_HOLD;
	}
	assert_int_equal(out, 6);
}

static void a_post_to_a_room_is_one_copy_and_weighs_by_its_readers(void **st)
{
	struct subject s = { .from = STR("mal@firm.test"), .to = STR("hall@rooms.firm.test"), .body = STR(LURE), .topic = STR_NONE,
			     .known = true, .via = VIA_ROOM, .audience = 40, .ts_ms = now };
	struct judgement j;

	(void)st;
	assert_int_equal(guard_judge(g, &s, a, &j), 0);
	assert_true(found(&j, WORM_ROOM));
	assert_int_equal(j.decision, DECISION_DEFANG);
	s.to = STR("den@rooms.firm.test");
	s.audience = 3;
	s.ts_ms = now += 1000;
	assert_int_equal(guard_judge(g, &s, a, &j), 0);
	assert_false(found(&j, WORM_ROOM));
	assert_int_equal(send("mal", "bob", LURE), DECISION_DELIVER);
	assert_int_equal(send("mal", "carol", LURE), DECISION_HOLD);
}

static void rules_stand_beside_the_sum_of_weights_and_a_policy_on_trial_only_tells(void **st)
{
	struct guard *n = with_policy("links:\n  rules:\n    - {from: anna@firm.test, to: ben@firm.test, do: rewrite}\n");
	struct policy *trial;
	struct judgement j;
	struct str why;
	struct subject s = { .from = STR("anna@firm.test"), .to = STR("ben@firm.test"), .topic = STR_NONE, .known = true,
			     .body = STR("look at https://site.example/a"), .ts_ms = 1000 };

	(void)st;
	assert_int_equal(policy_parse(STR("links:\n  trusted: [site.example]\n"), "policy.yaml", "firm.test", a, &trial, &why), 0);
	((struct policy *)(uintptr_t)guard_policy(n))->trial = trial;
	assert_int_equal(guard_judge(n, &s, a, &j), 0);
	assert_int_equal(j.decision, DECISION_DEFANG);
	assert_true(j.link_act == POLICY_LINK_REWRITE && j.differs && j.would == DECISION_DELIVER);
	assert_string_equal(j.policy, guard_policy(n)->digest);
	s.body = STR("look at https://paypal.com@192.0.2.1/a");
	assert_int_equal(guard_judge(n, &s, a, &j), 0);
	assert_int_equal(j.decision, DECISION_HOLD);
	assert_false(j.differs);
	guard_free(&n);
}

static void many_of_one_kind_are_no_more_than_a_few(void **st)
{
	(void)st;
	/* Made-up cards to a colleague, which policy allows. */
	assert_int_equal(judge("anna", "bob", "4000000000000002 4000000000000010 4000000000000028 4000000000000036 4000000000000044 4000000000000051 "
			       "4000000000000069 4000000000000077 4000000000000085 4000000000000093 4000000000000101 4000000000000119 "
			       "4000000000000127 4000000000000135 4000000000000143 4000000000000150 4000000000000168 4000000000000176").decision,
			 DECISION_DELIVER);
}

static void more_kinds_than_can_be_kept_are_held(void **st)
{
	(void)st;
	assert_int_equal(judge("anna", "bob", "4000000000000002 4000000000000010 4000000000000028 4000000000000036\n"
			       "DE89370400440532013000 GB82WEST12345698765432 NL91ABNA0417164300 NO9386011117947\n"
			       "536-90-4399 12345678Z 756.9217.0769.85 811228-9874\n"
			       "AKIAIOSFODNN7EXAMPLE ghp_0123456789abcdefghijABCDEFGHIJ012345 glpat-0123456789abcdefghij xoxb-000000000000-000000000000-made0up\n"
			       "password: hunter2!").decision, DECISION_HOLD);
}

static struct judgement to_decoy(const char *from, const char *body, enum subject_via via)
{
	struct subject s = { .from = str_of(from), .to = STR("mara.lindqvist@firm.test"), .body = str_of(body), .topic = STR_NONE, .known = via == VIA_LOCAL,
			     .via = via, .decoy = true, .ts_ms = now };
	struct judgement j;

	assert_int_equal(guard_judge(g, &s, a, &j), 0);
	now += 1000;
	return j;
}

static void a_link_to_a_decoy_freezes_and_is_held_for_everybody(void **st)
{
	struct judgement j = to_decoy("anna@firm.test", LURE, VIA_LOCAL);

	(void)st;
	assert_int_equal(j.decision, DECISION_FREEZE);
	assert_true(found(&j, WORM_DECOY) && j.outbreak_began && !j.reserved);
	j = judge("bob", "carol", "have a look http://photo-share.test/view?id=99");
	assert_int_equal(j.decision, DECISION_HOLD);
	assert_true(found(&j, WORM_OUTBREAK));
	assert_false(guard_confirm(g, str_of(j.fingerprint), STR("anna@firm.test")));
	assert_false(guard_confirm(g, str_of(j.fingerprint), STR("bob@firm.test")));
	guard_contain(g, str_of(j.fingerprint), false);
	assert_int_equal(send("bob", "dave", "have a look http://photo-share.test/view?id=99"), DECISION_DELIVER);
	assert_int_equal(send("eve", "frank", "a letter: http://photo-share.test/letters/a.html"), DECISION_DELIVER);
}

static void words_and_trusted_links_to_a_decoy_harm_nobody(void **st)
{
	(void)st;
	assert_int_equal(to_decoy("anna@firm.test", "are you at your desk?", VIA_LOCAL).decision, DECISION_DELIVER);
	assert_int_equal(to_decoy("anna@firm.test", "we meet at https://meet.example/room then", VIA_LOCAL).decision, DECISION_DELIVER);
	assert_int_equal(send("anna", "bob", LURE), DECISION_DELIVER);
}

static void a_file_to_a_decoy_counts_whatever_it_is(void **st)
{
	struct judgement j = to_decoy("anna@firm.test", "https://meet.example/upload/abc/report_17.pdf", VIA_LOCAL);

	(void)st;
	assert_int_equal(j.decision, DECISION_FREEZE);
	assert_true(found(&j, WORM_DECOY));
}

static void from_outside_a_decoy_contains_new_things_alone(void **st)
{
	char from[24], to[24];
	struct judgement j;

	(void)st;
	for (int i = 0; i < 8; i++) {
		snprintf(from, sizeof(from), "s%d", i);
		snprintf(to, sizeof(to), "r%d", i);
		assert_int_equal(send(from, to, "minutes are at https://wiki.partner.example/minutes"), DECISION_DELIVER);
		now += HOUR;
	}
	j = to_decoy("x@evil.example", "minutes are at https://wiki.partner.example/minutes", VIA_S2S);
	assert_int_equal(j.decision, DECISION_HOLD);
	assert_false(j.outbreak_began);
	j = to_decoy("x@evil.example", LURE, VIA_S2S);
	assert_int_equal(j.decision, DECISION_HOLD);
	assert_true(j.outbreak_began);
}

static void policy_may_leave_the_sender_free(void **st)
{
	struct guard *mild = with_policy("decoys: {act: hold}\n");

	(void)st;
	guard_inherit(mild, g);
	guard_free(&g);
	g = mild;
	assert_int_equal(to_decoy("anna@firm.test", LURE, VIA_LOCAL).decision, DECISION_HOLD);
}

static void a_restart_remembers_that_a_decoy_had_it(void **st)
{
	struct judgement j = to_decoy("anna@firm.test", LURE, VIA_LOCAL);
	struct guard *after = with_policy("trusted_links: [meet.example]\n");

	(void)st;
	assert_true(j.memory.n > 0);
	assert_int_equal(guard_remember(after, str_of(j.fingerprint), j.memory, true, now), 0);
	guard_free(&g);
	g = after;
	assert_int_equal(send("bob", "carol", LURE), DECISION_HOLD);
	assert_false(guard_confirm(g, str_of(j.fingerprint), STR("bob@firm.test")));
}

static void a_new_site_counts_with_other_signs_alone(void **st)
{
	struct judgement j = judge("anna", "bob", "the plan: https://plans.test/week");

	(void)st;
	assert_false(found(&j, LINK_NEW));
	j = judge("anna", "carol", "the plan: https://firm@plans.test/week");
	assert_true(found(&j, LINK_NEW) && found(&j, LINK_USERINFO));
	three("dave", LURE);
	j = judge("dave", "eve", LURE);
	assert_true(found(&j, LINK_NEW));
}

/* How many of so many knocks are let in; every one by another sender, at another door. */
static unsigned knocks(unsigned n, unsigned domains, uint64_t prefix, bool partner, const char *family)
{
	unsigned in = 0;

	for (unsigned i = 0; i < n; i++) {
		char from[64], to[64];

		snprintf(from, sizeof(from), "p%u@%s%u.test", i, family, i % domains);
		snprintf(to, sizeof(to), "%s%u@firm.test", family, i);
		in += guard_knock(g, &(struct guard_knock){ str_of(from), str_of(to), prefix, partner, now + i });
	}
	return in;
}

static void whoever_tries_many_doors_is_slowed_by_name_domain_and_range_of_addresses(void **st)
{
	unsigned in = 0;

	(void)st;
	for (unsigned i = 0; i < 40; i++) {
		char to[64];

		snprintf(to, sizeof(to), "door%u@firm.test", i);
		in += guard_knock(g, &(struct guard_knock){ STR("one@single.test"), str_of(to), 0, false, now });
	}
	/* The counts are of a sketch under a random key: a third more or fewer may pass. */
	assert_in_range(in, STRANGER_TRIES * 2 / 3, STRANGER_TRIES * 2);
	assert_in_range(knocks(300, 1, 0, false, "alone"), STRANGER_TRIES_DOMAIN * 2 / 3, STRANGER_TRIES_DOMAIN * 4 / 3);
	assert_in_range(knocks(600, 60, 0x5eed, false, "many"), STRANGER_TRIES_PREFIX * 2 / 3, STRANGER_TRIES_PREFIX * 4 / 3);
	assert_in_range(knocks(300, 30, 0x5eee, false, "far"), STRANGER_TRIES_PREFIX * 2 / 3, STRANGER_TRIES_PREFIX * 4 / 3);
	assert_int_equal(knocks(300, 1, 0x5eef, true, "partner"), 300);
	now += 2 * HOUR;
	assert_int_equal(knocks(50, 50, 0x5eed, false, "later"), 50);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, up, down)
	const struct CMUnitTest tests[] = {
		TEST(other_words_and_pages_of_a_new_site_are_the_same_thing),
		TEST(who_was_asked_may_answer_several_about_a_site_that_all_know),
		TEST(strange_sites_whatever_they_are_are_counted_together),
		TEST(many_who_send_one_new_thing_at_once_are_a_wave),
		TEST(a_program_that_is_attached_counts_and_a_picture_does_not),
		TEST(a_number_to_call_counts_as_a_link_does),
		TEST(from_outside_comes_no_more_than_a_few_of_one_new_thing),
		TEST(a_post_to_a_room_is_one_copy_and_weighs_by_its_readers),
		TEST(words_alone_are_no_risk),
		TEST(many_of_one_kind_are_no_more_than_a_few),
		TEST(more_kinds_than_can_be_kept_are_held),
		TEST(the_fourth_copy_is_held_and_the_sender_asked_once),
		TEST(names_digits_and_paths_hide_nothing),
		TEST(a_slow_drip_is_a_worm_too),
		TEST(copies_are_forgotten_one_by_one_after_the_window),
		TEST(the_same_person_again_is_no_new_copy),
		TEST(two_people_may_talk_about_a_link_all_day),
		TEST(trusted_links_may_go_to_everybody),
		TEST(an_honest_forward_is_no_outbreak),
		TEST(from_three_senders_and_sent_again_is_an_outbreak),
		TEST(a_receiver_may_not_carry_on_what_is_past_its_copies),
		TEST(a_whole_tree_has_three_copies),
		TEST(many_people_may_each_show_an_article_of_one_paper),
		TEST(who_goes_on_after_the_question_is_frozen),
		TEST(a_team_in_one_go_does_not_freeze),
		TEST(a_second_lure_past_its_copies_freezes),
		TEST(who_confirms_may_go_on),
		TEST(what_others_send_on_is_not_the_senders_to_confirm),
		TEST(an_operator_contains_and_lifts),
		TEST(a_copy_that_did_not_go_out_does_not_count),
		TEST(a_restart_forgets_neither_copies_nor_outbreaks),
		TEST(a_reload_inherits_the_memory),
		TEST(a_decoy_or_too_many_links_hide_nothing),
		TEST(a_look_alike_of_our_domain_is_held),
		TEST(rules_stand_beside_the_sum_of_weights_and_a_policy_on_trial_only_tells),
		TEST(a_link_to_a_decoy_freezes_and_is_held_for_everybody),
		TEST(words_and_trusted_links_to_a_decoy_harm_nobody),
		TEST(a_file_to_a_decoy_counts_whatever_it_is),
		TEST(from_outside_a_decoy_contains_new_things_alone),
		TEST(policy_may_leave_the_sender_free),
		TEST(a_restart_remembers_that_a_decoy_had_it),
		TEST(a_new_site_counts_with_other_signs_alone),
		TEST(whoever_tries_many_doors_is_slowed_by_name_domain_and_range_of_addresses),
	};

	return cmocka_run_group_tests_name("outbreak/guard", tests, NULL, NULL);
}
