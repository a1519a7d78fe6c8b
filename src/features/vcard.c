/* vcard.c - XEP-0054: reads one's own card and those of others; avatar.c sets the own one. */
#include "core/mod.h"
#include "vault/vault.h"
#include "xmpp/wire.h"

static int read_work(struct vault *v, struct iq *iq)
{
	struct str *xml = iq->data;

	return vault_item_get(v, iq->user->bare, ITEM_VCARD, STR_NONE, iq->arena, xml);
}

static int read_done(struct iq *iq, int err)
{
	struct str *xml = iq->data;
	struct node *card;

	/* No card and no account are answered alike; the own empty card is an empty one. */
	if (err == ERR_NOT_FOUND && iq->target == TO_SELF)
		return iq_reply(iq, node_new(iq->arena, NS_VCARD, "vCard"));
	if (err == ERR_NOT_FOUND)
		return ERR_UNAVAILABLE;
	if (err == 0)
		err = wire_parse(iq->arena, *xml, &card);
	return err < 0 ? err : iq_reply(iq, card);
}

static int on_vcard(struct iq *iq)
{
	iq->data = arena_alloc(iq->arena, sizeof(struct str));
	return iq->data ? iq_store(iq, read_work, read_done) : ERR_LIMIT;
}

/* The own one is set in avatar.c. Of others nobody learns here whether they are there. */
static int on_foreign(struct iq *iq)
{
	return roster_shows(&iq->user->roster, iq->trip->from.bare) ? ERR_FORBIDDEN : ERR_UNAVAILABLE;
}

static const struct iq_hook iqs[] = {
	{ IQ_GET, NS_VCARD, "vCard", TO_SELF | TO_ACCOUNT, on_vcard },
	{ IQ_SET, NS_VCARD, "vCard", TO_ACCOUNT, on_foreign },
	{ 0 }
};

const struct mod_def mod_vcard = {
	.name = "vcard",
	.xep = 54,
	.xep_version = "1.3.0",
	.disco_server = (const char *const[]){ NS_VCARD, NULL },
	.disco_account = (const char *const[]){ NS_VCARD, NULL },
	.iq = iqs,
};
