/* vault_file.h - what is known of every uploaded file: one sealed row a file, one for each who has been sent it or has loaded it.
 *
 * The bytes lie sealed in the spool (crypt/chunk.h), each copy under a key of its own, and that key only here, in the file's row,
 * which is sealed under the key of (owner, month of the upload): shredding that month, or removing the account, makes the file unreadable
 * wherever copies of the spool may be.
 *
 * Names      The path of a link holds a random token of 128 bits. The id of the file - in the spool, in this table, on the command
 *            line, in logs - is the beginning of its SHA-256: who sees or steals ids cannot ask for a file with them.
 * Atomicity  As vault.h. A row that goes leaves its id among the orphans in the same transaction, until somebody has deleted what
 *            lies in the spool: no crash leaves bytes behind that nobody knows.
 * Ownership  Results live in the caller's arena; they hold keys: wipe it.
 * Threads    As vault.h; vault_file_id and vault_file_find: any.
 * Limits     VAULT_FILES_OWNER files of an account, VAULT_FILE_STORY events (the oldest but the first makes room), VAULT_FILE_SEEN
 *            rows of each kind (what is past that is counted in one row without a name). Every list has a maximum of its caller's.
 * Errors     As vault.h. ERR_NOT_FOUND: also when its key was shredded.
 */
#ifndef VAULT_VAULT_FILE_H
#define VAULT_VAULT_FILE_H

#include "vault/vault.h"

#define VAULT_FILE_ID 16
#define VAULT_FILE_TOKEN 32			/* characters, 0-9 a-f */
#define VAULT_FILE_KEY 32
#define VAULT_FILE_DIGEST 32
#define VAULT_FILE_ID_TEXT 33			/* 32 characters of 0-9 a-f and NUL */
#define VAULT_FILE_STORY 24
#define VAULT_FILE_SEEN 2000
#define VAULT_FILE_FOUND 32
#define VAULT_FILES_OWNER 20000

/* On disk: new ones at the end. */
enum vault_file_state {
	FILE_IS_SLOT,		/* granted; nothing has come, or not all */
	FILE_IS_PENDING,	/* it is there and nobody has looked at it yet */
	FILE_IS_SERVED,		/* may be loaded as it is */
	FILE_IS_CLEANED,	/* may be loaded without what was removed; the original is kept for the officer */
	FILE_IS_HELD,		/* waits for an officer */
	FILE_IS_REFUSED,
	FILE_IS_REVOKED,	/* was served, and is dangerous: late verdict, purge */
	FILE_IS_EXPIRED,	/* its bytes are gone; the row tells for a while what it was */
	FILE_STATES
};
const char *vault_file_state_name(enum vault_file_state s);	/* "pending" */

struct vault_file_copy {
	uint64_t size;				/* plaintext */
	struct str type;			/* what it is, by its content; empty: not known yet */
	uint8_t sha256[VAULT_FILE_DIGEST];
	uint8_t key[VAULT_FILE_KEY];
};

struct vault_file_found { uint8_t fact; struct str evidence; };		/* inspect/file_fact.h */
struct vault_file_event { uint64_t when_ms; struct str by, what; };	/* by: an address, "policy", "scanner"; what: a sentence */

struct vault_file {
	uint8_t id[VAULT_FILE_ID];
	struct str owner;			/* bare JID of who uploads */
	uint64_t created_ms;			/* never changes: its month says which key seals the row */
	uint64_t expires_ms;			/* of the state: a slot's, the file's, the record's */
	uint64_t until_ms;			/* when it shall be gone at the latest, as its owner asked (XEP-0363 5.3); 0: as the server keeps files */
	enum vault_file_state state;
	struct str token;			/* of the link */
	struct str name, declared;		/* as the sender's client said: UTF-8; media type */
	struct vault_file_copy original, clean;	/* clean.size 0: there is none */
	struct str clean_suffix;		/* what its name ends with now when the type changed: ".txt"; empty: as it was */
	struct str tlsh;			/* empty: too small */
	uint64_t facts, removed;		/* FACT_BITs */
	struct vault_file_found *found;
	size_t n_found;
	uint64_t scan_version, scanned_ms;	/* 0: never */
	struct str why;				/* a sentence that a person understands; empty: nothing to say */
	struct str rule;			/* the rule of the policy that decided; empty: a default */
	struct vault_file_event *story;		/* oldest first */
	size_t n_story;
};

/* --- names --------------------------------------------------------------------------------------------------------------- */
/* The id that belongs to a token; false when it cannot be one (32 characters, 0-9 a-f in lower case). */
bool vault_file_id(struct str token, uint8_t ret[VAULT_FILE_ID]);
void vault_file_id_text(const uint8_t id[VAULT_FILE_ID], char ret[VAULT_FILE_ID_TEXT]);
MUST_CHECK int vault_file_id_parse(struct str text, uint8_t ret[VAULT_FILE_ID]);	/* ERR_NOT_FOUND when it cannot be one */

