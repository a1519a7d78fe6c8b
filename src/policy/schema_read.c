/* schema_read.c - walks one YAML document along the table of schema.c; every mistake is named with its place.
 *
 * The document is read as a tree of nodes that know their line and column. Anchors, aliases and tags are refused before:
 * what they mean is too easily misread by who signs the policy.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/check.h"
#include "base/utf8.h"
#include "policy/schema.h"

#define SHOWN_BYTES 60
#define NAMES_MOST 128			/* that a wrong name is compared with */
#define NAME_BYTES 64
#define KEYS_MOST 256
#define SECTIONS_MOST 32

static const struct { char unit; uint64_t ms; } units[] = { { 's', 1000 }, { 'm', 60000 }, { 'h', 3600000 }, { 'd', 86400000 } };

/* --- nodes and mistakes --------------------------------------------------------------------------------------- */

struct str schema_text(const yaml_node_t *n)
{
	return n->type == YAML_SCALAR_NODE ? str_make((const char *)n->data.scalar.value, n->data.scalar.length) : STR_NONE;
}

yaml_node_t *schema_node(struct schema_reader *r, int index)
{
	return yaml_document_get_node(&r->doc, index);
}

/* Nothing of a file that somebody else wrote turns a line of the terminal around. */
static struct str shown(struct schema_reader *r, struct str text)
{
	struct buf b;
	struct str s;

	buf_init(&b, 1024);
	for (size_t at = 0; at < text.n;) {
		size_t from = at;
		uint32_t cp = utf8_next(text, &at);

		if (b.n > SHOWN_BYTES) {
			buf_str_add(&b, STR("..."));
			break;
		}
		if (cp < 0x20 || (cp >= 0x7f && cp < 0xa0) || (cp >= 0x200b && cp <= 0x200f) || (cp >= 0x2028 && cp <= 0x202e) ||
		    (cp >= 0x2060 && cp <= 0x206f) || cp == 0xfeff || cp == 0xfffd || cp == 0xad)
			buf_printf(&b, "\\x%X", cp);
		else
			buf_add(&b, text.p + from, at - from);
	}
	s = arena_str(r->a, buf_str(&b));
	buf_release(&b);
	return s.p ? s : STR_NONE;
}

int schema_wrong(struct schema_reader *r, const yaml_node_t *n, const char *expected)
{
	struct str found = n->type == YAML_SCALAR_NODE ? shown(r, schema_text(n)) :
			   n->type == YAML_SEQUENCE_NODE ? STR("a list") : STR("a section");

	*r->why = arena_printf(r->a, "%s:%zu:%zu: expected %s, found '%.*s'", r->name, n->start_mark.line + 1, n->start_mark.column + 1,
			       expected, STR_FMT(found));
	return ERR_BAD_FORMAT;
}

/* "what (did you mean 'near'?)" */
static int wrong_name(struct schema_reader *r, const yaml_node_t *n, const char *what, const char *const *names, size_t count)
{
	struct str near = schema_nearest(schema_text(n), names, count), text = arena_str(r->a, str_of(what));

	if (near.n)
		text = arena_printf(r->a, "%s (did you mean '%.*s'?)", what, STR_FMT(near));
	return schema_wrong(r, n, text.p ? text.p : what);
}

/* How many letters must change (Levenshtein); one row of the table at a time. */
static size_t distance(struct str a, struct str b)
{
	size_t row[NAME_BYTES + 1];

	for (size_t j = 0; j <= b.n; j++)
		row[j] = j;
	for (size_t i = 1; i <= a.n; i++) {
		size_t corner = row[0];

		row[0] = i;
		for (size_t j = 1; j <= b.n; j++) {
			size_t best = corner + (a.p[i - 1] != b.p[j - 1]);

			corner = row[j];
			best = row[j] + 1 < best ? row[j] + 1 : best;
			row[j] = row[j - 1] + 1 < best ? row[j - 1] + 1 : best;
		}
	}
	return row[b.n];
}

struct str schema_nearest(struct str wrong, const char *const *names, size_t n)
{
	size_t best = wrong.n / 3 + 1;
	struct str near = STR_NONE;

	for (size_t i = 0; wrong.n && wrong.n <= NAME_BYTES && i < n && names[i]; i++) {
		struct str name = str_of(names[i]);
		size_t d = name.n <= NAME_BYTES ? distance(wrong, name) : best + 1;

		if (d <= best && (near.n == 0 || d < best)) {
			best = d;
			near = name;
		}
	}
	return near;
}

/* --- values ------------------------------------------------------------------------------------------------------ */

