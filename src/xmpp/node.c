#include "xmpp/node.h"

#include "base/check.h"
#include "xmpp/ns.h"

static bool is(struct str s, const char *z)
{
	return s.p == z || str_eq(s, str_of(z));
}

struct node *node_new(struct arena *a, const char *ns, const char *name)
{
	struct node *n = arena_alloc(a, sizeof(*n));

	if (!n)
		return NULL;
	n->ns = str_of(ns);
	n->name = str_of(name);
	n->text = STR_NONE;
	return n;
}

void node_append(struct node *parent, struct node *child)
{
	CHECK(!child->parent && !child->next);
	child->parent = parent;
	child->prev = parent->last;
	if (parent->last)
		parent->last->next = child;
	else
		parent->first = child;
	parent->last = child;
}

struct node *node_add(struct arena *a, struct node *parent, const char *ns, const char *name)
{
	struct node *n = parent ? node_new(a, ns, name) : NULL;

	if (n)
		node_append(parent, n);
	return n;
}

int node_add_text(struct arena *a, struct node *parent, struct str text)
{
	struct node *n;

	if (text.n == 0)
		return 0;
	n = arena_alloc(a, sizeof(*n));
	if (!n)
		return ERR_LIMIT;
	n->name = n->ns = STR_NONE;
	n->text = arena_str(a, text);
	if (!n->text.p)
		return ERR_LIMIT;
	node_append(parent, n);
	return 0;
}

struct node *node_add_leaf(struct arena *a, struct node *parent, const char *ns, const char *name, struct str text)
{
	struct node *n = node_add(a, parent, ns, name);

	return n && node_add_text(a, n, text) == 0 ? n : NULL;
}

void node_remove(struct node *child)
{
	struct node *parent = child->parent;

	CHECK(parent);
	if (child->prev)
		child->prev->next = child->next;
	else
		parent->first = child->next;
	if (child->next)
		child->next->prev = child->prev;
	else
		parent->last = child->prev;
	child->parent = child->next = child->prev = NULL;
}

struct node *node_walk(const struct node *root, const struct node *n)
{
	if (n->first)
		return n->first;
	while (n != root && !n->next)
		n = n->parent;
	return n == root ? NULL : n->next;
}

static struct node *copy_one(struct arena *a, const struct node *n, const struct node *parent)
{
	struct node *c = arena_alloc(a, sizeof(*c));
	struct attr **tail;

	if (!c)
		return NULL;
	c->name = arena_str(a, n->name);
	c->ns = parent && str_eq(parent->ns, n->ns) ? parent->ns : ns_share(a, n->ns);
	c->text = n->text.n ? arena_str(a, n->text) : STR_NONE;
	if (!c->name.p || !c->ns.p || !c->text.p)
		return NULL;
	tail = &c->attrs;
	for (const struct attr *at = n->attrs; at; at = at->next) {
		struct attr *b = arena_alloc(a, sizeof(*b));

		if (!b)
			return NULL;
		b->name = arena_str(a, at->name);
		b->ns = at->ns.n ? ns_share(a, at->ns) : STR_NONE;
		b->value = arena_str(a, at->value);
		if (!b->name.p || !b->ns.p || !b->value.p)
			return NULL;
		*tail = b;
		tail = &b->next;
	}
	return c;
}

struct node *node_dup(struct arena *a, const struct node *root)
{
	struct node *copy = copy_one(a, root, NULL), *to = copy;
	const struct node *n = root;

	while (copy) {
		struct node *c;

		if (n->first) {
			n = n->first;
		} else {
			while (n != root && !n->next) {
				n = n->parent;
				to = to->parent;
			}
			if (n == root)
				return copy;
			n = n->next;
			to = to->parent;
		}
		c = copy_one(a, n, to);
		if (!c)
			return NULL;
		node_append(to, c);
		to = c;
	}
	return NULL;
}

static struct attr *find_attr(const struct node *n, const char *name)
{
	for (struct attr *at = n->attrs; at; at = at->next)
		if (at->ns.n == 0 && is(at->name, name))
			return at;
	return NULL;
}

