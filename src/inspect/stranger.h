/* stranger.h - what can be seen of somebody unknown: how many names he tries, how his own looks, and whom he resembles.
 *
 * A memory is of one sender, of a whole domain or of a range of addresses; it counts the different people approached
 * within an hour, whether they exist or not, so that a count tells nobody who exists.
 * Pure.
 *
 * Limits     A memory is 48 bytes and counts well up to STRANGER_COUNTS; more looks like that many.
 */
#ifndef INSPECT_STRANGER_H
#define INSPECT_STRANGER_H

#include "base/buf.h"
#include "base/map.h"
#include "inspect/inspect.h"
#include "inspect/lookalike.h"
#include "inspect/subject.h"

#define STRANGER_HOUR_MS (3600ull * 1000)
#define STRANGER_BITS 256
#define STRANGER_COUNTS 600
/* People whom one may approach for the first time within an hour; who goes on is told to come back later. */
#define STRANGER_TRIES 10		/* a sender */
#define STRANGER_TRIES_DOMAIN 60	/* all people of a domain that the operator has not named */
#define STRANGER_TRIES_PARTNER 400	/* of one that he has named, and of a gateway */
#define STRANGER_TRIES_PREFIX 120	/* all domains of one /24 or /48 */

struct stranger_memory {
	uint64_t hour;				/* number of the hour that is counted */
	uint64_t seen[STRANGER_BITS / 64];	/* a bit for each person, by hash */
	uint32_t before;			/* the count of the hour before */
};

struct stranger_conf {
	const struct map *people;		/* skeleton of a colleague's name -> char *, the name; NULL: not known */
};

/* He has approached this person. */
void stranger_note(struct stranger_memory *m, uint64_t person, uint64_t now_ms);
/* He turned out to be known there: not counted after all. */
void stranger_forget(struct stranger_memory *m, uint64_t person);
/* How many different ones within about an hour. */
unsigned stranger_tried(const struct stranger_memory *m, uint64_t now_ms);

void stranger_verdict(const struct subject *s, unsigned tried, const struct stranger_conf *conf, struct verdict *v);

/* "xk7qvz93hp", "bcdfghjk": no word, no name, no initials with a number. */
bool stranger_is_random(struct str local);
/* Do the two read alike, drawn by other letters or not? Names of fewer than four letters resemble nobody. */
bool stranger_resembles(struct str name, const char skeleton[LOOKALIKE_SKELETON]);

/* The text with nothing in it that a client would make a link, an address or a picture of; control characters and bidi
 * marks gone; cut behind max bytes, with "..." then. Fails as buf_add does. */
void stranger_defang(struct str text, size_t max, struct buf *ret);

#endif
