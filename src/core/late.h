/* late.h - late verdicts: with new signatures, rules or lists, all files that people can load are looked at again.
 *
 * One after the other, behind everything else, until all stand under the version of the scanner that is in force (scanner_version()). Each row of the vault
 * says under which one its file was looked at; so after a restart it goes on with those that are left. What a second look finds, files.c acts upon: the link
 * is dead, whoever has the file is told, the messages that carry it are taken back. Officers are told when the scanner itself is in trouble.
 *
 * Threads  The loop's.
 * Limits   LATE_AT_ONCE files; LATE_ROWS rows are read in one job of the store.
 * Errors   What could not be looked at again stays as it was judged, and comes round with the next change or start.
 */
#ifndef CORE_LATE_H
#define CORE_LATE_H

#include "base/err.h"

#define LATE_AT_ONCE 4
#define LATE_ROWS 64

struct server;

MUST_CHECK int late_start(struct server *srv);	/* without a scanner: nothing */
void late_stop(struct server *srv);
/* An operator wants all of them looked at again; the order stands in the vault. */
void late_again(struct server *srv);

#endif
