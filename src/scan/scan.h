/* scan.h - one look at the bytes of one file: what can be seen in it, as facts.
 *
 * Linked into wardroom-scand (and its tests) alone: here the libraries read what strangers made. No file is opened and no clock is
 * asked after scan_new(); a look is bounded by the bytes it unpacks, the entries it visits and how deep they lie. Time is the
 * parent's business: it kills.
 *
 * Ownership  struct scan belongs to the caller (scan_free). What scan_in points to is the caller's and must stay while it runs.
 * Threads    One at a time for each struct scan.
 * Limits     SCAN_*. What is beyond them is a fact (ARCHIVE_BOMB, ARCHIVE_MANY, ARCHIVE_DEPTH), never silently left out.
 * Errors     ERR_NOMEM, ERR_IO (the database of types is not there). A file that is broken is no error but a fact.
 */
#ifndef SCAN_SCAN_H
#define SCAN_SCAN_H

#include "base/err.h"
#include "base/str.h"
#include "inspect/file_fact.h"

#define SCAN_UNPACKED (256u << 20)	/* bytes that come out of all archives of one file */
#define SCAN_RATIO 200			/* times the size of the file that may come out of it, SCAN_RATIO_FREE apart */
#define SCAN_RATIO_FREE (16u << 20)
#define SCAN_PART (48u << 20)		/* bytes of one part that are kept for a closer look */
#define SCAN_ENTRIES 2000		/* files in all archives of one file */
#define SCAN_DEPTH 5			/* archives within archives */
#define SCAN_TYPE 80
#define SCAN_SUFFIX 8
#define SCAN_TLSH 73
#define SCAN_DIGEST 32

struct scan;

/* Every part that was unpacked, and first the file itself (where: ""), for what searches bytes: YARA. */
typedef void scan_part_fn(void *ctx, struct str where, struct str bytes);

struct scan_in {
	struct str bytes;		/* mapped, read only */
	struct str name, type;		/* as the sender says; may be hostile */
	scan_part_fn *part;		/* NULL: nobody wants them */
	void *part_ctx;
	bool clean;			/* for clean_run(): make a copy when something can be cleaned */
	uint64_t clean_what;		/* FACT_BITs that policy wants gone */
	int out;			/* memfd for that copy; -1 */
};

struct scan_out {
	uint64_t facts;					/* FACT_BITs */
	struct file_fact_found found[FACTS_FOUND];	/* one for each fact, as long as there is room */
	unsigned n_found;
	char type[SCAN_TYPE];				/* MIME type of the content */
	uint8_t sha256[SCAN_DIGEST];
	char tlsh[SCAN_TLSH];				/* "": too small or too uniform; of big files: see digest.h */
	/* Filled by clean_run() (clean.h). */
	bool cleaned;
	uint64_t removed;				/* FACT_BITs that the copy no longer has; it has all the others */
	char cleaned_type[SCAN_TYPE];			/* may differ: a page becomes text/plain, its suffix ".txt" */
	char cleaned_suffix[SCAN_SUFFIX];		/* "": the name stays as it is */
	uint64_t cleaned_n;
	uint8_t cleaned_sha256[SCAN_DIGEST];
};

/* Opens what is needed from the disk; before the sandbox. */
MUST_CHECK int scan_new(struct scan **ret);
void scan_free(struct scan **s);
MUST_CHECK int scan_run(struct scan *s, const struct scan_in *in, struct scan_out *ret);

#endif
