#include "scan/clean_opc.h"

#include <stdlib.h>

#include "scan/clean_parts.h"

#define TYPES "[Content_Types].xml"
#define PATH_MAX_BYTES 4096

bool clean_opc_is(struct str in)
{
	struct clean_zip z;
	bool yes;

	if (!clean_zip_is(in) || clean_zip_open(in, &z) < 0)
		return false;
	yes = clean_zip_find(&z, STR(TYPES)) != NULL;
	clean_zip_close(&z);
	return yes;
}

static int hex(char c)
{
	return c >= '0' && c <= '9' ? c - '0' : (c | 32) >= 'a' && (c | 32) <= 'f' ? (c | 32) - 'a' + 10 : -1;
}

/* The part that an address means, seen from the folder of its source (part 2, annex A). */
static struct clean_zip_part *resolve(struct clean_zip *z, struct str base, const char *address)
{
	char path[PATH_MAX_BYTES];
	size_t n = 0;
	const char *s = address;

	if (*s != '/' && *s != '\\')
		for (size_t i = base.n; i > 0; i--)
			if (base.p[i - 1] == '/') {
				n = i;
				break;
			}
	if (n >= sizeof(path))
		return NULL;
	memcpy(path, base.p, n);
	while (*s && *s != '#' && *s != '?') {
		size_t len = 0;

		while (*s == '/' || *s == '\\')
			s++;
		while (*s && *s != '/' && *s != '\\' && *s != '#' && *s != '?' && n + len < sizeof(path) - 1) {
			bool coded = s[0] == '%' && hex(s[1]) >= 0 && hex(s[2]) >= 0;

			path[n + len++] = coded ? (char)(hex(s[1]) * 16 + hex(s[2])) : *s;
			s += coded ? 3 : 1;
		}
		if (n + len >= sizeof(path) - 1)
			return NULL;
		if (len == 2 && memcmp(path + n, "..", 2) == 0) {
			n = n > 0 ? n - 1 : 0;
			while (n > 0 && path[n - 1] != '/')
				n--;
		} else if (!(len == 1 && path[n] == '.') && len > 0) {
			n += len;
			path[n++] = '/';
		}
	}
	return n > 1 ? clean_zip_find(z, str_make(path, n - 1)) : NULL;
}

struct reading {
	struct clean_opc *o;
	const struct clean_zip_part *file, *source;
	struct str base;
	int err;
};

static const char *keep(struct reading *r, const char *s)
{
	const char *copy = arena_dup(r->o->a, s ? s : "", s ? strlen(s) : 0);

	if (!copy)
		r->err = ERR_LIMIT;
	return copy ? copy : "";
}

static enum clean_xml_do read_rel(void *ctx, struct clean_xml *x, const char *name, const char **atts)
{
	struct reading *r = ctx;
	const char *type, *mode = clean_xml_get(atts, "TargetMode"), *address = clean_xml_get(atts, "Target");
	struct clean_opc_rel *rel;

	(void)x;
	if (!clean_xml_is(name, "Relationship") || r->err < 0)
		return CLEAN_XML_KEEP;
	if (r->o->n_rels == CLEAN_OPC_RELS) {
		r->err = ERR_LIMIT;
		return CLEAN_XML_KEEP;
	}
	type = keep(r, clean_xml_get(atts, "Type"));
	rel = &r->o->rels[r->o->n_rels++];
	*rel = (struct clean_opc_rel){
		.source = r->source, .file = r->file, .id = keep(r, clean_xml_get(atts, "Id")), .address = keep(r, address),
		.type = strrchr(type, '/') ? strrchr(type, '/') + 1 : type, .external = mode && strcasecmp(mode, "External") == 0,
	};
	if (!rel->external)
		rel->target = resolve(&r->o->zip, r->base, rel->address);
	return CLEAN_XML_KEEP;
}

