/* The contact list in memory and its stored form (core/roster.h). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>

#include "base/limits.h"
#include "core/roster.h"

static struct roster_item *add(struct roster *r, const char *jid)
{
	struct roster_item *it;

	assert_int_equal(roster_get(r, str_of(jid), &it), 0);
	return it;
}

/* One contact with everything, one with nothing, one who only asked. */
static void fill(struct roster *r)
{
	struct str groups[] = { STR("Friends"), STR("\xc3\x84\xc3\xb6\xc3\xbc") };
	struct roster_item *it;

	roster_init(r);
	r->ver = 0x1122334455667788u;
	it = add(r, "romeo@example.test");
	assert_int_equal(roster_item_set(it, STR("R & J"), groups, 2), 0);
	it->sub = SUB_BOTH;
	it->listed = it->ask = it->approved = true;
	it->ver = 7;
	add(r, "plain@example.test")->listed = true;
	it = add(r, "stranger@example.test");
	it->pending_in = true;
	assert_int_equal(roster_item_set_request(it, STR("<presence type='subscribe'/>")), 0);
}

static void what_is_stored_comes_back_whole(void **state)
{
	struct roster r, back;
	const struct roster_item *it;
	struct buf b;

	(void)state;
	fill(&r);
	buf_init(&b, 1 << 20);
	assert_int_equal(roster_encode(&r, &b), 0);
	roster_init(&back);
	assert_int_equal(roster_decode(&back, buf_str(&b)), 0);
	assert_true(back.ver == r.ver);
	assert_int_equal(map_count(back.items), 3);
	it = roster_find(&back, STR("romeo@example.test"));
	assert_non_null(it);
	assert_true(str_is(it->name, "R & J"));
	assert_int_equal(it->n_groups, 2);
	assert_true(str_is(it->groups[0], "Friends") && str_is(it->groups[1], "\xc3\x84\xc3\xb6\xc3\xbc"));
	assert_true(it->sub == SUB_BOTH && it->listed && it->ask && it->approved && !it->pending_in && it->ver == 7);
	it = roster_find(&back, STR("plain@example.test"));
	assert_non_null(it);
	assert_true(it->listed && it->sub == SUB_NONE && !it->ask && !it->approved && it->name.n == 0 && it->n_groups == 0);
	it = roster_find(&back, STR("stranger@example.test"));
	assert_non_null(it);
	assert_true(it->pending_in && !it->listed && str_is(it->request, "<presence type='subscribe'/>"));
	assert_int_equal(roster_listed(&back), 2);
	buf_release(&b);
	roster_release(&back);
	roster_release(&r);
}

static void a_roster_that_was_never_stored_is_empty(void **state)
{
	struct roster r;

	(void)state;
	roster_init(&r);
	assert_int_equal(roster_decode(&r, STR_NONE), 0);
	assert_true(r.ver == 0 && roster_listed(&r) == 0);
	assert_null(roster_find(&r, STR("nobody@example.test")));
	roster_remove(&r, STR("nobody@example.test"));
	roster_release(&r);
}

static void every_cut_of_the_stored_form_is_refused_or_whole_items(void **state)
{
	struct roster r;
	struct buf b;
	unsigned refused = 0;

	(void)state;
	fill(&r);
	buf_init(&b, 1 << 20);
	assert_int_equal(roster_encode(&r, &b), 0);
	for (size_t n = 1; n < b.n; n++) {
		struct roster back;
		char *exact = malloc(n);	/* so that a sanitizer sees one byte too many */
		int e;

		assert_non_null(exact);
		memcpy(exact, b.p, n);
		roster_init(&back);
		e = roster_decode(&back, str_make(exact, n));
		assert_true(e == 0 || e == ERR_CORRUPT);
		refused += e == ERR_CORRUPT;
		roster_release(&back);
		free(exact);
	}
	/* Whole are: no item, the first, the first two. */
	assert_int_equal(refused, b.n - 1 - 3);
	buf_release(&b);
	roster_release(&r);
}

