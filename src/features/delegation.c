/* delegation.c - XEP-0355, as the operator grants it: a component answers requests of a namespace for this server.
 *
 * A request to the server, to the own account or to another account is wrapped and asked of the component; what comes
 * back is checked against the request and passed on, and anything else is "service unavailable". The component's own
 * requests are never passed to itself. What it can do appears in the server's and the accounts' disco#info: it is asked
 * for that when it connects (7.2).
 *
 * Not here: attributes as filters, client mode, data forms of nested disco#info.
 *
 * Ownership  srv->delegated: the nested features, blocks of malloc that begin with their struct list.
 * Limits     CONFIG_TEXTS_MAX namespaces a component; NESTED_MOST features of NESTED_BYTES for each.
 */
#include <stdlib.h>

#include "base/limits.h"
#include "base/log.h"
#include "base/rand.h"
#include "core/ask.h"
#include "core/component.h"
#include "core/mod.h"
#include "core/outward.h"
#include "core/state.h"

#define ASK_BYTES (64 * 1024)
#define NESTED_MOST 128
#define NESTED_BYTES 8192
#define NODE_SERVER NS_DELEGATION "::"
#define NODE_ACCOUNT NS_DELEGATION ":bare:"

static bool delegates(const struct config_component *c, struct str ns)
{
	for (unsigned i = 0; i < c->delegate.n; i++)
		if (str_is(ns, c->delegate.v[i]))
			return true;
	return false;
}

/* Who answers this namespace, or NULL. */
static const struct config_component *manager_of(const struct server *srv, struct str ns)
{
	for (unsigned i = 0; i < srv->config->n_components; i++)
		if (delegates(&srv->config->components[i], ns))
			return &srv->config->components[i];
	return NULL;
}

/* --- requests ---------------------------------------------------------------------------------------------- */

/* <delegation><forwarded><iq/></forwarded></delegation>: the answer, or NULL. */
static const struct node *inner_of(const struct node *answer)
{
	const struct node *d = node_child(answer, NS_DELEGATION, "delegation");
	const struct node *f = d ? node_child(d, NS_FORWARD, "forwarded") : NULL;

	return f ? node_child(f, NS_CLIENT, "iq") : NULL;
}

/* 4.3: the other way round, or left out where the request had none; the component answers this request alone. */
static bool fits(const struct iq *iq, const struct node *inner)
{
	const struct node *child = node_first_element(inner);
	struct str from = node_attr(inner, "from"), to = node_attr(inner, "to");

	return str_is(node_attr(inner, "type"), "result") && str_eq(node_attr(inner, "id"), node_attr(iq->stanza, "id")) &&
	       (!to.n || str_eq(to, node_attr(iq->stanza, "from"))) && (!from.n || str_eq(from, iq->trip->to.full)) &&
	       (!child || !node_next_element(child));
}

static void on_answer(void *ctx, const struct node *answer)
{
	struct trip *t = ctx;
	struct iq *iq = t->iq;
	const struct node *inner = answer && str_is(node_attr(answer, "type"), "result") ? inner_of(answer) : NULL;
	const struct node *payload;
	struct node *copy = NULL;

	if (!inner || !fits(iq, inner)) {
		if (inner)
			log_event(LOG_NOTE, "delegation.wrong_answer", LOG_S("component", node_attr(answer, "from")));
		trip_refuse(t, ERR_UNAVAILABLE, NULL);
		return;
	}
	payload = node_first_element(inner);
	if (payload)
		copy = node_dup(iq->arena, payload);
	trip_iq_result(t, payload && !copy ? ERR_LIMIT : iq_reply(iq, copy));
}

static struct node *wrap(struct iq *iq, const struct config_component *c)
{
	struct arena *a = iq->arena;
	struct node *own = node_new(a, NS_CLIENT, "iq"), *d = own ? node_add(a, own, NS_DELEGATION, "delegation") : NULL;
	struct node *f = d ? node_add(a, d, NS_FORWARD, "forwarded") : NULL, *copy = f ? node_dup(a, iq->stanza) : NULL;

