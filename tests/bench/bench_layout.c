/* bench_layout.c - ways to lay out an archive row, side by side: the numbers of decision 0001.
 *
 * bench_layout [messages] [batch]: SQLite as store_sqlite.c sets it up, values of the right sizes, no sealing; then
 * ways to wrap a key. Prints CPU microseconds a message, disk synchronisation included.
 */
#include <openssl/evp.h>
#include <sqlite3.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/check.h"
#include "base/rand.h"

#define OWNERS 200
#define BODY 470		/* a sealed stanza with 100 bytes of text */
#define WRAPPED 60
#define PUT_OFF 4096		/* messages */

struct layout {
	const char *name, *tables;
	const char *body, *row;		/* what is written once, and for each of two owners; NULL: nothing */
	size_t body_bytes, row_bytes;
	int tag_bytes;			/* 0: a small number from a table of owners */
	bool put_off;			/* rows are collected, sorted and written every PUT_OFF messages */
};

#define INDEX "(o BLOB,i INTEGER,p BLOB,v BLOB,PRIMARY KEY(o,i)) WITHOUT ROWID"
#define MESSAGE "CREATE TABLE m(k INTEGER PRIMARY KEY,v BLOB);"
#define PUT_MESSAGE "INSERT OR REPLACE INTO m VALUES(?2,?4)"
#define PUT_ROW "INSERT OR REPLACE INTO a VALUES(?1,?2,?3,?4)"

static const struct layout layouts[] = {
	{ "body apart; key wrapped in each row", MESSAGE "CREATE TABLE a" INDEX, PUT_MESSAGE, PUT_ROW, BODY, WRAPPED, 8, false },
	{ "the same, tags of 16 bytes", MESSAGE "CREATE TABLE a" INDEX, PUT_MESSAGE, PUT_ROW, BODY, WRAPPED, 16, false },
	{ "the same, owners as small numbers", MESSAGE "CREATE TABLE a" INDEX, PUT_MESSAGE, PUT_ROW, BODY, WRAPPED, 0, false },
	{ "the same, rows with rowid and an index", MESSAGE "CREATE TABLE a(o BLOB,i INTEGER,p BLOB,v BLOB);CREATE UNIQUE INDEX x ON a(o,i)",
	  PUT_MESSAGE, PUT_ROW, BODY, WRAPPED, 8, false },
	{ "the same, bodies without rowid", "CREATE TABLE m(k INTEGER PRIMARY KEY,v BLOB) WITHOUT ROWID;CREATE TABLE a" INDEX,
	  PUT_MESSAGE, PUT_ROW, BODY, WRAPPED, 8, false },
	{ "a sealed copy of the body in each row", "CREATE TABLE a" INDEX, NULL, PUT_ROW, 0, BODY, 8, false },
	{ "keys beside the body; rows are an index", MESSAGE "CREATE TABLE a" INDEX, PUT_MESSAGE, PUT_ROW, BODY + 2 * (WRAPPED + 20),
	  8, 8, false },
	{ "the same, index put off and sorted (chosen)", MESSAGE "CREATE TABLE a" INDEX, PUT_MESSAGE, PUT_ROW,
	  BODY + 2 * (WRAPPED + 20), 8, 8, true },
};

static double cpu_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

struct late {
	unsigned owner;
	sqlite3_int64 id;
};

struct run {
	const struct layout *l;
	sqlite3 *db;
	sqlite3_stmt *body, *row;
	char tags[OWNERS][16], bytes[2048];
	struct late *late;
	size_t n_late;
};

static void sql(struct run *r, const char *text)
{
	CHECK(sqlite3_exec(r->db, text, NULL, NULL, NULL) == SQLITE_OK);
}

static void put_row(struct run *r, unsigned owner, sqlite3_int64 id)
{
	if (r->l->tag_bytes)
		sqlite3_bind_blob(r->row, 1, r->tags[owner], r->l->tag_bytes, SQLITE_STATIC);
	else
		sqlite3_bind_int(r->row, 1, (int)owner);
	sqlite3_bind_int64(r->row, 2, id);
	sqlite3_bind_blob(r->row, 3, r->tags[owner ^ 1], r->l->tag_bytes ? r->l->tag_bytes : 8, SQLITE_STATIC);
	sqlite3_bind_blob(r->row, 4, r->bytes, (int)r->l->row_bytes, SQLITE_STATIC);
	CHECK(sqlite3_step(r->row) == SQLITE_DONE);
	sqlite3_reset(r->row);
}

static int by_owner(const void *a, const void *b)
{
	const struct late *x = a, *y = b;

	return x->owner != y->owner ? (x->owner > y->owner) - (x->owner < y->owner) : (x->id > y->id) - (x->id < y->id);
}

