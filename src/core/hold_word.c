/* hold_word.c - see hold_word.h. */
#include "core/hold_word.h"

#include <jansson.h>
#include <stdlib.h>

#include "core/audit.h"
#include "core/bot.h"
#include "core/hold.h"
#include "core/session.h"
#include "core/state.h"
#include "core/user.h"
#include "vault/vault_device.h"

#define ARENA_BYTES (32u << 20)

static struct str bare_of(struct str jid)
{
	ptrdiff_t slash = str_find_char(jid, '/');

	return slash < 0 ? jid : str_make(jid.p, (size_t)slash);
}

bool hold_word_counts(const char *inspector, const char *name, unsigned weight, bool *spreads, unsigned *others)
{
	if (strcmp(name, inspect_rule_name(WORM_DECOY)) == 0 || strcmp(name, inspect_rule_name(WORM_BREAKER)) == 0)
		return false;		/* nobody means to write to nobody; and a link that is interrupted is so for all */
	if (strcmp(inspector, "worm") == 0)
		*spreads = true;
	else
		*others += weight;
	return strcmp(inspector, "dlp") != 0 || weight == 0;
}

/* Asked of the story that was kept. */
static bool was_senders_to_confirm(struct vault *v, uint64_t id, unsigned hold_at, struct arena *a)
{
	bool spreads = false, fine = true;
	unsigned others = 0;
	struct str text;
	json_t *o, *f;
	size_t i;

	if (vault_finding_get(v, id, a, &text) < 0)
		return false;
	o = json_loadb(text.p, text.n, 0, NULL);
	json_array_foreach(json_object_get(o, "findings"), i, f) {
		const char *inspector = json_string_value(json_object_get(f, "inspector")), *name = json_string_value(json_object_get(f, "name"));
		json_int_t weight = json_integer_value(json_object_get(f, "weight"));

		fine = inspector && name && hold_word_counts(inspector, name, weight > 0 && weight < 100000 ? (unsigned)weight : 0, &spreads, &others) && fine;
	}
	json_decref(o);
	return fine && spreads && (!hold_at || others < hold_at);
}

struct word {
	struct server *srv;
	struct arena *arena;
	struct str bare, id, fingerprint;
	bool confirm;
	bool other_device;		/* policy wants the word of another device than the sender */
	struct str resource;		/* of the session whose word it is; empty: gone */
	char device[sizeof((struct session *)0)->device];
	uint64_t since_ms;		/* it is signed in */
	unsigned hold_at;		/* policy's, at that time */
	struct vault_held *held;	/* this sender's, waiting */
	size_t n;
	uint64_t *ids;
	size_t n_ids;
};

/* A client that says which installation it is has the same end of its resources every time (stream_sasl2.c). */
static bool same_device(struct str a, struct str b)
{
	if (str_eq(a, b))
		return true;
	return a.n >= VAULT_DEVICE_ID && b.n >= VAULT_DEVICE_ID &&
	       memcmp(a.p + a.n - VAULT_DEVICE_ID, b.p + b.n - VAULT_DEVICE_ID, VAULT_DEVICE_ID) == 0;
}

static struct str resource_of(struct str full)
{
	ptrdiff_t slash = str_find_char(full, '/');

	return slash < 0 ? STR_NONE : str_cut(full, (size_t)slash + 1);
}

/* Was the device there before that message? Whoever has stolen the password can sign in anew. */
static bool was_there(struct vault *v, struct word *w, uint64_t when_ms)
{
	struct vault_device d;

	if (w->since_ms <= when_ms)
		return true;
	return w->device[0] && vault_device_find(v, w->bare, str_of(w->device), w->arena, &d) == 0 && d.first_ms <= when_ms;
}

static int vouches(struct vault *v, struct word *w)
{
	if (!w->resource.n)
		return ERR_NOT_ALLOWED;
	for (size_t i = 0; i < w->n; i++)
		for (size_t k = 0; k < w->n_ids; k++)
			if (w->held[i].id == w->ids[k] &&
			    (same_device(resource_of(w->held[i].from), w->resource) || !was_there(v, w, w->held[i].when_ms)))
				return ERR_NOT_ALLOWED;
	return 0;
}

static int word_find(struct vault *v, void *ctx)
{
	struct word *w = ctx;
	const struct vault_held *one = NULL;
	uint64_t id = 0;
	int r = vault_held_list(v, w->bare, HELD_WAITING, HOLD_WORD_MOST, w->arena, &w->held, &w->n);

	if (r == 0 && !str_empty(w->id))
		r = vault_id_parse(w->id, &id);
	for (size_t i = 0; r == 0 && i < w->n; i++)
		if (str_eq(bare_of(w->held[i].from), w->bare) && (!id || w->held[i].id == id))
			one = &w->held[i];	/* the latest */
	if (r < 0)
		return r;
	if (!one)
		return ERR_NOT_FOUND;
	if (w->confirm && !was_senders_to_confirm(v, one->id, w->hold_at, w->arena))
		return ERR_FORBIDDEN;
	w->fingerprint = one->fingerprint;
	w->ids = arena_alloc(w->arena, (w->n + 1) * sizeof(*w->ids));
	if (!w->ids)
		return ERR_NOMEM;
	w->n_ids = 0;
	for (size_t i = 0; i < w->n; i++)
		if (str_eq(bare_of(w->held[i].from), w->bare) &&
		    (&w->held[i] == one || (!str_empty(w->fingerprint) && str_eq(w->held[i].fingerprint, w->fingerprint) &&
					    (!w->confirm || was_senders_to_confirm(v, w->held[i].id, w->hold_at, w->arena)))))
			w->ids[w->n_ids++] = w->held[i].id;
	return w->confirm && w->other_device ? vouches(v, w) : 0;
}

