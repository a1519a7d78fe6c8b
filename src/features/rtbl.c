/* rtbl.c - real-time block lists: subscribes to lists at other servers' publish-subscribe services (XEP-0060) and keeps
 * what they say in core/blocklist.h. An item's id is the SHA-256 of a bare address or a domain; an item of another Wardroom
 * (core/exchange.h) has a <threat/> that says what else it is, how sure its publisher is, and until when.
 *
 * The whole list is asked for at the start and every hour, since an event may be lost; events keep it fresh between. Only
 * the service that was asked may tell of its own node.
 */
#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "core/ask.h"
#include "core/blocklist.h"
#include "core/exchange.h"
#include "core/mod.h"
#include "core/state.h"

#define FIRST_MS 2000			/* links to other servers and components come up first */
#define AGAIN_MS 3600000
#define RETRY_MS 10000			/* the service did not answer */
#define ITEM_ARENA (64 * 1024)

struct rtbl {
	struct server *srv;
	struct loop_timer timer;
	char policy[POLICY_DIGEST];	/* whose readers our own list has */
	unsigned missing;		/* lists that have not been read yet */
	size_t asked;			/* so many lists; another number: policy has changed */
	uint64_t due_ms;
};

struct question {
	struct rtbl *rtbl;
	char list[512];
};

static bool split(struct str list, struct str *service, struct str *node)
{
	ptrdiff_t blank = str_find_char(list, ' ');

	if (blank <= 0)
		return false;
	*service = str_make(list.p, (size_t)blank);
	*node = str_trim(str_cut(list, (size_t)blank));
	return node->n > 0;
}

/* What a <threat/> says; without one it is an address, for good. */
static int read_threat(const struct node *item, struct blocklist_entry *ret)
{
	const struct node *n = node_child(item, NS_EXCHANGE, "threat");
	struct str weight, expires;
	int64_t w = 100;

	*ret = (struct blocklist_entry){ .kind = BLOCKLIST_ADDRESS, .weight = 100, .memory = STR_NONE };
	if (!n)
		return 0;
	weight = node_attr(n, "weight");
	expires = node_attr(n, "expires");
	if (!blocklist_kind_parse(node_attr(n, "kind"), &ret->kind) || (weight.n && !str_to_i64(weight, 1, 100, &w)) ||
	    (expires.n && clock_parse(expires.p, expires.n, &ret->expires_ms) < 0))
		return ERR_BAD_FORMAT;
	ret->weight = (unsigned)w;
	ret->memory = node_attr(n, "memory");
	return 0;
}

static int read_item(struct server *srv, struct str list, const struct node *item)
{
	struct blocklist_entry e;
	int r = read_threat(item, &e);

	if (r < 0 || (e.expires_ms && e.expires_ms <= clock_wall_ms()))
		return r;
	return blocklist_add(srv, list, node_attr(item, "id"), &e);
}

static void read_items(struct server *srv, struct str list, const struct node *items)
{
	unsigned bad = 0;

	for (const struct node *n = node_first_element(items); n; n = node_next_element(n)) {
		struct str id = node_attr(n, "id");

		if (str_is(n->name, "retract"))
			blocklist_remove(srv, list, id);
		else if (str_is(n->name, "item"))
			bad += read_item(srv, list, n) < 0;
	}
	if (bad)
		log_event(LOG_WARN, "rtbl.unreadable", LOG_S("list", list), LOG_N("items", bad));
}

static void on_items(void *ctx, const struct node *answer)
{
	struct question *q = ctx;
	const struct node *pubsub = answer ? node_child(answer, NS_PUBSUB, "pubsub") : NULL;
	const struct node *items = pubsub && str_is(node_attr(answer, "type"), "result") ? node_child(pubsub, NS_PUBSUB, "items") : NULL;

	if (items) {
		blocklist_clear(q->rtbl->srv, str_of(q->list));
		read_items(q->rtbl->srv, str_of(q->list), items);
		q->rtbl->missing -= q->rtbl->missing > 0;
	} else {
		log_event(LOG_NOTE, "rtbl.no_answer", LOG_Z("list", q->list));	/* what was known of it stays */
	}
	free(q);
}

static void on_subscribed(void *ctx, const struct node *answer)
{
	(void)ctx;
	(void)answer;			/* without it the hourly reading is what there is */
}

