/* room_invite.c - messages to a room that are not talk: invitations and their answers (XEP-0045 7.8.2), requests for
 * voice (8.6). They pass through the room: it says who sent them and adds what the receiver needs. */
#include "rooms/room.h"

#include "core/gate.h"
#include "xmpp/jid.h"

#define INVITED_MOST 50		/* by one message */

/* With the id that its sender gave it (7.8.2, the examples). */
static struct node *from_room(struct trip *t, const struct room *r, struct str to)
{
	struct node *m = node_new(t->arena, NS_CLIENT, "message");
	struct str id = node_attr(t->stanza, "id");

	if (!m || node_set_attr(t->arena, m, "from", r->jid) < 0 || node_set_attr(t->arena, m, "to", to) < 0 ||
	    (id.n && node_set_attr(t->arena, m, "id", id) < 0))
		return NULL;
	return m;
}

static bool may_invite(const struct room *r, const struct occupant *o)
{
	if (room_affiliation_of(r, o->bare) >= ROOM_ADMIN)
		return true;
	return r->config.members_only ? r->config.member_invites : r->config.allow_invites;
}

/* "as value the bare JID, full JID, or occupant JID of the inviter": where addresses are hidden, his name in the room. */
static struct str inviter(const struct room *r, const struct occupant *o)
{
	return r->config.open_identity ? o->bare : o->address;
}

/* What the invited is told, as his client shows it: who, where, why, and the password if there is one. */
static int add_invitation(struct trip *t, const struct room *r, const struct occupant *o, struct node *m, const struct node *invite)
{
	struct node *x = node_add(t->arena, m, NS_MUC_USER, "x"), *i, *direct, *c;
	const struct node *reason = node_child(invite, NS_MUC_USER, "reason"), *more = node_child(invite, NS_MUC_USER, "continue");
	struct str why = reason ? node_text(t->arena, reason) : STR_NONE;

	i = x ? node_add(t->arena, x, NS_MUC_USER, "invite") : NULL;
	if (!i || why.n > ROOMS_TEXT || node_set_attr(t->arena, i, "from", inviter(r, o)) < 0)
		return ERR_LIMIT;
	if (why.n && !node_add_leaf(t->arena, i, NS_MUC_USER, "reason", why))
		return ERR_LIMIT;
	c = more ? node_add(t->arena, i, NS_MUC_USER, "continue") : NULL;	/* 7.9: a talk of two that goes on there */
	if (more && (!c || (node_has_attr(more, "thread") && node_set_attr(t->arena, c, "thread", node_attr(more, "thread")) < 0)))
		return ERR_LIMIT;
	if (r->config.password.n && !node_add_leaf(t->arena, x, NS_MUC_USER, "password", r->config.password))
		return ERR_LIMIT;
	direct = node_add(t->arena, m, NS_CONFERENCE, "x");		/* for clients that know XEP-0249 alone */
	return direct ? node_set_attr(t->arena, direct, "jid", r->jid) : ERR_LIMIT;
}

static int invite(struct trip *t, const struct room *r, const struct occupant *o, const struct node *invitation, struct str to)
{
	struct node *m = from_room(t, r, to);
	int err = m ? add_invitation(t, r, o, m, invitation) : ERR_LIMIT;

	if (err < 0)
		return err;
	/* Whom a guest from elsewhere invites decides about it as about anything of his (core/gate.h). */
	return gate_is_outsider(t) ? trip_emit_as(t->server, t->origin, m) : trip_emit(t->server, m);
}

/* Who becomes a member by it; the invitations go out when that is on disk. */
struct granting {
	struct trip *t;
	struct str local, whom[INVITED_MOST];
	size_t n;
};

static void take_back(struct room *r, const struct granting *g)
{
	for (size_t i = 0; r && i < g->n; i++)
		if (room_affiliation_of(r, g->whom[i]) == ROOM_MEMBER && room_grant(r, g->whom[i], ROOM_STRANGER, STR_NONE, STR_NONE) < 0)
			return;
}

