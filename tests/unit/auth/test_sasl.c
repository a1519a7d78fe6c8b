/* test_sasl.c - the login dialogue: security-tests B-III 40 to 44, 47, 50, 51, 53 and 55. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "auth/sasl.h"
#include "base/clock.h"
#include "base/limits.h"
#include "scram_client.h"

#define PASSWORD "correct horse 1"
#define NONCE "fyko+d2lbbFgONRv9qkxdawL"
#define ROUNDS 64				/* few: the tests count, not the guesser */

struct world {
	struct scram_tools *tools;
	struct credentials juliet;
	struct sasl_conf conf;
	struct sasl_binding binding;
	struct sasl *s;
	struct arena *a;
	enum sasl_account account;		/* what juliet is; everybody else is unknown */
	unsigned lookups, works;
};

static struct world w;

static int world_up(void **st)
{
	(void)st;
	w = (struct world){ .tools = scram_tools_new() };
	w.a = arena_new(4 * 1024 * 1024);
	if (!w.tools || !w.a || scram_derive(w.tools, STR(PASSWORD), ROUNDS, &w.juliet) < 0)
		return -1;
	w.conf = (struct sasl_conf){ .tools = w.tools, .mechanisms = SASL_DEFAULT, .fake_key = { 1, 2, 3 },
				     .iterations = ROUNDS, .domain = STR("a.test") };
	w.binding = (struct sasl_binding){ .tls = true, .exporter_n = 32, .endpoint_n = 32 };
	memset(w.binding.exporter, 'x', 32);
	memset(w.binding.endpoint, 'e', 32);
	return 0;
}

static int world_down(void **st)
{
	(void)st;
	sasl_free(&w.s);
	arena_free(&w.a);
	scram_tools_free(&w.tools);
	return 0;
}

static void fresh(void)
{
	sasl_free(&w.s);
	w.s = sasl_new(&w.conf, &w.binding);
	assert_non_null(w.s);
}

/* Does what core does between two messages of the peer. */
static enum sasl_step settle(enum sasl_step step)
{
	for (;;) {
		if (step == SASL_LOOKUP) {
			bool there = str_is(sasl_user(w.s), "juliet@a.test");

			w.lookups++;
			step = sasl_account(w.s, there ? &w.juliet : NULL, there ? w.account : SASL_ACCOUNT_UNKNOWN);
		} else if (step == SASL_WORK) {
			w.works++;
			sasl_work(w.s);
			step = sasl_worked(w.s);
		} else {
			return step;
		}
	}
}

static enum sasl_step begin(const char *mechanism, struct str text)
{
	return settle(sasl_begin(w.s, str_of(mechanism), text));
}

static enum sasl_step respond(struct str text)
{
	return settle(sasl_respond(w.s, text));
}

static struct str b64(const char *p, size_t n)
{
	return b64_str(w.a, p, n);
}

#define B64(literal) b64("" literal, sizeof(literal) - 1)

#define assert_fails(step, condition) do { \
	assert_int_equal(step, SASL_FAIL); \
	assert_string_equal(sasl_condition(w.s), condition); \
	assert_int_equal(sasl_text(w.s).n, 0); \
} while (0)

static struct scram_client client(enum scram_hash hash)
{
	return (struct scram_client){ .tools = w.tools, .hash = hash, .gs2 = "n,,", .user = "juliet", .password = PASSWORD,
				      .nonce = NONCE };
}

/* A whole exchange of SCRAM in a fresh state. */
static enum sasl_step scram(const char *mechanism, struct scram_client *c)
{
	enum sasl_step step;

	fresh();
	step = begin(mechanism, scram_client_first(c, w.a));
	if (step != SASL_CHALLENGE)
		return step;
	return respond(scram_client_final(c, w.a, sasl_text(w.s)));
}

static void assert_logged_in(enum sasl_step step, const struct scram_client *c)
{
	struct str text;

	if (step != SASL_SUCCESS)
		fail_msg("%s: %s", sasl_mechanism_name(w.s), sasl_condition(w.s));
	assert_true(str_is(sasl_user(w.s), "juliet@a.test"));
	text = scram_client_unwrap(w.a, sasl_text(w.s));
	assert_true(str_is(text, c->server_signature));
}

/* --- what works ------------------------------------------------------------------------------------------ */

static void every_hash_logs_in_with_and_without_binding(void **st)
{
	static const char *const names[][2] = { { "SCRAM-SHA-1", "SCRAM-SHA-1-PLUS" }, { "SCRAM-SHA-256", "SCRAM-SHA-256-PLUS" },
						{ "SCRAM-SHA-512", "SCRAM-SHA-512-PLUS" } };

	for (int h = 0; h < SCRAM_HASHES; h++) {
		struct scram_client c = client((enum scram_hash)h);

		assert_logged_in(scram(names[h][0], &c), &c);
		assert_string_equal(sasl_mechanism_name(w.s), names[h][0]);
		c.gs2 = "p=tls-exporter,,";
		c.binding = str_make((char *)w.binding.exporter, 32);
		assert_logged_in(scram(names[h][1], &c), &c);
		c.gs2 = "p=tls-server-end-point,,";
		c.binding = str_make((char *)w.binding.endpoint, 32);
		assert_logged_in(scram(names[h][1], &c), &c);
		c.gs2 = "p=tls-server-end-point,a=juliet@a.test,";
		assert_logged_in(scram(names[h][1], &c), &c);
	}
	(void)st;
}