	if (!copy || node_set_attr(a, own, "type", STR("set")) < 0 || node_set_attr(a, own, "from", iq->server->domain) < 0 ||
	    node_set_attr(a, own, "to", str_of(c->domain)) < 0)
		return NULL;
	node_append(f, copy);
	return own;
}

static int on_request(struct iq *iq)
{
	const struct config_component *c = manager_of(iq->server, iq->payload->ns);
	struct node *own = c ? wrap(iq, c) : NULL;
	int r;

	if (!own)
		return c ? ERR_LIMIT : ERR_UNAVAILABLE;
	r = ask_send(iq->server, iq->arena, own, on_answer, iq->trip);
	return r < 0 ? r : IQ_LATER;
}

/* In the place of whoever else would answer. */
static const struct iq_hook *iq_claim(const struct trip *t, unsigned target, const struct node *payload)
{
	static const struct iq_hook forward = { .fn = on_request };
	const struct config_component *c;

	if (!(target & (TO_SERVER | TO_SELF | TO_ACCOUNT)))
		return NULL;
	c = manager_of(t->server, payload->ns);
	return c && !str_is(t->from.domain, c->domain) ? &forward : NULL;
}

/* --- what it can do ------------------------------------------------------------------------------------------ */

struct nested {
	struct list node;		/* first: the server frees it */
	const char *component, *ns;	/* behind the struct, as the features */
	bool account;
	unsigned n;
	struct str v[NESTED_MOST];
	char text[];
};

struct asking {
	struct server *srv;
	bool account;
	char component[256], ns[264];
};

static void forget(struct server *srv, const char *component, const char *ns, bool account)
{
	struct list *next;

	for (struct list *it = srv->delegated.next; it != &srv->delegated; it = next) {
		struct nested *n = LIST_ITEM(it, struct nested, node);

		next = it->next;
		if (strcmp(n->component, component) != 0 || strcmp(n->ns, ns) != 0 || n->account != account)
			continue;
		list_remove(it);
		free(n);
	}
}

static struct nested *nested_new(const struct asking *k, const struct node *query)
{
	size_t c = strlen(k->component) + 1, s = strlen(k->ns) + 1, at = c + s;
	struct nested *n = calloc(1, sizeof(*n) + c + s + NESTED_BYTES);

	if (!n)
		return NULL;
	memcpy(n->text, k->component, c);
	memcpy(n->text + c, k->ns, s);
	n->component = n->text;
	n->ns = n->text + c;
	n->account = k->account;
	for (const struct node *f = node_child(query, NS_DISCO_INFO, "feature"); f && n->n < NESTED_MOST;
	     f = node_child_next(f, NS_DISCO_INFO, "feature")) {
		struct str var = node_attr(f, "var");

		if (!var.n || var.n > c + s + NESTED_BYTES - at)
			continue;
		memcpy(n->text + at, var.p, var.n);
		n->v[n->n++] = str_make(n->text + at, var.n);
		at += var.n;
	}
	return n;
}

static void on_info(void *ctx, const struct node *answer)
{
	struct asking *k = ctx;
	const struct node *query = answer ? node_child(answer, NS_DISCO_INFO, "query") : NULL;
	struct nested *n = NULL;

	if (query && str_is(node_attr(answer, "type"), "result") && !k->srv->stopping)
		n = nested_new(k, query);
	if (n) {
		forget(k->srv, k->component, k->ns, k->account);
		list_append(&k->srv->delegated, &n->node);
	}
	free(k);
}

static void ask_info(struct server *srv, const struct config_component *c, const char *ns, bool account)
{
	struct arena *a = arena_new(ASK_BYTES);
	struct node *iq = a ? node_new(a, NS_CLIENT, "iq") : NULL, *q = iq ? node_add(a, iq, NS_DISCO_INFO, "query") : NULL;
	struct str node = a ? arena_printf(a, "%s%s", account ? NODE_ACCOUNT : NODE_SERVER, ns) : STR_NONE;
	struct asking *k = calloc(1, sizeof(*k));
	int r = q && node.p && k ? 0 : ERR_NOMEM;

	if (r == 0)
		r = node_set_attr(a, q, "node", node);
	if (r == 0 && (node_set_attr(a, iq, "type", STR("get")) < 0 || node_set_attr(a, iq, "from", srv->domain) < 0 ||
		       node_set_attr(a, iq, "to", str_of(c->domain)) < 0))
		r = ERR_LIMIT;
	if (r == 0) {
		k->srv = srv;
		k->account = account;
		snprintf(k->component, sizeof(k->component), "%s", c->domain);
		snprintf(k->ns, sizeof(k->ns), "%s", ns);
		r = ask_send(srv, a, iq, on_info, k);
	}
	if (r < 0)
		free(k);
	arena_free(&a);
}

