/* room_message.c - what is said in a room: to all (XEP-0045 7.4), to one (7.5), the topic (8.1), and what a newcomer
 * is told (7.2.13, 7.2.15).
 *
 * A post is inspected once, before it gets here; it is written once and differs from copy to copy in 'to' alone.
 */
#include "rooms/room.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "core/archive.h"
#include "core/deliver.h"
#include "core/prefs.h"
#include "xmpp/jid.h"
#include "xmpp/wire.h"

#define HEAD STR("<message")
#define FANOUT_BYTES ((size_t)64 << 20)	/* that one post may come to */

struct post {
	struct room *room;
	struct str room_local;		/* the room may go while the store works */
	struct node *message;		/* from the occupant, with its ids, without 'to' */
	struct str bytes;
	struct str to_nick;		/* a private message; empty: to all */
	struct str owner;		/* whose archive it goes to: the room, or who is whispered to */
	struct str peer;
	uint64_t id;			/* 0: it is not archived */
	uint64_t entries;		/* of the room: who came later has no copy yet */
	const struct room_retraction *retracts;	/* NULL: nothing */
	bool topic, shown;		/* shown: newcomers are shown it, too */
	struct str domain, topic_row;	/* topic: what is stored */
};

/* --- may he? ------------------------------------------------------------------------------------------------------ */

static struct occupant *speaker(const struct trip *t, const struct room *r)
{
	struct device *d = room_device(r, t->from.full);

	if (d)
		return d->occupant;
	/* What was held goes out under the nick its sender has now. */
	return t->origin == TRIP_RELEASE ? room_by_bare(r, t->from.bare) : NULL;
}

static bool is_topic(const struct node *m)
{
	return node_child(m, NS_CLIENT, "subject") && !node_child(m, NS_CLIENT, "body") && !node_child(m, NS_CLIENT, "thread");
}

static enum trip_next admit_to_all(struct trip *t, struct room *r, const struct occupant *o)
{
	if (!o)
		return trip_refuse_cond(t, "modify", "not-acceptable", NULL);
	if (is_topic(t->stanza) && o->role < ROOM_MODERATOR && !(r->config.change_subject && o->role == ROOM_PARTICIPANT))
		return trip_refuse_cond(t, "auth", "forbidden", NULL);
	if (o->role < ROOM_PARTICIPANT)
		return trip_refuse_cond(t, "auth", "forbidden", NULL);
	return room_retract_admit(t, r, o);
}

static bool may_whisper(const struct room *r, const struct occupant *from, const struct occupant *to)
{
	switch (r->config.pm) {
	case ROOM_PM_ANYONE:
		return true;
	case ROOM_PM_PARTICIPANTS:
		return from->role >= ROOM_PARTICIPANT;
	case ROOM_PM_MODERATORS:
		return from->role == ROOM_MODERATOR || to->role == ROOM_MODERATOR;
	case ROOM_PM_NONE:
		break;
	}
	return false;
}

static enum trip_next admit_to_one(struct trip *t, struct room *r, const struct occupant *o)
{
	const struct occupant *to = room_by_nick(r, t->arena, t->to.resource);

	if (!o)
		return trip_refuse_cond(t, "modify", "not-acceptable", NULL);
	if (str_is(node_attr(t->stanza, "type"), "groupchat"))
		return trip_refuse(t, ERR_BAD_REQUEST, "a message to all goes to the room, not to one of its occupants");
	if (!to)
		return trip_refuse(t, ERR_NOT_FOUND, NULL);
	return may_whisper(r, o, to) ? TRIP_NEXT : trip_refuse_cond(t, "auth", "forbidden", NULL);
}

enum trip_next room_message_admit(struct trip *t, struct room *r)
{
	struct str type = node_attr(t->stanza, "type");
	const struct occupant *o = r ? speaker(t, r) : NULL;

	if (str_is(type, "error"))
		return TRIP_NEXT;
	if (!r)
		return trip_refuse(t, ERR_NOT_FOUND, NULL);
	if (t->to.resource.n)
		return admit_to_one(t, r, o);
	if (str_is(type, "groupchat"))
		return admit_to_all(t, r, o);
	return room_invite_admit(t, r, o);
}

