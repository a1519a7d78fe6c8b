/* look.h - one look under way: what is left of its budget, where it is, and the facts so far. Every part of scan/ writes here.
 *
 * Ownership  Lives on scan_run()'s stack; `out` is the caller's.
 * Limits     Evidence is cut to FACT_EVIDENCE and made printable; the first of each fact is kept.
 */
#ifndef SCAN_LOOK_H
#define SCAN_LOOK_H

#include "base/check.h"
#include "scan/kind.h"
#include "scan/scan.h"

#define LOOK_WHERE 256			/* "a.zip/b.docx/word/vbaProject.bin", cut on the left */

struct sniff;

struct look {
	const struct scan_in *in;
	struct scan_out *out;
	struct scan *tools;
	uint64_t unpacked;		/* bytes so far */
	uint64_t unpacked_max;
	unsigned entries;
	unsigned depth;			/* 0: the file itself */
	char where[LOOK_WHERE];		/* "" for the file itself */
};

/* It has this fact. Evidence: a place, a name, a few words; never content at length. */
void look_note(struct look *l, enum file_fact fact, const char *fmt, ...) PRINTF_LIKE(3, 4);
static inline bool look_has(const struct look *l, enum file_fact fact) { return (l->out->facts & FACT_BIT(fact)) != 0; }
/* Takes n bytes from the budget; false: it is used up, and the fact is noted. */
bool look_spend(struct look *l, uint64_t n);
/* Takes an entry from the budget, alike. */
bool look_enter(struct look *l);
struct sniff *look_sniff(const struct look *l);
/* A part of what is looked at, found within it: all checks on it, one deeper. */
void look_part(struct look *l, struct str name, struct str bytes);

#endif
