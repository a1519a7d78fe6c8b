/* What a process may still do that looks at strangers' files: read and write what it has been given, and end. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "ipc/scan_job.h"
#include "ipc/sandbox.h"

static int pair[2];

/* The status of a child that has given its rights away and then does what body does. */
static int status_of(int (*body)(void))
{
	int status;
	pid_t pid;

	assert_int_equal(scan_job_pair(pair), 0);
	pid = fork();
	if (pid == 0) {
		struct sandbox_state st;

		if (sandbox_enter_strict(&st) < 0)
			_exit(99);
		_exit(body());
	}
	assert_true(pid > 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	close(pair[0]);
	close(pair[1]);
	return status;
}

static void assert_fine(int (*body)(void))
{
	int status = status_of(body);

	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

static void assert_killed(int (*body)(void))
{
	int status = status_of(body);

	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGSYS);
}

static int try_open(void)
{
	if (open("/etc/passwd", O_RDONLY) >= 0 || errno != EPERM || open("/tmp", O_RDONLY | O_DIRECTORY) >= 0)
		return 1;
	if (open("/tmp/strict-test", O_WRONLY | O_CREAT, 0600) >= 0 || errno != EPERM)
		return 2;
	if (unlink("/tmp/strict-test") == 0 || errno != EPERM || mkdir("/tmp/strict-test", 0700) == 0 || errno != EPERM)
		return 3;
	return memfd_create("x", 0) >= 0 || errno != EPERM ? 4 : 0;
}

static int try_reach(void)
{
	struct sockaddr_storage any = { .ss_family = AF_UNIX };
	int two[2];

	if (socket(AF_UNIX, SOCK_STREAM, 0) >= 0 || errno != EPERM || socket(AF_INET, SOCK_STREAM, 0) >= 0 || errno != EPERM)
		return 1;
	if (socketpair(AF_UNIX, SOCK_STREAM, 0, two) == 0 || errno != EPERM)
		return 2;
	if (connect(pair[0], (struct sockaddr *)&any, sizeof(any)) == 0 || errno != EPERM)
		return 3;
	if (bind(pair[0], (struct sockaddr *)&any, sizeof(any)) == 0 || errno != EPERM)
		return 4;
	return sendto(pair[0], "", 1, 0, (struct sockaddr *)&any, sizeof(any)) >= 0 || errno != EPERM ? 5 : 0;
}

static int try_fork(void)
{
	if (fork() >= 0 || errno != EPERM)
		return 1;
	if (syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0) >= 0 || errno != EPERM)
		return 2;
	if (syscall(SYS_clone3, NULL, 0) >= 0 || errno != EPERM)
		return 3;
	return kill(getppid(), 0) == 0 || errno != EPERM ? 4 : 0;
}

static int try_exec(void)
{
	char *const argv[] = { "true", NULL };

	execv("/bin/true", argv);
	return 1;
}

static int try_exec_of_a_descriptor(void)
{
	syscall(SYS_execveat, 0, "", NULL, NULL, AT_EMPTY_PATH);
	return 1;
}

static int try_trace(void)
{
	return ptrace(PTRACE_TRACEME, 0, NULL, NULL) == 0;
}

static int try_code(void)
{
	void *p = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED)
		return 1;
	if (mprotect(p, 4096, PROT_READ | PROT_EXEC) == 0 || errno != EPERM)
		return 2;
	return mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) != MAP_FAILED || errno != EPERM ? 3 : 0;
}

/* What it lives by. */
static int try_work(void)
{
	struct scan_job_question q = { .kind = SCAN_JOB_FILE };
	int fds[SCAN_JOB_FDS] = { pair[0], -1, -1, -1 }, got[SCAN_JOB_FDS];
	void *p = malloc(8 * 1024 * 1024);
	struct stat st;

	if (!p || fstat(pair[0], &st) < 0)
		return 1;
	free(p);
	if (scan_job_ask(pair[0], &q, fds) < 0 || scan_job_take(pair[1], &q, got) < 0)
		return 2;
	return close(got[SCAN_JOB_IN]) == 0 ? 0 : 3;
}

static void no_file_can_be_opened_made_or_removed(void **st)
{
	(void)st;
	assert_fine(try_open);
}

static void nobody_can_be_reached(void **st)
{
	(void)st;
	assert_fine(try_reach);
}

static void no_process_and_no_thread_can_be_started(void **st)
{
	(void)st;
	assert_fine(try_fork);
}

static void who_starts_a_program_is_ended(void **st)
{
	(void)st;
	assert_killed(try_exec);
	assert_killed(try_exec_of_a_descriptor);
}

static void who_traces_is_ended(void **st)
{
	(void)st;
	assert_killed(try_trace);
}

static void no_memory_becomes_code(void **st)
{
	(void)st;
	assert_fine(try_code);
}

static void work_goes_on(void **st)
{
	(void)st;
	assert_fine(try_work);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_file_can_be_opened_made_or_removed), cmocka_unit_test(nobody_can_be_reached),
		cmocka_unit_test(no_process_and_no_thread_can_be_started), cmocka_unit_test(who_starts_a_program_is_ended),
		cmocka_unit_test(who_traces_is_ended), cmocka_unit_test(no_memory_becomes_code), cmocka_unit_test(work_goes_on),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
