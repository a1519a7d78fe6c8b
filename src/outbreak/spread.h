/* spread.h - the copies of what is alike, within the window: who sent it to whom, and whose it was first.
 *
 * Copies form trees. Who sends on what he received (the same link, or something alike within SPREAD_RECENT_MS of it)
 * belongs to the tree that it came from; everybody else begins one of his own and is its root, its patient zero. So a
 * worm is one tree with many senders, and ten people who each show somebody an article of the same paper are ten trees.
 *
 * Ownership  spread_release(). People are hashes; the names of roots are copied.
 * Limits     SPREAD_COPIES; the oldest makes room.
 */
#ifndef OUTBREAK_SPREAD_H
#define OUTBREAK_SPREAD_H

#include "base/err.h"
#include "base/str.h"

#define SPREAD_COPIES 512
#define SPREAD_RECENT_MS (60ull * 60 * 1000)
#define SPREAD_DAY_MS (24ull * 3600 * 1000)
#define SPREAD_NEAR_MS (5ull * 60 * 1000)
#define SPREAD_SENDERS 8		/* are told apart, no more */

struct spread_copy {
	uint64_t from, to, link;
	uint64_t root;			/* spread_look() says which */
	uint64_t ms;
	bool outside;			/* from another server, or a gateway */
	bool asked_for;			/* the receiver had just written: it weighs half */
};

struct spread_root {
	uint64_t hash;
	char *name;
	bool past;			/* somebody of this tree wanted more copies than there are */
};

struct spread {
	struct spread_copy *v;		/* oldest first */
	unsigned n, room;
	struct spread_root *roots;
	unsigned n_roots, room_roots;
};

/* What the copies so far say about one more. */
struct spread_view {
	uint64_t root;
	unsigned mine;			/* people this sender has reached */
	unsigned tree_copies, tree_senders;	/* of the tree; the sender of this one counts */
	bool tree_relayed;		/* others than the root send it, or would with this copy */
	bool again;			/* the same person once more */
	bool answer;			/* to somebody who sent it himself */
	bool past;			/* it belongs to a tree that is past its copies */
	unsigned link_senders;		/* of the same link within a day, before this copy; counted up to 3 */
	bool link_relayed;
	unsigned senders;		/* of the whole, with this copy; counted up to SPREAD_SENDERS */
	unsigned near, near_link;	/* of them: within SPREAD_NEAR_MS; of the same link */
	unsigned near_people;		/* who got one within that time; one room is one */
	bool near_relayed;		/* somebody sends it on within that time, or would with this copy */
	unsigned outside;		/* copies */
};

void spread_release(struct spread *s);
void spread_forget(struct spread *s, uint64_t before_ms);
void spread_look(const struct spread *s, const struct spread_copy *next, struct spread_view *ret);
/* The copy's root is set. name: the sender's, kept when he is the root. */
MUST_CHECK int spread_add(struct spread *s, const struct spread_copy *copy, struct str name);
void spread_again(struct spread *s, const struct spread_copy *copy);	/* that copy is the newest now */
bool spread_remove(struct spread *s, uint64_t from, uint64_t to);
void spread_past(struct spread *s, uint64_t root, bool past);
bool spread_sent(const struct spread *s, uint64_t from);		/* has he a copy here? */
struct str spread_name(const struct spread *s, uint64_t root);		/* empty when unknown */
unsigned spread_senders(const struct spread *s);

#endif