static void harmless_forms_log_in_too(void **st)
{
	struct scram_client c = client(SCRAM_SHA_1);

	c.user = "JULIET";				/* one account, whatever the case */
	assert_logged_in(scram("SCRAM-SHA-1", &c), &c);
	c.gs2 = "n,a=juliet@a.test,";
	assert_logged_in(scram("SCRAM-SHA-1", &c), &c);
	c.extra = ",x=an extension";
	assert_logged_in(scram("SCRAM-SHA-1", &c), &c);
	c = client(SCRAM_SHA_1);
	fresh();					/* no initial response: an empty challenge comes first */
	assert_int_equal(begin("SCRAM-SHA-1", STR("")), SASL_CHALLENGE);
	assert_int_equal(sasl_text(w.s).n, 0);
	assert_int_equal(respond(scram_client_first(&c, w.a)), SASL_CHALLENGE);
	assert_logged_in(respond(scram_client_final(&c, w.a, sasl_text(w.s))), &c);
	w.binding.exporter_n = w.binding.endpoint_n = 0;	/* nothing to bind to: 'y' is honest */
	c.gs2 = "y,,";
	assert_logged_in(scram("SCRAM-SHA-1", &c), &c);
	(void)st;
}

static void server_nonces_never_repeat(void **st)
{
	struct scram_client c = client(SCRAM_SHA_1);
	struct str one, two;

	fresh();
	assert_int_equal(begin("SCRAM-SHA-1", scram_client_first(&c, w.a)), SASL_CHALLENGE);
	one = arena_str(w.a, sasl_text(w.s));
	fresh();
	assert_int_equal(begin("SCRAM-SHA-1", scram_client_first(&c, w.a)), SASL_CHALLENGE);
	two = sasl_text(w.s);
	assert_false(str_eq(one, two));
	(void)st;
}

/* --- 40: mechanisms ------------------------------------------------------------------------------------------ */

static void mechanisms_not_offered_are_invalid(void **st)
{
	static const char *const names[] = { "ANONYMOUS", "DIGEST-MD5", "CRAM-MD5", "EXTERNAL", "scram-sha-1", "SCRAM-SHA-1 ",
					     "PLAIN", "", "SCRAM-SHA-224", "SCRAM-SHA-1-PLUS-PLUS" };
	char big[10001];

	fresh();
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		assert_fails(begin(names[i], B64("n,,n=juliet,r=" NONCE)), "invalid-mechanism");
	memset(big, 'A', 10000);
	big[10000] = 0;
	assert_fails(begin(big, STR("")), "invalid-mechanism");
	w.conf.mechanisms = SASL_SCRAM_SHA_256;
	assert_fails(begin("SCRAM-SHA-1", B64("n,,n=juliet,r=" NONCE)), "invalid-mechanism");
	w.conf.mechanisms = SASL_DEFAULT;
	w.binding.exporter_n = w.binding.endpoint_n = 0;
	fresh();
	assert_fails(begin("SCRAM-SHA-1-PLUS", B64("p=tls-exporter,,n=juliet,r=" NONCE)), "invalid-mechanism");
	assert_int_equal(w.lookups, 0);
	(void)st;
}

static void nothing_is_offered_or_taken_without_tls(void **st)
{
	struct buf b;

	w.binding.tls = false;
	fresh();
	assert_fails(begin("SCRAM-SHA-1", B64("n,,n=juliet,r=" NONCE)), "encryption-required");
	assert_fails(begin("NONSENSE", STR("")), "encryption-required");
	buf_init(&b, 4096);
	assert_int_equal(sasl_offer(&w.conf, &w.binding, &b), 0);
	assert_int_equal(b.n, 0);
	buf_release(&b);
	(void)st;
}

static void offer_lists_what_is_allowed_and_possible(void **st)
{
	struct buf b;

	buf_init(&b, 4096);
	w.conf.mechanisms = SASL_DEFAULT | SASL_PLAIN;
	assert_int_equal(sasl_offer(&w.conf, &w.binding, &b), 0);
	assert_true(str_is(buf_str(&b),
		"<mechanisms xmlns='urn:ietf:params:xml:ns:xmpp-sasl'><mechanism>SCRAM-SHA-512-PLUS</mechanism>"
		"<mechanism>SCRAM-SHA-256-PLUS</mechanism><mechanism>SCRAM-SHA-1-PLUS</mechanism>"
		"<mechanism>SCRAM-SHA-512</mechanism><mechanism>SCRAM-SHA-256</mechanism><mechanism>SCRAM-SHA-1</mechanism>"
		"<mechanism>PLAIN</mechanism></mechanisms><sasl-channel-binding xmlns='urn:xmpp:sasl-cb:0'>"
		"<channel-binding type='tls-exporter'/><channel-binding type='tls-server-end-point'/></sasl-channel-binding>"));
	buf_clear(&b);
	w.binding.exporter_n = 0;			/* TLS 1.2 without extended master secret */
	w.conf.mechanisms = SASL_SCRAM_SHA_256 | SASL_SCRAM_SHA_256_PLUS;
	assert_int_equal(sasl_offer(&w.conf, &w.binding, &b), 0);
	assert_int_equal(str_find(buf_str(&b), STR("tls-exporter")), -1);
	assert_true(str_find(buf_str(&b), STR("tls-server-end-point")) > 0);
	assert_int_equal(str_find(buf_str(&b), STR("SHA-1<")), -1);
	buf_clear(&b);
	w.binding.endpoint_n = 0;
	assert_int_equal(sasl_offer(&w.conf, &w.binding, &b), 0);
	assert_true(str_is(buf_str(&b), "<mechanisms xmlns='urn:ietf:params:xml:ns:xmpp-sasl'>"
					"<mechanism>SCRAM-SHA-256</mechanism></mechanisms>"));
	buf_release(&b);
	buf_init(&b, 64);				/* a buffer that is too small is an error, not half a list */
	assert_true(sasl_offer(&w.conf, &w.binding, &b) < 0);
	buf_release(&b);
	(void)st;
}

