/* guard.c - see guard.h. */
#include "outbreak/guard.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/b64.h"
#include "base/check.h"
#include "base/rand.h"
#include "inspect/stranger.h"
#include "outbreak/campaign.h"
#include "outbreak/guard_parts.h"
#include "policy/opinion.h"

#define PATIENCE_MS 60000		/* to see the bot's question; who goes on after that did not want to see it */
#define PATIENCE_COPIES 3		/* further copies after that */
#define CONFIRMED_COPIES 100		/* that a sender who said he meant it may send beyond his own */
#define BURST_COPIES 10			/* further copies whatever the time */
#define DAY_MS (24ull * 3600 * 1000)
#define TREE_MS (1ull * 3600 * 1000)	/* for how long strange links of one tree are counted together */
#define TREE_MORE 1			/* copies of a tree of strange links beyond policy's: it is not known that they are one thing */
#define TALK_MS (30ull * 60 * 1000)	/* who wrote within it waits for an answer */
#define WAVE_STRANGE 3			/* people who send one new thing within SPREAD_NEAR_MS */
#define WAVE_KNOWN 6			/* who send one link to a known site */
#define WAVE_TIMES 2			/* policy's copies: what goes out of one new thing meanwhile; or comes from outside at all */

/* The sender's held clusters: a second one freezes the account. */
struct trigger {
	char id[GUARD_FINGERPRINT];
	uint64_t when_ms;
};

/* --- memory ---------------------------------------------------------------------------------------------------- */

static void memory_free(struct memory *m)
{
	struct map_iter it = { 0 };
	void *v;

	if (!m)
		return;
	cluster_table_release(&m->clusters);
	while (m->triggers && map_next(m->triggers, &it, NULL, &v))
		free(v);
	for (it.at = 0; m->people && map_next(m->people, &it, NULL, &v);)
		free(v);
	map_free(&m->people);
	map_free(&m->triggers);
	sender_table_free(&m->senders);
	campaign_free(&m->campaign);
	sites_free(&m->sites);
	free(m);
}

int guard_new(struct policy *p, struct guard **ret)
{
	struct guard *g = calloc(1, sizeof(*g));
	struct memory *m = calloc(1, sizeof(*m));
	size_t bad;

	if (!g || !m)
		goto fail;
	if (cluster_table_init(&m->clusters) < 0)
		goto fail;
	m->triggers = map_new(GUARD_TRIGGERS);
	m->senders = sender_table_new(SENDERS);
	m->sites = sites_new();
	m->people = map_new(GUARD_PEOPLE);
	if (!m->people || !m->triggers || !m->senders || !m->sites || campaign_new(p->spim_model, &m->campaign) < 0)
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
	/* What was remembered of templates and learnt belongs to the model that saw it. */
	if (!str_eq(g->policy->spim_model, old->policy->spim_model)) {
		struct campaign *c = g->mem->campaign;

		g->mem->campaign = m->campaign;
		m->campaign = c;
	}
}

const struct policy *guard_policy(const struct guard *g)
{
	return g->policy;
}

size_t guard_clusters(const struct guard *g)
{
	return map_count(g->mem->clusters.ids);
}

/* --- judging --------------------------------------------------------------------------------------------------------- */

static void forget_triggers(struct guard *g, uint64_t now_ms)
{
	struct map_iter it = { 0 };
	struct str key;
	void *v;

	while (map_next(g->mem->triggers, &it, &key, &v))
		if (((struct trigger *)v)->when_ms + DAY_MS < now_ms)
			free(map_take(g->mem->triggers, key));
}

