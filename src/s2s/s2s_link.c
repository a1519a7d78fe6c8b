/* s2s_link.c - one connection between servers, either way: what both directions share.
 *
 * Before it is open everything is bounded: time, bytes, connections of one network. After it a stanza must come from
 * the domain that was proven and go to one of ours; then it takes the road of every other stanza.
 */
#include <stdlib.h>
#include <unistd.h>

#include "base/log.h"
#include "base/rand.h"
#include "core/trip.h"
#include "s2s/s2s_parts.h"
#include "s2s/s2s_policy.h"
#include "xmpp/jid.h"
#include "xmpp/ns.h"
#include "xmpp/stanza.h"
#include "xmpp/wire.h"

#define STORE_BUSY (LIMIT_STORE_JOBS / 8)	/* beyond this the store has enough to do without more from here */
#define STORE_PAUSE_MS 20
#define CLOSE_AGE_MS 250			/* a peer that says goodbye has read what was sent before that */

struct s2s_link *s2s_link_of(struct list *node)
{
	return LIST_ITEM(node, struct s2s_link, all);
}

struct s2s_link *s2s_link_find(struct s2s *s, uint64_t number)
{
	LIST_EACH(it, &s->links)
		if (s2s_link_of(it)->number == number)
			return s2s_link_of(it);
	return NULL;
}

bool s2s_link_name(char **field, struct str domain)
{
	free(*field);
	*field = strndup(domain.p, domain.n);
	return *field != NULL;
}

/* --- writing ------------------------------------------------------------------------------------------------- */

int s2s_link_send(struct s2s_link *l, struct str xml)
{
	int r = l->closing ? ERR_EOF : conn_send(l->conn, xml);

	if (r == ERR_LIMIT || r == ERR_NOMEM)
		conn_abort(l->conn);		/* it does not read */
	return r;
}

void s2s_link_say(struct s2s_link *l, const char *xml)
{
	if (s2s_link_send(l, str_of(xml)) < 0)
		log_event(LOG_DEBUG, "s2s.unsent");
}

static void add_attr(struct buf *b, const char *name, const char *value)
{
	if (!value)
		return;
	buf_printf(b, " %s='", name);
	if (wire_escape(b, str_of(value)) < 0)
		b->failed = true;
	buf_char(b, '\'');
}

void s2s_link_header(struct s2s_link *l)
{
	struct buf b;

	if (l->header_sent)
		return;
	l->header_sent = true;
	buf_init(&b, 16384);
	buf_printf(&b, "<?xml version='1.0'?><stream:stream xmlns='" NS_SERVER "' xmlns:stream='" NS_STREAM "' xmlns:db='" NS_DIALBACK "'");
	if (!l->out) {
		rand_text(l->id, S2S_ID_BYTES - 1);
		add_attr(&b, "id", l->id);
	}
	if (l->local)
		add_attr(&b, "from", l->local);
	else if (buf_printf(&b, " from='") == 0 && wire_escape(&b, l->s->srv->domain) == 0)
		buf_char(&b, '\'');
	add_attr(&b, "to", l->remote);
	buf_printf(&b, " version='1.0' xml:lang='en'>");
	if (b.failed || s2s_link_send(l, buf_str(&b)) < 0)
		conn_abort(l->conn);
	buf_release(&b);
}

void s2s_link_end(struct s2s_link *l, const char *condition, const char *text)
{
	struct buf b;

	CHECK_OBJ(l, S2S_LINK_MAGIC);
	if (l->closing)
		return;
	buf_init(&b, 4096);
	if (condition) {
		s2s_link_header(l);
		l->s->srv->metrics.stream_errors++;
		buf_printf(&b, "<stream:error><%s xmlns='" NS_STREAMS "'/>", condition);
		if (text)
			buf_printf(&b, "<text xmlns='" NS_STREAMS "' xml:lang='en'>%s</text>", text);
		buf_printf(&b, "</stream:error>");
	}
	if (l->header_sent)
		buf_printf(&b, "</stream:stream>");
	if (!b.failed && b.n && s2s_link_send(l, buf_str(&b)) < 0)
		log_event(LOG_DEBUG, "s2s.unsent");
	buf_release(&b);
	l->closing = true;
	loop_timer_cancel(l->s->srv->loop, &l->deadline);
	conn_close(l->conn);
}

