/* pubsub_manage.c - making, setting up, emptying and deleting nodes (XEP-0060 8). */
#include "base/rand.h"
#include "pubsub/pubsub_form.h"
#include "pubsub/pubsub_ops.h"
#include "vault/vault_pubsub.h"

static const struct node *form_in(const struct node *parent, const char *ns, const char *name)
{
	const struct node *el = node_child(parent, ns, name);

	return el ? node_child(el, NS_XDATA, "x") : NULL;
}

static bool is_word(struct pubsub_node *n, enum pubsub_option o, uint32_t w)
{
	return n->config.n[o] == w;
}

/* What is an account's is nothing at the service, which has no presence of anybody; at the service alone owners are asked. */
static int check_config(struct pubsub_call *c, struct pubsub_node *n)
{
	if (!c->viewer.service)
		return is_word(n, PUBSUB_ACCESS, ACCESS_AUTHORIZE) ? ERR_NOT_ACCEPTABLE : 0;
	if (is_word(n, PUBSUB_ACCESS, ACCESS_PRESENCE) || is_word(n, PUBSUB_ACCESS, ACCESS_ROSTER))
		return ERR_NOT_ACCEPTABLE;
	return 0;
}

static int new_name(struct pubsub_call *c, struct str *ret)
{
	char text[17];

	*ret = c->name;
	if (c->name.n)
		return 0;
	rand_text(text, 16);		/* an instant node (XEP-0060 8.1.4) */
	*ret = arena_str(c->arena, str_make(text, 16));
	return ret->p ? 0 : ERR_LIMIT;
}

int pubsub_manage_create(struct vault *v, struct pubsub_call *c)
{
	struct pubsub_node *n;
	struct node *el;
	struct str name;
	int r = new_name(c, &name);

	if (r < 0)
		return r;
	if (!c->viewer.owner && !(c->viewer.service && c->viewer.staff))
		return c->viewer.service || c->viewer.contact ? ERR_FORBIDDEN : ERR_UNAVAILABLE;
	r = pubsub_call_load(v, c, name, &n);
	if (r != ERR_NOT_FOUND)
		return r < 0 ? r : ERR_CONFLICT;
	r = pubsub_call_create(v, c, name, &n);
	if (r == 0)
		r = pubsub_form_read(c->arena, form_in(c->iq->payload, NS_PUBSUB, "configure"), false, &n->config);
	if (r == 0)
		r = check_config(c, n);
	if (r == 0)
		r = pubsub_call_save(v, c, n);
	if (r < 0)
		return r;
	c->reply = pubsub_ops_answer(c, NS_PUBSUB, "create", name, &el);
	return c->reply ? 0 : ERR_LIMIT;
}

int pubsub_manage_default(struct vault *v, struct pubsub_call *c)
{
	const char *ns = str_is(c->op->ns, NS_PUBSUB) ? NS_PUBSUB : NS_PUBSUB_OWNER;
	struct pubsub_node *n;
	struct node *el;
	int r;

	(void)v;
	if (!c->viewer.owner && !c->viewer.service)
		return pubsub_access_denied(NULL, &c->viewer);
	r = pubsub_node_new(c->arena, c->owner, !c->viewer.service, STR_NONE, &n);
	if (r < 0)
		return r;
	c->reply = pubsub_ops_answer(c, ns, "default", STR_NONE, &el);
	return c->reply ? pubsub_form_show(c->arena, el, &n->config, !c->viewer.service) : ERR_LIMIT;
}

/* The node, for its owners alone. */
static int owned(struct vault *v, struct pubsub_call *c, struct pubsub_node **ret)
{
	int r = pubsub_call_load(v, c, c->name, ret);

	if (r < 0)
		return r == ERR_NOT_FOUND ? pubsub_access_denied(NULL, &c->viewer) : r;
	return pubsub_access_own(*ret, &c->viewer) ? 0 : pubsub_access_denied(*ret, &c->viewer);
}

static int set_config(struct vault *v, struct pubsub_call *c, struct pubsub_node *n)
{
	struct pubsub_change ch = { .kind = CHANGE_CONFIG, .node = n };
	const struct node *form = node_child(c->op, NS_XDATA, "x");
	int r;

	if (form && str_is(node_attr(form, "type"), "cancel"))
		return 0;
	if (!form)
		return ERR_BAD_REQUEST;
	r = pubsub_form_read(c->arena, form, false, &n->config);
	if (r == 0)
		r = check_config(c, n);
	if (r == 0)
		r = pubsub_call_save(v, c, n);
	if (r == 0)
		r = vault_pubsub_trim(v, c->owner, n->name, pubsub_node_keeps(n), 0);
	ch.tell = n->config.n[PUBSUB_NOTIFY_CONFIG] != 0;
	return r < 0 ? r : pubsub_call_change(c, &ch);
}

int pubsub_manage_configure(struct vault *v, struct pubsub_call *c)
{
	struct pubsub_node *n;
	struct node *el;
	int r = owned(v, c, &n);

	if (r < 0)
		return r;
	if (c->iq->type == IQ_SET)
		return set_config(v, c, n);
	c->reply = pubsub_ops_answer(c, NS_PUBSUB_OWNER, "configure", n->name, &el);
	return c->reply ? pubsub_form_show(c->arena, el, &n->config, !c->viewer.service) : ERR_LIMIT;
}

int pubsub_manage_delete(struct vault *v, struct pubsub_call *c)
{
	struct pubsub_change ch = { .kind = CHANGE_DELETE };
	struct pubsub_node *n;
	int r = owned(v, c, &n);

	if (r == 0)
		r = vault_pubsub_clear(v, c->owner, n->name);
	if (r == 0)
		r = vault_item_remove(v, c->owner, ITEM_PUBSUB_NODE, n->name);
	if (r < 0)
		return r;
	ch.node = n;
	ch.tell = n->config.n[PUBSUB_NOTIFY_DELETE] != 0;
	return pubsub_call_change(c, &ch);
}

int pubsub_manage_purge(struct vault *v, struct pubsub_call *c)
{
	struct pubsub_change ch = { .kind = CHANGE_PURGE };
	struct pubsub_node *n;
	int r = owned(v, c, &n);

	if (r == 0)
		r = vault_pubsub_clear(v, c->owner, n->name);
	if (r < 0)
		return r;
	ch.node = n;
	ch.tell = n->config.n[PUBSUB_NOTIFY_RETRACT] != 0;
	return pubsub_call_change(c, &ch);
}
