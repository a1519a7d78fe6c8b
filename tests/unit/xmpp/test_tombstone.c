/* What stands in the place of a message that was taken back: its addresses and ids, and no word of it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "xmpp/tombstone.h"
#include "xmpp/wire.h"

#define MESSAGE "<message from='a@x.test/1' to='b@x.test' type='chat' id='m1'><body>LURE</body><x xmlns='jabber:x:oob'><url>LURE</url></x>" \
		"<stanza-id xmlns='urn:xmpp:sid:0' by='b@x.test' id='0000000000001'/></message>"

static const struct tombstone as = { .stamp = { "2026-11-24T10:00:00Z", 20 }, .id = { "r1", 2 }, .moderator = { "", 0 } };

/* The text after tombstone_within(); NULL: it was not in there. */
static const char *buried(struct arena *a, const char *xml, const char *id)
{
	struct node *n;
	struct buf b;
	const char *z;

	assert_int_equal(wire_parse(a, str_of(xml), &n), 0);
	if (!tombstone_within(a, &n, str_of(id), &as))
		return NULL;
	buf_init(&b, 1 << 16);
	assert_int_equal(wire_write(&b, n, STR("jabber:client")), 0);
	z = arena_dup(a, b.p, b.n);
	buf_release(&b);
	assert_null(strstr(z, "LURE"));
	assert_non_null(strstr(z, "<retracted xmlns='urn:xmpp:message-retract:1'"));
	assert_non_null(strstr(z, "id='m1'"));
	return z;
}

static void a_message_keeps_its_ids_and_addresses(void **state)
{
	struct arena *a = arena_new(1 << 18);
	const char *z = buried(a, MESSAGE, "0000000000001");

	(void)state;
	assert_non_null(z);
	assert_non_null(strstr(z, "from='a@x.test/1'"));
	assert_non_null(strstr(z, "id='0000000000001'"));
	assert_non_null(strstr(z, "stamp='2026-11-24T10:00:00Z'"));
	arena_free(&a);
}

static void another_message_is_left_as_it_is(void **state)
{
	struct arena *a = arena_new(1 << 18);

	(void)state;
	assert_null(buried(a, MESSAGE, "0000000000002"));
	/* Who only speaks of the id is not it. */
	assert_null(buried(a, "<message id='m1'><body>0000000000001</body><reply xmlns='urn:xmpp:reply:0' id='0000000000001'/></message>", "0000000000001"));
	assert_null(buried(a, "<iq id='m1'><x xmlns='urn:x'>0000000000001</x></iq>", "0000000000001"));
	arena_free(&a);
}

static void a_carbon_and_a_page_of_an_archive_keep_their_wrapping(void **state)
{
	struct arena *a = arena_new(1 << 18);
	const char *z = buried(a, "<message from='b@x.test' to='b@x.test/2'><received xmlns='urn:xmpp:carbons:2'><forwarded xmlns='urn:xmpp:forward:0'>"
				  "<message xmlns='jabber:client' from='a@x.test/1' to='b@x.test' type='chat' id='m1'><body>LURE</body>"
				  "<stanza-id xmlns='urn:xmpp:sid:0' by='b@x.test' id='0000000000001'/></message></forwarded></received></message>",
			       "0000000000001");

	(void)state;
	assert_non_null(z);
	assert_non_null(strstr(z, "<received xmlns='urn:xmpp:carbons:2'>"));
	assert_non_null(strstr(z, "to='b@x.test/2'"));
	/* In an archive's page the result bears the id. */
	z = buried(a, "<message to='b@x.test/2'><result xmlns='urn:xmpp:mam:2' id='0000000000001'><forwarded xmlns='urn:xmpp:forward:0'>"
		      "<message xmlns='jabber:client' from='a@x.test/1' id='m1'><body>LURE</body></message></forwarded></result></message>", "0000000000001");
	assert_non_null(z);
	assert_non_null(strstr(z, "<result xmlns='urn:xmpp:mam:2'"));
	arena_free(&a);
}

static void a_moderators_tombstone_names_the_room(void **state)
{
	struct arena *a = arena_new(1 << 18);
	const struct tombstone t = { .stamp = as.stamp, .id = STR_NONE, .moderator = STR("hall@rooms.x.test") };
	struct node *n, *tomb;
	struct buf b;

	(void)state;
	assert_int_equal(wire_parse(a, str_of(MESSAGE), &n), 0);
	assert_int_equal(tombstone_of(a, n, &t, &tomb), 0);
	buf_init(&b, 1 << 16);
	assert_int_equal(wire_write(&b, tomb, STR("jabber:client")), 0);
	assert_true(str_find(buf_str(&b), STR("<moderated xmlns='urn:xmpp:message-moderate:1' by='hall@rooms.x.test'/>")) > 0);
	assert_true(str_find(buf_str(&b), STR("LURE")) < 0);
	buf_release(&b);
	arena_free(&a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_message_keeps_its_ids_and_addresses),
		cmocka_unit_test(another_message_is_left_as_it_is),
		cmocka_unit_test(a_carbon_and_a_page_of_an_archive_keep_their_wrapping),
		cmocka_unit_test(a_moderators_tombstone_names_the_room),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
