/* hold.c - see hold.h. What is stored is written in the message's own transaction; what people are told comes after it. */
#include "core/hold.h"

#include <jansson.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/limits.h"
#include "base/log.h"
#include "core/exchange.h"
#include "core/audit.h"
#include "core/bot.h"
#include "core/file_link.h"
#include "core/hold_word.h"
#include "core/learn.h"
#include "core/state.h"
#include "core/user.h"
#include "xmpp/ns.h"
#include "xmpp/wire.h"

#define ARENA_BYTES (32u << 20)
#define RESTORE_MOST 20000
#define RESTORE_BUSY_MS (24ull * 3600 * 1000)	/* where there is more than RESTORE_MOST in policy's window */

static struct str bare_of(struct str jid)
{
	ptrdiff_t slash = str_find_char(jid, '/');

	return slash < 0 ? jid : str_make(jid.p, (size_t)slash);
}

/* --- on the store thread, within the message's transaction ----------------------------------------------------- */

static struct str reason_of(struct trip *t)
{
	const struct judgement *j = &t->verdict;
	struct str s;

	if (j->outbreak)
		return STR("It is part of an outbreak: the same link or file is being sent on by several people.");
	if (j->n_findings == 0)
		return STR("The company's policy holds it.");
	s = arena_printf(t->arena, "It was held because %s.", inspect_rule_text(j->findings[0].rule));
	return s.p ? s : STR("The company's policy holds it.");
}

int hold_work(struct vault *v, struct trip *t, struct str stanza)
{
	bool waits = file_link_waits(t);
	struct vault_held h = {
		.id = t->id, .when_ms = t->when_ms, .state = waits ? HELD_FILE : HELD_WAITING, .from = t->from.full, .to = t->to_self ? t->from.bare : t->to.full,
		.stanza = stanza, .reason = waits ? file_link_reason(t) : reason_of(t), .fingerprint = t->verdict.risky ? str_of(t->verdict.fingerprint) : STR_NONE,
	};

	return vault_held_put(v, &h);
}

int hold_delivered(struct vault *v, struct trip *t)
{
	struct vault_held h;
	int r = vault_held_get(v, t->id, t->arena, &h);

	if (r < 0)
		return r == ERR_NOT_FOUND ? 0 : r;
	h.state = HELD_DELIVERED;
	return vault_held_put(v, &h);
}

/* Who had a post to a room. */
static json_t *readers_of(const struct trip *t)
{
	json_t *list = json_array();

	for (unsigned i = 0; list && i < t->n_readers; i++)
		json_array_append_new(list, json_stringn(t->readers[i].p, t->readers[i].n));
	return list;
}

static json_t *story(struct trip *t)
{
	const struct judgement *j = &t->verdict;
	const struct str to = t->to_self ? t->from.bare : t->to.bare;
	char stamp[CLOCK_STAMP_BYTES];
	json_t *o, *findings = json_array();
	int bad = findings ? 0 : -1;

	for (unsigned i = 0; i < j->n_findings; i++) {
		const struct finding *f = &j->findings[i];

		bad |= json_array_append_new(findings, json_pack("{s:s, s:s, s:s, s:i, s:s}", "inspector", inspect_rule_inspector(f->rule), "name",
			inspect_rule_name(f->rule), "text", inspect_rule_text(f->rule), "weight", (int)f->weight, "evidence", f->evidence));
	}
	clock_stamp(t->when_ms, stamp);
	o = json_pack("{s:s, s:s%, s:s%, s:s, s:i, s:o}", "when", stamp, "from", t->from.bare.p, t->from.bare.n, "to", to.p, to.n,
		      "decision", inspect_decision_name(j->decision), "score", (int)j->score, "findings", findings);
	if (o && j->at)
		bad |= json_object_set_new(o, "at", json_integer(j->at));
	if (o && j->policy[0])
		bad |= json_object_set_new(o, "policy", json_string(j->policy));
	if (o && j->differs)
		bad |= json_object_set_new(o, "would", json_pack("{s:s, s:s%}", "decision", inspect_decision_name(j->would), "by", j->would_by.p,
								j->would_by.n));
	if (o && j->risky)
		bad |= json_object_set_new(o, "fingerprint", json_string(j->fingerprint)) |
		       json_object_set_new(o, "patient_zero", json_stringn(j->patient_zero.p, j->patient_zero.n)) |
		       json_object_set_new(o, "senders", json_integer(j->n_senders));
	if (o && j->risky && t->n_readers)
		bad |= json_object_set_new(o, "readers", readers_of(t));
	if (bad) {
		json_decref(o);
		return NULL;
	}
	return o;
}

