/* s2s_policy.c - see s2s_policy.h. */
#include "s2s/s2s_policy.h"

#include "base/limits.h"
#include "core/component.h"
#include "core/service.h"
#include "core/state.h"
#include "xmpp/jid.h"

#define POLICY_ARENA_BYTES 65536

/* "example.org", or "*.example.org" for what is beneath it; as written in addresses or in the DNS. */
static bool fits(const char *pattern, struct str domain)
{
	struct str p = str_of(pattern);

	if (!str_starts(p, STR("*.")))
		return str_eq_nocase(p, domain);
	p = str_cut(p, 1);
	return domain.n > p.n && str_eq_nocase(p, str_cut(domain, domain.n - p.n));
}

static bool listed(const struct config_texts *list, struct str domain, struct str ascii)
{
	for (unsigned i = 0; i < list->n; i++)
		if (fits(list->v[i], domain) || fits(list->v[i], ascii))
			return true;
	return false;
}

bool s2s_policy_allows(const struct config *c, struct str domain)
{
	struct arena *a = arena_new(POLICY_ARENA_BYTES);
	struct str ascii;
	bool ok = a && jid_domain_ascii(a, domain, &ascii) == 0;

	ok = ok && !listed(&c->s2s.deny, domain, ascii) && (c->s2s.allow.n == 0 || listed(&c->s2s.allow, domain, ascii));
	arena_free(&a);
	return ok;
}

const struct config_peer *s2s_policy_peer(const struct config *c, struct str domain)
{
	for (unsigned i = 0; i < c->n_peers; i++)
		if (str_eq_nocase(str_of(c->peers[i].domain), domain))
			return &c->peers[i];
	return NULL;
}

bool s2s_policy_is_ours(const struct server *srv, struct str domain)
{
	return server_is_local(srv, domain) || service_of(srv, domain);
}

static bool beneath(struct str domain, struct str above)
{
	return domain.n > above.n + 1 && str_ends(domain, above) && domain.p[domain.n - above.n - 1] == '.';
}

static bool looks_like(struct str domain, struct str ours)
{
	struct arena *a = arena_new(POLICY_ARENA_BYTES);
	struct str one, other;
	bool same = !a || jid_skeleton(a, domain, &one) < 0 || jid_skeleton(a, ours, &other) < 0 || str_eq(one, other);

	arena_free(&a);
	return same;
}

bool s2s_policy_poses(const struct server *srv, struct str domain)
{
	if (s2s_policy_is_ours(srv, domain) || component_of(srv, domain))
		return true;
	if (s2s_policy_peer(srv->config, domain))
		return false;
	return beneath(domain, srv->domain) || looks_like(domain, srv->domain);
}
