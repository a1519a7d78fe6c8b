/* test_scram.c - the vectors of RFC 5802 and RFC 7677, the stored form, the preparation of passwords. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "auth/scram.h"
#include "base/b64.h"
#include "base/check.h"

static struct scram_tools *tools;

static int tools_up(void **st)
{
	(void)st;
	tools = scram_tools_new();
	return tools ? 0 : -1;
}

static int tools_down(void **st)
{
	(void)st;
	scram_tools_free(&tools);
	return 0;
}

static const struct {
	enum scram_hash hash;
	const char *salt, *message, *proof, *signature;
} vectors[] = {
	{ SCRAM_SHA_1, "QSXCR+Q6sek8bf92",
	  "n=user,r=fyko+d2lbbFgONRv9qkxdawL,r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,s=QSXCR+Q6sek8bf92,i=4096,"
	  "c=biws,r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j",
	  "v0X8v3Bz2T0CJGbJQyF0X+HI4Ts=", "rmF9pqV8S7suAoZWja4dJRkFsKQ=" },
	{ SCRAM_SHA_256, "W22ZaJ0SNY7soEsUEjb6gQ==",
	  "n=user,r=rOprNGfwEbeRWgbNEkqO,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,"
	  "i=4096,c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0",
	  "dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=", "6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=" },
};

static void the_examples_of_the_rfcs_verify(void **st)
{
	for (size_t i = 0; i < ARRAY_SIZE(vectors); i++) {
		enum scram_hash h = vectors[i].hash;
		struct scram_verifier v = { .iterations = 4096 };
		uint8_t salted[64], client[64], proof[64], signature[64];
		char text[128];
		size_t n = scram_bytes(h), proof_n;
		bool right = false;

		assert_int_equal(b64_decode(str_of(vectors[i].salt), v.salt, sizeof(v.salt), &v.salt_n), 0);
		assert_int_equal(scram_salted(tools, h, STR("pencil"), str_make((char *)v.salt, v.salt_n), 4096, salted), 0);
		assert_int_equal(scram_hmac(tools, h, str_make((char *)salted, n), STR("Client Key"), client), 0);
		assert_int_equal(scram_digest(tools, h, str_make((char *)client, n), v.stored_key), 0);
		assert_int_equal(scram_hmac(tools, h, str_make((char *)salted, n), STR("Server Key"), v.server_key), 0);
		assert_int_equal(b64_decode(str_of(vectors[i].proof), proof, sizeof(proof), &proof_n), 0);
		assert_int_equal(proof_n, n);
		assert_int_equal(scram_verify(tools, h, &v, str_of(vectors[i].message), proof, &right, signature), 0);
		assert_true(right);
		b64_encode(signature, n, text);
		assert_string_equal(text, vectors[i].signature);

		for (size_t k = 0; k < n * 8; k++) {		/* no bit is without meaning */
			proof[k / 8] ^= (uint8_t)(1u << k % 8);
			assert_int_equal(scram_verify(tools, h, &v, str_of(vectors[i].message), proof, &right, signature), 0);
			assert_false(right);
			proof[k / 8] ^= (uint8_t)(1u << k % 8);
		}
	}
	(void)st;
}

static void derived_credentials_know_their_password(void **st)
{
	struct credentials c, one;
	bool right = false;

	assert_int_equal(scram_derive(tools, STR("pencil"), 4096, &c), 0);
	assert_int_equal(scram_check_password(tools, STR("pencil"), &c, &right), 0);
	assert_true(right);
	assert_int_equal(scram_check_password(tools, STR("pencil "), &c, &right), 0);
	assert_false(right);
	assert_int_equal(scram_check_password(tools, STR(""), &c, &right), ERR_BAD_FORMAT);
	for (int h = 0; h < SCRAM_HASHES; h++) {		/* each hash alone will do */
		one = (struct credentials){ 0 };
		one.v[h] = c.v[h];
		assert_int_equal(scram_check_password(tools, STR("pencil"), &one, &right), 0);
		assert_true(right);
	}
	one = (struct credentials){ 0 };
	assert_int_equal(scram_check_password(tools, STR("pencil"), &one, &right), ERR_BAD_FORMAT);
	assert_int_equal(scram_derive(tools, STR("pencil"), 4096, &one), 0);
	assert_memory_not_equal(one.v[0].salt, c.v[0].salt, SCRAM_SALT_BYTES);
	assert_memory_not_equal(c.v[0].salt, c.v[1].salt, SCRAM_SALT_BYTES);
	(void)st;
}

