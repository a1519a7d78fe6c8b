/* policy_step.c - see policy_step.h. */
#include "core/policy_step.h"

#include "admin/admin.h"
#include "base/log.h"
#include "core/component.h"
#include "core/hold.h"
#include "core/service.h"
#include "core/state.h"
#include "core/user.h"
#include "xmpp/ns.h"

#define NS_OMEMO_1 "urn:xmpp:omemo:1"
#define NOTE_BYTES (4 * 1024 * 1024)
#define FALLBACK "This message is encrypted; your client does not show it."

static const struct policy *policy_of(const struct server *srv)
{
	return srv->guard ? guard_policy(srv->guard) : NULL;
}

/* Contact of the sender's own list, whatever became of the request. */
static bool in_list(const struct user *u, struct str bare)
{
	const struct roster_item *it = u ? roster_find(&u->roster, bare) : NULL;

	return it && it->listed;
}

static enum subject_trust trust_of(const struct server *srv, struct str domain)
{
	static const enum subject_trust words[] = {
		[CONFIG_TRUST_LOW] = TRUST_LOW, [CONFIG_TRUST_NORMAL] = TRUST_NORMAL, [CONFIG_TRUST_HIGH] = TRUST_HIGH,
	};
	const struct config_component *gateway = component_of(srv, domain);
	enum subject_trust trust;

	if (policy_trust(policy_of(srv), domain, &trust))
		return trust;
	if (gateway)
		return words[gateway->trust];
	for (unsigned i = 0; i < srv->config->n_peers; i++)
		if (str_eq_nocase(str_of(srv->config->peers[i].domain), domain))
			return words[srv->config->peers[i].trust];
	return TRUST_NORMAL;
}

void policy_step_facts(const struct trip *t, struct subject *s)
{
	bool own = server_is_local(t->server, t->to.domain) || s->via == VIA_ROOM;

	s->trust = TRUST_HIGH;
	if (trip_is_foreign(t))
		s->trust = trust_of(t->server, t->from.domain);
	else if (!own)
		s->trust = trust_of(t->server, t->to.domain);
	s->to_known = own || s->trust == TRUST_HIGH || (s->trust == TRUST_NORMAL && in_list(t->from_user, t->to.bare));
	s->to_gateway = !own && component_of(t->server, t->to.domain);
}

/* --- versions ------------------------------------------------------------------------------------------------------ */

struct noting {
	struct server *srv;
	struct arena *arena;
	struct policy p;		/* digest and texts alone */
	struct str domain;
	json_int_t n;
};

static int note_work(struct vault *v, void *ctx)
{
	struct noting *w = ctx;
	struct arena *a = arena_new(NOTE_BYTES);
	int r = a ? admin_policy_note(v, w->domain, a, &w->p, "read from the file", &w->n) : ERR_NOMEM;

	arena_free(&a);
	return r;
}

static void note_done(void *ctx, int err)
{
	struct noting *w = ctx;

	if (err < 0)
		log_event(LOG_ERROR, "policy.not_kept", LOG_Z("why", err_text(err)));
	else
		log_event(LOG_NOTE, "policy.in_force", LOG_N("version", (uint64_t)w->n));
	arena_free(&w->arena);
}

void policy_step_note(struct server *srv)
{
	const struct policy *p = policy_of(srv);
	struct arena *a = p && srv->jobs ? arena_new(NOTE_BYTES) : NULL;
	struct noting *w = a ? arena_alloc(a, sizeof(*w)) : NULL;

	if (w) {
		*w = (struct noting){ .srv = srv, .arena = a, .domain = arena_str(a, str_of(srv->config->domain)) };
		memcpy(w->p.digest, p->digest, sizeof(w->p.digest));
		w->p.text = arena_str(a, p->text);
		w->p.weights_text = arena_str(a, p->weights_text);
		if (w->domain.p && w->p.text.p && w->p.weights_text.p && server_store(srv, w, note_work, note_done) == 0)
			return;
	}
	arena_free(&a);
}

/* --- refusing ------------------------------------------------------------------------------------------------------ */

enum trip_next policy_step_refuse(struct trip *t, const char *text)
{
	struct str whole = STR_NONE;
	char id[VAULT_ID_TEXT];

	t->judged = true;		/* the copy that was counted is given back */
	if (t->kind == STANZA_MESSAGE && hold_refused(t, id) == 0)
		whole = arena_printf(t->arena, "%s (number %s)", text, id);
	return trip_refuse(t, ERR_POLICY, whole.p && whole.n ? whole.p : text);
}

static int found(struct trip *t, enum rule rule, enum decision d, struct str by)
{
	struct verdict v = { 0 };
	struct finding *f = arena_alloc(t->arena, sizeof(*f));

	if (!f)
		return ERR_NOMEM;
	inspect_add(&v, rule, by);
	*f = v.f[0];
	t->verdict = (struct judgement){ .decision = d, .findings = f, .n_findings = 1, .patient_zero = STR_NONE, .memory = STR_NONE,
					 .would_by = STR_NONE };
	memcpy(t->verdict.policy, policy_of(t->server)->digest, sizeof(t->verdict.policy));
	return 0;
}

