/* test_vault.c - accounts, items, offline messages, held ones, findings, spread, outbreaks, ids, transactions. */
#include "vault_world.h"

#include "store/store_fault.h"

static struct vault_account account(struct str jid, enum vault_role role)
{
	return (struct vault_account){ .jid = jid, .role = role, .state_reason = STR(""), .created_ms = NOW,
				       .credentials = STR("salted verifiers") };
}

static void an_account_is_added_once_read_changed_and_removed(void **st)
{
	struct world *w = *st;
	struct vault_account acc = account(ANNA, ROLE_OFFICER), got;

	assert_int_equal(vault_account_get(w->v, ANNA, w->a, &got), ERR_NOT_FOUND);
	begin(w);
	assert_int_equal(vault_account_set(w->v, &acc), ERR_NOT_FOUND);
	assert_int_equal(vault_account_add(w->v, &acc), 0);
	assert_int_equal(vault_account_add(w->v, &acc), ERR_CONFLICT);
	commit(w);
	world_restart(w);
	assert_int_equal(vault_account_get(w->v, ANNA, w->a, &got), 0);
	assert_true(str_eq(got.jid, ANNA) && str_eq(got.credentials, acc.credentials));
	assert_int_equal(got.role, ROLE_OFFICER);
	assert_int_equal(got.state, ACCOUNT_ACTIVE);
	assert_int_equal(got.created_ms, NOW);
	acc.state = ACCOUNT_FROZEN;
	acc.state_reason = STR("sent a worm");
	begin(w);
	assert_int_equal(vault_account_set(w->v, &acc), 0);
	commit(w);
	assert_int_equal(vault_account_get(w->v, ANNA, w->a, &got), 0);
	assert_int_equal(got.state, ACCOUNT_FROZEN);
	assert_true(str_is(got.state_reason, "sent a worm"));
	begin(w);
	assert_int_equal(vault_account_remove(w->v, ANNA), 0);
	assert_int_equal(vault_account_remove(w->v, ANNA), ERR_NOT_FOUND);
	commit(w);
	assert_int_equal(vault_account_get(w->v, ANNA, w->a, &got), ERR_NOT_FOUND);
}

static void accounts_are_listed_in_order_page_by_page(void **st)
{
	struct world *w = *st;
	struct vault_account *list;
	struct str after = STR_NONE;
	size_t n, total = 0;
	char jid[32], last[32] = "";

	begin(w);
	for (int i = 0; i < 25; i++) {
		struct vault_account acc;

		snprintf(jid, sizeof(jid), "u%02d@corp.example", i * 7 % 25);
		acc = account(str_of(jid), ROLE_STAFF);
		assert_int_equal(vault_account_add(w->v, &acc), 0);
	}
	commit(w);
	do {
		assert_int_equal(vault_account_list(w->v, after, 10, w->a, &list, &n), 0);
		for (size_t i = 0; i < n; i++) {
			snprintf(jid, sizeof(jid), "%.*s", STR_FMT(list[i].jid));
			assert_true(strcmp(last, jid) < 0);
			strcpy(last, jid);
		}
		total += n;
		after = str_of(last);
	} while (n == 10);
	assert_int_equal(total, 25);
}