int schema_number(struct schema_reader *r, const yaml_node_t *n, uint64_t min, uint64_t max, unsigned *ret)
{
	char expected[80];
	uint64_t v;

	if (str_is(schema_text(n), "off") && min == 0) {
		*ret = 0;
		return 0;
	}
	snprintf(expected, sizeof(expected), "a whole number from %llu to %llu%s", (unsigned long long)(min ? min : 1),
		 (unsigned long long)max, min ? "" : ", or 'off'");
	if (!str_to_u64(schema_text(n), max, &v) || v < min || v == 0)
		return schema_wrong(r, n, expected);
	*ret = (unsigned)v;
	return 0;
}

static int read_duration(struct schema_reader *r, const yaml_node_t *n, const struct schema_key *k, uint64_t *ret)
{
	struct str t = schema_text(n);
	char expected[100];
	uint64_t v;

	if (str_is(t, "off") && k->min == 0) {
		*ret = 0;
		return 0;
	}
	for (size_t i = 0; t.n > 1 && i < ARRAY_SIZE(units); i++)
		if (t.p[t.n - 1] == units[i].unit && str_to_u64(str_make(t.p, t.n - 1), k->max / units[i].ms, &v) && v > 0) {
			*ret = v * units[i].ms;
			return 0;
		}
	snprintf(expected, sizeof(expected), "a duration such as 90s, 10m, 24h or 7d, of %llu days at most%s",
		 (unsigned long long)(k->max / 86400000), k->min ? "" : ", or 'off'");
	return schema_wrong(r, n, expected);
}

static int read_switch(struct schema_reader *r, const yaml_node_t *n, bool *ret)
{
	static const char *const yes[] = { "on", "true", "yes" }, *const no[] = { "off", "false", "no" };

	for (size_t i = 0; i < ARRAY_SIZE(yes); i++)
		if (str_is(schema_text(n), yes[i]) || str_is(schema_text(n), no[i])) {
			*ret = str_is(schema_text(n), yes[i]);
			return 0;
		}
	return schema_wrong(r, n, "on or off");
}

static int read_word(struct schema_reader *r, const yaml_node_t *n, const struct schema_key *k, unsigned *ret)
{
	struct buf b;
	struct str expected;
	int e;

	for (unsigned i = 0; k->words[i]; i++)
		if (str_is(schema_text(n), k->words[i])) {
			*ret = i;
			return 0;
		}
	buf_init(&b, 1024);
	buf_str_add(&b, STR("one of"));
	for (unsigned i = 0; k->words[i]; i++)
		buf_printf(&b, "%s %s", i ? "," : "", k->words[i]);
	expected = arena_str(r->a, buf_str(&b));
	buf_release(&b);
	e = schema_wrong(r, n, expected.p ? expected.p : "another word");
	return e;
}

/* A list, or a single scalar where one stands for a list of one. */
static int items_of(struct schema_reader *r, const yaml_node_t *n, const char *expected, size_t *ret_n)
{
	*ret_n = 0;
	if (n->type != YAML_SEQUENCE_NODE)
		return schema_wrong(r, n, expected);
	*ret_n = (size_t)(n->data.sequence.items.top - n->data.sequence.items.start);
	return *ret_n > SCHEMA_LIST ? schema_wrong(r, n, "at most 1000 items") : 0;
}

static const yaml_node_t *item(struct schema_reader *r, const yaml_node_t *list, size_t i)
{
	return schema_node(r, list->data.sequence.items.start[i]);
}

static int read_words(struct schema_reader *r, const yaml_node_t *n, const struct schema_key *k, unsigned *ret)
{
	size_t count;
	int e = items_of(r, n, "a list of words in brackets", &count);

	*ret = 0;
	for (size_t i = 0; e == 0 && i < count; i++) {
		unsigned word;

		e = read_word(r, item(r, n, i), k, &word);
		if (e == 0)
			*ret |= 1u << word;
	}
	return e;
}

static bool is_site(struct str s)
{
	return s.n >= 3 && s.n <= 253 && str_find_char(s, '.') > 0 && str_find_char(s, '/') < 0;
}

static int read_list(struct schema_reader *r, const yaml_node_t *n, const struct schema_key *k, const struct str **ret, size_t *ret_n)
{
	bool sites = k->type == SCHEMA_SITES;
	size_t count;
	struct str *v;
	int e = items_of(r, n, sites ? "a list of names such as [example.org]" : "a list of texts in brackets", &count);

	if (e < 0)
		return e;
	v = arena_alloc(r->p->arena, (count + 1) * sizeof(*v));
	if (!v)
		return ERR_NOMEM;
	for (size_t i = 0; i < count; i++) {
		struct str t = schema_text(item(r, n, i));
		char *copy;

		if (sites && !is_site(t))
			return schema_wrong(r, item(r, n, i), "the name of a site such as example.org");
		if (!sites && (t.n == 0 || t.n > k->max || !utf8_valid(t)))
			return schema_wrong(r, item(r, n, i), "a text that is not too long");
		copy = arena_dup(r->p->arena, t.p, t.n);
		if (!copy)
			return ERR_NOMEM;
		for (char *c = copy; sites && *c; c++)
			*c = *c >= 'A' && *c <= 'Z' ? (char)(*c + 32) : *c;
		v[i] = str_make(copy, t.n);
	}
	*ret = v;
	*ret_n = count;
	return 0;
}

