/* devices.c - XEP-0494: an account's owner sees who has access to it, and takes it away.
 *
 * Ending a client's tokens and sessions does not take the password from it: who has used the one that holds now is told
 * so, and stays in the list until the password is another.
 */
#include "auth/fast.h"
#include "base/clock.h"
#include "core/audit.h"
#include "core/device.h"
#include "core/mod.h"
#include "core/state.h"
#include "vault/vault_device.h"

#define LIST_BYTES (1024 * 1024)

/* --- the list ------------------------------------------------------------------------------------------- */

struct listing {
	struct vault_device *v;
	size_t n;
};

static int list_work(struct vault *v, struct iq *iq)
{
	struct listing *l = iq->data;
	int r;

	arena_wipe_on_free(iq->arena);
	r = vault_device_list(v, iq->user->bare, iq->arena, &l->v, &l->n);
	for (size_t i = 0; r == 0 && i < l->n; i++) {	/* their times are told, the secrets have no business here */
		secret_wipe(l->v[i].current.secret, VAULT_TOKEN);
		secret_wipe(l->v[i].next.secret, VAULT_TOKEN);
	}
	return r;
}

static int add_time(struct iq *iq, struct node *to, const char *name, uint64_t ms)
{
	char stamp[CLOCK_STAMP_BYTES];

	clock_stamp(ms, stamp);
	return node_add_leaf(iq->arena, to, NS_CAM, name, str_of(stamp)) ? 0 : ERR_LIMIT;
}

static int add_client(struct iq *iq, struct node *clients, const struct vault_device *d, bool connected)
{
	struct node *c = node_add(iq->arena, clients, NS_CAM, "client"), *auth, *permission, *agent;
	int r = c ? node_set_attr(iq->arena, c, "id", str_of(d->id)) : ERR_LIMIT;

	if (r == 0)
		r = node_set_attr(iq->arena, c, "connected", str_of(connected ? "true" : "false"));
	if (r == 0)
		r = node_set_attr(iq->arena, c, "type", STR("session"));
	if (r == 0)
		r = add_time(iq, c, "first-seen", d->first_ms);
	if (r == 0)
		r = add_time(iq, c, "last-seen", d->last_ms);
	auth = r == 0 ? node_add(iq->arena, c, NS_CAM, "auth") : NULL;
	permission = auth ? node_add(iq->arena, c, NS_CAM, "permission") : NULL;
	agent = permission ? node_add(iq->arena, c, NS_CAM, "user-agent") : NULL;
	if (!agent || (d->password && !node_add(iq->arena, auth, NS_CAM, "password")) ||
	    (fast_has_token(d, clock_wall_ms()) && !node_add(iq->arena, auth, NS_CAM, "fast")))
		return ERR_LIMIT;
	if (d->software.n && !node_add_leaf(iq->arena, agent, NS_CAM, "software", d->software))
		return ERR_LIMIT;
	if (d->name.n && !node_add_leaf(iq->arena, agent, NS_CAM, "device", d->name))
		return ERR_LIMIT;
	return node_set_attr(iq->arena, permission, "status", STR("unrestricted"));
}

/* Is it a session of one of these? */
static bool is_listed(const struct listing *l, const struct session *s)
{
	for (size_t i = 0; i < l->n; i++)
		if (strcmp(l->v[i].id, s->device) == 0)
			return true;
	return false;
}

/* A client that did not say who it is has shown the password. */
static int add_session(struct iq *iq, struct node *clients, const struct session *s)
{
	struct vault_device d = { .software = STR_NONE, .name = s->resource, .password = true, .first_ms = s->since_ms,
				  .last_ms = clock_wall_ms() };
	char id[DEVICE_SESSION_ID];
	struct node *c;
	int r = add_client(iq, clients, &d, true);

	device_session_id(s, id);
	c = clients->last;
	return r < 0 ? r : node_set_attr(iq->arena, c, "id", str_of(id));
}

static int list_done(struct iq *iq, int err)
{
	struct listing *l = iq->data;
	struct node *clients = node_new(iq->arena, NS_CAM, "clients");

	if (err == 0 && !clients)
		err = ERR_LIMIT;
	for (size_t i = 0; err == 0 && i < l->n; i++)
		err = add_client(iq, clients, &l->v[i], device_is_connected(iq->server, iq->user->bare, str_of(l->v[i].id)));
	LIST_EACH(it, &iq->user->sessions) {
		const struct session *s = LIST_ITEM(it, struct session, of_user);

		if (err == 0 && !is_listed(l, s))
			err = add_session(iq, clients, s);
	}
	return err < 0 ? err : iq_reply(iq, clients);
}

static int on_list(struct iq *iq)
{
	iq->data = arena_alloc(iq->arena, sizeof(struct listing));
	return iq->data ? iq_store(iq, list_work, list_done) : ERR_LIMIT;
}

/* --- revoking ------------------------------------------------------------------------------------------------- */

struct revoking {
	struct str id;
	bool has_password;
};

static int revoke_work(struct vault *v, struct iq *iq)
{
	struct revoking *k = iq->data;
	struct vault_device d;
	int r;

	arena_wipe_on_free(iq->arena);
	r = vault_device_find(v, iq->user->bare, k->id, iq->arena, &d);
	if (r < 0)
		return r;
	k->has_password = d.password;
	fast_invalidate(&d);
	return d.password ? vault_device_put(v, iq->user->bare, &d) : vault_device_remove(v, iq->user->bare, &d);
}

static int password_needed(struct iq *iq)
{
	struct node *extra = node_new(iq->arena, NS_CAM, "password-reset-required");
	struct node *e = extra ? stanza_error_cond(iq->arena, iq->stanza, "cancel", "service-unavailable", extra) : NULL;

	if (!e)
		return ERR_LIMIT;
	trip_answer(iq->trip, e);
	return 0;
}

static int revoke_done(struct iq *iq, int err)
{
	const struct revoking *k = iq->data;
	char id[DEVICE_SESSION_ID] = "";

	if (err < 0)
		return err;
	memcpy(id, k->id.p, k->id.n < sizeof(id) ? k->id.n : 0);
	audit_account(iq->server, "device revoked by its owner", iq->user->bare, id);
	if (!device_end_later(iq->server, iq->user->bare, k->id))
		return ERR_NOMEM;
	return k->has_password ? password_needed(iq) : iq_reply(iq, NULL);
}

static int on_revoke(struct iq *iq)
{
	struct revoking *k = arena_alloc(iq->arena, sizeof(*k));

	if (!k)
		return ERR_LIMIT;
	k->id = node_attr(iq->payload, "id");
	if (k->id.n == 0 || k->id.n >= DEVICE_SESSION_ID)
		return k->id.n ? ERR_NOT_FOUND : ERR_BAD_REQUEST;
	iq->data = k;
	if (!str_starts(k->id, STR("session-")))
		return iq_store(iq, revoke_work, revoke_done);
	k->has_password = true;
	return device_is_connected(iq->server, iq->user->bare, k->id) ? revoke_done(iq, 0) : ERR_NOT_FOUND;
}

static const struct iq_hook iqs[] = {
	{ IQ_GET, NS_CAM, "list", TO_SELF, on_list },
	{ IQ_SET, NS_CAM, "revoke", TO_SELF, on_revoke },
	{ 0 }
};

const struct mod_def mod_devices = {
	.name = "devices",
	.xep = 494,
	.xep_version = "0.1.0",
	.disco_account = (const char *const[]){ NS_CAM, NULL },
	.iq = iqs,
};
