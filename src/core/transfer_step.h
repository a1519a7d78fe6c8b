/* transfer_step.h - files that take another road than the upload (inspect/transfer.h): policy lets them pass, takes them out, holds or refuses them.
 *
 * One-to-one, in rooms, to and from gateways and other servers alike; what comes from another domain and is no request is stripped, as nobody
 * could be told. Network addresses are taken out of offers where policy allows relays alone.
 *
 * Threads  The loop's.
 */
#ifndef CORE_TRANSFER_STEP_H
#define CORE_TRANSFER_STEP_H

#include "core/trip.h"
#include "inspect/subject.h"

/* Every stanza of a client or of another domain, before it is judged. TRIP_ENDED: refused. */
enum trip_next transfer_step(struct trip *t);
/* What was found is judged with the rest of a message. */
void transfer_step_facts(const struct trip *t, struct subject *s);

#endif