static bool is_line(struct str t)
{
	for (size_t i = 0; i < t.n; i++)
		if ((unsigned char)t.p[i] < 0x20 || t.p[i] == 0x7f)
			return false;
	return utf8_valid(t);
}

static int read_text(struct schema_reader *r, const yaml_node_t *n, const struct schema_key *k, struct str *ret)
{
	struct str t = schema_text(n);
	char expected[80];

	if (k->type == SCHEMA_FILE && (t.n > 255 || str_find_char(t, '/') >= 0 || str_empty(t) || t.p[0] == '.'))
		return schema_wrong(r, n, "the name of a file beside policy.yaml");
	snprintf(expected, sizeof(expected), "one line of at most %llu bytes", (unsigned long long)k->max);
	if (n->type != YAML_SCALAR_NODE || (k->type == SCHEMA_TEXT && t.n > k->max) || !is_line(t))
		return schema_wrong(r, n, expected);
	*ret = arena_str(r->p->arena, t);
	return ret->p ? 0 : ERR_NOMEM;
}

/* --- people and clauses --------------------------------------------------------------------------------------------- */

static int unknown_people(struct schema_reader *r, const yaml_node_t *n)
{
	const char *names[NAMES_MOST];
	size_t count = 0;

	while (people_word((unsigned)count)) {
		names[count] = people_word((unsigned)count);
		count++;
	}
	for (unsigned i = 0; i < r->p->people.n && count < NAMES_MOST; i++)
		if (!r->p->people.v[i].unnamed)
			names[count++] = r->p->people.v[i].name.p;
	return wrong_name(r, n, "a group, a domain, an address or a word such as everybody, colleagues, outsiders, strangers", names, count);
}

static int add_people(struct schema_reader *r, const yaml_node_t *n, uint64_t *ret)
{
	uint64_t bit = 0;
	int e = n->type == YAML_SCALAR_NODE && schema_text(n).n ?
		people_named(&r->p->people, schema_text(n), (unsigned)n->start_mark.line + 1, &bit) : ERR_NOT_FOUND;

	if (e == ERR_LIMIT)
		return schema_wrong(r, n, "at most 48 groups, single addresses and domains of rules included");
	if (e == ERR_NOT_FOUND || e == ERR_BAD_FORMAT)
		return unknown_people(r, n);
	*ret |= bit;
	return e;
}

static int read_people(struct schema_reader *r, const yaml_node_t *n, uint64_t *ret)
{
	size_t count;
	int e;

	*ret = 0;
	if (n->type != YAML_SEQUENCE_NODE)
		return add_people(r, n, ret);
	e = items_of(r, n, "a list of groups", &count);
	if (e == 0 && count == 0)
		return schema_wrong(r, n, "at least one group");
	for (size_t i = 0; e == 0 && i < count; i++)
		e = add_people(r, item(r, n, i), ret);
	return e;
}

static int read_between(struct schema_reader *r, const yaml_node_t *n, struct clause *c)
{
	int e;

	if (n->type != YAML_SEQUENCE_NODE || n->data.sequence.items.top - n->data.sequence.items.start != 2)
		return schema_wrong(r, n, "two groups in brackets such as [sales, research]");
	c->both = true;
	e = read_people(r, item(r, n, 0), &c->from);
	return e < 0 ? e : read_people(r, item(r, n, 1), &c->to);
}

/* One thing or a list of them. */
static int read_what(struct schema_reader *r, const struct schema_key *key, const yaml_node_t *n, uint64_t *ret)
{
	const char *names[64];
	size_t count = 1, known = 0;
	int e = n->type == YAML_SEQUENCE_NODE ? items_of(r, n, "a list of things", &count) : 0;

	while (known < ARRAY_SIZE(names) && key->what((unsigned)known)) {
		names[known] = key->what((unsigned)known);
		known++;
	}
	if (e == 0 && count == 0)
		return schema_wrong(r, n, "at least one thing");
	*ret = 0;
	for (size_t i = 0; e == 0 && i < count; i++) {
		const yaml_node_t *one = n->type == YAML_SEQUENCE_NODE ? item(r, n, i) : n;
		size_t k = 0;

		while (k < known && !str_is(schema_text(one), names[k]))
			k++;
		if (k == known)
			return wrong_name(r, one, "what the rule is about, such as macros, executables or in_band", names, known);
		*ret |= 1ull << k;
	}
	return e;
}

