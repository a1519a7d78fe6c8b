/* zip.h - the directory of a ZIP archive, and where it lies.
 *
 * libarchive unpacks; this is about what unpackers disagree on: a directory that names other files than those that stand there, files
 * that it leaves out, files that lie upon each other, several archives one behind the other.
 *
 * Ownership  zip_release() frees the entries; their names point into the archive.
 * Limits     ZIP_ENTRIES are kept; .more when there are further ones.
 * Errors     ERR_NOT_FOUND: no directory (cut off, or none). ERR_NOMEM.
 */
#ifndef SCAN_ZIP_H
#define SCAN_ZIP_H

#include "base/err.h"
#include "scan/look.h"

#define ZIP_ENTRIES (SCAN_ENTRIES + 1)
#define ZIP_LIE 96

struct zip_entry {
	struct str name;
	uint16_t flags, method;
	uint64_t packed, size, at;	/* at: of its local header, from the start of the bytes */
};

struct zip {
	struct zip_entry *v;
	size_t n;
	bool more;
	uint64_t start;			/* of the archive within the bytes: what stands before it is something else */
	uint64_t end;			/* behind the end record and its comment */
	char lie[ZIP_LIE];		/* "": it says what is there */
};

MUST_CHECK int zip_read(struct str bytes, struct zip *ret);
void zip_release(struct zip *z);
const struct zip_entry *zip_find(const struct zip *z, struct str name);		/* NULL: no such file; ASCII letters of any case */
bool zip_encrypted(const struct zip *z);
/* What the directory makes of it: an Office document, a program of Java, ...; KIND_ZIP: an archive. */
enum kind zip_kind(const struct zip *z, struct str bytes);

#endif
