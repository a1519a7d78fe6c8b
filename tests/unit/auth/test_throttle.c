/* test_throttle.c - guessing is slow, the office is not locked out. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <arpa/inet.h>
#include <cmocka.h>

#include "auth/throttle.h"
#include "base/check.h"
#include "base/limits.h"

static struct throttle_prefix prefix(const char *address)
{
	struct sockaddr_in v4 = { .sin_family = AF_INET };
	struct sockaddr_in6 v6 = { .sin6_family = AF_INET6 };
	struct throttle_prefix p;

	if (inet_pton(AF_INET, address, &v4.sin_addr) == 1)
		throttle_prefix_of((struct sockaddr *)&v4, &p);
	else if (inet_pton(AF_INET6, address, &v6.sin6_addr) == 1)
		throttle_prefix_of((struct sockaddr *)&v6, &p);
	else
		fail_msg("%s", address);
	return p;
}

static bool same(const char *a, const char *b)
{
	struct throttle_prefix x = prefix(a), y = prefix(b);

	return memcmp(&x, &y, sizeof(x)) == 0;
}

static void neighbours_share_a_prefix(void **st)
{
	assert_true(same("192.0.2.1", "192.0.2.200"));
	assert_false(same("192.0.2.1", "192.0.3.1"));
	assert_true(same("192.0.2.1", "::ffff:192.0.2.7"));
	assert_true(same("2001:db8:1:2::1", "2001:db8:1:2:ffff::9"));
	assert_false(same("2001:db8:1:2::1", "2001:db8:1:3::1"));
	assert_false(same("0.0.0.0", "::"));
	(void)st;
}

/* Tries until it is told to stop; how often that was. */
static unsigned guess(struct throttle *t, const char *account, const char *from, uint64_t now, unsigned most)
{
	struct throttle_prefix p = prefix(from);
	unsigned n = 0;

	while (n < most && throttle_may(t, str_of(account), &p, now)) {
		throttle_failed(t, str_of(account), &p, now);
		n++;
	}
	return n;
}

static void a_guesser_gets_ten_tries_a_minute(void **st)
{
	struct throttle *t = throttle_new(10);
	unsigned n = 0;

	assert_int_equal(guess(t, "a@a.test", "192.0.2.1", 1000, 100), 10);
	assert_int_equal(guess(t, "a@a.test", "192.0.2.99", 1000, 100), 0);	/* the same block */
	assert_int_equal(guess(t, "a@a.test", "192.0.2.1", 6999, 100), 0);
	assert_int_equal(guess(t, "a@a.test", "192.0.2.1", 7000, 100), 1);	/* one every 6 s */
	assert_int_equal(guess(t, "a@a.test", "192.0.2.1", 7000 + 3600000, 100), 10);	/* never more than a minute's worth */
	for (uint64_t now = 10000000; now < 10000000 + 3600000; now += 1000)
		n += guess(t, "a@a.test", "192.0.2.1", now, 100);
	assert_in_range(n, 590, 620);
	throttle_free(&t);
	(void)st;
}

static void the_same_account_from_elsewhere_is_not_locked(void **st)
{
	struct throttle *t = throttle_new(10);

	guess(t, "a@a.test", "192.0.2.1", 0, 100);
	assert_int_equal(guess(t, "a@a.test", "198.51.100.1", 0, 100), 10);
	assert_int_equal(guess(t, "b@a.test", "192.0.2.1", 0, 100), 10);
	throttle_free(&t);
	(void)st;
}

static void a_list_of_names_from_one_block_meets_the_wider_budget(void **st)
{
	struct throttle *t = throttle_new(10);
	struct throttle_prefix office = prefix("192.0.2.1");
	unsigned n = 0;
	char name[32];

	throttle_succeeded(t, STR("colleague@a.test"), &office, 0);
	for (int i = 0; i < 2000; i++) {
		snprintf(name, sizeof(name), "u%d@a.test", i);
		n += guess(t, name, "192.0.2.5", 1000, 1);
	}
	assert_int_equal(n, 500);
	assert_false(throttle_may(t, STR("stranger@a.test"), &office, 1000));
	/* Who has logged in from there goes on, mistypes included, and still cannot be guessed at without end. */
	assert_true(throttle_may(t, STR("colleague@a.test"), &office, 1000));
	assert_int_equal(guess(t, "colleague@a.test", "192.0.2.9", 1000, 100), 10);
	assert_true(throttle_may(t, STR("stranger@a.test"), &office, 61000));	/* refills */
	throttle_free(&t);
	(void)st;
}

