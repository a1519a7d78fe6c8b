/* stream_ws.c - a stream whose elements are messages of a WebSocket (RFC 7395); the web role holds the WebSocket.
 *
 * Each message is one whole element with namespaces of its own. It is parsed as it arrives and acted on when it has
 * ended: what turns out to be two elements, or none, has done nothing. TLS ends in the web role, which is believed in
 * what it says of the connection, and in nothing else.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/limits.h"
#include "base/log.h"
#include "core/file_web.h"
#include "core/link_check.h"
#include "core/state.h"
#include "core/stream_parts.h"
#include "ipc/chan.h"
#include "xmpp/ns.h"
#include "xmpp/wire.h"

#define PER_TURN 64			/* new streams: whoever waits on the loop must not wait for all of them */

struct stream_ws {
	uint8_t head[CHAN_PIECE_HEAD];
	unsigned n_head;
	uint32_t left;			/* bytes of this piece that are still to come */
	bool last;			/* and then the message has ended */
	size_t n;			/* bytes of this message so far */
	struct arena *a;		/* of 'element' */
	struct node *element;		/* the message, once it has been read; NULL: not yet */
};

/* --- out ------------------------------------------------------------------------------------------------ */

/* Where the start tag's name ends, and whether a default namespace is declared in it. Our own writing: well-formed. */
static size_t name_end(struct str xml, bool *ret_declared)
{
	size_t end = 1;
	char quote = 0;

	*ret_declared = false;
	while (end < xml.n && xml.p[end] != ' ' && xml.p[end] != '/' && xml.p[end] != '>')
		end++;
	for (size_t i = end; i < xml.n && (quote || xml.p[i] != '>'); i++) {
		if (quote)
			quote = xml.p[i] == quote ? 0 : quote;
		else if (xml.p[i] == '\'' || xml.p[i] == '"')
			quote = xml.p[i];
		else if (str_starts(str_cut(xml, i), STR(" xmlns=")))
			*ret_declared = true;
	}
	return end;
}

/* RFC 7395 3.3.3: there is no stream around it, so it says itself what that would have said. */
void stream_ws_send(struct stream *st, struct str xml)
{
	static const char client[] = " xmlns='" NS_CLIENT "'", stream[] = " xmlns:stream='" NS_STREAM "'";
	bool declared, prefixed = str_starts(xml, STR("<stream:"));
	size_t at = name_end(xml, &declared);
	struct str extra = prefixed ? str_of(stream) : declared ? STR_NONE : str_of(client);
	uint32_t head = htonl((uint32_t)(xml.n + extra.n) | CHAN_PIECE_LAST);
	struct buf b;
	int r;

	buf_init(&b, LIMIT_SEND_BYTES);
	if (xml.n + extra.n > CHAN_PIECE_MAX)
		b.failed = true;
	buf_add(&b, &head, sizeof(head));
	buf_add(&b, xml.p, at);
	buf_str_add(&b, extra);
	buf_str_add(&b, str_cut(xml, at));
	r = b.failed ? ERR_LIMIT : conn_send(st->conn, buf_str(&b));
	buf_release(&b);
	if (r == ERR_LIMIT || r == ERR_NOMEM)
		conn_abort(st->conn);		/* it does not read: closed() detaches its session */
}

void stream_ws_header(struct stream *st, const char *id)
{
	struct buf b;

	buf_init(&b, 4096);
	buf_printf(&b, "<open xmlns='" NS_FRAMING "' id='%s' from='", id);
	if (wire_escape(&b, st->srv->domain) < 0)
		b.failed = true;
	buf_printf(&b, "' version='1.0' xml:lang='en'/>");
	stream_send(st, buf_str(&b));
	buf_release(&b);
}

/* --- in --------------------------------------------------------------------------------------------------- */

/* One message is one element. The arena is kept until the message has ended. */
static int on_element(void *ctx, struct arena **a, struct node *n)
{
	struct stream *st = ctx;
	struct stream_ws *ws = st->ws;

	if (ws->element)
		return stream_fault(st, "bad-format", NULL);
	ws->a = *a;
	ws->element = n;
	*a = NULL;
	return 0;
}

static int on_end(void *ctx)
{
	return stream_fault(ctx, "bad-format", NULL);	/* </stream:stream> is of another framing */
}

/* What RFC 7395 3.4 puts in place of the header; else as on TCP. */
static void act(struct stream *st, struct arena **a, struct node *n)
{
	bool framing = str_is(n->ns, NS_FRAMING);

	if (framing && str_is(n->name, "close"))
		stream_closed(st);
	else if (framing && str_is(n->name, "open") && !st->header_seen)
		stream_opened(st, n);
	else if (framing || !st->header_seen || str_is(n->ns, NS_STREAM))
		stream_fault(st, "bad-format", NULL);
	else
		stream_element(st, a, n);
}

static void message_ended(struct stream *st)
{
	struct stream_ws *ws = st->ws;
	struct arena *a = ws->a;
	struct node *n = ws->element;

	ws->n = 0;
	ws->a = NULL;
	ws->element = NULL;
	if (!n || !xml_is_between(st->xml))
		stream_fault(st, "bad-format", NULL);	/* none, or a part of one */
	else
		act(st, &a, n);
	if (a)
		arena_free(&a);
}