static void removing_an_account_takes_all_that_was_its_own(void **st)
{
	struct world *w = *st;
	struct vault_account acc = account(ANNA, ROLE_STAFF);
	struct vault_stream s = { .id = STR("stream-1"), .owner = ANNA, .state = STR("x"), .expires_ms = 1 };
	struct vault_page page;
	struct vault_entry *off;
	struct vault_queued *q;
	struct str value;
	size_t n;

	begin(w);
	assert_int_equal(vault_account_add(w->v, &acc), 0);
	assert_int_equal(vault_item_put(w->v, ANNA, ITEM_ROSTER, STR_NONE, STR("friends")), 0);
	assert_int_equal(vault_item_put(w->v, BERT, ITEM_ROSTER, STR_NONE, STR("others")), 0);
	assert_int_equal(vault_offline_add(w->v, ANNA, 5, NOW, STR("later")), 0);
	assert_int_equal(vault_stream_put(w->v, &s), 0);
	assert_int_equal(vault_stream_push(w->v, s.id, ANNA, 1, STR("unacked")), 0);
	assert_int_equal(add(w, 100, NOW, ANNA, BERT, "<message/>"), 0);
	commit(w);
	begin(w);
	assert_int_equal(vault_account_remove(w->v, ANNA), 0);
	commit(w);
	assert_int_equal(vault_item_get(w->v, ANNA, ITEM_ROSTER, STR_NONE, w->a, &value), ERR_NOT_FOUND);
	assert_int_equal(vault_offline_list(w->v, ANNA, w->a, &off, &n), 0);
	assert_int_equal(n, 0);
	assert_int_equal(vault_stream_get(w->v, s.id, w->a, &s, &q, &n), ERR_NOT_FOUND);
	assert_int_equal(vault_archive_page(w->v, &(struct vault_query){ .owner = ANNA, .max = 10 }, w->a, &page), 0);
	assert_int_equal(page.count, 0);
	assert_int_equal(vault_archive_page(w->v, &(struct vault_query){ .owner = BERT, .max = 10 }, w->a, &page), 0);
	assert_int_equal(page.n, 1);
	assert_true(str_is(page.v[0].stanza, "<message/>"));
	assert_int_equal(vault_item_get(w->v, BERT, ITEM_ROSTER, STR_NONE, w->a, &value), 0);
	/* The name may come back; it starts empty. */
	begin(w);
	assert_int_equal(vault_account_add(w->v, &acc), 0);
	assert_int_equal(vault_item_put(w->v, ANNA, ITEM_ROSTER, STR_NONE, STR("new friends")), 0);
	commit(w);
	assert_int_equal(vault_item_get(w->v, ANNA, ITEM_ROSTER, STR_NONE, w->a, &value), 0);
	assert_true(str_is(value, "new friends"));
}

static void items_are_kept_by_owner_kind_and_key(void **st)
{
	struct world *w = *st;
	struct vault_item *list;
	struct str value;
	size_t n;

	begin(w);
	assert_int_equal(vault_item_put(w->v, ANNA, ITEM_PRIVATE, STR("k1"), STR("one")), 0);
	assert_int_equal(vault_item_put(w->v, ANNA, ITEM_PRIVATE, STR("k2"), STR("two")), 0);
	assert_int_equal(vault_item_put(w->v, ANNA, ITEM_VCARD, STR("k1"), STR("card")), 0);
	assert_int_equal(vault_item_put(w->v, BERT, ITEM_PRIVATE, STR("k1"), STR("his")), 0);
	assert_int_equal(vault_item_put(w->v, ANNA, ITEM_PRIVATE, STR("k1"), STR("one again")), 0);
	commit(w);
	world_restart(w);
	assert_int_equal(vault_item_get(w->v, ANNA, ITEM_PRIVATE, STR("k1"), w->a, &value), 0);
	assert_true(str_is(value, "one again"));
	assert_int_equal(vault_item_list(w->v, ANNA, ITEM_PRIVATE, w->a, &list, &n), 0);
	assert_int_equal(n, 2);
	assert_true(str_is(list[0].key, "k1") != str_is(list[1].key, "k1"));
	begin(w);
	assert_int_equal(vault_item_remove(w->v, ANNA, ITEM_PRIVATE, STR("k1")), 0);
	assert_int_equal(vault_item_remove(w->v, ANNA, ITEM_PRIVATE, STR("never there")), 0);
	commit(w);
	assert_int_equal(vault_item_get(w->v, ANNA, ITEM_PRIVATE, STR("k1"), w->a, &value), ERR_NOT_FOUND);
	assert_int_equal(vault_item_get(w->v, BERT, ITEM_PRIVATE, STR("k1"), w->a, &value), 0);
	assert_int_equal(vault_item_get(w->v, ANNA, ITEM_VCARD, STR("k1"), w->a, &value), 0);
}

static void items_of_one_kind_have_a_maximum(void **st)
{
	struct world *w = *st;
	char key[16];

	begin(w);
	for (int i = 0; i < LIMIT_ITEMS; i++) {
		snprintf(key, sizeof(key), "k%d", i);
		assert_int_equal(vault_item_put(w->v, ANNA, ITEM_PRIVATE, str_of(key), STR("v")), 0);
	}
	assert_int_equal(vault_item_put(w->v, ANNA, ITEM_PRIVATE, STR("one more"), STR("v")), ERR_LIMIT);
	assert_int_equal(vault_item_put(w->v, ANNA, ITEM_PRIVATE, STR("k7"), STR("replaced")), 0);
	assert_int_equal(vault_item_put(w->v, ANNA, ITEM_VCARD, STR("other kind"), STR("v")), 0);
	commit(w);
}

