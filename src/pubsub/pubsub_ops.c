/* pubsub_ops.c - the table of requests (XEP-0060). */
#include "pubsub/pubsub_ops.h"

#include "base/check.h"

/* clang-format off */
static const struct pubsub_op ops[] = {
	{ NS_PUBSUB, "publish", IQ_SET, true, pubsub_items_publish },
	{ NS_PUBSUB, "retract", IQ_SET, true, pubsub_items_retract },
	{ NS_PUBSUB, "items", IQ_GET, true, pubsub_items_get },
	{ NS_PUBSUB, "create", IQ_SET, false, pubsub_manage_create },
	{ NS_PUBSUB, "default", IQ_GET, false, pubsub_manage_default },
	{ NS_PUBSUB, "subscribe", IQ_SET, true, pubsub_people_subscribe },
	{ NS_PUBSUB, "unsubscribe", IQ_SET, true, pubsub_people_unsubscribe },
	{ NS_PUBSUB, "subscriptions", IQ_GET, false, pubsub_people_subscriptions },
	{ NS_PUBSUB, "affiliations", IQ_GET, false, pubsub_people_affiliations },
	{ NS_PUBSUB_OWNER, "configure", IQ_GET | IQ_SET, true, pubsub_manage_configure },
	{ NS_PUBSUB_OWNER, "default", IQ_GET, false, pubsub_manage_default },
	{ NS_PUBSUB_OWNER, "delete", IQ_SET, true, pubsub_manage_delete },
	{ NS_PUBSUB_OWNER, "purge", IQ_SET, true, pubsub_manage_purge },
	{ NS_PUBSUB_OWNER, "subscriptions", IQ_GET | IQ_SET, true, pubsub_people_own_subscriptions },
	{ NS_PUBSUB_OWNER, "affiliations", IQ_GET | IQ_SET, true, pubsub_people_own_affiliations },
};
/* clang-format on */

const struct pubsub_op *pubsub_ops_find(unsigned type, const struct node *el)
{
	for (size_t i = 0; i < ARRAY_SIZE(ops); i++)
		if ((ops[i].types & type) && node_is(el, ops[i].ns, ops[i].name))
			return &ops[i];
	return NULL;
}

struct node *pubsub_ops_answer(struct pubsub_call *c, const char *ns, const char *name, struct str node, struct node **ret_el)
{
	struct node *root = node_new(c->arena, ns, "pubsub");
	struct node *el = root ? node_add(c->arena, root, ns, name) : NULL;

	if (!el || (node.n && node_set_attr(c->arena, el, "node", node) < 0))
		return NULL;
	*ret_el = el;
	return root;
}
