/* pubsub_items.c - publishing, removing and reading items (XEP-0060 6.5, 7). */
#include "base/limits.h"
#include "pubsub/pubsub_form.h"
#include "pubsub/pubsub_ops.h"
#include "vault/vault_pubsub.h"
#include "xmpp/wire.h"

#define CHUNK 8				/* items read at a time: each may be as large as items get */

int pubsub_items_add(struct arena *a, struct node *parent, const char *ns, const struct pubsub_node *n, struct str id,
		     struct str publisher, const struct node *payload)
{
	struct node *item = node_add(a, parent, ns, "item"), *copy;
	int r = item && id.n ? node_set_attr(a, item, "id", id) : item ? 0 : ERR_LIMIT;

	if (r == 0 && publisher.n && !str_eq(publisher, n->owner))
		r = node_set_attr(a, item, "publisher", publisher);
	if (r < 0 || !payload)
		return r;
	copy = node_dup(a, payload);
	if (!copy)
		return ERR_LIMIT;
	node_append(item, copy);
	return 0;
}

/* --- publish ------------------------------------------------------------------------------------------------------------- */

static const struct node *options_of(const struct pubsub_call *c)
{
	const struct node *o = node_child(c->iq->payload, NS_PUBSUB, "publish-options");

	return o ? node_child(o, NS_XDATA, "x") : NULL;
}

/* An unknown option is a precondition that cannot be met (XEP-0060 7.1.5). */
static int unmet(struct pubsub_call *c, int r)
{
	return r == ERR_CONFLICT ? pubsub_ops_fail(c, ERR_CONFLICT, "precondition-not-met") : r;
}

static int open_node(struct vault *v, struct pubsub_call *c, struct pubsub_node **ret)
{
	const struct node *form = options_of(c);
	bool matches = true;
	int r = pubsub_call_load(v, c, c->name, ret);

	if (r == ERR_NOT_FOUND && c->viewer.owner) {
		r = pubsub_call_create(v, c, c->name, ret);
		if (r == 0)
			r = unmet(c, pubsub_form_read(c->arena, form, true, &(*ret)->config));
		if (r == 0 && !c->viewer.service && (*ret)->config.n[PUBSUB_ACCESS] == ACCESS_AUTHORIZE)
			r = unmet(c, ERR_CONFLICT);	/* nobody could ask: that is the service's */
		return r < 0 ? r : pubsub_call_save(v, c, *ret);
	}
	if (r < 0)
		return r == ERR_NOT_FOUND ? pubsub_access_denied(NULL, &c->viewer) : r;
	if (!pubsub_access_publish(*ret, &c->viewer))
		return pubsub_access_denied(*ret, &c->viewer);
	if (form)
		r = unmet(c, pubsub_form_matches(c->arena, form, &(*ret)->config, &matches));
	return r < 0 ? r : matches ? 0 : unmet(c, ERR_CONFLICT);
}

/* One item with one element in it, or none where items mean nothing. */
static int read_item(struct pubsub_call *c, const struct pubsub_node *n, struct str *ret_id, const struct node **ret_payload)
{
	const struct node *item = node_child(c->op, NS_PUBSUB, "item"), *payload = item ? node_first_element(item) : NULL;

	if (item && node_child_next(item, NS_PUBSUB, "item"))
		return pubsub_ops_fail(c, ERR_BAD_REQUEST, "max-items-exceeded");
	if (!item && pubsub_node_keeps(n))
		return pubsub_ops_fail(c, ERR_BAD_REQUEST, "item-required");
	if (payload && node_next_element(payload))
		return pubsub_ops_fail(c, ERR_BAD_REQUEST, "invalid-payload");
	if (!payload && pubsub_node_keeps(n) && n->config.n[PUBSUB_PAYLOADS])
		return pubsub_ops_fail(c, ERR_BAD_REQUEST, "payload-required");
	*ret_id = item ? node_attr(item, "id") : STR_NONE;
	*ret_payload = payload;
	return ret_id->n > PUBSUB_NAME ? ERR_NOT_ACCEPTABLE : 0;
}

