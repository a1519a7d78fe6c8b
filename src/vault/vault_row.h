/* vault_row.h - inside the vault: tags, keys of (owner, month), sealed rows. Nobody else includes it.
 *
 * A sealed value is month (4 bytes), then the sealed text; its associated data is table, owner tag,
 * month and row key, so that a row opens in its own place only.
 */
#ifndef VAULT_VAULT_ROW_H
#define VAULT_VAULT_ROW_H

#include <stdatomic.h>

#include "base/buf.h"
#include "base/check.h"
#include "base/limits.h"
#include "base/map.h"
#include "crypt/keyring.h"
#include "store/store.h"
#include "vault/vault.h"
#include "vault/vault_journal.h"
#include "vault/vault_pack.h"

#define VAULT_MAGIC 0x7a017001u
#define VAULT_STANDING 0		/* the month of what is not of a month: roster, credentials */

/* Whose key seals what belongs to the instance. */
enum vault_purpose { PURPOSE_ACCOUNT, PURPOSE_STREAM, PURPOSE_HELD, PURPOSE_FINDING, PURPOSE_SPREAD, PURPOSE_OUTBREAK,
		     PURPOSE_AUDIT, PURPOSES };

struct vault_chain {
	uint64_t count;
	uint8_t mac[SEAL_MAC];		/* of the last entry; zero when there is none */
};

struct vault {
	CHECK_MAGIC;
	struct store *store;
	struct keyring *keyring;
	struct seal_lib *lib;
	struct seal_mac *tags;
	struct map *owners, *peers, *streams;	/* text -> tag, as the value pointer itself */
	uint64_t purpose[PURPOSES];
	struct arena *tmp;		/* for one look-up */
	struct buf plain, sealed;	/* reused; wiped at close */
	uint64_t changes;
	bool ready;			/* opened whole */
	bool new_keys;			/* the keyring knows keys that only this transaction has stored */
	atomic_uint_fast64_t last_id;
	struct vault_journal journal;
	struct {
		struct seal_mac *entries, *head;
		struct vault_chain now, committed;
		int files[2];		/* copies of the head outside the database; -1: none */
		bool head_bad;		/* the head row was damaged at start: not written over */
		bool frozen;		/* it, or a copy disagreed at start: kept as evidence */
	} audit;
};

/* Tags: keyed, 8 bytes, never 0. */
uint64_t vault_row_owner(struct vault *v, struct str jid);
uint64_t vault_row_peer(struct vault *v, uint64_t owner, struct str jid);	/* differs for each owner */
uint64_t vault_row_stream(struct vault *v, struct str id);
uint64_t vault_row_tag(struct vault *v, char use, uint64_t owner, struct str text);

/* ERR_NOT_FOUND when there is none and not 'create' (shredded). Valid until the next call. */
MUST_CHECK int vault_row_key(struct vault *v, uint64_t owner, uint32_t month, bool create, struct seal **ret);

/* Seals 'plain' under the key of (owner, month) and writes the row. */
MUST_CHECK int vault_row_put(struct vault *v, enum store_table table, struct str key, uint64_t tag, uint64_t owner,
			     uint32_t month, struct str plain);
/* ERR_NOT_FOUND: its key is gone. The text lives in a. */
MUST_CHECK int vault_row_open(struct vault *v, enum store_table table, struct str key, uint64_t owner, struct str value,
			      struct arena *a, struct str *ret);
MUST_CHECK int vault_row_get(struct vault *v, enum store_table table, struct str key, uint64_t owner, struct arena *a,
			     struct str *ret);
/* As store_remove; counted as a change. */
MUST_CHECK int vault_row_remove(struct vault *v, enum store_table table, struct str from, struct str to, bool erase);
MUST_CHECK int vault_row_remove_one(struct vault *v, enum store_table table, struct str key);
MUST_CHECK int vault_row_erase_one(struct vault *v, enum store_table table, struct str key);
MUST_CHECK int vault_row_remove_prefix(struct vault *v, enum store_table table, struct str prefix, bool erase);
/* Writes an unsealed row. */
MUST_CHECK int vault_row_put_plain(struct vault *v, enum store_table table, struct str key, uint64_t tag,
				   struct str value);

/* The buffer for packing a value, emptied. */
struct buf *vault_row_pack(struct vault *v);

/* Collects rows of a scan in an arena, so that what is done with them may call the store. */
struct vault_rows {
	struct arena *a;
	struct store_row *v;
	size_t n, cap;
};
MUST_CHECK int vault_row_collect(struct vault *v, const struct store_range *range, struct arena *a,
				 struct vault_rows *ret);

/* Key bytes. */
struct vault_key {
	uint8_t p[40];
	size_t n;
};
static inline void vault_key_u64(struct vault_key *k, uint64_t x)
{
	store_key_number(x, k->p + k->n);
	k->n += 8;
}
static inline struct str vault_key_str(const struct vault_key *k) { return str_make((const char *)k->p, k->n); }

/* On an empty store, with a master key that nobody keeps. Takes the store. */
MUST_CHECK int vault_open_on(struct store **under, struct vault **ret);

/* vault_audit.c, for vault.c */
MUST_CHECK int vault_audit_open(struct vault *v, const char *data_dir, const char *keys_dir);
void vault_audit_close(struct vault *v);
MUST_CHECK int vault_audit_before_commit(struct vault *v);
void vault_audit_after_commit(struct vault *v);
/* vault_archive.c: the index rows that a message row stands for */
MUST_CHECK int vault_archive_reindex(struct vault *v, uint64_t id, struct str value);
/* vault_stream.c: what the journal settles */
MUST_CHECK int vault_stream_write_row(struct vault *v, uint64_t stream, uint64_t owner, struct str packed);
MUST_CHECK int vault_stream_write_push(struct vault *v, uint64_t stream, uint64_t owner, uint32_t seq, struct str stanza);
MUST_CHECK int vault_stream_write_trim(struct vault *v, uint64_t stream, uint32_t up_to_seq);
MUST_CHECK int vault_stream_write_remove(struct vault *v, uint64_t stream);
MUST_CHECK int vault_stream_forget(struct vault *v, uint64_t owner);
/* vault_file.c: an owner's files of one month, or of all (VAULT_STANDING), are gone; their bytes become orphans. Before the key goes. */
MUST_CHECK int vault_file_forget(struct vault *v, uint64_t owner, uint32_t month);
/* vault_id.c */
MUST_CHECK int vault_id_open(struct vault *v);

#endif
