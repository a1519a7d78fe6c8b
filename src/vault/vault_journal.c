/* vault_journal.c - see vault_journal.h. */
#include "vault/vault_journal.h"

#include <stdlib.h>

#include "base/secret.h"
#include "vault/vault_row.h"

/* --- start ------------------------------------------------------------------------------------------ */

struct rows {
	struct vault *v;
	struct arena *a;
};

static int replay(void *ctx, const struct store_row *row)
{
	struct rows *rows = ctx;
	struct vault *v = rows->v;
	struct str record;
	int r;

	arena_clear(rows->a);
	r = vault_row_open(v, STORE_TABLE_journal, row->key, v->purpose[PURPOSE_STREAM], row->value, rows->a, &record);
	if (r == 0)
		r = vault_queue_apply(v, record);
	v->journal.next_row = store_number(row->key.p) + 1;
	v->journal.n_rows++;
	return r == ERR_NOT_FOUND ? ERR_CORRUPT : r;
}

static int reindex(void *ctx, const struct store_row *row)
{
	struct rows *rows = ctx;

	return vault_archive_reindex(rows->v, store_number(row->key.p), row->value);
}

static int load_mark(struct vault *v)
{
	struct vault_journal *j = &v->journal;
	struct store_row row;
	int r;

	arena_clear(v->tmp);
	r = store_get(v->store, STORE_TABLE_meta, STR("indexed"), v->tmp, &row);
	if (r == ERR_NOT_FOUND)
		return 0;
	if (r == 0 && row.value.n != 8)
		r = ERR_CORRUPT;
	if (r == 0)
		j->mark = j->mark_committed = j->highest = j->highest_committed = store_number(row.value.p);
	return r;
}

int vault_journal_open(struct vault *v)
{
	struct vault_journal *j = &v->journal;
	struct store_range journal = { .table = STORE_TABLE_journal }, messages = { .table = STORE_TABLE_message };
	struct rows rows = { .v = v, .a = arena_new(2 * LIMIT_VALUE_BYTES) };
	struct vault_key from = { 0 };
	struct seal *s;
	int r;

	j->streams = map_new(LIMIT_JOURNAL_STREAMS);
	j->next_row = 1;
	buf_init(&j->record, LIMIT_VALUE_BYTES / 2);
	/* Unwrapped beforehand, so that reading a record asks the store for nothing within the scan. */
	r = j->streams && rows.a ? vault_row_key(v, v->purpose[PURPOSE_STREAM], VAULT_STANDING, false, &s) : ERR_NOMEM;
	if (r == ERR_NOT_FOUND)
		r = 0;
	if (r == 0)
		r = store_scan(v->store, &journal, replay, &rows);
	if (r == 0)
		r = load_mark(v);
	vault_key_u64(&from, j->mark + 1);
	messages.from = vault_key_str(&from);
	if (r == 0)
		r = store_scan(v->store, &messages, reindex, &rows);
	arena_free(&rows.a);
	return r;
}

void vault_journal_close(struct vault *v)
{
	struct vault_journal *j = &v->journal;

	if (j->streams)
		vault_queue_clear(v);
	map_free(&j->streams);
	buf_wipe(&j->record);
	free(j->kept.v);
	free(j->fresh.v);
}

/* --- transactions ------------------------------------------------------------------------------------- */

static bool put_off(const struct vault_journal *j)
{
	return j->kept.n || j->fresh.n || j->record.n || j->n_rows;
}

static int settle(struct vault *v)
{
	struct vault_journal *j = &v->journal;
	uint64_t before = v->changes;
	int r;

	if (j->direct)
		return 0;
	v->changes++;
	r = vault_index_settle(v);
	if (r == 0)
		r = vault_queue_settle(v);
	if (r == 0 && j->n_rows)
		r = vault_row_remove(v, STORE_TABLE_journal, STR_NONE, STR_NONE, false);
	if (r < 0)
		return r;
	if (j->record.n)
		secret_wipe(j->record.p, j->record.n);
	buf_clear(&j->record);
	j->direct = true;
	v->changes = before;	/* the work of earlier transactions, not of whoever reads now */
	return 0;
}

int vault_journal_settle(struct vault *v)
{
	int r;

	if (!put_off(&v->journal))
		return 0;
	if (v->store->in_txn)
		return settle(v);
	r = vault_begin(v);
	if (r < 0)
		return r;
	r = settle(v);
	if (r < 0) {
		vault_rollback(v);
		return r;
	}
	return vault_commit(v);
}

static int write_record(struct vault *v)
{
	struct vault_journal *j = &v->journal;
	struct vault_key k = { 0 };

	vault_key_u64(&k, j->next_row);
	j->wrote_row = true;
	return vault_row_put(v, STORE_TABLE_journal, vault_key_str(&k), 0, v->purpose[PURPOSE_STREAM], VAULT_STANDING,
			     buf_str(&j->record));
}

int vault_journal_before_commit(struct vault *v)
{
	struct vault_journal *j = &v->journal;
	int r = 0;

	if (j->record.failed)
		return ERR_NOMEM;
	if (!j->direct && (j->kept.n + j->fresh.n >= LIMIT_JOURNAL_ENTRIES || j->n_rows >= LIMIT_JOURNAL_ENTRIES ||
			   j->bytes + j->record.n >= LIMIT_JOURNAL_BYTES ||
			   map_count(j->streams) >= LIMIT_JOURNAL_STREAMS / 2))
		r = settle(v);
	if (r < 0)
		return r;
	if (j->direct)
		return vault_index_write_mark(v);
	return j->record.n ? write_record(v) : 0;
}

static void end(struct vault *v)
{
	struct vault_journal *j = &v->journal;

	if (j->record.n)
		secret_wipe(j->record.p, j->record.n);
	buf_clear(&j->record);
	j->direct = false;
	j->wrote_row = false;
	j->n_ops = 0;
	j->fresh.n = 0;
}

void vault_journal_after_commit(struct vault *v)
{
	struct vault_journal *j = &v->journal;

	if (j->direct) {
		vault_queue_clear(v);
		j->n_rows = 0;
	} else if (j->wrote_row) {
		j->next_row++;
		j->n_rows++;
		/* Without memory for it we could not go on telling the truth; a restart can. */
		CHECK(vault_queue_apply(v, buf_str(&j->record)) == 0);
	}
	CHECK(vault_index_after_commit(v) == 0);
	j->mark_committed = j->mark;
	j->highest_committed = j->highest;
	end(v);
}

void vault_journal_rolled_back(struct vault *v)
{
	v->journal.mark = v->journal.mark_committed;
	v->journal.highest = v->journal.highest_committed;
	end(v);
}
