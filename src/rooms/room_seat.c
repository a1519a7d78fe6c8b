/* room_seat.c - who is in a room outlives a restart of the server.
 *
 * A client that resumes its stream (XEP-0198) goes on as if nothing had happened: so it has to be in its rooms still, as
 * do occupants of other domains, whom nobody told. One small sealed value is kept for each; it is written when
 * somebody comes, goes, or is called otherwise; what he says of himself in between (away, back) some seconds later, and
 * when the server stops. Local clients without a resumable stream
 * are not kept: they have to sign in again, and join again.
 */
#include "rooms/room.h"

#include <stdlib.h>

#include "base/log.h"
#include "core/sm.h"
#include "vault/vault_pack.h"
#include "xmpp/jid.h"

#define VERSION 1
#define AWAY UINT64_MAX			/* the session it belongs to has not come back yet */
#define STALE_MS 5000			/* a change of presence is written by then */
#define STALE_MOST 200			/* seats written at once; the others a turn later */
#define WAIT_MS 10000			/* stored streams are back in the first turns of the loop */

/* --- writing ------------------------------------------------------------------------------------------------------ */

struct write {
	struct str room, full;
	struct buf value;
	bool remove;
};

static int write_work(struct vault *v, void *ctx)
{
	const struct write *w = ctx;

	return w->remove ? vault_item_remove(v, w->room, ITEM_OCCUPANT, w->full) :
			   vault_item_put(v, w->room, ITEM_OCCUPANT, w->full, buf_str(&w->value));
}

static void write_done(void *ctx, int err)
{
	struct write *w = ctx;

	if (err < 0)
		log_event(LOG_WARN, "rooms.seat_not_kept", LOG_Z("why", err_text(err)));
	room_text_free(&w->room);
	room_text_free(&w->full);
	buf_release(&w->value);
	free(w);
}

static int write_new(struct device *d, bool removal, struct write **ret)
{
	struct occupant *o = d->occupant;
	struct write *w = calloc(1, sizeof(*w));
	int err;

	if (!w)
		return ERR_NOMEM;
	buf_init(&w->value, ROOMS_STANZA_BYTES + 4 * ROOMS_NICK);
	w->remove = removal;
	vault_pack_u32(&w->value, VERSION);
	vault_pack_str(&w->value, o->nick);
	vault_pack_u32(&w->value, (uint32_t)o->role);
	vault_pack_u32(&w->value, d->session_id == 0);
	vault_pack_str(&w->value, d->presence.p ? d->presence : STR_NONE);
	err = w->value.failed ? ERR_LIMIT : room_text_set(&w->room, o->room->jid);
	if (err == 0)
		err = room_text_set(&w->full, d->full);
	if (err < 0)
		write_done(w, err);
	else
		*ret = w;
	return err;
}

static void write_seat(struct device *d, bool removal)
{
	struct write *w = NULL;
	int err = write_new(d, removal, &w);

	list_remove(&d->of_stale);
	if (err == 0)
		err = server_store(d->occupant->room->rooms->server, w, write_work, write_done);
	if (err < 0 && w)
		write_done(w, err);
}

static void on_stale(void *ctx)
{
	struct rooms *rs = ctx;

	for (unsigned n = 0; n < STALE_MOST && !list_empty(&rs->stale); n++)
		write_seat(LIST_ITEM(rs->stale.next, struct device, of_stale), false);
	if (!list_empty(&rs->stale))
		loop_timer_set(rs->server->loop, &rs->stale_timer, 100, on_stale, rs);
}

void room_seat_stale(struct device *d)
{
	struct rooms *rs = d->occupant->room->rooms;

	if (!d->kept || !list_empty(&d->of_stale))
		return;
	if (list_empty(&rs->stale))
		loop_timer_set(rs->server->loop, &rs->stale_timer, STALE_MS, on_stale, rs);
	list_append(&rs->stale, &d->of_stale);
}

static int write_stale(struct rooms *rs, struct vault *v)
{
	int err = vault_begin(v);

	if (err < 0)
		return err;
	while (err == 0 && !list_empty(&rs->stale)) {
		struct device *d = LIST_ITEM(rs->stale.next, struct device, of_stale);
		struct write *w = NULL;

		list_remove(&d->of_stale);
		err = write_new(d, false, &w);
		if (err < 0)
			continue;
		err = write_work(v, w);
		write_done(w, err);
	}
	if (err == 0)
		return vault_commit(v);
	vault_rollback(v);
	return err;
}

