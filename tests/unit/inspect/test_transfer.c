/* Which road a stanza takes, what it carries there, and what is left when that is taken out. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/b64.h"
#include "inspect/transfer.h"
#include "xmpp/ns.h"
#include "xmpp/wire.h"

#define FT "<description xmlns='urn:xmpp:jingle:apps:file-transfer:5'><file><name>plan.pdf</name></file></description>"
#define CALL "<description xmlns='urn:xmpp:jingle:apps:rtp:1' media='audio'/>"
#define ICE "<transport xmlns='urn:xmpp:jingle:transports:ice-udp:1'><candidate type='host' ip='10.0.0.1'/><candidate type='srflx' ip='192.0.2.1'/>" \
	    "<candidate type='relay' ip='192.0.2.9' rel-addr='10.0.0.1' rel-port='1'/></transport>"
#define S5B "<transport xmlns='urn:xmpp:jingle:transports:s5b:1' sid='s'><candidate type='direct' host='10.0.0.1'/><candidate type='proxy' host='192.0.2.9'/></transport>"
#define PNG_B64 "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="

static struct arena *a;

static int up(void **st)
{
	(void)st;
	a = arena_new(8 << 20);
	return a ? 0 : -1;
}

static int down(void **st)
{
	(void)st;
	arena_free(&a);
	return 0;
}

static bool ours(void *ctx, struct str url)
{
	(void)ctx;
	return str_find(url, STR("upload.firm.test/")) >= 0;
}

static struct node *parse(const char *inner, const char *kind, const char *type)
{
	struct str xml = arena_printf(a, "<%s xmlns='jabber:client' type='%s' id='1'>%s</%s>", kind, type, inner, kind);
	struct node *n = NULL;

	if (wire_parse(a, xml, &n) < 0)
		fail_msg("%.*s", STR_FMT(xml));
	return n;
}

static struct transfer look(struct node *n)
{
	struct transfer_conf conf = { .inline_bytes = 1000, .own = ours };
	struct transfer t;

	assert_int_equal(transfer_find(n, &conf, a, &t), 0);
	return t;
}

static const char *written(const struct node *n)
{
	struct buf b;
	struct str s;

	buf_init(&b, 1 << 20);
	assert_int_equal(wire_write(&b, n, STR(NS_CLIENT)), 0);
	s = arena_str(a, buf_str(&b));
	buf_release(&b);
	return s.p;
}

/* Letters of all sorts, as a file has them. */
static const char *some_base64(size_t chars, const char *head)
{
	static const char set[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	char *p = arena_alloc(a, chars + 1);
	uint32_t x = 12345;

	for (size_t i = 0; i < chars; i++) {
		x = x * 1664525 + 1013904223;
		p[i] = i < strlen(head) ? head[i] : set[x >> 26];
	}
	return p;
}

static void every_road_is_known(void **st)
{
	static const struct { const char *kind, *type, *inner; enum transfer_road road; } t[] = {
		{ "iq", "set", "<jingle xmlns='urn:xmpp:jingle:1' action='session-initiate' sid='1'><content name='f'>" FT "</content></jingle>", TRANSFER_JINGLE },
		{ "iq", "set", "<jingle xmlns='urn:xmpp:jingle:1' action='transport-replace'><content><transport xmlns='urn:xmpp:jingle:transports:ibb:1'/></content></jingle>", TRANSFER_IBB },
		{ "iq", "set", "<jingle xmlns='urn:xmpp:jingle:1' action='transport-info'><content>" S5B "</content></jingle>", TRANSFER_SOCKS5 },
		{ "message", "chat", "<propose xmlns='urn:xmpp:jingle-message:0' id='1'>" FT "</propose>", TRANSFER_JINGLE },
		{ "iq", "set", "<si xmlns='http://jabber.org/protocol/si' profile='http://jabber.org/protocol/si/profile/file-transfer'/>", TRANSFER_SI },
		{ "iq", "set", "<open xmlns='http://jabber.org/protocol/ibb' sid='s' block-size='4096'/>", TRANSFER_IBB },
		{ "iq", "set", "<data xmlns='http://jabber.org/protocol/ibb' sid='s' seq='0'>AAAA</data>", TRANSFER_IBB },
		{ "message", "", "<data xmlns='http://jabber.org/protocol/ibb' sid='s' seq='0'>AAAA</data>", TRANSFER_IBB },
		{ "iq", "set", "<query xmlns='http://jabber.org/protocol/bytestreams' sid='s'><streamhost jid='a@b/c' host='1.2.3.4' port='1'/></query>", TRANSFER_SOCKS5 },
		{ "message", "chat", "<body>x</body><x xmlns='jabber:x:oob'><url>https://elsewhere.test/a.png</url></x>", TRANSFER_OOB },
		{ "iq", "set", "<query xmlns='jabber:iq:oob'><url>https://elsewhere.test/a.png</url></query>", TRANSFER_OOB },
		{ "message", "chat", "<file-sharing xmlns='urn:xmpp:sfs:0'><sources><url-data xmlns='http://jabber.org/protocol/url-data' target='https://elsewhere.test/a'/></sources></file-sharing>", TRANSFER_SHARING },
		{ "message", "chat", "<reference xmlns='urn:xmpp:reference:0' type='data'><media-sharing xmlns='urn:xmpp:sims:1'><sources/></media-sharing></reference>", TRANSFER_SHARING },
		{ "iq", "set", "<jingle xmlns='urn:xmpp:jingle:1' action='content-add'><content name='d'><description xmlns='urn:xmpp:jingle:apps:rtp:1' media='application'/></content></jingle>", TRANSFER_JINGLE },
		{ "message", "chat", "<any xmlns='urn:xmpp:sfs:0'><file-sharing><sources><url-data xmlns='http://jabber.org/protocol/url-data' target='https://elsewhere.test/a'/></sources></file-sharing></any>", TRANSFER_SHARING },
		{ "message", "chat", "<any xmlns='urn:xmpp:esfs:0'><sources xmlns='urn:xmpp:sfs:0'><url-data xmlns='http://jabber.org/protocol/url-data' target='https://elsewhere.test/a'/></sources></any>", TRANSFER_SHARING },
		{ "message", "chat", "<file-sharing xmlns='urn:xmpp:sfs:0'><sources><encrypted xmlns='urn:xmpp:esfs:0' cipher='urn:xmpp:ciphers:aes-256-gcm-nopadding:0'/></sources></file-sharing>", TRANSFER_SHARING },
		{ "message", "chat", "<thumbnail xmlns='urn:xmpp:thumbs:1' uri='cid:1@bob.xmpp.org'/>", TRANSFER_THUMBNAIL },
		{ "iq", "get", "<data xmlns='urn:xmpp:bob' cid='1'/>", TRANSFER_BOB },
		{ "message", "chat", "<html xmlns='http://jabber.org/protocol/xhtml-im'><body xmlns='http://www.w3.org/1999/xhtml'><img src='data:image/png;base64," PNG_B64 "'/></body></html>", TRANSFER_DATA_URI },
		{ "message", "chat", "<body>look: data:image/png;base64," PNG_B64 "</body>", TRANSFER_DATA_URI },
		{ "message", "chat", "<body>aesgcm://elsewhere.test/x#00</body>", TRANSFER_CIPHER },
		{ "iq", "set", "<vCard xmlns='vcard-temp'><PHOTO><TYPE>image/png</TYPE><BINVAL>" PNG_B64 "</BINVAL></PHOTO></vCard>", TRANSFER_AVATAR },
		{ "iq", "set", "<vcard xmlns='urn:ietf:params:xml:ns:vcard-4.0'><photo><uri>https://elsewhere.test/me.png</uri></photo></vcard>", TRANSFER_AVATAR },
		{ "iq", "set", "<pubsub xmlns='http://jabber.org/protocol/pubsub'><publish node='urn:xmpp:avatar:data'><item id='1'><data xmlns='urn:xmpp:avatar:data'>" PNG_B64 "</data></item></publish></pubsub>", TRANSFER_AVATAR },
	};

	(void)st;
	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		struct transfer found = look(parse(t[i].inner, t[i].kind, t[i].type));

		if (found.n == 0 || found.v[0].road != t[i].road || found.v[0].wrong)
			fail_msg("row %zu: %u parts, road %d, %s", i, found.n, found.n ? (int)found.v[0].road : -1, found.n && found.v[0].wrong ? found.v[0].wrong : "");
	}
}

