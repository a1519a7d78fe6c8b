/* spim_features.h - where a text's features lie in a model's table.
 *
 * Ownership  A struct spim_features is the caller's, about 130 KiB with its text.
 * Limits     The sizes below; what is past them is not counted.
 * Pure.
 */
#ifndef INSPECT_SPIM_FEATURES_H
#define INSPECT_SPIM_FEATURES_H

#include "inspect/normal.h"

#define SPIM_BITS 18
#define SPIM_BUCKETS (1u << SPIM_BITS)
#define SPIM_FEATURE_WORDS 3072
#define SPIM_FEATURE_CHARS 6144
#define SPIM_FEATURE_SIGNS 128

enum spim_group { SPIM_WORDS, SPIM_CHARS, SPIM_SIGNS, SPIM_GROUPS };

struct spim_features {
	struct normal text;
	uint32_t words[SPIM_FEATURE_WORDS];
	uint16_t word_of[SPIM_FEATURE_WORDS];	/* the token that it comes from, or that a pair ends with */
	bool word_alone[SPIM_FEATURE_WORDS];	/* a word or sign by itself, no pair */
	uint32_t chars[SPIM_FEATURE_CHARS];
	uint16_t char_of[SPIM_FEATURE_CHARS];	/* the token that it begins in */
	uint32_t signs[SPIM_FEATURE_SIGNS];
	unsigned n_words, n_chars, n_signs;
};

void spim_features(const struct normal_table *t, struct str text, struct spim_features *ret);
/* What one feature of the group counts in a text with n of them. */
float spim_features_share(enum spim_group group, unsigned n);

#endif
