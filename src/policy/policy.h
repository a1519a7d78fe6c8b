/* policy.h - what is allowed: policy.yaml and weights.yaml, read.
 *
 * Ownership  policy_free(); everything inside belongs to it. Immutable once read.
 * Threads    Any may read.
 * Limits     POLICY_FILE_BYTES a file, POLICY_NAMES names a list, POLICY_DENIED lines of a deny list.
 * Errors     ERR_BAD_FORMAT with ret_why "FILE:LINE:COLUMN: ..." in the caller's arena; ERR_NOMEM.
 */
#ifndef POLICY_POLICY_H
#define POLICY_POLICY_H

#include "base/arena.h"
#include "base/err.h"
#include "inspect/links.h"

#define POLICY_FILE_BYTES (256 * 1024)
#define POLICY_DENY_BYTES (64 * 1024 * 1024)
#define POLICY_NAMES 1000
#define POLICY_DENIED 1000000

struct policy {
	struct arena *arena;
	struct links_conf links;
	struct map *denied;
	struct str deny_file;			/* name as written; empty: none */
	unsigned weights[RULE_COUNT];
	unsigned copies;			/* of one risky message that one sender may send */
	uint64_t window_ms;			/* for how long copies are remembered */
	unsigned flag, hold, reject;		/* sums of weights; 0: never */
};

/* The files a new instance gets: every rule with its default and its meaning. .p NULL without memory. */
struct str policy_default_text(struct arena *a);
struct str policy_default_weights(struct arena *a);

/* domain: our own, whose links are trusted. name: the file's, for messages. deny: the text of the deny list. */
MUST_CHECK int policy_parse(struct str text, const char *name, const char *domain, struct arena *a, struct policy **ret, struct str *ret_why);
MUST_CHECK int policy_weights(struct policy *p, struct str text, const char *name, struct arena *a, struct str *ret_why);
MUST_CHECK int policy_deny(struct policy *p, struct str text);
void policy_free(struct policy **p);

#endif
