/* supervisor.c - see supervisor.h. */
#include "roles/supervisor.h"

#include <errno.h>
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
#include <fcntl.h>
#include <poll.h>

#include "base/clock.h"
#include "base/log.h"

#define CRASHES_MOST 5			/* within the window; then a person has to look */
#define CRASH_WINDOW_US (60 * 1000000ull)
#define PAUSE_FIRST_MS 100		/* after the second crash; doubled by each further one. After the first: none */

struct supervisor {
	pid_t worker;
	int ready;			/* from the worker; -1: it has said it, or is gone */
	bool was_ready, announced, stopping;
	unsigned crashes;
	uint64_t crash_us[CRASHES_MOST];
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

/* In the parent: 0. In the worker it never returns. */
static int start(struct supervisor *s, int (*work)(void *ctx, int ready), void *ctx)
{
	pid_t parent = getpid();
	int ends[2];

	if (pipe2(ends, O_CLOEXEC) < 0)
		return -1;
	s->worker = fork();
	if (s->worker < 0) {
		close(ends[0]);
		close(ends[1]);
		return -1;
	}
	if (s->worker == 0) {
		close(ends[0]);
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (getppid() != parent)
			_exit(1);		/* it was killed before the line above */
		sigprocmask(SIG_UNBLOCK, &s->signals, NULL);
		exit(work(ctx, ends[1]));
	}
	close(ends[1]);
	s->ready = ends[0];
	s->was_ready = false;
	return 0;
}

static void hear(struct supervisor *s)
{
	char byte;
	ssize_t n = read(s->ready, &byte, 1);

	if (n < 0 && errno == EINTR)
		return;
	close(s->ready);
	s->ready = -1;
	if (n != 1)
		return;
	s->was_ready = true;
	if (s->announced)
		return;
	s->announced = true;
	if (write(STDOUT_FILENO, "ready\n", 6) != 6)
		log_event(LOG_WARN, "ready.unheard");
	notify("READY=1");
}

/* Whether to start it again; *ret_status: what to end with when not. */
static bool again(struct supervisor *s, int status, int *ret_status)
{
	uint64_t now = clock_mono_us();
	unsigned recent = 0, pause = 0;

	if (s->ready >= 0)
		hear(s);			/* it may have said it and ended at once */
	*ret_status = WIFEXITED(status) ? WEXITSTATUS(status) : 1;
	if (s->stopping || (WIFEXITED(status) && *ret_status == 0)) {
		if (s->stopping && WIFSIGNALED(status) && WTERMSIG(status) == SIGTERM)
			*ret_status = 0;	/* asked to stop before it listened to signals: nothing was open */
		return false;
	}
	if (!s->was_ready) {
		if (WIFSIGNALED(status))
			fprintf(stderr, "wardroomd: the worker was ended by signal %d before it was ready\n", WTERMSIG(status));
		return false;
	}
	log_event(LOG_ERROR, "worker.crashed", LOG_N("signal", WIFSIGNALED(status) ? WTERMSIG(status) : 0), LOG_N("status", *ret_status));
	s->crash_us[s->crashes++ % CRASHES_MOST] = now;
	for (unsigned i = 0; i < CRASHES_MOST && i < s->crashes; i++)
		recent += now - s->crash_us[i] < CRASH_WINDOW_US;
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

/* One signal, or the word of the worker. Returns whether the worker has ended. */
static bool wait_one(struct supervisor *s, int *ret_status)
{
	/* While readiness is awaited, signals are looked at every 2 ms; afterwards the process sleeps until one comes. */
	struct timespec brief = { .tv_nsec = 2000000 };
	struct pollfd p = { .fd = s->ready, .events = POLLIN };
	int signal;

	if (s->ready >= 0 && poll(&p, 1, 0) > 0)
		hear(s);
	signal = s->ready >= 0 ? sigtimedwait(&s->signals, NULL, &brief) : sigwaitinfo(&s->signals, NULL);
	if (signal == SIGHUP) {
		kill(s->worker, SIGHUP);
	} else if (signal == SIGTERM || signal == SIGINT) {
		if (!s->stopping)
			notify("STOPPING=1");
		s->stopping = true;
		kill(s->worker, SIGTERM);
	}
	return waitpid(s->worker, ret_status, WNOHANG) == s->worker;
}

int supervisor_run(int (*work)(void *ctx, int ready), void *ctx)
{
	struct supervisor s = { .ready = -1 };
	int status = 1;

	sigemptyset(&s.signals);
	sigaddset(&s.signals, SIGTERM);
	sigaddset(&s.signals, SIGINT);
	sigaddset(&s.signals, SIGHUP);
	sigaddset(&s.signals, SIGCHLD);
	sigprocmask(SIG_BLOCK, &s.signals, NULL);
	do {
		if (start(&s, work, ctx) < 0) {
			fprintf(stderr, "wardroomd: the worker cannot be started: %s\n", strerror(errno));
			return 1;
		}
		while (!wait_one(&s, &status))
			;
	} while (again(&s, status, &status));
	if (s.ready >= 0)
		close(s.ready);
	return status;
}
