#include "xmpp/stanza.h"

#include <string.h>

#include "xmpp/ns.h"

enum stanza_kind stanza_kind(const struct node *n)
{
	if (node_is(n, NS_CLIENT, "message"))
		return STANZA_MESSAGE;
	if (node_is(n, NS_CLIENT, "presence"))
		return STANZA_PRESENCE;
	if (node_is(n, NS_CLIENT, "iq"))
		return STANZA_IQ;
	return STANZA_OTHER;
}

static struct node *answer(struct arena *a, const struct node *req, const char *name, const char *type)
{
	struct node *n = node_new(a, NS_CLIENT, name);
	struct str from = node_attr(req, "to"), to = node_attr(req, "from"), id = node_attr(req, "id");

	if (!n || (from.n && node_set_attr(a, n, "from", from) < 0) || (to.n && node_set_attr(a, n, "to", to) < 0) ||
	    (id.n && node_set_attr(a, n, "id", id) < 0) || node_set_attr(a, n, "type", str_of(type)) < 0)
		return NULL;
	return n;
}

struct node *stanza_reply(struct arena *a, const struct node *req)
{
	return answer(a, req, "iq", "result");
}

static const char *kind_name(enum stanza_kind kind)
{
	switch (kind) {
	case STANZA_PRESENCE:
		return "presence";
	case STANZA_IQ:
		return "iq";
	case STANZA_MESSAGE:
	case STANZA_OTHER:
		break;
	}
	return "message";
}

/* XEP-0086: numbers that some clients still look at (Profanity's OMEMO: a missing device list is 404). */
static const char *legacy_code(const char *condition)
{
	static const struct {
		const char *condition, *code;
	} codes[] = {
		{ "bad-request", "400" }, { "conflict", "409" }, { "feature-not-implemented", "501" }, { "forbidden", "403" },
		{ "gone", "302" }, { "internal-server-error", "500" }, { "item-not-found", "404" }, { "jid-malformed", "400" },
		{ "not-acceptable", "406" }, { "not-allowed", "405" }, { "not-authorized", "401" },
		{ "payment-required", "402" }, { "policy-violation", "406" }, { "recipient-unavailable", "404" },
		{ "redirect", "302" }, { "registration-required", "407" }, { "remote-server-not-found", "404" },
		{ "remote-server-timeout", "504" }, { "resource-constraint", "500" }, { "service-unavailable", "503" },
		{ "subscription-required", "407" }, { "undefined-condition", "500" }, { "unexpected-request", "400" },
	};

	for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++)
		if (strcmp(codes[i].condition, condition) == 0)
			return codes[i].code;
	return "500";
}

static struct node *error_node(struct arena *a, const struct node *req, const char *type, const char *condition,
			       const char *text, struct node *extra)
{
	struct node *n, *e, *c;

	if (str_is(node_attr(req, "type"), "error"))
		return NULL;
	n = answer(a, req, kind_name(stanza_kind(req)), "error");
	/* XEP-0045 7.2: by this a client knows that it was not let into a room (slixmpp waits for it). */
	if (n && str_is(req->name, "presence") && node_child(req, NS_MUC, "x") && !node_add(a, n, NS_MUC, "x"))
		return NULL;
	e = n ? node_add(a, n, NS_CLIENT, "error") : NULL;
	if (!e || node_set_attr(a, e, "type", str_of(type)) < 0 ||
	    node_set_attr(a, e, "code", str_of(legacy_code(condition))) < 0)
		return NULL;
	c = node_add(a, e, NS_STANZAS, condition);
	if (!c)
		return NULL;
	if (text && !node_add_leaf(a, e, NS_STANZAS, "text", str_of(text)))
		return NULL;
	if (extra)
		node_append(e, extra);
	return n;
}

struct node *stanza_error(struct arena *a, const struct node *req, int err, const char *text)
{
	return error_node(a, req, err_stanza_type(err), err_stanza_condition(err), text, NULL);
}

struct node *stanza_error_cond(struct arena *a, const struct node *req, const char *type, const char *condition,
			       struct node *extra)
{
	return error_node(a, req, type, condition, NULL, extra);
}
