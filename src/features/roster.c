/* roster.c - RFC 6121 2: the contact list, its versions and pushes. */
#include "core/roster_push.h"

#include "base/limits.h"
#include "base/log.h"
#include "core/component.h"
#include "core/mod.h"
#include "core/sm.h"
#include "core/state.h"

#define ROSTER_BYTES (3u << 19)

static void stream_features(struct server *srv, struct arena *a, struct node *features)
{
	(void)srv;
	node_add(a, features, NS_ROSTERVER, "ver");
}

static int on_get(struct iq *iq)
{
	const struct roster *r = &iq->user->roster;
	struct node *query;
	struct map_iter it = { 0 };
	char ver[ROSTER_VERSION];
	void *item;

	roster_version(r, ver);
	if (iq->session) {
		iq->session->roster_wanted = true;
		if (iq->session->sm)
			iq->session->sm->dirty = true;
	}
	if (node_has_attr(iq->payload, "ver") && str_is(node_attr(iq->payload, "ver"), ver) && (r->ver > 0 || r->shared_sum))
		return iq_reply(iq, NULL);
	query = node_new(iq->arena, NS_ROSTER, "query");
	if (!query || node_set_attr(iq->arena, query, "ver", arena_str(iq->arena, str_of(ver))) < 0)
		return ERR_LIMIT;
	while (r->items && map_next(r->items, &it, NULL, &item))
		if (((struct roster_item *)item)->listed && !roster_push_item(iq->arena, query, item))
			return ERR_LIMIT;
	return iq_reply(iq, query);
}

struct wish {
	struct jid jid;
	struct str name, groups[LIMIT_ROSTER_GROUPS];
	size_t n_groups;
	bool remove;
	bool decides;			/* a component about its own people: sub is what they are to the account */
	enum roster_sub sub;
};

/* RFC 6121 2.3.3 */
static int read_groups(struct iq *iq, const struct node *item, struct wish *w)
{
	for (const struct node *g = node_child(item, NS_ROSTER, "group"); g; g = node_child_next(g, NS_ROSTER, "group")) {
		struct str text = node_text(iq->arena, g);

		if (text.n == 0 || text.n > LIMIT_ROSTER_NAME || w->n_groups == LIMIT_ROSTER_GROUPS)
			return ERR_NOT_ACCEPTABLE;
		for (size_t i = 0; i < w->n_groups; i++)
			if (str_eq(w->groups[i], text))
				return ERR_BAD_REQUEST;
		w->groups[w->n_groups++] = text;
	}
	return 0;
}

/* XEP-0356: a gateway knows who is whose contact in the network behind it. */
static void read_sub(const struct iq *iq, const struct node *item, struct wish *w)
{
	static const enum roster_sub all[] = { SUB_NONE, SUB_TO, SUB_FROM, SUB_BOTH };

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		if (!str_is(node_attr(item, "subscription"), roster_sub_text(all[i])))
			continue;
		w->decides = iq->target == TO_ACCOUNT && str_eq(w->jid.domain, iq->trip->from.domain);
		w->sub = all[i];
	}
}

static int read_wish(struct iq *iq, struct wish *w)
{
	const struct node *item = node_first_element(iq->payload);
	int r;

	if (!item || !node_is(item, NS_ROSTER, "item") || node_next_element(item))
		return ERR_BAD_REQUEST;
	r = jid_parse(iq->arena, node_attr(item, "jid"), &w->jid);
	if (r < 0)
		return r == ERR_JID ? ERR_BAD_REQUEST : r;
	if (str_eq(w->jid.bare, iq->user->bare))
		return ERR_NOT_ALLOWED;
	read_sub(iq, item, w);
	w->remove = str_is(node_attr(item, "subscription"), "remove");
	w->name = node_attr(item, "name");
	if (w->name.n > LIMIT_ROSTER_NAME)
		return ERR_NOT_ACCEPTABLE;
	return read_groups(iq, item, w);
}

static void on_saved(void *ctx, int err)
{
	struct trip *t = ctx;

	trip_iq_result(t, err < 0 ? err : iq_reply(t->iq, NULL));
}

static int emit(struct iq *iq, struct str to, const char *type)
{
	struct node *p = node_new(iq->arena, NS_CLIENT, "presence");

	if (!p || node_set_attr(iq->arena, p, "from", iq->user->bare) < 0 || node_set_attr(iq->arena, p, "to", to) < 0 ||
	    node_set_attr(iq->arena, p, "type", str_of(type)) < 0)
		return ERR_LIMIT;
	return trip_emit(iq->server, p);
}