static int clause_key(struct schema_reader *r, const struct schema_key *key, const yaml_node_t *k, const yaml_node_t *v, struct clause *c)
{
	static const struct schema_key reason = { .type = SCHEMA_TEXT, .max = CLAUSE_REASON };
	const char *names[] = { "between", "except", "shadow", "reason", key->verb ? key->verb : "between", "from", "to", "what" };
	struct str name = schema_text(k);

	if (str_is(name, "between"))
		return read_between(r, v, c);
	if (str_is(name, "except"))
		return read_people(r, v, &c->except);
	if (str_is(name, "shadow"))
		return read_switch(r, v, &c->shadow);
	if (str_is(name, "reason"))
		return read_text(r, v, &reason, &c->reason);
	if (key->verb && str_is(name, key->verb))
		return read_word(r, v, key, &c->act);
	if (key->verb && str_is(name, "from"))
		return read_people(r, v, &c->from);
	if (key->verb && str_is(name, "to"))
		return read_people(r, v, &c->to);
	if (key->what && str_is(name, "what"))
		return read_what(r, key, v, &c->what);
	return wrong_name(r, k, key->what ? "a key of a rule (from, to, between, except, what, do, shadow, reason)" :
			  key->verb ? "a key of a rule (from, to, between, except, do, shadow, reason)" : "a key of a wall (between, except, shadow, reason)",
			  names, key->what ? 8 : key->verb ? 7 : 5);
}

static const yaml_node_t *value_of(struct schema_reader *r, const yaml_node_t *map, const char *name)
{
	for (yaml_node_pair_t *it = map->data.mapping.pairs.start; it < map->data.mapping.pairs.top; it++)
		if (str_is(schema_text(schema_node(r, it->key)), name))
			return schema_node(r, it->value);
	return NULL;
}

static int read_clause(struct schema_reader *r, const struct schema_key *key, const yaml_node_t *n, struct clause *c)
{
	struct str expected;
	int e = 0;

	if (n->type != YAML_MAPPING_NODE)
		return schema_wrong(r, n, "a rule such as {from: strangers, to: sales, ...}");
	*c = (struct clause){ .line = (unsigned)n->start_mark.line + 1, .reason = STR_NONE, .from = PEOPLE_EVERYBODY, .to = PEOPLE_EVERYBODY };
	for (yaml_node_pair_t *it = n->data.mapping.pairs.start; e == 0 && it < n->data.mapping.pairs.top; it++) {
		const yaml_node_t *k = schema_node(r, it->key);

		for (yaml_node_pair_t *b = n->data.mapping.pairs.start; b < it; b++)
			if (str_eq(schema_text(schema_node(r, b->key)), schema_text(k)))
				return schema_wrong(r, k, "every key once");
		e = clause_key(r, key, k, schema_node(r, it->value), c);
	}
	if (e < 0)
		return e;
	if (c->both && (value_of(r, n, "from") || value_of(r, n, "to")))
		return schema_wrong(r, n, "either 'between', or 'from' and 'to'");
	if (!key->verb && !c->both)
		return schema_wrong(r, n, "'between' with two groups: a wall has two sides");
	expected = arena_printf(r->a, "the key '%s', which says what is done", key->verb ? key->verb : "");
	if (key->verb && !value_of(r, n, key->verb))
		return schema_wrong(r, n, expected.p ? expected.p : "a word");
	c->name = arena_printf(r->p->arena, "%s%s%s, line %u", key->section, *key->section ? "." : "", key->name, c->line);
	return c->name.p ? 0 : ERR_NOMEM;
}

static int read_clauses(struct schema_reader *r, const yaml_node_t *n, const struct schema_key *key, struct clauses *ret)
{
	struct clause *v;
	size_t count;
	int e = items_of(r, n, "a list of rules", &count);

	if (e == 0 && count > CLAUSES)
		return schema_wrong(r, n, "at most 500 rules");
	v = e == 0 ? arena_alloc(r->p->arena, (count + 1) * sizeof(*v)) : NULL;
	if (e == 0 && !v)
		return ERR_NOMEM;
	for (size_t i = 0; e == 0 && i < count; i++)
		e = read_clause(r, key, item(r, n, i), &v[i]);
	if (e == 0)
		*ret = (struct clauses){ v, (unsigned)count };
	return e;
}

static int join_group(struct schema_reader *r, const yaml_node_t *n, uint64_t bit)
{
	int e = n->type == YAML_SCALAR_NODE ? people_join(&r->p->people, bit, schema_text(n)) : ERR_BAD_FORMAT;

	if (e == ERR_BAD_FORMAT)
		return schema_wrong(r, n, "an address such as anna@firm.example, a domain, or \"*@DOMAIN\"");
	if (e == ERR_CONFLICT)
		return schema_wrong(r, n, "every member of a group once");
	return e == ERR_LIMIT ? schema_wrong(r, n, "at most 100000 members in all groups") : e;
}

