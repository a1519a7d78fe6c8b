/* web_link.c - /link/TOKEN: says where a link leads and what is known of it now, before anybody goes there.
 *
 * The web role has no key and knows no link: it asks the worker (ipc/chan.h, CHAN_LINK), which proves the token and judges the
 * target anew. The page has no script, and loads and tells nobody anything. Only what the worker has signed leads anywhere, so
 * this is no open redirect; what is not signed, altered or too old is "not found".
 *
 * The worker's answer is lines: state (ok, careful, denied), target, host, host in letters, then a sentence for each reason.
 */
#include <arpa/inet.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/log.h"
#include "web/web_parts.h"

#define ANSWER_BYTES 16384
#define LINES 16

struct web_link {
	struct conn *pipe;		/* to the worker; NULL: gone */
	struct buf in;
	bool go;			/* the reader has seen the page and wants to go on */
	enum http_method method;
	char token[CHAN_LINK_BYTES + 1];
};

static void answer(struct web_conn *c, unsigned status, const char *type, const char *extra, struct str body)
{
	const struct http_request r = { .method = c->link->method };

	web_answer(c, &r, status, type, extra, body);
}

/* --- the page ----------------------------------------------------------------------------------------------------- */

static void put_text(struct buf *b, struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		switch (s.p[i]) {
		case '<': buf_str_add(b, STR("&lt;")); break;
		case '>': buf_str_add(b, STR("&gt;")); break;
		case '&': buf_str_add(b, STR("&amp;")); break;
		case '"': buf_str_add(b, STR("&quot;")); break;
		case '\'': buf_str_add(b, STR("&#39;")); break;
		default: buf_char(b, s.p[i]);
		}
}

static void put_head(struct buf *b, const char *title)
{
	buf_printf(b, "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">"
		   "<meta name=\"robots\" content=\"noindex\"><title>%s</title><style>"
		   "body{font:1.1em/1.5 system-ui,sans-serif;max-width:40em;margin:3em auto;padding:0 1em;color:#222;background:#fff}"
		   ".host{font-size:1.8em;font-weight:bold;overflow-wrap:anywhere;margin:.4em 0}"
		   ".target{overflow-wrap:anywhere;color:#555}.denied{border-left:.5em solid #b00;padding-left:1em}"
		   ".careful{border-left:.5em solid #d80;padding-left:1em}.ok{border-left:.5em solid #999;padding-left:1em}"
		   "a.go{display:inline-block;padding:.5em 1.2em;border:1px solid #444;border-radius:.3em;color:#222;text-decoration:none}"
		   "footer{margin-top:3em;color:#666;font-size:.85em}</style></head><body><h1>%s</h1>", title, title);
}

static void put_foot(struct buf *b, struct str domain)
{
	buf_printf(b, "<footer>Checked just now by the chat server of ");
	put_text(b, domain);
	buf_printf(b, ". It has not opened the link itself.</footer></body></html>\n");
}

static void put_page(struct buf *b, const struct web_link *l, struct str domain, const struct str *line, unsigned n)
{
	bool denied = str_is(line[0], "denied"), careful = str_is(line[0], "careful");

	put_head(b, denied ? "This link is dangerous" : careful ? "Careful with this link" : "You are leaving the company's chat");
	buf_printf(b, "<div class=\"%s\"><p>The link leads to</p><p class=\"host\">", denied ? "denied" : careful ? "careful" : "ok");
	put_text(b, line[3]);
	buf_printf(b, "</p>");
	if (!str_eq(line[2], line[3])) {
		buf_printf(b, "<p>whose real name is <code>");
		put_text(b, line[2]);
		buf_printf(b, "</code></p>");
	}
	buf_printf(b, "<p class=\"target\">");
	put_text(b, line[1]);
	buf_printf(b, "</p>");
	if (n > 4)
		buf_printf(b, "<ul>");
	for (unsigned i = 4; i < n; i++) {
		buf_printf(b, "<li>");
		put_text(b, line[i]);
		buf_printf(b, "</li>");
	}
	buf_printf(b, "%s</div>", n > 4 ? "</ul>" : "");
	if (denied)
		buf_printf(b, "<p>It is not opened from here. If you need it, ask your administrator.</p>");
	else
		buf_printf(b, "<p>Is that the place you expected? Do not sign in anywhere that you reached by a link.</p>"
			   "<p><a class=\"go\" rel=\"noreferrer noopener nofollow\" href=\"/link/%s?go=1\">Open the site</a></p>", l->token);
	put_foot(b, domain);
}

/* A header's value: whatever could end the line or is no ASCII is percent-encoded. */
static void put_location(struct buf *b, struct str target)
{
	buf_str_add(b, STR("Location: "));
	for (size_t i = 0; i < target.n; i++) {
		unsigned char ch = (unsigned char)target.p[i];

		if (ch <= 0x20 || ch >= 0x7f || strchr("\"<>\\^`{|}", ch))
			buf_printf(b, "%%%02X", ch);
		else
			buf_char(b, (char)ch);
	}
	buf_str_add(b, STR("\r\nCache-Control: no-store\r\n"));
}

