/* lint.c - see lint.h. Sets of people are compared by their bits, and by who is in them. */
#include "policy/lint.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/check.h"
#include "policy/policy_file.h"

#define OF_OUTSIDERS (PEOPLE_STRANGERS | PEOPLE_CONTACTS | PEOPLE_GATEWAYS | PEOPLE_PEERS | PEOPLE_LOW_TRUST | PEOPLE_NORMAL_TRUST | PEOPLE_HIGH_TRUST)
#define CLASSES 256			/* sorts of people that are told apart */

void lint_add(struct lint *l, struct arena *a, unsigned line, const char *fmt, ...)
{
	char text[700];
	va_list ap;

	if (l->n == LINT_NOTES)
		return;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	l->v[l->n].line = line;
	l->v[l->n].text = arena_str(a, str_of(text));
	if (l->v[l->n].text.p)
		l->n++;
}

/* --- every sort of people ----------------------------------------------------------------------------------------- */

struct crowd {
	uint64_t v[CLASSES];
	unsigned n;
	bool more;			/* there were too many sorts to look at: nothing is said about who cannot be reached */
};

static void meet(struct crowd *c, uint64_t who)
{
	for (unsigned i = 0; i < c->n; i++)
		if (c->v[i] == who)
			return;
	if (c->n == CLASSES)
		c->more = true;
	else
		c->v[c->n++] = who;
}

/* Everybody who is named, and those who are not. */
static void gather(const struct policy *p, struct crowd *c)
{
	struct map_iter it = { 0 };
	struct str who;
	void *v;

	*c = (struct crowd){ .n = 0 };
	meet(c, PEOPLE_EVERYBODY | PEOPLE_COLLEAGUES);
	meet(c, PEOPLE_EVERYBODY | PEOPLE_OUTSIDERS | OF_OUTSIDERS);
	while (map_next(p->people.members, &it, &who, &v)) {
		uint64_t bits = people_of(&p->people, who);

		meet(c, bits & PEOPLE_OUTSIDERS ? bits | OF_OUTSIDERS : bits);
	}
}

/* Is whoever 'small' names also named by 'large'? */
static bool covers(const struct crowd *c, uint64_t large, uint64_t small)
{
	if (large & PEOPLE_EVERYBODY)
		return true;
	if (small & PEOPLE_EVERYBODY)
		return false;
	for (unsigned bit = 0; bit < 64; bit++) {
		uint64_t one = 1ull << bit;

		if (!(small & one) || (large & one) || ((one & OF_OUTSIDERS) && (large & PEOPLE_OUTSIDERS)))
			continue;
		if (bit < PEOPLE_FIRST_GROUP)
			return false;
		for (unsigned i = 0; i < c->n; i++)
			if ((c->v[i] & one) && !(c->v[i] & ~OF_OUTSIDERS & large))
				return false;
	}
	return true;
}

static bool covers_clause(const struct crowd *c, const struct clause *first, const struct clause *then)
{
	bool there = covers(c, first->from, then->from) && covers(c, first->to, then->to);
	bool back = covers(c, first->to, then->from) && covers(c, first->from, then->to);

	if (first->what && (!then->what || (then->what & ~first->what)))
		return false;
	if (first->shadow || (first->except & ~then->except))
		return false;
	if (then->both)
		return first->both ? there || back : there && back;
	return there || (first->both && back);
}

/* --- rules ----------------------------------------------------------------------------------------------------------- */

/* A set of which nobody is a member. */
static bool is_empty(const struct policy *p, uint64_t who)
{
	if (who & ((1ull << PEOPLE_FIRST_GROUP) - 1))
		return false;
	for (unsigned i = 0; i < p->people.n; i++)
		if ((who & 1ull << (PEOPLE_FIRST_GROUP + i)) && p->people.v[i].n_members)
			return false;
	return true;
}

