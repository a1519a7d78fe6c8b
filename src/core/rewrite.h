/* rewrite.h - changes what a message shows so that its links are harmless, before it is stored and delivered.
 *
 * Links of every body and subject are written as hxxp://host[.]example, or as links of our own that are checked at the
 * click; markup, OOB, references and whatever else leads where policy does not trust are taken out. What is encrypted
 * or signed, and ids, are left as they are.
 *
 * Threads    The loop's.
 * Errors     ERR_UNSUPPORTED: it is signed, so nobody may change it: hold it. ERR_NOMEM, ERR_LIMIT: do not deliver.
 */
#ifndef CORE_REWRITE_H
#define CORE_REWRITE_H

#include "core/trip.h"

/* how: DEFANG, REWRITE, or WARN: a sentence below the text. */
MUST_CHECK int rewrite_message(struct trip *t, enum policy_link how);

#endif
