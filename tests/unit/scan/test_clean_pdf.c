/* Cleaned PDFs: what starts or hides something is gone, the pages are there. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "scan/clean.h"

#define ACTIVE (FACT_BIT(FACT_PDF_SCRIPT) | FACT_BIT(FACT_PDF_LAUNCH) | FACT_BIT(FACT_PDF_EMBEDDED) | FACT_BIT(FACT_PDF_XFA) | FACT_BIT(FACT_METADATA))
/* Without a table of objects: libqpdf makes one, as readers do. */
#define PDF(catalog, page, more) "%PDF-1.7\n1 0 obj\n<< /Type /Catalog /Pages 2 0 R " catalog " >>\nendobj\n" \
	"2 0 obj\n<< /Type /Pages /Kids [3 0 R] /Count 1 >>\nendobj\n" \
	"3 0 obj\n<< /Type /Page /Parent 2 0 R /MediaBox [0 0 100 100] /Contents 4 0 R " page " >>\nendobj\n" \
	"4 0 obj\n<< /Length 22 >>\nstream\n(All the words) Tj ET \nendstream\nendobj\n" more \
	"trailer\n<< /Root 1 0 R /Info 9 0 R >>\n%%EOF\n"
#define INFO "9 0 obj\n<< /Title (Plan) /Author (Jane Roe) /Strange (x) >>\nendobj\n"

static struct clean made;

static int down(void **st)
{
	(void)st;
	clean_release(&made);
	made = (struct clean){ 0 };
	return 0;
}

static int clean(const char *pdf, uint64_t what)
{
	clean_release(&made);
	made = (struct clean){ .in = str_of(pdf), .what = what };
	return clean_make(&made);
}

static bool has(const char *word)
{
	return str_find(buf_str(&made.out), str_of(word)) >= 0;
}

static void check_gone(const char *pdf, uint64_t facts, const char *word)
{
	assert_int_equal(clean(pdf, ACTIVE), 0);
	assert_true(made.removed == facts);
	assert_true(has("All the words"));
	assert_true(has("/MediaBox"));
	if (has(word))
		fail_msg("%s is still there", word);
}

static void scripts_go_however_they_are_started(void **st)
{
	(void)st;
	check_gone(PDF("/OpenAction << /S /JavaScript /JS (evil) >>", "", ""), FACT_BIT(FACT_PDF_SCRIPT), "evil");
	check_gone(PDF("/OpenAction 5 0 R", "", "5 0 obj\n<< /S /J#61vaScript /JS 6 0 R >>\nendobj\n6 0 obj\n(evil)\nendobj\n"), FACT_BIT(FACT_PDF_SCRIPT), "evil");
	check_gone(PDF("/Names << /JavaScript << /Names [(a) << /S /JavaScript /JS (evil) >>] >> >>", "", ""), FACT_BIT(FACT_PDF_SCRIPT), "evil");
	check_gone(PDF("", "/AA << /O << /S /JavaScript /JS (evil) >> >>", ""), FACT_BIT(FACT_PDF_SCRIPT), "evil");
	check_gone(PDF("/OpenAction << /S /GoTo /D [3 0 R /Fit] /Next [<< /S /JavaScript /JS (evil) >>] >>", "", ""), FACT_BIT(FACT_PDF_SCRIPT), "evil");
	check_gone(PDF("/Foo [[<< /S /Rendition /JS (evil) >>]]", "", ""), FACT_BIT(FACT_PDF_SCRIPT), "evil");
}

static void a_jump_to_a_page_stays(void **st)
{
	(void)st;
	check_gone(PDF("/OpenAction << /S /GoTo /D [3 0 R /Fit] >>", "/AA << /O << /S /JavaScript /JS (evil) >> >>", ""), FACT_BIT(FACT_PDF_SCRIPT), "evil");
	assert_true(has("/GoTo"));
}

