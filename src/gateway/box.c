/* box.c - see box.h. */
#include "gateway/box.h"

#include <stdlib.h>

#include "base/buf.h"
#include "base/check.h"
#include "base/limits.h"
#include "base/log.h"
#include "core/component.h"
#include "core/state.h"
#include "core/trip.h"
#include "xmpp/ns.h"
#include "xmpp/stanza.h"
#include "xmpp/wire.h"

#define BOX_MAGIC 0x6a7e0003u
#define TICK_MS 1000
#define SETTLE_MS 2000			/* what left this machine so long ago has arrived */

struct item {
	struct list node;
	uint64_t expires_ms, sent_ms;
	uint32_t seq;
	size_t n;
	char bytes[];
};

struct box {
	CHECK_MAGIC;
	struct box_set *s;
	struct list all, queue, sent;
	unsigned n_queue, n_sent;
	size_t queue_bytes, sent_bytes;
	uint64_t expected_until_ms;	/* 0: nobody is */
	char *domain;
	struct outbox outbox;
	struct loop_timer timer;
};

static struct server *srv_of(const struct box *b)
{
	return b->s->links->srv;
}

static uint64_t now_of(const struct box *b)
{
	return loop_now_ms(srv_of(b)->loop);
}

int box_set_init(struct box_set *s, struct link_set *links)
{
	s->links = links;
	list_init(&s->all);
	s->ours = strndup(links->srv->domain.p, links->srv->domain.n);
	return s->ours ? 0 : ERR_NOMEM;
}

static struct box *box_find(struct box_set *s, struct str domain)
{
	LIST_EACH(it, &s->all) {
		struct box *b = LIST_ITEM(it, struct box, all);

		CHECK_OBJ(b, BOX_MAGIC);
		if (str_is(domain, b->domain))
			return b;
	}
	return NULL;
}

static struct box *box_get(struct box_set *s, struct str domain)
{
	struct box *b = box_find(s, domain);

	if (b)
		return b;
	b = calloc(1, sizeof(*b));
	if (!b)
		return NULL;
	b->domain = strndup(domain.p, domain.n);
	if (!b->domain) {
		free(b);
		return NULL;
	}
	b->magic = BOX_MAGIC;
	b->s = s;
	list_init(&b->queue);
	list_init(&b->sent);
	list_append(&s->all, &b->all);
	outbox_init(&b->outbox, s->links->srv, OUTBOX_GATEWAY, s->ours, b->domain);
	return b;
}

static void take(struct box *b, struct item *it, bool queued)
{
	list_remove(&it->node);
	if (queued) {
		b->n_queue--;
		b->queue_bytes -= it->n;
	} else {
		b->n_sent--;
		b->sent_bytes -= it->n;
	}
}

static void box_free(struct box *b)
{
	while (!list_empty(&b->queue) || !list_empty(&b->sent)) {
		bool queued = !list_empty(&b->queue);
		struct item *it = LIST_ITEM(queued ? b->queue.next : b->sent.next, struct item, node);

		take(b, it, queued);
		free(it);
	}
	loop_timer_cancel(srv_of(b)->loop, &b->timer);
	list_remove(&b->all);
	free(b->domain);
	b->magic = 0;
	free(b);
}

void box_set_free(struct box_set *s)
{
	while (!list_empty(&s->all))
		box_free(LIST_ITEM(s->all.next, struct box, all));
	free(s->ours);
	s->ours = NULL;
}

/* The store forgets all in front of the first that is still needed. */
static void trim(struct box *b)
{
	const struct list *first = !list_empty(&b->sent) ? b->sent.next : !list_empty(&b->queue) ? b->queue.next : NULL;

	outbox_trim(&b->outbox, first ? LIST_ITEM(first, struct item, node)->seq - 1 : b->outbox.last_seq);
}

