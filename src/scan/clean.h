/* clean.h - makes a copy of a file without what policy wants gone: macros, active parts, metadata, appended bytes.
 *
 * What can be cleaned: pictures (JPEG, PNG, GIF, WebP, TIFF), by their containers: not one coded bit of the picture changes.
 * The copy is to be looked at again: .removed says what the cleaner has taken away whole, the second look says what is left.
 *
 * Ownership  .in and .name are the caller's and stay untouched; .out is the caller's from clean_make() on: clean_release() frees it.
 * Threads    Any; no clock, no file, no process.
 * Limits     .most bytes of the copy (0: CLEAN_OUT_MAX); each parser names its own. Time is the parent's, who kills.
 * Errors     ERR_UNSUPPORTED: this cannot be cleaned. ERR_BAD_FORMAT: it is damaged. ERR_LIMIT, ERR_NOMEM. Each of them: hold the file.
 */
#ifndef SCAN_CLEAN_H
#define SCAN_CLEAN_H

#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"
#include "inspect/file_fact.h"
#include "scan/scan.h"

#define CLEAN_OUT_MAX (512u << 20)

struct clean {
	struct str in;			/* the bytes */
	struct str name;		/* as declared; hostile */
	struct str media;		/* from the content, as "text/html": for what has no mark of its own */
	uint64_t what;			/* FACT_BITs to take away */
	size_t most;
	/* What came of it. */
	bool cleaned;			/* something was taken away, .out is the copy; false: there was nothing to take */
	uint64_t removed;		/* FACT_BITs that the copy has no more */
	struct buf out;
	const char *type, *suffix;	/* literals, when the copy is of another type than the original ("text/plain", ".txt"); else NULL */
};

MUST_CHECK int clean_make(struct clean *c);
void clean_release(struct clean *c);

/* The same into in->out, after scan_run() has filled ret: sets ret's fields of the cleaned copy. Nothing to take away: 0, and .cleaned is false. */
MUST_CHECK int clean_run(const struct scan_in *in, uint64_t what, struct scan_out *ret);

#endif
