/* stream_login.c - signing in: drives the machine of auth/sasl.h, finds the account, counts failures.
 *
 * What the peer must not know (does the account exist?) is sasl.c's care.
 */
#include <stdio.h>
#include <stdlib.h>

#include "auth/scram.h"
#include "base/log.h"
#include "base/limits.h"
#include "core/audit.h"
#include "core/state.h"
#include "core/stream_parts.h"
#include "core/user.h"
#include "xmpp/ns.h"
#include "xmpp/xml.h"

struct account_lookup {
	struct server *srv;
	struct stream *st;
	struct arena *arena;
	struct str user;
	struct vault_account account;
};

static int lookup_work(struct vault *v, void *ctx)
{
	struct account_lookup *l = ctx;

	int r = vault_account_get(v, l->user, l->arena, &l->account);

	/* Nobody signs in to a decoy; that must not tell it from what is not there. */
	return r == 0 && l->account.state == ACCOUNT_DECOY ? ERR_NOT_FOUND : r;
}

static void lookup_done(void *ctx, int err)
{
	struct account_lookup *l = ctx;
	struct stream *st = l->st;
	struct credentials creds = { 0 };
	enum sasl_account what = SASL_ACCOUNT_ERROR;

	if (err == ERR_NOT_FOUND)
		what = SASL_ACCOUNT_UNKNOWN;
	else if (err == 0 && scram_decode(l->account.credentials, &creds) == 0)
		what = SASL_ACCOUNT_OK;
	if (what == SASL_ACCOUNT_OK && scram_digest(st->srv->scram, SCRAM_SHA_256, l->account.credentials, st->creds) < 0)
		what = SASL_ACCOUNT_ERROR;
	st->lacking = 0;
	for (unsigned h = 0; what == SASL_ACCOUNT_OK && h < SCRAM_HASHES; h++)
		if (creds.v[h].iterations < st->srv->sasl.iterations)
			st->lacking |= 1u << h;
	arena_free(&l->arena);
	free(l);
	st->busy = false;
	if (!st->gone && !st->closing)
		stream_login_go(st, sasl_account(st->sasl, &creds, what));
	secret_wipe(&creds, sizeof(creds));
	stream_unbusy(st);
}

bool stream_login_may(const struct stream *st, struct str user)
{
	const struct policy *p = guard_policy(st->srv->guard);

	if (networks_allow(&p->networks, people_of(&p->people, user), st->whole))
		return true;
	log_event(LOG_NOTE, "login.network", LOG_S("user", user));
	return false;
}

static void look_up(struct stream *st)
{
	struct account_lookup *l;
	int r = ERR_NOMEM;

	if (st->sasl2 && !stream_sasl2_fits(st, sasl_user(st->sasl))) {
		stream_login_go(st, sasl_account(st->sasl, NULL, SASL_ACCOUNT_OTHER));
		return;
	}
	if (!throttle_may(st->srv->throttle, sasl_user(st->sasl), &st->prefix, loop_now_ms(st->srv->loop))) {
		log_event(LOG_NOTE, "login.throttled", LOG_S("user", sasl_user(st->sasl)));
		stream_login_go(st, sasl_account(st->sasl, NULL, SASL_ACCOUNT_THROTTLED));
		return;
	}
	if (!stream_login_may(st, sasl_user(st->sasl))) {
		stream_login_go(st, sasl_account(st->sasl, NULL, SASL_ACCOUNT_UNKNOWN));
		return;
	}
	st->outdated = false;			/* a change from here on is seen */
	l = calloc(1, sizeof(*l));
	if (l) {
		l->srv = st->srv;
		l->st = st;
		l->arena = arena_new(64 * 1024);
		if (l->arena) {
			arena_wipe_on_free(l->arena);
			l->user = arena_str(l->arena, sasl_user(st->sasl));
			r = l->user.p ? server_store(st->srv, l, lookup_work, lookup_done) : ERR_NOMEM;
		}
	}
	if (r == 0) {
		st->busy = true;
		return;
	}
	if (l)
		arena_free(&l->arena);
	free(l);
	stream_login_go(st, sasl_account(st->sasl, NULL, SASL_ACCOUNT_ERROR));
}

static void work_run(struct loop_work *w)
{
	sasl_work(LIST_ITEM(w, struct stream, work)->sasl);
}

static void work_done(struct loop_work *w)
{
	struct stream *st = LIST_ITEM(w, struct stream, work);

	st->busy = false;
	if (!st->gone && !st->closing)
		stream_login_go(st, sasl_worked(st->sasl));
	stream_unbusy(st);
}

void stream_login_done(struct stream *st, struct user *u, const char *mechanism)
{
	throttle_succeeded(st->srv->throttle, u->bare, &st->prefix, loop_now_ms(st->srv->loop));
	st->srv->metrics.logins++;
	if (sasl_is_unbound(st->sasl))
		log_event(LOG_NOTE, "login.unbound", LOG_S("user", u->bare));
	audit_login(st->srv, u->bare, mechanism, st->device, true);
	st->user = user_ref(u);
	sasl_free(&st->sasl);
	free(st->binding);
	st->binding = NULL;
	st->phase = PHASE_SIGNED_IN;
	stream_uncount(st);
	xml_set_max(st->xml, (size_t)st->srv->config->limits.stanza_bytes);
}

