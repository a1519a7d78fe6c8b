/* patterns.h - finds where any of many patterns is in a text, in one pass.
 *
 * Vectorscan where the processor can (SSE4.2), PCRE2 with bounded effort where it cannot. Vectorscan 5.4.9 loses matches of some
 * expressions behind other text (decision 0009): what it shall find must be tried at every place by a test; else ask for PCRE2.
 * Whether it is what it looks like is for a validator to say.
 *
 * Ownership  patterns_free(). Expressions are the caller's and are not kept.
 * Threads    One at a time: a set has working memory of its own.
 * Limits     PATTERNS expressions of PATTERN_BYTES each. Time is linear in the text (Vectorscan), or bounded by PATTERN_STEPS
 *            for each expression (PCRE2); what cannot be had within that is refused when the set is made.
 * Errors     ERR_BAD_FORMAT with *ret_bad the expression that is none, ERR_NOMEM. patterns_scan(): ERR_LIMIT when the effort was
 *            used up, which the caller must not take for "nothing there".
 */
#ifndef INSPECT_PATTERNS_H
#define INSPECT_PATTERNS_H

#include "base/err.h"
#include "base/str.h"

#define PATTERNS 200
#define PATTERN_BYTES 65536		/* of one expression: a list of words is one */
#define PATTERN_STEPS 200000

struct pattern {
	const char *regex;		/* what PCRE2 and Vectorscan have in common */
	bool caseless;
};

enum patterns_engine { PATTERNS_BEST, PATTERNS_PCRE2 };

struct patterns;

MUST_CHECK int patterns_new(const struct pattern *v, size_t n, enum patterns_engine engine, struct patterns **ret, size_t *ret_bad);
/* The same from what patterns_save() wrote, which takes no time; compiled here and now when it is of another version or processor. */
MUST_CHECK int patterns_load(const void *saved, size_t n_saved, const struct pattern *v, size_t n, enum patterns_engine engine, struct patterns **ret,
			     size_t *ret_bad);
/* For any processor that Vectorscan runs on; the caller frees. */
MUST_CHECK int patterns_save(const struct pattern *v, size_t n, char **ret, size_t *ret_n);
void patterns_free(struct patterns **p);

/* Expression 'which' is at 'from' in the text, up to 'to'; it may be told more than once, with other ends. */
typedef void patterns_found(void *ctx, size_t which, size_t from, size_t to);
MUST_CHECK int patterns_scan(struct patterns *p, struct str text, patterns_found *found, void *ctx);

#endif
