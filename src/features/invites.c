/* invites.c - XEP-0401: people make invitations with a command; XEP-0379: who shows one is let into the roster at once.
 *
 * The invitation is a link with a token that is good once and for a week. Where registration is not closed its bearer may also
 * open an account (core/stream_register.c).
 */
#include <stdlib.h>

#include "base/clock.h"
#include "base/limits.h"
#include "base/log.h"
#include "core/adhoc.h"
#include "core/audit.h"
#include "core/invite.h"
#include "core/mod.h"
#include "core/state.h"

#define FORM_INVITE "urn:xmpp:invite#invitation"

static bool registers(const struct server *srv)
{
	return srv->config->registration != CONFIG_REGISTRATION_CLOSED;
}

static bool anybody(const struct user *u)
{
	return u != NULL;
}

/* Accounts by name are an operator's. */
static bool may_create(const struct user *u)
{
	return registers(u->server) && (u->role == ROLE_ADMIN || u->role == ROLE_HELPDESK);
}

/* --- the commands ---------------------------------------------------------------------------------------------- */

struct making {
	struct adhoc *adhoc;
	struct invite invite;
	bool named;			/* XEP-0401 3.4, not 3.1 */
};

static int make_work(struct vault *v, struct iq *iq)
{
	struct making *m = iq->data;

	return invite_create(v, iq->server->domain, iq->arena, &m->invite, clock_wall_ms());
}

static int make_done(struct iq *iq, int err)
{
	struct making *m = iq->data;
	struct arena *a = iq->arena;
	const struct invite *inv = &m->invite;
	char stamp[CLOCK_STAMP_BYTES];
	struct str uri, domain = iq->server->domain;
	struct form f;

	if (err == ERR_CONFLICT)
		return iq_refuse(iq, err, "This name is taken.");
	if (err == ERR_LIMIT)
		return iq_refuse(iq, ERR_LIMIT, "There are too many open invitations; wait until some are used or too old.");
	if (err < 0)
		return err;
	if (!m->named)
		uri = arena_printf(a, "xmpp:%.*s?roster;preauth=%.*s%s", STR_FMT(inv->by), STR_FMT(inv->token), inv->account ? ";ibr=y" : "");
	else
		uri = arena_printf(a, "xmpp:%.*s%s%.*s?register;preauth=%.*s", STR_FMT(inv->username), inv->username.n ? "@" : "",
				   STR_FMT(domain), STR_FMT(inv->token));
	clock_stamp(inv->until_ms, stamp);
	form_begin(&f, a, NULL, "result", FORM_INVITE);
	form_field(&f, "text-single", "uri", "Link", uri);
	form_field(&f, "text-single", "expire", "Good until", str_of(stamp));
	err = form_end(&f);
	audit_account(iq->server, m->named ? "invited somebody to an account" : "invited somebody", iq->trip->from_user->bare, stamp);
	return err < 0 ? err : adhoc_done(m->adhoc, f.x, NULL);
}

static int make(struct adhoc *c, struct str username, bool named, bool befriends)
{
	struct iq *iq = c->iq;
	struct making *m = arena_alloc(iq->arena, sizeof(*m));

	if (!m)
		return ERR_LIMIT;
	*m = (struct making){ .adhoc = c, .named = named };
	m->invite.by = befriends ? iq->trip->from_user->bare : STR_NONE;
	m->invite.username = username;
	m->invite.account = registers(iq->server);
	iq->data = m;
	return iq_store(iq, make_work, make_done);
}

static int run_invite(struct adhoc *c)
{
	return make(c, STR_NONE, false, true);
}

static int run_create(struct adhoc *c)
{
	struct arena *a = c->iq->arena;
	struct str name = str_trim(form_get(a, c->form, "username")), friends = form_get(a, c->form, "roster-subscription");
	struct jid jid = { .local = STR_NONE };

	if (name.n && (str_find_char(name, '@') >= 0 || str_find_char(name, '/') >= 0 || str_find_char(name, ' ') >= 0 ||
		       jid_parse(a, arena_printf(a, "%.*s@%.*s", STR_FMT(name), STR_FMT(c->iq->server->domain)), &jid) < 0))
		return iq_refuse(c->iq, ERR_NOT_ACCEPTABLE, "This cannot be a name.");
	if (str_eq(jid.bare, c->iq->server->bot) || str_eq(jid.bare, c->iq->server->helpdesk))
		return iq_refuse(c->iq, ERR_CONFLICT, "This name is taken.");
	return make(c, jid.local, true, str_is(friends, "1") || str_is(friends, "true"));
}

