/* jid.h - addresses (RFC 7622): parsed, checked and normalised once.
 *
 * Ownership  The arena owns the bytes; all parts are slices of one string.
 * Threads    Any. ICU's tables are opened at the first address that is not ASCII.
 * Limits     LIMIT_JID_PART octets a part, before and after normalisation; LIMIT_JID_MARKS
 *            combining marks in a row; a domain name as long as DNS allows.
 * Errors     ERR_JID; ERR_LIMIT when the arena is full.
 */
#ifndef XMPP_JID_H
#define XMPP_JID_H

#include "base/arena.h"
#include "base/err.h"

struct jid {
	struct str full, bare, local, domain, resource;		/* local, resource may be empty */
};

MUST_CHECK int jid_parse(struct arena *a, struct str text, struct jid *ret);

/* One part, normalised; empty text is an error. */
MUST_CHECK int jid_prep_local(struct arena *a, struct str text, struct str *ret);	/* UsernameCaseMapped */
MUST_CHECK int jid_prep_domain(struct arena *a, struct str text, struct str *ret);	/* UTS 46, lower-case U-labels */
MUST_CHECK int jid_prep_resource(struct arena *a, struct str text, struct str *ret);	/* OpaqueString */

static inline bool jid_equal_bare(const struct jid *x, const struct jid *y)
{
	return str_eq(x->bare, y->bare);
}

/* The same for all names that look alike (UTS 39): "rn" and "m", Cyrillic and Latin "a". */
MUST_CHECK int jid_skeleton(struct arena *a, struct str local, struct str *ret);

#endif
