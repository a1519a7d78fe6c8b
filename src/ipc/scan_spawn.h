/* scan_spawn.h - a wardroom-scand of one's own, for a program that is no server: the command line judges a file with it.
 *
 * Ownership  The socket (ipc/scan_job.h) and the process are the caller's: he closes the one and waits for the other.
 * Threads    Before there are others.
 * Errors     ERR_NOT_FOUND: it lies in none of these folders beside the own program. ERR_IO.
 */
#ifndef IPC_SCAN_SPAWN_H
#define IPC_SCAN_SPAWN_H

#include <sys/types.h>

#include "base/err.h"

/* folders: relative to that of the own program, NULL at the end. */
MUST_CHECK int scan_spawn(const char *const *folders, int *ret_sock, pid_t *ret_pid);

#endif
