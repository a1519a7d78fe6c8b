/* security-tests.md B-I as a table: every input whole, byte by byte and at random cuts must end the same way. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>
#include <malloc.h>
#include <time.h>

#include "base/buf.h"
#include "base/check.h"
#include "base/limits.h"
#include "base/rand.h"
#include "xmpp/ns.h"
#include "xmpp/wire.h"
#include "xmpp/xml.h"

#define HEAD "<stream:stream to='a.test' xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' version='1.0'>"
#define S16 "aaaaaaaaaaaaaaaa"

/* What came out of the door, as text: "{h}" for the header, each stanza written again, "{c}" for the end. */
struct seen {
	struct buf out;
	struct xml *x;
	int stop_at, n, reset_at, free_at;
	bool take, read_stored, idle;
	struct arena *taken;
	size_t parsers_seen;
};

static int on_open(void *ctx, const struct node *header)
{
	struct seen *s = ctx;

	assert_true(node_is(header, NS_STREAM, "stream"));
	assert_int_equal(buf_add(&s->out, "{h}", 3), 0);
	return 0;
}

static int on_stanza(void *ctx, struct arena **a, struct node *n)
{
	struct seen *s = ctx;

	assert_int_equal(wire_write(&s->out, n, STR(NS_CLIENT)), 0);
	s->n++;
	if (s->take) {
		arena_free(&s->taken);
		s->taken = *a;
		*a = NULL;
	}
	if (s->read_stored) {
		struct node *stored;

		assert_int_equal(wire_parse(*a, STR("<message><body>x</body></message>"), &stored), 0);
	}
	if (s->idle)
		xml_idle(s->x);
	if (s->n == s->reset_at)
		xml_reset(s->x);
	if (s->n == s->free_at)
		xml_free(&s->x);
	return s->n == s->stop_at ? ERR_BUSY : 0;
}

static int on_close(void *ctx)
{
	struct seen *s = ctx;

	assert_int_equal(buf_add(&s->out, "{c}", 3), 0);
	return 0;
}

static const struct xml_sink sink = { .open = on_open, .stanza = on_stanza, .close = on_close };

/* step 1: byte by byte; 0: whole; else random pieces of at most step. */
static int feed_all(struct xml *x, struct str s, size_t step)
{
	int r = 0;

	while (s.n && r == 0) {
		size_t n = step == 0 ? s.n : step == 1 ? 1 : rand_below(step) + 1;

		if (n > s.n)
			n = s.n;
		/* An exact copy, so that a sanitizer sees reads behind it. */
		char *p = malloc(n);

		memcpy(p, s.p, n);
		r = xml_feed(x, str_make(p, n));
		free(p);
		s = str_cut(s, n);
	}
	return r;
}

struct outcome {
	char *out;
	const char *condition;
	bool too_big;
	int r;
};

static struct outcome run(struct str bytes, size_t step, size_t max, struct xml_pool *pool)
{
	struct seen s = { 0 };
	struct outcome o;
	const struct xml_fault *f;

	buf_init(&s.out, 16 * 1024 * 1024);
	s.x = xml_new(pool, &sink, &s, max, 8 * 1024 * 1024);
	assert_non_null(s.x);
	o.r = feed_all(s.x, bytes, step);
	f = xml_fault(s.x);
	o.condition = f ? f->condition : NULL;
	o.too_big = f && f->too_big;
	if (f) {
		assert_true(o.r < 0);
		assert_non_null(f->text);
		assert_int_equal(xml_feed(s.x, STR("<message/>")), o.r);
	}
	xml_free(&s.x);
	assert_int_equal(buf_char(&s.out, 0), 0);
	o.out = s.out.p;
	return o;
}

