/* link_rules.h - what links.rules of policy.yaml make of a message with a link that is not trusted.
 *
 * A rule makes a decision stricter, never milder.
 */
#ifndef OUTBREAK_LINK_RULES_H
#define OUTBREAK_LINK_RULES_H

#include "outbreak/guard.h"

/* The rule that fits, as a finding and as j->link_act. */
void link_rules_see(const struct policy *p, const struct subject *s, struct verdict *v, struct judgement *j);
/* The decision that follows, once weights and spread have said theirs. */
void link_rules_decide(struct judgement *j);

#endif
