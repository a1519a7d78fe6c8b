/* vault_frank.c - see vault_frank.h. */
#include "vault/vault_frank.h"

#include <stdlib.h>

#include "base/b64.h"
#include "base/check.h"
#include "crypt/seal.h"
#include "vault/vault_pack.h"
#include "xmpp/jid.h"
#include "xmpp/ns.h"

#define MARK_BYTES 18			/* 144 bits: 24 characters */
#define SAID_BYTES (2 * 1024 * 1024)

_Static_assert(B64_LEN(MARK_BYTES) + 1 == VAULT_FRANK_TEXT, "the mark fits its text");

struct vault_frank {
	struct seal_lib *lib;
	struct seal_mac *mac;
};

int vault_frank_new(struct vault *v, struct vault_frank **ret)
{
	struct vault_frank *f = calloc(1, sizeof(*f));
	uint8_t key[SEAL_KEY];
	int r = f ? seal_lib_new(&f->lib) : ERR_NOMEM;

	if (r == 0) {
		vault_secret(v, "franking", key);
		r = seal_mac_new(f->lib, key, &f->mac);
		secret_wipe(key, sizeof(key));
	}
	if (r < 0) {
		vault_frank_free(&f);
		return r;
	}
	*ret = f;
	return 0;
}

void vault_frank_free(struct vault_frank **f)
{
	if (!*f)
		return;
	seal_mac_free(&(*f)->mac);
	seal_lib_free(&(*f)->lib);
	free(*f);
	*f = NULL;
}

static bool says(const struct node *n)
{
	return node_is(n, NS_CLIENT, "body") || node_is(n, NS_OMEMO, "encrypted") || node_is(n, NS_OMEMO_2, "encrypted");
}

static const char *omemo_of(const struct node *n)
{
	return str_is(n->ns, NS_OMEMO) ? NS_OMEMO : NS_OMEMO_2;
}

int vault_frank_said(struct arena *a, const struct node *message, struct str *ret)
{
	struct buf b;
	int r = 0;

	buf_init(&b, SAID_BYTES);
	for (const struct node *n = node_first_element(message); r == 0 && n; n = node_next_element(n)) {
		const struct node *payload = says(n) && str_is(n->name, "encrypted") ? node_child(n, omemo_of(n), "payload") : n;
		struct str text = payload && says(n) ? node_text(a, payload) : STR_NONE;

		if (!text.p)
			r = ERR_LIMIT;
		else if (says(n))
			vault_pack_str(&b, text);
	}
	if (r == 0 && b.failed)
		r = ERR_LIMIT;
	*ret = r == 0 ? arena_str(a, buf_str(&b)) : STR_NONE;
	buf_release(&b);
	return r < 0 ? r : ret->p ? 0 : ERR_LIMIT;
}

static void number(uint64_t v, char ret[8])
{
	for (unsigned i = 0; i < 8; i++)
		ret[i] = (char)(v >> (56 - 8 * i));
}

void vault_frank_text(struct vault_frank *f, const struct vault_franked *m, char ret[VAULT_FRANK_TEXT])
{
	char id[8], n_from[8], n_to[8];
	uint8_t mac[SEAL_MAC];
	struct str parts[] = { str_make(id, 8), str_make(n_from, 8), m->from, str_make(n_to, 8), m->to, m->said };

	number(m->id, id);
	number(m->from.n, n_from);
	number(m->to.n, n_to);
	seal_mac(f->mac, parts, ARRAY_SIZE(parts), mac);
	b64_encode(mac, MARK_BYTES, ret);
}

int vault_frank_add(struct vault_frank *f, struct arena *a, struct node *message, struct str from, struct str to, uint64_t id)
{
	struct vault_franked m = { .from = from, .to = to, .id = id };
	struct node *n = node_add(a, message, NS_FRANK, "frank");
	char text[VAULT_FRANK_TEXT], name[VAULT_ID_TEXT];
	int r = n ? vault_frank_said(a, message, &m.said) : ERR_LIMIT;

	if (r < 0)
		return r;
	vault_frank_text(f, &m, text);
	vault_id_text(id, name);
	r = node_set_attr(a, n, "id", str_of(name));
	return r < 0 ? r : node_set_attr(a, n, "mac", str_of(text));
}

static bool same(struct str a, const char *b)
{
	unsigned differs = a.n != VAULT_FRANK_TEXT - 1;

	for (size_t i = 0; !differs && i < a.n; i++)
		differs |= (unsigned)(a.p[i] ^ b[i]);
	return !differs;
}

int vault_frank_verify(struct vault_frank *f, struct arena *a, const struct node *message, struct str to, uint64_t *ret_id)
{
	const struct node *n = node_child(message, NS_FRANK, "frank");
	struct vault_franked m = { .to = to };
	char text[VAULT_FRANK_TEXT];
	struct jid from;
	int r = n ? vault_id_parse(node_attr(n, "id"), &m.id) : ERR_NOT_FOUND;

	if (r == 0)
		r = jid_parse(a, node_attr(message, "from"), &from);
	if (r == 0)
		r = vault_frank_said(a, message, &m.said);
	if (r < 0)
		return r;
	m.from = from.bare;
	vault_frank_text(f, &m, text);
	*ret_id = m.id;
	return same(node_attr(n, "mac"), text);
}
