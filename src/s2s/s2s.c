/* s2s.c - federation as a whole: who may come, what may leave, and what an operator sees of it. */
#include "s2s/s2s.h"

#include <stdlib.h>

#include "base/log.h"
#include "base/secret.h"
#include "core/outward.h"
#include "net/listener.h"
#include "s2s/s2s_parts.h"
#include "s2s/s2s_policy.h"
#include "s2s/s2s_trust.h"
#include "xmpp/jid.h"

#define STATUS_LINKS 200		/* shown at most */

/* --- what leaves ------------------------------------------------------------------------------------------- */

static bool serves(void *ctx, struct str domain)
{
	struct s2s *s = ctx;

	return s->srv->config->s2s.enabled && !s2s_policy_is_ours(s->srv, domain) && s2s_policy_allows(s->srv->config, domain);
}

/* The stanza's own addresses, or these when it has none. */
static const struct node *addressed(struct arena *a, const struct jid *from, const struct jid *to, const struct node *stanza)
{
	struct node *n;

	if (node_has_attr(stanza, "from") && node_has_attr(stanza, "to"))
		return stanza;
	n = node_dup(a, stanza);
	if (!n || node_set_attr(a, n, "from", from->full) < 0 || node_set_attr(a, n, "to", to->full) < 0)
		return NULL;
	return n;
}

static int send_kept(void *ctx, const struct jid *from, const struct jid *to, const struct node *stanza, uint32_t seq)
{
	struct s2s *s = ctx;
	struct s2s_peer *p;
	struct arena *a;
	int r;

	CHECK_OBJ(s, S2S_MAGIC);
	if (s->stopping)
		return ERR_UNAVAILABLE;
	if (!s2s_policy_is_ours(s->srv, from->domain))
		return ERR_REMOTE;		/* nobody passes through here from one network to the other */
	p = s2s_peer_get(s, from->domain, to->domain);
	if (!p)
		return ERR_LIMIT;
	a = arena_new(LIMIT_STANZA_BYTES_MAX * 16);
	stanza = a ? addressed(a, from, to, stanza) : NULL;
	r = stanza ? s2s_peer_send(p, stanza, seq) : ERR_LIMIT;
	arena_free(&a);
	return r;
}

static int send_out(void *ctx, const struct jid *from, const struct jid *to, const struct node *stanza)
{
	return send_kept(ctx, from, to, stanza, 0);
}

static bool reserve(void *ctx, const struct jid *from, const struct jid *to, struct outward_place *ret)
{
	struct s2s *s = ctx;
	struct s2s_peer *p = s->stopping ? NULL : s2s_peer_get(s, from->domain, to->domain);

	return p && outbox_reserve(&p->outbox, ret);
}

static void recall(void *ctx, const struct outward_recall *what)
{
	struct s2s *s = ctx;
	struct map_iter it = { 0 };
	void *p;

	while (map_next(s->peers, &it, NULL, &p))
		s2s_peer_recall(p, what);
}

/* --- what an operator sees -------------------------------------------------------------------------------------- */

static const char *state_of(const struct s2s_link *l)
{
	return l->closing ? "closing" : l->phase == S2S_OPEN ? "open" : "opening";
}

static void status(void *ctx, json_t *reply)
{
	struct s2s *s = ctx;
	json_t *links = json_array();
	unsigned n = 0;

	CHECK_OBJ(s, S2S_MAGIC);
	LIST_EACH(it, &s->links) {
		const struct s2s_link *l = s2s_link_of(it);

		if (!l->remote || n++ >= STATUS_LINKS)
			continue;
		json_array_append_new(links, json_pack("{s:s, s:s, s:s, s:s, s:s, s:b}", "peer", l->remote, "ours", l->local ? l->local : "",
						       "way", l->out ? "out" : "in", "state", state_of(l), "proof",
						       l->trusted ? "certificate" : "dialback", "both_ways", l->bidi));
	}
	json_object_set_new(reply, "s2s_links", links);
	json_object_set_new(reply, "s2s_peers", json_integer((json_int_t)map_count(s->peers)));
	json_object_set_new(reply, "s2s_queued_bytes", json_integer((json_int_t)s->queued_bytes));
}

/* --- the whole ------------------------------------------------------------------------------------------------------ */

static void on_accept(void *ctx, int fd, const struct sockaddr_storage *from)
{
	struct s2s *s = ctx;

	CHECK_OBJ(s, S2S_MAGIC);
	s2s_link_accept(s, fd, from);
}

