/* scram.c - see scram.h.
 *
 * OpenSSL 3 looks algorithms up by name at a cost of microseconds and a lock; struct scram_tools does that
 * once. HMAC contexts are copied from templates that know their digest already.
 * Deliberately not here: messages and states (sasl.c).
 */
#include "auth/scram.h"

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <openssl/params.h>
#include <stdlib.h>
#include <unicode/usprep.h>
#include <unicode/ustring.h>

#include "base/check.h"
#include "base/rand.h"
#include "base/secret.h"
#include "base/utf8.h"

#define BLOB_VERSION 1

static const struct {
	const char *name, *digest;
	uint8_t bytes;
} hashes[SCRAM_HASHES] = {
	[SCRAM_SHA_1] = { .name = "SCRAM-SHA-1", .digest = "SHA1", .bytes = 20 },
	[SCRAM_SHA_256] = { .name = "SCRAM-SHA-256", .digest = "SHA2-256", .bytes = 32 },
	[SCRAM_SHA_512] = { .name = "SCRAM-SHA-512", .digest = "SHA2-512", .bytes = 64 },
};

struct scram_tools {
	EVP_MD *md[SCRAM_HASHES];
	EVP_MAC_CTX *hmac[SCRAM_HASHES];	/* templates: digest set, no key */
	EVP_KDF *pbkdf2;
};

void scram_tools_free(struct scram_tools **ref)
{
	struct scram_tools *t = *ref;

	if (!t)
		return;
	for (size_t i = 0; i < SCRAM_HASHES; i++) {
		EVP_MD_free(t->md[i]);
		EVP_MAC_CTX_free(t->hmac[i]);
	}
	EVP_KDF_free(t->pbkdf2);
	free(t);
	*ref = NULL;
}

static EVP_MAC_CTX *template_new(EVP_MAC *mac, const char *digest)
{
	EVP_MAC_CTX *c = EVP_MAC_CTX_new(mac);
	OSSL_PARAM p[] = {
		OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, (char *)(uintptr_t)digest, 0),
		OSSL_PARAM_construct_end(),
	};

	if (c && EVP_MAC_CTX_set_params(c, p) != 1) {
		EVP_MAC_CTX_free(c);
		return NULL;
	}
	return c;
}

struct scram_tools *scram_tools_new(void)
{
	struct scram_tools *t = calloc(1, sizeof(*t));
	EVP_MAC *mac = EVP_MAC_fetch(NULL, "HMAC", NULL);
	bool whole = t && mac;

	for (size_t i = 0; whole && i < SCRAM_HASHES; i++) {
		t->md[i] = EVP_MD_fetch(NULL, hashes[i].digest, NULL);
		t->hmac[i] = template_new(mac, hashes[i].digest);
		whole = t->md[i] && t->hmac[i];
	}
	if (whole)
		whole = (t->pbkdf2 = EVP_KDF_fetch(NULL, "PBKDF2", NULL)) != NULL;
	EVP_MAC_free(mac);			/* the templates hold references */
	if (!whole)
		scram_tools_free(&t);
	return t;
}

size_t scram_bytes(enum scram_hash hash)
{
	return hashes[hash].bytes;
}

const char *scram_name(enum scram_hash hash)
{
	return hashes[hash].name;
}

int scram_hmac(const struct scram_tools *t, enum scram_hash hash, struct str key, struct str data, uint8_t *ret)
{
	EVP_MAC_CTX *c = EVP_MAC_CTX_dup(t->hmac[hash]);
	uint8_t out[SCRAM_MAX_BYTES];
	size_t n;
	bool ok = c && EVP_MAC_init(c, (const uint8_t *)key.p, key.n, NULL) == 1 &&
		  EVP_MAC_update(c, (const uint8_t *)data.p, data.n) == 1 &&
		  EVP_MAC_final(c, out, &n, sizeof(out)) == 1;

	EVP_MAC_CTX_free(c);
	if (ok)
		memcpy(ret, out, hashes[hash].bytes);
	secret_wipe(out, sizeof(out));
	return ok ? 0 : ERR_NOMEM;
}

