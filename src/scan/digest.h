/* digest.h - the names of bytes: SHA-256, and TLSH, which stays near for what is near.
 *
 * TLSH costs 20 ms for a MiB, so of bytes longer than DIGEST_TLSH_HEAD + DIGEST_TLSH_TAIL it covers their first and last ones alone; of
 * shorter ones it is what any tool makes of them.
 */
#ifndef SCAN_DIGEST_H
#define SCAN_DIGEST_H

#include "base/check.h"
#include "scan/scan.h"

#define DIGEST_TLSH_HEAD (64u << 10)
#define DIGEST_TLSH_TAIL (32u << 10)

void digest_sha256(struct str bytes, uint8_t ret[SCAN_DIGEST]);
void digest_tlsh(struct str bytes, char ret[SCAN_TLSH]);	/* "": fewer than 512 bytes, or too uniform */

#endif
