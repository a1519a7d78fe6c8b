/* decoys.c - see decoys.h. */
#include "core/decoys.h"

#include "base/clock.h"
#include "base/log.h"
#include "core/bot.h"
#include "core/hooks.h"
#include "core/shared.h"
#include "core/state.h"
#include "core/user.h"
#include "outbreak/decoy.h"
#include "xmpp/ns.h"

#define PAGE 500
#define CHANGES (POLICY_SHARED * 20)
#define ARENA_BYTES (32u << 20)
#define SEEN_MOST 20000			/* addresses that are looked at for how they are made */

struct group {
	struct str name;
	unsigned n;
};

struct change {
	struct str bare, group;		/* group empty: it goes */
};

struct round {
	struct server *srv;
	struct arena *arena;
	struct vault *v;		/* store thread */
	struct str domain;
	struct group groups[POLICY_SHARED];
	size_t n_groups;
	const struct str *names;
	size_t n_names;
	unsigned per_group;
	uint64_t rotate_ms, now_ms;
	struct decoy_style style;
	struct change changes[CHANGES];
	size_t n_changes;
};

/* --- on the store thread ----------------------------------------------------------------------------------------- */

static struct group *group_of(struct round *w, struct str name)
{
	for (size_t i = 0; i < w->n_groups; i++)
		if (str_eq(w->groups[i].name, name))
			return &w->groups[i];
	return NULL;
}

static struct str local_of(struct str bare)
{
	ptrdiff_t at = str_find_char(bare, '@');

	return str_make(bare.p, at < 0 ? bare.n : (size_t)at);
}

static int note(struct round *w, struct str bare, struct str group)
{
	struct change *c = &w->changes[w->n_changes];

	if (w->n_changes == CHANGES)
		return 0;		/* the next round */
	c->bare = arena_str(w->arena, bare);
	c->group = arena_str(w->arena, group);
	w->n_changes++;
	return c->bare.p && c->group.p ? 0 : ERR_LIMIT;
}

/* Kept while its group is shared, has not too many of them, and it is not too old. */
static int look_at(struct round *w, const struct vault_account *acc, unsigned *seen)
{
	struct group *g;

	if (acc->state != ACCOUNT_DECOY) {
		if ((*seen)++ < SEEN_MOST)
			decoy_style_see(&w->style, local_of(acc->jid));
		return 0;
	}
	g = group_of(w, acc->state_reason);
	if (!g || g->n >= w->per_group || (w->rotate_ms && w->now_ms > acc->created_ms + w->rotate_ms))
		return note(w, acc->jid, STR_NONE);
	g->n++;
	return 0;
}

static int look(struct round *w)
{
	struct str after = STR_NONE;
	size_t n = PAGE;
	unsigned seen = 0;
	int r = 0;

	while (r == 0 && n == PAGE) {
		struct arena *page = arena_new(8u << 20);
		struct vault_account *acc;

		r = page ? vault_account_list(w->v, after, PAGE, page, &acc, &n) : ERR_NOMEM;
		for (size_t i = 0; r == 0 && i < n; i++)
			r = look_at(w, &acc[i], &seen);
		after = r == 0 && n ? arena_str(w->arena, acc[n - 1].jid) : after;
		arena_free(&page);
	}
	return r;
}

/* A name that was a decoy's once is known to those who had it among their contacts: it does not come back soon. */
static bool is_taken(void *ctx, struct str local)
{
	struct round *w = ctx;
	struct arena *a = arena_new(65536);
	struct str bare = a ? arena_printf(a, "%.*s@%.*s", STR_FMT(local), STR_FMT(w->domain)) : STR_NONE, gone;
	struct vault_account acc;
	bool taken = !bare.n || str_is(local, "guard") || str_is(local, "helpdesk") || vault_account_get(w->v, bare, a, &acc) != ERR_NOT_FOUND ||
		     vault_item_get(w->v, w->domain, ITEM_DECOY, bare, a, &gone) != ERR_NOT_FOUND;

	arena_free(&a);
	return taken;
}

static int remember(struct round *w, struct str bare)
{
	uint64_t n;
	int r = vault_item_count(w->v, w->domain, ITEM_DECOY, &n);

	if (r == 0 && n >= DECOYS_REMEMBERED)
		r = vault_item_clear(w->v, w->domain, ITEM_DECOY);
	return r < 0 ? r : vault_item_put(w->v, w->domain, ITEM_DECOY, bare, STR_NONE);
}

/* A card, as a person may have one (XEP-0054). */
static int make_one(struct round *w, struct str group)
{
	struct vault_account acc = { .role = ROLE_STAFF, .state = ACCOUNT_DECOY, .state_reason = group, .created_ms = w->now_ms,
				     .credentials = STR_NONE };
	struct decoy d;
	int r = decoy_make(&w->style, w->names, w->n_names, is_taken, w, &d);
	struct str card = r == 0 ? arena_printf(w->arena, "<vCard xmlns='%s'><FN>%s</FN></vCard>", NS_VCARD, d.name) : STR_NONE;

	if (r < 0)
		return r == ERR_NOT_FOUND ? 0 : r;	/* no name is left */
	acc.jid = arena_printf(w->arena, "%s@%.*s", d.local, STR_FMT(w->domain));
	if (!acc.jid.n || !card.n)
		return ERR_LIMIT;
	r = vault_account_add(w->v, &acc);
	if (r == 0)
		r = vault_item_put(w->v, acc.jid, ITEM_VCARD, STR_NONE, card);
	if (r == 0)
		r = remember(w, acc.jid);
	return r < 0 ? r : note(w, acc.jid, group);
}

