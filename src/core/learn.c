/* learn.c - see learn.h. */
#include "core/learn.h"

#include <stdlib.h>

#include "base/log.h"
#include "core/state.h"
#include "xmpp/ns.h"

struct keep {
	struct server *srv;
	struct buf learnt;
};

static int keep_work(struct vault *v, void *ctx)
{
	struct keep *k = ctx;

	return vault_item_put(v, k->srv->bot, ITEM_LEARNT, STR_NONE, buf_str(&k->learnt));
}

static void kept(void *ctx, int err)
{
	struct keep *k = ctx;

	if (err < 0)
		log_event(LOG_ERROR, "learn.not_kept", LOG_Z("why", err_text(err)));
	buf_release(&k->learnt);
	free(k);
}

void learn_message(struct server *srv, struct arena *a, const struct node *message, bool is_spim, float weight)
{
	const struct node *body = node_child(message, NS_CLIENT, "body");
	struct keep *k;

	if (!body || weight <= 0)
		return;
	guard_learn(srv->guard, node_text(a, body), is_spim, weight);
	k = calloc(1, sizeof(*k));
	if (!k)
		return;
	k->srv = srv;
	buf_init(&k->learnt, GUARD_LEARNT_BYTES);
	guard_learnt(srv->guard, &k->learnt);
	if (k->learnt.failed || server_store(srv, k, keep_work, kept) < 0)
		kept(k, ERR_LIMIT);
}

int learn_restore(struct server *srv, struct vault *v, struct arena *a)
{
	struct str learnt;
	int r = vault_item_get(v, srv->bot, ITEM_LEARNT, STR_NONE, a, &learnt);

	/* Of another version of the model: it begins anew. */
	if (r == 0 && guard_relearn(srv->guard, learnt) < 0)
		log_event(LOG_WARN, "learn.begins_anew", LOG_Z("why", "what was learnt belongs to another model"));
	return r == ERR_NOT_FOUND ? 0 : r;
}
