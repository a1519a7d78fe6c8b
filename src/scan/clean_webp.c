/* clean_webp.c - takes Exif, XMP, unknown chunks and what lies behind the end from a WebP (RFC 9649). */
#include "scan/clean_parts.h"

#define CHUNKS_MAX 100000
#define FLAG_EXIF 0x08
#define FLAG_XMP 0x04
#define FRAME_HEAD 16

bool clean_webp_is(struct str in)
{
	return in.n >= 20 && str_starts(in, STR("RIFF")) && memcmp(in.p + 8, "WEBP", 4) == 0;
}

static bool named(const char *type, const char (*names)[5], size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (memcmp(type, names[i], 4) == 0)
			return true;
	return false;
}

static void chunk(struct clean *c, const char *type, struct str body)
{
	uint8_t head[8] = { (uint8_t)type[0], (uint8_t)type[1], (uint8_t)type[2], (uint8_t)type[3],
			    (uint8_t)body.n, (uint8_t)(body.n >> 8), (uint8_t)(body.n >> 16), (uint8_t)(body.n >> 24) };

	buf_add(&c->out, head, sizeof(head));
	buf_str_add(&c->out, body);
	if (body.n & 1)
		buf_char(&c->out, 0);
}

static void put_size(struct clean *c, size_t at, size_t size)
{
	for (unsigned i = 0; i < 4 && at + i < c->out.n; i++)
		c->out.p[at + i] = (char)(size >> 8 * i);
}

/* Chunks of a frame: the picture's alone. */
static int frame(struct clean *c, struct str body)
{
	static const char keep[][5] = { "ALPH", "VP8 ", "VP8L" };
	size_t from = c->out.n, at = FRAME_HEAD;

	if (body.n < FRAME_HEAD)
		return ERR_BAD_FORMAT;
	chunk(c, "ANMF", str_make(body.p, FRAME_HEAD));
	while (body.n - at >= 8) {
		size_t len = clean_le32(body.p + at + 4);

		if (len > body.n - at - 8)
			return ERR_BAD_FORMAT;
		if (named(body.p + at, keep, sizeof(keep) / sizeof(keep[0])))
			chunk(c, body.p + at, str_make(body.p + at + 8, len));
		else
			c->removed |= FACT_BIT(FACT_METADATA);
		at += 8 + len + (len & 1);
		if (at > body.n)
			break;
	}
	if (!c->out.failed)
		put_size(c, from + 4, c->out.n - from - 8);
	return 0;
}

/* Returns the flags of VP8X that hold from now on. */
static uint8_t metadata(struct clean *c, const char *type, struct str body)
{
	uint8_t made[CLEAN_EXIF_BYTES];
	unsigned turned;

	if (memcmp(type, "EXIF", 4) == 0) {
		if (str_starts(body, str_make("Exif\0\0", 6)))
			body = str_cut(body, 6);
		turned = clean_exif_orientation(body);
		if (turned > 0) {
			clean_exif_make(turned, made);
			chunk(c, type, str_make((const char *)made, sizeof(made)));
			if (body.n != CLEAN_EXIF_BYTES)
				c->removed |= FACT_BIT(FACT_METADATA);
			return FLAG_EXIF;
		}
	}
	c->removed |= FACT_BIT(FACT_METADATA);
	return 0;
}

static void end(struct clean *c, size_t at)
{
	if (at >= c->in.n)
		return;
	if (clean_wants(c, FACT_TRAILING_DATA))
		c->removed |= FACT_BIT(FACT_TRAILING_DATA);
	else
		buf_add(&c->out, c->in.p + at, c->in.n - at);
}

int clean_webp(struct clean *c)
{
	static const char keep[][5] = { "VP8X", "VP8 ", "VP8L", "ALPH", "ANIM", "ICCP" };
	struct str in = c->in;
	size_t stop = clean_le32(in.p + 4), at = 12, flags_at = 0;
	uint8_t flags = 0;
	bool picture = false;
	int err = 0;

	if (stop < 12 || stop > in.n - 8)
		return ERR_BAD_FORMAT;
	stop += 8;
	buf_add(&c->out, in.p, 12);
	for (unsigned i = 0; i < CHUNKS_MAX && at <= stop && stop - at >= 8 && err == 0; i++) {
		const char *type = in.p + at;
		size_t len = clean_le32(type + 4);

		if (len > stop - at - 8)
			return ERR_BAD_FORMAT;
		picture |= memcmp(type, "VP8 ", 4) == 0 || memcmp(type, "VP8L", 4) == 0 || memcmp(type, "ANMF", 4) == 0;
		if (memcmp(type, "VP8X", 4) == 0 && len >= 10)
			flags_at = c->out.n + 8;
		if (named(type, keep, sizeof(keep) / sizeof(keep[0])) || !clean_wants(c, FACT_METADATA))
			chunk(c, type, str_make(type + 8, len));
		else if (memcmp(type, "ANMF", 4) == 0)
			err = frame(c, str_make(type + 8, len));
		else
			flags |= metadata(c, type, str_make(type + 8, len));
		at += 8 + len + (len & 1);
	}
	if (err == 0 && !picture)
		err = ERR_BAD_FORMAT;
	if (err < 0 || c->out.failed)
		return err < 0 ? err : ERR_LIMIT;
	if (flags_at > 0 && clean_wants(c, FACT_METADATA))
		c->out.p[flags_at] = (char)(((uint8_t)c->out.p[flags_at] & ~(FLAG_EXIF | FLAG_XMP)) | flags);
	put_size(c, 4, c->out.n - 8);
	end(c, stop);
	return 0;
}
