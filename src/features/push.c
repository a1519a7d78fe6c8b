/* push.c - XEP-0357: tells an app server that something waits for a client that is not connected.
 *
 * A client is not connected when its session waits for a resumption, or is gone: it is known by the resource with
 * which it enabled the service. What is told is how many messages came since, and where policy allows it from whom;
 * never what they say. One publication a service is under way at a time: what comes meanwhile is told with the next.
 *
 * Ownership  user->push, in user->push_arena: read at the first need, replaced as a whole at every change.
 * Limits     PUSH_MOST services an account; PUSH_JID, PUSH_NODE, PUSH_OPTIONS bytes each.
 * Errors     A service that answers with an error is disabled; with one that says "wait", after PUSH_ERRORS in a row;
 *            one that cannot be reached, after PUSH_AWAY_MS.
 */
#include <stdlib.h>

#include "base/buf.h"
#include "base/limits.h"
#include "base/log.h"
#include "core/ask.h"
#include "core/mod.h"
#include "core/sm.h"
#include "core/state.h"
#include "xmpp/wire.h"

#define PUSH_MOST 16
#define PUSH_JID 1024
#define PUSH_NODE 1024
#define PUSH_OPTIONS 4096
#define PUSH_SENDER 256
#define PUSH_ERRORS 8
#define PUSH_AWAY_MS (24 * 3600 * 1000ull)
#define PUSH_BYTES (PUSH_MOST * (PUSH_JID + PUSH_NODE + PUSH_OPTIONS) * 6)	/* escaped */
#define PUSH_KEY "services"
#define NS_PUSH_SUMMARY "urn:xmpp:push:summary"

struct service {
	struct service *next;
	struct str jid, node, resource;
	const struct node *options;	/* the form to send with each publication; NULL: none */
	char sender[PUSH_SENDER];	/* of the last message; empty: not to be told, or too long */
	unsigned count, errors;		/* since the client was last here; in a row */
	uint64_t failing_ms;		/* since when it does not answer or cannot be reached; 0: it does */
	bool flying, due;		/* a publication is under way; another one is to follow */
};

struct push {
	uint64_t serial;		/* rises with every change */
	struct service *first;
	unsigned n;
};

/* --- the set of services ----------------------------------------------------------------------------------- */

static struct service *find(const struct user *u, struct str jid, struct str node)
{
	const struct push *p = u->push;

	for (struct service *s = p ? p->first : NULL; s; s = s->next)
		if (str_eq(s->jid, jid) && str_eq(s->node, node))
			return s;
	return NULL;
}

static struct push *push_new(struct arena **ret)
{
	*ret = arena_new(PUSH_BYTES * 4);
	return *ret ? arena_alloc(*ret, sizeof(struct push)) : NULL;
}

/* A copy of one service in the set that is being built. */
static int add(struct push *p, struct arena *a, const struct service *from)
{
	struct service *s = p->n < PUSH_MOST ? arena_alloc(a, sizeof(*s)) : NULL;

	if (!s)
		return ERR_LIMIT;
	*s = *from;
	s->jid = arena_str(a, from->jid);
	s->node = arena_str(a, from->node);
	s->resource = arena_str(a, from->resource);
	s->options = from->options ? node_dup(a, from->options) : NULL;
	if (!s->jid.p || !s->node.p || !s->resource.p || (from->options && !s->options))
		return ERR_LIMIT;
	s->next = p->first;
	p->first = s;
	p->n++;
	return 0;
}

static void put(struct user *u, struct push *p, struct arena *a)
{
	arena_free(&u->push_arena);
	u->push_arena = a;
	u->push = p;
}

/* The set without what is named (node NULL: all of that jid), with 'more' (NULL: none). */
static int change(struct user *u, struct str jid, const struct str *node, const struct service *more)
{
	const struct push *old = u->push;
	struct arena *a;
	struct push *p = push_new(&a);
	int r = p ? 0 : ERR_NOMEM;

	if (p)
		p->serial = old ? old->serial + 1 : 1;
	for (const struct service *s = old ? old->first : NULL; s && r == 0; s = s->next)
		if (!str_eq(s->jid, jid) || (node && !str_eq(s->node, *node)))
			r = add(p, a, s);
	if (r == 0 && more)
		r = add(p, a, more);
	if (r < 0)
		arena_free(&a);
	else
		put(u, p, a);
	return r;
}

