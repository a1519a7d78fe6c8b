/* admin_purge.h - takes delivered messages out of everything that still holds them: the one engine of every purge.
 *
 * A purge is a durable job (ITEM_PURGE of the bot): what it looks for, how far it is, what it has found. It goes by slices, a transaction each, so that
 * a running server keeps storing, and one that was killed goes on where it was. A slice takes its messages out of all archives (a tombstone stays,
 * XEP-0424) and out of what waits for an account, rejects what is held, revokes the files they link to, and writes down, in the same transaction, who is to be told
 * (ITEM_PURGE_TELL): the running server does that, now or at its next start (core/purge.h).
 *
 * What it looks for is one of: a fingerprint (its rows in vault_spread), one message, what is alike to one message, a link that messages hold. The
 * last two look through all messages of PURGE_BACK_MS; what they find has spread rows from then on, so that there is a tree of it.
 *
 * Threads  The store's, in the command's transaction.
 * Limits   PURGE_SLICE messages a slice, LIMIT_PURGE_TELLS batches waiting to be told: then the job waits (ERR_LIMIT, it goes on later), LIMIT_ITEMS jobs: the
 *          oldest that is done makes room.
 */
#ifndef ADMIN_PURGE_H
#define ADMIN_PURGE_H

#include "admin/admin_parts.h"

#define PURGE_SLICE 64
#define PURGE_SCAN 256				/* messages looked at in a slice */
#define PURGE_BACK_MS (14ull * 24 * 3600 * 1000)
#define PURGE_FILES 32				/* of our own, that one message links to */

/* "purge": args fingerprint, stanza-id, like (a stanza-id) or link; or job, to go on; why, by. */
int admin_purge(struct admin_call *call, struct vault *v);
/* "purge list", "purge show". */
int admin_purge_list(struct admin_call *call, struct vault *v);

#endif
