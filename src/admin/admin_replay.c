/* admin_replay.c - what a candidate would have made of the messages of the last days, beside the policy in force.
 *
 * The sealed traffic is opened message by message, judged twice by the real guard with a memory of its own, and closed
 * again: ids and findings come out, never a text. It goes by slices, so that a running server keeps storing; the time of
 * a message is the only clock. Who knows whom is taken from the traffic itself: colleagues, and whom the receiver has written to.
 *
 * Limits  REPLAY_MESSAGES messages, the first ones of the time asked for; REPLAY_CHANGES of them are named, all are counted.
 */
#include <stdio.h>
#include <stdlib.h>

#include "admin/admin_parts.h"
#include "base/clock.h"
#include "base/limits.h"
#include "config/instance.h"
#include "inspect/gather.h"
#include "inspect/spim.h"
#include "outbreak/guard.h"
#include "xmpp/jid.h"
#include "xmpp/wire.h"

#define REPLAY_MESSAGES 50000
#define REPLAY_CHANGES 1000
#define REPLAY_ACCOUNTS 10000
#define REPLAY_KNOWN 100000
#define SLICE 200			/* messages judged in one turn of the store */
#define ARENA_BYTES (64 * 1024 * 1024)
#define SCRATCH_BYTES (32 * 1024 * 1024)

struct seen {
	uint64_t id;
	uint32_t account;		/* whose archive; HELD: the quarantine */
};
#define HELD UINT32_MAX

struct replay {
	struct arena *arena, *scratch;
	struct guard *now, *then;	/* the policy in force, the candidate */
	struct str *accounts, domain;
	size_t n_accounts, account;	/* account: whose archive is being looked through */
	uint64_t since_ms, after;	/* after: the last id seen there */
	struct seen *v;
	size_t n, at;
	bool sorted, full;
	struct map *known;		/* "a b": a has written to b */
	json_t *changes;
	json_int_t judged, changed, stricter;
};

static void replay_free(void *state)
{
	struct replay *p = state;

	guard_free(&p->now);
	guard_free(&p->then);
	map_free(&p->known);
	json_decref(p->changes);
	free(p->v);
	arena_free(&p->scratch);
	arena_free(&p->arena);		/* p itself lies in it */
}

/* --- the beginning ------------------------------------------------------------------------------------------------- */

static int read_file(const char *path, size_t most, struct replay *p, struct str *ret, struct str *ret_why)
{
	int r = instance_read(path, most, p->arena, ret, ret_why);

	if (r != ERR_NOT_FOUND)
		return r;
	*ret = STR_NONE;
	return 0;
}

static int new_guard(struct admin_call *call, struct replay *p, const struct instance *in, struct str text, const char *name, struct guard **ret)
{
	struct policy *policy = NULL;
	struct str weights, deny = STR_NONE, model = STR_NONE, path;
	int r = policy_parse(text, name, call->domain, call->arena, &policy, &call->why);

	if (r == 0)
		r = read_file(in->weights, POLICY_FILE_BYTES, p, &weights, &call->why);
	if (r == 0)
		r = policy_weights(policy, weights, "weights.yaml", call->arena, &call->why);
	if (r == 0 && policy->deny_file.n) {
		path = arena_printf(p->arena, "%s/%.*s", in->dir, STR_FMT(policy->deny_file));
		r = path.p ? read_file(path.p, 8 * 1024 * 1024, p, &deny, &call->why) : ERR_NOMEM;
	}
	if (r == 0)
		r = policy_deny(policy, deny);
	if (r == 0) {
		path = arena_printf(p->arena, "%s/%.*s", in->dir, STR_FMT(policy->spim_file));
		r = path.p ? read_file(path.p, SPIM_FILE_BYTES, p, &model, &call->why) : ERR_NOMEM;
	}
	if (r == 0)
		r = policy_spim(policy, model);
	if (r < 0) {
		policy_free(&policy);
		return r;
	}
	call->why = STR_NONE;
	return guard_new(policy, ret);
}