static void damaged_bytes_are_refused_or_another_roster_but_never_too_much(void **state)
{
	struct roster r;
	struct buf b;

	(void)state;
	fill(&r);
	buf_init(&b, 1 << 20);
	assert_int_equal(roster_encode(&r, &b), 0);
	for (size_t i = 0; i < b.n; i++) {
		for (int bit = 0; bit < 8; bit++) {
			struct roster back;

			b.p[i] = (char)(b.p[i] ^ (1 << bit));
			roster_init(&back);
			if (roster_decode(&back, buf_str(&b)) == 0)
				assert_true(roster_listed(&back) <= 3);
			roster_release(&back);
			b.p[i] = (char)(b.p[i] ^ (1 << bit));
		}
	}
	b.p[0] = 2;
	struct roster newer;

	roster_init(&newer);
	assert_int_equal(roster_decode(&newer, buf_str(&b)), ERR_CORRUPT);
	roster_release(&newer);
	buf_release(&b);
	roster_release(&r);
}

static void names_and_groups_are_replaced_and_bounded(void **state)
{
	static char name[LIMIT_ROSTER_NAME + 2];
	struct str groups[LIMIT_ROSTER_GROUPS + 1];
	struct roster r;
	struct roster_item *it;

	(void)state;
	roster_init(&r);
	memset(name, 'n', sizeof(name) - 1);
	for (size_t i = 0; i < LIMIT_ROSTER_GROUPS + 1; i++)
		groups[i] = STR("g");
	it = add(&r, "romeo@example.test");
	assert_int_equal(roster_item_set(it, STR("one"), groups, 2), 0);
	assert_int_equal(roster_item_set(it, str_of(name), groups, 1), ERR_LIMIT);
	assert_int_equal(roster_item_set(it, STR("x"), groups, LIMIT_ROSTER_GROUPS + 1), ERR_LIMIT);
	assert_true(str_is(it->name, "one") && it->n_groups == 2);		/* as it was */
	assert_int_equal(roster_item_set(it, str_make(name, LIMIT_ROSTER_NAME), groups, LIMIT_ROSTER_GROUPS), 0);
	assert_int_equal(roster_item_set(it, STR_NONE, NULL, 0), 0);
	assert_true(it->name.n == 0 && it->n_groups == 0);
	assert_int_equal(roster_item_set_request(it, STR("<presence/>")), 0);
	assert_int_equal(roster_item_set_request(it, STR_NONE), 0);
	assert_int_equal(it->request.n, 0);
	assert_ptr_equal(add(&r, "romeo@example.test"), it);			/* found, not added twice */
	roster_remove(&r, STR("romeo@example.test"));
	assert_null(roster_find(&r, STR("romeo@example.test")));
	roster_release(&r);
}

static void strangers_cannot_fill_a_roster_without_end(void **state)
{
	struct roster r;
	struct roster_item *it;
	int e = 0;
	size_t n = 0;

	(void)state;
	roster_init(&r);
	while (e == 0 && n < 10 * LIMIT_ROSTER) {
		char jid[64];

		snprintf(jid, sizeof(jid), "u%zu@example.test", n);
		e = roster_get(&r, str_of(jid), &it);
		n += e == 0;
	}
	assert_int_equal(e, ERR_LIMIT);
	assert_int_equal(n, map_count(r.items));
	assert_int_equal(roster_listed(&r), 0);
	roster_release(&r);
}

static void a_full_roster_of_long_names_does_not_pass_the_buffers_maximum(void **state)
{
	struct roster r;
	struct buf b;

	(void)state;
	fill(&r);
	buf_init(&b, 40);
	assert_int_equal(roster_encode(&r, &b), ERR_LIMIT);
	buf_release(&b);
	roster_release(&r);
}

static void subscriptions_have_their_names(void **state)
{
	(void)state;
	assert_string_equal(roster_sub_text(SUB_NONE), "none");
	assert_string_equal(roster_sub_text(SUB_TO), "to");
	assert_string_equal(roster_sub_text(SUB_FROM), "from");
	assert_string_equal(roster_sub_text(SUB_BOTH), "both");
}

