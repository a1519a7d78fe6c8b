/* avatar.c - XEP-0398: one picture, whether a client keeps it in nodes (XEP-0084) or in the vCard (XEP-0153, 0054).
 *
 * What is published at the metadata node goes into the vCard when the data node is open to everybody, as vCards are; a vCard's
 * photo is published at both nodes. The hash of the vCard's photo is kept beside it and put into every presence.
 * Bytes of a picture are counted and hashed here, never looked into.
 */
#include <openssl/evp.h>

#include "base/b64.h"
#include "base/buf.h"
#include "base/limits.h"
#include "core/mod.h"
#include "pubsub/pubsub_call.h"
#include "vault/vault_pubsub.h"
#include "xmpp/jid.h"
#include "xmpp/wire.h"

struct picture {
	struct str hash, type, base64;	/* base64 without white space */
	size_t bytes;
};

/* --- pictures --------------------------------------------------------------------------------------------------------- */

static struct str without_spaces(struct arena *a, struct str s)
{
	char *p = arena_alloc(a, s.n + 1);
	size_t n = 0;

	for (size_t i = 0; p && i < s.n; i++)
		if (s.p[i] != ' ' && s.p[i] != '\n' && s.p[i] != '\r' && s.p[i] != '\t')
			p[n++] = s.p[i];
	return p ? str_make(p, n) : (struct str){ 0 };
}

/* ERR_NOT_FOUND: no picture. */
static int read_base64(struct arena *a, struct str text, struct picture *ret)
{
	uint8_t digest[EVP_MAX_MD_SIZE], *bytes = arena_alloc(a, LIMIT_VCARD_BYTES);
	char hex[2 * EVP_MAX_MD_SIZE + 1];
	unsigned len = 0;

	ret->base64 = without_spaces(a, text);
	if (!bytes || !ret->base64.p)
		return ERR_LIMIT;
	if (ret->base64.n == 0 || b64_decode(ret->base64, bytes, LIMIT_VCARD_BYTES, &ret->bytes) < 0 || ret->bytes == 0)
		return ERR_NOT_FOUND;
	if (EVP_Digest(bytes, ret->bytes, digest, &len, EVP_sha1(), NULL) != 1)
		return ERR_INTERNAL;
	b64_hex(digest, len, hex);
	ret->hash = arena_str(a, str_make(hex, 2 * len));
	return ret->hash.p ? 0 : ERR_LIMIT;
}

static int of_vcard(struct arena *a, const struct node *vcard, struct picture *ret)
{
	const struct node *photo = node_child(vcard, NS_VCARD, "PHOTO");
	const struct node *bin = photo ? node_child(photo, NS_VCARD, "BINVAL") : NULL;
	const struct node *type = photo ? node_child(photo, NS_VCARD, "TYPE") : NULL;

	if (!bin)
		return ERR_NOT_FOUND;
	ret->type = type ? str_trim(node_text(a, type)) : STR_NONE;
	if (ret->type.n == 0 || ret->type.n > 64)
		ret->type = STR("image/png");
	return read_base64(a, node_text(a, bin), ret);
}

/* The one that is stored here, not at some address of the web. */
static const struct node *own_info(const struct node *metadata)
{
	for (const struct node *i = node_child(metadata, NS_AVATAR_METADATA, "info"); i;
	     i = node_child_next(i, NS_AVATAR_METADATA, "info"))
		if (!node_has_attr(i, "url") && node_attr(i, "id").n)
			return i;
	return NULL;
}

/* --- the vCard ---------------------------------------------------------------------------------------------------------- */

static int put_vcard(struct vault *v, struct pubsub_call *c, const struct node *vcard)
{
	struct buf b;
	int r;

	buf_init(&b, LIMIT_VCARD_BYTES);
	r = wire_write(&b, vcard, STR(NS_CLIENT));
	if (r == 0)
		r = vault_item_put(v, c->owner, ITEM_VCARD, STR_NONE, buf_str(&b));
	buf_release(&b);
	return r;
}

static int put_hash(struct vault *v, struct pubsub_call *c, struct str hash)
{
	c->photo_changed = true;
	memset(c->photo, 0, sizeof(c->photo));
	if (hash.n == 0)
		return vault_item_remove(v, c->owner, ITEM_PHOTO, STR_NONE);
	memcpy(c->photo, hash.p, hash.n < sizeof(c->photo) - 1 ? hash.n : sizeof(c->photo) - 1);
	return vault_item_put(v, c->owner, ITEM_PHOTO, STR_NONE, hash);
}

static int get_vcard(struct vault *v, struct pubsub_call *c, struct node **ret)
{
	struct str xml;
	int r = vault_item_get(v, c->owner, ITEM_VCARD, STR_NONE, c->arena, &xml);

	if (r == ERR_NOT_FOUND) {
		*ret = node_new(c->arena, NS_VCARD, "vCard");
		return *ret ? 0 : ERR_LIMIT;
	}
	return r < 0 ? r : wire_parse(c->arena, xml, ret);
}