static int list_accounts(struct vault *v, struct replay *p)
{
	struct str after = STR_NONE;
	size_t n = LIMIT_MAM_PAGE;
	int r = 0;

	p->accounts = arena_alloc(p->arena, REPLAY_ACCOUNTS * sizeof(*p->accounts));
	if (!p->accounts)
		return ERR_NOMEM;
	while (r == 0 && n == LIMIT_MAM_PAGE && p->n_accounts + n <= REPLAY_ACCOUNTS) {
		struct vault_account *acc;

		arena_clear(p->scratch);
		r = vault_account_list(v, after, LIMIT_MAM_PAGE, p->scratch, &acc, &n);
		for (size_t i = 0; r == 0 && i < n; i++) {
			after = p->accounts[p->n_accounts++] = arena_str(p->arena, acc[i].jid);
			r = after.p ? 0 : ERR_NOMEM;
		}
	}
	return r;
}

/* What was held stands in no archive. */
static int list_held(struct vault *v, struct replay *p)
{
	struct vault_held *h;
	size_t n = 0;
	int r;

	arena_clear(p->scratch);
	r = vault_held_list(v, STR_NONE, -1, REPLAY_CHANGES, p->scratch, &h, &n);
	for (size_t i = 0; r == 0 && i < n && p->n < REPLAY_MESSAGES; i++)
		if (h[i].when_ms >= p->since_ms && h[i].state != HELD_DELIVERED)
			p->v[p->n++] = (struct seen){ h[i].id, HELD };
	return r;
}

static int begin(struct admin_call *call, struct vault *v, struct replay **ret)
{
	struct arena *a = arena_new(ARENA_BYTES);
	struct replay *p = a ? arena_alloc(a, sizeof(*p)) : NULL;
	struct instance in;
	struct jid domain;
	struct str text;
	int r;

	if (!p) {
		arena_free(&a);
		return ERR_NOMEM;
	}
	p->arena = a;
	call->state = p;
	call->state_free = replay_free;
	p->scratch = arena_new(SCRATCH_BYTES);
	p->known = map_new(REPLAY_KNOWN);
	p->changes = json_array();
	p->v = calloc(REPLAY_MESSAGES, sizeof(*p->v));
	p->since_ms = (uint64_t)json_integer_value(json_object_get(call->args, "since_ms"));
	if (!p->scratch || !p->known || !p->changes || !p->v)
		return ERR_NOMEM;
	arena_wipe_on_free(p->scratch);
	r = jid_parse(a, str_of(call->domain), &domain);
	p->domain = domain.domain;
	if (r == 0)
		r = instance_paths(call->instance_dir, a, &in);
	if (r == 0)
		r = read_file(in.policy, POLICY_FILE_BYTES, p, &text, &call->why);
	if (r == 0)
		r = new_guard(call, p, &in, text, "policy.yaml", &p->now);
	if (r == 0)
		r = new_guard(call, p, &in, admin_text(call, "policy"), "the candidate", &p->then);
	if (r == 0)
		r = list_accounts(v, p);
	if (r == 0)
		r = list_held(v, p);
	if (r == 0)
		*ret = p;
	return r;
}

/* --- what there is ------------------------------------------------------------------------------------------------------ */

static struct str bare_of(struct str jid)
{
	ptrdiff_t slash = str_find_char(jid, '/');

	return slash < 0 ? jid : str_make(jid.p, (size_t)slash);
}

static bool is_own(const struct replay *p, struct str bare)
{
	return str_eq(str_cut(bare, (size_t)(str_find_char(bare, '@') + 1)), p->domain);
}

