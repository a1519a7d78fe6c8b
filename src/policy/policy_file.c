/* policy_file.c - see policy_file.h. */
#include "policy/policy_file.h"

#include <string.h>

#include "base/check.h"

static const char *const names[] = {
#define WHAT(name, key, def, text) [POLICY_WHAT_##name] = key,
#define ROAD WHAT
#define KEYED WHAT
#include "policy/file_what.def"
#undef KEYED
#undef ROAD
#undef WHAT
};

_Static_assert(POLICY_WHAT_COUNT <= 64, "what a rule names is one word");

const char *policy_file_name(enum policy_what what)
{
	CHECK((unsigned)what < POLICY_WHAT_COUNT);
	return names[what];
}

enum policy_what policy_file_what(unsigned fact)
{
	unsigned i = 0;

	while (i < POLICY_WHAT_COUNT && strcmp(names[i], file_fact_key(fact)) != 0)
		i++;
	CHECK(i < POLICY_WHAT_COUNT);
	return (enum policy_what)i;
}

struct people_pair policy_file_sender(const struct policy *p, struct str bare)
{
	return (struct people_pair){ .from = people_of(&p->people, bare), .to = PEOPLE_EVERYBODY };
}

/* --- one thing, one list ---------------------------------------------------------------------------------------------- */

#define ANY (~0u)		/* the file itself, whatever is in it */

struct answer {
	enum file_action act;
	const struct clause *by, *trial;
};

/* Who gets it is not known, and may be one of those who are excepted: the milder of the rule and of what follows counts; that the rule
 * would be stricter shows when the message comes. */
static bool open_end(const struct clause *c, struct people_pair pair)
{
	return pair.to == PEOPLE_EVERYBODY && c->except;
}

static struct answer ask(const struct policy *p, struct people_pair pair, unsigned what, enum file_action otherwise)
{
	struct answer best = { .act = FILE_REFUSE }, ret = { .act = otherwise };
	bool open = false;

	for (unsigned i = 0; i < p->files.rules.n; i++) {
		const struct clause *c = &p->files.rules.v[i];

		if ((c->what && (what == ANY || !(c->what & 1ull << what))) || !clause_fits(c, pair))
			continue;
		if (c->shadow) {
			best.trial = best.trial ? best.trial : c;
			continue;
		}
		ret.act = (enum file_action)c->act;
		ret.by = c;
		if (!open_end(c, pair))
			break;
		if (!open || ret.act < best.act) {
			best.act = ret.act;
			best.by = c;
		}
		open = true;
		ret.act = otherwise;
		ret.by = NULL;
	}
	ret.trial = best.trial;
	if (open && best.act <= ret.act) {
		ret.act = best.act;
		ret.by = best.by;
	}
	return ret;
}

static enum file_action of_key(const struct policy *p, enum policy_what what)
{
	bool direct = what == POLICY_WHAT_JINGLE || what == POLICY_WHAT_SI || what == POLICY_WHAT_IBB || what == POLICY_WHAT_SOCKS5;

	if (direct && p->files.direct != POLICY_DIRECT_EACH)
		return p->files.direct == POLICY_DIRECT_ON ? FILE_ALLOW : FILE_REFUSE;
	return (enum file_action)p->files.act[what];
}

/* What nothing can take out is held where the rule says clean. */
static struct answer of_fact(const struct policy *p, struct people_pair pair, unsigned fact)
{
	enum policy_what what = policy_file_what(fact);
	struct answer r = ask(p, pair, what, of_key(p, what));

	if (r.act == FILE_CLEAN && file_fact_default(fact) > FILE_CLEAN)
		r.act = FILE_HOLD;
	return r;
}

/* --- a file -------------------------------------------------------------------------------------------------------------- */

static void note_trial(struct policy_file_view *v, const struct clause *trial)
{
	if (trial && (enum file_action)trial->act > v->would) {
		v->would = (enum file_action)trial->act;
		v->would_by = trial;
	}
}

static void take(struct policy_file_view *v, const struct answer *r, unsigned fact)
{
	note_trial(v, r->trial);
	if (r->act > v->act || (r->act == v->act && v->fact == FACT_COUNT && r->act > FILE_ALLOW)) {
		v->act = r->act;
		v->fact = fact;
		v->by = r->by;
	}
}

static uint64_t of_metadata(void)
{
	uint64_t set = 0;

	for (unsigned f = 0; f < FACT_COUNT; f++)
		set |= policy_file_what(f) == POLICY_WHAT_METADATA ? FACT_BIT(f) : 0;
	return set;
}

