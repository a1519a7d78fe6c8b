/* test_fast.c - tokens: their places, their age, what they are bound to (XEP-0484 4, 5). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "auth/fast.h"
#include "base/b64.h"

#define NOW 1795600000000ull
#define DAY 86400000ull
#define AGENT STR("d4565fa7-4d72-4749-b3d3-740edbf87770")

static struct world {
	struct scram_tools *tools;
	struct sasl_binding binding;
	struct sasl_conf conf;
	struct vault_device d;
	struct arena *a;
	uint8_t answer[FAST_PROOF];
} w;

static int world_up(void **st)
{
	(void)st;
	w = (struct world){ .tools = scram_tools_new(), .a = arena_new(1 << 20) };
	w.binding = (struct sasl_binding){ .tls = true, .exporter_n = 32, .endpoint_n = 48 };
	memset(w.binding.exporter, 'x', 32);
	memset(w.binding.endpoint, 'e', 48);
	w.conf = (struct sasl_conf){ .tools = w.tools, .mechanisms = SASL_DEFAULT, .tokens = true, .domain = STR("a.test") };
	vault_device_init(&w.d, AGENT, NOW);
	return w.tools && w.a ? 0 : -1;
}

static int world_down(void **st)
{
	(void)st;
	scram_tools_free(&w.tools);
	arena_free(&w.a);
	return 0;
}

/* The other side of the mechanism, written from the draft. */
static void prove(const char *secret, const char *side, const char *data, size_t n, uint8_t ret[FAST_PROOF])
{
	struct str text = arena_printf(w.a, "%s%.*s", side, (int)n, data);

	assert_int_equal(scram_hmac(w.tools, SCRAM_SHA_256, str_make(secret, VAULT_TOKEN), text, ret), 0);
}

static void token(char ret[VAULT_TOKEN], const struct vault_token *t)
{
	memcpy(ret, t->secret, VAULT_TOKEN);
}

static enum fast_verdict try_with(const char *secret, enum fast_mechanism m, uint64_t count, uint64_t when)
{
	const char *data = m == FAST_EXPORTER ? (const char *)w.binding.exporter : (const char *)w.binding.endpoint;
	size_t n = m == FAST_EXPORTER ? 32 : m == FAST_END_POINT ? 48 : 0;
	uint8_t proof[FAST_PROOF], answer[FAST_PROOF];
	enum fast_verdict v = FAST_WRONG;

	prove(secret, "Initiator", data, n, proof);
	assert_int_equal(fast_check(w.tools, &w.binding, m, proof, count, when, &w.d, &v, w.answer), 0);
	if (v == FAST_RIGHT) {
		prove(secret, "Responder", data, n, answer);
		assert_memory_equal(answer, w.answer, FAST_PROOF);
	}
	return v;
}

static void a_token_works_for_its_mechanism_alone(void **st)
{
	static const enum fast_mechanism all[] = { FAST_EXPORTER, FAST_END_POINT, FAST_UNBOUND };
	char t[VAULT_TOKEN];

	for (size_t i = 0; i < 3; i++) {
		fast_issue(&w.d, all[i], DAY, NOW);
		token(t, &w.d.next);
		for (size_t k = 0; k < 3; k++)
			if (k != i)
				assert_int_equal(try_with(t, all[k], 0, NOW), FAST_WRONG);
		assert_int_equal(try_with(t, all[i], 0, NOW), FAST_RIGHT);
		assert_int_equal(try_with(t, all[i], 0, NOW), FAST_RIGHT);
	}
	(void)st;
}

static void another_binding_is_wrong(void **st)
{
	char t[VAULT_TOKEN];

	fast_issue(&w.d, FAST_EXPORTER, DAY, NOW);
	token(t, &w.d.next);
	w.binding.exporter[31] ^= 1;
	assert_int_equal(try_with(t, FAST_EXPORTER, 0, NOW), FAST_RIGHT);	/* both sides see the same */
	uint8_t proof[FAST_PROOF];
	enum fast_verdict v;

	prove(t, "Initiator", (const char *)w.binding.exporter, 32, proof);
	w.binding.exporter[31] ^= 1;
	assert_int_equal(fast_check(w.tools, &w.binding, FAST_EXPORTER, proof, 0, NOW, &w.d, &v, w.answer), 0);
	assert_int_equal(v, FAST_WRONG);
	(void)st;
}

