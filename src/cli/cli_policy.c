/* cli_policy.c - policy.yaml: read with all its errors, put in force, shown, put back. */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "cli/cli.h"
#include "policy/lint.h"
#include "policy/policy.h"

static int parse(struct cli *c, const char *path, const char *domain, struct str *ret_text, struct policy **ret)
{
	struct str why = STR_NONE;

	if (cli_read(c, path, POLICY_FILE_BYTES, ret_text) != CLI_OK)
		return CLI_NOT;
	if (policy_parse(*ret_text, path, domain, c->arena, ret, &why) < 0)
		return cli_fail(CLI_NOT, "%.*s", STR_FMT(why));
	return CLI_OK;
}

/* Members of groups who have no account here: only an instance can tell. */
static int check_members(struct cli *c, const struct policy *p, struct lint *l)
{
	json_t *args = json_object(), *members = json_array(), *reply, *one;
	struct str *v;
	size_t n, i;

	if (lint_members(p, c->arena, &v, &n) < 0)
		return cli_fail(CLI_NOT, "out of memory");
	for (i = 0; i < n; i++)
		json_array_append_new(members, json_stringn(v[i].p, v[i].n));
	json_object_set_new(args, "members", members);
	if (cli_call(c, "policy members", args, &reply) != CLI_OK)
		return CLI_NOT;
	json_array_foreach(json_object_get(reply, "unknown"), i, one)
		lint_add(l, c->arena, 0, "groups: %s has no account here", json_string_value(one));
	json_decref(reply);
	return CLI_OK;
}

/* Partners whom no road leads to. */
static void check_roads(const struct cli *c, const struct policy *p, struct lint *l)
{
	for (unsigned i = 0; i < p->n_peers && !c->config->s2s.enabled; i++) {
		bool found = false;

		for (unsigned k = 0; k < c->config->n_components; k++)
			found |= str_eq_nocase(p->peers[i].domain, str_of(c->config->components[k].domain));
		if (!found)
			lint_add(l, c->arena, 0, "peers: %.*s is no component, and this server does not speak to other servers", STR_FMT(p->peers[i].domain));
	}
}

static void print_notes(const struct cli *c, const struct lint *l)
{
	json_t *notes = json_array(), *reply = json_pack("{s:s, s:b, s:o}", "file", c->words[0], "good", 1, "notes", notes);

	for (unsigned i = 0; i < l->n; i++) {
		if (!c->json && l->v[i].line)
			printf("%s:%u: note: %.*s\n", c->words[0], l->v[i].line, STR_FMT(l->v[i].text));
		else if (!c->json)
			printf("%s: note: %.*s\n", c->words[0], STR_FMT(l->v[i].text));
		json_array_append_new(notes, json_pack("{s:i, s:s%}", "line", (int)l->v[i].line, "text", l->v[i].text.p, l->v[i].text.n));
	}
	if (c->json)
		cli_print(c, "policy check", reply);
	else
		printf("%s: good%s\n", c->words[0], l->n ? ", but see the notes" : "");
	json_decref(reply);
}

int cli_policy_check(struct cli *c)
{
	struct lint *l = arena_alloc(c->arena, sizeof(*l));
	bool instance = c->dir || access("./instance/wardroom.yaml", F_OK) == 0;
	struct policy *p;
	struct str text;
	int r;

	if (instance && cli_instance(c) != CLI_OK)
		return CLI_NOT;
	r = parse(c, c->words[0], instance ? c->config->domain : "example.org", &text, &p);
	if (r != CLI_OK)
		return r;
	if (!l || lint_policy(p, c->arena, l) < 0)
		r = cli_fail(CLI_NOT, "out of memory");
	if (r == CLI_OK && instance) {
		check_roads(c, p, l);
		r = check_members(c, p, l);
	}
	if (r == CLI_OK)
		print_notes(c, l);
	policy_free(&p);
	return r == CLI_OK && l->n && cli_flag(c, "strict") ? CLI_NOT : r;
}

int cli_policy_apply(struct cli *c)
{
	const char *path = cli_option(c, "weights");
	struct str text, weights, why = STR_NONE;
	json_t *args, *reply;
	struct policy *p;
	int r = parse(c, c->words[0], c->config->domain, &text, &p);

	if (r != CLI_OK)
		return r;
	if (path && cli_read(c, path, POLICY_FILE_BYTES, &weights) != CLI_OK)
		r = CLI_NOT;
	else if (path && policy_weights(p, weights, path, c->arena, &why) < 0)
		r = cli_fail(CLI_NOT, "%.*s", STR_FMT(why));
	policy_free(&p);
	if (r != CLI_OK)
		return r;
	args = json_pack("{s:s%, s:b}", "policy", text.p, text.n, "shadow", cli_flag(c, "shadow"));
	if (path)
		json_object_set_new(args, "weights", json_stringn(weights.p, weights.n));
	if (!args)
		return cli_fail(CLI_NOT, "%s is not UTF-8", c->words[0]);
	r = cli_call(c, "policy apply", args, &reply);
	if (r != CLI_OK)
		return r;
	cli_print(c, "policy apply", reply);
	json_decref(reply);
	return CLI_OK;
}