int scram_digest(const struct scram_tools *t, enum scram_hash hash, struct str data, uint8_t *ret)
{
	return EVP_Digest(data.p, data.n, ret, NULL, t->md[hash], NULL) == 1 ? 0 : ERR_NOMEM;
}

int scram_salted(const struct scram_tools *t, enum scram_hash hash, struct str prepared, struct str salt,
		 uint32_t iterations, uint8_t *ret)
{
	EVP_KDF_CTX *c = EVP_KDF_CTX_new(t->pbkdf2);
	unsigned rounds = iterations;
	OSSL_PARAM p[] = {
		OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, (char *)(uintptr_t)hashes[hash].digest, 0),
		OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_PASSWORD, (char *)(uintptr_t)prepared.p, prepared.n),
		OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_SALT, (char *)(uintptr_t)salt.p, salt.n),
		OSSL_PARAM_construct_uint(OSSL_KDF_PARAM_ITER, &rounds),
		OSSL_PARAM_construct_end(),
	};
	bool ok = c && EVP_KDF_derive(c, ret, hashes[hash].bytes, p) == 1;

	EVP_KDF_CTX_free(c);
	return ok ? 0 : ERR_NOMEM;
}

int scram_prepare(struct str password, char ret[SCRAM_PASSWORD_BYTES + 1], size_t *ret_n)
{
	UChar wide[SCRAM_PASSWORD_BYTES + 1], done[SCRAM_PASSWORD_BYTES + 1];
	UErrorCode e = U_ZERO_ERROR;
	UStringPrepProfile *profile;
	int32_t n, bytes;
	bool ascii = true;

	if (password.n == 0 || password.n > SCRAM_PASSWORD_BYTES || !utf8_valid(password))
		return ERR_BAD_FORMAT;
	for (size_t i = 0; i < password.n; i++) {
		uint8_t c = (uint8_t)password.p[i];

		if (c < 0x20 || c == 0x7f)
			return ERR_BAD_FORMAT;
		ascii &= c < 0x80;
	}
	if (ascii) {
		memcpy(ret, password.p, password.n);
		*ret_n = password.n;
		return 0;
	}
	/* Unassigned code points are let through (RFC 3454 7, "query"): emoji are younger than the table. */
	profile = usprep_openByType(USPREP_RFC4013_SASLPREP, &e);
	u_strFromUTF8(wide, SCRAM_PASSWORD_BYTES, &n, password.p, (int32_t)password.n, &e);
	n = usprep_prepare(profile, wide, n, done, SCRAM_PASSWORD_BYTES, USPREP_ALLOW_UNASSIGNED, NULL, &e);
	u_strToUTF8(ret, SCRAM_PASSWORD_BYTES, &bytes, done, n, &e);
	if (profile)
		usprep_close(profile);
	secret_wipe(wide, sizeof(wide));
	secret_wipe(done, sizeof(done));
	if (U_FAILURE(e) || bytes <= 0)
		return ERR_BAD_FORMAT;
	*ret_n = (size_t)bytes;
	return 0;
}

int scram_from_salted(const struct scram_tools *t, enum scram_hash hash, const uint8_t *salted, struct scram_verifier *v)
{
	uint8_t client[SCRAM_MAX_BYTES];
	size_t n = hashes[hash].bytes;
	int r = scram_hmac(t, hash, str_make((const char *)salted, n), STR("Client Key"), client);

	if (r == 0)
		r = scram_digest(t, hash, str_make((const char *)client, n), v->stored_key);
	if (r == 0)
		r = scram_hmac(t, hash, str_make((const char *)salted, n), STR("Server Key"), v->server_key);
	secret_wipe(client, sizeof(client));
	return r;
}

/* RFC 5802 3: StoredKey and ServerKey of a prepared password. */
static int verifier_fill(const struct scram_tools *t, enum scram_hash hash, struct str prepared,
			 struct scram_verifier *v)
{
	uint8_t salted[SCRAM_MAX_BYTES];
	int r = scram_salted(t, hash, prepared, str_make((const char *)v->salt, v->salt_n), v->iterations, salted);

