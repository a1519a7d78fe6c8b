/* caps.c - XEP-0115: what the clients of this server want to be told of.
 *
 * A presence names a hash; what it was made of is asked once and kept for everybody when it fits the hash. An answer that
 * does not fit (security-tests 87), or a name without a hash, counts for the session that gave it and for nobody else.
 */
#include <stdlib.h>

#include "base/limits.h"
#include "core/ask.h"
#include "core/hooks.h"
#include "core/mod.h"
#include "core/state.h"
#include "pubsub/pubsub_caps.h"
#include "pubsub/pubsub_last.h"
#include "pubsub/pubsub_peers.h"
#include "xmpp/wire.h"

#define PEER_ASKS 256			/* questions to other servers under way: they need not answer */

struct question {
	struct server *srv;
	uint64_t session_id;		/* 0: of a remote contact */
	struct str key, owner, peer;	/* behind the struct; owner: the account he is a contact of, peer: his full JID */
	char text[];
};

static struct question *question_new(struct server *srv, struct str key, struct str owner, struct str peer)
{
	struct question *q = calloc(1, sizeof(*q) + key.n + owner.n + peer.n + 1);
	const struct str parts[] = { key, owner, peer };
	char *p = q ? q->text : NULL;

	if (!q)
		return NULL;
	q->srv = srv;
	q->key = str_make(p, key.n);
	q->owner = str_make(p + key.n, owner.n);
	q->peer = str_make(p + key.n + owner.n, peer.n);
	for (size_t i = 0; i < 3; i++) {
		if (parts[i].n)
			memcpy(p, parts[i].p, parts[i].n);
		p += parts[i].n;
	}
	return q;
}

static void set_key(struct session *s, struct str key)
{
	char *p = malloc(key.n + 1);

	free((void *)(uintptr_t)s->caps_key.p);
	s->caps_key = (struct str){ 0 };
	if (!p)
		return;
	memcpy(p, key.p, key.n);
	s->caps_key = str_make(p, key.n);
}

/* Takes the reference. */
static void set_caps(struct session *s, struct pubsub_caps *now)
{
	struct pubsub_caps *had = s->caps;

	s->caps = now;
	if (now && s->available)
		hooks_session_caps(s, s->was_available ? had : NULL);
	pubsub_caps_unref(&had);
}

/* What the answer says, kept for everybody when it fits. A reference, or NULL. */
static struct pubsub_caps *read_answer(struct server *srv, struct str key, const struct node *answer)
{
	const struct node *query = answer && str_is(node_attr(answer, "type"), "result") ?
				   node_child(answer, NS_DISCO_INFO, "query") : NULL;
	struct arena *a = query ? arena_new(4u << 20) : NULL;
	struct pubsub_caps *c = a ? pubsub_caps_new(query) : NULL;

	if (c && pubsub_caps_verified(a, key, query))
		pubsub_caps_remember(srv, key, c);
	arena_free(&a);
	return c;
}

static void on_answer(void *ctx, const struct node *answer)
{
	struct question *q = ctx;
	struct session *s = session_find(q->srv, q->session_id);
	struct pubsub_caps *c = read_answer(q->srv, q->key, answer);

	if (s && str_eq(s->caps_key, q->key))
		s->caps_asked = false;
	/* It may have said something else since. */
	if (c && s && !s->ending && str_eq(s->caps_key, q->key))
		set_caps(s, c);
	else
		pubsub_caps_unref(&c);
	free(q);
}

static struct node *question_node(struct arena *a, struct str from, struct str to, const struct node *c)
{
	struct node *iq = node_new(a, NS_CLIENT, "iq"), *query;
	struct str node = arena_printf(a, "%.*s#%.*s", STR_FMT(node_attr(c, "node")), STR_FMT(node_attr(c, "ver")));

	if (!iq || node_set_attr(a, iq, "type", STR("get")) < 0 || node_set_attr(a, iq, "from", from) < 0 ||
	    node_set_attr(a, iq, "to", to) < 0)
		return NULL;
	query = node_add(a, iq, NS_DISCO_INFO, "query");
	if (!query || !node.p)
		return NULL;
	/* Old clients know no such node. */
	if (node_has_attr(c, "hash") && node_set_attr(a, query, "node", node) < 0)
		return NULL;
	return iq;
}

/* Takes q. */
static bool ask(struct question *q, struct str from, struct str to, const struct node *c, ask_fn *done)
{
	struct arena *a = arena_new(64 * 1024);
	struct node *iq = a && q ? question_node(a, from, to, c) : NULL;
	bool asked = iq && ask_send(q->srv, a, iq, done, q) == 0;

	if (!asked)
		free(q);
	arena_free(&a);
	return asked;
}

static void ask_session(struct session *s, const struct node *c)
{
	struct question *q = question_new(s->server, s->caps_key, STR_NONE, STR_NONE);

	if (q)
		q->session_id = s->id;
	s->caps_asked = true;
	if (!ask(q, s->user->bare, s->full, c, on_answer))
		s->caps_asked = false;
}

static void look(struct session *s, const struct node *presence)
{
	struct arena *a = arena_new(16 * 1024);
	bool verifiable;
	struct str key = a ? pubsub_caps_key(a, presence, &verifiable) : STR_NONE;
	struct pubsub_caps *c;

	if (key.n && (!str_eq(key, s->caps_key) || (!s->caps && !s->caps_asked))) {
		set_key(s, key);
		c = pubsub_caps_find(s->server, key);
		if (c)
			set_caps(s, pubsub_caps_ref(c));
		else if (s->caps_key.n)
			ask_session(s, node_child(presence, NS_CAPS, "c"));
	} else if (key.n && s->caps && !s->was_available) {
		hooks_session_caps(s, NULL);
	}
	arena_free(&a);
}

