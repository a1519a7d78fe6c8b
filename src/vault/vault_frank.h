/* vault_frank.h - a mark on every delivered message, by which its receiver can prove later what he was sent ("franking").
 *
 * The mark is the beginning of an HMAC-SHA-256, under a key of this instance, over sender, receiver, stanza-id (which holds
 * the time) and what the message says. A report with such a message is evidence long after the archive has forgotten it;
 * without the mark, or with another word in it, it is not.
 *
 * Ownership  vault_frank_free(). Texts of a struct vault_franked live in the arena given.
 * Threads    An object belongs to one thread at a time; made before a second thread uses the vault.
 * Errors     ERR_NOMEM; ERR_LIMIT: the arena is full; ERR_NOT_FOUND: the message carries no mark of ours.
 */
#ifndef VAULT_VAULT_FRANK_H
#define VAULT_VAULT_FRANK_H

#include "vault/vault.h"
#include "xmpp/node.h"

#define VAULT_FRANK_TEXT 25		/* 24 characters and NUL */

struct vault_frank;

struct vault_franked {
	struct str from, to;		/* bare */
	uint64_t id;
	struct str said;		/* every body and encrypted payload, with its length in front */
};

MUST_CHECK int vault_frank_new(struct vault *v, struct vault_frank **ret);
void vault_frank_free(struct vault_frank **f);

/* What a message says, for the mark. */
MUST_CHECK int vault_frank_said(struct arena *a, const struct node *message, struct str *ret);
void vault_frank_text(struct vault_frank *f, const struct vault_franked *m, char ret[VAULT_FRANK_TEXT]);
/* <frank/> beneath the message for this receiver (bare). */
MUST_CHECK int vault_frank_add(struct vault_frank *f, struct arena *a, struct node *message, struct str from, struct str to, uint64_t id);
/* Is this message, as the receiver 'to' has it, as it was delivered? 1: yes, 0: no; its id in both cases. */
MUST_CHECK int vault_frank_verify(struct vault_frank *f, struct arena *a, const struct node *message, struct str to, uint64_t *ret_id);

#endif
