/* unpack.h - walks through archives of all kinds in memory (libarchive); nothing is written anywhere.
 *
 * Limits  The look's budget: bytes, entries, depth. Programs that libarchive would call are not, files that it would open (mtree) neither.
 */
#ifndef SCAN_UNPACK_H
#define SCAN_UNPACK_H

#include "scan/look.h"

/* One file of it. whole: all its bytes are there; false: it is longer than SCAN_PART, or damaged behind them. */
typedef void unpack_fn(void *ctx, struct look *l, struct str name, struct str bytes, bool whole);

/* Is it a kind that can be walked through? */
bool unpack_can(enum kind k);
/* name: of the archive, which names what a bare .gz holds. Notes what is wrong with the archive itself, and bad names in it. */
void unpack_walk(struct look *l, enum kind k, struct str name, struct str bytes, unpack_fn *each, void *ctx);

#endif
