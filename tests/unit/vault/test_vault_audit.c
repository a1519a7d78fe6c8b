/* test_vault_audit.c - the record is whole, or the first thing wrong with it is named. */
#include "vault_world.h"

#define ENTRIES 8

static void write_entries(struct world *w, int n)
{
	for (int i = 0; i < n; i++) {
		char json[64];

		snprintf(json, sizeof(json), "{\"n\":%d,\"who\":\"anna@corp.example\"}", i);
		begin(w);
		assert_int_equal(vault_audit_add(w->v, NOW + (uint64_t)i, i % 2 ? STR("login") : STR("decision"), str_of(json)),
				 0);
		commit(w);
	}
}

static void is_whole(struct world *w, uint64_t count)
{
	uint64_t n = 0;
	int r = vault_audit_verify(w->v, w->a, NULL, NULL, &n, &w->why);

	if (r < 0)
		fail_msg("%.*s", STR_FMT(w->why));
	assert_int_equal(n, count);
}

static void is_damaged(struct world *w, const char *said)
{
	uint64_t n = 0;

	w->why = STR_NONE;
	assert_int_equal(vault_audit_verify(w->v, w->a, NULL, NULL, &n, &w->why), ERR_CORRUPT);
	if (str_find(w->why, str_of(said)) < 0)
		fail_msg("said: %.*s\nnot: %s", STR_FMT(w->why), said);
}

static void damage(struct world *w, const char *sql, const char *said)
{
	write_entries(w, ENTRIES);
	is_whole(w, ENTRIES);
	world_sql(w, sql);
	world_open(w);
	is_damaged(w, said);
	/* What comes later neither heals nor hides it. */
	write_entries(w, 3);
	is_damaged(w, said);
	world_restart(w);
	write_entries(w, 3);
	is_damaged(w, said);
}

static void entries_are_listed_as_written(void **st)
{
	struct world *w = *st;
	struct vault_audit *list;
	size_t n;

	is_whole(w, 0);
	write_entries(w, ENTRIES);
	world_restart(w);
	assert_int_equal(vault_audit_list(w->v, 3, 4, w->a, &list, &n), 0);
	assert_int_equal(n, 4);
	assert_int_equal(list[0].seq, 3);
	assert_int_equal(list[0].when_ms, NOW + 2);
	assert_true(str_is(list[0].kind, "decision"));
	assert_true(str_is(list[1].json, "{\"n\":3,\"who\":\"anna@corp.example\"}"));
	is_whole(w, ENTRIES);
	write_entries(w, 2);
	is_whole(w, ENTRIES + 2);
}

static void a_rolled_back_entry_leaves_no_gap(void **st)
{
	struct world *w = *st;

	write_entries(w, 2);
	begin(w);
	assert_int_equal(vault_audit_add(w->v, NOW, STR("login"), STR("{}")), 0);
	vault_rollback(w->v);
	write_entries(w, 2);
	is_whole(w, 4);
	world_restart(w);
	is_whole(w, 4);
}

static void several_entries_may_stand_in_one_transaction(void **st)
{
	struct world *w = *st;

	begin(w);
	for (int i = 0; i < 300; i++)
		assert_int_equal(vault_audit_add(w->v, NOW, STR("login"), STR("{}")), 0);
	commit(w);
	is_whole(w, 300);
	world_restart(w);
	is_whole(w, 300);
}

static void a_changed_entry_is_named(void **st)
{
	damage(*st, "UPDATE audit SET v=substr(v,1,70)||x'0011223344556677'||substr(v,79) WHERE k=5", "entry 5 was changed");
}

static void a_changed_time_is_noticed(void **st)
{
	damage(*st, "UPDATE audit SET v=x'0000000000000001'||substr(v,9) WHERE k=5", "entry 5 was rewritten");
}

static void a_cut_entry_is_named(void **st)
{
	damage(*st, "UPDATE audit SET v=substr(v,1,20) WHERE k=5", "entry 5 was changed");
}

static void a_removed_entry_is_named(void **st)
{
	damage(*st, "DELETE FROM audit WHERE k=4", "entry 4 was removed");
}

static void the_first_entry_removed_is_named(void **st)
{
	damage(*st, "DELETE FROM audit WHERE k=1", "entry 1 was removed");
}

static void the_removed_last_entry_is_named(void **st)
{
	damage(*st, "DELETE FROM audit WHERE k=8", "entry 8 was removed");
}

static void all_entries_removed_is_noticed(void **st)
{
	damage(*st, "DELETE FROM audit", "entry 1 was removed");
}

static void everything_removed_with_the_head_is_noticed(void **st)
{
	damage(*st, "DELETE FROM audit; DELETE FROM meta WHERE k=CAST('audit.head' AS BLOB)", "copy of the head in data/audit.head");
}

