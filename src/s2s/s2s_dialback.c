/* s2s_dialback.c - XEP-0220: a server that comes without a valid certificate is believed when the server that the DNS
 * names for its domain says that it has sent it.
 *
 * An answer counts only as the answer to our own question, on the connection on which we asked (CVE-2012-3525); the key
 * is keyed with fresh secrets and its parts are told apart by their lengths (CVE-2016-0756, CVE-2016-1232).
 */
#include <openssl/hmac.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"
#include "base/rand.h"
#include "base/secret.h"
#include "s2s/s2s_parts.h"
#include "s2s/s2s_policy.h"
#include "xmpp/jid.h"
#include "xmpp/ns.h"
#include "xmpp/wire.h"

#define ROTATE_MS (6 * 3600 * 1000)
#define UNSOLICITED_MOST 3
#define VERIFYING_MOST 4		/* questions that one link may be waiting for */
#define KEY_MOST 512			/* of others: longer is none */

static void on_rotate(void *ctx)
{
	struct s2s *s = ctx;

	memcpy(s->secret[1], s->secret[0], S2S_SECRET_BYTES);
	rand_bytes(s->secret[0], S2S_SECRET_BYTES);
	loop_timer_set(s->srv->loop, &s->rotate, ROTATE_MS, on_rotate, s);
}

void s2s_dialback_start(struct s2s *s)
{
	rand_bytes(s->secret[0], S2S_SECRET_BYTES);
	on_rotate(s);
}

/* "7:example5:other2:id" */
static void add_part(struct buf *b, struct str part)
{
	buf_printf(b, "%zu:", part.n);
	buf_str_add(b, part);
}

void s2s_dialback_key(const struct s2s *s, unsigned which, struct str receiving, struct str originating, struct str id,
		      char ret[S2S_KEY_BYTES])
{
	uint8_t mac[EVP_MAX_MD_SIZE];
	unsigned n = 0;
	struct buf b;

	buf_init(&b, 3 * LIMIT_JID_PART + 64);
	add_part(&b, receiving);
	add_part(&b, originating);
	add_part(&b, id);
	if (b.failed || !HMAC(EVP_sha256(), s->secret[which], S2S_SECRET_BYTES, (const uint8_t *)b.p, b.n, mac, &n) || n != 32)
		rand_bytes(mac, 32);		/* a key that nobody can have */
	for (size_t i = 0; i < 32; i++)
		snprintf(ret + 2 * i, 3, "%02x", mac[i]);
	buf_release(&b);
}

/* --- writing ------------------------------------------------------------------------------------------------ */

static void add_attr(struct buf *b, const char *name, struct str value)
{
	buf_printf(b, " %s='", name);
	if (wire_escape(b, value) < 0)
		b->failed = true;
	buf_char(b, '\'');
}

static void send_element(struct s2s_link *l, const char *name, struct str from, struct str to, struct str id, const char *type,
			 const char *inner)
{
	struct buf b;

	buf_init(&b, 16384);
	buf_printf(&b, "<db:%s", name);		/* the stream's header has declared the prefix: old servers look for it */
	add_attr(&b, "from", from);
	add_attr(&b, "to", to);
	if (id.n)
		add_attr(&b, "id", id);
	if (type)
		add_attr(&b, "type", str_of(type));
	buf_printf(&b, ">%s</db:%s>", inner ? inner : "", name);
	if (!b.failed && s2s_link_send(l, buf_str(&b)) < 0)
		log_event(LOG_DEBUG, "s2s.unsent");
	buf_release(&b);
}

static void send_error(struct s2s_link *l, const char *name, struct str from, struct str to, struct str id, const char *condition)
{
	char inner[256];

	snprintf(inner, sizeof(inner), "<error type='cancel'><%s xmlns='" NS_STANZAS "'/></error>", condition);
	send_element(l, name, from, to, id, "error", inner);
}

/* Tells who asked to be believed. condition: why nobody knows; NULL with valid false: he is not. */
void s2s_dialback_reply(struct s2s_link *l, bool valid, const char *condition)
{
	struct str from = str_of(l->local), to = str_of(l->remote);

	if (condition && !valid)
		send_error(l, "result", from, to, STR_NONE, condition);
	else
		send_element(l, "result", from, to, STR_NONE, valid ? "valid" : "invalid", NULL);
}

/* A key of another server is repeated as it came. */
void s2s_dialback_ask(struct s2s_link *out, struct s2s_verify *v)
{
	struct buf b;

	v->asked = out;
	buf_init(&b, 8192);
	if (wire_escape(&b, str_of(v->key)) == 0 && buf_char(&b, 0) == 0)
		send_element(out, "verify", str_of(out->local), str_of(out->remote), str_of(v->id), NULL, b.p);
	buf_release(&b);
}

/* --- what comes ----------------------------------------------------------------------------------------------- */

/* An answer that nobody has asked for. */
static int unsolicited(struct s2s_link *l)
{
	log_event(LOG_WARN, "s2s.unsolicited_dialback", LOG_Z("peer", l->remote ? l->remote : ""));
	l->s->srv->metrics.dropped++;
	return ++l->unsolicited >= UNSOLICITED_MOST ? s2s_link_fault(l, "policy-violation", NULL) : 0;
}

