/* spread.c - see spread.h. A few hundred copies at most: every question is one walk over them. */
#include "outbreak/spread.h"

#include <stdlib.h>

void spread_release(struct spread *s)
{
	for (unsigned i = 0; i < s->n_roots; i++)
		free(s->roots[i].name);
	free(s->roots);
	free(s->v);
	*s = (struct spread){ 0 };
}

static struct spread_root *find_root(const struct spread *s, uint64_t hash)
{
	for (unsigned i = 0; i < s->n_roots; i++)
		if (s->roots[i].hash == hash)
			return &s->roots[i];
	return NULL;
}

/* A root without a copy goes. */
static void unroot(struct spread *s, uint64_t hash)
{
	struct spread_root *r = find_root(s, hash);

	for (unsigned k = 0; k < s->n; k++)
		if (s->v[k].root == hash)
			return;
	if (!r)
		return;
	free(r->name);
	*r = s->roots[--s->n_roots];
}

static void drop_first(struct spread *s, unsigned n)
{
	while (n-- > 0) {
		uint64_t root = s->v[0].root;

		memmove(s->v, s->v + 1, --s->n * sizeof(s->v[0]));
		unroot(s, root);
	}
}

void spread_forget(struct spread *s, uint64_t before_ms)
{
	unsigned n = 0;

	while (n < s->n && s->v[n].ms < before_ms)
		n++;
	drop_first(s, n);
}

static bool sent_in(const struct spread *s, uint64_t from, uint64_t root)
{
	for (unsigned i = 0; i < s->n; i++)
		if (s->v[i].from == from && s->v[i].root == root)
			return true;
	return false;
}

/* Where this copy belongs. */
static void place(const struct spread *s, const struct spread_copy *next, struct spread_view *ret)
{
	const struct spread_copy *own = NULL, *own_link = NULL, *got = NULL;
	unsigned halves = 0;

	for (unsigned i = 0; i < s->n; i++) {
		const struct spread_copy *c = &s->v[i];

		if (c->from == next->from) {
			halves += 2 - c->asked_for;
			ret->again = ret->again || c->to == next->to;
			own = c;
			own_link = c->link == next->link ? c : own_link;
		}
		if (c->to == next->from && (c->link == next->link || next->ms <= c->ms + SPREAD_RECENT_MS))
			got = c;
	}
	ret->mine = halves / 2;
	ret->root = next->from;
	if (own_link)
		ret->root = own_link->root;
	else if (got)
		ret->root = got->root;
	else if (own)
		ret->root = own->root;
	ret->answer = got && sent_in(s, next->to, got->root);
}

/* Distinct senders, as far as a few tell: small numbers are all that is asked. */
static void note_sender(uint64_t *seen, unsigned most, unsigned *n, uint64_t from)
{
	for (unsigned i = 0; i < *n; i++)
		if (seen[i] == from)
			return;
	if (*n < most)
		seen[(*n)++] = from;
}

/* Is it the first of these copies to that receiver? */
static bool is_first_to(const struct spread *s, unsigned i, const struct spread_copy *next)
{
	for (unsigned k = i; k-- > 0 && next->ms <= s->v[k].ms + SPREAD_NEAR_MS;)
		if (s->v[k].to == s->v[i].to)
			return false;
	return s->v[i].to != next->to;
}

/* What all copies together say. */
static void look_at_all(const struct spread *s, const struct spread_copy *next, struct spread_view *ret)
{
	uint64_t all[SPREAD_SENDERS] = { next->from }, near[SPREAD_SENDERS] = { next->from }, link[SPREAD_SENDERS] = { next->from };

	ret->senders = ret->near = ret->near_link = 1;
	ret->near_relayed = ret->root != next->from;
	for (unsigned i = 0; i < s->n; i++) {
		const struct spread_copy *c = &s->v[i];

		note_sender(all, SPREAD_SENDERS, &ret->senders, c->from);
		ret->outside += c->outside;
		if (next->ms > c->ms + SPREAD_NEAR_MS)
			continue;
		if (ret->near_people < 2 * SPREAD_SENDERS && is_first_to(s, i, next))
			ret->near_people++;
		ret->near_relayed = ret->near_relayed || c->from != c->root;
		note_sender(near, SPREAD_SENDERS, &ret->near, c->from);
		if (c->link == next->link)
			note_sender(link, SPREAD_SENDERS, &ret->near_link, c->from);
	}
}

