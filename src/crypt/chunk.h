/* chunk.h - a file sealed in pieces of 64 KiB, each of which opens alone and in its own place only.
 *
 * A sealed file is a head (a mark and 32 random bytes) and the pieces, each followed by its tag. Each attempt at writing seals
 * under a key made of the file's key, its id and the head, with the number of the piece as nonce: so no nonce repeats under one
 * key even when a file is begun twice. The number, the id and whether it is the last piece stand in what the tag protects: pieces
 * cannot be swapped, left out, appended, cut off at the end or moved to another file. The last piece may be empty, as an empty
 * file has one piece too; all others are full.
 *
 * Ownership  chunk_free wipes the key. Buffers are the caller's.
 * Threads    An object belongs to one thread at a time; the seal_lib outlives it.
 * Limits     CHUNK_FILE_MAX bytes of a file.
 * Errors     ERR_CORRUPT: another key, another file, another place, or changed. ERR_LIMIT: no such piece. ERR_FULL, ERR_IO, ERR_NOMEM.
 */
#ifndef CRYPT_CHUNK_H
#define CRYPT_CHUNK_H

#include "crypt/seal.h"

#define CHUNK_PLAIN 65536
#define CHUNK_SEALED (CHUNK_PLAIN + SEAL_TAG)
#define CHUNK_ID 16
#define CHUNK_HEAD 40
#define CHUNK_FILE_MAX (1ull << 40)

/* What a file of the spool is called: the original, the cleaned copy beside it, and what is still arriving. */
#define CHUNK_ORIGINAL ""
#define CHUNK_CLEAN ".clean"
#define CHUNK_PART ".part"
#define CHUNK_PATH (4096 + 3 + 2 * CHUNK_ID + 8)
#define CHUNK_FOLDERS 256

struct chunk;		/* one sealed file, being written or read */

/* For a file that begins now: ret_head are its first bytes. */
MUST_CHECK int chunk_begin(struct seal_lib *lib, const uint8_t key[SEAL_KEY], const uint8_t id[CHUNK_ID], uint8_t ret_head[CHUNK_HEAD], struct chunk **ret);
/* For one that is there: these are its first bytes. */
MUST_CHECK int chunk_resume(struct seal_lib *lib, const uint8_t key[SEAL_KEY], const uint8_t id[CHUNK_ID], const uint8_t head[CHUNK_HEAD], struct chunk **ret);
void chunk_free(struct chunk **c);

/* plain is CHUNK_PLAIN bytes, or fewer in the last. Writes plain.n + SEAL_TAG bytes; ret may be plain.p. Each number once. */
MUST_CHECK int chunk_seal(struct chunk *c, uint64_t index, bool last, struct str plain, uint8_t *ret);
/* Writes sealed.n - SEAL_TAG bytes; nothing usable on failure. ret may be sealed.p. */
MUST_CHECK int chunk_open(struct chunk *c, uint64_t index, bool last, struct str sealed, uint8_t *ret);

uint64_t chunk_count(uint64_t plain_bytes);		/* at least one */
uint64_t chunk_sealed_size(uint64_t plain_bytes);	/* of the whole file */
uint64_t chunk_offset(uint64_t index);			/* where a piece begins */
size_t chunk_plain_of(uint64_t plain_bytes, uint64_t index);	/* bytes in that piece */

/* --- files ------------------------------------------------------------------------------------------------------------ */

/* SPOOL/ab/abcdef...: of a file with this id, with one of the endings above. */
void chunk_path(const char *spool, const uint8_t id[CHUNK_ID], const char *ending, char ret[CHUNK_PATH]);
/* Piece number index of a file of plain_bytes; room is used on the way, and ret may be room. The caller knows plain_bytes from
 * a source of his own, or from chunk_plain_size() when the file alone has to do: a changed length is ERR_CORRUPT either way. */
MUST_CHECK int chunk_read(struct chunk *c, int fd, uint64_t plain_bytes, uint64_t index, uint8_t room[CHUNK_SEALED], uint8_t *ret);
/* Reads the head, and sees that the file is as long as one of plain_bytes is. */
MUST_CHECK int chunk_read_begin(struct seal_lib *lib, const uint8_t key[SEAL_KEY], const uint8_t id[CHUNK_ID], int fd, uint64_t plain_bytes, struct chunk **ret);
MUST_CHECK int chunk_plain_size(uint64_t sealed_bytes, uint64_t *ret);
/* All of it: from any descriptor that can be read to its end, sealed into another; and back. */
MUST_CHECK int chunk_seal_file(struct seal_lib *lib, const uint8_t key[SEAL_KEY], const uint8_t id[CHUNK_ID], int from, int to, uint64_t *ret_plain_bytes);
MUST_CHECK int chunk_open_file(struct seal_lib *lib, const uint8_t key[SEAL_KEY], const uint8_t id[CHUNK_ID], int from, uint64_t plain_bytes, int to);

#endif