static void unknown(struct web_conn *c)
{
	answer(c, 404, "text/plain; charset=utf-8", "Cache-Control: no-store\r\n",
	       STR("This link is not known here: it was altered, or it is too old. Ask who sent it to send it again.\n"));
}

static void show(struct web_conn *c, struct str text)
{
	struct web_link *l = c->link;
	struct str line[LINES];
	unsigned n = 0;
	struct buf b;

	while (text.n && n < LINES) {
		ptrdiff_t end = str_find_char(text, '\n');

		line[n++] = end < 0 ? text : str_make(text.p, (size_t)end);
		text = end < 0 ? STR_NONE : str_cut(text, (size_t)end + 1);
	}
	if (n < 4) {
		unknown(c);
		return;
	}
	buf_init(&b, 60000);
	if (l->go && !str_is(line[0], "denied")) {
		put_location(&b, line[1]);
		buf_char(&b, '\0');
		if (b.failed)
			web_refuse(c, 503);
		else
			answer(c, 303, NULL, buf_str(&b).p, STR_NONE);
	} else {
		put_page(&b, l, c->web->domain, line, n);
		if (b.failed)
			web_refuse(c, 503);
		else
			answer(c, str_is(line[0], "denied") ? 403 : 200, "text/html; charset=utf-8", "Cache-Control: no-store\r\nX-Robots-Tag: noindex\r\n",
			       buf_str(&b));
	}
	buf_release(&b);
}

/* --- the worker ---------------------------------------------------------------------------------------------------- */

static void end(struct web_conn *c)
{
	struct web_link *l = c->link;

	if (c->conn || l->pipe)
		return;
	buf_release(&l->in);
	free(l);
	c->link = NULL;
	web_conn_end(c);
}

static void pipe_data(void *ctx, struct str bytes)
{
	struct web_conn *c = ctx;
	struct web_link *l = c->link;
	uint32_t head;

	if (buf_str_add(&l->in, bytes) < 0) {
		conn_abort(l->pipe);
		return;
	}
	if (l->in.n < CHAN_PIECE_HEAD || !c->conn || c->answered)
		return;
	memcpy(&head, buf_str(&l->in).p, sizeof(head));
	head = ntohl(head) & ~CHAN_PIECE_LAST;
	if (l->in.n >= CHAN_PIECE_HEAD + (size_t)head)
		show(c, str_make(buf_str(&l->in).p + CHAN_PIECE_HEAD, head));
}

static void pipe_closed(void *ctx)
{
	struct web_conn *c = ctx;

	c->link->pipe = NULL;
	if (c->conn && !c->answered)
		web_refuse(c, 503);
	end(c);
}

void web_link_gone(struct web_conn *c)
{
	if (c->link->pipe)
		conn_abort(c->link->pipe);	/* pipe_closed() ends it */
	else
		end(c);
}

static int ask(struct web_conn *c)
{
	static const struct conn_ops ops = { .data = pipe_data, .closed = pipe_closed };
	struct chan_stream s = { .version = CHAN_VERSION, .kind = CHAN_LINK, .address_n = c->address_n };
	struct web_link *l = c->link;
	char text[CHAN_LINK_BYTES + 3 + CHAN_PIECE_HEAD];
	int ends[2], n, r;
	uint32_t head;

	memcpy(s.address, c->address, c->address_n);
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends) < 0)
		return ERR_IO;
	r = chan_give(c->web->chan, &s, ends[1]);
	if (r < 0) {
		close(ends[0]);
		close(ends[1]);
		return r;
	}
	r = conn_accept(c->web->pool, ends[0], NULL, &ops, c, &l->pipe);
	if (r < 0)
		return r;
	n = snprintf(text + CHAN_PIECE_HEAD, sizeof(text) - CHAN_PIECE_HEAD, "%c%s", l->go ? 'g' : 'l', l->token);
	head = htonl((uint32_t)n | CHAN_PIECE_LAST);
	memcpy(text, &head, sizeof(head));
	return conn_send(l->pipe, str_make(text, (size_t)n + CHAN_PIECE_HEAD));
}

static bool is_token(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if (!(s.p[i] >= 'a' && s.p[i] <= 'z') && !(s.p[i] >= 'A' && s.p[i] <= 'Z') && !(s.p[i] >= '0' && s.p[i] <= '9') && s.p[i] != '-' &&
		    s.p[i] != '_')
			return false;
	return s.n > 0 && s.n <= CHAN_LINK_BYTES;
}

void web_link_page(struct web_conn *c, const struct http_request *r)
{
	struct str token = str_cut(r->path, sizeof("/link/") - 1);
	struct web_link *l = calloc(1, sizeof(*l));

	if (!l) {
		web_refuse(c, 503);
		return;
	}
	c->link = l;
	l->method = r->method;
	l->go = str_is(r->query, "go=1");
	buf_init(&l->in, ANSWER_BYTES);
	if (!is_token(token) || (r->query.n && !l->go)) {
		unknown(c);
		return;
	}
	memcpy(l->token, token.p, token.n);
	if (ask(c) < 0) {
		log_event(LOG_WARN, "web.worker_busy");
		web_refuse(c, 503);
	}
}
