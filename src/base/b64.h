/* b64.h - strict Base64 (RFC 4648 section 4): padding required, no white space, no stray bits. */
#ifndef BASE_B64_H
#define BASE_B64_H

#include "base/arena.h"
#include "base/err.h"

#define B64_LEN(n) (((n) + 2) / 3 * 4)

/* Writes B64_LEN(n) characters and a NUL. */
void b64_encode(const void *p, size_t n, char *ret);
/* At most cap bytes. ERR_BAD_FORMAT, or ERR_LIMIT when it does not fit. */
MUST_CHECK int b64_decode(struct str text, uint8_t *ret, size_t cap, size_t *ret_n);
struct str b64_str(struct arena *a, const void *p, size_t n);	/* .p NULL on failure */
/* Lower-case hexadecimal; 2 n characters and a NUL. */
void b64_hex(const void *p, size_t n, char *ret);
MUST_CHECK int b64_unhex(struct str text, uint8_t *ret, size_t cap, size_t *ret_n);

#endif
