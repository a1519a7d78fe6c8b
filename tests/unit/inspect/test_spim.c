/* The spim inspector: what hides a text is undone, a model is read whole or not at all, what reads like spim is found. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <cmocka.h>

#include "inspect/spim_campaign.h"

#define DAY (24ull * 3600 * 1000)

static struct normal_table *table;
static struct spim *model;

static int setup(void **state)
{
	(void)state;
	table = normal_table_new();
	return table && spim_new(spim_builtin(), &model) == 0 ? 0 : -1;
}

static int teardown(void **state)
{
	(void)state;
	normal_table_free(&table);
	spim_free(&model);
	return 0;
}

/* The words of a text, one blank between them. */
static const char *words(const char *text)
{
	static char ret[4096];
	static struct normal n;
	size_t at = 0;

	normal_text(table, str_of(text), &n);
	for (unsigned i = 0; i < n.n_tokens && at < sizeof(ret) - 200; i++) {
		if (i)
			ret[at++] = ' ';
		at += normal_put(&n, &n.t[i], ret + at, 190);
	}
	ret[at] = '\0';
	return ret;
}

static void what_hides_words_is_undone(void **state)
{
	(void)state;
	assert_string_equal(words("FREE prize"), "free prize");
	assert_string_equal(words("Ｆｒｅｅ　ｐｒｉｚｅ"), "free prize");
	assert_string_equal(words("𝖥𝗋𝖾𝖾 𝗉𝗋𝗂𝗓𝖾"), "free prize");
	assert_string_equal(words("fr\xe2\x80\x8b" "ee pr\xc2\xad" "ize"), "free prize");
	assert_string_equal(words("frее рrizе"), "free prize");		/* Cyrillic е, р */
	assert_string_equal(words("f-r-e-e p.r.i.z.e"), "free prize");
	assert_string_equal(words("win the l o t t e r y"), "win the lottery");
	assert_string_equal(words("fr33 pr1ze m0ney"), "free prize money");
	assert_string_equal(words("freeee prize!!!!!"), "free prize ! !");
	assert_string_equal(words("fr\xcc\xb6" "e\xcc\xa3" "e prïzé"), "free prize");
	assert_string_equal(words("free🔥prize"), "free 🔥 prize");
}

static void defanged_links_are_links(void **state)
{
	static const char *const forms[] = { "http://example.com/a", "hxxp://example.com/a", "example[.]com/a", "example(dot)com/a", "www.example.com/a",
					     "example。com/a", "example dot com/a" };
	static struct normal n;

	(void)state;
	for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
		normal_text(table, str_of(forms[i]), &n);
		assert_int_equal(n.links, 1);
		assert_int_equal(n.n_tokens, 1);
		assert_int_equal(n.t[0].kind, NORMAL_LINK);
	}
	normal_text(table, STR("see sources.list and e.g. node.js; ok.then"), &n);
	assert_int_equal(n.links, 0);
}

static void numbers_keep_their_kind(void **state)
{
	static struct normal n;

	(void)state;
	normal_text(table, STR("call 0906 170 1461 or +1 202 555 0123"), &n);
	assert_int_equal(n.phones, 2);
	normal_text(table, STR("it costs $500 or 20€"), &n);
	assert_int_equal(n.money, 2);
	assert_string_equal(words("at 10pm on the 2nd, x86 and utf8"), "at 00pm on the 0nd x00 and utf0");
	normal_text(table, STR("@bob: lunch?"), &n);
	assert_int_equal(n.names, 0);		/* to whom, at the beginning: nothing */
}

static void an_honest_russian_word_stays_one_word(void **state)
{
	static struct normal n;

	(void)state;
	normal_text(table, STR("я сегодня работаю из дома"), &n);
	assert_int_equal(n.n_tokens, 5);
	assert_int_equal(n.mixed, 0);
	normal_text(table, STR("зарaбoтoк"), &n);		/* Latin a, o */
	assert_true(n.mixed > 0);
}