static void expect(const char *name, struct str bytes, const char *out, const char *condition, size_t max)
{
	static const size_t steps[] = { 0, 1, 3, 7, 40 };
	struct xml_pool *pool = xml_pool_new(4);

	for (size_t i = 0; i < ARRAY_SIZE(steps) * 2; i++) {
		struct outcome o = run(bytes, steps[i / 2], max, i & 1 ? pool : NULL);

		if ((condition ? !o.condition || strcmp(condition, o.condition) != 0 : o.condition != NULL) ||
		    (out && strcmp(out, o.out) != 0))
			fail_msg("%s, cut %zu: '%s' [%s], not '%s' [%s]", name, steps[i / 2], o.out,
				 o.condition ? o.condition : "none", out ? out : "", condition ? condition : "none");
		free(o.out);
	}
	xml_pool_free(&pool);
}

struct row {
	const char *name;
	struct str in;
	const char *out, *condition;	/* NULL: no fault */
};

#define R(name, in, out, condition) { name, { "" in, sizeof(in) - 1 }, out, condition }
#define IN(name, in, out, condition) R(name, HEAD in, "{h}" out, condition)
#define NWF "not-well-formed"

static const struct row rows[] = {
	IN("fine", "<message to='b'><body>hi</body></message></stream:stream>", "<message to='b'><body>hi</body></message>{c}", NULL),
	/* 1 to 4 */
	R("1 doctype", "<!DOCTYPE stream>" HEAD, "", "restricted-xml"),
	R("1 doctype after the declaration", "<?xml version='1.0'?>\n<!DOCTYPE stream [", "", "restricted-xml"),
	R("1 malformed doctype", "<!DOCT<<<", "", "restricted-xml"),
	IN("1 doctype inside", "<message/><!DOCTYPE x>", "<message/>", "restricted-xml"),
	R("2 laughs", "<!DOCTYPE l [<!ENTITY a 'ha'><!ENTITY b '&a;&a;&a;&a;&a;'>]><l>&b;</l>", "", "restricted-xml"),
	R("3 external", "<?xml version='1.0'?><!DOCTYPE l SYSTEM 'file:///etc/passwd'>", "", "restricted-xml"),
	R("3 parameter", "<!DOCTYPE l [<!ENTITY % p SYSTEM 'http://x.test/'>%p;]>", "", "restricted-xml"),
	IN("4 entity", "<message><body>&foo;</body></message>", "", "restricted-xml"),
	IN("4 entity in an attribute", "<message to='&foo;'/>", "", "restricted-xml"),
	IN("4 the five", "<message to='&lt;&amp;'><body>&lt;&gt;&amp;&apos;&quot;&#65;</body></message>",
	   "<message to='&lt;&amp;'><body>&lt;&gt;&amp;&apos;&quot;A</body></message>", NULL),
	/* 6 to 8 */
	R("6 comment before", "<!-- a -->" HEAD, "", "restricted-xml"),
	IN("6 comment between", "<message/><!-- a -->", "<message/>", "restricted-xml"),
	IN("6 comment inside", "<message><!-- a --></message>", "", "restricted-xml"),
	R("7 instruction before", "<?php x?>" HEAD, "", "restricted-xml"),
	IN("7 instruction inside", "<message><?a b?></message>", "", "restricted-xml"),
	IN("8 cdata", "<message><body>a<![CDATA[<b>&c;]]>d</body></message>",
	   "<message><body>a&lt;b&gt;&amp;c;d</body></message>", NULL),
	/* 9 to 11 */
	IN("9 0", "<message><body>&#0;</body></message>", "", NWF),
	IN("9 1", "<message><body>&#x1;</body></message>", "", NWF),
	IN("9 surrogate", "<message><body>&#xD800;</body></message>", "", NWF),
	IN("9 fffe", "<message><body>&#xFFFE;</body></message>", "", NWF),
	IN("9 ffff in an attribute", "<message a='&#xFFFF;'/>", "", NWF),
	IN("9 110000", "<message><body>&#x110000;</body></message>", "", NWF),
	IN("10 nul", "<message><body>\0</body></message>", "", NWF),
	IN("10 0b", "<message><body>\x0b</body></message>", "", NWF),
	IN("10 fffe", "<message><body>\xef\xbf\xbe</body></message>", "", NWF),
	IN("10 ffff", "<message><body>\xef\xbf\xbf</body></message>", "", NWF),
	IN("11 c080", "<message/><message><body>\xc0\x80</body></message>", "<message/>", NWF),
	IN("11 e080af", "<message><body>\xe0\x80\xaf</body></message>", "", NWF),
	IN("11 surrogate", "<message><body>\xed\xa0\x80</body></message>", "", NWF),
	IN("11 f4908080", "<message><body>\xf4\x90\x80\x80</body></message>", "", NWF),
	IN("11 truncated", "<message><body>\xe2\x82</body></message>", "", NWF),
	IN("11 lone", "<message><body>\x80</body></message>", "", NWF),
	IN("11 attribute", "<message a='\xc0\x80'/>", "", NWF),
	IN("11 name", "<mess\xc0\x80/>", "", NWF),
	IN("11 well after", "<message><body>\xe2\x82\xac\xf0\x9f\x98\x80</body></message>",
	   "<message><body>\xe2\x82\xac\xf0\x9f\x98\x80</body></message>", NULL),
	/* 12, 13 */
	R("12 latin", "<?xml version='1.0' encoding='ISO-8859-1'?>" HEAD, "", "unsupported-encoding"),
	R("12 utf-16 said", "<?xml version='1.0' encoding='UTF-16'?>" HEAD, "", "unsupported-encoding"),
	R("12 unknown", "<?xml version='1.0' encoding='X-None'?>" HEAD, "", "unsupported-encoding"),
	R("12 utf-16 be", "\xfe\xff\0<\0s", "", "unsupported-encoding"),
	R("12 utf-16 le", "\xff\xfe<\0s\0", "", "unsupported-encoding"),
	R("12 utf-16 le without mark", "<\0s\0", "", "unsupported-encoding"),
	R("12 utf-16 be without mark", "\0<\0s", "", "unsupported-encoding"),
	R("12 utf-8", "<?xml version='1.0' encoding='utf-8'?>" HEAD, "{h}", NULL),
	R("12 byte order mark", "\xef\xbb\xbf<?xml version='1.0'?>" HEAD, "{h}", NULL),
	R("13 1.1", "<?xml version='1.1'?>" HEAD, "", NWF),
	R("13 standalone", "<?xml version='1.0' standalone='yes'?>" HEAD "<iq/>", "{h}<iq/>", NULL),
	R("13 space before", " <?xml version='1.0'?>" HEAD, "", NWF),
	R("13 second", "<?xml version='1.0'?><?xml version='1.0'?>" HEAD, "", NWF),
	/* 14 to 16 */
	IN("14 mismatch", "<message><body></message>", "", NWF),
	IN("14 unopened", "</message>", "", NWF),
	IN("14 unquoted", "<message a=b/>", "", NWF),
	IN("14 valueless", "<message a/>", "", NWF),
	IN("14 less in an attribute", "<message a='<'/>", "", NWF),
	IN("14 ]]>", "<message><body>]]></body></message>", "", NWF),
	IN("14 no space", "<message a='b'c='d'/>", "", NWF),
	IN("15 twice", "<message a='1' a='2'/>", "", NWF),
	IN("15 twice by prefixes", "<message xmlns:p='u:x' xmlns:q='u:x' p:a='1' q:a='2'/>", "", NWF),
	IN("16 unbound element", "<p:message/>", "", NWF),
	IN("16 unbound attribute", "<message p:a='1'/>", "", NWF),
	IN("16 undeclared", "<message xmlns:p=''/>", "", NWF),
	IN("16 xml rebound", "<message xmlns:xml='urn:x'/>", "", NWF),
	IN("16 xmlns rebound", "<message xmlns:xmlns='urn:x'/>", "", NWF),
	R("16 stream unbound", "<stream:stream xmlns='jabber:client'>", "", "bad-namespace-prefix"),
	/* 17 */
	IN("17 mark between", "<message/>\xef\xbb\xbf<message/>", "<message/>", "bad-format"),
	IN("17 text between", "<message/> x <message/>", "<message/>", "bad-format"),
	IN("17 cdata between", "<message/><![CDATA[ ]]>", "<message/>", "bad-format"),
	IN("17 behind the end", "</stream:stream><message/>\xff<<<", "{c}", NULL),
	IN("17 white space", "\n \t<message/>\r\n\r\n<iq/> ", "<message/><iq/>", NULL),
	/* 25, 26 */
	R("25 stream namespace", "<stream:stream xmlns='jabber:client' xmlns:stream='urn:x'>", "", "invalid-namespace"),
	R("25 content namespace", "<stream:stream xmlns='urn:x' xmlns:stream='" NS_STREAM "'>", "", "invalid-namespace"),
	R("25 no content namespace", "<stream:stream xmlns:stream='" NS_STREAM "'>", "", "invalid-namespace"),
	R("26 root", "<html>", "", "bad-format"),
	R("26 root in the namespace", "<stream:features xmlns='jabber:client' xmlns:stream='" NS_STREAM "'>", "", "bad-format"),
	R("26 no prefix", "<stream xmlns='" NS_STREAM "'>", "", "bad-namespace-prefix"),
	R("26 other prefix", "<s:stream xmlns='jabber:client' xmlns:s='" NS_STREAM "'>", "", "bad-namespace-prefix"),
	R("26 text", "GET / HTTP/1.1\r\n\r\n", "", NWF),
	/* 27 is the reader's: the door lets any first-level element pass. */
	IN("27 unknown", "<foo/>", "<foo/>", NULL),
	/* Namespaces */
	IN("own default", "<x xmlns='urn:x'><y/><z xmlns=''/></x>", "<x xmlns='urn:x'><y/><z xmlns=''/></x>", NULL),
	IN("prefix to default", "<p:x xmlns:p='urn:x' p:a='1' a='2'><p:y/><z/></p:x>",
	   "<x xmlns='urn:x' xmlns:a0='urn:x' a0:a='1' a='2'><y/><z xmlns='jabber:client'/></x>", NULL),
	IN("xml:lang", "<message xml:lang='de'/>", "<message xml:lang='de'/>", NULL),
	IN("xml element", "<message><xml:a><body/></xml:a></message>", "<message><xml:a><body/></xml:a></message>", NULL),
	IN("69 injection", "<message to=\"a@b'/&gt;&lt;iq\"/>", "<message to='a@b&apos;/&gt;&lt;iq'/>", NULL),
	R("header's prefix lives on", "<stream:stream xmlns='jabber:client' xmlns:stream='" NS_STREAM "' xmlns:p='urn:&lt;&apos;'><p:x/>",
	  "{h}<x xmlns='urn:&lt;&apos;'/>", NULL),
	R("server", "<stream:stream xmlns='jabber:server' xmlns:stream='" NS_STREAM "'><message/>",
	  "{h}<message xmlns='jabber:server'/>", NULL),
};

