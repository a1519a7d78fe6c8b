/* config.c - see config.h. Walks libyaml's events along the table of option.c.
 *
 * Events rather than documents: nothing is built before it is known to be wanted, and every value keeps its
 * line and column. YAML's anchors, aliases, tags and merge keys are refused: they let a file mean
 * something else than it shows.
 */
#include "config/config.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>
#include <yaml.h>

#include "base/check.h"
#include "base/utf8.h"
#include "config/instance.h"
#include "config/option.h"
#include "config/record.h"

#define HOLDER_MAGIC 0xc0f16001u
#define OPTIONS_MAX 64
#define CONFIG_ARENA_BYTES (512 * 1024)
#define SHOWN_CHARACTERS 60			/* of a wrong value in a message */

struct holder {
	struct config c;			/* first: the caller's pointer */
	CHECK_MAGIC;
	atomic_uint refs;
	struct arena *a;
};

struct config *config_ref(struct config *c)
{
	struct holder *h = (struct holder *)c;

	CHECK_OBJ(h, HOLDER_MAGIC);
	atomic_fetch_add_explicit(&h->refs, 1, memory_order_relaxed);
	return c;
}

void config_unref(struct config **ref)
{
	struct holder *h = (struct holder *)*ref;

	if (!h)
		return;
	CHECK_OBJ(h, HOLDER_MAGIC);
	*ref = NULL;
	if (atomic_fetch_sub_explicit(&h->refs, 1, memory_order_acq_rel) > 1)
		return;
	arena_free(&h->a);
	h->magic = 0;
	free(h);
}

static struct holder *holder_new(void)
{
	struct holder *h = calloc(1, sizeof(*h));

	if (!h)
		return NULL;
	h->a = arena_new(CONFIG_ARENA_BYTES);
	if (!h->a) {
		free(h);
		return NULL;
	}
	h->magic = HOLDER_MAGIC;
	atomic_init(&h->refs, 1);
	return h;
}

static bool is_list(const struct option *o)
{
	return o->type == OPTION_SET || o->type == OPTION_TEXTS;
}

/* Sets an option of a record from text as it stands in the table; a list from words in brackets. */
static int set_default(const struct option *o, void *record, struct arena *a)
{
	struct str text = str_of(o->def);
	int r = 0;

	if (text.n >= 2 && text.p[0] == '"')
		text = str_make(text.p + 1, text.n - 2);
	if (!is_list(o))
		return option_set(o, record, text, a);
	for (text = str_make(text.p + 1, text.n - 2); r == 0 && text.n > 0;) {
		ptrdiff_t comma = str_find_char(text, ',');
		size_t n = comma < 0 ? text.n : (size_t)comma;

		r = option_set(o, record, str_trim(str_make(text.p, n)), a);
		text = str_cut(text, n + 1);
	}
	return r;
}

static const struct option *option_named(const char *name)
{
	for (size_t i = 0; i < option_count; i++)
		if (strcmp(option_table[i].name, name) == 0)
			return &option_table[i];
	return NULL;
}

/* --- the walk ------------------------------------------------------------------------------------------------ */

struct walk {
	yaml_parser_t parser;
	yaml_event_t event;			/* the current one */
	bool has_event;
	const char *file;
	struct str text;
	struct holder *h;
	void *record;				/* what options are set in: the config, or one of a list */
	struct arena *a;			/* the caller's, for why */
	struct str why;
	int err;
	yaml_mark_t marks[OPTIONS_MAX];		/* where each option stands; line is counted from 1 here, 0: it does not */
	uint64_t sections;			/* seen */
	uint64_t lists;				/* seen */
};

/* What stands there, made printable and short. */
static void show(struct buf *b, struct str s)
{
	size_t at = 0;

	buf_char(b, '\'');
	for (unsigned n = 0; at < s.n && n < SHOWN_CHARACTERS; n++) {
		size_t from = at;
		uint32_t cp = utf8_next(s, &at);

		if (option_is_hidden(cp))
			buf_printf(b, "\\x%X", cp);
		else
			buf_add(b, s.p + from, at - from);
	}
	buf_str_add(b, at < s.n ? STR("...'") : STR("'"));
}

