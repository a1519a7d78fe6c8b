/* cli_policy.c - policy.yaml: read with all its errors, put in force, shown. */
#include <stdio.h>

#include "cli/cli.h"
#include "policy/policy.h"

static int parse(struct cli *c, const char *path, const char *domain, struct str *ret_text)
{
	struct policy *p;
	struct str why = STR_NONE;

	if (cli_read(c, path, POLICY_FILE_BYTES, ret_text) != CLI_OK)
		return CLI_NOT;
	if (policy_parse(*ret_text, path, domain, c->arena, &p, &why) < 0)
		return cli_fail(CLI_NOT, "%.*s", STR_FMT(why));
	policy_free(&p);
	return CLI_OK;
}

int cli_policy_check(struct cli *c)
{
	struct str text;
	json_t *reply;
	int r = parse(c, c->words[0], "example.org", &text);

	if (r != CLI_OK)
		return r;
	reply = json_pack("{s:s, s:b}", "file", c->words[0], "good", 1);
	cli_print(c, "policy check", reply);
	json_decref(reply);
	return CLI_OK;
}

int cli_policy_apply(struct cli *c)
{
	struct str text, why = STR_NONE;
	json_t *reply;
	int r = parse(c, c->words[0], c->config->domain, &text);

	if (r != CLI_OK)
		return r;
	if (instance_write(c->in.policy, text, 0600, c->arena, &why) < 0)
		return cli_fail(CLI_NOT, "%.*s", STR_FMT(why));
	r = cli_call(c, "policy apply", json_object(), &reply);
	if (r != CLI_OK)
		return r;
	json_object_set_new(reply, "policy", json_string(c->in.policy));
	cli_print(c, "policy apply", reply);
	json_decref(reply);
	return CLI_OK;
}

int cli_policy_show(struct cli *c)
{
	struct str text, why = STR_NONE;
	int r = instance_read(c->in.policy, POLICY_FILE_BYTES, c->arena, &text, &why);

	if (r == ERR_NOT_FOUND)
		text = policy_default_text(c->arena);
	else if (r < 0)
		return cli_fail(CLI_NOT, "%.*s", STR_FMT(why));
	if (!text.p)
		return cli_fail(CLI_NOT, "out of memory");
	if (c->json) {
		json_t *reply = json_pack("{s:s%}", "policy", text.p, text.n);

		cli_print(c, "policy show", reply);
		json_decref(reply);
		return CLI_OK;
	}
	fwrite(text.p, 1, text.n, stdout);
	return CLI_OK;
}
