/* vcard.c - XEP-0054: one's own card, and those of others. */
#include "base/limits.h"
#include "base/buf.h"
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

static int write_work(struct vault *v, struct iq *iq)
{
	struct str *xml = iq->data;

	return vault_item_put(v, iq->user->bare, ITEM_VCARD, STR_NONE, *xml);
}

static int write_done(struct iq *iq, int err)
{
	return err < 0 ? err : iq_reply(iq, NULL);
}

static int on_vcard(struct iq *iq)
{
	struct str *xml = arena_alloc(iq->arena, sizeof(*xml));
	struct buf b;
	int r;

	if (!xml)
		return ERR_LIMIT;
	iq->data = xml;
	if (iq->type == IQ_GET)
		return iq_store(iq, read_work, read_done);
	if (iq->target != TO_SELF)
		return ERR_FORBIDDEN;
	buf_init(&b, LIMIT_VCARD_BYTES);
	r = wire_write(&b, iq->payload, STR(NS_CLIENT));
	if (r == 0) {
		*xml = arena_str(iq->arena, buf_str(&b));
		r = xml->p ? iq_store(iq, write_work, write_done) : ERR_LIMIT;
	}
	buf_release(&b);
	return r;
}

static const struct iq_hook iqs[] = {
	{ IQ_GET | IQ_SET, NS_VCARD, "vCard", TO_SELF | TO_ACCOUNT, on_vcard },
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
