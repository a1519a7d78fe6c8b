/* picture.c - see picture.h. */
#include "inspect/picture.h"

#include <stdbool.h>
#include <string.h>

static bool at(const uint8_t *p, size_t n, size_t from, const char *bytes, size_t len)
{
	return from <= n && len <= n - from && memcmp(p + from, bytes, len) == 0;
}

static uint32_t be32(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static uint32_t le32(const uint8_t *p)
{
	return (uint32_t)p[3] << 24 | (uint32_t)p[2] << 16 | (uint32_t)p[1] << 8 | p[0];
}

/* Chunks from IHDR to IEND, which is the end (PNG 5.6). */
static bool is_png(const uint8_t *p, size_t n)
{
	size_t i = 8;

	if (!at(p, n, 0, "\x89PNG\r\n\x1a\n", 8) || !at(p, n, 12, "IHDR", 4))
		return false;
	while (n - i >= 12) {
		size_t len = be32(p + i);

		if (len > n - i - 12)
			return false;
		if (at(p, n, i + 4, "IEND", 4))
			return len == 0 && i + 12 == n;
		i += len + 12;
	}
	return false;
}

/* Segments up to the first scan; it ends with EOI (T.81 B.1). */
static bool is_jpeg(const uint8_t *p, size_t n)
{
	size_t i = 2;

	if (n < 16 || !at(p, n, 0, "\xff\xd8\xff", 3) || !at(p, n, n - 2, "\xff\xd9", 2))
		return false;
	while (n - i >= 4 && p[i] == 0xff) {
		size_t len = (size_t)p[i + 2] << 8 | p[i + 3];

		if (p[i + 1] == 0xda) {		/* the picture: no second end in it, behind which something else could stand */
			for (size_t k = i + 2 + len; k + 2 < n; k++)
				if (p[k] == 0xff && p[k + 1] == 0xd9)
					return false;
			return true;
		}
		if (len < 2 || len > n - i - 2)
			return false;
		i += len + 2;
	}
	return false;
}

/* Blocks up to the trailer, which is the end (GIF89a). */
static bool is_gif(const uint8_t *p, size_t n)
{
	size_t i = 13;

	if (n < 14 || (!at(p, n, 0, "GIF87a", 6) && !at(p, n, 0, "GIF89a", 6)))
		return false;
	if (p[10] & 0x80)
		i += (size_t)3 << ((p[10] & 7) + 1);
	while (i < n) {
		if (p[i] == 0x3b)
			return i + 1 == n;
		if (p[i] == 0x21) {
			i += 2;
		} else if (p[i] == 0x2c && n - i > 10) {
			i += 10 + (p[i + 9] & 0x80 ? (size_t)3 << ((p[i + 9] & 7) + 1) : 0) + 1;
		} else {
			return false;
		}
		while (i < n && p[i])
			i += (size_t)p[i] + 1;
		i++;
	}
	return false;
}

static bool is_webp(const uint8_t *p, size_t n)
{
	return n >= 20 && at(p, n, 0, "RIFF", 4) && at(p, n, 8, "WEBPVP8", 7) && (size_t)le32(p + 4) + 8 == n;
}

static bool is_bmp(const uint8_t *p, size_t n)
{
	return n >= 54 && at(p, n, 0, "BM", 2) && le32(p + 2) == n && le32(p + 10) >= 26 && le32(p + 10) < n && le32(p + 14) >= 12 && le32(p + 14) <= 124;
}

const char *picture_type(const uint8_t *p, size_t n)
{
	if (is_png(p, n))
		return "image/png";
	if (is_jpeg(p, n))
		return "image/jpeg";
	if (is_gif(p, n))
		return "image/gif";
	if (is_webp(p, n))
		return "image/webp";
	return is_bmp(p, n) ? "image/bmp" : NULL;
}
