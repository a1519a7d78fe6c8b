/* test_admin_file.c - an operator's view of uploaded files, and his word on one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "admin/admin.h"
#include "inspect/file_fact.h"
#include "vault/vault_file.h"

struct world { struct vault *v; struct arena *a; };

static int setup(void **state)
{
	struct world *w = calloc(1, sizeof(*w));

	if (!w || vault_open_memory(&w->v) < 0)
		return -1;
	w->a = arena_new(8 << 20);
	*state = w;
	return w->a ? 0 : -1;
}

static int teardown(void **state)
{
	struct world *w = *state;

	vault_close(&w->v);
	arena_free(&w->a);
	free(w);
	return 0;
}

static struct admin_call *ask(struct world *w, const char *command, json_t *args)
{
	struct admin_call *call = admin_call_new(command, args);

	assert_non_null(call);
	call->domain = "example.test";
	call->instance_dir = ".";
	admin_run(call, w->v);
	return call;
}

/* effect: what a running server is told; -1: nothing. */
static json_t *good(struct world *w, const char *command, json_t *args, int effect)
{
	struct admin_call *call = ask(w, command, args);
	json_t *reply;

	if (call->err < 0)
		fail_msg("%s: %.*s", command, STR_FMT(call->why));
	assert_int_equal(call->effects ? (int)call->effects->kind : -1, effect);
	reply = json_incref(call->reply);
	admin_call_free(&call);
	return reply;
}

static void refused(struct world *w, const char *command, json_t *args, const char *part)
{
	struct admin_call *call = ask(w, command, args);
	char why[1100];

	assert_true(call->err < 0 && !call->effects);
	snprintf(why, sizeof(why), "%.*s", STR_FMT(call->why));
	if (!strstr(why, part))
		fail_msg("%s says '%s'", command, why);
	admin_call_free(&call);
}

static json_t *id(const char *text)
{
	return json_pack("{s:s}", "id", text);
}

/* Returns its id. */
static const char *upload(struct world *w, const char *name, enum vault_file_state state, bool cleaned)
{
	static char text[16][VAULT_FILE_ID_TEXT];
	static unsigned n;
	struct vault_file_found found = { FACT_MACRO_AUTO, STR("word/vbaProject.bin: AutoOpen") };
	struct vault_file f = { .owner = STR("anna@example.test"), .created_ms = 1700000000000 + n, .expires_ms = 4000000000000, .state = state,
				.name = str_of(name), .declared = STR("application/msword"), .original = { .size = 1234, .type = STR("application/zip"), .sha256 = { 1, 2 } },
				.facts = FACT_BIT(FACT_MACRO_AUTO), .found = &found, .n_found = 1, .scan_version = 7,
				.scanned_ms = state == FILE_IS_PENDING ? 0 : 1700000001000, .why = STR("it has macros"), .rule = STR("files.macros") };

	f.token = arena_printf(w->a, "eeeeeeeeeeeeeeeeeeeeeeeeeeeeee%02u", n);
	assert_true(vault_file_id(f.token, f.id));
	if (cleaned) {
		f.clean = (struct vault_file_copy){ .size = 1000, .type = STR("application/zip"), .sha256 = { 3 } };
		f.removed = f.facts;
	}
	assert_int_equal(vault_file_tell(&f, w->a, 1700000000000, STR("policy"), STR("held: it has macros")), 0);
	assert_int_equal(vault_begin(w->v), 0);
	assert_int_equal(vault_file_put(w->v, &f), 0);
	assert_int_equal(vault_commit(w->v), 0);
	vault_file_id_text(f.id, text[n]);
	return text[n++];
}

static const char *of(json_t *o, const char *key)
{
	const char *s = json_string_value(json_object_get(o, key));

	return s ? s : "";
}

static void files_are_listed_and_chosen_by_state_and_owner(void **st)
{
	struct world *w = *st;
	json_t *r;

	upload(w, "a.docm", FILE_IS_HELD, false);
	upload(w, "b.pdf", FILE_IS_SERVED, false);
	upload(w, "c.pdf", FILE_IS_SLOT, false);
	r = good(w, "file list", json_object(), -1);
	assert_int_equal(json_array_size(json_object_get(r, "files")), 2);
	json_decref(r);
	r = good(w, "file list", json_pack("{s:s}", "state", "held"), -1);
	assert_int_equal(json_array_size(json_object_get(r, "files")), 1);
	assert_string_equal(of(json_array_get(json_object_get(r, "files"), 0), "name"), "a.docm");
	assert_string_equal(json_string_value(json_array_get(json_object_get(json_array_get(json_object_get(r, "files"), 0), "facts"), 0)), "MACRO_AUTO");
	json_decref(r);
	r = good(w, "file list", json_pack("{s:s}", "account", "ben@example.test"), -1);
	assert_int_equal(json_array_size(json_object_get(r, "files")), 0);
	json_decref(r);
	refused(w, "file list", json_pack("{s:s}", "state", "gone"), "there is no state 'gone'");
}

