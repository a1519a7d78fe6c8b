/* When links and files to another network stop, and when they pass again (outbreak/breaker.h). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>

#include "outbreak/breaker.h"

#define MINUTE 60000u

static const struct policy_breaker conf = { .at = 6, .senders = 3, .within_ms = 10 * MINUTE, .quiet_ms = 60 * MINUTE };
static struct breaker_table *t;

static int up(void **st)
{
	(void)st;
	t = breaker_table_new();
	return t ? 0 : -1;
}

static int down(void **st)
{
	(void)st;
	breaker_table_free(&t);
	return 0;
}

static bool note(const char *domain, uint64_t sender, uint64_t now)
{
	return breaker_note(t, &conf, str_of(domain), sender, now);
}

static void it_opens_at_so_many_messages_of_so_many_people(void **st)
{
	(void)st;
	for (unsigned i = 0; i < 5; i++)
		assert_false(note("peer.test", i % 3, 1000 + i));
	assert_false(breaker_is_open(t, STR("peer.test")));
	assert_true(note("peer.test", 1, 2000));
	assert_true(breaker_is_open(t, STR("peer.test")));
	assert_false(breaker_is_open(t, STR("other.test")));
	assert_false(note("peer.test", 1, 2001));	/* once */
	assert_int_equal(breaker_count(t), 1);
}

static void one_who_is_infected_does_not_cut_his_company_off(void **st)
{
	(void)st;
	for (unsigned i = 0; i < 200; i++)
		assert_false(note("peer.test", i % 2, 1000 + i));
}

static void slowly_it_does_not_open(void **st)
{
	(void)st;
	for (unsigned i = 0; i < 60; i++)
		assert_false(note("peer.test", i, 1000 + i * 3 * MINUTE));
}

static void it_closes_when_it_has_been_quiet(void **st)
{
	(void)st;
	for (unsigned i = 0; i < 6; i++)
		(void)note("peer.test", i, 1000);
	assert_false(note("peer.test", 9, 30 * MINUTE));
	assert_true(str_empty(breaker_expire(t, &conf, 61 * MINUTE)));
	assert_true(str_is(breaker_expire(t, &conf, 90 * MINUTE), "peer.test"));
	assert_false(breaker_is_open(t, STR("peer.test")));
	assert_false(note("peer.test", 1, 91 * MINUTE));	/* counted anew */
}

static void what_an_operator_opens_waits_for_him(void **st)
{
	(void)st;
	assert_int_equal(breaker_open(t, STR("peer.test"), true, 1000), 0);
	assert_true(breaker_is_manual(t, STR("peer.test")));
	assert_true(str_empty(breaker_expire(t, &conf, 1000 * MINUTE)));
	assert_true(breaker_close(t, STR("peer.test")));
	assert_false(breaker_close(t, STR("peer.test")));
	assert_int_equal(breaker_count(t), 0);
}

static void off_never_opens_by_itself(void **st)
{
	struct policy_breaker off = conf;

	(void)st;
	off.at = 0;
	for (unsigned i = 0; i < 100; i++)
		assert_false(breaker_note(t, &off, STR("peer.test"), i, 1000));
}

static void many_domains_push_out_no_open_one(void **st)
{
	char name[32];

	(void)st;
	assert_int_equal(breaker_open(t, STR("peer.test"), false, 1), 0);
	for (unsigned i = 0; i < 3 * BREAKERS; i++) {
		snprintf(name, sizeof(name), "d%u.test", i);
		(void)note(name, i, 1000 + i);
	}
	assert_true(breaker_is_open(t, STR("peer.test")));
	assert_int_equal(breaker_count(t), 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, up, down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(it_opens_at_so_many_messages_of_so_many_people),
		TEST(one_who_is_infected_does_not_cut_his_company_off),
		TEST(slowly_it_does_not_open),
		TEST(it_closes_when_it_has_been_quiet),
		TEST(what_an_operator_opens_waits_for_him),
		TEST(off_never_opens_by_itself),
		TEST(many_domains_push_out_no_open_one),
	};

	return cmocka_run_group_tests_name("outbreak/breaker", tests, NULL, NULL);
}
