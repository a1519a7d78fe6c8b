/* web_file.c - /upload/TOKEN/NAME (XEP-0363): a file comes by PUT and is fetched by GET and HEAD.
 *
 * This role decides nothing: it asks the worker (ipc/chan.h, CHAN_FILE), which knows the slot, the verdict and the key, and moves
 * bytes between TLS and the sealed spool (web_spool.c). It holds a key only while that file moves, and gets none of a file that was not
 * judged. A body is as long as Content-Length says and the slot allows, or nothing is kept of it; what comes after it ends the request.
 *
 * Who is slow in either direction loses the place; who waits for the worker or the disk is waited for.
 */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/log.h"
#include "base/secret.h"
#include "web/http_file.h"
#include "web/web_parts.h"
#include "web/web_spool.h"

#define FILE_MAGIC 0x3eb00f12u
#define TOKEN 32
#define LINES 10
#define SYNCS 1				/* files being written to the disk at a time: WEB_SPOOL_STEP says why */
#define BEHIND_BYTES (2 * WEB_SPOOL_STEP)	/* so much may come before the disk has it; then the client waits */
#define EARLY_BYTES (96 * 1024)		/* of a body before the worker has answered: what was on its way when reading stopped */
#define ASK_MS 15000
#define ASK_AGAIN_MS 25			/* the channel is full: 500 at once are more than it holds */
#define ANSWER_WINDOWS 8		/* of WEB_FILE_WINDOW_MS, for the verdict; the worker answers sooner */
#define PIECES_PER_TURN 4		/* of one download, before others have their turn */

#define CORS "Access-Control-Allow-Origin: *\r\nCross-Origin-Resource-Policy: cross-origin\r\n"
#define CORS_EXPOSE "Access-Control-Expose-Headers: Content-Length, Content-Range, Content-Disposition, Accept-Ranges, ETag, Last-Modified\r\n"
#define NO_STORE CORS "Cache-Control: no-store\r\n"
#define LATER NO_STORE "Retry-After: 5\r\n"

enum step {
	ASK,		/* the worker is asked */
	TAKE,		/* the body comes */
	SYNC,		/* it goes to the disk */
	VERDICT,	/* the worker has it looked at */
	SEND,		/* the file goes out */
	OVER,		/* answered */
};

struct web_file {
	CHECK_MAGIC;
	struct web_conn *c;
	struct conn *pipe;		/* to the worker; NULL: not yet, or gone */
	enum step step;
	enum http_method method;
	struct buf head;		/* the request, to be read again when the worker has answered */
	struct buf in;			/* of the worker, until a message is whole */
	struct buf early;
	struct web_spool *spool;
	struct loop_timer next;		/* asks again; goes on sending */
	struct loop_work sync;
	struct list sync_node;
	int sync_err;
	bool asked, expects, syncing, too_much;
	bool finishing;			/* this time the disk gets the end of it */
	bool pressed, waited;		/* the client waits for the disk; it did since the last tick */
	unsigned windows, pieces;
	uint64_t at, left, moved, marked;	/* at, left: of what is sent; moved: all bytes; marked: at the last tick */
};

/* --- answers ----------------------------------------------------------------------------------------------------------- */

static void end(struct web_file *f);

static void close_pipe(struct web_file *f)
{
	if (f->pipe)
		conn_close(f->pipe);
}

/* A sentence for the client; the connection ends with it. */
static void answer(struct web_file *f, unsigned status, const char *extra, struct str sentence)
{
	struct web_conn *c = f->c;
	const struct http_request r = { .method = f->method };
	char body[600];

	f->step = OVER;
	loop_timer_cancel(c->web->loop, &c->timer);
	snprintf(body, sizeof(body), "%.*s\n", (int)(sentence.n < 500 ? sentence.n : 500), sentence.p);
	if (c->conn)
		web_answer(c, &r, status, "text/plain; charset=utf-8", extra, str_of(body));
	if (!f->syncing)
		web_spool_drop(&f->spool);
	close_pipe(f);
}

