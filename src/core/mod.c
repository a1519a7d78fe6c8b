/* mod.c - the list of features and the dispatch to their hooks. */
#include "core/mod.h"

#include "base/buf.h"
#include "core/hooks.h"

#define MOD(name) extern const struct mod_def mod_##name;
#include "core/features.def"
#undef MOD

static const struct mod_def *const mods[] = {
#define MOD(name) &mod_##name,
#include "core/features.def"
#undef MOD
};

#define N_MODS (sizeof(mods) / sizeof(mods[0]))

const struct mod_def *const *mod_all(size_t *ret_n)
{
	*ret_n = N_MODS;
	return mods;
}

/* Hooks that return nothing: every feature that fills the field is called. */
#define EACH_HOOK(field, ...) \
	do { \
		for (size_t i_ = 0; i_ < N_MODS; i_++) \
			if (mods[i_]->hooks && mods[i_]->hooks->field) \
				mods[i_]->hooks->field(__VA_ARGS__); \
	} while (0)

int hooks_server_start(struct server *srv)
{
	for (size_t i = 0; i < N_MODS; i++) {
		int r = mods[i]->hooks && mods[i]->hooks->server_start ? mods[i]->hooks->server_start(srv) : 0;

		if (r < 0)
			return r;
	}
	return 0;
}

void hooks_server_stop(struct server *srv)
{
	EACH_HOOK(server_stop, srv);
}

void hooks_policy_changed(struct server *srv)
{
	EACH_HOOK(policy_changed, srv);
}

void hooks_session_bound(struct session *s)
{
	EACH_HOOK(session_bound, s);
}

void hooks_session_restored(struct session *s)
{
	EACH_HOOK(session_restored, s);
}

void hooks_session_resumed(struct session *s)
{
	EACH_HOOK(session_resumed, s);
}

void hooks_session_gone(struct session *s)
{
	EACH_HOOK(session_gone, s);
}

void hooks_session_detached(struct session *s)
{
	EACH_HOOK(session_detached, s);
}

void hooks_message_done(struct trip *t)
{
	EACH_HOOK(message_done, t);
}

bool hooks_session_filter(struct session *s, const struct node *stanza, struct str head, struct str tail)
{
	for (size_t i = 0; i < N_MODS; i++)
		if (mods[i]->hooks && mods[i]->hooks->session_filter && mods[i]->hooks->session_filter(s, stanza, head, tail))
			return true;
	return false;
}

void hooks_presence_out(struct session *s, struct trip *t, bool initial)
{
	EACH_HOOK(presence_out, s, t, initial);
}

int hooks_presence_directed(struct trip *t)
{
	for (size_t i = 0; i < N_MODS; i++) {
		int r = mods[i]->hooks && mods[i]->hooks->presence_directed ? mods[i]->hooks->presence_directed(t) : 0;

		if (r < 0)
			return r;
	}
	return 0;
}

int hooks_presence_stamp(struct trip *t, const struct user *u)
{
	for (size_t i = 0; i < N_MODS; i++) {
		int r = mods[i]->hooks && mods[i]->hooks->presence_stamp ? mods[i]->hooks->presence_stamp(t, u) : 0;

		if (r < 0)
			return r;
	}
	return 0;
}

void hooks_pubsub_done(struct pubsub_call *c)
{
	EACH_HOOK(pubsub_done, c);
}

void hooks_session_caps(struct session *s, const struct pubsub_caps *had)
{
	EACH_HOOK(session_caps, s, had);
}

int hooks_pubsub_changed(struct vault *v, struct pubsub_call *c, const struct pubsub_change *ch)
{
	for (size_t i = 0; i < N_MODS; i++) {
		int r = mods[i]->hooks && mods[i]->hooks->pubsub_changed ? mods[i]->hooks->pubsub_changed(v, c, ch) : 0;

		if (r < 0)
			return r;
	}
	return 0;
}

void hooks_component_open(struct server *srv, const struct config_component *c)
{
	EACH_HOOK(component_open, srv, c);
}

void hooks_account_removed(struct server *srv, struct str bare)
{
	for (size_t i = 0; i < N_MODS; i++)
		if (mods[i]->hooks && mods[i]->hooks->account_removed)
			mods[i]->hooks->account_removed(srv, bare);
}

void hooks_roster_shared(struct user *u, struct str contact, bool ended)
{
	EACH_HOOK(roster_shared, u, contact, ended);
}

int hooks_message_server(struct trip *t)
{
	for (size_t i = 0; i < N_MODS; i++) {
		int r = mods[i]->hooks && mods[i]->hooks->message_server ? mods[i]->hooks->message_server(t) : 0;

		if (r < 0)
			return r;
	}
	return 0;
}

void hooks_roster_push(struct user *u, struct arena *a, struct node *iq)
{
	EACH_HOOK(roster_push, u, a, iq);
}

int hooks_archive_access(struct iq *iq, struct str *ret_owner, uint64_t *ret_since_ms)
{
	int r = ERR_UNAVAILABLE;

	for (size_t i = 0; i < N_MODS && r == ERR_UNAVAILABLE; i++)
		if (mods[i]->hooks && mods[i]->hooks->archive_access)
			r = mods[i]->hooks->archive_access(iq, ret_owner, ret_since_ms);
	return r;
}

void hooks_message_plan(struct trip *t)
{
	EACH_HOOK(message_plan, t);
}

bool hooks_nonza(struct session *s, const struct node *n)
{
	for (size_t i = 0; i < N_MODS; i++)
		if (mods[i]->hooks && mods[i]->hooks->nonza && mods[i]->hooks->nonza(s, n))
			return true;
	return false;
}

void hooks_disco_info(struct iq *iq, struct node *query)
{
	EACH_HOOK(disco_info, iq, query);
}

void hooks_disco_items(struct iq *iq, struct node *query)
{
	EACH_HOOK(disco_items, iq, query);
}

void hooks_session_binding(struct session *s, const struct node *bind)
{
	EACH_HOOK(session_binding, s, bind);
}

void hooks_bind_features(struct buf *b)
{
	for (size_t i = 0; i < N_MODS; i++)
		if (mods[i]->bind_feature)
			buf_printf(b, "<feature var='%s'/>", mods[i]->bind_feature);
}

void hooks_stream_features(struct server *srv, struct arena *a, struct node *features)
{
	EACH_HOOK(stream_features, srv, a, features);
}

void hooks_server_forms(struct server *srv, struct arena *a, struct node *query)
{
	EACH_HOOK(server_forms, srv, a, query);
}

const struct iq_hook *hooks_claim(const struct trip *t, unsigned target, const struct node *payload)
{
	for (size_t i = 0; i < N_MODS; i++) {
		const struct iq_hook *h = NULL;

		if (mods[i]->hooks && mods[i]->hooks->iq_claim)
			h = mods[i]->hooks->iq_claim(t, target, payload);
		if (h)
			return h;
	}
	return NULL;
}

const struct iq_hook *hooks_iq(unsigned type, unsigned target, const struct service_ops *service, const struct node *payload,
			       const struct iq_hook *after)
{
	bool behind = !after;

	for (size_t i = 0; i < N_MODS; i++) {
		bool other = service && mods[i]->service && mods[i]->service != service;

		for (const struct iq_hook *h = mods[i]->iq; h && h->fn; h++) {
			if (behind && !other && (h->types & type) && (h->targets & target) && node_is(payload, h->ns, h->name))
				return h;
			behind = behind || h == after;
		}
	}
	return NULL;
}
