/* scand_pool.c - see scand_pool.h. */
#include "roles/scand_pool.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "ipc/scan_job.h"
#include "ipc/scan_pool.h"

#define PROGRAM "wardroom-scand"
#define PAUSE_FIRST_US 250000ull
#define PAUSE_DOUBLED 8			/* times: then it is a minute */

/* Beside the own program: nobody's PATH has a say. */
_Noreturn static void become(int sock)
{
	char *const args[] = { (char[]){ PROGRAM }, NULL };
	char path[4096];
	ssize_t n = readlink("/proc/self/exe", path, sizeof(path) - sizeof(PROGRAM));
	char *slash = n > 0 ? memrchr(path, '/', (size_t)n) : NULL;

	if (slash && dup2(sock, HERITAGE_SCAND_FD) >= 0) {
		memcpy(slash + 1, PROGRAM, sizeof(PROGRAM));
		execv(path, args);
	}
	_exit(HERITAGE_SCAND_USELESS);
}

static pid_t give_birth(const struct scand_pool *p, int sock)
{
	pid_t parent = getpid(), pid = fork();

	if (pid)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(1);		/* it was killed before the line above */
	sigprocmask(SIG_UNBLOCK, p->blocked, NULL);
	become(sock);
}

/* dup2() onto the same number would leave it to close itself: so not there. */
static int pair_of(int ret[2])
{
	int r = scan_job_pair(ret);

	if (r == 0 && ret[1] == HERITAGE_SCAND_FD) {
		int higher = fcntl(ret[1], F_DUPFD_CLOEXEC, 10);

		close(ret[1]);
		ret[1] = higher;
		if (higher < 0) {
			close(ret[0]);
			return ERR_IO;
		}
	}
	return r;
}

static int start(struct scand_pool *p, struct scand_slot *slot)
{
	int ends[2], pidfd, r = pair_of(ends);

	if (r < 0)
		return r;
	slot->pid = give_birth(p, ends[1]);
	close(ends[1]);
	if (slot->pid < 0) {
		slot->pid = 0;
		close(ends[0]);
		return ERR_IO;
	}
	pidfd = pidfd_open(slot->pid, 0);
	r = pidfd < 0 ? ERR_IO : scan_pool_give(p->chan, ends[0], pidfd);
	close(ends[0]);			/* when it was not given, the process hears that nobody wants it */
	if (pidfd >= 0)
		close(pidfd);
	return r;
}

static void pause_for(struct scand_slot *slot)
{
	unsigned n = slot->failures < PAUSE_DOUBLED ? slot->failures : PAUSE_DOUBLED;

	slot->failures++;
	slot->due_us = clock_mono_us() + (PAUSE_FIRST_US << n);
}

void scand_pool_tend(struct scand_pool *p)
{
	uint64_t now = clock_mono_us();

	for (unsigned i = 0; p->chan >= 0 && i < p->wanted; i++) {
		if (p->v[i].pid || p->v[i].due_us > now)
			continue;
		if (start(p, &p->v[i]) < 0) {
			if (p->v[i].failures == 0)
				log_event(LOG_ERROR, "scand.unstartable", LOG_Z("why", strerror(errno)));
			pause_for(&p->v[i]);
		}
	}
}

uint64_t scand_pool_due_us(const struct scand_pool *p)
{
	uint64_t first = 0;

	for (unsigned i = 0; p->chan >= 0 && i < p->wanted; i++)
		if (!p->v[i].pid && (!first || p->v[i].due_us < first))
			first = p->v[i].due_us ? p->v[i].due_us : 1;
	return first;
}

bool scand_pool_ended(struct scand_pool *p, pid_t pid, int status)
{
	for (unsigned i = 0; i < HERITAGE_SCANDS_MOST; i++) {
		struct scand_slot *slot = &p->v[i];

		if (slot->pid != pid)
			continue;
		slot->pid = 0;
		slot->due_us = 0;
		if (WIFEXITED(status) && WEXITSTATUS(status) == HERITAGE_SCAND_USELESS) {
			if (slot->failures == 0)
				log_event(LOG_ERROR, "scand.useless", LOG_Z("what", "the process that looks at files could not start; its own line above says why"));
			pause_for(slot);
			return true;
		}
		slot->failures = 0;
		/* SIGKILL is the worker's way to say goodbye, also after an answer. */
		if (WIFSIGNALED(status) && p->chan >= 0)
			log_event(WTERMSIG(status) == SIGKILL ? LOG_DEBUG : LOG_WARN, "scand.died", LOG_N("signal", WTERMSIG(status)));
		return true;
	}
	return false;
}

void scand_pool_stop(struct scand_pool *p)
{
	for (unsigned i = 0; i < HERITAGE_SCANDS_MOST; i++)
		if (p->v[i].pid)
			kill(p->v[i].pid, SIGKILL);
	for (unsigned i = 0; i < HERITAGE_SCANDS_MOST; i++) {
		if (p->v[i].pid)
			while (waitpid(p->v[i].pid, NULL, 0) < 0 && errno == EINTR)
				;
		p->v[i] = (struct scand_slot){ 0 };
	}
	if (p->chan >= 0)
		close(p->chan);
	p->chan = -1;
	p->wanted = 0;
}
