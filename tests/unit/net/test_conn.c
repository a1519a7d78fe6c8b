/* test_conn.c - connections over real sockets: what conn.h and tls.h promise, against OpenSSL as the client. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <openssl/err.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <unistd.h>

#include "base/limits.h"
#include "net/conn.h"

enum act { ACT_ECHO, ACT_EIGHT, ACT_ABORT, ACT_CLOSE, ACT_BIG, ACT_STARTTLS, ACT_SPOIL, ACT_NOW };

struct world {
	struct loop *loop;
	struct conn_pool *pool;
	struct tls_ctx *tls;
	struct arena *a;
	char dir[64];
	struct loop_item end;
};

struct side {			/* the server's side of one connection */
	struct world *w;
	struct conn *c;
	enum act act;
	size_t got;
	int pieces, secured, closed, exporter_n, end_point_n, refused;
	uint8_t exporter[32], end_point[64];
};

struct client {			/* runs in a thread of its own, with blocking calls */
	struct world *w;
	int fd, max, min;
	const char *ciphers, *alpn;
	int alpn_n;
	int (*fn)(struct client *t, SSL *ssl);
	int result, records;
	bool handshake_ok;
	char alert[64];
	uint8_t exporter[32];
};

static void on_data(void *ctx, struct str bytes)
{
	struct side *s = ctx;
	char *big;

	s->got += bytes.n;
	switch (s->act) {
	case ACT_ECHO:
		(void)conn_send(s->c, bytes);
		break;
	case ACT_EIGHT:
		for (int i = 0; i < 8; i++)
			(void)conn_send(s->c, STR("<message/>"));
		break;
	case ACT_ABORT:
		conn_abort(s->c);
		conn_abort(s->c);
		break;
	case ACT_CLOSE:
		(void)conn_send(s->c, STR("bye"));
		conn_close(s->c);
		break;
	case ACT_BIG:
		big = calloc(1, 1 << 20);
		for (int i = 0; i < 5; i++)
			if (conn_send(s->c, str_make(big, 1 << 20)) == ERR_LIMIT)
				s->refused++;
		free(big);
		break;
	case ACT_NOW:			/* what is queued, what is not copied, what has to wait: in this order */
		big = malloc(1 << 20);
		memset(big, 'a', 1 << 20);
		(void)conn_send(s->c, STR("first"));
		(void)conn_send_now(s->c, str_make(big, 1 << 20));
		memset(big, 'b', 1 << 20);	/* it is the caller's again */
		free(big);
		break;
	case ACT_STARTTLS:
		s->act = ACT_ECHO;
		(void)conn_send(s->c, STR("<proceed/>"));
		if (conn_starttls(s->c, s->w->tls) < 0)
			conn_abort(s->c);
		break;
	case ACT_SPOIL:
		ERR_raise(ERR_LIB_SSL, SSL_R_BAD_LENGTH);	/* as a failed call on another connection leaves it */
		(void)conn_send(s->c, bytes);
		break;
	}
}

static void on_secured(void *ctx)
{
	struct side *s = ctx;

	s->secured++;
	s->exporter_n = tls_exporter(conn_ssl(s->c), s->exporter);
	s->end_point_n = tls_server_end_point(conn_ssl(s->c), s->end_point);
}

static void on_closed(void *ctx)
{
	struct side *s = ctx;

	s->closed++;
	s->c = NULL;
}

static void on_drained(void *ctx)
{
	struct side *s = ctx;
	char *big;

	if (s->act != ACT_NOW || s->got == 0 || ++s->pieces > 2)
		return;
	big = malloc(1 << 20);
	memset(big, 'a' + s->pieces, 1 << 20);
	(void)conn_send_now(s->c, str_make(big, 1 << 20));
	memset(big, 'z', 1 << 20);
	free(big);
}

static const struct conn_ops ops = { .data = on_data, .secured = on_secured, .drained = on_drained, .closed = on_closed };

/* --- the client ------------------------------------------------------------------------------------------- */

