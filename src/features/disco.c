/* disco.c - XEP-0030: what the server and an account can do; XEP-0115: the same as a hash in the stream's features.
 *
 * The lists come from the features themselves (mod_def). An account answers its owner and those who may see its
 * presence; for everybody else it does not exist (RFC 6121 8.5.1).
 */
#include <openssl/evp.h>
#include <stdlib.h>

#include "base/b64.h"
#include "core/hooks.h"
#include "core/mod.h"

#define FEATURES_MOST 128
#define CAPS_NODE "https://wardroom.example/caps"
#define CAPS_TEXT_BYTES 8192

struct vars { const char *v[FEATURES_MOST]; size_t n; };

static int compare(const void *x, const void *y)
{
	return strcmp(*(const char *const *)x, *(const char *const *)y);
}

/* Sorted by bytes, as XEP-0115 5.1 wants them, each once. */
static void collect(bool account, struct vars *ret)
{
	size_t n_mods, kept = 0;
	const struct mod_def *const *mods = mod_all(&n_mods);

	ret->n = 0;
	for (size_t i = 0; i < n_mods; i++)
		for (const char *const *var = account ? mods[i]->disco_account : mods[i]->disco_server;
		     var && *var && ret->n < FEATURES_MOST; var++)
			ret->v[ret->n++] = *var;
	qsort(ret->v, ret->n, sizeof(ret->v[0]), compare);
	for (size_t i = 0; i < ret->n; i++)
		if (i == 0 || strcmp(ret->v[i], ret->v[kept - 1]) != 0)
			ret->v[kept++] = ret->v[i];
	ret->n = kept;
}

/* XEP-0115 5.1 of the server's own information: one identity, the features, no forms. */
static int server_ver(char ret[B64_LEN(20) + 1])
{
	char text[CAPS_TEXT_BYTES];
	uint8_t digest[EVP_MAX_MD_SIZE];
	unsigned len = 0;
	struct vars vars;
	int n = snprintf(text, sizeof(text), "server/im//Wardroom<");

	collect(false, &vars);
	for (size_t i = 0; i < vars.n && n > 0 && (size_t)n < sizeof(text); i++)
		n += snprintf(text + n, sizeof(text) - (size_t)n, "%s<", vars.v[i]);
	if (n < 0 || (size_t)n >= sizeof(text) || EVP_Digest(text, (size_t)n, digest, &len, EVP_sha1(), NULL) != 1)
		return ERR_INTERNAL;
	b64_encode(digest, len, ret);
	return 0;
}

static void stream_features(struct arena *a, struct node *features)
{
	char ver[B64_LEN(20) + 1];
	struct node *c = server_ver(ver) == 0 ? node_add(a, features, NS_CAPS, "c") : NULL;

	if (c && (node_set_attr(a, c, "hash", STR("sha-1")) < 0 || node_set_attr(a, c, "node", STR(CAPS_NODE)) < 0 ||
		  node_set_attr(a, c, "ver", str_of(ver)) < 0))
		node_remove(c);
}

static int identity(struct iq *iq, struct node *query, const char *category, const char *type, const char *name)
{
	struct node *id = node_add(iq->arena, query, NS_DISCO_INFO, "identity");
	int r = id ? node_set_attr(iq->arena, id, "category", str_of(category)) : ERR_LIMIT;

	if (r == 0)
		r = node_set_attr(iq->arena, id, "type", str_of(type));
	if (r == 0 && name)
		r = node_set_attr(iq->arena, id, "name", str_of(name));
	return r;
}

static int reply_info(struct iq *iq, bool account)
{
	struct str asked = node_attr(iq->payload, "node");
	struct node *query = node_new(iq->arena, NS_DISCO_INFO, "query");
	struct vars vars;
	int r = query ? 0 : ERR_LIMIT;

	if (r == 0 && asked.n)
		r = node_set_attr(iq->arena, query, "node", asked);
	if (r == 0)
		r = account ? identity(iq, query, "account", "registered", NULL) : identity(iq, query, "server", "im", "Wardroom");
	collect(account, &vars);
	for (size_t i = 0; r == 0 && i < vars.n; i++) {
		struct node *f = node_add(iq->arena, query, NS_DISCO_INFO, "feature");

		r = f ? node_set_attr(iq->arena, f, "var", str_of(vars.v[i])) : ERR_LIMIT;
	}
	if (r < 0)
		return r;
	hooks_disco_info(iq, query);
	return iq_reply(iq, query);
}

/* The node of our own caps, or none at all. */
static bool knows_node(const struct iq *iq)
{
	struct str asked = node_attr(iq->payload, "node");
	char ver[B64_LEN(20) + 1];

	if (!node_has_attr(iq->payload, "node"))
		return true;
	if (iq->target != TO_SERVER || server_ver(ver) < 0 || !str_starts(asked, STR(CAPS_NODE "#")))
		return false;
	return str_is(str_cut(asked, sizeof(CAPS_NODE "#") - 1), ver);
}

/* May he see the account's presence? */
static bool is_contact(const struct iq *iq)
{
	const struct roster_item *it = roster_find(&iq->user->roster, iq->trip->from.bare);

	return it && (it->sub == SUB_FROM || it->sub == SUB_BOTH);
}

static int on_info(struct iq *iq)
{
	if (iq->target == TO_ACCOUNT && !is_contact(iq))
		return ERR_UNAVAILABLE;
	if (!knows_node(iq))
		return ERR_NOT_FOUND;
	return reply_info(iq, iq->target != TO_SERVER);
}

static int on_items(struct iq *iq)
{
	struct node *query;

	if (iq->target == TO_ACCOUNT && !is_contact(iq))
		return ERR_UNAVAILABLE;
	if (node_has_attr(iq->payload, "node"))
		return ERR_NOT_FOUND;
	query = node_new(iq->arena, NS_DISCO_ITEMS, "query");
	if (!query)
		return ERR_LIMIT;
	hooks_disco_items(iq, query);
	return iq_reply(iq, query);
}

static const struct iq_hook iqs[] = {
	{ IQ_GET, NS_DISCO_INFO, "query", TO_SERVER | TO_SELF | TO_ACCOUNT, on_info },
	{ IQ_GET, NS_DISCO_ITEMS, "query", TO_SERVER | TO_SELF | TO_ACCOUNT, on_items },
	{ 0 }
};

static const struct mod_hooks hooks = { .stream_features = stream_features };

const struct mod_def mod_disco = {
	.name = "disco",
	.xep = 30,
	.xep_version = "2.5.0",
	.disco_server = (const char *const[]){ NS_DISCO_INFO, NS_DISCO_ITEMS, NS_CAPS, NULL },
	.disco_account = (const char *const[]){ NS_DISCO_INFO, NS_DISCO_ITEMS, NULL },
	.iq = iqs,
	.hooks = &hooks,
};
