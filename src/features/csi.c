/* csi.c - XEP-0352: a client that nobody looks at is not woken by presence and by typing.
 *
 * What is kept back is the last presence and the last chat state of each sender, in the order in which they came,
 * until the client is active again, something that cannot wait goes to it, or too much has come together: then all
 * of it goes first. So a client never sees a message before the presence that came before it, and nobody types for
 * ever in its eyes because the end of it was left out.
 */
#include <stdlib.h>

#include "base/buf.h"
#include "base/limits.h"
#include "base/map.h"
#include "core/mod.h"
#include "xmpp/wire.h"

#define CSI_KEPT 500			/* further ones: all is sent */
#define KEY_BYTES 8192			/* two addresses */
#define CSI_BYTES 4096			/* a longer stanza is not kept: all of them fit into a session's output */

struct csi {
	struct map *by;			/* kind and sender -> struct kept */
	struct list order;
};

/* The last of a kind from one sender; the key of the map lies in it. */
struct kept {
	struct list node;
	struct str key, bytes;
	char text[];
};

static void forget(struct session *s)
{
	struct csi *c = s->csi;

	s->csi = NULL;
	if (!c)
		return;
	while (!list_empty(&c->order)) {
		struct kept *k = LIST_ITEM(c->order.next, struct kept, node);

		list_remove(&k->node);
		free(k);
	}
	map_free(&c->by);
	free(c);
}

/* Sending may end the session (it is full); then what is left goes with it. */
static void flush(struct session *s)
{
	struct csi *c = s->csi;

	if (!c)
		return;
	LIST_EACH(it, &c->order)
		session_send_bytes(s, LIST_ITEM(it, struct kept, node)->bytes);
	forget(s);
}

static struct csi *csi_of(struct session *s)
{
	struct csi *c = s->csi ? s->csi : calloc(1, sizeof(*c));

	if (!c || s->csi)
		return c;
	list_init(&c->order);
	c->by = map_new(CSI_KEPT);
	if (!c->by) {
		free(c);
		return NULL;
	}
	s->csi = c;
	return c;
}

/* What was written to somebody else, or by an own device, reaches a session as a carbon. */
static bool is_carbon(const struct session *s, const struct node *message)
{
	struct str from = node_attr(message, "from"), to = node_attr(message, "to"), bare = s->user->bare;

	return (str_starts(from, bare) && (from.n == bare.n || from.p[bare.n] == '/')) ||
	       !(str_eq(to, s->full) || str_eq(to, bare));
}

/* p, m and the sender; c, the sender and the addressee: a carbon does not take the place of what came to this session. */
static void key_write(struct buf *b, const struct session *s, const struct node *stanza)
{
	bool message = stanza_kind(stanza) == STANZA_MESSAGE, carbon = message && is_carbon(s, stanza);

	buf_char(b, carbon ? 'c' : message ? 'm' : 'p');
	buf_str_add(b, node_attr(stanza, "from"));
	if (carbon) {
		buf_char(b, ' ');
		buf_str_add(b, node_attr(stanza, "to"));
	}
}

static struct kept *kept_new(const struct session *s, const struct node *stanza, struct str head, struct str tail)
{
	struct kept *k = NULL;
	struct buf key, b;

	buf_init(&key, KEY_BYTES);
	buf_init(&b, LIMIT_STANZA_BYTES_MAX * 2);
	buf_str_add(&b, head);
	buf_str_add(&b, tail);
	key_write(&key, s, stanza);
	if ((b.n > 0 || wire_write(&b, stanza, STR(NS_CLIENT)) == 0) && b.n <= CSI_BYTES && !key.failed && !b.failed)
		k = malloc(sizeof(*k) + key.n + b.n);
	if (k) {
		memcpy(k->text, key.p, key.n);
		memcpy(k->text + key.n, b.p, b.n);
		k->key = str_make(k->text, key.n);
		k->bytes = str_make(k->text + key.n, b.n);
	}
	buf_release(&key);
	buf_release(&b);
	return k;
}

