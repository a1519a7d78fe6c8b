/* What the rules make of a file: at upload, when nobody knows who gets it, and when a message brings it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "policy/policy_file.h"

#define G "groups: {sales: [anna@firm.test, ben@firm.test], partner: [partner.test], officers: [olga@firm.test]}\n"

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

static struct policy *read(const char *files)
{
	struct policy *p = NULL;
	struct str why = STR_NONE, text = arena_printf(a, G "files:\n%s", files);

	if (policy_parse(text, "policy.yaml", "firm.test", a, &p, &why) < 0)
		fail_msg("%.*s", STR_FMT(why));
	return p;
}

static struct people_pair between(const struct policy *p, const char *from, const char *to)
{
	struct subject s = { .from = str_of(from), .to = str_of(to), .known = true, .to_known = true };

	return people_pair_of(&p->people, &s);
}

static enum file_action upload(const struct policy *p, const char *from, uint64_t facts, uint64_t removed, struct policy_file_view *v)
{
	policy_file_of(p, policy_file_sender(p, str_of(from)), facts, removed, v);
	return v->act;
}

static enum file_action message(const struct policy *p, const char *from, const char *to, uint64_t facts, struct policy_file_view *v)
{
	policy_file_of(p, between(p, from, to), facts, 0, v);
	return v->act;
}

static void without_rules_every_fact_does_what_its_table_says(void **st)
{
	struct policy *p = read("");
	struct policy_file_view v;

	(void)st;
	for (unsigned f = 0; f < FACT_COUNT; f++) {
		uint64_t one = FACT_BIT(f);
		bool metadata = policy_file_what(f) == POLICY_WHAT_METADATA;

		assert_int_equal(upload(p, "anna@firm.test", one, one, &v), file_fact_default(f));
		assert_true(v.by == NULL && (v.act == FILE_ALLOW || v.fact == f));
		assert_int_equal(upload(p, "anna@firm.test", one, 0, &v), file_fact_default(f) == FILE_CLEAN ? (metadata ? FILE_ALLOW : FILE_HOLD) : file_fact_default(f));
	}
	assert_int_equal(upload(p, "anna@firm.test", 0, 0, &v), FILE_ALLOW);
	policy_free(&p);
}

static void the_strictest_of_all_facts_is_done(void **st)
{
	struct policy *p = read("  macros: allow\n  scripts: refuse\n");
	struct policy_file_view v;

	(void)st;
	assert_int_equal(upload(p, "anna@firm.test", FACT_BIT(FACT_MACRO), 0, &v), FILE_ALLOW);
	assert_int_equal(upload(p, "anna@firm.test", FACT_BIT(FACT_MACRO) | FACT_BIT(FACT_EXECUTABLE), 0, &v), FILE_HOLD);
	assert_int_equal(v.fact, FACT_EXECUTABLE);
	assert_int_equal(upload(p, "anna@firm.test", FACT_BIT(FACT_MACRO) | FACT_BIT(FACT_EXECUTABLE) | FACT_BIT(FACT_SCRIPT), 0, &v), FILE_REFUSE);
	assert_int_equal(v.fact, FACT_SCRIPT);
	assert_true(str_is(policy_file_by(&v, a), "files.scripts"));
	policy_free(&p);
}

static void what_is_to_be_cleaned_and_is_still_there_is_held(void **st)
{
	struct policy *p = read("");
	struct policy_file_view v;
	uint64_t both = FACT_BIT(FACT_MACRO) | FACT_BIT(FACT_DDE), picture = FACT_BIT(FACT_METADATA);

	(void)st;
	assert_int_equal(upload(p, "anna@firm.test", both, both, &v), FILE_CLEAN);
	assert_int_equal(v.clean, both);
	assert_int_equal(upload(p, "anna@firm.test", both, FACT_BIT(FACT_MACRO), &v), FILE_HOLD);
	assert_int_equal(v.fact, FACT_DDE);
	assert_int_equal(upload(p, "anna@firm.test", both | picture, both, &v), FILE_CLEAN);	/* metadata that stays holds nothing */
	assert_int_equal(v.clean, both);
	assert_int_equal(upload(p, "anna@firm.test", picture, 0, &v), FILE_ALLOW);
	assert_int_equal(upload(p, "anna@firm.test", FACT_BIT(FACT_RTF_OBJECT), FACT_BIT(FACT_RTF_OBJECT), &v), FILE_HOLD);	/* nothing takes it out */
	policy_free(&p);
}