static void a_large_item_is_kept_whole(void **st)
{
	struct world *w = *st;
	char *big = calloc(1, LIMIT_VCARD_BYTES);
	struct str value;

	memset(big, 'x', LIMIT_VCARD_BYTES);
	for (int i = 0; i < 2; i++) {
		begin(w);
		assert_int_equal(vault_item_put(w->v, ANNA, ITEM_VCARD, STR_NONE, str_make(big, LIMIT_VCARD_BYTES)), 0);
		commit(w);
	}
	assert_int_equal(vault_item_get(w->v, ANNA, ITEM_VCARD, STR_NONE, w->a, &value), 0);
	assert_true(str_eq(value, str_make(big, LIMIT_VCARD_BYTES)));
	free(big);
}

static void offline_messages_wait_in_order_up_to_a_maximum(void **st)
{
	struct world *w = *st;
	struct vault_entry *list;
	size_t n;

	begin(w);
	for (uint64_t i = 1; i <= LIMIT_OFFLINE; i++)
		assert_int_equal(vault_offline_add(w->v, ANNA, i, NOW + i, i == 3 ? STR("three") : STR("x")), 0);
	assert_int_equal(vault_offline_add(w->v, ANNA, 5000, NOW, STR("x")), ERR_LIMIT);
	assert_int_equal(vault_offline_add(w->v, BERT, 5000, NOW, STR("x")), 0);
	commit(w);
	assert_int_equal(vault_offline_list(w->v, ANNA, w->a, &list, &n), 0);
	assert_int_equal(n, LIMIT_OFFLINE);
	assert_true(str_is(list[2].stanza, "three"));
	assert_int_equal(list[2].id, 3);
	assert_int_equal(list[2].when_ms, NOW + 3);
	begin(w);
	assert_int_equal(vault_offline_remove(w->v, ANNA, LIMIT_OFFLINE - 2), 0);
	commit(w);
	assert_int_equal(vault_offline_list(w->v, ANNA, w->a, &list, &n), 0);
	assert_int_equal(n, 2);
	assert_int_equal(list[0].id, LIMIT_OFFLINE - 1);
	begin(w);
	assert_int_equal(vault_offline_remove(w->v, ANNA, UINT64_MAX), 0);
	commit(w);
	assert_int_equal(vault_offline_list(w->v, ANNA, w->a, &list, &n), 0);
	assert_int_equal(n, 0);
	assert_int_equal(vault_offline_list(w->v, BERT, w->a, &list, &n), 0);
	assert_int_equal(n, 1);
}

static void put_held(struct world *w, uint64_t id, const char *from, const char *to, enum vault_held_state state)
{
	struct vault_held h = { .id = id, .when_ms = NOW, .state = state, .from = str_of(from), .to = str_of(to),
				.stanza = STR("<message/>"), .reason = STR("looks like a worm"), .fingerprint = STR("fp") };

	assert_int_equal(vault_held_put(w->v, &h), 0);
}

