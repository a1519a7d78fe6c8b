/* heritage.h - all that a role is born with: two descriptors.
 *
 * Ownership  The role's. A role that is another program (wardroom-web) finds them under fixed numbers.
 */
#ifndef IPC_HERITAGE_H
#define IPC_HERITAGE_H

struct heritage {
	int ready;			/* takes one byte when the role serves; then it is closed */
	int chan;			/* the worker's or the web role's end of the channel between them (ipc/chan.h); -1: none */
};

#define HERITAGE_READY_FD 3
#define HERITAGE_CHAN_FD 4

/* What a role writes to 'ready'. */
#define HERITAGE_SERVES "+"
#define HERITAGE_SERVES_AND_WANTS_WEB "w"	/* the worker alone */

#endif
