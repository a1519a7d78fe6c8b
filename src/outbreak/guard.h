/* guard.h - judges messages: what links say, and whether something is spreading.
 *
 * A risky message (an untrusted link, a program that is attached, a number to call) has a fingerprint that survives changed
 * names, digits and paths, and changed words while the site is new. What is alike forms a cluster, its copies form trees
 * (spread.h). Of one cluster a sender may reach policy's worm_copies people within the window; further copies are held.
 * Where a receiver sends it on, the whole tree has no more copies than that. What was past its copies and is sent again, or comes
 * from three senders of whom one had received it and is sent again, is an outbreak: contained, held for everybody. Several who
 * send one new thing at the same time are a wave: the third is asked. Links to sites that nobody here knows are counted
 * together, too, by the tree of people they go through, whatever they say. A copy is reserved here, before anybody gets it.
 * A post to a room is one copy; where GUARD_MANY read it, a link to a new site cannot be clicked in it.
 *
 * Ownership  guard_new takes the policy. A judgement's strings live in the arena given.
 * Threads    One (the loop's).
 * Limits     CLUSTERS, CLUSTER_ASKED a cluster, SPREAD_COPIES a cluster, GUARD_TRIGGERS, SENDERS, SITES; the oldest makes room.
 * Errors     ERR_NOMEM, ERR_LIMIT: the caller must not deliver.
 */
#ifndef OUTBREAK_GUARD_H
#define OUTBREAK_GUARD_H

#include "base/arena.h"
#include "base/err.h"
#include "inspect/inspect.h"
#include "inspect/spim.h"
#include "inspect/subject.h"
#include "policy/policy.h"

#define GUARD_TRIGGERS 20000
#define GUARD_PEOPLE 50000		/* names of colleagues */
#define GUARD_MANY 5			/* readers: a room */
#define GUARD_COUNTED 3
#define GUARD_FINGERPRINT 17		/* 16 hexadecimal digits and NUL */
#define GUARD_MEMORY 400		/* what guard_memory() writes at most, NUL included */

struct guard;

struct judgement {
	enum decision decision;
	const struct finding *findings;		/* in the arena */
	unsigned n_findings;
	unsigned score, at;			/* at: the sum of the policy from which on that is done; 0: not the sum decided */
	enum policy_leak leak;			/* POLICY_LEAK_WARN, POLICY_LEAK_MASK: to be done besides the decision */
	enum policy_link link_act;		/* what a rule of policy says of its links; ALLOW: none does */
	bool risky;				/* fingerprint is set */
	bool reserved;				/* a copy was counted: guard_unreserve() when it does not go out */
	bool first_hold;			/* of this sender and fingerprint: he is to be asked */
	bool outbreak, outbreak_began;		/* under containment; with this message */
	bool again;				/* no new copy: who gets it has had its like from him, or has sent it himself */
	bool novel;				/* a site that nobody here knows */
	char fingerprint[GUARD_FINGERPRINT];	/* what it is held or counted under */
	char counted[GUARD_COUNTED][GUARD_FINGERPRINT];	/* of these: by what it says, by its site, by the tree of strange links; or empty */
	struct str patient_zero;		/* who sent it first, when risky */
	struct str memory;			/* outbreak_began: guard_memory() */
	unsigned n_senders;
	char policy[POLICY_DIGEST];		/* which version it was judged by */
	bool differs;				/* rules, or a policy, on trial would have done something else: */
	enum decision would;
	struct str would_by;			/* which; in the arena */
	uint64_t from_hash, to_hash, site;	/* internal */
	bool origin;				/* internal: he had it from nobody */
};

MUST_CHECK int guard_new(struct policy *p, struct guard **ret);
void guard_free(struct guard **g);
/* A reload: what the old one remembers goes over; the old one is to be freed then. */
void guard_inherit(struct guard *g, struct guard *old);
const struct policy *guard_policy(const struct guard *g);

MUST_CHECK int guard_judge(struct guard *g, const struct subject *s, struct arena *a, struct judgement *ret);
void guard_unreserve(struct guard *g, const struct judgement *j);
/* A text without what inspect/dlp.h finds in it: the text itself when it finds nothing. .p NULL: it cannot be done. */
struct str guard_mask(struct guard *g, struct str text, struct arena *a);

/* Somebody unknown approaches 'to', who exists or not: counted for himself, his domain and his range of addresses. False: too
 * many people within the hour; he shall come back later. */
struct guard_knock {
	struct str from, to;		/* bare */
	uint64_t prefix;		/* 0: not known */
	bool partner;			/* the operator has named his domain */
	uint64_t now_ms;
};
bool guard_knock(struct guard *g, const struct guard_knock *k);
/* They know each other: it was no approach. */
void guard_known(struct guard *g, const struct guard_knock *k);
/* A colleague's name, which no stranger should have. */
void guard_meet(struct guard *g, struct str name);

/* The name of what this message is: of the cluster that it belongs to, or would begin; ERR_NOT_FOUND: it says nothing. */
MUST_CHECK int guard_name(struct guard *g, const struct subject *s, struct arena *a, char ret[GUARD_FINGERPRINT]);
/* The sender says that he meant it: his copies are no longer counted. False when others have sent it on, or an operator
 * has contained it: then it is not his to decide. */
bool guard_confirm(struct guard *g, struct str fingerprint, struct str sender);
/* An operator's word. */
void guard_contain(struct guard *g, struct str fingerprint, bool contained);

/* What people say of a text teaches the inspector spim, within bounds; weight: 0 to 1, how far they are trusted. guard_learnt() is
 * what to keep of it, GUARD_LEARNT_BYTES at most; guard_relearn() takes it back: all or nothing. */
#define GUARD_LEARNT_BYTES SPIM_DELTA_BYTES
void guard_learn(struct guard *g, struct str text, bool is_spim, float weight);
void guard_fade(struct guard *g);		/* once a week: what was learnt counts a little less */
void guard_learnt(const struct guard *g, struct buf *ret);
MUST_CHECK int guard_relearn(struct guard *g, struct str learnt);

/* The sites that people here know, over a restart (outbreak/sites.h). changes: rises with what would be written otherwise. */
void guard_sites(const struct guard *g, struct buf *ret);
uint64_t guard_sites_changes(const struct guard *g);
MUST_CHECK int guard_resites(struct guard *g, struct str bytes);

/* What to store with an outbreak so that guard_remember() finds what is alike after a restart. Empty when unknown. */
void guard_memory(const struct guard *g, struct str fingerprint, char ret[GUARD_MEMORY]);
MUST_CHECK int guard_remember(struct guard *g, struct str fingerprint, struct str memory, bool contained, uint64_t now_ms);
/* A peer whom policy trusts says that what is alike is malicious; or no longer. ERR_BAD_FORMAT: no guard_memory(). */
MUST_CHECK int guard_share(struct guard *g, struct str fingerprint, struct str memory, uint64_t now_ms);
void guard_unshare(struct guard *g, struct str fingerprint);
/* A copy that went out, or was held, before the restart; in order. */
MUST_CHECK int guard_remember_copy(struct guard *g, struct str fingerprint, struct str from, struct str to, uint64_t when_ms, bool delivered);
size_t guard_clusters(const struct guard *g);

#endif
