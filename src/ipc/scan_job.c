/* scan_job.c - see scan_job.h. What wardroom-scand says is not believed: it reads what strangers have made. */
#include "ipc/scan_job.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/str.h"
#include "base/utf8.h"

#define FDS_SEEN (SCAN_JOB_FDS + 4)	/* room to see, and close, more than there should be */

union control {
	struct cmsghdr align;
	char space[CMSG_SPACE(FDS_SEEN * sizeof(int))];
};

int scan_job_pair(int ret[2])
{
	return socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ret) < 0 ? ERR_IO : 0;
}

static int send_whole(int fd, struct msghdr *msg, size_t n)
{
	ssize_t r;

	do
		r = sendmsg(fd, msg, MSG_NOSIGNAL);
	while (r < 0 && errno == EINTR);
	if (r == (ssize_t)n)
		return 0;
	return r < 0 && (errno == EPIPE || errno == ECONNRESET) ? ERR_EOF : ERR_IO;
}

int scan_job_ask(int fd, struct scan_job_question *q, const int fds[SCAN_JOB_FDS])
{
	union control control = { 0 };
	struct iovec iov = { .iov_base = q, .iov_len = sizeof(*q) };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };
	int given[SCAN_JOB_FDS];
	size_t n = 0;

	q->version = SCAN_JOB_VERSION;
	q->given = 0;
	for (unsigned i = 0; i < SCAN_JOB_FDS; i++) {
		if (fds[i] < 0)
			continue;
		q->given |= 1u << i;
		given[n++] = fds[i];
	}
	if (n) {
		struct cmsghdr *c;

		msg.msg_control = control.space;
		msg.msg_controllen = CMSG_SPACE(n * sizeof(int));
		c = CMSG_FIRSTHDR(&msg);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(n * sizeof(int));
		memcpy(CMSG_DATA(c), given, n * sizeof(int));
	}
	return send_whole(fd, &msg, sizeof(*q));
}

static unsigned collect(struct msghdr *msg, int fds[FDS_SEEN])
{
	unsigned n = 0;

	for (struct cmsghdr *c = CMSG_FIRSTHDR(msg); c; c = CMSG_NXTHDR(msg, c)) {
		size_t bytes = c->cmsg_len - CMSG_LEN(0);

		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		for (size_t at = 0; at + sizeof(int) <= bytes && n < FDS_SEEN; at += sizeof(int))
			memcpy(&fds[n++], CMSG_DATA(c) + at, sizeof(int));
	}
	return n;
}

static bool is_question(const struct scan_job_question *q, unsigned n_fds)
{
	return q->version == SCAN_JOB_VERSION && q->kind <= SCAN_JOB_RULES && q->given < 1u << SCAN_JOB_FDS &&
	       (unsigned)__builtin_popcount(q->given) == n_fds && q->given & 1u << SCAN_JOB_IN && q->name_n <= SCAN_JOB_NAME &&
	       q->type_n <= SCAN_JOB_TYPE;
}

int scan_job_take(int fd, struct scan_job_question *ret, int ret_fds[SCAN_JOB_FDS])
{
	union control control = { 0 };
	struct scan_job_question q;
	struct iovec iov = { .iov_base = &q, .iov_len = sizeof(q) };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control.space, .msg_controllen = sizeof(control.space) };
	int fds[FDS_SEEN];
	unsigned n_fds, at = 0;
	ssize_t r;

	do
		r = recvmsg(fd, &msg, MSG_CMSG_CLOEXEC);
	while (r < 0 && errno == EINTR);
	if (r <= 0)
		return r == 0 || errno == ECONNRESET ? ERR_EOF : ERR_IO;
	n_fds = collect(&msg, fds);
	if (r != (ssize_t)sizeof(q) || msg.msg_flags & (MSG_TRUNC | MSG_CTRUNC) || !is_question(&q, n_fds)) {
		for (unsigned i = 0; i < n_fds; i++)
			close(fds[i]);
		return ERR_BAD_FORMAT;
	}
	*ret = q;
	for (unsigned i = 0; i < SCAN_JOB_FDS; i++)
		ret_fds[i] = q.given & 1u << i ? fds[at++] : -1;
	return 0;
}

int scan_job_answer(int fd, struct scan_job_answer *a)
{
	struct iovec iov = { .iov_base = a, .iov_len = sizeof(*a) };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };

	a->version = SCAN_JOB_VERSION;
	return send_whole(fd, &msg, sizeof(*a));
}

