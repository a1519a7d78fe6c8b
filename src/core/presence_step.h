/* presence_step.h - links in what presence shows: status texts, nicknames, the name somebody takes in a room.
 *
 * There is no quarantine for presence, and it must not be lost: what is bad is taken out of it, a bad name is refused.
 *
 * Threads    The loop's.
 */
#ifndef CORE_PRESENCE_STEP_H
#define CORE_PRESENCE_STEP_H

#include "core/trip.h"

enum trip_next presence_step(struct trip *t);

#endif
