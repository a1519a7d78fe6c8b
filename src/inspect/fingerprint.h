/* fingerprint.h - what stays of a message when a worm changes names, numbers and paths.
 *
 * The text becomes a set of word hashes (names, digits and links taken out); two texts are alike when
 * the sets overlap. The link becomes its site, its exact form and the shape of its path.
 * On a site that everybody links to (policy's everyday_sites) the site says nothing: there the same page, or nearly
 * the same words, must come again.
 * Pure.
 */
#ifndef INSPECT_FINGERPRINT_H
#define INSPECT_FINGERPRINT_H

#include "inspect/links.h"

#define FINGERPRINT_WORDS 32

struct fingerprint {
	uint64_t site, link;			/* hashes of the risky link; 0: none */
	uint32_t shape;				/* of its path: depth, ending, whether there is a query */
	uint32_t words[FINGERPRINT_WORDS];	/* sorted, distinct */
	unsigned n_words;
	bool has_link, everyday;		/* everyday: the site alone says nothing */
};

/* risky: the link that counts, or NULL. The local parts of sender and receiver are no words of it. */
void fingerprint_of(const struct subject *s, const struct url *risky, bool everyday, struct fingerprint *ret);
/* 0 to 100: how much of the words is common. */
unsigned fingerprint_overlap(const struct fingerprint *a, const struct fingerprint *b);
bool fingerprint_alike(const struct fingerprint *a, const struct fingerprint *b);
/* Link, site and the smallest words under four orders: an index finds what is alike by them. */
#define FINGERPRINT_KEYS 6
unsigned fingerprint_keys(const struct fingerprint *f, uint64_t ret[FINGERPRINT_KEYS]);
/* 16 hexadecimal digits that name it. */
void fingerprint_id(const struct fingerprint *f, char ret[17]);

#endif
