/* worm_sim.c - a worm among 500 accounts in virtual time, on many seeds, against the guard alone.
 *
 * Who gets a lure clicks with some probability and then sends it to all of his contacts. Whatever the lure, the
 * pace and the disguise: at most three copies of a sender arrive, at most three accounts are newly infected,
 * patient zero is named. Everything comes from the seed; the clock is the subject's.
 *
 * worm_sim [SEEDS]    With ../shared/data/im-worms (WARDROOM_SHARED) the recorded lures are used beside our own.
 */
#include <stdio.h>
#include <stdlib.h>

#include "outbreak/guard.h"

#define ACCOUNTS 500
#define LURES 64
#define LURE_BYTES 300
#define EVENTS (ACCOUNTS * 100)
#define START_MS 1700000000000u

enum disguise { FIXED, NAMES, PATHS, RECEIVER, DISGUISES };

static const char *const disguise_names[] = { "fixed text", "changed name and digits", "changed URL path", "receiver's name in text and link" };
static const struct pace { const char *name; uint64_t gap_ms, click_ms; double click; } paces[] = {
	{ "burst, everybody clicks at once", 1, 0, 1.0 },
	{ "one every 2 s, p=1", 2000, 0, 1.0 },
	{ "one every 2 s, p=0.3, clicks after 5-60 s", 2000, 5000, 0.3 },
	{ "one every 60 s, p=1", 60000, 0, 1.0 },
	{ "one every 60 s, p=0.3, clicks after 5-60 s", 60000, 5000, 0.3 },
	{ "one every 30 min, p=1", 1800000, 0, 1.0 },
};
static const char *const names[] = { "alena", "bohumil", "cyril", "dana", "emil", "franta", "gita", "honza", "ivana", "jana" };

struct event { uint64_t at; unsigned from, next; };	/* 'next' of the sender's contacts is due */

struct world {
	uint64_t random;
	unsigned contacts[ACCOUNTS][100], n_contacts[ACCOUNTS];
	bool infected[ACCOUNTS], frozen[ACCOUNTS];
	unsigned arrived[ACCOUNTS], n_infected, copies;
	struct event events[EVENTS];
	unsigned n_events;
	bool named;
};

static char lures[LURES][LURE_BYTES];
static unsigned n_lures;

static uint64_t next(struct world *w)
{
	w->random ^= w->random << 13;
	w->random ^= w->random >> 7;
	w->random ^= w->random << 17;
	return w->random * 0x2545f4914f6cdd1du;
}

static unsigned below(struct world *w, unsigned n)
{
	return (unsigned)((next(w) >> 33) % n);
}

static void add_lure(const char *text, size_t n)
{
	if (n_lures == LURES || n >= LURE_BYTES)
		return;
	memcpy(lures[n_lures], text, n);
	lures[n_lures++][n] = '\0';
}

static void read_lures(void)
{
	static const char *const ours[] = { "{url}", "is this you?? {url}", "hey {name}, the new salary table is out {url}", "LOL {url}" };
	const char *shared = getenv("WARDROOM_SHARED");
	char path[512], line[4096];
	FILE *f;

	for (size_t i = 0; i < sizeof(ours) / sizeof(ours[0]); i++)
		add_lure(ours[i], strlen(ours[i]));
	snprintf(path, sizeof(path), "%s/data/im-worms/lures.dev.tsv", shared ? shared : "../shared");
	f = fopen(path, "r");
	while (f && fgets(line, sizeof(line), f)) {
		const char *col = line;

		for (int i = 0; col && i < 6; i++) {
			col = strchr(col, '\t');
			col = col ? col + 1 : NULL;
		}
		if (col && strstr(col, "{url}") && strchr(col, '\t'))
			add_lure(col, (size_t)(strchr(col, '\t') - col));
	}
	if (f)
		fclose(f);
	else
		printf("no recorded lures at %s: with our own alone\n", path);
}

