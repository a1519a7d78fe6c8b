/* notices.c - XEP-0133: the message of the day, which everybody gets once when he comes, and the welcome of who comes for the
 * first time. An administrator writes both, an officer the message of the day.
 *
 * Stored are both texts beside the server's domain, and with each account which message of the day it has seen. Nothing is looked
 * up at a login while there is neither.
 *
 * Ownership  srv->notices: one block of malloc for each text.
 * Limits     ANNOUNCE_BYTES of text.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"
#include "base/rand.h"
#include "core/adhoc.h"
#include "core/announce.h"
#include "core/audit.h"
#include "core/mod.h"
#include "core/state.h"

#define NODE(name) NS_ADMIN "#" name
#define MARK 13				/* which one it is: 12 characters and NUL */
#define VISIT_BYTES (64 * 1024)

enum which { MOTD, WELCOME, WHICH };
static const char *const keys[WHICH] = { "motd", "welcome" };

struct notice {
	char mark[MARK];
	char text[];
};

/* As stored: the mark, then the text. */
static struct notice *notice_new(struct str stored)
{
	struct notice *n = stored.n >= MARK - 1 && stored.n < ANNOUNCE_BYTES + MARK ? calloc(1, sizeof(*n) + stored.n) : NULL;

	if (!n)
		return NULL;
	memcpy(n->mark, stored.p, MARK - 1);
	memcpy(n->text, stored.p + MARK - 1, stored.n - (MARK - 1));
	return n;
}

static void replace(struct server *srv, enum which w, struct notice *n)
{
	free(srv->notices[w]);
	srv->notices[w] = n;
}

static int start(struct server *srv)
{
	struct arena *a = arena_new(VISIT_BYTES);
	struct str stored;
	int r = a ? 0 : ERR_NOMEM;

	for (unsigned w = 0; r == 0 && w < WHICH; w++) {
		r = vault_item_get(srv->vault, srv->domain, ITEM_NOTICE, str_of(keys[w]), a, &stored);
		if (r == 0)
			replace(srv, (enum which)w, notice_new(stored));
		r = r == ERR_NOT_FOUND ? 0 : r;
	}
	arena_free(&a);
	return r;
}

static void stop(struct server *srv)
{
	for (unsigned w = 0; w < WHICH; w++)
		replace(srv, (enum which)w, NULL);
}

/* --- somebody comes ---------------------------------------------------------------------------------------------- */

struct visit {
	struct server *srv;
	struct user *u;
	uint64_t session_id;
	char motd[MARK];		/* "": there is none */
	bool welcome;			/* there is one */
	bool show[WHICH];
};

/* Marks it seen: false when it was. */
static int see(struct vault *v, struct visit *t, struct arena *a, enum which w, const char *mark)
{
	struct str seen = STR_NONE;
	int r = vault_item_get(v, t->u->bare, ITEM_NOTICE, str_of(keys[w]), a, &seen);

	if (r < 0 && r != ERR_NOT_FOUND)
		return r;
	if (r == 0 && (w == WELCOME || str_is(seen, mark)))
		return 0;
	t->show[w] = true;
	return vault_item_put(v, t->u->bare, ITEM_NOTICE, str_of(keys[w]), str_of(mark));
}

/* Who has left before is not new, whatever was marked (features/last_activity.c). */
static int visit_work(struct vault *v, void *ctx)
{
	struct visit *t = ctx;
	struct arena *a = arena_new(VISIT_BYTES);
	struct str last;
	int r = a ? 0 : ERR_NOMEM;

	if (r == 0 && t->motd[0])
		r = see(v, t, a, MOTD, t->motd);
	if (r == 0 && t->welcome)
		r = see(v, t, a, WELCOME, "1");
	if (r == 0 && t->show[WELCOME]) {
		r = vault_item_get(v, t->u->bare, ITEM_LAST, STR_NONE, a, &last);
		t->show[WELCOME] = r == ERR_NOT_FOUND;
		r = r == ERR_NOT_FOUND ? 0 : r;
	}
	arena_free(&a);
	return r == ERR_NOT_FOUND ? 0 : r;	/* removed meanwhile */
}

static void tell(struct session *s, enum which w)
{
	const struct notice *n = s->server->notices[w];
	struct arena *a = n ? arena_new(VISIT_BYTES) : NULL;
	struct node *m = a ? announce_message(s->server, a, w == MOTD ? "headline" : "normal", str_of(n->text)) : NULL;

	if (m && node_set_attr(a, m, "to", s->full) == 0)
		session_send(s, m);
	arena_free(&a);
}

static void visit_done(void *ctx, int err)
{
	struct visit *t = ctx;

	if (err < 0)
		log_event(LOG_WARN, "notice.not_shown", LOG_Z("why", err_text(err)));
	for (unsigned w = WHICH; err == 0 && w-- > 0;) {	/* the welcome first */
		struct session *s = t->show[w] ? session_find(t->srv, t->session_id) : NULL;

		if (s && !s->ending)
			tell(s, (enum which)w);
	}
	user_unref(&t->u);
	free(t);
}

