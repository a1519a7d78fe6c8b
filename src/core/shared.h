/* shared.h - shared roster groups: the people of a group that policy names (roster.shared) are contacts of one another without asking.
 *
 * What the server puts into a roster is never stored: it follows from the policy and from who has an account. Each sees the
 * other's presence; a client may rename such a contact and give it groups of its own, and can neither remove it nor end the
 * subscription. Whom a wall keeps apart is not put together. Decoys (core/decoys.h) are among them.
 *
 * Ownership  srv->shared, from shared_start() to shared_stop(). Nothing of it is used while policy shares no group, but for decoys' names.
 * Threads    The loop's.
 * Limits     SHARED_PEOPLE accounts; a group with more than SHARED_MOST people is not shared.
 * Errors     Without memory a contact is missing until the next change.
 */
#ifndef CORE_SHARED_H
#define CORE_SHARED_H

#include <stdbool.h>

#include "base/err.h"
#include "base/str.h"

#define SHARED_PEOPLE 200000
#define SHARED_MOST 500

struct server;
struct user;

MUST_CHECK int shared_start(struct server *srv);
void shared_stop(struct server *srv);
/* Another policy is in force: everybody in memory is brought up to date. */
void shared_policy(struct server *srv);
/* An account is there. decoy_of: the group that it is a decoy in; empty: a person. */
void shared_come(struct server *srv, struct str bare, struct str decoy_of);
void shared_gone(struct server *srv, struct str bare);
/* An account has been loaded: what the server puts into its roster. */
void shared_fill(struct user *u);
bool shared_is_decoy(const struct server *srv, struct str bare);
/* All decoys that u has among its contacts. */
void shared_decoys(const struct user *u, void (*fn)(void *ctx, struct str decoy), void *ctx);

#endif
