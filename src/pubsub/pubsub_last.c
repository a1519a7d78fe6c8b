/* pubsub_last.c - see pubsub_last.h.
 *
 * A job reads what a few accounts have published last; then, here, each account is looked up and judges whether this
 * session may have it. Most accounts have nothing, and are never looked up.
 */
#include "pubsub/pubsub_last.h"

#include <stdlib.h>

#include "base/check.h"
#include "base/log.h"
#include "core/state.h"
#include "core/user.h"
#include "pubsub/pubsub_caps.h"
#include "pubsub/pubsub_notify.h"
#include "pubsub/pubsub_peers.h"
#include "vault/vault_pubsub.h"
#include "xmpp/wire.h"

struct found {
	struct found *next;
	const struct pubsub_node *node;
	struct vault_pub item;
};

struct walk {
	struct server *srv;
	uint64_t session_id;
	struct str peer;		/* instead of a session: the full JID of a remote contact; in names */
	struct pubsub_caps *wants, *had;
	struct arena *names, *arena;	/* of the whole walk; of one job */
	struct str *owners;
	size_t n, at, upto;
	struct found *found, **last;
	bool calling, answered;
	bool extra;			/* counts in srv->extra_walks, not in the session */
};

static void walk_free(struct walk *w)
{
	struct session *s = session_find(w->srv, w->session_id);

	if (w->extra)
		w->srv->extra_walks--;
	else if (s)
		s->last_walk = false;
	pubsub_caps_unref(&w->wants);
	pubsub_caps_unref(&w->had);
	arena_free(&w->arena);
	arena_free(&w->names);
	free(w);
}

/* --- reading ---------------------------------------------------------------------------------------------------------- */

static int take_last(struct vault *v, struct walk *w, const struct pubsub_node *n)
{
	struct vault_pub_query q = { .newest = true, .max = 1 };
	struct vault_pub *list;
	struct found *f;
	size_t count;
	int r = vault_pubsub_page(v, n->owner, n->name, &q, w->arena, &list, &count);

	if (r < 0 || count == 0)
		return r;
	f = arena_alloc(w->arena, sizeof(*f));
	if (!f)
		return ERR_LIMIT;
	f->node = n;
	f->item = list[0];
	*w->last = f;
	w->last = &f->next;
	return 0;
}

/* Most nodes are not wanted: those are read and forgotten. */
struct look {
	struct vault *v;
	struct walk *w;
	struct str owner;
};

static int look_at(void *ctx, const struct pubsub_node *n)
{
	struct look *k = ctx;
	struct pubsub_node *own;
	struct str name;
	struct buf b;
	int r;

	if (n->config.n[PUBSUB_SEND_LAST] != LAST_ON_SUB_AND_PRESENCE || !n->config.n[PUBSUB_NOTIFY] ||
	    !pubsub_caps_wants(k->w->wants, n->name) || pubsub_caps_wants(k->w->had, n->name))
		return 0;
	buf_init(&b, LAST_BYTES);
	r = pubsub_node_encode(n, &b);
	name = arena_str(k->w->arena, n->name);
	if (r == 0) {
		struct str bytes = arena_str(k->w->arena, buf_str(&b));

		r = name.p && bytes.p ? pubsub_node_decode(k->w->arena, k->owner, name, bytes, &own) : ERR_LIMIT;
	}
	buf_release(&b);
	return r < 0 ? r : take_last(k->v, k->w, own);
}

static int walk_work(struct vault *v, void *ctx)
{
	struct walk *w = ctx;

	arena_clear(w->arena);
	w->found = NULL;
	w->last = &w->found;
	w->upto = w->at;
	while (w->upto < w->n && w->upto - w->at < LAST_OWNERS && arena_used(w->arena) < LAST_BYTES / 4) {
		struct look k = { .v = v, .w = w, .owner = w->owners[w->upto] };
		int r = pubsub_call_each(v, k.owner, look_at, &k);

		/* More than fits: the rest of this account is left out. */
		if (r < 0 && r != ERR_LIMIT)
			return r;
		w->upto++;
	}
	return 0;
}

/* --- sending ---------------------------------------------------------------------------------------------------------- */

static struct node *message_of(struct arena *a, const struct found *f)
{
	struct pubsub_change ch = { .kind = CHANGE_ITEM, .node = f->node, .id = f->item.id };
	struct node *payload = NULL;

	if (f->item.payload.n && wire_parse(a, f->item.payload, &payload) < 0)
		return NULL;
	ch.payload = payload;
	return pubsub_notify_message(a, &ch, f->item.publisher, f->item.seq >> 20);
}

