/* server.c - puts a worker together and takes it apart; what touches the whole of it.
 *
 * Order at the start: what is stored comes back first (streams that wait for their clients, what the guard
 * knew), then listeners accept. At the end: listeners, streams, store, memory.
 */
#include "core/server.h"

#include <malloc.h>
#include <stdlib.h>

#include "admin/admin.h"
#include "base/check.h"
#include "base/clock.h"
#include "base/limits.h"
#include "base/log.h"
#include "core/account.h"
#include "core/ask.h"
#include "core/device.h"
#include "core/exchange.h"
#include "core/gate.h"
#include "core/hold.h"
#include "core/purge.h"
#include "core/hooks.h"
#include "core/report.h"
#include "core/scanner.h"
#include "core/policy_step.h"
#include "core/late.h"
#include "core/learn.h"
#include "core/files.h"
#include "core/link_check.h"
#include "core/session.h"
#include "core/sm.h"
#include "core/breakers.h"
#include "core/decoys.h"
#include "core/known_sites.h"
#include "core/shared.h"
#include "core/state.h"
#include "core/stream.h"
#include "core/user.h"
#include "xmpp/jid.h"

#define NAMES_BYTES 16384
#define SESSIONS_MAX 200000
#define ADDRESSES_MAX LIMIT_CONNS
#define PARSERS_SPARE 64
#define SWEEP_MS 250			/* a parser is 11 KiB: it is to be back before the next login takes a new one */
#define TRIM_MS 5000
#define TRIM_QUIET 50			/* stanzas and connections in a sweep: below that a pause of a millisecond harms nobody */

/* --- store work with a plain context ------------------------------------------------------------------------ */

struct piece {
	struct job job;
	void *ctx;
	int (*work)(struct vault *v, void *ctx);
	void (*done)(void *ctx, int err);
};

static int piece_work(struct vault *v, struct job *j)
{
	struct piece *p = LIST_ITEM(j, struct piece, job);

	return p->work(v, p->ctx);
}

static void piece_done(struct job *j, int err)
{
	struct piece *p = LIST_ITEM(j, struct piece, job);

	p->done(p->ctx, err);
	free(p);
}

int server_store(struct server *srv, void *ctx, int (*work)(struct vault *v, void *ctx), void (*done)(void *ctx, int err))
{
	struct piece *p = calloc(1, sizeof(*p));
	int r;

	if (!p)
		return ERR_NOMEM;
	p->ctx = ctx;
	p->work = work;
	p->done = done;
	r = jobs_submit(srv->jobs, &p->job, piece_work, piece_done);
	if (r < 0)
		free(p);
	return r;
}

/* --- who we are ------------------------------------------------------------------------------------------------ */

bool server_is_local(const struct server *srv, struct str domain)
{
	return str_eq(srv->domain, domain);
}

static int set_names(struct server *s)
{
	struct jid jid;
	int r;

	s->names = arena_new(NAMES_BYTES);
	if (!s->names)
		return ERR_NOMEM;
	r = jid_parse(s->names, str_of(s->config->domain), &jid);
	if (r < 0)
		return r;
	s->domain = jid.domain;
	s->bot = arena_printf(s->names, "guard@%.*s", STR_FMT(jid.domain));
	s->helpdesk = arena_printf(s->names, "helpdesk@%.*s", STR_FMT(jid.domain));
	return s->bot.p && s->helpdesk.p ? 0 : ERR_NOMEM;
}

static void set_sasl(struct server *s)
{
	unsigned m = s->config->auth.mechanisms & 7;

	s->sasl.mechanisms = m;
	if (s->config->auth.channel_binding != CONFIG_BINDING_OFF)
		s->sasl.mechanisms |= m << 3;
	if (s->config->auth.plain)
		s->sasl.mechanisms |= SASL_PLAIN;
	s->sasl.binding_required = s->config->auth.channel_binding == CONFIG_BINDING_REQUIRE;
	s->sasl.iterations = s->config->auth.scram_iterations;
	s->sasl.tokens = s->config->auth.token_lifetime_s > 0;
	s->sasl.domain = s->domain;
}

