#include "scan/office.h"

#include <strings.h>

#include "base/buf.h"
#include "scan/bytes.h"
#include "scan/dde.h"
#include "scan/markup.h"

#define FIELD 4096			/* characters of one field's instruction */
#define DECLARATION 2048		/* bytes before the first element */

struct part {
	struct look *l;
	struct buf field;
	bool in_instruction, in_person, in_formula;
	bool no_people;			/* who made it stands elsewhere: here they are part of the text, as with remarks */
};

static bool ends(const char *s, const char *tail)
{
	return str_ends(str_of(s), str_of(tail));
}

/* Another machine, or a program by its address; "../other.docx" beside it is none. */
static bool elsewhere(struct str target)
{
	return bytes_has(target, STR("://")) || bytes_at(target, 0, STR("\\\\")) || bytes_at(target, 0, STR("//")) ||
	    bytes_find_nocase(target, 0, STR("mhtml:")) == 0 ||
	       bytes_find_nocase(target, 0, STR("ms-msdt:")) >= 0 || bytes_find_nocase(target, 0, STR("script:")) == 0;
}

/* "file:///C:/...": on the author's own disk, so it loads nothing here. "file:///\\\\server" and "file://server" do. */
static bool own_disk(struct str target)
{
	return bytes_find_nocase(bytes_sub(target, 0, 8), 0, STR("file:///")) == 0 && (bytes_at(target, 9, STR(":")) ||
	    bytes_at(target, 9, STR("|")));
}

static void external(struct look *l, const char *type, struct str target)
{
	int n = target.n > 80 ? 80 : (int)target.n;

	if (ends(type, "/hyperlink")) {
		/* A link is looked at when it is sent as text; here only what does more than to open a page. */
		if (bytes_find_nocase(target, 0, STR("ms-msdt:")) == 0 || bytes_find_nocase(target, 0, STR("search-ms:")) == 0 ||
		    bytes_find_nocase(target, 0, STR("javascript:")) == 0 || bytes_find_nocase(target, 0, STR("vbscript:")) == 0)
			look_note(l, FACT_EXTERNAL_OBJECT, "link %.*s", n, target.p);
	} else if (ends(type, "/attachedTemplate")) {
		if (elsewhere(target) && !own_disk(target))
			look_note(l, FACT_EXTERNAL_TEMPLATE, "%.*s", n, target.p);
	} else if (ends(type, "/oleObject") || ends(type, "/frame") || ends(type, "/subDocument") || ends(type, "/aFChunk") ||
	    ends(type, "/control") ||
		   ends(type, "/mailMergeSource") || ends(type, "/recipientData") || ends(type, "/vbaProject") ||
		       ends(type, "/customUI") || ends(type, "/package")) {
		look_note(l, FACT_EXTERNAL_OBJECT, "%.*s", n, target.p);
	} else if (elsewhere(target) && !own_disk(target)) {
		look_note(l, FACT_EXTERNAL_OBJECT, "%.*s", n, target.p);
	}
}

static bool is_text(struct str target)		/* of which Word takes the text alone */
{
	return ends(target.p, ".html") || ends(target.p, ".htm") || ends(target.p, ".xhtml") || ends(target.p, ".txt") ||
	    ends(target.p, ".xml");
}

