/* sm.c - see sm.h. XEP-0198 1.6. */
#include "core/sm.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/check.h"
#include "base/clock.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/rand.h"
#include "core/hooks.h"
#include "core/session.h"
#include "core/state.h"
#include "core/stream.h"
#include "core/trip.h"
#include "core/user.h"
#include "xmpp/ns.h"
#include "xmpp/wire.h"

/* Is a at or before b, modulo 2^32? */
static bool before(uint32_t a, uint32_t b)
{
	return (int32_t)(b - a) >= 0;
}

static void nonza_send(struct stream *st, const char *fmt, ...) PRINTF_LIKE(2, 3);

static void nonza_send(struct stream *st, const char *fmt, ...)
{
	char text[512];
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	CHECK(n > 0 && (size_t)n < sizeof(text));
	stream_send(st, str_make(text, (size_t)n));
}

/* --- what we send ---------------------------------------------------------------------------- */

static void ask(struct session *s)
{
	if (s->sm->asked)
		return;
	s->sm->asked = true;
	stream_send(s->stream, STR("<r xmlns='" NS_SM "'/>"));
}

static void flush(struct session *s)
{
	struct sm *sm = s->sm;
	bool sent = false;

	if (!s->stream)
		return;
	while (sm->unsent && sm->unsent->ready) {
		stream_send(s->stream, str_make(sm->unsent->bytes, sm->unsent->n));
		sm->unsent = sm->unsent->next;
		sent = true;
		if (!s->stream)
			return;		/* too much unsent output: it was closed */
	}
	if (sent)
		ask(s);
}

static struct sm_entry *append(struct session *s, struct str bytes, struct str tail, bool ready)
{
	struct sm *sm = s->sm;
	struct sm_entry *e;

	if (sm->n >= LIMIT_SM_QUEUE)
		return NULL;
	e = malloc(sizeof(*e) + bytes.n + tail.n);
	if (!e)
		return NULL;
	*e = (struct sm_entry){ .seq = ++sm->out, .ready = ready, .n = bytes.n + tail.n };
	if (e->seq + sm->holes == 0)
		sm->holes++;		/* ticket 0 says "no place" */
	e->ticket = e->seq + sm->holes;
	memcpy(e->bytes, bytes.p, bytes.n);
	memcpy(e->bytes + bytes.n, tail.p, tail.n);
	if (sm->last)
		sm->last->next = e;
	else
		sm->first = e;
	sm->last = e;
	if (!sm->unsent)
		sm->unsent = e;
	sm->n++;
	return e;
}

bool sm_send(struct session *s, struct str bytes)
{
	if (!append(s, bytes, STR_NONE, true))
		return false;
	flush(s);
	return true;
}

uint32_t sm_reserve(struct session *s, struct str bytes, struct str tail)
{
	struct sm_entry *e = append(s, bytes, tail, false);

	return e ? e->ticket : 0;
}

void sm_ready(struct session *s, uint32_t ticket)
{
	for (struct sm_entry *e = s->sm->first; e; e = e->next) {
		if (e->ticket != ticket)
			continue;
		e->ready = true;
		break;
	}
	flush(s);
}

/* The later ones move up in the client's count; their tickets in the store stay. So after a crash a stored
 * number can only be higher than the client's: that costs a duplicate under the same stanza-id, never a loss. */
void sm_cancel(struct session *s, uint32_t ticket)
{
	struct sm *sm = s->sm;
	struct sm_entry **at = &sm->first, *prev = NULL, *e;

	while (*at && (*at)->ticket != ticket) {
		prev = *at;
		at = &(*at)->next;
	}
	e = *at;
	if (!e || e->ready)
		return;
	*at = e->next;
	if (sm->last == e)
		sm->last = prev;
	if (sm->unsent == e)
		sm->unsent = e->next;
	for (struct sm_entry *later = e->next; later; later = later->next)
		later->seq--;
	sm->out--;
	sm->holes++;
	sm->n--;
	free(e);
	flush(s);
}

struct sm_entry *sm_replace(struct session *s, struct sm_entry *e, struct str bytes)
{
	struct sm *sm = s->sm;
	struct sm_entry **at = &sm->first, *n = malloc(sizeof(*n) + bytes.n);

	while (*at && *at != e)
		at = &(*at)->next;
	if (!n || !*at) {
		free(n);
		return e;
	}
	*n = *e;
	n->n = bytes.n;
	memcpy(n->bytes, bytes.p, bytes.n);
	*at = n;
	if (sm->last == e)
		sm->last = n;
	if (sm->unsent == e)
		sm->unsent = n;
	free(e);
	return n;
}

