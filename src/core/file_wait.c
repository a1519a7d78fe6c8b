/* file_wait.c - see file_link.h: messages that wait for the verdict on their files.
 *
 * The wait is a durable row and an entry of a list here; after a restart the list is made anew of the rows. Who is told of what comes after
 * the row that says so.
 */
#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "core/bot.h"
#include "core/file_parts.h"
#include "core/hold.h"
#include "core/policy_step.h"
#include "core/service.h"
#include "core/state.h"
#include "xmpp/wire.h"

#define CHECK_BYTES (4u << 20)
#define LATE_MS 1000

static struct str bare_of(struct str jid)
{
	ptrdiff_t slash = str_find_char(jid, '/');

	return slash < 0 ? jid : str_make(jid.p, (size_t)slash);
}

static bool is_here(const struct server *srv, struct str jid)
{
	struct str bare = bare_of(jid);
	ptrdiff_t at = str_find_char(bare, '@');

	return at > 0 && server_is_local(srv, str_cut(bare, (size_t)(at + 1)));
}

struct waiting {
	struct list node;
	struct server *srv;
	struct arena *arena;
	uint64_t id, when_ms;
	struct str from, to;
	struct subject sub;		/* who the two are to each other; no text */
	unsigned n;
	struct waiting_file { struct files_wait wait; struct waiting *of; bool linked; } *files;
	bool told, late, busy, again;	/* late: both sides are to be told, if it still waits */
};

/* One look at all of its files. */
struct check {
	struct waiting *w;
	struct arena *arena;
	struct vault_held held;
	struct trip_files files;
	enum vault_held_state to;
	struct str why;
};

static void check(struct waiting *w);

static void waiting_end(struct waiting *w)
{
	struct arena *a = w->arena;

	for (unsigned i = 0; i < w->n; i++)
		files_unwait(&w->files[i].wait);
	list_remove(&w->node);
	w->srv->files->n_messages--;
	arena_free(&a);
}

static int settle_work(struct vault *v, void *ctx)
{
	struct check *c = ctx;
	int r = vault_held_get(v, c->w->id, c->arena, &c->held);

	if (r < 0)
		return r;
	if (c->held.state != HELD_FILE)
		return ERR_CONFLICT;
	c->held.state = c->to;
	if (c->to != HELD_RELEASED)
		c->held.reason = c->why;
	return vault_held_put(v, &c->held);
}

/* Clients mark the message as failed, under the id that they gave it. */
static void send_error(struct check *c)
{
	struct node *m, *e;

	if (!is_here(c->w->srv, c->w->from) || wire_parse(c->arena, c->held.stanza, &m) < 0)
		return;
	e = stanza_error(c->arena, m, ERR_POLICY, c->why.p);
	if (!e || node_set_attr(c->arena, e, "to", c->w->from) < 0 || node_set_attr(c->arena, e, "from", c->w->to) < 0)
		return;
	if (trip_emit(c->w->srv, e) < 0)
		log_event(LOG_WARN, "file.error_not_sent");
}

static void settled(void *ctx, int err)
{
	struct check *c = ctx;
	struct waiting *w = c->w;
	struct server *srv = w->srv;
	char id[VAULT_ID_TEXT];

	vault_id_text(w->id, id);
	if (err < 0 && err != ERR_CONFLICT && err != ERR_NOT_FOUND) {
		srv->metrics.store_failures++;
		w->busy = false;
		w->again = true;		/* with the next look at the clock */
		arena_free(&c->arena);
		return;
	}
	if (err == 0 && c->to == HELD_RELEASED) {
		hold_go_on(srv, str_of(id));
	} else if (err == 0 && c->to == HELD_REJECTED) {
		bot_tell(srv, bare_of(w->from), "Your message to %.*s was not delivered. %.*s", STR_FMT(bare_of(w->to)), STR_FMT(c->why));
		send_error(c);
		if (w->told)
			bot_tell(srv, bare_of(w->to), "The message from %.*s whose file was being checked will not be delivered.", STR_FMT(bare_of(w->from)));
	} else if (err == 0) {
		bot_tell(srv, bare_of(w->from), "Your message to %.*s was held (number %s). %.*s Somebody on duty looks at it.", STR_FMT(bare_of(w->to)), id,
			 STR_FMT(c->why));
	}
	waiting_end(w);
	arena_free(&c->arena);
}

