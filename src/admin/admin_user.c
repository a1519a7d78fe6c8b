/* admin_user.c - accounts: made, listed, changed, frozen, removed.
 *
 * A password never comes here: the command line derives the SCRAM verifiers, which takes milliseconds that
 * the store thread of a running server does not have.
 */
#include "admin/admin_parts.h"

#include "base/b64.h"
#include "base/clock.h"
#include "base/secret.h"

#define BLOB_BYTES 1024				/* SCRAM_BLOB_BYTES and room for later hashes */
#define LIST_PAGE 500

static const char *const roles[] = {
	[ROLE_STAFF] = "staff", [ROLE_HELPDESK] = "helpdesk", [ROLE_OFFICER] = "officer", [ROLE_AUDITOR] = "auditor",
	[ROLE_ADMIN] = "admin",
};

static int role_of(struct admin_call *call, enum vault_role *ret)
{
	struct str name = admin_text(call, "role");

	*ret = ROLE_STAFF;
	if (str_empty(name))
		return 0;
	for (size_t i = 0; i < sizeof(roles) / sizeof(roles[0]); i++)
		if (str_is(name, roles[i])) {
			*ret = (enum vault_role)i;
			return 0;
		}
	return admin_why(call, ERR_BAD_REQUEST, "there is no role '%.*s'; roles are staff, helpdesk, officer, auditor, admin", STR_FMT(name));
}

static int blob_of(struct admin_call *call, const json_t *text, struct str *ret)
{
	uint8_t *p = arena_alloc(call->arena, BLOB_BYTES);
	size_t n;
	int r;

	if (!p)
		return ERR_NOMEM;
	if (!json_is_string(text))
		return admin_why(call, ERR_BAD_REQUEST, "a password is missing");
	r = b64_decode(str_make(json_string_value(text), json_string_length(text)), p, BLOB_BYTES, &n);
	if (r < 0)
		return admin_why(call, ERR_BAD_REQUEST, "the verifiers of the password are damaged");
	*ret = str_make((char *)p, n);
	return 0;
}

/* guard@ and helpdesk@ are the server's own. */
static int check_free(struct admin_call *call, struct str jid)
{
	if (str_starts(jid, STR("guard@")) || str_starts(jid, STR("helpdesk@")))
		return admin_why(call, ERR_BAD_REQUEST, "%.*s is reserved for the server itself", STR_FMT(jid));
	return 0;
}

static int put(struct admin_call *call, struct vault *v, struct str text, const json_t *credentials, enum vault_role role)
{
	struct vault_account acc = { .role = role, .state = ACCOUNT_ACTIVE, .state_reason = STR_NONE, .created_ms = clock_wall_ms() };
	int r = admin_jid(call, text, &acc.jid);

	if (r == 0)
		r = check_free(call, acc.jid);
	if (r == 0)
		r = blob_of(call, credentials, &acc.credentials);
	if (r < 0)
		return r;
	r = vault_account_add(v, &acc);
	return r < 0 ? r : admin_effect(call, EFFECT_ACCOUNT_ADDED, acc.jid);
}

/* Who has the address already. */
static int conflict(struct admin_call *call, struct vault *v, struct str jid)
{
	struct vault_account acc;
	struct str bare;

	if (admin_jid(call, jid, &bare) == 0 && vault_account_get(v, bare, call->arena, &acc) == 0 && acc.state == ACCOUNT_DECOY)
		return admin_why(call, ERR_CONFLICT, "%.*s is the address of a decoy; `wardroom decoy rotate %.*s` frees it", STR_FMT(jid), STR_FMT(jid));
	return admin_why(call, ERR_CONFLICT, "the account %.*s is there already; `wardroom user passwd` changes its password", STR_FMT(jid));
}

static int add(struct admin_call *call, struct vault *v)
{
	struct str jid = admin_text(call, "jid");
	enum vault_role role;
	int r = role_of(call, &role);

	if (r == 0)
		r = put(call, v, jid, json_object_get(call->args, "credentials"), role);
	if (r == ERR_CONFLICT)
		return conflict(call, v, jid);
	if (r < 0)
		return r;
	r = admin_put(call->reply, "jid", admin_json_str(jid));
	if (r == 0)
		r = admin_put(call->reply, "role", json_string(roles[role]));
	return r;
}

/* Accounts that are there already are left as they are: an import may be repeated. */
static int import(struct admin_call *call, struct vault *v)
{
	const json_t *list = json_object_get(call->args, "accounts");
	json_int_t added = 0, existing = 0;
	int r = 0;

	if (!json_is_array(list))
		return ERR_BAD_REQUEST;
	for (size_t i = 0; r == 0 && i < json_array_size(list); i++) {
		const json_t *one = json_array_get(list, i), *jid = json_object_get(one, "jid");

		if (!json_is_string(jid))
			return ERR_BAD_REQUEST;
		r = put(call, v, str_make(json_string_value(jid), json_string_length(jid)), json_object_get(one, "credentials"), ROLE_STAFF);
		added += r == 0;
		existing += r == ERR_CONFLICT;
		if (r == ERR_CONFLICT)
			r = 0;
	}
	if (r == 0)
		r = admin_put(call->args, "count", json_integer(added));
	if (r == 0)
		r = admin_put(call->reply, "added", json_integer(added));
	if (r == 0)
		r = admin_put(call->reply, "existing", json_integer(existing));
	return r;
}

