/* rooms.c - the rooms of this server as a service (core/service.h): rooms.DOMAIN. */
#include <stdlib.h>

#include "rooms/room.h"

struct rooms *rooms_of(const struct server *srv)
{
	return srv->rooms;
}

static struct str domain(const struct server *srv)
{
	return srv->rooms ? srv->rooms->domain : STR_NONE;
}

static struct room *addressed(const struct trip *t)
{
	return t->to.local.n ? room_find(rooms_of(t->server), t->to.local) : NULL;
}

struct room *rooms_addressed(const struct iq *iq)
{
	struct room *r = addressed(iq->trip);

	return r && !r->going ? r : NULL;
}

static unsigned audience(struct server *srv, const struct jid *to)
{
	const struct room *r = to->resource.n ? NULL : room_find(rooms_of(srv), to->local);

	return r ? (unsigned)room_occupants(r) : 1;
}

static enum trip_next admit(struct trip *t)
{
	struct room *r;

	if (t->kind == STANZA_MESSAGE && t->to.local.n == 0)
		return trip_refuse(t, ERR_UNAVAILABLE, NULL);
	if (t->kind != STANZA_MESSAGE)
		return TRIP_NEXT;
	r = addressed(t);
	return room_message_admit(t, r && !r->going ? r : NULL);
}

static int plan(struct trip *t)
{
	return room_message_plan(t, addressed(t));
}

static enum trip_next deliver(struct trip *t)
{
	switch (t->kind) {
	case STANZA_MESSAGE:
		return room_message_deliver(t, addressed(t));
	case STANZA_PRESENCE:
		if (t->to.local.n == 0)
			return TRIP_NEXT;
		return room_presence(t, addressed(t));
	case STANZA_IQ:
		return room_iq_forward(t, addressed(t));
	case STANZA_OTHER:
		break;
	}
	return TRIP_NEXT;
}

static const struct service_ops service = {
	.domain = domain,
	.audience = audience,
	.admit = admit,
	.plan = plan,
	.write = room_message_write,
	.deliver = deliver,
	.purged = room_purge,
};

/* --- a room's end ------------------------------------------------------------------------------------------ */

bool rooms_settle(struct room *r)
{
	if (room_occupants(r) > 0 || r->config.persistent || r->going)
		return false;
	room_store_remove(r);
	room_free(&r);
	return true;
}

static void everybody_out(struct room *r, const struct room_change *why)
{
	struct map_iter it = { 0 };
	void *o;

	while (map_next(r->nicks, &it, NULL, &o)) {
		room_presence_remove(o, why);
		it = (struct map_iter){ 0 };
	}
}

struct ending {
	struct str local, destroy;
	struct room_save *save;
};

static int ending_work(struct vault *v, struct iq *iq)
{
	const struct ending *e = iq->data;

	return room_store_put(v, e->save);
}

static int ending_done(struct iq *iq, int err)
{
	struct ending *e = iq->data;
	struct room *r = room_find(rooms_of(iq->server), e->local);
	const struct room_change why = { .destroy = e->destroy };

	room_store_end(&e->save, err);
	if (r && err < 0) {
		r->going = false;
		rooms_settle(r);
	} else if (r) {
		everybody_out(r, &why);
		room_free(&r);
	}
	return err < 0 ? err : iq_reply(iq, NULL);
}

int rooms_destroy(struct iq *iq, struct room *r, struct str destroy)
{
	struct ending *e = arena_alloc(iq->arena, sizeof(*e));
	int err;

	if (!e)
		return ERR_LIMIT;
	*e = (struct ending){ .local = arena_str(iq->arena, r->local), .destroy = arena_str(iq->arena, destroy) };
	if (!e->local.p || !e->destroy.p)
		return ERR_LIMIT;
	err = room_store_begin(r, true, &e->save);
	if (err < 0)
		return err;
	iq->data = e;
	err = iq_store(iq, ending_work, ending_done);
	if (err < 0)
		room_store_end(&e->save, 0);
	else
		r->going = true;
	return err;
}

/* --- sessions that end --------------------------------------------------------------------------------------- */

static void session_gone(struct session *s)
{
	struct rooms *rs = rooms_of(s->server);
	struct client *c = rs ? map_get(rs->clients, s->full) : NULL;

	/* A server that stops says goodbye to everybody itself. */
	if (s->server->stopping)
		return;
	for (; c; c = map_get(rs->clients, s->full)) {
		struct device *d = LIST_ITEM(c->devices.next, struct device, of_client);
		struct room *r = d->occupant->room;

		room_presence_left(d, NULL, NULL);
		rooms_settle(r);
	}
}

static void session_restored(struct session *s)
{
	if (rooms_of(s->server))
		room_seat_restored(rooms_of(s->server), s);
}

