/* pubsub.c - XEP-0060: a publish-subscribe service of the server, at pubsub.DOMAIN. The work is in src/pubsub.
 *
 * Staff create nodes; who else may what is up to each node. Nothing but requests, and owners' answers to
 * who wants to subscribe, has any business here.
 */
#include "core/mod.h"
#include "core/state.h"
#include "pubsub/pubsub_approve.h"
#include "pubsub/pubsub_call.h"
#include "pubsub/pubsub_disco.h"
#include "xmpp/jid.h"

static const char *const vars[] = {
	NS_DISCO_INFO, NS_DISCO_ITEMS, NS_PING, NS_PUBSUB, NS_PUBSUB "#access-authorize", NS_PUBSUB "#access-open",
	NS_PUBSUB "#access-whitelist",
	NS_PUBSUB "#config-node", NS_PUBSUB "#config-node-max", NS_PUBSUB "#create-and-configure",
	NS_PUBSUB "#create-nodes", NS_PUBSUB "#delete-items", NS_PUBSUB "#delete-nodes", NS_PUBSUB "#instant-nodes",
	NS_PUBSUB "#item-ids", NS_PUBSUB "#last-published", NS_PUBSUB "#manage-subscriptions",
	NS_PUBSUB "#member-affiliation", NS_PUBSUB "#meta-data", NS_PUBSUB "#modify-affiliations",
	NS_PUBSUB "#multi-items", NS_PUBSUB "#outcast-affiliation", NS_PUBSUB "#persistent-items",
	NS_PUBSUB "#publish", NS_PUBSUB "#publish-only-affiliation", NS_PUBSUB "#publish-options",
	NS_PUBSUB "#publisher-affiliation", NS_PUBSUB "#purge-nodes", NS_PUBSUB "#retract-items",
	NS_PUBSUB "#retrieve-affiliations", NS_PUBSUB "#retrieve-default", NS_PUBSUB "#retrieve-items",
	NS_PUBSUB "#retrieve-subscriptions", NS_PUBSUB "#rsm", NS_PUBSUB "#subscribe", NULL,
};

static struct str domain(const struct server *srv)
{
	return srv->pubsub;
}

static int start(struct server *srv)
{
	struct str name = arena_printf(srv->names, "pubsub.%.*s", STR_FMT(srv->domain));
	struct jid jid;
	int r = name.p ? jid_parse(srv->names, name, &jid) : ERR_NOMEM;

	if (r == 0)
		srv->pubsub = jid.domain;
	return r;
}

/* The one message with any business here: an owner's answer to who wants to subscribe. */
static enum trip_next admit(struct trip *t)
{
	return t->kind == STANZA_MESSAGE ? pubsub_approve_admit(t) : TRIP_NEXT;
}

/* Requests that nobody here knows; answers and presence nobody waits for; messages whose work is done. */
static enum trip_next deliver(struct trip *t)
{
	return t->kind == STANZA_IQ ? trip_refuse(t, ERR_UNAVAILABLE, NULL) : TRIP_NEXT;
}

static const struct service_ops service = { .domain = domain, .admit = admit, .deliver = deliver };

static int on_pubsub(struct iq *iq)
{
	return pubsub_call_run(iq, iq->server->pubsub);
}

static int on_ping(struct iq *iq)
{
	return iq_reply(iq, NULL);
}

static int on_items(struct iq *iq)
{
	return pubsub_disco_items(iq, iq->server->pubsub);
}

static int on_info(struct iq *iq)
{
	struct node *query, *el;
	int r = pubsub_disco_info(iq, iq->server->pubsub);

	if (r != IQ_PASS)
		return r;
	query = node_new(iq->arena, NS_DISCO_INFO, "query");
	el = query ? node_add(iq->arena, query, NS_DISCO_INFO, "identity") : NULL;
	if (!el || node_set_attr(iq->arena, el, "category", STR("pubsub")) < 0 ||
	    node_set_attr(iq->arena, el, "type", STR("service")) < 0 || node_set_attr(iq->arena, el, "name", STR("Publish-subscribe")) < 0)
		return ERR_LIMIT;
	for (const char *const *v = vars; *v; v++) {
		el = node_add(iq->arena, query, NS_DISCO_INFO, "feature");
		if (!el || node_set_attr(iq->arena, el, "var", str_of(*v)) < 0)
			return ERR_LIMIT;
	}
	return iq_reply(iq, query);
}

static void disco_items(struct iq *iq, struct node *query)
{
	struct node *item = iq->target == TO_SERVER ? node_add(iq->arena, query, NS_DISCO_ITEMS, "item") : NULL;

	if (item && (node_set_attr(iq->arena, item, "jid", iq->server->pubsub) < 0 ||
		     node_set_attr(iq->arena, item, "name", STR("Publish-subscribe")) < 0))
		node_remove(item);
}

static const struct iq_hook iqs[] = {
	{ IQ_GET | IQ_SET, NS_PUBSUB, "pubsub", TO_SERVICE, on_pubsub },
	{ IQ_GET | IQ_SET, NS_PUBSUB_OWNER, "pubsub", TO_SERVICE, on_pubsub },
	{ IQ_GET, NS_DISCO_INFO, "query", TO_SERVICE, on_info },
	{ IQ_GET, NS_DISCO_ITEMS, "query", TO_SERVICE, on_items },
	{ IQ_GET, NS_PING, "ping", TO_SERVICE, on_ping },
	{ 0 }
};

static const struct mod_hooks hooks = { .server_start = start, .disco_items = disco_items };

const struct mod_def mod_pubsub = {
	.name = "pubsub",
	.xep = 60,
	.xep_version = "1.30.0",
	.xep_partial = true,
	.xep_note = "accounts and pubsub.DOMAIN (authorize there alone); no collections, no options of subscriptions; who may not "
		    "read a node is told that there is none",
	.iq = iqs,
	.hooks = &hooks,
	.service = &service,
};