static void success_costs_nothing(void **st)
{
	struct throttle *t = throttle_new(1);
	struct throttle_prefix p = prefix("2001:db8::1");

	for (int i = 0; i < 10000; i++) {
		assert_true(throttle_may(t, STR("a@a.test"), &p, 0));
		throttle_succeeded(t, STR("a@a.test"), &p, 0);
	}
	assert_int_equal(throttle_count(t), 1);
	throttle_free(&t);
	(void)st;
}

static void off_means_off(void **st)
{
	struct throttle *t = throttle_new(0);

	assert_int_equal(guess(t, "a@a.test", "192.0.2.1", 0, 5000), 5000);
	assert_int_equal(throttle_count(t), 0);
	throttle_set(t, 2);
	assert_int_equal(guess(t, "a@a.test", "192.0.2.1", 0, 5000), 2);
	throttle_set(t, 0);
	assert_int_equal(guess(t, "a@a.test", "192.0.2.1", 0, 10), 10);
	throttle_free(&t);
	throttle_free(&t);
	(void)st;
}

static void memory_is_bounded_and_the_oldest_makes_room(void **st)
{
	struct throttle *t = throttle_new(10);
	char name[32], from[32];

	guess(t, "first@a.test", "203.0.113.1", 0, 100);
	for (unsigned i = 0; i < 3 * LIMIT_THROTTLE; i++) {
		snprintf(name, sizeof(name), "u%u@a.test", i);
		snprintf(from, sizeof(from), "10.%u.%u.1", i >> 8 & 255, i & 255);
		guess(t, name, from, 1000, 1);
	}
	assert_int_equal(throttle_count(t), 2 * LIMIT_THROTTLE);
	assert_int_equal(guess(t, "first@a.test", "203.0.113.1", 1000, 100), 10);
	throttle_free(&t);
	(void)st;
}

static void a_clock_that_goes_back_or_far_does_no_harm(void **st)
{
	struct throttle *t = throttle_new(100000);

	guess(t, "a@a.test", "192.0.2.1", 1000000, 200000);
	assert_int_equal(guess(t, "a@a.test", "192.0.2.1", 0, 10), 0);
	assert_int_equal(guess(t, "a@a.test", "192.0.2.1", UINT64_MAX, 200000), 100000);
	throttle_free(&t);
	(void)st;
}

static void names_beyond_any_length_are_taken(void **st)
{
	struct throttle *t = throttle_new(3);
	struct throttle_prefix p = prefix("192.0.2.1");
	static char big[2 * LIMIT_JID];

	memset(big, 'a', sizeof(big));
	for (int i = 0; i < 3; i++)
		throttle_failed(t, str_make(big, sizeof(big)), &p, 0);
	assert_false(throttle_may(t, str_make(big, sizeof(big)), &p, 0));
	assert_true(throttle_may(t, STR(""), &p, 0));
	throttle_free(&t);
	(void)st;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(neighbours_share_a_prefix),
		cmocka_unit_test(a_guesser_gets_ten_tries_a_minute),
		cmocka_unit_test(the_same_account_from_elsewhere_is_not_locked),
		cmocka_unit_test(a_list_of_names_from_one_block_meets_the_wider_budget),
		cmocka_unit_test(success_costs_nothing),
		cmocka_unit_test(off_means_off),
		cmocka_unit_test(memory_is_bounded_and_the_oldest_makes_room),
		cmocka_unit_test(a_clock_that_goes_back_or_far_does_no_harm),
		cmocka_unit_test(names_beyond_any_length_are_taken),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
