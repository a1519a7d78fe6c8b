/* audit.h - entries for the chained audit log that core makes itself. Written behind, in order.
 *
 * Decisions on a message are written in its own transaction (core/hold.c), commands by admin/.
 */
#ifndef CORE_AUDIT_H
#define CORE_AUDIT_H

#include <stdbool.h>

#include "base/str.h"

struct server;

/* device: its id of vault/vault_device.h, "": the client did not say which it is, or was not right. */
void audit_login(struct server *srv, struct str user, const char *mechanism, const char *device, bool success);
/* Somebody was blocked and reported (XEP-0377): what for, which messages by their archive ids, what was written about it. */
void audit_report(struct server *srv, struct str by, struct str about, struct str reason, struct str ids, struct str text);
/* Any other event about an account: frozen, thawed ... */
void audit_account(struct server *srv, const char *what, struct str bare, const char *why);

#endif
