/* bot.c - see bot.h. What the bot understands: operator-interface.md, "The bot and the help desk". */
#include "core/bot.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/check.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/utf8.h"
#include "core/gate_word.h"
#include "core/hold_word.h"
#include "core/session.h"
#include "core/state.h"
#include "core/user.h"
#include "xmpp/ns.h"

static int emit_text(struct server *srv, struct str from, struct str to, struct str text)
{
	struct arena *a = arena_new(LIMIT_STANZA_BYTES_MAX);
	struct node *m = a ? node_new(a, NS_CLIENT, "message") : NULL, *body;
	int r = ERR_NOMEM;

	if (m && node_set_attr(a, m, "from", from) == 0 && node_set_attr(a, m, "to", to) == 0 &&
	    node_set_attr(a, m, "type", STR("chat")) == 0) {
		body = node_add(a, m, NS_CLIENT, "body");
		if (body && node_add_text(a, body, text) == 0)
			r = trip_emit(srv, m);
	}
	arena_free(&a);
	return r;
}

void bot_tell(struct server *srv, struct str bare, const char *fmt, ...)
{
	char text[2048];
	va_list ap;
	ptrdiff_t at = str_find_char(bare, '@');
	int n;

	/* An outsider is told nothing: neither that there is such an account, nor that something was held. */
	if (!server_is_local(srv, str_cut(bare, (size_t)(at + 1))))
		return;
	va_start(ap, fmt);
	n = vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (n < 0)
		return;
	if ((size_t)n >= sizeof(text))
		n = (int)sizeof(text) - 1;
	while (n > 0 && !utf8_valid(str_make(text, (size_t)n)))	/* cut within a character */
		n--;
	if (emit_text(srv, srv->bot, bare, str_make(text, (size_t)n)) < 0)
		log_event(LOG_WARN, "bot.not_sent", LOG_S("to", bare));
}

/* --- commands ------------------------------------------------------------------------------------- */

static void help(struct server *srv, struct str who)
{
	bot_tell(srv, who,
		 "I guard this server. When a message of yours was held, answer \"confirm\" on another of your devices if you meant to send it, or "
		 "\"cancel\" if you did not; add the number of the message when there are several. When somebody whom you do not know "
		 "wants to reach you, answer \"accept\" to let him in, \"block\" or \"report\"; add the number of the request. \"list\" shows "
		 "what is held and who waits, \"why N\" says why. To reach a person write to %.*s.", STR_FMT(srv->helpdesk));
}

static bool word(struct str *rest, struct str *ret)
{
	struct str s = str_trim(*rest);
	size_t n = 0;

	while (n < s.n && s.p[n] != ' ' && s.p[n] != '\n' && s.p[n] != '\t')
		n++;
	*ret = str_make(s.p, n);
	*rest = str_cut(s, n);
	return n > 0;
}

#define LISTED_REQUESTS 20

struct listing {
	struct server *srv;
	struct arena *arena;
	struct str who, id;		/* id empty: list */
	struct vault_held *held;
	size_t n;
	struct vault_request *requests;
	size_t n_requests;
};

static int list_work(struct vault *v, void *ctx)
{
	struct listing *l = ctx;
	uint64_t id;
	int r;

	if (l->id.n == 0) {
		r = vault_request_list(v, l->who, l->arena, &l->requests, &l->n_requests);
		return r < 0 ? r : vault_held_list(v, l->who, HELD_WAITING, 20, l->arena, &l->held, &l->n);
	}
	r = vault_id_parse(l->id, &id);
	l->held = arena_alloc(l->arena, sizeof(*l->held));
	if (r == 0 && !l->held)
		r = ERR_LIMIT;
	if (r == 0)
		r = vault_held_get(v, id, l->arena, l->held);
	l->n = 1;
	return r;
}

static struct str bare_of(struct str jid)
{
	ptrdiff_t slash = str_find_char(jid, '/');

	return slash < 0 ? jid : str_make(jid.p, (size_t)slash);
}

static bool concerns(const struct vault_held *h, struct str who)
{
	return str_eq(bare_of(h->from), who) || str_eq(bare_of(h->to), who);
}

