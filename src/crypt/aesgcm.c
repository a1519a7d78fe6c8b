/* aesgcm.c - see aesgcm.h. In place: what is big does not lie in memory twice. */
#include "crypt/aesgcm.h"

#include <openssl/evp.h>
#include <sys/mman.h>
#include <unistd.h>

#define PIECE (1u << 20)

static int open_bytes(EVP_CIPHER_CTX *c, uint8_t *p, uint64_t n, const uint8_t *key, const uint8_t *iv, size_t n_iv)
{
	uint8_t rest[AESGCM_TAG];
	int got;

	if (!EVP_DecryptInit_ex(c, EVP_aes_256_gcm(), NULL, NULL, NULL) || !EVP_CIPHER_CTX_ctrl(c, EVP_CTRL_AEAD_SET_IVLEN, (int)n_iv, NULL) ||
	    !EVP_DecryptInit_ex(c, NULL, NULL, key, iv) || !EVP_CIPHER_CTX_ctrl(c, EVP_CTRL_AEAD_SET_TAG, AESGCM_TAG, p + n))
		return ERR_NOMEM;
	for (uint64_t at = 0; at < n;) {
		int piece = n - at < PIECE ? (int)(n - at) : (int)PIECE;

		if (!EVP_DecryptUpdate(c, p + at, &got, p + at, piece) || got != piece)
			return ERR_NOMEM;
		at += (uint64_t)piece;
	}
	return EVP_DecryptFinal_ex(c, rest, &got) > 0 ? 0 : ERR_FORBIDDEN;
}

int aesgcm_open_fd(int fd, uint64_t n, const uint8_t key[AESGCM_KEY], const uint8_t *iv, size_t n_iv)
{
	EVP_CIPHER_CTX *c;
	uint8_t *p;
	int r;

	if (n <= AESGCM_TAG || (n_iv != 12 && n_iv != AESGCM_IV))
		return ERR_FORBIDDEN;
	c = EVP_CIPHER_CTX_new();
	p = mmap(NULL, n, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	r = c && p != MAP_FAILED ? open_bytes(c, p, n - AESGCM_TAG, key, iv, n_iv) : ERR_NOMEM;
	EVP_CIPHER_CTX_free(c);
	if (p != MAP_FAILED)
		munmap(p, n);
	if (r == 0 && ftruncate(fd, (off_t)(n - AESGCM_TAG)) < 0)
		r = ERR_NOMEM;
	return r;
}
