/* hold_word.h - the sender's word about what was held: "confirm", he meant it; "cancel", he did not.
 *
 * An infected client reads what the bot asks, and could answer. So the device that sent a message cannot vouch for it: another one of the
 * account must (policy, worms.confirm), one that was signed in, or had been, before the message was sent. Who has no other device
 * writes to the help desk, where an officer lets it go. A frozen account has no word.
 *
 * Threads  The loop's; what it finds and settles, on the store thread.
 * Limits   HOLD_WORD_MOST messages by one word.
 */
#ifndef CORE_HOLD_WORD_H
#define CORE_HOLD_WORD_H

#include <stdbool.h>

#include "base/str.h"

#define HOLD_WORD_MOST 500

struct server;
struct session;
struct user;

/* Whose word it is, by his session (NULL: gone). id empty: the latest. What comes of it the bot tells him. */
void hold_word_say(struct server *srv, const struct session *by, struct str bare, struct str id, bool confirm);
/* One finding of a held message: false, it is not for the sender to let go. Spreading may be meant, its sender knows; what is dangerous by
 * itself, or should not leave, he does not decide. others: the sum of weights besides. */
bool hold_word_counts(const char *inspector, const char *name, unsigned weight, bool *spreads, unsigned *others);
/* Has the account another device that could vouch now, than the one of this resource? */
bool hold_word_has_other(const struct user *u, struct str resource);

#endif
