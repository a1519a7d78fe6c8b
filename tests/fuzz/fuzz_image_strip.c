/* Pictures: whatever they hold, a cleaned one has nothing left to clean. */
#include "base/check.h"
#include "scan/clean.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	uint64_t what = FACT_BIT(FACT_METADATA) | FACT_BIT(FACT_TRAILING_DATA);
	struct clean c = { .in = str_make((const char *)p, n), .what = what, .most = 4 << 20 };
	bool tiff = n > 4 && (p[0] == 'I' || p[0] == 'M');	/* its directories may lie across each other */

	if (clean_make(&c) == 0 && c.cleaned) {
		struct clean again = { .in = buf_str(&c.out), .what = what, .most = 4 << 20 };

		CHECK((c.removed & ~what) == 0 && c.removed != 0);
		CHECK(clean_make(&again) == 0 || tiff);
		CHECK(!again.cleaned || tiff);
		clean_release(&again);
	}
	clean_release(&c);
	return 0;
}
