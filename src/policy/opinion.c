/* opinion.c - see opinion.h. */
#include "policy/opinion.h"

#include "base/check.h"

static const enum decision of_link[] = {
	[POLICY_LINK_ALLOW] = DECISION_DELIVER,	  [POLICY_LINK_FLAG] = DECISION_FLAG,	   [POLICY_LINK_WARN] = DECISION_FLAG,
	[POLICY_LINK_DEFANG] = DECISION_DEFANG,	  [POLICY_LINK_REWRITE] = DECISION_DEFANG, [POLICY_LINK_HOLD] = DECISION_HOLD,
	[POLICY_LINK_REFUSE] = DECISION_REJECT,
};
/* Of a file of which nothing is known but that it is there: rules that name what is in it are for who has looked (policy_file.h). */
static const enum decision of_file[] = {
	[FILE_ALLOW] = DECISION_DELIVER, [FILE_CLEAN] = DECISION_DELIVER, [FILE_HOLD] = DECISION_HOLD, [FILE_REFUSE] = DECISION_REJECT,
};

/* The rule that fits and acts; what one on trial would have done is noted when it is stricter. */
static const struct clause *ask(const struct clauses *list, struct people_pair pair, const enum decision *decisions, enum rule finding,
				struct verdict *v, struct opinion *o)
{
	const struct clause *trial, *c = clause_match(list, pair, &trial);
	enum decision d = c ? decisions[c->act] : DECISION_DELIVER;

	if (trial && decisions[trial->act] > o->would && decisions[trial->act] > d) {
		o->would = decisions[trial->act];
		o->would_by = trial->name;
	}
	if (d == DECISION_DELIVER)
		return NULL;
	inspect_add(v, finding, c->name);
	o->decision = d > o->decision ? d : o->decision;
	return c;
}

/* Who writes to many for the first time; those he has written to before are not kept from him. */
static void ask_limits(const struct policy *p, const struct subject *s, struct verdict *v, struct opinion *o)
{
	unsigned new_people = p->limits.new_people, strangers = p->limits.strangers;
	bool stranger = s->via == VIA_LOCAL ? !s->to_known : !s->known;

	if (!s->sender.to_new)
		return;
	if (new_people && s->sender.new_people >= new_people)
		inspect_add(v, POLICY_LIMIT, STR("limits.new_people"));
	else if (strangers && stranger && s->sender.strangers >= strangers)
		inspect_add(v, POLICY_LIMIT, STR("limits.strangers"));
	else
		return;
	if (o->decision < DECISION_HOLD)
		o->decision = DECISION_HOLD;
}

void opinion_of(const struct policy *p, const struct subject *s, bool link, struct verdict *v, struct opinion *ret)
{
	struct people_pair pair;

	*ret = (struct opinion){ .would_by = STR_NONE };
	if (p->limits.new_people || p->limits.strangers)
		ask_limits(p, s, v, ret);
	if (!(link && p->link_rules.n) && !(s->has_file && p->files.rules.n))
		return;
	pair = people_pair_of(&p->people, s);
	if (link) {
		const struct clause *c = ask(&p->link_rules, pair, of_link, POLICY_LINK, v, ret);

		ret->link = c ? (enum policy_link)c->act : POLICY_LINK_ALLOW;
	}
	if (s->has_file)
		ask(&p->files.rules, pair, of_file, POLICY_FILE, v, ret);
}

enum decision opinion_of_score(const struct policy *p, unsigned score)
{
	if (p->reject && score >= p->reject)
		return DECISION_REJECT;
	if (p->hold && score >= p->hold)
		return DECISION_HOLD;
	if (p->flag && score >= p->flag)
		return DECISION_FLAG;
	return DECISION_DELIVER;
}
