/* web_ws.c - a WebSocket for XMPP (RFC 7395): the handshake, then messages to the worker and back.
 *
 * libwslay reads and writes the frames of RFC 6455. Messages go on as they come, in the pieces of ipc/chan.h; what they
 * say is the worker's to judge. Whoever does not read is not read from.
 */
#include "web/web_parts.h"

#include <arpa/inet.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/b64.h"
#include "base/log.h"

#define UNSENT_HIGH (256 * 1024)	/* beyond it the other side is not read */
#define MESSAGE_SLACK 65536		/* what is only a little too long is refused in XMPP's words */

struct web_ws {
	wslay_event_context_ptr ctx;
	struct conn *pipe;		/* to the worker; NULL: gone */
	const char *in;			/* what wslay may read now */
	size_t in_n;
	bool is_data, is_last, refused;	/* of the frame being read */
	struct buf out;			/* a message of the worker, until it is whole */
	uint8_t head[CHAN_PIECE_HEAD];
	unsigned n_head;
	uint32_t left;
	bool last;
	bool said_close;		/* <close/> of the worker has gone out */
	uint64_t heard_ms;
};

/* --- frames ---------------------------------------------------------------------------------------------- */

static ssize_t on_recv(wslay_event_context_ptr ctx, uint8_t *p, size_t n, int flags, void *data)
{
	struct web_ws *ws = ((struct web_conn *)data)->ws;

	(void)flags;
	if (ws->in_n == 0) {
		wslay_event_set_error(ctx, WSLAY_ERR_WOULDBLOCK);
		return -1;
	}
	if (n > ws->in_n)
		n = ws->in_n;
	memcpy(p, ws->in, n);
	ws->in += n;
	ws->in_n -= n;
	return (ssize_t)n;
}

static ssize_t on_send(wslay_event_context_ptr ctx, const uint8_t *p, size_t n, int flags, void *data)
{
	struct web_conn *c = data;

	(void)flags;
	if (c->conn && conn_send(c->conn, str_make((const char *)p, n)) == 0)
		return (ssize_t)n;
	wslay_event_set_error(ctx, WSLAY_ERR_CALLBACK_FAILURE);
	return -1;
}

/* Ends it from our side, beginning with the frame at hand. */
static void refuse(struct web_ws *ws, uint16_t code)
{
	ws->refused = true;
	if (wslay_event_queue_close(ws->ctx, code, NULL, 0) == 0)
		wslay_event_shutdown_read(ws->ctx);
}

/* RFC 7395 3.2: text alone. RFC 6455 5.5.1: half a code is none; the library lets it pass. */
static void on_frame(wslay_event_context_ptr ctx, const struct wslay_event_on_frame_recv_start_arg *f, void *data)
{
	struct web_ws *ws = ((struct web_conn *)data)->ws;

	ws->is_data = !wslay_is_ctrl_frame(f->opcode);
	ws->is_last = f->fin;
	(void)ctx;
	if (f->opcode == WSLAY_BINARY_FRAME)
		refuse(ws, WSLAY_CODE_UNSUPPORTED_DATA);
	else if (f->opcode == WSLAY_CONNECTION_CLOSE && f->payload_length == 1)
		refuse(ws, WSLAY_CODE_PROTOCOL_ERROR);
}

static void to_worker(struct web_conn *c, uint32_t head, struct str bytes)
{
	struct web_ws *ws = c->ws;

	head = htonl(head);
	if (ws->pipe && (conn_send(ws->pipe, str_make((const char *)&head, sizeof(head))) < 0 ||
			 (bytes.n && conn_send(ws->pipe, bytes) < 0)))
		conn_abort(ws->pipe);
}

static void on_chunk(wslay_event_context_ptr ctx, const struct wslay_event_on_frame_recv_chunk_arg *f, void *data)
{
	struct web_conn *c = data;

	(void)ctx;
	if (c->ws->is_data && !c->ws->refused && f->data_length)
		to_worker(c, (uint32_t)f->data_length, str_make((const char *)f->data, f->data_length));
}

static void on_frame_end(wslay_event_context_ptr ctx, void *data)
{
	struct web_conn *c = data;

	(void)ctx;
	if (c->ws->is_data && c->ws->is_last && !c->ws->refused)
		to_worker(c, CHAN_PIECE_LAST, STR_NONE);
}

