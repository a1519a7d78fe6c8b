/* mixed.h - files that are two types at once, and what is appended behind the end of one. */
#ifndef SCAN_MIXED_H
#define SCAN_MIXED_H

#include "scan/look.h"

#define MIXED_DOTS (400u << 20)		/* a picture of more of them is made to fill the memory of whoever opens it */

/* k: what it is by its beginning. What else it is, is looked at, too. */
void mixed_check(struct look *l, enum kind k, struct str bytes);
/* Behind the picture; n: it has no end, or is not of a kind whose end is known. */
size_t mixed_picture_end(enum kind k, struct str bytes);
/* Dots of a picture, as its header says; 0: not known. */
uint64_t mixed_picture_dots(enum kind k, struct str bytes);

#endif
