/* xts_sim.c - the whole server on the simulated loop, spoken to over standard input and output.
 *
 * What tests/lib/xts_sim.py drives. Connections are pairs in memory without TLS: a server without a certificate takes
 * them for encrypted (core/stream.c), and only a test can make one. Commands, a line each:
 *   user NAME ROLE PASSWORD   an account   start        the server      open N      a connection
 *   gateway N            a connection of a component
 *   send N BYTES         and as many bytes cut N        the connection is lost
 *   run MS               until something arrives at a client, or so much virtual time has passed
 *   pass MS              so much virtual time, whatever arrives
 *   contacts NAME PREFIX FIRST COUNT TOTAL   before start: a roster of PREFIX(FIRST) .. modulo TOTAL, both subscriptions
 *   restart              stops the server, starts the next on the same store (needs DIR), with CONFIG as it is by then
 * Answers: `data N BYTES` and as many bytes, `end N`, then `done NOW_MS`; or `failed WHY`.
 *
 * xts_sim SEED CONFIG [DIR]: DIR keeps the store in files, otherwise it is in memory.
 */
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "auth/scram.h"
#include "base/arena.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/rand.h"
#include "config/config.h"
#include "core/roster.h"
#include "core/server.h"
#include "core/stream.h"
#include "gateway/gateway.h"
#include "net/loop.h"
#include "net/loop_sim.h"
#include "outbreak/guard.h"
#include "vault/vault.h"

#define CLIENTS 2048
#define PIPE_BYTES (8u << 20)
#define ITERATIONS SCRAM_ITERATIONS_MIN

struct client {
	struct sim *sim;
	struct loop_io *io;
	struct buf in, out;
	bool ended;
};

struct sim {
	struct loop *loop;
	struct arena *arena;
	struct config *config;
	struct vault *vault;		/* until the server takes it */
	struct server *server;
	struct gateway *gateway;
	struct scram_tools *tools;
	const char *dir, *config_path;
	struct client *clients;
	bool news, down;
	bool ends, again;		/* the server has been ordered to end, or to start anew */
	char password[256];		/* of the blob: many accounts of one password need it derived once */
	uint8_t blob[SCRAM_BLOB_BYTES];
	size_t blob_n;
};

static void die(const char *what, struct str why)
{
	printf("failed %s: %.*s\n", what, STR_FMT(why));
	fflush(stdout);
	exit(1);
}

static void must(int r, const char *what, struct str why)
{
	if (r < 0)
		die(what, str_empty(why) ? str_of(err_text(r)) : why);
}

/* --- the server --------------------------------------------------------------------------------------------- */

static void open_vault(struct sim *s)
{
	struct str why = STR_NONE;

	if (s->dir)
		must(vault_open(s->dir, s->dir, true, s->arena, &s->vault, &why), "store", why);
	else
		must(vault_open_memory(&s->vault), "store", why);
}

static void on_end(void *ctx, bool again)
{
	struct sim *s = ctx;

	s->ends = true;
	s->again = again;
	loop_stop(s->loop);
}

static void start(struct sim *s)
{
	struct server_parts p = { .loop = s->loop, .config = config_ref(s->config), .vault = s->vault, .listen_c2s = -1,
				  .listen_c2s_tls = -1, .listen_control = -1, .started_mono_us = clock_mono_us(),
				  .end = on_end, .end_ctx = s };
	struct policy *policy;
	struct str why = STR_NONE;

	must(policy_parse(STR("strangers: allow\n"), "policy.yaml", s->config->domain, s->arena, &policy, &why), "policy", why);
	must(policy_weights(policy, STR_NONE, "weights.yaml", s->arena, &why), "weights", why);
	must(guard_new(policy, &p.guard), "guard", why);
	p.spool = "/nonexistent/spool";	/* files have nowhere to lie: slots are given, nothing comes */
	must(server_new(&p, s->arena, &s->server, &why), "server", why);
	must(gateway_new(s->server, -1, NULL, s->arena, &s->gateway, &why), "gateway", why);
	s->vault = NULL;
}

static void stopped(void *ctx)
{
	struct sim *s = ctx;

	s->down = true;
	loop_stop(s->loop);
}

static void stop(struct sim *s)
{
	s->down = false;
	gateway_stop(s->gateway);
	server_stop(s->server, stopped, s);
	for (int i = 0; i < 1000 && !s->down; i++)	/* clients that close stop the loop, too */
		loop_sim_run_until(s->loop, loop_now_ms(s->loop) + 100);
	if (!s->down)
		die("stop", STR("the server does not end"));
	gateway_free(&s->gateway);
	server_free(&s->server);
}

