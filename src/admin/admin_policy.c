/* admin_policy.c - policies that were put in force: checked, written, numbered, and put back.
 *
 * policy.yaml is the truth; every text of it that was ever in force is kept, sealed, under a number. The digest of the files
 * (policy.h) stands with every decision, so that `why` can name the version of that time also when somebody has changed the
 * file by hand.
 */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "admin/admin_parts.h"
#include "base/clock.h"
#include "config/instance.h"
#include "policy/policy.h"

#define VERSIONS_KEPT 100
#define INDEX STR("index")

/* --- the numbered texts ---------------------------------------------------------------------------------------------- */

static int load_index(struct vault *v, struct str owner, struct arena *a, json_t **ret)
{
	struct str text;
	int r = vault_item_get(v, owner, ITEM_POLICY, INDEX, a, &text);

	if (r == ERR_NOT_FOUND) {
		*ret = json_array();
		return *ret ? 0 : ERR_NOMEM;
	}
	if (r < 0)
		return r;
	*ret = json_loadb(text.p, text.n, 0, NULL);
	if (json_is_array(*ret))
		return 0;
	json_decref(*ret);
	return ERR_CORRUPT;
}

static int put_json(struct vault *v, struct str owner, struct str key, const json_t *o)
{
	char *text = o ? json_dumps(o, JSON_COMPACT) : NULL;
	int r = text ? vault_item_put(v, owner, ITEM_POLICY, key, str_of(text)) : ERR_NOMEM;

	free(text);
	return r;
}

static struct str key_of(struct arena *a, json_int_t n)
{
	return arena_printf(a, "%010lld", (long long)n);
}

/* The newest entry with this digest; NULL: none. */
static json_t *by_digest(json_t *index, const char *digest)
{
	for (size_t i = json_array_size(index); i > 0; i--) {
		json_t *e = json_array_get(index, i - 1);

		if (strcmp(digest, json_string_value(json_object_get(e, "digest")) ? json_string_value(json_object_get(e, "digest")) : "") == 0)
			return e;
	}
	return NULL;
}

static json_int_t number_of(const json_t *entry)
{
	return json_integer_value(json_object_get(entry, "version"));
}

static json_int_t next_number(json_t *index)
{
	return json_array_size(index) ? number_of(json_array_get(index, json_array_size(index) - 1)) + 1 : 1;
}

/* One more, and the oldest makes room. */
static int add(struct vault *v, struct str owner, struct arena *a, json_t *index, const struct policy *p, const char *how, json_int_t *ret)
{
	json_int_t n = next_number(index);
	struct str key = key_of(a, n);
	json_t *texts = json_pack("{s:s%, s:s%}", "policy", p->text.p, p->text.n, "weights", p->weights_text.p, p->weights_text.n);
	int r = key.p && texts ? put_json(v, owner, key, texts) : ERR_NOMEM;

	json_decref(texts);
	if (r == 0 && json_array_append_new(index, json_pack("{s:I, s:o, s:s, s:s}", "version", n, "when", admin_json_time(clock_wall_ms()),
							     "digest", p->digest, "how", how)) != 0)
		r = ERR_NOMEM;
	while (r == 0 && json_array_size(index) > VERSIONS_KEPT) {
		struct str old = key_of(a, number_of(json_array_get(index, 0)));

		r = old.p ? vault_item_remove(v, owner, ITEM_POLICY, old) : ERR_NOMEM;
		json_array_remove(index, 0);
	}
	if (r == 0)
		r = put_json(v, owner, INDEX, index);
	*ret = n;
	return r;
}

int admin_policy_note(struct vault *v, struct str domain, struct arena *a, const struct policy *p, const char *how, json_int_t *ret)
{
	json_t *index, *newest;
	int r = load_index(v, domain, a, &index);

	if (r < 0)
		return r;
	newest = json_array_size(index) ? json_array_get(index, json_array_size(index) - 1) : NULL;
	if (newest && newest == by_digest(index, p->digest))
		*ret = number_of(newest);
	else
		r = add(v, domain, a, index, p, how, ret);
	json_decref(index);
	return r;
}

