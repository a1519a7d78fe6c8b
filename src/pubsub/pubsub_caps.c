/* pubsub_caps.c - see pubsub_caps.h. */
#include "pubsub/pubsub_caps.h"

#include <openssl/evp.h>
#include <stdlib.h>

#include "base/b64.h"
#include "base/buf.h"
#include "base/check.h"
#include "base/log.h"
#include "core/state.h"
#include "vault/vault_pack.h"
#include "xmpp/ns.h"

#define NOTIFY "+notify"
#define PIECES 1024			/* identities, features or forms of one answer */
#define TEXT_BYTES (64 * 1024)

/* --- the cache ------------------------------------------------------------------------------------------------------ */

/* The names are behind the struct, one after the other. */
static struct pubsub_caps *caps_alloc(size_t n, size_t bytes, char **ret)
{
	struct pubsub_caps *c = calloc(1, sizeof(*c) + n * sizeof(struct str) + bytes + 1);

	if (!c)
		return NULL;
	c->refs = 1;
	*ret = (char *)&c->wants[n];
	return c;
}

static void caps_add(struct pubsub_caps *c, char **at, struct str name)
{
	memcpy(*at, name.p, name.n);
	c->wants[c->n++] = str_make(*at, name.n);
	*at += name.n;
}

static struct pubsub_caps *caps_decode(struct str bytes)
{
	struct vault_unpack u = { .rest = bytes };
	uint32_t n = vault_unpack_u32(&u);
	struct pubsub_caps *c;
	char *at;

	if (u.bad || n > CAPS_WANTS)
		return NULL;
	c = caps_alloc(n, bytes.n, &at);
	for (uint32_t i = 0; c && i < n; i++)
		caps_add(c, &at, vault_unpack_str(&u));
	if (c && vault_unpack_end(&u) < 0)
		pubsub_caps_unref(&c);
	return c;
}

static int load(struct server *srv)
{
	struct arena *a = arena_new(64u << 20);
	struct vault_item *items;
	size_t n = 0;
	int r = a ? vault_item_list(srv->vault, srv->domain, ITEM_CAPS, a, &items, &n) : ERR_NOMEM;

	for (size_t i = 0; r == 0 && i < n; i++) {
		struct pubsub_caps *c = caps_decode(items[i].value);

		/* It belongs to the map from now on; what cannot be read is asked for again. */
		if (c && (map_get(srv->caps, items[i].key) || map_put(srv->caps, items[i].key, c) < 0))
			pubsub_caps_unref(&c);
	}
	arena_free(&a);
	return r;
}

int pubsub_caps_start(struct server *srv)
{
	srv->caps = map_new(CAPS_CACHED);
	return srv->caps ? load(srv) : ERR_NOMEM;
}

void pubsub_caps_stop(struct server *srv)
{
	struct map_iter it = { 0 };
	void *v;

	while (srv->caps && map_next(srv->caps, &it, NULL, &v)) {
		struct pubsub_caps *c = v;

		pubsub_caps_unref(&c);
	}
	map_free(&srv->caps);
}

struct pubsub_caps *pubsub_caps_find(struct server *srv, struct str key)
{
	return key.n ? map_get(srv->caps, key) : NULL;
}

struct keep {
	struct str domain;		/* the server's own */
	struct buf bytes;		/* the value, then the key */
	size_t key_at;
};

static int keep_work(struct vault *v, void *ctx)
{
	struct keep *k = ctx;
	struct str all = buf_str(&k->bytes);
	int r = vault_item_put(v, k->domain, ITEM_CAPS, str_cut(all, k->key_at), str_make(all.p, k->key_at));

	return r == ERR_LIMIT ? 0 : r;		/* enough are kept */
}

static void keep_done(void *ctx, int err)
{
	struct keep *k = ctx;

	if (err < 0)
		log_event(LOG_WARN, "caps.not_kept", LOG_Z("why", err_text(err)));
	buf_release(&k->bytes);
	free(k);
}

static void keep(struct server *srv, struct str key, const struct pubsub_caps *c)
{
	struct keep *k = calloc(1, sizeof(*k));

	if (!k)
		return;
	k->domain = srv->domain;
	buf_init(&k->bytes, TEXT_BYTES);
	vault_pack_u32(&k->bytes, (uint32_t)c->n);
	for (size_t i = 0; i < c->n; i++)
		vault_pack_str(&k->bytes, c->wants[i]);
	k->key_at = k->bytes.n;
	buf_str_add(&k->bytes, key);
	if (k->bytes.failed || server_store(srv, k, keep_work, keep_done) < 0)
		keep_done(k, 0);
}

