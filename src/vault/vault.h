/* vault.h - everything that outlives a restart, sealed: the one door between the server and its store.
 *
 * Seals what goes in and opens what comes out (AES-256-GCM, decision 0001): a store back end
 * sees tags, ids, times and ciphertext, never a body, an address or a key. Account names
 * stand readable in the account table alone.
 *
 * Ownership  Results live in the caller's arena.
 * Threads    One thread at a time: the store thread of a server, or the command line. vault_next_id and
 *            the id texts: any thread. vault_secret: before a second thread uses the vault.
 * Atomicity  Between vault_begin() and vault_commit() all or nothing; commit returning 0 means
 *            durable (it survives SIGKILL and power loss); a commit that fails has rolled back, and
 *            vault_rollback() after it does nothing. Reads see the own transaction.
 *            Every write below must stand between the two. Reading archive pages and streams
 *            may write what was put off (vault_journal.h), and fail as a write does.
 * Limits     Per-account maxima (base/limits.h) are enforced here: ERR_LIMIT.
 * Errors     ERR_NOT_FOUND, ERR_CONFLICT, ERR_LIMIT, ERR_FULL (disk full), ERR_IO, ERR_CORRUPT
 *            (wrong seal), ERR_VERSION (newer schema), ERR_LOCKED.
 *
 * All addresses are normalised bare JIDs. All times are wall-clock milliseconds, UTC.
 */
#ifndef VAULT_VAULT_H
#define VAULT_VAULT_H

#include "base/arena.h"
#include "base/err.h"
#include "base/secret.h"

struct vault;

/* The master key of keys/master.key (32 bytes, mode 0600 in a 0700 folder; refused otherwise). */
MUST_CHECK int vault_key_create(const char *keys_dir, struct arena *a, struct str *ret_why);
/* data_dir/wardroom.db; created when absent and 'create'. ret_why: a sentence for the operator. */
MUST_CHECK int vault_open(const char *data_dir, const char *keys_dir, bool create, struct arena *a,
			  struct vault **ret, struct str *ret_why);
/* In memory, for simulation and as oracle. */
MUST_CHECK int vault_open_memory(struct vault **ret);
void vault_close(struct vault **v);

MUST_CHECK int vault_begin(struct vault *v);
MUST_CHECK int vault_commit(struct vault *v);
void vault_rollback(struct vault *v);
/* Rows written since vault_begin: tells a failed piece of work that changed nothing from one that did. */
uint64_t vault_changes(const struct vault *v);
/* A stable 32-byte secret of this instance for the named purpose (fake salts, tags). */
void vault_secret(struct vault *v, const char *purpose, uint8_t ret[32]);

/* --- accounts -------------------------------------------------------------------------- */
enum vault_role { ROLE_STAFF, ROLE_HELPDESK, ROLE_OFFICER, ROLE_AUDITOR, ROLE_ADMIN };
enum vault_state { ACCOUNT_ACTIVE, ACCOUNT_FROZEN, ACCOUNT_DECOY /* nobody: core/decoys.h; state_reason: its group */ };

struct vault_account {
	struct str jid;			/* bare */
	enum vault_role role;
	enum vault_state state;
	struct str state_reason;	/* why frozen; of a decoy, its group */
	uint64_t created_ms;
	struct str credentials;		/* auth/scram.h blob; sealed at rest; wipe after use */
};
MUST_CHECK int vault_account_add(struct vault *v, const struct vault_account *acc);	/* ERR_CONFLICT */
/* ERR_NOT_FOUND. Other credentials than before: the account's devices and their tokens are forgotten. */
MUST_CHECK int vault_account_set(struct vault *v, const struct vault_account *acc);
/* Other verifiers of the same password: the devices stay. */
MUST_CHECK int vault_account_rehash(struct vault *v, struct str jid, struct str credentials);
MUST_CHECK int vault_account_get(struct vault *v, struct str jid, struct arena *a, struct vault_account *ret);
/* In order of jid, after 'after' (empty: from the start), at most max. */
MUST_CHECK int vault_account_list(struct vault *v, struct str after, size_t max, struct arena *a,
				  struct vault_account **ret, size_t *ret_n);
/* Removes the account and shreds its keys: archive, roster and all items become unreadable and are deleted. What knows the
 * address elsewhere finds it among its domain's ITEM_GONE. */
MUST_CHECK int vault_account_remove(struct vault *v, struct str jid);

