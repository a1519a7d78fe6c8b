/* test_scanner.c - what a process that looks at files says is believed only when it makes sense; all else is never clean. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/pidfd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>
#include <openssl/sha.h>

#include "config/config.h"
#include "core/scanner_parts.h"
#include "crypt/chunk.h"
#include "ipc/scan_dial.h"
#include "ipc/scan_pool.h"

static const char text[] = "the minutes of a meeting";
#define TEXT_N (sizeof(text) - 1)
static const char copy[] = "the minutes";
#define COPY_N (sizeof(copy) - 1)

enum play { GOOD, FOUND, GARBAGE, OTHER_FILE, DIES, HANGS, CLEANS, CLEANS_LESS, CLEANS_OTHER, CLEANS_OPEN, CLEANS_UNASKED };

static struct world {
	struct loop *loop;
	struct config *config;
	struct scanner *scanner;
	struct seal_lib *lib;
	char dir[32], spool[48];
	int pool[2];
	struct scan_job job;
	int err;
	bool done;
} w;

/* --- an actor in wardroom-scand's place ------------------------------------------------------------------------------ */

static void play(enum play p, int sock)
{
	struct scan_job_question q;
	struct scan_job_answer a = { .kind = SCAN_JOB_FILE, .type = "text/plain" };
	int fds[SCAN_JOB_FDS];
	char room[64] = { 0 };

	if (scan_job_take(sock, &q, fds) < 0)
		_exit(1);
	if (pread(fds[SCAN_JOB_IN], room, sizeof(room), 0) != (ssize_t)q.n)
		_exit(2);
	SHA256((unsigned char *)room, q.n, a.sha256);
	switch (p) {
	case GOOD:
		break;
	case FOUND:
		a.facts = FACT_BIT(FACT_MACRO);
		break;
	case GARBAGE:
		memset(&a, 0x5a, sizeof(a));
		break;
	case OTHER_FILE:
		a.sha256[3] ^= 1;
		break;
	case DIES:
		_exit(3);
	case HANGS:
		pause();
		break;
	case CLEANS:
	case CLEANS_LESS:
	case CLEANS_OTHER:
	case CLEANS_OPEN:
	case CLEANS_UNASKED:
		a.facts = a.removed = FACT_BIT(FACT_MACRO);
		a.cleaned = 1;
		a.out_n = COPY_N;
		SHA256((const unsigned char *)copy, COPY_N, a.cleaned_sha256);
		if (fds[SCAN_JOB_OUT] < 0)
			break;
		if (write(fds[SCAN_JOB_OUT], p == CLEANS_OTHER ? "THE MINUTES" : copy, p == CLEANS_LESS ? COPY_N - 1 : COPY_N) <= 0)
			_exit(4);
		if (p == CLEANS_OPEN && mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fds[SCAN_JOB_OUT], 0) == MAP_FAILED)
			_exit(5);
		break;
	}
	(void)!scan_job_answer(sock, &a);
	if (p == CLEANS_OPEN)
		pause();			/* it keeps the copy in its hands */
	_exit(0);
}

static void hire(enum play p)
{
	int ends[2], pidfd;
	pid_t pid;

	assert_int_equal(scan_job_pair(ends), 0);
	pid = fork();
	if (pid == 0) {
		close(ends[0]);
		play(p, ends[1]);
	}
	close(ends[1]);
	pidfd = pidfd_open(pid, 0);
	assert_int_equal(scan_pool_give(w.pool[1], ends[0], pidfd), 0);
	close(ends[0]);
	close(pidfd);
}

/* --- a server around it --------------------------------------------------------------------------------------------- */

