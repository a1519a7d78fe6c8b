/* cli_simulate.c - `wardroom simulate`: a worm among the accounts of a firm or a recorded trace, in virtual time, against the guard
 * and the policy given. No server, no instance, nothing leaves the machine.
 */
#include "cli/cli_simulate.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define FILE_BYTES (200u << 20)
#define PER_DAY 30			/* messages an account, where no trace is given */
#define SEEDS 1000
#define HOURS_OF_A_DAY 24

struct input {
	struct simulate_graph *graph;
	struct simulate_traffic *traffic;
	struct simulate_texts texts, lures;
	struct str policy;
	struct arena *arena;		/* of files; c->arena may be too small for a trace */
};

static int read_file(struct input *in, const char *path, struct str *ret)
{
	struct str why = STR_NONE;

	return instance_read(path, FILE_BYTES, in->arena, ret, &why) < 0 ? cli_fail(CLI_NOT, "%.*s", STR_FMT(why)) : CLI_OK;
}

static int failed(const char *what, int e)
{
	if (e == ERR_BAD_FORMAT)
		return cli_fail(CLI_NOT, "%s: expected lines of \"time from to\" or \"from to\" in numbers", what);
	if (e == ERR_LIMIT)
		return cli_fail(CLI_NOT, "%s: from 2 to %d accounts, at most %d contacts and %d messages", what, SIMULATE_ACCOUNTS, SIMULATE_EDGES,
				SIMULATE_MESSAGES);
	return cli_fail(CLI_NOT, "%s: %s", what, err_text(e));
}

static unsigned long number(const struct cli *c, const char *name, unsigned long otherwise, unsigned long most)
{
	const char *v = cli_option(c, name);
	char *end;
	unsigned long n = v ? strtoul(v, &end, 10) : otherwise;

	return v && (*end || *v == '-' || n > most) ? ULONG_MAX : n;
}

static double share(const struct cli *c, const char *name, double otherwise)
{
	const char *v = cli_option(c, name);
	char *end;
	double d = v ? strtod(v, &end) : otherwise;

	return v && (*end || !(d >= 0 && d <= 1)) ? -1 : d;
}

static int read_people(struct cli *c, struct input *in, uint64_t seed, unsigned hours)
{
	const char *graph = cli_option(c, "graph"), *trace = cli_option(c, "trace");
	struct str text = STR_NONE, traffic = STR_NONE;
	int e;

	if (!graph && !trace)
		graph = "firm:500";
	if (trace && read_file(in, trace, &traffic) != CLI_OK)
		return CLI_NOT;
	if (graph && strncmp(graph, "firm:", 5) == 0) {
		e = simulate_graph_firm((unsigned)strtoul(graph + 5, NULL, 10), seed, &in->graph);
	} else {
		if (graph && read_file(in, graph, &text) != CLI_OK)
			return CLI_NOT;
		e = simulate_graph_read(graph ? text : traffic, seed, &in->graph);
	}
	if (e < 0)
		return failed(graph ? graph : trace, e);
	e = trace ? simulate_graph_traffic_read(traffic, in->graph, &in->traffic)
		  : simulate_graph_traffic(in->graph, hours / HOURS_OF_A_DAY + 2, PER_DAY, seed, &in->traffic);
	return e < 0 ? failed(trace ? trace : "the traffic", e) : CLI_OK;
}

static int read_words(struct cli *c, struct input *in)
{
	const char *texts = cli_option(c, "texts"), *lures = cli_option(c, "lures"), *policy = cli_option(c, "policy");
	struct str text;

	if (texts && (read_file(in, texts, &text) != CLI_OK || simulate_words_read(text, &in->texts) < 0))
		return cli_fail(CLI_NOT, "%s: expected a text in each line", texts);
	if (lures && (read_file(in, lures, &text) != CLI_OK || simulate_words_read(text, &in->lures) < 0))
		return cli_fail(CLI_NOT, "%s: expected a text with {url} in each line", lures);
	return policy ? cli_read(c, policy, POLICY_FILE_BYTES, &in->policy) : CLI_OK;
}

/* --- what is reported ----------------------------------------------------------------------------------------------------------- */

#define MOST(field) w->field = r->field > w->field ? r->field : w->field
static void add(struct simulate_result *w, const struct simulate_result *r)
{
	w->accounts = r->accounts;
	MOST(hijacked);
	MOST(infected);
	MOST(most_copies);
	MOST(first_hold_ms);
	MOST(contained_ms);
	MOST(longest_delay_ms);
	MOST(frozen);
	w->honest_frozen += r->honest_frozen;
	w->honest += r->honest;
	w->honest_held += r->honest_held;
	w->honest_late += r->honest_late;
	w->honest_defanged += r->honest_defanged;
	w->tried += r->tried;
	w->arrived += r->arrived;
	w->judged += r->judged;
}
#undef MOST