static int put_outbreak(struct vault *v, struct trip *t)
{
	const struct judgement *j = &t->verdict;
	struct vault_outbreak b = { .fingerprint = str_of(j->fingerprint), .started_ms = t->when_ms, .contained = true };
	json_t *o = json_pack("{s:s%, s:i, s:s%}", "patient_zero", j->patient_zero.p, j->patient_zero.n, "senders", (int)j->n_senders,
			      "memory", j->memory.p, j->memory.n);
	char *text = o ? json_dumps(o, JSON_COMPACT) : NULL;
	int r = ERR_NOMEM;

	json_decref(o);
	if (text) {
		b.json = str_of(text);
		r = vault_outbreak_put(v, &b);
	}
	free(text);
	return r;
}

/* What leads anywhere is in the record: everything but a plain delivery. */
static int put_story(struct vault *v, struct trip *t)
{
	json_t *o = story(t);
	char *text = o ? json_dumps(o, JSON_COMPACT) : NULL;
	int r = text ? vault_finding_put(v, t->id, str_of(text)) : ERR_NOMEM;

	free(text);
	if (r == 0 && t->verdict.decision != DECISION_DELIVER) {
		char id[VAULT_ID_TEXT];

		vault_id_text(t->id, id);
		text = json_object_set_new(o, "id", json_string(id)) == 0 ? json_dumps(o, JSON_COMPACT) : NULL;
		r = text ? vault_audit_add(v, t->when_ms, STR("decision"), str_of(text)) : ERR_NOMEM;
		free(text);
	}
	json_decref(o);
	return r;
}

/* A private message in a room is somebody's, and his copy has an id of its own. */
static int put_spread(struct vault *v, struct trip *t)
{
	struct vault_spread s = {
		.fingerprint = str_of(t->verdict.fingerprint), .from = t->from.bare, .to = t->to_self ? t->from.bare : t->to.bare, .id = t->id,
		.when_ms = t->when_ms, .outcome = t->hold && !file_link_waits(t) ? STR("held") : STR("delivered"),
	};
	int r;

	if (t->whisper_to.n && !t->hold)
		s.to = t->whisper_to;
	r = vault_spread_add(v, &s);
	if (r < 0 || t->hold || !t->whisper_id)
		return r;
	s.id = t->whisper_id;
	return vault_spread_add(v, &s);
}

int hold_story(struct vault *v, struct trip *t)
{
	const struct judgement *j = &t->verdict;
	int r = put_story(v, t);

	if (r == 0 && j->risky)
		r = put_spread(v, t);
	if (r == 0 && j->outbreak_began)
		r = put_outbreak(v, t);
	return r;
}

/* --- refused: nothing else of it is stored ------------------------------------------------------------------- */

struct refusal {
	struct server *srv;
	struct arena *arena;
	struct str text;		/* the story, without and with its number */
	struct str entry;
	uint64_t id, when_ms;
};

static int refused_work(struct vault *v, void *ctx)
{
	struct refusal *f = ctx;
	int r = vault_finding_put(v, f->id, f->text);

	return r < 0 ? r : vault_audit_add(v, f->when_ms, STR("decision"), f->entry);
}

static void refused_done(void *ctx, int err)
{
	struct refusal *f = ctx;

	if (err < 0) {
		f->srv->metrics.store_failures++;
		log_event(LOG_ERROR, "refusal.lost", LOG_Z("why", err_text(err)));
	}
	arena_free(&f->arena);
}

/* Both texts in the arena. */
static int tell(struct trip *t, const char *id, struct refusal *f)
{
	json_t *o = story(t);
	char *text = o ? json_dumps(o, JSON_COMPACT) : NULL;
	char *entry = text && json_object_set_new(o, "id", json_string(id)) == 0 ? json_dumps(o, JSON_COMPACT) : NULL;

	f->text = arena_str(f->arena, str_of(text));
	f->entry = arena_str(f->arena, str_of(entry));
	json_decref(o);
	free(text);
	free(entry);
	return f->text.n && f->entry.n ? 0 : ERR_NOMEM;
}

