/* lint.h - what is odd about a policy that can be read: rules that can never apply, and people whom nobody may reach.
 *
 * Ownership  Texts live in the arena given.
 * Limits     LINT_NOTES notes; what is more is not told.
 */
#ifndef POLICY_LINT_H
#define POLICY_LINT_H

#include "policy/policy.h"

#define LINT_NOTES 200

struct lint_note { unsigned line; struct str text; };	/* line 0: of the whole file */
struct lint { struct lint_note v[LINT_NOTES]; unsigned n; };

MUST_CHECK int lint_policy(const struct policy *p, struct arena *a, struct lint *ret);
/* Members of groups that are addresses of our own domain, each once: whether they have accounts, somebody else knows. */
MUST_CHECK int lint_members(const struct policy *p, struct arena *a, struct str **ret, size_t *ret_n);
void lint_add(struct lint *l, struct arena *a, unsigned line, const char *fmt, ...) __attribute__((format(printf, 4, 5)));

#endif
