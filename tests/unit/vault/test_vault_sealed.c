/* test_vault_sealed.c - what a thief of the files can read, move and undo: nothing. */
#include "vault_world.h"

#include <dirent.h>
#include <sys/wait.h>
#include <signal.h>

static bool file_holds(const char *path, struct str needle)
{
	FILE *f = fopen(path, "rb");
	struct str s;
	char *all;
	bool found;
	long n;

	assert_non_null(f);
	fseek(f, 0, SEEK_END);
	n = ftell(f);
	rewind(f);
	all = malloc((size_t)n + 1);
	s = str_make(all, fread(all, 1, (size_t)n, f));
	fclose(f);
	found = str_find(s, needle) >= 0;
	free(all);
	return found;
}

static bool any_file_holds(struct world *w, const char *word)
{
	const char *const dirs[] = { w->data, w->keys };
	bool found = false;

	for (int i = 0; i < 2; i++) {
		DIR *d = opendir(dirs[i]);
		struct dirent *e;

		assert_non_null(d);
		while ((e = readdir(d))) {
			char path[512];

			if (e->d_name[0] == '.')
				continue;
			snprintf(path, sizeof(path), "%s/%s", dirs[i], e->d_name);
			found = found || file_holds(path, str_of(word));
		}
		closedir(d);
	}
	return found;
}

/* Every kind of row, each with words of its own. */
static void fill(struct world *w)
{
	struct vault_account acc = { .jid = ANNA, .state_reason = STR("plantedreason"), .credentials = STR("plantedverifier") };
	struct vault_stream s = { .id = STR("plantedresumption"), .owner = BERT, .state = STR("plantedstate") };
	struct vault_held h = { .id = 9, .when_ms = NOW, .from = BERT, .to = CARL, .stanza = STR("plantedheld"),
				.reason = STR("plantedwhy"), .fingerprint = STR("plantedprint") };
	struct vault_spread sp = { .fingerprint = STR("plantedprint"), .from = BERT, .to = CARL, .when_ms = NOW,
				   .outcome = STR("plantedoutcome") };
	struct vault_outbreak o = { .fingerprint = STR("plantedprint"), .json = STR("plantedevidence") };

	begin(w);
	assert_int_equal(vault_account_add(w->v, &acc), 0);
	assert_int_equal(vault_item_put(w->v, BERT, ITEM_ROSTER, STR("plantedkey"), STR("plantedroster")), 0);
	assert_int_equal(add(w, 5, NOW, BERT, CARL, "<message>plantedbody</message>"), 0);
	assert_int_equal(add(w, 6, EARLIER, CARL, BERT, "<message>plantedbody</message>"), 0);
	assert_int_equal(vault_offline_add(w->v, CARL, 5, NOW, STR("plantedoffline")), 0);
	assert_int_equal(vault_stream_put(w->v, &s), 0);
	assert_int_equal(vault_stream_push(w->v, s.id, BERT, 1, STR("plantedqueue")), 0);
	assert_int_equal(vault_held_put(w->v, &h), 0);
	assert_int_equal(vault_finding_put(w->v, 9, STR("plantedfinding")), 0);
	assert_int_equal(vault_spread_add(w->v, &sp), 0);
	assert_int_equal(vault_outbreak_put(w->v, &o), 0);
	assert_int_equal(vault_audit_add(w->v, NOW, STR("plantedkind"), STR("plantedjson")), 0);
	commit(w);
}

static void look_for_words(struct world *w)
{
	static const char *const words[] = { "planted", "bert@", "carl@", "bert", "carl", "<message", "login" };

	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		if (any_file_holds(w, words[i]))
			fail_msg("a file holds \"%s\"", words[i]);
	assert_true(any_file_holds(w, "anna@corp.example"));	/* the search works: account names may stand there */
}

static void no_file_holds_a_word_or_an_address(void **st)
{
	struct world *w = *st;
	struct vault_stream *list;
	size_t n;

	fill(w);
	look_for_words(w);		/* in the WAL */
	assert_int_equal(vault_stream_list(w->v, w->a, &list, &n), 0);
	look_for_words(w);
	world_restart(w);
	look_for_words(w);		/* in the database */
}

static void another_master_key_does_not_open_the_database(void **st)
{
	struct world *w = *st;
	char path[128], cmd[512];
	struct vault *v = NULL;

	fill(w);
	vault_close(&w->v);
	snprintf(path, sizeof(path), "%s/master.key", w->keys);
	snprintf(cmd, sizeof(cmd), "mv %s %s/kept", path, w->dir);
	assert_int_equal(system(cmd), 0);
	assert_int_equal(vault_key_create(w->keys, w->a, &w->why), 0);
	assert_int_equal(vault_open(w->data, w->keys, false, w->a, &v, &w->why), ERR_CORRUPT);
	assert_true(str_find(w->why, STR("does not open the database")) >= 0);
	assert_int_equal(vault_open(w->data, w->keys, true, w->a, &v, &w->why), ERR_CORRUPT);
	snprintf(cmd, sizeof(cmd), "mv %s/kept %s", w->dir, path);
	assert_int_equal(system(cmd), 0);
	world_open(w);			/* the right one still does */
}

