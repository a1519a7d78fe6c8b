/* scanner_folder.c - folders of the operator's that are looked at again and again: has anything changed? See scanner_parts.h. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/scanner_parts.h"

int scanner_folder_open(struct str dir, const char *name)
{
	char path[4096];
	int n = snprintf(path, sizeof(path), "%.*s/%s", STR_FMT(dir), name);

	return n < 0 || (size_t)n >= sizeof(path) ? -1 : open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

static bool is_wanted(const char *name, const char *const *endings)
{
	if (name[0] == '.' || strlen(name) >= 256)
		return false;
	for (; *endings; endings++)
		if (str_ends(str_of(name), str_of(*endings)))
			return true;
	return false;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(a, b);
}

static int read_names(int fd, const char *const *endings, struct scanner_folder *f)
{
	int again = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir;
	struct dirent *e;

	/* A sandbox that does not let it be opened again lets the open one be read again. */
	if (again < 0)
		again = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	dir = again < 0 ? NULL : fdopendir(again);
	if (!dir) {
		if (again >= 0)
			close(again);
		return ERR_IO;
	}
	rewinddir(dir);
	while ((e = readdir(dir))) {
		if (!is_wanted(e->d_name, endings))
			continue;
		if (f->n == SCANNER_FOLDER_FILES) {
			f->too_many = true;
			break;
		}
		memcpy(f->names[f->n++], e->d_name, strlen(e->d_name) + 1);
	}
	closedir(dir);
	return 0;
}

/* Drops what is no regular file. */
static void sign(int fd, struct scanner_folder *f)
{
	EVP_MD_CTX *md = EVP_MD_CTX_new();
	unsigned kept = 0;

	CHECK(md && EVP_DigestInit_ex(md, EVP_sha256(), NULL));
	for (unsigned i = 0; i < f->n; i++) {
		struct stat st;
		uint64_t facts[5];

		if (fstatat(fd, f->names[i], &st, 0) < 0 || !S_ISREG(st.st_mode))
			continue;
		facts[0] = (uint64_t)st.st_size;
		facts[1] = (uint64_t)st.st_mtim.tv_sec;
		facts[2] = (uint64_t)st.st_mtim.tv_nsec;
		facts[3] = st.st_ino;
		facts[4] = st.st_dev;
		EVP_DigestUpdate(md, f->names[i], strlen(f->names[i]) + 1);
		EVP_DigestUpdate(md, facts, sizeof(facts));
		if (kept != i)
			memcpy(f->names[kept], f->names[i], sizeof(f->names[i]));
		kept++;
	}
	f->n = kept;
	CHECK(EVP_DigestFinal_ex(md, f->sign, NULL));
	EVP_MD_CTX_free(md);
}

int scanner_folder_list(int fd, const char *const *endings, struct scanner_folder *ret)
{
	struct scanner_folder f = { .names = calloc(SCANNER_FOLDER_FILES, sizeof(*f.names)) };
	int r = f.names ? 0 : ERR_NOMEM;

	if (r == 0 && fd >= 0)
		r = read_names(fd, endings, &f);
	if (r < 0) {
		free(f.names);
		return r;
	}
	qsort(f.names, f.n, sizeof(*f.names), by_name);
	sign(fd, &f);
	*ret = f;
	return 0;
}

void scanner_folder_free(struct scanner_folder *f)
{
	free(f->names);
	*f = (struct scanner_folder){ 0 };
}

int scanner_folder_read(int fd, const char *name, size_t max, char **ret, size_t *ret_n)
{
	int file = openat(fd, name, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	struct stat st;
	char *p = NULL;
	size_t n = 0;
	int r = file < 0 || fstat(file, &st) < 0 || !S_ISREG(st.st_mode) ? ERR_IO : 0;

	if (r == 0 && (uint64_t)st.st_size > max)
		r = ERR_LIMIT;
	if (r == 0 && !(p = malloc((size_t)st.st_size + 1)))
		r = ERR_NOMEM;
	while (r == 0 && n < (size_t)st.st_size) {
		ssize_t got = read(file, p + n, (size_t)st.st_size - n);

		if (got < 0 && errno != EINTR)
			r = ERR_IO;
		if (got == 0)
			break;
		if (got > 0)
			n += (size_t)got;
	}
	if (file >= 0)
		close(file);
	if (r < 0) {
		free(p);
		return r;
	}
	*ret = p;
	*ret_n = n;
	return 0;
}
