/* Cleaned RTF: objects are their pictures, fields their results, and nobody is named. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "scan/clean.h"

#define ALL (FACT_BIT(FACT_RTF_OBJECT) | FACT_BIT(FACT_DDE) | FACT_BIT(FACT_EXTERNAL_TEMPLATE) | FACT_BIT(FACT_METADATA) | FACT_BIT(FACT_TRAILING_DATA) | \
	     FACT_BIT(FACT_EXTERNAL_OBJECT))

static const struct {
	const char *from, *to;
	unsigned fact;
} texts[] = {
	{ "{\\rtf1 a{\\object\\objemb{\\*\\objclass Package}{\\*\\objdata 0105{\\*\\x}}{\\result {\\pict 00}}}b}", "{\\rtf1 a{}{{}{\\pict 00}}b}", FACT_RTF_OBJECT },
	{ "{\\rtf1 a{\\*\\objdata 01\\bin3 }}}}b}", "{\\rtf1 a{}b}", FACT_RTF_OBJECT },
	{ "{\\rtf1{\\field{\\*\\fldinst {DD}\\'45AUTO c:\\\\x}{\\fldrslt result}}}", "{\\rtf1{\\field{}{\\fldrslt result}}}", FACT_DDE },
	{ "{\\rtf1{\\field{\\*\\fldinst PAGE}{\\fldrslt 1}}{\\*\\template http://evil.test/}}", "{\\rtf1{\\field{\\*\\fldinst PAGE}{\\fldrslt 1}}{}}", FACT_EXTERNAL_TEMPLATE },
	{ "{\\rtf1{\\info{\\title Plan}{\\author Jane}}text\\'e4}", "{\\rtf1{\\info{\\title Plan}{}}text\\'e4}", FACT_METADATA },
	{ "{\\rtf1{\\object{\\result{\\field{\\*\\fldinst DDE x}y}}{\\*\\objdata 00}}z}", "{\\rtf1{}{{}{\\field{}y}}z}", FACT_RTF_OBJECT },
	{ "{\\rtf1 a}MZ", "{\\rtf1 a}", FACT_TRAILING_DATA },
};

static void what_was_active_goes_by_whole_groups(void **st)
{
	(void)st;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct clean c = { .in = str_of(texts[i].from), .what = ALL };

		assert_int_equal(clean_make(&c), 0);
		assert_int_equal(buf_char(&c.out, 0), 0);
		assert_string_equal(c.out.p, texts[i].to);
		assert_true(c.removed & FACT_BIT(texts[i].fact));
		clean_release(&c);
	}
}

static void what_is_written_to_mislead_is_not_cleaned(void **st)
{
	static const char *const bad[] = {
		"{\\rtf1 a{\\b\\objdata 01}}",			/* not at the head of its group */
		"{\\rtf1 a{\\object{\\*\\objdata 01}", "{\\rtf1 a", "{\\rtf1 \\bin9 x}", "{\\rtf1 \\objupdate }",
		"{\\rtf1{\\*\\fldinst \\'4", "{\\rtf1{\\*\\fldinst \\'",
		"{\\rtf1{\\object{\\result{\\object{\\*\\objdata 01}}}}}",
	};

	(void)st;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct clean c = { .in = str_of(bad[i]), .what = ALL };

		if (clean_make(&c) == 0)
			fail_msg("%s", bad[i]);
		clean_release(&c);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_was_active_goes_by_whole_groups),
		cmocka_unit_test(what_is_written_to_mislead_is_not_cleaned),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
