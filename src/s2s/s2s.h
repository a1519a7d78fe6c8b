/* s2s.h - federation: streams to and from other servers (RFC 6120, XEP-0220, XEP-0288, XEP-0368).
 *
 * A peer is a pair of domains, ours and theirs. It proves its domain by a certificate that we trust, or, where the
 * policy has it, by dialback inside TLS; never in plain. Stanzas of peers take the road of every other stanza.
 *
 * Ownership  s2s_new/s2s_free; free it after the loop has run to its end and before the server.
 * Threads    The loop's.
 * Limits     LIMIT_S2S_*.
 * Errors     ret_why: a sentence for the operator. What cannot be delivered goes back to its sender with
 *            remote-server-not-found or remote-server-timeout.
 */
#ifndef S2S_S2S_H
#define S2S_S2S_H

#include "base/arena.h"
#include "base/err.h"

struct outbox_saved;
struct s2s;
struct s2s_trust;
struct server;
struct tls_ctx;

struct s2s_parts {
	struct tls_ctx *tls;		/* of tls_ctx_load_peers(); taken over */
	struct s2s_trust *trust;	/* taken over */
	const struct outbox_saved *saved;	/* what waited for other servers when the last worker ended; NULL: nothing */
	int fd;				/* bound and listening, taken over */
};

MUST_CHECK int s2s_new(struct server *srv, const struct s2s_parts *parts, struct arena *a, struct s2s **ret,
		       struct str *ret_why);
/* The server's configuration has been replaced; what is NULL stays, else it is taken over. */
void s2s_reload(struct s2s *s, struct tls_ctx *tls, struct s2s_trust *trust);
/* Right after server_stop(), which waits until the connections are gone. */
void s2s_stop(struct s2s *s);
void s2s_free(struct s2s **s);

#endif
