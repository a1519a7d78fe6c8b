/* cli_init.c - a new instance: folder, configuration, keys, certificate, empty store. Refuses to overwrite. */
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/cli.h"
#include "net/tls.h"
#include "policy/policy.h"
#include "vault/vault.h"

static int port_of(const struct cli *c, const char *name, int *ret)
{
	const char *text = cli_option(c, name);
	uint64_t v;

	*ret = -1;
	if (!text)
		return CLI_OK;
	if (!str_to_u64(str_of(text), 65535, &v))
		return cli_fail(CLI_USAGE, "--%s: expected a port from 1 to 65535, or 0 for none, found '%s'", name, text);
	*ret = (int)v;
	return CLI_OK;
}

static int certificate(struct cli *c, const char *domain, struct str *ret_why)
{
	const char *services[] = { "rooms", "upload", "xmpp" }, *names[5] = { domain, "localhost" };
	size_t n = 2;

	for (size_t i = 0; i < sizeof(services) / sizeof(services[0]); i++) {
		struct str s = arena_printf(c->arena, "%s.%s", services[i], domain);

		if (s.p)
			names[n++] = s.p;
	}
	if (strcmp(domain, "localhost") == 0)
		names[1] = "ip6-localhost";
	return tls_certificate_create(c->in.tls, names, n, c->arena, ret_why);
}

static int write_policy(struct cli *c, struct str *ret_why)
{
	struct str policy = policy_default_text(c->arena), weights = policy_default_weights(c->arena);
	int r = policy.p && weights.p ? 0 : ERR_NOMEM;

	if (r == 0)
		r = instance_write(c->in.policy, policy, 0600, c->arena, ret_why);
	return r < 0 ? r : instance_write(c->in.weights, weights, 0600, c->arena, ret_why);
}

/* The folder is there; everything in it. */
static int fill(struct cli *c, const struct config_values *values, struct str *ret_why)
{
	struct vault *v;
	int r = vault_key_create(c->in.keys, c->arena, ret_why);

	if (r == 0)
		r = vault_open(c->in.data, c->in.keys, true, c->arena, &v, ret_why);
	if (r < 0)
		return r;
	vault_close(&v);
	r = write_policy(c, ret_why);
	if (r == 0)
		r = certificate(c, values->domain, ret_why);
	/* Last: with it the folder is an instance. */
	return r < 0 ? r : config_write_new(c->in.dir, values, c->arena, ret_why);
}

/* ClamAV's daemon, where distributions put its socket; whoever runs this must be let in. */
static void find_clamd(struct config_values *values)
{
	static const char *const sockets[] = { "/run/clamav/clamd.ctl", "/run/clamd.scan/clamd.sock", "/run/clamav/clamd.sock" };
	static const char signatures[] = "/var/lib/clamav";

	for (size_t i = 0; i < sizeof(sockets) / sizeof(sockets[0]); i++) {
		struct stat st;

		if (stat(sockets[i], &st) == 0 && S_ISSOCK(st.st_mode) && access(sockets[i], R_OK | W_OK) == 0) {
			values->clamd = sockets[i];
			values->signatures = access(signatures, R_OK | X_OK) == 0 ? signatures : NULL;
			return;
		}
	}
}

int cli_init(struct cli *c)
{
	struct config_values values = { .domain = cli_option(c, "domain"), .address = cli_option(c, "listen") };
	const char *admin = cli_option(c, "admin");
	struct str why = STR_NONE;
	int r;

	if (!values.domain)
		return cli_fail(CLI_USAGE, "use: wardroom init --domain D ...; the domain is what stands behind the @ of addresses");
	if (port_of(c, "c2s", &values.c2s) || port_of(c, "c2s-tls", &values.c2s_tls) || port_of(c, "s2s", &values.s2s) ||
	    port_of(c, "component", &values.component) || port_of(c, "https", &values.https))
		return CLI_USAGE;
	if (!c->dir)
		c->dir = "./instance";
	if (instance_paths(c->dir, c->arena, &c->in) < 0)
		return cli_fail(CLI_NOT, "out of memory");
	find_clamd(&values);
	r = instance_create(&c->in, c->arena, &why);
	if (r == 0)
		r = fill(c, &values, &why);
	if (r < 0)
		return cli_fail(CLI_NOT, "%.*s", STR_FMT(why));
	if (admin) {
		c->words[0] = admin;
		c->n_words = 1;
		c->options[0].name = "role";
		c->options[0].value = "admin";
		c->n_options = 1;
		r = cli_instance(c);
		return r == CLI_OK ? cli_user_add(c) : r;
	}
	{
		json_t *reply = json_pack("{s:s, s:s}", "instance", c->dir, "domain", values.domain);

		cli_print(c, "init", reply);
		json_decref(reply);
	}
	return CLI_OK;
}
