/* loop_uv.c - the loop on libuv.
 *
 * One uv_timer serves the whole heap of timers; a socket's poll mask changes only when what it wants
 * changes, so that steady traffic costs no epoll_ctl.
 */
#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>
#include <uv.h>

#include "base/check.h"
#include "net/loop_core.h"

#define SIGNALS 8

struct uv_back {
	struct loop loop;
	uv_loop_t uv;
	uv_timer_t timer;
	uv_async_t async;
	uv_prepare_t prepare;
	uv_check_t check;
	uint64_t armed_for;		/* deadline the uv_timer stands at; 0: not armed */
	struct uv_sig {
		uv_signal_t handle;
		void (*fn)(void *ctx);
		void *ctx;
	} signals[SIGNALS];
	unsigned n_signals;
};

struct uv_io {
	struct loop_io io;
	loop_ready_fn *ready;
	void *ctx;
	int fd;
	int events;
	bool closed;
	uv_poll_t poll;
};

static struct uv_back *back_of(const struct loop *l)
{
	return LIST_ITEM((struct loop *)(uintptr_t)l, struct uv_back, loop);
}

static void on_timer(uv_timer_t *t)
{
	struct uv_back *b = t->data;

	b->armed_for = 0;
	loop_core_timers(&b->loop);
}

static void on_async(uv_async_t *a)
{
	struct uv_back *b = a->data;

	loop_core_posted(&b->loop);
}

static void on_check(uv_check_t *c)
{
	struct uv_back *b = c->data;

	loop_core_deferred(&b->loop);
}

/* Before the loop waits: nothing may be left deferred, and the timer must stand at the next deadline. */
static void on_prepare(uv_prepare_t *p)
{
	struct uv_back *b = p->data;
	uint64_t deadline, now = uv_now(&b->uv);

	loop_core_deferred(&b->loop);
	if (!loop_core_deadline(&b->loop, &deadline)) {
		if (b->armed_for)
			uv_timer_stop(&b->timer);
		b->armed_for = 0;
		return;
	}
	if (b->armed_for == deadline)
		return;
	b->armed_for = deadline;
	uv_timer_start(&b->timer, on_timer, deadline > now ? deadline - now : 0, 0);
}

static void run(struct loop *l)
{
	uv_run(&back_of(l)->uv, UV_RUN_DEFAULT);
}

static void stop(struct loop *l)
{
	uv_stop(&back_of(l)->uv);
}

static void wake(struct loop *l)
{
	uv_async_send(&back_of(l)->async);
}

static uint64_t now_ms(const struct loop *l)
{
	return uv_now(&back_of(l)->uv);
}

struct uv_job {
	uv_work_t req;
	struct loop *loop;
	struct loop_work *work;
};

static void on_work(uv_work_t *req)
{
	struct uv_job *j = req->data;

	j->work->run(j->work);
}

static void after_work(uv_work_t *req, int status)
{
	struct uv_job *j = req->data;
	struct loop_work *w = j->work;

	(void)status;
	j->loop->n_works--;
	free(j);
	w->done(w);
}

static int work(struct loop *l, struct loop_work *w)
{
	struct uv_job *j = calloc(1, sizeof(*j));

	if (!j)
		return ERR_NOMEM;
	j->req.data = j;
	j->loop = l;
	j->work = w;
	if (uv_queue_work(&back_of(l)->uv, &j->req, on_work, after_work) < 0) {
		free(j);
		return ERR_BUSY;
	}
	l->n_works++;
	return 0;
}

static void on_signal(uv_signal_t *h, int signum)
{
	struct uv_sig *s = h->data;

	(void)signum;
	s->fn(s->ctx);
}

static int add_signal(struct loop *l, int signum, void (*fn)(void *ctx), void *ctx)
{
	struct uv_back *b = back_of(l);
	struct uv_sig *s;

	if (b->n_signals == SIGNALS)
		return ERR_LIMIT;
	s = &b->signals[b->n_signals++];
	s->fn = fn;
	s->ctx = ctx;
	uv_signal_init(&b->uv, &s->handle);
	s->handle.data = s;
	return uv_signal_start(&s->handle, on_signal, signum) < 0 ? ERR_IO : 0;
}

