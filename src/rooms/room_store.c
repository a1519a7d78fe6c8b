/* room_store.c - what is kept of a room: configuration and affiliations as one sealed value, its topic as another; and
 * its history, read back from the archive for the first who joins after a start.
 *
 * The topic has a row of its own because it is written in the transaction of the message that sets it: the whole
 * room, packed when that message was planned, could undo what was changed in the meantime.
 */
#include <stdlib.h>

#include "base/log.h"
#include "base/rand.h"
#include "rooms/room.h"
#include "vault/vault_pack.h"

#define VERSION 3		/* 2: no hats */
#define VALUE_BYTES (4u << 20)

enum flag { F_PERSISTENT = 1, F_LISTED = 2, F_MEMBERS_ONLY = 4, F_MODERATED = 8, F_OPEN_IDENTITY = 16, F_CHANGE_SUBJECT = 32,
	    F_ALLOW_INVITES = 64, F_MEMBER_INVITES = 128, F_LOCKED = 256 };

static uint32_t flags_of(const struct room *r)
{
	const struct room_config *c = &r->config;

	return (c->persistent ? F_PERSISTENT : 0u) | (c->listed ? F_LISTED : 0u) | (c->members_only ? F_MEMBERS_ONLY : 0u) |
	       (c->moderated ? F_MODERATED : 0u) | (c->open_identity ? F_OPEN_IDENTITY : 0u) |
	       (c->change_subject ? F_CHANGE_SUBJECT : 0u) | (c->allow_invites ? F_ALLOW_INVITES : 0u) |
	       (c->member_invites ? F_MEMBER_INVITES : 0u) | (r->locked ? F_LOCKED : 0u);
}

static void set_flags(struct room *r, uint32_t f)
{
	struct room_config *c = &r->config;

	c->persistent = f & F_PERSISTENT;
	c->listed = f & F_LISTED;
	c->members_only = f & F_MEMBERS_ONLY;
	c->moderated = f & F_MODERATED;
	c->open_identity = f & F_OPEN_IDENTITY;
	c->change_subject = f & F_CHANGE_SUBJECT;
	c->allow_invites = f & F_ALLOW_INVITES;
	c->member_invites = f & F_MEMBER_INVITES;
	r->locked = f & F_LOCKED;
}

static struct str text_of(struct str s)
{
	return s.p ? s : STR_NONE;
}

static void pack(const struct room *r, struct buf *b)
{
	const struct room_config *c = &r->config;
	struct map_iter it = { 0 };
	struct str bare;
	void *v;

	vault_pack_u32(b, VERSION);
	vault_pack_u32(b, flags_of(r));
	vault_pack_u32(b, (uint32_t)c->pm);
	vault_pack_u32(b, c->max_occupants);
	vault_pack_u32(b, c->history);
	vault_pack_str(b, text_of(c->name));
	vault_pack_str(b, text_of(c->desc));
	vault_pack_str(b, text_of(c->lang));
	vault_pack_str(b, text_of(c->password));
	vault_pack_str(b, text_of(r->subject));
	vault_pack_str(b, text_of(r->subject_by));
	vault_pack_u64(b, r->subject_ms);
	vault_pack_u64(b, r->created_ms);
	vault_pack_str(b, text_of(r->avatar_hash));
	vault_pack_u32(b, (uint32_t)map_count(r->grants));
	while (map_next(r->grants, &it, &bare, &v)) {
		const struct room_grant *g = v;

		vault_pack_str(b, bare);
		vault_pack_u32(b, (uint32_t)g->affiliation);
		vault_pack_str(b, text_of(g->nick));
		vault_pack_str(b, text_of(g->reason));
	}
	room_hats_pack(r, b);
}

static int unpack_grants(struct room *r, struct vault_unpack *u)
{
	uint32_t n = vault_unpack_u32(u);
	int err = 0;

	for (uint32_t i = 0; i < n && !u->bad && err == 0; i++) {
		struct str bare = vault_unpack_str(u);
		uint32_t a = vault_unpack_u32(u);
		struct str nick = vault_unpack_str(u), reason = vault_unpack_str(u);

		if (a > ROOM_OWNER)
			return ERR_CORRUPT;
		err = room_grant(r, bare, (enum room_affiliation)a, nick, reason);
	}
	return err;
}

