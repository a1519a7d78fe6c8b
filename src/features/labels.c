/* labels.c - XEP-0258: the labels that people may put on what they write, as the company has them (wardroom.yaml, `labels`).
 *
 * A label is a marking that clients show; it travels with the message, through rooms and into archives, and decides nothing: what
 * may go where is the policy's business. Only accounts of this server get the catalogue; it is the same for every receiver.
 */
#include "core/mod.h"
#include "core/state.h"

/* Where the company has named none. */
static const struct config_label usual[] = {
	{ .name = "Public", .color = "black", .background = "white" },
	{ .name = "Internal", .color = "black", .background = "#cfe8ff", .preset = true },
	{ .name = "Confidential", .color = "black", .background = "#ffd27f" },
	{ .name = "Strictly confidential", .color = "white", .background = "#b00020" },
};

static int add_item(struct arena *a, struct node *catalog, const struct config_label *l, bool preset)
{
	struct node *item = node_add(a, catalog, NS_SECLABEL_CATALOG, "item"), *label, *marking, *own;
	int r = item ? node_set_attr(a, item, "selector", str_of(l->name)) : ERR_LIMIT;

	if (r == 0 && preset)
		r = node_set_attr(a, item, "default", STR("true"));
	label = r == 0 ? node_add(a, item, NS_SECLABEL, "securitylabel") : NULL;
	marking = label ? node_add_leaf(a, label, NS_SECLABEL, "displaymarking", str_of(l->name)) : NULL;
	own = marking ? node_add(a, label, NS_SECLABEL, "label") : NULL;
	own = own ? node_add(a, own, NS_LABEL, "label") : NULL;
	if (!own || node_set_attr(a, marking, "fgcolor", str_of(l->color)) < 0 ||
	    node_set_attr(a, marking, "bgcolor", str_of(l->background)) < 0)
		return ERR_LIMIT;
	return node_set_attr(a, own, "name", str_of(l->name));
}

static int on_catalog(struct iq *iq)
{
	const struct config *c = iq->server->config;
	const struct config_label *v = c->n_labels ? c->labels : usual;
	size_t n = c->n_labels ? c->n_labels : sizeof(usual) / sizeof(usual[0]);
	struct node *catalog = node_new(iq->arena, NS_SECLABEL_CATALOG, "catalog");
	struct str to = node_attr(iq->payload, "to");
	struct jid jid;
	bool preset = false;		/* one at most */
	int r = catalog ? 0 : ERR_LIMIT;

	if (!iq->session || !iq->trip->from_user)
		return ERR_UNAVAILABLE;
	if (to.n && jid_parse(iq->arena, to, &jid) < 0)
		return ERR_JID;
	if (r == 0)
		r = node_set_attr(iq->arena, catalog, "to", to.n ? jid.full : iq->server->domain);
	if (r == 0)
		r = node_set_attr(iq->arena, catalog, "name", iq->server->domain);
	if (r == 0)
		r = node_set_attr(iq->arena, catalog, "restrict", STR("false"));
	for (size_t i = 0; r == 0 && i < n; i++) {
		r = add_item(iq->arena, catalog, &v[i], v[i].preset && !preset);
		preset = preset || v[i].preset;
	}
	return r < 0 ? r : iq_reply(iq, catalog);
}

static const struct iq_hook iqs[] = {
	{ IQ_GET, NS_SECLABEL_CATALOG, "catalog", TO_SERVER, on_catalog },
	{ 0 }
};

const struct mod_def mod_labels = {
	.name = "labels",
	.xep = 258,
	.xep_version = "1.1.1",
	.xep_partial = true,
	.xep_note = "a catalogue of markings, carried and archived; what may go where is the policy's business",
	.disco_server = (const char *const[]){ NS_SECLABEL, NS_SECLABEL_CATALOG, NULL },
	.iq = iqs,
};