static void relation(void *ctx, const char *name, const char **attrs)
{
	struct part *p = ctx;
	const char *type = markup_attr(attrs, "Type").p;
	struct str target = markup_attr(attrs, "Target");

	if (strcmp(name, "Relationship") != 0)
		return;
	if (str_eq_nocase(markup_attr(attrs, "TargetMode"), STR("External")))
		external(p->l, type, target);
	else if (ends(type, "/vbaProject") || ends(type, "/wordVbaData"))
		look_note(p->l, FACT_MACRO, "%.*s", STR_FMT(target));
	else if (ends(type, "/xlMacrosheet") || ends(type, "/xlIntlMacrosheet"))
		look_note(p->l, FACT_MACRO, "macro sheet %.*s", STR_FMT(target));
	else if (ends(type, "/control") || ends(type, "/activeXControlBinary"))
		look_note(p->l, FACT_ACTIVEX, "%.*s", STR_FMT(target));
	else if (ends(type, "/oleObject") || ends(type, "/package") || (ends(type, "/aFChunk") && !is_text(target)))
		look_note(p->l, FACT_EMBEDDED_OBJECT, "%.*s", STR_FMT(target));
	else if (ends(type, "/digital-signature/origin") || ends(type, "/digital-signature/signature"))
		look_note(p->l, FACT_SIGNED, "%.*s", STR_FMT(target));
}

static void field_done(struct part *p)
{
	if (dde_field(buf_str(&p->field)))
		look_note(p->l, FACT_DDE, "field");
	buf_clear(&p->field);
}

static bool person(const char *name)		/* elements of docProps/ that say who */
{
	static const char *const of[] = { "creator", "lastModifiedBy", "Company", "Manager", "initial-creator", "printed-by" };

	for (size_t i = 0; i < ARRAY_SIZE(of); i++)
		if (strcmp(name, of[i]) == 0)
			return true;
	return false;
}

static void content_start(void *ctx, const char *name, const char **attrs)
{
	struct part *p = ctx;
	struct str s;

	if (strcmp(name, "instrText") == 0 || strcmp(name, "delInstrText") == 0) {
		p->in_instruction = true;
	} else if (strcmp(name, "fldSimple") == 0) {
		if (dde_field(markup_attr(attrs, "instr")))
			look_note(p->l, FACT_DDE, "field");
	} else if (strcmp(name, "fldChar") == 0) {
		s = markup_attr(attrs, "fldCharType");
		if (!str_is(s, "begin"))
			field_done(p);
	} else if (strcmp(name, "ddeLink") == 0) {
		look_note(p->l, FACT_DDE, "link of a workbook");
	} else if (strcmp(name, "oleLink") == 0) {
		look_note(p->l, FACT_EXTERNAL_OBJECT, "link of a workbook");
	} else if (strcmp(name, "f") == 0 || strcmp(name, "Formula") == 0) {
		p->in_formula = true;
	} else if (strcmp(name, "definedName") == 0) {
		s = markup_attr(attrs, "name");
		if (bytes_has_nocase(s, STR("auto_open")) || bytes_has_nocase(s, STR("auto_close")))
			look_note(p->l, FACT_MACRO_AUTO, "%.*s", STR_FMT(s));
	} else if (strcmp(name, "macro") == 0 || strcmp(name, "binData") == 0) {
		if (bytes_has_nocase(markup_attr(attrs, "name"), STR("editdata.mso")))
			look_note(p->l, FACT_MACRO, "editdata.mso");
		else if (bytes_has_nocase(markup_attr(attrs, "name"), STR("oledata.mso")))
			look_note(p->l, FACT_EMBEDDED_OBJECT, "oledata.mso");
	} else if (strcmp(name, "docOleData") == 0) {
		look_note(p->l, FACT_EMBEDDED_OBJECT, "docOleData");
	} else if (strcmp(name, "docSuppData") == 0) {
		look_note(p->l, FACT_MACRO, "docSuppData");
	} else if (person(name)) {
		p->in_person = true;
	}
	s = markup_attr(attrs, "Formula");
	if (dde_formula(s))
		look_note(p->l, FACT_DDE, "formula");
}

static void content_text(void *ctx, struct str text)
{
	struct part *p = ctx;

	if (p->in_instruction || p->in_formula)
		(void)buf_str_add(&p->field, bytes_sub(text, 0, FIELD - p->field.n));
	if (p->in_person && str_trim(text).n > 0)
		look_note(p->l, FACT_METADATA, "who made it");
}

