/* retract.h - a message that takes an earlier one back (XEP-0424): in the archive a tombstone stands in its place.
 *
 * Only by who sent it, to the same person, and only when it is among the last RETRACT_SEARCH messages between the two.
 *
 * Threads    The store's, in the transaction of the retraction itself.
 * Errors     A message that is not found, or is somebody else's, is none: the retraction is a message like others.
 */
#ifndef CORE_RETRACT_H
#define CORE_RETRACT_H

#include "core/trip.h"
#include "vault/vault.h"

#define RETRACT_SEARCH 500

/* whose: one of the archives that the retraction goes to, and with whom. */
MUST_CHECK int retract_work(struct vault *v, struct trip *t, struct vault_owner whose);

#endif