static enum trip_next forbid(struct trip *t, enum rule rule, struct str by, const char *text, struct str reason)
{
	struct str whole;

	if (found(t, rule, DECISION_REJECT, by) < 0)
		return trip_refuse(t, ERR_NOMEM, NULL);
	whole = reason.n ? arena_printf(t->arena, "%s %.*s", text, STR_FMT(reason)) : str_of(text);
	return policy_step_refuse(t, whole.p ? whole.p : text);
}

/* A rule on trial would have refused it: said in the record, and nothing is done. */
static void on_trial(struct trip *t, const struct clause *c)
{
	t->would_by = arena_str(t->arena, c->name);
	if (t->would_by.p && t->would_by.n)
		t->would = DECISION_REJECT;
	else
		t->would_by = STR_NONE;
}

/* --- walls ----------------------------------------------------------------------------------------------------------- */

static bool is_own_voice(const struct server *srv, struct str bare)
{
	return str_eq(bare, srv->bot) || str_eq(bare, srv->helpdesk);
}

static const struct clause *wall(const struct server *srv, const struct policy *p, struct str a, struct str b, const struct clause **ret_trial)
{
	*ret_trial = NULL;
	if (p->walls.n == 0 || str_eq(a, b) || is_own_voice(srv, a) || is_own_voice(srv, b))
		return NULL;
	return clause_match(&p->walls, (struct people_pair){ people_of(&p->people, a), people_of(&p->people, b) }, ret_trial);
}

bool policy_step_apart(const struct server *srv, struct str a, struct str b)
{
	const struct policy *p = policy_of(srv);
	const struct clause *trial;

	return p && wall(srv, p, a, b, &trial);
}

/* The wall between these two; one that is on trial, or that a policy on trial would build, is noted. */
static const struct clause *between(struct trip *t, struct str a, struct str b)
{
	const struct policy *p = policy_of(t->server);
	const struct clause *trial, *more, *c = wall(t->server, p, a, b, &trial);

	if (!c && !trial && p->trial) {
		trial = wall(t->server, p->trial, a, b, &more);
		trial = trial ? trial : more;
	}
	if (!c && trial)
		on_trial(t, trial);
	return c;
}

/* What ends something between two passes: they are apart afterwards. */
static bool parts(const struct trip *t)
{
	static const char *const types[] = { "unsubscribe", "unsubscribed", "unavailable" };

	for (size_t i = 0; t->kind == STANZA_PRESENCE && i < sizeof(types) / sizeof(types[0]); i++)
		if (str_is(node_attr(t->stanza, "type"), types[i]))
			return true;
	return false;
}

/* An outsider whom a wall keeps from somebody goes the road to an account that does not exist, so he gets its answers. */
static enum trip_next meet_nobody(struct trip *t)
{
	if (t->to_user)
		user_unref(&t->to_user);
	t->looked_up = true;
	t->lookup_err = ERR_NOT_FOUND;
	return TRIP_NEXT;
}

static enum trip_next keep_apart(struct trip *t, const struct clause *c, bool invites)
{
	if (trip_is_foreign(t))
		return invites ? trip_refuse(t, ERR_UNAVAILABLE, NULL) : meet_nobody(t);
	return forbid(t, POLICY_WALL, c->name, invites ? "The company's policy keeps you and whom you invite apart." :
		      "The company's policy keeps you and this address apart.", c->reason);
}

/* XEP-0045 7.8.2: the room passes the invitation on in its own name. */
static const struct clause *invited(struct trip *t)
{
	const struct node *x = t->kind == STANZA_MESSAGE && service_of(t->server, t->to.domain) ? node_child(t->stanza, NS_MUC_USER, "x") : NULL;

	for (const struct node *i = x ? node_child(x, NS_MUC_USER, "invite") : NULL; i; i = node_child_next(i, NS_MUC_USER, "invite")) {
		const struct clause *c;
		struct jid to;

		if (jid_parse(t->arena, node_attr(i, "to"), &to) < 0)
			continue;
		c = between(t, t->from.bare, to.bare);
		if (c)
			return c;
	}
	return NULL;
}

/* --- every stanza --------------------------------------------------------------------------------------------------------- */

enum trip_next policy_step_reach(struct trip *t)
{
	const struct policy *p = policy_of(t->server);
	const struct clause *c;

	if ((t->origin != TRIP_CLIENT && !trip_is_foreign(t)) || t->to.full.n == 0 || t->to_self || str_is(node_attr(t->stanza, "type"), "error"))
		return TRIP_NEXT;
	if (!parts(t) && (p->walls.n || p->trial)) {
		c = between(t, t->from.bare, t->to.bare);
		if (c)
			return keep_apart(t, c, false);
		c = invited(t);
		if (c)
			return keep_apart(t, c, true);
	}
	return TRIP_NEXT;
}

