/* exchange.h - what this server tells its peers of threats: a list like those of blocklist.h, published at pubsub.DOMAIN.
 *
 * Nobody reads it whom policy does not name (reports.share), and nothing is told by itself before policy names somebody: a fingerprint
 * is derived from what was said here. Outbreaks are told when they are contained and taken back when they are lifted; what an
 * administrator adds (`wardroom exchange add`) is told at once.
 *
 * Ownership  What is told is copied.
 * Threads    The loop's.
 * Errors     Logged: containment here never depends on telling others.
 */
#ifndef CORE_EXCHANGE_H
#define CORE_EXCHANGE_H

#include "core/blocklist.h"

#define EXCHANGE_NODE "threats"
#define EXCHANGE_DAYS 7			/* so long a fingerprint stands when nobody says otherwise */

void exchange_tell(struct server *srv, struct str hash, const struct blocklist_entry *e);
/* What an administrator says: kind, hash, weight and end in ms, one space between them. */
void exchange_effect(struct server *srv, struct str text);
void exchange_withdraw(struct server *srv, struct str hash);
void exchange_outbreak(struct server *srv, struct str fingerprint, bool contained);
/* Makes the node readable for those whom policy names now, and for nobody else. */
void exchange_refresh(struct server *srv);

#endif
