/* scan_job.h - what worker and wardroom-scand say to each other: one question, one answer, and the process ends.
 *
 * Both are single messages of a SEQPACKET socket. With a question come descriptors: the bytes to look at (a sealed memfd), a memfd
 * for what is made of them, compiled rules of YARA (a sealed memfd), a socket that is connected to clamd and has said nothing.
 * SCAN_JOB_FILE: is one file clean? SCAN_JOB_RULES: the bytes are rules of YARA in source (scan_job_source below), compiled into the memfd.
 *
 * Ownership  scan_job_ask() leaves the descriptors the caller's; scan_job_take() gives them to the caller.
 * Threads    Any; a message is one system call.
 * Limits     All is of fixed size. The worker believes nothing: scan_job_hear() gives only what has passed scan_job_sound().
 * Errors     ERR_AGAIN: nothing there yet. ERR_EOF: the other end is gone. ERR_BAD_FORMAT: it does not keep to this. ERR_IO.
 */
#ifndef IPC_SCAN_JOB_H
#define IPC_SCAN_JOB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "inspect/file_fact.h"

#define SCAN_JOB_VERSION 1
#define SCAN_JOB_NAME 1024		/* bytes of a file's name as its sender gives it */
#define SCAN_JOB_TYPE 80		/* of a media type, with the NUL */
#define SCAN_JOB_SUFFIX 8		/* ".txt", with the NUL */
#define SCAN_JOB_TLSH 73		/* a TLSH in letters, with the NUL */
#define SCAN_JOB_TEXT 2048		/* what the compiler of rules says, lines, with the NUL */

enum scan_job_kind { SCAN_JOB_FILE, SCAN_JOB_RULES };

/* Places of the descriptors in a question; -1: not given. */
enum scan_job_fd { SCAN_JOB_IN, SCAN_JOB_OUT, SCAN_JOB_YARA, SCAN_JOB_CLAMD, SCAN_JOB_FDS };

struct scan_job_question {
	uint32_t version;		/* SCAN_JOB_VERSION */
	uint32_t kind;			/* enum scan_job_kind */
	uint32_t given;			/* bits of enum scan_job_fd: which descriptors come with it, in that order */
	uint32_t name_n, type_n;
	uint64_t n, yara_n;		/* bytes to look at, and of rules */
	uint64_t clean_what;		/* FACT_BITs that are to be cleaned away; 0: no cleaned copy is wanted */
	uint64_t out_most;		/* bytes that what is made may have */
	char name[SCAN_JOB_NAME], type[SCAN_JOB_TYPE];	/* as declared; hostile */
};

/* What clamd had to say. Unless it is NONE, OK or FOUND, the file has not been looked at by clamd. */
enum scan_job_clamd {
	SCAN_JOB_CLAMD_NONE,		/* was not asked */
	SCAN_JOB_CLAMD_OK,
	SCAN_JOB_CLAMD_FOUND,		/* FACT_MALWARE, with the name as evidence */
	SCAN_JOB_CLAMD_TOO_BIG,		/* its StreamMaxLength */
	SCAN_JOB_CLAMD_ERROR,		/* it said that it could not */
	SCAN_JOB_CLAMD_BROKEN,		/* it hung up, or said what makes no sense */
};

struct scan_job_answer {
	uint32_t version;
	uint32_t kind;
	int32_t err;			/* 0 or ERR_*: the job could not be done at all */
	uint32_t clamd;			/* enum scan_job_clamd */
	uint64_t facts;			/* FACT_BITs */
	uint32_t n_found;
	uint32_t cleaned;		/* 0 or 1 */
	struct file_fact_found found[FACTS_FOUND];
	char type[SCAN_JOB_TYPE];	/* from the content */
	uint8_t sha256[32];
	char tlsh[SCAN_JOB_TLSH];	/* "": too small, or too even */
	char cleaned_type[SCAN_JOB_TYPE], cleaned_suffix[SCAN_JOB_SUFFIX];	/* when the type changed: html becomes text/plain, ".txt" */
	uint8_t cleaned_sha256[32];
	uint64_t removed;		/* FACT_BITs that the cleaned copy no longer has */
	uint64_t out_n;			/* bytes made: of the cleaned copy, or of compiled rules */
	char text[SCAN_JOB_TEXT];	/* SCAN_JOB_RULES: "file.yar:12: ..." lines; empty: all is well */
};

/* Rules in source: files one behind the other, each with this head. */
struct scan_job_source {
	uint32_t name_n, text_n;	/* then the name, then the text */
};

/* Two ends, closed on exec. */
MUST_CHECK int scan_job_pair(int ret[2]);
MUST_CHECK int scan_job_ask(int fd, struct scan_job_question *q, const int fds[SCAN_JOB_FDS]);	/* sets version and given */
MUST_CHECK int scan_job_take(int fd, struct scan_job_question *ret, int ret_fds[SCAN_JOB_FDS]);	/* waits */
MUST_CHECK int scan_job_answer(int fd, struct scan_job_answer *a);				/* sets version */
MUST_CHECK int scan_job_hear(int fd, const struct scan_job_question *q, struct scan_job_answer *ret);	/* does not wait */
/* Could an honest wardroom-scand have given this answer to this question? */
bool scan_job_sound(const struct scan_job_question *q, const struct scan_job_answer *a);

#endif
