#include "scan/mixed.h"

#include "scan/bytes.h"
#include "scan/clean.h"
#include "scan/sniff.h"
#include "scan/zip.h"

#define HEAD 1024			/* how far readers of PDF look for its beginning */
#define BLANKS 4096

static size_t jpeg_end(struct str s)
{
	size_t at = 2;

	while (at + 4 <= s.n && bytes_u8(s, at) == 0xff) {
		uint8_t id = bytes_u8(s, at + 1);

		if (id == 0xff) {
			at++;
			continue;
		}
		if (id == 0xd9)
			return at + 2;
		at += id >= 0xd0 && id <= 0xd8 ? 2u : 2u + bytes_be16(s, at + 2);
		if (id != 0xda)
			continue;
		for (; at + 1 < s.n; at++)			/* coded data: 0xff is followed by 0 or a restart */
			if (bytes_u8(s, at) == 0xff && bytes_u8(s, at + 1) != 0 && (bytes_u8(s, at + 1) < 0xd0 ||
			    bytes_u8(s, at + 1) > 0xd7))
				break;
	}
	return bytes_at(s, at, STR("\xff\xd9")) ? at + 2 : s.n;
}

static size_t png_end(struct str s)
{
	for (size_t at = 8; at + 12 <= s.n;) {
		bool last = bytes_at(s, at + 4, STR("IEND"));

		at += 12u + (uint64_t)bytes_be32(s, at);
		if (last)
			return at < s.n ? at : s.n;
	}
	return s.n;
}

static size_t gif_blocks(struct str s, size_t at)
{
	while (at < s.n && bytes_u8(s, at) != 0)
		at += 1u + bytes_u8(s, at);
	return at + 1;
}

static size_t gif_table(uint8_t flags)
{
	return flags & 0x80 ? 3u << ((flags & 7) + 1) : 0;
}

static size_t gif_end(struct str s)
{
	size_t at = 13 + gif_table(bytes_u8(s, 10));

	while (at < s.n) {
		switch (bytes_u8(s, at)) {
		case 0x3b:
			return at + 1;
		case 0x21:
			at = gif_blocks(s, at + 2);
			break;
		case 0x2c:
			at = gif_blocks(s, at + 11 + gif_table(bytes_u8(s, at + 9)));
			break;
		default:
			return s.n;
		}
	}
	return s.n;
}

size_t mixed_picture_end(enum kind k, struct str s)
{
	size_t n = k == KIND_JPEG ? jpeg_end(s) : k == KIND_PNG ? png_end(s) : k == KIND_GIF ? gif_end(s) : s.n;

	if (k == KIND_WEBP || k == KIND_WAV)
		n = (size_t)bytes_le32(s, 4) + 8;
	if (k == KIND_BMP && bytes_le32(s, 2) > 26)
		n = bytes_le32(s, 2);
	return n < s.n ? n : s.n;
}

static uint64_t jpeg_dots(struct str s)
{
	for (size_t at = 2; at + 9 <= s.n && bytes_u8(s, at) == 0xff; at += 2u + bytes_be16(s, at + 2)) {
		uint8_t id = bytes_u8(s, at + 1);

		if (id >= 0xc0 && id <= 0xcf && id != 0xc4 && id != 0xc8 && id != 0xcc)	/* start of frame */
			return (uint64_t)bytes_be16(s, at + 5) * bytes_be16(s, at + 7);
	}
	return 0;
}

uint64_t mixed_picture_dots(enum kind k, struct str s)
{
	if (k == KIND_PNG)
		return (uint64_t)bytes_be32(s, 16) * bytes_be32(s, 20);
	if (k == KIND_GIF)
		return (uint64_t)bytes_le16(s, 6) * bytes_le16(s, 8);
	if (k == KIND_BMP)
		return (uint64_t)(bytes_le32(s, 18) & 0x7fffffff) * (bytes_le32(s, 22) & 0x7fffffff);
	return k == KIND_JPEG ? jpeg_dots(s) : 0;
}

/* Something that could be used by itself: not the second picture that cameras append. */
static bool harmful(enum kind k)
{
	enum kind_family f = kind_family(k);

	return kind_runs(f) || f == FAMILY_ARCHIVE || f == FAMILY_WEB || f == FAMILY_DISK || f == FAMILY_PDF ||
	    f == FAMILY_DOCUMENT || f == FAMILY_NOTEBOOK;
}

static bool script_like(struct str s)
{
	return bytes_has_nocase(s, STR("<script")) || bytes_has_nocase(s, STR("<?php")) || bytes_has_nocase(s, STR("<%eval")) ||
	    bytes_has_nocase(s, STR("<html"));
}

static void behind(struct look *l, struct str s)
{
	char mime[SCAN_TYPE];
	struct str t = str_trim(s);
	enum kind k;

	while (t.n > 0 && t.p[0] == 0)
		t = str_cut(t, 1);
	if (t.n == 0)
		return;
	k = sniff_kind(look_sniff(l), t, true, mime);
	look_note(l, FACT_TRAILING_DATA, "%zu bytes, %s", s.n, mime);
	if (harmful(k) || script_like(t) || (kind_family(k) == FAMILY_TEXT && t.n > 8))
		look_note(l, FACT_POLYGLOT, "behind its end: %s", mime);
	if (l->depth < SCAN_DEPTH && look_enter(l) && look_spend(l, t.n))
		look_part(l, STR("appended"), t);
}

