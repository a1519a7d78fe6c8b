/* security-tests.md 66 and B-V as tables, and the property that normalising twice changes nothing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "base/check.h"
#include "base/limits.h"
#include "base/rand.h"
#include "base/utf8.h"
#include "xmpp/jid.h"

typedef int prep_fn(struct arena *a, struct str text, struct str *ret);

struct row {
	const char *in, *out;		/* NULL: malformed */
};

static const struct row whole[] = {
	{ "a@b", "a@b" }, { "b", "b" }, { "b/r", "b/r" }, { "A@B.Test/R", "a@b.test/R" }, { "a@b/c/d@e", "a@b/c/d@e" },
	{ "a@b.test./r", "a@b.test/r" }, { "a@1.2.3.4", "a@1.2.3.4" }, { "a@[::1]/r", "a@[::1]/r" },
	{ "a@[2001:DB8:0:0::1]", "a@[2001:db8::1]" }, { "a@b/ ", "a@b/ " },
	/* 66 */
	{ "", NULL }, { "@h", NULL }, { "u@", NULL }, { "u@h/", NULL }, { "a@b@c", NULL }, { "/", NULL }, { "@", NULL },
	{ "@/", NULL }, { "a@/r", NULL }, { "/r", NULL }, { "a@b..", NULL }, { "a@.", NULL },
};

static const struct row locals[] = {
	{ "juliet", "juliet" }, { "JULIET", "juliet" }, { "a.b-c_d+e~!#$%*=?^{|}`()[];,\\", "a.b-c_d+e~!#$%*=?^{|}`()[];,\\" },
	/* 71 */
	{ "a\"b", NULL }, { "a&b", NULL }, { "a'b", NULL }, { "a/b", NULL }, { "a:b", NULL }, { "a<b", NULL }, { "a>b", NULL },
	{ "a@b", NULL }, { "a b", NULL }, { "a\x7f", NULL }, { "a\x01", NULL }, { "a\u00a0b", NULL }, { "a\u200bb", NULL },
	{ "a\u180eb", NULL }, { "a\ue000", NULL }, { "a\U000e0001", NULL }, { "a\u0378", NULL }, { "a\uffff", NULL },
	{ "a\uff20b", NULL }, { "a\uff07", NULL }, { "a\u3000b", NULL }, { "a\ufffd", NULL }, { "a\u00adb", NULL },
	{ "\U0001f600", NULL }, { "a\u2665", NULL }, { "a\u212a", NULL }, { "\u2163", NULL }, { "a\u0640", NULL }, { "a\u115f", NULL },
	/* 72 */
	{ "\u05d0\u05d1", "\u05d0\u05d1" }, { "\u05d0a\u05d1", NULL }, { "a\u05d0", NULL }, { "1\u05d0", NULL },
	{ "\u05d01", "\u05d01" }, { "\u0627\u0661", "\u0627\u0661" }, { "\u0627\u06f1", "\u0627\u06f1" },
	{ "\u0627\u0661\u06f1", NULL }, { "\u06271\u0661", NULL }, { "a\u200d", NULL }, { "a\u200cb", NULL }, { "\u200c", NULL },
	{ "\u0915\u094d\u200d\u0937", "\u0915\u094d\u200d\u0937" }, { "\u0915\u094d\u200c\u0937", "\u0915\u094d\u200c\u0937" },
	{ "\u0646\u200c\u0627", "\u0646\u200c\u0627" }, { "\u0627\u200c\u0646", NULL },
	{ "l\u00b7l", "l\u00b7l" }, { "L\u00b7L", "l\u00b7l" }, { "a\u00b7l", NULL }, { "\u30fb", NULL }, { "\u30a2\u30fb", "\u30a2\u30fb" },
	{ "\u0375\u03b1", "\u0375\u03b1" }, { "\u0375a", NULL }, { "\u05d0\u05f3", "\u05d0\u05f3" }, { "\u05f3\u05d0", NULL },
	/* 73 */
	{ "\uff4a\uff35liet", "juliet" }, { "\u00c9", "\u00e9" }, { "E\u0301", "\u00e9" }, { "\ufb01sh", NULL },
	{ "\u03a3\u0391\u03a3", "\u03c3\u03b1\u03c3" }, { "\u03c3\u03b1\u03c2", "\u03c3\u03b1\u03c3" },
	{ "stra\u00dfe", "stra\u00dfe" }, { "\u0130", "i\u0307" }, { "\uff76\uff9e", "\u30ac" },
	/* not UTF-8 */
	{ "a\xc3", NULL }, { "\xc0\x80", NULL }, { "\xed\xa0\x80", NULL },
};

