/* user.c - see user.h. Loads in one job: account, roster, block list. */
#include "core/user.h"

#include <stdlib.h>

#include "base/check.h"
#include "base/limits.h"
#include "base/log.h"
#include "core/policy_step.h"
#include "core/prefs.h"
#include "core/session.h"
#include "core/shared.h"
#include "core/state.h"
#include "xmpp/jid.h"

#define KNOWN_BYTES 1000			/* of one address: the whole list is one stored value */

struct waiter {
	struct list node;
	user_fn *fn;
	void *ctx;
};

struct load {
	struct server *srv;
	struct user *u;
	struct arena *arena;
	struct vault_account account;
	struct str roster, blocked, photo, prefs, known;
};

static struct str own_str(struct str s)
{
	char *p = malloc(s.n + 1);

	if (!p)
		return (struct str){ 0 };
	memcpy(p, s.p, s.n);
	p[s.n] = 0;
	return str_make(p, s.n);
}

static void user_free(struct user *u)
{
	CHECK_OBJ(u, USER_MAGIC);
	CHECK(u->refs == 0 && list_empty(&u->sessions));
	if (!list_empty(&u->idle)) {
		list_remove(&u->idle);
		u->server->n_idle_users--;
	}
	if (map_get(u->server->users, u->bare) == u)
		map_take(u->server->users, u->bare);
	roster_release(&u->roster);
	if (user_set_blocked(u, NULL, 0) < 0)
		log_event(LOG_ERROR, "user.leak");
	prefs_free(&u->prefs);
	for (size_t i = 0; i < u->n_known; i++)
		free((void *)(uintptr_t)u->known[i].p);
	free(u->known);
	arena_free(&u->push_arena);
	free((void *)(uintptr_t)u->bare.p);
	u->magic = 0;
	free(u);
}

struct user *user_ref(struct user *u)
{
	CHECK_OBJ(u, USER_MAGIC);
	if (u->refs++ == 0 && !list_empty(&u->idle)) {
		list_remove(&u->idle);
		u->server->n_idle_users--;
	}
	return u;
}

void user_unref(struct user **ref)
{
	struct user *u = *ref;
	struct server *srv;

	if (!u)
		return;
	CHECK_OBJ(u, USER_MAGIC);
	CHECK(u->refs > 0);
	*ref = NULL;
	if (--u->refs > 0)
		return;
	srv = u->server;
	if (u->gone) {
		user_free(u);
		return;
	}
	list_append(&srv->idle_users, &u->idle);
	srv->n_idle_users++;
	while (srv->n_idle_users > LIMIT_USERS_CACHED)
		user_free(LIST_ITEM(srv->idle_users.next, struct user, idle));
}

void user_forget(struct user *u)
{
	CHECK_OBJ(u, USER_MAGIC);
	u->gone = true;
	if (map_get(u->server->users, u->bare) == u)
		map_take(u->server->users, u->bare);
	if (u->refs == 0 && !u->loading)
		user_free(u);
}

void user_free_idle(struct server *srv)
{
	while (!list_empty(&srv->idle_users))
		user_free(LIST_ITEM(srv->idle_users.next, struct user, idle));
}

static int load_work(struct vault *v, void *ctx)
{
	struct load *l = ctx;
	int r;

	r = vault_account_get(v, l->u->bare, l->arena, &l->account);
	if (r < 0)
		return r;
	secret_wipe((void *)(uintptr_t)l->account.credentials.p, l->account.credentials.n);
	r = vault_item_get(v, l->u->bare, ITEM_ROSTER, STR_NONE, l->arena, &l->roster);
	if (r < 0 && r != ERR_NOT_FOUND)
		return r;
	r = vault_item_get(v, l->u->bare, ITEM_PHOTO, STR_NONE, l->arena, &l->photo);
	if (r < 0 && r != ERR_NOT_FOUND)
		return r;
	r = vault_item_get(v, l->u->bare, ITEM_PREFS, STR_NONE, l->arena, &l->prefs);
	if (r < 0 && r != ERR_NOT_FOUND)
		return r;
	r = vault_item_get(v, l->u->bare, ITEM_KNOWN, STR_NONE, l->arena, &l->known);
	if (r < 0 && r != ERR_NOT_FOUND)
		return r;
	r = vault_item_get(v, l->u->bare, ITEM_BLOCKLIST, STR_NONE, l->arena, &l->blocked);
	return r == ERR_NOT_FOUND ? 0 : r;
}

static void tell_waiters(struct user *u, int err)
{
	u->refs++;		/* kept over the calls */
	while (!list_empty(&u->waiters)) {
		struct waiter *w = LIST_ITEM(u->waiters.next, struct waiter, node);

		list_remove(&w->node);
		w->fn(w->ctx, err < 0 ? NULL : u, err);
		free(w);
	}
	user_unref(&u);
}

