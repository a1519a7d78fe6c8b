/* links.c - see links.h. It names what it saw; the guard turns findings, weights and policy into an action. */
#include "inspect/links.h"

#include <stdio.h>

#include "inspect/defang.h"
#include "inspect/lexical.h"
#include "inspect/url_path.h"

/* Markup repeats what the body says: the same link twice is one. */
static void add(struct links *l, struct url u)
{
	for (unsigned i = 0; i < l->n; i++)
		if (str_eq(l->v[i].host, u.host) && str_eq(l->v[i].path, u.path) && str_eq(l->v[i].shown, u.shown)) {
			l->v[i].userinfo = l->v[i].userinfo || u.userinfo;
			l->v[i].obfuscated = l->v[i].obfuscated || u.obfuscated;
			return;
		}
	if (l->n == URLS)
		l->more = true;
	else
		l->v[l->n++] = u;
}

static void add_text(struct links *l, struct str text, struct arena *a)
{
	struct url found[URLS];
	bool more;
	unsigned n = url_find(text, a, found, &more);

	l->more = l->more || more;
	for (unsigned i = 0; i < n; i++)
		add(l, found[i]);
}

void links_gather(const struct subject *s, struct arena *a, struct links *ret)
{
	ret->n = 0;
	ret->more = s->more_links;
	ret->known = s->known;
	ret->shared = s->shared;
	ret->n_shared = s->n_shared;
	ret->a = a;
	for (unsigned i = 0; i < s->n_links; i++) {
		struct url u;

		if (!url_parse(s->links[i].target, a, &u))
			continue;
		u.shown = s->links[i].shown;
		add(ret, u);
	}
	add_text(ret, s->body, a);
	add_text(ret, s->topic, a);
}

static bool within(struct str host, struct str domain)
{
	if (!str_ends(host, domain))
		return false;
	return host.n == domain.n || host.p[host.n - domain.n - 1] == '.';
}

bool links_trusted(const struct url *u, const struct links_conf *conf)
{
	if (u->userinfo || u->ip)
		return false;
	for (size_t i = 0; i < conf->n_own; i++)
		if (within(u->host, conf->own[i].domain))
			return true;
	for (size_t i = 0; i < conf->n_trusted; i++)
		if (within(u->host, conf->trusted[i]))
			return true;
	return false;
}

bool links_everyday(const struct url *u, const struct links_conf *conf)
{
	for (size_t i = 0; i < conf->n_everyday; i++)
		if (within(u->host, conf->everyday[i]))
			return true;
	return false;
}

static bool denied(const struct url *u, const struct map *list)
{
	char key[512];
	size_t n = u->host.n;

	if (!list || n > 253)
		return false;
	if (map_get(list, u->host) || map_get(list, u->site))
		return true;
	memcpy(key, u->host.p, n);
	if (u->path.n > sizeof(key) - n)
		return false;
	memcpy(key + n, u->path.p, u->path.n);
	return map_get(list, str_make(key, n + u->path.n)) != NULL;
}

static const struct feed_set *better(const struct feed_set *had, const struct feed_set *sets, size_t n, const struct url *u, bool wide)
{
	for (size_t i = 0; i < n && !(had && had->trusted); i++)
		if (feed_has(&sets[i], u, wide))
			had = had && !sets[i].trusted ? had : &sets[i];
	return had;
}

/* A list that names a site of everybody's, or our own, is wrong or poisoned: there a single page alone counts. */
const struct feed_set *links_listed(const struct url *u, const struct links_conf *conf, const struct feed_set *shared, unsigned n_shared)
{
	bool wide = !links_everyday(u, conf) && !links_trusted(u, conf);

	return better(better(NULL, conf->feeds, conf->n_feeds, u, wide), shared, n_shared, u, wide);
}

static void on_list(const struct links *links, const struct url *u, const struct links_conf *conf, struct str where, struct verdict *v)
{
	const struct feed_set *s = links_listed(u, conf, links->shared, links->n_shared);
	char text[EVIDENCE_BYTES];

	if (!s)
		return;
	snprintf(text, sizeof(text), "%.*s (%.*s)", (int)(where.n < 60 ? where.n : 60), where.p, (int)(s->name.n < 30 ? s->name.n : 30), s->name.p);
	inspect_add(v, s->trusted ? LINK_LISTED : LINK_REPORTED, str_of(text));
}

/* The reader is shown one site and led to another. A shown text without a host says nothing. */
static bool mismatch(const struct url *u)
{
	struct arena *a;
	struct url shown[URLS];
	bool more, wrong = false;
	unsigned n;

	if (u->shown.n == 0)
		return false;
	a = arena_new(256 * 1024);
	n = a ? url_find(u->shown, a, shown, &more) : 0;
	for (unsigned i = 0; i < n; i++)
		wrong = wrong || !str_eq(shown[i].site, u->site);
	arena_free(&a);
	return wrong;
}

