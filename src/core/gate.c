/* gate.c - see gate.h. */
#include "core/gate.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/limits.h"
#include "base/log.h"
#include "core/archive.h"
#include "core/bot.h"
#include "core/component.h"
#include "core/gate_word.h"
#include "core/session.h"
#include "core/state.h"
#include "core/user.h"
#include "inspect/stranger.h"
#include "xmpp/ns.h"
#include "xmpp/wire.h"

#define SHOWN_TEXTS 3			/* messages of one request that are shown in full */
#define SHOWN_REQUESTS 10		/* that wait: then they are counted, and `list` shows them */
#define TEXT_BYTES 900
#define NICK_BYTES 100
#define ROSTER_NAMES 500		/* looked at for who poses as one of them */

enum gate_kind { GATE_MESSAGE, GATE_SUBSCRIBE, GATE_INVITE };

struct gate {
	enum gate_kind kind;
	struct str from;		/* bare: who asks; of an invitation by a room the room */
	struct str text, nick, reason;	/* text as it came */
	/* Set by the store's work: */
	struct vault_request request;
	bool is_new, full;
	size_t n_waiting;
};

/* --- who is known -------------------------------------------------------------------------------------------------- */

static bool is_contact(const struct user *u, struct str bare)
{
	const struct roster_item *it = roster_find(&u->roster, bare);

	return it && it->listed && (it->sub != SUB_NONE || it->ask || it->approved);
}

/* How far the operator trusts the link that the stanza came by; named: he has written the domain down. */
static enum config_trust trust_of(const struct trip *t, bool *named)
{
	static const enum config_trust of_policy[] = { [TRUST_NORMAL] = CONFIG_TRUST_NORMAL, [TRUST_LOW] = CONFIG_TRUST_LOW, [TRUST_HIGH] = CONFIG_TRUST_HIGH };
	const struct config *c = t->server->config;
	const struct config_component *gateway = t->origin == TRIP_COMPONENT ? component_of(t->server, t->from.domain) : NULL;
	enum subject_trust said;

	*named = true;
	if (policy_trust(guard_policy(t->server->guard), t->from.domain, &said))
		return of_policy[said];
	if (gateway)
		return gateway->trust;
	for (unsigned i = 0; t->origin == TRIP_PEER && i < c->n_peers; i++)
		if (str_eq_nocase(str_of(c->peers[i].domain), t->from.domain))
			return c->peers[i].trust;
	*named = false;
	return CONFIG_TRUST_NORMAL;
}

static enum subject_trust of_config(enum config_trust t)
{
	return t == CONFIG_TRUST_HIGH ? TRUST_HIGH : t == CONFIG_TRUST_LOW ? TRUST_LOW : TRUST_NORMAL;
}

/* What a component says in the name of one of ours is no outsider's; nor is what it says itself, which the operator has let in. */
bool gate_is_outsider(const struct trip *t)
{
	return trip_is_foreign(t) && !server_is_local(t->server, t->from.domain) && !(t->origin == TRIP_COMPONENT && !t->from.local.n);
}

static bool lets_in(const struct user *u, struct str bare)
{
	return is_contact(u, bare) || user_knows(u, bare);
}

/* What the policy does with who is not known: outsiders, and colleagues of another department. */
static enum policy_contact contact_of(const struct trip *t)
{
	const struct policy *p = guard_policy(t->server->guard);
	const struct clause *by;
	struct subject sub = { .from = t->from.bare, .to = t->to.bare };
	bool named;

	sub.via = t->origin == TRIP_PEER ? VIA_S2S : t->origin == TRIP_COMPONENT ? VIA_GATEWAY : VIA_LOCAL;
	if (sub.via == VIA_LOCAL && p->strangers.colleagues == POLICY_ALLOW && p->strangers.rules.n == 0)
		return POLICY_ALLOW;
	sub.trust = of_config(trust_of(t, &named));
	return policy_contact_of(p, &sub, &by);
}

