/* test_http_file.c - names, parts and versions of a file, as requests tell them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/check.h"
#include "web/http_file.h"

static void a_name_is_one_harmless_segment(void **st)
{
	static const char *const good[] = { "a", "a%20b", "%E2%82%AC.txt", "...", "..a", "%2e%2e%2e", "a;b=c", "CON" };
	static const char *const bad[] = { "", ".", "..", "%2E", "%2e%2E", "a/b", "a%2fb", "a%5cb", "a\\b", "a%00", "a%1f", "a%7F", "%", "a%4", "a%4g", "%zz", "%ff",
					   "%c0%80", "%ed%a0%80", "%f5%80%80%80" };
	char text[3 * HTTP_FILE_NAME + 4];

	for (size_t i = 0; i < ARRAY_SIZE(good); i++)
		assert_true(http_file_name(str_of(good[i])));
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		if (http_file_name(str_of(bad[i])))
			fail_msg("%s", bad[i]);
	for (unsigned i = 0; i < HTTP_FILE_NAME + 1; i++)
		memcpy(text + 3 * i, "%61", 3);
	assert_true(http_file_name(str_make(text, 3 * HTTP_FILE_NAME)));
	assert_false(http_file_name(str_make(text, 3 * HTTP_FILE_NAME + 3)));
	assert_false(http_file_name(str_make("a\0b", 3)));
	(void)st;
}

static void disposition(const char *name, const char *want)
{
	char whole[600];
	struct buf b;

	buf_init(&b, 4096);
	http_file_disposition(str_of(name), &b);
	snprintf(whole, sizeof(whole), "Content-Disposition: attachment; filename*=UTF-8''%s\r\n", want);
	assert_int_equal(b.n, strlen(whole));
	assert_memory_equal(b.p, whole, b.n);
	buf_release(&b);
}

static void a_name_cannot_leave_its_header(void **st)
{
	disposition("plain-name_1.txt", "plain-name_1.txt");
	disposition("a b\"c';%", "a%20b%22c%27%3B%25");
	disposition("x\r\nSet-Cookie: a", "x__Set-Cookie%3A%20a");
	disposition("\xe2\x82\xac", "%E2%82%AC");
	disposition("a\xe2\x80\xaegpj.exe", "a_gpj.exe");	/* right-to-left override */
	disposition("\xe2\x81\xa6" "a/b\\c\x7f", "_a_b_c_");
	disposition("bad\xff", "file");
	(void)st;
}

static void a_type_is_printable_and_has_a_slash(void **st)
{
	assert_true(http_file_type(STR("text/plain; charset=utf-8")));
	assert_false(http_file_type(STR("text/plain\r\nX: y")));
	assert_false(http_file_type(STR("text/")));
	assert_false(http_file_type(STR("/plain")));
	assert_false(http_file_type(STR("")));
	(void)st;
}

static void ranges_stay_within_the_file(void **st)
{
	static const struct { const char *text; uint64_t size; enum http_file_part want; uint64_t from, n; } t[] = {
		{ "bytes=0-0", 1, HTTP_FILE_PART, 0, 1 }, { "bytes=0-", 10, HTTP_FILE_PART, 0, 10 }, { "bytes=3-5", 10, HTTP_FILE_PART, 3, 3 },
		{ "bytes=9-99", 10, HTTP_FILE_PART, 9, 1 }, { "bytes=-3", 10, HTTP_FILE_PART, 7, 3 }, { "bytes=-99", 10, HTTP_FILE_PART, 0, 10 },
		{ "bytes=5-9223372036854775807", 10, HTTP_FILE_PART, 5, 5 }, { "bytes=10-", 10, HTTP_FILE_NO_PART, 0, 0 }, { "bytes=-0", 10, HTTP_FILE_NO_PART, 0, 0 },
		{ "bytes=0-", 0, HTTP_FILE_NO_PART, 0, 0 }, { "bytes=-5", 0, HTTP_FILE_NO_PART, 0, 0 }, { "bytes=5-4", 10, HTTP_FILE_ALL, 0, 0 },
		{ "bytes=0-1,2-3", 10, HTTP_FILE_ALL, 0, 0 }, { "bytes=9223372036854775808-", 10, HTTP_FILE_ALL, 0, 0 }, { "bytes=", 10, HTTP_FILE_ALL, 0, 0 },
		{ "bytes=-", 10, HTTP_FILE_ALL, 0, 0 }, { "lines=1-2", 10, HTTP_FILE_ALL, 0, 0 }, { "", 10, HTTP_FILE_ALL, 0, 0 }, { "bytes=1 -2", 10, HTTP_FILE_ALL, 0, 0 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(t); i++) {
		uint64_t from = 0, n = 0;

		if (http_file_range(str_of(t[i].text), t[i].size, &from, &n) != t[i].want)
			fail_msg("%s", t[i].text);
		if (t[i].want != HTTP_FILE_PART)
			continue;
		assert_int_equal(from, t[i].from);
		assert_int_equal(n, t[i].n);
	}
	(void)st;
}

static void lists_of_tags_are_read_strictly(void **st)
{
	struct str tag = STR("\"abc\"");

	assert_true(http_file_lists_tag(STR("\"abc\""), tag, false));
	assert_true(http_file_lists_tag(STR("\"x,y\" , \"abc\""), tag, false));
	assert_true(http_file_lists_tag(STR("W/\"abc\""), tag, true));
	assert_false(http_file_lists_tag(STR("W/\"abc\""), tag, false));
	assert_true(http_file_lists_tag(STR(" * "), tag, false));
	assert_false(http_file_lists_tag(STR("abc"), tag, true));
	assert_false(http_file_lists_tag(STR("\"abc"), tag, true));
	assert_false(http_file_lists_tag(STR("\"ab\"c\""), tag, true));
	assert_false(http_file_lists_tag(STR(""), tag, true));
	(void)st;
}

static void dates_are_of_one_form_and_exist(void **st)
{
	char text[HTTP_FILE_DATE];
	uint64_t t;

	assert_true(http_file_date_read(STR("Sun, 06 Nov 1994 08:49:37 GMT"), &t));
	assert_int_equal(t, 784111777);
	http_file_date(784111777, text);
	assert_string_equal(text, "Sun, 06 Nov 1994 08:49:37 GMT");
	assert_false(http_file_date_read(STR("Mon, 06 Nov 1994 08:49:37 GMT"), &t));
	assert_false(http_file_date_read(STR("Sunday, 06-Nov-94 08:49:37 GMT"), &t));
	assert_false(http_file_date_read(STR("Sun Nov  6 08:49:37 1994"), &t));
	assert_false(http_file_date_read(STR("Thu, 31 Jun 1994 08:49:37 GMT"), &t));
	assert_false(http_file_date_read(STR("Sun, 06 Nov 1994 08:49:37 GMT "), &t));
	assert_false(http_file_date_read(STR(""), &t));
	(void)st;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_name_is_one_harmless_segment), cmocka_unit_test(a_name_cannot_leave_its_header),
		cmocka_unit_test(a_type_is_printable_and_has_a_slash), cmocka_unit_test(ranges_stay_within_the_file),
		cmocka_unit_test(lists_of_tags_are_read_strictly), cmocka_unit_test(dates_are_of_one_form_and_exist),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
