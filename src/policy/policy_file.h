/* policy_file.h - what the company's rules make of a file, by what was seen in it and by the way it takes. Pure.
 *
 * A file is judged twice. When it is uploaded nobody knows who will get it: only rules that name no receiver count. When a message brings it
 * the two are known and every rule counts, but it can only become stricter: what was served as it is and would be cleaned for this receiver
 * is held. So a milder rule that names a receiver never applies to uploads (policy/lint.h says so).
 *
 * For each fact the list is read from the top, and the first rule that fits decides; without one, the key of its class. A rule without
 * 'what' fits every fact, and a file in which nothing was seen. The strictest of all facts is done. A rule on trial never decides.
 *
 * Threads  Any.
 */
#ifndef POLICY_POLICY_FILE_H
#define POLICY_POLICY_FILE_H

#include "inspect/file_fact.h"
#include "policy/policy.h"

struct policy_file_view {
	enum file_action act;		/* CLEAN: the cleaned copy goes, or what was stripped */
	unsigned fact;			/* that asks for it; FACT_COUNT: none, but a rule about every file */
	const struct clause *by;	/* NULL: the key of the class */
	uint64_t clean;			/* FACT_BITs that are taken out */
	enum file_action would;		/* stricter than act: what a rule on trial would have done */
	const struct clause *would_by;	/* NULL: none would */
};

/* Who uploads, and nobody yet who gets it. */
struct people_pair policy_file_sender(const struct policy *p, struct str bare);
/* FACT_BITs that are to be taken out of his files; for the check, before anything is known of the file. */
uint64_t policy_file_cleans(const struct policy *p, struct people_pair pair);
/* facts: what was seen, FACT_BITs; removed: of them, what the cleaned copy does not have; 0: there is none. */
void policy_file_of(const struct policy *p, struct people_pair pair, uint64_t facts, uint64_t removed, struct policy_file_view *ret);
/* A message brings a file that was let through: facts: what the copy has that is served. Only what is stricter for these two than for an unknown
 * receiver counts: the rest was decided at upload, or by an officer since. ALLOW: nothing. */
void policy_file_between(const struct policy *p, struct people_pair pair, uint64_t facts, struct policy_file_view *ret);
/* What becomes of what comes by this road: CLEAN strips it. */
void policy_file_road(const struct policy *p, struct people_pair pair, enum policy_what road, struct policy_file_view *ret);

/* Of a file in which nothing but ciphertext is seen: is its sender asked for the key? */
bool policy_file_asks_key(const struct policy *p, struct people_pair pair, uint64_t facts);

enum policy_what policy_file_what(unsigned fact);		/* the class of a fact */
const char *policy_file_name(enum policy_what what);		/* "macros" */
/* "files.macros", or "files.rules, line 14". */
struct str policy_file_by(const struct policy_file_view *v, struct arena *a);

#endif