static void each_case_ends_as_the_table_says(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		expect(rows[i].name, rows[i].in, rows[i].out, rows[i].condition, 4096);
}

static struct str repeat(struct buf *b, const char *before, const char *piece, size_t times, const char *after)
{
	buf_init(b, 64 * 1024 * 1024);
	buf_str_add(b, str_of(before));
	for (size_t i = 0; i < times; i++)
		buf_str_add(b, str_of(piece));
	assert_int_equal(buf_str_add(b, str_of(after)), 0);
	return buf_str(b);
}

static void numbered(struct buf *b, const char *before, const char *format, size_t times, const char *after)
{
	buf_init(b, 64 * 1024 * 1024);
	buf_str_add(b, str_of(before));
	for (size_t i = 0; i < times; i++) {
		char one[64];
		int n = snprintf(one, sizeof(one), "%s%zu%s", format, i, strchr(format, ' ') ? "='1'" : "/>");

		buf_add(b, one, (size_t)n);
	}
	assert_int_equal(buf_str_add(b, str_of(after)), 0);
}

/* 18 to 20 */
static void shape_is_bounded(void **state)
{
	struct buf b;
	size_t fits = LIMIT_XML_DEPTH - 2;

	(void)state;
	expect("18 200,000 deep", repeat(&b, HEAD "<message>", "<a>", 200000, ""), "{h}", "policy-violation", 1 << 20);
	buf_release(&b);
	/* The stream is one level, message another. */
	repeat(&b, HEAD "<message>", "<a>", fits, "");
	for (size_t i = 0; i < fits; i++)
		buf_add(&b, "</a>", 4);
	buf_add(&b, "</message>", 10);
	expect("18 just deep enough", buf_str(&b), NULL, NULL, 1 << 20);
	buf_release(&b);
	expect("18 one deeper", repeat(&b, HEAD "<message>", "<a>", fits + 1, ""), "{h}", "policy-violation", 1 << 20);
	buf_release(&b);
	numbered(&b, HEAD "<message", " a", 10000, "/>");
	expect("19 attributes", buf_str(&b), "{h}", "policy-violation", 1 << 20);
	buf_release(&b);
	numbered(&b, HEAD "<message", " a", LIMIT_XML_ATTRS, "/>");
	expect("19 as many as allowed", buf_str(&b), NULL, NULL, 1 << 20);
	buf_release(&b);
	numbered(&b, HEAD "<message", " xmlns:a", LIMIT_XML_ATTRS + 1, "/>");
	expect("19 declarations", buf_str(&b), "{h}", "policy-violation", 1 << 20);
	buf_release(&b);
	expect("nodes", repeat(&b, HEAD "<message>", "<a/>", LIMIT_XML_NODES + 1, "</message>"), "{h}", "policy-violation", 1 << 20);
	buf_release(&b);
	expect("nodes and text", repeat(&b, HEAD "<message>", "x<a/>", LIMIT_XML_NODES / 2 + 1, "</message>"), "{h}",
	       "policy-violation", 1 << 20);
	buf_release(&b);
}

