/* pubsub_access.c - see pubsub_access.h. */
#include "pubsub/pubsub_access.h"

#include "core/user.h"

/* A roster item may change or go before the store thread looks: its groups are copied. */
static int copy_groups(struct arena *a, const struct roster_item *it, struct pubsub_viewer *w)
{
	struct str *groups = arena_alloc(a, (it->n_groups + 1) * sizeof(*groups));

	if (!groups)
		return ERR_LIMIT;
	for (size_t i = 0; i < it->n_groups; i++) {
		groups[i] = arena_str(a, it->groups[i]);
		if (!groups[i].p)
			return ERR_LIMIT;
	}
	w->groups = groups;
	w->n_groups = it->n_groups;
	return 0;
}

int pubsub_access_viewer(struct arena *a, const struct user *owner, struct str full, struct str bare, bool staff,
			 struct pubsub_viewer *ret)
{
	const struct roster_item *it;

	*ret = (struct pubsub_viewer){ .full = full, .bare = bare, .service = !owner, .staff = staff };
	if (!owner)
		return 0;
	ret->owner = str_eq(owner->bare, bare);
	it = roster_find(&owner->roster, bare);
	if (!it || ret->owner)
		return 0;
	ret->contact = it->sub == SUB_FROM || it->sub == SUB_BOTH;
	return copy_groups(a, it, ret);
}

enum pubsub_affiliation pubsub_access_affiliation(const struct pubsub_node *n, const struct pubsub_viewer *w)
{
	return w->owner ? AFFILIATION_OWNER : pubsub_node_affiliation(n, w->bare);
}

static bool in_group(struct str groups, struct str name)
{
	while (groups.n) {
		ptrdiff_t end = str_find_char(groups, '\n');
		size_t len = end < 0 ? groups.n : (size_t)end;

		if (str_eq(str_make(groups.p, len), name))
			return true;
		groups = str_cut(groups, len + 1);
	}
	return false;
}

static bool model_lets_read(const struct pubsub_node *n, const struct pubsub_viewer *w)
{
	switch ((enum pubsub_access)n->config.n[PUBSUB_ACCESS]) {
	case ACCESS_OPEN:
		return true;
	case ACCESS_PRESENCE:
		return w->contact;
	case ACCESS_ROSTER:
		for (size_t i = 0; w->contact && i < w->n_groups; i++)
			if (in_group(n->config.text[PUBSUB_GROUPS], w->groups[i]))
				return true;
		return false;
	case ACCESS_WHITELIST:
		return false;
	case ACCESS_AUTHORIZE:		/* an owner has said yes to him */
		return pubsub_node_subscribed_bare(n, w->bare);
	}
	return false;
}

bool pubsub_access_ask(const struct pubsub_node *n, const struct pubsub_viewer *w)
{
	return w->service && n->config.n[PUBSUB_ACCESS] == ACCESS_AUTHORIZE && pubsub_access_affiliation(n, w) != AFFILIATION_OUTCAST;
}

bool pubsub_access_read(const struct pubsub_node *n, const struct pubsub_viewer *w)
{
	switch (pubsub_access_affiliation(n, w)) {
	case AFFILIATION_OWNER:
	case AFFILIATION_PUBLISHER:
	case AFFILIATION_MEMBER:
		return true;
	case AFFILIATION_OUTCAST:
	case AFFILIATION_PUBLISH_ONLY:
		return false;
	case AFFILIATION_NONE:
		break;
	}
	return model_lets_read(n, w);
}

bool pubsub_access_publish(const struct pubsub_node *n, const struct pubsub_viewer *w)
{
	enum pubsub_affiliation is = pubsub_access_affiliation(n, w);

	if (is == AFFILIATION_OWNER || is == AFFILIATION_PUBLISHER || is == AFFILIATION_PUBLISH_ONLY)
		return true;
	if (is == AFFILIATION_OUTCAST || !pubsub_access_read(n, w))
		return false;
	switch ((enum pubsub_publishers)n->config.n[PUBSUB_PUBLISH_MODEL]) {
	case PUBLISH_PUBLISHERS:
		return false;
	case PUBLISH_SUBSCRIBERS:
		return pubsub_node_subscribed_bare(n, w->bare);
	case PUBLISH_OPEN:
		return true;
	}
	return false;
}

bool pubsub_access_own(const struct pubsub_node *n, const struct pubsub_viewer *w)
{
	return pubsub_access_affiliation(n, w) == AFFILIATION_OWNER;
}

int pubsub_access_denied(const struct pubsub_node *n, const struct pubsub_viewer *w)
{
	if (n && (pubsub_access_read(n, w) || pubsub_node_affiliation(n, w->bare) != AFFILIATION_NONE))
		return ERR_FORBIDDEN;
	return w->service || w->owner || w->contact ? ERR_NOT_FOUND : ERR_UNAVAILABLE;
}
