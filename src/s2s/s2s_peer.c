/* s2s_peer.c - one pair of domains: what waits for a connection, and how it comes to one.
 *
 * Look-up, then one address after the other until one lets us in. What came to nothing is tried again after a pause
 * that doubles; a stanza waits LIMIT_S2S_WAIT_MS and then goes back to who sent it. A peer that refuses us, or that
 * cannot show a valid certificate, is not waited for: its stanzas go back at once.
 *
 * Messages that are kept in the outbox stay known for SETTLE_MS after they went out: when the connection breaks in that
 * time they are sent again, under the same id.
 */
#include <stdlib.h>
#include <unistd.h>

#include "base/log.h"
#include "base/rand.h"
#include "core/trip.h"
#include "s2s/s2s_parts.h"
#include "s2s/s2s_policy.h"
#include "xmpp/jid.h"
#include "xmpp/ns.h"
#include "xmpp/stanza.h"
#include "xmpp/wire.h"

#define DIAL_MS 8000			/* for one address */
#define RETRY_FIRST_MS 1000
#define RETRY_MOST_MS (5 * 60 * 1000)
#define REFUSED_MS 10000		/* after a refusal the answer is the same for so long */
#define KEY_BYTES (2 * LIMIT_JID_PART + 2)

#define SETTLE_MS 2000

struct item {
	struct list node;
	uint64_t expires_ms, sent_ms;
	uint32_t seq;			/* in the outbox; 0: not kept */
	size_t n;
	char bytes[];
};

static void on_timer(void *ctx);
static void go(struct s2s_peer *p);

static uint64_t now_of(const struct s2s_peer *p)
{
	return loop_now_ms(p->s->srv->loop);
}

static struct str key_of(struct str local, struct str remote, char buf[KEY_BYTES])
{
	if (local.n + remote.n + 1 > KEY_BYTES)
		return STR_NONE;
	memcpy(buf, local.p, local.n);
	buf[local.n] = ' ';
	memcpy(buf + local.n + 1, remote.p, remote.n);
	return str_make(buf, local.n + 1 + remote.n);
}

struct s2s_peer *s2s_peer_get(struct s2s *s, struct str local, struct str remote)
{
	char buf[KEY_BYTES];
	struct str key = key_of(local, remote, buf);
	struct s2s_peer *p = key.n ? map_get(s->peers, key) : NULL;

	if (p || !key.n)
		return p;
	p = calloc(1, sizeof(*p));
	if (!p)
		return NULL;
	p->magic = S2S_PEER_MAGIC;
	p->s = s;
	list_init(&p->queue);
	list_init(&p->verifies);
	list_init(&p->sent);
	if (s2s_link_name(&p->local, local) && s2s_link_name(&p->remote, remote) && map_put(s->peers, key, p) == 0) {
		outbox_init(&p->outbox, s->srv, OUTBOX_S2S, p->local, p->remote);
		loop_timer_set(s->srv->loop, &p->timer, RETRY_FIRST_MS, on_timer, p);	/* forgotten when nothing comes of it */
		return p;
	}
	free(p->local);
	free(p->remote);
	free(p);
	return NULL;
}

/* --- the outbox ---------------------------------------------------------------------------------------------- */

static uint32_t first_kept(const struct list *l)
{
	LIST_EACH(it, (struct list *)(uintptr_t)l)
		if (LIST_ITEM(it, struct item, node)->seq)
			return LIST_ITEM(it, struct item, node)->seq;
	return 0;
}

/* Forgets all in front of the first that is still needed. */
static void trim(struct s2s_peer *p)
{
	uint32_t first = first_kept(&p->sent);

	if (!first)
		first = first_kept(&p->queue);
	outbox_trim(&p->outbox, first ? first - 1 : p->outbox.last_seq);
}

static void drop_sent(struct s2s_peer *p, struct item *it)
{
	list_remove(&it->node);
	p->n_sent--;
	p->sent_bytes -= it->n;
	free(it);
}

static void on_settle(void *ctx);

