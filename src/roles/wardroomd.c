/* wardroomd.c - the server's process: reads the instance, opens what needs rights, serves until SIGTERM.
 *
 * The supervisor (supervisor.c) starts serve() in a process of its own. Everything that can be wrong with an
 * instance is found before `ready` is printed, and named in one sentence; nothing has been changed then.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "config/config.h"
#include "config/instance.h"
#include "core/outbox.h"
#include "core/server.h"
#include "gateway/gateway.h"
#include "ipc/heritage.h"
#include "ipc/sandbox.h"
#include "ipc/scan_dial.h"
#include "net/listener.h"
#include "net/loop.h"
#include "net/tls.h"
#include "roles/control.h"
#include "roles/harden.h"
#include "roles/supervisor.h"
#include "roles/watch.h"
#include "s2s/s2s.h"
#include "s2s/s2s_trust.h"
#include "vault/vault.h"

#define ARENA_BYTES (16 * 1024 * 1024)
#define LISTS_MS 5000
#define LOCK_PATIENCE_MS 3000		/* the one before us may have been killed a moment ago */

struct daemon {
	const char *dir;
	struct arena *arena;
	struct instance in;
	const char *log_format;		/* NULL: as configured */
	struct config *config;
	struct loop *loop;
	struct server *server;
	struct gateway *gateway;
	struct s2s *s2s;		/* NULL: no federation */
	struct control *control;
	struct loop_timer lists;
	int lock;
	bool stopping, again;
};

static int fail(struct str why)
{
	fprintf(stderr, "wardroomd: %.*s\n", STR_FMT(why));
	return 1;
}

static void set_log(const struct daemon *d)
{
	enum log_format format = (enum log_format)d->config->log.format;

	if (d->log_format)
		format = strcmp(d->log_format, "json") == 0 ? LOG_JSON : LOG_TEXT;
	log_setup((enum log_level)d->config->log.level, format);
}

static bool federates(const struct config *c)
{
	return c->listen.s2s && c->s2s.enabled;
}

static int listeners(struct daemon *d, struct server_parts *p, struct s2s_parts *s2s, int *ret_control, int *ret_component,
		     struct str *ret_why)
{
	const struct config *c = d->config;
	int r = 0;

	p->listen_c2s = p->listen_c2s_tls = p->listen_control = -1;
	if (c->listen.c2s)
		r = listener_bind_tcp(c->listen.address, c->listen.c2s, d->arena, &p->listen_c2s, ret_why);
	if (r == 0 && c->listen.c2s_tls)
		r = listener_bind_tcp(c->listen.address, c->listen.c2s_tls, d->arena, &p->listen_c2s_tls, ret_why);
	if (r == 0 && c->listen.component && c->n_components)
		r = listener_bind_tcp(c->listen.component_address, c->listen.component, d->arena, ret_component, ret_why);
	if (r == 0 && federates(c))
		r = listener_bind_tcp(c->listen.address, c->listen.s2s, d->arena, &s2s->fd, ret_why);
	if (r == 0)
		r = listener_bind_unix(d->in.socket, d->arena, ret_control, ret_why);
	return r;
}

static int give_rights_away(struct daemon *d, struct str *ret_why)
{
	struct sandbox_state st;
	int r = sandbox_enter(d->in.dir, &st);

	if (r < 0) {
		*ret_why = STR("this kernel cannot filter system calls (seccomp), and without that the server does not run");
		return r;
	}
	log_event(LOG_INFO, "sandbox.entered", LOG_N("landlock", st.landlock));
	return 0;
}

/* What other servers are shown, and whom of them we believe. */
static int credentials(const struct daemon *d, const struct config *c, struct arena *a, struct s2s_parts *ret, struct str *ret_why)
{
	int r;

	if (!federates(c))
		return 0;
	r = tls_ctx_load_peers(d->in.tls, a, &ret->tls, ret_why);
	if (r == 0)
		r = s2s_trust_new(c->s2s.ca, a, &ret->trust, ret_why);
	if (r < 0)
		tls_ctx_unref(&ret->tls);
	return r;
}

