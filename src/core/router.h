/* router.h - looks the addressed account up, for the steps that need it before the route is chosen. */
#ifndef CORE_ROUTER_H
#define CORE_ROUTER_H

#include "core/trip.h"

/* Sets to_user, or lookup_err when there is none. TRIP_WAIT: the step runs again when the answer is there. */
enum trip_next router_find(struct trip *t);

#endif
