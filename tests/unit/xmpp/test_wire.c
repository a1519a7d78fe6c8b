/* Trees, their bytes, and what RFC 6120 section 8 makes of them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>
#include <time.h>

#include "base/check.h"
#include "base/limits.h"
#include "base/rand.h"
#include "base/utf8.h"
#include "xmpp/ns.h"
#include "xmpp/stanza.h"
#include "xmpp/wire.h"
#include "xmpp/xml.h"

static const char *written(struct arena *a, const struct node *n, const char *scope)
{
	struct buf b;
	const char *z;

	buf_init(&b, 1 << 20);
	assert_int_equal(wire_write(&b, n, str_of(scope)), 0);
	z = arena_dup(a, b.p, b.n);
	buf_release(&b);
	return z;
}

static struct node *parsed(struct arena *a, const char *xml)
{
	struct node *n = NULL;

	assert_int_equal(wire_parse(a, str_of(xml), &n), 0);
	return n;
}

static void declarations_are_written_where_they_change(void **state)
{
	struct arena *a = arena_new(1 << 16);
	struct node *m = node_new(a, NS_CLIENT, "message"), *f;

	(void)state;
	assert_string_equal(written(a, m, NS_CLIENT), "<message/>");
	assert_string_equal(written(a, m, ""), "<message xmlns='jabber:client'/>");
	f = node_add(a, m, NS_FORWARD, "forwarded");
	assert_non_null(node_add_leaf(a, node_add(a, f, NS_CLIENT, "message"), NS_CLIENT, "body", STR("a<b")));
	assert_string_equal(written(a, m, NS_CLIENT), "<message><forwarded xmlns='urn:xmpp:forward:0'>"
			    "<message xmlns='jabber:client'><body>a&lt;b</body></message></forwarded></message>");
	arena_free(&a);
}

static void attributes_survive_white_space_and_quotes(void **state)
{
	struct arena *a = arena_new(1 << 16);
	struct node *n = node_new(a, NS_CLIENT, "iq"), *back;

	(void)state;
	assert_int_equal(node_set_attr(a, n, "id", STR("\t\n\r<>&'\"\xc3\xa9")), 0);
	assert_int_equal(node_add_text(a, n, STR("a\r\nb\t<>&'\"]]>")), 0);
	back = parsed(a, written(a, n, NS_CLIENT));
	assert_true(node_equal(n, back));
	arena_free(&a);
}

static void a_full_buffer_is_left_as_it_was(void **state)
{
	struct arena *a = arena_new(1 << 16);
	struct buf b;

	(void)state;
	buf_init(&b, 12);
	assert_int_equal(buf_add(&b, "abc", 3), 0);
	assert_true(wire_write(&b, parsed(a, "<message><body>too long</body></message>"), STR(NS_CLIENT)) < 0);
	assert_int_equal(b.n, 3);
	buf_release(&b);
	arena_free(&a);
}

static void only_one_whole_element_is_read(void **state)
{
	static const char *const bad[] = { "", " ", "<a>", "<a/><b/>", "<a/>x", "x<a/>", "<a/></stream:stream>", "<a/><", "<a>&b;</a>",
					   "<!--x--><a/>", "<a/><!--x-->", "<a>\xff</a>", "<p:a/>", "<?xml version='1.0'?><a/>" };
	struct arena *a = arena_new(1 << 16);
	struct node *n = (struct node *)a;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		if (wire_parse(a, str_of(bad[i]), &n) == 0)
			fail_msg("'%s' was read", bad[i]);
		assert_ptr_equal(n, a);
	}
	n = parsed(a, " <a xmlns='urn:x'><b/></a> ");
	assert_true(node_is(n, "urn:x", "a"));
	arena_free(&a);
}

static void a_small_arena_is_an_error(void **state)
{
	(void)state;
	for (size_t cap = 16; cap < 4096; cap += 48) {
		struct arena *a = arena_new(cap);
		struct node *n, *copy;

		if (wire_parse(a, STR("<message to='a@b' xml:lang='x'><body>hello</body><x xmlns='urn:y' z='1'/></message>"), &n) == 0) {
			copy = node_dup(a, n);
			if (copy)
				assert_true(node_equal(n, copy));
			stanza_error(a, n, ERR_FORBIDDEN, "no");
		}
		arena_free(&a);
	}
}

static void stored_stanzas_at_a_limit_can_be_read_with_what_was_added(void **state)
{
	struct arena *a = arena_new(8 << 20);
	struct node *m = node_new(a, NS_CLIENT, "message"), *n;

	(void)state;
	for (unsigned i = 1; i < LIMIT_XML_NODES; i++)
		assert_non_null(node_add(a, m, NS_CLIENT, "a"));
	assert_non_null(node_add(a, m, NS_SID, "stanza-id"));
	assert_non_null(node_add(a, m, NS_DELAY, "delay"));
	n = parsed(a, written(a, m, NS_CLIENT));
	assert_true(node_equal(m, n));
	arena_free(&a);
}

/* A random tree of everything that may stand in one. */
static struct str random_text(struct arena *a)
{
	static const uint32_t some[] = { 'a', 'b', ' ', '\n', '\t', '\r', '<', '>', '&', '\'', '"', ']', 0xe9, 0x20ac, 0x1f600, 0x202e };
	char bytes[64];
	size_t n = 0;

