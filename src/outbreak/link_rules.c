#include "outbreak/link_rules.h"

void link_rules_see(const struct policy *p, const struct subject *s, struct verdict *v, struct judgement *j)
{
	const struct clause *shadow, *c;

	if (p->link_rules.n == 0)
		return;
	c = clause_match(&p->link_rules, people_pair_of(&p->people, s), &shadow);
	if (!c || c->act == POLICY_LINK_ALLOW)
		return;
	j->link_act = (enum policy_link)c->act;
	inspect_add(v, POLICY_LINK, c->name);
}

static enum decision decision_of(enum policy_link act)
{
	switch (act) {
	case POLICY_LINK_ALLOW:
		return DECISION_DELIVER;
	case POLICY_LINK_FLAG:
	case POLICY_LINK_WARN:
		return DECISION_FLAG;
	case POLICY_LINK_DEFANG:
	case POLICY_LINK_REWRITE:
		return DECISION_DEFANG;
	case POLICY_LINK_HOLD:
		return DECISION_HOLD;
	case POLICY_LINK_REFUSE:
		return DECISION_REJECT;
	}
	return DECISION_HOLD;
}

void link_rules_decide(struct judgement *j)
{
	enum decision d = decision_of(j->link_act);

	if (d <= j->decision)
		return;
	j->decision = d;
	j->first_hold = j->first_hold || d == DECISION_HOLD;
}