int s2s_link_fault(struct s2s_link *l, const char *condition, const char *text)
{
	log_event(LOG_NOTE, "s2s.error", LOG_Z("peer", l->remote ? l->remote : ""), LOG_Z("way", l->out ? "out" : "in"),
		  LOG_Z("condition", condition), LOG_Z("why", text ? text : ""));
	if (!l->why)
		l->why = "the connection failed";
	s2s_link_end(l, condition, text);
	return S2S_STOP;
}

void s2s_link_restart(struct s2s_link *l)
{
	xml_reset(l->xml);
	l->header_sent = false;
	l->features = false;
}

/* --- open -------------------------------------------------------------------------------------------------------- */

static void uncount(struct s2s_link *l)
{
	if (l->counted)
		l->s->n_waiting--;
	l->counted = false;
}

/* Nothing for a while: it is closed, and made again when there is something to say. */
static void on_idle(void *ctx)
{
	struct s2s_link *l = ctx;
	uint64_t idle_ms = l->s->srv->config->s2s.idle_s * 1000, quiet = loop_now_ms(l->s->srv->loop) - l->stirred_ms;

	if (idle_ms && quiet >= idle_ms) {
		s2s_link_end(l, NULL, NULL);
		return;
	}
	loop_timer_set(l->s->srv->loop, &l->deadline, idle_ms ? idle_ms - quiet : 60000, on_idle, l);
}

void s2s_link_open(struct s2s_link *l)
{
	struct server *srv = l->s->srv;

	l->phase = S2S_OPEN;
	uncount(l);
	l->stirred_ms = loop_now_ms(srv->loop);
	loop_timer_set(srv->loop, &l->deadline, 1000, on_idle, l);
	xml_set_max(l->xml, (size_t)srv->config->limits.stanza_bytes);
	conn_set_rate(l->conn, LIMIT_S2S_BYTES_PER_S);
	l->bidi = l->wants_bidi;
	if (!l->out && l->bidi)
		l->peer = s2s_peer_get(l->s, str_of(l->local), str_of(l->remote));
	log_event(LOG_NOTE, "s2s.open", LOG_Z("peer", l->remote), LOG_Z("ours", l->local), LOG_Z("way", l->out ? "out" : "in"),
		  LOG_Z("proof", l->trusted ? "certificate" : "dialback"), LOG_N("both_ways", l->bidi));
	if (l->peer)
		s2s_peer_linked(l->peer, l);
}

/* --- stanzas ------------------------------------------------------------------------------------------------------- */

/* Within the server a stanza is in the namespace of clients. */
static void adopt(struct node *stanza)
{
	for (struct node *n = stanza; n; n = node_walk(stanza, n))
		if (!node_is_text(n) && str_is(n->ns, NS_SERVER))
			n->ns = STR(NS_CLIENT);
}

static void on_pause_over(void *ctx)
{
	struct s2s_link *l = ctx;

	CHECK_OBJ(l, S2S_LINK_MAGIC);
	if (jobs_waiting(l->s->srv->jobs) > STORE_BUSY)
		loop_timer_set(l->s->srv->loop, &l->pause, STORE_PAUSE_MS, on_pause_over, l);
	else
		conn_pause(l->conn, false);
}

static void slow_down(struct s2s_link *l)
{
	if (l->closing || jobs_waiting(l->s->srv->jobs) <= STORE_BUSY)
		return;
	conn_pause(l->conn, true);
	loop_timer_set(l->s->srv->loop, &l->pause, STORE_PAUSE_MS, on_pause_over, l);
}

/* For core/gate.h: who of one range of addresses approaches many people here. */
static uint64_t prefix_hash(const struct s2s_link *l)
{
	static const uint64_t key[2] = { 0x616464726573736full, 0x6672616e6765ull };

	return l->prefix.kind ? map_hash(key, str_make((const char *)l->prefix.bytes, sizeof(l->prefix.bytes))) | 1 : 0;
}

static int in_open(struct s2s_link *l, struct arena **a, struct node *n)
{
	struct jid from, to;

	l->stirred_ms = loop_now_ms(l->s->srv->loop);
	if (str_is(n->ns, NS_DIALBACK))
		return s2s_dialback_element(l, *a, n);
	adopt(n);
	if (stanza_kind(n) == STANZA_OTHER)
		return s2s_link_fault(l, "unsupported-stanza-type", NULL);
	if (l->out && !l->bidi)
		return s2s_link_fault(l, "not-authorized", "this stream goes the other way");
	if (jid_parse(*a, node_attr(n, "from"), &from) < 0 || jid_parse(*a, node_attr(n, "to"), &to) < 0)
		return s2s_link_fault(l, "improper-addressing", NULL);
	if (!str_is(from.domain, l->remote))
		return s2s_link_fault(l, "invalid-from", NULL);
	if (!s2s_policy_is_ours(l->s->srv, to.domain))
		return s2s_link_fault(l, "host-unknown", NULL);
	trip_enter_from(l->s->srv, TRIP_PEER, prefix_hash(l), a, n);
	slow_down(l);
	return l->closing ? S2S_STOP : 0;
}

