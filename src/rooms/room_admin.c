/* room_admin.c - muc#admin (XEP-0045 8, 9, 10.3-10.8): kick, voice, ban, members, moderators, admins, owners.
 *
 * One list of rules decides who may change what; it is asked before anything is changed, so a request with several
 * items is done whole or not at all.
 */
#include "rooms/room.h"

#include "xmpp/jid.h"

#define ITEMS_MOST 200		/* of one request */

struct item {
	struct str nick, bare, reason;
	bool has_role, has_affiliation;
	enum room_role role;
	enum room_affiliation affiliation;
	struct occupant *target;	/* of a role */
};

struct asker {
	struct room *room;
	struct str bare, nick;		/* nick empty: he is not in the room */
	enum room_affiliation affiliation;
	enum room_role role;
};

static void asker_of(const struct iq *iq, struct room *r, struct asker *ret)
{
	const struct device *d = room_device(r, iq->trip->from.full);

	*ret = (struct asker){ .room = r, .bare = iq->trip->from.bare, .nick = d ? arena_str(iq->arena, d->occupant->nick) : STR_NONE,
			       .affiliation = room_account_rank(iq->trip, r),
			       .role = d ? d->occupant->role : ROOM_NOBODY };
}

static int cond(struct iq *iq, const char *type, const char *condition)
{
	trip_refuse_cond(iq->trip, type, condition, NULL);
	return IQ_LATER;
}

/* --- lists ----------------------------------------------------------------------------------------------------- */

static bool may_read_affiliations(const struct asker *w, enum room_affiliation a)
{
	if (w->affiliation >= ROOM_ADMIN)
		return true;
	/* XEP-0045 9.5: occupants may see who belongs where everybody is known; elsewhere it would tell addresses. */
	return a >= ROOM_MEMBER && w->role != ROOM_NOBODY && w->room->config.open_identity;
}

static int add_grant(struct iq *iq, struct node *q, struct str bare, const struct room_grant *g)
{
	struct node *i = node_add(iq->arena, q, NS_MUC_ADMIN, "item");
	int r = i ? node_set_attr(iq->arena, i, "jid", bare) : ERR_LIMIT;

	if (r == 0)
		r = node_set_attr(iq->arena, i, "affiliation", str_of(room_affiliation_name(g->affiliation)));
	if (r == 0 && g->nick.n)
		r = node_set_attr(iq->arena, i, "nick", g->nick);
	if (r == 0 && g->reason.n && !node_add_leaf(iq->arena, i, NS_MUC_ADMIN, "reason", g->reason))
		r = ERR_LIMIT;
	return r;
}

static int list_affiliations(struct iq *iq, const struct asker *w, struct node *q, enum room_affiliation a)
{
	struct map_iter it = { 0 };
	struct str bare;
	void *g;
	int r = 0;

	if (!may_read_affiliations(w, a))
		return cond(iq, "auth", "forbidden");
	while (r == 0 && map_next(w->room->grants, &it, &bare, &g))
		if (((struct room_grant *)g)->affiliation == a)
			r = add_grant(iq, q, bare, g);
	return r < 0 ? r : iq_reply(iq, q);
}

static int add_occupant(struct iq *iq, struct node *q, const struct occupant *o)
{
	const struct device *d = LIST_ITEM(o->devices.prev, struct device, of_occupant);
	struct node *i = node_add(iq->arena, q, NS_MUC_ADMIN, "item");
	int r = i ? node_set_attr(iq->arena, i, "nick", o->nick) : ERR_LIMIT;

	if (r == 0)
		r = node_set_attr(iq->arena, i, "role", str_of(room_role_name(o->role)));
	if (r == 0)
		r = node_set_attr(iq->arena, i, "affiliation", str_of(room_affiliation_name(room_affiliation_of(o->room, o->bare))));
	return r < 0 ? r : node_set_attr(iq->arena, i, "jid", d->full);
}

