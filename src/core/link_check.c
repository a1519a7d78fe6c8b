/* link_check.c - see link_check.h. */
#include "core/link_check.h"

#include <arpa/inet.h>
#include <jansson.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/b64.h"
#include "base/check.h"
#include "base/clock.h"
#include "core/blocklist.h"
#include "core/state.h"
#include "ipc/chan.h"

#define VERSION 1
#define HEAD 13			/* version, id, hour */
#define MAC 16
#define HOUR_MS 3600000ull

_Static_assert(LINK_CHECK_TOKEN <= CHAN_LINK_BYTES, "every token of ours can be asked about");

/* --- tokens ---------------------------------------------------------------------------------------------------------- */

void link_check_init(struct server *srv)
{
	vault_secret(srv->vault, "links checked at the click", srv->link_key);
}

bool link_check_possible(const struct server *srv)
{
	return srv->config->listen.https != 0;
}

static void mac_of(const uint8_t key[32], const uint8_t *p, size_t n, uint8_t ret[MAC])
{
	uint8_t whole[EVP_MAX_MD_SIZE];
	unsigned whole_n = 0;

	memset(whole, 0, sizeof(whole));
	CHECK(HMAC(EVP_sha256(), key, 32, p, n, whole, &whole_n) && whole_n >= MAC);	/* OpenSSL without SHA-256 signs nothing */
	memcpy(ret, whole, MAC);
}

static void put_be(uint8_t *p, uint64_t v, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		p[i] = (uint8_t)(v >> 8 * (n - 1 - i));
}

static uint64_t get_be(const uint8_t *p, unsigned n)
{
	uint64_t v = 0;

	for (unsigned i = 0; i < n; i++)
		v = v << 8 | p[i];
	return v;
}

/* The web's own alphabet (RFC 4648 5), without padding. */
static void to_url(char *text)
{
	for (; *text; text++)
		*text = *text == '+' ? '-' : *text == '/' ? '_' : *text == '=' ? '\0' : *text;
}

int link_check_url(const struct server *srv, uint64_t id, uint64_t now_ms, const struct url *u, struct buf *b)
{
	uint8_t raw[HEAD + LINK_CHECK_TARGET + MAC];
	char text[B64_LEN(sizeof(raw)) + 1], *target = (char *)raw + HEAD;
	bool v6 = str_find_char(u->host, ':') >= 0;
	int n;

	if (u->scheme.n && !str_is(u->scheme, "http") && !str_is(u->scheme, "https"))
		return ERR_UNSUPPORTED;
	n = snprintf(target, LINK_CHECK_TARGET, "%s://%s%.*s%s", str_is(u->scheme, "https") ? "https" : "http", v6 ? "[" : "", STR_FMT(u->host), v6 ? "]" : "");
	if (u->port && n < LINK_CHECK_TARGET)
		n += snprintf(target + n, (size_t)(LINK_CHECK_TARGET - n), ":%u", u->port);
	if (n < LINK_CHECK_TARGET)
		n += snprintf(target + n, (size_t)(LINK_CHECK_TARGET - n), "%s%.*s", u->path.n && u->path.p[0] != '/' ? "/" : "", STR_FMT(u->path));
	if (n >= LINK_CHECK_TARGET)
		return ERR_UNSUPPORTED;
	raw[0] = VERSION;
	put_be(raw + 1, id, 8);
	put_be(raw + 9, now_ms / HOUR_MS + LINK_CHECK_DAYS * 24, 4);
	mac_of(srv->link_key, raw, HEAD + (size_t)n, raw + HEAD + n);
	b64_encode(raw, HEAD + (size_t)n + MAC, text);
	to_url(text);
	if (*srv->config->web.url)
		buf_printf(b, "%s/link/%s", srv->config->web.url, text);
	else if (srv->config->listen.https == 443)
		buf_printf(b, "https://%.*s/link/%s", STR_FMT(srv->domain), text);
	else
		buf_printf(b, "https://%.*s:%u/link/%s", STR_FMT(srv->domain), srv->config->listen.https, text);
	return b->failed ? ERR_LIMIT : 0;
}

