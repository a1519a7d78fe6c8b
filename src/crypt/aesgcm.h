/* aesgcm.h - opens a file as XEP-0454 seals it: AES-256-GCM, the tag of 16 bytes behind its end.
 *
 * Threads  Any.
 * Limits   AESGCM_IV: 12 bytes as the XEP has it, 16 as older clients do.
 * Errors   ERR_FORBIDDEN: the key does not fit, or the file was changed or cut; ERR_NOMEM.
 */
#ifndef CRYPT_AESGCM_H
#define CRYPT_AESGCM_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

#define AESGCM_KEY 32
#define AESGCM_IV 16
#define AESGCM_TAG 16

/* The n bytes of fd, a memfd, become the n - AESGCM_TAG that were encrypted. After an error what is in it is worth nothing: it is to be closed. */
MUST_CHECK int aesgcm_open_fd(int fd, uint64_t n, const uint8_t key[AESGCM_KEY], const uint8_t *iv, size_t n_iv);

#endif
