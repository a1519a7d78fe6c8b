/* cluster.h - messages that are alike, as one thing: its fingerprint, the copies, who was asked about it.
 *
 * Ownership  The table's, until cluster_table_release(). A cluster stays valid until the next cluster_add().
 * Threads    One (the loop's).
 * Limits     CLUSTERS; the one unused for longest makes room, one under containment rather later. CLUSTER_ASKED a cluster.
 * Errors     ERR_NOMEM.
 */
#ifndef OUTBREAK_CLUSTER_H
#define OUTBREAK_CLUSTER_H

#include "base/list.h"
#include "base/map.h"
#include "inspect/fingerprint.h"
#include "outbreak/spread.h"

#define CLUSTERS 20000
#define CLUSTER_ASKED 500
#define CLUSTER_ID 17			/* 16 hexadecimal digits and NUL */

/* Who was asked, or has answered. */
struct asked {
	uint64_t hash;
	bool held, confirmed;
	unsigned n_held;		/* copies held since he was asked */
	uint64_t asked_ms;
	uint32_t to[4];			/* the last whom a copy held for its weight was for */
};

struct cluster {
	struct list lru;
	struct fingerprint print;
	bool known;			/* print is filled: it can be compared */
	bool novel;			/* the site was new when it began */
	char id[CLUSTER_ID];
	struct str zero;		/* own memory: who sent it first */
	struct spread spread;
	struct asked *asked;
	unsigned n_asked, room;
	bool past;			/* somebody wanted more copies than there are */
	bool shared;			/* a peer whom policy trusts says that it is malicious */
	bool contained, by_operator, by_decoy;	/* somebody has sent it to a contact that nobody writes to */
	bool by_site;			/* and so whatever leads to its site is contained */
	uint64_t last_ms;
};

struct cluster_table {
	struct map *ids;		/* id -> cluster */
	struct map *keys;		/* key of a fingerprint -> bucket */
	struct list lru;		/* least recently used first */
};

/* Held for everybody, by our own finding or a peer's. */
static inline bool cluster_held(const struct cluster *c)
{
	return c->contained || c->shared;
}

MUST_CHECK int cluster_table_init(struct cluster_table *t);
void cluster_table_release(struct cluster_table *t);

/* print NULL: known by its id alone. */
MUST_CHECK int cluster_add(struct cluster_table *t, const struct fingerprint *print, struct str id, struct str zero, struct cluster **ret);
void cluster_remove(struct cluster_table *t, struct cluster *c);
void cluster_touch(struct cluster_table *t, struct cluster *c, uint64_t now_ms);
/* The one by that id, or else what is alike; nothing that nobody has sent since 'since_ms', unless it is contained. NULL: none. */
struct cluster *cluster_find(struct cluster_table *t, const struct fingerprint *print, struct str id, uint64_t since_ms);
struct cluster *cluster_get(const struct cluster_table *t, struct str id);	/* NULL: none */

struct asked *cluster_asked_find(const struct cluster *c, uint64_t hash);	/* NULL: never asked */
struct asked *cluster_asked(struct cluster *c, uint64_t hash);			/* NULL: no memory */

#endif
