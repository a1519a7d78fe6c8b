/* test_store_sqlite.c - what the file on disk must do: survive, lock, refuse, forget, fill up. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "store/store.h"

struct place {
	char dir[64], db[96], wal[96];
	struct arena *a;
	struct str why;
};

static int make(void **st)
{
	struct place *p = calloc(1, sizeof(*p));

	strcpy(p->dir, "/tmp/test-sqlite-XXXXXX");
	assert_non_null(mkdtemp(p->dir));
	snprintf(p->db, sizeof(p->db), "%s/wardroom.db", p->dir);
	snprintf(p->wal, sizeof(p->wal), "%s/wardroom.db-wal", p->dir);
	p->a = arena_new(1 << 20);
	*st = p;
	return 0;
}

static int drop(void **st)
{
	struct place *p = *st;

	unlink(p->db);
	unlink(p->wal);
	rmdir(p->dir);
	arena_free(&p->a);
	free(p);
	return 0;
}

static int try_open(struct place *p, bool create, struct store **ret)
{
	p->why = STR_NONE;
	return store_open(&store_sqlite, &(struct store_conf){ p->dir, create, p->a, &p->why }, ret);
}

static struct store *open_store(struct place *p)
{
	struct store *s = NULL;

	assert_int_equal(try_open(p, true, &s), 0);
	return s;
}

static void put(struct store *s, const char *key, struct str value)
{
	assert_int_equal(store_put(s, STORE_TABLE_keys, str_of(key), 0, value), 0);
}

static uint64_t rows(struct store *s)
{
	uint64_t n = 0;

	assert_int_equal(store_count(s, &(struct store_range){ .table = STORE_TABLE_keys }, &n), 0);
	return n;
}

static void sql(struct place *p, const char *text)
{
	sqlite3 *db;

	assert_int_equal(sqlite3_open(p->db, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, text, NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(db);
}

static bool file_holds(const char *path, struct str needle)
{
	FILE *f = fopen(path, "rb");
	char *all;
	struct str s;
	bool found;
	long n;

	if (!f)
		return false;
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

static void the_file_is_private(void **st)
{
	struct place *p = *st;
	struct store *s = open_store(p);
	struct stat b;

	assert_int_equal(store_begin(s), 0);
	put(s, "k", STR("v"));
	assert_int_equal(store_commit(s), 0);
	assert_int_equal(stat(p->db, &b), 0);
	assert_int_equal(b.st_mode & 0777, 0600);
	assert_int_equal(stat(p->wal, &b), 0);
	assert_int_equal(b.st_mode & 0777, 0600);
	store_close(&s);
}

static void a_database_that_is_not_there_is_not_made_unasked(void **st)
{
	struct place *p = *st;
	struct store *s = NULL;

	assert_int_equal(try_open(p, false, &s), ERR_NOT_FOUND);
	assert_true(str_find(p->why, str_of(p->db)) >= 0);
	assert_int_equal(access(p->db, F_OK), -1);
}

static void a_second_process_is_told_that_it_is_in_use(void **st)
{
	struct place *p = *st;
	struct store *s = open_store(p);
	pid_t child = fork();
	int status;

	if (child == 0) {
		struct store *other = NULL;
		int r = try_open(p, false, &other);

		_exit(r == ERR_LOCKED && str_find(p->why, STR("in use by another process")) >= 0 ? 0 : 1);
	}
	waitpid(child, &status, 0);
	assert_int_equal(status, 0);
	store_close(&s);
}

static void a_newer_schema_is_refused_and_left_alone(void **st)
{
	struct place *p = *st;
	struct store *s = open_store(p);

	store_close(&s);
	sql(p, "PRAGMA user_version=99");
	assert_int_equal(try_open(p, true, &s), ERR_VERSION);
	assert_true(str_find(p->why, STR("newer version")) >= 0 && str_find(p->why, STR("99")) >= 0);
	assert_int_equal(try_open(p, true, &s), ERR_VERSION);	/* not changed by the attempt */
}

static void a_foreign_database_and_rubbish_are_refused(void **st)
{
	struct place *p = *st;
	struct store *s = NULL;
	int fd;

	sql(p, "PRAGMA application_id=7;CREATE TABLE t(x)");
	assert_int_equal(try_open(p, true, &s), ERR_CORRUPT);
	assert_true(str_find(p->why, STR("not a database of this server")) >= 0);
	fd = open(p->db, O_WRONLY | O_TRUNC);
	for (int i = 0; i < 2000; i++)
		assert_int_equal(write(fd, "rubbish", 7), 7);
	close(fd);
	assert_int_equal(try_open(p, true, &s), ERR_CORRUPT);
	assert_true(p->why.n > 0);
}

