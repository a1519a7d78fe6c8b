/* pubsub_caps.h - what clients want to be told of: the "+notify" features behind a hash (XEP-0115, XEP-0163 4.2).
 *
 * Ownership  Counted references: the cache has one, each session that speaks of it another.
 * Threads    The loop's thread.
 * Storage    What fits its hash is kept: after a restart nobody has to be asked, and nothing is missed by who has not come back.
 * Limits     CAPS_CACHED hashes, LIMIT_ITEMS of them stored; a full cache learns nothing more, then each session asks for itself. CAPS_WANTS names.
 */
#ifndef PUBSUB_PUBSUB_CAPS_H
#define PUBSUB_PUBSUB_CAPS_H

#include "base/arena.h"
#include "base/err.h"
#include "xmpp/node.h"

#define CAPS_CACHED 4096
#define CAPS_WANTS 64
#define CAPS_NAME 256			/* bytes of a node's name in it, of a hash */

struct server;

struct pubsub_caps {
	unsigned refs;
	size_t n;
	struct str wants[];		/* names of nodes, behind the struct */
};

MUST_CHECK int pubsub_caps_start(struct server *srv);
void pubsub_caps_stop(struct server *srv);

/* The key of <c/> in a presence; empty: none, or too long to be one. verifiable: it names a hash we can compute. */
struct str pubsub_caps_key(struct arena *a, const struct node *presence, bool *ret_verifiable);
struct pubsub_caps *pubsub_caps_find(struct server *srv, struct str key);	/* no reference; NULL: not known */
/* Is this disco#info what the key's hash was made of (XEP-0115 5.4)? */
bool pubsub_caps_verified(struct arena *a, struct str key, const struct node *query);
/* A reference for the caller. NULL: no memory. */
struct pubsub_caps *pubsub_caps_new(const struct node *query);
void pubsub_caps_remember(struct server *srv, struct str key, struct pubsub_caps *c);
struct pubsub_caps *pubsub_caps_ref(struct pubsub_caps *c);
void pubsub_caps_unref(struct pubsub_caps **c);
bool pubsub_caps_wants(const struct pubsub_caps *c, struct str node);

#endif
