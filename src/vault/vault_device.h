/* vault_device.h - the clients of an account that say which installation they are (XEP-0388 user-agent), with the
 * tokens they sign in by (XEP-0484).
 *
 * Ownership  Results live in the caller's arena, which holds secrets: arena_wipe_on_free().
 * Threads    As vault.h.
 * Limits     LIMIT_DEVICES an account: a new one takes the place of the one unseen for longest.
 * Errors     As vault.h. A row that cannot be read is ERR_CORRUPT.
 *
 * A token is a key of HMAC, so it is kept as it is, sealed like everything else. When an account's credentials
 * change, vault_account_set() forgets all its devices: no path that changes a password can leave a token alive.
 */
#ifndef VAULT_VAULT_DEVICE_H
#define VAULT_VAULT_DEVICE_H

#include "vault/vault.h"

#define VAULT_AGENT 36			/* characters of a UUID */
#define VAULT_DEVICE_ID 12		/* 60 bits */
#define VAULT_TOKEN 32			/* characters; 160 bits */
#define VAULT_DEVICE_TEXT 128		/* bytes of software and name: longer ones are cut */

struct vault_token {
	uint32_t mechanism;		/* enum fast_mechanism; 0: no token */
	char secret[VAULT_TOKEN];
	uint64_t issued_ms, expires_ms;
	uint64_t count;			/* the highest seen with it */
};

struct vault_device {
	struct str agent;		/* whom the client says it is; never shown to anybody */
	char id[VAULT_DEVICE_ID + 1];	/* for lists and revoking */
	char resource[VAULT_DEVICE_ID + 1];	/* the end of its resources: always the same */
	struct str software, name;
	uint64_t first_ms, last_ms;
	bool password;			/* it has shown the password that holds now */
	struct vault_token current, next;	/* next: issued, not used yet */
};

/* A new one, as yet unstored. agent is not copied. */
void vault_device_init(struct vault_device *d, struct str agent, uint64_t now_ms);
MUST_CHECK int vault_device_get(struct vault *v, struct str owner, struct str agent, struct arena *a, struct vault_device *ret);
/* Adds or replaces. */
MUST_CHECK int vault_device_put(struct vault *v, struct str owner, const struct vault_device *d);
MUST_CHECK int vault_device_list(struct vault *v, struct str owner, struct arena *a, struct vault_device **ret, size_t *ret_n);
/* By its id; ERR_NOT_FOUND. */
MUST_CHECK int vault_device_find(struct vault *v, struct str owner, struct str id, struct arena *a, struct vault_device *ret);
MUST_CHECK int vault_device_remove(struct vault *v, struct str owner, const struct vault_device *d);
MUST_CHECK int vault_device_forget(struct vault *v, struct str owner);	/* all of them */

#endif
