/* scanner_yara.c - the company's rules, from the folder yara/ of the instance: read here, compiled by a process that the sandbox holds. See
 * scanner_parts.h. */
#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/limits.h"
#include "base/log.h"
#include "core/scanner_parts.h"

#define TRIES 3				/* of a process that dies over them; then they are told as unfit */

void scanner_yara_init(struct scanner_yara *y)
{
	*y = (struct scanner_yara){ .fd = -1, .source = -1 };
}

static int write_all(int fd, const void *p, size_t n)
{
	const char *at = p;

	while (n) {
		ssize_t r = write(fd, at, n);

		if (r < 0 && errno == EINTR)
			continue;
		if (r <= 0)
			return ERR_FULL;
		at += r;
		n -= (size_t)r;
	}
	return 0;
}

/* One file behind the others. */
static int add(struct scanner_yara *y, int folder, const char *name, EVP_MD_CTX *md)
{
	struct scan_job_source head = { .name_n = (uint32_t)strlen(name) };
	char *text;
	size_t n;
	int r = scanner_folder_read(folder, name, LIMIT_SCAN_RULES - (size_t)y->source_n, &text, &n);

	if (r < 0)
		return r;
	head.text_n = (uint32_t)n;
	r = write_all(y->source, &head, sizeof(head));
	if (r == 0)
		r = write_all(y->source, name, head.name_n);
	if (r == 0)
		r = write_all(y->source, text, n);
	EVP_DigestUpdate(md, name, (size_t)head.name_n + 1);
	EVP_DigestUpdate(md, text, n);
	free(text);
	y->source_n += sizeof(head) + head.name_n + n;
	y->source_files++;
	return r;
}

static void drop_source(struct scanner_yara *y)
{
	if (y->source >= 0)
		close(y->source);
	y->source = -1;
	y->source_n = 0;
	y->source_files = y->tries = 0;
}

static void drop_rules(struct scanner_yara *y)
{
	if (y->fd >= 0)
		close(y->fd);
	y->fd = -1;
	y->n = 0;
	y->files = 0;
	memset(y->sign, 0, sizeof(y->sign));
}

static int gather(struct scanner_yara *y, int fd, const struct scanner_folder *f)
{
	EVP_MD_CTX *md = EVP_MD_CTX_new();
	int r = md && EVP_DigestInit_ex(md, EVP_sha256(), NULL) ? 0 : ERR_NOMEM;

	drop_source(y);
	if (r == 0 && (y->source = scanner_job_memfd("yara-source")) < 0)
		r = ERR_NOMEM;
	for (unsigned i = 0; r == 0 && i < f->n; i++) {
		r = add(y, fd, f->names[i], md);
		if (r < 0)
			snprintf(y->says, sizeof(y->says), "%s: %s\n", f->names[i], r == ERR_LIMIT ? "too much for all rules together" : err_text(r));
	}
	if (r == 0)
		r = scanner_job_seal(y->source);
	if (r == 0)
		EVP_DigestFinal_ex(md, y->wanted, NULL);
	EVP_MD_CTX_free(md);
	return r;
}

void scanner_yara_tend(struct scanner_yara *y, struct str dir, uint64_t now_ms)
{
	static const char *const endings[] = { ".yar", ".yara", NULL };
	struct scanner_folder f = { 0 };
	int fd, r;

	if (now_ms < y->due_ms)
		return;
	y->due_ms = now_ms + SCANNER_LOOK_MS;
	fd = scanner_folder_open(dir, "yara");
	r = scanner_folder_list(fd, endings, &f);
	if (r == 0 && (!y->settled || memcmp(f.sign, y->folder, sizeof(f.sign)) != 0) && (y->source < 0 || memcmp(f.sign, y->folder, sizeof(f.sign)) != 0)) {
		memcpy(y->folder, f.sign, sizeof(f.sign));
		y->says[0] = '\0';
		if (f.n == 0) {
			drop_source(y);
			drop_rules(y);
			y->settled = true;
		} else if (gather(y, fd, &f) < 0) {
			drop_source(y);
			y->settled = true;	/* those before stay in force */
			log_event(LOG_ERROR, "scanner.rules_refused", LOG_Z("why", y->says));
		}
	}
	scanner_folder_free(&f);
	if (fd >= 0)
		close(fd);
}

/* Mistakes keep the rules before in force, if there are any: an edit that went wrong takes no protection away. At the start there are none, so then
 * those files hold that have no mistake. */
bool scanner_yara_compiled(struct scanner_yara *y, int out, const struct scan_job_answer *a, int err)
{
	bool usable = err == 0 && a->err == 0 && a->out_n && scanner_job_seal(out) == 0;

	if (err == 0 && a->text[0])
		snprintf(y->says, sizeof(y->says), "%s", a->text);
	else if (!usable && ++y->tries < TRIES)
		return false;		/* once more */
	else if (!usable)
		snprintf(y->says, sizeof(y->says), "yara: the rules cannot be compiled: %s\n", err_text(err ? err : a->err ? a->err : ERR_BAD_FORMAT));
	y->settled = true;
	if (y->says[0])
		log_event(LOG_ERROR, "scanner.rules_refused", LOG_Z("why", y->says), LOG_N("in_force", y->fd >= 0 || usable));
	if (!usable || (y->says[0] && y->fd >= 0)) {
		drop_source(y);
		return false;
	}
	if (y->fd >= 0)
		close(y->fd);
	y->fd = fcntl(out, F_DUPFD_CLOEXEC, 0);
	y->n = y->fd < 0 ? 0 : a->out_n;
	y->files = y->source_files;
	memcpy(y->sign, y->wanted, sizeof(y->sign));
	log_event(LOG_INFO, "scanner.rules", LOG_N("files", y->files));
	drop_source(y);
	return true;
}

void scanner_yara_free(struct scanner_yara *y)
{
	drop_source(y);
	drop_rules(y);
}
