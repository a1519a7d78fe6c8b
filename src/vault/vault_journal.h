/* vault_journal.h - inside the vault: what a commit need not write to its table at once.
 *
 * Every chat message touches five rows at five places: two of the archive index and three of XEP-0198 streams.
 * Written at once that is five pages of WAL for each message. Instead a transaction appends
 *   - its message rows, which hold all that the index needs (rebuilt from them at start), and
 *   - one journal row, sealed once, with all stream operations of the transaction,
 * and the rest is kept in memory until enough has come together, or somebody wants to read it: it is
 * then settled, sorted, in one transaction. A queue entry that was acknowledged meanwhile is never written at all.
 *
 * Atomicity  Settling is part of the transaction it happens in; memory follows when that has been committed.
 * Limits     LIMIT_JOURNAL_ENTRIES, LIMIT_JOURNAL_BYTES: then it is settled with the next commit.
 */
#ifndef VAULT_VAULT_JOURNAL_H
#define VAULT_VAULT_JOURNAL_H

#include "base/buf.h"
#include "base/map.h"

struct vault;

struct vault_index_row {
	uint64_t owner, id, peer, when_ms;
};

struct vault_index_list {
	struct vault_index_row *v;
	size_t n, cap;
};

struct vault_journal {
	bool direct;			/* this transaction has settled: it writes to the tables */
	/* the index of the archive */
	struct vault_index_list kept, fresh;	/* of earlier transactions; of this one */
	uint64_t mark, mark_committed;	/* every message up to it is in the index */
	uint64_t highest, highest_committed;
	/* streams */
	struct buf record;		/* operations of this transaction */
	size_t n_ops;			/* in it */
	struct map *streams;		/* tag (8 bytes) -> struct vault_queue */
	size_t bytes;			/* held by them */
	uint64_t next_row, n_rows;	/* journal rows that are not settled */
	bool wrote_row;			/* in this transaction */
};

/* --- vault_journal.c --- */
MUST_CHECK int vault_journal_open(struct vault *v);
void vault_journal_close(struct vault *v);
/* Everything put off goes to its table; with or without a transaction. */
MUST_CHECK int vault_journal_settle(struct vault *v);
MUST_CHECK int vault_journal_before_commit(struct vault *v);
void vault_journal_after_commit(struct vault *v);
void vault_journal_rolled_back(struct vault *v);

/* --- vault_index.c: the archive's index --- */
MUST_CHECK int vault_index_add(struct vault *v, const struct vault_index_row *row);
/* Settles when something of this owner is put off. */
MUST_CHECK int vault_index_catch_up(struct vault *v, uint64_t owner);
MUST_CHECK int vault_index_settle(struct vault *v);
/* A row found at start. */
MUST_CHECK int vault_index_keep(struct vault *v, const struct vault_index_row *row);
MUST_CHECK int vault_index_write_mark(struct vault *v);
MUST_CHECK int vault_index_after_commit(struct vault *v);

/* --- vault_queue.c: what the journal's records come to --- */
enum vault_queue_op { QUEUE_PUT = 'P', QUEUE_PUSH = 'Q', QUEUE_TRIM = 'T', QUEUE_REMOVE = 'R' };
void vault_queue_put(struct buf *record, uint64_t stream, uint64_t owner, struct str packed);
void vault_queue_push(struct buf *record, uint64_t stream, uint64_t owner, uint32_t seq, struct str stanza);
void vault_queue_trim(struct buf *record, uint64_t stream, uint32_t up_to_seq);
void vault_queue_remove(struct buf *record, uint64_t stream);
/* Takes a committed record in. */
MUST_CHECK int vault_queue_apply(struct vault *v, struct str record);
/* Writes all that is held, then the record of this transaction. */
MUST_CHECK int vault_queue_settle(struct vault *v);
bool vault_queue_has(const struct vault *v, uint64_t stream);
void vault_queue_clear(struct vault *v);

#endif