/* RFC 6121 2.5.2: what both had of each other ends. */
static int remove_contact(struct iq *iq, struct str bare)
{
	struct roster *r = &iq->user->roster;
	struct roster_item *it = roster_find(r, bare);
	enum roster_sub sub;
	bool ask, asked;
	struct str copy;

	if (!it || !it->listed)
		return ERR_NOT_FOUND;
	sub = it->sub;
	ask = it->ask;
	asked = it->pending_in;
	copy = arena_str(iq->arena, bare);
	if (!copy.p)
		return ERR_LIMIT;
	roster_push_removed(iq->user, copy);
	roster_remove(r, copy);
	if ((sub == SUB_TO || sub == SUB_BOTH || ask) && emit(iq, copy, "unsubscribe") < 0)
		return ERR_LIMIT;
	if ((sub == SUB_FROM || sub == SUB_BOTH || asked) && emit(iq, copy, "unsubscribed") < 0)
		return ERR_LIMIT;
	return 0;
}

/* A roster is stored as one value, with the requests of others in it: names and groups must leave room. */
static bool fits(const struct roster *r, const struct wish *w)
{
	size_t n = w->jid.bare.n + w->name.n + 64;
	struct buf b;
	bool ok;

	for (size_t i = 0; i < w->n_groups; i++)
		n += w->groups[i].n + 4;
	buf_init(&b, ROSTER_BYTES);
	ok = roster_encode(r, &b) == 0 && b.n + n <= ROSTER_BYTES;
	buf_release(&b);
	return ok;
}

/* A client that sends an item back has the server's groups in it: they are not his. */
static void drop_shared(const struct roster_item *it, struct wish *w)
{
	size_t n = 0;

	for (size_t i = 0; i < w->n_groups; i++) {
		bool shared = false;

		for (size_t k = 0; k < it->n_shared; k++)
			shared = shared || str_eq(it->shared[k], w->groups[i]);
		if (!shared)
			w->groups[n++] = w->groups[i];
	}
	w->n_groups = n;
	if (it->n_shared && str_eq(w->name, it->shared_name))
		w->name = STR_NONE;
}

static int set_contact(struct iq *iq, struct wish *w)
{
	struct roster_item *it = roster_find(&iq->user->roster, w->jid.bare);
	int r;

	if (it)
		drop_shared(it, w);
	if ((!it || !(it->n_shared ? it->own_listed : it->listed)) && roster_listed(&iq->user->roster) >= LIMIT_ROSTER)
		return ERR_LIMIT;
	if (!fits(&iq->user->roster, w))
		return ERR_LIMIT;
	r = roster_get(&iq->user->roster, w->jid.bare, &it);
	if (r == 0)
		r = roster_item_set(it, w->name, w->groups, w->n_groups);
	if (r < 0)
		return r;
	it->listed = it->own_listed = true;
	if (w->decides && !it->n_shared) {
		it->sub = w->sub;
		it->ask = false;
	}
	roster_push_changed(iq->user, it);
	return 0;
}

static int on_set(struct iq *iq)
{
	struct wish *w = arena_alloc(iq->arena, sizeof(*w));
	int r = w ? read_wish(iq, w) : ERR_LIMIT;

	if (r == 0 && w->remove && roster_is_shared(roster_find(&iq->user->roster, w->jid.bare)))
		return iq_refuse(iq, ERR_NOT_ALLOWED, "The company's policy puts this contact into your list.");
	if (r == 0)
		r = w->remove ? remove_contact(iq, w->jid.bare) : set_contact(iq, w);
	if (r < 0)
		return r;
	user_save_roster(iq->user, on_saved, iq->trip);
	return IQ_LATER;
}

static int on_query(struct iq *iq)
{
	unsigned may = iq->type == IQ_GET ? CONFIG_MAY_ROSTER_GET : CONFIG_MAY_ROSTER_SET;

	/* To who is from elsewhere, and may not read rosters, an account is as one that is not there. */
	if (iq->target == TO_ACCOUNT && trip_is_foreign(iq->trip) && !component_may(iq->trip, CONFIG_MAY_ROSTER_GET | may))
		return ERR_UNAVAILABLE;
	if (iq->target == TO_ACCOUNT && !component_may(iq->trip, may))
		return ERR_FORBIDDEN;
	if (iq->target == TO_SELF && !iq->session)
		return ERR_UNAVAILABLE;
	return iq->type == IQ_GET ? on_get(iq) : on_set(iq);
}

static const struct iq_hook iqs[] = {
	{ IQ_GET | IQ_SET, NS_ROSTER, "query", TO_SELF | TO_ACCOUNT, on_query },
	{ 0 }
};

static const struct mod_hooks hooks = { .stream_features = stream_features };

const struct mod_def mod_roster = {
	.name = "roster",
	.disco_account = (const char *const[]){ NS_ROSTER, NULL },
	.disco_server = (const char *const[]){ NS_ROSTER, NULL },
	.iq = iqs,
	.hooks = &hooks,
};
