/* spim_trainer.h - makes the weights of a spim model from labelled texts: logistic regression by AdaGrad.
 *
 * Deterministic: the same texts in the same order and the same seed make the same weights.
 *
 * Ownership  spim_trainer_free().
 * Threads    One.
 * Limits     SPIM_TRAIN_TEXTS, SPIM_TRAIN_PLACES places of features in all.
 * Errors     ERR_LIMIT, ERR_NOMEM.
 */
#ifndef INSPECT_SPIM_TRAINER_H
#define INSPECT_SPIM_TRAINER_H

#include "base/err.h"
#include "inspect/spim_features.h"

#define SPIM_TRAIN_TEXTS 2000000u
#define SPIM_TRAIN_PLACES 500000000u

struct spim_train_conf {
	unsigned passes;
	float rate, decay;
	uint64_t seed;
};

#define SPIM_TRAIN_CONF ((struct spim_train_conf){ .passes = 6, .rate = 0.1f, .decay = 3e-5f, .seed = 1 })

struct spim_trainer;
/* Weights before they are made small. */
struct spim_weights {
	float bias;
	float w[SPIM_BUCKETS];
};

struct spim_trainer *spim_trainer_new(const struct spim_train_conf *conf);	/* NULL without memory */
void spim_trainer_free(struct spim_trainer **t);
/* fold: which part of the texts this belongs to. weight 0: only to be judged. */
MUST_CHECK int spim_trainer_add(struct spim_trainer *t, const struct spim_features *f, bool spim, float weight, unsigned fold);
/* Learns from all texts but those of the fold 'without' (~0u: from all). */
MUST_CHECK int spim_trainer_run(struct spim_trainer *t, unsigned without, struct spim_weights *ret);
/* The n-th text's logit. */
float spim_trainer_score(const struct spim_trainer *t, size_t n, const struct spim_weights *w);

#endif