static void stored_form_reads_back(void **st)
{
	struct credentials c, back;
	uint8_t blob[SCRAM_BLOB_BYTES];
	size_t n;

	assert_int_equal(scram_derive(tools, STR("pencil"), 1, &c), 0);
	c.v[1].iterations = SCRAM_ITERATIONS_MAX;
	c.v[2].salt_n = SCRAM_SALT_MAX;
	n = scram_encode(&c, blob);
	assert_int_equal(scram_decode(str_make((char *)blob, n), &back), 0);
	for (int h = 0; h < SCRAM_HASHES; h++) {
		assert_int_equal(back.v[h].iterations, c.v[h].iterations);
		assert_int_equal(back.v[h].salt_n, c.v[h].salt_n);
		assert_memory_equal(back.v[h].salt, c.v[h].salt, c.v[h].salt_n);
		assert_memory_equal(back.v[h].stored_key, c.v[h].stored_key, scram_bytes((enum scram_hash)h));
		assert_memory_equal(back.v[h].server_key, c.v[h].server_key, scram_bytes((enum scram_hash)h));
	}
	c.v[0].iterations = 0;				/* an account taken over with one hash */
	c.v[2].iterations = 0;
	n = scram_encode(&c, blob);
	assert_int_equal(scram_decode(str_make((char *)blob, n), &back), 0);
	assert_int_equal(back.v[0].iterations, 0);
	assert_int_equal(back.v[1].iterations, SCRAM_ITERATIONS_MAX);
	(void)st;
}

static void damaged_stored_forms_are_refused(void **st)
{
	struct credentials c, back;
	uint8_t blob[SCRAM_BLOB_BYTES], twice[2 * SCRAM_BLOB_BYTES];
	size_t n;

	assert_int_equal(scram_derive(tools, STR("pencil"), 1, &c), 0);
	n = scram_encode(&c, blob);
	for (size_t cut = 0; cut < n; cut++) {
		int r = scram_decode(str_make((char *)blob, cut), &back);

		/* A cut between two verifiers is a shorter, valid form; the seal around it catches that. */
		if (cut != 1 + 6 + 16 + 40 && cut != 1 + 6 + 16 + 40 + 6 + 16 + 64)
			assert_int_equal(r, ERR_BAD_FORMAT);
	}
	blob[0] = 2;
	assert_int_equal(scram_decode(str_make((char *)blob, n), &back), ERR_VERSION);
	blob[0] = 0;
	assert_int_equal(scram_decode(str_make((char *)blob, n), &back), ERR_BAD_FORMAT);
	blob[0] = 1;
	blob[1] = 4;
	assert_int_equal(scram_decode(str_make((char *)blob, n), &back), ERR_BAD_FORMAT);
	blob[1] = 1;
	memset(blob + 2, 0xff, 4);
	assert_int_equal(scram_decode(str_make((char *)blob, n), &back), ERR_BAD_FORMAT);
	n = scram_encode(&c, blob);
	memcpy(twice, blob, n);
	memcpy(twice + n, blob + 1, n - 1);		/* each hash twice */
	assert_int_equal(scram_decode(str_make((char *)twice, 2 * n - 1), &back), ERR_BAD_FORMAT);
	(void)st;
}

