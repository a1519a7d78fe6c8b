/* policy.c - see policy.h. One table of keys; an unknown one, or one given twice, is an error with its place. */
#include "policy/policy.h"

#include <stdlib.h>
#include <yaml.h>

#include "base/buf.h"
#include "base/check.h"

#define ARENA_BYTES (8 * 1024 * 1024)
#define COPIES_MOST 1000
#define DAY_MS (24ull * 3600 * 1000)

struct reader {
	struct policy *p;
	yaml_document_t doc;
	const char *name;
	struct arena *a;			/* the caller's: messages */
	struct str *why;
};

static const char *const brands[] = {
	"google.com", "microsoft.com", "live.com", "office.com", "apple.com", "icloud.com", "amazon.com", "paypal.com", "facebook.com",
	"instagram.com", "whatsapp.com", "netflix.com", "dropbox.com", "linkedin.com", "github.com", "discord.com", "steampowered.com",
	"steamcommunity.com", "telegram.org", "skype.com", "dhl.com", "ups.com", "fedex.com", "docusign.com", "adobe.com", "zoom.us",
};

/* On these nobody is remarkable for linking to the site; only the same page, or the same words, tell a worm. */
static const char *const everyday[] = {
	"google.com", "youtube.com", "youtu.be", "wikipedia.org", "github.com", "gitlab.com", "stackoverflow.com", "stackexchange.com",
	"microsoft.com", "office.com", "sharepoint.com", "apple.com", "amazon.com", "linkedin.com", "facebook.com", "instagram.com",
	"twitter.com", "x.com", "reddit.com", "medium.com", "dropbox.com", "atlassian.net", "slack.com", "zoom.us", "debian.org",
	"ubuntu.com", "launchpad.net", "python.org", "mozilla.org", "kernel.org", "sourceforge.net", "pastebin.com", "imgur.com",
	"bbc.co.uk", "bbc.com", "nytimes.com", "theguardian.com", "cnn.com", "openstreetmap.org", "xmpp.org", "ietf.org", "w3.org",
};

static int wrong(struct reader *r, const yaml_node_t *n, const char *expected)
{
	struct str text = n->type == YAML_SCALAR_NODE ? str_make((const char *)n->data.scalar.value, n->data.scalar.length) : STR("a list or a section");

	if (text.n > 60)
		text.n = 60;
	*r->why = arena_printf(r->a, "%s:%zu:%zu: expected %s, found '%.*s'", r->name, n->start_mark.line + 1, n->start_mark.column + 1,
			       expected, STR_FMT(text));
	return ERR_BAD_FORMAT;
}

static struct str text_of(const yaml_node_t *n)
{
	return n->type == YAML_SCALAR_NODE ? str_make((const char *)n->data.scalar.value, n->data.scalar.length) : STR_NONE;
}

static yaml_node_t *node(struct reader *r, int index)
{
	return yaml_document_get_node(&r->doc, index);
}

/* --- kinds of values ---------------------------------------------------------------------------------------- */

static int read_number(struct reader *r, const yaml_node_t *n, uint64_t least, uint64_t most, unsigned *ret)
{
	uint64_t v;
	char expected[80];

	if (str_is(text_of(n), "off") && least == 0) {
		*ret = 0;
		return 0;
	}
	snprintf(expected, sizeof(expected), "a whole number from %llu to %llu%s", (unsigned long long)(least ? least : 1),
		 (unsigned long long)most, least ? "" : ", or 'off'");
	if (!str_to_u64(text_of(n), most, &v) || v < least || v == 0)
		return wrong(r, n, expected);
	*ret = (unsigned)v;
	return 0;
}

static int read_duration(struct reader *r, const yaml_node_t *n, uint64_t *ret_ms)
{
	static const struct { char unit; uint64_t ms; } units[] = { { 's', 1000 }, { 'm', 60000 }, { 'h', 3600000 }, { 'd', DAY_MS } };
	struct str t = text_of(n);
	uint64_t v;

	for (size_t i = 0; t.n > 1 && i < sizeof(units) / sizeof(units[0]); i++)
		if (t.p[t.n - 1] == units[i].unit && str_to_u64(str_make(t.p, t.n - 1), 31 * DAY_MS / units[i].ms, &v) && v > 0) {
			*ret_ms = v * units[i].ms;
			return 0;
		}
	return wrong(r, n, "a duration such as 90s, 10m, 24h or 7d, of 31 days at most");
}

