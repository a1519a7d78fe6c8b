/* scanner_digests.c - lists of SHA-256 of malicious files, from the folder digests/ of the instance. See scanner_parts.h.
 *
 * Any text with a digest in its lines will do: bare ones, what sha256sum writes, the CSV of those who publish such lists.
 */
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/limits.h"
#include "base/log.h"
#include "core/scanner_parts.h"

#define LIST_BYTES (256u << 20)		/* of one file */

static int digit_of(char c)
{
	return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

static bool is_word(char c)
{
	return digit_of(c) >= 0 || (c >= 'g' && c <= 'z') || (c >= 'G' && c <= 'Z') || c == '_';
}

bool scanner_digests_line(struct str line, uint8_t ret[32])
{
	if (line.n && line.p[0] == '#')
		return false;
	for (size_t at = 0, end; at < line.n; at = end + 1) {
		bool hex = true;

		for (end = at; end < line.n && is_word(line.p[end]); end++)
			hex = hex && digit_of(line.p[end]) >= 0;
		if (end - at != 64 || !hex)
			continue;
		for (unsigned i = 0; i < 32; i++)
			ret[i] = (uint8_t)(digit_of(line.p[at + 2 * i]) << 4 | digit_of(line.p[at + 2 * i + 1]));
		return true;
	}
	return false;
}

static int by_bytes(const void *a, const void *b)
{
	return memcmp(a, b, 32);
}

static int add(struct scanner_digests *d, const uint8_t digest[32])
{
	if (d->n == LIMIT_SCAN_DIGESTS)
		return ERR_LIMIT;
	if (d->n == d->cap) {
		size_t cap = d->cap ? d->cap * 2 : 1024;
		void *v = realloc(d->v, cap * sizeof(*d->v));

		if (!v)
			return ERR_NOMEM;
		d->v = v;
		d->cap = cap;
	}
	memcpy(d->v[d->n++], digest, 32);
	return 0;
}

static int read_list(int fd, const char *name, struct scanner_digests *d)
{
	uint8_t digest[32];
	char *text;
	size_t n;
	int r = scanner_folder_read(fd, name, LIST_BYTES, &text, &n);

	if (r < 0)
		return r;
	for (struct str left = { text, n }; r == 0 && left.n;) {
		ptrdiff_t at = str_find_char(left, '\n');
		struct str line = at < 0 ? left : str_make(left.p, (size_t)at);

		if (scanner_digests_line(line, digest))
			r = add(d, digest);
		left = str_cut(left, line.n + 1);
	}
	free(text);
	return r;
}

/* Sorted, each once, and signed. */
static void settle(struct scanner_digests *d)
{
	size_t kept = 0;

	if (d->n)
		qsort(d->v, d->n, sizeof(*d->v), by_bytes);
	for (size_t i = 0; i < d->n; i++)
		if (i == 0 || memcmp(d->v[i], d->v[i - 1], 32) != 0)
			memmove(d->v[kept++], d->v[i], 32);
	d->n = kept;
	CHECK(EVP_Digest(d->v ? (void *)d->v : "", d->n * 32, d->sign, NULL, EVP_sha256(), NULL));
}

/* A list that cannot be read whole leaves those before in force, and is told. */
void scanner_digests_tend(struct scanner_digests *d, struct str dir, uint64_t now_ms)
{
	static const char *const any[] = { "", NULL };
	struct scanner_digests fresh = { 0 };
	struct scanner_folder f = { 0 };
	int fd, r;

	if (now_ms < d->due_ms)
		return;
	d->due_ms = now_ms + SCANNER_LOOK_MS;
	fd = scanner_folder_open(dir, "digests");
	r = scanner_folder_list(fd, any, &f);
	if (r == 0 && memcmp(f.sign, d->folder, sizeof(f.sign)) != 0) {
		memcpy(fresh.folder, f.sign, sizeof(f.sign));
		fresh.due_ms = d->due_ms;
		if (f.too_many)
			snprintf(fresh.says, sizeof(fresh.says), "more than %u files in digests/: the others are not read", SCANNER_FOLDER_FILES);
		for (unsigned i = 0; r == 0 && i < f.n; i++) {
			r = read_list(fd, f.names[i], &fresh);
			if (r < 0)
				snprintf(d->says, sizeof(d->says), "digests/%.80s: %s", f.names[i], err_text(r));
		}
		if (r == 0) {
			settle(&fresh);
			free(d->v);
			*d = fresh;
			log_event(LOG_INFO, "scanner.digests", LOG_N("files", f.n), LOG_N("digests", d->n));
		} else {
			memcpy(d->folder, f.sign, sizeof(f.sign));
			free(fresh.v);
			log_event(LOG_ERROR, "scanner.digests_refused", LOG_Z("why", d->says));
		}
	}
	scanner_folder_free(&f);
	if (fd >= 0)
		close(fd);
}

bool scanner_digests_has(const struct scanner_digests *d, const uint8_t sha256[32])
{
	return d->n && bsearch(sha256, d->v, d->n, sizeof(*d->v), by_bytes);
}

void scanner_digests_free(struct scanner_digests *d)
{
	free(d->v);
	*d = (struct scanner_digests){ 0 };
}
