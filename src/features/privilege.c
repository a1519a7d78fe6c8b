/* privilege.c - XEP-0356: what components may do in the name of accounts here, each as far as wardroom.yaml says.
 *
 * Rosters are features/roster.c's, which asks component_may(). Here is the rest: what is advertised, roster pushes,
 * presence, and messages and requests on behalf of accounts. Such a message takes the road of all others as one from
 * a component: it is inspected, and a frozen account stays silent also in this way.
 */
#include <stdlib.h>

#include "base/limits.h"
#include "base/log.h"
#include "base/rand.h"
#include "core/ask.h"
#include "core/component.h"
#include "core/mod.h"
#include "core/outward.h"
#include "core/state.h"

#define ADVERT_BYTES (256 * 1024)
#define INNER_BYTES (LIMIT_STANZA_BYTES_MAX * 16)

static int set(struct arena *a, struct node *n, const char *name, const char *value)
{
	return node_set_attr(a, n, name, str_of(value));
}

/* --- what is advertised ------------------------------------------------------------------------------------- */

static int add_perm(struct arena *a, struct node *privilege, const char *access, const char *type, struct node **ret)
{
	*ret = node_add(a, privilege, NS_PRIVILEGE, "perm");
	if (!*ret || set(a, *ret, "access", access) < 0)
		return ERR_LIMIT;
	return type ? set(a, *ret, "type", type) : 0;
}

static bool has(const struct config_texts *list, struct str text)
{
	for (unsigned i = 0; i < list->n; i++)
		if (str_is(text, list->v[i]))
			return true;
	return false;
}

static int add_namespace(struct arena *a, struct node *perm, const char *ns, const char *type)
{
	struct node *n = node_add(a, perm, NS_PRIVILEGE, "namespace");

	return n && set(a, n, "ns", ns) == 0 ? set(a, n, "type", type) : ERR_LIMIT;
}

static int add_iq(struct arena *a, struct node *privilege, const struct config_component *c)
{
	struct node *perm;
	int r = add_perm(a, privilege, "iq", NULL, &perm);

	for (unsigned i = 0; r == 0 && i < c->iq_get.n; i++)
		r = add_namespace(a, perm, c->iq_get.v[i], has(&c->iq_set, str_of(c->iq_get.v[i])) ? "both" : "get");
	for (unsigned i = 0; r == 0 && i < c->iq_set.n; i++)
		if (!has(&c->iq_get, str_of(c->iq_set.v[i])))
			r = add_namespace(a, perm, c->iq_set.v[i], "set");
	return r;
}

static int add_roster(struct arena *a, struct node *privilege, const struct config_component *c)
{
	bool get = c->may & CONFIG_MAY_ROSTER_GET, may_set = c->may & CONFIG_MAY_ROSTER_SET;
	struct node *perm;
	int r = add_perm(a, privilege, "roster", get && may_set ? "both" : get ? "get" : "set", &perm);

	return r < 0 ? r : set(a, perm, "push", c->may & CONFIG_MAY_ROSTER_PUSH ? "true" : "false");
}

static int add_all(struct arena *a, struct node *privilege, const struct config_component *c)
{
	struct node *perm;
	int r = 0;

	if (c->may & (CONFIG_MAY_ROSTER_GET | CONFIG_MAY_ROSTER_SET))
		r = add_roster(a, privilege, c);
	if (r == 0 && (c->may & CONFIG_MAY_MESSAGE))
		r = add_perm(a, privilege, "message", "outgoing", &perm);
	if (r == 0 && (c->iq_get.n || c->iq_set.n))
		r = add_iq(a, privilege, c);
	if (r == 0 && (c->may & (CONFIG_MAY_PRESENCE | CONFIG_MAY_PRESENCE_ROSTER)))
		r = add_perm(a, privilege, "presence", c->may & CONFIG_MAY_PRESENCE_ROSTER ? "roster" : "managed_entity", &perm);
	return r;
}

static void send_to(struct server *srv, struct arena *a, const char *domain, struct str from, const struct node *stanza)
{
	struct jid f, t;

	if (jid_parse(a, from, &f) < 0 || jid_parse(a, str_of(domain), &t) < 0 || outward_send(srv, &f, &t, stanza) < 0)
		log_event(LOG_DEBUG, "privilege.unsent", LOG_Z("component", domain));
}

