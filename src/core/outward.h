/* outward.h - stanzas that leave for other domains: gateways, federated servers.
 *
 * Links register here in the order in which they are asked; the first that serves a domain gets the stanza. A link
 * that cannot deliver what it took sends an error stanza back by trip_enter(), as if the other side had: later,
 * never within send(), because the caller may be walking through its own lists.
 *
 * Threads    The loop's thread.
 * Limits     OUTWARD_LINKS; queues are the links' own.
 */
#ifndef CORE_OUTWARD_H
#define CORE_OUTWARD_H

#include <jansson.h>

#include "base/arena.h"
#include "base/err.h"
#include "xmpp/jid.h"
#include "xmpp/node.h"

#define OUTWARD_LINKS 4

struct server;

/* Where a copy of a message stands that the link has not passed on yet: in the queue of a stored stream. */
struct outward_place {
	char stream_id[27];
	uint32_t seq, trim;		/* its number, never 0; the store may forget what is up to trim */
};

/* A message that is taken back (core/purge.c): is_it() says which, of the bytes; gone() is told of each that was taken out of what waits, or
 * of what went out a moment ago and would be sent again (left). place->seq 0: it was not stored. */
struct outward_recall {
	bool (*is_it)(void *ctx, struct str bytes);
	void (*gone)(void *ctx, const struct outward_place *place, bool left);
	void *ctx;
};

struct outward_ops {
	bool (*serves)(void *ctx, struct str domain);
	/* Takes the stanza (it is serialised or copied before this returns). ERR_* when it cannot even be queued. */
	int (*send)(void *ctx, const struct jid *from, const struct jid *to, const struct node *stanza);
	/* The place for a message that is about to be stored with a copy there. False: it is not kept. NULL: none is. */
	bool (*reserve)(void *ctx, const struct jid *from, const struct jid *to, struct outward_place *ret);
	/* send() of a message whose copy has been stored; the link forgets the copy when it has passed it on, or given up. */
	int (*send_kept)(void *ctx, const struct jid *from, const struct jid *to, const struct node *stanza, uint32_t seq);
	/* NULL: nothing waits here. */
	void (*recall)(void *ctx, const struct outward_recall *what);
	/* What `status` shows of it. NULL: nothing. */
	void (*status)(void *ctx, json_t *reply);
};

void outward_register(struct server *srv, const struct outward_ops *ops, void *ctx);
bool outward_serves(const struct server *srv, struct str domain);
/* ERR_REMOTE: nobody serves that domain. */
MUST_CHECK int outward_send(struct server *srv, const struct jid *from, const struct jid *to, const struct node *stanza);
bool outward_reserve(struct server *srv, const struct jid *from, const struct jid *to, struct outward_place *ret);
/* seq 0: no copy was stored. */
MUST_CHECK int outward_send_kept(struct server *srv, const struct jid *from, const struct jid *to, const struct node *stanza, uint32_t seq);
void outward_recall(struct server *srv, const struct outward_recall *what);
void outward_status(struct server *srv, json_t *reply);
/* A reply, addressed by its own attributes; one that cannot be sent is dropped. */
void outward_answer(struct server *srv, struct arena *a, const struct node *reply);

#endif
