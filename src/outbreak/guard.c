/* guard.c - see guard.h. */
#include "outbreak/guard.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/b64.h"
#include "base/list.h"
#include "base/map.h"
#include "base/rand.h"
#include "inspect/fingerprint.h"
#include "inspect/links.h"
#include "inspect/stranger.h"
#include "outbreak/campaign.h"
#include "outbreak/sender.h"
#include "outbreak/spread.h"
#include "policy/opinion.h"

#define BUCKET 8			/* clusters that share a key; the newest stay */
#define CONTAINED_SKIPPED 64		/* when room is made, contained ones are passed over, so many at most */
#define PATIENCE_MS 60000		/* to see the bot's question; who goes on after that did not want to see it */
#define PATIENCE_COPIES 3		/* further copies after that */
#define CONFIRMED_COPIES 100		/* that a sender who said he meant it may send beyond his own */
#define BURST_COPIES 10			/* further copies whatever the time */

/* Who was asked, or has answered. */
struct asked {
	uint64_t hash;
	bool held, confirmed;
	unsigned n_held;		/* copies held since he was asked */
	uint64_t asked_ms;
};

struct cluster {
	struct list lru;
	struct fingerprint print;
	bool known;			/* print is filled: it can be compared */
	char id[GUARD_FINGERPRINT];
	struct str zero;		/* own memory: who sent it first */
	struct spread spread;
	struct asked *asked;
	unsigned n_asked, room;
	bool past;			/* somebody wanted more copies than there are */
	bool contained, by_operator;
	uint64_t last_ms;
};

struct bucket {
	struct cluster *v[BUCKET];
	unsigned n;
};

/* The sender's held clusters: a second one freezes the account. */
struct trigger {
	char id[GUARD_FINGERPRINT];
	uint64_t when_ms;
};

struct memory {
	struct map *ids;		/* id -> cluster */
	struct map *keys;		/* key -> bucket */
	struct map *triggers;		/* sender -> trigger */
	struct list lru;		/* least recently used first */
	struct sender_table *senders;
	struct campaign *campaign;
	struct map *people;		/* skeleton -> the name, malloc */
	uint64_t hash_key[2];
};

struct guard {
	struct policy *policy;
	struct dlp *dlp;
	struct memory *mem;
};

/* --- memory ---------------------------------------------------------------------------------------------------- */

static void cluster_unlink(struct memory *m, struct cluster *c)
{
	uint64_t keys[FINGERPRINT_KEYS];
	unsigned n = c->known ? fingerprint_keys(&c->print, keys) : 0;

	for (unsigned i = 0; i < n; i++) {
		struct str key = str_make((const char *)&keys[i], sizeof(keys[i]));
		struct bucket *b = map_get(m->keys, key);
		unsigned left = 0;

		for (unsigned k = 0; b && k < b->n; k++)
			if (b->v[k] != c)
				b->v[left++] = b->v[k];
		if (b)
			b->n = left;
		if (b && left == 0)
			free(map_take(m->keys, key));
	}
	if (map_get(m->ids, str_of(c->id)) == c)
		map_take(m->ids, str_of(c->id));
	list_remove(&c->lru);
}

static void cluster_free(struct cluster *c)
{
	spread_release(&c->spread);
	free(c->asked);
	free((void *)(uintptr_t)c->zero.p);
	free(c);
}

static void memory_free(struct memory *m)
{
	struct map_iter it = { 0 };
	void *v;

	if (!m)
		return;
	while (!list_empty(&m->lru)) {
		struct cluster *c = LIST_ITEM(m->lru.next, struct cluster, lru);

		cluster_unlink(m, c);
		cluster_free(c);
	}
	while (m->keys && map_next(m->keys, &it, NULL, &v))
		free(v);
	for (it.at = 0; m->triggers && map_next(m->triggers, &it, NULL, &v);)
		free(v);
	for (it.at = 0; m->people && map_next(m->people, &it, NULL, &v);)
		free(v);
	map_free(&m->people);
	map_free(&m->ids);
	map_free(&m->keys);
	map_free(&m->triggers);
	sender_table_free(&m->senders);
	campaign_free(&m->campaign);
	campaign_free(&m->campaign);
	free(m);
}