/* --- what was acknowledged ---------------------------------------------------------------------- */

static bool acknowledge(struct session *s, uint32_t h)
{
	struct sm *sm = s->sm;
	uint32_t sent = sm->unsent ? sm->unsent->seq - 1 : sm->out;

	if (!before(sm->acked, h) || !before(h, sent))
		return false;
	while (sm->first && sm->first != sm->unsent && before(sm->first->seq, h)) {
		struct sm_entry *e = sm->first;

		sm->acked_ticket = e->ticket;
		sm->first = e->next;
		if (!sm->first)
			sm->last = NULL;
		sm->n--;
		free(e);
	}
	sm->acked = h;
	return true;
}

/* After a restart nobody knows how much was sent since the last commit: the client's count is right. What it
 * may not have is numbered anew behind it, here and in the store. */
static void acknowledge_restored(struct session *s, uint32_t h)
{
	struct sm *sm = s->sm;

	sm->unsent = NULL;
	sm->out = h;
	while (sm->first && before(sm->first->seq, h)) {
		struct sm_entry *e = sm->first;

		sm->first = e->next;
		sm->n--;
		free(e);
	}
	if (!sm->first)
		sm->last = NULL;
	sm->holes = 0;
	for (struct sm_entry *e = sm->first; e; e = e->next)
		e->seq = e->ticket = ++sm->out;
	sm->acked = sm->acked_ticket = h;
	sm->restored = false;
	sm->rewrite = true;
	sm->dirty = true;
}

static bool read_h(const struct node *n, uint32_t *ret)
{
	uint64_t h;

	if (!str_to_u64(node_attr(n, "h"), UINT32_MAX, &h))
		return false;
	*ret = (uint32_t)h;
	return true;
}

static void too_high(struct stream *st, uint32_t h, uint32_t sent)
{
	char extra[160];

	snprintf(extra, sizeof(extra), "<handled-count-too-high xmlns='" NS_SM "' h='%u' send-count='%u'/>", h, sent);
	stream_end_with(st, "undefined-condition", extra);
}

/* A stream error on a session's own stream: no resumption after it. */
static void break_off(struct session *s, const char *condition)
{
	session_end(s, condition);
}

static void on_ack(struct session *s, const struct node *n)
{
	struct sm *sm = s->sm;
	uint32_t h;

	if (!read_h(n, &h)) {
		break_off(s, "bad-format");
		return;
	}
	if (!acknowledge(s, h)) {
		struct stream *st = s->stream;

		s->stream = NULL;
		too_high(st, h, sm->unsent ? sm->unsent->seq - 1 : sm->out);
		session_end(s, NULL);
		return;
	}
	sm->asked = false;
	if (sm->first && sm->first != sm->unsent)
		ask(s);
}

/* --- what we received ------------------------------------------------------------------------------ */

uint32_t sm_handled(const struct session *s)
{
	if (list_empty(&s->inbound))
		return s->sm->in;
	return LIST_ITEM(s->inbound.next, struct trip, inbound)->h - 1;
}

int sm_state(const struct session *s, uint32_t h, struct buf *b)
{
	buf_printf(b, "1 %u %u %d %d %d %d %d %d %s\n", h, s->sm->out, s->priority, s->available, s->roster_wanted,
		   s->blocklist_wanted, s->carbons, s->inactive, s->device);
	buf_str_add(b, s->resource);
	buf_char(b, '\n');
	buf_str_add(b, s->presence);
	return b->failed ? ERR_LIMIT : 0;
}

struct put {
	struct server *srv;
	uint64_t session_id;
	struct buf state;
	struct buf queue;		/* rewrite: entries as ticket, length, bytes */
	bool rewrite, resumable;
	uint32_t h, trim;
	char id[SM_ID_BYTES];
	struct str owner;		/* the user's */
	struct user *user;
};

static int put_queue(struct vault *v, const struct put *p)
{
	struct str rest = buf_str(&p->queue);
	int r = 0;

	while (rest.n && r == 0) {
		struct { uint32_t ticket; uint32_t n; } head;

		memcpy(&head, rest.p, sizeof(head));
		r = vault_stream_push(v, str_of(p->id), p->owner, head.ticket, str_make(rest.p + sizeof(head), head.n));
		rest = str_cut(rest, sizeof(head) + head.n);
	}
	return r;
}