static void befriend(struct world *w, unsigned a, unsigned b)
{
	for (unsigned i = 0; i < w->n_contacts[a]; i++)
		if (w->contacts[a][i] == b)
			return;
	if (a == b || w->n_contacts[a] == 100 || w->n_contacts[b] == 100)
		return;
	w->contacts[a][w->n_contacts[a]++] = b;
	w->contacts[b][w->n_contacts[b]++] = a;
}

static void wake(struct world *w, struct event e)
{
	if (w->n_events < EVENTS)
		w->events[w->n_events++] = e;
}

static bool earliest(struct world *w, struct event *ret)
{
	unsigned best = 0;

	if (w->n_events == 0)
		return false;
	for (unsigned i = 1; i < w->n_events; i++)
		if (w->events[i].at < w->events[best].at)
			best = i;
	*ret = w->events[best];
	w->events[best] = w->events[--w->n_events];
	return true;
}

static void infect(struct world *w, unsigned who, uint64_t at)
{
	if (w->infected[who])
		return;
	w->infected[who] = true;
	w->n_infected++;
	wake(w, (struct event){ .at = at, .from = who });
}

/* The lure with its places filled in, as this copy is disguised. */
static void write_copy(struct world *w, const char *lure, enum disguise d, const char *to, char ret[1024])
{
	char url[128], name[32], digits[16];
	size_t n = 0;

	snprintf(name, sizeof(name), "%s", d == NAMES ? names[below(w, 10)] : d == RECEIVER ? to : "friend");
	snprintf(digits, sizeof(digits), "%u", d == NAMES ? below(w, 1000) : 7);
	snprintf(url, sizeof(url), "http://photo-share.test/view?id=7");
	if (d == NAMES)
		snprintf(url, sizeof(url), "http://photo-share.test/view?id=%u", below(w, 1000000));
	if (d == PATHS)
		snprintf(url, sizeof(url), "http://photo-share.test/%06x/%s.html", below(w, 1 << 24), names[below(w, 10)]);
	if (d == RECEIVER)
		snprintf(url, sizeof(url), "http://photo-share.test/%s/%u.jpg", to, below(w, 1000));
	if (d == NAMES || d == RECEIVER)
		n = (size_t)snprintf(ret, 1024, "%s, ", name);
	for (const char *p = lure; *p && n < 900;) {
		const char *fill = strncmp(p, "{url}", 5) == 0 ? url : strncmp(p, "{name}", 6) == 0 ? name : strncmp(p, "{n}", 3) == 0 ? digits : NULL;

		if (fill) {
			n += (size_t)snprintf(ret + n, 1024 - n, "%s", fill);
			p = strchr(p, '}') + 1;
		} else {
			ret[n++] = *p++;
		}
	}
	ret[n] = '\0';
	if (d == NAMES)
		snprintf(ret + n, 1024 - n, " %s", digits);
}

static void send_one(struct world *w, struct guard *g, struct arena *a, const struct event *e, const char *lure, enum disguise d,
		     const struct pace *pace, unsigned zero)
{
	unsigned to = w->contacts[e->from][e->next];
	char from_jid[64], to_jid[64], to_name[32], body[1024], first[64];
	struct subject s = { .known = true, .via = VIA_LOCAL, .ts_ms = e->at };
	struct judgement j;

	snprintf(to_name, sizeof(to_name), "user%c%c", 'a' + (int)(to / 26 % 26), 'a' + (int)(to % 26));
	snprintf(from_jid, sizeof(from_jid), "u%u@firm.example", e->from);
	snprintf(to_jid, sizeof(to_jid), "u%u@firm.example", to);
	snprintf(first, sizeof(first), "u%u@firm.example", zero);
	write_copy(w, lure, d, to_name, body);
	s.from = str_of(from_jid);
	s.to = str_of(to_jid);
	s.body = str_of(body);
	w->copies++;
	arena_clear(a);
	if (guard_judge(g, &s, a, &j) < 0)
		abort();
	if (j.decision == DECISION_FREEZE)
		w->frozen[e->from] = true;
	if (j.risky && str_is(j.patient_zero, first))
		w->named = true;
	if (j.decision == DECISION_DELIVER || j.decision == DECISION_FLAG) {
		w->arrived[e->from]++;
		if (next(w) % 1000 < (uint64_t)(pace->click * 1000))
			infect(w, to, e->at + (pace->click_ms ? pace->click_ms + below(w, 55000) : 0));
	}
}