void pubsub_caps_remember(struct server *srv, struct str key, struct pubsub_caps *c)
{
	if (map_get(srv->caps, key) || map_put(srv->caps, key, c) < 0)
		return;
	pubsub_caps_ref(c);
	keep(srv, key, c);
}

struct pubsub_caps *pubsub_caps_ref(struct pubsub_caps *c)
{
	c->refs++;
	return c;
}

void pubsub_caps_unref(struct pubsub_caps **ref)
{
	struct pubsub_caps *c = *ref;

	*ref = NULL;
	if (c && --c->refs == 0)
		free(c);
}

bool pubsub_caps_wants(const struct pubsub_caps *c, struct str node)
{
	for (size_t i = 0; c && i < c->n; i++)
		if (str_eq(c->wants[i], node))
			return true;
	return false;
}

/* --- reading ---------------------------------------------------------------------------------------------------------- */

static const EVP_MD *digest_of(struct str hash)
{
	if (str_is(hash, "sha-1"))
		return EVP_sha1();
	if (str_is(hash, "sha-256"))
		return EVP_sha256();
	return str_is(hash, "sha-512") ? EVP_sha512() : NULL;
}

struct str pubsub_caps_key(struct arena *a, const struct node *presence, bool *ret_verifiable)
{
	const struct node *c = node_child(presence, NS_CAPS, "c");
	struct str hash = c ? node_attr(c, "hash") : STR_NONE, ver = c ? node_attr(c, "ver") : STR_NONE;
	struct str key;

	*ret_verifiable = digest_of(hash) != NULL;
	if (!c || hash.n > CAPS_NAME || ver.n > CAPS_NAME || node_attr(c, "node").n > CAPS_NAME)
		return STR_NONE;
	if (!*ret_verifiable)		/* before 1.4: the name of a program */
		key = arena_printf(a, "- %.*s#%.*s", STR_FMT(node_attr(c, "node")), STR_FMT(ver));
	else
		key = arena_printf(a, "%.*s %.*s", STR_FMT(hash), STR_FMT(ver));
	return key.p ? key : STR_NONE;
}

static struct str wanted(const struct node *feature)
{
	struct str var = node_attr(feature, "var");

	if (!node_is(feature, NS_DISCO_INFO, "feature") || !str_ends(var, STR(NOTIFY)) || var.n > CAPS_NAME)
		return STR_NONE;
	return str_make(var.p, var.n - (sizeof(NOTIFY) - 1));
}

struct pubsub_caps *pubsub_caps_new(const struct node *query)
{
	size_t n = 0, bytes = 0;
	struct pubsub_caps *c;
	char *p;

	for (const struct node *f = node_first_element(query); f; f = node_next_element(f)) {
		struct str w = wanted(f);

		n += w.n > 0 && n < CAPS_WANTS;
		bytes += w.n;
	}
	c = caps_alloc(n, bytes, &p);
	for (const struct node *f = node_first_element(query); c && f && c->n < n; f = node_next_element(f)) {
		struct str w = wanted(f);

		if (w.n)
			caps_add(c, &p, w);
	}
	return c;
}

/* --- the hash (XEP-0115 5.1) --------------------------------------------------------------------------------------------- */

struct pieces { struct str v[PIECES]; size_t n; };

static int compare(const void *x, const void *y)
{
	return str_cmp(*(const struct str *)x, *(const struct str *)y);
}

/* Sorted, each with its '<'. False: the same twice. */
static bool put_sorted(struct pieces *p, struct buf *b)
{
	qsort(p->v, p->n, sizeof(p->v[0]), compare);
	for (size_t i = 0; i < p->n; i++) {
		if (i && str_eq(p->v[i], p->v[i - 1]))
			return false;
		buf_str_add(b, p->v[i]);
		buf_char(b, '<');
	}
	return true;
}

/* A '<' inside would make two different answers one text. */
static bool add_piece(struct pieces *p, struct str s)
{
	if (!s.p || p->n >= PIECES || str_find_char(s, '<') >= 0)
		return false;
	p->v[p->n++] = s;
	return true;
}

static bool put_identities(struct arena *a, const struct node *query, struct pieces *p, struct buf *b)
{
	p->n = 0;
	for (const struct node *i = node_child(query, NS_DISCO_INFO, "identity"); i; i = node_child_next(i, NS_DISCO_INFO, "identity")) {
		struct str s = arena_printf(a, "%.*s/%.*s/%.*s/%.*s", STR_FMT(node_attr(i, "category")), STR_FMT(node_attr(i, "type")),
					    STR_FMT(node_attr(i, "xml:lang")), STR_FMT(node_attr(i, "name")));

		if (!add_piece(p, s))
			return false;
	}
	return put_sorted(p, b);
}

