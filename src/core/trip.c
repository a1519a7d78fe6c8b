/* trip.c - begins and ends trips, keeps a session's stanzas in order, answers what is refused. */
#include "core/trip.h"

#include "base/check.h"
#include "base/limits.h"
#include "core/ask.h"
#include "core/mod.h"
#include "core/outward.h"
#include "core/pipeline.h"
#include "core/session.h"
#include "core/sm.h"
#include "core/state.h"
#include "core/stream.h"
#include "core/user.h"
#include "xmpp/ns.h"

#define TRIP_ARENA_BYTES (LIMIT_STANZA_BYTES_MAX * 16)

static struct trip *trip_new(struct server *srv, enum trip_origin origin, struct arena **a, struct node *stanza)
{
	struct trip *t = arena_alloc(*a, sizeof(*t));

	if (!t)
		return NULL;
	t->server = srv;
	t->origin = origin;
	t->arena = *a;
	*a = NULL;
	t->stanza = stanza;
	t->kind = stanza_kind(stanza);
	t->would_by = t->whisper_to = STR_NONE;
	list_init(&t->queue);
	list_init(&t->inbound);
	return t;
}

static bool take_token(struct session *s)
{
	uint64_t now = loop_now_ms(s->server->loop);
	double rate = (double)s->server->config->limits.messages_per_s;

	if (rate <= 0)
		return true;
	s->rate_tokens += (double)(now - s->rate_at_ms) * rate / 1000.0;
	s->rate_at_ms = now;
	if (s->rate_tokens > rate * 2)
		s->rate_tokens = rate * 2;
	if (s->rate_tokens < 1)
		return false;
	s->rate_tokens -= 1;
	return true;
}

/* A message, or what is published: every contact may get a copy of that. */
static bool reaches_many(const struct trip *t)
{
	const struct node *payload = t->kind == STANZA_IQ ? node_child(t->stanza, NS_PUBSUB, "pubsub") : NULL;

	return t->kind == STANZA_MESSAGE || (payload && node_child(payload, NS_PUBSUB, "publish"));
}

static void pump(struct session *s);

static void on_tokens(void *ctx)
{
	struct session *s = ctx;

	CHECK_OBJ(s, SESSION_MAGIC);
	s->throttled = false;
	if (s->stream && s->n_inbound < LIMIT_PENDING_TRIPS)
		stream_pause(s->stream, false);
	pump(s);
}

static void wait_for_tokens(struct session *s)
{
	s->throttled = true;
	if (s->stream)
		stream_pause(s->stream, true);
	loop_timer_set(s->server->loop, &s->rate_timer, 1000 / (s->server->config->limits.messages_per_s + 1) + 1, on_tokens, s);
}

/* Starts what waits, one after the other. A trip may end its session: then we stop at once. */
static void pump(struct session *s)
{
	struct server *srv = s->server;
	uint64_t id = s->id;

	if (s->pumping)
		return;
	s->pumping = true;
	while (!s->routing && !s->throttled && !list_empty(&s->waiting)) {
		struct trip *t = LIST_ITEM(s->waiting.next, struct trip, queue);

		if (reaches_many(t) && !take_token(s)) {
			wait_for_tokens(s);
			break;
		}
		list_remove(&t->queue);
		s->n_waiting--;
		s->routing = true;
		t->in_order = true;
		trip_run(t);
		if (session_find(srv, id) != s)
			return;
	}
	s->pumping = false;
}

void trip_start(struct server *srv, struct session *s, enum trip_origin origin, struct arena **a, struct node *stanza)
{
	struct trip *t = trip_new(srv, origin, a, stanza);

	if (!t) {
		arena_free(a);
		if (s)
			session_overrun(s);	/* it cannot even be refused: no memory for that */
		return;
	}
	srv->metrics.stanzas_in++;
	if (!s) {
		trip_run(t);
		return;
	}
	t->session_id = s->id;
	t->from_user = user_ref(s->user);
	if (s->sm)
		t->h = ++s->sm->in;
	list_append(&s->inbound, &t->inbound);
	list_append(&s->waiting, &t->queue);
	s->n_waiting++;
	if (++s->n_inbound >= LIMIT_PENDING_TRIPS && s->stream)
		stream_pause(s->stream, true);
	pump(s);
}

void trip_enter(struct server *srv, enum trip_origin origin, struct arena **a, struct node *stanza)
{
	trip_enter_from(srv, origin, 0, a, stanza);
}

void trip_enter_from(struct server *srv, enum trip_origin origin, uint64_t prefix, struct arena **a, struct node *stanza)
{
	struct trip *t = trip_new(srv, origin, a, stanza);

	if (!t) {
		arena_free(a);
		return;
	}
	srv->metrics.stanzas_in++;
	t->prefix = prefix;
	trip_run(t);
}

void trip_enter_for(struct server *srv, struct user *from, struct arena **a, struct node *stanza)
{
	struct trip *t = trip_new(srv, TRIP_COMPONENT, a, stanza);

	if (!t) {
		arena_free(a);
		return;
	}
	srv->metrics.stanzas_in++;
	t->from_user = user_ref(from);
	trip_run(t);
}

void trip_release(struct server *srv, struct user *from, struct arena **a, struct node *stanza, uint64_t id, uint64_t when_ms)
{
	struct trip *t = trip_new(srv, TRIP_RELEASE, a, stanza);

	if (!t) {
		arena_free(a);
		return;
	}
	t->from_user = from ? user_ref(from) : NULL;
	t->id = id;
	t->when_ms = when_ms;
	trip_run(t);
}

