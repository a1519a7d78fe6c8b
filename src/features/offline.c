/* offline.c - XEP-0160: what came while nobody was there, at the first presence that wants messages. */
#include <stdlib.h>

#include "base/clock.h"
#include "base/limits.h"
#include "base/log.h"
#include "core/mod.h"
#include "core/prefs.h"
#include "core/sm.h"
#include "core/state.h"
#include "xmpp/wire.h"

#define BATCH_BYTES (1u << 20)
#define PAUSE_MS 1000
#define ARENA_BYTES ((size_t)LIMIT_OFFLINE * LIMIT_STANZA_BYTES * 2)	/* of all; it takes what it needs */

struct fetch {
	struct server *srv;
	uint64_t session_id;
	struct arena *arena;
	struct user *user;
	struct vault_entry *v;
	size_t n, sent;			/* sent: of v, removed or about to be */
	struct loop_timer pause;
	bool paused;
	/* A resumable stream's queue takes them over in the transaction that removes them (XEP-0198): */
	bool durable;
	struct place { uint32_t ticket; struct str bytes; } *places;
	size_t n_places;
	struct str state;
	char stream_id[SM_ID_BYTES];
};

static int fetch_work(struct vault *v, void *ctx)
{
	struct fetch *f = ctx;

	return vault_offline_list(v, f->user->bare, f->arena, &f->v, &f->n);
}

static int remove_work(struct vault *v, void *ctx)
{
	struct fetch *f = ctx;

	struct vault_stream st = { .id = str_of(f->stream_id), .owner = f->user->bare, .state = f->state,
				   .expires_ms = clock_wall_ms() + LIMIT_SM_RESUME_MS };
	int r = f->durable ? vault_stream_put(v, &st) : 0;

	for (size_t i = 0; f->durable && r == 0 && i < f->n_places; i++)
		r = vault_stream_push(v, st.id, st.owner, f->places[i].ticket, f->places[i].bytes);
	return r < 0 ? r : vault_offline_remove(v, f->user->bare, f->v[f->sent - 1].id);
}

static void fetch_free(struct fetch *f)
{
	if (f->user->offline == f)
		f->user->offline = NULL;
	user_unref(&f->user);
	arena_free(&f->arena);
	free(f);
}

/* A stanza-id names a row of the archive (XEP-0359): none for what is not in it (core/archive.c). */
static bool is_archived(const struct fetch *f, struct arena *a, const struct node *m)
{
	struct jid from;

	if (node_child(m, NS_HINTS, "no-permanent-store"))
		return false;
	return jid_parse(a, node_attr(m, "from"), &from) == 0 && prefs_archives(f->srv, f->user, from.bare, from.full);
}

static int add_delay(const struct fetch *f, struct arena *a, struct node *m, const struct vault_entry *e)
{
	struct node *d, *id;
	char stamp[CLOCK_STAMP_BYTES], text[VAULT_ID_TEXT];
	struct jid from;

	if (!node_child(m, NS_DELAY, "delay")) {
		clock_stamp(e->when_ms, stamp);
		d = node_add(a, m, NS_DELAY, "delay");
		if (!d || node_set_attr(a, d, "from", f->srv->domain) < 0 || node_set_attr(a, d, "stamp", str_of(stamp)) < 0)
			return ERR_LIMIT;
	}
	if (jid_parse(a, node_attr(m, "from"), &from) == 0 && vault_frank_add(f->srv->frank, a, m, from.bare, f->user->bare, e->id) < 0)
		return ERR_LIMIT;
	if (node_child(m, NS_SID, "stanza-id") || !is_archived(f, a, m))
		return 0;
	vault_id_text(e->id, text);
	id = node_add(a, m, NS_SID, "stanza-id");
	return id && node_set_attr(a, id, "by", f->user->bare) == 0 ? node_set_attr(a, id, "id", str_of(text)) : ERR_LIMIT;
}

/* Its place in the queue; sent when the store has it there. False: the queue is full. */
static bool reserve(struct fetch *f, struct session *s, const struct node *m)
{
	struct place *p = &f->places[f->n_places];
	struct buf b;

	buf_init(&b, LIMIT_STANZA_BYTES_MAX * 2);
	p->bytes.p = NULL;
	if (wire_write(&b, m, STR(NS_CLIENT)) == 0)
		p->bytes = arena_str(f->arena, buf_str(&b));
	buf_release(&b);
	p->ticket = p->bytes.p ? sm_reserve(s, p->bytes, STR_NONE) : 0;
	f->n_places += p->ticket != 0;
	return p->ticket != 0;
}

/* XEP-0386 3.2: what was in the archive when it bound, the client reads there. */
static bool has_it(const struct fetch *f, const struct session *s, struct arena *a, const struct node *m, const struct vault_entry *e)
{
	return e->id <= s->synced_id && is_archived(f, a, m);
}