static void count_records(int is_out, int version, int type, const void *p, size_t n, SSL *ssl, void *arg)
{
	struct client *t = arg;

	(void)version;
	(void)n;
	(void)ssl;
	if (!is_out && type == SSL3_RT_HEADER && ((const uint8_t *)p)[0] == SSL3_RT_APPLICATION_DATA)
		t->records++;
}

static SSL *dial(struct client *t, SSL_CTX **ret_ctx)
{
	SSL_CTX *c = SSL_CTX_new(TLS_client_method());
	SSL *ssl;

	SSL_CTX_set_security_level(c, 0);
	SSL_CTX_set_min_proto_version(c, t->min);
	SSL_CTX_set_max_proto_version(c, t->max);
	if (t->ciphers)
		SSL_CTX_set_cipher_list(c, t->ciphers);
	ssl = SSL_new(c);
	if (t->alpn)
		SSL_set_alpn_protos(ssl, (const unsigned char *)t->alpn, (unsigned)t->alpn_n);
	SSL_set_fd(ssl, t->fd);
	ERR_clear_error();
	t->handshake_ok = SSL_connect(ssl) == 1;
	if (!t->handshake_ok)
		snprintf(t->alert, sizeof(t->alert), "%s", ERR_reason_error_string(ERR_peek_error()) ?: "");
	*ret_ctx = c;
	return ssl;
}

static void *client_main(void *arg)
{
	struct client *t = arg;
	SSL_CTX *c = NULL;
	SSL *ssl = t->max ? dial(t, &c) : NULL;

	if (t->fn && (!t->max || t->handshake_ok))
		t->result = t->fn(t, ssl);
	SSL_free(ssl);
	SSL_CTX_free(c);
	close(t->fd);
	return NULL;
}

static void on_end(void *ctx)
{
	loop_stop(((struct world *)ctx)->loop);
}

static void nothing_left(void *ctx);

struct run {
	struct side *s;
	struct loop_timer poll, late;
	bool late_fired;
};

/* The loop runs until the server's side is gone. */
static void nothing_left(void *ctx)
{
	struct run *r = ctx;

	if (r->s->closed)
		on_end(r->s->w);
	else
		loop_timer_set(r->s->w->loop, &r->poll, 5, nothing_left, r);
}

static void too_late(void *ctx)
{
	struct run *r = ctx;

	r->late_fired = true;
	on_end(r->s->w);
}

static void play(struct world *w, struct side *s, struct client *t)
{
	int fds[2];
	pthread_t thread;
	struct run r = { .s = s };
	struct timeval tv = { .tv_sec = 8 };

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
	assert_true(fcntl(fds[0], F_SETFL, O_NONBLOCK) == 0);
	setsockopt(fds[1], SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv));
	s->w = t->w = w;
	t->fd = fds[1];
	assert_int_equal(conn_accept(w->pool, fds[0], t->max && s->act != ACT_STARTTLS ? w->tls : NULL, &ops, s, &s->c), 0);
	assert_int_equal(pthread_create(&thread, NULL, client_main, t), 0);
	loop_timer_set(w->loop, &r.poll, 5, nothing_left, &r);
	loop_timer_set(w->loop, &r.late, 10000, too_late, &r);
	loop_run(w->loop);
	loop_timer_cancel(w->loop, &r.poll);
	loop_timer_cancel(w->loop, &r.late);
	pthread_join(thread, NULL);
	assert_false(r.late_fired);
	assert_int_equal(s->closed, 1);
}

static int read_all(SSL *ssl, char *p, int n)
{
	int got = 0;

	while (got < n) {
		int r = SSL_read(ssl, p + got, n - got);

		if (r <= 0)
			break;
		got += r;
	}
	return got;
}

static int fn_hello(struct client *t, SSL *ssl)
{
	char b[16];

	SSL_export_keying_material(ssl, t->exporter, 32, "EXPORTER-Channel-Binding", 24, NULL, 0, 0);
	SSL_write(ssl, "hello", 5);
	return read_all(ssl, b, 5) == 5 && memcmp(b, "hello", 5) == 0;
}

