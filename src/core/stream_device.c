/* stream_device.c - which client signs in (XEP-0388 user-agent), and by or for what token (XEP-0484).
 *
 * One piece of store work does it all in one transaction: is the account as it was when the proof was checked, is the
 * token right, what holds from now on. So of two streams with one count one wins, and no token is issued for a password
 * that was changed, or to an account that was removed, while its proof was on its way. A token is not sent before it
 * is on disk.
 */
#include <ctype.h>
#include <stdlib.h>

#include "base/b64.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/secret.h"
#include "core/state.h"
#include "core/stream_parts.h"
#include "xmpp/jid.h"
#include "xmpp/ns.h"

/* --- what the client says --------------------------------------------------------------------------- */

/* A UUID (RFC 4122 3) in small letters; empty: it is none. */
static struct str agent_id(struct arena *a, struct str text)
{
	char *p;

	if (text.n != VAULT_AGENT)
		return STR_NONE;
	p = arena_dup(a, text.p, text.n);
	for (size_t i = 0; p && i < VAULT_AGENT; i++) {
		bool dash = i == 8 || i == 13 || i == 18 || i == 23;

		p[i] = (char)tolower((unsigned char)p[i]);
		if (dash ? p[i] != '-' : !isxdigit((unsigned char)p[i]))
			return STR_NONE;
	}
	return p ? str_make(p, VAULT_AGENT) : STR_NONE;
}

static bool agent_parse(struct sasl2 *x, const struct node *agent)
{
	const struct node *software = node_child(agent, NS_SASL2, "software"), *device = node_child(agent, NS_SASL2, "device");

	x->software = software ? str_trim(node_text(x->a, software)) : STR_NONE;
	x->name = device ? str_trim(node_text(x->a, device)) : STR_NONE;
	if (!node_has_attr(agent, "id"))
		return true;
	x->agent = agent_id(x->a, node_attr(agent, "id"));
	return x->agent.n > 0;
}

static bool is_true(struct str text)
{
	return str_is(text, "true") || str_is(text, "1");
}

static bool fast_node_parse(struct sasl2 *x, const struct node *fast)
{
	x->fast = true;
	x->invalidate = is_true(node_attr(fast, "invalidate"));
	if (!node_has_attr(fast, "count"))
		return true;
	return str_to_u64(node_attr(fast, "count"), INT64_MAX, &x->count) && x->count > 0;
}

bool stream_device_parse(struct sasl2 *x, const struct node *n)
{
	const struct node *agent = node_child(n, NS_SASL2, "user-agent"), *fast = node_child(n, NS_FAST, "fast");

	x->agent = x->software = x->name = STR_NONE;
	if (agent && (node_child_next(agent, NS_SASL2, "user-agent") || !agent_parse(x, agent)))
		return false;
	if (fast && (node_child_next(fast, NS_FAST, "fast") || !fast_node_parse(x, fast)))
		return false;
	x->request = node_child(n, NS_FAST, "request-token");
	return !x->request || !node_child_next(x->request, NS_FAST, "request-token");
}

/* --- on the store thread ------------------------------------------------------------------------------ */

/* The account must be the one whose password was proven. */
static int check_account(struct vault *v, struct stream *st)
{
	struct sasl2 *x = st->sasl2;
	struct arena *a = arena_new(64 * 1024);
	struct vault_account acc;
	uint8_t now[32];
	int r = a ? vault_account_get(v, x->user, a, &acc) : ERR_NOMEM;

	if (r == 0)
		r = scram_digest(st->srv->scram, SCRAM_SHA_256, acc.credentials, now);
	if (r == 0 && !secret_eq(now, st->creds, sizeof(now)))
		r = ERR_CONFLICT;
	if (r == 0)
		r = stream_upgrade_store(v, x, acc.credentials);
	if (a)
		arena_wipe_on_free(a);
	arena_free(&a);
	return r;
}

static void renew(struct sasl2 *x, uint64_t now)
{
	enum fast_mechanism m = x->wanted;

	if (x->invalidate)
		fast_invalidate(&x->stored);
	else if (x->fast && m == FAST_NO_MECHANISM && fast_is_due(&x->stored, x->rotate_ms, now))
		m = x->used;
	x->issued = m != FAST_NO_MECHANISM;
	if (x->issued)
		fast_issue(&x->stored, m, x->lifetime_ms, now);
}

static int device_work(struct vault *v, void *ctx)
{
	struct stream *st = ctx;
	struct sasl2 *x = st->sasl2;
	uint64_t now = clock_wall_ms();
	int r = x->fast ? 0 : check_account(v, st), c;	/* no account, no device: a token says that it is there */

	x->issued = false;
	x->verdict = FAST_WRONG;
	x->trusted = !x->fast && r == 0;
	if (r < 0 || x->agent.n == 0)
		return r;
	r = vault_device_get(v, x->user, x->agent, x->a, &x->stored);
	if (r < 0 && r != ERR_NOT_FOUND)
		return r;
	if (r == ERR_NOT_FOUND)
		vault_device_init(&x->stored, x->agent, now);
	if (x->fast) {
		c = fast_check(st->srv->scram, st->binding, x->used, x->message.proof, x->count, now, &x->stored, &x->verdict, x->answer);
		if (c < 0 || x->verdict != FAST_RIGHT || r == ERR_NOT_FOUND)
			return c;
		x->trusted = x->count == 0;	/* a count must be on disk before it counts */
	} else {
		x->stored.password = true;
	}
	if (x->software.n)
		x->stored.software = x->software;
	if (x->name.n)
		x->stored.name = x->name;
	x->stored.last_ms = now;
	renew(x, now);
	return vault_device_put(v, x->user, &x->stored);
}

