/* session.c - see session.h. */
#include "core/session.h"

#include <stdlib.h>

#include "base/buf.h"
#include "base/check.h"
#include "base/clock.h"
#include "base/limits.h"
#include "core/hooks.h"
#include "core/sm.h"
#include "core/state.h"
#include "core/stream.h"
#include "core/trip.h"
#include "core/user.h"
#include "xmpp/ns.h"
#include "xmpp/wire.h"

static struct str id_key(const uint64_t *id)
{
	return str_make((const char *)id, sizeof(*id));
}

struct session *session_find(struct server *srv, uint64_t id)
{
	return id ? map_get(srv->sessions, id_key(&id)) : NULL;
}

struct session *session_of_resource(const struct user *u, struct str resource)
{
	LIST_EACH(it, &u->sessions) {
		struct session *s = LIST_ITEM(it, struct session, of_user);

		if (str_eq(s->resource, resource))
			return s;
	}
	return NULL;
}

int session_new(struct server *srv, struct user *u, struct str resource, struct session **ret)
{
	struct session *s;
	size_t n = u->bare.n + 1 + resource.n;
	char *full;

	if (u->n_sessions >= LIMIT_SESSIONS_PER_ACCOUNT)
		return ERR_LIMIT;
	s = calloc(1, sizeof(*s));
	full = malloc(n + 1);
	if (!s || !full)
		goto fail;
	memcpy(full, u->bare.p, u->bare.n);
	full[u->bare.n] = '/';
	memcpy(full + u->bare.n + 1, resource.p, resource.n);
	full[n] = 0;
	s->magic = SESSION_MAGIC;
	s->server = srv;
	s->id = ++srv->next_session_id;
	s->since_ms = clock_wall_ms();
	s->full = str_make(full, n);
	s->resource = str_make(full + u->bare.n + 1, resource.n);
	s->rate_at_ms = loop_now_ms(srv->loop);
	s->rate_tokens = (double)srv->config->limits.messages_per_s * 2;
	list_init(&s->inbound);
	list_init(&s->waiting);
	if (map_put(srv->sessions, id_key(&s->id), s) < 0)
		goto fail;
	s->user = user_ref(u);
	list_append(&u->sessions, &s->of_user);
	u->n_sessions++;
	*ret = s;
	return 0;
fail:
	free(full);
	free(s);
	return ERR_NOMEM;
}

int session_set_presence(struct session *s, struct str xml)
{
	char *p = NULL;

	if (xml.n) {
		p = malloc(xml.n + 1);
		if (!p)
			return ERR_NOMEM;
		memcpy(p, xml.p, xml.n);
		p[xml.n] = 0;
	}
	free((void *)(uintptr_t)s->presence.p);
	s->presence = str_make(p, xml.n);
	if (s->sm)
		s->sm->dirty = true;
	return 0;
}

void session_send_bytes(struct session *s, struct str bytes)
{
	CHECK_OBJ(s, SESSION_MAGIC);
	s->server->metrics.stanzas_out++;
	if (s->sm) {
		if (!sm_send(s, bytes))
			session_overrun(s);
	} else if (s->stream) {
		stream_send(s->stream, bytes);
	}
}

void session_send(struct session *s, const struct node *stanza)
{
	struct buf b;

	if (hooks_session_filter(s, stanza, STR_NONE, STR_NONE))
		return;
	buf_init(&b, LIMIT_STANZA_BYTES_MAX * 2);
	if (wire_write(&b, stanza, STR(NS_CLIENT)) == 0)
		session_send_bytes(s, buf_str(&b));
	buf_release(&b);
}

/* RFC 6121 4.7.2.3: -128 to 127, at most one element. */
static int read_priority(struct trip *t, int *ret)
{
	const struct node *p = node_child(t->stanza, NS_CLIENT, "priority");
	int64_t v = 0;

	if (p && (node_child_next(p, NS_CLIENT, "priority") ||
		  !str_to_i64(str_trim(node_text(t->arena, p)), -128, 127, &v)))
		return ERR_BAD_REQUEST;
	*ret = (int)v;
	return 0;
}

int session_broadcast(struct session *s, struct trip *t)
{
	struct str type = node_attr(t->stanza, "type");
	bool away = str_is(type, "unavailable"), initial = !away && !s->available;
	struct buf b;
	int r, priority = 0;

	if (type.n && !away)
		return ERR_BAD_REQUEST;
	r = read_priority(t, &priority);
	if (r < 0)
		return r;
	buf_init(&b, LIMIT_STANZA_BYTES_MAX * 2);
	r = away ? 0 : wire_write(&b, t->stanza, STR(NS_CLIENT));
	if (r == 0)
		r = session_set_presence(s, away ? STR_NONE : buf_str(&b));
	buf_release(&b);
	if (r < 0)
		return r;
	s->was_available = s->available;
	s->available = !away;
	s->priority = priority;
	hooks_presence_out(s, t, initial);
	return 0;
}

/* Its queue is full: the client has not read for long. Not here, the caller may be iterating. */
static void on_overrun(struct loop_item *item)
{
	struct session *s = LIST_ITEM(item, struct session, overrun);

	session_end(s, "resource-constraint");
}

void session_overrun(struct session *s)
{
	if (s->overrun.fn)
		return;
	s->overrun.fn = on_overrun;
	list_init(&s->overrun.node);
	loop_defer(s->server->loop, &s->overrun);
}

static void on_expiry(void *ctx)
{
	struct session *s = ctx;

	CHECK_OBJ(s, SESSION_MAGIC);
	session_end(s, NULL);
}

void session_detach(struct session *s)
{
	CHECK_OBJ(s, SESSION_MAGIC);
	s->stream = NULL;
	if (!s->sm || !s->sm->resumable) {
		session_end(s, NULL);
		return;
	}
	sm_detached(s);
	hooks_session_detached(s);
	loop_timer_set(s->server->loop, &s->expiry, LIMIT_SM_RESUME_MS, on_expiry, s);
}

void session_attach(struct session *s, struct stream *st)
{
	CHECK_OBJ(s, SESSION_MAGIC);
	CHECK(!s->stream);
	loop_timer_cancel(s->server->loop, &s->expiry);
	s->stream = st;
}

void session_hibernate(struct session *s)
{
	loop_timer_set(s->server->loop, &s->expiry, LIMIT_SM_RESUME_MS, on_expiry, s);
	if (s->sm)
		sm_keep(s);
}

void session_end(struct session *s, const char *stream_error)
{
	struct server *srv = s->server;
	struct stream *st = s->stream;

	CHECK_OBJ(s, SESSION_MAGIC);
	if (s->ending)
		return;
	s->ending = true;
	s->stream = NULL;
	if (st)
		stream_end(st, stream_error);
	hooks_session_gone(s);
	loop_timer_cancel(srv->loop, &s->expiry);
	loop_timer_cancel(srv->loop, &s->rate_timer);
	if (s->overrun.fn)
		list_remove(&s->overrun.node);
	while (!list_empty(&s->waiting))
		trip_end(LIST_ITEM(s->waiting.next, struct trip, queue));
	while (!list_empty(&s->inbound))	/* they end on their own; they only lose their place here */
		list_remove(s->inbound.next);
	list_remove(&s->of_user);
	s->user->n_sessions--;
	srv->session_ends++;
	map_take(srv->sessions, id_key(&s->id));
	sm_free(s);
	user_unref(&s->user);
	free((void *)(uintptr_t)s->presence.p);
	free((void *)(uintptr_t)s->full.p);
	s->magic = 0;
	free(s);
}