static void component_open(struct server *srv, const struct config_component *c)
{
	struct arena *a = c->may || c->iq_get.n || c->iq_set.n ? arena_new(ADVERT_BYTES) : NULL;
	struct node *m = a ? node_new(a, NS_CLIENT, "message") : NULL;
	struct node *privilege = m ? node_add(a, m, NS_PRIVILEGE, "privilege") : NULL;
	char id[17];

	rand_text(id, sizeof(id) - 1);
	if (privilege && set(a, m, "id", id) == 0 && node_set_attr(a, m, "from", srv->domain) == 0 &&
	    set(a, m, "to", c->domain) == 0 && add_all(a, privilege, c) == 0)
		send_to(srv, a, c->domain, srv->domain, m);
	arena_free(&a);
}

/* --- rosters and presence ------------------------------------------------------------------------------------- */

static void roster_push(struct user *u, struct arena *a, struct node *iq)
{
	const struct config *c = u->server->config;

	for (unsigned i = 0; i < c->n_components; i++) {
		if (!(c->components[i].may & CONFIG_MAY_ROSTER_PUSH))
			continue;
		if (node_set_attr(a, iq, "from", u->bare) == 0 && set(a, iq, "to", c->components[i].domain) == 0)
			send_to(u->server, a, c->components[i].domain, u->bare, iq);
	}
}

static bool wants(const struct server *srv, unsigned may)
{
	for (unsigned i = 0; i < srv->config->n_components; i++)
		if (srv->config->components[i].may & may)
			return true;
	return false;
}

/* Directed presence, from the full address; not to the component it is from. */
static void show(struct server *srv, struct arena *a, unsigned may, const struct jid *from, const struct node *presence)
{
	const struct config *c = srv->config;
	struct node *copy = node_dup(a, presence);

	for (unsigned i = 0; copy && i < c->n_components; i++) {
		if (!(c->components[i].may & may) || str_is(from->domain, c->components[i].domain))
			continue;
		if (node_set_attr(a, copy, "from", from->full) == 0 && set(a, copy, "to", c->components[i].domain) == 0)
			send_to(srv, a, c->components[i].domain, from->full, copy);
	}
}

/* XEP-0356 6.1: the first one and the last one alone. */
static void presence_out(struct session *s, struct trip *t, bool initial)
{
	unsigned may = CONFIG_MAY_PRESENCE | CONFIG_MAY_PRESENCE_ROSTER;

	if ((initial || (!s->available && s->was_available)) && wants(s->server, may))
		show(s->server, t->arena, may, &t->from, t->stanza);
}

static void session_gone(struct session *s)
{
	unsigned may = CONFIG_MAY_PRESENCE | CONFIG_MAY_PRESENCE_ROSTER;
	bool tell = s->available && !s->server->stopping && wants(s->server, may);
	struct arena *a = tell ? arena_new(64 * 1024) : NULL;
	struct node *p = a ? node_new(a, NS_CLIENT, "presence") : NULL;
	struct jid from;

	if (p && set(a, p, "type", "unavailable") == 0 && jid_parse(a, s->full, &from) == 0)
		show(s->server, a, may, &from, p);
	arena_free(&a);
}

/* 6.4: what an account gets to see of its contacts elsewhere; those here are managed themselves. */
static int presence_directed(struct trip *t)
{
	struct str type = node_attr(t->stanza, "type");
	const struct roster_item *it = t->to_user && trip_is_foreign(t) ? roster_find(&t->to_user->roster, t->from.bare) : NULL;

	if (it && (it->sub == SUB_TO || it->sub == SUB_BOTH) && (!type.n || str_is(type, "unavailable")))
		show(t->server, t->arena, CONFIG_MAY_PRESENCE_ROSTER, &t->from, t->stanza);
	return 0;
}

/* --- messages on behalf ------------------------------------------------------------------------------------------- */

struct behalf {
	struct server *srv;
	struct arena *arena;
	struct node *inner;
};

static void on_user(void *ctx, struct user *u, int err)
{
	struct behalf *b = ctx;
	struct arena *a = b->arena;
	struct node *inner = b->inner;

	if (err < 0 || u->frozen) {
		log_event(LOG_NOTE, "privilege.message_refused", LOG_S("from", node_attr(inner, "from")));
		arena_free(&a);
		return;
	}
	trip_enter_for(b->srv, u, &a, inner);
}

/* <privilege><forwarded><message/></forwarded></privilege>: the message, or NULL. */
static const struct node *inner_of(const struct node *privilege, const char *name)
{
	const struct node *f = privilege ? node_child(privilege, NS_FORWARD, "forwarded") : NULL;

	return f ? node_child(f, NS_CLIENT, name) : NULL;
}

/* 5.1: from a bare address here; the server's own name is not lent. */
static bool is_ours(const struct server *srv, const struct jid *from)
{
	return from->local.n && !from->resource.n && server_is_local(srv, from->domain) && !str_eq(from->bare, srv->bot) &&
	       !str_eq(from->bare, srv->helpdesk);
}