/* What has left this machine a while ago has arrived. */
static void settle(struct s2s_peer *p, uint64_t age_ms)
{
	uint64_t now = now_of(p);

	LIST_EACH(node, &p->sent) {
		struct item *it = LIST_ITEM(node, struct item, node);

		if (!p->ready || p->ready->closing || conn_unsent(p->ready->conn) || now - it->sent_ms < age_ms)
			break;
		drop_sent(p, it);
	}
	trim(p);
	if (!list_empty(&p->sent) && !p->s->stopping) {
		uint64_t age = now - LIST_ITEM(p->sent.next, struct item, node)->sent_ms;

		loop_timer_set(p->s->srv->loop, &p->settle, age < SETTLE_MS ? SETTLE_MS - age + 1 : SETTLE_MS, on_settle, p);
	}
}

static void on_settle(void *ctx)
{
	settle(ctx, SETTLE_MS);
}

void s2s_peer_settle(struct s2s_peer *p, uint64_t age_ms)
{
	if (p->outbox.kept && !list_empty(&p->sent))
		settle(p, age_ms);
}

/* Goes into the list of what went out; the oldest makes room. */
static void note_sent(struct s2s_peer *p, struct item *it)
{
	it->sent_ms = now_of(p);
	list_append(&p->sent, &it->node);
	p->n_sent++;
	p->sent_bytes += it->n;
	while (p->n_sent > LIMIT_S2S_QUEUE || p->sent_bytes > LIMIT_S2S_QUEUE_BYTES)
		drop_sent(p, LIST_ITEM(p->sent.next, struct item, node));
	if (p->n_sent == 1)
		loop_timer_set(p->s->srv->loop, &p->settle, SETTLE_MS, on_settle, p);
}

/* The link broke: what may not have arrived is in front of the queue again. */
static void take_back(struct s2s_peer *p)
{
	while (!list_empty(&p->sent)) {
		struct item *it = LIST_ITEM(p->sent.prev, struct item, node);

		list_remove(&it->node);
		p->n_sent--;
		p->sent_bytes -= it->n;
		list_append(p->queue.next, &it->node);
		p->n_queue++;
		p->queue_bytes += it->n;
		p->s->queued_bytes += it->n;
	}
}

static struct item *item_new(struct s2s_peer *p, struct str bytes, uint32_t seq)
{
	struct item *it = malloc(sizeof(*it) + bytes.n);

	if (!it)
		return NULL;
	*it = (struct item){ .expires_ms = now_of(p) + LIMIT_S2S_WAIT_MS, .seq = seq, .n = bytes.n };
	list_init(&it->node);
	memcpy(it->bytes, bytes.p, bytes.n);
	return it;
}

/* --- the queue -------------------------------------------------------------------------------------------- */

static void unqueue(struct s2s_peer *p, struct item *it)
{
	list_remove(&it->node);
	p->n_queue--;
	p->queue_bytes -= it->n;
	p->s->queued_bytes -= it->n;
}

static void drop(struct s2s_peer *p, struct item *it)
{
	unqueue(p, it);
	free(it);
}

/* Nobody waits to hear that an answer, or that he has gone, did not arrive. */
static bool is_missed(const struct node *stanza)
{
	static const char *const silent[] = { "error", "result", "unavailable", "probe", "unsubscribe", "unsubscribed" };
	struct str type = node_attr(stanza, "type");

	for (size_t i = 0; i < ARRAY_SIZE(silent); i++)
		if (str_is(type, silent[i]))
			return false;
	return true;
}

/* Back to the sender, as if the other server had said it. */
static void bounce(struct s2s_peer *p, struct item *it)
{
	struct arena *a = arena_new(LIMIT_STANZA_BYTES_MAX * 16);
	struct node *n = NULL, *e = NULL;
	char text[256];

	snprintf(text, sizeof(text), "%s: %s", p->remote, p->why ? p->why : "it cannot be reached");
	if (a && wire_parse(a, str_make(it->bytes, it->n), &n) == 0 && is_missed(n))
		e = p->refused ? stanza_error(a, n, ERR_REMOTE, text) : stanza_error(a, n, ERR_REMOTE_TIMEOUT, text);
	if (e)
		trip_enter(p->s->srv, TRIP_PEER, &a, e);
	arena_free(&a);
}

static void bounce_all(struct s2s_peer *p)
{
	while (!list_empty(&p->queue)) {
		struct item *it = LIST_ITEM(p->queue.next, struct item, node);

		unqueue(p, it);
		bounce(p, it);
		free(it);
	}
	trim(p);
}

