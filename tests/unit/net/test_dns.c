/* test_dns.c - SRV records as they come, the order of trying, and addresses that nobody is sent to. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/check.h"
#include "base/rand.h"
#include "net/dns.h"

static void records_are_read_or_refused(void **state)
{
	static const uint8_t good[] = "\0\5\0\7\x14\x95\4xmpp\4test", root[] = "\0\0\0\0\x14\x95";
	static const uint8_t longer[] = "\0\5\0\7\x14\x95\4xmpp\4test\0x", spaces[] = "\0\5\0\7\x14\x95\4xm p\4test";
	struct dns_srv s;

	(void)state;
	assert_true(dns_srv_parse(good, sizeof(good), &s));
	assert_int_equal(s.priority, 5);
	assert_int_equal(s.weight, 7);
	assert_int_equal(s.port, 5269);
	assert_string_equal(s.host, "xmpp.test");
	assert_true(dns_srv_parse(root, sizeof(root), &s));
	assert_string_equal(s.host, "");
	assert_false(dns_srv_parse(longer, sizeof(longer), &s));
	assert_false(dns_srv_parse(spaces, sizeof(spaces), &s));
	for (size_t n = 0; n < sizeof(good); n++)
		assert_false(dns_srv_parse(good, n, &s));		/* cut anywhere */
}

static void a_name_that_is_too_long_is_refused(void **state)
{
	uint8_t p[6 + 6 * 64 + 1] = { 0 };
	struct dns_srv s;

	(void)state;
	for (size_t i = 0; i < 6; i++) {
		p[6 + 64 * i] = 63;
		memset(p + 6 + 64 * i + 1, 'a', 63);
	}
	assert_false(dns_srv_parse(p, sizeof(p), &s));
}

static void the_order_is_by_priority_then_by_weight(void **state)
{
	unsigned heavy_first = 0;

	(void)state;
	rand_simulate(7);
	for (int i = 0; i < 1000; i++) {
		struct dns_srv v[] = { { .priority = 9 }, { .priority = 1, .weight = 10 }, { .priority = 1, .weight = 90 }, { .priority = 0 } };

		dns_srv_order(v, ARRAY_SIZE(v));
		assert_int_equal(v[0].priority, 0);
		assert_int_equal(v[3].priority, 9);
		heavy_first += v[1].weight == 90;
	}
	rand_simulate(0);
	assert_in_range(heavy_first, 840, 940);
}

static void addresses_within_are_told_apart(void **state)
{
	static const struct { const char *text; bool private; } cases[] = {
		{ "127.0.0.1", true }, { "10.1.2.3", true }, { "172.16.0.1", true }, { "172.32.0.1", false }, { "192.168.1.1", true },
		{ "169.254.169.254", true }, { "100.64.0.1", true }, { "0.0.0.0", true }, { "224.0.0.1", true }, { "255.255.255.255", true },
		{ "8.8.8.8", false }, { "::1", true }, { "::", true }, { "::ffff:10.0.0.1", true }, { "fe80::1", true }, { "fd00::1", true },
		{ "ff02::1", true }, { "64:ff9b::7f00:1", true }, { "64:ff9b::808:808", false }, { "2002:7f00:1::", true },
		{ "2001:4860:4860::8888", false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct sockaddr_storage sa;

		assert_true(dns_numeric(cases[i].text, 5269, &sa));
		if (dns_is_private(&sa) != cases[i].private)
			fail_msg("%s", cases[i].text);
	}
	assert_false(dns_numeric("example.org", 1, &(struct sockaddr_storage){ 0 }));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(records_are_read_or_refused),
		cmocka_unit_test(a_name_that_is_too_long_is_refused),
		cmocka_unit_test(the_order_is_by_priority_then_by_weight),
		cmocka_unit_test(addresses_within_are_told_apart),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
