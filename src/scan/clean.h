/* clean.h - makes a copy of a file without what policy wants gone: macros, active parts, metadata, appended bytes.
 *
 * What can be cleaned: pictures (JPEG, PNG, GIF, WebP, TIFF), by their containers: not one coded bit of the picture changes; office documents
 * (OOXML, OpenDocument, and those of old where macros and objects lie in storages of their own), PDF, RTF, SVG; pages become text. What cannot:
 * HEIC and AVIF, mail and archives, macros within a stream of PowerPoint or Excel 4, links to other workbooks in a binary workbook.
 * The copy is to be looked at again: .removed says what the cleaner has taken away, the second look says what is left.
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

#endif
