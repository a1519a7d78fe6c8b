/* breakers.c - see breakers.h. */
#include "core/breakers.h"

#include "admin/admin.h"
#include "base/clock.h"
#include "base/log.h"
#include "core/audit.h"
#include "core/bot.h"
#include "core/service.h"
#include "core/state.h"
#include "outbreak/breaker.h"

static struct policy_breaker conf_of(const struct server *srv)
{
	return guard_policy(srv->guard)->breaker;
}

/* The other end of the link: of what comes from outside its sender's domain, of what leaves its receiver's. */
static struct str link_of(const struct trip *t)
{
	if (trip_is_foreign(t))
		return server_is_local(t->server, t->from.domain) ? STR_NONE : t->from.domain;
	if (t->origin != TRIP_CLIENT || t->to_self || !t->to.domain.n || server_is_local(t->server, t->to.domain) || service_of(t->server, t->to.domain))
		return STR_NONE;
	return t->to.domain;
}

bool breakers_cut(const struct trip *t)
{
	struct str domain = breaker_count(t->server->breakers) ? link_of(t) : STR_NONE;

	return domain.n && breaker_is_open(t->server->breakers, domain);
}

unsigned breakers_open_now(const struct server *srv)
{
	return srv->breakers ? breaker_count(srv->breakers) : 0;
}

/* --- rows ------------------------------------------------------------------------------------------------------------ */

struct row {
	struct server *srv;
	struct arena *arena;
	struct str owner, domain, value;	/* value empty: it goes */
};

static int row_work(struct vault *v, void *ctx)
{
	struct row *w = ctx;

	return w->value.n ? vault_item_put(v, w->owner, ITEM_BREAKER, w->domain, w->value) : vault_item_remove(v, w->owner, ITEM_BREAKER, w->domain);
}

static void row_done(void *ctx, int err)
{
	struct row *w = ctx;

	if (err < 0)
		log_event(LOG_ERROR, "breaker.not_kept", LOG_S("link", w->domain), LOG_Z("why", err_text(err)));
	arena_free(&w->arena);
}

static void write_row(struct server *srv, struct str domain, bool open, uint64_t now_ms)
{
	struct arena *a = arena_new(65536);
	struct row *w = a ? arena_alloc(a, sizeof(*w)) : NULL;

	if (w) {
		*w = (struct row){ .srv = srv, .arena = a, .owner = arena_str(a, srv->domain), .domain = arena_str(a, domain), .value = STR_NONE };
		if (open)
			w->value = arena_printf(a, "%llu automatic", (unsigned long long)now_ms);
		if (w->owner.p && w->domain.p && w->value.p && server_store(srv, w, row_work, row_done) == 0)
			return;
	}
	log_event(LOG_ERROR, "breaker.not_kept", LOG_S("link", domain));
	arena_free(&a);
}

/* --- opening and closing ----------------------------------------------------------------------------------------------- */

static void on_time(void *ctx);

static void watch(struct server *srv)
{
	if (breaker_count(srv->breakers) && !srv->stopping)
		loop_timer_set(srv->loop, &srv->breakers_timer, BREAKERS_CHECK_MS, on_time, srv);
}

static void on_time(void *ctx)
{
	struct server *srv = ctx;
	struct policy_breaker c = conf_of(srv);
	struct str domain;

	while ((domain = breaker_expire(srv->breakers, &c, clock_wall_ms())).n) {
		audit_account(srv, "breaker closed", domain, "nothing that spreads has come over the link for policy's quiet time");
		write_row(srv, domain, false, 0);
		log_event(LOG_NOTE, "breaker.closed", LOG_S("link", domain));
		bot_alert(srv, BOT_ALERT_BREAKER, "Links and files from and to %.*s pass again: nothing that spreads has come from there for a while.",
			  STR_FMT(domain));
	}
	watch(srv);
}

static bool spreads(const struct judgement *j)
{
	static const enum rule rules[] = { WORM_FANOUT, WORM_WAVE, WORM_RELAY, WORM_OUTBREAK, WORM_DECOY, SPIM_CAMPAIGN };

	for (unsigned i = 0; i < j->n_findings; i++)
		for (size_t k = 0; k < sizeof(rules) / sizeof(rules[0]); k++)
			if (j->findings[i].rule == rules[k])
				return true;
	return false;
}

void breakers_judged(struct trip *t)
{
	struct server *srv = t->server;
	struct str domain = t->verdict.decision >= DECISION_HOLD && trip_is_foreign(t) && spreads(&t->verdict) ? link_of(t) : STR_NONE;
	struct policy_breaker c = conf_of(srv);
	uint64_t now = clock_wall_ms();

	if (!domain.n || !breaker_note(srv->breakers, &c, domain, t->verdict.from_hash, now))
		return;
	srv->metrics.breakers++;
	audit_account(srv, "breaker opened", domain, "several of its people send something that spreads");
	write_row(srv, domain, true, now);
	log_event(LOG_WARN, "breaker.opened", LOG_S("link", domain));
	bot_alert(srv, BOT_ALERT_BREAKER, "Several people of %.*s send something that spreads: links and files from and to there are held until it is quiet; text "
		  "passes. `wardroom breaker list` shows it, `wardroom breaker close %.*s` ends it.", STR_FMT(domain), STR_FMT(domain));
	watch(srv);
}

void breakers_operator(struct server *srv, struct str domain, bool open)
{
	if (!open)
		breaker_close(srv->breakers, domain);
	else if (breaker_open(srv->breakers, domain, true, clock_wall_ms()) < 0)
		log_event(LOG_ERROR, "breaker.not_opened", LOG_S("link", domain));
	watch(srv);
}

/* --- the start and the end ----------------------------------------------------------------------------------------------- */

int breakers_start(struct server *srv, struct vault *v)
{
	struct arena *a = arena_new(4u << 20);
	struct vault_item *items;
	size_t n = 0;
	int r = a ? 0 : ERR_NOMEM;

	srv->breakers = breaker_table_new();
	if (!srv->breakers)
		r = ERR_NOMEM;
	if (r == 0)
		r = vault_item_list(v, srv->domain, ITEM_BREAKER, a, &items, &n);
	for (size_t i = 0; r == 0 && i < n; i++)
		r = breaker_open(srv->breakers, items[i].key, !admin_breaker_is_automatic(items[i].value), clock_wall_ms());
	arena_free(&a);
	if (r == 0)
		watch(srv);
	return r;
}

void breakers_stop(struct server *srv)
{
	loop_timer_cancel(srv->loop, &srv->breakers_timer);
	breaker_table_free(&srv->breakers);
}