/* 20, 21: counted in bytes of the peer, exact, even inside one token. */
static void bytes_are_bounded(void **state)
{
	static const char *const begin[] = { "<message a='", "<message><body>", "<message xmlns='", "<m", "<message><![CDATA[" };
	struct buf b;
	size_t head = sizeof(HEAD) - 1;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(begin); i++) {
		struct outcome o;
		char before[256];

		snprintf(before, sizeof(before), HEAD "<iq/>%s", begin[i]);
		repeat(&b, before, S16, 65536, "");
		for (size_t step = 0; step < 2; step++) {
			/* Only one byte more than the limit is needed to tell. */
			o = run(str_make(b.p, head + 5 + 5000), step, 5000, NULL);
			assert_null(o.condition);
			free(o.out);
			o = run(str_make(b.p, head + 5 + 5001), step, 5000, NULL);
			if (!o.condition)
				fail_msg("%s was not too big (step %zu)", begin[i], step);
			assert_string_equal(o.condition, "policy-violation");
			assert_true(o.too_big);
			assert_string_equal(o.out, "{h}<iq/>");
			free(o.out);
		}
		expect("20 one token", buf_str(&b), "{h}<iq/>", "policy-violation", 5000);
		buf_release(&b);
	}
	/* A stanza of exactly the limit passes, one byte more does not. */
	repeat(&b, HEAD "<iq>", "x", 100 - 9, "</iq> ");
	expect("21 exact", buf_str(&b), NULL, NULL, 100);
	expect("21 one more", buf_str(&b), "{h}", "policy-violation", 99);
	buf_release(&b);
	repeat(&b, "<stream:stream a='", S16, LIMIT_STANZA_PREAUTH / 16, "");
	expect("header", buf_str(&b), "", "policy-violation", 1 << 20);
	buf_release(&b);
	repeat(&b, "<stream:stream a", ":", 100000, "");
	expect("20 colons", buf_str(&b), "", "policy-violation", 1 << 20);
	buf_release(&b);
}