static void the_cleaner_is_told_what_the_sender_s_files_lose(void **st)
{
	struct policy *p = read("  metadata: allow\n  rules:\n    - {from: sales, what: macros, do: allow}\n    - {to: partner, what: metadata, do: clean}\n");
	uint64_t anna = policy_file_cleans(p, policy_file_sender(p, STR("anna@firm.test")));
	uint64_t carl = policy_file_cleans(p, policy_file_sender(p, STR("carl@firm.test")));

	(void)st;
	assert_false(anna & (FACT_BIT(FACT_MACRO) | FACT_BIT(FACT_METADATA) | FACT_BIT(FACT_SIGNED) | FACT_BIT(FACT_MALWARE) | FACT_BIT(FACT_RTF_OBJECT)));
	assert_true(anna & FACT_BIT(FACT_DDE));
	assert_true(carl & FACT_BIT(FACT_MACRO));
	policy_free(&p);
}

static void at_upload_only_rules_without_receiver_count(void **st)
{
	struct policy *p = read("  rules:\n    - {from: sales, to: partner, what: macros, do: allow}\n    - {from: sales, what: scripts, do: allow}\n"
				"    - {to: outsiders, what: [executables, bombs], do: refuse}\n");
	struct policy_file_view v;

	(void)st;
	assert_int_equal(upload(p, "anna@firm.test", FACT_BIT(FACT_MACRO), 0, &v), FILE_HOLD);
	assert_int_equal(upload(p, "anna@firm.test", FACT_BIT(FACT_SCRIPT), 0, &v), FILE_ALLOW);
	assert_int_equal(upload(p, "carl@firm.test", FACT_BIT(FACT_SCRIPT), 0, &v), FILE_HOLD);
	assert_int_equal(upload(p, "anna@firm.test", FACT_BIT(FACT_EXECUTABLE), 0, &v), FILE_HOLD);
	assert_int_equal(message(p, "anna@firm.test", "x@other.test", FACT_BIT(FACT_EXECUTABLE), &v), FILE_REFUSE);
	assert_true(str_starts(policy_file_by(&v, a), STR("files.rules, line 6")));
	policy_free(&p);
}

static void a_message_to_somebody_for_whom_it_would_be_cleaned_is_held(void **st)
{
	struct policy *p = read("  macros: allow\n  rules:\n    - {to: outsiders, what: macros, do: clean}\n");
	struct policy_file_view v;

	(void)st;
	assert_int_equal(upload(p, "anna@firm.test", FACT_BIT(FACT_MACRO), 0, &v), FILE_ALLOW);
	assert_int_equal(message(p, "anna@firm.test", "ben@firm.test", FACT_BIT(FACT_MACRO), &v), FILE_ALLOW);
	assert_int_equal(message(p, "anna@firm.test", "x@partner.test", FACT_BIT(FACT_MACRO), &v), FILE_HOLD);
	assert_int_equal(message(p, "anna@firm.test", "x@partner.test", 0, &v), FILE_ALLOW);	/* it was cleaned */
	policy_free(&p);
}

