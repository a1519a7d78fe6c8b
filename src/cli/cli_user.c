/* cli_user.c - passwords become SCRAM verifiers here, before a request is made; a password never goes further. */
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

#include "auth/password.h"
#include "auth/scram.h"
#include "base/b64.h"
#include "base/secret.h"
#include "cli/cli.h"

#define IMPORT_BYTES (32 * 1024 * 1024)
#define IMPORT_ACCOUNTS 100000
#define IMPORT_BATCH 200
#define PASSWORD_FILE_BYTES 4096
#define THREADS_MOST 16

struct account {
	struct str jid, password;
	char *credentials;		/* Base64, or NULL when it failed */
};

static char *verifiers(const struct scram_tools *t, struct str password, unsigned iterations)
{
	struct credentials cred;
	uint8_t blob[SCRAM_BLOB_BYTES];
	char *text = NULL;

	if (scram_derive(t, password, iterations, &cred) == 0) {
		size_t n = scram_encode(&cred, blob);

		text = malloc(B64_LEN(n) + 1);
		if (text)
			b64_encode(blob, n, text);
	}
	secret_wipe(&cred, sizeof(cred));
	secret_wipe(blob, sizeof(blob));
	return text;
}

/* --password-file F, or a new one, which is then to be printed once. */
static int choose_password(struct cli *c, const char *jid, struct str *ret, bool *ret_generated)
{
	const char *path = cli_option(c, "password-file"), *why;
	struct str text;

	*ret_generated = !path;
	if (!path) {
		char *p = arena_alloc(c->arena, PASSWORD_GENERATED);

		if (!p)
			return cli_fail(CLI_NOT, "out of memory");
		password_generate(p);
		*ret = str_of(p);
		return CLI_OK;
	}
	if (cli_read(c, path, PASSWORD_FILE_BYTES, &text) != CLI_OK)
		return CLI_NOT;
	while (text.n && (text.p[text.n - 1] == '\n' || text.p[text.n - 1] == '\r'))
		text.n--;
	if (password_check(text, str_of(jid), &why) < 0)
		return cli_fail(CLI_NOT, "%s", why);
	*ret = text;
	return CLI_OK;
}

static int with_password(struct cli *c, const char *command)
{
	struct scram_tools *tools = scram_tools_new();
	struct str password = STR_NONE;
	bool generated = false;
	json_t *args, *reply;
	char *credentials;
	int r = tools ? choose_password(c, c->words[0], &password, &generated) : cli_fail(CLI_NOT, "OpenSSL does not work");

	if (r != CLI_OK) {
		scram_tools_free(&tools);
		return r;
	}
	credentials = verifiers(tools, password, c->config->auth.scram_iterations);
	scram_tools_free(&tools);
	if (!credentials)
		return cli_fail(CLI_NOT, "this password cannot be used: it is empty, too long, or holds characters that passwords may not have");
	args = json_pack("{s:s, s:s}", "jid", c->words[0], "credentials", credentials);
	free(credentials);
	if (args && cli_option(c, "role"))
		json_object_set_new(args, "role", json_string(cli_option(c, "role")));
	if (!args)
		return cli_fail(CLI_USAGE, "'%s' is not UTF-8", c->words[0]);
	r = cli_call(c, command, args, &reply);
	if (r != CLI_OK)
		return r;
	if (generated)
		json_object_set_new(reply, "password", json_stringn(password.p, password.n));
	cli_print(c, command, reply);
	json_decref(reply);
	return CLI_OK;
}

int cli_user_add(struct cli *c)
{
	return with_password(c, "user add");
}

int cli_user_passwd(struct cli *c)
{
	return with_password(c, "user passwd");
}

struct work {
	struct account *v;
	size_t n;
	unsigned iterations;
	const struct scram_tools *tools;
	size_t next;			/* atomic */
	size_t done;			/* atomic */
};

static void *derive(void *ctx)
{
	struct work *w = ctx;
	size_t i;

	while ((i = __atomic_fetch_add(&w->next, 1, __ATOMIC_RELAXED)) < w->n) {
		w->v[i].credentials = verifiers(w->tools, w->v[i].password, w->iterations);
		__atomic_fetch_add(&w->done, 1, __ATOMIC_RELAXED);
	}
	return NULL;
}

