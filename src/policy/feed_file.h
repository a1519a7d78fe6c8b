/* feed_file.h - lists of malicious links on disk: made by `wardroom feed update`, mapped by the server.
 *
 * DIR/NAME.set is a head and the ascending keys of inspect/feed.h in this machine's byte order. It is replaced whole, so a
 * map of the old one stays good; the memory is the kernel's to share and to give back.
 *
 * Ownership  What is open belongs to the policy.
 * Threads    One at a time.
 * Errors     ERR_NOT_FOUND: not made yet. ERR_CORRUPT: not ours, or cut.
 */
#ifndef POLICY_FEED_FILE_H
#define POLICY_FEED_FILE_H

#include <sys/types.h>

#include "policy/policy.h"

#define FEED_FILE_PATH 600

struct feed_head {
	char magic[8];
	uint64_t n, made_ms, lines, broken, spare[3];
};

struct feed_file {
	struct feed_set set;
	struct feed_head head;
	void *map;
	size_t map_n;
	ino_t ino;			/* 0: there was none */
};

/* "NAME SOURCE" in its parts. */
bool feed_file_source(struct str line, struct str *ret_name, struct str *ret_source);
bool feed_file_path(const char *dir, struct str name, char ret[FEED_FILE_PATH]);
void feed_file_head(struct feed_head *h, const struct feed_build *b, uint64_t now_ms);
MUST_CHECK int feed_file_read(const char *dir, struct str name, struct feed_file *ret);
void feed_file_release(struct feed_file *f);

/* Those that p->feed_lines name; one that cannot be read is told of in the log and left out. ERR_NOMEM. */
MUST_CHECK int feed_file_open(struct policy *p, const char *dir);
void feed_file_close(struct policy *p);
/* Has one of them been made anew since? */
bool feed_file_changed(const struct policy *p, const char *dir);

#endif