static uint64_t cpu_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

/* 21: four times the bytes, about four times the work; quadratic work would be sixteen times. */
static void work_is_linear_in_bytes(void **state)
{
	static const char *const begin[] = { "<message><body>", "<message a='", "<message><body><![CDATA[" };
	static const char *const end[] = { "</body></message>", "'/>", "]]></body></message>" };
	uint64_t took[2];

	(void)state;
	for (size_t k = 0; k < ARRAY_SIZE(begin); k++) {
		for (size_t i = 0; i < 2; i++) {
			struct buf b;
			struct outcome o;
			char before[256];

			snprintf(before, sizeof(before), HEAD "%s", begin[k]);
			repeat(&b, before, S16, i ? 16384 : 4096, end[k]);
			took[i] = cpu_ns();
			o = run(buf_str(&b), 1, 1 << 20, NULL);
			took[i] = cpu_ns() - took[i];
			assert_null(o.condition);
			free(o.out);
			buf_release(&b);
		}
		if (took[1] > took[0] * 10)
			fail_msg("%s: %lu ns for 64 KiB, %lu ns for 256", begin[k], (unsigned long)took[0], (unsigned long)took[1]);
	}
}

/* 22 */
static void names_of_a_peer_do_not_stay(void **state)
{
	struct seen s = { 0 };
	struct xml_pool *pool = xml_pool_new(4);
	size_t before, most = 0;

	(void)state;
	buf_init(&s.out, 16 * 1024 * 1024);
	s.x = xml_new(pool, &sink, &s, 65536, 1 << 20);
	assert_int_equal(xml_feed(s.x, STR(HEAD)), 0);
	before = mallinfo2().uordblks;
	for (unsigned i = 0; i < 100000; i++) {
		char one[256];
		int n = snprintf(one, sizeof(one), "<e%u xmlns:p%u='urn:%u' a%u='1' p%u:b%u='1'/>", i, i, i, i, i, i);

		assert_int_equal(xml_feed(s.x, str_make(one, (size_t)n)), 0);
		buf_clear(&s.out);
		if (i % 64 == 0 && mallinfo2().uordblks > before + most)
			most = mallinfo2().uordblks - before;
	}
	assert_true(most < 128 * 1024);
	xml_free(&s.x);
	xml_pool_free(&pool);
	buf_release(&s.out);
}