/* "word/_rels/document.xml.rels" speaks for "word/document.xml". */
static bool source_of(struct str name, char *path, struct str *ret)
{
	ptrdiff_t at = -1;

	if (!str_ends(name, STR(".rels")) || name.n >= PATH_MAX_BYTES)
		return false;
	for (size_t i = 0; i + 6 <= name.n; i++)
		if (memcmp(name.p + i, "_rels/", 6) == 0 && (i == 0 || name.p[i - 1] == '/'))
			at = (ptrdiff_t)i;
	if (at < 0 || memchr(name.p + at + 6, '/', name.n - (size_t)at - 6))
		return false;
	memcpy(path, name.p, (size_t)at);
	memcpy(path + at, name.p + at + 6, name.n - (size_t)at - 11);
	*ret = str_make(path, name.n - 11);
	return true;
}

static int read_rels(struct clean_opc *o, struct clean_zip_part *file)
{
	struct clean_xml_rules rules = { .start = read_rel };
	struct reading r = { .o = o, .file = file };
	char path[PATH_MAX_BYTES];
	struct buf text, copy;
	int err;

	if (!source_of(file->name, path, &r.base))
		return 0;
	r.source = r.base.n > 0 ? clean_zip_find(&o->zip, r.base) : NULL;
	if (!r.source && r.base.n > 0) {
		file->drop = true;			/* of a part that is not there */
		return 0;
	}
	rules.ctx = &r;
	buf_init(&copy, CLEAN_ZIP_PART);
	err = clean_zip_plain(&o->zip, file, &text);
	if (err == 0)
		err = clean_xml_edit(buf_str(&text), &rules, &copy);
	buf_release(&text);
	buf_release(&copy);
	return err < 0 ? err : r.err;
}

int clean_opc_open(struct str in, struct clean_opc *ret)
{
	struct clean_opc o = { 0 };
	int err = clean_zip_open(in, &o.zip);

	*ret = (struct clean_opc){ 0 };
	if (err < 0)
		return err;
	o.a = arena_new(CLEAN_OPC_MEMORY);
	o.rels = calloc(CLEAN_OPC_RELS, sizeof(*o.rels));
	o.types = clean_zip_find(&o.zip, STR(TYPES));
	if (!o.a || !o.rels)
		err = ERR_NOMEM;
	else if (!o.types || !clean_zip_find(&o.zip, STR("_rels/.rels")))
		err = ERR_BAD_FORMAT;
	for (size_t i = 0; i < o.zip.n && err == 0; i++)
		err = read_rels(&o, &o.zip.v[i]);
	if (err < 0)
		clean_opc_close(&o);
	else
		*ret = o;
	return err;
}

void clean_opc_close(struct clean_opc *o)
{
	clean_zip_close(&o->zip);
	arena_free(&o->a);
	free(o->rels);
	*o = (struct clean_opc){ 0 };
}

static enum clean_xml_do stays(void *ctx, struct clean_xml *x, const char *name, const char **atts)
{
	(void)ctx;
	(void)x;
	(void)name;
	(void)atts;
	return CLEAN_XML_KEEP;
}

int clean_opc_put(struct clean_zip_part *p, struct buf *give)
{
	const struct clean_xml_rules rules = { .start = stays };
	struct buf copy;
	int err;

	buf_init(&copy, CLEAN_ZIP_PART);
	err = clean_xml_edit(buf_str(give), &rules, &copy);
	buf_release(&copy);
	if (err == 0)
		clean_zip_replace(p, give);
	return err == ERR_BAD_FORMAT ? ERR_UNSUPPORTED : err;
}

/* Which parts the package reaches; what is dropped counts when 'all'. */
static void reach(const struct clean_opc *o, bool all, bool *seen)
{
	bool more = true;

	while (more) {
		more = false;
		for (size_t i = 0; i < o->n_rels; i++) {
			const struct clean_opc_rel *r = &o->rels[i];
			bool from = !r->source || seen[r->source - o->zip.v];

			if (from && r->target && (all || !r->drop) && !seen[r->target - o->zip.v])
				more = seen[r->target - o->zip.v] = true;
		}
	}
}