/* Names of sites, in lower case. */
static int read_names(struct reader *r, const yaml_node_t *n, struct str **ret, size_t *ret_n)
{
	size_t count = 0;
	struct str *v;

	if (n->type != YAML_SEQUENCE_NODE)
		return wrong(r, n, "a list of names such as [example.org]");
	count = (size_t)(n->data.sequence.items.top - n->data.sequence.items.start);
	if (count > POLICY_NAMES)
		return wrong(r, n, "at most 1000 names");
	v = arena_alloc(r->p->arena, (count + 1) * sizeof(*v));
	if (!v)
		return ERR_NOMEM;
	for (size_t i = 0; i < count; i++) {
		const yaml_node_t *item = node(r, n->data.sequence.items.start[i]);
		char *copy;

		if (text_of(item).n < 3 || text_of(item).n > 253 || str_find_char(text_of(item), '.') <= 0 || str_find_char(text_of(item), '/') >= 0)
			return wrong(r, item, "the name of a site such as example.org");
		copy = arena_dup(r->p->arena, text_of(item).p, text_of(item).n);
		if (!copy)
			return ERR_NOMEM;
		for (char *c = copy; *c; c++)
			*c = *c >= 'A' && *c <= 'Z' ? (char)(*c + 32) : *c;
		v[i] = str_of(copy);
	}
	*ret = v;
	*ret_n = count;
	return 0;
}

static int look_alikes(struct policy *p, const struct str *names, size_t n, bool brand, const struct lookalike_name **ret, size_t *ret_n)
{
	struct lookalike_name *v = arena_alloc(p->arena, (n + 1) * sizeof(*v));

	if (!v)
		return ERR_NOMEM;
	for (size_t i = 0; i < n; i++) {
		lookalike_init(&v[i], names[i]);
		v[i].countries = brand;
	}
	*ret = v;
	*ret_n = n;
	return 0;
}

/* --- the keys ------------------------------------------------------------------------------------------------ */

static int key_own(struct reader *r, const yaml_node_t *n)
{
	struct str *v, *all;
	size_t count;
	int e = read_names(r, n, &v, &count);

	if (e < 0)
		return e;
	all = arena_alloc(r->p->arena, (count + 1) * sizeof(*all));
	if (!all)
		return ERR_NOMEM;
	all[0] = r->p->links.own[0].domain;		/* our domain is always ours */
	memcpy(all + 1, v, count * sizeof(*v));
	return look_alikes(r->p, all, count + 1, false, &r->p->links.own, &r->p->links.n_own);
}

static int key_trusted(struct reader *r, const yaml_node_t *n)
{
	struct str *v;
	int e = read_names(r, n, &v, &r->p->links.n_trusted);

	if (e == 0)
		r->p->links.trusted = v;
	return e;
}

static int key_everyday(struct reader *r, const yaml_node_t *n)
{
	struct str *v;
	int e = read_names(r, n, &v, &r->p->links.n_everyday);

	if (e == 0)
		r->p->links.everyday = v;
	return e;
}

static int key_brands(struct reader *r, const yaml_node_t *n)
{
	struct str *v;
	size_t count;
	int e = read_names(r, n, &v, &count);

	return e < 0 ? e : look_alikes(r->p, v, count, true, &r->p->links.brands, &r->p->links.n_brands);
}

static int key_deny(struct reader *r, const yaml_node_t *n)
{
	struct str t = text_of(n);

	if (str_empty(t) || t.n > 255 || str_find_char(t, '/') >= 0 || t.p[0] == '.')
		return wrong(r, n, "the name of a file beside policy.yaml");
	r->p->deny_file = arena_str(r->p->arena, t);
	return r->p->deny_file.p ? 0 : ERR_NOMEM;
}

static int key_copies(struct reader *r, const yaml_node_t *n)
{
	return read_number(r, n, 1, COPIES_MOST, &r->p->copies);
}

