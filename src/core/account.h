/* account.h - what several parts of a running server do with an account: a password becomes verifiers, sessions end.
 *
 * Ownership  The password is copied and wiped.
 * Threads    The loop's; the verifiers are made on its pool, for they take milliseconds.
 * Limits     ACCOUNT_DERIVING at a time: ERR_BUSY.
 * Errors     account_derive: ERR_POLICY with a sentence in ret_why (a literal), ERR_BUSY, ERR_NOMEM.
 */
#ifndef CORE_ACCOUNT_H
#define CORE_ACCOUNT_H

#include <stdint.h>

#include "base/err.h"
#include "base/str.h"

#define ACCOUNT_DERIVING 8

struct server;
struct user;

/* blob: auth/scram.h, good during the call; empty with an error. */
typedef void account_fn(void *ctx, int err, struct str blob);
/* Checks a new password of that account (its bare JID) and derives its verifiers; fn is called later, once, when this
 * returned 0. */
MUST_CHECK int account_derive(struct server *srv, struct str bare, struct str password, account_fn *fn, void *ctx,
			      const char **ret_why);
/* Ends all sessions of the account but one (session id; 0: none stays). */
void account_end_sessions(struct user *u, uint64_t but, const char *condition);

#endif
