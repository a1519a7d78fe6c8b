/* scan_pool.c - see scan_pool.h. */
#include "ipc/scan_pool.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/socket.h>
#include <unistd.h>

#define FDS 2

union control {
	struct cmsghdr align;
	char space[CMSG_SPACE(FDS * sizeof(int))];
};

int scan_pool_pair(int ret[2])
{
	return socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ret) < 0 ? ERR_IO : 0;
}

int scan_pool_give(int pool, int sock, int pidfd)
{
	union control control = { 0 };
	char byte = '+';
	struct iovec iov = { .iov_base = &byte, .iov_len = 1 };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control.space, .msg_controllen = sizeof(control.space) };
	struct cmsghdr *c = CMSG_FIRSTHDR(&msg);
	const int fds[FDS] = { sock, pidfd };

	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(fds));
	memcpy(CMSG_DATA(c), fds, sizeof(fds));
	if (sendmsg(pool, &msg, MSG_NOSIGNAL | MSG_DONTWAIT) == 1)
		return 0;
	return errno == EAGAIN || errno == ENOBUFS ? ERR_AGAIN : ERR_IO;
}

int scan_pool_take(int pool, int *ret_sock, int *ret_pidfd)
{
	union control control = { 0 };
	char byte;
	struct iovec iov = { .iov_base = &byte, .iov_len = 1 };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control.space, .msg_controllen = sizeof(control.space) };
	ssize_t n = recvmsg(pool, &msg, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
	struct cmsghdr *c = n > 0 ? CMSG_FIRSTHDR(&msg) : NULL;
	int fds[FDS];

	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? ERR_AGAIN : ERR_IO;
	if (n == 0)
		return ERR_EOF;
	if (!c || c->cmsg_type != SCM_RIGHTS || c->cmsg_len != CMSG_LEN(sizeof(fds)))
		return ERR_BAD_FORMAT;		/* the supervisor is one of us: descriptors in an odd number it does not send */
	memcpy(fds, CMSG_DATA(c), sizeof(fds));
	*ret_sock = fds[0];
	*ret_pidfd = fds[1];
	return 0;
}

void scan_pool_kill(int pidfd)
{
	if (pidfd >= 0)
		(void)pidfd_send_signal(pidfd, SIGKILL, NULL, 0);
}
