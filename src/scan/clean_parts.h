/* clean_parts.h - what the cleaners share: each knows one kind of file, reads c->in and appends the cleaned copy to c->out.
 *
 * A cleaner takes away what c->what names, notes in c->removed what it has taken away whole, and returns 0. It returns ERR_UNSUPPORTED for
 * what it cannot clean without guessing, ERR_BAD_FORMAT for what is no such file, ERR_LIMIT past CLEAN_OUT_MAX: the file is then held.
 * A fact stays out of c->removed when any of it may be left: what is left is found by the second look at the copy.
 *
 * Ownership  As in clean.h; a cleaner frees everything of its own.
 * Limits     Each parser states its own at the top of its file.
 */
#ifndef SCAN_CLEAN_PARTS_H
#define SCAN_CLEAN_PARTS_H

#include "scan/clean.h"

static inline bool clean_wants(const struct clean *c, unsigned fact)
{
	return (c->what & FACT_BIT(fact)) != 0;
}

/* What the content begins with says which; false: not this cleaner's. */
bool clean_jpeg_is(struct str in);
bool clean_png_is(struct str in);
bool clean_gif_is(struct str in);
bool clean_webp_is(struct str in);
bool clean_tiff_is(struct str in);

MUST_CHECK int clean_jpeg(struct clean *c);
MUST_CHECK int clean_png(struct clean *c);
MUST_CHECK int clean_gif(struct clean *c);
MUST_CHECK int clean_webp(struct clean *c);
MUST_CHECK int clean_tiff(struct clean *c);		/* in place: the places of tags become empty */

bool clean_opc_is(struct str in);
MUST_CHECK int clean_ooxml(struct clean *c);		/* clean_ooxml.c: Word, Excel, PowerPoint, Visio */
bool clean_svg_is(struct str in);
MUST_CHECK int clean_svg(struct clean *c);
bool clean_html_is(const struct clean *c);		/* by its media type: a page has no mark of its own */
MUST_CHECK int clean_html(struct clean *c);		/* becomes text/plain */
bool clean_ole_is(struct str in);
MUST_CHECK int clean_ole(struct clean *c);		/* clean_ole.c: doc, xls, ppt of old */
bool clean_rtf_is(struct str in);
MUST_CHECK int clean_rtf(struct clean *c);
bool clean_odf_is(struct str in);
MUST_CHECK int clean_odf(struct clean *c);
bool clean_pdf_is(struct str in);
MUST_CHECK int clean_pdf(struct clean *c);

/* clean_exif.c: how a picture is turned is part of what it looks like; the rest of Exif is not. */
unsigned clean_exif_orientation(struct str tiff);	/* 2..8; 0: upright, or none given, or damaged */
#define CLEAN_EXIF_BYTES 26
void clean_exif_make(unsigned orientation, uint8_t ret[CLEAN_EXIF_BYTES]);

/* Numbers of a file's bytes; the caller has checked that they are there. */
static inline uint32_t clean_be16(const char *p) { return (uint32_t)((uint8_t)p[0] << 8 | (uint8_t)p[1]); }
static inline uint32_t clean_le16(const char *p) { return (uint32_t)((uint8_t)p[1] << 8 | (uint8_t)p[0]); }
static inline uint32_t clean_be32(const char *p) { return clean_be16(p) << 16 | clean_be16(p + 2); }
static inline uint32_t clean_le32(const char *p) { return clean_le16(p + 2) << 16 | clean_le16(p); }

#endif