bool gate_knows(const struct trip *t)
{
	bool named;

	if (gate_is_outsider(t)) {
		if (trust_of(t, &named) == CONFIG_TRUST_HIGH)
			return true;
	} else if (t->origin != TRIP_CLIENT || t->to_user == t->from_user || contact_of(t) == POLICY_ALLOW) {
		return true;
	}
	return t->to_user && lets_in(t->to_user, t->from.bare);
}

/* The session has shown itself there: it is in that room. */
static bool meets(const struct session *s, struct str bare)
{
	struct map_iter it = { 0 };
	struct str jid;

	while (s && s->directed && map_next(s->directed, &it, &jid, NULL))
		if (str_starts(jid, bare) && (jid.n == bare.n || jid.p[bare.n] == '/'))
			return true;
	return false;
}

static bool in_its_room(const struct trip *t)
{
	return t->to_user && t->route == ROUTE_RESOURCE && meets(session_of_resource(t->to_user, t->to.resource), t->from.bare);
}

static bool somebody_meets(const struct user *u, struct str bare)
{
	LIST_EACH(it, &u->sessions)
		if (meets(LIST_ITEM(it, struct session, of_user), bare))
			return true;
	return false;
}

/* --- for the inspection ------------------------------------------------------------------------------------------------ */

static struct str nick_of(const struct trip *t)
{
	const struct node *n = node_child(t->stanza, NS_NICK, "nick");
	struct str nick = n ? str_trim(node_text(t->arena, n)) : STR_NONE;

	return nick.n > NICK_BYTES ? str_make(nick.p, NICK_BYTES) : nick;
}

/* Somebody of the receiver's roster whose name, or local part, he carries. */
static struct str poses_as(const struct trip *t, struct str nick)
{
	char by_local[LOOKALIKE_SKELETON], by_nick[LOOKALIKE_SKELETON];
	struct map_iter it = { 0 };
	unsigned n = 0;
	void *v;

	lookalike_skeleton(t->from.local, by_local);
	lookalike_skeleton(nick, by_nick);
	while (t->to_user->roster.items && n++ < ROSTER_NAMES && map_next(t->to_user->roster.items, &it, NULL, &v)) {
		const struct roster_item *one = v;

		if (one->listed && one->name.n && !str_eq(one->jid, t->from.bare) &&
		    (stranger_resembles(one->name, by_local) || stranger_resembles(one->name, by_nick)))
			return one->name;
	}
	return STR_NONE;
}

void gate_facts(const struct trip *t, struct subject *sub)
{
	bool outside = gate_is_outsider(t), named = false;
	enum config_trust trust = outside ? trust_of(t, &named) : CONFIG_TRUST_HIGH;

	sub->known = trust == CONFIG_TRUST_HIGH || (trust == CONFIG_TRUST_NORMAL && t->to_user && lets_in(t->to_user, t->from.bare));
	sub->partner = named;
	sub->prefix = t->prefix;
	sub->nick = nick_of(t);
	sub->poses_as = !sub->known && t->to_user ? poses_as(t, sub->nick) : STR_NONE;
}

/* --- what waits ------------------------------------------------------------------------------------------------------------ */

static enum trip_next vanish(struct trip *t)
{
	if (t->judged)
		guard_unreserve(t->server->guard, &t->verdict);
	t->server->metrics.dropped++;
	trip_end(t);
	return TRIP_ENDED;
}

static bool approaches(const struct trip *t)
{
	struct str type = node_attr(t->stanza, "type");

	if (!gate_is_outsider(t) || !t->to.local.n || !server_is_local(t->server, t->to.domain))
		return false;
	if (t->kind == STANZA_MESSAGE)
		return !str_is(type, "error") && !str_is(type, "groupchat");
	return t->kind == STANZA_PRESENCE && str_is(type, "subscribe");
}

