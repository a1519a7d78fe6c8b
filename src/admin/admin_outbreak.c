/* admin_outbreak.c - outbreaks: who began, whom it reached, what is contained. */
#include <stdlib.h>

#include "admin/admin_exposure.h"
#include "admin/admin_purge.h"

static int describe(json_t *o, const struct vault_outbreak *b)
{
	json_t *evidence = str_empty(b->json) ? NULL : json_loadb(b->json.p, b->json.n, 0, NULL);
	int r = 0;

	if (json_is_object(evidence) && json_object_update(o, evidence) != 0)
		r = ERR_NOMEM;
	json_decref(evidence);
	if (r == 0)
		r = admin_put(o, "id", admin_json_str(b->fingerprint));
	if (r == 0)
		r = admin_put(o, "started", admin_json_time(b->started_ms));
	if (r == 0)
		r = admin_put(o, "contained", json_boolean(b->contained));
	return r;
}

/* The first who sent it: what the evidence says, or else the first row of its spread. */
static int name_zero(json_t *o, const struct vault_spread *s, size_t n)
{
	if (json_is_string(json_object_get(o, "patient_zero")) || n == 0)
		return 0;
	return admin_put(o, "patient_zero", admin_json_str(s[0].from));
}

static int list(struct admin_call *call, struct vault *v)
{
	json_t *items = json_array();
	struct vault_outbreak *b;
	size_t n = 0;
	int r = admin_put(call->reply, "outbreaks", items);

	if (r == 0)
		r = vault_outbreak_list(v, call->arena, &b, &n);
	for (size_t i = 0; r == 0 && i < n; i++) {
		json_t *o = json_object();
		struct vault_spread *s;
		size_t n_spread;

		if (json_array_append_new(items, o) != 0)
			return ERR_NOMEM;
		r = describe(o, &b[i]);
		if (r == 0)
			r = vault_spread_list(v, b[i].fingerprint, 0, 1, call->arena, &s, &n_spread);
		if (r == 0)
			r = name_zero(o, s, n_spread);
	}
	return r;
}

static int get(struct admin_call *call, struct vault *v, struct vault_outbreak *ret)
{
	struct str id = admin_text(call, "id");
	int r = vault_outbreak_get(v, id, call->arena, ret);

	if (r == ERR_NOT_FOUND)
		return admin_why(call, r, "there is no outbreak '%.*s'; `wardroom outbreak list` shows all", STR_FMT(id));
	return r;
}

static int show(struct admin_call *call, struct vault *v)
{
	struct vault_outbreak b;
	int r = get(call, v, &b);

	if (r == 0)
		r = describe(call->reply, &b);
	return r < 0 ? r : admin_exposure(call, v, b.fingerprint);
}

/* What an officer has contained its sender cannot let go, after a restart neither (core/hold.c reads it). */
static int note_officer(struct admin_call *call, struct vault_outbreak *b)
{
	json_t *o = str_empty(b->json) ? NULL : json_loadb(b->json.p, b->json.n, 0, NULL);
	char *text;
	int r;

	o = json_is_object(o) ? o : json_object();
	r = b->contained ? admin_put(o, "contained_by", json_string("officer")) : 0;
	if (!b->contained)
		json_object_del(o, "contained_by");
	text = r == 0 ? json_dumps(o, JSON_COMPACT) : NULL;
	json_decref(o);
	b->json = text ? arena_str(call->arena, str_of(text)) : (struct str){ 0 };
	free(text);
	return b->json.p ? 0 : ERR_NOMEM;
}

static int set_contained(struct admin_call *call, struct vault *v, bool contained)
{
	struct vault_outbreak b;
	int r = get(call, v, &b);

	if (r < 0)
		return r;
	if (b.contained == contained)
		return admin_why(call, ERR_CONFLICT, "this outbreak is %s already", contained ? "contained" : "lifted");
	b.contained = contained;
	r = note_officer(call, &b);
	if (r == 0)
		r = vault_outbreak_put(v, &b);
	if (r == 0)
		r = describe(call->reply, &b);
	return r < 0 ? r : admin_effect(call, contained ? EFFECT_OUTBREAK_CONTAINED : EFFECT_OUTBREAK_LIFTED, b.fingerprint);
}

static int contain(struct admin_call *call, struct vault *v)
{
	return set_contained(call, v, true);
}

static int lift(struct admin_call *call, struct vault *v)
{
	return set_contained(call, v, false);
}

const struct admin_command admin_outbreak_commands[] = {
	{ "outbreak list", list, true },
	{ "outbreak show", show, true },
	{ "outbreak contain", contain, true },
	{ "outbreak lift", lift, true },
	{ "purge", admin_purge, true },
	{ "purge list", admin_purge_list, true },
	{ 0 },
};