static void an_exception_counts_for_senders_at_upload_and_for_both_in_a_message(void **st)
{
	struct policy *p = read("  rules:\n    - {from: sales, except: ben@firm.test, what: macros, do: allow}\n    - {from: sales, except: officers, what: scripts, do: refuse}\n");
	struct policy_file_view v;

	(void)st;
	assert_int_equal(upload(p, "anna@firm.test", FACT_BIT(FACT_MACRO), 0, &v), FILE_ALLOW);
	assert_int_equal(upload(p, "ben@firm.test", FACT_BIT(FACT_MACRO), 0, &v), FILE_HOLD);
	assert_int_equal(message(p, "anna@firm.test", "ben@firm.test", FACT_BIT(FACT_MACRO), &v), FILE_HOLD);
	/* An officer may get it: at upload it is not refused yet. */
	assert_int_equal(upload(p, "anna@firm.test", FACT_BIT(FACT_SCRIPT), 0, &v), FILE_HOLD);
	assert_int_equal(message(p, "anna@firm.test", "olga@firm.test", FACT_BIT(FACT_SCRIPT), &v), FILE_HOLD);
	assert_int_equal(message(p, "anna@firm.test", "carl@firm.test", FACT_BIT(FACT_SCRIPT), &v), FILE_REFUSE);
	policy_free(&p);
}

static void in_a_message_only_what_is_stricter_than_at_upload_counts(void **st)
{
	struct policy *p = read("  macros: allow\n  rules:\n    - {to: outsiders, what: macros, do: clean}\n    - {to: partner, what: executables, do: refuse}\n");
	struct policy_file_view v;

	(void)st;
	/* An officer has let the program go: to colleagues it goes, to the partner it does not. */
	policy_file_between(p, between(p, "anna@firm.test", "ben@firm.test"), FACT_BIT(FACT_EXECUTABLE), &v);
	assert_true(v.act == FILE_ALLOW && !v.by);
	policy_file_between(p, between(p, "anna@firm.test", "x@partner.test"), FACT_BIT(FACT_EXECUTABLE), &v);
	assert_true(v.act == FILE_REFUSE && v.by);
	policy_file_between(p, between(p, "anna@firm.test", "x@other.test"), FACT_BIT(FACT_MACRO), &v);
	assert_int_equal(v.act, FILE_HOLD);
	policy_file_between(p, between(p, "anna@firm.test", "ben@firm.test"), FACT_BIT(FACT_MACRO), &v);
	assert_int_equal(v.act, FILE_ALLOW);
	policy_free(&p);
}

static void a_rule_without_what_is_about_every_file(void **st)
{
	struct policy *p = read("  rules:\n    - {from: sales, what: executables, do: allow}\n    - {from: sales, do: refuse}\n    - {from: officers, do: clean}\n");
	struct policy_file_view v;

	(void)st;
	assert_int_equal(upload(p, "anna@firm.test", 0, 0, &v), FILE_REFUSE);
	assert_int_equal(v.fact, FACT_COUNT);
	assert_int_equal(upload(p, "anna@firm.test", FACT_BIT(FACT_EXECUTABLE), 0, &v), FILE_ALLOW);
	assert_int_equal(upload(p, "anna@firm.test", FACT_BIT(FACT_EXECUTABLE) | FACT_BIT(FACT_MACRO), 0, &v), FILE_REFUSE);
	assert_int_equal(upload(p, "olga@firm.test", 0, 0, &v), FILE_ALLOW);
	policy_free(&p);
}

static void a_rule_on_trial_does_nothing_and_is_told(void **st)
{
	struct policy *p = read("  rules:\n    - {from: sales, what: macros, do: refuse, shadow: on}\n    - {what: scripts, do: allow, shadow: on}\n");
	struct policy_file_view v;

	(void)st;
	assert_int_equal(upload(p, "anna@firm.test", FACT_BIT(FACT_MACRO), FACT_BIT(FACT_MACRO), &v), FILE_CLEAN);
	assert_int_equal(v.would, FILE_REFUSE);
	assert_true(v.would_by && str_starts(v.would_by->name, STR("files.rules, line 4")));
	assert_int_equal(upload(p, "anna@firm.test", FACT_BIT(FACT_SCRIPT), 0, &v), FILE_HOLD);
	assert_null(v.would_by);
	policy_free(&p);
}