static const struct row resources[] = {
	{ "Home", "Home" }, { "a b", "a b" }, { "a\u00a0b", "a b" }, { "a\u3000b", "a b" }, { "E\u0301", "\u00c9" }, { "\uff21", "\uff21" },
	/* 75 */
	{ "\U0001f600", "\U0001f600" }, { "\u2665", "\u2665" }, { "a\u202e", NULL }, { "a\u200f", NULL }, { "a\u2066", NULL },
	{ "a\u0378", NULL }, { "a\x7f", NULL }, { "\t", NULL }, { "a\ue000", NULL }, { "", NULL }, { "a\u05d0b", "a\u05d0b" },
};

static const struct row domains[] = {
	{ "Example.TEST", "example.test" }, { "example.test.", "example.test" },
	/* 74 */
	{ "b\u00fccher.test", "b\u00fccher.test" }, { "B\u00dcCHER.test", "b\u00fccher.test" }, { "xn--bcher-kva.test", "b\u00fccher.test" },
	{ "XN--BCHER-KVA.TEST.", "b\u00fccher.test" }, { "bu\u0308cher.test", "b\u00fccher.test" }, { "b\u00fccher\u3002test\u3002", "b\u00fccher.test" },
	{ "\uff45xample.test", "example.test" }, { "fa\u00df.test", "fa\u00df.test" }, { "xn--fake", NULL }, { "xn--a", NULL }, { "xn--abc-", NULL },
	{ "\u2665.test", NULL }, { "a\u200db.test", NULL }, { "a_b.test", NULL }, { "-a.test", NULL }, { "a-.test", NULL }, { "a..test", NULL },
	{ ".test", NULL }, { ".", NULL }, { "..", NULL }, { "b\u00fccher..", NULL }, { "b\u00fccher\u3002.", NULL }, { "ab--cd.test", NULL },
	{ "[::1]", "[::1]" }, { "[0:0::1]", "[::1]" }, { "[::1", NULL }, { "::1", NULL }, { "[1.2.3.4]", NULL }, { "[]", NULL }, { "[::1%eth0]", NULL },
	{ "\u2100.test", NULL }, { "a b.test", NULL }, { "a@b", NULL }, { "a/b", NULL }, { "\u05d0a.test", NULL }, { "\u180e.test", NULL },
};

static void check_rows(const char *what, prep_fn *prep, const struct row *rows, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct arena *a = arena_new(1 << 16);
		struct str out = STR("untouched"), again;
		int r = prep(a, str_of(rows[i].in), &out);

		if (r < 0) {
			assert_int_equal(r, ERR_JID);
			assert_true(str_is(out, "untouched"));
		}
		if (rows[i].out ? r < 0 || !str_is(out, rows[i].out) : r == 0)
			fail_msg("%s %zu: '%s' became '%.*s' (%d), not '%s'", what, i, rows[i].in, STR_FMT(out), r,
				 rows[i].out ? rows[i].out : "malformed");
		if (r == 0) {
			assert_int_equal(prep(a, out, &again), 0);
			assert_true(str_eq(out, again));
		}
		arena_free(&a);
	}
}

static int prep_whole(struct arena *a, struct str text, struct str *ret)
{
	struct jid j;
	int r = jid_parse(a, text, &j);

	if (r == 0)
		*ret = j.full;
	return r;
}

