/* validate.c - the first step: stamps 'from', checks the shape, takes off what only a server may say.
 *
 * RFC 6120 8.1, 8.2.3; security-tests 60-69, 78, 90-95.
 */
#include "base/check.h"
#include "base/limits.h"
#include "core/hooks.h"
#include "core/pipeline.h"
#include "core/service.h"
#include "core/session.h"
#include "core/state.h"
#include "core/user.h"
#include "inspect/url.h"
#include "xmpp/ns.h"

#define LANGUAGES 32			/* of one message */
#define ERROR_TEXT 200			/* bytes */

/* Elements a client may not put into what it sends: they speak for a server or an archive. A peer has rooms and
 * archives of its own, but never our clients' carbons. */
static const struct {
	const char *ns, *name;
	bool of_peers;			/* a peer may say it */
} servers_only[] = {
	{ NS_CARBONS, "received", false }, { NS_CARBONS, "sent", false }, { NS_MAM, "result", true }, { NS_MAM, "fin", true },
	{ NS_SID, "stanza-id", true }, { NS_OCCUPANT_ID, "occupant-id", true }, { NS_MUC_USER, "x", true },
	{ NS_FRANK, "frank", false }, { NS_RAA, "info", true },
};

/* Does the address in this attribute speak for us: our domain, one of its accounts, a room? */
static bool names_us(const struct trip *t, struct str address)
{
	ptrdiff_t at = str_find_char(address, '@'), slash;
	struct str domain = str_cut(address, (size_t)(at + 1));

	slash = str_find_char(domain, '/');
	if (slash >= 0)
		domain.n = (size_t)slash;
	return server_is_local(t->server, domain) || service_of(t->server, domain);
}

/* Invitations, declines and requests for voice go to rooms, ours or others', in that element. */
static bool is_for_a_room(const struct trip *t)
{
	return t->kind == STANZA_PRESENCE || !server_is_local(t->server, t->to.domain);
}

static bool spoofed(const struct trip *t, const struct node *c)
{
	if (node_is(c, NS_DELAY, "delay"))
		return names_us(t, node_attr(c, "from")) &&
		       (trip_is_foreign(t) || str_eq(node_attr(c, "from"), t->server->domain));
	if (trip_is_foreign(t) && node_is(c, NS_SID, "stanza-id"))
		return names_us(t, node_attr(c, "by"));
	if (node_is(c, NS_MUC_USER, "x") && !trip_is_foreign(t))
		return !is_for_a_room(t);
	for (size_t i = 0; i < ARRAY_SIZE(servers_only); i++)
		if (node_is(c, servers_only[i].ns, servers_only[i].name))
			return !(trip_is_foreign(t) && servers_only[i].of_peers);
	return false;
}

static void strip(struct trip *t)
{
	struct node *next;

	for (struct node *c = node_first_element(t->stanza); c; c = next) {
		next = node_next_element(c);
		if (spoofed(t, c))
			node_remove(c);
	}
}

/* Two of one language, or more than anybody writes: each is compared with each. */
static bool twice(const struct node *m, const char *name)
{
	unsigned n = 0;

	for (struct node *c = node_child(m, NS_CLIENT, name); c; c = node_child_next(c, NS_CLIENT, name))
		if (++n > LANGUAGES)
			return true;
	for (struct node *c = node_child(m, NS_CLIENT, name); c; c = node_child_next(c, NS_CLIENT, name))
		for (struct node *d = node_child_next(c, NS_CLIENT, name); d; d = node_child_next(d, NS_CLIENT, name))
			if (str_eq(node_attr(c, "xml:lang"), node_attr(d, "xml:lang")))
				return true;
	return false;
}

/* A sentence that says what is wrong, and leads nowhere: it may name the domain that it is from. */
static bool harmless(const struct trip *t, struct str text)
{
	struct url found[URLS];
	bool more;
	unsigned n = url_find(text, t->arena, found, &more);

	for (unsigned i = 0; i < n; i++)
		if (!found[i].bare || found[i].path.n || !str_ends(found[i].host, t->from.domain))
			return false;
	return text.n <= ERROR_TEXT && !more;
}

/* An error is not inspected, so it carries nothing that somebody could read but its condition and a sentence. */
static void bare_error(struct trip *t)
{
	struct node *m = t->stanza;
	struct node *next;

	for (struct node *c = m->first; c; c = next) {
		next = c->next;
		if (!node_is(c, NS_CLIENT, "error") && !node_is(c, NS_SID, "origin-id") && !node_is(c, NS_OCCUPANT_ID, "occupant-id") &&
		    !node_is(c, NS_MUC_USER, "x"))
			node_remove(c);
	}
	for (struct node *e = node_child(m, NS_CLIENT, "error"), *c = e ? e->first : NULL; c; c = next) {
		next = c->next;
		if (str_is(c->name, "text") && !harmless(t, node_deep_text(t->arena, c)))
			node_remove(c);
	}
}