static void nothing_is_proven_where_no_token_is(void **st)
{
	char zero[VAULT_TOKEN] = { 0 };

	for (enum fast_mechanism m = FAST_NO_MECHANISM; m <= FAST_UNBOUND; m++)
		assert_int_equal(try_with(zero, m, 0, NOW), FAST_WRONG);
	fast_issue(&w.d, FAST_UNBOUND, DAY, NOW);
	fast_invalidate(&w.d);
	for (enum fast_mechanism m = FAST_NO_MECHANISM; m <= FAST_UNBOUND; m++)
		assert_int_equal(try_with(zero, m, 0, NOW), FAST_WRONG);
	assert_false(fast_has_token(&w.d, NOW));
	(void)st;
}

static void the_old_one_lives_until_the_new_one_is_used(void **st)
{
	char one[VAULT_TOKEN], two[VAULT_TOKEN], three[VAULT_TOKEN];

	fast_issue(&w.d, FAST_UNBOUND, DAY, NOW);
	token(one, &w.d.next);
	assert_int_equal(try_with(one, FAST_UNBOUND, 0, NOW), FAST_RIGHT);
	fast_issue(&w.d, FAST_UNBOUND, DAY, NOW);
	token(two, &w.d.next);
	assert_int_equal(try_with(one, FAST_UNBOUND, 0, NOW), FAST_RIGHT);
	fast_issue(&w.d, FAST_EXPORTER, DAY, NOW);		/* two was lost on the way */
	token(three, &w.d.next);
	assert_int_equal(try_with(two, FAST_UNBOUND, 0, NOW), FAST_WRONG);
	assert_int_equal(try_with(one, FAST_UNBOUND, 0, NOW), FAST_RIGHT);
	assert_int_equal(try_with(three, FAST_EXPORTER, 0, NOW), FAST_RIGHT);
	assert_int_equal(try_with(one, FAST_UNBOUND, 0, NOW), FAST_WRONG);
	assert_int_equal(w.d.next.mechanism, FAST_NO_MECHANISM);
	(void)st;
}

static void age_makes_due_and_then_dead(void **st)
{
	char t[VAULT_TOKEN];

	fast_issue(&w.d, FAST_UNBOUND, 10 * DAY, NOW);
	token(t, &w.d.next);
	assert_false(fast_is_due(&w.d, DAY, NOW + 2 * DAY));		/* not in use yet */
	assert_int_equal(try_with(t, FAST_UNBOUND, 0, NOW + 1), FAST_RIGHT);
	assert_false(fast_is_due(&w.d, DAY, NOW + DAY - 1));
	assert_true(fast_is_due(&w.d, DAY, NOW + DAY));
	assert_int_equal(try_with(t, FAST_UNBOUND, 0, NOW + 10 * DAY - 1), FAST_RIGHT);
	assert_int_equal(try_with(t, FAST_UNBOUND, 0, NOW + 10 * DAY), FAST_EXPIRED);
	assert_false(fast_has_token(&w.d, NOW + 10 * DAY));
	t[0] = (char)(t[0] ^ 1);
	assert_int_equal(try_with(t, FAST_UNBOUND, 0, NOW + 10 * DAY), FAST_WRONG);
	(void)st;
}

static void a_count_rises(void **st)
{
	char t[VAULT_TOKEN];

	fast_issue(&w.d, FAST_UNBOUND, DAY, NOW);
	token(t, &w.d.next);
	assert_int_equal(try_with(t, FAST_UNBOUND, 7, NOW), FAST_RIGHT);
	assert_int_equal(try_with(t, FAST_UNBOUND, 7, NOW), FAST_WRONG);
	assert_int_equal(try_with(t, FAST_UNBOUND, 1, NOW), FAST_WRONG);
	assert_int_equal(try_with(t, FAST_UNBOUND, 0, NOW), FAST_RIGHT);	/* none was given */
	assert_int_equal(try_with(t, FAST_UNBOUND, 7, NOW), FAST_WRONG);
	assert_int_equal(try_with(t, FAST_UNBOUND, 8, NOW), FAST_RIGHT);
	fast_issue(&w.d, FAST_UNBOUND, DAY, NOW);
	token(t, &w.d.next);
	assert_int_equal(try_with(t, FAST_UNBOUND, 1, NOW), FAST_RIGHT);	/* each has its own */
	(void)st;
}

static void a_wrong_try_changes_nothing(void **st)
{
	char t[VAULT_TOKEN];
	struct vault_device before;

	fast_issue(&w.d, FAST_UNBOUND, DAY, NOW);
	token(t, &w.d.next);
	before = w.d;
	t[3] = '!';
	assert_int_equal(try_with(t, FAST_UNBOUND, 9, NOW), FAST_WRONG);
	assert_memory_equal(&before, &w.d, sizeof(before));
	(void)st;
}