static int unpack(struct room *r, struct str value)
{
	struct vault_unpack u = { .rest = value };
	struct room_config *c = &r->config;
	struct str *const texts[] = { &c->name, &c->desc, &c->lang, &c->password, &r->subject, &r->subject_by };
	uint32_t pm, version = vault_unpack_u32(&u);
	int err = 0;

	if (version != VERSION && version != 2)
		return ERR_VERSION;
	set_flags(r, vault_unpack_u32(&u));
	pm = vault_unpack_u32(&u);
	if (pm > ROOM_PM_NONE)
		return ERR_CORRUPT;
	c->pm = (enum room_pm)pm;
	c->max_occupants = vault_unpack_u32(&u);
	c->history = vault_unpack_u32(&u);
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]) && err == 0; i++)
		err = room_text_set(texts[i], vault_unpack_str(&u));
	r->subject_ms = vault_unpack_u64(&u);
	r->created_ms = vault_unpack_u64(&u);
	if (err == 0)
		err = room_text_set(&r->avatar_hash, vault_unpack_str(&u));
	if (err == 0)
		err = unpack_grants(r, &u);
	if (err == 0 && version > 2)
		err = room_hats_unpack(r, &u);
	return err < 0 ? err : vault_unpack_end(&u);
}

int room_store_topic(struct arena *a, const struct room_topic *topic, struct str *ret)
{
	struct buf b;

	buf_init(&b, 4 * ROOMS_TEXT + ROOMS_STANZA_BYTES);
	vault_pack_str(&b, topic->text);
	vault_pack_str(&b, topic->by);
	vault_pack_u64(&b, topic->when_ms);
	*ret = b.failed ? (struct str){ 0 } : arena_str(a, buf_str(&b));
	buf_release(&b);
	return ret->p ? 0 : ERR_LIMIT;
}

/* Rows of rooms that are gone, or that an earlier room of the name has left, are passed over. */
static int take_topic(struct rooms *rs, const struct vault_item *it)
{
	struct vault_unpack u = { .rest = it->value };
	struct room *r = room_find(rs, it->key);
	struct room_topic t = { .text = vault_unpack_str(&u) };

	t.by = vault_unpack_str(&u);
	t.when_ms = vault_unpack_u64(&u);
	if (!r || vault_unpack_end(&u) < 0 || t.when_ms < r->created_ms || t.when_ms < r->subject_ms)
		return 0;
	return room_message_topic(r, &t);
}

static int load_topics(struct rooms *rs, struct vault *v, struct arena *a)
{
	struct vault_item *items;
	size_t n;
	int r = vault_item_list(v, rs->domain, ITEM_TOPIC, a, &items, &n);

	for (size_t i = 0; r == 0 && i < n; i++)
		r = take_topic(rs, &items[i]);
	return r;
}

int room_store_load(struct rooms *rs, struct vault *v)
{
	struct arena *a = arena_new((size_t)256 << 20);
	struct vault_item *items;
	size_t n;
	int r = a ? vault_item_list(v, rs->domain, ITEM_ROOM, a, &items, &n) : ERR_NOMEM;

	for (size_t i = 0; r == 0 && i < n; i++) {
		struct room *room;

		r = room_new(rs, items[i].key, &room);
		if (r == 0)
			r = unpack(room, items[i].value);
		if (r == 0)
			r = room_seat_load(room, v);
	}
	if (r == 0) {
		arena_clear(a);
		r = load_topics(rs, v, a);
	}
	arena_free(&a);
	return r;
}

/* --- writing ----------------------------------------------------------------------------------------------------- */

struct room_save {
	struct str domain, local, jid;
	struct buf value;
	bool remove;
	void (*fn)(void *ctx, int err);
	void *ctx;
};

/* The archive stays with the company. */
static int remove_work(struct vault *v, const struct room_save *s)
{
	int r = vault_item_remove(v, s->domain, ITEM_ROOM, s->local);

	if (r == 0)
		r = vault_item_remove(v, s->domain, ITEM_TOPIC, s->local);
	if (r == 0)
		r = vault_item_remove(v, s->jid, ITEM_VCARD, STR_NONE);
	return r < 0 ? r : vault_item_clear(v, s->jid, ITEM_OCCUPANT);
}

int room_store_put(struct vault *v, struct room_save *s)
{
	if (s->remove)
		return remove_work(v, s);
	return vault_item_put(v, s->domain, ITEM_ROOM, s->local, buf_str(&s->value));
}

void room_store_end(struct room_save **ref, int err)
{
	struct room_save *s = *ref;

	*ref = NULL;
	if (err < 0)
		log_event(LOG_ERROR, "rooms.save_failed", LOG_Z("why", err_text(err)));
	if (!s)
		return;
	room_text_free(&s->domain);
	room_text_free(&s->local);
	room_text_free(&s->jid);
	buf_release(&s->value);
	free(s);
}

