/* subject.h - what is judged: one message and what is known about it, as values.
 *
 * Ownership  Strings belong to the caller and outlive the judgement.
 */
#ifndef INSPECT_SUBJECT_H
#define INSPECT_SUBJECT_H

#include "base/str.h"

#define SUBJECT_LINKS 16

struct feed_set;
struct verdict;

enum subject_via { VIA_LOCAL, VIA_S2S, VIA_GATEWAY, VIA_ROOM };
enum subject_trust { TRUST_NORMAL, TRUST_LOW, TRUST_HIGH };

/* A link that markup names: XHTML-IM <a href>, an OOB url. */
struct subject_link {
	struct str target;
	struct str shown;		/* the text a reader sees; empty: the target itself */
};

/* What his earlier messages say of the sender; of people he wrote to in the last hours, so many at most as are remembered. */
struct subject_sender {
	uint64_t age_ms;		/* since his first message that is remembered */
	uint32_t sent;			/* messages since then */
	unsigned people;		/* he wrote to */
	unsigned new_people;		/* of them: for the first time */
	unsigned strangers;		/* of them: did not know him then */
	unsigned answered;		/* of them: have written to him, too */
	bool to_new;			/* the receiver of this message is none of them, nor of those before */
};

struct subject {
	struct str from, to;		/* bare JIDs */
	struct str seat;		/* one person in a room: the full JID that a private message goes to; empty: none */
	struct str body, topic;
	struct str nick;		/* as the sender calls himself (XEP-0172); mostly empty */
	struct str poses_as;		/* somebody of the receiver's roster whom he resembles; empty: nobody */
	struct subject_link links[SUBJECT_LINKS];
	unsigned n_links;
	bool more_links;		/* there were more than fit */
	struct str cipher;		/* the payload of an encrypted message, as it is; .n 0: it is not encrypted */
	bool has_file;			/* it brings a file, or says where one is */
	bool known;			/* contact or colleague */
	bool to_known;			/* the receiver is a colleague, or in the sender's own list */
	bool to_gateway;		/* the receiver is behind a gateway */
	bool partner;			/* the operator has named the sender's domain */
	uint64_t prefix;		/* the range of addresses his server speaks from; 0: not known */
	struct str listed_by;		/* the block list that names the sender; empty: none */
	bool listed_trusted;		/* and its publisher is trusted */
	const struct feed_set *shared;	/* links that peers name, besides the lists of policy */
	unsigned n_shared;
	enum subject_via via;
	enum subject_trust trust;	/* of the link to another domain that it comes or goes by */
	bool outward;			/* leaves for another network */
	bool cut;			/* the breaker of the link that it comes or goes by is open */
	bool decoy;			/* the receiver is nobody: a contact that only a program writes to */
	bool own_password;		/* the sender's own password is in it */
	unsigned audience;		/* how many get it: the occupants of a room; 0 and 1: one */
	uint64_t ts_ms;			/* the only clock of an inspection */
	struct subject_sender sender;	/* filled by the guard */
	const struct verdict *before;	/* what was seen before: weighed with the rest; NULL: nothing */
};

static inline void subject_add_link(struct subject *s, struct str target, struct str shown)
{
	if (s->n_links < SUBJECT_LINKS)
		s->links[s->n_links++] = (struct subject_link){ target, shown };
	else
		s->more_links = true;
}

#endif
