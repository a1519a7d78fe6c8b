/* The door must give the same elements and the same fault however a stream is cut. The first byte chooses the cuts. */
#include <stdlib.h>

#include "base/buf.h"
#include "base/check.h"
#include "base/limits.h"
#include "xmpp/ns.h"
#include "xmpp/wire.h"
#include "xmpp/xml.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

#define HEAD "<stream:stream xmlns='jabber:client' xmlns:stream='" NS_STREAM "' xmlns:p='urn:p'>"
#define MAX_STANZA 2048

struct seen {
	struct buf out;
	struct xml *x;
	unsigned n;
};

static int on_open(void *ctx, const struct node *header)
{
	struct seen *s = ctx;

	CHECK(node_is(header, NS_STREAM, "stream"));
	return buf_add(&s->out, "{h}", 3);
}

static int on_stanza(void *ctx, struct arena **a, struct node *n)
{
	struct seen *s = ctx;

	(void)a;
	if (node_is(n, NS_CLIENT, "r"))
		xml_reset(s->x);
	if (node_is(n, NS_CLIENT, "s"))
		return ERR_BUSY;
	buf_char(&s->out, '\n');
	return wire_write(&s->out, n, STR(NS_CLIENT));
}

static int on_close(void *ctx)
{
	struct seen *s = ctx;

	return buf_add(&s->out, "{c}", 3);
}

static void run(struct seen *s, struct xml_pool *pool, struct str bytes, uint8_t cuts, bool with_head)
{
	static const struct xml_sink sink = { .open = on_open, .stanza = on_stanza, .close = on_close };
	uint32_t state = cuts;
	const struct xml_fault *f;
	int r = 0;

	*s = (struct seen){ 0 };
	buf_init(&s->out, 16 << 20);
	s->x = xml_new(pool, &sink, s, MAX_STANZA, 1 << 20);
	CHECK(s->x);
	if (with_head)
		r = xml_feed(s->x, STR(HEAD));
	while (r == 0 && bytes.n) {
		size_t k = bytes.n;
		char *copy;

		if (cuts) {
			state = state * 1103515245 + 12345;
			k = cuts == 1 ? 1 : (state >> 16) % (cuts * 2u) + 1;
		}
		k = k < bytes.n ? k : bytes.n;
		copy = malloc(k);
		CHECK(copy);
		memcpy(copy, bytes.p, k);
		r = xml_feed(s->x, str_make(copy, k));
		free(copy);
		bytes = str_cut(bytes, k);
		if (cuts & 2)
			xml_idle(s->x);
	}
	f = xml_fault(s->x);
	CHECK(!f || r < 0);
	buf_printf(&s->out, "[%d %s %d]", r, f ? f->condition : "", f && f->too_big);
	CHECK(!s->out.failed);
	xml_free(&s->x);
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct xml_pool *pool = xml_pool_new(2);
	struct seen whole, cut;
	struct str bytes;
	bool head;

	if (n > 0) {
		head = (p[0] & 128) != 0;
		bytes = str_make((const char *)p + 1, n - 1);
		run(&whole, pool, bytes, 0, head);
		run(&cut, pool, bytes, (p[0] & 127) | 1, head);
		CHECK(str_eq(buf_str(&whole.out), buf_str(&cut.out)));
		buf_release(&cut.out);
		run(&cut, NULL, bytes, 1, head);
		CHECK(str_eq(buf_str(&whole.out), buf_str(&cut.out)));
		buf_release(&cut.out);
		buf_release(&whole.out);
	}
	xml_pool_free(&pool);
	return 0;
}
