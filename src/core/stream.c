/* stream.c - the connection's road as a table of states: header, TLS, login, bind, stanzas.
 *
 * Before login everything is bounded: time, bytes, tries, connections of one address. The login is
 * stream_login.c; what a stanza means is the pipeline's.
 */
#include "core/stream.h"

#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/check.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/rand.h"
#include "core/hooks.h"
#include "core/session.h"
#include "core/sm.h"
#include "core/state.h"
#include "core/stream_parts.h"
#include "core/trip.h"
#include "core/user.h"
#include "xmpp/jid.h"
#include "xmpp/ns.h"
#include "xmpp/wire.h"

/* --- writing ------------------------------------------------------------------------------------------- */

void stream_send_z(struct stream *st, const char *xml)
{
	stream_send(st, str_of(xml));
}

void stream_send(struct stream *st, struct str xml)
{
	int r;

	CHECK_OBJ(st, STREAM_MAGIC);
	if (st->closing || st->gone)
		return;
	if (st->ws) {
		stream_ws_send(st, xml);
		return;
	}
	r = conn_send(st->conn, xml);
	if (r == ERR_LIMIT || r == ERR_NOMEM)
		conn_abort(st->conn);		/* it does not read: closed() detaches its session */
}

void stream_send_parts(struct stream *st, struct str head, struct str tail)
{
	stream_send(st, head);
	if (tail.n)
		stream_send(st, tail);
}

static void send_header(struct stream *st)
{
	struct buf b;
	char id[27];

	if (st->header_sent)
		return;
	st->header_sent = true;
	rand_text(id, sizeof(id) - 1);
	if (st->ws) {
		stream_ws_header(st, id);
		return;
	}
	buf_init(&b, 4096);
	buf_printf(&b, "<?xml version='1.0'?><stream:stream xmlns='" NS_CLIENT "' xmlns:stream='" NS_STREAM "' id='%s' from='", id);
	if (wire_escape(&b, st->srv->domain) < 0)
		b.failed = true;
	buf_printf(&b, "' version='1.0' xml:lang='en'>");
	stream_send(st, buf_str(&b));
	buf_release(&b);
}

void stream_finish(struct stream *st)
{
	stream_send_z(st, st->ws ? "<close xmlns='" NS_FRAMING "'/>" : "</stream:stream>");
	st->closing = true;
	loop_timer_cancel(st->srv->loop, &st->deadline);
	conn_close(st->conn);
}

/* Detaches whoever hangs on this stream. */
static void let_go(struct stream *st)
{
	struct session *s = st->session, *r = st->resuming ? session_find(st->srv, st->resuming_id) : NULL;

	st->session = NULL;
	st->resuming = NULL;
	if (s && s->stream == st)
		session_detach(s);
	if (r)
		sm_resume_lost(r, st);
}

void stream_end_with(struct stream *st, const char *condition, const char *extra)
{
	char xml[768];

	struct session *waited = st->resuming ? session_find(st->srv, st->resuming_id) : NULL;

	CHECK_OBJ(st, STREAM_MAGIC);
	st->session = NULL;
	st->resuming = NULL;
	if (waited)
		sm_resume_lost(waited, st);
	if (st->closing || st->gone)
		return;
	if (condition) {
		send_header(st);
		st->srv->metrics.stream_errors++;
		snprintf(xml, sizeof(xml), "<stream:error><%s xmlns='" NS_STREAMS "'/>%s</stream:error>", condition,
			 extra ? extra : "");
		stream_send_z(st, xml);
	}
	stream_finish(st);
}

void stream_end(struct stream *st, const char *condition)
{
	stream_end_with(st, condition, NULL);
}

/* An error of this stream itself: its session is not resumable after it (RFC 6120 4.9.1.1). */
int stream_fault(struct stream *st, const char *condition, const char *extra)
{
	struct session *s = st->session;

	log_event(LOG_DEBUG, "stream.error", LOG_Z("condition", condition));
	stream_end_with(st, condition, extra);
	if (s) {
		s->stream = NULL;
		session_end(s, NULL);
	}
	return STREAM_STOP;
}