static json_t *shown(const struct vault_account *acc)
{
	json_t *o = json_object();
	int r = o ? admin_put(o, "jid", admin_json_str(acc->jid)) : ERR_NOMEM;

	if (r == 0)
		r = admin_put(o, "role", json_string(roles[acc->role]));
	if (r == 0)
		r = admin_put(o, "state", json_string(acc->state == ACCOUNT_FROZEN ? "frozen" : acc->state == ACCOUNT_DECOY ? "decoy" : "active"));
	if (r == 0 && acc->state == ACCOUNT_FROZEN)
		r = admin_put(o, "reason", admin_json_str(acc->state_reason));
	if (r == 0)
		r = admin_put(o, "created", admin_json_time(acc->created_ms));
	if (r == 0)
		return o;
	json_decref(o);
	return NULL;
}

static int list(struct admin_call *call, struct vault *v)
{
	json_t *accounts = json_array();
	struct vault_account *page;
	struct str after = STR_NONE;
	size_t n;
	int r = admin_put(call->reply, "accounts", accounts);

	do {
		n = 0;
		if (r == 0)
			r = vault_account_list(v, after, LIST_PAGE, call->arena, &page, &n);
		for (size_t i = 0; r == 0 && i < n; i++) {
			if (json_array_append_new(accounts, shown(&page[i])) != 0)
				r = ERR_NOMEM;
			after = page[i].jid;
		}
	} while (r == 0 && n == LIST_PAGE);
	return r;
}

static int show(struct admin_call *call, struct vault *v)
{
	struct vault_account acc;
	uint64_t held = 0;
	struct vault_held *h;
	size_t n = 0;
	int r = admin_account(call, v, &acc);

	if (r < 0)
		return r;
	json_decref(call->reply);
	call->reply = shown(&acc);
	if (!call->reply)
		return ERR_NOMEM;
	r = vault_held_list(v, acc.jid, HELD_WAITING, 1000, call->arena, &h, &n);
	held = n;
	return r < 0 ? r : admin_put(call->reply, "held", json_integer((json_int_t)held));
}

static int passwd(struct admin_call *call, struct vault *v)
{
	struct vault_account acc;
	int r = admin_person(call, v, &acc);

	if (r == 0)
		r = blob_of(call, json_object_get(call->args, "credentials"), &acc.credentials);
	if (r == 0)
		r = vault_account_set(v, &acc);
	if (r == 0)
		r = admin_put(call->reply, "jid", admin_json_str(acc.jid));
	return r < 0 ? r : admin_effect(call, EFFECT_ACCOUNT_CHANGED, acc.jid);
}

static int set_state(struct admin_call *call, struct vault *v, enum vault_state state)
{
	struct vault_account acc;
	int r = admin_person(call, v, &acc);

	if (r < 0)
		return r;
	if (acc.state == state)
		return admin_why(call, ERR_CONFLICT, "%.*s is %s already", STR_FMT(acc.jid), state == ACCOUNT_FROZEN ? "frozen" : "active");
	acc.state = state;
	acc.state_reason = state == ACCOUNT_FROZEN ? admin_text(call, "reason") : STR_NONE;
	if (state == ACCOUNT_FROZEN && str_empty(acc.state_reason))
		acc.state_reason = STR("by an operator");
	r = vault_account_set(v, &acc);
	if (r == 0)
		r = admin_put(call->reply, "jid", admin_json_str(acc.jid));
	if (r == 0)
		r = admin_put(call->reply, "state", json_string(state == ACCOUNT_FROZEN ? "frozen" : "active"));
	return r < 0 ? r : admin_effect(call, state == ACCOUNT_FROZEN ? EFFECT_ACCOUNT_FROZEN : EFFECT_ACCOUNT_THAWED, acc.jid);
}

static int freeze(struct admin_call *call, struct vault *v)
{
	return set_state(call, v, ACCOUNT_FROZEN);
}

static int thaw(struct admin_call *call, struct vault *v)
{
	return set_state(call, v, ACCOUNT_ACTIVE);
}

static int removed(struct admin_call *call, struct vault *v)
{
	struct vault_account acc;
	int r = admin_account(call, v, &acc);

	if (r == 0)
		r = vault_account_remove(v, acc.jid);
	if (r == 0)
		r = admin_put(call->reply, "jid", admin_json_str(acc.jid));
	return r < 0 ? r : admin_effect(call, EFFECT_ACCOUNT_REMOVED, acc.jid);
}

const struct admin_command admin_user_commands[] = {
	{ "user add", add, true },	 { "user import", import, true }, { "user list", list, true },
	{ "user show", show, true },	 { "user passwd", passwd, true }, { "user freeze", freeze, true },
	{ "user thaw", thaw, true },	 { "user remove", removed, true }, { 0 },
};
