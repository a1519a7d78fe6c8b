/* cli_simulate.h - what one `wardroom simulate` has seen, for who prints it.
 *
 * Ownership  The rows belong to cli_simulate.c.
 */
#ifndef CLI_SIMULATE_H
#define CLI_SIMULATE_H

#include "cli/cli.h"
#include "outbreak/simulate.h"

/* All runs of one shape. */
struct cli_simulate_row {
	unsigned shape, runs;
	struct simulate_result *v;		/* runs of them; seeds rise by one from the first */
	struct simulate_result worst;		/* the most of each; sums of what is counted in messages */
};

struct cli_simulate {
	struct cli_simulate_row *rows;
	unsigned n_rows;
	uint64_t first_seed;
	double click;
	const char *graph;
	double seconds;				/* of CPU */
};

/* What a worm may reach: newly infected, of so many accounts. */
unsigned cli_simulate_target(const struct cli_simulate_row *row);
bool cli_simulate_missed(const struct cli_simulate_row *row);
/* A line for each point of each run. */
int cli_simulate_chart_csv(const struct cli_simulate *s, const char *path);
/* The infected over time: a curve for each shape, the worst run of each. */
int cli_simulate_chart_svg(const struct cli_simulate *s, const char *path);

#endif
