/* scanner_parts.h - the files of the scanner among themselves (core/scanner*.c).
 *
 * Threads  All of it the scanner's own thread, but for what struct scanner names otherwise.
 */
#ifndef CORE_SCANNER_PARTS_H
#define CORE_SCANNER_PARTS_H

#include <pthread.h>

#include "base/check.h"
#include "core/scanner.h"
#include "ipc/heritage.h"
#include "net/loop.h"

#define SCANNER_SIGN 32			/* a SHA-256: alike when nothing has changed */
#define SCANNER_FOLDER_FILES 256
#define SCANNER_LOOK_MS 5000		/* so often the folders of rules and lists are looked at */

/* --- a folder of the operator's: rules, lists, signatures --------------------------------------------------------------------- */
struct scanner_folder {
	unsigned n;
	char (*names)[256];		/* sorted */
	uint8_t sign[SCANNER_SIGN];	/* of names, sizes and times */
	bool too_many;			/* SCANNER_FOLDER_FILES are listed, and there are more */
};
/* Regular files whose names end so ("": any); no dot files. A folder that is not there is an empty one. fd: of the folder; it stays open. */
MUST_CHECK int scanner_folder_list(int fd, const char *const *endings, struct scanner_folder *ret);
void scanner_folder_free(struct scanner_folder *f);
/* DIR/name; -1 when there is none. */
int scanner_folder_open(struct str dir, const char *name);
/* A file of it as a whole; freed by the caller. ERR_LIMIT above max. */
MUST_CHECK int scanner_folder_read(int fd, const char *name, size_t max, char **ret, size_t *ret_n);

/* --- digests of malicious files ----------------------------------------------------------------------------------------------- */
struct scanner_digests {
	uint8_t (*v)[32];		/* sorted */
	size_t n, cap;
	uint8_t folder[SCANNER_SIGN], sign[SCANNER_SIGN];	/* of the folder as it was read; of the digests in force */
	char says[160];			/* what is wrong */
	uint64_t due_ms;
};
/* Takes the lists up again when they have changed. */
void scanner_digests_tend(struct scanner_digests *d, struct str dir, uint64_t now_ms);
bool scanner_digests_has(const struct scanner_digests *d, const uint8_t sha256[32]);
/* The first SHA-256 in hex of a line. */
bool scanner_digests_line(struct str line, uint8_t ret[32]);
void scanner_digests_free(struct scanner_digests *d);

/* --- rules of YARA -------------------------------------------------------------------------------------------------------------- */
struct scanner_yara {
	int fd;				/* compiled, sealed; -1: none */
	uint64_t n;
	unsigned files;
	uint8_t folder[SCANNER_SIGN], wanted[SCANNER_SIGN], sign[SCANNER_SIGN];	/* of the folder as it was read; of the sources read; of those in force */
	int source;			/* sealed memfd that waits to be compiled, or is being; -1: none */
	uint64_t source_n;
	unsigned source_files, tries;
	bool settled;			/* the folder has been read once and compiled if need be: files may be looked at */
	char says[SCAN_JOB_TEXT];
	uint64_t due_ms;
};
void scanner_yara_init(struct scanner_yara *y);
void scanner_yara_tend(struct scanner_yara *y, struct str dir, uint64_t now_ms);
/* out: what a process has made of the source, its to keep; err 0 and a sound answer, or what went wrong. Returns whether other rules are in force now. */
bool scanner_yara_compiled(struct scanner_yara *y, int out, const struct scan_job_answer *a, int err);
void scanner_yara_free(struct scanner_yara *y);

/* --- clamd ---------------------------------------------------------------------------------------------------------------------- */
#define SCANNER_CLAMD_ANSWER 4096

