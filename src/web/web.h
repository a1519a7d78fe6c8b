/* web.h - the web role at work: HTTPS from strangers, WebSockets handed to the worker.
 *
 * One request a connection; what a path means is the table in web.c.
 *
 * Ownership  web_new takes the listener and the channel over, and a reference of the certificate.
 * Threads    The loop's.
 * Limits     WEB_CONNS connections, of one address limits.connections_per_address until they are WebSockets that were
 *            handed over; WEB_HEAD_MS for TLS and the request; what conn.h and http.h allow. WEB_FILES transfers of files, of
 *            one address three quarters of its connections; each moves WEB_FILE_RATE or ends.
 * Errors     ret_why: a sentence for the operator, in the caller's arena.
 */
#ifndef WEB_WEB_H
#define WEB_WEB_H

#include "base/arena.h"
#include "base/err.h"

#define WEB_CONNS 20000
#define WEB_HEAD_MS 10000
#define WEB_FILES 1000			/* each has at most 256 KiB of memory */
#define WEB_FILE_RATE 2048		/* bytes a second, in the mean of WEB_FILE_WINDOW_MS: a bad mobile network still has more */
#define WEB_FILE_WINDOW_MS 15000

struct config;
struct loop;
struct tls_ctx;
struct web;

struct web_parts {
	struct loop *loop;
	const struct config *config;	/* what is needed of it is copied */
	struct tls_ctx *tls;		/* of tls_ctx_load_web(); a reference, taken over */
	int listen, chan;		/* bound and listening; the end towards the worker (ipc/chan.h) */
	const char *spool;		/* folder, made ready by web_spool_prepare(); outlives the role */
};
MUST_CHECK int web_new(const struct web_parts *p, struct arena *a, struct web **ret, struct str *ret_why);
/* A new certificate, for connections from now on. */
void web_reload(struct web *w, struct tls_ctx *tls);
/* Accepts nothing more, closes WebSockets (1001), then calls done. */
void web_stop(struct web *w, void (*done)(void *ctx), void *ctx);
void web_free(struct web **w);

#endif