/* One bare JID, JID or domain a line. */
static int decode_blocked(struct user *u, struct str text)
{
	size_t n = 0, at = 0;
	struct str *v = calloc(LIMIT_BLOCKLIST, sizeof(*v));

	if (!v)
		return ERR_NOMEM;
	while (at < text.n && n < LIMIT_BLOCKLIST) {
		struct str rest = str_cut(text, at);
		ptrdiff_t end = str_find_char(rest, '\n');
		size_t len = end < 0 ? rest.n : (size_t)end;

		if (len)
			v[n++] = str_make(rest.p, len);
		at += len + 1;
	}
	int r = user_set_blocked(u, v, n);

	free(v);
	return r;
}

static int decode_known(struct user *u, struct str text)
{
	int r = 0;

	while (r == 0 && text.n) {
		ptrdiff_t end = str_find_char(text, '\n');
		size_t len = end < 0 ? text.n : (size_t)end;

		r = len ? user_learn(u, str_make(text.p, len)) : 0;
		text = str_cut(text, len + 1);
	}
	return r;
}

static void load_done(void *ctx, int err)
{
	struct load *l = ctx;
	struct user *u = l->u;

	if (err == 0 && u->gone)
		err = ERR_NOT_FOUND;	/* removed while it was being loaded */
	if (err == 0)
		err = roster_decode(&u->roster, l->roster);
	if (err == 0)
		err = decode_blocked(u, l->blocked);
	if (err == 0 && l->prefs.n)
		err = prefs_decode(l->prefs, &u->prefs);
	if (err == 0)
		err = decode_known(u, l->known);
	u->role = l->account.role;
	u->frozen = l->account.state == ACCOUNT_FROZEN;
	u->decoy = l->account.state == ACCOUNT_DECOY;
	if (l->photo.n < sizeof(u->photo))
		memcpy(u->photo, l->photo.p ? l->photo.p : "", l->photo.n);
	u->loading = false;
	arena_free(&l->arena);
	free(l);
	if (err == 0)
		shared_fill(u);
	if (err < 0) {
		u->gone = true;
		if (map_get(u->server->users, u->bare) == u)
			map_take(u->server->users, u->bare);
	}
	tell_waiters(u, err);
}

static struct user *user_new(struct server *srv, struct str bare)
{
	struct user *u = calloc(1, sizeof(*u));

	if (!u)
		return NULL;
	u->magic = USER_MAGIC;
	u->server = srv;
	u->bare = own_str(bare);
	u->loading = true;
	list_init(&u->waiters);
	list_init(&u->idle);
	list_init(&u->sessions);
	roster_init(&u->roster);
	if (!u->bare.p || map_put(srv->users, u->bare, u) < 0) {
		free((void *)(uintptr_t)u->bare.p);
		free(u);
		return NULL;
	}
	return u;
}

static int start_load(struct server *srv, struct user *u)
{
	struct load *l = calloc(1, sizeof(*l));
	int r = ERR_NOMEM;

	if (!l)
		return r;
	l->srv = srv;
	l->u = u;
	l->arena = arena_new(16u << 20);
	if (l->arena)
		r = server_store(srv, l, load_work, load_done);
	if (r < 0) {
		arena_free(&l->arena);
		free(l);
	}
	return r;
}

void user_get(struct server *srv, struct str bare, user_fn *fn, void *ctx)
{
	struct user *u = map_get(srv->users, bare);
	struct waiter *w;

	if (u && !u->loading) {
		user_ref(u);	/* kept over the call */
		fn(ctx, u, 0);
		user_unref(&u);
		return;
	}
	w = calloc(1, sizeof(*w));
	if (!w) {
		fn(ctx, NULL, ERR_NOMEM);
		return;
	}
	w->fn = fn;
	w->ctx = ctx;
	if (!u) {
		int r = ERR_NOMEM;

		u = user_new(srv, bare);
		if (u)
			r = start_load(srv, u);
		if (r < 0) {
			if (u) {
				u->loading = false;
				user_forget(u);
			}
			free(w);
			fn(ctx, NULL, r);
			return;
		}
	}
	list_append(&u->waiters, &w->node);
}

struct user *user_cached(struct server *srv, struct str bare)
{
	struct user *u = map_get(srv->users, bare);

	return u && !u->loading ? u : NULL;
}

bool user_blocks(const struct user *u, struct str jid)
{
	ptrdiff_t slash = str_find_char(jid, '/');
	struct str bare = slash < 0 ? jid : str_make(jid.p, (size_t)slash);
	ptrdiff_t at = str_find_char(bare, '@');
	struct str domain = str_cut(bare, (size_t)(at + 1));
	struct str domain_resource = str_cut(jid, (size_t)(at + 1));

	if (u->server && policy_step_apart(u->server, u->bare, bare))
		return true;		/* what a wall of the company keeps away is kept away everywhere */

	for (size_t i = 0; i < u->n_blocked; i++) {
		struct str b = u->blocked[i];

		if (str_eq(b, jid) || str_eq(b, bare) || str_eq(b, domain) || str_eq(b, domain_resource))
			return true;
	}
	return false;
}

