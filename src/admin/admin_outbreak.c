/* admin_outbreak.c - outbreaks: who began, whom it reached, what is contained. */
#include "admin/admin_purge.h"

#define SPREAD_MAX 20000

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

/* Every copy, and who had it from whom first: the tree. What was delivered is an exposure. */
static int add_spread(json_t *o, const struct vault_spread *s, size_t n)
{
	json_t *copies = json_array(), *exposed = json_object(), *tree = json_array();
	int r = admin_put(o, "copies", copies);

	if (r == 0)
		r = admin_put(o, "exposures", exposed);
	if (r == 0)
		r = admin_put(o, "tree", tree);
	for (size_t i = 0; r == 0 && i < n; i++) {
		json_t *copy = json_object();
		bool delivered = str_is(s[i].outcome, "delivered");
		char to[3072];

		if (json_array_append_new(copies, copy) != 0)
			return ERR_NOMEM;
		r = admin_put(copy, "from", admin_json_str(s[i].from));
		if (r == 0)
			r = admin_put(copy, "to", admin_json_str(s[i].to));
		if (r == 0)
			r = admin_put(copy, "when", admin_json_time(s[i].when_ms));
		if (r == 0)
			r = admin_put(copy, "id", admin_json_id(s[i].id));
		if (r == 0)
			r = admin_put(copy, "outcome", admin_json_str(s[i].outcome));
		if (r < 0 || !delivered || s[i].to.n >= sizeof(to))
			continue;
		memcpy(to, s[i].to.p, s[i].to.n);
		to[s[i].to.n] = '\0';
		if (json_object_get(exposed, to))
			continue;
		r = admin_put(exposed, to, admin_json_id(s[i].id));
		if (r == 0 && json_array_append(tree, copy) != 0)
			r = ERR_NOMEM;
	}
	return r;
}

static int show(struct admin_call *call, struct vault *v)
{
	struct vault_outbreak b;
	struct vault_spread *s;
	size_t n;
	int r = get(call, v, &b);

	if (r == 0)
		r = describe(call->reply, &b);
	if (r == 0)
		r = vault_spread_list(v, b.fingerprint, 0, SPREAD_MAX, call->arena, &s, &n);
	if (r == 0)
		r = name_zero(call->reply, s, n);
	return r < 0 ? r : add_spread(call->reply, s, n);
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

static int purge_id(struct admin_call *call, struct vault *v, struct str text, json_int_t *purged)
{
	struct str story, from = STR_NONE, to = STR_NONE;
	json_t *o = NULL;
	uint64_t id;
	int r = vault_id_parse(text, &id);

	/* Who sent it to whom stands in its story, when it had one. */
	if (r == 0 && vault_finding_get(v, id, call->arena, &story) == 0)
		o = json_loadb(story.p, story.n, 0, NULL);
	if (json_is_string(json_object_get(o, "from")) && json_is_string(json_object_get(o, "to"))) {
		from = arena_str(call->arena, str_of(json_string_value(json_object_get(o, "from"))));
		to = arena_str(call->arena, str_of(json_string_value(json_object_get(o, "to"))));
	}
	json_decref(o);
	if (r == 0 && (!from.p || !to.p))
		return ERR_NOMEM;
	if (r == 0)
		r = admin_purge_message(call, v, from, to, id, purged);
	if (r == ERR_NOT_FOUND || (r == 0 && *purged == 0))
		return admin_why(call, ERR_NOT_FOUND, "no archive holds a message '%.*s'", STR_FMT(text));
	return r;
}

/* What has been delivered is taken out of the archives; who had it by then stays on the list: he may have read it. */
static int purge(struct admin_call *call, struct vault *v)
{
	struct str fingerprint = admin_text(call, "fingerprint"), text = admin_text(call, "stanza-id");
	struct vault_spread *s;
	size_t n = 0;
	json_int_t purged = 0;
	int r;

	if (str_empty(fingerprint) == str_empty(text))
		return admin_why(call, ERR_BAD_REQUEST, "name what to purge: --fingerprint F (from `wardroom outbreak list`) or --stanza-id S");
	if (!str_empty(text)) {
		r = purge_id(call, v, text, &purged);
		return r < 0 ? r : admin_put(call->reply, "purged", json_integer(purged));
	}
	r = vault_spread_list(v, fingerprint, 0, SPREAD_MAX, call->arena, &s, &n);
	if (r == 0 && n == 0)
		return admin_why(call, ERR_NOT_FOUND, "nothing was seen with the fingerprint '%.*s'; `wardroom outbreak list` shows those that spread",
				 STR_FMT(fingerprint));
	for (size_t i = 0; r == 0 && i < n; i++)
		if (str_is(s[i].outcome, "delivered"))
			r = admin_purge_message(call, v, s[i].from, s[i].to, s[i].id, &purged);
	if (r == 0)
		r = admin_put(call->reply, "purged", json_integer(purged));
	return r < 0 ? r : add_spread(call->reply, s, n);
}

const struct admin_command admin_outbreak_commands[] = {
	{ "outbreak list", list, true },
	{ "outbreak show", show, true },
	{ "outbreak contain", contain, true },
	{ "outbreak lift", lift, true },
	{ "purge", purge, true },
	{ 0 },
};
