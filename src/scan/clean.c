/* clean.c - which cleaner a file is for. */
#include "scan/clean_parts.h"

#define MACROS (FACT_BIT(FACT_MACRO) | FACT_BIT(FACT_MACRO_AUTO))
#define OFFICE (MACROS | FACT_BIT(FACT_DDE) | FACT_BIT(FACT_EXTERNAL_OBJECT) | \
		FACT_BIT(FACT_EMBEDDED_OBJECT) | FACT_BIT(FACT_METADATA))

static const struct kind {
	bool (*is)(struct str in);
	int (*make)(struct clean *c);
	uint64_t can;			/* FACT_BITs it knows how to take away */
} kinds[] = {
	{ clean_jpeg_is, clean_jpeg, FACT_BIT(FACT_METADATA) | FACT_BIT(FACT_TRAILING_DATA) },
	{ clean_png_is, clean_png, FACT_BIT(FACT_METADATA) | FACT_BIT(FACT_TRAILING_DATA) },
	{ clean_gif_is, clean_gif, FACT_BIT(FACT_METADATA) | FACT_BIT(FACT_TRAILING_DATA) },
	{ clean_webp_is, clean_webp, FACT_BIT(FACT_METADATA) | FACT_BIT(FACT_TRAILING_DATA) },
	{ clean_tiff_is, clean_tiff, FACT_BIT(FACT_METADATA) },
	{ clean_opc_is, clean_ooxml, OFFICE | FACT_BIT(FACT_EXTERNAL_TEMPLATE) | FACT_BIT(FACT_ACTIVEX) | FACT_BIT(FACT_SIGNED) },
	{ clean_ole_is, clean_ole, MACROS | FACT_BIT(FACT_EMBEDDED_OBJECT) | FACT_BIT(FACT_METADATA) | FACT_BIT(FACT_SIGNED) },
	{ clean_rtf_is, clean_rtf, FACT_BIT(FACT_RTF_OBJECT) | FACT_BIT(FACT_DDE) | FACT_BIT(FACT_EXTERNAL_OBJECT) | FACT_BIT(FACT_EXTERNAL_TEMPLATE) |
	  FACT_BIT(FACT_METADATA) | FACT_BIT(FACT_TRAILING_DATA) },
	{ clean_odf_is, clean_odf, OFFICE | FACT_BIT(FACT_EXTERNAL_TEMPLATE) | FACT_BIT(FACT_SIGNED) },
	{ clean_pdf_is, clean_pdf, FACT_BIT(FACT_PDF_SCRIPT) | FACT_BIT(FACT_PDF_LAUNCH) | FACT_BIT(FACT_PDF_EMBEDDED) | FACT_BIT(FACT_PDF_XFA) |
	  FACT_BIT(FACT_METADATA) | FACT_BIT(FACT_TRAILING_DATA) | FACT_BIT(FACT_SIGNED) },
	{ clean_svg_is, clean_svg, FACT_BIT(FACT_SVG_SCRIPT) | FACT_BIT(FACT_EXTERNAL_OBJECT) | FACT_BIT(FACT_METADATA) },
};

static const struct kind page = {
	.make = clean_html,
	.can = FACT_BIT(FACT_HTML_SCRIPT) | FACT_BIT(FACT_HTML_SMUGGLING) | FACT_BIT(FACT_EXTERNAL_OBJECT) | FACT_BIT(FACT_METADATA) |
	       FACT_BIT(FACT_EMBEDDED_OBJECT) | FACT_BIT(FACT_ACTIVEX),
};

static const struct kind *kind_of(const struct clean *c)
{
	if (clean_html_is(c))
		return &page;
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (kinds[i].is(c->in))
			return &kinds[i];
	return NULL;
}

int clean_make(struct clean *c)
{
	const struct kind *k = kind_of(c);
	int err;

	c->cleaned = false;
	c->removed = 0;
	c->type = c->suffix = NULL;
	buf_init(&c->out, c->most ? c->most : CLEAN_OUT_MAX);
	if (!k || !(c->what & k->can))
		return ERR_UNSUPPORTED;
	if (c->what & MACROS)
		c->what |= MACROS;		/* with the ones go the others */
	err = k->make(c);
	if (err == 0 && c->out.failed)
		err = ERR_LIMIT;
	c->removed &= c->what;			/* of what was not asked for something may be left */
	if (err < 0 || c->removed == 0) {
		buf_release(&c->out);
		buf_init(&c->out, 0);
		c->removed = 0;
		return err;
	}
	c->cleaned = true;
	return 0;
}

void clean_release(struct clean *c)
{
	buf_release(&c->out);
}
