/* test_vault_pubsub.c - published items: order, replacement, pages, counting, trimming, sealing. */
#include "vault_world.h"

#include "vault/vault_pubsub.h"

#define NODE STR("urn:node")
#define OTHER STR("urn:other")
#define SEQ(i) ((NOW << 20) + (uint64_t)(i))

static void put(struct world *w, struct str owner, struct str node, unsigned i, const char *id)
{
	struct vault_pub item = { .seq = SEQ(i), .id = str_of(id), .publisher = owner, .payload = STR("<x xmlns='urn:x'/>") };

	assert_int_equal(vault_pubsub_put(w->v, owner, node, &item), 0);
}

static void fill(struct world *w, unsigned n)
{
	char id[16];

	for (unsigned i = 1; i <= n; i++) {
		snprintf(id, sizeof(id), "i%u", i);
		put(w, ANNA, NODE, i, id);
	}
}

static uint64_t count(struct world *w, struct str owner, struct str node)
{
	uint64_t n;

	assert_int_equal(vault_pubsub_count(w->v, owner, node, 0, &n), 0);
	return n;
}

static void an_item_is_kept_whole_and_found_by_its_id(void **st)
{
	struct world *w = *st;
	struct vault_pub got;
	uint64_t seq;

	begin(w);
	put(w, ANNA, NODE, 1, "one");
	commit(w);
	world_restart(w);
	assert_int_equal(vault_pubsub_get(w->v, ANNA, NODE, STR("one"), w->a, &got), 0);
	assert_true(got.seq == SEQ(1) && str_is(got.id, "one") && str_eq(got.publisher, ANNA) && str_is(got.payload, "<x xmlns='urn:x'/>"));
	assert_int_equal(vault_pubsub_seq(w->v, ANNA, NODE, STR("one"), &seq), 0);
	assert_true(seq == SEQ(1));
	assert_int_equal(vault_pubsub_get(w->v, ANNA, NODE, STR("two"), w->a, &got), ERR_NOT_FOUND);
	assert_int_equal(vault_pubsub_get(w->v, ANNA, OTHER, STR("one"), w->a, &got), ERR_NOT_FOUND);
	assert_int_equal(vault_pubsub_get(w->v, BERT, NODE, STR("one"), w->a, &got), ERR_NOT_FOUND);
}

static void an_item_published_again_is_the_newest_and_there_once(void **st)
{
	struct world *w = *st;
	struct vault_pub_query q = { .newest = true, .max = 10 };
	struct vault_pub *list;
	size_t n;

	begin(w);
	fill(w, 3);
	put(w, ANNA, NODE, 9, "i1");
	commit(w);
	assert_int_equal(vault_pubsub_page(w->v, ANNA, NODE, &q, w->a, &list, &n), 0);
	assert_int_equal(n, 3);
	assert_true(str_is(list[0].id, "i2") && str_is(list[1].id, "i3") && str_is(list[2].id, "i1"));
}

static void pages_are_of_what_lies_between(void **st)
{
	struct world *w = *st;
	struct vault_pub *list;
	uint64_t before;
	size_t n;

	begin(w);
	fill(w, 10);
	put(w, ANNA, OTHER, 5, "not this");
	put(w, BERT, NODE, 5, "nor this");
	commit(w);
	assert_int_equal(vault_pubsub_page(w->v, ANNA, NODE, &(struct vault_pub_query){ .after_seq = SEQ(3), .before_seq = SEQ(9), .max = 2 }, w->a, &list, &n), 0);
	assert_true(n == 2 && str_is(list[0].id, "i4") && str_is(list[1].id, "i5"));
	assert_int_equal(vault_pubsub_page(w->v, ANNA, NODE, &(struct vault_pub_query){ .after_seq = SEQ(3), .before_seq = SEQ(9), .newest = true, .max = 2 }, w->a, &list, &n), 0);
	assert_true(n == 2 && str_is(list[0].id, "i7") && str_is(list[1].id, "i8"));
	assert_int_equal(vault_pubsub_page(w->v, ANNA, NODE, &(struct vault_pub_query){ .after_seq = SEQ(10), .max = 2 }, w->a, &list, &n), 0);
	assert_int_equal(n, 0);
	assert_true(count(w, ANNA, NODE) == 10);
	assert_int_equal(vault_pubsub_count(w->v, ANNA, NODE, SEQ(4), &before), 0);
	assert_true(before == 3);
}

static void trimming_takes_the_oldest_and_the_expired(void **st)
{
	struct world *w = *st;
	struct vault_pub got;

	begin(w);
	fill(w, 10);
	assert_int_equal(vault_pubsub_trim(w->v, ANNA, NODE, 6, 0), 0);
	assert_true(count(w, ANNA, NODE) == 6);
	assert_int_equal(vault_pubsub_get(w->v, ANNA, NODE, STR("i4"), w->a, &got), ERR_NOT_FOUND);
	assert_int_equal(vault_pubsub_get(w->v, ANNA, NODE, STR("i5"), w->a, &got), 0);
	assert_int_equal(vault_pubsub_trim(w->v, ANNA, NODE, 100, SEQ(8)), 0);
	assert_true(count(w, ANNA, NODE) == 3);
	assert_int_equal(vault_pubsub_trim(w->v, ANNA, NODE, 0, 0), 0);
	assert_true(count(w, ANNA, NODE) == 0);
	commit(w);
}