static void required_binding_makes_the_rest_too_weak(void **st)
{
	struct scram_client c = client(SCRAM_SHA_1);

	w.conf.binding_required = true;
	w.conf.mechanisms = SASL_DEFAULT | SASL_PLAIN;
	fresh();
	assert_fails(begin("SCRAM-SHA-1", scram_client_first(&c, w.a)), "mechanism-too-weak");
	assert_fails(begin("PLAIN", B64("\0juliet\0" PASSWORD)), "mechanism-too-weak");
	assert_fails(begin("ANONYMOUS", STR("")), "invalid-mechanism");
	c.gs2 = "p=tls-exporter,,";
	c.binding = str_make((char *)w.binding.exporter, 32);
	assert_logged_in(scram("SCRAM-SHA-1-PLUS", &c), &c);
	assert_int_equal(sasl_offered(&w.conf, &w.binding), 0x38);
	(void)st;
}

/* --- 41: encoding ------------------------------------------------------------------------------------------------ */

static void what_is_not_strict_base64_is_an_incorrect_encoding(void **st)
{
	static const char *const texts[] = { "=", "====", "bg", "bg=", "bix=", "b i w s", "biws\n", "\nbiws", " biws", "biws=",
					     "biws====", "bi*s", "biw-", "biws;x", "Zg=a", "bh==" };
	struct scram_client c = client(SCRAM_SHA_1);

	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		fresh();
		assert_fails(begin("SCRAM-SHA-1", str_of(texts[i])), "incorrect-encoding");
		fresh();
		assert_int_equal(begin("SCRAM-SHA-1", scram_client_first(&c, w.a)), SASL_CHALLENGE);
		assert_fails(respond(str_of(texts[i])), "incorrect-encoding");
	}
	(void)st;
}

static void messages_beyond_the_limit_are_malformed(void **st)
{
	char big[LIMIT_SASL_TEXT + 5];

	memset(big, 'A', sizeof(big));
	fresh();
	assert_fails(begin("SCRAM-SHA-1", str_make(big, LIMIT_SASL_TEXT + 4)), "malformed-request");
	w.conf.mechanisms |= SASL_PLAIN;
	assert_fails(begin("PLAIN", str_make(big, LIMIT_SASL_TEXT + 4)), "malformed-request");
	(void)st;
}

/* --- 42: SCRAM messages --------------------------------------------------------------------------------------------- */

