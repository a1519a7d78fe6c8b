/* why.h - a decision in two lines that a manager understands: what was done with which message, and because of what.
 *
 * Pure.
 */
#ifndef ADMIN_WHY_H
#define ADMIN_WHY_H

#include <jansson.h>

#include "base/arena.h"
#include "base/err.h"

/* story: what was written when the message was judged, with held and policy_version added. Adds "lines". */
MUST_CHECK int why_explain(struct arena *a, json_t *story);

#endif
