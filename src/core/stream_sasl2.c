/* stream_sasl2.c - XEP-0388: a login that says at once what is to follow it, resumption or binding (XEP-0386).
 *
 * The proof itself is auth/sasl.h's, as in the profile of RFC 6120; no stream restart follows. From the proof to
 * <success/> nothing more is read from the peer: account, resumption, archive and binding go one after the other, and
 * what they have to say is collected for <success/>.
 */
#include <stdlib.h>

#include "base/clock.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/rand.h"
#include "core/hooks.h"
#include "core/session.h"
#include "core/sm.h"
#include "core/state.h"
#include "core/stream_parts.h"
#include "core/user.h"
#include "xmpp/jid.h"
#include "xmpp/ns.h"
#include "xmpp/wire.h"

#define REQUEST_BYTES ((size_t)LIMIT_STANZA_BYTES_MAX * 8)	/* the request; the ends of the archive with their messages */
#define TAG_BYTES 64			/* of a resource that the client names */
#define SUFFIX VAULT_DEVICE_ID		/* of a resource: 60 random bits */

void stream_sasl2_free(struct stream *st)
{
	struct sasl2 *x = st->sasl2;

	st->sasl2 = NULL;
	if (!x)
		return;
	buf_wipe(&x->inner);
	arena_free(&x->a);
	secret_wipe(x, sizeof(*x));
	free(x);
}

/* --- what is offered ------------------------------------------------------------------------------------ */

void stream_sasl2_offer(const struct stream *st, struct buf *b)
{
	if (sasl_offered(&st->srv->sasl, st->binding) == 0)
		return;
	buf_printf(b, "<authentication xmlns='" NS_SASL2 "'>");
	sasl_offer_mechanisms(&st->srv->sasl, st->binding, b);
	buf_printf(b, "<inline>");
	fast_offer(&st->srv->sasl, st->binding, b);
	buf_printf(b, "<sm xmlns='" NS_SM "'/><bind xmlns='" NS_BIND2 "'><inline>");
	hooks_bind_features(b);
	buf_printf(b, "<feature var='" NS_SM "'/></inline></bind></inline>");
	stream_upgrade_offer(st, b);
	buf_printf(b, "</authentication>");
}

/* --- whom the stream was opened for ------------------------------------------------------------------------ */

void stream_sasl2_claim(struct stream *st, struct arena *a, struct str from)
{
	struct str bare = STR_NONE;
	struct jid jid;
	char *p;

	if (st->phase >= PHASE_SIGNED_IN)
		return;
	free((void *)(uintptr_t)st->claimed.p);
	st->claimed = (struct str){ 0 };
	if (from.n == 0)
		return;
	if (jid_parse(a, from, &jid) == 0)
		bare = jid.bare;		/* what is no address fits nobody */
	p = malloc(bare.n + 1);
	if (!p)
		return;
	memcpy(p, bare.p, bare.n);
	st->claimed = str_make(p, bare.n);
}

bool stream_sasl2_fits(const struct stream *st, struct str user)
{
	return !st->claimed.p || str_eq(st->claimed, user);
}

/* --- the dialogue ----------------------------------------------------------------------------------------------- */

void stream_sasl2_refuse(struct stream *st, const char *condition)
{
	struct buf b;

	buf_init(&b, 1024);
	buf_printf(&b, "<failure xmlns='" NS_SASL2 "'><%s xmlns='" NS_SASL "'/></failure>", condition);
	stream_send(st, buf_str(&b));
	buf_release(&b);
	stream_sasl2_free(st);
}

/* False: it is there twice. */
static bool child_once(const struct node *n, const char *ns, const char *name, const struct node **ret)
{
	*ret = node_child(n, ns, name);
	return !*ret || !node_child_next(*ret, ns, name);
}

static bool request_parse(struct sasl2 *x, const struct node *n)
{
	const struct node *r;

	return child_once(n, NS_SASL2, "initial-response", &r) && child_once(n, NS_BIND2, "bind", &x->bind) &&
	       child_once(n, NS_SM, "resume", &x->resume) && stream_device_parse(x, n);
}

static struct sasl2 *request_new(void)
{
	struct sasl2 *x = calloc(1, sizeof(*x));

	if (!x)
		return NULL;
	x->a = arena_new(REQUEST_BYTES);
	if (!x->a) {
		free(x);
		return NULL;
	}
	arena_wipe_on_free(x->a);
	buf_init(&x->inner, 16384);
	return x;
}