/* Back to the sender, as if the component had said it. */
static void bounce(struct box *b, struct item *it)
{
	struct arena *a = arena_new(LIMIT_STANZA_BYTES_MAX * 16);
	struct node *n = NULL, *e = NULL;
	char text[400];

	snprintf(text, sizeof(text), "%.300s did not come back in time", b->domain);
	if (a && wire_parse(a, str_make(it->bytes, it->n), &n) == 0)
		e = stanza_error(a, n, ERR_UNAVAILABLE, text);
	if (e)
		trip_enter(srv_of(b), TRIP_COMPONENT, &a, e);
	else
		log_event(LOG_WARN, "gateway.unsent", LOG_Z("domain", b->domain));
	arena_free(&a);
}

static void expire(struct box *b)
{
	uint64_t now = now_of(b);

	while (!list_empty(&b->queue)) {
		struct item *it = LIST_ITEM(b->queue.next, struct item, node);

		if (it->expires_ms > now)
			break;
		take(b, it, true);
		bounce(b, it);
		free(it);
	}
}

static void settle(struct box *b)
{
	const struct link *l = link_find(b->s->links, str_of(b->domain));
	uint64_t now = now_of(b);

	while (l && !list_empty(&b->sent)) {
		struct item *it = LIST_ITEM(b->sent.next, struct item, node);

		if (link_unsent(l) || now - it->sent_ms < SETTLE_MS)
			break;
		take(b, it, false);
		free(it);
	}
}

static void on_tick(void *ctx);

static void watch(struct box *b)
{
	if (!list_empty(&b->queue) || !list_empty(&b->sent))
		loop_timer_set(srv_of(b)->loop, &b->timer, TICK_MS, on_tick, b);
}

static void on_tick(void *ctx)
{
	struct box *b = ctx;

	CHECK_OBJ(b, BOX_MAGIC);
	if (b->s->links->stopping)
		return;			/* what waits is read back at the next start */
	expire(b);
	settle(b);
	trim(b);
	watch(b);
	if (list_empty(&b->queue) && list_empty(&b->sent) && !component_of(srv_of(b), str_of(b->domain)) &&
	    b->outbox.last_seq == b->outbox.next_seq - 1) {
		outbox_remove(&b->outbox);
		box_free(b);		/* it is in the configuration no more */
	}
}

/* Goes into the list of what went out; the oldest makes room. */
static void note_sent(struct box *b, struct item *it)
{
	it->sent_ms = now_of(b);
	list_append(&b->sent, &it->node);
	b->n_sent++;
	b->sent_bytes += it->n;
	while (b->n_sent > LIMIT_GATEWAY_QUEUE || b->sent_bytes > LIMIT_GATEWAY_QUEUE_BYTES) {
		struct item *old = LIST_ITEM(b->sent.next, struct item, node);

		take(b, old, false);
		free(old);
	}
}

static struct item *item_new(struct box *b, struct str bytes, uint32_t seq)
{
	struct item *it = malloc(sizeof(*it) + bytes.n);

	if (!it)
		return NULL;
	*it = (struct item){ .expires_ms = now_of(b) + LIMIT_GATEWAY_WAIT_MS, .seq = seq, .n = bytes.n };
	list_init(&it->node);
	memcpy(it->bytes, bytes.p, bytes.n);
	return it;
}

static int enqueue(struct box *b, struct str bytes, uint32_t seq)
{
	struct item *it;

	if (b->n_queue >= LIMIT_GATEWAY_QUEUE || b->queue_bytes + bytes.n > LIMIT_GATEWAY_QUEUE_BYTES)
		return ERR_LIMIT;
	it = item_new(b, bytes, seq);
	if (!it)
		return ERR_NOMEM;
	list_append(&b->queue, &it->node);
	b->n_queue++;
	b->queue_bytes += it->n;
	watch(b);
	return 0;
}

static bool is_expected(struct box *b)
{
	return link_find(b->s->links, str_of(b->domain)) || b->expected_until_ms > now_of(b);
}

bool box_reserve(struct box_set *s, struct str domain, struct outward_place *ret)
{
	bool there = link_find(s->links, domain) != NULL;
	struct box *b = there ? box_get(s, domain) : box_find(s, domain);

	return b && !s->links->stopping && is_expected(b) && outbox_reserve(&b->outbox, ret);
}

