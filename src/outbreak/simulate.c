/* simulate.c - see simulate.h. One heap of what is due, beside the honest messages that stand in order already. */
#include "outbreak/simulate.h"

#include <stdio.h>
#include <stdlib.h>

#include "outbreak/simulate_parts.h"

#define BEGINNING_MS 1700000000000ull
#define WARM_MS (24ull * 3600 * 1000)	/* of honest messages before the worm comes */
#define HOUR_MS (3600ull * 1000)
#define MINUTE_MS 60000u
#define OUTSIDE_CONTACTS 20		/* whom an infected contact elsewhere writes to */
#define OUTSIDE_DOMAIN "partner.example"
#define ANSWER_MS 10000			/* the bot's question is seen and answered between this and */
#define ANSWER_MORE_MS 40000		/* so much later */
#define EVENTS 8000000
#define ARENA_BYTES (8u << 20)
#define JID_BYTES 80

enum kind { STEP, CLICK, REPLY, ANSWER };

struct event {
	uint64_t ms, order;		/* what was set first comes first */
	enum kind kind;
	uint32_t who, to;
};

struct person {
	bool infected, frozen, first;	/* first: hijacked at the start */
	uint32_t turn, next, repeat, out, tried;
};

/* Honest, held, and asked. */
struct question { uint32_t who; uint64_t ms; bool risky; char fingerprint[GUARD_FINGERPRINT]; };

struct run {
	const struct simulate_conf *c;
	const struct simulate_manner *manner;
	const struct simulate_graph *g;
	struct guard *guard;
	struct arena *arena;
	struct simulate_result *res;
	struct person *p;		/* ours, then those of outside */
	uint32_t *reached;		/* stamps of OUTSIDE_CONTACTS for each of outside */
	uint64_t random, order, start_ms, end_ms, now_ms;
	struct event *heap;
	size_t n, room;
	struct question *questions;
	size_t n_questions, room_questions;
	size_t text_at;
	unsigned held;
	int err;
};

/* --- what is due ---------------------------------------------------------------------------------------------------------- */

static bool before(const struct event *a, const struct event *b)
{
	return a->ms != b->ms ? a->ms < b->ms : a->order < b->order;
}

static void due(struct run *r, uint64_t ms, enum kind kind, uint32_t who, uint32_t to)
{
	struct event e = { .ms = ms, .order = r->order++, .kind = kind, .who = who, .to = to };
	size_t i = r->n;

	if (ms > r->end_ms || r->n == EVENTS)
		return;
	if (r->n == r->room) {
		size_t room = r->room ? r->room * 2 : 1024;
		struct event *v = realloc(r->heap, room * sizeof(*v));

		if (!v) {
			r->err = ERR_NOMEM;
			return;
		}
		r->heap = v;
		r->room = room;
	}
	for (r->n++; i > 0 && before(&e, &r->heap[(i - 1) / 2]); i = (i - 1) / 2)
		r->heap[i] = r->heap[(i - 1) / 2];
	r->heap[i] = e;
}

static struct event take(struct run *r)
{
	struct event first = r->heap[0], last = r->heap[--r->n];
	size_t i = 0;

	for (size_t k = 1; k < r->n; k = i * 2 + 1) {
		k += k + 1 < r->n && before(&r->heap[k + 1], &r->heap[k]);
		if (!before(&r->heap[k], &last))
			break;
		r->heap[i] = r->heap[k];
		i = k;
	}
	r->heap[i] = last;
	return first;
}

/* --- who is who ------------------------------------------------------------------------------------------------------------ */

static struct str jid_of(const struct run *r, uint32_t who, char buf[JID_BYTES])
{
	int n;

	if (who & SIMULATE_ROOM_BIT)
		n = snprintf(buf, JID_BYTES, "room%u@rooms.%s", who & ~SIMULATE_ROOM_BIT, SIMULATE_DOMAIN);
	else if (who >= r->g->n)
		n = snprintf(buf, JID_BYTES, "partner%u@%s", who - r->g->n, OUTSIDE_DOMAIN);
	else
		n = snprintf(buf, JID_BYTES, "%s@%s", r->g->name[who], SIMULATE_DOMAIN);
	return str_make(buf, (size_t)n);
}

