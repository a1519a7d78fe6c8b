/* known_sites.c - see known_sites.h. */
#include "core/known_sites.h"

#include <stdlib.h>

#include "base/log.h"
#include "core/state.h"
#include "outbreak/sites.h"

struct keep {
	struct server *srv;
	struct buf bytes;
};

static int keep_work(struct vault *v, void *ctx)
{
	struct keep *k = ctx;

	return vault_item_put(v, k->srv->bot, ITEM_SITES, STR_NONE, buf_str(&k->bytes));
}

static void kept(void *ctx, int err)
{
	struct keep *k = ctx;

	if (err < 0)
		log_event(LOG_ERROR, "sites.not_kept", LOG_Z("why", err_text(err)));
	buf_release(&k->bytes);
	free(k);
}

static void keep(struct server *srv)
{
	uint64_t changes = guard_sites_changes(srv->guard);
	struct keep *k = changes != srv->sites_kept ? calloc(1, sizeof(*k)) : NULL;

	if (!k)
		return;
	k->srv = srv;
	buf_init(&k->bytes, SITES_BYTES);
	guard_sites(srv->guard, &k->bytes);
	srv->sites_kept = changes;
	if (k->bytes.failed || server_store(srv, k, keep_work, kept) < 0)
		kept(k, ERR_LIMIT);
}

static void on_time(void *ctx)
{
	struct server *srv = ctx;

	keep(srv);
	loop_timer_set(srv->loop, &srv->sites_timer, KNOWN_SITES_MS, on_time, srv);
}

int known_sites_restore(struct server *srv, struct vault *v)
{
	struct arena *a = arena_new(8u << 20);
	struct str bytes;
	int r = a ? vault_item_get(v, srv->bot, ITEM_SITES, STR_NONE, a, &bytes) : ERR_NOMEM;

	if (r == 0 && guard_resites(srv->guard, bytes) < 0)
		log_event(LOG_WARN, "sites.begin_anew", LOG_Z("why", "the known sites were written by another version"));
	if (r == ERR_NOT_FOUND)
		r = 0;
	srv->sites_kept = guard_sites_changes(srv->guard);
	loop_timer_set(srv->loop, &srv->sites_timer, KNOWN_SITES_MS, on_time, srv);
	arena_free(&a);
	return r;
}

void known_sites_stop(struct server *srv)
{
	loop_timer_cancel(srv->loop, &srv->sites_timer);
	keep(srv);
}
