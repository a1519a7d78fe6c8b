/* spec.h - which specifications are implemented: from the features' mod_def and from specs.def. One source for
 * `wardroom doap` and docs/protocol.md.
 *
 * Ownership  Constants. Threads: any.
 */
#ifndef CORE_SPEC_H
#define CORE_SPEC_H

#include <stdbool.h>
#include <stddef.h>

#define SPEC_MOST 512

struct spec {
	unsigned xep;
	const char *version;
	bool partial;
	const char *note;		/* "": none */
};

/* In order of their numbers, each once. How many. */
size_t spec_list(struct spec ret[SPEC_MOST]);
/* NULL: not known. */
const char *spec_title(unsigned xep);
/* The RFCs, NULL at the end: "6120", "XMPP: Core", ... */
const char *const (*spec_rfcs(void))[2];

#endif
