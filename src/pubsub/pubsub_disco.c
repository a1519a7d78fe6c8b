/* pubsub_disco.c - see pubsub_disco.h. */
#include "pubsub/pubsub_disco.h"

#include "core/hooks.h"
#include "pubsub/pubsub_call.h"
#include "pubsub/pubsub_form.h"
#include "vault/vault_pubsub.h"

#define SHOWN 200			/* items of a node in one answer */
#define SHOWN_BYTES (2u << 20)		/* and of what is read for their ids */

/* The named node, if the viewer may read it. */
static int readable(struct vault *v, struct pubsub_call *c, struct pubsub_node **ret)
{
	int r = pubsub_call_load(v, c, c->name, ret);

	if (r < 0)
		return r == ERR_NOT_FOUND ? pubsub_access_denied(NULL, &c->viewer) : r;
	return pubsub_access_read(*ret, &c->viewer) ? 0 : pubsub_access_denied(*ret, &c->viewer);
}

static struct node *new_query(struct pubsub_call *c, const char *ns)
{
	struct node *query = node_new(c->arena, ns, "query");

	if (query && c->name.n && node_set_attr(c->arena, query, "node", c->name) < 0)
		return NULL;
	return query;
}

/* --- info -------------------------------------------------------------------------------------------------------------- */

static int info_work(struct vault *v, struct pubsub_call *c)
{
	struct pubsub_node *n;
	struct node *id, *f;
	uint64_t count = 0;
	int r = readable(v, c, &n);

	if (r == 0)
		r = vault_pubsub_count(v, c->owner, n->name, 0, &count);
	if (r < 0)
		return r;
	c->reply = new_query(c, NS_DISCO_INFO);
	id = c->reply ? node_add(c->arena, c->reply, NS_DISCO_INFO, "identity") : NULL;
	if (!id || node_set_attr(c->arena, id, "category", STR("pubsub")) < 0 || node_set_attr(c->arena, id, "type", STR("leaf")) < 0)
		return ERR_LIMIT;
	if (n->config.text[PUBSUB_TITLE].n && node_set_attr(c->arena, id, "name", n->config.text[PUBSUB_TITLE]) < 0)
		return ERR_LIMIT;
	f = node_add(c->arena, c->reply, NS_DISCO_INFO, "feature");
	if (!f || node_set_attr(c->arena, f, "var", STR(NS_PUBSUB)) < 0)
		return ERR_LIMIT;
	return pubsub_form_meta(c->arena, c->reply, n, count);
}

int pubsub_disco_info(struct iq *iq, struct str service)
{
	if (!node_has_attr(iq->payload, "node"))
		return IQ_PASS;
	return pubsub_call_begin(iq, service, info_work, NULL);
}

/* --- items ------------------------------------------------------------------------------------------------------------- */

static int add(struct pubsub_call *c, const char *attr, struct str value, struct str name)
{
	struct node *i = node_add(c->arena, c->reply, NS_DISCO_ITEMS, "item");

	if (!i || node_set_attr(c->arena, i, "jid", c->owner) < 0 || node_set_attr(c->arena, i, attr, value) < 0)
		return ERR_LIMIT;
	return name.n ? node_set_attr(c->arena, i, "name", name) : 0;
}

/* What a walk over the nodes adds to. */
struct shown {
	struct pubsub_call *c;
	size_t n;
};

static int show_node(void *ctx, const struct pubsub_node *n)
{
	struct shown *s = ctx;

	if (!pubsub_access_read(n, &s->c->viewer))
		return 0;
	s->n++;
	return add(s->c, "node", n->name, n->config.text[PUBSUB_TITLE]);
}

static int nodes_work(struct vault *v, struct pubsub_call *c)
{
	struct shown s = { .c = c };
	int r;

	c->reply = node_dup(c->arena, c->data);
	r = c->reply ? pubsub_call_each(v, c->owner, show_node, &s) : ERR_LIMIT;
	if (r == 0 && s.n == 0 && !c->viewer.service && !c->viewer.owner && !c->viewer.contact)
		return ERR_UNAVAILABLE;
	return r;
}

static int items_work(struct vault *v, struct pubsub_call *c)
{
	struct vault_pub_query q = { .newest = true, .max = 1 };
	struct pubsub_node *n;
	size_t bytes = 0;
	int r = readable(v, c, &n);

	c->reply = r == 0 ? new_query(c, NS_DISCO_ITEMS) : NULL;
	if (!c->reply)
		return r < 0 ? r : ERR_LIMIT;
	/* One at a time, in a scratch arena: it is the ids that are wanted, not what may be large. */
	for (size_t i = 0; i < SHOWN && bytes < SHOWN_BYTES && r == 0; i++) {
		struct arena *a = arena_new(4 * PUBSUB_ITEM_BYTES);
		struct vault_pub *one;
		size_t count = 0;

		r = a ? vault_pubsub_page(v, c->owner, n->name, &q, a, &one, &count) : ERR_NOMEM;
		if (r == 0 && count)
			r = add(c, "name", one->id, STR_NONE);
		if (r == 0 && count) {
			q.before_seq = one->seq;
			bytes += one->payload.n;
		}
		arena_free(&a);
		if (count == 0)
			break;
	}
	return r;
}

int pubsub_disco_items(struct iq *iq, struct str service)
{
	struct node *query;

	if (node_has_attr(iq->payload, "node"))
		return pubsub_call_begin(iq, service, items_work, NULL);
	query = node_new(iq->arena, NS_DISCO_ITEMS, "query");
	if (!query)
		return ERR_LIMIT;
	hooks_disco_items(iq, query);
	return pubsub_call_begin(iq, service, nodes_work, query);
}