int hold_refused(struct trip *t, char ret[VAULT_ID_TEXT])
{
	struct arena *a = arena_new(65536);
	struct refusal *f = a ? arena_alloc(a, sizeof(*f)) : NULL;
	int r = f ? 0 : ERR_NOMEM;

	if (r == 0) {
		t->when_ms = clock_wall_ms();
		*f = (struct refusal){ .srv = t->server, .arena = a, .when_ms = t->when_ms, .id = vault_next_id(t->server->vault, t->when_ms) };
		vault_id_text(f->id, ret);
		r = tell(t, ret, f);
	}
	if (r == 0)
		r = server_store(t->server, f, refused_work, refused_done);
	if (r < 0)
		arena_free(&a);
	return r;
}

/* --- freezing ------------------------------------------------------------------------------------------------------ */

struct freezing {
	struct server *srv;
	struct arena *arena;
	struct str bare;
	const char *why;
};

static bool saw(const struct judgement *j, enum rule rule)
{
	for (unsigned i = 0; i < j->n_findings; i++)
		if (j->findings[i].rule == rule)
			return true;
	return false;
}

static int freeze_work(struct vault *v, void *ctx)
{
	struct freezing *f = ctx;
	struct vault_account acc;
	int r = vault_account_get(v, f->bare, f->arena, &acc);

	if (r < 0)
		return r;
	acc.state = ACCOUNT_FROZEN;
	acc.state_reason = str_of(f->why);
	return vault_account_set(v, &acc);
}

static void freeze_done(void *ctx, int err)
{
	struct freezing *f = ctx;

	if (err < 0)
		log_event(LOG_ERROR, "freeze.failed", LOG_S("account", f->bare), LOG_Z("why", err_text(err)));
	else
		audit_account(f->srv, "frozen", f->bare, f->why);
	bot_alert(f->srv, BOT_ALERT_FREEZE, "%.*s was frozen because of %s: `wardroom held list --account %.*s` shows what, `wardroom user "
		  "thaw %.*s` ends it.", STR_FMT(f->bare), f->why, STR_FMT(f->bare), STR_FMT(f->bare));
	arena_free(&f->arena);
}

static void freeze(struct trip *t)
{
	struct arena *a = arena_new(65536);
	struct freezing *f = a ? arena_alloc(a, sizeof(*f)) : NULL;

	if (t->from_user)
		t->from_user->frozen = true;	/* at once, whatever the store says */
	t->server->metrics.frozen++;
	if (f) {
		arena_wipe_on_free(a);
		*f = (struct freezing){ .srv = t->server, .arena = a, .bare = arena_str(a, t->from.bare),
				       .why = saw(&t->verdict, WORM_DECOY) ? "a link or a file to a decoy" : "a second message that spreads" };
		if (f->bare.p && server_store(t->server, f, freeze_work, freeze_done) == 0)
			return;
	}
	log_event(LOG_ERROR, "freeze.failed", LOG_S("account", t->from.bare));
	arena_free(&a);
}

/* --- telling people ------------------------------------------------------------------------------------------------ */

static bool senders_to_confirm(const struct judgement *j, unsigned hold_at)
{
	bool spreads = false, fine = true;
	unsigned others = 0;

	for (unsigned i = 0; i < j->n_findings; i++)
		fine = hold_word_counts(inspect_rule_inspector(j->findings[i].rule), inspect_rule_name(j->findings[i].rule), j->findings[i].weight,
					&spreads, &others) && fine;
	return fine && spreads && (!hold_at || others < hold_at);
}

/* Where the same device could answer, whatever has taken it over could. */
static void ask_sender(struct trip *t, const char *id)
{
	struct server *srv = t->server;
	const struct policy *p = guard_policy(srv->guard);
	struct str lesson = policy_lesson(p, p->lessons.worms);
	const char *how = "answer \"confirm\" if you meant to send it";

	if (p->confirm == POLICY_CONFIRM_OTHER)
		how = t->from_user && hold_word_has_other(t->from_user, t->from.resource) ? "answer \"confirm\" on another of your devices if you meant to send it" :
		      "if you meant to send it, answer \"confirm\" on another device that you have used here before, or write to the help desk if you have no other";
	bot_tell(srv, t->from.bare, "Your message to %.*s was held (number %s) because the same link or file goes to several people: %s; answer \"cancel\" if "
		 "you did not.%s%.*s", STR_FMT(t->to.bare), id, how, lesson.n ? " " : "", STR_FMT(lesson));
}

