/* scram.h - the cryptography of SCRAM (RFC 5802, RFC 7677): verifiers made, kept and checked.
 *
 * Ownership  Values in the caller's memory; wipe them with secret_wipe() after use.
 *            struct scram_tools holds what OpenSSL looks up by name, once for a whole server.
 * Threads    scram_tools is immutable after scram_tools_new(): any thread. scram_derive and
 *            scram_salted take milliseconds: a pool thread, never the loop's.
 * Limits     SCRAM_ITERATIONS_*, SCRAM_PASSWORD_BYTES.
 * Errors     ERR_BAD_FORMAT (password or blob), ERR_VERSION (blob of a newer server), ERR_NOMEM.
 */
#ifndef AUTH_SCRAM_H
#define AUTH_SCRAM_H

#include "base/err.h"
#include "base/str.h"

enum scram_hash { SCRAM_SHA_1, SCRAM_SHA_256, SCRAM_SHA_512 };
#define SCRAM_HASHES 3
#define SCRAM_MAX_BYTES 64			/* the longest digest */
#define SCRAM_SALT_BYTES 16			/* ours; verifiers taken over from elsewhere have others */
#define SCRAM_SALT_MAX 64
#define SCRAM_PASSWORD_BYTES 1023		/* after preparation: what RFC 8265 lets a part of an address be */
#define SCRAM_ITERATIONS 10000			/* default; RFC 7677 asks for at least 4096 */
#define SCRAM_ITERATIONS_MIN 4096
#define SCRAM_ITERATIONS_MAX 1000000		/* 0.3 s of a thread: more would be a way to stop logins */

/* What the server keeps of a password for one hash. iterations 0: none for this hash. */
struct scram_verifier {
	uint32_t iterations;
	uint8_t salt[SCRAM_SALT_MAX];
	size_t salt_n;
	uint8_t stored_key[SCRAM_MAX_BYTES];
	uint8_t server_key[SCRAM_MAX_BYTES];
};

struct credentials {
	struct scram_verifier v[SCRAM_HASHES];
};

struct scram_tools;
struct scram_tools *scram_tools_new(void);	/* NULL when OpenSSL cannot */
void scram_tools_free(struct scram_tools **t);

size_t scram_bytes(enum scram_hash hash);	/* of its digest: 20, 32, 64 */
const char *scram_name(enum scram_hash hash);	/* "SCRAM-SHA-256" */

/* Verifiers of all three hashes under fresh salts. Slow. */
MUST_CHECK int scram_derive(const struct scram_tools *t, struct str password, uint32_t iterations,
			    struct credentials *ret);
/* Is this the password? Slow. Any one hash that has a verifier decides; constant time in the password. */
MUST_CHECK int scram_check_password(const struct scram_tools *t, struct str password,
				    const struct credentials *c, bool *ret_right);

/* StoredKey and ServerKey of a SaltedPassword that was derived elsewhere, into v: salt and rounds stay (RFC 5802 3). */
MUST_CHECK int scram_from_salted(const struct scram_tools *t, enum scram_hash hash, const uint8_t *salted,
				 struct scram_verifier *v);

/* The blob the vault keeps: a version byte, then the verifiers that are there. */
#define SCRAM_BLOB_BYTES 448
size_t scram_encode(const struct credentials *c, uint8_t ret[SCRAM_BLOB_BYTES]);	/* how many bytes */
MUST_CHECK int scram_decode(struct str blob, struct credentials *ret);

/* RFC 4013: what both sides do to a password before they use it; ASCII stays as it is. Result in ret. */
MUST_CHECK int scram_prepare(struct str password, char ret[SCRAM_PASSWORD_BYTES + 1], size_t *ret_n);

/* A salt that is always the same for a name, for accounts that do not exist. */
void scram_fake(const struct scram_tools *t, const uint8_t key[32], struct str user, uint32_t iterations,
		enum scram_hash hash, struct scram_verifier *ret);
/* Is the proof right (RFC 5802 3)? Constant time. ret_signature: what proves the server to the client. */
MUST_CHECK int scram_verify(const struct scram_tools *t, enum scram_hash hash, const struct scram_verifier *v,
			    struct str auth_message, const uint8_t *proof,
			    bool *ret_right, uint8_t ret_signature[SCRAM_MAX_BYTES]);

/* The single steps, for clients in tests and tools. ret has scram_bytes(hash) bytes. */
MUST_CHECK int scram_salted(const struct scram_tools *t, enum scram_hash hash, struct str prepared,
			    struct str salt, uint32_t iterations, uint8_t *ret);
MUST_CHECK int scram_hmac(const struct scram_tools *t, enum scram_hash hash, struct str key, struct str data, uint8_t *ret);
MUST_CHECK int scram_digest(const struct scram_tools *t, enum scram_hash hash, struct str data, uint8_t *ret);

#endif
