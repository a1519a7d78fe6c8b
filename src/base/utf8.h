/* utf8.h - strict UTF-8 (RFC 3629): no overlong forms, surrogates or values past U+10FFFF. */
#ifndef BASE_UTF8_H
#define BASE_UTF8_H

#include "base/str.h"

bool utf8_valid(struct str s);
/* Decodes at s.p[*at] and moves *at past it; U+FFFD and one byte for what is malformed. *at < s.n. */
uint32_t utf8_next(struct str s, size_t *at);
/* Writes 1 to 4 bytes; returns how many. cp must be a scalar value. */
size_t utf8_put(uint32_t cp, char ret[4]);

/* Incremental check over pieces that split characters. */
struct utf8_state {
	uint8_t need;		/* continuation bytes still to come */
	uint8_t low, high;	/* allowed range of the next one */
};
bool utf8_feed(struct utf8_state *st, struct str piece);	/* false: malformed, for good */

#endif
