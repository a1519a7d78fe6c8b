/* offline.c - XEP-0160: what came while nobody was there, at the first presence that wants messages. */
#include <stdlib.h>

#include "base/clock.h"
#include "base/limits.h"
#include "base/log.h"
#include "core/mod.h"
#include "core/state.h"
#include "xmpp/wire.h"

struct fetch {
	struct server *srv;
	uint64_t session_id;
	struct arena *arena;
	struct user *user;
	struct vault_entry *v;
	size_t n;
};

static int fetch_work(struct vault *v, void *ctx)
{
	struct fetch *f = ctx;

	return vault_offline_list(v, f->user->bare, f->arena, &f->v, &f->n);
}

static int remove_work(struct vault *v, void *ctx)
{
	struct fetch *f = ctx;

	return vault_offline_remove(v, f->user->bare, f->v[f->n - 1].id);
}

static void fetch_free(struct fetch *f)
{
	user_unref(&f->user);
	arena_free(&f->arena);
	free(f);
}

static void remove_done(void *ctx, int err)
{
	if (err < 0)
		log_event(LOG_WARN, "offline.not_removed", LOG_Z("why", err_text(err)));
	fetch_free(ctx);
}

static int add_delay(struct fetch *f, struct node *m, const struct vault_entry *e)
{
	struct node *d, *id;
	char stamp[CLOCK_STAMP_BYTES], text[VAULT_ID_TEXT];

	if (!node_child(m, NS_DELAY, "delay")) {
		clock_stamp(e->when_ms, stamp);
		d = node_add(f->arena, m, NS_DELAY, "delay");
		if (!d || node_set_attr(f->arena, d, "from", f->srv->domain) < 0 ||
		    node_set_attr(f->arena, d, "stamp", str_of(stamp)) < 0)
			return ERR_LIMIT;
	}
	if (node_child(m, NS_SID, "stanza-id"))
		return 0;
	vault_id_text(e->id, text);
	id = node_add(f->arena, m, NS_SID, "stanza-id");
	return id && node_set_attr(f->arena, id, "by", f->user->bare) == 0 ? node_set_attr(f->arena, id, "id", str_of(text)) :
	       ERR_LIMIT;
}

/* Removed only after it was sent: at least once. */
static void fetch_done(void *ctx, int err)
{
	struct fetch *f = ctx;
	struct session *s = session_find(f->srv, f->session_id);

	if (err < 0 || !s || f->n == 0) {
		if (err < 0)
			log_event(LOG_WARN, "offline.not_read", LOG_Z("why", err_text(err)));
		fetch_free(f);
		return;
	}
	for (size_t i = 0; i < f->n; i++) {
		struct node *m;

		if (f->v[i].gone || wire_parse(f->arena, f->v[i].stanza, &m) < 0 || add_delay(f, m, &f->v[i]) < 0)
			continue;
		session_send(s, m);
		if (session_find(f->srv, f->session_id) != s) {
			fetch_free(f);
			return;
		}
	}
	if (server_store(f->srv, f, remove_work, remove_done) < 0)
		fetch_free(f);
}

static void presence_out(struct session *s, struct trip *t, bool initial)
{
	struct fetch *f;

	(void)t;
	if (!initial || s->priority < 0)
		return;
	f = calloc(1, sizeof(*f));
	if (!f)
		return;
	f->srv = s->server;
	f->session_id = s->id;
	f->user = user_ref(s->user);
	f->arena = arena_new(256u << 20);
	if (!f->arena || server_store(f->srv, f, fetch_work, fetch_done) < 0)
		fetch_free(f);
}

static const struct mod_hooks hooks = { .presence_out = presence_out };

const struct mod_def mod_offline = {
	.name = "offline",
	.xep = 160,
	.xep_version = "1.0.1",
	.disco_server = (const char *const[]){ NS_OFFLINE, NULL },
	.hooks = &hooks,
};
