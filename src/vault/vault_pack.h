/* vault_pack.h - the fields of a sealed value: numbers big-endian, texts with their length in front.
 *
 * Errors  Writing: the buffer's .failed. Reading: .bad stays set once something is short or left over.
 */
#ifndef VAULT_VAULT_PACK_H
#define VAULT_VAULT_PACK_H

#include "base/buf.h"

void vault_pack_u32(struct buf *b, uint32_t v);
void vault_pack_u64(struct buf *b, uint64_t v);
void vault_pack_str(struct buf *b, struct str s);

struct vault_unpack {
	struct str rest;
	bool bad;
};

uint32_t vault_unpack_u32(struct vault_unpack *u);
uint64_t vault_unpack_u64(struct vault_unpack *u);
struct str vault_unpack_str(struct vault_unpack *u);		/* points into the packed text */
struct str vault_unpack_bytes(struct vault_unpack *u, size_t n);
/* 0 when everything was there and nothing more, else ERR_CORRUPT. */
MUST_CHECK int vault_unpack_end(const struct vault_unpack *u);

#endif