static int set_up(struct server *s)
{
	int r = set_names(s);

	if (r < 0)
		return r;
	s->users = map_new(SESSIONS_MAX);
	s->sessions = map_new(SESSIONS_MAX);
	s->resumable = map_new(SESSIONS_MAX);
	s->addresses = map_new(ADDRESSES_MAX);
	s->asks = map_new(ASK_WAITING);
	s->reported = map_new(LIMIT_REPORTS);
	s->xml_pool = xml_pool_new(PARSERS_SPARE);
	s->scram = scram_tools_new();
	s->throttle = throttle_new(s->config->limits.failed_logins_per_minute);
	if (!s->users || !s->sessions || !s->resumable || !s->addresses || !s->asks || !s->reported || !s->xml_pool || !s->scram || !s->throttle)
		return ERR_NOMEM;
	s->sasl.tools = s->scram;
	vault_secret(s->vault, "fake salts", s->sasl.fake_key);
	link_check_init(s);
	set_sasl(s);
	r = vault_frank_new(s->vault, &s->frank);
	if (r == 0)
		r = conn_pool_new(s->loop, &s->conn_pool);
	return r < 0 ? r : hooks_server_start(s);
}

/* --- at work ------------------------------------------------------------------------------------------------------ */

static void on_c2s(void *ctx, int fd, const struct sockaddr_storage *from)
{
	stream_accept(ctx, fd, from, false);
}

static void on_c2s_tls(void *ctx, int fd, const struct sockaddr_storage *from)
{
	stream_accept(ctx, fd, from, true);
}

/* What idle sessions have given back lies between what they keep; glibc returns whole pages of it when asked. */
static void trim(struct server *s, bool freed)
{
	uint64_t seen = s->metrics.stanzas_in + s->metrics.connections, now = loop_now_ms(s->loop), news = seen - s->trim_seen;

	s->trim_seen = seen;
	s->trim_due = s->trim_due || freed;
	if (!s->trim_due || news > TRIM_QUIET || now < s->trim_at_ms)
		return;
	s->trim_due = false;
	s->trim_at_ms = now + TRIM_MS;
	malloc_trim(0);
}

static void sweep(void *ctx)
{
	struct server *s = ctx;
	bool freed = false;

	LIST_EACH(it, &s->streams)
		freed |= stream_sweep(stream_of(it));
	trim(s, freed);
	loop_timer_set(s->loop, &s->sweep, SWEEP_MS, sweep, s);
}

static int watch_listeners(struct server *s, const struct server_parts *p)
{
	int r = 0;

	if (p->listen_c2s >= 0)
		r = listener_new(s->loop, p->listen_c2s, on_c2s, s, &s->listeners[0]);
	if (r == 0 && p->listen_c2s_tls >= 0)
		r = listener_new(s->loop, p->listen_c2s_tls, on_c2s_tls, s, &s->listeners[1]);
	if (r == 0 && p->web > 0)
		r = stream_ws_listen(s, p->web);
	return r;
}

static int start_scanner(struct server *s, const struct server_parts *p)
{
	struct scanner_parts parts = { .loop = s->loop, .config = s->config, .pool = p->pool, .signatures = p->signatures };

	if (p->pool <= 0 || !p->dir || !p->spool)
		return 0;
	parts.dir = str_of(p->dir);
	parts.spool = str_of(p->spool);
	return scanner_new(&parts, &s->scanner);
}

