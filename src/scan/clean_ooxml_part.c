/* clean_ooxml_part.c - what of a part's text goes with what the part has lost: references to relationships that are no more, fields of Word
 * that start or load something, names and formulas of Excel that lead out of the workbook, and the names of people. */
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#include "scan/clean_ooxml.h"

#define FIELDS_MAX 65536		/* of one part */
#define FIELD_DEPTH 32
#define FIELD_WORDS 2048		/* bytes of a field's instruction that are looked at */
#define SHARED_MAX 4096			/* formulas that other cells share */
#define WORD "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
#define WORD_STRICT "http://purl.oclc.org/ooxml/wordprocessingml/main"
#define SHEET "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
#define SHEET_STRICT "http://purl.oclc.org/ooxml/spreadsheetml/main"
#define REL "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
#define REL_STRICT "http://purl.oclc.org/ooxml/officeDocument/relationships"
#define VML_OFFICE "urn:schemas-microsoft-com:office:office"

struct field {
	uint32_t number;
	bool result;			/* behind its separator */
	bool quote;			/* another field, QUOTE, makes a part of its instruction */
	char words[FIELD_WORDS];
	size_t n;
};

struct part {
	struct clean_ooxml *o;
	const struct clean_zip_part *part;
	struct str text;
	const char **lost;		/* ids of relationships that are no more */
	size_t n_lost;
	bool people;			/* the part of who and when */
	/* Fields: first all are read, then those that are bad go. */
	uint32_t n_fields;
	uint8_t *bad;			/* of each field: 1 + the fact, or 0 */
	struct field *open;
	unsigned depth;
	bool in_instr;
	/* Formulas. */
	char shared[SHARED_MAX / 8];
	long si;
	bool watch_name;
};

static bool word_ns(const char *name) { return clean_xml_ns(name, WORD) || clean_xml_ns(name, WORD_STRICT); }
static bool sheet_ns(const char *name) { return clean_xml_ns(name, SHEET) || clean_xml_ns(name, SHEET_STRICT); }

static void took(struct part *p, unsigned fact)
{
	p->o->c->removed |= FACT_BIT(fact);
	if (fact == FACT_MACRO)
		p->o->c->removed |= FACT_BIT(FACT_MACRO_AUTO);
}

static bool wants(const struct part *p, unsigned fact)
{
	return clean_wants(p->o->c, fact) || (fact == FACT_MACRO && clean_wants(p->o->c, FACT_MACRO_AUTO));
}

/* The word that a field begins with says what it does (part 1, 17.16.5). -1: nothing that concerns us: MACROBUTTON has no macro to start
 * any more, and what it shows stands in it. */
static int fact_of_field(const char *words, size_t n)
{
	static const struct { const char *word; uint8_t fact; } bad[] = {
		{ "DDE", FACT_DDE }, { "DDEAUTO", FACT_DDE }, { "LINK", FACT_EXTERNAL_OBJECT }, { "INCLUDETEXT", FACT_EXTERNAL_OBJECT },
		{ "INCLUDEPICTURE", FACT_EXTERNAL_OBJECT }, { "INCLUDE", FACT_EXTERNAL_OBJECT }, { "IMPORT", FACT_EXTERNAL_OBJECT },
		{ "DATABASE", FACT_EXTERNAL_OBJECT },
	};
	size_t at = 0, end;

	while (at < n && (words[at] == ' ' || words[at] == '\t' || words[at] == '\r' || words[at] == '\n' || words[at] == '\\' || words[at] == '"'))
		at++;
	for (end = at; end < n && words[end] > ' ' && words[end] != '"' && words[end] != '\\';)
		end++;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (end - at == strlen(bad[i].word) && strncasecmp(words + at, bad[i].word, end - at) == 0)
			return bad[i].fact;
	return -1;
}

