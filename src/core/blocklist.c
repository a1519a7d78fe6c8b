/* blocklist.c - see blocklist.h. Whoever publishes a list tells us about others: what he says weighs as much as policy
 * trusts him (peers), and decides nothing alone when it does not. */
#include "core/blocklist.h"

#include <openssl/sha.h>
#include <stdlib.h>

#include "base/b64.h"
#include "base/check.h"
#include "base/clock.h"
#include "core/state.h"

#define WORDS 2				/* what is sure and what is not, a set of links each */

struct entry {
	uint64_t expires_ms, key;	/* key: of a link, as a feed_set holds it */
	uint8_t kind, weight;
	char print[GUARD_FINGERPRINT];	/* of a text */
};

struct shared_list {
	struct str name;
	struct map *entries;		/* hash -> struct entry */
	uint64_t *links[WORDS];
	size_t n_links[WORDS];
	unsigned n_texts;
	uint64_t next_ms;		/* when the first of them is over; 0: none ends */
	bool stale;			/* the sets of links are not those of the entries */
	char text[];			/* of the name */
};

struct blocklists {
	struct shared_list *v[BLOCKLISTS];
	unsigned n;
	struct feed_set sets[BLOCKLISTS * WORDS];
	unsigned n_sets;
	const struct policy *policy;	/* whose trust the sets show */
	bool stale;
};

static const char *const kinds[] = { "address", "link", "file", "text" };

const char *blocklist_kind_name(enum blocklist_kind kind)
{
	return kinds[kind];
}

bool blocklist_kind_parse(struct str name, enum blocklist_kind *ret)
{
	for (unsigned i = 0; i < ARRAY_SIZE(kinds); i++)
		if (str_is(name, kinds[i])) {
			*ret = (enum blocklist_kind)i;
			return true;
		}
	return false;
}

