/* opinion.h - what the company's rules for links, files and limits say of a message that the inspectors have seen. Pure.
 *
 * Rules make things stricter: what the sum of weights does stands beside them, and the stricter of the two is done.
 *
 * Ownership  Strings of the result are the policy's.
 */
#ifndef POLICY_OPINION_H
#define POLICY_OPINION_H

#include "policy/policy.h"

struct opinion {
	enum decision decision;
	enum policy_link link;		/* what becomes of its links: ALLOW: no rule says so */
	enum decision would;		/* what rules on trial would have done; DECISION_DELIVER: nothing */
	struct str would_by;		/* their first rule's name; empty: none */
};

/* link: it has one that the policy does not trust. Adds a finding for every rule that acts. */
void opinion_of(const struct policy *p, const struct subject *s, bool link, struct verdict *v, struct opinion *ret);
/* What the company's sums say of a sum of weights. */
enum decision opinion_of_score(const struct policy *p, unsigned score);

#endif