void spread_look(const struct spread *s, const struct spread_copy *next, struct spread_view *ret)
{
	uint64_t tree[3] = { next->from }, link[3];
	unsigned halves = 0;

	*ret = (struct spread_view){ .tree_senders = 1 };
	place(s, next, ret);
	look_at_all(s, next, ret);
	ret->tree_relayed = ret->root != next->from;
	for (unsigned i = 0; i < s->n; i++) {
		const struct spread_copy *c = &s->v[i];
		const struct spread_root *root;

		if (c->root == ret->root) {
			halves += 2 - c->asked_for;
			ret->tree_relayed = ret->tree_relayed || c->from != c->root;
			note_sender(tree, 3, &ret->tree_senders, c->from);
		}
		if (c->link == next->link && next->ms <= c->ms + SPREAD_DAY_MS) {
			ret->link_relayed = ret->link_relayed || c->from != c->root;
			note_sender(link, 3, &ret->link_senders, c->from);
		}
		if (ret->past || (c->root != ret->root && c->from != next->from && c->to != next->from && c->link != next->link))
			continue;
		root = find_root(s, c->root);
		ret->past = root && root->past;
	}
	ret->tree_copies = halves / 2;
}

static int add_root(struct spread *s, uint64_t hash, struct str name)
{
	struct spread_root *r = find_root(s, hash);
	char *copy;

	if (r)
		return 0;
	if (s->n_roots == s->room_roots) {
		unsigned room = s->room_roots ? s->room_roots * 2 : 1;
		struct spread_root *v = realloc(s->roots, room * sizeof(*v));

		if (!v)
			return ERR_NOMEM;
		s->roots = v;
		s->room_roots = room;
	}
	copy = malloc(name.n + 1);
	if (!copy)
		return ERR_NOMEM;
	memcpy(copy, name.p, name.n);
	copy[name.n] = '\0';
	s->roots[s->n_roots++] = (struct spread_root){ .hash = hash, .name = copy };
	return 0;
}

int spread_add(struct spread *s, const struct spread_copy *copy, struct str name)
{
	if (s->n == SPREAD_COPIES)
		drop_first(s, 1);
	if (s->n == s->room) {
		unsigned room = s->room ? s->room * 2 : 2;
		struct spread_copy *v = realloc(s->v, room * sizeof(*v));

		if (!v)
			return ERR_NOMEM;
		s->v = v;
		s->room = room;
	}
	if (copy->root == copy->from && add_root(s, copy->root, name) < 0)
		return ERR_NOMEM;
	s->v[s->n++] = *copy;
	return 0;
}

void spread_again(struct spread *s, const struct spread_copy *copy)
{
	for (unsigned i = 0; i < s->n; i++)
		if (s->v[i].from == copy->from && s->v[i].to == copy->to) {
			struct spread_copy c = s->v[i];

			c.ms = copy->ms > c.ms ? copy->ms : c.ms;
			c.link = copy->link;
			memmove(&s->v[i], &s->v[i + 1], (s->n - i - 1) * sizeof(c));
			s->v[s->n - 1] = c;
			return;
		}
}

bool spread_remove(struct spread *s, uint64_t from, uint64_t to)
{
	for (unsigned i = s->n; i-- > 0;)
		if (s->v[i].from == from && s->v[i].to == to) {
			uint64_t root = s->v[i].root;

			s->n--;
			memmove(&s->v[i], &s->v[i + 1], (s->n - i) * sizeof(s->v[0]));
			unroot(s, root);
			return true;
		}
	return false;
}

bool spread_sent(const struct spread *s, uint64_t from)
{
	for (unsigned i = 0; i < s->n; i++)
		if (s->v[i].from == from)
			return true;
	return false;
}

void spread_past(struct spread *s, uint64_t root, bool past)
{
	struct spread_root *r = find_root(s, root);

	if (r)
		r->past = past;
}

struct str spread_name(const struct spread *s, uint64_t root)
{
	const struct spread_root *r = find_root(s, root);

	return r ? str_of(r->name) : STR_NONE;
}

unsigned spread_senders(const struct spread *s)
{
	unsigned n = 0;

	for (unsigned i = 0; i < s->n; i++) {
		bool first = true;

		for (unsigned k = 0; k < i && first; k++)
			first = s->v[k].from != s->v[i].from;
		n += first;
	}
	return n;
}
