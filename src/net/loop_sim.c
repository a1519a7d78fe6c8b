/* loop_sim.c - see loop_sim.h. Nothing here asks the kernel for anything. */
#include "net/loop_sim.h"

#include <stdlib.h>

#include "base/buf.h"
#include "base/check.h"
#include "base/clock.h"
#include "net/loop_core.h"

#define SIM_SOCKETS 4096
#define SIM_PIPE_BYTES (256 * 1024)	/* in flight in one direction: then the writer waits, as with a real socket */
#define SIM_START_WALL_US 1700000000000000u

struct sim_io {
	struct loop_io io;
	loop_ready_fn *ready;
	void *ctx;
	int fd;
	bool want_read, want_write, closing;
	struct loop_timer kick;		/* tells what it may do, after the seed's delay */
	bool kicked;
};

struct sim_end {
	bool shut;			/* no more comes from here */
	struct buf in;			/* has arrived here, not read yet */
	struct sim_io *io;		/* NULL: not opened, or closed */
	int peer;
};

struct sim_back {
	struct loop loop;
	struct clock_virtual clock;
	uint64_t seed;
	bool stopped;
	struct sim_end *ends;
	int n_ends;
	struct list works;		/* struct sim_job */
};

struct sim_job {
	struct list node;
	struct loop_work *work;
};

static struct sim_back *back_of(const struct loop *l)
{
	return LIST_ITEM((struct loop *)(uintptr_t)l, struct sim_back, loop);
}

/* splitmix64 */
static uint64_t draw(struct sim_back *b, uint64_t limit)
{
	uint64_t z = (b->seed += 0x9e3779b97f4a7c15u);

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
	return (z ^ (z >> 31)) % limit;
}

/* --- time ------------------------------------------------------------------------------------------------- */

static uint64_t now_ms(const struct loop *l)
{
	return back_of(l)->clock.mono_us / 1000;
}

static void advance(struct sim_back *b, uint64_t to_ms)
{
	uint64_t to_us = to_ms * 1000;

	if (to_us <= b->clock.mono_us)
		return;
	b->clock.wall_us += to_us - b->clock.mono_us;
	b->clock.mono_us = to_us;
}

static void run_works(struct sim_back *b)
{
	while (!list_empty(&b->works)) {
		struct sim_job *j = LIST_ITEM(b->works.next, struct sim_job, node);
		struct loop_work *w = j->work;

		list_remove(&j->node);
		free(j);
		b->loop.n_works--;
		w->run(w);
		w->done(w);
	}
}

/* One turn; what it starts runs in the same moment. */
static void turn(struct sim_back *b)
{
	loop_core_posted(&b->loop);
	run_works(b);
	loop_core_timers(&b->loop);
	loop_core_deferred(&b->loop);
}

static bool busy(struct sim_back *b)
{
	return !list_empty(&b->loop.posted) || !list_empty(&b->works) || !list_empty(&b->loop.deferred);
}

void loop_sim_run_until(struct loop *l, uint64_t mono_ms)
{
	struct sim_back *b = back_of(l);
	uint64_t next;

	b->stopped = false;
	while (!b->stopped) {
		turn(b);
		if (busy(b))
			continue;
		if (!loop_core_deadline(l, &next) || next > mono_ms)
			break;
		advance(b, next);
	}
	if (!b->stopped)
		advance(b, mono_ms);
}

static void run(struct loop *l)
{
	loop_sim_run_until(l, UINT64_MAX / 2000);
}

static void stop(struct loop *l)
{
	back_of(l)->stopped = true;
}

static void wake(struct loop *l)
{
	(void)l;		/* one thread: the next turn looks */
}

static int work(struct loop *l, struct loop_work *w)
{
	struct sim_job *j = calloc(1, sizeof(*j));

	if (!j)
		return ERR_NOMEM;
	j->work = w;
	list_append(&back_of(l)->works, &j->node);
	l->n_works++;
	return 0;
}

static int add_signal(struct loop *l, int signum, void (*fn)(void *ctx), void *ctx)
{
	(void)l;
	(void)signum;
	(void)fn;
	(void)ctx;
	return 0;		/* nobody sends one */
}

/* --- sockets ---------------------------------------------------------------------------------------------------- */

static struct sim_io *io_of(const struct loop_io *io)
{
	return LIST_ITEM((struct loop_io *)(uintptr_t)io, struct sim_io, io);
}

static struct sim_end *end_of(const struct sim_io *s)
{
	return &back_of(s->io.loop)->ends[s->fd];
}

static bool can_read(const struct sim_io *s)
{
	const struct sim_end *e = end_of(s);

	return e->in.n > 0 || back_of(s->io.loop)->ends[e->peer].shut;
}

static bool can_write(const struct sim_io *s)
{
	return back_of(s->io.loop)->ends[end_of(s)->peer].in.n < SIM_PIPE_BYTES;
}

static void on_kick(void *ctx)
{
	struct sim_io *s = ctx;
	bool readable = s->want_read && can_read(s), writable = s->want_write && can_write(s);

	s->kicked = false;
	if (readable || writable)
		s->ready(s->ctx, readable, writable);
}