static void a_signature_is_worth_more_than_metadata_and_less_than_macros(void **st)
{
	struct policy *p = read("");
	struct policy_file_view v;
	uint64_t signed_ = FACT_BIT(FACT_SIGNED), macro = FACT_BIT(FACT_MACRO), meta = FACT_BIT(FACT_METADATA);

	(void)st;
	assert_int_equal(upload(p, "anna@firm.test", signed_, 0, &v), FILE_ALLOW);
	assert_int_equal(upload(p, "anna@firm.test", signed_ | meta, meta, &v), FILE_ALLOW);
	assert_int_equal(v.clean, 0);
	assert_int_equal(upload(p, "anna@firm.test", signed_ | macro | meta, macro | meta, &v), FILE_CLEAN);
	assert_int_equal(upload(p, "anna@firm.test", signed_ | macro, 0, &v), FILE_HOLD);
	policy_free(&p);
	p = read("  signed: hold\n");
	assert_int_equal(upload(p, "anna@firm.test", signed_, 0, &v), FILE_ALLOW);
	assert_int_equal(upload(p, "anna@firm.test", signed_ | macro, macro, &v), FILE_HOLD);
	assert_int_equal(v.fact, FACT_SIGNED);
	policy_free(&p);
	p = read("  signed: allow\n");
	assert_int_equal(upload(p, "anna@firm.test", signed_ | macro, macro, &v), FILE_ALLOW);
	assert_int_equal(v.clean, 0);
	assert_int_equal(upload(p, "anna@firm.test", signed_ | macro | FACT_BIT(FACT_EXECUTABLE), macro, &v), FILE_HOLD);
	policy_free(&p);
}

static void ciphertext_is_let_through_held_or_refused(void **st)
{
	static const struct { const char *files; enum file_action act; } t[] = {
		{ "", FILE_HOLD }, { "  encrypted_uploads: clean\n", FILE_HOLD }, { "  encrypted_uploads: allow\n", FILE_ALLOW },
		{ "  encrypted_uploads: refuse\n", FILE_REFUSE },
	};
	struct policy_file_view v;

	(void)st;
	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		struct policy *p = read(t[i].files);

		assert_int_equal(upload(p, "anna@firm.test", FACT_BIT(FACT_CIPHERTEXT), 0, &v), t[i].act);
		policy_free(&p);
	}
}

static void roads_from_client_to_client_are_closed_and_open_alone_or_together(void **st)
{
	static const enum policy_what roads[] = { POLICY_WHAT_JINGLE, POLICY_WHAT_SI, POLICY_WHAT_IBB, POLICY_WHAT_SOCKS5 };
	struct policy *none = read(""), *all = read("  direct: on\n  in_band: refuse\n"), *off = read("  direct: off\n  in_band: allow\n");
	struct policy *one = read("  in_band: allow\n  rules:\n    - {between: [sales, partner], what: [jingle], do: allow}\n    - {to: outsiders, what: avatars, do: clean}\n");
	struct policy_file_view v;

	(void)st;
	for (size_t i = 0; i < sizeof(roads) / sizeof(roads[0]); i++) {
		policy_file_road(none, between(none, "anna@firm.test", "ben@firm.test"), roads[i], &v);
		assert_int_equal(v.act, FILE_REFUSE);
		policy_file_road(all, between(all, "anna@firm.test", "ben@firm.test"), roads[i], &v);
		assert_int_equal(v.act, FILE_ALLOW);
		policy_file_road(off, between(off, "anna@firm.test", "ben@firm.test"), roads[i], &v);
		assert_int_equal(v.act, FILE_REFUSE);
		policy_file_road(one, between(one, "anna@firm.test", "ben@firm.test"), roads[i], &v);
		assert_int_equal(v.act, roads[i] == POLICY_WHAT_IBB ? FILE_ALLOW : FILE_REFUSE);
	}
	policy_file_road(one, between(one, "x@partner.test", "anna@firm.test"), POLICY_WHAT_JINGLE, &v);
	assert_true(v.act == FILE_ALLOW && v.by);
	policy_file_road(one, between(one, "anna@firm.test", "x@partner.test"), POLICY_WHAT_AVATARS, &v);
	assert_int_equal(v.act, FILE_CLEAN);
	policy_free(&none);
	policy_free(&all);
	policy_free(&off);
	policy_free(&one);
}