/* What looking at files takes: processes that come over the pool, and a folder that the sandbox would not let be opened. */
static int scanning(struct daemon *d, int pool, struct server_parts *p, struct str *ret_why)
{
	const struct config *c = d->config;

	p->pool = p->signatures = -1;
	if (!c->listen.https) {
		close(pool);			/* there is no way for a file to come */
		return 0;
	}
	if (*c->scanner.clamd && scan_dial_check(c->scanner.clamd) < 0) {
		*ret_why = arena_printf(d->arena, "%s: scanner.clamd is '%s': neither the path of a socket nor an address like 127.0.0.1:3310", d->in.config,
					c->scanner.clamd);
		return ERR_BAD_FORMAT;
	}
	if (*c->scanner.clamd && *c->scanner.signatures) {
		p->signatures = open(c->scanner.signatures, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (p->signatures < 0) {
			*ret_why = arena_printf(d->arena, "%s: scanner.signatures is '%s': this folder cannot be read", d->in.config, c->scanner.signatures);
			return ERR_NOT_FOUND;
		}
	}
	p->pool = pool;
	return 0;
}

static void on_term(void *ctx);
static void on_hup(void *ctx);

/* Somebody has ordered it from within (XEP-0133). */
static void on_end(void *ctx, bool again)
{
	struct daemon *d = ctx;

	d->again = again;
	on_term(d);
}

/* Everything up to the running server; what has been opened when it fails ends with the process. */
static int start(struct daemon *d, uint64_t started_mono_us, const struct heritage *h, struct str *ret_why)
{
	struct server_parts p = { .started_mono_us = started_mono_us, .end = on_end, .end_ctx = d, .dir = d->in.dir, .spool = d->in.spool };
	struct s2s_parts s2s = { .fd = -1 };
	const char *domain;
	struct outbox_saved *saved = NULL;
	int control = -1, component = -1, r;

	r = instance_check(&d->in, d->arena, ret_why);
	if (r == 0)
		r = config_load(d->in.config, d->arena, &d->config, ret_why);
	if (r < 0)
		return r;
	set_log(d);
	if (d->config->listen.https)
		p.web = h->chan;
	else
		close(h->chan);
	r = scanning(d, h->pool, &p, ret_why);
	if (r == 0)
		r = instance_lock_wait(&d->in, LOCK_PATIENCE_MS, d->arena, &d->lock, ret_why);
	if (r == 0)
		r = tls_ctx_load(d->in.tls, d->arena, &p.tls, ret_why);
	if (r == 0)
		r = credentials(d, d->config, d->arena, &s2s, ret_why);
	if (r == 0)
		r = vault_open(d->in.data, d->in.keys, false, d->arena, &p.vault, ret_why);
	if (r == 0 && (s2s.tls || d->config->n_components))
		r = outbox_load(p.vault, &saved);
	if (r == 0)
		r = watch_open(&d->in, d->config, d->arena, &p.guard, ret_why);
	if (r == 0)
		r = listeners(d, &p, &s2s, &control, &component, ret_why);
	if (r == 0)
		r = loop_uv_new(&d->loop);
	if (r < 0)
		return r;
	p.loop = d->loop;
	p.config = config_ref(d->config);
	/* Before the first thread starts: whatever comes after this is bound by it. */
	r = give_rights_away(d, ret_why);
	if (r == 0)
		r = server_new(&p, d->arena, &d->server, ret_why);
	if (r == 0)
		r = gateway_new(d->server, component, saved, d->arena, &d->gateway, ret_why);
	s2s.saved = saved;
	if (r == 0 && s2s.tls)
		r = s2s_new(d->server, &s2s, d->arena, &d->s2s, ret_why);
	outbox_saved_free(&saved);
	if (r < 0)
		return r;
	/* A reload replaces the configuration; its domain stays. */
	domain = arena_dup(d->arena, d->config->domain, strlen(d->config->domain));
	return domain ? control_new(d->loop, d->server, control, d->in.dir, domain, on_hup, d, &d->control) : ERR_NOMEM;
}

static void stopped(void *ctx)
{
	struct daemon *d = ctx;

	loop_stop(d->loop);
}

static void on_term(void *ctx)
{
	struct daemon *d = ctx;

	if (d->stopping)
		return;
	d->stopping = true;
	log_event(LOG_NOTE, "server.stopping");
	control_stop(d->control);
	gateway_stop(d->gateway);
	server_stop(d->server, stopped, d);
	s2s_stop(d->s2s);		/* after people have said goodbye to contacts elsewhere */
}

/* The sandbox may keep the file of authorities from us, who read it at the start: then those stay in force. */
static int new_credentials(const struct daemon *d, const struct config *c, struct arena *a, struct s2s_parts *ret, struct str *ret_why)
{
	int r = tls_ctx_load_peers(d->in.tls, a, &ret->tls, ret_why);

	if (r < 0)
		return r;
	if (s2s_trust_new(c->s2s.ca, a, &ret->trust, ret_why) < 0)
		log_event(LOG_WARN, "s2s.authorities_kept", LOG_S("why", *ret_why));
	return 0;
}

static void on_hup(void *ctx)
{
	struct daemon *d = ctx;
	struct arena *a = arena_new(ARENA_BYTES);
	struct config *config = NULL;
	struct guard *guard = NULL;
	struct tls_ctx *tls = NULL;
	struct s2s_parts s2s = { .fd = -1 };
	struct str why = STR("out of memory");
	int r = a ? config_load(d->in.config, a, &config, &why) : ERR_NOMEM;

	if (r == 0 && strcmp(config->domain, d->config->domain) != 0) {
		why = STR("the domain cannot be changed while the server runs");
		r = ERR_NOT_ALLOWED;
	}
	if (r == 0)
		r = watch_open(&d->in, config, a, &guard, &why);
	if (r == 0 && d->s2s)
		r = new_credentials(d, config, a, &s2s, &why);
	if (r == 0)
		r = tls_ctx_load(d->in.tls, a, &tls, &why);
	if (r == 0) {
		config_unref(&d->config);
		d->config = config_ref(config);
		set_log(d);
		server_reload(d->server, config, guard, tls);
		gateway_reload(d->gateway);
		if (d->s2s)
			s2s_reload(d->s2s, s2s.tls, s2s.trust);
		log_event(LOG_NOTE, "server.reloaded");
	} else {
		log_event(LOG_ERROR, "server.reload_refused", LOG_S("why", why));
		config_unref(&config);
		watch_close(&guard);
		tls_ctx_unref(&s2s.tls);
		s2s_trust_free(&s2s.trust);
	}
	arena_free(&a);
}

/* What `wardroom feed update` has made is taken up as a reload is. */
static void on_lists(void *ctx)
{
	struct daemon *d = ctx;

	if (d->stopping)
		return;
	if (watch_changed(&d->in, server_guard(d->server)))
		on_hup(d);
	loop_timer_set(d->loop, &d->lists, LISTS_MS, on_lists, d);
}

static int usage(void)
{
	fputs("use: wardroomd --dir DIR [--log-format text|json]\n", stderr);
	return 2;
}

/* The worker: everything but its being started again. */
static int serve(struct daemon *d, const struct heritage *h)
{
	struct str why = STR_NONE;
	char word[2];
	int r = start(d, clock_mono_us(), h, &why);

	if (r < 0)
		return fail(str_empty(why) ? str_of(err_text(r)) : why);
	if (loop_signal(d->loop, SIGTERM, on_term, d) < 0 || loop_signal(d->loop, SIGINT, on_term, d) < 0 ||
	    loop_signal(d->loop, SIGHUP, on_hup, d) < 0)
		return fail(STR("signals cannot be received"));
	word[0] = d->config->listen.https ? *HERITAGE_SERVES_AND_WANTS_WEB : *HERITAGE_SERVES;
	word[1] = d->config->listen.https ? (char)d->config->scanner.processes : 0;
	if (write(h->ready, word, sizeof(word)) != sizeof(word))
		log_event(LOG_WARN, "ready.unheard");
	close(h->ready);
	loop_timer_set(d->loop, &d->lists, LISTS_MS, on_lists, d);
	loop_run(d->loop);
	unlink(d->in.socket);
	control_free(&d->control);
	gateway_free(&d->gateway);
	s2s_free(&d->s2s);
	server_free(&d->server);
	loop_free(&d->loop);
	config_unref(&d->config);
	instance_unlock(&d->lock);
	return d->again ? SUPERVISOR_AGAIN : 0;
}

static int worker(void *ctx, const struct heritage *h)
{
	struct daemon *d = ctx;
	int r;

	d->arena = arena_new(ARENA_BYTES);
	if (!d->arena || instance_paths(d->dir, d->arena, &d->in) < 0)
		return fail(STR("out of memory"));
	r = serve(d, h);
	arena_free(&d->arena);
	return r;
}

int main(int argc, char **argv)
{
	const char *web[5] = { "--dir" };
	struct daemon d = { .lock = -1 };

	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--dir") == 0 && i + 1 < argc)
			d.dir = argv[++i];
		else if (strcmp(argv[i], "--log-format") == 0 && i + 1 < argc)
			d.log_format = argv[++i];
		else
			return usage();
	}
	if (!d.dir || (d.log_format && strcmp(d.log_format, "text") != 0 && strcmp(d.log_format, "json") != 0))
		return usage();
	harden_process();
	if (d.log_format)
		log_setup(LOG_INFO, strcmp(d.log_format, "json") == 0 ? LOG_JSON : LOG_TEXT);
	web[1] = d.dir;
	web[3] = d.log_format;
	if (d.log_format)
		web[2] = "--log-format";
	return supervisor_run(worker, &d, web);
}