static void content_end(void *ctx, const char *name)
{
	struct part *p = ctx;

	if (p->in_formula && (strcmp(name, "f") == 0 || strcmp(name, "Formula") == 0)) {
		struct str cell = buf_str(&p->field);

		if (dde_formula(cell) || (cell.n > 4 && str_find_char(cell, '|') > 0 &&
		    str_find_char(cell, '!') > str_find_char(cell, '|') && bytes_has(cell, STR("|'"))))
			look_note(p->l, FACT_DDE, "formula");
		buf_clear(&p->field);
		p->in_formula = false;
	}
	if (strcmp(name, "p") == 0)
		field_done(p);
	p->in_instruction = p->in_person = false;
}

/* Declarations and what is no XML are refused by Office itself; a part that is damaged still shows what it wanted. */
static void damaged(struct look *l, struct str bytes)
{
	if (bytes_has_nocase(bytes, STR("ddeauto")) || bytes_has_nocase(bytes, STR("ddelink")))
		look_note(l, FACT_DDE, "in a damaged part");
	if (bytes_has_nocase(bytes, STR("<!entity")))
		look_note(l, FACT_MALFORMED, "XML with entities of its own");
}

static void content(struct look *l, struct str bytes, bool relations)
{
	struct part p = { .l = l };
	const struct markup m = { .start = relations ? relation : content_start, .text = relations ? NULL : content_text,
				  .end = relations ? NULL : content_end, .ctx = &p };

	buf_init(&p.field, FIELD);
	if (markup_run(&m, bytes) < 0) {
		damaged(l, bytes);
		if (relations)
			look_note(l, FACT_MALFORMED, "relations that are no XML");
	}
	field_done(&p);
	buf_release(&p.field);
}

static bool ends_nocase(struct str s, struct str tail)
{
	return s.n >= tail.n && str_eq_nocase(str_cut(s, s.n - tail.n), tail);
}

static bool starts_nocase(struct str s, struct str head)
{
	return str_eq_nocase(bytes_sub(s, 0, head.n), head);
}

/* Letters of instructions, one behind the other however they are cut into pieces; false: they are no part of "dde". */
static bool letters_of_dde(struct str piece, unsigned *have)
{
	for (size_t i = 0; i < piece.n; i++) {
		char c = piece.p[i];

		if (c == '&')				/* a letter that is written as a number */
			return true;
		if (c == ' ' || c == '"' || c == '\t' || c == '\r' || c == '\n' || c == '{')
			continue;
		if ((c | 0x20) == 'd')
			*have = *have < 2 ? *have + 1 : 2;
		else if ((c | 0x20) == 'e' && *have == 2)
			return true;
		else
			*have = 0;
	}
	return false;
}

/* Pages are numbered by fields, so nearly every document has some: only those that could spell DDE are read as XML. */
static bool fields_worth_reading(struct str s)
{
	unsigned have = 0;

	for (size_t at = 0;;) {
		ptrdiff_t next = str_find(str_cut(s, at), STR("nstrText")), close, end;
		struct str rest;

		if (next < 0)
			break;
		at += (size_t)next + 8;
		rest = str_cut(s, at);
		close = str_find_char(rest, '>');
		rest = close < 0 ? STR_NONE : str_cut(rest, (size_t)close + 1);
		end = str_find_char(rest, '<');
		if (letters_of_dde(bytes_sub(rest, 0, end < 0 ? rest.n : (size_t)end), &have) || (end >= 0 &&
		    bytes_at(rest, (size_t)end, STR("<!"))))
			return true;
	}
	for (size_t at = 0;;) {
		ptrdiff_t next = str_find(str_cut(s, at), STR("instr="));

		if (next < 0)
			return false;
		at += (size_t)next + 7;
		have = 0;
		if (letters_of_dde(bytes_sub(str_cut(s, at), 0, 16), &have))
			return true;
	}
}