static int refuse(struct walk *w, yaml_mark_t at, const char *key, const char *expected, const char *found, struct str shown)
{
	struct buf b;

	buf_init(&b, 4096);
	buf_printf(&b, "%s:%zu:%zu: ", w->file, at.line + 1, at.column + 1);
	if (key) {
		buf_str_add(&b, STR("key "));
		show(&b, str_of(key));		/* it may be one that nobody knows, with anything in it */
		buf_str_add(&b, STR(": "));
	}
	buf_printf(&b, "expected %s, found ", expected);
	if (found)
		buf_str_add(&b, str_of(found));
	if (shown.p)
		show(&b, shown);
	w->why = arena_str(w->a, buf_str(&b));
	buf_release(&b);
	w->err = ERR_BAD_FORMAT;
	return w->err;
}

/* libyaml names a line for what it cannot scan, an offset for what it cannot decode. */
static int refuse_yaml(struct walk *w)
{
	yaml_mark_t at = w->parser.problem_mark;
	const char *problem = w->parser.problem ? w->parser.problem : "unknown reason";

	if (w->parser.error == YAML_MEMORY_ERROR) {
		w->err = ERR_NOMEM;
		return w->err;
	}
	if (w->parser.error == YAML_READER_ERROR) {
		at = (yaml_mark_t){ 0 };
		for (size_t i = 0; i < w->parser.problem_offset && i < w->text.n; i++) {
			at.column++;
			if (w->text.p[i] == '\n') {
				at.line++;
				at.column = 0;
			}
		}
	}
	w->why = arena_printf(w->a, "%s:%zu:%zu: not YAML: %s", w->file, at.line + 1, at.column + 1, problem);
	w->err = ERR_BAD_FORMAT;
	return w->err;
}

static int next(struct walk *w)
{
	if (w->has_event)
		yaml_event_delete(&w->event);
	w->has_event = false;
	if (!yaml_parser_parse(&w->parser, &w->event))
		return refuse_yaml(w);
	w->has_event = true;
	return 0;
}

static struct str scalar(const struct walk *w)
{
	return str_make((const char *)w->event.data.scalar.value, w->event.data.scalar.length);
}

/* Words for an event that is not a plain scalar, or NULL. */
static const char *odd(const yaml_event_t *e)
{
	switch (e->type) {
	case YAML_ALIAS_EVENT:
		return "an alias (*), which is not allowed here";
	case YAML_SCALAR_EVENT:
		if (e->data.scalar.anchor)
			return "an anchor (&), which is not allowed here";
		return e->data.scalar.tag ? "a tag (!), which is not allowed here" : NULL;
	case YAML_SEQUENCE_START_EVENT:
		if (e->data.sequence_start.anchor)
			return "an anchor (&), which is not allowed here";
		return e->data.sequence_start.tag ? "a tag (!), which is not allowed here" : "a list";
	case YAML_MAPPING_START_EVENT:
		if (e->data.mapping_start.anchor)
			return "an anchor (&), which is not allowed here";
		return e->data.mapping_start.tag ? "a tag (!), which is not allowed here" : "a group of keys";
	case YAML_DOCUMENT_END_EVENT:
	case YAML_STREAM_END_EVENT:
		return "the end of the file";
	case YAML_NO_EVENT:
	case YAML_STREAM_START_EVENT:
	case YAML_DOCUMENT_START_EVENT:
	case YAML_SEQUENCE_END_EVENT:
	case YAML_MAPPING_END_EVENT:
		return "nothing";
	}
	return "nothing";
}

static int refuse_event(struct walk *w, const char *key, const char *expected)
{
	const char *found = odd(&w->event);

	if (found)
		return refuse(w, w->event.start_mark, key, expected, found, (struct str){ 0 });
	return refuse(w, w->event.start_mark, key, expected, NULL, scalar(w));
}

static int refuse_value(struct walk *w, const struct option *o)
{
	struct buf b;
	int r;

	buf_init(&b, 1024);
	option_expected(o, &b);
	buf_char(&b, 0);
	r = b.failed ? ERR_NOMEM : refuse_event(w, o->name, b.p);
	w->err = r;
	buf_release(&b);
	return r;
}

static int set_scalar(struct walk *w, const struct option *o)
{
	int r;

	if (w->event.type != YAML_SCALAR_EVENT || odd(&w->event))
		return refuse_value(w, o);
	r = option_set(o, w->record, scalar(w), w->h->a);
	if (r == ERR_BAD_FORMAT)
		return refuse_value(w, o);
	w->err = r;
	return r;
}

