/* buf.h - a growing byte buffer with a maximum.
 *
 * Ownership  The caller's struct; the bytes belong to it. buf_release frees them.
 * Limits     The maximum given to buf_init; nothing grows past it.
 * Errors     ERR_LIMIT past the maximum, ERR_NOMEM. A failed append leaves the buffer as it
 *            was and sets .failed, so a writer may check once at the end.
 */
#ifndef BASE_BUF_H
#define BASE_BUF_H

#include "base/err.h"
#include "base/str.h"

struct buf {
	char *p;
	size_t n, cap, max;
	bool failed;
};

void buf_init(struct buf *b, size_t max_bytes);		/* allocates nothing yet */
void buf_release(struct buf *b);			/* frees; usable again after buf_init */
void buf_wipe(struct buf *b);				/* overwrite, then release */
static inline void buf_clear(struct buf *b) { b->n = 0; b->failed = false; }
static inline struct str buf_str(const struct buf *b) { return (struct str){ b->p ? b->p : "", b->n }; }

int buf_add(struct buf *b, const void *p, size_t n);
static inline int buf_str_add(struct buf *b, struct str s) { return buf_add(b, s.p, s.n); }
int buf_char(struct buf *b, char c);
int buf_printf(struct buf *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* Room for n more bytes at b->p + b->n; the caller adds to b->n what it wrote. */
MUST_CHECK int buf_reserve(struct buf *b, size_t n);
void buf_consume(struct buf *b, size_t n);		/* drop n bytes from the front */

#endif
