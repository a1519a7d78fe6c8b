/* pubsub_disco.h - which nodes there are, what is in them, what they are (XEP-0060 5.2 to 5.5).
 *
 * Everybody sees the nodes he may read, and no others.
 * Threads    The loop's thread.
 */
#ifndef PUBSUB_PUBSUB_DISCO_H
#define PUBSUB_PUBSUB_DISCO_H

#include "core/mod.h"

/* Bodies of iq hooks. Info without a node is the account's or the service's own: IQ_PASS. */
MUST_CHECK int pubsub_disco_info(struct iq *iq, struct str service);
MUST_CHECK int pubsub_disco_items(struct iq *iq, struct str service);

#endif