static void held_messages_are_found_by_who_and_state(void **st)
{
	struct world *w = *st;
	struct vault_held *list, one;
	uint64_t count;
	size_t n;

	begin(w);
	put_held(w, 11, "anna@corp.example/phone", "bert@corp.example", HELD_WAITING);
	put_held(w, 12, "bert@corp.example", "carl@corp.example/x", HELD_WAITING);
	put_held(w, 13, "anna@corp.example.evil.example", "carl@corp.example", HELD_REJECTED);
	commit(w);
	world_restart(w);
	assert_int_equal(vault_held_list(w->v, STR_NONE, -1, 10, w->a, &list, &n), 0);
	assert_int_equal(n, 3);
	assert_int_equal(list[0].id, 11);
	assert_int_equal(vault_held_list(w->v, ANNA, -1, 10, w->a, &list, &n), 0);
	assert_int_equal(n, 1);
	assert_true(str_is(list[0].reason, "looks like a worm") && str_is(list[0].fingerprint, "fp"));
	assert_int_equal(vault_held_list(w->v, CARL, HELD_WAITING, 10, w->a, &list, &n), 0);
	assert_int_equal(n, 1);
	assert_int_equal(list[0].id, 12);
	assert_int_equal(vault_held_list(w->v, STR_NONE, HELD_WAITING, 1, w->a, &list, &n), 0);
	assert_int_equal(n, 1);
	assert_int_equal(vault_held_count(w->v, HELD_WAITING, &count), 0);
	assert_int_equal(count, 2);
	assert_int_equal(vault_held_count(w->v, -1, &count), 0);
	assert_int_equal(count, 3);
	assert_int_equal(vault_held_get(w->v, 99, w->a, &one), ERR_NOT_FOUND);
	assert_int_equal(vault_held_get(w->v, 11, w->a, &one), 0);
	one.state = HELD_RELEASED;
	begin(w);
	assert_int_equal(vault_held_put(w->v, &one), 0);
	commit(w);
	assert_int_equal(vault_held_get(w->v, 11, w->a, &one), 0);
	assert_int_equal(one.state, HELD_RELEASED);
	assert_int_equal(one.when_ms, NOW);
	assert_int_equal(vault_held_count(w->v, HELD_WAITING, &count), 0);
	assert_int_equal(count, 1);
}

static void findings_spread_and_outbreaks_are_kept(void **st)
{
	struct world *w = *st;
	struct vault_spread s = { .fingerprint = STR("f1"), .from = ANNA, .to = BERT, .id = 1, .when_ms = NOW,
				  .outcome = STR("delivered") }, *spread;
	struct vault_outbreak o = { .fingerprint = STR("f1"), .started_ms = NOW, .json = STR("{}") }, got, *list;
	struct str json;
	size_t n;

	begin(w);
	assert_int_equal(vault_finding_put(w->v, 77, STR("{\"score\":5}")), 0);
	assert_int_equal(vault_spread_add(w->v, &s), 0);
	s.when_ms++;
	s.to = CARL;
	assert_int_equal(vault_spread_add(w->v, &s), 0);
	s.fingerprint = STR("f2");
	assert_int_equal(vault_spread_add(w->v, &s), 0);
	assert_int_equal(vault_outbreak_put(w->v, &o), 0);
	o.fingerprint = STR("f0");
	o.started_ms--;
	assert_int_equal(vault_outbreak_put(w->v, &o), 0);
	commit(w);
	world_restart(w);
	assert_int_equal(vault_finding_get(w->v, 77, w->a, &json), 0);
	assert_true(str_is(json, "{\"score\":5}"));
	assert_int_equal(vault_finding_get(w->v, 78, w->a, &json), ERR_NOT_FOUND);
	assert_int_equal(vault_spread_list(w->v, STR("f1"), 0, 10, w->a, &spread, &n), 0);
	assert_int_equal(n, 2);
	assert_true(str_eq(spread[0].to, BERT) && str_eq(spread[1].to, CARL) && str_is(spread[0].outcome, "delivered"));
	assert_int_equal(vault_spread_list(w->v, STR_NONE, NOW + 1, 10, w->a, &spread, &n), 0);
	assert_int_equal(n, 2);
	assert_int_equal(vault_outbreak_get(w->v, STR("f1"), w->a, &got), 0);
	assert_false(got.contained);
	got.contained = true;
	begin(w);
	assert_int_equal(vault_outbreak_put(w->v, &got), 0);
	commit(w);
	assert_int_equal(vault_outbreak_list(w->v, w->a, &list, &n), 0);
	assert_int_equal(n, 2);
	assert_true(str_is(list[0].fingerprint, "f0") && list[1].contained);
	assert_int_equal(vault_outbreak_get(w->v, STR("f9"), w->a, &got), ERR_NOT_FOUND);
}

