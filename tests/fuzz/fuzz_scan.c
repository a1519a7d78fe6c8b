/* A whole look at any bytes under any name: pages, mail, RTF, tables, pictures, names. The same twice; the name is their first line. */
#include "scan/mixed.h"
#include "scan/names.h"
#include "scan/rtf.h"
#include "scan/tnef.h"
#include "scan_look.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	static const enum kind pictures[] = { KIND_JPEG, KIND_PNG, KIND_GIF, KIND_WEBP, KIND_BMP };
	const uint8_t *line = memchr(p, '\n', n);
	size_t name_n = line ? (size_t)(line - p) : 0, from = line ? name_n + 1 : 0;
	struct str bytes = str_make((const char *)p + from, n - from);
	struct scan_look s;
	struct look *l = scan_look_begin(&s, bytes);
	struct scan_in in = { .bytes = bytes, .name = { (const char *)p, name_n }, .out = -1 };
	struct scan_out a, b;

	CHECK(scan_run(l->tools, &in, &a) == 0 && scan_run(l->tools, &in, &b) == 0);
	CHECK(a.facts == b.facts && a.n_found == b.n_found && strcmp(a.type, b.type) == 0);
	CHECK(strlen(a.type) < SCAN_TYPE && strlen(a.tlsh) < SCAN_TLSH);
	for (size_t i = 0; i < ARRAY_SIZE(pictures); i++)
		CHECK(mixed_picture_end(pictures[i], bytes) <= bytes.n);
	names_check(l, str_make((const char *)p, n));
	rtf_check(l, bytes);
	tnef_check(l, bytes);
	scan_look_end(&s);
	return 0;
}
