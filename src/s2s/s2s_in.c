/* s2s_in.c - a server comes to us: TLS, then SASL EXTERNAL (XEP-0178) or, where the policy has it, dialback. */
#include <stdio.h>

#include "base/b64.h"
#include "base/log.h"
#include "s2s/s2s_parts.h"
#include "s2s/s2s_policy.h"
#include "s2s/s2s_trust.h"
#include "xmpp/jid.h"
#include "xmpp/ns.h"

#define AUTHZID_MOST 1400

static bool may_dialback(const struct s2s_link *l)
{
	return l->s->srv->config->s2s.dialback != CONFIG_DIALBACK_NEVER;
}

static void send_features(struct s2s_link *l)
{
	struct buf b;

	buf_init(&b, 4096);
	buf_printf(&b, "<stream:features>");
	if (l->phase == S2S_PLAIN)
		buf_printf(&b, "<starttls xmlns='" NS_TLS "'><required/></starttls>");
	if (l->phase == S2S_SECURE && l->trusted)
		buf_printf(&b, "<mechanisms xmlns='" NS_SASL "'><mechanism>EXTERNAL</mechanism></mechanisms>");
	if (l->phase == S2S_SECURE && may_dialback(l))
		buf_printf(&b, "<dialback xmlns='" NS_DIALBACK_FEATURE "'><errors/></dialback>");
	if (l->phase == S2S_SECURE)
		buf_printf(&b, "<bidi xmlns='" NS_BIDI_FEATURE "'/>");
	buf_printf(&b, "</stream:features>");
	if (!b.failed && s2s_link_send(l, buf_str(&b)) < 0)
		log_event(LOG_DEBUG, "s2s.unsent");
	buf_release(&b);
}

/* RFC 6120 4.7.5: a version is two numbers; what has none is older than TLS between servers. */
static bool version_fits(struct str v)
{
	ptrdiff_t dot = str_find_char(v, '.');
	uint64_t major, minor;

	return dot > 0 && str_to_u64(str_make(v.p, (size_t)dot), 1000, &major) && str_to_u64(str_cut(v, (size_t)dot + 1), 1000, &minor) &&
	       major >= 1;
}

/* Who says he is it? 0, or S2S_STOP. */
static int check_from(struct s2s_link *l, struct arena *a, struct str text)
{
	struct jid from;

	if (text.n == 0 && l->phase == S2S_PLAIN)
		return 0;			/* RFC 6120 4.7.1: it may wait with it until nobody listens */
	if (text.n == 0 || jid_parse(a, text, &from) < 0 || from.local.n || from.resource.n)
		return s2s_link_fault(l, text.n ? "invalid-from" : "improper-addressing", NULL);
	if (l->remote && !str_is(from.domain, l->remote))
		return s2s_link_fault(l, l->phase == S2S_PROVEN ? "invalid-from" : "not-authorized", NULL);
	if (s2s_policy_poses(l->s->srv, from.domain)) {
		log_event(LOG_WARN, "s2s.poses_as_us", LOG_S("domain", from.domain));
		return s2s_link_fault(l, "not-authorized", NULL);
	}
	if (!s2s_policy_allows(l->s->srv->config, from.domain))
		return s2s_link_fault(l, "policy-violation", "this server does not speak with that domain");
	if (!l->remote && !s2s_link_name(&l->remote, from.domain))
		return s2s_link_fault(l, "resource-constraint", NULL);
	return 0;
}

static int check_to(struct s2s_link *l, struct arena *a, struct str text)
{
	struct jid to;

	if (jid_parse(a, text, &to) < 0 || to.local.n || to.resource.n || !s2s_policy_is_ours(l->s->srv, to.domain))
		return s2s_link_fault(l, "host-unknown", NULL);
	if (l->local && !str_is(to.domain, l->local))
		return s2s_link_fault(l, "not-authorized", NULL);
	return l->local || s2s_link_name(&l->local, to.domain) ? 0 : s2s_link_fault(l, "resource-constraint", NULL);
}

/* TLS stands and it has said who it is: does its certificate say so, too? */
static int judge(struct s2s_link *l)
{
	const char *why = NULL;

	l->trusted = s2s_trust_holds(l->s->trust, conn_ssl(l->conn), str_of(l->remote), &why);
	if (l->trusted || may_dialback(l))
		return 0;
	log_event(LOG_WARN, "s2s.refused", LOG_Z("peer", l->remote), LOG_Z("way", "in"), LOG_Z("why", why));
	return s2s_link_fault(l, "not-authorized", why);
}

