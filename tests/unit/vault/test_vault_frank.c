/* test_vault_frank.c - the mark on delivered messages: proves what was sent, and nothing else. */
#include "vault/vault_frank.h"

#include <stdio.h>
#include <time.h>

#include "vault_world.h"
#include "xmpp/ns.h"

#define FROM "mallory@other.example/x"
#define ID 0x1234567890abcull

static struct node *message(struct world *w, const char *body)
{
	struct node *m = node_new(w->a, NS_CLIENT, "message");

	assert_int_equal(node_set_attr(w->a, m, "from", STR(FROM)), 0);
	assert_int_equal(node_set_attr(w->a, m, "to", ANNA), 0);
	assert_non_null(node_add_leaf(w->a, m, NS_CLIENT, "body", str_of(body)));
	return m;
}

static struct node *delivered(struct world *w, struct vault_frank *f, const char *body)
{
	struct node *m = message(w, body);

	assert_int_equal(vault_frank_add(f, w->a, m, STR("mallory@other.example"), ANNA, ID), 0);
	return m;
}

static void what_was_delivered_is_proven_after_a_restart(void **st)
{
	struct world *w = *st;
	struct vault_frank *f;
	struct node *m;
	uint64_t id = 0;

	assert_int_equal(vault_frank_new(w->v, &f), 0);
	m = delivered(w, f, "you have won");
	vault_frank_free(&f);
	world_restart(w);
	assert_int_equal(vault_frank_new(w->v, &f), 0);
	assert_int_equal(vault_frank_verify(f, w->a, m, ANNA, &id), 1);
	assert_true(id == ID);
	vault_frank_free(&f);
}

static void another_text_sender_receiver_or_id_is_forged(void **st)
{
	struct world *w = *st;
	struct vault_frank *f;
	struct node *m;
	uint64_t id;
	char other[VAULT_ID_TEXT];

	assert_int_equal(vault_frank_new(w->v, &f), 0);
	m = delivered(w, f, "hello");
	assert_int_equal(vault_frank_verify(f, w->a, m, BERT, &id), 0);
	assert_int_equal(node_set_attr(w->a, m, "from", STR("honest@other.example")), 0);
	assert_int_equal(vault_frank_verify(f, w->a, m, ANNA, &id), 0);
	m = delivered(w, f, "hello");
	node_remove(node_child(m, NS_CLIENT, "body"));
	assert_non_null(node_add_leaf(w->a, m, NS_CLIENT, "body", STR("a threat")));
	assert_int_equal(vault_frank_verify(f, w->a, m, ANNA, &id), 0);
	m = delivered(w, f, "hello");
	vault_id_text(ID + 1, other);
	assert_int_equal(node_set_attr(w->a, node_child(m, NS_FRANK, "frank"), "id", str_of(other)), 0);
	assert_int_equal(vault_frank_verify(f, w->a, m, ANNA, &id), 0);
	assert_int_equal(vault_frank_verify(f, w->a, message(w, "hello"), ANNA, &id), ERR_NOT_FOUND);
	vault_frank_free(&f);
}

static void a_second_body_cannot_be_slipped_in(void **st)
{
	struct world *w = *st;
	struct vault_frank *f;
	struct node *m;
	uint64_t id;

	assert_int_equal(vault_frank_new(w->v, &f), 0);
	m = delivered(w, f, "ab");
	node_remove(node_child(m, NS_CLIENT, "body"));
	assert_non_null(node_add_leaf(w->a, m, NS_CLIENT, "body", STR("a")));
	assert_non_null(node_add_leaf(w->a, m, NS_CLIENT, "body", STR("b")));
	assert_int_equal(vault_frank_verify(f, w->a, m, ANNA, &id), 0);
	vault_frank_free(&f);
}

static void a_mark_costs_little(void **st)
{
	struct world *w = *st;
	struct vault_frank *f;
	struct vault_franked m = { STR("mallory@other.example"), ANNA, ID, STR("a hundred bytes of a text that somebody has written to somebody else in "
		"the course of a working day, about") };
	char text[VAULT_FRANK_TEXT];
	struct timespec a, b;

	assert_int_equal(vault_frank_new(w->v, &f), 0);
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &a);
	for (unsigned i = 0; i < 20000; i++)
		vault_frank_text(f, &m, text);
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &b);
	printf("# a mark: %.2f us\n", ((double)(b.tv_sec - a.tv_sec) * 1e9 + (double)(b.tv_nsec - a.tv_nsec)) / 20000 / 1000);
	vault_frank_free(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(what_was_delivered_is_proven_after_a_restart, world_make_disk, world_drop),
		cmocka_unit_test_setup_teardown(another_text_sender_receiver_or_id_is_forged, world_make_disk, world_drop),
		cmocka_unit_test_setup_teardown(a_second_body_cannot_be_slipped_in, world_make_disk, world_drop),
		cmocka_unit_test_setup_teardown(a_mark_costs_little, world_make_disk, world_drop),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