static void restart(struct sim *s)
{
	struct str why = STR_NONE;

	stop(s);
	config_unref(&s->config);
	must(config_load(s->config_path, s->arena, &s->config, &why), "config", why);
	open_vault(s);
	start(s);
}

static enum vault_role role_of(const char *name)
{
	static const char *const names[] = { [ROLE_STAFF] = "staff", [ROLE_HELPDESK] = "helpdesk", [ROLE_OFFICER] = "officer",
					     [ROLE_AUDITOR] = "auditor", [ROLE_ADMIN] = "admin" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strcmp(name, names[i]) == 0)
			return (enum vault_role)i;
	die("user", STR("no such role"));
	return ROLE_STAFF;
}

static void add_user(struct sim *s, const char *name, const char *role, const char *password)
{
	struct vault_account acc = { .role = role_of(role), .state = ACCOUNT_ACTIVE, .created_ms = clock_wall_ms() };
	struct credentials c;

	if (s->blob_n == 0 || strcmp(password, s->password) != 0) {
		must(scram_derive(s->tools, str_of(password), ITERATIONS, &c), "password", STR_NONE);
		s->blob_n = scram_encode(&c, s->blob);
		snprintf(s->password, sizeof(s->password), "%s", password);
	}
	acc.credentials = str_make((char *)s->blob, s->blob_n);
	acc.jid = arena_printf(s->arena, "%s@%s", name, s->config->domain);
	must(vault_begin(s->vault), "account", STR_NONE);
	must(vault_account_add(s->vault, &acc), "account", STR_NONE);
	must(vault_commit(s->vault), "account", STR_NONE);
}

static void add_contacts(struct sim *s, const char *name, const char *prefix, unsigned first, unsigned count, unsigned total)
{
	struct roster r;
	struct buf b;

	roster_init(&r);
	buf_init(&b, PIPE_BYTES);
	for (unsigned i = 0; i < count; i++) {
		char jid[300];
		struct roster_item *it;

		snprintf(jid, sizeof(jid), "%s%u@%s", prefix, (first + i) % total, s->config->domain);
		if (strncmp(jid, name, strlen(name)) == 0 && jid[strlen(name)] == '@')
			continue;	/* nobody is his own contact */
		must(roster_get(&r, str_of(jid), &it), "contact", STR_NONE);
		it->sub = SUB_BOTH;
		it->listed = true;
	}
	must(roster_encode(&r, &b), "roster", STR_NONE);
	must(vault_begin(s->vault), "roster", STR_NONE);
	must(vault_item_put(s->vault, arena_printf(s->arena, "%s@%s", name, s->config->domain), ITEM_ROSTER, STR_NONE, buf_str(&b)),
	     "roster", STR_NONE);
	must(vault_commit(s->vault), "roster", STR_NONE);
	buf_release(&b);
	roster_release(&r);
}

/* --- clients ------------------------------------------------------------------------------------------------- */

static void close_client(struct client *c)
{
	if (c->io)
		loop_io_close(&c->io);
	c->io = NULL;
	buf_clear(&c->out);
}

static void take(struct client *c)
{
	char bytes[16384];
	int n;

	while ((n = loop_io_read(c->io, bytes, sizeof(bytes))) > 0)
		must(buf_add(&c->in, bytes, (size_t)n), "client", STR_NONE);
	if (n == 0 || n == ERR_IO) {
		c->ended = true;
		close_client(c);
	}
	c->sim->news = true;
	loop_stop(c->sim->loop);
}

static void give(struct client *c)
{
	while (c->io && c->out.n) {
		int n = loop_io_write(c->io, c->out.p, c->out.n);

		if (n <= 0)
			break;
		buf_consume(&c->out, (size_t)n);
	}
	if (c->io)
		loop_io_want(c->io, true, c->out.n > 0);
}

static void on_ready(void *ctx, bool readable, bool writable)
{
	struct client *c = ctx;

	if (writable)
		give(c);
	if (readable && c->io)
		take(c);
}

static struct client *client(struct sim *s, unsigned n)
{
	if (n >= CLIENTS)
		die("client", STR("no such number"));
	return &s->clients[n];
}

