/* blocking.c - XEP-0191: who is on the list hears nothing of its owner and cannot reach him.
 *
 * The list itself is asked on the road of every stanza (core/admit.c). Here it is read and changed; a contact that is
 * blocked sees the owner go offline, one that is unblocked sees him again.
 */
#include "base/limits.h"
#include "core/audit.h"
#include "core/bot.h"
#include "core/mod.h"
#include "core/report.h"
#include "core/sm.h"
#include "core/state.h"
#include "xmpp/wire.h"

#define REPORTS_MOST 16			/* of one request */
#define REPORT_BYTES 4000
#define REPORT_IDS 20
#define REASON "urn:xmpp:reporting:"



struct change {
	struct report_said *reports;
	size_t n_reports;
	struct str *v;			/* normalised addresses */
	size_t n;
	bool block;
};

static int on_list(struct iq *iq)
{
	struct node *list = node_new(iq->arena, NS_BLOCKING, "blocklist");

	if (!list || !iq->session)
		return ERR_UNAVAILABLE;
	iq->session->blocklist_wanted = true;
	if (iq->session->sm)
		iq->session->sm->dirty = true;
	for (size_t i = 0; i < iq->user->n_blocked; i++) {
		struct node *item = node_add(iq->arena, list, NS_BLOCKING, "item");

		if (!item || node_set_attr(iq->arena, item, "jid", iq->user->blocked[i]) < 0)
			return ERR_LIMIT;
	}
	return iq_reply(iq, list);
}

/* The own account, the own server and its two voices: a company's warnings reach everybody (XEP-0191 5). */
static bool own_side(const struct iq *iq, const struct jid *jid)
{
	const struct server *srv = iq->server;

	return str_eq(jid->bare, iq->user->bare) || (jid->local.n == 0 && server_is_local(srv, jid->domain)) ||
	       str_eq(jid->bare, srv->bot) || str_eq(jid->bare, srv->helpdesk);
}

/* --- reports (XEP-0377) ---------------------------------------------------------------------------------------- */

/* The ids are those of the reporter's own archive: who else would name one is not believed. */
static int read_ids(struct iq *iq, const struct node *report, struct str *ret)
{
	unsigned n = 0;

	*ret = STR_NONE;
	for (const struct node *id = node_child(report, NS_SID, "stanza-id"); id; id = node_child_next(id, NS_SID, "stanza-id")) {
		uint64_t v;

		if (n++ == REPORT_IDS)
			return ERR_NOT_ACCEPTABLE;
		if (vault_id_parse(node_attr(id, "id"), &v) < 0)
			continue;
		*ret = arena_printf(iq->arena, "%.*s%s%.*s", STR_FMT(*ret), ret->n ? " " : "", STR_FMT(node_attr(id, "id")));
		if (!ret->p)
			return ERR_LIMIT;
	}
	return 0;
}

/* The message itself, with this server's mark: good when the archive has forgotten it. */
static const struct node *shown(const struct node *report)
{
	const struct node *f = node_child(report, NS_FORWARD, "forwarded");

	return f ? node_child(f, NS_CLIENT, "message") : NULL;
}

static int read_report(struct iq *iq, struct change *c, const struct node *item, struct str about)
{
	const struct node *report = node_child(item, NS_REPORTING, "report"), *text;
	struct report_said *r;
	bool old = !report;

	if (old)
		report = node_child(item, NS_REPORTING_0, "report");

	if (!report)
		return 0;
	if (!c->reports)
		c->reports = arena_alloc(iq->arena, REPORTS_MOST * sizeof(*c->reports));
	if (!c->reports || c->n_reports == REPORTS_MOST)
		return ERR_LIMIT;
	r = &c->reports[c->n_reports++];
	text = node_child(report, old ? NS_REPORTING_0 : NS_REPORTING, "text");
	*r = (struct report_said){ .about = about, .reason = node_attr(report, "reason"), .text = text ? node_text(iq->arena, text) : STR_NONE };
	if (old)
		r->reason = node_child(report, NS_REPORTING_0, "abuse") ? STR(REASON "abuse") : STR(REASON "spam");
	if (!str_starts(r->reason, STR(REASON)))
		return ERR_BAD_REQUEST;
	r->reason = str_cut(r->reason, sizeof(REASON) - 1);
	if (r->reason.n > 64 || r->text.n > REPORT_BYTES)
		return ERR_NOT_ACCEPTABLE;
	r->shown = shown(report);
	if (r->shown && !report_proves(iq->server, iq->arena, iq->user->bare, about, r->shown))
		return ERR_FORBIDDEN;		/* never delivered, or changed since */
	return read_ids(iq, report, &r->ids);
}

