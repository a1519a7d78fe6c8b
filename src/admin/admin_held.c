/* admin_held.c - the quarantine and the story of a stanza. */
#include "admin/admin_parts.h"
#include "admin/why.h"

#define LIST_MAX 10000

static const char *state_name(enum vault_held_state s)
{
	switch (s) {
	case HELD_WAITING:
		return "waiting";
	case HELD_RELEASED:
	case HELD_DELIVERED:
		return "released";
	case HELD_REJECTED:
		return "rejected";
	case HELD_REQUEST:
		return "request";
	case HELD_FILE:
		return "file";
	}
	return "waiting";
}

static int describe(json_t *o, const struct vault_held *h)
{
	int r = admin_put(o, "id", admin_json_id(h->id));

	if (r == 0)
		r = admin_put(o, "when", admin_json_time(h->when_ms));
	if (r == 0)
		r = admin_put(o, "state", json_string(state_name(h->state)));
	if (r == 0)
		r = admin_put(o, "from", admin_json_str(h->from));
	if (r == 0)
		r = admin_put(o, "to", admin_json_str(h->to));
	if (r == 0)
		r = admin_put(o, "reason", admin_json_str(h->reason));
	if (r == 0)
		r = admin_put(o, "fingerprint", admin_json_str(h->fingerprint));
	return r;
}

static int list(struct admin_call *call, struct vault *v)
{
	struct str who = admin_text(call, "account");
	json_t *items = json_array();
	struct vault_held *h;
	size_t n = 0;
	bool all = json_is_true(json_object_get(call->args, "all"));
	int r = admin_put(call->reply, "held", items);

	if (r == 0 && !str_empty(who))
		r = admin_jid(call, who, &who);
	if (r == 0)
		r = vault_held_list(v, who, all ? -1 : HELD_WAITING, LIST_MAX, call->arena, &h, &n);
	for (size_t i = 0; r == 0 && i < n; i++) {
		json_t *o = json_object();

		if (json_array_append_new(items, o) != 0)
			return ERR_NOMEM;
		r = describe(o, &h[i]);
	}
	return r;
}

static int get(struct admin_call *call, struct vault *v, struct vault_held *ret)
{
	struct str text = admin_text(call, "id");
	uint64_t id;
	int r = vault_id_parse(text, &id);

	if (r == 0)
		r = vault_held_get(v, id, call->arena, ret);
	if (r == ERR_NOT_FOUND)
		return admin_why(call, r, "nothing is held under the id '%.*s'; `wardroom held list` shows what is", STR_FMT(text));
	return r;
}

static int show(struct admin_call *call, struct vault *v)
{
	struct vault_held h;
	int r = get(call, v, &h);

	if (r == 0)
		r = describe(call->reply, &h);
	return r < 0 ? r : admin_put(call->reply, "stanza", admin_json_str(h.stanza));
}

static int settle(struct admin_call *call, struct vault *v, enum vault_held_state state, enum admin_effect_kind effect)
{
	struct vault_held h;
	int r = get(call, v, &h);

	if (r < 0)
		return r;
	if (h.state != HELD_WAITING && h.state != HELD_REQUEST && h.state != HELD_FILE)
		return admin_why(call, ERR_CONFLICT, "this message has been %s already", state_name(h.state));
	h.state = state;
	r = vault_held_put(v, &h);
	if (r == 0)
		r = describe(call->reply, &h);
	return r < 0 ? r : admin_effect(call, effect, admin_text(call, "id"));
}

static int release(struct admin_call *call, struct vault *v)
{
	return settle(call, v, HELD_RELEASED, EFFECT_HELD_RELEASED);
}

static int reject(struct admin_call *call, struct vault *v)
{
	return settle(call, v, HELD_REJECTED, EFFECT_HELD_REJECTED);
}

/* Findings, weights, policy and decision as they were written when the message was judged, and what happened since. */
static int why(struct admin_call *call, struct vault *v)
{
	struct str text = admin_text(call, "id"), story;
	struct vault_held h;
	json_int_t version;
	uint64_t id;
	json_t *o;
	int r = vault_id_parse(text, &id);

	if (r == 0)
		r = vault_finding_get(v, id, call->arena, &story);
	if (r == ERR_NOT_FOUND)
		return admin_why(call, r, "nothing was found in a message '%.*s': it was delivered without a finding, or there was none", STR_FMT(text));
	if (r < 0)
		return r;
	o = json_loadb(story.p, story.n, 0, NULL);
	if (!json_is_object(o)) {
		json_decref(o);
		return ERR_CORRUPT;
	}
	json_decref(call->reply);
	call->reply = o;
	r = admin_put(o, "id", admin_json_str(text));
	if (r < 0)
		return r;
	r = vault_held_get(v, id, call->arena, &h);
	if (r == 0)
		r = admin_put(o, "held", json_string(state_name(h.state)));
	if (r < 0 && r != ERR_NOT_FOUND)
		return r;
	version = admin_policy_version(v, str_of(call->domain), call->arena, json_string_value(json_object_get(o, "policy")));
	r = version ? admin_put(o, "policy_version", json_integer(version)) : 0;
	return r < 0 ? r : why_explain(call->arena, o);
}

const struct admin_command admin_held_commands[] = {
	{ "held list", list, true },	   { "held show", show, true }, { "held release", release, true },
	{ "held reject", reject, true }, { "why", why, true },	 { 0 },
};