static void addresses_are_taken_apart_as_rfc_7622_says(void **state)
{
	struct arena *a = arena_new(1 << 16);
	struct jid j, k;

	(void)state;
	check_rows("address", prep_whole, whole, ARRAY_SIZE(whole));
	assert_int_equal(jid_parse(a, STR("Juliet@Example.TEST/Bal@c/ony"), &j), 0);
	assert_true(str_is(j.full, "juliet@example.test/Bal@c/ony"));
	assert_true(str_is(j.bare, "juliet@example.test"));
	assert_true(str_is(j.local, "juliet"));
	assert_true(str_is(j.domain, "example.test"));
	assert_true(str_is(j.resource, "Bal@c/ony"));
	assert_int_equal(jid_parse(a, STR("JULIET@example.test"), &k), 0);
	assert_true(jid_equal_bare(&j, &k));
	assert_int_equal(k.resource.n, 0);
	assert_non_null(k.resource.p);
	arena_free(&a);
}

static void local_parts_follow_username_case_mapped(void **state)
{
	(void)state;
	check_rows("local part", jid_prep_local, locals, ARRAY_SIZE(locals));
}

static void resources_follow_opaque_string(void **state)
{
	(void)state;
	check_rows("resource", jid_prep_resource, resources, ARRAY_SIZE(resources));
}

static void domains_have_one_form(void **state)
{
	(void)state;
	check_rows("domain", jid_prep_domain, domains, ARRAY_SIZE(domains));
}

/* NUL cannot come through XML, but through SASL. */
static void a_nul_ends_nothing(void **state)
{
	struct arena *a = arena_new(1 << 16);
	struct str s;

	(void)state;
	assert_int_equal(jid_prep_local(a, STR("a\0b"), &s), ERR_JID);
	assert_int_equal(jid_prep_resource(a, STR("a\0b"), &s), ERR_JID);
	assert_int_equal(jid_prep_domain(a, STR("a\0b"), &s), ERR_JID);
	assert_int_equal(jid_prep_domain(a, STR("[::1\0]"), &s), ERR_JID);
	assert_int_equal(jid_prep_domain(a, STR("1.2.3.4\0evil"), &s), ERR_JID);
	arena_free(&a);
}

/* 70 */
static void parts_are_bounded_before_and_after(void **state)
{
	static char long_text[4096];
	struct arena *a = arena_new(1 << 18);
	struct str s;

	(void)state;
	memset(long_text, 'A', sizeof(long_text));
	assert_int_equal(jid_prep_local(a, str_make(long_text, 1023), &s), 0);
	assert_int_equal(jid_prep_local(a, str_make(long_text, 1024), &s), ERR_JID);
	assert_int_equal(jid_prep_resource(a, str_make(long_text, 1023), &s), 0);
	assert_int_equal(jid_prep_resource(a, str_make(long_text, 1024), &s), ERR_JID);
	/* U+023A, two bytes, becomes U+2C65, three. */
	for (size_t i = 0; i < 1022; i += 2)
		memcpy(long_text + i, "\u023a", 2);
	assert_int_equal(jid_prep_local(a, str_make(long_text, 682), &s), 0);
	assert_int_equal(s.n, 1023);
	assert_int_equal(jid_prep_local(a, str_make(long_text, 684), &s), ERR_JID);
	/* DNS: 63 a label, 253 in all. */
	memset(long_text, 'a', sizeof(long_text));
	assert_int_equal(jid_prep_domain(a, str_make(long_text, 63), &s), 0);
	assert_int_equal(jid_prep_domain(a, str_make(long_text, 64), &s), ERR_JID);
	for (size_t i = 50; i < 300; i += 51)
		long_text[i] = '.';
	assert_int_equal(jid_prep_domain(a, str_make(long_text, 253), &s), 0);
	assert_int_equal(jid_prep_domain(a, str_make(long_text, 254), &s), ERR_JID);
	arena_free(&a);
}

/* 75 */
static void towers_of_marks_are_refused(void **state)
{
	char text[2048] = "a";
	struct arena *a = arena_new(1 << 16);
	struct str s;

	(void)state;
	for (size_t i = 0; i < 500; i++)
		memcpy(text + 1 + 2 * i, "\u0316", 2);
	assert_int_equal(jid_prep_resource(a, str_make(text, 1 + 2 * LIMIT_JID_MARKS), &s), 0);
	assert_int_equal(jid_prep_resource(a, str_make(text, 1001), &s), ERR_JID);
	assert_int_equal(jid_prep_local(a, str_make(text, 1001), &s), ERR_JID);
	arena_free(&a);
}

