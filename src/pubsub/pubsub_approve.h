/* pubsub_approve.h - subscriptions that a node's owners decide on (access model 'authorize', XEP-0060 8.6).
 *
 * Who asks waits in the node (PUBSUB_PENDING). Each owner gets a form, whose answer comes back as a message to the
 * service; an owner may answer by a request (8.8.2) as well. Whoever is first decides; the others' answers find nobody.
 *
 * Threads    pubsub_approve_apply: the store's, in a call's transaction; the others: the loop's.
 */
#ifndef PUBSUB_PUBSUB_APPROVE_H
#define PUBSUB_PUBSUB_APPROVE_H

#include "pubsub/pubsub_call.h"

/* A message to the service: an owner's answer is done, then TRIP_NEXT; everything else is refused. May wait. */
enum trip_next pubsub_approve_admit(struct trip *t);
/* "subscribed" or "none" for who waits; the node is not saved yet. */
MUST_CHECK int pubsub_approve_apply(struct pubsub_call *c, struct pubsub_node *n, struct str jid, struct str subscription);
/* CHANGE_ASKED: the owners; CHANGE_ANSWERED: who has asked. */
void pubsub_approve_tell(struct server *srv, struct arena *a, const struct pubsub_change *ch);

#endif