/* --- both ways --------------------------------------------------------------------------------------------- */

static void press(struct web_conn *c)
{
	struct web_ws *ws = c->ws;
	bool full = ws->pipe && conn_unsent(ws->pipe) > UNSENT_HIGH, behind = c->conn && conn_unsent(c->conn) > UNSENT_HIGH;

	if (c->conn)
		conn_pause(c->conn, full || behind);
	if (ws->pipe)
		conn_pause(ws->pipe, behind);
}

/* Writes what waits; when nothing more is to come either way, the connection is over. */
static void write_frames(struct web_conn *c)
{
	struct web_ws *ws = c->ws;

	if (!c->conn)
		return;
	if (wslay_event_send(ws->ctx) != 0) {
		conn_abort(c->conn);
		return;
	}
	if (wslay_event_get_read_enabled(ws->ctx) && !wslay_event_get_close_sent(ws->ctx)) {
		press(c);
		return;
	}
	conn_close(c->conn);
	if (ws->pipe)
		conn_close(ws->pipe);
}

static void say_close(struct web_conn *c, uint16_t code)
{
	if (c->conn && wslay_event_queue_close(c->ws->ctx, code, NULL, 0) != 0)
		conn_abort(c->conn);
	else
		write_frames(c);
}

/* The library gives a connection up without a word when a frame's head is wrong: RFC 6455 7.1.7 wants one. */
static void say_protocol_error(struct web_conn *c)
{
	static const char close_1002[] = { '\x88', '\x02', '\x03', '\xea' };

	if (conn_send(c->conn, str_make(close_1002, sizeof(close_1002))) < 0) {
		conn_abort(c->conn);
		return;
	}
	conn_close(c->conn);
	if (c->ws->pipe)
		conn_close(c->ws->pipe);
}

void web_ws_data(struct web_conn *c, struct str bytes)
{
	struct web_ws *ws = c->ws;

	ws->heard_ms = loop_now_ms(c->web->loop);
	ws->in = bytes.p;
	ws->in_n = bytes.n;
	if (wslay_event_recv(ws->ctx) != 0)
		say_protocol_error(c);
	else
		write_frames(c);
	ws->in_n = 0;
}

void web_ws_drained(struct web_conn *c)
{
	press(c);
}

/* A message of the worker is whole. */
static void to_client(struct web_conn *c)
{
	struct web_ws *ws = c->ws;
	struct wslay_event_msg m = { .opcode = WSLAY_TEXT_FRAME, .msg = (const uint8_t *)buf_str(&ws->out).p, .msg_length = ws->out.n };

	ws->said_close = str_starts(buf_str(&ws->out), STR("<close "));
	if (c->conn && wslay_event_queue_msg(ws->ctx, &m) != 0)
		conn_abort(c->conn);
	else
		write_frames(c);
	buf_release(&ws->out);
}

static bool take_head(struct web_ws *ws, struct str *bytes)
{
	uint32_t head;

	while (ws->n_head < CHAN_PIECE_HEAD && bytes->n) {
		ws->head[ws->n_head++] = (uint8_t)bytes->p[0];
		*bytes = str_cut(*bytes, 1);
	}
	if (ws->n_head < CHAN_PIECE_HEAD)
		return false;
	ws->n_head = 0;
	memcpy(&head, ws->head, sizeof(head));
	head = ntohl(head);
	ws->last = head & CHAN_PIECE_LAST;
	ws->left = head & ~CHAN_PIECE_LAST;
	return true;
}

static void pipe_data(void *ctx, struct str bytes)
{
	struct web_conn *c = ctx;
	struct web_ws *ws = c->ws;

	while (c->conn && ws->pipe) {
		size_t n;

		if (ws->left == 0 && !take_head(ws, &bytes))
			return;
		n = bytes.n < ws->left ? bytes.n : ws->left;
		if (buf_add(&ws->out, bytes.p, n) < 0) {
			conn_abort(ws->pipe);
			return;
		}
		bytes = str_cut(bytes, n);
		ws->left -= (uint32_t)n;
		if (ws->left)
			return;
		if (ws->last)
			to_client(c);
		if (bytes.n == 0)
			return;
	}
}

