/* file_web.c - see file_web.h. Each question is one piece of work for the store, and is answered when that is durable. */
#include "core/file_web.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "core/file_key.h"
#include "core/file_parts.h"
#include "core/session.h"
#include "core/state.h"
#include "core/stream.h"
#include "core/user.h"
#include "inspect/url.h"
#include "ipc/chan.h"
#include "net/conn.h"

#define FIELDS 6
#define ARENA_BYTES (256 * 1024)
#define FOREVER (UINT64_MAX / 4)

enum talk_state {
	TALK_NEW,		/* waits for the question */
	TALK_STORE,		/* the store works for it */
	TALK_BYTES,		/* a PUT: the bytes come in */
	TALK_VERDICT,		/* they are there: waits for what becomes of them */
	TALK_SENDING,		/* a GET: the bytes go out */
	TALK_OVER,
};

struct talk {
	struct server *srv;
	struct conn *conn;		/* NULL: gone */
	struct loop_timer timer;
	struct arena *arena;		/* wiped */
	struct buf in;
	enum talk_state state;
	uint8_t address[16];
	uint8_t address_n;
	struct str fields[FIELDS];	/* of the question */
	uint8_t id[VAULT_FILE_ID];
	struct str people[FILE_WEB_PEOPLE];	/* signed in at that address */
	unsigned n_people;
	bool putting;			/* the slot is this one's */
	bool head, cleaned, sending;
	struct files_wait wait;
	struct vault_file file;		/* as last read */
	unsigned status;		/* of a "no"; 0: yes */
	const char *why;
};

static void talk_end(struct talk *w)
{
	struct server *srv = w->srv;

	if (w->conn || w->state == TALK_STORE)
		return;
	files_unwait(&w->wait);
	if (w->putting)
		map_take(srv->files->puts, str_make((const char *)w->id, VAULT_FILE_ID));
	loop_timer_cancel(srv->loop, &w->timer);
	buf_release(&w->in);
	arena_free(&w->arena);
	free(w);
	srv->files->asking--;
}

static void say(struct talk *w, struct str text)
{
	uint32_t head = htonl((uint32_t)text.n | CHAN_PIECE_LAST);

	if (w->conn && (conn_send(w->conn, str_make((const char *)&head, sizeof(head))) < 0 || conn_send(w->conn, text) < 0))
		conn_abort(w->conn);
}

static void hang_up(struct talk *w)
{
	w->state = TALK_OVER;
	if (w->conn)
		conn_close(w->conn);
}

/* One line: what could end it is taken out. */
static struct str one_line(struct talk *w, struct str s)
{
	char *p = arena_dup(w->arena, s.p, s.n);

	for (size_t i = 0; p && i < s.n; i++)
		p[i] = (unsigned char)p[i] < 0x20 || p[i] == 0x7f ? ' ' : p[i];
	return p ? str_make(p, s.n) : STR_NONE;
}

static void say_no(struct talk *w, unsigned status, const char *why)
{
	struct str s = arena_printf(w->arena, "no\n%u\n%s", status, why);

	say(w, s.p ? s : STR("no\n503\nPlease try again later."));
	hang_up(w);
}

static void hex(const uint8_t *p, size_t n, char *ret)
{
	for (size_t i = 0; i < n; i++)
		snprintf(ret + 2 * i, 3, "%02x", p[i]);
}

static void on_late(void *ctx);

static void set_timer(struct talk *w, uint64_t ms)
{
	loop_timer_set(w->srv->loop, &w->timer, ms, on_late, w);
}

static int refuse(struct talk *w, unsigned status, const char *why)
{
	w->status = status;
	w->why = why;
	return 0;
}

/* --- both ------------------------------------------------------------------------------------------------------------ */

/* The name in the path is the file's: a link cannot show another one. */
static bool is_its_name(struct talk *w, struct str path)
{
	char *p = arena_dup(w->arena, path.p, path.n);
	size_t n = path.n;

	if (!p)
		return false;
	url_percent_decode(p, &n);
	return str_eq(str_make(p, n), w->file.name);
}

static int find(struct talk *w, struct vault *v)
{
	int r = vault_file_get(v, w->id, w->arena, &w->file);

	if (r == ERR_NOT_FOUND || (r == 0 && !is_its_name(w, w->fields[2])))
		return refuse(w, 404, "There is no such file.");
	return r;
}

