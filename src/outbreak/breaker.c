/* breaker.c - see breaker.h. */
#include "outbreak/breaker.h"

#include <stdlib.h>

#include "base/map.h"

struct event {
	uint64_t ms, sender;
};

struct breaker {
	bool open, manual;
	uint64_t last_ms;		/* something of the kind has come */
	struct event v[BREAKER_EVENTS];
	unsigned n, next;
	size_t domain_n;
	char domain[];
};

struct breaker_table {
	struct map *links;
	unsigned n_open;
};

struct breaker_table *breaker_table_new(void)
{
	struct breaker_table *t = calloc(1, sizeof(*t));

	if (!t)
		return NULL;
	t->links = map_new(BREAKERS);
	if (!t->links) {
		free(t);
		return NULL;
	}
	return t;
}

void breaker_table_free(struct breaker_table **t)
{
	struct map_iter it = { 0 };
	void *v;

	if (!*t)
		return;
	while (map_next((*t)->links, &it, NULL, &v))
		free(v);
	map_free(&(*t)->links);
	free(*t);
	*t = NULL;
}

static struct str name_of(const struct breaker *b)
{
	return str_make(b->domain, b->domain_n);
}

static void make_room(struct breaker_table *t)
{
	struct map_iter it = { 0 };
	struct breaker *oldest = NULL;
	void *v;

	while (map_next(t->links, &it, NULL, &v)) {
		struct breaker *b = v;

		if (!b->open && (!oldest || b->last_ms < oldest->last_ms))
			oldest = b;
	}
	if (oldest)
		free(map_take(t->links, name_of(oldest)));
}

static struct breaker *breaker_of(struct breaker_table *t, struct str domain)
{
	struct breaker *b = map_get(t->links, domain);

	if (b)
		return b;
	if (map_count(t->links) >= BREAKERS)
		make_room(t);
	b = calloc(1, sizeof(*b) + domain.n);
	if (!b)
		return NULL;
	memcpy(b->domain, domain.p, domain.n);
	b->domain_n = domain.n;
	if (map_put(t->links, domain, b) == 0)
		return b;
	free(b);
	return NULL;
}

bool breaker_is_open(const struct breaker_table *t, struct str domain)
{
	const struct breaker *b = t->n_open ? map_get(t->links, domain) : NULL;

	return b && b->open;
}

bool breaker_is_manual(const struct breaker_table *t, struct str domain)
{
	const struct breaker *b = map_get(t->links, domain);

	return b && b->open && b->manual;
}

static void set(struct breaker_table *t, struct breaker *b, bool open, bool manual)
{
	t->n_open += (unsigned)open - (unsigned)b->open;
	b->open = open;
	b->manual = open && manual;
	b->n = b->next = 0;		/* it counts anew */
}

/* Enough messages of enough people? */
static bool is_past(const struct breaker *b, const struct policy_breaker *c, uint64_t now_ms)
{
	unsigned n = 0, senders = 0;

	for (unsigned i = 0; i < b->n; i++) {
		bool known = false;

		if (b->v[i].ms + c->within_ms < now_ms)
			continue;
		n++;
		for (unsigned k = 0; k < i && !known; k++)
			known = b->v[k].sender == b->v[i].sender && b->v[k].ms + c->within_ms >= now_ms;
		senders += !known;
	}
	return n >= c->at && senders >= c->senders;
}

bool breaker_note(struct breaker_table *t, const struct policy_breaker *c, struct str domain, uint64_t sender, uint64_t now_ms)
{
	struct breaker *b = breaker_of(t, domain);

	if (!b)
		return false;
	b->last_ms = now_ms;
	if (b->open || !c->at)
		return false;
	b->v[b->next] = (struct event){ now_ms, sender };
	b->next = (b->next + 1) % BREAKER_EVENTS;
	b->n += b->n < BREAKER_EVENTS;
	if (!is_past(b, c, now_ms))
		return false;
	set(t, b, true, false);
	return true;
}

int breaker_open(struct breaker_table *t, struct str domain, bool manual, uint64_t now_ms)
{
	struct breaker *b = breaker_of(t, domain);

	if (!b)
		return ERR_NOMEM;
	set(t, b, true, manual || (b->open && b->manual));
	b->last_ms = now_ms;
	return 0;
}

bool breaker_close(struct breaker_table *t, struct str domain)
{
	struct breaker *b = map_get(t->links, domain);

	if (!b || !b->open)
		return false;
	set(t, b, false, false);
	return true;
}

struct str breaker_expire(struct breaker_table *t, const struct policy_breaker *c, uint64_t now_ms)
{
	struct map_iter it = { 0 };
	void *v;

	while (t->n_open && c->quiet_ms && map_next(t->links, &it, NULL, &v)) {
		struct breaker *b = v;

		if (!b->open || b->manual || now_ms < b->last_ms + c->quiet_ms)
			continue;
		set(t, b, false, false);
		return name_of(b);
	}
	return STR_NONE;
}

unsigned breaker_count(const struct breaker_table *t)
{
	return t->n_open;
}