static int authenticate(struct stream *st, const struct node *n)
{
	const struct node *response = node_child(n, NS_SASL2, "initial-response"), *own;
	struct sasl2 *x = request_new();
	struct str text = STR_NONE;

	if (!x)
		return stream_fault(st, "resource-constraint", NULL);
	st->sasl2 = x;
	own = node_dup(x->a, n);
	if (own && response)
		text = node_text(x->a, response);
	if (!own)
		return stream_fault(st, "resource-constraint", NULL);
	if (!request_parse(x, own) || (response && text.n == 0))
		stream_login_fail(st, "malformed-request");
	else if (x->fast || fast_is_name(node_attr(n, "mechanism")))
		stream_device_fast(st, node_attr(own, "mechanism"), text);
	else {
		sasl_tell_offer(st->sasl, true);
		stream_upgrade_parse(st, x, own);
		stream_login_go(st, sasl_begin(st->sasl, node_attr(n, "mechanism"), text));
	}
	return st->closing ? STREAM_STOP : 0;
}

int stream_sasl2_in(struct stream *st, struct arena *a, const struct node *n)
{
	bool begins = node_is(n, NS_SASL2, "authenticate");

	if (st->sasl2 && st->sasl2->task && !st->busy && !begins) {
		stream_upgrade_in(st, a, n);
		return st->closing ? STREAM_STOP : 0;
	}
	/* "Servers MUST disconnect Clients immediately if any other traffic is received" (XEP-0388 2.4). */
	if (begins ? st->sasl2 || st->busy : !st->sasl2 || st->sasl2->proven)
		return stream_fault(st, "not-authorized", NULL);
	if (!st->sasl)
		st->sasl = sasl_new(&st->srv->sasl, st->binding);
	if (!st->sasl)
		return stream_fault(st, "resource-constraint", NULL);
	if (begins)
		return authenticate(st, n);
	if (node_is(n, NS_SASL2, "response"))
		stream_login_go(st, sasl_respond(st->sasl, node_text(a, n)));
	else if (node_is(n, NS_SASL2, "abort"))
		stream_login_go(st, sasl_abort(st->sasl));
	else
		return stream_fault(st, "not-authorized", NULL);
	return st->closing ? STREAM_STOP : 0;
}

/* --- success -------------------------------------------------------------------------------------------------------- */

static void succeed(struct stream *st, struct str identity)
{
	struct sasl2 *x = st->sasl2;
	struct buf b;
	bool ok;

	buf_init(&b, 32768);
	buf_printf(&b, "<success xmlns='" NS_SASL2 "'>");
	if (x->text.n)
		buf_printf(&b, "<additional-data>%.*s</additional-data>", STR_FMT(x->text));
	buf_printf(&b, "<authorization-identifier>");
	ok = wire_escape(&b, identity) == 0;
	buf_printf(&b, "</authorization-identifier>");
	buf_str_add(&b, buf_str(&x->inner));
	stream_device_token(x, &b);
	buf_printf(&b, "</success>");
	if (ok && !b.failed && !x->inner.failed)
		stream_send(st, buf_str(&b));
	else
		stream_fault(st, "resource-constraint", NULL);
	buf_wipe(&b);
	stream_sasl2_free(st);
	stream_send_features(st);
}

/* "tag/own", or what we make up alone when the tag cannot be part of a resource. */
static struct str resource_of(struct sasl2 *x)
{
	const struct node *n = node_child(x->bind, NS_BIND2, "tag");
	struct str tag = n ? str_trim(node_text(x->a, n)) : STR_NONE, resource;
	char own[SUFFIX + 1];

	rand_text(own, SUFFIX);
	if (x->agent.n)
		memcpy(own, x->stored.resource, sizeof(own));	/* the same for this client every time */
	if (tag.n > 0 && tag.n <= TAG_BYTES) {
		struct str whole = arena_printf(x->a, "%.*s/%s", STR_FMT(tag), own);

		if (whole.p && jid_prep_resource(x->a, whole, &resource) == 0)
			return resource;
	}
	return arena_str(x->a, str_make(own, SUFFIX));
}