static int key_window(struct reader *r, const yaml_node_t *n)
{
	return read_duration(r, n, &r->p->window_ms);
}

static int key_flag(struct reader *r, const yaml_node_t *n)
{
	return read_number(r, n, 0, 10000, &r->p->flag);
}

static int key_hold(struct reader *r, const yaml_node_t *n)
{
	return read_number(r, n, 0, 10000, &r->p->hold);
}

static int key_reject(struct reader *r, const yaml_node_t *n)
{
	return read_number(r, n, 0, 10000, &r->p->reject);
}

static const struct key {
	const char *name, *def, *help;
	int (*read)(struct reader *r, const yaml_node_t *n);
	const char *const *list;
	size_t n_list;
} keys[] = {
	{ "own_domains", "[]", "Further domains of the firm: their links are no risk, and what looks like them is held.", key_own },
	{ "trusted_links", "[]", "Sites whose links are no risk either: the meeting service, the ticket system.", key_trusted },
	{ "brands", NULL, "Names that attackers like to imitate.", key_brands, brands, ARRAY_SIZE(brands) },
	{ "everyday_sites", NULL, "Sites that everybody links to: there only the same page, or the same words, count as the same message.", key_everyday,
	  everyday, ARRAY_SIZE(everyday) },
	{ "deny_list", "deny.txt", "A file beside this one: a host, a site or host/path a line. It need not be there.", key_deny },
	{ "worm_copies", "3", "So many copies of one message with a link or a file one sender may send to different people; the rest is held.", key_copies },
	{ "worm_window", "24h", "For how long copies are remembered.", key_window },
	{ "flag_at", "60", "From this sum of weights on the receiver is warned.", key_flag },
	{ "hold_at", "100", "From this sum on the message is held.", key_hold },
	{ "reject_at", "off", "From this sum on the message is refused.", key_reject },
};
#define KEYS (sizeof(keys) / sizeof(keys[0]))

static int pairs(struct reader *r, const yaml_node_t *root, int (*pair)(struct reader *r, const yaml_node_t *k, const yaml_node_t *v))
{
	if (root->type != YAML_MAPPING_NODE)
		return wrong(r, root, "lines of the form 'key: value'");
	for (yaml_node_pair_t *it = root->data.mapping.pairs.start; it < root->data.mapping.pairs.top; it++) {
		const yaml_node_t *k = node(r, it->key), *v = node(r, it->value);
		int e;

		for (yaml_node_pair_t *b = root->data.mapping.pairs.start; b < it; b++)
			if (str_eq(text_of(node(r, b->key)), text_of(k)))
				return wrong(r, k, "every key once");
		e = pair(r, k, v);
		if (e < 0)
			return e;
	}
	return 0;
}

static int policy_pair(struct reader *r, const yaml_node_t *k, const yaml_node_t *v)
{
	for (size_t i = 0; i < KEYS; i++)
		if (str_is(text_of(k), keys[i].name))
			return keys[i].read(r, v);
	return wrong(r, k, "a key of a policy (own_domains, trusted_links, brands, everyday_sites, deny_list, worm_copies, worm_window, flag_at, hold_at, reject_at)");
}

static int weight_pair(struct reader *r, const yaml_node_t *k, const yaml_node_t *v)
{
	for (unsigned i = 0; i < RULE_COUNT; i++)
		if (str_is(text_of(k), inspect_rule_name((enum rule)i)))
			return read_number(r, v, 0, 10000, &r->p->weights[i]);
	return wrong(r, k, "the name of a rule; `wardroom policy show` lists them");
}

/* One plain document: what an alias or a tag means is too easily misread by who signs the policy. */
static int plain_yaml(struct reader *r, struct str text)
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

/* Reads one document; an empty file is fine. */
static int read_file(struct reader *r, struct str text, int (*pair)(struct reader *, const yaml_node_t *, const yaml_node_t *))
{
	yaml_parser_t parser;
	yaml_node_t *root;
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
	root = yaml_document_get_root_node(&r->doc);
	if (root)
		e = pairs(r, root, pair);
	yaml_document_delete(&r->doc);
	yaml_parser_delete(&parser);
	return e;
}

