/* file_fact.h - what can be seen in a file, as a set: scan/ sees, policy decides, vault keeps, the command line tells.
 *
 * Threads  Any.
 * Limits   FACT_COUNT is at most 64: a set is one word. The numbers are kept on disk, so new facts go at the end of the table.
 */
#ifndef INSPECT_FILE_FACT_H
#define INSPECT_FILE_FACT_H

#include <stdint.h>

#define FACT_BIT(fact) (UINT64_C(1) << (fact))
#define FACT_EVIDENCE 120		/* bytes with the NUL: printable UTF-8, as "word/vbaProject.bin: AutoOpen" */
#define FACTS_FOUND 32			/* that are told with evidence; the set knows all */

/* Rising: the strictest of all that a file asks for decides. CLEAN: held when it cannot be cleaned. */
enum file_action { FILE_ALLOW, FILE_CLEAN, FILE_HOLD, FILE_REFUSE };

enum file_fact {
#define FACT(name, key, act, text) FACT_##name,
#include "inspect/file_fact.def"
#undef FACT
	FACT_COUNT
};

struct file_fact_found {
	uint8_t fact;
	char evidence[FACT_EVIDENCE];
};

const char *file_fact_name(unsigned fact);		/* "MACRO_AUTO" */
const char *file_fact_key(unsigned fact);		/* "macros": its class, a key of policy.yaml */
const char *file_fact_text(unsigned fact);		/* "it has macros that start by themselves" */
enum file_action file_fact_default(unsigned fact);

#endif