int user_set_blocked(struct user *u, const struct str *v, size_t n)
{
	struct str *copy = n ? calloc(n, sizeof(*copy)) : NULL;

	if (n && !copy)
		return ERR_NOMEM;
	for (size_t i = 0; i < n; i++) {
		copy[i] = own_str(v[i]);
		if (copy[i].p)
			continue;
		while (i > 0)
			free((void *)(uintptr_t)copy[--i].p);
		free(copy);
		return ERR_NOMEM;
	}
	for (size_t i = 0; i < u->n_blocked; i++)
		free((void *)(uintptr_t)u->blocked[i].p);
	free(u->blocked);
	u->blocked = copy;
	u->n_blocked = n;
	return 0;
}

bool user_knows(const struct user *u, struct str bare)
{
	for (size_t i = u->n_known; i > 0; i--)
		if (str_eq(u->known[i - 1], bare))
			return true;
	return false;
}

int user_learn(struct user *u, struct str bare)
{
	struct str copy, *v;

	if (user_knows(u, bare))
		return 0;
	if (bare.n > KNOWN_BYTES)
		return ERR_LIMIT;
	if (!u->known || (u->n_known & (u->n_known - 1)) == 0) {	/* full at every power of two */
		v = realloc(u->known, (u->n_known ? u->n_known * 2 : 1) * sizeof(*v));
		if (!v)
			return ERR_NOMEM;
		u->known = v;
	}
	copy = own_str(bare);
	if (!copy.p)
		return ERR_NOMEM;
	if (u->n_known == LIMIT_KNOWN) {
		free((void *)(uintptr_t)u->known[0].p);
		memmove(u->known, u->known + 1, --u->n_known * sizeof(*u->known));
	}
	u->known[u->n_known++] = copy;
	return 0;
}

/* --- writing behind ------------------------------------------------------------------------ */

struct save {
	struct user *u;
	enum vault_kind kind;
	struct buf bytes;
	void (*fn)(void *ctx, int err);
	void *ctx;
};

static int save_work(struct vault *v, void *ctx)
{
	struct save *s = ctx;

	return vault_item_put(v, s->u->bare, s->kind, STR_NONE, buf_str(&s->bytes));
}

static void save_done(void *ctx, int err)
{
	struct save *s = ctx;

	if (s->kind == ITEM_ROSTER)
		s->u->roster_unsaved = err < 0;
	if (s->fn)
		s->fn(s->ctx, err);
	else if (err < 0)
		log_event(LOG_ERROR, "user.save_failed", LOG_Z("why", err_text(err)));
	user_unref(&s->u);
	buf_release(&s->bytes);
	free(s);
}

static int encode_blocked(const struct user *u, struct buf *b)
{
	for (size_t i = 0; i < u->n_blocked; i++) {
		buf_str_add(b, u->blocked[i]);
		buf_char(b, '\n');
	}
	return b->failed ? ERR_LIMIT : 0;
}

int user_encode_known(const struct user *u, struct buf *b)
{
	for (size_t i = 0; i < u->n_known; i++) {
		buf_str_add(b, u->known[i]);
		buf_char(b, '\n');
	}
	return b->failed ? ERR_LIMIT : 0;
}

static int encode(const struct user *u, enum vault_kind kind, struct buf *b)
{
	if (kind == ITEM_ROSTER)
		return roster_encode(&u->roster, b);
	return kind == ITEM_KNOWN ? user_encode_known(u, b) : encode_blocked(u, b);
}

static void save(struct user *u, enum vault_kind kind, void (*fn)(void *ctx, int err), void *ctx)
{
	struct save *s = calloc(1, sizeof(*s));
	int r;

	if (!s) {
		if (fn)
			fn(ctx, ERR_NOMEM);
		return;
	}
	s->u = user_ref(u);
	s->kind = kind;
	s->fn = fn;
	s->ctx = ctx;
	buf_init(&s->bytes, 4u << 20);
	r = encode(u, kind, &s->bytes);
	if (r == 0)
		r = server_store(u->server, s, save_work, save_done);
	if (r < 0)
		save_done(s, r);
}

void user_save_roster(struct user *u, void (*fn)(void *ctx, int err), void *ctx)
{
	save(u, ITEM_ROSTER, fn, ctx);
}

void user_save_blocklist(struct user *u, void (*fn)(void *ctx, int err), void *ctx)
{
	save(u, ITEM_BLOCKLIST, fn, ctx);
}

void user_save_known(struct user *u, void (*fn)(void *ctx, int err), void *ctx)
{
	save(u, ITEM_KNOWN, fn, ctx);
}
