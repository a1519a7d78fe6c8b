/* Who is in a room and what he is there (rooms/room.h). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>

#include "core/outward.h"
#include "rooms/room.h"
#include "xmpp/jid.h"

/* --- what room.c calls of the server: nobody is connected ------------------------------------------------------- */

struct session *session_find(struct server *srv, uint64_t id)
{
	(void)srv;
	(void)id;
	return NULL;
}

void session_send(struct session *s, const struct node *stanza)
{
	(void)s;
	(void)stanza;
}

void session_send_bytes(struct session *s, struct str bytes)
{
	(void)s;
	(void)bytes;
}

int outward_send(struct server *srv, const struct jid *from, const struct jid *to, const struct node *stanza)
{
	(void)srv;
	(void)from;
	(void)to;
	(void)stanza;
	return 0;
}

void room_hats_free(struct room *r)
{
	(void)r;
}

void room_message_forget_all(struct room *r)
{
	(void)r;
}

/* --- the world ------------------------------------------------------------------------------------------------------- */

struct world {
	struct rooms rs;
	struct room *room;
	struct arena *a;
};

static int setup(void **state)
{
	struct world *w = calloc(1, sizeof(*w));

	assert_non_null(w);
	w->rs.domain = STR("rooms.example.test");
	w->rs.all = map_new(10);
	w->rs.clients = map_new(100);
	w->a = arena_new(1 << 20);
	assert_int_equal(room_new(&w->rs, STR("hall"), &w->room), 0);
	*state = w;
	return 0;
}

static struct jid who(struct world *w, const char *text)
{
	struct jid j;

	assert_int_equal(jid_parse(w->a, str_of(text), &j), 0);
	return j;
}

static struct device *enter(struct world *w, const char *nick, const char *full)
{
	struct jid j = who(w, full);
	struct device *d;

	assert_int_equal(room_enter(w->room, w->a, str_of(nick), &j, 1, &d), 0);
	return d;
}

static int teardown(void **state)
{
	struct world *w = *state;
	struct map_iter it = { 0 };
	bool last;
	void *d;

	while (map_next(w->room->devices, &it, NULL, &d)) {
		room_leave(d, &last);
		it = (struct map_iter){ 0 };
	}
	assert_int_equal(map_count(w->rs.clients), 0);
	room_free(&w->room);
	assert_int_equal(map_count(w->rs.all), 0);
	map_free(&w->rs.all);
	map_free(&w->rs.clients);
	arena_free(&w->a);
	free(w);
	return 0;
}

/* --- cases -------------------------------------------------------------------------------------------------------------- */

static void devices_of_one_account_share_a_nick(void **state)
{
	struct world *w = *state;
	struct device *one = enter(w, "Ann", "ann@example.test/phone"), *two = enter(w, "Ann", "ann@example.test/desk"), *d;
	struct jid ben = who(w, "ben@example.test/x");
	bool last;

	assert_ptr_equal(one->occupant, two->occupant);
	assert_int_equal(room_occupants(w->room), 1);
	assert_int_equal(room_enter(w->room, w->a, STR("Ann"), &ben, 1, &d), ERR_CONFLICT);
	room_leave(one, &last);
	assert_false(last);
	assert_int_equal(room_occupants(w->room), 1);
	room_leave(two, &last);
	assert_true(last);
	assert_int_equal(room_occupants(w->room), 0);
}

static void names_that_look_alike_are_one(void **state)
{
	struct world *w = *state;
	struct device *d = enter(w, "Alice", "ann@example.test/x");

	assert_ptr_equal(room_lookalike(w->room, w->a, STR("\xd0\x90lice")), d->occupant);
	assert_null(room_by_nick(w->room, w->a, STR("\xd0\x90lice")));
	assert_true(room_nick_taken(w->room, w->a, STR("\xd0\x90lice"), STR("ben@example.test")));
	assert_false(room_nick_taken(w->room, w->a, STR("Alice"), STR("ann@example.test")));
	assert_false(room_nick_taken(w->room, w->a, STR("Bob"), STR("ben@example.test")));
	assert_int_equal(room_rename(d->occupant, w->a, STR("Carol")), 0);
	assert_false(room_nick_taken(w->room, w->a, STR("Alice"), STR("ben@example.test")));
	assert_true(str_is(d->occupant->address, "hall@rooms.example.test/Carol"));
}