static void ids_rise_are_written_in_order_and_read_back(void **st)
{
	struct world *w = *st;
	char one[VAULT_ID_TEXT], two[VAULT_ID_TEXT];
	uint64_t last = 0, back;

	for (int i = 0; i < 1000; i++) {
		uint64_t id = vault_next_id(w->v, NOW - (i % 3 ? 5000u : 0u));	/* a clock that jumps */

		assert_true(id > last);
		vault_id_text(last, one);
		vault_id_text(id, two);
		assert_true(strcmp(one, two) < 0);
		assert_int_equal(vault_id_parse(str_of(two), &back), 0);
		assert_int_equal(back, id);
		last = id;
	}
	assert_int_equal(vault_id_parse(STR(""), &back), ERR_NOT_FOUND);
	assert_int_equal(vault_id_parse(STR("0000000000000"), &back), ERR_NOT_FOUND);
	assert_int_equal(vault_id_parse(STR("0000000000w00"), &back), ERR_NOT_FOUND);
	assert_int_equal(vault_id_parse(STR("00000000000001"), &back), ERR_NOT_FOUND);
	assert_int_equal(vault_id_parse(STR("vvvvvvvvvvvvv"), &back), ERR_NOT_FOUND);
	assert_int_equal(vault_id_parse(str_make("000000000000\0", 13), &back), ERR_NOT_FOUND);
}

static void ids_go_on_above_what_is_stored(void **st)
{
	struct world *w = *st;
	uint64_t far = (clock_wall_ms() + 86400000) << 20;	/* the clock was a day ahead, and was set back */

	begin(w);
	assert_int_equal(add(w, far, NOW, ANNA, BERT, "x"), 0);
	put_held(w, far + 10, "a@b.example", "c@d.example", HELD_WAITING);
	commit(w);
	world_restart(w);
	assert_true(vault_next_id(w->v, clock_wall_ms()) > far + 10);
}

static void a_rolled_back_transaction_leaves_nothing_and_its_keys_seal_nothing(void **st)
{
	struct world *w = *st;
	struct str value;

	begin(w);
	assert_int_equal(vault_item_put(w->v, ANNA, ITEM_ROSTER, STR_NONE, STR("lost")), 0);
	vault_rollback(w->v);
	assert_int_equal(vault_item_get(w->v, ANNA, ITEM_ROSTER, STR_NONE, w->a, &value), ERR_NOT_FOUND);
	begin(w);
	assert_int_equal(vault_item_put(w->v, ANNA, ITEM_ROSTER, STR_NONE, STR("kept")), 0);
	commit(w);
	world_restart(w);
	assert_int_equal(vault_item_get(w->v, ANNA, ITEM_ROSTER, STR_NONE, w->a, &value), 0);
	assert_true(str_is(value, "kept"));
}

static void changes_tell_whether_anything_was_written(void **st)
{
	struct world *w = *st;
	struct vault_stream *list;
	struct str value;
	uint64_t before;
	size_t n;

	begin(w);
	before = vault_changes(w->v);
	assert_int_equal(vault_item_get(w->v, ANNA, ITEM_ROSTER, STR_NONE, w->a, &value), ERR_NOT_FOUND);
	assert_int_equal(vault_changes(w->v), before);
	assert_int_equal(vault_item_put(w->v, ANNA, ITEM_ROSTER, STR_NONE, STR("x")), 0);
	assert_true(vault_changes(w->v) > before);
	before = vault_changes(w->v);
	assert_int_equal(vault_stream_push(w->v, STR("s"), ANNA, 1, STR("x")), 0);
	assert_true(vault_changes(w->v) > before);
	commit(w);
	/* Reading what was put off is not a change of the reader's. */
	begin(w);
	before = vault_changes(w->v);
	assert_int_equal(vault_stream_list(w->v, w->a, &list, &n), 0);
	assert_int_equal(vault_changes(w->v), before);
	commit(w);
}

static void secrets_differ_by_purpose_and_stay(void **st)
{
	struct world *w = *st;
	uint8_t one[32], two[32], again[32];

	vault_secret(w->v, "salts", one);
	vault_secret(w->v, "other", two);
	assert_memory_not_equal(one, two, 32);
	world_restart(w);
	vault_secret(w->v, "salts", again);
	assert_memory_equal(one, again, 32);
}

