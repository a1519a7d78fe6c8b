/* dial.h - a TCP connection to one address, without waiting for it.
 *
 * Ownership  The caller's until fn was called or dial_cancel(); the descriptor is fn's.
 * Threads    The loop's.
 * Errors     fn gets ERR_AGAIN after timeout_ms, ERR_UNAVAILABLE when nobody is there.
 */
#ifndef NET_DIAL_H
#define NET_DIAL_H

#include <sys/socket.h>

#include "base/err.h"
#include "net/loop.h"

struct dial;

/* fd: connected, non-blocking; -1 with an error. Never called from within dial_start(). */
typedef void dial_fn(void *ctx, int fd, int err);

MUST_CHECK int dial_start(struct loop *loop, const struct sockaddr_storage *to, uint64_t timeout_ms, dial_fn *fn, void *ctx,
			  struct dial **ret);
void dial_cancel(struct dial **d);		/* NULL inside is fine */

#endif