static void lay_down(struct scan_job *j)
{
	char path[CHUNK_PATH];
	int from = memfd_create("plain", 0), to;
	uint64_t n;

	for (unsigned i = 0; i < sizeof(j->id); i++)
		j->id[i] = (uint8_t)(i + 1);
	memset(j->key, 7, sizeof(j->key));
	j->size = TEXT_N;
	j->name = STR("minutes.txt");
	j->type = STR("text/plain");
	chunk_path(w.spool, j->id, CHUNK_ORIGINAL, path);
	*strrchr(path, '/') = '\0';
	mkdir(path, 0700);
	chunk_path(w.spool, j->id, CHUNK_ORIGINAL, path);
	to = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	assert_true(write(from, text, TEXT_N) == (ssize_t)TEXT_N && lseek(from, 0, SEEK_SET) == 0);
	assert_int_equal(chunk_seal_file(w.lib, j->key, j->id, from, to, &n), 0);
	close(from);
	close(to);
}

static int set_up(void **st)
{
	struct scanner_parts p = { .signatures = -1 };

	(void)st;
	memset(&w, 0, sizeof(w));
	snprintf(w.dir, sizeof(w.dir), "/tmp/scanner-test-XXXXXX");
	assert_non_null(mkdtemp(w.dir));
	snprintf(w.spool, sizeof(w.spool), "%s/spool", w.dir);
	mkdir(w.spool, 0700);
	assert_int_equal(loop_uv_new(&w.loop), 0);
	assert_int_equal(seal_lib_new(&w.lib), 0);
	assert_int_equal(scan_pool_pair(w.pool), 0);
	w.config = config_default("example.test");
	w.config->scanner.timeout_s = 5;	/* a busy machine may stand still for two */
	p.loop = w.loop;
	p.config = w.config;
	p.dir = str_of(w.dir);
	p.spool = str_of(w.spool);
	p.pool = w.pool[0];
	assert_int_equal(scanner_new(&p, &w.scanner), 0);
	lay_down(&w.job);
	return 0;
}

static void on_stopped(void *ctx)
{
	(void)ctx;
	loop_stop(w.loop);
}

static int tear_down(void **st)
{
	char command[64];

	(void)st;
	scanner_stop(w.scanner, on_stopped, NULL);
	loop_run(w.loop);
	scanner_free(&w.scanner);
	loop_free(&w.loop);
	seal_lib_free(&w.lib);
	config_unref(&w.config);
	close(w.pool[0]);
	close(w.pool[1]);
	while (waitpid(-1, NULL, 0) > 0)
		;
	snprintf(command, sizeof(command), "rm -r %s", w.dir);
	return system(command);
}

static void on_done(struct scan_job *j, int err)
{
	w.err = err;
	w.done = true;
	(void)j;
	loop_stop(w.loop);
}

/* Two processes: the first death over a file is forgiven. */
static const struct scan_result *look(enum play first, enum play second, uint64_t clean_what)
{
	hire(first);
	hire(second);
	w.job.clean_what = clean_what;
	w.job.done = on_done;
	assert_int_equal(scanner_submit(w.scanner, &w.job), 0);
	loop_run(w.loop);
	assert_true(w.done);
	for (unsigned i = 0; i < sizeof(w.job.key); i++)
		assert_int_equal(w.job.key[i], 0);		/* wiped */
	return &w.job.out;
}

static void assert_failed(enum play p, uint64_t clean_what)
{
	const struct scan_result *r = look(p, p, clean_what);

	assert_int_equal(w.err, 0);
	assert_int_equal(r->facts, FACT_BIT(FACT_SCAN_FAILED));
	assert_false(r->cleaned);
}

/* --- what it says ------------------------------------------------------------------------------------------------------ */

static void what_is_seen_arrives(void **st)
{
	uint8_t digest[32];
	const struct scan_result *r = look(FOUND, FOUND, 0);

	(void)st;
	SHA256((const unsigned char *)text, TEXT_N, digest);
	assert_int_equal(w.err, 0);
	assert_int_equal(r->facts, FACT_BIT(FACT_MACRO));
	assert_string_equal(r->type, "text/plain");
	assert_memory_equal(r->sha256, digest, 32);
	assert_int_not_equal(r->version, 0);
}