static int word_settle(struct vault *v, void *ctx)
{
	struct word *w = ctx;
	int r = 0;

	for (size_t i = 0; r == 0 && i < w->n_ids; i++) {
		struct vault_held h;

		r = vault_held_get(v, w->ids[i], w->arena, &h);
		if (r < 0)
			break;
		h.state = w->confirm ? HELD_RELEASED : HELD_REJECTED;
		r = vault_held_put(v, &h);
	}
	if (r == 0 && w->confirm && !str_empty(w->fingerprint)) {
		struct vault_outbreak b;

		r = vault_outbreak_get(v, w->fingerprint, w->arena, &b);
		if (r == 0) {
			b.contained = false;
			r = vault_outbreak_put(v, &b);
		} else if (r == ERR_NOT_FOUND) {
			r = 0;
		}
	}
	return r;
}

static void word_settled(void *ctx, int err)
{
	struct word *w = ctx;

	if (err < 0)
		bot_tell(w->srv, w->bare, "That could not be done at the moment; please try again.");
	else if (!w->confirm)
		bot_tell(w->srv, w->bare, "Thank you; what was held will not be delivered (%zu).", w->n_ids);
	for (size_t i = 0; err == 0 && w->confirm && i < w->n_ids; i++) {
		char id[VAULT_ID_TEXT];

		vault_id_text(w->ids[i], id);
		hold_let_go(w->srv, str_of(id), false);
	}
	if (err == 0)
		audit_account(w->srv, w->confirm ? "confirmed" : "cancelled", w->bare, "held messages, by their sender");
	arena_free(&w->arena);
}

static void word_found(void *ctx, int err)
{
	struct word *w = ctx;

	if (err == ERR_NOT_FOUND) {
		bot_tell(w->srv, w->bare, "Nothing of yours is held%s.", str_empty(w->id) ? "" : " under that number");
	} else if (err == ERR_NOT_ALLOWED) {
		bot_tell(w->srv, w->bare, "The device that sent a message cannot vouch for it, nor one that has signed in after that: please answer \"confirm\" on "
			 "another device of yours. If you have no other, write to %.*s: somebody there can let it go.", STR_FMT(w->srv->helpdesk));
	} else if (err == ERR_FORBIDDEN) {
		bot_tell(w->srv, w->bare, "This one is not held for going to many people, so it is not yours to let go; please write to %.*s.",
			 STR_FMT(w->srv->helpdesk));
	} else if (err < 0) {
		bot_tell(w->srv, w->bare, "That cannot be looked up at the moment; please try again.");
	} else if (w->confirm && !str_empty(w->fingerprint) && !guard_confirm(w->srv->guard, w->fingerprint, w->bare)) {
		bot_tell(w->srv, w->bare, "This message is being sent on by others, too, so it is not yours alone to let go; please write to %.*s.",
			 STR_FMT(w->srv->helpdesk));
	} else if (server_store(w->srv, w, word_settle, word_settled) == 0) {
		return;
	}
	arena_free(&w->arena);
}

void hold_word_say(struct server *srv, const struct session *by, struct str bare, struct str id, bool confirm)
{
	struct arena *a;
	struct word *w;

	if (confirm && by && by->user->frozen) {
		bot_tell(srv, bare, "Your account is frozen; please write to %.*s.", STR_FMT(srv->helpdesk));
		return;
	}
	a = arena_new(ARENA_BYTES);
	w = a ? arena_alloc(a, sizeof(*w)) : NULL;
	if (w) {
		*w = (struct word){ .srv = srv, .arena = a, .bare = arena_str(a, bare), .id = arena_str(a, id), .confirm = confirm,
				    .other_device = guard_policy(srv->guard)->confirm == POLICY_CONFIRM_OTHER, .hold_at = guard_policy(srv->guard)->hold,
				    .resource = by ? arena_str(a, by->resource) : STR_NONE, .since_ms = by ? by->since_ms : UINT64_MAX };
		if (by)
			memcpy(w->device, by->device, sizeof(w->device));
		if (w->bare.p && w->id.p && w->resource.p && server_store(srv, w, word_find, word_found) == 0)
			return;
	}
	arena_free(&a);
	bot_tell(srv, bare, "That cannot be done at the moment; please try again.");
}

bool hold_word_has_other(const struct user *u, struct str resource)
{
	LIST_EACH(it, &u->sessions) {
		const struct session *s = LIST_ITEM(it, struct session, of_user);

		if (!s->ending && !same_device(s->resource, resource))
			return true;
	}
	return false;
}