int clean_opc_sweep(struct clean_opc *o)
{
	bool *seen = calloc(2 * o->zip.n + 2, sizeof(*seen)), *still = seen + o->zip.n + 1;

	if (!seen)
		return ERR_NOMEM;
	reach(o, true, seen);
	reach(o, false, still);
	for (size_t i = 0; i < o->zip.n; i++)
		if (seen[i] && !still[i])
			o->zip.v[i].drop = true;
	free(seen);
	for (size_t i = 0; i < o->n_rels; i++) {
		struct clean_opc_rel *r = &o->rels[i];

		if (r->source && r->source->drop) {
			r->drop = true;
			o->zip.v[r->file - o->zip.v].drop = true;
		}
		if (r->target && r->target->drop)
			r->drop = true;
	}
	/* Relationships of a part that had none of worth. */
	for (size_t i = 0; i < o->zip.n; i++) {
		char path[PATH_MAX_BYTES];
		struct str source;
		const struct clean_zip_part *p;

		if (!source_of(o->zip.v[i].name, path, &source) || source.n == 0)
			continue;
		p = clean_zip_find(&o->zip, source);
		if (!p || p->drop)
			o->zip.v[i].drop = true;
	}
	return 0;
}

struct writing {
	struct clean_opc *o;
	const struct clean_zip_part *file;
	size_t at;			/* the relationship that comes next */
	bool changed;
	const char *(*retype)(void *ctx, const char *type);
	void *ctx;
};

static enum clean_xml_do write_rel(void *ctx, struct clean_xml *x, const char *name, const char **atts)
{
	struct writing *w = ctx;
	const struct clean_opc_rel *r;

	(void)atts;
	if (!clean_xml_is(name, "Relationship") || w->at == w->o->n_rels || w->o->rels[w->at].file != w->file)
		return CLEAN_XML_KEEP;
	r = &w->o->rels[w->at++];
	if (r->drop)
		return CLEAN_XML_DROP;
	if (r->new_type)
		clean_xml_attr(x, "Type", r->new_type);
	if (r->new_address)
		clean_xml_attr(x, "Target", r->new_address);
	return CLEAN_XML_KEEP;
}

static int edit_part(struct clean_opc *o, struct clean_zip_part *p, const struct clean_xml_rules *rules)
{
	struct buf text, copy;
	int err;

	buf_init(&copy, CLEAN_ZIP_PART);
	err = clean_zip_plain(&o->zip, p, &text);
	if (err == 0)
		err = clean_xml_edit(buf_str(&text), rules, &copy);
	if (err == 0)
		err = clean_opc_put(p, &copy);
	buf_release(&text);
	buf_release(&copy);
	return err;
}

static int write_rels(struct clean_opc *o)
{
	for (size_t i = 0; i < o->n_rels;) {
		struct writing w = { .o = o, .file = o->rels[i].file, .at = i };
		struct clean_xml_rules rules = { .ctx = &w, .start = write_rel };
		bool changed = false;
		size_t to = i;
		int err;

		for (; to < o->n_rels && o->rels[to].file == w.file; to++)
			changed |= o->rels[to].drop || o->rels[to].new_type || o->rels[to].new_address;
		if (changed && !w.file->drop) {
			err = edit_part(o, &o->zip.v[w.file - o->zip.v], &rules);
			if (err < 0)
				return err;
		}
		i = to;
	}
	return 0;
}

static enum clean_xml_do write_type(void *ctx, struct clean_xml *x, const char *name, const char **atts)
{
	struct writing *w = ctx;
	const char *part = clean_xml_get(atts, "PartName"), *type = clean_xml_get(atts, "ContentType"), *to;

	if (clean_xml_is(name, "Override") && part) {
		const struct clean_zip_part *p = resolve(&w->o->zip, STR_NONE, part);

		if (p && p->drop)
			return CLEAN_XML_DROP;
		if (p && p->new_name)
			clean_xml_attr(x, "PartName", p->new_name - 1);	/* from its slash on: see clean_ooxml.c */
	}
	to = type && w->retype ? w->retype(w->ctx, type) : NULL;
	if (to)
		clean_xml_attr(x, "ContentType", to);
	return CLEAN_XML_KEEP;
}

int clean_opc_finish(struct clean_opc *o, const char *(*retype)(void *ctx, const char *type), void *ctx)
{
	struct writing w = { .o = o, .retype = retype, .ctx = ctx };
	struct clean_xml_rules rules = { .ctx = &w, .start = write_type };
	int err = write_rels(o);

	return err < 0 ? err : edit_part(o, o->types, &rules);
}

int clean_opc_write(struct clean_opc *o, struct buf *out)
{
	return clean_zip_write(&o->zip, o->types, false, out);
}
