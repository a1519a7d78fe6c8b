/* fuzz_sasl.c - logins: whoever knows the password and says everything right gets in, nobody else ever.
 *
 * The first byte says which game is played. Guesser: any sequence of messages, raw or with the server's nonce
 * put in; must never get in. Client: the honest one with choices of its own; must get in. Bent client: the
 * honest one with bytes of its messages changed; must not.
 */
#include <stdlib.h>

#include "../unit/auth/scram_client.h"
#include "auth/sasl.h"
#include "base/rand.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

struct world {
	struct scram_tools *tools;
	struct credentials creds;
	char password[33];
	struct sasl_binding binding;
};

static struct world *world(void)
{
	static struct world *w;			/* made once: OpenSSL's look-ups are slow */

	if (w)
		return w;
	w = calloc(1, sizeof(*w));
	CHECK(w && (w->tools = scram_tools_new()));
	rand_text(w->password, 32);
	CHECK(scram_derive(w->tools, str_of(w->password), 1, &w->creds) == 0);
	rand_bytes(w->binding.exporter, 32);
	rand_bytes(w->binding.endpoint, 32);
	return w;
}

struct bytes { const uint8_t *p; size_t n; };

static uint8_t take(struct bytes *b)
{
	uint8_t c = b->n ? *b->p : 0;

	if (b->n) {
		b->p++;
		b->n--;
	}
	return c;
}

static enum sasl_step settle(struct sasl *s, const struct world *w, enum sasl_step step, struct bytes *b)
{
	unsigned turns = 0;

	for (; step == SASL_LOOKUP || step == SASL_WORK; turns++) {
		CHECK(turns < 3);
		if (step == SASL_WORK) {
			sasl_work(s);
			step = sasl_worked(s);
			continue;
		}
		CHECK(str_ends(sasl_user(s), STR("@a.test")) && sasl_user(s).n > 7);
		if (str_is(sasl_user(s), "juliet@a.test"))
			step = sasl_account(s, &w->creds, SASL_ACCOUNT_OK);
		else
			step = sasl_account(s, NULL, take(b) % 8 == 1 ? SASL_ACCOUNT_ERROR : SASL_ACCOUNT_UNKNOWN);
	}
	CHECK(step != SASL_WAIT);
	if (step == SASL_FAIL)
		CHECK(sasl_text(s).n == 0 && sasl_condition(s)[0]);
	return step;
}

static const char *const names[] = { "SCRAM-SHA-1", "SCRAM-SHA-256", "SCRAM-SHA-512", "SCRAM-SHA-1-PLUS", "SCRAM-SHA-256-PLUS",
				     "SCRAM-SHA-512-PLUS", "PLAIN", "NONE" };

/* A message of the guesser: the next bytes up to 0xff; '$' becomes the server's nonce. */
static struct str guess(struct arena *a, struct bytes *b, struct str challenge)
{
	char *out = arena_alloc(a, 8192);
	bool raw = take(b) & 1;
	struct str nonce = STR_NONE, first;
	size_t n = 0;

	if (challenge.n > 0) {
		first = scram_client_unwrap(a, challenge);
		if (str_starts(first, STR("r=")))
			nonce = str_make(first.p + 2, (size_t)str_find_char(first, ',') - 2);
	}
	while (b->n > 0 && n < 4000) {
		uint8_t c = take(b);

		if (c == 0xff)
			break;
		if (c == '$' && nonce.n > 0) {
			memcpy(out + n, nonce.p, nonce.n);
			n += nonce.n;
		} else {
			out[n++] = (char)c;
		}
	}
	return raw ? str_make(out, n) : b64_str(a, out, n);
}

static void play_guesser(struct sasl *s, const struct world *w, struct arena *a, struct bytes *b)
{
	enum sasl_step step = SASL_FAIL;

	for (int i = 0; i < 8 && b->n > 0; i++) {
		uint8_t op = take(b);
		struct str text = guess(a, b, step == SASL_CHALLENGE ? sasl_text(s) : STR_NONE);

		if (!text.p)
			return;
		if (op % 8 == 7)
			step = sasl_abort(s);
		else if (op & 1)
			step = settle(s, w, sasl_begin(s, str_of(names[op / 8 % 8]), text), b);
		else
			step = settle(s, w, sasl_respond(s, text), b);
		CHECK(step != SASL_SUCCESS);
	}
}

/* Another byte somewhere; stays as long. */
static struct str bend(struct arena *a, struct str text, struct bytes *b)
{
	struct str raw = scram_client_unwrap(a, text);
	size_t at = (take(b) << 8 | take(b)) % raw.n;
	uint8_t x = take(b);

	((char *)(uintptr_t)raw.p)[at] ^= (char)(x ? x : 1);
	return b64_str(a, raw.p, raw.n);
}

/* bend_at: 0 nowhere, 1 the first message, 2 the final one. */
static void play_client(struct sasl *s, const struct world *w, struct arena *a, struct bytes *b, int bend_at)
{
	static const char *const headers[] = { "n,,", "n,a=juliet@a.test," };
	static const char *const bound[] = { "p=tls-exporter,,", "p=tls-server-end-point,,", "p=tls-exporter,a=juliet@a.test," };
	uint8_t choice = take(b), kind = take(b) % 3;
	bool plus = choice & 1;
	struct scram_client c = { .tools = w->tools, .hash = (enum scram_hash)(choice / 2 % 3), .user = choice & 64 ? "Juliet" : "juliet",
				  .password = w->password, .nonce = "client.nonce", .extra = choice & 128 ? ",x=1,Y=2" : NULL };
	struct str text;
	enum sasl_step step;

	c.gs2 = plus ? bound[kind] : headers[kind & 1];
	if (plus)
		c.binding = str_make((const char *)(kind == 1 ? w->binding.endpoint : w->binding.exporter), 32);
	text = scram_client_first(&c, a);
	if (bend_at == 1)
		text = bend(a, text, b);
	step = settle(s, w, sasl_begin(s, str_of(names[c.hash + (plus ? 3 : 0)]), text), b);
	if (step != SASL_CHALLENGE) {
		CHECK(bend_at == 1 && step == SASL_FAIL);
		return;
	}
	text = scram_client_final(&c, a, sasl_text(s));
	if (bend_at == 2)
		text = bend(a, text, b);
	step = settle(s, w, sasl_respond(s, text), b);
	CHECK((step == SASL_SUCCESS) == (bend_at == 0));
	if (step == SASL_SUCCESS)
		CHECK(str_is(scram_client_unwrap(a, sasl_text(s)), c.server_signature) &&
		      str_is(sasl_user(s), "juliet@a.test"));
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct bytes b = { p, n };
	struct world *w = world();
	uint8_t mode = take(&b);
	struct sasl_conf conf = { .tools = w->tools, .mechanisms = SASL_DEFAULT | SASL_PLAIN, .iterations = 1, .domain = STR("a.test") };
	struct arena *a = arena_new(1024 * 1024);
	struct sasl *s;

	w->binding.tls = true;
	w->binding.exporter_n = w->binding.endpoint_n = mode & 16 && mode % 4 < 2 ? 0 : 32;
	s = sasl_new(&conf, &w->binding);
	CHECK(a && s);
	if (mode % 4 < 2)
		play_guesser(s, w, a, &b);
	else if (mode % 4 == 2)
		play_client(s, w, a, &b, 0);
	else
		play_client(s, w, a, &b, 1 + (mode / 4 & 1));
	sasl_free(&s);
	arena_free(&a);
	return 0;
}
