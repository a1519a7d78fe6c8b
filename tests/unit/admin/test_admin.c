/* test_admin.c - operators' commands over a vault in memory. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "admin/admin.h"
#include "vault/vault.h"

#define BLOB "c2NyYW0tYmxvYg=="		/* admin keeps verifiers as they are; auth reads them */

static int setup(void **state)
{
	struct vault *v;

	if (vault_open_memory(&v) < 0)
		return -1;
	*state = v;
	return 0;
}

static int teardown(void **state)
{
	struct vault *v = *state;

	vault_close(&v);
	return 0;
}

static struct admin_call *ask(struct vault *v, const char *command, json_t *args)
{
	struct admin_call *call = admin_call_new(command, args);

	assert_non_null(call);
	call->domain = "example.test";
	call->instance_dir = ".";
	admin_run(call, v);
	return call;
}

static json_t *good(struct vault *v, const char *command, json_t *args)
{
	struct admin_call *call = ask(v, command, args);
	json_t *reply;

	if (call->err < 0)
		fail_msg("%s: %.*s", command, STR_FMT(call->why));
	reply = json_incref(call->reply);
	admin_call_free(&call);
	assert_null(call);
	return reply;
}

/* The sentence of the refusal holds 'part'. */
static void refused(struct vault *v, const char *command, json_t *args, int err, const char *part)
{
	struct admin_call *call = ask(v, command, args);
	char why[1100];

	assert_int_equal(call->err, err);
	assert_null(call->effects);
	snprintf(why, sizeof(why), "%.*s", STR_FMT(call->why));
	if (!strstr(why, part))
		fail_msg("%s says '%s', which does not hold '%s'", command, why, part);
	admin_call_free(&call);
}

static void add(struct vault *v, const char *jid, const char *role)
{
	json_decref(good(v, "user add", json_pack("{s:s, s:s, s:s}", "jid", jid, "credentials", BLOB, "role", role)));
}

static json_t *who(const char *jid)
{
	return json_pack("{s:s}", "jid", jid);
}

static size_t entries(struct vault *v)
{
	json_t *reply = good(v, "audit list", NULL);
	size_t n = json_array_size(json_object_get(reply, "entries"));

	json_decref(reply);
	return n;
}

static void an_account_is_added_shown_and_listed(void **state)
{
	json_t *reply;

	add(*state, "Ann@Example.Test", "officer");
	reply = good(*state, "user show", who("ann@example.test"));
	assert_string_equal(json_string_value(json_object_get(reply, "jid")), "ann@example.test");
	assert_string_equal(json_string_value(json_object_get(reply, "role")), "officer");
	assert_string_equal(json_string_value(json_object_get(reply, "state")), "active");
	json_decref(reply);
	reply = good(*state, "user list", NULL);
	assert_int_equal(json_array_size(json_object_get(reply, "accounts")), 1);
	json_decref(reply);
}

static void an_account_twice_is_refused_and_the_first_stays(void **state)
{
	add(*state, "ann@example.test", "admin");
	refused(*state, "user add", json_pack("{s:s, s:s}", "jid", "ann@example.test", "credentials", BLOB), ERR_CONFLICT, "user passwd");
	{
		json_t *reply = good(*state, "user show", who("ann@example.test"));

		assert_string_equal(json_string_value(json_object_get(reply, "role")), "admin");
		json_decref(reply);
	}
}

