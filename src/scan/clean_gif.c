/* clean_gif.c - takes comments, foreign application blocks (XMP and others) and what lies behind the end from a GIF (GIF89a). */
#include "scan/clean_parts.h"

#define BLOCKS_MAX 1000000

bool clean_gif_is(struct str in)
{
	return str_starts(in, STR("GIF87a")) || str_starts(in, STR("GIF89a"));
}

/* Index behind the sub-blocks that begin at 'at'; 0: they are cut short. */
static size_t behind_blocks(struct str in, size_t at)
{
	while (at < in.n) {
		size_t n = (uint8_t)in.p[at];

		if (n == 0)
			return at + 1;
		at += n + 1;
	}
	return 0;
}

static size_t table_bytes(uint8_t flags)
{
	return flags & 0x80 ? (size_t)3 << ((flags & 7) + 1) : 0;
}

/* Graphic control and text are shown; of the applications' blocks those that repeat it and its colours. */
static bool kept(struct str in, size_t at)
{
	static const char apps[][12] = { "NETSCAPE2.0", "ANIMEXTS1.0", "ICCRGBG1012" };
	uint8_t label = (uint8_t)in.p[at + 1];

	if (label == 0xf9 || label == 0x01)
		return true;
	if (label != 0xff || in.n - at < 14 || in.p[at + 2] != 11)
		return false;
	for (size_t i = 0; i < sizeof(apps) / sizeof(apps[0]); i++)
		if (memcmp(in.p + at + 3, apps[i], 11) == 0)
			return true;
	return false;
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

int clean_gif(struct clean *c)
{
	struct str in = c->in;
	size_t at;

	if (in.n < 14)
		return ERR_BAD_FORMAT;
	at = 13 + table_bytes((uint8_t)in.p[10]);
	if (at > in.n)
		return ERR_BAD_FORMAT;
	buf_add(&c->out, in.p, at);
	for (unsigned i = 0; i < BLOCKS_MAX && at < in.n; i++) {
		uint8_t kind = (uint8_t)in.p[at];
		size_t from = at;

		if (kind == 0x3b) {
			buf_char(&c->out, 0x3b);
			end(c, at + 1);
			return 0;
		}
		if (kind == 0x2c && in.n - at >= 11)
			at = behind_blocks(in, at + 11 + table_bytes((uint8_t)in.p[at + 9]));
		else if (kind == 0x21 && in.n - at >= 3)
			at = behind_blocks(in, at + 2);
		else
			return ERR_BAD_FORMAT;
		if (at == 0)
			return ERR_BAD_FORMAT;
		if (kind == 0x2c || kept(in, from) || !clean_wants(c, FACT_METADATA))
			buf_add(&c->out, in.p + from, at - from);
		else
			c->removed |= FACT_BIT(FACT_METADATA);
	}
	return ERR_BAD_FORMAT;
}