static int print_text(const struct cli *c, struct str text)
{
	json_t *reply;

	if (!text.p)
		return cli_fail(CLI_NOT, "out of memory");
	if (!c->json) {
		fwrite(text.p, 1, text.n, stdout);
		return CLI_OK;
	}
	reply = json_pack("{s:s%}", cli_flag(c, "weights") ? "weights" : "policy", text.p, text.n);
	cli_print(c, "policy show", reply);
	json_decref(reply);
	return CLI_OK;
}

static int show_version(struct cli *c, const char *version)
{
	uint64_t n;
	json_t *reply;
	int r;

	if (!str_to_u64(str_of(version), 1000000000, &n) || n == 0)
		return cli_fail(CLI_USAGE, "--version: expected a number from `wardroom policy list`, found '%s'", version);
	r = cli_call(c, "policy version", json_pack("{s:I}", "version", (json_int_t)n), &reply);
	if (r != CLI_OK)
		return r;
	r = print_text(c, str_of(json_string_value(json_object_get(reply, cli_flag(c, "weights") ? "weights" : "policy"))));
	json_decref(reply);
	return r;
}

int cli_policy_show(struct cli *c)
{
	const char *version = cli_option(c, "version");
	bool weights = cli_flag(c, "weights");
	struct str text, why = STR_NONE;
	int r;

	if (version)
		return show_version(c, version);
	r = instance_read(weights ? c->in.weights : c->in.policy, POLICY_FILE_BYTES, c->arena, &text, &why);
	if (r == ERR_NOT_FOUND)
		text = weights ? policy_default_weights(c->arena) : policy_default_text(c->arena);
	else if (r < 0)
		return cli_fail(CLI_NOT, "%.*s", STR_FMT(why));
	return print_text(c, text);
}

int cli_policy_keys(struct cli *c)
{
	struct str text = policy_document(c->arena);

	if (!text.p)
		return cli_fail(CLI_NOT, "out of memory");
	fwrite(text.p, 1, text.n, stdout);
	return CLI_OK;
}

/* "2026-11-01": the midnight that begins it, in UTC (days from the civil calendar, H. Hinnant). */
static bool date_ms(struct str t, uint64_t *ret)
{
	uint64_t y, m, d, shifted;

	if (t.n != 10 || t.p[4] != '-' || t.p[7] != '-' || !str_to_u64(str_make(t.p, 4), 9999, &y) || !str_to_u64(str_make(t.p + 5, 2), 12, &m) ||
	    !str_to_u64(str_make(t.p + 8, 2), 31, &d) || y < 1970 || m == 0 || d == 0)
		return false;
	y -= m <= 2;
	shifted = m > 2 ? m - 3 : m + 9;
	*ret = (y * 365 + y / 4 - y / 100 + y / 400 + (153 * shifted + 2) / 5 + d - 1 - 719468) * 86400000;
	return true;
}

static bool since_ms(const char *text, uint64_t *ret)
{
	static const struct { char unit; uint64_t ms; } units[] = { { 'd', 86400000 }, { 'h', 3600000 }, { 'm', 60000 } };
	struct str t = str_of(text);
	uint64_t n;

	for (size_t i = 0; t.n > 1 && i < sizeof(units) / sizeof(units[0]); i++)
		if (t.p[t.n - 1] == units[i].unit && str_to_u64(str_make(t.p, t.n - 1), 10000000, &n) && n > 0) {
			uint64_t now = clock_wall_ms(), ago = n * units[i].ms;

			*ret = ago < now ? now - ago : 0;
			return true;
		}
	return date_ms(t, ret);
}

static void print_replay(json_t *reply)
{
	json_t *changes = json_object_get(reply, "changes"), *one;
	size_t i;

	json_array_foreach(changes, i, one) {
		char *found = json_dumps(json_object_get(one, "findings"), JSON_COMPACT);

		printf("%s  %s  %s -> %s  %s\n", json_string_value(json_object_get(one, "id")), json_string_value(json_object_get(one, "when")),
		       json_string_value(json_object_get(one, "now")), json_string_value(json_object_get(one, "then")), found ? found : "");
		free(found);
	}
	printf("%lld messages since %s: %lld would have been decided otherwise, %lld of them more strictly%s\n",
	       (long long)json_integer_value(json_object_get(reply, "messages")), json_string_value(json_object_get(reply, "since")),
	       (long long)json_integer_value(json_object_get(reply, "changed")), (long long)json_integer_value(json_object_get(reply, "stricter")),
	       json_is_true(json_object_get(reply, "complete")) ? "" : "; there were more messages than are looked at, the later ones were not");
}

int cli_policy_replay(struct cli *c)
{
	const char *since = cli_option(c, "since");
	struct policy *p;
	struct str text;
	uint64_t ms;
	json_t *reply;
	int r;

	if (!since || !since_ms(since, &ms))
		return cli_fail(CLI_USAGE, "--since: expected a time such as 7d, 24h or 2026-11-01, found '%s'", since ? since : "nothing");
	r = parse(c, c->words[0], c->config->domain, &text, &p);
	if (r != CLI_OK)
		return r;
	policy_free(&p);
	r = cli_call(c, "policy replay", json_pack("{s:s%, s:I}", "policy", text.p, text.n, "since_ms", (json_int_t)ms), &reply);
	if (r != CLI_OK)
		return r;
	if (c->json)
		cli_print(c, "policy replay", reply);
	else
		print_replay(reply);
	json_decref(reply);
	return CLI_OK;
}