int guard_new(struct policy *p, struct guard **ret)
{
	struct guard *g = calloc(1, sizeof(*g));
	struct memory *m = calloc(1, sizeof(*m));
	size_t bad;

	if (!g || !m)
		goto fail;
	list_init(&m->lru);
	m->ids = map_new(GUARD_CLUSTERS + 1);
	m->keys = map_new((size_t)(GUARD_CLUSTERS + 1) * FINGERPRINT_KEYS);
	m->triggers = map_new(GUARD_TRIGGERS);
	m->senders = sender_table_new(SENDERS);
	m->people = map_new(GUARD_PEOPLE);
	if (!m->people || !m->ids || !m->keys || !m->triggers || !m->senders || campaign_new(STR_NONE, &m->campaign) < 0)
		goto fail;
	if (dlp_new(&p->leaks.conf, &g->dlp, &bad) < 0)
		goto fail;
	rand_bytes(m->hash_key, sizeof(m->hash_key));
	g->policy = p;
	g->mem = m;
	*ret = g;
	return 0;
fail:
	memory_free(m);
	free(g);
	policy_free(&p);
	return ERR_NOMEM;
}

void guard_free(struct guard **g)
{
	if (!*g)
		return;
	memory_free((*g)->mem);
	dlp_free(&(*g)->dlp);
	policy_free(&(*g)->policy);
	free(*g);
	*g = NULL;
}

void guard_inherit(struct guard *g, struct guard *old)
{
	struct memory *m = g->mem;

	if (!old)
		return;
	g->mem = old->mem;
	old->mem = m;
}

const struct policy *guard_policy(const struct guard *g)
{
	return g->policy;
}

size_t guard_clusters(const struct guard *g)
{
	return map_count(g->mem->ids);
}

static uint64_t hash_of(const struct guard *g, struct str jid)
{
	return map_hash(g->mem->hash_key, jid);
}

static int index_cluster(struct memory *m, struct cluster *c)
{
	uint64_t keys[FINGERPRINT_KEYS];
	unsigned n = fingerprint_keys(&c->print, keys);

	for (unsigned i = 0; i < n; i++) {
		struct str key = str_make((const char *)&keys[i], sizeof(keys[i]));
		struct bucket *b = map_get(m->keys, key);

		if (!b) {
			b = calloc(1, sizeof(*b));
			if (!b || map_put(m->keys, key, b) < 0) {
				free(b);
				return ERR_NOMEM;
			}
		}
		if (b->n == BUCKET) {
			unsigned out = 0;

			while (out < BUCKET - 1 && (b->v[out]->contained || b->v[out]->past))
				out++;		/* what is dangerous stays */
			memmove(b->v + out, b->v + out + 1, (BUCKET - 1 - out) * sizeof(b->v[0]));
			b->n--;
		}
		b->v[b->n++] = c;
	}
	return 0;
}

static void touch(struct memory *m, struct cluster *c, uint64_t now_ms)
{
	c->last_ms = now_ms > c->last_ms ? now_ms : c->last_ms;
	list_remove(&c->lru);
	list_append(&m->lru, &c->lru);
}

/* print NULL: known by its id alone. */
static int cluster_new(struct guard *g, const struct fingerprint *print, struct str id, struct str zero, struct cluster **ret)
{
	struct memory *m = g->mem;
	struct cluster *c = calloc(1, sizeof(*c));
	char *who = malloc(zero.n + 1);
	int r = c && who ? 0 : ERR_NOMEM;

	if (r == 0 && map_count(m->ids) >= GUARD_CLUSTERS) {
		struct cluster *oldest = LIST_ITEM(m->lru.next, struct cluster, lru);

		for (unsigned i = 0; oldest->contained && i < CONTAINED_SKIPPED; i++) {
			list_remove(&oldest->lru);
			list_append(&m->lru, &oldest->lru);
			oldest = LIST_ITEM(m->lru.next, struct cluster, lru);
		}
		cluster_unlink(m, oldest);
		cluster_free(oldest);
	}
	if (r < 0 || id.n >= sizeof(c->id)) {
		free(c);
		free(who);
		return r < 0 ? r : ERR_BAD_FORMAT;
	}
	memcpy(who, zero.p, zero.n);
	who[zero.n] = '\0';
	c->zero = str_make(who, zero.n);
	memcpy(c->id, id.p, id.n);
	list_append(&m->lru, &c->lru);
	r = map_put(m->ids, str_of(c->id), c);
	if (r == 0 && print) {
		c->print = *print;
		c->known = true;
		r = index_cluster(m, c);
	}
	if (r < 0) {
		cluster_unlink(m, c);
		cluster_free(c);
		return r;
	}
	*ret = c;
	return 0;
}