static void store_failed(struct talk *w, int err)
{
	w->srv->metrics.store_failures++;
	log_event(LOG_ERROR, "file.store_failed", LOG_Z("why", err_text(err)));
	say_no(w, err == ERR_FULL ? 507 : 503, "The server cannot do that at the moment; please try again later.");
}

/* --- up -------------------------------------------------------------------------------------------------------------- */

static bool is_frozen(struct vault *v, struct talk *w)
{
	struct vault_account acc;

	return vault_account_get(v, w->file.owner, w->arena, &acc) < 0 || acc.state == ACCOUNT_FROZEN;
}

static int put_work(struct vault *v, void *ctx)
{
	struct talk *w = ctx;
	uint64_t now = clock_wall_ms(), size;
	int r;

	w->status = 0;
	r = find(w, v);
	if (r < 0 || w->status)
		return r;
	if (w->file.state != FILE_IS_SLOT)
		return refuse(w, 409, "This slot has been used already.");
	if (w->file.expires_ms <= now)
		return refuse(w, 410, "This slot is too old; ask for another one.");
	if (!str_to_u64(w->fields[3], UINT64_MAX, &size) || size != w->file.original.size)
		return refuse(w, 413, "The slot is for a file of another size.");
	if (is_frozen(v, w))
		return refuse(w, 403, "This account may not send files at the moment.");
	w->file.expires_ms = now + FILE_WEB_PUT_MS + FILE_WEB_MS;	/* it is not swept while it comes in */
	return vault_file_put(v, &w->file);
}

static void put_found(void *ctx, int err)
{
	struct talk *w = ctx;
	char id[VAULT_FILE_ID_TEXT], key[2 * VAULT_FILE_KEY + 1];
	struct str text;

	w->state = TALK_OVER;
	if (err < 0) {
		store_failed(w, err);
	} else if (w->status) {
		say_no(w, w->status, w->why);
	} else if (w->conn) {
		vault_file_id_text(w->id, id);
		hex(w->file.original.key, VAULT_FILE_KEY, key);
		text = arena_printf(w->arena, "go\n%s\n%s", id, key);
		secret_wipe(key, sizeof(key));
		w->state = TALK_BYTES;
		set_timer(w, FILE_WEB_PUT_MS);
		say(w, text.p ? text : STR("no\n503\nPlease try again later."));
	}
	talk_end(w);
}

static uint64_t end_of(const struct server *srv, const struct vault_file *f, uint64_t now)
{
	uint64_t keep = srv->config->upload.keep_s, end = keep ? now + keep * 1000 : FOREVER;

	return f->until_ms && f->until_ms < end ? f->until_ms : end;
}

static int stored_work(struct vault *v, void *ctx)
{
	struct talk *w = ctx;
	uint64_t now = clock_wall_ms();
	int r = vault_file_get(v, w->id, w->arena, &w->file);

	if (r < 0)
		return r;
	if (w->file.state != FILE_IS_SLOT)
		return ERR_CONFLICT;
	w->file.state = FILE_IS_PENDING;
	w->file.expires_ms = end_of(w->srv, &w->file, now);
	r = vault_file_tell(&w->file, w->arena, now, w->file.owner, STR("uploaded"));
	return r < 0 ? r : vault_file_put(v, &w->file);
}

static void answer_put(struct talk *w)
{
	struct str why = one_line(w, files_sentence(&w->file, w->arena)), text;

	switch (w->file.state) {
	case FILE_IS_SERVED:
	case FILE_IS_CLEANED:
		text = STR("served");
		break;
	case FILE_IS_SLOT:
	case FILE_IS_PENDING:
		text = STR("pending");
		break;
	case FILE_IS_HELD:
		/* What its sender can open for us has arrived: else his client would not show him the link. */
		text = file_key_asks(w->srv, &w->file) ? STR("pending") : arena_printf(w->arena, "held\n%.*s", STR_FMT(why));
		break;
	case FILE_IS_REFUSED:
	case FILE_IS_REVOKED:
	case FILE_IS_EXPIRED:
	case FILE_STATES:
		text = arena_printf(w->arena, "refused\n%.*s", STR_FMT(why));
		break;
	}
	say(w, text.p ? text : STR("pending"));
	hang_up(w);
}

