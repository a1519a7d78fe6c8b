/* test_vault_file.c - uploaded files: kept sealed, found, expired without leaving bytes behind, gone with their owner and with their month. */
#include "vault/vault_file.h"
#include "vault_world.h"

#define DAY (24ull * 3600 * 1000)

static struct vault_file sample(struct world *w, unsigned n, struct str owner, uint64_t created_ms)
{
	struct vault_file f = {
		.owner = owner, .created_ms = created_ms, .expires_ms = created_ms + 30 * DAY, .state = FILE_IS_PENDING,
		.token = arena_printf(w->a, "%032x", n + 1), .name = STR("plan \xc3\xbc.docx"), .declared = STR("application/msword"),
		.clean_suffix = STR_NONE, .tlsh = STR_NONE, .why = STR_NONE, .rule = STR_NONE,
		.original = { .size = 1000 + n, .type = STR("application/msword") }, .clean = { .type = STR_NONE },
	};

	assert_true(vault_file_id(f.token, f.id));
	memset(f.original.key, (int)n + 1, sizeof(f.original.key));
	memset(f.original.sha256, (int)(n % 250) + 1, sizeof(f.original.sha256));
	return f;
}

static void put(struct world *w, const struct vault_file *f)
{
	begin(w);
	assert_int_equal(vault_file_put(w->v, f), 0);
	commit(w);
}

static size_t count(struct world *w, struct str owner, int state)
{
	struct vault_file_query q = { .owner = owner, .state = state, .max = 1000 };
	struct vault_file *list;
	size_t n;

	assert_int_equal(vault_file_list(w->v, &q, w->a, &list, &n), 0);
	return n;
}

static size_t rows_of(struct world *w, enum store_table table)
{
	uint64_t n = 0;

	assert_int_equal(store_count(w->v->store, &(struct store_range){ .table = table }, &n), 0);
	return n;
}

static size_t orphans(struct world *w)
{
	struct vault_file_ids ids;

	assert_int_equal(vault_file_orphans(w->v, 100, w->a, &ids), 0);
	return ids.n;
}

static void a_token_and_its_id_do_not_tell_each_other(void **st)
{
	uint8_t id[VAULT_FILE_ID], again[VAULT_FILE_ID];
	char text[VAULT_FILE_ID_TEXT];

	assert_true(vault_file_id(STR("0123456789abcdef0123456789abcdef"), id));
	vault_file_id_text(id, text);
	assert_string_not_equal(text, "0123456789abcdef0123456789abcdef");
	assert_int_equal(vault_file_id_parse(str_of(text), again), 0);
	assert_memory_equal(id, again, VAULT_FILE_ID);
	assert_false(vault_file_id(STR("0123456789ABCDEF0123456789abcdef"), id));	/* one spelling */
	assert_false(vault_file_id(STR("0123456789abcdef0123456789abcde"), id));
	assert_false(vault_file_id(STR("0123456789abcdef0123456789abcdef0"), id));
	assert_false(vault_file_id(STR("../../../../../../../etc/passwd0"), id));
	assert_int_equal(vault_file_id_parse(STR("zz"), id), ERR_NOT_FOUND);
	(void)st;
}

