/* deliver.c - the last step: copies to sessions, requests to handlers (RFC 6121 8.5). */
#include "core/deliver.h"

#include "base/check.h"
#include "base/limits.h"
#include "base/log.h"
#include "core/ask.h"
#include "core/bot.h"
#include "core/hooks.h"
#include "core/mod.h"
#include "core/outward.h"
#include "core/pipeline.h"
#include "core/service.h"
#include "core/session.h"
#include "core/sm.h"
#include "core/state.h"
#include "core/stream.h"
#include "core/user.h"
#include "xmpp/ns.h"
#include "xmpp/wire.h"

static struct str serialise(struct arena *a, const struct node *n)
{
	struct buf b;
	struct str s = { 0 };

	buf_init(&b, LIMIT_STANZA_BYTES_MAX * 2);
	if (wire_write(&b, n, STR(NS_CLIENT)) == 0)
		s = arena_str(a, buf_str(&b));
	buf_release(&b);
	return s;
}

struct node *deliver_view(struct trip *t, struct str bare, bool archived)
{
	struct node *view = t->stanza, *id;
	bool marked = t->id && str_eq(bare, t->to.bare) && (archived || node_child(t->stanza, NS_CLIENT, "body"));
	char text[VAULT_ID_TEXT];

	if (!archived && !marked)
		return view;
	view = node_dup(t->arena, t->stanza);
	if (!view || (marked && vault_frank_add(t->server->frank, t->arena, view, t->from.bare, bare, t->id) < 0))
		return NULL;
	if (!archived)
		return view;
	id = node_add(t->arena, view, NS_SID, "stanza-id");
	vault_id_text(t->id, text);
	if (!id || node_set_attr(t->arena, id, "by", bare) < 0 ||
	    node_set_attr(t->arena, id, "id", str_make(text, VAULT_ID_TEXT - 1)) < 0)
		return NULL;
	return view;
}

void deliver_copy(struct trip *t, struct session *s, struct str bytes, bool main)
{
	deliver_copy_shared(t, s, bytes, STR_NONE, main);
}

void deliver_copy_shared(struct trip *t, struct session *s, struct str bytes, struct str tail, bool main)
{
	struct copy *c = arena_alloc(t->arena, sizeof(*c));

	if (!c || !bytes.p)
		return;
	if (s->inactive && hooks_session_filter(s, t->stanza, bytes, tail)) {
		t->n_main += main;	/* typing, for a client that nobody looks at */
		return;
	}
	c->session_id = s->id;
	c->session = s;
	c->ends = t->server->session_ends;
	c->bytes = bytes;
	c->tail = tail;
	c->main = main;
	if (s->sm) {
		c->ticket = sm_reserve(s, bytes, tail);
		if (!c->ticket) {
			session_overrun(s);
			return;
		}
		c->durable = s->sm->resumable;
		c->trim = s->sm->acked_ticket;
		memcpy(c->stream_id, s->sm->id, SM_ID_BYTES);
		c->owner = arena_str(t->arena, s->user->bare);
	}
	c->next = t->copies;
	t->copies = c;
	t->n_main += main;
}

static bool wants_bare(const struct session *s)
{
	return s->available && s->priority >= 0;
}

void deliver_plan(struct trip *t)
{
	struct str type = node_attr(t->stanza, "type"), bytes = { 0 };
	struct session *one = NULL;

	/* An error for nobody in particular is for nobody (RFC 6121 8.5.2.1.1). */
	if (t->to_user && !(t->route == ROUTE_ACCOUNT && str_is(type, "error"))) {
		if (t->route == ROUTE_RESOURCE)
			one = session_of_resource(t->to_user, t->to.resource);
		LIST_EACH(it, &t->to_user->sessions) {
			struct session *s = LIST_ITEM(it, struct session, of_user);
			bool fits = one ? s == one : wants_bare(s);

			if (!fits || (!one && t->route == ROUTE_RESOURCE && str_is(type, "headline")))
				continue;
			if (!bytes.p) {
				struct node *view = deliver_view(t, t->to_user->bare, t->archive_to);

				bytes = view ? serialise(t->arena, view) : bytes;
			}
			deliver_copy(t, s, bytes, true);
		}
	}
	hooks_message_plan(t);
}

