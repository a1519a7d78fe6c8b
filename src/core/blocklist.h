/* blocklist.h - what peers know of threats and share (RTBL): addresses, domains, links, files and texts, as features/rtbl.c receives it.
 *
 * An entry is the SHA-256 of a bare address, a domain, a link's host or page (inspect/feed.h says how it is written), or a file;
 * of a text it is its fingerprint, with what finds others like it (guard_memory). Each says how sure the publisher is, and until when. A
 * publisher whom policy trusts (peers: high) decides alone from BLOCKLIST_SURE on; everybody else's word only weighs, and his
 * texts are not taken at all, since what is contained is held for everybody.
 *
 * Ownership  blocklist_stop() frees all. Names, hashes and memories are copied.
 * Threads    The loop's.
 * Limits     BLOCKLISTS, BLOCKLIST_ENTRIES of one, BLOCKLIST_TEXTS of them texts: ERR_LIMIT.
 */
#ifndef CORE_BLOCKLIST_H
#define CORE_BLOCKLIST_H

#include "core/trip.h"
#include "inspect/subject.h"

#define BLOCKLISTS 16
#define BLOCKLIST_ENTRIES 100000
#define BLOCKLIST_TEXTS 1000		/* of a list: each is a cluster of the guard */
#define BLOCKLIST_HASH 64		/* hexadecimal digits, lower case */
#define BLOCKLIST_SURE 50		/* of 100 */

enum blocklist_kind { BLOCKLIST_ADDRESS, BLOCKLIST_LINK, BLOCKLIST_FILE, BLOCKLIST_TEXT };

struct blocklist_entry {
	enum blocklist_kind kind;
	unsigned weight;		/* 1 to 100 */
	uint64_t expires_ms;		/* 0: never */
	struct str memory;		/* of a text: "FINGERPRINT MEMORY" */
};

const char *blocklist_kind_name(enum blocklist_kind kind);
bool blocklist_kind_parse(struct str name, enum blocklist_kind *ret);

/* list: "SERVICE NODE". ERR_BAD_FORMAT: no hash. What is there already is replaced. */
MUST_CHECK int blocklist_add(struct server *srv, struct str list, struct str hash, const struct blocklist_entry *e);
void blocklist_remove(struct server *srv, struct str list, struct str hash);
void blocklist_clear(struct server *srv, struct str list);
/* Forgets what is over, and the lists that policy no longer names. */
void blocklist_sweep(struct server *srv, uint64_t now_ms);
void blocklist_stop(struct server *srv);

/* Which list names the sender (people of other domains alone), and what the lists say of links. */
void blocklist_facts(const struct trip *t, struct subject *s);
const struct feed_set *blocklist_links(struct server *srv, unsigned *ret_n);
/* The list that names a file; empty: none. ret_sure: its word is enough. */
struct str blocklist_file(struct server *srv, const uint8_t sha256[32], bool *ret_sure);

#endif
