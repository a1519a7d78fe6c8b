/* room_archive.c - who may read what was said in a room (XEP-0313 for rooms): whoever may come in; and taking a message
 * out of it again (XEP-0425): moderators may. */
#include <jansson.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/rand.h"
#include "rooms/room.h"

int room_archive_access(struct iq *iq, struct str *ret_owner, uint64_t *ret_since_ms)
{
	const struct room *r = rooms_addressed(iq);
	enum room_affiliation a;

	if (!r)
		return ERR_NOT_FOUND;
	a = room_affiliation_of(r, iq->trip->from.bare);
	if (a == ROOM_OUTCAST || room_wall_bars(r, iq->trip->from.bare))
		return ERR_FORBIDDEN;
	if (a < ROOM_MEMBER && !room_device(r, iq->trip->from.full) && (r->config.members_only || r->config.password.n || r->locked))
		return ERR_FORBIDDEN;
	*ret_owner = arena_str(iq->arena, r->jid);	/* the room may go while the store reads */
	if (!ret_owner->p)
		return ERR_LIMIT;
	*ret_since_ms = r->created_ms;		/* what an earlier room of this name said was for others */
	return 0;
}

/* --- moderation ------------------------------------------------------------------------------------------------ */

struct moderation {
	struct str room, local, by, stanza;
	struct str address, occupant, why;	/* of the moderator, as the room knows him */
	uint64_t target, id, when_ms, since_ms;
	struct node *notice;
};

static int tombstone(struct iq *iq, const struct moderation *k, const struct node *said, struct str *ret)
{
	struct node *x = node_new(iq->arena, NS_RETRACT, "retracted"), *m, *oid;
	char stamp[CLOCK_STAMP_BYTES];

	clock_stamp(k->when_ms, stamp);
	m = x ? node_add(iq->arena, x, NS_MODERATE, "moderated") : NULL;
	oid = m ? node_add(iq->arena, m, NS_OCCUPANT_ID, "occupant-id") : NULL;
	if (!oid || node_set_attr(iq->arena, x, "stamp", str_of(stamp)) < 0 || node_set_attr(iq->arena, m, "by", k->address) < 0 ||
	    node_set_attr(iq->arena, x, "id", node_attr(k->notice, "id")) < 0 || node_set_attr(iq->arena, oid, "id", k->occupant) < 0 ||
	    (k->why.n && !node_add_leaf(iq->arena, x, NS_RETRACT, "reason", k->why)))
		return ERR_LIMIT;
	return room_retract_tombstone(iq->arena, said, x, ret);
}

/* In everybody's archive the tombstone; what was said stays behind it, sealed, and the log says whom to ask. */
static int take_back(struct vault *v, struct iq *iq, const struct moderation *k)
{
	char id[VAULT_ID_TEXT];
	struct node *said;
	struct str shown;
	json_t *o;
	char *json;
	int r = room_retract_said(v, k->room, k->target, k->since_ms, iq->arena, &said);

	if (r < 0 || node_child(said, NS_RETRACT, "retracted"))
		return r;
	r = tombstone(iq, k, said, &shown);
	if (r == 0)
		r = vault_archive_retract(v, k->room, k->target, shown);
	if (r < 0)
		return r;
	vault_id_text(k->target, id);
	o = json_pack("{s:s, s:s%, s:s, s:s%, s:s%, s:s%}", "event", "message taken back by a moderator", "room", k->room.p, k->room.n,
		      "id", id, "author", node_attr(said, "from").p, node_attr(said, "from").n, "by", k->by.p, k->by.n, "why", k->why.p,
		      k->why.n);
	json = o ? json_dumps(o, JSON_COMPACT) : NULL;
	json_decref(o);
	r = json ? vault_audit_add(v, k->when_ms, STR("room"), str_of(json)) : ERR_NOMEM;
	free(json);
	return r;
}

/* The same for clients that know the XEP as it was before 2023. */
static int add_old(struct iq *iq, struct node *m, const struct occupant *by, struct str why)
{
	struct node *apply = node_add(iq->arena, m, NS_FASTEN, "apply-to"), *moderated;

	if (!apply || node_set_attr(iq->arena, apply, "id", node_attr(iq->payload, "id")) < 0)
		return ERR_LIMIT;
	moderated = node_add(iq->arena, apply, NS_MODERATE_0, "moderated");
	if (!moderated || node_set_attr(iq->arena, moderated, "by", by->address) < 0 ||
	    !node_add(iq->arena, moderated, NS_RETRACT_0, "retract"))
		return ERR_LIMIT;
	return why.n == 0 || node_add_leaf(iq->arena, moderated, NS_MODERATE_0, "reason", why) ? 0 : ERR_LIMIT;
}

/* <message> from the room: the retraction everybody sees, and the archive keeps. */
static struct node *notice(struct iq *iq, const struct room *r, const struct occupant *by, const struct node *reason, uint64_t id)
{
	struct node *m = node_new(iq->arena, NS_CLIENT, "message"), *retract, *moderated, *oid, *sid;
	struct str why = reason ? node_text(iq->arena, reason) : STR_NONE;
	char name[17], text[VAULT_ID_TEXT];