static void pipe_drained(void *ctx)
{
	press(ctx);
}

static void end(struct web_conn *c)
{
	struct web_ws *ws = c->ws;

	if (c->conn || ws->pipe)
		return;
	wslay_event_context_free(ws->ctx);
	buf_release(&ws->out);
	free(ws);
	c->ws = NULL;
	web_conn_end(c);
}

static void pipe_closed(void *ctx)
{
	struct web_conn *c = ctx;

	c->ws->pipe = NULL;
	if (c->conn)
		say_close(c, c->ws->said_close ? WSLAY_CODE_NORMAL_CLOSURE : WSLAY_CODE_GOING_AWAY);
	else
		end(c);
}

void web_ws_gone(struct web_conn *c)
{
	loop_timer_cancel(c->web->loop, &c->timer);
	if (c->ws->pipe)
		conn_close(c->ws->pipe);	/* what the client said last still arrives */
	else
		end(c);
}

void web_ws_stop(struct web_conn *c)
{
	say_close(c, WSLAY_CODE_GOING_AWAY);
}

/* RFC 7395 3.8: signs of life are the WebSocket's own. */
static void on_tick(void *ctx)
{
	static const struct wslay_event_msg ping = { .opcode = WSLAY_PING };
	struct web_conn *c = ctx;
	uint64_t idle = loop_now_ms(c->web->loop) - c->ws->heard_ms;

	if (!c->conn)
		return;
	if (idle >= 2 * c->web->ping_ms) {
		conn_abort(c->conn);
		return;
	}
	if (idle >= c->web->ping_ms && wslay_event_queue_msg(c->ws->ctx, &ping) == 0)
		write_frames(c);
	loop_timer_set(c->web->loop, &c->timer, c->web->ping_ms / 2, on_tick, c);
}

/* --- the handshake ------------------------------------------------------------------------------------------ */

/* RFC 6455 4.2.1: 16 bytes in Base64. Nothing is kept secret by it; a wrong one is not from a WebSocket client. */
static bool accept_key(const struct http_request *r, char ret[32])
{
	static const char guid[] = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
	char text[24 + sizeof(guid)];
	uint8_t digest[20], bytes[16];
	size_t n_bytes = 0;
	unsigned n = 0, times;
	struct str key = http_field(r, "Sec-WebSocket-Key", &times);

	if (times != 1 || key.n != 24 || b64_decode(key, bytes, sizeof(bytes), &n_bytes) < 0 || n_bytes != sizeof(bytes))
		return false;
	memcpy(text, key.p, 24);
	memcpy(text + 24, guid, sizeof(guid) - 1);
	if (EVP_Digest(text, sizeof(text) - 1, digest, &n, EVP_sha1(), NULL) != 1)
		return false;
	b64_encode(digest, sizeof(digest), ret);
	return true;
}

/* Any of several header lines. */
static bool field_lists(const struct http_request *r, const char *name, const char *word)
{
	for (unsigned i = 0; i < r->n_fields; i++)
		if (str_eq_nocase(r->fields[i].name, str_of(name)) && http_lists(r->fields[i].value, word))
			return true;
	return false;
}

/* A page of the same host, or of a site that the operator has named. Programs send no Origin. The login is what
 * protects accounts; this keeps pages of strangers from using a browser inside the company's network. */
static bool may_come_from(const struct web *w, const struct http_request *r)
{
	unsigned n;
	struct str origin = http_field(r, "Origin", &n), host;
	ptrdiff_t scheme;

	if (n == 0)
		return true;
	for (unsigned i = 0; n == 1 && i < w->n_origins; i++)
		if (str_is(w->origins[i], "*") || str_eq_nocase(w->origins[i], origin))
			return true;
	scheme = str_find(origin, STR("://"));
	if (n != 1 || scheme < 0)
		return false;
	host = http_host_name(str_cut(origin, (size_t)scheme + 3));
	return host.n > 0 && (str_eq_nocase(host, http_host_name(r->host)) || str_eq_nocase(host, w->domain));
}