int schema_groups(struct schema_reader *r, const yaml_node_t *n)
{
	int e = 0;

	if (n->type != YAML_MAPPING_NODE)
		return schema_wrong(r, n, "lines of the form 'NAME: [member, member]'");
	for (yaml_node_pair_t *it = n->data.mapping.pairs.start; e == 0 && it < n->data.mapping.pairs.top; it++) {
		const yaml_node_t *k = schema_node(r, it->key), *v = schema_node(r, it->value);
		uint64_t bit;

		if (!people_may_be_group(schema_text(k)))
			return schema_wrong(r, k, "the name of a group: letters, digits, '-' and '_', and none of the words that rules use");
		e = people_add(&r->p->people, schema_text(k), (unsigned)k->start_mark.line + 1, &bit);
		if (e == ERR_CONFLICT || e == ERR_LIMIT)
			return schema_wrong(r, k, e == ERR_LIMIT ? "at most 48 groups" : "every group once");
		if (e == 0 && v->type != YAML_SEQUENCE_NODE)
			return schema_wrong(r, v, "a list of members such as [anna@firm.example, partner.example]");
		for (yaml_node_item_t *i = e == 0 ? v->data.sequence.items.start : v->data.sequence.items.top; e == 0 && i < v->data.sequence.items.top; i++)
			e = join_group(r, schema_node(r, *i), bit);
	}
	return e;
}

/* An expression that would be refused later is refused here, with its place. */
int schema_patterns(struct schema_reader *r, const yaml_node_t *n)
{
	struct dlp_own *v;
	size_t count;

	if (n->type != YAML_MAPPING_NODE)
		return schema_wrong(r, n, "lines of the form 'NAME: a regular expression'");
	count = (size_t)(n->data.mapping.pairs.top - n->data.mapping.pairs.start);
	if (count > DLP_OWN)
		return schema_wrong(r, n, "at most 50 patterns");
	v = arena_alloc(r->p->arena, (count + 1) * sizeof(*v));
	for (size_t i = 0; v && i < count; i++) {
		const yaml_node_t *k = schema_node(r, n->data.mapping.pairs.start[i].key), *text = schema_node(r, n->data.mapping.pairs.start[i].value);
		struct patterns *trial = NULL;
		struct pattern one = { .caseless = true };
		size_t bad;
		int e;

		if (schema_text(k).n == 0 || schema_text(k).n >= DLP_LABEL)
			return schema_wrong(r, k, "a name of at most 47 bytes");
		if (schema_text(text).n == 0 || schema_text(text).n > DLP_OWN_BYTES)
			return schema_wrong(r, text, "a regular expression of at most 200 bytes");
		v[i] = (struct dlp_own){ arena_str(r->p->arena, schema_text(k)), arena_str(r->p->arena, schema_text(text)) };
		one.regex = arena_dup(r->p->arena, v[i].regex.p, v[i].regex.n);
		if (!v[i].name.p || !v[i].regex.p || !one.regex)
			return ERR_NOMEM;
		e = patterns_new(&one, 1, PATTERNS_PCRE2, &trial, &bad);	/* as in inspect/dlp.c */
		patterns_free(&trial);
		if (e == ERR_BAD_FORMAT)
			return schema_wrong(r, text, "a regular expression that is right, has bounds and never matches nothing");
		if (e < 0)
			return e;
	}
	if (!v)
		return ERR_NOMEM;
	r->p->leaks.conf.own = v;
	r->p->leaks.conf.n_own = count;
	return 0;
}

static int read_peer(struct schema_reader *r, const yaml_node_t *n, struct policy_peer *ret)
{
	static const char *const words[] = { "normal", "low", "high", NULL };
	static const struct schema_key trust = { .words = words };
	static const char *const names[] = { "domain", "trust" };
	unsigned word = TRUST_NORMAL;
	int e = 0;

	if (n->type != YAML_MAPPING_NODE || !value_of(r, n, "domain") || !value_of(r, n, "trust"))
		return schema_wrong(r, n, "{domain: partner.example, trust: high}");
	for (yaml_node_pair_t *it = n->data.mapping.pairs.start; e == 0 && it < n->data.mapping.pairs.top; it++) {
		const yaml_node_t *k = schema_node(r, it->key), *v = schema_node(r, it->value);

		if (str_is(schema_text(k), "trust"))
			e = read_word(r, v, &trust, &word);
		else if (!str_is(schema_text(k), "domain"))
			return wrong_name(r, k, "domain or trust", names, 2);
		else if (!is_site(schema_text(v)))
			return schema_wrong(r, v, "a domain such as partner.example");
		else
			ret->domain = arena_str(r->p->arena, schema_text(v));
	}
	ret->trust = (enum subject_trust)word;
	return e < 0 ? e : ret->domain.p ? 0 : ERR_NOMEM;
}

