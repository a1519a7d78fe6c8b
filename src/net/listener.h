/* listener.h - accepts connections, in bursts of at most LISTENER_BURST, and rests when descriptors run out. */
#ifndef NET_LISTENER_H
#define NET_LISTENER_H

#include <sys/socket.h>

#include "base/arena.h"
#include "net/loop.h"

#define LISTENER_BURST 64

struct listener;

typedef void listener_fn(void *ctx, int fd, const struct sockaddr_storage *from);

/* A bound, listening descriptor. port 0 of TCP: any free one. ret_why: a sentence for the operator. */
MUST_CHECK int listener_bind_tcp(const char *address, unsigned port, struct arena *a, int *ret_fd, struct str *ret_why);
MUST_CHECK int listener_bind_unix(const char *path, struct arena *a, int *ret_fd, struct str *ret_why);	/* mode 0600 */

/* Takes fd over; fn owns each accepted, non-blocking descriptor. */
MUST_CHECK int listener_new(struct loop *loop, int fd, listener_fn *fn, void *ctx, struct listener **ret);
void listener_free(struct listener **l);

#endif