enum trip_next deliver_outward(struct trip *t)
{
	int r = outward_send_kept(t->server, &t->from, &t->to, t->stanza, t->outbox_seq);

	return r < 0 ? trip_refuse(t, r, NULL) : TRIP_NEXT;
}

void deliver_cancel(struct trip *t)
{
	for (struct copy *c = t->copies; c; c = c->next) {
		struct session *s = session_find(t->server, c->session_id);

		if (s && s->sm && c->ticket)
			sm_cancel(s, c->ticket);
	}
	t->copies = NULL;
	t->n_main = 0;
}

/* --- messages ------------------------------------------------------------------------------------ */

struct late {
	struct server *srv;
	struct arena *arena;
	struct str owner, stanza;
	uint64_t id, when_ms;
};

static int late_work(struct vault *v, void *ctx)
{
	struct late *l = ctx;
	int r = vault_offline_add(v, l->owner, l->id, l->when_ms, l->stanza);

	return r == ERR_LIMIT || r == ERR_CONFLICT ? 0 : r;
}

static void late_done(void *ctx, int err)
{
	struct late *l = ctx;

	if (err < 0)
		log_event(LOG_ERROR, "deliver.offline_failed", LOG_Z("why", err_text(err)));
	arena_free(&l->arena);
}

/* Every session it was planned for has gone in the meantime: it waits for the next one instead. */
static void store_late(struct trip *t)
{
	struct arena *a = t->archive_to && t->storable ? arena_new(LIMIT_STANZA_BYTES_MAX * 3) : NULL;
	struct late *l = a ? arena_alloc(a, sizeof(*l)) : NULL;

	if (l) {
		*l = (struct late){ .srv = t->server, .arena = a, .owner = arena_str(a, t->to_user->bare),
				    .stanza = arena_str(a, serialise(t->arena, t->stanza)), .id = t->id,
				    .when_ms = t->when_ms };
		if (l->owner.p && l->stanza.p && server_store(t->server, l, late_work, late_done) == 0)
			return;
	}
	arena_free(&a);
}

static enum trip_next to_server(struct trip *t)
{
	int r = hooks_message_server(t);

	return r < 0 ? trip_refuse(t, r, NULL) : TRIP_NEXT;
}

static enum trip_next deliver_message(struct trip *t)
{
	unsigned reached = 0;

	for (struct copy *c = t->copies; c; c = c->next) {
		struct session *s = c->session && c->ends == t->server->session_ends ? c->session : session_find(t->server, c->session_id);

		if (!s || s->ending)
			continue;
		reached += c->main;
		t->server->metrics.stanzas_out++;
		if (s->sm && c->ticket)
			sm_ready(s, c->ticket);
		else if (s->stream && !c->ticket)
			stream_send_parts(s->stream, c->bytes, c->tail);
	}
	t->server->metrics.delivered += reached;
	if (t->n_main && !reached)
		store_late(t);
	hooks_message_done(t);
	if (t->route == ROUTE_BOT)
		bot_message(t);
	else if (t->route == ROUTE_HELPDESK)
		bot_helpdesk(t);
	else if (t->route == ROUTE_SERVICE)
		return t->service->deliver(t);
	else if (t->route == ROUTE_REMOTE)
		return deliver_outward(t);
	else if (t->route == ROUTE_SERVER)
		return to_server(t);
	return TRIP_NEXT;
}

/* --- requests -------------------------------------------------------------------------------------- */

static enum trip_next forward(struct trip *t, struct session *to)
{
	session_send(to, t->stanza);
	return TRIP_NEXT;
}