/* --- items: small sealed values by (owner, kind, key) ------------------------------------ */
enum vault_kind { ITEM_ROSTER, ITEM_BLOCKLIST, ITEM_VCARD, ITEM_PENDING, ITEM_PRIVATE, ITEM_LAST, ITEM_DOCUMENT,
		  ITEM_PUSH, ITEM_DEVICE, ITEM_PUBSUB_NODE, ITEM_PUBSUB, ITEM_PUBSUB_ID, ITEM_ROOM, ITEM_PHOTO, ITEM_OCCUPANT, ITEM_CAPS, ITEM_INVITE,
		  ITEM_TOPIC, ITEM_PREFS, ITEM_NOTICE,
		  ITEM_GONE /* of a domain: its accounts that were removed; rooms still know them */,
		  ITEM_KNOWN, ITEM_REQUEST, ITEM_REPORT, ITEM_REPORTER, ITEM_POLICY,
		  ITEM_KEYS /* of an account, by node: the device keys it has published */,
		  ITEM_LEARNT /* of the bot: what reports have taught */,
		  ITEM_FILES /* of an account: what it has uploaded today; of the instance: how far files were looked at again */,
		  ITEM_DECOY /* of a domain: addresses that were a decoy's */,
		  ITEM_PURGE /* of the bot: purges, under way and done */, ITEM_PURGE_TELL /* who is still to be told of them */,
		  ITEM_BREAKER /* of a domain: links to others that are interrupted */,
		  ITEM_SITES /* of the bot: the sites that people here know */ };

struct vault_item { struct str key, value; };
MUST_CHECK int vault_item_put(struct vault *v, struct str owner, enum vault_kind kind, struct str key, struct str value);
MUST_CHECK int vault_item_get(struct vault *v, struct str owner, enum vault_kind kind, struct str key,
			      struct arena *a, struct str *ret);
MUST_CHECK int vault_item_remove(struct vault *v, struct str owner, enum vault_kind kind, struct str key); /* absent: 0 */
MUST_CHECK int vault_item_clear(struct vault *v, struct str owner, enum vault_kind kind);	/* all of them */
MUST_CHECK int vault_item_list(struct vault *v, struct str owner, enum vault_kind kind, struct arena *a,
			       struct vault_item **ret, size_t *ret_n);
MUST_CHECK int vault_item_count(struct vault *v, struct str owner, enum vault_kind kind, uint64_t *ret);
/* One after the other, in an order that means nothing; at: all zero for the first. ERR_NOT_FOUND: no more. */
struct vault_item_at { uint64_t tag; };
MUST_CHECK int vault_item_next(struct vault *v, struct str owner, enum vault_kind kind, struct vault_item_at *at, struct arena *a,
			       struct vault_item *ret);

/* --- archive (XEP-0313): one sealed body, one row for each local owner --------------------- */
/* ids are unique, rise with time and are the archive's order; see vault_next_id. */
uint64_t vault_next_id(struct vault *v, uint64_t now_ms);	/* wall ms << 20 | counter; any thread: see .c */
#define VAULT_ID_TEXT 14
void vault_id_text(uint64_t id, char ret[VAULT_ID_TEXT]);	/* 13 characters of [0-9a-v], order kept */
MUST_CHECK int vault_id_parse(struct str text, uint64_t *ret);	/* ERR_NOT_FOUND when it cannot be one */

struct vault_owner { struct str owner, peer; };	/* whose archive, with whom */
struct vault_message {
	uint64_t id, when_ms;
	struct str stanza;		/* serialised */
	struct vault_owner owners[2];
	size_t n_owners;
};
MUST_CHECK int vault_archive_add(struct vault *v, const struct vault_message *m);

