/* audit.h - entries for the chained audit log that core makes itself. Written behind, in order.
 *
 * Decisions on a message are written in its own transaction (core/hold.c), commands by admin/.
 */
#ifndef CORE_AUDIT_H
#define CORE_AUDIT_H

#include <stdbool.h>

#include "base/str.h"

struct server;

void audit_login(struct server *srv, struct str user, const char *mechanism, bool success);
/* Any other event about an account: frozen, thawed ... */
void audit_account(struct server *srv, const char *what, struct str bare, const char *why);

#endif
