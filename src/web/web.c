/* web.c - connections of browsers: TLS, one request, the table of paths, one answer.
 *
 * Each connection carries one request and is closed after its answer: nothing that follows could be taken for another
 * one. What a stranger may hold is bounded from the first byte: time, bytes, connections of one address.
 */
#include "web/web_parts.h"

#include <netinet/in.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/limits.h"
#include "base/log.h"
#include "config/config.h"
#include "web/http_file.h"

#define ARENA_BYTES 65536
#define STOP_MS 1000			/* WebSockets have so long to say goodbye */

static web_handler_fn healthz;

/* What is served: first the longest prefix. A prefix that ends with '/' takes all beneath it. */
static const struct route {
	const char *path;
	unsigned methods;
	web_handler_fn *handle;
} routes[] = {
	{ "/.well-known/host-meta.json", HTTP_GET | HTTP_HEAD | HTTP_OPTIONS, web_meta_jrd },
	{ "/.well-known/host-meta", HTTP_GET | HTTP_HEAD | HTTP_OPTIONS, web_meta_xrd },
	{ "/healthz", HTTP_GET | HTTP_HEAD, healthz },
	{ "/link/", HTTP_GET | HTTP_HEAD, web_link_page },
	{ "/upload/", HTTP_GET | HTTP_HEAD | HTTP_PUT | HTTP_OPTIONS, web_file_serve },
	{ "/ws", HTTP_GET, web_ws_open },
};

/* --- answers -------------------------------------------------------------------------------------------- */

static const char *reason(unsigned status)
{
	switch (status) {
	case 200: return "OK";
	case 201: return "Created";
	case 204: return "No Content";
	case 206: return "Partial Content";
	case 303: return "See Other";
	case 304: return "Not Modified";
	case 400: return "Bad Request";
	case 401: return "Unauthorized";
	case 403: return "Forbidden";
	case 404: return "Not Found";
	case 405: return "Method Not Allowed";
	case 408: return "Request Timeout";
	case 409: return "Conflict";
	case 410: return "Gone";
	case 411: return "Length Required";
	case 412: return "Precondition Failed";
	case 413: return "Content Too Large";
	case 415: return "Unsupported Media Type";
	case 416: return "Range Not Satisfiable";
	case 417: return "Expectation Failed";
	case 422: return "Unprocessable Content";
	case 426: return "Upgrade Required";
	case 429: return "Too Many Requests";
	case 503: return "Service Unavailable";
	case 505: return "HTTP Version Not Supported";
	case 507: return "Insufficient Storage";
	default: return "Error";
	}
}

void web_head(struct buf *b, unsigned status, const char *csp, const char *extra)
{
	char now[HTTP_FILE_DATE];

	http_file_date(clock_wall_ms() / 1000, now);
	buf_printf(b, "HTTP/1.1 %u %s\r\nDate: %s\r\nConnection: close\r\n", status, reason(status), now);
	buf_printf(b, "X-Content-Type-Options: nosniff\r\nReferrer-Policy: no-referrer\r\nContent-Security-Policy: %s\r\n"
		   "Strict-Transport-Security: max-age=31536000\r\n%s", csp, extra);
}

void web_answer(struct web_conn *c, const struct http_request *r, unsigned status, const char *type, const char *extra, struct str body)
{
	struct buf b;

	CHECK_OBJ(c, WEB_CONN_MAGIC);
	if (c->answered)
		return;
	c->answered = true;
	buf_init(&b, 65536);
	web_head(&b, status, type && strstr(type, "html") ? "default-src 'none'; frame-ancestors 'none'; style-src 'unsafe-inline'" :
		 "default-src 'none'; frame-ancestors 'none'", extra);
	if (type)
		buf_printf(&b, "Content-Type: %s\r\n", type);
	if (status != 204 && status != 304)
		buf_printf(&b, "Content-Length: %zu\r\n", body.n);
	buf_printf(&b, "\r\n");
	if (!r || r->method != HTTP_HEAD)
		buf_str_add(&b, body);
	if (b.failed || conn_send(c->conn, buf_str(&b)) < 0)
		conn_abort(c->conn);
	else
		conn_close(c->conn);
	buf_release(&b);
}

static void refuse(struct web_conn *c, const struct http_request *r, unsigned status, const char *extra)
{
	char body[64];

	snprintf(body, sizeof(body), "%u %s\n", status, reason(status));
	web_answer(c, r, status, "text/plain; charset=utf-8", extra, str_of(body));
}

void web_refuse(struct web_conn *c, unsigned status)
{
	refuse(c, NULL, status, "");
}

static void healthz(struct web_conn *c, const struct http_request *r)
{
	web_answer(c, r, 200, "text/plain; charset=utf-8", "Cache-Control: no-store\r\n", STR("ok\n"));
}

/* --- requests --------------------------------------------------------------------------------------------- */

static const struct route *find_route(struct str path)
{
	for (size_t i = 0; i < ARRAY_SIZE(routes); i++) {
		struct str own = str_of(routes[i].path);

		if (own.p[own.n - 1] == '/' ? str_starts(path, own) : str_eq(path, own))
			return &routes[i];
	}
	return NULL;
}