/* p NULL: no photo from now on. */
static int set_photo(struct vault *v, struct pubsub_call *c, const struct picture *p)
{
	struct node *vcard, *photo, *old;
	int r = get_vcard(v, c, &vcard);

	if (r < 0)
		return r;
	while ((old = node_child(vcard, NS_VCARD, "PHOTO")) != NULL)
		node_remove(old);
	if (p) {
		photo = node_add(c->arena, vcard, NS_VCARD, "PHOTO");
		if (!photo || !node_add_leaf(c->arena, photo, NS_VCARD, "TYPE", p->type) ||
		    !node_add_leaf(c->arena, photo, NS_VCARD, "BINVAL", p->base64))
			return ERR_LIMIT;
	}
	r = put_vcard(v, c, vcard);
	if (r == ERR_LIMIT)
		return 0;		/* larger than a vCard may be: it stays in the nodes alone */
	return r < 0 ? r : put_hash(v, c, p ? p->hash : STR_NONE);
}

/* --- from the nodes to the vCard ------------------------------------------------------------------------------------------ */

/* What metadata names, when the data node is open and holds just that. ERR_NOT_FOUND. */
static int published(struct vault *v, struct pubsub_call *c, const struct node *info, struct picture *ret)
{
	struct pubsub_node *n;
	struct vault_pub item;
	struct node *data;
	struct str id = node_attr(info, "id"), type = node_attr(info, "type");
	int r = pubsub_call_load(v, c, STR(NS_AVATAR_DATA), &n);

	if (r == 0 && n->config.n[PUBSUB_ACCESS] != ACCESS_OPEN)
		return ERR_NOT_FOUND;
	if (r == 0)
		r = vault_pubsub_get(v, c->owner, n->name, id, c->arena, &item);
	if (r == 0)
		r = wire_parse(c->arena, item.payload, &data);
	if (r < 0)
		return r;
	if (!node_is(data, NS_AVATAR_DATA, "data"))
		return ERR_NOT_FOUND;
	ret->type = type.n && type.n <= 64 ? type : STR("image/png");
	r = read_base64(c->arena, node_text(c->arena, data), ret);
	return r == 0 && !str_eq_nocase(ret->hash, id) ? ERR_NOT_FOUND : r;
}

static int set_work(struct vault *v, struct pubsub_call *c);

static int pubsub_changed(struct vault *v, struct pubsub_call *c, const struct pubsub_change *ch)
{
	const struct node *info;
	struct picture p;
	int r;

	if (c->viewer.service || c->work == set_work || !str_is(ch->node->name, NS_AVATAR_METADATA))
		return 0;
	if (ch->kind == CHANGE_RETRACT || ch->kind == CHANGE_PURGE || ch->kind == CHANGE_DELETE)
		return set_photo(v, c, NULL);
	if (ch->kind != CHANGE_ITEM || !ch->payload || !node_is(ch->payload, NS_AVATAR_METADATA, "metadata"))
		return 0;
	if (!node_child(ch->payload, NS_AVATAR_METADATA, "info"))
		return set_photo(v, c, NULL);
	info = own_info(ch->payload);
	r = info ? published(v, c, info, &p) : ERR_NOT_FOUND;
	return r < 0 ? (r == ERR_NOT_FOUND ? 0 : r) : set_photo(v, c, &p);
}

/* --- from the vCard to the nodes ---------------------------------------------------------------------------------------------- */

/* As open as the vCard is, when it is not there yet. */
static int open_node(struct vault *v, struct pubsub_call *c, struct str name, struct pubsub_node **ret)
{
	int r = pubsub_call_load(v, c, name, ret);

	if (r != ERR_NOT_FOUND)
		return r;
	r = pubsub_call_create(v, c, name, ret);
	if (r < 0)
		return r;
	(*ret)->config.n[PUBSUB_ACCESS] = ACCESS_OPEN;
	return pubsub_call_save(v, c, *ret);
}

static int publish(struct vault *v, struct pubsub_call *c, const struct picture *p)
{
	struct node *data = node_new(c->arena, NS_AVATAR_DATA, "data"), *meta = node_new(c->arena, NS_AVATAR_METADATA, "metadata"), *info;
	struct str bytes = arena_printf(c->arena, "%zu", p->bytes);
	struct pubsub_node *n;
	int r;

	info = meta ? node_add(c->arena, meta, NS_AVATAR_METADATA, "info") : NULL;
	if (!data || !info || !bytes.p || node_add_text(c->arena, data, p->base64) < 0 || node_set_attr(c->arena, info, "id", p->hash) < 0 ||
	    node_set_attr(c->arena, info, "type", p->type) < 0 || node_set_attr(c->arena, info, "bytes", bytes) < 0)
		return ERR_LIMIT;
	r = open_node(v, c, STR(NS_AVATAR_DATA), &n);
	if (r == 0)
		r = pubsub_call_publish(v, c, n, p->hash, data);
	if (r == 0)
		r = open_node(v, c, STR(NS_AVATAR_METADATA), &n);
	return r < 0 ? r : pubsub_call_publish(v, c, n, p->hash, meta);
}

