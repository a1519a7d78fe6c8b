/* bookmarks.c - XEP-0402: one set of bookmarks, whichever way a client keeps them.
 *
 * The items of the node urn:xmpp:bookmarks:1 are the truth. Each change of them is written, in the same transaction, in the
 * two old forms of XEP-0048: the item of the node storage:bookmarks and the private XML (XEP-0049, 0411); and a change of one of
 * those is brought back. What only the old forms know, addresses of the web, stays in them. Nodes that others may read take no
 * part: bookmarks are nobody else's business.
 */
#include "base/buf.h"
#include "base/limits.h"
#include "core/mod.h"
#include "pubsub/pubsub_call.h"
#include "vault/vault_pubsub.h"
#include "xmpp/jid.h"
#include "xmpp/wire.h"

#define ROW_KEY STR(NS_BOOKMARKS_OLD " storage")	/* as private.c has it */
#define OLD_ID STR("current")

/* --- one bookmark in both forms -------------------------------------------------------------------------------------- */

static bool is_on(struct str v)
{
	return str_is(v, "1") || str_is(v, "true");
}

static int copy_attrs(struct arena *a, struct node *to, const struct node *from)
{
	struct str name = node_attr(from, "name");

	if (name.n && node_set_attr(a, to, "name", name) < 0)
		return ERR_LIMIT;
	return is_on(node_attr(from, "autojoin")) ? node_set_attr(a, to, "autojoin", STR("true")) : 0;
}

static int copy_leaves(struct arena *a, struct node *to, const struct node *from, const char *ns_to, const char *ns_from)
{
	static const char *const names[] = { "nick", "password" };

	for (size_t i = 0; i < 2; i++) {
		const struct node *n = node_child(from, ns_from, names[i]);

		if (n && !node_add_leaf(a, to, ns_to, names[i], node_text(a, n)))
			return ERR_LIMIT;
	}
	return 0;
}

/* <conference xmlns='urn:xmpp:bookmarks:1'/>; old: what stands there now, whose extensions are kept. */
static struct node *to_new(struct arena *a, const struct node *conference, const struct node *old)
{
	struct node *n = node_new(a, NS_BOOKMARKS, "conference");
	const struct node *ext = old ? node_child(old, NS_BOOKMARKS, "extensions") : NULL;
	struct node *copy;

	if (!n || copy_attrs(a, n, conference) < 0 || copy_leaves(a, n, conference, NS_BOOKMARKS, NS_BOOKMARKS_OLD) < 0)
		return NULL;
	if (ext) {
		copy = node_dup(a, ext);
		if (!copy)
			return NULL;
		node_append(n, copy);
	}
	return n;
}

static int add_old(struct arena *a, struct node *storage, const struct node *conference, struct str jid)
{
	struct node *n = node_add(a, storage, NS_BOOKMARKS_OLD, "conference");

	if (!n || node_set_attr(a, n, "jid", jid) < 0 || copy_attrs(a, n, conference) < 0)
		return ERR_LIMIT;
	return copy_leaves(a, n, conference, NS_BOOKMARKS_OLD, NS_BOOKMARKS);
}

/* --- the stored ones -------------------------------------------------------------------------------------------------- */

/* The node, made when there is none; ERR_NOT_ALLOWED when somebody else may read it. */
static int private_node(struct vault *v, struct pubsub_call *c, struct str name, struct pubsub_node **ret)
{
	int r = pubsub_call_load(v, c, name, ret);

	if (r == ERR_NOT_FOUND) {
		r = pubsub_call_create(v, c, name, ret);
		return r < 0 ? r : pubsub_call_save(v, c, *ret);
	}
	if (r == 0 && ((*ret)->config.n[PUBSUB_ACCESS] != ACCESS_WHITELIST || (*ret)->n_affiliates))
		return ERR_NOT_ALLOWED;
	return r;
}

static int all_items(struct vault *v, struct pubsub_call *c, struct vault_pub **ret, size_t *ret_n)
{
	struct vault_pub_query q = { .max = PUBSUB_ITEMS };

	return vault_pubsub_page(v, c->owner, STR(NS_BOOKMARKS), &q, c->arena, ret, ret_n);
}