static int advertise(struct server *srv, struct arena *a, const struct config_component *c)
{
	struct node *m = node_new(a, NS_CLIENT, "message"), *d = m ? node_add(a, m, NS_DELEGATION, "delegation") : NULL, *one;
	struct jid from, to;
	char id[17];
	int r = d ? 0 : ERR_LIMIT;

	rand_text(id, sizeof(id) - 1);
	for (unsigned i = 0; r == 0 && i < c->delegate.n; i++) {
		one = node_add(a, d, NS_DELEGATION, "delegated");
		r = one ? node_set_attr(a, one, "namespace", str_of(c->delegate.v[i])) : ERR_LIMIT;
	}
	if (r == 0 && (node_set_attr(a, m, "id", str_of(id)) < 0 || node_set_attr(a, m, "from", srv->domain) < 0 ||
		       node_set_attr(a, m, "to", str_of(c->domain)) < 0))
		r = ERR_LIMIT;
	if (r == 0)
		r = jid_parse(a, srv->domain, &from);
	if (r == 0)
		r = jid_parse(a, str_of(c->domain), &to);
	return r < 0 ? r : outward_send(srv, &from, &to, m);
}

static void component_open(struct server *srv, const struct config_component *c)
{
	struct arena *a = c->delegate.n ? arena_new(ASK_BYTES) : NULL;

	if (!a)
		return;
	if (advertise(srv, a, c) < 0)
		log_event(LOG_NOTE, "delegation.not_advertised", LOG_Z("component", c->domain));
	arena_free(&a);
	for (unsigned i = 0; i < c->delegate.n; i++) {
		ask_info(srv, c, c->delegate.v[i], false);
		ask_info(srv, c, c->delegate.v[i], true);
	}
}

static bool is_listed(const struct node *query, struct str var)
{
	for (const struct node *f = node_child(query, NS_DISCO_INFO, "feature"); f; f = node_child_next(f, NS_DISCO_INFO, "feature"))
		if (str_eq(node_attr(f, "var"), var))
			return true;
	return false;
}

/* Without a node alone: the information of our caps' node is what its hash was made of. */
static void disco_info(struct iq *iq, struct node *query)
{
	bool account = iq->target == TO_SELF || iq->target == TO_ACCOUNT;

	if (node_has_attr(iq->payload, "node") || !(iq->target & (TO_SERVER | TO_SELF | TO_ACCOUNT)))
		return;
	LIST_EACH(it, &iq->server->delegated) {
		const struct nested *n = LIST_ITEM(it, struct nested, node);
		const struct config_component *c = component_of(iq->server, str_of(n->component));

		for (unsigned i = 0; c && delegates(c, str_of(n->ns)) && n->account == account && i < n->n; i++) {
			struct node *f = is_listed(query, n->v[i]) ? NULL : node_add(iq->arena, query, NS_DISCO_INFO, "feature");

			if (f && node_set_attr(iq->arena, f, "var", n->v[i]) < 0)
				return;
		}
	}
}

static const struct mod_hooks hooks = {
	.component_open = component_open,
	.iq_claim = iq_claim,
	.disco_info = disco_info,
};

const struct mod_def mod_delegation = {
	.name = "delegation",
	.xep = 355,
	.xep_version = "0.5",
	.xep_partial = true,
	.xep_note = "granted by the operator; no filters by attribute, no nested forms, no client mode",
	.disco_server = (const char *const[]){ NS_DELEGATION, NULL },
	.hooks = &hooks,
};
