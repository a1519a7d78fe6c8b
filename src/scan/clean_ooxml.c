/* clean_ooxml.c - takes macros, active parts and the names of people out of Office Open XML, and leaves a package that opens without a word.
 *
 * It goes by relationships: a part that nothing points to is nothing to an office program. What pointed to it in the text goes too
 * (clean_ooxml_part.c), since a reference without a relationship is what the programs ask to repair.
 */
#include <stdlib.h>

#include "scan/clean_ooxml.h"

#define OFFICE "application/vnd.openxmlformats-officedocument."
#define EMPTY_SHEET "<?xml version=\"1.0\" encoding=\"UTF-8\" standalone=\"yes\"?>\n" \
	"<worksheet xmlns=\"http://schemas.openxmlformats.org/spreadsheetml/2006/main\"><sheetData/></worksheet>"

static const struct main_type {
	const char *with, *without, *type, *suffix;
} mains[] = {
	{ "application/vnd.ms-word.document.macroEnabled.main+xml", OFFICE "wordprocessingml.document.main+xml", OFFICE "wordprocessingml.document", ".docx" },
	{ "application/vnd.ms-word.template.macroEnabledTemplate.main+xml", OFFICE "wordprocessingml.template.main+xml",
	  OFFICE "wordprocessingml.template", ".dotx" },
	{ "application/vnd.ms-excel.sheet.macroEnabled.main+xml", OFFICE "spreadsheetml.sheet.main+xml", OFFICE "spreadsheetml.sheet", ".xlsx" },
	{ "application/vnd.ms-excel.template.macroEnabled.main+xml", OFFICE "spreadsheetml.template.main+xml", OFFICE "spreadsheetml.template", ".xltx" },
	{ "application/vnd.ms-excel.addin.macroEnabled.main+xml", OFFICE "spreadsheetml.sheet.main+xml", OFFICE "spreadsheetml.sheet", ".xlsx" },
	{ "application/vnd.ms-powerpoint.presentation.macroEnabled.main+xml", OFFICE "presentationml.presentation.main+xml",
	  OFFICE "presentationml.presentation", ".pptx" },
	{ "application/vnd.ms-powerpoint.template.macroEnabled.main+xml", OFFICE "presentationml.template.main+xml",
	  OFFICE "presentationml.template", ".potx" },
	{ "application/vnd.ms-powerpoint.slideshow.macroEnabled.main+xml", OFFICE "presentationml.slideshow.main+xml",
	  OFFICE "presentationml.slideshow", ".ppsx" },
	{ "application/vnd.ms-powerpoint.addin.macroEnabled.main+xml", OFFICE "presentationml.presentation.main+xml",
	  OFFICE "presentationml.presentation", ".pptx" },
	{ "application/vnd.ms-visio.drawing.macroEnabled.main+xml", "application/vnd.ms-visio.drawing.main+xml", "application/vnd.ms-visio.drawing", ".vsdx" },
	{ "application/vnd.ms-visio.stencil.macroEnabled.main+xml", "application/vnd.ms-visio.stencil.main+xml", "application/vnd.ms-visio.stencil", ".vssx" },
	{ "application/vnd.ms-visio.template.macroEnabled.main+xml", "application/vnd.ms-visio.template.main+xml", "application/vnd.ms-visio.template", ".vstx" },
};

/* What a relationship of this type is for, by the last word of the type: alike in both dialects of the standard. */
static const struct kind {
	const char *type;
	uint8_t fact;
} kinds[] = {
	{ "vbaProject", FACT_MACRO }, { "wordVbaData", FACT_MACRO }, { "attachedToolbars", FACT_MACRO }, { "keyMapCustomizations", FACT_MACRO },
	{ "extensibility", FACT_MACRO }, { "userCustomization", FACT_MACRO }, { "xlMacrosheet", FACT_MACRO }, { "xlIntlMacrosheet", FACT_MACRO },
	{ "vbaProjectSignature", FACT_MACRO }, { "vbaProjectSignatureAgile", FACT_MACRO }, { "vbaProjectSignatureV3", FACT_MACRO },
	{ "control", FACT_ACTIVEX }, { "activeXControl", FACT_ACTIVEX }, { "activeXControlBinary", FACT_ACTIVEX },
	{ "oleObject", FACT_EMBEDDED_OBJECT }, { "package", FACT_EMBEDDED_OBJECT }, { "attachedTemplate", FACT_EXTERNAL_TEMPLATE },
	{ "externalLink", FACT_EXTERNAL_OBJECT }, { "origin", FACT_SIGNED },
	{ "core-properties", FACT_METADATA }, { "extended-properties", FACT_METADATA }, { "extendedProperties", FACT_METADATA },
	{ "custom-properties", FACT_METADATA },
};

