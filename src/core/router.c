/* router.c - whose stanza is it (RFC 6120 10, RFC 6121 8). Looks accounts up; decides nothing else. */
#include "core/router.h"

#include "core/gate.h"
#include "core/hooks.h"
#include "core/mod.h"
#include "core/outward.h"
#include "core/pipeline.h"
#include "core/service.h"
#include "core/session.h"
#include "core/state.h"
#include "core/user.h"

/* Presence to a missing account takes the same road as to one that is offline: the sender sees no difference. */
static bool goes_on(const struct trip *t, int err)
{
	return err == 0 || (err == ERR_NOT_FOUND && t->kind == STANZA_PRESENCE);
}

/* What an account answers to whoever is not its owner: forbidden (RFC 6121 2.3.3, XEP-0313 4), if the asker is from here. One
 * that is not there must not answer anything else. */
static bool owners_alone(const struct trip *t)
{
	const struct node *payload = t->kind == STANZA_IQ && t->route == ROUTE_ACCOUNT ? node_first_element(t->stanza) : NULL;
	unsigned type = str_is(node_attr(t->stanza, "type"), "set") ? IQ_SET : IQ_GET;

	return payload && !trip_is_foreign(t) && (str_is(payload->ns, NS_ROSTER) || str_is(payload->ns, NS_MAM)) &&
	       hooks_iq(type, TO_ACCOUNT, NULL, payload, NULL);
}

static enum trip_next no_such_account(struct trip *t, int err)
{
	if (err == ERR_NOT_FOUND && t->kind == STANZA_MESSAGE && gate_is_outsider(t) && !gate_knows(t) && !str_is(node_attr(t->stanza, "type"), "error"))
		return gate_nobody(t);
	return trip_refuse(t, err == ERR_NOT_FOUND ? owners_alone(t) ? ERR_FORBIDDEN : ERR_UNAVAILABLE : err, NULL);
}

static void on_user(void *ctx, struct user *u, int err)
{
	struct trip *t = ctx;
	bool waits = t->looked_up;

	t->lookup_err = err;
	if (err == 0)
		t->to_user = user_ref(u);
	t->looked_up = true;
	if (waits)
		trip_run(t);		/* the same step again; the trip may end there */
}

enum trip_next router_find(struct trip *t)
{
	if (t->to_user || t->looked_up)
		return TRIP_NEXT;
	user_get(t->server, t->to.bare, on_user, t);
	if (t->looked_up)
		return TRIP_NEXT;
	t->looked_up = true;
	return TRIP_WAIT;
}

static enum trip_next find_account(struct trip *t)
{
	if (router_find(t) == TRIP_WAIT)
		return TRIP_WAIT;
	return goes_on(t, t->lookup_err) ? TRIP_NEXT : no_such_account(t, t->lookup_err);
}

static enum trip_next to_own_account(struct trip *t)
{
	t->to = (struct jid){ .full = t->from.bare, .bare = t->from.bare, .local = t->from.local,
			      .domain = t->from.domain };
	t->route = ROUTE_ACCOUNT;
	if (t->from_user && !t->to_user) {
		t->to_user = user_ref(t->from_user);
		return TRIP_NEXT;
	}
	return find_account(t);
}

static enum trip_next to_other_domain(struct trip *t)
{
	t->service = service_of(t->server, t->to.domain);
	if (t->service) {
		t->route = ROUTE_SERVICE;
		return t->service->route ? t->service->route(t) : TRIP_NEXT;
	}
	/* Nobody passes through here from one network to the other. */
	if ((trip_is_foreign(t) && !server_is_local(t->server, t->from.domain)) || !outward_serves(t->server, t->to.domain))
		return trip_refuse(t, ERR_REMOTE, "this server does not reach that domain");
	t->route = ROUTE_REMOTE;
	return TRIP_NEXT;
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
	if (!server_is_local(srv, t->to.domain))
		return to_other_domain(t);
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
