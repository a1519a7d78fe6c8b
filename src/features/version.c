/* version.c - XEP-0092: name and version of the server; not the system it runs on. */
#include "core/mod.h"
#include "base/version.h"

static int on_version(struct iq *iq)
{
	struct node *q = node_new(iq->arena, NS_VERSION, "query");

	if (!q || !node_add_leaf(iq->arena, q, NS_VERSION, "name", STR("Wardroom")) ||
	    !node_add_leaf(iq->arena, q, NS_VERSION, "version", STR(WARDROOM_VERSION)))
		return ERR_LIMIT;
	return iq_reply(iq, q);
}

static const struct iq_hook iqs[] = {
	{ IQ_GET, NS_VERSION, "query", TO_SERVER, on_version },
	{ 0 }
};

const struct mod_def mod_version = {
	.name = "version",
	.xep = 92,
	.xep_version = "1.1",
	.disco_server = (const char *const[]){ NS_VERSION, NULL },
	.iq = iqs,
};
