/* link.c - see link.h.
 *
 * Before the handshake everything is bounded: time, bytes, connections, tries. After it only two things are
 * particular to a component: the namespace of its stream, and that 'from' must be of its domain.
 */
#include "gateway/link.h"

#include <stdlib.h>
#include <unistd.h>

#include <openssl/evp.h>

#include "auth/throttle.h"
#include "base/check.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/rand.h"
#include "base/secret.h"
#include "core/component.h"
#include "core/hooks.h"
#include "core/state.h"
#include "core/trip.h"
#include "gateway/gateway.h"
#include "xmpp/jid.h"
#include "xmpp/ns.h"
#include "xmpp/stanza.h"
#include "xmpp/wire.h"

#define LINK_MAGIC 0x6a7e0002u
#define STOP ERR_EOF			/* what a sink returns when nothing more is to be read */
#define ID_BYTES 27
#define DIGEST_TEXT 40			/* SHA-1 in hexadecimal */
#define RATE_SHARES 16			/* it speaks for many: so often what one account may send */
#define STORE_BUSY (LIMIT_STORE_JOBS / 8)	/* beyond this the store has enough to do without more from here */
#define STORE_PAUSE_MS 20

struct link {
	CHECK_MAGIC;
	struct link_set *ls;
	struct server *srv;
	struct conn *conn;
	struct xml *xml;
	struct list all;		/* in links->all */
	struct loop_timer deadline, pause;
	struct throttle_prefix prefix;
	char *own;			/* memory of domain */
	struct str domain;		/* whom it says it is; empty: a header that fits has not come */
	char id[ID_BYTES];
	char proof[DIGEST_TEXT + 1];	/* what it had to show */
	size_t preauth_bytes;
	bool header_sent, open, closing;
};

struct link *link_of(struct list *node)
{
	return LIST_ITEM(node, struct link, all);
}

/* --- writing --------------------------------------------------------------------------------------------- */

static int send_text(struct link *l, struct str xml)
{
	int r = l->closing ? 0 : conn_send(l->conn, xml);

	if (r == ERR_LIMIT || r == ERR_NOMEM)
		conn_abort(l->conn);		/* it does not read */
	return r;
}

static void say(struct link *l, const char *xml)
{
	int r = send_text(l, str_of(xml));

	if (r < 0)
		log_event(LOG_DEBUG, "gateway.unsent", LOG_Z("why", err_text(r)));
}

static void send_header(struct link *l)
{
	struct buf b;

	if (l->header_sent)
		return;
	l->header_sent = true;
	buf_init(&b, 8192);
	buf_printf(&b, "<?xml version='1.0'?><stream:stream xmlns='" NS_COMPONENT "' xmlns:stream='" NS_STREAM "' id='%s' from='",
		   l->id);
	if (wire_escape(&b, l->domain.n ? l->domain : l->srv->domain) == 0 && buf_str_add(&b, STR("'>")) == 0)
		say(l, b.p ? (buf_char(&b, 0), b.p) : "");
	buf_release(&b);
}

static void uncount(struct link *l)
{
	if (!l->open && l->ls->n_waiting)
		l->ls->n_waiting--;
}

void link_end(struct link *l, const char *condition)
{
	CHECK_OBJ(l, LINK_MAGIC);
	if (l->closing)
		return;
	send_header(l);
	if (condition) {
		struct buf b;

		buf_init(&b, 512);
		buf_printf(&b, "<stream:error><%s xmlns='" NS_STREAMS "'/></stream:error>", condition);
		buf_char(&b, 0);
		if (!b.failed)
			say(l, b.p);
		buf_release(&b);
		l->srv->metrics.stream_errors++;
	}
	say(l, "</stream:stream>");
	l->closing = true;
	conn_close(l->conn);
}

static int fault(struct link *l, const char *condition)
{
	log_event(LOG_NOTE, "gateway.error", LOG_S("domain", l->domain), LOG_Z("condition", condition));
	link_end(l, condition);
	return STOP;
}

int link_send_bytes(struct link *l, struct str xml)
{
	int r;

	CHECK_OBJ(l, LINK_MAGIC);
	r = l->closing ? ERR_EOF : send_text(l, xml);
	l->srv->metrics.stanzas_out += r == 0;
	return r;
}

bool link_unsent(const struct link *l)
{
	CHECK_OBJ(l, LINK_MAGIC);
	return conn_unsent(l->conn) > 0;
}

/* The content namespace is written without a name: the stream of a component has another, and the same names in it. */
int link_send(struct link *l, const struct node *stanza)
{
	struct buf b;
	int r;

	CHECK_OBJ(l, LINK_MAGIC);
	buf_init(&b, LIMIT_STANZA_BYTES_MAX * 2);
	r = wire_write(&b, stanza, STR(NS_CLIENT));
	if (r == 0)
		r = send_text(l, buf_str(&b));
	buf_release(&b);
	l->srv->metrics.stanzas_out += r == 0;
	return r;
}

/* --- the handshake ----------------------------------------------------------------------------------------- */

