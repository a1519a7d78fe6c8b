/* secret.h - bytes that must not leak: keys, verifiers, passwords, tokens.
 *
 * Ownership  secret_free wipes, then frees. There is no way to print one: log_* has no
 *            format for it, and the bytes are reached through secret_bytes() alone.
 */
#ifndef BASE_SECRET_H
#define BASE_SECRET_H

#include "base/str.h"

struct secret;

struct secret *secret_new(const void *p, size_t n);	/* copies; NULL when out of memory */
void secret_free(struct secret **s);
const uint8_t *secret_bytes(const struct secret *s);
size_t secret_len(const struct secret *s);

void secret_wipe(void *p, size_t n);			/* not optimised away */
bool secret_eq(const void *a, const void *b, size_t n);	/* time depends on n alone */

#endif
