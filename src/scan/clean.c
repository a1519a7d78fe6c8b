/* clean.c - which cleaner a file is for. */
#include "scan/clean_parts.h"

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
};

static const struct kind *kind_of(const struct clean *c)
{
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
	err = k->make(c);
	if (err == 0 && c->out.failed)
		err = ERR_LIMIT;
	if (err < 0 || (c->removed & c->what) == 0) {
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
