/* tombstone.c - see tombstone.h. */
#include "xmpp/tombstone.h"

#include "xmpp/ns.h"

#define DEEP 4			/* carbon, forwarded, message: one more than there ever are */

static bool is_kept(const struct node *c)
{
	return node_is(c, NS_SID, "stanza-id") || node_is(c, NS_SID, "origin-id") || node_is(c, NS_OCCUPANT_ID, "occupant-id") ||
	       node_is(c, NS_DELAY, "delay");
}

static int copy_attrs(struct arena *a, const struct node *m, struct node *n)
{
	static const char *const kept[] = { "from", "to", "type", "id" };
	int r = 0;

	for (size_t i = 0; r == 0 && i < sizeof(kept) / sizeof(kept[0]); i++)
		if (node_has_attr(m, kept[i]))
			r = node_set_attr(a, n, kept[i], node_attr(m, kept[i]));
	return r;
}

int tombstone_of(struct arena *a, const struct node *m, const struct tombstone *t, struct node **ret)
{
	struct node *n = node_new(a, NS_CLIENT, "message"), *x = n ? node_add(a, n, NS_RETRACT, "retracted") : NULL, *by;
	int r = x ? copy_attrs(a, m, n) : ERR_LIMIT;

	if (r == 0)
		r = node_set_attr(a, x, "stamp", t->stamp);
	if (r == 0 && t->id.n)
		r = node_set_attr(a, x, "id", t->id);
	if (r == 0 && t->moderator.n) {
		by = node_add(a, x, NS_MODERATE, "moderated");
		r = by ? node_set_attr(a, by, "by", t->moderator) : ERR_LIMIT;
	}
	for (const struct node *c = node_first_element(m); r == 0 && c; c = node_next_element(c)) {
		struct node *copy = is_kept(c) ? node_dup(a, c) : NULL;

		if (copy)
			node_append(n, copy);
		else if (is_kept(c))
			r = ERR_LIMIT;
	}
	if (r == 0)
		*ret = n;
	return r;
}

static bool has_id(const struct node *m, struct str id)
{
	const struct node *frank = node_child(m, NS_FRANK, "frank");

	for (const struct node *c = node_child(m, NS_SID, "stanza-id"); c; c = node_child_next(c, NS_SID, "stanza-id"))
		if (str_eq(node_attr(c, "id"), id))
			return true;
	return frank && str_eq(node_attr(frank, "id"), id);
}

/* A message that is passed on within m, or NULL. */
static struct node *passed_on(const struct node *m, struct str id, bool *by_result)
{
	static const struct { const char *ns, *name; } wraps[] = { { NS_CARBONS, "received" }, { NS_CARBONS, "sent" }, { NS_MAM, "result" } };

	for (size_t i = 0; i < sizeof(wraps) / sizeof(wraps[0]); i++) {
		const struct node *w = node_child(m, wraps[i].ns, wraps[i].name), *f = w ? node_child(w, NS_FORWARD, "forwarded") : NULL;
		struct node *inner = f ? node_child(f, NS_CLIENT, "message") : NULL;

		*by_result = w && str_eq(node_attr(w, "id"), id);
		if (inner)
			return inner;
	}
	return NULL;
}

static bool bury(struct arena *a, struct node **m, struct str id, const struct tombstone *t, bool sure, unsigned depth)
{
	struct node *tomb, *inner, *parent = (*m)->parent;
	bool by_result;

	if (depth > DEEP)
		return false;
	inner = passed_on(*m, id, &by_result);
	if (inner)
		return bury(a, &inner, id, t, by_result, depth + 1);
	if (!sure && !has_id(*m, id))
		return false;
	if (tombstone_of(a, *m, t, &tomb) < 0)
		return false;
	if (parent) {
		node_remove(*m);
		node_append(parent, tomb);
	}
	*m = tomb;
	return true;
}

bool tombstone_within(struct arena *a, struct node **m, struct str id, const struct tombstone *t)
{
	return node_is(*m, NS_CLIENT, "message") && bury(a, m, id, t, false, 0);
}
