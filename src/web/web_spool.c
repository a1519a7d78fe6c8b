/* web_spool.c - see web_spool.h. Pieces are written and read on the loop's thread: they go to and come from the page cache, 64 KiB at a
 * time, which costs less than handing them to another thread would. What waits for the disk is done elsewhere, and bit by bit.
 */
#include "web/web_spool.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/check.h"
#include "base/secret.h"

#define SPOOL_MAGIC 0x3eb00f11u
#define LOOK_EVERY 256			/* pieces between two looks at the space that is left: 16 MiB */
#define PART_PATH (CHUNK_PATH + sizeof(CHUNK_PART))

struct web_spool {
	CHECK_MAGIC;
	struct chunk *chunk;
	int fd;
	uint64_t bytes, done;		/* plaintext: of all, and taken */
	uint64_t next;			/* number of the piece that is being filled */
	uint64_t flushed;		/* bytes of the file that are on the disk */
	uint8_t *piece;			/* CHUNK_SEALED: filled with plaintext, sealed in place */
	size_t piece_n;
	bool arriving, has_name;
	char path[CHUNK_PATH];		/* the final one */
};

static int error_of(int err)
{
	return err == ENOSPC || err == EDQUOT || err == EFBIG ? ERR_FULL : err == ENOENT ? ERR_NOT_FOUND : err == EEXIST ? ERR_CONFLICT : ERR_IO;
}

/* --- the folders ------------------------------------------------------------------------------------------------------ */

static bool is_unfinished(const char *name)
{
	return strlen(name) == 2 * CHUNK_ID + strlen(CHUNK_PART) && strcmp(name + 2 * CHUNK_ID, CHUNK_PART) == 0;
}

static int sweep(const char *folder)
{
	DIR *d = opendir(folder);
	const struct dirent *e;
	int r = 0;

	if (!d)
		return ERR_IO;
	while ((e = readdir(d)) != NULL)
		if (is_unfinished(e->d_name) && unlinkat(dirfd(d), e->d_name, 0) < 0)
			r = ERR_IO;
	closedir(d);
	return r;
}

int web_spool_prepare(const char *dir, struct arena *a, struct str *ret_why)
{
	for (unsigned i = 0; i < CHUNK_FOLDERS; i++) {
		char folder[CHUNK_PATH];

		snprintf(folder, sizeof(folder), "%s/%02x", dir, i);
		if (mkdir(folder, 0700) == 0)
			continue;
		if (errno != EEXIST || sweep(folder) < 0) {
			*ret_why = arena_printf(a, "the folder %s cannot be made or read: %s", folder, strerror(errno));
			return ERR_IO;
		}
	}
	return 0;
}

/* ERR_FULL when writing so much more would leave too little for all else that lies on this disk: chat comes before files. */
static int look_for_room(int fd, uint64_t bytes)
{
	struct statvfs st;
	uint64_t reserve, left;

	if (fstatvfs(fd, &st) < 0)
		return ERR_IO;
	left = (uint64_t)st.f_bavail * st.f_frsize;
	reserve = (uint64_t)st.f_blocks * st.f_frsize / 16;
	if (reserve > WEB_SPOOL_RESERVE)
		reserve = WEB_SPOOL_RESERVE;
	return left >= reserve && left - reserve >= bytes ? 0 : ERR_FULL;
}

/* --- in -------------------------------------------------------------------------------------------------------------------- */

static void part_path(const struct web_spool *s, char ret[PART_PATH])
{
	snprintf(ret, PART_PATH, "%s%s", s->path, CHUNK_PART);
}

static int write_all(struct web_spool *s, const uint8_t *p, size_t n)
{
	while (n) {
		ssize_t r = write(s->fd, p, n);

		if (r < 0 && errno == EINTR)
			continue;
		if (r <= 0)
			return r < 0 ? error_of(errno) : ERR_IO;
		p += r;
		n -= (size_t)r;
	}
	return 0;
}

static struct web_spool *spool_new(const char *dir, const uint8_t id[CHUNK_ID], const char *ending, uint64_t bytes)
{
	struct web_spool *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	s->magic = SPOOL_MAGIC;
	s->fd = -1;
	s->bytes = bytes;
	chunk_path(dir, id, ending, s->path);
	return s;
}

static int seal_piece(struct web_spool *s)
{
	bool last = s->next + 1 == chunk_count(s->bytes);
	int r = 0;

	if (s->next % LOOK_EVERY == LOOK_EVERY - 1)
		r = look_for_room(s->fd, s->bytes - s->done);
	if (r == 0)
		r = chunk_seal(s->chunk, s->next, last, str_make((const char *)s->piece, s->piece_n), s->piece);
	if (r == 0)
		r = write_all(s, s->piece, s->piece_n + SEAL_TAG);
	if (r < 0)
		return r;
	s->next++;
	s->piece_n = 0;
	return 0;
}