struct vault_query {
	struct str owner, with;		/* with empty: everybody */
	uint64_t start_ms, end_ms;	/* 0: open */
	uint64_t after_id, before_id;	/* exclusive; 0: open. ERR_NOT_FOUND when named and not in this archive */
	bool backward;			/* the last max instead of the first; results are still oldest first */
	size_t max;			/* <= LIMIT_MAM_PAGE; 0: count only */
};
/* gone: shredded, or purged without a tombstone; purged: a tombstone is all there is */
struct vault_entry { uint64_t id, when_ms; struct str stanza; bool gone, purged; };
/* counted: count and first_index are known; not beside a page of more than LIMIT_MAM_COUNT. */
struct vault_page { struct vault_entry *v; size_t n; bool complete, counted; uint64_t count; uint64_t first_index; };
MUST_CHECK int vault_archive_page(struct vault *v, const struct vault_query *q, struct arena *a, struct vault_page *ret);
/* One of this owner's, by its id. ERR_NOT_FOUND when it is not in this archive. */
MUST_CHECK int vault_archive_one(struct vault *v, struct str owner, uint64_t id, struct arena *a, struct vault_entry *ret);
/* In every owner's archive 'shown' stands in its place; what was there is kept behind it, sealed, for the operator alone. */
MUST_CHECK int vault_archive_retract(struct vault *v, struct str owner, uint64_t id, struct str shown);
MUST_CHECK int vault_archive_purge(struct vault *v, uint64_t id);	/* from every owner: gone */
/* In every owner's archive 'shown' stands in its place, and nothing of what was there is left. ERR_CONFLICT: it has been purged before. */
MUST_CHECK int vault_archive_bury(struct vault *v, uint64_t id, struct str shown);
/* For purges alone: a message whoever's archive it is in; those with from_id <= id, in order, at most max. */
MUST_CHECK int vault_archive_any(struct vault *v, uint64_t id, struct arena *a, struct vault_entry *ret);
MUST_CHECK int vault_archive_scan(struct vault *v, uint64_t from_id, size_t max, struct arena *a, struct vault_entry **ret, size_t *ret_n);
/* Deletes the key of (owner, month) and with it that owner's copies of that month, and the files uploaded in it. */
MUST_CHECK int vault_archive_shred(struct vault *v, struct str owner, uint32_t month);

/* --- offline messages (XEP-0160) ------------------------------------------------------------ */
MUST_CHECK int vault_offline_add(struct vault *v, struct str owner, uint64_t id, uint64_t when_ms, struct str stanza);
MUST_CHECK int vault_offline_list(struct vault *v, struct str owner, struct arena *a, struct vault_entry **ret, size_t *ret_n);
MUST_CHECK int vault_offline_take(struct vault *v, struct str owner, uint64_t id);	/* one; absent: 0 */
MUST_CHECK int vault_offline_remove(struct vault *v, struct str owner, uint64_t up_to_id);

/* --- resumable streams (XEP-0198) ------------------------------------------------------------ */
struct vault_stream {
	struct str id;			/* the resumption id; stored as a keyed tag */
	struct str owner;		/* bare */
	struct str state;		/* core's own encoding: resource, h, presence, flags */
	uint64_t expires_ms;
};
struct vault_queued { uint32_t seq; struct str stanza; };
MUST_CHECK int vault_stream_put(struct vault *v, const struct vault_stream *st);
MUST_CHECK int vault_stream_push(struct vault *v, struct str id, struct str owner, uint32_t seq, struct str stanza);
MUST_CHECK int vault_stream_trim(struct vault *v, struct str id, uint32_t up_to_seq);	/* acknowledged; seq is modulo 2^32 */
MUST_CHECK int vault_stream_get(struct vault *v, struct str id, struct arena *a, struct vault_stream *ret,
				struct vault_queued **ret_queue, size_t *ret_n);
MUST_CHECK int vault_stream_remove(struct vault *v, struct str id);
/* Every stored stream, for the start of a server. */
MUST_CHECK int vault_stream_list(struct vault *v, struct arena *a, struct vault_stream **ret, size_t *ret_n);

/* --- quarantine -------------------------------------------------------------------------------- */
enum vault_held_state { HELD_WAITING, HELD_RELEASED, HELD_DELIVERED, HELD_REJECTED, HELD_REQUEST /* its receiver decides: a stranger */,
			HELD_FILE /* a file that it brings is being checked */ };
struct vault_held {
	uint64_t id;			/* also the message's stanza-id */
	uint64_t when_ms;
	enum vault_held_state state;
	struct str from, to;		/* bare or full */
	struct str stanza;		/* as it would have been delivered */
	struct str reason;		/* one sentence */
	struct str fingerprint;
};
MUST_CHECK int vault_held_put(struct vault *v, const struct vault_held *h);		/* adds or replaces */
MUST_CHECK int vault_held_get(struct vault *v, uint64_t id, struct arena *a, struct vault_held *ret);
/* Oldest first; who: empty or a bare JID that is sender or receiver; state -1: any. */
MUST_CHECK int vault_held_list(struct vault *v, struct str who, int state, size_t max, struct arena *a,
			       struct vault_held **ret, size_t *ret_n);
MUST_CHECK int vault_held_count(struct vault *v, int state, uint64_t *ret);