static int add_service(struct arena *a, struct node *root, const struct service *s)
{
	struct node *n = node_add(a, root, NS_PUSH, "service"), *form = n && s->options ? node_dup(a, s->options) : NULL;

	if (!n || node_set_attr(a, n, "jid", s->jid) < 0 || node_set_attr(a, n, "node", s->node) < 0 ||
	    node_set_attr(a, n, "resource", s->resource) < 0 || (s->options && !form))
		return ERR_LIMIT;
	if (form)
		node_append(n, form);
	return 0;
}

/* As it is stored. */
static int encode(struct arena *a, const struct push *p, struct str *ret)
{
	struct node *root = node_new(a, NS_PUSH, "services");
	struct buf b;
	int r = root ? 0 : ERR_LIMIT;

	for (const struct service *s = p ? p->first : NULL; s && r == 0; s = s->next)
		r = add_service(a, root, s);
	buf_init(&b, PUSH_BYTES);
	if (r == 0)
		r = wire_write(&b, root, STR(NS_CLIENT));
	if (r == 0) {
		*ret = arena_str(a, buf_str(&b));
		r = ret->p ? 0 : ERR_LIMIT;
	}
	buf_release(&b);
	return r;
}

static int decode(struct user *u, struct arena *tmp, struct str text)
{
	struct arena *a;
	struct push *p = push_new(&a);
	struct node *root;
	int r = p ? 0 : ERR_NOMEM;

	if (r == 0 && text.n)
		r = wire_parse(tmp, text, &root);
	for (struct node *n = r == 0 && text.n ? node_first_element(root) : NULL; n && r == 0; n = node_next_element(n)) {
		struct service s = { .jid = node_attr(n, "jid"), .node = node_attr(n, "node"),
				     .resource = node_attr(n, "resource"),
				     .options = node_child(n, NS_XDATA, "x") };

		r = add(p, a, &s);
	}
	if (r < 0)
		arena_free(&a);
	else
		put(u, p, a);
	return r;
}

/* --- publishing ------------------------------------------------------------------------------------------------ */

struct flight {
	struct user *user;		/* a reference */
	struct str jid, node;		/* behind it */
	char text[];
};

static void fire(struct user *u, struct service *s);
static void save_behind(struct user *u);

/* The service itself did not say that: it may be back in a minute. */
static bool is_away(const struct node *answer)
{
	static const char *const conditions[] = { "service-unavailable", "remote-server-not-found", "remote-server-timeout" };
	const struct node *e = answer ? node_child(answer, NS_CLIENT, "error") : NULL;

	for (size_t i = 0; e && i < sizeof(conditions) / sizeof(conditions[0]); i++)
		if (node_child(e, NS_STANZAS, conditions[i]))
			return true;
	return !e;
}

/* Is it time to disable it, after this failure? */
static bool is_hopeless(const struct user *u, struct service *s, const struct node *answer)
{
	uint64_t now = loop_now_ms(u->server->loop);
	const struct node *e = answer ? node_child(answer, NS_CLIENT, "error") : NULL;

	if (is_away(answer)) {
		s->failing_ms = s->failing_ms ? s->failing_ms : now + 1;
		return now > s->failing_ms + PUSH_AWAY_MS;
	}
	return !str_is(node_attr(e, "type"), "wait") || ++s->errors >= PUSH_ERRORS;
}

static void landed(struct user *u, struct service *s, const struct node *answer)
{
	bool failed = !answer || str_is(node_attr(answer, "type"), "error"), due = s->due;

	s->flying = s->due = false;
	if (!failed) {
		s->errors = 0;
		s->failing_ms = 0;
	}
	if (failed && is_hopeless(u, s, answer)) {
		log_event(LOG_NOTE, "push.disabled", LOG_S("user", u->bare), LOG_S("service", s->jid));
		if (change(u, s->jid, &s->node, NULL) == 0)
			save_behind(u);
	} else if (due && !failed) {
		fire(u, s);
	}
}

static void on_answer(void *ctx, const struct node *answer)
{
	struct flight *f = ctx;
	struct service *s = find(f->user, f->jid, f->node);

	if (s && s->flying && !f->user->gone && !f->user->server->stopping)
		landed(f->user, s, answer);
	user_unref(&f->user);
	free(f);
}