static int list_roles(struct iq *iq, const struct asker *w, struct node *q, enum room_role role)
{
	struct map_iter it = { 0 };
	void *o;
	int r = 0;

	if (w->role != ROOM_MODERATOR && w->affiliation < ROOM_ADMIN)
		return cond(iq, "auth", "forbidden");
	while (r == 0 && map_next(w->room->nicks, &it, NULL, &o))
		if (((struct occupant *)o)->role == role)
			r = add_occupant(iq, q, o);
	return r < 0 ? r : iq_reply(iq, q);
}

static int on_get(struct iq *iq, const struct asker *w)
{
	const struct node *item = node_child(iq->payload, NS_MUC_ADMIN, "item");
	struct node *q = node_new(iq->arena, NS_MUC_ADMIN, "query");
	enum room_affiliation a;
	enum room_role role;

	if (!q)
		return ERR_LIMIT;
	if (item && node_has_attr(item, "affiliation"))
		return room_affiliation_parse(node_attr(item, "affiliation"), &a) && a != ROOM_STRANGER ?
		       list_affiliations(iq, w, q, a) : ERR_BAD_REQUEST;
	if (item && node_has_attr(item, "role"))
		return room_role_parse(node_attr(item, "role"), &role) && role != ROOM_NOBODY ? list_roles(iq, w, q, role) : ERR_BAD_REQUEST;
	return ERR_BAD_REQUEST;
}

/* --- changes ------------------------------------------------------------------------------------------------------- */

static int read_item(struct iq *iq, struct room *r, const struct node *n, struct item *ret)
{
	const struct node *reason = node_child(n, NS_MUC_ADMIN, "reason");
	struct str nick = node_attr(n, "nick");
	struct jid jid;

	*ret = (struct item){ .nick = STR_NONE, .bare = STR_NONE, .reason = reason ? node_text(iq->arena, reason) : STR_NONE };
	if (nick.n && jid_prep_resource(iq->arena, nick, &ret->nick) < 0)
		return ERR_JID;
	ret->has_role = node_has_attr(n, "role");
	ret->has_affiliation = node_has_attr(n, "affiliation");
	if (ret->has_role == ret->has_affiliation || ret->reason.n > ROOMS_TEXT || ret->nick.n > ROOMS_NICK)
		return ERR_BAD_REQUEST;
	if (node_has_attr(n, "jid")) {
		if (jid_parse(iq->arena, node_attr(n, "jid"), &jid) < 0)
			return ERR_JID;
		ret->bare = jid.bare;
	}
	if (ret->nick.n)
		ret->target = room_by_nick(r, iq->arena, ret->nick);
	if (ret->bare.n == 0 && ret->target) {
		ret->bare = arena_str(iq->arena, ret->target->bare);	/* he may be put out while it is still in use */
		if (!ret->bare.p)
			return ERR_LIMIT;
	}
	if (ret->has_role)
		return !room_role_parse(node_attr(n, "role"), &ret->role) ? ERR_BAD_REQUEST : ret->target ? 0 : ERR_NOT_FOUND;
	if (!room_affiliation_parse(node_attr(n, "affiliation"), &ret->affiliation))
		return ERR_BAD_REQUEST;
	return !ret->bare.p ? ERR_LIMIT : ret->bare.n ? 0 : ERR_NOT_FOUND;
}

/* XEP-0045 8.2, 8.3, 9.6: NULL when he may, else the condition. */
static const char *may_change_role(const struct asker *w, const struct item *i)
{
	enum room_affiliation theirs = room_affiliation_of(w->room, i->target->bare);

	if (w->role != ROOM_MODERATOR)
		return "forbidden";
	if (i->role == ROOM_MODERATOR)
		return w->affiliation >= ROOM_ADMIN ? NULL : "forbidden";
	/* Nobody is put below what a higher affiliation gives, nor by somebody beneath him. */
	if (theirs >= ROOM_ADMIN && (theirs > w->affiliation || i->role != ROOM_NOBODY || theirs == w->affiliation))
		return "not-allowed";
	if (theirs > w->affiliation)
		return "not-allowed";
	if (i->target->role == ROOM_MODERATOR && w->affiliation < ROOM_ADMIN && i->role != ROOM_MODERATOR)
		return "not-allowed";
	return NULL;
}

