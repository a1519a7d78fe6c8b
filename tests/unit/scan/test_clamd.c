/* test_clamd.c - what clamd says, and what it does not say, is taken for what it is. */
#include <arpa/inet.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "scan/clamd.h"

static struct clamd_reply parse(const char *text, size_t n)
{
	struct clamd_reply r;

	clamd_parse(str_make(text, n), &r);
	return r;
}
#define PARSE(literal) parse(literal, sizeof(literal) - 1)

static void ok_is_ok_only_when_it_is_all_that_is_said(void **st)
{
	(void)st;
	assert_int_equal(PARSE("stream: OK\0").said, SCAN_JOB_CLAMD_OK);
	assert_int_equal(PARSE("stream: OK\n").said, SCAN_JOB_CLAMD_OK);
	assert_int_equal(PARSE("stream: OK ").said, SCAN_JOB_CLAMD_BROKEN);
	assert_int_equal(PARSE("stream: OK\0stream: OK\0").said, SCAN_JOB_CLAMD_BROKEN);
	assert_int_equal(PARSE("xstream: OK\0").said, SCAN_JOB_CLAMD_BROKEN);
	assert_int_equal(PARSE("OK\0").said, SCAN_JOB_CLAMD_BROKEN);
	assert_int_equal(PARSE("").said, SCAN_JOB_CLAMD_BROKEN);
	assert_int_equal(PARSE("stream: O").said, SCAN_JOB_CLAMD_BROKEN);
}

static void what_it_finds_has_a_name(void **st)
{
	struct clamd_reply r = PARSE("stream: Win.Test.EICAR_HDB-1 FOUND\0");

	(void)st;
	assert_int_equal(r.said, SCAN_JOB_CLAMD_FOUND);
	assert_string_equal(r.name, "Win.Test.EICAR_HDB-1");
	assert_int_equal(PARSE("stream: FOUND\0").said, SCAN_JOB_CLAMD_BROKEN);
	assert_int_equal(PARSE("stream:  FOUND\0").said, SCAN_JOB_CLAMD_BROKEN);
	r = PARSE("stream: OK FOUND\0");		/* somebody's name for it */
	assert_int_equal(r.said, SCAN_JOB_CLAMD_FOUND);
	r = PARSE("stream: a\x1b[2Jb FOUND\0");
	assert_string_equal(r.name, "a?[2Jb");
}

static void its_limits_and_errors_are_not_ok(void **st)
{
	(void)st;
	assert_int_equal(PARSE("INSTREAM size limit exceeded. ERROR\0").said, SCAN_JOB_CLAMD_TOO_BIG);
	assert_int_equal(PARSE("stream: Can't allocate memory ERROR\0").said, SCAN_JOB_CLAMD_ERROR);
	assert_int_equal(PARSE("UNKNOWN COMMAND\0").said, SCAN_JOB_CLAMD_BROKEN);
	assert_int_equal(PARSE(" ERROR").said, SCAN_JOB_CLAMD_BROKEN);
}

static void an_endless_answer_is_none(void **st)
{
	char text[CLAMD_REPLY + 2];

	(void)st;
	memset(text, 'x', sizeof(text));
	memcpy(text, "stream: ", 8);
	memcpy(text + sizeof(text) - 6, " FOUND", 6);
	assert_int_equal(parse(text, sizeof(text)).said, SCAN_JOB_CLAMD_BROKEN);
}

/* --- over a socket ------------------------------------------------------------------------------------------------- */

struct fake {
	int fd;
	size_t hears;		/* bytes, then it answers; 0: until the piece of nothing */
	const char *says;
	size_t says_n;
	uint64_t heard;		/* bytes of the file */
};

static bool read_all(int fd, void *p, size_t n)
{
	for (size_t at = 0; at < n;) {
		ssize_t r = read(fd, (char *)p + at, n - at);

		if (r <= 0)
			return false;
		at += (size_t)r;
	}
	return true;
}

static void *serve(void *arg)
{
	struct fake *f = arg;
	char word[10], *room = malloc(1 << 20);
	uint32_t n;

	if (room && read_all(f->fd, word, sizeof(word)) && memcmp(word, "zINSTREAM", 10) == 0) {
		while (read_all(f->fd, &n, sizeof(n)) && (n = ntohl(n)) != 0 && n <= 1 << 20 && read_all(f->fd, room, n)) {
			f->heard += n;
			if (f->hears && f->heard >= f->hears)
				break;
		}
		(void)!write(f->fd, f->says, f->says_n);
	}
	free(room);
	close(f->fd);
	return NULL;
}

static enum scan_job_clamd ask(struct fake *f, size_t n)
{
	struct clamd_reply r;
	uint8_t *file = calloc(1, n + 1);
	pthread_t t;
	int pair[2];

	assert_non_null(file);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	f->fd = pair[1];
	assert_int_equal(pthread_create(&t, NULL, serve, f), 0);
	clamd_scan(pair[0], file, n, &r);
	close(pair[0]);
	pthread_join(t, NULL);
	free(file);
	return r.said;
}

static void all_of_the_file_is_shown(void **st)
{
	struct fake f = { .says = "stream: OK", .says_n = 11 };

	(void)st;
	assert_int_equal(ask(&f, 3000001), SCAN_JOB_CLAMD_OK);
	assert_int_equal(f.heard, 3000001);
}

static void an_empty_file_is_shown_too(void **st)
{
	struct fake f = { .says = "stream: OK", .says_n = 11 };

	(void)st;
	assert_int_equal(ask(&f, 0), SCAN_JOB_CLAMD_OK);
}

static void ok_for_half_a_file_is_not_ok(void **st)
{
	struct fake f = { .says = "stream: OK", .says_n = 11, .hears = 300000 };

	(void)st;
	assert_int_equal(ask(&f, 8000000), SCAN_JOB_CLAMD_BROKEN);
}

static void half_an_answer_is_none(void **st)
{
	struct fake f = { .says = "stream: OK", .says_n = 10 };	/* and hangs up without the NUL */

	(void)st;
	assert_int_equal(ask(&f, 100), SCAN_JOB_CLAMD_BROKEN);
}

static void who_hangs_up_has_said_nothing(void **st)
{
	struct fake f = { .says = "", .says_n = 0 };

	(void)st;
	assert_int_equal(ask(&f, 100), SCAN_JOB_CLAMD_BROKEN);
}

static void a_limit_that_is_told_in_the_middle_is_heard(void **st)
{
	struct fake f = { .says = "INSTREAM size limit exceeded. ERROR", .says_n = 36, .hears = 300000 };
	enum scan_job_clamd said = ask(&f, 1000000);

	(void)st;
	/* The kernel may drop what was said to somebody who still wrote: then nothing was said, and that is not OK either. */
	assert_true(said == SCAN_JOB_CLAMD_TOO_BIG || said == SCAN_JOB_CLAMD_BROKEN);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ok_is_ok_only_when_it_is_all_that_is_said), cmocka_unit_test(what_it_finds_has_a_name),
		cmocka_unit_test(its_limits_and_errors_are_not_ok), cmocka_unit_test(an_endless_answer_is_none),
		cmocka_unit_test(all_of_the_file_is_shown), cmocka_unit_test(an_empty_file_is_shown_too),
		cmocka_unit_test(ok_for_half_a_file_is_not_ok), cmocka_unit_test(half_an_answer_is_none),
		cmocka_unit_test(who_hangs_up_has_said_nothing), cmocka_unit_test(a_limit_that_is_told_in_the_middle_is_heard),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