void stream_login_refuse(struct stream *st, const char *condition)
{
	char xml[256];

	if (st->sasl2) {
		stream_sasl2_refuse(st, condition);
		return;
	}
	snprintf(xml, sizeof(xml), "<failure xmlns='" NS_SASL "'><%s/></failure>", condition);
	stream_send_z(st, xml);
}

void stream_login_fail(struct stream *st, const char *condition)
{
	stream_login_refuse(st, condition);
	if (++st->tries > LIMIT_AUTH_TRIES)
		stream_fault(st, "policy-violation", NULL);
}

struct signing {
	struct stream *st;
	char *success;
};

static void on_user(void *ctx, struct user *u, int err)
{
	struct signing *g = ctx;
	struct stream *st = g->st;

	st->busy = false;
	if (!st->gone && !st->closing) {
		if (err < 0 || st->outdated) {
			stream_login_refuse(st, "temporary-auth-failure");
		} else {
			stream_send_z(st, g->success);
			stream_login_done(st, u, sasl_mechanism_name(st->sasl));
			stream_restart(st);
		}
	}
	free(g->success);
	free(g);
	stream_unbusy(st);
}

static void success(struct stream *st)
{
	struct signing *g = calloc(1, sizeof(*g));
	struct str text = sasl_text(st->sasl);

	if (!g || asprintf(&g->success, text.n ? "<success xmlns='" NS_SASL "'>%.*s</success>" :
			   "<success xmlns='" NS_SASL "'%.*s/>", STR_FMT(text)) < 0) {
		free(g);
		stream_end(st, "resource-constraint");
		return;
	}
	g->st = st;
	st->busy = true;
	user_get(st->srv, sasl_user(st->sasl), on_user, g);
}

void stream_login_wrong(struct stream *st, struct str user, const char *mechanism)
{
	throttle_failed(st->srv->throttle, user, &st->prefix, loop_now_ms(st->srv->loop));
	st->srv->metrics.login_failures++;
	audit_login(st->srv, user, mechanism, "", false);
}

static void failure(struct stream *st)
{
	if (sasl_is_wrong_proof(st->sasl))
		stream_login_wrong(st, sasl_user(st->sasl), sasl_mechanism_name(st->sasl));
	if (sasl_is_downgrade(st->sasl))
		log_event(LOG_WARN, "login.downgrade", LOG_S("user", sasl_user(st->sasl)));
	stream_login_fail(st, sasl_condition(st->sasl));
}

void stream_login_go(struct stream *st, enum sasl_step step)
{
	struct str text = sasl_text(st->sasl);
	char *xml;

	switch (step) {
	case SASL_CHALLENGE:
		if (asprintf(&xml, "<challenge xmlns='%s'>%.*s</challenge>", st->sasl2 ? NS_SASL2 : NS_SASL, STR_FMT(text)) < 0)
			return;
		stream_send_z(st, xml);
		free(xml);
		return;
	case SASL_LOOKUP:
		look_up(st);
		return;
	case SASL_WORK:
		st->work = (struct loop_work){ .run = work_run, .done = work_done };
		st->busy = true;
		if (loop_work(st->srv->loop, &st->work) < 0) {
			st->busy = false;
			stream_login_refuse(st, "temporary-auth-failure");
			sasl_free(&st->sasl);
		}
		return;
	case SASL_WAIT:
		return;
	case SASL_SUCCESS:
		if (st->outdated) {		/* the password was changed since the challenge */
			sasl_free(&st->sasl);
			stream_login_fail(st, "temporary-auth-failure");
		} else if (st->sasl2)
			stream_sasl2_proven(st);
		else
			success(st);
		return;
	case SASL_FAIL:
		failure(st);
		return;
	}
}

int stream_login_in(struct stream *st, struct arena *a, const struct node *n)
{
	if (node_is(n, NS_TLS, "starttls")) {
		stream_send_z(st, "<failure xmlns='" NS_TLS "'/>");
		stream_finish(st);
		return STREAM_STOP;
	}
	if (node_is(n, NS_COMPRESS, "compress")) {
		stream_send_z(st, "<failure xmlns='" NS_COMPRESS "'><unsupported-method/></failure>");
		return 0;
	}
	if (stream_register_is(n) && stream_register_offered(st->srv) && !st->sasl && !st->sasl2 && !st->busy)
		return stream_register_in(st, a, n);
	if (str_is(n->ns, NS_SASL2))
		return stream_sasl2_in(st, a, n);
	if (!str_is(n->ns, NS_SASL) || st->sasl2)
		return stream_fault(st, "not-authorized", NULL);
	if (!st->sasl)
		st->sasl = sasl_new(&st->srv->sasl, st->binding);
	if (!st->sasl)
		return stream_fault(st, "resource-constraint", NULL);
	if (node_is(n, NS_SASL, "auth")) {
		sasl_tell_offer(st->sasl, false);
		stream_login_go(st, sasl_begin(st->sasl, node_attr(n, "mechanism"), node_text(a, n)));
	} else if (node_is(n, NS_SASL, "response"))
		stream_login_go(st, sasl_respond(st->sasl, node_text(a, n)));
	else if (node_is(n, NS_SASL, "abort"))
		stream_login_go(st, sasl_abort(st->sasl));
	else
		return stream_fault(st, "not-authorized", NULL);
	return st->closing ? STREAM_STOP : 0;
}