/* The same when all the stanzas come in one read. */
static void a_parser_is_replaced_in_the_middle_of_a_read(void **state)
{
	struct buf b;

	(void)state;
	buf_init(&b, 1 << 20);
	buf_str_add(&b, STR(HEAD));
	for (unsigned i = 0; i < 3000; i++)
		buf_printf(&b, "<e%u a%u='\xc3\xa9'>\xc3\xa9</e%u> ", i, i, i);
	{
		struct outcome whole = run(buf_str(&b), 0, 4096, NULL), cut = run(buf_str(&b), 100, 4096, NULL);

		assert_null(whole.condition);
		assert_string_equal(whole.out, cut.out);
		assert_non_null(strstr(whole.out, "<e2999 a2999='\xc3\xa9'>"));
		free(whole.out);
		free(cut.out);
	}
	buf_release(&b);
}

/* 23 */
static void the_last_tag_is_not_held_back(void **state)
{
	struct seen s = { 0 };

	(void)state;
	buf_init(&s.out, 4096);
	s.x = xml_new(NULL, &sink, &s, 4096, 65536);
	assert_int_equal(xml_feed(s.x, STR(HEAD "<message><body>a</body></mess")), 0);
	assert_int_equal(s.n, 0);
	assert_int_equal(xml_feed(s.x, STR("age>")), 0);
	assert_int_equal(s.n, 1);
	xml_free(&s.x);
	buf_release(&s.out);
}

