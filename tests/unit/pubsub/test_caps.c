/* test_caps.c - the hash of XEP-0115 and what is read behind it (pubsub/pubsub_caps.h). */
#include "pubsub_world.h"

#include "pubsub/pubsub_caps.h"

#define INFO "<query xmlns='http://jabber.org/protocol/disco#info'>"
#define EXODUS "<identity category='client' type='pc' name='Exodus 0.9.1'/><feature var='http://jabber.org/protocol/caps'/>" \
	       "<feature var='http://jabber.org/protocol/disco#info'/><feature var='http://jabber.org/protocol/disco#items'/>" \
	       "<feature var='http://jabber.org/protocol/muc'/>"
/* XEP-0115 5.3, in another order. */
#define PSI "<identity xml:lang='el' category='client' name='\xce\xa8 0.11' type='pc'/>" \
	    "<identity xml:lang='en' category='client' name='Psi 0.11' type='pc'/>" \
	    "<feature var='http://jabber.org/protocol/muc'/><feature var='http://jabber.org/protocol/caps'/>" \
	    "<feature var='http://jabber.org/protocol/disco#info'/><feature var='http://jabber.org/protocol/disco#items'/>"
#define FIELD(var, values) "<field var='" var "'>" values "</field>"
#define V(x) "<value>" x "</value>"
#define PSI_FORM "<x xmlns='jabber:x:data' type='result'>" FIELD("FORM_TYPE", V("urn:xmpp:dataforms:softwareinfo")) \
		 FIELD("software", V("Psi")) FIELD("ip_version", V("ipv6") V("ipv4")) FIELD("os", V("Mac")) FIELD("os_version", V("10.5.1")) \
		 FIELD("software_version", V("0.11")) "</x>"

static bool fits(struct arena *a, const char *key, const char *query)
{
	return pubsub_caps_verified(a, str_of(key), xml(a, query));
}

static void the_examples_of_the_specification_fit(void **st)
{
	assert_true(fits(*st, "sha-1 QgayPKawpkPSDYmwT/WM94uAlu0=", INFO EXODUS "</query>"));
	assert_true(fits(*st, "sha-1 q07IKJEyjvHSyhy//CH0CxmKi8w=", INFO PSI PSI_FORM "</query>"));
	assert_false(fits(*st, "sha-1 QgayPKawpkPSDYmwT/WM94uAlu0=", INFO PSI PSI_FORM "</query>"));
	assert_false(fits(*st, "sha-1 QgayPKawpkPSDYmwT/WM94uAlu0=", INFO EXODUS "<feature var='urn:x+notify'/></query>"));
	assert_false(fits(*st, "sha-1 q07IKJEyjvHSyhy//CH0CxmKi8w=", INFO PSI "</query>"));
}

static void what_could_be_two_answers_fits_nothing(void **st)
{
	/* 'a<b' as one feature or as two makes one text. */
	assert_false(fits(*st, "sha-1 QgayPKawpkPSDYmwT/WM94uAlu0=",
			  INFO "<identity category='client' type='pc' name='Exodus 0.9.1'/>"
			       "<feature var='http://jabber.org/protocol/caps&lt;http://jabber.org/protocol/disco#info'/>"
			       "<feature var='http://jabber.org/protocol/disco#items'/><feature var='http://jabber.org/protocol/muc'/></query>"));
	assert_false(fits(*st, "sha-1 QgayPKawpkPSDYmwT/WM94uAlu0=", INFO EXODUS "<feature var='http://jabber.org/protocol/muc'/></query>"));
	assert_false(fits(*st, "- https://x.example#1.0", INFO EXODUS "</query>"));
	assert_false(fits(*st, "md5 QgayPKawpkPSDYmwT/WM94uAlu0=", INFO EXODUS "</query>"));
	assert_false(fits(*st, "", INFO "</query>"));
}

static void what_a_client_wants_is_what_ends_so(void **st)
{
	struct node *q = xml(*st, INFO "<feature var='urn:a+notify'/><feature var='urn:b'/><feature var='+notify'/><feature var='urn:c+notify'/>"
				       "<identity var='urn:d+notify'/></query>");
	struct pubsub_caps *c = pubsub_caps_new(q);

	assert_non_null(c);
	assert_int_equal(c->n, 2);
	assert_true(pubsub_caps_wants(c, STR("urn:a")) && pubsub_caps_wants(c, STR("urn:c")));
	assert_false(pubsub_caps_wants(c, STR("urn:b")) || pubsub_caps_wants(c, STR("")) || pubsub_caps_wants(NULL, STR("urn:a")));
	pubsub_caps_unref(&c);
}

static void wants_have_a_maximum(void **st)
{
	struct arena *a = *st;
	struct buf b;
	struct pubsub_caps *c;

	buf_init(&b, 1u << 20);
	buf_printf(&b, INFO);
	for (int i = 0; i < 1000; i++)
		buf_printf(&b, "<feature var='urn:%d+notify'/>", i);
	buf_printf(&b, "</query>");
	buf_char(&b, 0);
	c = pubsub_caps_new(xml(a, b.p));
	assert_int_equal(c->n, CAPS_WANTS);
	assert_true(pubsub_caps_wants(c, STR("urn:0")));
	pubsub_caps_unref(&c);
	buf_release(&b);
}

static void a_key_is_of_the_hash_and_nothing_long(void **st)
{
	struct arena *a = *st;
	bool verifiable;
	char text[1024];

#define PRESENCE(inner) xml(a, "<presence>" inner "</presence>")
	assert_true(str_is(pubsub_caps_key(a, PRESENCE("<c xmlns='http://jabber.org/protocol/caps' hash='sha-1' node='n' ver='v'/>"), &verifiable), "sha-1 v"));
	assert_true(verifiable);
	assert_true(str_is(pubsub_caps_key(a, PRESENCE("<c xmlns='http://jabber.org/protocol/caps' node='n' ver='v'/>"), &verifiable), "- n#v"));
	assert_false(verifiable);
	assert_int_equal(pubsub_caps_key(a, PRESENCE(""), &verifiable).n, 0);
	snprintf(text, sizeof(text), "<presence><c xmlns='http://jabber.org/protocol/caps' hash='sha-1' node='n' ver='%0500d'/></presence>", 0);
	assert_int_equal(pubsub_caps_key(a, xml(a, text), &verifiable).n, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(the_examples_of_the_specification_fit),
		CASE(what_could_be_two_answers_fits_nothing),
		CASE(what_a_client_wants_is_what_ends_so),
		CASE(wants_have_a_maximum),
		CASE(a_key_is_of_the_hash_and_nothing_long),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
