/* spim.h - does a text read like unsolicited advertising, fraud or a worm's lure?
 *
 * Content: a linear model over hashed words, pairs of words, runs of characters and signs (links, telephone numbers, money,
 * capitals, what was hidden), with weights of 8 bits, trained by `wardroom train` and built into the programs. The threshold
 * that it carries was calibrated on messages of communities that it was not trained on. In a long text every stretch of
 * SPIM_STRETCH words counts for itself: a harmless sentence behind the advertising hides nothing.
 * A site's own adjustments (spim_learn) lie beside the model: they move a text by SPIM_DELTA_MOST at most, and fade.
 *
 * Ownership  spim_free(). A struct spim_view is a value.
 * Threads    One: a struct spim has a scratch pad.
 * Limits     NORMAL_BYTES of a text; SPIM_PLACES places adjusted.
 * Errors     ERR_BAD_FORMAT: not a model, of another version, cut short or changed; ERR_NOMEM.
 * Pure.
 */
#ifndef INSPECT_SPIM_H
#define INSPECT_SPIM_H

#include "base/buf.h"
#include "inspect/spim_features.h"

#define SPIM_VERSION 1u
#define SPIM_FILE_BYTES (SPIM_BUCKETS + 64u)
#define SPIM_STRETCH 20			/* words; longer texts are looked at in stretches, too */
#define SPIM_BANDS 3
#define SPIM_TOP 3
#define SPIM_PRINT 16
#define SPIM_DELTA_BITS 16
#define SPIM_PLACES 12000u		/* that a site's adjustments touch; the smallest make room */
#define SPIM_DELTA_MOST 2.5f
#define SPIM_DELTA_BYTES (8 + SPIM_PLACES * 4)

struct spim;

/* What one text looks like. */
struct spim_view {
	float over;			/* logit above the threshold; negative: below */
	unsigned band;			/* 0: below; 1 likely, 2 very likely, 3 almost certain */
	bool hidden;			/* letters were hidden from filters */
	bool reach;			/* it has a link, a telephone number, an address or a name to answer to */
	unsigned n_words;
	uint32_t print[SPIM_PRINT];	/* least hashes of its words, ascending, UINT32_MAX behind them: two texts are alike when these are */
	char top[SPIM_TOP][24];		/* readable words that spoke for it most, in order; empty: fewer */
	unsigned n_top;
};

/* The model that is built in. */
struct str spim_builtin(void);
/* file: as spim_write() made it; it is copied. */
MUST_CHECK int spim_new(struct str file, struct spim **ret);
void spim_free(struct spim **m);
uint32_t spim_date(const struct spim *m);		/* of its training: 20261124 */

void spim_look(struct spim *m, struct str text, struct spim_view *ret);
/* 0 to 100: how much of the words is common. */
unsigned spim_overlap(const uint32_t a[SPIM_PRINT], const uint32_t b[SPIM_PRINT]);
/* A person's word on one text: moves the site's adjustments a little. weight: 0 to 1, the reporter's reliability. */
void spim_learn(struct spim *m, struct str text, bool is_spim, float weight);
void spim_fade(struct spim *m);				/* what was learnt loses a 16th; to be called about once a week */
unsigned spim_learnt(const struct spim *m);		/* places that are adjusted */
void spim_delta_write(const struct spim *m, struct buf *ret);		/* SPIM_DELTA_BYTES at most */
MUST_CHECK int spim_delta_read(struct spim *m, struct str delta);	/* all or nothing */

/* What training makes of weights. */
struct spim_header {
	uint32_t date;
	float bias, threshold, stretch;		/* stretch: what one stretch must be above the whole text's threshold */
	float bands[SPIM_BANDS];		/* logits; the first is the threshold */
};
MUST_CHECK int spim_write(const struct spim_header *h, const float *weights, struct buf *ret);

#endif
