/* purge.c - see purge.h. The retraction takes the road of any message: it is archived, waits for who is away, and leaves for other servers. */
#include "core/purge.h"

#include <jansson.h>
#include <openssl/evp.h>
#include <stdlib.h>

#include "admin/admin.h"
#include "base/b64.h"
#include "base/clock.h"
#include "base/limits.h"
#include "base/log.h"
#include "core/files.h"
#include "core/service.h"
#include "core/session.h"
#include "core/sm.h"
#include "core/state.h"
#include "core/trip.h"
#include "core/user.h"
#include "xmpp/jid.h"
#include "xmpp/ns.h"
#include "xmpp/tombstone.h"
#include "xmpp/wire.h"

#define ARENA_BYTES (64u << 20)
#define SHA_BYTES 32

struct purge {
	struct server *srv;
	bool busy, again;		/* a row is being worked off; another may have come */
	struct loop_timer retry;
};

/* A stored copy that becomes another: of a client's stream a tombstone, of an outbox nothing. */
struct change {
	struct change *next;
	char stream_id[27];
	uint32_t seq;
	struct str owner, bytes;
};

struct round {
	struct purge *p;
	struct arena *arena, *scratch;
	struct str key, purge;		/* of the row; which purge it belongs to */
	struct purge_copy *v;
	size_t n, told, lost;		/* told: or nobody has it */
	char stamp[CLOCK_STAMP_BYTES];
	struct change *changes;
	size_t waiting;			/* people not told yet, and one for who is counting */
	bool failed;			/* something could not be stored: all of it again, later */
};

struct person {				/* somebody who is being told */
	struct round *r;
	const struct purge_copy *c;
	struct node *message;
};

static void next(struct purge *p);

static void on_retry(void *ctx)
{
	purge_tell(((struct purge *)ctx)->srv);
}

static void round_end(struct round *r, bool later)
{
	struct purge *p = r->p;

	arena_free(&r->scratch);
	arena_free(&r->arena);
	p->busy = false;
	if (later && !p->srv->stopping)
		loop_timer_set(p->srv->loop, &p->retry, PURGE_RETRY_MS, on_retry, p);
	else if (!p->srv->stopping)
		next(p);
}

/* --- the row ---------------------------------------------------------------------------------------------------------- */

static int read_work(struct vault *v, void *ctx)
{
	struct round *r = ctx;
	struct vault_item_at at = { 0 };
	struct vault_item item;
	int err = vault_item_next(v, r->p->srv->bot, ITEM_PURGE_TELL, &at, r->arena, &item);

	if (err < 0)
		return err;
	r->key = item.key;
	r->purge = item.value;
	return 0;
}

static struct str text_of(struct arena *a, const json_t *o, const char *key)
{
	struct str s = arena_str(a, str_of(json_string_value(json_object_get(o, key))));

	return s.p ? s : STR_NONE;
}

static void read_copy(struct round *r, const json_t *o, struct purge_copy *c)
{
	struct str id = text_of(r->arena, o, "id");

	*c = (struct purge_copy){ .from = text_of(r->arena, o, "from"), .to = text_of(r->arena, o, "to"), .given = text_of(r->arena, o, "given"),
				  .type = text_of(r->arena, o, "type"), .own = text_of(r->arena, o, "own"), .sha = text_of(r->arena, o, "sha").p, .left = true };
	if (vault_id_parse(id, &c->id) < 0)
		c->id = 0;
	vault_id_text(c->id, c->text);
}

/* Their rows say already that they are revoked. */
static void forget_files(struct round *r, const json_t *files)
{
	uint8_t id[VAULT_FILE_ID];
	json_t *one;
	size_t i;

	json_array_foreach(files, i, one)
		if (vault_file_id_parse(str_of(json_string_value(one)), id) == 0)
			files_changed(r->p->srv, id);
}