unsigned cli_simulate_target(const struct cli_simulate_row *row)
{
	return row->worst.accounts * (simulate_words_shape(row->shape)->burst ? 1 : 2) / 100;
}

bool cli_simulate_missed(const struct cli_simulate_row *row)
{
	const struct simulate_result *w = &row->worst;

	if (simulate_words_shape(row->shape)->limit)
		return false;
	return w->infected > cli_simulate_target(row) || w->most_copies > 3 || w->honest_frozen || w->honest_late || w->honest_held * 10000 > w->honest ||
	       w->longest_delay_ms >= 60000;
}

static json_t *run_json(const struct simulate_result *r, uint64_t seed)
{
	return json_pack("{s:I, s:i, s:i, s:i, s:i, s:f, s:f, s:i, s:I, s:I, s:I, s:I, s:i, s:f}", "seed", (json_int_t)seed, "hijacked", (int)r->hijacked,
		"infected", (int)r->infected, "frozen", (int)r->frozen, "copies_of_a_sender", (int)r->most_copies, "first_held_s",
		r->held_any ? (double)r->first_hold_ms / 1000 : -1.0, "contained_s", (double)r->contained_ms / 1000, "honest_frozen", (int)r->honest_frozen,
		"copies_tried", (json_int_t)r->tried, "copies_out", (json_int_t)r->arrived, "honest_messages", (json_int_t)r->honest, "honest_held",
		(json_int_t)r->honest_held, "honest_not_released", (int)r->honest_late, "longest_delay_s", (double)r->longest_delay_ms / 1000);
}

static int print_json(const struct cli_simulate *s)
{
	json_t *all = json_array(), *o;
	unsigned long judged = 0;

	for (unsigned i = 0; i < s->n_rows; i++) {
		const struct cli_simulate_row *row = &s->rows[i];
		json_t *runs = json_array();

		for (unsigned k = 0; k < row->runs; k++)
			json_array_append_new(runs, run_json(&row->v[k], s->first_seed + k));
		judged += row->worst.judged;
		json_array_append_new(all, json_pack("{s:s, s:i, s:i, s:b, s:o}", "worm", simulate_words_shape(row->shape)->name, "most_infected",
			(int)row->worst.infected, "target", (int)cli_simulate_target(row), "missed", cli_simulate_missed(row), "runs", runs));
	}
	o = json_pack("{s:s, s:i, s:f, s:I, s:f, s:o}", "graph", s->graph, "accounts", (int)s->rows[0].worst.accounts, "click", s->click, "messages",
		      (json_int_t)judged, "cpu_s", s->seconds, "worms", all);
	if (!o || json_dumpf(o, stdout, JSON_INDENT(1)) < 0)
		return cli_fail(CLI_NOT, "out of memory");
	putchar('\n');
	json_decref(o);
	return CLI_OK;
}

static const char *span(uint64_t ms, char buf[32])
{
	if (ms < 60000)
		snprintf(buf, 32, "%.1f s", (double)ms / 1000);
	else if (ms < 7200000)
		snprintf(buf, 32, "%.0f min", (double)ms / 60000);
	else
		snprintf(buf, 32, "%.1f h", (double)ms / 3600000);
	return buf;
}

static void print_table(const struct cli_simulate *s)
{
	unsigned long judged = 0;

	printf("%s, %u accounts, clicks with probability %.2g, %u runs each; the most of all runs\n", s->graph, s->rows[0].worst.accounts, s->click, s->rows[0].runs);
	printf("%-18s %9s %6s %7s %9s %9s %7s | %9s %6s %7s %6s\n", "worm", "infected", "target", "copies", "held", "last out", "frozen", "honest", "held", "late",
	       "frozen");
	for (unsigned i = 0; i < s->n_rows; i++) {
		const struct simulate_result *w = &s->rows[i].worst;
		char held[32], last[32];

		printf("%-18s %9u %6u %7u %9s %9s %7u | %9lu %6lu %7lu %6u%s\n", simulate_words_shape(s->rows[i].shape)->name, w->infected,
		       cli_simulate_target(&s->rows[i]), w->most_copies, span(w->first_hold_ms, held), span(w->contained_ms, last), w->frozen, w->honest,
		       w->honest_held, w->honest_late, w->honest_frozen, cli_simulate_missed(&s->rows[i]) ? "  MISSED" : "");
		judged += w->judged;
	}
	printf("%lu messages in %.2f s of CPU: %.0f a second\n", judged, s->seconds, (double)judged / (s->seconds > 0 ? s->seconds : 1));
}

/* --- running ----------------------------------------------------------------------------------------------------------------------- */

