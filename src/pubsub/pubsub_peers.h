/* pubsub_peers.h - contacts on other servers who are there, and what their clients want to be told of (XEP-0163 4.3).
 *
 * Their presence comes over a link and is not kept elsewhere. Only of contacts who may see the account's presence.
 *
 * Threads    The loop's thread.
 * Limits     PEERS_OWNERS accounts, PEERS_EACH resources for one of them, PEERS_OF_ONE of one contact: more are told nothing.
 */
#ifndef PUBSUB_PUBSUB_PEERS_H
#define PUBSUB_PUBSUB_PEERS_H

#include "base/err.h"
#include "xmpp/jid.h"

#define PEERS_OWNERS 8192
#define PEERS_EACH 512
#define PEERS_OF_ONE 16

struct pubsub_caps;
struct pubsub_node;
struct server;
struct user;

struct pubsub_peer {
	struct str full, bare;		/* own memory */
	struct str key;			/* of its presence (pubsub_caps_key); own memory */
	struct pubsub_caps *caps;	/* a reference; NULL: not known yet */
	bool asked;			/* it has not answered yet */
};

MUST_CHECK int pubsub_peers_start(struct server *srv);
void pubsub_peers_stop(struct server *srv);
struct pubsub_peer *pubsub_peers_find(struct server *srv, struct str owner, struct str full);
/* It is there; found or added. ERR_LIMIT. */
MUST_CHECK int pubsub_peers_add(struct server *srv, struct str owner, const struct jid *who, struct pubsub_peer **ret);
MUST_CHECK int pubsub_peers_set_key(struct pubsub_peer *p, struct str key);
/* It has gone. */
void pubsub_peers_remove(struct server *srv, struct str owner, struct str full);
/* fn may not add or remove. */
void pubsub_peers_each(struct server *srv, struct str owner, void (*fn)(void *ctx, const struct pubsub_peer *p), void *ctx);

#endif
