/* jid.h - addresses (RFC 7622): parsing is validation and normalisation.
 *
 * A struct jid can be had from jid_parse alone, so whoever holds one holds a valid, normalised address.
 * Ownership  All parts are slices of text in the arena; empty parts have .n == 0, .p never NULL.
 * Threads    Any: ICU's objects are opened once and constant.
 * Limits     1023 octets a part, before and after normalisation; LIMIT_JID_MARKS combining marks in a row; a
 *            domain as long as the DNS allows.
 * Errors     ERR_JID; ERR_LIMIT when the arena is full; ERR_NOMEM.
 */
#ifndef XMPP_JID_H
#define XMPP_JID_H

#include "base/arena.h"
#include "base/err.h"

struct jid {
	struct str full, bare, local, domain, resource;
};

MUST_CHECK int jid_parse(struct arena *a, struct str text, struct jid *ret);
/* One part alone: UsernameCaseMapped, domain (U-labels, lower case), OpaqueString as RFC 7622 3 uses them. */
MUST_CHECK int jid_prep_local(struct arena *a, struct str text, struct str *ret);
MUST_CHECK int jid_prep_domain(struct arena *a, struct str text, struct str *ret);
MUST_CHECK int jid_prep_resource(struct arena *a, struct str text, struct str *ret);
/* A normalised domain as the DNS and certificates write it (A-labels). */
MUST_CHECK int jid_domain_ascii(struct arena *a, struct str domain, struct str *ret);
static inline bool jid_equal_bare(const struct jid *x, const struct jid *y) { return str_eq(x->bare, y->bare); }
/* What a person might take it for (UTS 39 skeleton of the local part). */
MUST_CHECK int jid_skeleton(struct arena *a, struct str local, struct str *ret);

#endif