/* The store cannot write (a full disk): who is trusted comes in all the same, as by the profile of RFC 6120; without a
 * token, and a client that was not known before without its name. */
static int without_writing(struct stream *st, int err)
{
	struct sasl2 *x = st->sasl2;

	if (err == 0 || !x->trusted)
		return err;
	log_event(LOG_WARN, "login.device_unwritten", LOG_S("user", x->user), LOG_Z("why", err_text(err)));
	x->issued = false;
	if (!x->fast)
		x->agent = STR_NONE;
	return 0;
}

/* --- and back -------------------------------------------------------------------------------------------- */

static bool fast_won(struct stream *st)
{
	struct sasl2 *x = st->sasl2;

	switch (x->verdict) {
	case FAST_WRONG:
		stream_login_wrong(st, x->user, x->mechanism);
		stream_login_fail(st, "not-authorized");
		return false;
	case FAST_EXPIRED:
		stream_login_fail(st, "credentials-expired");
		return false;
	case FAST_RIGHT:
		x->text = b64_str(x->a, x->answer, FAST_PROOF);
		if (!x->text.p)
			stream_end(st, "resource-constraint");
		return x->text.p != NULL;
	}
	return false;
}

static void device_done(void *ctx, int err)
{
	struct stream *st = ctx;
	struct sasl2 *x = st->sasl2;

	st->busy = false;
	if (!st->gone && !st->closing) {
		err = without_writing(st, err);
		if (err < 0) {
			log_event(LOG_WARN, "login.device_failed", LOG_S("user", x->user), LOG_Z("why", err_text(err)));
			sasl_free(&st->sasl);
			stream_login_fail(st, "temporary-auth-failure");
		} else if (!x->fast || fast_won(st)) {
			if (x->agent.n)
				memcpy(st->device, x->stored.id, sizeof(st->device));
			stream_sasl2_known(st);
		}
	}
	stream_unbusy(st);
}

static void submit(struct stream *st)
{
	struct sasl2 *x = st->sasl2;
	const struct config *c = st->srv->config;

	if (x->request && x->agent.n)
		x->wanted = fast_find(&st->srv->sasl, st->binding, node_attr(x->request, "mechanism"));
	x->lifetime_ms = c->auth.token_lifetime_s * 1000;
	x->rotate_ms = c->auth.token_rotation_s * 1000;
	x->proven = true;			/* until it is answered nothing is taken from the peer */
	st->busy = true;
	if (server_store(st->srv, st, device_work, device_done) == 0)
		return;
	st->busy = false;
	sasl_free(&st->sasl);
	stream_login_fail(st, "temporary-auth-failure");
}

void stream_device_record(struct stream *st)
{
	submit(st);
}

/* Whom the token is for, normalised. */
static int claim(struct stream *st)
{
	struct sasl2 *x = st->sasl2;
	struct str local;
	int r = jid_prep_local(x->a, x->message.name, &local);

	if (r < 0)
		return r;
	x->user = arena_printf(x->a, "%.*s@%.*s", STR_FMT(local), STR_FMT(st->srv->domain));
	return x->user.p ? 0 : ERR_LIMIT;
}

void stream_device_fast(struct stream *st, struct str mechanism, struct str response)
{
	struct sasl2 *x = st->sasl2;
	int r;

	x->used = fast_find(&st->srv->sasl, st->binding, mechanism);
	x->mechanism = fast_name(x->used);
	if (x->used == FAST_NO_MECHANISM) {
		stream_login_fail(st, "invalid-mechanism");
		return;
	}
	r = x->fast && x->agent.n > 0 ? fast_parse(x->a, response, &x->message) : ERR_BAD_REQUEST;
	if (r == 0)
		r = claim(st);
	if (r < 0) {
		stream_login_fail(st, r == ERR_BAD_FORMAT ? "incorrect-encoding" : r == ERR_JID ? "not-authorized" :
				  r == ERR_BAD_REQUEST ? "malformed-request" : "temporary-auth-failure");
		return;
	}
	if (!stream_sasl2_fits(st, x->user)) {
		stream_login_fail(st, "invalid-authzid");
		return;
	}
	if (!throttle_may(st->srv->throttle, x->user, &st->prefix, loop_now_ms(st->srv->loop))) {
		log_event(LOG_NOTE, "login.throttled", LOG_S("user", x->user));
		stream_login_fail(st, "temporary-auth-failure");
		return;
	}
	if (!stream_login_may(st, x->user)) {
		stream_login_wrong(st, x->user, x->mechanism);
		stream_login_fail(st, "not-authorized");
		return;
	}
	submit(st);
}

void stream_device_token(const struct sasl2 *x, struct buf *b)
{
	const struct vault_token *t = &x->stored.next;
	char stamp[CLOCK_STAMP_BYTES];

	if (!x->issued)
		return;
	clock_stamp(t->expires_ms, stamp);
	buf_printf(b, "<token xmlns='" NS_FAST "' token='%.*s' expiry='%s'/>", VAULT_TOKEN, t->secret, stamp);
}
