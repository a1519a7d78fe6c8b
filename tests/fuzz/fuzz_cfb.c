/* OLE files: the reader gives no stream longer than it was asked for, reads nothing outside, and comes to an end; macros and workbooks alike. */
#include "scan/ole.h"
#include "scan/vba.h"
#include "scan_look.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct str bytes = str_make((const char *)p, n);
	struct scan_look s;
	struct look *l = scan_look_begin(&s, bytes);
	struct buf b;
	struct cfb c;
	bool whole;

	buf_init(&b, 8192);
	if (cfb_open(bytes, &c) == 0) {
		CHECK(c.n > 0 && c.n <= CFB_ENTRIES);
		for (size_t i = 0; i < c.n; i++) {
			buf_clear(&b);
			if (cfb_read(&c, &c.v[i], 5000, &b, &whole) == 0)
				CHECK(b.n <= 5000 && (!whole || b.n == (c.v[i].size < 5000 ? c.v[i].size : 5000)));
		}
		ole_check(l, &c, ole_kind(&c));
		cfb_release(&c);
	}
	buf_release(&b);
	buf_init(&b, VBA_SOURCE + 8192);
	if (vba_source(bytes, &b))
		(void)vba_starts(buf_str(&b));
	CHECK(b.n <= VBA_SOURCE + 8192);
	buf_release(&b);
	ole_biff(l, bytes);
	scan_look_end(&s);
	return 0;
}
