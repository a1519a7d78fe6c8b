/* scan_pool.h - how the supervisor hands each new wardroom-scand to the worker: the other end of its socket, and a handle to end it by.
 *
 * Ownership  scan_pool_give() leaves the descriptors the caller's; scan_pool_take() gives them to the caller.
 * Threads    Any; a message is one system call.
 * Errors     ERR_AGAIN: nothing there, or full. ERR_EOF: the supervisor is gone. ERR_BAD_FORMAT, ERR_IO.
 */
#ifndef IPC_SCAN_POOL_H
#define IPC_SCAN_POOL_H

#include "base/err.h"

/* Two ends, closed on exec. */
MUST_CHECK int scan_pool_pair(int ret[2]);
MUST_CHECK int scan_pool_give(int pool, int sock, int pidfd);
MUST_CHECK int scan_pool_take(int pool, int *ret_sock, int *ret_pidfd);
/* Ends that process; also when it has ended. */
void scan_pool_kill(int pidfd);

#endif