static void lint_list(const struct policy *p, const struct crowd *crowd, const struct clauses *list, struct arena *a, struct lint *l)
{
	for (unsigned i = 0; i < list->n; i++) {
		const struct clause *c = &list->v[i];
		uint64_t none = is_empty(p, c->from) ? c->from : is_empty(p, c->to) ? c->to : 0;

		if (none) {
			struct str who = people_text(&p->people, none, a);

			lint_add(l, a, c->line, "%.*s can never apply: nobody is in %.*s", STR_FMT(c->name), STR_FMT(who));
			continue;
		}
		if (covers(crowd, c->except, c->from) || covers(crowd, c->except, c->to))
			lint_add(l, a, c->line, "%.*s can never apply: its exception leaves nobody on one side", STR_FMT(c->name));
		for (unsigned k = 0; k < i; k++) {
			if (!covers_clause(crowd, &list->v[k], c))
				continue;
			lint_add(l, a, c->line, "%.*s can never apply: the rule of line %u decides before it for the same people", STR_FMT(c->name),
				 list->v[k].line);
			break;
		}
	}
}

static uint64_t named(const struct clauses *list)
{
	uint64_t who = 0;

	for (unsigned i = 0; i < list->n; i++)
		who |= list->v[i].from | list->v[i].to | list->v[i].except;
	return who;
}

/* Departments are groups, too, when the first contact between them is ruled. */
static void lint_groups(const struct policy *p, struct arena *a, struct lint *l)
{
	uint64_t who = named(&p->walls) | named(&p->strangers.rules) | named(&p->link_rules) | named(&p->files.rules) | named(&p->encryption.rules);

	for (unsigned i = 0; i < p->people.n; i++) {
		const struct people_group *g = &p->people.v[i];

		if (!g->unnamed && !(who & 1ull << (PEOPLE_FIRST_GROUP + i)) && p->strangers.colleagues == POLICY_ALLOW)
			lint_add(l, a, g->line, "no rule names the group %.*s", STR_FMT(g->name));
	}
}

/* --- files ------------------------------------------------------------------------------------------------------------ */

static bool is_road(unsigned what)
{
	return what >= POLICY_WHAT_JINGLE;
}

static bool cleans(unsigned what)
{
	for (unsigned f = 0; f < FACT_COUNT; f++)
		if ((unsigned)policy_file_what(f) == what && (file_fact_default(f) == FILE_CLEAN || f == FACT_SIGNED))
			return true;
	return is_road(what);
}

/* Uploads are judged before anybody knows who gets them: a receiver can only make it stricter than the keys do. */
static void lint_receiver(const struct policy *p, const struct clause *c, struct arena *a, struct lint *l)
{
	bool milder = false;

	if ((c->to & PEOPLE_EVERYBODY) || (c->both && (c->from & PEOPLE_EVERYBODY)))
		return;
	for (unsigned i = 0; i < POLICY_WHAT_COUNT; i++) {
		if (!(c->what & 1ull << i))
			continue;
		if (is_road(i) || c->act > p->files.act[i] || c->act == FILE_CLEAN)
			return;
		milder |= c->act < p->files.act[i];
	}
	if (milder)
		lint_add(l, a, c->line, "%.*s can never apply: a file is judged at upload, when nobody knows who gets it, and a rule that names a receiver "
			 "cannot make it milder", STR_FMT(c->name));
}

static void lint_files(const struct policy *p, struct arena *a, struct lint *l)
{
	for (unsigned i = 0; i < p->files.rules.n; i++)
		lint_receiver(p, &p->files.rules.v[i], a, l);
	for (unsigned i = 0; i < POLICY_WHAT_COUNT; i++)
		if (p->files.act[i] == FILE_CLEAN && !cleans(i))
			lint_add(l, a, 0, "files.%s: clean means hold, as nothing can be taken out of such a file", policy_file_name((enum policy_what)i));
	if (p->files.act[POLICY_WHAT_MALWARE] == FILE_ALLOW)
		lint_add(l, a, 0, "files.malware: what is known as malware is let through");
	if (p->files.act[POLICY_WHAT_SIGNED] == FILE_ALLOW && p->files.act[POLICY_WHAT_MACROS] > FILE_ALLOW)
		lint_add(l, a, 0, "files.signed: anybody can sign, so macros pass that are signed");
	for (unsigned i = POLICY_WHAT_JINGLE; i <= POLICY_WHAT_SOCKS5 && p->files.direct == POLICY_DIRECT_OFF; i++)
		if (p->files.act[i] != FILE_REFUSE)
			lint_add(l, a, 0, "files.%s can never apply: files.direct is off", policy_file_name((enum policy_what)i));
}