static struct s2s_verify *question(struct s2s_link *l, struct str id)
{
	if (!l->out || !l->peer)
		return NULL;
	LIST_EACH(it, &l->peer->verifies) {
		struct s2s_verify *v = LIST_ITEM(it, struct s2s_verify, node);

		if (v->asked == l && str_is(id, v->id))
			return v;
	}
	return NULL;
}

static int on_verify_answer(struct s2s_link *l, const struct node *n, struct str from, struct str to, struct str type)
{
	struct s2s_verify *v = question(l, node_attr(n, "id"));

	if (!v || !str_is(from, l->remote) || !str_is(to, l->local))
		return unsolicited(l);
	list_remove(&v->node);
	l->peer->n_verifies--;
	s2s_dialback_answered(l->s, v, str_is(type, "valid"), str_is(type, "invalid") ? NULL : "remote-connection-failed");
	return 0;
}

void s2s_dialback_answered(struct s2s *s, struct s2s_verify *v, bool valid, const char *condition)
{
	struct s2s_link *l = s2s_link_find(s, v->number);

	free(v->id);
	free(v->key);
	free(v);
	if (l)
		s2s_in_verified(l, valid, condition);
}

/* XEP-0220 2.1.2: somebody wants to be believed. */
static int on_result(struct s2s_link *l, struct arena *a, const struct node *n, struct str from, struct str to)
{
	struct str key = str_trim(node_text(a, n));
	struct s2s_peer *p;

	if (l->phase != S2S_SECURE || l->s->srv->config->s2s.dialback == CONFIG_DIALBACK_NEVER)
		return s2s_link_fault(l, "not-authorized", "dialback is not accepted here");
	if (s2s_policy_poses(l->s->srv, from)) {
		log_event(LOG_WARN, "s2s.poses_as_us", LOG_S("domain", from));
		return s2s_link_fault(l, "not-authorized", NULL);
	}
	/* One stream, one pair: a second domain takes a stream of its own (security-tests 126). */
	if (!l->remote || !str_is(from, l->remote) || !str_is(to, l->local)) {
		send_error(l, "result", to, from, STR_NONE, "not-allowed");
		return 0;
	}
	if (!s2s_policy_allows(l->s->srv->config, from))
		return s2s_link_fault(l, "policy-violation", "this server does not speak with that domain");
	if (key.n == 0 || key.n > KEY_MOST || l->verifying >= VERIFYING_MOST)
		return s2s_link_fault(l, "policy-violation", NULL);
	p = s2s_peer_get(l->s, to, from);
	if (!p || s2s_peer_verify(p, l->number, str_of(l->id), key) < 0) {
		send_error(l, "result", to, from, STR_NONE, "resource-constraint");
		return 0;
	}
	l->verifying++;
	s2s_peer_ask(p);
	return 0;
}

/* XEP-0220 2.2.2: another server asks whether we have sent that key. */
static int on_verify(struct s2s_link *l, struct arena *a, const struct node *n, struct str from, struct str to)
{
	struct str key = str_trim(node_text(a, n)), id = node_attr(n, "id");
	char ours[S2S_KEY_BYTES];
	bool valid = false;

	if (!s2s_policy_is_ours(l->s->srv, to)) {
		send_error(l, "verify", to, from, id, "item-not-found");
		return 0;
	}
	for (unsigned i = 0; i < 2; i++) {
		s2s_dialback_key(l->s, i, from, to, id, ours);
		valid = valid || (key.n == S2S_KEY_BYTES - 1 && secret_eq(ours, key.p, key.n));
	}
	send_element(l, "verify", to, from, id, valid ? "valid" : "invalid", NULL);
	return 0;
}

/* The answer to our own request, on our own connection. */
static int on_result_answer(struct s2s_link *l, struct str from, struct str to, struct str type)
{
	if (!l->out || l->phase != S2S_SECURE || !l->asked_auth || !str_is(from, l->remote) || !str_is(to, l->local))
		return unsolicited(l);
	if (str_is(type, "valid")) {
		s2s_link_open(l);
		return 0;
	}
	l->why = "it does not believe that we are who we are (dialback)";
	l->refused = true;
	s2s_link_end(l, NULL, NULL);
	return S2S_STOP;
}

int s2s_dialback_element(struct s2s_link *l, struct arena *a, const struct node *n)
{
	struct jid from, to;
	struct str type = node_attr(n, "type");
	bool result = node_is(n, NS_DIALBACK, "result"), verify = node_is(n, NS_DIALBACK, "verify");

	if (!result && !verify)
		return s2s_link_fault(l, "unsupported-stanza-type", NULL);
	if (l->phase == S2S_PLAIN)
		return s2s_link_fault(l, "not-authorized", "TLS first");
	if (jid_parse(a, node_attr(n, "from"), &from) < 0 || jid_parse(a, node_attr(n, "to"), &to) < 0 || from.local.n ||
	    from.resource.n || to.local.n || to.resource.n)
		return s2s_link_fault(l, "improper-addressing", NULL);
	if (type.n && result)
		return on_result_answer(l, from.domain, to.domain, type);
	if (type.n)
		return on_verify_answer(l, n, from.domain, to.domain, type);
	if (result && l->out)
		return s2s_link_fault(l, "policy-violation", NULL);
	return result ? on_result(l, a, n, from.domain, to.domain) : on_verify(l, a, n, from.domain, to.domain);
}