static void list_done(void *ctx, int err)
{
	struct listing *l = ctx;
	char id[VAULT_ID_TEXT];

	if (l->id.n && (err == ERR_NOT_FOUND || (err == 0 && !concerns(l->held, l->who)))) {
		bot_tell(l->srv, l->who, "There is no held message with the number %.*s of yours.", STR_FMT(l->id));
	} else if (err < 0) {
		bot_tell(l->srv, l->who, "I cannot look that up at the moment: %s.", err_text(err));
	} else if (l->n == 0 && l->n_requests == 0) {
		bot_tell(l->srv, l->who, "Nothing of yours is held.");
	}
	for (size_t i = 0; err == 0 && i < l->n_requests && i < LISTED_REQUESTS; i++)
		bot_tell(l->srv, l->who, "Request %u: %.*s, whom you do not know, %s (%zu): answer \"accept %u\", \"block %u\" or \"report %u\".",
			 l->requests[i].number, STR_FMT(l->requests[i].from), l->requests[i].subscribes ? "wants to be a contact" : "has written",
			 l->requests[i].n + l->requests[i].n_more, l->requests[i].number, l->requests[i].number, l->requests[i].number);
	for (size_t i = 0; err == 0 && i < l->n; i++) {
		const struct vault_held *h = &l->held[i];

		if (!concerns(h, l->who))
			continue;
		vault_id_text(h->id, id);
		/* A sender is not told which rule matched. */
		if (str_eq(bare_of(h->from), l->who))
			bot_tell(l->srv, l->who, "%s: your message to %.*s is held%s.", id, STR_FMT(bare_of(h->to)),
				 l->id.n ? " because it was sent on to several people with a link or file; if you meant it, answer \"confirm\"" : "");
		else
			bot_tell(l->srv, l->who, "%s: a message from %.*s is held: %.*s", id, STR_FMT(bare_of(h->from)),
				 STR_FMT(h->reason));
	}
	arena_free(&l->arena);
}

static void list(struct server *srv, struct str who, struct str id)
{
	struct arena *a = arena_new(8u << 20);
	struct listing *l = a ? arena_alloc(a, sizeof(*l)) : NULL;

	if (l) {
		*l = (struct listing){ .srv = srv, .arena = a, .who = arena_str(a, who), .id = arena_str(a, id) };
		if (server_store(srv, l, list_work, list_done) == 0)
			return;
	}
	arena_free(&a);
	bot_tell(srv, who, "I cannot look that up at the moment.");
}

void bot_message(struct trip *t)
{
	const struct node *body = node_child(t->stanza, NS_CLIENT, "body");
	struct server *srv = t->server;
	struct str text, verb, id;

	if (!body || t->origin != TRIP_CLIENT || t->key_taken)
		return;
	text = node_text(t->arena, body);
	if (!word(&text, &verb))
		return;
	word(&text, &id);
	if (str_eq_nocase(verb, STR("confirm")))
		hold_word_say(srv, session_find(srv, t->session_id), t->from.bare, id, true);
	else if (str_eq_nocase(verb, STR("cancel")))
		hold_word_say(srv, session_find(srv, t->session_id), t->from.bare, id, false);
	else if (str_eq_nocase(verb, STR("accept")))
		gate_word_say(srv, t->from.bare, GATE_ACCEPT, id);
	else if (str_eq_nocase(verb, STR("block")))
		gate_word_say(srv, t->from.bare, GATE_BLOCK, id);
	else if (str_eq_nocase(verb, STR("report")))
		gate_word_say(srv, t->from.bare, GATE_REPORT, id);
	else if (str_eq_nocase(verb, STR("list")))
		list(srv, t->from.bare, STR_NONE);
	else if (str_eq_nocase(verb, STR("why")) && id.n)
		list(srv, t->from.bare, id);
	else
		help(srv, t->from.bare);
}

/* --- the help desk ------------------------------------------------------------------------------------- */

#define HELPDESK_MEMBERS 64

struct desk {
	struct server *srv;
	struct arena *arena;
	struct str from, text;		/* from empty: an alert */
	bool report;
	struct str members[HELPDESK_MEMBERS];
	size_t n;
};

