/* clamd.h - one file shown to ClamAV's daemon (INSTREAM) over a socket that somebody else has connected, and what it says understood.
 *
 * clamd_parse() is pure and takes any bytes. clamd_scan() blocks; time is the parent's: it ends a process that waits too long.
 *
 * Ownership  The descriptor stays the caller's; it has been used up.
 * Threads    Any.
 * Limits     An answer of CLAMD_REPLY bytes; a longer one makes no sense.
 */
#ifndef SCAN_CLAMD_H
#define SCAN_CLAMD_H

#include "base/str.h"
#include "inspect/file_fact.h"
#include "ipc/scan_job.h"

#define CLAMD_REPLY 1024

struct clamd_reply {
	enum scan_job_clamd said;
	char name[FACT_EVIDENCE];	/* of what it found, or what it says is wrong; printable ASCII */
};

/* A whole answer to zINSTREAM, with or without the NUL at its end. */
void clamd_parse(struct str reply, struct clamd_reply *ret);
void clamd_scan(int fd, const uint8_t *p, size_t n, struct clamd_reply *ret);

#endif