static int fn_eight(struct client *t, SSL *ssl)
{
	char b[80];

	SSL_set_msg_callback(ssl, count_records);
	SSL_set_msg_callback_arg(ssl, t);
	SSL_write(ssl, "x", 1);
	return read_all(ssl, b, 80);
}

static int fn_eof(struct client *t, SSL *ssl)
{
	char b[16];
	int n;

	(void)t;
	SSL_write(ssl, "x", 1);
	n = read_all(ssl, b, sizeof(b));
	return n == 3 && (SSL_get_shutdown(ssl) & SSL_RECEIVED_SHUTDOWN) ? 100 : n;
}

static int fn_slow(struct client *t, SSL *ssl)
{
	static char b[4 << 20];

	(void)t;
	SSL_write(ssl, "x", 1);
	poll(NULL, 0, 50);
	return read_all(ssl, b, sizeof(b));
}

/* In pieces of a MiB, each sent when the one before has gone out (on_drained). */
static int fn_pieces(struct client *t, SSL *ssl)
{
	static char b[(3 << 20) + 5];
	int n;

	(void)t;
	SSL_write(ssl, "x", 1);
	poll(NULL, 0, 50);
	n = read_all(ssl, b, sizeof(b));
	for (int i = 5; i < n; i++)
		if (b[i] != 'a' + (i - 5) / (1 << 20))
			return -i;
	return memcmp(b, "first", 5) == 0 ? n : -1;
}

static int fn_starttls(struct client *t, SSL *ssl)
{
	char b[10];
	SSL_CTX *c;
	int ok;

	(void)ssl;
	if (write(t->fd, "<starttls/>", 11) != 11 || recv(t->fd, b, 10, MSG_WAITALL) != 10)
		return -1;
	t->max = TLS1_3_VERSION;
	ssl = dial(t, &c);
	ok = t->handshake_ok && fn_hello(t, ssl);
	SSL_free(ssl);
	SSL_CTX_free(c);
	return ok;
}

/* Plain text after <proceed/>, where a ClientHello belongs. */
static int fn_injection(struct client *t, SSL *ssl)
{
	char b[64];

	(void)ssl;
	if (write(t->fd, "<starttls/>", 11) != 11 || recv(t->fd, b, 10, MSG_WAITALL) != 10)
		return -1;
	if (write(t->fd, "<message>evil</message>", 23) != 23)
		return -2;
	while (recv(t->fd, b, sizeof(b), 0) > 0)
		;
	return 1;
}

static int fn_key_updates(struct client *t, SSL *ssl)
{
	char b[1];
	int i;

	(void)t;
	for (i = 0; i < 60; i++) {
		SSL_key_update(ssl, SSL_KEY_UPDATE_REQUESTED);
		if (SSL_write(ssl, "x", 1) != 1 || SSL_read(ssl, b, 1) != 1)
			break;
	}
	return i;
}

static int fn_renegotiate(struct client *t, SSL *ssl)
{
	char b[1];
	int r;

	(void)t;
	SSL_renegotiate(ssl);
	r = SSL_do_handshake(ssl);
	SSL_write(ssl, "x", 1);
	SSL_read(ssl, b, 1);
	return r == 1 && SSL_renegotiate_pending(ssl) == 0 ? 1 : 0;
}

/* --- the tests -------------------------------------------------------------------------------------------- */

static void tls_1_3_echoes_and_binds(void **state)
{
	struct side s = { .act = ACT_ECHO };
	struct client t = { .max = TLS1_3_VERSION, .fn = fn_hello, .alpn = "\x0bxmpp-client", .alpn_n = 12 };

	play(*state, &s, &t);
	assert_true(t.handshake_ok);
	assert_int_equal(t.result, 1);
	assert_int_equal(s.secured, 1);
	assert_int_equal(s.exporter_n, 32);
	assert_memory_equal(s.exporter, t.exporter, 32);
	assert_int_equal(s.end_point_n, 32);
}