static void everything_that_was_put_comes_back_after_a_crash(void **st)
{
	struct world *w = *st;
	struct vault_file f = sample(w, 3, ANNA, NOW), got;
	struct vault_file_found found[] = { { .fact = 23, .evidence = STR("word/vbaProject.bin: AutoOpen") }, { .fact = 40, .evidence = STR("") } };

	f.state = FILE_IS_CLEANED;
	f.facts = 1ull << 63 | 5;
	f.removed = 4;
	f.found = found;
	f.n_found = 2;
	f.clean = (struct vault_file_copy){ .size = 77, .type = STR("text/plain") };
	memset(f.clean.key, 9, sizeof(f.clean.key));
	f.clean_suffix = STR(".txt");
	f.tlsh = STR("T1ABC");
	f.scan_version = 99;
	f.scanned_ms = NOW + 5;
	f.why = STR("It has macros.");
	f.rule = STR("files.macros");
	assert_int_equal(vault_file_tell(&f, w->a, NOW, STR("anna@corp.example"), STR("uploaded")), 0);
	assert_int_equal(vault_file_tell(&f, w->a, NOW + 5, STR("scanner"), STR("cleaned")), 0);
	put(w, &f);
	world_crash(w);
	assert_int_equal(vault_file_get(w->v, f.id, w->a, &got), 0);
	assert_memory_equal(got.id, f.id, VAULT_FILE_ID);
	assert_true(str_eq(got.owner, ANNA) && str_eq(got.token, f.token) && str_eq(got.name, f.name) && str_eq(got.declared, f.declared));
	assert_true(got.created_ms == NOW && got.expires_ms == f.expires_ms && got.state == FILE_IS_CLEANED);
	assert_true(got.original.size == f.original.size && got.clean.size == 77 && str_is(got.clean.type, "text/plain"));
	assert_memory_equal(got.original.key, f.original.key, VAULT_FILE_KEY);
	assert_memory_equal(got.clean.key, f.clean.key, VAULT_FILE_KEY);
	assert_memory_equal(got.original.sha256, f.original.sha256, VAULT_FILE_DIGEST);
	assert_true(got.facts == f.facts && got.removed == 4 && got.scan_version == 99 && got.scanned_ms == NOW + 5);
	assert_true(str_is(got.tlsh, "T1ABC") && str_is(got.clean_suffix, ".txt") && str_eq(got.why, f.why) && str_eq(got.rule, f.rule));
	assert_int_equal(got.n_found, 2);
	assert_true(got.found[0].fact == 23 && str_eq(got.found[0].evidence, found[0].evidence) && got.found[1].fact == 40);
	assert_int_equal(got.n_story, 2);
	assert_true(got.story[1].when_ms == NOW + 5 && str_is(got.story[1].by, "scanner") && str_is(got.story[1].what, "cleaned"));
}

static void what_was_not_committed_is_not_there(void **st)
{
	struct world *w = *st;
	struct vault_file f = sample(w, 1, ANNA, NOW), got;

	begin(w);
	assert_int_equal(vault_file_put(w->v, &f), 0);
	vault_rollback(w->v);
	assert_int_equal(vault_file_get(w->v, f.id, w->a, &got), ERR_NOT_FOUND);
	assert_int_equal(rows_of(w, STORE_TABLE_file_index), 0);
}

static void nothing_of_a_file_stands_readable_in_the_store(void **st)
{
	struct world *w = *st;
	struct vault_file f = sample(w, 5, ANNA, NOW);
	char cmd[256];

	f.why = STR("SECRETREASON");
	f.name = STR("SECRETNAME.docx");
	put(w, &f);
	vault_close(&w->v);
	snprintf(cmd, sizeof(cmd), "! grep -aqE 'SECRETREASON|SECRETNAME|msword|%s' '%s'/*", f.token.p, w->data);
	assert_int_equal(system(cmd), 0);
	world_open(w);
}

static void files_are_found_by_owner_state_and_time_newest_first(void **st)
{
	struct world *w = *st;
	struct vault_file f[6], *list, got;
	struct vault_file_query q = { .owner = STR_NONE, .state = -1, .max = 2 };
	size_t n;

	for (unsigned i = 0; i < 6; i++) {
		f[i] = sample(w, i, i % 2 ? BERT : ANNA, NOW + i);
		f[i].state = i < 4 ? FILE_IS_PENDING : FILE_IS_HELD;
		put(w, &f[i]);
	}
	assert_int_equal(vault_file_list(w->v, &q, w->a, &list, &n), 0);
	assert_true(n == 2 && list[0].created_ms == NOW + 5 && list[1].created_ms == NOW + 4);
	q.before_ms = NOW + 4;
	assert_int_equal(vault_file_list(w->v, &q, w->a, &list, &n), 0);
	assert_true(n == 2 && list[0].created_ms == NOW + 3);
	assert_int_equal(count(w, STR_NONE, FILE_IS_PENDING), 4);
	assert_int_equal(count(w, ANNA, -1), 3);
	assert_int_equal(count(w, ANNA, FILE_IS_HELD), 1);
	assert_int_equal(count(w, CARL, -1), 0);
	begin(w);
	assert_int_equal(vault_file_settle(w->v, f[0].id, FILE_IS_HELD, NOW, STR("policy"), STR("No."), w->a, &got), 0);
	commit(w);
	assert_int_equal(count(w, STR_NONE, FILE_IS_PENDING), 3);	/* it is in one list at a time */
	assert_int_equal(count(w, STR_NONE, FILE_IS_HELD), 3);
}