/* One that cannot be read is left out: it must not keep the others back for ever. False: no more for now. */
static bool send_one(struct fetch *f, struct session *s, const struct vault_entry *e)
{
	struct arena *a = arena_new(LIMIT_STANZA_BYTES_MAX * 16);
	struct node *m;
	bool ok = a != NULL;

	if (a && !e->gone && wire_parse(a, e->stanza, &m) == 0 && !has_it(f, s, a, m, e) && add_delay(f, a, m, e) == 0) {
		if (f->durable)
			ok = reserve(f, s, m);
		else
			session_send(s, m);
	}
	arena_free(&a);
	return ok;
}

static void next_batch(struct fetch *f);

static void on_pause(void *ctx)
{
	struct fetch *f = ctx;

	f->paused = false;
	next_batch(f);
}

static void settle(struct fetch *f, int err)
{
	struct session *s = session_find(f->srv, f->session_id);

	for (size_t i = 0; s && s->sm && i < f->n_places; i++) {
		if (err < 0)
			sm_cancel(s, f->places[i].ticket);
		else
			sm_ready(s, f->places[i].ticket);
	}
	f->n_places = 0;
}

static void remove_done(void *ctx, int err)
{
	struct fetch *f = ctx;

	settle(f, err);
	if (err < 0)
		log_event(LOG_WARN, "offline.not_removed", LOG_Z("why", err_text(err)));
	if (err < 0 || f->sent == f->n) {
		fetch_free(f);
		return;
	}
	f->paused = true;
	loop_timer_set(f->srv->loop, &f->pause, PAUSE_MS, on_pause, f);
}

/* What the store must know to resume this stream; false: no memory. */
static bool prepare(struct fetch *f, struct session *s)
{
	struct buf b;

	f->durable = s->sm && s->sm->resumable;
	if (!f->durable)
		return true;
	if (!f->places)
		f->places = arena_alloc(f->arena, f->n * sizeof(*f->places));
	memcpy(f->stream_id, s->sm->id, SM_ID_BYTES);
	buf_init(&b, LIMIT_STANZA_BYTES_MAX);
	f->state.p = NULL;
	if (f->places && sm_state(s, sm_handled(s), &b) == 0)
		f->state = arena_str(f->arena, buf_str(&b));
	buf_release(&b);
	return f->state.p != NULL;
}

/* Removed only after it was sent, or with its place in a stored queue: at least once. In batches, because a
 * session may have LIMIT_SEND_BYTES unsent. */
static void next_batch(struct fetch *f)
{
	struct session *s = session_find(f->srv, f->session_id);
	size_t bytes = 0, before = f->sent;

	if (!s || s->ending || f->srv->stopping || !prepare(f, s)) {
		fetch_free(f);
		return;
	}
	while (f->sent < f->n && bytes < BATCH_BYTES) {
		bytes += f->v[f->sent].stanza.n;
		if (!send_one(f, s, &f->v[f->sent]))
			break;
		f->sent++;
	}
	if (f->sent > before && session_find(f->srv, f->session_id) == s &&
	    server_store(f->srv, f, remove_work, remove_done) == 0)
		return;
	settle(f, ERR_BUSY);
	fetch_free(f);
}

static void fetch_done(void *ctx, int err)
{
	struct fetch *f = ctx;

	if (err < 0)
		log_event(LOG_WARN, "offline.not_read", LOG_Z("why", err_text(err)));
	if (err < 0 || f->n == 0)
		fetch_free(f);
	else
		next_batch(f);
}

static void fetch(struct session *s)
{
	struct fetch *f = calloc(1, sizeof(*f));

	if (!f)
		return;
	f->srv = s->server;
	f->session_id = s->id;
	f->user = user_ref(s->user);
	f->user->offline = f;
	f->arena = arena_new(ARENA_BYTES);
	if (!f->arena || server_store(f->srv, f, fetch_work, fetch_done) < 0)
		fetch_free(f);
}

/* XEP-0160 3: at the first presence that wants messages; that may be a later one than the first. */
static void presence_out(struct session *s, struct trip *t, bool initial)
{
	bool wants = s->available && s->priority >= 0;

	(void)t;
	(void)initial;
	if (wants && !s->offline_asked && !s->user->offline)
		fetch(s);
	s->offline_asked = wants;
}

/* The rest waits for the next one. */
static void session_gone(struct session *s)
{
	struct fetch *f = s->user->offline;

	if (!f || f->session_id != s->id || !f->paused)
		return;
	loop_timer_cancel(f->srv->loop, &f->pause);
	fetch_free(f);
}

static const struct mod_hooks hooks = { .presence_out = presence_out, .session_gone = session_gone };

const struct mod_def mod_offline = {
	.name = "offline",
	.xep = 160,
	.xep_version = "1.0.1",
	.disco_server = (const char *const[]){ NS_OFFLINE, NULL },
	.hooks = &hooks,
};
