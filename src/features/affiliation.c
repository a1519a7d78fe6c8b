/* affiliation.c - XEP-0489: how an account belongs to this server: opened by everybody who wanted one, or given to him.
 *
 * Told to who may see the account's presence, here or elsewhere; for everybody else there is no such account. Who runs the server is
 * a member like others. Of accounts that people have opened themselves the day is told, too.
 */
#include <string.h>

#include "base/clock.h"
#include "base/secret.h"
#include "core/mod.h"
#include "core/state.h"

#define DAY_MS (24ull * 3600 * 1000)

struct answer {
	bool registered;
	uint64_t created_ms;
};

static int work(struct vault *v, struct iq *iq)
{
	struct answer *an = iq->data;
	struct vault_account acc;
	struct str mark;
	int r = vault_account_get(v, iq->user->bare, iq->arena, &acc);

	if (r < 0)
		return r;
	secret_wipe((void *)(uintptr_t)acc.credentials.p, acc.credentials.n);
	an->created_ms = acc.created_ms;
	r = vault_item_get(v, iq->user->bare, ITEM_NOTICE, STR("self-registered"), iq->arena, &mark);
	an->registered = r == 0;
	return r == ERR_NOT_FOUND ? 0 : r;
}

static int done(struct iq *iq, int err)
{
	const struct answer *an = iq->data;
	struct node *info = node_new(iq->arena, NS_RAA, "info");
	char stamp[CLOCK_STAMP_BYTES];

	if (err < 0 || !info)
		return err == ERR_NOT_FOUND ? ERR_UNAVAILABLE : err < 0 ? err : ERR_LIMIT;
	if (node_set_attr(iq->arena, info, "affiliation", an->registered ? STR("registered") : STR("member")) < 0)
		return ERR_LIMIT;
	clock_stamp(an->created_ms / DAY_MS * DAY_MS, stamp);		/* 8.1: the hour would tell where he lives */
	if (an->registered && node_set_attr(iq->arena, info, "since", str_of(stamp)) < 0)
		return ERR_LIMIT;
	return iq_reply(iq, info);
}

static int on_query(struct iq *iq)
{
	struct answer *an = arena_alloc(iq->arena, sizeof(*an));

	if (!an)
		return ERR_LIMIT;
	memset(an, 0, sizeof(*an));
	if (iq->target != TO_SELF && !roster_shows(&iq->user->roster, iq->trip->from.bare))
		return ERR_UNAVAILABLE;
	iq->data = an;
	return iq_store(iq, work, done);
}

static const struct iq_hook iqs[] = {
	{ IQ_GET, NS_RAA, "query", TO_SELF | TO_ACCOUNT, on_query },
	{ 0 }
};

const struct mod_def mod_affiliation = {
	.name = "affiliation",
	.xep = 489,
	.xep_version = "0.1.0",
	.xep_partial = true,
	.xep_note = "answered to who may see the presence; not embedded in stanzas",
	.disco_server = (const char *const[]){ NS_RAA, NULL },
	.iq = iqs,
};