	if (r == 0)
		r = scram_from_salted(t, hash, salted, v);
	secret_wipe(salted, sizeof(salted));
	return r;
}

int scram_derive(const struct scram_tools *t, struct str password, uint32_t iterations, struct credentials *ret)
{
	char prepared[SCRAM_PASSWORD_BYTES + 1];
	struct credentials c = { 0 };
	size_t n;
	int r = scram_prepare(password, prepared, &n);

	CHECK(iterations >= 1 && iterations <= SCRAM_ITERATIONS_MAX);
	if (r < 0)
		return r;
	for (size_t i = 0; r == 0 && i < SCRAM_HASHES; i++) {
		c.v[i].iterations = iterations;
		c.v[i].salt_n = SCRAM_SALT_BYTES;
		rand_bytes(c.v[i].salt, SCRAM_SALT_BYTES);
		r = verifier_fill(t, (enum scram_hash)i, str_make(prepared, n), &c.v[i]);
	}
	if (r == 0)
		*ret = c;
	secret_wipe(prepared, sizeof(prepared));
	secret_wipe(&c, sizeof(c));
	return r;
}

int scram_check_password(const struct scram_tools *t, struct str password, const struct credentials *c, bool *ret_right)
{
	static const enum scram_hash order[] = { SCRAM_SHA_256, SCRAM_SHA_512, SCRAM_SHA_1 };
	char prepared[SCRAM_PASSWORD_BYTES + 1];
	struct scram_verifier v;
	enum scram_hash hash;
	size_t n, i = 0;
	int r;

	while (i < ARRAY_SIZE(order) && c->v[order[i]].iterations == 0)
		i++;
	if (i == ARRAY_SIZE(order))
		return ERR_BAD_FORMAT;
	hash = order[i];
	r = scram_prepare(password, prepared, &n);
	if (r < 0)
		return r;
	v = c->v[hash];
	r = verifier_fill(t, hash, str_make(prepared, n), &v);
	if (r == 0)
		*ret_right = secret_eq(v.stored_key, c->v[hash].stored_key, hashes[hash].bytes);
	secret_wipe(prepared, sizeof(prepared));
	secret_wipe(&v, sizeof(v));
	return r;
}

/* --- the blob: version, then for each hash: its number + 1, iterations (big endian), length of the salt, salt,
 *     StoredKey, ServerKey --- */

#define BLOB_HEAD 6				/* of one verifier, before the salt */

size_t scram_encode(const struct credentials *c, uint8_t ret[SCRAM_BLOB_BYTES])
{
	uint8_t *p = ret;

	*p++ = BLOB_VERSION;
	for (size_t i = 0; i < SCRAM_HASHES; i++) {
		const struct scram_verifier *v = &c->v[i];
		size_t n = hashes[i].bytes;

		if (v->iterations == 0)
			continue;
		CHECK(v->salt_n >= 1 && v->salt_n <= SCRAM_SALT_MAX);
		*p++ = (uint8_t)(i + 1);
		for (int shift = 24; shift >= 0; shift -= 8)
			*p++ = (uint8_t)(v->iterations >> shift);
		*p++ = (uint8_t)v->salt_n;
		memcpy(p, v->salt, v->salt_n);
		memcpy(p + v->salt_n, v->stored_key, n);
		memcpy(p + v->salt_n + n, v->server_key, n);
		p += v->salt_n + 2 * n;
	}
	CHECK((size_t)(p - ret) <= SCRAM_BLOB_BYTES);
	return (size_t)(p - ret);
}

