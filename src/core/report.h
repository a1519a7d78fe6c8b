/* report.h - what becomes of a report (XEP-0377): evidence, weight, and the end of what enough people have reported.
 *
 * The server takes the messages from the reporter's own archive or from what was held for him, so that clients that send ids
 * alone, or nothing, are enough; a message that the reporter shows himself counts when it carries this server's mark
 * (vault/vault_frank.h). Each reporter counts once for each fingerprint, by how often officers agreed with him. At policy's
 * reports.purge_at the fingerprint is contained and purged for everybody and the officers are told.
 *
 * Threads    The loop's.
 * Limits     REPORT_EVIDENCE messages a report, LIMIT_REPORTS stored ones, REPORT_VOICES people counted for one fingerprint.
 */
#ifndef CORE_REPORT_H
#define CORE_REPORT_H

#include "base/err.h"
#include "base/str.h"
#include "xmpp/node.h"

#define REPORT_EVIDENCE 20
#define REPORT_VOICES 32

struct server;
struct user;

struct report_said {
	struct str about, reason, text;
	struct str ids;			/* archive ids, one space between them */
	const struct node *shown;	/* a message that report_proves(); NULL: none */
};

/* Was this message delivered to 'by' (bare) by this server, from 'about'? */
bool report_proves(struct server *srv, struct arena *a, struct str by, struct str about, const struct node *message);
/* Copies what it needs. */
void report_file(struct server *srv, const struct user *by, const struct report_said *said);
/* At the start: what was reported before. At the end. */
void report_start(struct server *srv);
void report_stop(struct server *srv);

#endif