static int message_server(struct trip *t)
{
	const struct node *privilege = node_child(t->stanza, NS_PRIVILEGE, "privilege"), *inner;
	struct behalf *b;
	struct arena *a;
	struct jid from;

	if (!privilege)
		return 0;
	inner = inner_of(privilege, "message");
	if (!component_may(t, CONFIG_MAY_MESSAGE) || !inner || jid_parse(t->arena, node_attr(inner, "from"), &from) < 0 ||
	    !is_ours(t->server, &from) || !node_has_attr(inner, "to"))
		return ERR_FORBIDDEN;
	a = arena_new(INNER_BYTES);
	b = a ? arena_alloc(a, sizeof(*b)) : NULL;
	if (b) {
		*b = (struct behalf){ .srv = t->server, .arena = a, .inner = node_dup(a, inner) };
		if (b->inner) {
			user_get(t->server, from.bare, on_user, b);
			return 0;
		}
	}
	arena_free(&a);
	return ERR_LIMIT;
}

/* --- requests on behalf --------------------------------------------------------------------------------------------- */

static int reply_with(struct iq *iq, const struct node *answer)
{
	struct node *privilege = node_new(iq->arena, NS_PRIVILEGE, "privilege");
	struct node *f = privilege ? node_add(iq->arena, privilege, NS_FORWARD, "forwarded") : NULL;
	struct node *copy = f ? node_dup(iq->arena, answer) : NULL;

	if (!copy || set(iq->arena, copy, "id", iq->data) < 0)
		return ERR_LIMIT;
	node_append(f, copy);
	return iq_reply(iq, privilege);
}

static void on_answer(void *ctx, const struct node *answer)
{
	struct trip *t = ctx;

	if (answer)
		trip_iq_result(t, reply_with(t->iq, answer));
	else
		trip_refuse_cond(t, "wait", "remote-server-timeout", NULL);
}

/* 7.3: everything that makes it forbidden. */
static bool is_granted(const struct iq *iq, const struct config_component *c, const struct node *inner)
{
	const struct node *payload = inner ? node_first_element(inner) : NULL;
	struct str from = inner ? node_attr(inner, "from") : STR_NONE;
	const struct config_texts *list = iq->type == IQ_GET ? &c->iq_get : &c->iq_set;

	if (!payload || node_next_element(payload) || !has(list, payload->ns) || !node_has_attr(inner, "id"))
		return false;
	if (from.n && !str_eq(from, iq->user->bare))
		return false;
	return str_eq(node_attr(inner, "type"), node_attr(iq->stanza, "type")) && !iq->user->frozen;
}

static int on_iq(struct iq *iq)
{
	bool is_component = iq->trip->origin == TRIP_COMPONENT && !iq->trip->from.local.n;
	const struct config_component *c = is_component ? component_of(iq->server, iq->trip->from.domain) : NULL;
	const struct node *inner = node_child(iq->payload, NS_CLIENT, "iq");
	struct node *own;
	int r;

	if (!c || (!c->iq_get.n && !c->iq_set.n))
		return ERR_UNAVAILABLE;		/* as for an account that is not there */
	if (!is_granted(iq, c, inner))
		return ERR_FORBIDDEN;
	own = node_dup(iq->arena, inner);
	iq->data = own ? arena_dup(iq->arena, node_attr(inner, "id").p, node_attr(inner, "id").n) : NULL;
	if (!iq->data || node_set_attr(iq->arena, own, "from", iq->user->bare) < 0)
		return ERR_LIMIT;
	if (!node_has_attr(own, "to") && node_set_attr(iq->arena, own, "to", iq->user->bare) < 0)
		return ERR_LIMIT;
	r = ask_send(iq->server, iq->arena, own, on_answer, iq->trip);
	return r < 0 ? r : IQ_LATER;
}

static const struct iq_hook iqs[] = {
	{ IQ_GET | IQ_SET, NS_PRIVILEGE, "privileged_iq", TO_ACCOUNT, on_iq },
	{ 0 }
};

static const struct mod_hooks hooks = {
	.component_open = component_open,
	.roster_push = roster_push,
	.presence_out = presence_out,
	.presence_directed = presence_directed,
	.session_gone = session_gone,
	.message_server = message_server,
};

const struct mod_def mod_privilege = {
	.name = "privilege",
	.xep = 356,
	.xep_version = "0.4.1",
	.xep_note = "rosters, messages, requests, presence; each as far as wardroom.yaml says",
	.iq = iqs,
	.hooks = &hooks,
};