static int read_list(struct walk *w, const struct option *o)
{
	const char *found = odd(&w->event);
	bool any = strcmp(o->def, "[]") == 0;		/* what may be left out may be empty */
	int r;

	if (w->event.type != YAML_SEQUENCE_START_EVENT || strcmp(found, "a list") != 0)
		return refuse_value(w, o);
	*(unsigned *)((char *)w->record + o->offset) = 0;	/* the bits, or the number of texts */
	for (;;) {
		r = next(w);
		if (r < 0)
			return r;
		if (w->event.type == YAML_SEQUENCE_END_EVENT)
			return any ? 0 : refuse(w, w->event.start_mark, o->name, "at least one word in the list", "none",
						(struct str){ 0 });
		r = set_scalar(w, o);
		if (r < 0)
			return r;
		any = true;
	}
}

/* A key: its full name in the arena, or an error. section: NULL at the top. */
static int read_key(struct walk *w, const char *section, const char **ret)
{
	struct str s;

	if (w->event.type != YAML_SCALAR_EVENT || odd(&w->event))
		return refuse_event(w, section, "the name of an option");
	s = scalar(w);
	if (s.n == 0 || s.n > 64 || memchr(s.p, 0, s.n) || memchr(s.p, '.', s.n))
		return refuse_event(w, section, "the name of an option");
	s = section ? arena_printf(w->h->a, "%s.%.*s", section, STR_FMT(s)) : arena_str(w->h->a, s);
	if (!s.p) {
		w->err = ERR_NOMEM;
		return w->err;
	}
	*ret = s.p;
	return 0;
}

/* The option of that name, for the first time. */
static int take_option(struct walk *w, const char *name, const struct option **ret)
{
	const struct option *o = option_named(name);
	yaml_mark_t *mark = o ? &w->marks[o - option_table] : NULL;

	if (!o)
		return refuse_event(w, name, "the name of an option ('wardroom.yaml' in the documentation lists all)");
	if (mark->line > 0) {
		char where[64];

		snprintf(where, sizeof(where), "it again (first in line %zu)", mark->line);
		return refuse(w, w->event.start_mark, name, "each key once", where, (struct str){ 0 });
	}
	*mark = w->event.start_mark;
	mark->line++;
	*ret = o;
	return 0;
}

static int read_option(struct walk *w, const char *name)
{
	const struct option *o;
	int r = take_option(w, name, &o);

	if (r < 0)
		return r;
	r = next(w);
	if (r < 0)
		return r;
	return is_list(o) ? read_list(w, o) : set_scalar(w, o);
}

static int read_section(struct walk *w, size_t index)
{
	const char *section = option_sections[index].name, *name, *found;
	int r;

	if (w->sections & 1ull << index)
		return refuse(w, w->event.start_mark, section, "each key once", "it again", (struct str){ 0 });
	w->sections |= 1ull << index;
	r = next(w);
	if (r < 0)
		return r;
	found = odd(&w->event);
	if (w->event.type != YAML_MAPPING_START_EVENT || strcmp(found, "a group of keys") != 0)
		return refuse_event(w, section, "a group of keys");
	for (;;) {
		r = next(w);
		if (r < 0 || w->event.type == YAML_MAPPING_END_EVENT)
			return r;
		r = read_key(w, section, &name);
		if (r == 0)
			r = read_option(w, name);
		if (r < 0)
			return r;
	}
}

/* --- lists of groups ------------------------------------------------------------------------------------------ */

/* The option of a record's key, for the first time in it. */
static int take_field(struct walk *w, const struct option_list *l, const char *name, uint32_t *seen, const struct option **ret)
{
	for (size_t i = 0; i < l->n_options; i++) {
		if (strcmp(l->options[i].name, name) != 0)
			continue;
		if (*seen & 1u << i)
			return refuse(w, w->event.start_mark, name, "each key once", "it again", (struct str){ 0 });
		*seen |= 1u << i;
		*ret = &l->options[i];
		return 0;
	}
	return refuse_event(w, name, "the name of an option ('wardroom.yaml' in the documentation lists all)");
}

static int check_fields(struct walk *w, const struct option_list *l, yaml_mark_t at, uint32_t seen)
{
	for (size_t i = 0; i < l->n_options; i++)
		if (l->options[i].required && !(seen & 1u << i))
			return refuse(w, at, l->options[i].name, "it in every group of the list", "no such key in this one",
				      (struct str){ 0 });
	return 0;
}

