/* files.h - the life of an uploaded file, in the worker: nothing is served that was not looked at.
 *
 *   SLOT --PUT--> PENDING --scan, policy--> SERVED | CLEANED | HELD | REFUSED --late verdict, purge--> REVOKED;  any --time--> EXPIRED
 *
 * The web role (web/web_file.c) moves sealed bytes and asks here for each key (core/file_web.h); the scanner (core/scanner.h) looks; policy decides;
 * the row in the vault (vault/vault_file.h) is written before anybody is told. A key for reading goes out for SERVED and CLEANED alone (of CLEANED:
 * the cleaned copy's). After a restart what was PENDING is scanned again. No scanner, a full queue, a broken store: it stays PENDING, never SERVED.
 *
 * A message that links to a file of ours waits in the quarantine (HELD_FILE: durable, acknowledged) while one of them is PENDING, and goes on, with its first
 * id and time, when all are judged.
 *
 * Ownership  Contexts stay the caller's.
 * Threads    The loop's, but for what says "store thread".
 * Limits     FILES_PENDING files looked at or waiting for it; then no new slots (resource-constraint). FILES_LINKS links of one message.
 * Errors     As vault_file.h.
 */
#ifndef CORE_FILES_H
#define CORE_FILES_H

#include "base/arena.h"
#include "vault/vault_file.h"

#define FILES_PENDING 2000
#define FILES_PENDING_OF_ONE 40		/* of one account: while the scanner is away nobody takes the place of all */
#define FILES_LINKS 32				/* of one message; with more of them it is refused */
#define FILES_NAME 255				/* bytes of a file's name, UTF-8 */
#define FILES_TYPE 127
#define FILES_SLOT_MS (10ull * 60 * 1000)	/* within which the PUT begins */
#define FILES_RECORD_MS (90ull * 24 * 3600 * 1000)	/* for which the row tells of a file that has expired */

struct buf;
struct scan_job;
struct server;
struct trip;

/* --- what others call ---------------------------------------------------------------------------------------------------------- */
/* Is this text a link to a file of our own, and to which? In any of the spellings that browsers take for it. */
bool files_url(const struct server *srv, struct str url, uint8_t ret_id[VAULT_FILE_ID]);
/* "https://HOST[:PORT]/upload/TOKEN/NAME", the name percent-encoded. */
MUST_CHECK int files_url_write(const struct server *srv, struct str token, struct str name, struct buf *b);

/* How many are being looked at; of one account (bare). */
unsigned files_pending(const struct server *srv);
unsigned files_pending_of(const struct server *srv, struct str owner);
/* Another has changed the row in the vault: whoever waits for it is served. */
void files_changed(struct server *srv, const uint8_t id[VAULT_FILE_ID]);
/* The same, and who is concerned is told (`wardroom file release`, a purge in the vault). */
void files_settled(struct server *srv, const uint8_t id[VAULT_FILE_ID]);
/* The link is dead as soon as the row is written; then done(ctx, err), which may be NULL. by, why: for its story. */
typedef void files_done_fn(void *ctx, int err);
void files_revoke(struct server *srv, const uint8_t id[VAULT_FILE_ID], struct str by, struct str why, files_done_fn *done, void *ctx);
/* To be looked at again, behind all others; a file that is served goes on being served until something is found. ERR_BUSY: the queue is full. When
 * its verdict is worse than before, it is revoked, and who has it is told of (late verdict). */
MUST_CHECK int files_rescan(struct server *srv, const uint8_t id[VAULT_FILE_ID], files_done_fn *done, void *ctx);

/* --- the worker's own ---------------------------------------------------------------------------------------------------------- */
/* Before the store's thread; after the scanner has stopped. */
MUST_CHECK int files_start(struct server *srv);
void files_stop(struct server *srv);

#endif