static void judge(struct part *p, const struct field *f)
{
	int fact = fact_of_field(f->words, f->n);
	size_t at = 0;

	while (at < f->n && f->words[at] <= ' ')
		at++;
	if (p->depth > 1 && !f[-1].result && f->n - at >= 5 && strncasecmp(f->words + at, "QUOTE", 5) == 0)
		p->open[p->depth - 2].quote = true;
	/* The word is put together by another field, as { { QUOTE 68 68 69 } ... }: nobody writes that for good. */
	if (fact < 0 && f->quote)
		fact = FACT_DDE;
	if (fact >= 0 && wants(p, (unsigned)fact)) {
		p->bad[f->number] = (uint8_t)(1 + fact);
		took(p, (unsigned)fact);
	}
}

/* True when the element belongs to a field that is bad, known only on the second reading. */
static bool field_char(struct part *p, const char **atts, bool first)
{
	const char *type = clean_xml_get(atts, "fldCharType");
	struct field *f = p->depth > 0 ? &p->open[p->depth - 1] : NULL;

	if (!type)
		return false;
	if (strcmp(type, "begin") == 0) {
		if (p->depth == FIELD_DEPTH || p->n_fields == FIELDS_MAX)
			return false;
		f = &p->open[p->depth++];
		*f = (struct field){ .number = p->n_fields++ };
		return !first && p->bad[f->number];
	}
	if (!f)
		return false;
	if (strcmp(type, "separate") == 0) {
		f->result = true;
		return !first && p->bad[f->number];
	}
	if (first)
		judge(p, f);
	p->depth--;
	return !first && p->bad[f->number];
}

/* What is written now belongs to the instruction of a bad field, or to one within it. */
static bool in_bad_instruction(const struct part *p)
{
	for (unsigned i = 0; i < p->depth; i++)
		if (!p->open[i].result && p->bad[p->open[i].number])
			return true;
	return false;
}

static enum clean_xml_do first_start(void *ctx, struct clean_xml *x, const char *name, const char **atts)
{
	struct part *p = ctx;

	(void)x;
	if (!word_ns(name))
		return CLEAN_XML_KEEP;
	if (clean_xml_is(name, "fldChar"))
		field_char(p, atts, true);
	p->in_instr = clean_xml_is(name, "instrText") || clean_xml_is(name, "t");
	return CLEAN_XML_KEEP;
}

static void first_text(void *ctx, struct str text)
{
	struct part *p = ctx;

	if (!p->in_instr)
		return;
	/* What a field within shows is a part of the instruction around it. */
	for (unsigned i = p->depth; i-- > 0;) {
		struct field *f = &p->open[i];
		size_t n = sizeof(f->words) - f->n < text.n ? sizeof(f->words) - f->n : text.n;

		if (f->result)
			continue;
		memcpy(f->words + f->n, text.p, n);
		f->n += n;
		return;
	}
}

static void first_end(void *ctx, const char *name)
{
	struct part *p = ctx;

	if (clean_xml_is(name, "instrText") || clean_xml_is(name, "t"))
		p->in_instr = false;
}

static bool is_lost(const struct part *p, const char *id)
{
	for (size_t i = 0; i < p->n_lost; i++)
		if (strcmp(p->lost[i], id) == 0)
			return true;
	return false;
}

static bool refers(const char *att)
{
	return clean_xml_ns(att, REL) || clean_xml_ns(att, REL_STRICT) || (clean_xml_ns(att, VML_OFFICE) && clean_xml_is(att, "relid"));
}

/* The bytes up to the end tag of this local name; what is looked for does not lie within its own kind. */
static size_t up_to_end(struct str in, const char *local)
{
	size_t n = strlen(local);

	for (size_t at = 0; at + n + 2 < in.n; at++) {
		const char *s = memmem(in.p + at, in.n - at, "</", 2);
		size_t from;

		if (!s)
			break;
		at = from = (size_t)(s - in.p) + 2;
		while (at < in.n && in.p[at] != '>' && in.p[at] != ' ') {
			from = in.p[at] == ':' ? at + 1 : from;
			at++;
		}
		if (at - from == n && memcmp(in.p + from, local, n) == 0)
			return at;
	}
	return in.n;
}

