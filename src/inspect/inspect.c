#include "inspect/inspect.h"

#include "base/check.h"

static const struct {
	const char *name, *inspector, *text;
	unsigned weight;
} rules[] = {
#define RULE(name, inspector, weight, text) { #name, inspector, text, weight },
#include "inspect/rules.def"
#undef RULE
};

static const char *const decisions[] = { "deliver", "flag", "defang", "hold", "challenge", "reject", "freeze" };

void inspect_add(struct verdict *v, enum rule rule, struct str evidence)
{
	struct finding *f;
	unsigned same = 0;
	size_t n = evidence.n < EVIDENCE_BYTES - 1 ? evidence.n : EVIDENCE_BYTES - 1;

	while (n > 0 && n < evidence.n && ((uint8_t)evidence.p[n] & 0xc0) == 0x80)
		n--;		/* not in the middle of a character */
	for (unsigned i = 0; i < v->n; i++) {
		if (v->f[i].rule != rule)
			continue;
		if (++same == FINDINGS_EACH || (strlen(v->f[i].evidence) == n && memcmp(v->f[i].evidence, evidence.p, n) == 0))
			return;
	}
	if (v->n == FINDINGS) {
		v->truncated = true;
		return;
	}
	f = &v->f[v->n++];
	f->rule = rule;
	f->weight = 0;
	memcpy(f->evidence, evidence.p, n);
	f->evidence[n] = 0;
}

const char *inspect_rule_name(enum rule rule) { return rules[rule].name; }
const char *inspect_rule_inspector(enum rule rule) { return rules[rule].inspector; }
const char *inspect_rule_text(enum rule rule) { return rules[rule].text; }
unsigned inspect_rule_weight(enum rule rule) { return rules[rule].weight; }

const char *inspect_decision_name(enum decision d)
{
	CHECK((unsigned)d < ARRAY_SIZE(decisions));
	return decisions[d];
}
