/* admin_device.c - the clients of an account: who has access to it, and taking it away. */
#include "admin/admin_parts.h"

#include "auth/fast.h"
#include "base/clock.h"
#include "vault/vault_device.h"

static json_t *shown(const struct vault_device *d)
{
	bool token = fast_has_token(d, clock_wall_ms());
	json_t *o = json_object();
	int r = o ? admin_put(o, "id", json_string(d->id)) : ERR_NOMEM;

	if (r == 0)
		r = admin_put(o, "software", admin_json_str(d->software));
	if (r == 0)
		r = admin_put(o, "device", admin_json_str(d->name));
	if (r == 0)
		r = admin_put(o, "access", json_string(d->password ? token ? "password, token" : "password" : token ? "token" : "none"));
	if (r == 0)
		r = admin_put(o, "first_seen", admin_json_time(d->first_ms));
	if (r == 0)
		r = admin_put(o, "last_seen", admin_json_time(d->last_ms));
	if (r == 0)
		r = admin_put(o, "connected", json_false());
	if (r == 0)
		return o;
	json_decref(o);
	return NULL;
}

static int list(struct admin_call *call, struct vault *v)
{
	json_t *devices = json_array();
	struct vault_account acc;
	struct vault_device *d;
	size_t n = 0;
	int r = admin_put(call->reply, "devices", devices);

	if (r == 0)
		r = admin_account(call, v, &acc);
	if (r == 0)
		r = admin_put(call->reply, "jid", admin_json_str(acc.jid));
	if (r == 0)
		r = vault_device_list(v, acc.jid, call->arena, &d, &n);
	for (size_t i = 0; r == 0 && i < n; i++)
		if (json_array_append_new(devices, shown(&d[i])) != 0)
			r = ERR_NOMEM;
	return r < 0 ? r : admin_effect(call, EFFECT_DEVICES_SHOWN, acc.jid);
}

static int no_device(struct admin_call *call, struct str jid, struct str id)
{
	return admin_why(call, ERR_NOT_FOUND, "%.*s has no device '%.*s'; `wardroom device list %.*s` shows all", STR_FMT(jid),
			 STR_FMT(id), STR_FMT(jid));
}

/* One that has the password comes back by it: that is said, not done. */
static int revoke(struct admin_call *call, struct vault *v)
{
	struct str id = admin_text(call, "id"), subject;
	struct vault_account acc;
	struct vault_device d = { .password = true };
	int r = admin_account(call, v, &acc);

	if (r < 0)
		return r;
	if (!str_starts(id, STR("session-"))) {
		r = vault_device_find(v, acc.jid, id, call->arena, &d);
		if (r == 0)
			r = vault_device_remove(v, acc.jid, &d);
	} else if (!call->live) {
		r = ERR_NOT_FOUND;
	}
	if (r == ERR_NOT_FOUND)
		return no_device(call, acc.jid, id);
	if (r == 0)
		r = admin_put(call->reply, "jid", admin_json_str(acc.jid));
	if (r == 0)
		r = admin_put(call->reply, "revoked", admin_json_str(id));
	if (r == 0 && d.password)
		r = admin_put(call->reply, "hint", json_string("it has used the password, too: `wardroom user passwd` takes that from it"));
	subject = arena_printf(call->arena, "%.*s/%.*s", STR_FMT(acc.jid), STR_FMT(id));
	if (!subject.p)
		return ERR_NOMEM;
	return r < 0 ? r : admin_effect(call, EFFECT_DEVICE_REVOKED, subject);
}

const struct admin_command admin_device_commands[] = {
	{ "device list", list, true }, { "device revoke", revoke, true }, { 0 },
};
