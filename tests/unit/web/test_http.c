/* test_http.c - what a request may look like, and that it is not understood in two ways. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "web/http.h"

static struct http_request req;

static int parse(const char *text)
{
	return http_parse(str_of(text), &req);
}

static void a_request_is_taken_apart(void **st)
{
	assert_int_equal(parse("GET /ws?a=b HTTP/1.1\r\nHost: a.test:5443\r\nX-One:  two \t\r\nx-ONE: three\r\n\r\nrest"), 0);
	unsigned n;

	assert_int_equal(req.method, HTTP_GET);
	assert_true(str_is(req.path, "/ws") && str_is(req.query, "a=b") && str_is(req.host, "a.test:5443"));
	assert_true(str_is(http_field(&req, "X-ONE", &n), "two"));
	assert_int_equal(n, 2);
	assert_true(str_empty(http_field(&req, "absent", &n)));
	assert_int_equal(n, 0);
	assert_false(req.has_body);
	assert_int_equal(req.n, strlen("GET /ws?a=b HTTP/1.1\r\nHost: a.test:5443\r\nX-One:  two \t\r\nx-ONE: three\r\n\r\n"));
	(void)st;
}

static void every_beginning_of_a_request_waits_for_more(void **st)
{
	static const char text[] = "GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n";

	for (size_t n = 0; n < sizeof(text) - 1; n++)
		assert_int_equal(http_parse(str_make(text, n), &req), ERR_AGAIN);
	assert_int_equal(parse(text), 0);
	(void)st;
}

static void what_is_wrong_is_refused(void **st)
{
	static const char *const bad[] = {
		"GET /\r\n\r\n", "GET  / HTTP/1.1\r\nHost: a\r\n\r\n", "GET / HTTP/1.1 \r\nHost: a\r\n\r\n", " GET / HTTP/1.1\r\nHost: a\r\n\r\n",
		"G\x01T / HTTP/1.1\r\nHost: a\r\n\r\n", "GET * HTTP/1.1\r\nHost: a\r\n\r\n", "GET /\xc3\xa9 HTTP/1.1\r\nHost: a\r\n\r\n",
		"GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n", "GET / HTTP/1.1\r\nHost:\r\n\r\n", "GET / HTTP/1.1\r\n\r\n",
		"GET / HTTP/1.1\r\nHost: a\r\n: b\r\n\r\n", "GET / HTTP/1.1\r\nHost: a\r\nb c: d\r\n\r\n", "GET / HTTP/1.1\r\nHost: a\n\r\n\r\n",
		"GET / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", "GET / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n",
		"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 1, 1\r\n\r\n", "GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 0x1\r\n\r\n",
		"GET / HTTP/1.1\r\nHost: a\r\nContent-Length:\r\n\r\n", "GET / http/1.1\r\nHost: a\r\n\r\n",
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (parse(bad[i]) != ERR_BAD_FORMAT)
			fail_msg("taken: %s", bad[i]);
	assert_int_equal(parse("GET / HTTP/1.2\r\nHost: a\r\n\r\n"), ERR_VERSION);
	(void)st;
}

static void a_body_is_noticed(void **st)
{
	assert_int_equal(parse("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc"), 0);
	assert_true(req.has_body);
	assert_int_equal(req.method, HTTP_OTHER);
	assert_int_equal(parse("POST / HTTP/1.1\r\nHost: a\r\ntransfer-encoding: Chunked\r\n\r\n"), 0);
	assert_true(req.has_body);
	(void)st;
}

static void a_head_has_a_maximum(void **st)
{
	static char text[HTTP_HEAD_BYTES + 64];
	char *p = text;
	struct str s;

	p += snprintf(p, 64, "GET / HTTP/1.1\r\nHost: a\r\nX: ");
	memset(p, 'x', (size_t)(text + HTTP_HEAD_BYTES - 4 - p));
	memcpy(text + HTTP_HEAD_BYTES - 4, "\r\n\r\n", 5);
	s = str_make(text, HTTP_HEAD_BYTES);
	assert_int_equal(http_parse(s, &req), 0);
	memcpy(text + HTTP_HEAD_BYTES - 4, "xxx\r\n\r\n", 8);
	assert_int_equal(http_parse(str_make(text, HTTP_HEAD_BYTES + 3), &req), ERR_LIMIT);
	assert_int_equal(http_parse(str_make(text, HTTP_HEAD_BYTES - 2), &req), ERR_AGAIN);
	(void)st;
}

static void lists_and_hosts(void **st)
{
	assert_true(http_lists(STR("keep-alive, Upgrade"), "upgrade"));
	assert_false(http_lists(STR("keep-alive, Upgrades"), "upgrade"));
	assert_false(http_lists(STR(""), "upgrade"));
	assert_true(str_is(http_host_name(STR("a.test:443")), "a.test"));
	assert_true(str_is(http_host_name(STR("a.test")), "a.test"));
	assert_true(str_is(http_host_name(STR("[::1]:443")), "[::1]"));
	(void)st;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_request_is_taken_apart), cmocka_unit_test(every_beginning_of_a_request_waits_for_more),
		cmocka_unit_test(what_is_wrong_is_refused), cmocka_unit_test(a_body_is_noticed), cmocka_unit_test(a_head_has_a_maximum),
		cmocka_unit_test(lists_and_hosts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