int link_check_open(const uint8_t key[32], struct str token, uint64_t now_ms, uint8_t room[LINK_CHECK_TOKEN], struct link_check_token *ret)
{
	char text[LINK_CHECK_TOKEN + 4];
	uint8_t want[MAC];
	size_t n = 0;

	if (token.n == 0 || token.n > LINK_CHECK_TOKEN)
		return ERR_BAD_FORMAT;
	for (; n < token.n; n++) {
		char c = token.p[n];

		if (c == '+' || c == '/' || c == '=')
			return ERR_BAD_FORMAT;
		text[n] = c == '-' ? '+' : c == '_' ? '/' : c;
	}
	for (; n % 4; n++)
		text[n] = '=';
	if (b64_decode(str_make(text, n), room, LINK_CHECK_TOKEN, &n) < 0 || n <= HEAD + MAC || room[0] != VERSION)
		return ERR_BAD_FORMAT;
	mac_of(key, room, n - MAC, want);
	if (CRYPTO_memcmp(want, room + n - MAC, MAC) != 0)
		return ERR_BAD_FORMAT;
	*ret = (struct link_check_token){ .id = get_be(room + 1, 8), .hour = (uint32_t)get_be(room + 9, 4),
					  .target = str_make((const char *)room + HEAD, n - HEAD - MAC) };
	return ret->hour < now_ms / HOUR_MS ? ERR_NOT_FOUND : 0;
}

/* --- a question ------------------------------------------------------------------------------------------------------ */

struct question {
	struct server *srv;
	struct conn *conn;		/* NULL: gone */
	struct loop_timer timer;
	struct arena *arena;
	struct buf in;
	uint8_t room[LINK_CHECK_TOKEN];
	struct link_check_token token;
	bool go, asked;			/* asked: a job of the store is under way */
	bool contained;			/* what it came with is under containment */
};

static void end(struct question *q)
{
	struct server *srv = q->srv;

	if (q->conn || q->asked)
		return;
	loop_timer_cancel(srv->loop, &q->timer);
	buf_release(&q->in);
	arena_free(&q->arena);
	free(q);
	srv->link_questions--;
}

static void answer(struct question *q, struct str text)
{
	uint32_t head = htonl((uint32_t)text.n | CHAN_PIECE_LAST);

	if (!q->conn)
		return;
	if (conn_send(q->conn, str_make((const char *)&head, sizeof(head))) < 0 || conn_send(q->conn, text) < 0)
		conn_abort(q->conn);
	else
		conn_close(q->conn);
}

/* Judged by today's policy and lists, not by those of the day it was written. */
static void describe(struct question *q, struct buf *b)
{
	const struct links_conf *conf = &guard_policy(q->srv->guard)->links;
	struct verdict v = { 0 };
	struct links links = { .n = 1, .a = q->arena };
	bool denied = q->contained, careful = false;

	if (!url_parse(q->token.target, q->arena, &links.v[0])) {
		b->failed = true;
		return;
	}
	links.shared = blocklist_links(q->srv, &links.n_shared);
	links_verdict(&links, conf, &v);
	for (unsigned i = 0; i < v.n; i++) {
		denied = denied || v.f[i].rule == LINK_DENIED || v.f[i].rule == LINK_LISTED;
		careful = careful || guard_policy(q->srv->guard)->weights[v.f[i].rule] > 0;
	}
	buf_printf(b, "%s\n%.*s\n%.*s\n%.*s\n", denied ? "denied" : careful ? "careful" : "ok", STR_FMT(q->token.target), STR_FMT(links.v[0].host),
		   STR_FMT(links.v[0].unicode));
	if (q->contained)
		buf_printf(b, "the message that it came with is part of an outbreak\n");
	for (unsigned i = 0; i < v.n; i++)
		buf_printf(b, "%s\n", inspect_rule_text(v.f[i].rule));
}

