/* test_scan_job.c - questions arrive whole or not at all; an answer that no honest process would give is none. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "ipc/scan_job.h"

static int ends[2];

static int set_up(void **st)
{
	(void)st;
	return scan_job_pair(ends);
}

static int tear_down(void **st)
{
	(void)st;
	close(ends[0]);
	close(ends[1]);
	return 0;
}

static struct scan_job_question question(void)
{
	return (struct scan_job_question){
		.version = SCAN_JOB_VERSION, .kind = SCAN_JOB_FILE, .given = 1 << SCAN_JOB_IN | 1 << SCAN_JOB_OUT | 1 << SCAN_JOB_CLAMD,
		.n = 3, .out_most = 100, .clean_what = FACT_BIT(FACT_MACRO),
	};
}

static struct scan_job_answer answer(void)
{
	return (struct scan_job_answer){ .version = SCAN_JOB_VERSION, .kind = SCAN_JOB_FILE, .clamd = SCAN_JOB_CLAMD_OK, .type = "text/plain" };
}

static bool is_sound(const struct scan_job_answer *a)
{
	struct scan_job_question q = question();

	return scan_job_sound(&q, a);
}

static int next_fd(void)
{
	int fd = open("/dev/null", O_RDONLY);

	close(fd);
	return fd;
}

static void a_question_arrives_with_its_descriptors(void **st)
{
	struct scan_job_question q = { .kind = SCAN_JOB_FILE, .n = 5, .name = "a.txt", .name_n = 5 }, got;
	int null = open("/dev/null", O_RDONLY), fds[SCAN_JOB_FDS] = { null, -1, -1, null }, got_fds[SCAN_JOB_FDS];

	(void)st;
	assert_int_equal(scan_job_ask(ends[0], &q, fds), 0);
	assert_int_equal(scan_job_take(ends[1], &got, got_fds), 0);
	assert_int_equal(got.n, 5);
	assert_string_equal(got.name, "a.txt");
	assert_true(got_fds[SCAN_JOB_IN] >= 0 && got_fds[SCAN_JOB_CLAMD] >= 0);
	assert_int_equal(got_fds[SCAN_JOB_OUT], -1);
	assert_int_equal(got_fds[SCAN_JOB_YARA], -1);
	close(got_fds[SCAN_JOB_IN]);
	close(got_fds[SCAN_JOB_CLAMD]);
	close(null);
}

static void a_question_that_names_other_descriptors_than_come_is_none(void **st)
{
	struct scan_job_question q = question(), got;
	int fds[SCAN_JOB_FDS], before = next_fd();

	(void)st;
	assert_int_equal(send(ends[0], &q, sizeof(q), 0), sizeof(q));	/* none come */
	assert_int_equal(scan_job_take(ends[1], &got, fds), ERR_BAD_FORMAT);
	assert_int_equal(send(ends[0], &q, 10, 0), 10);
	assert_int_equal(scan_job_take(ends[1], &got, fds), ERR_BAD_FORMAT);
	assert_int_equal(next_fd(), before);
}

static void who_is_gone_is_heard_as_gone(void **st)
{
	struct scan_job_question q = question();
	struct scan_job_answer a;

	(void)st;
	assert_int_equal(scan_job_hear(ends[0], &q, &a), ERR_AGAIN);
	close(ends[1]);
	assert_int_equal(scan_job_hear(ends[0], &q, &a), ERR_EOF);
	ends[1] = next_fd() + 100;
}

static void an_answer_of_another_length_is_none(void **st)
{
	struct scan_job_question q = question();
	struct scan_job_answer a = answer();

	(void)st;
	assert_int_equal(send(ends[1], &a, sizeof(a) - 1, 0), sizeof(a) - 1);
	assert_int_equal(scan_job_hear(ends[0], &q, &a), ERR_BAD_FORMAT);
}

static void an_honest_answer_is_sound(void **st)
{
	struct scan_job_question q = question();
	struct scan_job_answer a = answer(), got;

	(void)st;
	assert_true(is_sound(&a));
	assert_int_equal(scan_job_answer(ends[1], &a), 0);
	assert_int_equal(scan_job_hear(ends[0], &q, &got), 0);
	assert_memory_equal(&a, &got, sizeof(a));
}

static void facts_that_are_none_make_no_sense(void **st)
{
	struct scan_job_answer a = answer(), b = answer(), c = answer(), d = answer();

	(void)st;
	a.facts = FACT_BIT(FACT_COUNT);
	assert_false(is_sound(&a));
	b.n_found = FACTS_FOUND + 1;
	assert_false(is_sound(&b));
	c.n_found = 1;				/* a MALWARE that is not among the facts */
	assert_false(is_sound(&c));
	c.facts = FACT_BIT(FACT_MALWARE);
	assert_true(is_sound(&c));
	memset(c.found[0].evidence, 'x', FACT_EVIDENCE);
	assert_false(is_sound(&c));
	d.facts = FACT_BIT(FACT_MALWARE);
	d.n_found = 1;
	memcpy(d.found[0].evidence, "\x1b[2J", 5);
	assert_false(is_sound(&d));
}

static void who_was_given_clamd_has_asked_it(void **st)
{
	struct scan_job_question q = question();
	struct scan_job_answer a = answer();

	(void)st;
	a.clamd = SCAN_JOB_CLAMD_NONE;
	assert_false(is_sound(&a));
	a.clamd = SCAN_JOB_CLAMD_FOUND;		/* and names no malware */
	assert_false(is_sound(&a));
	q.given &= ~(1u << SCAN_JOB_CLAMD);
	a.clamd = SCAN_JOB_CLAMD_OK;		/* says that it has asked, without a socket */
	assert_false(scan_job_sound(&q, &a));
}

static void a_cleaned_copy_that_was_not_wanted_makes_no_sense(void **st)
{
	struct scan_job_question q = question();
	struct scan_job_answer a = answer();

	(void)st;
	a.cleaned = 1;
	a.out_n = 50;
	assert_true(is_sound(&a));
	a.out_n = 101;
	assert_false(is_sound(&a));
	a.out_n = 50;
	a.removed = FACT_BIT(FACT_MACRO);	/* it had none */
	assert_false(is_sound(&a));
	a.removed = 0;
	q.clean_what = 0;
	assert_false(scan_job_sound(&q, &a));
}

static void names_of_types_are_names(void **st)
{
	struct scan_job_answer a = answer(), b = answer(), c = answer();

	(void)st;
	a.type[0] = '\0';
	assert_false(is_sound(&a));
	memcpy(b.type, "text/\nhtml", 11);
	assert_false(is_sound(&b));
	memcpy(c.cleaned_suffix, "/../x", 6);
	assert_false(is_sound(&c));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_question_arrives_with_its_descriptors, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_question_that_names_other_descriptors_than_come_is_none, set_up, tear_down),
		cmocka_unit_test_setup_teardown(who_is_gone_is_heard_as_gone, set_up, tear_down),
		cmocka_unit_test_setup_teardown(an_answer_of_another_length_is_none, set_up, tear_down),
		cmocka_unit_test_setup_teardown(an_honest_answer_is_sound, set_up, tear_down),
		cmocka_unit_test_setup_teardown(facts_that_are_none_make_no_sense, set_up, tear_down),
		cmocka_unit_test_setup_teardown(who_was_given_clamd_has_asked_it, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_cleaned_copy_that_was_not_wanted_makes_no_sense, set_up, tear_down),
		cmocka_unit_test_setup_teardown(names_of_types_are_names, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