/* Does what begins at this tag and ends with its end tag name a lost relationship? */
static bool holds_lost(const struct part *p, struct clean_xml *x, const char *name)
{
	struct str in = clean_xml_rest(x);
	size_t len = up_to_end(in, clean_xml_local(name));
	int n;

	for (size_t i = 0; i < p->n_lost; i++)
		for (unsigned k = 0; k < 2; k++) {
			char quoted[256];
			char q = k == 0 ? '"' : '\'';

			n = snprintf(quoted, sizeof(quoted), "%c%s%c", q, p->lost[i], q);
			if (n > 0 && (size_t)n < sizeof(quoted) && memmem(in.p, len, quoted, (size_t)n))
				return true;
		}
	return false;
}

/* Elements that stay, as something else would be lost with them: they lose the reference alone. */
static bool stays_without(const char *name)
{
	static const char *const names[] = { "blip", "imagedata", "fill", "stroke", "shape", "background", "svgBlip", "imgLayer", "pict" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (clean_xml_is(name, names[i]))
			return true;
	return false;
}

static enum clean_xml_do lost_reference(struct part *p, struct clean_xml *x, const char *name, const char **atts)
{
	if (p->n_lost == 0)
		return CLEAN_XML_KEEP;
	if ((clean_xml_is(name, "oleObjects") || clean_xml_is(name, "controls") || clean_xml_is(name, "externalReferences")) && holds_lost(p, x, name))
		return CLEAN_XML_DROP;			/* an empty list is not valid */
	if (clean_xml_is(name, "graphicFrame") && holds_lost(p, x, name))
		return CLEAN_XML_ONLY;			/* what the object looks like stays as a picture */
	for (size_t i = 0; atts[i]; i += 2)
		if (refers(atts[i]) && is_lost(p, atts[i + 1])) {
			if (!stays_without(name))
				return CLEAN_XML_DROP;
			clean_xml_attr(x, clean_xml_local(atts[i]), NULL);
		}
	return CLEAN_XML_KEEP;
}

static enum clean_xml_do person(struct part *p, const char *name)
{
	static const char *const names[] = { "creator", "lastModifiedBy", "lastPrinted", "created", "modified", "revision", "Company", "Manager", "HyperlinkBase",
					     "TotalTime", "Template", "DigSig" };

	/* Where the workbook lay when it was saved, with the name of its author's home. */
	if (clean_xml_is(name, "absPath") && clean_wants(p->o->c, FACT_METADATA)) {
		took(p, FACT_METADATA);
		return CLEAN_XML_DROP;
	}
	for (size_t i = 0; p->people && i < sizeof(names) / sizeof(names[0]); i++)
		if (clean_xml_is(name, names[i])) {
			took(p, FACT_METADATA);
			return CLEAN_XML_DROP;
		}
	return CLEAN_XML_KEEP;
}

static enum clean_xml_do field(struct part *p, const char *name, const char **atts)
{
	if (clean_xml_is(name, "fldSimple")) {
		const char *instr = clean_xml_get(atts, "instr");
		int fact = instr ? fact_of_field(instr, strlen(instr)) : -1;

		if (fact < 0 || !wants(p, (unsigned)fact))
			return CLEAN_XML_KEEP;
		took(p, (unsigned)fact);
		return CLEAN_XML_UNWRAP;
	}
	if (!p->bad)
		return CLEAN_XML_KEEP;
	if (clean_xml_is(name, "fldChar"))
		return field_char(p, atts, false) ? CLEAN_XML_DROP : CLEAN_XML_KEEP;
	if ((clean_xml_is(name, "instrText") || clean_xml_is(name, "t") || clean_xml_is(name, "delInstrText")) && in_bad_instruction(p))
		return CLEAN_XML_DROP;
	return CLEAN_XML_KEEP;
}

static bool starts_by_itself(const char *name)
{
	static const char *const names[] = { "Auto_Open", "Auto_Close", "Auto_Activate", "Auto_Deactivate" };

	if (strncasecmp(name, "_xlnm.", 6) == 0)
		name += 6;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strncasecmp(name, names[i], strlen(names[i])) == 0)
			return true;
	return false;
}

