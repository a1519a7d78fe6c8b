/* purge.h - what was taken out of archives and queues is taken back from the people it had reached, too.
 *
 * The receiver's clients get a retraction (XEP-0424) in the name of who sent the message, with a text for clients that do not know
 * retractions; so do people on other servers and behind gateways. What is in an archive or waits for its receiver is gone already
 * (admin/admin_outbreak.c).
 *
 * Threads  The loop's.
 */
#ifndef CORE_PURGE_H
#define CORE_PURGE_H

#include "base/str.h"

struct server;

/* subject: what EFFECT_PURGED brings: sender, receiver (bare) and the id that the sender's client gave, a line each. */
void purge_tell(struct server *srv, struct str subject);

#endif
