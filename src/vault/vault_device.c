/* vault_device.c - see vault_device.h. One item a device, under the tag of its user-agent's id. */
#include "vault/vault_device.h"

#include "base/rand.h"
#include "vault/vault_row.h"

#define ROW_VERSION 1
#define LIST_BYTES (256 * 1024)		/* LIMIT_DEVICES of at most 600 bytes, several times over */

void vault_device_init(struct vault_device *d, struct str agent, uint64_t now_ms)
{
	*d = (struct vault_device){ .agent = agent, .software = STR_NONE, .name = STR_NONE, .first_ms = now_ms, .last_ms = now_ms };
	rand_text(d->id, VAULT_DEVICE_ID);
	rand_text(d->resource, VAULT_DEVICE_ID);
}

static void pack_token(struct buf *b, const struct vault_token *t)
{
	vault_pack_u32(b, t->mechanism);
	vault_pack_u64(b, t->issued_ms);
	vault_pack_u64(b, t->expires_ms);
	vault_pack_u64(b, t->count);
	buf_add(b, t->secret, VAULT_TOKEN);
}

static void unpack_token(struct vault_unpack *u, struct vault_token *ret)
{
	struct str secret;

	ret->mechanism = vault_unpack_u32(u);
	ret->issued_ms = vault_unpack_u64(u);
	ret->expires_ms = vault_unpack_u64(u);
	ret->count = vault_unpack_u64(u);
	secret = vault_unpack_bytes(u, VAULT_TOKEN);
	memcpy(ret->secret, secret.p, secret.n);
}

static void unpack_id(struct vault_unpack *u, char ret[VAULT_DEVICE_ID + 1])
{
	struct str s = vault_unpack_bytes(u, VAULT_DEVICE_ID);

	memcpy(ret, s.p, s.n);
	ret[VAULT_DEVICE_ID] = 0;
}

static int unpack(struct str agent, struct str packed, struct vault_device *ret)
{
	struct vault_unpack u = { .rest = packed };
	struct vault_device d = { .agent = agent };
	uint32_t version = vault_unpack_u32(&u);

	unpack_id(&u, d.id);
	unpack_id(&u, d.resource);
	d.software = vault_unpack_str(&u);
	d.name = vault_unpack_str(&u);
	d.first_ms = vault_unpack_u64(&u);
	d.last_ms = vault_unpack_u64(&u);
	d.password = vault_unpack_u32(&u) != 0;
	unpack_token(&u, &d.current);
	unpack_token(&u, &d.next);
	if (vault_unpack_end(&u) < 0 || version != ROW_VERSION)
		return ERR_CORRUPT;
	*ret = d;
	return 0;
}

int vault_device_get(struct vault *v, struct str owner, struct str agent, struct arena *a, struct vault_device *ret)
{
	struct str packed, own = arena_str(a, agent);
	int r = own.p ? vault_item_get(v, owner, ITEM_DEVICE, agent, a, &packed) : ERR_LIMIT;

	return r < 0 ? r : unpack(own, packed, ret);
}

int vault_device_list(struct vault *v, struct str owner, struct arena *a, struct vault_device **ret, size_t *ret_n)
{
	struct vault_item *items;
	struct vault_device *list;
	size_t n;
	int r = vault_item_list(v, owner, ITEM_DEVICE, a, &items, &n);

	list = r == 0 ? arena_alloc(a, (n + 1) * sizeof(*list)) : NULL;
	if (!list)
		return r < 0 ? r : ERR_LIMIT;
	for (size_t i = 0; i < n && r == 0; i++)
		r = unpack(items[i].key, items[i].value, &list[i]);
	if (r < 0)
		return r;
	*ret = list;
	*ret_n = n;
	return 0;
}

int vault_device_find(struct vault *v, struct str owner, struct str id, struct arena *a, struct vault_device *ret)
{
	struct vault_device *list;
	size_t n;
	int r = vault_device_list(v, owner, a, &list, &n);

	for (size_t i = 0; r == 0 && i < n; i++)
		if (str_is(id, list[i].id)) {
			*ret = list[i];
			return 0;
		}
	return r < 0 ? r : ERR_NOT_FOUND;
}

int vault_device_remove(struct vault *v, struct str owner, const struct vault_device *d)
{
	return vault_item_remove(v, owner, ITEM_DEVICE, d->agent);
}

int vault_device_forget(struct vault *v, struct str owner)
{
	return vault_item_clear(v, owner, ITEM_DEVICE);
}

/* Room for one more: the one that was not seen for longest goes. */
static int make_room(struct vault *v, struct str owner, struct arena *a)
{
	struct vault_device *list, *oldest = NULL;
	size_t n;
	int r = vault_device_list(v, owner, a, &list, &n);

	if (r < 0 || n < LIMIT_DEVICES)
		return r;
	for (size_t i = 0; i < n; i++)
		if (!oldest || list[i].last_ms < oldest->last_ms)
			oldest = &list[i];
	return vault_device_remove(v, owner, oldest);
}

static struct str cut(struct str text)
{
	size_t n = text.n > VAULT_DEVICE_TEXT ? VAULT_DEVICE_TEXT : text.n;

	while (n < text.n && n > 0 && ((uint8_t)text.p[n] & 0xc0) == 0x80)
		n--;				/* not within a character */
	return str_make(text.p, n);
}

int vault_device_put(struct vault *v, struct str owner, const struct vault_device *d)
{
	struct arena *a = arena_new(LIST_BYTES);
	struct vault_device known;
	struct buf b;
	int r = a ? vault_device_get(v, owner, d->agent, a, &known) : ERR_NOMEM;

	if (r == ERR_NOT_FOUND)
		r = make_room(v, owner, a);
	buf_init(&b, 4096);
	vault_pack_u32(&b, ROW_VERSION);
	buf_add(&b, d->id, VAULT_DEVICE_ID);
	buf_add(&b, d->resource, VAULT_DEVICE_ID);
	vault_pack_str(&b, cut(d->software));
	vault_pack_str(&b, cut(d->name));
	vault_pack_u64(&b, d->first_ms);
	vault_pack_u64(&b, d->last_ms);
	vault_pack_u32(&b, d->password);
	pack_token(&b, &d->current);
	pack_token(&b, &d->next);
	if (r == 0)
		r = b.failed ? ERR_NOMEM : vault_item_put(v, owner, ITEM_DEVICE, d->agent, buf_str(&b));
	buf_wipe(&b);
	secret_wipe(&known, sizeof(known));
	if (a) {
		arena_wipe_on_free(a);
		arena_free(&a);
	}
	return r;
}