static void put_message(struct run *r, sqlite3_int64 id)
{
	unsigned from = (unsigned)id % OWNERS;

	if (r->body) {
		sqlite3_bind_int64(r->body, 2, id);
		sqlite3_bind_blob(r->body, 4, r->bytes, (int)r->l->body_bytes, SQLITE_STATIC);
		CHECK(sqlite3_step(r->body) == SQLITE_DONE);
		sqlite3_reset(r->body);
	}
	for (unsigned i = 0; i < 2; i++) {
		if (r->l->put_off)
			r->late[r->n_late++] = (struct late){ from ^ i, id };
		else
			put_row(r, from ^ i, id);
	}
	if (r->n_late < 2 * (size_t)PUT_OFF)
		return;
	qsort(r->late, r->n_late, sizeof(*r->late), by_owner);
	for (size_t i = 0; i < r->n_late; i++)
		put_row(r, r->late[i].owner, r->late[i].id);
	r->n_late = 0;
}

static void measure(const struct layout *l, long messages, long batch)
{
	char dir[] = "/tmp/bench-layout-XXXXXX", path[64], wal[80];
	struct run *r = calloc(1, sizeof(*r));
	double t;

	CHECK(r && mkdtemp(dir));
	r->l = l;
	r->late = calloc(2 * PUT_OFF, sizeof(*r->late));
	rand_bytes(r->tags, sizeof(r->tags));
	rand_bytes(r->bytes, sizeof(r->bytes));
	snprintf(path, sizeof(path), "%s/x.db", dir);
	snprintf(wal, sizeof(wal), "%s-wal", path);
	CHECK(r->late && sqlite3_open(path, &r->db) == SQLITE_OK);
	sql(r, "PRAGMA page_size=4096;PRAGMA locking_mode=EXCLUSIVE;PRAGMA journal_mode=WAL;PRAGMA synchronous=FULL;"
	       "PRAGMA cache_size=-2048;PRAGMA secure_delete=ON;PRAGMA wal_autocheckpoint=2000");
	sql(r, l->tables);
	CHECK(!l->body || sqlite3_prepare_v2(r->db, l->body, -1, &r->body, NULL) == SQLITE_OK);
	CHECK(sqlite3_prepare_v2(r->db, l->row, -1, &r->row, NULL) == SQLITE_OK);
	t = cpu_us();
	for (long i = 0; i < messages;) {
		sql(r, "BEGIN IMMEDIATE");
		for (long j = 0; j < batch; j++)
			put_message(r, ++i);
		sql(r, "COMMIT");
	}
	printf("%-46s %8.2f us\n", l->name, (cpu_us() - t) / (double)messages);
	sqlite3_finalize(r->body);
	sqlite3_finalize(r->row);
	sqlite3_close(r->db);
	unlink(wal);
	unlink(path);
	rmdir(dir);
	free(r->late);
	free(r);
}

/* --- wrapping ---------------------------------------------------------------------------------------- */

static void measure_wrap(const char *name, const char *cipher, bool new_key, int nonce_bytes)
{
	EVP_CIPHER *c = EVP_CIPHER_fetch(NULL, cipher, NULL);
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	unsigned char key[32] = { 1 }, nonce[16] = { 2 }, text[32] = { 3 }, out[64], tag[16];
	long n = 200000;
	double t;
	int got;

	CHECK(c && ctx);
	EVP_CIPHER_CTX_set_flags(ctx, EVP_CIPHER_CTX_FLAG_WRAP_ALLOW);
	CHECK(EVP_EncryptInit_ex2(ctx, c, key, nonce_bytes ? nonce : NULL, NULL));
	t = cpu_us();
	for (long i = 0; i < n; i++) {
		CHECK(EVP_EncryptInit_ex2(ctx, NULL, new_key ? key : NULL, nonce_bytes ? nonce : NULL, NULL));
		CHECK(EVP_EncryptUpdate(ctx, out, &got, text, sizeof(text)) && EVP_EncryptFinal_ex(ctx, out + got, &got));
		if (nonce_bytes)
			CHECK(EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_GET_TAG, 16, tag));
	}
	printf("%-46s %8.2f us\n", name, (cpu_us() - t) / (double)n);
	EVP_CIPHER_CTX_free(ctx);
	EVP_CIPHER_free(c);
}

int main(int argc, char **argv)
{
	long messages = argc > 1 ? atol(argv[1]) : 20000, batch = argc > 2 ? atol(argv[2]) : 100;

	CHECK(messages > 0 && batch > 0);
	printf("%ld messages between %d accounts, %ld in a transaction\n", messages, OWNERS, batch);
	for (size_t i = 0; i < ARRAY_SIZE(layouts); i++)
		measure(&layouts[i], messages, batch);
	measure_wrap("wrap a key: AES-256-GCM, schedule kept", "AES-256-GCM", false, 12);
	measure_wrap("wrap a key: AES-256-GCM, key set anew", "AES-256-GCM", true, 12);
	measure_wrap("wrap a key: AES-256-KW (RFC 3394)", "AES-256-WRAP", true, 0);
	return 0;
}