static void flush(struct s2s_peer *p)
{
	while (p->ready && !list_empty(&p->queue)) {
		struct item *it = LIST_ITEM(p->queue.next, struct item, node);

		if (s2s_link_send(p->ready, str_make(it->bytes, it->n)) < 0)
			return;
		p->ready->stirred_ms = now_of(p);
		unqueue(p, it);
		if (it->seq)
			note_sent(p, it);
		else
			free(it);
	}
}

static int enqueue(struct s2s_peer *p, struct str bytes, uint32_t seq)
{
	struct item *it;

	if (p->n_queue >= LIMIT_S2S_QUEUE || p->queue_bytes + bytes.n > LIMIT_S2S_QUEUE_BYTES ||
	    p->s->queued_bytes + bytes.n > LIMIT_S2S_QUEUES_BYTES)
		return ERR_LIMIT;
	it = item_new(p, bytes, seq);
	if (!it)
		return ERR_NOMEM;
	list_append(&p->queue, &it->node);
	p->n_queue++;
	p->queue_bytes += it->n;
	p->s->queued_bytes += it->n;
	go(p);
	return 0;
}

static int send_bytes(struct s2s_peer *p, struct str bytes, uint32_t seq)
{
	struct item *it;
	int r;

	if (p->ready && list_empty(&p->queue)) {
		r = s2s_link_send(p->ready, bytes);
		if (r == 0) {
			p->ready->stirred_ms = now_of(p);
			p->s->srv->metrics.stanzas_out++;
			it = seq ? item_new(p, bytes, seq) : NULL;
			if (it)
				note_sent(p, it);
			return 0;
		}
	}
	if (p->refused && now_of(p) < p->retry_ms)
		return ERR_REMOTE;
	return enqueue(p, bytes, seq);
}

/* The content namespace is written without a name: the stream has another, and the same names in it. */
int s2s_peer_send(struct s2s_peer *p, const struct node *stanza, uint32_t seq)
{
	struct buf b;
	int r;

	CHECK_OBJ(p, S2S_PEER_MAGIC);
	buf_init(&b, LIMIT_STANZA_BYTES_MAX * 2);
	r = wire_write(&b, stanza, STR(NS_CLIENT));
	if (r == 0)
		r = send_bytes(p, buf_str(&b), seq);
	buf_release(&b);
	if (seq) {
		p->outbox.last_seq = seq;
		if (r < 0)
			trim(p);
	}
	return r;
}

int s2s_peer_restore(struct s2s_peer *p, struct str bytes, uint32_t seq)
{
	CHECK_OBJ(p, S2S_PEER_MAGIC);
	return enqueue(p, bytes, seq);
}

static void recall(struct s2s_peer *p, struct list *l, const struct outward_recall *what)
{
	bool left = l == &p->sent;

	LIST_EACH(node, l) {
		struct item *it = LIST_ITEM(node, struct item, node);
		struct outward_place place;

		if (!what->is_it(what->ctx, str_make(it->bytes, it->n)))
			continue;
		outbox_place(&p->outbox, it->seq, &place);
		what->gone(what->ctx, &place, left);
		if (left)
			drop_sent(p, it);
		else
			drop(p, it);
	}
}

void s2s_peer_recall(struct s2s_peer *p, const struct outward_recall *what)
{
	CHECK_OBJ(p, S2S_PEER_MAGIC);
	recall(p, &p->queue, what);
	recall(p, &p->sent, what);
}

bool s2s_peer_waits(const struct s2s_peer *p)
{
	return !list_empty(&p->queue);
}

/* --- questions of dialback ----------------------------------------------------------------------------------- */

int s2s_peer_verify(struct s2s_peer *p, uint64_t number, struct str id, struct str key)
{
	struct s2s_verify *v = p->n_verifies < LIMIT_S2S_VERIFIES ? calloc(1, sizeof(*v)) : NULL;

	if (!v)
		return ERR_LIMIT;
	v->number = number;
	v->id = strndup(id.p, id.n);
	v->key = strndup(key.p, key.n);
	if (!v->id || !v->key) {
		free(v->id);
		free(v->key);
		free(v);
		return ERR_NOMEM;
	}
	list_append(&p->verifies, &v->node);
	p->n_verifies++;
	return 0;
}