static void a_missing_master_key_or_database_is_named(void **st)
{
	struct world *w = *st;
	struct vault *v = NULL;
	char path[128];

	vault_close(&w->v);
	assert_int_equal(unlink(w->db), 0);
	assert_int_equal(vault_open(w->data, w->keys, false, w->a, &v, &w->why), ERR_NOT_FOUND);
	assert_true(str_find(w->why, str_of(w->db)) >= 0);
	snprintf(path, sizeof(path), "%s/master.key", w->keys);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(vault_open(w->data, w->keys, true, w->a, &v, &w->why), ERR_NOT_FOUND);
	assert_true(str_find(w->why, STR("master.key")) >= 0);
	assert_int_equal(access(w->db, F_OK), -1);		/* nothing was made on the way */
}

static void moved(struct world *w, const char *sql)
{
	world_sql(w, sql);
	world_open(w);
}

static void a_moved_body_does_not_open(void **st)
{
	struct world *w = *st;
	struct vault_page p;

	begin(w);
	assert_int_equal(add(w, 5, NOW, ANNA, BERT, "to bert"), 0);
	assert_int_equal(add(w, 6, NOW, ANNA, CARL, "to carl"), 0);
	commit(w);
	moved(w, "UPDATE message SET k=99 WHERE k=5; UPDATE message SET k=5 WHERE k=6; UPDATE message SET k=6 WHERE k=99");
	assert_int_equal(vault_archive_page(w->v, &(struct vault_query){ .owner = ANNA, .max = 9 }, w->a, &p), ERR_CORRUPT);
}

static void a_moved_or_changed_item_does_not_open(void **st)
{
	struct world *w = *st;
	struct str value;

	begin(w);
	assert_int_equal(vault_item_put(w->v, ANNA, ITEM_PRIVATE, STR("a"), STR("1")), 0);
	assert_int_equal(vault_item_put(w->v, ANNA, ITEM_PRIVATE, STR("b"), STR("2")), 0);
	commit(w);
	/* Both rows now hold the value of one of them. */
	moved(w, "UPDATE item SET v=(SELECT v FROM item ORDER BY k LIMIT 1)");
	assert_true((vault_item_get(w->v, ANNA, ITEM_PRIVATE, STR("a"), w->a, &value) == 0) !=
		    (vault_item_get(w->v, ANNA, ITEM_PRIVATE, STR("b"), w->a, &value) == 0));
	assert_true((vault_item_get(w->v, ANNA, ITEM_PRIVATE, STR("a"), w->a, &value) == ERR_CORRUPT) !=
		    (vault_item_get(w->v, ANNA, ITEM_PRIVATE, STR("b"), w->a, &value) == ERR_CORRUPT));
}

static void the_credentials_of_one_account_do_not_work_for_another(void **st)
{
	struct world *w = *st;
	struct vault_account acc = { .jid = ANNA, .state_reason = STR(""), .credentials = STR("hers") }, got;

	begin(w);
	assert_int_equal(vault_account_add(w->v, &acc), 0);
	acc.jid = BERT;
	acc.credentials = STR("his");
	acc.role = ROLE_ADMIN;
	assert_int_equal(vault_account_add(w->v, &acc), 0);
	commit(w);
	moved(w, "UPDATE account SET v=(SELECT v FROM account ORDER BY k LIMIT 1)");
	assert_int_equal(vault_account_get(w->v, ANNA, w->a, &got), 0);
	assert_int_equal(vault_account_get(w->v, BERT, w->a, &got), ERR_CORRUPT);
}

static void a_held_message_cannot_be_released_by_its_tag(void **st)
{
	struct world *w = *st;
	struct vault_held h;

	fill(w);
	moved(w, "UPDATE held SET t=1");
	assert_int_equal(vault_held_get(w->v, 9, w->a, &h), ERR_CORRUPT);
}

