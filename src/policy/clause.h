/* clause.h - one rule of the company: from whom, to whom, what. A list of them is read from the top; the first that fits decides.
 *
 * A clause with shadow never decides: that it would have is told, so that a rule can be tried on live traffic before it acts.
 *
 * Ownership  Everything lives in the policy's arena. Immutable once read.
 * Threads    Any may read.
 * Limits     CLAUSES a list, CLAUSE_REASON bytes of a reason.
 */
#ifndef POLICY_CLAUSE_H
#define POLICY_CLAUSE_H

#include "policy/people.h"

#define CLAUSES 500
#define CLAUSE_REASON 300

struct clause {
	uint64_t from, to;		/* sets of people; he fits who shares a bit */
	uint64_t except;		/* never between these and anybody */
	uint64_t what;			/* of a list whose rules name things: bits; 0: all of them */
	bool both;			/* the other way round, too */
	bool shadow;
	unsigned act;			/* index of the word */
	unsigned line;			/* where it stands, from 1 */
	struct str name;		/* "links.rules, line 14" */
	struct str reason;		/* a sentence for who meets it; empty: none is given */
};

struct clauses {
	const struct clause *v;
	unsigned n;
};

bool clause_fits(const struct clause *c, struct people_pair p);
/* Of those that name no thing. The first that fits and decides; NULL: none. ret_shadow: the first in front of it that would have; NULL inside: none. */
const struct clause *clause_match(const struct clauses *list, struct people_pair p, const struct clause **ret_shadow);

#endif
