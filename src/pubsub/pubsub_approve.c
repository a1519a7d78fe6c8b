/* pubsub_approve.c - see pubsub_approve.h. */
#include "pubsub/pubsub_approve.h"

#include "base/limits.h"
#include "base/log.h"
#include "core/state.h"
#include "pubsub/pubsub_notify.h"
#include "xmpp/form.h"

/* --- telling ---------------------------------------------------------------------------------------------------- */

static struct node *new_message(struct arena *a, struct str service)
{
	struct node *m = node_new(a, NS_CLIENT, "message");

	return m && node_set_attr(a, m, "from", service) == 0 ? m : NULL;
}

static struct node *question(struct arena *a, const struct pubsub_change *ch)
{
	struct node *m = new_message(a, ch->node->owner);
	struct form f;

	if (!m)
		return NULL;
	form_begin(&f, a, m, "form", NS_PUBSUB_AUTHORIZATION);
	form_text(&f, "title", "Somebody wants to subscribe");
	form_text(&f, "instructions", "Choose whether this address may read what is published at the node.");
	form_field(&f, "text-single", "pubsub#node", "Node", ch->node->name);
	form_field(&f, "jid-single", "pubsub#subscriber_jid", "Address", ch->jid);
	form_field(&f, "boolean", "pubsub#allow", "Allow it?", STR("false"));
	return form_end(&f) == 0 ? m : NULL;
}

static struct node *answer(struct arena *a, const struct pubsub_change *ch)
{
	struct node *m = new_message(a, ch->node->owner), *e, *s;

	e = m ? node_add(a, m, NS_PUBSUB_EVENT, "event") : NULL;
	s = e ? node_add(a, e, NS_PUBSUB_EVENT, "subscription") : NULL;
	if (!s || node_set_attr(a, s, "node", ch->node->name) < 0 || node_set_attr(a, s, "jid", ch->jid) < 0 ||
	    node_set_attr(a, s, "subscription", ch->yes ? STR("subscribed") : STR("none")) < 0)
		return NULL;
	return m;
}

void pubsub_approve_tell(struct server *srv, struct arena *a, const struct pubsub_change *ch)
{
	struct node *m = ch->kind == CHANGE_ASKED ? question(a, ch) : answer(a, ch);

	if (!m) {
		log_event(LOG_WARN, "pubsub.notify_failed", LOG_Z("why", err_text(ERR_LIMIT)));
		return;
	}
	if (ch->kind == CHANGE_ANSWERED)
		pubsub_notify_address(srv, ch->jid, m);
	for (size_t i = 0; ch->kind == CHANGE_ASKED && i < ch->node->n_affiliates; i++)
		if (ch->node->affiliates[i].is == AFFILIATION_OWNER)
			pubsub_notify_address(srv, ch->node->affiliates[i].jid, m);
}

/* --- deciding --------------------------------------------------------------------------------------------------- */

static int decide(struct arena *a, struct pubsub_node *n, struct str jid, bool yes)
{
	if (!pubsub_node_answered(n, jid))
		return ERR_NOT_FOUND;
	return yes ? pubsub_node_subscribe(a, n, jid) : 0;
}

int pubsub_approve_apply(struct pubsub_call *c, struct pubsub_node *n, struct str jid, struct str subscription)
{
	struct pubsub_change ch = { .kind = CHANGE_ANSWERED, .node = n, .jid = jid, .tell = true, .yes = str_is(subscription, "subscribed") };
	int r;

	if (!ch.yes && !str_is(subscription, "none"))
		return ERR_BAD_REQUEST;
	r = decide(c->arena, n, jid, ch.yes);
	return r < 0 ? r : pubsub_call_change(c, &ch);
}

/* --- the form that comes back ----------------------------------------------------------------------------------------- */

struct approval {
	struct str service, by, name, jid;
	bool yes;
	const struct pubsub_node *node;
	int err;
};

static int save(struct vault *v, const struct approval *k, const struct pubsub_node *n)
{
	struct buf b;
	int r;

	buf_init(&b, LIMIT_VALUE_BYTES / 2);
	r = pubsub_node_encode(n, &b);
	if (r == 0)
		r = vault_item_put(v, k->service, ITEM_PUBSUB_NODE, k->name, buf_str(&b));
	buf_release(&b);
	return r;
}

static int work(struct vault *v, void *ctx)
{
	struct trip *t = ctx;
	struct approval *k = t->service_data;
	struct pubsub_node *n;
	struct str bytes;
	int r = vault_item_get(v, k->service, ITEM_PUBSUB_NODE, k->name, t->arena, &bytes);

	if (r == 0)
		r = pubsub_node_decode(t->arena, k->service, k->name, bytes, &n);
	/* Whoever is no owner learns nothing of what there is. */
	if (r == 0 && pubsub_node_affiliation(n, k->by) != AFFILIATION_OWNER)
		r = ERR_NOT_FOUND;
	if (r == 0)
		r = decide(t->arena, n, k->jid, k->yes);
	if (r == 0)
		r = save(v, k, n);
	if (r == 0)
		k->node = n;
	return r;
}

static void done(void *ctx, int err)
{
	struct trip *t = ctx;
	struct approval *k = t->service_data;
	struct pubsub_change ch = { .kind = CHANGE_ANSWERED, .node = k->node, .jid = k->jid, .yes = k->yes };

	k->err = err;
	if (err == 0)
		pubsub_approve_tell(t->server, t->arena, &ch);
	trip_run(t);		/* back in pubsub_approve_admit */
}

enum trip_next pubsub_approve_admit(struct trip *t)
{
	const struct node *x = node_child(t->stanza, NS_XDATA, "x");
	struct approval *k = t->service_data;
	struct str allow = form_get(t->arena, x, "pubsub#allow");
	struct jid who;

	if (t->hold)
		return TRIP_NEXT;
	if (k)
		return k->err < 0 ? trip_refuse(t, k->err, NULL) : TRIP_NEXT;
	if (!x || t->to.local.n || !str_is(node_attr(x, "type"), "submit") || !str_is(form_get(t->arena, x, "FORM_TYPE"), NS_PUBSUB_AUTHORIZATION))
		return trip_refuse(t, ERR_UNAVAILABLE, NULL);
	k = arena_alloc(t->arena, sizeof(*k));
	if (!k)
		return trip_refuse(t, ERR_LIMIT, NULL);
	if (jid_parse(t->arena, form_get(t->arena, x, "pubsub#subscriber_jid"), &who) < 0)
		return trip_refuse(t, ERR_JID, NULL);
	*k = (struct approval){ .service = t->server->pubsub, .by = t->from.bare, .name = form_get(t->arena, x, "pubsub#node"), .jid = who.full,
				.yes = str_is(allow, "true") || str_is(allow, "1") };
	if (k->name.n == 0 || k->name.n > PUBSUB_NAME)
		return trip_refuse(t, ERR_NOT_FOUND, NULL);
	t->service_data = k;
	return server_store(t->server, t, work, done) < 0 ? trip_refuse(t, ERR_BUSY, NULL) : TRIP_WAIT;
}
