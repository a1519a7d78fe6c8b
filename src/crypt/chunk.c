/* chunk.c - see chunk.h. The construction is that of the STREAM of Hoang, Reyhanitabar, Rogaway and Vizar ("Online
 * Authenticated-Encryption and its Nonce-Reuse Misuse-Resistance", CRYPTO 2015), with random access: number and end of a piece are
 * bound to it, and nothing depends on its neighbours.
 */
#include "crypt/chunk.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/rand.h"
#include "base/secret.h"

#define MARK_BYTES 8
#define AAD_BYTES (CHUNK_ID + 9)

static const char mark[] = "WRfile\0";		/* with the NUL of the literal: 8 bytes; the last one is a version, 0 */
_Static_assert(sizeof(mark) == MARK_BYTES && CHUNK_HEAD == MARK_BYTES + 32, "a head is the mark and 32 random bytes");

struct chunk {
	struct seal *seal;
	uint8_t id[CHUNK_ID];
};

int chunk_resume(struct seal_lib *lib, const uint8_t key[SEAL_KEY], const uint8_t id[CHUNK_ID], const uint8_t head[CHUNK_HEAD], struct chunk **ret)
{
	const struct str parts[] = { STR("file"), { (const char *)id, CHUNK_ID }, { (const char *)head, CHUNK_HEAD } };
	struct chunk *c;
	struct seal_mac *mac = NULL;
	uint8_t own[SEAL_MAC];
	int r;

	if (memcmp(head, mark, MARK_BYTES) != 0)
		return ERR_CORRUPT;
	c = calloc(1, sizeof(*c));
	if (!c)
		return ERR_NOMEM;
	memcpy(c->id, id, CHUNK_ID);
	r = seal_mac_new(lib, key, &mac);
	if (r == 0) {
		seal_mac(mac, parts, sizeof(parts) / sizeof(parts[0]), own);
		r = seal_new(lib, own, &c->seal);
		secret_wipe(own, sizeof(own));
	}
	seal_mac_free(&mac);
	if (r < 0) {
		chunk_free(&c);
		return r;
	}
	*ret = c;
	return 0;
}

int chunk_begin(struct seal_lib *lib, const uint8_t key[SEAL_KEY], const uint8_t id[CHUNK_ID], uint8_t ret_head[CHUNK_HEAD], struct chunk **ret)
{
	memcpy(ret_head, mark, MARK_BYTES);
	rand_bytes(ret_head + MARK_BYTES, CHUNK_HEAD - MARK_BYTES);
	return chunk_resume(lib, key, id, ret_head, ret);
}

void chunk_free(struct chunk **c)
{
	if (!*c)
		return;
	seal_free(&(*c)->seal);
	free(*c);
	*c = NULL;
}

/* --- pieces ------------------------------------------------------------------------------------------------------------- */

static void put_number(uint8_t p[8], uint64_t v)
{
	for (unsigned i = 0; i < 8; i++)
		p[i] = (uint8_t)(v >> (56 - 8 * i));
}

static struct str place_of(const struct chunk *c, uint64_t index, bool last, uint8_t aad[AAD_BYTES], uint8_t nonce[SEAL_NONCE])
{
	memcpy(aad, c->id, CHUNK_ID);
	put_number(aad + CHUNK_ID, index);
	aad[CHUNK_ID + 8] = last;
	memset(nonce, 0, SEAL_NONCE);
	put_number(nonce + SEAL_NONCE - 8, index);
	return str_make((const char *)aad, AAD_BYTES);
}

int chunk_seal(struct chunk *c, uint64_t index, bool last, struct str plain, uint8_t *ret)
{
	uint8_t aad[AAD_BYTES], nonce[SEAL_NONCE];

	if (plain.n > CHUNK_PLAIN || (!last && plain.n != CHUNK_PLAIN) || index >= CHUNK_FILE_MAX / CHUNK_PLAIN)
		return ERR_LIMIT;
	return seal_close_at(c->seal, nonce, place_of(c, index, last, aad, nonce), plain, ret);
}