static void a_file_is_found_by_what_is_in_it_as_uploaded_and_as_cleaned(void **st)
{
	struct world *w = *st;
	struct vault_file a = sample(w, 1, ANNA, NOW), b = sample(w, 2, BERT, NOW), *list;
	uint8_t digest[VAULT_FILE_DIGEST];
	size_t n;

	memcpy(b.original.sha256, a.original.sha256, VAULT_FILE_DIGEST);
	b.clean.size = 5;
	memset(b.clean.sha256, 0x77, VAULT_FILE_DIGEST);
	put(w, &a);
	put(w, &b);
	assert_int_equal(vault_file_by_digest(w->v, a.original.sha256, 10, w->a, &list, &n), 0);
	assert_int_equal(n, 2);
	assert_int_equal(vault_file_by_digest(w->v, b.clean.sha256, 10, w->a, &list, &n), 0);
	assert_true(n == 1 && str_eq(list[0].owner, BERT));
	memset(digest, 0x42, sizeof(digest));
	assert_int_equal(vault_file_by_digest(w->v, digest, 10, w->a, &list, &n), 0);
	assert_int_equal(n, 0);
}

static void every_file_is_visited_once(void **st)
{
	struct world *w = *st;
	uint8_t at[VAULT_FILE_ID] = { 0 };
	unsigned seen = 0;
	struct vault_file f;
	int r;

	for (unsigned i = 0; i < 40; i++) {
		f = sample(w, i, ANNA, NOW);
		put(w, &f);
	}
	while ((r = vault_file_next(w->v, at, w->a, &f)) == 0) {
		assert_true(memcmp(f.id, at, VAULT_FILE_ID) > 0);
		memcpy(at, f.id, VAULT_FILE_ID);
		seen++;
	}
	assert_int_equal(r, ERR_NOT_FOUND);
	assert_int_equal(seen, 40);
}

static int settle(struct world *w, const struct vault_file *f, enum vault_file_state to)
{
	struct vault_file got;
	int r;

	begin(w);
	r = vault_file_settle(w->v, f->id, to, NOW, STR("otto@corp.example"), STR("Because."), w->a, &got);
	if (r < 0)
		vault_rollback(w->v);
	else
		commit(w);
	return r;
}

static void nothing_that_was_not_looked_at_is_served_by_anybodys_word(void **st)
{
	struct world *w = *st;
	struct vault_file f = sample(w, 1, ANNA, NOW), got;

	f.state = FILE_IS_SLOT;
	put(w, &f);
	assert_int_equal(settle(w, &f, FILE_IS_SERVED), ERR_CONFLICT);
	assert_int_equal(settle(w, &f, FILE_IS_HELD), ERR_CONFLICT);
	f.state = FILE_IS_PENDING;
	put(w, &f);
	assert_int_equal(settle(w, &f, FILE_IS_SERVED), ERR_CONFLICT);
	assert_int_equal(settle(w, &f, FILE_IS_HELD), 0);
	assert_int_equal(settle(w, &f, FILE_IS_SERVED), ERR_CONFLICT);	/* held unseen */
	f.state = FILE_IS_HELD;
	f.scanned_ms = NOW;
	put(w, &f);
	assert_int_equal(settle(w, &f, FILE_IS_CLEANED), ERR_CONFLICT);	/* there is no cleaned copy */
	assert_int_equal(settle(w, &f, FILE_IS_SERVED), 0);
	assert_int_equal(settle(w, &f, FILE_IS_REVOKED), 0);
	assert_int_equal(settle(w, &f, FILE_IS_REVOKED), ERR_CONFLICT);	/* once */
	assert_int_equal(vault_file_get(w->v, f.id, w->a, &got), 0);
	assert_true(got.state == FILE_IS_REVOKED && str_is(got.why, "Because.") && got.n_story == 2);
	assert_true(str_is(got.story[1].by, "otto@corp.example") && str_is(got.story[1].what, "revoked: Because."));
	assert_int_equal(settle(w, &f, FILE_IS_PENDING), ERR_CONFLICT);
}