static void two_swapped_entries_are_named(void **st)
{
	damage(*st, "UPDATE audit SET k=100 WHERE k=3; UPDATE audit SET k=3 WHERE k=6; UPDATE audit SET k=6 WHERE k=100",
	       "entry 3 was reordered: what stands there is entry 6");
}

static void renumbered_entries_are_noticed(void **st)
{
	damage(*st, "DELETE FROM audit WHERE k=4; UPDATE audit SET k=k-1 WHERE k>4", "entry 4 was reordered");
}

/* The chain of a row is its mac: a new one cannot be made without the key. */
static void a_rewritten_mac_is_named(void **st)
{
	damage(*st, "UPDATE audit SET v=substr(v,1,8)||randomblob(32)||substr(v,41) WHERE k=5", "entry 5 was rewritten");
}

static void a_changed_head_is_noticed(void **st)
{
	damage(*st, "UPDATE meta SET v=randomblob(72) WHERE k=CAST('audit.head' AS BLOB)", "signed head was changed");
}

/* Entry and head row of an earlier state are put back together: only the copies outside know. */
static void a_record_set_back_with_its_head_is_noticed(void **st)
{
	struct world *w = *st;

	write_entries(w, 6);
	world_sql(w, "CREATE TABLE kept AS SELECT v FROM meta WHERE k=CAST('audit.head' AS BLOB)");
	world_open(w);
	write_entries(w, 2);
	is_whole(w, 8);
	world_sql(w, "DELETE FROM audit WHERE k>6; UPDATE meta SET v=(SELECT v FROM kept) WHERE k=CAST('audit.head' AS BLOB)");
	world_open(w);
	is_damaged(w, "entry 7 was removed");
	/* New entries over the old numbers do not make it true again. */
	write_entries(w, 5);
	is_damaged(w, "were rewritten");
	world_restart(w);
	is_damaged(w, "were rewritten");
}

static void a_removed_copy_is_noticed(void **st)
{
	struct world *w = *st;
	char path[128];

	write_entries(w, 3);
	vault_close(&w->v);
	snprintf(path, sizeof(path), "%s/audit.count", w->keys);
	assert_int_equal(unlink(path), 0);
	world_open(w);
	is_damaged(w, "keys/audit.count is empty");
}

/* Power may fail after the commit and before the copies reach the disk. */
static void copies_that_lag_behind_are_in_order(void **st)
{
	struct world *w = *st;
	char cmd[512];

	write_entries(w, 3);
	vault_close(&w->v);
	snprintf(cmd, sizeof(cmd), "cp %s/audit.head %s/old", w->data, w->dir);
	assert_int_equal(system(cmd), 0);
	world_open(w);
	write_entries(w, 2);
	vault_close(&w->v);
	snprintf(cmd, sizeof(cmd), "cp %s/old %s/audit.head; cp %s/old %s/audit.count", w->dir, w->data, w->dir, w->keys);
	assert_int_equal(system(cmd), 0);
	world_open(w);
	is_whole(w, 5);
	write_entries(w, 1);
	is_whole(w, 6);
}

static void count_calls(void *ctx, uint64_t done, uint64_t total)
{
	uint64_t *last = ctx;

	assert_true(done >= *last && done <= total);
	*last = done;
}

static void progress_ends_at_the_total(void **st)
{
	struct world *w = *st;
	uint64_t last = 0, n;

	begin(w);
	for (int i = 0; i < 1000; i++)
		assert_int_equal(vault_audit_add(w->v, NOW, STR("k"), STR("{}")), 0);
	commit(w);
	assert_int_equal(vault_audit_verify(w->v, w->a, count_calls, &last, &n, &w->why), 0);
	assert_int_equal(last, 1000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		IN_BOTH(entries_are_listed_as_written),
		IN_BOTH(a_rolled_back_entry_leaves_no_gap),
		IN_BOTH(several_entries_may_stand_in_one_transaction),
		IN_BOTH(progress_ends_at_the_total),
		ON_DISK(a_changed_entry_is_named),
		ON_DISK(a_changed_time_is_noticed),
		ON_DISK(a_cut_entry_is_named),
		ON_DISK(a_removed_entry_is_named),
		ON_DISK(the_first_entry_removed_is_named),
		ON_DISK(the_removed_last_entry_is_named),
		ON_DISK(all_entries_removed_is_noticed),
		ON_DISK(everything_removed_with_the_head_is_noticed),
		ON_DISK(two_swapped_entries_are_named),
		ON_DISK(renumbered_entries_are_noticed),
		ON_DISK(a_rewritten_mac_is_named),
		ON_DISK(a_changed_head_is_noticed),
		ON_DISK(a_record_set_back_with_its_head_is_noticed),
		ON_DISK(a_removed_copy_is_noticed),
		ON_DISK(copies_that_lag_behind_are_in_order),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
