/* learn.c - see learn.h. */
#include "core/learn.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "core/state.h"
#include "xmpp/ns.h"

#define WEEK_MS (7 * 86400 * 1000ull)
#define LOOK_MS 3600000
#define WEEKS_MOST 64			/* of a server that was away: by then nothing is left */
#define WEEK STR("week")		/* when it faded last: number of the week since 1970 */

struct keep {
	struct server *srv;
	struct buf learnt;
	char week[24];
};

static int keep_work(struct vault *v, void *ctx)
{
	struct keep *k = ctx;

	int r = vault_item_put(v, k->srv->bot, ITEM_LEARNT, STR_NONE, buf_str(&k->learnt));

	return r < 0 ? r : vault_item_put(v, k->srv->bot, ITEM_LEARNT, WEEK, str_of(k->week));
}

static void kept(void *ctx, int err)
{
	struct keep *k = ctx;

	if (err < 0)
		log_event(LOG_ERROR, "learn.not_kept", LOG_Z("why", err_text(err)));
	buf_release(&k->learnt);
	free(k);
}

static void keep(struct server *srv)
{
	struct keep *k = calloc(1, sizeof(*k));

	if (!k)
		return;
	k->srv = srv;
	snprintf(k->week, sizeof(k->week), "%llu", (unsigned long long)srv->learn_week);
	buf_init(&k->learnt, GUARD_LEARNT_BYTES);
	guard_learnt(srv->guard, &k->learnt);
	if (k->learnt.failed || server_store(srv, k, keep_work, kept) < 0)
		kept(k, ERR_LIMIT);
}

/* What people said a year ago says little of today's texts. */
static void on_time(void *ctx)
{
	struct server *srv = ctx;
	uint64_t week = clock_wall_ms() / WEEK_MS, first = srv->learn_week;

	for (unsigned i = 0; srv->learn_week < week && i < WEEKS_MOST; i++, srv->learn_week++)
		guard_fade(srv->guard);
	srv->learn_week = week;
	if (first < week)
		keep(srv);
	loop_timer_set(srv->loop, &srv->learn_timer, LOOK_MS, on_time, srv);
}

void learn_stop(struct server *srv)
{
	loop_timer_cancel(srv->loop, &srv->learn_timer);
}

void learn_message(struct server *srv, struct arena *a, const struct node *message, bool is_spim, float weight)
{
	const struct node *body = node_child(message, NS_CLIENT, "body");

	if (!body || weight <= 0)
		return;
	guard_learn(srv->guard, node_text(a, body), is_spim, weight);
	srv->metrics.learnt++;
	keep(srv);
}

int learn_restore(struct server *srv, struct vault *v, struct arena *a)
{
	struct str learnt, week;
	int r = vault_item_get(v, srv->bot, ITEM_LEARNT, WEEK, a, &week);

	srv->learn_week = clock_wall_ms() / WEEK_MS;
	if (r == 0 && !str_to_u64(week, srv->learn_week, &srv->learn_week))
		log_event(LOG_WARN, "learn.when", LOG_Z("why", "when what was learnt faded last is not known: it counts from now"));
	loop_timer_set(srv->loop, &srv->learn_timer, LOOK_MS, on_time, srv);
	r = r == 0 || r == ERR_NOT_FOUND ? vault_item_get(v, srv->bot, ITEM_LEARNT, STR_NONE, a, &learnt) : r;

	/* Of another version of the model: it begins anew. */
	if (r == 0 && guard_relearn(srv->guard, learnt) < 0)
		log_event(LOG_WARN, "learn.begins_anew", LOG_Z("why", "what was learnt belongs to another model"));
	return r == ERR_NOT_FOUND ? 0 : r;
}
