/* loop.h - an event loop: timers, deferred work, answers from other threads, stream sockets.
 *
 * Two implementations stand behind it: loop_uv.c (libuv) and loop_sim.c (virtual time and network from a
 * seed). Nothing else in the server asks for time, sockets or threads, so the whole of it runs in simulation.
 *
 * Ownership  Timers, items and works are the caller's structs and must live until they have run or are
 *            cancelled. A struct loop_io is closed with loop_io_close().
 * Threads    The loop's own, but for loop_post().
 * Limits     LOOP_WORKS under way in the thread pool.
 */
#ifndef NET_LOOP_H
#define NET_LOOP_H

#include "base/err.h"
#include "base/heap.h"
#include "base/list.h"
#include "base/str.h"

#define LOOP_WORKS 256

struct loop;

MUST_CHECK int loop_uv_new(struct loop **ret);
MUST_CHECK int loop_sim_new(uint64_t seed, struct loop **ret);
void loop_free(struct loop **l);
void loop_run(struct loop *l);			/* until loop_stop() */
void loop_stop(struct loop *l);
uint64_t loop_now_ms(const struct loop *l);	/* monotonic, the same during one turn */

/* --- timers: fire once ----------------------------------------------------------------------- */
struct loop_timer {
	struct heap_node node;
	void (*fn)(void *ctx);
	void *ctx;
};
void loop_timer_set(struct loop *l, struct loop_timer *t, uint64_t delay_ms, void (*fn)(void *ctx), void *ctx);
void loop_timer_cancel(struct loop *l, struct loop_timer *t);	/* fine when not set */

/* --- items ------------------------------------------------------------------------------------- */
struct loop_item {
	struct list node;			/* list_init() before first use; empty when not queued */
	void (*fn)(struct loop_item *item);
};
/* At the end of this turn, once; queuing a queued item changes nothing. list_remove(&item->node) takes it back. */
void loop_defer(struct loop *l, struct loop_item *item);
/* From any thread: on the loop's thread, soon. An item may not be posted again before it has run. */
void loop_post(struct loop *l, struct loop_item *item);

/* --- a pool of threads for what would block ------------------------------------------------------- */
struct loop_work {
	void (*run)(struct loop_work *w);	/* on a pool thread */
	void (*done)(struct loop_work *w);	/* on the loop's thread */
	void *internal;
};
MUST_CHECK int loop_work(struct loop *l, struct loop_work *w);	/* ERR_BUSY */

/* --- signals ------------------------------------------------------------------------------------------ */
MUST_CHECK int loop_signal(struct loop *l, int signum, void (*fn)(void *ctx), void *ctx);

/* --- sockets -------------------------------------------------------------------------------------------- */
struct loop_io;
typedef void loop_ready_fn(void *ctx, bool readable, bool writable);

/* Takes a non-blocking descriptor over (on success). */
MUST_CHECK int loop_io_open(struct loop *l, int fd, loop_ready_fn *ready, void *ctx, struct loop_io **ret);
void loop_io_close(struct loop_io **io);	/* no callback after it; closes the descriptor */
void loop_io_want(struct loop_io *io, bool readable, bool writable);
/* Bytes, 0 at the end, ERR_AGAIN, ERR_IO. */
MUST_CHECK int loop_io_read(struct loop_io *io, void *p, size_t n);
MUST_CHECK int loop_io_write(struct loop_io *io, const void *p, size_t n);
void loop_io_shutdown(struct loop_io *io);	/* no more writing */
int loop_io_fd(const struct loop_io *io);	/* -1 in simulation */

/* --- for the two implementations --------------------------------------------------------------------------- */
struct loop_backend {
	void (*run)(struct loop *l);
	void (*stop)(struct loop *l);
	void (*wake)(struct loop *l);		/* from any thread */
	uint64_t (*now_ms)(const struct loop *l);
	int (*work)(struct loop *l, struct loop_work *w);
	int (*signal)(struct loop *l, int signum, void (*fn)(void *ctx), void *ctx);
	int (*io_open)(struct loop *l, int fd, loop_ready_fn *ready, void *ctx, struct loop_io **ret);
	void (*io_close)(struct loop_io *io);
	void (*io_want)(struct loop_io *io, bool readable, bool writable);
	int (*io_read)(struct loop_io *io, void *p, size_t n);
	int (*io_write)(struct loop_io *io, const void *p, size_t n);
	void (*io_shutdown)(struct loop_io *io);
	int (*io_fd)(const struct loop_io *io);
	void (*free)(struct loop *l);
};

#endif
