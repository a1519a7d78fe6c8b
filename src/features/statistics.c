/* statistics.c - XEP-0133: how many accounts there are and which, who is signed in, when somebody was; announcements.
 *
 * For everybody with a role: it is what `wardroom user list` and `status` show. Announcements are an administrator's or an
 * officer's.
 */
#include "admin/admin.h"
#include "base/clock.h"
#include "core/adhoc.h"
#include "core/announce.h"
#include "core/audit.h"
#include "core/mod.h"
#include "core/state.h"

#define NODE(name) NS_ADMIN "#" name
#define LIST_MOST 10000			/* addresses in one answer */
#define LAST_MOST 50

static bool has_role(const struct user *u)
{
	return u->role != ROLE_STAFF;
}

static bool may_announce(const struct user *u)
{
	return u->role == ROLE_ADMIN || u->role == ROLE_OFFICER;
}

/* What the ends of the commands' names stand for. */
enum which { REGISTERED, DISABLED, ONLINE, ACTIVE, IDLE };
static const struct { const char *name, *number, *list; } kinds[] = {
	[REGISTERED] = { "registered", "registeredusersnum", "registereduserjids" },
	[DISABLED] = { "disabled", "disabledusersnum", "disableduserjids" },
	[ONLINE] = { "online", "onlineusersnum", "onlineuserjids" },
	[ACTIVE] = { "active", "activeusersnum", "activeuserjids" },
	[IDLE] = { "idle", "idleusersnum", "idleuserjids" },
};

static enum which kind_of(const struct adhoc *c)
{
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (str_find(str_of(c->command->node), str_of(kinds[i].name)) >= 0)
			return (enum which)i;
	return REGISTERED;
}

/* NULL var: a number is asked for. */
struct answer {
	struct form form;
	bool list;
	size_t n, most;
};

static int answer_begin(struct adhoc *c, struct answer *ret)
{
	struct str max = c->form ? form_get(c->iq->arena, c->form, "max_items") : STR_NONE;
	uint64_t most = LIST_MOST;
	enum which k = kind_of(c);

	*ret = (struct answer){ .list = c->command->fields != NULL };
	if (max.n && !str_is(max, "none") && !str_to_u64(max, LIST_MOST, &most))
		return ERR_BAD_REQUEST;
	ret->most = (size_t)most;
	form_begin(&ret->form, c->iq->arena, NULL, "result", NS_ADMIN);
	if (ret->list)
		form_field(&ret->form, "jid-multi", kinds[k].list, NULL, (struct str){ 0 });
	return 0;
}

static void answer_add(struct answer *a, struct str jid)
{
	if (a->list && a->n < a->most)
		form_value(&a->form, jid);
	a->n++;
}

static int answer_end(struct adhoc *c, struct answer *a)
{
	int r;

	if (!a->list)
		form_field(&a->form, "text-single", kinds[kind_of(c)].number, NULL, arena_printf(c->iq->arena, "%zu", a->n));
	r = form_end(&a->form);
	return r < 0 ? r : adhoc_done(c, a->form.x, NULL);
}

/* --- of those who are signed in ------------------------------------------------------------------------------ */

static bool is_away(const struct session *s)
{
	return s->inactive || str_find(s->presence, STR("<show>away<")) >= 0 || str_find(s->presence, STR("<show>xa<")) >= 0;
}

static bool counts(const struct user *u, enum which k)
{
	bool active = false;

	if (u->n_sessions == 0)
		return false;
	LIST_EACH(it, (struct list *)(uintptr_t)&u->sessions) {
		const struct session *s = LIST_ITEM(it, struct session, of_user);

		active = active || (s->available && !is_away(s));
	}
	return k == ONLINE || active == (k == ACTIVE);
}

static int run_live(struct adhoc *c)
{
	struct map_iter it = { 0 };
	struct answer a;
	void *v;
	int r = answer_begin(c, &a);

	if (r < 0)
		return r;
	while (map_next(c->iq->server->users, &it, NULL, &v)) {
		const struct user *u = v;

		if (!u->loading && counts(u, kind_of(c)))
			answer_add(&a, u->bare);
	}
	return answer_end(c, &a);
}

/* --- of all ------------------------------------------------------------------------------------------------------ */

static int listed(struct adhoc *c, const json_t *reply)
{
	const json_t *accounts = json_object_get(reply, "accounts"), *one;
	struct answer a;
	size_t i;
	int r = answer_begin(c, &a);

	if (r < 0)
		return r;
	json_array_foreach(accounts, i, one) {
		const char *jid = json_string_value(json_object_get(one, "jid")), *state = json_string_value(json_object_get(one, "state"));

		if (jid && state && (kind_of(c) == REGISTERED || strcmp(state, "frozen") == 0))
			answer_add(&a, str_of(jid));
	}
	return answer_end(c, &a);
}

static void all_done(void *ctx, struct admin_call *call)
{
	struct adhoc *c = ctx;
	struct iq *iq = c->iq;
	int r;

	iq->session = session_find(iq->server, iq->trip->session_id);
	r = call->err < 0 ? call->err : listed(c, call->reply);
	admin_call_free(&call);
	trip_iq_result(iq->trip, r);
}

static int run_all(struct adhoc *c)
{
	struct str by = c->iq->trip->from_user->bare;
	json_t *args = json_pack("{s:s%}", "by", by.p, by.n);
	struct admin_call *call = args ? admin_call_new("user list", args) : NULL;

	if (!call)
		return ERR_NOMEM;
	call->domain = c->iq->server->config->domain;
	call->live = true;
	server_admin(c->iq->server, call, all_done, c);
	return IQ_LATER;
}

