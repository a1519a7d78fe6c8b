/* sites.h - which sites people here have linked to before: a site nobody knows is what worms use, and what they must keep.
 *
 * Ownership  sites_free().
 * Threads    One (the loop's).
 * Limits     SITES; the one not linked to for longest makes room.
 * Errors     Without memory a site counts as new.
 */
#ifndef OUTBREAK_SITES_H
#define OUTBREAK_SITES_H

#include "base/buf.h"
#include "base/err.h"

#define SITES 50000
#define SITES_NOVEL_MS (2ull * 3600 * 1000)	/* so long a site stays new */
#define SITES_PEOPLE 5				/* and until so many people have linked to it */

struct sites;

struct sites *sites_new(void);		/* NULL without memory */
void sites_free(struct sites **s);
bool sites_novel(const struct sites *s, uint64_t site, uint64_t now_ms);
/* Somebody has linked there, and it was let pass. */
/* Over a restart: when each was first seen, and how many people had linked to it; not who. Least recently used first; SITES_ROW bytes each.
 * What is read twice, or is damaged behind its beginning, is left out. */
#define SITES_ROW 13
#define SITES_BYTES (1 + SITES * SITES_ROW)
void sites_write(const struct sites *s, struct buf *ret);
MUST_CHECK int sites_read(struct sites *s, struct str bytes);	/* ERR_BAD_FORMAT: of another version */
uint64_t sites_changes(const struct sites *s);			/* rises with what would be written otherwise */
void sites_seen(struct sites *s, uint64_t site, uint64_t who, uint64_t now_ms);

#endif
