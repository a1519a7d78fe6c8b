/* shared.c - see shared.h. Who shares what is one word of bits a person; two of them have a group in common when they share a bit. */
#include "core/shared.h"

#include <stdlib.h>

#include "base/log.h"
#include "core/decoys.h"
#include "core/hooks.h"
#include "core/policy_step.h"
#include "core/roster_push.h"
#include "core/state.h"
#include "core/user.h"
#include "outbreak/decoy.h"

#define PAGE 500
#define LIST_BYTES (64u << 20)

struct person {
	uint32_t groups;		/* of policy's roster.shared, by their place in it */
	char *decoy_of;			/* NULL: a person */
	size_t n;
	char bare[];
};

struct shared {
	struct map *people;
	uint32_t wide;			/* groups with too many people */
	unsigned n[POLICY_SHARED];
};

static struct str jid_of(const struct person *p)
{
	return str_make(p->bare, p->n);
}

static uint32_t groups_of(const struct server *srv, const struct person *p)
{
	const struct policy *policy = guard_policy(srv->guard);
	uint64_t bits = policy->roster.n_shared ? people_of(&policy->people, jid_of(p)) : 0;
	uint32_t groups = 0;

	for (size_t i = 0; i < policy->roster.n_shared; i++)
		if (p->decoy_of ? str_is(policy->roster.shared[i], p->decoy_of) : (bits & policy->roster.bits[i]) != 0)
			groups |= 1u << i;
	return groups;
}

static void person_free(struct person *p)
{
	if (p)
		free(p->decoy_of);
	free(p);
}

/* --- counting ------------------------------------------------------------------------------------------------- */

static void count(struct shared *s, uint32_t groups, int by)
{
	for (unsigned i = 0; i < POLICY_SHARED; i++)
		if (groups & 1u << i)
			s->n[i] += (unsigned)by;
}

/* True: a group has become too wide, or is no longer. */
static bool judge_width(struct shared *s, const struct policy *p)
{
	uint32_t wide = 0;

	for (unsigned i = 0; i < p->roster.n_shared; i++)
		if (s->n[i] > SHARED_MOST)
			wide |= 1u << i;
	for (unsigned i = 0; i < p->roster.n_shared; i++)
		if (wide & ~s->wide & 1u << i)
			log_event(LOG_WARN, "shared.too_many", LOG_S("group", p->roster.shared[i]), LOG_N("most", SHARED_MOST));
	if (wide == s->wide)
		return false;
	s->wide = wide;
	return true;
}

/* --- one contact of one account --------------------------------------------------------------------------------- */

static bool is_first(const struct roster_item *it)
{
	return !it || it->n_shared == 0;
}

/* groups 0: no longer. loud: its clients are told. */
static void put(struct user *u, struct str bare, uint32_t groups, bool loud)
{
	const struct policy *policy = guard_policy(u->server->guard);
	struct str names[POLICY_SHARED];
	char name[DECOY_NAME];
	size_t n = 0;
	bool changed, first = is_first(roster_find(&u->roster, bare));
	int r;

	for (size_t i = 0; i < policy->roster.n_shared; i++)
		if (groups & 1u << i)
			names[n++] = policy->roster.shared[i];
	decoy_name_of(str_make(bare.p, (size_t)str_find_char(bare, '@')), name);
	r = roster_share(&u->roster, bare, str_of(name), names, n, &changed);
	if (r < 0)
		log_event(LOG_WARN, "shared.missing", LOG_Z("why", err_text(r)));
	if (r < 0 || !changed || !loud)
		return;
	roster_push_shared(u, bare);
	if (n ? first : !roster_shows(&u->roster, bare))
		hooks_roster_shared(u, bare, n == 0);
}

/* A decoy has contacts as well, as it answers those who ask about it like anybody who has them among his; other decoys are not among them. */
static uint32_t in_common(const struct shared *s, const struct server *srv, const struct person *a, const struct person *b)
{
	uint32_t groups = a->groups & b->groups & ~s->wide;

	return groups && a != b && !(a->decoy_of && b->decoy_of) && !policy_step_apart(srv, jid_of(a), jid_of(b)) ? groups : 0;
}

/* --- everybody of one account ------------------------------------------------------------------------------------ */

