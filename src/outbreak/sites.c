/* sites.c - see sites.h. One who links to his own site for days does not make it known: others must have done so. */
#include "outbreak/sites.h"

#include <stdlib.h>

#include "base/list.h"
#include "base/map.h"

struct site {
	struct list lru;
	uint64_t hash, first_ms;
	uint32_t people[SITES_PEOPLE];
	unsigned n_people;
};

struct sites {
	struct map *map;		/* hash -> site */
	struct list lru;		/* least recently used first */
};

static struct str key_of(const uint64_t *hash)
{
	return str_make((const char *)hash, sizeof(*hash));
}

struct sites *sites_new(void)
{
	struct sites *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	list_init(&s->lru);
	s->map = map_new(SITES);
	if (!s->map) {
		free(s);
		return NULL;
	}
	return s;
}

void sites_free(struct sites **s)
{
	if (!*s)
		return;
	LIST_EACH(it, &(*s)->lru)
		free(LIST_ITEM(it, struct site, lru));
	map_free(&(*s)->map);
	free(*s);
	*s = NULL;
}

static struct site *add(struct sites *s, uint64_t hash, uint64_t now_ms)
{
	struct site *one;

	if (map_count(s->map) == SITES) {
		one = LIST_ITEM(s->lru.next, struct site, lru);
		map_take(s->map, key_of(&one->hash));
		list_remove(&one->lru);
	} else {
		one = malloc(sizeof(*one));
	}
	if (!one)
		return NULL;
	*one = (struct site){ .hash = hash, .first_ms = now_ms };
	if (map_put(s->map, key_of(&hash), one) < 0) {
		free(one);
		return NULL;
	}
	list_append(&s->lru, &one->lru);
	return one;
}

static void note(struct site *one, uint64_t who)
{
	for (unsigned i = 0; i < one->n_people; i++)
		if (one->people[i] == (uint32_t)who)
			return;
	if (one->n_people < SITES_PEOPLE)
		one->people[one->n_people++] = (uint32_t)who;
}

bool sites_novel(const struct sites *s, uint64_t hash, uint64_t now_ms)
{
	const struct site *one = map_get(s->map, key_of(&hash));

	return !one || one->n_people < SITES_PEOPLE || now_ms < one->first_ms + SITES_NOVEL_MS;
}

void sites_seen(struct sites *s, uint64_t hash, uint64_t who, uint64_t now_ms)
{
	struct site *one = map_get(s->map, key_of(&hash));

	if (!one)
		one = add(s, hash, now_ms);
	if (!one)
		return;
	list_remove(&one->lru);
	list_append(&s->lru, &one->lru);
	note(one, who);
}