/* The other side gives up; its reason is a plain word for the log alone. */
static int on_error(struct s2s_link *l, const struct node *n)
{
	const struct node *c = node_first_element(n);
	struct str what = c ? c->name : STR_NONE;

	log_event(LOG_NOTE, "s2s.their_error", LOG_Z("peer", l->remote ? l->remote : ""), LOG_Z("way", l->out ? "out" : "in"),
		  LOG_S("condition", what));
	if (l->out && l->phase != S2S_OPEN) {
		l->refused = str_is(what, "not-authorized") || str_is(what, "host-unknown") || str_is(what, "policy-violation");
		l->why = l->refused ? "it refuses to speak with this server" : "it ended the connection";
	}
	s2s_link_end(l, NULL, NULL);
	return S2S_STOP;
}

static int on_stanza(void *ctx, struct arena **a, struct node *n)
{
	struct s2s_link *l = ctx;

	if (l->closing)
		return S2S_STOP;
	if (node_is(n, NS_STREAM, "error"))
		return on_error(l, n);
	if (l->phase == S2S_OPEN && !(l->out && str_is(n->ns, NS_STREAM)))
		return in_open(l, a, n);
	return l->out ? s2s_out_element(l, *a, n) : s2s_in_element(l, *a, n);
}

static int on_open(void *ctx, const struct node *header)
{
	struct s2s_link *l = ctx;

	if (l->closing)
		return S2S_STOP;
	if (!str_is(xml_content_ns(l->xml), NS_SERVER))
		return s2s_link_fault(l, "invalid-namespace", NULL);
	return l->out ? s2s_out_header(l, header) : s2s_in_header(l, header);
}

static int on_close(void *ctx)
{
	struct s2s_link *l = ctx;

	if (l->out && l->phase != S2S_OPEN && !l->why)
		l->why = "it ended the connection";
	if (l->peer && l->peer->ready == l)
		s2s_peer_settle(l->peer, CLOSE_AGE_MS);
	s2s_link_end(l, NULL, NULL);
	return S2S_STOP;
}

/* --- the connection -------------------------------------------------------------------------------------------------- */

static void feed(struct s2s_link *l, struct str bytes)
{
	const struct xml_fault *f;

	if (xml_feed(l->xml, bytes) >= 0 || l->closing)
		return;
	f = xml_fault(l->xml);
	if (f)
		s2s_link_fault(l, f->condition, NULL);
}

static void start_tls(struct s2s_link *l)
{
	int r;

	if (l->out) {
		r = conn_starttls_to(l->conn, l->s->tls, l->remote);
	} else {
		s2s_link_say(l, "<proceed xmlns='" NS_TLS "'/>");
		r = conn_starttls(l->conn, l->s->tls);
	}
	if (r < 0)
		conn_abort(l->conn);
	else
		s2s_link_restart(l);
}

/* Byte by byte: what stands in plain behind the agreement on TLS was written by somebody in between (CVE-2011-0411). */
static void feed_plain(struct s2s_link *l, struct str bytes)
{
	for (size_t i = 0; i < bytes.n && !l->closing; i++) {
		feed(l, str_make(bytes.p + i, 1));
		if (!l->starttls)
			continue;
		l->starttls = false;
		if (i + 1 < bytes.n)
			conn_abort(l->conn);
		else
			start_tls(l);
		return;
	}
}

static void on_data(void *ctx, struct str bytes)
{
	struct s2s_link *l = ctx;

	CHECK_OBJ(l, S2S_LINK_MAGIC);
	if (l->closing)
		return;
	if (l->phase != S2S_OPEN) {
		l->preauth_bytes += bytes.n;
		if (l->preauth_bytes > LIMIT_PREAUTH_BYTES) {
			s2s_link_fault(l, "policy-violation", NULL);
			return;
		}
	}
	if (l->phase == S2S_PLAIN)
		feed_plain(l, bytes);
	else
		feed(l, bytes);
}

