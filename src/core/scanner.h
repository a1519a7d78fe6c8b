/* scanner.h - the queue of files that are to be looked at, and the wardroom-scand processes that look.
 *
 * A thread of its own opens the sealed spool file (crypt/chunk.h), puts the plaintext into a sealed memfd, hands that with an output
 * memfd, the compiled YARA rules and a fresh connection to clamd to a process that waits (ipc/scan_job.h), takes the facts, and
 * seals the cleaned copy into the spool. Each process does one job; the supervisor starts the next. A crash, a time-out, a limit of
 * memory, an answer that makes no sense: FACT_SCAN_FAILED or FACT_SCAN_TIMEOUT, never clean.
 * While clamd is configured, required and does not answer, jobs wait: their files stay pending, however long it takes.
 *
 * Ownership  A job is the submitter's and lives until done() is called, or until scanner_stop() has called its done: what then still waits is not
 *            called back, its files are PENDING in the vault and looked at after the next start. The keys are wiped.
 * Threads    The loop's, all of it; done() is called there.
 * Limits     LIMIT_SCAN_QUEUE jobs of each priority (ERR_BUSY), scanner.processes at a time, LIMIT_SCAN_BYTES of memory for all of them;
 *            a file above LIMIT_SCAN_FILE is FACT_TOO_BIG unseen; scanner.timeout for each.
 */
#ifndef CORE_SCANNER_H
#define CORE_SCANNER_H

#include "base/list.h"
#include "base/str.h"
#include "crypt/aesgcm.h"
#include "crypt/seal.h"
#include "ipc/scan_job.h"

struct config;
struct json_t;
struct loop;
struct scanner;

struct scan_result {
	uint64_t version;		/* scanner_version() that it was looked at under; 0: not known, look again */
	uint64_t facts;			/* FACT_BITs */
	struct file_fact_found found[FACTS_FOUND];
	unsigned n_found;
	char type[SCAN_JOB_TYPE];	/* from the content; "" when the check broke down */
	uint8_t sha256[32];		/* of the original: the worker's own, right also when the check broke down */
	char tlsh[SCAN_JOB_TLSH];
	bool cleaned;			/* a cleaned copy lies in the spool, ".clean", sealed under cleaned_key */
	uint64_t removed;		/* FACT_BITs it no longer has; all others it still has */
	char cleaned_type[SCAN_JOB_TYPE], cleaned_suffix[SCAN_JOB_SUFFIX];	/* "": as the original's */
	uint64_t cleaned_n;
	uint8_t cleaned_sha256[32], cleaned_key[SEAL_KEY];
};

struct scan_job {
	struct list node;		/* the scanner's */
	uint8_t id[16], key[SEAL_KEY];
	uint64_t size;			/* of the plaintext */
	/* n_iv not 0: that is itself encrypted (XEP-0454), and what is within is looked at; out.sha256 is of that. A key that does not fit: ERR_FORBIDDEN. */
	struct scan_unlock { uint8_t key[AESGCM_KEY], iv[AESGCM_IV]; size_t n_iv; } unlock;
	struct str name, type;		/* as declared; they live as long as the job */
	bool low;			/* behind all others: a file that is looked at again. A look that breaks down is no verdict on it: ERR_UNAVAILABLE */
	uint64_t clean_what;		/* FACT_BITs that policy wants cleaned away; 0: no cleaned copy is made */
	struct scan_result out;
	/* err: 0, whatever has been found; ERR_NOT_FOUND, ERR_CORRUPT, ERR_IO, ERR_FULL: the spool; ERR_FORBIDDEN; out is not set then. */
	void (*done)(struct scan_job *j, int err);
	void *ctx;
	/* The scanner's. */
	int err;
	unsigned crashes, refusals;
	uint64_t not_before_ms;
};

struct scanner_parts {
	struct loop *loop;
	const struct config *config;	/* read here and at scanner_reload() */
	struct str dir, spool;		/* of the instance; they live as long as the scanner */
	int pool;			/* the channel on which the supervisor passes processes (ipc/scan_pool.h); it stays the caller's */
	int signatures;			/* the folder of clamd's databases, opened before the sandbox; taken over; -1: not told */
};

/* How it is doing, for `status`. */
struct scanner_state {
	unsigned processes, idle;	/* wanted, and waiting for a job */
	unsigned queued, queued_low, running;
	uint64_t done, failed, timed_out, found;	/* since the start; found: with a fact of malware */
	bool clamd_wanted, clamd_required, clamd_there;
	char clamd_says[160];		/* its version, or what is wrong */
	unsigned yara_files, digests;
	char yara_says[SCAN_JOB_TEXT];	/* "": all rules are in force; else lines of what is wrong: the rules before are in force */
	char digests_says[160];
	uint64_t version;
};

MUST_CHECK int scanner_new(const struct scanner_parts *p, struct scanner **ret);
void scanner_reload(struct scanner *s, const struct config *c);
/* Ends the processes, wipes what lies in memory; then done. */
void scanner_stop(struct scanner *s, void (*done)(void *ctx), void *ctx);
void scanner_free(struct scanner **s);		/* after scanner_stop() */

MUST_CHECK int scanner_submit(struct scanner *s, struct scan_job *j);	/* ERR_BUSY */
/* Takes back a job that waits: true, and done() is not called. False: it is being worked on. */
bool scanner_recall(struct scanner *s, struct scan_job *j);

/* Changes with clamd's signatures, the YARA rules, the digest lists and the built-in checks: what was looked at under another one is to be
 * looked at again. The same after a restart. 0: not known yet, as clamd has not been heard. */
uint64_t scanner_version(const struct scanner *s);
/* fn is called when it has changed to something that is known. */
void scanner_on_version(struct scanner *s, void (*fn)(void *ctx), void *ctx);
void scanner_state_of(struct scanner *s, struct scanner_state *ret);
/* The same, as `status` prints it; NULL: that no file is looked at. */
void scanner_show(struct scanner *s, struct json_t *reply);

#endif