/* RFC 7395 3.3.3: a message begins with '<', and has no XML declaration. */
static bool begins_well(const struct stream_ws *ws, struct str bytes)
{
	for (size_t i = 0; i < bytes.n && ws->n + i < 2; i++)
		if (ws->n + i == 0 ? bytes.p[i] != '<' : bytes.p[i] == '?')
			return false;
	return true;
}

static void feed(struct stream *st, struct str bytes)
{
	struct stream_ws *ws = st->ws;
	const struct xml_fault *f;

	if (!begins_well(ws, bytes)) {
		stream_fault(st, "bad-format", NULL);
		return;
	}
	ws->n += bytes.n;
	if (xml_feed(st->xml, bytes) >= 0 || st->closing || st->gone)
		return;
	f = xml_fault(st->xml);
	if (f)
		stream_fault(st, f->condition, f->too_big ? "<stanza-too-big xmlns='" NS_ERRORS "'/>" : NULL);
}

/* The head of a piece, however it was cut. False: more bytes are needed. */
static bool take_head(struct stream *st, struct str *bytes)
{
	struct stream_ws *ws = st->ws;
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
	if (ws->left > CHAN_PIECE_MAX) {
		log_event(LOG_ERROR, "web.broken");
		conn_abort(st->conn);
		return false;
	}
	return true;
}

static void on_data(void *ctx, struct str bytes)
{
	struct stream *st = ctx;
	struct stream_ws *ws = st->ws;

	if (!stream_takes(st, bytes.n))
		return;
	while (!st->closing && !st->gone) {
		struct str piece;

		if (ws->left == 0 && !ws->last && !take_head(st, &bytes))
			return;
		piece = str_make(bytes.p, bytes.n < ws->left ? bytes.n : ws->left);
		if (piece.n)
			feed(st, piece);
		bytes = str_cut(bytes, piece.n);
		ws->left -= (uint32_t)piece.n;
		if (ws->left)
			return;
		if (ws->last && !st->closing) {
			ws->last = false;
			message_ended(st);
		}
		if (bytes.n == 0)
			return;
	}
}

/* --- new ones ----------------------------------------------------------------------------------------------- */

void stream_ws_free(struct stream *st)
{
	if (!st->ws)
		return;
	arena_free(&st->ws->a);
	free(st->ws);
	st->ws = NULL;
}

static void address_of(const struct chan_stream *c, struct sockaddr_storage *ret)
{
	struct sockaddr_in *v4 = (struct sockaddr_in *)(void *)ret;
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)(void *)ret;

	memset(ret, 0, sizeof(*ret));
	ret->ss_family = c->address_n == 4 ? AF_INET : AF_INET6;
	memcpy(c->address_n == 4 ? (void *)&v4->sin_addr : (void *)&v6->sin6_addr, c->address, c->address_n);
}

/* What the client can know of the TLS connection is the web role's; it has said what that is. */
static bool secure(struct stream *st, const struct chan_stream *c)
{
	struct sasl_binding *b = calloc(1, sizeof(*b));

	st->ws = calloc(1, sizeof(*st->ws));
	st->binding = b;
	st->phase = PHASE_SECURE;
	if (!b || !st->ws || c->exporter_n > sizeof(b->exporter) || c->endpoint_n > sizeof(b->endpoint))
		return false;
	b->tls = true;
	memcpy(b->exporter, c->exporter, c->exporter_n);
	b->exporter_n = c->exporter_n;
	memcpy(b->endpoint, c->endpoint, c->endpoint_n);
	b->endpoint_n = c->endpoint_n;
	xml_begin(st->xml);
	return true;
}

static void accept_one(struct server *srv, const struct chan_stream *c, int fd)
{
	static const struct conn_ops ops = { .data = on_data, .closed = stream_conn_closed };
	static const struct xml_sink sink = { .stanza = on_element, .close = on_end };
	struct sockaddr_storage from;
	struct stream *st;
	bool ok;

	address_of(c, &from);
	st = stream_make(srv, &sink, &from);
	ok = st && secure(st, c);
	if (!ok)
		close(fd);
	else if (conn_accept(srv->conn_pool, fd, NULL, &ops, st, &st->conn) < 0)
		ok = false;
	if (ok) {
		stream_begin(st);
	} else if (st) {
		stream_ws_free(st);
		free(st->binding);
		stream_unmake(st);
	}
}

static void on_chan(void *ctx, bool readable, bool writable)
{
	struct server *srv = ctx;

	(void)readable;
	(void)writable;
	for (unsigned i = 0; i < PER_TURN; i++) {
		struct chan_stream c;
		int fd, r = chan_take(loop_io_fd(srv->web), &c, &fd);

		if (r == 0) {
			if (c.kind == CHAN_LINK)
				link_check_answer(srv, fd);
			else if (c.kind == CHAN_FILE)
				file_web_take(srv, &c, fd);
			else
				accept_one(srv, &c, fd);
			continue;
		}
		if (r == ERR_BAD_FORMAT) {
			log_event(LOG_ERROR, "web.broken");
			continue;
		}
		if (r != ERR_AGAIN)
			stream_ws_stop(srv);	/* cannot happen while the supervisor holds the other end */
		return;
	}
}

int stream_ws_listen(struct server *srv, int chan)
{
	int r = loop_io_open(srv->loop, chan, on_chan, srv, &srv->web);

	if (r < 0)
		close(chan);
	else
		loop_io_want(srv->web, true, false);
	return r;
}

void stream_ws_stop(struct server *srv)
{
	if (srv->web)
		loop_io_close(&srv->web);
}
