/* purge.h - a late verdict: what was delivered is taken out of everything that still has it, and everybody who has it is told.
 *
 * purge_start() is the one entry: operators' purges, enough weight of reports, late verdicts on files. The engine works on the store's thread in slices
 * (admin/admin_purge.h) and leaves behind, in the same transactions, who is to be told. Here those rows are worked off, one after the other, and each
 * is removed when all in it have been told; so a server that was killed goes on where it was, and tells nobody nothing. Who was told just before it was
 * killed may be told again, under the same id.
 *
 * For each message: what waits unacknowledged for a client (XEP-0198) becomes a tombstone under the same number, here and in the store; what waits for
 * another server or a component does not leave; the receiver's clients, and its sender's own, get a retraction (XEP-0424) in the sender's name with
 * a text for clients that do not know retractions, past block lists; a room takes it out of what newcomers are shown and tells everybody in it
 * (XEP-0425); links to files of our own are dead.
 *
 * Threads  The loop's.
 * Limits   PURGE_AT_ONCE people are told at a time (a row of admin/admin_purge.h).
 * Errors   What cannot be stored is tried again after PURGE_RETRY_MS; somebody who cannot be reached at all is logged (purge.not_told).
 */
#ifndef CORE_PURGE_H
#define CORE_PURGE_H

#include "base/err.h"
#include "base/str.h"
#include "vault/vault.h"

#define PURGE_AT_ONCE 256
#define PURGE_RETRY_MS 5000

struct server;

/* fingerprint: of vault_spread. message: its id as printed. like: an id; all that say nearly the same. link: a URL as it stands in messages. */
enum purge_kind { PURGE_FINGERPRINT, PURGE_MESSAGE, PURGE_LIKE, PURGE_LINK };
/* Durable once its first slice is on disk; what comes of it is logged and stands in the record. */
void purge_start(struct server *srv, enum purge_kind kind, struct str value, const char *why);

/* All that has this fingerprint; where nothing has, because it leads nowhere, all that says nearly the same as this message does. */
void purge_reported(struct server *srv, struct str fingerprint, struct str id, const char *why);

/* There are rows to be worked off. */
void purge_tell(struct server *srv);
/* At the start: purges that are not done, people who are not told. At the end. */
void purge_begin(struct server *srv);
void purge_stop(struct server *srv);

/* What the other sides of the server are asked to take back (core/service.h, core/outward.h). */
struct purge_copy {
	uint64_t id;
	char text[VAULT_ID_TEXT];	/* the id as printed: its stanza-id */
	struct str from, to;		/* from: as the message names its author; to: bare, a room's for a post */
	struct str given, type;		/* id and type that the author's client gave it */
	struct str own;			/* id of the message that takes it back */
	const char *sha;		/* of the stanza as it was sent on, in hexadecimal; empty: not known */
	bool left;			/* another server, or a component, may have it */
};

#endif
