/* pubsub_people.c - subscriptions and affiliations (XEP-0060 5.6, 5.7, 6.1, 6.2, 8.8, 8.9). */
#include "pubsub/pubsub_approve.h"
#include "pubsub/pubsub_ops.h"

#include "xmpp/jid.h"

#define SUBSCRIBED "subscribed"
#define PENDING "pending"
#define NOTHING "none"

/* Who subscribes is who asks: with a resource or without. */
static int own_jid(struct pubsub_call *c, struct str *ret)
{
	struct jid jid;

	if (jid_parse(c->arena, node_attr(c->op, "jid"), &jid) < 0 || !str_eq(jid.bare, c->viewer.bare))
		return pubsub_ops_fail(c, ERR_BAD_REQUEST, "invalid-jid");
	*ret = jid.full;
	return 0;
}

static int add_subscription(struct pubsub_call *c, struct node *parent, const char *ns, struct str node, struct str jid, const char *is)
{
	struct node *s = node_add(c->arena, parent, ns, "subscription");

	if (!s || (node.n && node_set_attr(c->arena, s, "node", node) < 0) || node_set_attr(c->arena, s, "jid", jid) < 0 ||
	    node_set_attr(c->arena, s, "subscription", str_of(is)) < 0)
		return ERR_LIMIT;
	return 0;
}

static bool is_of(struct str jid, struct str bare)
{
	return str_eq(jid, bare) || (str_starts(jid, bare) && jid.p[bare.n] == '/');
}

/* A stranger may subscribe at an open node: he does not fill it. */
static int check_room(const struct pubsub_call *c, const struct pubsub_node *n, struct str jid)
{
	size_t own = 0;

	if (pubsub_node_subscribed(n, jid))
		return 0;
	for (size_t i = 0; i < n->n_subscribers; i++)
		own += is_of(n->subscribers[i], c->viewer.bare);
	for (size_t i = 0; i < n->n_pending; i++)
		own += is_of(n->pending[i], c->viewer.bare);
	if (jid.n > PUBSUB_SUBSCRIBER)
		return ERR_NOT_ACCEPTABLE;
	return own >= PUBSUB_OF_ONE || (!c->viewer.service && n->n_subscribers >= PUBSUB_ACCOUNT_SUBSCRIPTIONS) ? ERR_LIMIT : 0;
}

/* XEP-0060 6.1.3.5: its owners are asked, once. */
static int ask(struct vault *v, struct pubsub_call *c, struct pubsub_node *n)
{
	struct pubsub_change ch = { .kind = CHANGE_ASKED, .node = n };
	int r = own_jid(c, &ch.jid);

	if (r < 0)
		return r;
	ch.tell = !pubsub_node_pending(n, ch.jid);
	if (ch.tell) {
		r = check_room(c, n, ch.jid);
		if (r == 0)
			r = pubsub_node_ask(c->arena, n, ch.jid);
		if (r == 0)
			r = pubsub_call_save(v, c, n);
		if (r == 0)
			r = pubsub_call_change(c, &ch);
		if (r < 0)
			return r == ERR_LIMIT ? pubsub_ops_fail(c, r, "too-many-subscriptions") : r;
	}
	c->reply = node_new(c->arena, NS_PUBSUB, "pubsub");
	return c->reply ? add_subscription(c, c->reply, NS_PUBSUB, n->name, ch.jid, PENDING) : ERR_LIMIT;
}

int pubsub_people_subscribe(struct vault *v, struct pubsub_call *c)
{
	struct pubsub_change ch = { .kind = CHANGE_SUBSCRIBED, .tell = true };
	struct pubsub_node *n;
	int r = pubsub_call_load(v, c, c->name, &n);

	if (r < 0)
		return r == ERR_NOT_FOUND ? pubsub_access_denied(NULL, &c->viewer) : r;
	if (!pubsub_access_read(n, &c->viewer))
		return pubsub_access_ask(n, &c->viewer) ? ask(v, c, n) : pubsub_access_denied(n, &c->viewer);
	r = own_jid(c, &ch.jid);
	if (r == 0)
		r = check_room(c, n, ch.jid);
	if (r == 0)
		r = pubsub_node_subscribe(c->arena, n, ch.jid);
	if (r == 0)
		r = pubsub_call_save(v, c, n);
	if (r < 0)
		return r == ERR_LIMIT ? pubsub_ops_fail(c, r, "too-many-subscriptions") : r;
	c->reply = node_new(c->arena, NS_PUBSUB, "pubsub");
	if (!c->reply)
		return ERR_LIMIT;
	r = add_subscription(c, c->reply, NS_PUBSUB, n->name, ch.jid, SUBSCRIBED);
	if (r < 0 || n->config.n[PUBSUB_SEND_LAST] == LAST_NEVER)
		return r;
	r = pubsub_items_last(v, c, n, &ch);
	return r < 0 ? (r == ERR_NOT_FOUND ? 0 : r) : pubsub_call_change(c, &ch);
}