static void equal_peers_of_two_owners_have_different_tags(void **st)
{
	struct world *w = *st;
	struct vault_page p;
	sqlite3_stmt *q;
	sqlite3 *db;

	begin(w);
	assert_int_equal(add(w, 5, NOW, ANNA, CARL, "x"), 0);
	assert_int_equal(add(w, 6, NOW, BERT, CARL, "x"), 0);
	assert_int_equal(vault_archive_page(w->v, &(struct vault_query){ .owner = ANNA, .max = 9 }, w->a, &p), 0);
	commit(w);
	vault_close(&w->v);
	assert_int_equal(sqlite3_open(w->db, &db), SQLITE_OK);
	assert_int_equal(sqlite3_prepare_v2(db, "SELECT count(DISTINCT t),count(*) FROM archive", -1, &q, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_step(q), SQLITE_ROW);
	assert_int_equal(sqlite3_column_int(q, 0), sqlite3_column_int(q, 1));
	sqlite3_finalize(q);
	sqlite3_close(db);
	world_open(w);
}

/* The wrapped key of a shredded month is in no file: what it sealed stays sealed for ever. */
static void a_shredded_key_is_in_no_file(void **st)
{
	struct world *w = *st;
	sqlite3_stmt *q;
	sqlite3 *db;
	char wrapped[20][60];
	int n = 0, left = 0;

	fill(w);
	vault_close(&w->v);
	assert_int_equal(sqlite3_open(w->db, &db), SQLITE_OK);
	assert_int_equal(sqlite3_prepare_v2(db, "SELECT v FROM keys", -1, &q, NULL), SQLITE_OK);
	while (sqlite3_step(q) == SQLITE_ROW)
		memcpy(wrapped[n++], sqlite3_column_blob(q, 0), 60);
	sqlite3_finalize(q);
	sqlite3_close(db);
	world_open(w);
	begin(w);
	assert_int_equal(vault_archive_shred(w->v, CARL, clock_month(EARLIER)), 0);
	commit(w);
	for (int i = 0; i < n; i++) {
		char wal[128];

		snprintf(wal, sizeof(wal), "%s-wal", w->db);
		left += file_holds(w->db, str_make(wrapped[i], 60)) ||
			(access(wal, F_OK) == 0 && file_holds(wal, str_make(wrapped[i], 60)));
	}
	assert_int_equal(left, n - 1);
}

/* Opening after a kill is quick, and what was committed is there. */
static void a_killed_server_opens_again_at_once(void **st)
{
	uint64_t last;
	struct world *w = *st;
	struct vault_page p;
	struct vault_queued *q;
	struct vault_stream s;
	uint64_t told = 0, x, t;
	int pipes[2], status;
	size_t n;
	pid_t child;

	vault_close(&w->v);
	assert_int_equal(pipe(pipes), 0);
	child = fork();
	if (child == 0) {
		world_open(w);
		for (uint64_t i = 1;;) {
			s = (struct vault_stream){ .id = STR("s"), .owner = ANNA, .state = STR("h") };
			begin(w);
			for (int j = 0; j < 40; j++, i++) {
				assert_int_equal(add(w, i, NOW, ANNA, BERT, "<message>some words of chat</message>"), 0);
				assert_int_equal(vault_stream_put(w->v, &s), 0);
				assert_int_equal(vault_stream_push(w->v, s.id, ANNA, (uint32_t)i, STR("x")), 0);
				assert_int_equal(vault_stream_trim(w->v, s.id, (uint32_t)i - 3), 0);
			}
			commit(w);
			if (write(pipes[1], &i, sizeof(i)) != sizeof(i))
				_exit(1);
		}
	}
	close(pipes[1]);
	while (told < 15000)
		assert_int_equal(read(pipes[0], &told, sizeof(told)), sizeof(told));
	kill(child, SIGKILL);
	while (read(pipes[0], &x, sizeof(x)) == sizeof(x))
		told = x;
	close(pipes[0]);
	waitpid(child, &status, 0);
	t = clock_mono_us();
	world_open(w);
	print_message("opened in %llu us\n", (unsigned long long)(clock_mono_us() - t));
	assert_int_equal(vault_archive_page(w->v, &(struct vault_query){ .owner = BERT, .max = 1, .backward = true }, w->a, &p),
			 0);
	last = p.v[0].id;
	assert_int_equal(vault_archive_page(w->v, &(struct vault_query){ .owner = BERT }, w->a, &p), 0);
	assert_true(p.count >= told - 1);
	assert_int_equal(p.count, last);			/* none is missing in between */
	assert_int_equal(vault_stream_get(w->v, STR("s"), w->a, &s, &q, &n), 0);
	assert_int_equal(n, 3);
	assert_int_equal(q[2].seq, p.count);			/* written together */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		ON_DISK(no_file_holds_a_word_or_an_address),
		ON_DISK(another_master_key_does_not_open_the_database),
		ON_DISK(a_missing_master_key_or_database_is_named),
		ON_DISK(a_moved_body_does_not_open),
		ON_DISK(a_moved_or_changed_item_does_not_open),
		ON_DISK(the_credentials_of_one_account_do_not_work_for_another),
		ON_DISK(a_held_message_cannot_be_released_by_its_tag),
		ON_DISK(equal_peers_of_two_owners_have_different_tags),
		ON_DISK(a_shredded_key_is_in_no_file),
		ON_DISK(a_killed_server_opens_again_at_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