static int verdict_read(struct vault *v, void *ctx)
{
	struct talk *w = ctx;

	return vault_file_get(v, w->id, w->arena, &w->file);
}

static void verdict_known(void *ctx, int err)
{
	struct talk *w = ctx;

	w->state = TALK_OVER;
	if (err < 0)
		w->file.state = FILE_IS_PENDING;	/* what is known for sure */
	answer_put(w);
	talk_end(w);
}

static void on_judged(struct files_wait *wait)
{
	struct talk *w = LIST_ITEM(wait, struct talk, wait);

	if (w->state != TALK_VERDICT)
		return;
	w->state = TALK_STORE;
	if (server_store(w->srv, w, verdict_read, verdict_known) < 0)
		verdict_known(w, ERR_BUSY);
}

static void stored_done(void *ctx, int err)
{
	struct talk *w = ctx;

	w->state = TALK_OVER;
	if (err < 0) {
		store_failed(w, err);
		talk_end(w);
		return;
	}
	w->srv->metrics.files_put++;
	if (!w->conn) {		/* nobody waits for the answer any more */
		files_look(w->srv, &w->file);
		talk_end(w);
		return;
	}
	w->state = TALK_VERDICT;
	memcpy(w->wait.id, w->id, VAULT_FILE_ID);
	w->wait.fn = on_judged;
	files_wait(w->srv, &w->wait);
	set_timer(w, FILE_WEB_ANSWER_MS);
	files_look(w->srv, &w->file);
}

static void on_stored(struct talk *w)
{
	w->state = TALK_STORE;
	loop_timer_cancel(w->srv->loop, &w->timer);
	if (server_store(w->srv, w, stored_work, stored_done) < 0)
		stored_done(w, ERR_BUSY);
}

/* --- down ------------------------------------------------------------------------------------------------------------ */

/* Who is signed in from where the request comes: each account once. */
static void find_people(struct talk *w)
{
	struct map_iter it = { 0 };
	void *one;

	while (w->n_people < FILE_WEB_PEOPLE && map_next(w->srv->sessions, &it, NULL, &one)) {
		const struct session *s = one;
		bool there = false;

		if (!s->stream || !stream_is_from(s->stream, w->address, w->address_n))
			continue;
		for (unsigned i = 0; i < w->n_people && !there; i++)
			there = str_eq(w->people[i], s->user->bare);
		if (!there)
			w->people[w->n_people++] = arena_str(w->arena, s->user->bare);
	}
}

static int may_load(struct talk *w, struct vault *v)
{
	bool sent = false;
	int r = 0;

	switch (w->srv->config->upload.downloads) {
	case CONFIG_DOWNLOADS_ANYBODY:
		return 0;
	case CONFIG_DOWNLOADS_STAFF:
		return w->n_people ? 0 : refuse(w, 403, "Only who is signed in to the company's chat may load files, from the same network.");
	case CONFIG_DOWNLOADS_RECEIVERS:
		for (unsigned i = 0; r == 0 && !sent && i < w->n_people; i++) {
			sent = str_eq(w->people[i], w->file.owner);
			if (!sent)
				r = vault_file_was_sent(v, w->id, w->people[i], &sent);
		}
		return r < 0 || sent ? r : refuse(w, 403, "Only who was sent this file may load it, signed in to the company's chat from the same network.");
	}
	return ERR_INTERNAL;
}

/* What outsiders hear says nothing of what was found. */
static int of_state(struct talk *w)
{
	switch (w->file.state) {
	case FILE_IS_SERVED:
	case FILE_IS_CLEANED:
		return 0;
	case FILE_IS_SLOT:
		return refuse(w, 404, "There is no such file.");
	case FILE_IS_PENDING:
		return refuse(w, 503, "This file is still being checked; please try again in a moment.");
	case FILE_IS_HELD:
	case FILE_IS_REFUSED:
		return refuse(w, 403, "This file is not let through by the company's policy.");
	case FILE_IS_REVOKED:
		return refuse(w, 410, "This file was taken back.");
	case FILE_IS_EXPIRED:
	case FILE_STATES:
		break;
	}
	return refuse(w, 410, "This file is not kept any more.");
}

