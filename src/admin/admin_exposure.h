/* admin_exposure.h - whom an outbreak has reached, from whom, and what they did with it: the tree of the infection.
 *
 * Received: a copy was delivered to him, or to a room he was in then. Read: his client has said so, by a marker (XEP-0333) or by what his clients
 * tell each other (XEP-0490); who has not said so may have read it all the same. Clicked: he went on from the page of a checked link. Passed on: he
 * has sent a copy himself, afterwards. Downloaded: he has loaded a file of our own that came with it.
 *
 * Threads  The store's.
 * Limits   EXPOSURE_ROWS copies, EXPOSURE_LOOKED people of whom it is looked up whether they read it, EXPOSURE_PAGE later messages of each.
 */
#ifndef ADMIN_EXPOSURE_H
#define ADMIN_EXPOSURE_H

#include "admin/admin_parts.h"
#include "vault/vault_file.h"

#define EXPOSURE_ROWS 20000
#define EXPOSURE_LOOKED 500
#define EXPOSURE_PAGE 50
#define EXPOSURE_FILES 20

/* The next link to a file of our own in a stanza: its id; *rest goes behind it. False: there is none any more. */
bool admin_exposure_file(struct str *rest, uint8_t ret[VAULT_FILE_ID]);
/* Adds copies, exposures and tree to the reply; patient_zero when it has none yet. */
MUST_CHECK int admin_exposure(struct admin_call *call, struct vault *v, struct str fingerprint);

#endif
