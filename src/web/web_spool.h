/* web_spool.h - files on their way into and out of the spool: sealed as they come, on disk before anybody is told.
 *
 * A file that arrives is ID.part until its last byte is there, sealed and on disk; only then it has its name. What is not finished is deleted:
 * at its end, or when the role starts again.
 *
 * Ownership  web_spool_end() closes, deletes what was not finished, and wipes; the folder's path is the caller's.
 * Threads    The loop's; web_spool_flush() is for a thread of the pool while the file goes on growing, web_spool_finish() for one with
 *            nothing else touching the file meanwhile.
 * Limits     One piece (64 KiB) of memory a file. WEB_SPOOL_RESERVE of the disk is left to the rest of the server.
 * Errors     ERR_FULL: the disk. ERR_LIMIT: more than was announced. ERR_CONFLICT: it is arriving already. ERR_CORRUPT. ERR_IO.
 */
#ifndef WEB_WEB_SPOOL_H
#define WEB_WEB_SPOOL_H

#include "base/arena.h"
#include "crypt/chunk.h"

#define WEB_SPOOL_RESERVE (256ull * 1024 * 1024)	/* or a sixteenth of a smaller disk */

/* The disk gets so much at a time and is waited for, one file after the other: when the database wants its commit, no more than that is in
 * front of it. Measured: a commit beside four files that were written all at once took 15 ms (median), beside this 1.4, alone 0.4 to 3. */
#define WEB_SPOOL_STEP (1024ull * 1024)

struct web_spool;

/* Before the role gives its rights away: makes the folders of the spool and deletes what was left unfinished. */
MUST_CHECK int web_spool_prepare(const char *dir, struct arena *a, struct str *ret_why);

/* A file of exactly that many bytes begins. */
MUST_CHECK int web_spool_begin(const char *dir, struct seal_lib *lib, const uint8_t id[CHUNK_ID], const uint8_t key[SEAL_KEY], uint64_t bytes,
			       struct web_spool **ret);
MUST_CHECK int web_spool_add(struct web_spool *s, struct str bytes);
bool web_spool_is_whole(const struct web_spool *s);	/* all has come */
/* Bytes that no flush has taken yet. */
uint64_t web_spool_unflushed(const struct web_spool *s);
/* Waits until the next WEB_SPOOL_STEP of them are on the disk; web_spool_flushed(), back on the loop, notes it. */
void web_spool_flush(const struct web_spool *s);
void web_spool_flushed(struct web_spool *s);
/* Disk, name, folder: when it returns 0 the file is there to stay. */
MUST_CHECK int web_spool_finish(struct web_spool *s);

/* One that is there; clean: the cleaned copy. */
MUST_CHECK int web_spool_open(const char *dir, struct seal_lib *lib, const uint8_t id[CHUNK_ID], const uint8_t key[SEAL_KEY], bool clean, uint64_t bytes,
			      struct web_spool **ret);
/* At most one piece, beginning at byte 'from'; *ret points into room. */
MUST_CHECK int web_spool_read(struct web_spool *s, uint64_t from, uint8_t room[CHUNK_SEALED], struct str *ret);

void web_spool_end(struct web_spool **s);
/* The same, and the file is not wanted after all, finished or not. */
void web_spool_drop(struct web_spool **s);

#endif