struct link *link_find(struct link_set *ls, struct str domain)
{
	LIST_EACH(it, &ls->all) {
		struct link *l = link_of(it);

		if (l->open && !l->closing && str_eq(l->domain, domain))
			return l;
	}
	return NULL;
}

static int on_open(void *ctx, const struct node *header)
{
	struct link *l = ctx;
	struct arena *a;
	struct jid to;

	if (!str_is(xml_content_ns(l->xml), NS_COMPONENT))
		return fault(l, "invalid-namespace");
	a = arena_new(64 * 1024);
	if (a && jid_parse(a, node_attr(header, "to"), &to) == 0 && !to.local.n && !to.resource.n && component_of(l->srv, to.domain)) {
		l->own = strndup(to.domain.p, to.domain.n);
		l->domain = str_of(l->own);
	}
	arena_free(&a);
	if (!l->domain.n)
		return fault(l, "host-unknown");
	send_header(l);
	return l->closing ? STOP : 0;
}

/* XEP-0114 3: SHA-1 of the stream's id and the secret, in lower-case hexadecimal. */
static bool digest(const struct link *l, const struct config_component *c, char ret[DIGEST_TEXT + 1])
{
	EVP_MD_CTX *md = EVP_MD_CTX_new();
	uint8_t raw[EVP_MAX_MD_SIZE];
	bool ok = md && EVP_DigestInit_ex(md, EVP_sha1(), NULL) == 1 && EVP_DigestUpdate(md, l->id, ID_BYTES - 1) == 1 &&
		  EVP_DigestUpdate(md, c->secret, strlen(c->secret)) == 1 && EVP_DigestFinal_ex(md, raw, NULL) == 1;

	for (size_t i = 0; ok && i < DIGEST_TEXT / 2; i++)
		snprintf(ret + 2 * i, 3, "%02x", raw[i]);
	EVP_MD_CTX_free(md);
	return ok;
}

static bool proves(struct link *l, const struct config_component *c, struct str proof)
{
	return digest(l, c, l->proof) && proof.n == DIGEST_TEXT && secret_eq(l->proof, proof.p, DIGEST_TEXT);
}

static void opened(struct link *l, const struct config_component *c)
{
	struct link *old = link_find(l->ls, l->domain);

	if (old)
		link_end(old, "conflict");	/* one that comes back must not wait for its own ghost */
	uncount(l);
	l->open = true;
	loop_timer_cancel(l->srv->loop, &l->deadline);
	xml_set_max(l->xml, (size_t)l->srv->config->limits.stanza_bytes);
	conn_set_rate(l->conn, l->srv->config->limits.bytes_per_s * RATE_SHARES);
	log_event(LOG_NOTE, "gateway.open", LOG_S("domain", l->domain));
	say(l, "<handshake/>");
	hooks_component_open(l->srv, c);
	l->ls->opened(l->ls->ctx, l->domain);
}

static int in_waiting(struct link *l, struct arena *a, const struct node *n)
{
	const struct config_component *c = component_of(l->srv, l->domain);
	uint64_t now = loop_now_ms(l->srv->loop);
	bool may = throttle_may(l->srv->throttle, l->domain, &l->prefix, now);

	if (!node_is(n, NS_COMPONENT, "handshake") || !c)
		return fault(l, "not-authorized");
	if (!may || !proves(l, c, str_trim(node_text(a, n)))) {
		if (may)
			throttle_failed(l->srv->throttle, l->domain, &l->prefix, now);
		log_event(LOG_WARN, may ? "gateway.refused" : "gateway.throttled", LOG_S("domain", l->domain));
		l->srv->metrics.login_failures++;
		return fault(l, "not-authorized");
	}
	throttle_succeeded(l->srv->throttle, l->domain, &l->prefix, now);
	l->srv->metrics.logins++;
	opened(l, c);
	return l->closing ? STOP : 0;
}

bool link_holds(const struct link *l)
{
	const struct config_component *c = component_of(l->srv, l->domain);
	char now[DIGEST_TEXT + 1];

	CHECK_OBJ(l, LINK_MAGIC);
	return !l->open || (c && digest(l, c, now) && secret_eq(now, l->proof, DIGEST_TEXT));
}

/* --- stanzas ------------------------------------------------------------------------------------------------- */

/* Within the server a stanza is in the namespace of clients. */
static void adopt(struct node *stanza)
{
	for (struct node *n = stanza; n; n = node_walk(stanza, n))
		if (!node_is_text(n) && str_is(n->ns, NS_COMPONENT))
			n->ns = STR(NS_CLIENT);
}

static void on_pause_over(void *ctx)
{
	struct link *l = ctx;

	CHECK_OBJ(l, LINK_MAGIC);
	if (jobs_waiting(l->srv->jobs) > STORE_BUSY)
		loop_timer_set(l->srv->loop, &l->pause, STORE_PAUSE_MS, on_pause_over, l);
	else
		conn_pause(l->conn, false);
}

