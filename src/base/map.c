#include "base/map.h"

#include <stdlib.h>

#include "base/check.h"
#include "base/rand.h"

struct entry {
	uint64_t hash;
	void *value;		/* NULL: never used; TOMB: removed */
	struct str key;
};

struct map {
	size_t max, n, used, slots;	/* used counts tombs too */
	uint64_t seed[2];
	struct entry *e;
};

static char tomb_mark;
#define TOMB ((void *)&tomb_mark)

static uint64_t rotl(uint64_t x, int b)
{
	return (x << b) | (x >> (64 - b));
}

static void sip_round(uint64_t v[4])
{
	v[0] += v[1]; v[1] = rotl(v[1], 13); v[1] ^= v[0]; v[0] = rotl(v[0], 32);
	v[2] += v[3]; v[3] = rotl(v[3], 16); v[3] ^= v[2];
	v[0] += v[3]; v[3] = rotl(v[3], 21); v[3] ^= v[0];
	v[2] += v[1]; v[1] = rotl(v[1], 17); v[1] ^= v[2]; v[2] = rotl(v[2], 32);
}

uint64_t map_hash(const uint64_t key[2], struct str s)
{
	uint64_t v[4] = { key[0] ^ 0x736f6d6570736575u, key[1] ^ 0x646f72616e646f6du,
			  key[0] ^ 0x6c7967656e657261u, key[1] ^ 0x7465646279746573u };
	size_t i = 0;
	uint64_t m;

	for (; i + 8 <= s.n; i += 8) {
		memcpy(&m, s.p + i, 8);
		v[3] ^= m;
		sip_round(v);
		v[0] ^= m;
	}
	m = (uint64_t)s.n << 56;
	for (size_t j = 0; i + j < s.n; j++)
		m |= (uint64_t)(uint8_t)s.p[i + j] << (8 * j);
	v[3] ^= m;
	sip_round(v);
	v[0] ^= m;
	v[2] ^= 0xff;
	for (int j = 0; j < 3; j++)
		sip_round(v);
	return v[0] ^ v[1] ^ v[2] ^ v[3];
}

struct map *map_new(size_t max_entries)
{
	struct map *m = calloc(1, sizeof(*m));

	if (!m)
		return NULL;
	m->max = max_entries;
	rand_bytes(m->seed, sizeof(m->seed));
	return m;
}

void map_free(struct map **m)
{
	if (!*m)
		return;
	for (size_t i = 0; i < (*m)->slots; i++)
		free((void *)(uintptr_t)(*m)->e[i].key.p);
	free((*m)->e);
	free(*m);
	*m = NULL;
}

size_t map_count(const struct map *m)
{
	return m->n;
}

static struct entry *find(const struct map *m, uint64_t hash, struct str key)
{
	if (!m->slots)
		return NULL;
	for (size_t i = hash & (m->slots - 1);; i = (i + 1) & (m->slots - 1)) {
		struct entry *e = &m->e[i];

		if (!e->value)
			return NULL;
		if (e->value != TOMB && e->hash == hash && str_eq(e->key, key))
			return e;
	}
}

void *map_get(const struct map *m, struct str key)
{
	struct entry *e = m->n ? find(m, map_hash(m->seed, key), key) : NULL;

	return e ? e->value : NULL;
}

static int rehash(struct map *m)
{
	size_t slots = 8;
	struct entry *e;

	while (slots < (m->n + 1) * 2)
		slots *= 2;
	e = calloc(slots, sizeof(*e));
	if (!e)
		return ERR_NOMEM;
	for (size_t i = 0; i < m->slots; i++) {
		size_t at;

		if (!m->e[i].value || m->e[i].value == TOMB)
			continue;
		for (at = m->e[i].hash & (slots - 1); e[at].value; at = (at + 1) & (slots - 1))
			;
		e[at] = m->e[i];
	}
	free(m->e);
	m->e = e;
	m->slots = slots;
	m->used = m->n;
	return 0;
}

int map_put(struct map *m, struct str key, void *value)
{
	uint64_t hash = map_hash(m->seed, key);
	struct entry *e = find(m, hash, key);
	char *copy;
	size_t at;

	CHECK(value);
	if (e) {
		e->value = value;
		return 0;
	}
	if (m->n >= m->max)
		return ERR_LIMIT;
	if ((m->used + 1) * 4 > m->slots * 3) {
		int r = rehash(m);

		if (r < 0)
			return r;
	}
	copy = malloc(key.n + 1);
	if (!copy)
		return ERR_NOMEM;
	if (key.n)
		memcpy(copy, key.p, key.n);
	copy[key.n] = 0;
	for (at = hash & (m->slots - 1); m->e[at].value && m->e[at].value != TOMB; at = (at + 1) & (m->slots - 1))
		;
	if (!m->e[at].value)
		m->used++;
	m->e[at] = (struct entry){ .hash = hash, .value = value, .key = { copy, key.n } };
	m->n++;
	return 0;
}

void *map_take(struct map *m, struct str key)
{
	struct entry *e = m->n ? find(m, map_hash(m->seed, key), key) : NULL;
	void *value;

	if (!e)
		return NULL;
	value = e->value;
	free((void *)(uintptr_t)e->key.p);
	e->key = STR_NONE;
	e->key.p = NULL;
	e->value = TOMB;
	m->n--;
	return value;
}

bool map_next(const struct map *m, struct map_iter *it, struct str *ret_key, void **ret_value)
{
	while (it->at < m->slots) {
		struct entry *e = &m->e[it->at++];

		if (!e->value || e->value == TOMB)
			continue;
		if (ret_key)
			*ret_key = e->key;
		if (ret_value)
			*ret_value = e->value;
		return true;
	}
	return false;
}
