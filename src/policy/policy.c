/* policy.c - see policy.h. What is read, and the files of a new instance; the keys are in schema.c. */
#include "policy/policy.h"

#include <stdlib.h>

#include "base/check.h"
#include "inspect/spim.h"
#include "policy/feed_file.h"
#include "policy/schema.h"

#define ARENA_BYTES (32 * 1024 * 1024)
#define TEXT_BYTES (256 * 1024)

/* Two plain hashes under constant keys: which files it was read from, not a proof of anything. */
static void digest(struct policy *p, struct str text)
{
	static const uint64_t key[2] = { 0x77617264726f6f6d, 0x706f6c696379 };
	uint64_t before = strtoull(p->digest, NULL, 16);

	snprintf(p->digest, sizeof(p->digest), "%016llx", (unsigned long long)(map_hash(key, text) ^ (before << 7 | before >> 57)));
}

/* "{weight: 40, reason: ...}": the reason is for who reads the file, and has to be there in this form. */
static int reasoned_weight(struct schema_reader *r, const yaml_node_t *v, unsigned *ret)
{
	bool weight = false, reason = false;

	for (const yaml_node_pair_t *p = v->data.mapping.pairs.start; p < v->data.mapping.pairs.top; p++) {
		const yaml_node_t *k = schema_node(r, p->key), *n = schema_node(r, p->value);
		int e;

		if (str_is(schema_text(k), "weight") && !weight) {
			weight = true;
			e = schema_number(r, n, 0, 10000, ret);
			if (e < 0)
				return e;
		} else if (str_is(schema_text(k), "reason") && !reason) {
			reason = true;
			if (schema_text(n).n == 0 || schema_text(n).n > CLAUSE_REASON)
				return schema_wrong(r, n, "a sentence of at most 300 bytes");
		} else {
			return schema_wrong(r, k, "weight or reason, once each");
		}
	}
	return weight && reason ? 0 : schema_wrong(r, v, "a number, or {weight: NUMBER, reason: WHY}");
}

static int weight_pair(struct schema_reader *r, const yaml_node_t *k, const yaml_node_t *v)
{
	const char *names[RULE_COUNT];
	struct str near;

	for (unsigned i = 0; i < RULE_COUNT; i++) {
		names[i] = inspect_rule_name((enum rule)i);
		if (str_is(schema_text(k), names[i]))
			return v->type == YAML_MAPPING_NODE ? reasoned_weight(r, v, &r->p->weights[i]) :
			       schema_number(r, v, 0, 10000, &r->p->weights[i]);
	}
	near = schema_nearest(schema_text(k), names, RULE_COUNT);
	if (near.n) {
		struct str what = arena_printf(r->a, "the name of a rule (did you mean '%.*s'?)", STR_FMT(near));

		if (what.p)
			return schema_wrong(r, k, what.p);
	}
	return schema_wrong(r, k, "the name of a rule; `wardroom policy show --weights` lists them");
}

/* What no single key can say. */
static int fits_together(struct schema_reader *r)
{
	struct policy *p = r->p;

	if (p->hold && p->flag > p->hold) {
		*r->why = arena_printf(r->a, "%s: expected flag_at to be no more than hold_at, found %u and %u", r->name, p->flag, p->hold);
		return ERR_BAD_FORMAT;
	}
	for (unsigned i = 0; i < p->walls.n; i++)
		if (p->walls.v[i].from & p->walls.v[i].to) {
			*r->why = arena_printf(r->a, "%s:%u: expected a wall between different groups, found the same on both sides", r->name,
					       p->walls.v[i].line);
			return ERR_BAD_FORMAT;
		}
	return 0;
}

static bool is_own(const struct policy *p, struct str domain)
{
	struct str own = p->people.domain;

	return str_ends(domain, own) && (domain.n == own.n || domain.p[domain.n - own.n - 1] == '.');
}

/* Partners are imitated as brands are: whom policy names as a peer and does not distrust. */
static int add_partners(struct policy *p)
{
	struct lookalike_name *v = arena_alloc(p->arena, (p->links.n_brands + p->n_peers + 1) * sizeof(*v));
	size_t n = p->links.n_brands;

	if (!v)
		return ERR_NOMEM;
	if (n)
		memcpy(v, p->links.brands, n * sizeof(*v));
	for (unsigned i = 0; i < p->n_peers; i++)
		if (p->peers[i].trust != TRUST_LOW && !is_own(p, p->peers[i].domain))
			lookalike_init(&v[n++], p->peers[i].domain);
	p->links.brands = v;
	p->links.n_brands = n;
	return 0;
}

