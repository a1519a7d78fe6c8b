/* presence.c - RFC 6121 3 and 4: subscriptions, broadcast, probes, directed presence.
 *
 * An account that is not in memory has no session, so nobody there has to be told anything. Contacts of other domains
 * are told through the link of their domain, which answers for them; what it cannot send is lost, as presence may be.
 */
#include "base/buf.h"
#include "base/limits.h"
#include "base/log.h"
#include "core/mod.h"
#include "core/outward.h"
#include "core/roster_push.h"
#include "core/state.h"
#include "xmpp/wire.h"

#define REQUEST_BYTES 512		/* a roster is stored as one value: thousands of requests must fit */

/* --- sending --------------------------------------------------------------------------------------------- */

/* An inactive client (XEP-0352) may not want it now: then the filter must see a stanza. */
static void send_presence(struct session *s, struct str bytes)
{
	struct arena *a;
	struct node *n;

	if (!s->inactive) {
		session_send_bytes(s, bytes);
		return;
	}
	a = arena_new(LIMIT_STANZA_BYTES_MAX * 4);
	if (a && wire_parse(a, bytes, &n) == 0)
		session_send(s, n);
	arena_free(&a);
}

/* <presence .../> with a 'to' put in. */
static int address(struct buf *b, struct str presence, struct str to)
{
	static const size_t head = sizeof("<presence") - 1;
	int r;

	buf_add(b, presence.p, head);
	buf_printf(b, " to='");
	r = wire_escape(b, to);
	buf_printf(b, "'");
	buf_add(b, presence.p + head, presence.n - head);
	return r < 0 || b->failed ? ERR_LIMIT : 0;
}

static void to_available(struct user *u, struct str presence, const struct session *but)
{
	struct buf b;

	if (presence.n == 0)
		return;
	buf_init(&b, LIMIT_STANZA_BYTES_MAX * 2);
	if (address(&b, presence, u->bare) == 0)
		LIST_EACH(it, &u->sessions) {
			struct session *s = LIST_ITEM(it, struct session, of_user);

			if (s != but && s->available && !s->ending)
				send_presence(s, buf_str(&b));
		}
	buf_release(&b);
}

/* May a see the presence of b, or of b's resource 'from': neither blocks the other (XEP-0191)? */
static bool sees_from(const struct user *a, const struct user *b, struct str from)
{
	return a == b || (!user_blocks(a, from) && !user_blocks(b, a->bare));
}

static bool sees(const struct user *a, const struct user *b)
{
	return sees_from(a, b, b->bare);
}

static bool shares_presence(const struct roster_item *it)
{
	return it->sub == SUB_FROM || it->sub == SUB_BOTH;
}

static bool gets_presence(const struct roster_item *it)
{
	return it->sub == SUB_TO || it->sub == SUB_BOTH;
}

/* --- contacts of other domains ----------------------------------------------------------------------------- */

static bool is_elsewhere(const struct server *srv, struct str bare)
{
	ptrdiff_t at = str_find_char(bare, '@'), slash = str_find_char(bare, '/');

	if (slash >= 0 && at > slash)
		at = -1;
	bare = slash >= 0 ? str_make(bare.p, (size_t)slash) : bare;
	return !server_is_local(srv, str_cut(bare, (size_t)(at + 1)));
}

static void send_elsewhere(struct server *srv, struct arena *a, struct node *presence, struct str to)
{
	struct jid from, jid;
	int r = jid_parse(a, node_attr(presence, "from"), &from);

	if (r == 0)
		r = jid_parse(a, to, &jid);
	if (r == 0)
		r = node_set_attr(a, presence, "to", jid.full);
	if (r == 0)
		r = outward_send(srv, &from, &jid, presence);
	if (r < 0)
		log_event(LOG_DEBUG, "presence.unsent", LOG_Z("why", err_text(r)));
}

static void text_elsewhere(struct server *srv, struct str presence, struct str to)
{
	struct arena *a = presence.n ? arena_new(LIMIT_STANZA_BYTES_MAX * 8) : NULL;
	struct node *n;

	if (a && wire_parse(a, presence, &n) == 0)
		send_elsewhere(srv, a, n, to);
	arena_free(&a);
}