static int copy_queue(const struct sm *sm, struct buf *b)
{
	for (const struct sm_entry *e = sm->first; e; e = e->next) {
		struct { uint32_t ticket; uint32_t n; } head = { e->ticket, (uint32_t)e->n };

		buf_add(b, &head, sizeof(head));
		buf_add(b, e->bytes, e->n);
	}
	return b->failed ? ERR_LIMIT : 0;
}

static int put_work(struct vault *v, void *ctx)
{
	struct put *p = ctx;
	struct vault_stream st = { .id = str_of(p->id), .owner = p->owner, .state = buf_str(&p->state),
				   .expires_ms = clock_wall_ms() + LIMIT_SM_RESUME_MS };
	int r;

	if (!p->resumable)
		return 0;		/* nothing to keep: it only waits its turn */
	if (p->rewrite) {
		r = vault_stream_remove(v, st.id);
		if (r < 0)
			return r;
	}
	r = vault_stream_put(v, &st);
	if (r == 0 && p->rewrite)
		r = put_queue(v, p);
	return r < 0 ? r : vault_stream_trim(v, st.id, p->trim);
}

static void store(struct session *s);

static void put_done(void *ctx, int err)
{
	struct put *p = ctx;
	struct session *s = session_find(p->srv, p->session_id);

	if (s && s->sm) {
		s->sm->storing = false;
		if (err == 0)
			sm_stored(s, p->h);
		else
			p->srv->metrics.store_failures++;
		if (err < 0 && s->sm->resuming) {
			struct stream *st = s->sm->resuming;

			s->sm->resuming = NULL;
			stream_end(st, "resource-constraint");
		} else if (err == 0) {
			sm_settled(s);
			if (s->sm && !s->stream)
				sm_keep(s);	/* what changed meanwhile */
		}
	}
	user_unref(&p->user);
	buf_release(&p->state);
	buf_release(&p->queue);
	free(p);
}

/* Brings count, flags and presence to disk. */
static void store(struct session *s)
{
	struct put *p;
	int r = ERR_NOMEM;

	if (s->sm->storing)
		return;
	p = calloc(1, sizeof(*p));
	if (p) {
		p->srv = s->server;
		p->session_id = s->id;
		p->h = sm_handled(s);
		p->trim = s->sm->acked_ticket;
		p->rewrite = s->sm->rewrite;
		p->resumable = s->sm->resumable;
		buf_init(&p->queue, 64u << 20);
		memcpy(p->id, s->sm->id, SM_ID_BYTES);
		p->user = user_ref(s->user);
		p->owner = s->user->bare;
		buf_init(&p->state, LIMIT_STANZA_BYTES_MAX);
		r = sm_state(s, p->h, &p->state);
		if (r == 0 && p->rewrite)
			r = copy_queue(s->sm, &p->queue);
		if (r == 0)
			r = server_store(s->server, p, put_work, put_done);
		if (r == 0) {
			s->sm->storing = true;
			s->sm->dirty = false;
			s->sm->rewrite = false;
			return;
		}
		user_unref(&p->user);
		buf_release(&p->state);
		buf_release(&p->queue);
		free(p);
	}
	log_event(LOG_WARN, "sm.store_failed", LOG_Z("why", err_text(r)));
}

void sm_keep(struct session *s)
{
	if (s->sm->resumable && (s->sm->dirty || s->sm->stored_h != sm_handled(s)))
		store(s);
}

void sm_stored(struct session *s, uint32_t h)
{
	if (before(s->sm->stored_h, h))
		s->sm->stored_h = h;
}

static void answer(struct session *s)
{
	struct sm *sm = s->sm;
	uint32_t h = sm_handled(s);

	if (!sm->answer_due || !s->stream || !before(sm->answer_at, h))
		return;
	if (s->user->roster_unsaved)
		user_save_roster(s->user, NULL, NULL);
	if (sm->stored_h != h || sm->dirty || s->user->roster_unsaved) {
		store(s);		/* behind all that these stanzas left in the store; calls us again */
		return;
	}
	sm->answer_due = false;
	nonza_send(s->stream, "<a xmlns='" NS_SM "' h='%u'/>", h);
}

static void on_request(struct session *s)
{
	s->sm->answer_due = true;
	s->sm->answer_at = s->sm->in;
	answer(s);
}

/* --- enable ------------------------------------------------------------------------------------------- */