static int record(struct talk *w, struct vault *v)
{
	char address[INET6_ADDRSTRLEN] = "?";
	struct vault_file_seen seen = { .kind = FILE_LOADED, .who = w->n_people == 1 ? w->people[0] : STR_NONE, .last_ms = clock_wall_ms() };

	if (!inet_ntop(w->address_n == 4 ? AF_INET : AF_INET6, w->address, address, sizeof(address)))
		return ERR_INTERNAL;
	seen.address = str_of(address);
	return vault_file_seen_add(v, w->id, &seen);
}

static int get_work(struct vault *v, void *ctx)
{
	struct talk *w = ctx;
	int r;

	w->status = 0;
	r = find(w, v);
	if (r == 0 && !w->status && w->file.state != FILE_IS_EXPIRED && w->file.expires_ms <= clock_wall_ms())
		return refuse(w, 410, "This file is not kept any more.");
	if (r == 0 && !w->status)
		r = of_state(w);
	if (r == 0 && !w->status)
		r = may_load(w, v);
	if (r < 0 || w->status)
		return r;
	w->cleaned = w->file.state == FILE_IS_CLEANED;
	return w->head ? 0 : record(w, v);
}

static void on_changed(struct files_wait *wait);

static void watch(struct talk *w)
{
	memcpy(w->wait.id, w->id, VAULT_FILE_ID);
	w->wait.fn = on_changed;
	files_wait(w->srv, &w->wait);
}

/* What was taken back while it goes out goes out no further. */
static void change_known(void *ctx, int err)
{
	struct talk *w = ctx;

	w->state = TALK_SENDING;
	w->status = 0;
	if (w->conn && err == ERR_NOT_FOUND)
		say_no(w, 410, "This file is not kept any more.");
	else if (w->conn && err == 0 && of_state(w) == 0 && w->status)
		say_no(w, w->status, w->why);
	else if (w->conn)
		watch(w);
	talk_end(w);
}

static void on_changed(struct files_wait *wait)
{
	struct talk *w = LIST_ITEM(wait, struct talk, wait);

	if (w->state != TALK_SENDING)
		return;
	w->state = TALK_STORE;
	if (server_store(w->srv, w, verdict_read, change_known) < 0)
		change_known(w, ERR_BUSY);
}

static void say_file(struct talk *w)
{
	const struct vault_file *f = &w->file;
	const struct vault_file_copy *c = w->cleaned ? &f->clean : &f->original;
	char id[VAULT_FILE_ID_TEXT], key[2 * VAULT_FILE_KEY + 1] = "-", etag[33];
	struct str text, type = one_line(w, c->type.n ? c->type : f->declared);

	vault_file_id_text(w->id, id);
	hex(c->sha256, 16, etag);
	if (!w->head)
		hex(c->key, VAULT_FILE_KEY, key);
	text = arena_printf(w->arena, "file\n%s\n%s\n%s\n%llu\n%.*s\n%s\n%.*s%.*s\n%llu", id, key, w->cleaned ? "clean" : "original", (unsigned long long)c->size,
			    STR_FMT(type), etag, STR_FMT(one_line(w, f->name)), STR_FMT(w->cleaned ? f->clean_suffix : STR_NONE),
			    (unsigned long long)(f->created_ms / 1000));
	secret_wipe(key, sizeof(key));
	w->srv->metrics.files_loaded += !w->head;
	w->state = TALK_SENDING;
	w->sending = true;
	set_timer(w, FILE_WEB_GET_MS);
	watch(w);
	say(w, text.p ? text : STR("no\n503\nPlease try again later."));
}

static void get_done(void *ctx, int err)
{
	struct talk *w = ctx;

	w->state = TALK_OVER;
	if (err < 0)
		store_failed(w, err);
	else if (w->status)
		say_no(w, w->status, w->why);
	else
		say_file(w);
	talk_end(w);
}

/* --- a conversation -------------------------------------------------------------------------------------------------- */

static bool split(struct talk *w, struct str text)
{
	char *p = arena_dup(w->arena, text.p, text.n);
	struct str rest = str_make(p, text.n);

	for (unsigned i = 0; p && i < FIELDS; i++) {
		ptrdiff_t end = str_find_char(rest, '\n');

		w->fields[i] = end < 0 ? rest : str_make(rest.p, (size_t)end);
		rest = end < 0 ? STR_NONE : str_cut(rest, (size_t)end + 1);
	}
	return p != NULL;
}

