/* test_s2s_dialback.c - keys of XEP-0220: secret, fresh, and of one stream and one pair (security-tests 123, 124). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/rand.h"
#include "s2s/s2s_parts.h"

static void key(const struct s2s *s, const char *receiving, const char *originating, const char *id, char ret[S2S_KEY_BYTES])
{
	s2s_dialback_key(s, 0, str_of(receiving), str_of(originating), str_of(id), ret);
}

static void a_key_is_of_one_stream_and_one_pair(void **state)
{
	/* The same letters, cut elsewhere (CVE-2016-0756). */
	static const char *const cuts[][3] = {
		{ "a.test", "b.test", "id" }, { "b.test", "a.test", "id" }, { "a.testb", ".test", "id" }, { "a.test", "b.testid", "" },
		{ "a.test", "b.tes", "tid" }, { "", "a.testb.test", "id" }, { "a.test6:b.test", "", "id" }, { "a.test", "b.test", "id2:" },
	};
	char keys[ARRAY_SIZE(cuts)][S2S_KEY_BYTES], again[S2S_KEY_BYTES];
	struct s2s s = { 0 };

	(void)state;
	rand_bytes(s.secret, sizeof(s.secret));
	for (size_t i = 0; i < ARRAY_SIZE(cuts); i++) {
		key(&s, cuts[i][0], cuts[i][1], cuts[i][2], keys[i]);
		assert_int_equal(strlen(keys[i]), S2S_KEY_BYTES - 1);
		for (size_t k = 0; k < i; k++)
			assert_string_not_equal(keys[i], keys[k]);
	}
	key(&s, cuts[0][0], cuts[0][1], cuts[0][2], again);
	assert_string_equal(again, keys[0]);
}

static void a_key_hangs_on_the_secret(void **state)
{
	char one[S2S_KEY_BYTES], other[S2S_KEY_BYTES];
	struct s2s s = { 0 }, t = { 0 };

	(void)state;
	rand_bytes(s.secret, sizeof(s.secret));
	rand_bytes(t.secret, sizeof(t.secret));
	key(&s, "a.test", "b.test", "id", one);
	key(&t, "a.test", "b.test", "id", other);
	assert_string_not_equal(one, other);
	s2s_dialback_key(&s, 1, STR("a.test"), STR("b.test"), STR("id"), other);
	assert_string_not_equal(one, other);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_key_is_of_one_stream_and_one_pair),
		cmocka_unit_test(a_key_hangs_on_the_secret),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
