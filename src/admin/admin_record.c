/* admin_record.c - the audit log and the state of the server. */
#include "admin/admin_parts.h"

#define LIST_DEFAULT 1000
#define LIST_MOST 100000

static int list(struct admin_call *call, struct vault *v)
{
	json_int_t max = json_integer_value(json_object_get(call->args, "max")), from = json_integer_value(json_object_get(call->args, "from"));
	json_t *items = json_array();
	struct vault_audit *e;
	size_t n = 0;
	int r = admin_put(call->reply, "entries", items);

	if (max <= 0)
		max = LIST_DEFAULT;
	if (r == 0)
		r = vault_audit_list(v, (uint64_t)(from > 0 ? from : 0), (size_t)(max > LIST_MOST ? LIST_MOST : max), call->arena, &e, &n);
	for (size_t i = 0; r == 0 && i < n; i++) {
		json_t *o = json_object(), *what = json_loadb(e[i].json.p, e[i].json.n, JSON_DECODE_ANY, NULL);

		if (json_array_append_new(items, o) != 0) {
			json_decref(what);
			return ERR_NOMEM;
		}
		r = admin_put(o, "seq", json_integer((json_int_t)e[i].seq));
		if (r == 0)
			r = admin_put(o, "when", admin_json_time(e[i].when_ms));
		if (r == 0)
			r = admin_put(o, "kind", admin_json_str(e[i].kind));
		if (r == 0)
			r = admin_put(o, "what", what ? what : json_null());
		else
			json_decref(what);
	}
	return r;
}

static int verify(struct admin_call *call, struct vault *v)
{
	uint64_t count = 0;
	int r = vault_audit_verify(v, call->arena, call->progress, call->progress_ctx, &count, &call->why);

	return r < 0 ? r : admin_put(call->reply, "entries", json_integer((json_int_t)count));
}

static int status(struct admin_call *call, struct vault *v)
{
	struct vault_outbreak *b;
	uint64_t held;
	size_t n = 0;
	json_int_t contained = 0;
	int r = vault_held_count(v, HELD_WAITING, &held);

	if (r == 0)
		r = vault_outbreak_list(v, call->arena, &b, &n);
	for (size_t i = 0; r == 0 && i < n; i++)
		contained += b[i].contained;
	if (r == 0)
		r = admin_put(call->reply, "domain", json_string(call->domain));
	if (r == 0)
		r = admin_put(call->reply, "version", json_string(WARDROOM_VERSION));
	if (r == 0)
		r = admin_put(call->reply, "running", json_boolean(call->live));
	if (r == 0)
		r = admin_put(call->reply, "held", json_integer((json_int_t)held));
	if (r == 0)
		r = admin_put(call->reply, "outbreaks", json_integer((json_int_t)n));
	if (r == 0)
		r = admin_put(call->reply, "contained", json_integer(contained));
	return r < 0 ? r : admin_effect(call, EFFECT_LIVE_STATUS, STR_NONE);
}

const struct admin_command admin_record_commands[] = {
	{ "audit list", list, false },
	{ "audit verify", verify, false },
	{ "status", status, false },
	{ 0 },
};
