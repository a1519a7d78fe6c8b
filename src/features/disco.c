/* disco.c - XEP-0030: what the server and an account can do; XEP-0115: the same as a hash in the stream's features.
 *
 * The lists come from the features themselves (mod_def). An account answers its owner and those who may see its
 * presence; for everybody else it does not exist (RFC 6121 8.5.1).
 */
#include <openssl/evp.h>
#include <stdlib.h>

#include "base/b64.h"
#include "base/buf.h"
#include "core/hooks.h"
#include "core/mod.h"

#define FEATURES_MOST 128
#define CAPS_NODE "https://wardroom.example/caps"
#define CAPS_TEXT_BYTES 65536
#define FORM_MOST 32			/* forms of the server, fields of a form, values of a field */

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

static int identity(struct arena *a, struct node *query, const char *category, const char *type, const char *name)
{
	struct node *id = node_add(a, query, NS_DISCO_INFO, "identity");
	int r = id ? node_set_attr(a, id, "category", str_of(category)) : ERR_LIMIT;

	if (r == 0)
		r = node_set_attr(a, id, "type", str_of(type));
	if (r == 0 && name)
		r = node_set_attr(a, id, "name", str_of(name));
	return r;
}

/* Identity, features and, of the server, the forms. */
static int add_info(struct server *srv, struct arena *a, struct node *query, bool account)
{
	struct vars vars;
	int r = account ? identity(a, query, "account", "registered", NULL) : identity(a, query, "server", "im", "Wardroom");

	collect(account, &vars);
	for (size_t i = 0; r == 0 && i < vars.n; i++) {
		struct node *f = node_add(a, query, NS_DISCO_INFO, "feature");

		r = f ? node_set_attr(a, f, "var", str_of(vars.v[i])) : ERR_LIMIT;
	}
	if (r == 0 && !account)
		hooks_server_forms(srv, a, query);
	return r;
}

/* --- the hash (XEP-0115 5.1) ---------------------------------------------------------------------------------- */

static int compare_str(const void *x, const void *y)
{
	return str_cmp(*(const struct str *)x, *(const struct str *)y);
}

/* The values of a field, or the texts of a form's fields: sorted, each followed by '<'. */
static void write_sorted(struct buf *b, struct str *v, size_t n)
{
	qsort(v, n, sizeof(*v), compare_str);
	for (size_t i = 0; i < n; i++)
		buf_str_add(b, v[i]);
}

static bool write_field(struct arena *a, const struct node *field, struct str *ret)
{
	struct str values[FORM_MOST];
	struct buf b;
	size_t n = 0;

	for (const struct node *v = node_child(field, NS_XDATA, "value"); v && n < FORM_MOST; v = node_child_next(v, NS_XDATA, "value"))
		values[n++] = arena_printf(a, "%.*s<", STR_FMT(node_text(a, v)));
	buf_init(&b, CAPS_TEXT_BYTES);
	if (!str_is(node_attr(field, "var"), "FORM_TYPE")) {
		buf_str_add(&b, node_attr(field, "var"));
		buf_char(&b, '<');
	}
	write_sorted(&b, values, n);
	*ret = b.failed ? (struct str){ 0 } : arena_str(a, buf_str(&b));
	buf_release(&b);
	return ret->p != NULL;
}

/* FORM_TYPE comes first, whatever its place. */
static bool write_form(struct arena *a, const struct node *x, struct str *ret)
{
	struct str fields[FORM_MOST], type = STR_NONE;
	struct buf b;
	size_t n = 0;

	for (const struct node *f = node_child(x, NS_XDATA, "field"); f && n < FORM_MOST; f = node_child_next(f, NS_XDATA, "field")) {
		bool is_type = str_is(node_attr(f, "var"), "FORM_TYPE");

		if (!write_field(a, f, is_type ? &type : &fields[n]))
			return false;
		n += !is_type;
	}
	buf_init(&b, CAPS_TEXT_BYTES);
	buf_str_add(&b, type);
	write_sorted(&b, fields, n);
	*ret = b.failed ? (struct str){ 0 } : arena_str(a, buf_str(&b));
	buf_release(&b);
	return ret->p != NULL;
}

static bool write_info(struct arena *a, const struct node *query, struct buf *b)
{
	struct str forms[FORM_MOST];
	size_t n = 0;

	for (const struct node *e = node_first_element(query); e; e = node_next_element(e)) {
		if (node_is(e, NS_DISCO_INFO, "identity"))
			buf_printf(b, "%.*s/%.*s//%.*s<", STR_FMT(node_attr(e, "category")), STR_FMT(node_attr(e, "type")),
				   STR_FMT(node_attr(e, "name")));
		else if (node_is(e, NS_DISCO_INFO, "feature"))		/* sorted already */
			buf_printf(b, "%.*s<", STR_FMT(node_attr(e, "var")));
		else if (node_is(e, NS_XDATA, "x") && (n == FORM_MOST || !write_form(a, e, &forms[n++])))
			return false;
	}
	write_sorted(b, forms, n);
	return !b->failed;
}

static int server_ver(struct server *srv, char ret[B64_LEN(20) + 1])
{
	struct arena *a = arena_new(CAPS_TEXT_BYTES * 16);
	struct node *query = a ? node_new(a, NS_DISCO_INFO, "query") : NULL;
	uint8_t digest[EVP_MAX_MD_SIZE];
	unsigned len = 0;
	struct buf b;
	int r = query ? add_info(srv, a, query, false) : ERR_LIMIT;

	buf_init(&b, CAPS_TEXT_BYTES);
	if (r == 0 && (!write_info(a, query, &b) || EVP_Digest(b.p, b.n, digest, &len, EVP_sha1(), NULL) != 1))
		r = ERR_INTERNAL;
	if (r == 0)
		b64_encode(digest, len, ret);
	buf_release(&b);
	arena_free(&a);
	return r;
}

static void stream_features(struct server *srv, struct arena *a, struct node *features)
{
	char ver[B64_LEN(20) + 1];
	struct node *c = server_ver(srv, ver) == 0 ? node_add(a, features, NS_CAPS, "c") : NULL;

	if (c && (node_set_attr(a, c, "hash", STR("sha-1")) < 0 || node_set_attr(a, c, "node", STR(CAPS_NODE)) < 0 ||
		  node_set_attr(a, c, "ver", str_of(ver)) < 0))
		node_remove(c);
}

/* --- answers ----------------------------------------------------------------------------------------------------- */

static int reply_info(struct iq *iq, bool account)
{
	struct str asked = node_attr(iq->payload, "node");
	struct node *query = node_new(iq->arena, NS_DISCO_INFO, "query");
	int r = query ? 0 : ERR_LIMIT;

	if (r == 0 && asked.n)
		r = node_set_attr(iq->arena, query, "node", asked);
	if (r == 0)
		r = add_info(iq->server, iq->arena, query, account);
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
	if (iq->target != TO_SERVER || server_ver(iq->server, ver) < 0 || !str_starts(asked, STR(CAPS_NODE "#")))
		return false;
	return str_is(str_cut(asked, sizeof(CAPS_NODE "#") - 1), ver);
}

static int on_info(struct iq *iq)
{
	if (iq->target == TO_ACCOUNT && !roster_shows(&iq->user->roster, iq->trip->from.bare))
		return ERR_UNAVAILABLE;
	if (!knows_node(iq))
		return ERR_NOT_FOUND;
	return reply_info(iq, iq->target != TO_SERVER);
}

static int on_items(struct iq *iq)
{
	struct node *query;

	if (iq->target == TO_ACCOUNT && !roster_shows(&iq->user->roster, iq->trip->from.bare))
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
