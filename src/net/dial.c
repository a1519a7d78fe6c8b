/* dial.c - see dial.h. */
#include "net/dial.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/check.h"

#define DIAL_MAGIC 0xd1a10001u

struct dial {
	CHECK_MAGIC;
	struct loop *loop;
	struct loop_io *io;
	struct loop_timer timer;
	dial_fn *fn;
	void *ctx;
};

void dial_cancel(struct dial **ref)
{
	struct dial *d = *ref;

	if (!d)
		return;
	CHECK_OBJ(d, DIAL_MAGIC);
	*ref = NULL;
	loop_timer_cancel(d->loop, &d->timer);
	loop_io_close(&d->io);
	d->magic = 0;
	free(d);
}

static void finish(struct dial *d, int fd, int err)
{
	dial_fn *fn = d->fn;
	void *ctx = d->ctx;

	dial_cancel(&d);
	fn(ctx, fd, err);
}

static void on_late(void *ctx)
{
	finish(ctx, -1, ERR_AGAIN);
}

/* The loop closes the descriptor that it watches: the connection lives on in another one. */
static void on_ready(void *ctx, bool readable, bool writable)
{
	struct dial *d = ctx;
	int e = 0, fd;
	socklen_t n = sizeof(e);

	(void)readable;
	(void)writable;
	CHECK_OBJ(d, DIAL_MAGIC);
	if (getsockopt(loop_io_fd(d->io), SOL_SOCKET, SO_ERROR, &e, &n) < 0 || e) {
		finish(d, -1, ERR_UNAVAILABLE);
		return;
	}
	fd = fcntl(loop_io_fd(d->io), F_DUPFD_CLOEXEC, 0);
	finish(d, fd, fd < 0 ? ERR_IO : 0);
}

int dial_start(struct loop *loop, const struct sockaddr_storage *to, uint64_t timeout_ms, dial_fn *fn, void *ctx,
	       struct dial **ret)
{
	struct dial *d = calloc(1, sizeof(*d));
	socklen_t n = to->ss_family == AF_INET6 ? sizeof(struct sockaddr_in6) : sizeof(struct sockaddr_in);
	int fd = d ? socket(to->ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0) : -1, one = 1, r;

	if (fd < 0) {
		free(d);
		return ERR_UNAVAILABLE;
	}
	d->magic = DIAL_MAGIC;
	d->loop = loop;
	d->fn = fn;
	d->ctx = ctx;
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	r = connect(fd, (const struct sockaddr *)to, n) < 0 && errno != EINPROGRESS ? ERR_UNAVAILABLE : 0;
	if (r == 0)
		r = loop_io_open(loop, fd, on_ready, d, &d->io);
	if (r < 0) {
		close(fd);
		free(d);
		return r;
	}
	loop_io_want(d->io, false, true);
	loop_timer_set(loop, &d->timer, timeout_ms, on_late, d);
	*ret = d;
	return 0;
}
