/* PDFs: whatever they hold, a cleaned one has nothing left to clean. */
#include "base/check.h"
#include "scan/clean.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	uint64_t what = FACT_BIT(FACT_PDF_SCRIPT) | FACT_BIT(FACT_PDF_LAUNCH) | FACT_BIT(FACT_PDF_EMBEDDED) | FACT_BIT(FACT_PDF_XFA) | FACT_BIT(FACT_METADATA) |
			FACT_BIT(FACT_SIGNED);
	struct clean c = { .in = str_make((const char *)p, n), .what = what, .most = 4 << 20 };

	if (clean_make(&c) == 0 && c.cleaned) {
		struct clean again = { .in = buf_str(&c.out), .what = what, .most = 4 << 20 };

		CHECK((c.removed & ~what) == 0 && c.removed != 0);
		if (clean_make(&again) == 0)		/* it may not be readable at all, as the original hardly was */
			CHECK(!again.cleaned);
		clean_release(&again);
	}
	clean_release(&c);
	return 0;
}
