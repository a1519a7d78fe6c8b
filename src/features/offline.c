/* offline.c - XEP-0160: what came while nobody was there, at the first presence that wants messages. */
#include <stdlib.h>

#include "base/clock.h"
#include "base/limits.h"
#include "base/log.h"
#include "core/mod.h"
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
};

static int fetch_work(struct vault *v, void *ctx)
{
	struct fetch *f = ctx;

	return vault_offline_list(v, f->user->bare, f->arena, &f->v, &f->n);
}

static int remove_work(struct vault *v, void *ctx)
{
	struct fetch *f = ctx;

	return vault_offline_remove(v, f->user->bare, f->v[f->sent - 1].id);
}

static void fetch_free(struct fetch *f)
{
	f->user->offline_under_way = false;
	user_unref(&f->user);
	arena_free(&f->arena);
	free(f);
}

/* A stanza-id names a row of the archive (XEP-0359): none for what is not in it (core/archive.c). */
static bool is_archived(const struct fetch *f, struct arena *a, const struct node *m)
{
	const struct roster_item *it = NULL;
	struct jid from;

	if (node_child(m, NS_HINTS, "no-permanent-store"))
		return false;
	switch (f->srv->config->archive.def) {
	case CONFIG_ARCHIVE_ALWAYS:
		return true;
	case CONFIG_ARCHIVE_NEVER:
		return false;
	case CONFIG_ARCHIVE_ROSTER:
		if (jid_parse(a, node_attr(m, "from"), &from) == 0)
			it = roster_find(&f->user->roster, from.bare);
		return it && it->listed;
	}
	return false;
}

static int add_delay(const struct fetch *f, struct arena *a, struct node *m, const struct vault_entry *e)
{
	struct node *d, *id;
	char stamp[CLOCK_STAMP_BYTES], text[VAULT_ID_TEXT];

	if (!node_child(m, NS_DELAY, "delay")) {
		clock_stamp(e->when_ms, stamp);
		d = node_add(a, m, NS_DELAY, "delay");
		if (!d || node_set_attr(a, d, "from", f->srv->domain) < 0 || node_set_attr(a, d, "stamp", str_of(stamp)) < 0)
			return ERR_LIMIT;
	}
	if (node_child(m, NS_SID, "stanza-id") || !is_archived(f, a, m))
		return 0;
	vault_id_text(e->id, text);
	id = node_add(a, m, NS_SID, "stanza-id");
	return id && node_set_attr(a, id, "by", f->user->bare) == 0 ? node_set_attr(a, id, "id", str_of(text)) : ERR_LIMIT;
}

/* One that cannot be read is left out: it must not keep the others back for ever. */
static void send_one(const struct fetch *f, struct session *s, const struct vault_entry *e)
{
	struct arena *a = arena_new(LIMIT_STANZA_BYTES_MAX * 16);
	struct node *m;

	if (a && !e->gone && wire_parse(a, e->stanza, &m) == 0 && add_delay(f, a, m, e) == 0)
		session_send(s, m);
	arena_free(&a);
}

static void next_batch(struct fetch *f);

static void on_pause(void *ctx)
{
	next_batch(ctx);
}

static void remove_done(void *ctx, int err)
{
	struct fetch *f = ctx;

	if (err < 0)
		log_event(LOG_WARN, "offline.not_removed", LOG_Z("why", err_text(err)));
	if (err < 0 || f->sent == f->n)
		fetch_free(f);
	else
		loop_timer_set(f->srv->loop, &f->pause, PAUSE_MS, on_pause, f);
}

/* Removed only after it was sent: at least once. Not all at once: a session may have LIMIT_SEND_BYTES unsent. */
static void next_batch(struct fetch *f)
{
	struct session *s = session_find(f->srv, f->session_id);
	size_t bytes = 0;

	if (!s || s->ending || f->srv->stopping) {
		fetch_free(f);
		return;
	}
	while (f->sent < f->n && bytes < BATCH_BYTES) {
		bytes += f->v[f->sent].stanza.n;
		send_one(f, s, &f->v[f->sent++]);
	}
	if (session_find(f->srv, f->session_id) != s || server_store(f->srv, f, remove_work, remove_done) < 0)
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
	f->user->offline_under_way = true;
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
	if (wants && !s->offline_asked && !s->user->offline_under_way)
		fetch(s);
	s->offline_asked = wants;
}

static const struct mod_hooks hooks = { .presence_out = presence_out };

const struct mod_def mod_offline = {
	.name = "offline",
	.xep = 160,
	.xep_version = "1.0.1",
	.disco_server = (const char *const[]){ NS_OFFLINE, NULL },
	.hooks = &hooks,
};