/* 0, or the status to refuse with. */
static unsigned judge(const struct web *w, const struct http_request *r, char ret_accept[32])
{
	unsigned n;

	if (r->old)
		return 400;
	if (!field_lists(r, "Connection", "upgrade") || !field_lists(r, "Upgrade", "websocket") ||
	    !str_is(http_field(r, "Sec-WebSocket-Version", &n), "13") || n != 1)
		return 426;
	if (!may_come_from(w, r))
		return 403;
	if (!accept_key(r, ret_accept) || !field_lists(r, "Sec-WebSocket-Protocol", "xmpp"))
		return 400;
	return 0;
}

/* What the worker is told of the connection: channel bindings are of the TLS that ends here. */
static void describe(const struct web_conn *c, struct chan_stream *ret)
{
	SSL *ssl = conn_ssl(c->conn);
	int n;

	*ret = (struct chan_stream){ .version = CHAN_VERSION, .address_n = c->address_n };
	memcpy(ret->address, c->address, c->address_n);
	n = tls_exporter(ssl, ret->exporter);
	ret->exporter_n = n > 0 ? (uint8_t)n : 0;
	n = tls_server_end_point(ssl, ret->endpoint);
	ret->endpoint_n = n > 0 ? (uint8_t)n : 0;
}

static int join_worker(struct web_conn *c, struct web_ws *ws)
{
	static const struct conn_ops ops = { .data = pipe_data, .closed = pipe_closed, .drained = pipe_drained };
	struct chan_stream s;
	int ends[2], r;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends) < 0)
		return ERR_IO;
	describe(c, &s);
	r = chan_give(c->web->chan, &s, ends[1]);
	if (r < 0) {
		close(ends[0]);
		close(ends[1]);
		return r;
	}
	return conn_accept(c->web->pool, ends[0], NULL, &ops, c, &ws->pipe);
}

static struct web_ws *ws_new(struct web_conn *c)
{
	static const struct wslay_event_callbacks callbacks = {
		.recv_callback = on_recv, .send_callback = on_send, .on_frame_recv_start_callback = on_frame,
		.on_frame_recv_chunk_callback = on_chunk, .on_frame_recv_end_callback = on_frame_end,
	};
	struct web_ws *ws = calloc(1, sizeof(*ws));

	if (!ws)
		return NULL;
	if (wslay_event_context_server_init(&ws->ctx, &callbacks, c) != 0) {
		free(ws);
		return NULL;
	}
	wslay_event_config_set_no_buffering(ws->ctx, 1);
	wslay_event_config_set_max_recv_msg_length(ws->ctx, c->web->message_bytes + MESSAGE_SLACK);
	buf_init(&ws->out, CHAN_PIECE_MAX);
	ws->heard_ms = loop_now_ms(c->web->loop);
	return ws;
}

static void begin(struct web_conn *c, const char *accept)
{
	struct buf b;

	buf_init(&b, 512);
	buf_printf(&b, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
		   "Sec-WebSocket-Accept: %s\r\nSec-WebSocket-Protocol: xmpp\r\n\r\n", accept);
	c->answered = true;
	web_conn_uncount(c);			/* the worker counts it from now on */
	conn_set_rate(c->conn, c->web->bytes_per_s * 2);
	if (b.failed || conn_send(c->conn, buf_str(&b)) < 0)
		conn_abort(c->conn);
	buf_release(&b);
	loop_timer_set(c->web->loop, &c->timer, c->web->ping_ms / 2, on_tick, c);
}

void web_ws_open(struct web_conn *c, const struct http_request *r)
{
	char accept[32];
	unsigned status = judge(c->web, r, accept);
	struct web_ws *ws;

	if (status == 426) {
		web_answer(c, r, 426, "text/plain; charset=utf-8", "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n",
			   STR("XMPP over WebSocket (RFC 7395) is spoken here.\n"));
		return;
	}
	if (status) {
		web_refuse(c, status);
		return;
	}
	ws = ws_new(c);
	if (!ws || join_worker(c, ws) < 0) {
		log_event(LOG_WARN, "web.worker_busy");
		if (ws) {
			wslay_event_context_free(ws->ctx);
			free(ws);
		}
		web_refuse(c, 503);
		return;
	}
	c->ws = ws;
	begin(c, accept);
}
