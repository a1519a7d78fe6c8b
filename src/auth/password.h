/* password.h - passwords given out and passwords accepted.
 *
 * Ownership  The caller's memory; wipe generated passwords after use.
 * Threads    Any.
 * Errors     ERR_POLICY with a sentence that says what is wrong.
 */
#ifndef AUTH_PASSWORD_H
#define AUTH_PASSWORD_H

#include "base/err.h"
#include "base/str.h"

#define PASSWORD_MIN 10				/* characters */
#define PASSWORD_GENERATED 20			/* with the NUL: "k7fm-p2xq-9dtw-hn4c", 79 bits */

void password_generate(char ret[PASSWORD_GENERATED]);
/* user: the bare JID or its local part. ret_why: a literal, complete sentence. */
MUST_CHECK int password_check(struct str password, struct str user, const char **ret_why);

#endif
