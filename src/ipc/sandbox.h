/* sandbox.h - gives rights away for good: the last thing a role does before it meets strangers.
 *
 * After it: no new program, no tracing, no mounting, no kernel modules, no other socket families than UNIX and
 * IP; writing beneath the given folder alone and reading there and in the system's own folders, where the kernel
 * has Landlock. What an older kernel lacks is left out and told.
 *
 * Threads  Binds the calling thread and all that it starts afterwards.
 * Errors   ERR_UNSUPPORTED when not even the system-call filter can be set: the role must not go on.
 */
#ifndef IPC_SANDBOX_H
#define IPC_SANDBOX_H

#include <stdbool.h>

#include "base/err.h"

struct sandbox_state {
	bool filter;		/* system calls are filtered */
	int landlock;		/* ABI level in force; 0: none */
};

/* For a role that has all its sockets: besides, it makes, binds and connects none, and writes no file; it may read
 * what lies beneath that folder. */
MUST_CHECK int sandbox_enter_reader(const char *readable_dir, struct sandbox_state *ret);
/* The same, but it makes, writes, renames and deletes files beneath spool_dir (no folders, sockets or links), and lists no folder at all. */
MUST_CHECK int sandbox_enter_spooler(const char *readable_dir, const char *spool_dir, struct sandbox_state *ret);
MUST_CHECK int sandbox_enter(const char *writable_dir, struct sandbox_state *ret);
/* For a role that has all it will ever need: memory, reading and writing what is open, and the end. It opens no file, makes and connects no
 * socket, starts no thread, process or program, and no memory becomes code; all other calls fail, those of an intruder end the process. */
MUST_CHECK int sandbox_enter_strict(struct sandbox_state *ret);

#endif
