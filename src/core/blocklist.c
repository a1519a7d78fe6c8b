/* blocklist.c - see blocklist.h. Whoever publishes a list tells us about others: what he says weighs as much as policy
 * trusts him (peers), and decides nothing alone when it does not. */
#include "core/blocklist.h"

#include <openssl/sha.h>

#include "base/b64.h"
#include "core/state.h"

static bool is_hash(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if (!((s.p[i] >= '0' && s.p[i] <= '9') || (s.p[i] >= 'a' && s.p[i] <= 'f')))
			return false;
	return s.n == BLOCKLIST_HASH;
}

static struct map *list_of(struct server *srv, struct str name)
{
	struct map *m;

	if (!srv->blocklists)
		srv->blocklists = map_new(BLOCKLISTS);
	m = srv->blocklists ? map_get(srv->blocklists, name) : NULL;
	if (m || !srv->blocklists)
		return m;
	m = map_new(BLOCKLIST_ENTRIES);
	if (m && map_put(srv->blocklists, name, m) < 0)
		map_free(&m);
	return m;
}

int blocklist_add(struct server *srv, struct str list, struct str hash)
{
	struct map *m;

	if (!is_hash(hash))
		return ERR_BAD_FORMAT;
	m = list_of(srv, list);
	return m ? map_put(m, hash, srv) : ERR_LIMIT;
}

void blocklist_remove(struct server *srv, struct str list, struct str hash)
{
	struct map *m = srv->blocklists ? map_get(srv->blocklists, list) : NULL;

	if (m)
		map_take(m, hash);
}

void blocklist_clear(struct server *srv, struct str list)
{
	struct map *m = srv->blocklists ? map_take(srv->blocklists, list) : NULL;

	map_free(&m);
}

void blocklist_stop(struct server *srv)
{
	struct map_iter it = { 0 };
	void *v;

	while (srv->blocklists && map_next(srv->blocklists, &it, NULL, &v)) {
		struct map *m = v;

		map_free(&m);
	}
	map_free(&srv->blocklists);
}

static void hash_of(struct str text, char ret[BLOCKLIST_HASH + 1])
{
	uint8_t bin[SHA256_DIGEST_LENGTH];

	SHA256((const uint8_t *)text.p, text.n, bin);
	b64_hex(bin, sizeof(bin), ret);
}

/* "rtbl.partner.example bans" is partner.example's, or a peer of its own. */
static bool is_trusted(const struct policy *p, struct str list)
{
	ptrdiff_t blank = str_find_char(list, ' '), dot;
	struct str service = blank < 0 ? list : str_make(list.p, (size_t)blank);
	enum subject_trust trust;

	if (policy_trust(p, service, &trust))
		return trust == TRUST_HIGH;
	dot = str_find_char(service, '.');
	return dot >= 0 && policy_trust(p, str_cut(service, (size_t)dot + 1), &trust) && trust == TRUST_HIGH;
}

void blocklist_facts(const struct trip *t, struct subject *s)
{
	const struct server *srv = t->server;
	char bare[BLOCKLIST_HASH + 1], domain[BLOCKLIST_HASH + 1];
	struct map_iter it = { 0 };
	struct str name;
	void *v;

	if (!trip_is_foreign(t) || !srv->blocklists || map_count(srv->blocklists) == 0)
		return;
	hash_of(t->from.bare, bare);
	hash_of(t->from.domain, domain);
	while (!s->listed_trusted && map_next(srv->blocklists, &it, &name, &v))
		if (map_get(v, str_of(bare)) || map_get(v, str_of(domain))) {
			s->listed_by = arena_str(t->arena, name);
			s->listed_trusted = is_trusted(guard_policy(srv->guard), name);
		}
}