static void bent_first_messages_are_refused(void **st)
{
	static const struct { const char *text, *condition; } cases[] = {
		{ "n", "malformed-request" }, { ",", "malformed-request" }, { "n,", "malformed-request" },
		{ "n,,", "malformed-request" }, { "n,,n=juliet", "malformed-request" }, { "n,,r=" NONCE, "malformed-request" },
		{ "n,,n=juliet,", "malformed-request" }, { "n,,n=juliet,r=", "malformed-request" },
		{ "n,,n=,r=" NONCE, "malformed-request" },
		{ "n,,r=" NONCE ",n=juliet", "malformed-request" },
		{ "n,,n=juliet,n=juliet,r=" NONCE, "malformed-request" },
		{ "n,,n=juliet,r=" NONCE ",r=" NONCE, "malformed-request" },
		{ "n,,n=juliet,r=" NONCE ",n=romeo", "malformed-request" },
		{ "n,,n=juliet,r=" NONCE ",x=1,x=2", "malformed-request" },
		{ "n,,n=juliet,r=" NONCE ",", "malformed-request" },
		{ "n,,n=juliet,r=" NONCE ",x", "malformed-request" }, { "n,,n=juliet,r=" NONCE ",1=x", "malformed-request" },
		{ "n,,m=ext,n=juliet,r=" NONCE, "malformed-request" }, { "n,,n=juliet,r=" NONCE ",m=ext", "malformed-request" },
		{ "n,,n=juliet,r=short", "malformed-request" }, { "n,,n=juliet,r=1234567", "malformed-request" },
		{ "n,,n=juliet,r=with space inside", "malformed-request" }, { "n,,n=juliet,r=\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9", "malformed-request" },
		{ "n,,n=jul=iet,r=" NONCE, "malformed-request" }, { "n,,n=juliet=2c,r=" NONCE, "malformed-request" },
		{ "n,,n=juliet=,r=" NONCE, "malformed-request" }, { "n,,n=juliet=3,r=" NONCE, "malformed-request" },
		{ "n,,n=\xff,r=" NONCE, "malformed-request" }, { "n,,n=j\xc0\x80,r=" NONCE, "malformed-request" },
		{ "x,,n=juliet,r=" NONCE, "malformed-request" }, { "nn,,n=juliet,r=" NONCE, "malformed-request" },
		{ "N,,n=juliet,r=" NONCE, "malformed-request" }, { "p=,,n=juliet,r=" NONCE, "malformed-request" },
		{ "p,,n=juliet,r=" NONCE, "malformed-request" }, { "n=x,,n=juliet,r=" NONCE, "malformed-request" },
		{ "p=tls-exporter,,n=juliet,r=" NONCE, "malformed-request" },	/* not in a mechanism without -PLUS */
		{ "n,b=juliet,n=juliet,r=" NONCE, "malformed-request" }, { "n,a=,n=juliet,r=" NONCE, "malformed-request" },
		{ "n,a=j=x,n=juliet,r=" NONCE, "malformed-request" }, { "n,juliet,n=juliet,r=" NONCE, "malformed-request" },
		{ "n,a=romeo@a.test,n=juliet,r=" NONCE, "invalid-authzid" }, { "n,a=juliet,n=juliet,r=" NONCE, "invalid-authzid" },
		{ "n,a=Juliet@a.test,n=juliet,r=" NONCE, "invalid-authzid" },
		{ "n,a=juliet@A.test,n=juliet,r=" NONCE, "invalid-authzid" },
		{ "n,a=juliet@a.test/x,n=juliet,r=" NONCE, "invalid-authzid" },
		{ "n,a=jul\xd1\x96" "et@a.test,n=juliet,r=" NONCE, "invalid-authzid" },
		{ "n,a=juliet@b.test,n=juliet,r=" NONCE, "invalid-authzid" },
		{ "n,,n=juliet@a.test,r=" NONCE, "not-authorized" }, { "n,,n=jul iet,r=" NONCE, "not-authorized" },
		{ "n,,n=juliet/x,r=" NONCE, "not-authorized" }, { "n,,n=a=2Cb=3D\x01,r=" NONCE, "not-authorized" },
		{ "n,,n=\xe2\x80\x8b,r=" NONCE, "not-authorized" },
	};
	char big[600];

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		enum sasl_step step;

		fresh();
		step = begin("SCRAM-SHA-1", b64(cases[i].text, strlen(cases[i].text)));
		if (step != SASL_FAIL || strcmp(sasl_condition(w.s), cases[i].condition) != 0)
			fail_msg("case %zu %s: step %d, %s", i, cases[i].text, step, sasl_condition(w.s));
		assert_false(sasl_is_wrong_proof(w.s));
	}
	fresh();
	assert_fails(begin("SCRAM-SHA-1", B64("n,,n=juliet,r=" NONCE "\0")), "malformed-request");
	assert_fails(begin("SCRAM-SHA-1", B64("n,,n=jul\0iet,r=" NONCE)), "malformed-request");
	snprintf(big, sizeof(big), "n,,n=juliet,r=%0257d", 0);
	assert_fails(begin("SCRAM-SHA-1", b64(big, strlen(big))), "malformed-request");
	snprintf(big, sizeof(big), "n,,n=juliet,r=%0256d", 0);
	assert_int_equal(begin("SCRAM-SHA-1", b64(big, strlen(big))), SASL_CHALLENGE);
	assert_int_equal(w.lookups, 1);			/* only the last one got that far */
	(void)st;
}

/* Runs up to the challenge, then answers with "A" "our nonce" "B" in place of a final message. */
static enum sasl_step final_text(const char *before, const char *after, bool nonce)
{
	struct scram_client c = client(SCRAM_SHA_1);
	struct str first, text;

	fresh();
	assert_int_equal(begin("SCRAM-SHA-1", scram_client_first(&c, w.a)), SASL_CHALLENGE);
	first = scram_client_unwrap(w.a, sasl_text(w.s));
	text = arena_printf(w.a, "%s%.*s%s", before, nonce ? (int)(strstr(first.p, ",s=") - first.p) : 0, first.p, after);
	return respond(b64(text.p, text.n));
}

static void bent_final_messages_are_refused(void **st)
{
#define PROOF ",p=AAAAAAAAAAAAAAAAAAAAAAAAAAA="
	static const struct { const char *before, *after; const char *condition; bool nonce; } cases[] = {
		{ "", "", "malformed-request", false }, { "c=biws,", "", "malformed-request", true },
		{ "", PROOF, "malformed-request", true },			/* no c= */
		{ "c=biws", PROOF, "malformed-request", false },		/* no r= */
		{ "c=biws,c=biws,", PROOF, "malformed-request", true },
		{ "p=AAAA,c=biws,", "", "malformed-request", true },
		{ "c=biws,", PROOF ",x=y", "malformed-request", true },
		{ "c=biws,", PROOF PROOF, "malformed-request", true },
		{ "c=biws,", ",m=x" PROOF, "malformed-request", true },
		{ "c=biws,", ",r=x" PROOF, "malformed-request", true },
		{ "c=biws,", ",i=1" PROOF, "malformed-request", true },
		{ "c=biws,", ",p=", "malformed-request", true },
		{ "c=biws,", ",p=AAAA", "malformed-request", true },		/* a proof of 3 bytes */
		{ "c=biws,", ",p=AAAAAAAAAAAAAAAAAAAAAAAAAAAA", "malformed-request", true },	/* 21 bytes */
		{ "c=biws,", ",p=AAAAAAAAAAAAAAAAAAAAAAAAAAA", "malformed-request", true },
		{ "c=biws,", ",p=AAAAAAAAAAAAAAAAAAAAAAAAA*A=", "malformed-request", true },
		{ "c=bi*s,", PROOF, "malformed-request", true }, { "c=,", PROOF, "not-authorized", true },
		{ "c=eSws,", PROOF, "not-authorized", true },			/* y,, instead of n,, */
		{ "c=biwsYQ==,", PROOF, "not-authorized", true },		/* data where none belongs */
		{ "c=biws,r=fyko+d2lbbFgONRv9qkxdawL", PROOF, "not-authorized", false },	/* not extended */
		{ "c=biws,r=", PROOF, "not-authorized", false },
		{ "c=biws,", "x" PROOF, "not-authorized", true },		/* a nonce with more behind it */
		{ "c=biws,", PROOF, "not-authorized", true },			/* well-formed and wrong */
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		enum sasl_step step = final_text(cases[i].before, cases[i].after, cases[i].nonce);

		if (step != SASL_FAIL || strcmp(sasl_condition(w.s), cases[i].condition) != 0)
			fail_msg("case %zu: step %d, %s", i, step, sasl_condition(w.s));
		assert_int_equal(sasl_is_wrong_proof(w.s), i + 1 == ARRAY_SIZE(cases));
		assert_fails(respond(B64("c=biws")), "malformed-request");	/* the exchange is over */
	}
	(void)st;
}

