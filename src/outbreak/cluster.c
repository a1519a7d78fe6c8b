/* cluster.c - see cluster.h. An index by the keys of fingerprints finds what may be alike; then fingerprints are compared. */
#include "outbreak/cluster.h"

#include <stdlib.h>

#define BUCKET 8			/* clusters that share a key; the newest stay */
#define CONTAINED_SKIPPED 64		/* when room is made, contained ones are passed over, so many at most */

struct bucket {
	struct cluster *v[BUCKET];
	unsigned n;
};

static struct str key_of(const uint64_t *key)
{
	return str_make((const char *)key, sizeof(*key));
}

static void detach(struct cluster_table *t, struct cluster *c)
{
	uint64_t keys[FINGERPRINT_KEYS];
	unsigned n = c->known ? fingerprint_keys(&c->print, keys) : 0;

	for (unsigned i = 0; i < n; i++) {
		struct bucket *b = map_get(t->keys, key_of(&keys[i]));
		unsigned left = 0;

		for (unsigned k = 0; b && k < b->n; k++)
			if (b->v[k] != c)
				b->v[left++] = b->v[k];
		if (b)
			b->n = left;
		if (b && left == 0)
			free(map_take(t->keys, key_of(&keys[i])));
	}
	if (map_get(t->ids, str_of(c->id)) == c)
		map_take(t->ids, str_of(c->id));
	list_remove(&c->lru);
}

void cluster_remove(struct cluster_table *t, struct cluster *c)
{
	detach(t, c);
	spread_release(&c->spread);
	free(c->asked);
	free((void *)(uintptr_t)c->zero.p);
	free(c);
}

int cluster_table_init(struct cluster_table *t)
{
	list_init(&t->lru);
	t->ids = map_new(CLUSTERS + 1);
	t->keys = map_new((size_t)(CLUSTERS + 1) * FINGERPRINT_KEYS);
	return t->ids && t->keys ? 0 : ERR_NOMEM;
}

void cluster_table_release(struct cluster_table *t)
{
	struct map_iter it = { 0 };
	void *v;

	while (t->lru.next && !list_empty(&t->lru))
		cluster_remove(t, LIST_ITEM(t->lru.next, struct cluster, lru));
	while (t->keys && map_next(t->keys, &it, NULL, &v))
		free(v);
	map_free(&t->ids);
	map_free(&t->keys);
}

static int attach(struct cluster_table *t, struct cluster *c)
{
	uint64_t keys[FINGERPRINT_KEYS];
	unsigned n = fingerprint_keys(&c->print, keys);

	for (unsigned i = 0; i < n; i++) {
		struct bucket *b = map_get(t->keys, key_of(&keys[i]));

		if (!b) {
			b = calloc(1, sizeof(*b));
			if (!b || map_put(t->keys, key_of(&keys[i]), b) < 0) {
				free(b);
				return ERR_NOMEM;
			}
		}
		if (b->n == BUCKET) {
			unsigned out = 0;

			while (out < BUCKET - 1 && (cluster_held(b->v[out]) || b->v[out]->past))
				out++;		/* what is dangerous stays */
			memmove(b->v + out, b->v + out + 1, (BUCKET - 1 - out) * sizeof(b->v[0]));
			b->n--;
		}
		b->v[b->n++] = c;
	}
	return 0;
}

static void make_room(struct cluster_table *t)
{
	struct cluster *oldest = LIST_ITEM(t->lru.next, struct cluster, lru);

	for (unsigned i = 0; cluster_held(oldest) && i < CONTAINED_SKIPPED; i++) {
		list_remove(&oldest->lru);
		list_append(&t->lru, &oldest->lru);
		oldest = LIST_ITEM(t->lru.next, struct cluster, lru);
	}
	cluster_remove(t, oldest);
}

int cluster_add(struct cluster_table *t, const struct fingerprint *print, struct str id, struct str zero, struct cluster **ret)
{
	struct cluster *c;
	char *who;
	int r;

	if (id.n >= CLUSTER_ID)
		return ERR_BAD_FORMAT;
	c = calloc(1, sizeof(*c));
	who = malloc(zero.n + 1);
	if (!c || !who) {
		free(c);
		free(who);
		return ERR_NOMEM;
	}
	if (map_count(t->ids) >= CLUSTERS)
		make_room(t);
	memcpy(who, zero.p, zero.n);
	who[zero.n] = '\0';
	c->zero = str_make(who, zero.n);
	memcpy(c->id, id.p, id.n);
	list_append(&t->lru, &c->lru);
	r = map_put(t->ids, str_of(c->id), c);
	if (r == 0 && print) {
		c->print = *print;
		c->known = true;
		r = attach(t, c);
	}
	if (r < 0) {
		cluster_remove(t, c);
		return r;
	}
	*ret = c;
	return 0;
}

void cluster_touch(struct cluster_table *t, struct cluster *c, uint64_t now_ms)
{
	c->last_ms = now_ms > c->last_ms ? now_ms : c->last_ms;
	list_remove(&c->lru);
	list_append(&t->lru, &c->lru);
}

struct cluster *cluster_get(const struct cluster_table *t, struct str id)
{
	return map_get(t->ids, id);
}

/* Forgotten: nobody has sent it for the whole window, and it is not contained. */
static bool expired(const struct cluster *c, uint64_t since_ms)
{
	return !cluster_held(c) && c->last_ms < since_ms;
}

struct cluster *cluster_find(struct cluster_table *t, const struct fingerprint *print, struct str id, uint64_t since_ms)
{
	struct cluster *c = map_get(t->ids, id), *best = NULL;
	uint64_t keys[FINGERPRINT_KEYS];
	unsigned n;

	if (c && !expired(c, since_ms)) {
		if (!c->known) {	/* from before the restart, by its name alone */
			c->print = *print;
			c->known = attach(t, c) == 0;
		}
		return c;
	}
	if (c)
		cluster_remove(t, c);
	n = fingerprint_keys(print, keys);
	for (unsigned i = 0; i < n; i++) {
		struct bucket *b = map_get(t->keys, key_of(&keys[i]));

		for (unsigned k = 0; b && k < b->n; k++) {
			if (expired(b->v[k], since_ms) || !fingerprint_alike(&b->v[k]->print, print))
				continue;
			if (!best || b->v[k]->spread.n > best->spread.n || cluster_held(b->v[k]))
				best = b->v[k];
		}
	}
	return best;
}

struct asked *cluster_asked_find(const struct cluster *c, uint64_t hash)
{
	for (unsigned i = 0; i < c->n_asked; i++)
		if (c->asked[i].hash == hash)
			return &c->asked[i];
	return NULL;
}

struct asked *cluster_asked(struct cluster *c, uint64_t hash)
{
	struct asked *s = cluster_asked_find(c, hash);

	if (s)
		return s;
	if (c->n_asked == CLUSTER_ASKED)
		memmove(c->asked, c->asked + 1, --c->n_asked * sizeof(*c->asked));
	if (c->n_asked == c->room) {
		unsigned room = c->room ? c->room * 2 : 2;
		struct asked *v = realloc(c->asked, room * sizeof(*v));

		if (!v)
			return NULL;
		c->asked = v;
		c->room = room;
	}
	c->asked[c->n_asked] = (struct asked){ .hash = hash };
	return &c->asked[c->n_asked++];
}
