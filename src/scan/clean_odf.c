/* clean_odf.c - takes macros, DDE, what is loaded from elsewhere, foreign objects and the names of people out of OpenDocument (ISO 26300),
 * packed or flat, and its forerunner of StarOffice. Charts and formulas are documents of the same kind and stay. */
#include <strings.h>

#include "scan/clean_parts.h"
#include "scan/clean_xml.h"
#include "scan/clean_zip.h"

#define MANIFEST "META-INF/manifest.xml"

struct odf {
	struct clean *c;
	struct clean_zip zip;
	bool people;			/* the part is meta.xml */
};

bool clean_odf_is(struct str in)
{
	struct clean_zip z;
	bool yes;

	if (!clean_zip_is(in))
		return str_find(str_make(in.p, in.n < 4096 ? in.n : 4096), STR("<office:document ")) >= 0;
	if (clean_zip_open(in, &z) < 0)
		return false;
	yes = clean_zip_find(&z, STR(MANIFEST)) && clean_zip_find(&z, STR("content.xml"));
	clean_zip_close(&z);
	return yes;
}

static bool took(struct odf *o, unsigned fact)
{
	if (!clean_wants(o->c, fact))
		return false;
	o->c->removed |= FACT_BIT(fact);
	if (fact == FACT_MACRO)
		o->c->removed |= FACT_BIT(FACT_MACRO_AUTO);
	return true;
}

static bool one_of(const char *name, const char *const names[], size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (clean_xml_is(name, names[i]))
			return true;
	return false;
}
#define ONE_OF(name, ...) one_of(name, (const char *const[]){ __VA_ARGS__ }, sizeof((const char *const[]){ __VA_ARGS__ }) / sizeof(char *))

static bool starts_script(const char *address)
{
	static const char *const schemes[] = { "vnd.sun.star", "macro:", "javascript:", "vbscript:", "script:", "service:", "slot:", "data:", ".uno:" };

	for (size_t i = 0; i < sizeof(schemes) / sizeof(schemes[0]); i++)
		if (strncasecmp(address, schemes[i], strlen(schemes[i])) == 0)
			return true;
	return false;
}

static bool outside(const char *address)
{
	return strstr(address, ":/") || strncmp(address, "../", 3) == 0 || address[0] == '/' || strchr(address, '\\') || starts_script(address);
}

/* The parts that an object's address means. */
static void drop_object(struct odf *o, const char *address)
{
	struct str name = str_of(address);

	if (str_starts(name, STR("./")))
		name = str_cut(name, 2);
	for (size_t i = 0; i < o->zip.n && name.n > 0; i++) {
		struct clean_zip_part *p = &o->zip.v[i];

		if (str_starts(p->name, name) && (p->name.n == name.n || p->name.p[name.n] == '/'))
			p->drop = true;
	}
}

static enum clean_xml_do person(struct odf *o, const char *name)
{
	if (clean_xml_is(name, "body"))
		o->people = false;		/* a flat document: from here on people are those who comment */
	if (o->people && ONE_OF(name, "initial-creator", "creator", "creation-date", "date", "printed-by", "print-date", "editing-cycles", "editing-duration",
				"generator", "user-defined", "template", "auto-reload") && took(o, FACT_METADATA))
		return CLEAN_XML_DROP;
	if (clean_xml_is(name, "template") && o->people && took(o, FACT_EXTERNAL_TEMPLATE))
		return CLEAN_XML_DROP;
	return CLEAN_XML_KEEP;
}

static enum clean_xml_do program(struct odf *o, const char *name, const char **atts)
{
	const char *href = clean_xml_get(atts, "href"), *action = clean_xml_get(atts, "action");

	if (ONE_OF(name, "script") || (clean_xml_is(name, "event-listener") && (!action || strcmp(action, "execute-macro") == 0)) ||
	    (clean_xml_is(name, "events") && strstr(name, "script")))
		return took(o, FACT_MACRO) ? CLEAN_XML_DROP : CLEAN_XML_KEEP;
	if (clean_xml_is(name, "event-listener") && (strcmp(action, "execute") == 0 || (href && outside(href))))
		return took(o, FACT_EXTERNAL_OBJECT) ? CLEAN_XML_DROP : CLEAN_XML_KEEP;
	if (clean_xml_is(name, "execute-macro"))
		return took(o, FACT_MACRO) ? CLEAN_XML_UNWRAP : CLEAN_XML_KEEP;
	if (ONE_OF(name, "dde-source", "dde-link", "dde-connection-decl"))
		return took(o, FACT_DDE) ? CLEAN_XML_DROP : CLEAN_XML_KEEP;
	if (clean_xml_is(name, "dde-connection"))
		return took(o, FACT_DDE) ? CLEAN_XML_UNWRAP : CLEAN_XML_KEEP;
	return CLEAN_XML_KEEP;
}

/* A cell keeps the value it had last. */
static void formula(struct odf *o, struct clean_xml *x, const char *f)
{
	bool dde = strcasestr(f, "DDE(") != NULL;

	if (!dde && !strcasestr(f, "WEBSERVICE(") && !strstr(f, "'file:") && !strstr(f, "'http"))
		return;
	if (took(o, dde ? FACT_DDE : FACT_EXTERNAL_OBJECT))
		clean_xml_attr(x, "formula", NULL);
}

