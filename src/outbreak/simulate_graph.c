/* simulate_graph.c - who knows whom and who writes when: made like a firm, or read from a recorded trace. See simulate.h. */
#include <stdio.h>
#include <stdlib.h>

#include "outbreak/simulate_parts.h"

#define DAY_MS (24ull * 3600 * 1000)
#define WORK_MS (9ull * 3600 * 1000)
#define TEAM 9				/* people of a department, about */
#define FRIENDS 8			/* contacts outside it, about */
#define HUBS 40				/* one in so many knows everybody's department: help desk, assistants */
#define ROOM_OF_A_TRACE 12
#define NUMBERS (1u << 24)		/* what a trace may call its people */

struct edges { uint64_t *v; size_t n, room; };

static int add_edge(struct edges *e, uint32_t a, uint32_t b)
{
	if (a == b)
		return 0;
	if (e->n + 2 > SIMULATE_EDGES)
		return ERR_LIMIT;
	if (e->n + 2 > e->room) {
		size_t room = e->room ? e->room * 2 : 1024;
		uint64_t *v = realloc(e->v, room * sizeof(*v));

		if (!v)
			return ERR_NOMEM;
		e->v = v;
		e->room = room;
	}
	e->v[e->n++] = (uint64_t)a << 32 | b;
	e->v[e->n++] = (uint64_t)b << 32 | a;
	return 0;
}

