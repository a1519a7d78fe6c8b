/* prefs.h - whose messages an account wants in its archive (XEP-0441), as far as the company leaves that to it.
 *
 * wardroom.yaml decides: with archive.choice `company` archive.default holds for everybody, whatever was chosen.
 *
 * Ownership  prefs_decode/prefs_free; a user holds his (core/user.h).
 * Threads    The loop's.
 * Limits     PREFS_JIDS addresses in both lists together.
 * Errors     ERR_CORRUPT: not as it was stored.
 */
#ifndef CORE_PREFS_H
#define CORE_PREFS_H

#include "base/err.h"
#include "base/str.h"

#define PREFS_JIDS 200
#define PREFS_BYTES (PREFS_JIDS * 3100)		/* of the stored text at most */

struct server;
struct user;

enum prefs_default { PREFS_ALWAYS, PREFS_NEVER, PREFS_ROSTER, PREFS_DEFAULTS };

struct prefs {
	enum prefs_default def;
	size_t n_always, n;		/* v holds the list 'always', then 'never' */
	struct str v[];			/* the text follows */
};

/* Stored as text: the word of the default, then "+address" (always) and "-address" (never), a line each, in this order. */
MUST_CHECK int prefs_decode(struct str text, struct prefs **ret);
void prefs_free(struct prefs **p);
const char *prefs_word(enum prefs_default def);
/* PREFS_DEFAULTS: it is none. */
enum prefs_default prefs_default_of(struct str word);

/* What holds for this account: its own choice (*ret_own, NULL: none), where the company leaves it one. u NULL: the company's. */
enum prefs_default prefs_of(const struct server *srv, const struct user *u, const struct prefs **ret_own);
/* Does what this account writes to, or gets from, that address go into its archive? bare, full: as in struct jid. */
bool prefs_archives(const struct server *srv, const struct user *u, struct str bare, struct str full);

#endif
