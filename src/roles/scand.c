/* scand.c - looks at one file of a stranger's, says what it has seen, and ends.
 *
 * Started by the supervisor as a program of its own, so that neither worker nor web role carries its libraries. Its one socket leads to the
 * worker (ipc/scan_job.h): one question comes, one answer goes. Before the question is read everything is loaded that ever will be, and all
 * rights are gone (sandbox_enter_strict): it opens nothing, reaches nobody, starts nothing. It is small in memory, time and output by limits of
 * the kernel, and behind everybody else for the processor. What it says is checked by the worker; that it dies is an answer too.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/limits.h"
#include "ipc/heritage.h"
#include "ipc/sandbox.h"
#include "ipc/scan_job.h"
#include "roles/harden.h"
#include "scan/clamd.h"
#include "scan/clean.h"
#include "scan/scan.h"
#include "scan/rules.h"

#define NICE 10				/* conversations go first */
#define FILES 32			/* descriptors */
#define CPU_S 300			/* the worker is far less patient; this is for when it is gone */

struct look {
	const struct scan_job_question *q;
	const int *fds;
	struct str bytes;
	struct rules *yara;		/* NULL: no rules */
	struct rules_found rules_found;
	struct scan *scan;
	int err;
};

/* Nobody but us may change what is mapped, or cut it off under our hands. */
static int map(int fd, uint64_t n, struct str *ret)
{
	const int seals = F_SEAL_SHRINK | F_SEAL_WRITE;
	struct stat st;
	void *p;

	*ret = STR_NONE;
	if (fstat(fd, &st) < 0 || (uint64_t)st.st_size != n || (fcntl(fd, F_GET_SEALS) & seals) != seals)
		return ERR_BAD_FORMAT;
	if (n == 0)
		return 0;
	p = mmap(NULL, n, PROT_READ, MAP_PRIVATE, fd, 0);
	if (p == MAP_FAILED)
		return ERR_NOMEM;
	*ret = str_make(p, n);
	return 0;
}

/* --- rules -------------------------------------------------------------------------------------------------------------- */

static void compile(const struct scan_job_question *q, const int fds[SCAN_JOB_FDS], struct scan_job_answer *a)
{
	struct str sources;
	int r = map(fds[SCAN_JOB_IN], q->n, &sources);

	if (r == 0 && fds[SCAN_JOB_OUT] < 0)
		r = ERR_BAD_FORMAT;
	if (r == 0)
		r = rules_compile(sources, fds[SCAN_JOB_OUT], a->text, sizeof(a->text), &a->out_n);
	a->err = r;
}

/* --- a file ------------------------------------------------------------------------------------------------------------- */

static void note(struct scan_job_answer *a, enum file_fact fact, const char *evidence)
{
	struct file_fact_found *f;

	a->facts |= FACT_BIT(fact);
	if (a->n_found == FACTS_FOUND)
		return;
	f = &a->found[a->n_found++];
	f->fact = (uint8_t)fact;
	snprintf(f->evidence, sizeof(f->evidence), "%s", evidence);
}

static void on_part(void *ctx, struct str where, struct str bytes)
{
	struct look *l = ctx;

	(void)where;
	if (l->err == 0)
		l->err = rules_scan(l->yara, bytes, &l->rules_found);
}

/* All but clamd, which is asked about the original alone. */
static int see(struct look *l, struct str bytes, struct str name, struct str type, struct scan_out *ret)
{
	struct scan_in in = { .bytes = bytes, .name = name, .type = type, .out = -1 };
	int r;

	if (l->yara) {
		in.part = on_part;
		in.part_ctx = l;
		l->rules_found.n = 0;
		l->err = 0;
	}
	r = scan_run(l->scan, &in, ret);
	return r < 0 ? r : l->err;
}

static void ask_clamd(struct look *l, struct scan_job_answer *a)
{
	struct clamd_reply reply;

	clamd_scan(l->fds[SCAN_JOB_CLAMD], (const uint8_t *)l->bytes.p, l->bytes.n, &reply);
	a->clamd = (uint32_t)reply.said;
	if (reply.said == SCAN_JOB_CLAMD_FOUND)
		note(a, FACT_MALWARE, reply.name);
	else if (reply.said == SCAN_JOB_CLAMD_TOO_BIG)
		note(a, FACT_TOO_BIG, reply.name);
}

static int write_all(int fd, struct str s)
{
	while (s.n) {
		ssize_t n = write(fd, s.p, s.n);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return ERR_FULL;
		s = str_cut(s, (size_t)n);
	}
	return 0;
}

/* The copy is looked at as if it had been sent: what is still seen in it was not removed, and what is seen in it for the first time makes it no
 * copy at all. What clamd has found stays found. */
static int look_again(struct look *l, const struct clean *c, struct scan_job_answer *a)
{
	char name[SCAN_JOB_NAME + SCAN_JOB_SUFFIX];
	struct scan_out again = { 0 };
	int r;

	snprintf(name, sizeof(name), "%.*s%s", (int)l->q->name_n, l->q->name, c->suffix ? c->suffix : "");
	r = see(l, buf_str(&c->out), str_of(name), str_of(c->type ? c->type : a->type), &again);
	if (r < 0)
		return r;
	if (l->rules_found.n)
		again.facts |= FACT_BIT(FACT_YARA);
	if (again.facts & ~a->facts & ~c->removed)
		return ERR_UNEXPECTED;
	a->removed = a->facts & ~again.facts & ~FACT_BIT(FACT_MALWARE) & ~FACT_BIT(FACT_TOO_BIG);
	memcpy(a->cleaned_sha256, again.sha256, sizeof(a->cleaned_sha256));
	return 0;
}