static int by_value(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

static int by_time(const void *a, const void *b)
{
	const struct simulate_message *x = a, *y = b;

	return x->ms < y->ms ? -1 : x->ms > y->ms;
}

/* Sorted, each once, as ranges. */
static int settle_edges(struct simulate_graph *g, struct edges *e)
{
	size_t n = 0;

	if (e->n)
		qsort(e->v, e->n, sizeof(*e->v), by_value);
	g->first = calloc(g->n + 1u, sizeof(*g->first));
	g->to = malloc((e->n + 1) * sizeof(*g->to));
	if (!g->first || !g->to)
		return ERR_NOMEM;
	for (size_t i = 0; i < e->n; i++) {
		if (i && e->v[i] == e->v[i - 1])
			continue;
		g->first[(e->v[i] >> 32) + 1]++;
		g->to[n++] = (uint32_t)e->v[i];
	}
	for (unsigned i = 0; i < g->n; i++)
		g->first[i + 1] += g->first[i];
	return 0;
}

static int name_all(struct simulate_graph *g, bool people)
{
	static const char *const given[] = { "alena", "bohumil", "cyril", "dana", "emil", "frank", "gita", "honza", "ivana", "jana", "karel", "lenka",
		"martin", "nela", "olga", "petr", "radka", "simon", "tereza", "viktor", "wanda", "xenia", "yvona", "zdenek" };
	static const char *const family[] = { "adler", "blaha", "cerny", "dvorak", "eder", "fiala", "gross", "horak", "ivanov", "janda", "kolar",
		"lukas", "maly", "novak", "orsag", "prochazka", "roth", "svoboda", "toman", "urban", "vesely", "weiss", "yilmaz", "zeman" };
	size_t n_given = sizeof(given) / sizeof(*given), n_family = sizeof(family) / sizeof(*family);

	g->name = calloc(g->n, sizeof(*g->name));
	if (!g->name)
		return ERR_NOMEM;
	for (unsigned i = 0; i < g->n; i++) {
		if (people && i < n_given * n_family)
			snprintf(g->name[i], sizeof(g->name[i]), "%s.%s", given[i % n_given], family[(i / n_given + i) % n_family]);
		else
			snprintf(g->name[i], sizeof(g->name[i]), "u%u", i);
	}
	return 0;
}

/* A room of everybody between from and to, then projects of people from anywhere, then one for all. */
static int make_rooms(struct simulate_graph *g, unsigned team, unsigned projects, bool all, uint64_t *random)
{
	unsigned teams = (g->n + team - 1) / team, n = 0;
	size_t members = g->n + (size_t)projects * team + (all ? g->n : 0);

	g->n_rooms = teams + projects + all;
	g->room_first = calloc(g->n_rooms + 1u, sizeof(*g->room_first));
	g->member = malloc((members + 1) * sizeof(*g->member));
	if (!g->room_first || !g->member)
		return ERR_NOMEM;
	for (unsigned r = 0; r < g->n_rooms; r++) {
		unsigned size = r < teams + projects ? team : g->n;

		for (unsigned i = 0; i < size; i++) {
			unsigned who = r < teams ? r * team + i : r < teams + projects ? simulate_below(random, g->n) : i;

			if (who < g->n)
				g->member[n++] = who;
		}
		g->room_first[r + 1] = n;
	}
	return 0;
}

static int finish(struct simulate_graph *g, struct edges *e, int r, struct simulate_graph **ret)
{
	free(e->v);
	if (r < 0)
		simulate_graph_free(&g);
	else
		*ret = g;
	return r;
}

int simulate_graph_firm(unsigned accounts, uint64_t seed, struct simulate_graph **ret)
{
	struct simulate_graph *g = calloc(1, sizeof(*g));
	struct edges e = { 0 };
	uint64_t random = simulate_seed(seed);
	int r = g ? 0 : ERR_NOMEM;

	if (accounts < 2 || accounts > SIMULATE_ACCOUNTS) {
		free(g);
		return ERR_LIMIT;
	}
	if (r == 0)
		g->n = accounts;
	for (uint32_t i = 0; r == 0 && i < accounts; i++) {
		for (uint32_t k = i - i % TEAM; r == 0 && k < i; k++)
			r = add_edge(&e, i, k);
		for (unsigned k = 0; r == 0 && k < FRIENDS / 2; k++)
			r = add_edge(&e, i, simulate_below(&random, accounts));
		for (unsigned k = 0; r == 0 && i % HUBS == 0 && k < accounts / 4; k++)
			r = add_edge(&e, i, simulate_below(&random, accounts));
	}
	if (r == 0)
		r = settle_edges(g, &e);
	if (r == 0)
		r = name_all(g, true);
	if (r == 0)
		r = make_rooms(g, TEAM, accounts / (2 * TEAM) + 1, true, &random);
	return finish(g, &e, r, ret);
}

/* --- read ---------------------------------------------------------------------------------------------------------------- */

/* Numbers of a line, at most three; 0: a heading, or nothing. */
static unsigned numbers(struct str *text, uint64_t v[3])
{
	ptrdiff_t end = str_find_char(*text, '\n');
	size_t n = end < 0 ? text->n : (size_t)end;
	struct str line = str_make(text->p, n);
	unsigned count = 0;
	size_t i = 0;

	*text = str_make(text->p + n + (end >= 0), text->n - n - (end >= 0));
	while (i < line.n && count < 3) {
		while (i < line.n && (line.p[i] == ' ' || line.p[i] == '\t' || line.p[i] == '\r'))
			i++;
		if (i == line.n || line.p[i] < '0' || line.p[i] > '9')
			break;
		for (v[count] = 0; i < line.n && line.p[i] >= '0' && line.p[i] <= '9' && v[count] < UINT64_MAX / 20; i++)
			v[count] = v[count] * 10 + (uint64_t)(line.p[i] - '0');
		count++;
	}
	return count;
}

/* The people of a row; -1: none. */
static int row(struct str *text, uint64_t *ms, uint32_t *from, uint32_t *to)
{
	uint64_t v[3];
	unsigned n = numbers(text, v);

	if (n < 2)
		return -1;
	if (v[n - 2] >= NUMBERS || v[n - 1] >= NUMBERS)
		return -1;
	*ms = n == 3 ? v[0] * 1000 : 0;
	*from = (uint32_t)v[n - 2];
	*to = (uint32_t)v[n - 1];
	return 0;
}

int simulate_graph_read(struct str text, uint64_t seed, struct simulate_graph **ret)
{
	struct simulate_graph *g = calloc(1, sizeof(*g));
	struct edges e = { 0 };
	uint64_t random = simulate_seed(seed), ms;
	uint32_t from, to, most = 0;
	int r = g ? 0 : ERR_NOMEM;

	while (r == 0 && text.n) {
		if (row(&text, &ms, &from, &to) < 0)
			continue;
		most = from > most ? from : most;
		most = to > most ? to : most;
		r = most < SIMULATE_ACCOUNTS ? add_edge(&e, from, to) : ERR_LIMIT;
	}
	if (r == 0 && e.n == 0)
		r = ERR_BAD_FORMAT;
	if (r == 0)
		g->n = most + 1;
	if (r == 0)
		r = settle_edges(g, &e);
	if (r == 0)
		r = name_all(g, false);
	if (r == 0)
		r = make_rooms(g, ROOM_OF_A_TRACE, 0, false, &random);
	if (!g)
		return r;
	return finish(g, &e, r, ret);
}

void simulate_graph_free(struct simulate_graph **g)
{
	if (!*g)
		return;
	free((*g)->first);
	free((*g)->to);
	free((*g)->room_first);
	free((*g)->member);
	free((*g)->name);
	free(*g);
	*g = NULL;
}

/* --- traffic ----------------------------------------------------------------------------------------------------------------- */

static uint32_t somebody(const struct simulate_graph *g, uint32_t from, uint64_t *random)
{
	unsigned n = g->first[from + 1] - g->first[from];

	if (g->n_rooms && simulate_below(random, 5) == 0)
		return SIMULATE_ROOM_BIT | simulate_below(random, g->n_rooms);
	/* Half of what anybody writes goes to a handful of people. */
	if (n > 3 && simulate_below(random, 2))
		n = 3;
	return n ? g->to[g->first[from] + simulate_below(random, n)] : from;
}

int simulate_graph_traffic(const struct simulate_graph *g, unsigned days, unsigned per_day, uint64_t seed, struct simulate_traffic **ret)
{
	uint64_t random = simulate_seed(seed), count = (uint64_t)days * per_day * g->n;
	struct simulate_traffic *t = calloc(1, sizeof(*t));
	struct simulate_message *v = count <= SIMULATE_MESSAGES ? malloc((count + 1) * sizeof(*v)) : NULL;

	if (!t || !v) {
		free(t);
		free(v);
		return count > SIMULATE_MESSAGES ? ERR_LIMIT : ERR_NOMEM;
	}
	for (size_t i = 0; i < count; i++) {
		uint32_t from = simulate_below(&random, g->n);

		v[i] = (struct simulate_message){ .ms = simulate_below(&random, days) * DAY_MS + simulate_next(&random) % WORK_MS, .from = from,
						  .to = somebody(g, from, &random) };
	}
	if (count)
		qsort(v, count, sizeof(*v), by_time);
	*t = (struct simulate_traffic){ .v = v, .n = count, .length_ms = days * DAY_MS };
	*ret = t;
	return 0;
}

int simulate_graph_traffic_read(struct str text, const struct simulate_graph *g, struct simulate_traffic **ret)
{
	struct simulate_traffic *t = calloc(1, sizeof(*t));
	size_t lines = 0, n = 0;
	uint64_t first = UINT64_MAX;

	for (size_t i = 0; i < text.n; i++)
		lines += text.p[i] == '\n';
	if (t && lines < SIMULATE_MESSAGES)
		t->v = malloc((lines + 1) * sizeof(*t->v));
	if (!t || !t->v) {
		free(t);
		return lines >= SIMULATE_MESSAGES ? ERR_LIMIT : ERR_NOMEM;
	}
	while (text.n && n <= lines) {
		struct simulate_message *m = &t->v[n];

		if (row(&text, &m->ms, &m->from, &m->to) < 0 || m->from >= g->n || m->to >= g->n || m->ms == 0)
			continue;
		first = m->ms < first ? m->ms : first;
		n++;
	}
	if (n == 0) {
		simulate_graph_traffic_free(&t);
		return ERR_BAD_FORMAT;
	}
	qsort(t->v, n, sizeof(*t->v), by_time);
	for (size_t i = 0; i < n; i++)
		t->v[i].ms -= first;
	t->n = n;
	t->length_ms = t->v[n - 1].ms + 1;
	*ret = t;
	return 0;
}

void simulate_graph_traffic_free(struct simulate_traffic **t)
{
	if (!*t)
		return;
	free((*t)->v);
	free(*t);
	*t = NULL;
}