void s2s_peer_ask(struct s2s_peer *p)
{
	struct s2s_link *l = p->link;

	if (l && !l->closing && (l->phase == S2S_OPEN || (l->phase == S2S_SECURE && l->features)))
		LIST_EACH(it, &p->verifies) {
			struct s2s_verify *v = LIST_ITEM(it, struct s2s_verify, node);

			if (!v->asked)
				s2s_dialback_ask(l, v);
		}
	go(p);
}

/* Of all that were asked on this link; NULL: of all. */
static void give_up_questions(struct s2s_peer *p, const struct s2s_link *l)
{
	LIST_EACH(it, &p->verifies) {
		struct s2s_verify *v = LIST_ITEM(it, struct s2s_verify, node);

		if (l && v->asked != l)
			continue;
		list_remove(&v->node);
		p->n_verifies--;
		s2s_dialback_answered(p->s, v, false, "remote-connection-failed");
	}
}

/* --- coming to a connection -------------------------------------------------------------------------------------- */

static void arm(struct s2s_peer *p)
{
	uint64_t now = now_of(p), at = now + RETRY_MOST_MS;

	if (!list_empty(&p->queue))
		at = LIST_ITEM(p->queue.next, struct item, node)->expires_ms;
	if (!p->link && !p->query && !p->dial && p->retry_ms > now && p->retry_ms < at)
		at = p->retry_ms;
	if (list_empty(&p->queue) && !p->link && !p->ready)
		at = p->retry_ms > now ? p->retry_ms : now + RETRY_FIRST_MS;
	loop_timer_set(p->s->srv->loop, &p->timer, at > now ? at - now : 1, on_timer, p);
}

/* refused: trying again will not help. */
static void failed(struct s2s_peer *p, const char *why, bool refused)
{
	uint64_t pause = RETRY_FIRST_MS << (p->fails < 9 ? p->fails : 9);

	if (pause > RETRY_MOST_MS)
		pause = RETRY_MOST_MS;
	if (refused && pause < REFUSED_MS)
		pause = REFUSED_MS;
	p->fails++;
	p->retry_ms = now_of(p) + pause + rand_below(pause / 4 + 1);
	p->why = why;
	p->refused = refused;
	log_event(LOG_NOTE, "s2s.failed", LOG_Z("peer", p->remote), LOG_Z("why", why), LOG_N("again_in_ms", pause));
	give_up_questions(p, NULL);
	if (refused)
		bounce_all(p);
	arm(p);
}

static void try_next(struct s2s_peer *p);

static void on_dialled(void *ctx, int fd, int err)
{
	struct s2s_peer *p = ctx;

	CHECK_OBJ(p, S2S_PEER_MAGIC);
	p->dial = NULL;
	if (err < 0) {
		p->why = err == ERR_AGAIN ? "it does not answer" : "nobody listens there";
		try_next(p);
		return;
	}
	p->link = s2s_link_connected(p, fd, p->dial_tls);
	if (!p->link)
		failed(p, "too many connections", false);
}

static void try_next(struct s2s_peer *p)
{
	while (p->at < p->found.n) {
		const struct dns_address *d = &p->found.v[p->at++];

		p->dial_tls = d->direct_tls;
		if (dial_start(p->s->srv->loop, &d->sa, DIAL_MS, on_dialled, p, &p->dial) == 0)
			return;
		p->why = "there is no way to its address";
	}
	failed(p, p->why ? p->why : "it cannot be reached", false);
}

static void on_found(void *ctx, const struct dns_answer *answer)
{
	struct s2s_peer *p = ctx;

	CHECK_OBJ(p, S2S_PEER_MAGIC);
	p->query = NULL;
	p->found = *answer;
	p->at = 0;
	p->why = NULL;
	switch (answer->err) {
	case 0:
		try_next(p);
		return;
	case ERR_REMOTE:
		failed(p, "the DNS knows no such server", true);
		return;
	case ERR_FORBIDDEN:
		failed(p, "its entries in the DNS are forged (DNSSEC)", true);
		return;
	case ERR_POLICY:
		failed(p, "the DNS leads to a private address", true);
		return;
	default:
		failed(p, "the DNS does not answer", false);
	}
}

