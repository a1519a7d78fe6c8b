/* mask.h - takes out of a message what policy lets nobody read: card numbers, keys, the sender's own password.
 *
 * Threads  The loop's.
 * Errors   ERR_POLICY: something stays that cannot be taken out (an attribute, what is split over several elements); the message must
 *          not go on as it is. ERR_NOMEM.
 */
#ifndef CORE_MASK_H
#define CORE_MASK_H

#include "core/trip.h"
#include "inspect/subject.h"

/* Every text of the stanza, in place. own_password: empty, or what is to go as well. */
MUST_CHECK int mask_stanza(struct guard *g, struct node *stanza, struct str own_password, struct arena *a);
/* Is anything left in what the reader of 'sub' reads? */
bool mask_remains(struct guard *g, const struct subject *sub, struct str own_password, struct arena *a);

#endif