static void slow_down(struct link *l)
{
	if (l->closing || jobs_waiting(l->srv->jobs) <= STORE_BUSY)
		return;
	conn_pause(l->conn, true);
	loop_timer_set(l->srv->loop, &l->pause, STORE_PAUSE_MS, on_pause_over, l);
}

/* A library may forget it, in answers above all: nobody gets that, and the stream goes on. */
static int without_to(struct link *l, struct arena *a, const struct node *n)
{
	struct str type = node_attr(n, "type");
	struct node *e = NULL;

	if (!str_is(type, "error") && !str_is(type, "result"))
		e = stanza_error(a, n, ERR_BAD_REQUEST, "a component's stanza needs a 'to'");
	l->srv->metrics.dropped++;
	if (e && link_send(l, e) < 0)
		log_event(LOG_DEBUG, "gateway.unsent", LOG_S("domain", l->domain));
	return l->closing ? STOP : 0;
}

static int in_open(struct link *l, struct arena **a, struct node *n)
{
	struct jid from;

	adopt(n);
	if (stanza_kind(n) == STANZA_OTHER)
		return fault(l, "unsupported-stanza-type");
	if (!node_has_attr(n, "to"))
		return without_to(l, *a, n);
	if (!node_has_attr(n, "from") && node_set_attr(*a, n, "from", l->domain) < 0)
		return fault(l, "resource-constraint");
	if (jid_parse(*a, node_attr(n, "from"), &from) < 0 || !str_eq(from.domain, l->domain))
		return fault(l, "invalid-from");
	trip_enter(l->srv, TRIP_COMPONENT, a, n);
	slow_down(l);
	return l->closing ? STOP : 0;
}

static int on_stanza(void *ctx, struct arena **a, struct node *n)
{
	struct link *l = ctx;

	if (l->closing)
		return STOP;
	return l->open ? in_open(l, a, n) : in_waiting(l, *a, n);
}

static int on_close(void *ctx)
{
	link_end(ctx, NULL);
	return STOP;
}

/* --- the connection -------------------------------------------------------------------------------------------- */

static void on_data(void *ctx, struct str bytes)
{
	struct link *l = ctx;
	const struct xml_fault *f;

	CHECK_OBJ(l, LINK_MAGIC);
	if (l->closing)
		return;
	if (!l->open) {
		l->preauth_bytes += bytes.n;
		if (l->preauth_bytes > LIMIT_PREAUTH_BYTES) {
			fault(l, "policy-violation");
			return;
		}
	}
	if (xml_feed(l->xml, bytes) >= 0 || l->closing)
		return;
	f = xml_fault(l->xml);
	if (f)
		fault(l, f->condition);
}

static void on_secured(void *ctx)
{
	(void)ctx;			/* there is no TLS here */
}

static void on_closed(void *ctx)
{
	struct link *l = ctx;
	struct server *srv = l->srv;

	CHECK_OBJ(l, LINK_MAGIC);
	loop_timer_cancel(srv->loop, &l->deadline);
	loop_timer_cancel(srv->loop, &l->pause);
	uncount(l);
	if (l->open)
		log_event(LOG_NOTE, "gateway.closed", LOG_S("domain", l->domain));
	list_remove(&l->all);
	if (l->open)
		l->ls->lost(l->ls->ctx, l->domain);
	xml_free(&l->xml);
	free(l->own);
	l->magic = 0;
	free(l);
	srv->n_streams--;
	server_stream_gone(srv);
}

static void on_deadline(void *ctx)
{
	fault(ctx, "connection-timeout");
}

void link_accept(struct link_set *ls, int fd, const struct sockaddr_storage *from)
{
	static const struct conn_ops ops = { .data = on_data, .secured = on_secured, .closed = on_closed };
	static const struct xml_sink sink = { .open = on_open, .stanza = on_stanza, .close = on_close };
	bool full = ls->stopping || ls->n_waiting >= GATEWAY_WAITING;
	struct link *l = full ? NULL : calloc(1, sizeof(*l));

	if (l)
		l->xml = xml_new(ls->srv->xml_pool, &sink, l, LIMIT_STANZA_PREAUTH, LIMIT_STANZA_BYTES_MAX * 16);
	if (!l || !l->xml) {
		close(fd);
		free(l);
		return;
	}
	l->magic = LINK_MAGIC;
	l->ls = ls;
	l->srv = ls->srv;
	l->domain = STR_NONE;
	throttle_prefix_of((const struct sockaddr *)(const void *)from, &l->prefix);
	rand_text(l->id, ID_BYTES - 1);
	if (conn_accept(ls->srv->conn_pool, fd, NULL, &ops, l, &l->conn) < 0) {
		xml_free(&l->xml);
		free(l);
		return;
	}
	list_append(&ls->all, &l->all);
	ls->n_waiting++;
	ls->srv->n_streams++;
	ls->srv->metrics.connections++;
	loop_timer_set(ls->srv->loop, &l->deadline, LIMIT_PREAUTH_MS, on_deadline, l);
}
