/* carbons.c - XEP-0280: every device of an account sees the whole conversation. */
#include "base/buf.h"
#include "base/limits.h"
#include "core/deliver.h"
#include "core/mod.h"
#include "core/sm.h"
#include "core/state.h"
#include "xmpp/wire.h"

static int on_switch(struct iq *iq)
{
	if (!iq->session)
		return ERR_UNAVAILABLE;
	iq->session->carbons = node_is(iq->payload, NS_CARBONS, "enable");
	if (iq->session->sm)
		iq->session->sm->dirty = true;
	return iq_reply(iq, NULL);
}

/* XEP-0280 6.1 */
static bool eligible(const struct node *m)
{
	struct str type = node_attr(m, "type");

	if (node_child(m, NS_CARBONS, "private") || node_child(m, NS_HINTS, "no-copy"))
		return false;
	if (str_is(type, "groupchat") || str_is(type, "headline") || str_is(type, "error"))
		return false;
	if (str_is(type, "chat"))
		return true;
	return node_child(m, NS_CLIENT, "body") || node_child(m, NS_RECEIPTS, "received") ||
	       node_child(m, NS_MARKERS, "displayed") || node_child(m, NS_CONFERENCE, "x");
}

static struct str wrap(struct trip *t, const struct user *u, const struct session *to, bool sent)
{
	struct node *m = node_new(t->arena, NS_CLIENT, "message"), *w, *f, *view, *copy;
	struct buf b;
	struct str bytes = { 0 };

	view = deliver_view(t, u->bare, sent ? t->archive_from : t->archive_to);
	w = node_add(t->arena, m, NS_CARBONS, sent ? "sent" : "received");
	f = w ? node_add(t->arena, w, NS_FORWARD, "forwarded") : NULL;
	copy = view ? node_dup(t->arena, view) : NULL;
	if (!f || !copy || node_set_attr(t->arena, m, "from", u->bare) < 0 ||
	    node_set_attr(t->arena, m, "to", to->full) < 0)
		return bytes;
	if (node_has_attr(copy, "type") && node_set_attr(t->arena, m, "type", node_attr(copy, "type")) < 0)
		return bytes;
	node_append(f, copy);
	buf_init(&b, LIMIT_STANZA_BYTES_MAX * 2);
	if (wire_write(&b, m, STR(NS_CLIENT)) == 0)
		bytes = arena_str(t->arena, buf_str(&b));
	buf_release(&b);
	return bytes;
}

static bool has_copy(const struct trip *t, const struct session *s)
{
	for (const struct copy *c = t->copies; c; c = c->next)
		if (c->session_id == s->id)
			return true;
	return false;
}

static void copies(struct trip *t, struct user *u, bool sent)
{
	LIST_EACH(it, &u->sessions) {
		struct session *s = LIST_ITEM(it, struct session, of_user);

		if (s->carbons && s->id != t->session_id && !has_copy(t, s))
			deliver_copy(t, s, wrap(t, u, s, sent), false);
	}
}

static void message_plan(struct trip *t)
{
	if (!eligible(t->stanza))
		return;
	if (t->to_user && t->to_user != t->from_user)
		copies(t, t->to_user, false);
	if (t->from_user && (t->origin == TRIP_CLIENT || t->settled))
		copies(t, t->from_user, true);
}

static const struct iq_hook iqs[] = {
	{ IQ_SET, NS_CARBONS, "enable", TO_SELF, on_switch },
	{ IQ_SET, NS_CARBONS, "disable", TO_SELF, on_switch },
	{ 0 }
};

static void session_binding(struct session *s, const struct node *bind)
{
	s->carbons = node_child(bind, NS_CARBONS, "enable") != NULL;
}

static const struct mod_hooks hooks = { .message_plan = message_plan, .session_binding = session_binding };

const struct mod_def mod_carbons = {
	.name = "carbons",
	.xep = 280,
	.xep_version = "1.0.1",
	.disco_server = (const char *const[]){ NS_CARBONS, NULL },
	.disco_account = (const char *const[]){ NS_CARBONS, NULL },
	.iq = iqs,
	.hooks = &hooks,
	.bind_feature = NS_CARBONS,
};