static void ask(struct talk *w, int (*work)(struct vault *v, void *ctx), void (*done)(void *ctx, int err))
{
	w->state = TALK_STORE;
	loop_timer_cancel(w->srv->loop, &w->timer);
	if (server_store(w->srv, w, work, done) < 0)
		done(w, ERR_BUSY);
}

static void on_question(struct talk *w, struct str text)
{
	struct map *puts = w->srv->files->puts;
	struct str id = str_make((const char *)w->id, VAULT_FILE_ID);

	if (!split(w, text)) {
		conn_abort(w->conn);
	} else if (!vault_file_id(w->fields[1], w->id)) {
		say_no(w, 404, "There is no such file.");
	} else if (str_is(w->fields[0], "put")) {
		w->putting = !map_get(puts, id) && map_put(puts, id, w) == 0;
		if (w->putting)
			ask(w, put_work, put_found);
		else
			say_no(w, 409, "This file is being uploaded already.");
	} else if (str_is(w->fields[0], "get")) {
		w->head = str_is(w->fields[3], "HEAD");
		find_people(w);
		ask(w, get_work, get_done);
	} else {
		conn_abort(w->conn);
	}
}

static void on_message(struct talk *w, struct str text)
{
	switch (w->state) {
	case TALK_NEW:
		on_question(w, text);
		return;
	case TALK_BYTES:
		if (str_is(text, "stored"))
			on_stored(w);
		else
			conn_abort(w->conn);
		return;
	case TALK_SENDING:
		hang_up(w);
		return;
	case TALK_STORE:
		if (!w->sending)
			break;
		conn_close(w->conn);	/* it has gone out while the store was asked about it */
		return;
	case TALK_VERDICT:
	case TALK_OVER:
		break;
	}
	conn_abort(w->conn);
}

static void on_data(void *ctx, struct str bytes)
{
	struct talk *w = ctx;

	if (w->state == TALK_OVER)
		return;
	if (buf_str_add(&w->in, bytes) < 0) {
		conn_abort(w->conn);
		return;
	}
	while (w->conn && w->in.n >= CHAN_PIECE_HEAD) {
		uint32_t head;
		size_t n;

		memcpy(&head, w->in.p, sizeof(head));
		head = ntohl(head);
		n = head & ~CHAN_PIECE_LAST;
		if (!(head & CHAN_PIECE_LAST) || n > CHAN_FILE_BYTES) {
			conn_abort(w->conn);
			return;
		}
		if (w->in.n < CHAN_PIECE_HEAD + n)
			return;
		on_message(w, str_make(w->in.p + CHAN_PIECE_HEAD, n));
		buf_consume(&w->in, CHAN_PIECE_HEAD + n);
		if (w->state == TALK_OVER)
			return;
	}
}

static void on_closed(void *ctx)
{
	struct talk *w = ctx;

	w->conn = NULL;
	talk_end(w);
}

static void on_late(void *ctx)
{
	struct talk *w = ctx;

	if (w->state == TALK_VERDICT) {
		files_unwait(&w->wait);
		w->file.state = FILE_IS_PENDING;
		answer_put(w);
	} else if (w->conn) {
		conn_abort(w->conn);
	}
}

void file_web_take(struct server *srv, const struct chan_stream *who, int fd)
{
	static const struct conn_ops ops = { .data = on_data, .closed = on_closed };
	struct talk *w = srv->files && srv->files->asking < FILE_WEB_ASKING && (who->address_n == 4 || who->address_n == 16) ? calloc(1, sizeof(*w)) : NULL;

	if (!w) {
		close(fd);
		return;
	}
	w->srv = srv;
	w->arena = arena_new(ARENA_BYTES);
	w->address_n = who->address_n;
	memcpy(w->address, who->address, who->address_n);
	list_init(&w->wait.node);
	buf_init(&w->in, CHAN_PIECE_HEAD + CHAN_FILE_BYTES);
	if (w->arena)
		arena_wipe_on_free(w->arena);
	if (!w->arena || conn_accept(srv->conn_pool, fd, NULL, &ops, w, &w->conn) < 0) {
		if (!w->arena)
			close(fd);
		arena_free(&w->arena);
		free(w);
		return;
	}
	srv->files->asking++;
	set_timer(w, FILE_WEB_MS);
}
