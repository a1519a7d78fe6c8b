/* Pictures of SVG and pages: a cleaned picture is cleaned for good, byte for byte; of a page comes sound text. */
#include "base/check.h"
#include "base/utf8.h"
#include "scan/clean.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static void svg(struct str in)
{
	uint64_t what = FACT_BIT(FACT_SVG_SCRIPT) | FACT_BIT(FACT_EXTERNAL_OBJECT) | FACT_BIT(FACT_METADATA);
	struct clean c = { .in = in, .what = what, .most = 4 << 20 };

	if (clean_make(&c) == 0 && c.cleaned && str_starts(buf_str(&c.out), STR("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<svg"))) {
		struct clean again = { .in = buf_str(&c.out), .what = what, .most = 4 << 20 };

		CHECK(clean_make(&again) == 0);
		CHECK(!again.cleaned);
		clean_release(&again);
	}
	clean_release(&c);
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct str in = str_make((const char *)p, n);
	struct clean c = { .in = in, .media = STR("text/html"), .what = FACT_BIT(FACT_HTML_SCRIPT), .most = 4 << 20 };

	svg(in);
	if (clean_make(&c) == 0) {
		CHECK(c.cleaned && utf8_valid(buf_str(&c.out)));
		CHECK(c.out.n <= 4 * n + 64);
	}
	clean_release(&c);
	return 0;
}
