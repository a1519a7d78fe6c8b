/* pipeline.c - the road of one stanza. Read this file first. */
#include "core/pipeline.h"

#include "base/check.h"

#define PIPELINE \
	STEP(validate)	/* stamp 'from', check shape, strip what only a server may say */ \
	STEP(inspect)	/* facts, verdicts, decision; the copy is reserved here */ \
	STEP(route)	/* whose stanza is it: account, resource, server, bot, remote */ \
	STEP(admit)	/* the receiver's gate: block lists, first contact */ \
	STEP(archive)	/* plan the copies, seal and append, wait for the commit */ \
	STEP(deliver)	/* write the copies, answer the request */ \
	STEP(done)	/* acknowledge, count, give the arena back */

static const struct {
	const char *name;
	step_fn *run;
} steps[] = {
#define STEP(name) { #name, step_##name },
	PIPELINE
#undef STEP
};

/* Runs until the stanza ends or waits; whoever it waits for calls us again. A step that waits moves t->step
 * itself when it is not to be run a second time. */
void trip_run(struct trip *t)
{
	while (t->step < ARRAY_SIZE(steps)) {
		unsigned step = t->step;
		enum trip_next r = steps[step].run(t);

		if (r != TRIP_NEXT)
			return;		/* waiting, or ended and freed */
		t->step = step + 1;
	}
}
