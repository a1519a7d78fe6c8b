/* service.h - a domain of ours that is not a domain of accounts: rooms, a publish-subscribe service.
 *
 * A feature names one in its mod_def. Stanzas to it take the road of every other stanza; the service is asked at
 * the steps below. Requests with a handler in mod_def.iq (TO_SERVICE, TO_ROOM, TO_OCCUPANT) go there; every other
 * iq, and all presence, goes to deliver().
 *
 * Threads    The loop's thread, but for write(): the store thread, in the transaction of the message.
 */
#ifndef CORE_SERVICE_H
#define CORE_SERVICE_H

#include "core/trip.h"

struct purge_copy;
struct vault;

struct service_ops {
	struct str (*domain)(const struct server *srv);		/* empty: off */
	/* How many a message to this address would reach; it weighs in the inspection. NULL: one. */
	unsigned (*audience)(struct server *srv, const struct jid *to);
	/* Looks the addressee up; may wait, then t->step++ and trip_run(t). NULL: nothing to look up. */
	enum trip_next (*route)(struct trip *t);
	/* May the sender do this? Refuses with trip_refuse*(). NULL: everybody. */
	enum trip_next (*admit)(struct trip *t);
	/* A message that is about to be stored: adds copies with deliver_copy(), sets service_writes. 0 or ERR_*. */
	int (*plan)(struct trip *t);
	MUST_CHECK int (*write)(struct vault *v, struct trip *t);
	/* After the commit. Refuses, or TRIP_NEXT. */
	enum trip_next (*deliver)(struct trip *t);
	/* What was said to all at this address has been purged: nobody is shown it from here on, who has it is told; then settled(ctx, err). NULL: nobody has it. */
	void (*purged)(struct server *srv, const struct purge_copy *c, void (*settled)(void *ctx, int err), void *ctx);
};

/* The service of this domain, or NULL. */
const struct service_ops *service_of(const struct server *srv, struct str domain);

#endif
