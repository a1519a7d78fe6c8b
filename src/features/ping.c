/* ping.c - XEP-0199: XMPP Ping. Answers pings sent to the server or an account. */
#include "core/mod.h"

static int on_ping(struct iq *iq)
{
	return iq_reply(iq, NULL);
}

static const struct iq_hook iqs[] = {
	{ IQ_GET, NS_PING, "ping", TO_SERVER | TO_SELF, on_ping },
	{ 0 }
};

const struct mod_def mod_ping = {
	.name = "ping",
	.xep = 199,
	.xep_version = "2.0.1",
	.disco_server = (const char *const[]){ NS_PING, NULL },
	.iq = iqs,
};