int chunk_open(struct chunk *c, uint64_t index, bool last, struct str sealed, uint8_t *ret)
{
	uint8_t aad[AAD_BYTES], nonce[SEAL_NONCE];

	if (sealed.n > CHUNK_SEALED || (!last && sealed.n != CHUNK_SEALED) || index >= CHUNK_FILE_MAX / CHUNK_PLAIN)
		return ERR_CORRUPT;
	return seal_open_at(c->seal, nonce, place_of(c, index, last, aad, nonce), sealed, ret);
}

uint64_t chunk_count(uint64_t plain_bytes)
{
	return plain_bytes ? (plain_bytes + CHUNK_PLAIN - 1) / CHUNK_PLAIN : 1;
}

uint64_t chunk_sealed_size(uint64_t plain_bytes)
{
	return CHUNK_HEAD + plain_bytes + chunk_count(plain_bytes) * SEAL_TAG;
}

uint64_t chunk_offset(uint64_t index)
{
	return CHUNK_HEAD + index * CHUNK_SEALED;
}

size_t chunk_plain_of(uint64_t plain_bytes, uint64_t index)
{
	uint64_t from = index * CHUNK_PLAIN;

	if (from >= plain_bytes)
		return 0;
	return plain_bytes - from < CHUNK_PLAIN ? (size_t)(plain_bytes - from) : CHUNK_PLAIN;
}

/* --- files ------------------------------------------------------------------------------------------------------------ */

void chunk_path(const char *spool, const uint8_t id[CHUNK_ID], const char *ending, char ret[CHUNK_PATH])
{
	char hex[2 * CHUNK_ID + 1];

	for (unsigned i = 0; i < CHUNK_ID; i++)
		snprintf(hex + 2 * i, 3, "%02x", id[i]);
	snprintf(ret, CHUNK_PATH, "%s/%.2s/%s%s", spool, hex, hex, ending);
}

int chunk_plain_size(uint64_t sealed_bytes, uint64_t *ret)
{
	uint64_t body, rest;

	if (sealed_bytes < CHUNK_HEAD + SEAL_TAG || sealed_bytes > chunk_sealed_size(CHUNK_FILE_MAX))
		return ERR_CORRUPT;
	body = sealed_bytes - CHUNK_HEAD;
	rest = body % CHUNK_SEALED;
	if (rest > 0 && rest < SEAL_TAG)
		return ERR_CORRUPT;
	*ret = body / CHUNK_SEALED * CHUNK_PLAIN + (rest ? rest - SEAL_TAG : 0);
	return chunk_sealed_size(*ret) == sealed_bytes ? 0 : ERR_CORRUPT;
}

/* Bytes read, fewer than n at the end alone. at < 0: from where the descriptor stands. */
static int64_t read_all(int fd, uint8_t *p, size_t n, int64_t at)
{
	size_t done = 0;

	while (done < n) {
		ssize_t got = at < 0 ? read(fd, p + done, n - done) : pread(fd, p + done, n - done, (off_t)at + (off_t)done);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return ERR_IO;
		if (got == 0)
			break;
		done += (size_t)got;
	}
	return (int64_t)done;
}

static int write_all(int fd, const uint8_t *p, size_t n)
{
	while (n) {
		ssize_t done = write(fd, p, n);

		if (done < 0 && errno == EINTR)
			continue;
		if (done < 0)
			return errno == ENOSPC || errno == EDQUOT || errno == EFBIG ? ERR_FULL : ERR_IO;
		p += done;
		n -= (size_t)done;
	}
	return 0;
}