/* A copy without what policy wants gone. That there is none is no error of the job's: policy holds what could not be cleaned. */
static void clean(struct look *l, struct scan_job_answer *a)
{
	struct clean c = {
		.in = l->bytes, .name = str_make(l->q->name, l->q->name_n), .media = str_of(a->type), .what = a->facts & l->q->clean_what,
		.most = l->q->out_most,
	};
	int r;

	if (!c.what || l->fds[SCAN_JOB_OUT] < 0)
		return;
	r = clean_make(&c);
	if (r == 0 && c.cleaned && c.out.n)
		r = look_again(l, &c, a);
	else
		r = ERR_UNSUPPORTED;
	if (r == 0)
		r = write_all(l->fds[SCAN_JOB_OUT], buf_str(&c.out));
	if (r == 0) {
		a->cleaned = 1;
		a->out_n = c.out.n;
		snprintf(a->cleaned_type, sizeof(a->cleaned_type), "%s", c.type ? c.type : "");
		snprintf(a->cleaned_suffix, sizeof(a->cleaned_suffix), "%s", c.suffix ? c.suffix : "");
	} else {
		a->removed = 0;
	}
	clean_release(&c);
}

static void fill(const struct scan_out *out, struct scan_job_answer *a)
{
	a->facts = out->facts;
	a->n_found = out->n_found;
	memcpy(a->found, out->found, out->n_found * sizeof(out->found[0]));
	snprintf(a->type, sizeof(a->type), "%s", out->type);
	memcpy(a->sha256, out->sha256, sizeof(a->sha256));
	snprintf(a->tlsh, sizeof(a->tlsh), "%s", out->tlsh);
}

static void look(struct look *l, struct scan_job_answer *a)
{
	const struct scan_job_question *q = l->q;
	struct scan_out out = { 0 };
	struct str rules;
	int r = map(l->fds[SCAN_JOB_IN], q->n, &l->bytes);

	if (r == 0 && l->fds[SCAN_JOB_YARA] >= 0) {
		r = map(l->fds[SCAN_JOB_YARA], q->yara_n, &rules);
		if (r == 0)
			r = rules_load(rules, &l->yara);
	}
	if (r == 0)
		r = see(l, l->bytes, str_make(q->name, q->name_n), str_make(q->type, q->type_n), &out);
	a->err = r;
	if (r < 0)
		return;
	fill(&out, a);
	for (unsigned i = 0; i < l->rules_found.n; i++)
		note(a, FACT_YARA, l->rules_found.name[i]);
	if (l->fds[SCAN_JOB_CLAMD] >= 0)
		ask_clamd(l, a);
	clean(l, a);
}

/* --- the process --------------------------------------------------------------------------------------------------------- */

static int limit(int what, rlim_t n)
{
	return setrlimit(what, &(struct rlimit){ n, n });
}

/* Standard output and error lead to the operator's log: not for somebody whom a file has taken over. */
static int shut_up(void)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	return null >= 0 && dup2(null, 0) >= 0 && dup2(null, 1) >= 0 && dup2(null, 2) >= 0 && close(null) == 0 ? 0 : ERR_IO;
}

static int give_rights_away(void)
{
	struct sandbox_state st;
	int r = 0;

	if (setpriority(PRIO_PROCESS, 0, NICE) < 0 || limit(RLIMIT_NOFILE, FILES) < 0 || limit(RLIMIT_CPU, CPU_S) < 0 ||
	    limit(RLIMIT_FSIZE, LIMIT_SCAN_OUT) < 0)
		r = ERR_IO;
#ifndef __SANITIZE_ADDRESS__		/* which maps all there is */
	if (r == 0 && limit(RLIMIT_AS, LIMIT_SCAN_AS) < 0)
		r = ERR_IO;
#endif
	if (r == 0)
		r = shut_up();
	return r < 0 ? r : sandbox_enter_strict(&st);
}

static int fail(const char *what, int err)
{
	fprintf(stderr, "wardroom-scand: %s: %s\n", what, err_text(err));
	return HERITAGE_SCAND_USELESS;
}

/* Not for people: the supervisor gives it its descriptor. */
int main(int argc, char **argv)
{
	struct scan_job_question q;
	struct scan_job_answer a = { 0 };
	struct look l = { .q = &q };
	int fds[SCAN_JOB_FDS], r;

	(void)argv;
	if (argc != 1 || fcntl(HERITAGE_SCAND_FD, F_GETFD) < 0) {
		fputs("wardroom-scand: it is started by wardroomd\n", stderr);
		return 2;
	}
	harden_process();
	if (close_range(HERITAGE_SCAND_FD + 1, ~0u, 0) < 0)
		return fail("descriptors cannot be closed", ERR_IO);
	r = scan_new(&l.scan);
	if (r == 0)
		r = rules_start();
	if (r < 0)
		return fail("the checks cannot be loaded", r);
	r = give_rights_away();
	if (r < 0)
		return fail("its rights cannot be given away, and without that it does not look at files", r);
	r = scan_job_take(HERITAGE_SCAND_FD, &q, fds);
	if (r < 0)
		_exit(r == ERR_EOF ? 0 : 1);	/* the worker is gone */
	a.kind = q.kind;
	if (q.kind == SCAN_JOB_RULES) {
		compile(&q, fds, &a);
	} else {
		l.fds = fds;
		look(&l, &a);
	}
	_exit(scan_job_answer(HERITAGE_SCAND_FD, &a) < 0);
}