bool stream_is_signing_in(const struct stream *st, struct str bare, struct str device)
{
	struct str who = st->user ? st->user->bare : st->sasl2 && st->sasl2->proven ? st->sasl2->user : STR_NONE;

	return !st->session && who.n > 0 && str_eq(who, bare) && (device.n == 0 || str_is(device, st->device));
}

void stream_outdate(struct stream *st, struct str bare)
{
	if (st->sasl && str_eq(sasl_user(st->sasl), bare))
		st->outdated = true;
}

void stream_pause(struct stream *st, bool pause)
{
	CHECK_OBJ(st, STREAM_MAGIC);
	if (!st->closing && !st->gone)
		conn_pause(st->conn, pause);
}

/* --- features ----------------------------------------------------------------------------------------------- */

void stream_send_features(struct stream *st)
{
	struct arena *a = arena_new(256 * 1024);
	struct node *f = a ? node_new(a, NS_STREAM, "features") : NULL;
	struct buf b;

	buf_init(&b, 64 * 1024);
	buf_printf(&b, "<stream:features>");
	buf_printf(&b, "<limits xmlns='" NS_LIMITS "'><max-bytes>%llu</max-bytes></limits>",	/* XEP-0478 */
		   st->phase < PHASE_SIGNED_IN ? (unsigned long long)LIMIT_STANZA_PREAUTH : (unsigned long long)st->srv->config->limits.stanza_bytes);
	if (st->phase == PHASE_PLAIN) {
		buf_printf(&b, "<starttls xmlns='" NS_TLS "'><required/></starttls>");
	} else if (st->phase == PHASE_SECURE) {
		if (sasl_offer(&st->srv->sasl, st->binding, &b) < 0)
			b.failed = true;
		stream_sasl2_offer(st, &b);
		if (stream_register_offered(st->srv))
			buf_printf(&b, "<register xmlns='" NS_REGISTER_FEATURE "'/><register xmlns='" NS_IBR_TOKEN "'/>");
	} else if (f) {
		if (st->phase == PHASE_SIGNED_IN)
			buf_printf(&b, "<bind xmlns='" NS_BIND "'/>");
		if (!st->session || !st->session->sm)
			buf_printf(&b, "<sm xmlns='" NS_SM "'/>");
		hooks_stream_features(st->srv, a, f);
		for (const struct node *c = node_first_element(f); c; c = node_next_element(c))
			if (wire_write(&b, c, STR(NS_CLIENT)) < 0)
				b.failed = true;
	}
	buf_printf(&b, "</stream:features>");
	if (b.failed || !f)
		stream_fault(st, "resource-constraint", NULL);
	else
		stream_send(st, buf_str(&b));
	buf_release(&b);
	arena_free(&a);
}

/* --- the header ------------------------------------------------------------------------------------------------ */

/* RFC 6120 4.7.5: a version is two numbers; below 1.0 is another protocol. */
static bool version_fits(struct str v)
{
	ptrdiff_t dot = str_find_char(v, '.');
	uint64_t major, minor;

	return dot > 0 && str_to_u64(str_make(v.p, (size_t)dot), 1000, &major) &&
	       str_to_u64(str_cut(v, (size_t)dot + 1), 1000, &minor) && major >= 1;
}

int stream_opened(struct stream *st, const struct node *header)
{
	struct arena *a;
	struct jid to;
	bool ours;

	if (!str_is(xml_content_ns(st->xml), NS_CLIENT))
		return stream_fault(st, "invalid-namespace", NULL);
	a = arena_new(64 * 1024);
	ours = a && jid_parse(a, node_attr(header, "to"), &to) == 0 && to.local.n == 0 && to.resource.n == 0 &&
	       server_is_local(st->srv, to.domain);
	if (ours)
		stream_sasl2_claim(st, a, node_attr(header, "from"));
	arena_free(&a);
	if (!ours && st->phase >= PHASE_SIGNED_IN) {
		log_event(LOG_WARN, "stream.domain_changed", LOG_S("user", st->user->bare));
		return stream_fault(st, "not-authorized", NULL);
	}
	if (!ours)
		return stream_fault(st, "host-unknown", NULL);
	if (!version_fits(node_attr(header, "version")))
		return stream_fault(st, "unsupported-version", NULL);
	st->header_seen = true;
	send_header(st);
	stream_send_features(st);
	return st->closing ? STREAM_STOP : 0;
}

