/* Scripted backdoors with jitter are seen; people and honest bots are not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "inspect/beacon.h"

#define CONTROLLER 7u

static uint64_t seed;

/* A number from 0 to 1, the same in every run. */
static double chance(void)
{
	seed = seed * 6364136223846793005u + 1442695040888963407u;
	return (double)(seed >> 11) / 9007199254740992.0;
}

struct talk {
	struct beacon_memory m;
	uint64_t now_ms;
	bool known, outward;
	uint32_t sent, people;
};

static void tell(struct talk *t, double gap_s, const char *text, uint32_t to, struct verdict *v)
{
	struct subject s = { .from = STR("anna@firm.test"), .to = STR("x@other.test"), .body = str_of(text), .topic = STR_NONE, .known = t->known,
			     .to_known = t->known, .outward = t->outward };

	t->now_ms += (uint64_t)(gap_s * 1000);
	s.ts_ms = t->now_ms;
	s.sender.sent = t->sent++;
	s.sender.people = t->people;
	memset(v, 0, sizeof(*v));
	beacon_verdict(&t->m, &s, to, v);
}

static bool has(const struct verdict *v, enum rule rule)
{
	for (unsigned i = 0; i < v->n; i++)
		if (v->f[i].rule == rule)
			return true;
	return false;
}

static unsigned weight(const struct verdict *v)
{
	unsigned sum = 0;

	for (unsigned i = 0; i < v->n; i++)
		sum += inspect_rule_weight(v->f[i].rule);
	return sum;
}

enum language { ENCODED, RECORDS, JSON, POLITE, LANGUAGES };

static void write_one(enum language how, unsigned i, char text[256])
{
	unsigned x = (unsigned)(chance() * 1e9), y = (unsigned)(chance() * 1e9);

	if (how == ENCODED)
		snprintf(text, 256, "aGVsbG8gd29ybGQgdGhpcyBpcyBkYXRhMTIz%08x%08x", x, y);
	else if (how == RECORDS && i % 2)
		snprintf(text, 256, "id=%u host=PC-0%u user=anna os=Win10", x, y);
	else if (how == RECORDS)
		snprintf(text, 256, "id=%u up=%u cmd=none", x, y);
	else if (how == JSON)
		snprintf(text, 256, "{\"id\":%u,\"seq\":%u,\"st\":\"idle\"}", x, y);
	else
		snprintf(text, 256, "still here and waiting %u %u", x, y);	/* words, but always the same */
}

/* How many messages of a backdoor go by before it weighs 100; 0: it never does. */
static unsigned caught_after(double each_s, double jitter, enum language how, unsigned n, bool alone)
{
	struct talk t = { .now_ms = 1700000000000u, .outward = true, .people = alone ? 1 : 5 };
	char text[256];
	struct verdict v;

	for (unsigned i = 1; i <= n; i++) {
		write_one(how, i, text);
		tell(&t, each_s * (1 + jitter * (2 * chance() - 1)), text, CONTROLLER, &v);
		if (weight(&v) >= 100)
			return i;
	}
	return 0;
}

static void backdoors_with_jitter_are_caught_within_a_dozen_messages(void **st)
{
	static const double jitters[] = { 0, 0.1, 0.3, 0.5 };
	unsigned missed = 0, tried = 0;

	(void)st;
	seed = 42;
	for (unsigned how = 0; how < LANGUAGES; how++)
		for (size_t i = 0; i < sizeof(jitters) / sizeof(jitters[0]); i++)
			for (unsigned run = 0; run < 50; run++, tried++)
				missed += caught_after(60, jitters[i], (enum language)how, 12, run % 2) == 0;
	if (missed * 50 > tried)
		fail_msg("%u of %u backdoors were missed", missed, tried);
}

static void a_report_about_the_host_is_named_at_once(void **st)
{
	struct talk t = { .now_ms = 1700000000000u, .outward = true, .people = 3 };
	struct verdict v;

	(void)st;
	tell(&t, 0, "ip=10.0.0.17 mac=00:1b:44:11:3a:b7 open ports: 22,80,445 os=Windows NT 10.0 user=anna", CONTROLLER, &v);
	assert_true(has(&v, BEACON_HOST_FACTS));
	assert_non_null(strstr(v.f[0].evidence, "open ports"));
}

static void facts_about_hosts_are_told_apart(void **st)
{
	(void)st;
	assert_int_equal(beacon_facts(STR("10.1.2.3 is up")), BEACON_ADDRESS);
	assert_int_equal(beacon_facts(STR("de:ad:be:ef:00:01")), BEACON_ADDRESS);
	assert_int_equal(beacon_facts(STR("22/tcp open ssh, 80/tcp open http")), BEACON_PORTS);
	assert_int_equal(beacon_facts(STR("svchost.exe 1204\nexplorer.exe 3311\n")), BEACON_PROCESSES);
	assert_int_equal(beacon_facts(STR("hostname=pc7 user=anna")), BEACON_SYSTEM);
	assert_int_equal(beacon_facts(STR("version 10.2.3 of the plan, chapter 4.5.6.7.8")), 0);
	assert_int_equal(beacon_facts(STR("shall we take the train at 10:45 or 11:15?")), 0);
	assert_int_equal(beacon_facts(STR("300.1.2.3")), 0);
}

