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

#define FORMAT 1

struct sites {
	uint64_t changes;
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

static void note(struct sites *s, struct site *one, uint64_t who)
{
	for (unsigned i = 0; i < one->n_people; i++)
		if (one->people[i] == (uint32_t)who)
			return;
	if (one->n_people == SITES_PEOPLE)
		return;
	one->people[one->n_people++] = (uint32_t)who;
	s->changes++;
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
	note(s, one, who);
}

uint64_t sites_changes(const struct sites *s)
{
	return s->changes;
}

/* --- over a restart ------------------------------------------------------------------------------------------ */

static void put(struct buf *b, uint64_t v, int bytes)
{
	for (int i = 0; i < bytes; i++)
		buf_char(b, (char)(v >> (8 * i)));
}

static uint64_t take(const char *p, int bytes)
{
	uint64_t v = 0;

	for (int i = 0; i < bytes; i++)
		v |= (uint64_t)(uint8_t)p[i] << (8 * i);
	return v;
}

void sites_write(const struct sites *s, struct buf *b)
{
	put(b, FORMAT, 1);
	LIST_EACH(it, &s->lru) {
		const struct site *one = LIST_ITEM(it, struct site, lru);

		put(b, one->hash, 8);
		put(b, one->first_ms / 1000, 4);
		put(b, one->n_people, 1);
	}
}

/* Who they were is not kept (and their hashes are of this process): somebody of then who links again counts once more. */
int sites_read(struct sites *s, struct str bytes)
{
	if (bytes.n < 1 || bytes.p[0] != FORMAT)
		return ERR_BAD_FORMAT;
	for (size_t at = 1; at + SITES_ROW <= bytes.n; at += SITES_ROW) {
		uint64_t hash = take(bytes.p + at, 8);
		unsigned people = (unsigned)take(bytes.p + at + 12, 1);
		struct site *one = people <= SITES_PEOPLE && !map_get(s->map, key_of(&hash)) ? add(s, hash, take(bytes.p + at + 8, 4) * 1000) : NULL;

		for (unsigned i = 0; one && i < people; i++)
			one->people[one->n_people++] = UINT32_MAX - i;
	}
	return 0;
}