static void nonsense_is_never_clean(void **st) { (void)st; assert_failed(GARBAGE, 0); }
static void who_has_looked_at_another_file_has_not_looked(void **st) { (void)st; assert_failed(OTHER_FILE, 0); }
static void who_dies_twice_has_not_looked(void **st) { (void)st; assert_failed(DIES, 0); }

static void one_death_is_forgiven(void **st)
{
	(void)st;
	assert_int_equal(look(DIES, GOOD, 0)->facts, 0);
	assert_int_equal(w.err, 0);
}

static void who_hangs_is_ended(void **st)
{
	(void)st;
	assert_int_equal(look(HANGS, HANGS, 0)->facts, FACT_BIT(FACT_SCAN_TIMEOUT));
}

static void a_second_look_that_breaks_down_is_no_verdict(void **st)
{
	(void)st;
	w.job.low = true;
	hire(DIES);			/* one is left for urgent files */
	look(DIES, DIES, 0);
	assert_int_equal(w.err, ERR_UNAVAILABLE);
}

static void bytes_that_were_changed_are_not_looked_at(void **st)
{
	char path[CHUNK_PATH];
	char byte;
	int fd;

	(void)st;
	chunk_path(w.spool, w.job.id, CHUNK_ORIGINAL, path);
	fd = open(path, O_RDWR);
	assert_int_equal(pread(fd, &byte, 1, CHUNK_HEAD + 3), 1);
	byte ^= 1;			/* another one, whatever it was */
	assert_int_equal(pwrite(fd, &byte, 1, CHUNK_HEAD + 3), 1);
	close(fd);
	look(GOOD, GOOD, 0);
	assert_int_equal(w.err, ERR_CORRUPT);
}

static void a_file_that_is_not_there_is_told_so(void **st)
{
	(void)st;
	w.job.id[15]++;
	look(GOOD, GOOD, 0);
	assert_int_equal(w.err, ERR_NOT_FOUND);
}

/* --- copies ---------------------------------------------------------------------------------------------------------------- */

static void a_copy_is_sealed_under_a_key_of_its_own(void **st)
{
	const struct scan_result *r = look(CLEANS, CLEANS, FACT_BIT(FACT_MACRO));
	int out = memfd_create("out", 0), fd;
	char path[CHUNK_PATH], room[64];

	(void)st;
	assert_true(r->cleaned);
	assert_int_equal(r->removed, FACT_BIT(FACT_MACRO));
	assert_int_equal(r->cleaned_n, COPY_N);
	chunk_path(w.spool, w.job.id, CHUNK_CLEAN, path);
	fd = open(path, O_RDONLY);
	assert_int_equal(chunk_open_file(w.lib, r->cleaned_key, w.job.id, fd, COPY_N, out), 0);
	assert_int_equal(pread(out, room, sizeof(room), 0), COPY_N);
	assert_memory_equal(room, copy, COPY_N);
	close(fd);
	close(out);
}

static void a_copy_of_another_length_is_none(void **st) { (void)st; assert_failed(CLEANS_LESS, FACT_BIT(FACT_MACRO)); }
static void a_copy_with_other_bytes_is_none(void **st) { (void)st; assert_failed(CLEANS_OTHER, FACT_BIT(FACT_MACRO)); }
static void a_copy_that_somebody_can_still_change_is_none(void **st) { (void)st; assert_failed(CLEANS_OPEN, FACT_BIT(FACT_MACRO)); }
static void a_copy_that_nobody_wanted_is_none(void **st) { (void)st; assert_failed(CLEANS_UNASKED, 0); }

/* --- lists and places ------------------------------------------------------------------------------------------------------- */

#define D "00112233445566778899aabbccddeeff00112233445566778899AABBCCDDEEFF"

