/* admit.c - the gate of the receiver, and of the sender's own block list (XEP-0191 3.3). */
#include "core/gate.h"
#include "core/pipeline.h"
#include "core/service.h"
#include "core/session.h"
#include "core/state.h"
#include "core/user.h"
#include "xmpp/ns.h"

static enum trip_next blocked(struct trip *t, bool by_sender)
{
	struct node *mark;

	if (t->kind == STANZA_PRESENCE) {
		trip_end(t);
		return TRIP_ENDED;
	}
	if (t->kind == STANZA_MESSAGE && gate_is_outsider(t) && !gate_knows(t))
		return gate_nobody(t);
	if (!by_sender)
		return trip_refuse(t, ERR_UNAVAILABLE, NULL);
	mark = node_new(t->arena, NS_BLOCKING_ERRORS, "blocked");
	return trip_refuse_cond(t, "cancel", "not-acceptable", mark);
}

/* A room's message for a bare address, or for a resource that is not there (RFC 6121 8.5.2.1.1, 8.5.3.2.1). */
static bool astray(const struct trip *t)
{
	return t->kind == STANZA_MESSAGE && t->to_user && str_is(node_attr(t->stanza, "type"), "groupchat") &&
	       (t->route == ROUTE_ACCOUNT || (t->route == ROUTE_RESOURCE && !session_of_resource(t->to_user, t->to.resource)));
}

enum trip_next step_admit(struct trip *t)
{
	if (t->settled)
		return TRIP_NEXT;
	if (astray(t))
		return trip_refuse(t, ERR_UNAVAILABLE, NULL);
	if (gate_pace(t) != TRIP_NEXT)
		return TRIP_ENDED;
	if (t->from_user && !t->to_self && t->to.full.n && user_blocks(t->from_user, t->to.full))
		return blocked(t, true);
	if (t->to_user && t->to_user != t->from_user && t->from.full.n && user_blocks(t->to_user, t->from.full))
		return blocked(t, false);
	if (t->route == ROUTE_SERVICE && t->service->admit)
		return t->service->admit(t);
	return gate_admit(t);
}