static int put_row(struct vault *v, struct pubsub_call *c, const struct node *storage)
{
	struct buf b;
	int r;

	buf_init(&b, LIMIT_VCARD_BYTES);
	r = wire_write(&b, storage, STR(NS_CLIENT));
	if (r == 0)
		r = vault_item_put(v, c->owner, ITEM_PRIVATE, ROW_KEY, buf_str(&b));
	buf_release(&b);
	return r;
}

/* <url/> elements of the private XML. */
static int keep_urls(struct vault *v, struct pubsub_call *c, struct node *storage)
{
	struct str xml;
	struct node *old, *copy;
	int r = vault_item_get(v, c->owner, ITEM_PRIVATE, ROW_KEY, c->arena, &xml);

	if (r == 0)
		r = wire_parse(c->arena, xml, &old);
	if (r < 0)
		return r == ERR_NOT_FOUND ? 0 : r;
	for (const struct node *u = node_child(old, NS_BOOKMARKS_OLD, "url"); u; u = node_child_next(u, NS_BOOKMARKS_OLD, "url")) {
		copy = node_dup(c->arena, u);
		if (!copy)
			return ERR_LIMIT;
		node_append(storage, copy);
	}
	return 0;
}

/* --- new to old --------------------------------------------------------------------------------------------------------- */

static int build_old(struct vault *v, struct pubsub_call *c, struct node **ret)
{
	struct node *storage = node_new(c->arena, NS_BOOKMARKS_OLD, "storage");
	struct vault_pub *list;
	size_t n;
	int r = storage ? all_items(v, c, &list, &n) : ERR_LIMIT;

	for (size_t i = 0; r == 0 && i < n; i++) {
		struct node *conference;

		r = wire_parse(c->arena, list[i].payload, &conference);
		if (r == 0 && node_is(conference, NS_BOOKMARKS, "conference"))
			r = add_old(c->arena, storage, conference, list[i].id);
	}
	if (r == 0)
		r = keep_urls(v, c, storage);
	*ret = storage;
	return r;
}

/* Both old forms anew. Too many for them: then old clients keep what they have. */
static int write_old(struct vault *v, struct pubsub_call *c)
{
	struct pubsub_node *node;
	struct node *storage;
	int r = build_old(v, c, &storage);

	if (r == 0)
		r = put_row(v, c, storage);
	if (r == ERR_LIMIT)
		return 0;
	if (r == 0)
		r = private_node(v, c, STR(NS_BOOKMARKS_OLD), &node);
	if (r < 0)
		return r == ERR_NOT_ALLOWED || r == ERR_LIMIT ? 0 : r;
	return pubsub_call_publish(v, c, node, OLD_ID, storage);
}

/* --- old to new ----------------------------------------------------------------------------------------------------------- */

static const struct vault_pub *find(const struct vault_pub *list, size_t n, struct str id)
{
	for (size_t i = 0; i < n; i++)
		if (str_eq(list[i].id, id))
			return &list[i];
	return NULL;
}

static int publish_one(struct vault *v, struct pubsub_call *c, const struct pubsub_node *node, const struct node *conference,
		       struct str id, const struct vault_pub *was)
{
	struct node *old = NULL, *now;

	if (was && wire_parse(c->arena, was->payload, &old) < 0)
		old = NULL;
	now = to_new(c->arena, conference, old);
	if (!now)
		return ERR_LIMIT;
	if (old) {
		struct node *plain = to_new(c->arena, conference, NULL), *as_old = node_new(c->arena, NS_BOOKMARKS_OLD, "storage");

		/* The same as far as the old form can tell: not a change. */
		if (!plain || !as_old || add_old(c->arena, as_old, old, id) < 0 || add_old(c->arena, as_old, plain, id) < 0)
			return ERR_LIMIT;
		if (node_equal(as_old->first, as_old->last))
			return 0;
	}
	return pubsub_call_publish(v, c, node, id, now);
}