static void a_story_keeps_its_beginning_and_its_end(void **st)
{
	struct world *w = *st;
	struct vault_file f = sample(w, 1, ANNA, NOW);

	for (unsigned i = 0; i < VAULT_FILE_STORY + 10; i++)
		assert_int_equal(vault_file_tell(&f, w->a, NOW + i, STR("x"), STR("y")), 0);
	assert_int_equal(f.n_story, VAULT_FILE_STORY);
	assert_true(f.story[0].when_ms == NOW && f.story[VAULT_FILE_STORY - 1].when_ms == NOW + VAULT_FILE_STORY + 9);
}

static void who_has_it_is_counted_by_account_and_address(void **st)
{
	struct world *w = *st;
	struct vault_file f = sample(w, 1, ANNA, NOW);
	struct vault_file_seen s = { .kind = FILE_LOADED, .who = BERT, .address = STR("192.0.2.1"), .last_ms = NOW + 1 }, *list;
	bool sent;
	size_t n;

	put(w, &f);
	begin(w);
	assert_int_equal(vault_file_seen_add(w->v, f.id, &s), 0);
	s.last_ms = NOW + 9;
	assert_int_equal(vault_file_seen_add(w->v, f.id, &s), 0);
	s.address = STR("192.0.2.2");
	assert_int_equal(vault_file_seen_add(w->v, f.id, &s), 0);
	s = (struct vault_file_seen){ .kind = FILE_SENT, .who = CARL, .address = ANNA, .last_ms = NOW };
	assert_int_equal(vault_file_seen_add(w->v, f.id, &s), 0);
	commit(w);
	world_restart(w);
	assert_int_equal(vault_file_seen_list(w->v, f.id, FILE_LOADED, 10, w->a, &list, &n), 0);
	assert_int_equal(n, 2);
	for (size_t i = 0; i < n; i++)
		if (str_is(list[i].address, "192.0.2.1"))
			assert_true(list[i].times == 2 && list[i].first_ms == NOW + 1 && list[i].last_ms == NOW + 9);
	assert_int_equal(vault_file_seen_list(w->v, f.id, FILE_SENT, 10, w->a, &list, &n), 0);
	assert_true(n == 1 && str_eq(list[0].who, CARL) && str_eq(list[0].address, ANNA));
	assert_int_equal(vault_file_was_sent(w->v, f.id, CARL, &sent), 0);
	assert_true(sent);
	assert_int_equal(vault_file_was_sent(w->v, f.id, BERT, &sent), 0);
	assert_false(sent);
}

static void too_many_who_have_it_are_counted_without_a_name(void **st)
{
	struct world *w = *st;
	struct vault_file f = sample(w, 1, ANNA, NOW);
	struct vault_file_seen *list;
	uint64_t times = 0;
	size_t n;

	put(w, &f);
	begin(w);
	for (unsigned i = 0; i < VAULT_FILE_SEEN + 50; i++) {
		struct vault_file_seen s = { .kind = FILE_LOADED, .who = STR_NONE, .address = arena_printf(w->a, "2001:db8::%x", i), .last_ms = NOW };

		assert_int_equal(vault_file_seen_add(w->v, f.id, &s), 0);
	}
	commit(w);
	assert_int_equal(vault_file_seen_list(w->v, f.id, FILE_LOADED, 100000, w->a, &list, &n), 0);
	assert_int_equal(n, VAULT_FILE_SEEN + 1);
	for (size_t i = 0; i < n; i++)
		times += list[i].times;
	assert_int_equal(times, VAULT_FILE_SEEN + 50);
}

static int use(struct world *w, struct str owner, uint64_t now, uint64_t bytes, uint64_t per_day)
{
	int r;

	begin(w);
	r = vault_file_use(w->v, owner, now, bytes, per_day);
	if (r < 0)
		vault_rollback(w->v);
	else
		commit(w);
	return r;
}