static void what_the_server_puts_there_is_not_stored_and_leaves_what_was(void **state)
{
	struct str groups[] = { STR("sales"), STR("berlin") };
	struct roster r, back;
	struct roster_item *it;
	char ver[ROSTER_VERSION], before[ROSTER_VERSION];
	struct buf b;
	bool changed;

	(void)state;
	fill(&r);
	roster_version(&r, before);
	assert_int_equal(roster_share(&r, STR("plain@example.test"), STR("Plain"), groups, 2, &changed), 0);
	assert_true(changed);
	assert_int_equal(roster_share(&r, STR("plain@example.test"), STR("Plain"), groups, 2, &changed), 0);
	assert_false(changed);
	assert_int_equal(roster_share(&r, STR("new@example.test"), STR("New"), groups, 1, &changed), 0);
	it = roster_find(&r, STR("new@example.test"));
	assert_true(changed && it->listed && it->sub == SUB_BOTH && roster_is_shared(it) && roster_shows(&r, it->jid));
	roster_version(&r, ver);
	assert_string_not_equal(ver, before);
	buf_init(&b, 1 << 20);
	assert_int_equal(roster_encode(&r, &b), 0);
	roster_init(&back);
	assert_int_equal(roster_decode(&back, buf_str(&b)), 0);
	assert_int_equal(map_count(back.items), 3);
	it = roster_find(&back, STR("plain@example.test"));
	assert_true(it && it->listed && it->sub == SUB_NONE && !roster_is_shared(it));
	assert_int_equal(roster_share(&r, STR("plain@example.test"), STR_NONE, NULL, 0, &changed), 0);
	it = roster_find(&r, STR("plain@example.test"));
	assert_true(changed && it && it->listed && it->sub == SUB_NONE);
	assert_int_equal(roster_share(&r, STR("new@example.test"), STR_NONE, NULL, 0, &changed), 0);
	assert_true(changed && !roster_find(&r, STR("new@example.test")));
	roster_version(&r, ver);
	assert_string_equal(ver, before);
	buf_release(&b);
	roster_release(&r);
	roster_release(&back);
}

static void the_order_of_shared_contacts_does_not_change_the_version(void **state)
{
	static const char *const names[] = { "a@x.test", "b@x.test", "c@x.test" };
	struct str group = STR("g");
	struct roster one, two;
	char v1[ROSTER_VERSION], v2[ROSTER_VERSION];
	bool changed;

	(void)state;
	roster_init(&one);
	roster_init(&two);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(roster_share(&one, str_of(names[i]), STR("N"), &group, 1, &changed), 0);
		assert_int_equal(roster_share(&two, str_of(names[2 - i]), STR("N"), &group, 1, &changed), 0);
	}
	roster_version(&one, v1);
	roster_version(&two, v2);
	assert_string_equal(v1, v2);
	assert_int_equal(roster_share(&two, STR("a@x.test"), STR("M"), &group, 1, &changed), 0);
	roster_version(&two, v2);
	assert_string_not_equal(v1, v2);
	roster_release(&one);
	roster_release(&two);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_stored_comes_back_whole),
		cmocka_unit_test(what_the_server_puts_there_is_not_stored_and_leaves_what_was),
		cmocka_unit_test(the_order_of_shared_contacts_does_not_change_the_version),
		cmocka_unit_test(a_roster_that_was_never_stored_is_empty),
		cmocka_unit_test(every_cut_of_the_stored_form_is_refused_or_whole_items),
		cmocka_unit_test(damaged_bytes_are_refused_or_another_roster_but_never_too_much),
		cmocka_unit_test(names_and_groups_are_replaced_and_bounded),
		cmocka_unit_test(strangers_cannot_fill_a_roster_without_end),
		cmocka_unit_test(a_full_roster_of_long_names_does_not_pass_the_buffers_maximum),
		cmocka_unit_test(subscriptions_have_their_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
