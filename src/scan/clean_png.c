/* clean_png.c - takes from a PNG (ISO 15948, APNG) every chunk that neither decodes nor shows it, and what lies behind IEND. */
#include <zlib.h>

#include "scan/clean_parts.h"

#define CHUNKS_MAX 1000000
#define SIGNATURE "\x89PNG\r\n\x1a\n"

bool clean_png_is(struct str in)
{
	return str_starts(in, STR(SIGNATURE));
}

/* A name with a small first letter is ancillary: it may go. */
static bool kept(const char *type)
{
	static const char names[][5] = { "IHDR", "PLTE", "IDAT", "IEND", "CgBI", "tRNS", "gAMA", "cHRM", "sRGB", "iCCP", "cICP", "mDCv", "cLLi", "sBIT",
					 "bKGD", "hIST", "pHYs", "sPLT", "oFFs", "acTL", "fcTL", "fdAT" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (memcmp(type, names[i], 4) == 0)
			return true;
	return false;
}

/* True when what was there is all that is kept of it. */
static bool exif(struct clean *c, struct str body)
{
	unsigned turned = clean_exif_orientation(body);
	uint8_t chunk[12 + CLEAN_EXIF_BYTES] = { 0, 0, 0, CLEAN_EXIF_BYTES, 'e', 'X', 'I', 'f' };
	uint32_t sum;

	if (turned == 0)
		return false;
	clean_exif_make(turned, chunk + 8);
	sum = (uint32_t)crc32(0, chunk + 4, 4 + CLEAN_EXIF_BYTES);
	for (unsigned i = 0; i < 4; i++)
		chunk[8 + CLEAN_EXIF_BYTES + i] = (uint8_t)(sum >> (24 - 8 * i));
	buf_add(&c->out, chunk, sizeof(chunk));
	return body.n == CLEAN_EXIF_BYTES;
}

static void end(struct clean *c, size_t at)
{
	if (at == c->in.n)
		return;
	if (clean_wants(c, FACT_TRAILING_DATA))
		c->removed |= FACT_BIT(FACT_TRAILING_DATA);
	else
		buf_add(&c->out, c->in.p + at, c->in.n - at);
}

int clean_png(struct clean *c)
{
	struct str in = c->in;
	size_t at = 8;

	buf_add(&c->out, in.p, 8);
	for (unsigned i = 0; i < CHUNKS_MAX && in.n - at >= 12; i++) {
		const char *type = in.p + at + 4;
		size_t len = clean_be32(in.p + at);

		if (len > in.n - at - 12 || (i == 0 && memcmp(type, "IHDR", 4) != 0 && memcmp(type, "CgBI", 4) != 0))
			return ERR_BAD_FORMAT;
		if (kept(type) || !clean_wants(c, FACT_METADATA))
			buf_add(&c->out, in.p + at, len + 12);
		else if (!(type[0] & 0x20))
			return ERR_UNSUPPORTED;			/* critical, and nobody here knows it */
		else if (memcmp(type, "eXIf", 4) != 0 || !exif(c, str_make(in.p + at + 8, len)))
			c->removed |= FACT_BIT(FACT_METADATA);
		at += len + 12;
		if (memcmp(type, "IEND", 4) == 0) {
			end(c, at);
			return 0;
		}
	}
	return ERR_BAD_FORMAT;
}