	rand_text(name, sizeof(name) - 1);
	vault_id_text(id, text);
	if (!m || why.n > ROOMS_TEXT || node_set_attr(iq->arena, m, "id", str_of(name)) < 0 ||
	    node_set_attr(iq->arena, m, "from", r->jid) < 0 || node_set_attr(iq->arena, m, "type", STR("groupchat")) < 0)
		return NULL;
	retract = node_add(iq->arena, m, NS_RETRACT, "retract");
	if (!retract || node_set_attr(iq->arena, retract, "id", node_attr(iq->payload, "id")) < 0)
		return NULL;
	moderated = node_add(iq->arena, retract, NS_MODERATE, "moderated");
	if (!moderated || node_set_attr(iq->arena, moderated, "by", by->address) < 0)
		return NULL;
	oid = node_add(iq->arena, moderated, NS_OCCUPANT_ID, "occupant-id");
	if (!oid || node_set_attr(iq->arena, oid, "id", by->id) < 0 || (why.n && !node_add_leaf(iq->arena, retract, NS_RETRACT, "reason", why)))
		return NULL;
	if (add_old(iq, m, by, why) < 0)
		return NULL;
	sid = node_add(iq->arena, m, NS_SID, "stanza-id");
	if (!sid || node_set_attr(iq->arena, sid, "by", r->jid) < 0 ||
	    node_set_attr(iq->arena, sid, "id", str_make(text, VAULT_ID_TEXT - 1)) < 0)
		return NULL;
	return m;
}

static int work(struct vault *v, struct iq *iq)
{
	const struct moderation *k = iq->data;
	struct vault_message m = { .id = k->id, .when_ms = k->when_ms, .stanza = k->stanza, .n_owners = 1 };
	int r = take_back(v, iq, k);

	m.owners[0] = (struct vault_owner){ .owner = k->room, .peer = k->by };
	return r < 0 ? r : vault_archive_add(v, &m);
}

static int done(struct iq *iq, int err)
{
	const struct moderation *k = iq->data;
	struct room *r = room_find(rooms_of(iq->server), k->local);
	char text[VAULT_ID_TEXT];

	if (err < 0)
		return err;
	if (r) {
		vault_id_text(k->target, text);
		room_message_forget(r, str_make(text, VAULT_ID_TEXT - 1));
		room_message_all(r, iq->arena, k->notice);
	}
	return iq_reply(iq, NULL);
}

/* What is to be done, in either form; only taking back is known. NULL: nothing of that. */
static const struct node *wanted(const struct iq *iq, const struct node **ret_reason)
{
	bool old = str_is(iq->payload->ns, NS_FASTEN);
	const struct node *m = old ? node_child(iq->payload, NS_MODERATE_0, "moderate") : iq->payload;

	*ret_reason = m ? node_child(m, old ? NS_MODERATE_0 : NS_MODERATE, "reason") : NULL;
	return m ? node_child(m, old ? NS_RETRACT_0 : NS_RETRACT, "retract") : NULL;
}

int room_archive_moderate(struct iq *iq)
{
	const struct room *r = rooms_addressed(iq);
	const struct device *d = r ? room_device(r, iq->trip->from.full) : NULL;
	struct moderation *k = arena_alloc(iq->arena, sizeof(*k));
	const struct node *reason;
	struct buf b;
	int err;

	if (!r)
		return ERR_NOT_FOUND;
	if (!d || d->occupant->role != ROOM_MODERATOR)
		return ERR_FORBIDDEN;
	if (!wanted(iq, &reason))
		return ERR_BAD_REQUEST;
	err = k ? vault_id_parse(node_attr(iq->payload, "id"), &k->target) : ERR_LIMIT;
	if (err < 0)
		return err;
	k->when_ms = clock_wall_ms();
	k->id = vault_next_id(iq->server->vault, k->when_ms);
	k->room = arena_str(iq->arena, r->jid);
	k->local = arena_str(iq->arena, r->local);
	k->since_ms = r->created_ms;
	k->by = iq->trip->from.bare;
	k->address = arena_str(iq->arena, d->occupant->address);
	k->occupant = arena_str(iq->arena, d->occupant->id);
	k->why = reason ? node_text(iq->arena, reason) : STR_NONE;
	k->notice = notice(iq, r, d->occupant, reason, k->id);
	if (!k->room.p || !k->local.p || !k->notice || !k->address.p || !k->occupant.p)
		return ERR_LIMIT;
	buf_init(&b, ROOMS_STANZA_BYTES);
	err = room_write(&b, k->notice);
	if (err == 0) {
		k->stanza = arena_str(iq->arena, buf_str(&b));
		err = k->stanza.p ? 0 : ERR_LIMIT;
	}
	buf_release(&b);
	iq->data = k;
	return err < 0 ? err : iq_store(iq, work, done);
}