int policy_parse(struct str text, const char *name, const char *domain, struct arena *a, struct policy **ret, struct str *ret_why)
{
	struct policy *p = calloc(1, sizeof(*p));
	struct schema_reader r = { .p = p, .name = name, .a = a, .why = ret_why };
	int e = ERR_NOMEM;

	*ret_why = STR("out of memory");
	if (!p)
		return e;
	p->arena = arena_new(ARENA_BYTES);
	if (p->arena)
		e = people_init(&p->people, p->arena, domain);
	for (unsigned i = 0; i < RULE_COUNT; i++)
		p->weights[i] = inspect_rule_weight((enum rule)i);
	if (e == 0)
		e = schema_defaults(p);
	if (e == 0)
		e = schema_read(&r, text);
	if (e == 0)
		e = fits_together(&r);
	if (e == 0)
		e = add_partners(p);
	if (e < 0) {
		policy_free(&p);
		return e;
	}
	p->text = arena_str(p->arena, text);
	p->weights_text = STR_NONE;
	if (!p->text.p) {
		policy_free(&p);
		return ERR_NOMEM;
	}
	digest(p, text);
	*ret = p;
	return 0;
}

int policy_weights(struct policy *p, struct str text, const char *name, struct arena *a, struct str *ret_why)
{
	struct schema_reader r = { .p = p, .name = name, .a = a, .why = ret_why };

	*ret_why = STR("out of memory");
	digest(p, text);
	p->weights_text = arena_str(p->arena, text);
	if (!p->weights_text.p)
		return ERR_NOMEM;
	return schema_pairs(&r, text, weight_pair);
}

int policy_spim(struct policy *p, struct str model)
{
	struct spim *m = NULL;
	char *copy;
	int r;

	if (model.n == 0)
		return 0;
	r = spim_new(model, &m);
	spim_free(&m);
	copy = r == 0 ? malloc(model.n) : NULL;
	if (!copy)
		return r < 0 ? r : ERR_NOMEM;
	memcpy(copy, model.p, model.n);
	free((void *)(uintptr_t)p->spim_model.p);
	p->spim_model = str_make(copy, model.n);
	return 0;
}

int policy_deny(struct policy *p, struct str text)
{
	map_free(&p->denied);
	p->denied = map_new(POLICY_DENIED);
	if (!p->denied)
		return ERR_NOMEM;
	p->links.denied = p->denied;
	while (!str_empty(text)) {
		ptrdiff_t end = str_find_char(text, '\n');
		struct str line = str_trim(end < 0 ? text : str_make(text.p, (size_t)end));
		int r;

		text = end < 0 ? STR_NONE : str_cut(text, (size_t)end + 1);
		if (str_empty(line) || line.p[0] == '#' || line.n > 500)
			continue;
		r = map_put(p->denied, line, p);
		if (r < 0)
			return r;
	}
	return 0;
}

void policy_free(struct policy **p)
{
	if (!*p)
		return;
	policy_free(&(*p)->trial);
	feed_file_close(*p);
	map_free(&(*p)->denied);
	free((void *)(uintptr_t)(*p)->spim_model.p);
	people_release(&(*p)->people);
	arena_free(&(*p)->arena);
	free(*p);
	*p = NULL;
}

/* --- what others ask ------------------------------------------------------------------------------------------------ */

bool policy_trust(const struct policy *p, struct str domain, enum subject_trust *ret)
{
	for (unsigned i = 0; i < p->n_peers; i++)
		if (str_eq_nocase(p->peers[i].domain, domain)) {
			*ret = p->peers[i].trust;
			return true;
		}
	return false;
}

const struct clause *policy_wall(const struct policy *p, struct str a, struct str b)
{
	const struct clause *shadow;

	if (p->walls.n == 0)
		return NULL;
	return clause_match(&p->walls, (struct people_pair){ people_of(&p->people, a), people_of(&p->people, b) }, &shadow);
}

enum policy_contact policy_contact_of(const struct policy *p, const struct subject *s, const struct clause **ret_by)
{
	struct people_pair pair = people_pair_of(&p->people, s);
	const struct clause *shadow;

	*ret_by = clause_match(&p->strangers.rules, pair, &shadow);
	if (*ret_by)
		return (enum policy_contact)(*ret_by)->act;
	if (pair.from & PEOPLE_COLLEAGUES)
		return people_share_group(pair.from, pair.to) ? POLICY_ALLOW : (enum policy_contact)p->strangers.colleagues;
	return (enum policy_contact)(pair.from & PEOPLE_GATEWAYS ? p->strangers.gateways : p->strangers.outsiders);
}

/* --- files and documents ------------------------------------------------------------------------------------------------ */

static void comment(struct buf *b, const char *indent, const char *text, const char *before)
{
	while (*text) {
		size_t n = strcspn(text, "\n");

		buf_printf(b, "%s# %s%.*s\n", indent, before, (int)n, text);
		text += n + (text[n] == '\n');
	}
}

static void print_key(struct buf *b, const struct schema_key *k)
{
	const char *indent = *k->section ? "  " : "";

	comment(b, indent, k->help, "");
	if (k->example)
		comment(b, indent, k->example, "  ");
	if (k->def) {
		buf_printf(b, "%s%s: %s\n", indent, k->name, k->def);
		return;
	}
	buf_printf(b, "%s%s:\n", indent, k->name);
	for (size_t i = 0; k->list[i]; i++)
		buf_printf(b, "%s  - %s\n", indent, k->list[i]);
}

