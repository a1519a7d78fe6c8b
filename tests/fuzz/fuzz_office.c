/* XML of documents: whatever it holds, it comes to an end and notes what can be told. */
#include "scan/dde.h"
#include "scan/office.h"
#include "scan_look.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	static const struct str names[] = { { "word/_rels/document.xml.rels", 28 }, { "word/document.xml", 17 }, { "docProps/core.xml", 17 },
					    { "xl/workbook.bin", 15 } };
	struct str bytes = str_make((const char *)p, n);
	struct scan_look s;
	struct look *l = scan_look_begin(&s, bytes);

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		office_part(l, names[i], bytes);
	office_odf_part(l, STR("content.xml"), bytes);
	office_flat(l, bytes);
	(void)dde_table(bytes);
	(void)dde_formula(bytes);
	scan_look_end(&s);
	return 0;
}