void gate_knock(struct trip *t)
{
	struct guard_knock k = { .from = t->from.bare, .to = t->to.bare, .prefix = t->prefix, .now_ms = clock_wall_ms() };
	const struct user *u;

	if (t->knocked || !approaches(t) || trust_of(t, &k.partner) == CONFIG_TRUST_HIGH)
		return;
	u = user_cached(t->server, t->to.bare);
	if (u && lets_in(u, t->from.bare))
		return;
	t->knocked = true;
	t->too_many = !guard_knock(t->server->guard, &k);
}

/* Who had to be looked up first was known all the time. */
static void no_knock(struct trip *t)
{
	struct guard_knock k = { .from = t->from.bare, .to = t->to.bare, .prefix = t->prefix };

	if (!t->knocked)
		return;
	trust_of(t, &k.partner);
	guard_known(t->server->guard, &k);
	t->knocked = t->too_many = false;
}

static enum trip_next later(struct trip *t)
{
	return trip_refuse_cond(t, "wait", "resource-constraint", NULL);
}

/* Does the company's policy hold this one back? */
static bool policy_gates(const struct trip *t)
{
	return contact_of(t) != POLICY_ALLOW;
}

enum trip_next gate_nobody(struct trip *t)
{
	if (t->kind == STANZA_MESSAGE && str_is(node_attr(t->stanza, "type"), "groupchat"))
		return trip_refuse(t, ERR_UNAVAILABLE, NULL);	/* RFC 6121 8.5.2.1.1, to whoever is there, too */
	return t->too_many && policy_gates(t) ? later(t) : vanish(t);
}

/* What the findings say beside that he is unknown. */
static struct str reasons(struct trip *t)
{
	struct str s = STR_NONE;

	for (size_t i = 0; i < t->verdict.n_findings; i++) {
		const struct finding *f = &t->verdict.findings[i];
		bool names = f->rule == STRANGER_IMPERSONATES;

		if (f->rule == STRANGER_FIRST_CONTACT)
			continue;
		s = arena_printf(t->arena, "%.*s%s%s%s%s", STR_FMT(s), s.n ? "; " : "", inspect_rule_text(f->rule), names ? ": " : "",
				 names ? f->evidence : "");
		if (!s.p)
			return STR_NONE;
	}
	return s;
}

static struct str text_of(struct trip *t)
{
	const struct node *body = node_child(t->stanza, NS_CLIENT, "body"), *topic = node_child(t->stanza, NS_CLIENT, "subject");
	struct str text = body ? node_text(t->arena, body) : topic ? node_text(t->arena, topic) : STR_NONE;

	return text.p ? text : STR_NONE;
}

static bool is_encrypted(const struct node *m)
{
	return node_child(m, NS_OMEMO, "encrypted") || node_child(m, NS_OMEMO_2, "encrypted");
}

static struct gate *gate_new(struct trip *t, enum gate_kind kind, struct str from)
{
	struct gate *g = arena_alloc(t->arena, sizeof(*g));

	if (g)
		*g = (struct gate){ .kind = kind, .from = from, .text = text_of(t), .nick = nick_of(t), .reason = reasons(t) };
	return g;
}

int gate_work(struct vault *v, struct trip *t, struct str stanza)
{
	struct gate *g = t->gate;
	struct vault_held h = {
		.id = t->id, .when_ms = t->when_ms, .state = HELD_REQUEST, .from = t->from.full, .to = t->to.full, .stanza = stanza,
		.reason = g->reason.n ? g->reason : STR("The sender is unknown to the receiver, who has not let him in yet."),
		.fingerprint = t->verdict.risky ? str_of(t->verdict.fingerprint) : STR_NONE,
	};
	uint64_t n = 0;
	int r = vault_request_add(v, t->to.bare, g->from, g->nick, g->reason, g->kind == GATE_SUBSCRIBE, &h, t->arena, &g->request, &g->is_new);

	g->full = r == ERR_LIMIT;
	if (g->full)
		return vault_audit_add(v, t->when_ms, STR("requests"), STR("{\"event\":\"a first contact was not kept: too many wait for its receiver\"}"));
	if (r == 0)
		r = vault_item_count(v, t->to.bare, ITEM_REQUEST, &n);
	g->n_waiting = n;
	return r;
}