/* <presence type=.../> of this session, and nothing more. */
static void word_elsewhere(struct session *s, const char *type, struct str to)
{
	struct arena *a = arena_new(65536);
	struct node *n = a ? node_new(a, NS_CLIENT, "presence") : NULL;

	if (n && node_set_attr(a, n, "from", s->full) == 0 && node_set_attr(a, n, "type", str_of(type)) == 0)
		send_elsewhere(s->server, a, n, to);
	arena_free(&a);
}

/* To all of them who are subscribed. */
static void broadcast_elsewhere(struct session *s, struct str presence)
{
	struct user *u = s->user;
	struct map_iter it = { 0 };
	void *value;

	while (u->roster.items && map_next(u->roster.items, &it, NULL, &value)) {
		const struct roster_item *item = value;

		if (shares_presence(item) && is_elsewhere(s->server, item->jid) && !user_blocks(u, item->jid))
			text_elsewhere(s->server, presence, item->jid);
	}
}

/* u's resources to one contact elsewhere; away: as if they had gone. Number of those that are there. */
static unsigned show_elsewhere(struct user *u, struct str to, bool away)
{
	unsigned n = 0;

	LIST_EACH(it, &u->sessions) {
		struct session *s = LIST_ITEM(it, struct session, of_user);

		if (!s->available || s->ending)
			continue;
		n++;
		if (away)
			word_elsewhere(s, "unavailable", to);
		else
			text_elsewhere(s->server, s->presence, to);
	}
	return n;
}

/* --- contacts here -------------------------------------------------------------------------------------------- */

/* To all who are subscribed, and to the own resources. */
static void broadcast(struct session *s, struct str presence, bool to_self)
{
	struct user *u = s->user;
	struct map_iter it = { 0 };
	void *item;

	broadcast_elsewhere(s, presence);
	while (u->roster.items && map_next(u->roster.items, &it, NULL, &item)) {
		struct user *contact = shares_presence(item) ? user_cached(s->server, ((struct roster_item *)item)->jid) : NULL;

		if (contact && sees_from(contact, u, s->full))
			to_available(contact, presence, NULL);
	}
	to_available(u, presence, to_self ? NULL : s);
}

/* RFC 6121 4.5.2: also to the resource that says it goes, which is not among the available ones any more. */
static void to_itself(struct session *s, struct str presence)
{
	struct buf b;

	buf_init(&b, LIMIT_STANZA_BYTES_MAX * 2);
	if (address(&b, presence, s->user->bare) == 0)
		send_presence(s, buf_str(&b));
	buf_release(&b);
}

static struct str unavailable_text(struct session *s, struct buf *b)
{
	buf_printf(b, "<presence from='");
	if (wire_escape(b, s->full) < 0)
		return STR_NONE;
	buf_printf(b, "' type='unavailable'/>");
	return b->failed ? STR_NONE : buf_str(b);
}

/* What u's resources have said, to one session. */
static void tell_of(struct session *to, struct user *u, const struct session *but)
{
	LIST_EACH(it, &u->sessions) {
		struct session *s = LIST_ITEM(it, struct session, of_user);
		struct buf b;

		if (s == but || !s->available || s->presence.n == 0 || !sees_from(to->user, u, s->full))
			continue;
		buf_init(&b, LIMIT_STANZA_BYTES_MAX * 2);
		if (address(&b, s->presence, to->user->bare) == 0)
			send_presence(to, buf_str(&b));
		buf_release(&b);
	}
}

/* u's resources to all available ones of 'to'; away: as if they had gone. */
static void show(struct user *u, struct user *to, bool away)
{
	LIST_EACH(it, &u->sessions) {
		struct session *s = LIST_ITEM(it, struct session, of_user);
		struct buf b;

		if (!s->available)
			continue;
		buf_init(&b, 8192);
		to_available(to, away ? unavailable_text(s, &b) : s->presence, NULL);
		buf_release(&b);
	}
}

/* --- broadcast ----------------------------------------------------------------------------------------------- */

/* RFC 6121 4.2.2, 4.3: what the contacts have said so far, and who waits for an answer. */
static void first_presence(struct session *s)
{
	struct user *u = s->user;
	struct map_iter it = { 0 };
	void *value;

	tell_of(s, u, s);
	while (u->roster.items && map_next(u->roster.items, &it, NULL, &value)) {
		struct roster_item *item = value;
		struct user *contact = gets_presence(item) ? user_cached(s->server, item->jid) : NULL;

		if (contact && sees(u, contact))
			tell_of(s, contact, NULL);
		if (gets_presence(item) && is_elsewhere(s->server, item->jid) && !user_blocks(u, item->jid))
			word_elsewhere(s, "probe", item->jid);		/* RFC 6121 4.3.1 */
		if (item->pending_in && item->request.n && !user_blocks(u, item->jid))
			session_send_bytes(s, item->request);
	}
}

