/* s2s_out.c - we come to another server: TLS, its certificate, then SASL EXTERNAL with ours, or dialback.
 *
 * A server whose certificate is not valid for its domain gets nothing from us, but for a question of dialback where the
 * policy leaves it to the DNS alone (s2s.dialback: tls).
 */
#include "base/b64.h"
#include "base/log.h"
#include "s2s/s2s_parts.h"
#include "s2s/s2s_trust.h"
#include "xmpp/ns.h"
#include "xmpp/wire.h"

#define THEIR_ID_MOST 512

static int give_up(struct s2s_link *l, const char *why, bool refused)
{
	l->why = why;
	l->refused = refused;
	log_event(LOG_NOTE, "s2s.gave_up", LOG_Z("peer", l->remote), LOG_Z("why", why));
	s2s_link_end(l, NULL, NULL);
	return S2S_STOP;
}

int s2s_out_header(struct s2s_link *l, const struct node *header)
{
	struct str id = node_attr(header, "id");

	if (id.n > THEIR_ID_MOST || !s2s_link_name(&l->their_id, id))
		return s2s_link_fault(l, "policy-violation", NULL);
	if (node_attr(header, "version").n == 0)
		return give_up(l, "it does not offer encryption", true);
	return 0;
}

void s2s_out_secured(struct s2s_link *l)
{
	const char *why = NULL;

	l->trusted = s2s_trust_holds(l->s->trust, conn_ssl(l->conn), str_of(l->remote), &why);
	if (!l->trusted && l->s->srv->config->s2s.dialback != CONFIG_DIALBACK_TLS) {
		log_event(LOG_WARN, "s2s.refused", LOG_Z("peer", l->remote), LOG_Z("way", "out"), LOG_Z("why", why));
		l->why = why;
		l->refused = true;
		s2s_link_header(l);
		s2s_link_end(l, NULL, NULL);
		return;
	}
	s2s_link_header(l);
}

/* --- proof ----------------------------------------------------------------------------------------------------- */

static void external(struct s2s_link *l)
{
	char text[B64_LEN(LIMIT_JID_PART) + 1];
	struct buf b;

	if (l->can_bidi && l->trusted) {
		l->wants_bidi = true;
		s2s_link_say(l, "<bidi xmlns='" NS_BIDI "'/>");
	}
	buf_init(&b, 4096);
	b64_encode(l->local, strlen(l->local), text);
	buf_printf(&b, "<auth xmlns='" NS_SASL "' mechanism='EXTERNAL'>%s</auth>", text);
	if (b.failed || s2s_link_send(l, buf_str(&b)) < 0)
		conn_abort(l->conn);
	buf_release(&b);
}

static void dialback(struct s2s_link *l)
{
	char key[S2S_KEY_BYTES];
	struct buf b;

	if (l->can_bidi && l->trusted && !l->wants_bidi) {
		l->wants_bidi = true;
		s2s_link_say(l, "<bidi xmlns='" NS_BIDI "'/>");
	}
	s2s_dialback_key(l->s, 0, str_of(l->remote), str_of(l->local), str_of(l->their_id ? l->their_id : ""), key);
	buf_init(&b, 16384);
	buf_printf(&b, "<db:result from='");
	if (wire_escape(&b, str_of(l->local)) == 0 && buf_printf(&b, "' to='") == 0 && wire_escape(&b, str_of(l->remote)) == 0)
		buf_printf(&b, "'>%s</db:result>", key);
	if (b.failed || s2s_link_send(l, buf_str(&b)) < 0)
		conn_abort(l->conn);
	buf_release(&b);
}

void s2s_out_authenticate(struct s2s_link *l)
{
	if (l->closing || l->phase != S2S_SECURE || !l->features || l->asked_auth)
		return;
	l->asked_auth = true;
	if (l->can_external)
		external(l);
	else if (l->can_dialback)
		dialback(l);
	else
		give_up(l, "it offers no way to prove who we are", true);
}

static bool offers_external(struct arena *a, const struct node *features)
{
	const struct node *m = node_child(features, NS_SASL, "mechanisms");

	for (const struct node *c = m ? node_child(m, NS_SASL, "mechanism") : NULL; c; c = node_child_next(c, NS_SASL, "mechanism"))
		if (str_is(str_trim(node_text(a, c)), "EXTERNAL"))
			return true;
	return false;
}

static int on_features(struct s2s_link *l, struct arena *a, const struct node *n)
{
	if (l->features)
		return s2s_link_fault(l, "policy-violation", NULL);
	l->features = true;
	if (l->phase == S2S_PLAIN) {
		if (!node_child(n, NS_TLS, "starttls"))
			return give_up(l, "it does not offer encryption", true);
		s2s_link_say(l, "<starttls xmlns='" NS_TLS "'/>");
		return 0;
	}
	if (l->phase == S2S_PROVEN) {
		s2s_link_open(l);
		return l->closing ? S2S_STOP : 0;
	}
	l->can_external = offers_external(a, n);
	l->can_dialback = node_child(n, NS_DIALBACK_FEATURE, "dialback") != NULL;
	l->can_bidi = node_child(n, NS_BIDI_FEATURE, "bidi") != NULL;
	s2s_peer_ask(l->peer);
	if (s2s_peer_waits(l->peer))
		s2s_out_authenticate(l);
	return l->closing ? S2S_STOP : 0;
}

/* --- elements --------------------------------------------------------------------------------------------------- */

static int in_plain(struct s2s_link *l, const struct node *n)
{
	if (node_is(n, NS_TLS, "proceed") && l->features) {
		l->starttls = true;
		return S2S_STOP;
	}
	if (node_is(n, NS_TLS, "failure"))
		return give_up(l, "it cannot encrypt the connection", true);
	return s2s_link_fault(l, "not-authorized", "TLS first");
}

static int on_sasl(struct s2s_link *l, const struct node *n)
{
	if (!l->asked_auth || !l->can_external)
		return s2s_link_fault(l, "not-authorized", NULL);
	if (node_is(n, NS_SASL, "success")) {
		l->phase = S2S_PROVEN;
		s2s_link_restart(l);
		s2s_link_header(l);
		return l->closing ? S2S_STOP : 0;
	}
	if (!node_is(n, NS_SASL, "failure"))
		return s2s_link_fault(l, "not-authorized", NULL);
	l->can_external = false;
	if (!l->can_dialback)
		return give_up(l, "it does not take our certificate", true);
	dialback(l);
	return l->closing ? S2S_STOP : 0;
}

int s2s_out_element(struct s2s_link *l, struct arena *a, const struct node *n)
{
	if (node_is(n, NS_STREAM, "features"))
		return on_features(l, a, n);
	if (l->phase == S2S_PLAIN)
		return in_plain(l, n);
	if (l->phase == S2S_SECURE && str_is(n->ns, NS_SASL))
		return on_sasl(l, n);
	if (l->phase == S2S_SECURE && str_is(n->ns, NS_DIALBACK))
		return s2s_dialback_element(l, a, n);
	return s2s_link_fault(l, "not-authorized", NULL);
}
