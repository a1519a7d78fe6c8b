/* clean_jpeg.c - takes from a JPEG everything that is not the picture: by its segments, so that the coded picture stays bit by bit.
 *
 * Kept: what decodes it (ITU T.81 B.2), JFIF without its small picture, Adobe's APP14 (the colour transform), ICC profiles, and how it is
 * turned. Everything else in APPn and COM is metadata: Exif, XMP, IPTC, maker's notes, previews, further pictures (MPF).
 */
#include "scan/clean_parts.h"

#define SEGMENTS_MAX 65536
#define JFIF_BYTES 14			/* after the length: identifier, version, density, size of the small picture */

enum { SOI = 0xd8, EOI = 0xd9, SOS = 0xda, APP0 = 0xe0, APP1 = 0xe1, APP2 = 0xe2, APP14 = 0xee, APP15 = 0xef, COM = 0xfe, TEM = 0x01, RST0 = 0xd0, RST7 = 0xd7 };

bool clean_jpeg_is(struct str in)
{
	return str_starts(in, STR("\xff\xd8\xff"));
}

static void segment(struct clean *c, unsigned marker, struct str body)
{
	uint8_t head[4] = { 0xff, (uint8_t)marker, (uint8_t)((body.n + 2) >> 8), (uint8_t)(body.n + 2) };

	buf_add(&c->out, head, sizeof(head));
	buf_str_add(&c->out, body);
}

static void exif(struct clean *c, struct str body)
{
	unsigned turned = clean_exif_orientation(str_cut(body, 6));
	uint8_t app[6 + CLEAN_EXIF_BYTES] = "Exif";

	if (turned == 0)
		return;
	clean_exif_make(turned, app + 6);
	segment(c, APP1, str_make((const char *)app, sizeof(app)));
}

/* Whether the segment was kept as it is. */
static bool app(struct clean *c, unsigned marker, struct str body)
{
	static const char none[2];

	if (marker == APP14 && str_starts(body, STR("Adobe")))
		return segment(c, marker, str_make(body.p, body.n < 12 ? body.n : 12)), body.n <= 12;
	if (marker == APP2 && str_starts(body, str_make("ICC_PROFILE\0", 12)))
		return segment(c, marker, body), true;
	if (marker == APP0 && str_starts(body, str_make("JFIF\0", 5)) && body.n >= JFIF_BYTES) {
		bool bare = body.n == JFIF_BYTES && body.p[12] == 0 && body.p[13] == 0;
		struct str small = str_make(body.p, JFIF_BYTES - 2);
		uint8_t head[4] = { 0xff, APP0, 0, JFIF_BYTES + 2 };

		buf_add(&c->out, head, sizeof(head));
		buf_str_add(&c->out, small);
		buf_add(&c->out, none, sizeof(none));
		return bare;
	}
	if (marker == APP1 && str_starts(body, str_make("Exif\0\0", 6))) {
		exif(c, body);
		return body.n == 6 + CLEAN_EXIF_BYTES && clean_exif_orientation(str_cut(body, 6)) != 0;
	}
	return false;
}

/* Behind a SOS come coded bytes, in which 0xff is followed by 0 or a restart. Returns the index of the next marker or the end. */
static size_t coded(struct str in, size_t at)
{
	for (; at + 1 < in.n; at++) {
		uint8_t m = (uint8_t)in.p[at + 1];

		if ((uint8_t)in.p[at] == 0xff && m != 0 && m != 0xff && !(m >= RST0 && m <= RST7))
			return at;
	}
	return in.n;
}

static void end(struct clean *c, size_t at, bool ended)
{
	bool more = ended && at < c->in.n;

	if (more && !clean_wants(c, FACT_TRAILING_DATA))
		buf_add(&c->out, c->in.p + at, c->in.n - at);
	else if (more)
		c->removed |= FACT_BIT(FACT_TRAILING_DATA);
}

int clean_jpeg(struct clean *c)
{
	struct str in = c->in;
	bool meta = clean_wants(c, FACT_METADATA), scans = false;
	size_t at = 2;

	buf_add(&c->out, in.p, 2);
	for (unsigned i = 0; i < SEGMENTS_MAX && at < in.n; i++) {
		unsigned m;
		size_t len;

		if ((uint8_t)in.p[at] != 0xff)
			return ERR_BAD_FORMAT;
		while (at + 1 < in.n && (uint8_t)in.p[at + 1] == 0xff)	/* T.81 B.1.1.2: markers may be padded */
			at++;
		if (at + 1 >= in.n)
			break;
		m = (uint8_t)in.p[at + 1];
		if (m == EOI) {
			buf_add(&c->out, in.p + at, 2);
			end(c, at + 2, true);
			return scans ? 0 : ERR_BAD_FORMAT;
		}
		if (m == TEM || m == SOI || m == 0 || (m >= RST0 && m <= RST7) || in.n - at < 4)
			return ERR_BAD_FORMAT;
		len = clean_be16(in.p + at + 2);
		if (len < 2 || len > in.n - at - 2)
			return ERR_BAD_FORMAT;
		if (meta && (m == COM || (m >= APP0 && m <= APP15))) {
			if (m == COM || !app(c, m, str_make(in.p + at + 4, len - 2)))
				c->removed |= FACT_BIT(FACT_METADATA);
		} else {
			buf_add(&c->out, in.p + at, len + 2);
		}
		at += len + 2;
		if (m == SOS) {
			size_t next = coded(in, at);

			buf_add(&c->out, in.p + at, next - at);
			scans = true;
			at = next;
		}
	}
	return scans && at >= in.n - 1 ? 0 : ERR_BAD_FORMAT;	/* cut short: as much of the picture as there is */
}
