/* pep.c - XEP-0163: every account a publish-subscribe service (XEP-0060). The work is in src/pubsub. */
#include "core/mod.h"
#include "pubsub/pubsub_call.h"
#include "pubsub/pubsub_disco.h"
#include "pubsub/pubsub_last.h"

static int on_pubsub(struct iq *iq)
{
	return pubsub_call_run(iq, STR_NONE);
}

static int on_info(struct iq *iq)
{
	return pubsub_disco_info(iq, STR_NONE);
}

static int on_items(struct iq *iq)
{
	return pubsub_disco_items(iq, STR_NONE);
}

static void disco_info(struct iq *iq, struct node *query)
{
	struct node *id;

	if (iq->target == TO_SERVER)
		return;
	id = node_new(iq->arena, NS_DISCO_INFO, "identity");
	if (!id || node_set_attr(iq->arena, id, "category", STR("pubsub")) < 0 ||
	    node_set_attr(iq->arena, id, "type", STR("pep")) < 0)
		return;
	node_append(query, id);
}

static const struct iq_hook iqs[] = {
	{ IQ_GET | IQ_SET, NS_PUBSUB, "pubsub", TO_SELF | TO_ACCOUNT, on_pubsub },
	{ IQ_GET | IQ_SET, NS_PUBSUB_OWNER, "pubsub", TO_SELF | TO_ACCOUNT, on_pubsub },
	{ IQ_GET, NS_DISCO_INFO, "query", TO_SELF | TO_ACCOUNT, on_info },
	{ IQ_GET, NS_DISCO_ITEMS, "query", TO_SELF | TO_ACCOUNT, on_items },
	{ 0 }
};

static const struct mod_hooks hooks = { .session_caps = pubsub_last_send, .disco_info = disco_info };

const struct mod_def mod_pep = {
	.name = "pep",
	.xep = 163,
	.xep_version = "1.2.2",
	.xep_note = "without the replyto address of 4.3.1",
	/* Poezio asks the domain whether accounts can publish. */
	.disco_server = (const char *const[]){ NS_PUBSUB "#publish", NULL },
	.disco_account = (const char *const[]){
		NS_PUBSUB "#access-open", NS_PUBSUB "#access-presence", NS_PUBSUB "#access-roster",
		NS_PUBSUB "#access-whitelist", NS_PUBSUB "#auto-create", NS_PUBSUB "#auto-subscribe",
		NS_PUBSUB "#config-node", NS_PUBSUB "#config-node-max", NS_PUBSUB "#create-and-configure",
		NS_PUBSUB "#create-nodes", NS_PUBSUB "#delete-items", NS_PUBSUB "#delete-nodes",
		NS_PUBSUB "#filtered-notifications", NS_PUBSUB "#instant-nodes", NS_PUBSUB "#item-ids",
		NS_PUBSUB "#last-published", NS_PUBSUB "#manage-subscriptions", NS_PUBSUB "#meta-data",
		NS_PUBSUB "#member-affiliation", NS_PUBSUB "#modify-affiliations", NS_PUBSUB "#multi-items",
		NS_PUBSUB "#outcast-affiliation", NS_PUBSUB "#persistent-items", NS_PUBSUB "#presence-notifications",
		NS_PUBSUB "#publish", NS_PUBSUB "#publish-options", NS_PUBSUB "#publisher-affiliation",
		NS_PUBSUB "#purge-nodes", NS_PUBSUB "#retract-items", NS_PUBSUB "#retrieve-affiliations",
		NS_PUBSUB "#retrieve-default", NS_PUBSUB "#retrieve-items", NS_PUBSUB "#retrieve-subscriptions",
		NS_PUBSUB "#rsm", NS_PUBSUB "#subscribe", NULL },
	.iq = iqs,
	.hooks = &hooks,
};