struct str policy_default_text(struct arena *a)
{
	struct buf b;
	struct str s;

	buf_init(&b, TEXT_BYTES);
	buf_printf(&b, "# policy.yaml - what is allowed. `wardroom policy check FILE` reads it, `wardroom policy apply FILE` puts it in force.\n");
	for (size_t i = 0; i < schema_section_count; i++) {
		const char *section = schema_sections[i].name;
		bool first = true;

		for (size_t k = 0; k < schema_key_count; k++) {
			const struct schema_key *key = &schema_keys[k];
			bool own = !*key->section && strcmp(key->name, section) == 0;

			if (!own && strcmp(key->section, section) != 0)
				continue;
			if (first) {
				buf_char(&b, '\n');
				comment(&b, "", schema_sections[i].help, "");
			}
			if (first && !own)
				buf_printf(&b, "%s:\n", section);
			first = false;
			print_key(&b, key);
		}
	}
	s = b.failed ? (struct str){ 0 } : arena_str(a, buf_str(&b));
	buf_release(&b);
	return s;
}

struct str policy_default_weights(struct arena *a)
{
	struct buf b;
	struct str s;

	buf_init(&b, TEXT_BYTES);
	buf_printf(&b, "# weights.yaml - what each finding weighs; policy.yaml says from which sum on something is done.\n"
		   "# Say why you change one: LINK_PORT: {weight: off, reason: our supplier's portal is on port 8443}\n");
	for (unsigned i = 0; i < RULE_COUNT; i++) {
		unsigned weight = inspect_rule_weight((enum rule)i);

		buf_printf(&b, "\n# %s: %s\n", inspect_rule_inspector((enum rule)i), inspect_rule_text((enum rule)i));
		buf_printf(&b, weight ? "%s: %u\n" : "%s: off\n", inspect_rule_name((enum rule)i), weight);
	}
	s = b.failed ? (struct str){ 0 } : arena_str(a, buf_str(&b));
	buf_release(&b);
	return s;
}

static const char *type_text(const struct schema_key *k)
{
	switch (k->type) {
	case SCHEMA_NUMBER:
		return "number";
	case SCHEMA_DURATION:
		return "time";
	case SCHEMA_SWITCH:
		return "on, off";
	case SCHEMA_WORD:
		return "word";
	case SCHEMA_WORDS:
		return "words";
	case SCHEMA_SITES:
		return "sites";
	case SCHEMA_PHRASES:
		return "texts";
	case SCHEMA_TEXT:
		return "text";
	case SCHEMA_FILE:
		return "file";
	case SCHEMA_CLAUSES:
		return "rules";
	case SCHEMA_OTHER:
		return "list";
	}
	return "";
}

static void describe(struct buf *b, const struct schema_key *k)
{
	bool clauses = k->type == SCHEMA_CLAUSES;

	buf_printf(b, "| `%s%s%s` | %s", k->section, *k->section ? "." : "", k->name, type_text(k));
	if (k->type == SCHEMA_NUMBER || k->type == SCHEMA_DURATION)
		if (k->type == SCHEMA_NUMBER)
			buf_printf(b, ", %llu to %llu%s", (unsigned long long)(k->min ? k->min : 1), (unsigned long long)k->max, k->min ? "" : ", or off");
	for (unsigned i = 0; k->words && k->words[i]; i++)
		buf_printf(b, "%s%s", i ? ", " : clauses ? "; " : ": ", k->words[i]);
	buf_printf(b, " | ");
	if (k->def && *k->def && k->type != SCHEMA_TEXT)
		buf_printf(b, "`%s`", k->def);
	else
		buf_printf(b, "%s", k->list ? "a list" : "a sentence");
	buf_printf(b, " | ");
	for (const char *p = k->help; *p; p++)
		buf_char(b, *p == '\n' ? ' ' : *p);
	if (k->was)
		buf_printf(b, " Also as `%s` at the top.", k->was);
	buf_printf(b, " |\n");
}

struct str policy_document(struct arena *a)
{
	struct buf b;
	struct str s;

	buf_init(&b, TEXT_BYTES);
	buf_printf(&b, "| key | value | default | meaning |\n|---|---|---|---|\n");
	for (size_t k = 0; k < schema_key_count; k++)
		describe(&b, &schema_keys[k]);
	buf_printf(&b, "\n| finding | inspector | weight | what it means |\n|---|---|---|---|\n");
	for (unsigned i = 0; i < RULE_COUNT; i++) {
		unsigned weight = inspect_rule_weight((enum rule)i);

		buf_printf(&b, "| `%s` | %s | ", inspect_rule_name((enum rule)i), inspect_rule_inspector((enum rule)i));
		buf_printf(&b, weight ? "%u" : "off", weight);
		buf_printf(&b, " | %s |\n", inspect_rule_text((enum rule)i));
	}
	s = b.failed ? (struct str){ 0 } : arena_str(a, buf_str(&b));
	buf_release(&b);
	return s;
}
