/* guard_parts.h - what the files of the guard share. */
#ifndef OUTBREAK_GUARD_PARTS_H
#define OUTBREAK_GUARD_PARTS_H

#include "inspect/dlp.h"
#include "outbreak/cluster.h"
#include "outbreak/guard.h"
#include "outbreak/sender.h"
#include "outbreak/sites.h"

struct memory {
	struct cluster_table clusters;
	struct map *triggers;		/* sender -> trigger */
	struct sender_table *senders;
	struct sites *sites;
	struct campaign *campaign;
	bool names;			/* something is under containment that is known by its name alone: it may be a text */
	struct map *people;		/* skeleton -> the name, malloc */
	uint64_t hash_key[2];
};

struct guard {
	struct policy *policy;
	struct dlp *dlp;
	struct memory *mem;
};

static inline uint64_t guard_hash(const struct guard *g, struct str jid)
{
	return map_hash(g->mem->hash_key, jid);
}

/* What counts of a message: its link that policy does not trust, or what takes the place of one: a program that is attached, a number to
 * call. everyday: the place alone says nothing. False: nothing. */
bool guard_risk_of(const struct guard *g, const struct subject *s, const struct links *links, struct arena *a, struct url *ret, bool *ret_everyday);

/* A text without a link that people have reported, or an operator has named: is it under containment? Long ones alone: a few words are many
 * people's. Then it has its finding and its name. */
#define GUARD_TEXT_WORDS 6
bool guard_risk_named(const struct guard *g, const struct subject *s, struct verdict *v, struct judgement *j);

/* The link alone, by the guard's policy. NULL: none. */
const struct url *guard_risk_link(const struct guard *g, const struct links *links);

#endif