static void forget_old(struct user *u, const struct person *self, bool loud)
{
	const struct shared *s = u->server->shared;
	struct map_iter it = { 0 };
	void *v;

	while (u->roster.shared_sum && u->roster.items && map_next(u->roster.items, &it, NULL, &v)) {
		const struct roster_item *item = v;
		const struct person *other;
		char copy[3072];
		size_t n = item->jid.n;

		if (!roster_is_shared(item) || n > sizeof(copy))
			continue;
		other = map_get(s->people, item->jid);
		memcpy(copy, item->jid.p, n);		/* the item may go */
		if (!other || !self || !in_common(s, u->server, self, other))
			put(u, str_make(copy, n), 0, loud);
	}
}

static void fill(struct user *u, bool loud)
{
	struct shared *s = u->server->shared;
	const struct person *self = s ? map_get(s->people, u->bare) : NULL;
	struct map_iter it = { 0 };
	void *v;

	if (!s || u->gone)
		return;
	forget_old(u, self, loud);
	while (self && self->groups & ~s->wide && map_next(s->people, &it, NULL, &v)) {
		const struct person *other = v;
		uint32_t groups = in_common(s, u->server, self, other);

		if (groups)
			put(u, jid_of(other), groups, loud);
	}
}

static void fill_all(struct server *srv)
{
	struct map_iter it = { 0 };
	void *v;

	while (map_next(srv->users, &it, NULL, &v)) {
		struct user *u = v;

		if (!u->loading && !u->gone)
			fill(u, true);
	}
}

void shared_fill(struct user *u)
{
	if (u->server->shared && !map_get(u->server->shared->people, u->bare) && !u->decoy)
		shared_come(u->server, u->bare, STR_NONE);
	fill(u, false);
}

/* --- who there is -------------------------------------------------------------------------------------------------- */

static struct person *add(struct shared *s, struct str bare, struct str decoy_of)
{
	struct person *p = calloc(1, sizeof(*p) + bare.n);

	if (p && decoy_of.n) {
		p->decoy_of = malloc(decoy_of.n + 1);
		if (p->decoy_of) {
			memcpy(p->decoy_of, decoy_of.p, decoy_of.n);
			p->decoy_of[decoy_of.n] = '\0';
		}
	}
	if (!p || (decoy_of.n && !p->decoy_of)) {
		person_free(p);
		return NULL;
	}
	memcpy(p->bare, bare.p, bare.n);
	p->n = bare.n;
	if (map_put(s->people, bare, p) == 0)
		return p;
	person_free(p);
	return NULL;
}

/* To those who have him among their contacts now, or had him. */
static void tell_of(struct server *srv, const struct person *p)
{
	struct shared *s = srv->shared;
	struct map_iter it = { 0 };
	void *v;

	while (map_next(srv->users, &it, NULL, &v)) {
		struct user *u = v;
		const struct person *self = u->loading || u->gone ? NULL : map_get(s->people, u->bare);
		uint32_t groups = self ? in_common(s, srv, self, p) : 0;

		if (self && (groups || roster_is_shared(roster_find(&u->roster, jid_of(p)))))
			put(u, jid_of(p), groups, true);
	}
}

void shared_come(struct server *srv, struct str bare, struct str decoy_of)
{
	struct shared *s = srv->shared;
	struct person *p = s && !map_get(s->people, bare) ? add(s, bare, decoy_of) : NULL;

	if (!p)
		return;
	p->groups = groups_of(srv, p);
	count(s, p->groups, 1);
	if (judge_width(s, guard_policy(srv->guard)))
		fill_all(srv);
	else if (p->groups & ~s->wide)
		tell_of(srv, p);
}

void shared_gone(struct server *srv, struct str bare)
{
	struct shared *s = srv->shared;
	struct person *p = s ? map_take(s->people, bare) : NULL;
	uint32_t groups = p ? p->groups : 0;

	if (!p)
		return;
	count(s, groups, -1);
	p->groups = 0;
	tell_of(srv, p);
	person_free(p);
	if (judge_width(s, guard_policy(srv->guard)))
		fill_all(srv);
}

bool shared_is_decoy(const struct server *srv, struct str bare)
{
	const struct person *p = srv->shared ? map_get(srv->shared->people, bare) : NULL;

	return p && p->decoy_of;
}

