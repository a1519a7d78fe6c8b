/* room_purge.c - a post that was purged (core/purge.h): nobody who comes in is shown it, and everybody who is in, or reads the archive later, is told
 * as of a moderator's word (XEP-0425). The moderator is the room itself.
 */
#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "core/purge.h"
#include "rooms/room.h"

#define ARENA_BYTES 65536

struct notice {
	struct server *srv;
	struct arena *arena;
	struct str room, local, bytes;
	struct node *message;
	uint64_t id, when_ms;
	void (*settled)(void *ctx, int err);
	void *ctx;
};

static const char why[] = "A dangerous message was removed by this company's server.";

static int add_retraction(struct arena *a, struct node *m, struct str by, struct str target)
{
	struct node *x = node_add(a, m, NS_RETRACT, "retract"), *moderated = x ? node_add(a, x, NS_MODERATE, "moderated") : NULL;

	if (!moderated || node_set_attr(a, x, "id", target) < 0 || node_set_attr(a, moderated, "by", by) < 0)
		return ERR_LIMIT;
	return node_add_leaf(a, x, NS_RETRACT, "reason", str_of(why)) ? 0 : ERR_LIMIT;
}

/* For clients that know the XEP as it was before 2023. */
static int add_old(struct arena *a, struct node *m, struct str by, struct str target)
{
	struct node *apply = node_add(a, m, NS_FASTEN, "apply-to"), *moderated = apply ? node_add(a, apply, NS_MODERATE_0, "moderated") : NULL;

	if (!moderated || node_set_attr(a, apply, "id", target) < 0 || node_set_attr(a, moderated, "by", by) < 0 ||
	    !node_add(a, moderated, NS_RETRACT_0, "retract"))
		return ERR_LIMIT;
	return node_add_leaf(a, moderated, NS_MODERATE_0, "reason", str_of(why)) ? 0 : ERR_LIMIT;
}

static int write_notice(struct notice *n, struct str target, struct str own)
{
	struct node *m = node_new(n->arena, NS_CLIENT, "message"), *sid;
	char text[VAULT_ID_TEXT];
	struct buf b;
	int r = m ? node_set_attr(n->arena, m, "from", n->room) : ERR_LIMIT;

	vault_id_text(n->id, text);
	if (r == 0)
		r = node_set_attr(n->arena, m, "type", STR("groupchat"));
	if (r == 0)
		r = node_set_attr(n->arena, m, "id", own);
	if (r == 0)
		r = add_retraction(n->arena, m, n->room, target);
	if (r == 0)
		r = add_old(n->arena, m, n->room, target);
	sid = r == 0 ? node_add(n->arena, m, NS_SID, "stanza-id") : NULL;
	if (!sid || node_set_attr(n->arena, sid, "by", n->room) < 0 || node_set_attr(n->arena, sid, "id", str_of(text)) < 0)
		return ERR_LIMIT;
	n->message = m;
	buf_init(&b, ROOMS_STANZA_BYTES);
	r = room_write(&b, m);
	if (r == 0)
		n->bytes = arena_str(n->arena, buf_str(&b));
	buf_release(&b);
	return r < 0 ? r : n->bytes.p ? 0 : ERR_LIMIT;
}

static int work(struct vault *v, void *ctx)
{
	const struct notice *n = ctx;
	struct vault_message m = { .id = n->id, .when_ms = n->when_ms, .stanza = n->bytes, .n_owners = 1 };

	m.owners[0] = (struct vault_owner){ .owner = n->room, .peer = n->room };
	return vault_archive_add(v, &m);
}

static void done(void *ctx, int err)
{
	struct notice *n = ctx;
	struct room *r = n->srv->rooms ? room_find(n->srv->rooms, n->local) : NULL;

	if (err == 0 && r)
		room_message_all(r, n->arena, n->message);
	n->settled(n->ctx, err);
	arena_free(&n->arena);
}

static struct notice *notice_new(struct server *srv, const struct room *r, const struct purge_copy *c)
{
	struct arena *a = arena_new(ARENA_BYTES);
	struct notice *n = a ? arena_alloc(a, sizeof(*n)) : NULL;

	if (!n) {
		arena_free(&a);
		return NULL;
	}
	*n = (struct notice){ .srv = srv, .arena = a, .room = arena_str(a, r->jid), .local = arena_str(a, r->local), .when_ms = clock_wall_ms() };
	n->id = vault_next_id(srv->vault, n->when_ms);
	if (n->room.p && n->local.p && write_notice(n, str_of(c->text), c->own) == 0)
		return n;
	arena_free(&a);
	return NULL;
}

void room_purge(struct server *srv, const struct purge_copy *c, void (*settled)(void *ctx, int err), void *ctx)
{
	ptrdiff_t at = str_find_char(c->to, '@');
	struct room *r = srv->rooms && at > 0 ? room_find(srv->rooms, str_make(c->to.p, (size_t)at)) : NULL;
	struct notice *n;

	if (!r) {
		settled(ctx, 0);	/* it is gone, and with it everybody who was in */
		return;
	}
	room_message_forget(r, str_of(c->text));
	n = notice_new(srv, r, c);
	if (n) {
		n->settled = settled;
		n->ctx = ctx;
		if (server_store(srv, n, work, done) == 0)
			return;
		arena_free(&n->arena);
	}
	settled(ctx, ERR_BUSY);
}
