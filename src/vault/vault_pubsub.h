/* vault_pubsub.h - published items: by owner, node and id, in the order of their publication.
 *
 * The nodes themselves are items of vault.h (ITEM_PUBSUB_NODE, by name). Here is what was published at them.
 *
 * Ownership, threads, atomicity  As in vault.h.
 * Limits     The caller counts: vault_pubsub_count, vault_pubsub_trim, vault_pubsub_used.
 * Errors     ERR_NOT_FOUND, and those of vault.h.
 */
#ifndef VAULT_VAULT_PUBSUB_H
#define VAULT_VAULT_PUBSUB_H

#include "vault/vault.h"

struct vault_pub {
	uint64_t seq;			/* from vault_next_id: the order, and (seq >> 20) the time in ms */
	struct str id, publisher, payload;
};

/* Adds it, or replaces the one with this id; then it is the newest. */
MUST_CHECK int vault_pubsub_put(struct vault *v, struct str owner, struct str node, const struct vault_pub *item);
MUST_CHECK int vault_pubsub_get(struct vault *v, struct str owner, struct str node, struct str id, struct arena *a,
				struct vault_pub *ret);
MUST_CHECK int vault_pubsub_remove(struct vault *v, struct str owner, struct str node, struct str id);
/* Where the item stands. */
MUST_CHECK int vault_pubsub_seq(struct vault *v, struct str owner, struct str node, struct str id, uint64_t *ret);
/* How many there are before this place; 0: of all. */
MUST_CHECK int vault_pubsub_count(struct vault *v, struct str owner, struct str node, uint64_t before_seq, uint64_t *ret);

struct vault_pub_query {
	uint64_t after_seq, before_seq;	/* exclusive; 0: open */
	bool newest;			/* the last max instead of the first; results are oldest first all the same */
	size_t max;			/* at least 1 */
};
MUST_CHECK int vault_pubsub_page(struct vault *v, struct str owner, struct str node, const struct vault_pub_query *q,
				 struct arena *a, struct vault_pub **ret, size_t *ret_n);
/* Removes the oldest until 'keep' are left, and all before before_seq (0: none). */
MUST_CHECK int vault_pubsub_trim(struct vault *v, struct str owner, struct str node, uint64_t keep, uint64_t before_seq);
/* Removes all. */
MUST_CHECK int vault_pubsub_clear(struct vault *v, struct str owner, struct str node);
/* Bytes of ids, publishers and payloads that this owner keeps, in all nodes together. */
MUST_CHECK int vault_pubsub_used(struct vault *v, struct str owner, uint64_t *ret);

#endif