static int check_work(struct vault *v, void *ctx)
{
	struct check *c = ctx;
	int r = vault_held_get(v, c->w->id, c->arena, &c->held);

	return r < 0 ? r : file_link_read(v, c->arena, &c->files);
}

/* True: it is decided; c->to and c->why say how. */
static bool decided(struct check *c)
{
	enum file_action act;

	for (unsigned i = 0; i < c->files.n; i++) {
		const struct trip_file *f = &c->files.v[i];

		if (!f->found && !f->linked)	/* digits that are no file of ours */
			continue;
		if (file_link_is_dead(f) || f->state == FILE_IS_EXPIRED) {
			c->to = HELD_REJECTED;
			c->why = file_link_sentence(f);
			return true;
		}
	}
	if (file_link_pending(&c->files))
		return false;
	act = file_link_judge(c->w->srv, &c->w->sub, &c->files, c->arena, &c->why);
	c->to = act == FILE_ALLOW ? HELD_RELEASED : act == FILE_REFUSE ? HELD_REJECTED : HELD_WAITING;
	return true;
}

static void tell_late(struct waiting *w)
{
	w->told = true;
	bot_tell(w->srv, bare_of(w->from), "Your message to %.*s still waits: its file has not been checked yet. It is delivered as soon as that is done; you need "
		 "not send it again.", STR_FMT(bare_of(w->to)));
	if (w->sub.via != VIA_ROOM && is_here(w->srv, w->to) && !str_eq(w->sub.from, w->sub.to))
		bot_tell(w->srv, bare_of(w->to), "A message from %.*s with a file is on its way to you; the file has not been checked yet.", STR_FMT(bare_of(w->from)));
}

static void checked(void *ctx, int err)
{
	struct check *c = ctx;
	struct waiting *w = c->w;
	bool again = w->again, settles;

	if (err == ERR_NOT_FOUND || (err == 0 && c->held.state != HELD_FILE)) {	/* somebody else has decided */
		waiting_end(w);
		arena_free(&c->arena);
		return;
	}
	settles = err == 0 && decided(c);
	if (settles && server_store(w->srv, c, settle_work, settled) == 0)
		return;
	if (err < 0 || settles)
		w->again = true;	/* the store is in trouble: with the next look at the clock */
	if (err == 0 && w->late && !w->told && file_link_pending(&c->files))
		tell_late(w);
	w->busy = false;
	arena_free(&c->arena);
	if (err == 0 && again && !settles)
		check(w);
}

static void check(struct waiting *w)
{
	struct arena *a = w->busy ? NULL : arena_new(CHECK_BYTES);
	struct check *c = a ? arena_alloc(a, sizeof(*c)) : NULL;

	w->again = !c;
	if (!c) {
		arena_free(&a);
		return;
	}
	*c = (struct check){ .w = w, .arena = a, .why = STR_NONE, .files.n = w->n };
	for (unsigned i = 0; i < w->n; i++) {
		c->files.v[i] = (struct trip_file){ .linked = w->files[i].linked, .name = STR_NONE, .sentence = STR_NONE };
		memcpy(c->files.v[i].id, w->files[i].wait.id, VAULT_FILE_ID);
	}
	w->busy = true;
	if (server_store(w->srv, c, check_work, checked) < 0) {
		w->busy = false;
		w->again = true;
		arena_free(&a);
	}
}

/* Called once for each file: it waits on, as an officer may still change what becomes of it before the message is looked at. */
static void on_judged(struct files_wait *wait)
{
	struct waiting *w = LIST_ITEM(wait, struct waiting_file, wait)->of;

	files_wait(w->srv, wait);
	if (w->busy)
		w->again = true;
	else
		check(w);
}

bool file_wait_room(struct server *srv, struct str bare)
{
	unsigned n = 0;

	LIST_EACH(it, &srv->files->messages)
		n += str_eq(bare_of(LIST_ITEM(it, struct waiting, node)->from), bare);
	return srv->files->n_messages < FILE_LINK_WAITING && n < FILE_LINK_WAITING_EACH;
}

static struct waiting *waiting_new(struct server *srv, const struct trip_files *f, struct str from, struct str to)
{
	struct arena *a = arena_new(32 * 1024);
	struct waiting *w = a ? arena_alloc(a, sizeof(*w)) : NULL;