/* --- when somebody was signed in last ----------------------------------------------------------------------------------- */

struct last {
	struct adhoc *adhoc;
	struct str *jids;
	uint64_t *login_ms;
	size_t n;
};

/* features/last_activity.c writes it: when it signed in, when it left. */
static int last_work(struct vault *v, struct iq *iq)
{
	struct last *l = iq->data;

	for (size_t i = 0; i < l->n; i++) {
		struct str text;
		ptrdiff_t space;
		int r = vault_item_get(v, l->jids[i], ITEM_LAST, STR_NONE, iq->arena, &text);

		if (r == ERR_NOT_FOUND)
			continue;
		if (r < 0)
			return r;
		space = str_find_char(text, ' ');
		if (space < 0 || !str_to_u64(str_make(text.p, (size_t)space), UINT64_MAX / 16, &l->login_ms[i]))
			return ERR_CORRUPT;
	}
	return 0;
}

static uint64_t live_login(struct server *srv, struct str bare)
{
	struct user *u = user_cached(srv, bare);
	uint64_t ms = 0;

	if (u)
		LIST_EACH(it, &u->sessions) {
			const struct session *s = LIST_ITEM(it, struct session, of_user);

			ms = s->since_ms > ms ? s->since_ms : ms;
		}
	return ms;
}

static int last_done(struct iq *iq, int err)
{
	struct last *l = iq->data;
	struct form f;

	if (err < 0)
		return err;
	form_begin(&f, iq->arena, NULL, "result", NS_ADMIN);
	form_field(&f, "jid-multi", "accountjids", NULL, (struct str){ 0 });
	for (size_t i = 0; i < l->n; i++)
		form_value(&f, l->jids[i]);
	form_field(&f, "text-multi", "lastlogin", NULL, (struct str){ 0 });
	for (size_t i = 0; i < l->n; i++) {
		uint64_t live = live_login(iq->server, l->jids[i]);
		char stamp[CLOCK_STAMP_BYTES] = "never";

		if (live || l->login_ms[i])
			clock_stamp(live ? live : l->login_ms[i], stamp);
		form_value(&f, str_of(stamp));
	}
	err = form_end(&f);
	return err < 0 ? err : adhoc_done(l->adhoc, f.x, NULL);
}

static int run_last(struct adhoc *c)
{
	struct iq *iq = c->iq;
	struct last *l = arena_alloc(iq->arena, sizeof(*l));
	int r = l ? form_list(iq->arena, c->form, "accountjids", LAST_MOST, &l->jids, &l->n) : ERR_LIMIT;

	if (r < 0)
		return r;
	l->adhoc = c;
	l->login_ms = arena_alloc(iq->arena, (l->n + 1) * sizeof(*l->login_ms));
	if (!l->login_ms)
		return ERR_LIMIT;
	for (size_t i = 0; i < l->n; i++) {
		struct jid jid;

		if (jid_parse(iq->arena, l->jids[i], &jid) < 0 || !jid.local.n)
			return ERR_JID;
		l->jids[i] = jid.bare;
	}
	iq->data = l;
	return iq_store(iq, last_work, last_done);
}

/* --- announcements ------------------------------------------------------------------------------------------------------------ */

static int run_announce(struct adhoc *c)
{
	struct arena *a = c->iq->arena;
	struct str text;
	unsigned told = 0;
	int r = announce_text(a, c->form, "announcement", &text);

	if (r == 0 && !text.n)
		r = ERR_BAD_REQUEST;
	if (r < 0)
		return r;
	audit_account(c->iq->server, "announcement", c->iq->trip->from_user->bare, arena_printf(a, "%zu bytes", text.n).p);
	r = announce_all(c->iq->server, a, text, &told);
	return r < 0 ? r : adhoc_done(c, NULL, told ? "It was sent to everybody who is available." : "Nobody is available.");
}

/* --- the table ------------------------------------------------------------------------------------------------------------------- */

static const char *const numbers[] = { "25", "50", "75", "100", "150", "200", "none", NULL };
static const struct adhoc_field max_items[] = { { "list-single", "max_items", "How many to show", false, numbers }, { 0 } };
static const struct adhoc_field accounts[] = { { "jid-multi", "accountjids", "Accounts", true, NULL }, { 0 } };
static const struct adhoc_field text[] = { { "text-multi", "announcement", "Text", true, NULL }, { 0 } };

#define NUMBER(which, run) \
	{ NODE("get-" which "-users-num"), "Number of " which " users", has_role, NS_ADMIN, NULL, NULL, run }
#define LIST(which, run) \
	{ NODE("get-" which "-users-list"), "List of " which " users", has_role, NS_ADMIN, NULL, max_items, run }

static const struct adhoc_command commands[] = {
	NUMBER("registered", run_all),
	NUMBER("disabled", run_all),
	NUMBER("online", run_live),
	NUMBER("active", run_live),
	NUMBER("idle", run_live),
	LIST("registered", run_all),
	LIST("disabled", run_all),
	LIST("online", run_live),
	{ NODE("get-active-users"), "List of active users", has_role, NS_ADMIN, NULL, max_items, run_live },
	{ NODE("get-idle-users"), "List of idle users", has_role, NS_ADMIN, NULL, max_items, run_live },
	{ NODE("get-user-lastlogin"), "Last time somebody signed in", has_role, NS_ADMIN, NULL, accounts, run_last },
	{ NODE("announce"), "Tell everybody who is signed in", may_announce, NS_ADMIN, "To all who are available.", text, run_announce },
	{ 0 }
};

const struct mod_def mod_statistics = {
	.name = "statistics",
	.xep = 133,
	.xep_version = "1.3.1",
	.commands = commands,
};
