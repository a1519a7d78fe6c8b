/* test_vault_device.c - clients that say who they are: kept, listed, bounded, forgotten with the password. */
#include "vault/vault_device.h"
#include "vault_world.h"

static struct str agent(struct world *w, unsigned n)
{
	return arena_printf(w->a, "00000000-0000-4000-8000-%012u", n);
}

static void put(struct world *w, struct str owner, unsigned n, uint64_t seen_ms, const char *secret)
{
	struct vault_device d;

	vault_device_init(&d, agent(w, n), NOW);
	d.last_ms = seen_ms;
	d.software = STR("Testing");
	d.name = STR("A phone");
	d.password = true;
	d.current.mechanism = 3;
	d.current.count = 7;
	d.current.expires_ms = NOW + 1;
	memcpy(d.current.secret, secret, VAULT_TOKEN);
	assert_int_equal(vault_begin(w->v), 0);
	assert_int_equal(vault_device_put(w->v, owner, &d), 0);
	assert_int_equal(vault_commit(w->v), 0);
}

#define SECRET "abcdefghijklmnopqrstuvwxyz234567"

static void what_was_put_comes_back_after_a_restart(void **st)
{
	struct world *w = *st;
	struct vault_device d, found;

	put(w, ANNA, 1, NOW + 5, SECRET);
	vault_close(&w->v);
	world_open(w);
	assert_int_equal(vault_device_get(w->v, ANNA, agent(w, 1), w->a, &d), 0);
	assert_true(str_is(d.software, "Testing") && str_is(d.name, "A phone") && d.password);
	assert_true(d.first_ms == NOW && d.last_ms == NOW + 5 && d.current.mechanism == 3 && d.current.count == 7);
	assert_memory_equal(d.current.secret, SECRET, VAULT_TOKEN);
	assert_int_equal(d.next.mechanism, 0);
	assert_int_equal(strlen(d.id), VAULT_DEVICE_ID);
	assert_int_equal(vault_device_find(w->v, ANNA, str_of(d.id), w->a, &found), 0);
	assert_true(str_eq(found.agent, agent(w, 1)));
	assert_int_equal(vault_device_get(w->v, BERT, agent(w, 1), w->a, &d), ERR_NOT_FOUND);
	assert_int_equal(vault_device_find(w->v, BERT, str_of(found.id), w->a, &d), ERR_NOT_FOUND);
	assert_int_equal(vault_device_find(w->v, ANNA, STR("x"), w->a, &d), ERR_NOT_FOUND);
}

static void the_one_unseen_for_longest_makes_room(void **st)
{
	struct world *w = *st;
	struct vault_device *list, d;
	size_t n;

	for (unsigned i = 0; i < LIMIT_DEVICES; i++)
		put(w, ANNA, i, i == 5 ? NOW : NOW + 10 + i, SECRET);
	put(w, BERT, 5, NOW, SECRET);
	put(w, ANNA, 7, NOW + 100, SECRET);		/* there already: nobody goes */
	assert_int_equal(vault_device_list(w->v, ANNA, w->a, &list, &n), 0);
	assert_int_equal(n, LIMIT_DEVICES);
	put(w, ANNA, 999, NOW + 1000, SECRET);
	assert_int_equal(vault_device_list(w->v, ANNA, w->a, &list, &n), 0);
	assert_int_equal(n, LIMIT_DEVICES);
	assert_int_equal(vault_device_get(w->v, ANNA, agent(w, 5), w->a, &d), ERR_NOT_FOUND);
	assert_int_equal(vault_device_get(w->v, ANNA, agent(w, 999), w->a, &d), 0);
	assert_int_equal(vault_device_get(w->v, BERT, agent(w, 5), w->a, &d), 0);
}