static unsigned audience_of(const struct run *r, uint32_t to)
{
	uint32_t room = to & ~SIMULATE_ROOM_BIT;

	return to & SIMULATE_ROOM_BIT ? r->g->room_first[room + 1] - r->g->room_first[room] : 1;
}

static void point(struct run *r)
{
	struct simulate_result *res = r->res;

	if (res->n_curve == SIMULATE_CURVE) {
		for (unsigned i = 0; i < SIMULATE_CURVE / 2; i++)
			res->curve[i] = res->curve[i * 2];
		res->n_curve /= 2;
	}
	res->curve[res->n_curve++] = (struct simulate_point){ .ms = r->now_ms - r->start_ms, .infected = res->infected, .held = r->held };
}

static void infect(struct run *r, uint32_t who, bool first)
{
	struct person *p = &r->p[who];

	if (p->infected)
		return;
	p->infected = true;
	p->first = first;
	p->turn = simulate_below(&r->random, 1u << 20);
	r->res->hijacked += first;
	r->res->infected += !first;
	point(r);
	if (r->manner->trigger == BY_ITSELF)
		due(r, r->now_ms + (first ? simulate_below(&r->random, r->manner->hijacked ? MINUTE_MS : 1) : r->manner->gap_ms), STEP, who, 0);
}

/* --- the guard's word ---------------------------------------------------------------------------------------------------- */

static int judge(struct run *r, uint32_t from, uint32_t to, struct str body, struct str attached, struct judgement *ret)
{
	char from_jid[JID_BYTES], to_jid[JID_BYTES];
	struct subject s = { .from = jid_of(r, from, from_jid), .to = jid_of(r, to, to_jid), .body = body, .topic = STR_NONE, .known = true,
			     .via = from >= r->g->n ? r->manner->via : to & SIMULATE_ROOM_BIT ? VIA_ROOM : VIA_LOCAL, .audience = audience_of(r, to),
			     .ts_ms = r->now_ms };

	if (attached.n)
		subject_add_link(&s, attached, STR_NONE);
	arena_clear(r->arena);
	r->res->judged++;
	return guard_judge(r->guard, &s, r->arena, ret);
}

static void reaches(struct run *r, uint32_t who, double click)
{
	uint64_t later = r->c->click_ms ? simulate_next(&r->random) % r->c->click_ms : 0;

	if (r->p[who].infected || (double)simulate_below(&r->random, 1000000) >= click * 1000000)
		return;
	if (later)
		due(r, r->now_ms + later, CLICK, who, 0);
	else
		infect(r, who, false);
}

static void arrives(struct run *r, uint32_t from, uint32_t to, enum decision d)
{
	double click = d == DECISION_DEFANG ? r->c->retype : r->c->click;
	uint32_t room = to & ~SIMULATE_ROOM_BIT;

	r->res->arrived++;
	r->res->contained_ms = r->now_ms - r->start_ms;
	if (!(to & SIMULATE_ROOM_BIT)) {
		reaches(r, to, click);
		return;
	}
	for (unsigned i = r->g->room_first[room]; i < r->g->room_first[room + 1]; i++)
		if (r->g->member[i] != from)
			reaches(r, r->g->member[i], click);
}

static void send_copy(struct run *r, uint32_t from, uint32_t to, bool again)
{
	struct person *p = &r->p[from];
	char body[SIMULATE_BODY];
	struct judgement j;
	struct str attached;
	int e;

	simulate_words_lure(r->c->shape, r->c->lures, r->c->seed, to < r->g->n ? r->g->name[to] : "all", &r->random, body, &attached);
	r->res->senders += p->tried++ == 0;
	r->res->tried++;
	e = judge(r, from, to, str_of(body), attached, &j);
	if (e < 0) {
		r->err = e;
		return;
	}
	if (j.decision < DECISION_HOLD) {
		p->out += !again && !j.again && (j.reserved || !j.risky);	/* who has it is no new copy */
		r->res->most_copies = p->out > r->res->most_copies ? p->out : r->res->most_copies;
		arrives(r, from, to, j.decision);
		return;
	}
	r->held++;
	if (!r->res->held_any) {
		r->res->held_any = true;
		r->res->first_hold_ms = r->now_ms - r->start_ms;
		point(r);
	}
	if (j.decision == DECISION_FREEZE && !p->frozen && from < r->g->n) {
		p->frozen = true;
		r->res->frozen++;
	}
}

