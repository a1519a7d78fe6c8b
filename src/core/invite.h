/* invite.h - invitations: who holds the token may open an account (XEP-0445), or is let into a roster (XEP-0379). One use each.
 *
 * Ownership  Results live in the caller's arena.
 * Threads    The store's, in a transaction of the caller; invite_befriend: the loop's.
 * Limits     INVITES_OPEN of one account, LIMIT_ITEMS of all.
 * Errors     As vault.h. ERR_NOT_FOUND: no such token, or too late.
 */
#ifndef CORE_INVITE_H
#define CORE_INVITE_H

#include "vault/vault.h"

#define INVITE_TOKEN 26			/* 130 bits */
#define INVITE_MS (7ull * 24 * 3600 * 1000)
#define INVITES_OPEN 20

struct server;

struct invite {
	struct str token;
	struct str by;			/* bare address of who invites; empty: the operator, for nobody's roster */
	struct str username;		/* reserved; empty: any */
	uint64_t until_ms;
	bool account;			/* an account may be opened */
};

/* token is made here. ERR_CONFLICT: the name is taken or reserved. ERR_LIMIT: too many open ones. */
MUST_CHECK int invite_create(struct vault *v, struct str domain, struct arena *a, struct invite *inv, uint64_t now_ms);
MUST_CHECK int invite_get(struct vault *v, struct str domain, struct str token, uint64_t now_ms, struct arena *a, struct invite *ret);
MUST_CHECK int invite_use(struct vault *v, struct str domain, struct str token);
/* ERR_CONFLICT when the name is reserved by another token. */
MUST_CHECK int invite_check_name(struct vault *v, struct str domain, struct str username, struct str token, uint64_t now_ms);
/* Both get each other into their rosters, with both subscriptions. */
void invite_befriend(struct server *srv, struct str one, struct str other);

#endif