static void wrong_values_are_not_authorized(void **st)
{
	struct scram_client c = client(SCRAM_SHA_256);

	c.password = "wrong";
	assert_fails(scram("SCRAM-SHA-256", &c), "not-authorized");
	assert_true(sasl_is_wrong_proof(w.s));
	c = client(SCRAM_SHA_256);
	c.flip_proof = true;
	assert_fails(scram("SCRAM-SHA-256", &c), "not-authorized");
	c = client(SCRAM_SHA_256);
	c.iterations = ROUNDS - 1;
	assert_fails(scram("SCRAM-SHA-256", &c), "not-authorized");
	c = client(SCRAM_SHA_256);
	c.final_nonce = NONCE "aaaaaaaaaaaaaaaaaaaaaaaa";
	assert_fails(scram("SCRAM-SHA-256", &c), "not-authorized");
	c = client(SCRAM_SHA_256);
	c.final_gs2 = "n,a=juliet@a.test,";
	assert_fails(scram("SCRAM-SHA-256", &c), "not-authorized");
	c = client(SCRAM_SHA_256);
	c.proof_bytes = 31;
	assert_fails(scram("SCRAM-SHA-256", &c), "malformed-request");
	c = client(SCRAM_SHA_1);			/* a proof of another hash */
	c.proof_bytes = 32;
	assert_fails(scram("SCRAM-SHA-256", &c), "not-authorized");
	c = client(SCRAM_SHA_256);			/* and after all that, the right one still works */
	assert_logged_in(scram("SCRAM-SHA-256", &c), &c);
	(void)st;
}

/* --- 43: order ---------------------------------------------------------------------------------------------------------- */

static void messages_out_of_order_end_the_exchange(void **st)
{
	struct scram_client c = client(SCRAM_SHA_1);

	fresh();
	assert_fails(respond(B64("hello")), "malformed-request");
	assert_fails(sasl_abort(w.s), "aborted");
	assert_int_equal(begin("SCRAM-SHA-1", scram_client_first(&c, w.a)), SASL_CHALLENGE);
	assert_fails(begin("SCRAM-SHA-1", scram_client_first(&c, w.a)), "malformed-request");
	assert_fails(respond(B64("c=biws")), "malformed-request");
	assert_int_equal(begin("SCRAM-SHA-1", scram_client_first(&c, w.a)), SASL_CHALLENGE);
	assert_fails(sasl_abort(w.s), "aborted");
	assert_fails(respond(B64("c=biws")), "malformed-request");
	assert_int_equal(begin("SCRAM-SHA-1", scram_client_first(&c, w.a)), SASL_CHALLENGE);
	assert_logged_in(respond(scram_client_final(&c, w.a, sasl_text(w.s))), &c);
	assert_fails(begin("SCRAM-SHA-1", scram_client_first(&c, w.a)), "malformed-request");	/* once is enough */
	assert_fails(respond(STR("")), "malformed-request");
	assert_fails(begin("SCRAM-SHA-1", scram_client_first(&c, w.a)), "malformed-request");
	(void)st;
}

static void a_peer_that_speaks_while_we_look_up_spoils_its_login(void **st)
{
	struct scram_client c = client(SCRAM_SHA_1);

	fresh();
	assert_int_equal(sasl_begin(w.s, STR("SCRAM-SHA-1"), scram_client_first(&c, w.a)), SASL_LOOKUP);
	assert_int_equal(sasl_respond(w.s, STR("biws")), SASL_WAIT);
	assert_fails(sasl_account(w.s, &w.juliet, SASL_ACCOUNT_OK), "malformed-request");
	assert_int_equal(sasl_begin(w.s, STR("SCRAM-SHA-1"), scram_client_first(&c, w.a)), SASL_LOOKUP);
	assert_int_equal(sasl_begin(w.s, STR("SCRAM-SHA-1"), STR("")), SASL_WAIT);
	assert_fails(sasl_account(w.s, NULL, SASL_ACCOUNT_UNKNOWN), "malformed-request");
	assert_int_equal(sasl_begin(w.s, STR("SCRAM-SHA-1"), scram_client_first(&c, w.a)), SASL_LOOKUP);
	assert_int_equal(sasl_abort(w.s), SASL_WAIT);
	assert_fails(sasl_account(w.s, &w.juliet, SASL_ACCOUNT_OK), "aborted");

	w.conf.mechanisms |= SASL_PLAIN;
	assert_int_equal(sasl_begin(w.s, STR("PLAIN"), B64("\0juliet\0" PASSWORD)), SASL_LOOKUP);
	assert_int_equal(sasl_account(w.s, &w.juliet, SASL_ACCOUNT_OK), SASL_WORK);
	assert_int_equal(sasl_abort(w.s), SASL_WAIT);
	sasl_work(w.s);
	assert_fails(sasl_worked(w.s), "aborted");
	/* Freed while a lookup is under way: nothing is lost but the login. */
	assert_int_equal(sasl_begin(w.s, STR("PLAIN"), B64("\0juliet\0" PASSWORD)), SASL_LOOKUP);
	(void)st;
}

