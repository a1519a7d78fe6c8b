/* state.h - what a running server holds. For the files of core/ alone; features ask through functions.
 *
 * Threads  The loop's thread.
 */
#ifndef CORE_STATE_H
#define CORE_STATE_H

#include "auth/sasl.h"
#include "auth/throttle.h"
#include "base/list.h"
#include "base/map.h"
#include "config/config.h"
#include "core/alerts.h"
#include "core/jobs.h"
#include "core/metrics.h"
#include "core/outward.h"
#include "core/server.h"
#include "net/conn.h"
#include "net/listener.h"
#include "net/loop.h"
#include "net/tls.h"
#include "outbreak/guard.h"
#include "vault/vault.h"
#include "vault/vault_frank.h"
#include "xmpp/xml.h"

#define SERVER_MAGIC 0x5e4e4001u

struct files;
struct late;
struct notice;
struct purge;
struct scanner;

struct server {
	uint32_t magic;
	struct loop *loop;
	struct config *config;
	struct vault *vault;			/* the store thread's, but for vault_next_id */
	struct guard *guard;
	struct files *files;			/* core/files.h */
	struct late *late;			/* core/late.h */
	struct scanner *scanner;		/* core/scanner.h; NULL: nobody looks at files here */
	struct str spool, upload;		/* where files lie (empty: nowhere); the domain of the upload service (features/upload.c); in names */
	struct vault_frank *frank;
	struct tls_ctx *tls;
	struct jobs *jobs;
	struct str domain, bot, helpdesk;	/* in names */
	struct arena *names;

	struct map *users;			/* bare JID -> struct user */
	struct list idle_users;
	size_t n_idle_users;
	struct map *sessions;			/* 8 bytes of id -> struct session */
	struct map *resumable;			/* resumption id -> struct session */
	uint64_t next_session_id;
	uint64_t session_ends;			/* sessions forgotten so far: until the next one a pointer to one that was there is good */

	struct rooms *rooms;			/* rooms/ */
	struct purge *purge;			/* core/purge.c */
	struct map *reported;			/* core/report.c: fingerprint -> who has reported it */
	struct { uint64_t at_ms; unsigned more; } alerts[BOT_ALERTS];	/* core/bot.c: when each kind was told last */
	struct blocklists *blocklists;		/* core/blocklist.c */
	struct shared *shared;			/* core/shared.c */
	struct breaker_table *breakers;		/* core/breakers.c */
	struct loop_timer breakers_timer, sites_timer;
	uint64_t sites_kept;			/* core/known_sites.c */
	struct loop_timer decoys_timer;		/* core/decoys.c */
	bool decoys_busy, decoys_again;
	struct rtbl *rtbl;			/* features/rtbl.c */
	struct map *asks;			/* id -> struct ask */
	struct str pubsub;			/* features/pubsub.c: its domain, in names */
	struct map *caps;			/* hash -> struct pubsub_caps; features/caps.c */
	unsigned extra_walks, peer_asks;	/* pubsub/pubsub_last.h, features/caps.c: work under way */
	struct map *peers;			/* bare JID -> its remote contacts that are there; pubsub/pubsub_peers.h */
	struct outward { const struct outward_ops *ops; void *ctx; } outward[OUTWARD_LINKS];
	unsigned n_outward;
	struct list adhoc;			/* core/adhoc.c: forms being filled in */
	unsigned n_adhoc;
	struct notice *notices[2];		/* features/notices.c: of the day, of welcome; NULL: none */
	struct list delegated;			/* features/delegation.c: blocks of malloc that begin with their struct list */

	struct list streams;			/* every connection */
	size_t n_streams;
	struct map *addresses;			/* address key -> count of connections not signed in, as uintptr_t */
	struct xml_pool *xml_pool;
	struct conn_pool *conn_pool;
	struct scram_tools *scram;
	unsigned deriving;			/* core/account.c, own_password.c: passwords being worked on */
	uint64_t password_at_ms;		/* core/own_password.c */
	uint8_t link_key[32];			/* core/link_check.h */
	unsigned link_questions;
	struct sasl_conf sasl;
	struct throttle *throttle;
	struct listener *listeners[2];
	struct loop_io *web;			/* the channel to the web role; NULL: none */
	struct loop_timer sweep;		/* gives back parsers of idle streams, expires what is old */
	uint64_t trim_seen, trim_at_ms;
	bool trim_due;

	struct metrics metrics;
	bool stopping;
	void (*stopped)(void *ctx);
	void (*end)(void *ctx, bool again);	/* features/power.c; NULL: nobody does that here */
	void *end_ctx;
	struct loop_timer learn_timer;
	uint64_t learn_week;			/* core/learn.c: up to which what was learnt has faded */
	struct loop_timer end_timer;
	bool end_again;
	void *stopped_ctx;
	uint64_t started_mono_us, started_wall_ms;
};

/* Work on the store thread, in order: work(v, ctx), then done(ctx, err) on the loop's thread. */
MUST_CHECK int server_store(struct server *srv, void *ctx, int (*work)(struct vault *v, void *ctx),
			    void (*done)(void *ctx, int err));
/* A stream has ended: a server that stops waits for the last one. */
void server_stream_gone(struct server *srv);
/* Is this the domain of our accounts? For services see core/service.h. */
bool server_is_local(const struct server *srv, struct str domain);

#endif