static void kick(struct sim_io *s)
{
	if (!s || s->kicked || s->closing)
		return;
	if (!(s->want_read && can_read(s)) && !(s->want_write && can_write(s)))
		return;
	s->kicked = true;
	loop_timer_set(s->io.loop, &s->kick, draw(back_of(s->io.loop), 3), on_kick, s);
}

int loop_sim_pair(struct loop *l, int ret_fds[2])
{
	struct sim_back *b = back_of(l);

	if (b->n_ends + 2 > SIM_SOCKETS)
		return ERR_LIMIT;
	for (int i = 0; i < 2; i++) {
		struct sim_end *e = &b->ends[b->n_ends + i];

		*e = (struct sim_end){ .peer = b->n_ends + 1 - i };
		buf_init(&e->in, SIM_PIPE_BYTES * 2);
		ret_fds[i] = b->n_ends + i;
	}
	b->n_ends += 2;
	return 0;
}

static int io_open(struct loop *l, int fd, loop_ready_fn *ready, void *ctx, struct loop_io **ret)
{
	struct sim_back *b = back_of(l);
	struct sim_io *s;

	if (fd < 0 || fd >= b->n_ends || b->ends[fd].io)
		return ERR_IO;
	s = calloc(1, sizeof(*s));
	if (!s)
		return ERR_NOMEM;
	s->io.loop = l;
	s->ready = ready;
	s->ctx = ctx;
	s->fd = fd;
	b->ends[fd].io = s;
	*ret = &s->io;
	return 0;
}

static void io_shutdown(struct loop_io *io)
{
	struct sim_end *e = end_of(io_of(io));

	e->shut = true;
	kick(back_of(io->loop)->ends[e->peer].io);
}

static void io_close(struct loop_io *io)
{
	struct sim_io *s = io_of(io);

	io_shutdown(io);
	s->closing = true;
	loop_timer_cancel(io->loop, &s->kick);
	end_of(s)->io = NULL;
	free(s);
}

static void io_want(struct loop_io *io, bool readable, bool writable)
{
	struct sim_io *s = io_of(io);

	s->want_read = readable;
	s->want_write = writable;
	kick(s);
}

/* A piece of what is there: where it is cut is the seed's choice. */
static int io_read(struct loop_io *io, void *p, size_t n)
{
	struct sim_io *s = io_of(io);
	struct sim_end *e = end_of(s);
	size_t piece = e->in.n;

	if (piece == 0)
		return back_of(io->loop)->ends[e->peer].shut ? 0 : ERR_AGAIN;
	if (draw(back_of(io->loop), 2))
		piece = 1 + draw(back_of(io->loop), piece);
	piece = piece < n ? piece : n;
	memcpy(p, e->in.p, piece);
	buf_consume(&e->in, piece);
	kick(s);
	kick(back_of(io->loop)->ends[e->peer].io);
	return (int)piece;
}

static int io_write(struct loop_io *io, const void *p, size_t n)
{
	struct sim_io *s = io_of(io);
	struct sim_end *to = &back_of(io->loop)->ends[end_of(s)->peer];
	size_t room = SIM_PIPE_BYTES > to->in.n ? SIM_PIPE_BYTES - to->in.n : 0;

	if (end_of(s)->shut || to->shut)
		return ERR_IO;
	n = n < room ? n : room;
	if (n == 0)
		return ERR_AGAIN;
	if (buf_add(&to->in, p, n) < 0)
		return ERR_IO;
	kick(to->io);
	return (int)n;
}

static int io_fd(const struct loop_io *io)
{
	(void)io;
	return -1;
}

static void back_free(struct loop *l)
{
	struct sim_back *b = back_of(l);

	while (!list_empty(&b->works)) {
		struct sim_job *j = LIST_ITEM(b->works.next, struct sim_job, node);

		list_remove(&j->node);
		free(j);
	}
	for (int i = 0; i < b->n_ends; i++) {
		buf_release(&b->ends[i].in);
		free(b->ends[i].io);
	}
	free(b->ends);
	clock_simulate(NULL);
	loop_core_release(l);
	free(b);
}

static const struct loop_backend sim_ops = {
	.run = run,
	.stop = stop,
	.wake = wake,
	.now_ms = now_ms,
	.work = work,
	.signal = add_signal,
	.io_open = io_open,
	.io_close = io_close,
	.io_want = io_want,
	.io_read = io_read,
	.io_write = io_write,
	.io_shutdown = io_shutdown,
	.io_fd = io_fd,
	.free = back_free,
};

int loop_sim_new(uint64_t seed, struct loop **ret)
{
	struct sim_back *b = calloc(1, sizeof(*b));

	if (!b)
		return ERR_NOMEM;
	b->ends = calloc(SIM_SOCKETS, sizeof(*b->ends));
	if (!b->ends) {
		free(b);
		return ERR_NOMEM;
	}
	b->seed = seed;
	b->clock = (struct clock_virtual){ .mono_us = 1000000, .wall_us = SIM_START_WALL_US };
	list_init(&b->works);
	loop_core_init(&b->loop, &sim_ops);
	clock_simulate(&b->clock);
	*ret = &b->loop;
	return 0;
}