/* A child commits without end and is killed; what it reported as committed must be there. */
static void what_was_committed_survives_sigkill(void **st)
{
	struct place *p = *st;

	for (int round = 0; round < 5; round++) {
		uint64_t told = 0, x;
		int pipes[2], status;
		struct store *s;
		pid_t child;

		assert_int_equal(pipe(pipes), 0);
		child = fork();
		if (child == 0) {
			s = NULL;
			if (try_open(p, true, &s) < 0)
				_exit(1);
			for (uint64_t n = rows(s);;) {
				char key[24];

				snprintf(key, sizeof(key), "%09llu", (unsigned long long)n);
				if (store_begin(s) < 0 || store_put(s, STORE_TABLE_keys, str_of(key), 0, STR("value")) < 0 ||
				    store_commit(s) < 0)
					_exit(1);
				n++;
				if (write(pipes[1], &n, sizeof(n)) != sizeof(n))
					_exit(1);
			}
		}
		close(pipes[1]);
		for (int i = 0; i < 20 + round * 7; i++)
			assert_int_equal(read(pipes[0], &told, sizeof(told)), sizeof(told));
		kill(child, SIGKILL);
		while (read(pipes[0], &x, sizeof(x)) == sizeof(x))
			told = x;
		close(pipes[0]);
		waitpid(child, &status, 0);
		s = open_store(p);
		assert_true(rows(s) >= told);
		assert_true(rows(s) <= told + 1);
		store_close(&s);
	}
}

static void what_was_erased_is_in_no_file(void **st)
{
	struct place *p = *st;
	struct store *s = open_store(p);
	uint64_t n;

	assert_int_equal(store_begin(s), 0);
	put(s, "a", STR("planted-secret-one-0123456789abcdef"));
	put(s, "b", STR("planted-neighbour-0123456789abcdef"));
	assert_int_equal(store_commit(s), 0);
	assert_true(file_holds(p->wal, STR("planted-secret-one")) || file_holds(p->db, STR("planted-secret-one")));
	assert_int_equal(store_begin(s), 0);
	assert_int_equal(store_remove(s, &(struct store_range){ .table = STORE_TABLE_keys, .from = STR("a"), .to = STR("b") },
				      true, &n), 0);
	assert_int_equal(store_commit(s), 0);
	assert_false(file_holds(p->wal, STR("planted-secret-one")));
	assert_false(file_holds(p->db, STR("planted-secret-one")));
	assert_true(file_holds(p->db, STR("planted-neighbour")));
	store_close(&s);
}

/* A file size limit is what a full disk looks like from inside. */
static void a_full_disk_costs_the_transaction_and_nothing_else(void **st)
{
	struct place *p = *st;
	pid_t child = fork();
	int status;

	if (child == 0) {
		struct store *s = open_store(p);
		struct rlimit small, large;
		char *value = calloc(1, 200000);
		int r = 0;

		signal(SIGXFSZ, SIG_IGN);
		assert_int_equal(store_begin(s), 0);
		put(s, "before", STR("v"));
		assert_int_equal(store_commit(s), 0);
		getrlimit(RLIMIT_FSIZE, &large);
		small = large;
		small.rlim_cur = 300000;
		setrlimit(RLIMIT_FSIZE, &small);
		assert_int_equal(store_begin(s), 0);
		for (int i = 0; i < 40 && r == 0; i++) {
			char key[16];

			snprintf(key, sizeof(key), "%d", i);
			r = store_put(s, STORE_TABLE_keys, str_of(key), 0, str_make(value, 200000));
		}
		if (r == 0)
			r = store_commit(s);
		if (r != ERR_FULL && r != ERR_IO)
			_exit(2);
		if (store_put(s, STORE_TABLE_keys, STR("after"), 0, STR("v")) != r || store_commit(s) != r)
			_exit(3);
		store_rollback(s);
		if (rows(s) != 1)
			_exit(4);
		setrlimit(RLIMIT_FSIZE, &large);
		assert_int_equal(store_begin(s), 0);
		put(s, "later", STR("v"));
		if (store_commit(s) < 0 || rows(s) != 2)
			_exit(5);
		store_close(&s);
		free(value);
		_exit(0);
	}
	waitpid(child, &status, 0);
	assert_int_equal(WEXITSTATUS(status), 0);
	assert_true(WIFEXITED(status));
}

#define IN_PLACE(f) cmocka_unit_test_setup_teardown(f, make, drop)

int main(void)
{
	const struct CMUnitTest tests[] = {
		IN_PLACE(the_file_is_private),
		IN_PLACE(a_database_that_is_not_there_is_not_made_unasked),
		IN_PLACE(a_second_process_is_told_that_it_is_in_use),
		IN_PLACE(a_newer_schema_is_refused_and_left_alone),
		IN_PLACE(a_foreign_database_and_rubbish_are_refused),
		IN_PLACE(what_was_committed_survives_sigkill),
		IN_PLACE(what_was_erased_is_in_no_file),
		IN_PLACE(a_full_disk_costs_the_transaction_and_nothing_else),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
