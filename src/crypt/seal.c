/* seal.c - see seal.h. Fetching an algorithm and scheduling a key cost more than sealing a message,
 * so both are kept; a context changes direction without a new key schedule.
 */
#include "crypt/seal.h"

#include <limits.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <stdlib.h>

#include "base/check.h"
#include "base/rand.h"
#include "base/secret.h"

struct seal_lib {
	EVP_CIPHER *gcm;
	EVP_MAC *hmac;
	EVP_CIPHER_CTX *once;
};

struct seal {
	EVP_CIPHER_CTX *ctx;
};

struct seal_mac {
	EVP_MAC_CTX *ctx;
};

int seal_lib_new(struct seal_lib **ret)
{
	struct seal_lib *lib = calloc(1, sizeof(*lib));

	if (!lib)
		return ERR_NOMEM;
	lib->gcm = EVP_CIPHER_fetch(NULL, "AES-256-GCM", NULL);
	lib->hmac = EVP_MAC_fetch(NULL, "HMAC", NULL);
	lib->once = EVP_CIPHER_CTX_new();
	if (!lib->gcm || !lib->hmac || !lib->once || !EVP_EncryptInit_ex2(lib->once, lib->gcm, NULL, NULL, NULL)) {
		seal_lib_free(&lib);
		return ERR_NOMEM;
	}
	*ret = lib;
	return 0;
}

void seal_lib_free(struct seal_lib **lib)
{
	if (!*lib)
		return;
	EVP_CIPHER_CTX_free((*lib)->once);
	EVP_MAC_free((*lib)->hmac);
	EVP_CIPHER_free((*lib)->gcm);
	free(*lib);
	*lib = NULL;
}

int seal_new(struct seal_lib *lib, const uint8_t key[SEAL_KEY], struct seal **ret)
{
	struct seal *s = calloc(1, sizeof(*s));

	if (!s)
		return ERR_NOMEM;
	s->ctx = EVP_CIPHER_CTX_new();
	if (!s->ctx || !EVP_EncryptInit_ex2(s->ctx, lib->gcm, key, NULL, NULL)) {
		seal_free(&s);
		return ERR_NOMEM;
	}
	*ret = s;
	return 0;
}

void seal_free(struct seal **s)
{
	if (!*s)
		return;
	EVP_CIPHER_CTX_free((*s)->ctx);		/* OpenSSL cleanses the schedule */
	free(*s);
	*s = NULL;
}

static int encrypt(EVP_CIPHER_CTX *ctx, const uint8_t *key, const uint8_t *nonce, struct str aad, struct str plain,
		   uint8_t *ret)
{
	int n = 0, ok;

	if (plain.n > INT_MAX / 2 || aad.n > INT_MAX / 2)
		return ERR_LIMIT;
	ok = EVP_EncryptInit_ex2(ctx, NULL, key, nonce, NULL) &&
	     EVP_EncryptUpdate(ctx, NULL, &n, (const uint8_t *)aad.p, (int)aad.n) &&
	     (plain.n == 0 || EVP_EncryptUpdate(ctx, ret, &n, (const uint8_t *)plain.p, (int)plain.n)) &&
	     EVP_EncryptFinal_ex(ctx, ret + plain.n, &n) &&
	     EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_GET_TAG, SEAL_TAG, ret + plain.n);
	return ok ? 0 : ERR_NOMEM;
}

/* sealed: ciphertext and tag. */
static int decrypt(EVP_CIPHER_CTX *ctx, const uint8_t *key, const uint8_t *nonce, struct str aad, struct str sealed,
		   uint8_t *ret)
{
	int n = 0, ok;
	uint8_t tag[SEAL_TAG];
	size_t plain_n;

	if (sealed.n < SEAL_TAG || sealed.n > INT_MAX / 2 || aad.n > INT_MAX / 2)
		return ERR_CORRUPT;
	plain_n = sealed.n - SEAL_TAG;
	memcpy(tag, sealed.p + plain_n, SEAL_TAG);
	ok = EVP_DecryptInit_ex2(ctx, NULL, key, nonce, NULL) &&
	     EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_TAG, SEAL_TAG, tag) &&
	     EVP_DecryptUpdate(ctx, NULL, &n, (const uint8_t *)aad.p, (int)aad.n) &&
	     (plain_n == 0 || EVP_DecryptUpdate(ctx, ret, &n, (const uint8_t *)sealed.p, (int)plain_n));
	if (ok && EVP_DecryptFinal_ex(ctx, ret + plain_n, &n) > 0)
		return 0;
	secret_wipe(ret, plain_n);
	return ERR_CORRUPT;
}

int seal_close(struct seal *s, struct str aad, struct str plain, uint8_t *ret)
{
	rand_bytes(ret, SEAL_NONCE);
	return encrypt(s->ctx, NULL, ret, aad, plain, ret + SEAL_NONCE);
}

int seal_open(struct seal *s, struct str aad, struct str sealed, uint8_t *ret)
{
	if (sealed.n < SEAL_EXTRA)
		return ERR_CORRUPT;
	return decrypt(s->ctx, NULL, (const uint8_t *)sealed.p, aad, str_cut(sealed, SEAL_NONCE), ret);
}

int seal_close_at(struct seal *s, const uint8_t nonce[SEAL_NONCE], struct str aad, struct str plain, uint8_t *ret)
{
	return encrypt(s->ctx, NULL, nonce, aad, plain, ret);
}

int seal_open_at(struct seal *s, const uint8_t nonce[SEAL_NONCE], struct str aad, struct str sealed, uint8_t *ret)
{
	return decrypt(s->ctx, NULL, nonce, aad, sealed, ret);
}

/* A nonce must not repeat under one key; here the key does not repeat. */
static const uint8_t first_nonce[SEAL_NONCE];

int seal_close_once(struct seal_lib *lib, const uint8_t key[SEAL_KEY], struct str aad, struct str plain, uint8_t *ret)
{
	return encrypt(lib->once, key, first_nonce, aad, plain, ret);
}

int seal_open_once(struct seal_lib *lib, const uint8_t key[SEAL_KEY], struct str aad, struct str sealed, uint8_t *ret)
{
	return decrypt(lib->once, key, first_nonce, aad, sealed, ret);
}

int seal_mac_new(struct seal_lib *lib, const uint8_t key[SEAL_KEY], struct seal_mac **ret)
{
	struct seal_mac *m = calloc(1, sizeof(*m));
	char digest[] = "SHA256";
	OSSL_PARAM params[] = { OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
				OSSL_PARAM_construct_end() };

	if (!m)
		return ERR_NOMEM;
	m->ctx = EVP_MAC_CTX_new(lib->hmac);
	if (!m->ctx || !EVP_MAC_init(m->ctx, key, SEAL_KEY, params)) {
		seal_mac_free(&m);
		return ERR_NOMEM;
	}
	*ret = m;
	return 0;
}

void seal_mac_free(struct seal_mac **m)
{
	if (!*m)
		return;
	EVP_MAC_CTX_free((*m)->ctx);
	free(*m);
	*m = NULL;
}

void seal_mac(struct seal_mac *m, const struct str *parts, size_t n, uint8_t ret[SEAL_MAC])
{
	size_t got = 0;

	/* With the key scheduled none of these allocates or fails. */
	CHECK(EVP_MAC_init(m->ctx, NULL, 0, NULL));
	for (size_t i = 0; i < n; i++)
		CHECK(EVP_MAC_update(m->ctx, (const uint8_t *)parts[i].p, parts[i].n));
	CHECK(EVP_MAC_final(m->ctx, ret, &got, SEAL_MAC) && got == SEAL_MAC);
}