static void answer_busy(struct web_file *f)
{
	answer(f, 503, LATER, STR("The server is busy. Try again in a moment."));
}

static void answer_err(struct web_file *f, int err)
{
	if (err == ERR_FULL) {
		log_event(LOG_ERROR, "web.spool_full");
		answer(f, 507, LATER, STR("There is no room left for files on the server."));
	} else if (err == ERR_LIMIT) {
		answer(f, 413, NO_STORE, STR("The file is longer than was said. Nothing of it was kept."));
	} else {
		log_event(LOG_ERROR, "web.spool_failed", LOG_Z("why", err_text(err)));
		answer_busy(f);
	}
}

/* --- places ------------------------------------------------------------------------------------------------------------ */

static bool take_place(struct web_conn *c)
{
	struct web *w = c->web;
	uintptr_t n = (uintptr_t)map_get(w->file_places, web_conn_place(c));

	if (w->n_files >= WEB_FILES || (w->files_per_address && n >= w->files_per_address))
		return false;
	if (map_put(w->file_places, web_conn_place(c), (void *)(n + 1)) < 0)
		return false;
	w->n_files++;
	return true;
}

static void leave_place(struct web_conn *c)
{
	struct web *w = c->web;
	uintptr_t n = (uintptr_t)map_take(w->file_places, web_conn_place(c));

	w->n_files--;
	if (n > 1 && map_put(w->file_places, web_conn_place(c), (void *)(n - 1)) < 0)
		log_event(LOG_WARN, "web.uncounted");
}

static void end(struct web_file *f)
{
	struct web_conn *c = f->c;

	if (c->conn || f->pipe || f->syncing)
		return;
	loop_timer_cancel(c->web->loop, &f->next);
	web_spool_drop(&f->spool);
	if (f->method == HTTP_GET)
		secret_wipe(c->web->room, CHUNK_SEALED);
	buf_release(&f->head);
	buf_wipe(&f->in);
	buf_wipe(&f->early);
	leave_place(c);
	c->file = NULL;
	f->magic = 0;
	free(f);
	web_conn_end(c);
}

/* --- the worker ---------------------------------------------------------------------------------------------------------- */

static int tell(struct web_file *f, struct str text)
{
	uint32_t head = htonl((uint32_t)text.n | CHAN_PIECE_LAST);

	if (!f->pipe)
		return ERR_EOF;
	if (conn_send(f->pipe, str_make((const char *)&head, sizeof(head))) < 0 || conn_send(f->pipe, text) < 0)
		return ERR_IO;
	return 0;
}

static bool hex_bytes(struct str s, uint8_t *ret, size_t n)
{
	if (s.n != 2 * n)
		return false;
	for (size_t i = 0; i < s.n; i++) {
		char ch = s.p[i];
		int v = ch >= '0' && ch <= '9' ? ch - '0' : ch >= 'a' && ch <= 'f' ? ch - 'a' + 10 : -1;

		if (v < 0)
			return false;
		ret[i / 2] = (uint8_t)(i % 2 ? ret[i / 2] << 4 | v : v);
	}
	return true;
}

/* "no STATUS SENTENCE"; false: it is something else. */
static bool take_refusal(struct web_file *f, const struct str *line, unsigned n)
{
	uint64_t status;

	if (!str_is(line[0], "no"))
		return false;
	if (n < 2 || !str_to_u64(line[1], 599, &status) || status < 400)
		status = 503;
	answer(f, (unsigned)status, status == 401 ? NO_STORE "WWW-Authenticate: Bearer\r\n" : status == 503 || status == 507 || status == 429 ? LATER : NO_STORE,
	       n > 2 ? line[2] : STR("It was refused."));
	return true;
}

static void broken(struct web_file *f)
{
	log_event(LOG_ERROR, "web.worker_broken");
	answer_busy(f);
}

/* --- up ------------------------------------------------------------------------------------------------------------------ */