static void what_carries_no_file_is_no_road(void **st)
{
	static const struct { const char *kind, *type, *inner; } t[] = {
		{ "message", "chat", "<body>the data: we have it, data:none</body>" },
		{ "message", "chat", "<body>https://upload.firm.test/x/a.png</body><x xmlns='jabber:x:oob'><url>https://upload.firm.test/x/a.png</url></x>" },
		{ "message", "chat", "<file-sharing xmlns='urn:xmpp:sfs:0'><sources><url-data xmlns='http://jabber.org/protocol/url-data' target='https://upload.firm.test/x/a'/></sources></file-sharing>" },
		{ "message", "chat", "<body>aesgcm://upload.firm.test/x#00</body>" },
		{ "iq", "set", "<jingle xmlns='urn:xmpp:jingle:1' action='session-initiate' sid='1'><content name='voice'>" CALL ICE "</content></jingle>" },
		{ "iq", "set", "<jingle xmlns='urn:xmpp:jingle:1' action='session-terminate' sid='1'><reason><success/></reason></jingle>" },
		{ "message", "chat", "<propose xmlns='urn:xmpp:jingle-message:0' id='1'>" CALL "</propose>" },
		{ "iq", "get", "<query xmlns='http://jabber.org/protocol/bytestreams'/>" },
		{ "iq", "set", "<query xmlns='http://jabber.org/protocol/bytestreams' sid='1'><activate>a@b/c</activate></query>" },
		{ "iq", "result", "<si xmlns='http://jabber.org/protocol/si'/>" },
		{ "iq", "set", "<vCard xmlns='vcard-temp'><FN>Anna</FN></vCard>" },
	};

	(void)st;
	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++)
		if (look(parse(t[i].inner, t[i].kind, t[i].type)).n)
			fail_msg("row %zu", i);
}

