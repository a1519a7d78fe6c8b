/* device.h - the sessions of one client of an account (vault/vault_device.h): are there any, and out with them.
 *
 * A session whose client did not say who it is, or is no longer known (its row went with the password), has an id of
 * its own here, "session-" and a number.
 *
 * Ownership  Nothing is kept. bare and id are copied by device_end_later alone.
 * Threads    The loop's.
 * Errors     None: a session that is not there has ended.
 */
#ifndef CORE_DEVICE_H
#define CORE_DEVICE_H

#include "base/str.h"

struct server;
struct session;

#define DEVICE_SESSION_ID 32
void device_session_id(const struct session *s, char ret[DEVICE_SESSION_ID]);
bool device_is_connected(struct server *srv, struct str bare, struct str id);
/* Ends its sessions, and its streams that are on their way to one. id empty: of the whole account, whose credentials have
 * changed or that is gone; streams only, and what is being proven against the old credentials will not count.
 * How many sessions ended. May free the session whose stanza is being handled: then device_end_later. */
unsigned device_end(struct server *srv, struct str bare, struct str id);
/* The same at the end of this turn. False: out of memory. */
bool device_end_later(struct server *srv, struct str bare, struct str id);

#endif