/* --- the copies ------------------------------------------------------------------------------------------------------ */

static struct str serialise(struct arena *a, const struct node *n)
{
	struct str bytes = { 0 };
	struct buf b;

	buf_init(&b, ROOMS_STANZA_BYTES);
	if (room_write(&b, n) == 0)
		bytes = arena_str(a, buf_str(&b));
	buf_release(&b);
	return bytes;
}

/* What is the same for everybody comes behind "<message to='...'". */
static int copy_to(struct trip *t, struct device *d, struct str tail, struct buf *scratch)
{
	struct session *s = room_session(d);
	struct str head;

	if (!s || s->ending)
		return 0;
	buf_clear(scratch);
	buf_str_add(scratch, HEAD);
	buf_str_add(scratch, STR(" to='"));
	if (wire_escape(scratch, d->full) < 0)
		return ERR_LIMIT;
	buf_char(scratch, '\'');
	head = arena_str(t->arena, buf_str(scratch));
	if (scratch->failed || !head.p)
		return ERR_LIMIT;
	deliver_copy_shared(t, s, head, tail, true);
	return 0;
}

static int copies(struct trip *t, const struct post *p, const struct occupant *only)
{
	struct str tail = str_cut(p->bytes, HEAD.n);
	struct map_iter it = { 0 };
	struct buf scratch;
	void *d;
	int r = 0;

	/* Each client's queue has the whole of it (security-tests 134). */
	if (!only && tail.n * map_count(p->room->devices) > FANOUT_BYTES)
		return ERR_LIMIT;
	buf_init(&scratch, LIMIT_JID * 6 + 32);
	while (r == 0 && map_next(p->room->devices, &it, NULL, &d))
		if (!only || ((struct device *)d)->occupant == only)
			r = copy_to(t, d, tail, &scratch);
	buf_release(&scratch);
	return r;
}

/* What only the room may say is taken off; its own ids are put on. */
static struct node *as_said(struct trip *t, const struct room *r, const struct occupant *o)
{
	struct node *m = node_dup(t->arena, t->stanza), *id, *next;

	if (!m || node_set_attr(t->arena, m, "from", o->address) < 0)
		return NULL;
	node_drop_attr(m, "to");
	for (struct node *c = node_first_element(m); c; c = next) {
		next = node_next_element(c);
		if (node_is(c, NS_MUC_USER, "x") || node_is(c, NS_OCCUPANT_ID, "occupant-id") || node_is(c, NS_MUC, "x") ||
		    (node_is(c, NS_SID, "stanza-id") && str_eq(node_attr(c, "by"), r->jid)) ||
		    (node_is(c, NS_DELAY, "delay") && str_eq(node_attr(c, "from"), r->jid)))
			node_remove(c);
	}
	id = node_add(t->arena, m, NS_OCCUPANT_ID, "occupant-id");
	return id && node_set_attr(t->arena, id, "id", o->id) == 0 ? m : NULL;
}

/* It goes to that archive, and says under which id (XEP-0359). */
static int archived(struct trip *t, struct post *p, struct str owner, struct str peer, uint64_t id)
{
	struct node *sid = node_add(t->arena, p->message, NS_SID, "stanza-id");
	char text[VAULT_ID_TEXT];
	int r;

	p->owner = arena_str(t->arena, owner);
	p->peer = arena_str(t->arena, peer);
	p->id = id;
	vault_id_text(id, text);
	r = sid && p->owner.p && p->peer.p ? node_set_attr(t->arena, sid, "by", owner) : ERR_LIMIT;
	if (r == 0)
		r = node_set_attr(t->arena, sid, "id", str_make(text, VAULT_ID_TEXT - 1));
	t->service_writes = r == 0;
	return r;
}

/* For the tree of an outbreak. */
static int note_readers(struct trip *t, const struct room *r)
{
	struct map_iter it = { 0 };
	void *v;

	if (!t->verdict.risky)
		return 0;
	t->readers = arena_alloc(t->arena, ROOMS_READERS * sizeof(*t->readers));
	if (!t->readers)
		return ERR_LIMIT;
	while (t->n_readers < ROOMS_READERS && map_next(r->nicks, &it, NULL, &v)) {
		t->readers[t->n_readers] = arena_str(t->arena, ((const struct occupant *)v)->bare);
		if (!t->readers[t->n_readers++].p)
			return ERR_LIMIT;
	}
	return 0;
}

