/* administration.c - XEP-0133: operators change accounts from their clients.
 *
 * The same commands as on the command line (admin/), with the same effects and entries in the record, which name who asked.
 * An administrator may do all of it. Security officers freeze and thaw, the help desk sets passwords; both act on accounts
 * of staff alone, so that nobody gains a role of somebody else's.
 */
#include "admin/admin.h"
#include "base/b64.h"
#include "base/clock.h"
#include "base/secret.h"
#include "core/account.h"
#include "core/adhoc.h"
#include "core/audit.h"
#include "core/mod.h"
#include "core/roster_push.h"
#include "core/state.h"

#define NODE(name) NS_ADMIN "#" name
#define ACCOUNTS_MOST 50		/* of one form */

static bool is_admin(const struct user *u)
{
	return u->role == ROLE_ADMIN;
}

static bool may_freeze(const struct user *u)
{
	return u->role == ROLE_ADMIN || u->role == ROLE_OFFICER;
}

static bool may_help(const struct user *u)
{
	return u->role == ROLE_ADMIN || u->role == ROLE_HELPDESK;
}

static bool may_end(const struct user *u)
{
	return may_freeze(u) || may_help(u);
}

static const struct user *asker(const struct adhoc *c)
{
	return c->iq->trip->from_user;
}

/* --- commands of admin/, for one account after the other ------------------------------------------------------ */

struct task {
	struct adhoc *adhoc;
	const char *command, *done;
	struct str *jids, credentials, reason;
	size_t n, at;
};

static int run_one(struct task *t);

static void one_done(void *ctx, struct admin_call *call)
{
	struct task *t = ctx;
	struct iq *iq = t->adhoc->iq;
	int r;

	iq->session = session_find(iq->server, iq->trip->session_id);
	if (call->err < 0) {
		struct str why = arena_printf(iq->arena, "%.*s%s", STR_FMT(call->why),
					      t->at ? "; those before it in the list are done" : "");

		r = iq_refuse(iq, call->err, why.p ? why.p : NULL);
	} else if (++t->at < t->n) {
		r = run_one(t);
	} else {
		r = adhoc_done(t->adhoc, NULL, t->done);
	}
	admin_call_free(&call);
	trip_iq_result(iq->trip, r);
}

static int run_one(struct task *t)
{
	struct iq *iq = t->adhoc->iq;
	const struct user *by = asker(t->adhoc);
	struct str jid = t->jids[t->at];
	json_t *args = json_pack("{s:s%, s:s%}", "jid", jid.p, jid.n, "by", by->bare.p, by->bare.n);
	struct admin_call *call;

	if (args && t->credentials.n)
		json_object_set_new(args, "credentials", json_stringn(t->credentials.p, t->credentials.n));
	if (args && t->reason.n)
		json_object_set_new(args, "reason", json_stringn(t->reason.p, t->reason.n));
	call = args ? admin_call_new(t->command, args) : NULL;
	if (!call)
		return ERR_NOMEM;
	call->domain = iq->server->config->domain;
	call->live = true;
	call->staff_only = by->role != ROLE_ADMIN;
	server_admin(iq->server, call, one_done, t);
	return IQ_LATER;
}

static int task_new(struct adhoc *c, const char *command, const char *done, const char *var, struct task **ret)
{
	struct task *t = arena_alloc(c->iq->arena, sizeof(*t));
	int r;

	if (!t)
		return ERR_LIMIT;
	*t = (struct task){ .adhoc = c, .command = command, .done = done };
	r = form_list(c->iq->arena, c->form, var, ACCOUNTS_MOST, &t->jids, &t->n);
	if (r < 0 || t->n == 0)
		return r < 0 ? r : ERR_BAD_REQUEST;
	*ret = t;
	return 0;
}

static int run_all(struct adhoc *c, const char *command, const char *done, const char *reason)
{
	struct task *t;
	int r = task_new(c, command, done, "accountjids", &t);

	if (r < 0)
		return r;
	if (reason)
		t->reason = arena_printf(c->iq->arena, "%s%.*s", reason, STR_FMT(asker(c)->bare));
	return run_one(t);
}

static int run_delete(struct adhoc *c)
{
	return run_all(c, "user remove", "Removed.", NULL);
}