static bool yes(const char *value)
{
	return value && (strcmp(value, "1") == 0 || strcmp(value, "true") == 0);
}

static enum clean_xml_do sheet(struct part *p, const char *name, const char **atts)
{
	p->watch_name = false;
	if (clean_xml_is(name, "definedName")) {
		const char *called = clean_xml_get(atts, "name");

		if (wants(p, FACT_MACRO) && ((called && starts_by_itself(called)) || yes(clean_xml_get(atts, "xlm")) ||
					     yes(clean_xml_get(atts, "function")) || yes(clean_xml_get(atts, "vbProcedure")))) {
			took(p, FACT_MACRO);
			return CLEAN_XML_DROP;
		}
		p->watch_name = true;
		return p->o->links ? CLEAN_XML_WATCH : CLEAN_XML_KEEP;
	}
	if (clean_xml_is(name, "f") && p->o->links) {
		const char *type = clean_xml_get(atts, "t"), *si = clean_xml_get(atts, "si");

		p->si = type && si && strcmp(type, "shared") == 0 ? strtol(si, NULL, 10) : -1;
		if (p->si >= 0 && p->si < SHARED_MAX && p->shared[p->si / 8] & (1 << p->si % 8))
			return CLEAN_XML_DROP;
		return CLEAN_XML_WATCH;
	}
	return CLEAN_XML_KEEP;
}

/* "[1]Sheet!A1": the number of a workbook elsewhere. */
static bool leads_out(struct str text)
{
	for (size_t i = 0; i + 2 < text.n; i++) {
		size_t k = i + 1;

		while (text.p[i] == '[' && k < text.n && text.p[k] >= '0' && text.p[k] <= '9')
			k++;
		if (k > i + 1 && k < text.n && text.p[k] == ']')
			return true;
	}
	return false;
}

static bool watched(void *ctx, const char *name, struct str text)
{
	struct part *p = ctx;

	(void)name;
	if (!leads_out(text))
		return false;
	if (p->watch_name)
		return true;
	if (p->si >= 0 && p->si < SHARED_MAX)
		p->shared[p->si / 8] = (char)(p->shared[p->si / 8] | 1 << p->si % 8);
	p->o->cut_formulas = true;
	return true;
}

/* What a click or a look starts. */
static enum clean_xml_do action(struct part *p, struct clean_xml *x, const char *name, const char **atts)
{
	static const struct { const char *word; uint8_t fact; } bad[] = {
		{ "ppaction://program", FACT_EXTERNAL_OBJECT }, { "ppaction://macro", FACT_MACRO }, { "ppaction://ole", FACT_EMBEDDED_OBJECT },
	};
	const char *todo = strncmp(clean_xml_local(name), "hlink", 5) == 0 ? clean_xml_get(atts, "action") : NULL, *macro;

	for (size_t i = 0; todo && i < sizeof(bad) / sizeof(bad[0]); i++)
		if (strncasecmp(todo, bad[i].word, strlen(bad[i].word)) == 0 && wants(p, bad[i].fact)) {
			took(p, bad[i].fact);
			return CLEAN_XML_DROP;
		}
	macro = clean_xml_get(atts, "macro");
	if (macro && *macro && strchr(name, CLEAN_XML_SEP) && strstr(name, "preadsheetDrawing") && wants(p, FACT_MACRO)) {
		clean_xml_attr(x, "macro", "");
		took(p, FACT_MACRO);
	}
	return CLEAN_XML_KEEP;
}

static enum clean_xml_do start(void *ctx, struct clean_xml *x, const char *name, const char **atts)
{
	struct part *p = ctx;
	enum clean_xml_do todo = person(p, name);