static int plan_whisper(struct trip *t, struct post *p, const struct occupant *from, const struct occupant *to)
{
	struct str domain = str_cut(to->bare, (size_t)(str_find_char(to->bare, '@') + 1));
	struct node *x;
	int r = 0;

	p->message = as_said(t, p->room, from);
	x = p->message ? node_add(t->arena, p->message, NS_MUC_USER, "x") : NULL;
	if (!x)
		return ERR_LIMIT;
	/* The sender's archive has it already, under the id of the trip. */
	if (archive_worth(t->stanza) && server_is_local(t->server, domain) &&
	    prefs_archives(t->server, user_cached(t->server, to->bare), p->room->jid, p->room->jid))
		r = archived(t, p, to->bare, p->room->jid, vault_next_id(t->server->vault, t->when_ms));
	p->bytes = r == 0 ? serialise(t->arena, p->message) : (struct str){ 0 };
	p->to_nick = arena_str(t->arena, to->nick);
	t->whisper_to = arena_str(t->arena, to->bare);
	t->whisper_id = p->id;
	return p->bytes.p && p->to_nick.p && t->whisper_to.p ? copies(t, p, to) : ERR_LIMIT;
}

static struct room_topic topic_of(struct trip *t, const struct post *p)
{
	return (struct room_topic){ .text = node_text(t->arena, node_child(p->message, NS_CLIENT, "subject")),
				    .by = node_attr(p->message, "from"), .when_ms = t->when_ms };
}

/* It is the room's topic when it is on disk, in the transaction of the message. */
static int plan_topic(struct trip *t, struct post *p)
{
	const struct room_topic topic = topic_of(t, p);

	if (topic.text.n > ROOMS_TEXT)
		return ERR_NOT_ACCEPTABLE;
	p->domain = t->to.domain;
	t->service_writes = true;
	return room_store_topic(t->arena, &topic, &p->topic_row);
}

int room_message_plan(struct trip *t, struct room *r)
{
	const struct occupant *o = r ? speaker(t, r) : NULL, *to;
	struct post *p;
	int err = 0;

	if (!o || str_is(node_attr(t->stanza, "type"), "error"))
		return 0;
	to = t->to.resource.n ? room_by_nick(r, t->arena, t->to.resource) : NULL;
	if (!to && !str_is(node_attr(t->stanza, "type"), "groupchat"))
		return 0;			/* invitations and the like: room_invite.c */
	p = arena_alloc(t->arena, sizeof(*p));
	if (!p)
		return ERR_LIMIT;
	p->room = r;
	p->retracts = t->service_data;
	p->entries = r->entries;
	p->room_local = arena_str(t->arena, r->local);
	t->service_data = p;
	if (to)
		return plan_whisper(t, p, o, to);
	p->topic = is_topic(t->stanza);
	p->message = as_said(t, r, o);
	if (!p->message)
		return ERR_LIMIT;
	if (p->topic)
		err = plan_topic(t, p);
	p->shown = p->topic || archive_worth(t->stanza);
	if (err == 0)
		err = note_readers(t, r);
	if (err == 0 && p->shown && t->server->config->archive.def != CONFIG_ARCHIVE_NEVER)
		err = archived(t, p, r->jid, t->from.bare, t->id);
	p->bytes = err == 0 ? serialise(t->arena, p->message) : (struct str){ 0 };
	return p->bytes.p ? copies(t, p, NULL) : ERR_LIMIT;
}

int room_message_write(struct vault *v, struct trip *t)
{
	const struct post *p = t->service_data;
	struct vault_message m = { .id = p->id, .when_ms = t->when_ms, .stanza = p->bytes, .n_owners = 1 };
	int r = 0;

	m.owners[0] = (struct vault_owner){ .owner = p->owner, .peer = p->peer };
	if (p->id)
		r = vault_archive_add(v, &m);
	if (r == 0)
		r = room_retract_write(v, p->retracts);
	return r == 0 && p->topic ? vault_item_put(v, p->domain, ITEM_TOPIC, p->room_local, p->topic_row) : r;
}