static void look_up(struct s2s_peer *p)
{
	const struct config_peer *known = s2s_policy_peer(p->s->srv->config, str_of(p->remote));
	struct arena *a;
	struct str ascii;
	char *name;
	int r = ERR_NOMEM;

	if (known && *known->address) {
		p->found = (struct dns_answer){ .n = 1 };
		p->found.v[0].direct_tls = known->direct_tls;
		if (!dns_numeric(known->address, known->port, &p->found.v[0].sa))
			p->found.n = 0;
		p->at = 0;
		try_next(p);
		return;
	}
	a = arena_new(65536);
	if (a && jid_domain_ascii(a, str_of(p->remote), &ascii) == 0 && (name = arena_dup(a, ascii.p, ascii.n)))
		r = dns_find(p->s->dns, name, on_found, p, &p->query);
	arena_free(&a);
	if (r < 0)
		failed(p, "it cannot be looked up now", false);
}

static void go(struct s2s_peer *p)
{
	bool needs = !list_empty(&p->verifies) || (!list_empty(&p->queue) && !p->ready);

	if (p->link && !list_empty(&p->queue))
		s2s_out_authenticate(p->link);
	if (needs && !p->link && !p->dial && !p->query && !p->s->stopping) {
		if (p->retry_ms <= now_of(p))
			look_up(p);
		else if (!list_empty(&p->verifies) && p->refused)
			give_up_questions(p, NULL);
	}
	arm(p);
}

/* --- links come and go --------------------------------------------------------------------------------------------------- */

void s2s_peer_linked(struct s2s_peer *p, struct s2s_link *l)
{
	CHECK_OBJ(p, S2S_PEER_MAGIC);
	p->fails = 0;
	p->retry_ms = 0;
	p->refused = false;
	p->why = NULL;
	/* What is under way on one connection is not to be overtaken on another. */
	if (p->ready && p->ready != l && !l->out)
		l->peer = NULL;
	if (!p->ready)
		p->ready = l;
	flush(p);
	go(p);
}

void s2s_peer_unlinked(struct s2s_peer *p, struct s2s_link *l)
{
	bool was_open = l->phase == S2S_OPEN;

	CHECK_OBJ(p, S2S_PEER_MAGIC);
	if (p->ready == l) {
		take_back(p);
		p->ready = NULL;
	}
	give_up_questions(p, l);
	if (p->link != l) {
		go(p);
		return;
	}
	p->link = NULL;
	if (p->s->stopping)
		return;
	if (!p->ready && p->link == NULL && was_open) {
		go(p);
		return;
	}
	if (was_open || (list_empty(&p->queue) && list_empty(&p->verifies) && !l->why)) {
		go(p);
		return;
	}
	p->why = l->why ? l->why : "the connection failed";
	if (l->refused)
		failed(p, p->why, true);
	else
		try_next(p);
}

static void expire(struct s2s_peer *p)
{
	uint64_t now = now_of(p);

	LIST_EACH(node, &p->queue) {
		struct item *it = LIST_ITEM(node, struct item, node);

		if (it->expires_ms > now)
			break;
		unqueue(p, it);
		bounce(p, it);
		free(it);
	}
	trim(p);
}

void s2s_peer_free(struct s2s_peer *p)
{
	char buf[KEY_BYTES];

	CHECK_OBJ(p, S2S_PEER_MAGIC);
	map_take(p->s->peers, key_of(str_of(p->local), str_of(p->remote), buf));
	loop_timer_cancel(p->s->srv->loop, &p->timer);
	loop_timer_cancel(p->s->srv->loop, &p->settle);
	LIST_EACH(node, &p->sent)
		drop_sent(p, LIST_ITEM(node, struct item, node));
	dns_cancel(&p->query);
	dial_cancel(&p->dial);
	LIST_EACH(it, &p->queue)
		drop(p, LIST_ITEM(it, struct item, node));
	give_up_questions(p, NULL);
	free(p->local);
	free(p->remote);
	p->magic = 0;
	free(p);
}

static void on_timer(void *ctx)
{
	struct s2s_peer *p = ctx;

	CHECK_OBJ(p, S2S_PEER_MAGIC);
	expire(p);
	if (list_empty(&p->queue) && list_empty(&p->verifies) && !p->link && !p->ready && p->retry_ms <= now_of(p) &&
	    p->outbox.last_seq == p->outbox.next_seq - 1) {	/* else a message is on its way through the store */
		outbox_remove(&p->outbox);
		s2s_peer_free(p);
		return;
	}
	go(p);
}
