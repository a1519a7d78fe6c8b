/* ask.c - see ask.h. */
#include "core/ask.h"

#include <stdlib.h>

#include "base/check.h"
#include "base/rand.h"
#include "core/state.h"
#include "core/trip.h"

#define ID_BYTES 17

struct ask {
	struct server *srv;
	struct loop_timer timer;
	ask_fn *done;
	void *ctx;
	char id[ID_BYTES];
	struct str from, to;		/* behind the struct */
	char addresses[];
};

static void finish(struct ask *k, const struct node *answer)
{
	ask_fn *done = k->done;
	void *ctx = k->ctx;

	loop_timer_cancel(k->srv->loop, &k->timer);
	map_take(k->srv->asks, str_of(k->id));
	free(k);
	done(ctx, answer);
}

static void on_time(void *ctx)
{
	finish(ctx, NULL);
}

static struct ask *ask_new(struct server *srv, struct str from, struct str to)
{
	struct ask *k = calloc(1, sizeof(*k) + from.n + to.n + 1);

	if (!k)
		return NULL;
	k->srv = srv;
	memcpy(k->addresses, from.p, from.n);
	memcpy(k->addresses + from.n, to.p, to.n);
	k->from = str_make(k->addresses, from.n);
	k->to = str_make(k->addresses + from.n, to.n);
	rand_text(k->id, ID_BYTES - 1);
	return k;
}

int ask_send(struct server *srv, struct arena *a, struct node *iq, ask_fn *done, void *ctx)
{
	struct ask *k;
	int r;

	if (srv->stopping)
		return ERR_BUSY;
	k = ask_new(srv, node_attr(iq, "from"), node_attr(iq, "to"));
	if (!k)
		return ERR_NOMEM;
	k->done = done;
	k->ctx = ctx;
	r = node_set_attr(a, iq, "id", str_of(k->id));
	if (r == 0)
		r = map_put(srv->asks, str_of(k->id), k);
	if (r < 0) {
		free(k);
		return r == ERR_LIMIT ? ERR_BUSY : r;
	}
	loop_timer_set(srv->loop, &k->timer, ASK_MS, on_time, k);
	r = trip_emit(srv, iq);
	if (r < 0) {
		loop_timer_cancel(srv->loop, &k->timer);
		map_take(srv->asks, str_of(k->id));
		free(k);
	}
	return r;
}

bool ask_answered(struct server *srv, const struct node *answer)
{
	struct str type = node_attr(answer, "type");
	struct ask *k = map_get(srv->asks, node_attr(answer, "id"));

	if (!k || !(str_is(type, "result") || str_is(type, "error")) || !str_eq(node_attr(answer, "from"), k->to) ||
	    !str_eq(node_attr(answer, "to"), k->from))
		return false;
	finish(k, answer);
	return true;
}

void ask_stop(struct server *srv)
{
	struct map_iter it = { 0 };
	void *k;

	while (srv->asks && map_next(srv->asks, &it, NULL, &k)) {
		finish(k, NULL);
		it = (struct map_iter){ 0 };
	}
}