/* --- after the commit -------------------------------------------------------------------------------------------------- */

/* Another domain's, and who has come since the copies were made: he was shown the history without it. */
static void to_others(struct trip *t, const struct post *p, const struct occupant *only)
{
	struct map_iter it = { 0 };
	void *v;

	while (map_next(p->room->devices, &it, NULL, &v)) {
		struct device *d = v;

		if ((d->session_id == 0 || d->entry > p->entries) && (!only || d->occupant == only))
			room_send_node(p->room->rooms, t->arena, d, p->message);
	}
}

int room_message_topic(struct room *r, const struct room_topic *topic)
{
	int err = room_text_set(&r->subject, topic->text);

	if (err == 0)
		err = room_text_set(&r->subject_by, topic->by);
	if (err == 0)
		r->subject_ms = topic->when_ms;
	return err;
}

static void show_topic(struct trip *t, struct room *r, const struct post *p)
{
	const struct room_topic topic = topic_of(t, p);

	if (room_message_topic(r, &topic) < 0)
		log_event(LOG_WARN, "rooms.topic_not_shown", LOG_Z("why", "no memory"));
}

/* A client that is gone: its bounce is how we learn it (XEP-0045 18.2, "ghosts"). */
static void bounced(struct trip *t, struct room *r)
{
	static const char *const gone[] = { "gone", "item-not-found", "recipient-unavailable", "remote-server-not-found",
					    "remote-server-timeout", "service-unavailable", "jid-malformed", "redirect" };
	struct room_change why = { .statuses = { 333 }, .n_statuses = 1 };
	const struct node *e = node_child(t->stanza, NS_CLIENT, "error");
	struct device *d = room_device(r, t->from.full);

	for (size_t i = 0; d && e && i < sizeof(gone) / sizeof(gone[0]); i++)
		if (node_child(e, NS_STANZAS, gone[i])) {
			why.reason = room_presence_failure(t);
			room_presence_left(d, &why, NULL);
			rooms_settle(r);
			return;
		}
}

enum trip_next room_message_deliver(struct trip *t, struct room *r)
{
	struct post *p = t->service_data;

	if (r && str_is(node_attr(t->stanza, "type"), "error"))
		bounced(t, r);
	if (!r || !p || p->room != r)
		return TRIP_NEXT;
	to_others(t, p, p->to_nick.n ? room_by_nick(r, t->arena, p->to_nick) : NULL);
	if (p->to_nick.n)
		return TRIP_NEXT;
	room_retract_done(r, p->retracts);
	if (p->topic)
		show_topic(t, r, p);
	else if (p->shown)
		room_message_remember(r, t->when_ms, p->bytes);
	return TRIP_NEXT;
}

void room_message_all(struct room *r, struct arena *a, struct node *m)
{
	struct map_iter it = { 0 };
	struct str bytes;
	void *d;

	if (node_set_attr(a, m, "from", r->jid) < 0 || node_set_attr(a, m, "type", STR("groupchat")) < 0)
		return;
	bytes = serialise(a, m);
	while (bytes.p && map_next(r->devices, &it, NULL, &d))
		room_send(r->rooms, d, bytes);
}

/* --- the history ----------------------------------------------------------------------------------------------------------- */

static void forget_oldest(struct room *r)
{
	struct room_line *l = r->first;

	r->first = l->next;
	if (!r->first)
		r->last = NULL;
	r->n_lines--;
	r->line_bytes -= l->n;
	free(l);
}

void room_message_forget_all(struct room *r)
{
	while (r->first)
		forget_oldest(r);
}

void room_message_remember(struct room *r, uint64_t when_ms, struct str stanza)
{
	struct room_line *l = stanza.n <= ROOMS_HISTORY_BYTES ? malloc(sizeof(*l) + stanza.n) : NULL;

	if (!l)
		return;		/* it is in the archive all the same */
	l->next = NULL;
	l->when_ms = when_ms;
	l->n = stanza.n;
	memcpy(l->stanza, stanza.p, stanza.n);
	if (r->last)
		r->last->next = l;
	else
		r->first = l;
	r->last = l;
	r->n_lines++;
	r->line_bytes += l->n;
	while (r->n_lines > ROOMS_HISTORY || r->line_bytes > ROOMS_HISTORY_BYTES)
		forget_oldest(r);
}

