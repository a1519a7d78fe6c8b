/* retract.c - see retract.h. */
#include "core/retract.h"

#include "base/buf.h"
#include "base/clock.h"
#include "xmpp/ns.h"
#include "xmpp/wire.h"

#define PAGE 50
#define PAGE_BYTES (32u << 20)

/* The message, taken back by t: same sender, same id, and something that was said. */
static bool is_it(struct arena *a, const struct trip *t, struct str id, const struct vault_entry *e, struct node **ret)
{
	struct jid from;

	if (e->gone || e->id == t->id || str_find(e->stanza, id) < 0)
		return false;
	if (wire_parse(a, e->stanza, ret) < 0 || !str_eq(node_attr(*ret, "id"), id) || node_child(*ret, NS_RETRACT, "retracted"))
		return false;
	return jid_parse(a, node_attr(*ret, "from"), &from) == 0 && str_eq(from.bare, t->from.bare);
}

static int tombstone(struct arena *a, const struct trip *t, const struct node *m, struct str *ret)
{
	static const char *const kept[] = { "from", "to", "type", "id" };
	struct node *n = node_new(a, NS_CLIENT, "message"), *x = n ? node_add(a, n, NS_RETRACT, "retracted") : NULL;
	char stamp[CLOCK_STAMP_BYTES];
	struct buf b;
	int r = x ? 0 : ERR_LIMIT;

	clock_stamp(t->when_ms, stamp);
	for (size_t i = 0; r == 0 && i < sizeof(kept) / sizeof(kept[0]); i++)
		if (node_has_attr(m, kept[i]))
			r = node_set_attr(a, n, kept[i], node_attr(m, kept[i]));
	if (r == 0)
		r = node_set_attr(a, x, "id", node_attr(t->stanza, "id"));
	if (r == 0)
		r = node_set_attr(a, x, "stamp", str_of(stamp));
	buf_init(&b, PAGE_BYTES);
	if (r == 0)
		r = wire_write(&b, n, STR(NS_CLIENT));
	if (r == 0) {
		*ret = arena_str(a, buf_str(&b));
		r = ret->p ? 0 : ERR_LIMIT;
	}
	buf_release(&b);
	return r;
}

/* One page before *before_id; found: it is done. */
static int search(struct vault *v, struct trip *t, struct str id, struct vault_query *q, struct arena *a, bool *found)
{
	struct vault_page page;
	struct node *m;
	struct str shown;
	int r = vault_archive_page(v, q, a, &page);

	if (r < 0)
		return r;
	for (size_t i = page.n; i > 0 && !*found; i--) {
		if (!is_it(a, t, id, &page.v[i - 1], &m))
			continue;
		*found = true;
		r = tombstone(a, t, m, &shown);
		return r < 0 ? r : vault_archive_retract(v, q->owner, page.v[i - 1].id, shown);
	}
	*found = *found || page.complete || page.n == 0;
	if (page.n)
		q->before_id = page.v[0].id;
	return 0;
}

int retract_work(struct vault *v, struct trip *t, struct vault_owner whose)
{
	const struct node *x = t->kind == STANZA_MESSAGE ? node_child(t->stanza, NS_RETRACT, "retract") : NULL;
	struct str id = x ? node_attr(x, "id") : STR_NONE;
	struct vault_query q = { .owner = whose.owner, .with = whose.peer, .backward = true, .max = PAGE };
	struct arena *a;
	bool found = false;
	int r = 0;

	if (!id.n || !node_attr(t->stanza, "id").n || str_is(node_attr(t->stanza, "type"), "groupchat"))
		return 0;
	a = arena_new(PAGE_BYTES);
	if (!a)
		return ERR_NOMEM;
	for (unsigned n = 0; r == 0 && !found && n < RETRACT_SEARCH; n += PAGE) {
		arena_clear(a);
		r = search(v, t, id, &q, a, &found);
	}
	arena_free(&a);
	return r == ERR_NOT_FOUND || r == ERR_CONFLICT || r == ERR_LIMIT ? 0 : r;
}