void hold_done(struct trip *t)
{
	const struct judgement *j = &t->verdict;
	struct server *srv = t->server;
	struct str lesson = policy_lesson(guard_policy(srv->guard), guard_policy(srv->guard)->lessons.worms);
	char id[VAULT_ID_TEXT];

	vault_id_text(t->id, id);
	srv->metrics.held++;
	srv->metrics.outbreaks += j->outbreak_began;
	if (j->outbreak_began)
		bot_alert(srv, BOT_ALERT_OUTBREAK, "Something spreads here and is held for everybody; %.*s sent it first: `wardroom outbreak show %s`.",
			  STR_FMT(j->patient_zero), j->fingerprint);
	if (j->outbreak_began)
		exchange_outbreak(srv, str_of(j->fingerprint), true);
	if (j->outbreak_began)
		log_event(LOG_WARN, "outbreak.began", LOG_Z("fingerprint", j->fingerprint), LOG_S("patient_zero", j->patient_zero));
	if (j->decision == DECISION_FREEZE && t->from_user && !t->from_user->frozen) {	/* more of the same burst may follow */
		freeze(t);
		bot_tell(srv, t->from.bare, "Your account has been frozen because %s; please write to %.*s.%s%.*s", saw(j, WORM_DECOY) ?
			 "it has sent a link or a file to a contact behind whom there is nobody, as programs do that write to everybody" :
			 "another message of yours was being sent to many people", STR_FMT(srv->helpdesk), lesson.n ? " " : "", STR_FMT(lesson));
	} else if (j->first_hold && senders_to_confirm(j, guard_policy(srv->guard)->hold)) {
		ask_sender(t, id);
	} else if (j->first_hold) {
		bot_tell(srv, t->from.bare, "Your message to %.*s was held (number %s): %s. Somebody on duty looks at it; answer \"cancel\" if you did not mean to "
			 "send it.", STR_FMT(t->to.bare), id, j->n_findings ? inspect_rule_text(j->findings[0].rule) : "the company's policy holds it");
	}
	if (t->to_user && t->to_user != t->from_user && !t->to_user->decoy)
		bot_tell(srv, t->to.bare, "A message from %.*s to you was held (number %s) and is being looked at.", STR_FMT(t->from.bare), id);
}

/* What weighs most says most. */
static const struct finding *heaviest(const struct judgement *j)
{
	const struct finding *f = j->findings;

	for (unsigned i = 1; i < j->n_findings; i++)
		if (j->findings[i].weight > f->weight)
			f = &j->findings[i];
	return f;
}

void hold_flagged(struct trip *t)
{
	const struct policy *p = guard_policy(t->server->guard);
	struct str lesson = STR_NONE;
	const struct finding *f;

	if (!t->flagged || !t->to_user || t->verdict.n_findings == 0)
		return;
	f = heaviest(&t->verdict);
	if (str_is(str_of(inspect_rule_inspector(f->rule)), "links"))
		lesson = policy_lesson(p, p->lessons.links);
	bot_tell(t->server, t->to.bare, "Careful with the message from %.*s: %s.%s%.*s", STR_FMT(t->from.bare), inspect_rule_text(f->rule), lesson.n ? " " : "",
		 STR_FMT(lesson));
}

void hold_leaked(struct trip *t)
{
	const struct policy *p = guard_policy(t->server->guard);
	struct str lesson = policy_lesson(p, p->lessons.leaks);
	const struct finding *f = NULL;

	for (unsigned i = 0; i < t->verdict.n_findings && (!f || f->rule != DLP_OWN_PASSWORD); i++)
		if (str_is(str_of(inspect_rule_inspector(t->verdict.findings[i].rule)), "dlp"))
			f = &t->verdict.findings[i];
	if (!f || t->hold || !t->from_user || (t->verdict.leak != POLICY_LEAK_WARN && t->verdict.leak != POLICY_LEAK_MASK))
		return;
	bot_tell(t->server, t->from.bare, "About your message to %.*s: %s. %s%s%.*s", STR_FMT(t->to.bare), inspect_rule_text(f->rule),
		 t->verdict.leak == POLICY_LEAK_MASK ? "That was taken out before it was delivered." : "It was delivered as you wrote it.",
		 lesson.n ? " " : "", STR_FMT(lesson));
}

