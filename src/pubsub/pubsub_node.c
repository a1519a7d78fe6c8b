/* pubsub_node.c - see pubsub_node.h. */
#include "pubsub/pubsub_node.h"

#include "base/check.h"
#include "vault/vault_pack.h"
#include "xmpp/ns.h"

#define FORM 2		/* of the stored bytes; 1: nobody waits */

static const char *const affiliations[] = { "none", "outcast", "member", "publish-only", "publisher", "owner" };

static const uint32_t account_defaults[PUBSUB_OPTIONS] = {
	[PUBSUB_ACCESS] = ACCESS_PRESENCE, [PUBSUB_PUBLISH_MODEL] = PUBLISH_PUBLISHERS,
	[PUBSUB_SEND_LAST] = LAST_ON_SUB_AND_PRESENCE, [PUBSUB_PERSIST] = 1, [PUBSUB_MAX_ITEMS] = 1, [PUBSUB_PAYLOADS] = 1,
	[PUBSUB_NOTIFY] = 1, [PUBSUB_NOTIFY_RETRACT] = 1, [PUBSUB_NOTIFY_DELETE] = 1,
};

static const uint32_t service_defaults[PUBSUB_OPTIONS] = {
	[PUBSUB_ACCESS] = ACCESS_OPEN, [PUBSUB_PUBLISH_MODEL] = PUBLISH_PUBLISHERS, [PUBSUB_SEND_LAST] = LAST_ON_SUB,
	[PUBSUB_PERSIST] = 1, [PUBSUB_MAX_ITEMS] = 20, [PUBSUB_PAYLOADS] = 1, [PUBSUB_NOTIFY] = 1,
	[PUBSUB_NOTIFY_RETRACT] = 1, [PUBSUB_NOTIFY_DELETE] = 1,
};

/* Nodes (or, with a colon at the end, families of nodes) whose specification asks for other defaults, for a client that names no options. What is nobody else's business
 * must not go to all contacts for want of an option. */
static const struct {
	const char *name;
	uint32_t access, max_items, send_last;
} known[] = {
	{ NS_BOOKMARKS, ACCESS_WHITELIST, PUBSUB_ITEMS, LAST_NEVER },			/* XEP-0402 4 */
	{ NS_BOOKMARKS_OLD, ACCESS_WHITELIST, 1, LAST_ON_SUB_AND_PRESENCE },		/* XEP-0223 */
	{ NS_MDS, ACCESS_WHITELIST, PUBSUB_ITEMS, LAST_NEVER },				/* XEP-0490 3 */
	{ "urn:xmpp:vcard4", ACCESS_OPEN, 1, LAST_ON_SUB_AND_PRESENCE },			/* XEP-0292 */
	{ NS_OMEMO ".devicelist", ACCESS_OPEN, 1, LAST_ON_SUB_AND_PRESENCE },		/* XEP-0384 */
	{ NS_OMEMO ".bundles:", ACCESS_OPEN, 1, LAST_NEVER },
	{ NS_OMEMO_2 ":devices", ACCESS_OPEN, 1, LAST_ON_SUB_AND_PRESENCE },
	{ NS_OMEMO_2 ":bundles", ACCESS_OPEN, PUBSUB_ITEMS, LAST_NEVER },
};

static bool fits(struct str name, const char *of)
{
	return str_is(name, of) || (of[strlen(of) - 1] == ':' && str_starts(name, str_of(of)));
}

int pubsub_node_new(struct arena *a, struct str owner, bool account, struct str name, struct pubsub_node **ret)
{
	struct pubsub_node *n = arena_alloc(a, sizeof(*n));

	if (!n)
		return ERR_LIMIT;
	n->owner = owner;
	n->name = name;
	n->creator = STR_NONE;
	for (size_t i = 0; i < PUBSUB_OPTIONS; i++)
		n->config.n[i] = account ? account_defaults[i] : service_defaults[i];
	for (size_t i = 0; i < PUBSUB_TEXTS; i++)
		n->config.text[i] = STR_NONE;
	for (size_t i = 0; account && i < ARRAY_SIZE(known); i++) {
		if (!fits(name, known[i].name))
			continue;
		n->config.n[PUBSUB_ACCESS] = known[i].access;
		n->config.n[PUBSUB_MAX_ITEMS] = known[i].max_items;
		n->config.n[PUBSUB_SEND_LAST] = known[i].send_last;
	}
	*ret = n;
	return 0;
}

