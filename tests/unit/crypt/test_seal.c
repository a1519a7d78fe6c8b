/* test_seal.c - sealing, opening, and everything that must not open. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/b64.h"
#include "base/check.h"
#include "crypt/seal.h"

struct kit {
	struct seal_lib *lib;
	struct seal *s;
};

static const uint8_t key[SEAL_KEY] = { 1, 2, 3 };

static int make(void **st)
{
	static struct kit k;

	assert_int_equal(seal_lib_new(&k.lib), 0);
	assert_int_equal(seal_new(k.lib, key, &k.s), 0);
	*st = &k;
	return 0;
}

static int drop(void **st)
{
	struct kit *k = *st;

	seal_free(&k->s);
	seal_lib_free(&k->lib);
	return 0;
}

static struct str of(const uint8_t *p, size_t n)
{
	return str_make((const char *)p, n);
}

static void what_was_sealed_opens_again(void **st)
{
	struct kit *k = *st;
	uint8_t sealed[300], plain[300];
	char text[272];

	for (size_t n = 0; n < sizeof(text); n++) {
		memset(text, (int)n, sizeof(text));
		assert_int_equal(seal_close(k->s, STR("here"), str_make(text, n), sealed), 0);
		assert_int_equal(seal_open(k->s, STR("here"), of(sealed, n + SEAL_EXTRA), plain), 0);
		assert_memory_equal(plain, text, n);
	}
}

static void one_text_is_never_sealed_twice_alike(void **st)
{
	struct kit *k = *st;
	uint8_t one[64], two[64];

	assert_int_equal(seal_close(k->s, STR_NONE, STR("same"), one), 0);
	assert_int_equal(seal_close(k->s, STR_NONE, STR("same"), two), 0);
	assert_memory_not_equal(one, two, 4 + SEAL_EXTRA);
	assert_memory_not_equal(one, two, SEAL_NONCE);
}

static void every_changed_bit_is_noticed(void **st)
{
	struct kit *k = *st;
	uint8_t sealed[SEAL_EXTRA + 5], plain[64];

	assert_int_equal(seal_close(k->s, STR("place"), STR("hello"), sealed), 0);
	for (size_t i = 0; i < sizeof(sealed) * 8; i++) {
		sealed[i / 8] ^= (uint8_t)(1u << (i % 8));
		assert_int_equal(seal_open(k->s, STR("place"), of(sealed, sizeof(sealed)), plain), ERR_CORRUPT);
		sealed[i / 8] ^= (uint8_t)(1u << (i % 8));
	}
	assert_int_equal(seal_open(k->s, STR("place"), of(sealed, sizeof(sealed)), plain), 0);
}

static void another_place_another_key_or_a_cut_text_do_not_open(void **st)
{
	struct kit *k = *st;
	uint8_t sealed[SEAL_EXTRA + 5], plain[64], other[SEAL_KEY] = { 9 };
	struct seal *s2;

	assert_int_equal(seal_close(k->s, STR("place"), STR("hello"), sealed), 0);
	assert_int_equal(seal_open(k->s, STR("plate"), of(sealed, sizeof(sealed)), plain), ERR_CORRUPT);
	for (size_t n = 0; n < sizeof(sealed); n++)
		assert_int_equal(seal_open(k->s, STR("place"), of(sealed, n), plain), ERR_CORRUPT);
	assert_int_equal(seal_new(k->lib, other, &s2), 0);
	assert_int_equal(seal_open(s2, STR("place"), of(sealed, sizeof(sealed)), plain), ERR_CORRUPT);
	seal_free(&s2);
}

static void a_failed_opening_leaves_no_plaintext(void **st)
{
	struct kit *k = *st;
	uint8_t sealed[SEAL_EXTRA + 20], plain[20], zero[20] = { 0 };

	assert_int_equal(seal_close(k->s, STR_NONE, STR("twenty characters ..") , sealed), 0);
	sealed[sizeof(sealed) - 1] ^= 1;
	assert_int_equal(seal_open(k->s, STR_NONE, of(sealed, sizeof(sealed)), plain), ERR_CORRUPT);
	assert_memory_equal(plain, zero, sizeof(zero));
}

/* GCM test case 14 of the specification by McGrew and Viega: zero key, zero nonce, 16 zero bytes. */
static void the_cipher_is_aes_256_gcm(void **st)
{
	struct kit *k = *st;
	uint8_t zero[SEAL_KEY] = { 0 }, out[32];
	char hex[65];

	assert_int_equal(seal_close_once(k->lib, zero, STR_NONE, of(zero, 16), out), 0);
	b64_hex(out, 32, hex);
	assert_string_equal(hex, "cea7403d4d606b6e074ec5d3baf39d18" "d0d1c8a799996bf0265b98b5d48ab919");
}

static void single_use_sealing_opens_with_its_key_alone(void **st)
{
	struct kit *k = *st;
	uint8_t one[SEAL_KEY] = { 1 }, two[SEAL_KEY] = { 2 }, sealed[64], plain[64];

	assert_int_equal(seal_close_once(k->lib, one, STR("m"), STR("body"), sealed), 0);
	assert_int_equal(seal_open_once(k->lib, two, STR("m"), of(sealed, 4 + SEAL_TAG), plain), ERR_CORRUPT);
	assert_int_equal(seal_open_once(k->lib, one, STR("n"), of(sealed, 4 + SEAL_TAG), plain), ERR_CORRUPT);
	assert_int_equal(seal_open_once(k->lib, one, STR("m"), of(sealed, 4 + SEAL_TAG), plain), 0);
	assert_memory_equal(plain, "body", 4);
}

/* RFC 4231 test case 6 has a long key; ours are 32 bytes: value from an independent implementation. */
static void the_mac_is_hmac_sha256_and_can_be_used_again(void **st)
{
	struct kit *k = *st;
	uint8_t zero[SEAL_KEY] = { 0 }, out[SEAL_MAC];
	struct str parts[] = { STR("ab"), STR(""), STR("c") };
	struct seal_mac *m;
	char hex[65];

	assert_int_equal(seal_mac_new(k->lib, zero, &m), 0);
	for (int i = 0; i < 3; i++) {
		seal_mac(m, parts, ARRAY_SIZE(parts), out);
		b64_hex(out, sizeof(out), hex);
		assert_string_equal(hex, "fd7adb152c05ef80dccf50a1fa4c05d5a3ec6da95575fc312ae7c5d091836351");
	}
	seal_mac_free(&m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_was_sealed_opens_again),
		cmocka_unit_test(one_text_is_never_sealed_twice_alike),
		cmocka_unit_test(every_changed_bit_is_noticed),
		cmocka_unit_test(another_place_another_key_or_a_cut_text_do_not_open),
		cmocka_unit_test(a_failed_opening_leaves_no_plaintext),
		cmocka_unit_test(the_cipher_is_aes_256_gcm),
		cmocka_unit_test(single_use_sealing_opens_with_its_key_alone),
		cmocka_unit_test(the_mac_is_hmac_sha256_and_can_be_used_again),
	};

	return cmocka_run_group_tests(tests, make, drop);
}
