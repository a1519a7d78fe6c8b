/* room_presence.c - coming, going, and being seen in a room (XEP-0045 7.1, 7.2, 7.6, 7.14, 8.2, 9.1).
 *
 * Who joins gets the others' presence, then his own with status 110, then history and subject. Presence is written
 * once for each of the kinds of reader (does he see addresses, is it about himself) and sent to all of them.
 */
#include "rooms/room.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "core/policy_step.h"
#include "xmpp/jid.h"
#include "xmpp/wire.h"

#define SELF 1
#define NAMED 2			/* shows the real address */
#define KINDS 4

/* Elements of a client's presence that speak for the room. */
static const struct {
	const char *ns, *name;
} of_the_room[] = {
	{ NS_MUC, "x" }, { NS_MUC_USER, "x" }, { NS_OCCUPANT_ID, "occupant-id" }, { NS_HATS, "hats" }, { NS_DELAY, "delay" },
};

struct showing {
	struct rooms *rooms;
	const struct room *room;
	struct arena *arena;
	struct node *base;		/* <presence/> from the occupant, without <x/> */
	const struct room_change *why;
	struct str id, jid, bare, nick;
	bool external;			/* of another domain */
	enum room_affiliation affiliation;
	enum room_role role;
	struct str written[KINDS];
};

/* --- writing it ------------------------------------------------------------------------------------------------ */

static int add_status(struct arena *a, struct node *x, unsigned code)
{
	struct node *s = node_add(a, x, NS_MUC_USER, "status");
	struct str text = arena_printf(a, "%u", code);

	return s && text.p ? node_set_attr(a, s, "code", text) : ERR_LIMIT;
}

static int add_item(struct showing *w, struct node *x, bool named)
{
	struct node *item = node_add(w->arena, x, NS_MUC_USER, "item"), *actor;
	int r = item ? node_set_attr(w->arena, item, "affiliation", str_of(room_affiliation_name(w->affiliation))) : ERR_LIMIT;

	if (r == 0)
		r = node_set_attr(w->arena, item, "role", str_of(room_role_name(w->role)));
	if (r == 0 && named)
		r = node_set_attr(w->arena, item, "jid", w->jid);
	if (r == 0 && w->why && w->why->new_nick.n)
		r = node_set_attr(w->arena, item, "nick", w->why->new_nick);
	if (r == 0 && w->why && w->why->actor_nick.n) {
		actor = node_add(w->arena, item, NS_MUC_USER, "actor");
		r = actor ? node_set_attr(w->arena, actor, "nick", w->why->actor_nick) : ERR_LIMIT;
	}
	if (r == 0 && w->why && w->why->reason.n && !node_add_leaf(w->arena, item, NS_MUC_USER, "reason", w->why->reason))
		r = ERR_LIMIT;
	return r;
}

static int add_x(struct showing *w, struct node *p, unsigned kind)
{
	struct node *id = node_add(w->arena, p, NS_OCCUPANT_ID, "occupant-id"), *x, *destroy;
	int r = id ? node_set_attr(w->arena, id, "id", w->id) : ERR_LIMIT;

	if (r == 0)
		r = room_hats_show(w->room, w->bare, w->external, w->arena, p);
	x = r == 0 ? node_add(w->arena, p, NS_MUC_USER, "x") : NULL;
	r = x ? add_item(w, x, kind & NAMED) : ERR_LIMIT;
	if (r == 0 && (kind & SELF))
		r = add_status(w->arena, x, 110);
	for (unsigned i = 0; r == 0 && w->why && i < w->why->n_statuses; i++) {
		unsigned code = w->why->statuses[i];

		/* What the room says to who enters or makes it is for him alone. */
		if ((kind & SELF) || !(code == 100 || code == 170 || code == 201 || code == 210))
			r = add_status(w->arena, x, code);
	}
	if (r == 0 && w->why && w->why->destroy.n) {
		r = wire_parse(w->arena, w->why->destroy, &destroy);
		if (r == 0)
			node_append(x, destroy);
	}
	return r;
}

