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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_payload_to_four_people_is_one_message),
		cmocka_unit_test(one_length_to_ten_people_is_remarkable_and_other_lengths_are_not),
		cmocka_unit_test(what_is_short_or_long_ago_is_forgotten),
		cmocka_unit_test(ciphertext_is_no_text_and_what_only_stands_there_is),
	};

	return cmocka_run_group_tests_name("inspect/cipher", tests, NULL, NULL);
}
