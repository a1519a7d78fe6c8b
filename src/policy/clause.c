/* clause.c - see clause.h. */
#include "policy/clause.h"

bool clause_fits(const struct clause *c, struct people_pair p)
{
	if (c->except & (p.from | p.to))
		return false;
	return ((c->from & p.from) && (c->to & p.to)) || (c->both && (c->from & p.to) && (c->to & p.from));
}

const struct clause *clause_match(const struct clauses *list, struct people_pair p, const struct clause **ret_shadow)
{
	*ret_shadow = NULL;
	for (unsigned i = 0; i < list->n; i++) {
		const struct clause *c = &list->v[i];

		if (c->what || !clause_fits(c, p))
			continue;
		if (!c->shadow)
			return c;
		if (!*ret_shadow)
			*ret_shadow = c;
	}
	return NULL;
}
