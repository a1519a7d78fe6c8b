/* decoys.h - decoy contacts: made-up accounts in shared roster groups that nobody has a reason to write to (policy, section decoys).
 *
 * A decoy is an account without a password: it answers as one that is offline, and a login to it fails as one to a missing
 * account. To those of its group it is there, as a contact and with presence. The guard knows what a message to it means.
 *
 * Threads  The loop's; the accounts are made and removed on the store thread.
 * Limits   policy's decoys.per_group of each shared group; one round of work at a time, DECOYS_CHECK_MS apart or when something asks for it.
 */
#ifndef CORE_DECOYS_H
#define CORE_DECOYS_H

#include <stdbool.h>

#include "base/str.h"

#define DECOYS_CHECK_MS (60ull * 60 * 1000)
#define DECOYS_REMEMBERED 900		/* names that were used; below LIMIT_ITEMS */
#define DECOYS_TOLD_MS (24ull * 3600 * 1000)	/* who writes to one is told so often that nobody is there */

struct server;
struct trip;

/* As many as policy wants, none older than it allows: makes and removes what is needed, and looks again later. */
void decoys_keep(struct server *srv);
void decoys_vanish(struct server *srv, struct str bare);	/* an operator has removed it */
void decoys_stop(struct server *srv);
/* A message has gone to one: its sender, when he is one of ours, is told that there is nobody. */
void decoys_written(struct trip *t);

#endif
