/* feed.h - lists of malicious links as others publish them, in a compact set that never changes.
 *
 * An entry is the first eight bytes of SHA-256 of "host", or of "host[:port]/path?query": so a list of plain text and a
 * list of hashes (RTBL) make the same set, and eight bytes an entry are all it takes. A host stands for all below it.
 *
 * Ownership  A builder owns its memory until feed_free(); a set points into memory of whoever made it.
 * Threads    Any may read a set; a builder belongs to one.
 * Limits     FEED_ENTRIES a list, FEED_LINE bytes a line, FEED_NAMED broken lines that are named.
 * Errors     ERR_LIMIT, ERR_NOMEM. A line that cannot be read is counted, never an error.
 * Pure.
 */
#ifndef INSPECT_FEED_H
#define INSPECT_FEED_H

#include "base/arena.h"
#include "base/err.h"
#include "inspect/url.h"

#define FEED_ENTRIES 4000000
#define FEED_LINE 4096
#define FEED_NAMED 5
#define FEED_NAME 32

struct feed_set {
	struct str name;
	bool trusted;		/* a match alone holds a message; else it weighs less */
	const uint64_t *v;	/* ascending */
	size_t n;
};

struct feed_broken { uint64_t line; char text[48]; const char *why; };

struct feed_build {
	uint64_t *v;
	size_t n, room;
	uint64_t lines, broken;
	struct feed_broken named[FEED_NAMED];	/* the first ones */
	struct arena *scratch;
};

MUST_CHECK int feed_begin(struct feed_build *b);
/* One line of: URLhaus CSV, URLs, hosts file, plain domains, Adblock's ||domain^, SHA-256 in hexadecimal. */
MUST_CHECK int feed_line(struct feed_build *b, struct str line);
MUST_CHECK int feed_text(struct feed_build *b, struct str text);
void feed_finish(struct feed_build *b);		/* sorted, each once */
void feed_free(struct feed_build *b);

uint64_t feed_key(struct str text);
/* SHA-256, in hexadecimal, of its host or of its page: as a list of others names it. */
#define FEED_HASH 65
void feed_hash(const struct url *u, bool host, char ret[FEED_HASH]);
/* Is the link in the set? wide false: its very address alone, not its host (for sites that everybody uses). */
bool feed_has(const struct feed_set *s, const struct url *u, bool wide);

#endif
