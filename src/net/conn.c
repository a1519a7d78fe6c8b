/* conn.c - see conn.h. OpenSSL reads and writes memory only (a BIO of ours over shared buffers): that costs less
 * than a descriptor BIO and leaves nothing behind when the connection is idle. */
#include "net/conn.h"

#include <linux/sockios.h>
#include <openssl/err.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/check.h"
#include "base/limits.h"

#define CONN_MAGIC 0xc0440001u
#define IN_BYTES 16384
#define PLAIN_BYTES 16384
#define READS_PER_TURN 4	/* whoever sends fast must not keep the loop from the others */

struct conn_pool {
	struct loop *loop;
	BIO_METHOD *method;
	struct buf cipher;		/* what OpenSSL writes during one flush */
	char in[IN_BYTES];
	char plain[PLAIN_BYTES];
};

struct conn {
	CHECK_MAGIC;
	struct conn_pool *pool;
	struct loop_io *io;
	SSL *ssl;
	struct tls_ctx *sniff;		/* of conn_sniff(), until the first byte */
	const struct conn_ops *ops;
	void *ctx;
	struct buf plain;		/* queued by conn_send */
	struct buf out;			/* bytes for the socket that it did not take: from out_at on */
	size_t out_at;
	const char *in;			/* what OpenSSL may read now */
	size_t in_n;
	struct loop_item flush, gone;
	struct loop_timer timer;	/* closing, or the next reading when over the rate */
	uint64_t rate, rate_at_ms;
	int64_t tokens;
	bool paused, starved, secured, closing, said_goodbye, dead, want_write;
};

/* --- the BIO ------------------------------------------------------------------------------------------- */

static int bio_read(BIO *bio, char *p, size_t n, size_t *ret)
{
	struct conn *c = BIO_get_data(bio);

	BIO_clear_retry_flags(bio);
	if (c->in_n == 0) {
		BIO_set_retry_read(bio);
		return 0;
	}
	if (n > c->in_n)
		n = c->in_n;
	memcpy(p, c->in, n);
	c->in += n;
	c->in_n -= n;
	*ret = n;
	return 1;
}

static int bio_write(BIO *bio, const char *p, size_t n, size_t *ret)
{
	struct conn *c = BIO_get_data(bio);

	BIO_clear_retry_flags(bio);
	if (buf_add(&c->pool->cipher, p, n) < 0)
		return 0;
	*ret = n;
	return 1;
}

static long bio_ctrl(BIO *bio, int cmd, long num, void *ptr)
{
	(void)bio;
	(void)num;
	(void)ptr;
	return cmd == BIO_CTRL_FLUSH || cmd == BIO_CTRL_PUSH || cmd == BIO_CTRL_POP;
}

static int bio_create(BIO *bio)
{
	BIO_set_init(bio, 1);
	return 1;
}

int conn_pool_new(struct loop *loop, struct conn_pool **ret)
{
	struct conn_pool *p = calloc(1, sizeof(*p));

	if (!p)
		return ERR_NOMEM;
	p->loop = loop;
	p->method = BIO_meth_new(BIO_TYPE_SOURCE_SINK, "conn");
	if (!p->method) {
		free(p);
		return ERR_NOMEM;
	}
	BIO_meth_set_read_ex(p->method, bio_read);
	BIO_meth_set_write_ex(p->method, bio_write);
	BIO_meth_set_ctrl(p->method, bio_ctrl);
	BIO_meth_set_create(p->method, bio_create);
	buf_init(&p->cipher, LIMIT_SEND_BYTES * 2);
	*ret = p;
	return 0;
}

void conn_pool_free(struct conn_pool **p)
{
	if (!*p)
		return;
	BIO_meth_free((*p)->method);
	buf_release(&(*p)->cipher);
	free(*p);
	*p = NULL;
}

static int attach_tls(struct conn *c, struct tls_ctx *tls, const char *host)
{
	BIO *bio;

	c->ssl = host ? tls_session_to(tls, host) : tls_session(tls);
	if (!c->ssl)
		return ERR_NOMEM;
	bio = BIO_new(c->pool->method);
	if (!bio) {
		SSL_free(c->ssl);
		c->ssl = NULL;
		return ERR_NOMEM;
	}
	BIO_set_data(bio, c);
	SSL_set_bio(c->ssl, bio, bio);
	return 0;
}

