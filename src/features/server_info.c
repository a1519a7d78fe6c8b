/* server_info.c - XEP-0157, 0455, 0485, 0504: whom to turn to, what this server tells of itself, what happens to people's data.
 *
 * What is told follows from the configuration. Of the network (0485) nothing but the own domain is told: with whom a company
 * exchanges messages is nobody's business.
 */
#include "core/mod.h"
#include "core/state.h"
#include "xmpp/form.h"

#define INFO_NODE "serverinfo"

/* --- contact addresses --------------------------------------------------------------------------------------- */

static void add_contacts(struct form *f, const char *var, const struct config_texts *list, struct str without)
{
	if (!list->n && !without.n)
		return;
	form_field(f, "list-multi", var, NULL, (struct str){ 0 });
	for (unsigned i = 0; i < list->n; i++)
		form_value(f, str_of(list->v[i]));
	if (!list->n)
		form_value(f, without);
}

static void contact_form(struct server *srv, struct arena *a, struct node *query)
{
	const struct config *c = srv->config;
	struct form f;

	form_begin(&f, a, query, "result", NS_SERVERINFO);
	add_contacts(&f, "abuse-addresses", &c->contacts.abuse, STR_NONE);
	add_contacts(&f, "admin-addresses", &c->contacts.admin, STR_NONE);
	add_contacts(&f, "feedback-addresses", &c->contacts.feedback, STR_NONE);
	add_contacts(&f, "sales-addresses", &c->contacts.sales, STR_NONE);
	add_contacts(&f, "security-addresses", &c->contacts.security, STR_NONE);
	add_contacts(&f, "status-addresses", &c->contacts.status, STR_NONE);
	add_contacts(&f, "support-addresses", &c->contacts.support, arena_printf(a, "xmpp:%.*s", STR_FMT(srv->helpdesk)));
	form_field(&f, "text-single", "serverinfo-pubsub-node", NULL, arena_printf(a, "xmpp:%.*s?;node=" INFO_NODE, STR_FMT(srv->domain)));
	if (form_end(&f) < 0 && f.x)
		node_remove(f.x);
}

/* --- people's data ---------------------------------------------------------------------------------------------- */

static void add_bool(struct form *f, const char *var, bool v)
{
	form_field(f, "boolean", var, NULL, v ? STR("true") : STR("false"));
}

static void policy_form(struct server *srv, struct arena *a, struct node *query)
{
	static const char *const access[] = { "admins", "moderators", "organization_member", "government", "advertisers", "partners" };
	const struct config *c = srv->config;
	bool keeps = c->archive.def != CONFIG_ARCHIVE_NEVER;
	struct form f;

	form_begin(&f, a, query, "result", NS_DATA_POLICY);
	form_field(&f, "list-single", "auth_data", NULL, c->auth.plain ? STR("plain") : STR("hidden"));
	form_field(&f, "text-single", "data_retention", NULL, keeps ? STR("infinite") : STR("unknown"));
	add_bool(&f, "data_deletion", false);
	add_bool(&f, "encryption_at_rest", true);
	add_bool(&f, "data_export", false);
	add_bool(&f, "full_erasure", c->registration == CONFIG_REGISTRATION_OPEN);	/* features/register.c */
	form_field(&f, "list-multi", "access_policy", NULL, c->data_policy.access ? (struct str){ 0 } : STR("none"));
	for (unsigned i = 0; i < sizeof(access) / sizeof(access[0]); i++)
		if (c->data_policy.access & 1u << i)
			form_value(&f, str_of(access[i]));
	if (*c->data_policy.terms)
		form_field(&f, "text-single", "tos", NULL, str_of(c->data_policy.terms));
	if (*c->data_policy.notice)
		form_field(&f, "text-multi", "extra_info", NULL, str_of(c->data_policy.notice));
	if (form_end(&f) < 0 && f.x)
		node_remove(f.x);
}

/* XEP-0455: clients keep it for the time when we do not answer. */
static void outage_form(struct server *srv, struct arena *a, struct node *query)
{
	const struct config_texts *list = &srv->config->contacts.outage;
	struct form f;

	if (!list->n)
		return;
	form_begin(&f, a, query, "result", NS_OUTAGE);
	add_contacts(&f, "external-status-addresses", list, STR_NONE);
	if (form_end(&f) < 0 && f.x)
		node_remove(f.x);
}

static void server_forms(struct server *srv, struct arena *a, struct node *query)
{
	outage_form(srv, a, query);
	contact_form(srv, a, query);
	policy_form(srv, a, query);
}

/* --- the node of XEP-0485 ------------------------------------------------------------------------------------------ */

static int on_items(struct iq *iq)
{
	const struct node *wanted = node_child(iq->payload, NS_PUBSUB, "items");
	struct node *reply, *n;

	if (!wanted)
		return ERR_UNSUPPORTED;
	if (!str_is(node_attr(wanted, "node"), INFO_NODE))
		return ERR_NOT_FOUND;
	reply = node_new(iq->arena, NS_PUBSUB, "pubsub");
	n = reply ? node_add(iq->arena, reply, NS_PUBSUB, "items") : NULL;
	if (!n || node_set_attr(iq->arena, n, "node", STR(INFO_NODE)) < 0)
		return ERR_LIMIT;
	n = node_add(iq->arena, n, NS_PUBSUB, "item");
	if (!n || node_set_attr(iq->arena, n, "id", STR("current")) < 0)
		return ERR_LIMIT;
	n = node_add(iq->arena, n, NS_SERVERINFO_DATA, "serverinfo");
	n = n ? node_add(iq->arena, n, NS_SERVERINFO_DATA, "domain") : NULL;
	if (!n || node_set_attr(iq->arena, n, "name", iq->server->domain) < 0)
		return ERR_LIMIT;
	return iq_reply(iq, reply);
}

static int on_info(struct iq *iq)
{
	struct node *query, *id;

	if (!str_is(node_attr(iq->payload, "node"), INFO_NODE))
		return IQ_PASS;
	query = node_new(iq->arena, NS_DISCO_INFO, "query");
	id = query ? node_add(iq->arena, query, NS_DISCO_INFO, "identity") : NULL;
	if (!id || node_set_attr(iq->arena, query, "node", STR(INFO_NODE)) < 0 || node_set_attr(iq->arena, id, "category", STR("pubsub")) < 0 ||
	    node_set_attr(iq->arena, id, "type", STR("leaf")) < 0)
		return ERR_LIMIT;
	return iq_reply(iq, query);
}

static const struct iq_hook iqs[] = {
	{ IQ_GET, NS_DISCO_INFO, "query", TO_SERVER, on_info },
	{ IQ_GET, NS_PUBSUB, "pubsub", TO_SERVER, on_items },
	{ 0 }
};

static const struct mod_hooks hooks = { .server_forms = server_forms };

const struct mod_def mod_server_info = {
	.name = "server_info",
	.xep = 157,
	.xep_version = "1.1.1",
	.disco_server = (const char *const[]){ NS_SERVERINFO_DATA, NULL },
	.iq = iqs,
	.hooks = &hooks,
};
