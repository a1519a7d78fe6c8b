/* blob.h - files that are written into a text: data: URIs, and Base64 that is no text. Pure.
 *
 * Ownership  Spans of the text given.
 * Limits     BLOBS a text; time is linear in it. Less than BLOB_SHORT characters of Base64, or less than BLOB_LONG that do not begin
 *            like a known kind of file, is not looked at: keys and tokens are inspect/dlp.h's.
 */
#ifndef INSPECT_BLOB_H
#define INSPECT_BLOB_H

#include "base/arena.h"

#define BLOBS 16
#define BLOB_SHORT 200
#define BLOB_LONG 1024

enum blob_kind { BLOB_DATA_URI, BLOB_BASE64 };

struct blob {
	enum blob_kind kind;
	size_t from, to;		/* in the text */
	struct str type;		/* of a data: URI, as it says; empty: it says nothing */
	struct str payload;		/* behind the comma; of Base64 all of it */
	bool base64;			/* else percent-encoded */
};

/* Returns how many (<= BLOBS). */
unsigned blob_find(struct str text, struct blob ret[BLOBS], bool *ret_more);
/* A whole data: URI, as an attribute has it. */
bool blob_of_uri(struct str uri, struct blob *ret);
/* Base64 as people and clients write it: with white space, without padding, with - and _. Bytes in the arena; .p NULL: it is none, or no memory. */
struct str blob_decode(struct str base64, struct arena *a);
/* What a file of these first bytes is: "a program", "an archive", ...; NULL: nothing known. */
const char *blob_kind_of(const uint8_t *p, size_t n);

#endif