static void forget_directed(struct session *s)
{
	map_free(&s->directed);
}

static void to_directed(struct session *s, struct str presence)
{
	struct map_iter it = { 0 };
	struct str jid;

	while (s->directed && map_next(s->directed, &it, &jid, NULL)) {
		ptrdiff_t slash = str_find_char(jid, '/');
		struct user *u = user_cached(s->server, slash < 0 ? jid : str_make(jid.p, (size_t)slash));
		struct session *one = u && slash >= 0 ? session_of_resource(u, str_cut(jid, (size_t)slash + 1)) : NULL;

		if (is_elsewhere(s->server, jid))
			text_elsewhere(s->server, presence, jid);
		else if (one)
			send_presence(one, presence);
		else if (u && slash < 0)
			to_available(u, presence, NULL);
	}
	forget_directed(s);
}

static void presence_out(struct session *s, struct trip *t, bool initial)
{
	struct buf b;

	buf_init(&b, LIMIT_STANZA_BYTES_MAX * 2);
	if (s->available) {
		broadcast(s, s->presence, true);
	} else if (wire_write(&b, t->stanza, STR(NS_CLIENT)) == 0) {
		if (s->was_available) {
			broadcast(s, buf_str(&b), false);
			to_itself(s, buf_str(&b));
		}
		to_directed(s, buf_str(&b));
	}
	buf_release(&b);
	if (initial)
		first_presence(s);
}

static void session_gone(struct session *s)
{
	struct buf b;
	struct str text;

	buf_init(&b, 8192);
	text = unavailable_text(s, &b);
	/* A server that stops says goodbye to everybody itself; its resumable sessions are not gone. */
	if (s->available && !s->server->stopping) {
		s->available = false;
		broadcast(s, text, false);
	}
	if (s->available)
		broadcast_elsewhere(s, text);	/* other servers stay */
	if (s->server->stopping)
		forget_directed(s);
	else
		to_directed(s, text);
	buf_release(&b);
}

/* --- subscriptions: RFC 6121 3, appendix A ------------------------------------------------------------------------ */

static void save(struct user *u)
{
	user_save_roster(u, NULL, NULL);
}

static void changed(struct user *u, struct roster_item *it)
{
	if (it->listed)
		roster_push_changed(u, it);
	if (!it->listed && !it->pending_in && it->sub == SUB_NONE && !it->ask && !it->approved)
		roster_remove(&u->roster, it->jid);
	save(u);
}

static void add_to(struct roster_item *it)
{
	it->sub = it->sub == SUB_FROM || it->sub == SUB_BOTH ? SUB_BOTH : SUB_TO;
}

static void add_from(struct roster_item *it)
{
	it->sub = it->sub == SUB_TO || it->sub == SUB_BOTH ? SUB_BOTH : SUB_FROM;
}

static void take_to(struct roster_item *it)
{
	it->sub = it->sub == SUB_BOTH || it->sub == SUB_FROM ? SUB_FROM : SUB_NONE;
}

static void take_from(struct roster_item *it)
{
	it->sub = it->sub == SUB_BOTH || it->sub == SUB_TO ? SUB_TO : SUB_NONE;
}

/* The stanza as it reaches the other side: from the bare address, to the bare address. */
static int stamp(struct trip *t, struct buf *b)
{
	int r = node_set_attr(t->arena, t->stanza, "from", t->from.bare);

	if (r == 0)
		r = node_set_attr(t->arena, t->stanza, "to", t->to.bare);
	return r < 0 ? r : wire_write(b, t->stanza, STR(NS_CLIENT));
}

static void to_interested(struct user *u, struct str bytes)
{
	LIST_EACH(it, &u->sessions) {
		struct session *s = LIST_ITEM(it, struct session, of_user);

		if (s->available || s->roster_wanted)
			session_send_bytes(s, bytes);
	}
}

/* The account the stanza is from, also when the server made it: then it is told apart by from_user. NULL: not in
 * memory, so it has no session. */