/* XEP-0045 9.1-9.4, 10.3-10.6, 5.2.2. */
static const char *may_change_affiliation(const struct asker *w, const struct item *i)
{
	enum room_affiliation theirs = room_affiliation_of(w->room, i->bare);

	if (w->affiliation < ROOM_ADMIN)
		return "forbidden";
	if (str_eq(w->bare, i->bare) && i->affiliation == ROOM_OUTCAST)
		return "conflict";
	if (w->affiliation < ROOM_OWNER && (i->affiliation >= ROOM_ADMIN || theirs >= ROOM_ADMIN))
		return theirs >= ROOM_ADMIN && i->affiliation < ROOM_ADMIN ? "not-allowed" : "forbidden";
	if (i->affiliation == ROOM_OUTCAST && theirs >= ROOM_ADMIN && w->affiliation < ROOM_OWNER)
		return "not-allowed";
	return NULL;
}

/* The room keeps an owner, whatever the order of the items. */
static bool owners_left(const struct room *r, const struct item *v, size_t n)
{
	unsigned owners = room_owners(r);

	if (owners == 0)
		return true;		/* it had none before: room_account.c */
	for (size_t i = 0; i < n; i++) {
		bool was = v[i].has_affiliation && room_affiliation_of(r, v[i].bare) == ROOM_OWNER;

		if (v[i].has_affiliation && v[i].affiliation == ROOM_OWNER && !was)
			owners++;
		if (was && v[i].affiliation != ROOM_OWNER)
			owners--;
	}
	return owners > 0;
}

static void change_role(struct iq *iq, const struct asker *w, const struct item *i)
{
	struct room_change why = { .actor_nick = w->nick, .reason = i->reason };
	struct occupant *o = room_by_nick(w->room, iq->arena, i->nick);

	if (!o || o != i->target)
		return;			/* an earlier item of the request has put him out */
	if (i->role == ROOM_NOBODY) {
		why.statuses[why.n_statuses++] = 307;
		room_presence_remove(o, &why);
		return;
	}
	o->role = i->role;
	room_seat_keep_all(o);
	room_presence_show(o, &why);
}

static struct node *absent_item(struct iq *iq, const struct asker *w, const struct item *i, struct node *x)
{
	struct node *item = node_add(iq->arena, x, NS_MUC_USER, "item"), *actor;

	if (!item || node_set_attr(iq->arena, item, "jid", i->bare) < 0 ||
	    node_set_attr(iq->arena, item, "affiliation", str_of(room_affiliation_name(i->affiliation))) < 0 ||
	    node_set_attr(iq->arena, item, "role", STR("none")) < 0)
		return NULL;
	actor = w->nick.n ? node_add(iq->arena, item, NS_MUC_USER, "actor") : NULL;
	if (w->nick.n && (!actor || node_set_attr(iq->arena, actor, "nick", w->nick) < 0))
		return NULL;
	return i->reason.n && !node_add_leaf(iq->arena, item, NS_MUC_USER, "reason", i->reason) ? NULL : item;
}

/* What somebody who is not in the room is now (XEP-0045 9.3, example): for those who see addresses. A ban with 301, as if
 * he had been in it (9.1). */
