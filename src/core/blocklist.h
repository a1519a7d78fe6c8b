/* blocklist.h - block lists that peers share (RTBL): SHA-256 of bare addresses and domains, as features/rtbl.c receives them.
 *
 * Ownership  blocklist_stop() frees all. Names and hashes are copied.
 * Threads    The loop's.
 * Limits     BLOCKLISTS, BLOCKLIST_ENTRIES of one: ERR_LIMIT.
 */
#ifndef CORE_BLOCKLIST_H
#define CORE_BLOCKLIST_H

#include "core/trip.h"
#include "inspect/subject.h"

#define BLOCKLISTS 16
#define BLOCKLIST_ENTRIES 100000
#define BLOCKLIST_HASH 64		/* hexadecimal digits, lower case */

/* list: "SERVICE NODE". ERR_BAD_FORMAT: no hash. */
MUST_CHECK int blocklist_add(struct server *srv, struct str list, struct str hash);
void blocklist_remove(struct server *srv, struct str list, struct str hash);
void blocklist_clear(struct server *srv, struct str list);
void blocklist_stop(struct server *srv);
/* Which list names the sender, and is its publisher trusted? For people of other domains alone. */
void blocklist_facts(const struct trip *t, struct subject *s);

#endif