void sm_enable(struct session *s, const struct node *n, struct buf *b)
{
	struct str resume = node_attr(n, "resume");
	struct sm *sm;

	if (s->sm) {
		buf_printf(b, "<failed xmlns='" NS_SM "'><unexpected-request xmlns='" NS_STANZAS "'/></failed>");
		return;
	}
	sm = calloc(1, sizeof(*sm));
	if (!sm) {
		buf_printf(b, "<failed xmlns='" NS_SM "'><resource-constraint xmlns='" NS_STANZAS "'/></failed>");
		return;
	}
	sm->resumable = str_is(resume, "true") || str_is(resume, "1");
	if (sm->resumable) {
		rand_text(sm->id, SM_ID_BYTES - 1);
		if (map_put(s->server->resumable, str_of(sm->id), s) < 0)
			sm->resumable = false;
	}
	/* Stanzas before <enable/> are not counted, so what is still on its way loses its place. */
	while (!list_empty(&s->inbound))
		list_remove(s->inbound.next);
	s->sm = sm;
	sm->dirty = true;
	sm_keep(s);
	if (sm->resumable)
		buf_printf(b, "<enabled xmlns='" NS_SM "' id='%s' resume='true' max='%d'/>", sm->id, LIMIT_SM_RESUME_MS / 1000);
	else
		buf_printf(b, "<enabled xmlns='" NS_SM "'/>");
}

static void on_enable(struct session *s, const struct node *n)
{
	struct buf b;

	buf_init(&b, 1024);
	sm_enable(s, n, &b);
	stream_send(s->stream, buf_str(&b));
	buf_release(&b);
}

bool sm_nonza(struct session *s, const struct node *n)
{
	if (!str_is(n->ns, NS_SM))
		return false;
	if (node_is(n, NS_SM, "enable")) {
		on_enable(s, n);
	} else if (node_is(n, NS_SM, "resume")) {
		nonza_send(s->stream, "<failed xmlns='" NS_SM "'><unexpected-request xmlns='" NS_STANZAS "'/></failed>");
	} else if (!s->sm) {
		nonza_send(s->stream, "<failed xmlns='" NS_SM "'><unexpected-request xmlns='" NS_STANZAS "'/></failed>");
	} else if (node_is(n, NS_SM, "r")) {
		on_request(s);
	} else if (node_is(n, NS_SM, "a")) {
		on_ack(s, n);
	} else {
		return false;
	}
	return true;
}

/* --- resumption ------------------------------------------------------------------------------------------ */

static void resume_finish(struct session *s)
{
	struct sm *sm = s->sm;
	struct stream *st = sm->resuming;
	struct server *srv = s->server;
	uint64_t id = s->id;
	char text[160];

	sm->resuming = NULL;
	sm->asked = false;
	sm->answer_due = false;
	snprintf(text, sizeof(text), "<resumed xmlns='" NS_SM "' previd='%s' h='%u'/>", sm->id, sm_handled(s));
	session_attach(s, st);
	stream_resumed(st, s, text);
	srv->metrics.resumed++;
	if (session_find(srv, id) != s)
		return;			/* its stream could not even say so */
	hooks_session_resumed(s);
	if (s->stream)
		flush(s);
}

void sm_settled(struct session *s)
{
	struct sm *sm = s->sm;

	if (!sm)
		return;
	if (!sm->resuming) {
		answer(s);
		return;
	}
	if (!list_empty(&s->inbound) || s->n_waiting)
		return;
	if (sm->stored_h != sm->in || sm->dirty)
		store(s);
	else
		resume_finish(s);
}

void sm_resume(struct server *srv, struct stream *st, struct str bare, const struct node *n)
{
	struct session *s = map_get(srv->resumable, node_attr(n, "previd"));
	uint32_t h;

	if (!read_h(n, &h)) {
		stream_resume_failed(st, "<failed xmlns='" NS_SM "'><bad-request xmlns='" NS_STANZAS "'/></failed>");
		return;
	}
	if (!s || !str_eq(s->user->bare, bare)) {
		stream_resume_failed(st, "<failed xmlns='" NS_SM "'><item-not-found xmlns='" NS_STANZAS "'/></failed>");
		return;
	}
	if (s->sm->resuming) {
		stream_end(s->sm->resuming, "conflict");
		s->sm->resuming = NULL;
	}
	if (s->stream) {
		struct stream *old = s->stream;

		s->stream = NULL;
		stream_end(old, "conflict");
		sm_detached(s);
	}
	if (s->sm->restored) {
		acknowledge_restored(s, h);
	} else if (!acknowledge(s, h)) {
		too_high(st, h, s->sm->out);
		session_hibernate(s);
		return;
	}
	s->sm->unsent = s->sm->first;
	s->sm->resuming = st;
	stream_pause(st, true);
	sm_settled(s);
}