static void refuse_method(struct web_conn *c, const struct http_request *r, unsigned methods)
{
	char extra[80];

	snprintf(extra, sizeof(extra), "Allow: GET%s%s%s\r\n", methods & HTTP_HEAD ? ", HEAD" : "", methods & HTTP_PUT ? ", PUT" : "",
		 methods & HTTP_OPTIONS ? ", OPTIONS" : "");
	refuse(c, r, 405, extra);
}

static void handle(struct web_conn *c, const struct http_request *r, bool more)
{
	const struct route *route = find_route(r->path);

	if (!route)
		refuse(c, r, 404, "");
	else if (!(route->methods & r->method))
		refuse_method(c, r, route->methods);
	else if ((r->has_body || more) && r->method != HTTP_PUT)
		refuse(c, r, 400, "");		/* a body where none belongs, or a second request */
	else
		route->handle(c, r);
}

static void on_data(void *ctx, struct str bytes)
{
	struct web_conn *c = ctx;
	struct http_request r;
	int err;

	CHECK_OBJ(c, WEB_CONN_MAGIC);
	if (c->ws) {
		web_ws_data(c, bytes);
		return;
	}
	if (c->file) {
		web_file_data(c, bytes);
		return;
	}
	if (c->answered || c->link)
		return;
	if (c->head.n + bytes.n > c->head.max) {	/* of a whole record: the head itself is measured below */
		web_refuse(c, 400);
		return;
	}
	if (buf_str_add(&c->head, bytes) < 0) {
		conn_abort(c->conn);
		return;
	}
	err = http_parse(buf_str(&c->head), &r);
	if (err == ERR_AGAIN)
		return;
	if (err == ERR_VERSION)
		web_refuse(c, 505);
	else if (err < 0)
		web_refuse(c, 400);
	else
		handle(c, &r, r.n < c->head.n);
	buf_release(&c->head);
}

/* --- connections ------------------------------------------------------------------------------------------ */

struct str web_conn_place(const struct web_conn *c)
{
	return str_make((const char *)c->address, c->address_n == 16 ? 8 : c->address_n);	/* IPv6: the /64 */
}

void web_conn_uncount(struct web_conn *c)
{
	uintptr_t n;

	if (!c->counted)
		return;
	c->counted = false;
	n = (uintptr_t)map_take(c->web->places, web_conn_place(c));
	if (n > 1 && map_put(c->web->places, web_conn_place(c), (void *)(n - 1)) < 0)
		log_event(LOG_WARN, "web.uncounted");
}

static bool crowded(struct web_conn *c)
{
	uintptr_t n = (uintptr_t)map_get(c->web->places, web_conn_place(c));

	if (c->web->n_conns >= WEB_CONNS || (c->web->per_address && n >= c->web->per_address))
		return true;
	if (map_put(c->web->places, web_conn_place(c), (void *)(n + 1)) < 0)
		return true;
	c->counted = true;
	return false;
}

static void maybe_stopped(struct web *w)
{
	void (*done)(void *ctx) = w->done;

	if (!w->stopping || w->n_conns || !done)
		return;
	w->done = NULL;
	loop_timer_cancel(w->loop, &w->ending);
	done(w->done_ctx);
}

void web_conn_end(struct web_conn *c)
{
	struct web *w = c->web;

	CHECK_OBJ(c, WEB_CONN_MAGIC);
	web_conn_uncount(c);
	loop_timer_cancel(w->loop, &c->timer);
	buf_release(&c->head);
	list_remove(&c->node);
	w->n_conns--;
	c->magic = 0;
	free(c);
	maybe_stopped(w);
}

static void on_closed(void *ctx)
{
	struct web_conn *c = ctx;

	CHECK_OBJ(c, WEB_CONN_MAGIC);
	c->conn = NULL;
	if (c->ws)
		web_ws_gone(c);
	else if (c->link)
		web_link_gone(c);
	else if (c->file)
		web_file_gone(c);
	else
		web_conn_end(c);
}

static void on_drained(void *ctx)
{
	struct web_conn *c = ctx;

	if (c->ws)
		web_ws_drained(c);
	else if (c->file)
		web_file_drained(c);
}

/* Security-tests 119: whoever has not asked by now holds a place for nothing. */
static void on_late(void *ctx)
{
	struct web_conn *c = ctx;

	if (c->link && !c->answered)
		web_refuse(c, 503);
	else if (c->head.n && !c->answered)
		web_refuse(c, 408);
	else
		conn_abort(c->conn);
}

static void take_address(struct web_conn *c, const struct sockaddr_storage *from)
{
	if (from->ss_family == AF_INET6) {
		memcpy(c->address, &((const struct sockaddr_in6 *)(const void *)from)->sin6_addr, 16);
		c->address_n = 16;
	} else {
		memcpy(c->address, &((const struct sockaddr_in *)(const void *)from)->sin_addr, 4);
		c->address_n = 4;
	}
}