static int add_field(struct arena *a, struct node *form, const char *var, struct str value)
{
	struct node *f = node_add(a, form, NS_XDATA, "field");

	return f && node_set_attr(a, f, "var", str_of(var)) == 0 && node_add_leaf(a, f, NS_XDATA, "value", value) ? 0 : ERR_LIMIT;
}

static int add_summary(struct arena *a, struct node *notification, const struct service *s)
{
	struct node *form = node_add(a, notification, NS_XDATA, "x");
	char count[16];
	int r = form ? node_set_attr(a, form, "type", STR("result")) : ERR_LIMIT;

	snprintf(count, sizeof(count), "%u", s->count);
	if (r == 0)
		r = add_field(a, form, "FORM_TYPE", STR(NS_PUSH_SUMMARY));
	if (r == 0)
		r = add_field(a, form, "message-count", str_of(count));
	if (r == 0 && s->sender[0])
		r = add_field(a, form, "last-message-sender", str_of(s->sender));
	return r;
}

static struct node *publication(struct arena *a, const struct server *srv, const struct service *s)
{
	struct node *iq = node_new(a, NS_CLIENT, "iq"), *pubsub = iq ? node_add(a, iq, NS_PUBSUB, "pubsub") : NULL, *n, *form;

	n = pubsub ? node_add(a, pubsub, NS_PUBSUB, "publish") : NULL;
	if (!n || node_set_attr(a, iq, "type", STR("set")) < 0 || node_set_attr(a, iq, "from", srv->domain) < 0 ||
	    node_set_attr(a, iq, "to", s->jid) < 0 || node_set_attr(a, n, "node", s->node) < 0)
		return NULL;
	n = node_add(a, n, NS_PUBSUB, "item");
	n = n ? node_add(a, n, NS_PUSH, "notification") : NULL;
	if (!n || add_summary(a, n, s) < 0)
		return NULL;
	if (!s->options)
		return iq;
	n = node_add(a, pubsub, NS_PUBSUB, "publish-options");
	form = n ? node_dup(a, s->options) : NULL;
	if (!form)
		return NULL;
	node_append(n, form);
	return iq;
}

static struct flight *flight_new(struct user *u, const struct service *s)
{
	struct flight *f = calloc(1, sizeof(*f) + s->jid.n + s->node.n + 1);

	if (!f)
		return NULL;
	memcpy(f->text, s->jid.p, s->jid.n);
	memcpy(f->text + s->jid.n, s->node.p, s->node.n);
	f->jid = str_make(f->text, s->jid.n);
	f->node = str_make(f->text + s->jid.n, s->node.n);
	f->user = user_ref(u);
	return f;
}

static void fire(struct user *u, struct service *s)
{
	struct arena *a;
	struct node *iq;
	struct flight *f;

	if (s->flying) {
		s->due = true;
		return;
	}
	a = arena_new(PUSH_BYTES);
	iq = a ? publication(a, u->server, s) : NULL;
	f = iq ? flight_new(u, s) : NULL;
	if (f) {
		s->flying = true;
		/* on_answer() may be called before this returns, and s be gone then. */
		if (ask_send(u->server, a, iq, on_answer, f) < 0) {
			s->flying = false;
			user_unref(&f->user);
			free(f);
		}
	}
	arena_free(&a);
}

/* --- who is told --------------------------------------------------------------------------------------------------- */

/* news of an account; resource empty: for all its clients that are not connected. */
struct news {
	struct server *srv;
	struct user *user;		/* a reference */
	struct arena *arena;
	struct str resource, sender, stored;
	unsigned n;
};

static void note_sender(const struct server *srv, struct service *s, struct str sender)
{
	size_t n = srv->config->push.sender && sender.n < PUSH_SENDER ? sender.n : 0;

	memcpy(s->sender, sender.p, n);
	s->sender[n] = 0;
}

static bool is_connected(const struct user *u, struct str resource)
{
	const struct session *s = session_of_resource(u, resource);

	return s && s->stream && !s->ending;
}

static void tell(struct user *u, struct str resource, struct str sender, unsigned n)
{
	const struct push *p = u->push;
	uint64_t serial = p->serial;
	struct service *next;

	for (struct service *s = p->first; s; s = next) {
		next = s->next;
		if ((resource.n && !str_eq(resource, s->resource)) || is_connected(u, s->resource))
			continue;
		s->count += n;
		note_sender(u->server, s, sender);
		fire(u, s);
		if (((const struct push *)u->push)->serial != serial)
			return;			/* an answer came at once and changed the set */
	}
}

