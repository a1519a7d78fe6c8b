/* pubsub_notify.c - see pubsub_notify.h. */
#include "pubsub/pubsub_notify.h"

#include "base/clock.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/rand.h"
#include "pubsub/pubsub_approve.h"
#include "pubsub/pubsub_caps.h"
#include "pubsub/pubsub_ops.h"
#include "pubsub/pubsub_peers.h"
#include "xmpp/wire.h"

#define ID_BYTES 12

/* --- the message --------------------------------------------------------------------------------------------------------- */

static int add_event(struct arena *a, struct node *event, const struct pubsub_change *ch, struct str publisher)
{
	static const char *const names[] = { [CHANGE_ITEM] = "items", [CHANGE_RETRACT] = "items", [CHANGE_PURGE] = "purge",
					     [CHANGE_DELETE] = "delete", [CHANGE_CONFIG] = "configuration",
					     [CHANGE_SUBSCRIBED] = "items", [CHANGE_ASKED] = "subscription",
					     [CHANGE_ANSWERED] = "subscription" };
	struct node *el = node_add(a, event, NS_PUBSUB_EVENT, names[ch->kind]), *retract;

	if (!el || node_set_attr(a, el, "node", ch->node->name) < 0)
		return ERR_LIMIT;
	if (ch->kind == CHANGE_ITEM || ch->kind == CHANGE_SUBSCRIBED)
		return pubsub_items_add(a, el, NS_PUBSUB_EVENT, ch->node, ch->id, publisher,
					ch->node->config.n[PUBSUB_PAYLOADS] ? ch->payload : NULL);
	if (ch->kind != CHANGE_RETRACT)
		return 0;
	retract = node_add(a, el, NS_PUBSUB_EVENT, "retract");
	return retract ? node_set_attr(a, retract, "id", ch->id) : ERR_LIMIT;
}

static int add_delay(struct arena *a, struct node *message, struct str from, uint64_t when_ms)
{
	struct node *d = node_add(a, message, NS_DELAY, "delay");
	char stamp[CLOCK_STAMP_BYTES];

	clock_stamp(when_ms, stamp);
	if (!d || node_set_attr(a, d, "stamp", str_of(stamp)) < 0)
		return ERR_LIMIT;
	return node_set_attr(a, d, "from", from);
}

struct node *pubsub_notify_message(struct arena *a, const struct pubsub_change *ch, struct str publisher, uint64_t when_ms)
{
	static const char *const types[] = { "headline", "normal", "chat" };
	struct node *m = node_new(a, NS_CLIENT, "message"), *event;
	char id[ID_BYTES + 1];

	rand_text(id, ID_BYTES);
	if (!m || node_set_attr(a, m, "from", ch->node->owner) < 0 || node_set_attr(a, m, "id", str_make(id, ID_BYTES)) < 0 ||
	    node_set_attr(a, m, "type", str_of(types[ch->node->config.n[PUBSUB_MESSAGE_TYPE]])) < 0)
		return NULL;
	event = node_add(a, m, NS_PUBSUB_EVENT, "event");
	if (!event || add_event(a, event, ch, publisher) < 0 || (when_ms && add_delay(a, m, ch->node->owner, when_ms) < 0))
		return NULL;
	return m;
}

/* --- to whom ----------------------------------------------------------------------------------------------------------------- */

/* A frozen account tells nobody anything: an outbreak does not go on by this road. */
static bool is_frozen(const struct user *owner)
{
	return owner && owner->frozen;
}

/* One notification on its way to many. */
struct round {
	struct pubsub_call *call;
	const struct pubsub_node *n;
	struct user *owner;		/* NULL: the service */
	struct node *message;
	struct str bytes;		/* of the message without 'to' */
	struct arena *scratch;
};

bool pubsub_notify_may(struct arena *a, const struct user *owner, const struct session *s, const struct pubsub_node *n)
{
	struct pubsub_viewer w;

	if (s->user != owner && (is_frozen(owner) || user_blocks(owner, s->full) || user_blocks(s->user, owner->bare)))
		return false;
	return pubsub_access_viewer(a, owner, s->full, s->user->bare, true, &w) == 0 && pubsub_access_read(n, &w);
}

bool pubsub_notify_may_peer(struct arena *a, const struct user *owner, const struct pubsub_peer *p, const struct pubsub_node *n)
{
	struct pubsub_viewer w;

	if (is_frozen(owner) || user_blocks(owner, p->full))
		return false;
	/* Contacts alone: his presence may have come while he was one. */
	return pubsub_access_viewer(a, owner, p->full, p->bare, false, &w) == 0 && w.contact && pubsub_access_read(n, &w);
}

void pubsub_notify_address(struct server *srv, struct str to, struct node *message)
{
	struct arena *a = arena_new(LIMIT_JID * 2 + 1024);
	int r = a ? node_set_attr(a, message, "to", to) : ERR_NOMEM;

	if (r == 0)
		r = trip_emit(srv, message);
	node_drop_attr(message, "to");
	arena_free(&a);
	if (r < 0)
		log_event(LOG_WARN, "pubsub.notify_failed", LOG_Z("why", err_text(r)));
}

