#include "core/roster_push.h"

#include "base/arena.h"
#include "base/clock.h"
#include "base/rand.h"
#include "core/hooks.h"
#include "core/session.h"
#include "xmpp/ns.h"

struct node *roster_push_item(struct arena *a, struct node *query, const struct roster_item *it)
{
	struct node *n = node_add(a, query, NS_ROSTER, "item");
	struct str name = it->name.n ? it->name : it->shared_name;

	if (!n || node_set_attr(a, n, "jid", it->jid) < 0 ||
	    node_set_attr(a, n, "subscription", str_of(roster_sub_text(it->sub))) < 0)
		return NULL;
	if ((name.n && node_set_attr(a, n, "name", name) < 0) ||
	    (it->ask && node_set_attr(a, n, "ask", STR("subscribe")) < 0) ||
	    (it->approved && node_set_attr(a, n, "approved", STR("true")) < 0))
		return NULL;
	for (size_t i = 0; i < it->n_groups; i++)
		if (!node_add_leaf(a, n, NS_ROSTER, "group", it->groups[i]))
			return NULL;
	for (size_t i = 0; i < it->n_shared; i++)
		if (!node_add_leaf(a, n, NS_ROSTER, "group", it->shared[i]))
			return NULL;
	return n;
}

static struct node *push_query(struct arena *a, const struct user *u, struct node **ret_query)
{
	struct node *iq = node_new(a, NS_CLIENT, "iq");
	char id[17], ver[ROSTER_VERSION];

	roster_version(&u->roster, ver);
	rand_text(id, sizeof(id) - 1);
	if (!iq || node_set_attr(a, iq, "type", STR("set")) < 0 || node_set_attr(a, iq, "id", str_of(id)) < 0)
		return NULL;
	*ret_query = node_add(a, iq, NS_ROSTER, "query");
	if (!*ret_query || node_set_attr(a, *ret_query, "ver", arena_str(a, str_of(ver))) < 0)
		return NULL;
	return iq;
}

static void to_interested(struct user *u, struct arena *a, struct node *iq)
{
	LIST_EACH(it, &u->sessions) {
		struct session *s = LIST_ITEM(it, struct session, of_user);

		if (s->roster_wanted && node_set_attr(a, iq, "to", s->full) == 0)
			session_send(s, iq);
	}
	node_drop_attr(iq, "to");
	hooks_roster_push(u, a, iq);
}

/* Never given twice, not even when a crash forgets the last change: else a client that has seen that change
 * would take another roster for the one it knows. So a version is at least the time in ms. */
static uint64_t next_version(struct roster *r)
{
	uint64_t now = clock_wall_ms();

	r->ver = r->ver >= now ? r->ver + 1 : now;
	return r->ver;
}

static void push(struct user *u, const struct roster_item *it)
{
	struct arena *a = arena_new(256 * 1024);
	struct node *query, *iq = a ? push_query(a, u, &query) : NULL;

	if (iq && roster_push_item(a, query, it))
		to_interested(u, a, iq);
	arena_free(&a);
}

static void push_end(struct user *u, struct str bare)
{
	struct arena *a = arena_new(256 * 1024);
	struct node *query, *iq = a ? push_query(a, u, &query) : NULL, *item = iq ? node_add(a, query, NS_ROSTER, "item") : NULL;

	if (item && node_set_attr(a, item, "jid", bare) == 0 &&
	    node_set_attr(a, item, "subscription", STR("remove")) == 0)
		to_interested(u, a, iq);
	arena_free(&a);
}

void roster_push_changed(struct user *u, struct roster_item *it)
{
	it->ver = next_version(&u->roster);
	push(u, it);
}

void roster_push_shared(struct user *u, struct str bare)
{
	const struct roster_item *it = roster_find(&u->roster, bare);

	if (it && it->listed)
		push(u, it);
	else
		push_end(u, bare);
}

void roster_push_removed(struct user *u, struct str bare)
{
	next_version(&u->roster);
	push_end(u, bare);
}