static int send_bytes(struct box *b, struct str bytes, uint32_t seq)
{
	struct link *l = link_find(b->s->links, str_of(b->domain));

	if (l && list_empty(&b->queue) && link_send_bytes(l, bytes) == 0) {
		struct item *it = item_new(b, bytes, seq);

		if (it)
			note_sent(b, it);
		watch(b);
		return 0;
	}
	return is_expected(b) ? enqueue(b, bytes, seq) : ERR_UNAVAILABLE;
}

int box_send(struct box_set *s, struct str domain, const struct node *stanza, uint32_t seq)
{
	struct box *b = box_find(s, domain);
	struct buf buf;
	int r;

	if (!b)
		return ERR_UNAVAILABLE;
	buf_init(&buf, LIMIT_STANZA_BYTES_MAX * 2);
	r = wire_write(&buf, stanza, STR(NS_CLIENT));
	if (r == 0)
		r = send_bytes(b, buf_str(&buf), seq);
	buf_release(&buf);
	b->outbox.last_seq = seq;
	if (r < 0)
		trim(b);
	return r;
}

static void recall(struct box *b, bool queued, const struct outward_recall *what)
{
	LIST_EACH(node, queued ? &b->queue : &b->sent) {
		struct item *it = LIST_ITEM(node, struct item, node);
		struct outward_place place;

		if (!what->is_it(what->ctx, str_make(it->bytes, it->n)))
			continue;
		outbox_place(&b->outbox, it->seq, &place);
		what->gone(what->ctx, &place, !queued);
		take(b, it, queued);
		free(it);
	}
}

void box_recall(struct box_set *s, const struct outward_recall *what)
{
	LIST_EACH(it, &s->all) {
		struct box *b = LIST_ITEM(it, struct box, all);

		recall(b, true, what);
		recall(b, false, what);
	}
}

static void flush(struct box *b, struct link *l)
{
	while (!list_empty(&b->queue)) {
		struct item *it = LIST_ITEM(b->queue.next, struct item, node);

		if (link_send_bytes(l, str_make(it->bytes, it->n)) < 0)
			return;
		take(b, it, true);
		note_sent(b, it);
	}
}

void box_opened(struct box_set *s, struct str domain)
{
	struct box *b = box_get(s, domain);
	struct link *l = link_find(s->links, domain);

	if (!b || !l)
		return;
	b->expected_until_ms = UINT64_MAX;	/* also between its closing and box_lost() */
	if (b->n_queue)
		log_event(LOG_NOTE, "gateway.waited", LOG_S("domain", domain), LOG_N("messages", b->n_queue));
	flush(b, l);
	watch(b);
}

/* What may not have arrived is in front of the queue again. */
void box_lost(struct box_set *s, struct str domain)
{
	struct box *b = box_get(s, domain);
	uint64_t now;

	if (!b || link_find(s->links, domain))
		return;
	now = now_of(b);
	b->expected_until_ms = now + LIMIT_GATEWAY_WAIT_MS;
	while (!list_empty(&b->sent)) {
		struct item *it = LIST_ITEM(b->sent.prev, struct item, node);

		take(b, it, false);
		it->expires_ms = now + LIMIT_GATEWAY_WAIT_MS;
		list_append(b->queue.next, &it->node);
		b->n_queue++;
		b->queue_bytes += it->n;
	}
	watch(b);
}

/* --- the start ---------------------------------------------------------------------------------------------- */

static struct outbox *find_saved(void *ctx, struct str ours, struct str theirs)
{
	struct box_set *s = ctx;
	struct box *b = str_eq(ours, s->links->srv->domain) ? box_get(s, theirs) : NULL;

	if (!b)
		return NULL;
	b->expected_until_ms = now_of(b) + LIMIT_GATEWAY_WAIT_MS;
	return &b->outbox;
}

static int take_saved(void *ctx, struct outbox *o, struct str bytes, uint32_t seq)
{
	struct box *b = box_find(ctx, str_of(o->theirs));

	return b ? enqueue(b, bytes, seq) : ERR_NOMEM;
}

void box_set_restore(struct box_set *s, const struct outbox_saved *saved)
{
	const struct outbox_taker t = { .kind = OUTBOX_GATEWAY, .find = find_saved, .take = take_saved, .ctx = s };

	outbox_take(saved, &t);
}