int pubsub_node_encode(const struct pubsub_node *n, struct buf *ret)
{
	vault_pack_u32(ret, FORM);
	vault_pack_u64(ret, n->created_ms);
	vault_pack_str(ret, n->creator);
	vault_pack_u32(ret, PUBSUB_OPTIONS);
	for (size_t i = 0; i < PUBSUB_OPTIONS; i++)
		vault_pack_u32(ret, n->config.n[i]);
	vault_pack_u32(ret, PUBSUB_TEXTS);
	for (size_t i = 0; i < PUBSUB_TEXTS; i++)
		vault_pack_str(ret, n->config.text[i]);
	vault_pack_u32(ret, (uint32_t)n->n_affiliates);
	for (size_t i = 0; i < n->n_affiliates; i++) {
		vault_pack_str(ret, n->affiliates[i].jid);
		vault_pack_u32(ret, n->affiliates[i].is);
	}
	vault_pack_u32(ret, (uint32_t)n->n_subscribers);
	for (size_t i = 0; i < n->n_subscribers; i++)
		vault_pack_str(ret, n->subscribers[i]);
	vault_pack_u32(ret, (uint32_t)n->n_pending);
	for (size_t i = 0; i < n->n_pending; i++)
		vault_pack_str(ret, n->pending[i]);
	return ret->failed ? ERR_LIMIT : 0;
}

static int decode_pending(struct arena *a, struct vault_unpack *u, struct pubsub_node *n)
{
	uint32_t count = vault_unpack_u32(u);

	if (u->bad || count > PUBSUB_PENDING)
		return ERR_CORRUPT;
	n->pending = arena_alloc(a, (count + 1) * sizeof(*n->pending));
	if (!n->pending)
		return ERR_LIMIT;
	for (; n->n_pending < count; n->n_pending++)
		n->pending[n->n_pending] = vault_unpack_str(u);
	return 0;
}

static int decode_people(struct arena *a, struct vault_unpack *u, uint32_t form, struct pubsub_node *n)
{
	uint32_t count = vault_unpack_u32(u);

	if (u->bad || count > PUBSUB_AFFILIATIONS)
		return ERR_CORRUPT;
	n->affiliates = arena_alloc(a, (count + 1) * sizeof(*n->affiliates));
	if (!n->affiliates)
		return ERR_LIMIT;
	for (; n->n_affiliates < count; n->n_affiliates++) {
		struct str jid = vault_unpack_str(u);
		uint32_t is = vault_unpack_u32(u);

		if (is > AFFILIATION_OWNER)
			return ERR_CORRUPT;
		n->affiliates[n->n_affiliates] = (struct pubsub_affiliate){ jid, (enum pubsub_affiliation)is };
	}
	count = vault_unpack_u32(u);
	if (u->bad || count > PUBSUB_SUBSCRIPTIONS)
		return ERR_CORRUPT;
	n->subscribers = arena_alloc(a, (count + 1) * sizeof(*n->subscribers));
	if (!n->subscribers)
		return ERR_LIMIT;
	for (; n->n_subscribers < count; n->n_subscribers++)
		n->subscribers[n->n_subscribers] = vault_unpack_str(u);
	if (form > 1 && decode_pending(a, u, n) < 0)
		return ERR_CORRUPT;
	return vault_unpack_end(u);
}

int pubsub_node_decode(struct arena *a, struct str owner, struct str name, struct str bytes, struct pubsub_node **ret)
{
	struct vault_unpack u = { .rest = bytes };
	struct pubsub_node *n = arena_alloc(a, sizeof(*n));
	uint32_t count, form = vault_unpack_u32(&u);

	if (!n)
		return ERR_LIMIT;
	n->owner = owner;
	n->name = name;
	if (form != FORM && form != 1)
		return ERR_CORRUPT;
	n->created_ms = vault_unpack_u64(&u);
	n->creator = vault_unpack_str(&u);
	/* An older form has fewer options: those behind are as they are by default, off. */
	count = vault_unpack_u32(&u);
	if (u.bad || count > PUBSUB_OPTIONS)
		return ERR_CORRUPT;
	for (uint32_t i = 0; i < count; i++)
		n->config.n[i] = vault_unpack_u32(&u);
	count = vault_unpack_u32(&u);
	if (u.bad || count > PUBSUB_TEXTS)
		return ERR_CORRUPT;
	for (uint32_t i = 0; i < PUBSUB_TEXTS; i++)
		n->config.text[i] = i < count ? vault_unpack_str(&u) : STR_NONE;
	*ret = n;
	return decode_people(a, &u, form, n);
}

/* --- affiliations ------------------------------------------------------------------------------------------------ */

static struct pubsub_affiliate *find_affiliate(const struct pubsub_node *n, struct str bare)
{
	for (size_t i = 0; i < n->n_affiliates; i++)
		if (str_eq(n->affiliates[i].jid, bare))
			return &n->affiliates[i];
	return NULL;
}

enum pubsub_affiliation pubsub_node_affiliation(const struct pubsub_node *n, struct str bare)
{
	const struct pubsub_affiliate *f = find_affiliate(n, bare);