static enum clean_xml_do address(struct odf *o, struct clean_xml *x, const char *name, const char *href)
{
	if (ONE_OF(name, "object-ole", "plugin", "applet", "floating-frame")) {
		if (!took(o, outside(href) ? FACT_EXTERNAL_OBJECT : FACT_EMBEDDED_OBJECT))
			return CLEAN_XML_KEEP;
		drop_object(o, href);
		return CLEAN_XML_DROP;
	}
	if (clean_xml_is(name, "a")) {
		if (starts_script(href) && took(o, FACT_EXTERNAL_OBJECT))
			clean_xml_attr(x, "href", "https://removed.invalid/");
		return CLEAN_XML_KEEP;
	}
	if (!outside(href) || !took(o, FACT_EXTERNAL_OBJECT))
		return CLEAN_XML_KEEP;
	if (ONE_OF(name, "form", "button", "image-frame", "image-map", "area-rectangle", "area-circle", "area-polygon")) {
		clean_xml_attr(x, "href", NULL);
		return CLEAN_XML_KEEP;
	}
	return CLEAN_XML_DROP;
}

static enum clean_xml_do start(void *ctx, struct clean_xml *x, const char *name, const char **atts)
{
	struct odf *o = ctx;
	const char *href = clean_xml_get(atts, "href"), *f = clean_xml_get(atts, "formula");
	enum clean_xml_do todo = person(o, name);

	if (todo == CLEAN_XML_KEEP)
		todo = program(o, name, atts);
	if (todo == CLEAN_XML_KEEP && f)
		formula(o, x, f);
	if (todo == CLEAN_XML_KEEP && !href && clean_xml_is(name, "object-ole") && took(o, FACT_EMBEDDED_OBJECT))
		todo = CLEAN_XML_DROP;				/* its bytes stand in it */
	if (todo == CLEAN_XML_KEEP && href)
		todo = address(o, x, name, href);
	return todo;
}

static void drop_parts(struct odf *o)
{
	static const struct { const char *begin; uint8_t fact; } parts[] = {
		{ "Basic/", FACT_MACRO }, { "Scripts/", FACT_MACRO }, { "Dialogs/", FACT_MACRO }, { "META-INF/macrosignatures.xml", FACT_MACRO },
		{ "META-INF/documentsignatures.xml", FACT_SIGNED },
	};

	for (size_t i = 0; i < o->zip.n; i++) {
		struct clean_zip_part *p = &o->zip.v[i];

		for (size_t k = 0; k < sizeof(parts) / sizeof(parts[0]); k++)
			if (str_starts(p->name, str_of(parts[k].begin)) && took(o, parts[k].fact))
				p->drop = true;
		/* Keys, menus and bars of this document alone: what they could call is a macro. */
		if (str_starts(p->name, STR("Configurations2/")) && clean_wants(o->c, FACT_MACRO))
			p->drop = true;
	}
}

static int edit(struct odf *o, struct clean_zip_part *p, const struct clean_xml_rules *rules)
{
	struct buf text, copy;
	int err;

	buf_init(&copy, CLEAN_ZIP_PART);
	err = clean_zip_plain(&o->zip, p, &text);
	if (err == 0 && text.n > 0)
		err = clean_xml_edit(buf_str(&text), rules, &copy);
	if (err == 0 && !str_eq(buf_str(&text), buf_str(&copy)))
		clean_zip_replace(p, &copy);
	buf_release(&text);
	buf_release(&copy);
	return err;
}

static enum clean_xml_do entry(void *ctx, struct clean_xml *x, const char *name, const char **atts)
{
	struct odf *o = ctx;
	const char *path = clean_xml_get(atts, "full-path");
	struct str s = str_of(path);
	bool gone = false, some = false;

	(void)x;
	if (!clean_xml_is(name, "file-entry") || !path || s.n < 2)
		return CLEAN_XML_KEEP;
	for (size_t i = 0; i < o->zip.n; i++) {
		const struct clean_zip_part *p = &o->zip.v[i];
		bool it = str_eq(p->name, s) || (str_ends(s, STR("/")) && str_starts(p->name, s));

		gone |= it && p->drop;
		some |= it && !p->drop;
	}
	return gone && !some ? CLEAN_XML_DROP : CLEAN_XML_KEEP;
}

static bool document_part(struct str name)
{
	return str_ends(name, STR("content.xml")) || str_ends(name, STR("styles.xml")) || str_ends(name, STR("meta.xml")) || str_ends(name, STR("settings.xml"));
}

static int packed(struct odf *o)
{
	const struct clean_xml_rules rules = { .ctx = o, .start = start }, entries = { .ctx = o, .start = entry };
	struct clean_zip_part *manifest;
	int err = clean_zip_open(o->c->in, &o->zip);

	if (err < 0)
		return err;
	manifest = clean_zip_find(&o->zip, STR(MANIFEST));
	drop_parts(o);
	for (size_t i = 0; i < o->zip.n && err == 0; i++) {
		struct clean_zip_part *p = &o->zip.v[i];

		if (p->drop || !document_part(p->name))
			continue;
		o->people = str_ends(p->name, STR("meta.xml"));
		err = edit(o, p, &rules);
	}
	if (err == 0)
		err = manifest ? edit(o, manifest, &entries) : ERR_BAD_FORMAT;
	if (err == 0)
		err = clean_zip_write(&o->zip, clean_zip_find(&o->zip, STR("mimetype")), true, &o->c->out);
	clean_zip_close(&o->zip);
	return err;
}

int clean_odf(struct clean *c)
{
	struct odf o = { .c = c, .people = true };
	const struct clean_xml_rules rules = { .ctx = &o, .start = start };

	return clean_zip_is(c->in) ? packed(&o) : clean_xml_edit(c->in, &rules, &c->out);
}