int schema_peers(struct schema_reader *r, const yaml_node_t *n)
{
	size_t count;
	int e = items_of(r, n, "a list of {domain: ..., trust: ...}", &count);

	if (e == 0 && count > POLICY_PEERS)
		return schema_wrong(r, n, "at most 200 peers");
	r->p->peers = e == 0 ? arena_alloc(r->p->arena, (count + 1) * sizeof(*r->p->peers)) : NULL;
	if (e == 0 && !r->p->peers)
		return ERR_NOMEM;
	for (size_t i = 0; e == 0 && i < count; i++)
		e = read_peer(r, item(r, n, i), &r->p->peers[i]);
	if (e == 0)
		r->p->n_peers = (unsigned)count;
	return e;
}

static int read_network(struct schema_reader *r, const yaml_node_t *n, struct network *ret)
{
	return n->type == YAML_SCALAR_NODE && networks_parse(schema_text(n), ret) ? 0 :
	       schema_wrong(r, n, "a network such as 10.1.0.0/16 or 2001:db8::/32, with nothing set behind the range");
}

static int read_networks_of(struct schema_reader *r, const yaml_node_t *k, const yaml_node_t *v, struct networks_line *ret)
{
	size_t count;
	struct network *all;
	int e = k->type == YAML_SCALAR_NODE ? people_named(&r->p->people, schema_text(k), (unsigned)k->start_mark.line + 1, &ret->who) : ERR_NOT_FOUND;

	if (e == ERR_NOT_FOUND || e == ERR_BAD_FORMAT)
		return schema_wrong(r, k, "a group, an address of somebody here, or 'colleagues'");
	if (e == 0 && (v->type != YAML_SEQUENCE_NODE || v->data.sequence.items.top - v->data.sequence.items.start > NETWORKS_EACH))
		return schema_wrong(r, v, "a list of networks such as [10.1.0.0/16], at most 256");
	if (e < 0)
		return e;
	count = (size_t)(v->data.sequence.items.top - v->data.sequence.items.start);
	all = arena_alloc(r->p->arena, (count + 1) * sizeof(*all));
	ret->name = arena_str(r->p->arena, schema_text(k));
	if (!all || !ret->name.p)
		return ERR_NOMEM;
	for (size_t i = 0; e == 0 && i < count; i++)
		e = read_network(r, schema_node(r, v->data.sequence.items.start[i]), &all[i]);
	ret->v = all;
	ret->n = (unsigned)count;
	return e;
}

int schema_networks(struct schema_reader *r, const yaml_node_t *n)
{
	struct networks *net = &r->p->networks;
	size_t count;
	int e = 0;

	if (n->type != YAML_MAPPING_NODE)
		return schema_wrong(r, n, "lines of the form 'GROUP: [network, network]'");
	count = (size_t)(n->data.mapping.pairs.top - n->data.mapping.pairs.start);
	if (count > NETWORKS_LINES)
		return schema_wrong(r, n, "at most 64 lines");
	net->v = arena_alloc(r->p->arena, (count + 1) * sizeof(*net->v));
	if (!net->v)
		return ERR_NOMEM;
	for (size_t i = 0; e == 0 && i < count; i++)
		e = read_networks_of(r, schema_node(r, n->data.mapping.pairs.start[i].key), schema_node(r, n->data.mapping.pairs.start[i].value),
				     &net->v[i]);
	if (e == 0)
		net->n = (unsigned)count;
	return e;
}

int schema_strangers(struct schema_reader *r, const yaml_node_t *n)
{
	static const char *const words[] = { "allow", "outside", "departments", NULL };
	static const struct schema_key all = { .words = words };
	unsigned word = 0;
	int e = read_word(r, n, &all, &word);

	if (e < 0)
		return e;
	r->p->strangers.outsiders = r->p->strangers.gateways = word ? POLICY_REQUEST : POLICY_ALLOW;
	r->p->strangers.colleagues = word == 2 ? POLICY_REQUEST : POLICY_ALLOW;
	return 0;
}

/* --- the walk ---------------------------------------------------------------------------------------------------------- */

static int read_key(struct schema_reader *r, const struct schema_key *k, const yaml_node_t *n)
{
	char *p = (char *)r->p;
	void *field = p + k->offset;
	int e = 0;

	switch (k->type) {
	case SCHEMA_NUMBER:
		e = schema_number(r, n, k->min, k->max, field);
		break;
	case SCHEMA_DURATION:
		e = read_duration(r, n, k, field);
		break;
	case SCHEMA_SWITCH:
		e = read_switch(r, n, field);
		break;
	case SCHEMA_WORD:
		e = read_word(r, n, k, field);
		break;
	case SCHEMA_WORDS:
		e = read_words(r, n, k, field);
		break;
	case SCHEMA_SITES:
	case SCHEMA_PHRASES:
		e = read_list(r, n, k, field, (size_t *)(void *)(p + k->offset_n));
		break;
	case SCHEMA_TEXT:
	case SCHEMA_FILE:
		e = read_text(r, n, k, field);
		break;
	case SCHEMA_CLAUSES:
		e = read_clauses(r, n, k, field);
		break;
	case SCHEMA_OTHER:
		break;
	}
	return e == 0 && k->read ? k->read(r, n) : e;
}