/* --- what the worm does -------------------------------------------------------------------------------------------------- */

/* Rooms that he sits in, then contacts, from his own place on. False: all are done. */
static bool target(const struct run *r, uint32_t who, uint32_t n, uint32_t *ret)
{
	const struct simulate_graph *g = r->g;
	uint32_t contacts;

	if (who >= g->n) {
		*ret = r->reached[(who - g->n) * OUTSIDE_CONTACTS + n % OUTSIDE_CONTACTS];
		return n < OUTSIDE_CONTACTS;
	}
	for (unsigned room = 0; r->manner->rooms && room < g->n_rooms; room++)
		for (unsigned i = g->room_first[room]; i < g->room_first[room + 1]; i++)
			if (g->member[i] == who) {
				if (n-- == 0) {
					*ret = SIMULATE_ROOM_BIT | room;
					return true;
				}
				break;
			}
	contacts = g->first[who + 1] - g->first[who];
	if (n >= contacts)
		return false;
	*ret = g->to[g->first[who] + (n + r->p[who].turn) % contacts];
	return true;
}

static void step(struct run *r, uint32_t who)
{
	struct person *p = &r->p[who];
	uint32_t to;

	if (p->frozen || !target(r, who, p->next, &to))
		return;
	send_copy(r, who, to, p->repeat > 0);
	if (p->repeat++ >= r->manner->repeats) {
		p->repeat = 0;
		p->next++;
	}
	due(r, r->now_ms + r->manner->gap_ms, STEP, who, 0);
}

/* --- honest people --------------------------------------------------------------------------------------------------------- */

static void ask(struct run *r, uint32_t who, const struct judgement *j)
{
	struct question *q;

	if (r->n_questions == r->room_questions) {
		size_t room = r->room_questions ? r->room_questions * 2 : 64;

		q = realloc(r->questions, room * sizeof(*q));
		if (!q) {
			r->err = ERR_NOMEM;
			return;
		}
		r->questions = q;
		r->room_questions = room;
	}
	q = &r->questions[r->n_questions];
	*q = (struct question){ .who = who, .ms = r->now_ms, .risky = j->risky };
	memcpy(q->fingerprint, j->fingerprint, sizeof(q->fingerprint));
	due(r, r->now_ms + ANSWER_MS + simulate_below(&r->random, ANSWER_MORE_MS), ANSWER, who, (uint32_t)r->n_questions++);
}

static void answer(struct run *r, const struct event *e)
{
	const struct question *q = &r->questions[e->to];
	char jid[JID_BYTES];
	uint64_t waited = r->now_ms - q->ms;

	if (!q->risky || !guard_confirm(r->guard, str_of(q->fingerprint), jid_of(r, q->who, jid)))
		r->res->honest_late++;
	else if (waited > r->res->longest_delay_ms)
		r->res->longest_delay_ms = waited;
}

static void honest(struct run *r, const struct simulate_message *m)
{
	char body[SIMULATE_BODY];
	struct str text = simulate_words_chat(r->c->texts, &r->text_at, &r->random, body);
	struct person *p = &r->p[m->from];
	struct judgement j;
	int e;

	if (p->frozen)
		return;
	e = judge(r, m->from, m->to, text, STR_NONE, &j);
	if (e < 0)
		r->err = e;
	if (e < 0)
		return;
	if (!p->infected) {
		r->res->honest++;
		r->res->honest_defanged += j.decision == DECISION_DEFANG;
		if (j.decision >= DECISION_HOLD) {
			r->res->honest_held++;
			ask(r, m->from, &j);
		}
		if (j.decision == DECISION_FREEZE) {
			p->frozen = true;
			r->res->honest_frozen++;
		}
	}
	if (j.decision < DECISION_HOLD && m->to < r->g->n && r->p[m->to].infected && r->manner->trigger == BY_MESSAGE && r->now_ms >= r->start_ms)
		due(r, r->now_ms + r->manner->gap_ms, REPLY, m->to, m->from);
}

/* --- one run --------------------------------------------------------------------------------------------------------------- */

