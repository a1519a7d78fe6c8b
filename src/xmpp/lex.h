/* lex.h - where the tags in a stream of XML begin and end, and what has no place in it. For xml.c alone.
 *
 * A parser that is given a tag in pieces may scan it from its beginning with every piece (CVE-2023-52425),
 * and one that is made to wait hands the last tag over too late. So it is given whole tags.
 *
 * Ownership  The caller's struct; nothing is kept but the state.
 * Limits     A reference of at most LEX_REF_MAX bytes.
 */
#ifndef XMPP_LEX_H
#define XMPP_LEX_H

#include "base/str.h"

#define LEX_REF_MAX 64

struct lex {
	uint8_t state, n;
	bool prolog;		/* no tag has been seen */
};

void lex_init(struct lex *l, bool prolog);
/* How much of s is allowed; less than s.n: *ret_condition is the stream error for what follows.
 * *ret_safe: where an unfinished tag or reference begins, 0 also when it began before s. */
size_t lex_scan(struct lex *l, struct str s, size_t *ret_safe, const char **ret_condition);

#endif