static int fact_of(const struct clean_opc_rel *r)
{
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (strcmp(r->type, kinds[i].type) == 0) {
			if (r->external && kinds[i].fact == FACT_EMBEDDED_OBJECT)
				return FACT_EXTERNAL_OBJECT;
			return kinds[i].fact;
		}
	return r->external && strcmp(r->type, "hyperlink") != 0 ? FACT_EXTERNAL_OBJECT : -1;
}

static bool macros_wanted(const struct clean *c)
{
	return clean_wants(c, FACT_MACRO) || clean_wants(c, FACT_MACRO_AUTO);
}

static bool holds(struct clean_ooxml *o, struct clean_zip_part *p, const char *word, int *err)
{
	struct buf text;
	bool yes = false;

	*err = clean_zip_plain(&o->opc.zip, p, &text);
	if (*err == 0)
		yes = memmem(text.p, text.n, word, strlen(word)) != NULL;
	buf_release(&text);
	return yes;
}

/* An addin's picture of the ribbon is harmless unless it calls something. */
static bool plain_ribbon(struct clean_ooxml *o, const struct clean_opc_rel *r, int *err)
{
	static const char *const calls[] = { " on", " get", " loadImage", "\ton", "\non", "\tget", "\nget" };
	bool any = false;

	if (!r->target || (strcmp(r->type, "extensibility") != 0 && strcmp(r->type, "userCustomization") != 0))
		return false;
	for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]) && !any && *err == 0; i++)
		any = holds(o, r->target, calls[i], err);
	return !any;
}

/* Under another name, since programs and checks know such a sheet by its folder. */
static int macro_sheet(struct clean_ooxml *o, struct clean_opc_rel *r)
{
	struct str name;
	struct buf b;
	int err;

	if (!r->target || !str_ends(r->target->name, STR(".xml")))
		return ERR_UNSUPPORTED;			/* of a binary workbook */
	name = arena_printf(o->opc.a, "/xl/worksheets/emptied%zu.xml", (size_t)(r->target - o->opc.zip.v));
	if (!name.p)
		return ERR_LIMIT;
	if (clean_zip_find(&o->opc.zip, str_cut(name, 1)))
		return ERR_UNSUPPORTED;
	r->new_address = name.p;
	r->target->new_name = name.p + 1;
	buf_init(&b, 4096);
	err = buf_str_add(&b, STR(EMPTY_SHEET));
	if (err == 0)
		clean_zip_replace(r->target, &b);
	r->new_type = "http://schemas.openxmlformats.org/officeDocument/2006/relationships/worksheet";
	return err;
}

static void took(struct clean_ooxml *o, unsigned fact)
{
	o->c->removed |= FACT_BIT(fact);
	if (fact == FACT_MACRO)
		o->c->removed |= FACT_BIT(FACT_MACRO_AUTO);
}

/* Addresses that run something when somebody follows them. */
static bool starts_something(const char *address)
{
	static const char *const schemes[] = { "javascript:", "vbscript:", "data:", "mhtml:", "mk:", "ms-", "search-ms:", "search:", "its:", "res:", "shell:",
					       "jar:", "x-internal:", "about:", "hcp:", "ldap:", "script:", "macro:", "vnd.sun.star" };

	for (size_t i = 0; i < sizeof(schemes) / sizeof(schemes[0]); i++)
		if (strncasecmp(address, schemes[i], strlen(schemes[i])) == 0)
			return true;
	return false;
}

static int link_to_elsewhere(struct clean_ooxml *o, struct clean_opc_rel *r)
{
	bool dde = false;
	int err = 0;

	if (r->target)
		dde = holds(o, r->target, "ddeLink", &err);
	if (err < 0 || !(clean_wants(o->c, FACT_EXTERNAL_OBJECT) || (dde && clean_wants(o->c, FACT_DDE))))
		return err;
	o->links = true;				/* all of them: they are known by their number */
	return 0;
}

static int choose(struct clean_ooxml *o, struct clean_opc_rel *r)
{
	int fact = fact_of(r), err = 0;

	if (strcmp(r->type, "hyperlink") == 0 && r->external && starts_something(r->address) && clean_wants(o->c, FACT_EXTERNAL_OBJECT)) {
		r->new_address = "https://removed.invalid/";
		took(o, FACT_EXTERNAL_OBJECT);
	}
	if (fact < 0)
		return 0;
	if (strcmp(r->type, "externalLink") == 0)
		return link_to_elsewhere(o, r);
	if (fact == FACT_MACRO ? !macros_wanted(o->c) : !clean_wants(o->c, (unsigned)fact))
		return 0;
	if (fact == FACT_METADATA && strcmp(r->type, "custom-properties") != 0)
		return 0;				/* parts that are edited */
	if (fact == FACT_MACRO && plain_ribbon(o, r, &err))
		return err;
	if (err == 0 && strstr(r->type, "acrosheet") && fact == FACT_MACRO)
		err = macro_sheet(o, r);
	else
		r->drop = true;
	took(o, (unsigned)fact);
	return err;
}