/* --- the end ----------------------------------------------------------------------------------------------- */

static void on_gone(struct loop_item *item)
{
	struct conn *c = LIST_ITEM(item, struct conn, gone);
	const struct conn_ops *ops = c->ops;
	void *ctx = c->ctx;

	list_remove(&c->flush.node);
	loop_timer_cancel(c->pool->loop, &c->timer);
	SSL_free(c->ssl);
	tls_ctx_unref(&c->sniff);
	buf_release(&c->plain);
	buf_release(&c->out);
	c->magic = 0;
	free(c);
	ops->closed(ctx);
}

void conn_abort(struct conn *c)
{
	CHECK_OBJ(c, CONN_MAGIC);
	if (c->dead)
		return;
	c->dead = true;
	loop_io_close(&c->io);
	loop_defer(c->pool->loop, &c->gone);
}

static void on_close_late(void *ctx)
{
	conn_abort(ctx);
}

/* --- out ----------------------------------------------------------------------------------------------------- */

static void set_want(struct conn *c)
{
	if (!c->dead)
		loop_io_want(c->io, !c->paused && !c->starved, c->want_write);
}

/* Number of bytes the socket took; it is full when that is less than n. */
static size_t write_some(struct conn *c, const char *p, size_t n)
{
	size_t done = 0;

	while (!c->dead && done < n) {
		int r = loop_io_write(c->io, p + done, n - done);

		if (r == ERR_AGAIN)
			break;
		if (r < 0)
			conn_abort(c);
		else
			done += (size_t)r;
	}
	return done;
}

/* Writes until the socket is full; what it does not take is kept. */
static void write_out(struct conn *c, struct str bytes)
{
	size_t done = c->out.n ? 0 : write_some(c, bytes.p, bytes.n);

	if (c->dead || done == bytes.n)
		return;
	if (buf_add(&c->out, bytes.p + done, bytes.n - done) < 0) {
		conn_abort(c);
		return;
	}
	c->want_write = true;
	set_want(c);
}

/* The buffer is every connection's: nothing may stay in it, whatever became of this one. */
static void send_cipher(struct conn *c)
{
	struct buf *b = &c->pool->cipher;

	if (b->n && !c->dead)
		write_out(c, buf_str(b));
	buf_clear(b);
	if (b->cap > 256 * 1024)
		buf_release(b);
}

static void finish_close(struct conn *c)
{
	if (!c->closing || c->dead || c->out.n || c->plain.n)
		return;
	if (c->ssl && !c->said_goodbye && SSL_is_init_finished(c->ssl)) {
		c->said_goodbye = true;
		ERR_clear_error();
		SSL_shutdown(c->ssl);
		send_cipher(c);
		if (c->dead || c->out.n)
			return;
	}
	loop_io_shutdown(c->io);
}

static void flush(struct conn *c)
{
	if (c->dead || c->out.n || c->plain.n == 0)
		return;
	if (!c->ssl) {
		write_out(c, buf_str(&c->plain));
		buf_release(&c->plain);
		return;
	}
	if (!SSL_is_init_finished(c->ssl))
		return;
	ERR_clear_error();
	if (SSL_write(c->ssl, c->plain.p, (int)c->plain.n) <= 0)
		conn_abort(c);
	send_cipher(c);
	buf_release(&c->plain);
}

static void sent(struct conn *c)
{
	finish_close(c);
	if (c->ops->drained && !c->dead && !c->closing && conn_unsent(c) == 0)
		c->ops->drained(c->ctx);
}

static void on_flush(struct loop_item *item)
{
	struct conn *c = LIST_ITEM(item, struct conn, flush);

	flush(c);
	sent(c);
}

int conn_send(struct conn *c, struct str bytes)
{
	CHECK_OBJ(c, CONN_MAGIC);
	if (c->dead || c->closing)
		return ERR_EOF;
	if (conn_unsent(c) + bytes.n > LIMIT_SEND_BYTES)
		return ERR_LIMIT;
	if (buf_str_add(&c->plain, bytes) < 0)
		return ERR_NOMEM;
	loop_defer(c->pool->loop, &c->flush);
	return 0;
}

