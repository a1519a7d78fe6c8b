/* scan_see.h - one look at made-up bytes, for tests: what must be seen in them, and what must not. */
#ifndef TESTS_SCAN_SEE_H
#define TESTS_SCAN_SEE_H

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "base/check.h"
#include "scan/scan.h"

static struct scan *tools;

static int open_tools(void **st)
{
	(void)st;
	return scan_new(&tools);
}

static int close_tools(void **st)
{
	(void)st;
	scan_free(&tools);
	return 0;
}

static inline struct scan_out look_named(struct str name, struct str bytes)
{
	struct scan_in in = { .bytes = bytes, .name = name, .out = -1 };
	struct scan_out out;

	assert_int_equal(scan_run(tools, &in, &out), 0);
	return out;
}

static inline const char *evidence(const struct scan_out *o, enum file_fact f)
{
	for (unsigned i = 0; i < o->n_found; i++)
		if (o->found[i].fact == f)
			return o->found[i].evidence;
	return "";
}

struct example {
	struct str name, bytes;
	uint64_t facts, not;		/* FACT_BITs that must, and must not, be there */
};
#define BIT(f) FACT_BIT(FACT_##f)
#define ANY UINT64_MAX			/* in .not: nothing but .facts */

static inline void check_examples(const struct example *e, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct scan_out o = look_named(e[i].name, e[i].bytes);
		uint64_t missing = e[i].facts & ~o.facts, wrong = o.facts & e[i].not & ~e[i].facts;

		for (unsigned f = 0; f < FACT_COUNT; f++)
			if ((missing | wrong) & FACT_BIT(f))
				print_error("example %zu, %.*s (%s): %s %s %s\n", i, STR_FMT(e[i].name), o.type, missing & FACT_BIT(f) ? "lacks" : "has",
					    file_fact_name(f), evidence(&o, (enum file_fact)f));
		assert_true(missing == 0 && wrong == 0);
	}
}

#endif