static void the_longest_text_is_bounded(void **state)
{
	static char big[300001];		/* with its NUL */
	const size_t length = sizeof(big) - 1;
	static struct normal n;

	(void)state;
	for (size_t i = 0; i < length; i++)
		big[i] = "ab c!1"[i % 6];
	normal_text(table, str_make(big, length), &n);
	assert_true(n.cut && n.n <= NORMAL_CHARS && n.n_tokens <= NORMAL_TOKENS);
	memcpy(big + length - 14, " lottery prize", 14);
	normal_text(table, str_make(big, length), &n);
	assert_true(n.n <= NORMAL_CHARS && n.n_tokens <= NORMAL_TOKENS);
	assert_non_null(strstr(words(big + length - 100), "lottery prize"));
}

static void a_damaged_model_is_refused(void **state)
{
	struct str good = spim_builtin();
	char *copy = malloc(good.n);
	struct spim *m = NULL;
	static const size_t places[] = { 0, 8, 12, 20, 28, 57, 64, 5000, SPIM_FILE_BYTES - 1 };

	(void)state;
	assert_int_equal(good.n, SPIM_FILE_BYTES);
	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		memcpy(copy, good.p, good.n);
		copy[places[i]] ^= 1;
		assert_int_equal(spim_new(str_make(copy, good.n), &m), ERR_BAD_FORMAT);
	}
	assert_int_equal(spim_new(str_make(good.p, good.n - 1), &m), ERR_BAD_FORMAT);
	assert_int_equal(spim_new(STR_NONE, &m), ERR_BAD_FORMAT);
	assert_null(m);
	free(copy);
}

static float over(const char *text)
{
	struct spim_view view;

	spim_look(model, str_of(text), &view);
	return view.over;
}

