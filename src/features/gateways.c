/* gateways.c - XEP-0114: clients find the components of this server among the items of its domain. */
#include "core/mod.h"
#include "core/state.h"

static void disco_items(struct iq *iq, struct node *query)
{
	const struct config *c = iq->server->config;

	if (iq->target != TO_SERVER)
		return;
	for (unsigned i = 0; i < c->n_components; i++) {
		const struct config_component *one = &c->components[i];
		struct node *item = node_add(iq->arena, query, NS_DISCO_ITEMS, "item");

		if (!item || node_set_attr(iq->arena, item, "jid", str_of(one->domain)) < 0 ||
		    (*one->name && node_set_attr(iq->arena, item, "name", str_of(one->name)) < 0))
			return;
	}
}

static const struct mod_hooks hooks = { .disco_items = disco_items };

const struct mod_def mod_gateways = {
	.name = "gateways",
	.xep = 114,
	.xep_version = "1.6",
	.xep_note = "who connects to us; the other way round is not there",
	.hooks = &hooks,
};
