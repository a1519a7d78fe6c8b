/* instance.c - see instance.h. */
#include "config/instance.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/log.h"

#define KEY_FILES_MAX 1000			/* looked at by instance_check */
#define LOCK_PAUSE_NS (50 * 1000000)		/* between two tries for the lock */

static int err_of(int e)
{
	switch (e) {
	case ENOENT:
	case ENOTDIR:
		return ERR_NOT_FOUND;
	case EACCES:
	case EPERM:
	case EROFS:
		return ERR_FORBIDDEN;
	case ENOSPC:
	case EDQUOT:
		return ERR_FULL;
	case ENOMEM:
		return ERR_NOMEM;
	}
	return ERR_IO;
}

/* errno's error, and "PATH: what: reason." */
static int system_error(const char *path, const char *what, struct arena *a, struct str *ret_why)
{
	int e = errno;
	char text[128];

	*ret_why = arena_printf(a, "%s: %s: %s.", path, what, strerror_r(e, text, sizeof(text)));
	if (!ret_why->p)
		*ret_why = STR("out of memory");
	return err_of(e);
}

static const char *join(struct arena *a, const char *dir, const char *name, bool *ok)
{
	struct str s = arena_printf(a, "%s/%s", dir, name);

	*ok &= s.p != NULL;
	return s.p;
}

int instance_paths(const char *dir, struct arena *a, struct instance *ret)
{
	size_t n = strlen(dir);
	bool ok = true;
	struct instance in;

	while (n > 1 && dir[n - 1] == '/')
		n--;
	in.dir = arena_dup(a, dir, n);
	if (!in.dir || n == 0)
		return n == 0 ? ERR_BAD_REQUEST : ERR_NOMEM;
	in.config = join(a, in.dir, "wardroom.yaml", &ok);
	in.policy = join(a, in.dir, "policy.yaml", &ok);
	in.weights = join(a, in.dir, "weights.yaml", &ok);
	in.trial = join(a, in.dir, "policy.trial.yaml", &ok);
	in.data = join(a, in.dir, "data", &ok);
	in.spool = join(a, in.dir, "spool", &ok);
	in.keys = join(a, in.dir, "keys", &ok);
	in.tls = join(a, in.dir, "tls", &ok);
	in.tls_cert = join(a, in.dir, "tls/cert.pem", &ok);
	in.tls_key = join(a, in.dir, "tls/key.pem", &ok);
	in.run = join(a, in.dir, "run", &ok);
	in.lock = join(a, in.dir, "run/lock", &ok);
	in.socket = join(a, in.dir, "run/control.sock", &ok);
	if (!ok)
		return ERR_NOMEM;
	*ret = in;
	return 0;
}

/* The mode goes past the umask: these folders hold secrets. */
static int folder_make(const char *path, mode_t mode, struct arena *a, struct str *ret_why)
{
	struct stat st;

	if (mkdir(path, mode) == 0)
		return chmod(path, mode) < 0 ? system_error(path, "cannot set its mode", a, ret_why) : 0;
	if (errno != EEXIST)
		return system_error(path, "cannot make the folder", a, ret_why);
	if (stat(path, &st) < 0)
		return system_error(path, "cannot look at it", a, ret_why);
	if (S_ISDIR(st.st_mode))
		return 0;
	*ret_why = arena_printf(a, "%s is there and is not a folder: move it away.", path);
	return ERR_CONFLICT;
}

int instance_create(const struct instance *in, struct arena *a, struct str *ret_why)
{
	const struct { const char *path; mode_t mode; } folders[] = {
		{ in->dir, 0750 }, { in->data, 0700 }, { in->spool, 0700 }, { in->keys, 0700 }, { in->tls, 0700 }, { in->run, 0700 },
	};

	if (access(in->config, F_OK) == 0) {
		*ret_why = arena_printf(a, "%s is there already: this folder holds an instance; nothing was changed.", in->config);
		return ERR_CONFLICT;
	}
	for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++) {
		int r = folder_make(folders[i].path, folders[i].mode, a, ret_why);

		if (r < 0)
			return r;
	}
	return 0;
}

