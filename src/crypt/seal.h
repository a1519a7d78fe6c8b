/* seal.h - AES-256-GCM and HMAC-SHA-256 with everything slow done once.
 *
 * A sealed text is nonce (12 bytes, random), ciphertext, tag (16 bytes). The associated data says
 * where it belongs, so that a sealed text opens in its own place only.
 *
 * Ownership  seal_free and friends wipe what OpenSSL keeps of the key.
 * Threads    An object belongs to one thread at a time. A seal_lib outlives what was made of it.
 * Limits     At most 2^32 texts under one key (random nonces, NIST SP 800-38D 8.3): keys are of one
 *            owner and month. Texts up to 1 GiB.
 * Errors     ERR_CORRUPT: another key, another place, or changed. ERR_NOMEM.
 */
#ifndef CRYPT_SEAL_H
#define CRYPT_SEAL_H

#include "base/err.h"
#include "base/str.h"

#define SEAL_KEY 32
#define SEAL_NONCE 12
#define SEAL_TAG 16
#define SEAL_EXTRA (SEAL_NONCE + SEAL_TAG)
#define SEAL_MAC 32

struct seal_lib;	/* the algorithms, fetched */
struct seal;		/* one key, scheduled */
struct seal_mac;	/* one HMAC key, scheduled */

MUST_CHECK int seal_lib_new(struct seal_lib **ret);
void seal_lib_free(struct seal_lib **lib);

MUST_CHECK int seal_new(struct seal_lib *lib, const uint8_t key[SEAL_KEY], struct seal **ret);
void seal_free(struct seal **s);
/* Writes plain.n + SEAL_EXTRA bytes. */
MUST_CHECK int seal_close(struct seal *s, struct str aad, struct str plain, uint8_t *ret);
/* Writes sealed.n - SEAL_EXTRA bytes; nothing usable on failure. */
MUST_CHECK int seal_open(struct seal *s, struct str aad, struct str sealed, uint8_t *ret);

/* The same with a nonce of the caller's, who sees to it that it never comes again under this key, and keeps it himself:
 * writes plain.n + SEAL_TAG bytes, and back. */
MUST_CHECK int seal_close_at(struct seal *s, const uint8_t nonce[SEAL_NONCE], struct str aad, struct str plain, uint8_t *ret);
MUST_CHECK int seal_open_at(struct seal *s, const uint8_t nonce[SEAL_NONCE], struct str aad, struct str sealed, uint8_t *ret);

/* Under a key that seals this one text and no other: no nonce. Writes plain.n + SEAL_TAG bytes. */
MUST_CHECK int seal_close_once(struct seal_lib *lib, const uint8_t key[SEAL_KEY], struct str aad, struct str plain,
			       uint8_t *ret);
MUST_CHECK int seal_open_once(struct seal_lib *lib, const uint8_t key[SEAL_KEY], struct str aad, struct str sealed,
			      uint8_t *ret);

MUST_CHECK int seal_mac_new(struct seal_lib *lib, const uint8_t key[SEAL_KEY], struct seal_mac **ret);
void seal_mac_free(struct seal_mac **m);
/* HMAC-SHA-256 over the parts, one after the other; the caller makes their borders unambiguous. */
void seal_mac(struct seal_mac *m, const struct str *parts, size_t n, uint8_t ret[SEAL_MAC]);

#endif
