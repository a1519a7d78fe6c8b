/* dlp.h - what should not leave in a message: cards, accounts, identity numbers, keys, passwords, the company's own words.
 *
 * Patterns find where one may begin; a validator (check digits, issuers, lengths, dates) says whether it is one.
 *
 * Ownership  dlp_free(). Words and the policy's own patterns are copied.
 * Threads    One at a time (patterns.h).
 * Limits     DLP_SPANS of one text; where there are more, dlp_find() says so. DLP_WORDS words of DLP_WORD_BYTES, DLP_OWN own patterns.
 * Errors     ERR_BAD_FORMAT with *ret_bad the own pattern that is none; ERR_LIMIT when a text could not be looked at to the end.
 * Sources    ISO/IEC 7812 (cards), ISO 13616 (IBAN), ISO 7064; the formats that token issuers publish for secret scanners.
 * Pure.
 */
#ifndef INSPECT_DLP_H
#define INSPECT_DLP_H

#include "base/arena.h"
#include "base/err.h"
#include "inspect/inspect.h"
#include "inspect/patterns.h"
#include "inspect/subject.h"

#define DLP_LABEL 48
#define DLP_SPANS 32
#define DLP_WORDS 500
#define DLP_WORD_BYTES 100
#define DLP_OWN 50
#define DLP_OWN_BYTES 200

/* A pattern of the policy's own. */
struct dlp_own {
	struct str name, regex;
};

struct dlp_conf {
	const struct str *words;		/* code names, customers: whole words, whatever the case */
	size_t n_words;
	const struct dlp_own *own;
	size_t n_own;
	enum patterns_engine engine;
};

struct dlp_span {
	size_t from, to;			/* bytes of the text; what is masked */
	enum rule rule;
	char label[DLP_LABEL];				/* for evidence: what it is, never the thing itself */
};

struct dlp_spans {
	struct dlp_span v[DLP_SPANS];		/* in order, none overlaps another */
	unsigned n;
	bool more;
};

struct dlp;

MUST_CHECK int dlp_new(const struct dlp_conf *conf, struct dlp **ret, size_t *ret_bad);
void dlp_free(struct dlp **d);

MUST_CHECK int dlp_find(struct dlp *d, struct str text, struct dlp_spans *ret);
/* Findings for body and topic. */
MUST_CHECK int dlp_verdict(struct dlp *d, const struct subject *s, struct verdict *v);
/* The text with every span replaced by "[card number removed]" and the like; .p NULL without memory. */
struct str dlp_masked(const struct dlp_spans *spans, struct str text, struct arena *a);

#endif
