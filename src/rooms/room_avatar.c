/* room_avatar.c - a room's picture (XEP-0486): a vCard that its owners set and everybody may read. The room keeps the
 * photo's hash, which stands in its disco#info; the card itself is in the store alone. */
#include "rooms/room.h"

#include <openssl/evp.h>

#include "base/b64.h"
#include "xmpp/wire.h"

struct card {
	struct str jid, local, xml, hash, had;	/* xml empty: there is none (any more); had: the hash before */
	struct room_save *save;
};

/* --- reading ------------------------------------------------------------------------------------------------- */

static int read_work(struct vault *v, struct iq *iq)
{
	struct card *c = iq->data;

	return vault_item_get(v, c->jid, ITEM_VCARD, STR_NONE, iq->arena, &c->xml);
}

static int read_done(struct iq *iq, int err)
{
	const struct card *c = iq->data;
	struct node *n;

	if (err == 0)
		err = wire_parse(iq->arena, c->xml, &n);
	return err < 0 ? err : iq_reply(iq, n);
}

/* --- setting --------------------------------------------------------------------------------------------------- */

static int write_work(struct vault *v, struct iq *iq)
{
	const struct card *c = iq->data;
	int r = c->xml.n ? vault_item_put(v, c->jid, ITEM_VCARD, STR_NONE, c->xml) : vault_item_remove(v, c->jid, ITEM_VCARD, STR_NONE);

	return r < 0 ? r : room_store_put(v, c->save);
}

/* XEP-0486 3.2: the configuration has changed. */
static void tell(struct iq *iq, struct room *r)
{
	struct node *m = node_new(iq->arena, NS_CLIENT, "message"), *x, *s;

	x = m ? node_add(iq->arena, m, NS_MUC_USER, "x") : NULL;
	s = x ? node_add(iq->arena, x, NS_MUC_USER, "status") : NULL;
	if (s && node_set_attr(iq->arena, s, "code", STR("104")) == 0)
		room_message_all(r, iq->arena, m);
}

static int write_done(struct iq *iq, int err)
{
	struct card *c = iq->data;
	struct room *r = room_find(rooms_of(iq->server), c->local);

	room_store_end(&c->save, err);
	if (err < 0 && r && str_eq(r->avatar_hash.p ? r->avatar_hash : STR_NONE, c->hash) && room_text_set(&r->avatar_hash, c->had) < 0)
		room_text_free(&r->avatar_hash);
	if (err == 0 && !r)
		err = ERR_NOT_FOUND;
	if (err < 0)
		return err;
	tell(iq, r);
	return iq_reply(iq, NULL);
}

/* The card and the hash that the room keeps of it are one transaction. */
static int store(struct iq *iq, struct room *r, struct card *c)
{
	int err;

	c->had = r->avatar_hash.p ? arena_str(iq->arena, r->avatar_hash) : STR_NONE;
	if (!c->had.p)
		return ERR_LIMIT;
	err = room_text_set(&r->avatar_hash, c->hash);
	if (err == 0)
		err = room_store_begin(r, false, &c->save);
	if (err == 0)
		err = iq_store(iq, write_work, write_done);
	if (err >= 0)
		return err;
	room_store_end(&c->save, 0);
	if (room_text_set(&r->avatar_hash, c->had) < 0)
		room_text_free(&r->avatar_hash);
	return err;
}

static struct str without_spaces(struct arena *a, struct str s)
{
	char *p = arena_alloc(a, s.n + 1);
	size_t n = 0;

	for (size_t i = 0; p && i < s.n; i++)
		if (s.p[i] != ' ' && s.p[i] != '\n' && s.p[i] != '\r' && s.p[i] != '\t')
			p[n++] = s.p[i];
	return p ? str_make(p, n) : (struct str){ 0 };
}

/* XEP-0153 4.2: of the decoded photo; empty when there is none. */
static int hash_of(struct arena *a, const struct node *vcard, struct str *ret)
{
	const struct node *photo = node_child(vcard, NS_VCARD, "PHOTO");
	const struct node *binval = photo ? node_child(photo, NS_VCARD, "BINVAL") : NULL;
	uint8_t digest[EVP_MAX_MD_SIZE], *bytes;
	char hex[2 * EVP_MAX_MD_SIZE + 1];
	struct str text;
	unsigned len = 0;
	size_t n;
	int r;

	*ret = STR_NONE;
	if (!binval)
		return 0;
	text = without_spaces(a, node_text(a, binval));
	bytes = arena_alloc(a, LIMIT_VCARD_BYTES);
	if (!text.p || !bytes)
		return ERR_LIMIT;
	r = b64_decode(text, bytes, LIMIT_VCARD_BYTES, &n);
	if (r < 0)
		return r == ERR_LIMIT ? ERR_NOT_ACCEPTABLE : ERR_BAD_REQUEST;
	if (n == 0)
		return 0;
	if (EVP_Digest(bytes, n, digest, &len, EVP_sha1(), NULL) != 1)
		return ERR_INTERNAL;
	b64_hex(digest, len, hex);
	*ret = arena_str(a, str_make(hex, 2 * len));
	return ret->p ? 0 : ERR_LIMIT;
}

static int read_card(struct iq *iq, struct card *c)
{
	struct buf b;
	int r = hash_of(iq->arena, iq->payload, &c->hash);

	if (r < 0 || !node_first_element(iq->payload))
		return r;		/* an empty card takes the picture away */
	buf_init(&b, LIMIT_VCARD_BYTES);
	r = room_write(&b, iq->payload) < 0 ? ERR_NOT_ACCEPTABLE : 0;
	if (r == 0)
		c->xml = arena_str(iq->arena, buf_str(&b));
	buf_release(&b);
	return r < 0 ? r : c->xml.p ? 0 : ERR_LIMIT;
}

int room_avatar_on(struct iq *iq)
{
	struct room *r = rooms_addressed(iq);
	struct card *c;
	int err;

	if (!r)
		return ERR_NOT_FOUND;
	if (iq->type == IQ_SET && room_affiliation_of(r, iq->trip->from.bare) != ROOM_OWNER)
		return ERR_FORBIDDEN;
	c = arena_alloc(iq->arena, sizeof(*c));
	if (!c)
		return ERR_LIMIT;
	*c = (struct card){ .jid = arena_str(iq->arena, r->jid), .local = arena_str(iq->arena, r->local), .xml = STR_NONE, .hash = STR_NONE };
	if (!c->jid.p || !c->local.p)
		return ERR_LIMIT;
	iq->data = c;
	if (iq->type == IQ_GET)
		return iq_store(iq, read_work, read_done);
	err = read_card(iq, c);
	return err < 0 ? err : store(iq, r, c);
}