static void presence_out(struct session *s, struct trip *t, bool initial)
{
	(void)initial;
	if (s->available)
		look(s, t->stanza);
}

/* After a restart, before its client is back: what is published meanwhile waits in its queue. */
static void session_restored(struct session *s)
{
	struct arena *a = s->available && s->presence.n ? arena_new(LIMIT_STANZA_BYTES_MAX * 4) : NULL;
	struct node *presence;
	bool verifiable;

	if (a && wire_parse(a, s->presence, &presence) == 0) {
		struct str key = pubsub_caps_key(a, presence, &verifiable);
		struct pubsub_caps *c = pubsub_caps_find(s->server, key);

		if (c) {
			set_key(s, key);
			s->caps = pubsub_caps_ref(c);
		}
	}
	arena_free(&a);
}

/* Nobody has asked yet; and who was away may have missed something. */
static void session_resumed(struct session *s)
{
	struct arena *a;
	struct node *presence;

	if (!s->available || s->caps || s->presence.n == 0)
		return;
	a = arena_new(LIMIT_STANZA_BYTES_MAX * 4);
	if (a && wire_parse(a, s->presence, &presence) == 0)
		look(s, presence);
	arena_free(&a);
}

/* --- contacts on other servers ------------------------------------------------------------------------------------------ */

static void peer_knows(struct user *owner, struct pubsub_peer *p, struct pubsub_caps *c)
{
	pubsub_caps_unref(&p->caps);
	p->caps = c;
	pubsub_last_send_peer(owner, p);
}

static void on_peer_answer(void *ctx, const struct node *answer)
{
	struct question *q = ctx;
	struct pubsub_peer *p = pubsub_peers_find(q->srv, q->owner, q->peer);
	struct user *owner = user_cached(q->srv, q->owner);
	struct pubsub_caps *c = read_answer(q->srv, q->key, answer);

	q->srv->peer_asks--;
	if (p && str_eq(p->key, q->key))
		p->asked = false;
	if (c && p && owner && str_eq(p->key, q->key))
		peer_knows(owner, p, c);
	else
		pubsub_caps_unref(&c);
	free(q);
}

static void peer_came(struct trip *t, struct str key, const struct node *c)
{
	struct user *owner = t->to_user;
	struct pubsub_peer *p;
	struct pubsub_caps *known;

	if (pubsub_peers_add(t->server, owner->bare, &t->from, &p) < 0)
		return;
	if (str_eq(p->key, key) ? p->caps || p->asked : pubsub_peers_set_key(p, key) < 0)
		return;
	known = pubsub_caps_find(t->server, key);
	if (known) {
		peer_knows(owner, p, pubsub_caps_ref(known));
		return;
	}
	if (t->server->peer_asks >= PEER_ASKS)
		return;
	t->server->peer_asks++;
	p->asked = true;
	if (ask(question_new(t->server, key, owner->bare, t->from.full), owner->bare, t->from.full, c, on_peer_answer))
		return;
	t->server->peer_asks--;
	p->asked = false;
}

/* An account has let a contact in: he is sent what it published last (XEP-0163 4.3.1). */
static void let_in(struct trip *t)
{
	struct user *owner = t->from_user ? t->from_user : user_cached(t->server, t->from.bare);
	const struct roster_item *it = owner && t->to_user ? roster_find(&owner->roster, t->to_user->bare) : NULL;

	if (!it || (it->sub != SUB_FROM && it->sub != SUB_BOTH))
		return;
	LIST_EACH(at, &t->to_user->sessions)
		pubsub_last_send_of(LIST_ITEM(at, struct session, of_user), owner);
}

static int presence_directed(struct trip *t)
{
	struct str type = node_attr(t->stanza, "type"), key;
	const struct roster_item *it;
	bool verifiable;

	if (str_is(type, "subscribed") && !trip_is_foreign(t))
		let_in(t);
	if (!trip_is_foreign(t) || !t->to_user || t->from.resource.n == 0)
		return 0;
	if (str_is(type, "unavailable")) {
		pubsub_peers_remove(t->server, t->to_user->bare, t->from.full);
		return 0;
	}
	it = roster_find(&t->to_user->roster, t->from.bare);
	if (type.n || !it || (it->sub != SUB_FROM && it->sub != SUB_BOTH))
		return 0;
	key = pubsub_caps_key(t->arena, t->stanza, &verifiable);
	if (key.n)
		peer_came(t, key, node_child(t->stanza, NS_CAPS, "c"));
	return 0;
}

/* --- start and end --------------------------------------------------------------------------------------------------------- */

static int start(struct server *srv)
{
	int r = pubsub_caps_start(srv);

	return r < 0 ? r : pubsub_peers_start(srv);
}

static void stop(struct server *srv)
{
	pubsub_peers_stop(srv);
	pubsub_caps_stop(srv);
}

static void session_gone(struct session *s)
{
	pubsub_caps_unref(&s->caps);
	free((void *)(uintptr_t)s->caps_key.p);
	s->caps_key = (struct str){ 0 };
}

static const struct mod_hooks hooks = {
	.server_start = start,
	.server_stop = stop,
	.presence_directed = presence_directed,
	.presence_out = presence_out,
	.session_restored = session_restored,
	.session_resumed = session_resumed,
	.session_gone = session_gone,
};

const struct mod_def mod_caps = {
	.name = "caps",
	.xep = 115,
	.xep_version = "1.6.0",
	.hooks = &hooks,
};
