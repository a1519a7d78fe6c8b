/* test_file_link.c - the files that a stanza brings are found wherever and however their links stand in it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "config/config.h"
#include "core/file_parts.h"
#include "core/state.h"
#include "xmpp/ns.h"

#define TOKEN "0123456789abcdef0123456789abcdef"
#define OURS "https://example.test/upload/"

static struct server srv;
static struct arena *a;

static int set_up(void **st)
{
	(void)st;
	srv = (struct server){ .config = config_default("example.test"), .domain = STR("example.test") };
	a = arena_new(16u << 20);
	if (srv.config)
		srv.config->web.url = "https://example.test";
	return srv.config && a ? 0 : -1;
}

static int tear_down(void **st)
{
	(void)st;
	config_unref(&srv.config);
	arena_free(&a);
	return 0;
}

static struct trip_files look(const char *body, const char *attr)
{
	struct trip_files f = { 0 };
	struct node *m = node_new(a, NS_CLIENT, "message"), *n;

	assert_int_equal(node_set_attr(a, m, "id", STR(TOKEN)), 0);	/* of the stanza: no file */
	assert_non_null(node_add_leaf(a, m, NS_CLIENT, "body", str_of(body)));
	if (attr) {
		n = node_add(a, node_add(a, m, NS_SFS, "file-sharing"), NS_SFS, "source");
		assert_int_equal(node_set_attr(a, n, "target", str_of(attr)), 0);
	}
	assert_int_equal(file_link_search(&srv, a, m, &f), 0);
	return f;
}

static void a_link_of_ours_is_known_as_one_in_any_case_of_its_host(void **st)
{
	uint8_t id[VAULT_FILE_ID];
	struct trip_files f = look("see " OURS TOKEN "/a.txt, please", NULL);

	assert_true(f.n == 1 && f.v[0].linked);
	assert_true(vault_file_id(STR(TOKEN), id));
	assert_memory_equal(f.v[0].id, id, VAULT_FILE_ID);
	f = look("HTTPS://EXAMPLE.test/UPLOAD/" TOKEN, NULL);
	assert_true(f.n == 1 && f.v[0].linked);
	(void)st;
}

static void a_token_is_found_in_other_spellings_but_is_no_link_of_ours_there(void **st)
{
	static const char *const texts[] = {
		TOKEN, "aesgcm://example.test/upload/" TOKEN "/x#00", "https://192.0.2.7:8443/./upload/" TOKEN, "https:\\\\example.test\\upload\\" TOKEN "\\a",
		OURS "%30" "123456789abcdef0123456789abcdef/a", "x" TOKEN "Z",
	};

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct trip_files f = look(texts[i], NULL);

		assert_int_equal(f.n, 1);
		assert_true(!f.v[0].linked || i == 4);
	}
	(void)st;
}

static void what_is_longer_shorter_or_in_capitals_is_none(void **st)
{
	assert_int_equal(look("0123456789abcdef0123456789abcde", NULL).n, 0);
	assert_int_equal(look("0" TOKEN, NULL).n, 0);
	assert_int_equal(look(TOKEN "a", NULL).n, 0);
	assert_int_equal(look("0123456789ABCDEF0123456789ABCDEF", NULL).n, 0);
	assert_int_equal(look("", NULL).n, 0);
	(void)st;
}

static void attributes_count_as_text_does_and_the_same_file_counts_once(void **st)
{
	struct trip_files f = look("text " TOKEN, OURS TOKEN "/a");

	assert_true(f.n == 1 && f.v[0].linked);
	f = look("text", OURS TOKEN "/a");
	assert_true(f.n == 1 && f.v[0].linked);
	(void)st;
}

static const char *many(const char *before, unsigned n)
{
	struct str s = STR_NONE;

	for (unsigned i = 0; i < n; i++)
		s = arena_printf(a, "%.*s %s%032x", STR_FMT(s), before, i);
	return s.p;
}

static void too_many_links_are_too_many_and_a_list_of_digests_is_not(void **st)
{
	struct trip_files f = look(many(OURS, FILES_LINKS), NULL);

	assert_true(f.n == FILES_LINKS && !f.too_many);
	f = look(many(OURS, FILES_LINKS + 1), NULL);
	assert_true(f.too_many);
	f = look(many("", 500), OURS TOKEN);
	assert_true(!f.too_many && f.n <= FILE_LINK_ASKED);
	assert_true(f.v[f.n - 1].linked);		/* the link is not crowded out */
	(void)st;
}

static void a_link_is_written_as_it_is_read(void **st)
{
	uint8_t id[VAULT_FILE_ID], want[VAULT_FILE_ID];
	struct buf b;

	buf_init(&b, 1024);
	assert_int_equal(files_url_write(&srv, STR(TOKEN), STR("a b/\xc3\xbc%.txt"), &b), 0);
	assert_true(str_is(buf_str(&b), OURS TOKEN "/a%20b%2F%C3%BC%25.txt"));
	assert_true(files_url(&srv, buf_str(&b), id) && vault_file_id(STR(TOKEN), want));
	assert_memory_equal(id, want, VAULT_FILE_ID);
	assert_false(files_url(&srv, STR("https://elsewhere.test/upload/" TOKEN), id));
	assert_false(files_url(&srv, STR("https://example.test/upload/x"), id));
	buf_release(&b);
	(void)st;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_link_of_ours_is_known_as_one_in_any_case_of_its_host),
		cmocka_unit_test(a_token_is_found_in_other_spellings_but_is_no_link_of_ours_there),
		cmocka_unit_test(what_is_longer_shorter_or_in_capitals_is_none),
		cmocka_unit_test(attributes_count_as_text_does_and_the_same_file_counts_once),
		cmocka_unit_test(too_many_links_are_too_many_and_a_list_of_digests_is_not),
		cmocka_unit_test(a_link_is_written_as_it_is_read),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