/* Forgotten: nobody has sent it for the whole window, and it is not contained. */
static bool expired(const struct guard *g, const struct cluster *c, uint64_t now_ms)
{
	return !c->contained && c->last_ms + g->policy->window_ms < now_ms;
}

static struct cluster *find(struct guard *g, const struct fingerprint *print, struct str id, uint64_t now_ms)
{
	struct memory *m = g->mem;
	struct cluster *c = map_get(m->ids, id), *best = NULL;
	uint64_t keys[FINGERPRINT_KEYS];
	unsigned n;

	if (c && !expired(g, c, now_ms)) {
		if (!c->known) {	/* from before the restart, by its name alone */
			c->print = *print;
			c->known = index_cluster(m, c) == 0;
		}
		return c;
	}
	if (c) {
		cluster_unlink(m, c);
		cluster_free(c);
	}
	n = fingerprint_keys(print, keys);
	for (unsigned i = 0; i < n; i++) {
		struct bucket *b = map_get(m->keys, str_make((const char *)&keys[i], sizeof(keys[i])));

		for (unsigned k = 0; b && k < b->n; k++) {
			if (expired(g, b->v[k], now_ms) || !fingerprint_alike(&b->v[k]->print, print))
				continue;
			if (!best || b->v[k]->spread.n > best->spread.n || b->v[k]->contained)
				best = b->v[k];
		}
	}
	return best;
}

static struct asked *asked_find(const struct cluster *c, uint64_t hash)
{
	for (unsigned i = 0; i < c->n_asked; i++)
		if (c->asked[i].hash == hash)
			return &c->asked[i];
	return NULL;
}

/* NULL: no memory. */
static struct asked *asked_of(struct cluster *c, uint64_t hash)
{
	struct asked *s = asked_find(c, hash);

	if (s)
		return s;
	if (c->n_asked == GUARD_SENDERS)
		memmove(c->asked, c->asked + 1, --c->n_asked * sizeof(*c->asked));
	if (c->n_asked == c->room) {
		unsigned room = c->room ? c->room * 2 : 2;
		struct asked *v = realloc(c->asked, room * sizeof(*v));

		if (!v)
			return NULL;
		c->asked = v;
		c->room = room;
	}
	c->asked[c->n_asked] = (struct asked){ .hash = hash };
	return &c->asked[c->n_asked++];
}

/* --- judging --------------------------------------------------------------------------------------------------------- */

/* The link that counts: the first that policy does not trust, rather not one of an everyday site (a decoy). Where there
 * are more links than are looked at, none is trusted. */
static const struct url *risky_link(const struct guard *g, const struct links *l)
{
	const struct url *decoy = l->more && l->n ? &l->v[0] : NULL;
	bool any = false;

	for (unsigned i = 0; i < l->n; i++) {
		if (links_trusted(&l->v[i], &g->policy->links))
			continue;
		if (!links_everyday(&l->v[i], &g->policy->links))
			return &l->v[i];
		decoy = any ? decoy : &l->v[i];
		any = true;
	}
	return decoy;
}

static void forget_triggers(struct guard *g, uint64_t now_ms)
{
	struct map_iter it = { 0 };
	struct str key;
	void *v;

	while (map_next(g->mem->triggers, &it, &key, &v))
		if (((struct trigger *)v)->when_ms + g->policy->window_ms < now_ms)
			free(map_take(g->mem->triggers, key));
}

/* A sender whose other fingerprint was held within the window: true. Remembers this one. */
static bool second_trigger(struct guard *g, struct str from, const struct cluster *c, uint64_t now_ms)
{
	struct trigger *t = map_get(g->mem->triggers, from);

	if (t && strcmp(t->id, c->id) != 0 && t->when_ms + g->policy->window_ms >= now_ms)
		return true;
	if (!t) {
		if (map_count(g->mem->triggers) >= GUARD_TRIGGERS)
			forget_triggers(g, now_ms);
		t = calloc(1, sizeof(*t));
		if (!t || map_put(g->mem->triggers, from, t) < 0) {
			free(t);
			return false;
		}
	}
	memcpy(t->id, c->id, sizeof(t->id));
	t->when_ms = now_ms;
	return false;
}