static void derive_all(struct work *w)
{
	pthread_t threads[THREADS_MOST];
	long cpus = sysconf(_SC_NPROCESSORS_ONLN);
	unsigned n = 0, most = cpus < 1 ? 1 : cpus > THREADS_MOST ? THREADS_MOST : (unsigned)cpus;

	while (n + 1 < most && n + 1 < w->n && pthread_create(&threads[n], NULL, derive, w) == 0)
		n++;
	derive(w);
	while (n > 0)
		pthread_join(threads[--n], NULL);
}

/* Lines "jid TAB password"; empty lines and lines that begin with # are passed over. */
static int read_lines(const char *path, struct str text, struct account *v, size_t *ret_n)
{
	size_t n = 0, line = 0;

	while (!str_empty(text)) {
		ptrdiff_t end = str_find_char(text, '\n'), tab;
		struct str one = end < 0 ? text : str_make(text.p, (size_t)end);

		line++;
		text = end < 0 ? STR_NONE : str_cut(text, (size_t)end + 1);
		if (one.n && one.p[one.n - 1] == '\r')
			one.n--;
		if (str_empty(one) || one.p[0] == '#')
			continue;
		tab = str_find_char(one, '\t');
		if (tab <= 0 || (size_t)tab + 1 >= one.n)
			return cli_fail(CLI_NOT, "%s:%zu: expected an address, a tab and a password", path, line);
		if (n == IMPORT_ACCOUNTS)
			return cli_fail(CLI_NOT, "%s: more than %d accounts; import it in parts", path, IMPORT_ACCOUNTS);
		v[n].jid = str_make(one.p, (size_t)tab);
		v[n++].password = str_cut(one, (size_t)tab + 1);
	}
	*ret_n = n;
	return CLI_OK;
}

static int send_batch(struct cli *c, struct account *v, size_t n, json_int_t *added, json_int_t *existing)
{
	json_t *list = json_array(), *reply;
	int r = CLI_OK;

	for (size_t i = 0; r == CLI_OK && i < n; i++)
		if (!v[i].credentials)
			r = cli_fail(CLI_NOT, "the password of %.*s cannot be used: too long, or with characters that passwords may not have",
				     STR_FMT(v[i].jid));
		else if (json_array_append_new(list, json_pack("{s:s%, s:s}", "jid", v[i].jid.p, v[i].jid.n, "credentials", v[i].credentials)) != 0)
			r = cli_fail(CLI_NOT, "'%.*s' is not UTF-8", STR_FMT(v[i].jid));
	if (r != CLI_OK) {
		json_decref(list);
		return r;
	}
	r = cli_call(c, "user import", json_pack("{s:o}", "accounts", list), &reply);
	if (r == CLI_OK) {
		*added += json_integer_value(json_object_get(reply, "added"));
		*existing += json_integer_value(json_object_get(reply, "existing"));
		json_decref(reply);
	}
	return r;
}

int cli_user_import(struct cli *c)
{
	struct work w = { .iterations = c->config->auth.scram_iterations };
	struct scram_tools *tools = scram_tools_new();
	struct str text;
	size_t total = 0;
	json_int_t added = 0, existing = 0;
	json_t *reply;
	int r = cli_read(c, c->words[0], IMPORT_BYTES, &text);

	w.v = calloc(IMPORT_ACCOUNTS, sizeof(*w.v));
	if (r == CLI_OK && (!tools || !w.v))
		r = cli_fail(CLI_NOT, "out of memory");
	if (r == CLI_OK)
		r = read_lines(c->words[0], text, w.v, &total);
	w.tools = tools;
	for (size_t at = 0; r == CLI_OK && at < total; at += IMPORT_BATCH) {
		struct work part = w;

		part.v += at;
		part.n = total - at < IMPORT_BATCH ? total - at : IMPORT_BATCH;
		derive_all(&part);
		r = send_batch(c, part.v, part.n, &added, &existing);
		cli_progress("import", at + part.n, total);
	}
	for (size_t i = 0; w.v && i < total; i++) {
		if (w.v[i].credentials)
			secret_wipe(w.v[i].credentials, strlen(w.v[i].credentials));
		free(w.v[i].credentials);
	}
	free(w.v);
	scram_tools_free(&tools);
	if (r != CLI_OK)
		return r;
	reply = json_pack("{s:I, s:I}", "added", added, "existing", existing);
	cli_print(c, "user import", reply);
	json_decref(reply);
	return CLI_OK;
}
