/* inspect.h - findings, verdicts and decisions: what was seen, what it weighs, what is done.
 *
 * Seeing, weighing and acting are three things: inspectors name what they saw; weights.yaml gives
 * it a weight; policy.yaml turns the sum into an action (outbreak/guard.c).
 * Pure: no clock, I/O or globals here or in any file of inspect/.
 */
#ifndef INSPECT_INSPECT_H
#define INSPECT_INSPECT_H

#include "base/str.h"

enum rule {
#define RULE(name, inspector, weight, text) name,
#include "inspect/rules.def"
#undef RULE
	RULE_COUNT
};

#define FINDINGS 16
#define FINDINGS_EACH 4		/* of one rule: twenty numbers say no more than four */
#define EVIDENCE_BYTES 96

struct finding {
	enum rule rule;
	unsigned weight;		/* set by the guard */
	char evidence[EVIDENCE_BYTES];	/* valid UTF-8, cut; defanged hosts, never a body */
};

struct verdict {
	struct finding f[FINDINGS];
	unsigned n;
	bool truncated;			/* there were more: the guard holds the message */
};

enum decision { DECISION_DELIVER, DECISION_FLAG, DECISION_DEFANG, DECISION_HOLD, DECISION_CHALLENGE, DECISION_REJECT,
		DECISION_FREEZE };

void inspect_add(struct verdict *v, enum rule rule, struct str evidence);	/* once a rule and evidence, FINDINGS_EACH a rule */
const char *inspect_rule_name(enum rule rule);
const char *inspect_rule_inspector(enum rule rule);
const char *inspect_rule_text(enum rule rule);
unsigned inspect_rule_weight(enum rule rule);			/* the default */
const char *inspect_decision_name(enum decision d);

#endif