/* Everything one transaction of the server may do. */
static int busy_transaction(struct world *w)
{
	struct vault_stream s = { .id = STR("s1"), .owner = ANNA, .state = STR("st"), .expires_ms = 9 };
	struct vault_page page;
	int r = vault_begin(w->v);

	if (r < 0)
		return r;
	r = add(w, 50, NOW, ANNA, BERT, "<message/>");
	if (r == 0)
		r = vault_item_put(w->v, ANNA, ITEM_LAST, STR_NONE, STR("x"));
	if (r == 0)
		r = vault_stream_push(w->v, STR("s1"), ANNA, 1, STR("x"));
	if (r == 0)
		r = vault_stream_put(w->v, &s);
	if (r == 0)
		r = vault_audit_add(w->v, NOW, STR("login"), STR("{}"));
	if (r == 0)
		r = vault_archive_page(w->v, &(struct vault_query){ .owner = ANNA, .max = 5 }, w->a, &page);
	if (r == 0)
		r = vault_offline_add(w->v, BERT, 50, NOW, STR("x"));
	if (r < 0) {
		vault_rollback(w->v);
		return r;
	}
	return vault_commit(w->v);
}

static uint64_t everything(struct world *w)
{
	struct vault_page page;
	struct vault_entry *off;
	struct vault_stream *streams;
	struct vault_audit *audit;
	struct str value;
	uint64_t sum = 0, count = 0;
	size_t n;

	assert_int_equal(vault_archive_page(w->v, &(struct vault_query){ .owner = ANNA, .max = 5 }, w->a, &page), 0);
	sum += page.count;
	assert_int_equal(vault_archive_page(w->v, &(struct vault_query){ .owner = BERT, .max = 5 }, w->a, &page), 0);
	sum += page.count;
	assert_int_equal(vault_offline_list(w->v, BERT, w->a, &off, &n), 0);
	sum += n;
	assert_int_equal(vault_stream_list(w->v, w->a, &streams, &n), 0);
	sum += n;
	assert_int_equal(vault_audit_list(w->v, 0, 10, w->a, &audit, &n), 0);
	sum += n;
	assert_int_equal(vault_audit_verify(w->v, w->a, NULL, NULL, &count, &w->why), 0);
	assert_int_equal(count, n);
	sum += vault_item_get(w->v, ANNA, ITEM_LAST, STR_NONE, w->a, &value) == 0;
	return sum;
}

static void whichever_call_of_the_store_fails_all_or_nothing_is_there(void **st)
{
	(void)st;
	for (uint64_t nth = 1;; nth++) {
		struct world w = { .a = arena_new(64 << 20) };
		struct store *memory, *fault, *same;
		bool fired;
		int r;

		assert_int_equal(store_open(&store_memory, &(struct store_conf){ 0 }, &memory), 0);
		assert_int_equal(store_fault_new(&memory, &fault), 0);
		same = fault;
		assert_int_equal(vault_open_on(&fault, &w.v), 0);
		store_fault_arm(same, nth, ERR_FULL, false);
		r = busy_transaction(&w);
		fired = store_fault_fired(same);
		store_fault_arm(same, 0, 0, false);
		assert_int_equal(r, fired ? ERR_FULL : 0);
		assert_int_equal(everything(&w), fired ? 0 : 6);
		/* And it goes on: the same again is no surprise. */
		assert_int_equal(busy_transaction(&w), 0);
		assert_int_equal(everything(&w), fired ? 6 : 7);	/* one more audit entry */
		vault_close(&w.v);
		arena_free(&w.a);
		if (!fired)
			break;
		assert_true(nth < 1000);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		IN_BOTH(an_account_is_added_once_read_changed_and_removed),
		IN_BOTH(accounts_are_listed_in_order_page_by_page),
		IN_BOTH(removing_an_account_takes_all_that_was_its_own),
		IN_BOTH(items_are_kept_by_owner_kind_and_key),
		IN_BOTH(items_of_one_kind_have_a_maximum),
		IN_BOTH(a_large_item_is_kept_whole),
		IN_BOTH(offline_messages_wait_in_order_up_to_a_maximum),
		IN_BOTH(held_messages_are_found_by_who_and_state),
		IN_BOTH(findings_spread_and_outbreaks_are_kept),
		IN_BOTH(ids_rise_are_written_in_order_and_read_back),
		ON_DISK(ids_go_on_above_what_is_stored),
		IN_BOTH(a_rolled_back_transaction_leaves_nothing_and_its_keys_seal_nothing),
		IN_BOTH(changes_tell_whether_anything_was_written),
		IN_BOTH(secrets_differ_by_purpose_and_stay),
		cmocka_unit_test(whichever_call_of_the_store_fails_all_or_nothing_is_there),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