/* Somebody who is there and has people to write to; who is written to, when the worm waits for that. */
static uint32_t victim(struct run *r, const struct simulate_message *m)
{
	uint32_t who = !m ? simulate_below(&r->random, r->g->n) : r->manner->trigger == BY_MESSAGE && m->to < r->g->n ? m->to : m->from;

	for (unsigned i = 0; i < 1000 && (r->p[who].infected || r->g->first[who + 1] - r->g->first[who] < 4); i++)
		who = simulate_below(&r->random, r->g->n);
	return who;
}

static void outbreak(struct run *r, const struct simulate_message *m)
{
	unsigned n = r->manner->hijacked ? (r->g->n * r->manner->hijacked + 999) / 1000 : 1;

	r->now_ms = r->start_ms;
	for (unsigned i = 0; i < r->manner->outside; i++) {
		for (unsigned k = 0; k < OUTSIDE_CONTACTS; k++)
			r->reached[i * OUTSIDE_CONTACTS + k] = simulate_below(&r->random, r->g->n);
		infect(r, r->g->n + i, true);
	}
	for (unsigned i = 0; !r->manner->outside && i < n; i++)
		infect(r, victim(r, i ? NULL : m), true);
}

static void play(struct run *r)
{
	const struct simulate_traffic *t = r->c->traffic;
	size_t last = t ? t->n : 0, at = t && last ? simulate_next(&r->random) % (last / 2 + 1) : 0;
	uint64_t hours = r->c->hours ? r->c->hours : simulate_words_shape(r->c->shape)->hours;
	const struct simulate_message *m = last ? &t->v[at < last ? at : last - 1] : NULL;
	uint64_t base = BEGINNING_MS;
	bool begun = false;

	r->start_ms = base + (m ? m->ms : 0);
	r->end_ms = r->start_ms + hours * HOUR_MS;
	while (at > 0 && t->v[at - 1].ms + WARM_MS > m->ms)
		at--;
	while (r->err == 0) {
		uint64_t next_honest = at < last ? base + t->v[at].ms : UINT64_MAX, next_event = r->n ? r->heap[0].ms : UINT64_MAX;

		if (!begun && r->start_ms <= next_honest && r->start_ms <= next_event) {
			begun = true;
			outbreak(r, m);
			continue;
		}
		if ((next_honest > r->end_ms && next_event > r->end_ms) || (next_honest == UINT64_MAX && next_event == UINT64_MAX))
			break;
		if (next_honest <= next_event) {
			r->now_ms = next_honest;
			honest(r, &t->v[at++]);
		} else {
			struct event e = take(r);

			r->now_ms = e.ms;
			if (e.kind == STEP)
				step(r, e.who);
			else if (e.kind == CLICK)
				infect(r, e.who, false);
			else if (e.kind == ANSWER)
				answer(r, &e);
			else if (!r->p[e.who].frozen)
				send_copy(r, e.who, e.to, false);
		}
	}
	r->now_ms = r->end_ms;
	point(r);
}

int simulate_run(const struct simulate_conf *conf, struct str policy, struct arena *a, struct simulate_result *ret, struct str *ret_why)
{
	struct run r = { .c = conf, .manner = simulate_words_manner(conf->shape), .g = conf->graph, .res = ret, .random = simulate_seed(conf->seed * 31 + 7) };
	struct policy *p;
	int e = policy_parse(policy, "policy.yaml", SIMULATE_DOMAIN, a, &p, ret_why);

	*ret = (struct simulate_result){ .accounts = conf->graph->n };
	if (e < 0)
		return e;
	e = guard_new(p, &r.guard);
	if (e < 0)
		return e;
	r.arena = arena_new(ARENA_BYTES);
	r.p = calloc(conf->graph->n + r.manner->outside, sizeof(*r.p));
	r.reached = calloc(r.manner->outside * OUTSIDE_CONTACTS + 1, sizeof(*r.reached));
	if (conf->texts)
		r.text_at = simulate_next(&r.random) % conf->texts->n;
	if (r.arena && r.p && r.reached)
		play(&r);
	e = r.arena && r.p && r.reached ? r.err : ERR_NOMEM;
	free(r.p);
	free(r.reached);
	free(r.heap);
	free(r.questions);
	arena_free(&r.arena);
	guard_free(&r.guard);
	return e;
}