int stream_closed(struct stream *st)
{
	struct session *s = st->session;

	st->session = NULL;
	stream_finish(st);
	if (s) {
		s->stream = NULL;
		session_end(s, NULL);
	}
	return STREAM_STOP;
}

/* --- TLS ------------------------------------------------------------------------------------------------------------ */

static int in_plain(struct stream *st, const struct node *n)
{
	if (node_is(n, NS_TLS, "starttls")) {
		st->starttls = true;
		return STREAM_STOP;
	}
	if (node_is(n, NS_SASL, "auth")) {
		stream_send_z(st, "<failure xmlns='" NS_SASL "'><encryption-required/></failure>");
		return 0;
	}
	if (node_is(n, NS_COMPRESS, "compress")) {
		stream_send_z(st, "<failure xmlns='" NS_COMPRESS "'><unsupported-method/></failure>");
		return 0;
	}
	return stream_fault(st, "not-authorized", NULL);
}

void stream_restart(struct stream *st)
{
	if (!st->ws)
		xml_reset(st->xml);
	st->header_sent = false;
	st->header_seen = false;
}

static void start_tls(struct stream *st)
{
	stream_send_z(st, "<proceed xmlns='" NS_TLS "'/>");
	if (st->closing || conn_starttls(st->conn, st->srv->tls) < 0) {
		conn_abort(st->conn);
		return;
	}
	stream_restart(st);
}

static void on_secured(void *ctx)
{
	struct stream *st = ctx;
	SSL *ssl = conn_ssl(st->conn);
	int n;

	st->phase = PHASE_SECURE;
	st->binding = calloc(1, sizeof(*st->binding));
	if (!st->binding) {
		conn_abort(st->conn);
		return;
	}
	st->binding->tls = true;
	st->binding->tls_version = (uint16_t)SSL_version(ssl);
	n = tls_exporter(ssl, st->binding->exporter);
	st->binding->exporter_n = n > 0 ? (size_t)n : 0;
	n = tls_unique(ssl, st->binding->unique);
	st->binding->unique_n = n > 0 ? (size_t)n : 0;
	n = tls_server_end_point(ssl, st->binding->endpoint);
	st->binding->endpoint_n = n > 0 ? (size_t)n : 0;
}

/* --- bind ---------------------------------------------------------------------------------------------------------------- */

static void bind_reply(struct stream *st, struct arena *a, const struct node *iq, struct str full)
{
	struct node *reply = node_new(a, NS_CLIENT, "iq"), *bind;
	struct buf b;
	bool ok;

	buf_init(&b, 16384);
	ok = reply && node_set_attr(a, reply, "type", STR("result")) == 0 &&
	     node_set_attr(a, reply, "id", node_attr(iq, "id")) == 0;
	bind = ok ? node_add(a, reply, NS_BIND, "bind") : NULL;
	ok = bind && node_add_leaf(a, bind, NS_BIND, "jid", full) && wire_write(&b, reply, STR(NS_CLIENT)) == 0;
	if (ok)
		stream_send(st, buf_str(&b));
	buf_release(&b);
}

static int refuse_iq(struct stream *st, struct arena *a, const struct node *iq, int err)
{
	struct node *e = stanza_error(a, iq, err, NULL);
	struct buf b;

	buf_init(&b, 16384);
	if (e && wire_write(&b, e, STR(NS_CLIENT)) == 0)
		stream_send(st, buf_str(&b));
	buf_release(&b);
	return st->closing ? STREAM_STOP : 0;
}

void stream_attach(struct stream *st, struct session *s)
{
	st->session = s;
	if (st->device[0])
		memcpy(s->device, st->device, sizeof(s->device));
	st->phase = PHASE_BOUND;
	user_unref(&st->user);
	loop_timer_cancel(st->srv->loop, &st->deadline);
	conn_set_rate(st->conn, st->srv->config->limits.bytes_per_s);
}