struct scanner_clamd {
	char where[128];		/* "": none is configured */
	bool required, there, known;	/* known: it has been heard since the start */
	char says[160];
	uint8_t sign[SCANNER_SIGN];
	int fd;				/* of the question under way; -1 */
	char in[SCANNER_CLAMD_ANSWER];
	size_t n;
	uint64_t due_ms, deadline_ms;
	unsigned failures;
	int signatures;			/* folder of its databases; -1 */
	uint8_t folder[SCANNER_SIGN], in_force[SCANNER_SIGN];	/* as it is; as clamd is taken to have read it */
	bool folder_seen, soon;		/* soon: clamd may have read it, or not yet */
	uint64_t folder_due_ms, settle_ms[2];	/* when a changed folder counts: soon, and surely; 0: nothing has changed */
};
void scanner_clamd_init(struct scanner_clamd *c, const char *where, bool required, int signatures);
/* Asks whether it is there when that is due. Returns whether signatures are new. */
bool scanner_clamd_tend(struct scanner_clamd *c, uint64_t now_ms);
bool scanner_clamd_hear(struct scanner_clamd *c, uint64_t now_ms);
uint64_t scanner_clamd_due_ms(const struct scanner_clamd *c);
/* A conversation about a file has broken off: it is asked at once whether it is still there. */
void scanner_clamd_doubt(struct scanner_clamd *c, uint64_t now_ms);
void scanner_clamd_release(struct scanner_clamd *c);

/* --- a job ---------------------------------------------------------------------------------------------------------------------- */
/* A process that waits, looks at a file, or compiles rules. */
struct scanner_slot {
	int sock, pidfd;		/* sock -1: no process */
	bool busy;
	struct scan_job *job;		/* NULL and busy: it compiles rules */
	struct scan_job_question q;
	int in, out;
	uint64_t bytes;			/* of memory, at most */
	uint64_t deadline_ms;
	uint64_t version;		/* it looks under */
	uint8_t sha256[32];		/* of what it looks at, by us */
};

struct scanner {
	CHECK_MAGIC;
	struct loop *loop;
	struct str dir, spool;
	int pool, wake;
	pthread_t thread;

	/* Under lock. */
	pthread_mutex_t lock;
	struct list queue[2], finished;	/* queue[1]: low priority */
	unsigned queued[2];
	struct scanner_conf { char clamd[128]; bool required; unsigned processes; uint64_t timeout_ms; } conf;
	bool reload, stopping, ended, posted, version_new;
	struct scanner_state state;
	uint64_t version;

	/* The loop's. */
	struct loop_item item;
	void (*on_version)(void *ctx);
	void *on_version_ctx;
	void (*stopped)(void *ctx);
	void *stopped_ctx;

	/* The thread's. */
	struct seal_lib *lib;
	struct scanner_conf now;
	struct scanner_slot slots[HERITAGE_SCANDS_MOST];
	uint64_t bytes;			/* of all slots */
	bool was_there;			/* clamd */
	struct scanner_digests digests;
	struct scanner_yara yara;
	struct scanner_clamd clamd;
	struct { uint64_t done, failed, timed_out, found; } count;
};

int scanner_job_memfd(const char *name);	/* -1 */
MUST_CHECK int scanner_job_seal(int fd);	/* nobody changes it from now on; ERR_BUSY: somebody could still */
/* Puts the file into a sealed memfd of the slot and its digest beside it, and asks the slot's process. An error leaves nothing behind in the slot but the
 * process. ERR_EOF: the process is gone. */
MUST_CHECK int scanner_job_begin(struct scanner *s, struct scanner_slot *slot, struct scan_job *j, int clamd);
/* Fills j->out from a sound answer; the cleaned copy goes into the spool. ERR_BAD_FORMAT: what it has made is not what it said. */
MUST_CHECK int scanner_job_end(struct scanner *s, struct scanner_slot *slot, const struct scan_job_answer *a);
/* The verdict without an answer. */
void scanner_job_fail(struct scanner *s, struct scan_job *j, enum file_fact fact, const char *evidence, const uint8_t sha256[32]);
void scanner_job_note(struct scan_result *r, enum file_fact fact, const char *evidence);
void scanner_job_release(struct scanner *s, struct scanner_slot *slot);	/* what it held for the job */

#endif
