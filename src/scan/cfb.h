/* cfb.h - reads OLE compound files (MS-CFB): the container of old Office documents, of macros, of embedded objects, of MSI and .msg.
 *
 * The tree is not followed: every entry of the directory counts, also one that no storage names. A hidden stream is a stream.
 *
 * Ownership  cfb_release() frees what cfb_open() made; the bytes are the caller's and must stay.
 * Limits     CFB_ENTRIES; a chain of sectors is never longer than the file has sectors; a stream is cut at what the caller asks for.
 * Errors     ERR_BAD_FORMAT, ERR_NOMEM. A stream whose chain breaks gives what was read so far, and *ret_whole false.
 */
#ifndef SCAN_CFB_H
#define SCAN_CFB_H

#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"

#define CFB_ENTRIES 8192
#define CFB_NAME 32			/* 31 characters and a NUL; what is not ASCII is '?' */

enum cfb_type { CFB_FREE, CFB_STORAGE = 1, CFB_STREAM = 2, CFB_ROOT = 5 };

struct cfb_entry {
	char name[CFB_NAME];		/* with its control characters: "\1Ole10Native" */
	uint8_t type;
	uint8_t class_id[16];
	uint32_t start;
	uint64_t size;
};

struct cfb {
	struct str bytes;
	size_t sector;			/* bytes of one */
	uint32_t *fat, *mini_fat;
	size_t n_fat, n_mini_fat;
	struct cfb_entry *v;
	size_t n;
	struct buf mini;		/* the stream that holds the small ones */
	bool more;			/* there are further entries */
};

MUST_CHECK int cfb_open(struct str bytes, struct cfb *ret);
void cfb_release(struct cfb *c);
const struct cfb_entry *cfb_find(const struct cfb *c, const char *name);	/* NULL: none; letters of any case */
/* Adds at most `most` bytes of a stream to out. */
MUST_CHECK int cfb_read(const struct cfb *c, const struct cfb_entry *e, size_t most, struct buf *out, bool *ret_whole);

#endif
