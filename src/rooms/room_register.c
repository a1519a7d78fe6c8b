/* room_register.c - a nick that is kept for somebody (XEP-0045 7.10, XEP-0077).
 *
 * It reserves the name and gives nothing else: who comes in, and who is a member, stays with the admins. So it is open
 * to accounts of this server and to who belongs to the room already, and never a way into one for members.
 */
#include "rooms/room.h"

#include "xmpp/form.h"
#include "xmpp/jid.h"

static bool may(const struct iq *iq, const struct room *r)
{
	enum room_affiliation a = room_affiliation_of(r, iq->trip->from.bare);

	if (a >= ROOM_MEMBER)
		return true;
	return a == ROOM_STRANGER && !r->config.members_only && iq->trip->from_user;
}

static int show(struct iq *iq, const struct room_grant *g)
{
	struct node *q = node_new(iq->arena, NS_REGISTER, "query");
	struct form f;
	int r;

	if (!q)
		return ERR_LIMIT;
	if (g && g->nick.n) {
		if (!node_add(iq->arena, q, NS_REGISTER, "registered") ||
		    !node_add_leaf(iq->arena, q, NS_REGISTER, "username", g->nick))
			return ERR_LIMIT;
		return iq_reply(iq, q);
	}
	if (!node_add_leaf(iq->arena, q, NS_REGISTER, "instructions", STR("The name that is kept for you in this room.")))
		return ERR_LIMIT;
	form_begin(&f, iq->arena, q, "form", NS_MUC_REGISTER);
	form_text(&f, "title", "Registration");
	form_field(&f, "text-single", "muc#register_roomnick", "Nickname", (struct str){ 0 });
	form_required(&f);
	r = form_end(&f);
	return r < 0 ? r : iq_reply(iq, q);
}

static int leave(struct iq *iq, struct room *r, struct room_grant *g)
{
	if (!g || g->nick.n == 0)
		return ERR_NOT_FOUND;
	room_unreserve(r, iq->trip->from.bare);
	return room_store_answer(iq, r);
}

static int reserve(struct iq *iq, struct room *r, struct str wanted)
{
	struct str bare = iq->trip->from.bare, nick;
	int err;

	if (wanted.n == 0)
		return ERR_BAD_REQUEST;
	if (wanted.n > ROOMS_NICK || jid_prep_resource(iq->arena, wanted, &nick) < 0 || !room_nick_fits(nick))
		return ERR_NOT_ACCEPTABLE;
	if (room_nick_taken(r, iq->arena, nick, bare))
		return ERR_CONFLICT;
	room_unreserve(r, bare);
	err = room_grant(r, bare, room_affiliation_of(r, bare), nick, STR_NONE);
	if (err < 0)
		return err;
	return room_store_answer(iq, r);
}

int room_register_on(struct iq *iq)
{
	struct room *r = rooms_addressed(iq);
	const struct node *form = node_child(iq->payload, NS_XDATA, "x");
	struct room_grant *g;

	if (!r || r->locked)
		return ERR_NOT_FOUND;
	if (!may(iq, r))
		return ERR_NOT_ALLOWED;
	g = map_get(r->grants, iq->trip->from.bare);
	if (iq->type == IQ_GET)
		return show(iq, g);
	if (node_child(iq->payload, NS_REGISTER, "remove"))
		return leave(iq, r, g);
	if (!form || !str_is(node_attr(form, "type"), "submit") ||
	    !str_is(form_get(iq->arena, form, "FORM_TYPE"), NS_MUC_REGISTER))
		return ERR_BAD_REQUEST;
	return reserve(iq, r, form_get(iq->arena, form, "muc#register_roomnick"));
}