/* --- a request with a token (XEP-0379 3.3) ------------------------------------------------------------------------ */

struct showing {
	struct server *srv;
	struct arena *a;
	struct str token, from, to;
};

static int show_work(struct vault *v, void *ctx)
{
	struct showing *s = ctx;
	struct invite inv;
	int r = invite_get(v, s->srv->domain, s->token, clock_wall_ms(), s->a, &inv);

	if (r == 0 && !str_eq(inv.by, s->to))
		r = ERR_NOT_FOUND;
	return r < 0 ? r : invite_use(v, s->srv->domain, s->token);
}

static int say(struct user *u, struct str to, const char *type)
{
	struct arena *a = arena_new(LIMIT_STANZA_BYTES_MAX * 16);
	struct node *p = a ? node_new(a, NS_CLIENT, "presence") : NULL;

	if (!p || node_set_attr(a, p, "from", u->bare) < 0 || node_set_attr(a, p, "to", to) < 0 || node_set_attr(a, p, "type", str_of(type)) < 0) {
		arena_free(&a);
		return ERR_NOMEM;
	}
	trip_enter_for(u->server, u, &a, p);
	return 0;
}

/* As if he had said so himself: he lets the bearer in, and asks to be let in. */
static void on_user(void *ctx, struct user *u, int err)
{
	struct showing *s = ctx;

	if (err == 0 && !user_blocks(u, s->from))
		err = say(u, s->from, "subscribed");
	if (err == 0)
		err = say(u, s->from, "subscribe");
	if (err < 0)
		log_event(LOG_WARN, "invite.not_let_in", LOG_Z("why", err_text(err)));
	arena_free(&s->a);
}

static void show_done(void *ctx, int err)
{
	struct showing *s = ctx;

	if (err < 0)			/* it stays a request like any other */
		arena_free(&s->a);
	else
		user_get(s->srv, s->to, on_user, s);
}

static int presence_directed(struct trip *t)
{
	const struct node *p = str_is(node_attr(t->stanza, "type"), "subscribe") ? node_child(t->stanza, NS_PARS, "preauth") : NULL;
	struct arena *a;
	struct showing *s;

	if (!p || !t->to_user || t->to_user == t->from_user || node_attr(p, "token").n != INVITE_TOKEN)
		return 0;
	a = arena_new(64 * 1024);
	s = a ? arena_alloc(a, sizeof(*s)) : NULL;
	if (s) {
		*s = (struct showing){ .srv = t->server, .a = a, .token = arena_str(a, node_attr(p, "token")), .from = arena_str(a, t->from.bare),
				       .to = arena_str(a, t->to_user->bare) };
		if (s->token.p && s->from.p && s->to.p && server_store(t->server, s, show_work, show_done) == 0)
			return 0;
	}
	arena_free(&a);
	return 0;			/* a request all the same */
}

static const struct adhoc_field new_account[] = {
	{ "text-single", "username", "Name", false, NULL },
	{ "boolean", "roster-subscription", "Contact of mine", false, NULL },
	{ 0 }
};

static const struct adhoc_command commands[] = {
	{ "urn:xmpp:invite#invite", "Invite somebody", anybody, NULL, NULL, NULL, run_invite },
	{ "urn:xmpp:invite#create-account", "Invite somebody to an account", may_create, NULL, "Without a name the invited one chooses it.",
	  new_account, run_create },
	{ 0 }
};

static const struct mod_hooks hooks = { .presence_directed = presence_directed };

const struct mod_def mod_invites = {
	.name = "invites",
	.xep = 401,
	.xep_version = "0.6.0",
	.xep_note = "links of one use for a week; no page to land on",
	.hooks = &hooks,
	.commands = commands,
};