static struct node *request(struct rtbl *r, struct arena *a, struct str service, struct str node, bool subscribe)
{
	struct node *iq = node_new(a, NS_CLIENT, "iq"), *pubsub, *what;

	if (!iq || node_set_attr(a, iq, "type", subscribe ? STR("set") : STR("get")) < 0 || node_set_attr(a, iq, "from", r->srv->domain) < 0 ||
	    node_set_attr(a, iq, "to", service) < 0)
		return NULL;
	pubsub = node_add(a, iq, NS_PUBSUB, "pubsub");
	what = pubsub ? node_add(a, pubsub, NS_PUBSUB, subscribe ? "subscribe" : "items") : NULL;
	if (!what || node_set_attr(a, what, "node", node) < 0 || (subscribe && node_set_attr(a, what, "jid", r->srv->domain) < 0))
		return NULL;
	return iq;
}

static void ask_list(struct rtbl *r, struct str list)
{
	struct arena *a = arena_new(ITEM_ARENA);
	struct question *q = calloc(1, sizeof(*q));
	struct str service, node;
	struct node *iq;

	if (a && q && list.n < sizeof(q->list) && split(list, &service, &node)) {
		q->rtbl = r;
		memcpy(q->list, list.p, list.n);
		iq = request(r, a, service, node, true);
		if (!iq || ask_send(r->srv, a, iq, on_subscribed, NULL) < 0)
			log_event(LOG_NOTE, "rtbl.not_subscribed", LOG_S("list", list));
		iq = request(r, a, service, node, false);
		if (iq && ask_send(r->srv, a, iq, on_items, q) == 0)
			q = NULL;
	}
	free(q);
	arena_free(&a);
}

static void on_time(void *ctx)
{
	struct rtbl *r = ctx;
	const struct policy *p = guard_policy(r->srv->guard);
	uint64_t now = loop_now_ms(r->srv->loop);

	blocklist_sweep(r->srv, clock_wall_ms());
	if (strcmp(r->policy, p->digest) != 0) {
		memcpy(r->policy, p->digest, sizeof(r->policy));
		exchange_refresh(r->srv);
	}
	if (r->missing || r->asked != p->reports.n_lists || now >= r->due_ms) {
		r->asked = r->missing = (unsigned)p->reports.n_lists;
		r->due_ms = now + AGAIN_MS;
		for (size_t i = 0; i < p->reports.n_lists; i++)
			ask_list(r, p->reports.lists[i]);
	}
	loop_timer_set(r->srv->loop, &r->timer, RETRY_MS, on_time, r);
}

static int start(struct server *srv)
{
	srv->rtbl = calloc(1, sizeof(*srv->rtbl));
	if (!srv->rtbl)
		return ERR_NOMEM;
	srv->rtbl->srv = srv;
	loop_timer_set(srv->loop, &srv->rtbl->timer, FIRST_MS, on_time, srv->rtbl);
	return 0;
}

static void stop(struct server *srv)
{
	if (srv->rtbl)
		loop_timer_cancel(srv->loop, &srv->rtbl->timer);
	free(srv->rtbl);
	srv->rtbl = NULL;
	blocklist_stop(srv);
}

/* The line of policy that means this service and node; empty: none. */
static struct str list_of(const struct server *srv, struct str from, struct str node)
{
	const struct policy *p = guard_policy(srv->guard);

	for (size_t i = 0; i < p->reports.n_lists; i++) {
		struct str service, own;

		if (split(p->reports.lists[i], &service, &own) && str_eq(service, from) && str_eq(own, node))
			return p->reports.lists[i];
	}
	return STR_NONE;
}

static int message_server(struct trip *t)
{
	const struct node *event = node_child(t->stanza, NS_PUBSUB_EVENT, "event"), *items, *purge;
	struct str list;

	if (!event || !trip_is_foreign(t))
		return 0;
	items = node_child(event, NS_PUBSUB_EVENT, "items");
	purge = node_child(event, NS_PUBSUB_EVENT, "purge");
	list = list_of(t->server, t->from.full, node_attr(items ? items : purge ? purge : event, "node"));
	if (list.n && items)
		read_items(t->server, list, items);
	else if (list.n && purge)
		blocklist_clear(t->server, list);
	return 0;
}

static const struct mod_hooks hooks = { .server_start = start, .server_stop = stop, .message_server = message_server };

const struct mod_def mod_rtbl = {
	.name = "rtbl",
	.xep = 0,
	.hooks = &hooks,
};
