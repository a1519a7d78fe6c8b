/* simulate_parts.h - what the files of the simulator share: its own random numbers, and the words of people and worms.
 *
 * Repeatable, and for nothing that must be secret.
 */
#ifndef OUTBREAK_SIMULATE_PARTS_H
#define OUTBREAK_SIMULATE_PARTS_H

#include "outbreak/simulate.h"

#define SIMULATE_BODY 2048

static inline uint64_t simulate_next(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state * 0x2545f4914f6cdd1du >> 16;
}

static inline unsigned simulate_below(uint64_t *state, unsigned n)
{
	return (unsigned)(simulate_next(state) % n);
}

static inline uint64_t simulate_seed(uint64_t seed)
{
	return (seed + 1) * 0x9e3779b97f4a7c15u | 1;
}

enum simulate_trigger { BY_ITSELF, BY_MESSAGE };

/* How a worm of a shape goes about it. */
struct simulate_manner {
	enum simulate_trigger trigger;
	uint64_t gap_ms;		/* between two copies */
	unsigned hijacked;		/* at the start, of 1,000 accounts; 0: one */
	unsigned outside;		/* so many senders of another network begin, and no account of ours */
	enum subject_via via;		/* of those */
	bool rooms;			/* posts in its rooms first */
	unsigned repeats;		/* of a copy to the same person, at the same gap */
};

const struct simulate_manner *simulate_words_manner(unsigned shape);
/* What one copy says. to_name: the receiver's local part. attached: an address that markup names, or empty. Both into body of SIMULATE_BODY. */
void simulate_words_lure(unsigned shape, const struct simulate_texts *lures, uint64_t run, const char *to_name, uint64_t *random, char *body, struct str *ret_attached);
/* What an honest person says: the next of the texts, or one of ours, now and then with a link. */
struct str simulate_words_chat(const struct simulate_texts *texts, size_t *at, uint64_t *random, char *body);

#endif
