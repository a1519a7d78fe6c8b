/* test_chan.c - the worker takes from the channel what it should be and drops everything else, descriptors included. */
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

#include "ipc/chan.h"

static int ends[2];

static int set_up(void **st)
{
	(void)st;
	return chan_pair(ends);
}

static int tear_down(void **st)
{
	(void)st;
	return close(ends[0]) + close(ends[1]);
}

static struct chan_stream sound(void)
{
	return (struct chan_stream){ .version = CHAN_VERSION, .address_n = 4, .exporter_n = 32, .address = { 192, 0, 2, 1 } };
}

static int a_socket(int type)
{
	int pair[2];

	assert_int_equal(socketpair(AF_UNIX, type, 0, pair), 0);
	close(pair[1]);
	return pair[0];
}

/* Which descriptor would be given out next: the same before and after when none stayed open. */
static int next_fd(void)
{
	int fd = open("/dev/null", O_RDONLY);

	close(fd);
	return fd;
}

static void what_is_given_arrives(void **st)
{
	struct chan_stream in = sound(), out;
	int fd = a_socket(SOCK_STREAM), got;

	assert_int_equal(chan_take(ends[1], &out, &got), ERR_AGAIN);
	assert_int_equal(chan_give(ends[0], &in, fd), 0);
	assert_int_equal(chan_take(ends[1], &out, &got), 0);
	assert_memory_equal(&in, &out, sizeof(in));
	assert_true(fcntl(got, F_GETFL) & O_NONBLOCK);
	assert_true(fcntl(got, F_GETFD) & FD_CLOEXEC);
	close(got);
	(void)st;
}

static void refused(const struct chan_stream *s, int fd)
{
	struct chan_stream out;
	int before, got;

	before = fd;			/* giving closes it: its number is free again */
	assert_int_equal(chan_give(ends[0], s, fd), 0);
	assert_int_equal(chan_take(ends[1], &out, &got), ERR_BAD_FORMAT);
	assert_int_equal(next_fd(), before);
}

static void other_descriptors_are_refused_and_closed(void **st)
{
	struct chan_stream s = sound();

	refused(&s, open("/dev/zero", O_RDONLY));
	refused(&s, a_socket(SOCK_DGRAM));
	refused(&s, socket(AF_INET, SOCK_STREAM, 0));
	(void)st;
}

static void other_contents_are_refused(void **st)
{
	struct chan_stream s = sound();

	s.version = CHAN_VERSION + 1;
	refused(&s, a_socket(SOCK_STREAM));
	s = sound();
	s.address_n = 5;
	refused(&s, a_socket(SOCK_STREAM));
	s = sound();
	s.exporter_n = 33;
	refused(&s, a_socket(SOCK_STREAM));
	s = sound();
	s.endpoint_n = 65;
	refused(&s, a_socket(SOCK_STREAM));
	(void)st;
}

static void bytes_without_a_descriptor_are_refused(void **st)
{
	struct chan_stream s = sound(), out;
	int got;

	assert_int_equal(send(ends[0], &s, sizeof(s), 0), sizeof(s));
	assert_int_equal(chan_take(ends[1], &out, &got), ERR_BAD_FORMAT);
	assert_int_equal(send(ends[0], "x", 1, 0), 1);
	assert_int_equal(chan_take(ends[1], &out, &got), ERR_BAD_FORMAT);
	(void)st;
}

static void a_full_channel_says_so(void **st)
{
	struct chan_stream s = sound(), out;
	int fd = a_socket(SOCK_STREAM), got, r, n = 0;

	while ((r = chan_give(ends[0], &s, dup(fd))) == 0 && n < 100000)
		n++;
	assert_int_equal(r, ERR_AGAIN);
	while (chan_take(ends[1], &out, &got) == 0) {
		close(got);
		n--;
	}
	assert_int_equal(n, 0);
	close(fd);
	(void)st;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(what_is_given_arrives, set_up, tear_down),
		cmocka_unit_test_setup_teardown(other_descriptors_are_refused_and_closed, set_up, tear_down),
		cmocka_unit_test_setup_teardown(other_contents_are_refused, set_up, tear_down),
		cmocka_unit_test_setup_teardown(bytes_without_a_descriptor_are_refused, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_full_channel_says_so, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
