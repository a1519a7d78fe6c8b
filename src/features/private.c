/* private.c - XEP-0049: small XML that clients keep on the server, by namespace. */
#include "base/buf.h"
#include "base/limits.h"
#include "core/mod.h"
#include "vault/vault.h"
#include "xmpp/wire.h"

struct stored {
	struct str key, xml;
	const struct node *element;
};

static int read_work(struct vault *v, struct iq *iq)
{
	struct stored *s = iq->data;

	return vault_item_get(v, iq->user->bare, ITEM_PRIVATE, s->key, iq->arena, &s->xml);
}

static int reply(struct iq *iq, struct node *inner)
{
	struct node *q = node_new(iq->arena, NS_PRIVATE, "query");

	if (!q || !inner)
		return ERR_LIMIT;
	node_append(q, inner);
	return iq_reply(iq, q);
}

static int read_done(struct iq *iq, int err)
{
	struct stored *s = iq->data;
	struct node *n;

	if (err == ERR_NOT_FOUND) {
		n = node_dup(iq->arena, s->element);
		return reply(iq, n);
	}
	if (err == 0)
		err = wire_parse(iq->arena, s->xml, &n);
	return err < 0 ? err : reply(iq, n);
}

static int write_work(struct vault *v, struct iq *iq)
{
	struct stored *s = iq->data;

	return vault_item_put(v, iq->user->bare, ITEM_PRIVATE, s->key, s->xml);
}

static int write_done(struct iq *iq, int err)
{
	return err < 0 ? err : iq_reply(iq, NULL);
}

static int on_private(struct iq *iq)
{
	struct stored *s = arena_alloc(iq->arena, sizeof(*s));
	const struct node *e = node_first_element(iq->payload);
	struct buf b;
	int r;

	if (!e || node_next_element(e) || e->ns.n == 0)
		return ERR_BAD_REQUEST;
	if (!s)
		return ERR_LIMIT;
	s->element = e;
	s->key = arena_printf(iq->arena, "%.*s %.*s", STR_FMT(e->ns), STR_FMT(e->name));
	iq->data = s;
	if (!s->key.p || s->key.n > 512)
		return ERR_LIMIT;
	if (iq->type == IQ_GET)
		return iq_store(iq, read_work, read_done);
	buf_init(&b, LIMIT_VCARD_BYTES);
	r = wire_write(&b, e, STR(NS_CLIENT));
	if (r == 0) {
		s->xml = arena_str(iq->arena, buf_str(&b));
		r = s->xml.p ? iq_store(iq, write_work, write_done) : ERR_LIMIT;
	}
	buf_release(&b);
	return r;
}

static const struct iq_hook iqs[] = {
	{ IQ_GET | IQ_SET, NS_PRIVATE, "query", TO_SELF, on_private },
	{ 0 }
};

const struct mod_def mod_private = {
	.name = "private",
	.xep = 49,
	.xep_version = "1.2",
	.disco_server = (const char *const[]){ NS_PRIVATE, NULL },	/* poezio asks the domain */
	.disco_account = (const char *const[]){ NS_PRIVATE, NULL },
	.iq = iqs,
};