static void on_secured(void *ctx)
{
	struct s2s_link *l = ctx;

	CHECK_OBJ(l, S2S_LINK_MAGIC);
	l->phase = S2S_SECURE;
	if (l->out)
		s2s_out_secured(l);
	else
		s2s_in_secured(l);
}

static void on_closed(void *ctx)
{
	struct s2s_link *l = ctx;
	struct s2s *s = l->s;
	struct server *srv = s->srv;

	CHECK_OBJ(l, S2S_LINK_MAGIC);
	loop_timer_cancel(srv->loop, &l->deadline);
	loop_timer_cancel(srv->loop, &l->pause);
	uncount(l);
	if (l->phase == S2S_OPEN)
		log_event(LOG_NOTE, "s2s.closed", LOG_Z("peer", l->remote), LOG_Z("ours", l->local), LOG_Z("way", l->out ? "out" : "in"));
	list_remove(&l->all);
	s->n_links--;
	if (l->peer)
		s2s_peer_unlinked(l->peer, l);
	xml_free(&l->xml);
	free(l->local);
	free(l->remote);
	free(l->their_id);
	l->magic = 0;
	free(l);
	srv->n_streams--;
	server_stream_gone(srv);
}

static void on_deadline(void *ctx)
{
	struct s2s_link *l = ctx;

	l->why = "it did not answer in time";
	s2s_link_fault(l, "connection-timeout", NULL);
}

static struct s2s_link *link_new(struct s2s *s, int fd)
{
	static const struct conn_ops ops = { .data = on_data, .secured = on_secured, .closed = on_closed };
	static const struct xml_sink sink = { .open = on_open, .stanza = on_stanza, .close = on_close };
	struct s2s_link *l = s->n_links < LIMIT_S2S_LINKS && !s->stopping ? calloc(1, sizeof(*l)) : NULL;

	if (l)
		l->xml = xml_new(s->srv->xml_pool, &sink, l, LIMIT_STANZA_PREAUTH, LIMIT_STANZA_BYTES_MAX * 16);
	if (!l || !l->xml) {
		close(fd);
		free(l);
		return NULL;
	}
	l->magic = S2S_LINK_MAGIC;
	l->s = s;
	l->number = ++s->next_number;
	if (conn_accept(s->srv->conn_pool, fd, NULL, &ops, l, &l->conn) < 0) {
		xml_free(&l->xml);
		free(l);
		return NULL;
	}
	list_append(&s->links, &l->all);
	s->n_links++;
	s->srv->n_streams++;
	s->srv->metrics.connections++;
	loop_timer_set(s->srv->loop, &l->deadline, LIMIT_PREAUTH_MS, on_deadline, l);
	return l;
}

/* Whoever has proven nothing shares a budget with his neighbours and one with everybody (security-tests 129). */
static bool crowded(const struct s2s *s, const struct throttle_prefix *from)
{
	unsigned n = 0;

	LIST_EACH(it, (struct list *)(uintptr_t)&s->links) {
		const struct s2s_link *l = s2s_link_of(it);

		n += l->counted && l->prefix.kind == from->kind && memcmp(l->prefix.bytes, from->bytes, sizeof(from->bytes)) == 0;
	}
	return s->n_waiting >= LIMIT_S2S_WAITING || n >= LIMIT_S2S_WAITING_PER_PREFIX;
}

void s2s_link_accept(struct s2s *s, int fd, const struct sockaddr_storage *from)
{
	struct throttle_prefix prefix = { 0 };
	struct s2s_link *l;

	throttle_prefix_of((const struct sockaddr *)(const void *)from, &prefix);
	if (crowded(s, &prefix)) {
		close(fd);
		return;
	}
	l = link_new(s, fd);
	if (!l)
		return;
	l->prefix = prefix;
	l->counted = true;
	s->n_waiting++;
	conn_sniff(l->conn, s->tls);
}

struct s2s_link *s2s_link_connected(struct s2s_peer *p, int fd, bool direct_tls)
{
	struct s2s_link *l = link_new(p->s, fd);

	if (!l)
		return NULL;
	l->out = true;
	l->direct_tls = direct_tls;
	l->peer = p;
	if (!s2s_link_name(&l->local, str_of(p->local)) || !s2s_link_name(&l->remote, str_of(p->remote))) {
		conn_abort(l->conn);
		return l;
	}
	if (!direct_tls)
		s2s_link_header(l);
	else if (conn_starttls_to(l->conn, p->s->tls, l->remote) < 0)
		conn_abort(l->conn);
	return l;
}
