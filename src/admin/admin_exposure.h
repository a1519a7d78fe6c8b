/* admin_exposure.h - whom an outbreak has reached, from whom, and what they did with it: the tree of the infection.
 *
 * Received: a copy was delivered to him, or to a room he was in then. Read: his client has said so, by a marker (XEP-0333) or by what his clients
 * tell each other (XEP-0490); who has not said so may have read it all the same. Clicked: he went on from the page of a checked link. Passed on: he
 * has sent a copy himself, afterwards.
 *
 * Threads  The store's.
 * Limits   EXPOSURE_ROWS copies, EXPOSURE_LOOKED people of whom it is looked up whether they read it, EXPOSURE_PAGE later messages of each.
 */
#ifndef ADMIN_EXPOSURE_H
#define ADMIN_EXPOSURE_H

#include "admin/admin_parts.h"

#define EXPOSURE_ROWS 20000
#define EXPOSURE_LOOKED 500
#define EXPOSURE_PAGE 50

/* Adds copies, exposures and tree to the reply; patient_zero when it has none yet. */
MUST_CHECK int admin_exposure(struct admin_call *call, struct vault *v, struct str fingerprint);

#endif