static void sync_run(struct loop_work *work)
{
	struct web_file *f = LIST_ITEM(work, struct web_file, sync);

	if (f->finishing)
		f->sync_err = web_spool_finish(f->spool);
	else
		web_spool_flush(f->spool);
}

static void sync_next(struct web *w);

static void sync_ask(struct web_file *f)
{
	f->syncing = true;
	list_append(&f->c->web->syncing, &f->sync_node);
	sync_next(f->c->web);
}

/* A part of it is on the disk. */
static void sync_some_done(struct web_file *f)
{
	web_spool_flushed(f->spool);
	if (f->step == SYNC || web_spool_unflushed(f->spool) >= WEB_SPOOL_STEP)
		sync_ask(f);
	if (f->pressed && f->step == TAKE && web_spool_unflushed(f->spool) < BEHIND_BYTES) {
		f->pressed = false;
		conn_pause(f->c->conn, false);
	}
}

/* All of it. */
static void sync_all_done(struct web_file *f)
{
	if (f->too_much || f->sync_err < 0) {
		answer_err(f, f->too_much ? ERR_LIMIT : f->sync_err);
	} else if (tell(f, STR("stored")) < 0) {
		answer_busy(f);
	} else {
		f->step = VERDICT;
		web_spool_end(&f->spool);
		conn_pause(f->c->conn, true);
	}
}

static void sync_done(struct loop_work *work)
{
	struct web_file *f = LIST_ITEM(work, struct web_file, sync);
	struct web *w = f->c->web;

	f->syncing = false;
	w->n_syncing--;
	if (f->step == OVER || !f->c->conn) {
		web_spool_drop(&f->spool);	/* answered meanwhile, or nobody is there to hear that it is stored */
		close_pipe(f);
	} else if (f->finishing) {
		sync_all_done(f);
	} else {
		sync_some_done(f);
	}
	end(f);
	sync_next(w);
}

static void sync_next(struct web *w)
{
	while (w->n_syncing < SYNCS && !list_empty(&w->syncing)) {
		struct web_file *f = LIST_ITEM(w->syncing.next, struct web_file, sync_node);

		list_remove(&f->sync_node);
		f->sync = (struct loop_work){ .run = sync_run, .done = sync_done };
		f->finishing = f->step == SYNC;
		w->n_syncing++;
		if (loop_work(w->loop, &f->sync) == 0)
			continue;
		w->n_syncing--;
		f->syncing = false;
		answer_busy(f);
		end(f);
	}
}

static void take_body(struct web_file *f, struct str bytes)
{
	int r;

	f->moved += bytes.n;
	r = web_spool_add(f->spool, bytes);
	if (r < 0) {
		answer_err(f, r);
		return;
	}
	if (web_spool_is_whole(f->spool))
		f->step = SYNC;
	if (!f->syncing && (f->step == SYNC || web_spool_unflushed(f->spool) >= WEB_SPOOL_STEP))
		sync_ask(f);
	if (f->step == TAKE && !f->pressed && web_spool_unflushed(f->spool) >= BEHIND_BYTES) {
		f->pressed = f->waited = true;
		conn_pause(f->c->conn, true);
	}
}

static void begin_body(struct web_file *f, const struct str *line, unsigned n)
{
	struct web_conn *c = f->c;
	uint8_t id[CHUNK_ID], key[SEAL_KEY];
	int r;

	if (n < 3 || !str_is(line[0], "go") || !hex_bytes(line[1], id, sizeof(id)) || !hex_bytes(line[2], key, sizeof(key))) {
		broken(f);
		return;
	}
	r = web_spool_begin(c->web->spool, c->web->lib, id, key, f->left, &f->spool);
	secret_wipe(key, sizeof(key));
	if (r < 0) {
		answer_err(f, r);
		return;
	}
	f->step = TAKE;
	if (f->expects && f->early.n == 0 && conn_send(c->conn, STR("HTTP/1.1 100 Continue\r\n\r\n")) < 0) {
		conn_abort(c->conn);
		return;
	}
	conn_pause(c->conn, false);
	take_body(f, buf_str(&f->early));
	buf_wipe(&f->early);
}