static void the_offer_follows_what_is_possible(void **st)
{
	struct buf b;

	buf_init(&b, 4096);
	fast_offer(&w.conf, &w.binding, &b);
	assert_true(str_is(buf_str(&b), "<fast xmlns='urn:xmpp:fast:0'><mechanism>HT-SHA-256-EXPR</mechanism><mechanism>HT-SHA-256-ENDP"
			   "</mechanism><mechanism>HT-SHA-256-NONE</mechanism></fast>"));
	buf_release(&b);
	assert_int_equal(fast_find(&w.conf, &w.binding, STR("HT-SHA-256-EXPR")), FAST_EXPORTER);
	assert_int_equal(fast_find(&w.conf, &w.binding, STR("HT-SHA-256-UNIQ")), FAST_NO_MECHANISM);
	assert_int_equal(fast_find(&w.conf, &w.binding, STR("SCRAM-SHA-1")), FAST_NO_MECHANISM);
	w.binding.exporter_n = 0;
	assert_int_equal(fast_find(&w.conf, &w.binding, STR("HT-SHA-256-EXPR")), FAST_NO_MECHANISM);
	w.conf.binding_required = true;
	assert_int_equal(fast_find(&w.conf, &w.binding, STR("HT-SHA-256-NONE")), FAST_NO_MECHANISM);
	assert_int_equal(fast_find(&w.conf, &w.binding, STR("HT-SHA-256-ENDP")), FAST_END_POINT);
	w.conf.binding_required = false;
	w.conf.mechanisms = SASL_DEFAULT & ~SASL_PLUS;
	assert_int_equal(fast_find(&w.conf, &w.binding, STR("HT-SHA-256-ENDP")), FAST_NO_MECHANISM);
	w.binding.tls = false;
	assert_int_equal(fast_find(&w.conf, &w.binding, STR("HT-SHA-256-NONE")), FAST_NO_MECHANISM);
	w.binding.tls = true;
	w.conf.tokens = false;
	assert_int_equal(fast_find(&w.conf, &w.binding, STR("HT-SHA-256-NONE")), FAST_NO_MECHANISM);
	(void)st;
}

static struct fast_message parsed;

static int parse(const char *p, size_t n)
{
	return fast_parse(w.a, b64_str(w.a, p, n), &parsed);
}

static void messages_are_a_name_a_nul_and_a_proof(void **st)
{
	char text[80];

	memset(text, 0, sizeof(text));			/* a proof may be any bytes */
	memcpy(text, "juliet", 6);
	assert_int_equal(parse(text, 7 + FAST_PROOF), 0);
	assert_true(str_is(parsed.name, "juliet"));
	memset(text + 7, 'p', FAST_PROOF);
	assert_int_equal(parse(text, 7 + FAST_PROOF), 0);
	assert_memory_equal(parsed.proof, text + 7, FAST_PROOF);
	assert_int_equal(parse(text, 6 + FAST_PROOF), ERR_BAD_REQUEST);
	assert_int_equal(parse(text, 8 + FAST_PROOF), ERR_BAD_REQUEST);
	assert_int_equal(parse(text, 0), ERR_BAD_REQUEST);
	assert_int_equal(parse(text + 6, 1 + FAST_PROOF), ERR_BAD_REQUEST);	/* no name */
	text[3] = 0;
	assert_int_equal(parse(text, 7 + FAST_PROOF), ERR_BAD_REQUEST);
	text[3] = (char)0xff;
	assert_int_equal(parse(text, 7 + FAST_PROOF), ERR_BAD_REQUEST);
	assert_int_equal(fast_parse(w.a, STR("AAA"), &parsed), ERR_BAD_FORMAT);
	assert_int_equal(fast_parse(w.a, STR("AA A"), &parsed), ERR_BAD_FORMAT);
	(void)st;
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, world_up, world_down)
	const struct CMUnitTest tests[] = {
		T(a_token_works_for_its_mechanism_alone),
		T(another_binding_is_wrong),
		T(nothing_is_proven_where_no_token_is),
		T(the_old_one_lives_until_the_new_one_is_used),
		T(age_makes_due_and_then_dead),
		T(a_count_rises),
		T(a_wrong_try_changes_nothing),
		T(the_offer_follows_what_is_possible),
		T(messages_are_a_name_a_nul_and_a_proof),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