/* --- 44: who exists ------------------------------------------------------------------------------------------------------- */

static void unknown_wrong_and_disabled_look_alike(void **st)
{
	struct scram_client c = client(SCRAM_SHA_256);
	struct str challenge[3];

	for (int i = 0; i < 3; i++) {
		c.user = i == 0 ? "juliet" : "nobody";
		fresh();
		assert_int_equal(begin("SCRAM-SHA-256", scram_client_first(&c, w.a)), SASL_CHALLENGE);
		challenge[i] = scram_client_unwrap(w.a, arena_str(w.a, sasl_text(w.s)));
	}
	assert_int_equal(challenge[0].n, challenge[1].n);
	/* The salt of who does not exist is always the same one; the nonce is not. */
	assert_string_equal(strstr(challenge[1].p, ",s="), strstr(challenge[2].p, ",s="));
	assert_string_not_equal(strstr(challenge[0].p, ",s="), strstr(challenge[1].p, ",s="));
	assert_string_equal(strstr(challenge[0].p, ",i="), strstr(challenge[1].p, ",i="));
	assert_true(strncmp(challenge[1].p, challenge[2].p, 2 + sizeof(NONCE) + 20) != 0);

	c.user = "nobody";
	assert_fails(scram("SCRAM-SHA-256", &c), "not-authorized");
	assert_true(sasl_is_wrong_proof(w.s));
	c.user = "juliet";
	c.password = "wrong";
	assert_fails(scram("SCRAM-SHA-256", &c), "not-authorized");
	w.account = SASL_ACCOUNT_DISABLED;
	assert_fails(scram("SCRAM-SHA-256", &c), "not-authorized");
	c.password = PASSWORD;
	assert_fails(scram("SCRAM-SHA-256", &c), "account-disabled");
	assert_false(sasl_is_wrong_proof(w.s));
	w.account = SASL_ACCOUNT_UNKNOWN;			/* removed: even the right password is of no use */
	assert_fails(scram("SCRAM-SHA-256", &c), "not-authorized");
	w.account = SASL_ACCOUNT_THROTTLED;
	assert_fails(scram("SCRAM-SHA-256", &c), "temporary-auth-failure");
	w.account = SASL_ACCOUNT_ERROR;
	assert_fails(scram("SCRAM-SHA-256", &c), "temporary-auth-failure");
	(void)st;
}

static void an_account_without_a_verifier_for_the_hash_is_unknown(void **st)
{
	struct scram_client c = client(SCRAM_SHA_512);

	w.juliet.v[SCRAM_SHA_512].iterations = 0;
	assert_fails(scram("SCRAM-SHA-512", &c), "not-authorized");
	c = client(SCRAM_SHA_1);
	assert_logged_in(scram("SCRAM-SHA-1", &c), &c);
	(void)st;
}

