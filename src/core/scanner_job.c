/* scanner_job.c - one file on its way to wardroom-scand and back: opened, shown, its copy sealed. See scanner_parts.h.
 *
 * Plaintext lies in memory that no other process but that one sees, and is gone with the job.
 */
#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/limits.h"
#include "base/log.h"
#include "base/rand.h"
#include "base/secret.h"
#include "core/scanner_parts.h"
#include "crypt/chunk.h"

#define FRESH ".new"			/* a copy that is being written */
#define OUT_FREE (1u << 20)		/* a cleaned copy may be twice the file, and this */

int scanner_job_memfd(const char *name)
{
	return memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);
}

int scanner_job_seal(int fd)
{
	if (fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL) == 0)
		return 0;
	return errno == EBUSY ? ERR_BUSY : ERR_IO;
}

static int digest_of(int fd, uint64_t n, uint8_t ret[32])
{
	void *p = n ? mmap(NULL, n, PROT_READ, MAP_SHARED, fd, 0) : NULL;
	int ok;

	if (p == MAP_FAILED)
		return ERR_NOMEM;
	ok = EVP_Digest(p ? p : "", n, ret, NULL, EVP_sha256(), NULL);
	if (p)
		munmap(p, n);
	return ok ? 0 : ERR_NOMEM;
}

static int path_of(const struct scanner *s, const uint8_t id[16], const char *ending, char ret[CHUNK_PATH])
{
	char spool[4096];
	int n = snprintf(spool, sizeof(spool), "%.*s", STR_FMT(s->spool));

	if (n < 0 || (size_t)n >= sizeof(spool))
		return ERR_LIMIT;
	chunk_path(spool, id, ending, ret);
	return 0;
}

/* The plaintext, in memory that nobody changes any more. */
static int open_file(struct scanner *s, struct scan_job *j, int *ret)
{
	char path[CHUNK_PATH];
	int file, fd = -1, r = path_of(s, j->id, CHUNK_ORIGINAL, path);

	if (r < 0)
		return r;
	file = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (file < 0)
		return errno == ENOENT ? ERR_NOT_FOUND : ERR_IO;
	fd = scanner_job_memfd("file");
	r = fd < 0 ? ERR_NOMEM : chunk_open_file(s->lib, j->key, j->id, file, j->size, fd);
	if (r == 0 && j->unlock.n_iv)
		r = aesgcm_open_fd(fd, j->size, j->unlock.key, j->unlock.iv, j->unlock.n_iv);
	if (r == 0)
		r = scanner_job_seal(fd);
	close(file);
	if (r < 0) {
		if (fd >= 0)
			close(fd);
		return r;
	}
	*ret = fd;
	return 0;
}

static uint64_t shown_bytes(const struct scan_job *j)
{
	return j->unlock.n_iv ? j->size - (j->size < AESGCM_TAG ? j->size : AESGCM_TAG) : j->size;
}

static void set_text(char *to, size_t room, struct str from, uint32_t *ret_n)
{
	size_t n = from.n < room ? from.n : room;

	memcpy(to, from.p + (from.n - n), n);	/* of a name too long, its end counts */
	*ret_n = (uint32_t)n;
}

static void set_question(const struct scanner *s, struct scanner_slot *slot, const struct scan_job *j)
{
	uint64_t most = j->size * 2 + OUT_FREE;

	slot->q = (struct scan_job_question){ .kind = SCAN_JOB_FILE, .n = shown_bytes(j), .yara_n = s->yara.n, .clean_what = j->clean_what,
					      .out_most = most < LIMIT_SCAN_OUT ? most : LIMIT_SCAN_OUT };
	set_text(slot->q.name, sizeof(slot->q.name), j->name, &slot->q.name_n);
	set_text(slot->q.type, sizeof(slot->q.type), j->type, &slot->q.type_n);
}

int scanner_job_begin(struct scanner *s, struct scanner_slot *slot, struct scan_job *j, int clamd)
{
	int fds[SCAN_JOB_FDS] = { -1, -1, s->yara.fd, clamd };
	int r;

	slot->in = slot->out = -1;
	set_question(s, slot, j);
	r = open_file(s, j, &slot->in);
	if (r == 0)
		r = digest_of(slot->in, slot->q.n, slot->sha256);
	if (r == 0 && j->clean_what && (slot->out = scanner_job_memfd("clean")) < 0)
		r = ERR_NOMEM;
	fds[SCAN_JOB_IN] = slot->in;
	fds[SCAN_JOB_OUT] = slot->out;
	if (r == 0)
		r = scan_job_ask(slot->sock, &slot->q, fds);
	if (r < 0) {
		scanner_job_release(s, slot);
		return r;
	}
	slot->job = j;
	slot->busy = true;
	slot->bytes = j->size + (j->clean_what ? slot->q.out_most : 0);
	s->bytes += slot->bytes;
	return 0;
}

