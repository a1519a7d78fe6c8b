/* clean_zip.h - the ZIP under office documents: its parts, some of them left out or replaced, written anew.
 *
 * What is not replaced is copied as it is packed. Every header is written from the central directory, so that a copy has no second truth,
 * nothing between its parts, nothing before and nothing behind them. libarchive packs all anew, and gives the first part of an ODF a head that
 * readers of its mark do not know (decision 0015).
 *
 * Ownership  clean_zip_open() borrows the bytes; clean_zip_close() frees the rest.
 * Limits     CLEAN_ZIP_PARTS parts, CLEAN_ZIP_PART bytes of an unpacked one, CLEAN_ZIP_SUM of all together.
 * Errors     ERR_UNSUPPORTED: encrypted, ZIP64, or packed otherwise than stored and deflated. ERR_BAD_FORMAT. ERR_LIMIT.
 */
#ifndef SCAN_CLEAN_ZIP_H
#define SCAN_CLEAN_ZIP_H

#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"

#define CLEAN_ZIP_PARTS 16384
#define CLEAN_ZIP_PART (256u << 20)
#define CLEAN_ZIP_SUM (1024u << 20)

struct clean_zip_part {
	struct str name, packed;
	const char *new_name;		/* NULL: as it is; in packages of OOXML a slash stands before it */
	uint32_t crc, plain_n;
	uint32_t stamp;			/* DOS date and time */
	uint16_t method, flags;
	bool drop;			/* leave it out */
	bool replaced;			/* .own instead of what is packed */
	struct buf own;
};

struct clean_zip {
	struct clean_zip_part *v, **sorted;
	size_t n;
	size_t unpacked;		/* bytes so far */
};

bool clean_zip_is(struct str in);
MUST_CHECK int clean_zip_open(struct str in, struct clean_zip *ret);
void clean_zip_close(struct clean_zip *z);
struct clean_zip_part *clean_zip_find(struct clean_zip *z, struct str name);	/* capitals are alike; NULL: none */
/* What a part holds: as replaced, else unpacked. ret is initialised and afterwards the caller's to release, also on failure. */
MUST_CHECK int clean_zip_plain(struct clean_zip *z, const struct clean_zip_part *p, struct buf *ret);
void clean_zip_replace(struct clean_zip_part *p, struct buf *give);		/* takes the bytes */
/* 'first' (NULL: none) before all others; it is stored, not packed, when 'store'. */
MUST_CHECK int clean_zip_write(const struct clean_zip *z, const struct clean_zip_part *first, bool store, struct buf *out);

#endif