int server_new(const struct server_parts *p, struct arena *a, struct server **ret, struct str *ret_why)
{
	struct server *s = calloc(1, sizeof(*s));
	int r;

	(void)a;
	*ret_why = STR("out of memory");
	if (!s)
		return ERR_NOMEM;
	s->magic = SERVER_MAGIC;
	s->loop = p->loop;
	s->config = p->config;
	s->vault = p->vault;
	s->guard = p->guard;
	s->tls = p->tls;
	s->started_mono_us = p->started_mono_us;
	s->end = p->end;
	s->end_ctx = p->end_ctx;
	s->spool = s->upload = STR_NONE;
	if (p->spool)
		s->spool = str_of(p->spool);
	s->started_wall_ms = clock_wall_ms();
	list_init(&s->idle_users);
	list_init(&s->streams);
	list_init(&s->adhoc);
	list_init(&s->delegated);
	r = set_up(s);
	if (r < 0)
		return r;
	*ret_why = STR("what the quarantine and the guard knew cannot be read back");
	r = hold_restore(s, s->vault);
	if (r == 0)
		r = files_start(s);
	if (r == 0)
		r = breakers_start(s, s->vault);
	if (r == 0)
		r = known_sites_restore(s, s->vault);
	if (r < 0)
		return r;
	*ret_why = STR("the store's thread cannot be started");
	r = jobs_new(s->loop, s->vault, p->tls != NULL, &s->jobs);
	if (r == 0)
		r = start_scanner(s, p);
	if (r == 0)
		r = late_start(s);
	if (r < 0)
		return r;
	*ret_why = STR("the streams that wait for their clients cannot be read back");
	r = sm_restore(s, s->vault);
	if (r == 0) {
		*ret_why = STR("the listening sockets cannot be watched");
		r = watch_listeners(s, p);
	}
	if (r < 0)
		return r;
	gate_start(s);
	*ret_why = STR("the list of accounts cannot be read");
	r = shared_start(s);
	if (r < 0)
		return r;
	report_start(s);
	purge_begin(s);
	sweep(s);
	policy_step_note(s);
	*ret_why = STR_NONE;
	*ret = s;
	return 0;
}

const struct guard *server_guard(const struct server *s) { return s->guard; }

void server_reload(struct server *s, struct config *config, struct guard *guard, struct tls_ctx *tls)
{
	CHECK_OBJ(s, SERVER_MAGIC);
	if (config) {
		config_unref(&s->config);
		s->config = config;
		throttle_set(s->throttle, config->limits.failed_logins_per_minute);
		set_sasl(s);
		if (s->scanner)
			scanner_reload(s->scanner, config);
	}
	if (guard) {
		guard_inherit(guard, s->guard);
		guard_free(&s->guard);
		s->guard = guard;
		policy_step_note(s);
		shared_policy(s);
		hooks_policy_changed(s);
	}
	if (tls) {
		tls_ctx_unref(&s->tls);
		s->tls = tls;
	}
}

/* --- operators' commands ----------------------------------------------------------------------------------------------- */

struct command {
	struct server *srv;
	struct admin_call *call;
	void (*done)(void *ctx, struct admin_call *call);
	void *ctx;
};

static void account_effect(struct server *s, const struct admin_effect *e)
{
	struct user *u = user_cached(s, e->subject);

	if (e->kind == EFFECT_ACCOUNT_REMOVED || e->kind == EFFECT_ACCOUNT_CHANGED)
		device_end(s, e->subject, STR_NONE);	/* those on their way in */
	if (!u && e->kind == EFFECT_ACCOUNT_REMOVED)
		hooks_account_removed(s, e->subject);
	if (!u)
		return;
	user_ref(u);
	switch (e->kind) {
	case EFFECT_ACCOUNT_FROZEN:
	case EFFECT_ACCOUNT_THAWED:
		u->frozen = e->kind == EFFECT_ACCOUNT_FROZEN;
		break;
	case EFFECT_ACCOUNT_REMOVED:
		account_end_sessions(u, 0, "not-authorized");
		user_forget(u);
		hooks_account_removed(s, e->subject);
		break;
	case EFFECT_ACCOUNT_CHANGED:
		account_end_sessions(u, 0, "reset");	/* who knew the old password is out */
		break;
	case EFFECT_HELD_RELEASED:
	case EFFECT_HELD_REJECTED:
	case EFFECT_POLICY_APPLIED:
	case EFFECT_OUTBREAK_CONTAINED:
	case EFFECT_OUTBREAK_LIFTED:
	case EFFECT_PURGED:
	case EFFECT_FILE:
	case EFFECT_FILE_RESCAN:
	case EFFECT_SHARED:
	case EFFECT_UNSHARED:
	case EFFECT_ACCOUNT_ADDED:
	case EFFECT_BREAKER_OPENED:
	case EFFECT_BREAKER_CLOSED:
	case EFFECT_DECOY_REMOVED:
	case EFFECT_DECOYS_DUE:
	case EFFECT_LIVE_STATUS:
	case EFFECT_DEVICES_SHOWN:
	case EFFECT_DEVICE_REVOKED:
		break;
	}
	user_unref(&u);
}