static struct str written(struct showing *w, unsigned kind)
{
	struct node *p;
	struct buf b;

	if (w->written[kind].p)
		return w->written[kind];
	p = node_dup(w->arena, w->base);
	if (!p || add_x(w, p, kind) < 0)
		return STR_NONE;
	buf_init(&b, ROOMS_STANZA_BYTES);
	if (room_write(&b, p) == 0)
		w->written[kind] = arena_str(w->arena, buf_str(&b));
	buf_release(&b);
	return w->written[kind].p ? w->written[kind] : STR_NONE;
}

static void show_to(struct showing *w, const struct device *d, bool self)
{
	bool named = d->occupant->room->config.open_identity || d->occupant->role == ROOM_MODERATOR;
	struct str bytes = written(w, (self ? SELF : 0u) | (named ? NAMED : 0u));

	if (bytes.n)
		room_send(w->rooms, d, bytes);
}

static void show_to_all(struct showing *w, struct room *r, const struct occupant *of, const struct device *but)
{
	struct map_iter it = { 0 };
	void *d;

	while (map_next(r->devices, &it, NULL, &d))
		if (d != but)
			show_to(w, d, ((struct device *)d)->occupant == of);
}

static struct node *gone_presence(struct arena *a, const struct occupant *o)
{
	struct node *p = node_new(a, NS_CLIENT, "presence");

	if (!p || node_set_attr(a, p, "from", o->address) < 0 || node_set_attr(a, p, "type", STR("unavailable")) < 0)
		return NULL;
	return p;
}

/* base NULL: the last device's presence. */
static bool showing_begin(struct showing *w, struct occupant *o, struct node *base, const struct room_change *why)
{
	struct room *r = o->room;
	struct device *d = list_empty(&o->devices) ? NULL : LIST_ITEM(o->devices.prev, struct device, of_occupant);

	*w = (struct showing){ .rooms = r->rooms, .room = r, .arena = arena_new(LIMIT_STANZA_BYTES_MAX * 16), .base = base, .why = why,
			       .id = o->id, .jid = d ? d->full : o->bare, .bare = o->bare, .nick = o->nick, .external = d && d->session_id == 0,
			       .affiliation = room_affiliation_of(r, o->bare), .role = o->role };
	if (!w->arena)
		return false;
	if (!base && d && wire_parse(w->arena, d->presence, &w->base) < 0)
		w->base = NULL;
	return w->base != NULL;
}

void room_presence_show(struct occupant *o, const struct room_change *why)
{
	struct showing w;

	if (showing_begin(&w, o, NULL, why))
		show_to_all(&w, o->room, o, NULL);
	arena_free(&w.arena);
}

static struct node *cleaned(struct arena *a, const struct node *presence, struct str from)
{
	struct node *p = node_dup(a, presence), *next;

	if (!p)
		return NULL;
	for (struct node *c = node_first_element(p); c; c = next) {
		next = node_next_element(c);
		for (size_t i = 0; i < sizeof(of_the_room) / sizeof(of_the_room[0]); i++)
			if (node_is(c, of_the_room[i].ns, of_the_room[i].name)) {
				node_remove(c);
				break;
			}
	}
	node_drop_attr(p, "to");
	node_drop_attr(p, "id");
	return node_set_attr(a, p, "from", from) == 0 ? p : NULL;
}

/* --- going ------------------------------------------------------------------------------------------------------- */

/* The last words of a device: to itself always, to the others when nobody else is left under that nick. */
void room_presence_left(struct device *d, const struct room_change *why, const struct node *said)
{
	struct occupant *o = d->occupant;
	struct room *r = o->room;
	bool last = o->n_devices == 1;
	struct arena *a = arena_new(LIMIT_STANZA_BYTES_MAX * 8);
	struct node *gone = !a ? NULL : said ? cleaned(a, said, o->address) : gone_presence(a, o);
	struct showing w = { 0 };
	enum room_role role = o->role;

	if (gone) {
		o->role = ROOM_NOBODY;
		if (showing_begin(&w, o, gone, why)) {
			w.jid = d->full;
			show_to(&w, d, true);
			if (last)
				show_to_all(&w, r, o, d);
		}
		arena_free(&w.arena);
		o->role = role;
	}
	arena_free(&a);
	room_seat_give_up(d);
	room_leave(d, &last);
	if (!last)
		room_presence_show(o, NULL);	/* what the devices that stay have said */
}