static int read_row(struct round *r)
{
	json_t *o = json_loadb(r->purge.p, r->purge.n, 0, NULL), *tells = json_object_get(o, "tells"), *one;
	size_t i;
	int err = ERR_NOMEM;

	clock_stamp(clock_wall_ms(), r->stamp);
	r->v = arena_alloc(r->arena, (json_array_size(tells) + 1) * sizeof(*r->v));
	r->purge = text_of(r->arena, o, "purge");
	if (r->v) {
		json_array_foreach(tells, i, one)
			if (r->n < PURGE_AT_ONCE) {
				read_copy(r, one, &r->v[r->n++]);
				forget_files(r, json_object_get(one, "files"));
			}
		err = 0;
	}
	json_decref(o);
	return err;
}

/* --- what is in memory --------------------------------------------------------------------------------------------------- */

static bool note_change(struct round *r, const char *stream_id, uint32_t seq, struct str owner, struct str bytes)
{
	struct change *c = arena_alloc(r->arena, sizeof(*c));

	if (!c)
		return false;
	*c = (struct change){ .next = r->changes, .seq = seq, .owner = arena_str(r->arena, owner), .bytes = arena_str(r->arena, bytes) };
	snprintf(c->stream_id, sizeof(c->stream_id), "%s", stream_id);
	r->changes = c;
	return c->owner.p && c->bytes.p;
}

/* The same stanza with a tombstone in the place of this message. False: it is not in there. */
static bool buried(struct round *r, const struct purge_copy *c, struct str bytes, struct buf *ret)
{
	const struct tombstone t = { .stamp = str_of(r->stamp), .id = c->own,
				     .moderator = str_is(c->type, "groupchat") ? c->to : STR_NONE };
	struct node *m;

	if (str_find(bytes, str_of(c->text)) < 0)
		return false;
	arena_clear(r->scratch);
	buf_clear(ret);
	return wire_parse(r->scratch, bytes, &m) == 0 && tombstone_within(r->scratch, &m, str_of(c->text), &t) &&
	       wire_write(ret, m, STR(NS_CLIENT)) == 0;
}

static void take_from_session(struct round *r, struct session *s, struct buf *b)
{
	for (struct sm_entry *e = s->sm->first; e; e = e->next)
		for (size_t i = 0; i < r->n; i++) {
			if (!buried(r, &r->v[i], str_make(e->bytes, e->n), b))
				continue;
			e = sm_replace(s, e, buf_str(b));
			if (s->sm->resumable && !note_change(r, s->sm->id, e->ticket, s->user->bare, buf_str(b)))
				r->failed = true;
		}
}

static void take_from_sessions(struct round *r)
{
	struct map_iter it = { 0 };
	struct buf b;
	void *v;

	buf_init(&b, LIMIT_STANZA_BYTES_MAX * 2);
	while (map_next(r->p->srv->sessions, &it, NULL, &v)) {
		struct session *s = v;

		if (s->sm && s->sm->first)
			take_from_session(r, s, &b);
	}
	buf_release(&b);
}

struct recall {
	struct round *r;
	struct buf scratch;
	struct purge_copy *at;
};

static void sha_text(struct str bytes, char ret[SHA_BYTES * 2 + 1])
{
	uint8_t d[EVP_MAX_MD_SIZE];
	unsigned n = 0;

	ret[0] = '\0';
	if (EVP_Digest(bytes.p, bytes.n, d, &n, EVP_sha256(), NULL) == 1 && n == SHA_BYTES)
		b64_hex(d, n, ret);
}

static bool is_it(void *ctx, struct str bytes)
{
	struct recall *k = ctx;
	char sha[SHA_BYTES * 2 + 1];

	sha_text(bytes, sha);
	for (size_t i = 0; i < k->r->n; i++) {
		struct purge_copy *c = &k->r->v[i];

		if ((c->sha && *c->sha && strcmp(c->sha, sha) == 0) || buried(k->r, c, bytes, &k->scratch)) {
			k->at = c;
			return true;
		}
	}
	return false;
}

static void is_gone(void *ctx, const struct outward_place *place, bool left)
{
	struct recall *k = ctx;

	if (!left)
		k->at->left = false;
	if (place->seq && !note_change(k->r, place->stream_id, place->seq, k->at->from, STR_NONE))
		k->r->failed = true;
}