static void a_days_bytes_are_counted_and_the_next_day_begins_anew(void **st)
{
	struct world *w = *st;
	struct vault_file_used used;

	assert_int_equal(use(w, ANNA, NOW, 60, 100), 0);
	assert_int_equal(use(w, ANNA, NOW, 41, 100), ERR_LIMIT);
	assert_int_equal(use(w, ANNA, NOW, UINT64_MAX - 10, 100), ERR_LIMIT);
	world_restart(w);
	assert_int_equal(use(w, ANNA, NOW, 40, 100), 0);
	assert_int_equal(use(w, BERT, NOW, 100, 100), 0);
	assert_int_equal(vault_file_used(w->v, ANNA, NOW, &used), 0);
	assert_true(used.bytes == 100 && used.files == 2);
	assert_int_equal(use(w, ANNA, NOW + DAY, 100, 100), 0);
	assert_int_equal(use(w, ANNA, NOW + DAY, 1000, 0), 0);		/* off */
}

static void what_is_due_goes_in_two_steps_and_its_bytes_become_orphans(void **st)
{
	struct world *w = *st;
	struct vault_file a = sample(w, 1, ANNA, NOW), b = sample(w, 2, BERT, NOW), slot = sample(w, 3, ANNA, NOW), got;
	struct vault_file_seen s = { .kind = FILE_LOADED, .who = BERT, .address = STR("::1"), .last_ms = NOW };
	static const uint8_t zero[VAULT_FILE_KEY];
	struct vault_file_ids due;

	a.expires_ms = NOW + 20;
	slot.state = FILE_IS_SLOT;
	slot.expires_ms = NOW + 10;
	put(w, &a);
	put(w, &b);
	put(w, &slot);
	begin(w);
	assert_int_equal(vault_file_seen_add(w->v, a.id, &s), 0);
	commit(w);
	assert_int_equal(vault_file_due(w->v, NOW + 9, 10, w->a, &due), 0);
	assert_int_equal(due.n, 0);
	assert_int_equal(vault_file_due(w->v, NOW + 20, 10, w->a, &due), 0);
	assert_int_equal(due.n, 2);
	assert_memory_equal(due.v[0], slot.id, VAULT_FILE_ID);
	begin(w);
	assert_int_equal(vault_file_expire(w->v, due.v[0], NOW + 20, NOW + 90 * DAY), 0);
	assert_int_equal(vault_file_expire(w->v, due.v[1], NOW + 20, NOW + 90 * DAY), 0);
	commit(w);
	world_crash(w);
	assert_int_equal(vault_file_get(w->v, slot.id, w->a, &got), ERR_NOT_FOUND);
	assert_int_equal(vault_file_get(w->v, a.id, w->a, &got), 0);
	assert_true(got.state == FILE_IS_EXPIRED && got.token.n == 0 && str_eq(got.name, a.name));
	assert_memory_equal(got.original.key, zero, VAULT_FILE_KEY);
	assert_int_equal(orphans(w), 2);
	begin(w);
	assert_int_equal(vault_file_orphan_gone(w->v, slot.id), 0);
	assert_int_equal(vault_file_orphan_gone(w->v, a.id), 0);
	commit(w);
	assert_int_equal(orphans(w), 0);
	begin(w);
	assert_int_equal(vault_file_expire(w->v, a.id, NOW + 90 * DAY, NOW + 180 * DAY), 0);	/* the record's own time */
	commit(w);
	assert_int_equal(vault_file_get(w->v, a.id, w->a, &got), ERR_NOT_FOUND);
	assert_int_equal(orphans(w), 0);
	assert_int_equal(rows_of(w, STORE_TABLE_file_seen), 0);
	assert_int_equal(rows_of(w, STORE_TABLE_file), 1);
	assert_int_equal(rows_of(w, STORE_TABLE_file_index), 5);	/* of b alone */
}

static void a_shredded_month_takes_its_files_and_no_others(void **st)
{
	struct world *w = *st;
	struct vault_file old = sample(w, 1, ANNA, EARLIER), new = sample(w, 2, ANNA, NOW), his = sample(w, 3, BERT, EARLIER), got;

	put(w, &old);
	put(w, &new);
	put(w, &his);
	begin(w);
	assert_int_equal(vault_archive_shred(w->v, ANNA, clock_month(EARLIER)), 0);
	commit(w);
	world_restart(w);
	assert_int_equal(vault_file_get(w->v, old.id, w->a, &got), ERR_NOT_FOUND);
	assert_int_equal(vault_file_get(w->v, new.id, w->a, &got), 0);
	assert_int_equal(vault_file_get(w->v, his.id, w->a, &got), 0);
	assert_int_equal(count(w, ANNA, -1), 1);
	assert_int_equal(orphans(w), 1);
}