static void a_file_is_shown_with_facts_story_and_who_has_it_and_never_its_link(void **st)
{
	struct world *w = *st;
	const char *one = upload(w, "a.docm", FILE_IS_CLEANED, true);
	struct vault_file_seen sent = { FILE_SENT, STR("ben@example.test"), STR("anna@example.test"), 1, 1700000002000, 1 };
	struct vault_file_seen loaded = { FILE_LOADED, STR(""), STR("192.0.2.7"), 1, 1700000003000, 1 };
	uint8_t raw[VAULT_FILE_ID];
	json_t *r;
	char *all;

	assert_int_equal(vault_file_id_parse(str_of(one), raw), 0);
	assert_int_equal(vault_begin(w->v), 0);
	assert_int_equal(vault_file_seen_add(w->v, raw, &sent), 0);
	assert_int_equal(vault_file_seen_add(w->v, raw, &loaded), 0);
	assert_int_equal(vault_commit(w->v), 0);
	r = good(w, "file show", id(one), -1);
	assert_string_equal(of(json_array_get(json_object_get(r, "found"), 0), "evidence"), "word/vbaProject.bin: AutoOpen");
	assert_string_equal(of(json_array_get(json_object_get(r, "found"), 0), "class"), "macros");
	assert_string_equal(of(json_array_get(json_object_get(r, "sent_to"), 0), "who"), "ben@example.test");
	assert_string_equal(of(json_array_get(json_object_get(r, "downloads"), 0), "address"), "192.0.2.7");
	assert_string_equal(of(json_array_get(json_object_get(r, "story"), 0), "by"), "policy");
	assert_int_equal(json_integer_value(json_object_get(json_object_get(r, "clean"), "size")), 1000);
	assert_string_equal(of(r, "rule"), "files.macros");
	all = json_dumps(r, 0);
	assert_null(strstr(all, "eeeeeeeeeeeeee"));
	free(all);
	json_decref(r);
	refused(w, "file show", id("ffffffffffffffffffffffffffffffff"), "there is no file");
	refused(w, "file show", id("../../etc/passwd"), "there is no file");
}

static void a_held_file_is_released_cleaned_or_as_it_is(void **st)
{
	struct world *w = *st;
	const char *plain = upload(w, "a", FILE_IS_HELD, false), *cleaned = upload(w, "b", FILE_IS_HELD, true), *again = upload(w, "c", FILE_IS_HELD, true);
	json_t *r = good(w, "file release", json_pack("{s:s, s:s}", "id", plain, "reason", "asked Anna"), EFFECT_FILE);

	assert_string_equal(of(r, "state"), "served");
	json_decref(r);
	r = good(w, "file release", id(cleaned), EFFECT_FILE);
	assert_string_equal(of(r, "state"), "cleaned");
	json_decref(r);
	r = good(w, "file release", json_pack("{s:s, s:b}", "id", again, "original", 1), EFFECT_FILE);
	assert_string_equal(of(r, "state"), "served");
	json_decref(r);
	r = good(w, "file show", id(plain), -1);
	assert_string_equal(of(json_array_get(json_object_get(r, "story"), 1), "by"), "operator");
	assert_non_null(strstr(of(json_array_get(json_object_get(r, "story"), 1), "what"), "asked Anna"));
	json_decref(r);
	refused(w, "file release", id(plain), "can be downloaded already");
	refused(w, "file release", id(upload(w, "d", FILE_IS_PENDING, false)), "nobody has looked at this file yet");
}

static void messages_that_were_stopped_with_the_file_go_with_it(void **st)
{
	struct world *w = *st;
	const char *one = upload(w, "a.docm", FILE_IS_HELD, false);
	uint8_t raw[VAULT_FILE_ID];
	struct vault_file f;
	struct vault_held h = { .when_ms = 1700000002000, .state = HELD_REJECTED, .from = STR("anna@example.test/desk"), .to = STR("ben@example.test"), .fingerprint = STR_NONE };
	json_t *r;

	assert_int_equal(vault_file_id_parse(str_of(one), raw), 0);
	assert_int_equal(vault_file_get(w->v, raw, w->a, &f), 0);
	assert_int_equal(vault_begin(w->v), 0);
	for (unsigned i = 0; i < 3; i++) {
		h.id = vault_next_id(w->v, h.when_ms);
		h.reason = i == 1 ? STR("the same link or file goes to many people") : STR("The file a.docm is held: it has macros. Somebody on duty looks at it.");
		h.stanza = i == 2 ? STR("<message/>") : arena_printf(w->a, "<message><body>https://x/upload/%.*s/a</body></message>", STR_FMT(f.token));
		assert_int_equal(vault_held_put(w->v, &h), 0);
	}
	assert_int_equal(vault_commit(w->v), 0);
	r = good(w, "file release", id(one), EFFECT_FILE);
	assert_int_equal(json_array_size(json_object_get(r, "messages")), 1);
	json_decref(r);
}

static void a_file_that_is_to_be_looked_at_again_is_of_no_version(void **st)
{
	struct world *w = *st;
	const char *one = upload(w, "a", FILE_IS_SERVED, false);
	struct vault_file f;
	uint8_t raw[VAULT_FILE_ID];
	struct str when;
	json_t *r = good(w, "file rescan", id(one), EFFECT_FILE_RESCAN);

	json_decref(r);
	assert_int_equal(vault_file_id_parse(str_of(one), raw), 0);
	assert_int_equal(vault_file_get(w->v, raw, w->a, &f), 0);
	assert_true(f.scan_version == 0 && f.state == FILE_IS_SERVED);
	r = good(w, "file rescan", json_object(), EFFECT_FILE_RESCAN);
	json_decref(r);
	assert_int_equal(vault_item_get(w->v, STR("example.test"), ITEM_FILES, STR("rescan"), w->a, &when), 0);
	assert_true(when.n > 10);
	refused(w, "file rescan", id(upload(w, "b", FILE_IS_SLOT, false)), "there are no bytes");
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(files_are_listed_and_chosen_by_state_and_owner),
		TEST(a_file_is_shown_with_facts_story_and_who_has_it_and_never_its_link),
		TEST(a_held_file_is_released_cleaned_or_as_it_is),
		TEST(messages_that_were_stopped_with_the_file_go_with_it),
		TEST(a_file_that_is_to_be_looked_at_again_is_of_no_version),
	};

	return cmocka_run_group_tests_name("admin/admin_file", tests, NULL, NULL);
}
