/* lookalike.h - does a host pretend to be one of ours, or a known brand?
 *
 * Pure. names: registrable domains that are genuine, with the label that people recognise.
 */
#ifndef INSPECT_LOOKALIKE_H
#define INSPECT_LOOKALIKE_H

#include "inspect/url.h"

#define LOOKALIKE_SKELETON 128

struct lookalike_name {
	struct str domain;			/* "example.com": this site is genuine */
	struct str label;			/* "example": what is imitated */
	bool countries;				/* its own name under a country's suffix is its own, too (brands) */
	char skeleton[LOOKALIKE_SKELETON];	/* of the label */
};

/* What a hurried eye makes of it: confusables to ASCII (UTS 39), then rn=m, vv=w, 0=o, 1=l, hyphens gone. */
void lookalike_skeleton(struct str text, char ret[LOOKALIKE_SKELETON]);
/* The label of a domain: "example" of "example.co.uk". */
struct str lookalike_label(struct str domain);
void lookalike_init(struct lookalike_name *n, struct str domain);	/* strings are the caller's */
/* Is it a site of one of them itself? */
bool lookalike_genuine(const struct url *u, const struct lookalike_name *names, size_t n);
/* The name that u imitates, or NULL; genuine sites imitate nobody. */
const struct lookalike_name *lookalike_find(const struct url *u, const struct lookalike_name *names, size_t n);

#endif
