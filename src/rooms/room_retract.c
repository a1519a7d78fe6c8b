/* room_retract.c - a message in a room that its author takes back (XEP-0424), and the tombstone that stands for one that
 * is taken back, by him or by a moderator (XEP-0425).
 *
 * Clients are asked to check who takes back what; the room does not leave it to them: it looks the message up before it
 * passes the retraction on. What was said stays behind the tombstone, sealed, for the company.
 */
#include "base/clock.h"
#include "rooms/room.h"
#include "xmpp/wire.h"

struct room_retraction {
	struct str room, author, tombstone;	/* author: the occupant's id of who takes back */
	struct str stamp, id;			/* of the retraction */
	uint64_t target, since_ms;
	bool done_before;			/* a tombstone stands there already */
	int err;
};

static int add_kept(struct arena *a, struct node *to, const struct node *from)
{
	static const struct { const char *ns, *name; } kept[] = { { NS_OCCUPANT_ID, "occupant-id" }, { NS_SID, "stanza-id" } };

	for (size_t i = 0; i < sizeof(kept) / sizeof(kept[0]); i++) {
		const struct node *c = node_child(from, kept[i].ns, kept[i].name);
		struct node *copy = c ? node_dup(a, c) : NULL;

		if (c && !copy)
			return ERR_LIMIT;
		if (copy)
			node_append(to, copy);
	}
	return 0;
}

int room_retract_tombstone(struct arena *a, const struct node *said, struct node *retracted, struct str *ret)
{
	static const char *const kept[] = { "from", "type", "id" };
	struct node *n = node_new(a, NS_CLIENT, "message");
	int r = n ? 0 : ERR_LIMIT;
	struct buf b;

	for (size_t i = 0; r == 0 && i < sizeof(kept) / sizeof(kept[0]); i++)
		if (node_has_attr(said, kept[i]))
			r = node_set_attr(a, n, kept[i], node_attr(said, kept[i]));
	if (r == 0)
		r = add_kept(a, n, said);
	if (r < 0)
		return r;
	node_append(n, retracted);
	buf_init(&b, ROOMS_STANZA_BYTES);
	r = room_write(&b, n);
	if (r == 0) {
		*ret = arena_str(a, buf_str(&b));
		r = ret->p ? 0 : ERR_LIMIT;
	}
	buf_release(&b);
	return r;
}

int room_retract_said(struct vault *v, struct str room, uint64_t id, uint64_t since_ms, struct arena *a, struct node **ret)
{
	struct vault_entry e;
	int r = vault_archive_one(v, room, id, a, &e);

	if (r == 0 && (e.gone || e.when_ms < since_ms))
		r = ERR_NOT_FOUND;	/* or said in an earlier room of this name */
	return r < 0 ? r : wire_parse(a, e.stanza, ret);
}

static int look_up(struct vault *v, struct trip *t, struct room_retraction *k)
{
	const struct node *oid;
	struct node *said, *x;
	int r = room_retract_said(v, k->room, k->target, k->since_ms, t->arena, &said);

	if (r < 0)
		return r;
	oid = node_child(said, NS_OCCUPANT_ID, "occupant-id");
	if (!oid || !str_eq(node_attr(oid, "id"), k->author))
		return ERR_FORBIDDEN;
	k->done_before = node_child(said, NS_RETRACT, "retracted");
	if (k->done_before)
		return 0;
	x = node_new(t->arena, NS_RETRACT, "retracted");
	if (!x || node_set_attr(t->arena, x, "stamp", k->stamp) < 0 || (k->id.n && node_set_attr(t->arena, x, "id", k->id) < 0))
		return ERR_LIMIT;
	return room_retract_tombstone(t->arena, said, x, &k->tombstone);
}

static int work(struct vault *v, void *ctx)
{
	struct trip *t = ctx;
	struct room_retraction *k = t->service_data;

	k->err = look_up(v, t, k);
	return 0;
}

static void done(void *ctx, int err)
{
	struct trip *t = ctx;
	struct room_retraction *k = t->service_data;

	if (err < 0)
		k->err = err;
	trip_run(t);		/* admitted, or not, now that it is known */
}

enum trip_next room_retract_admit(struct trip *t, const struct room *r, const struct occupant *o)
{
	const struct node *x = node_child(t->stanza, NS_RETRACT, "retract");
	struct room_retraction *k = t->service_data;
	char stamp[CLOCK_STAMP_BYTES];
	uint64_t id;

	if (!x || t->hold || t->server->config->archive.def == CONFIG_ARCHIVE_NEVER)
		return TRIP_NEXT;	/* where nothing is kept nobody knows whose it was */
	if (k && k->err == ERR_FORBIDDEN)
		return trip_refuse(t, ERR_FORBIDDEN, "only its author may take a message back, and moderators");
	if (k)
		return k->err < 0 ? trip_refuse(t, k->err, NULL) : TRIP_NEXT;
	if (vault_id_parse(node_attr(x, "id"), &id) < 0)
		return trip_refuse(t, ERR_NOT_FOUND, "a message in a room is named by the room's own id for it");
	k = arena_alloc(t->arena, sizeof(*k));
	clock_stamp(clock_wall_ms(), stamp);
	if (!k)
		return trip_refuse(t, ERR_LIMIT, NULL);
	*k = (struct room_retraction){ .room = arena_str(t->arena, r->jid), .author = arena_str(t->arena, o->id), .target = id,
				       .stamp = arena_str(t->arena, str_of(stamp)), .id = node_attr(t->stanza, "id"),
				       .since_ms = r->created_ms };
	if (!k->room.p || !k->author.p || !k->stamp.p)
		return trip_refuse(t, ERR_LIMIT, NULL);
	t->service_data = k;
	return server_store(t->server, t, work, done) < 0 ? trip_refuse(t, ERR_BUSY, NULL) : TRIP_WAIT;
}

int room_retract_write(struct vault *v, const struct room_retraction *k)
{
	int r;

	if (!k || k->done_before)
		return 0;
	r = vault_archive_retract(v, k->room, k->target, k->tombstone);
	return r == ERR_CONFLICT || r == ERR_NOT_FOUND ? 0 : r;	/* somebody was faster */
}

void room_retract_done(struct room *r, const struct room_retraction *k)
{
	char text[VAULT_ID_TEXT];

	if (!k)
		return;
	vault_id_text(k->target, text);
	room_message_forget(r, str_make(text, VAULT_ID_TEXT - 1));
}
