/* router.c - whose stanza is it (RFC 6120 10, RFC 6121 8). Looks accounts up; decides nothing else. */
#include "base/check.h"
#include "core/pipeline.h"
#include "core/session.h"
#include "core/state.h"
#include "core/user.h"

/* Presence to a missing account takes the same road as to one that is offline: the sender sees no difference. */
static bool goes_on(const struct trip *t, int err)
{
	return err == 0 || (err == ERR_NOT_FOUND && t->kind == STANZA_PRESENCE);
}

static enum trip_next no_such_account(struct trip *t, int err)
{
	return trip_refuse(t, err == ERR_NOT_FOUND ? ERR_UNAVAILABLE : err, NULL);
}

struct lookup {
	struct trip *t;
	bool now;		/* still inside user_get */
	bool answered;
	int err;
};

static void on_user(void *ctx, struct user *u, int err)
{
	struct lookup *l = ctx;
	struct trip *t = l->t;

	l->answered = true;
	l->err = err;
	if (err == 0)
		t->to_user = user_ref(u);
	if (l->now)
		return;
	if (!goes_on(t, err)) {
		no_such_account(t, err);
		return;
	}
	t->step++;
	trip_run(t);
}

static enum trip_next find_account(struct trip *t)
{
	struct lookup *l = arena_alloc(t->arena, sizeof(*l));

	if (!l)
		return trip_refuse(t, ERR_LIMIT, NULL);
	l->t = t;
	l->now = true;
	user_get(t->server, t->to.bare, on_user, l);
	l->now = false;
	if (!l->answered)
		return TRIP_WAIT;
	return goes_on(t, l->err) ? TRIP_NEXT : no_such_account(t, l->err);
}

static enum trip_next to_own_account(struct trip *t)
{
	t->to = (struct jid){ .full = t->from.bare, .bare = t->from.bare, .local = t->from.local,
			      .domain = t->from.domain };
	t->route = ROUTE_ACCOUNT;
	if (t->from_user) {
		t->to_user = user_ref(t->from_user);
		return TRIP_NEXT;
	}
	return find_account(t);
}

enum trip_next step_route(struct trip *t)
{
	struct server *srv = t->server;

	if (t->to_self) {
		if (t->kind == STANZA_PRESENCE && t->to.full.n == 0) {
			t->route = ROUTE_NONE;		/* a broadcast */
			return TRIP_NEXT;
		}
		return to_own_account(t);
	}
	if (!server_is_local(srv, t->to.domain)) {
		t->route = ROUTE_REMOTE;
		return trip_refuse(t, ERR_REMOTE, "this server does not reach other networks yet");
	}
	if (t->to.local.n == 0) {
		t->route = ROUTE_SERVER;
		return TRIP_NEXT;
	}
	if (str_eq(t->to.bare, srv->bot) || str_eq(t->to.bare, srv->helpdesk)) {
		t->route = str_eq(t->to.bare, srv->bot) ? ROUTE_BOT : ROUTE_HELPDESK;
		return TRIP_NEXT;
	}
	t->route = t->to.resource.n ? ROUTE_RESOURCE : ROUTE_ACCOUNT;
	return find_account(t);
}