void scanner_job_release(struct scanner *s, struct scanner_slot *slot)
{
	if (slot->in >= 0)
		close(slot->in);
	if (slot->out >= 0)
		close(slot->out);
	slot->in = slot->out = -1;
	s->bytes -= slot->bytes;
	slot->bytes = 0;
	slot->job = NULL;
	slot->busy = false;
}

/* --- what came of it ------------------------------------------------------------------------------------------------------ */

void scanner_job_note(struct scan_result *r, enum file_fact fact, const char *evidence)
{
	struct file_fact_found *f;

	if (!(r->facts & FACT_BIT(fact)) && r->n_found < FACTS_FOUND) {
		f = &r->found[r->n_found++];
		f->fact = (uint8_t)fact;
		snprintf(f->evidence, sizeof(f->evidence), "%s", evidence);
	}
	r->facts |= FACT_BIT(fact);
}

/* Whole or not at all, under a key of its own. */
static int seal_copy(struct scanner *s, struct scanner_slot *slot, struct scan_result *out)
{
	char path[CHUNK_PATH], fresh[CHUNK_PATH];
	uint64_t n = 0;
	int fd, r = path_of(s, slot->job->id, CHUNK_CLEAN, path);

	if (r == 0)
		r = path_of(s, slot->job->id, FRESH, fresh);
	if (r < 0)
		return r;
	fd = open(fresh, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return errno == ENOSPC ? ERR_FULL : ERR_IO;
	rand_bytes(out->cleaned_key, sizeof(out->cleaned_key));
	r = lseek(slot->out, 0, SEEK_SET) < 0 ? ERR_IO : chunk_seal_file(s->lib, out->cleaned_key, slot->job->id, slot->out, fd, &n);
	if (r == 0 && n != out->cleaned_n)
		r = ERR_BAD_FORMAT;
	if (r == 0 && fsync(fd) < 0)
		r = errno == ENOSPC ? ERR_FULL : ERR_IO;
	if (close(fd) < 0 && r == 0)
		r = ERR_IO;
	if (r == 0 && rename(fresh, path) < 0)
		r = ERR_IO;
	if (r < 0)
		unlink(fresh);
	return r;
}

/* Only now nobody can change the copy any more; it is what was said of it, or nothing that was said counts. */
static int take_copy(struct scanner *s, struct scanner_slot *slot, const struct scan_job_answer *a, struct scan_result *out)
{
	uint8_t digest[32];
	struct stat st;
	int r = scanner_job_seal(slot->out);

	if (r < 0 || fstat(slot->out, &st) < 0 || (uint64_t)st.st_size != a->out_n)
		return ERR_BAD_FORMAT;
	r = digest_of(slot->out, a->out_n, digest);
	if (r == 0 && memcmp(digest, a->cleaned_sha256, sizeof(digest)) != 0)
		r = ERR_BAD_FORMAT;
	out->cleaned_n = a->out_n;
	if (r == 0)
		r = seal_copy(s, slot, out);
	if (r < 0)
		return r;
	out->cleaned = true;
	out->removed = a->removed;
	memcpy(out->cleaned_sha256, digest, sizeof(digest));
	memcpy(out->cleaned_type, a->cleaned_type, sizeof(out->cleaned_type));
	memcpy(out->cleaned_suffix, a->cleaned_suffix, sizeof(out->cleaned_suffix));
	return 0;
}

int scanner_job_end(struct scanner *s, struct scanner_slot *slot, const struct scan_job_answer *a)
{
	struct scan_job *j = slot->job;
	struct scan_result out = { .facts = a->facts, .n_found = a->n_found };
	int r = 0;

	memcpy(out.found, a->found, a->n_found * sizeof(out.found[0]));
	memcpy(out.type, a->type, sizeof(out.type));
	memcpy(out.tlsh, a->tlsh, sizeof(out.tlsh));
	memcpy(out.sha256, slot->sha256, sizeof(out.sha256));
	if (memcmp(a->sha256, slot->sha256, sizeof(out.sha256)) != 0)
		return ERR_BAD_FORMAT;	/* it has not looked at this file */
	if (scanner_digests_has(&s->digests, out.sha256))
		scanner_job_note(&out, FACT_DIGEST_LISTED, "a list in the folder digests");
	if (a->cleaned)
		r = take_copy(s, slot, a, &out);
	if (r == 0)
		j->out = out;
	secret_wipe(out.cleaned_key, sizeof(out.cleaned_key));
	return r;
}

void scanner_job_fail(struct scanner *s, struct scan_job *j, enum file_fact fact, const char *evidence, const uint8_t sha256[32])
{
	j->out = (struct scan_result){ 0 };
	memcpy(j->out.sha256, sha256, 32);
	scanner_job_note(&j->out, fact, evidence);
	if (scanner_digests_has(&s->digests, sha256))
		scanner_job_note(&j->out, FACT_DIGEST_LISTED, "a list in the folder digests");
}
