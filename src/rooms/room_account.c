/* room_account.c - an account that is gone has left every room: what it was and the nicks kept for it go with it, or
 * whoever gets its name next would inherit them.
 *
 * The vault notes who was removed in the transaction of the removal (ITEM_GONE), also when no server runs; the note goes
 * when the rooms are on disk without him. A room that loses its last owner by it is its admins' from then on; one
 * without admins is looked after by the company's administrators (room_account_rank).
 */
#include <stdlib.h>

#include "base/log.h"
#include "rooms/room.h"

#define START_BYTES ((size_t)256 << 20)

static void inherit(struct room *r)
{
	static const struct room_change none = { 0 };
	struct map_iter it = { 0 };
	struct str bare;
	void *v;

	if (room_owners(r) > 0)
		return;
	while (map_next(r->grants, &it, &bare, &v)) {
		struct room_grant *g = v;

		if (g->affiliation != ROOM_ADMIN)
			continue;
		g->affiliation = ROOM_OWNER;
		room_presence_changed(r, bare, &none);
	}
}

/* True when the room has changed. */
static bool drop(struct room *r, struct str bare)
{
	static const struct room_change none = { 0 };
	const struct room_grant *g = map_get(r->grants, bare);
	bool worn = room_hats_drop(r, bare), owner = g && g->affiliation == ROOM_OWNER;

	if (!g)
		return worn;
	room_unreserve(r, bare);
	if (room_grant(r, bare, ROOM_STRANGER, STR_NONE, STR_NONE) < 0)
		return worn;
	room_presence_changed(r, bare, &none);
	if (owner)
		inherit(r);
	return true;
}

static void drop_everywhere(struct rooms *rs, struct str bare)
{
	struct map_iter it = { 0 };
	void *v;

	while (map_next(rs->all, &it, NULL, &v)) {
		struct room *r = v;

		r->unsaved = drop(r, bare) || r->unsaved;
	}
}

static void save_changed(struct rooms *rs)
{
	struct map_iter it = { 0 };
	void *v;

	while (map_next(rs->all, &it, NULL, &v)) {
		struct room *r = v;

		if (r->unsaved)
			room_store_save(r);
		r->unsaved = false;
	}
}

enum room_affiliation room_account_rank(const struct trip *t, const struct room *r)
{
	enum room_affiliation a = room_affiliation_of(r, t->from.bare);

	if (a < ROOM_OWNER && t->origin == TRIP_CLIENT && t->from_user && t->from_user->role == ROLE_ADMIN && room_owners(r) == 0)
		return ROOM_OWNER;
	return a;
}

/* --- the note ------------------------------------------------------------------------------------------------ */

struct note {
	struct str domain, bare;
};

static int note_work(struct vault *v, void *ctx)
{
	const struct note *n = ctx;

	return vault_item_remove(v, n->domain, ITEM_GONE, n->bare);
}

static void note_done(void *ctx, int err)
{
	struct note *n = ctx;

	if (err < 0)
		log_event(LOG_WARN, "rooms.note_not_removed", LOG_Z("why", err_text(err)));
	room_text_free(&n->domain);
	room_text_free(&n->bare);
	free(n);
}

/* Behind the rooms it was about: the store keeps the order. */
static void forget_note(struct rooms *rs, struct str bare)
{
	struct note *n = calloc(1, sizeof(*n));
	int err = n ? room_text_set(&n->domain, rs->server->domain) : ERR_NOMEM;

	if (err == 0)
		err = room_text_set(&n->bare, bare);
	if (err == 0)
		err = server_store(rs->server, n, note_work, note_done);
	if (err < 0 && n)
		note_done(n, err);
}

void room_account_removed(struct server *srv, struct str bare)
{
	struct rooms *rs = rooms_of(srv);

	if (!rs)
		return;
	drop_everywhere(rs, bare);
	save_changed(rs);
	forget_note(rs, bare);
}

/* --- the start -------------------------------------------------------------------------------------------------- */

/* The store's thread works now. */
static void on_started(void *ctx)
{
	struct rooms *rs = ctx;

	save_changed(rs);
	for (size_t i = 0; i < rs->n_gone; i++)
		forget_note(rs, rs->gone[i].key);
	arena_free(&rs->gone_arena);
	rs->gone = NULL;
	rs->n_gone = 0;
}

int room_account_load(struct rooms *rs, struct vault *v)
{
	int err;

	rs->gone_arena = arena_new(START_BYTES);
	err = rs->gone_arena ? vault_item_list(v, rs->server->domain, ITEM_GONE, rs->gone_arena, &rs->gone, &rs->n_gone) : ERR_NOMEM;
	if (err < 0)
		return err;
	for (size_t i = 0; i < rs->n_gone; i++)
		drop_everywhere(rs, rs->gone[i].key);
	loop_timer_set(rs->server->loop, &rs->started, 0, on_started, rs);
	return 0;
}

void room_account_stop(struct rooms *rs)
{
	loop_timer_cancel(rs->server->loop, &rs->started);
	arena_free(&rs->gone_arena);
}