static void send_one(struct walk *w, const struct user *owner, const struct found *f)
{
	struct session *s = session_find(w->srv, w->session_id);
	const struct pubsub_peer *p = w->peer.n ? pubsub_peers_find(w->srv, owner->bare, w->peer) : NULL;
	struct arena *a = arena_new(LAST_BYTES);
	struct node *m = a ? message_of(a, f) : NULL;

	if (m && s && s->available && !s->ending && pubsub_notify_may(a, owner, s, f->node))
		pubsub_notify_session(s, m);
	else if (m && p && pubsub_notify_may_peer(a, owner, p, f->node))
		pubsub_notify_address(w->srv, p->full, m);
	arena_free(&a);
}

static void go_on(struct walk *w);

static void on_owner(void *ctx, struct user *owner, int err)
{
	struct walk *w = ctx;
	struct found *f = w->found;

	w->found = f->next;
	if (err == 0)
		send_one(w, owner, f);
	w->answered = true;
	if (!w->calling)
		go_on(w);
}

static void walk_done(void *ctx, int err);

static void go_on(struct walk *w)
{
	struct session *s;

	while (w->found) {
		w->calling = true;
		w->answered = false;
		user_get(w->srv, w->found->node->owner, on_owner, w);
		w->calling = false;
		if (!w->answered)
			return;
	}
	w->at = w->upto;
	s = session_find(w->srv, w->session_id);
	if (w->at >= w->n || (!w->peer.n && (!s || !s->available)) || server_store(w->srv, w, walk_work, walk_done) < 0)
		walk_free(w);
}

static void walk_done(void *ctx, int err)
{
	struct walk *w = ctx;

	if (err < 0) {
		log_event(LOG_WARN, "pubsub.last_failed", LOG_Z("why", err_text(err)));
		walk_free(w);
		return;
	}
	go_on(w);
}

/* --- whose ------------------------------------------------------------------------------------------------------------ */

static bool is_here(const struct server *srv, struct str jid)
{
	ptrdiff_t at = str_find_char(jid, '@');

	return at > 0 && server_is_local(srv, str_cut(jid, (size_t)at + 1));
}

static int list_owners(struct walk *w, const struct user *u)
{
	struct map_iter it = { 0 };
	void *value;

	w->owners = arena_alloc(w->names, (1 + (u->roster.items ? map_count(u->roster.items) : 0)) * sizeof(*w->owners));
	if (!w->owners)
		return ERR_NOMEM;
	w->owners[w->n++] = arena_str(w->names, u->bare);
	while (u->roster.items && map_next(u->roster.items, &it, NULL, &value)) {
		const struct roster_item *item = value;

		if ((item->sub == SUB_TO || item->sub == SUB_BOTH) && is_here(w->srv, item->jid))
			w->owners[w->n++] = arena_str(w->names, item->jid);
	}
	for (size_t i = 0; i < w->n; i++)
		if (!w->owners[i].p)
			return ERR_NOMEM;
	return 0;
}

static struct walk *walk_new(struct server *srv, struct pubsub_caps *wants)
{
	struct walk *w = calloc(1, sizeof(*w));

	if (!w)
		return NULL;
	w->srv = srv;
	w->wants = pubsub_caps_ref(wants);
	w->names = arena_new(16u << 20);
	w->arena = arena_new(LAST_BYTES);
	return w;
}

/* Takes the walk on its way, with this one owner. */
static void start_extra(struct walk *w, const struct user *owner)
{
	w->owners = w->names ? arena_alloc(w->names, sizeof(*w->owners)) : NULL;
	if (w->owners)
		w->owners[w->n++] = arena_str(w->names, owner->bare);
	w->extra = true;
	w->srv->extra_walks++;
	if (!w->arena || !w->owners || !w->owners[0].p || server_store(w->srv, w, walk_work, walk_done) < 0)
		walk_free(w);
}

void pubsub_last_send_peer(struct user *owner, const struct pubsub_peer *p)
{
	struct walk *w;

	if (!p->caps || p->caps->n == 0 || owner->server->extra_walks >= LAST_EXTRA)
		return;
	w = walk_new(owner->server, p->caps);
	if (!w)
		return;
	w->peer = w->names ? arena_str(w->names, p->full) : (struct str){ 0 };
	start_extra(w, owner);
}

void pubsub_last_send_of(struct session *s, struct user *owner)
{
	struct walk *w;

	if (!s->available || !s->caps || s->caps->n == 0 || s->server->extra_walks >= LAST_EXTRA)
		return;
	w = walk_new(s->server, s->caps);
	if (!w)
		return;
	w->session_id = s->id;
	start_extra(w, owner);
}

void pubsub_last_send(struct session *s, const struct pubsub_caps *had)
{
	struct walk *w;

	if (!s->caps || s->caps->n == 0 || s->last_walk)
		return;
	w = walk_new(s->server, s->caps);
	if (!w)
		return;
	w->session_id = s->id;
	w->had = had ? pubsub_caps_ref((struct pubsub_caps *)(uintptr_t)had) : NULL;
	s->last_walk = true;
	if (!w->names || !w->arena || list_owners(w, s->user) < 0 || server_store(s->server, w, walk_work, walk_done) < 0)
		walk_free(w);
}