static struct str defang(struct trip *t, struct str text, size_t max)
{
	struct buf b;
	struct str s = STR_NONE;

	buf_init(&b, max * 4 + 64);
	stranger_defang(text, max, &b);
	if (!b.failed)
		s = arena_str(t->arena, buf_str(&b));
	buf_release(&b);
	return s.p ? s : STR_NONE;
}

static struct str shown_text(struct trip *t, const struct gate *g)
{
	if (g->kind == GATE_SUBSCRIBE && !g->text.n)
		return STR("(He asks to see when you are online.)");
	if (t->kind == STANZA_MESSAGE && is_encrypted(t->stanza))
		return STR("(An encrypted message: it can be read only when you have accepted it.)");
	if (!g->text.n)
		return g->kind == GATE_INVITE ? STR("(An invitation to a room.)") : STR("(A message without text.)");
	return defang(t, g->text, TEXT_BYTES);
}

static void show(struct trip *t, const struct gate *g)
{
	struct str who = defang(t, g->from, 200), nick = defang(t, g->nick, NICK_BYTES), text = shown_text(t, g);
	struct str lesson = policy_lesson(guard_policy(t->server->guard), guard_policy(t->server->guard)->lessons.strangers);
	unsigned n = g->request.number;

	if (!g->is_new) {
		bot_tell(t->server, t->to.bare, "[external] Request %u, %.*s, again: %.*s", n, STR_FMT(who), STR_FMT(text));
		return;
	}
	bot_tell(t->server, t->to.bare,
		 "[external] Request %u: %s from %.*s%s%.*s%s, whom you do not know%s%.*s.\n\n%.*s\n\nAnswer \"accept %u\" to let him in, \"block %u\" to "
		 "hear no more of him, or \"report %u\" if this is spam or fraud.%s%.*s",
		 n, g->kind == GATE_SUBSCRIBE ? "a contact request" : g->kind == GATE_INVITE ? "an invitation to a room" : "a message", STR_FMT(who),
		 nick.n ? " (calls himself " : "", STR_FMT(nick), nick.n ? ")" : "", g->reason.n ? ". Careful: " : "", STR_FMT(g->reason), STR_FMT(text), n,
		 n, n, lesson.n ? " " : "", STR_FMT(lesson));
}

void gate_done(struct trip *t)
{
	const struct gate *g = t->gate;
	size_t n = g->request.n + g->request.n_more;

	t->server->metrics.held++;
	if (g->full) {
		log_event(LOG_WARN, "gate.full", LOG_S("account", t->to.bare));
		bot_alert(t->server, BOT_ALERT_REQUESTS, "So many strangers wait for %.*s that further ones are not kept: `wardroom held list --account %.*s --all`.",
			  STR_FMT(t->to.bare), STR_FMT(t->to.bare));
		return;
	}
	if (g->kind == GATE_SUBSCRIBE && !g->is_new && g->request.ids[g->request.n - 1] != t->id)
		return;		/* servers ask again with every start */
	if (g->is_new && g->n_waiting > SHOWN_REQUESTS) {
		if (g->n_waiting % SHOWN_REQUESTS == 0)
			bot_alert(t->server, BOT_ALERT_REQUESTS, "Many strangers write to %.*s: `wardroom held list --account %.*s --all`.",
				  STR_FMT(t->to.bare), STR_FMT(t->to.bare));
		if (g->n_waiting % SHOWN_REQUESTS == 0)
			bot_tell(t->server, t->to.bare, "%zu people whom you do not know wait for your answer; \"list\" shows who.", g->n_waiting);
		return;
	}
	if (n <= SHOWN_TEXTS)
		show(t, g);
	else if ((n & (n - 1)) == 0)
		bot_tell(t->server, t->to.bare, "[external] Request %u: %zu messages wait, %u of them are too many and were not kept.", g->request.number,
			 n, g->request.n_more);
}

