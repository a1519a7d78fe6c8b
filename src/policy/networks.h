/* networks.h - from which networks who may sign in: lines of a group and networks, read from the top; the first that names a person decides.
 *
 * Ownership  Everything lives in the policy's arena. Immutable once read.
 * Threads    Any may read.
 * Limits     NETWORKS_LINES lines of NETWORKS_EACH networks.
 * Errors     networks_parse(): false for what is no address or range. Ranges are as they are written: 10.1.0.0/16, 2001:db8::/32; a bare
 *            address is that one alone. Bits behind the range must be zero: else it is a slip.
 */
#ifndef POLICY_NETWORKS_H
#define POLICY_NETWORKS_H

#include "base/str.h"

#define NETWORKS_LINES 64
#define NETWORKS_EACH 256
#define NETWORKS_ADDRESS 16		/* bytes: IPv6, or IPv4 as ::ffff:a.b.c.d */

struct network {
	uint8_t address[NETWORKS_ADDRESS];
	unsigned bits;
};

struct networks_line {
	struct str name;		/* as written: a group, an address, a word */
	uint64_t who;			/* people.h */
	const struct network *v;
	unsigned n;
};

struct networks {
	struct networks_line *v;
	unsigned n;
	unsigned otherwise;		/* 0: whom no line names may sign in from anywhere; 1: from nowhere */
};

bool networks_parse(struct str text, struct network *ret);
bool networks_has(const struct network *n, const uint8_t address[NETWORKS_ADDRESS]);
/* May somebody who is all that sign in from there? */
bool networks_allow(const struct networks *n, uint64_t person, const uint8_t address[NETWORKS_ADDRESS]);

#endif