static void news_free(struct news *w)
{
	struct arena *a = w->arena;

	user_unref(&w->user);
	arena_free(&a);
}

static int load_work(struct vault *v, void *ctx)
{
	struct news *w = ctx;
	int r = vault_item_get(v, w->user->bare, ITEM_PUSH, STR(PUSH_KEY), w->arena, &w->stored);

	if (r == ERR_NOT_FOUND)
		w->stored = STR_NONE;
	return r == ERR_NOT_FOUND ? 0 : r;
}

static void load_done(void *ctx, int err)
{
	struct news *w = ctx;
	struct user *u = w->user;

	if (err == 0 && !u->push && !u->gone)
		err = decode(u, w->arena, w->stored);
	if (err < 0)
		log_event(LOG_WARN, "push.not_read", LOG_Z("why", err_text(err)));
	if (u->push && !u->gone && !w->srv->stopping)
		tell(u, w->resource, w->sender, w->n);
	news_free(w);
}

static void spread(struct server *srv, struct user *u, struct str resource, struct str sender, unsigned n)
{
	struct arena *a;
	struct news *w;

	if (u->push) {
		tell(u, resource, sender, n);
		return;
	}
	a = arena_new(PUSH_BYTES * 6);
	w = a ? arena_alloc(a, sizeof(*w)) : NULL;
	if (!w) {
		arena_free(&a);
		return;
	}
	*w = (struct news){ .srv = srv, .user = user_ref(u), .arena = a, .resource = arena_str(a, resource),
			    .sender = arena_str(a, sender), .n = n };
	if (!w->resource.p || !w->sender.p || server_store(srv, w, load_work, load_done) < 0)
		news_free(w);
}

/* What a person would want to be woken for. */
static bool is_worth_it(const struct node *m)
{
	struct str type = node_attr(m, "type");

	if (str_is(type, "error") || str_is(type, "headline"))
		return false;
	return node_child(m, NS_CLIENT, "body") || node_child(m, NS_OMEMO, "encrypted") || node_child(m, NS_OMEMO_2, "encrypted") ||
	       node_child(m, NS_JINGLE_MESSAGE, "propose") || node_child(m, NS_CONFERENCE, "x");
}

/* Of a room: those of its occupants here whose session waits. */
static void occupants(struct trip *t)
{
	for (struct copy *c = t->copies; c; c = c->next) {
		struct session *s = session_find(t->server, c->session_id);

		if (s && c->main && !s->stream && !s->ending && s->user != t->from_user)
			spread(t->server, s->user, s->resource, t->from.bare, 1);
	}
}

static void message_done(struct trip *t)
{
	bool one = t->route == ROUTE_RESOURCE && str_is(node_attr(t->stanza, "type"), "groupchat");

	if (!is_worth_it(t->stanza))
		return;
	if (t->route == ROUTE_SERVICE)
		occupants(t);
	else if (t->to_user && t->to_user != t->from_user && (t->route == ROUTE_ACCOUNT || t->route == ROUTE_RESOURCE))
		spread(t->server, t->to_user, one ? t->to.resource : STR_NONE, t->from.bare, 1);
}

/* The connection was lost with messages on their way: nobody knows whether they arrived. */
static void session_detached(struct session *s)
{
	unsigned n = 0;

	for (const struct sm_entry *e = s->sm ? s->sm->first : NULL; e; e = e->next) {
		struct str bytes = str_make(e->bytes, e->n);

		n += e->ready && str_starts(bytes, STR("<message")) &&
		     (str_find(bytes, STR("<body")) > 0 || str_find(bytes, STR("<encrypted")) > 0);
	}
	if (n)
		spread(s->server, s->user, s->resource, STR_NONE, n);
}

/* The client is here: it knows what has come. */
static void seen(struct session *s)
{
	const struct push *p = s->user->push;

	for (struct service *one = p ? p->first : NULL; one; one = one->next)
		if (str_eq(one->resource, s->resource))
			one->count = 0;
}

/* --- requests ---------------------------------------------------------------------------------------------------------- */

struct request {
	struct service service;
	bool all;			/* disable: every node of the service */
	struct str stored;
};

static int save_work(struct vault *v, struct iq *iq)
{
	struct request *q = iq->data;

	return vault_item_put(v, iq->user->bare, ITEM_PUSH, STR(PUSH_KEY), q->stored);
}

static int save_done(struct iq *iq, int err)
{
	return err < 0 ? err : iq_reply(iq, NULL);
}