static void add_number(json_t *o, const char *key, uint64_t v)
{
	json_object_set_new(o, key, json_integer((json_int_t)v));
}

/* Listeners that the configuration has and that are not there. */
static void not_opened(const struct server *s, json_t *reply)
{
	json_t *names = json_array();

	if (!s->web)
		json_array_append_new(names, json_string("https"));
	if (!s->config->n_components || !s->config->listen.component)
		json_array_append_new(names, json_string("component"));
	if (!s->config->s2s.enabled || !s->config->listen.s2s)
		json_array_append_new(names, json_string("s2s"));
	json_object_set_new(reply, "not_opened", names);
}

static void live_status(struct server *s, json_t *reply)
{
	add_number(reply, "uptime_s", (clock_mono_us() - s->started_mono_us) / 1000000);
	add_number(reply, "connections", s->n_streams);
	add_number(reply, "sessions", map_count(s->sessions));
	add_number(reply, "waiting_for_resumption", map_count(s->resumable));
	add_number(reply, "breakers_open", breakers_open_now(s));
	add_number(reply, "store_queue", jobs_waiting(s->jobs));
	if (s->tls)
		json_object_set_new(reply, "certificate_days_left", json_integer(tls_days_left(s->tls)));
#define METRICS_SHOW(name) add_number(reply, "count_" #name, s->metrics.name);
	METRICS(METRICS_SHOW)
#undef METRICS_SHOW
	not_opened(s, reply);
	scanner_show(s->scanner, reply);
	outward_status(s, reply);
}

static void show_session(const struct session *s, json_t *devices)
{
	char id[DEVICE_SESSION_ID], since[CLOCK_STAMP_BYTES];

	device_session_id(s, id);
	clock_stamp(s->since_ms, since);
	json_array_append_new(devices, json_pack("{s:s, s:s, s:s%, s:s, s:s, s:s, s:b}", "id", id, "software", "", "device", s->resource.p,
						 s->resource.n, "access", "password", "first_seen", since, "last_seen", since,
						 "connected", 1));
}

static bool is_shown(json_t *devices, const struct session *s)
{
	json_t *one;
	size_t i;

	json_array_foreach(devices, i, one)
		if (strcmp(json_string_value(json_object_get(one, "id")), s->device) == 0)
			return true;
	return false;
}

/* Which of the devices are connected, and the sessions of clients that did not say who they are. */
static void show_devices(struct server *s, struct str bare, json_t *reply)
{
	json_t *devices = json_object_get(reply, "devices"), *one;
	struct user *u = user_cached(s, bare);
	size_t i;

	json_array_foreach(devices, i, one)
		if (device_is_connected(s, bare, str_of(json_string_value(json_object_get(one, "id")))))
			json_object_set_new(one, "connected", json_true());
	if (!u)
		return;
	LIST_EACH(it, &u->sessions) {
		const struct session *live = LIST_ITEM(it, struct session, of_user);

		if (!is_shown(devices, live))
			show_session(live, devices);
	}
}

static void revoke_device(struct server *s, struct str subject, json_t *reply)
{
	ptrdiff_t slash = str_find_char(subject, '/');

	if (slash > 0)
		add_number(reply, "sessions_ended", device_end(s, str_make(subject.p, (size_t)slash), str_cut(subject, (size_t)slash + 1)));
}

