/* link.h - one connection of a component, from the first byte to </stream:stream>.
 *
 * Ownership  The gateway's list; frees itself when its connection is closed.
 * Threads    The loop's.
 */
#ifndef GATEWAY_LINK_H
#define GATEWAY_LINK_H

#include <sys/socket.h>

#include "base/err.h"
#include "base/list.h"
#include "base/str.h"
#include "xmpp/node.h"

struct link;
struct server;

/* What the connections of one gateway share. */
struct link_set {
	struct server *srv;
	struct list all;
	unsigned n_waiting;		/* without a handshake so far */
	bool stopping;
	/* A component is there; one that was there has gone (another of the same name may have come). */
	void (*opened)(void *ctx, struct str domain);
	void (*lost)(void *ctx, struct str domain);
	void *ctx;
};

void link_accept(struct link_set *ls, int fd, const struct sockaddr_storage *from);
/* The open connection of this domain, or NULL. */
struct link *link_find(struct link_set *ls, struct str domain);
MUST_CHECK int link_send(struct link *l, const struct node *stanza);
MUST_CHECK int link_send_bytes(struct link *l, struct str xml);
/* Has something not left this machine yet? */
bool link_unsent(const struct link *l);
/* Stream error, end. */
void link_end(struct link *l, const char *condition);
/* Is it still what the configuration names? */
bool link_holds(const struct link *l);
struct link *link_of(struct list *node);

#endif