/* 0: it is not known (any more). */
json_int_t admin_policy_version(struct vault *v, struct str domain, struct arena *a, const char *digest)
{
	json_t *index;
	json_int_t n = 0;

	if (!digest || load_index(v, domain, a, &index) < 0)
		return 0;
	n = number_of(by_digest(index, digest));
	json_decref(index);
	return n;
}

/* --- files ------------------------------------------------------------------------------------------------------------------ */

static int weights_in_force(struct admin_call *call, const struct instance *in, struct str *ret)
{
	int r = instance_read(in->weights, POLICY_FILE_BYTES, call->arena, ret, &call->why);

	if (r == ERR_NOT_FOUND)
		*ret = STR_NONE;
	return r == ERR_NOT_FOUND ? 0 : r;
}

static int parse(struct admin_call *call, struct str text, struct str weights, struct policy **ret)
{
	int r = policy_parse(text, "policy.yaml", call->domain, call->arena, ret, &call->why);

	if (r < 0)
		return r;
	r = policy_weights(*ret, weights, "weights.yaml", call->arena, &call->why);
	if (r < 0)
		policy_free(ret);
	else
		call->why = STR_NONE;
	return r;
}

/* What is on trial does not replace anything. */
static int write_files(struct admin_call *call, const struct instance *in, const struct policy *p, bool trial, bool new_weights)
{
	int r = 0;

	if (trial)
		return instance_write(in->trial, p->text, 0600, call->arena, &call->why);
	if (new_weights)
		r = instance_write(in->weights, p->weights_text, 0600, call->arena, &call->why);
	return r < 0 ? r : instance_write(in->policy, p->text, 0600, call->arena, &call->why);
}

static int put_in_force(struct admin_call *call, struct vault *v, struct str text, const struct str *weights, const char *how)
{
	bool trial = json_is_true(json_object_get(call->args, "shadow"));
	struct instance in;
	struct str kept;
	struct policy *p = NULL;
	json_int_t n = 0;
	int r = instance_paths(call->instance_dir, call->arena, &in);

	if (r == 0)
		r = weights_in_force(call, &in, &kept);
	if (r == 0)
		r = parse(call, text, weights ? *weights : kept, &p);
	if (r < 0)
		return r;
	trial |= p->shadow;
	if (trial && weights)
		r = admin_why(call, ERR_BAD_REQUEST, "a policy on trial is judged with the weights in force; apply weights without --shadow");
	if (r == 0 && !trial)
		r = admin_policy_note(v, str_of(call->domain), call->arena, p, how, &n);
	if (r == 0)
		r = write_files(call, &in, p, trial, weights != NULL);
	if (r == 0)
		r = admin_put(call->reply, "policy", json_string(trial ? in.trial : in.policy));
	if (r == 0 && !trial)
		r = admin_put(call->reply, "version", json_integer(n));
	if (r == 0)
		r = admin_put(call->reply, "on_trial", json_boolean(trial));
	if (r == 0 && n)
		r = admin_put(call->args, "count", json_integer(n));	/* for the record */
	policy_free(&p);
	return r < 0 ? r : admin_effect(call, EFFECT_POLICY_APPLIED, STR_NONE);
}

static int apply(struct admin_call *call, struct vault *v)
{
	struct str text = admin_text(call, "policy"), weights = admin_text(call, "weights");

	if (!json_is_string(json_object_get(call->args, "policy")))
		return admin_why(call, ERR_BAD_REQUEST, "expected the text of a policy");
	return put_in_force(call, v, text, json_is_string(json_object_get(call->args, "weights")) ? &weights : NULL, "applied");
}

/* --- versions ------------------------------------------------------------------------------------------------------------------ */