static int read_fields(struct walk *w, const struct option_list *l)
{
	yaml_mark_t at = w->event.start_mark;
	const struct option *o = NULL;
	const char *name;
	uint32_t seen = 0;
	int r = 0;

	for (size_t i = 0; r == 0 && i < l->n_options; i++)
		r = set_default(&l->options[i], w->record, w->h->a);
	while (r == 0) {
		r = next(w);
		if (r < 0)
			return r;
		if (w->event.type == YAML_MAPPING_END_EVENT)
			return check_fields(w, l, at, seen);
		r = read_key(w, l->name, &name);
		if (r == 0)
			r = take_field(w, l, name, &seen, &o);
		if (r == 0)
			r = next(w);
		if (r == 0)
			r = is_list(o) ? read_list(w, o) : set_scalar(w, o);
	}
	return r;
}

static int read_record(struct walk *w, const struct option_list *l)
{
	void **records = (void **)((char *)&w->h->c + l->offset);
	unsigned *n = (unsigned *)((char *)&w->h->c + l->offset_n);
	const char *found = odd(&w->event);
	int r;

	if (w->event.type != YAML_MAPPING_START_EVENT || strcmp(found, "a group of keys") != 0)
		return refuse_event(w, l->name, "a group of keys for each");
	if (*n >= l->most)
		return refuse(w, w->event.start_mark, l->name, "fewer", "more than this server takes", (struct str){ 0 });
	if (!*records)
		*records = arena_alloc(w->h->a, l->most * l->record_bytes);
	if (!*records) {
		w->err = ERR_NOMEM;
		return w->err;
	}
	w->record = (char *)*records + *n * l->record_bytes;
	r = read_fields(w, l);
	w->record = &w->h->c;
	*n += r == 0;
	return r;
}

static int read_records(struct walk *w, size_t index)
{
	const struct option_list *l = &option_lists[index];
	const char *found;
	int r;

	if (w->lists & 1ull << index)
		return refuse(w, w->event.start_mark, l->name, "each key once", "it again", (struct str){ 0 });
	w->lists |= 1ull << index;
	r = next(w);
	if (r < 0)
		return r;
	found = odd(&w->event);
	if (w->event.type != YAML_SEQUENCE_START_EVENT || strcmp(found, "a list") != 0)
		return refuse_event(w, l->name, "a list of groups of keys");
	for (;;) {
		r = next(w);
		if (r < 0 || w->event.type == YAML_SEQUENCE_END_EVENT)
			return r;
		r = read_record(w, l);
		if (r < 0)
			return r;
	}
}

/* A key of the top: a section, a list, or an option. */
static int read_named(struct walk *w, const char *name)
{
	for (size_t i = 0; i < option_section_count; i++)
		if (strcmp(option_sections[i].name, name) == 0)
			return read_section(w, i);
	for (size_t i = 0; i < option_list_count; i++)
		if (strcmp(option_lists[i].name, name) == 0)
			return read_records(w, i);
	return read_option(w, name);
}

static int read_top(struct walk *w)
{
	const char *name, *found = odd(&w->event);
	int r;

	if (w->event.type != YAML_MAPPING_START_EVENT || strcmp(found, "a group of keys") != 0)
		return refuse_event(w, NULL, "keys and values, as in 'domain: example.test'");
	for (;;) {
		r = next(w);
		if (r < 0 || w->event.type == YAML_MAPPING_END_EVENT)
			return r;
		r = read_key(w, NULL, &name);
		if (r == 0)
			r = read_named(w, name);
		if (r < 0)
			return r;
	}
}

static int expect(struct walk *w, yaml_event_type_t type, const char *expected)
{
	int r = next(w);

	if (r == 0 && w->event.type != type)
		return refuse_event(w, NULL, expected);
	return r;
}

static int read_file(struct walk *w)
{
	int r = expect(w, YAML_STREAM_START_EVENT, "YAML");

	if (r == 0)
		r = next(w);
	if (r == 0 && w->event.type == YAML_DOCUMENT_START_EVENT) {
		if (w->event.data.document_start.tag_directives.start != w->event.data.document_start.tag_directives.end)
			return refuse(w, w->event.start_mark, NULL, "no directives", "%TAG", (struct str){ 0 });
		r = next(w);
		if (r == 0)
			r = read_top(w);
		if (r == 0)
			r = expect(w, YAML_DOCUMENT_END_EVENT, "the end of the file");
		if (r == 0)
			r = expect(w, YAML_STREAM_END_EVENT, "one document");
	}
	return r;
}

/* --- what one value alone cannot show ---------------------------------------------------------------------------- */

/* Where an option stands; the top of the file when it is at its default. */
static yaml_mark_t mark_of(const struct walk *w, const struct option *o)
{
	yaml_mark_t m = w->marks[o - option_table];

	if (m.line > 0)
		m.line--;
	return m;
}

