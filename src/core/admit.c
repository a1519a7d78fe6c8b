/* admit.c - the gate of the receiver, and of the sender's own block list (XEP-0191 3.3). */
#include "core/pipeline.h"
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
	if (!by_sender)
		return trip_refuse(t, ERR_UNAVAILABLE, NULL);
	mark = node_new(t->arena, NS_BLOCKING_ERRORS, "blocked");
	return trip_refuse_cond(t, "cancel", "not-acceptable", mark);
}

enum trip_next step_admit(struct trip *t)
{
	if (t->from_user && !t->to_self && t->to.full.n && user_blocks(t->from_user, t->to.full))
		return blocked(t, true);
	if (t->to_user && t->to_user != t->from_user && t->from.full.n && user_blocks(t->to_user, t->from.full))
		return blocked(t, false);
	return TRIP_NEXT;
}