void room_presence_remove(struct occupant *o, const struct room_change *why)
{
	while (o->n_devices > 1)
		room_presence_left(LIST_ITEM(o->devices.next, struct device, of_occupant), why, NULL);
	room_presence_left(LIST_ITEM(o->devices.next, struct device, of_occupant), why, NULL);
}

static bool belongs(const struct room *r, enum room_affiliation a)
{
	return a != ROOM_OUTCAST && (!r->config.members_only || a >= ROOM_MEMBER);
}

void room_presence_changed(struct room *r, struct str bare, const struct room_change *why)
{
	enum room_affiliation a = room_affiliation_of(r, bare);
	struct map_iter it = { 0 };
	struct occupant *o;
	void *v;

	while (!belongs(r, a) && (o = room_by_bare(r, bare)) != NULL)
		room_presence_remove(o, why);
	while (map_next(r->nicks, &it, NULL, &v)) {	/* one account may be here under two names */
		o = v;
		if (!str_eq(o->bare, bare))
			continue;
		o->role = room_default_role(r, a);
		room_seat_keep_all(o);
		room_presence_show(o, why);
	}
}

/* --- coming ------------------------------------------------------------------------------------------------------ */

/* What the device says of itself from now on. */
static int keep_presence(struct trip *t, struct device *d)
{
	struct node *p = cleaned(t->arena, t->stanza, d->occupant->address);
	struct buf b;
	int r;

	if (!p)
		return ERR_LIMIT;
	buf_init(&b, ROOMS_STANZA_BYTES);
	r = room_write(&b, p);
	if (r == 0)
		r = room_text_set(&d->presence, buf_str(&b));
	buf_release(&b);
	room_seat_stale(d);
	list_remove(&d->of_occupant);
	list_append(&d->occupant->devices, &d->of_occupant);	/* the last one to speak is the one that is seen */
	return r;
}

static enum trip_next refuse(struct trip *t, const char *type, const char *condition)
{
	if (!node_child(t->stanza, NS_MUC, "x"))
		node_add(t->arena, t->stanza, NS_MUC, "x");	/* the error names it (7.6) */
	return trip_refuse_cond(t, type, condition, NULL);
}

static bool may_create(const struct trip *t)
{
	const struct user *u = t->from_user;

	if (!u)
		return false;
	switch (t->server->config->rooms.create) {
	case CONFIG_ROOMS_STAFF:
		return true;
	case CONFIG_ROOMS_OFFICER:
		return u->role == ROLE_OFFICER || u->role == ROLE_ADMIN;
	case CONFIG_ROOMS_ADMIN:
		return u->role == ROLE_ADMIN;
	}
	return false;
}

/* Who guesses has to wait (security-tests 106); whoever knows the password is not slowed by others. */
static bool guesses(struct rooms *rs, struct str bare, bool add)
{
	uint64_t key[2], who, now = clock_mono_ms();
	unsigned n = 0;

	memcpy(key, rs->id_key, sizeof(key));
	who = map_hash(key, bare);
	for (size_t i = 0; i < ROOMS_WRONG_KEPT; i++)
		n += rs->wrong[i].who == who && rs->wrong[i].when_ms + ROOMS_WRONG_MS > now;
	if (add)
		rs->wrong[rs->wrong_at++ % ROOMS_WRONG_KEPT] = (struct room_wrong){ who, now };
	return n >= ROOMS_WRONG;
}

