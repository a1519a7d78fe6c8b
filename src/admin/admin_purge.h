/* admin_purge.h - takes one message out of everything that still holds it.
 *
 * Threads  The store's, in the command's transaction.
 */
#ifndef ADMIN_PURGE_H
#define ADMIN_PURGE_H

#include "admin/admin_parts.h"

/* Out of all archives (a tombstone stays) and out of what waits for the receiver; the running server takes it back from his clients. from and
 * to: bare; empty where they are not known. *purged counts what an archive still had. Nothing left to be taken is no error. */
MUST_CHECK int admin_purge_message(struct admin_call *call, struct vault *v, struct str from, struct str to, uint64_t id, json_int_t *purged);

#endif