/* A second name of the same key is the same key. */
static int read_once(struct schema_reader *r, size_t i, const yaml_node_t *k, const yaml_node_t *v, bool *seen)
{
	if (seen[i])
		return schema_wrong(r, k, "every key once");
	seen[i] = true;
	return read_key(r, &schema_keys[i], v);
}

static bool is_nothing(const yaml_node_t *n)
{
	return n->type == YAML_SCALAR_NODE && n->data.scalar.length == 0 && n->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
}

static int read_section(struct schema_reader *r, const struct schema_section *in, const yaml_node_t *n, bool *seen)
{
	const char *names[NAMES_MOST], *section = in->name;
	size_t count = 0;

	if (is_nothing(n))
		return 0;		/* all of it is commented out */
	if (n->type == YAML_SCALAR_NODE && in->read)
		return in->read(r, n);
	if (n->type != YAML_MAPPING_NODE)
		return schema_wrong(r, n, "lines of the form 'key: value' under the section");
	for (size_t i = 0; i < schema_key_count && count < NAMES_MOST; i++)
		if (strcmp(schema_keys[i].section, section) == 0)
			names[count++] = schema_keys[i].name;
	for (yaml_node_pair_t *it = n->data.mapping.pairs.start; it < n->data.mapping.pairs.top; it++) {
		const yaml_node_t *k = schema_node(r, it->key);
		size_t i = 0;
		int e;

		while (i < schema_key_count && !(strcmp(schema_keys[i].section, section) == 0 && str_is(schema_text(k), schema_keys[i].name)))
			i++;
		e = i < schema_key_count ? read_once(r, i, k, schema_node(r, it->value), seen) : ERR_NOT_FOUND;
		if (e == ERR_NOT_FOUND) {
			struct str what = arena_printf(r->a, "a key of the section '%s'", section);

			return wrong_name(r, k, what.p ? what.p : "a key", names, count);
		}
		if (e < 0)
			return e;
	}
	return 0;
}

static bool is_people_key(struct str name)
{
	return str_is(name, "groups") || str_is(name, "peers");
}

static int read_top(struct schema_reader *r, const yaml_node_t *k, const yaml_node_t *v, bool *seen)
{
	struct str name = schema_text(k);
	const char *names[NAMES_MOST];
	size_t count = 0;

	for (size_t i = 0; i < schema_key_count; i++) {
		const struct schema_key *key = &schema_keys[i];

		if ((!*key->section && str_is(name, key->name)) || (key->was && str_is(name, key->was)))
			return read_once(r, i, k, v, seen);
		if (count < NAMES_MOST && (!*key->section || key->was))
			names[count++] = *key->section ? key->was : key->name;
	}
	for (size_t i = 0; i < schema_section_count; i++) {
		if (str_is(name, schema_sections[i].name)) {
			if (seen[KEYS_MOST + i])
				return schema_wrong(r, k, "every section once");
			seen[KEYS_MOST + i] = true;
			return read_section(r, &schema_sections[i], v, seen);
		}
		if (count < NAMES_MOST)
			names[count++] = schema_sections[i].name;
	}
	return wrong_name(r, k, "a section of a policy (groups, walls, links ...)", names, count);
}

static int walk(struct schema_reader *r, const yaml_node_t *root)
{
	bool seen[KEYS_MOST + SECTIONS_MOST] = { false };

	if (schema_key_count > KEYS_MOST || schema_section_count > SECTIONS_MOST)
		return ERR_LIMIT;
	if (root->type != YAML_MAPPING_NODE)
		return schema_wrong(r, root, "lines of the form 'key: value'");
	/* Who is who comes first, wherever it stands: rules name it. */
	for (int people = 1; people >= 0; people--)
		for (yaml_node_pair_t *it = root->data.mapping.pairs.start; it < root->data.mapping.pairs.top; it++) {
			const yaml_node_t *k = schema_node(r, it->key);
			int e = 0;

			if (people == is_people_key(schema_text(k)))
				e = read_top(r, k, schema_node(r, it->value), seen);
			if (e < 0)
				return e;
		}
	return 0;
}