/* XEP-0045 7.14: who goes offline leaves. */
static void presence_out(struct session *s, struct trip *t, bool initial)
{
	(void)t;
	(void)initial;
	if (!s->available)
		session_gone(s);
}

/* --- start and end ---------------------------------------------------------------------------------------------- */

static int start(struct server *srv)
{
	const char *configured = srv->config->rooms.domain;
	struct rooms *rs = calloc(1, sizeof(*rs));
	struct jid jid;
	struct str name;
	int r;

	if (!rs)
		return ERR_NOMEM;
	srv->rooms = rs;
	rs->server = srv;
	list_init(&rs->stale);
	name = configured[0] ? str_of(configured) : arena_printf(srv->names, "rooms.%.*s", STR_FMT(srv->domain));
	r = name.p ? jid_parse(srv->names, name, &jid) : ERR_NOMEM;
	if (r < 0)
		return r;
	rs->domain = jid.domain;
	rs->all = map_new(ROOMS_MOST);
	rs->clients = map_new((size_t)ROOMS_MOST * 10);
	vault_secret(srv->vault, "occupant ids", rs->id_key);
	r = rs->all && rs->clients ? room_store_load(rs, srv->vault) : ERR_NOMEM;
	if (r == 0)
		r = room_account_load(rs, srv->vault);
	if (r == 0)
		room_seat_wait(rs);
	return r;
}

/* Nobody is told: the sessions are gone, or come back to the next server. */
static void forget_occupants(struct room *r)
{
	struct map_iter it = { 0 };
	bool last;
	void *d;

	while (map_next(r->devices, &it, NULL, &d)) {
		room_leave(d, &last);
		it = (struct map_iter){ 0 };
	}
}

static void stop(struct server *srv)
{
	struct rooms *rs = srv->rooms;
	struct map_iter it = { 0 };
	void *v;

	if (!rs)
		return;
	loop_timer_cancel(srv->loop, &rs->seats);
	room_seat_stop(rs);
	room_account_stop(rs);
	while (rs->all && map_next(rs->all, &it, NULL, &v)) {
		struct room *r = v;

		forget_occupants(r);
		room_free(&r);
		it = (struct map_iter){ 0 };
	}
	map_free(&rs->all);
	map_free(&rs->clients);
	free(rs);
	srv->rooms = NULL;
}

static void disco_items(struct iq *iq, struct node *query)
{
	struct str name = domain(iq->server);
	struct node *item = iq->target == TO_SERVER && name.n ? node_add(iq->arena, query, NS_DISCO_ITEMS, "item") : NULL;

	if (item && (node_set_attr(iq->arena, item, "jid", name) < 0 || node_set_attr(iq->arena, item, "name", STR("Rooms")) < 0))
		node_remove(item);
}

static const struct iq_hook iqs[] = {
	{ IQ_GET, NS_DISCO_INFO, "query", TO_SERVICE | TO_ROOM, room_disco_info },
	{ IQ_GET, NS_DISCO_ITEMS, "query", TO_SERVICE | TO_ROOM, room_disco_items },
	{ IQ_GET | IQ_SET, NS_MUC_ADMIN, "query", TO_ROOM, room_admin_on },
	{ IQ_GET | IQ_SET, NS_MUC_OWNER, "query", TO_ROOM, room_owner_on },
	{ IQ_GET | IQ_SET, NS_VCARD, "vCard", TO_ROOM, room_avatar_on },
	{ IQ_GET | IQ_SET, NS_REGISTER, "query", TO_ROOM, room_register_on },
	{ IQ_SET, NS_COMMANDS, "command", TO_ROOM, room_hats_on },
	{ IQ_SET, NS_MODERATE, "moderate", TO_ROOM, room_archive_moderate },
	{ IQ_SET, NS_FASTEN, "apply-to", TO_ROOM, room_archive_moderate },
	{ IQ_GET, NS_PING, "ping", TO_SERVICE | TO_ROOM, room_iq_ping },
	{ IQ_GET, NS_PING, "ping", TO_OCCUPANT, room_iq_ping_occupant },
	{ 0 }
};

static const struct mod_hooks hooks = {
	.server_start = start,
	.server_stop = stop,
	.session_gone = session_gone,
	.session_restored = session_restored,
	.presence_out = presence_out,
	.disco_items = disco_items,
	.archive_access = room_archive_access,
	.account_removed = room_account_removed,
	.policy_changed = room_wall_policy,
};

const struct mod_def mod_rooms = {
	.name = "rooms",
	.xep = 45,
	.xep_version = "1.34.6",
	.iq = iqs,
	.hooks = &hooks,
	.service = &service,
};