void trip_moved_on(struct trip *t)
{
	struct session *s;

	if (!t->in_order)
		return;
	t->in_order = false;
	s = session_find(t->server, t->session_id);
	if (!s)
		return;
	s->routing = false;
	pump(s);
}

void trip_end(struct trip *t)
{
	struct session *s = session_find(t->server, t->session_id);
	struct arena *a = t->arena;

	if (t->settled)
		t->settled(t->settled_ctx, t->err);
	if (!list_empty(&t->queue))
		list_remove(&t->queue);
	if (!list_empty(&t->inbound))
		list_remove(&t->inbound);
	user_unref(&t->from_user);
	user_unref(&t->to_user);
	if (s && !s->ending) {
		if (s->n_inbound-- == LIMIT_PENDING_TRIPS && s->stream && !s->throttled)
			stream_pause(s->stream, false);
		sm_settled(s);
		s = session_find(t->server, t->session_id);
	}
	if (s && !s->ending)
		trip_moved_on(t);
	arena_free(&a);
}

enum trip_next step_done(struct trip *t)
{
	trip_end(t);
	return TRIP_ENDED;
}

void trip_answer(struct trip *t, const struct node *reply)
{
	struct session *s = session_find(t->server, t->session_id);

	if (s)
		session_send(s, reply);
	else if (trip_is_foreign(t))
		outward_answer(t->server, t->arena, reply);
	else if (t->origin == TRIP_SERVER && t->kind == STANZA_IQ)
		ask_answered(t->server, reply);
}

static enum trip_next refused(struct trip *t, struct node *error)
{
	t->server->metrics.refused++;
	if (t->judged) {
		guard_unreserve(t->server->guard, &t->verdict);
		t->judged = false;
	}
	if (error && t->from.full.n && node_set_attr(t->arena, error, "to", t->from.full) == 0) {
		t->server->metrics.errors_sent++;
		trip_answer(t, error);
	}
	trip_end(t);
	return TRIP_ENDED;
}

static bool answerable(const struct trip *t)
{
	struct str type = node_attr(t->stanza, "type");

	if (t->origin == TRIP_RELEASE || (t->origin == TRIP_SERVER && t->kind != STANZA_IQ))
		return false;
	return !str_is(type, "error") && !(t->kind == STANZA_IQ && str_is(type, "result"));
}

enum trip_next trip_refuse(struct trip *t, int err, const char *text)
{
	t->err = err;
	return refused(t, answerable(t) ? stanza_error(t->arena, t->stanza, err, text) : NULL);
}

enum trip_next trip_refuse_cond(struct trip *t, const char *type, const char *condition, struct node *extra)
{
	t->err = ERR_FORBIDDEN;
	return refused(t, answerable(t) ? stanza_error_cond(t->arena, t->stanza, type, condition, extra) : NULL);
}

int trip_emit(struct server *srv, const struct node *stanza)
{
	return trip_emit_as(srv, TRIP_SERVER, stanza);
}

int trip_emit_settled(struct server *srv, struct user *from, const struct node *stanza, void (*settled)(void *ctx, int err), void *ctx)
{
	struct arena *a = arena_new(TRIP_ARENA_BYTES);
	struct node *copy = a ? node_dup(a, stanza) : NULL;
	struct trip *t = copy ? trip_new(srv, TRIP_SERVER, &a, copy) : NULL;

	if (!t) {
		arena_free(&a);
		return ERR_NOMEM;
	}
	srv->metrics.stanzas_in++;
	t->settled = settled;
	t->settled_ctx = ctx;
	t->from_user = from ? user_ref(from) : NULL;
	trip_run(t);
	return 0;
}

int trip_emit_as(struct server *srv, enum trip_origin origin, const struct node *stanza)
{
	struct arena *a = arena_new(TRIP_ARENA_BYTES);
	struct node *copy;

	if (!a)
		return ERR_NOMEM;
	copy = node_dup(a, stanza);
	if (!copy) {
		arena_free(&a);
		return ERR_LIMIT;
	}
	trip_start(srv, NULL, origin, &a, copy);
	return 0;
}

/* --- requests ----------------------------------------------------------------------------------- */

int iq_reply(struct iq *iq, struct node *payload)
{
	struct node *reply = stanza_reply(iq->arena, iq->stanza);

	if (!reply)
		return ERR_LIMIT;
	if (payload)
		node_append(reply, payload);
	trip_answer(iq->trip, reply);
	return 0;
}

int iq_refuse(struct iq *iq, int err, const char *text)
{
	struct node *e = stanza_error(iq->arena, iq->stanza, err, text);

	if (!e)
		return err;
	iq->server->metrics.refused++;
	iq->server->metrics.errors_sent++;
	trip_answer(iq->trip, e);
	return 0;
}

void trip_iq_result(struct trip *t, int r)
{
	if (r == IQ_LATER)
		return;
	if (r < 0)
		trip_refuse(t, r, NULL);
	else
		trip_end(t);
}

static int iq_work(struct vault *v, void *ctx)
{
	struct trip *t = ctx;

	return t->iq->work(v, t->iq);
}

static void iq_done(void *ctx, int err)
{
	struct trip *t = ctx;

	t->iq->session = session_find(t->server, t->session_id);
	trip_iq_result(t, t->iq->done(t->iq, err));
}

int iq_store(struct iq *iq, int (*work)(struct vault *v, struct iq *iq), int (*done)(struct iq *iq, int err))
{
	int r;

	iq->work = work;
	iq->done = done;
	r = server_store(iq->server, iq->trip, iq_work, iq_done);
	return r < 0 ? r : IQ_LATER;
}