/* --- letting go ------------------------------------------------------------------------------------------------------ */

struct release {
	struct server *srv;
	struct arena *arena;
	struct str id;
	struct vault_held held;
	struct node *stanza;
	bool officer;			/* whose word it is: he teaches the model */
	bool quiet;			/* nobody's: it only waited for its file */
};

static int release_work(struct vault *v, void *ctx)
{
	struct release *l = ctx;
	uint64_t id;
	int r = vault_id_parse(l->id, &id);

	return r < 0 ? r : vault_held_get(v, id, l->arena, &l->held);
}

static bool is_here(const struct server *srv, struct str jid)
{
	struct str bare = bare_of(jid);
	ptrdiff_t at = str_find_char(bare, '@');

	return server_is_local(srv, str_cut(bare, (size_t)(at + 1)));
}

/* Its time stands in the message: it is shown where it belongs. */
static int add_delay(struct release *l)
{
	struct node *d = node_new(l->arena, NS_DELAY, "delay");
	char stamp[CLOCK_STAMP_BYTES];

	clock_stamp(l->held.when_ms, stamp);
	if (!d || node_set_attr(l->arena, d, "from", l->srv->domain) < 0 ||
	    node_set_attr(l->arena, d, "stamp", arena_str(l->arena, str_of(stamp))) < 0)
		return ERR_NOMEM;
	node_append(l->stanza, d);
	return 0;
}

/* Presence leaves nothing behind that the store would be asked for: its row is settled by itself. */
static int shown_work(struct vault *v, void *ctx)
{
	struct release *l = ctx;

	l->held.state = HELD_DELIVERED;
	return vault_held_put(v, &l->held);
}

static void shown_done(void *ctx, int err)
{
	struct release *l = ctx;

	if (err < 0)
		log_event(LOG_ERROR, "release.not_settled", LOG_S("id", l->id), LOG_Z("why", err_text(err)));
	arena_free(&l->arena);
}

static void show_presence(struct release *l)
{
	if (trip_emit_as(l->srv, TRIP_RELEASE, l->stanza) < 0 || server_store(l->srv, l, shown_work, shown_done) < 0)
		arena_free(&l->arena);		/* the next start does it again */
}

static void go(void *ctx, struct user *from, int err)
{
	struct release *l = ctx;
	struct server *srv = l->srv;
	uint64_t id = l->held.id, when_ms = l->held.when_ms;
	struct node *stanza = l->stanza;
	struct arena *a = l->arena;

	if (!l->quiet)
		bot_tell(srv, bare_of(l->held.from), "Your message to %.*s has been let go.", STR_FMT(bare_of(l->held.to)));
	trip_release(srv, err < 0 ? NULL : from, &a, stanza, id, when_ms);
}

static void release_done(void *ctx, int err)
{
	struct release *l = ctx;

	if (err == 0 && l->held.state == HELD_RELEASED)
		err = wire_parse(l->arena, l->held.stanza, &l->stanza);
	else if (err == 0)
		err = ERR_CONFLICT;
	if (err == 0 && stanza_kind(l->stanza) == STANZA_PRESENCE) {
		show_presence(l);
		return;
	}
	if (err == 0 && l->officer)
		learn_message(l->srv, l->arena, l->stanza, false, 1);	/* it was held, and was honest */
	if (err == 0)
		err = add_delay(l);
	if (err < 0) {
		log_event(LOG_ERROR, "release.failed", LOG_S("id", l->id), LOG_Z("why", err_text(err)));
		arena_free(&l->arena);
		return;
	}
	if (is_here(l->srv, l->held.from))
		user_get(l->srv, bare_of(l->held.from), go, l);
	else
		go(l, NULL, ERR_NOT_FOUND);
}

static struct release *release_new(struct server *srv, struct str id)
{
	struct arena *a = arena_new(LIMIT_STANZA_BYTES_MAX * 16);
	struct release *l = a ? arena_alloc(a, sizeof(*l)) : NULL;

	if (!l) {
		arena_free(&a);
		return NULL;
	}
	*l = (struct release){ .srv = srv, .arena = a, .id = arena_str(a, id) };
	return l;
}

static void release(struct server *srv, struct str id, bool officer, bool quiet)
{
	struct release *l = release_new(srv, id);

	if (l) {
		l->officer = officer;
		l->quiet = quiet;
	}
	if (l && l->id.p && server_store(srv, l, release_work, release_done) == 0)
		return;
	log_event(LOG_ERROR, "release.failed", LOG_S("id", id));
	if (l)
		arena_free(&l->arena);
}