static void take_verdict(struct web_file *f, const struct str *line, unsigned n)
{
	if (str_is(line[0], "served"))
		answer(f, 201, NO_STORE, STR("The file is there."));
	else if (str_is(line[0], "pending"))
		answer(f, 201, NO_STORE, STR("The file is there. It is still being checked: nobody can open it before that is done."));
	else if (str_is(line[0], "held") || str_is(line[0], "refused"))
		answer(f, 422, NO_STORE, n > 1 && line[1].n ? line[1] : STR("The file was not let through."));
	else
		broken(f);
}

/* --- down ---------------------------------------------------------------------------------------------------------------- */

static void send_more(void *ctx);

/* All that is to go out is gone. */
static void sent(struct web_file *f)
{
	char text[40];

	f->step = OVER;
	loop_timer_cancel(f->c->web->loop, &f->c->timer);
	snprintf(text, sizeof(text), "sent\n%llu", (unsigned long long)f->moved);
	if (tell(f, str_of(text)) < 0)
		log_event(LOG_DEBUG, "web.sent_unheard");
	web_spool_end(&f->spool);
	conn_close(f->c->conn);
	close_pipe(f);
}

static void send_piece(struct web_file *f)
{
	struct web *w = f->c->web;
	struct str bytes;
	int r = web_spool_read(f->spool, f->at, w->room, &bytes);

	if (r == 0) {
		if (bytes.n > f->left)
			bytes.n = (size_t)f->left;
		r = conn_send_now(f->c->conn, bytes);
	}
	if (r < 0) {
		log_event(LOG_ERROR, "web.file_broken", LOG_Z("why", err_text(r)));
		conn_abort(f->c->conn);		/* cut off in the middle, so that nobody takes it for the whole */
		return;
	}
	f->at += bytes.n;
	f->left -= bytes.n;
	f->moved += bytes.n;
}

static void send_more(void *ctx)
{
	struct web_file *f = ctx;

	f->pieces = 0;
	if (f->step == SEND && f->c->conn && conn_unsent(f->c->conn) == 0)
		web_file_drained(f->c);
}

void web_file_drained(struct web_conn *c)
{
	struct web_file *f = c->file;

	CHECK_OBJ(f, FILE_MAGIC);
	if (f->step != SEND)
		return;
	if (f->left == 0) {
		sent(f);
		return;
	}
	if (f->pieces++ < PIECES_PER_TURN)
		send_piece(f);
	else
		loop_timer_set(c->web->loop, &f->next, 0, send_more, f);
}

struct found {
	uint64_t size;
	struct str type, name;
	struct http_file_version version;
};

/* What goes before the bytes; with Range the part of them. 0, or 416. */
static unsigned put_head(struct web_file *f, const struct http_request *r, const struct found *x, struct buf *b)
{
	char extra[300], date[HTTP_FILE_DATE];
	uint64_t from = 0, n = x->size;
	unsigned status = 200;

	if (http_file_range_counts(r, &x->version)) {
		enum http_file_part part = http_file_range(http_field(r, "Range", NULL), x->size, &from, &n);

		if (part == HTTP_FILE_NO_PART)
			return 416;
		status = part == HTTP_FILE_PART ? 206 : 200;
	}
	snprintf(extra, sizeof(extra), CORS CORS_EXPOSE "Accept-Ranges: bytes\r\nCache-Control: private, no-cache\r\n");
	web_head(b, status, "sandbox; default-src 'none'; frame-ancestors 'none'", extra);
	buf_printf(b, "ETag: %.*s\r\nContent-Type: %.*s\r\nContent-Length: %llu\r\n", STR_FMT(x->version.tag), STR_FMT(x->type), (unsigned long long)n);
	if (status == 206)
		buf_printf(b, "Content-Range: bytes %llu-%llu/%llu\r\n", (unsigned long long)from, (unsigned long long)(from + n - 1), (unsigned long long)x->size);
	if (x->version.modified_s) {
		http_file_date(x->version.modified_s, date);
		buf_printf(b, "Last-Modified: %s\r\n", date);
	}
	http_file_disposition(x->name, b);
	buf_printf(b, "\r\n");
	f->at = from;
	f->left = f->method == HTTP_HEAD ? 0 : n;
	return 0;
}