/* It stays inside: neither the other domain nor anybody else is told (XEP-0377 4). */
static void file_reports(struct iq *iq, const struct change *c)
{
	for (size_t i = 0; i < c->n_reports; i++) {
		const struct report_said *r = &c->reports[i];
		struct str text = arena_printf(iq->arena, "%.*s is reported for %.*s.%s%.*s%s%.*s", STR_FMT(r->about), STR_FMT(r->reason),
					       r->ids.n ? " Messages: " : "", STR_FMT(r->ids), r->text.n ? " They write: " : "",
					       STR_FMT(r->text));

		audit_report(iq->server, iq->user->bare, r->about, r->reason, r->ids, r->text);
		report_file(iq->server, iq->user, r);
		if (text.p)
			bot_report(iq->server, iq->user->bare, text);
	}
}

static int read_change(struct iq *iq, struct change *c)
{
	size_t n = 0;

	for (const struct node *it = node_first_element(iq->payload); it; it = node_next_element(it))
		n++;
	if (n > LIMIT_BLOCKLIST)
		return ERR_LIMIT;
	c->v = arena_alloc(iq->arena, (n + 1) * sizeof(*c->v));
	if (!c->v)
		return ERR_LIMIT;
	for (const struct node *it = node_first_element(iq->payload); it; it = node_next_element(it)) {
		struct jid jid;
		int r;

		if (!node_is(it, NS_BLOCKING, "item"))
			return ERR_BAD_REQUEST;
		r = jid_parse(iq->arena, node_attr(it, "jid"), &jid);
		if (r < 0)
			return r;
		if (c->block && own_side(iq, &jid))
			return ERR_NOT_ALLOWED;
		c->v[c->n++] = jid.full;
		r = c->block ? read_report(iq, c, it, jid.full) : 0;
		if (r < 0)
			return r;
	}
	return 0;
}

static bool has(const struct str *v, size_t n, struct str jid)
{
	for (size_t i = 0; i < n; i++)
		if (str_eq(v[i], jid))
			return true;
	return false;
}

/* The list as it will be, in the arena. */
static int apply(struct iq *iq, const struct change *c)
{
	const struct user *u = iq->user;
	struct str *v = arena_alloc(iq->arena, (u->n_blocked + c->n + 1) * sizeof(*v));
	size_t n = 0;

	if (!v)
		return ERR_LIMIT;
	for (size_t i = 0; i < u->n_blocked; i++)
		if (c->block || (c->n > 0 && !has(c->v, c->n, u->blocked[i])))
			v[n++] = u->blocked[i];
	for (size_t i = 0; c->block && i < c->n; i++)
		if (!has(v, n, c->v[i]))
			v[n++] = c->v[i];
	if (n > LIMIT_BLOCKLIST)
		return ERR_LIMIT;
	return user_set_blocked(iq->user, v, n);
}

/* The presence of one session for one contact: as it is, or gone. */
static int show(struct iq *iq, const struct session *s, struct str contact, bool gone)
{
	struct node *p;
	int r = 0;

	if (gone)
		p = node_new(iq->arena, NS_CLIENT, "presence");
	else
		r = wire_parse(iq->arena, s->presence, &p);
	if (r < 0 || !p)
		return r < 0 ? r : ERR_LIMIT;
	r = node_set_attr(iq->arena, p, "from", s->full);
	if (r == 0)
		r = node_set_attr(iq->arena, p, "to", contact);
	if (r == 0 && gone)
		r = node_set_attr(iq->arena, p, "type", STR("unavailable"));
	return r < 0 ? r : trip_emit(iq->server, p);
}

static void show_all(struct iq *iq, struct str contact, bool gone)
{
	LIST_EACH(it, &iq->user->sessions) {
		struct session *s = LIST_ITEM(it, struct session, of_user);

		/* One that is not told keeps an old picture until the next presence; blocked he is all the same. */
		if (s->available && s->presence.n && show(iq, s, contact, gone) < 0)
			return;
	}
}