static enum trip_next keep_message(struct trip *t, enum gate_kind kind, struct str from)
{
	t->gate = gate_new(t, kind, from);
	if (!t->gate)
		return trip_refuse(t, ERR_LIMIT, NULL);
	t->hold = true;
	t->verdict.decision = DECISION_HOLD;
	return TRIP_NEXT;
}

/* --- messages ---------------------------------------------------------------------------------------------------------------- */

/* Who invites, of a message that a room sends: who is named there, if the room may be believed. */
static struct str inviter(const struct trip *t)
{
	const struct node *x = node_child(t->stanza, NS_MUC_USER, "x"), *i = x ? node_child(x, NS_MUC_USER, "invite") : NULL;
	struct str from = i ? node_attr(i, "from") : STR_NONE;
	ptrdiff_t slash = str_find_char(from, '/');

	return slash < 0 ? from : str_make(from.p, (size_t)slash);
}

static struct str domain_of(struct str bare)
{
	ptrdiff_t at = str_find_char(bare, '@');

	return str_cut(bare, (size_t)(at + 1));
}

/* A room elsewhere says that one of the receiver's contacts invites him. It is believed when it is a room of his contact's
 * server, or when a colleague is seen to be in it. Rooms have a domain below their server's: on the contact's own domain
 * anybody has an account, and may name whom he likes. */
static bool invites_well(const struct trip *t)
{
	struct str who = inviter(t), domain = domain_of(who);
	const struct user *u = who.n && server_is_local(t->server, domain) ? user_cached(t->server, who) : NULL;

	if (!who.n)
		return false;
	if (u)
		return somebody_meets(u, t->from.bare);
	return lets_in(t->to_user, who) && str_ends(t->from.domain, domain) && t->from.domain.n > domain.n &&
	       t->from.domain.p[t->from.domain.n - domain.n - 1] == '.';
}

/* Of an error the condition alone: what stands beside it is a text that no inspector has seen. */
static void without_text(struct trip *t)
{
	struct node *e = node_child(t->stanza, NS_CLIENT, "error"), *next;

	for (struct node *c = e ? e->first : NULL; c; c = next) {
		next = c->next;
		if (str_is(c->name, "text"))
			node_remove(c);
	}
}

/* Held for how it reads and who sends it alone: that the receiver sees best himself, without anything live and with a warning.
 * What is dangerous in itself - spreads, leads to a bad place, breaks a rule - is the officer's. */
static bool is_a_matter_of_taste(const struct trip *t)
{
	const struct judgement *j = &t->verdict;

	for (size_t i = 0; i < j->n_findings; i++) {
		const char *inspector = inspect_rule_inspector(j->findings[i].rule);

		if (strcmp(inspector, "spim") != 0 && strcmp(inspector, "stranger") != 0)
			return false;
	}
	return j->decision == DECISION_HOLD && !j->outbreak && j->n_findings > 0;
}

static enum trip_next message(struct trip *t)
{
	struct str type = node_attr(t->stanza, "type");

	if (str_is(type, "error")) {
		without_text(t);
		return TRIP_NEXT;
	}
	if (in_its_room(t) || invites_well(t))
		return TRIP_NEXT;
	if (str_is(type, "groupchat"))
		return trip_refuse(t, ERR_UNAVAILABLE, NULL);
	if (t->hold && !is_a_matter_of_taste(t))
		return TRIP_NEXT;		/* an inspector was faster: it is the officer's now */
	if (!archive_worth(t->stanza) && !text_of(t).n && !t->judged && !inviter(t).n)
		return vanish(t);		/* that somebody is typing: nothing is lost */
	return keep_message(t, inviter(t).n || node_child(t->stanza, NS_CONFERENCE, "x") ? GATE_INVITE : GATE_MESSAGE, t->from.bare);
}

