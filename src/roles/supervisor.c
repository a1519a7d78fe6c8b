/* supervisor.c - see supervisor.h. */
#include "roles/supervisor.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "ipc/chan.h"
#include "ipc/heritage.h"
#include "ipc/scan_pool.h"
#include "roles/scand_pool.h"

#define CRASHES_MOST 5			/* of the worker within the window; then a person has to look */
#define CRASH_WINDOW_US (60 * 1000000ull)
#define PAUSE_FIRST_MS 100		/* after the second crash; doubled by each further one. After the first: none */
#define WEB_GOODBYE_MS 2000		/* the web role has so long to end */
#define WEB_ARGS 8

struct child {
	pid_t pid;			/* 0: not there */
	int ready;			/* what it says it on; -1: it has said it, or is gone */
	bool was_ready;
	unsigned crashes;
	uint64_t crash_us[CRASHES_MOST];
};

struct supervisor {
	struct child worker, web;
	struct scand_pool scands;
	int chan[2];			/* the worker's end, the web role's */
	const char *const *web_args;
	bool wants_web, announced, stopping;
	int web_status;			/* not 0: it could not start, so the server ends with this */
	uint64_t web_due_us;		/* when to start it again; 0: it runs, or is not wanted */
	sigset_t signals;
};

/* systemd's readiness: one datagram, when it has asked for it. */
static void notify(const char *text)
{
	const char *path = getenv("NOTIFY_SOCKET");
	struct sockaddr_un sa = { .sun_family = AF_UNIX };
	size_t n = path ? strlen(path) : 0;
	int fd;

	if (n < 2 || n >= sizeof(sa.sun_path) || (path[0] != '/' && path[0] != '@'))
		return;
	memcpy(sa.sun_path, path, n);
	if (path[0] == '@')
		sa.sun_path[0] = '\0';
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return;
	if (sendto(fd, text, strlen(text), MSG_NOSIGNAL, (struct sockaddr *)&sa, (socklen_t)(offsetof(struct sockaddr_un, sun_path) + n)) < 0)
		log_event(LOG_WARN, "systemd.unreachable", LOG_Z("why", strerror(errno)));
	close(fd);
}

/* --- births ----------------------------------------------------------------------------------------------- */

/* In the parent: 1. In the child: 0, and *ret_ready is its end. Negative: it could not be made. */
static int give_birth(struct supervisor *s, struct child *c, int *ret_ready)
{
	pid_t parent = getpid();
	int ends[2];

	if (pipe2(ends, O_CLOEXEC) < 0)
		return -1;
	c->pid = fork();
	if (c->pid < 0) {
		c->pid = 0;
		close(ends[0]);
		close(ends[1]);
		return -1;
	}
	if (c->pid == 0) {
		close(ends[0]);
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (getppid() != parent)
			_exit(1);		/* it was killed before the line above */
		sigprocmask(SIG_UNBLOCK, &s->signals, NULL);
		*ret_ready = ends[1];
		return 0;
	}
	close(ends[1]);
	c->ready = ends[0];
	c->was_ready = false;
	return 1;
}

static int start_worker(struct supervisor *s, int (*work)(void *ctx, const struct heritage *h), void *ctx)
{
	struct heritage h = { .chan = s->chan[0] };
	int pool[2], r;

	if (scan_pool_pair(pool) < 0)
		return -1;
	r = give_birth(s, &s->worker, &h.ready);
	if (r != 0) {
		close(pool[0]);
		s->scands.chan = pool[1];
		return r < 0 ? -1 : 0;
	}
	close(pool[1]);
	h.pool = pool[0];
	close(s->chan[1]);
	if (s->web.ready >= 0)
		close(s->web.ready);
	exit(work(ctx, &h));
}

/* The descriptors take their fixed numbers; everything else closes itself. */
static void settle(int ready, int chan)
{
	int a = fcntl(ready, F_DUPFD_CLOEXEC, 10), b = fcntl(chan, F_DUPFD_CLOEXEC, 10);

	if (a < 0 || b < 0 || dup2(a, HERITAGE_READY_FD) < 0 || dup2(b, HERITAGE_CHAN_FD) < 0)
		_exit(1);
}

/* Beside the own program: nobody's PATH has a say. */
static void become_web(const struct supervisor *s, int ready)
{
	const char *args[WEB_ARGS + 2] = { "wardroom-web" };
	char path[4096];
	ssize_t n = readlink("/proc/self/exe", path, sizeof(path) - sizeof("wardroom-web"));
	char *slash = n > 0 ? memrchr(path, '/', (size_t)n) : NULL;

	if (!slash)
		_exit(1);
	memcpy(slash + 1, "wardroom-web", sizeof("wardroom-web"));
	for (unsigned i = 0; i < WEB_ARGS && s->web_args[i]; i++)
		args[i + 1] = s->web_args[i];
	settle(ready, s->chan[1]);
	execv(path, (char *const *)(uintptr_t)args);
	fprintf(stderr, "wardroomd: cannot start %s: %s\n", path, strerror(errno));
	_exit(1);
}

