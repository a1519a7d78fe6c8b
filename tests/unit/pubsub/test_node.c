/* test_node.c - a node's defaults, people and stored form (pubsub/pubsub_node.h). */
#include "pubsub_world.h"

#include "vault/vault_pack.h"

static struct buf encoded(const struct pubsub_node *n)
{
	struct buf b;

	buf_init(&b, 8u << 20);
	assert_int_equal(pubsub_node_encode(n, &b), 0);
	return b;
}

static void a_node_is_read_as_it_was_written(void **st)
{
	struct arena *a = *st;
	struct pubsub_node *n = node_named(a, "urn:x"), *got;
	struct buf b;

	n->created_ms = 1234567890123u;
	n->creator = ANNA;
	n->config.n[PUBSUB_ACCESS] = ACCESS_ROSTER;
	n->config.n[PUBSUB_MAX_ITEMS] = 77;
	n->config.text[PUBSUB_GROUPS] = STR("a\nb");
	assert_int_equal(pubsub_node_affiliate(a, n, BERT, AFFILIATION_PUBLISHER), 0);
	assert_int_equal(pubsub_node_subscribe(a, n, STR("bert@corp.example/home")), 0);
	b = encoded(n);
	assert_int_equal(pubsub_node_decode(a, ANNA, STR("urn:x"), buf_str(&b), &got), 0);
	assert_memory_equal(got->config.n, n->config.n, sizeof(n->config.n));
	assert_true(str_is(got->config.text[PUBSUB_GROUPS], "a\nb") && str_eq(got->creator, ANNA) && got->created_ms == n->created_ms);
	assert_int_equal(pubsub_node_affiliation(got, BERT), AFFILIATION_PUBLISHER);
	assert_true(pubsub_node_subscribed_bare(got, BERT) && !pubsub_node_subscribed(got, BERT));
	buf_release(&b);
}

static void every_cut_and_bent_form_is_refused_or_read_without_harm(void **st)
{
	struct arena *a = *st;
	struct pubsub_node *n = node_named(a, "urn:x"), *got;
	struct buf b;

	assert_int_equal(pubsub_node_affiliate(a, n, BERT, AFFILIATION_MEMBER), 0);
	assert_int_equal(pubsub_node_subscribe(a, n, BERT), 0);
	b = encoded(n);
	for (size_t i = 0; i < b.n; i++)
		assert_int_equal(pubsub_node_decode(a, ANNA, STR("urn:x"), str_make(b.p, i), &got), ERR_CORRUPT);
	for (size_t i = 0; i < b.n; i++) {
		b.p[i] = (char)(b.p[i] ^ 0xff);
		if (pubsub_node_decode(a, ANNA, STR("urn:x"), buf_str(&b), &got) == 0)
			assert_true(got->n_affiliates <= PUBSUB_AFFILIATIONS && got->n_subscribers <= PUBSUB_SUBSCRIPTIONS);
		b.p[i] = (char)(b.p[i] ^ 0xff);
	}
	buf_release(&b);
}

static void what_is_private_is_private_without_options(void **st)
{
	struct arena *a = *st;

	assert_int_equal(node_named(a, "urn:xmpp:bookmarks:1")->config.n[PUBSUB_ACCESS], ACCESS_WHITELIST);
	assert_int_equal(node_named(a, "storage:bookmarks")->config.n[PUBSUB_ACCESS], ACCESS_WHITELIST);
	assert_int_equal(node_named(a, "urn:xmpp:mds:displayed:0")->config.n[PUBSUB_ACCESS], ACCESS_WHITELIST);
	assert_int_equal(node_named(a, "eu.siacs.conversations.axolotl.bundles:12345")->config.n[PUBSUB_ACCESS], ACCESS_OPEN);
	assert_int_equal(node_named(a, "eu.siacs.conversations.axolotl.bundles")->config.n[PUBSUB_ACCESS], ACCESS_PRESENCE);
	assert_int_equal(node_named(a, "urn:anything")->config.n[PUBSUB_ACCESS], ACCESS_PRESENCE);
	assert_int_equal(node_named(a, "")->config.n[PUBSUB_ACCESS], ACCESS_PRESENCE);
}

static void people_have_a_maximum(void **st)
{
	struct arena *a = *st;
	struct pubsub_node *n = node_named(a, "urn:x");
	size_t i;

	for (i = 0; i < PUBSUB_AFFILIATIONS; i++)
		assert_int_equal(pubsub_node_affiliate(a, n, arena_printf(a, "u%zu@x", i), AFFILIATION_MEMBER), 0);
	assert_int_equal(pubsub_node_affiliate(a, n, STR("more@x"), AFFILIATION_MEMBER), ERR_LIMIT);
	assert_int_equal(pubsub_node_affiliate(a, n, STR("u7@x"), AFFILIATION_OUTCAST), 0);
	assert_int_equal(pubsub_node_affiliate(a, n, STR("u8@x"), AFFILIATION_NONE), 0);
	assert_int_equal(pubsub_node_affiliate(a, n, STR("more@x"), AFFILIATION_MEMBER), 0);
	assert_int_equal(pubsub_node_affiliation(n, STR("u7@x")), AFFILIATION_OUTCAST);
	assert_int_equal(pubsub_node_affiliation(n, STR("u8@x")), AFFILIATION_NONE);
	assert_int_equal(pubsub_node_subscribe(a, n, BERT), 0);
	assert_int_equal(pubsub_node_subscribe(a, n, BERT), 0);
	assert_int_equal(n->n_subscribers, 1);
	pubsub_node_unsubscribe(n, STR("bert@corp.example/x"));
	assert_int_equal(n->n_subscribers, 1);
	pubsub_node_unsubscribe(n, BERT);
	assert_int_equal(n->n_subscribers, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(a_node_is_read_as_it_was_written),
		CASE(every_cut_and_bent_form_is_refused_or_read_without_harm),
		CASE(what_is_private_is_private_without_options),
		CASE(people_have_a_maximum),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
