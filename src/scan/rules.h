/* rules.h - the company's rules (YARA): compiled once, in a process of its own that the sandbox holds, and asked about each file.
 *
 * Ownership  rules_load()/rules_free(). rules_start() before the sandbox, once; the library keeps what it made for the life of the process.
 * Threads    One.
 * Limits     RULES_FILES files; RULES_FOUND names are told of a file. Rules include no files.
 * Errors     ERR_BAD_FORMAT: not compiled by this version of the library. ERR_LIMIT, ERR_NOMEM, ERR_IO. ERR_REMOTE_TIMEOUT never: time is the parent's.
 */
#ifndef SCAN_RULES_H
#define SCAN_RULES_H

#include "base/err.h"
#include "base/str.h"

#define RULES_FILES 256
#define RULES_FOUND 8
#define RULES_NAME 112			/* "ransom.yar: Crypt_Note", with the NUL */

struct rules;

struct rules_found {
	unsigned n;
	char name[RULES_FOUND][RULES_NAME];
};

MUST_CHECK int rules_start(void);
/* sources: scan_job_source's, one behind the other. Compiled rules of all files without a mistake go to out; text: the mistakes in the others,
 * "file.yar:12: ..." lines, "" when there are none. ret_n 0: no file was without one. */
MUST_CHECK int rules_compile(struct str sources, int out, char *text, size_t text_room, uint64_t *ret_n);

MUST_CHECK int rules_load(struct str compiled, struct rules **ret);
void rules_free(struct rules **y);
/* Adds what is found to ret. */
MUST_CHECK int rules_scan(struct rules *y, struct str bytes, struct rules_found *ret);

#endif