/* --- requests: what strangers have sent, until the receiver says what becomes of it ---------------------------------- */
/* One sender's, to one receiver. Every stanza of it is a held row of the state HELD_REQUEST. */
struct vault_request {
	struct str from;		/* bare */
	struct str nick;		/* as he calls himself; may be empty */
	struct str reason;		/* sentences: what was seen besides */
	uint64_t first_ms, last_ms;
	uint32_t number;		/* what the receiver calls it; small */
	uint32_t n_more;		/* stanzas that were not kept: LIMIT_REQUEST_STANZAS */
	bool subscribes;		/* one of them asks for presence */
	uint64_t *ids;			/* of the held rows, in order */
	size_t n;
};
/* One more stanza; nick and reason are taken when they say something. is_new: the sender's first. ERR_LIMIT: the receiver
 * has LIMIT_REQUESTS of them. A stanza past LIMIT_REQUEST_STANZAS, and a second subscription, are counted, not kept: h is
 * not written then, and ret->ids does not end with it. */
MUST_CHECK int vault_request_add(struct vault *v, struct str owner, struct str from, struct str nick, struct str reason,
				 bool subscribes, const struct vault_held *h, struct arena *a, struct vault_request *ret, bool *ret_new);
/* In order of their numbers. */
MUST_CHECK int vault_request_list(struct vault *v, struct str owner, struct arena *a, struct vault_request **ret, size_t *ret_n);
/* The receiver has decided: its held rows that still wait get this state. ERR_NOT_FOUND. */
MUST_CHECK int vault_request_settle(struct vault *v, struct str owner, struct str from, enum vault_held_state state, struct arena *a,
				    struct vault_request *ret);

/* --- findings, outbreaks, policy ------------------------------------------------------------------ */
/* The story of a stanza: a JSON text, by its stanza-id. */
MUST_CHECK int vault_finding_put(struct vault *v, uint64_t id, struct str json);
MUST_CHECK int vault_finding_get(struct vault *v, uint64_t id, struct arena *a, struct str *ret);

struct vault_spread { struct str fingerprint, from, to; uint64_t id, when_ms; struct str outcome; /* delivered, held; clicked; file: to is its id */ };
MUST_CHECK int vault_spread_add(struct vault *v, const struct vault_spread *s);
/* fingerprint empty: all since since_ms; oldest first. */
MUST_CHECK int vault_spread_list(struct vault *v, struct str fingerprint, uint64_t since_ms, size_t max, struct arena *a,
				 struct vault_spread **ret, size_t *ret_n);
/* The rows of a fingerprint one after the other, also with those that were added meanwhile; at: all zero for the first. */
struct vault_spread_at { uint64_t when_ms, id, chance; };
MUST_CHECK int vault_spread_next(struct vault *v, struct str fingerprint, struct vault_spread_at *at, size_t max, struct arena *a,
				 struct vault_spread **ret, size_t *ret_n);
MUST_CHECK int vault_spread_count(struct vault *v, struct str fingerprint, uint64_t *ret);
struct vault_outbreak { struct str fingerprint; uint64_t started_ms; bool contained; struct str json; /* evidence, patient zero */ };
MUST_CHECK int vault_outbreak_put(struct vault *v, const struct vault_outbreak *o);
MUST_CHECK int vault_outbreak_get(struct vault *v, struct str fingerprint, struct arena *a, struct vault_outbreak *ret);
MUST_CHECK int vault_outbreak_list(struct vault *v, struct arena *a, struct vault_outbreak **ret, size_t *ret_n);

/* --- audit: sealed entries in a keyed chain over the ciphertext, under a signed head ---------------- */
struct vault_audit { uint64_t seq, when_ms; struct str kind; /* decision, login, command ... */ struct str json; };
MUST_CHECK int vault_audit_add(struct vault *v, uint64_t when_ms, struct str kind, struct str json);
/* From seq on, at most max, oldest first. */
MUST_CHECK int vault_audit_list(struct vault *v, uint64_t from_seq, size_t max, struct arena *a,
				struct vault_audit **ret, size_t *ret_n);
typedef void vault_progress_fn(void *ctx, uint64_t done, uint64_t total);
/* 0: whole. ERR_CORRUPT: changed, removed (the last too), reordered or rewritten; ret_why names the position. */
MUST_CHECK int vault_audit_verify(struct vault *v, struct arena *a, vault_progress_fn *progress, void *ctx,
				  uint64_t *ret_count, struct str *ret_why);

#endif
