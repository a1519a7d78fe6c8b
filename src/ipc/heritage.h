/* heritage.h - all that a role is born with: a few descriptors.
 *
 * Ownership  The role's. A role that is another program (wardroom-web) finds them under fixed numbers.
 */
#ifndef IPC_HERITAGE_H
#define IPC_HERITAGE_H

struct heritage {
	int ready;			/* takes one byte when the role serves; then it is closed */
	int chan;			/* the worker's or the web role's end of the channel between them (ipc/chan.h); -1: none */
	int pool;			/* the worker's alone: processes that look at files come over it (ipc/scan_pool.h) */
};

#define HERITAGE_READY_FD 3
#define HERITAGE_CHAN_FD 4
#define HERITAGE_SCAND_FD 3		/* wardroom-scand's one socket (ipc/scan_job.h); it has no 'ready' */
#define HERITAGE_SCAND_USELESS 76	/* its exit status when it could not even start to work */
#define HERITAGE_SCANDS_MOST 16

/* What a role writes to 'ready'. The worker writes a second byte behind it: how many processes are to look at files, at most HERITAGE_SCANDS_MOST. */
#define HERITAGE_SERVES "+"
#define HERITAGE_SERVES_AND_WANTS_WEB "w"	/* the worker alone */

#endif