static bool is_hash(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if (!((s.p[i] >= '0' && s.p[i] <= '9') || (s.p[i] >= 'a' && s.p[i] <= 'f')))
			return false;
	return s.n == BLOCKLIST_HASH;
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

/* --- lists -------------------------------------------------------------------------------------------------------------- */

static struct shared_list *find(const struct server *srv, struct str name)
{
	struct blocklists *b = srv->blocklists;

	for (unsigned i = 0; b && i < b->n; i++)
		if (str_eq(b->v[i]->name, name))
			return b->v[i];
	return NULL;
}

static struct shared_list *open_list(struct server *srv, struct str name)
{
	struct shared_list *l = find(srv, name);

	if (!srv->blocklists)
		srv->blocklists = calloc(1, sizeof(*srv->blocklists));
	if (l || !srv->blocklists || srv->blocklists->n == BLOCKLISTS)
		return l;
	l = calloc(1, sizeof(*l) + name.n + 1);
	if (!l)
		return NULL;
	memcpy(l->text, name.p, name.n);
	l->name = str_make(l->text, name.n);
	l->entries = map_new(BLOCKLIST_ENTRIES);
	if (!l->entries) {
		free(l);
		return NULL;
	}
	srv->blocklists->v[srv->blocklists->n++] = l;
	return l;
}

static void drop(struct server *srv, struct shared_list *l, struct entry *e)
{
	if (e->kind == BLOCKLIST_TEXT) {
		guard_unshare(srv->guard, str_of(e->print));
		l->n_texts--;
	}
	l->stale = srv->blocklists->stale = l->stale || e->kind == BLOCKLIST_LINK;
	free(e);
}

static void close_list(struct server *srv, struct shared_list *l)
{
	struct map_iter it = { 0 };
	void *e;

	while (map_next(l->entries, &it, NULL, &e))
		drop(srv, l, e);
	map_free(&l->entries);
	for (unsigned w = 0; w < WORDS; w++)
		free(l->links[w]);
	free(l);
	srv->blocklists->stale = true;
}

void blocklist_clear(struct server *srv, struct str list)
{
	struct blocklists *b = srv->blocklists;

	for (unsigned i = 0; b && i < b->n; i++)
		if (str_eq(b->v[i]->name, list)) {
			close_list(srv, b->v[i]);
			b->v[i] = b->v[--b->n];
			return;
		}
}

void blocklist_stop(struct server *srv)
{
	struct blocklists *b = srv->blocklists;

	while (b && b->n)
		close_list(srv, b->v[--b->n]);
	free(b);
	srv->blocklists = NULL;
}

/* --- entries ------------------------------------------------------------------------------------------------------------ */

/* A text of a publisher whom policy trusts is contained here, too; nobody else's is. */
static int take_text(struct server *srv, struct shared_list *l, const struct blocklist_entry *e, struct entry *ret)
{
	ptrdiff_t blank = str_find_char(e->memory, ' ');

	if (blank != GUARD_FINGERPRINT - 1)
		return ERR_BAD_FORMAT;
	if (e->weight < BLOCKLIST_SURE || !is_trusted(guard_policy(srv->guard), l->name))
		return ERR_FORBIDDEN;
	if (l->n_texts == BLOCKLIST_TEXTS)
		return ERR_LIMIT;
	memcpy(ret->print, e->memory.p, (size_t)blank);
	return guard_share(srv->guard, str_of(ret->print), str_cut(e->memory, (size_t)blank + 1), clock_wall_ms());
}

static uint64_t key_of(struct str hash)
{
	char digits[17];

	memcpy(digits, hash.p, 16);
	digits[16] = '\0';
	return strtoull(digits, NULL, 16);
}

int blocklist_add(struct server *srv, struct str list, struct str hash, const struct blocklist_entry *e)
{
	struct shared_list *l;
	struct entry *own;
	int r = 0;

	if (!is_hash(hash) || e->weight < 1 || e->weight > 100)
		return ERR_BAD_FORMAT;
	l = open_list(srv, list);
	if (!l)
		return ERR_LIMIT;
	blocklist_remove(srv, list, hash);
	own = calloc(1, sizeof(*own));
	if (!own)
		return ERR_NOMEM;
	*own = (struct entry){ .expires_ms = e->expires_ms, .key = key_of(hash), .kind = (uint8_t)e->kind, .weight = (uint8_t)e->weight };
	if (e->kind == BLOCKLIST_TEXT)
		r = take_text(srv, l, e, own);
	if (r == 0)
		r = map_put(l->entries, hash, own);
	if (r < 0) {
		free(own);
		return r == ERR_FORBIDDEN ? 0 : r;
	}
	l->n_texts += e->kind == BLOCKLIST_TEXT;
	if (e->kind == BLOCKLIST_LINK)
		l->stale = srv->blocklists->stale = true;
	if (e->expires_ms && (!l->next_ms || e->expires_ms < l->next_ms))
		l->next_ms = e->expires_ms;
	return 0;
}

void blocklist_remove(struct server *srv, struct str list, struct str hash)
{
	struct shared_list *l = find(srv, list);
	struct entry *e = l ? map_take(l->entries, hash) : NULL;

	if (e)
		drop(srv, l, e);
}

static void sweep(struct server *srv, struct shared_list *l, uint64_t now_ms)
{
	struct map_iter it = { 0 };
	struct str hash;
	void *v;

	l->next_ms = 0;
	while (map_next(l->entries, &it, &hash, &v)) {
		struct entry *e = v;

		if (e->expires_ms && e->expires_ms <= now_ms) {
			map_take(l->entries, hash);
			drop(srv, l, e);
		} else if (e->expires_ms && (!l->next_ms || e->expires_ms < l->next_ms)) {
			l->next_ms = e->expires_ms;
		}
	}
}

void blocklist_sweep(struct server *srv, uint64_t now_ms)
{
	const struct policy *p = guard_policy(srv->guard);
	struct blocklists *b = srv->blocklists;

	for (unsigned i = 0; b && i < b->n;) {
		struct shared_list *l = b->v[i];
		bool named = false;

		for (size_t k = 0; k < p->reports.n_lists; k++)
			named = named || str_eq(p->reports.lists[k], l->name);
		if (!named) {
			blocklist_clear(srv, l->name);
			continue;
		}
		if (l->next_ms && l->next_ms <= now_ms)
			sweep(srv, l, now_ms);
		i++;
	}
}

/* --- what they say ------------------------------------------------------------------------------------------------------ */

static int ascending(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

/* Without memory the list says nothing of links until the next change: the lists on disk and the rest go on. */
static void collect(struct shared_list *l)
{
	struct map_iter it = { 0 };
	void *v;

	for (unsigned w = 0; w < WORDS; w++) {
		free(l->links[w]);
		l->links[w] = calloc(map_count(l->entries) + 1, sizeof(uint64_t));
		l->n_links[w] = 0;
	}
	while (map_next(l->entries, &it, NULL, &v)) {
		const struct entry *e = v;
		unsigned w = e->weight < BLOCKLIST_SURE;

		if (e->kind == BLOCKLIST_LINK && l->links[w])
			l->links[w][l->n_links[w]++] = e->key;
	}
	for (unsigned w = 0; w < WORDS; w++)
		if (l->links[w])
			qsort(l->links[w], l->n_links[w], sizeof(uint64_t), ascending);
	l->stale = false;
}

/* Its publisher is no longer trusted: what he had contained is not contained any more. */
static void drop_texts(struct server *srv, struct shared_list *l)
{
	struct map_iter it = { 0 };
	struct str hash;
	void *v;

	while (l->n_texts && map_next(l->entries, &it, &hash, &v)) {
		struct entry *e = v;

		if (e->kind == BLOCKLIST_TEXT) {
			map_take(l->entries, hash);
			drop(srv, l, e);
		}
	}
}

static void refresh(struct server *srv, struct blocklists *b)
{
	b->policy = guard_policy(srv->guard);
	b->stale = false;
	b->n_sets = 0;
	for (unsigned i = 0; i < b->n; i++) {
		struct shared_list *l = b->v[i];
		bool trusted = is_trusted(b->policy, l->name);

		if (!trusted)
			drop_texts(srv, l);
		if (l->stale)
			collect(l);
		for (unsigned w = 0; w < WORDS; w++)
			if (l->n_links[w])
				b->sets[b->n_sets++] = (struct feed_set){ .name = l->name, .trusted = trusted && w == 0, .v = l->links[w], .n = l->n_links[w] };
	}
}

static void hash_of(struct str text, char ret[BLOCKLIST_HASH + 1])
{
	uint8_t bin[SHA256_DIGEST_LENGTH];

	SHA256((const uint8_t *)text.p, text.n, bin);
	b64_hex(bin, sizeof(bin), ret);
}

static const struct entry *named(const struct shared_list *l, const char *hash, enum blocklist_kind kind)
{
	const struct entry *e = map_get(l->entries, str_of(hash));

	return e && e->kind == kind ? e : NULL;
}

static void sender_facts(const struct trip *t, struct subject *s)
{
	const struct server *srv = t->server;
	char bare[BLOCKLIST_HASH + 1], domain[BLOCKLIST_HASH + 1];

	hash_of(t->from.bare, bare);
	hash_of(t->from.domain, domain);
	for (unsigned i = 0; i < srv->blocklists->n && !s->listed_trusted; i++) {
		const struct shared_list *l = srv->blocklists->v[i];
		const struct entry *e = named(l, bare, BLOCKLIST_ADDRESS);

		if (!e)
			e = named(l, domain, BLOCKLIST_ADDRESS);
		if (!e)
			continue;
		s->listed_by = arena_str(t->arena, l->name);
		s->listed_trusted = e->weight >= BLOCKLIST_SURE && is_trusted(guard_policy(srv->guard), l->name);
	}
}

const struct feed_set *blocklist_links(struct server *srv, unsigned *ret_n)
{
	struct blocklists *b = srv->blocklists;

	if (b && (b->stale || b->policy != guard_policy(srv->guard)))
		refresh(srv, b);
	*ret_n = b ? b->n_sets : 0;
	return b ? b->sets : NULL;
}

void blocklist_facts(const struct trip *t, struct subject *s)
{
	s->shared = blocklist_links(t->server, &s->n_shared);
	if (t->server->blocklists && trip_is_foreign(t))
		sender_facts(t, s);
}

struct str blocklist_file(struct server *srv, const uint8_t sha256[32], bool *ret_sure)
{
	struct str by = STR_NONE;
	char hash[BLOCKLIST_HASH + 1];

	*ret_sure = false;
	b64_hex(sha256, 32, hash);
	for (unsigned i = 0; srv->blocklists && i < srv->blocklists->n && !*ret_sure; i++) {
		const struct shared_list *l = srv->blocklists->v[i];
		const struct entry *e = named(l, hash, BLOCKLIST_FILE);

		if (e) {
			by = l->name;
			*ret_sure = e->weight >= BLOCKLIST_SURE && is_trusted(guard_policy(srv->guard), l->name);
		}
	}
	return by;
}