int conn_send_now(struct conn *c, struct str bytes)
{
	CHECK_OBJ(c, CONN_MAGIC);
	if (c->dead || c->closing)
		return ERR_EOF;
	if (!c->ssl || !SSL_is_init_finished(c->ssl) || conn_unsent(c) || bytes.n == 0 || bytes.n > LIMIT_SEND_BYTES)
		return conn_send(c, bytes);
	ERR_clear_error();
	if (SSL_write(c->ssl, bytes.p, (int)bytes.n) <= 0)
		conn_abort(c);
	send_cipher(c);
	if (c->dead)
		return ERR_EOF;
	loop_defer(c->pool->loop, &c->flush);
	return 0;
}

size_t conn_unsent(const struct conn *c)
{
	return c->plain.n + c->out.n - c->out_at;
}

size_t conn_undelivered(const struct conn *c)
{
	int in_kernel = 0;

	if (c->dead || ioctl(loop_io_fd(c->io), SIOCOUTQ, &in_kernel) < 0 || in_kernel < 0)
		in_kernel = 0;
	return conn_unsent(c) + (size_t)in_kernel;
}

static void on_writable(struct conn *c)
{
	c->out_at += write_some(c, c->out.p + c->out_at, c->out.n - c->out_at);
	if (c->dead || c->out_at < c->out.n)
		return;
	buf_release(&c->out);
	c->out_at = 0;
	c->want_write = false;
	set_want(c);
	flush(c);
	sent(c);
}

/* --- in -------------------------------------------------------------------------------------------------------- */

static void give(struct conn *c, const char *p, size_t n)
{
	if (!c->closing && !c->dead)
		c->ops->data(c->ctx, str_make(p, n));
}

/* OpenSSL's queue of errors is the thread's: what another connection left there would end this one. */
static int tls_error(struct conn *c, int r)
{
	int e = SSL_get_error(c->ssl, r);

	ERR_clear_error();
	return e;
}

static void handshake(struct conn *c)
{
	int r, e;

	ERR_clear_error();
	r = SSL_do_handshake(c->ssl);
	e = tls_error(c, r);
	send_cipher(c);
	if (c->dead)
		return;
	if (r == 1) {
		c->secured = true;
		if (c->ops->secured && !c->closing)
			c->ops->secured(c->ctx);
		if (!c->dead)
			loop_defer(c->pool->loop, &c->flush);
	} else if (e != SSL_ERROR_WANT_READ) {
		conn_abort(c);
	}
}

/* One record. False: no more for now. */
static bool decrypt_one(struct conn *c)
{
	int n, e;

	ERR_clear_error();
	n = SSL_read(c->ssl, c->pool->plain, PLAIN_BYTES);
	e = n > 0 ? SSL_ERROR_NONE : tls_error(c, n);
	send_cipher(c);		/* answers of TLS itself: KeyUpdate, alerts */
	if (c->dead)
		return false;
	if (tls_is_flooding(c->ssl)) {
		conn_abort(c);
		return false;
	}
	if (n > 0) {
		give(c, c->pool->plain, (size_t)n);
		return !c->dead;
	}
	if (e == SSL_ERROR_ZERO_RETURN && !c->closing)
		conn_close(c);
	else if (e != SSL_ERROR_WANT_READ)
		conn_abort(c);
	return false;
}

static void decrypt(struct conn *c)
{
	if (!c->secured)
		handshake(c);
	while (c->secured && !c->dead && decrypt_one(c))
		;
}

static void on_fed(void *ctx)
{
	struct conn *c = ctx;

	c->starved = false;
	set_want(c);
}

/* False: the bucket is empty; reading goes on when it has filled for a tenth of a second. */
static bool take_bytes(struct conn *c, size_t n)
{
	uint64_t now;

	if (!c->rate)
		return true;
	now = loop_now_ms(c->pool->loop);
	c->tokens += (int64_t)((now - c->rate_at_ms) * c->rate / 1000);
	c->rate_at_ms = now;
	if (c->tokens > (int64_t)c->rate * 2)
		c->tokens = (int64_t)c->rate * 2;
	c->tokens -= (int64_t)n;
	if (c->tokens > 0 || c->closing || c->dead)
		return true;
	c->starved = true;
	set_want(c);
	loop_timer_set(c->pool->loop, &c->timer, (uint64_t)-c->tokens * 1000 / c->rate + 100, on_fed, c);
	return false;
}

static bool sniff(struct conn *c);