/* Cleaning breaks a signature: metadata alone is not worth it, and what else becomes of it the policy says. */
static void heed_signature(const struct policy *p, struct people_pair pair, struct policy_file_view *v)
{
	struct answer r = of_fact(p, pair, FACT_SIGNED);

	if (v->act != FILE_CLEAN)
		return;
	if (!(v->clean & ~of_metadata()) || r.act == FILE_ALLOW) {
		v->act = FILE_ALLOW;
		v->clean = 0;
		v->by = r.by;
	} else if (r.act > FILE_CLEAN) {
		v->act = r.act;
		v->fact = FACT_SIGNED;
		v->by = r.by;
	}
}

/* What should have been taken out and is still there. */
static void heed_remains(const struct policy *p, struct people_pair pair, uint64_t removed, struct policy_file_view *v)
{
	uint64_t remains = v->clean & ~removed & ~of_metadata();

	if (v->act != FILE_CLEAN)
		return;
	for (unsigned f = 0; remains && f < FACT_COUNT; f++)
		if (remains & FACT_BIT(f)) {
			v->act = FILE_HOLD;
			v->fact = f;
			v->by = of_fact(p, pair, f).by;
			return;
		}
	v->clean &= removed;
	if (!v->clean)
		v->act = FILE_ALLOW;
}

void policy_file_of(const struct policy *p, struct people_pair pair, uint64_t facts, uint64_t removed, struct policy_file_view *ret)
{
	struct answer r;

	*ret = (struct policy_file_view){ .fact = FACT_COUNT };
	for (unsigned f = 0; f < FACT_COUNT; f++) {
	
		if (!(facts & FACT_BIT(f)) || f == FACT_SIGNED)
			continue;
		r = of_fact(p, pair, f);
		if (r.act == FILE_CLEAN)
			ret->clean |= FACT_BIT(f);
		take(ret, &r, f);
	}
	if (!(facts & ~FACT_BIT(FACT_SIGNED))) {
		r = ask(p, pair, ANY, FILE_ALLOW);
		take(ret, &r, FACT_COUNT);
		if (ret->act == FILE_CLEAN)
			ret->act = FILE_ALLOW;		/* nothing is in it that could be taken out */
	}
	if (facts & FACT_BIT(FACT_SIGNED))
		heed_signature(p, pair, ret);
	heed_remains(p, pair, removed, ret);
	if (ret->would <= ret->act) {
		ret->would = ret->act;
		ret->would_by = NULL;
	}
}

uint64_t policy_file_cleans(const struct policy *p, struct people_pair pair)
{
	uint64_t set = 0;

	for (unsigned f = 0; f < FACT_COUNT; f++)
		if (f != FACT_SIGNED && of_fact(p, pair, f).act == FILE_CLEAN)
			set |= FACT_BIT(f);
	return set;
}

static void between(const struct policy *p, struct people_pair pair, uint64_t facts, struct policy_file_view *ret)
{
	struct policy_file_view before;

	policy_file_of(p, (struct people_pair){ pair.from, PEOPLE_EVERYBODY }, facts, 0, &before);
	policy_file_of(p, pair, facts, 0, ret);
	if (ret->would_by && ret->would <= before.act) {
		ret->would = ret->act;
		ret->would_by = NULL;
	}
	if (ret->act > before.act)
		return;
	ret->act = FILE_ALLOW;
	ret->fact = FACT_COUNT;
	ret->by = NULL;
}

void policy_file_between(const struct policy *p, struct people_pair pair, uint64_t facts, struct policy_file_view *ret)
{
	struct policy_file_view within;

	between(p, pair, facts, ret);
	if (!(facts & FACT_BIT(FACT_CIPHERTEXT)) || facts == FACT_BIT(FACT_CIPHERTEXT))
		return;
	/* It was looked into with its sender's key: that it is encrypted does not hide what is within from the rules. */
	between(p, pair, facts & ~FACT_BIT(FACT_CIPHERTEXT), &within);
	if (within.act > ret->act)
		*ret = within;
}

void policy_file_road(const struct policy *p, struct people_pair pair, enum policy_what road, struct policy_file_view *ret)
{
	struct answer r = ask(p, pair, road, of_key(p, road));

	*ret = (struct policy_file_view){ .act = r.act, .fact = FACT_COUNT, .by = r.by };
	note_trial(ret, r.trial);
	if (ret->would <= ret->act) {
		ret->would = ret->act;
		ret->would_by = NULL;
	}
}

bool policy_file_asks_key(const struct policy *p, struct people_pair pair, uint64_t facts)
{
	struct policy_file_view v;

	policy_file_of(p, pair, facts, 0, &v);
	return p->files.ask_key && facts == FACT_BIT(FACT_CIPHERTEXT) && v.act == FILE_HOLD && v.fact == FACT_CIPHERTEXT && !v.by;
}

struct str policy_file_by(const struct policy_file_view *v, struct arena *a)
{
	struct str name = STR_NONE;

	if (v->by)
		return v->by->name;
	if (v->fact < FACT_COUNT)
		name = arena_printf(a, "files.%s", names[policy_file_what(v->fact)]);
	return name.p ? name : STR_NONE;
}
