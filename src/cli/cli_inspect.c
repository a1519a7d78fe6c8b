/* cli_inspect.c - judges messages from standard input, one JSON object a line, with a fresh memory of senders. */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "cli/cli.h"
#include "outbreak/guard.h"

#define JUDGE_BYTES (16 * 1024 * 1024)
#define LINE_BYTES (1024 * 1024)
#define DENY_BYTES (2 * 1024 * 1024)	/* a deny list for a trial; the server takes more */

static struct str text_of(const json_t *o, const char *key)
{
	const json_t *v = json_object_get(o, key);

	return json_is_string(v) ? str_make(json_string_value(v), json_string_length(v)) : STR_NONE;
}

static enum subject_via via_of(struct str s)
{
	if (str_is(s, "s2s"))
		return VIA_S2S;
	if (str_is(s, "gateway"))
		return VIA_GATEWAY;
	return str_is(s, "room") ? VIA_ROOM : VIA_LOCAL;
}

static int say(const struct judgement *j)
{
	json_t *list = json_array(), *o;

	for (unsigned i = 0; i < j->n_findings; i++) {
		const struct finding *f = &j->findings[i];

		json_array_append_new(list, json_pack("{s:s, s:s, s:i, s:s}", "inspector", inspect_rule_inspector(f->rule), "name",
						      inspect_rule_name(f->rule), "weight", (int)f->weight, "evidence", f->evidence));
	}
	o = json_pack("{s:s, s:i, s:o}", "decision", inspect_decision_name(j->decision), "score", (int)j->score, "findings", list);
	if (!o)
		return cli_fail(CLI_NOT, "out of memory");
	json_dumpf(o, stdout, JSON_COMPACT);
	fputc('\n', stdout);
	json_decref(o);
	return CLI_OK;
}

static int judge(struct guard *g, struct arena *a, const struct subject *s)
{
	struct judgement j;
	int r = guard_judge(g, s, a, &j);

	return r < 0 ? cli_fail(CLI_NOT, "the message could not be judged: %s", err_text(r)) : say(&j);
}

static struct str domain_of(struct str jid)
{
	ptrdiff_t at = str_find_char(jid, '@');

	return at < 0 ? jid : str_cut(jid, (size_t)at + 1);
}

static int judge_line(struct guard *g, struct arena *a, const char *line, size_t n, unsigned number)
{
	json_error_t error;
	json_t *o = json_loadb(line, n, 0, &error);
	const json_t *ts = json_object_get(o, "ts");
	double seconds = json_is_number(ts) ? json_number_value(ts) : 0;
	struct subject s = {
		.from = text_of(o, "from"), .to = text_of(o, "to"), .body = text_of(o, "body"), .topic = text_of(o, "subject"),
		.known = json_is_true(json_object_get(o, "known")), .via = via_of(text_of(o, "via")),
		.ts_ms = seconds > 0 && seconds < 1e11 ? (uint64_t)(seconds * 1000) : 0,
	};
	int r;

	s.to_known = s.known;
	s.outward = s.via == VIA_LOCAL && !str_empty(s.to) && !str_eq_nocase(domain_of(s.from), domain_of(s.to));
	if (!json_is_object(o) || str_empty(s.from))
		r = cli_fail(CLI_USAGE, "line %u: expected an object with from, to, body, ts: %s", number, o ? "there is no 'from'" : error.text);
	else
		r = judge(g, a, &s);
	json_decref(o);
	return r;
}

static int judge_all(struct guard *g, struct arena *a)
{
	char *line = NULL;
	size_t room = 0;
	ssize_t n;
	unsigned number = 0;
	int r = CLI_OK;

	/* It ends at the first bad line: what follows would be judged without what that line said. */
	while (r == CLI_OK && (n = getline(&line, &room, stdin)) >= 0) {
		number++;
		if (n > LINE_BYTES)
			r = cli_fail(CLI_USAGE, "line %u: longer than %d bytes", number, LINE_BYTES);
		else if (n > 1)
			r = judge_line(g, a, line, (size_t)n, number);
		arena_clear(a);
	}
	free(line);
	return r;
}

/* A file that the policy names, beside it. It need not be there: empty. */
static int read_beside(struct cli *c, const char *policy_path, struct str name, size_t most, struct str *ret)
{
	const char *slash = strrchr(policy_path, '/');
	struct str path = arena_printf(c->arena, "%.*s%.*s", slash ? (int)(slash - policy_path + 1) : 0, policy_path, STR_FMT(name));

	*ret = STR_NONE;
	if (!path.p)
		return cli_fail(CLI_NOT, "out of memory");
	return str_empty(name) || access(path.p, F_OK) != 0 ? CLI_OK : cli_read(c, path.p, most, ret);
}

/* Deny list and spim model. */
static int read_named(struct cli *c, const char *policy_path, struct policy *p)
{
	struct str deny, model;

	if (read_beside(c, policy_path, p->deny_file, DENY_BYTES, &deny) != CLI_OK || read_beside(c, policy_path, p->spim_file, SPIM_FILE_BYTES, &model) != CLI_OK)
		return CLI_NOT;
	if (policy_deny(p, deny) < 0)
		return cli_fail(CLI_NOT, "%s: out of memory", policy_path);
	if (policy_spim(p, model) < 0)
		return cli_fail(CLI_NOT, "%.*s beside %s is no model of this version: make it anew with `wardroom train`", STR_FMT(p->spim_file), policy_path);
	return CLI_OK;
}

int cli_inspect(struct cli *c)
{
	const char *path = cli_option(c, "policy"), *url = cli_option(c, "url"), *domain = cli_option(c, "domain");
	struct str text = STR_NONE, why = STR_NONE;
	struct policy *p;
	struct guard *g;
	struct arena *a;
	int r;

	if (path && cli_read(c, path, POLICY_FILE_BYTES, &text) != CLI_OK)
		return CLI_NOT;
	if (policy_parse(text, path ? path : "policy.yaml", domain ? domain : "example.org", c->arena, &p, &why) < 0)
		return cli_fail(CLI_NOT, "%.*s", STR_FMT(why));
	if (path && read_named(c, path, p) != CLI_OK) {
		policy_free(&p);
		return CLI_NOT;
	}
	if (cli_option(c, "file")) {
		r = cli_inspect_file(c, p, cli_option(c, "file"));
		policy_free(&p);
		return r;
	}
	if (guard_new(p, &g) < 0)
		return cli_fail(CLI_NOT, "out of memory");
	a = arena_new(JUDGE_BYTES);
	if (!a)
		r = cli_fail(CLI_NOT, "out of memory");
	else if (url)
		r = judge(g, a, &(struct subject){ .from = STR("a@example.org"), .to = STR("b@example.org"), .body = str_of(url), .topic = STR_NONE });
	else
		r = judge_all(g, a);
	arena_free(&a);
	guard_free(&g);
	return r;
}