int chunk_read(struct chunk *c, int fd, uint64_t plain_bytes, uint64_t index, uint8_t room[CHUNK_SEALED], uint8_t *ret)
{
	size_t want = chunk_plain_of(plain_bytes, index) + SEAL_TAG;
	uint64_t count = chunk_count(plain_bytes);
	int64_t got;

	if (plain_bytes > CHUNK_FILE_MAX || index >= count)
		return ERR_LIMIT;
	got = read_all(fd, room, want, (int64_t)chunk_offset(index));
	if (got < 0)
		return (int)got;
	if ((size_t)got != want)
		return ERR_CORRUPT;
	return chunk_open(c, index, index == count - 1, str_make((const char *)room, want), ret);
}

int chunk_read_begin(struct seal_lib *lib, const uint8_t key[SEAL_KEY], const uint8_t id[CHUNK_ID], int fd, uint64_t plain_bytes, struct chunk **ret)
{
	uint8_t head[CHUNK_HEAD];
	struct stat st;
	int64_t got;

	if (fstat(fd, &st) < 0)
		return ERR_IO;
	if (!S_ISREG(st.st_mode) || plain_bytes > CHUNK_FILE_MAX || (uint64_t)st.st_size != chunk_sealed_size(plain_bytes))
		return ERR_CORRUPT;
	got = read_all(fd, head, sizeof(head), 0);
	if (got < 0)
		return (int)got;
	return got == sizeof(head) ? chunk_resume(lib, key, id, head, ret) : ERR_CORRUPT;
}

struct rooms { uint8_t plain[CHUNK_PLAIN + 1], sealed[CHUNK_SEALED]; };

/* A piece is the last one when nothing comes after it: so one byte more is read than it holds. */
static int seal_all(struct chunk *c, int from, int to, struct rooms *b, uint64_t *ret_plain_bytes)
{
	uint64_t total = 0;
	size_t ahead = 0;

	for (uint64_t i = 0;; i++) {
		int64_t got = read_all(from, b->plain + ahead, sizeof(b->plain) - ahead, -1);
		size_t n;
		bool last;
		int r;

		if (got < 0)
			return (int)got;
		last = ahead + (size_t)got <= CHUNK_PLAIN;
		n = last ? ahead + (size_t)got : CHUNK_PLAIN;
		r = chunk_seal(c, i, last, str_make((const char *)b->plain, n), b->sealed);
		if (r == 0)
			r = write_all(to, b->sealed, n + SEAL_TAG);
		if (r < 0)
			return r;
		total += n;
		if (last) {
			*ret_plain_bytes = total;
			return 0;
		}
		b->plain[0] = b->plain[CHUNK_PLAIN];
		ahead = 1;
	}
}

int chunk_seal_file(struct seal_lib *lib, const uint8_t key[SEAL_KEY], const uint8_t id[CHUNK_ID], int from, int to, uint64_t *ret_plain_bytes)
{
	struct rooms *b = malloc(sizeof(*b));
	struct chunk *c = NULL;
	uint8_t head[CHUNK_HEAD];
	int r;

	if (!b)
		return ERR_NOMEM;
	r = chunk_begin(lib, key, id, head, &c);
	if (r == 0)
		r = write_all(to, head, sizeof(head));
	if (r == 0)
		r = seal_all(c, from, to, b, ret_plain_bytes);
	chunk_free(&c);
	secret_wipe(b->plain, sizeof(b->plain));
	free(b);
	return r;
}

int chunk_open_file(struct seal_lib *lib, const uint8_t key[SEAL_KEY], const uint8_t id[CHUNK_ID], int from, uint64_t plain_bytes, int to)
{
	struct rooms *b = malloc(sizeof(*b));
	struct chunk *c = NULL;
	int r;

	if (!b)
		return ERR_NOMEM;
	r = chunk_read_begin(lib, key, id, from, plain_bytes, &c);
	for (uint64_t i = 0; r == 0 && i < chunk_count(plain_bytes); i++) {
		r = chunk_read(c, from, plain_bytes, i, b->sealed, b->plain);
		if (r == 0)
			r = write_all(to, b->plain, chunk_plain_of(plain_bytes, i));
	}
	chunk_free(&c);
	secret_wipe(b->plain, sizeof(b->plain));
	free(b);
	return r;
}