/* He was asked, and the copies go on: nobody is reading there. */
static bool goes_on(struct asked *s, uint64_t now_ms)
{
	s->n_held++;
	return s->n_held > BURST_COPIES || (s->n_held > PATIENCE_COPIES && now_ms >= s->asked_ms + PATIENCE_MS);
}

static enum decision stop(struct guard *g, struct cluster *c, const struct spread_view *view, const struct subject *sub, struct judgement *j)
{
	struct asked *s = asked_of(c, j->from_hash);
	bool on;

	if (!s)
		return DECISION_HOLD;
	if (!s->held || s->asked_ms + g->policy->window_ms < sub->ts_ms) {
		j->first_hold = s->held = true;
		s->n_held = 0;
		s->asked_ms = sub->ts_ms;
	}
	on = goes_on(s, sub->ts_ms);
	/* Who only passed one thing on is not remembered against; who has sent his three and wants more is. */
	if ((view->mine >= g->policy->copies || s->n_held > 1) && second_trigger(g, sub->from, c, sub->ts_ms))
		on = true;
	return on ? DECISION_FREEZE : DECISION_HOLD;
}

/* Is there room for one more copy? Of a sender policy's copies; of a whole tree as many, once it was passed on; who has
 * confirmed has CONFIRMED_COPIES. */
static bool room_for(const struct guard *g, const struct spread_view *view, bool confirmed)
{
	unsigned each = g->policy->copies;

	if (confirmed && !view->tree_relayed)
		return view->mine < each + CONFIRMED_COPIES;
	return !view->past && view->mine < each && (!view->tree_relayed || view->tree_copies < each);
}

/* What the cluster says about one more copy; the copy is counted when it may go. */
static enum decision weigh(struct guard *g, struct cluster *c, uint64_t link, const struct subject *sub, struct verdict *v, struct judgement *j)
{
	struct spread_copy copy = { .from = j->from_hash, .to = j->to_hash, .link = link, .ms = sub->ts_ms };
	const struct asked *s = asked_find(c, j->from_hash);
	struct spread_view view;
	bool chain, relayed;

	spread_forget(&c->spread, sub->ts_ms > g->policy->window_ms ? sub->ts_ms - g->policy->window_ms : 0);
	spread_look(&c->spread, &copy, &view);
	copy.root = view.root;
	if (!c->contained) {
		if (view.again) {
			spread_again(&c->spread, &copy);
			return DECISION_DELIVER;	/* the same person once more: no new copy */
		}
		if (view.answer && !view.past)
			return DECISION_DELIVER;
		chain = view.link_senders >= 3 && view.link_relayed;
		if (!chain && room_for(g, &view, s && s->confirmed)) {
			if (spread_add(&c->spread, &copy, sub->from) < 0)
				return DECISION_HOLD;
			j->reserved = true;
			return DECISION_DELIVER;
		}
		relayed = chain || view.tree_relayed;
		inspect_add(v, relayed ? WORM_RELAY : WORM_FANOUT, str_of(c->id));
		if (view.past || chain || (relayed && view.tree_senders >= 3))
			c->contained = j->outbreak_began = true;
		spread_past(&c->spread, view.root, true);
		c->past = true;
	}
	if (c->contained) {
		j->outbreak = true;
		inspect_add(v, WORM_OUTBREAK, str_of(c->id));
	}
	if (spread_name(&c->spread, view.root).n)
		j->patient_zero = spread_name(&c->spread, view.root);
	return stop(g, c, &view, sub, j);
}

static int spread(struct guard *g, const struct subject *s, const struct url *risky, struct verdict *v, struct judgement *j, enum decision *ret)
{
	struct fingerprint print;
	struct cluster *c;
	int r;

	fingerprint_of(s, risky, links_everyday(risky, &g->policy->links), &print);
	fingerprint_id(&print, j->fingerprint);
	c = find(g, &print, str_of(j->fingerprint), s->ts_ms);
	if (!c) {
		r = cluster_new(g, &print, str_of(j->fingerprint), s->from, &c);
		if (r < 0)
			return r;
	}
	touch(g->mem, c, s->ts_ms);
	memcpy(j->fingerprint, c->id, sizeof(j->fingerprint));
	j->risky = true;
	j->patient_zero = c->zero;
	*ret = weigh(g, c, print.link, s, v, j);
	j->n_senders = *ret == DECISION_DELIVER ? 1 : spread_senders(&c->spread);
	return 0;
}

