/* scan_dial.c - see scan_dial.h. No names are looked up: the worker does not wait for a DNS to know whether files can be looked at. */
#include "ipc/scan_dial.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/str.h"

static int parse_unix(struct str path, struct sockaddr_storage *ret, socklen_t *ret_n)
{
	struct sockaddr_un *un = (struct sockaddr_un *)ret;

	if (path.n >= sizeof(un->sun_path))
		return ERR_BAD_FORMAT;
	un->sun_family = AF_UNIX;
	memcpy(un->sun_path, path.p, path.n);
	*ret_n = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + path.n + 1);
	return 0;
}

static int parse_ip(struct str s, struct sockaddr_storage *ret, socklen_t *ret_n)
{
	struct sockaddr_in *v4 = (struct sockaddr_in *)ret;
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)ret;
	char host[INET6_ADDRSTRLEN + 1];
	uint64_t port;
	size_t at = s.n;

	while (at > 0 && s.p[at - 1] != ':')
		at--;
	if (at < 2 || !str_to_u64(str_cut(s, at), 65535, &port) || port == 0)
		return ERR_BAD_FORMAT;
	s.n = at - 1;
	if (s.n > 2 && s.p[0] == '[' && s.p[s.n - 1] == ']')
		s = str_make(s.p + 1, s.n - 2);
	if (s.n == 0 || s.n >= sizeof(host))
		return ERR_BAD_FORMAT;
	memcpy(host, s.p, s.n);
	host[s.n] = '\0';
	if (inet_pton(AF_INET, host, &v4->sin_addr) == 1) {
		v4->sin_family = AF_INET;
		v4->sin_port = htons((uint16_t)port);
		*ret_n = sizeof(*v4);
		return 0;
	}
	if (inet_pton(AF_INET6, host, &v6->sin6_addr) != 1)
		return ERR_BAD_FORMAT;
	v6->sin6_family = AF_INET6;
	v6->sin6_port = htons((uint16_t)port);
	*ret_n = sizeof(*v6);
	return 0;
}

static int parse(const char *where, struct sockaddr_storage *ret, socklen_t *ret_n)
{
	memset(ret, 0, sizeof(*ret));
	return where[0] == '/' ? parse_unix(str_of(where), ret, ret_n) : parse_ip(str_of(where), ret, ret_n);
}

int scan_dial_check(const char *where)
{
	struct sockaddr_storage sa;
	socklen_t n;

	return parse(where, &sa, &n);
}

static bool connected(int fd, unsigned patience_ms)
{
	struct pollfd p = { .fd = fd, .events = POLLOUT };
	int error = 0;
	socklen_t n = sizeof(error);

	return poll(&p, 1, (int)patience_ms) == 1 && getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &n) == 0 && error == 0;
}

/* Blocking from here on, but never for longer than this. */
static int set_patience(int fd, unsigned io_ms)
{
	struct timeval tv = { .tv_sec = io_ms / 1000, .tv_usec = (suseconds_t)(io_ms % 1000) * 1000 };
	int flags = fcntl(fd, F_GETFL);

	return flags < 0 || fcntl(fd, F_SETFL, flags & ~O_NONBLOCK) < 0 || setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv)) < 0 ||
	       setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &tv, sizeof(tv)) < 0 ? ERR_IO : 0;
}

int scan_dial(const char *where, unsigned patience_ms, unsigned io_ms, int *ret)
{
	struct sockaddr_storage sa;
	socklen_t n;
	int fd, r = parse(where, &sa, &n);

	if (r < 0)
		return r;
	fd = socket(sa.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return ERR_IO;
	/* EAGAIN of a UNIX socket: more wait there than it lets. */
	if (connect(fd, (struct sockaddr *)&sa, n) < 0 && !(errno == EINPROGRESS && connected(fd, patience_ms)))
		r = ERR_UNAVAILABLE;
	if (r == 0 && io_ms)
		r = set_patience(fd, io_ms);
	if (r < 0) {
		close(fd);
		return r;
	}
	*ret = fd;
	return 0;
}