static void start_web(struct supervisor *s)
{
	int ready, r = give_birth(s, &s->web, &ready);

	s->web_due_us = 0;
	if (r == 0)
		become_web(s, ready);
	if (r < 0) {
		log_event(LOG_ERROR, "web.unstartable", LOG_Z("why", strerror(errno)));
		s->web_due_us = clock_mono_us() + 1000000;
	}
}

/* --- what they say ---------------------------------------------------------------------------------------- */

static void announce(struct supervisor *s)
{
	if (s->announced || !s->worker.was_ready || (s->wants_web && !s->web.was_ready))
		return;
	s->announced = true;
	if (write(STDOUT_FILENO, "ready\n", 6) != 6)
		log_event(LOG_WARN, "ready.unheard");
	notify("READY=1");
}

static void hear(struct supervisor *s, struct child *c)
{
	char word[2] = { 0 };
	ssize_t n;

	if (c->ready < 0)
		return;
	n = read(c->ready, word, sizeof(word));
	if (n < 0 && errno == EINTR)
		return;
	close(c->ready);
	c->ready = -1;
	if (n < 1)
		return;
	c->was_ready = true;
	if (c == &s->worker && !s->stopping)
		s->scands.wanted = (unsigned char)word[1] < HERITAGE_SCANDS_MOST ? (unsigned char)word[1] : HERITAGE_SCANDS_MOST;
	if (c == &s->worker && word[0] == *HERITAGE_SERVES_AND_WANTS_WEB && !s->wants_web && !s->stopping) {
		s->wants_web = true;
		start_web(s);
	}
	announce(s);
}

/* How many crashes within the window, this one included. */
static unsigned count_crash(struct child *c)
{
	uint64_t now = clock_mono_us();
	unsigned recent = 0;

	c->crash_us[c->crashes++ % CRASHES_MOST] = now;
	for (unsigned i = 0; i < CRASHES_MOST && i < c->crashes; i++)
		recent += now - c->crash_us[i] < CRASH_WINDOW_US;
	return recent;
}

/* --- deaths ------------------------------------------------------------------------------------------------ */

static void web_ended(struct supervisor *s, int status)
{
	unsigned recent;

	hear(s, &s->web);			/* it may have said it and ended at once */
	s->web.pid = 0;
	if (s->stopping)
		return;
	if (!s->announced) {			/* as with the worker: what is wrong at the start stays wrong */
		s->web_status = WIFEXITED(status) && WEXITSTATUS(status) ? WEXITSTATUS(status) : 1;
		s->stopping = true;
		kill(s->worker.pid, SIGTERM);
		return;
	}
	log_event(LOG_ERROR, "web.crashed", LOG_N("signal", WIFSIGNALED(status) ? WTERMSIG(status) : 0),
		  LOG_N("status", WIFEXITED(status) ? WEXITSTATUS(status) : 0));
	recent = count_crash(&s->web);
	s->web_due_us = clock_mono_us() + (recent > 1 ? (uint64_t)(PAUSE_FIRST_MS << (2 * (recent - 2))) * 1000 : 0);
}

/* Whether to start the worker again; *ret_status: what to end with when not. */
static bool again(struct supervisor *s, int status, int *ret_status)
{
	unsigned recent, pause = 0;

	hear(s, &s->worker);			/* it may have said it and ended at once */
	*ret_status = WIFEXITED(status) ? WEXITSTATUS(status) : 1;
	if (s->stopping || (WIFEXITED(status) && *ret_status == 0)) {
		if (s->stopping && ((WIFSIGNALED(status) && WTERMSIG(status) == SIGTERM) || *ret_status == SUPERVISOR_AGAIN))
			*ret_status = 0;	/* asked to stop before it listened to signals: nothing was open */
		return false;
	}
	if (WIFEXITED(status) && *ret_status == SUPERVISOR_AGAIN) {
		log_event(LOG_NOTE, "worker.starts_anew");
		return true;
	}
	if (!s->worker.was_ready) {
		if (WIFSIGNALED(status))
			fprintf(stderr, "wardroomd: the worker was ended by signal %d before it was ready\n", WTERMSIG(status));
		return false;
	}
	log_event(LOG_ERROR, "worker.crashed", LOG_N("signal", WIFSIGNALED(status) ? WTERMSIG(status) : 0), LOG_N("status", *ret_status));
	recent = count_crash(&s->worker);
	if (recent >= CRASHES_MOST) {
		fprintf(stderr, "wardroomd: the worker has crashed %d times within a minute; not started again. The log tells what came before.\n",
			CRASHES_MOST);
		*ret_status = 1;
		return false;
	}
	if (recent > 1)
		pause = PAUSE_FIRST_MS << (recent - 2);
	if (pause) {
		struct timespec ts = { .tv_sec = pause / 1000, .tv_nsec = (long)(pause % 1000) * 1000000 };
		sigset_t end;

		sigemptyset(&end);
		sigaddset(&end, SIGTERM);
		sigaddset(&end, SIGINT);
		if (sigtimedwait(&end, NULL, &ts) > 0) {
			*ret_status = 0;
			return false;
		}
	}
	return true;
}