void pubsub_notify_session(struct session *s, struct node *message)
{
	struct arena *a = arena_new(LIMIT_JID * 2 + 1024);

	if (a && node_set_attr(a, message, "to", s->full) == 0)
		session_send(s, message);
	node_drop_attr(message, "to");
	arena_free(&a);
}

/* The bytes are the same for all but the address. An inactive client (XEP-0352) may not want it now: its filter must see a
 * stanza. */
static void to_session(struct round *r, struct session *s)
{
	static const size_t head = sizeof("<message") - 1;
	struct buf b;

	if (s->inactive) {
		pubsub_notify_session(s, r->message);
		return;
	}
	buf_init(&b, LIMIT_STANZA_BYTES_MAX * 2);
	buf_add(&b, r->bytes.p, head);
	buf_printf(&b, " to='");
	if (wire_escape(&b, s->full) == 0) {
		buf_char(&b, '\'');
		buf_add(&b, r->bytes.p + head, r->bytes.n - head);
		if (!b.failed)
			session_send_bytes(s, buf_str(&b));
	}
	buf_release(&b);
}

static void to_sessions_of(struct round *r, struct user *u)
{
	LIST_EACH(it, &u->sessions) {
		struct session *s = LIST_ITEM(it, struct session, of_user);

		if (!s->available || s->ending || !pubsub_caps_wants(s->caps, r->n->name))
			continue;
		arena_clear(r->scratch);
		if (pubsub_notify_may(r->scratch, r->owner, s, r->n))
			to_session(r, s);
	}
}

static void to_peer(void *ctx, const struct pubsub_peer *p)
{
	struct round *r = ctx;

	if (!pubsub_caps_wants(p->caps, r->n->name) || pubsub_node_subscribed_bare(r->n, p->bare))
		return;
	arena_clear(r->scratch);
	if (pubsub_notify_may_peer(r->scratch, r->owner, p, r->n))
		pubsub_notify_address(r->owner->server, p->full, r->message);
}

/* XEP-0163 4: the own resources, and contacts who see the presence, as far as their clients say "+notify". */
static void to_interested(struct round *r)
{
	struct map_iter it = { 0 };
	void *value;

	if (!pubsub_node_subscribed_bare(r->n, r->owner->bare))
		to_sessions_of(r, r->owner);
	while (r->owner->roster.items && map_next(r->owner->roster.items, &it, NULL, &value)) {
		const struct roster_item *item = value;
		struct user *contact;

		if (item->sub != SUB_FROM && item->sub != SUB_BOTH)
			continue;
		contact = user_cached(r->owner->server, item->jid);
		if (contact && !pubsub_node_subscribed_bare(r->n, item->jid))
			to_sessions_of(r, contact);
	}
	pubsub_peers_each(r->owner->server, r->owner->bare, to_peer, r);
}

/* An explicit subscription (XEP-0060 6.1): to exactly that address, on the road of every stanza. */
static void to_subscriber(struct round *r, struct str jid)
{
	ptrdiff_t slash = str_find_char(jid, '/');
	struct str bare = slash < 0 ? jid : str_make(jid.p, (size_t)slash);
	struct pubsub_viewer w;

	arena_clear(r->scratch);
	if (is_frozen(r->owner) || (r->owner && user_blocks(r->owner, jid)))
		return;
	if (pubsub_access_viewer(r->scratch, r->owner, jid, bare, false, &w) < 0 || !pubsub_access_read(r->n, &w))
		return;
	pubsub_notify_address(r->call->iq->server, jid, r->message);
}

static void tell(struct round *r, const struct pubsub_change *ch)
{
	struct buf b;

	if (ch->kind == CHANGE_SUBSCRIBED) {
		to_subscriber(r, ch->jid);
		return;
	}
	buf_init(&b, LIMIT_STANZA_BYTES_MAX * 2);
	if (wire_write(&b, r->message, STR(NS_CLIENT)) == 0) {
		r->bytes = buf_str(&b);
		for (size_t i = 0; i < r->n->n_subscribers; i++)
			to_subscriber(r, r->n->subscribers[i]);
		if (r->owner)
			to_interested(r);
	}
	buf_release(&b);
}

void pubsub_notify(struct pubsub_call *c)
{
	struct round r = { .call = c, .owner = c->viewer.service ? NULL : c->iq->user, .scratch = arena_new(256 * 1024) };

	for (struct pubsub_change *ch = c->changes; ch && r.scratch; ch = ch->next) {
		if (!ch->tell)
			continue;
		if (ch->kind == CHANGE_ASKED || ch->kind == CHANGE_ANSWERED) {
			pubsub_approve_tell(c->iq->server, c->arena, ch);
			continue;
		}
		r.n = ch->node;
		r.message = pubsub_notify_message(c->arena, ch, ch->publisher.n ? ch->publisher : c->viewer.bare, 0);
		if (r.message)
			tell(&r, ch);
		else
			log_event(LOG_WARN, "pubsub.notify_failed", LOG_Z("why", err_text(ERR_LIMIT)));
	}
	arena_free(&r.scratch);
}