struct result { unsigned most_copies, most_infected, unnamed, frozen, tried; };

static void one_world(struct world *w, uint64_t seed, enum disguise d, const struct pace *pace, struct arena *a, struct result *res)
{
	struct arena *why_arena = arena_new(1 << 20);
	struct policy *p;
	struct guard *g;
	struct str why;
	struct event e;
	unsigned zero;

	memset(w, 0, sizeof(*w));
	w->random = seed * 0x9e3779b97f4a7c15u + 1;
	if (policy_parse(STR(""), "policy.yaml", "firm.example", why_arena, &p, &why) < 0 || guard_new(p, &g) < 0)
		abort();
	for (unsigned i = 0; i < ACCOUNTS; i++)
		for (unsigned k = 0; k < 15; k++)
			befriend(w, i, below(w, ACCOUNTS));
	zero = below(w, ACCOUNTS);
	infect(w, zero, START_MS);
	while (earliest(w, &e)) {
		if (w->frozen[e.from] || e.next >= w->n_contacts[e.from])
			continue;
		send_one(w, g, a, &e, lures[seed % n_lures], d, pace, zero);
		wake(w, (struct event){ .at = e.at + pace->gap_ms, .from = e.from, .next = e.next + 1 });
	}
	for (unsigned i = 0; i < ACCOUNTS; i++) {
		res->most_copies = w->arrived[i] > res->most_copies ? w->arrived[i] : res->most_copies;
		res->frozen += w->frozen[i];
	}
	res->most_infected = w->n_infected - 1 > res->most_infected ? w->n_infected - 1 : res->most_infected;
	if (getenv("WORM_SIM_SHOW") && w->n_infected > 4)
		printf("  seed %llu, %s: %u infected: %s\n", (unsigned long long)seed, disguise_names[d], w->n_infected - 1, lures[seed % n_lures]);
	res->unnamed += !w->named;
	res->tried += w->copies;
	guard_free(&g);
	arena_free(&why_arena);
}

int main(int argc, char **argv)
{
	unsigned seeds = argc > 1 ? (unsigned)atoi(argv[1]) : 100, wrong = 0;
	struct world *w = malloc(sizeof(*w));
	struct arena *a = arena_new(1 << 20);

	if (!w || !a)
		abort();
	read_lures();
	printf("%u accounts, %u seeds, %u lures; the most of all seeds\n", ACCOUNTS, seeds, n_lures);
	for (unsigned d = 0; d < DISGUISES; d++)
		for (size_t i = 0; i < sizeof(paces) / sizeof(paces[0]); i++) {
			struct result r = { 0 };

			for (uint64_t seed = 1; seed <= seeds; seed++)
				one_world(w, seed, (enum disguise)d, &paces[i], a, &r);
			printf("%-34s %-44s copies/sender %u  newly infected %u  patient zero missed %u  frozen %u of %u tried\n",
			       disguise_names[d], paces[i].name, r.most_copies, r.most_infected, r.unnamed, r.frozen, r.tried);
			wrong += r.most_copies > 3 || r.most_infected > 3 || r.unnamed;
		}
	free(w);
	arena_free(&a);
	printf("%s\n", wrong ? "FAILED: a worm got further than it may" : "contained");
	return wrong ? 1 : 0;
}