static void send_unchanged(struct web_file *f, unsigned status, struct str tag)
{
	char extra[400];

	snprintf(extra, sizeof(extra), CORS CORS_EXPOSE "Cache-Control: private, no-cache\r\nETag: %.*s\r\n", STR_FMT(tag));
	tell(f, STR("sent\n0"));
	if (status == 304) {
		f->step = OVER;
		loop_timer_cancel(f->c->web->loop, &f->c->timer);
		web_answer(f->c, NULL, 304, NULL, extra, STR_NONE);
		close_pipe(f);
	} else {
		answer(f, status, extra, STR("The file is another one by now."));
	}
}

/* After the head, sent or to be sent, of a whole answer. */
static void send_file(struct web_file *f, const struct http_request *r, const struct found *x)
{
	unsigned status = http_file_condition(r, &x->version);
	struct buf b;

	if (status) {
		send_unchanged(f, status, x->version.tag);
		return;
	}
	buf_init(&b, 8192);
	status = put_head(f, r, x, &b);
	if (status == 416) {
		char extra[200];

		snprintf(extra, sizeof(extra), NO_STORE "Content-Range: bytes */%llu\r\n", (unsigned long long)x->size);
		answer(f, 416, extra, STR("The file does not have that part."));
	} else if (b.failed || conn_send(f->c->conn, buf_str(&b)) < 0) {
		conn_abort(f->c->conn);
	} else {
		f->c->answered = true;
		f->step = SEND;
	}
	buf_release(&b);
}

static bool take_found(const struct str *line, unsigned n, char tag[80], struct found *ret)
{
	memset(ret, 0, sizeof(*ret));
	if (n < 8 || !str_to_u64(line[4], CHUNK_FILE_MAX, &ret->size) || (!str_is(line[3], "original") && !str_is(line[3], "clean")))
		return false;
	ret->type = http_file_type(line[5]) ? line[5] : STR("application/octet-stream");
	for (size_t i = 0; i < line[6].n; i++)
		if (line[6].p[i] <= 0x20 || line[6].p[i] > 0x7e || line[6].p[i] == '"')
			return false;
	if (line[6].n == 0 || line[6].n > 70)
		return false;
	snprintf(tag, 80, "\"%.*s\"", STR_FMT(line[6]));
	ret->version.tag = str_of(tag);
	ret->name = line[7];
	if (n > 8 && !str_to_u64(line[8], UINT32_MAX, &ret->version.modified_s))
		ret->version.modified_s = 0;
	return true;
}

static void begin_file(struct web_file *f, const struct str *line, unsigned n)
{
	struct web *w = f->c->web;
	uint8_t id[CHUNK_ID], key[SEAL_KEY];
	struct http_request r;
	struct found x;
	char tag[80];
	int err = 0;

	if (!str_is(line[0], "file") || !take_found(line, n, tag, &x) || !hex_bytes(line[1], id, sizeof(id)) ||
	    (f->method == HTTP_GET && !hex_bytes(line[2], key, sizeof(key))) || http_parse(buf_str(&f->head), &r) < 0) {
		broken(f);
		return;
	}
	if (f->method == HTTP_GET) {
		err = web_spool_open(w->spool, w->lib, id, key, str_is(line[3], "clean"), x.size, &f->spool);
		secret_wipe(key, sizeof(key));
	}
	if (err < 0)
		answer_err(f, err == ERR_LIMIT ? ERR_CORRUPT : err);
	else
		send_file(f, &r, &x);
	buf_release(&f->head);
}

