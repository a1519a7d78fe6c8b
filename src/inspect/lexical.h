/* lexical.h - what a link's spelling alone says: a small linear model over pieces of its host and path.
 *
 * The model (lexical_model.c) was trained by tests/calibration/links_train.c; it knows no list of sites, only how names
 * and paths of the malicious tend to be spelt. Each piece of text has a bucket; the weights of a link's buckets sum up.
 *
 * Ownership  Texts of features lie in struct lexical itself.
 * Limits     LEXICAL_FEATURES pieces, LEXICAL_HOST and LEXICAL_PATH bytes looked at; no allocation.
 * Pure.
 */
#ifndef INSPECT_LEXICAL_H
#define INSPECT_LEXICAL_H

#include "inspect/url.h"

#define LEXICAL_BUCKETS 65536		/* power of two */
#define LEXICAL_FEATURES 320
#define LEXICAL_HOST 128
#define LEXICAL_PATH 256
#define LEXICAL_ROW 128			/* weights a line of the model */
#define LEXICAL_REASON 64

struct lexical_feature {
	uint32_t bucket;
	float value;
	struct str text;		/* what was looked at, for a reason; empty: a shape */
	const char *shape;		/* what a shape is called */
};

struct lexical {
	struct lexical_feature f[LEXICAL_FEATURES];
	unsigned n;
	char host[LEXICAL_HOST + 2], folded[LEXICAL_HOST + 2], path[LEXICAL_PATH];
};

void lexical_read(const struct url *u, struct lexical *ret);
/* The sum. */
float lexical_score(const struct lexical *l);
/* Does it exceed what one harmless link in a thousand does? */
bool lexical_bad(const struct url *u, const struct lexical *l);
/* The pieces that speak most against it: "spelt like 'nitro', '.gift', long name". */
struct str lexical_reason(const struct lexical *l, char ret[LEXICAL_REASON]);

/* lexical_model.c: one printable character a bucket, LEXICAL_ZERO is 0; a step is lexical_step. */
#define LEXICAL_ZERO 80
extern const char lexical_model[LEXICAL_BUCKETS / LEXICAL_ROW][LEXICAL_ROW + 1];
extern const float lexical_step, lexical_bias, lexical_threshold_link, lexical_threshold_host;

#endif