/* 76 */
static void look_alikes_have_one_skeleton(void **state)
{
	static const char *const same[][2] = {
		{ "admin", "\u0430dmin" }, { "admin", "adrnin" }, { "admin0", "admino" }, { "paul", "pau1" }, { "paypal", "\u0440\u0430\u0443\u0440\u0430l" },
	};
	struct arena *a = arena_new(1 << 16);
	struct str x, y;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(same); i++) {
		assert_int_equal(jid_skeleton(a, str_of(same[i][0]), &x), 0);
		assert_int_equal(jid_skeleton(a, str_of(same[i][1]), &y), 0);
		if (!str_eq(x, y))
			fail_msg("%s: %.*s, %s: %.*s", same[i][0], STR_FMT(x), same[i][1], STR_FMT(y));
	}
	assert_int_equal(jid_skeleton(a, STR("anna"), &y), 0);
	assert_false(str_eq(x, y));
	arena_free(&a);
}

static void stable(prep_fn *prep, struct str in)
{
	struct arena *a = arena_new(1 << 16);
	struct str once, twice;
	int r = prep(a, in, &once);

	if (r == 0) {
		assert_true(once.n > 0 && once.n <= LIMIT_JID_PART && utf8_valid(once));
		if (prep(a, once, &twice) < 0 || !str_eq(once, twice))
			fail_msg("'%.*s' -> '%.*s' is not stable", STR_FMT(in), STR_FMT(once));
	} else {
		assert_int_equal(r, ERR_JID);
	}
	arena_free(&a);
}

/* 73: every code point, alone and behind a letter; then random texts. */
static void normalising_twice_changes_nothing(void **state)
{
	static prep_fn *const preps[] = { jid_prep_local, jid_prep_resource, jid_prep_domain };
	uint64_t seed = rand_u64() | 1;
	char text[64];

	(void)state;
	for (uint32_t c = 1; c <= 0x10ffff; c++) {
		size_t n;

		if ((c >= 0xd800 && c <= 0xdfff) || (c >= 0x32000 && c < 0xe0000) || c >= 0xe0200)
			continue;
		text[0] = 'a';
		n = 1 + utf8_put(c, text + 1);
		for (size_t i = 0; i < ARRAY_SIZE(preps); i++) {
			stable(preps[i], str_make(text, n));
			stable(preps[i], str_make(text + 1, n - 1));
		}
	}
	rand_simulate(seed);
	print_message("seed %llu\n", (unsigned long long)seed);
	for (unsigned k = 0; k < 100000; k++) {
		size_t n = 0;

		for (uint64_t i = rand_below(8) + 1; i > 0; i--)
			n += utf8_put((uint32_t)(rand_below(4) ? rand_below(0x700) + 1 : rand_below(0xd7fe) + 1), text + n);
		for (size_t i = 0; i < ARRAY_SIZE(preps); i++)
			stable(preps[i], str_make(text, n));
	}
	rand_simulate(0);
}

static void a_full_arena_is_an_error(void **state)
{
	static const char *const some[] = { "a@b/c", "\u00e9@b\u00fccher.test/\u00e9", "[::1]/x" };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(some); i++)
		for (size_t cap = 1; cap < 200; cap += 8) {
			struct arena *a = arena_new(cap);
			struct jid j = { .full = STR("untouched") };
			int r = jid_parse(a, str_of(some[i]), &j);

			assert_true(r == 0 || (r == ERR_LIMIT && str_is(j.full, "untouched")));
			arena_free(&a);
		}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(addresses_are_taken_apart_as_rfc_7622_says),
		cmocka_unit_test(local_parts_follow_username_case_mapped),
		cmocka_unit_test(resources_follow_opaque_string),
		cmocka_unit_test(domains_have_one_form),
		cmocka_unit_test(a_nul_ends_nothing),
		cmocka_unit_test(parts_are_bounded_before_and_after),
		cmocka_unit_test(towers_of_marks_are_refused),
		cmocka_unit_test(look_alikes_have_one_skeleton),
		cmocka_unit_test(normalising_twice_changes_nothing),
		cmocka_unit_test(a_full_arena_is_an_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