static int keep_work(struct vault *v, void *ctx)
{
	struct round *w = ctx;
	int r;

	w->v = v;
	w->n_changes = 0;
	r = look(w);
	for (size_t i = 0; r == 0 && i < w->n_changes; i++)
		r = vault_account_remove(v, w->changes[i].bare);
	for (size_t i = 0; i < w->n_groups; i++)
		for (unsigned n = w->groups[i].n; r == 0 && n < w->per_group; n++)
			r = make_one(w, w->groups[i].name);
	return r;
}

/* --- on the loop's ------------------------------------------------------------------------------------------------- */

static void on_time(void *ctx)
{
	decoys_keep(ctx);
}

void decoys_vanish(struct server *srv, struct str bare)
{
	struct user *u = user_cached(srv, bare);

	if (u)
		user_forget(u);
	hooks_account_removed(srv, bare);
}

static void keep_done(void *ctx, int err)
{
	struct round *w = ctx;
	struct server *srv = w->srv;

	if (err < 0)
		log_event(LOG_WARN, "decoys.failed", LOG_Z("why", err_text(err)));
	for (size_t i = 0; err == 0 && i < w->n_changes; i++) {
		if (w->changes[i].group.n)
			shared_come(srv, w->changes[i].bare, w->changes[i].group);
		else
			decoys_vanish(srv, w->changes[i].bare);
	}
	srv->decoys_busy = false;
	if (!srv->stopping)
		loop_timer_set(srv->loop, &srv->decoys_timer, DECOYS_CHECK_MS, on_time, srv);
	arena_free(&w->arena);
	if (srv->decoys_again)
		decoys_keep(srv);
}

/* What of the policy is needed goes along: another one may be in force before the work is done. */
static int copy_policy(struct round *w, const struct policy *p)
{
	struct str *names = arena_alloc(w->arena, (p->decoys.n_names + 1) * sizeof(*names));

	if (!names)
		return ERR_LIMIT;
	for (size_t i = 0; i < p->decoys.n_names; i++) {
		names[i] = arena_str(w->arena, p->decoys.names[i]);
		if (!names[i].p)
			return ERR_LIMIT;
	}
	w->names = names;
	w->n_names = p->decoys.n_names;
	w->per_group = p->decoys.per_group;
	w->rotate_ms = p->decoys.rotate_ms;
	for (size_t i = 0; i < p->roster.n_shared; i++) {
		w->groups[i].name = arena_str(w->arena, p->roster.shared[i]);
		if (!w->groups[i].name.p)
			return ERR_LIMIT;
	}
	w->n_groups = p->roster.n_shared;
	w->domain = arena_str(w->arena, w->srv->domain);
	return w->domain.p ? 0 : ERR_LIMIT;
}

void decoys_keep(struct server *srv)
{
	struct arena *a;
	struct round *w;

	srv->decoys_again = srv->decoys_busy;
	if (srv->decoys_busy || srv->stopping)
		return;
	a = arena_new(ARENA_BYTES);
	w = a ? arena_alloc(a, sizeof(*w)) : NULL;
	if (w) {
		memset(w, 0, sizeof(*w));
		w->srv = srv;
		w->arena = a;
		w->now_ms = clock_wall_ms();
		if (copy_policy(w, guard_policy(srv->guard)) == 0 && server_store(srv, w, keep_work, keep_done) == 0) {
			srv->decoys_busy = true;
			return;
		}
	}
	arena_free(&a);
	log_event(LOG_WARN, "decoys.failed", LOG_Z("why", "no memory, or the store is busy"));
	loop_timer_set(srv->loop, &srv->decoys_timer, DECOYS_CHECK_MS, on_time, srv);
}

void decoys_stop(struct server *srv)
{
	loop_timer_cancel(srv->loop, &srv->decoys_timer);
}

void decoys_written(struct trip *t)
{
	uint64_t now = clock_wall_ms();

	if (t->origin != TRIP_CLIENT || !t->from_user || !t->to_user || !t->to_user->decoy || !node_child(t->stanza, NS_CLIENT, "body") ||
	    (t->from_user->decoy_told_ms && now < t->from_user->decoy_told_ms + DECOYS_TOLD_MS))
		return;
	t->from_user->decoy_told_ms = now;
	bot_tell(t->server, t->from.bare, "Nobody reads what is written to %.*s: it is a contact that this server keeps to notice programs that write to "
		 "everybody. You have done nothing wrong; please do not send it links or files, or your account is taken for such a program.",
		 STR_FMT(t->to.bare));
}