/* The old holder gives way: a client that comes back must not wait for its own ghost. */
int stream_bind(struct stream *st, struct str resource, struct session **ret)
{
	struct session *old = session_of_resource(st->user, resource), *s;
	int r;

	if (old)
		session_end(old, "conflict");
	r = session_new(st->srv, st->user, resource, &s);
	if (r < 0)
		return r;
	session_attach(s, st);
	stream_attach(st, s);
	*ret = s;
	return 0;
}

static int bind_resource(struct stream *st, struct arena *a, const struct node *iq, const struct node *payload)
{
	const struct node *r = node_child(payload, NS_BIND, "resource");
	struct str wanted = r ? str_trim(node_text(a, r)) : STR_NONE, resource;
	char own[13];
	struct session *s;
	int err;

	if (wanted.n) {
		if (jid_prep_resource(a, wanted, &resource) < 0)
			return refuse_iq(st, a, iq, ERR_BAD_REQUEST);
	} else {
		rand_text(own, sizeof(own) - 1);
		resource = str_make(own, sizeof(own) - 1);
	}
	err = stream_bind(st, resource, &s);
	if (err < 0)
		return refuse_iq(st, a, iq, err);
	bind_reply(st, a, iq, s->full);
	hooks_session_bound(s);
	return 0;
}

static int in_signed_in(struct stream *st, struct arena *a, const struct node *n)
{
	const struct node *payload = node_first_element(n);

	if (st->resuming || st->sasl2 || str_is(n->ns, NS_SASL2))
		return stream_fault(st, "not-authorized", NULL);
	if (node_is(n, NS_SM, "resume")) {
		st->resuming = map_get(st->srv->resumable, node_attr(n, "previd"));
		st->resuming_id = st->resuming ? st->resuming->id : 0;
		sm_resume(st->srv, st, st->user->bare, n);
		return st->closing ? STREAM_STOP : 0;
	}
	if (stanza_kind(n) == STANZA_IQ && payload && node_is(payload, NS_BIND, "bind") &&
	    str_is(node_attr(n, "type"), "set") && node_attr(n, "id").n)
		return bind_resource(st, a, n, payload);
	if (stanza_kind(n) == STANZA_OTHER && !str_is(n->ns, NS_SASL) && !str_is(n->ns, NS_SM))
		return stream_fault(st, "unsupported-stanza-type", NULL);
	return stream_fault(st, "not-authorized", NULL);
}

void stream_resumed(struct stream *st, struct session *s, const char *resumed_xml)
{
	CHECK_OBJ(st, STREAM_MAGIC);
	st->resuming = NULL;
	stream_attach(st, s);
	stream_pause(st, false);
	if (st->sasl2)
		stream_sasl2_resume(st, s, resumed_xml);
	else
		stream_send_z(st, resumed_xml);
}

void stream_resume_failed(struct stream *st, const char *failed_xml)
{
	st->resuming = NULL;
	stream_pause(st, false);
	if (st->sasl2)
		stream_sasl2_resume(st, NULL, failed_xml);
	else
		stream_send_z(st, failed_xml);
}

/* --- stanzas ------------------------------------------------------------------------------------------------------------------ */

static int in_bound(struct stream *st, struct arena **a, struct node *n)
{
	struct session *s = st->session;
	const struct node *payload = node_first_element(n);

	if (stanza_kind(n) == STANZA_OTHER) {
		if (sm_nonza(s, n))
			return st->closing || !st->session ? STREAM_STOP : 0;
		if (hooks_nonza(s, n))
			return 0;
		if (str_is(n->ns, NS_SASL))
			return stream_fault(st, "not-authorized", NULL);
		return stream_fault(st, "unsupported-stanza-type", NULL);
	}
	if (stanza_kind(n) == STANZA_IQ && payload && node_is(payload, NS_BIND, "bind"))
		return refuse_iq(st, *a, n, ERR_NOT_ALLOWED);
	trip_start(st->srv, s, TRIP_CLIENT, a, n);
	return st->closing || !st->session ? STREAM_STOP : 0;
}

