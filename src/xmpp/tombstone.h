/* tombstone.h - what stands in the place of a message that was taken back (XEP-0424 5): who wrote to whom under which ids, and no word of it.
 *
 * Ownership  The arena's.
 * Errors     ERR_LIMIT.
 */
#ifndef XMPP_TOMBSTONE_H
#define XMPP_TOMBSTONE_H

#include "xmpp/node.h"

struct tombstone {
	struct str stamp;		/* when it was taken back */
	struct str id;			/* of the message that takes it back; empty: none */
	struct str moderator;		/* a room's (XEP-0425); empty: its author, or this server for him */
};
/* Addresses, type, ids and marks of 'm' stay. */
MUST_CHECK int tombstone_of(struct arena *a, const struct node *m, const struct tombstone *t, struct node **ret);
/* Puts tombstones in place of the message with this stanza-id by whomever, or of this server's mark, in what goes to a client: itself, within a
 * carbon (XEP-0280) or within a page of an archive (XEP-0313). False: it is not in there. */
bool tombstone_within(struct arena *a, struct node **m, struct str id, const struct tombstone *t);

#endif