/* One plain document: what an alias or a tag means is too easily misread by who signs the policy. */
static int plain_yaml(struct schema_reader *r, struct str text)
{
	yaml_parser_t parser;
	yaml_event_t ev;
	unsigned documents = 0;
	int e = 0;
	bool end = false;

	if (!yaml_parser_initialize(&parser))
		return ERR_NOMEM;
	yaml_parser_set_input_string(&parser, (const unsigned char *)text.p, text.n);
	while (e == 0 && !end && yaml_parser_parse(&parser, &ev)) {
		bool odd = ev.type == YAML_ALIAS_EVENT || (ev.type == YAML_SCALAR_EVENT && (ev.data.scalar.anchor || ev.data.scalar.tag)) ||
			   (ev.type == YAML_SEQUENCE_START_EVENT && (ev.data.sequence_start.anchor || ev.data.sequence_start.tag)) ||
			   (ev.type == YAML_MAPPING_START_EVENT && (ev.data.mapping_start.anchor || ev.data.mapping_start.tag));

		documents += ev.type == YAML_DOCUMENT_START_EVENT;
		if (odd || documents > 1) {
			*r->why = arena_printf(r->a, "%s:%zu:%zu: expected %s", r->name, ev.start_mark.line + 1, ev.start_mark.column + 1,
					       odd ? "a plain value, without anchors (&), aliases (*) and tags (!)" : "one document");
			e = ERR_BAD_FORMAT;
		}
		end = ev.type == YAML_STREAM_END_EVENT;
		yaml_event_delete(&ev);
	}
	yaml_parser_delete(&parser);
	return e;		/* what is no YAML at all, the reading itself says */
}

/* Loads one document; *ret NULL: an empty file, which is fine. */
static int load(struct schema_reader *r, struct str text, yaml_node_t **ret)
{
	yaml_parser_t parser;
	int e = plain_yaml(r, text);

	if (e < 0)
		return e;
	if (!yaml_parser_initialize(&parser))
		return ERR_NOMEM;
	yaml_parser_set_input_string(&parser, (const unsigned char *)text.p, text.n);
	if (!yaml_parser_load(&parser, &r->doc)) {
		*r->why = arena_printf(r->a, "%s:%zu:%zu: expected YAML: %s", r->name, parser.problem_mark.line + 1, parser.problem_mark.column + 1,
				       parser.problem ? parser.problem : "it cannot be read");
		yaml_parser_delete(&parser);
		return ERR_BAD_FORMAT;
	}
	yaml_parser_delete(&parser);
	*ret = yaml_document_get_root_node(&r->doc);
	return 0;
}

int schema_read(struct schema_reader *r, struct str text)
{
	yaml_node_t *root;
	int e = load(r, text, &root);

	if (e < 0)
		return e;
	if (root)
		e = walk(r, root);
	yaml_document_delete(&r->doc);
	return e;
}

static int each_pair(struct schema_reader *r, const yaml_node_t *root, int (*pair)(struct schema_reader *, const yaml_node_t *, const yaml_node_t *))
{
	if (root->type != YAML_MAPPING_NODE)
		return schema_wrong(r, root, "lines of the form 'key: value'");
	for (yaml_node_pair_t *it = root->data.mapping.pairs.start; it < root->data.mapping.pairs.top; it++) {
		const yaml_node_t *k = schema_node(r, it->key);
		int e;

		for (yaml_node_pair_t *b = root->data.mapping.pairs.start; b < it; b++)
			if (str_eq(schema_text(schema_node(r, b->key)), schema_text(k)))
				return schema_wrong(r, k, "every key once");
		e = pair(r, k, schema_node(r, it->value));
		if (e < 0)
			return e;
	}
	return 0;
}

int schema_pairs(struct schema_reader *r, struct str text, int (*pair)(struct schema_reader *, const yaml_node_t *, const yaml_node_t *))
{
	yaml_node_t *root;
	int e = load(r, text, &root);

	if (e < 0)
		return e;
	if (root)
		e = each_pair(r, root, pair);
	yaml_document_delete(&r->doc);
	return e;
}

/* --- defaults ---------------------------------------------------------------------------------------------------------- */

/* Through the reader itself: the table cannot say something that a file could not. */
int schema_defaults(struct policy *p)
{
	struct arena *a = arena_new(1024 * 1024);
	struct str why = STR_NONE;
	struct schema_reader r = { .p = p, .name = "defaults", .a = a, .why = &why };
	struct buf b;
	int e = a ? 0 : ERR_NOMEM;

	for (size_t i = 0; e == 0 && i < schema_key_count; i++) {
		const struct schema_key *k = &schema_keys[i];
		yaml_node_t *root;

		if (k->read == schema_groups)
			continue;
		buf_init(&b, 65536);
		if (k->def)
			buf_str_add(&b, str_of(k->def));
		for (size_t j = 0; !k->def && k->list[j]; j++)
			buf_printf(&b, "- %s\n", k->list[j]);
		e = b.failed ? ERR_NOMEM : load(&r, buf_str(&b), &root);
		buf_release(&b);
		if (e < 0)
			break;
		e = root ? read_key(&r, k, root) : ERR_BAD_FORMAT;
		yaml_document_delete(&r.doc);
	}
	arena_free(&a);
	return e;
}