int s2s_in_header(struct s2s_link *l, const struct node *header)
{
	struct arena *a = arena_new(65536);
	int r = a ? check_to(l, a, node_attr(header, "to")) : S2S_STOP;

	if (r == 0 && !version_fits(node_attr(header, "version")))
		r = s2s_link_fault(l, "unsupported-version", NULL);
	if (r == 0)
		r = check_from(l, a, node_attr(header, "from"));
	arena_free(&a);
	if (r == 0 && l->phase == S2S_SECURE)
		r = judge(l);
	if (r < 0)
		return r;
	s2s_link_header(l);
	if (l->phase == S2S_PROVEN)
		s2s_link_open(l);
	send_features(l);
	return l->closing ? S2S_STOP : 0;
}

void s2s_in_secured(struct s2s_link *l)
{
	(void)l;			/* its header comes first */
}

/* --- elements ---------------------------------------------------------------------------------------------- */

static int fail(struct s2s_link *l, const char *condition)
{
	char xml[256];

	snprintf(xml, sizeof(xml), "<failure xmlns='" NS_SASL "'><%s/></failure>", condition);
	s2s_link_say(l, xml);
	l->s->srv->metrics.login_failures++;
	log_event(LOG_WARN, "s2s.sasl_failed", LOG_Z("peer", l->remote), LOG_Z("condition", condition));
	return ++l->tries >= LIMIT_AUTH_TRIES ? s2s_link_fault(l, "policy-violation", NULL) : l->closing ? S2S_STOP : 0;
}

/* XEP-0178 3: empty ("="), or the domain that the stream is from. */
static bool authzid_fits(const struct s2s_link *l, struct arena *a, struct str text, bool *ret_readable)
{
	uint8_t raw[AUTHZID_MOST];
	struct jid jid;
	size_t n = 0;

	*ret_readable = true;
	if (text.n == 0 || str_is(text, "="))
		return true;
	*ret_readable = b64_decode(text, raw, sizeof(raw), &n) == 0;
	return *ret_readable && jid_parse(a, str_make((const char *)raw, n), &jid) == 0 && !jid.local.n && !jid.resource.n &&
	       str_is(jid.domain, l->remote);
}

static int on_auth(struct s2s_link *l, struct arena *a, const struct node *n)
{
	bool readable;

	if (!str_is(node_attr(n, "mechanism"), "EXTERNAL"))
		return fail(l, "invalid-mechanism");
	if (!authzid_fits(l, a, str_trim(node_text(a, n)), &readable))
		return fail(l, readable ? "invalid-authzid" : "incorrect-encoding");
	if (!l->trusted)
		return fail(l, "not-authorized");
	s2s_link_say(l, "<success xmlns='" NS_SASL "'/>");
	l->phase = S2S_PROVEN;
	s2s_link_restart(l);
	return l->closing ? S2S_STOP : 0;
}

int s2s_in_element(struct s2s_link *l, struct arena *a, const struct node *n)
{
	if (l->phase == S2S_PLAIN) {
		if (!node_is(n, NS_TLS, "starttls"))
			return s2s_link_fault(l, "not-authorized", "TLS first");
		l->starttls = true;
		return S2S_STOP;
	}
	if (l->phase != S2S_SECURE)
		return s2s_link_fault(l, "not-authorized", NULL);
	if (str_is(n->ns, NS_DIALBACK))
		return s2s_dialback_element(l, a, n);
	if (node_is(n, NS_BIDI, "bidi")) {
		l->wants_bidi = true;
		return 0;
	}
	if (node_is(n, NS_SASL, "auth"))
		return on_auth(l, a, n);
	return s2s_link_fault(l, "not-authorized", NULL);
}

void s2s_in_verified(struct s2s_link *l, bool valid, const char *condition)
{
	if (l->verifying)
		l->verifying--;
	if (l->closing || l->phase != S2S_SECURE)
		return;
	log_event(LOG_INFO, "s2s.dialback", LOG_Z("peer", l->remote), LOG_Z("answer", valid ? "valid" : condition ? condition : "invalid"));
	s2s_dialback_reply(l, valid, condition);
	if (valid)
		s2s_link_open(l);
	else if (!condition)
		s2s_link_end(l, NULL, NULL);	/* XEP-0220 2.4.2 */
}