/* Who reads it, is subscribed to it, or has asked to be. */
static bool may_see(const struct pubsub_node *n, const struct pubsub_viewer *w)
{
	return pubsub_access_read(n, w) || pubsub_node_subscribed_bare(n, w->bare) || pubsub_access_ask(n, w);
}

int pubsub_people_unsubscribe(struct vault *v, struct pubsub_call *c)
{
	struct pubsub_node *n;
	struct str jid;
	int r = pubsub_call_load(v, c, c->name, &n);

	if (r < 0)
		return r == ERR_NOT_FOUND ? pubsub_access_denied(NULL, &c->viewer) : r;
	if (!may_see(n, &c->viewer))
		return pubsub_access_denied(n, &c->viewer);
	r = own_jid(c, &jid);
	if (r < 0)
		return r;
	if (!pubsub_node_subscribed(n, jid) && !pubsub_node_pending(n, jid))
		return pubsub_ops_fail(c, ERR_UNEXPECTED, "not-subscribed");
	pubsub_node_unsubscribe(n, jid);
	pubsub_node_answered(n, jid);
	r = pubsub_call_save(v, c, n);
	if (r < 0)
		return r;
	c->reply = node_new(c->arena, NS_PUBSUB, "pubsub");
	return c->reply ? add_subscription(c, c->reply, NS_PUBSUB, n->name, jid, NOTHING) : ERR_LIMIT;
}

/* The nodes the request is about: the named one or all. */
struct asked {
	struct pubsub_call *c;
	struct node *el;		/* of the answer */
};

static int each_asked(struct vault *v, struct pubsub_call *c, const char *name, pubsub_node_fn *fn)
{
	struct asked q = { .c = c };
	struct pubsub_node *n;
	int r;

	if (!c->viewer.service && !c->viewer.owner && !c->viewer.contact && c->name.n == 0)
		return ERR_UNAVAILABLE;
	c->reply = pubsub_ops_answer(c, NS_PUBSUB, name, c->name, &q.el);
	if (!c->reply)
		return ERR_LIMIT;
	if (c->name.n == 0)
		return pubsub_call_each(v, c->owner, fn, &q);
	r = pubsub_call_load(v, c, c->name, &n);
	if (r < 0)
		return r == ERR_NOT_FOUND ? pubsub_access_denied(NULL, &c->viewer) : r;
	if (!may_see(n, &c->viewer))
		return pubsub_access_denied(n, &c->viewer);
	return fn(&q, n);
}

static int show_subscriptions(void *ctx, const struct pubsub_node *n)
{
	struct asked *q = ctx;
	int r = 0;

	for (size_t i = 0; i < n->n_subscribers && r == 0; i++)
		if (is_of(n->subscribers[i], q->c->viewer.bare))
			r = add_subscription(q->c, q->el, NS_PUBSUB, n->name, n->subscribers[i], SUBSCRIBED);
	for (size_t i = 0; i < n->n_pending && r == 0; i++)
		if (is_of(n->pending[i], q->c->viewer.bare))
			r = add_subscription(q->c, q->el, NS_PUBSUB, n->name, n->pending[i], PENDING);
	return r;
}

int pubsub_people_subscriptions(struct vault *v, struct pubsub_call *c)
{
	return each_asked(v, c, "subscriptions", show_subscriptions);
}

static int add_affiliation(struct pubsub_call *c, struct node *parent, const char *ns, struct str node, struct str jid,
			   enum pubsub_affiliation is)
{
	struct node *s = node_add(c->arena, parent, ns, "affiliation");

	if (!s || (node.n && node_set_attr(c->arena, s, "node", node) < 0) ||
	    (jid.n && node_set_attr(c->arena, s, "jid", jid) < 0) ||
	    node_set_attr(c->arena, s, "affiliation", str_of(pubsub_node_affiliation_text(is))) < 0)
		return ERR_LIMIT;
	return 0;
}

static int show_affiliation(void *ctx, const struct pubsub_node *n)
{
	struct asked *q = ctx;
	enum pubsub_affiliation is = pubsub_access_affiliation(n, &q->c->viewer);

	return is == AFFILIATION_NONE ? 0 : add_affiliation(q->c, q->el, NS_PUBSUB, n->name, STR_NONE, is);
}

int pubsub_people_affiliations(struct vault *v, struct pubsub_call *c)
{
	return each_asked(v, c, "affiliations", show_affiliation);
}

/* --- for owners ------------------------------------------------------------------------------------------------------------- */

static int owned(struct vault *v, struct pubsub_call *c, struct pubsub_node **ret)
{
	int r = pubsub_call_load(v, c, c->name, ret);

	if (r < 0)
		return r == ERR_NOT_FOUND ? pubsub_access_denied(NULL, &c->viewer) : r;
	return pubsub_access_own(*ret, &c->viewer) ? 0 : pubsub_access_denied(*ret, &c->viewer);
}

