/* watch.h - the guard of an instance: policy.yaml and weights.yaml read, lists loaded.
 *
 * Ownership  The guard is the caller's until server_new() or server_reload() takes it.
 * Errors     ret_why: a sentence with file, line and column, in the caller's arena.
 */
#ifndef ROLES_WATCH_H
#define ROLES_WATCH_H

#include "base/arena.h"
#include "base/err.h"

struct config;
struct guard;
struct instance;
struct policy;

/* The policy alone, for commands. */
MUST_CHECK int watch_policy(const struct instance *in, const char *domain, struct arena *a, struct policy **ret, struct str *ret_why);
MUST_CHECK int watch_open(const struct instance *in, const struct config *c, struct arena *a, struct guard **ret, struct str *ret_why);
/* Has a list of malicious links been made anew since? */
bool watch_changed(const struct instance *in, const struct guard *g);
void watch_close(struct guard **g);

#endif