static void base64_is_seen_where_people_read_and_not_where_keys_are(void **st)
{
	struct str zip = arena_printf(a, "<body>here it is: %s</body>", some_base64(400, "UEsDBBQAAAAI"));
	struct str big = arena_printf(a, "<body>%s</body>", some_base64(2000, ""));
	struct str small = arena_printf(a, "<body>%s</body>", some_base64(400, ""));
	struct str omemo = arena_printf(a, "<encrypted xmlns='eu.siacs.conversations.axolotl'><payload>%s</payload></encrypted>", some_base64(2000, ""));
	struct str pgp = arena_printf(a, "<body>-----BEGIN PGP MESSAGE-----\n\n%s</body>", some_base64(2000, "hQEMA"));
	struct str liar = arena_printf(a, "<body>-----BEGIN PGP MESSAGE-----\n\n%s</body>", some_base64(2000, "UEsDBBQAAAAI"));
	struct str same = arena_printf(a, "<body>%0*d</body>", 3000, 0);

	(void)st;
	assert_int_equal(look(parse(zip.p, "message", "chat")).n, 1);
	assert_true(str_is(look(parse(zip.p, "message", "chat")).v[0].what, "an archive or document"));
	assert_int_equal(look(parse(big.p, "message", "chat")).n, 1);
	assert_int_equal(look(parse(small.p, "message", "chat")).n, 0);
	assert_int_equal(look(parse(omemo.p, "message", "chat")).n, 0);
	assert_int_equal(look(parse(pgp.p, "message", "chat")).n, 0);
	assert_int_equal(look(parse(liar.p, "message", "chat")).n, 1);
	assert_int_equal(look(parse(same.p, "message", "chat")).n, 0);
}

static void base64_in_lines_is_one_file(void **st)
{
	const char *b = some_base64(760, "TVqQAAMA");
	struct str text = STR("<body>report\n");

	(void)st;
	for (size_t i = 0; i < 760; i += 76)
		text = arena_printf(a, "%.*s%.76s\n", STR_FMT(text), b + i);
	text = arena_printf(a, "%.*sbye</body>", STR_FMT(text));
	struct node *m = parse(text.p, "message", "chat");
	struct transfer found = look(m);
	assert_int_equal(found.n, 1);
	assert_true(str_is(found.v[0].what, "a program"));
	assert_int_equal(transfer_strip(&found.v[0], a), 0);
	assert_string_equal(arena_dup(a, node_deep_text(a, m).p, node_deep_text(a, m).n), "report\n[a file in the text was removed]\nbye");
}