/* Most parts are text, styles and numbers without any of it: a glance at the bytes saves reading them as XML. Few words,
    since long documents
 * are searched for each: every field has instrText or is a fldSimple, links by DDE and OLE have "eLink". */
static bool worth_reading(struct str name, struct str s)
{
	if (bytes_at(s, 0, STR("\xff\xfe")) || bytes_at(s, 0, STR("\xfe\xff")) || bytes_u8(s, 1) == 0 ||
	    bytes_has(bytes_sub(s, 0, DECLARATION), STR("<!")))
		return true;
	return ((bytes_has(s, STR("nstrText")) || bytes_has(s, STR("fldS"))) && fields_worth_reading(s)) ||
	    bytes_has(s, STR("eLink")) || memchr(s.p, '|', s.n) ||
	       (bytes_find_nocase(name, 0, STR("workbook.xml")) >= 0 && bytes_has_nocase(s, STR("auto_")));
}

static bool xml(struct str s)
{
	return bytes_at(s, 0, STR("<")) || bytes_at(s, 0, STR("\xef\xbb\xbf<")) || bytes_at(s, 0, STR("\xff\xfe<")) ||
	    bytes_at(s, 0, STR("\xfe\xff\0<"));
}

static void property_part(struct look *l, struct str name, struct str bytes)
{
	if (starts_nocase(name, STR("docProps/custom")) && bytes_has(bytes, STR("<property ")))
		look_note(l, FACT_METADATA, "properties of its own");
	content(l, bytes, false);
}

void office_part(struct look *l, struct str name, struct str bytes)
{
	if (ends_nocase(name, STR(".rels"))) {
		content(l, bytes, true);
	} else if (starts_nocase(name, STR("docProps/")) && xml(bytes)) {
		property_part(l, name, bytes);
	} else if (xml(bytes)) {
		if (worth_reading(name, bytes))
			content(l, bytes, false);
	} else if (bytes_find_nocase(name, 0, STR("xl/workbook.bin")) == 0) {
		if (bytes_has(bytes, STR("A\0u\0t\0o\0_\0O\0p\0e\0n")) || bytes_has(bytes, STR("A\0u\0t\0o\0_\0C\0l\0o\0s\0e")))
			look_note(l, FACT_MACRO_AUTO, "Auto_Open");
	}
	if (bytes_find_nocase(name, 0, STR("/macrosheets/")) >= 0)
		look_note(l, FACT_MACRO, "macro sheet");
	if (bytes_find_nocase(name, 0, STR("/activex/")) >= 0)
		look_note(l, FACT_ACTIVEX, "a control");
	if (bytes_find_nocase(name, 0, STR("/embeddings/")) >= 0)
		look_note(l, FACT_EMBEDDED_OBJECT, "%s", "");
	if (starts_nocase(name, STR("_xmlsignatures/")))
		look_note(l, FACT_SIGNED, "%s", "");
}