/* What cannot be looked at now is marked in the vault, and its turn comes with the late looks. */
static void file_effect(struct server *s, const struct admin_effect *e)
{
	uint8_t id[VAULT_FILE_ID];

	if (e->kind == EFFECT_FILE_RESCAN && str_empty(e->subject))
		late_again(s);
	if (vault_file_id_parse(e->subject, id) < 0)
		return;
	if (e->kind == EFFECT_FILE)
		files_settled(s, id);
	else if (files_rescan(s, id, NULL, NULL) < 0)
		log_event(LOG_NOTE, "file.rescan_later");
}

static void apply(struct server *s, const struct admin_effect *e, json_t *reply)
{
	switch (e->kind) {
	case EFFECT_ACCOUNT_CHANGED:
	case EFFECT_ACCOUNT_REMOVED:
	case EFFECT_ACCOUNT_FROZEN:
	case EFFECT_ACCOUNT_THAWED:
		account_effect(s, e);
		break;
	case EFFECT_ACCOUNT_ADDED:
		shared_come(s, e->subject, STR_NONE);
		break;
	case EFFECT_BREAKER_OPENED:
	case EFFECT_BREAKER_CLOSED:
		breakers_operator(s, e->subject, e->kind == EFFECT_BREAKER_OPENED);
		break;
	case EFFECT_DECOY_REMOVED:
		decoys_vanish(s, e->subject);
		break;
	case EFFECT_DECOYS_DUE:
		decoys_keep(s);
		break;
	case EFFECT_HELD_RELEASED:
		hold_release(s, e->subject);
		break;
	case EFFECT_HELD_REJECTED:
		hold_rejected(s, e->subject);
		break;
	case EFFECT_OUTBREAK_CONTAINED:
	case EFFECT_OUTBREAK_LIFTED:
		guard_contain(s->guard, e->subject, e->kind == EFFECT_OUTBREAK_CONTAINED);
		exchange_outbreak(s, e->subject, e->kind == EFFECT_OUTBREAK_CONTAINED);
		break;
	case EFFECT_SHARED:
		exchange_effect(s, e->subject);
		break;
	case EFFECT_UNSHARED:
		exchange_withdraw(s, e->subject);
		break;
	case EFFECT_PURGED:
		purge_tell(s);
		break;
	case EFFECT_LIVE_STATUS:
		live_status(s, reply);
		break;
	case EFFECT_DEVICES_SHOWN:
		show_devices(s, e->subject, reply);
		break;
	case EFFECT_DEVICE_REVOKED:
		revoke_device(s, e->subject, reply);
		break;
	case EFFECT_FILE:
	case EFFECT_FILE_RESCAN:
		file_effect(s, e);
		break;
	case EFFECT_POLICY_APPLIED:
		break;				/* roles/control.c: a reload, as with SIGHUP */
	}
}

static int command_work(struct vault *v, void *ctx)
{
	struct command *c = ctx;

	return admin_work(c->call, v);
}

static void command_done(void *ctx, int err)
{
	struct command *c = ctx;
	struct admin_call *call = c->call;

	if (err < 0 && call->err == 0) {	/* done, but not on disk */
		call->err = err;
		call->why = str_of(err_text(err));
		call->effects = NULL;
	}
	if (call->err == 0 && call->again) {	/* whoever waits has his turn before the next slice */
		for (const struct admin_effect *e = call->effects; e; e = e->next)
			apply(c->srv, e, call->reply);
		err = server_store(c->srv, c, command_work, command_done);
		if (err == 0)
			return;
		call->effects = NULL;
		call->err = err;
		call->why = str_of(err_text(err));
	}
	for (const struct admin_effect *e = call->effects; e; e = e->next)
		apply(c->srv, e, call->reply);
	c->done(c->ctx, call);
	free(c);
}

