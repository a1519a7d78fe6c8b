#include "core/audit.h"

#include <jansson.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "core/state.h"

struct entry {
	struct server *srv;
	const char *kind;
	char *json;
	uint64_t when_ms;
};

static int work(struct vault *v, void *ctx)
{
	struct entry *e = ctx;

	return vault_audit_add(v, e->when_ms, str_of(e->kind), str_of(e->json));
}

static void done(void *ctx, int err)
{
	struct entry *e = ctx;

	if (err < 0) {
		e->srv->metrics.store_failures++;
		log_event(LOG_ERROR, "audit.lost", LOG_Z("kind", e->kind), LOG_Z("why", err_text(err)));
	}
	free(e->json);
	free(e);
}

/* Takes fields. */
static void add(struct server *srv, const char *kind, json_t *fields)
{
	struct entry *e = calloc(1, sizeof(*e));

	if (e) {
		e->srv = srv;
		e->kind = kind;
		e->when_ms = clock_wall_ms();
		e->json = fields ? json_dumps(fields, JSON_COMPACT) : NULL;
		if (!e->json || server_store(srv, e, work, done) < 0)
			done(e, ERR_BUSY);
	}
	json_decref(fields);
}

void audit_login(struct server *srv, struct str user, const char *mechanism, const char *device, bool success)
{
	add(srv, "login", json_pack("{s:s%, s:s, s:b, s:s*}", "account", user.p, user.n, "mechanism", mechanism, "success", success,
				    "device", *device ? device : NULL));
}

void audit_account(struct server *srv, const char *what, struct str bare, const char *why)
{
	add(srv, "account", json_pack("{s:s, s:s%, s:s}", "event", what, "account", bare.p, bare.n, "why", why));
}

void audit_report(struct server *srv, struct str by, struct str about, struct str reason, struct str ids, struct str text)
{
	add(srv, "report", json_pack("{s:s%, s:s%, s:s%, s:s%, s:s%}", "by", by.p, by.n, "about", about.p, about.n, "reason", reason.p,
				     reason.n, "messages", ids.p, ids.n, "text", text.p, text.n));
}
