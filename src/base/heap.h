/* heap.h - an intrusive min-heap of deadlines.
 *
 * Ownership  Nodes live in their owner's struct; the heap holds pointers to them.
 * Limits     As many as there are nodes; growth may fail with ERR_NOMEM.
 */
#ifndef BASE_HEAP_H
#define BASE_HEAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct heap_node {
	uint64_t key;
	size_t at;		/* index + 1; 0: in no heap */
};

struct heap {
	struct heap_node **v;
	size_t n, cap;
};

void heap_release(struct heap *h);
MUST_CHECK int heap_add(struct heap *h, struct heap_node *node);	/* node->key set, not in a heap */
void heap_remove(struct heap *h, struct heap_node *node);		/* fine when in none */
struct heap_node *heap_top(const struct heap *h);			/* NULL when empty */
static inline bool heap_has(const struct heap_node *node) { return node->at != 0; }

#endif