int stream_element(struct stream *st, struct arena **a, struct node *n)
{
	if (st->closing)
		return STREAM_STOP;
	if (node_is(n, NS_COMPRESS_PROTOCOL, "compress")) {	/* XEP-0138 is not offered; it changes nothing */
		stream_send_z(st, "<failure xmlns='" NS_COMPRESS_PROTOCOL "'><unsupported-method/></failure>");
		return 0;
	}
	if (st->busy && st->phase == PHASE_SECURE && !str_is(n->ns, NS_SASL) && !str_is(n->ns, NS_SASL2))
		return stream_fault(st, "not-authorized", NULL);
	if (st->busy && st->phase != PHASE_SECURE)
		return stream_fault(st, "policy-violation", NULL);
	switch (st->phase) {
	case PHASE_PLAIN:
		return in_plain(st, n);
	case PHASE_SECURE:
		return stream_login_in(st, *a, n);
	case PHASE_SIGNED_IN:
		return in_signed_in(st, *a, n);
	case PHASE_BOUND:
		return in_bound(st, a, n);
	}
	return STREAM_STOP;
}

/* --- the connection -------------------------------------------------------------------------------------------------------------- */

static void feed(struct stream *st, struct str bytes)
{
	const struct xml_fault *f;

	if (xml_feed(st->xml, bytes) >= 0 || st->closing || st->gone)
		return;
	f = xml_fault(st->xml);
	if (f)
		stream_fault(st, f->condition, f->too_big ? "<stanza-too-big xmlns='" NS_ERRORS "'/>" : NULL);
}

/* Byte by byte, so that what stands behind <starttls/> is noticed: it was written by somebody in between
 * (CVE-2011-0411), and the connection ends. The end of a line does no harm, and some libraries send one. */
static void feed_plain(struct stream *st, struct str bytes)
{
	for (size_t i = 0; i < bytes.n && !st->closing; i++) {
		feed(st, str_make(bytes.p + i, 1));
		if (!st->starttls)
			continue;
		st->starttls = false;
		if (str_trim(str_cut(bytes, i + 1)).n > 0)
			conn_abort(st->conn);
		else
			start_tls(st);
		return;
	}
}

bool stream_takes(struct stream *st, size_t n)
{
	CHECK_OBJ(st, STREAM_MAGIC);
	if (st->closing)
		return false;
	st->stirred = true;
	if (st->phase >= PHASE_SIGNED_IN)
		return true;
	st->preauth_bytes += n;
	if (st->preauth_bytes > LIMIT_PREAUTH_BYTES)
		stream_fault(st, "policy-violation", NULL);
	return !st->closing;
}

static void on_data(void *ctx, struct str bytes)
{
	struct stream *st = ctx;

	if (!stream_takes(st, bytes.n))
		return;
	if (st->phase == PHASE_PLAIN)
		feed_plain(st, bytes);
	else
		feed(st, bytes);
}

void stream_uncount(struct stream *st)
{
	uintptr_t n;
	struct str key = str_make(st->address, st->address_n);

	if (!st->counted)
		return;
	st->counted = false;
	n = (uintptr_t)map_take(st->srv->addresses, key);
	if (n > 1 && map_put(st->srv->addresses, key, (void *)(n - 1)) < 0)
		log_event(LOG_WARN, "stream.uncounted");
}

static void stream_free(struct stream *st)
{
	struct server *srv = st->srv;

	sasl_free(&st->sasl);
	stream_sasl2_free(st);
	stream_ws_free(st);
	free((void *)(uintptr_t)st->claimed.p);
	free((void *)(uintptr_t)st->invite.p);
	free(st->binding);
	user_unref(&st->user);
	xml_free(&st->xml);
	list_remove(&st->all);
	srv->n_streams--;
	st->magic = 0;
	free(st);
	server_stream_gone(srv);
}

/* Something on another thread still had the stream when its connection went. */
void stream_unbusy(struct stream *st)
{
	if (st->gone && !st->busy)
		stream_free(st);
}

void stream_conn_closed(void *ctx)
{
	struct stream *st = ctx;

	CHECK_OBJ(st, STREAM_MAGIC);
	st->gone = true;
	loop_timer_cancel(st->srv->loop, &st->deadline);
	let_go(st);
	stream_uncount(st);
	if (!st->busy)
		stream_free(st);
}

static void on_deadline(void *ctx)
{
	stream_fault(ctx, "connection-timeout", NULL);
}