static int by_value(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

/* A smoke test: the median of both within a microsecond or a fifth. */
static void unknown_users_take_as_long_as_known_ones(void **st)
{
	enum { ROUNDS_TIMED = 400 };
	static uint64_t took[2][ROUNDS_TIMED];
	uint64_t a, b;

	for (int i = 0; i < 2 * ROUNDS_TIMED; i++) {
		struct scram_client c = client(SCRAM_SHA_256);
		struct arena *keep = w.a;
		struct str first, last;
		uint64_t t;

		w.a = arena_new(65536);
		c.user = i & 1 ? "nobody" : "juliet";
		c.password = "wrong";
		c.iterations = 1;
		fresh();
		first = scram_client_first(&c, w.a);
		t = clock_mono_us();
		assert_int_equal(begin("SCRAM-SHA-256", first), SASL_CHALLENGE);
		t = clock_mono_us() - t;
		last = scram_client_final(&c, w.a, sasl_text(w.s));
		t -= clock_mono_us();
		assert_fails(respond(last), "not-authorized");
		t += clock_mono_us();
		took[i & 1][i / 2] = t;
		arena_free(&w.a);
		w.a = keep;
	}
	qsort(took[0], ROUNDS_TIMED, sizeof(uint64_t), by_value);
	qsort(took[1], ROUNDS_TIMED, sizeof(uint64_t), by_value);
	a = took[0][ROUNDS_TIMED / 2];
	b = took[1][ROUNDS_TIMED / 2];
	print_message("median known %lu us, unknown %lu us\n", (unsigned long)a, (unsigned long)b);
	assert_true((a > b ? a - b : b - a) <= 2 + a / 5);
	(void)st;
}

/* --- 47, 55: PLAIN ---------------------------------------------------------------------------------------------------------- */

static void plain_logs_in_where_it_is_allowed(void **st)
{
	fresh();
	assert_fails(begin("PLAIN", B64("\0juliet\0" PASSWORD)), "invalid-mechanism");
	w.conf.mechanisms |= SASL_PLAIN;
	assert_int_equal(begin("PLAIN", B64("\0juliet\0" PASSWORD)), SASL_SUCCESS);
	assert_int_equal(sasl_text(w.s).n, 0);
	assert_true(str_is(sasl_user(w.s), "juliet@a.test"));
	fresh();
	assert_int_equal(begin("PLAIN", B64("juliet@a.test\0JULIET\0" PASSWORD)), SASL_SUCCESS);
	assert_true(str_is(sasl_user(w.s), "juliet@a.test"));
	fresh();
	assert_int_equal(begin("PLAIN", STR("")), SASL_CHALLENGE);
	assert_int_equal(respond(B64("\0juliet\0" PASSWORD)), SASL_SUCCESS);
	assert_int_equal(w.works, 3);
	(void)st;
}

static void bent_plain_messages_are_refused(void **st)
{
	static const struct { const char *text; size_t n; const char *condition; } cases[] = {
#define CASE(text, condition) { text, sizeof(text) - 1, condition }
		CASE("", "malformed-request"), CASE("juliet", "malformed-request"), CASE("\0juliet", "malformed-request"),
		CASE("\0\0", "malformed-request"), CASE("\0juliet\0", "malformed-request"), CASE("\0\0" PASSWORD, "malformed-request"),
		CASE("\0juliet\0" PASSWORD "\0", "malformed-request"), CASE("\0\0juliet\0" PASSWORD, "malformed-request"),
		CASE("\0juliet\0\0" PASSWORD, "malformed-request"), CASE("\0jul\0iet\0" PASSWORD, "malformed-request"),
		CASE("romeo@a.test\0juliet\0" PASSWORD, "invalid-authzid"), CASE("juliet\0juliet\0" PASSWORD, "invalid-authzid"),
		CASE("Juliet@a.test\0juliet\0" PASSWORD, "invalid-authzid"),
		CASE("admin@a.test\0juliet\0" PASSWORD, "invalid-authzid"),
		CASE("jul\xd1\x96" "et@a.test\0juliet\0" PASSWORD, "invalid-authzid"),
		CASE("\0jul\xff\0" PASSWORD, "malformed-request"), CASE("\0juliet\0\xff\xff", "malformed-request"),
		CASE("\0jul iet\0" PASSWORD, "not-authorized"), CASE("\0juliet@a.test\0" PASSWORD, "not-authorized"),
		CASE("\0juliet\0wrong", "not-authorized"), CASE("\0nobody\0" PASSWORD, "not-authorized"),
		CASE("\0juliet\0" PASSWORD " ", "not-authorized"), CASE("\0juliet\0\x07" "x", "not-authorized"),
		CASE("\0juliet\0Correct horse 1", "not-authorized"),
#undef CASE
	};

	w.conf.mechanisms |= SASL_PLAIN;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		enum sasl_step step;

		fresh();
		step = begin("PLAIN", STR(""));
		assert_int_equal(step, SASL_CHALLENGE);
		step = respond(b64(cases[i].text, cases[i].n));
		if (step != SASL_FAIL || strcmp(sasl_condition(w.s), cases[i].condition) != 0)
			fail_msg("case %zu: step %d, %s", i, step, sasl_condition(w.s));
	}
	w.account = SASL_ACCOUNT_DISABLED;
	fresh();
	assert_fails(begin("PLAIN", B64("\0juliet\0wrong")), "not-authorized");
	assert_fails(begin("PLAIN", B64("\0juliet\0" PASSWORD)), "account-disabled");
	w.works = 0;					/* unknown users cost the same work */
	assert_fails(begin("PLAIN", B64("\0nobody\0wrong")), "not-authorized");
	assert_int_equal(w.works, 1);
	(void)st;
}

static void names_and_passwords_at_their_limits(void **st)
{
	char text[3200];
	size_t n = 1;

	w.conf.mechanisms |= SASL_PLAIN;
	fresh();
	text[0] = 0;
	memset(text + n, 'a', 1023);
	n += 1023;
	text[n++] = 0;
	memset(text + n, 'b', 1023);
	n += 1023;
	assert_fails(begin("PLAIN", b64(text, n)), "not-authorized");
	assert_int_equal(sasl_user(w.s).n, 1023 + 7);
	text[n++] = 'b';				/* a password of 1024 bytes: nobody has one */
	assert_fails(begin("PLAIN", b64(text, n)), "not-authorized");
	assert_int_equal(w.lookups, 2);
	memset(text + 1, 'a', 1024);			/* a name of 1024 */
	memcpy(text + 1025, "\0b", 2);
	assert_fails(begin("PLAIN", b64(text, 1027)), "not-authorized");
	assert_int_equal(w.lookups, 2);
	(void)st;
}

/* --- 50, 51, 54: channel binding and replay -------------------------------------------------------------------------------------- */

static void a_client_that_was_told_we_cannot_bind_finds_the_man_in_the_middle(void **st)
{
	struct scram_client c = client(SCRAM_SHA_1);

	c.gs2 = "y,,";
	assert_fails(scram("SCRAM-SHA-1", &c), "not-authorized");
	assert_true(sasl_is_downgrade(w.s));
	assert_false(sasl_is_wrong_proof(w.s));
	assert_fails(begin("ANONYMOUS", STR("")), "invalid-mechanism");
	assert_false(sasl_is_downgrade(w.s));
	(void)st;
}