static bool is_leak(enum rule rule)
{
	return str_is(str_of(inspect_rule_inspector(rule)), "dlp");
}

static bool is_secret(enum rule rule)
{
	return rule == DLP_PRIVATE_KEY || rule == DLP_TOKEN || rule == DLP_PASSWORD;
}

/* What policy does with what was found, where it goes. */
static enum policy_leak leak_action(const struct policy *p, const struct subject *s, const struct verdict *v)
{
	unsigned most = POLICY_LEAK_ALLOW;

	for (unsigned i = 0; i < v->n; i++) {
		unsigned one;

		if (!is_leak(v->f[i].rule))
			continue;
		one = s->outward ? p->leaks.outside : !s->known ? p->leaks.strangers : p->leaks.inside;
		if (!s->outward && s->known && is_secret(v->f[i].rule) && p->leaks.secrets_inside > one)
			one = p->leaks.secrets_inside;
		if (v->f[i].rule == DLP_OWN_PASSWORD && p->leaks.own_password > one)
			one = p->leaks.own_password;
		most = one > most ? one : most;
	}
	return (enum policy_leak)most;
}

static int settle(struct guard *g, struct verdict *v, struct arena *a, enum decision spreading, struct judgement *j)
{
	struct finding *f = v->n ? arena_alloc(a, v->n * sizeof(*f)) : NULL;
	enum decision scored;

	if (v->n && !f)
		return ERR_NOMEM;
	for (unsigned i = 0; i < v->n; i++) {
		f[i] = v->f[i];
		f[i].weight = is_leak(f[i].rule) && j->leak != POLICY_LEAK_WEIGH && j->leak != POLICY_LEAK_HOLD ? 0 : g->policy->weights[f[i].rule];
		j->score += f[i].weight;
	}
	j->findings = f;
	j->n_findings = v->n;
	scored = opinion_of_score(g->policy, j->score);
	if (j->leak == POLICY_LEAK_HOLD && scored < DECISION_HOLD)
		scored = DECISION_HOLD;
	j->decision = scored > spreading ? scored : spreading;
	if (scored > spreading && scored >= DECISION_HOLD)
		j->first_hold = true;
	if (j->risky) {
		j->patient_zero = arena_str(a, j->patient_zero);
		if (!j->patient_zero.p)
			return ERR_NOMEM;
	}
	if (j->outbreak_began) {
		char text[GUARD_MEMORY];

		guard_memory(g, str_of(j->fingerprint), text);
		j->memory = arena_str(a, str_of(text));
		if (!j->memory.p)
			return ERR_NOMEM;
	}
	return 0;
}

int guard_name(struct guard *g, const struct subject *s, struct arena *a, char ret[GUARD_FINGERPRINT])
{
	struct fingerprint print;
	const struct url *risky;
	struct cluster *c;
	struct links links;

	links_gather(s, a, &links);
	risky = risky_link(g, &links);
	fingerprint_of(s, risky, risky && links_everyday(risky, &g->policy->links), &print);
	if (!risky && print.n_words == 0)
		return ERR_NOT_FOUND;
	fingerprint_id(&print, ret);
	c = risky ? find(g, &print, str_of(ret), s->ts_ms) : NULL;
	if (!c && risky && cluster_new(g, &print, str_of(ret), s->from, &c) < 0)
		return ERR_NOMEM;
	if (c) {
		touch(g->mem, c, s->ts_ms);
		memcpy(ret, c->id, sizeof(c->id));
	}
	return 0;
}

/* --- strangers -------------------------------------------------------------------------------------------------------- */

/* Domains and ranges of addresses stand among the senders under hashes of their own. */
#define OF_DOMAIN 0x9e3779b97f4a7c15ull
#define OF_PREFIX 0xc2b2ae3d27d4eb4full

static struct str domain_of(struct str bare)
{
	ptrdiff_t at = str_find_char(bare, '@');

	return str_cut(bare, (size_t)(at + 1));
}

static unsigned knock_as(struct guard *g, uint64_t hash, uint64_t person, uint64_t now_ms)
{
	struct sender *s = sender_of(g->mem->senders, hash, now_ms);

	if (!s)
		return 0;
	stranger_note(&s->stranger, person, now_ms);
	return stranger_tried(&s->stranger, now_ms);
}