/* Another's item keeps its publisher: only he and the owners write over it. */
static int check_overwrite(struct vault *v, struct pubsub_call *c, const struct pubsub_node *n, struct str id)
{
	struct vault_pub old;
	int r;

	if (pubsub_access_own(n, &c->viewer))
		return 0;
	r = vault_pubsub_get(v, c->owner, n->name, id, c->arena, &old);
	if (r == ERR_NOT_FOUND || (r == 0 && str_eq(old.publisher, c->viewer.bare)))
		return 0;
	return r < 0 ? r : ERR_FORBIDDEN;
}

int pubsub_items_publish(struct vault *v, struct pubsub_call *c)
{
	const struct node *payload = NULL;
	struct pubsub_node *n;
	struct node *el;
	struct str id;
	char own[VAULT_ID_TEXT];
	int r = open_node(v, c, &n);

	if (r == 0)
		r = read_item(c, n, &id, &payload);
	if (r < 0)
		return r;
	if (id.n == 0) {
		vault_id_text(vault_next_id(v, c->now_ms), own);
		id = arena_str(c->arena, str_make(own, VAULT_ID_TEXT - 1));
		if (!id.p)
			return ERR_LIMIT;
	}
	r = check_overwrite(v, c, n, id);
	if (r == 0)
		r = pubsub_call_publish(v, c, n, id, payload);
	if (r < 0)
		return r;
	c->reply = pubsub_ops_answer(c, NS_PUBSUB, "publish", n->name, &el);
	return c->reply ? pubsub_items_add(c->arena, el, NS_PUBSUB, n, id, STR_NONE, NULL) : ERR_LIMIT;
}

/* --- retract ------------------------------------------------------------------------------------------------------------- */

int pubsub_items_retract(struct vault *v, struct pubsub_call *c)
{
	const struct node *item = node_child(c->op, NS_PUBSUB, "item");
	struct str id = item ? node_attr(item, "id") : STR_NONE, notify = node_attr(c->op, "notify");
	struct pubsub_node *n;
	struct vault_pub old;
	int r = pubsub_call_load(v, c, c->name, &n);

	if (r < 0)
		return r == ERR_NOT_FOUND ? pubsub_access_denied(NULL, &c->viewer) : r;
	if (!pubsub_access_publish(n, &c->viewer))
		return pubsub_access_denied(n, &c->viewer);
	if (id.n == 0 || node_child_next(item, NS_PUBSUB, "item"))
		return pubsub_ops_fail(c, ERR_BAD_REQUEST, "item-required");
	r = vault_pubsub_get(v, c->owner, n->name, id, c->arena, &old);
	if (r == 0 && !pubsub_access_own(n, &c->viewer) && !str_eq(old.publisher, c->viewer.bare))
		return ERR_FORBIDDEN;
	if (r < 0)
		return r;
	return pubsub_call_retract(v, c, n, id, str_is(notify, "1") || str_is(notify, "true") || n->config.n[PUBSUB_NOTIFY_RETRACT]);
}

/* --- items --------------------------------------------------------------------------------------------------------------- */

int pubsub_items_last(struct vault *v, struct pubsub_call *c, const struct pubsub_node *n, struct pubsub_change *ch)
{
	struct vault_pub_query q = { .newest = true, .max = 1 };
	struct vault_pub *list;
	struct node *payload = NULL;
	size_t count;
	int r = vault_pubsub_page(v, c->owner, n->name, &q, c->arena, &list, &count);

	if (r == 0 && count == 0)
		r = ERR_NOT_FOUND;
	if (r == 0 && list[0].payload.n)
		r = wire_parse(c->arena, list[0].payload, &payload);
	if (r < 0)
		return r;
	ch->node = n;
	ch->id = list[0].id;
	ch->publisher = list[0].publisher.n ? list[0].publisher : n->owner;	/* not who subscribes */
	ch->payload = payload;
	return 0;
}

