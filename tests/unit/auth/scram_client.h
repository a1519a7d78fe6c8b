/* scram_client.h - the client's side of SCRAM, made for tests: every part of a message can be bent.
 *
 * Written from RFC 5802, not from sasl.c; gsasl (test_sasl_gsasl.c) shows that both read it alike.
 */
#ifndef TESTS_SCRAM_CLIENT_H
#define TESTS_SCRAM_CLIENT_H

#include <stdio.h>

#include "auth/scram.h"
#include "base/b64.h"
#include "base/check.h"

struct scram_client {
	const struct scram_tools *tools;
	enum scram_hash hash;
	const char *gs2;			/* "n,,", "p=tls-exporter,," ... */
	const char *user, *password, *nonce;
	struct str binding;			/* data behind the header in c= */

	/* Bent on purpose when set. */
	const char *final_gs2;			/* another header in c= */
	const char *final_nonce;
	const char *extra;			/* between r= and p=: ",x=y" */
	uint32_t iterations;			/* other than the server says */
	bool flip_proof;
	int proof_bytes;			/* other length */

	char bare[4096], server_signature[128];
};

/* Base64 of the first message. */
static inline struct str scram_client_first(struct scram_client *c, struct arena *a)
{
	struct str msg;

	snprintf(c->bare, sizeof(c->bare), "n=%s,r=%s", c->user, c->nonce);
	msg = arena_printf(a, "%s%s", c->gs2, c->bare);
	return b64_str(a, msg.p, msg.n);
}

static inline struct str scram_client_unwrap(struct arena *a, struct str text)
{
	uint8_t *p = arena_alloc(a, text.n + 1);
	size_t n;

	CHECK(b64_decode(text, p, text.n, &n) == 0);
	p[n] = 0;
	return str_make((char *)p, n);
}

/* Base64 of the final message, for the challenge as it came. */
static inline struct str scram_client_final(struct scram_client *c, struct arena *a, struct str challenge)
{
	struct str first = scram_client_unwrap(a, challenge), header, without, signed_text, msg;
	const char *s = strstr(first.p, ",s="), *i = strstr(first.p, ",i=");
	uint8_t salt[64], salted[64], key[64], stored[64], sig[64], server[64], proof[80] = { 0 };
	size_t n = scram_bytes(c->hash), salt_n, nonce_n = (size_t)(s - first.p) - 2;
	uint32_t rounds = c->iterations ? c->iterations : (uint32_t)strtoul(i + 3, NULL, 10);
	const char *gs2 = c->final_gs2 ? c->final_gs2 : c->gs2;

	CHECK(s && i && b64_decode(str_make(s + 3, (size_t)(i - s) - 3), salt, sizeof(salt), &salt_n) == 0);
	CHECK(scram_salted(c->tools, c->hash, str_of(c->password), str_make((char *)salt, salt_n), rounds, salted) == 0);
	CHECK(scram_hmac(c->tools, c->hash, str_make((char *)salted, n), STR("Client Key"), key) == 0);
	CHECK(scram_digest(c->tools, c->hash, str_make((char *)key, n), stored) == 0);
	header = arena_printf(a, "%s%*s", gs2, (int)c->binding.n, "");
	memcpy((char *)(uintptr_t)header.p + strlen(gs2), c->binding.p ? c->binding.p : "", c->binding.n);
	header = b64_str(a, header.p, header.n);
	without = c->final_nonce ? arena_printf(a, "c=%.*s,r=%s%s", STR_FMT(header), c->final_nonce, c->extra ? c->extra : "") :
		  arena_printf(a, "c=%.*s,r=%.*s%s", STR_FMT(header), (int)nonce_n, first.p + 2, c->extra ? c->extra : "");
	signed_text = arena_printf(a, "%s,%.*s,%.*s", c->bare, STR_FMT(first), STR_FMT(without));
	CHECK(scram_hmac(c->tools, c->hash, str_make((char *)stored, n), signed_text, sig) == 0);
	for (size_t k = 0; k < n; k++)
		proof[k] = key[k] ^ sig[k];
	if (c->flip_proof)
		proof[n - 1] ^= 1;
	CHECK(scram_hmac(c->tools, c->hash, str_make((char *)salted, n), STR("Server Key"), key) == 0);
	CHECK(scram_hmac(c->tools, c->hash, str_make((char *)key, n), signed_text, server) == 0);
	memcpy(c->server_signature, "v=", 2);
	b64_encode(server, n, c->server_signature + 2);
	if (c->proof_bytes)
		n = (size_t)c->proof_bytes;
	msg = arena_printf(a, "%.*s,p=%.*s", STR_FMT(without), STR_FMT(b64_str(a, proof, n)));
	return b64_str(a, msg.p, msg.n);
}

#endif