static int check_required(struct walk *w)
{
	for (size_t i = 0; i < option_count; i++) {
		struct buf b;
		int r;

		if (!option_table[i].required || w->marks[i].line > 0)
			continue;
		buf_init(&b, 1024);
		option_expected(&option_table[i], &b);
		buf_char(&b, 0);
		r = b.failed ? ERR_NOMEM : refuse(w, (yaml_mark_t){ 0 }, option_table[i].name, b.p, "no such key in the file",
						  (struct str){ 0 });
		buf_release(&b);
		return r;
	}
	return 0;
}

static unsigned port_of(const struct walk *w, const struct option *o)
{
	return *(const unsigned *)((const char *)&w->h->c + o->offset);
}

static int check_ports(struct walk *w)
{
	for (size_t i = 0; i < option_count; i++) {
		for (size_t k = 0; k < i; k++) {
			const struct option *a = &option_table[k], *b = &option_table[i];
			const struct option *at = w->marks[i].line > 0 ? b : a;
			char found[128];

			if (a->type != OPTION_PORT || b->type != OPTION_PORT || port_of(w, a) == 0 ||
			    port_of(w, a) != port_of(w, b))
				continue;
			snprintf(found, sizeof(found), "%u, which is also that of '%s'", port_of(w, b),
				 at == b ? a->name : b->name);
			return refuse(w, mark_of(w, at), at->name, "a port of its own", found, (struct str){ 0 });
		}
	}
	return 0;
}

static int defaults_set(struct holder *h)
{
	CHECK(option_count <= OPTIONS_MAX && option_section_count <= 64);
	for (size_t i = 0; i < option_count; i++) {
		int r = set_default(&option_table[i], &h->c, h->a);

		CHECK(r != ERR_BAD_FORMAT);		/* the table contradicts itself */
		if (r < 0)
			return r;
	}
	return 0;
}

int config_parse(struct str text, const char *name, struct arena *a, struct config **ret, struct str *ret_why)
{
	struct walk w = { .file = name, .text = text, .a = a };
	int r;

	if (text.n > CONFIG_FILE_BYTES) {
		*ret_why = arena_printf(a, "%s: the file is larger than %d bytes.", name, CONFIG_FILE_BYTES);
		return ERR_BAD_FORMAT;
	}
	w.h = holder_new();
	w.record = w.h ? &w.h->c : NULL;
	if (!w.h || !yaml_parser_initialize(&w.parser)) {
		struct config *c = w.h ? &w.h->c : NULL;

		config_unref(&c);
		*ret_why = STR("out of memory");
		return ERR_NOMEM;
	}
	yaml_parser_set_encoding(&w.parser, YAML_UTF8_ENCODING);
	yaml_parser_set_input_string(&w.parser, (const unsigned char *)text.p, text.n);
	r = defaults_set(w.h);
	if (r == 0)
		r = read_file(&w);
	if (r == 0)
		r = check_required(&w);
	if (r == 0)
		r = check_ports(&w);
	if (r == 0)
		r = record_check(&w.h->c, name, a, &w.why);
	if (w.has_event)
		yaml_event_delete(&w.event);
	yaml_parser_delete(&w.parser);
	if (r < 0) {
		struct config *c = &w.h->c;

		config_unref(&c);
		*ret_why = w.why.p && w.why.n > 0 ? w.why : str_of(err_text(r));
		return r;
	}
	*ret = &w.h->c;
	return 0;
}

int config_load(const char *path, struct arena *a, struct config **ret, struct str *ret_why)
{
	struct str text;
	struct config *c = NULL;
	int r = instance_read(path, CONFIG_FILE_BYTES, a, &text, ret_why);

	if (r == 0)
		r = config_parse(text, path, a, &c, ret_why);
	if (r == 0)
		r = record_secrets(c, path, ((struct holder *)c)->a, a, ret_why);
	if (r < 0) {
		config_unref(&c);
		return r;
	}
	*ret = c;
	return 0;
}

struct config *config_default(const char *domain)
{
	struct holder *h = holder_new();
	struct config *c = h ? &h->c : NULL;

	if (h && (defaults_set(h) < 0 || option_set(option_named("domain"), &h->c, str_of(domain), h->a) < 0))
		config_unref(&c);
	return c;
}

/* --- writing --------------------------------------------------------------------------------------------------------- */