/* As many as a sender may have tried; one more than that when his domain or his range of addresses is past its own. */
static unsigned knock(struct guard *g, const struct guard_knock *k)
{
	uint64_t person = hash_of(g, k->to), domain = hash_of(g, domain_of(k->from)) ^ OF_DOMAIN;
	unsigned all = knock_as(g, domain, person, k->now_ms);
	unsigned near = k->prefix && !k->partner ? knock_as(g, k->prefix ^ OF_PREFIX, person, k->now_ms) : 0;
	unsigned own = knock_as(g, hash_of(g, k->from), person, k->now_ms);
	bool past = all > (k->partner ? STRANGER_TRIES_PARTNER : STRANGER_TRIES_DOMAIN) || near > STRANGER_TRIES_PREFIX;

	return past && own <= STRANGER_TRIES ? STRANGER_TRIES + 1 : own;
}

bool guard_knock(struct guard *g, const struct guard_knock *k)
{
	return knock(g, k) <= STRANGER_TRIES;
}

static void unknock_as(struct guard *g, uint64_t hash, uint64_t person)
{
	struct sender *s = sender_find(g->mem->senders, hash);

	if (s)
		stranger_forget(&s->stranger, person);
}

void guard_known(struct guard *g, const struct guard_knock *k)
{
	uint64_t person = hash_of(g, k->to);

	unknock_as(g, hash_of(g, domain_of(k->from)) ^ OF_DOMAIN, person);
	unknock_as(g, hash_of(g, k->from), person);
	if (k->prefix && !k->partner)
		unknock_as(g, k->prefix ^ OF_PREFIX, person);
}

void guard_meet(struct guard *g, struct str name)
{
	char skeleton[LOOKALIKE_SKELETON], *copy;

	lookalike_skeleton(name, skeleton);
	if (!*skeleton || map_get(g->mem->people, str_of(skeleton)))
		return;
	copy = strndup(name.p, name.n);
	if (copy && map_put(g->mem->people, str_of(skeleton), copy) < 0)
		free(copy);
}

static unsigned approach(struct guard *g, const struct subject *s)
{
	bool outside = s->via == VIA_S2S || s->via == VIA_GATEWAY;

	return s->known || !outside ? 0 : knock(g, &(struct guard_knock){ s->from, s->to, s->prefix, s->partner, s->ts_ms });
}

/* What everybody's inspector sees, each in a line of its own; they name, others weigh. */
static int see(const struct guard *g, const struct subject *s, const struct links *links, unsigned tried, struct verdict *v)
{
	links_verdict(links, &g->policy->links, v);
	stranger_verdict(s, tried, &(struct stranger_conf){ .people = g->mem->people }, v);
	if (s->audience >= GUARD_MANY && risky_link(g, links))
		inspect_add(v, WORM_ROOM, s->to);
	if (s->own_password)
		inspect_add(v, DLP_OWN_PASSWORD, STR_NONE);
	/* What comes in from elsewhere is no leak of ours. */
	return s->via == VIA_LOCAL || s->via == VIA_ROOM ? dlp_verdict(g->dlp, s, v) : 0;
}

/* What the rules say goes beside what the weights say; the stricter of the two is done. */
static void heed(const struct guard *g, const struct opinion *o, struct judgement *j)
{
	const struct policy *p = g->policy;

	j->link_act = o->link;
	if (j->decision == opinion_of_score(p, j->score))
		j->at = j->decision == DECISION_REJECT ? p->reject : j->decision == DECISION_HOLD ? p->hold : j->decision == DECISION_FLAG ? p->flag : 0;
	if (o->decision > j->decision) {
		j->decision = o->decision;
		j->at = 0;
		j->first_hold |= o->decision >= DECISION_HOLD;
	}
	j->differs = o->would > j->decision;
	j->would = o->would;
	j->would_by = o->would_by;
}

/* The same message before the policy that is on trial. Links are looked at anew; what else was seen is seen for both. */
static void on_trial(const struct guard *g, const struct subject *s, const struct links *links, const struct verdict *seen, enum decision spreading,
		     struct judgement *j)
{
	const struct policy *p = g->policy->trial;
	struct guard other = { .policy = g->policy->trial, .mem = g->mem };
	enum decision d = spreading, scored;
	struct verdict v = { 0 };
	struct opinion o;
	unsigned score = 0;