void room_seat_stop(struct rooms *rs)
{
	loop_timer_cancel(rs->server->loop, &rs->stale_timer);
	if (list_empty(&rs->stale))
		return;
	if (write_stale(rs, rs->server->vault) < 0)
		log_event(LOG_WARN, "rooms.seats_not_kept", LOG_Z("why", "what some say of themselves is older than it was"));
}

/* Nobody of a server that stops leaves by it. */
static bool worth(const struct device *d)
{
	const struct session *s = session_find(d->occupant->room->rooms->server, d->session_id);

	return d->session_id == 0 || (s && s->sm && s->sm->resumable);
}

void room_seat_keep(struct device *d)
{
	if (d->occupant->room->going || !worth(d))
		return;
	d->kept = true;
	write_seat(d, false);
}

void room_seat_keep_all(struct occupant *o)
{
	for (struct list *it = o->devices.next; it != &o->devices; it = it->next)
		room_seat_keep(LIST_ITEM(it, struct device, of_occupant));
}

void room_seat_give_up(struct device *d)
{
	if (d->kept)
		write_seat(d, true);
	d->kept = false;
}

/* --- reading ------------------------------------------------------------------------------------------------------ */

static bool may_sit(const struct room *r, struct str bare)
{
	enum room_affiliation a = room_affiliation_of(r, bare);

	return a != ROOM_OUTCAST && (!r->config.members_only || a >= ROOM_MEMBER);
}

/* What is damaged or not allowed any more is left out: its client will find that it is not in the room. */
static void seat(struct room *r, const struct vault_item *it, struct arena *a)
{
	struct vault_unpack u = { .rest = it->value };
	uint32_t version = vault_unpack_u32(&u), role, foreign;
	struct str nick = vault_unpack_str(&u), presence;
	struct device *d;
	struct jid who;
	bool last;

	role = vault_unpack_u32(&u);
	foreign = vault_unpack_u32(&u);
	presence = vault_unpack_str(&u);
	if (version != VERSION || vault_unpack_end(&u) < 0 || role > ROOM_MODERATOR || role == ROOM_NOBODY ||
	    jid_parse(a, it->key, &who) < 0 || !may_sit(r, who.bare) || room_device(r, who.full) ||
	    room_enter(r, a, nick, &who, foreign ? 0 : AWAY, &d) < 0)
		return;
	d->kept = true;
	d->occupant->role = (enum room_role)role;
	if (room_text_set(&d->presence, presence) < 0)
		room_leave(d, &last);
}

int room_seat_load(struct room *r, struct vault *v)
{
	struct arena *a = arena_new((size_t)256 << 20);
	struct vault_item *items;
	size_t n;
	int err = a ? vault_item_list(v, r->jid, ITEM_OCCUPANT, a, &items, &n) : ERR_NOMEM;

	for (size_t i = 0; err == 0 && i < n; i++)
		seat(r, &items[i], a);
	arena_free(&a);
	return err;
}

void room_seat_restored(struct rooms *rs, struct session *s)
{
	struct client *c = map_get(rs->clients, s->full);

	for (struct list *it = c ? c->devices.next : NULL; it && it != &c->devices; it = it->next) {
		struct device *d = LIST_ITEM(it, struct device, of_client);

		if (d->session_id == AWAY)
			d->session_id = s->id;
	}
}

static struct device *still_away(const struct room *r)
{
	struct map_iter it = { 0 };
	void *d;

	while (map_next(r->devices, &it, NULL, &d))
		if (((struct device *)d)->session_id == AWAY)
			return d;
	return NULL;
}

static void on_time(void *ctx)
{
	static const struct room_change why = { .statuses = { 332 }, .n_statuses = 1,
						.reason = STR("The server was started anew, and this client has not come back.") };
	struct rooms *rs = ctx;
	struct map_iter it = { 0 };
	struct device *d;
	void *r;

	while (map_next(rs->all, &it, NULL, &r)) {
		while ((d = still_away(r)) != NULL)
			room_presence_left(d, &why, NULL);
		if (rooms_settle(r))
			it = (struct map_iter){ 0 };
	}
}

void room_seat_wait(struct rooms *rs)
{
	loop_timer_set(rs->server->loop, &rs->seats, WAIT_MS, on_time, rs);
}