/* --- the conversation ----------------------------------------------------------------------------------------------------- */

static void hear(struct web_file *f, struct str text)
{
	struct str line[LINES];
	unsigned n = 0;

	while (n < LINES) {
		ptrdiff_t eol = str_find_char(text, '\n');

		line[n++] = eol < 0 ? text : str_make(text.p, (size_t)eol);
		if (eol < 0)
			break;
		text = str_cut(text, (size_t)eol + 1);
	}
	if (f->step == SEND && str_is(line[0], "no") && f->c->conn)
		conn_abort(f->c->conn);		/* taken back: the rest does not go out */
	if (f->step != ASK && f->step != VERDICT)
		return;				/* it has nothing to say now */
	if (!f->c->conn || take_refusal(f, line, n))
		return;
	if (f->step == VERDICT)
		take_verdict(f, line, n);
	else if (f->method == HTTP_PUT)
		begin_body(f, line, n);
	else
		begin_file(f, line, n);
}

static void pipe_data(void *ctx, struct str bytes)
{
	struct web_file *f = ctx;
	uint32_t head;

	CHECK_OBJ(f, FILE_MAGIC);
	if (buf_str_add(&f->in, bytes) < 0) {
		conn_abort(f->pipe);
		return;
	}
	while (f->in.n >= CHAN_PIECE_HEAD) {
		memcpy(&head, f->in.p, sizeof(head));
		head = ntohl(head) & ~CHAN_PIECE_LAST;
		if (f->in.n < CHAN_PIECE_HEAD + (size_t)head)
			return;
		hear(f, str_make(f->in.p + CHAN_PIECE_HEAD, head));
		secret_wipe(f->in.p, CHAN_PIECE_HEAD + head);
		buf_consume(&f->in, CHAN_PIECE_HEAD + head);
	}
}

static void pipe_closed(void *ctx)
{
	struct web_file *f = ctx;

	CHECK_OBJ(f, FILE_MAGIC);
	f->pipe = NULL;
	/* What is going out goes on: it was judged. All else needs the worker. */
	if (f->step != OVER && f->step != SEND)
		answer_busy(f);
	end(f);
}

/* The question itself, from the request. False: it is too long for one. */
static bool put_question(const struct web_file *f, const struct http_request *r, struct buf *b)
{
	struct str rest = str_cut(r->path, sizeof("/upload/") - 1), token = str_make(rest.p, TOKEN), name = str_cut(rest, TOKEN + 1);
	const char *method = f->method == HTTP_HEAD ? "HEAD" : "GET";

	if (f->method == HTTP_PUT)
		buf_printf(b, "put\n%.*s\n%.*s\n%llu\n%.*s", STR_FMT(token), STR_FMT(name), (unsigned long long)r->length,
			   STR_FMT(http_field(r, "Content-Type", NULL)));
	else
		buf_printf(b, "get\n%.*s\n%.*s\n%s\n%.*s", STR_FMT(token), STR_FMT(name), method, STR_FMT(http_field(r, "Authorization", NULL)));
	return !b->failed;
}

static int open_pipe(struct web_file *f)
{
	static const struct conn_ops ops = { .data = pipe_data, .closed = pipe_closed };
	struct web_conn *c = f->c;
	struct chan_stream s = { .version = CHAN_VERSION, .kind = CHAN_FILE, .address_n = c->address_n };
	int ends[2], r;

	memcpy(s.address, c->address, c->address_n);
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends) < 0)
		return ERR_IO;
	r = chan_give(c->web->chan, &s, ends[1]);
	if (r < 0) {
		close(ends[0]);
		close(ends[1]);
		return r;
	}
	return conn_accept(c->web->pool, ends[0], NULL, &ops, f, &f->pipe);
}