bool stream_sweep(struct stream *st)
{
	bool idle = !st->stirred && !st->gone && !st->slept;

	if (idle)
		xml_idle(st->xml);
	st->slept = !st->stirred;
	st->stirred = false;
	return idle;
}

static void address_key(struct stream *st, const struct sockaddr_storage *from)
{
	const void *p = NULL;
	size_t n = 0;

	if (from->ss_family == AF_INET) {
		p = &((const struct sockaddr_in *)(const void *)from)->sin_addr;
		n = 4;
		st->whole[10] = st->whole[11] = 0xff;
		memcpy(st->whole + 12, p, n);
	} else if (from->ss_family == AF_INET6) {
		p = &((const struct sockaddr_in6 *)(const void *)from)->sin6_addr;
		n = 8;
		memcpy(st->whole, p, NETWORKS_ADDRESS);
	}
	if (n)
		memcpy(st->address, p, n);
	st->address_n = (uint8_t)n;
	throttle_prefix_of((const struct sockaddr *)(const void *)from, &st->prefix);
}

bool stream_is_from(const struct stream *st, const uint8_t *address, size_t n)
{
	size_t same = n == 16 ? 8 : n;

	return same && st->address_n == same && memcmp(st->address, address, same) == 0;
}

/* Too many that have not signed in from one address. */
static bool crowded(struct stream *st)
{
	unsigned max = st->srv->config->limits.connections_per_address;
	struct str key = str_make(st->address, st->address_n);
	uintptr_t n = (uintptr_t)map_get(st->srv->addresses, key);

	if (st->srv->n_streams >= LIMIT_CONNS)
		return true;
	if (max && n >= max)
		return true;
	if (map_put(st->srv->addresses, key, (void *)(n + 1)) < 0)
		return true;
	st->counted = true;
	return false;
}

struct stream *stream_make(struct server *srv, const struct xml_sink *sink, const struct sockaddr_storage *from)
{
	struct stream *st = calloc(1, sizeof(*st));

	if (!st)
		return NULL;
	st->magic = STREAM_MAGIC;
	st->srv = srv;
	list_init(&st->all);
	address_key(st, from);
	st->xml = xml_new(srv->xml_pool, sink, st, LIMIT_STANZA_PREAUTH, LIMIT_STANZA_BYTES_MAX * 16);
	if (st->xml && !srv->stopping && !crowded(st))
		return st;
	xml_free(&st->xml);
	free(st);
	return NULL;
}

void stream_unmake(struct stream *st)
{
	stream_uncount(st);
	xml_free(&st->xml);
	free(st);
}

void stream_begin(struct stream *st)
{
	list_append(&st->srv->streams, &st->all);
	st->srv->n_streams++;
	st->srv->metrics.connections++;
	loop_timer_set(st->srv->loop, &st->deadline, LIMIT_PREAUTH_MS, on_deadline, st);
}

static int on_open(void *ctx, const struct node *header)
{
	return stream_opened(ctx, header);
}

static int on_stanza(void *ctx, struct arena **a, struct node *n)
{
	return stream_element(ctx, a, n);
}

static int on_close(void *ctx)
{
	return stream_closed(ctx);
}

void stream_accept(struct server *srv, int fd, const void *from, bool direct_tls)
{
	static const struct conn_ops ops = { .data = on_data, .secured = on_secured, .closed = stream_conn_closed };
	static const struct xml_sink sink = { .open = on_open, .stanza = on_stanza, .close = on_close };
	struct stream *st = stream_make(srv, &sink, from);

	if (!st) {
		close(fd);
		return;
	}
	if (conn_accept(srv->conn_pool, fd, direct_tls ? srv->tls : NULL, &ops, st, &st->conn) < 0) {
		stream_unmake(st);
		return;
	}
	if (direct_tls && !srv->tls) {		/* simulation (server.h): wardroomd never runs without a certificate */
		st->binding = calloc(1, sizeof(*st->binding));
		if (st->binding) {
			st->binding->tls = true;
			st->phase = PHASE_SECURE;
		}
	}
	stream_begin(st);
}

struct stream *stream_of(struct list *node)
{
	return LIST_ITEM(node, struct stream, all);
}