static void add_end(struct buf *b, const char *name, const struct vault_entry *e)
{
	char id[VAULT_ID_TEXT], stamp[CLOCK_STAMP_BYTES];

	vault_id_text(e->id, id);
	clock_stamp(e->when_ms, stamp);
	buf_printf(b, "<%s id='%s' timestamp='%s'/>", name, id, stamp);
}

/* XEP-0386 3.2: a client that comes again has no use for what it left. */
static void end_earlier(struct stream *st)
{
	struct user *u = user_ref(st->user);

	LIST_EACH(it, &u->sessions) {
		struct session *s = LIST_ITEM(it, struct session, of_user);

		if (st->device[0] && strcmp(s->device, st->device) == 0)
			session_end(s, "conflict");
	}
	user_unref(&u);
}

static void bind_now(struct stream *st)
{
	struct sasl2 *x = st->sasl2;
	const struct node *enable = node_child(x->bind, NS_SM, "enable");
	struct str resource = resource_of(x);
	struct session *s;

	end_earlier(st);
	if (!resource.p || stream_bind(st, resource, &s) < 0) {
		stream_end(st, "resource-constraint");
		return;
	}
	hooks_session_binding(s, x->bind);
	buf_printf(&x->inner, "<bound xmlns='" NS_BIND2 "'><metadata xmlns='" NS_MAM "'>");
	if (x->first.n && x->last.n) {
		s->synced_id = x->last.v[0].id;
		add_end(&x->inner, "start", &x->first.v[0]);
		add_end(&x->inner, "end", &x->last.v[0]);
	}
	buf_printf(&x->inner, "</metadata>");
	if (enable)
		sm_enable(s, enable, &x->inner);
	buf_printf(&x->inner, "</bound>");
	succeed(st, s->full);
	if (st->session == s)
		hooks_session_bound(s);
}

static int ends_work(struct vault *v, void *ctx)
{
	struct sasl2 *x = ((struct stream *)ctx)->sasl2;
	struct vault_query q = { .owner = x->user, .with = STR_NONE, .max = 1 };
	int r = vault_archive_page(v, &q, x->a, &x->first);

	q.backward = true;
	return r < 0 ? r : vault_archive_page(v, &q, x->a, &x->last);
}

static void ends_done(void *ctx, int err)
{
	struct stream *st = ctx;

	st->busy = false;
	if (!st->gone && !st->closing) {
		if (err < 0)
			stream_end(st, "internal-server-error");
		else
			bind_now(st);
	}
	stream_unbusy(st);
}

/* Resumption, if any, was answered. */
static void go_on(struct stream *st)
{
	if (!st->sasl2->bind) {
		succeed(st, st->sasl2->user);
		return;
	}
	st->busy = true;
	if (server_store(st->srv, st, ends_work, ends_done) < 0) {
		st->busy = false;
		stream_end(st, "resource-constraint");
	}
}

void stream_sasl2_resume(struct stream *st, struct session *s, const char *xml)
{
	buf_str_add(&st->sasl2->inner, str_of(xml));
	if (s)
		succeed(st, s->full);
	else
		go_on(st);
}

static void on_user(void *ctx, struct user *u, int err)
{
	struct stream *st = ctx;
	struct sasl2 *x = st->sasl2;

	st->busy = false;
	if (!st->gone && !st->closing) {
		if (err < 0) {
			sasl_free(&st->sasl);
			stream_login_fail(st, "temporary-auth-failure");
		} else {
			stream_login_done(st, u, x->mechanism);
			if (x->resume) {
				st->resuming = map_get(st->srv->resumable, node_attr(x->resume, "previd"));
				st->resuming_id = st->resuming ? st->resuming->id : 0;
				sm_resume(st->srv, st, st->user->bare, x->resume);
			} else {
				go_on(st);
			}
		}
	}
	stream_unbusy(st);
}

void stream_sasl2_known(struct stream *st)
{
	st->busy = true;
	user_get(st->srv, st->sasl2->user, on_user, st);
}

void stream_sasl2_proven(struct stream *st)
{
	struct sasl2 *x = st->sasl2;

	x->proven = true;
	x->mechanism = sasl_mechanism_name(st->sasl);
	x->user = arena_str(x->a, sasl_user(st->sasl));
	x->text = arena_str(x->a, sasl_text(st->sasl));
	if (!x->user.p || !x->text.p) {
		stream_end(st, "resource-constraint");
		return;
	}
	if (!stream_upgrade_next(st))
		stream_device_record(st);
}
