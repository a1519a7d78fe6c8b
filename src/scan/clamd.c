/* clamd.c - see clamd.h. The protocol is that of clamd(8): "zINSTREAM\0", pieces with their length before them, a piece of nothing. */
#include "scan/clamd.h"

#include <arpa/inet.h>
#include <errno.h>
#include <sys/socket.h>
#include <sys/uio.h>

#define PIECE (256u * 1024)

static void set_name(struct clamd_reply *ret, struct str s)
{
	size_t n = 0;

	for (size_t i = 0; i < s.n && n + 1 < sizeof(ret->name); i++)
		ret->name[n++] = s.p[i] >= 0x20 && s.p[i] < 0x7f ? s.p[i] : '?';
	ret->name[n] = '\0';
}

/* "stream: OK", "stream: NAME FOUND", "... ERROR"; all else is somebody else's speech. */
void clamd_parse(struct str reply, struct clamd_reply *ret)
{
	const struct str stream = STR("stream: "), found = STR(" FOUND"), error = STR(" ERROR");
	struct str s = reply;

	*ret = (struct clamd_reply){ .said = SCAN_JOB_CLAMD_BROKEN };
	if (s.n && s.p[s.n - 1] == '\0')
		s.n--;
	if (s.n && s.p[s.n - 1] == '\n')
		s.n--;
	if (s.n > CLAMD_REPLY || str_find_char(s, '\0') >= 0 || str_find_char(s, '\n') >= 0)
		return;
	if (str_is(s, "stream: OK")) {
		ret->said = SCAN_JOB_CLAMD_OK;
	} else if (str_starts(s, stream) && str_ends(s, found) && s.n > stream.n + found.n) {
		ret->said = SCAN_JOB_CLAMD_FOUND;
		set_name(ret, str_make(s.p + stream.n, s.n - stream.n - found.n));
	} else if (str_starts(s, STR("INSTREAM size limit exceeded"))) {
		ret->said = SCAN_JOB_CLAMD_TOO_BIG;
		set_name(ret, STR("bigger than clamd's StreamMaxLength"));
	} else if (str_ends(s, error) && s.n > error.n) {
		ret->said = SCAN_JOB_CLAMD_ERROR;
		set_name(ret, s);
	}
}

/* 0: it has hung up, or does not take more; it may have said why. */
static int send_all(int fd, const uint8_t *p, size_t n)
{
	uint32_t head = htonl((uint32_t)n);
	struct iovec iov[2] = { { &head, sizeof(head) }, { (void *)(uintptr_t)p, n } };
	struct msghdr msg = { .msg_iov = iov, .msg_iovlen = n ? 2 : 1 };

	while (msg.msg_iovlen) {
		ssize_t r = sendmsg(fd, &msg, MSG_NOSIGNAL);

		if (r < 0 && errno == EINTR)
			continue;
		if (r <= 0)
			return 0;
		while (msg.msg_iovlen && (size_t)r >= msg.msg_iov->iov_len) {
			r -= (ssize_t)msg.msg_iov->iov_len;
			msg.msg_iov++;
			msg.msg_iovlen--;
		}
		if (msg.msg_iovlen) {
			msg.msg_iov->iov_base = (char *)msg.msg_iov->iov_base + r;
			msg.msg_iov->iov_len -= (size_t)r;
		}
	}
	return 1;
}

static int send_command(int fd)
{
	static const char command[] = "zINSTREAM";	/* with its NUL */
	struct iovec iov = { (void *)(uintptr_t)command, sizeof(command) };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };

	return sendmsg(fd, &msg, MSG_NOSIGNAL) == (ssize_t)sizeof(command);
}

/* Until it hangs up or has said NUL. What does not fit is too long for an answer. */
static size_t hear(int fd, char ret[CLAMD_REPLY + 2])
{
	size_t n = 0;

	while (n < CLAMD_REPLY + 2) {
		struct iovec iov = { ret + n, CLAMD_REPLY + 2 - n };
		struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };
		ssize_t r = recvmsg(fd, &msg, 0);

		if (r < 0 && errno == EINTR)
			continue;
		if (r <= 0)
			break;
		n += (size_t)r;
		if (memchr(ret + n - r, '\0', (size_t)r))
			break;
	}
	return n;
}

void clamd_scan(int fd, const uint8_t *p, size_t n, struct clamd_reply *ret)
{
	char text[CLAMD_REPLY + 2];
	size_t text_n, at = 0;
	int going = send_command(fd);

	while (going && at < n) {
		size_t piece = n - at < PIECE ? n - at : PIECE;

		going = send_all(fd, p + at, piece);
		at += piece;
	}
	if (going)
		going = send_all(fd, NULL, 0);
	text_n = hear(fd, text);
	clamd_parse(str_make(text, text_n), ret);
	/* Who says OK before he has taken all has not looked at it; and an answer ends with NUL. */
	if (ret->said == SCAN_JOB_CLAMD_OK && (!going || text[text_n - 1] != '\0'))
		*ret = (struct clamd_reply){ .said = SCAN_JOB_CLAMD_BROKEN };
}