/* 24, and the promise of 300 bytes. */
static void an_idle_door_is_small_and_white_space_is_free(void **state)
{
	struct seen s = { 0 };
	struct xml_pool *pool = xml_pool_new(1);
	struct buf blank;
	size_t before, idle;

	(void)state;
	buf_init(&s.out, 4096);
	for (int i = 0; i < 3; i++) {		/* until the parser in the pool has its size */
		s.x = xml_new(pool, &sink, &s, 4096, 65536);
		assert_int_equal(xml_feed(s.x, STR(HEAD "<message/>")), 0);
		xml_idle(s.x);
		xml_free(&s.x);
	}
	before = mallinfo2().uordblks;
	s.x = xml_new(pool, &sink, &s, 4096, 65536);
	assert_int_equal(xml_feed(s.x, STR(HEAD "<message/>")), 0);
	xml_idle(s.x);
	idle = mallinfo2().uordblks - before;
	print_message("idle door: %zu bytes\n", idle);
	xml_free(&s.x);
	xml_pool_free(&pool);

	s.n = 0;
	pool = xml_pool_new(1);
	s.x = xml_new(pool, &sink, &s, 4096, 65536);
	assert_int_equal(xml_feed(s.x, STR(HEAD "<message/>")), 0);
	xml_idle(s.x);
	before = mallinfo2().uordblks;
	repeat(&blank, "", " \n", 500000, "");
	before = mallinfo2().uordblks;
	assert_int_equal(xml_feed(s.x, buf_str(&blank)), 0);
	assert_int_equal(mallinfo2().uordblks, before);
	buf_release(&blank);
	assert_int_equal(xml_feed(s.x, STR("<iq/><m")), 0);
	xml_idle(s.x);			/* in the middle: nothing happens */
	assert_int_equal(xml_feed(s.x, STR("essage/></stream:stream>")), 0);
	assert_int_equal(s.n, 3);
	xml_idle(s.x);
	xml_free(&s.x);
	xml_pool_free(&pool);
	buf_release(&s.out);
	assert_true(idle < 300);
}

static void the_sink_stops_at_once(void **state)
{
	struct seen s = { .stop_at = 2 };

	(void)state;
	buf_init(&s.out, 4096);
	s.x = xml_new(NULL, &sink, &s, 4096, 65536);
	assert_int_equal(xml_feed(s.x, STR(HEAD "<a/><b/><c/><!-- -->")), ERR_BUSY);
	assert_null(xml_fault(s.x));
	assert_int_equal(s.n, 2);
	assert_int_equal(xml_feed(s.x, STR("<d/>")), ERR_BUSY);
	assert_int_equal(s.n, 2);
	xml_free(&s.x);
	buf_release(&s.out);
}

static void a_stream_restarts_from_within_the_sink(void **state)
{
	(void)state;
	for (size_t step = 0; step < 2; step++) {
		struct seen s = { .reset_at = 1, .idle = true };

		buf_init(&s.out, 4096);
		s.x = xml_new(NULL, &sink, &s, 4096, 65536);
		assert_int_equal(feed_all(s.x, STR(HEAD "<auth/><?xml version='1.0'?>" HEAD "<iq/></stream:stream>"), step), 0);
		assert_string_equal((buf_char(&s.out, 0), s.out.p), "{h}<auth/>{h}<iq/>{c}");
		xml_free(&s.x);
		buf_release(&s.out);
	}
}