/* One verifier off the front of *at. */
static int verifier_decode(struct str *at, struct credentials *c)
{
	const uint8_t *p = (const uint8_t *)at->p;
	size_t hash, n, salt_n;
	struct scram_verifier *v;

	if (at->n < BLOB_HEAD || p[0] < 1 || p[0] > SCRAM_HASHES)
		return ERR_BAD_FORMAT;
	hash = p[0] - 1u;
	n = hashes[hash].bytes;
	salt_n = p[5];
	v = &c->v[hash];
	if (v->iterations != 0 || salt_n < 1 || salt_n > SCRAM_SALT_MAX || at->n < BLOB_HEAD + salt_n + 2 * n)
		return ERR_BAD_FORMAT;
	v->iterations = (uint32_t)p[1] << 24 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 8 | p[4];
	if (v->iterations == 0 || v->iterations > SCRAM_ITERATIONS_MAX)
		return ERR_BAD_FORMAT;
	v->salt_n = salt_n;
	memcpy(v->salt, p + BLOB_HEAD, salt_n);
	memcpy(v->stored_key, p + BLOB_HEAD + salt_n, n);
	memcpy(v->server_key, p + BLOB_HEAD + salt_n + n, n);
	*at = str_cut(*at, BLOB_HEAD + salt_n + 2 * n);
	return 0;
}

int scram_decode(struct str blob, struct credentials *ret)
{
	struct credentials c = { 0 };
	struct str at = str_cut(blob, 1);
	int r = 0;

	if (blob.n < 2)
		return ERR_BAD_FORMAT;
	if ((uint8_t)blob.p[0] != BLOB_VERSION)
		return (uint8_t)blob.p[0] > BLOB_VERSION ? ERR_VERSION : ERR_BAD_FORMAT;
	while (r == 0 && at.n > 0)
		r = verifier_decode(&at, &c);
	if (r == 0)
		*ret = c;
	secret_wipe(&c, sizeof(c));
	return r;
}

/* --- one login ------------------------------------------------------------------------------------- */

void scram_fake(const struct scram_tools *t, const uint8_t key[32], struct str user, uint32_t iterations,
		enum scram_hash hash, struct scram_verifier *ret)
{
	uint8_t mac[SCRAM_MAX_BYTES], name[SCRAM_MAX_BYTES + 1];
	struct scram_verifier v = { .iterations = iterations, .salt_n = SCRAM_SALT_BYTES };

	/* The name goes in as its digest, so that the hash's number is a field of its own. */
	if (scram_digest(t, SCRAM_SHA_256, user, name + 1) < 0)
		rand_bytes(name + 1, 32);
	name[0] = (uint8_t)hash;
	if (scram_hmac(t, SCRAM_SHA_256, str_make((const char *)key, 32), str_make((const char *)name, 33), mac) < 0)
		rand_bytes(mac, sizeof(mac));
	memcpy(v.salt, mac, SCRAM_SALT_BYTES);
	/* Keys nobody can have a proof for: a StoredKey is a digest, and its preimage is unknown to all. */
	rand_bytes(v.stored_key, sizeof(v.stored_key));
	rand_bytes(v.server_key, sizeof(v.server_key));
	*ret = v;
}

int scram_verify(const struct scram_tools *t, enum scram_hash hash, const struct scram_verifier *v,
		 struct str auth_message, const uint8_t *proof, bool *ret_right, uint8_t ret_signature[SCRAM_MAX_BYTES])
{
	uint8_t signature[SCRAM_MAX_BYTES], client[SCRAM_MAX_BYTES], stored[SCRAM_MAX_BYTES];
	size_t n = hashes[hash].bytes;
	int r = scram_hmac(t, hash, str_make((const char *)v->stored_key, n), auth_message, signature);

	if (r == 0) {
		for (size_t i = 0; i < n; i++)
			client[i] = proof[i] ^ signature[i];
		r = scram_digest(t, hash, str_make((const char *)client, n), stored);
	}
	if (r == 0)
		r = scram_hmac(t, hash, str_make((const char *)v->server_key, n), auth_message, ret_signature);
	if (r == 0)
		*ret_right = secret_eq(stored, v->stored_key, n);
	secret_wipe(signature, sizeof(signature));
	secret_wipe(client, sizeof(client));
	secret_wipe(stored, sizeof(stored));
	return r;
}