static void take_from_links(struct round *r)
{
	struct recall k = { .r = r };
	const struct outward_recall what = { .is_it = is_it, .gone = is_gone, .ctx = &k };

	buf_init(&k.scratch, LIMIT_STANZA_BYTES_MAX * 2);
	outward_recall(r->p->srv, &what);
	buf_release(&k.scratch);
}

/* --- what is in the store ----------------------------------------------------------------------------------------------------- */

/* Behind all that was asked of the store while it was still in memory: a session that ended left it among the offline messages. */
static int clean_work(struct vault *v, void *ctx)
{
	struct round *r = ctx;
	int err = 0;

	for (size_t i = 0; err == 0 && i < r->n; i++)
		if (r->v[i].to.n && r->v[i].id)
			err = vault_offline_take(v, r->v[i].to, r->v[i].id);
	for (const struct change *c = r->changes; err == 0 && c; c = c->next)
		err = vault_stream_push(v, str_of(c->stream_id), c->owner, c->seq, c->bytes);
	return err;
}

static void count(json_t *o, const char *key, size_t more)
{
	json_object_set_new(o, key, json_integer(json_integer_value(json_object_get(o, key)) + (json_int_t)more));
}

static int told_work(struct vault *v, void *ctx)
{
	struct round *r = ctx;
	struct str text;
	json_t *o;
	char *out;
	int err = vault_item_remove(v, r->p->srv->bot, ITEM_PURGE_TELL, r->key);

	if (err == 0)
		err = vault_item_get(v, r->p->srv->bot, ITEM_PURGE, r->purge, r->arena, &text);
	if (err < 0)
		return err == ERR_NOT_FOUND ? 0 : err;
	o = json_loadb(text.p, text.n, 0, NULL);
	count(o, "told", r->told);
	count(o, "unreachable", r->lost);
	out = json_dumps(o, JSON_COMPACT);
	err = out ? vault_item_put(v, r->p->srv->bot, ITEM_PURGE, r->purge, str_of(out)) : ERR_NOMEM;
	free(out);
	json_decref(o);
	return err;
}

static void told_done(void *ctx, int err)
{
	struct round *r = ctx;

	if (err < 0)
		log_event(LOG_ERROR, "purge.not_settled", LOG_Z("why", err_text(err)));
	round_end(r, err < 0);
}

static void one_less(struct round *r)
{
	if (--r->waiting)
		return;
	if (r->failed || server_store(r->p->srv, r, told_work, told_done) < 0)
		round_end(r, true);
}

/* --- telling ------------------------------------------------------------------------------------------------------------------- */

static int add(struct arena *a, struct node *m, const char *ns, const char *name, const char *attr, struct str value, struct str text)
{
	struct node *n = node_add(a, m, ns, name);

	if (!n || (attr && node_set_attr(a, n, attr, value) < 0))
		return ERR_LIMIT;
	return text.n ? node_add_text(a, n, text) : 0;
}

/* For clients that know the XEP as it was before 2024, fastened to the message. */
static int add_old(struct arena *a, struct node *m, struct str id)
{
	struct node *apply = node_add(a, m, NS_FASTEN, "apply-to");

	if (!apply || node_set_attr(a, apply, "id", id) < 0)
		return ERR_LIMIT;
	return node_add(a, apply, NS_RETRACT_0, "retract") ? 0 : ERR_LIMIT;
}

/* XEP-0424 (4): <retract/> beside a fallback body and a hint that it be kept. */
static int write_message(struct arena *a, struct node *m, const struct purge_copy *c)
{
	int r = node_set_attr(a, m, "from", c->from);

	if (r == 0)
		r = node_set_attr(a, m, "to", c->to);
	if (r == 0)
		r = node_set_attr(a, m, "type", STR("chat"));
	if (r == 0)
		r = node_set_attr(a, m, "id", c->own);
	if (r == 0)
		r = add(a, m, NS_RETRACT, "retract", "id", c->given, STR_NONE);
	if (r == 0)
		r = add_old(a, m, c->given);
	if (r == 0)
		r = add(a, m, NS_FALLBACK, "fallback", "for", STR(NS_RETRACT), STR_NONE);
	if (r == 0)
		r = add(a, m, NS_CLIENT, "body", NULL, STR_NONE,
			STR("A dangerous message was removed by this company's server. Do not open its link or file if your client still shows it."));
	return r < 0 ? r : add(a, m, NS_HINTS, "store", NULL, STR_NONE, STR_NONE);
}

