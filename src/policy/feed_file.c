/* feed_file.c - see feed_file.h. */
#include "policy/feed_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"

static const char magic[8] = "WRFEED1";

bool feed_file_source(struct str line, struct str *ret_name, struct str *ret_source)
{
	ptrdiff_t blank = str_find_char(line, ' ');

	if (blank <= 0 || blank > FEED_NAME)
		return false;
	*ret_name = str_make(line.p, (size_t)blank);
	*ret_source = str_trim(str_cut(line, (size_t)blank));
	for (size_t i = 0; i < ret_name->n; i++) {
		char c = ret_name->p[i];

		if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || (c == '-' && i)))
			return false;
	}
	return ret_source->n && (ret_source->p[0] == '/' || str_starts(*ret_source, STR("https://")) || str_starts(*ret_source, STR("http://")));
}

bool feed_file_path(const char *dir, struct str name, char ret[FEED_FILE_PATH])
{
	int n = snprintf(ret, FEED_FILE_PATH, "%s/feeds/%.*s.set", dir, STR_FMT(name));

	return n > 0 && n < FEED_FILE_PATH;
}

void feed_file_head(struct feed_head *h, const struct feed_build *b, uint64_t now_ms)
{
	*h = (struct feed_head){ .n = b->n, .made_ms = now_ms, .lines = b->lines, .broken = b->broken };
	memcpy(h->magic, magic, sizeof(magic));
}

static int map(int fd, struct feed_file *f)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return ERR_IO;
	if (!S_ISREG(st.st_mode) || (size_t)st.st_size < sizeof(f->head))
		return ERR_CORRUPT;
	f->map_n = (size_t)st.st_size;
	f->map = mmap(NULL, f->map_n, PROT_READ, MAP_SHARED, fd, 0);
	if (f->map == MAP_FAILED) {
		f->map = NULL;
		return ERR_NOMEM;
	}
	f->ino = st.st_ino;
	memcpy(&f->head, f->map, sizeof(f->head));
	if (memcmp(f->head.magic, magic, sizeof(magic)) != 0 || f->head.n > FEED_ENTRIES || f->map_n != sizeof(f->head) + f->head.n * sizeof(uint64_t))
		return ERR_CORRUPT;
	f->set.v = (const uint64_t *)(const void *)((const char *)f->map + sizeof(f->head));
	f->set.n = f->head.n;
	return 0;
}

int feed_file_read(const char *dir, struct str name, struct feed_file *ret)
{
	struct feed_file f = { .set = { .name = name, .trusted = true } };
	char path[FEED_FILE_PATH];
	int fd, r;

	*ret = f;
	if (!feed_file_path(dir, name, path))
		return ERR_LIMIT;
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return errno == ENOENT ? ERR_NOT_FOUND : ERR_IO;
	r = map(fd, &f);
	close(fd);
	if (r < 0)
		feed_file_release(&f);
	*ret = f;
	return r;
}

void feed_file_release(struct feed_file *f)
{
	if (f->map)
		munmap(f->map, f->map_n);
	f->map = NULL;
	f->set.v = NULL;
	f->set.n = 0;
}

int feed_file_open(struct policy *p, const char *dir)
{
	struct feed_set *sets = p->n_feed_lines ? arena_alloc(p->arena, p->n_feed_lines * sizeof(*sets)) : NULL;
	struct str name, source;

	if (p->n_feed_lines == 0)
		return 0;
	p->feeds = arena_alloc(p->arena, p->n_feed_lines * sizeof(*p->feeds));
	if (!sets || !p->feeds)
		return ERR_NOMEM;
	for (size_t i = 0; i < p->n_feed_lines; i++) {
		int r = feed_file_source(p->feed_lines[i], &name, &source) ? feed_file_read(dir, name, &p->feeds[i]) : ERR_BAD_FORMAT;

		if (r < 0)
			log_event(LOG_WARN, "feed.missing", LOG_S("name", name), LOG_Z("why", err_text(r)));
		else
			sets[p->links.n_feeds++] = p->feeds[i].set;
	}
	p->links.feeds = sets;
	return 0;
}

void feed_file_close(struct policy *p)
{
	for (size_t i = 0; p->feeds && i < p->n_feed_lines; i++)
		feed_file_release(&p->feeds[i]);
	p->feeds = NULL;
	p->links.feeds = NULL;
	p->links.n_feeds = 0;
}

bool feed_file_changed(const struct policy *p, const char *dir)
{
	for (size_t i = 0; p->feeds && i < p->n_feed_lines; i++) {
		char path[FEED_FILE_PATH];
		struct str name, source;
		struct stat st;

		if (!feed_file_source(p->feed_lines[i], &name, &source) || !feed_file_path(dir, name, path))
			continue;
		if (stat(path, &st) == 0 && st.st_ino != p->feeds[i].ino)
			return true;
	}
	return false;
}