	if (todo == CLEAN_XML_KEEP)
		todo = action(p, x, name, atts);
	if (todo == CLEAN_XML_KEEP && word_ns(name))
		todo = field(p, name, atts);
	if (todo == CLEAN_XML_KEEP && sheet_ns(name))
		todo = sheet(p, name, atts);
	if (todo == CLEAN_XML_KEEP || todo == CLEAN_XML_WATCH) {
		enum clean_xml_do lost = lost_reference(p, x, name, atts);

		todo = lost == CLEAN_XML_KEEP ? todo : lost;
	}
	return todo;
}

/* Whether the part has anything to do with what is wanted: most are copied as they are packed. */
static bool concerns(const struct part *p)
{
	static const char *const words[] = { "instrText", "fldSimple", "ppaction:", "definedName", "macro=", ":absPath" };

	if (p->n_lost > 0 || p->people)
		return true;
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (memmem(p->text.p, p->text.n, words[i], strlen(words[i])))
			return true;
	return p->o->links && memmem(p->text.p, p->text.n, "[", 1);
}

static int lost_ids(struct part *p)
{
	const struct clean_opc *o = &p->o->opc;

	for (int pass = 0; pass < 2; pass++) {
		p->n_lost = 0;
		for (size_t i = 0; i < o->n_rels; i++) {
			const struct clean_opc_rel *r = &o->rels[i];

			if (r->source != p->part || !r->drop)
				continue;
			if (p->lost)
				p->lost[p->n_lost] = r->id;
			p->n_lost++;
		}
		if (!p->lost && p->n_lost > 0)
			p->lost = calloc(p->n_lost, sizeof(*p->lost));
		if (!p->lost)
			return p->n_lost > 0 ? ERR_NOMEM : 0;
	}
	return 0;
}

static bool about_people(const struct part *p)
{
	const struct clean_opc *o = &p->o->opc;

	for (size_t i = 0; i < o->n_rels && clean_wants(p->o->c, FACT_METADATA); i++)
		if (o->rels[i].target == p->part && (strcmp(o->rels[i].type, "core-properties") == 0 || strncmp(o->rels[i].type, "extended", 8) == 0))
			return true;
	return false;
}

/* The first reading: which fields are bad. */
static int read_fields(struct part *p)
{
	const struct clean_xml_rules rules = { .ctx = p, .start = first_start, .text = first_text, .end = first_end };
	struct buf copy;
	int err;

	if (!memmem(p->text.p, p->text.n, "instrText", 9))
		return 0;
	p->bad = calloc(FIELDS_MAX, sizeof(*p->bad));
	p->open = calloc(FIELD_DEPTH, sizeof(*p->open));
	if (!p->bad || !p->open)
		return ERR_NOMEM;
	buf_init(&copy, CLEAN_ZIP_PART);
	err = clean_xml_edit(p->text, &rules, &copy);
	buf_release(&copy);
	p->depth = p->n_fields = 0;
	return err;
}

int clean_ooxml_part(struct clean_ooxml *o, struct clean_zip_part *zp)
{
	struct part p = { .o = o, .part = zp };
	struct clean_xml_rules rules = { .ctx = &p, .start = start, .watched = watched, .only = "pic" };
	struct buf text, copy;
	int err = lost_ids(&p);

	buf_init(&copy, CLEAN_ZIP_PART);
	buf_init(&text, 0);
	p.people = about_people(&p);
	if (err == 0 && (p.n_lost > 0 || p.people || str_ends(zp->name, STR("workbook.xml")) || (o->c->what & ~FACT_BIT(FACT_METADATA))))
		err = clean_zip_plain(&o->opc.zip, zp, &text);
	p.text = buf_str(&text);
	if (err == 0 && text.n > 0 && concerns(&p)) {
		err = read_fields(&p);
		if (err == 0)
			err = clean_xml_edit(p.text, &rules, &copy);
		if (err == 0 && !str_eq(buf_str(&copy), p.text))
			err = clean_opc_put(zp, &copy);
	}
	free(p.bad);
	free(p.open);
	free(p.lost);
	buf_release(&text);
	buf_release(&copy);
	return err;
}