/* The node stays in somebody's hands. */
static bool has_owner(const struct pubsub_call *c, const struct pubsub_node *n)
{
	if (!c->viewer.service)
		return true;
	for (size_t i = 0; i < n->n_affiliates; i++)
		if (n->affiliates[i].is == AFFILIATION_OWNER)
			return true;
	return false;
}

static int set_affiliations(struct vault *v, struct pubsub_call *c, struct pubsub_node *n)
{
	int r = 0;

	for (const struct node *e = node_child(c->op, NS_PUBSUB_OWNER, "affiliation"); e && r == 0;
	     e = node_child_next(e, NS_PUBSUB_OWNER, "affiliation")) {
		enum pubsub_affiliation is;
		struct jid jid;

		if (jid_parse(c->arena, node_attr(e, "jid"), &jid) < 0)
			return pubsub_ops_fail(c, ERR_BAD_REQUEST, "invalid-jid");
		if (!pubsub_node_affiliation_parse(node_attr(e, "affiliation"), &is))
			return ERR_BAD_REQUEST;
		/* The account owns its nodes, and nobody else does. */
		if (!c->viewer.service && (str_eq(jid.bare, c->owner) || is == AFFILIATION_OWNER))
			return ERR_NOT_ACCEPTABLE;
		r = pubsub_node_affiliate(c->arena, n, jid.bare, is);
	}
	if (r == 0 && !has_owner(c, n))
		return ERR_NOT_ACCEPTABLE;
	return r < 0 ? r : pubsub_call_save(v, c, n);
}

int pubsub_people_own_affiliations(struct vault *v, struct pubsub_call *c)
{
	struct pubsub_node *n;
	struct node *el;
	int r = owned(v, c, &n);

	if (r < 0)
		return r;
	if (c->iq->type == IQ_SET)
		return set_affiliations(v, c, n);
	c->reply = pubsub_ops_answer(c, NS_PUBSUB_OWNER, "affiliations", n->name, &el);
	if (!c->reply)
		return ERR_LIMIT;
	if (!c->viewer.service)
		r = add_affiliation(c, el, NS_PUBSUB_OWNER, STR_NONE, c->owner, AFFILIATION_OWNER);
	for (size_t i = 0; i < n->n_affiliates && r == 0; i++)
		r = add_affiliation(c, el, NS_PUBSUB_OWNER, STR_NONE, n->affiliates[i].jid, n->affiliates[i].is);
	return r;
}

/* An owner may take subscriptions away, and answers who has asked; nobody is subscribed by somebody else. */
static int set_subscriptions(struct vault *v, struct pubsub_call *c, struct pubsub_node *n)
{
	for (const struct node *e = node_child(c->op, NS_PUBSUB_OWNER, "subscription"); e;
	     e = node_child_next(e, NS_PUBSUB_OWNER, "subscription")) {
		struct jid jid;

		if (jid_parse(c->arena, node_attr(e, "jid"), &jid) < 0)
			return pubsub_ops_fail(c, ERR_BAD_REQUEST, "invalid-jid");
		if (str_is(node_attr(e, "subscription"), PENDING) && pubsub_node_pending(n, jid.full))
			continue;
		if (pubsub_node_pending(n, jid.full)) {
			int r = pubsub_approve_apply(c, n, jid.full, node_attr(e, "subscription"));

			if (r < 0)
				return r;
			continue;
		}
		if (str_is(node_attr(e, "subscription"), NOTHING))
			pubsub_node_unsubscribe(n, jid.full);
		else if (!str_is(node_attr(e, "subscription"), SUBSCRIBED))
			return ERR_BAD_REQUEST;
		else if (!pubsub_node_subscribed(n, jid.full))
			return ERR_NOT_ACCEPTABLE;
	}
	return pubsub_call_save(v, c, n);
}

int pubsub_people_own_subscriptions(struct vault *v, struct pubsub_call *c)
{
	struct pubsub_node *n;
	struct node *el;
	int r = owned(v, c, &n);

	if (r < 0)
		return r;
	if (c->iq->type == IQ_SET)
		return set_subscriptions(v, c, n);
	c->reply = pubsub_ops_answer(c, NS_PUBSUB_OWNER, "subscriptions", n->name, &el);
	if (!c->reply)
		return ERR_LIMIT;
	for (size_t i = 0; i < n->n_subscribers && r == 0; i++)
		r = add_subscription(c, el, NS_PUBSUB_OWNER, STR_NONE, n->subscribers[i], SUBSCRIBED);
	for (size_t i = 0; i < n->n_pending && r == 0; i++)
		r = add_subscription(c, el, NS_PUBSUB_OWNER, STR_NONE, n->pending[i], PENDING);
	return r;
}
