/* sender.c - see sender.h. One map and one list in the order of last use: forgetting is taking the first. */
#include "outbreak/sender.h"

#include <stdlib.h>
#include <string.h>

#include "base/map.h"

_Static_assert(sizeof(struct sender) <= SENDER_BYTES, "the memory of one sender is bounded");

struct sender_table {
	struct map *map;		/* hash -> sender */
	struct list lru;		/* least recently used first */
	size_t most;
};

static struct str key_of(const uint64_t *hash)
{
	return str_make((const char *)hash, sizeof(*hash));
}

struct sender_table *sender_table_new(size_t most)
{
	struct sender_table *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	list_init(&s->lru);
	s->most = most;
	s->map = map_new(most);
	if (!s->map) {
		free(s);
		return NULL;
	}
	return s;
}

void sender_table_free(struct sender_table **s)
{
	if (!*s)
		return;
	LIST_EACH(it, &(*s)->lru)
		free(LIST_ITEM(it, struct sender, lru));
	map_free(&(*s)->map);
	free(*s);
	*s = NULL;
}

size_t sender_table_count(const struct sender_table *s)
{
	return map_count(s->map);
}

struct sender *sender_find(const struct sender_table *s, uint64_t hash)
{
	return map_get(s->map, key_of(&hash));
}

/* Room for one more: a new one, or that of who was silent for longest. */
static struct sender *make_room(struct sender_table *s)
{
	struct sender *oldest;

	if (map_count(s->map) < s->most)
		return malloc(sizeof(struct sender));
	oldest = LIST_ITEM(s->lru.next, struct sender, lru);
	map_take(s->map, key_of(&oldest->hash));
	list_remove(&oldest->lru);
	return oldest;
}

struct sender *sender_of(struct sender_table *s, uint64_t hash, uint64_t now_ms)
{
	struct sender *one = sender_find(s, hash);

	if (!one) {
		one = make_room(s);
		if (!one)
			return NULL;
		*one = (struct sender){ .hash = hash, .first_ms = now_ms, .last_ms = now_ms };
		if (map_put(s->map, key_of(&hash), one) < 0) {
			free(one);
			return NULL;
		}
		list_append(&s->lru, &one->lru);
		return one;
	}
	list_remove(&one->lru);
	list_append(&s->lru, &one->lru);
	return one;
}

static struct sender_peer *peer_of(struct sender *s, uint64_t who)
{
	for (unsigned i = 0; i < s->n_peers; i++)
		if (s->peers[i].who == (uint32_t)who)
			return &s->peers[i];
	return NULL;
}

static struct sender_peer *peer_add(struct sender *s)
{
	unsigned oldest = 0;

	if (s->n_peers < SENDER_PEERS)
		return &s->peers[s->n_peers++];
	for (unsigned i = 1; i < SENDER_PEERS; i++)
		if (s->peers[i].last_s < s->peers[oldest].last_s)
			oldest = i;
	return &s->peers[oldest];
}

void sender_note(struct sender_table *s, struct sender *from, uint64_t to, bool known, uint64_t now_ms)
{
	struct sender *receiver = sender_find(s, to);
	struct sender_peer *back = receiver ? peer_of(receiver, from->hash) : NULL, *p = peer_of(from, to);
	uint32_t now_s = (uint32_t)(now_ms / 1000);

	from->n_sent++;
	from->last_ms = now_ms;
	if (!p) {
		p = peer_add(from);
		*p = (struct sender_peer){ .who = (uint32_t)to, .first_s = now_s, .stranger = !known };
	}
	p->last_s = now_s;
	if (back)
		back->answered = p->answered = true;
}

bool sender_wrote_to(const struct sender *s, uint64_t to)
{
	for (unsigned i = 0; i < s->n_peers; i++)
		if (s->peers[i].who == (uint32_t)to)
			return true;
	return false;
}

bool sender_wrote(const struct sender_table *s, uint64_t who, uint64_t to, uint64_t now_ms, uint64_t within_ms)
{
	struct sender *one = sender_find(s, who);
	const struct sender_peer *p = one ? peer_of(one, to) : NULL;

	return p && now_ms <= (uint64_t)p->last_s * 1000 + 1000 + within_ms;
}

void sender_facts(const struct sender *s, uint64_t window_ms, uint64_t now_ms, struct subject_sender *ret)
{
	uint32_t from_s = (uint32_t)((now_ms > window_ms ? now_ms - window_ms : 0) / 1000);

	*ret = (struct subject_sender){ .age_ms = now_ms > s->first_ms ? now_ms - s->first_ms : 0, .sent = s->n_sent };
	for (unsigned i = 0; i < s->n_peers; i++) {
		if (s->peers[i].last_s < from_s)
			continue;
		ret->people++;
		ret->new_people += s->peers[i].first_s >= from_s;
		ret->strangers += s->peers[i].stranger;
		ret->answered += s->peers[i].answered;
	}
}