/* A sender whose other fingerprint was held within the window: true. Remembers this one. */
static bool second_trigger(struct guard *g, struct str from, const struct cluster *c, uint64_t now_ms)
{
	struct trigger *t = map_get(g->mem->triggers, from);

	if (t && strcmp(t->id, c->id) != 0 && t->when_ms + DAY_MS >= now_ms)
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

/* One message, as the clusters that it belongs to see it. */
struct copies {
	struct guard *g;
	const struct subject *sub;
	struct verdict *v;
	struct judgement *j;
	bool asked_for;			/* the receiver has just written to him */
	bool talk;			/* "try x.org": the name of a place that people know, no page of it */
};

enum counted { BY_CONTENT, BY_SITE, BY_TREE };

static enum decision stop(struct guard *g, struct cluster *c, enum counted by, const struct spread_view *view, const struct subject *sub, struct judgement *j)
{
	struct asked *s = cluster_asked(c, j->from_hash);
	bool on;

	if (!s)
		return DECISION_HOLD;
	if (!s->held || s->asked_ms + DAY_MS < sub->ts_ms) {
		j->first_hold = s->held = true;
		s->n_held = 0;
		s->asked_ms = sub->ts_ms;
	}
	on = goes_on(s, sub->ts_ms);
	/* Who only passed one thing on is not remembered against; who has sent his three and wants more is. */
	if (by != BY_TREE && (view->mine >= g->policy->copies || s->n_held > 1) && second_trigger(g, sub->from, c, sub->ts_ms))
		on = true;
	return on ? DECISION_FREEZE : DECISION_HOLD;
}

/* Is there room for one more copy? Of a sender policy's copies; of a whole tree as many, once it was passed on; who has
 * confirmed has CONFIRMED_COPIES. */
static bool room_for(const struct guard *g, enum counted by, const struct spread_view *view, bool confirmed)
{
	unsigned each = g->policy->copies;

	if (confirmed && !view->tree_relayed)
		return view->mine < each + CONFIRMED_COPIES;
	return !view->past && view->mine < each && (!view->tree_relayed || view->tree_copies < each + (by == BY_TREE ? TREE_MORE : 0));
}

static bool from_outside(const struct subject *s)
{
	return s->via == VIA_S2S || s->via == VIA_GATEWAY;
}

/* Those who received it send it on. */
static bool is_chain(const struct spread_view *view)
{
	return view->link_senders >= 3 && view->link_relayed;
}

/* Several who have nothing to do with one another send it at the same time: what hijacked accounts do. News travel so, too: it takes more
 * copies than a few. */
static bool is_wave(const struct guard *g, const struct cluster *c, const struct spread_view *view, const struct subject *sub)
{
	if (from_outside(sub) && c->novel && view->outside >= WAVE_TIMES * g->policy->copies)
		return true;
	if (c->novel)
		return view->near >= WAVE_STRANGE && view->near_people >= WAVE_TIMES * g->policy->copies;
	return view->near_link >= WAVE_KNOWN && view->near_people >= WAVE_TIMES * WAVE_KNOWN;
}

/* What the cluster says about one more copy; the copy is counted when it may go. */
static enum decision weigh(struct copies *k, struct cluster *c, enum counted by, uint64_t link)
{
	uint64_t window_ms = by == BY_TREE ? TREE_MS : k->g->policy->window_ms;
	struct spread_copy copy = { .from = k->j->from_hash, .to = k->j->to_hash, .link = link, .ms = k->sub->ts_ms, .outside = from_outside(k->sub),
				    .asked_for = k->asked_for && by == BY_TREE };
	const struct asked *s = cluster_asked_find(c, copy.from);
	bool confirmed = s && s->confirmed, alike = by == BY_CONTENT, chain, wave, relayed;
	struct spread_view view;

	spread_forget(&c->spread, copy.ms > window_ms ? copy.ms - window_ms : 0);
	spread_look(&c->spread, &copy, &view);
	copy.root = view.root;
	k->j->origin = view.root == copy.from && (by == BY_CONTENT || k->j->origin);
	if (!cluster_held(c)) {
		if (view.again) {
			spread_again(&c->spread, &copy);
			k->j->again = true;
			return DECISION_DELIVER;	/* the same person once more: no new copy */
		}
		if (view.answer && !view.past) {
			k->j->again = true;
			return DECISION_DELIVER;
		}
		chain = alike && !k->talk && is_chain(&view);
		wave = alike && !confirmed && is_wave(k->g, c, &view, k->sub);
		if (!chain && !wave && room_for(k->g, by, &view, confirmed)) {
			if (spread_add(&c->spread, &copy, k->sub->from) < 0)
				return DECISION_HOLD;
			memcpy(k->j->counted[by], c->id, sizeof(k->j->counted[by]));
			k->j->reserved = true;
			return DECISION_DELIVER;
		}
		relayed = chain || view.tree_relayed;
		inspect_add(k->v, relayed ? WORM_RELAY : wave ? WORM_WAVE : WORM_FANOUT, str_of(c->id));
		if (by != BY_TREE && (view.past || chain || (relayed && view.tree_senders >= 3)))
			c->contained = k->j->outbreak_began = true;
		spread_past(&c->spread, view.root, true);
		c->past = true;
	}
	if (cluster_held(c)) {
		k->j->outbreak = true;
		inspect_add(k->v, WORM_OUTBREAK, str_of(c->id));
	}
	if (spread_name(&c->spread, view.root).n)
		k->j->patient_zero = spread_name(&c->spread, view.root);
	return stop(k->g, c, by, &view, k->sub, k->j);
}

/* Not keyed: the same after a restart. */
static void tree_id(struct str root, char ret[GUARD_FINGERPRINT])
{
	uint64_t h = 0xcbf29ce484222325u;

	for (size_t i = 0; i < root.n; i++)
		h = (h ^ (uint8_t)root.p[i]) * 0x100000001b3u;
	snprintf(ret, GUARD_FINGERPRINT, "%016llx", (unsigned long long)(h ^ h >> 29));
}

/* Whose tree of strange links: where he got one within the last hour, or has sent on from; or else his own. */
static int tree_of(struct copies *k, struct cluster **ret)
{
	struct cluster_table *t = &k->g->mem->clusters;
	struct sender *from = sender_find(k->g->mem->senders, k->j->from_hash);
	uint64_t now_ms = k->sub->ts_ms;
	char id[GUARD_FINGERPRINT];

	if (from && from->worm.got_ms) {
		struct cluster *c = cluster_get(t, str_of(from->worm.tree));

		if (c && (now_ms <= from->worm.got_ms + SPREAD_NEAR_MS || spread_sent(&c->spread, k->j->from_hash))) {
			*ret = c;
			return 0;
		}
	}
	tree_id(k->sub->from, id);
	*ret = cluster_get(t, str_of(id));
	return *ret ? 0 : cluster_add(t, NULL, str_of(id), k->sub->from, ret);
}

static bool has_confirmed(const struct cluster *c, uint64_t who)
{
	const struct asked *s = cluster_asked_find(c, who);

	return s && s->confirmed;
}

/* The cluster decides: what is held is held under its name. */
static enum decision held_by(struct copies *k, struct cluster *c, enum decision d)
{
	if (d == DECISION_DELIVER)
		return d;
	memcpy(k->j->fingerprint, c->id, sizeof(k->j->fingerprint));
	k->j->n_senders = spread_senders(&c->spread);
	return d;
}

static void site_id(uint64_t site, char ret[GUARD_FINGERPRINT])
{
	snprintf(ret, GUARD_FINGERPRINT, "%016llx", (unsigned long long)(site * 0x9e3779b97f4a7c15u ^ site >> 31));
}

/* A site that nobody here knows: whatever leads there is counted together, in other words and by other pages, too. */
static int by_site(struct copies *k, uint64_t site, bool *ret_confirmed, enum decision *ret)
{
	struct cluster_table *t = &k->g->mem->clusters;
	struct cluster *c;
	char id[GUARD_FINGERPRINT];
	int r;

	site_id(site, id);
	c = cluster_get(t, str_of(id));
	r = c ? 0 : cluster_add(t, NULL, str_of(id), k->sub->from, &c);
	if (r < 0)
		return r;
	cluster_touch(t, c, k->sub->ts_ms);
	*ret = held_by(k, c, weigh(k, c, BY_SITE, site));
	*ret_confirmed = has_confirmed(c, k->j->from_hash);
	return 0;
}

/* Sites that nobody here knows, whichever they are: of those, too, nobody sends more than his copies at once, and no tree grows. It sees
 * worms that change words and site with each copy. */
static int by_tree(struct copies *k, uint64_t link, enum decision *ret)
{
	struct sender *to;
	struct cluster *c;
	int r = tree_of(k, &c);

	if (r < 0)
		return r;
	cluster_touch(&k->g->mem->clusters, c, k->sub->ts_ms);
	*ret = held_by(k, c, weigh(k, c, BY_TREE, link));
	to = *ret == DECISION_DELIVER ? sender_of(k->g->mem->senders, k->j->to_hash, k->sub->ts_ms) : NULL;
	if (to) {
		memcpy(to->worm.tree, c->id, sizeof(to->worm.tree));
		to->worm.got_ms = k->sub->ts_ms;
	}
	return 0;
}

static int spread(struct guard *g, const struct subject *s, const struct url *risky, bool everyday, struct verdict *v, struct judgement *j,
		  enum decision *ret)
{
	struct copies k = { .g = g, .sub = s, .v = v, .j = j };
	uint64_t window_ms = g->policy->window_ms;
	struct fingerprint print;
	struct cluster *c;
	bool confirmed = false;
	int r = 0;

	fingerprint_of(s, risky, everyday, &print);
	fingerprint_id(&print, j->fingerprint);
	j->novel = !everyday && sites_novel(g->mem->sites, print.site, s->ts_ms);
	j->site = print.site;
	k.talk = !j->novel && risky->path.n <= 1;
	c = cluster_find(&g->mem->clusters, &print, str_of(j->fingerprint), s->ts_ms > window_ms ? s->ts_ms - window_ms : 0);
	if (!c) {
		r = cluster_add(&g->mem->clusters, &print, str_of(j->fingerprint), s->from, &c);
		if (r < 0)
			return r;
		c->novel = j->novel;
	}
	c->novel = c->novel && j->novel;
	cluster_touch(&g->mem->clusters, c, s->ts_ms);
	memcpy(j->fingerprint, c->id, sizeof(j->fingerprint));
	j->risky = true;
	j->patient_zero = c->zero;
	*ret = weigh(&k, c, BY_CONTENT, print.link);
	j->n_senders = *ret == DECISION_DELIVER ? 1 : spread_senders(&c->spread);
	if (*ret != DECISION_DELIVER || !j->reserved || !j->novel || has_confirmed(c, j->from_hash))
		return 0;
	k.asked_for = sender_wrote(g->mem->senders, j->to_hash, j->from_hash, s->ts_ms, TALK_MS);
	r = by_site(&k, print.site, &confirmed, ret);
	if (r == 0 && *ret == DECISION_DELIVER && !confirmed && s->via != VIA_ROOM)
		r = by_tree(&k, print.link, ret);
	return r;
}

/* Whatever leads to the site of what a decoy got. False: no memory. */
static bool contain_site(struct guard *g, const struct cluster *of, bool contained)
{
	char id[GUARD_FINGERPRINT];
	struct cluster *c;

	site_id(of->print.site, id);
	c = cluster_get(&g->mem->clusters, str_of(id));
	if (!c && (!contained || cluster_add(&g->mem->clusters, NULL, str_of(id), STR_NONE, &c) < 0))
		return !contained;
	c->contained = c->by_decoy = contained;
	c->last_ms = of->last_ms;
	if (!contained)
		spread_release(&c->spread);
	return true;
}

/* It goes to a decoy: whoever sends it does not know whom he writes to, so it is no person. What is alike is held for everybody; but
 * nobody from outside has a page that people here use held by sending it to one. */
static enum decision sprung(struct guard *g, const struct subject *s, struct verdict *v, struct judgement *j)
{
	struct cluster *c = cluster_get(&g->mem->clusters, str_of(j->fingerprint));

	inspect_add(v, WORM_DECOY, s->to);
	if (c && (!from_outside(s) || j->novel)) {
		j->outbreak_began = j->outbreak_began || !c->contained;
		j->outbreak = c->contained = c->by_decoy = true;
		c->by_site = j->novel && contain_site(g, c, true);
	}
	j->first_hold = true;
	return from_outside(s) || g->policy->decoys.act == POLICY_DECOY_HOLD ? DECISION_HOLD : DECISION_FREEZE;
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
	/* More was seen than could be kept: the rest might have been what counts. */
	if ((j->leak == POLICY_LEAK_HOLD || v->truncated) && scored < DECISION_HOLD)
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
	struct cluster_table *t = &g->mem->clusters;
	struct fingerprint print;
	struct cluster *c = NULL;
	struct links links;
	struct url place;
	bool everyday, risky;
	int r = 0;

	links_gather(s, a, &links);
	risky = guard_risk_of(g, s, &links, a, &place, &everyday);
	fingerprint_of(s, risky ? &place : NULL, risky && everyday, &print);
	if (!risky && print.n_words == 0)
		return ERR_NOT_FOUND;
	fingerprint_id(&print, ret);
	if (!risky)
		return 0;
	c = cluster_find(t, &print, str_of(ret), s->ts_ms > g->policy->window_ms ? s->ts_ms - g->policy->window_ms : 0);
	if (!c)
		r = cluster_add(t, &print, str_of(ret), s->from, &c);
	if (r < 0)
		return r;
	cluster_touch(t, c, s->ts_ms);
	memcpy(ret, c->id, sizeof(c->id));
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
	uint64_t person = guard_hash(g, k->to), domain = guard_hash(g, domain_of(k->from)) ^ OF_DOMAIN;
	unsigned all = knock_as(g, domain, person, k->now_ms);
	unsigned near = k->prefix && !k->partner ? knock_as(g, k->prefix ^ OF_PREFIX, person, k->now_ms) : 0;
	unsigned own = knock_as(g, guard_hash(g, k->from), person, k->now_ms);
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
	uint64_t person = guard_hash(g, k->to);

	unknock_as(g, guard_hash(g, domain_of(k->from)) ^ OF_DOMAIN, person);
	unknock_as(g, guard_hash(g, k->from), person);
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
	for (unsigned i = 0; s->before && i < s->before->n; i++)
		inspect_add(v, s->before->f[i].rule, str_of(s->before->f[i].evidence));
	links_verdict(links, &g->policy->links, v);
	stranger_verdict(s, tried, &(struct stranger_conf){ .people = g->mem->people }, v);
	if (s->own_password)
		inspect_add(v, DLP_OWN_PASSWORD, STR_NONE);
	if (s->listed_by.n)
		inspect_add(v, s->listed_trusted ? SENDER_LISTED : SENDER_REPORTED, s->listed_by);
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
	opinion_of(p, s, guard_risk_link(&other, links) != NULL, &v, &o);
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

/* Held for its weight, before anybody was reached. Whoever goes on with it, to one person after another, does not read what the bot asks
 * either. The same person again is patience, not a worm. */
static bool runs_on(struct guard *g, const struct judgement *j, uint64_t now_ms)
{
	struct cluster *c = cluster_get(&g->mem->clusters, str_of(j->counted[BY_CONTENT]));
	struct asked *s = c ? cluster_asked(c, j->from_hash) : NULL;

	if (!s || s->confirmed)
		return false;
	for (size_t i = 0; i < ARRAY_SIZE(s->to); i++)
		if (s->to[i] == (uint32_t)j->to_hash)
			return false;
	if (!s->held || s->asked_ms + DAY_MS < now_ms) {
		s->held = true;
		s->n_held = 0;
		s->asked_ms = now_ms;
	}
	s->to[s->n_held % ARRAY_SIZE(s->to)] = (uint32_t)j->to_hash;
	return goes_on(s, now_ms);
}

static bool goes_out(enum decision d)
{
	return d == DECISION_DELIVER || d == DECISION_FLAG || d == DECISION_DEFANG;
}

int guard_judge(struct guard *g, const struct subject *given, struct arena *a, struct judgement *ret)
{
	struct judgement j = { .patient_zero = STR_NONE, .memory = STR_NONE, .would_by = STR_NONE,
			       .from_hash = guard_hash(g, given->from), .to_hash = guard_hash(g, given->seat.n ? given->seat : given->to) };
	unsigned tried = approach(g, given);
	struct sender *from = sender_of(g->mem->senders, j.from_hash, given->ts_ms);
	struct subject s = *given;
	struct verdict v = { 0 };
	struct links links;
	struct opinion o;
	struct url risky;
	enum decision spreading = DECISION_DELIVER;
	bool everyday, is_risky;
	int r = from ? 0 : ERR_NOMEM;

	if (r < 0)
		return r;
	memcpy(j.policy, g->policy->digest, sizeof(j.policy));
	sender_facts(from, DAY_MS, s.ts_ms, &s.sender);
	s.sender.to_new = !sender_wrote_to(from, j.to_hash);
	links_gather(&s, a, &links);
	r = see(g, &s, &links, tried, &v);
	cipher_verdict(&from->cipher, &s, (uint32_t)j.to_hash, &v);
	beacon_verdict(&from->beacon, &s, (uint32_t)j.to_hash, &v);
	campaign_see(g->mem->campaign, &s, &from->spim, j.to_hash, DAY_MS, &v);
	j.leak = leak_action(g->policy, &s, &v);
	is_risky = guard_risk_of(g, &s, &links, a, &risky, &everyday);
	if (r == 0 && is_risky && j.from_hash != j.to_hash)
		r = spread(g, &s, &risky, everyday, &v, &j, &spreading);
	if (r == 0 && !is_risky && guard_risk_named(g, &s, &v, &j))
		spreading = DECISION_HOLD;
	if (s.cut && (links.n || links.more || s.has_file || s.cipher.n || is_risky)) {
		inspect_add(&v, WORM_BREAKER, from_outside(&s) ? s.from : s.to);
		spreading = spreading < DECISION_HOLD ? DECISION_HOLD : spreading;
		j.first_hold = j.first_hold || !from_outside(&s);
	}
	if (r == 0 && s.decoy && j.risky)
		spreading = sprung(g, &s, &v, &j);
	/* Most sites are new once: alone that says nothing. */
	if (r == 0 && j.novel && str_find_char(risky.site, ':') < 0 && (v.n || !s.known || spreading > DECISION_DELIVER))
		inspect_add(&v, LINK_NEW, risky.site);
	if (r == 0 && j.novel && s.audience >= GUARD_MANY) {
		inspect_add(&v, WORM_ROOM, s.to);
		spreading = spreading < DECISION_DEFANG ? DECISION_DEFANG : spreading;
	}
	opinion_of(g->policy, &s, is_risky && str_find_char(risky.site, ':') < 0, &v, &o);	/* a link; no file, no number */
	if (r == 0)
		r = settle(g, &v, a, spreading, &j);
	if (r == 0)
		heed(g, &o, &j);
	if (r == 0 && j.decision == DECISION_HOLD && spreading < DECISION_HOLD && j.reserved && runs_on(g, &j, s.ts_ms))
		j.decision = DECISION_FREEZE;
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
	if (j.reserved && j.origin && !from_outside(&s))
		sites_seen(g->mem->sites, j.site, j.from_hash, s.ts_ms);
	from = sender_find(g->mem->senders, j.from_hash);
	if (from) {
		sender_note(g->mem->senders, from, j.to_hash, s.known, s.ts_ms);
		campaign_note(g->mem->campaign, &s, &from->spim, j.to_hash);
	}
	*ret = j;
	return 0;
}

void guard_unreserve(struct guard *g, const struct judgement *j)
{
	for (unsigned i = 0; i < GUARD_COUNTED; i++) {
		struct cluster *c = j->reserved && *j->counted[i] ? cluster_get(&g->mem->clusters, str_of(j->counted[i])) : NULL;

		if (c)
			spread_remove(&c->spread, j->from_hash, j->to_hash);
	}
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
	struct cluster *c = cluster_get(&g->mem->clusters, fingerprint);
	uint64_t hash = guard_hash(g, sender);
	struct asked *s;

	if (!c)
		return true;			/* forgotten meanwhile: nothing spreads */
	if (c->by_operator || c->shared || c->by_decoy)
		return false;
	for (unsigned i = 0; i < c->n_asked; i++)
		if (c->asked[i].hash != hash && c->asked[i].held)
			return false;
	for (unsigned i = 0; i < c->spread.n; i++)
		if (c->spread.v[i].from != c->spread.v[i].root && (c->spread.v[i].root == hash || c->spread.v[i].from == hash))
			return false;
	s = cluster_asked(c, hash);
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

void guard_learn(struct guard *g, struct str text, bool is_spim, float weight)
{
	spim_learn(campaign_model(g->mem->campaign), text, is_spim, weight);
}

void guard_fade(struct guard *g)
{
	spim_fade(campaign_model(g->mem->campaign));
}

void guard_learnt(const struct guard *g, struct buf *ret)
{
	spim_delta_write(campaign_model(g->mem->campaign), ret);
}

int guard_relearn(struct guard *g, struct str learnt)
{
	return spim_delta_read(campaign_model(g->mem->campaign), learnt);
}

void guard_sites(const struct guard *g, struct buf *ret)
{
	sites_write(g->mem->sites, ret);
}

uint64_t guard_sites_changes(const struct guard *g)
{
	return sites_changes(g->mem->sites);
}

int guard_resites(struct guard *g, struct str bytes)
{
	return sites_read(g->mem->sites, bytes);
}

void guard_contain(struct guard *g, struct str fingerprint, bool contained)
{
	struct cluster *c = cluster_get(&g->mem->clusters, fingerprint);

	if (!c && (!contained || cluster_add(&g->mem->clusters, NULL, fingerprint, STR_NONE, &c) < 0))
		return;
	c->contained = c->by_operator = contained;
	g->mem->names = g->mem->names || (contained && !c->known);
	if (!contained) {
		if (c->by_site)
			contain_site(g, c, false);
		c->past = c->by_decoy = c->by_site = false;
		spread_release(&c->spread);
		for (unsigned i = 0; i < c->n_asked; i++)
			c->asked[i].held = false;
	}
}

/* --- over a restart ---------------------------------------------------------------------------------------------------------- */

void guard_memory(const struct guard *g, struct str fingerprint, char ret[GUARD_MEMORY])
{
	const struct cluster *c = cluster_get(&g->mem->clusters, fingerprint);
	size_t n;

	ret[0] = '\0';
	if (!c || !c->known)
		return;
	n = (size_t)snprintf(ret, GUARD_MEMORY, "%d %016llx %016llx %08x ", c->print.has_link + 2 * c->print.everyday + 4 * c->by_decoy + 8 * c->by_site,
			     (unsigned long long)c->print.site, (unsigned long long)c->print.link, c->print.shape);
	for (unsigned i = 0; i < c->print.n_words && n + 9 < GUARD_MEMORY; i++)
		n += (size_t)snprintf(ret + n, GUARD_MEMORY - n, "%08x", c->print.words[i]);
}

static bool recall(struct str text, struct fingerprint *ret, bool *ret_by_decoy, bool *ret_by_site)
{
	char z[GUARD_MEMORY];
	unsigned long long site, link;
	int has, at = 0;

	*ret = (struct fingerprint){ 0 };
	*ret_by_decoy = *ret_by_site = false;
	if (text.n >= sizeof(z))
		return false;
	memcpy(z, text.p, text.n);
	z[text.n] = '\0';
	if (sscanf(z, "%d %llx %llx %8x %n", &has, &site, &link, &ret->shape, &at) != 4 || at == 0)
		return false;
	ret->has_link = has & 1;
	ret->everyday = has & 2;
	*ret_by_decoy = has & 4;
	*ret_by_site = has & 8;
	ret->site = site;
	ret->link = link;
	for (const char *p = z + at; strlen(p) >= 8 && ret->n_words < FINGERPRINT_WORDS; p += 8)
		if (sscanf(p, "%8x", &ret->words[ret->n_words]) == 1)
			ret->n_words++;
	return true;
}

int guard_remember(struct guard *g, struct str fingerprint, struct str memory, bool contained, uint64_t now_ms)
{
	struct cluster *c = cluster_get(&g->mem->clusters, fingerprint);
	struct fingerprint print;
	bool by_decoy, by_site, known = recall(memory, &print, &by_decoy, &by_site);
	int r = c ? 0 : cluster_add(&g->mem->clusters, known ? &print : NULL, fingerprint, STR_NONE, &c);

	if (r < 0)
		return r;
	c->contained = contained;
	g->mem->names = g->mem->names || (contained && !known);
	c->by_decoy = contained && by_decoy;
	c->last_ms = now_ms;
	c->by_site = known && contained && by_site && contain_site(g, c, true);
	return 0;
}

int guard_share(struct guard *g, struct str fingerprint, struct str memory, uint64_t now_ms)
{
	struct cluster *c = cluster_get(&g->mem->clusters, fingerprint);
	struct fingerprint print;
	bool by_decoy, by_site;
	int r = 0;

	if (!recall(memory, &print, &by_decoy, &by_site) || (!print.has_link && print.n_words == 0))
		return ERR_BAD_FORMAT;
	if (!c)
		r = cluster_add(&g->mem->clusters, &print, fingerprint, STR_NONE, &c);
	if (r < 0)
		return r;
	c->shared = true;
	cluster_touch(&g->mem->clusters, c, now_ms);
	return 0;
}

void guard_unshare(struct guard *g, struct str fingerprint)
{
	struct cluster *c = cluster_get(&g->mem->clusters, fingerprint);

	if (c)
		c->shared = false;
}

int guard_remember_copy(struct guard *g, struct str fingerprint, struct str from, struct str to, uint64_t when_ms, bool delivered)
{
	struct cluster *c = cluster_get(&g->mem->clusters, fingerprint);
	struct spread_copy copy = { .from = guard_hash(g, from), .to = guard_hash(g, to), .ms = when_ms };
	struct spread_view view;
	struct asked *s;
	int r = c ? 0 : cluster_add(&g->mem->clusters, NULL, fingerprint, from, &c);

	if (r < 0)
		return r;
	cluster_touch(&g->mem->clusters, c, when_ms);
	copy.link = c->known ? c->print.link : 0;
	spread_look(&c->spread, &copy, &view);
	copy.root = view.root;
	if (delivered)
		return view.again || view.answer ? 0 : spread_add(&c->spread, &copy, from);
	s = cluster_asked(c, copy.from);
	if (!s)
		return ERR_NOMEM;
	s->held = c->past = true;
	s->asked_ms = when_ms;
	s->n_held++;
	spread_past(&c->spread, view.root, true);
	return 0;
}