static void what_is_shown_as_a_picture_must_be_one(void **st)
{
	static const struct { const char *b64; bool fine; } t[] = {
		{ PNG_B64, true },
		{ "UEsDBBQAAAAIAAAAIQAAAAAAAAAAAAAAAAAAAAAA", false },
		{ "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJgglBLAwQ=", false },	/* an archive behind it */
		{ "PHN2ZyB4bWxucz0iaHR0cDovL3d3dy53My5vcmcvMjAwMC9zdmciLz4=", false },
		{ "!!!!", false },
	};

	(void)st;
	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		struct str inner = arena_printf(a, "<data xmlns='urn:xmpp:bob' cid='1' type='image/png'>%s</data>", t[i].b64);
		struct transfer found = look(parse(inner.p, "message", "chat"));

		assert_int_equal(found.n, 1);
		if (!found.v[0].wrong != t[i].fine)
			fail_msg("row %zu", i);
		assert_int_equal(transfer_rule(&found.v[0]), t[i].fine ? FILE_BITS : FILE_NOT_PICTURE);
	}
	assert_non_null(look(parse("<body>data:text/html;base64,PGgxPmhpPC9oMT4=</body>", "message", "chat")).v[0].wrong);
	assert_non_null(look(parse("<body>x</body><html xmlns='http://jabber.org/protocol/xhtml-im'><a href='da&#10;ta:text/html,hi'>x</a></html>", "message", "chat")).v[0].wrong);
}

static void a_picture_that_is_too_big_is_none(void **st)
{
	struct str big = arena_printf(a, "<data xmlns='urn:xmpp:bob' cid='1'>%s</data>", some_base64(4000, "iVBORw0KGgo"));

	(void)st;
	assert_non_null(strstr(look(parse(big.p, "iq", "result")).v[0].wrong, "bigger"));
}

static void a_call_remains_when_its_file_is_taken_out(void **st)
{
	struct node *iq = parse("<jingle xmlns='urn:xmpp:jingle:1' action='session-initiate' sid='1'><content name='voice'>" CALL "</content><content name='f'>" FT "</content></jingle>",
				"iq", "set");
	struct transfer found = look(iq);

	(void)st;
	assert_int_equal(found.n, 1);
	assert_true(str_is(found.v[0].what, "plan.pdf"));
	assert_int_equal(transfer_strip(&found.v[0], a), 0);
	assert_false(transfer_is_empty(iq));
	assert_null(strstr(written(iq), "file-transfer"));
	assert_non_null(strstr(written(iq), "voice"));
}

static void nothing_remains_of_what_only_was_a_file(void **st)
{
	static const struct { const char *kind, *type, *inner; bool empty; } t[] = {
		{ "iq", "set", "<jingle xmlns='urn:xmpp:jingle:1' action='session-initiate' sid='1'><content name='f'>" FT "</content></jingle>", true },
		{ "message", "chat", "<data xmlns='urn:xmpp:bob' cid='1'>" PNG_B64 "</data><active xmlns='http://jabber.org/protocol/chatstates'/>", true },
		{ "message", "chat", "<body>hello</body><data xmlns='urn:xmpp:bob' cid='1'>" PNG_B64 "</data>", false },
		{ "iq", "set", "<pubsub xmlns='http://jabber.org/protocol/pubsub'><publish node='urn:xmpp:avatar:data'><item id='1'><data xmlns='urn:xmpp:avatar:data'>" PNG_B64 "</data></item></publish></pubsub>", true },
		{ "iq", "set", "<vCard xmlns='vcard-temp'><FN>A</FN><PHOTO><BINVAL>" PNG_B64 "</BINVAL></PHOTO></vCard>", false },
		{ "presence", "", "<data xmlns='urn:xmpp:bob' cid='1'>" PNG_B64 "</data>", false },
	};

	(void)st;
	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		struct node *n = parse(t[i].inner, t[i].kind, t[i].type);
		struct transfer found = look(n);

		assert_true(found.n > 0);
		for (unsigned k = found.n; k-- > 0;)
			assert_int_equal(transfer_strip(&found.v[k], a), 0);
		if (transfer_is_empty(n) != t[i].empty)
			fail_msg("row %zu: %s", i, written(n));
	}
}