	for (uint64_t k = rand_below(12); k > 0; k--)
		n += utf8_put(some[rand_below(ARRAY_SIZE(some))], bytes + n);
	return arena_str(a, str_make(bytes, n));
}

static struct node *random_tree(struct arena *a)
{
	static const char *const spaces[] = { NS_CLIENT, "urn:x", "urn:y&'<\"", "", NS_XML };
	static const char *const names[] = { "a", "body", "x-1", "\xc3\xa9" };
	static const char *const attrs[] = { "id", "to", "xml:lang", "q" };
	struct node *top = node_new(a, spaces[rand_below(3)], names[rand_below(4)]), *at = top;

	for (uint64_t k = rand_below(20); k > 0; k--) {
		switch (rand_below(5)) {
		case 0:
			if (at->parent)
				at = at->parent;
			break;
		case 1:
			if (!at->last || !node_is_text(at->last))
				assert_int_equal(node_add_text(a, at, random_text(a)), 0);
			break;
		case 2:
			assert_int_equal(node_set_attr(a, at, attrs[rand_below(4)], random_text(a)), 0);
			break;
		case 3:
			if (!at->attrs || at->attrs->ns.n == 0) {
				struct attr *f = arena_alloc(a, sizeof(*f));

				*f = (struct attr){ .name = STR("f"), .ns = str_of(spaces[rand_below(3)]), .value = random_text(a),
						    .next = at->attrs };
				at->attrs = f;
			}
			break;
		default:
			at = node_add(a, at, spaces[rand_below(5)], names[rand_below(4)]);
		}
	}
	return top;
}

static void every_tree_comes_back_the_same(void **state)
{
	uint64_t seed = rand_u64() | 1;

	(void)state;
	rand_simulate(seed);
	for (unsigned i = 0; i < 20000; i++) {
		struct arena *a = arena_new(1 << 20);
		struct node *n = random_tree(a), *back = NULL, *copy = node_dup(a, n);
		const char *z = written(a, n, NS_CLIENT);

		assert_true(node_equal(n, copy));
		if (wire_parse(a, str_of(z), &back) < 0 || !node_equal(n, back) || strcmp(written(a, back, NS_CLIENT), z) != 0)
			fail_msg("seed %llu, tree %u: %s", (unsigned long long)seed, i, z);
		arena_free(&a);
	}
	rand_simulate(0);
}

