/* admin.c - runs an operator's command: finds it in the tables, one transaction, one entry in the audit log. */
#include "admin/admin.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "admin/admin_parts.h"
#include "base/clock.h"
#include "xmpp/jid.h"

#define ARENA_BYTES (64 * 1024 * 1024)		/* an import of thousands, a list of all accounts */

static const struct admin_command *const tables[] = {
	admin_user_commands, admin_device_commands, admin_held_commands, admin_file_commands, admin_outbreak_commands, admin_policy_commands, admin_record_commands,
	admin_replay_commands, admin_report_commands, admin_exchange_commands, admin_decoy_commands, admin_breaker_commands,
};

struct admin_call *admin_call_new(const char *command, json_t *args)
{
	struct arena *a = arena_new(ARENA_BYTES);
	struct admin_call *call = a ? arena_alloc(a, sizeof(*call)) : NULL;
	char *name = call ? arena_dup(a, command, strlen(command)) : NULL;

	if (!name) {
		arena_free(&a);
		json_decref(args);
		return NULL;
	}
	arena_wipe_on_free(a);
	call->arena = a;
	call->command = name;
	call->args = args ? args : json_object();
	call->why = STR_NONE;
	return call;
}

void admin_call_free(struct admin_call **call)
{
	struct arena *a = *call ? (*call)->arena : NULL;

	if (!a)
		return;
	if ((*call)->state_free)
		(*call)->state_free((*call)->state);
	json_decref((*call)->args);
	json_decref((*call)->reply);
	*call = NULL;
	arena_free(&a);
}

int admin_why(struct admin_call *call, int err, const char *fmt, ...)
{
	char text[1024];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	call->why = arena_str(call->arena, str_of(text));
	if (!call->why.p)
		call->why = STR_NONE;
	return err;
}

int admin_effect(struct admin_call *call, enum admin_effect_kind kind, struct str subject)
{
	struct admin_effect *e = arena_alloc(call->arena, sizeof(*e)), **at = &call->effects;

	if (!e)
		return ERR_NOMEM;
	e->kind = kind;
	e->subject = arena_str(call->arena, subject);
	if (!e->subject.p)
		return ERR_NOMEM;
	while (*at)
		at = &(*at)->next;
	*at = e;
	return 0;
}

struct str admin_text(const struct admin_call *call, const char *name)
{
	const json_t *v = json_object_get(call->args, name);

	return json_is_string(v) ? str_make(json_string_value(v), json_string_length(v)) : STR_NONE;
}

int admin_jid(struct admin_call *call, struct str text, struct str *ret)
{
	struct jid jid, domain;
	int r = jid_parse(call->arena, text, &jid);

	if (r == ERR_JID || (r == 0 && (str_empty(jid.local) || !str_empty(jid.resource))))
		return admin_why(call, ERR_BAD_REQUEST, "'%.*s' is not the address of an account; it looks like name@%s",
				 STR_FMT(text), call->domain);
	if (r < 0)
		return r;
	r = jid_parse(call->arena, str_of(call->domain), &domain);
	if (r < 0)
		return r;
	if (!str_eq(jid.domain, domain.domain))
		return admin_why(call, ERR_BAD_REQUEST, "'%.*s' is not of this instance's domain, %s", STR_FMT(text), call->domain);
	*ret = jid.bare;
	return 0;
}

int admin_account(struct admin_call *call, struct vault *v, struct vault_account *ret)
{
	struct str jid;
	int r = admin_jid(call, admin_text(call, "jid"), &jid);

	if (r < 0)
		return r;
	r = vault_account_get(v, jid, call->arena, ret);
	if (r == ERR_NOT_FOUND)
		return admin_why(call, r, "there is no account %.*s; `wardroom user list` shows all", STR_FMT(jid));
	if (r == 0 && call->staff_only && ret->role != ROLE_STAFF)
		return admin_why(call, ERR_FORBIDDEN, "%.*s has a role of its own: an administrator changes that account", STR_FMT(jid));
	return r;
}

int admin_person(struct admin_call *call, struct vault *v, struct vault_account *ret)
{
	int r = admin_account(call, v, ret);

	if (r == 0 && ret->state == ACCOUNT_DECOY)
		return admin_why(call, ERR_CONFLICT, "%.*s is a decoy, there is nobody: `wardroom decoy list` shows all", STR_FMT(ret->jid));
	return r;
}

json_t *admin_json_str(struct str s)
{
	json_t *v = json_stringn(s.p, s.n);

	return v ? v : json_null();
}

json_t *admin_json_time(uint64_t ms)
{
	char stamp[CLOCK_STAMP_BYTES];

	clock_stamp(ms, stamp);
	return json_string(stamp);
}

json_t *admin_json_id(uint64_t id)
{
	char text[VAULT_ID_TEXT];

	vault_id_text(id, text);
	return json_string(text);
}

int admin_put(json_t *object, const char *key, json_t *value)
{
	return value && json_object_set_new(object, key, value) == 0 ? 0 : ERR_NOMEM;
}

/* What of the arguments may stand in the record: names and ids, never a password or a verifier. */
static int record(struct admin_call *call, struct vault *v)
{
	static const char *const kept[] = { "jid", "account", "role", "reason", "id", "count", "by", "fingerprint", "stanza-id", "like", "why", "link" };
	json_t *entry = json_object();
	char *text;
	int r = entry ? admin_put(entry, "command", json_string(call->command)) : ERR_NOMEM;

	for (size_t i = 0; r == 0 && i < sizeof(kept) / sizeof(kept[0]); i++) {
		json_t *value = json_object_get(call->args, kept[i]);

		if (value && (json_is_string(value) || json_is_integer(value)))
			r = admin_put(entry, kept[i], json_incref(value));
	}
	text = r == 0 ? json_dumps(entry, JSON_COMPACT) : NULL;
	json_decref(entry);
	if (!text)
		return ERR_NOMEM;
	r = vault_audit_add(v, clock_wall_ms(), STR("command"), str_of(text));
	free(text);
	return r;
}

static const struct admin_command *find(const char *name)
{
	for (size_t i = 0; i < sizeof(tables) / sizeof(tables[0]); i++)
		for (const struct admin_command *c = tables[i]; c->name; c++)
			if (strcmp(c->name, name) == 0)
				return c;
	return NULL;
}

static void ended(struct admin_call *call, int err)
{
	call->err = err;
	if (err < 0 && str_empty(call->why))
		admin_why(call, err, "%s: %s", call->command, err_text(err));
	if (err < 0)
		call->effects = NULL;
}

int admin_work(struct admin_call *call, struct vault *v)
{
	const struct admin_command *c = find(call->command);
	int r;

	json_decref(call->reply);
	call->reply = NULL;
	call->again = false;
	call->effects = NULL;
	call->why = STR_NONE;
	if (c) {
		call->reply = json_object();
		r = call->reply ? c->run(call, v) : ERR_NOMEM;
		if (r == 0 && c->audited && !call->again)
			r = record(call, v);
	} else {
		r = admin_why(call, ERR_UNSUPPORTED, "there is no command '%s'; `wardroom help` lists all", call->command);
	}
	ended(call, r);
	return r;
}

static void run_slice(struct admin_call *call, struct vault *v)
{
	int r = vault_begin(v);

	if (r < 0) {
		ended(call, r);
		return;
	}
	if (admin_work(call, v) < 0) {
		vault_rollback(v);
		return;
	}
	r = vault_commit(v);
	ended(call, r);
}

void admin_run(struct admin_call *call, struct vault *v)
{
	do
		run_slice(call, v);
	while (call->err == 0 && call->again);
}
