/* instance.h - the folder of an instance: where its files lie, who may read them, who holds it.
 *
 * Ownership  Paths live in the caller's arena. The lock is a descriptor; closing it lets go.
 * Threads    Any.
 * Errors     ERR_NOT_FOUND, ERR_CONFLICT (there already), ERR_LOCKED, ERR_FORBIDDEN (modes), ERR_FULL, ERR_IO;
 *            ret_why is a sentence that names the file and the way out.
 */
#ifndef CONFIG_INSTANCE_H
#define CONFIG_INSTANCE_H

#include <sys/types.h>

#include "base/arena.h"
#include "base/err.h"

struct instance {
	const char *dir;
	const char *config, *policy, *weights;		/* wardroom.yaml, policy.yaml, weights.yaml */
	const char *trial;				/* policy.trial.yaml, a policy that is judged and does nothing */
	const char *data, *spool;			/* folders, 0700 */
	const char *keys;				/* folder, 0700; files in it 0600 */
	const char *tls, *tls_cert, *tls_key;		/* folder 0700; key 0600 */
	const char *run, *lock, *socket;		/* run/lock, run/control.sock */
};

MUST_CHECK int instance_paths(const char *dir, struct arena *a, struct instance *ret);
/* Makes the folder and its sub-folders. ERR_CONFLICT when there is a wardroom.yaml already. */
MUST_CHECK int instance_create(const struct instance *in, struct arena *a, struct str *ret_why);
/* Is it an instance, and are its secrets readable by their owner alone? */
MUST_CHECK int instance_check(const struct instance *in, struct arena *a, struct str *ret_why);
/* Exclusive until the descriptor is closed or the process ends. ERR_LOCKED: ret_why names the process. */
MUST_CHECK int instance_lock(const struct instance *in, struct arena *a, int *ret_fd, struct str *ret_why);
/* The same, with patience: a process that was killed a moment ago holds its lock until the kernel has taken it apart,
 * and a command of the operator's only for as long as it takes. Says once that it waits. */
MUST_CHECK int instance_lock_wait(const struct instance *in, unsigned patience_ms, struct arena *a, int *ret_fd, struct str *ret_why);
void instance_unlock(int *fd);

/* Whole or not at all, and on disk when it returns 0: temporary file, fsync, rename, fsync of the folder. */
MUST_CHECK int instance_write(const char *path, struct str data, mode_t mode, struct arena *a, struct str *ret_why);
MUST_CHECK int instance_read(const char *path, size_t max_bytes, struct arena *a, struct str *ret, struct str *ret_why);

#endif
