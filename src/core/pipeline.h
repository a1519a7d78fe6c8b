/* pipeline.h - the steps of a stanza's road: one function each, in one file each. */
#ifndef CORE_PIPELINE_H
#define CORE_PIPELINE_H

#include "core/trip.h"

typedef enum trip_next step_fn(struct trip *t);

step_fn step_validate, step_inspect, step_route, step_admit, step_archive, step_deliver, step_done;

#endif
