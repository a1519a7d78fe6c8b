/* csi.c - XEP-0352: a client that nobody looks at is not woken by presence and by typing.
 *
 * What is kept back is the last presence of each sender, until the client is active again, something that cannot
 * wait goes to it, or too much has come together. Nothing is lost: typing notices that are
 * old when the client looks again say nothing any more, so they are left out.
 */
#include <stdlib.h>

#include "base/buf.h"
#include "base/limits.h"
#include "base/map.h"
#include "core/mod.h"
#include "xmpp/wire.h"

#define CSI_SENDERS 500			/* further ones: all is sent */
#define CSI_BYTES 4096			/* a longer presence is not kept: all of them fit into a session's output */

/* One sender's last presence; the key of the map lies in it. */
struct kept {
	struct str from, bytes;
	char text[];
};

static void forget(struct session *s)
{
	struct map *m = s->csi;
	struct map_iter it = { 0 };
	void *v;

	s->csi = NULL;
	while (m && map_next(m, &it, NULL, &v))
		free(v);
	map_free(&m);
}

static void flush(struct session *s)
{
	struct map *m = s->csi;
	struct map_iter it = { 0 };
	void *v;

	while (m && map_next(m, &it, NULL, &v))
		session_send_bytes(s, ((const struct kept *)v)->bytes);
	forget(s);
}

static struct kept *kept_new(const struct node *stanza)
{
	struct str from = node_attr(stanza, "from");
	struct kept *k = NULL;
	struct buf b;

	buf_init(&b, LIMIT_STANZA_BYTES_MAX * 2);
	if (wire_write(&b, stanza, STR(NS_CLIENT)) == 0 && b.n <= CSI_BYTES)
		k = malloc(sizeof(*k) + from.n + b.n);
	if (k) {
		memcpy(k->text, from.p, from.n);
		memcpy(k->text + from.n, b.p, b.n);
		k->from = str_make(k->text, from.n);
		k->bytes = str_make(k->text + from.n, b.n);
	}
	buf_release(&b);
	return k;
}

/* False: it was not kept and must be sent now. */
static bool keep(struct session *s, const struct node *stanza)
{
	struct kept *k;

	if (!s->csi)
		s->csi = map_new(CSI_SENDERS);
	k = s->csi ? kept_new(stanza) : NULL;
	if (!k)
		return false;
	free(map_take(s->csi, k->from));
	if (map_put(s->csi, k->from, k) == 0)
		return true;
	free(k);
	return false;
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

static bool is_presence(const struct node *stanza)
{
	struct str type = node_attr(stanza, "type");

	return stanza_kind(stanza) == STANZA_PRESENCE && (str_empty(type) || str_is(type, "unavailable")) &&
	       !str_empty(node_attr(stanza, "from"));
}

/* Whatever wakes the client brings what was kept back with it, in its order. */
static bool session_filter(struct session *s, const struct node *stanza)
{
	if (!s->inactive)
		return false;
	if (stanza_kind(stanza) == STANZA_MESSAGE && is_typing(stanza))
		return true;
	if (is_presence(stanza) && keep(s, stanza))
		return true;
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

static void stream_features(struct arena *a, struct node *features)
{
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
