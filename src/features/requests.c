/* requests.c - the bot's answers as commands (XEP-0050): who waits to be let in, and what of one's own is held. For clients that
 * show forms; the words themselves are core/gate_word.c's and core/hold.c's, which answer by the bot. */
#include "core/adhoc.h"
#include "core/gate_word.h"
#include "core/hold_word.h"
#include "core/mod.h"
#include "core/state.h"

#define SHOWN 50			/* requests in a form */

struct asking {
	struct adhoc *c;
	struct vault_request *v;
	size_t n;
};

static const struct { const char *value, *label; } answers[] = {
	{ "accept", "Let him in" }, { "block", "Block him" }, { "report", "Block and report him" },
};

static int list_work(struct vault *v, struct iq *iq)
{
	struct asking *a = iq->data;

	return vault_request_list(v, iq->trip->from.bare, iq->arena, &a->v, &a->n);
}

static int ask(struct asking *a, struct arena *arena)
{
	struct form f;
	int r;

	form_begin(&f, arena, NULL, "form", NULL);
	form_text(&f, "title", "People who want to reach you");
	form_text(&f, "instructions", "You do not know them. Who is let in can write to you from then on.");
	form_field(&f, "list-single", "request", "Who", (struct str){ 0 });
	form_required(&f);
	for (size_t i = 0; i < a->n && i < SHOWN; i++) {
		struct str label = arena_printf(arena, "%u: %.*s", a->v[i].number, STR_FMT(a->v[i].from)), value = arena_printf(arena, "%u", a->v[i].number);

		if (!label.p || !value.p)
			return ERR_LIMIT;
		form_option(&f, label.p, value.p);
	}
	form_field(&f, "list-single", "answer", "What to do", STR("accept"));
	form_required(&f);
	for (size_t i = 0; i < sizeof(answers) / sizeof(answers[0]); i++)
		form_option(&f, answers[i].label, answers[i].value);
	r = form_end(&f);
	return r < 0 ? r : adhoc_ask(a->c, f.x);
}

static int listed(struct iq *iq, int err)
{
	struct asking *a = iq->data;

	if (err < 0)
		return err;
	return a->n ? ask(a, iq->arena) : adhoc_done(a->c, NULL, "Nobody waits to be let in.");
}

static int run_requests(struct adhoc *c)
{
	struct arena *arena = c->iq->arena;
	struct str answer;

	if (c->stage == 0) {
		struct asking *a = arena_alloc(arena, sizeof(*a));

		if (!a)
			return ERR_LIMIT;
		a->c = c;
		c->iq->data = a;
		return iq_store(c->iq, list_work, listed);
	}
	answer = c->form ? form_get(arena, c->form, "answer") : STR_NONE;
	for (size_t i = 0; i < sizeof(answers) / sizeof(answers[0]); i++)
		if (str_is(answer, answers[i].value) && form_get(arena, c->form, "request").n) {
			gate_word_say(c->iq->server, c->iq->trip->from.bare, (enum gate_answer)i, form_get(arena, c->form, "request"));
			return adhoc_done(c, NULL, "Understood; the answer comes as a message.");
		}
	return ERR_BAD_REQUEST;
}

static const char *const words[] = { "confirm", "cancel", NULL };

static const struct adhoc_field held_fields[] = {
	{ "list-single", "answer", "Did you mean to send it?", true, words },
	{ "text-single", "number", "Number of the message", false, NULL },
	{ 0 }
};

static int run_held(struct adhoc *c)
{
	struct arena *a = c->iq->arena;
	struct str answer = form_get(a, c->form, "answer"), id = str_trim(form_get(a, c->form, "number"));

	if (str_is(answer, "confirm"))
		hold_word_say(c->iq->server, c->iq->session, c->iq->trip->from.bare, id, true);
	else if (str_is(answer, "cancel"))
		hold_word_say(c->iq->server, c->iq->session, c->iq->trip->from.bare, id, false);
	else
		return ERR_BAD_REQUEST;
	return adhoc_done(c, NULL, "Understood; the answer comes as a message.");
}

static bool anybody(const struct user *u)
{
	(void)u;
	return true;
}

static const struct adhoc_command commands[] = {
	{ "urn:wardroom:gate#requests", "People who want to reach you", anybody, NULL, NULL, NULL, run_requests },
	{ "urn:wardroom:gate#held", "A message of yours that was held", anybody, NULL, "Without a number the latest one is meant.", held_fields, run_held },
	{ 0 }
};

const struct mod_def mod_requests = { .name = "requests", .commands = commands };