/* The photo is gone from the vCard: the avatar is disabled (XEP-0084 4.2.5), if there was one. */
static int disable(struct vault *v, struct pubsub_call *c)
{
	struct node *meta = node_new(c->arena, NS_AVATAR_METADATA, "metadata");
	struct pubsub_node *n;
	int r = pubsub_call_load(v, c, STR(NS_AVATAR_METADATA), &n);

	if (r < 0 || !meta)
		return r == ERR_NOT_FOUND ? 0 : r < 0 ? r : ERR_LIMIT;
	return pubsub_call_publish(v, c, n, STR("none"), meta);
}

static int set_work(struct vault *v, struct pubsub_call *c)
{
	const struct node *vcard = c->iq->payload;
	struct picture p = { .hash = STR_NONE };
	struct str was = STR_NONE;
	int r = vault_item_get(v, c->owner, ITEM_PHOTO, STR_NONE, c->arena, &was), have;

	if (r < 0 && r != ERR_NOT_FOUND)
		return r;
	have = of_vcard(c->arena, vcard, &p);
	if (have < 0 && have != ERR_NOT_FOUND)
		return have;
	r = put_vcard(v, c, vcard);
	if (r < 0 || str_eq(was, have == 0 ? p.hash : STR_NONE))
		return r;
	r = put_hash(v, c, have == 0 ? p.hash : STR_NONE);
	if (r < 0)
		return r;
	return have == 0 ? publish(v, c, &p) : disable(v, c);
}

static int on_vcard(struct iq *iq)
{
	return pubsub_call_begin(iq, STR_NONE, set_work, NULL);
}

/* --- presence ----------------------------------------------------------------------------------------------------------------- */

static int add_photo(struct arena *a, struct node *presence, const char *hash)
{
	struct node *x = node_add(a, presence, NS_VCARD_UPDATE, "x");

	return x && node_add_leaf(a, x, NS_VCARD_UPDATE, "photo", str_of(hash)) ? 0 : ERR_LIMIT;
}

/* XEP-0398 3: unless the client says that it shows none. */
static int presence_stamp(struct trip *t, const struct user *u)
{
	struct node *x = node_child(t->stanza, NS_VCARD_UPDATE, "x"), *photo = x ? node_child(x, NS_VCARD_UPDATE, "photo") : NULL;
	struct session *s = session_find(t->server, t->session_id);
	bool none = photo && str_trim(node_text(t->arena, photo)).n == 0;

	if (s && t->to.full.n == 0)
		s->no_photo = none;
	if (none || (!x && !u->photo[0]))
		return 0;
	if (x)
		node_remove(x);
	return add_photo(t->arena, t->stanza, u->photo);
}

/* The picture is another, or gone: every device that shows one says so. */
static void say_again(struct session *s, const char *hash)
{
	struct arena *a = s->no_photo ? NULL : arena_new(LIMIT_STANZA_BYTES_MAX * 4);
	struct node *presence, *x;
	struct trip t = { .server = s->server, .arena = a, .kind = STANZA_PRESENCE, .origin = TRIP_SERVER, .session_id = s->id };

	/* As the session's own presence comes: what the features look at is filled in. */
	if (a && wire_parse(a, s->presence, &presence) == 0 && jid_parse(a, s->full, &t.from) == 0) {
		t.stanza = presence;
		t.to_self = true;
		t.from_user = s->user;
		x = node_child(presence, NS_VCARD_UPDATE, "x");
		if (x)
			node_remove(x);
		if (add_photo(a, presence, hash) == 0 && session_broadcast(s, &t) < 0)
			session_overrun(s);
	}
	arena_free(&a);
}

static void pubsub_done(struct pubsub_call *c)
{
	struct user *u = c->iq->user;

	if (!c->photo_changed || !u || strcmp(u->photo, c->photo) == 0)
		return;
	memcpy(u->photo, c->photo, sizeof(u->photo));
	LIST_EACH(it, &u->sessions) {
		struct session *s = LIST_ITEM(it, struct session, of_user);

		if (s->available && !s->ending && s->presence.n)
			say_again(s, u->photo);
	}
}

static const struct iq_hook iqs[] = {
	{ IQ_SET, NS_VCARD, "vCard", TO_SELF, on_vcard },
	{ 0 }
};

static const struct mod_hooks hooks = {
	.pubsub_changed = pubsub_changed,
	.pubsub_done = pubsub_done,
	.presence_stamp = presence_stamp,
};

const struct mod_def mod_avatar = {
	.name = "avatar",
	.xep = 398,
	.xep_version = "1.0.0",
	.disco_account = (const char *const[]){ "urn:xmpp:pep-vcard-conversion:0", NULL },
	.iq = iqs,
	.hooks = &hooks,
};
