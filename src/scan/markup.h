/* markup.h - XML as events (Expat), with what it has no business with refused: entities of its own, DTDs that declare, endless depth.
 *
 * Threads  Any.
 * Limits   MARKUP_DEPTH; the bytes are the caller's.
 * Errors   ERR_BAD_FORMAT: not well-formed, or with declarations; what came before has been told. ERR_NOMEM.
 */
#ifndef SCAN_MARKUP_H
#define SCAN_MARKUP_H

#include "base/err.h"
#include "base/str.h"

#define MARKUP_DEPTH 512

struct markup {
	/* Local names, without prefix or namespace; attributes as pairs that end with NULL: their local names come from markup_attr(). */
	void (*start)(void *ctx, const char *name, const char **attrs);
	void (*text)(void *ctx, struct str text);
	void (*end)(void *ctx, const char *name);
	void *ctx;
};

MUST_CHECK int markup_run(const struct markup *m, struct str bytes);
/* By its local name; "": it is not there. */
struct str markup_attr(const char **attrs, const char *name);

#endif
