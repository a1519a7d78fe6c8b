#include "base/heap.h"

#include <stdlib.h>

#include "base/check.h"

void heap_release(struct heap *h)
{
	free(h->v);
	*h = (struct heap){ 0 };
}

static void place(struct heap *h, size_t i, struct heap_node *node)
{
	h->v[i] = node;
	node->at = i + 1;
}

static void up(struct heap *h, size_t i, struct heap_node *node)
{
	while (i > 0) {
		size_t parent = (i - 1) / 2;

		if (h->v[parent]->key <= node->key)
			break;
		place(h, i, h->v[parent]);
		i = parent;
	}
	place(h, i, node);
}

static void down(struct heap *h, size_t i, struct heap_node *node)
{
	for (;;) {
		size_t child = 2 * i + 1;

		if (child >= h->n)
			break;
		if (child + 1 < h->n && h->v[child + 1]->key < h->v[child]->key)
			child++;
		if (h->v[child]->key >= node->key)
			break;
		place(h, i, h->v[child]);
		i = child;
	}
	place(h, i, node);
}

int heap_add(struct heap *h, struct heap_node *node)
{
	CHECK(!heap_has(node));
	if (h->n == h->cap) {
		size_t cap = h->cap ? h->cap * 2 : 16;
		struct heap_node **v = realloc(h->v, cap * sizeof(*v));

		if (!v)
			return ERR_NOMEM;
		h->v = v;
		h->cap = cap;
	}
	h->n++;
	up(h, h->n - 1, node);
	return 0;
}

void heap_remove(struct heap *h, struct heap_node *node)
{
	size_t i = node->at;
	struct heap_node *last;

	if (i == 0)
		return;
	i--;
	CHECK(i < h->n && h->v[i] == node);
	node->at = 0;
	last = h->v[--h->n];
	if (last == node)
		return;
	if (i > 0 && h->v[(i - 1) / 2]->key > last->key)
		up(h, i, last);
	else
		down(h, i, last);
}

struct heap_node *heap_top(const struct heap *h)
{
	return h->n ? h->v[0] : NULL;
}