static void what_reads_like_spim_is_found(void **state)
{
	static const char *const texts[] = {
		"Congratulations! You have won a £1000 prize. Call 09061701461 now to claim",
		"URGENT! Your mobile number was awarded a £2000 bonus, call 09066364589 to claim",
		"C0ngr@tul@ti0ns! Y0u h@ve w0n a fr33 pr1ze. C@ll 09061701461 n0w to cl@im",
		"Cоngrаtulаtiоns! Yоu hаve wоn а £1000 prize. Cаll 09061701461 nоw",
		"Удалённая работа, доход от 100$ в день, без опыта, пишите в личные сообщения",
		"Earn $5000 weekly with bitcoin mining, no experience needed, contact the manager https://t.me/profitfx",
		"haha is this really you on this photo? http://pics4you.example/img.php?id=2231",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		if (over(texts[i]) < 0)
			fail_msg("%.2f: %s", (double)over(texts[i]), texts[i]);
}

static void work_is_no_spim(void **state)
{
	static const char *const texts[] = {
		"lunch at 12? the build is green again",
		"can you review https://git.example.org/team/app/merge_requests/42 please",
		"the invoice for $500 was paid yesterday",
		"my number is +1 202 555 0123, call me when you are free",
		"the new release is out: https://www.example.org/releases/2.1 thanks everybody!",
		"Ich arbeite morgen von zu Hause",
		"кто идёт на обед?",
		"[CI] build 4711 of main failed: https://ci.example.org/job/4711",
		"ok", "", "👍", "?",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		if (over(texts[i]) >= 0)
			fail_msg("%.2f: %s", (double)over(texts[i]), texts[i]);
}

static void a_harmless_sentence_behind_it_hides_nothing(void **state)
{
	(void)state;
	assert_true(over("Congratulations! You have won a £1000 prize. Call 09061701461 now to claim. And then we talked about the agenda of the meeting, "
			 "and somebody said that the remote control should have fewer buttons, which I think is right, so let us do that next week") > 0);
}

static void evidence_names_words_and_never_the_text(void **state)
{
	struct subject s = { .from = STR("x@y.example"), .to = STR("a@firm.example"), .body = STR("You have won a £1000 prize, call 09061701461, code hunter2hunter2"),
			     .topic = STR_NONE };
	struct spim_memory mem = { 0 };
	struct spim_view view;
	struct verdict v = { 0 };

	(void)state;
	spim_look(model, s.body, &view);
	spim_campaign_verdict(&s, &view, &mem, 1, 0, DAY, &v);
	assert_int_equal(v.n, 2);
	assert_int_equal(v.f[0].rule, SPIM_CONTENT);
	assert_int_equal(v.f[1].rule, SPIM_UNKNOWN);
	assert_null(strstr(v.f[0].evidence, "0906"));
	assert_null(strstr(v.f[0].evidence, "hunter"));
	s.known = true;
	v.n = 0;
	spim_campaign_verdict(&s, &view, &mem, 1, 0, DAY, &v);
	assert_int_equal(v.n, 1);
}

/* --- campaigns ------------------------------------------------------------------------------------------------------------- */

/* One message of one sender; was it a campaign's? */
static bool sends(struct spim_memory *mem, const char *text, uint32_t to, uint64_t s_, bool known, unsigned answered, unsigned people)
{
	struct subject s = { .body = str_of(text), .known = known, .ts_ms = s_ * 1000, .sender = { .people = people, .answered = answered } };
	struct spim_view view;
	struct verdict v = { 0 };
	bool found = false;

	spim_look(model, s.body, &view);
	spim_campaign_verdict(&s, &view, mem, to, 0, DAY, &v);
	spim_campaign_note(mem, &s, &view, to);
	for (unsigned i = 0; i < v.n; i++)
		found |= v.f[i].rule == SPIM_CAMPAIGN;
	return found;
}

static void the_fourth_copy_to_a_stranger_is_a_campaign(void **state)
{
	struct spim_memory mem = { 0 };
	static const char *const texts[] = { "Good day Mr Miller, we sell furniture for offices, may I send our catalogue?",
					     "Good day Mrs Smith, we sell furniture for offices, may I send our new catalogue?" };

	(void)state;
	for (unsigned i = 0; i < 10; i++)
		assert_int_equal(sends(&mem, texts[i % 2], i, 100 + i, false, 0, i), i >= 3);
	assert_false(sends(&mem, "Could we move the meeting with your colleague to three o'clock", 3, 120, false, 0, 10));
	/* After a day it is forgotten. */
	assert_false(sends(&mem, texts[0], 77, 100 + 2 * 86400, false, 0, 1));
}

static void the_same_person_again_is_no_new_copy(void **state)
{
	struct spim_memory mem = { 0 };

	(void)state;
	for (unsigned i = 0; i < 20; i++)
		assert_false(sends(&mem, "are you there? I would like to talk about the order", 5, 100 + i, false, 0, 1));
}

static void greeting_many_colleagues_is_no_campaign(void **state)
{
	struct spim_memory mem = { 0 };

	(void)state;
	for (unsigned i = 0; i < 50; i++)
		assert_false(sends(&mem, "Happy new year! All the best to you and your family", i, 100 + i, true, 0, i));
}

static void notices_of_a_known_bot_are_no_campaign(void **state)
{
	struct spim_memory mem = { 0 };
	char text[128];

	(void)state;
	for (unsigned i = 0; i < 50; i++) {
		snprintf(text, sizeof(text), "[calendar] Daily stand-up starts in 10 minutes: https://meet.example.org/%u", 1000 + i);
		assert_false(sends(&mem, text, i, 100 + i, true, 0, i));
	}
}

static void who_is_answered_has_a_conversation(void **state)
{
	struct spim_memory mem = { 0 };

	(void)state;
	for (unsigned i = 0; i < 10; i++)
		assert_false(sends(&mem, "hello, I am new in the project and look after the database now", i, 100 + i, false, i - i / 4, i));
}

/* --- learning ------------------------------------------------------------------------------------------------------------------ */

static void reports_teach_within_bounds(void **state)
{
	struct str text = STR("our new garden gnome catalogue is here, order gnomes at gnome street today");
	struct spim *m;
	struct spim_view before, after, other;
	struct buf b;

	(void)state;
	assert_int_equal(spim_new(spim_builtin(), &m), 0);
	spim_look(m, text, &before);
	for (unsigned i = 0; i < 30; i++)
		spim_learn(m, text, true, 1);
	spim_look(m, text, &after);
	assert_true(after.over > before.over + 0.5f);
	assert_true(after.over <= before.over + 2 * SPIM_DELTA_MOST);	/* the whole, and its strongest stretch */
	spim_look(m, STR("lunch at 12? the build is green again"), &other);
	assert_true(other.over < 0);
	/* Kept and read again it is the same; a damaged one is refused whole. */
	buf_init(&b, SPIM_DELTA_BYTES);
	spim_delta_write(m, &b);
	assert_false(b.failed);
	for (unsigned i = 0; i < 300; i++)
		spim_fade(m);
	assert_int_equal(spim_learnt(m), 0);
	spim_look(m, text, &other);
	assert_true(other.over < before.over + 0.01f);
	assert_int_equal(spim_delta_read(m, str_make(b.p, b.n - 1)), ERR_BAD_FORMAT);
	assert_int_equal(spim_learnt(m), 0);
	assert_int_equal(spim_delta_read(m, buf_str(&b)), 0);
	spim_look(m, text, &other);
	assert_true(other.over > after.over - 0.01f && other.over < after.over + 0.01f);
	buf_release(&b);
	spim_free(&m);
}

static void releases_teach_the_other_way(void **state)
{
	struct str text = STR("You have won the award of the month! Call 030 2345 600 to claim your prize");
	struct spim *m;
	struct spim_view before, after, spam;

	(void)state;
	assert_int_equal(spim_new(spim_builtin(), &m), 0);
	spim_look(m, text, &before);
	for (unsigned i = 0; i < 30; i++)
		spim_learn(m, text, false, 1);
	spim_look(m, text, &after);
	assert_true(after.over < before.over);
	/* And nothing is forgotten: what is plainly spim stays that. */
	spim_look(m, STR("URGENT! Your mobile number was awarded a £2000 bonus, call 09066364589 to claim"), &spam);
	assert_true(spam.over > 0);
	spim_learn(m, text, false, -3);
	spim_learn(m, text, true, 0);
	spim_look(m, text, &spam);
	assert_true(spam.over == after.over);
	spim_free(&m);
}

static void learning_never_grows_past_its_places(void **state)
{
	struct spim *m;
	char text[400];
	struct buf b;

	(void)state;
	assert_int_equal(spim_new(spim_builtin(), &m), 0);
	for (unsigned i = 0; i < 2000; i++) {
		size_t n = 0;

		for (unsigned k = 0; k < 20; k++)
			n += (size_t)snprintf(text + n, sizeof(text) - n, "w%cx%c%cy%c ", 'a' + (char)(i % 26), 'a' + (char)(i / 26 % 26), 'a' + (char)k, 'a' + (char)(i / 676));
		spim_learn(m, str_make(text, n), true, 1);
		assert_true(spim_learnt(m) <= SPIM_PLACES);
	}
	buf_init(&b, SPIM_DELTA_BYTES);
	spim_delta_write(m, &b);
	assert_false(b.failed);
	buf_release(&b);
	spim_free(&m);
}

static void a_message_costs_microseconds(void **state)
{
	static const char text[] = "Hi Anna, the build of the release branch is green again; could you have a look at the last merge request?";
	struct timespec a, b;
	struct spim_view view;
	double us;

	(void)state;
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &a);
	for (unsigned i = 0; i < 2000; i++)
		spim_look(model, str_make(text, sizeof(text) - 1), &view);
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &b);
	us = ((double)(b.tv_sec - a.tv_sec) * 1e9 + (double)(b.tv_nsec - a.tv_nsec)) / 2000 / 1000;
	print_message("%.1f us a message of %zu bytes\n", us, sizeof(text) - 1);
	assert_true(us < 200);		/* with sanitizers; docs/detection.md has the real figure */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_hides_words_is_undone),
		cmocka_unit_test(defanged_links_are_links),
		cmocka_unit_test(numbers_keep_their_kind),
		cmocka_unit_test(an_honest_russian_word_stays_one_word),
		cmocka_unit_test(the_longest_text_is_bounded),
		cmocka_unit_test(a_damaged_model_is_refused),
		cmocka_unit_test(what_reads_like_spim_is_found),
		cmocka_unit_test(work_is_no_spim),
		cmocka_unit_test(a_harmless_sentence_behind_it_hides_nothing),
		cmocka_unit_test(evidence_names_words_and_never_the_text),
		cmocka_unit_test(the_fourth_copy_to_a_stranger_is_a_campaign),
		cmocka_unit_test(the_same_person_again_is_no_new_copy),
		cmocka_unit_test(greeting_many_colleagues_is_no_campaign),
		cmocka_unit_test(notices_of_a_known_bot_are_no_campaign),
		cmocka_unit_test(who_is_answered_has_a_conversation),
		cmocka_unit_test(reports_teach_within_bounds),
		cmocka_unit_test(releases_teach_the_other_way),
		cmocka_unit_test(learning_never_grows_past_its_places),
		cmocka_unit_test(a_message_costs_microseconds),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