/* False: it was not kept and must be sent now. */
static bool keep(struct session *s, const struct node *stanza, struct str head, struct str tail)
{
	struct csi *c = csi_of(s);
	struct kept *k = c ? kept_new(s, stanza, head, tail) : NULL, *old;

	if (!k)
		return false;
	old = map_take(c->by, k->key);
	if (old)
		list_remove(&old->node);
	free(old);
	if (map_put(c->by, k->key, k) < 0) {
		free(k);
		return false;
	}
	list_append(&c->order, &k->node);
	return true;
}

/* Typing and the like alone: chat states, with nothing a person would read or a client must not miss. */
static bool is_typing(const struct node *message)
{
	bool state = false;

	for (const struct node *c = node_first_element(message); c; c = node_next_element(c)) {
		if (str_is(c->ns, NS_CHATSTATES))
			state = true;
		else if (!node_is(c, NS_CLIENT, "thread") && !str_is(c->ns, NS_HINTS))
			return false;
	}
	return state;
}

/* XEP-0045 7.2.2: the end of the client's own entry into a room, which waits for it. */
static bool is_own_entry(const struct node *presence)
{
	const struct node *x = node_child(presence, NS_MUC_USER, "x");

	for (const struct node *c = x ? node_child(x, NS_MUC_USER, "status") : NULL; c; c = node_child_next(c, NS_MUC_USER, "status"))
		if (str_is(node_attr(c, "code"), "110"))
			return true;
	return false;
}

static bool is_presence(const struct node *stanza)
{
	struct str type = node_attr(stanza, "type");

	return stanza_kind(stanza) == STANZA_PRESENCE && (str_empty(type) || str_is(type, "unavailable")) &&
	       !str_empty(node_attr(stanza, "from")) && !is_own_entry(stanza);
}

static bool is_answer(const struct node *stanza)
{
	struct str type = node_attr(stanza, "type");

	return stanza_kind(stanza) == STANZA_IQ && (str_is(type, "result") || str_is(type, "error"));
}

/* Whatever wakes the client brings what was kept back with it, in its order. */
static bool session_filter(struct session *s, const struct node *stanza, struct str head, struct str tail)
{
	bool waits;

	if (!s->inactive)
		return false;
	waits = is_presence(stanza) || (stanza_kind(stanza) == STANZA_MESSAGE && is_typing(stanza));
	if (waits && keep(s, stanza, head, tail))
		return true;
	if (is_answer(stanza))
		return false;		/* it asked, a ping perhaps; nobody looks for all that */
	flush(s);
	return false;
}

static void set_active(struct session *s, bool active)
{
	s->inactive = !active;
	if (active)
		flush(s);
}

static bool nonza(struct session *s, const struct node *n)
{
	bool active = node_is(n, NS_CSI, "active");

	if (!active && !node_is(n, NS_CSI, "inactive"))
		return false;
	set_active(s, active);
	return true;
}

/* XEP-0352 5: a resumed stream is active. */
static void session_resumed(struct session *s)
{
	set_active(s, true);
}

static void session_binding(struct session *s, const struct node *bind)
{
	set_active(s, node_child(bind, NS_CSI, "inactive") == NULL);
}

static void session_gone(struct session *s)
{
	forget(s);
}

static void stream_features(struct server *srv, struct arena *a, struct node *features)
{
	(void)srv;
	node_add(a, features, NS_CSI, "csi");
}

static const struct mod_hooks hooks = {
	.session_filter = session_filter,
	.nonza = nonza,
	.session_resumed = session_resumed,
	.session_binding = session_binding,
	.session_gone = session_gone,
	.stream_features = stream_features,
};

const struct mod_def mod_csi = {
	.name = "csi",
	.xep = 352,
	.xep_version = "1.0.0",
	.hooks = &hooks,
	.bind_feature = NS_CSI,
};