static void granted(void *ctx, int err)
{
	struct granting *g = ctx;
	struct trip *t = g->t;

	if (err == 0) {
		trip_run(t);		/* once more, with nobody left to be made a member */
		return;
	}
	take_back(room_find(rooms_of(t->server), g->local), g);
	trip_refuse(t, err == ERR_FULL ? ERR_FULL : ERR_BUSY, "the invitation could not be stored; try again later");
}

static enum trip_next grant(struct trip *t, struct room *r, struct granting *g)
{
	int err = 0;

	for (size_t i = 0; err == 0 && i < g->n; i++)
		err = room_grant(r, g->whom[i], ROOM_MEMBER, STR_NONE, STR_NONE);
	if (err == 0)
		err = room_store_then(r, granted, g);
	if (err == 0)
		return TRIP_WAIT;
	take_back(r, g);
	return trip_refuse(t, err, NULL);
}

static enum trip_next invitations(struct trip *t, struct room *r, const struct occupant *o, const struct node *first)
{
	struct granting *g = arena_alloc(t->arena, sizeof(*g));
	struct str *to = arena_alloc(t->arena, INVITED_MOST * sizeof(*to));
	size_t n = 0;
	int err = 0;

	if (!o)
		return trip_refuse_cond(t, "modify", "not-acceptable", NULL);
	if (!may_invite(r, o))
		return trip_refuse_cond(t, "auth", "forbidden", NULL);
	if (!g || !to)
		return trip_refuse(t, ERR_LIMIT, NULL);
	*g = (struct granting){ .t = t, .local = arena_str(t->arena, r->local) };
	for (const struct node *i = first; i; i = node_child_next(i, NS_MUC_USER, "invite"), n++) {
		struct jid who;

		if (n == INVITED_MOST || !g->local.p)
			return trip_refuse(t, ERR_LIMIT, NULL);
		if (jid_parse(t->arena, node_attr(i, "to"), &who) < 0)
			return trip_refuse(t, ERR_JID, "an invitation needs the address of who is invited");
		if (room_affiliation_of(r, who.bare) == ROOM_OUTCAST)
			return trip_refuse_cond(t, "auth", "forbidden", NULL);
		to[n] = who.full;
		if (r->config.members_only && room_affiliation_of(r, who.bare) < ROOM_MEMBER)
			g->whom[g->n++] = who.bare;
	}
	if (g->n)
		return grant(t, r, g);
	n = 0;
	for (const struct node *i = first; i && err == 0; i = node_child_next(i, NS_MUC_USER, "invite"))
		err = invite(t, r, o, i, to[n++]);
	return err < 0 ? trip_refuse(t, err, NULL) : TRIP_NEXT;
}

/* The inviter, by his address or by his name in the room: to somebody in the room alone, it is no way to reach strangers. */
static const struct occupant *inviter_of(struct trip *t, const struct room *r, const struct node *declined, struct str *ret_to)
{
	const struct occupant *o;
	struct jid to;

	if (jid_parse(t->arena, node_attr(declined, "to"), &to) < 0)
		return NULL;
	o = str_eq(to.bare, r->jid) ? room_by_nick(r, t->arena, to.resource) : room_by_bare(r, to.bare);
	*ret_to = o && str_eq(to.bare, r->jid) ? o->bare : to.full;
	return o;
}

static enum trip_next decline(struct trip *t, const struct room *r, const struct node *declined)
{
	const struct node *reason = node_child(declined, NS_MUC_USER, "reason");
	struct str why = reason ? node_text(t->arena, reason) : STR_NONE, to;
	struct node *m, *x, *d;

	if (room_affiliation_of(r, t->from.bare) == ROOM_OUTCAST || why.n > ROOMS_TEXT || !inviter_of(t, r, declined, &to))
		return trip_refuse_cond(t, "modify", "not-acceptable", NULL);
	m = from_room(t, r, to);
	x = m ? node_add(t->arena, m, NS_MUC_USER, "x") : NULL;
	d = x ? node_add(t->arena, x, NS_MUC_USER, "decline") : NULL;
	if (!d || node_set_attr(t->arena, d, "from", t->from.bare) < 0 ||
	    (why.n && !node_add_leaf(t->arena, d, NS_MUC_USER, "reason", why)) || trip_emit(t->server, m) < 0)
		return trip_refuse(t, ERR_LIMIT, NULL);
	return TRIP_NEXT;
}