static void sentences_are_no_machines(void **st)
{
	static const char *const people[] = { "ok", "see you at 10:30 then :-)", "the invoice is 4711, please pay by Friday", "https://meet.example/a?b=c",
					      "No, I don't think so. Ask Bob; he knows.", "yes!!!", "lol", "call me: 555 1234", "PR #123 is merged",
					      "что делать?", "今晩は" };
	static const char *const machines[] = { "id=7 host=pc1 up=3600", "{\"seq\":1}", "aGVsbG8gd29ybGQgdGhpcyBpcyBkYXRhMTIzNDU2", "1|22|333|4444|55555",
						"deadbeef00112233445566778899aabbccddeeff" };

	(void)st;
	for (size_t i = 0; i < sizeof(people) / sizeof(people[0]); i++)
		if (beacon_is_machine(str_of(people[i])))
			fail_msg("'%s' was taken for a machine's", people[i]);
	for (size_t i = 0; i < sizeof(machines) / sizeof(machines[0]); i++)
		if (!beacon_is_machine(str_of(machines[i])))
			fail_msg("'%s' was taken for a person's", machines[i]);
}

/* Gaps of people: log-normal over orders of magnitude. */
static void people_who_write_to_a_stranger_are_left_alone(void **st)
{
	static const char *const lines[] = { "hello, is the room still free?", "yes, for two nights", "great :-)", "what about breakfast, is it included?",
					     "thanks", "ok, I will call you tomorrow then", "sure" };
	unsigned held = 0, regular = 0, n = 0;

	(void)st;
	seed = 7;
	for (unsigned run = 0; run < 300; run++) {
		struct talk t = { .now_ms = 1700000000000u, .outward = true, .people = 1 };
		struct verdict v;

		for (unsigned i = 0; i < 40; i++, n++) {
			double gap = exp(3.5 + 1.6 * sqrt(-2 * log(chance() + 1e-12)) * cos(6.2831853 * chance()));

			tell(&t, gap, lines[(unsigned)(chance() * 7)], CONTROLLER, &v);
			held += weight(&v) >= 100;
			regular += has(&v, BEACON_REGULAR);
		}
	}
	assert_int_equal(held, 0);
	if (regular * 100 > n)
		fail_msg("%u of %u messages of people look regular", regular, n);
}

static void an_honest_bot_reports_to_colleagues_as_it_likes(void **st)
{
	struct talk t = { .now_ms = 1700000000000u, .known = true, .people = 1 };
	struct verdict v;

	(void)st;
	for (unsigned i = 0; i < 50; i++) {
		tell(&t, 60, "host=web1 ip=10.0.0.1 22/tcp open user=root os=GNU/Linux", 9, &v);
		assert_int_equal(v.n, 0);
	}
}

static void an_honest_bot_that_greets_a_contact_elsewhere_is_no_backdoor(void **st)
{
	struct talk t = { .now_ms = 1700000000000u, .known = true, .outward = true, .people = 1 };
	struct verdict v;

	(void)st;
	for (unsigned i = 0; i < 50; i++) {
		tell(&t, 3600, "build=17 state=ok tests=812", 9, &v);
		assert_true(weight(&v) < 100);
	}
}

static void a_backdoor_is_seen_between_messages_to_others(void **st)
{
	struct talk t = { .now_ms = 1700000000000u, .outward = true, .people = 4 };
	struct verdict v;
	unsigned caught = 0;

	(void)st;
	seed = 3;
	for (unsigned i = 1; i <= 14 && !caught; i++) {
		char text[80];

		tell(&t, 20, "shall we have lunch today?", 100 + i % 3, &v);
		assert_true(weight(&v) < 100);
		snprintf(text, sizeof(text), "id=9 seq=%u st=%08x", i, (unsigned)(chance() * 1e9));
		tell(&t, 40, text, CONTROLLER, &v);
		if (weight(&v) >= 100)
			caught = i;
	}
	assert_in_range(caught, 5, 12);
}

/* Whatever comes: no crash, nothing beyond what fits. */
static void noise_is_survived(void **st)
{
	struct talk t = { .now_ms = 5000, .outward = true };
	char text[300];
	struct verdict v;

	(void)st;
	seed = 99;
	for (unsigned i = 0; i < 20000; i++) {
		size_t n = (size_t)(chance() * 299);

		for (size_t k = 0; k < n; k++)
			text[k] = (char)(1 + chance() * 254);
		text[n] = '\0';
		tell(&t, chance() * 1000 - (i % 100 == 0 ? (double)t.now_ms / 2000.0 : 0), text, (uint32_t)(chance() * 6), &v);
		assert_true(v.n <= FINDINGS);
		assert_true(t.m.n <= BEACON_TRACKS);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(backdoors_with_jitter_are_caught_within_a_dozen_messages),
		cmocka_unit_test(a_report_about_the_host_is_named_at_once),
		cmocka_unit_test(facts_about_hosts_are_told_apart),
		cmocka_unit_test(sentences_are_no_machines),
		cmocka_unit_test(people_who_write_to_a_stranger_are_left_alone),
		cmocka_unit_test(an_honest_bot_reports_to_colleagues_as_it_likes),
		cmocka_unit_test(an_honest_bot_that_greets_a_contact_elsewhere_is_no_backdoor),
		cmocka_unit_test(a_backdoor_is_seen_between_messages_to_others),
		cmocka_unit_test(noise_is_survived),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("inspect/beacon", tests, NULL, NULL);
}
