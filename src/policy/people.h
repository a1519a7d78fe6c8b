/* people.h - whom a rule means: groups of the company, other domains, and words such as 'strangers'.
 *
 * Everybody is a set of bits: what he is in general (a colleague, an outsider), what he is to the other one (a stranger),
 * and which groups he is in. A rule names such a set and fits whoever shares a bit with it: judging costs two look-ups.
 *
 * Ownership  Strings and the list live in the policy's arena; people_release() gives the map back. Immutable once read.
 * Threads    Any may read.
 * Limits     PEOPLE_GROUPS groups, those that rules name by an address or a domain included; PEOPLE_MEMBERS members in all.
 * Errors     ERR_LIMIT when a maximum is reached, ERR_BAD_FORMAT for what is no address, ERR_NOMEM.
 */
#ifndef POLICY_PEOPLE_H
#define POLICY_PEOPLE_H

#include "base/arena.h"
#include "base/err.h"
#include "base/map.h"
#include "inspect/subject.h"

#define PEOPLE_GROUPS 48
#define PEOPLE_MEMBERS 100000

/* Bits that are no group. */
#define PEOPLE_EVERYBODY (1ull << 0)
#define PEOPLE_COLLEAGUES (1ull << 1)		/* accounts of this server */
#define PEOPLE_OUTSIDERS (1ull << 2)		/* everybody else, rooms apart */
#define PEOPLE_STRANGERS (1ull << 3)		/* outsiders whom the other one does not know */
#define PEOPLE_CONTACTS (1ull << 4)		/* outsiders whom he knows */
#define PEOPLE_GATEWAYS (1ull << 5)		/* outsiders behind a gateway */
#define PEOPLE_PEERS (1ull << 6)		/* outsiders of another server */
#define PEOPLE_LOW_TRUST (1ull << 7)		/* outsiders by the trust in their link */
#define PEOPLE_NORMAL_TRUST (1ull << 8)
#define PEOPLE_HIGH_TRUST (1ull << 9)
#define PEOPLE_FIRST_GROUP 16

struct people_group {
	struct str name;		/* of one that a rule names by an address or a domain: that */
	unsigned line;			/* of its definition, from 1 */
	unsigned n_members;
	bool unnamed;
};

struct people {
	struct arena *arena;		/* the policy's */
	struct str domain;		/* of our accounts */
	struct people_group v[PEOPLE_GROUPS];
	unsigned n;
	struct map *members;		/* bare JID or domain -> uint64_t, the groups */
};

/* Who speaks to whom. */
struct people_pair { uint64_t from, to; };

MUST_CHECK int people_init(struct people *p, struct arena *a, const char *domain);
void people_release(struct people *p);

/* Adds a group, empty. ERR_CONFLICT: there is one of that name. */
MUST_CHECK int people_add(struct people *p, struct str name, unsigned line, uint64_t *ret_bit);
/* An address, a domain or "*@DOMAIN" becomes a member. ERR_CONFLICT: he is one already. */
MUST_CHECK int people_join(struct people *p, uint64_t bit, struct str member);
/* Whom a word of a rule means. ERR_NOT_FOUND: no word, no group, and neither an address nor a domain. */
MUST_CHECK int people_named(struct people *p, struct str word, unsigned line, uint64_t *ret);
/* The n-th word that is no group; NULL at the end. */
const char *people_word(unsigned n);
/* Letters, digits, '-' and '_', and no word of the above. */
bool people_may_be_group(struct str name);

/* What somebody is by his bare address alone: groups, colleague or outsider. */
uint64_t people_of(const struct people *p, struct str bare);
/* What the two of a message are to each other. */
struct people_pair people_pair_of(const struct people *p, const struct subject *s);
/* Have they a group in common? */
static inline bool people_share_group(uint64_t a, uint64_t b) { return (a & b) >> PEOPLE_FIRST_GROUP != 0; }
/* "sales, strangers and anna@firm.example", for a sentence. .p NULL without memory. */
struct str people_text(const struct people *p, uint64_t who, struct arena *a);

#endif
