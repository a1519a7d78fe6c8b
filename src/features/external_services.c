/* external_services.c - XEP-0215: which servers help with calls (STUN, TURN), with credentials for a time.
 *
 * The credentials are those of TURN's REST interface: the name begins with the time they end, the password is an
 * HMAC of it under a secret that the TURN server shares; nothing is kept here or there. The rest of the name is
 * chance: a TURN server, and who listens to it, need not know who calls. Only accounts of this server get an answer.
 */
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "base/b64.h"
#include "base/clock.h"
#include "base/rand.h"
#include "core/mod.h"
#include "core/state.h"

#define NAME_CHANCE 12
#define DIGEST_BYTES 20

static const char *const types[] = {
	[CONFIG_SERVICE_STUN] = "stun", [CONFIG_SERVICE_STUNS] = "stuns", [CONFIG_SERVICE_TURN] = "turn",
	[CONFIG_SERVICE_TURNS] = "turns",
};
static const char *const transports[] = { [CONFIG_TRANSPORT_UDP] = "udp", [CONFIG_TRANSPORT_TCP] = "tcp" };

static int set(struct arena *a, struct node *n, const char *name, const char *value)
{
	return node_set_attr(a, n, name, str_of(value));
}

static int add_credentials(struct arena *a, struct node *n, const struct config_service *s)
{
	uint64_t until_ms = clock_wall_ms() + s->expires_s * 1000;
	char chance[NAME_CHANCE + 1], password[B64_LEN(DIGEST_BYTES) + 1], stamp[CLOCK_STAMP_BYTES];
	uint8_t mac[EVP_MAX_MD_SIZE];
	unsigned len = 0;
	struct str name;
	int r;

	rand_text(chance, NAME_CHANCE);
	name = arena_printf(a, "%llu:%s", (unsigned long long)(until_ms / 1000), chance);
	if (!name.p)
		return ERR_LIMIT;
	if (!HMAC(EVP_sha1(), s->secret, (int)strlen(s->secret), (const uint8_t *)name.p, name.n, mac, &len) || len != DIGEST_BYTES)
		return ERR_INTERNAL;
	b64_encode(mac, len, password);
	clock_stamp(until_ms / 1000 * 1000, stamp);
	r = node_set_attr(a, n, "username", name);
	if (r == 0)
		r = set(a, n, "password", password);
	if (r == 0)
		r = set(a, n, "expires", stamp);
	return r == 0 ? set(a, n, "restricted", "1") : r;
}

static int add_service(struct arena *a, struct node *parent, const struct config_service *s)
{
	struct node *n = node_add(a, parent, NS_EXTDISCO, "service");
	char port[8];
	int r = n ? set(a, n, "type", types[s->type]) : ERR_LIMIT;

	snprintf(port, sizeof(port), "%u", s->port);
	if (r == 0)
		r = set(a, n, "host", s->host);
	if (r == 0)
		r = set(a, n, "port", port);
	if (r == 0)
		r = set(a, n, "transport", transports[s->transport]);
	if (r == 0 && *s->name)
		r = set(a, n, "name", s->name);
	return r == 0 && *s->secret ? add_credentials(a, n, s) : r;
}

/* Strangers and frozen accounts learn neither servers nor credentials. */
static bool may(const struct iq *iq)
{
	return iq->session && iq->trip->from_user && !iq->trip->from_user->frozen;
}

static int on_services(struct iq *iq)
{
	const struct config *c = iq->server->config;
	struct str type = node_attr(iq->payload, "type");
	struct node *reply = node_new(iq->arena, NS_EXTDISCO, "services");
	int r = reply ? 0 : ERR_LIMIT;

	if (!may(iq))
		return ERR_FORBIDDEN;
	if (r == 0 && type.n)
		r = node_set_attr(iq->arena, reply, "type", type);
	for (unsigned i = 0; r == 0 && i < c->n_services; i++)
		if (!type.n || str_is(type, types[c->services[i].type]))
			r = add_service(iq->arena, reply, &c->services[i]);
	return r < 0 ? r : iq_reply(iq, reply);
}

static bool fits(const struct config_service *s, const struct node *wanted)
{
	struct str port = node_attr(wanted, "port");
	uint64_t n = 0;

	return str_is(node_attr(wanted, "host"), s->host) && str_is(node_attr(wanted, "type"), types[s->type]) &&
	       (!port.n || (str_to_u64(port, 65535, &n) && n == s->port));
}

static int on_credentials(struct iq *iq)
{
	const struct config *c = iq->server->config;
	const struct node *wanted = node_child(iq->payload, NS_EXTDISCO, "service");
	struct node *reply = node_new(iq->arena, NS_EXTDISCO, "credentials");
	unsigned n = 0;
	int r = reply ? 0 : ERR_LIMIT;

	if (!may(iq))
		return ERR_FORBIDDEN;
	if (!wanted || !node_has_attr(wanted, "host") || !node_has_attr(wanted, "type"))
		return ERR_BAD_REQUEST;
	for (unsigned i = 0; r == 0 && i < c->n_services; i++) {
		if (!*c->services[i].secret || !fits(&c->services[i], wanted))
			continue;
		r = add_service(iq->arena, reply, &c->services[i]);
		n++;
	}
	if (r == 0 && n == 0)
		return ERR_NOT_FOUND;
	return r < 0 ? r : iq_reply(iq, reply);
}

static const struct iq_hook iqs[] = {
	{ IQ_GET, NS_EXTDISCO, "services", TO_SERVER, on_services },
	{ IQ_GET, NS_EXTDISCO, "credentials", TO_SERVER, on_credentials },
	{ 0 }
};

const struct mod_def mod_external_services = {
	.name = "external_services",
	.xep = 215,
	.xep_version = "1.0.0",
	.disco_server = (const char *const[]){ NS_EXTDISCO, NULL },
	.iq = iqs,
};
