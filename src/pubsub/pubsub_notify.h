/* pubsub_notify.h - tells those who are to know (XEP-0060 7.1.2, XEP-0163 4).
 *
 * Each receiver is judged anew by the node's access model and both block lists.
 *
 * Threads    The loop's thread.
 */
#ifndef PUBSUB_PUBSUB_NOTIFY_H
#define PUBSUB_PUBSUB_NOTIFY_H

#include "pubsub/pubsub_call.h"

struct pubsub_caps;
struct pubsub_peer;

/* Everything the call has changed. */
void pubsub_notify(struct pubsub_call *c);
/* <message/> with the event, without 'to'; payload NULL: the id alone. when_ms: as of then (XEP-0203); 0: now. */
struct node *pubsub_notify_message(struct arena *a, const struct pubsub_change *ch, struct str publisher, uint64_t when_ms);
/* To one session of a contact or of the account itself. */
void pubsub_notify_session(struct session *s, struct node *message);
/* May this session hear of the node: access, blocks. */
bool pubsub_notify_may(struct arena *a, const struct user *owner, const struct session *s, const struct pubsub_node *n);
/* The same for a contact on another server; and the sending. */
bool pubsub_notify_may_peer(struct arena *a, const struct user *owner, const struct pubsub_peer *p, const struct pubsub_node *n);
void pubsub_notify_address(struct server *srv, struct str to, struct node *message);

#endif