static void tls_1_2_with_aead_echoes_and_binds(void **state)
{
	struct side s = { .act = ACT_ECHO };
	struct client t = { .max = TLS1_2_VERSION, .fn = fn_hello };

	play(*state, &s, &t);
	assert_int_equal(t.result, 1);
	assert_int_equal(s.exporter_n, 32);
	assert_memory_equal(s.exporter, t.exporter, 32);
}

static void old_tls_and_weak_ciphers_are_refused(void **state)
{
	static const struct { int max; const char *ciphers; } bad[] = {
		{ TLS1_1_VERSION, NULL }, { TLS1_VERSION, NULL },
		{ TLS1_2_VERSION, "ECDHE-ECDSA-AES128-SHA256:ECDHE-ECDSA-AES256-SHA" },
		{ TLS1_2_VERSION, "AES128-GCM-SHA256:DHE-RSA-AES128-GCM-SHA256" }, { TLS1_2_VERSION, "eNULL" },
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct side s = { .act = ACT_ECHO };
		struct client t = { .max = bad[i].max, .ciphers = bad[i].ciphers, .fn = fn_hello };

		play(*state, &s, &t);
		assert_false(t.handshake_ok);
		assert_int_equal(s.secured, 0);
		assert_int_equal(s.got, 0);
	}
}

static void a_foreign_protocol_of_alpn_is_refused(void **state)
{
	struct side s = { .act = ACT_ECHO }, s2 = { .act = ACT_ECHO };
	struct client t = { .max = TLS1_3_VERSION, .alpn = "\x08http/1.1", .alpn_n = 9, .fn = fn_hello };
	struct client both = { .max = TLS1_3_VERSION, .alpn = "\x08http/1.1\x0bxmpp-client", .alpn_n = 21, .fn = fn_hello };

	play(*state, &s, &t);
	assert_false(t.handshake_ok);
	assert_non_null(strstr(t.alert, "no application protocol"));
	play(*state, &s2, &both);
	assert_int_equal(both.result, 1);
}

static void eight_sends_are_one_record(void **state)
{
	struct side s = { .act = ACT_EIGHT };
	struct client t = { .max = TLS1_3_VERSION, .fn = fn_eight };

	play(*state, &s, &t);
	assert_int_equal(t.result, 80);
	assert_int_equal(t.records, 1);
}

static void abort_within_a_callback_is_safe(void **state)
{
	struct side s = { .act = ACT_ABORT };
	struct client t = { .max = TLS1_3_VERSION, .fn = fn_eof };

	play(*state, &s, &t);
	assert_int_equal(t.result, 0);
	assert_int_equal(s.got, 1);
}

static void close_sends_the_rest_and_says_goodbye(void **state)
{
	struct side s = { .act = ACT_CLOSE };
	struct client t = { .max = TLS1_3_VERSION, .fn = fn_eof };

	play(*state, &s, &t);
	assert_int_equal(t.result, 100);
}

static void a_slow_reader_gets_all_up_to_the_limit(void **state)
{
	struct side s = { .act = ACT_BIG };
	struct client t = { .max = TLS1_3_VERSION, .fn = fn_slow };

	play(*state, &s, &t);
	assert_int_equal(s.refused, 1);
	assert_int_equal(t.result, LIMIT_SEND_BYTES);
}

static void what_is_sent_at_once_keeps_its_order_and_is_not_needed_afterwards(void **state)
{
	struct side s = { .act = ACT_NOW };
	struct client t = { .max = TLS1_3_VERSION, .fn = fn_pieces };

	play(*state, &s, &t);
	assert_int_equal(t.result, (3 << 20) + 5);
}

static void starttls_goes_over_to_tls(void **state)
{
	struct side s = { .act = ACT_STARTTLS };
	struct client t = { .fn = fn_starttls };

	play(*state, &s, &t);
	assert_int_equal(t.result, 1);
	assert_int_equal(s.secured, 1);
}

static void plain_text_instead_of_tls_ends_it(void **state)
{
	struct side s = { .act = ACT_STARTTLS };
	struct client t = { .fn = fn_injection };

	play(*state, &s, &t);
	assert_int_equal(t.result, 1);
	assert_int_equal(s.got, 11);		/* <starttls/> and not a byte more */
	assert_int_equal(s.secured, 0);
}