static int defaults(struct policy *p, const char *domain)
{
	struct str own, names[ARRAY_SIZE(brands)], *common = arena_alloc(p->arena, sizeof(*common) * ARRAY_SIZE(everyday));
	int r;

	if (!common)
		return ERR_NOMEM;
	for (size_t i = 0; i < ARRAY_SIZE(everyday); i++)
		common[i] = str_of(everyday[i]);
	p->links.everyday = common;
	p->links.n_everyday = ARRAY_SIZE(everyday);

	for (unsigned i = 0; i < RULE_COUNT; i++)
		p->weights[i] = inspect_rule_weight((enum rule)i);
	p->copies = 3;
	p->window_ms = DAY_MS;
	p->flag = 60;
	p->hold = 100;
	p->deny_file = STR("deny.txt");
	own = arena_str(p->arena, str_of(domain));
	if (!own.p)
		return ERR_NOMEM;
	for (size_t i = 0; i < ARRAY_SIZE(brands); i++)
		names[i] = str_of(brands[i]);
	r = look_alikes(p, &own, 1, false, &p->links.own, &p->links.n_own);
	return r < 0 ? r : look_alikes(p, names, ARRAY_SIZE(brands), true, &p->links.brands, &p->links.n_brands);
}

int policy_parse(struct str text, const char *name, const char *domain, struct arena *a, struct policy **ret, struct str *ret_why)
{
	struct policy *p = calloc(1, sizeof(*p));
	struct reader r = { .p = p, .name = name, .a = a, .why = ret_why };
	int e = ERR_NOMEM;

	*ret_why = STR("out of memory");
	if (!p)
		return e;
	p->arena = arena_new(ARENA_BYTES);
	if (p->arena)
		e = defaults(p, domain);
	if (e == 0)
		e = read_file(&r, text, policy_pair);
	if (e == 0 && p->hold && p->flag > p->hold) {
		*ret_why = arena_printf(a, "%s: expected flag_at to be no more than hold_at, found %u and %u", name, p->flag, p->hold);
		e = ERR_BAD_FORMAT;
	}
	if (e < 0) {
		policy_free(&p);
		return e;
	}
	*ret = p;
	return 0;
}

int policy_weights(struct policy *p, struct str text, const char *name, struct arena *a, struct str *ret_why)
{
	struct reader r = { .p = p, .name = name, .a = a, .why = ret_why };

	*ret_why = STR("out of memory");
	return read_file(&r, text, weight_pair);
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
	map_free(&(*p)->denied);
	arena_free(&(*p)->arena);
	free(*p);
	*p = NULL;
}

struct str policy_default_text(struct arena *a)
{
	struct buf b;
	struct str s;

	buf_init(&b, 65536);
	buf_printf(&b, "# policy.yaml - what is allowed. `wardroom policy check FILE` reads it, `wardroom policy apply FILE` puts it in force.\n");
	for (size_t i = 0; i < KEYS; i++) {
		buf_printf(&b, "\n# %s\n", keys[i].help);
		if (keys[i].def) {
			buf_printf(&b, "%s: %s\n", keys[i].name, keys[i].def);
			continue;
		}
		buf_printf(&b, "%s:\n", keys[i].name);
		for (size_t k = 0; k < keys[i].n_list; k++)
			buf_printf(&b, "  - %s\n", keys[i].list[k]);
	}
	s = b.failed ? (struct str){ 0 } : arena_str(a, buf_str(&b));
	buf_release(&b);
	return s;
}

struct str policy_default_weights(struct arena *a)
{
	struct buf b;
	struct str s;

	buf_init(&b, 65536);
	buf_printf(&b, "# weights.yaml - what each finding weighs; policy.yaml says from which sum on something is done.\n");
	for (unsigned i = 0; i < RULE_COUNT; i++)
		buf_printf(&b, "\n# %s: %s\n%s: %u\n", inspect_rule_inspector((enum rule)i), inspect_rule_text((enum rule)i),
			   inspect_rule_name((enum rule)i), inspect_rule_weight((enum rule)i));
	s = b.failed ? (struct str){ 0 } : arena_str(a, buf_str(&b));
	buf_release(&b);
	return s;
}
