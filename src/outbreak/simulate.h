/* simulate.h - an outbreak in virtual time: a graph of people, what they write to one another, a worm, and the real guard.
 *
 * Every message, honest or not, goes through guard_judge() with a clock of its own; what it lets pass arrives, and who gets a lure
 * clicks with some probability. Honest people whose message is held answer the bot within a minute. One seed is one run, always the
 * same. What a run cannot know: who reads how soon, and what people do with a link that they see but cannot click.
 *
 * Ownership  simulate_*_free(). Graph, traffic and texts may serve many runs.
 * Threads    One.
 * Limits     SIMULATE_ACCOUNTS, SIMULATE_EDGES, SIMULATE_MESSAGES, SIMULATE_TEXTS.
 * Errors     ERR_BAD_FORMAT (a file that is no graph, trace or text), ERR_LIMIT, ERR_NOMEM.
 */
#ifndef OUTBREAK_SIMULATE_H
#define OUTBREAK_SIMULATE_H

#include "outbreak/guard.h"

#define SIMULATE_ACCOUNTS 100000
#define SIMULATE_EDGES 4000000
#define SIMULATE_MESSAGES 20000000
#define SIMULATE_TEXTS 400000
#define SIMULATE_ROOM_BIT 0x80000000u	/* a receiver that is a room */
#define SIMULATE_CURVE 256
#define SIMULATE_DOMAIN "firm.example"

/* --- people and rooms ------------------------------------------------------------------------------------------------ */

struct simulate_graph {
	unsigned n;
	uint32_t *first, *to;		/* contacts of i: to[first[i]] .. to[first[i + 1] - 1] */
	unsigned n_rooms;
	uint32_t *room_first, *member;
	char (*name)[32];		/* local parts */
};

/* Departments, projects and a few who know everybody. Rooms as in a firm: one a department, some projects; one for all. */
MUST_CHECK int simulate_graph_firm(unsigned accounts, uint64_t seed, struct simulate_graph **ret);
/* Lines of "src dst" or "time src dst", numbers apart by blanks or tabs; a line that begins with a letter or '#' is a heading. */
MUST_CHECK int simulate_graph_read(struct str text, uint64_t seed, struct simulate_graph **ret);
void simulate_graph_free(struct simulate_graph **g);

/* --- what honest people write -------------------------------------------------------------------------------------------- */

struct simulate_message { uint64_t ms; uint32_t from, to; };	/* to: an account, or SIMULATE_ROOM_BIT | room */

struct simulate_traffic {
	struct simulate_message *v;	/* in order of time; ms from the beginning */
	size_t n;
	uint64_t length_ms;
};

/* A working day of nine hours every 24: so many messages an account and day, a fifth of them in rooms. */
MUST_CHECK int simulate_graph_traffic(const struct simulate_graph *g, unsigned days, unsigned per_day, uint64_t seed, struct simulate_traffic **ret);
/* "time src dst" in seconds; numbers of people as in the graph read from the same text. */
MUST_CHECK int simulate_graph_traffic_read(struct str text, const struct simulate_graph *g, struct simulate_traffic **ret);
void simulate_graph_traffic_free(struct simulate_traffic **t);

struct simulate_texts { struct str *v; size_t n; };

/* One a line; of a line with tabs the part with "{url}" in it, or else what stands behind the last. They point into text. */
MUST_CHECK int simulate_words_read(struct str text, struct simulate_texts *ret);
void simulate_words_release(struct simulate_texts *t);

/* --- the worm ------------------------------------------------------------------------------------------------------------ */

struct simulate_shape {
	const char *name, *about;
	bool burst;			/* its target is that of bursts */
	uint64_t hours;			/* how long a run looks at it */
	bool limit;			/* beyond what the guard can see: no target */
};

extern const unsigned simulate_words_shapes;
const struct simulate_shape *simulate_words_shape(unsigned shape);
int simulate_words_find(struct str name);	/* -1: none */

struct simulate_conf {
	const struct simulate_graph *graph;
	const struct simulate_traffic *traffic;		/* NULL: nobody writes but the worm */
	const struct simulate_texts *texts;		/* NULL: a few of our own */
	const struct simulate_texts *lures;		/* NULL: a few of our own; {url}, {name} and {n} are filled in */
	unsigned shape;
	double click;
	uint64_t click_ms;		/* who clicks does so within this; 0: at once */
	double retype;			/* who gets a link that cannot be clicked types it */
	uint64_t seed;
	uint64_t hours;			/* 0: the shape's own */
};

struct simulate_point { uint64_t ms; unsigned infected, held; };

struct simulate_result {
	unsigned accounts, hijacked, infected;	/* infected: newly */
	unsigned senders;			/* that tried to send a copy */
	unsigned frozen, honest_frozen;
	unsigned most_copies;			/* that went out from one sender, a message or a post each */
	unsigned long tried, arrived;		/* copies */
	uint64_t first_hold_ms, contained_ms;	/* from the worm's start: the first copy held; the last copy out */
	bool held_any;
	unsigned long honest, honest_held, honest_late, honest_defanged;	/* late: not let go within a minute */
	uint64_t longest_delay_ms;
	unsigned long judged;
	struct simulate_point curve[SIMULATE_CURVE];
	unsigned n_curve;
};

/* One run with a fresh memory; policy: its text, may be empty. ret_why lives in a. */
MUST_CHECK int simulate_run(const struct simulate_conf *conf, struct str policy, struct arena *a, struct simulate_result *ret, struct str *ret_why);

#endif
