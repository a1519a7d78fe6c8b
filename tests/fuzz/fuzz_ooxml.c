/* Office packages: whatever they hold, a cleaned one has nothing left to clean. An input that is no archive is made into one: parts begin with
 * a line "=== name". */
#include <stdlib.h>

#include "../unit/scan/zip_make.h"
#include "base/check.h"
#include "scan/clean.h"

#define PARTS_MAX 64

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static void check(struct str in, uint64_t what)
{
	struct clean c = { .in = in, .what = what, .most = 64 << 20 };

	if (clean_make(&c) == 0 && c.cleaned) {
		struct clean again = { .in = buf_str(&c.out), .what = c.removed, .most = 64 << 20 };

		CHECK(c.removed != 0);
		CHECK(clean_make(&again) == 0);
		CHECK(!again.cleaned);
		clean_release(&again);
	}
	clean_release(&c);
}

static struct str package(struct str text, struct zip_make *z)
{
	zip_make_begin(z);
	for (unsigned i = 0; i < PARTS_MAX && str_starts(text, STR("=== ")); i++) {
		ptrdiff_t eol = str_find_char(text, '\n'), end;
		struct str name;

		if (eol < 0)
			break;
		name = str_make(text.p + 4, (size_t)eol - 4);
		text = str_cut(text, (size_t)eol + 1);
		end = str_find(text, STR("\n=== "));
		zip_make_add(z, name, end < 0 ? text : str_make(text.p, (size_t)end));
		text = end < 0 ? STR_NONE : str_cut(text, (size_t)end + 1);
	}
	return zip_make_end(z);
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	uint64_t what = FACT_BIT(FACT_MACRO) | FACT_BIT(FACT_MACRO_AUTO) | FACT_BIT(FACT_DDE) | FACT_BIT(FACT_EXTERNAL_TEMPLATE) | FACT_BIT(FACT_EXTERNAL_OBJECT) |
			FACT_BIT(FACT_EMBEDDED_OBJECT) | FACT_BIT(FACT_ACTIVEX) | FACT_BIT(FACT_METADATA) | FACT_BIT(FACT_SIGNED);
	struct str in = str_make((const char *)p, n);
	struct zip_make z;

	if (str_starts(in, STR("PK"))) {
		check(in, what);
	} else {
		in = package(in, &z);
		check(in, what);
		check(in, FACT_BIT(FACT_EXTERNAL_OBJECT) | FACT_BIT(FACT_METADATA));
		zip_make_release(&z);
	}
	return 0;
}