void sm_resume_lost(struct session *s, struct stream *st)
{
	if (s->sm && s->sm->resuming == st) {
		s->sm->resuming = NULL;
		session_hibernate(s);
	}
}

void sm_detached(struct session *s)
{
	/* All that was written counts as sent for the client's next h; all of it is written again unless it says so. */
	s->sm->answer_due = false;
	s->sm->asked = false;
}

/* --- end ------------------------------------------------------------------------------------------------------ */

struct leave {
	struct server *srv;
	struct user *user;
	char id[SM_ID_BYTES];
	bool stored;
	struct sm_entry *entries;	/* messages for the offline store */
};

/* The archive id our own <stanza-id/> gave it; 0: none. */
static uint64_t stanza_id(const struct node *m, struct str by)
{
	uint64_t id;

	for (struct node *c = node_child(m, NS_SID, "stanza-id"); c; c = node_child_next(c, NS_SID, "stanza-id"))
		if (str_eq(node_attr(c, "by"), by) && vault_id_parse(node_attr(c, "id"), &id) == 0)
			return id;
	return 0;
}

static int leave_message(struct vault *v, struct leave *l, struct sm_entry *e)
{
	struct arena *a = arena_new(LIMIT_STANZA_BYTES_MAX * 8);
	struct node *m;
	uint64_t id;
	int r = 0;

	if (!a)
		return ERR_NOMEM;
	if (wire_parse(a, str_make(e->bytes, e->n), &m) == 0 && stanza_kind(m) == STANZA_MESSAGE &&
	    node_child(m, NS_CLIENT, "body")) {
		id = stanza_id(m, l->user->bare);
		if (id)
			r = vault_offline_add(v, l->user->bare, id, id >> 20, str_make(e->bytes, e->n));
	}
	arena_free(&a);
	return r == ERR_LIMIT || r == ERR_CONFLICT ? 0 : r;
}

static int leave_work(struct vault *v, void *ctx)
{
	struct leave *l = ctx;
	int r = 0;

	for (struct sm_entry *e = l->entries; e && r == 0; e = e->next)
		r = leave_message(v, l, e);
	if (r == 0 && l->stored)
		r = vault_stream_remove(v, str_of(l->id));
	return r;
}

static void free_entries(struct sm_entry *e)
{
	while (e) {
		struct sm_entry *next = e->next;

		free(e);
		e = next;
	}
}

static void leave_done(void *ctx, int err)
{
	struct leave *l = ctx;

	if (err < 0) {
		l->srv->metrics.store_failures++;
		log_event(LOG_ERROR, "sm.leave_failed", LOG_Z("why", err_text(err)));
	}
	free_entries(l->entries);
	user_unref(&l->user);
	free(l);
}

/* Another session that is available gets messages to the bare JID anyhow. */
static bool others_available(const struct session *s)
{
	LIST_EACH(it, &s->user->sessions) {
		const struct session *o = LIST_ITEM(it, struct session, of_user);

		if (o != s && o->available && o->priority >= 0)
			return true;
	}
	return false;
}

void sm_free(struct session *s)
{
	struct sm *sm = s->sm;
	struct leave *l;

	if (!sm)
		return;
	s->sm = NULL;
	if (sm->resuming)
		stream_end(sm->resuming, "resource-constraint");
	if (sm->resumable)
		map_take(s->server->resumable, str_of(sm->id));
	l = s->server->stopping ? NULL : calloc(1, sizeof(*l));
	if (l) {
		l->srv = s->server;
		l->user = user_ref(s->user);
		l->stored = sm->resumable;
		memcpy(l->id, sm->id, SM_ID_BYTES);
		if (!others_available(s)) {
			l->entries = sm->first;
			sm->first = NULL;
		}
		if (server_store(s->server, l, leave_work, leave_done) < 0)
			leave_done(l, ERR_BUSY);
	}
	free_entries(sm->first);
	free(sm);
}

/* --- start ------------------------------------------------------------------------------------------------------ */

struct restore {
	struct restore *next;
	struct server *srv;
	char id[SM_ID_BYTES];
	struct arena *arena;
	struct str state, owner;
	struct vault_queued *queue;
	size_t n_queue;
};

