/* jobs.h - the store thread: pieces of work on the vault, in order, in group commits.
 *
 * A commit takes all that waits, up to LIMIT_BATCH_ROWS pieces: under load many share one fsync, alone one
 * is not delayed. When a piece fails after it wrote, the batch is undone and each piece runs in a
 * transaction of its own, so work() may run twice and must not keep state of the first time.
 *
 * Ownership  The submitter's struct job, until done() is called.
 * Threads    jobs_submit on the loop's thread; work() on the store thread; done() on the loop's thread,
 *            in the order of submission, after the commit (or with its error).
 * Limits     LIMIT_STORE_JOBS waiting: ERR_BUSY.
 */
#ifndef CORE_JOBS_H
#define CORE_JOBS_H

#include "base/err.h"
#include "base/list.h"

struct job;
struct jobs;
struct loop;
struct vault;

typedef int job_work_fn(struct vault *v, struct job *j);	/* 0 or ERR_*; an error undoes what it wrote */
typedef void job_done_fn(struct job *j, int err);

struct job {
	struct list node;
	job_work_fn *work;
	job_done_fn *done;
	int err;
};

/* threaded: a thread of its own; otherwise run between turns of the loop (simulation). The vault stays the caller's. */
MUST_CHECK int jobs_new(struct loop *loop, struct vault *v, bool threaded, struct jobs **ret);
/* Finishes what waits, then calls done on the loop's thread. */
void jobs_stop(struct jobs *jobs, void (*done)(void *ctx), void *ctx);
void jobs_free(struct jobs **jobs);		/* after jobs_stop */

MUST_CHECK int jobs_submit(struct jobs *jobs, struct job *j, job_work_fn *work, job_done_fn *done);
size_t jobs_waiting(const struct jobs *jobs);

#endif