int scan_job_hear(int fd, const struct scan_job_question *q, struct scan_job_answer *ret)
{
	struct scan_job_answer a;
	struct iovec iov = { .iov_base = &a, .iov_len = sizeof(a) };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };	/* no room for descriptors: the kernel drops any */
	ssize_t r = recvmsg(fd, &msg, MSG_DONTWAIT);

	if (r < 0 && (errno == EAGAIN || errno == EINTR))
		return ERR_AGAIN;
	if (r <= 0)
		return r == 0 || errno == ECONNRESET ? ERR_EOF : ERR_IO;
	if (r != (ssize_t)sizeof(a) || msg.msg_flags & (MSG_TRUNC | MSG_CTRUNC) || !scan_job_sound(q, &a))
		return ERR_BAD_FORMAT;
	*ret = a;
	return 0;
}

/* --- what makes sense ------------------------------------------------------------------------------------------------- */

/* Ends within its room, and has nothing but printable UTF-8 and, where they may be, line feeds. */
static bool is_text(const char *p, size_t room, bool lines)
{
	const char *end = memchr(p, '\0', room);
	struct str s = { p, end ? (size_t)(end - p) : 0 };

	if (!end || !utf8_valid(s))
		return false;
	for (size_t i = 0; i < s.n; i++) {
		unsigned char c = (unsigned char)s.p[i];

		if ((c < 0x20 && !(lines && c == '\n')) || c == 0x7f)
			return false;
	}
	return true;
}

static bool is_of(const char *p, size_t room, const char *letters)
{
	return memchr(p, '\0', room) && strspn(p, letters) == strlen(p);
}

#define LOWER "abcdefghijklmnopqrstuvwxyz"
#define UPPER "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define DIGIT "0123456789"

static bool is_type(const char *p, bool may_be_empty)
{
	return is_of(p, SCAN_JOB_TYPE, LOWER UPPER DIGIT "/!#$&-^_.+;= ") && (may_be_empty || *p);
}

static bool are_facts(const struct scan_job_answer *a)
{
	if (a->facts >= FACT_BIT(FACT_COUNT) || a->n_found > FACTS_FOUND)
		return false;
	for (unsigned i = 0; i < a->n_found; i++)
		if (a->found[i].fact >= FACT_COUNT || !(a->facts & FACT_BIT(a->found[i].fact)) ||
		    !is_text(a->found[i].evidence, FACT_EVIDENCE, false))
			return false;
	return true;
}

/* Whoever was given a socket of clamd has asked, and has found what clamd has found. */
static bool is_clamd(const struct scan_job_question *q, const struct scan_job_answer *a)
{
	bool given = q->given & 1u << SCAN_JOB_CLAMD;

	return a->clamd <= SCAN_JOB_CLAMD_BROKEN && given == (a->clamd != SCAN_JOB_CLAMD_NONE) &&
	       (a->clamd != SCAN_JOB_CLAMD_FOUND || a->facts & FACT_BIT(FACT_MALWARE)) &&
	       (a->clamd != SCAN_JOB_CLAMD_TOO_BIG || a->facts & FACT_BIT(FACT_TOO_BIG));
}

static bool is_cleaned(const struct scan_job_question *q, const struct scan_job_answer *a)
{
	if (!a->cleaned)
		return a->out_n == 0 && a->removed == 0;
	return a->cleaned == 1 && q->given & 1u << SCAN_JOB_OUT && q->clean_what && a->out_n && a->out_n <= q->out_most &&
	       (a->removed & ~a->facts) == 0;
}

bool scan_job_sound(const struct scan_job_question *q, const struct scan_job_answer *a)
{
	if (a->version != SCAN_JOB_VERSION || a->kind != q->kind || a->err > 0 || !is_text(a->text, SCAN_JOB_TEXT, true))
		return false;
	if (q->kind == SCAN_JOB_RULES)
		return a->out_n <= q->out_most && !a->facts && !a->n_found;
	if (a->err < 0)
		return true;			/* of such an answer nothing else is read */
	return are_facts(a) && is_clamd(q, a) && is_cleaned(q, a) && is_type(a->type, false) && is_type(a->cleaned_type, true) &&
	       is_of(a->tlsh, SCAN_JOB_TLSH, UPPER DIGIT) && is_of(a->cleaned_suffix, SCAN_JOB_SUFFIX, LOWER DIGIT ".");
}