/* What is asked for, newest first. */
struct page {
	struct vault_pub_query q;
	uint64_t most;			/* items */
	bool rsm, backward;		/* backward: the page that ends before 'before', nearest to it */
	size_t bytes, n;
	struct str first, last;
	uint64_t first_seq;
	bool full;
};

static int add_stored(struct pubsub_call *c, const struct pubsub_node *n, struct node *items, const struct vault_pub *p)
{
	struct node *payload = NULL;
	int r = p->payload.n ? wire_parse(c->arena, p->payload, &payload) : 0;

	if (r == 0)
		r = pubsub_items_add(c->arena, items, NS_PUBSUB, n, p->id, p->publisher, payload);
	return r;
}

static uint64_t oldest_seq(const struct pubsub_call *c, const struct pubsub_node *n)
{
	uint64_t age = (uint64_t)n->config.n[PUBSUB_EXPIRE_S] * 1000;

	return age && c->now_ms > age ? (c->now_ms - age) << 20 : 0;
}

static int get_by_id(struct vault *v, struct pubsub_call *c, const struct pubsub_node *n, struct node *items)
{
	size_t bytes = 0, found = 0;

	for (const struct node *i = node_child(c->op, NS_PUBSUB, "item"); i; i = node_child_next(i, NS_PUBSUB, "item")) {
		struct vault_pub p;
		int r = vault_pubsub_get(v, c->owner, n->name, node_attr(i, "id"), c->arena, &p);

		if (r == ERR_NOT_FOUND || (r == 0 && p.seq < oldest_seq(c, n)))
			continue;
		if (r == 0 && (bytes += p.payload.n) > PUBSUB_PAGE_BYTES && found)
			return ERR_LIMIT;
		if (r == 0)
			r = add_stored(c, n, items, &p);
		if (r < 0)
			return r;
		found++;
	}
	return found ? 0 : ERR_NOT_FOUND;
}

static int read_place(struct vault *v, struct pubsub_call *c, const struct pubsub_node *n, const struct node *set, const char *name,
		      uint64_t *ret)
{
	const struct node *el = set ? node_child(set, NS_RSM, name) : NULL;
	struct str id = el ? node_text(c->arena, el) : STR_NONE;

	return id.n ? vault_pubsub_seq(v, c->owner, n->name, id, ret) : 0;
}

/* XEP-0059: 'after' is older, 'before' newer, as the order is. */
static int read_page(struct vault *v, struct pubsub_call *c, const struct pubsub_node *n, struct page *p)
{
	const struct node *set = node_child(c->iq->payload, NS_RSM, "set"), *max = set ? node_child(set, NS_RSM, "max") : NULL;
	uint64_t after = 0, before = 0;
	int r;

	*p = (struct page){ .most = PUBSUB_ITEMS, .rsm = set != NULL, .first = STR_NONE, .last = STR_NONE };
	if (node_has_attr(c->op, "max_items") && !str_to_u64(node_attr(c->op, "max_items"), UINT64_MAX, &p->most))
		return ERR_BAD_REQUEST;
	if (max && !str_to_u64(node_text(c->arena, max), UINT64_MAX, &p->most))
		return ERR_BAD_REQUEST;
	r = read_place(v, c, n, set, "after", &after);
	if (r == 0)
		r = read_place(v, c, n, set, "before", &before);
	if (r < 0)
		return r;
	p->backward = set && node_child(set, NS_RSM, "before");
	p->q.before_seq = after;
	p->q.after_seq = before;
	if (oldest_seq(c, n) > p->q.after_seq)
		p->q.after_seq = oldest_seq(c, n);
	return 0;
}