static void the_key_is_asked_for_where_nothing_but_ciphertext_is_seen(void **st)
{
	static const struct { const char *files; uint64_t facts; bool asks; } t[] = {
		{ "  encrypted_uploads: key\n", FACT_BIT(FACT_CIPHERTEXT), true },
		{ "  encrypted_uploads: key\n", FACT_BIT(FACT_CIPHERTEXT) | FACT_BIT(FACT_MALWARE), false },
		{ "  encrypted_uploads: key\n", FACT_BIT(FACT_ENCRYPTED_ARCHIVE), false },
		{ "  encrypted_uploads: hold\n", FACT_BIT(FACT_CIPHERTEXT), false },
		{ "  encrypted_uploads: key\n  rules:\n  - {from: sales, what: encrypted_uploads, do: hold}\n", FACT_BIT(FACT_CIPHERTEXT), false },
		{ "", FACT_BIT(FACT_CIPHERTEXT), false },
	};
	struct policy_file_view v;

	(void)st;
	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		struct policy *p = read(t[i].files);

		assert_int_equal(policy_file_asks_key(p, policy_file_sender(p, STR("anna@firm.test")), t[i].facts), t[i].asks);
		assert_int_equal(upload(p, "anna@firm.test", FACT_BIT(FACT_CIPHERTEXT), 0, &v), FILE_HOLD);
	}
}

static void what_was_seen_within_counts_for_who_gets_it(void **st)
{
	struct policy *p = read("  encrypted_uploads: key\n  macros: allow\n  rules:\n  - {to: partner, what: macros, do: hold}\n");
	struct policy_file_view v;

	(void)st;
	policy_file_between(p, between(p, "anna@firm.test", "x@partner.test"), FACT_BIT(FACT_CIPHERTEXT) | FACT_BIT(FACT_MACRO), &v);
	assert_true(v.act == FILE_HOLD && v.fact == FACT_MACRO);
	policy_file_between(p, between(p, "anna@firm.test", "ben@firm.test"), FACT_BIT(FACT_CIPHERTEXT) | FACT_BIT(FACT_MACRO), &v);
	assert_int_equal(v.act, FILE_ALLOW);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, up, down)
	const struct CMUnitTest tests[] = {
		TEST(without_rules_every_fact_does_what_its_table_says),
		TEST(the_strictest_of_all_facts_is_done),
		TEST(what_is_to_be_cleaned_and_is_still_there_is_held),
		TEST(the_key_is_asked_for_where_nothing_but_ciphertext_is_seen),
		TEST(what_was_seen_within_counts_for_who_gets_it),
		TEST(the_cleaner_is_told_what_the_sender_s_files_lose),
		TEST(at_upload_only_rules_without_receiver_count),
		TEST(a_message_to_somebody_for_whom_it_would_be_cleaned_is_held),
		TEST(an_exception_counts_for_senders_at_upload_and_for_both_in_a_message),
		TEST(in_a_message_only_what_is_stricter_than_at_upload_counts),
		TEST(a_rule_without_what_is_about_every_file),
		TEST(a_rule_on_trial_does_nothing_and_is_told),
		TEST(a_signature_is_worth_more_than_metadata_and_less_than_macros),
		TEST(ciphertext_is_let_through_held_or_refused),
		TEST(roads_from_client_to_client_are_closed_and_open_alone_or_together),
	};

	return cmocka_run_group_tests_name("policy/policy_file", tests, NULL, NULL);
}