static const char *check_password(const struct trip *t, const struct room *r, const struct node *x, const char **ret_type)
{
	const struct node *n = x ? node_child(x, NS_MUC, "password") : NULL;
	struct str password = n ? node_text(t->arena, n) : STR_NONE;

	*ret_type = "wait";
	if (password.n && guesses(r->rooms, t->from.bare, false))
		return "resource-constraint";
	*ret_type = "auth";
	if (str_eq(password, r->config.password))
		return NULL;
	if (password.n)
		guesses(r->rooms, t->from.bare, true);
	return "not-authorized";
}

static bool is_inside(const struct trip *t, const struct room *r)
{
	const struct occupant *o = room_by_nick(r, t->arena, t->to.resource);

	return o && str_eq(o->bare, t->from.bare);
}

/* NULL: he may come in. Otherwise type and condition of the error (XEP-0045 7.2). */
static const char *barred(const struct trip *t, const struct room *r, const struct node *x, const char **ret_type)
{
	enum room_affiliation a = room_affiliation_of(r, t->from.bare);
	const char *no;
	unsigned most = r->config.max_occupants ? r->config.max_occupants : ROOMS_OCCUPANTS;

	*ret_type = "auth";
	if (a == ROOM_OUTCAST)
		return "forbidden";
	if (r->config.members_only && a < ROOM_MEMBER)
		return "registration-required";
	no = r->config.password.n && a < ROOM_OWNER ? check_password(t, r, x, ret_type) : NULL;
	if (no)
		return no;
	*ret_type = "cancel";
	if (r->locked && a != ROOM_OWNER)
		return "item-not-found";
	*ret_type = "wait";
	/* A second device under his nick takes no place. */
	if (a < ROOM_ADMIN && room_occupants(r) >= most && !is_inside(t, r))
		return "service-unavailable";
	return NULL;
}

/* Somebody else's nick, one that looks like it, one that is kept for somebody else, or an own one that only looks like it. */
static bool nick_taken(const struct trip *t, const struct room *r, struct str nick, const struct occupant *own)
{
	const struct occupant *o = room_lookalike(r, t->arena, nick);

	return room_nick_taken(r, t->arena, nick, t->from.bare) || (o && o != own && !str_eq(o->nick, nick));
}

/* The others' presence, as they have said it last. */
static void show_others(struct room *r, struct device *to)
{
	struct map_iter it = { 0 };
	void *v;

	while (map_next(r->nicks, &it, NULL, &v)) {
		struct occupant *o = v;
		struct showing w;

		if (o == to->occupant)
			continue;
		if (showing_begin(&w, o, NULL, NULL))
			show_to(&w, to, false);
		arena_free(&w.arena);
	}
}

static void welcome(struct trip *t, struct room *r, struct device *d, bool created, bool first)
{
	const struct node *x = node_child(t->stanza, NS_MUC, "x");
	struct room_change why = { 0 };
	struct showing w;

	if (r->config.open_identity)
		why.statuses[why.n_statuses++] = 100;
	if (t->server->config->archive.def != CONFIG_ARCHIVE_NEVER)
		why.statuses[why.n_statuses++] = 170;
	if (created)
		why.statuses[why.n_statuses++] = 201;
	show_others(r, d);
	if (showing_begin(&w, d->occupant, NULL, &why)) {
		if (first)
			show_to_all(&w, r, d->occupant, d);
		show_to(&w, d, true);
	}
	arena_free(&w.arena);
	room_message_history(r, d, x ? node_child(x, NS_MUC, "history") : NULL);
	room_message_subject(r, d, t->arena);
}

static void history_read(void *ctx)
{
	trip_run(ctx);
}

static enum trip_next create(struct trip *t, struct room **ret)
{
	int err;