static void files_go_with_their_account(void **st)
{
	struct vault_account acc = { .jid = ANNA, .state_reason = STR_NONE, .credentials = STR("x"), .created_ms = NOW };
	struct world *w = *st;
	struct vault_file f, got;

	begin(w);
	assert_int_equal(vault_account_add(w->v, &acc), 0);
	for (unsigned i = 0; i < 30; i++) {
		f = sample(w, i, i < 20 ? ANNA : BERT, i % 2 ? NOW : EARLIER);
		f.clean.size = i % 3;
		memset(f.clean.sha256, (int)i, VAULT_FILE_DIGEST);
		assert_int_equal(vault_file_put(w->v, &f), 0);
	}
	assert_int_equal(vault_file_use(w->v, ANNA, NOW, 5, 0), 0);
	commit(w);
	begin(w);
	assert_int_equal(vault_account_remove(w->v, ANNA), 0);
	commit(w);
	assert_int_equal(count(w, ANNA, -1), 0);
	assert_int_equal(count(w, BERT, -1), 10);
	assert_int_equal(count(w, STR_NONE, -1), 10);
	assert_int_equal(orphans(w), 20);
	assert_int_equal(rows_of(w, STORE_TABLE_file), 10);
	f = sample(w, 1, ANNA, NOW);
	assert_int_equal(vault_file_get(w->v, f.id, w->a, &got), ERR_NOT_FOUND);
}

static void a_row_put_in_anothers_place_does_not_open(void **st)
{
	struct world *w = *st;
	struct vault_file a = sample(w, 1, ANNA, NOW), b = sample(w, 2, BERT, NOW), got;
	char sql[256], ta[VAULT_FILE_ID_TEXT], tb[VAULT_FILE_ID_TEXT];

	put(w, &a);
	put(w, &b);
	vault_file_id_text(a.id, ta);
	vault_file_id_text(b.id, tb);
	snprintf(sql, sizeof(sql), "UPDATE file SET v=(SELECT v FROM file WHERE k=x'%s'), t=(SELECT t FROM file WHERE k=x'%s') WHERE k=x'%s'", ta, ta, tb);
	world_sql(w, sql);
	world_open(w);
	assert_int_equal(vault_file_get(w->v, b.id, w->a, &got), ERR_CORRUPT);
	assert_int_equal(vault_file_get(w->v, a.id, w->a, &got), 0);
}

static void an_older_database_gets_the_tables(void **st)
{
	struct world *w = *st;
	struct vault_file f = sample(w, 1, ANNA, NOW), got;

	world_sql(w, "DROP TABLE file; DROP TABLE file_index; DROP TABLE file_seen");
	world_open(w);
	put(w, &f);
	assert_int_equal(vault_file_get(w->v, f.id, w->a, &got), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_token_and_its_id_do_not_tell_each_other),
		ON_DISK(everything_that_was_put_comes_back_after_a_crash),
		IN_BOTH(what_was_not_committed_is_not_there),
		ON_DISK(nothing_of_a_file_stands_readable_in_the_store),
		IN_BOTH(files_are_found_by_owner_state_and_time_newest_first),
		IN_BOTH(a_file_is_found_by_what_is_in_it_as_uploaded_and_as_cleaned),
		IN_BOTH(every_file_is_visited_once),
		IN_BOTH(nothing_that_was_not_looked_at_is_served_by_anybodys_word),
		IN_MEMORY(a_story_keeps_its_beginning_and_its_end),
		ON_DISK(who_has_it_is_counted_by_account_and_address),
		IN_MEMORY(too_many_who_have_it_are_counted_without_a_name),
		ON_DISK(a_days_bytes_are_counted_and_the_next_day_begins_anew),
		ON_DISK(what_is_due_goes_in_two_steps_and_its_bytes_become_orphans),
		ON_DISK(a_shredded_month_takes_its_files_and_no_others),
		IN_BOTH(files_go_with_their_account),
		ON_DISK(a_row_put_in_anothers_place_does_not_open),
		ON_DISK(an_older_database_gets_the_tables),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
