/* What is remembered of who speaks, and that it stays bounded. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "outbreak/sender.h"

#define NOW 1700000000000u
#define HOUR 3600000u

static void it_counts_people_strangers_and_answers(void **st)
{
	struct sender_table *s = sender_table_new(100);
	struct subject_sender facts;
	struct sender *anna;

	(void)st;
	anna = sender_of(s, 1, NOW);
	sender_note(s, anna, 2, true, NOW);
	sender_note(s, anna, 2, true, NOW + 1000);
	sender_note(s, anna, 3, false, NOW + 2000);
	sender_note(s, sender_of(s, 2, NOW + 3000), 1, true, NOW + 3000);
	sender_facts(sender_find(s, 1), HOUR, NOW + 4000, &facts);
	assert_int_equal(facts.sent, 3);
	assert_int_equal(facts.people, 2);
	assert_int_equal(facts.new_people, 2);
	assert_int_equal(facts.strangers, 1);
	assert_int_equal(facts.answered, 1);
	assert_int_equal(facts.age_ms, 4000);
	sender_table_free(&s);
}

static void people_of_long_ago_are_not_counted(void **st)
{
	struct sender_table *s = sender_table_new(100);
	struct subject_sender facts;

	(void)st;
	sender_note(s, sender_of(s, 1, NOW), 2, true, NOW);
	sender_note(s, sender_of(s, 1, NOW), 3, true, NOW + 2 * HOUR);
	sender_note(s, sender_of(s, 1, NOW), 2, true, NOW + 2 * HOUR);
	sender_facts(sender_find(s, 1), HOUR, NOW + 2 * HOUR, &facts);
	assert_int_equal(facts.people, 2);
	assert_int_equal(facts.new_people, 1);
	sender_table_free(&s);
}

static void a_million_senders_take_no_more_room_than_allowed(void **st)
{
	struct sender_table *s = sender_table_new(1000);

	(void)st;
	for (uint64_t i = 1; i <= 1000000; i++)
		assert_non_null(sender_of(s, i, NOW + i));
	assert_int_equal(sender_table_count(s), 1000);
	assert_null(sender_find(s, 999000));
	assert_non_null(sender_find(s, 999001));
	sender_table_free(&s);
}

static void of_many_receivers_the_latest_are_kept(void **st)
{
	struct sender_table *s = sender_table_new(10);
	struct subject_sender facts;

	(void)st;
	for (uint64_t i = 0; i < 1000; i++)
		sender_note(s, sender_of(s, 1, NOW), 100 + i, false, NOW + i * 1000);
	sender_facts(sender_find(s, 1), HOUR, NOW + 1000000, &facts);
	assert_int_equal(facts.people, SENDER_PEERS);
	assert_int_equal(facts.sent, 1000);
	sender_table_free(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(it_counts_people_strangers_and_answers),
		cmocka_unit_test(people_of_long_ago_are_not_counted),
		cmocka_unit_test(a_million_senders_take_no_more_room_than_allowed),
		cmocka_unit_test(of_many_receivers_the_latest_are_kept),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("outbreak/sender", tests, NULL, NULL);
}
