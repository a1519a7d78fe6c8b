/* pubsub_last.h - the last item of every node that a client has just said it wants (XEP-0163 4.3.4).
 *
 * Threads    The loop's thread; reads on the store thread, LAST_OWNERS accounts at a time.
 * Limits     One walk a session, LAST_EXTRA for new and for remote contacts; LAST_BYTES of items held at a time.
 */
#ifndef PUBSUB_PUBSUB_LAST_H
#define PUBSUB_PUBSUB_LAST_H

#include "core/session.h"

#define LAST_OWNERS 32
#define LAST_EXTRA 256
#define LAST_BYTES (8u << 20)

struct pubsub_caps;
struct pubsub_peer;
struct user;

/* Of the own account and of every contact whose presence the session may see. had: what it wanted before; NULL: nothing. */
void pubsub_last_send(struct session *s, const struct pubsub_caps *had);
/* Of this account alone, which the session may see from now on. */
void pubsub_last_send_of(struct session *s, struct user *owner);
/* Of this account, to the contact on another server whose client has come. */
void pubsub_last_send_peer(struct user *owner, const struct pubsub_peer *p);

#endif
