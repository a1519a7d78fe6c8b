/* What the door lets pass comes back from its bytes the same, and can be copied, answered and refused. */
#include "base/buf.h"
#include "base/check.h"
#include "base/limits.h"
#include "xmpp/ns.h"
#include "xmpp/stanza.h"
#include "xmpp/wire.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static void round_trip(struct arena *a, const struct node *n, const char *scope)
{
	struct buf b, again;
	struct node *back = NULL;

	buf_init(&b, 16 << 20);
	buf_init(&again, 16 << 20);
	CHECK(wire_write(&b, n, str_of(scope)) == 0);
	CHECK(wire_parse(a, buf_str(&b), &back) == 0);
	CHECK(node_equal(n, back));
	CHECK(wire_write(&again, back, str_of(scope)) == 0);
	CHECK(str_eq(buf_str(&b), buf_str(&again)));
	buf_release(&b);
	buf_release(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct arena *a = arena_new(64 << 20);
	struct node *s = NULL, *copy, *reply;

	CHECK(a);
	if (wire_parse(a, str_make((const char *)p, n), &s) == 0) {
		round_trip(a, s, NS_CLIENT);
		if (!str_is(s->ns, "urn:elsewhere"))		/* then it would rightly not be declared */
			round_trip(a, s, "urn:elsewhere");
		copy = node_dup(a, s);
		CHECK(copy && node_equal(s, copy));
		reply = stanza_error(a, s, ERR_BAD_REQUEST, "no");
		CHECK(!reply == str_is(node_attr(s, "type"), "error"));
		if (reply)
			round_trip(a, reply, NS_CLIENT);
		reply = stanza_reply(a, s);
		CHECK(reply);
		round_trip(a, reply, NS_CLIENT);
		CHECK(node_deep_text(a, s).n <= n);
		for (struct node *c = s->first, *next; c; c = next) {
			next = c->next;
			node_remove(c);
		}
		CHECK(!s->first && !s->last);
	}
	arena_free(&a);
	return 0;
}
