/* chan.c - see chan.h. What comes from the other role is not believed: it meets strangers. */
#include "ipc/chan.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define FDS_MOST 4			/* room to see, and close, more than the one */

int chan_pair(int ret[2])
{
	return socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ret) < 0 ? ERR_IO : 0;
}

int chan_give(int chan, const struct chan_stream *s, int fd)
{
	union { struct cmsghdr align; char space[CMSG_SPACE(sizeof(int))]; } control = { 0 };
	struct iovec iov = { .iov_base = (void *)(uintptr_t)s, .iov_len = sizeof(*s) };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control.space,
			      .msg_controllen = sizeof(control.space) };
	struct cmsghdr *c = CMSG_FIRSTHDR(&msg);
	ssize_t n;

	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(c), &fd, sizeof(fd));
	n = sendmsg(chan, &msg, MSG_NOSIGNAL | MSG_DONTWAIT);
	if (n == (ssize_t)sizeof(*s)) {
		close(fd);
		return 0;
	}
	return n < 0 && (errno == EAGAIN || errno == ENOBUFS || errno == ETOOMANYREFS) ? ERR_AGAIN : ERR_IO;
}

/* Every descriptor that came, at most max of them in fds; the rest is closed. */
static unsigned collect(struct msghdr *msg, int *fds, unsigned max)
{
	unsigned n = 0;

	for (struct cmsghdr *c = CMSG_FIRSTHDR(msg); c; c = CMSG_NXTHDR(msg, c)) {
		size_t bytes = c->cmsg_len - CMSG_LEN(0);

		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		for (size_t at = 0; at + sizeof(int) <= bytes; at += sizeof(int)) {
			int fd;

			memcpy(&fd, CMSG_DATA(c) + at, sizeof(fd));
			if (n < max)
				fds[n++] = fd;
			else
				close(fd);
		}
	}
	return n;
}

/* A connected UNIX stream and nothing else: a file or a device would answer poll() and read() in other ways. */
static bool is_stream(int fd)
{
	int domain = 0, type = 0;
	socklen_t n = sizeof(domain), m = sizeof(type);

	return getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &n) == 0 && domain == AF_UNIX &&
	       getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &m) == 0 && type == SOCK_STREAM && fcntl(fd, F_SETFL, O_NONBLOCK) == 0;
}

static bool is_sound(const struct chan_stream *s)
{
	return s->version == CHAN_VERSION && s->kind <= CHAN_FILE && (s->address_n == 4 || s->address_n == 16) &&
	       (s->exporter_n == 0 || s->exporter_n == sizeof(s->exporter)) && s->endpoint_n <= sizeof(s->endpoint);
}

int chan_take(int chan, struct chan_stream *ret, int *ret_fd)
{
	union { struct cmsghdr align; char space[CMSG_SPACE(FDS_MOST * sizeof(int))]; } control = { 0 };
	struct chan_stream s;
	struct iovec iov = { .iov_base = &s, .iov_len = sizeof(s) };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control.space,
			      .msg_controllen = sizeof(control.space) };
	ssize_t n = recvmsg(chan, &msg, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
	int fds[FDS_MOST];
	unsigned n_fds;

	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? ERR_AGAIN : ERR_IO;
	n_fds = collect(&msg, fds, FDS_MOST);
	if (n == 0 && n_fds == 0)
		return ERR_EOF;
	if (n == (ssize_t)sizeof(s) && n_fds == 1 && !(msg.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) && is_sound(&s) &&
	    is_stream(fds[0])) {
		*ret = s;
		*ret_fd = fds[0];
		return 0;
	}
	for (unsigned i = 0; i < n_fds; i++)
		close(fds[i]);
	return ERR_BAD_FORMAT;
}
