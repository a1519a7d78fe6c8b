/* announce.c - see announce.h. */
#include "core/announce.h"

#include "core/session.h"
#include "core/state.h"
#include "xmpp/form.h"
#include "xmpp/ns.h"

int announce_text(struct arena *a, const struct node *form, const char *var, struct str *ret)
{
	const struct node *f = form_find(form, var);
	struct str text = STR_NONE;

	for (const struct node *v = f ? node_child(f, NS_XDATA, "value") : NULL; v; v = node_child_next(v, NS_XDATA, "value")) {
		text = arena_printf(a, "%.*s%s%.*s", STR_FMT(text), text.n ? "\n" : "", STR_FMT(node_text(a, v)));
		if (!text.p || text.n > ANNOUNCE_BYTES)
			return ERR_LIMIT;
	}
	*ret = text;
	return 0;
}

struct node *announce_message(struct server *srv, struct arena *a, const char *type, struct str text)
{
	struct node *m = node_new(a, NS_CLIENT, "message");

	if (!m || !node_add_leaf(a, m, NS_CLIENT, "body", text) || node_set_attr(a, m, "from", srv->domain) < 0 ||
	    node_set_attr(a, m, "type", str_of(type)) < 0)
		return NULL;
	return m;
}

/* Sending may end a session that does not read: the list is taken first. */
int announce_all(struct server *srv, struct arena *a, struct str text, unsigned *ret_told)
{
	struct node *m = announce_message(srv, a, "headline", text);
	struct map_iter it = { 0 };
	size_t n = 0, most = map_count(srv->sessions);
	uint64_t *ids = arena_alloc(a, (most + 1) * sizeof(*ids));
	void *v;

	if (!m || !ids)
		return ERR_LIMIT;
	*ret_told = 0;
	while (n < most && map_next(srv->sessions, &it, NULL, &v))
		ids[n++] = ((const struct session *)v)->id;
	for (size_t i = 0; i < n; i++) {
		struct session *s = session_find(srv, ids[i]);

		if (!s || !s->available || s->ending)
			continue;
		if (node_set_attr(a, m, "to", s->full) < 0)
			return ERR_LIMIT;
		session_send(s, m);
		*ret_told += 1;
	}
	return 0;
}
