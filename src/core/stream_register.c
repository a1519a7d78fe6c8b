/* stream_register.c - an account is opened before signing in: by who holds an invitation (XEP-0445), or by everybody where the
 * operator says so (XEP-0077). Inside TLS alone.
 *
 * What would fill the server is counted as a failed login of the address: one account a stream, some a minute.
 */
#include <stdlib.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/limits.h"
#include "core/account.h"
#include "core/audit.h"
#include "core/invite.h"
#include "core/state.h"
#include "core/stream_parts.h"
#include "xmpp/jid.h"
#include "xmpp/ns.h"
#include "xmpp/stanza.h"
#include "xmpp/wire.h"

#define ARENA_BYTES (256 * 1024)

struct opening {
	struct stream *st;
	struct server *srv;
	struct arena *a;		/* wiped */
	const struct node *iq;
	struct str token, username, bare, credentials;
	struct invite invite;
};

bool stream_register_offered(const struct server *srv)
{
	return srv->config->registration != CONFIG_REGISTRATION_CLOSED;
}

static void answer(struct stream *st, const struct node *n)
{
	struct buf b;

	buf_init(&b, LIMIT_STANZA_PREAUTH * 2);
	if (n && wire_write(&b, n, STR(NS_CLIENT)) == 0)
		stream_send(st, buf_str(&b));
	buf_release(&b);
}

static int refuse(struct stream *st, struct arena *a, const struct node *iq, int err, const char *text)
{
	answer(st, stanza_error(a, iq, err, text));
	return st->closing ? STREAM_STOP : 0;
}

static bool may(struct stream *st)
{
	return throttle_may(st->srv->throttle, STR("registration"), &st->prefix, loop_now_ms(st->srv->loop));
}

/* Counts; too many of one stream end it. */
static void count(struct stream *st)
{
	throttle_failed(st->srv->throttle, STR("registration"), &st->prefix, loop_now_ms(st->srv->loop));
	if (++st->tries > LIMIT_AUTH_TRIES)
		stream_fault(st, "policy-violation", NULL);
}

static struct opening *opening_new(struct stream *st, const struct node *iq)
{
	struct arena *a = arena_new(ARENA_BYTES);
	struct opening *o = a ? arena_alloc(a, sizeof(*o)) : NULL;

	if (o) {
		arena_wipe_on_free(a);
		*o = (struct opening){ .st = st, .srv = st->srv, .a = a, .iq = node_dup(a, iq) };
		o->token = o->iq && st->invite.p ? arena_str(a, st->invite) : STR_NONE;
	}
	if (o && o->iq && o->token.p)
		return o;
	arena_free(&a);
	return NULL;
}

static void finish(struct opening *o, int err, const char *text)
{
	struct stream *st = o->st;
	struct arena *a = o->a;

	st->busy = false;
	if (!st->gone && !st->closing) {
		if (err < 0)
			(void)refuse(st, a, o->iq, err, text);
		else
			answer(st, stanza_reply(a, o->iq));
	}
	arena_free(&a);
	stream_unbusy(st);
}

/* --- the token (XEP-0445 4) --------------------------------------------------------------------------------------- */

static int token_work(struct vault *v, void *ctx)
{
	struct opening *o = ctx;
	int r = invite_get(v, o->srv->domain, o->token, clock_wall_ms(), o->a, &o->invite);

	return r == 0 && !o->invite.account ? ERR_NOT_FOUND : r;
}

static void token_done(void *ctx, int err)
{
	struct opening *o = ctx;
	struct stream *st = o->st;

	if (err == 0) {
		free((void *)(uintptr_t)st->invite.p);
		st->invite = str_make(strndup(o->token.p, o->token.n), o->token.n);
		err = st->invite.p ? 0 : ERR_NOMEM;
	} else if (err == ERR_NOT_FOUND && !st->gone && !st->closing) {
		count(st);
	}
	finish(o, err, err == ERR_NOT_FOUND ? "The provided token is invalid or expired" : NULL);
}

static int on_token(struct stream *st, struct arena *a, const struct node *iq, const struct node *payload)
{
	struct opening *o;
	int r;

	if (!may(st))
		return refuse(st, a, iq, ERR_BUSY, "Too many attempts; try again later.");
	o = opening_new(st, iq);
	if (!o)
		return refuse(st, a, iq, ERR_NOMEM, NULL);
	o->token = arena_str(o->a, node_attr(payload, "token"));
	r = o->token.p ? server_store(st->srv, o, token_work, token_done) : ERR_NOMEM;
	st->busy = r == 0;
	if (r < 0) {
		struct arena *own = o->a;

		arena_free(&own);
	}
	return r < 0 ? refuse(st, a, iq, r, NULL) : 0;
}

/* --- the account ---------------------------------------------------------------------------------------------------- */

static int on_get(struct stream *st, struct arena *a, const struct node *iq)
{
	struct node *reply = stanza_reply(a, iq), *q = reply ? node_add(a, reply, NS_REGISTER, "query") : NULL;

	if (!q || !node_add_leaf(a, q, NS_REGISTER, "instructions", STR("Choose a name and a password of at least ten characters.")) ||
	    !node_add(a, q, NS_REGISTER, "username") || !node_add(a, q, NS_REGISTER, "password"))
		return refuse(st, a, iq, ERR_LIMIT, NULL);
	answer(st, reply);
	return st->closing ? STREAM_STOP : 0;
}

