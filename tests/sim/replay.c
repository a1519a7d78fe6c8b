/* replay.c - ordinary traffic against the guard: at most one message in 10,000 is held, nobody is frozen.
 *
 * Who writes to whom and when comes from recorded traces (IRC channels, a college's messages), what they write from
 * recorded chat, in an order of its own for each seed. Mixed in, as people do: the meeting link to a team, an article
 * that is forwarded, a ticket link repeated all day, links to pages that everybody reads.
 * Skips (77) without ../shared/data (WARDROOM_SHARED).
 */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "outbreak/guard.h"

#define TEXTS 200000
#define LINE_BYTES 8192
#define PARTS 6

struct texts { char **v; size_t n; };

struct run {
	const char *name;
	struct guard *g;
	struct arena *a;
	struct texts *texts;
	size_t at;
	uint64_t random;
	unsigned long messages, links, risky, flagged, held, frozen;
};

static const char *shared(void)
{
	const char *s = getenv("WARDROOM_SHARED");

	return s ? s : "../shared";
}

/* Unpacked by gzip, which every Debian has. */
static FILE *open_data(const char *name)
{
	char path[512], command[600];
	FILE *f;

	snprintf(path, sizeof(path), "%s/data/%s", shared(), name);
	if (access(path, R_OK) != 0) {
		printf("skipped: %s is not here\n", path);
		exit(77);
	}
	snprintf(command, sizeof(command), "gzip -dc '%s'", path);
	f = popen(command, "r");
	if (!f)
		abort();
	return f;
}

/* One row, cut at its tabs. Number of parts; 0 at the end. */
static size_t read_row(FILE *f, char line[LINE_BYTES], char *parts[PARTS])
{
	size_t n = 0;

	if (!fgets(line, LINE_BYTES, f))
		return 0;
	line[strcspn(line, "\r\n")] = '\0';
	for (char *p = line; p && n < PARTS; n++) {
		parts[n] = p;
		p = strchr(p, '\t');
		if (p)
			*p++ = '\0';
	}
	return n;
}

static uint64_t next(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state * 0x2545f4914f6cdd1du >> 16;
}

static void read_texts(const char *name, struct texts *t)
{
	FILE *f = open_data(name);
	char line[LINE_BYTES], *parts[PARTS];

	while (read_row(f, line, parts) && t->n < TEXTS)
		if (strcmp(parts[0], "lang") != 0 && (t->v[t->n] = strdup(parts[3])) != NULL)
			t->n++;
	pclose(f);
}

static void shuffle(struct texts *t, uint64_t *random)
{
	for (size_t i = t->n - 1; i > 0; i--) {
		size_t k = next(random) % (i + 1);
		char *s = t->v[i];

		t->v[i] = t->v[k];
		t->v[k] = s;
	}
}

static void judge(struct run *r, const char *from, const char *to, bool room, const char *body, uint64_t ts_ms)
{
	char from_jid[128], to_jid[128];
	struct subject s = { .known = true, .via = room ? VIA_ROOM : VIA_LOCAL, .ts_ms = ts_ms, .body = str_of(body) };
	struct judgement j;

	snprintf(from_jid, sizeof(from_jid), "%s@firm.example", from);
	snprintf(to_jid, sizeof(to_jid), room ? "%s@rooms.firm.example" : "%s@firm.example", to);
	s.from = str_of(from_jid);
	s.to = str_of(to_jid);
	arena_clear(r->a);
	if (guard_judge(r->g, &s, r->a, &j) < 0)
		abort();
	r->messages++;
	r->risky += j.risky;
	r->flagged += j.decision == DECISION_FLAG;
	r->held += j.decision >= DECISION_HOLD;
	r->frozen += j.decision == DECISION_FREEZE;
	if (j.decision >= DECISION_HOLD && getenv("REPLAY_SHOW")) {
		printf("  %s %s -> %s %.200s\n", inspect_decision_name(j.decision), from, to, body);
		for (unsigned i = 0; i < j.n_findings; i++)
			printf("     %s %s\n", inspect_rule_name(j.findings[i].rule), j.findings[i].evidence);
	}
}

static const char *text(struct run *r)
{
	return r->texts->v[r->at++ % r->texts->n];
}

/* What an honest person adds now and then; 'n' makes it his own. */
static void honest(struct run *r, const char *from, const char *to, uint64_t ts_ms)
{
	unsigned kind = (unsigned)(next(&r->random) % 400), n = (unsigned)(next(&r->random) % 100000);
	char body[400], other[64];

	switch (kind) {
	case 0:		/* the meeting, to a whole team */
		snprintf(body, sizeof(body), "we meet at 10 here: https://meet.example/room-%u please be on time", n);
		for (unsigned i = 0; i < 12; i++) {
			snprintf(other, sizeof(other), "team%u", i);
			judge(r, from, other, false, body, ts_ms + i * 1500);
		}
		return;
	case 1:		/* an article: read it, passed on once */
		snprintf(body, sizeof(body), "nice article http://paper%u.example/2026/%u/story.html", n % 300, n);
		judge(r, from, to, false, body, ts_ms);
		snprintf(other, sizeof(other), "%.40s-colleague", from);
		judge(r, from, other, false, body, ts_ms + 60000);
		snprintf(body, sizeof(body), "have you seen http://paper%u.example/2026/%u/story.html ?", n % 300, n);
		snprintf(other, sizeof(other), "%.40s-friend", to);
		judge(r, to, other, false, body, ts_ms + 3600000);
		return;
	case 2:		/* a ticket, all day long, between two */
		for (unsigned i = 0; i < 20; i++) {
			snprintf(body, sizeof(body), "%s http://bugs.vendor%u.test/show?id=%u", text(r), n % 500, n);
			judge(r, i & 1 ? to : from, i & 1 ? from : to, false, body, ts_ms + i * 1200000);
		}
		return;
	case 3:		/* our own tracker, to everybody concerned */
		for (unsigned i = 0; i < 8; i++) {
			snprintf(other, sizeof(other), "dev%u", i);
			snprintf(body, sizeof(body), "can you review https://tickets.firm.example/%u today?", n);
			judge(r, from, other, false, body, ts_ms + i * 30000);
		}
		return;
	case 4:
		snprintf(body, sizeof(body), "https://www.youtube.com/watch?v=%x", n);
		judge(r, from, to, false, body, ts_ms);
		return;
	case 5:
		snprintf(body, sizeof(body), "see https://github.com/some/thing%u/issues/%u", n % 1000, n % 77);
		judge(r, from, to, false, body, ts_ms);
		return;
	default:
		return;
	}
}

