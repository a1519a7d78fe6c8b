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
#include "xmpp/wire.h"

struct question {
	struct server *srv;
	uint64_t session_id;
	struct str key;			/* behind the struct */
	char text[];
};

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

static void on_answer(void *ctx, const struct node *answer)
{
	struct question *q = ctx;
	struct session *s = session_find(q->srv, q->session_id);
	const struct node *query = answer && str_is(node_attr(answer, "type"), "result") ?
				   node_child(answer, NS_DISCO_INFO, "query") : NULL;
	struct arena *a = query ? arena_new(4u << 20) : NULL;
	struct pubsub_caps *c = a ? pubsub_caps_new(query) : NULL;

	if (c && pubsub_caps_verified(a, q->key, query))
		pubsub_caps_remember(q->srv, q->key, c);
	arena_free(&a);
	/* It may have said something else since. */
	if (c && s && !s->ending && str_eq(s->caps_key, q->key))
		set_caps(s, c);
	else
		pubsub_caps_unref(&c);
	free(q);
}

static struct node *question_node(struct arena *a, const struct session *s, const struct node *c)
{
	struct node *iq = node_new(a, NS_CLIENT, "iq"), *query;
	struct str node = arena_printf(a, "%.*s#%.*s", STR_FMT(node_attr(c, "node")), STR_FMT(node_attr(c, "ver")));

	if (!iq || node_set_attr(a, iq, "type", STR("get")) < 0 || node_set_attr(a, iq, "from", s->user->bare) < 0 ||
	    node_set_attr(a, iq, "to", s->full) < 0)
		return NULL;
	query = node_add(a, iq, NS_DISCO_INFO, "query");
	if (!query || !node.p)
		return NULL;
	/* Old clients know no such node. */
	if (node_has_attr(c, "hash") && node_set_attr(a, query, "node", node) < 0)
		return NULL;
	return iq;
}

static void ask(struct session *s, const struct node *c)
{
	struct arena *a = arena_new(64 * 1024);
	struct question *q = calloc(1, sizeof(*q) + s->caps_key.n + 1);
	struct node *iq = a ? question_node(a, s, c) : NULL;

	if (q && iq) {
		q->srv = s->server;
		q->session_id = s->id;
		memcpy(q->text, s->caps_key.p, s->caps_key.n);
		q->key = str_make(q->text, s->caps_key.n);
		if (ask_send(s->server, a, iq, on_answer, q) == 0)
			q = NULL;	/* on_answer frees it, has perhaps done so */
	}
	free(q);
	arena_free(&a);
}

static void look(struct session *s, const struct node *presence)
{
	struct arena *a = arena_new(16 * 1024);
	bool verifiable;
	struct str key = a ? pubsub_caps_key(a, presence, &verifiable) : STR_NONE;
	struct pubsub_caps *c;

	if (key.n && !str_eq(key, s->caps_key)) {
		set_key(s, key);
		c = pubsub_caps_find(s->server, key);
		if (c)
			set_caps(s, pubsub_caps_ref(c));
		else if (s->caps_key.n)
			ask(s, node_child(presence, NS_CAPS, "c"));
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

/* After a restart nobody has asked yet; and who was away may have missed something. */
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

static void session_gone(struct session *s)
{
	pubsub_caps_unref(&s->caps);
	free((void *)(uintptr_t)s->caps_key.p);
	s->caps_key = (struct str){ 0 };
}

static const struct mod_hooks hooks = {
	.server_start = pubsub_caps_start,
	.server_stop = pubsub_caps_stop,
	.presence_out = presence_out,
	.session_resumed = session_resumed,
	.session_gone = session_gone,
};

const struct mod_def mod_caps = {
	.name = "caps",
	.xep = 115,
	.xep_version = "1.6.0",
	.hooks = &hooks,
};