void hold_let_go(struct server *srv, struct str id, bool officer)
{
	release(srv, id, officer, false);
}

void hold_release(struct server *srv, struct str id)
{
	release(srv, id, true, false);
}

void hold_go_on(struct server *srv, struct str id)
{
	release(srv, id, false, true);
}

static void rejected_done(void *ctx, int err)
{
	struct release *l = ctx;

	if (err == 0) {
		bot_tell(l->srv, bare_of(l->held.from), "Your message to %.*s was looked at and will not be delivered.", STR_FMT(bare_of(l->held.to)));
		bot_tell(l->srv, bare_of(l->held.to), "The held message from %.*s (number %.*s) was rejected.", STR_FMT(bare_of(l->held.from)),
			 STR_FMT(l->id));
	}
	arena_free(&l->arena);
}

void hold_rejected(struct server *srv, struct str id)
{
	struct release *l = release_new(srv, id);

	if (l && l->id.p && server_store(srv, l, release_work, rejected_done) == 0)
		return;
	if (l)
		arena_free(&l->arena);
}

/* --- at the start ------------------------------------------------------------------------------------------------------------ */

struct later {
	struct server *srv;
	struct arena *arena;
	struct loop_timer timer;
	struct vault_held *held;
	size_t n;
};

static void on_later(void *ctx)
{
	struct later *l = ctx;

	for (size_t i = 0; i < l->n; i++) {
		char id[VAULT_ID_TEXT];

		vault_id_text(l->held[i].id, id);
		release(l->srv, str_of(id), false, false);
	}
	arena_free(&l->arena);
}

static int restore_outbreaks(struct server *srv, struct vault *v, struct arena *a)
{
	struct vault_outbreak *b;
	size_t n;
	int r = vault_outbreak_list(v, a, &b, &n);

	for (size_t i = 0; r == 0 && i < n; i++) {
		json_t *o = json_loadb(b[i].json.p, b[i].json.n, 0, NULL);
		const char *memory = json_string_value(json_object_get(o, "memory"));

		r = guard_remember(srv->guard, b[i].fingerprint, str_of(memory), b[i].contained, clock_wall_ms());
		/* By an officer, or by reports: then it is not the sender's to let go. */
		if (r == 0 && b[i].contained && (json_object_get(o, "contained_by") || json_object_get(o, "why")))
			guard_contain(srv->guard, b[i].fingerprint, true);
		json_decref(o);
	}
	return r;
}

static int restore_spread(struct server *srv, struct vault *v, struct arena *a)
{
	uint64_t now = clock_wall_ms();
	struct vault_spread *s;
	size_t n;
	int r = vault_spread_list(v, STR_NONE, now - guard_policy(srv->guard)->window_ms, RESTORE_MOST, a, &s, &n);

	if (r == 0 && n == RESTORE_MOST)
		r = vault_spread_list(v, STR_NONE, now - RESTORE_BUSY_MS, RESTORE_MOST, a, &s, &n);
	for (size_t i = 0; r == 0 && i < n; i++)
		if (str_is(s[i].outcome, "delivered") || str_is(s[i].outcome, "held"))
			r = guard_remember_copy(srv->guard, s[i].fingerprint, s[i].from, s[i].to, s[i].when_ms, str_is(s[i].outcome, "delivered"));
	return r;
}

int hold_restore(struct server *srv, struct vault *v)
{
	struct arena *a = arena_new(ARENA_BYTES);
	struct later *l = a ? arena_alloc(a, sizeof(*l)) : NULL;
	int r = l ? restore_outbreaks(srv, v, a) : ERR_NOMEM;

	if (r == 0)
		r = learn_restore(srv, v, a);
	if (r == 0)
		r = restore_spread(srv, v, a);
	if (r == 0)
		r = vault_held_list(v, STR_NONE, HELD_RELEASED, HOLD_WORD_MOST, a, &l->held, &l->n);
	if (r < 0 || l->n == 0) {
		arena_free(&a);
		return r;
	}
	/* Released while no server ran; on the first turn, when the store's thread works. */
	l->srv = srv;
	l->arena = a;
	loop_timer_set(srv->loop, &l->timer, 0, on_later, l);
	return 0;
}