/* Makes the items what the storage says. */
static int write_new(struct vault *v, struct pubsub_call *c, const struct node *storage)
{
	struct pubsub_node *node;
	struct vault_pub *list;
	bool *named;
	size_t n;
	int r = private_node(v, c, STR(NS_BOOKMARKS), &node);

	if (r == 0)
		r = all_items(v, c, &list, &n);
	if (r < 0)
		return r == ERR_NOT_ALLOWED ? 0 : r;
	named = arena_alloc(c->arena, n + 1);
	if (!named)
		return ERR_LIMIT;
	for (const struct node *e = node_child(storage, NS_BOOKMARKS_OLD, "conference"); e && r == 0;
	     e = node_child_next(e, NS_BOOKMARKS_OLD, "conference")) {
		const struct vault_pub *was;
		struct jid jid;

		if (jid_parse(c->arena, node_attr(e, "jid"), &jid) < 0)
			continue;	/* old clients keep strange things */
		was = find(list, n, jid.bare);
		if (was)
			named[was - list] = true;
		r = publish_one(v, c, node, e, jid.bare, was);
	}
	for (size_t i = 0; i < n && r == 0; i++)
		if (!named[i])
			r = pubsub_call_retract(v, c, node, list[i].id, true);
	return r;
}

/* --- entrances --------------------------------------------------------------------------------------------------------------- */

static int set_work(struct vault *v, struct pubsub_call *c)
{
	const struct node *storage = c->data;
	int r = put_row(v, c, storage);

	if (r == 0)
		r = write_new(v, c, storage);
	return r < 0 ? r : write_old(v, c);
}

static int on_private(struct iq *iq)
{
	struct node *e = node_first_element(iq->payload);

	if (!e || node_next_element(e) || !node_is(e, NS_BOOKMARKS_OLD, "storage"))
		return IQ_PASS;
	return pubsub_call_begin(iq, STR_NONE, set_work, e);
}

/* The first change of the node in this call: all of them have been made by now, once is enough. */
static bool is_first(const struct pubsub_call *c, const struct pubsub_change *ch)
{
	const struct pubsub_change *x = c->changes;

	while (x != ch && !str_eq(x->node->name, ch->node->name))
		x = x->next;
	return x == ch;
}

static int pubsub_changed(struct vault *v, struct pubsub_call *c, const struct pubsub_change *ch)
{
	int r;

	if (c->viewer.service || c->work == set_work || ch->kind == CHANGE_SUBSCRIBED || ch->kind == CHANGE_CONFIG)
		return 0;
	if (str_is(ch->node->name, NS_BOOKMARKS) && ch->node->config.n[PUBSUB_ACCESS] == ACCESS_WHITELIST)
		return is_first(c, ch) ? write_old(v, c) : 0;
	if (!str_is(ch->node->name, NS_BOOKMARKS_OLD) || ch->kind != CHANGE_ITEM || !ch->payload ||
	    ch->node->config.n[PUBSUB_ACCESS] != ACCESS_WHITELIST || !node_is(ch->payload, NS_BOOKMARKS_OLD, "storage"))
		return 0;
	r = put_row(v, c, ch->payload);
	return r < 0 ? (r == ERR_LIMIT ? ERR_NOT_ACCEPTABLE : r) : write_new(v, c, ch->payload);
}

static const struct iq_hook iqs[] = {
	{ IQ_SET, NS_PRIVATE, "query", TO_SELF, on_private },
	{ 0 }
};

static const struct mod_hooks hooks = { .pubsub_changed = pubsub_changed };

const struct mod_def mod_bookmarks = {
	.name = "bookmarks",
	.xep = 402,
	.xep_version = "1.2.0",
	.disco_account = (const char *const[]){ NS_BOOKMARKS "#compat", NS_BOOKMARKS "#compat-pep",
						"urn:xmpp:bookmarks-conversion:0", NULL },	/* XEP-0411 */
	.iq = iqs,
	.hooks = &hooks,
};
