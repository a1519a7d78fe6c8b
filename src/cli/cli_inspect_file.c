/* cli_inspect_file.c - judges one file as an upload of somebody's: wardroom-scand looks, the policy decides. No server, no ClamAV. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/limits.h"
#include "cli/cli.h"
#include "ipc/scan_job.h"
#include "ipc/scan_spawn.h"
#include "policy/policy_file.h"

#define PATIENCE_MS 60000

static int copy_all(int from, int to, uint64_t *ret_n)
{
	char room[65536];
	ssize_t n;

	*ret_n = 0;
	while ((n = read(from, room, sizeof(room))) != 0) {
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 || write(to, room, (size_t)n) != n)
			return ERR_IO;
		*ret_n += (uint64_t)n;
		if (*ret_n > LIMIT_SCAN_FILE)
			return ERR_LIMIT;
	}
	return fcntl(to, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL) < 0 ? ERR_IO : 0;
}

static int ask(int sock, struct scan_job_question *q, int in, int out, struct scan_job_answer *ret)
{
	const int fds[SCAN_JOB_FDS] = { in, out, -1, -1 };
	struct pollfd p = { .fd = sock, .events = POLLIN };
	int r = scan_job_ask(sock, q, fds);

	if (r == 0 && poll(&p, 1, PATIENCE_MS) != 1)
		r = ERR_REMOTE_TIMEOUT;
	return r < 0 ? r : scan_job_hear(sock, q, ret);
}

/* As the server does: what breaks down is a fact. */
static void look(int in, struct scan_job_question *q, struct scan_job_answer *ret)
{
	static const char *const folders[] = { ".", "../roles", NULL };
	int sock, out = memfd_create("clean", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	pid_t pid;
	int r = out < 0 ? ERR_NOMEM : scan_spawn(folders, &sock, &pid);

	if (r == 0) {
		r = ask(sock, q, in, out, ret);
		close(sock);
		kill(pid, SIGKILL);
		while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
			;
	}
	if (out >= 0)
		close(out);
	if (r == 0 && ret->err < 0)
		r = ret->err;
	if (r == 0)
		return;
	*ret = (struct scan_job_answer){ .facts = FACT_BIT(r == ERR_REMOTE_TIMEOUT ? FACT_SCAN_TIMEOUT : FACT_SCAN_FAILED), .n_found = 1 };
	ret->found[0].fact = r == ERR_REMOTE_TIMEOUT ? FACT_SCAN_TIMEOUT : FACT_SCAN_FAILED;
	snprintf(ret->found[0].evidence, sizeof(ret->found[0].evidence), "%s", r == ERR_NOT_FOUND ? "wardroom-scand is not beside this program" : err_text(r));
}

static const char *decision_of(const struct policy_file_view *v, bool cleaned)
{
	switch (v->act) {
	case FILE_ALLOW:
		return "deliver";
	case FILE_CLEAN:
		return cleaned ? "defang" : "hold";
	case FILE_HOLD:
		return "hold";
	case FILE_REFUSE:
		return "reject";
	}
	return "hold";
}

static const char *evidence_of(const struct scan_job_answer *a, unsigned fact)
{
	for (unsigned i = 0; i < a->n_found; i++)
		if (a->found[i].fact == fact && a->found[i].evidence[0])
			return a->found[i].evidence;
	return file_fact_text(fact);
}

static int say(struct cli *c, const struct policy *p, const struct scan_job_answer *a)
{
	json_t *list = json_array(), *o;
	struct policy_file_view v;
	struct str by;

	policy_file_of(p, policy_file_sender(p, STR("a@example.org")), a->facts, a->cleaned ? a->removed : 0, &v);
	by = policy_file_by(&v, c->arena);
	for (unsigned fact = 0; fact < FACT_COUNT; fact++)
		if (a->facts & FACT_BIT(fact))
			json_array_append_new(list, json_pack("{s:s, s:s, s:i, s:s}", "inspector", "files", "name", file_fact_name(fact), "weight",
							      v.act != FILE_ALLOW && fact == v.fact ? 100 : 0, "evidence", evidence_of(a, fact)));
	o = json_pack("{s:s, s:i, s:o, s:s, s:s%}", "decision", decision_of(&v, a->cleaned), "score", v.act == FILE_ALLOW ? 0 : 100, "findings", list, "type",
		      a->type, "rule", by.p ? by.p : "", by.n);
	if (!o)
		return cli_fail(CLI_NOT, "out of memory");
	json_dumpf(o, stdout, JSON_COMPACT);
	fputc('\n', stdout);
	json_decref(o);
	return CLI_OK;
}

static void set_text(char *to, size_t room, const char *from, uint32_t *ret_n)
{
	size_t n = strlen(from);

	*ret_n = (uint32_t)(n < room ? n : room);
	memcpy(to, from, *ret_n);
}

int cli_inspect_file(struct cli *c, const struct policy *p, const char *path)
{
	const char *slash = strrchr(path, '/'), *name = cli_option(c, "name"), *type = cli_option(c, "type");
	struct scan_job_question q = { .kind = SCAN_JOB_FILE };
	struct scan_job_answer a = { 0 };
	int file = open(path, O_RDONLY | O_CLOEXEC), in = memfd_create("file", MFD_CLOEXEC | MFD_ALLOW_SEALING), r = ERR_IO;

	if (file >= 0 && in >= 0)
		r = copy_all(file, in, &q.n);
	if (file >= 0)
		close(file);
	if (r < 0) {
		if (in >= 0)
			close(in);
		return cli_fail(CLI_NOT, "%s: %s", path, r == ERR_LIMIT ? "bigger than what is looked at" : "it cannot be read");
	}
	set_text(q.name, sizeof(q.name), name ? name : slash ? slash + 1 : path, &q.name_n);
	set_text(q.type, sizeof(q.type), type ? type : "", &q.type_n);
	q.clean_what = policy_file_cleans(p, policy_file_sender(p, STR("a@example.org")));
	q.out_most = q.n * 2 + (1u << 20) < LIMIT_SCAN_OUT ? q.n * 2 + (1u << 20) : LIMIT_SCAN_OUT;
	look(in, &q, &a);
	close(in);
	return say(c, p, &a);
}
