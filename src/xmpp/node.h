/* node.h - an XML element and what is in it, owned by one arena.
 *
 * Ownership  The arena owns every node and byte; there is no node_free(). A node belongs to one parent.
 * Sharing    Never between threads at a time; a whole arena may be handed over.
 * Limits     The parser has enforced LIMIT_XML_{DEPTH,ATTRS,NODES} and the stanza's bytes; walkers do not recurse.
 * Errors     0 or ERR_LIMIT when the arena's cap is reached; constructors: NULL.
 * Getters    Return an empty struct str when absent; .p is never NULL.
 */
#ifndef XMPP_NODE_H
#define XMPP_NODE_H

#include "base/arena.h"
#include "base/err.h"

struct attr {
	struct str name;		/* local name; "xml:lang" and the like keep their prefix "xml:" */
	struct str ns;			/* empty: none */
	struct str value;
	struct attr *next;
};

/* name.n == 0: a piece of text. */
struct node {
	struct str name, ns, text;
	struct attr *attrs;
	struct node *parent, *first, *last, *next, *prev;
};

struct node *node_new(struct arena *a, const char *ns, const char *name);	/* ns, name: literals, not copied */
struct node *node_add(struct arena *a, struct node *parent, const char *ns, const char *name);
MUST_CHECK int node_add_text(struct arena *a, struct node *parent, struct str text);	/* copies */
/* <name>text</name> beneath parent; NULL on failure. */
struct node *node_add_leaf(struct arena *a, struct node *parent, const char *ns, const char *name, struct str text);
void node_append(struct node *parent, struct node *child);	/* child has no parent yet */
void node_remove(struct node *child);
struct node *node_dup(struct arena *a, const struct node *n);	/* deep, without siblings */

struct str node_attr(const struct node *n, const char *name);	/* without namespace, or "xml:lang" */
bool node_has_attr(const struct node *n, const char *name);
MUST_CHECK int node_set_attr(struct arena *a, struct node *n, const char *name, struct str value);	/* copies value */
void node_drop_attr(struct node *n, const char *name);

static inline bool node_is_text(const struct node *n) { return n->name.n == 0; }
bool node_is(const struct node *n, const char *ns, const char *name);
struct node *node_child(const struct node *n, const char *ns, const char *name);	/* first, or NULL */
struct node *node_child_next(const struct node *child, const char *ns, const char *name);
struct node *node_first_element(const struct node *n);
struct node *node_next_element(const struct node *n);
/* The text directly inside; that of all descendants. Not copied when it is one piece. */
struct str node_text(struct arena *a, const struct node *n);
struct str node_deep_text(struct arena *a, const struct node *n);
/* The next node of the tree below root in document order, or NULL. */
struct node *node_walk(const struct node *root, const struct node *n);
/* Same names, namespaces, children and text; attributes in any order. */
bool node_equal(const struct node *x, const struct node *y);

#endif
