/* RTF: whatever it holds, a cleaned one has nothing left to clean. */
#include "base/check.h"
#include "scan/clean.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	uint64_t what = FACT_BIT(FACT_RTF_OBJECT) | FACT_BIT(FACT_DDE) | FACT_BIT(FACT_EXTERNAL_OBJECT) | FACT_BIT(FACT_EXTERNAL_TEMPLATE) | FACT_BIT(FACT_METADATA);
	struct clean c = { .in = str_make((const char *)p, n), .what = what, .most = 4 << 20 };

	if (clean_make(&c) == 0 && c.cleaned && p[0] == '{') {
		struct clean again = { .in = buf_str(&c.out), .what = what, .most = 4 << 20 };

		CHECK(c.out.n <= n + n / 2);
		CHECK(clean_make(&again) == 0);
		CHECK(!again.cleaned);
		clean_release(&again);
	}
	clean_release(&c);
	return 0;
}