static int look_work(struct vault *v, void *ctx)
{
	struct question *q = ctx;
	struct str story;
	struct vault_outbreak b;
	json_t *o;
	int r = vault_finding_get(v, q->token.id, q->arena, &story);

	if (r < 0)
		return r == ERR_NOT_FOUND ? 0 : r;
	o = json_loadb(story.p, story.n, 0, NULL);
	if (json_is_string(json_object_get(o, "fingerprint"))) {
		struct vault_spread s = {
			.fingerprint = str_of(json_string_value(json_object_get(o, "fingerprint"))),
			.from = str_of(json_string_value(json_object_get(o, "from"))), .to = str_of(json_string_value(json_object_get(o, "to"))),
			.id = q->token.id, .when_ms = clock_wall_ms(), .outcome = STR("clicked"),
		};

		r = vault_outbreak_get(v, s.fingerprint, q->arena, &b);
		q->contained = r == 0 && b.contained;
		if (r == ERR_NOT_FOUND)
			r = 0;
		if (r == 0 && q->go)
			r = vault_spread_add(v, &s);
	}
	json_decref(o);
	return r;
}

static void look_done(void *ctx, int err)
{
	struct question *q = ctx;
	struct buf b;

	q->asked = false;
	buf_init(&b, 8192);
	if (err == 0)
		describe(q, &b);
	if (err < 0 || b.failed) {
		if (q->conn)
			conn_abort(q->conn);	/* the page says that it cannot be checked: nobody is led on */
	} else {
		answer(q, buf_str(&b));
	}
	buf_release(&b);
	end(q);
}

static void on_data(void *ctx, struct str bytes)
{
	struct question *q = ctx;
	struct str text;
	uint32_t head;

	if (q->asked || q->token.id || buf_str_add(&q->in, bytes) < 0) {
		conn_abort(q->conn);
		return;
	}
	if (q->in.n < CHAN_PIECE_HEAD)
		return;
	memcpy(&head, q->in.p, sizeof(head));
	head = ntohl(head) & ~CHAN_PIECE_LAST;
	if (q->in.n < CHAN_PIECE_HEAD + (size_t)head)
		return;
	text = str_make(buf_str(&q->in).p + CHAN_PIECE_HEAD, head);
	q->go = text.n && text.p[0] == 'g';
	if (link_check_open(q->srv->link_key, str_cut(text, 1), clock_wall_ms(), q->room, &q->token) < 0) {
		answer(q, STR_NONE);
		return;
	}
	q->asked = server_store(q->srv, q, look_work, look_done) == 0;
	if (!q->asked)
		conn_abort(q->conn);
}

static void on_closed(void *ctx)
{
	struct question *q = ctx;

	q->conn = NULL;
	end(q);
}

static void on_late(void *ctx)
{
	struct question *q = ctx;

	if (q->conn)
		conn_abort(q->conn);
}

void link_check_answer(struct server *srv, int fd)
{
	static const struct conn_ops ops = { .data = on_data, .closed = on_closed };
	struct question *q = srv->link_questions < LINK_CHECK_ASKING ? calloc(1, sizeof(*q)) : NULL;

	if (!q) {
		close(fd);
		return;
	}
	q->srv = srv;
	q->arena = arena_new(256 * 1024);
	buf_init(&q->in, CHAN_PIECE_HEAD + 1 + CHAN_LINK_BYTES);
	if (!q->arena || conn_accept(srv->conn_pool, fd, NULL, &ops, q, &q->conn) < 0) {
		if (!q->arena)
			close(fd);
		arena_free(&q->arena);
		free(q);
		return;
	}
	srv->link_questions++;
	loop_timer_set(srv->loop, &q->timer, LINK_CHECK_MS, on_late, q);
}
