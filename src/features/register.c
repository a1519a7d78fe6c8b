/* register.c - XEP-0077 of somebody who has an account: another password, or, where accounts are open to everybody, its end.
 *
 * The new password is judged as the command line judges it. Whoever signed in with the old one, by password or token, is
 * out afterwards; the session that asked stays. How accounts are opened is core/stream_register.c.
 */
#include "core/account.h"
#include "core/audit.h"
#include "core/device.h"
#include "core/hooks.h"
#include "core/mod.h"
#include "core/state.h"

struct change {
	struct str credentials;		/* in the trip's arena, which is wiped */
};

/* --- another password -------------------------------------------------------------------------------------- */

static int change_work(struct vault *v, struct iq *iq)
{
	const struct change *c = iq->data;
	struct vault_account acc;
	int r = vault_account_get(v, iq->trip->from_user->bare, iq->arena, &acc);

	if (r < 0)
		return r;
	acc.credentials = c->credentials;
	return vault_account_set(v, &acc);
}

static int change_done(struct iq *iq, int err)
{
	struct user *u = iq->trip->from_user;

	u->changing = false;
	if (err < 0)
		return err;
	audit_account(iq->server, "password changed by its owner", u->bare, "");
	err = iq_reply(iq, NULL);
	device_end(iq->server, u->bare, STR_NONE);	/* those on their way in */
	account_end_sessions(u, iq->trip->session_id, "reset");
	return err;
}

static void derived(void *ctx, int err, struct str blob)
{
	struct trip *t = ctx;
	struct change *c = t->iq->data;

	t->iq->session = session_find(t->server, t->session_id);
	c->credentials = err == 0 ? arena_str(t->arena, blob) : STR_NONE;
	if (err == 0)
		err = c->credentials.p ? iq_store(t->iq, change_work, change_done) : ERR_NOMEM;
	if (err < 0)
		t->from_user->changing = false;
	trip_iq_result(t, err);
}

static struct str field(struct iq *iq, const char *name)
{
	const struct node *n = node_child(iq->payload, NS_REGISTER, name);

	return n ? node_text(iq->arena, n) : STR_NONE;
}

/* The name alone, or the whole address. */
static bool is_own(const struct iq *iq, struct str name)
{
	struct str bare = iq->trip->from.bare;

	return str_eq(name, iq->trip->from.local) || str_eq(name, bare);
}

static int change_password(struct iq *iq)
{
	struct user *u = iq->trip->from_user;
	struct str password = field(iq, "password");
	const char *why;
	int r;

	arena_wipe_on_free(iq->arena);
	if (!node_child(iq->payload, NS_REGISTER, "username") || !password.n)
		return ERR_BAD_REQUEST;
	if (!is_own(iq, field(iq, "username")))
		return iq_refuse(iq, ERR_NOT_ALLOWED, "only the password of one's own account can be changed");
	if (u->frozen)
		return iq_refuse(iq, ERR_NOT_ALLOWED, "this account is frozen; please write to the help desk");
	if (u->changing)
		return ERR_BUSY;
	iq->data = arena_alloc(iq->arena, sizeof(struct change));
	if (!iq->data)
		return ERR_LIMIT;
	r = account_derive(iq->server, u->bare, password, derived, iq->trip, &why);
	if (r == ERR_POLICY)
		return iq_refuse(iq, ERR_NOT_ACCEPTABLE, why);
	if (r < 0)
		return r;
	u->changing = true;
	return IQ_LATER;
}

/* --- its end ---------------------------------------------------------------------------------------------------- */

static int remove_work(struct vault *v, struct iq *iq)
{
	return vault_account_remove(v, iq->trip->from_user->bare);
}

static int remove_done(struct iq *iq, int err)
{
	struct user *u = iq->trip->from_user;

	if (err < 0)
		return err;
	audit_account(iq->server, "removed by its owner", u->bare, "");
	err = iq_reply(iq, NULL);
	device_end(iq->server, u->bare, STR_NONE);
	account_end_sessions(u, 0, "not-authorized");
	user_forget(u);
	hooks_account_removed(iq->server, u->bare);
	return err;
}

/* Accounts of staff and what was said from them are the company's. */
static int cancel(struct iq *iq)
{
	const struct user *u = iq->trip->from_user;

	if (node_next_element(node_first_element(iq->payload)))
		return ERR_BAD_REQUEST;
	if (iq->server->config->registration != CONFIG_REGISTRATION_OPEN || u->role != ROLE_STAFF || u->frozen)
		return iq_refuse(iq, ERR_NOT_ALLOWED, "accounts of this server are closed by its operator");
	return iq_store(iq, remove_work, remove_done);
}

/* --- what there is to fill in --------------------------------------------------------------------------------------- */

static int on_get(struct iq *iq)
{
	struct node *q;

	if (!iq->trip->from_user || iq->trip->origin != TRIP_CLIENT)
		return ERR_FORBIDDEN;
	q = node_new(iq->arena, NS_REGISTER, "query");
	if (!q || !node_add(iq->arena, q, NS_REGISTER, "registered") ||
	    !node_add_leaf(iq->arena, q, NS_REGISTER, "username", iq->trip->from.local) ||
	    !node_add(iq->arena, q, NS_REGISTER, "password"))
		return ERR_LIMIT;
	return iq_reply(iq, q);
}

static int on_set(struct iq *iq)
{
	if (!iq->session || !iq->trip->from_user || iq->trip->origin != TRIP_CLIENT)
		return ERR_FORBIDDEN;
	return node_child(iq->payload, NS_REGISTER, "remove") ? cancel(iq) : change_password(iq);
}

static const struct iq_hook iqs[] = {
	{ IQ_GET, NS_REGISTER, "query", TO_SERVER | TO_SELF, on_get },
	{ IQ_SET, NS_REGISTER, "query", TO_SERVER | TO_SELF, on_set },
	{ 0 }
};

const struct mod_def mod_register = {
	.name = "register",
	.xep = 77,
	.xep_version = "2.4",
	.xep_partial = true,
	.xep_note = "by invitation or open, if the operator says so; another password; the end of open accounts; no fields but name and password",
	.disco_server = (const char *const[]){ NS_REGISTER, NULL },
	.iq = iqs,
};
