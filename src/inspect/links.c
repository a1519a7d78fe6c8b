/* links.c - see links.h. It names what it saw; the guard turns findings, weights and policy into an action. */
#include "inspect/links.h"

#include <stdio.h>

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

/* The host with its dots broken, so that the evidence is no live link. */
static struct str evidence(const struct url *u, char *text, size_t cap)
{
	size_t n = 0;

	for (size_t i = 0; i < u->host.n && n + 4 < cap; i++) {
		if (u->host.p[i] == '.') {
			memcpy(text + n, "[.]", 3);
			n += 3;
		} else {
			text[n++] = u->host.p[i];
		}
	}
	return str_make(text, n);
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

void links_verdict(const struct links *links, const struct links_conf *conf, struct verdict *v)
{
	for (unsigned i = 0; i < links->n; i++) {
		const struct url *u = &links->v[i];
		const struct lookalike_name *like;
		char text[EVIDENCE_BYTES];
		struct str where = evidence(u, text, sizeof(text));

		if (denied(u, conf->denied))
			inspect_add(v, LINK_DENIED, where);
		if (mismatch(u))
			inspect_add(v, LINK_TEXT_MISMATCH, where);
		if (u->userinfo)
			inspect_add(v, LINK_USERINFO, where);
		if (u->mixed_script)
			inspect_add(v, LINK_MIXED_SCRIPT, where);
		if (links_trusted(u, conf))
			continue;
		like = lookalike_find(u, conf->own, conf->n_own);
		if (like)
			inspect_add(v, LINK_LOOKALIKE, where);
		else if (lookalike_find(u, conf->brands, conf->n_brands))
			inspect_add(v, LINK_BRAND_LOOKALIKE, where);
		if (u->ip)
			inspect_add(v, LINK_IP_LITERAL, where);
		if (u->obfuscated)
			inspect_add(v, LINK_OBFUSCATED, where);
		if (url_is_program(u))
			inspect_add(v, LINK_FILE, where);
	}
	if (links->more)
		inspect_add(v, LINK_MANY, STR_NONE);
}
