/* power.c - XEP-0133: an administrator ends the server or starts it anew, after a while and with a word to everybody.
 *
 * Starting anew is what a new configuration of listeners needs; streams are resumed (XEP-0198). Both stand in the audit log with
 * who asked. A second order takes the place of the first one.
 *
 * Limits  DELAY_MOST_S.
 */
#include "base/log.h"
#include "core/adhoc.h"
#include "core/announce.h"
#include "core/audit.h"
#include "core/mod.h"
#include "core/state.h"

#define NODE(name) NS_ADMIN "#" name
#define DELAY_MOST_S 3600

static bool is_admin(const struct user *u)
{
	return u->role == ROLE_ADMIN;
}

static void on_time(void *ctx)
{
	struct server *srv = ctx;

	log_event(LOG_NOTE, srv->end_again ? "server.restart_ordered" : "server.shutdown_ordered");
	srv->end(srv->end_ctx, srv->end_again);
}

static void stop(struct server *srv)
{
	loop_timer_cancel(srv->loop, &srv->end_timer);
}

static int run(struct adhoc *c, bool again)
{
	struct server *srv = c->iq->server;
	struct arena *a = c->iq->arena;
	struct str text, delay = str_trim(form_get(a, c->form, "delay"));
	uint64_t s = 0;
	unsigned told = 0;
	int r = announce_text(a, c->form, "announcement", &text);

	if (r < 0)
		return r;
	if (!srv->end || srv->stopping)
		return ERR_NOT_ALLOWED;
	if (!str_to_u64(delay, DELAY_MOST_S, &s))
		return iq_refuse(c->iq, ERR_NOT_ACCEPTABLE, "The delay is a number of seconds, an hour at most.");
	if (text.n)
		r = announce_all(srv, a, text, &told);
	if (r < 0)
		return r;
	audit_account(srv, again ? "restart ordered" : "shutdown ordered", c->iq->trip->from_user->bare, arena_printf(a, "in %llu s", (unsigned long long)s).p);
	srv->end_again = again;
	loop_timer_set(srv->loop, &srv->end_timer, s * 1000, on_time, srv);
	return adhoc_done(c, NULL, again ? "The server will start anew." : "The server will end. It is started again from its machine alone.");
}

static int run_restart(struct adhoc *c)
{
	return run(c, true);
}

static int run_shutdown(struct adhoc *c)
{
	return run(c, false);
}

static const char *const delays[] = { "30", "0", "60", "120", "300", "600", "1800", "3600", NULL };
static const struct adhoc_field fields[] = {
	{ "list-single", "delay", "Seconds until then", true, delays },
	{ "text-multi", "announcement", "What everybody is told now", false, NULL },
	{ 0 }
};

static const struct adhoc_command commands[] = {
	{ NODE("restart"), "Start the server anew", is_admin, NS_ADMIN, "Everybody is away for a moment.", fields, run_restart },
	{ NODE("shutdown"), "End the server", is_admin, NS_ADMIN, "It is started again from its machine alone.", fields, run_shutdown },
	{ 0 }
};

static const struct mod_hooks hooks = { .server_stop = stop };

const struct mod_def mod_power = {
	.name = "power",
	.xep = 133,
	.xep_version = "1.3.1",
	.commands = commands,
	.hooks = &hooks,
};