/* An archive is found from its end: whatever stands before it. */
static void zip_within(struct look *l, struct str s, bool known)
{
	struct zip z;
	bool real;

	if (zip_read(s, &z) < 0)
		return;
	real = z.n > 0 && z.v[0].at >= z.start && bytes_at(s, z.v[0].at, STR("PK\3\4"));
	if (real && z.start < s.n) {
		if (known)			/* what is not known may well be a container */
			look_note(l, FACT_POLYGLOT, "an archive of %zu files in it", z.n);
		if (l->depth < SCAN_DEPTH && look_enter(l))
			look_part(l, STR("archive"), str_cut(s, (size_t)z.start));
	}
	zip_release(&z);
}

/* Numbers of a header that read as the beginning of a comment or an assignment in a script. */
static bool header_is_script(enum kind k, struct str s)
{
	if (k == KIND_GIF)
		return bytes_at(s, 6, STR("/*")) || bytes_u8(s, 6) == '=' || (s.n > 8 && bytes_text(bytes_sub(s, 6, 48)));
	if (k == KIND_BMP)
		return bytes_at(s, 2, STR("/*")) || bytes_u8(s, 2) == '=';
	if (k == KIND_JPEG)
		return bytes_at(s, 4, STR("/*"));
	return k == KIND_WAV ? bytes_at(s, 4, STR("/*")) || bytes_u8(s, 4) == '=' : false;
}

static void picture(struct look *l, enum kind k, struct str s)
{
	size_t end = mixed_picture_end(k, s);

	if (mixed_picture_dots(k, s) > MIXED_DOTS)
		look_note(l, FACT_ARCHIVE_BOMB, "a picture of %llu million dots", (unsigned long long)(mixed_picture_dots(k, s) / 1000000));
	if (header_is_script(k, s))
		look_note(l, FACT_POLYGLOT, "its header is a script, too");
	if (script_like(bytes_sub(s, 0, end)))
		look_note(l, FACT_POLYGLOT, "a script within it");
	if (str_find(bytes_sub(s, 0, HEAD), STR("%PDF-")) >= 0)
		look_note(l, FACT_POLYGLOT, "a PDF, too");
	if (end < s.n)
		behind(l, str_cut(s, end));
}

/* The cleaner knows what tells about a picture; what it would take away is what there is. */
static void picture_tells(struct look *l, struct str s)
{
	struct clean c = { .in = s, .name = STR_NONE, .media = STR_NONE, .what = FACT_BIT(FACT_METADATA) };

	if (l->depth > 0)
		return;
	if (clean_make(&c) == 0 && (c.removed & FACT_BIT(FACT_METADATA)))
		look_note(l, FACT_METADATA, "%s", "");
	clean_release(&c);
}

static void pdf(struct look *l, struct str s)
{
	ptrdiff_t at = str_find(bytes_sub(s, 0, 2 * HEAD), STR("%PDF-"));
	const char *eof = NULL;
	struct str t;

	if (at > 0 && str_trim(bytes_sub(s, 0, (size_t)at)).n > 3)
		look_note(l, FACT_POLYGLOT, "something before its beginning");
	t = s.n > (1u << 20) ? str_cut(s, s.n - (1u << 20)) : s;
	for (const char *p = t.p; (p = memmem(p, (size_t)(t.p + t.n - p), "%%EOF", 5)) != NULL; p += 5)
		eof = p;
	if (!eof)
		return;
	t = str_make(eof + 5, (size_t)(t.p + t.n - eof) - 5);
	if (str_trim(t).n > 16 && !bytes_has(t, STR(" obj")))
		behind(l, str_trim(t));
}

static void archive(struct look *l, struct str s)
{
	struct zip z;
	char mime[SCAN_TYPE];
	struct str t;

	if (zip_read(s, &z) < 0)
		return;
	t = str_trim(str_cut(s, (size_t)(z.end < s.n ? z.end : s.n)));
	if (t.n > 4 && harmful(sniff_kind(look_sniff(l), t, true, mime))) {
		look_note(l, FACT_POLYGLOT, "behind its end: %s", mime);
		if (l->depth < SCAN_DEPTH && look_enter(l) && look_spend(l, t.n))
			look_part(l, STR("appended"), t);
	}
	zip_release(&z);
}

void mixed_check(struct look *l, enum kind k, struct str s)
{
	enum kind_family f = kind_family(k);

	if (f == FAMILY_PICTURE || k == KIND_WAV) {
		picture(l, k, s);
		picture_tells(l, s);
	}
	if (k == KIND_PDF)
		pdf(l, s);
	if (k == KIND_ZIP || k == KIND_DOCX || k == KIND_XLSX || k == KIND_PPTX || k == KIND_OPC || k == KIND_ODF || k == KIND_EPUB)
		archive(l, s);
	else if (f == FAMILY_PICTURE || f == FAMILY_PDF || f == FAMILY_MEDIA || f == FAMILY_TEXT || f == FAMILY_WEB ||
	    f == FAMILY_FONT || f == FAMILY_NONE ||
		 k == KIND_RTF || k == KIND_GZIP)
		zip_within(l, s, f != FAMILY_NONE);
}
