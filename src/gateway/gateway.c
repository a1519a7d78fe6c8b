/* gateway.c - which domains are components', and what becomes of stanzas for them. */
#include "gateway/gateway.h"

#include <stdlib.h>

#include "base/check.h"
#include "base/limits.h"
#include "base/log.h"
#include "core/component.h"
#include "core/outward.h"
#include "core/service.h"
#include "core/state.h"
#include "gateway/box.h"
#include "gateway/link.h"
#include "net/listener.h"
#include "xmpp/jid.h"

#define GATEWAY_MAGIC 0x6a7e0001u

struct gateway {
	CHECK_MAGIC;
	struct link_set links;
	struct box_set boxes;
	struct listener *listener;
};

static bool serves(void *ctx, struct str domain)
{
	struct gateway *g = ctx;

	return component_of(g->links.srv, domain) != NULL;
}

/* Nobody needs to hear that presence, or an answer, found nobody. */
static bool is_missed(const struct node *stanza)
{
	struct str type = node_attr(stanza, "type");

	return stanza_kind(stanza) != STANZA_PRESENCE && !str_is(type, "error") && !str_is(type, "result");
}

/* The stanza's own addresses, or these when it has none. */
static const struct node *addressed(struct arena *a, const struct jid *from, const struct jid *to, const struct node *stanza)
{
	struct node *n;

	if (node_has_attr(stanza, "from") && node_has_attr(stanza, "to"))
		return stanza;
	n = node_dup(a, stanza);
	if (!n || node_set_attr(a, n, "from", from->full) < 0 || node_set_attr(a, n, "to", to->full) < 0)
		return NULL;
	return n;
}

/* seq: of its copy in the outbox; 0: none. */
static int send_kept(void *ctx, const struct jid *from, const struct jid *to, const struct node *stanza, uint32_t seq)
{
	struct gateway *g = ctx;
	struct link *l;
	struct arena *a;
	int r;

	CHECK_OBJ(g, GATEWAY_MAGIC);
	l = link_find(&g->links, to->domain);
	if (!l && !seq)
		return is_missed(stanza) ? ERR_UNAVAILABLE : 0;
	a = arena_new(LIMIT_STANZA_BYTES_MAX * 16);
	stanza = a ? addressed(a, from, to, stanza) : NULL;
	if (!stanza)
		r = ERR_LIMIT;
	else
		r = seq ? box_send(&g->boxes, to->domain, stanza, seq) : link_send(l, stanza);
	arena_free(&a);
	return r;
}

static int send_out(void *ctx, const struct jid *from, const struct jid *to, const struct node *stanza)
{
	return send_kept(ctx, from, to, stanza, 0);
}

static bool reserve(void *ctx, const struct jid *from, const struct jid *to, struct outward_place *ret)
{
	struct gateway *g = ctx;

	(void)from;
	CHECK_OBJ(g, GATEWAY_MAGIC);
	return box_reserve(&g->boxes, to->domain, ret);
}

static void recall(void *ctx, const struct outward_recall *what)
{
	struct gateway *g = ctx;

	box_recall(&g->boxes, what);
}

static void on_opened(void *ctx, struct str domain)
{
	struct gateway *g = ctx;

	box_opened(&g->boxes, domain);
}

static void on_lost(void *ctx, struct str domain)
{
	struct gateway *g = ctx;

	box_lost(&g->boxes, domain);
}

void gateway_accept(struct gateway *g, int fd, const struct sockaddr_storage *from)
{
	CHECK_OBJ(g, GATEWAY_MAGIC);
	link_accept(&g->links, fd, from);
}

static void on_accept(void *ctx, int fd, const struct sockaddr_storage *from)
{
	gateway_accept(ctx, fd, from);
}

/* The configuration does not know how domains are normalised; here they must be. */
static int check_domains(struct server *srv, struct arena *a, struct str *ret_why)
{
	for (unsigned i = 0; i < srv->config->n_components; i++) {
		const char *domain = srv->config->components[i].domain;
		struct jid jid;

		if (jid_parse(a, str_of(domain), &jid) < 0 || jid.local.n || jid.resource.n || !str_is(jid.domain, domain)) {
			*ret_why = arena_printf(a, "components: '%s' is not a domain as it is written in addresses", domain);
			return ERR_BAD_FORMAT;
		}
		if (service_of(srv, jid.domain)) {
			*ret_why = arena_printf(a, "components: '%s' is a domain of this server's own services", domain);
			return ERR_CONFLICT;
		}
	}
	return 0;
}

int gateway_new(struct server *srv, int fd, const struct outbox_saved *saved, struct arena *a, struct gateway **ret, struct str *ret_why)
{
	static const struct outward_ops ops = { .serves = serves, .send = send_out, .reserve = reserve, .send_kept = send_kept, .recall = recall };
	struct gateway *g = calloc(1, sizeof(*g));
	int r = g ? check_domains(srv, a, ret_why) : ERR_NOMEM;

	if (r == 0 && fd >= 0)
		r = listener_new(srv->loop, fd, on_accept, g, &g->listener);
	if (r == 0) {
		g->links = (struct link_set){ .srv = srv, .opened = on_opened, .lost = on_lost, .ctx = g };
		r = box_set_init(&g->boxes, &g->links);
	}
	if (r < 0) {
		if (g)
			listener_free(&g->listener);
		free(g);
		return r;
	}
	g->magic = GATEWAY_MAGIC;
	list_init(&g->links.all);
	box_set_restore(&g->boxes, saved);
	outward_register(srv, &ops, g);
	*ret = g;
	return 0;
}

void gateway_reload(struct gateway *g)
{
	CHECK_OBJ(g, GATEWAY_MAGIC);
	LIST_EACH(it, &g->links.all)
		if (!link_holds(link_of(it)))
			link_end(link_of(it), "reset");
	if (!g->listener && g->links.srv->config->n_components)
		log_event(LOG_NOTE, "gateway.needs_restart");	/* the port was not opened: no component was configured */
}

void gateway_stop(struct gateway *g)
{
	if (!g)
		return;
	CHECK_OBJ(g, GATEWAY_MAGIC);
	g->links.stopping = true;
	listener_free(&g->listener);
	LIST_EACH(it, &g->links.all)
		link_end(link_of(it), "system-shutdown");
}

void gateway_free(struct gateway **ref)
{
	struct gateway *g = *ref;

	if (!g)
		return;
	CHECK_OBJ(g, GATEWAY_MAGIC);
	*ref = NULL;
	listener_free(&g->listener);
	box_set_free(&g->boxes);
	g->magic = 0;
	free(g);
}
