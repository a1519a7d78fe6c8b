/* clean_tiff.c - empties the tags of a TIFF (6.0) that tell about it: in place, since everything in a TIFF is found by its offset.
 *
 * The entry goes out of its directory and its bytes become zero, where no picture lies. What is appended cannot be told from what some
 * directory points to, so trailing data are never said to be removed. BigTIFF: unsupported.
 */
#include <stdlib.h>

#include "scan/clean_parts.h"

#define DIRECTORIES_MAX 256
#define ENTRIES_MAX 1024
#define SPANS_MAX 16384			/* pieces of the picture that are remembered */
#define DEPTH_MAX 3

struct span { size_t at, n; };

struct tiff {
	char *p;
	size_t n;
	bool big, taken;
	unsigned directories;
	struct span *pixels;
	size_t n_pixels;
};

bool clean_tiff_is(struct str in)
{
	return in.n >= 8 && (str_starts(in, str_make("II*\0", 4)) || str_starts(in, str_make("MM\0*", 4)));
}

static uint32_t u16(const struct tiff *t, size_t at) { return t->big ? clean_be16(t->p + at) : clean_le16(t->p + at); }
static uint32_t u32(const struct tiff *t, size_t at) { return t->big ? clean_be32(t->p + at) : clean_le32(t->p + at); }

static size_t value_bytes(const struct tiff *t, size_t entry)
{
	static const uint8_t size[] = { 0, 1, 1, 2, 4, 8, 1, 1, 2, 4, 8, 4, 8, 4 };
	uint32_t type = u16(t, entry + 2);

	return type < sizeof(size) ? (size_t)size[type] * u32(t, entry + 4) : 0;
}

static size_t value_at(const struct tiff *t, size_t entry, size_t bytes)
{
	return bytes <= 4 ? entry + 8 : u32(t, entry + 8);
}

static bool tells(uint32_t tag)
{
	static const uint16_t tags[] = { 269, 270, 271, 272, 285, 305, 306, 315, 316, 700, 33432, 33723, 34377, 34665, 34853, 37500, 37510,
					 40091, 40092, 40093, 40094, 40095, 40965, 42016, 42032, 42033, 42035, 42036, 42037, 50827 };

	for (size_t i = 0; i < sizeof(tags) / sizeof(tags[0]); i++)
		if (tags[i] == tag)
			return true;
	return false;
}

/* Where strips (273, 279) or tiles (324, 325) lie: nothing there is touched. */
static int note_pixels(struct tiff *t, size_t dir, size_t entries, uint32_t tag_at, uint32_t tag_n)
{
	size_t at = 0, n = 0, step_at, step_n, count;

	for (size_t i = 0; i < entries; i++) {
		uint32_t tag = u16(t, dir + 2 + 12 * i);

		at = tag == tag_at ? dir + 2 + 12 * i : at;
		n = tag == tag_n ? dir + 2 + 12 * i : n;
	}
	if (at == 0 || n == 0)
		return 0;
	step_at = u16(t, at + 2) == 3 ? 2 : 4;
	step_n = u16(t, n + 2) == 3 ? 2 : 4;
	count = u32(t, at + 4);
	if (count != u32(t, n + 4) || count > SPANS_MAX - t->n_pixels)
		return ERR_UNSUPPORTED;
	at = value_at(t, at, count * step_at);
	n = value_at(t, n, count * step_n);
	if (at > t->n || n > t->n || count * step_at > t->n - at || count * step_n > t->n - n)
		return ERR_BAD_FORMAT;
	for (size_t i = 0; i < count; i++)
		t->pixels[t->n_pixels++] = (struct span){ step_at == 2 ? u16(t, at + 2 * i) : u32(t, at + 4 * i),
							  step_n == 2 ? u16(t, n + 2 * i) : u32(t, n + 4 * i) };
	return 0;
}

static void wipe(struct tiff *t, size_t at, size_t n)
{
	if (at < 8 || at > t->n || n > t->n - at)
		return;
	for (size_t i = 0; i < t->n_pixels; i++) {
		const struct span *s = &t->pixels[i];

		if (at < s->at + s->n && s->at < at + n)
			return;
	}
	memset(t->p + at, 0, n);
}

/* Exif's and GPS's own directories. */
static void wipe_below(struct tiff *t, size_t dir, unsigned depth)
{
	size_t entries;

	if (depth > DEPTH_MAX || dir < 8 || dir > t->n - 2)
		return;
	entries = u16(t, dir);
	if (entries > ENTRIES_MAX || entries * 12 > t->n - dir - 2)
		return;
	for (size_t i = 0; i < entries; i++) {
		size_t e = dir + 2 + 12 * i, bytes = value_bytes(t, e);

		if (u16(t, e) == 34853 || u16(t, e) == 40965)
			wipe_below(t, u32(t, e + 8), depth + 1);
		if (bytes > 4)
			wipe(t, u32(t, e + 8), bytes);
	}
	wipe(t, dir, 2 + entries * 12);
}

static void strip(struct tiff *t, size_t dir, size_t entries)
{
	size_t left = entries, room = 12 * entries + 4;

	for (size_t i = 0; i < left;) {
		size_t e = dir + 2 + 12 * i, bytes = value_bytes(t, e);

		if (!tells(u16(t, e))) {
			i++;
			continue;
		}
		if (u16(t, e) == 34665 || u16(t, e) == 34853 || u16(t, e) == 40965)
			wipe_below(t, u32(t, e + 8), 0);
		else if (bytes > 4)
			wipe(t, u32(t, e + 8), bytes);
		memmove(t->p + e, t->p + e + 12, dir + 2 + room - e - 12);
		memset(t->p + dir + 2 + room - 12, 0, 12);
		room -= 12;
		left--;
	}
	t->taken |= left != entries;
	t->p[dir + (t->big ? 0 : 1)] = (char)(left >> 8);
	t->p[dir + (t->big ? 1 : 0)] = (char)left;
}

/* Twice over the chain: first all that is picture is noted, then the rest goes. */
static int walk(struct tiff *t, bool first)
{
	size_t dir = u32(t, 4);

	for (t->directories = 0; dir != 0; t->directories++) {
		size_t entries;
		int err;

		if (t->directories == DIRECTORIES_MAX || dir < 8 || dir > t->n - 2)
			return ERR_BAD_FORMAT;
		entries = u16(t, dir);
		if (entries > ENTRIES_MAX || 12 * entries + 4 > t->n - dir - 2)
			return ERR_BAD_FORMAT;
		if (first) {
			err = note_pixels(t, dir, entries, 273, 279);
			err = err < 0 ? err : note_pixels(t, dir, entries, 324, 325);
			if (err < 0)
				return err;
		} else {
			strip(t, dir, entries);
			entries = u16(t, dir);
		}
		dir = u32(t, dir + 2 + 12 * entries);
	}
	return 0;
}

int clean_tiff(struct clean *c)
{
	struct tiff t = { .n = c->in.n };
	int err;

	if (!clean_wants(c, FACT_METADATA))
		return ERR_UNSUPPORTED;
	err = buf_str_add(&c->out, c->in);
	if (err < 0)
		return err;
	t.p = c->out.p;
	t.big = t.p[0] == 'M';
	t.pixels = calloc(SPANS_MAX, sizeof(*t.pixels));
	if (!t.pixels)
		return ERR_NOMEM;
	err = walk(&t, true);
	if (err == 0)
		err = walk(&t, false);
	free(t.pixels);
	if (err == 0 && t.taken)
		c->removed |= FACT_BIT(FACT_METADATA);
	return err;
}