int room_store_begin(const struct room *r, bool removal, struct room_save **ret)
{
	struct room_save *s = calloc(1, sizeof(*s));
	int err;

	if (!s)
		return ERR_NOMEM;
	buf_init(&s->value, VALUE_BYTES);
	s->remove = removal;
	if (!removal)
		pack(r, &s->value);
	err = s->value.failed ? ERR_LIMIT : room_text_set(&s->domain, r->rooms->domain);
	if (err == 0)
		err = room_text_set(&s->local, r->local);
	if (err == 0)
		err = room_text_set(&s->jid, r->jid);
	if (err < 0)
		room_store_end(&s, 0);
	else
		*ret = s;
	return err;
}

static int save_work(struct vault *v, void *ctx)
{
	return room_store_put(v, ctx);
}

static void save_done(void *ctx, int err)
{
	struct room_save *s = ctx;
	void (*fn)(void *ctx, int err) = s->fn;

	ctx = s->ctx;
	room_store_end(&s, err);
	if (fn)
		fn(ctx, err);
}

static int save(struct room *r, bool removal, void (*fn)(void *ctx, int err), void *ctx)
{
	struct room_save *s = NULL;
	int err = room_store_begin(r, removal, &s);

	if (err == 0) {
		s->fn = fn;
		s->ctx = ctx;
		err = server_store(r->rooms->server, s, save_work, save_done);
	}
	if (err < 0)
		room_store_end(&s, err);
	return err;
}

void room_store_save(struct room *r)
{
	if (!r->going)
		(void)!save(r, false, NULL, NULL);
}

void room_store_remove(struct room *r)
{
	(void)!save(r, true, NULL, NULL);
}

int room_store_then(struct room *r, void (*fn)(void *ctx, int err), void *ctx)
{
	return save(r, false, fn, ctx);
}

static int answer_work(struct vault *v, struct iq *iq)
{
	return room_store_put(v, iq->data);
}

static int answer_done(struct iq *iq, int err)
{
	struct room_save *s = iq->data;

	room_store_end(&s, err);
	return err < 0 ? err : iq_reply(iq, NULL);
}

int room_store_answer(struct iq *iq, const struct room *r)
{
	struct room_save *s = NULL;
	int err = room_store_begin(r, false, &s);

	if (err < 0)
		return err;
	iq->data = s;
	err = iq_store(iq, answer_work, answer_done);
	if (err < 0)
		room_store_end(&s, 0);
	return err;
}

/* --- the history --------------------------------------------------------------------------------------------------- */

struct reading {
	struct rooms *rooms;
	struct str jid, local;
	struct arena *arena;
	struct vault_page page;
	void (*fn)(void *ctx);
	void *ctx;
};

static int read_work(struct vault *v, void *ctx)
{
	struct reading *g = ctx;
	const struct vault_query q = { .owner = g->jid, .with = STR_NONE, .backward = true, .max = ROOMS_HISTORY };

	return vault_archive_page(v, &q, g->arena, &g->page);
}

static void read_done(void *ctx, int err)
{
	struct reading *g = ctx;
	struct room *r = room_find(g->rooms, g->local);

	if (err < 0 && err != ERR_NOT_FOUND)
		log_event(LOG_ERROR, "rooms.history_unread", LOG_Z("why", err_text(err)));
	/* Done in the store's order: what was said since the start up to now is in the page as well. */
	if (r && err == 0 && !r->history_known) {
		room_message_forget_all(r);
		for (size_t i = 0; i < g->page.n; i++)
			if (!g->page.v[i].gone && g->page.v[i].when_ms >= r->created_ms)
				room_message_remember(r, g->page.v[i].when_ms, g->page.v[i].stanza);
	}
	if (r)
		r->history_known = true;
	g->fn(g->ctx);
	arena_free(&g->arena);
	free(g);
}

int room_store_history(struct room *r, void (*fn)(void *ctx), void *ctx)
{
	struct reading *g = calloc(1, sizeof(*g));
	int err = ERR_NOMEM;

	if (!g)
		return err;
	g->arena = arena_new((size_t)ROOMS_HISTORY * LIMIT_STANZA_BYTES_MAX * 2);
	if (g->arena) {
		g->rooms = r->rooms;
		g->jid = arena_str(g->arena, r->jid);
		g->local = arena_str(g->arena, r->local);
		g->fn = fn;
		g->ctx = ctx;
		err = g->jid.p && g->local.p ? server_store(r->rooms->server, g, read_work, read_done) : ERR_NOMEM;
	}
	if (err < 0) {
		arena_free(&g->arena);
		free(g);
	}
	return err;
}
