/* test_rules.c - mistakes in rules are named and keep no other file from being in force, and what they name in a file is told. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "ipc/scan_job.h"
#include "scan/rules.h"

struct sources {
	char p[4096];
	size_t n;
};

static void add(struct sources *s, const char *name, const char *text)
{
	struct scan_job_source head = { (uint32_t)strlen(name), (uint32_t)strlen(text) };

	memcpy(s->p + s->n, &head, sizeof(head));
	memcpy(s->p + s->n + sizeof(head), name, head.name_n);
	memcpy(s->p + s->n + sizeof(head) + head.name_n, text, head.text_n);
	s->n += sizeof(head) + head.name_n + head.text_n;
}

static char text[SCAN_JOB_TEXT];

static int compile(const struct sources *s, char *ret, size_t room, uint64_t *ret_n)
{
	int out = memfd_create("rules", MFD_CLOEXEC), r = rules_compile(str_make(s->p, s->n), out, text, sizeof(text), ret_n);

	if (r == 0)
		assert_true(pread(out, ret, room, 0) == (ssize_t)*ret_n);
	close(out);
	return r;
}

static char compiled[1 << 20];

static void rules_of_two_files_may_be_called_alike(void **st)
{
	struct sources s = { 0 };
	struct rules_found found = { 0 };
	struct rules *rules;
	uint64_t n = 0;

	(void)st;
	add(&s, "a.yar", "rule bad { strings: $a = \"needle\" condition: $a }");
	add(&s, "b.yar", "rule bad { strings: $a = \"haystack\" condition: $a }");
	assert_int_equal(compile(&s, compiled, sizeof(compiled), &n), 0);
	assert_string_equal(text, "");
	assert_int_equal(rules_load(str_make(compiled, n), &rules), 0);
	assert_int_equal(rules_scan(rules, STR("nothing"), &found), 0);
	assert_int_equal(found.n, 0);
	assert_int_equal(rules_scan(rules, STR("a haystack"), &found), 0);
	assert_int_equal(rules_scan(rules, STR("a haystack"), &found), 0);
	assert_int_equal(found.n, 1);
	assert_string_equal(found.name[0], "b.yar: bad");
	rules_free(&rules);
}

static void mistakes_are_told_with_file_and_line(void **st)
{
	struct sources s = { 0 };
	uint64_t n = 77;

	(void)st;
	struct rules_found found = { 0 };
	struct rules *rules;

	add(&s, "good.yar", "rule good { condition: true }");
	add(&s, "bad.yar", "rule a { condition: true }\nrule b {\n condition: $nothing }");
	add(&s, "worse.yar", "rule { }\n");
	assert_int_equal(compile(&s, compiled, sizeof(compiled), &n), 0);
	assert_non_null(strstr(text, "bad.yar:3: "));
	assert_non_null(strstr(text, "worse.yar:1: "));
	assert_null(strstr(text, "good.yar"));
	assert_int_equal(rules_load(str_make(compiled, n), &rules), 0);	/* what is right is in force */
	assert_int_equal(rules_scan(rules, STR("any"), &found), 0);
	assert_int_equal(found.n, 1);
	assert_string_equal(found.name[0], "good.yar: good");
	rules_free(&rules);
}

static void no_rule_reads_another_file(void **st)
{
	struct sources s = { 0 };
	uint64_t n = 0;

	(void)st;
	add(&s, "a.yar", "include \"/etc/passwd\"\nrule a { condition: true }");
	assert_int_equal(compile(&s, compiled, sizeof(compiled), &n), 0);
	assert_non_null(strstr(text, "a.yar:1: "));
}

static void bytes_that_are_no_rules_are_not_loaded(void **st)
{
	struct rules *rules;

	(void)st;
	assert_true(rules_load(STR("YARA but no rules at all, only words"), &rules) < 0);
	assert_true(rules_load(STR_NONE, &rules) < 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rules_of_two_files_may_be_called_alike), cmocka_unit_test(mistakes_are_told_with_file_and_line),
		cmocka_unit_test(no_rule_reads_another_file), cmocka_unit_test(bytes_that_are_no_rules_are_not_loaded),
	};

	return rules_start() < 0 ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
}
