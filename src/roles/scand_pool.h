/* scand_pool.h - the supervisor's part of looking at files: so many wardroom-scand that wait for a job, each for one.
 *
 * One that has ended is replaced at once; one that could not even start is tried again with growing pauses. All end with the worker they were
 * made for, and with the supervisor (the kernel sees to that).
 *
 * Threads  The supervisor's.
 * Limits   HERITAGE_SCANDS_MOST.
 */
#ifndef ROLES_SCAND_POOL_H
#define ROLES_SCAND_POOL_H

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "ipc/heritage.h"

struct scand_pool {
	int chan;			/* our end; the worker's is its own. -1: none */
	unsigned wanted;
	struct scand_slot {
		pid_t pid;		/* 0: not there */
		unsigned failures;	/* in a row */
		uint64_t due_us;	/* when to start it again */
	} v[HERITAGE_SCANDS_MOST];
	const sigset_t *blocked;	/* the child unblocks them */
};

/* Starts what is due. */
void scand_pool_tend(struct scand_pool *p);
/* When something will be: 0 for never. */
uint64_t scand_pool_due_us(const struct scand_pool *p);
/* Was it one of ours? */
bool scand_pool_ended(struct scand_pool *p, pid_t pid, int status);
/* Ends all, and waits for that. */
void scand_pool_stop(struct scand_pool *p);

#endif
