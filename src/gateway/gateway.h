/* gateway.h - XEP-0114: components of the own network, which connect to us with a shared secret.
 *
 * A component speaks for one domain, and what it says takes the road of every other stanza: it is exempt from
 * nothing. Its trust and privileges stand in wardroom.yaml.
 *
 * Ownership  gateway_new/gateway_free; free it after the loop has run to its end and before the server.
 * Threads    The loop's.
 * Limits     One connection a component: the newest. GATEWAY_WAITING that have not shown their secret, for
 *            LIMIT_PREAUTH_MS and LIMIT_PREAUTH_BYTES; tries as limits.failed_logins_per_minute. Unsent output
 *            LIMIT_SEND_BYTES.
 * Errors     ret_why: a sentence for the operator. A stanza for a component that is away is answered with
 *            service-unavailable, but for messages, which wait a while when it is expected back (box.h).
 */
#ifndef GATEWAY_GATEWAY_H
#define GATEWAY_GATEWAY_H

#include <sys/socket.h>

#include "base/arena.h"
#include "base/err.h"

#define GATEWAY_WAITING 16

struct gateway;
struct outbox_saved;
struct server;

/* fd: bound and listening, taken over; -1: nobody connects. saved: what was kept when the server went down; NULL: nothing.
 * Serves the domains from here on. */
MUST_CHECK int gateway_new(struct server *srv, int fd, const struct outbox_saved *saved, struct arena *a, struct gateway **ret, struct str *ret_why);
/* A connection that somebody else has accepted (tests on the simulated loop), taken over. */
void gateway_accept(struct gateway *g, int fd, const struct sockaddr_storage *from);
/* The server's configuration has been replaced: who is not in it any more, or under another secret, goes. */
void gateway_reload(struct gateway *g);
/* Before server_stop(), which waits until the connections are gone. */
void gateway_stop(struct gateway *g);
void gateway_free(struct gateway **g);

#endif