	links_verdict(links, &p->links, &v);
	for (unsigned i = 0; i < seen->n; i++) {
		const char *inspector = inspect_rule_inspector(seen->f[i].rule);

		if (strcmp(inspector, "links") != 0 && strcmp(inspector, "policy") != 0)
			inspect_add(&v, seen->f[i].rule, str_of(seen->f[i].evidence));
	}
	opinion_of(p, s, risky_link(&other, links) != NULL, &v, &o);
	for (unsigned i = 0; i < v.n; i++)
		score += p->weights[v.f[i].rule];
	scored = opinion_of_score(p, score);
	d = scored > d ? scored : d;
	d = o.decision > d ? o.decision : d;
	if (d == j->decision)
		return;
	j->differs = true;
	j->would = d;
	j->would_by = STR("the policy on trial");
}

static bool goes_out(enum decision d)
{
	return d == DECISION_DELIVER || d == DECISION_FLAG || d == DECISION_DEFANG;
}

int guard_judge(struct guard *g, const struct subject *given, struct arena *a, struct judgement *ret)
{
	struct judgement j = { .patient_zero = STR_NONE, .memory = STR_NONE, .would_by = STR_NONE,
			       .from_hash = hash_of(g, given->from), .to_hash = hash_of(g, given->to) };
	unsigned tried = approach(g, given);
	struct sender *from = sender_of(g->mem->senders, j.from_hash, given->ts_ms);
	struct subject s = *given;
	struct verdict v = { 0 };
	struct links links;
	const struct url *risky;
	struct opinion o;
	enum decision spreading = DECISION_DELIVER;
	int r = from ? 0 : ERR_NOMEM;

	if (r < 0)
		return r;
	memcpy(j.policy, g->policy->digest, sizeof(j.policy));
	sender_facts(from, g->policy->window_ms, s.ts_ms, &s.sender);
	s.sender.to_new = !sender_wrote_to(from, j.to_hash);
	links_gather(&s, a, &links);
	r = see(g, &s, &links, tried, &v);
	beacon_verdict(&from->beacon, &s, (uint32_t)j.to_hash, &v);
	campaign_see(g->mem->campaign, &s, &from->spim, j.to_hash, g->policy->window_ms, &v);
	j.leak = leak_action(g->policy, &s, &v);
	risky = risky_link(g, &links);
	if (r == 0 && risky)
		r = spread(g, &s, risky, &v, &j, &spreading);
	opinion_of(g->policy, &s, risky != NULL, &v, &o);
	if (r == 0)
		r = settle(g, &v, a, spreading, &j);
	if (r == 0)
		heed(g, &o, &j);
	if (r == 0 && g->policy->trial)
		on_trial(g, &s, &links, &v, spreading, &j);
	if (r == 0 && j.would_by.n) {
		j.would_by = arena_str(a, j.would_by);	/* the policy may be replaced before it is written down */
		r = j.would_by.p ? 0 : ERR_NOMEM;
	}
	if (j.reserved && (r < 0 || !goes_out(j.decision))) {
		guard_unreserve(g, &j);
		j.reserved = false;
	}
	if (r < 0)
		return r;
	sender_note(g->mem->senders, from, j.to_hash, s.known, s.ts_ms);
	campaign_note(g->mem->campaign, &s, &from->spim, j.to_hash);
	*ret = j;
	return 0;
}

void guard_unreserve(struct guard *g, const struct judgement *j)
{
	struct cluster *c = j->reserved ? map_get(g->mem->ids, str_of(j->fingerprint)) : NULL;

	if (c)
		spread_remove(&c->spread, j->from_hash, j->to_hash);
}

struct str guard_mask(struct guard *g, struct str text, struct arena *a)
{
	struct dlp_spans spans;

	if (dlp_find(g->dlp, text, &spans) < 0 || spans.more)
		return (struct str){ NULL, 0 };
	return spans.n ? dlp_masked(&spans, text, a) : text;
}

/* --- people's words ------------------------------------------------------------------------------------------------------ */