void shared_decoys(const struct user *u, void (*fn)(void *ctx, struct str decoy), void *ctx)
{
	struct map_iter it = { 0 };
	void *v;

	while (u->roster.shared_sum && u->roster.items && map_next(u->roster.items, &it, NULL, &v)) {
		const struct roster_item *item = v;

		if (roster_is_shared(item) && shared_is_decoy(u->server, item->jid))
			fn(ctx, item->jid);
	}
}

void shared_policy(struct server *srv)
{
	struct shared *s = srv->shared;
	struct map_iter it = { 0 };
	void *v;

	if (!s)
		return;
	memset(s->n, 0, sizeof(s->n));
	while (map_next(s->people, &it, NULL, &v)) {
		struct person *p = v;

		p->groups = groups_of(srv, p);
		count(s, p->groups, 1);
	}
	judge_width(s, guard_policy(srv->guard));
	fill_all(srv);
	decoys_keep(srv);
}

/* --- the start and the end ------------------------------------------------------------------------------------------- */

struct listing {
	struct server *srv;
	struct arena *arena;
	struct str *v;			/* address and, of a decoy, its group: two each */
	size_t n, room;
};

static int listed(struct listing *l, const struct vault_account *acc)
{
	if (l->n + 2 > l->room) {
		size_t room = l->room ? l->room * 2 : 512;
		struct str *v = arena_alloc(l->arena, room * sizeof(*v));

		if (!v)
			return ERR_LIMIT;
		if (l->n)
			memcpy(v, l->v, l->n * sizeof(*v));
		l->v = v;
		l->room = room;
	}
	l->v[l->n] = arena_str(l->arena, acc->jid);
	l->v[l->n + 1] = acc->state == ACCOUNT_DECOY ? arena_str(l->arena, acc->state_reason) : STR_NONE;
	l->n += 2;
	return l->v[l->n - 2].p && l->v[l->n - 1].p ? 0 : ERR_LIMIT;
}

static int list_work(struct vault *v, void *ctx)
{
	struct listing *l = ctx;
	struct str after = STR_NONE;
	size_t n = PAGE;
	int r = 0;

	for (l->n = 0; r == 0 && n == PAGE && l->n < 2 * SHARED_PEOPLE;) {
		struct arena *page = arena_new(8u << 20);
		struct vault_account *acc;

		r = page ? vault_account_list(v, after, PAGE, page, &acc, &n) : ERR_NOMEM;
		for (size_t i = 0; r == 0 && i < n; i++)
			r = listed(l, &acc[i]);
		if (r == 0 && n)
			after = l->v[l->n - 2];
		arena_free(&page);
	}
	return r;
}

static void list_done(void *ctx, int err)
{
	struct listing *l = ctx;
	struct server *srv = l->srv;

	for (size_t i = 0; srv->shared && i < l->n; i += 2)
		if (!map_get(srv->shared->people, l->v[i]) && !add(srv->shared, l->v[i], l->v[i + 1]))
			err = ERR_LIMIT;
	if (err < 0)
		log_event(LOG_WARN, "shared.people", LOG_Z("why", err_text(err)));
	arena_free(&l->arena);
	shared_policy(srv);
}

int shared_start(struct server *srv)
{
	struct arena *a = arena_new(LIST_BYTES);
	struct listing *l = a ? arena_alloc(a, sizeof(*l)) : NULL;
	int r = l ? 0 : ERR_NOMEM;

	srv->shared = calloc(1, sizeof(*srv->shared));
	if (srv->shared)
		srv->shared->people = map_new(SHARED_PEOPLE);
	if (!srv->shared || !srv->shared->people)
		r = ERR_NOMEM;
	if (r == 0) {
		*l = (struct listing){ .srv = srv, .arena = a };
		r = server_store(srv, l, list_work, list_done);
	}
	if (r < 0)
		arena_free(&a);
	return r;
}

void shared_stop(struct server *srv)
{
	struct map_iter it = { 0 };
	void *v;

	if (!srv->shared)
		return;
	while (srv->shared->people && map_next(srv->shared->people, &it, NULL, &v))
		person_free(v);
	map_free(&srv->shared->people);
	free(srv->shared);
	srv->shared = NULL;
}