static void odf_start(void *ctx, const char *name, const char **attrs)
{
	struct part *p = ctx;
	struct str href = markup_attr(attrs, "href");

	if (strcmp(name, "event-listener") == 0) {
		look_note(p->l, FACT_MACRO, "event");
		if (bytes_has_nocase(markup_attr(attrs, "event-name"), STR("load")) ||
		    bytes_has_nocase(markup_attr(attrs, "event-name"), STR("open")) ||
		    bytes_has_nocase(markup_attr(attrs, "event-name"), STR("start")))
			look_note(p->l, FACT_MACRO_AUTO, "%.*s", STR_FMT(bytes_sub(markup_attr(attrs, "event-name"), 0, 40)));
	} else if (strcmp(name, "dde-source") == 0 || strcmp(name, "dde-connection-decl") == 0) {
		look_note(p->l, FACT_DDE, "%.*s", STR_FMT(bytes_sub(markup_attr(attrs, "dde-application"), 0, 40)));
	} else if (strcmp(name, "object-ole") == 0 || strcmp(name, "plugin") == 0 || strcmp(name, "applet") == 0 ||
	    strcmp(name, "floating-frame") == 0) {
		look_note(p->l, elsewhere(href) ? FACT_EXTERNAL_OBJECT : FACT_EMBEDDED_OBJECT, "%.*s", STR_FMT(bytes_sub(href, 0, 80)));
	} else if ((strcmp(name, "object") == 0 || strcmp(name, "section-source") == 0 || strcmp(name, "table-source") == 0 ||
	    strcmp(name, "cell-range-source") == 0 ||
		    strcmp(name, "image") == 0) && elsewhere(href)) {
		look_note(p->l, FACT_EXTERNAL_OBJECT, "%.*s", STR_FMT(bytes_sub(href, 0, 80)));
	} else if (strcmp(name, "encryption-data") == 0) {
		look_note(p->l, FACT_ENCRYPTED_DOCUMENT, "OpenDocument");
	} else if (strcmp(name, "body") == 0) {
		p->no_people = true;
	} else if (person(name) && !p->no_people) {
		p->in_person = true;
	}
	href = markup_attr(attrs, "formula");
	if (!str_empty(href) && bytes_has_nocase(href, STR("dde(")))
		look_note(p->l, FACT_DDE, "formula");
}

static void odf_xml(struct look *l, struct str bytes)
{
	struct part p = { .l = l };
	const struct markup m = { .start = odf_start, .text = content_text, .end = content_end, .ctx = &p };

	buf_init(&p.field, FIELD);
	if (markup_run(&m, bytes) < 0) {
		damaged(l, bytes);
		if (bytes_has(bytes, STR("event-listener")))
			look_note(l, FACT_MACRO, "in a damaged part");
	}
	buf_release(&p.field);
}

void office_odf_part(struct look *l, struct str name, struct str bytes)
{
	/* Every document has script-lc.xml when Basic was ever open; a library with a module in it is a macro. */
	if ((starts_nocase(name, STR("Basic/")) && bytes_has(bytes, STR("script:module"))) ||
	    (starts_nocase(name, STR("Scripts/")) && bytes.n > 0)) {
		look_note(l, FACT_MACRO, "a module");
	} else if (starts_nocase(name, STR("META-INF/documentsignatures"))) {
		look_note(l, FACT_SIGNED, "%.*s", STR_FMT(name));
	} else if (xml(bytes) && (ends_nocase(name, STR("content.xml")) || ends_nocase(name, STR("styles.xml")) ||
	    ends_nocase(name, STR("meta.xml")) ||
		   ends_nocase(name, STR("manifest.xml")) || ends_nocase(name, STR("settings.xml")))) {
		odf_xml(l, bytes);
	}
	if (bytes_at(bytes, 0, STR("\xd0\xcf\x11\xe0")))
		look_note(l, FACT_EMBEDDED_OBJECT, "%.*s", STR_FMT(bytes_sub(name, 0, 80)));
}

void office_flat(struct look *l, struct str bytes)
{
	if (bytes_has(bytes, STR("office:document"))) {
		odf_xml(l, bytes);
		if (bytes_has(bytes, STR("<script:module")) || bytes_has(bytes, STR("ooo:module")))
			look_note(l, FACT_MACRO, "module");
		return;
	}
	content(l, bytes, false);
	if (bytes_has(bytes, STR("vbaProject")))
		look_note(l, FACT_MACRO, "vbaProject");
	if (bytes_has(bytes, STR("/embeddings/")))
		look_note(l, FACT_EMBEDDED_OBJECT, "an embedded part");
	if (bytes_has(bytes, STR("TargetMode=\"External\""))) {
		struct part p = { .l = l };
		const struct markup m = { .start = relation, .ctx = &p };

		if (markup_run(&m, bytes) < 0)
			look_note(l, FACT_MALFORMED, "no XML");
	}
}