static void lint_numbers(const struct policy *p, struct arena *a, struct lint *l)
{
	if (p->reject && p->hold && p->reject <= p->hold)
		lint_add(l, a, 0, "decisions.hold_at can never apply: from %u on messages are refused", p->reject);
	if (p->flag && p->hold && p->flag == p->hold)
		lint_add(l, a, 0, "decisions.flag_at can never apply: from %u on messages are held", p->hold);
	if (p->limits.strangers && p->limits.new_people && p->limits.strangers >= p->limits.new_people)
		lint_add(l, a, 0, "limits.strangers can never apply: limits.new_people is reached before");
	for (unsigned i = 0; i < p->n_peers; i++) {
		if (str_eq_nocase(p->peers[i].domain, p->people.domain))
			lint_add(l, a, 0, "peers: %.*s is our own domain, and no peer", STR_FMT(p->peers[i].domain));
		for (unsigned k = 0; k < i; k++)
			if (str_eq_nocase(p->peers[i].domain, p->peers[k].domain))
				lint_add(l, a, 0, "peers: %.*s stands there twice; the first counts", STR_FMT(p->peers[i].domain));
	}
}

/* --- who can be reached -------------------------------------------------------------------------------------------------- */

static bool reaches(const struct policy *p, uint64_t from, uint64_t to)
{
	struct people_pair pair = { from, to };
	const struct clause *trial, *c;

	if (clause_match(&p->walls, pair, &trial))
		return false;
	c = clause_match(&p->strangers.rules, pair, &trial);
	if (c)
		return c->act != POLICY_REFUSE;
	if (from & PEOPLE_COLLEAGUES)
		return people_share_group(from, to) || p->strangers.colleagues != POLICY_REFUSE;
	return p->strangers.outsiders != POLICY_REFUSE || p->strangers.gateways != POLICY_REFUSE;
}

static void lint_reach(const struct policy *p, const struct crowd *crowd, struct arena *a, struct lint *l)
{
	for (unsigned to = 0; to < crowd->n && !crowd->more; to++) {
		bool found = false;
		struct str who;

		if (!(crowd->v[to] & PEOPLE_COLLEAGUES))
			continue;
		for (unsigned from = 0; from < crowd->n && !found; from++)
			found = reaches(p, crowd->v[from], crowd->v[to]);
		if (found)
			continue;
		who = people_text(&p->people, crowd->v[to] >> PEOPLE_FIRST_GROUP << PEOPLE_FIRST_GROUP, a);
		lint_add(l, a, 0, "nobody may reach %s%.*s", who.n ? "the members of " : "colleagues of no group", STR_FMT(who));
	}
}

int lint_policy(const struct policy *p, struct arena *a, struct lint *ret)
{
	struct crowd *crowd = arena_alloc(a, sizeof(*crowd));

	if (!crowd)
		return ERR_NOMEM;
	gather(p, crowd);
	ret->n = 0;
	lint_groups(p, a, ret);
	lint_list(p, crowd, &p->walls, a, ret);
	lint_list(p, crowd, &p->strangers.rules, a, ret);
	lint_list(p, crowd, &p->link_rules, a, ret);
	lint_list(p, crowd, &p->files.rules, a, ret);
	lint_list(p, crowd, &p->encryption.rules, a, ret);
	lint_files(p, a, ret);
	lint_numbers(p, a, ret);
	lint_reach(p, crowd, a, ret);
	return 0;
}

int lint_members(const struct policy *p, struct arena *a, struct str **ret, size_t *ret_n)
{
	struct map_iter it = { 0 };
	struct str *v = arena_alloc(a, (map_count(p->people.members) + 1) * sizeof(*v)), who;
	size_t n = 0;
	void *bits;

	if (!v)
		return ERR_NOMEM;
	while (map_next(p->people.members, &it, &who, &bits)) {
		ptrdiff_t at = str_find_char(who, '@');

		if (at > 0 && str_eq(str_cut(who, (size_t)at + 1), p->people.domain))
			v[n++] = who;
	}
	*ret = v;
	*ret_n = n;
	return 0;
}