/* ERR_BUSY and the like: the store could not take it, so that it is not known. */
static bool may_work_later(int err)
{
	return err == ERR_BUSY || err == ERR_FULL || err == ERR_IO || err == ERR_NOMEM;
}

static void settled(void *ctx, int err)
{
	struct person *w = ctx;

	if (may_work_later(err))
		w->r->failed = true;
	else if (err < 0)
		log_event(LOG_WARN, "purge.not_told", LOG_S("to", w->c->to), LOG_Z("why", err_text(err)));
	w->r->lost += err < 0;
	w->r->told += err >= 0;
	w->r->p->srv->metrics.purge_told += err >= 0;
	one_less(w->r);
}

static void from_author(void *ctx, struct user *u, int err)
{
	struct person *w = ctx;

	err = trip_emit_settled(w->r->p->srv, err < 0 ? NULL : u, w->message, settled, w);
	if (err < 0)
		settled(w, err);
}

static bool is_account(const struct server *srv, struct str jid)
{
	ptrdiff_t at = str_find_char(jid, '@');

	return at > 0 && server_is_local(srv, str_cut(jid, (size_t)at + 1));
}

static int tell_person(struct round *r, struct person *w)
{
	struct server *srv = r->p->srv;
	int err;

	w->message = node_new(r->arena, NS_CLIENT, "message");
	err = w->message ? write_message(r->arena, w->message, w->c) : ERR_NOMEM;
	if (err < 0)
		return err;
	if (is_account(srv, w->c->from))
		user_get(srv, w->c->from, from_author, w);
	else
		from_author(w, NULL, ERR_NOT_FOUND);
	return 0;
}

/* What somebody sent to a room, or to one person in it, is the service's to take back. */
static const struct service_ops *service_for(const struct server *srv, struct str jid)
{
	ptrdiff_t at = str_find_char(jid, '@');

	return service_of(srv, str_cut(jid, (size_t)(at + 1)));
}

static void tell_one(struct round *r, const struct purge_copy *c)
{
	const struct service_ops *service = service_for(r->p->srv, c->to);
	struct person *w = arena_alloc(r->arena, sizeof(*w));
	int err = 0;

	if (!w) {
		r->failed = true;
		return;
	}
	*w = (struct person){ .r = r, .c = c };
	r->waiting++;
	if (service && service->purged && str_is(c->type, "groupchat"))
		service->purged(r->p->srv, c, settled, w);
	else if (service || !c->given.n || !c->to.n || !c->left)
		settled(w, 0);			/* nobody has it, or nothing names it */
	else
		err = tell_person(r, w);
	if (err < 0)
		settled(w, err);
}

static void clean_done(void *ctx, int err)
{
	struct round *r = ctx;

	if (err < 0) {
		round_end(r, true);
		return;
	}
	r->waiting = 1;
	for (size_t i = 0; i < r->n; i++)
		tell_one(r, &r->v[i]);
	one_less(r);
}

static void read_done(void *ctx, int err)
{
	struct round *r = ctx;
	struct purge *p = r->p;

	if (err == ERR_NOT_FOUND) {		/* all are told */
		arena_free(&r->scratch);
		arena_free(&r->arena);
		p->busy = false;
		if (p->again)
			next(p);
		return;
	}
	if (err == 0)
		err = read_row(r);
	if (err == 0) {
		take_from_sessions(r);
		take_from_links(r);
		err = r->failed ? ERR_NOMEM : server_store(p->srv, r, clean_work, clean_done);
	}
	if (err < 0)
		round_end(r, true);
}