static int run_disable(struct adhoc *c)
{
	return run_all(c, "user freeze", "Frozen: it can write to the help desk alone.", "by ");
}

static int run_enable(struct adhoc *c)
{
	return run_all(c, "user thaw", "Active again.", NULL);
}

/* --- with a password -------------------------------------------------------------------------------------------- */

static void derived(void *ctx, int err, struct str blob)
{
	struct task *t = ctx;
	struct iq *iq = t->adhoc->iq;
	char *text = err == 0 ? arena_alloc(iq->arena, B64_LEN(blob.n) + 1) : NULL;

	iq->session = session_find(iq->server, iq->trip->session_id);
	if (err == 0 && !text)
		err = ERR_NOMEM;
	if (err == 0) {
		b64_encode((const uint8_t *)blob.p, blob.n, text);
		t->credentials = str_of(text);
		err = run_one(t);
	}
	trip_iq_result(iq->trip, err);
}

static int with_password(struct adhoc *c, const char *command, const char *done)
{
	struct arena *a = c->iq->arena;
	struct str password = form_get(a, c->form, "password");
	const struct node *again = form_find(c->form, "password-verify");
	const char *why;
	struct task *t;
	int r = task_new(c, command, done, "accountjid", &t);

	if (r < 0)
		return r;
	if (again && !str_eq(form_get(a, c->form, "password-verify"), password))
		return iq_refuse(c->iq, ERR_NOT_ACCEPTABLE, "The two passwords differ.");
	r = account_derive(c->iq->server, t->jids[0], password, derived, t, &why);
	if (r == ERR_POLICY)
		return iq_refuse(c->iq, ERR_NOT_ACCEPTABLE, why);
	return r < 0 ? r : IQ_LATER;
}

static int run_add(struct adhoc *c)
{
	return with_password(c, "user add", "The account is there.");
}

static int run_password(struct adhoc *c)
{
	return with_password(c, "user passwd", "The new password holds; all sessions of the account have ended.");
}

/* --- sessions ---------------------------------------------------------------------------------------------------------- */

/* jid: of an account or of one resource. How many ended; ERR_FORBIDDEN: not by this one. */
static int end_one(struct adhoc *c, struct str text, unsigned *n)
{
	struct server *srv = c->iq->server;
	struct session *one;
	struct user *u;
	struct jid jid;

	if (jid_parse(c->iq->arena, text, &jid) < 0)
		return ERR_JID;
	u = user_cached(srv, jid.bare);
	if (!u)
		return 0;
	if (asker(c)->role != ROLE_ADMIN && u->role != ROLE_STAFF)
		return ERR_FORBIDDEN;
	audit_account(srv, "sessions ended", jid.full, asker(c)->bare.p);
	user_ref(u);
	one = jid.resource.n ? session_of_resource(u, jid.resource) : NULL;
	if (one)
		session_end(one, "reset");
	else if (!jid.resource.n)
		account_end_sessions(u, u == asker(c) ? c->iq->trip->session_id : 0, "reset");
	*n += 1;
	user_unref(&u);
	return 0;
}

static int run_end(struct adhoc *c)
{
	struct str *jids;
	size_t n;
	unsigned ended = 0;
	int r = form_list(c->iq->arena, c->form, "accountjids", ACCOUNTS_MOST, &jids, &n);

	for (size_t i = 0; r == 0 && i < n; i++)
		r = end_one(c, jids[i], &ended);
	return r < 0 ? r : adhoc_done(c, NULL, ended ? "Ended." : "None of them was signed in.");
}

/* --- one account looked at ------------------------------------------------------------------------------------------------ */

static int roster_reply(struct adhoc *c, struct user *u)
{
	struct arena *a = c->iq->arena;
	struct map_iter it = { 0 };
	struct node *query;
	struct form f;
	void *item;

	form_begin(&f, a, NULL, "result", NS_ADMIN);
	form_field(&f, "jid-multi", "accountjids", NULL, u->bare);
	query = f.failed ? NULL : node_add(a, f.x, NS_ROSTER, "query");
	if (!query)
		return ERR_LIMIT;
	while (u->roster.items && map_next(u->roster.items, &it, NULL, &item)) {
		const struct roster_item *one = item;

		if (one->listed && !roster_push_item(a, query, one))
			return ERR_LIMIT;
	}
	audit_account(c->iq->server, "roster read", u->bare, asker(c)->bare.p);
	return adhoc_done(c, f.x, NULL);
}