void server_admin(struct server *s, struct admin_call *call, void (*done)(void *ctx, struct admin_call *call), void *ctx)
{
	struct command *c = calloc(1, sizeof(*c));
	int r = c && !s->stopping ? 0 : ERR_BUSY;

	CHECK_OBJ(s, SERVER_MAGIC);
	if (r == 0) {
		*c = (struct command){ .srv = s, .call = call, .done = done, .ctx = ctx };
		r = server_store(s, c, command_work, command_done);
	}
	if (r < 0) {
		free(c);
		call->err = r;
		call->why = str_of(err_text(r));
		done(ctx, call);
	}
}

/* --- the end ---------------------------------------------------------------------------------------------------------------- */

static void store_stopped(void *ctx)
{
	struct server *s = ctx;

	s->stopped(s->stopped_ctx);
}

static void scanner_stopped(void *ctx)
{
	struct server *s = ctx;

	scanner_free(&s->scanner);
	jobs_stop(s->jobs, store_stopped, s);
}

static void maybe_stopped(struct server *s)
{
	if (s->stopping && s->n_streams == 0 && s->deriving == 0 && s->stopped) {
		loop_timer_cancel(s->loop, &s->sweep);
		learn_stop(s);
		if (s->scanner)
			scanner_stop(s->scanner, scanner_stopped, s);
		else
			jobs_stop(s->jobs, store_stopped, s);
	}
}

void server_stream_gone(struct server *srv)
{
	maybe_stopped(srv);
}

/* Streams that can be resumed stay in the store: their clients come back to the next server. */
static void say_goodbye(struct server *s)
{
	struct map_iter it = { 0 };
	void *v;

	while (map_next(s->sessions, &it, NULL, &v)) {
		struct session *one = v;
		struct stream *st = one->stream;

		if (!one->sm || !one->sm->resumable) {
			session_end(one, "system-shutdown");
			continue;
		}
		sm_keep(one);
		one->stream = NULL;
		if (st)
			stream_end(st, "system-shutdown");
	}
	LIST_EACH(node, &s->streams)
		stream_end(stream_of(node), "system-shutdown");
}

void server_stop(struct server *s, void (*done)(void *ctx), void *ctx)
{
	CHECK_OBJ(s, SERVER_MAGIC);
	s->stopping = true;
	s->stopped = done;
	s->stopped_ctx = ctx;
	for (size_t i = 0; i < 2; i++)
		listener_free(&s->listeners[i]);
	stream_ws_stop(s);
	ask_stop(s);
	known_sites_stop(s);
	say_goodbye(s);
	maybe_stopped(s);
}

void server_free(struct server **ref)
{
	struct server *s = *ref;

	if (!s)
		return;
	CHECK_OBJ(s, SERVER_MAGIC);
	*ref = NULL;
	for (struct map_iter it = { 0 };;) {
		void *v;

		if (!map_next(s->sessions, &it, NULL, &v))
			break;
		session_end(v, NULL);
	}
	ask_stop(s);
	hooks_server_stop(s);
	decoys_stop(s);
	breakers_stop(s);
	shared_stop(s);
	map_free(&s->asks);
	report_stop(s);
	purge_stop(s);
	while (!list_empty(&s->delegated)) {
		struct list *first = s->delegated.next;

		list_remove(first);
		free(first);
	}
	user_free_idle(s);
	jobs_free(&s->jobs);
	map_free(&s->sessions);
	map_free(&s->resumable);
	map_free(&s->users);
	map_free(&s->addresses);
	xml_pool_free(&s->xml_pool);
	conn_pool_free(&s->conn_pool);
	files_stop(s);
	late_stop(s);
	throttle_free(&s->throttle);
	scram_tools_free(&s->scram);
	tls_ctx_unref(&s->tls);
	guard_free(&s->guard);
	vault_frank_free(&s->frank);
	vault_close(&s->vault);
	config_unref(&s->config);
	arena_free(&s->names);
	s->magic = 0;
	free(s);
}