static void tell_absent(struct iq *iq, const struct asker *w, const struct item *i)
{
	struct node *m = node_new(iq->arena, NS_CLIENT, "message"), *x, *s;
	struct map_iter it = { 0 };
	void *d;

	x = m ? node_add(iq->arena, m, NS_MUC_USER, "x") : NULL;
	if (!x || !absent_item(iq, w, i, x) || node_set_attr(iq->arena, m, "from", w->room->jid) < 0)
		return;
	s = i->affiliation == ROOM_OUTCAST ? node_add(iq->arena, x, NS_MUC_USER, "status") : NULL;
	if (i->affiliation == ROOM_OUTCAST && (!s || node_set_attr(iq->arena, s, "code", STR("301")) < 0))
		return;
	while (map_next(w->room->devices, &it, NULL, &d)) {
		const struct device *to = d;

		if (to->occupant->role == ROOM_MODERATOR || w->room->config.open_identity)
			room_send_node(w->room->rooms, iq->arena, to, m);
	}
}

static int change_affiliation(struct iq *iq, const struct asker *w, const struct item *i)
{
	struct room_change why = { .actor_nick = w->nick, .reason = i->reason };
	struct room *r = w->room;
	bool present = room_by_bare(r, i->bare);
	struct str nick = i->target || i->affiliation == ROOM_OUTCAST ? STR_NONE : i->nick;
	int err = room_grant(r, i->bare, i->affiliation, nick, i->reason);

	if (err < 0)
		return err;
	if (i->affiliation == ROOM_OUTCAST) {
		room_unreserve(r, i->bare);	/* 9.1: his nickname is anybody's again */
		why.statuses[why.n_statuses++] = 301;
	} else if (r->config.members_only && i->affiliation < ROOM_MEMBER) {
		why.statuses[why.n_statuses++] = 321;
	}
	if (present)
		room_presence_changed(r, i->bare, &why);
	else
		tell_absent(iq, w, i);
	return 0;
}

static int apply(struct iq *iq, const struct asker *w, const struct item *v, size_t n)
{
	bool save = false;
	int r = 0;

	for (size_t i = 0; i < n && r == 0; i++) {
		if (v[i].has_role) {
			change_role(iq, w, &v[i]);
			continue;
		}
		r = change_affiliation(iq, w, &v[i]);
		save = true;
	}
	if (r == 0)
		r = save ? room_store_answer(iq, w->room) : iq_reply(iq, NULL);
	else if (save)
		room_store_save(w->room);	/* what was changed before it failed holds */
	rooms_settle(w->room);
	return r;
}

static int on_set(struct iq *iq, const struct asker *w)
{
	struct item *v = arena_alloc(iq->arena, ITEMS_MOST * sizeof(*v));
	const char *no;
	size_t n = 0;
	int r;

	if (!v)
		return ERR_LIMIT;
	for (const struct node *c = node_child(iq->payload, NS_MUC_ADMIN, "item"); c; c = node_child_next(c, NS_MUC_ADMIN, "item")) {
		if (n == ITEMS_MOST)
			return ERR_LIMIT;
		if (w->role != ROOM_MODERATOR && w->affiliation < ROOM_ADMIN)
			return cond(iq, "auth", "forbidden");	/* before it is said what exists */
		r = read_item(iq, w->room, c, &v[n]);
		if (r < 0)
			return r;
		no = v[n].has_role ? may_change_role(w, &v[n]) : may_change_affiliation(w, &v[n]);
		if (no)
			return cond(iq, strcmp(no, "forbidden") == 0 ? "auth" : "cancel", no);
		n++;
	}
	if (n == 0)
		return ERR_BAD_REQUEST;
	if (!owners_left(w->room, v, n))
		return cond(iq, "cancel", "conflict");
	return apply(iq, w, v, n);
}

int room_admin_on(struct iq *iq)
{
	struct room *r = rooms_addressed(iq);
	struct asker w;

	if (!r)
		return ERR_NOT_FOUND;
	asker_of(iq, r, &w);
	if (!w.nick.p)
		return ERR_LIMIT;
	return iq->type == IQ_GET ? on_get(iq, &w) : on_set(iq, &w);
}