static enum trip_next check_message(struct trip *t)
{
	static const char *const types[] = { "chat", "normal", "headline", "groupchat", "error" };
	struct str type = node_attr(t->stanza, "type");
	bool known = type.n == 0;

	for (size_t i = 0; i < ARRAY_SIZE(types); i++)
		known = known || str_is(type, types[i]);
	if (!known)
		node_drop_attr(t->stanza, "type");	/* RFC 6121 5.2.2: as "normal" */
	/* One text, the same for the inspector, the archive and every client. */
	if (twice(t->stanza, "body") || twice(t->stanza, "subject"))
		return trip_refuse(t, ERR_BAD_REQUEST, "only one body and one subject for each language");
	strip(t);
	if (str_is(type, "error"))
		bare_error(t);
	return TRIP_NEXT;
}

static enum trip_next check_iq(struct trip *t)
{
	struct str type = node_attr(t->stanza, "type");
	bool request = str_is(type, "get") || str_is(type, "set");
	const struct node *child = node_first_element(t->stanza);

	if (!request && !str_is(type, "result") && !str_is(type, "error"))
		return trip_refuse(t, ERR_BAD_REQUEST, "an iq is of type get, set, result or error");
	if (node_attr(t->stanza, "id").n == 0)
		return trip_refuse(t, ERR_BAD_REQUEST, "an iq needs an id");
	if (request && (!child || node_next_element(child)))
		return trip_refuse(t, ERR_BAD_REQUEST, "a request has exactly one child element");
	return TRIP_NEXT;
}

static enum trip_next check_presence(struct trip *t)
{
	static const char *const types[] = { "", "unavailable", "subscribe", "subscribed", "unsubscribe", "unsubscribed",
					     "probe", "error" };
	struct str type = node_attr(t->stanza, "type");
	int r = 0;

	for (size_t i = 0; i < ARRAY_SIZE(types); i++) {
		if (!str_is(type, types[i]))
			continue;
		strip(t);
		if (type.n == 0 && t->from_user)
			r = hooks_presence_stamp(t, t->from_user);
		return r < 0 ? trip_refuse(t, r, NULL) : TRIP_NEXT;
	}
	return trip_refuse(t, ERR_BAD_REQUEST, "no such type of presence");
}

/* False: the session was ended for a 'from' that is not its own (security-tests 60). */
static bool stamp_from(struct trip *t, struct session *s)
{
	struct str from = node_attr(t->stanza, "from");
	struct jid claimed;

	if (from.n && (jid_parse(t->arena, from, &claimed) < 0 ||
		       !(str_eq(claimed.full, s->full) || str_eq(claimed.full, s->user->bare)))) {
		t->server->metrics.stream_errors++;
		return false;
	}
	return node_set_attr(t->arena, t->stanza, "from", s->full) == 0;
}

enum trip_next step_validate(struct trip *t)
{
	struct session *s = session_find(t->server, t->session_id);
	struct str to = node_attr(t->stanza, "to");

	if (t->origin == TRIP_CLIENT) {
		if (!s) {
			trip_end(t);
			return TRIP_ENDED;
		}
		if (!stamp_from(t, s)) {
			trip_end(t);
			session_end(s, "invalid-from");
			return TRIP_ENDED;
		}
	}
	if (jid_parse(t->arena, node_attr(t->stanza, "from"), &t->from) < 0) {
		trip_end(t);
		return TRIP_ENDED;
	}
	if (node_has_attr(t->stanza, "to") && jid_parse(t->arena, to, &t->to) < 0)
		return trip_refuse(t, ERR_JID, "the address in 'to' is malformed");
	t->to_self = t->to.full.n == 0 || (t->to.resource.n == 0 && str_eq(t->to.bare, t->from.bare));
	if (trip_is_foreign(t) && t->to.full.n == 0)
		return trip_refuse(t, ERR_JID, "a stanza to another server needs a 'to'");
	if (t->origin != TRIP_CLIENT && !trip_is_foreign(t))
		return TRIP_NEXT;
	switch (t->kind) {
	case STANZA_MESSAGE:
		return check_message(t);
	case STANZA_IQ:
		return check_iq(t);
	case STANZA_PRESENCE:
		return check_presence(t);
	case STANZA_OTHER:
		break;
	}
	return trip_refuse(t, ERR_UNSUPPORTED, NULL);
}
