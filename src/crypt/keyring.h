/* keyring.h - the one door to the keys of an instance.
 *
 *   keys/master.key  wraps  the root (random; derives the tags and purposes of this instance)
 *                    wraps  one random key for each (owner, month), kept wrapped in the store
 *
 * Deleting a wrapped key shreds what was sealed under it; a new master key means wrapping anew, not sealing anew.
 *
 * Ownership  A struct seal got from here belongs to the ring and is valid until the next call of keyring_*.
 * Threads    One at a time.
 * Limits     LIMIT_KEYRING_KEYS unwrapped keys, the least recently used leaves (wiped).
 * Errors     ERR_CORRUPT: not wrapped by this master key for this place.
 */
#ifndef CRYPT_KEYRING_H
#define CRYPT_KEYRING_H

#include "base/arena.h"
#include "crypt/seal.h"

#define KEYRING_WRAPPED (SEAL_KEY + SEAL_EXTRA)

struct keyring;

/* Makes dir (0700) and dir/master.key (0600). ERR_CONFLICT when there is one already. */
MUST_CHECK int keyring_create(const char *dir, struct arena *a, struct str *ret_why);
/* Refuses a file or folder that group or others may touch (ERR_FORBIDDEN). */
MUST_CHECK int keyring_open(const char *dir, struct arena *a, struct keyring **ret, struct str *ret_why);
MUST_CHECK int keyring_open_random(struct keyring **ret);	/* a master key that nobody keeps */
void keyring_free(struct keyring **k);
struct seal_lib *keyring_lib(struct keyring *k);

MUST_CHECK int keyring_root_new(struct keyring *k, uint8_t ret_wrapped[KEYRING_WRAPPED]);
MUST_CHECK int keyring_root_load(struct keyring *k, struct str wrapped);
/* HMAC(root, purpose); the root must be there. */
void keyring_derive(struct keyring *k, const char *purpose, uint8_t ret[SEAL_KEY]);

struct seal *keyring_get(struct keyring *k, uint64_t owner, uint32_t month);	/* NULL when not unwrapped */
MUST_CHECK int keyring_new_key(struct keyring *k, uint64_t owner, uint32_t month, uint8_t ret_wrapped[KEYRING_WRAPPED],
			       struct seal **ret);
MUST_CHECK int keyring_load(struct keyring *k, uint64_t owner, uint32_t month, struct str wrapped, struct seal **ret);
void keyring_forget(struct keyring *k, uint64_t owner, uint32_t month);
void keyring_forget_all(struct keyring *k);

#endif