static struct user *sender(const struct trip *t)
{
	return t->from_user ? t->from_user : user_cached(t->server, t->from.bare);
}

/* The server answers for the account. */
static int reply_subscribed(struct trip *t)
{
	struct node *p = node_new(t->arena, NS_CLIENT, "presence");

	if (!p || node_set_attr(t->arena, p, "from", t->to.bare) < 0 || node_set_attr(t->arena, p, "to", t->from.bare) < 0 ||
	    node_set_attr(t->arena, p, "type", STR("subscribed")) < 0)
		return ERR_LIMIT;
	return trip_emit(t->server, p);
}

/* What is kept of a request until it is answered: what a person said with it, not more than REQUEST_BYTES. */
static int keep_request(struct trip *t, struct roster_item *it, struct str bytes)
{
	struct node *p;
	struct buf b;
	int r;

	if (bytes.n <= REQUEST_BYTES)
		return roster_item_set_request(it, bytes);
	p = node_new(t->arena, NS_CLIENT, "presence");
	if (!p || node_set_attr(t->arena, p, "from", t->from.bare) < 0 || node_set_attr(t->arena, p, "to", t->to.bare) < 0 ||
	    node_set_attr(t->arena, p, "type", STR("subscribe")) < 0)
		return ERR_LIMIT;
	buf_init(&b, LIMIT_JID * 16);
	r = wire_write(&b, p, STR(NS_CLIENT));
	if (r == 0)
		r = roster_item_set_request(it, buf_str(&b));
	buf_release(&b);
	return r;
}

static int in_subscribe(struct trip *t, struct user *u, struct str bytes)
{
	struct roster_item *it = roster_find(&u->roster, t->from.bare);
	int r;

	if (it && shares_presence(it))
		return reply_subscribed(t);
	if (it && it->approved) {
		/* RFC 6121 3.4: said yes before. Once: whoever leaves and comes back asks again. */
		it->approved = false;
		it->listed = true;
		add_from(it);
		changed(u, it);
		return reply_subscribed(t);
	}
	r = roster_get(&u->roster, t->from.bare, &it);
	if (r < 0)
		return 0;		/* a full roster of the receiver is not the sender's business */
	if (it->pending_in)
		return 0;		/* one stored request a contact */
	it->pending_in = true;
	r = keep_request(t, it, bytes);
	if (r < 0)
		return r;
	save(u);
	to_interested(u, bytes);
	return 0;
}

static int in_subscribed(struct trip *t, struct user *u, struct str bytes)
{
	struct roster_item *it = roster_find(&u->roster, t->from.bare);

	if (!it || !it->ask)
		return 0;
	it->ask = false;
	add_to(it);
	to_interested(u, bytes);
	changed(u, it);
	return 0;
}

static int in_unsubscribe(struct trip *t, struct user *u, struct str bytes)
{
	struct roster_item *it = roster_find(&u->roster, t->from.bare);
	struct user *from = sender(t);
	bool shared = it && shares_presence(it);

	if (!it || (!shared && !it->pending_in) || roster_is_shared(it))
		return 0;
	it->pending_in = false;
	take_from(it);
	if (roster_item_set_request(it, STR_NONE) < 0)
		return ERR_NOMEM;
	to_interested(u, bytes);
	if (shared && from)
		show(u, from, true);
	else if (shared && trip_is_foreign(t))
		show_elsewhere(u, t->from.bare, true);
	changed(u, it);
	return 0;
}

static int in_unsubscribed(struct trip *t, struct user *u, struct str bytes)
{
	struct roster_item *it = roster_find(&u->roster, t->from.bare);
	struct user *from = sender(t);

	if (!it || (!gets_presence(it) && !it->ask) || roster_is_shared(it))
		return 0;
	/* Of a roster item that was removed: out_unsubscribed has not been asked. */
	if (!t->from_user && from && gets_presence(it))
		show(from, u, true);
	it->ask = false;
	take_to(it);
	to_interested(u, bytes);
	changed(u, it);
	return 0;
}

static int out_subscribe(struct trip *t, struct user *u, bool *ret_go)
{
	struct roster_item *it;
	int r = roster_get(&u->roster, t->to.bare, &it);

	*ret_go = true;
	if (r < 0)
		return r;
	if (gets_presence(it) || it->ask)
		return 0;
	it->ask = true;
	it->listed = true;
	changed(u, it);
	return 0;
}