static void on_accept(void *ctx, int fd, const struct sockaddr_storage *from)
{
	static const struct conn_ops ops = { .data = on_data, .closed = on_closed, .drained = on_drained };
	struct web *w = ctx;
	struct web_conn *c = calloc(1, sizeof(*c));

	if (!c) {
		close(fd);
		return;
	}
	c->magic = WEB_CONN_MAGIC;
	c->web = w;
	take_address(c, from);
	buf_init(&c->head, HTTP_HEAD_BYTES + 32768);
	if (crowded(c)) {
		close(fd);
		free(c);
		return;
	}
	list_append(&w->conns, &c->node);
	w->n_conns++;
	if (conn_accept(w->pool, fd, w->tls, &ops, c, &c->conn) < 0)
		web_conn_end(c);
	else
		loop_timer_set(w->loop, &c->timer, WEB_HEAD_MS, on_late, c);
}

/* --- the whole ---------------------------------------------------------------------------------------------- */

static int copy_texts(struct web *w, const struct config_texts *from, struct str *to, unsigned *ret_n)
{
	for (unsigned i = 0; i < from->n; i++) {
		to[i] = arena_str(w->a, str_of(from->v[i]));
		if (!to[i].p)
			return ERR_NOMEM;
	}
	*ret_n = from->n;
	return 0;
}

_Static_assert(CONFIG_TEXTS_MAX <= WEB_ORIGINS && CONFIG_TEXTS_MAX <= WEB_ADDRESSES, "room for all");

static int configure(struct web *w, const struct config *c, struct arena *a, struct str *ret_why)
{
	int r;

	w->domain = arena_str(w->a, str_of(c->domain));
	if (*c->web.url)
		w->url = arena_str(w->a, str_of(c->web.url));
	else if (c->listen.https == 443)
		w->url = arena_printf(w->a, "https://%s", c->domain);
	else
		w->url = arena_printf(w->a, "https://%s:%u", c->domain, c->listen.https);
	if (!w->domain.p || !w->url.p)
		return ERR_NOMEM;
	w->per_address = c->limits.connections_per_address;
	w->ping_ms = c->web.ping_s * 1000;
	w->bytes_per_s = c->limits.bytes_per_s;
	w->message_bytes = c->limits.stanza_bytes;
	w->c2s_tls = c->listen.c2s_tls;
	w->s2s = c->s2s.enabled ? c->listen.s2s : 0;
	r = copy_texts(w, &c->web.origins, w->origins, &w->n_origins);
	if (r == 0)
		r = copy_texts(w, &c->web.addresses, w->addresses, &w->n_addresses);
	if (r == 0)
		r = web_meta_make(w);
	if (r == ERR_BAD_FORMAT)
		*ret_why = arena_printf(a, "wardroom.yaml: web.url must be https://HOST or https://HOST:PORT, and web.addresses IP addresses");
	return r;
}

int web_new(const struct web_parts *p, struct arena *a, struct web **ret, struct str *ret_why)
{
	struct web *w = calloc(1, sizeof(*w));
	int r;

	*ret_why = STR("out of memory");
	if (!w)
		return ERR_NOMEM;
	w->loop = p->loop;
	w->tls = p->tls;
	w->chan = p->chan;
	list_init(&w->conns);
	w->a = arena_new(ARENA_BYTES);
	w->places = map_new(WEB_CONNS);
	w->spool = p->spool;
	r = w->a && w->places ? configure(w, p->config, a, ret_why) : ERR_NOMEM;
	if (r == 0)
		r = web_file_start(w);
	if (r == 0)
		r = conn_pool_new(p->loop, &w->pool);
	if (r == 0)
		r = listener_new(p->loop, p->listen, on_accept, w, &w->listener);
	if (r < 0)
		return r;		/* the process ends with it */
	*ret_why = STR_NONE;
	*ret = w;
	return 0;
}

void web_reload(struct web *w, struct tls_ctx *tls)
{
	tls_ctx_unref(&w->tls);
	w->tls = tls;
}

static void on_stop_late(void *ctx)
{
	struct web *w = ctx;

	LIST_EACH(it, &w->conns) {
		struct web_conn *c = LIST_ITEM(it, struct web_conn, node);

		if (c->conn)
			conn_abort(c->conn);
		if (c->file)
			web_file_stop(c);
	}
}

void web_stop(struct web *w, void (*done)(void *ctx), void *ctx)
{
	w->stopping = true;
	w->done = done;
	w->done_ctx = ctx;
	listener_free(&w->listener);
	LIST_EACH(it, &w->conns) {
		struct web_conn *c = LIST_ITEM(it, struct web_conn, node);

		if (c->ws)
			web_ws_stop(c);
		else if (c->conn)
			conn_close(c->conn);
	}
	loop_timer_set(w->loop, &w->ending, STOP_MS, on_stop_late, w);
	maybe_stopped(w);
}

void web_free(struct web **ref)
{
	struct web *w = *ref;

	if (!w)
		return;
	*ref = NULL;
	listener_free(&w->listener);
	conn_pool_free(&w->pool);
	tls_ctx_unref(&w->tls);
	map_free(&w->places);
	web_file_free(w);
	arena_free(&w->a);
	close(w->chan);
	free(w);
}
