/* web.c - the process that meets browsers: reads what it needs, opens its listener, gives its rights away, serves.
 *
 * Started by the supervisor (supervisor.c) as a program of its own, so that the worker carries none of its libraries.
 * It holds the certificate's key, WebSockets, and of stored data the keys of the files that are moving just now, no account.
 * Its one way to the worker is the channel it was born with (ipc/chan.h); it accepts no message on it. After its start it makes
 * no socket but pairs, reads the certificate and the spool, writes files of the spool alone, and lists no folder.
 */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "base/log.h"
#include "config/config.h"
#include "config/instance.h"
#include "ipc/heritage.h"
#include "ipc/sandbox.h"
#include "net/listener.h"
#include "net/loop.h"
#include "net/tls.h"
#include "roles/harden.h"
#include "web/web.h"
#include "web/web_spool.h"

#define ARENA_BYTES (4 * 1024 * 1024)

struct role {
	const char *dir, *log_format;	/* log_format NULL: as configured */
	struct arena *arena;
	struct instance in;
	struct loop *loop;
	struct web *web;
	bool stopping;
};

static int fail(struct str why)
{
	fprintf(stderr, "wardroom-web: %.*s\n", STR_FMT(why));
	return 1;
}

/* config_parse() and not config_load(): that would read secrets of components, which are nothing to this role. */
static int read_config(struct role *d, struct config **ret, struct str *ret_why)
{
	struct str text;
	int r = instance_read(d->in.config, CONFIG_FILE_BYTES, d->arena, &text, ret_why);

	return r < 0 ? r : config_parse(text, d->in.config, d->arena, ret, ret_why);
}

static void set_log(const struct role *d, const struct config *c)
{
	enum log_format format = (enum log_format)c->log.format;

	if (d->log_format)
		format = strcmp(d->log_format, "json") == 0 ? LOG_JSON : LOG_TEXT;
	log_setup((enum log_level)c->log.level, format);
}

static int serve_with(struct role *d, struct config *c, struct str *ret_why)
{
	struct web_parts p = { .config = c, .chan = HERITAGE_CHAN_FD, .spool = d->in.spool };
	struct sandbox_state st;
	int r = tls_ctx_load_web(d->in.tls, d->arena, &p.tls, ret_why);

	if (r == 0)
		r = listener_bind_tcp(c->listen.address, c->listen.https, d->arena, &p.listen, ret_why);
	if (r == 0)
		r = web_spool_prepare(d->in.spool, d->arena, ret_why);
	if (r == 0)
		r = loop_uv_new(&d->loop);
	if (r < 0)
		return r;
	p.loop = d->loop;
	r = sandbox_enter_spooler(d->in.tls, d->in.spool, &st);
	if (r < 0) {
		*ret_why = STR("this kernel cannot filter system calls (seccomp), and without that the web role does not run");
		return r;
	}
	log_event(LOG_INFO, "web.sandbox_entered", LOG_N("landlock", st.landlock));
	return web_new(&p, d->arena, &d->web, ret_why);
}

static int start(struct role *d, struct str *ret_why)
{
	struct config *c;
	int r = read_config(d, &c, ret_why);

	if (r < 0)
		return r;
	set_log(d, c);
	if (c->listen.https) {
		r = serve_with(d, c, ret_why);
	} else {
		*ret_why = STR("listen.https is 0: there is nothing to serve");
		r = ERR_UNSUPPORTED;
	}
	config_unref(&c);
	return r;
}

static void stopped(void *ctx)
{
	struct role *d = ctx;

	loop_stop(d->loop);
}

static void on_term(void *ctx)
{
	struct role *d = ctx;

	if (d->stopping)
		return;
	d->stopping = true;
	web_stop(d->web, stopped, d);
}

/* A new certificate. All else of wardroom.yaml that concerns this role takes a restart. */
static void on_hup(void *ctx)
{
	struct role *d = ctx;
	struct arena *a = arena_new(ARENA_BYTES);
	struct tls_ctx *tls = NULL;
	struct str why = STR("out of memory");
	int r = a ? tls_ctx_load_web(d->in.tls, a, &tls, &why) : ERR_NOMEM;

	if (r == 0) {
		web_reload(d->web, tls);
		log_event(LOG_NOTE, "web.reloaded");
	} else {
		log_event(LOG_ERROR, "web.reload_refused", LOG_S("why", why));
	}
	arena_free(&a);
}

static int run(struct role *d)
{
	struct str why = STR_NONE;
	int r;

	d->arena = arena_new(ARENA_BYTES);
	if (!d->arena || instance_paths(d->dir, d->arena, &d->in) < 0)
		return fail(STR("out of memory"));
	r = start(d, &why);
	if (r < 0)
		return fail(str_empty(why) ? str_of(err_text(r)) : why);
	if (loop_signal(d->loop, SIGTERM, on_term, d) < 0 || loop_signal(d->loop, SIGINT, on_term, d) < 0 ||
	    loop_signal(d->loop, SIGHUP, on_hup, d) < 0)
		return fail(STR("signals cannot be received"));
	if (write(HERITAGE_READY_FD, HERITAGE_SERVES, 1) != 1)
		log_event(LOG_WARN, "ready.unheard");
	close(HERITAGE_READY_FD);
	loop_run(d->loop);
	web_free(&d->web);
	loop_free(&d->loop);
	arena_free(&d->arena);
	return 0;
}

/* Not for people: the supervisor gives it its descriptors. */
int main(int argc, char **argv)
{
	struct role d = { 0 };

	for (int i = 1; i + 1 < argc; i += 2) {
		if (strcmp(argv[i], "--dir") == 0)
			d.dir = argv[i + 1];
		else if (strcmp(argv[i], "--log-format") == 0)
			d.log_format = argv[i + 1];
	}
	if (!d.dir) {
		fputs("wardroom-web: it is started by wardroomd\n", stderr);
		return 2;
	}
	harden_process();
	return run(&d);
}