	if (w)
		*w = (struct waiting){ .srv = srv, .arena = a, .from = arena_str(a, from), .to = arena_str(a, to), .n = f->n,
				       .files = arena_alloc(a, (f->n + 1) * sizeof(*w->files)) };
	if (!w || !w->from.p || !w->to.p || !w->files) {
		arena_free(&a);
		return NULL;
	}
	for (unsigned i = 0; i < f->n; i++) {
		w->files[i] = (struct waiting_file){ .of = w, .linked = f->v[i].linked, .wait.fn = on_judged };
		memcpy(w->files[i].wait.id, f->v[i].id, VAULT_FILE_ID);
		files_wait(srv, &w->files[i].wait);
	}
	list_append(&srv->files->messages, &w->node);
	srv->files->n_messages++;
	return w;
}

/* What people are to each other does not change while it waits. */
static void set_subject(struct waiting *w, const struct trip *t)
{
	struct server *srv = w->srv;

	w->sub = (struct subject){ .from = bare_of(w->from), .to = bare_of(w->to), .trust = TRUST_HIGH };
	if (service_of(srv, str_cut(w->sub.to, (size_t)(str_find_char(w->sub.to, '@') + 1))))
		w->sub.via = VIA_ROOM;
	if (t)
		policy_step_facts(t, &w->sub);
}

void file_wait_begin(struct trip *t)
{
	struct waiting *w = waiting_new(t->server, t->files, t->from.full, t->to_self ? t->from.bare : t->to.full);

	t->server->metrics.files_waited++;
	hold_flagged(t);
	hold_leaked(t);
	if (!w) {		/* the row is there: the next start finds it */
		log_event(LOG_ERROR, "file.wait_lost");
		return;
	}
	w->id = t->id;
	w->when_ms = t->when_ms;
	set_subject(w, t);
	check(w);		/* it may have been judged since */
}

/* --- those that wait for long ---------------------------------------------------------------------------------------- */

static void on_late(void *ctx)
{
	struct server *srv = ctx;
	uint64_t now = clock_wall_ms(), wait_ms = srv->config->upload.wait_s * 1000;

	for (struct list *it = srv->files->messages.next, *next; it != &srv->files->messages; it = next) {
		struct waiting *w = LIST_ITEM(it, struct waiting, node);

		next = it->next;
		if (!w->late && now > w->when_ms && now - w->when_ms >= wait_ms)
			w->late = w->again = true;
		if (w->again && !w->busy)
			check(w);
	}
	loop_timer_set(srv->loop, &srv->files->late, LATE_MS, on_late, srv);
}

/* --- after a restart ------------------------------------------------------------------------------------------------- */

static int restore_one(struct server *srv, const struct vault_held *h)
{
	struct arena *a = arena_new(CHECK_BYTES * 4);
	struct trip_files f = { 0 };
	struct waiting *w = NULL;
	struct node *m;
	int r = a ? wire_parse(a, h->stanza, &m) : ERR_NOMEM;

	if (r == 0)
		r = file_link_search(srv, a, m, &f);
	if (r == 0)
		w = waiting_new(srv, &f, h->from, h->to);
	arena_free(&a);
	if (!w)
		return r < 0 ? r : ERR_NOMEM;
	w->id = h->id;
	w->when_ms = h->when_ms;
	set_subject(w, NULL);
	w->again = true;
	return 0;
}

void file_wait_start(struct server *srv)
{
	struct arena *a = arena_new(256u << 20);
	struct vault_held *list;
	size_t n = 0;
	int r = a ? vault_held_list(srv->vault, STR_NONE, HELD_FILE, FILE_LINK_WAITING, a, &list, &n) : ERR_NOMEM;

	for (size_t i = 0; r == 0 && i < n; i++)
		r = restore_one(srv, &list[i]);
	arena_free(&a);
	if (r < 0)
		log_event(LOG_ERROR, "file.wait_lost", LOG_Z("why", err_text(r)));
	loop_timer_set(srv->loop, &srv->files->late, LATE_MS, on_late, srv);
}

void file_wait_stop(struct server *srv)
{
	loop_timer_cancel(srv->loop, &srv->files->late);
	while (!list_empty(&srv->files->messages))
		waiting_end(LIST_ITEM(srv->files->messages.next, struct waiting, node));
}
