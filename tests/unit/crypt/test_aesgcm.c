/* test_aesgcm.c - files that clients have encrypted: what opens with its key, and everything that must not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <openssl/evp.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "crypt/aesgcm.h"

#define MOST (2 * 1024 * 1024 + 77)	/* more than one piece */

static const uint8_t key[AESGCM_KEY] = { 1, 2, 3 }, other_key[AESGCM_KEY] = { 1, 2, 4 };
static const uint8_t iv[AESGCM_IV] = { 9, 8, 7, 6, 5, 4, 3, 2, 1, 0, 1, 2, 3, 4, 5, 6 };
static uint8_t plain[MOST], sealed[MOST + AESGCM_TAG], back[MOST];

/* n bytes of text as a client uploads them. */
static int sealed_fd(size_t n, size_t n_iv)
{
	EVP_CIPHER_CTX *c = EVP_CIPHER_CTX_new();
	int fd = memfd_create("file", MFD_CLOEXEC), got;

	for (size_t i = 0; i < n; i++)
		plain[i] = (uint8_t)(i * 7 + i / 251);
	assert_true(c && fd >= 0);
	assert_true(EVP_EncryptInit_ex(c, EVP_aes_256_gcm(), NULL, NULL, NULL));
	assert_true(EVP_CIPHER_CTX_ctrl(c, EVP_CTRL_AEAD_SET_IVLEN, (int)n_iv, NULL));
	assert_true(EVP_EncryptInit_ex(c, NULL, NULL, key, iv));
	assert_true(EVP_EncryptUpdate(c, sealed, &got, plain, (int)n));
	assert_true(EVP_EncryptFinal_ex(c, sealed + n, &got));
	assert_true(EVP_CIPHER_CTX_ctrl(c, EVP_CTRL_AEAD_GET_TAG, AESGCM_TAG, sealed + n));
	EVP_CIPHER_CTX_free(c);
	assert_int_equal(write(fd, sealed, n + AESGCM_TAG), n + AESGCM_TAG);
	return fd;
}

static void a_file_opens_with_its_key_and_either_length_of_iv(void **st)
{
	static const size_t sizes[] = { 1, 15, 16, 17, 1024 * 1024, 1024 * 1024 + 1, MOST };
	static const size_t ivs[] = { 12, 16 };

	(void)st;
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
		for (size_t k = 0; k < 2; k++) {
			int fd = sealed_fd(sizes[i], ivs[k]);
			struct stat s;

			assert_int_equal(aesgcm_open_fd(fd, sizes[i] + AESGCM_TAG, key, iv, ivs[k]), 0);
			assert_int_equal(fstat(fd, &s), 0);
			assert_int_equal(s.st_size, sizes[i]);
			assert_int_equal(pread(fd, back, sizes[i], 0), sizes[i]);
			assert_memory_equal(back, plain, sizes[i]);
			close(fd);
		}
}

static void another_key_or_iv_does_not_open_it(void **st)
{
	int fd = sealed_fd(5000, 12);

	(void)st;
	assert_int_equal(aesgcm_open_fd(fd, 5000 + AESGCM_TAG, other_key, iv, 12), ERR_FORBIDDEN);
	close(fd);
	fd = sealed_fd(5000, 12);
	assert_int_equal(aesgcm_open_fd(fd, 5000 + AESGCM_TAG, key, iv, 16), ERR_FORBIDDEN);
	close(fd);
	fd = sealed_fd(5000, 12);
	assert_int_equal(aesgcm_open_fd(fd, 5000 + AESGCM_TAG, key, iv + 1, 12), ERR_FORBIDDEN);
	assert_int_equal(aesgcm_open_fd(fd, 5000 + AESGCM_TAG, key, iv, 13), ERR_FORBIDDEN);
	close(fd);
}

static void a_file_that_was_cut_or_changed_does_not_open(void **st)
{
	static const size_t cuts[] = { 0, 1, AESGCM_TAG, AESGCM_TAG + 1, 4000, 5000, 5000 + AESGCM_TAG - 1 };
	uint8_t byte;
	int fd;

	(void)st;
	for (size_t i = 0; i < sizeof(cuts) / sizeof(cuts[0]); i++) {
		fd = sealed_fd(5000, 12);
		assert_int_equal(ftruncate(fd, (off_t)cuts[i]), 0);
		assert_int_equal(aesgcm_open_fd(fd, cuts[i], key, iv, 12), ERR_FORBIDDEN);
		close(fd);
	}
	fd = sealed_fd(5000, 12);
	assert_int_equal(pread(fd, &byte, 1, 77), 1);
	byte ^= 1;
	assert_int_equal(pwrite(fd, &byte, 1, 77), 1);
	assert_int_equal(aesgcm_open_fd(fd, 5000 + AESGCM_TAG, key, iv, 12), ERR_FORBIDDEN);
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_file_opens_with_its_key_and_either_length_of_iv),
		cmocka_unit_test(another_key_or_iv_does_not_open_it),
		cmocka_unit_test(a_file_that_was_cut_or_changed_does_not_open),
	};

	return cmocka_run_group_tests_name("aesgcm", tests, NULL, NULL);
}
