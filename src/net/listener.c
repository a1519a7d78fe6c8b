/* listener.c - see listener.h. */
#include "net/listener.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define REST_MS 100

struct listener {
	struct loop *loop;
	struct loop_io *io;
	listener_fn *fn;
	void *ctx;
	struct loop_timer rest;
};

static int bind_failed(struct arena *a, const char *address, unsigned port, struct str *ret_why)
{
	int e = errno;

	if (e == EADDRINUSE)
		*ret_why = arena_printf(a, "port %u of %s is in use by another program; stop it or choose another port in "
					"wardroom.yaml (listen)", port, address);
	else if (e == EACCES)
		*ret_why = arena_printf(a, "no right to use port %u of %s; choose a port above 1023", port, address);
	else
		*ret_why = arena_printf(a, "cannot listen on port %u of %s: %s", port, address, strerror(e));
	return e == EADDRINUSE ? ERR_CONFLICT : ERR_IO;
}

int listener_bind_tcp(const char *address, unsigned port, struct arena *a, int *ret_fd, struct str *ret_why)
{
	struct addrinfo hints = { .ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM,
				  .ai_flags = AI_PASSIVE | AI_NUMERICHOST | AI_NUMERICSERV }, *ai;
	char service[16];
	int fd, one = 1, r = 0;

	snprintf(service, sizeof(service), "%u", port);
	if (getaddrinfo(address, service, &hints, &ai) != 0) {
		*ret_why = arena_printf(a, "'%s' is not an IP address to listen on", address);
		return ERR_BAD_FORMAT;
	}
	fd = socket(ai->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) < 0 ||
	    bind(fd, ai->ai_addr, ai->ai_addrlen) < 0 || listen(fd, 1024) < 0) {
		r = bind_failed(a, address, port, ret_why);
		if (fd >= 0)
			close(fd);
	} else {
		*ret_fd = fd;
	}
	freeaddrinfo(ai);
	return r;
}

int listener_bind_unix(const char *path, struct arena *a, int *ret_fd, struct str *ret_why)
{
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	mode_t old;
	int fd, r = 0;

	if (strlen(path) >= sizeof(un.sun_path)) {
		*ret_why = arena_printf(a, "the path %s is too long for a socket (at most %zu bytes)", path,
					sizeof(un.sun_path) - 1);
		return ERR_LIMIT;
	}
	memcpy(un.sun_path, path, strlen(path) + 1);
	unlink(path);		/* the instance is locked: whatever is left here is of a killed server */
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	old = umask(0177);
	if (fd < 0 || bind(fd, (struct sockaddr *)&un, sizeof(un)) < 0 || listen(fd, 64) < 0) {
		*ret_why = arena_printf(a, "cannot listen on %s: %s", path, strerror(errno));
		r = ERR_IO;
		if (fd >= 0)
			close(fd);
	} else {
		*ret_fd = fd;
	}
	umask(old);
	return r;
}

static void on_rested(void *ctx)
{
	struct listener *l = ctx;

	loop_io_want(l->io, true, false);
}

static void on_ready(void *ctx, bool readable, bool writable)
{
	struct listener *l = ctx;

	(void)readable;
	(void)writable;
	for (int i = 0; i < LISTENER_BURST; i++) {
		struct sockaddr_storage from = { 0 };
		socklen_t n = sizeof(from);
		int fd = accept4(loop_io_fd(l->io), (struct sockaddr *)&from, &n, SOCK_NONBLOCK | SOCK_CLOEXEC), one = 1;

		if (fd < 0) {
			if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
				loop_io_want(l->io, false, false);
				loop_timer_set(l->loop, &l->rest, REST_MS, on_rested, l);
			}
			return;
		}
		if (from.ss_family != AF_UNIX)
			setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
		l->fn(l->ctx, fd, &from);
	}
}

int listener_new(struct loop *loop, int fd, listener_fn *fn, void *ctx, struct listener **ret)
{
	struct listener *l = calloc(1, sizeof(*l));
	int r;

	if (!l)
		return ERR_NOMEM;
	l->loop = loop;
	l->fn = fn;
	l->ctx = ctx;
	r = loop_io_open(loop, fd, on_ready, l, &l->io);
	if (r < 0) {
		free(l);
		return r;
	}
	loop_io_want(l->io, true, false);
	*ret = l;
	return 0;
}

void listener_free(struct listener **l)
{
	if (!*l)
		return;
	loop_timer_cancel((*l)->loop, &(*l)->rest);
	loop_io_close(&(*l)->io);
	free(*l);
	*l = NULL;
}