/* STARTTLS: the restart and the stop together; what stood behind is gone. */
static void a_restart_with_a_stop_drops_the_rest(void **state)
{
	struct seen s = { .reset_at = 1, .stop_at = 1 };

	(void)state;
	buf_init(&s.out, 4096);
	s.x = xml_new(NULL, &sink, &s, 4096, 65536);
	assert_int_equal(xml_feed(s.x, STR(HEAD "<starttls/><auth/>")), ERR_BUSY);
	assert_true(str_empty(xml_content_ns(s.x)));
	assert_int_equal(xml_feed(s.x, STR(HEAD "<iq/>")), 0);
	assert_true(str_is(xml_content_ns(s.x), NS_CLIENT));
	assert_string_equal((buf_char(&s.out, 0), s.out.p), "{h}<starttls/>{h}<iq/>");
	xml_free(&s.x);
	buf_release(&s.out);
}

static void a_door_may_be_freed_from_within_the_sink(void **state)
{
	struct seen s = { .free_at = 1 };

	(void)state;
	buf_init(&s.out, 4096);
	s.x = xml_new(NULL, &sink, &s, 4096, 65536);
	assert_true(xml_feed(s.x, STR(HEAD "<a/><b/>")) < 0);
	assert_null(s.x);
	assert_int_equal(s.n, 1);
	buf_release(&s.out);
}

static void the_sink_may_keep_an_arena_and_read_stored_bytes(void **state)
{
	struct seen s = { .take = true };

	(void)state;
	buf_init(&s.out, 4096);
	s.x = xml_new(NULL, &sink, &s, 4096, 65536);
	assert_int_equal(xml_feed(s.x, STR(HEAD "<a>1</a><b>2</b>")), 0);
	assert_non_null(s.taken);
	s.take = false;
	s.read_stored = true;
	assert_int_equal(xml_feed(s.x, STR("<c/><d/>")), 0);
	assert_int_equal(s.n, 4);
	arena_free(&s.taken);
	xml_free(&s.x);
	buf_release(&s.out);
}

static void a_full_arena_is_the_peers_fault(void **state)
{
	struct seen s = { 0 };
	struct buf b;

	(void)state;
	buf_init(&s.out, 4096);
	s.x = xml_new(NULL, &sink, &s, 1 << 20, 4096);
	repeat(&b, HEAD "<m>", "<a/>", 1000, "</m>");
	assert_int_equal(xml_feed(s.x, buf_str(&b)), ERR_LIMIT);
	assert_string_equal(xml_fault(s.x)->condition, "policy-violation");
	xml_free(&s.x);
	buf_release(&b);
	buf_release(&s.out);
}

static void the_limit_can_change(void **state)
{
	struct seen s = { 0 };

	(void)state;
	buf_init(&s.out, 4096);
	s.x = xml_new(NULL, &sink, &s, 20, 4096);
	assert_int_equal(xml_feed(s.x, STR(HEAD "<a/>")), 0);
	xml_set_max(s.x, 40);
	assert_int_equal(xml_feed(s.x, STR("<message>0123456789</message>")), 0);
	xml_set_max(s.x, 10);
	assert_int_equal(xml_feed(s.x, STR("<message>0123456789</message>")), ERR_LIMIT);
	xml_free(&s.x);
	buf_release(&s.out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_case_ends_as_the_table_says),
		cmocka_unit_test(shape_is_bounded),
		cmocka_unit_test(bytes_are_bounded),
		cmocka_unit_test(work_is_linear_in_bytes),
		cmocka_unit_test(names_of_a_peer_do_not_stay),
		cmocka_unit_test(a_parser_is_replaced_in_the_middle_of_a_read),
		cmocka_unit_test(the_last_tag_is_not_held_back),
		cmocka_unit_test(an_idle_door_is_small_and_white_space_is_free),
		cmocka_unit_test(the_sink_stops_at_once),
		cmocka_unit_test(a_stream_restarts_from_within_the_sink),
		cmocka_unit_test(a_restart_with_a_stop_drops_the_rest),
		cmocka_unit_test(a_door_may_be_freed_from_within_the_sink),
		cmocka_unit_test(the_sink_may_keep_an_arena_and_read_stored_bytes),
		cmocka_unit_test(a_full_arena_is_the_peers_fault),
		cmocka_unit_test(the_limit_can_change),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