void room_message_forget(struct room *r, struct str id)
{
	struct room_line **at = &r->first, *before = NULL;

	while (*at) {
		struct room_line *l = *at;

		if (str_find(str_make(l->stanza, l->n), id) < 0) {
			before = l;
			at = &l->next;
			continue;
		}
		*at = l->next;
		if (r->last == l)
			r->last = before;
		r->n_lines--;
		r->line_bytes -= l->n;
		free(l);
	}
}

struct wanted {
	uint64_t stanzas, chars, since_ms;
};

/* XEP-0045 7.2.14: as little as every limit says. */
static void read_wanted(const struct room *r, const struct node *history, struct wanted *ret)
{
	uint64_t seconds, now = clock_wall_ms(), n, since;
	struct str stamp;

	*ret = (struct wanted){ .stanzas = r->config.history, .chars = ROOMS_HISTORY_BYTES };
	if (!history)
		return;
	if (str_to_u64(node_attr(history, "maxstanzas"), UINT64_MAX, &n) && n < ret->stanzas)
		ret->stanzas = n;
	if (str_to_u64(node_attr(history, "maxchars"), UINT64_MAX, &n) && n < ret->chars)
		ret->chars = n;
	if (str_to_u64(node_attr(history, "seconds"), now / 1000, &seconds))
		ret->since_ms = now - seconds * 1000;
	stamp = node_attr(history, "since");
	if (stamp.n && clock_parse(stamp.p, stamp.n, &since) == 0 && since > ret->since_ms)
		ret->since_ms = since;
}

static void send_line(struct room *r, struct device *d, const struct room_line *l, struct arena *scratch)
{
	struct node *m, *delay;
	char stamp[CLOCK_STAMP_BYTES];

	clock_stamp(l->when_ms, stamp);
	if (wire_parse(scratch, str_make(l->stanza, l->n), &m) < 0)
		return;
	delay = node_add(scratch, m, NS_DELAY, "delay");
	if (delay && node_set_attr(scratch, delay, "from", r->jid) == 0 && node_set_attr(scratch, delay, "stamp", str_of(stamp)) == 0)
		room_send_node(r->rooms, scratch, d, m);
}

void room_message_history(struct room *r, struct device *d, const struct node *history)
{
	struct arena *scratch = arena_new(LIMIT_STANZA_BYTES_MAX * 8);
	struct wanted w;
	const struct room_line *from = r->first;
	size_t n = r->n_lines, bytes = r->line_bytes;

	read_wanted(r, history, &w);
	while (from && (n > w.stanzas || bytes > w.chars || from->when_ms < w.since_ms)) {
		n--;
		bytes -= from->n;
		from = from->next;
	}
	for (; scratch && from; from = from->next) {
		send_line(r, d, from, scratch);
		arena_clear(scratch);
	}
	arena_free(&scratch);
}

/* Always sent, empty when there is none: a client knows by it that the history has ended. */
void room_message_subject(struct room *r, struct device *d, struct arena *a)
{
	struct node *m = node_new(a, NS_CLIENT, "message"), *delay;
	char stamp[CLOCK_STAMP_BYTES];

	if (!m || node_set_attr(a, m, "from", r->subject_by.n ? r->subject_by : r->jid) < 0 ||
	    node_set_attr(a, m, "type", STR("groupchat")) < 0 ||
	    !node_add_leaf(a, m, NS_CLIENT, "subject", r->subject.p ? r->subject : STR_NONE))
		return;
	if (r->subject_ms) {
		clock_stamp(r->subject_ms, stamp);
		delay = node_add(a, m, NS_DELAY, "delay");
		if (!delay || node_set_attr(a, delay, "from", r->jid) < 0 || node_set_attr(a, delay, "stamp", str_of(stamp)) < 0)
			return;
	}
	room_send_node(r->rooms, a, d, m);
}
