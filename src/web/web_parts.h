/* web_parts.h - inside of the web role: what the files of this layer share.
 *
 * Threads  The loop's.
 */
#ifndef WEB_WEB_PARTS_H
#define WEB_WEB_PARTS_H

#include <wslay/wslay.h>

#include "base/buf.h"
#include "base/check.h"
#include "base/list.h"
#include "base/map.h"
#include "crypt/chunk.h"
#include "ipc/chan.h"
#include "net/conn.h"
#include "net/listener.h"
#include "web/http.h"
#include "web/web.h"

#define WEB_CONN_MAGIC 0x3eb00001u
#define WEB_ORIGINS 16
#define WEB_ADDRESSES 16

struct web {
	struct loop *loop;
	struct arena *a;		/* what follows of the configuration */
	struct str domain, url;		/* url without a slash at its end */
	struct str origins[WEB_ORIGINS];
	unsigned n_origins, per_address;
	uint64_t ping_ms, bytes_per_s, message_bytes;
	struct str addresses[WEB_ADDRESSES];	/* in figures */
	unsigned n_addresses;
	unsigned c2s_tls, s2s;		/* ports; 0: none */
	struct str xrd, jrd;		/* the two forms of host-meta */

	struct tls_ctx *tls;
	struct conn_pool *pool;
	struct listener *listener;
	int chan;
	struct list conns;
	size_t n_conns;
	struct map *places;			/* key of an address -> count of connections, as uintptr_t */
	const char *spool;
	struct seal_lib *lib;
	struct map *file_places;		/* the same of transfers */
	unsigned n_files, files_per_address;
	struct list syncing;			/* uploads that want something to be on the disk, in turn */
	unsigned n_syncing;			/* that have one */
	uint8_t *room;				/* CHUNK_SEALED: the piece being sent, of whichever transfer */
	struct loop_timer ending;
	void (*done)(void *ctx);
	void *done_ctx;
	bool stopping;
};

struct web_ws;
struct web_link;
struct web_file;

/* A connection: TLS, one request, one answer; or a WebSocket. */
struct web_conn {
	CHECK_MAGIC;
	struct web *web;
	struct list node;
	struct conn *conn;		/* NULL: gone, while the other side of a WebSocket still is there */
	struct buf head;		/* of the request, until it is complete */
	struct loop_timer timer;	/* the deadline of the request; the pings of a WebSocket */
	struct web_ws *ws;
	struct web_link *link;		/* the worker is asked about a link */
	struct web_file *file;		/* a file goes up or down */
	uint8_t address[16], address_n;
	bool answered, counted;
};

/* What a path leads to. The request has the route's method; only PUT may have a body, which begins in c->head behind r->n bytes. */
typedef void web_handler_fn(struct web_conn *c, const struct http_request *r);

/* The beginning of an answer's head, without the empty line. extra: whole header lines, or "". */
void web_head(struct buf *b, unsigned status, const char *csp, const char *extra);
/* One answer, and the connection ends. */
void web_answer(struct web_conn *c, const struct http_request *r, unsigned status, const char *type, const char *extra, struct str body);
/* A status and its name as text. */
void web_refuse(struct web_conn *c, unsigned status);
/* IPv4: the address; IPv6: the /64. */
struct str web_conn_place(const struct web_conn *c);
/* Its ends are closed: frees it. */
void web_conn_end(struct web_conn *c);
void web_conn_uncount(struct web_conn *c);

/* web_meta.c: RFC 6415, XEP-0156, XEP-0487. */
MUST_CHECK int web_meta_make(struct web *w);
web_handler_fn web_meta_xrd, web_meta_jrd;

/* web_link.c: the page that a link of ours leads to. */
web_handler_fn web_link_page;
void web_link_gone(struct web_conn *c);			/* the client's connection is closed */

/* web_file.c: XEP-0363. */
web_handler_fn web_file_serve;
MUST_CHECK int web_file_start(struct web *w);
void web_file_data(struct web_conn *c, struct str bytes);	/* from the client */
void web_file_drained(struct web_conn *c);
void web_file_gone(struct web_conn *c);			/* the client's connection is closed */
void web_file_stop(struct web_conn *c);			/* waits for the worker no longer */
void web_file_free(struct web *w);

/* web_ws.c: RFC 6455 and the way to the worker. */
web_handler_fn web_ws_open;
void web_ws_data(struct web_conn *c, struct str bytes);	/* from the client */
void web_ws_drained(struct web_conn *c);
void web_ws_gone(struct web_conn *c);				/* the client's connection is closed */
void web_ws_stop(struct web_conn *c);

#endif
