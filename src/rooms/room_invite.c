/* room_invite.c - messages to a room that are not talk: invitations and their answers (XEP-0045 7.8.2), requests for
 * voice (8.6). They pass through the room: it says who sent them and adds what the receiver needs. */
#include "rooms/room.h"

#include "xmpp/jid.h"

static struct node *from_room(struct trip *t, const struct room *r, struct str to)
{
	struct node *m = node_new(t->arena, NS_CLIENT, "message");

	if (!m || node_set_attr(t->arena, m, "from", r->jid) < 0 || node_set_attr(t->arena, m, "to", to) < 0)
		return NULL;
	return m;
}

static bool may_invite(const struct room *r, const struct occupant *o)
{
	if (room_affiliation_of(r, o->bare) >= ROOM_ADMIN)
		return true;
	return r->config.members_only ? r->config.member_invites : r->config.allow_invites;
}

/* What the invited is told, as his client shows it: who, where, why, and the password if there is one. */
static int add_invitation(struct trip *t, const struct room *r, struct node *m, const struct node *invite)
{
	struct node *x = node_add(t->arena, m, NS_MUC_USER, "x"), *i, *direct;
	const struct node *reason = node_child(invite, NS_MUC_USER, "reason");
	struct str why = reason ? node_text(t->arena, reason) : STR_NONE;

	i = x ? node_add(t->arena, x, NS_MUC_USER, "invite") : NULL;
	if (!i || why.n > ROOMS_TEXT || node_set_attr(t->arena, i, "from", t->from.full) < 0)
		return ERR_LIMIT;
	if (why.n && !node_add_leaf(t->arena, i, NS_MUC_USER, "reason", why))
		return ERR_LIMIT;
	if (r->config.password.n && !node_add_leaf(t->arena, x, NS_MUC_USER, "password", r->config.password))
		return ERR_LIMIT;
	direct = node_add(t->arena, m, NS_CONFERENCE, "x");		/* for clients that know XEP-0249 alone */
	return direct ? node_set_attr(t->arena, direct, "jid", r->jid) : ERR_LIMIT;
}

static enum trip_next invite(struct trip *t, struct room *r, const struct occupant *o, const struct node *invitation)
{
	struct node *m;
	struct jid to;
	int err;

	if (!o)
		return trip_refuse_cond(t, "modify", "not-acceptable", NULL);
	if (!may_invite(r, o))
		return trip_refuse_cond(t, "auth", "forbidden", NULL);
	if (jid_parse(t->arena, node_attr(invitation, "to"), &to) < 0)
		return trip_refuse(t, ERR_JID, "an invitation needs the address of who is invited");
	if (room_affiliation_of(r, to.bare) == ROOM_OUTCAST)
		return trip_refuse_cond(t, "auth", "forbidden", NULL);
	m = from_room(t, r, to.full);
	err = m ? add_invitation(t, r, m, invitation) : ERR_LIMIT;
	if (err == 0 && r->config.members_only && room_affiliation_of(r, to.bare) < ROOM_MEMBER) {
		err = room_grant(r, to.bare, ROOM_MEMBER, STR_NONE, STR_NONE);
		if (err == 0)
			room_store_save(r);
	}
	if (err == 0)
		err = trip_emit(t->server, m);
	return err < 0 ? trip_refuse(t, err, NULL) : TRIP_NEXT;
}

static enum trip_next decline(struct trip *t, struct room *r, const struct node *declined)
{
	const struct node *reason = node_child(declined, NS_MUC_USER, "reason");
	struct str why = reason ? node_text(t->arena, reason) : STR_NONE;
	struct node *m, *x, *d;
	struct jid to;

	/* To somebody in the room alone: it is no way to reach strangers. */
	if (jid_parse(t->arena, node_attr(declined, "to"), &to) < 0 || !room_by_bare(r, to.bare) || why.n > ROOMS_TEXT)
		return trip_refuse_cond(t, "modify", "not-acceptable", NULL);
	m = from_room(t, r, to.full);
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
	if (x && (i = node_child(x, NS_MUC_USER, "invite")) != NULL) {
		for (; i; i = node_child_next(i, NS_MUC_USER, "invite"))
			if (invite(t, r, o, i) != TRIP_NEXT)
				return TRIP_ENDED;	/* and the stanza with it */
		return TRIP_NEXT;
	}
	if (x && (i = node_child(x, NS_MUC_USER, "decline")) != NULL)
		return decline(t, r, i);
	if (form && o && str_is(field(t, form, "FORM_TYPE"), NS_MUC_REQUEST))
		return field(t, form, "muc#request_allow").n ? answer_voice(t, r, o, form) : ask_for_voice(t, r, o);
	if (!o)
		return trip_refuse_cond(t, "modify", "not-acceptable", NULL);
	return trip_refuse(t, ERR_BAD_REQUEST, "messages to all in a room are of type groupchat");
}
