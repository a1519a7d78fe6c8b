/* arena.h - memory that is released all at once.
 *
 * Ownership  The arena owns every byte it gave out; there is no free of one piece.
 * Sharing    One owner at a time; a whole arena may be given to another thread.
 * Limits     The cap given at creation; beyond it every call returns NULL, so an answer
 *            of "too much" costs an error, never an abort.
 * Errors     NULL.
 */
#ifndef BASE_ARENA_H
#define BASE_ARENA_H

#include "base/str.h"

struct arena;

/* cap_bytes counts what is handed out plus block overhead. NULL when out of memory. */
struct arena *arena_new(size_t cap_bytes);
void arena_free(struct arena **a);			/* NULL inside is fine; clears the pointer, which may lie in the arena itself */
void arena_clear(struct arena *a);			/* empty, reusable, first block kept */
void arena_wipe_on_free(struct arena *a);		/* contents are secret: overwritten before release */

void *arena_alloc(struct arena *a, size_t n);		/* zeroed, aligned to 16 */
char *arena_dup(struct arena *a, const void *p, size_t n);	/* NUL added */
/* A copy in the arena; .p is NULL on failure only. */
struct str arena_str(struct arena *a, struct str s);
struct str arena_printf(struct arena *a, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
size_t arena_used(const struct arena *a);

#endif