static int apply(struct iq *iq)
{
	struct request *q = iq->data;
	bool enable = str_is(iq->payload->name, "enable");
	int r = change(iq->user, q->service.jid, q->all ? NULL : &q->service.node, enable ? &q->service : NULL);

	if (r == 0)
		r = encode(iq->arena, iq->user->push, &q->stored);
	return r < 0 ? r : iq_store(iq, save_work, save_done);
}

static int read_work(struct vault *v, struct iq *iq)
{
	struct request *q = iq->data;
	int r = vault_item_get(v, iq->user->bare, ITEM_PUSH, STR(PUSH_KEY), iq->arena, &q->stored);

	if (r == ERR_NOT_FOUND)
		q->stored = STR_NONE;
	return r == ERR_NOT_FOUND ? 0 : r;
}

static int read_done(struct iq *iq, int err)
{
	struct request *q = iq->data;

	if (err == 0 && !iq->user->push)
		err = decode(iq->user, iq->arena, q->stored);
	return err < 0 ? err : apply(iq);
}

/* The form for the app server, whatever is in it; too large is refused. */
static int options_of(struct iq *iq, struct request *q)
{
	const struct node *form = node_child(iq->payload, NS_XDATA, "x");
	struct buf b;
	int r;

	if (!form)
		return 0;
	buf_init(&b, PUSH_OPTIONS);
	r = wire_write(&b, form, STR(NS_CLIENT));
	buf_release(&b);
	q->service.options = form;
	return r < 0 ? ERR_LIMIT : 0;
}

static int on_request(struct iq *iq)
{
	struct request *q = arena_alloc(iq->arena, sizeof(*q));
	struct jid jid;
	int r;

	if (!q)
		return ERR_LIMIT;
	if (!iq->session || !node_has_attr(iq->payload, "jid"))
		return ERR_BAD_REQUEST;
	if (jid_parse(iq->arena, node_attr(iq->payload, "jid"), &jid) < 0)
		return ERR_JID;
	q->service = (struct service){ .jid = jid.full, .node = node_attr(iq->payload, "node"),
				       .resource = iq->session->resource };
	q->all = str_is(iq->payload->name, "disable") && !node_has_attr(iq->payload, "node");
	if (q->service.jid.n > PUSH_JID || q->service.node.n > PUSH_NODE)
		return ERR_NOT_ACCEPTABLE;
	r = options_of(iq, q);
	if (r < 0)
		return r;
	iq->data = q;
	return iq->user->push ? apply(iq) : iq_store(iq, read_work, read_done);
}

/* --- what was disabled by an answer -------------------------------------------------------------------------------------- */

struct save {
	struct arena *arena;
	struct str owner, stored;
};

static int behind_work(struct vault *v, void *ctx)
{
	struct save *s = ctx;

	return vault_item_put(v, s->owner, ITEM_PUSH, STR(PUSH_KEY), s->stored);
}

static void behind_done(void *ctx, int err)
{
	struct save *s = ctx;
	struct arena *a = s->arena;

	if (err < 0)
		log_event(LOG_WARN, "push.not_saved", LOG_Z("why", err_text(err)));
	arena_free(&a);
}

static void save_behind(struct user *u)
{
	struct arena *a = arena_new(PUSH_BYTES * 6);
	struct save *s = a ? arena_alloc(a, sizeof(*s)) : NULL;

	if (s) {
		s->arena = a;
		s->owner = arena_str(a, u->bare);
		if (s->owner.p && encode(a, u->push, &s->stored) == 0 &&
		    server_store(u->server, s, behind_work, behind_done) == 0)
			return;
	}
	arena_free(&a);
}

static const struct iq_hook iqs[] = {
	{ IQ_SET, NS_PUSH, "enable", TO_SELF, on_request },
	{ IQ_SET, NS_PUSH, "disable", TO_SELF, on_request },
	{ 0 }
};

static const struct mod_hooks hooks = {
	.message_done = message_done,
	.session_detached = session_detached,
	.session_bound = seen,
	.session_resumed = seen,
};

const struct mod_def mod_push = {
	.name = "push",
	.xep = 357,
	.xep_version = "0.4.1",
	.xep_note = "the number of messages, and the sender where policy allows; never the text",
	.disco_account = (const char *const[]){ NS_PUSH, NULL },
	.iq = iqs,
	.hooks = &hooks,
};