static void next(struct purge *p)
{
	struct arena *a, *scratch;
	struct round *r;

	if (p->busy || p->srv->stopping)
		return;
	a = arena_new(ARENA_BYTES);
	scratch = arena_new(LIMIT_STANZA_BYTES_MAX * 16);
	r = a && scratch ? arena_alloc(a, sizeof(*r)) : NULL;
	p->again = false;
	if (r) {
		*r = (struct round){ .p = p, .arena = a, .scratch = scratch };
		p->busy = true;
		if (server_store(p->srv, r, read_work, read_done) == 0)
			return;
		p->busy = false;
	}
	arena_free(&scratch);
	arena_free(&a);
	loop_timer_set(p->srv->loop, &p->retry, PURGE_RETRY_MS, on_retry, p);
}

void purge_tell(struct server *srv)
{
	if (!srv->purge)
		return;
	srv->purge->again = true;
	next(srv->purge);
}

/* --- the beginning of a purge --------------------------------------------------------------------------------------------------- */

static void purged(void *ctx, struct admin_call *call)
{
	(void)ctx;
	if (call->err < 0)
		log_event(call->err == ERR_NOT_FOUND ? LOG_NOTE : LOG_ERROR, "purge.failed", LOG_S("why", call->why));
	admin_call_free(&call);
}

static void command(struct server *srv, json_t *args)
{
	struct admin_call *call = args ? admin_call_new("purge", args) : NULL;

	if (!call) {
		log_event(LOG_ERROR, "purge.failed", LOG_Z("why", "out of memory"));
		return;
	}
	call->domain = srv->config->domain;
	call->live = true;
	server_admin(srv, call, purged, NULL);
}

void purge_start(struct server *srv, enum purge_kind kind, struct str value, const char *why)
{
	static const char *const names[] = { "fingerprint", "stanza-id", "like", "link" };

	command(srv, json_pack("{s:s%, s:s}", names[kind], value.p, value.n, "why", why));
}

void purge_reported(struct server *srv, struct str fingerprint, struct str id, const char *why)
{
	command(srv, json_pack("{s:s%, s:s%, s:s}", "fingerprint", fingerprint.p, fingerprint.n, "like", id.p, id.n, "why", why));
}

struct unfinished {
	struct server *srv;
	struct arena *arena;
	struct vault_item *v;
	size_t n;
};

static int unfinished_work(struct vault *v, void *ctx)
{
	struct unfinished *u = ctx;

	return vault_item_list(v, u->srv->bot, ITEM_PURGE, u->arena, &u->v, &u->n);
}

static void unfinished_done(void *ctx, int err)
{
	struct unfinished *u = ctx;

	if (err < 0)
		log_event(LOG_ERROR, "purge.not_resumed", LOG_Z("why", err_text(err)));
	for (size_t i = 0; err == 0 && i < u->n; i++)
		if (str_find(u->v[i].value, STR("\"state\":\"running\"")) >= 0) {
			log_event(LOG_NOTE, "purge.resumed", LOG_S("purge", u->v[i].key));
			command(u->srv, json_pack("{s:s%}", "job", u->v[i].key.p, u->v[i].key.n));
		}
	arena_free(&u->arena);
}

void purge_begin(struct server *srv)
{
	struct arena *a = arena_new(ARENA_BYTES);
	struct unfinished *u = a ? arena_alloc(a, sizeof(*u)) : NULL;

	srv->purge = calloc(1, sizeof(*srv->purge));
	if (srv->purge)
		srv->purge->srv = srv;
	if (u && srv->purge) {
		*u = (struct unfinished){ .srv = srv, .arena = a };
		purge_tell(srv);
		if (server_store(srv, u, unfinished_work, unfinished_done) == 0)
			return;
	}
	arena_free(&a);
	log_event(LOG_ERROR, "purge.not_resumed");
}

void purge_stop(struct server *srv)
{
	if (srv->purge)
		loop_timer_cancel(srv->loop, &srv->purge->retry);
	free(srv->purge);
	srv->purge = NULL;
}
