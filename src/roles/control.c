/* control.c - serves run/control.sock, see control.h. */
#include "roles/control.h"

#include <jansson.h>
#include <stdlib.h>
#include <unistd.h>

#include "admin/admin.h"
#include "base/buf.h"
#include "base/list.h"
#include "base/log.h"
#include "core/server.h"
#include "net/conn.h"
#include "net/listener.h"

struct control {
	struct loop *loop;
	struct server *srv;
	struct conn_pool *pool;
	struct listener *listener;
	const char *dir, *domain;
	void (*reload)(void *ctx);
	void *reload_ctx;
	struct list clients;
	unsigned n;
};

struct client {
	struct list node;
	struct control *control;
	struct conn *conn;		/* NULL: gone while its command was running */
	struct buf in;
	bool busy;
};

static void client_free(struct client *c)
{
	list_remove(&c->node);
	c->control->n--;
	buf_wipe(&c->in);
	free(c);
}

static void answer(struct client *c, json_t *reply)
{
	char *text = reply ? json_dumps(reply, JSON_COMPACT) : NULL;
	int r = text ? conn_send(c->conn, str_of(text)) : ERR_NOMEM;

	if (r < 0)
		r = conn_send(c->conn, STR("{\"ok\":false,\"error\":\"LIMIT\",\"why\":\"the answer is too long; ask for less\"}"));
	if (r >= 0)
		r = conn_send(c->conn, STR("\n"));
	free(text);
	json_decref(reply);
	conn_close(c->conn);
}

static void done(void *ctx, struct admin_call *call)
{
	struct client *c = ctx;

	c->busy = false;
	for (const struct admin_effect *e = call->effects; e; e = e->next)
		if (e->kind == EFFECT_POLICY_APPLIED)
			c->control->reload(c->control->reload_ctx);	/* who is answered finds it in force */
	if (!c->conn)
		client_free(c);
	else if (call->err < 0)
		answer(c, json_pack("{s:b, s:s, s:s%}", "ok", 0, "error", err_text(call->err), "why", call->why.p, call->why.n));
	else
		answer(c, json_pack("{s:b, s:O}", "ok", 1, "reply", call->reply));
	admin_call_free(&call);
}

static void run(struct client *c, struct str line)
{
	json_t *request = json_loadb(line.p, line.n, 0, NULL), *args = json_object_get(request, "args");
	const char *command = json_string_value(json_object_get(request, "command"));
	struct admin_call *call = command ? admin_call_new(command, json_is_object(args) ? json_incref(args) : NULL) : NULL;

	json_decref(request);
	if (!call) {
		answer(c, json_pack("{s:b, s:s, s:s}", "ok", 0, "error", "BAD_REQUEST", "why", "expected {\"command\": ..., \"args\": {...}}"));
		return;
	}
	call->instance_dir = c->control->dir;
	call->domain = c->control->domain;
	call->live = true;
	c->busy = true;
	server_admin(c->control->srv, call, done, c);
}

static void on_data(void *ctx, struct str bytes)
{
	struct client *c = ctx;

	if (c->busy || buf_str_add(&c->in, bytes) < 0) {
		conn_abort(c->conn);
		return;
	}
	if (c->in.n && c->in.p[c->in.n - 1] == '\n')
		run(c, buf_str(&c->in));
}

static void on_closed(void *ctx)
{
	struct client *c = ctx;

	c->conn = NULL;
	if (!c->busy)
		client_free(c);
}

static const struct conn_ops ops = { .data = on_data, .closed = on_closed };

static void on_accept(void *ctx, int fd, const struct sockaddr_storage *from)
{
	struct control *control = ctx;
	struct client *c = control->n < CONTROL_CLIENTS ? calloc(1, sizeof(*c)) : NULL;

	(void)from;
	if (!c) {
		log_event(LOG_WARN, "control.refused", LOG_N("open", control->n));
		close(fd);
		return;
	}
	c->control = control;
	buf_init(&c->in, CONTROL_REQUEST_BYTES);
	list_append(&control->clients, &c->node);
	control->n++;
	if (conn_accept(control->pool, fd, NULL, &ops, c, &c->conn) < 0)
		client_free(c);
}

int control_new(struct loop *loop, struct server *srv, int fd, const char *dir, const char *domain, void (*reload)(void *ctx), void *reload_ctx,
		struct control **ret)
{
	struct control *c = calloc(1, sizeof(*c));
	int r = c ? conn_pool_new(loop, &c->pool) : ERR_NOMEM;

	if (r == 0)
		r = listener_new(loop, fd, on_accept, c, &c->listener);
	if (r < 0) {
		close(fd);
		if (c && c->pool)
			conn_pool_free(&c->pool);
		free(c);
		return r;
	}
	c->loop = loop;
	c->srv = srv;
	c->dir = dir;
	c->reload = reload;
	c->reload_ctx = reload_ctx;
	c->domain = domain;
	list_init(&c->clients);
	*ret = c;
	return 0;
}

void control_stop(struct control *c)
{
	listener_free(&c->listener);
	LIST_EACH(it, &c->clients) {
		struct client *one = LIST_ITEM(it, struct client, node);

		if (one->conn)
			conn_abort(one->conn);
	}
}

void control_free(struct control **c)
{
	if (!*c)
		return;
	LIST_EACH(it, &(*c)->clients)
		client_free(LIST_ITEM(it, struct client, node));
	conn_pool_free(&(*c)->pool);
	free(*c);
	*c = NULL;
}