/* --- presence -------------------------------------------------------------------------------------------------------------------- */

static int subscribe_work(struct vault *v, void *ctx)
{
	struct trip *t = ctx;
	struct buf b;
	int r;

	buf_init(&b, LIMIT_STANZA_BYTES_MAX * 2);
	r = wire_write(&b, t->stanza, STR(NS_CLIENT));
	if (r == 0)
		r = gate_work(v, t, buf_str(&b));
	buf_release(&b);
	return r;
}

static void subscribe_done(void *ctx, int err)
{
	struct trip *t = ctx;

	if (err < 0)
		log_event(LOG_ERROR, "gate.not_stored", LOG_Z("why", err_text(err)));	/* his server asks again */
	else
		gate_done(t);
	trip_end(t);
}

static enum trip_next subscribe(struct trip *t)
{
	const struct node *status = node_child(t->stanza, NS_CLIENT, "status");

	t->gate = gate_new(t, GATE_SUBSCRIBE, t->from.bare);
	if (!t->gate)
		return trip_refuse(t, ERR_LIMIT, NULL);
	t->gate->text = status ? node_text(t->arena, status) : STR_NONE;
	t->when_ms = clock_wall_ms();
	t->id = vault_next_id(t->server->vault, t->when_ms);
	return server_store(t->server, t, subscribe_work, subscribe_done) < 0 ? later(t) : TRIP_WAIT;
}

static enum trip_next presence(struct trip *t)
{
	struct str type = node_attr(t->stanza, "type");

	if (str_is(type, "subscribe"))
		return subscribe(t);
	if (type.n && !str_is(type, "unavailable") && !str_is(type, "error"))
		return TRIP_NEXT;	/* answers to what was never asked change nothing (features/presence.c) */
	if (in_its_room(t) || (t->route == ROUTE_ACCOUNT && somebody_meets(t->to_user, t->from.bare)))
		return TRIP_NEXT;
	return vanish(t);
}

/* --- requests for data ------------------------------------------------------------------------------------------------------------ */

static enum trip_next request(struct trip *t)
{
	struct str type = node_attr(t->stanza, "type");

	if ((!str_is(type, "get") && !str_is(type, "set")) || in_its_room(t))
		return TRIP_NEXT;
	return trip_refuse(t, ERR_UNAVAILABLE, NULL);	/* as for an account that is not there */
}

/* --- what goes out ------------------------------------------------------------------------------------------------------------------ */

static bool shows_a_stranger(const struct node *payload)
{
	return payload && (node_is(payload, NS_VCARD, "vCard") || node_is(payload, NS_PUBSUB, "pubsub"));
}

/* Who is written to is known from now on; what he had sent before is let in, too. */
static enum trip_next outward(struct trip *t)
{
	struct str type = node_attr(t->stanza, "type");
	struct session *s = session_find(t->server, t->session_id);

	if (!t->to.local.n || lets_in(t->from_user, t->to.bare) || meets(s, t->to.bare))
		return TRIP_NEXT;
	if (t->route == ROUTE_REMOTE && t->kind == STANZA_IQ && (str_is(type, "get") || str_is(type, "set")) && shows_a_stranger(node_first_element(t->stanza)) &&
	    guard_policy(t->server->guard)->strangers.outsiders != POLICY_ALLOW)
		return trip_refuse(t, ERR_UNAVAILABLE, "you and this person do not know each other yet: write to him first");
	if (t->kind == STANZA_MESSAGE && !t->hold && !str_is(type, "error") && !str_is(type, "groupchat") &&
	    (text_of(t).n || is_encrypted(t->stanza)))
		gate_word_wrote(t->server, t->from_user, t->to.bare);
	return TRIP_NEXT;
}

/* --- the step ------------------------------------------------------------------------------------------------------------------------- */

enum trip_next gate_pace(struct trip *t)
{
	if (gate_knows(t) || in_its_room(t))
		no_knock(t);
	return t->too_many && policy_gates(t) ? later(t) : TRIP_NEXT;
}