static void wrong_bindings_are_refused(void **st)
{
	static const struct { const char *gs2; char fill; size_t n; const char *condition; } cases[] = {
		{ "p=tls-unique,,", 'x', 32, "not-authorized" },
		{ "p=tls-unique,,", 'x', 12, "not-authorized" },
		{ "p=tls-exporte,,", 'x', 32, "not-authorized" },
		{ "p=TLS-EXPORTER,,", 'x', 32, "not-authorized" },
		{ "p=tls-exporter,,", 'y', 32, "not-authorized" },
		{ "p=tls-exporter,,", 'x', 31, "not-authorized" },
		{ "p=tls-exporter,,", 'x', 33, "not-authorized" },
		{ "p=tls-exporter,,", 'x', 0, "not-authorized" },
		{ "p=tls-exporter,,", 'e', 32, "not-authorized" },		/* the other one's data */
		{ "p=tls-server-end-point,,", 'x', 32, "not-authorized" },	/* a certificate of a man in the middle */
		{ "n,,", 'x', 0, "malformed-request" }, { "y,,", 'x', 0, "malformed-request" },
	};
	char data[64];

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct scram_client c = client(SCRAM_SHA_256);

		memset(data, cases[i].fill, sizeof(data));
		c.gs2 = cases[i].gs2;
		c.binding = str_make(data, cases[i].n);
		assert_fails(scram("SCRAM-SHA-256-PLUS", &c), cases[i].condition);
		assert_false(sasl_is_wrong_proof(w.s));
	}
	w.binding.exporter_n = 0;			/* not available on this connection */
	for (int i = 0; i < 1; i++) {
		struct scram_client c = client(SCRAM_SHA_256);

		c.gs2 = "p=tls-exporter,,";
		assert_fails(scram("SCRAM-SHA-256-PLUS", &c), "not-authorized");
	}
	(void)st;
}

static void a_recorded_exchange_is_of_no_use(void **st)
{
	struct scram_client c = client(SCRAM_SHA_1);
	struct str first, last;

	fresh();
	first = scram_client_first(&c, w.a);
	assert_int_equal(begin("SCRAM-SHA-1", first), SASL_CHALLENGE);
	last = scram_client_final(&c, w.a, sasl_text(w.s));
	assert_logged_in(respond(last), &c);
	fresh();
	assert_int_equal(begin("SCRAM-SHA-1", first), SASL_CHALLENGE);
	assert_fails(respond(last), "not-authorized");
	(void)st;
}

/* The example of XEP-0474 4.3, and XEP-0515 4.1. */
static void the_offer_is_hashed_into_the_challenge(void **st)
{
	struct scram_client c = client(SCRAM_SHA_1);
	struct str text;

	w.conf.mechanisms = SASL_SCRAM_SHA_1 | SASL_SCRAM_SHA_1_PLUS;
	fresh();
	assert_int_equal(begin("SCRAM-SHA-1", scram_client_first(&c, w.a)), SASL_CHALLENGE);
	text = scram_client_unwrap(w.a, sasl_text(w.s));
	assert_true(str_find(text, STR(",h=")) < 0);		/* some clients take nothing that they do not know */
	fresh();
	sasl_tell_offer(w.s, true);
	assert_int_equal(begin("SCRAM-SHA-1", scram_client_first(&c, w.a)), SASL_CHALLENGE);
	text = scram_client_unwrap(w.a, sasl_text(w.s));
	assert_true(str_ends(text, STR(",h=G6k/rBLDqgOhRRaCuuatSDFkJ08=")));
	w.binding.tls_version = 0x0304;
	fresh();
	sasl_tell_offer(w.s, true);
	assert_int_equal(begin("SCRAM-SHA-1", scram_client_first(&c, w.a)), SASL_CHALLENGE);
	assert_true(str_ends(scram_client_unwrap(w.a, sasl_text(w.s)), STR(",h=G6k/rBLDqgOhRRaCuuatSDFkJ08=,t=0304")));
	(void)st;
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, world_up, world_down)
	const struct CMUnitTest tests[] = {
		T(every_hash_logs_in_with_and_without_binding),
		T(harmless_forms_log_in_too),
		T(server_nonces_never_repeat),
		T(mechanisms_not_offered_are_invalid),
		T(nothing_is_offered_or_taken_without_tls),
		T(offer_lists_what_is_allowed_and_possible),
		T(required_binding_makes_the_rest_too_weak),
		T(what_is_not_strict_base64_is_an_incorrect_encoding),
		T(messages_beyond_the_limit_are_malformed),
		T(bent_first_messages_are_refused),
		T(bent_final_messages_are_refused),
		T(wrong_values_are_not_authorized),
		T(messages_out_of_order_end_the_exchange),
		T(a_peer_that_speaks_while_we_look_up_spoils_its_login),
		T(unknown_wrong_and_disabled_look_alike),
		T(an_account_without_a_verifier_for_the_hash_is_unknown),
		T(unknown_users_take_as_long_as_known_ones),
		T(plain_logs_in_where_it_is_allowed),
		T(bent_plain_messages_are_refused),
		T(names_and_passwords_at_their_limits),
		T(a_client_that_was_told_we_cannot_bind_finds_the_man_in_the_middle),
		T(wrong_bindings_are_refused),
		T(a_recorded_exchange_is_of_no_use),
		T(the_offer_is_hashed_into_the_challenge),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
