/* own_password.h - does a message hold the sender's own password? Asked of the stored verifier (XMPP servers keep no password).
 *
 * Threads    The loop's; the account is read by the store thread, the verifier is asked on the pool.
 * Limits     DLP_PASSWORD_CANDIDATES a message, one message in OWN_PASSWORD_EACH_MS of an account and in OWN_PASSWORD_ALL_MS of all
 *            accounts (bursts of a few); who wants more is not asked about: it is help for the careless, not a wall.
 * Errors     What cannot be asked counts as not found.
 */
#ifndef CORE_OWN_PASSWORD_H
#define CORE_OWN_PASSWORD_H

#include "core/trip.h"
#include "inspect/subject.h"

#define OWN_PASSWORD_EACH_MS 10000
#define OWN_PASSWORD_ALL_MS 100
#define OWN_PASSWORD_BURST 6

/* TRIP_WAIT: the step is run again later; t->own_password then holds it, or is empty. */
enum trip_next own_password_find(struct trip *t, const struct subject *sub);

#endif
