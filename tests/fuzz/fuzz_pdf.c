/* PDFs, whole or in pieces, with and without qpdf. */
#include "scan/pdf.h"
#include "scan_look.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct scan_look s;
	struct look *l = scan_look_begin(&s, str_make((const char *)p, n));

	pdf_check(l, s.in.bytes);
	scan_look_end(&s);
	return 0;
}