	return f ? f->is : AFFILIATION_NONE;
}

int pubsub_node_affiliate(struct arena *a, struct pubsub_node *n, struct str bare, enum pubsub_affiliation is)
{
	struct pubsub_affiliate *f = find_affiliate(n, bare), *grown;

	if (f && is == AFFILIATION_NONE) {
		*f = n->affiliates[--n->n_affiliates];
		return 0;
	}
	if (f || is == AFFILIATION_NONE) {
		if (f)
			f->is = is;
		return 0;
	}
	if (n->n_affiliates >= PUBSUB_AFFILIATIONS)
		return ERR_LIMIT;
	grown = arena_alloc(a, (n->n_affiliates + 1) * sizeof(*grown));
	if (!grown)
		return ERR_LIMIT;
	if (n->n_affiliates)
		memcpy(grown, n->affiliates, n->n_affiliates * sizeof(*grown));
	grown[n->n_affiliates++] = (struct pubsub_affiliate){ bare, is };
	n->affiliates = grown;
	return 0;
}

const char *pubsub_node_affiliation_text(enum pubsub_affiliation is)
{
	return affiliations[is];
}

bool pubsub_node_affiliation_parse(struct str text, enum pubsub_affiliation *ret)
{
	for (size_t i = 0; i < ARRAY_SIZE(affiliations); i++)
		if (str_is(text, affiliations[i])) {
			*ret = (enum pubsub_affiliation)i;
			return true;
		}
	return false;
}

/* --- subscriptions ----------------------------------------------------------------------------------------------- */

static struct str bare_of(struct str jid)
{
	ptrdiff_t slash = str_find_char(jid, '/');

	return slash < 0 ? jid : str_make(jid.p, (size_t)slash);
}

bool pubsub_node_subscribed(const struct pubsub_node *n, struct str jid)
{
	for (size_t i = 0; i < n->n_subscribers; i++)
		if (str_eq(n->subscribers[i], jid))
			return true;
	return false;
}

bool pubsub_node_subscribed_bare(const struct pubsub_node *n, struct str bare)
{
	for (size_t i = 0; i < n->n_subscribers; i++)
		if (str_eq(bare_of(n->subscribers[i]), bare))
			return true;
	return false;
}

int pubsub_node_subscribe(struct arena *a, struct pubsub_node *n, struct str jid)
{
	struct str *grown;

	if (pubsub_node_subscribed(n, jid))
		return 0;
	if (n->n_subscribers >= PUBSUB_SUBSCRIPTIONS)
		return ERR_LIMIT;
	grown = arena_alloc(a, (n->n_subscribers + 1) * sizeof(*grown));
	if (!grown)
		return ERR_LIMIT;
	if (n->n_subscribers)
		memcpy(grown, n->subscribers, n->n_subscribers * sizeof(*grown));
	grown[n->n_subscribers++] = jid;
	n->subscribers = grown;
	return 0;
}

void pubsub_node_unsubscribe(struct pubsub_node *n, struct str jid)
{
	for (size_t i = 0; i < n->n_subscribers; i++)
		if (str_eq(n->subscribers[i], jid)) {
			n->subscribers[i] = n->subscribers[--n->n_subscribers];
			return;
		}
}

bool pubsub_node_pending(const struct pubsub_node *n, struct str jid)
{
	for (size_t i = 0; i < n->n_pending; i++)
		if (str_eq(n->pending[i], jid))
			return true;
	return false;
}

int pubsub_node_ask(struct arena *a, struct pubsub_node *n, struct str jid)
{
	struct str *grown;

	if (pubsub_node_pending(n, jid))
		return 0;
	if (n->n_pending >= PUBSUB_PENDING)
		return ERR_LIMIT;
	grown = arena_alloc(a, (n->n_pending + 1) * sizeof(*grown));
	if (!grown)
		return ERR_LIMIT;
	if (n->n_pending)
		memcpy(grown, n->pending, n->n_pending * sizeof(*grown));
	grown[n->n_pending++] = jid;
	n->pending = grown;
	return 0;
}

bool pubsub_node_answered(struct pubsub_node *n, struct str jid)
{
	for (size_t i = 0; i < n->n_pending; i++)
		if (str_eq(n->pending[i], jid)) {
			n->pending[i] = n->pending[--n->n_pending];
			return true;
		}
	return false;
}

uint64_t pubsub_node_keeps(const struct pubsub_node *n)
{
	if (!n->config.n[PUBSUB_PERSIST])
		return 0;
	return n->config.n[PUBSUB_MAX_ITEMS] > PUBSUB_ITEMS ? PUBSUB_ITEMS : n->config.n[PUBSUB_MAX_ITEMS];
}