static int set_up(struct s2s *s, int fd, struct arena *a, struct str *ret_why)
{
	const struct config *c = s->srv->config;
	struct dns_conf conf = { .resolver = c->s2s.resolver, .trust_anchor = c->s2s.trust_anchor,
				 .private_addresses = c->s2s.private_addresses };
	int r;

	s->peers = map_new(LIMIT_S2S_PEERS);
	if (!s->peers)
		return ERR_NOMEM;
	r = dns_new(s->srv->loop, &conf, a, &s->dns, ret_why);
	if (r < 0)
		return r;
	*ret_why = STR("the listening socket for servers cannot be watched");
	return fd < 0 ? 0 : listener_new(s->srv->loop, fd, on_accept, s, &s->listener);
}

static struct outbox *find_saved(void *ctx, struct str ours, struct str theirs)
{
	struct s2s_peer *p = s2s_peer_get(ctx, ours, theirs);

	return p ? &p->outbox : NULL;
}

static int take_saved(void *ctx, struct outbox *o, struct str bytes, uint32_t seq)
{
	struct s2s_peer *p = s2s_peer_get(ctx, str_of(o->ours), str_of(o->theirs));

	return p ? s2s_peer_restore(p, bytes, seq) : ERR_NOMEM;
}

int s2s_new(struct server *srv, const struct s2s_parts *parts, struct arena *a, struct s2s **ret, struct str *ret_why)
{
	static const struct outward_ops ops = { .serves = serves, .send = send_out, .reserve = reserve, .send_kept = send_kept, .recall = recall,
						.status = status };
	struct s2s *s = calloc(1, sizeof(*s));
	const struct outbox_taker taker = { .kind = OUTBOX_S2S, .find = find_saved, .take = take_saved, .ctx = s };
	int r;

	*ret_why = STR("out of memory");
	if (!s)
		return ERR_NOMEM;
	s->magic = S2S_MAGIC;
	s->srv = srv;
	s->tls = parts->tls;
	s->trust = parts->trust;
	list_init(&s->links);
	r = set_up(s, parts->fd, a, ret_why);
	if (r < 0) {
		s2s_free(&s);
		return r;
	}
	s2s_dialback_start(s);
	outward_register(srv, &ops, s);
	outbox_take(parts->saved, &taker);
	*ret_why = STR_NONE;
	*ret = s;
	return 0;
}

void s2s_reload(struct s2s *s, struct tls_ctx *tls, struct s2s_trust *trust)
{
	CHECK_OBJ(s, S2S_MAGIC);
	if (tls) {
		tls_ctx_unref(&s->tls);
		s->tls = tls;
	}
	if (trust) {
		s2s_trust_free(&s->trust);
		s->trust = trust;
	}
	LIST_EACH(it, &s->links) {
		struct s2s_link *l = s2s_link_of(it);

		if (l->remote && (!s->srv->config->s2s.enabled || !s2s_policy_allows(s->srv->config, str_of(l->remote))))
			s2s_link_end(l, "policy-violation", NULL);
	}
}

void s2s_stop(struct s2s *s)
{
	void *p;

	if (!s)
		return;
	CHECK_OBJ(s, S2S_MAGIC);
	for (struct map_iter it = { 0 }; map_next(s->peers, &it, NULL, &p);)
		s2s_peer_settle(p, 0);
	s->stopping = true;
	listener_free(&s->listener);
	LIST_EACH(it, &s->links)
		s2s_link_end(s2s_link_of(it), s2s_link_of(it)->phase == S2S_OPEN ? "system-shutdown" : NULL, NULL);
}

void s2s_free(struct s2s **ref)
{
	struct s2s *s = *ref;
	void *p;

	if (!s)
		return;
	CHECK_OBJ(s, S2S_MAGIC);
	*ref = NULL;
	loop_timer_cancel(s->srv->loop, &s->rotate);
	listener_free(&s->listener);
	for (struct map_iter it = { 0 }; s->peers && map_next(s->peers, &it, NULL, &p); it = (struct map_iter){ 0 })
		s2s_peer_free(p);
	dns_free(&s->dns);
	map_free(&s->peers);
	tls_ctx_unref(&s->tls);
	s2s_trust_free(&s->trust);
	secret_wipe(s->secret, sizeof(s->secret));
	s->magic = 0;
	free(s);
}