static void a_flood_of_key_updates_ends_it(void **state)
{
	struct side s = { .act = ACT_ECHO };
	struct client t = { .max = TLS1_3_VERSION, .fn = fn_key_updates };

	play(*state, &s, &t);
	assert_in_range(t.result, 15, 25);
}

static void renegotiation_is_refused(void **state)
{
	struct side s = { .act = ACT_ECHO };
	struct client t = { .max = TLS1_2_VERSION, .fn = fn_renegotiate };

	play(*state, &s, &t);
	assert_true(t.handshake_ok);
	assert_int_equal(t.result, 0);
	assert_int_equal(s.secured, 1);
}

/* OpenSSL's queue of errors is the thread's, shared by all connections. */
static void errors_elsewhere_end_no_connection(void **state)
{
	struct side s = { .act = ACT_SPOIL };
	struct client t = { .max = TLS1_3_VERSION, .fn = fn_hello };

	play(*state, &s, &t);
	ERR_clear_error();
	assert_int_equal(t.result, 1);
}

static void a_readable_key_is_refused(void **state)
{
	struct world *w = *state;
	struct tls_ctx *t = NULL;
	struct str why = STR_NONE;
	char key[80];

	snprintf(key, sizeof(key), "%s/key.pem", w->dir);
	assert_int_equal(chmod(key, 0640), 0);
	assert_int_equal(tls_ctx_load(w->dir, w->a, &t, &why), ERR_FORBIDDEN);
	assert_true(str_find(why, STR("chmod 600")) >= 0);
	assert_null(t);
	assert_int_equal(chmod(key, 0600), 0);
	assert_in_range(tls_days_left(w->tls), 3640, 3651);
}

/* --- the world -------------------------------------------------------------------------------------------- */

static int world_make(void **state)
{
	static const char *const names[] = { "example.test", "localhost" };
	struct world *w = calloc(1, sizeof(*w));
	struct str why = STR_NONE;

	w->a = arena_new(1 << 20);
	strcpy(w->dir, "/tmp/test-conn-XXXXXX");
	assert_non_null(mkdtemp(w->dir));
	assert_int_equal(tls_certificate_create(w->dir, names, 2, w->a, &why), 0);
	assert_int_equal(tls_ctx_load(w->dir, w->a, &w->tls, &why), 0);
	assert_int_equal(loop_uv_new(&w->loop), 0);
	assert_int_equal(conn_pool_new(w->loop, &w->pool), 0);
	*state = w;
	return 0;
}

static int world_drop(void **state)
{
	struct world *w = *state;
	char path[80];

	conn_pool_free(&w->pool);
	loop_free(&w->loop);
	tls_ctx_unref(&w->tls);
	snprintf(path, sizeof(path), "%s/key.pem", w->dir);
	unlink(path);
	snprintf(path, sizeof(path), "%s/cert.pem", w->dir);
	unlink(path);
	rmdir(w->dir);
	arena_free(&w->a);
	free(w);
	return 0;
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, world_make, world_drop)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(tls_1_3_echoes_and_binds),
		TEST(tls_1_2_with_aead_echoes_and_binds),
		TEST(old_tls_and_weak_ciphers_are_refused),
		TEST(a_foreign_protocol_of_alpn_is_refused),
		TEST(eight_sends_are_one_record),
		TEST(abort_within_a_callback_is_safe),
		TEST(close_sends_the_rest_and_says_goodbye),
		TEST(a_slow_reader_gets_all_up_to_the_limit),
		TEST(what_is_sent_at_once_keeps_its_order_and_is_not_needed_afterwards),
		TEST(starttls_goes_over_to_tls),
		TEST(plain_text_instead_of_tls_ends_it),
		TEST(a_flood_of_key_updates_ends_it),
		TEST(renegotiation_is_refused),
		TEST(errors_elsewhere_end_no_connection),
		TEST(a_readable_key_is_refused),
	};

	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