bool guard_confirm(struct guard *g, struct str fingerprint, struct str sender)
{
	struct cluster *c = map_get(g->mem->ids, fingerprint);
	uint64_t hash = hash_of(g, sender);
	struct asked *s;

	if (!c)
		return true;			/* forgotten meanwhile: nothing spreads */
	if (c->by_operator)
		return false;
	for (unsigned i = 0; i < c->n_asked; i++)
		if (c->asked[i].hash != hash && c->asked[i].held)
			return false;
	for (unsigned i = 0; i < c->spread.n; i++)
		if (c->spread.v[i].from != c->spread.v[i].root && (c->spread.v[i].root == hash || c->spread.v[i].from == hash))
			return false;
	s = asked_of(c, hash);
	if (!s)
		return false;
	s->confirmed = true;
	s->held = false;
	s->n_held = 0;
	c->contained = c->past = false;
	spread_past(&c->spread, hash, false);
	free(map_take(g->mem->triggers, sender));
	return true;
}

void guard_contain(struct guard *g, struct str fingerprint, bool contained)
{
	struct cluster *c = map_get(g->mem->ids, fingerprint);

	if (!c && (!contained || cluster_new(g, NULL, fingerprint, STR_NONE, &c) < 0))
		return;
	c->contained = c->by_operator = contained;
	if (!contained) {
		c->past = false;
		spread_release(&c->spread);
		for (unsigned i = 0; i < c->n_asked; i++)
			c->asked[i].held = false;
	}
}

/* --- over a restart ---------------------------------------------------------------------------------------------------------- */

void guard_memory(const struct guard *g, struct str fingerprint, char ret[GUARD_MEMORY])
{
	const struct cluster *c = map_get(g->mem->ids, fingerprint);
	size_t n;

	ret[0] = '\0';
	if (!c || !c->known)
		return;
	n = (size_t)snprintf(ret, GUARD_MEMORY, "%d %016llx %016llx %08x ", c->print.has_link + 2 * c->print.everyday,
			     (unsigned long long)c->print.site, (unsigned long long)c->print.link, c->print.shape);
	for (unsigned i = 0; i < c->print.n_words && n + 9 < GUARD_MEMORY; i++)
		n += (size_t)snprintf(ret + n, GUARD_MEMORY - n, "%08x", c->print.words[i]);
}

static bool recall(struct str text, struct fingerprint *ret)
{
	char z[GUARD_MEMORY];
	unsigned long long site, link;
	int has, at = 0;

	*ret = (struct fingerprint){ 0 };
	if (text.n >= sizeof(z))
		return false;
	memcpy(z, text.p, text.n);
	z[text.n] = '\0';
	if (sscanf(z, "%d %llx %llx %8x %n", &has, &site, &link, &ret->shape, &at) != 4 || at == 0)
		return false;
	ret->has_link = has & 1;
	ret->everyday = has & 2;
	ret->site = site;
	ret->link = link;
	for (const char *p = z + at; strlen(p) >= 8 && ret->n_words < FINGERPRINT_WORDS; p += 8)
		if (sscanf(p, "%8x", &ret->words[ret->n_words]) == 1)
			ret->n_words++;
	return true;
}

int guard_remember(struct guard *g, struct str fingerprint, struct str memory, bool contained, uint64_t now_ms)
{
	struct cluster *c = map_get(g->mem->ids, fingerprint);
	struct fingerprint print;
	bool known = recall(memory, &print);
	int r = c ? 0 : cluster_new(g, known ? &print : NULL, fingerprint, STR_NONE, &c);

	if (r < 0)
		return r;
	c->contained = contained;
	c->last_ms = now_ms;
	return 0;
}

int guard_remember_copy(struct guard *g, struct str fingerprint, struct str from, struct str to, uint64_t when_ms, bool delivered)
{
	struct cluster *c = map_get(g->mem->ids, fingerprint);
	struct spread_copy copy = { .from = hash_of(g, from), .to = hash_of(g, to), .ms = when_ms };
	struct spread_view view;
	struct asked *s;
	int r = c ? 0 : cluster_new(g, NULL, fingerprint, from, &c);

	if (r < 0)
		return r;
	touch(g->mem, c, when_ms);
	copy.link = c->known ? c->print.link : 0;
	spread_look(&c->spread, &copy, &view);
	copy.root = view.root;
	if (delivered)
		return view.again || view.answer ? 0 : spread_add(&c->spread, &copy, from);
	s = asked_of(c, copy.from);
	if (!s)
		return ERR_NOMEM;
	s->held = c->past = true;
	s->asked_ms = when_ms;
	s->n_held++;
	spread_past(&c->spread, view.root, true);
	return 0;
}
