/* cli_call.c - a command goes to the server that holds the folder; when none does, it runs here.
 *
 * run/control.sock takes one line of JSON and answers with one: {"command", "args"} and
 * {"ok": true, "reply"} or {"ok": false, "error", "why"}.
 */
#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "admin/admin.h"
#include "base/buf.h"
#include "cli/cli.h"
#include "vault/vault.h"

#define LINE_BYTES (64 * 1024 * 1024)
#define CONNECT_TRIES 100			/* of 50 ms: another command line may hold the folder for a moment */

static int open_socket(const char *path)
{
	struct sockaddr_un sa = { .sun_family = AF_UNIX };
	int fd;

	if (strlen(path) >= sizeof(sa.sun_path))
		return -1;
	memcpy(sa.sun_path, path, strlen(path) + 1);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd >= 0 && connect(fd, (struct sockaddr *)&sa, sizeof(sa)) < 0) {
		close(fd);
		return -1;
	}
	return fd;
}

static int exchange(int fd, const char *line, struct buf *ret)
{
	for (size_t n = strlen(line), done = 0; done < n;) {
		ssize_t r = send(fd, line + done, n - done, MSG_NOSIGNAL);

		if (r < 0 && errno != EINTR)
			return ERR_IO;
		done += r > 0 ? (size_t)r : 0;
	}
	for (;;) {
		ssize_t r;

		if (buf_reserve(ret, 65536) < 0)
			return ERR_LIMIT;
		r = recv(fd, ret->p + ret->n, 65536, 0);
		if (r < 0 && errno == EINTR)
			continue;
		if (r <= 0)
			return ret->n && ret->p[ret->n - 1] == '\n' ? 0 : ERR_IO;
		ret->n += (size_t)r;
		if (ret->p[ret->n - 1] == '\n')
			return 0;
	}
}

static int ask_server(int fd, const char *command, json_t *args, json_t **ret)
{
	json_t *request = json_pack("{s:s, s:O}", "command", command, "args", args), *answer = NULL;
	char *text = request ? json_dumps(request, JSON_COMPACT) : NULL, *line = NULL;
	struct buf got;
	int r = CLI_NOT;

	buf_init(&got, LINE_BYTES);
	if (!text || asprintf(&line, "%s\n", text) < 0)
		line = NULL;
	if (!line || exchange(fd, line, &got) < 0)
		cli_fail(CLI_NOT, "the server has not answered; it may have ended meanwhile");
	else
		answer = json_loadb(got.p, got.n, 0, NULL);
	if (json_is_true(json_object_get(answer, "ok"))) {
		*ret = json_incref(json_object_get(answer, "reply"));
		r = *ret ? CLI_OK : CLI_NOT;
	} else if (answer) {
		const char *why = json_string_value(json_object_get(answer, "why"));

		cli_fail(CLI_NOT, "%s", why ? why : "the server refused");
	}
	if (text)
		memset(text, 0, strlen(text));
	free(text);
	free(line);
	buf_wipe(&got);
	json_decref(request);
	json_decref(answer);
	return r;
}

static void progress(void *ctx, uint64_t done, uint64_t total)
{
	cli_progress(ctx, done, total);
}

static int run_here(struct cli *c, const char *command, json_t *args, json_t **ret)
{
	struct admin_call *call = admin_call_new(command, json_incref(args));
	struct str why = STR_NONE;
	struct vault *v;
	int r;

	if (!call)
		return cli_fail(CLI_NOT, "out of memory");
	call->instance_dir = c->in.dir;
	call->domain = c->config->domain;
	call->progress = progress;
	call->progress_ctx = (void *)(uintptr_t)command;
	r = vault_open(c->in.data, c->in.keys, false, c->arena, &v, &why);
	if (r < 0) {
		admin_call_free(&call);
		return cli_fail(CLI_NOT, "%.*s", STR_FMT(why));
	}
	admin_run(call, v);
	vault_close(&v);
	r = call->err < 0 ? cli_fail(CLI_NOT, "%.*s", STR_FMT(call->why)) : CLI_OK;
	if (r == CLI_OK)
		*ret = json_incref(call->reply);
	admin_call_free(&call);
	return r;
}

int cli_call(struct cli *c, const char *command, json_t *args, json_t **ret)
{
	struct str why = STR_NONE;
	int lock = -1, fd, r = CLI_NOT;

	for (int i = 0; i < CONNECT_TRIES; i++) {
		int e = instance_lock(&c->in, c->arena, &lock, &why);

		if (e == 0) {
			r = run_here(c, command, args, ret);
			instance_unlock(&lock);
			break;
		}
		if (e != ERR_LOCKED) {
			cli_fail(CLI_NOT, "%.*s", STR_FMT(why));
			break;
		}
		fd = open_socket(c->in.socket);
		if (fd >= 0) {
			r = ask_server(fd, command, args, ret);
			close(fd);
			break;
		}
		if (i == CONNECT_TRIES - 1)
			cli_fail(CLI_NOT, "%.*s Its control socket %s does not answer.", STR_FMT(why), c->in.socket);
		nanosleep(&(struct timespec){ .tv_nsec = 50 * 1000000 }, NULL);
	}
	json_decref(args);
	return r;
}