static int list(struct admin_call *call, struct vault *v)
{
	json_t *index;
	int r = load_index(v, str_of(call->domain), call->arena, &index);

	return r < 0 ? r : admin_put(call->reply, "versions", index);
}

/* The texts of a version. */
static int texts_of(struct admin_call *call, struct vault *v, json_int_t n, json_t **ret)
{
	struct str key = key_of(call->arena, n), text;
	int r = key.p ? vault_item_get(v, str_of(call->domain), ITEM_POLICY, key, call->arena, &text) : ERR_NOMEM;

	if (r == ERR_NOT_FOUND)
		return admin_why(call, r, "there is no version %lld of the policy; `wardroom policy list` shows those that are kept", (long long)n);
	if (r < 0)
		return r;
	*ret = json_loadb(text.p, text.n, 0, NULL);
	return *ret ? 0 : ERR_CORRUPT;
}

static int show(struct admin_call *call, struct vault *v)
{
	json_int_t n = json_integer_value(json_object_get(call->args, "version"));
	json_t *texts;
	int r = texts_of(call, v, n, &texts);

	if (r < 0)
		return r;
	json_decref(call->reply);
	call->reply = texts;
	return admin_put(call->reply, "version", json_integer(n));
}

/* The one before the newest, or the one that is named. */
static int rollback(struct admin_call *call, struct vault *v)
{
	json_int_t n = json_integer_value(json_object_get(call->args, "version"));
	struct str policy, weights, how;
	json_t *index, *texts = NULL;
	int r = load_index(v, str_of(call->domain), call->arena, &index);

	if (r < 0)
		return r;
	if (n == 0 && json_array_size(index) >= 2)
		n = number_of(json_array_get(index, json_array_size(index) - 2));
	json_decref(index);
	if (n == 0)
		return admin_why(call, ERR_NOT_FOUND, "there is no earlier version to go back to");
	r = texts_of(call, v, n, &texts);
	if (r < 0)
		return r;
	policy = arena_str(call->arena, str_of(json_string_value(json_object_get(texts, "policy"))));
	weights = arena_str(call->arena, str_of(json_string_value(json_object_get(texts, "weights"))));
	how = arena_printf(call->arena, "back to version %lld", (long long)n);
	json_decref(texts);
	if (!policy.p || !weights.p || !how.p)
		return ERR_NOMEM;
	return put_in_force(call, v, policy, &weights, how.p);
}

static int end_trial(struct admin_call *call, struct vault *v)
{
	struct instance in;
	int r = instance_paths(call->instance_dir, call->arena, &in);

	(void)v;
	if (r == 0 && unlink(in.trial) < 0)
		return admin_why(call, ERR_NOT_FOUND, "no policy is on trial");
	return r < 0 ? r : admin_effect(call, EFFECT_POLICY_APPLIED, STR_NONE);
}

/* Which of these addresses have no account. */
static int unknown(struct admin_call *call, struct vault *v)
{
	json_t *members = json_object_get(call->args, "members"), *none = json_array(), *one;
	int r = admin_put(call->reply, "unknown", none);
	size_t i;

	json_array_foreach(members, i, one) {
		struct arena *a = arena_new(1024 * 1024);
		struct vault_account acc;
		int found = a ? vault_account_get(v, str_of(json_string_value(one)), a, &acc) : ERR_NOMEM;

		arena_free(&a);
		if (found == ERR_NOT_FOUND && json_array_append(none, one) != 0)
			return ERR_NOMEM;
		if (found < 0 && found != ERR_NOT_FOUND)
			return found;
		if (r < 0)
			return r;
	}
	return r;
}

const struct admin_command admin_policy_commands[] = {
	{ "policy apply", apply, true },
	{ "policy list", list, false },
	{ "policy version", show, true },
	{ "policy rollback", rollback, true },
	{ "policy end-trial", end_trial, true },
	{ "policy members", unknown, false },
	{ 0 },
};