static void on_readable(struct conn *c)
{
	for (int i = 0; i < READS_PER_TURN; i++) {
		int n = loop_io_read(c->io, c->pool->in, IN_BYTES);

		if (n == ERR_AGAIN)
			return;
		if (n <= 0) {
			conn_abort(c);
			return;
		}
		if (c->sniff && !sniff(c))
			return;
		if (c->ssl) {
			c->in = c->pool->in;
			c->in_n = (size_t)n;
			decrypt(c);
			if (c->dead)
				return;
			c->in_n = 0;
		} else {
			give(c, c->pool->in, (size_t)n);
		}
		if (c->dead || !take_bytes(c, (size_t)n) || n < IN_BYTES || c->paused)
			return;
	}
}

static void on_ready(void *ctx, bool readable, bool writable)
{
	struct conn *c = ctx;

	CHECK_OBJ(c, CONN_MAGIC);
	if (writable && !c->dead)
		on_writable(c);
	if (readable && !c->dead)
		on_readable(c);
}

int conn_accept(struct conn_pool *pool, int fd, struct tls_ctx *tls, const struct conn_ops *ops, void *ctx,
		struct conn **ret)
{
	struct conn *c = calloc(1, sizeof(*c));
	int r;

	if (!c) {
		close(fd);
		return ERR_NOMEM;
	}
	c->magic = CONN_MAGIC;
	c->pool = pool;
	c->ops = ops;
	c->ctx = ctx;
	list_init(&c->flush.node);
	list_init(&c->gone.node);
	c->flush.fn = on_flush;
	c->gone.fn = on_gone;
	buf_init(&c->plain, LIMIT_SEND_BYTES);
	buf_init(&c->out, LIMIT_SEND_BYTES * 3);
	r = tls ? attach_tls(c, tls, NULL) : 0;
	if (r == 0)
		r = loop_io_open(pool->loop, fd, on_ready, c, &c->io);
	if (r < 0) {
		SSL_free(c->ssl);
		close(fd);
		free(c);
		return r;
	}
	loop_io_want(c->io, true, false);
	*ret = c;
	return 0;
}

void conn_pause(struct conn *c, bool pause)
{
	CHECK_OBJ(c, CONN_MAGIC);
	if (c->dead || c->paused == pause)
		return;
	c->paused = pause && !c->closing;
	set_want(c);
}

static int start_tls(struct conn *c, struct tls_ctx *tls, const char *host)
{
	CHECK_OBJ(c, CONN_MAGIC);
	CHECK(!c->ssl);
	if (!c->dead && c->plain.n)
		write_out(c, buf_str(&c->plain));	/* in plain, even if the socket is full */
	buf_release(&c->plain);
	if (c->dead)
		return ERR_EOF;
	return attach_tls(c, tls, host);
}

int conn_starttls(struct conn *c, struct tls_ctx *tls)
{
	return start_tls(c, tls, NULL);
}

int conn_starttls_to(struct conn *c, struct tls_ctx *tls, const char *host)
{
	int r = start_tls(c, tls, host);

	if (r < 0)
		return r;
	c->in_n = 0;
	handshake(c);
	return c->dead ? ERR_EOF : 0;
}

void conn_sniff(struct conn *c, struct tls_ctx *tls)
{
	CHECK_OBJ(c, CONN_MAGIC);
	c->sniff = tls_ctx_ref(tls);
}

/* A TLS record of type handshake begins with 22, XML with '<' or white space. */
static bool sniff(struct conn *c)
{
	int r = c->pool->in[0] == 22 ? attach_tls(c, c->sniff, NULL) : 0;

	tls_ctx_unref(&c->sniff);
	if (r < 0)
		conn_abort(c);
	return r == 0;
}

void conn_set_rate(struct conn *c, uint64_t bytes_per_s)
{
	c->rate = bytes_per_s;
	c->rate_at_ms = loop_now_ms(c->pool->loop);
	c->tokens = (int64_t)bytes_per_s * 2;
}

void conn_close(struct conn *c)
{
	CHECK_OBJ(c, CONN_MAGIC);
	if (c->dead || c->closing)
		return;
	c->closing = true;
	c->paused = false;
	c->starved = false;
	set_want(c);
	loop_timer_set(c->pool->loop, &c->timer, CONN_CLOSE_MS, on_close_late, c);
	loop_defer(c->pool->loop, &c->flush);
}

SSL *conn_ssl(const struct conn *c)
{
	return c->ssl;
}
