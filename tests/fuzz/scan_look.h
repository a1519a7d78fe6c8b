/* scan_look.h - a look for fuzz targets: the real one, with a small budget. What it notes must be what scan.h promises. */
#ifndef FUZZ_SCAN_LOOK_H
#define FUZZ_SCAN_LOOK_H

#include "base/check.h"
#include "base/utf8.h"
#include "scan/look.h"

#define SCAN_LOOK_UNPACKED (4u << 20)

struct scan_look {
	struct look l;
	struct scan_in in;
	struct scan_out out;
};

static inline struct look *scan_look_begin(struct scan_look *s, struct str bytes)
{
	static struct scan *tools;

	if (!tools) {
		int err = scan_new(&tools);	/* libmagic may have no database */

		CHECK(err == 0);
	}
	*s = (struct scan_look){ .in = { .bytes = bytes, .out = -1 } };
	s->l = (struct look){ .in = &s->in, .out = &s->out, .tools = tools, .unpacked_max = SCAN_LOOK_UNPACKED };
	return &s->l;
}

static inline void scan_look_end(struct scan_look *s)
{
	CHECK(s->out.n_found <= FACTS_FOUND && s->l.depth == 0 && s->l.where[0] == 0);
	CHECK((s->out.facts & ~(FACT_COUNT < 64 ? FACT_BIT(FACT_COUNT) - 1 : UINT64_MAX)) == 0);
	for (unsigned i = 0; i < s->out.n_found; i++) {
		const char *e = s->out.found[i].evidence;

		CHECK(s->out.facts & FACT_BIT(s->out.found[i].fact));
		CHECK(strnlen(e, FACT_EVIDENCE) < FACT_EVIDENCE && utf8_valid(str_of(e)));
		for (const char *p = e; *p; p++)
			CHECK((uint8_t)*p >= 0x20 && *p != 0x7f);
	}
}

#endif
