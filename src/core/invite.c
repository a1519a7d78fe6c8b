/* invite.c - see invite.h. Stored as items of the domain: token -> "until account by username". */
#include "core/invite.h"

#include <stdlib.h>

#include "base/log.h"
#include "base/rand.h"
#include "core/roster_push.h"
#include "core/state.h"
#include "core/user.h"

#define ARENA_BYTES (4u << 20)

static bool word(struct str *rest, struct str *ret)
{
	ptrdiff_t at = str_find_char(*rest, ' ');

	if (at < 0)
		return false;
	*ret = str_make(rest->p, (size_t)at);
	*rest = str_cut(*rest, (size_t)at + 1);
	return true;
}

static int decode(struct str token, struct str value, struct invite *ret)
{
	struct str until, account;

	*ret = (struct invite){ .token = token };
	if (!word(&value, &until) || !word(&value, &account) || !word(&value, &ret->by) ||
	    !str_to_u64(until, UINT64_MAX / 16, &ret->until_ms))
		return ERR_CORRUPT;
	ret->account = str_is(account, "1");
	ret->username = value;
	return 0;
}

/* Those that are still good; the others are removed. */
static int list(struct vault *v, struct str domain, uint64_t now_ms, struct arena *a, struct invite **ret, size_t *ret_n)
{
	struct vault_item *items;
	size_t n = 0, kept = 0;
	int r = vault_item_list(v, domain, ITEM_INVITE, a, &items, &n);

	*ret = r == 0 ? arena_alloc(a, (n + 1) * sizeof(**ret)) : NULL;
	if (!*ret)
		return r < 0 ? r : ERR_LIMIT;
	for (size_t i = 0; r == 0 && i < n; i++) {
		r = decode(items[i].key, items[i].value, &(*ret)[kept]);
		if (r == 0 && (*ret)[kept].until_ms > now_ms)
			kept++;
		else if (r == 0)
			r = vault_item_remove(v, domain, ITEM_INVITE, items[i].key);
	}
	*ret_n = kept;
	return r;
}

int invite_check_name(struct vault *v, struct str domain, struct str username, struct str token, uint64_t now_ms)
{
	struct arena *a = arena_new(ARENA_BYTES);
	struct invite *all;
	size_t n = 0;
	int r = a ? list(v, domain, now_ms, a, &all, &n) : ERR_NOMEM;

	for (size_t i = 0; r == 0 && i < n; i++)
		if (str_eq(all[i].username, username) && !str_eq(all[i].token, token))
			r = ERR_CONFLICT;
	arena_free(&a);
	return r;
}

static int check_new(struct vault *v, struct str domain, const struct invite *inv, uint64_t now_ms, struct arena *a)
{
	struct vault_account acc;
	struct invite *all;
	size_t n = 0, own = 0;
	int r = list(v, domain, now_ms, a, &all, &n);

	for (size_t i = 0; r == 0 && i < n; i++) {
		own += str_eq(all[i].by, inv->by);
		if (inv->username.n && str_eq(all[i].username, inv->username))
			r = ERR_CONFLICT;
	}
	if (r < 0 || own >= INVITES_OPEN)
		return r < 0 ? r : ERR_LIMIT;
	if (!inv->username.n)
		return 0;
	r = vault_account_get(v, arena_printf(a, "%.*s@%.*s", STR_FMT(inv->username), STR_FMT(domain)), a, &acc);
	return r == 0 ? ERR_CONFLICT : r == ERR_NOT_FOUND ? 0 : r;
}

int invite_create(struct vault *v, struct str domain, struct arena *a, struct invite *inv, uint64_t now_ms)
{
	struct arena *scratch = arena_new(ARENA_BYTES);
	char token[INVITE_TOKEN + 1];
	struct str value;
	int r = scratch ? check_new(v, domain, inv, now_ms, scratch) : ERR_NOMEM;

	arena_free(&scratch);
	if (r < 0)
		return r;
	rand_text(token, INVITE_TOKEN);
	inv->until_ms = now_ms + INVITE_MS;
	inv->token = arena_str(a, str_of(token));
	value = arena_printf(a, "%llu %d %.*s %.*s", (unsigned long long)inv->until_ms, inv->account, STR_FMT(inv->by), STR_FMT(inv->username));
	if (!inv->token.p || !value.p)
		return ERR_LIMIT;
	return vault_item_put(v, domain, ITEM_INVITE, inv->token, value);
}

int invite_get(struct vault *v, struct str domain, struct str token, uint64_t now_ms, struct arena *a, struct invite *ret)
{
	struct vault_account by;
	struct str value;
	int r = token.n == INVITE_TOKEN ? vault_item_get(v, domain, ITEM_INVITE, token, a, &value) : ERR_NOT_FOUND;

	if (r == 0)
		r = decode(token, value, ret);
	if (r == 0 && ret->until_ms <= now_ms)
		r = ERR_NOT_FOUND;
	/* Whose account has gone or is frozen invites nobody. */
	if (r == 0 && ret->by.n)
		r = vault_account_get(v, ret->by, a, &by);
	return r == 0 && ret->by.n && by.state != ACCOUNT_ACTIVE ? ERR_NOT_FOUND : r;
}

int invite_use(struct vault *v, struct str domain, struct str token)
{
	return vault_item_remove(v, domain, ITEM_INVITE, token);
}

/* --- rosters --------------------------------------------------------------------------------------------------- */

struct friend {
	size_t n;
	char jid[];
};

static void on_user(void *ctx, struct user *u, int err)
{
	struct friend *f = ctx;
	struct roster_item *it;

	if (err == 0 && !user_blocks(u, str_make(f->jid, f->n)))
		err = roster_get(&u->roster, str_make(f->jid, f->n), &it);
	else if (err == 0)
		err = ERR_FORBIDDEN;
	if (err == 0) {
		it->listed = true;
		it->ask = it->pending_in = false;
		it->sub = it->own_sub = SUB_BOTH;
		it->own_listed = true;
		roster_push_changed(u, it);
		user_save_roster(u, NULL, NULL);
	} else {
		log_event(LOG_WARN, "invite.roster", LOG_Z("why", err_text(err)));
	}
	free(f);
}

static void befriend(struct server *srv, struct str whose, struct str jid)
{
	struct friend *f = malloc(sizeof(*f) + jid.n);

	if (!f)
		return;
	f->n = jid.n;
	memcpy(f->jid, jid.p, jid.n);
	user_get(srv, whose, on_user, f);
}

void invite_befriend(struct server *srv, struct str one, struct str other)
{
	befriend(srv, one, other);
	befriend(srv, other, one);
}