static bool on_duty(const struct desk *d, enum vault_role role)
{
	return (role == ROLE_HELPDESK && d->from.n) || role == ROLE_OFFICER || role == ROLE_ADMIN;
}

static int desk_work(struct vault *v, void *ctx)
{
	struct desk *d = ctx;
	struct str after = STR_NONE;

	d->n = 0;
	for (;;) {
		struct arena *page = arena_new(4u << 20);
		struct vault_account *acc;
		size_t n = 0;
		int r = page ? vault_account_list(v, after, 500, page, &acc, &n) : ERR_NOMEM;

		for (size_t i = 0; r == 0 && i < n; i++) {
			if (on_duty(d, acc[i].role) && d->n < HELPDESK_MEMBERS)
				d->members[d->n++] = arena_str(d->arena, acc[i].jid);
			if (i + 1 == n)
				after = arena_str(d->arena, acc[i].jid);
		}
		arena_free(&page);
		if (r < 0 || n < 500)
			return r;
	}
}

static void alert_done(void *ctx, int err)
{
	struct desk *d = ctx;

	for (size_t i = 0; err == 0 && i < d->n; i++)
		if (d->members[i].p)
			bot_tell(d->srv, d->members[i], "%.*s", STR_FMT(d->text));
	if (err < 0)
		log_event(LOG_ERROR, "bot.alert_lost", LOG_Z("why", err_text(err)));
	arena_free(&d->arena);
}

void bot_alert(struct server *srv, enum bot_alert kind, const char *fmt, ...)
{
	uint64_t now = loop_now_ms(srv->loop);
	char text[1024];
	struct arena *a;
	struct desk *d;
	va_list ap;

	if (srv->alerts[kind].at_ms && now - srv->alerts[kind].at_ms < BOT_ALERT_MS) {
		srv->alerts[kind].more++;
		return;
	}
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	a = arena_new(8u << 20);
	d = a ? arena_alloc(a, sizeof(*d)) : NULL;
	if (d) {
		d->srv = srv;
		d->arena = a;
		d->from = STR_NONE;
		d->text = srv->alerts[kind].more ? arena_printf(a, "%s (And %u more like it since the last time.)", text, srv->alerts[kind].more) :
			  arena_str(a, str_of(text));
		if (d->text.p && server_store(srv, d, desk_work, alert_done) == 0) {
			srv->alerts[kind].at_ms = now ? now : 1;
			srv->alerts[kind].more = 0;
			return;
		}
	}
	arena_free(&a);
	log_event(LOG_ERROR, "bot.alert_lost", LOG_Z("why", "the store is busy"));
}

static void desk_done(void *ctx, int err)
{
	struct desk *d = ctx;
	size_t reached = 0;

	for (size_t i = 0; err == 0 && i < d->n; i++) {
		struct str text = arena_printf(d->arena, "%.*s %s: %.*s", STR_FMT(d->from),
					      d->report ? "has blocked and reported somebody" : "asks the help desk", STR_FMT(d->text));

		if (d->members[i].p && text.p && emit_text(d->srv, d->srv->helpdesk, d->members[i], text) == 0)
			reached++;
	}
	bot_tell(d->srv, d->from, d->report ? "Your report has been recorded." : reached ? "Your message has been passed to the help desk." :
		 "Nobody is on the help desk of this server yet; please ask your administrator in person.");
	arena_free(&d->arena);
}

static void desk(struct server *srv, struct str from, struct str text, bool report)
{
	struct arena *a = arena_new(8u << 20);
	struct desk *d = a ? arena_alloc(a, sizeof(*d)) : NULL;

	if (d) {
		d->srv = srv;
		d->arena = a;
		d->from = arena_str(a, from);
		d->text = arena_str(a, text);
		d->report = report;
		if (d->from.p && d->text.p && server_store(srv, d, desk_work, desk_done) == 0)
			return;
	}
	arena_free(&a);
}

void bot_helpdesk(struct trip *t)
{
	const struct node *body = node_child(t->stanza, NS_CLIENT, "body");

	if (body && t->origin == TRIP_CLIENT)
		desk(t->server, t->from.bare, node_text(t->arena, body), false);
}

void bot_report(struct server *srv, struct str from, struct str text)
{
	desk(srv, from, text, true);
}