static void presence_out(struct session *s, struct trip *trip, bool initial)
{
	struct server *srv = s->server;
	struct visit *t = initial && (srv->notices[MOTD] || srv->notices[WELCOME]) ? calloc(1, sizeof(*t)) : NULL;

	(void)trip;
	if (!t)
		return;
	t->srv = srv;
	t->u = user_ref(s->user);
	t->session_id = s->id;
	if (srv->notices[MOTD])
		memcpy(t->motd, srv->notices[MOTD]->mark, MARK);
	t->welcome = srv->notices[WELCOME] != NULL;
	if (server_store(srv, t, visit_work, visit_done) < 0)
		visit_done(t, ERR_BUSY);
}

/* --- commands ---------------------------------------------------------------------------------------------------------- */

static bool is_admin(const struct user *u)
{
	return u->role == ROLE_ADMIN;
}

static bool may_tell(const struct user *u)
{
	return u->role == ROLE_ADMIN || u->role == ROLE_OFFICER;
}

struct change {
	struct adhoc *adhoc;
	enum which which;
	struct str stored;		/* empty: it is taken away */
};

static enum which which_of(const struct adhoc *c)
{
	return str_find(str_of(c->command->node), STR("welcome")) >= 0 ? WELCOME : MOTD;
}

static int change_work(struct vault *v, struct iq *iq)
{
	const struct change *x = iq->data;

	if (!x->stored.n)
		return vault_item_remove(v, iq->server->domain, ITEM_NOTICE, str_of(keys[x->which]));
	return vault_item_put(v, iq->server->domain, ITEM_NOTICE, str_of(keys[x->which]), x->stored);
}

static int change_done(struct iq *iq, int err)
{
	const struct change *x = iq->data;
	struct notice *n = NULL;
	char what[64];

	if (err < 0)
		return err;
	if (x->stored.n) {
		n = notice_new(x->stored);
		if (!n)
			return ERR_NOMEM;
	}
	replace(iq->server, x->which, n);
	snprintf(what, sizeof(what), "%s %s", x->which == MOTD ? "message of the day" : "welcome", n ? "set" : "deleted");
	audit_account(iq->server, what, iq->trip->from_user->bare, "by command");
	return adhoc_done(x->adhoc, NULL, n ? "It is shown from now on." : "There is none any more.");
}

static int change(struct adhoc *c, struct str stored)
{
	struct change *x = arena_alloc(c->iq->arena, sizeof(*x));

	if (!x)
		return ERR_LIMIT;
	*x = (struct change){ .adhoc = c, .which = which_of(c), .stored = stored };
	c->iq->data = x;
	return iq_store(c->iq, change_work, change_done);
}

static void add_lines(struct form *f, const char *text)
{
	struct str rest = str_of(text);

	while (rest.n) {
		ptrdiff_t end = str_find_char(rest, '\n');

		form_value(f, end < 0 ? rest : str_make(rest.p, (size_t)end));
		rest = str_cut(rest, end < 0 ? rest.n : (size_t)end + 1);
	}
}

/* With the text of now in it. */
static int ask(struct adhoc *c)
{
	enum which w = which_of(c);
	struct form f;
	int r;

	form_begin(&f, c->iq->arena, NULL, "form", NS_ADMIN);
	form_text(&f, "title", c->command->name);
	form_text(&f, "instructions", w == MOTD ? "Everybody gets it once, when he comes." : "Who comes for the first time gets it.");
	form_field(&f, "text-multi", keys[w], w == MOTD ? "Message of the day" : "Welcome message", (struct str){ 0 });
	if (c->iq->server->notices[w])
		add_lines(&f, c->iq->server->notices[w]->text);
	form_required(&f);
	r = form_end(&f);
	return r < 0 ? r : adhoc_ask(c, f.x);
}

static int run_set(struct adhoc *c)
{
	char mark[MARK];
	struct str text;
	int r;

	if (!c->form)
		return ask(c);
	r = announce_text(c->iq->arena, c->form, keys[which_of(c)], &text);
	if (r < 0)
		return r;
	if (!str_trim(text).n)
		return ERR_BAD_REQUEST;
	rand_text(mark, MARK - 1);
	text = arena_printf(c->iq->arena, "%.*s%.*s", MARK - 1, mark, STR_FMT(text));
	return text.p ? change(c, text) : ERR_LIMIT;
}

static int run_delete(struct adhoc *c)
{
	return change(c, STR_NONE);
}

static const struct adhoc_command commands[] = {
	{ NODE("set-motd"), "Set the message of the day", may_tell, NS_ADMIN, NULL, NULL, run_set },
	{ NODE("edit-motd"), "Change the message of the day", may_tell, NS_ADMIN, NULL, NULL, run_set },
	{ NODE("delete-motd"), "Delete the message of the day", may_tell, NS_ADMIN, NULL, NULL, run_delete },
	{ NODE("set-welcome"), "Set the welcome message", is_admin, NS_ADMIN, NULL, NULL, run_set },
	{ NODE("delete-welcome"), "Delete the welcome message", is_admin, NS_ADMIN, NULL, NULL, run_delete },
	{ 0 }
};

static const struct mod_hooks hooks = { .server_start = start, .server_stop = stop, .presence_out = presence_out };

const struct mod_def mod_notices = {
	.name = "notices",
	.xep = 133,
	.xep_version = "1.3.1",
	.commands = commands,
	.hooks = &hooks,
};