/* --- checks ---------------------------------------------------------------------------------------------- */

/* Exists and gives nothing to group and others. */
static int private_check(const char *path, bool folder, struct arena *a, struct str *ret_why)
{
	struct stat st;

	if (stat(path, &st) < 0)
		return system_error(path, "cannot look at it", a, ret_why);
	if (S_ISDIR(st.st_mode) != folder) {
		*ret_why = arena_printf(a, "%s is not a %s.", path, folder ? "folder" : "file");
		return ERR_BAD_FORMAT;
	}
	if (st.st_mode & 077) {
		*ret_why = arena_printf(a, "%s can be read or changed by others than its owner (mode %04o): chmod %s %s", path,
					(unsigned)(st.st_mode & 07777), folder ? "0700" : "0600", path);
		return ERR_FORBIDDEN;
	}
	if (st.st_uid != geteuid() && geteuid() != 0) {
		*ret_why = arena_printf(a, "%s belongs to another user (%u): chown it to the one that runs the server.", path,
					(unsigned)st.st_uid);
		return ERR_FORBIDDEN;
	}
	return 0;
}

static int keys_check(const struct instance *in, struct arena *a, struct str *ret_why)
{
	DIR *d = opendir(in->keys);
	struct dirent *e;
	int r = 0, n = 0;

	if (!d)
		return system_error(in->keys, "cannot open the folder", a, ret_why);
	while (r == 0 && n < KEY_FILES_MAX && (e = readdir(d))) {
		struct str path;

		if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
			continue;
		n++;
		path = arena_printf(a, "%s/%s", in->keys, e->d_name);
		r = path.p ? private_check(path.p, false, a, ret_why) : ERR_NOMEM;
	}
	closedir(d);
	return r;
}

int instance_check(const struct instance *in, struct arena *a, struct str *ret_why)
{
	int r;

	if (access(in->config, F_OK) < 0) {
		*ret_why = arena_printf(a, "%s is not there: make an instance with 'wardroom --dir %s init --domain DOMAIN'.",
					in->config, in->dir);
		return ERR_NOT_FOUND;
	}
	r = private_check(in->keys, true, a, ret_why);
	if (r == 0)
		r = keys_check(in, a, ret_why);
	if (r == 0)
		r = private_check(in->data, true, a, ret_why);
	if (r == 0 && access(in->tls_key, F_OK) == 0)
		r = private_check(in->tls_key, false, a, ret_why);
	return r;
}

/* --- the lock ---------------------------------------------------------------------------------------------- */