static bool finds(const char *line)
{
	uint8_t d[32];

	return scanner_digests_line(str_of(line), d) && d[0] == 0 && d[31] == 0xff && d[1] == 0x11;
}

static void digests_are_found_in_any_list(void **st)
{
	uint8_t d[32];

	(void)st;
	assert_true(finds(D));
	assert_true(finds(D "  evil.exe"));
	assert_true(finds("\"2026-11-24 10:00:00\",\"" D "\",\"d41d8cd98f00b204e9800998ecf8427e\",\"exe\"\r"));
	assert_true(finds("d41d8cd98f00b204e9800998ecf8427e;" D));
	assert_false(scanner_digests_line(STR("# " D), d));
	assert_false(scanner_digests_line(STR(D "0"), d));
	assert_false(scanner_digests_line(STR("x" D), d));
	assert_false(scanner_digests_line(STR("00112233"), d));
	assert_false(scanner_digests_line(STR_NONE, d));
}

static void a_listed_digest_is_a_fact(void **st)
{
	char path[64];
	uint8_t digest[32];
	FILE *f;

	(void)st;
	/* Before the scanner looks for the first time it is there: a scanner of its own. */
	scanner_stop(w.scanner, on_stopped, NULL);
	loop_run(w.loop);
	scanner_free(&w.scanner);
	snprintf(path, sizeof(path), "%s/digests", w.dir);
	mkdir(path, 0700);
	snprintf(path, sizeof(path), "%s/digests/list", w.dir);
	SHA256((const unsigned char *)text, TEXT_N, digest);
	f = fopen(path, "w");
	for (unsigned i = 0; i < 32; i++)
		fprintf(f, "%02x", digest[i]);
	fclose(f);
	assert_int_equal(scanner_new(&(struct scanner_parts){ .loop = w.loop, .config = w.config, .dir = str_of(w.dir), .spool = str_of(w.spool),
							      .pool = w.pool[0], .signatures = -1 }, &w.scanner), 0);
	assert_int_equal(look(GOOD, GOOD, 0)->facts, FACT_BIT(FACT_DIGEST_LISTED));
}

static void places_of_clamd_are_paths_or_addresses(void **st)
{
	(void)st;
	assert_int_equal(scan_dial_check("/run/clamav/clamd.ctl"), 0);
	assert_int_equal(scan_dial_check("127.0.0.1:3310"), 0);
	assert_int_equal(scan_dial_check("[::1]:3310"), 0);
	assert_int_equal(scan_dial_check("localhost:3310"), ERR_BAD_FORMAT);
	assert_int_equal(scan_dial_check("127.0.0.1"), ERR_BAD_FORMAT);
	assert_int_equal(scan_dial_check("127.0.0.1:0"), ERR_BAD_FORMAT);
	assert_int_equal(scan_dial_check(""), ERR_BAD_FORMAT);
	assert_int_equal(scan_dial_check("run/clamd"), ERR_BAD_FORMAT);
}

#define WITH(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH(what_is_seen_arrives), WITH(nonsense_is_never_clean), WITH(who_has_looked_at_another_file_has_not_looked),
		WITH(who_dies_twice_has_not_looked), WITH(one_death_is_forgiven), WITH(who_hangs_is_ended),
		WITH(a_second_look_that_breaks_down_is_no_verdict), WITH(bytes_that_were_changed_are_not_looked_at),
		WITH(a_file_that_is_not_there_is_told_so), WITH(a_copy_is_sealed_under_a_key_of_its_own), WITH(a_copy_of_another_length_is_none),
		WITH(a_copy_with_other_bytes_is_none), WITH(a_copy_that_somebody_can_still_change_is_none), WITH(a_copy_that_nobody_wanted_is_none),
		WITH(a_listed_digest_is_a_fact), cmocka_unit_test(digests_are_found_in_any_list), cmocka_unit_test(places_of_clamd_are_paths_or_addresses),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