static void begin(struct run *r, const char *name)
{
	static const char policy[] = "trusted_links: [meet.example]\n";
	struct str why;
	struct arena *a = arena_new(1 << 20);
	struct policy *p;

	if (!a || policy_parse(str_of(policy), "policy.yaml", "firm.example", a, &p, &why) < 0 || guard_new(p, &r->g) < 0)
		abort();
	arena_free(&a);
	r->name = name;
	r->messages = r->links = r->risky = r->flagged = r->held = r->frozen = 0;
	shuffle(r->texts, &r->random);
	r->at = 0;
}

static int end(struct run *r)
{
	bool good = r->held * 10000 <= r->messages && r->frozen == 0;

	printf("%-28s %8lu messages, %6lu with untrusted links, %4lu flagged, %3lu held (%.2f in 10,000), %lu frozen%s\n", r->name, r->messages,
	       r->risky, r->flagged, r->held, (double)r->held * 10000 / (double)(r->messages ? r->messages : 1), r->frozen, good ? "" : "  TOO MANY");
	guard_free(&r->g);
	return good ? 0 : 1;
}

/* Times count from the beginning of each segment; segments follow one another here, an hour apart.
 * addressed: who is named in the channel gets it as a message of his own. */
static int irc(struct run *r, bool addressed, unsigned long most)
{
	FILE *f = open_data("traces/irc-channels.dev.tsv.gz");
	char line[LINE_BYTES], *p[PARTS], before[64] = "somebody";	/* who spoke before is who is talked to */
	char segment[128] = "", now[128];
	uint64_t base = 1000000000000u, last = 0;
	unsigned long rows = 0;

	begin(r, addressed ? "irc-channels, to persons" : "irc-channels, rooms");
	while (read_row(f, line, p) >= 5 && rows < most) {
		uint64_t ts = 1000u * strtoull(p[2], NULL, 10);
		bool room = !addressed || !*p[4];

		if (strcmp(p[0], "room") == 0)
			continue;
		rows++;
		snprintf(now, sizeof(now), "%.60s/%.60s", p[0], p[1]);
		if (strcmp(now, segment) != 0) {
			base = *segment ? last + 3600000 : base;
			snprintf(segment, sizeof(segment), "%s", now);
			base -= ts;
		}
		last = ts += base;
		judge(r, p[3], room ? p[0] : p[4], room, text(r), ts);
		honest(r, p[3], *p[4] ? p[4] : before, ts);
		snprintf(before, sizeof(before), "%s", p[3]);
	}
	pclose(f);
	return end(r);
}

static int college(struct run *r, unsigned long most)
{
	FILE *f = open_data("traces/collegemsg.dev.tsv.gz");
	char line[LINE_BYTES], *p[PARTS];
	unsigned long rows = 0;

	begin(r, "collegemsg");
	while (read_row(f, line, p) >= 3 && rows < most) {
		uint64_t ts = 1000u * strtoull(p[0], NULL, 10);

		if (strcmp(p[0], "t_unix") == 0)
			continue;
		rows++;
		judge(r, p[1], p[2], false, text(r), ts);
		honest(r, p[1], p[2], ts);
	}
	pclose(f);
	return end(r);
}

int main(int argc, char **argv)
{
	unsigned long most = argc > 1 ? strtoul(argv[1], NULL, 10) : ULONG_MAX;
	uint64_t seeds = argc > 2 ? strtoull(argv[2], NULL, 10) : 2;
	struct texts texts = { .v = calloc(TEXTS, sizeof(char *)) };
	struct run r = { .texts = &texts, .a = arena_new(1 << 20) };
	int wrong = 0;

	if (!texts.v || !r.a)
		abort();
	read_texts("ham/ham-workchat.dev.tsv.gz", &texts);
	read_texts("ham/ham-dialog.dev.tsv.gz", &texts);
	for (uint64_t seed = 1; seed <= seeds; seed++) {
		r.random = seed * 0x9e3779b97f4a7c15u;
		wrong += irc(&r, false, most);
		wrong += irc(&r, true, most);
		wrong += college(&r, most);
	}
	for (size_t i = 0; i < texts.n; i++)
		free(texts.v[i]);
	free(texts.v);
	arena_free(&r.a);
	return wrong ? 1 : 0;
}
