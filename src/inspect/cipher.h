/* cipher.h - what can be seen of encrypted messages without reading them: whom they go to, when, how large, and whether two are the same.
 *
 * The same text has the same length in every OMEMO message (AES-GCM adds none), and a stanza that is only passed on keeps its
 * payload: many messages of one length, or one payload, to many people in a short time are one message to many. A worm that changes its
 * words still has a program's pace: nobody writes to CIPHER_FAST people within CIPHER_FAST_S, nor to one after another by the clock.
 *
 * Ownership  The memory is part of the sender's (outbreak/sender.h).
 * Limits     CIPHER_KEPT messages of a sender are remembered.
 * Pure.
 */
#ifndef INSPECT_CIPHER_H
#define INSPECT_CIPHER_H

#include "inspect/inspect.h"
#include "inspect/subject.h"

#define CIPHER_KEPT 16
#define CIPHER_WINDOW_S 600
#define CIPHER_LEAST 48			/* bytes: shorter ones are alike by chance ("ok") */
#define CIPHER_PEOPLE 10		/* one length to so many is remarkable */
#define CIPHER_SAME 4			/* one payload to so many */
#define CIPHER_FAST 8			/* anything to so many */
#define CIPHER_FAST_S 60		/* within so long */
#define CIPHER_BURST_S 2		/* between two: no person */
#define CIPHER_JITTER 7			/* gaps differ by less than one in so many from their mean: by the clock */

struct cipher_memory {
	struct { uint32_t to, digest, when_s, bytes; } v[CIPHER_KEPT];
	uint32_t n;			/* ever; the place of the next one */
};

/* Looks at the message and remembers it. to: the receiver. */
void cipher_verdict(struct cipher_memory *m, const struct subject *s, uint32_t to, struct verdict *v);

#endif
