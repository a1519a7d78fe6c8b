/* tls.h - TLS as this server speaks it: 1.3, and 1.2 with AEAD and forward secrecy; nothing older.
 *
 * Ownership  struct tls_ctx is counted: connections keep the one they began with, SIGHUP swaps the server's.
 * Threads    The loop's thread.
 * Errors     ret_why: a sentence for the operator, in the caller's arena.
 */
#ifndef NET_TLS_H
#define NET_TLS_H

#include <openssl/ssl.h>

#include "base/arena.h"
#include "base/err.h"

struct tls_ctx;

/* dir holds cert.pem and key.pem. A key that others may read is refused. */
MUST_CHECK int tls_ctx_load(const char *dir, struct arena *a, struct tls_ctx **ret, struct str *ret_why);
/* The same certificate towards other servers, for both ends of a connection: each asks for the other's certificate
 * and lets every one pass the handshake; whoever holds the session judges it then. ALPN xmpp-server. */
MUST_CHECK int tls_ctx_load_peers(const char *dir, struct arena *a, struct tls_ctx **ret, struct str *ret_why);
/* The same certificate for browsers: ALPN http/1.1. */
MUST_CHECK int tls_ctx_load_web(const char *dir, struct arena *a, struct tls_ctx **ret, struct str *ret_why);
struct tls_ctx *tls_ctx_ref(struct tls_ctx *t);
void tls_ctx_unref(struct tls_ctx **t);
/* A server-side session on it, without BIOs; NULL when out of memory. */
SSL *tls_session(struct tls_ctx *t);
/* A client-side one, for this host (SNI); of tls_ctx_load_peers() alone. */
SSL *tls_session_to(struct tls_ctx *t, const char *host);
int tls_days_left(const struct tls_ctx *t);	/* of the certificate; negative: expired */

/* A self-signed P-256 certificate for these names (dNSName), ten years; writes cert.pem and key.pem (0600). */
MUST_CHECK int tls_certificate_create(const char *dir, const char *const *names, size_t n, struct arena *a,
				      struct str *ret_why);

/* Channel bindings. Number of bytes, or ERR_UNSUPPORTED. */
int tls_exporter(SSL *ssl, uint8_t ret[32]);			/* RFC 9266 */
/* RFC 5929 3, the client's Finished of a full handshake; only of TLS 1.2 with the extended master secret (RFC 7627). */
int tls_unique(SSL *ssl, uint8_t ret[64]);
int tls_server_end_point(SSL *ssl, uint8_t ret[64]);		/* RFC 5929 4 */
/* More KeyUpdates or handshake messages after the handshake than any client has use for? */
bool tls_is_flooding(SSL *ssl);

#endif