struct str node_attr(const struct node *n, const char *name)
{
	const struct attr *at = find_attr(n, name);

	return at ? at->value : STR_NONE;
}

bool node_has_attr(const struct node *n, const char *name)
{
	return find_attr(n, name) != NULL;
}

int node_set_attr(struct arena *a, struct node *n, const char *name, struct str value)
{
	struct attr *at = find_attr(n, name);
	struct str copy = arena_str(a, value);

	if (!copy.p)
		return ERR_LIMIT;
	if (!at) {
		struct attr **tail = &n->attrs;

		at = arena_alloc(a, sizeof(*at));
		if (!at)
			return ERR_LIMIT;
		at->name = str_of(name);
		at->ns = STR_NONE;
		while (*tail)
			tail = &(*tail)->next;
		*tail = at;
	}
	at->value = copy;
	return 0;
}

void node_drop_attr(struct node *n, const char *name)
{
	for (struct attr **at = &n->attrs; *at; at = &(*at)->next)
		if ((*at)->ns.n == 0 && is((*at)->name, name)) {
			*at = (*at)->next;
			return;
		}
}

bool node_is(const struct node *n, const char *ns, const char *name)
{
	return n->name.n && is(n->name, name) && is(n->ns, ns);
}

static struct node *from_here(struct node *n, const char *ns, const char *name)
{
	for (; n; n = n->next)
		if (node_is(n, ns, name))
			return n;
	return NULL;
}

struct node *node_child(const struct node *n, const char *ns, const char *name)
{
	return from_here(n->first, ns, name);
}

struct node *node_child_next(const struct node *child, const char *ns, const char *name)
{
	return from_here(child->next, ns, name);
}

static struct node *element_from(struct node *n)
{
	while (n && n->name.n == 0)
		n = n->next;
	return n;
}

struct node *node_first_element(const struct node *n)
{
	return element_from(n->first);
}

struct node *node_next_element(const struct node *n)
{
	return element_from(n->next);
}

static struct str gather(struct arena *a, const struct node *root, bool deep)
{
	const struct node *only = NULL;
	size_t total = 0, pieces = 0, at = 0;
	char *p;

	for (const struct node *n = root->first; n; n = deep ? node_walk(root, n) : n->next)
		if (n->name.n == 0) {
			total += n->text.n;
			pieces++;
			only = n;
		}
	if (pieces == 0)
		return STR_NONE;
	if (pieces == 1)
		return only->text;
	p = arena_alloc(a, total + 1);
	if (!p)
		return STR_NONE;
	for (const struct node *n = root->first; n; n = deep ? node_walk(root, n) : n->next)
		if (n->name.n == 0) {
			memcpy(p + at, n->text.p, n->text.n);
			at += n->text.n;
		}
	return str_make(p, total);
}

struct str node_text(struct arena *a, const struct node *n)
{
	return gather(a, n, false);
}

struct str node_deep_text(struct arena *a, const struct node *n)
{
	return gather(a, n, true);
}

static bool same_attrs(const struct node *x, const struct node *y)
{
	size_t nx = 0, ny = 0;

	for (const struct attr *b = y->attrs; b; b = b->next)
		ny++;
	for (const struct attr *at = x->attrs; at; at = at->next, nx++) {
		const struct attr *b = y->attrs;

		while (b && !(str_eq(b->name, at->name) && str_eq(b->ns, at->ns)))
			b = b->next;
		if (!b || !str_eq(b->value, at->value))
			return false;
	}
	return nx == ny;
}

bool node_equal(const struct node *x, const struct node *y)
{
	const struct node *top = x, *other = y;

	for (;;) {
		if (!str_eq(x->name, y->name) || !str_eq(x->ns, y->ns) || !str_eq(x->text, y->text) || !same_attrs(x, y) ||
		    !x->first != !y->first)
			return false;
		if (x->first) {
			x = x->first;
			y = y->first;
			continue;
		}
		while (x != top && !x->next) {
			if (y == other || y->next)
				return false;
			x = x->parent;
			y = y->parent;
		}
		if (x == top || !y->next)
			return x == top && y == other;
		x = x->next;
		y = y->next;
	}
}