static void open_client(struct sim *s, unsigned n, bool component)
{
	struct sockaddr_in from = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	struct sockaddr_storage any = { 0 };
	struct client *c = client(s, n);
	int fds[2];

	memcpy(&any, &from, sizeof(from));
	c->sim = s;
	c->ended = false;
	buf_init(&c->in, PIPE_BYTES);
	buf_init(&c->out, PIPE_BYTES);
	must(loop_sim_pair(s->loop, fds), "pair", STR_NONE);
	must(loop_io_open(s->loop, fds[0], on_ready, c, &c->io), "client", STR_NONE);
	loop_io_want(c->io, true, false);
	if (component)
		gateway_accept(s->gateway, fds[1], &any);
	else
		stream_accept(s->server, fds[1], &any, true);
}

static void send_bytes(struct client *c, size_t n)
{
	char *p = malloc(n + 1);

	if (!p || fread(p, 1, n, stdin) != n)
		die("send", STR("standard input has ended"));
	if (c->io)
		must(buf_add(&c->out, p, n), "send", STR_NONE);
	free(p);
	give(c);
}

static void tell(struct sim *s)
{
	for (unsigned i = 0; i < CLIENTS && s->news; i++) {
		struct client *c = &s->clients[i];

		if (c->in.n) {
			printf("data %u %zu\n", i, c->in.n);
			fwrite(c->in.p, 1, c->in.n, stdout);
			buf_clear(&c->in);
		}
		if (c->ended) {
			printf("end %u\n", i);
			c->ended = false;
		}
	}
	s->news = false;
	printf("done %llu\n", (unsigned long long)loop_now_ms(s->loop));
	fflush(stdout);
}

static void run(struct sim *s, unsigned long ms)
{
	if (!s->news)
		loop_sim_run_until(s->loop, loop_now_ms(s->loop) + ms);
}

static void pass(struct sim *s, unsigned long ms)
{
	uint64_t end = loop_now_ms(s->loop) + ms;

	while (loop_now_ms(s->loop) < end)
		loop_sim_run_until(s->loop, end);
}

/* False at the end of the commands. */
static bool command(struct sim *s)
{
	char line[1024], a[256], b[256], c[256];
	unsigned n, first, total;
	size_t bytes;
	unsigned long ms;

	if (!fgets(line, sizeof(line), stdin))
		return false;
	if (sscanf(line, "user %255s %255s %255[^\n]", a, b, c) == 3)
		add_user(s, a, b, c);
	else if (strcmp(line, "start\n") == 0)
		start(s);
	else if (sscanf(line, "open %u", &n) == 1)
		open_client(s, n, false);
	else if (sscanf(line, "gateway %u", &n) == 1)
		open_client(s, n, true);
	else if (sscanf(line, "send %u %zu", &n, &bytes) == 2 && bytes < PIPE_BYTES)
		send_bytes(client(s, n), bytes);
	else if (sscanf(line, "cut %u", &n) == 1)
		close_client(client(s, n));
	else if (sscanf(line, "contacts %255s %255s %u %u %u", a, b, &first, &n, &total) == 5 && total)
		add_contacts(s, a, b, first, n, total);
	else if (sscanf(line, "pass %lu", &ms) == 1)
		pass(s, ms);
	else if (sscanf(line, "run %lu", &ms) == 1)
		run(s, ms);
	else if (strcmp(line, "restart\n") == 0)
		restart(s);
	else
		die("command", str_of(line));
	if (s->ends && s->again)
		restart(s);
	s->ends = false;
	tell(s);
	return true;
}

int main(int argc, char **argv)
{
	struct sim s = { .arena = arena_new(64u << 20), .clients = calloc(CLIENTS, sizeof(struct client)) };
	uint64_t seed = argc > 1 ? strtoull(argv[1], NULL, 10) : 1;
	struct str why = STR_NONE;

	if (argc < 3 || !s.arena || !s.clients)
		die("use", STR("xts_sim SEED CONFIG [DIR]"));
	log_setup(LOG_WARN, LOG_TEXT);
	s.dir = argc > 3 ? argv[3] : NULL;
	s.tools = scram_tools_new();
	must(loop_sim_new(seed, &s.loop), "loop", why);
	rand_simulate(seed | 1);
	s.config_path = argv[2];
	must(config_load(argv[2], s.arena, &s.config, &why), "config", why);
	if (s.dir)
		must(vault_key_create(s.dir, s.arena, &why), "key", why);
	open_vault(&s);
	while (command(&s))
		;
	if (s.server)
		stop(&s);
	for (unsigned i = 0; i < CLIENTS; i++) {
		close_client(&s.clients[i]);
		buf_release(&s.clients[i].in);
		buf_release(&s.clients[i].out);
	}
	free(s.clients);
	vault_close(&s.vault);
	scram_tools_free(&s.tools);
	config_unref(&s.config);
	loop_free(&s.loop);
	arena_free(&s.arena);
	return 0;
}