static void a_kept_nick_is_no_rank(void **state)
{
	struct world *w = *state;
	struct str ann = STR("ann@example.test");

	assert_int_equal(room_grant(w->room, ann, ROOM_STRANGER, STR("Ann"), STR_NONE), 0);
	assert_int_equal(room_affiliation_of(w->room, ann), ROOM_STRANGER);
	assert_true(room_nick_taken(w->room, w->a, STR("Ann"), STR("ben@example.test")));
	room_unreserve(w->room, ann);
	assert_int_equal(map_count(w->room->grants), 0);
	assert_int_equal(room_grant(w->room, ann, ROOM_ADMIN, STR("Ann"), STR_NONE), 0);
	room_unreserve(w->room, ann);
	assert_int_equal(room_affiliation_of(w->room, ann), ROOM_ADMIN);
	assert_false(room_nick_taken(w->room, w->a, STR("Ann"), STR("ben@example.test")));
}

static void roles_follow_affiliations(void **state)
{
	static const enum room_role open[] = { ROOM_NOBODY, ROOM_PARTICIPANT, ROOM_PARTICIPANT, ROOM_MODERATOR, ROOM_MODERATOR };
	struct world *w = *state;

	for (int i = 0; i <= ROOM_OWNER; i++) {
		w->room->config.moderated = false;
		assert_int_equal(room_default_role(w->room, (enum room_affiliation)i), open[i]);
		w->room->config.moderated = true;
		assert_int_equal(room_default_role(w->room, (enum room_affiliation)i), i == ROOM_STRANGER ? ROOM_VISITOR : open[i]);
	}
}

static void affiliations_have_a_maximum(void **state)
{
	struct world *w = *state;
	char text[64];

	for (int i = 0; i < ROOMS_AFFILIATIONS; i++) {
		snprintf(text, sizeof(text), "u%d@example.test", i);
		assert_int_equal(room_grant(w->room, str_of(text), i % 2 ? ROOM_OWNER : ROOM_MEMBER, STR_NONE, STR_NONE), 0);
	}
	assert_int_equal(room_grant(w->room, STR("more@example.test"), ROOM_MEMBER, STR_NONE, STR_NONE), ERR_LIMIT);
	assert_int_equal(room_grant(w->room, STR("u0@example.test"), ROOM_ADMIN, STR_NONE, STR_NONE), 0);
	assert_int_equal(room_owners(w->room), ROOMS_AFFILIATIONS / 2);
	assert_int_equal(room_owned_by(&w->rs, STR("u1@example.test")), 1);
	assert_int_equal(room_owned_by(&w->rs, STR("u0@example.test")), 0);
}

static void devices_have_a_maximum(void **state)
{
	struct world *w = *state;
	struct device *d;
	struct jid j;
	char text[64];

	for (int i = 0; i < ROOMS_DEVICES; i++) {
		snprintf(text, sizeof(text), "ann@example.test/r%d", i);
		enter(w, "Ann", text);
	}
	j = who(w, "ann@example.test/more");
	assert_int_equal(room_enter(w->room, w->a, STR("Ann"), &j, 1, &d), ERR_LIMIT);
	assert_int_equal(room_occupants(w->room), 1);
}

/* XEP-0421: the same whatever the nick, another in another room. */
static void occupant_ids_are_stable_and_tell_nothing(void **state)
{
	struct world *w = *state;
	struct device *d = enter(w, "Ann", "ann@example.test/x");
	struct str first = arena_str(w->a, d->occupant->id);
	struct room *other;
	struct jid ann = who(w, "ann@example.test/x");
	bool last;

	room_leave(d, &last);
	d = enter(w, "Other", "ann@example.test/y");
	assert_true(str_eq(first, d->occupant->id));
	assert_int_equal(room_new(&w->rs, STR("other"), &other), 0);
	assert_int_equal(room_enter(other, w->a, STR("Ann"), &ann, 1, &d), 0);
	assert_false(str_eq(first, d->occupant->id));
	room_leave(d, &last);
	room_free(&other);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(devices_of_one_account_share_a_nick, setup, teardown),
		cmocka_unit_test_setup_teardown(names_that_look_alike_are_one, setup, teardown),
		cmocka_unit_test_setup_teardown(a_kept_nick_is_no_rank, setup, teardown),
		cmocka_unit_test_setup_teardown(roles_follow_affiliations, setup, teardown),
		cmocka_unit_test_setup_teardown(affiliations_have_a_maximum, setup, teardown),
		cmocka_unit_test_setup_teardown(devices_have_a_maximum, setup, teardown),
		cmocka_unit_test_setup_teardown(occupant_ids_are_stable_and_tell_nothing, setup, teardown),
	};

	return cmocka_run_group_tests_name("rooms/room", tests, NULL, NULL);
}