static bool decode_state(struct session *s, struct str state, uint32_t *ret_out, struct str *ret_presence)
{
	int prio, avail, roster, block, carbons, inactive;
	unsigned h, out;
	ptrdiff_t line = str_find_char(state, '\n'), second;
	char first[160];

	if (line < 0 || (size_t)line >= sizeof(first))
		return false;
	memcpy(first, state.p, (size_t)line);
	first[line] = 0;
	if (sscanf(first, "1 %u %u %d %d %d %d %d %d %12s", &h, &out, &prio, &avail, &roster, &block, &carbons, &inactive,
		   s->device) < 8)
		return false;		/* the ninth is missing where the client did not say who it is */
	second = str_find_char(str_cut(state, (size_t)line + 1), '\n');
	if (second < 0)
		return false;
	s->priority = prio;
	s->available = s->was_available = avail != 0;
	s->roster_wanted = roster != 0;
	s->blocklist_wanted = block != 0;
	s->carbons = carbons != 0;
	s->inactive = inactive != 0;
	s->sm->in = s->sm->stored_h = h;
	*ret_out = out;
	*ret_presence = str_cut(state, (size_t)(line + 1 + second + 1));
	return true;
}

static struct str state_resource(struct str state)
{
	ptrdiff_t line = str_find_char(state, '\n');
	struct str rest = line < 0 ? STR_NONE : str_cut(state, (size_t)line + 1);
	ptrdiff_t end = str_find_char(rest, '\n');

	return end < 0 ? STR_NONE : str_make(rest.p, (size_t)end);
}

/* Stanzas keep the numbers they were stored under; those that were never stored were never promised. */
static bool refill(struct session *s, const struct restore *r, uint32_t out)
{
	struct sm *sm = s->sm;

	sm->out = out;
	sm->acked = r->n_queue ? r->queue[0].seq - 1 : out;
	for (size_t i = 0; i < r->n_queue; i++) {
		struct sm_entry *e = append(s, r->queue[i].stanza, STR_NONE, true);

		if (!e)
			return false;
		e->seq = e->ticket = r->queue[i].seq;
	}
	if (sm->last && before(out, sm->last->seq))
		out = sm->last->seq;
	sm->out = out;
	sm->restored = true;
	return true;
}

static void on_user(void *ctx, struct user *u, int err)
{
	struct restore *r = ctx;
	struct session *s = NULL;
	struct str presence;
	uint32_t out;

	if (err == 0 && session_new(r->srv, u, state_resource(r->state), &s) == 0) {
		s->sm = calloc(1, sizeof(*s->sm));
		if (s->sm) {
			memcpy(s->sm->id, r->id, SM_ID_BYTES);
			s->sm->resumable = true;
		}
		if (!s->sm || !decode_state(s, r->state, &out, &presence) || session_set_presence(s, presence) < 0 ||
		    !refill(s, r, out) || map_put(r->srv->resumable, str_of(s->sm->id), s) < 0) {
			session_end(s, NULL);
		} else {
			session_hibernate(s);
			hooks_session_restored(s);
		}
	}
	arena_free(&r->arena);
	free(r);
}

/* Everything is read before the first account is asked for: from then on the store thread has the vault. */
int sm_restore(struct server *srv, struct vault *v)
{
	struct arena *a = arena_new(64u << 20);
	struct restore *all = NULL;
	struct vault_stream *list;
	size_t n;
	int r = a ? vault_stream_list(v, a, &list, &n) : ERR_NOMEM;

	for (size_t i = 0; r == 0 && i < n; i++) {
		struct restore *one = calloc(1, sizeof(*one));
		struct vault_stream st;

		if (!one || list[i].id.n != SM_ID_BYTES - 1) {
			free(one);
			continue;
		}
		one->srv = srv;
		memcpy(one->id, list[i].id.p, SM_ID_BYTES - 1);
		one->arena = arena_new(64u << 20);
		r = one->arena ? vault_stream_get(v, list[i].id, one->arena, &st, &one->queue, &one->n_queue) : ERR_NOMEM;
		if (r < 0) {
			arena_free(&one->arena);
			free(one);
			break;
		}
		one->state = st.state;
		one->owner = st.owner;
		one->next = all;
		all = one;
	}
	while (all) {
		struct restore *one = all;

		all = one->next;
		user_get(srv, one->owner, on_user, one);
	}
	arena_free(&a);
	return r;
}
