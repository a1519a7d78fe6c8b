/* pubsub_peers.c - see pubsub_peers.h. */
#include "pubsub/pubsub_peers.h"

#include <stdlib.h>

#include "core/state.h"
#include "pubsub/pubsub_caps.h"

static struct str own_str(struct str s)
{
	char *p = malloc(s.n + 1);

	if (!p)
		return (struct str){ 0 };
	if (s.n)
		memcpy(p, s.p, s.n);
	return str_make(p, s.n);
}

static void peer_free(struct pubsub_peer *p)
{
	pubsub_caps_unref(&p->caps);
	free((void *)(uintptr_t)p->full.p);
	free((void *)(uintptr_t)p->key.p);
	free(p);
}

static void table_free(struct map *table)
{
	struct map_iter it = { 0 };
	void *p;

	while (map_next(table, &it, NULL, &p))
		peer_free(p);
	map_free(&table);
}

int pubsub_peers_start(struct server *srv)
{
	srv->peers = map_new(PEERS_OWNERS);
	return srv->peers ? 0 : ERR_NOMEM;
}

void pubsub_peers_stop(struct server *srv)
{
	struct map_iter it = { 0 };
	void *table;

	while (srv->peers && map_next(srv->peers, &it, NULL, &table))
		table_free(table);
	map_free(&srv->peers);
}

struct pubsub_peer *pubsub_peers_find(struct server *srv, struct str owner, struct str full)
{
	struct map *table = map_get(srv->peers, owner);

	return table ? map_get(table, full) : NULL;
}

static struct pubsub_peer *peer_new(const struct jid *who)
{
	struct pubsub_peer *p = calloc(1, sizeof(*p));

	if (!p)
		return NULL;
	p->full = own_str(who->full);
	if (!p->full.p) {
		free(p);
		return NULL;
	}
	p->bare = str_make(p->full.p, who->bare.n);
	return p;
}

static size_t count_of(const struct map *table, struct str bare)
{
	struct map_iter it = { 0 };
	size_t n = 0;
	void *p;

	while (map_next(table, &it, NULL, &p))
		n += str_eq(((struct pubsub_peer *)p)->bare, bare);
	return n;
}

static int get_table(struct server *srv, struct str owner, struct map **ret)
{
	int r;

	*ret = map_get(srv->peers, owner);
	if (*ret)
		return 0;
	*ret = map_new(PEERS_EACH);
	if (!*ret)
		return ERR_NOMEM;
	r = map_put(srv->peers, owner, *ret);
	if (r < 0)
		map_free(ret);
	return r;
}

int pubsub_peers_add(struct server *srv, struct str owner, const struct jid *who, struct pubsub_peer **ret)
{
	struct map *table;
	int r = get_table(srv, owner, &table);

	if (r < 0)
		return r;
	*ret = map_get(table, who->full);
	if (*ret)
		return 0;
	if (count_of(table, who->bare) >= PEERS_OF_ONE)
		return ERR_LIMIT;
	*ret = peer_new(who);
	if (!*ret)
		return ERR_NOMEM;
	r = map_put(table, (*ret)->full, *ret);
	if (r < 0)
		peer_free(*ret);
	return r;
}

int pubsub_peers_set_key(struct pubsub_peer *p, struct str key)
{
	struct str own = own_str(key);

	if (!own.p)
		return ERR_NOMEM;
	free((void *)(uintptr_t)p->key.p);
	p->key = own;
	return 0;
}

void pubsub_peers_remove(struct server *srv, struct str owner, struct str full)
{
	struct map *table = map_get(srv->peers, owner);
	struct pubsub_peer *p = table ? map_take(table, full) : NULL;

	if (p)
		peer_free(p);
	if (table && map_count(table) == 0) {
		map_take(srv->peers, owner);
		map_free(&table);
	}
}

void pubsub_peers_each(struct server *srv, struct str owner, void (*fn)(void *ctx, const struct pubsub_peer *p), void *ctx)
{
	struct map *table = map_get(srv->peers, owner);
	struct map_iter it = { 0 };
	void *p;

	while (table && map_next(table, &it, NULL, &p))
		fn(ctx, p);
}
