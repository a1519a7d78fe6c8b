/* What can be seen of encrypted messages without reading them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "inspect/cipher.h"
#include "inspect/gather.h"
#include "xmpp/wire.h"

static unsigned judge(struct cipher_memory *m, const char *payload, uint32_t to, uint64_t ms, enum rule rule)
{
	struct subject s = { .cipher = str_of(payload), .ts_ms = ms };
	struct verdict v = { 0 };
	unsigned found = 0;

	cipher_verdict(m, &s, to, &v);
	for (unsigned i = 0; i < v.n; i++)
		found += v.f[i].rule == rule;
	return found;
}

#define A "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"

static void one_payload_to_four_people_is_one_message(void **st)
{
	struct cipher_memory m = { 0 };

	(void)st;
	for (uint32_t to = 1; to <= 3; to++)
		assert_int_equal(judge(&m, A, to, to * 1000, WORM_CIPHER_SAME), 0);
	assert_int_equal(judge(&m, A, 3, 5000, WORM_CIPHER_SAME), 0);
	assert_int_equal(judge(&m, A, 4, 6000, WORM_CIPHER_SAME), 1);
}

static void one_length_to_ten_people_is_remarkable_and_other_lengths_are_not(void **st)
{
	struct cipher_memory m = { 0 }, o = { 0 };

	(void)st;
	for (uint32_t to = 1; to <= 10; to++) {
		char payload[80], other[160] = A A;

		memcpy(payload, A, sizeof(A));
		payload[0] = (char)('A' + to);
		other[50 + to] = '\0';
		assert_int_equal(judge(&m, payload, to, to * 1000, WORM_CIPHER_ALIKE), to == 10);
		assert_int_equal(judge(&o, other, to, to * 1000, WORM_CIPHER_ALIKE), 0);
	}
}

static void what_is_short_or_long_ago_is_forgotten(void **st)
{
	struct cipher_memory m = { 0 }, o = { 0 };

	(void)st;
	for (uint32_t to = 1; to <= 12; to++) {
		assert_int_equal(judge(&m, "c2hvcnQ=", to, 1000, WORM_CIPHER_SAME), 0);
		assert_int_equal(judge(&o, A, to, to * 400000ull, WORM_CIPHER_SAME), 0);
	}
}

static void ciphertext_is_no_text_and_what_only_stands_there_is(void **st)
{
	struct arena *a = arena_new(1 << 20);
	struct subject s = { 0 }, t = { 0 };
	struct node *m;

	(void)st;
	assert_int_equal(wire_parse(a, STR("<message xmlns='jabber:client'><body>note</body><encrypted xmlns='eu.siacs.conversations.axolotl'><header sid='1'>"
					   "<key rid='2'>" A A "</key><iv>BBBB</iv></header><payload>" A "</payload></encrypted></message>"), &m), 0);
	assert_true(gather_message(m, a, &s));
	assert_true(str_is(s.body, "note") && str_is(s.cipher, A));
	assert_int_equal(wire_parse(a, STR("<message xmlns='jabber:client'><encrypted xmlns='eu.siacs.conversations.axolotl'><payload>http://evil.test/</payload>"
					   "</encrypted></message>"), &m), 0);
	assert_true(gather_message(m, a, &t));
	assert_true(str_is(t.body, "http://evil.test/") && t.cipher.n == 0);
	arena_free(&a);
}

/* A message of another length to each; jitter: in thousandths of the gap, to and fro. */
static unsigned pace(uint32_t people, uint64_t gap_ms, unsigned jitter, enum rule rule)
{
	struct cipher_memory m = { 0 };
	uint64_t now = 1700000000000u;
	unsigned found = 0;

	for (uint32_t to = 1; to <= people; to++) {
		char payload[160] = A A;

		payload[50 + to % 60] = '\0';
		found += judge(&m, payload, to, now, rule);
		now += gap_ms + (to % 2 ? gap_ms * jitter / 1000 : 0) - (to % 2 ? 0 : gap_ms * jitter / 1000);
	}
	return found;
}

static void eight_people_in_a_minute_is_no_person_whatever_the_length(void **st)
{
	(void)st;
	assert_int_equal(pace(7, 1000, 0, WORM_CIPHER_FAST), 0);
	assert_int_equal(pace(8, 1000, 0, WORM_CIPHER_FAST), 1);
	assert_int_equal(pace(8, 8000, 0, WORM_CIPHER_FAST), 1);
	assert_int_equal(pace(40, 12000, 300, WORM_CIPHER_FAST), 0);
	assert_true(pace(8, 500, 500, WORM_CIPHER_PACE) == 1);
}

static void one_after_another_by_the_clock_is_no_person(void **st)
{
	(void)st;
	assert_int_equal(pace(7, 1800000, 0, WORM_CIPHER_PACE), 0);
	assert_int_equal(pace(8, 1800000, 0, WORM_CIPHER_PACE), 1);
	assert_int_equal(pace(12, 1800000, 100, WORM_CIPHER_PACE), 5);
	assert_int_equal(pace(30, 1800000, 300, WORM_CIPHER_PACE), 0);
}

static void two_who_talk_are_no_fan_out(void **st)
{
	struct cipher_memory m = { 0 };

	(void)st;
	for (unsigned i = 0; i < 60; i++) {
		assert_int_equal(judge(&m, A A, i % 3, 1700000000000u + i * 2000, WORM_CIPHER_FAST), 0);
		assert_int_equal(judge(&m, A A, i % 3, 1700000000000u + i * 2000 + 1000, WORM_CIPHER_PACE), 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_payload_to_four_people_is_one_message),
		cmocka_unit_test(one_length_to_ten_people_is_remarkable_and_other_lengths_are_not),
		cmocka_unit_test(what_is_short_or_long_ago_is_forgotten),
		cmocka_unit_test(eight_people_in_a_minute_is_no_person_whatever_the_length),
		cmocka_unit_test(one_after_another_by_the_clock_is_no_person),
		cmocka_unit_test(two_who_talk_are_no_fan_out),
		cmocka_unit_test(ciphertext_is_no_text_and_what_only_stands_there_is),
	};

	return cmocka_run_group_tests_name("inspect/cipher", tests, NULL, NULL);
}