/* RFC 6121 3.4: yes to a contact who has not asked yet. Contacts alone: an answer nobody asked for changes nothing
 * else (security-tests 80). */
static void approve(struct user *u, struct roster_item *it)
{
	if (!it || !it->listed || it->approved || shares_presence(it))
		return;
	it->approved = true;
	changed(u, it);
}

static int out_subscribed(struct trip *t, struct user *u, bool *ret_go)
{
	struct roster_item *it = roster_find(&u->roster, t->to.bare);

	*ret_go = it && it->pending_in;
	if (!*ret_go) {
		approve(u, it);
		return 0;
	}
	it->pending_in = false;
	it->listed = true;
	add_from(it);
	if (roster_item_set_request(it, STR_NONE) < 0)
		return ERR_NOMEM;
	changed(u, it);
	return 0;
}

static int out_unsubscribe(struct trip *t, struct user *u, bool *ret_go)
{
	struct roster_item *it = roster_find(&u->roster, t->to.bare);

	*ret_go = !roster_is_shared(it);	/* what the company's policy puts there, nobody takes away */
	if (!it || (!it->ask && !gets_presence(it)) || !*ret_go)
		return 0;
	it->ask = false;
	take_to(it);
	changed(u, it);
	return 0;
}

static int out_unsubscribed(struct trip *t, struct user *u, bool *ret_go)
{
	struct roster_item *it = roster_find(&u->roster, t->to.bare);

	*ret_go = it && !roster_is_shared(it) && (it->pending_in || shares_presence(it));
	if (!*ret_go && (!(it && it->approved) || roster_is_shared(it)))
		return 0;
	if (shares_presence(it) && t->to_user)
		show(u, t->to_user, true);
	else if (shares_presence(it) && t->route == ROUTE_REMOTE)
		show_elsewhere(u, t->to.bare, true);
	it->approved = false;
	it->pending_in = false;
	take_from(it);
	if (roster_item_set_request(it, STR_NONE) < 0)
		return ERR_NOMEM;
	changed(u, it);
	return 0;
}

static const struct {
	const char *type;
	int (*out)(struct trip *t, struct user *u, bool *ret_go);
	int (*in)(struct trip *t, struct user *u, struct str bytes);
} subscriptions[] = {
	{ "subscribe", out_subscribe, in_subscribe },
	{ "subscribed", out_subscribed, in_subscribed },
	{ "unsubscribe", out_unsubscribe, in_unsubscribe },
	{ "unsubscribed", out_unsubscribed, in_unsubscribed },
};

/* On its way to another domain: from the bare address, to the bare address. */
static int leave(struct trip *t, size_t kind)
{
	struct user *from = sender(t);
	struct jid own = { .full = t->from.bare, .bare = t->from.bare, .local = t->from.local, .domain = t->from.domain };
	struct jid to = { .full = t->to.bare, .bare = t->to.bare, .local = t->to.local, .domain = t->to.domain };
	int r = node_set_attr(t->arena, t->stanza, "from", own.bare);

	if (r == 0)
		r = node_set_attr(t->arena, t->stanza, "to", to.bare);
	/* Of a roster item that was removed: out_unsubscribed has not been asked. */
	if (r == 0 && kind == 3 && !t->from_user && from)
		show_elsewhere(from, to.bare, true);
	if (r == 0)
		r = outward_send(t->server, &own, &to, t->stanza);
	if (r == 0 && kind == 1 && from && !user_blocks(from, to.bare))
		show_elsewhere(from, to.bare, false);
	return r;
}

static int subscription(struct trip *t, size_t kind)
{
	bool go = true;
	struct buf b;
	int r = 0;

	if (t->to_user && t->to_user == t->from_user)
		return 0;
	buf_init(&b, LIMIT_STANZA_BYTES_MAX);
	if (t->from_user)
		r = subscriptions[kind].out(t, t->from_user, &go);
	if (r == 0 && go && t->route == ROUTE_REMOTE)
		r = leave(t, kind);
	if (r == 0 && go && t->to_user) {
		r = stamp(t, &b);
		if (r == 0)
			r = subscriptions[kind].in(t, t->to_user, buf_str(&b));
	}
	/* RFC 6121 3.1.6: whoever is let in sees who is there. */
	if (r == 0 && go && kind == 1 && sender(t) && t->to_user && sees(t->to_user, sender(t)))
		show(sender(t), t->to_user, false);
	buf_release(&b);
	return r;
}