static void texts_are_cut_between_characters(void **st)
{
	struct world *w = *st;
	struct vault_device d;
	char text[200];

	for (unsigned shift = 0; shift < 2; shift++) {
		for (size_t i = 0; i + 1 < sizeof(text); i += 2)
			memcpy(text + i, "\xc3\xa4", 2);
		vault_device_init(&d, agent(w, 1), NOW);
		text[0] = 'x';
		d.software = str_make(text + 2 - shift * 2, sizeof(text) - 2);
		if (shift)
			d.software = str_make(text + 1, sizeof(text) - 2);
		text[1] = 'y';
		assert_int_equal(vault_begin(w->v), 0);
		assert_int_equal(vault_device_put(w->v, ANNA, &d), 0);
		assert_int_equal(vault_commit(w->v), 0);
		assert_int_equal(vault_device_get(w->v, ANNA, agent(w, 1), w->a, &d), 0);
		assert_int_equal(d.software.n, VAULT_DEVICE_TEXT - shift);
	}
}

static void account(struct world *w, struct str jid, struct str credentials)
{
	struct vault_account acc = { .jid = jid, .state_reason = STR_NONE, .credentials = credentials };

	assert_int_equal(vault_begin(w->v), 0);
	assert_int_equal(vault_account_add(w->v, &acc), 0);
	assert_int_equal(vault_commit(w->v), 0);
}

static void other_credentials_forget_the_devices(void **st)
{
	struct world *w = *st;
	struct vault_account acc;
	struct vault_device d;

	account(w, ANNA, STR("old"));
	account(w, BERT, STR("old"));
	put(w, ANNA, 1, NOW, SECRET);
	put(w, BERT, 1, NOW, SECRET);
	assert_int_equal(vault_account_get(w->v, ANNA, w->a, &acc), 0);
	acc.state = ACCOUNT_FROZEN;
	acc.state_reason = STR("a reason");
	assert_int_equal(vault_begin(w->v), 0);
	assert_int_equal(vault_account_set(w->v, &acc), 0);
	assert_int_equal(vault_account_rehash(w->v, ANNA, STR("the same, hashed otherwise")), 0);
	assert_int_equal(vault_commit(w->v), 0);
	assert_int_equal(vault_device_get(w->v, ANNA, agent(w, 1), w->a, &d), 0);
	assert_int_equal(vault_account_get(w->v, ANNA, w->a, &acc), 0);
	assert_true(str_is(acc.credentials, "the same, hashed otherwise") && acc.state == ACCOUNT_FROZEN);
	acc.credentials = STR("new");
	assert_int_equal(vault_begin(w->v), 0);
	assert_int_equal(vault_account_set(w->v, &acc), 0);
	assert_int_equal(vault_commit(w->v), 0);
	assert_int_equal(vault_device_get(w->v, ANNA, agent(w, 1), w->a, &d), ERR_NOT_FOUND);
	assert_int_equal(vault_device_get(w->v, BERT, agent(w, 1), w->a, &d), 0);
	assert_int_equal(vault_begin(w->v), 0);
	assert_int_equal(vault_account_remove(w->v, BERT), 0);
	assert_int_equal(vault_commit(w->v), 0);
	assert_int_equal(vault_device_get(w->v, BERT, agent(w, 1), w->a, &d), ERR_NOT_FOUND);
}

/* The secret must not stand in the files of the store. */
static void a_token_is_sealed(void **st)
{
	struct world *w = *st;
	char cmd[256];

	put(w, ANNA, 1, NOW, SECRET);
	vault_close(&w->v);
	snprintf(cmd, sizeof(cmd), "grep -rqa -e %s -e 'A phone' -e 8000-000000000001 %s", SECRET, w->data);
	assert_int_not_equal(system(cmd), 0);
	world_open(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(what_was_put_comes_back_after_a_restart, world_make_disk, world_drop),
		cmocka_unit_test_setup_teardown(the_one_unseen_for_longest_makes_room, world_make_memory, world_drop),
		cmocka_unit_test_setup_teardown(texts_are_cut_between_characters, world_make_memory, world_drop),
		cmocka_unit_test_setup_teardown(other_credentials_forget_the_devices, world_make_memory, world_drop),
		cmocka_unit_test_setup_teardown(a_token_is_sealed, world_make_disk, world_drop),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