static unsigned target_of(const struct trip *t)
{
	if (t->route == ROUTE_SERVER)
		return TO_SERVER;
	if (t->route == ROUTE_SERVICE)
		return t->to.resource.n ? TO_OCCUPANT : t->to.local.n ? TO_ROOM : TO_SERVICE;
	return str_eq(t->to.bare, t->from.bare) ? TO_SELF : TO_ACCOUNT;
}

static enum trip_next handle_request(struct trip *t, const struct node *payload)
{
	bool set = str_is(node_attr(t->stanza, "type"), "set");
	unsigned target = target_of(t);
	const struct iq_hook *claim = hooks_claim(t, target, payload);
	const struct iq_hook *h = claim ? claim : hooks_iq(set ? IQ_SET : IQ_GET, target, t->service, payload, NULL);
	struct iq *iq = h ? arena_alloc(t->arena, sizeof(*iq)) : NULL;
	int r = IQ_PASS;

	if (!h)
		return t->route == ROUTE_SERVICE ? t->service->deliver(t) : trip_refuse(t, ERR_UNAVAILABLE, NULL);
	if (!iq)
		return trip_refuse(t, ERR_LIMIT, NULL);
	*iq = (struct iq){ .trip = t, .server = t->server, .arena = t->arena,
			   .session = session_find(t->server, t->session_id), .user = t->to_user, .stanza = t->stanza,
			   .payload = payload, .target = target, .type = set ? IQ_SET : IQ_GET };
	t->iq = iq;
	trip_moved_on(t);
	while (h && r == IQ_PASS) {
		r = h->fn(iq);
		if (r == IQ_PASS)
			h = hooks_iq(iq->type, target, t->service, payload, h);
	}
	trip_iq_result(t, h ? r : ERR_UNAVAILABLE);
	return TRIP_ENDED;
}

/* What only the own server may push (security-tests 86). */
static bool servers_push(const struct node *payload)
{
	return payload && (str_is(payload->ns, NS_ROSTER) || str_is(payload->ns, NS_BLOCKING));
}

static enum trip_next deliver_iq(struct trip *t)
{
	struct str type = node_attr(t->stanza, "type");
	bool request = str_is(type, "get") || str_is(type, "set");
	const struct node *payload = node_first_element(t->stanza);

	if (t->route == ROUTE_REMOTE)
		return deliver_outward(t);
	if (t->route == ROUTE_RESOURCE) {
		struct session *to = session_of_resource(t->to_user, t->to.resource);

		if (to && !(str_is(type, "set") && servers_push(payload)))
			return forward(t, to);
		return request ? trip_refuse(t, ERR_UNAVAILABLE, NULL) : TRIP_NEXT;
	}
	if (!request && ask_answered(t->server, t->stanza))
		return TRIP_NEXT;
	if (!request)
		return t->route == ROUTE_SERVICE ? t->service->deliver(t) : TRIP_NEXT;	/* an answer nobody waits for */
	if (t->route == ROUTE_BOT || t->route == ROUTE_HELPDESK)
		return trip_refuse(t, ERR_UNAVAILABLE, NULL);
	return handle_request(t, payload);
}

static enum trip_next deliver_presence(struct trip *t)
{
	int r;

	if (t->route == ROUTE_NONE) {
		struct session *s = session_find(t->server, t->session_id);

		r = s ? session_broadcast(s, t) : 0;
	} else if (t->route == ROUTE_SERVICE) {
		return t->service->deliver(t);
	} else if (t->route == ROUTE_SERVER || t->route == ROUTE_BOT || t->route == ROUTE_HELPDESK) {
		r = 0;		/* nobody there who would want to know */
	} else {
		r = hooks_presence_directed(t);
	}
	return r < 0 ? trip_refuse(t, r, NULL) : TRIP_NEXT;
}

enum trip_next step_deliver(struct trip *t)
{
	switch (t->kind) {
	case STANZA_MESSAGE:
		return deliver_message(t);
	case STANZA_IQ:
		return deliver_iq(t);
	case STANZA_PRESENCE:
		return deliver_presence(t);
	case STANZA_OTHER:
		break;
	}
	return TRIP_NEXT;
}