static void several_places_of_one_text_are_cut_from_behind(void **st)
{
	struct node *m = parse("<body>one data:image/png;base64," PNG_B64 " two aesgcm://elsewhere.test/x#00 three data:text/html,x end</body>", "message", "chat");
	struct transfer found = look(m);

	(void)st;
	assert_int_equal(found.n, 3);
	for (unsigned k = found.n; k-- > 0;)
		assert_int_equal(transfer_strip(&found.v[k], a), 0);
	assert_string_equal(arena_dup(a, node_deep_text(a, m).p, node_deep_text(a, m).n),
			    "one [a file in the text was removed] two [a file in the text was removed] three [a file in the text was removed] end");
}

static void addresses_are_taken_out_and_relays_remain(void **st)
{
	struct node *call = parse("<jingle xmlns='urn:xmpp:jingle:1' action='session-initiate'><content>" CALL ICE "</content></jingle>", "iq", "set");
	struct node *file = parse("<jingle xmlns='urn:xmpp:jingle:1' action='session-initiate'><content>" FT S5B "</content></jingle>", "iq", "set");
	struct node *hosts = parse("<query xmlns='http://jabber.org/protocol/bytestreams' sid='1'><streamhost jid='a@b/c' host='10.0.0.1'/><streamhost jid='proxy.b' host='192.0.2.9'/></query>",
				   "iq", "set");

	(void)st;
	assert_int_equal(transfer_hide(call, true, false), 0);
	assert_int_equal(transfer_hide(call, false, true), 3);
	assert_null(strstr(written(call), "10.0.0.1"));
	assert_non_null(strstr(written(call), "192.0.2.9"));
	assert_int_equal(transfer_hide(file, false, true), 0);
	assert_int_equal(transfer_hide(file, true, false), 1);
	assert_null(strstr(written(file), "10.0.0.1"));
	assert_int_equal(transfer_hide(hosts, true, false), 1);
	assert_null(strstr(written(hosts), "10.0.0.1"));
	assert_non_null(strstr(written(hosts), "proxy.b"));
}

static void keys_are_read_from_links(void **st)
{
#define KEY "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"
	static const uint8_t iv[] = { 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11 };
	struct transfer_key key;

	(void)st;
	assert_true(transfer_key_of(STR("aesgcm://upload.firm.test/x#000102030405060708090a0b" KEY), &key));
	assert_int_equal(key.n_iv, 12);
	assert_memory_equal(key.iv, iv, 12);
	assert_true(key.key[0] == 0 && key.key[1] == 0x11 && key.key[31] == 0xff);
	assert_true(transfer_key_of(STR("aesgcm://upload.firm.test/x#000102030405060708090a0b0c0d0e0f" KEY), &key));
	assert_true(key.n_iv == 16 && key.iv[15] == 15 && key.key[1] == 0x11);
	assert_false(transfer_key_of(STR("aesgcm://upload.firm.test/x#000102030405060708090a0b0c" KEY), &key));
	assert_false(transfer_key_of(STR("aesgcm://upload.firm.test/x#0001"), &key));
	assert_false(transfer_key_of(STR("aesgcm://upload.firm.test/x"), &key));
	assert_false(transfer_key_of(STR("https://upload.firm.test/x#000102030405060708090a0b" KEY), &key));
}

static void more_than_is_looked_at_is_said(void **st)
{
	struct str inner = STR("");

	(void)st;
	for (int i = 0; i < 40; i++)
		inner = arena_printf(a, "%.*s<data xmlns='urn:xmpp:bob' cid='%d'/>", STR_FMT(inner), i);
	struct transfer found = look(parse(inner.p, "message", "chat"));
	assert_true(found.n == TRANSFER_PARTS && found.more);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, up, down)
	const struct CMUnitTest tests[] = {
		TEST(every_road_is_known),
		TEST(what_carries_no_file_is_no_road),
		TEST(base64_is_seen_where_people_read_and_not_where_keys_are),
		TEST(base64_in_lines_is_one_file),
		TEST(what_is_shown_as_a_picture_must_be_one),
		TEST(a_picture_that_is_too_big_is_none),
		TEST(a_call_remains_when_its_file_is_taken_out),
		TEST(nothing_remains_of_what_only_was_a_file),
		TEST(several_places_of_one_text_are_cut_from_behind),
		TEST(addresses_are_taken_out_and_relays_remain),
		TEST(keys_are_read_from_links),
		TEST(more_than_is_looked_at_is_said),
	};

	return cmocka_run_group_tests_name("inspect/transfer", tests, NULL, NULL);
}