	if (!may_create(t))
		return refuse(t, "cancel", t->from_user ? "not-allowed" : "item-not-found");
	if (room_owned_by(rooms_of(t->server), t->from.bare) >= ROOMS_OWNED)
		return refuse(t, "wait", "resource-constraint");
	err = room_new(rooms_of(t->server), t->to.local, ret);
	if (err == 0) {
		(*ret)->history_known = true;
		err = room_grant(*ret, t->from.bare, ROOM_OWNER, STR_NONE, STR_NONE);
		if (err < 0)
			room_free(ret);
		else
			room_store_save(*ret);
	}
	return err < 0 ? trip_refuse(t, err, NULL) : TRIP_NEXT;
}

static enum trip_next join(struct trip *t, struct room *r)
{
	const struct node *x = node_child(t->stanza, NS_MUC, "x");
	const char *condition, *type;
	bool created = !r, first;
	struct device *d;
	int err;

	if (!room_nick_fits(t->to.resource))
		return refuse(t, "modify", "not-acceptable");
	if (created && create(t, &r) != TRIP_NEXT)
		return TRIP_ENDED;
	condition = created ? NULL : barred(t, r, x, &type);
	if (condition)
		return refuse(t, type, condition);
	if (!created && room_wall_bars(r, t->from.bare)) {
		node_add(t->arena, t->stanza, NS_MUC, "x");	/* the error names it (7.6) */
		return trip_refuse(t, ERR_POLICY, "The company's policy keeps you apart from somebody in this room.");
	}
	if (nick_taken(t, r, t->to.resource, NULL))
		return refuse(t, "cancel", "conflict");
	if (!r->history_known)
		return room_store_history(r, history_read, t) < 0 ? trip_refuse(t, ERR_BUSY, NULL) : TRIP_WAIT;
	first = !room_by_nick(r, t->arena, t->to.resource);
	err = room_enter(r, t->arena, t->to.resource, &t->from, t->session_id, &d);
	if (err == 0) {
		err = keep_presence(t, d);
		if (err < 0)
			room_leave(d, &first);
	}
	if (err < 0) {
		rooms_settle(r);
		return err == ERR_CONFLICT ? refuse(t, "cancel", "conflict") : trip_refuse(t, err, NULL);
	}
	room_seat_keep(d);
	welcome(t, r, d, created, first);
	return TRIP_NEXT;
}

/* XEP-0045 7.6: the old nick goes with 303, the new one comes. */
static enum trip_next rename_to(struct trip *t, struct room *r, struct device *d)
{
	struct occupant *o = d->occupant, *other;
	struct room_change why = { .statuses = { 303 }, .n_statuses = 1, .new_nick = t->to.resource };
	struct node *gone = gone_presence(t->arena, o);
	struct showing w;
	struct list *it;
	int err;

	if (!room_nick_fits(t->to.resource))
		return refuse(t, "modify", "not-acceptable");
	other = room_lookalike(r, t->arena, t->to.resource);	/* two of one account do not become one by this */
	if (nick_taken(t, r, t->to.resource, o) || (other && other != o))
		return refuse(t, "cancel", "conflict");
	if (gone && showing_begin(&w, o, gone, &why)) {
		show_to_all(&w, r, o, NULL);
		arena_free(&w.arena);
	}
	err = room_rename(o, t->arena, t->to.resource);
	for (it = o->devices.next; err == 0 && it != &o->devices; it = it->next) {
		struct device *each = LIST_ITEM(it, struct device, of_occupant);
		struct node *p;
		struct buf b;

		buf_init(&b, ROOMS_STANZA_BYTES);
		err = wire_parse(t->arena, each->presence, &p);
		if (err == 0)
			err = node_set_attr(t->arena, p, "from", o->address);
		if (err == 0)
			err = room_write(&b, p);
		if (err == 0)
			err = room_text_set(&each->presence, buf_str(&b));
		buf_release(&b);
	}
	if (err == 0)
		err = keep_presence(t, d);
	if (err < 0)
		return trip_refuse(t, err, NULL);
	room_seat_keep_all(o);
	room_presence_show(o, NULL);
	return TRIP_NEXT;
}

static enum trip_next update(struct trip *t, struct room *r, struct device *d)
{
	int err;

