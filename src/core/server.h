/* server.h - one running worker: shard, sessions, store thread, guard and listeners put together.
 *
 * Ownership  server_new takes the vault and a reference of the config; server_free gives all back.
 * Threads    The loop's thread. The vault is used by the server's store thread alone from here on.
 * Errors     ret_why: one sentence for the operator, in the caller's arena.
 */
#ifndef CORE_SERVER_H
#define CORE_SERVER_H

#include <stdbool.h>

#include "base/arena.h"
#include "base/err.h"

struct admin_call;
struct config;
struct guard;
struct loop;
struct server;
struct tls_ctx;
struct vault;

struct server_parts {
	struct loop *loop;
	struct config *config;		/* a reference, taken over */
	struct vault *vault;		/* taken over */
	struct guard *guard;		/* taken over */
	struct tls_ctx *tls;		/* a reference, taken over; NULL in simulation */
	int listen_c2s, listen_c2s_tls, listen_control;	/* bound, listening descriptors; -1: none */
	const char *dir, *spool;	/* of the instance, and where uploaded files lie, sealed; NULL: there are none. They outlive the server */
	int pool, signatures;		/* of scanner_parts; pool 0 or -1: no file is looked at */
	int web;			/* end of the channel to the web role (ipc/chan.h); 0 or -1: none */
	void (*end)(void *ctx, bool again);	/* somebody who may has ordered the server to end, or to start anew; NULL: he is refused */
	void *end_ctx;
	uint64_t started_mono_us;	/* when the process began */
};
MUST_CHECK int server_new(const struct server_parts *parts, struct arena *a, struct server **ret, struct str *ret_why);
/* Stops accepting, tells clients (system-shutdown), flushes the store, then calls done. */
void server_stop(struct server *s, void (*done)(void *ctx), void *ctx);
void server_free(struct server **s);
const struct guard *server_guard(const struct server *s);

/* SIGHUP: new certificate, policy, limits. What is NULL stays. */
void server_reload(struct server *s, struct config *config, struct guard *guard, struct tls_ctx *tls);

/* The control socket's work: runs call on the store thread, applies its effects here, then done(ctx, call). */
void server_admin(struct server *s, struct admin_call *call, void (*done)(void *ctx, struct admin_call *call), void *ctx);

#endif