int instance_lock(const struct instance *in, struct arena *a, int *ret_fd, struct str *ret_why)
{
	int fd, r = folder_make(in->run, 0700, a, ret_why);
	char pid[32] = "";
	ssize_t n;

	if (r < 0)
		return r;
	fd = open(in->lock, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return system_error(in->lock, "cannot open the lock", a, ret_why);
	if (flock(fd, LOCK_EX | LOCK_NB) < 0) {
		if (errno != EWOULDBLOCK) {
			r = system_error(in->lock, "cannot take the lock", a, ret_why);
			close(fd);
			return r;
		}
		n = pread(fd, pid, sizeof(pid) - 1, 0);
		close(fd);
		pid[n > 0 ? (size_t)n : 0] = 0;
		pid[strspn(pid, "0123456789")] = 0;
		*ret_why = arena_printf(a, "%s is in use by process %s: stop it, or talk to the running server.", in->dir,
					*pid ? pid : "(unknown)");
		return ERR_LOCKED;
	}
	/* Who holds it, for the message above; the lock itself does not depend on it. */
	n = snprintf(pid, sizeof(pid), "%ld\n", (long)getpid());
	if (ftruncate(fd, 0) < 0 || pwrite(fd, pid, (size_t)n, 0) != n) {
		r = system_error(in->lock, "cannot write to it", a, ret_why);
		close(fd);
		return r;
	}
	*ret_fd = fd;
	return 0;
}

int instance_lock_wait(const struct instance *in, unsigned patience_ms, struct arena *a, int *ret_fd, struct str *ret_why)
{
	uint64_t end = clock_mono_us() + patience_ms * 1000ull;
	int r = instance_lock(in, a, ret_fd, ret_why);

	if (r == ERR_LOCKED && patience_ms)
		log_event(LOG_NOTE, "instance.waiting", LOG_S("why", *ret_why), LOG_N("at_most_ms", patience_ms));
	while (r == ERR_LOCKED && clock_mono_us() < end) {
		nanosleep(&(struct timespec){ .tv_nsec = LOCK_PAUSE_NS }, NULL);
		r = instance_lock(in, a, ret_fd, ret_why);
	}
	return r;
}

void instance_unlock(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

/* --- files ------------------------------------------------------------------------------------------------- */

static int write_all(int fd, struct str data)
{
	while (data.n > 0) {
		ssize_t n = write(fd, data.p, data.n);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -1;
		data = str_cut(data, (size_t)n);
	}
	return 0;
}

/* The name of a file is on disk when its folder is. */
static int folder_sync(const char *path, struct arena *a, struct str *ret_why)
{
	const char *slash = strrchr(path, '/');
	const char *dir = !slash ? "." : slash == path ? "/" : arena_dup(a, path, (size_t)(slash - path));
	int fd = dir ? open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
	int r = 0;

	if (fd < 0 || fsync(fd) < 0)
		r = system_error(path, "cannot sync its folder", a, ret_why);
	if (fd >= 0)
		close(fd);
	return r;
}

int instance_write(const char *path, struct str data, mode_t mode, struct arena *a, struct str *ret_why)
{
	struct str tmp = arena_printf(a, "%s.tmp.%ld", path, (long)getpid());
	int fd, r;

	if (!tmp.p) {
		*ret_why = STR("out of memory");
		return ERR_NOMEM;
	}
	unlink(tmp.p);				/* what a crash left behind */
	fd = open(tmp.p, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return system_error(tmp.p, "cannot make the file", a, ret_why);
	if (write_all(fd, data) < 0 || fchmod(fd, mode) < 0 || fsync(fd) < 0) {
		r = system_error(path, "cannot write", a, ret_why);
		close(fd);
		unlink(tmp.p);
		return r;
	}
	if (close(fd) < 0 || rename(tmp.p, path) < 0) {
		r = system_error(path, "cannot replace the file", a, ret_why);
		unlink(tmp.p);
		return r;
	}
	return folder_sync(path, a, ret_why);
}

int instance_read(const char *path, size_t max_bytes, struct arena *a, struct str *ret, struct str *ret_why)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK), r = 0;
	struct stat st;
	size_t n = 0;
	char *p;

	if (fd < 0 || fstat(fd, &st) < 0) {
		r = system_error(path, "cannot open it", a, ret_why);
		goto out;
	}
	if (!S_ISREG(st.st_mode) || (uint64_t)st.st_size > max_bytes) {
		*ret_why = arena_printf(a, "%s: %s.", path, S_ISREG(st.st_mode) ? "the file is too large" : "not a file");
		r = ERR_BAD_FORMAT;
		goto out;
	}
	p = arena_alloc(a, (size_t)st.st_size + 1);
	if (!p) {
		*ret_why = STR("out of memory");
		r = ERR_NOMEM;
		goto out;
	}
	while (n < (size_t)st.st_size) {
		ssize_t got = read(fd, p + n, (size_t)st.st_size - n);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0) {
			r = system_error(path, "cannot read it", a, ret_why);
			goto out;
		}
		if (got == 0)
			break;
		n += (size_t)got;
	}
	*ret = str_make(p, n);
out:
	if (fd >= 0)
		close(fd);
	return r;
}