static void passwords_are_prepared_as_both_sides_must(void **st)
{
	static const struct { const char *in, *out; } ok[] = {
		{ "pencil", "pencil" }, { "USER", "USER" }, { " a ", " a " }, { "\xc2\xaa", "a" },	/* RFC 4013 3 */
		{ "I\xc2\xadX", "IX" }, { "\xe2\x85\xa8", "IX" },
		{ "a\xc2\xa0" "b", "a b" }, { "\xf0\x9f\x98\x80 smile", "\xf0\x9f\x98\x80 smile" },
		{ "u\xcc\x88", "\xc3\xbc" },
	};
	static const char *const refused[] = { "", "\x07", "a\x7f", "a\nb", "\xd8\xa7" "1", "\xff", "a\xc0\x80", "\xee\x80\x80" };
	char out[SCRAM_PASSWORD_BYTES + 1], big[SCRAM_PASSWORD_BYTES + 2];
	size_t n;

	for (size_t i = 0; i < ARRAY_SIZE(ok); i++) {
		assert_int_equal(scram_prepare(str_of(ok[i].in), out, &n), 0);
		assert_true(str_is(str_make(out, n), ok[i].out));
	}
	for (size_t i = 0; i < ARRAY_SIZE(refused); i++)
		assert_int_equal(scram_prepare(str_of(refused[i]), out, &n), ERR_BAD_FORMAT);
	assert_int_equal(scram_prepare(STR("a\0b"), out, &n), ERR_BAD_FORMAT);
	memset(big, 'a', sizeof(big));
	assert_int_equal(scram_prepare(str_make(big, SCRAM_PASSWORD_BYTES), out, &n), 0);
	assert_int_equal(n, SCRAM_PASSWORD_BYTES);
	assert_int_equal(scram_prepare(str_make(big, SCRAM_PASSWORD_BYTES + 1), out, &n), ERR_BAD_FORMAT);
	/* U+FDFA grows from 3 bytes to 33. */
	for (size_t i = 0; i + 3 <= SCRAM_PASSWORD_BYTES; i += 3)
		memcpy(big + i, "\xef\xb7\xba", 3);
	assert_int_equal(scram_prepare(str_make(big, 1023), out, &n), ERR_BAD_FORMAT);
	(void)st;
}

static void invented_salts_are_stable_and_differ_by_name_and_hash(void **st)
{
	uint8_t key[32] = { 7 }, other[32] = { 8 };
	struct scram_verifier a, b;

	scram_fake(tools, key, STR("nobody@a.test"), 4096, SCRAM_SHA_256, &a);
	scram_fake(tools, key, STR("nobody@a.test"), 4096, SCRAM_SHA_256, &b);
	assert_int_equal(a.salt_n, SCRAM_SALT_BYTES);
	assert_memory_equal(a.salt, b.salt, SCRAM_SALT_BYTES);
	assert_memory_not_equal(a.stored_key, b.stored_key, 32);
	scram_fake(tools, key, STR("nobody@a.test"), 4096, SCRAM_SHA_1, &b);
	assert_memory_not_equal(a.salt, b.salt, SCRAM_SALT_BYTES);
	scram_fake(tools, key, STR("nobodz@a.test"), 4096, SCRAM_SHA_256, &b);
	assert_memory_not_equal(a.salt, b.salt, SCRAM_SALT_BYTES);
	scram_fake(tools, other, STR("nobody@a.test"), 4096, SCRAM_SHA_256, &b);
	assert_memory_not_equal(a.salt, b.salt, SCRAM_SALT_BYTES);
	(void)st;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_examples_of_the_rfcs_verify),
		cmocka_unit_test(derived_credentials_know_their_password),
		cmocka_unit_test(stored_form_reads_back),
		cmocka_unit_test(damaged_stored_forms_are_refused),
		cmocka_unit_test(passwords_are_prepared_as_both_sides_must),
		cmocka_unit_test(invented_salts_are_stable_and_differ_by_name_and_hash),
	};

	return cmocka_run_group_tests(tests, tools_up, tools_down);
}