static void programs_are_not_started_and_nothing_is_sent(void **st)
{
	(void)st;
	check_gone(PDF("/OpenAction << /S /Launch /F (cmd.exe) /Win << /F (cmd.exe) >> >>", "", ""), FACT_BIT(FACT_PDF_LAUNCH), "cmd.exe");
	check_gone(PDF("/OpenAction << /S /URI /URI (http://evil.test/) >>", "", ""), FACT_BIT(FACT_PDF_LAUNCH), "evil.test");
	check_gone(PDF("", "/Annots [<< /Subtype /Link /Rect [0 0 1 1] /A << /S /URI /URI (javascript:evil) >> >>]", ""), FACT_BIT(FACT_PDF_LAUNCH), "evil");
	check_gone(PDF("", "/Annots [<< /Subtype /Link /Rect [0 0 1 1] /A << /S /SubmitForm /F (http://evil.test/) >> >>]", ""),
		   FACT_BIT(FACT_PDF_LAUNCH), "evil.test");
	check_gone(PDF("", "/Annots [<< /Subtype /Link /Rect [0 0 1 1] /A << /S /URI /URI (https://firm.example/) >> >>]", INFO),
		   FACT_BIT(FACT_METADATA), "Jane");
	assert_true(has("https://firm.example/"));
}

static void files_within_go(void **st)
{
	(void)st;
	check_gone(PDF("/Names << /EmbeddedFiles << /Names [(a) 5 0 R] >> >>", "",
		       "5 0 obj\n<< /Type /Filespec /F (a.exe) /EF << /F 6 0 R >> >>\nendobj\n6 0 obj\n<< /Length 4 >>\nstream\nevil\nendstream\nendobj\n"),
		   FACT_BIT(FACT_PDF_EMBEDDED), "evil");
	check_gone(PDF("", "/Annots [<< /Subtype /FileAttachment /FS 5 0 R >> << /Subtype /Text /Contents (note) >>]",
		       "5 0 obj\n<< /Type /Filespec /F (a.exe) /EF << /F 6 0 R >> >>\nendobj\n6 0 obj\n<< /Length 4 >>\nstream\nevil\nendstream\nendobj\n"),
		   FACT_BIT(FACT_PDF_EMBEDDED), "evil");
	assert_true(has("(note)"));
	check_gone(PDF("/AcroForm << /Fields [] /XFA 5 0 R >>", "", "5 0 obj\n<< /Length 4 >>\nstream\nevil\nendstream\nendobj\n"), FACT_BIT(FACT_PDF_XFA), "evil");
}

static void the_title_stays_and_its_author_goes(void **st)
{
	(void)st;
	check_gone(PDF("/Metadata 5 0 R", "", INFO "5 0 obj\n<< /Length 4 >>\nstream\nevil\nendstream\nendobj\n"), FACT_BIT(FACT_METADATA), "evil");
	assert_true(has("(Plan)"));
	assert_false(has("Jane"));
	assert_false(has("Strange"));
}

static void what_is_allowed_stays(void **st)
{
	(void)st;
	assert_int_equal(clean(PDF("/OpenAction << /S /Launch /F (cmd.exe) >>", "/AA << /O << /S /JavaScript /JS (evil) >> >>", ""), FACT_BIT(FACT_PDF_SCRIPT)), 0);
	assert_true(made.removed == FACT_BIT(FACT_PDF_SCRIPT));
	assert_true(has("cmd.exe"));
	assert_int_equal(clean(PDF("", "", ""), ACTIVE), 0);
	assert_false(made.cleaned);
}

static void what_is_no_pdf_is_not_cleaned(void **st)
{
	(void)st;
	assert_int_equal(clean("%PDF-1.7\n", ACTIVE), ERR_BAD_FORMAT);
	assert_int_equal(clean("%PDF-1.7\n1 0 obj\n<<>>\nendobj\ntrailer\n<< /Root 1 0 R >>\n", ACTIVE) < 0 || !made.cleaned, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(scripts_go_however_they_are_started, down),
		cmocka_unit_test_teardown(a_jump_to_a_page_stays, down),
		cmocka_unit_test_teardown(programs_are_not_started_and_nothing_is_sent, down),
		cmocka_unit_test_teardown(files_within_go, down),
		cmocka_unit_test_teardown(the_title_stays_and_its_author_goes, down),
		cmocka_unit_test_teardown(what_is_allowed_stays, down),
		cmocka_unit_test_teardown(what_is_no_pdf_is_not_cleaned, down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