static int open_work(struct vault *v, void *ctx)
{
	struct opening *o = ctx;
	uint64_t now = clock_wall_ms();
	struct vault_account acc = { .jid = o->bare, .role = ROLE_STAFF, .state = ACCOUNT_ACTIVE, .state_reason = STR_NONE, .created_ms = now,
				     .credentials = o->credentials };
	int r = 0;

	o->invite = (struct invite){ .by = STR_NONE, .username = STR_NONE };
	/* A token that was accepted on this stream holds, also when its time has passed since (XEP-0445 4), unless it was used. */
	if (o->token.n)
		r = invite_get(v, o->srv->domain, o->token, 0, o->a, &o->invite);
	if (r == 0 && o->invite.username.n && !str_eq(o->invite.username, o->username))
		return ERR_NOT_ALLOWED;
	if (r == 0)
		r = invite_check_name(v, o->srv->domain, o->username, o->token, now);
	if (r == 0)
		r = vault_account_add(v, &acc);
	if (r == 0 && o->token.n)
		r = invite_use(v, o->srv->domain, o->token);
	else if (r == 0)
		r = vault_item_put(v, o->bare, ITEM_NOTICE, STR("self-registered"), STR("1"));	/* XEP-0489 */
	return r;
}

static void open_done(void *ctx, int err)
{
	struct opening *o = ctx;
	struct stream *st = o->st;

	if (err == 0) {
		struct str by = arena_printf(o->a, "%.*s", STR_FMT(o->invite.by));

		audit_account(o->srv, "registered in-band", o->bare, !o->token.n ? "open to everybody" : by.p && by.n ? by.p : "invited");
		st->registered = true;
		if (o->invite.by.n)
			invite_befriend(o->srv, o->bare, o->invite.by);
	}
	finish(o, err, err == ERR_CONFLICT ? "This name is taken." : err == ERR_NOT_ALLOWED ? "The invitation is for another name." : NULL);
}

static void derived(void *ctx, int err, struct str blob)
{
	struct opening *o = ctx;

	o->credentials = err == 0 ? arena_str(o->a, blob) : STR_NONE;
	if (err == 0)
		err = o->credentials.p ? server_store(o->srv, o, open_work, open_done) : ERR_NOMEM;
	if (err < 0)
		finish(o, err, NULL);
}

static int read_name(struct opening *o, const struct node *q)
{
	const struct node *n = node_child(q, NS_REGISTER, "username");
	struct str name = n ? str_trim(node_text(o->a, n)) : STR_NONE;
	struct jid jid;

	if (!name.n)
		return ERR_BAD_REQUEST;
	if (str_find_char(name, '@') >= 0 || str_find_char(name, '/') >= 0 ||
	    jid_parse(o->a, arena_printf(o->a, "%.*s@%.*s", STR_FMT(name), STR_FMT(o->srv->domain)), &jid) < 0 || jid.resource.n)
		return ERR_NOT_ACCEPTABLE;
	o->username = jid.local;
	o->bare = arena_str(o->a, jid.bare);
	if (!o->bare.p)
		return ERR_LIMIT;
	return str_eq(o->bare, o->srv->bot) || str_eq(o->bare, o->srv->helpdesk) ? ERR_CONFLICT : 0;
}

static int on_set(struct stream *st, struct arena *a, const struct node *iq, const struct node *payload)
{
	const struct node *p = node_child(payload, NS_REGISTER, "password");
	const char *why = NULL;
	struct opening *o;
	int r;

	if (node_child(payload, NS_REGISTER, "remove"))
		return refuse(st, a, iq, ERR_UNEXPECTED, NULL);
	o = opening_new(st, iq);
	if (!o)
		return refuse(st, a, iq, ERR_NOMEM, NULL);
	arena_wipe_on_free(a);
	r = p ? read_name(o, payload) : ERR_BAD_REQUEST;
	if (r == 0)
		r = account_derive(st->srv, o->bare, node_text(a, p), derived, o, &why);
	if (r == 0) {
		st->busy = true;
		count(st);
		return st->closing ? STREAM_STOP : 0;
	}
	a = o->a;
	r = refuse(st, a, o->iq, r == ERR_POLICY ? ERR_NOT_ACCEPTABLE : r, why);
	arena_free(&a);
	return r;
}

bool stream_register_is(const struct node *n)
{
	const struct node *payload = stanza_kind(n) == STANZA_IQ ? node_first_element(n) : NULL;

	return payload && (node_is(payload, NS_REGISTER, "query") || node_is(payload, NS_PARS, "preauth"));
}

int stream_register_in(struct stream *st, struct arena *a, const struct node *iq)
{
	const struct node *payload = node_first_element(iq);
	bool set = str_is(node_attr(iq, "type"), "set");
	bool open = st->srv->config->registration == CONFIG_REGISTRATION_OPEN;

	if (!set && !str_is(node_attr(iq, "type"), "get"))
		return stream_fault(st, "not-authorized", NULL);
	if (node_is(payload, NS_PARS, "preauth"))
		return set ? on_token(st, a, iq, payload) : refuse(st, a, iq, ERR_BAD_REQUEST, NULL);
	if (!open && !st->invite.p)
		return refuse(st, a, iq, ERR_NOT_ALLOWED, "An invitation is needed.");
	if (st->registered || !may(st))
		return refuse(st, a, iq, ERR_NOT_ACCEPTABLE, "Too many accounts from there; try again later.");
	return set ? on_set(st, a, iq, payload) : on_get(st, a, iq);
}
