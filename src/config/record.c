/* record.c - components, peers and services: one domain each, one secret each, and secrets nobody else reads. */
#include "config/record.h"

#include <string.h>
#include <sys/stat.h>

#include "config/instance.h"

#define SECRET_LEAST 16
#define SECRET_MOST 1024

static int refuse(const char *file, const char *list, const char *which, const char *why, struct arena *a, struct str *ret_why)
{
	*ret_why = arena_printf(a, "%s: %s: '%s': %s", file, list, which, why);
	return ret_why->p ? ERR_BAD_FORMAT : ERR_NOMEM;
}

static const char *wrong_component(const struct config *c, unsigned i)
{
	const struct config_component *one = &c->components[i];

	if (strcmp(one->domain, c->domain) == 0)
		return "expected a domain that is not this server's own";
	for (unsigned k = 0; k < i; k++)
		if (strcmp(c->components[k].domain, one->domain) == 0)
			return "expected each domain once, found it again";
	if (*one->secret && *one->secret_file)
		return "expected either 'secret' or 'secret_file', found both";
	if (!*one->secret && !*one->secret_file)
		return "expected 'secret' or 'secret_file', found neither";
	if ((one->may & (CONFIG_MAY_ROSTER_PUSH | CONFIG_MAY_PRESENCE_ROSTER)) && !(one->may & CONFIG_MAY_ROSTER_GET))
		return "expected 'roster-get' beside 'roster-push' and 'presence-roster'";
	return strchr(one->secret_file, '/') ? "expected the name of a file in the folder keys, found a path" : NULL;
}

static const char *wrong_service(const struct config_service *s)
{
	if (s->port == 0)
		return "expected a port";
	if (*s->secret && *s->secret_file)
		return "expected either 'secret' or 'secret_file', found both";
	return strchr(s->secret_file, '/') ? "expected the name of a file in the folder keys, found a path" : NULL;
}

static const char *wrong_peer(const struct config *c, unsigned i)
{
	if (strcmp(c->peers[i].domain, c->domain) == 0)
		return "expected a domain that is not this server's own";
	for (unsigned k = 0; k < i; k++)
		if (strcmp(c->peers[k].domain, c->peers[i].domain) == 0)
			return "expected each domain once, found it again";
	return c->peers[i].port ? NULL : "expected a port";
}

int record_check(const struct config *c, const char *file, struct arena *a, struct str *ret_why)
{
	for (unsigned i = 0; i < c->n_components; i++) {
		const char *why = wrong_component(c, i);

		if (why)
			return refuse(file, "components", c->components[i].domain, why, a, ret_why);
	}
	for (unsigned i = 0; i < c->n_peers; i++) {
		const char *why = wrong_peer(c, i);

		if (why)
			return refuse(file, "peers", c->peers[i].domain, why, a, ret_why);
	}
	for (unsigned i = 0; i < c->n_services; i++) {
		const char *why = wrong_service(&c->services[i]);

		if (why)
			return refuse(file, "services", c->services[i].host, why, a, ret_why);
	}
	return 0;
}

/* --- secrets --------------------------------------------------------------------------------------------- */

static int check_private(const char *path, struct arena *a, struct str *ret_why)
{
	struct stat st;

	if (stat(path, &st) == 0 && !(st.st_mode & 077))
		return 0;
	*ret_why = arena_printf(a, "%s holds a secret and can be read by others than its owner: chmod 0600 %s", path, path);
	return ERR_FORBIDDEN;
}

/* The first line of DIR/keys/NAME. */
static int read_secret(const char *path, const char *name, struct arena *own, struct arena *a, const char **ret,
		       struct str *ret_why)
{
	const char *slash = strrchr(path, '/');
	struct str file = arena_printf(a, "%.*s/keys/%s", slash ? (int)(slash - path) : 1, slash ? path : ".", name), text;
	int r = file.p ? check_private(file.p, a, ret_why) : ERR_NOMEM;

	if (r == 0)
		r = instance_read(file.p, SECRET_MOST + 2, a, &text, ret_why);
	if (r < 0)
		return r;
	text = str_trim(text);
	if (text.n < SECRET_LEAST || text.n > SECRET_MOST || memchr(text.p, 0, text.n) || memchr(text.p, '\n', text.n)) {
		*ret_why = arena_printf(a, "%s: expected one line of %d to %d bytes", file.p, SECRET_LEAST, SECRET_MOST);
		return ERR_BAD_FORMAT;
	}
	*ret = arena_dup(own, text.p, text.n);
	return *ret ? 0 : ERR_NOMEM;
}

static int load(const char *path, const char **secret, const char *file, struct arena *own, struct arena *a,
		struct str *ret_why)
{
	if (*file)
		return read_secret(path, file, own, a, secret, ret_why);
	return **secret ? check_private(path, a, ret_why) : 0;
}

int record_secrets(struct config *c, const char *path, struct arena *own, struct arena *a, struct str *ret_why)
{
	int r = 0;

	for (unsigned i = 0; r == 0 && i < c->n_components; i++)
		r = load(path, &c->components[i].secret, c->components[i].secret_file, own, a, ret_why);
	for (unsigned i = 0; r == 0 && i < c->n_services; i++)
		r = load(path, &c->services[i].secret, c->services[i].secret_file, own, a, ret_why);
	return r;
}