static void ask(void *ctx)
{
	struct web_file *f = ctx;
	struct http_request r;
	struct buf b;
	int err;

	if (f->step != ASK || f->asked || !f->c->conn)
		return;
	err = open_pipe(f);
	if (err == ERR_AGAIN) {
		loop_timer_set(f->c->web->loop, &f->next, ASK_AGAIN_MS, ask, f);
		return;
	}
	f->asked = true;
	buf_init(&b, CHAN_FILE_BYTES);
	if (err < 0 || http_parse(buf_str(&f->head), &r) < 0 || !put_question(f, &r, &b) || tell(f, buf_str(&b)) < 0)
		answer_busy(f);
	buf_release(&b);
}

/* --- the client ----------------------------------------------------------------------------------------------------------- */

static void on_window(void *ctx)
{
	struct web_conn *c = ctx;
	struct web_file *f = c->file;
	uint64_t got = f->moved;

	CHECK_OBJ(f, FILE_MAGIC);
	if (!c->conn || f->step == OVER)
		return;
	f->windows++;
	if (f->step == SEND) {
		size_t behind = conn_undelivered(c->conn);

		got = got > behind ? got - behind : 0;
	}
	if (f->step == ASK || (f->step == VERDICT && f->windows > ANSWER_WINDOWS)) {
		answer_busy(f);
		return;
	}
	if ((f->step == TAKE || f->step == SEND) && !f->waited && got < f->marked + WEB_FILE_RATE * WEB_FILE_WINDOW_MS / 1000) {
		if (f->step == TAKE)
			answer(f, 408, NO_STORE, STR("That was too slow. Nothing was kept."));
		else
			conn_abort(c->conn);
		return;
	}
	f->marked = got;
	f->waited = f->pressed;
	if (f->step != VERDICT)
		f->windows = 0;
	loop_timer_set(c->web->loop, &c->timer, WEB_FILE_WINDOW_MS, on_window, c);
}

void web_file_data(struct web_conn *c, struct str bytes)
{
	struct web_file *f = c->file;

	CHECK_OBJ(f, FILE_MAGIC);
	switch (f->step) {
	case ASK:
		if (f->method != HTTP_PUT || buf_str_add(&f->early, bytes) < 0)
			answer(f, 400, NO_STORE, STR("One request at a time."));
		break;
	case TAKE:
		take_body(f, bytes);
		break;
	case SYNC:
		f->too_much = true;
		break;
	case VERDICT:
	case SEND:
	case OVER:
		break;			/* behind what the request holds: nobody's */
	}
}

void web_file_gone(struct web_conn *c)
{
	struct web_file *f = c->file;

	CHECK_OBJ(f, FILE_MAGIC);
	loop_timer_cancel(c->web->loop, &c->timer);
	loop_timer_cancel(c->web->loop, &f->next);
	if (f->syncing && !list_empty(&f->sync_node)) {
		list_remove(&f->sync_node);	/* not begun */
		f->syncing = false;
	}
	if (!f->syncing)
		web_spool_drop(&f->spool);
	close_pipe(f);
	end(f);
}

void web_file_stop(struct web_conn *c)
{
	CHECK_OBJ(c->file, FILE_MAGIC);
	if (c->file->pipe)
		conn_abort(c->file->pipe);
}

/* --- requests ------------------------------------------------------------------------------------------------------------- */

static void refuse(struct web_conn *c, const struct http_request *r, unsigned status, const char *extra, const char *sentence)
{
	web_answer(c, r, status, "text/plain; charset=utf-8", extra, str_of(sentence));
}

/* XEP-0363 4: clients in browsers ask first. Any page may: nothing is allowed by cookies, the path is what only some know. */
static void preflight(struct web_conn *c, const struct http_request *r)
{
	web_answer(c, r, 204, NULL, CORS "Access-Control-Allow-Methods: GET, HEAD, PUT, OPTIONS\r\n"
		   "Access-Control-Allow-Headers: Content-Type, Content-Length, Authorization, Cookie, Expires, Range, If-Range, If-Match, If-None-Match, "
		   "If-Modified-Since, If-Unmodified-Since\r\nAccess-Control-Max-Age: 86400\r\n", STR_NONE);
}