	d->session_id = t->session_id;		/* the same address may have signed in anew */
	if (!d->kept)
		room_seat_keep(d);
	if (!str_eq(d->occupant->nick, t->to.resource))
		return rename_to(t, r, d);
	err = keep_presence(t, d);
	if (err < 0)
		return trip_refuse(t, err, NULL);
	if (node_child(t->stanza, NS_MUC, "x"))
		welcome(t, r, d, false, false);		/* it has forgotten that it is here (XEP-0045 7.2.1) */
	else
		room_presence_show(d->occupant, NULL);
	return TRIP_NEXT;
}

/* XEP-0045 7.2.2: a client that believes it is here, or one of before 2002; it is told to enter properly. */
static enum trip_next not_here(struct trip *t)
{
	struct node *p = node_new(t->arena, NS_CLIENT, "presence"), *x, *item;

	x = p ? node_add(t->arena, p, NS_MUC_USER, "x") : NULL;
	item = x ? node_add(t->arena, x, NS_MUC_USER, "item") : NULL;
	if (!item || node_set_attr(t->arena, p, "from", t->to.full) < 0 || node_set_attr(t->arena, p, "to", t->from.full) < 0 ||
	    node_set_attr(t->arena, p, "type", STR("unavailable")) < 0 ||
	    node_set_attr(t->arena, item, "affiliation", STR("none")) < 0 || node_set_attr(t->arena, item, "role", STR("none")) < 0 ||
	    !node_add_leaf(t->arena, item, NS_MUC_USER, "reason", STR("You are not in the room.")) ||
	    add_status(t->arena, x, 110) < 0 || add_status(t->arena, x, 307) < 0 || add_status(t->arena, x, 333) < 0)
		return trip_refuse(t, ERR_LIMIT, NULL);
	trip_answer(t, p);
	return TRIP_NEXT;
}

/* Why somebody is put out for what could not be delivered to him (17.x, 333): a sentence, with the error's own words if
 * it has any, and never longer than a reason may be. */
struct str room_presence_failure(const struct trip *t)
{
	const struct node *e = node_child(t->stanza, NS_CLIENT, "error"), *text = e ? node_child(e, NS_STANZAS, "text") : NULL;
	const struct node *cond = e ? node_first_element(e) : NULL;
	struct str words = text ? node_text(t->arena, text) : STR_NONE, ret;

	while (cond && (!str_is(cond->ns, NS_STANZAS) || str_is(cond->name, "text")))
		cond = node_next_element(cond);
	if (words.n > ROOMS_TEXT / 2)
		words = STR_NONE;
	ret = arena_printf(t->arena, "What was sent could not be delivered%s%.*s%s%.*s.", cond ? ": " : "", STR_FMT(cond ? cond->name : STR_NONE),
			   words.n ? ": " : "", STR_FMT(words));
	return ret.p && ret.n <= ROOMS_TEXT ? ret : STR_NONE;
}

enum trip_next room_presence(struct trip *t, struct room *r)
{
	struct str type = node_attr(t->stanza, "type");
	struct device *d = r ? room_device(r, t->from.full) : NULL;
	struct room_change errored = { .statuses = { 333 }, .n_statuses = 1 };
	bool error = str_is(type, "error");

	if (error || str_is(type, "unavailable")) {
		if (!d)
			return TRIP_NEXT;
		if (error)
			errored.reason = room_presence_failure(t);
		room_presence_left(d, error ? &errored : NULL, error ? NULL : t->stanza);
		rooms_settle(r);
		return TRIP_NEXT;
	}
	if (type.n)
		return TRIP_NEXT;		/* rooms have no contacts */
	if (r && r->going)
		return trip_refuse(t, ERR_BUSY, "this room is just being destroyed");
	if (t->to.resource.n == 0)
		return trip_refuse(t, ERR_JID, "a nickname is missing in the address");
	if (d)
		return update(t, r, d);
	return node_child(t->stanza, NS_MUC, "x") ? join(t, r) : not_here(t);
}
