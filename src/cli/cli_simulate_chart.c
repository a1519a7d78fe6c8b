/* cli_simulate_chart.c - what was simulated, as a table for a spreadsheet and as a picture. No library: both are lines of text. */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "cli/cli_simulate.h"

#define WIDTH 900
#define HEIGHT 420
#define LEFT 60
#define TOP 40
#define PLOT_W 560
#define PLOT_H 320

static int finish(FILE *f, const char *path)
{
	bool bad = ferror(f);

	bad = fclose(f) != 0 || bad;
	return bad ? cli_fail(CLI_NOT, "%s: %s", path, strerror(errno)) : CLI_OK;
}

int cli_simulate_chart_csv(const struct cli_simulate *s, const char *path)
{
	FILE *f = fopen(path, "w");

	if (!f)
		return cli_fail(CLI_NOT, "%s: %s", path, strerror(errno));
	fputs("worm,seed,seconds,newly_infected,copies_held\n", f);
	for (unsigned i = 0; i < s->n_rows; i++)
		for (unsigned k = 0; k < s->rows[i].runs; k++)
			for (unsigned n = 0; n < s->rows[i].v[k].n_curve; n++) {
				const struct simulate_point *p = &s->rows[i].v[k].curve[n];

				fprintf(f, "%s,%llu,%.3f,%u,%u\n", simulate_words_shape(s->rows[i].shape)->name, (unsigned long long)(s->first_seed + k),
					(double)p->ms / 1000, p->infected, p->held);
			}
	return finish(f, path);
}

static const struct simulate_result *worst_run(const struct cli_simulate_row *row)
{
	const struct simulate_result *worst = &row->v[0];

	for (unsigned k = 1; k < row->runs; k++)
		if (row->v[k].infected > worst->infected)
			worst = &row->v[k];
	return worst;
}

/* Time is logarithmic: bursts and drips fit into one picture. */
static double x_of(uint64_t ms, double most)
{
	return LEFT + PLOT_W * log10((double)ms / 1000 + 1) / most;
}

static void curve(FILE *f, const struct simulate_result *r, unsigned colour, double most_x, double most_y)
{
	double y = TOP + PLOT_H;

	fprintf(f, "<polyline fill='none' stroke='hsl(%u,70%%,40%%)' stroke-width='2' points='%d,%.1f", colour, LEFT, y);
	for (unsigned i = 0; i < r->n_curve; i++) {
		double x = x_of(r->curve[i].ms, most_x);

		fprintf(f, " %.1f,%.1f", x, y);
		y = TOP + PLOT_H - PLOT_H * r->curve[i].infected / most_y;
		fprintf(f, " %.1f,%.1f", x, y);
	}
	fputs("'/>\n", f);
}

static void frame(FILE *f, const struct cli_simulate *s, double most_x, double most_y)
{
	static const struct { uint64_t ms; const char *name; } marks[] = { { 0, "0" }, { 10000, "10 s" }, { 60000, "1 min" }, { 600000, "10 min" },
		{ 3600000, "1 h" }, { 86400000, "1 d" }, { 864000000, "10 d" } };

	fprintf(f, "<text x='%d' y='20' font-size='15'>Newly infected accounts of %u (clicks with probability %.2g), the worst of %u runs</text>\n", LEFT,
		s->rows[0].worst.accounts, s->click, s->rows[0].runs);
	fprintf(f, "<path d='M%d %d V%d H%d' fill='none' stroke='#444'/>\n", LEFT, TOP, TOP + PLOT_H, LEFT + PLOT_W);
	for (size_t i = 0; i < sizeof(marks) / sizeof(marks[0]) && x_of(marks[i].ms, most_x) <= LEFT + PLOT_W; i++)
		fprintf(f, "<text x='%.1f' y='%d' text-anchor='middle'>%s</text>\n", x_of(marks[i].ms, most_x), TOP + PLOT_H + 18, marks[i].name);
	for (unsigned i = 0; i <= 4; i++)
		fprintf(f, "<text x='%d' y='%.1f' text-anchor='end'>%.4g</text>\n", LEFT - 6, TOP + PLOT_H - PLOT_H * i / 4.0 + 4, most_y * i / 4);
}

int cli_simulate_chart_svg(const struct cli_simulate *s, const char *path)
{
	FILE *f = fopen(path, "w");
	double most_x = 1, most_y = 4;

	if (!f)
		return cli_fail(CLI_NOT, "%s: %s", path, strerror(errno));
	for (unsigned i = 0; i < s->n_rows; i++) {
		const struct simulate_result *r = worst_run(&s->rows[i]);
		double x = log10((double)r->curve[r->n_curve - 1].ms / 1000 + 1);

		most_x = x > most_x ? x : most_x;
		most_y = r->infected > most_y ? r->infected : most_y;
	}
	fprintf(f, "<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 %d %d' font-family='sans-serif' font-size='12'>\n"
		"<rect width='100%%' height='100%%' fill='white'/>\n", WIDTH, HEIGHT);
	frame(f, s, most_x, most_y);
	for (unsigned i = 0; i < s->n_rows; i++) {
		unsigned colour = i * 360 / s->n_rows;
		int y = TOP + 10 + (int)i * 16;

		curve(f, worst_run(&s->rows[i]), colour, most_x, most_y);
		fprintf(f, "<rect x='%d' y='%d' width='12' height='4' fill='hsl(%u,70%%,40%%)'/><text x='%d' y='%d'>%s: %u</text>\n", LEFT + PLOT_W + 30,
			y - 6, colour, LEFT + PLOT_W + 48, y, simulate_words_shape(s->rows[i].shape)->name, s->rows[i].worst.infected);
	}
	fputs("</svg>\n", f);
	return finish(f, path);
}
