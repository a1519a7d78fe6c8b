/* decoy.h - what a decoy is called: made up, as the people around it are called, and nobody's.
 *
 * Threads  Pure but for chance.
 * Limits   DECOY_NAME, DECOY_LOCAL bytes; DECOY_TRIES names.
 * Errors   ERR_NOT_FOUND: every name that was tried is somebody's.
 */
#ifndef OUTBREAK_DECOY_H
#define OUTBREAK_DECOY_H

#include "base/err.h"
#include "base/str.h"

#define DECOY_NAME 64
#define DECOY_LOCAL 64
#define DECOY_TRIES 200

/* What is between given and family name in most of the addresses here. */
struct decoy_style { unsigned dot, dash, low, initial, given; };

struct decoy {
	char name[DECOY_NAME];		/* "Mara Lindqvist" */
	char local[DECOY_LOCAL];	/* "mara.lindqvist" */
};

/* Somebody's local part, as an example of how addresses are made. */
void decoy_style_see(struct decoy_style *s, struct str local);
/* names: the company's own, "given family" each; n 0: the built-in ones. taken: is that local part somebody's? */
MUST_CHECK int decoy_make(const struct decoy_style *s, const struct str *names, size_t n, bool (*taken)(void *ctx, struct str local), void *ctx,
			  struct decoy *ret);
/* "mara.lindqvist" as a name: "Mara Lindqvist". Cut to DECOY_NAME - 1 bytes at a whole character. */
void decoy_name_of(struct str local, char ret[DECOY_NAME]);
struct str decoy_builtin(void);		/* conf/decoy-names.txt */

#endif
