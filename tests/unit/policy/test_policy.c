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

static bool imitates(const struct policy *p, const char *target)
{
	struct url u;

	assert_true(url_parse(str_of(target), a, &u));
	return lookalike_find(&u, p->links.brands, p->links.n_brands) != NULL;
}

static void partners_are_watched_as_brands_are(void **st)
{
	struct policy *p = read("links: {brands: []}\npeers: [{domain: schneider-bau.test, trust: normal}, {domain: stranger-firm.test, trust: low},\n"
				"  {domain: irc.firm.test, trust: high}, {domain: notfirm.test, trust: high}]\n");

	(void)st;
	assert_int_equal(p->links.n_brands, 2);
	assert_true(imitates(p, "https://schneider-bau-login.example/"));
	assert_true(imitates(p, "https://schneidr-bau.example/"));
	assert_false(imitates(p, "https://portal.schneider-bau.test/"));
	assert_false(imitates(p, "https://stranger-firms.example/"));
	policy_free(&p);
}

static void an_empty_policy_has_the_defaults(void **st)
{
	struct policy *p = read("# nothing but a comment\n");

	(void)st;
	assert_int_equal(p->copies, 3);
	assert_int_equal(p->window_ms, 14u * 24 * 3600 * 1000);
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
		{ "worm_copys: 3\n", "policy.yaml:1:1: expected a section of a policy (groups, walls, links ...) (did you mean 'worm_copies'?), found 'worm_copys'" },
		{ "wroms:\n  copies: 3\n", "policy.yaml:1:1: expected a section of a policy (groups, walls, links ...) (did you mean 'worms'?)" },
		{ "worms:\n  copys: 3\n", "policy.yaml:2:3: expected a key of the section 'worms' (did you mean 'copies'?), found 'copys'" },
		{ "worms:\n  copies: 3\nworm_copies: 4\n", "policy.yaml:3:1: expected every key once" },
		{ "worms:\n  copies: 3\nworms:\n  window: 1h\n", "policy.yaml:3:1: expected every section once" },
		{ "worms: 3\n", "policy.yaml:1:8: expected lines of the form" },
		{ "groups: {sales: [anna@firm.test], sales: []}\n", "policy.yaml:1:35: expected every group once" },
		{ "groups: {everybody: []}\n", "policy.yaml:1:10: expected the name of a group" },
		{ "groups: {sales: [anna@firm.test/phone]}\n", "policy.yaml:1:18: expected an address" },
		{ "groups: {sales: [anna@firm.test, Anna@Firm.test]}\n", "policy.yaml:1:34: expected every member of a group once" },
		{ "groups: {sales: anna@firm.test}\n", "policy.yaml:1:17: expected a list of members" },
		{ "groups: {trading: []}\nwalls:\n  - between: [trading, reserch]\n", "policy.yaml:3:24: expected a group, a domain, an address" },
		{ "groups: {trading: [], research: []}\nwalls:\n  - between: [trading, reserch]\n",
		  "policy.yaml:3:24: expected a group, a domain, an address or a word such as everybody, colleagues, outsiders, strangers (did you mean 'research'?)" },
		{ "groups: {a: []}\nwalls: [{between: [a, a]}]\n", "policy.yaml:2: expected a wall between different groups" },
		{ "groups: {a: []}\nwalls: [{between: [a]}]\n", "policy.yaml:2:19: expected two groups in brackets" },
		{ "walls: [{shadow: on}]\n", "policy.yaml:1:9: expected 'between' with two groups" },
		{ "links: {rules: [{from: strangers}]}\n", "policy.yaml:1:17: expected the key 'do'" },
		{ "links: {rules: [{form: strangers, do: hold}]}\n", "policy.yaml:1:18: expected a key of a rule (from, to, between, except, do, shadow, reason) "
		  "(did you mean 'from'?), found 'form'" },
		{ "links: {rules: [{from: strangers, do: explode}]}\n", "policy.yaml:1:39: expected one of allow, flag, warn, defang, rewrite, hold, refuse" },
		{ "links: {rules: [{between: [sales.test, b.test], to: c.test, do: hold}]}\n", "policy.yaml:1:17: expected either 'between'" },
		{ "peers: [{domain: a.test}]\n", "policy.yaml:1:9: expected {domain: partner.example, trust: high}" },
		{ "peers: [{domain: a.test, trust: blind}]\n", "policy.yaml:1:33: expected one of normal, low, high" },
		{ "encryption: {new_device: [everybody]}\n", "policy.yaml:1:27: expected one of devices, contacts, officers" },
		{ "files: {direct: maybe}\n", "policy.yaml:1:17: expected one of each, on, off" },
		{ "lessons: {links: \"a\\nb\"}\n", "policy.yaml:1:18: expected one line of at most 300 bytes" },
		{ "wo\u202erm: 3\n", "policy.yaml:1:1: expected a section of a policy (groups, walls, links ...), found 'wo\\x202Erm'" },
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

static struct subject between(const char *from, const char *to)
{
	return (struct subject){ .from = str_of(from), .to = str_of(to), .known = true, .to_known = true };
}

static void sections_read_like_the_rules_of_a_company(void **st)
{
	struct policy *p = read("links:\n  trusted: [meet.example]\nworms:\n  copies: 5\n  window: 7d\ndecisions:\n  hold_at: 90\n"
				"peers:\n  - {domain: partner.test, trust: high}\nlimits: {strangers: 10}\nencryption:\n  new_device: [contacts, officers]\n"
				"files:\n  direct: off\nlessons:\n  on: off\nleaks:\n");
	enum subject_trust trust = TRUST_NORMAL;

	(void)st;
	assert_true(str_is(p->links.trusted[0], "meet.example"));
	assert_int_equal(p->copies, 5);
	assert_int_equal(p->window_ms, 7ull * 24 * 3600 * 1000);
	assert_int_equal(p->hold, 90);
	assert_true(policy_trust(p, STR("Partner.test"), &trust) && trust == TRUST_HIGH);
	assert_false(policy_trust(p, STR("other.test"), &trust));
	assert_int_equal(p->limits.strangers, 10);
	assert_int_equal(p->encryption.new_device, POLICY_TELL_CONTACTS | POLICY_TELL_OFFICERS);
	assert_int_equal(p->files.direct, POLICY_DIRECT_OFF);
	assert_false(p->lessons.on);
	policy_free(&p);
}

static void a_wall_stands_between_two_groups_both_ways_and_an_exception_passes(void **st)
{
	struct policy *p = read("walls:\n  - between: [trading, research]\n    except: compliance\n    reason: The law forbids it.\n"
				"groups:\n  trading: [tom@firm.test, carl@firm.test]\n  research: [rita@firm.test, \"*@research.test\"]\n  compliance: [carl@firm.test]\n");

	(void)st;
	assert_non_null(policy_wall(p, STR("tom@firm.test"), STR("rita@firm.test")));
	assert_non_null(policy_wall(p, STR("rita@firm.test"), STR("tom@firm.test")));
	assert_non_null(policy_wall(p, STR("tom@firm.test"), STR("anybody@research.test")));
	assert_null(policy_wall(p, STR("carl@firm.test"), STR("rita@firm.test")));
	assert_null(policy_wall(p, STR("tom@firm.test"), STR("anna@firm.test")));
	assert_null(policy_wall(p, STR("tom@firm.test"), STR("tom@firm.test")));
	assert_true(str_is(p->walls.v[0].reason, "The law forbids it.") && str_is(p->walls.v[0].name, "walls, line 2"));
	policy_free(&p);
}

static void the_first_rule_that_fits_decides_and_one_on_trial_does_not(void **st)
{
	struct policy *p = read("groups: {sales: [anna@firm.test], partner: [partner.test]}\nlinks:\n  rules:\n    - {from: partner, to: sales, do: allow}\n"
				"    - {from: strangers, do: hold, shadow: on}\n    - {from: strangers, do: defang}\n    - {from: carol@third.test, do: refuse}\n");
	struct subject s = between("bob@partner.test", "anna@firm.test");
	const struct clause *trial, *c;

	(void)st;
	s.via = VIA_S2S;
	s.known = false;
	c = clause_match(&p->link_rules, people_pair_of(&p->people, &s), &trial);
	assert_true(c && c->act == POLICY_LINK_ALLOW && !trial);
	s.to = STR("bert@firm.test");
	c = clause_match(&p->link_rules, people_pair_of(&p->people, &s), &trial);
	assert_true(c && c->act == POLICY_LINK_DEFANG && trial && trial->act == POLICY_LINK_HOLD);
	s = between("carol@third.test", "bert@firm.test");
	c = clause_match(&p->link_rules, people_pair_of(&p->people, &s), &trial);
	assert_true(c && c->act == POLICY_LINK_REFUSE && !trial);
	s = between("bert@firm.test", "anna@firm.test");
	assert_null(clause_match(&p->link_rules, people_pair_of(&p->people, &s), &trial));
	policy_free(&p);
}

static void a_first_contact_follows_rules_then_department_then_where_he_comes_from(void **st)
{
	struct policy *p = read("groups: {sales: [anna@firm.test, ben@firm.test], it: [ian@firm.test]}\nstrangers:\n  outsiders: refuse\n  gateways: request\n"
				"  colleagues_outside_department: request\n  rules:\n    - {from: partner.test, to: sales, do: allow}\n");
	const struct clause *by;
	struct subject s = between("x@partner.test", "anna@firm.test");

	(void)st;
	assert_int_equal(policy_contact_of(p, &s, &by), POLICY_ALLOW);
	assert_non_null(by);
	s.to = STR("ian@firm.test");
	assert_int_equal(policy_contact_of(p, &s, &by), POLICY_REFUSE);
	assert_null(by);
	s = between("x@icq.test", "ian@firm.test");
	s.via = VIA_GATEWAY;
	assert_int_equal(policy_contact_of(p, &s, &by), POLICY_REQUEST);
	s = between("ben@firm.test", "anna@firm.test");
	assert_int_equal(policy_contact_of(p, &s, &by), POLICY_ALLOW);
	s = between("ian@firm.test", "anna@firm.test");
	assert_int_equal(policy_contact_of(p, &s, &by), POLICY_REQUEST);
	policy_free(&p);
}

static void strangers_are_dealt_with_by_one_word_too(void **st)
{
	struct policy *p = read("strangers: departments\nreports: {purge_at: 5}\n"), *q = read("strangers: allow\n");

	(void)st;
	assert_int_equal(p->strangers.outsiders, POLICY_REQUEST);
	assert_int_equal(p->strangers.colleagues, POLICY_REQUEST);
	assert_int_equal(p->reports.purge_at, 5);
	assert_int_equal(q->strangers.gateways, POLICY_ALLOW);
	policy_free(&p);
	policy_free(&q);
}

static void a_policy_is_known_by_what_it_was_read_from(void **st)
{
	struct policy *p = read("worms: {copies: 4}\n"), *q = read("worms: {copies: 4}\n"), *o = read("worms: {copies: 5}\n");
	struct str why;

	(void)st;
	assert_string_equal(p->digest, q->digest);
	assert_string_not_equal(p->digest, o->digest);
	assert_int_equal(policy_weights(q, STR("LINK_FILE: off\n"), "weights.yaml", a, &why), 0);
	assert_string_not_equal(p->digest, q->digest);
	policy_free(&p);
	policy_free(&q);
	policy_free(&o);
}

static void whatever_stands_in_a_file_it_is_read_or_refused(void **st)
{
	static const char *const pieces[] = { "groups:", "walls:", " ", "\n", "\n  ", "- ", "{", "}", "[", "]", ",", ":", "links", "rules", "between", "from",
					      "do", "hold", "strangers", "a.test", "a@b.test", "off", "3", "&x", "*x", "\"", "'", "#", "\xff", "\xe2\x80\xae", "shadow" };
	uint64_t seed = 20261124;

	(void)st;
	for (unsigned i = 0; i < 6000; i++) {
		char text[400];
		size_t n = 0;
		struct policy *p = NULL;
		struct str why = STR_NONE;

		while (n < sizeof(text) - 16) {
			const char *piece;

			seed = seed * 6364136223846793005u + 1442695040888963407u;
			if ((seed >> 33) % 40 == 0)
				break;
			piece = pieces[(seed >> 40) % (sizeof(pieces) / sizeof(pieces[0]))];
			memcpy(text + n, piece, strlen(piece));
			n += strlen(piece);
		}
		if (policy_parse(str_make(text, n), "policy.yaml", "firm.test", a, &p, &why) < 0)
			assert_true(str_starts(why, STR("policy.yaml:")));
		policy_free(&p);
		arena_clear(a);
	}
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
	assert_true(str_starts(why, STR("weights.yaml:1:1: expected the name of a rule (did you mean 'LINK_LOOKALIKE'?)")));
	policy_free(&p);
}

static void a_weight_may_say_why_it_is_what_it_is(void **st)
{
	static const char *const wrong[] = { "LINK_PORT: {weight: 5}\n", "LINK_PORT: {reason: because}\n", "LINK_PORT: {weight: 5, reason: ''}\n",
					     "LINK_PORT: {weight: 5, weight: 6, reason: x}\n", "LINK_PORT: {weight: 5, reason: x, more: y}\n",
					     "LINK_PORT: {weight: much, reason: x}\n", "LINK_PORT: {weight: 5, reason: [x]}\n" };
	struct policy *p = read("");
	struct str why;

	(void)st;
	assert_int_equal(policy_weights(p, STR("LINK_PORT: {weight: off, reason: the portal of our supplier}\n"), "weights.yaml", a, &why), 0);
	assert_int_equal(p->weights[LINK_PORT], 0);
	for (unsigned i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		assert_int_equal(policy_weights(p, str_of(wrong[i]), "weights.yaml", a, &why), ERR_BAD_FORMAT);
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
		TEST(partners_are_watched_as_brands_are),
		TEST(an_empty_policy_has_the_defaults),
		TEST(what_is_written_is_read),
		TEST(every_mistake_has_its_place),
		TEST(the_file_of_defaults_reads_as_the_defaults),
		TEST(sections_read_like_the_rules_of_a_company),
		TEST(a_wall_stands_between_two_groups_both_ways_and_an_exception_passes),
		TEST(the_first_rule_that_fits_decides_and_one_on_trial_does_not),
		TEST(a_first_contact_follows_rules_then_department_then_where_he_comes_from),
		TEST(strangers_are_dealt_with_by_one_word_too),
		TEST(a_policy_is_known_by_what_it_was_read_from),
		TEST(whatever_stands_in_a_file_it_is_read_or_refused),
		TEST(weights_are_read_by_the_names_of_rules),
		TEST(a_weight_may_say_why_it_is_what_it_is),
		TEST(a_deny_list_has_a_name_a_line),
	};

	return cmocka_run_group_tests_name("policy/policy", tests, NULL, NULL);
}