/* --- encryption ------------------------------------------------------------------------------------------------------------ */

static bool is_encrypted(const struct node *m)
{
	return node_child(m, NS_OMEMO, "encrypted") || node_child(m, NS_OMEMO_2, "encrypted") || node_child(m, NS_OMEMO_1, "encrypted") ||
	       node_child(m, NS_OPENPGP, "openpgp") || node_child(m, NS_PGP_ENCRYPTED, "x");
}

/* Also what only says that it is (XEP-0380), and what hides in the text itself. */
static bool claims_encryption(struct arena *a, const struct node *m)
{
	const struct node *body = node_child(m, NS_CLIENT, "body");
	struct str text = body ? str_trim(node_text(a, body)) : STR_NONE;

	return node_child(m, NS_EME, "encryption") || str_starts(text, STR("?OTR")) || str_starts(text, STR("-----BEGIN PGP MESSAGE"));
}

static const struct { const char *ns, *name; } plain[] = {
	{ NS_CLIENT, "body" }, { NS_XHTML_IM, "html" }, { NS_OOB, "x" }, { NS_SFS, "file-sharing" }, { NS_SIMS, "media-sharing" },
};

static bool has_plain(const struct node *m)
{
	for (size_t i = 0; i < sizeof(plain) / sizeof(plain[0]); i++)
		if (node_child(m, plain[i].ns, plain[i].name))
			return true;
	return false;
}

/* Beside the encrypted text nothing readable goes along; a client without the key shows that there was something. */
static int strip_plain(struct trip *t)
{
	bool had_body = node_child(t->stanza, NS_CLIENT, "body");

	for (size_t i = 0; i < sizeof(plain) / sizeof(plain[0]); i++) {
		struct node *n;

		while ((n = node_child(t->stanza, plain[i].ns, plain[i].name)))
			node_remove(n);
	}
	return had_body && !node_add_leaf(t->arena, t->stanza, NS_CLIENT, "body", STR(FALLBACK)) ? ERR_LIMIT : 0;
}

static enum policy_omemo demanded(const struct policy *p, const struct subject *s, const struct clause **ret_by, const struct clause **ret_trial)
{
	*ret_by = clause_match(&p->encryption.rules, people_pair_of(&p->people, s), ret_trial);
	return (enum policy_omemo)(*ret_by ? (*ret_by)->act : p->encryption.otherwise);
}

static bool breaks(enum policy_omemo demand, struct arena *a, const struct node *m)
{
	bool encrypted = is_encrypted(m);

	return (demand == POLICY_OMEMO_REQUIRED && !encrypted && has_plain(m)) ||
	       (demand == POLICY_OMEMO_FORBIDDEN && (encrypted || claims_encryption(a, m)));
}

/* What the rules on trial say; the first that would have refused is noted. */
static void try_out(struct trip *t, const struct policy *p, const struct subject *s, const struct clause *trial)
{
	static const struct clause otherwise = { .name = { "encryption.otherwise", 20 } };
	const struct clause *by, *more;

	if (trial && breaks((enum policy_omemo)trial->act, t->arena, t->stanza)) {
		on_trial(t, trial);
	} else if (p->trial && breaks(demanded(p->trial, s, &by, &more), t->arena, t->stanza)) {
		on_trial(t, by ? by : &otherwise);
	}
}

enum trip_next policy_step_encryption(struct trip *t, const struct subject *s)
{
	const struct policy *p = policy_of(t->server);
	const struct clause *by, *trial;
	enum policy_omemo demand;
	struct str name, reason;

	if (p->encryption.rules.n == 0 && p->encryption.otherwise == POLICY_OMEMO_ALLOWED && !p->trial)
		return TRIP_NEXT;
	demand = demanded(p, s, &by, &trial);
	name = by ? by->name : STR("encryption.otherwise");
	reason = by ? by->reason : STR_NONE;
	if (!breaks(demand, t->arena, t->stanza)) {
		try_out(t, p, s, trial);
		if (demand == POLICY_OMEMO_REQUIRED && is_encrypted(t->stanza) && strip_plain(t) < 0)
			return trip_refuse(t, ERR_LIMIT, NULL);
		return TRIP_NEXT;
	}
	if (demand == POLICY_OMEMO_REQUIRED)
		return forbid(t, POLICY_PLAIN, name, "The company's policy wants this conversation end-to-end encrypted: please switch on OMEMO in your client "
			      "and send it again.", reason);
	return forbid(t, POLICY_ENCRYPTED, name, "The company's policy does not allow end-to-end encryption in this conversation: please switch it off in your "
		      "client and send it again.", reason);
}
