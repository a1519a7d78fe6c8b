/* test_form.c - a node's options as data forms (pubsub/pubsub_form.h). */
#include "pubsub_world.h"

#include "pubsub/pubsub_form.h"
#include "xmpp/ns.h"

#define FORM(type, inner) "<x xmlns='jabber:x:data' type='submit'><field var='FORM_TYPE'><value>" type "</value></field>" inner "</x>"
#define CONFIG(inner) FORM("http://jabber.org/protocol/pubsub#node_config", inner)
#define OPTIONS(inner) FORM("http://jabber.org/protocol/pubsub#publish-options", inner)
#define F(var, value) "<field var='pubsub#" var "'><value>" value "</value></field>"

static int reads(struct arena *a, const char *form, bool strict, struct pubsub_config *c)
{
	*c = node_named(a, "urn:x")->config;
	return pubsub_form_read(a, xml(a, form), strict, c);
}

static void every_option_is_read(void **st)
{
	struct arena *a = *st;
	struct pubsub_config c;

	assert_int_equal(reads(a, CONFIG(F("access_model", "whitelist") F("publish_model", "open") F("send_last_published_item", "never")
					 F("persist_items", "false") F("max_items", "7") F("item_expire", "3600") F("deliver_payloads", "0")
					 F("notify_retract", "0") F("notification_type", "normal") F("title", "T")), false, &c), 0);
	assert_int_equal(c.n[PUBSUB_ACCESS], ACCESS_WHITELIST);
	assert_int_equal(c.n[PUBSUB_PUBLISH_MODEL], PUBLISH_OPEN);
	assert_int_equal(c.n[PUBSUB_SEND_LAST], LAST_NEVER);
	assert_int_equal(c.n[PUBSUB_PERSIST], 0);
	assert_int_equal(c.n[PUBSUB_MAX_ITEMS], 7);
	assert_int_equal(c.n[PUBSUB_EXPIRE_S], 3600);
	assert_int_equal(c.n[PUBSUB_NOTIFY_RETRACT], 0);
	assert_true(str_is(c.text[PUBSUB_TITLE], "T"));
}

static void wrong_values_are_not_acceptable(void **st)
{
	static const char *const bad[] = {
		CONFIG(F("access_model", "everybody")), CONFIG(F("access_model", "")), CONFIG(F("persist_items", "2")), CONFIG(F("max_items", "-1")),
		CONFIG(F("max_items", "1e3")), CONFIG(F("max_items", "99999999999999999999999")), CONFIG(F("access_model", "everybody")),
		CONFIG("<field var='pubsub#title'><value>a\nb</value></field>"),
	};
	struct arena *a = *st;
	struct pubsub_config c;

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		assert_int_equal(reads(a, bad[i], false, &c), ERR_NOT_ACCEPTABLE);
}

static void what_is_no_such_form_is_refused(void **st)
{
	static const char *const bad[] = {
		FORM("urn:other", F("access_model", "open")), "<x xmlns='jabber:x:data' type='form'/>", "<x xmlns='jabber:x:data'/>",
		CONFIG("<field var='pubsub#access_model'/>"), CONFIG("<field var='pubsub#access_model'><value>open</value><value>roster</value></field>"),
		CONFIG("<field var='pubsub#title'><value>a</value><value>b</value></field>"),
	};
	struct arena *a = *st;
	struct pubsub_config c;

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		assert_int_equal(reads(a, bad[i], false, &c), ERR_BAD_REQUEST);
	assert_int_equal(reads(a, "<x xmlns='jabber:x:data' type='submit'/>", true, &c), ERR_BAD_REQUEST);
}

static void unknown_options_count_where_they_are_preconditions(void **st)
{
	struct arena *a = *st;
	struct pubsub_config c;

	assert_int_equal(reads(a, CONFIG(F("no_such", "1")), false, &c), 0);
	assert_int_equal(reads(a, OPTIONS(F("no_such", "1")), true, &c), ERR_CONFLICT);
	assert_int_equal(reads(a, OPTIONS("<field><value>1</value></field>"), true, &c), ERR_CONFLICT);
	assert_int_equal(reads(a, OPTIONS(F("presence_based_delivery", "1")), true, &c), 0);
}

static void max_is_as_much_as_is_kept(void **st)
{
	struct arena *a = *st;
	struct pubsub_config c;
	bool same = false;

	assert_int_equal(reads(a, CONFIG(F("max_items", "max")), false, &c), 0);
	assert_int_equal(c.n[PUBSUB_MAX_ITEMS], PUBSUB_ITEMS);
	assert_int_equal(pubsub_form_matches(a, xml(a, OPTIONS(F("max_items", "10000000"))), &c, &same), 0);
	assert_true(same);
	assert_int_equal(pubsub_form_matches(a, xml(a, OPTIONS(F("max_items", "10"))), &c, &same), 0);
	assert_false(same);
	assert_int_equal(reads(a, CONFIG(F("max_items", "0")), false, &c), 0);
	assert_int_equal(c.n[PUBSUB_MAX_ITEMS], 1);
}

static void what_is_shown_can_be_sent_back(void **st)
{
	struct arena *a = *st;
	struct pubsub_node *n = node_named(a, "urn:x");
	struct node *parent = node_new(a, NS_PUBSUB_OWNER, "configure"), *x;
	struct pubsub_config c;
	bool same = false;

	n->config.n[PUBSUB_ACCESS] = ACCESS_ROSTER;
	n->config.n[PUBSUB_MAX_ITEMS] = PUBSUB_ITEMS;
	n->config.text[PUBSUB_GROUPS] = STR("one\ntwo words");
	n->config.text[PUBSUB_TITLE] = STR("<&>");
	assert_int_equal(pubsub_form_show(a, parent, &n->config, true), 0);
	x = node_child(parent, NS_XDATA, "x");
	assert_int_equal(node_set_attr(a, x, "type", STR("submit")), 0);
	c = node_named(a, "urn:x")->config;
	assert_int_equal(pubsub_form_read(a, x, false, &c), 0);
	assert_memory_equal(c.n, n->config.n, sizeof(c.n));
	for (size_t i = 0; i < PUBSUB_TEXTS; i++)
		assert_true(str_eq(c.text[i], n->config.text[i]));
	assert_int_equal(pubsub_form_matches(a, xml(a, OPTIONS(F("access_model", "roster"))), &c, &same), 0);
	assert_true(same);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(every_option_is_read),
		CASE(wrong_values_are_not_acceptable),
		CASE(what_is_no_such_form_is_refused),
		CASE(unknown_options_count_where_they_are_preconditions),
		CASE(max_is_as_much_as_is_kept),
		CASE(what_is_shown_can_be_sent_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