/* --- directed presence (RFC 6121 4.6) ----------------------------------------------------------------------------- */

static int remember(struct session *s, struct str jid, bool away)
{
	int r;

	if (away) {
		if (s->directed)
			map_take(s->directed, jid);
		return 0;
	}
	if (!s->directed)
		s->directed = map_new(LIMIT_DIRECTED_PRESENCE);
	if (!s->directed)
		return ERR_NOMEM;
	r = map_put(s->directed, jid, s);
	return r == ERR_LIMIT ? ERR_POLICY : r;
}

static int directed(struct trip *t, bool away)
{
	struct session *s = session_find(t->server, t->session_id), *one;
	struct buf b;
	int r = s ? remember(s, t->to.full, away) : 0;

	if (r == 0 && t->route == ROUTE_REMOTE)
		r = outward_send(t->server, &t->from, &t->to, t->stanza);
	if (r < 0 || !t->to_user)
		return r;
	buf_init(&b, LIMIT_STANZA_BYTES_MAX * 2);
	r = wire_write(&b, t->stanza, STR(NS_CLIENT));
	if (r == 0 && t->route == ROUTE_RESOURCE) {
		one = session_of_resource(t->to_user, t->to.resource);
		if (one)
			send_presence(one, buf_str(&b));
	} else if (r == 0) {
		LIST_EACH(it, &t->to_user->sessions) {
			struct session *to = LIST_ITEM(it, struct session, of_user);

			if (to->available)
				send_presence(to, buf_str(&b));
		}
	}
	buf_release(&b);
	return r;
}

/* Another server asks for one of its people (RFC 6121 4.3.2). */
static int probe_from_elsewhere(struct trip *t)
{
	struct node *p;

	if (show_elsewhere(t->to_user, t->from.full, false))
		return 0;
	p = node_new(t->arena, NS_CLIENT, "presence");
	if (p && node_set_attr(t->arena, p, "from", t->to.bare) == 0 && node_set_attr(t->arena, p, "type", STR("unavailable")) == 0)
		send_elsewhere(t->server, t->arena, p, t->from.full);
	return 0;
}

static int probe(struct trip *t)
{
	struct session *s = session_find(t->server, t->session_id);
	const struct roster_item *it = t->to_user ? roster_find(&t->to_user->roster, t->from.bare) : NULL;

	if (t->route == ROUTE_REMOTE)
		return outward_send(t->server, &t->from, &t->to, t->stanza);
	if (trip_is_foreign(t) && it && shares_presence(it))
		return probe_from_elsewhere(t);
	if (s && t->to_user && (t->to_user == t->from_user || (it && shares_presence(it))))
		tell_of(s, t->to_user, s);
	return 0;		/* silence to everybody else, as for accounts that are not there */
}

static int presence_directed(struct trip *t)
{
	struct str type = node_attr(t->stanza, "type");

	for (size_t i = 0; i < sizeof(subscriptions) / sizeof(subscriptions[0]); i++)
		if (str_is(type, subscriptions[i].type))
			return subscription(t, i);
	if (str_is(type, "probe"))
		return probe(t);
	if (type.n == 0 || str_is(type, "unavailable"))
		return directed(t, type.n != 0);
	/* What became of directed presence to another domain, for the client that sent it. */
	if (str_is(type, "error") && trip_is_foreign(t) && t->route == ROUTE_RESOURCE)
		return directed(t, true);
	return 0;
}

/* The server has made them contacts, or ended it: u sees who is there of the other, or sees them go. */
static void roster_shared(struct user *u, struct str contact, bool ended)
{
	struct user *other = user_cached(u->server, contact);

	if (other && other != u && sees(u, other))
		show(other, u, ended);
}

static void stream_features(struct server *srv, struct arena *a, struct node *features)
{
	(void)srv;
	node_add(a, features, NS_PREAPPROVAL, "sub");
}

static const struct mod_hooks hooks = {
	.stream_features = stream_features,
	.presence_out = presence_out,
	.presence_directed = presence_directed,
	.session_gone = session_gone,
	.roster_shared = roster_shared,
};

const struct mod_def mod_presence = { .name = "presence", .hooks = &hooks };