static int stats_reply(struct adhoc *c, struct user *u)
{
	struct arena *a = c->iq->arena;
	struct form f;
	int r;

	form_begin(&f, a, NULL, "result", NS_ADMIN);
	form_field(&f, "jid-single", "accountjid", NULL, u->bare);
	form_field(&f, "text-single", "rostersize", "Contacts", arena_printf(a, "%zu", roster_listed(&u->roster)));
	form_field(&f, "text-multi", "onlineresources", "Resources that are signed in", (struct str){ 0 });
	LIST_EACH(it, &u->sessions)
		form_value(&f, LIST_ITEM(it, struct session, of_user)->resource);
	r = form_end(&f);
	return r < 0 ? r : adhoc_done(c, f.x, NULL);
}

static void on_user(void *ctx, struct user *u, int err)
{
	struct adhoc *c = ctx;
	struct iq *iq = c->iq;

	iq->session = session_find(iq->server, iq->trip->session_id);
	if (err == 0 && u->gone)
		err = ERR_NOT_FOUND;
	if (err == 0)
		err = str_is(str_of(c->command->node), NODE("get-user-roster")) ? roster_reply(c, u) : stats_reply(c, u);
	trip_iq_result(iq->trip, err);
}

static int look_at(struct adhoc *c, const char *var)
{
	struct jid jid;

	if (jid_parse(c->iq->arena, str_trim(form_get(c->iq->arena, c->form, var)), &jid) < 0 || !jid.local.n)
		return ERR_JID;
	if (!server_is_local(c->iq->server, jid.domain))
		return ERR_NOT_FOUND;
	user_get(c->iq->server, jid.bare, on_user, c);
	return IQ_LATER;
}

static int run_roster(struct adhoc *c)
{
	return look_at(c, "accountjids");
}

static int run_stats(struct adhoc *c)
{
	return look_at(c, "accountjid");
}

/* --- the table --------------------------------------------------------------------------------------------------------------- */

static const struct adhoc_field accounts[] = { { "jid-multi", "accountjids", "Accounts", true, NULL }, { 0 } };
static const struct adhoc_field account[] = { { "jid-single", "accountjid", "Account", true, NULL }, { 0 } };
static const struct adhoc_field new_account[] = {
	{ "jid-single", "accountjid", "Account to add", true, NULL },
	{ "text-private", "password", "Password", true, NULL },
	{ "text-private", "password-verify", "The same password again", true, NULL },
	{ 0 }
};
static const struct adhoc_field new_password[] = {
	{ "jid-single", "accountjid", "Account", true, NULL },
	{ "text-private", "password", "New password", true, NULL },
	{ 0 }
};

static const struct adhoc_command commands[] = {
	{ NODE("add-user"), "Add an account", is_admin, NS_ADMIN, "A member of the staff.", new_account, run_add },
	{ NODE("delete-user"), "Remove accounts", is_admin, NS_ADMIN, "Their archives become unreadable for ever.", accounts, run_delete },
	{ NODE("disable-user"), "Freeze accounts", may_freeze, NS_ADMIN, "They can write to the help desk alone.", accounts, run_disable },
	{ NODE("reenable-user"), "Thaw accounts", may_freeze, NS_ADMIN, NULL, accounts, run_enable },
	{ NODE("end-user-session"), "End sessions", may_end, NS_ADMIN, "Of accounts, or of single resources of them.", accounts, run_end },
	{ NODE("change-user-password"), "Set a password", may_help, NS_ADMIN, "All sessions of the account end.", new_password, run_password },
	{ NODE("get-user-roster"), "Show a roster", is_admin, NS_ADMIN, "It is recorded that it was read.", accounts, run_roster },
	{ NODE("user-stats"), "Show an account's statistics", may_end, NS_ADMIN, NULL, account, run_stats },
	{ 0 }
};

const struct mod_def mod_administration = {
	.name = "administration",
	.xep = 133,
	.xep_version = "1.3.1",
	.xep_partial = true,
	.xep_note = "all but lists of domains (wardroom.yaml has them) and of roles (the command line has them); by role",
	.commands = commands,
};
