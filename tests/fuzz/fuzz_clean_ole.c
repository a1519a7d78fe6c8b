/* Office documents of old: whatever they hold, a cleaned one is as long as it was. */
#include "base/check.h"
#include "scan/clean.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	uint64_t what = FACT_BIT(FACT_MACRO) | FACT_BIT(FACT_EMBEDDED_OBJECT) | FACT_BIT(FACT_METADATA) | FACT_BIT(FACT_SIGNED);
	struct clean c = { .in = str_make((const char *)p, n), .what = what, .most = 4 << 20 };

	if (clean_make(&c) == 0 && c.cleaned && n > 8 && p[0] == 0xd0)
		CHECK(c.out.n == n && c.removed != 0);
	clean_release(&c);
	return 0;
}
