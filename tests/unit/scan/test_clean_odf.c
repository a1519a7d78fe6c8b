/* Cleaned OpenDocument: no macros, nothing from elsewhere, no names; the words stay. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>

#include "scan/clean.h"
#include "scan/clean_zip.h"
#include "zip_make.h"

#define NS "xmlns:office='urn:oasis:names:tc:opendocument:xmlns:office:1.0' xmlns:text='urn:t' xmlns:draw='urn:d' xmlns:xlink='urn:x' " \
	"xmlns:script='urn:oasis:names:tc:opendocument:xmlns:script:1.0' xmlns:table='urn:tab' xmlns:meta='urn:m' xmlns:dc='urn:dc'"
#define ACTIVE (FACT_BIT(FACT_MACRO) | FACT_BIT(FACT_DDE) | FACT_BIT(FACT_EXTERNAL_OBJECT) | FACT_BIT(FACT_EMBEDDED_OBJECT) | FACT_BIT(FACT_METADATA))

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

static bool says(struct world *w, const char *part, const char *word)
{
	const struct clean_zip_part *p = clean_zip_find(&w->made, str_of(part));

	assert_non_null(p);
	buf_release(&w->text);
	assert_int_equal(clean_zip_plain(&w->made, p, &w->text), 0);
	return str_find(buf_str(&w->text), str_of(word)) >= 0;
}

static void a_text_loses_what_is_active(void **st)
{
	struct world *w = *st;

	add(w, "mimetype", "application/vnd.oasis.opendocument.text");
	add(w, "content.xml", "<office:document-content " NS "><office:scripts><office:event-listeners><script:event-listener xlink:href='x'/>"
	    "</office:event-listeners></office:scripts><office:body><text:p>All <text:a xlink:href='https://firm.example/'>the</text:a> words"
	    "<text:a xlink:href='vnd.sun.star.script:x'>!</text:a></text:p><draw:frame><draw:object-ole xlink:href='./Object 1'/>"
	    "<draw:image xlink:href='./ObjectReplacements/Object 1'/></draw:frame><draw:image xlink:href='http://evil.test/a.png'/>"
	    "<draw:object xlink:href='./Object 2'/><table:table-cell table:formula='of:=DDE(\"cmd\";\"/c\")' office:value='7'/></office:body></office:document-content>");
	add(w, "meta.xml", "<office:document-meta " NS "><office:meta><dc:title>Plan</dc:title><dc:creator>Jane Roe</dc:creator></office:meta></office:document-meta>");
	add(w, "Basic/Standard/Module1.xml", "<script:module xmlns:script='x'>Shell</script:module>");
	add(w, "Object 1", "OLE");
	add(w, "Object 2/content.xml", "<office:document-content " NS "/>");
	add(w, "ObjectReplacements/Object 1", "picture");
	add(w, "META-INF/manifest.xml", "<!DOCTYPE m:manifest PUBLIC '-//x' 'Manifest.dtd'><m:manifest xmlns:m='urn:man'><m:file-entry m:full-path='/'/>"
	    "<m:file-entry m:full-path='content.xml'/><m:file-entry m:full-path='Basic/Standard/Module1.xml'/><m:file-entry m:full-path='Basic/'/>"
	    "<m:file-entry m:full-path='Object 1'/></m:manifest>");
	w->c = (struct clean){ .in = zip_make_end(&w->z), .what = ACTIVE };
	assert_int_equal(clean_make(&w->c), 0);
	assert_true(w->c.removed == (ACTIVE | FACT_BIT(FACT_MACRO_AUTO)));
	assert_int_equal(clean_zip_open(buf_str(&w->c.out), &w->made), 0);
	assert_memory_equal(w->c.out.p + 30, "mimetypeapplication/vnd.oasis", 29);	/* where readers of its mark look */
	assert_false(says(w, "content.xml", "event-listener "));
	assert_false(says(w, "content.xml", "vnd.sun"));
	assert_false(says(w, "content.xml", "object-ole"));
	assert_false(says(w, "content.xml", "evil.test"));
	assert_false(says(w, "content.xml", "DDE"));
	assert_true(says(w, "content.xml", "office:value='7'"));
	assert_true(says(w, "content.xml", "https://firm.example/"));
	assert_true(says(w, "content.xml", "<draw:object xlink:href='./Object 2'/>"));
	assert_true(says(w, "content.xml", "ObjectReplacements"));
	assert_null(clean_zip_find(&w->made, STR("Object 1")));
	assert_null(clean_zip_find(&w->made, STR("Basic/Standard/Module1.xml")));
	assert_non_null(clean_zip_find(&w->made, STR("Object 2/content.xml")));
	assert_false(says(w, "META-INF/manifest.xml", "Basic"));
	assert_false(says(w, "META-INF/manifest.xml", "Object 1"));
	assert_true(says(w, "META-INF/manifest.xml", "content.xml"));
	assert_true(says(w, "meta.xml", "Plan"));
	assert_false(says(w, "meta.xml", "Jane"));
}

static void a_flat_text_is_cleaned_alike(void **st)
{
	struct world *w = *st;

	w->c = (struct clean){ .in = STR("<?xml version='1.0'?><office:document " NS "><office:meta><dc:creator>Jane</dc:creator></office:meta><office:scripts>"
		"<office:script>Shell</office:script></office:scripts><office:body><dc:creator>Who comments</dc:creator></office:body></office:document>"),
		.what = ACTIVE };
	assert_int_equal(clean_make(&w->c), 0);
	assert_true(w->c.removed == (FACT_BIT(FACT_METADATA) | FACT_BIT(FACT_MACRO) | FACT_BIT(FACT_MACRO_AUTO)));
	assert_int_equal(str_find(buf_str(&w->c.out), STR("Shell")), -1);
	assert_int_equal(str_find(buf_str(&w->c.out), STR("Jane")), -1);
	assert_true(str_find(buf_str(&w->c.out), STR("Who comments")) > 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_text_loses_what_is_active, up, down),
		cmocka_unit_test_setup_teardown(a_flat_text_is_cleaned_alike, up, down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