/* Who was told of this session alone (RFC 6121 4.6). */
static void hide_directed(struct iq *iq, const struct user *was, const struct session *s)
{
	struct map_iter it = { 0 };
	struct str jid;

	while (s->directed && map_next(s->directed, &it, &jid, NULL))
		if (!user_blocks(was, jid) && user_blocks(iq->user, jid) && show(iq, s, jid, true) < 0)
			return;
}

/* Contacts who may see the owner and whose being blocked changes: of 'was' and now, one. */
static void tell_contacts(struct iq *iq, const struct user *was)
{
	struct map_iter it = { 0 };
	void *item;

	while (iq->user->roster.items && map_next(iq->user->roster.items, &it, NULL, &item)) {
		const struct roster_item *c = item;
		bool before, now;

		if (c->sub != SUB_FROM && c->sub != SUB_BOTH)
			continue;
		before = user_blocks(was, c->jid);
		now = user_blocks(iq->user, c->jid);
		if (before != now)
			show_all(iq, c->jid, now);
	}
	LIST_EACH(at, &iq->user->sessions)
		hide_directed(iq, was, LIST_ITEM(at, struct session, of_user));
}

/* The reasons are for the company, not for a push. */
static struct node *without_reports(struct iq *iq)
{
	struct node *copy = node_dup(iq->arena, iq->payload);

	for (struct node *item = copy ? copy->first : NULL; item; item = item->next)
		while (item->first)
			node_remove(item->first);
	return copy;
}

/* To every device that has asked for the list (XEP-0191 3.3). */
static void push(struct iq *iq)
{
	LIST_EACH(it, &iq->user->sessions) {
		struct session *s = LIST_ITEM(it, struct session, of_user);
		struct node *p = s->blocklist_wanted ? node_new(iq->arena, NS_CLIENT, "iq") : NULL;
		struct node *copy = p ? without_reports(iq) : NULL;
		struct str id = arena_printf(iq->arena, "block-%llu", (unsigned long long)s->id);

		if (!copy || !id.p || node_set_attr(iq->arena, p, "type", STR("set")) < 0 || node_set_attr(iq->arena, p, "id", id) < 0 ||
		    node_set_attr(iq->arena, p, "from", iq->user->bare) < 0 || node_set_attr(iq->arena, p, "to", s->full) < 0)
			continue;
		node_append(p, copy);
		session_send(s, p);
	}
}

static void on_saved(void *ctx, int err)
{
	struct trip *t = ctx;

	if (err == 0) {
		push(t->iq);
		file_reports(t->iq, t->iq->data);
		err = iq_reply(t->iq, NULL);
	}
	trip_iq_result(t, err);
}

static int on_change(struct iq *iq)
{
	struct change *c = arena_alloc(iq->arena, sizeof(*c));
	struct user *was = arena_alloc(iq->arena, sizeof(*was));
	int r;

	if (!c || !was)
		return ERR_LIMIT;
	c->block = node_is(iq->payload, NS_BLOCKING, "block");
	r = read_change(iq, c);
	if (r < 0)
		return r;
	if (c->block && c->n == 0)
		return ERR_BAD_REQUEST;
	/* The list as it was, for user_blocks() alone. */
	was->server = iq->server;
	was->bare = iq->user->bare;
	was->n_blocked = iq->user->n_blocked;
	was->blocked = arena_alloc(iq->arena, (was->n_blocked + 1) * sizeof(*was->blocked));
	if (!was->blocked)
		return ERR_LIMIT;
	for (size_t i = 0; i < was->n_blocked; i++) {
		was->blocked[i] = arena_str(iq->arena, iq->user->blocked[i]);
		if (!was->blocked[i].p)
			return ERR_LIMIT;
	}
	r = apply(iq, c);
	if (r < 0)
		return r;
	tell_contacts(iq, was);
	iq->data = c;
	user_save_blocklist(iq->user, on_saved, iq->trip);
	return IQ_LATER;
}

static const struct iq_hook iqs[] = {
	{ IQ_GET, NS_BLOCKING, "blocklist", TO_SELF, on_list },
	{ IQ_SET, NS_BLOCKING, "block", TO_SELF, on_change },
	{ IQ_SET, NS_BLOCKING, "unblock", TO_SELF, on_change },
	{ 0 }
};

const struct mod_def mod_blocking = {
	.name = "blocking",
	.xep = 191,
	.xep_version = "1.3",
	.disco_server = (const char *const[]){ NS_BLOCKING, NS_REPORTING, NS_REPORTING_0, REASON "spam", REASON "abuse", NULL },
	.iq = iqs,
};
