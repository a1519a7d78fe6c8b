/* room_iq.c - requests from one occupant to another through the room (XEP-0045 17.4), and pings (XEP-0410).
 *
 * The room asks on behalf of the asker, under its own id, and brings the answer back: neither side learns the other's
 * address. What is about the person, not the client (vCard), is asked of the account.
 */
#include "core/ask.h"
#include "rooms/room.h"
#include "xmpp/jid.h"

struct asked {
	struct server *srv;
	struct arena *arena;
	struct str from, to, id;	/* the asker's request */
	struct str bare;		/* of who is asked: never shown */
};

static void reply(void *ctx, const struct node *answer)
{
	struct asked *k = ctx;
	struct node *r = answer ? node_dup(k->arena, answer) : node_new(k->arena, NS_CLIENT, "iq"), *e;
	int err = r ? node_set_attr(k->arena, r, "from", k->to) : ERR_LIMIT;

	if (err == 0)
		err = node_set_attr(k->arena, r, "to", k->from);
	if (err == 0)
		err = node_set_attr(k->arena, r, "id", k->id);
	if (err == 0 && !answer) {
		err = node_set_attr(k->arena, r, "type", STR("error"));
		e = err == 0 ? node_add(k->arena, r, NS_CLIENT, "error") : NULL;
		if (!e || node_set_attr(k->arena, e, "type", STR("wait")) < 0 ||
		    !node_add(k->arena, e, NS_STANZAS, "remote-server-timeout"))
			err = ERR_LIMIT;
	}
	if (err == 0)
		err = trip_emit(k->srv, r);
	arena_free(&k->arena);
}

static bool about_the_person(const struct node *payload)
{
	return payload && (str_is(payload->ns, NS_VCARD) || str_is(payload->ns, NS_VCARD4) || str_is(payload->ns, NS_PUBSUB));
}

static struct asked *asked_new(const struct trip *t)
{
	struct arena *a = arena_new(LIMIT_STANZA_BYTES_MAX * 8);
	struct asked *k = a ? arena_alloc(a, sizeof(*k)) : NULL;

	if (!k) {
		arena_free(&a);
		return NULL;
	}
	k->srv = t->server;
	k->arena = a;
	k->from = arena_str(a, t->from.full);
	k->to = arena_str(a, t->to.full);
	k->id = arena_str(a, node_attr(t->stanza, "id"));
	if (!k->from.p || !k->to.p || !k->id.p)
		arena_free(&a);
	return a ? k : NULL;
}

static int forward(struct trip *t, const struct occupant *from, const struct occupant *to)
{
	const struct device *d = LIST_ITEM(to->devices.prev, struct device, of_occupant);
	struct asked *k = asked_new(t);
	struct node *iq = k ? node_dup(k->arena, t->stanza) : NULL;
	int r;

	if (!k)
		return ERR_NOMEM;
	r = iq ? node_set_attr(k->arena, iq, "from", from->address) : ERR_LIMIT;
	if (r == 0)
		r = node_set_attr(k->arena, iq, "to", about_the_person(node_first_element(iq)) ? to->bare : d->full);
	if (r == 0)
		r = ask_send(t->server, k->arena, iq, reply, k);
	if (r < 0)
		arena_free(&k->arena);
	return r;
}

enum trip_next room_iq_forward(struct trip *t, struct room *r)
{
	struct str type = node_attr(t->stanza, "type");
	const struct device *d = r ? room_device(r, t->from.full) : NULL;
	const struct occupant *to = r && t->to.resource.n ? room_by_nick(r, t->arena, t->to.resource) : NULL;
	int err;

	if (!str_is(type, "get") && !str_is(type, "set"))
		return TRIP_NEXT;		/* an answer that comes too late */
	if (t->to.local.n && !r)
		return trip_refuse(t, ERR_NOT_FOUND, NULL);
	if (t->to.resource.n == 0)
		return trip_refuse(t, ERR_UNAVAILABLE, NULL);
	if (!d)
		return trip_refuse_cond(t, "modify", "not-acceptable", NULL);
	if (!to)
		return trip_refuse(t, ERR_NOT_FOUND, NULL);
	err = forward(t, d->occupant, to);
	return err < 0 ? trip_refuse(t, err, NULL) : TRIP_NEXT;
}

int room_iq_ping(struct iq *iq)
{
	if (iq->target == TO_ROOM && !rooms_addressed(iq))
		return ERR_NOT_FOUND;
	return iq_reply(iq, NULL);
}

/* XEP-0410: his own nick is answered by the room; anybody else's is asked there. */
int room_iq_ping_occupant(struct iq *iq)
{
	struct trip *t = iq->trip;
	struct room *r = rooms_addressed(iq);
	const struct device *d = r ? room_device(r, t->from.full) : NULL;
	const struct occupant *to = d ? room_by_nick(r, t->arena, t->to.resource) : NULL;
	int err;

	if (!d) {
		trip_refuse_cond(t, "cancel", "not-acceptable", NULL);
		return IQ_LATER;
	}
	if (!to)
		return ERR_NOT_FOUND;
	if (to == d->occupant)
		return iq_reply(iq, NULL);
	err = forward(t, d->occupant, to);
	if (err < 0)
		return err;
	trip_end(t);
	return IQ_LATER;
}
