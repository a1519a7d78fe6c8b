/* time.c - XEP-0202: the server's clock, in UTC. */
#include "base/clock.h"
#include "core/mod.h"

static int on_time(struct iq *iq)
{
	struct node *t = node_new(iq->arena, NS_TIME, "time");
	char stamp[CLOCK_STAMP_BYTES];

	clock_stamp(clock_wall_ms(), stamp);
	if (!t || !node_add_leaf(iq->arena, t, NS_TIME, "tzo", STR("+00:00")) ||
	    !node_add_leaf(iq->arena, t, NS_TIME, "utc", str_of(stamp)))
		return ERR_LIMIT;
	return iq_reply(iq, t);
}

static const struct iq_hook iqs[] = {
	{ IQ_GET, NS_TIME, "time", TO_SERVER, on_time },
	{ 0 }
};

const struct mod_def mod_time = {
	.name = "time",
	.xep = 202,
	.xep_version = "2.0",
	.disco_server = (const char *const[]){ NS_TIME, NULL },
	.iq = iqs,
};