/* --- voice -------------------------------------------------------------------------------------------------- */

static struct str field(struct trip *t, const struct node *form, const char *var)
{
	for (const struct node *f = node_child(form, NS_XDATA, "field"); f; f = node_child_next(f, NS_XDATA, "field")) {
		const struct node *v = node_child(f, NS_XDATA, "value");

		if (str_is(node_attr(f, "var"), var))
			return v ? node_text(t->arena, v) : STR_NONE;
	}
	return STR_NONE;
}

static bool add_field(struct trip *t, struct node *form, const char *var, const char *type, const char *label, struct str value)
{
	struct node *f = node_add(t->arena, form, NS_XDATA, "field");

	return f && node_set_attr(t->arena, f, "var", str_of(var)) == 0 && node_set_attr(t->arena, f, "type", str_of(type)) == 0 &&
	       (!label || node_set_attr(t->arena, f, "label", str_of(label)) == 0) &&
	       node_add_leaf(t->arena, f, NS_XDATA, "value", value);
}

/* The visitor's wish, as a form for every moderator. */
static enum trip_next ask_for_voice(struct trip *t, struct room *r, const struct occupant *o)
{
	struct node *m = node_new(t->arena, NS_CLIENT, "message"), *form;
	struct map_iter it = { 0 };
	void *d;

	if (o->role != ROOM_VISITOR)
		return TRIP_NEXT;
	form = m ? node_add(t->arena, m, NS_XDATA, "x") : NULL;
	if (!form || node_set_attr(t->arena, m, "from", r->jid) < 0 || node_set_attr(t->arena, form, "type", STR("form")) < 0 ||
	    !add_field(t, form, "FORM_TYPE", "hidden", NULL, STR(NS_MUC_REQUEST)) ||
	    !add_field(t, form, "muc#role", "list-single", "Role", STR("participant")) ||
	    !add_field(t, form, "muc#jid", "jid-single", "Address", t->from.full) ||
	    !add_field(t, form, "muc#roomnick", "text-single", "Nickname", o->nick) ||
	    !add_field(t, form, "muc#request_allow", "boolean", "Let this person speak?", STR("false")))
		return trip_refuse(t, ERR_LIMIT, NULL);
	while (map_next(r->devices, &it, NULL, &d))
		if (((struct device *)d)->occupant->role == ROOM_MODERATOR)
			room_send_node(r->rooms, t->arena, d, m);
	return TRIP_NEXT;
}

static enum trip_next answer_voice(struct trip *t, struct room *r, const struct occupant *o, const struct node *form)
{
	struct occupant *who = room_by_nick(r, t->arena, field(t, form, "muc#roomnick"));
	struct str allow = field(t, form, "muc#request_allow");

	if (o->role != ROOM_MODERATOR)
		return trip_refuse_cond(t, "auth", "forbidden", NULL);
	if (who && who->role == ROOM_VISITOR && (str_is(allow, "true") || str_is(allow, "1"))) {
		who->role = ROOM_PARTICIPANT;
		room_seat_keep_all(who);
		room_presence_show(who, NULL);
	}
	return TRIP_NEXT;
}

enum trip_next room_invite_admit(struct trip *t, struct room *r, const struct occupant *o)
{
	const struct node *x = node_child(t->stanza, NS_MUC_USER, "x"), *form = node_child(t->stanza, NS_XDATA, "x"), *i;

	if (t->hold)
		return TRIP_NEXT;		/* it is done when it is let go */
	if (x && (i = node_child(x, NS_MUC_USER, "invite")) != NULL)
		return invitations(t, r, o, i);
	if (x && (i = node_child(x, NS_MUC_USER, "decline")) != NULL)
		return decline(t, r, i);
	if (form && o && str_is(field(t, form, "FORM_TYPE"), NS_MUC_REQUEST))
		return field(t, form, "muc#request_allow").n ? answer_voice(t, r, o, form) : ask_for_voice(t, r, o);
	if (!o)
		return trip_refuse_cond(t, "modify", "not-acceptable", NULL);
	return trip_refuse(t, ERR_BAD_REQUEST, "messages to all in a room are of type groupchat");
}