/* --- waiting ------------------------------------------------------------------------------------------------ */

/* When a role is to be started again: 0 for never. */
static uint64_t next_due_us(const struct supervisor *s)
{
	uint64_t scands = scand_pool_due_us(&s->scands);

	if (s->stopping)
		return 0;
	return s->web_due_us && (!scands || s->web_due_us < scands) ? s->web_due_us : scands;
}

/* A signal, or 0 when something else is due. While readiness is awaited, that is looked at every 2 ms; afterwards the
 * process sleeps until a signal comes, or until a role is to be started again. */
static int next_signal(struct supervisor *s)
{
	struct timespec wait = { .tv_nsec = 2000000 };
	struct pollfd p[2] = { { .fd = s->worker.ready, .events = POLLIN }, { .fd = s->web.ready, .events = POLLIN } };
	uint64_t now = clock_mono_us();
	int signal;

	if ((p[0].fd >= 0 || p[1].fd >= 0) && poll(p, 2, 0) > 0) {
		if (p[0].revents)
			hear(s, &s->worker);
		if (p[1].revents)
			hear(s, &s->web);
	}
	if (s->web_due_us && now >= s->web_due_us && !s->stopping)
		start_web(s);
	if (!s->stopping)
		scand_pool_tend(&s->scands);
	if (s->worker.ready < 0 && s->web.ready < 0) {
		uint64_t due = next_due_us(s), left = due > now ? due - now : 0;

		if (!due)
			return sigwaitinfo(&s->signals, NULL);
		wait = (struct timespec){ .tv_sec = (time_t)(left / 1000000), .tv_nsec = (long)(left % 1000000) * 1000 + 1000 };
		if (wait.tv_nsec >= 1000000000)
			wait.tv_nsec = 999999999;
	}
	signal = sigtimedwait(&s->signals, NULL, &wait);
	return signal < 0 ? 0 : signal;
}

static void pass_on(struct supervisor *s, int signal)
{
	if (signal == SIGHUP) {
		kill(s->worker.pid, SIGHUP);
		if (s->web.pid && s->web.was_ready)
			kill(s->web.pid, SIGHUP);
	} else if (signal == SIGTERM || signal == SIGINT) {
		if (!s->stopping)
			notify("STOPPING=1");
		s->stopping = true;
		kill(s->worker.pid, SIGTERM);	/* the web role stays until the worker has said goodbye through it */
	}
}

/* Waits once. Returns whether the worker has ended. */
static bool wait_one(struct supervisor *s, int *ret_status)
{
	bool ended = false;
	int status;
	pid_t pid;

	pass_on(s, next_signal(s));
	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		if (pid == s->web.pid) {
			web_ended(s, status);
		} else if (pid == s->worker.pid) {
			*ret_status = status;
			ended = true;
		} else {
			(void)scand_pool_ended(&s->scands, pid, status);
		}
	}
	return ended;
}

static void end_web(struct supervisor *s)
{
	struct timespec ts = { .tv_nsec = 20 * 1000000 };
	uint64_t until = clock_mono_us() + WEB_GOODBYE_MS * 1000;
	sigset_t chld;

	if (!s->web.pid)
		return;
	sigemptyset(&chld);
	sigaddset(&chld, SIGCHLD);
	kill(s->web.pid, SIGTERM);
	while (waitpid(s->web.pid, NULL, WNOHANG) == 0) {
		if (clock_mono_us() > until)
			kill(s->web.pid, SIGKILL);
		sigtimedwait(&chld, NULL, &ts);
	}
	s->web.pid = 0;
}

int supervisor_run(int (*work)(void *ctx, const struct heritage *h), void *ctx, const char *const *web)
{
	struct supervisor s = { .worker.ready = -1, .web.ready = -1, .web_args = web, .scands = { .chan = -1, .blocked = &s.signals } };
	int status = 1;

	if (chan_pair(s.chan) < 0) {
		fprintf(stderr, "wardroomd: no socket can be made: %s\n", strerror(errno));
		return 1;
	}
	sigemptyset(&s.signals);
	sigaddset(&s.signals, SIGTERM);
	sigaddset(&s.signals, SIGINT);
	sigaddset(&s.signals, SIGHUP);
	sigaddset(&s.signals, SIGCHLD);
	sigprocmask(SIG_BLOCK, &s.signals, NULL);
	do {
		if (start_worker(&s, work, ctx) < 0) {
			fprintf(stderr, "wardroomd: the worker cannot be started: %s\n", strerror(errno));
			status = 1;
			break;
		}
		while (!wait_one(&s, &status))
			;
		scand_pool_stop(&s.scands);	/* what they were doing nobody asks for any more; the next worker does it again */
	} while (again(&s, status, &status));
	s.stopping = true;
	end_web(&s);
	for (unsigned i = 0; i < 2; i++)
		close(s.chan[i]);
	if (s.worker.ready >= 0)
		close(s.worker.ready);
	if (s.web.ready >= 0)
		close(s.web.ready);
	return s.web_status ? s.web_status : status;
}