/* One page of one archive. A message between two accounts is taken from its sender's. */
static int look(struct vault *v, struct replay *p)
{
	struct str owner = p->accounts[p->account];
	struct vault_query q = { .owner = owner, .with = STR_NONE, .start_ms = p->since_ms, .after_id = p->after, .max = LIMIT_MAM_PAGE };
	struct vault_page page;
	int r;

	arena_clear(p->scratch);
	r = vault_archive_page(v, &q, p->scratch, &page);
	for (size_t i = 0; r == 0 && i < page.n; i++) {
		struct node *m;
		struct str from;

		p->after = page.v[i].id;
		if (page.v[i].gone || wire_parse(p->scratch, page.v[i].stanza, &m) < 0)
			continue;
		from = bare_of(node_attr(m, "from"));
		if (is_own(p, from) && !str_eq(from, owner))
			continue;
		if (p->n == REPLAY_MESSAGES) {
			p->full = true;
			break;
		}
		p->v[p->n++] = (struct seen){ page.v[i].id, (uint32_t)p->account };
	}
	if (r == 0 && (page.complete || page.n == 0 || p->full)) {
		p->account = p->full ? p->n_accounts : p->account + 1;
		p->after = 0;
	}
	return r;
}

static int by_id(const void *a, const void *b)
{
	const struct seen *x = a, *y = b;

	return x->id < y->id ? -1 : x->id > y->id;
}

/* --- judging --------------------------------------------------------------------------------------------------------------- */

static struct str pair_key(struct replay *p, struct str a, struct str b)
{
	return arena_printf(p->scratch, "%.*s %.*s", STR_FMT(a), STR_FMT(b));
}

static int facts(struct replay *p, const struct node *m, struct subject *s)
{
	struct str there, back;

	s->from = bare_of(node_attr(m, "from"));
	s->to = bare_of(node_attr(m, "to"));
	if (s->to.n == 0)
		s->to = s->from;
	there = pair_key(p, s->from, s->to);
	back = pair_key(p, s->to, s->from);
	if (!there.p || !back.p)
		return ERR_NOMEM;
	s->via = is_own(p, s->from) ? VIA_LOCAL : VIA_S2S;
	s->outward = !is_own(p, s->to);
	s->trust = TRUST_NORMAL;
	if (policy_trust(guard_policy(p->then), str_cut(s->from, (size_t)(str_find_char(s->from, '@') + 1)), &s->trust) && s->trust == TRUST_HIGH)
		s->known = true;
	s->known = s->known || is_own(p, s->from) || map_get(p->known, back);
	s->to_known = is_own(p, s->to) || map_get(p->known, there);
	/* A full memory knows nobody more: those that come then count as strangers. */
	return map_put(p->known, there, p) == ERR_NOMEM ? ERR_NOMEM : 0;
}

static json_t *names(const struct judgement *j)
{
	json_t *list = json_array();

	for (unsigned i = 0; list && i < j->n_findings; i++)
		json_array_append_new(list, json_string(inspect_rule_name(j->findings[i].rule)));
	return list;
}

/* From and to are no text, but who spoke to whom is the archive's secret, too: the id leads to them, by `why`. */
static int tell(struct replay *p, uint64_t id, uint64_t when_ms, const struct judgement *now, const struct judgement *then)
{
	p->changed++;
	p->stricter += then->decision > now->decision;
	if (json_array_size(p->changes) >= REPLAY_CHANGES)
		return 0;
	return json_array_append_new(p->changes, json_pack("{s:o, s:o, s:s, s:s, s:o, s:o}", "id", admin_json_id(id), "when", admin_json_time(when_ms),
							   "now", inspect_decision_name(now->decision), "then",
							   inspect_decision_name(then->decision), "findings_now", names(now), "findings",
							   names(then))) == 0 ? 0 : ERR_NOMEM;
}

/* What a rule refuses before anything is looked at: walls, and encryption that is required or forbidden (core/policy_step.c). */
static bool forbids(const struct policy *p, const struct subject *s, enum rule *ret)
{
	const struct clause *trial, *by;
	enum policy_omemo demand;

	*ret = POLICY_WALL;
	if (policy_wall(p, s->from, s->to))
		return true;
	by = clause_match(&p->encryption.rules, people_pair_of(&p->people, s), &trial);
	demand = by ? (enum policy_omemo)by->act : (enum policy_omemo)p->encryption.otherwise;
	*ret = s->cipher.n ? POLICY_ENCRYPTED : POLICY_PLAIN;
	return demand == (s->cipher.n ? POLICY_OMEMO_FORBIDDEN : POLICY_OMEMO_REQUIRED) && (s->cipher.n || s->body.n || s->n_links);
}