static bool put_features(const struct node *query, struct pieces *p, struct buf *b)
{
	p->n = 0;
	for (const struct node *f = node_child(query, NS_DISCO_INFO, "feature"); f; f = node_child_next(f, NS_DISCO_INFO, "feature"))
		if (!add_piece(p, node_attr(f, "var")))
			return false;
	return put_sorted(p, b);
}

/* var< and its sorted values. */
static struct str field_text(struct arena *a, const struct node *field)
{
	struct pieces *values = arena_alloc(a, sizeof(*values));
	struct str out = { 0 };
	struct buf b;

	if (!values)
		return out;
	buf_init(&b, TEXT_BYTES);
	for (const struct node *v = node_child(field, NS_XDATA, "value"); v; v = node_child_next(v, NS_XDATA, "value"))
		if (!add_piece(values, node_text(a, v)))
			goto out;
	qsort(values->v, values->n, sizeof(values->v[0]), compare);
	buf_str_add(&b, node_attr(field, "var"));
	for (size_t i = 0; i < values->n; i++) {
		buf_char(&b, '<');
		buf_str_add(&b, values->v[i]);
	}
	if (!b.failed)
		out = arena_str(a, buf_str(&b));
out:
	buf_release(&b);
	return out;
}

/* FORM_TYPE's value< and the sorted fields. An empty text: a form without one is left out (5.4). */
static bool form_text(struct arena *a, const struct node *x, struct str *ret)
{
	struct pieces *fields = arena_alloc(a, sizeof(*fields));
	struct str type = STR_NONE;
	struct buf b;
	bool ok = fields != NULL;

	for (const struct node *f = node_child(x, NS_XDATA, "field"); ok && f; f = node_child_next(f, NS_XDATA, "field")) {
		const struct node *v = node_child(f, NS_XDATA, "value");

		if (str_is(node_attr(f, "var"), "FORM_TYPE")) {
			ok = v && type.n == 0 && !node_child_next(v, NS_XDATA, "value");
			type = ok ? node_text(a, v) : type;
		} else if (fields->n < PIECES) {
			fields->v[fields->n] = field_text(a, f);
			ok = fields->v[fields->n++].p != NULL;
		}
	}
	*ret = STR_NONE;
	if (!ok || type.n == 0)
		return ok;
	buf_init(&b, TEXT_BYTES);
	buf_str_add(&b, type);
	qsort(fields->v, fields->n, sizeof(fields->v[0]), compare);
	for (size_t i = 0; i < fields->n; i++) {
		buf_char(&b, '<');
		buf_str_add(&b, fields->v[i]);
	}
	*ret = arena_str(a, buf_str(&b));
	ok = !b.failed && ret->p;
	buf_release(&b);
	return ok;
}

static bool put_forms(struct arena *a, const struct node *query, struct pieces *p, struct buf *b)
{
	p->n = 0;
	for (const struct node *x = node_child(query, NS_XDATA, "x"); x; x = node_child_next(x, NS_XDATA, "x")) {
		struct str s;

		if (!form_text(a, x, &s) || p->n >= PIECES)
			return false;
		if (s.n)
			p->v[p->n++] = s;
	}
	return put_sorted(p, b);
}

bool pubsub_caps_verified(struct arena *a, struct str key, const struct node *query)
{
	ptrdiff_t space = str_find_char(key, ' ');
	const EVP_MD *md = space > 0 ? digest_of(str_make(key.p, (size_t)space)) : NULL;
	struct pieces *p = arena_alloc(a, sizeof(*p));
	uint8_t digest[EVP_MAX_MD_SIZE];
	char text[B64_LEN(EVP_MAX_MD_SIZE) + 1];
	unsigned len = 0;
	struct buf b;
	bool ok;

	if (!md || !p)
		return false;
	buf_init(&b, TEXT_BYTES);
	ok = put_identities(a, query, p, &b) && put_features(query, p, &b) && put_forms(a, query, p, &b) && !b.failed &&
	     EVP_Digest(buf_str(&b).p, b.n, digest, &len, md, NULL) == 1;
	buf_release(&b);
	if (!ok)
		return false;
	b64_encode(digest, len, text);
	return str_is(str_cut(key, (size_t)space + 1), text);
}