static void removing_and_clearing_leave_others_alone(void **st)
{
	struct world *w = *st;
	struct vault_pub got;

	begin(w);
	fill(w, 3);
	put(w, ANNA, OTHER, 1, "i1");
	put(w, BERT, NODE, 1, "i1");
	assert_int_equal(vault_pubsub_remove(w->v, ANNA, NODE, STR("i1")), 0);
	assert_int_equal(vault_pubsub_remove(w->v, ANNA, NODE, STR("i1")), ERR_NOT_FOUND);
	assert_int_equal(vault_pubsub_clear(w->v, ANNA, NODE), 0);
	commit(w);
	assert_true(count(w, ANNA, NODE) == 0 && count(w, ANNA, OTHER) == 1 && count(w, BERT, NODE) == 1);
	assert_int_equal(vault_pubsub_get(w->v, ANNA, NODE, STR("i2"), w->a, &got), ERR_NOT_FOUND);
	assert_int_equal(vault_pubsub_get(w->v, BERT, NODE, STR("i1"), w->a, &got), 0);
}

static void every_byte_is_counted_and_given_back(void **st)
{
	struct world *w = *st;
	struct vault_pub item = { .seq = SEQ(1), .id = STR("a"), .publisher = STR_NONE, .payload = STR("12345") };
	uint64_t used;

	begin(w);
	assert_int_equal(vault_pubsub_used(w->v, ANNA, &used), 0);
	assert_true(used == 0);
	assert_int_equal(vault_pubsub_put(w->v, ANNA, NODE, &item), 0);
	item.id = STR("bb");
	item.seq = SEQ(2);
	assert_int_equal(vault_pubsub_put(w->v, ANNA, OTHER, &item), 0);
	assert_int_equal(vault_pubsub_used(w->v, ANNA, &used), 0);
	assert_true(used == 13);
	item.payload = STR("1234567890");
	item.seq = SEQ(3);
	assert_int_equal(vault_pubsub_put(w->v, ANNA, OTHER, &item), 0);
	commit(w);
	world_restart(w);
	assert_int_equal(vault_pubsub_used(w->v, ANNA, &used), 0);
	assert_true(used == 18);
	begin(w);
	assert_int_equal(vault_pubsub_trim(w->v, ANNA, OTHER, 0, 0), 0);
	assert_int_equal(vault_pubsub_used(w->v, ANNA, &used), 0);
	assert_true(used == 6);
	fill(w, 5);
	assert_int_equal(vault_pubsub_clear(w->v, ANNA, NODE), 0);
	assert_int_equal(vault_pubsub_used(w->v, ANNA, &used), 0);
	assert_true(used == 0);
	commit(w);
	assert_int_equal(vault_pubsub_used(w->v, BERT, &used), 0);
	assert_true(used == 0);
}

static void items_of_a_kind_are_walked_one_by_one(void **st)
{
	struct world *w = *st;
	struct vault_item_at at = { 0 };
	struct vault_item item;
	bool seen[20] = { false };
	uint64_t n;
	char key[16];
	int r;

	begin(w);
	for (int i = 0; i < 20; i++) {
		snprintf(key, sizeof(key), "%d", i);
		assert_int_equal(vault_item_put(w->v, ANNA, ITEM_PUBSUB_NODE, str_of(key), str_of(key)), 0);
	}
	assert_int_equal(vault_item_put(w->v, ANNA, ITEM_VCARD, STR_NONE, STR("x")), 0);
	assert_int_equal(vault_item_put(w->v, BERT, ITEM_PUBSUB_NODE, STR("1"), STR("x")), 0);
	fill(w, 3);
	commit(w);
	assert_int_equal(vault_item_count(w->v, ANNA, ITEM_PUBSUB_NODE, &n), 0);
	assert_true(n == 20);
	for (n = 0; (r = vault_item_next(w->v, ANNA, ITEM_PUBSUB_NODE, &at, w->a, &item)) == 0; n++) {
		uint64_t i;

		assert_true(str_eq(item.key, item.value) && str_to_u64(item.key, 19, &i) && !seen[i]);
		seen[i] = true;
	}
	assert_int_equal(r, ERR_NOT_FOUND);
	assert_true(n == 20);
}

static void what_is_undone_was_never_there(void **st)
{
	struct world *w = *st;

	begin(w);
	fill(w, 2);
	commit(w);
	begin(w);
	put(w, ANNA, NODE, 7, "i1");
	assert_int_equal(vault_pubsub_remove(w->v, ANNA, NODE, STR("i2")), 0);
	vault_rollback(w->v);
	assert_true(count(w, ANNA, NODE) == 2);
}

static void an_account_takes_its_items_with_it(void **st)
{
	struct world *w = *st;
	struct vault_account acc = { .jid = ANNA, .state_reason = STR(""), .created_ms = NOW, .credentials = STR("x") };
	struct vault_pub got;

	begin(w);
	assert_int_equal(vault_account_add(w->v, &acc), 0);
	fill(w, 3);
	assert_int_equal(vault_item_put(w->v, ANNA, ITEM_PUBSUB_NODE, NODE, STR("options")), 0);
	commit(w);
	begin(w);
	assert_int_equal(vault_account_remove(w->v, ANNA), 0);
	commit(w);
	assert_true(count(w, ANNA, NODE) == 0);
	assert_int_equal(vault_pubsub_get(w->v, ANNA, NODE, STR("i1"), w->a, &got), ERR_NOT_FOUND);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		IN_BOTH(an_item_is_kept_whole_and_found_by_its_id),
		IN_BOTH(an_item_published_again_is_the_newest_and_there_once),
		IN_BOTH(pages_are_of_what_lies_between),
		IN_BOTH(trimming_takes_the_oldest_and_the_expired),
		IN_BOTH(removing_and_clearing_leave_others_alone),
		IN_BOTH(every_byte_is_counted_and_given_back),
		IN_BOTH(items_of_a_kind_are_walked_one_by_one),
		IN_BOTH(what_is_undone_was_never_there),
		IN_BOTH(an_account_takes_its_items_with_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
