/* The sandbox holds: what is given away cannot be had back. Each test enters it in a child of its own. */
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <linux/sched.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "ipc/sandbox.h"

static char dir[] = "/tmp/sandbox-test-XXXXXX";

/* Runs body in a sandboxed child: 0 when it found what it wanted; 77: the kernel has no Landlock. */
static int in_child(int (*body)(const struct sandbox_state *st))
{
	pid_t pid = fork();
	int status;

	if (pid == 0) {
		struct sandbox_state st;

		if (sandbox_enter(dir, &st) < 0)
			_exit(99);
		_exit(body(&st));
	}
	assert_true(pid > 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

/* A role that has all its sockets. */
static int in_reader(int (*body)(const struct sandbox_state *st))
{
	pid_t pid = fork();
	int status;

	if (pid == 0) {
		struct sandbox_state st;

		if (sandbox_enter_reader(dir, &st) < 0)
			_exit(99);
		_exit(body(&st));
	}
	assert_true(pid > 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static int try_reach(const struct sandbox_state *st)
{
	struct sockaddr_storage any = { .ss_family = AF_UNIX };
	int pair[2];

	(void)st;
	if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair) < 0)
		return 1;			/* it needs these */
	if (socket(AF_UNIX, SOCK_STREAM, 0) >= 0 || errno != EPERM || socket(AF_INET, SOCK_STREAM, 0) >= 0 || errno != EPERM)
		return 2;
	if (connect(pair[0], (struct sockaddr *)&any, sizeof(any)) == 0 || errno != EPERM)
		return 3;
	if (bind(pair[0], (struct sockaddr *)&any, sizeof(any)) == 0 || errno != EPERM)
		return 4;
	return 0;
}

static int try_write(const struct sandbox_state *st)
{
	char path[64];

	if (st->landlock == 0)
		return 77;
	snprintf(path, sizeof(path), "%s/new", dir);
	return open(path, O_WRONLY | O_CREAT, 0600) < 0 && errno == EACCES ? 0 : 1;
}

static void a_role_that_has_its_sockets_makes_no_more(void **st)
{
	(void)st;
	assert_int_equal(in_reader(try_reach), 0);
}

static void and_writes_no_file(void **st)
{
	int r = in_reader(try_write);

	(void)st;
	if (r == 77)
		skip();
	assert_int_equal(r, 0);
}

/* The web role: files of the spool, and nothing about what else lies there. */
static int try_spool(const struct sandbox_state *st)
{
	char path[96], other[96];
	struct sockaddr_storage any = { .ss_family = AF_UNIX };
	int fd, folder, pair[2];

	if (st->landlock == 0)
		return 77;
	snprintf(path, sizeof(path), "%s/spool/file.part", dir);
	snprintf(other, sizeof(other), "%s/spool/file", dir);
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL, 0600);
	if (fd < 0 || write(fd, "x", 1) != 1 || fsync(fd) < 0 || rename(path, other) < 0)
		return 1;
	folder = open(dirname(path), O_RDONLY | O_DIRECTORY);
	if (folder < 0 || fsync(folder) < 0 || unlink(other) < 0)
		return 2;
	if (syscall(SYS_getdents64, folder, other, sizeof(other)) >= 0 || errno != EPERM)
		return 3;
	snprintf(path, sizeof(path), "%s/spool/sub", dir);
	if (mkdir(path, 0700) == 0 || errno != EACCES || symlink("/etc/passwd", path) == 0 || errno != EACCES)
		return 4;
	snprintf(path, sizeof(path), "%s/beside", dir);
	if (open(path, O_WRONLY | O_CREAT, 0600) >= 0 || errno != EACCES)
		return 5;
	if (socket(AF_INET, SOCK_STREAM, 0) >= 0 || errno != EPERM || socketpair(AF_UNIX, SOCK_STREAM, 0, pair) < 0 ||
	    connect(pair[0], (struct sockaddr *)&any, sizeof(any)) == 0 || errno != EPERM)
		return 6;
	return execl("/bin/true", "true", NULL) < 0 && (errno == EPERM || errno == EACCES) ? 0 : 7;
}

static void the_web_role_writes_files_of_its_spool_and_sees_no_others(void **state)
{
	char spool[64];
	struct sandbox_state st;
	pid_t pid;
	int status;

	(void)state;
	snprintf(spool, sizeof(spool), "%s/spool", dir);
	assert_int_equal(mkdir(spool, 0700), 0);
	pid = fork();
	if (pid == 0)
		_exit(sandbox_enter_spooler("/etc", spool, &st) < 0 ? 99 : try_spool(&st));
	assert_int_equal(waitpid(pid, &status, 0), pid);
	rmdir(spool);
	if (WIFEXITED(status) && WEXITSTATUS(status) == 77)
		skip();
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

static int try_exec(const struct sandbox_state *st)
{
	char *const argv[] = { "true", NULL };

	(void)st;
	execv("/bin/true", argv);
	return errno == EPERM || errno == EACCES ? 0 : 1;
}

static int try_trace(const struct sandbox_state *st)
{
	(void)st;
	return ptrace(PTRACE_TRACEME, 0, NULL, NULL) < 0 && errno == EPERM ? 0 : 1;
}

static int try_socket(const struct sandbox_state *st)
{
	int ip = socket(AF_INET, SOCK_STREAM, 0), other = socket(AF_NETLINK, SOCK_RAW, 0);

	(void)st;
	return ip >= 0 && other < 0 && errno == EAFNOSUPPORT ? 0 : 1;
}

static int try_files(const struct sandbox_state *st)
{
	char inside[64];
	int in, out;

	if (!st->landlock)
		return 77;
	snprintf(inside, sizeof(inside), "%s/file", dir);
	in = open(inside, O_WRONLY | O_CREAT, 0600);
	out = open("/tmp/sandbox-test-outside", O_WRONLY | O_CREAT, 0600);
	return in >= 0 && out < 0 && errno == EACCES ? 0 : 1;
}

/* A file outside that can be emptied by its path is a file that can be written. */
static int try_truncate(const struct sandbox_state *st)
{
	char inside[64];
	int in;

	if (st->landlock < 3)
		return 77;
	snprintf(inside, sizeof(inside), "%s/file", dir);
	in = open(inside, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	if (in < 0 || truncate(inside, 3) < 0 || ftruncate(in, 0) < 0)
		return 1;
	return truncate("/tmp/sandbox-test-victim", 0) < 0 && errno == EACCES ? 0 : 2;
}

static void *nothing(void *arg)
{
	return arg;
}

static int try_namespaces(const struct sandbox_state *st)
{
	pthread_t t;
	long pid = syscall(SYS_clone, CLONE_NEWUSER | SIGCHLD, 0, 0, 0, 0);

	(void)st;
	if (pid == 0)
		_exit(0);
	if (pid > 0 || errno != EPERM)
		return 1;
	if (syscall(SYS_clone3, NULL, 0) >= 0 || errno != ENOSYS)
		return 2;
	if (syscall(SYS_open_tree, AT_FDCWD, "/", 1) >= 0 || errno != EPERM)
		return 3;
	return pthread_create(&t, NULL, nothing, NULL) == 0 && pthread_join(t, NULL) == 0 ? 0 : 4;
}

static void no_program_can_be_started(void **state)
{
	(void)state;
	assert_int_equal(in_child(try_exec), 0);
}

static void nobody_can_be_traced(void **state)
{
	(void)state;
	assert_int_equal(in_child(try_trace), 0);
}

static void only_ip_and_unix_sockets_are_left(void **state)
{
	(void)state;
	assert_int_equal(in_child(try_socket), 0);
}

static void files_outside_the_folder_cannot_be_written(void **state)
{
	int r = in_child(try_files);

	(void)state;
	if (r == 77) {
		print_message("this kernel has no Landlock: not tested\n");
		skip();
	}
	assert_int_equal(r, 0);
}

static void files_outside_the_folder_cannot_be_emptied(void **state)
{
	int fd = open("/tmp/sandbox-test-victim", O_WRONLY | O_CREAT | O_TRUNC, 0600), r;

	(void)state;
	assert_int_equal(write(fd, "important", 9), 9);
	r = in_child(try_truncate);
	assert_int_equal(lseek(fd, 0, SEEK_END), 9);
	close(fd);
	unlink("/tmp/sandbox-test-victim");
	if (r == 77)
		skip();
	assert_int_equal(r, 0);
}

static void no_namespace_can_be_made_but_threads_can(void **state)
{
	(void)state;
	assert_int_equal(in_child(try_namespaces), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_role_that_has_its_sockets_makes_no_more), cmocka_unit_test(and_writes_no_file),
		cmocka_unit_test(the_web_role_writes_files_of_its_spool_and_sees_no_others),
		cmocka_unit_test(no_program_can_be_started),
		cmocka_unit_test(nobody_can_be_traced),
		cmocka_unit_test(only_ip_and_unix_sockets_are_left),
		cmocka_unit_test(files_outside_the_folder_cannot_be_written),
		cmocka_unit_test(files_outside_the_folder_cannot_be_emptied),
		cmocka_unit_test(no_namespace_can_be_made_but_threads_can),
	};

	if (!mkdtemp(dir))
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