static void addresses_that_are_no_account_of_this_domain_are_refused(void **state)
{
	static const struct { const char *jid, *part; } cases[] = {
		{ "ann@elsewhere.test", "example.test" }, { "ann", "not the address of an account" },
		{ "example.test", "not the address of an account" }, { "ann@example.test/phone", "not the address of an account" },
		{ "", "not the address of an account" }, { "a b@example.test", "not the address of an account" },
		{ "guard@example.test", "reserved" }, { "HelpDesk@example.test", "reserved" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		refused(*state, "user add", json_pack("{s:s, s:s}", "jid", cases[i].jid, "credentials", BLOB), ERR_BAD_REQUEST,
			cases[i].part);
	assert_int_equal(entries(*state), 0);
}

static void an_unknown_role_is_named_with_the_known_ones(void **state)
{
	refused(*state, "user add", json_pack("{s:s, s:s, s:s}", "jid", "ann@example.test", "credentials", BLOB, "role", "boss"),
		ERR_BAD_REQUEST, "staff, helpdesk, officer, auditor, admin");
}

static void an_account_without_a_password_is_refused(void **state)
{
	refused(*state, "user add", who("ann@example.test"), ERR_BAD_REQUEST, "password");
	refused(*state, "user add", json_pack("{s:s, s:s}", "jid", "ann@example.test", "credentials", "%%%"), ERR_BAD_REQUEST, "damaged");
}

static void freezing_says_why_and_tells_the_server(void **state)
{
	struct admin_call *call;
	json_t *reply;

	add(*state, "ann@example.test", "staff");
	call = ask(*state, "user freeze", json_pack("{s:s, s:s}", "jid", "ann@example.test", "reason", "lost laptop"));
	assert_int_equal(call->err, 0);
	assert_non_null(call->effects);
	assert_int_equal(call->effects->kind, EFFECT_ACCOUNT_FROZEN);
	assert_true(str_is(call->effects->subject, "ann@example.test"));
	admin_call_free(&call);
	reply = good(*state, "user show", who("ann@example.test"));
	assert_string_equal(json_string_value(json_object_get(reply, "state")), "frozen");
	assert_string_equal(json_string_value(json_object_get(reply, "reason")), "lost laptop");
	json_decref(reply);
	refused(*state, "user freeze", who("ann@example.test"), ERR_CONFLICT, "frozen already");
	json_decref(good(*state, "user thaw", who("ann@example.test")));
	refused(*state, "user thaw", who("ann@example.test"), ERR_CONFLICT, "active already");
}

static void a_removed_account_is_gone(void **state)
{
	struct admin_call *call;

	add(*state, "ann@example.test", "staff");
	call = ask(*state, "user remove", who("ann@example.test"));
	assert_int_equal(call->err, 0);
	assert_int_equal(call->effects->kind, EFFECT_ACCOUNT_REMOVED);
	admin_call_free(&call);
	refused(*state, "user show", who("ann@example.test"), ERR_NOT_FOUND, "no account ann@example.test");
	refused(*state, "user remove", who("ann@example.test"), ERR_NOT_FOUND, "user list");
}

static void an_import_may_be_repeated(void **state)
{
	json_t *list = json_array(), *reply;

	for (int i = 0; i < 600; i++) {
		char jid[64];

		snprintf(jid, sizeof(jid), "user%d@example.test", i);
		json_array_append_new(list, json_pack("{s:s, s:s}", "jid", jid, "credentials", BLOB));
	}
	reply = good(*state, "user import", json_pack("{s:O}", "accounts", list));
	assert_int_equal(json_integer_value(json_object_get(reply, "added")), 600);
	json_decref(reply);
	reply = good(*state, "user import", json_pack("{s:o}", "accounts", list));
	assert_int_equal(json_integer_value(json_object_get(reply, "added")), 0);
	assert_int_equal(json_integer_value(json_object_get(reply, "existing")), 600);
	json_decref(reply);
	reply = good(*state, "user list", NULL);
	assert_int_equal(json_array_size(json_object_get(reply, "accounts")), 600);
	json_decref(reply);
}

static void an_import_with_one_wrong_line_changes_nothing(void **state)
{
	json_t *list = json_pack("[{s:s, s:s}, {s:s, s:s}]", "jid", "ann@example.test", "credentials", BLOB, "jid", "bob@elsewhere.test",
				 "credentials", BLOB);

	refused(*state, "user import", json_pack("{s:o}", "accounts", list), ERR_BAD_REQUEST, "bob@elsewhere.test");
	refused(*state, "user show", who("ann@example.test"), ERR_NOT_FOUND, "");
}

static void a_command_leaves_one_entry_without_a_password(void **state)
{
	json_t *reply;
	char *text;

	add(*state, "ann@example.test", "staff");
	refused(*state, "user freeze", who("bob@example.test"), ERR_NOT_FOUND, "");
	assert_int_equal(entries(*state), 1);
	reply = good(*state, "audit list", NULL);
	text = json_dumps(reply, 0);
	assert_non_null(strstr(text, "user add"));
	assert_non_null(strstr(text, "ann@example.test"));
	assert_null(strstr(text, BLOB));
	free(text);
	json_decref(reply);
	reply = good(*state, "audit verify", NULL);
	assert_int_equal(json_integer_value(json_object_get(reply, "entries")), 1);
	json_decref(reply);
}

static uint64_t hold(struct vault *v)
{
	struct vault_held h = {
		.when_ms = 1000000, .state = HELD_WAITING, .from = STR("ann@example.test"), .to = STR("bob@example.test"),
		.stanza = STR("<message/>"), .reason = STR("a fourth copy of the same link"), .fingerprint = STR("f1"),
	};

	h.id = vault_next_id(v, h.when_ms);
	assert_int_equal(vault_begin(v), 0);
	assert_int_equal(vault_held_put(v, &h), 0);
	assert_int_equal(vault_commit(v), 0);
	return h.id;
}

static json_t *what(uint64_t id)
{
	char text[VAULT_ID_TEXT];

	vault_id_text(id, text);
	return json_pack("{s:s}", "id", text);
}

static size_t held(struct vault *v, json_t *args)
{
	json_t *reply = good(v, "held list", args);
	size_t n = json_array_size(json_object_get(reply, "held"));

	json_decref(reply);
	return n;
}

static void a_held_message_is_shown_and_released_once(void **state)
{
	uint64_t id = hold(*state);
	struct admin_call *call;
	json_t *reply;

	assert_int_equal(held(*state, NULL), 1);
	assert_int_equal(held(*state, json_pack("{s:s}", "account", "bob@example.test")), 1);
	assert_int_equal(held(*state, json_pack("{s:s}", "account", "cid@example.test")), 0);
	reply = good(*state, "held show", what(id));
	assert_string_equal(json_string_value(json_object_get(reply, "stanza")), "<message/>");
	assert_string_equal(json_string_value(json_object_get(reply, "reason")), "a fourth copy of the same link");
	json_decref(reply);
	call = ask(*state, "held release", what(id));
	assert_int_equal(call->err, 0);
	assert_int_equal(call->effects->kind, EFFECT_HELD_RELEASED);
	admin_call_free(&call);
	assert_int_equal(held(*state, NULL), 0);
	assert_int_equal(held(*state, json_pack("{s:b}", "all", 1)), 1);
	refused(*state, "held release", what(id), ERR_CONFLICT, "released already");
	refused(*state, "held reject", what(id), ERR_CONFLICT, "released already");
}

static void a_held_message_that_is_not_there_is_named(void **state)
{
	refused(*state, "held show", json_pack("{s:s}", "id", "0000000000000"), ERR_NOT_FOUND, "held list");
	refused(*state, "held show", json_pack("{s:s}", "id", "no id"), ERR_NOT_FOUND, "no id");
	refused(*state, "held reject", NULL, ERR_NOT_FOUND, "");
	refused(*state, "why", json_pack("{s:s}", "id", "0000000000000"), ERR_NOT_FOUND, "0000000000000");
}

static void why_tells_the_story_as_it_was_written(void **state)
{
	uint64_t id = hold(*state);
	json_t *reply;

	assert_int_equal(vault_begin(*state), 0);
	assert_int_equal(vault_finding_put(*state, id, STR("{\"decision\":\"hold\",\"findings\":[{\"name\":\"WORM_COPIES\"}]}")), 0);
	assert_int_equal(vault_commit(*state), 0);
	reply = good(*state, "why", what(id));
	assert_string_equal(json_string_value(json_object_get(reply, "decision")), "hold");
	assert_string_equal(json_string_value(json_object_get(reply, "held")), "waiting");
	json_decref(reply);
}

static void an_outbreak_is_shown_as_a_tree_and_lifted(void **state)
{
	static const char *const road[][3] = {
		{ "ann@example.test", "bob@example.test", "delivered" }, { "ann@example.test", "cid@example.test", "delivered" },
		{ "bob@example.test", "dan@example.test", "delivered" }, { "bob@example.test", "eve@example.test", "held" },
	};
	struct vault_outbreak b = { .fingerprint = STR("f1"), .started_ms = 2000000, .contained = true, .json = STR("{}") };
	struct admin_call *call;
	json_t *reply;

	assert_int_equal(vault_begin(*state), 0);
	for (size_t i = 0; i < sizeof(road) / sizeof(road[0]); i++) {
		struct vault_spread s = { .fingerprint = STR("f1"), .from = str_of(road[i][0]), .to = str_of(road[i][1]),
					  .when_ms = 1000000 + i, .outcome = str_of(road[i][2]) };

		s.id = vault_next_id(*state, s.when_ms);
		assert_int_equal(vault_spread_add(*state, &s), 0);
	}
	assert_int_equal(vault_outbreak_put(*state, &b), 0);
	assert_int_equal(vault_commit(*state), 0);
	reply = good(*state, "outbreak show", json_pack("{s:s}", "id", "f1"));
	assert_string_equal(json_string_value(json_object_get(reply, "patient_zero")), "ann@example.test");
	assert_int_equal(json_array_size(json_object_get(reply, "copies")), 4);
	assert_int_equal(json_object_size(json_object_get(reply, "exposures")), 3);
	assert_null(json_object_get(json_object_get(reply, "exposures"), "eve@example.test"));
	json_decref(reply);
	call = ask(*state, "outbreak lift", json_pack("{s:s}", "id", "f1"));
	assert_int_equal(call->err, 0);
	assert_int_equal(call->effects->kind, EFFECT_OUTBREAK_LIFTED);
	admin_call_free(&call);
	refused(*state, "outbreak lift", json_pack("{s:s}", "id", "f1"), ERR_CONFLICT, "lifted already");
	/* What an officer contains is his to lift, also after a restart; what was lifted is nobody's. */
	reply = good(*state, "outbreak contain", json_pack("{s:s}", "id", "f1"));
	assert_string_equal(json_string_value(json_object_get(reply, "contained_by")), "officer");
	json_decref(reply);
	reply = good(*state, "outbreak lift", json_pack("{s:s}", "id", "f1"));
	assert_null(json_object_get(reply, "contained_by"));
	json_decref(reply);
	refused(*state, "outbreak show", json_pack("{s:s}", "id", "f2"), ERR_NOT_FOUND, "f2");
}

static void store(struct vault *v, uint64_t id, const char *from, const char *to)
{
	struct vault_message m = { .id = id, .when_ms = 1000000, .stanza = STR("<message><body>hi</body></message>"), .n_owners = 2,
				   .owners = { { str_of(from), str_of(to) }, { str_of(to), str_of(from) } } };
	struct vault_spread s = { .fingerprint = STR("f1"), .from = str_of(from), .to = str_of(to), .id = id, .when_ms = 1000000,
				  .outcome = STR("delivered") };

	assert_int_equal(vault_begin(v), 0);
	assert_int_equal(vault_archive_add(v, &m), 0);
	assert_int_equal(vault_spread_add(v, &s), 0);
	assert_int_equal(vault_commit(v), 0);
}

static unsigned readable(struct vault *v, const char *owner)
{
	struct vault_query q = { .owner = str_of(owner), .max = 10 };
	struct arena *a = arena_new(1024 * 1024);
	struct vault_page page;
	unsigned n = 0;

	assert_int_equal(vault_archive_page(v, &q, a, &page), 0);
	for (size_t i = 0; i < page.n; i++)
		n += !page.v[i].gone && str_find(page.v[i].stanza, STR("<body>")) >= 0;	/* a tombstone has none */
	arena_free(&a);
	return n;
}

static void a_purge_takes_what_arrived_and_lists_whom_it_reached(void **state)
{
	uint64_t first, second, other;
	json_t *reply;

	add(*state, "ann@example.test", "staff");
	add(*state, "bob@example.test", "staff");
	first = vault_next_id(*state, 1000000);
	second = vault_next_id(*state, 1000000);
	other = vault_next_id(*state, 1000000);
	store(*state, first, "ann@example.test", "bob@example.test");
	store(*state, second, "bob@example.test", "ann@example.test");
	assert_int_equal(readable(*state, "bob@example.test"), 2);
	reply = good(*state, "purge", json_pack("{s:s}", "fingerprint", "f1"));
	assert_int_equal(json_integer_value(json_object_get(reply, "purged")), 2);
	assert_int_equal(json_object_size(json_object_get(reply, "exposures")), 2);
	json_decref(reply);
	assert_int_equal(readable(*state, "bob@example.test"), 0);
	assert_int_equal(readable(*state, "ann@example.test"), 0);
	store(*state, other, "ann@example.test", "bob@example.test");
	{
		char text[VAULT_ID_TEXT];

		vault_id_text(other, text);
		json_decref(good(*state, "purge", json_pack("{s:s}", "stanza-id", text)));
		assert_int_equal(readable(*state, "bob@example.test"), 0);
	}
	refused(*state, "purge", json_pack("{s:s}", "stanza-id", "0000000000000"), ERR_NOT_FOUND, "no archive holds");
	refused(*state, "purge", json_pack("{s:s}", "fingerprint", "f9"), ERR_NOT_FOUND, "f9");
	refused(*state, "purge", NULL, ERR_BAD_REQUEST, "--fingerprint");
}

/* One of several slices, as a running server does it between other pieces of work. */
static void slice(struct vault *v, struct admin_call *call)
{
	assert_int_equal(vault_begin(v), 0);
	assert_int_equal(admin_work(call, v), 0);
	assert_int_equal(vault_commit(v), 0);
}

static void a_purge_that_was_broken_off_goes_on_where_it_was(void **state)
{
	json_t *reply = NULL, *job;
	struct admin_call *call;

	add(*state, "ann@example.test", "staff");
	add(*state, "bob@example.test", "staff");
	for (int i = 0; i < 150; i++)
		store(*state, vault_next_id(*state, 1000000), "ann@example.test", "bob@example.test");
	call = admin_call_new("purge", json_pack("{s:s}", "fingerprint", "f1"));
	call->domain = "example.test";
	/* What a transaction that is undone has written is as if it had never been. */
	assert_int_equal(vault_begin(*state), 0);
	assert_int_equal(admin_work(call, *state), 0);
	vault_rollback(*state);
	slice(*state, call);
	assert_true(call->again && call->effects && call->effects->kind == EFFECT_PURGED);
	admin_call_free(&call);		/* the server was killed */
	reply = good(*state, "purge list", NULL);
	assert_int_equal(json_array_size(json_object_get(reply, "purges")), 1);
	job = json_array_get(json_object_get(reply, "purges"), 0);
	assert_string_equal(json_string_value(json_object_get(job, "state")), "running");
	assert_int_equal(json_integer_value(json_object_get(job, "purged")), 64);
	job = json_pack("{s:O}", "job", json_object_get(job, "id"));
	json_decref(reply);
	reply = good(*state, "purge", json_incref(job));
	assert_int_equal(json_integer_value(json_object_get(reply, "purged")), 150);
	assert_int_equal(json_integer_value(json_object_get(reply, "to_tell")), 150);
	json_decref(reply);
	refused(*state, "purge", job, ERR_CONFLICT, "is done");
}

static void a_second_purge_finds_nothing_more(void **state)
{
	json_t *reply;

	add(*state, "ann@example.test", "staff");
	store(*state, vault_next_id(*state, 1000000), "ann@example.test", "bob@example.test");
	json_decref(good(*state, "purge", json_pack("{s:s}", "fingerprint", "f1")));
	reply = good(*state, "purge", json_pack("{s:s}", "fingerprint", "f1"));
	assert_int_equal(json_object_size(json_object_get(reply, "exposures")), 1);
	json_decref(reply);
}

static void an_unknown_command_is_refused(void **state)
{
	refused(*state, "user explode", NULL, ERR_UNSUPPORTED, "user explode");
	refused(*state, "", NULL, ERR_UNSUPPORTED, "");
}

static void arguments_of_a_wrong_type_are_refused(void **state)
{
	refused(*state, "user show", json_pack("{s:i}", "jid", 7), ERR_BAD_REQUEST, "");
	refused(*state, "user import", json_pack("{s:s}", "accounts", "ann"), ERR_BAD_REQUEST, "");
	refused(*state, "user import", json_pack("{s:[i]}", "accounts", 7), ERR_BAD_REQUEST, "");
	refused(*state, "held show", json_pack("{s:n}", "id"), ERR_NOT_FOUND, "");
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(an_account_is_added_shown_and_listed),
		CASE(an_account_twice_is_refused_and_the_first_stays),
		CASE(addresses_that_are_no_account_of_this_domain_are_refused),
		CASE(an_unknown_role_is_named_with_the_known_ones),
		CASE(an_account_without_a_password_is_refused),
		CASE(freezing_says_why_and_tells_the_server),
		CASE(a_removed_account_is_gone),
		CASE(an_import_may_be_repeated),
		CASE(an_import_with_one_wrong_line_changes_nothing),
		CASE(a_command_leaves_one_entry_without_a_password),
		CASE(a_held_message_is_shown_and_released_once),
		CASE(a_held_message_that_is_not_there_is_named),
		CASE(why_tells_the_story_as_it_was_written),
		CASE(an_outbreak_is_shown_as_a_tree_and_lifted),
		CASE(a_purge_takes_what_arrived_and_lists_whom_it_reached),
		CASE(a_purge_that_was_broken_off_goes_on_where_it_was),
		CASE(a_second_purge_finds_nothing_more),
		CASE(an_unknown_command_is_refused),
		CASE(arguments_of_a_wrong_type_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