/* --- sockets ----------------------------------------------------------------------------------------- */

static struct uv_io *io_of(const struct loop_io *io)
{
	return LIST_ITEM((struct loop_io *)(uintptr_t)io, struct uv_io, io);
}

static void on_poll(uv_poll_t *p, int status, int events)
{
	struct uv_io *u = p->data;

	/* An error shows itself at the next read or write. */
	u->ready(u->ctx, status < 0 || (events & (UV_READABLE | UV_DISCONNECT)) != 0,
		 status < 0 || (events & UV_WRITABLE) != 0);
}

static int io_open(struct loop *l, int fd, loop_ready_fn *ready, void *ctx, struct loop_io **ret)
{
	struct uv_io *u = calloc(1, sizeof(*u));

	if (!u)
		return ERR_NOMEM;
	u->io.loop = l;
	u->ready = ready;
	u->ctx = ctx;
	u->fd = fd;
	if (uv_poll_init(&back_of(l)->uv, &u->poll, fd) < 0) {
		free(u);
		return ERR_IO;
	}
	u->poll.data = u;
	*ret = &u->io;
	return 0;
}

static void on_closed(uv_handle_t *h)
{
	struct uv_io *u = h->data;

	free(u);
}

static void io_close(struct loop_io *io)
{
	struct uv_io *u = io_of(io);

	CHECK(!u->closed);
	u->closed = true;
	uv_poll_stop(&u->poll);
	close(u->fd);
	uv_close((uv_handle_t *)&u->poll, on_closed);
}

static void io_want(struct loop_io *io, bool readable, bool writable)
{
	struct uv_io *u = io_of(io);
	int events = (readable ? UV_READABLE : 0) | (writable ? UV_WRITABLE : 0);

	if (events == u->events)
		return;
	u->events = events;
	if (events)
		uv_poll_start(&u->poll, events, on_poll);
	else
		uv_poll_stop(&u->poll);
}

static int result(ssize_t r)
{
	if (r >= 0)
		return (int)r;
	return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR ? ERR_AGAIN : ERR_IO;
}

static int io_read(struct loop_io *io, void *p, size_t n)
{
	return result(recv(io_of(io)->fd, p, n, 0));
}

static int io_write(struct loop_io *io, const void *p, size_t n)
{
	return result(send(io_of(io)->fd, p, n, MSG_NOSIGNAL));
}

static void io_shutdown(struct loop_io *io)
{
	shutdown(io_of(io)->fd, SHUT_WR);
}

static int io_fd(const struct loop_io *io)
{
	return io_of(io)->fd;
}

static void close_any(uv_handle_t *h, void *arg)
{
	(void)arg;
	if (!uv_is_closing(h))
		uv_close(h, NULL);
}

static void back_free(struct loop *l)
{
	struct uv_back *b = back_of(l);

	uv_walk(&b->uv, close_any, NULL);
	uv_run(&b->uv, UV_RUN_DEFAULT);
	uv_loop_close(&b->uv);
	loop_core_release(l);
	free(b);
}

static const struct loop_backend uv_ops = {
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

int loop_uv_new(struct loop **ret)
{
	struct uv_back *b = calloc(1, sizeof(*b));

	if (!b)
		return ERR_NOMEM;
	loop_core_init(&b->loop, &uv_ops);
	if (uv_loop_init(&b->uv) < 0) {
		loop_core_release(&b->loop);
		free(b);
		return ERR_NOMEM;
	}
	uv_timer_init(&b->uv, &b->timer);
	uv_async_init(&b->uv, &b->async, on_async);
	uv_prepare_init(&b->uv, &b->prepare);
	uv_check_init(&b->uv, &b->check);
	b->timer.data = b->async.data = b->prepare.data = b->check.data = b;
	uv_prepare_start(&b->prepare, on_prepare);
	uv_check_start(&b->check, on_check);
	*ret = &b->loop;
	return 0;
}