static void children_are_found_and_removed(void **state)
{
	struct arena *a = arena_new(1 << 16);
	struct node *n = parsed(a, "<message>t<a/>u<b xmlns='urn:x'>v<c>w</c></b><a i='2'/></message>"), *x;

	(void)state;
	x = node_child(n, NS_CLIENT, "a");
	assert_non_null(x);
	assert_string_equal(node_attr(node_child_next(x, NS_CLIENT, "a"), "i").p, "2");
	assert_null(node_child(n, NS_CLIENT, "b"));
	assert_ptr_equal(node_first_element(n), x);
	assert_true(node_is(node_next_element(x), "urn:x", "b"));
	assert_true(str_is(node_text(a, n), "tu"));
	assert_true(str_is(node_deep_text(a, n), "tuvw"));
	node_remove(x);
	assert_null(x->parent);
	node_remove(node_child(n, NS_CLIENT, "a"));
	assert_string_equal(written(a, n, NS_CLIENT), "<message>tu<b xmlns='urn:x'>v<c>w</c></b></message>");
	node_append(n, x);
	node_remove(n->first);
	assert_string_equal(written(a, n, NS_CLIENT), "<message>u<b xmlns='urn:x'>v<c>w</c></b><a/></message>");
	node_drop_attr(n, "none");
	assert_int_equal(node_set_attr(a, n, "xml:lang", STR("de")), 0);
	assert_true(node_has_attr(n, "xml:lang"));
	assert_int_equal(node_set_attr(a, n, "xml:lang", STR("fr")), 0);
	assert_true(str_is(node_attr(n, "xml:lang"), "fr"));
	node_drop_attr(n, "xml:lang");
	assert_false(node_has_attr(n, "xml:lang"));
	arena_free(&a);
}

static void foreign_attributes_are_not_ours(void **state)
{
	struct arena *a = arena_new(1 << 16);
	struct node *n = parsed(a, "<iq xmlns:p='urn:p' p:type='set' id='1'/>");

	(void)state;
	assert_false(node_has_attr(n, "type"));
	assert_true(node_has_attr(n, "id"));
	arena_free(&a);
}

static void errors_have_the_shape_of_rfc_6120(void **state)
{
	struct arena *a = arena_new(1 << 16);
	struct node *iq = parsed(a, "<iq type='get' id='7' from='a@x/r' to='b@x'><q xmlns='urn:q'/></iq>");

	(void)state;
	assert_string_equal(written(a, stanza_reply(a, iq), NS_CLIENT), "<iq from='b@x' to='a@x/r' id='7' type='result'/>");
	assert_string_equal(written(a, stanza_error(a, iq, ERR_JID, "bad & wrong"), NS_CLIENT),
			    "<iq from='b@x' to='a@x/r' id='7' type='error'><error type='modify' code='400'>"
			    "<jid-malformed xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/>"
			    "<text xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'>bad &amp; wrong</text></error></iq>");
	assert_string_equal(written(a, stanza_error_cond(a, iq, "cancel", "not-acceptable", node_new(a, NS_BLOCKING_ERRORS, "blocked")),
				    NS_CLIENT),
			    "<iq from='b@x' to='a@x/r' id='7' type='error'><error type='cancel' code='406'>"
			    "<not-acceptable xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/>"
			    "<blocked xmlns='urn:xmpp:blocking:errors'/></error></iq>");
	assert_null(stanza_error(a, parsed(a, "<message type='error'/>"), ERR_FORBIDDEN, NULL));
	assert_int_equal(stanza_kind(parsed(a, "<message/>")), STANZA_MESSAGE);
	assert_int_equal(stanza_kind(parsed(a, "<presence/>")), STANZA_PRESENCE);
	assert_int_equal(stanza_kind(iq), STANZA_IQ);
	assert_int_equal(stanza_kind(parsed(a, "<foo/>")), STANZA_OTHER);
	assert_int_equal(stanza_kind(parsed(a, "<message xmlns='urn:x'/>")), STANZA_OTHER);
	arena_free(&a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(declarations_are_written_where_they_change),
		cmocka_unit_test(attributes_survive_white_space_and_quotes),
		cmocka_unit_test(a_full_buffer_is_left_as_it_was),
		cmocka_unit_test(only_one_whole_element_is_read),
		cmocka_unit_test(a_small_arena_is_an_error),
		cmocka_unit_test(stored_stanzas_at_a_limit_can_be_read_with_what_was_added),
		cmocka_unit_test(every_tree_comes_back_the_same),
		cmocka_unit_test(children_are_found_and_removed),
		cmocka_unit_test(foreign_attributes_are_not_ours),
		cmocka_unit_test(errors_have_the_shape_of_rfc_6120),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