static int judge_by(struct replay *p, struct guard *g, const struct subject *s, struct judgement *ret)
{
	const struct policy *policy = guard_policy(g);
	struct finding *f;
	enum rule rule;

	if (!forbids(policy, s, &rule))
		return guard_judge(g, s, p->scratch, ret);
	f = arena_alloc(p->scratch, sizeof(*f));
	if (!f)
		return ERR_NOMEM;
	f->rule = rule;
	*ret = (struct judgement){ .decision = DECISION_REJECT, .findings = f, .n_findings = 1 };
	return 0;
}

static int judge(struct replay *p, uint64_t id, uint64_t when_ms, struct str stanza)
{
	struct subject s = { .ts_ms = when_ms };
	struct judgement now, then;
	struct node *m;
	int r = wire_parse(p->scratch, stanza, &m);

	if (r < 0)
		return r == ERR_BAD_FORMAT ? 0 : r;
	r = facts(p, m, &s);
	if (r == 0 && !gather_message(m, p->scratch, &s))
		r = ERR_NOMEM;
	if (r == 0)
		r = judge_by(p, p->now, &s, &now);
	if (r == 0)
		r = judge_by(p, p->then, &s, &then);
	if (r < 0)
		return r;
	p->judged++;
	return now.decision == then.decision ? 0 : tell(p, id, when_ms, &now, &then);
}

static int judge_one(struct vault *v, struct replay *p, const struct seen *one)
{
	struct vault_entry e;
	struct vault_held h;
	int r;

	arena_clear(p->scratch);
	if (one->account == HELD) {
		r = vault_held_get(v, one->id, p->scratch, &h);
		return r == ERR_NOT_FOUND ? 0 : r < 0 ? r : judge(p, one->id, h.when_ms, h.stanza);
	}
	r = vault_archive_one(v, p->accounts[one->account], one->id, p->scratch, &e);
	return r == ERR_NOT_FOUND || (r == 0 && e.gone) ? 0 : r < 0 ? r : judge(p, one->id, e.when_ms, e.stanza);
}

static int report(struct admin_call *call, const struct replay *p)
{
	json_t *o = json_pack("{s:o, s:I, s:I, s:I, s:I, s:b, s:O}", "since", admin_json_time(p->since_ms), "messages", p->judged, "changed", p->changed,
			      "stricter", p->stricter, "milder", p->changed - p->stricter, "complete", !p->full, "changes", p->changes);

	if (!o)
		return ERR_NOMEM;
	json_decref(call->reply);
	call->reply = o;
	return 0;
}

/* One slice. */
static int replay(struct admin_call *call, struct vault *v)
{
	struct replay *p = call->state;
	int r = p ? 0 : begin(call, v, &p);

	if (r < 0 && call->state && !p) {	/* half begun; it may be run again */
		replay_free(call->state);
		call->state = NULL;
		call->state_free = NULL;
	}
	if (r < 0)
		return r;
	call->again = true;
	if (p->account < p->n_accounts)
		return look(v, p);
	if (!p->sorted)
		qsort(p->v, p->n, sizeof(*p->v), by_id);
	p->sorted = true;
	for (unsigned i = 0; r == 0 && i < SLICE && p->at < p->n; i++)
		r = judge_one(v, p, &p->v[p->at++]);
	if (call->progress)
		call->progress(call->progress_ctx, p->at, p->n);
	if (r < 0 || p->at < p->n)
		return r;
	call->again = false;
	return report(call, p);
}

const struct admin_command admin_replay_commands[] = {
	{ "policy replay", replay, true },
	{ 0 },
};