static int run_shape(struct cli *c, struct simulate_conf *conf, struct str policy, uint64_t seed, struct cli_simulate_row *row)
{
	struct str why = STR_NONE;

	row->v = arena_alloc(c->arena, row->runs * sizeof(*row->v));
	if (!row->v)
		return cli_fail(CLI_NOT, "out of memory");
	conf->shape = row->shape;
	for (unsigned i = 0; i < row->runs; i++) {
		int e;

		conf->seed = seed + i;
		e = simulate_run(conf, policy, c->arena, &row->v[i], &why);
		if (e < 0)
			return cli_fail(CLI_NOT, "%.*s", STR_FMT(why.n ? why : str_of(err_text(e))));
		add(&row->worst, &row->v[i]);
	}
	return CLI_OK;
}

static int unknown_shape(const char *name)
{
	cli_fail(CLI_USAGE, "there is no worm '%s'; there are:", name);
	for (unsigned i = 0; i < simulate_words_shapes; i++)
		fprintf(stderr, "  %-18s %s\n", simulate_words_shape(i)->name, simulate_words_shape(i)->about);
	return CLI_USAGE;
}

static int simulate(struct cli *c, struct input *in, struct cli_simulate *s, struct simulate_conf *conf, unsigned seeds)
{
	const char *worm = cli_option(c, "worm"), *csv = cli_option(c, "csv"), *svg = cli_option(c, "svg");
	bool all = worm && strcmp(worm, "all") == 0;
	int one = worm && !all ? simulate_words_find(str_of(worm)) : 0, r = CLI_OK;
	clock_t began;
	bool missed = false;

	if (one < 0)
		return unknown_shape(worm);
	s->n_rows = all ? simulate_words_shapes : 1;
	s->rows = arena_alloc(c->arena, s->n_rows * sizeof(*s->rows));
	if (!s->rows)
		return cli_fail(CLI_NOT, "out of memory");
	began = clock();
	for (unsigned i = 0; r == CLI_OK && i < s->n_rows; i++) {
		s->rows[i].shape = all ? i : (unsigned)one;
		s->rows[i].runs = seeds;
		r = run_shape(c, conf, in->policy, s->first_seed, &s->rows[i]);
		missed = missed || cli_simulate_missed(&s->rows[i]);
	}
	s->seconds = (double)(clock() - began) / CLOCKS_PER_SEC;
	if (r == CLI_OK && c->json)
		r = print_json(s);
	else if (r == CLI_OK)
		print_table(s);
	if (r == CLI_OK && csv)
		r = cli_simulate_chart_csv(s, csv);
	if (r == CLI_OK && svg)
		r = cli_simulate_chart_svg(s, svg);
	return r == CLI_OK && cli_flag(c, "require") && missed ? CLI_NOT : r;
}

static unsigned longest_hours(const char *worm)
{
	uint64_t most = 0;

	for (unsigned i = 0; i < simulate_words_shapes; i++)
		if (simulate_words_shape(i)->hours > most && (!worm || strcmp(worm, "all") == 0 || strcmp(worm, simulate_words_shape(i)->name) == 0))
			most = simulate_words_shape(i)->hours;
	return (unsigned)most;
}

int cli_simulate(struct cli *c)
{
	struct input in = { .arena = arena_new(4ull * FILE_BYTES), .policy = STR("") };
	unsigned long seed = number(c, "seed", 1, UINT32_MAX), seeds = number(c, "seeds", 1, SEEDS), hours = number(c, "hours", 0, 24 * 365);
	unsigned long click_s = number(c, "click-s", 0, 86400);
	struct cli_simulate s = { .first_seed = seed, .click = share(c, "click", 1.0) };
	struct simulate_conf conf = { .click = s.click, .retype = share(c, "retype", 0.0), .click_ms = click_s * 1000, .hours = hours };
	int r = CLI_OK;

	s.graph = cli_option(c, "graph") ? cli_option(c, "graph") : cli_option(c, "trace") ? cli_option(c, "trace") : "firm:500";
	if (seed == ULONG_MAX || seeds == ULONG_MAX || seeds == 0 || hours == ULONG_MAX || click_s == ULONG_MAX || conf.click < 0 || conf.retype < 0)
		r = cli_fail(CLI_USAGE, "--seed N, --seeds 1..%d, --hours N, --click-s N are numbers, --click and --retype are from 0 to 1", SEEDS);
	else if (!in.arena)
		r = cli_fail(CLI_NOT, "out of memory");
	if (r == CLI_OK)
		r = read_people(c, &in, seed, hours ? (unsigned)hours : longest_hours(cli_option(c, "worm")));
	if (r == CLI_OK)
		r = read_words(c, &in);
	if (r == CLI_OK) {
		conf.graph = in.graph;
		conf.traffic = in.traffic;
		conf.texts = in.texts.n ? &in.texts : NULL;
		conf.lures = in.lures.n ? &in.lures : NULL;
		r = simulate(c, &in, &s, &conf, (unsigned)seeds);
	}
	simulate_graph_free(&in.graph);
	simulate_graph_traffic_free(&in.traffic);
	simulate_words_release(&in.texts);
	simulate_words_release(&in.lures);
	arena_free(&in.arena);
	return r;
}