static int begin(struct web_spool *s, struct seal_lib *lib, const uint8_t id[CHUNK_ID], const uint8_t key[SEAL_KEY])
{
	uint8_t head[CHUNK_HEAD];
	char part[PART_PATH];
	int r;

	s->piece = malloc(CHUNK_SEALED);
	if (!s->piece)
		return ERR_NOMEM;
	part_path(s, part);
	s->fd = open(part, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (s->fd < 0)
		return error_of(errno);
	s->arriving = true;
	r = look_for_room(s->fd, chunk_sealed_size(s->bytes));
	if (r == 0)
		r = chunk_begin(lib, key, id, head, &s->chunk);
	if (r == 0)
		r = write_all(s, head, sizeof(head));
	return r == 0 && s->bytes == 0 ? seal_piece(s) : r;
}

int web_spool_begin(const char *dir, struct seal_lib *lib, const uint8_t id[CHUNK_ID], const uint8_t key[SEAL_KEY], uint64_t bytes, struct web_spool **ret)
{
	struct web_spool *s;
	int r;

	if (bytes > CHUNK_FILE_MAX)
		return ERR_LIMIT;
	s = spool_new(dir, id, CHUNK_ORIGINAL, bytes);
	if (!s)
		return ERR_NOMEM;
	r = begin(s, lib, id, key);
	if (r < 0)
		web_spool_end(&s);
	else
		*ret = s;
	return r;
}

int web_spool_add(struct web_spool *s, struct str bytes)
{
	CHECK_OBJ(s, SPOOL_MAGIC);
	if (bytes.n > s->bytes - s->done)
		return ERR_LIMIT;
	while (bytes.n) {
		size_t n = CHUNK_PLAIN - s->piece_n;
		int r;

		if (n > bytes.n)
			n = bytes.n;
		memcpy(s->piece + s->piece_n, bytes.p, n);
		s->piece_n += n;
		s->done += n;
		bytes = str_cut(bytes, n);
		if (s->piece_n < CHUNK_PLAIN && s->done < s->bytes)
			return 0;
		r = seal_piece(s);
		if (r < 0)
			return r;
	}
	return 0;
}

bool web_spool_is_whole(const struct web_spool *s)
{
	return s->done == s->bytes;
}

uint64_t web_spool_unflushed(const struct web_spool *s)
{
	uint64_t written = s->next < chunk_count(s->bytes) ? chunk_offset(s->next) : chunk_sealed_size(s->bytes);

	return written - s->flushed;
}

/* An error shows itself at fsync, too. */
void web_spool_flush(const struct web_spool *s)
{
	(void)sync_file_range(s->fd, (off_t)s->flushed, WEB_SPOOL_STEP, SYNC_FILE_RANGE_WAIT_BEFORE | SYNC_FILE_RANGE_WRITE | SYNC_FILE_RANGE_WAIT_AFTER);
}

void web_spool_flushed(struct web_spool *s)
{
	uint64_t n = web_spool_unflushed(s);

	s->flushed += n < WEB_SPOOL_STEP ? n : WEB_SPOOL_STEP;
}

static int sync_folder(const char *path)
{
	char folder[CHUNK_PATH];
	int fd, r;

	snprintf(folder, sizeof(folder), "%s", path);
	*strrchr(folder, '/') = '\0';		/* chunk_path() has put one there */
	fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return ERR_IO;
	r = fsync(fd) < 0 ? error_of(errno) : 0;
	close(fd);
	return r;
}

int web_spool_finish(struct web_spool *s)
{
	char part[PART_PATH];
	int r;

	CHECK_OBJ(s, SPOOL_MAGIC);
	if (!web_spool_is_whole(s))
		return ERR_LIMIT;
	part_path(s, part);
	while (web_spool_unflushed(s)) {
		web_spool_flush(s);
		web_spool_flushed(s);
	}
	if (fsync(s->fd) < 0)
		return error_of(errno);
	if (rename(part, s->path) < 0)
		return error_of(errno);
	s->has_name = true;
	r = sync_folder(s->path);
	if (r < 0)
		unlink(s->path);	/* nobody is told that it is there */
	return r;
}

/* --- out ------------------------------------------------------------------------------------------------------------------- */

int web_spool_open(const char *dir, struct seal_lib *lib, const uint8_t id[CHUNK_ID], const uint8_t key[SEAL_KEY], bool clean, uint64_t bytes,
		   struct web_spool **ret)
{
	struct web_spool *s = spool_new(dir, id, clean ? CHUNK_CLEAN : CHUNK_ORIGINAL, bytes);
	int r = ERR_NOMEM;

	if (!s)
		return r;
	s->fd = open(s->path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	r = s->fd < 0 ? error_of(errno) : chunk_read_begin(lib, key, id, s->fd, bytes, &s->chunk);
	if (r < 0)
		web_spool_end(&s);
	else
		*ret = s;
	return r;
}

int web_spool_read(struct web_spool *s, uint64_t from, uint8_t room[CHUNK_SEALED], struct str *ret)
{
	uint64_t index = from / CHUNK_PLAIN;
	size_t skip = (size_t)(from % CHUNK_PLAIN);
	int r;

	CHECK_OBJ(s, SPOOL_MAGIC);
	r = chunk_read(s->chunk, s->fd, s->bytes, index, room, room);
	if (r < 0)
		return r;
	*ret = str_cut(str_make((const char *)room, chunk_plain_of(s->bytes, index)), skip);
	return 0;
}

void web_spool_end(struct web_spool **ref)
{
	struct web_spool *s = *ref;
	char part[PART_PATH];

	if (!s)
		return;
	*ref = NULL;
	CHECK_OBJ(s, SPOOL_MAGIC);
	if (s->arriving && !s->has_name) {
		part_path(s, part);
		unlink(part);
	}
	if (s->fd >= 0)
		close(s->fd);
	chunk_free(&s->chunk);
	if (s->piece)
		secret_wipe(s->piece, CHUNK_SEALED);
	free(s->piece);
	s->magic = 0;
	free(s);
}

void web_spool_drop(struct web_spool **s)
{
	if (*s && (*s)->arriving && (*s)->has_name)
		unlink((*s)->path);
	web_spool_end(s);
}