/* --- rows ---------------------------------------------------------------------------------------------------------------- */
/* Adds or replaces. ERR_LIMIT: VAULT_FILES_OWNER. */
MUST_CHECK int vault_file_put(struct vault *v, const struct vault_file *f);
MUST_CHECK int vault_file_get(struct vault *v, const uint8_t id[VAULT_FILE_ID], struct arena *a, struct vault_file *ret);
/* One more event of its story, in f; taken by the next put. The texts are not copied. */
MUST_CHECK int vault_file_tell(struct vault_file *f, struct arena *a, uint64_t when_ms, struct str by, struct str what);
/* Somebody decides: get, set the state, tell what he did and why, put. ERR_CONFLICT where the state does not allow it: SERVED and CLEANED
 * need bytes that were looked at, and come from HELD, REFUSED or REVOKED (CLEANED: and a cleaned copy); HELD, REFUSED and REVOKED
 * need a file that is there and is not that already; other states are not for him. why: a sentence; for the states that serve nothing it is what people are told. */
MUST_CHECK int vault_file_settle(struct vault *v, const uint8_t id[VAULT_FILE_ID], enum vault_file_state state, uint64_t when_ms, struct str by,
				 struct str why, struct arena *a, struct vault_file *ret);

struct vault_file_query {
	struct str owner;			/* empty: everybody */
	int state;				/* -1: any */
	uint64_t before_ms;			/* created before; 0: open */
	size_t max;
};
/* Newest first. What cannot be opened any more is left out. */
MUST_CHECK int vault_file_list(struct vault *v, const struct vault_file_query *q, struct arena *a, struct vault_file **ret, size_t *ret_n);
/* All that have this digest, as uploaded or cleaned; at most max. */
MUST_CHECK int vault_file_by_digest(struct vault *v, const uint8_t sha256[VAULT_FILE_DIGEST], size_t max, struct arena *a, struct vault_file **ret,
				    size_t *ret_n);
/* One after the other, in the order of ids, which means nothing; after: all zero for the first. ERR_NOT_FOUND: no more. A late scan keeps its place
 * with it; what cannot be opened is passed over. */
MUST_CHECK int vault_file_next(struct vault *v, const uint8_t after[VAULT_FILE_ID], struct arena *a, struct vault_file *ret);

/* --- who has it ---------------------------------------------------------------------------------------------------------- */
enum vault_file_seen_kind { FILE_SENT /* the link was delivered to this account or room */, FILE_LOADED };
struct vault_file_seen {
	enum vault_file_seen_kind kind;
	struct str who;				/* bare JID; empty: not known */
	struct str address;			/* of who loaded it; FILE_SENT: who sent the link last */
	uint64_t first_ms, last_ms;
	uint64_t times;
};
/* Counted in the row of the same kind and who (FILE_LOADED: and address), or a new one. When: seen->last_ms. */
MUST_CHECK int vault_file_seen_add(struct vault *v, const uint8_t id[VAULT_FILE_ID], const struct vault_file_seen *seen);
MUST_CHECK int vault_file_seen_list(struct vault *v, const uint8_t id[VAULT_FILE_ID], enum vault_file_seen_kind kind, size_t max, struct arena *a,
				    struct vault_file_seen **ret, size_t *ret_n);
/* Was the link sent to this account? */
MUST_CHECK int vault_file_was_sent(struct vault *v, const uint8_t id[VAULT_FILE_ID], struct str who, bool *ret);

/* --- quota --------------------------------------------------------------------------------------------------------------- */
struct vault_file_used { uint64_t day /* since 1970, UTC */, bytes, files; };
MUST_CHECK int vault_file_used(struct vault *v, struct str owner, uint64_t now_ms, struct vault_file_used *ret);
/* One more file of this size today. ERR_LIMIT: it would be more than per_day bytes (0: any). */
MUST_CHECK int vault_file_use(struct vault *v, struct str owner, uint64_t now_ms, uint64_t bytes, uint64_t per_day);

/* --- expiry -------------------------------------------------------------------------------------------------------------- */
struct vault_file_ids { uint8_t (*v)[VAULT_FILE_ID]; size_t n; };
/* Whose time is over, the longest first. */
MUST_CHECK int vault_file_due(struct vault *v, uint64_t now_ms, size_t max, struct arena *a, struct vault_file_ids *ret);
/* Its keys are forgotten without a trace and its bytes orphaned; the row stays as EXPIRED until record_until_ms (0, or a slot: goes at once). */
MUST_CHECK int vault_file_expire(struct vault *v, const uint8_t id[VAULT_FILE_ID], uint64_t now_ms, uint64_t record_until_ms);
/* Ids whose bytes in the spool are to be deleted. */
MUST_CHECK int vault_file_orphans(struct vault *v, size_t max, struct arena *a, struct vault_file_ids *ret);
MUST_CHECK int vault_file_orphan_gone(struct vault *v, const uint8_t id[VAULT_FILE_ID]);

#endif
