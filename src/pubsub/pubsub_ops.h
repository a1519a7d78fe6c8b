/* pubsub_ops.h - inside pubsub: what each kind of request does, on the store thread.
 *
 * Each function fills c->reply and c->changes; an ERR_* undoes what it wrote. pubsub_ops_fail() names the specific
 * condition of an error.
 */
#ifndef PUBSUB_PUBSUB_OPS_H
#define PUBSUB_PUBSUB_OPS_H

#include "pubsub/pubsub_call.h"

typedef int pubsub_op_fn(struct vault *v, struct pubsub_call *c);

struct pubsub_op {
	const char *ns, *name;
	unsigned types;
	bool named;			/* needs a node */
	pubsub_op_fn *fn;
};

/* The table's row, or NULL. */
const struct pubsub_op *pubsub_ops_find(unsigned type, const struct node *el);

static inline int pubsub_ops_fail(struct pubsub_call *c, int err, const char *condition)
{
	c->condition = condition;
	return err;
}

pubsub_op_fn pubsub_items_publish, pubsub_items_retract, pubsub_items_get;
pubsub_op_fn pubsub_manage_create, pubsub_manage_default, pubsub_manage_configure, pubsub_manage_delete, pubsub_manage_purge;
pubsub_op_fn pubsub_people_subscribe, pubsub_people_unsubscribe, pubsub_people_subscriptions, pubsub_people_affiliations,
	     pubsub_people_own_subscriptions, pubsub_people_own_affiliations;

/* <pubsub><NAME node='...'/></pubsub> for the answer; NULL: no memory. */
struct node *pubsub_ops_answer(struct pubsub_call *c, const char *ns, const char *name, struct str node, struct node **ret_el);
/* An <item/> of a stored one. */
MUST_CHECK int pubsub_items_add(struct arena *a, struct node *parent, const char *ns, const struct pubsub_node *n, struct str id,
				struct str publisher, const struct node *payload);

/* The newest of the node into ch; ERR_NOT_FOUND when there is none. */
MUST_CHECK int pubsub_items_last(struct vault *v, struct pubsub_call *c, const struct pubsub_node *n, struct pubsub_change *ch);

#endif