static bool is_shortener(const struct url *u, const struct links_conf *conf)
{
	for (size_t i = 0; i < conf->n_shorteners; i++)
		if (within(u->host, conf->shorteners[i]))
			return u->path.n > 1;
	return false;
}

/* Addresses of the own network (RFC 1918, 3927, 4193): people at work send them all day. */
static bool is_private(struct str host)
{
	static const char *const begin[] = { "10.", "127.", "192.168.", "169.254.", "fe80:", "fc", "fd" };

	for (size_t i = 0; i < sizeof(begin) / sizeof(begin[0]); i++)
		if (str_starts(host, str_of(begin[i])))
			return true;
	return str_starts(host, STR("172.")) && host.n > 6 && host.p[6] == '.' && memcmp(host.p + 4, "16", 2) >= 0 && memcmp(host.p + 4, "31", 2) <= 0;
}

static bool odd_port(const struct url *u)
{
	return u->port && u->port != 80 && u->port != 443 && u->port != 8080 && u->port != 8443 && !(u->ip && is_private(u->host));
}

/* What the model says of its spelling, and why. Everyday sites are no news. */
static void lexical(const struct url *u, const struct links_conf *conf, struct str where, struct verdict *v)
{
	struct lexical l;
	char reason[LEXICAL_REASON], text[EVIDENCE_BYTES];

	if ((u->ip && is_private(u->host)) || links_everyday(u, conf) || lookalike_genuine(u, conf->brands, conf->n_brands))
		return;
	lexical_read(u, &l);
	if (!lexical_bad(u, &l))
		return;
	lexical_reason(&l, reason);
	snprintf(text, sizeof(text), "%.*s (%s)", (int)(where.n < 60 ? where.n : 60), where.p, reason);
	inspect_add(v, LINK_LEXICAL, str_of(text));
}

/* What one link says, trusted or not: nobody has a reason to write any link like that. */
static void judge_form(const struct links *links, const struct url *u, const struct links_conf *conf, struct str where, struct verdict *v)
{
	if (denied(u, conf->denied))
		inspect_add(v, LINK_DENIED, where);
	on_list(links, u, conf, where, v);
	if (mismatch(u))
		inspect_add(v, LINK_TEXT_MISMATCH, where);
	if (u->userinfo)
		inspect_add(v, LINK_USERINFO, where);
	if (u->mixed_script)
		inspect_add(v, LINK_MIXED_SCRIPT, where);
}

static void judge_site(const struct url *u, const struct links_conf *conf, bool known, struct str where, struct verdict *v)
{
	if (lookalike_find(u, conf->own, conf->n_own))
		inspect_add(v, LINK_LOOKALIKE, where);
	else if (lookalike_find(u, conf->brands, conf->n_brands))
		inspect_add(v, LINK_BRAND_LOOKALIKE, where);
	else
		lexical(u, conf, where, v);
	if (u->ip)
		inspect_add(v, LINK_IP_LITERAL, where);
	if (odd_port(u))
		inspect_add(v, LINK_PORT, where);
	if (u->obfuscated)
		inspect_add(v, LINK_OBFUSCATED, where);
	if (url_is_program(u))
		inspect_add(v, LINK_FILE, where);
	if (url_path_disguised(u))
		inspect_add(v, LINK_DISGUISED, where);
	if (!known && is_shortener(u, conf))
		inspect_add(v, LINK_SHORTENER, where);
}

/* Is it written so that a reader does not see the link in the link? */
static bool is_hidden(const struct url *u)
{
	for (size_t i = 0; i + 5 < u->path.n; i++)
		if (str_starts(str_cut(u->path, i), STR("aHR0c")) || str_eq_nocase(str_make(u->path.p + i, 6), STR("%3a%2f")))
			return true;
	return url_path_redirector(u);
}

static void judge(const struct links *links, const struct url *u, const struct links_conf *conf, struct verdict *v)
{
	char text[EVIDENCE_BYTES];
	struct str where = defang_host(u->host, text, sizeof(text));
	struct url nested[URL_PATH_NESTED];
	unsigned n = url_path_nested(u, links->a, nested);

	judge_form(links, u, conf, where, v);
	if (!links_trusted(u, conf))
		judge_site(u, conf, links->known, where, v);
	for (unsigned i = 0; i < n; i++) {
		if (str_eq(nested[i].site, u->site) || links_trusted(&nested[i], conf))
			continue;
		if (is_hidden(u))
			inspect_add(v, LINK_REDIRECT, where);
		where = defang_host(nested[i].host, text, sizeof(text));
		judge_form(links, &nested[i], conf, where, v);
		judge_site(&nested[i], conf, true, where, v);
	}
}

void links_verdict(const struct links *links, const struct links_conf *conf, struct verdict *v)
{
	for (unsigned i = 0; i < links->n; i++)
		judge(links, &links->v[i], conf, v);
	if (links->more)
		inspect_add(v, LINK_MANY, STR_NONE);
}
