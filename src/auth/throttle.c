/* throttle.c - see throttle.h. Token buckets, filled when they are looked at, counted so finely that a millisecond
 * of the slowest budget is a whole number: nothing is lost by looking often. */
#include "auth/throttle.h"

#include <netinet/in.h>
#include <stdlib.h>

#include "base/check.h"
#include "base/limits.h"
#include "base/list.h"
#include "base/map.h"

#define THROTTLE_MAGIC 0x7407001u
#define KEY_MAX (sizeof(struct throttle_prefix) + LIMIT_JID)
#define TOKEN 60000			/* milliseconds of a minute */
/* A prefix may fail for this many accounts at once, and refills a fifth as fast: an office of a few hundred
 * whose password has just been changed passes, a list of names does not. */
#define WIDE_SIZE 50
#define WIDE_REFILL 10

struct entry {
	struct list lru;
	bool known;			/* has logged in from there */
	int64_t level;			/* tokens * TOKEN */
	uint64_t at_ms;
	size_t n;
	char key[];
};

struct table {
	struct map *map;
	struct list lru;		/* the longest unused first */
	int64_t size, refill;		/* tokens; tokens a minute */
};

struct throttle {
	CHECK_MAGIC;
	struct table pairs, prefixes;
};

void throttle_prefix_of(const struct sockaddr *sa, struct throttle_prefix *ret)
{
	static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };

	*ret = (struct throttle_prefix){ 0 };
	if (sa->sa_family == AF_INET) {
		ret->kind = 4;
		memcpy(ret->bytes, &((const struct sockaddr_in *)(const void *)sa)->sin_addr, 3);
	} else if (sa->sa_family == AF_INET6) {
		const uint8_t *p = ((const struct sockaddr_in6 *)(const void *)sa)->sin6_addr.s6_addr;
		bool v4 = memcmp(p, mapped, sizeof(mapped)) == 0;

		ret->kind = v4 ? 4 : 6;
		memcpy(ret->bytes, v4 ? p + 12 : p, v4 ? 3 : 8);
	}
}

static void entry_drop(struct table *t, struct entry *e)
{
	list_remove(&e->lru);
	map_take(t->map, str_make(e->key, e->n));
	free(e);
}

static void table_release(struct table *t)
{
	if (!t->map)
		return;
	while (!list_empty(&t->lru))
		entry_drop(t, LIST_ITEM(t->lru.next, struct entry, lru));
	map_free(&t->map);
}

static struct entry *entry_find(struct table *t, struct str key, uint64_t now_ms)
{
	struct entry *e = map_get(t->map, key);

	if (!e)
		return NULL;
	if (now_ms > e->at_ms) {
		uint64_t passed = now_ms - e->at_ms;
		uint64_t whole = TOKEN * (uint64_t)t->size / (uint64_t)t->refill + 1;

		if (passed > whole)
			passed = whole;			/* full in any case, and no overflow */
		e->level += (int64_t)passed * t->refill;
		e->at_ms = now_ms;
	}
	if (e->level > t->size * TOKEN)
		e->level = t->size * TOKEN;
	return e;
}

static struct entry *entry_add(struct table *t, struct str key, uint64_t now_ms)
{
	struct entry *e = entry_find(t, key, now_ms);

	if (e) {
		list_remove(&e->lru);
		list_append(&t->lru, &e->lru);
		return e;
	}
	if (map_count(t->map) >= LIMIT_THROTTLE)
		entry_drop(t, LIST_ITEM(t->lru.next, struct entry, lru));
	e = calloc(1, sizeof(*e) + key.n);
	if (!e)
		return NULL;
	e->level = t->size * TOKEN;
	e->at_ms = now_ms;
	e->n = key.n;
	memcpy(e->key, key.p, key.n);
	if (map_put(t->map, key, e) < 0) {
		free(e);
		return NULL;
	}
	list_append(&t->lru, &e->lru);
	return e;
}

struct throttle *throttle_new(unsigned failures_per_minute)
{
	struct throttle *t = calloc(1, sizeof(*t));

	if (!t)
		return NULL;
	t->magic = THROTTLE_MAGIC;
	list_init(&t->pairs.lru);
	list_init(&t->prefixes.lru);
	t->pairs.map = map_new(LIMIT_THROTTLE);
	t->prefixes.map = map_new(LIMIT_THROTTLE);
	if (!t->pairs.map || !t->prefixes.map) {
		throttle_free(&t);
		return NULL;
	}
	throttle_set(t, failures_per_minute);
	return t;
}

void throttle_free(struct throttle **ref)
{
	struct throttle *t = *ref;

	if (!t)
		return;
	CHECK_OBJ(t, THROTTLE_MAGIC);
	table_release(&t->pairs);
	table_release(&t->prefixes);
	t->magic = 0;
	free(t);
	*ref = NULL;
}

void throttle_set(struct throttle *t, unsigned failures_per_minute)
{
	CHECK_OBJ(t, THROTTLE_MAGIC);
	t->pairs.size = t->pairs.refill = failures_per_minute;
	t->prefixes.size = (int64_t)failures_per_minute * WIDE_SIZE;
	t->prefixes.refill = (int64_t)failures_per_minute * WIDE_REFILL;
}

/* The pair's key; the prefix's key is its beginning. */
static struct str key_make(char buf[KEY_MAX], struct str account, const struct throttle_prefix *from)
{
	size_t n = account.n < LIMIT_JID ? account.n : LIMIT_JID;

	memcpy(buf, from, sizeof(*from));
	memcpy(buf + sizeof(*from), account.p, n);
	return str_make(buf, sizeof(*from) + n);
}

bool throttle_may(struct throttle *t, struct str account, const struct throttle_prefix *from, uint64_t now_ms)
{
	char buf[KEY_MAX];
	struct str key = key_make(buf, account, from);
	const struct entry *pair, *prefix;

	CHECK_OBJ(t, THROTTLE_MAGIC);
	if (t->pairs.size == 0)
		return true;
	pair = entry_find(&t->pairs, key, now_ms);
	if (pair && pair->level < TOKEN)
		return false;
	if (pair && pair->known)
		return true;
	prefix = entry_find(&t->prefixes, str_make(buf, sizeof(*from)), now_ms);
	return !prefix || prefix->level >= TOKEN;
}

static void spend(struct entry *e)
{
	if (e && e->level >= TOKEN)
		e->level -= TOKEN;
	else if (e)
		e->level = 0;
}

void throttle_failed(struct throttle *t, struct str account, const struct throttle_prefix *from, uint64_t now_ms)
{
	char buf[KEY_MAX];
	struct str key = key_make(buf, account, from);

	CHECK_OBJ(t, THROTTLE_MAGIC);
	if (t->pairs.size == 0)
		return;
	spend(entry_add(&t->pairs, key, now_ms));
	spend(entry_add(&t->prefixes, str_make(buf, sizeof(*from)), now_ms));
}

void throttle_succeeded(struct throttle *t, struct str account, const struct throttle_prefix *from, uint64_t now_ms)
{
	char buf[KEY_MAX];
	struct entry *e;

	CHECK_OBJ(t, THROTTLE_MAGIC);
	if (t->pairs.size == 0)
		return;
	e = entry_add(&t->pairs, key_make(buf, account, from), now_ms);
	if (e)
		e->known = true;
}

size_t throttle_count(const struct throttle *t)
{
	CHECK_OBJ(t, THROTTLE_MAGIC);
	return map_count(t->pairs.map) + map_count(t->prefixes.map);
}