/* TOKEN/NAME and nothing else. */
static bool is_place(struct str rest)
{
	if (rest.n <= TOKEN + 1 || rest.p[TOKEN] != '/' || rest.n > TOKEN + 1 + CHAN_FILE_NAME)
		return false;
	for (size_t i = 0; i < TOKEN; i++)
		if (!(rest.p[i] >= '0' && rest.p[i] <= '9') && !(rest.p[i] >= 'a' && rest.p[i] <= 'f'))
			return false;
	return http_file_name(str_cut(rest, TOKEN + 1));
}

/* What makes a PUT wrong whatever the slot says; false: it has been answered. */
static bool check_put(struct web_conn *c, const struct http_request *r)
{
	unsigned ranges, codings, expects;
	struct str coding = http_field(r, "Content-Encoding", &codings), expect = http_field(r, "Expect", &expects);

	http_field(r, "Content-Range", &ranges);
	if (!r->has_length)
		refuse(c, r, 411, NO_STORE, "The length of the file has to be said beforehand (Content-Length).\n");
	else if (ranges)
		refuse(c, r, 400, NO_STORE, "A file comes in one piece: Content-Range has no place here.\n");
	else if (r->length == 0)
		refuse(c, r, 400, NO_STORE, "An empty file cannot be sent.\n");
	else if (codings && !str_eq_nocase(coding, STR("identity")))
		refuse(c, r, 415, NO_STORE, "A file is taken as it is: Content-Encoding has no place here.\n");
	else if (expects && !str_eq_nocase(expect, STR("100-continue")))
		refuse(c, r, 417, NO_STORE, "Only 100-continue can be expected.\n");
	else
		return true;
	return false;
}

static void begin(struct web_conn *c, const struct http_request *r, struct web_file *f)
{
	unsigned expects;

	f->magic = FILE_MAGIC;
	f->c = c;
	f->method = r->method;
	f->left = r->method == HTTP_PUT ? r->length : 0;
	http_field(r, "Expect", &expects);
	f->expects = expects > 0 && !r->old;
	list_init(&f->sync_node);
	buf_init(&f->head, HTTP_HEAD_BYTES);
	buf_init(&f->in, CHAN_FILE_BYTES + CHAN_PIECE_HEAD);
	buf_init(&f->early, EARLY_BYTES);
	c->file = f;
	if (buf_add(&f->head, c->head.p, r->n) < 0 || buf_str_add(&f->early, str_cut(buf_str(&c->head), r->n)) < 0) {
		answer_busy(f);
		return;
	}
	if (r->method == HTTP_PUT)
		conn_pause(c->conn, true);
	loop_timer_set(c->web->loop, &c->timer, ASK_MS, on_window, c);
	ask(f);
}

void web_file_serve(struct web_conn *c, const struct http_request *r)
{
	struct web_file *f;

	if (r->method == HTTP_OPTIONS) {
		preflight(c, r);
		return;
	}
	if (!is_place(str_cut(r->path, sizeof("/upload/") - 1))) {
		refuse(c, r, 404, NO_STORE, "There is no such file.\n");
		return;
	}
	if (r->method == HTTP_PUT && !check_put(c, r))
		return;
	f = calloc(1, sizeof(*f));
	if (!f || !take_place(c)) {
		free(f);
		refuse(c, r, 503, LATER, "Too many files are on their way. Try again in a moment.\n");
		return;
	}
	begin(c, r, f);
}

int web_file_start(struct web *w)
{
	list_init(&w->syncing);
	w->files_per_address = w->per_address ? (w->per_address * 3 + 3) / 4 : 0;
	w->file_places = map_new(WEB_FILES);
	w->room = malloc(CHUNK_SEALED);
	return w->file_places && w->room ? seal_lib_new(&w->lib) : ERR_NOMEM;
}

void web_file_free(struct web *w)
{
	map_free(&w->file_places);
	free(w->room);
	seal_lib_free(&w->lib);
}
