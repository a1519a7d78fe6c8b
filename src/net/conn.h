/* conn.h - one connection: bytes in, bytes out, plain or TLS.
 *
 * What is sent during a turn of the loop goes out in one piece at its end. An idle connection holds no buffer.
 *
 * Ownership  conn_accept's caller until closed() was called: after that it is freed. Callbacks may send,
 *            close and abort.
 * Threads    The loop's.
 * Limits     LIMIT_SEND_BYTES unsent: ERR_LIMIT.
 */
#ifndef NET_CONN_H
#define NET_CONN_H

#include "base/err.h"
#include "base/str.h"
#include "net/loop.h"
#include "net/tls.h"

struct conn;
struct conn_pool;

struct conn_ops {
	void (*data)(void *ctx, struct str bytes);
	void (*secured)(void *ctx);		/* the TLS handshake is done */
	void (*drained)(void *ctx);		/* nothing is unsent any more; NULL: not of interest */
	void (*closed)(void *ctx);		/* the last call, never from within another conn_* call */
};

/* Buffers that all connections of a loop share. */
MUST_CHECK int conn_pool_new(struct loop *loop, struct conn_pool **ret);
void conn_pool_free(struct conn_pool **p);

/* Takes fd over, also on failure. tls NULL: plain until conn_starttls. */
MUST_CHECK int conn_accept(struct conn_pool *pool, int fd, struct tls_ctx *tls, const struct conn_ops *ops, void *ctx,
			   struct conn **ret);
int conn_send(struct conn *c, struct str bytes);
/* The same for many bytes: what need not wait goes out at once and is not copied. drained() comes in any case. */
int conn_send_now(struct conn *c, struct str bytes);
size_t conn_unsent(const struct conn *c);
/* The same and what the kernel has taken and the other side has not got yet. */
size_t conn_undelivered(const struct conn *c);
/* Stops reading the socket; what has been read is still handed over. */
void conn_pause(struct conn *c, bool pause);
/* From within data(): sends what waits in plain, then speaks TLS. */
MUST_CHECK int conn_starttls(struct conn *c, struct tls_ctx *tls);
/* The same as the side that begins, also right after conn_accept(); host: whom we want to speak with. */
MUST_CHECK int conn_starttls_to(struct conn *c, struct tls_ctx *tls, const char *host);
/* Right after conn_accept() in plain: TLS at once when the first byte is that of a TLS handshake. */
void conn_sniff(struct conn *c, struct tls_ctx *tls);
/* bytes_per_s of reading, with as much burst; 0: no limit. Beyond it the socket is not read: nothing is lost. */
void conn_set_rate(struct conn *c, uint64_t bytes_per_s);
/* Sends what waits, says goodbye, closes; at most CONN_CLOSE_MS later. No data() any more. */
#define CONN_CLOSE_MS 3000
void conn_close(struct conn *c);
void conn_abort(struct conn *c);
SSL *conn_ssl(const struct conn *c);		/* NULL: plain */

#endif