static int choose_all(struct clean_ooxml *o)
{
	int err = 0;

	for (size_t i = 0; i < o->opc.n_rels && err == 0; i++)
		err = choose(o, &o->opc.rels[i]);
	for (size_t i = 0; i < o->opc.n_rels && err == 0; i++) {
		struct clean_opc_rel *r = &o->opc.rels[i];

		if (o->links && strcmp(r->type, "externalLink") == 0) {
			if (r->target && holds(o, r->target, "ddeLink", &err))
				took(o, FACT_DDE);
			if (r->source && str_ends(r->source->name, STR(".bin")))
				err = ERR_UNSUPPORTED;	/* formulas of a binary workbook */
			took(o, FACT_EXTERNAL_OBJECT);
			r->drop = true;
		}
		/* What a macro sheet was related to. */
		if (r->source && r->source->replaced) {
			r->drop = true;
		}
	}
	return err;
}

static bool is_text(const struct clean_zip_part *p)
{
	return str_ends(p->name, STR(".xml")) || str_ends(p->name, STR(".vml")) || str_ends(p->name, STR(".XML"));
}

static int edit_parts(struct clean_ooxml *o)
{
	int err = 0;

	for (size_t i = 0; i < o->opc.zip.n && err == 0; i++) {
		struct clean_zip_part *p = &o->opc.zip.v[i];

		if (p->drop || p->replaced || p == o->opc.types)
			continue;
		if (is_text(p))
			err = clean_ooxml_part(o, p);
		else if (str_ends(p->name, STR(".bin")) && str_starts(p->name, STR("xl/worksheets/")))
			err = clean_ooxml_binary(o, p);
	}
	return err;
}

/* Cells that have lost their formula stand in it still: it is made anew when the workbook is opened. */
static void drop_order_of_calculation(struct clean_ooxml *o)
{
	for (size_t i = 0; i < o->opc.n_rels; i++)
		if (o->cut_formulas && strcmp(o->opc.rels[i].type, "calcChain") == 0)
			o->opc.rels[i].drop = true;
}

static const char *retype(void *ctx, const char *type)
{
	struct clean_ooxml *o = ctx;

	if (!macros_wanted(o->c))
		return NULL;
	if (strcmp(type, "application/vnd.ms-excel.macrosheet+xml") == 0 || strcmp(type, "application/vnd.ms-excel.intlmacrosheet+xml") == 0)
		return OFFICE "spreadsheetml.worksheet+xml";
	if (strcmp(type, "application/vnd.ms-office.vbaProject") == 0)
		return "application/octet-stream";	/* other parts whose name ends alike */
	for (size_t i = 0; i < sizeof(mains) / sizeof(mains[0]); i++)
		if (strcmp(type, mains[i].with) == 0) {
			o->c->type = mains[i].type;
			o->c->suffix = mains[i].suffix;
			took(o, FACT_MACRO);		/* what says that it has macros, even where it has none */
			return mains[i].without;
		}
	return NULL;
}

/* Parts that no relationship leads to, but whose names say what they are: a look at the copy finds them. */
static void drop_strays(struct clean_ooxml *o)
{
	static const struct { const char *end; uint8_t fact; } strays[] = {
		{ "vbaProject.bin", FACT_MACRO }, { "vbaData.xml", FACT_MACRO }, { "vbaProjectSignature.bin", FACT_MACRO },
	};

	for (size_t i = 0; i < o->opc.zip.n; i++)
		for (size_t k = 0; k < sizeof(strays) / sizeof(strays[0]); k++)
			if (macros_wanted(o->c) && str_ends(o->opc.zip.v[i].name, str_of(strays[k].end)) && !o->opc.zip.v[i].drop) {
				o->opc.zip.v[i].drop = true;
				took(o, strays[k].fact);
			}
}

int clean_ooxml(struct clean *c)
{
	struct clean_ooxml o = { .c = c };
	int err = clean_opc_open(c->in, &o.opc);

	if (err < 0)
		return err;
	err = choose_all(&o);
	if (err == 0)
		err = clean_opc_sweep(&o.opc);
	if (err == 0)
		err = edit_parts(&o);
	drop_order_of_calculation(&o);
	drop_strays(&o);
	if (err == 0)
		err = clean_opc_sweep(&o.opc);
	if (err == 0)
		err = clean_opc_finish(&o.opc, retype, &o);
	if (err == 0)
		err = clean_opc_write(&o.opc, &c->out);
	clean_opc_close(&o.opc);
	return err;
}