static void write_option(FILE *f, const struct option *o, const char *indent)
{
	const char *dot = strchr(o->name, '.');
	struct buf b;

	buf_init(&b, 1024);
	option_expected(o, &b);
	fprintf(f, "%s# %s\n%s# Expected: %.*s.\n", indent, o->help, indent, STR_FMT(buf_str(&b)));
	fprintf(f, "%s%s: %s\n", indent, dot ? dot + 1 : o->name, o->def);
	buf_release(&b);
}

/* Empty; what a group may hold stands in comments. */
static void write_list(FILE *f, const struct option_list *l)
{
	fprintf(f, "\n# %s At most %u groups of keys, as in the comments below.\n%s: []\n", l->help, l->most, l->name);
	for (size_t i = 0; i < l->n_options; i++) {
		fprintf(f, "#%s\n", i == 0 ? " -" : "");
		write_option(f, &l->options[i], "#   ");
	}
}

int config_defaults_write(FILE *f)
{
	struct str section = STR_NONE;

	fprintf(f, "# wardroom.yaml - how the server runs: every option, its default and its meaning.\n"
		   "#\n"
		   "# Generated from the table of options; only 'domain' must be given. An unknown key, a key given twice or a\n"
		   "# value out of range stops the start, with line and column. SIGHUP reads the file again.\n");
	for (size_t i = 0; i < option_count; i++) {
		const struct option *o = &option_table[i];
		const char *dot = strchr(o->name, '.');
		struct str own = str_make(o->name, dot ? (size_t)(dot - o->name) : 0);

		fputc('\n', f);
		if (own.n > 0 && !str_eq(own, section)) {
			for (size_t k = 0; k < option_section_count; k++)
				if (str_is(own, option_sections[k].name))
					fprintf(f, "# %s\n", option_sections[k].help);
			fprintf(f, "%.*s:\n", STR_FMT(own));
		}
		section = own;
		write_option(f, o, dot ? "  " : "");
	}
	for (size_t i = 0; i < option_list_count; i++)
		write_list(f, &option_lists[i]);
	return ferror(f) ? ERR_IO : 0;
}

/* 'port' of an option of that name, or its default. */
static void add_port(struct buf *b, const char *key, const char *option, int port)
{
	if (port < 0)
		buf_printf(b, ", %s: %s", key, option_named(option)->def);
	else
		buf_printf(b, ", %s: %d", key, port);
}

int config_write_new(const char *dir, const struct config_values *v, struct arena *a, struct str *ret_why)
{
	const char *address = v->address ? v->address : option_named("listen.address")->def;
	struct instance in;
	struct config *c;
	struct buf b;
	int r = instance_paths(dir, a, &in);

	if (r < 0) {
		*ret_why = str_of(err_text(r));
		return r;
	}
	if (access(in.config, F_OK) == 0) {
		*ret_why = arena_printf(a, "%s is there already: remove it first, or use another folder.", in.config);
		return ERR_CONFLICT;
	}
	buf_init(&b, CONFIG_FILE_BYTES);
	buf_printf(&b, "# How this server runs. Options that are not here are at their defaults; conf/wardroom.yaml of the\n"
		       "# distribution lists them all. Check a change with 'wardroom status' after SIGHUP.\n"
		       "domain: \"%s\"\nlisten: { address: \"%s\"", v->domain, address);
	add_port(&b, "c2s", "listen.c2s", v->c2s);
	add_port(&b, "c2s_tls", "listen.c2s_tls", v->c2s_tls);
	add_port(&b, "s2s", "listen.s2s", v->s2s);
	add_port(&b, "component", "listen.component", v->component);
	add_port(&b, "https", "listen.https", v->https);
	buf_str_add(&b, STR(" }\n"));
	if (v->clamd)
		buf_printf(&b, "scanner: { clamd: %s, required: true%s%s }\n", v->clamd, v->signatures ? ", signatures: " : "", v->signatures ? v->signatures : "");
	r = b.failed ? ERR_NOMEM : config_parse(buf_str(&b), in.config, a, &c, ret_why);
	if (r == 0 && (!str_eq_nocase(str_of(c->domain), str_of(v->domain)) || strcmp(c->listen.address, address) != 0)) {
		*ret_why = STR("The domain or the address is not one: it would change other options.");
		r = ERR_BAD_FORMAT;		/* a quotation mark in it */
		config_unref(&c);
	}
	if (r == 0) {
		config_unref(&c);
		r = instance_write(in.config, buf_str(&b), 0644, a, ret_why);
	}
	buf_release(&b);
	return r;
}
