/* legacy_session.c - RFC 3921 3: the session request that old clients still send; nothing to do. */
#include "core/mod.h"

static void stream_features(struct server *srv, struct arena *a, struct node *features)
{
	struct node *s = node_add(a, features, NS_SESSION, "session");

	(void)srv;
	if (s)
		node_add(a, s, NS_SESSION, "optional");
}

static int on_session(struct iq *iq)
{
	return iq_reply(iq, NULL);
}

static const struct iq_hook iqs[] = {
	{ IQ_SET, NS_SESSION, "session", TO_SERVER | TO_SELF, on_session },
	{ 0 }
};

static const struct mod_hooks hooks = { .stream_features = stream_features };

const struct mod_def mod_legacy_session = { .name = "legacy_session", .iq = iqs, .hooks = &hooks };