/* The company has decided that strangers get in nowhere: an outsider does not hear that, a colleague does. */
static enum trip_next refuse(struct trip *t)
{
	if (!gate_is_outsider(t))
		return trip_refuse(t, ERR_POLICY, "refused by the company's policy");
	return t->kind == STANZA_IQ || in_its_room(t) ? request(t) : vanish(t);
}

static bool gates_colleagues(const struct trip *t)
{
	const struct policy *p = guard_policy(t->server->guard);

	return t->to_user && t->to_user != t->from_user && (p->strangers.colleagues != POLICY_ALLOW || p->strangers.rules.n);
}

enum trip_next gate_admit(struct trip *t)
{
	if (t->origin == TRIP_CLIENT && t->from_user && (t->route == ROUTE_REMOTE || gates_colleagues(t)) && outward(t) != TRIP_NEXT)
		return TRIP_ENDED;
	if (!t->to_user || (t->route != ROUTE_ACCOUNT && t->route != ROUTE_RESOURCE))
		return TRIP_NEXT;
	if (gate_knows(t) || !policy_gates(t))
		return TRIP_NEXT;
	if (contact_of(t) == POLICY_REFUSE)
		return refuse(t);
	switch (t->kind) {
	case STANZA_MESSAGE:
		return message(t);
	case STANZA_PRESENCE:
		return presence(t);
	case STANZA_IQ:
		return request(t);
	case STANZA_OTHER:
		break;
	}
	return TRIP_NEXT;
}

/* --- the names of colleagues ------------------------------------------------------------------------------------------------------------ */

#define PAGE 500

struct names {
	struct server *srv;
	struct arena *arena;
	struct str *v;
	size_t n, room;
};

static int names_add(struct names *l, struct str jid)
{
	ptrdiff_t at = str_find_char(jid, '@');

	if (l->n == l->room) {
		size_t room = l->room ? l->room * 2 : 256;
		struct str *v = arena_alloc(l->arena, room * sizeof(*v));

		if (!v)
			return ERR_LIMIT;
		if (l->n)
			memcpy(v, l->v, l->n * sizeof(*v));
		l->v = v;
		l->room = room;
	}
	l->v[l->n] = arena_str(l->arena, str_make(jid.p, at < 0 ? jid.n : (size_t)at));
	return l->v[l->n++].p ? 0 : ERR_LIMIT;
}

static int names_work(struct vault *v, void *ctx)
{
	struct names *l = ctx;
	struct str after = STR_NONE;
	size_t n = PAGE;
	int r = 0;

	for (l->n = 0; r == 0 && n == PAGE && l->n < GUARD_PEOPLE;) {
		struct arena *page = arena_new(8u << 20);
		struct vault_account *acc;

		r = page ? vault_account_list(v, after, PAGE, page, &acc, &n) : ERR_NOMEM;
		for (size_t i = 0; r == 0 && i < n; i++)
			r = names_add(l, acc[i].jid);
		if (r == 0 && n)
			after = arena_str(l->arena, acc[n - 1].jid);
		arena_free(&page);
	}
	return r;
}

static void names_done(void *ctx, int err)
{
	struct names *l = ctx;

	for (size_t i = 0; i < l->n && (err == 0 || err == ERR_LIMIT); i++)
		guard_meet(l->srv->guard, l->v[i]);
	if (err < 0)
		log_event(LOG_WARN, "gate.names", LOG_Z("why", err_text(err)));
	arena_free(&l->arena);
}

void gate_start(struct server *srv)
{
	struct arena *a = arena_new(64u << 20);
	struct names *l = a ? arena_alloc(a, sizeof(*l)) : NULL;

	if (!l) {
		arena_free(&a);
		return;
	}
	l->srv = srv;
	l->arena = a;
	l->v = NULL;
	if (server_store(srv, l, names_work, names_done) < 0)
		arena_free(&l->arena);
}
