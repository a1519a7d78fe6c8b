/* node.h - a tree of XML elements and text, owned by one arena.
 *
 * Ownership  The arena owns every node and byte. Names given as const char * are kept, not
 *            copied: string literals. Values are copied. A tree may hold nodes of several arenas
 *            only as long as all of them live.
 * Threads    One owner at a time; moves with its arena.
 * Limits     The arena's cap. Trees from a peer are at most LIMIT_XML_DEPTH deep and have at most
 *            LIMIT_XML_NODES nodes; nothing here recurses.
 * Errors     NULL or ERR_LIMIT when the arena is full.
 */
#ifndef XMPP_NODE_H
#define XMPP_NODE_H

#include "base/arena.h"
#include "base/err.h"

/* ns is empty for attributes without prefix and for those of XML itself, which are named "xml:lang". */
struct attr {
	struct str name, ns, value;
	struct attr *next;
};

/* A text node has an empty name and only text; an element has no text of its own. */
struct node {
	struct str name, ns, text;
	struct attr *attrs;
	struct node *first, *last, *next, *prev, *parent;
};

/* Making. */
struct node *node_new(struct arena *a, const char *ns, const char *name);
struct node *node_make(struct arena *a, struct str ns, struct str name);	/* copies both; name not empty */
struct node *node_dup(struct arena *a, const struct node *n);			/* deep; no parent */
struct node *node_add(struct arena *a, struct node *parent, const char *ns, const char *name);
MUST_CHECK int node_add_text(struct arena *a, struct node *parent, struct str text);
/* The child must have no parent (node_remove first). */
void node_append(struct node *parent, struct node *child);
void node_remove(struct node *child);						/* fine without a parent */

/* Attributes without a namespace, and "xml:lang". */
struct str node_attr(const struct node *n, const char *name);			/* empty when absent */
bool node_has_attr(const struct node *n, const char *name);
MUST_CHECK int node_set_attr(struct arena *a, struct node *n, const char *name, struct str value);
void node_drop_attr(struct node *n, const char *name);

static inline bool node_is_text(const struct node *n) { return n->name.n == 0; }

static inline bool node_is(const struct node *n, const char *ns, const char *name)
{
	return str_eq(n->name, str_of(name)) && str_eq(n->ns, str_of(ns));
}

/* Elements only; NULL when there is none. */
struct node *node_child(const struct node *n, const char *ns, const char *name);
struct node *node_child_next(const struct node *child, const char *ns, const char *name);
struct node *node_first_element(const struct node *n);
struct node *node_next_element(const struct node *n);
/* The node after n in document order within top, text nodes too; NULL at the end. */
struct node *node_walk(const struct node *n, const struct node *top);
/* The same without the descendants of n. */
struct node *node_walk_past(const struct node *n, const struct node *top);

/* The direct text put together, and the text of all descendants. Empty when the arena is full. */
struct str node_text(struct arena *a, const struct node *n);
struct str node_deep_text(struct arena *a, const struct node *n);
/* Same names, attributes in any order, same children and text. */
bool node_equal(const struct node *x, const struct node *y);

#endif
