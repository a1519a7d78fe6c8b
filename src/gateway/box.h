/* box.h - messages for a component that is away for a moment: they wait, over a restart of ours, too.
 *
 * A component that was connected less than LIMIT_GATEWAY_WAIT_MS ago, or for which messages were kept when the server went
 * down, is expected back. Until then its messages wait; after that they go back to who sent them. A message that went out is
 * known for a moment longer: when the connection breaks, it is sent again under the same id.
 *
 * Ownership  box_set_free() frees all.
 * Threads    The loop's.
 * Limits     LIMIT_GATEWAY_QUEUE messages and LIMIT_GATEWAY_QUEUE_BYTES for a component; one box for each that is configured.
 * Errors     ERR_UNAVAILABLE: nobody is expected; ERR_LIMIT: too many wait.
 */
#ifndef GATEWAY_BOX_H
#define GATEWAY_BOX_H

#include "core/outbox.h"
#include "gateway/link.h"

struct box_set {
	struct link_set *links;
	struct list all;
	char *ours;			/* our domain */
};

MUST_CHECK int box_set_init(struct box_set *s, struct link_set *links);
void box_set_free(struct box_set *s);
/* What was kept when the server went down. */
void box_set_restore(struct box_set *s, const struct outbox_saved *saved);
/* A place for a message to this component. False: it is not kept. */
bool box_reserve(struct box_set *s, struct str domain, struct outward_place *ret);
/* A message that has such a place. */
MUST_CHECK int box_send(struct box_set *s, struct str domain, const struct node *stanza, uint32_t seq);
/* Takes out what is taken back (core/outward.h). */
void box_recall(struct box_set *s, const struct outward_recall *what);
/* The component is there / has gone. */
void box_opened(struct box_set *s, struct str domain);
void box_lost(struct box_set *s, struct str domain);

#endif
