/* scan_dial.h - a fresh connection to clamd, made by the worker for a process that may not connect itself.
 *
 * where: the path of a UNIX socket, or a numeric address and a port: "/run/clamav/clamd.ctl", "127.0.0.1:3310", "[::1]:3310".
 *
 * Ownership  The descriptor is the caller's.
 * Threads    Any; waits as long as it is told to.
 * Errors     ERR_BAD_FORMAT: no such place can be. ERR_UNAVAILABLE: nobody is there, or does not take the connection in time. ERR_IO.
 */
#ifndef IPC_SCAN_DIAL_H
#define IPC_SCAN_DIAL_H

#include "base/err.h"

MUST_CHECK int scan_dial_check(const char *where);
/* Each read and write on it waits io_ms at most; 0: not at all. */
MUST_CHECK int scan_dial(const char *where, unsigned patience_ms, unsigned io_ms, int *ret);

#endif