/* Puts a chunk at its end of the list: before what is there, when the page is filled towards the newer. */
static int take_chunk(struct pubsub_call *c, const struct pubsub_node *n, struct node *items, struct page *p, struct vault_pub *list,
		      size_t count)
{
	for (size_t i = 0; i < count && !p->full; i++) {
		const struct vault_pub *one = p->backward ? &list[i] : &list[count - 1 - i];
		struct node *el;
		int r;

		if (p->n && p->bytes + one->payload.n > PUBSUB_PAGE_BYTES) {
			p->full = true;
			break;
		}
		r = add_stored(c, n, items, one);
		if (r < 0)
			return r;
		el = items->last;
		if (p->backward && items->first != el) {
			node_remove(el);
			el->next = items->first;
			items->first->prev = el;
			items->first = el;
			el->parent = items;
		}
		p->bytes += one->payload.n;
		p->n++;
		if (p->backward || p->n == 1) {
			p->first = one->id;
			p->first_seq = one->seq;
		}
		if (!p->backward || p->n == 1)
			p->last = one->id;
		if (p->backward)
			p->q.after_seq = one->seq;
		else
			p->q.before_seq = one->seq;
		p->full = p->n >= p->most;
	}
	return 0;
}

static int get_page(struct vault *v, struct pubsub_call *c, const struct pubsub_node *n, struct node *items, struct page *p)
{
	p->q.newest = !p->backward;
	p->full = p->most == 0;
	while (!p->full) {
		struct vault_pub *list;
		size_t count;
		int r;

		p->q.max = p->most - p->n < CHUNK ? (size_t)(p->most - p->n) : CHUNK;
		r = vault_pubsub_page(v, c->owner, n->name, &p->q, c->arena, &list, &count);
		if (r == 0)
			r = take_chunk(c, n, items, p, list, count);
		if (r < 0)
			return r;
		if (count < p->q.max)
			break;
	}
	return 0;
}

static int add_rsm(struct vault *v, struct pubsub_call *c, const struct pubsub_node *n, const struct page *p)
{
	struct node *set = node_add(c->arena, c->reply, NS_RSM, "set"), *first = NULL;
	uint64_t total, upto = 0;
	int r = set ? vault_pubsub_count(v, c->owner, n->name, 0, &total) : ERR_LIMIT;

	if (r == 0 && p->n)
		r = vault_pubsub_count(v, c->owner, n->name, p->first_seq + 1, &upto);
	if (r == 0 && p->n) {
		first = node_add_leaf(c->arena, set, NS_RSM, "first", p->first);
		if (!first || node_set_attr(c->arena, first, "index", arena_printf(c->arena, "%llu", (unsigned long long)(total - upto))) < 0 ||
		    !node_add_leaf(c->arena, set, NS_RSM, "last", p->last))
			r = ERR_LIMIT;
	}
	if (r == 0 && !node_add_leaf(c->arena, set, NS_RSM, "count", arena_printf(c->arena, "%llu", (unsigned long long)total)))
		r = ERR_LIMIT;
	return r;
}

int pubsub_items_get(struct vault *v, struct pubsub_call *c)
{
	struct pubsub_node *n;
	struct node *items;
	struct page p;
	int r = pubsub_call_load(v, c, c->name, &n);

	/* One's own bookmarks are there, if only in the old forms, and be there none: Dino never writes a first one to a node that is missing. */
	if (r == ERR_NOT_FOUND && c->viewer.owner && !c->viewer.service && str_is(c->name, NS_BOOKMARKS))
		r = pubsub_call_create(v, c, c->name, &n);
	if (r < 0)
		return r == ERR_NOT_FOUND ? pubsub_access_denied(NULL, &c->viewer) : r;
	if (!pubsub_access_read(n, &c->viewer))
		return pubsub_access_denied(n, &c->viewer);
	c->reply = pubsub_ops_answer(c, NS_PUBSUB, "items", n->name, &items);
	if (!c->reply)
		return ERR_LIMIT;
	if (node_child(c->op, NS_PUBSUB, "item"))
		return get_by_id(v, c, n, items);
	r = read_page(v, c, n, &p);
	if (r == 0)
		r = get_page(v, c, n, items, &p);
	/* Not all of it: then it is said where to go on (XEP-0060 6.5.4). */
	if (r == 0 && (p.rsm || (p.full && p.bytes > PUBSUB_PAGE_BYTES / 2)))
		r = add_rsm(v, c, n, &p);
	return r;
}
