/* gate_word.c - see gate_word.h. Two steps: what is meant is looked up; then one transaction decides it, so that a server that
 * dies in between has either done nothing or finds at its start what is to be delivered (hold_restore()). */
#include "core/gate_word.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/limits.h"
#include "base/log.h"
#include "core/audit.h"
#include "core/bot.h"
#include "core/hold.h"
#include "core/state.h"
#include "core/user.h"
#include "xmpp/ns.h"

#define ARENA_BYTES (16u << 20)

struct said {
	struct server *srv;
	struct arena *arena;
	struct user *user;		/* a reference */
	struct str which, known;	/* known: as it is to be stored */
	enum gate_answer answer;
	bool quiet, several;
	struct vault_request request;
};

static void said_free(struct said *w)
{
	user_unref(&w->user);
	arena_free(&w->arena);
}

/* --- which one ---------------------------------------------------------------------------------------------------------- */

static bool is_it(const struct vault_request *q, struct str which)
{
	uint64_t n, id;

	if (str_to_u64(which, UINT32_MAX, &n))
		return n == q->number;
	if (str_eq_nocase(which, q->from))
		return true;
	for (size_t i = 0; vault_id_parse(which, &id) == 0 && i < q->n; i++)
		if (q->ids[i] == id)
			return true;
	return false;
}

static int find_work(struct vault *v, void *ctx)
{
	struct said *w = ctx;
	struct vault_request *list;
	size_t n;
	int r = vault_request_list(v, w->user->bare, w->arena, &list, &n);

	if (r < 0)
		return r;
	w->several = !w->which.n && n > 1;
	if (w->several)
		return ERR_NOT_FOUND;
	for (size_t i = 0; i < n; i++)
		if (!w->which.n || is_it(&list[i], w->which)) {
			w->request = list[i];
			return 0;
		}
	return ERR_NOT_FOUND;
}

/* --- the decision --------------------------------------------------------------------------------------------------------- */

static const char *const events[] = { "accepted", "blocked", "reported" };

static int settle_work(struct vault *v, void *ctx)
{
	struct said *w = ctx;
	enum vault_held_state state = w->answer == GATE_ACCEPT ? HELD_RELEASED : HELD_REJECTED;
	int r = vault_request_settle(v, w->user->bare, w->request.from, state, w->arena, &w->request);

	if (r == 0 && w->known.n)
		r = vault_item_put(v, w->user->bare, ITEM_KNOWN, STR_NONE, w->known);
	return r;
}

static bool add_ids(const struct said *w, struct arena *a, struct node *report)
{
	for (size_t i = 0; i < w->request.n; i++) {
		char id[VAULT_ID_TEXT];
		struct node *n = node_add(a, report, NS_SID, "stanza-id");

		vault_id_text(w->request.ids[i], id);
		if (!n || node_set_attr(a, n, "by", w->user->bare) < 0 || node_set_attr(a, n, "id", str_of(id)) < 0)
			return false;
	}
	return true;
}

/* As the account's own client would ask for it (XEP-0191, XEP-0377): its devices hear of it in the same way. */
static int block(const struct said *w)
{
	struct arena *a = arena_new(LIMIT_STANZA_BYTES_MAX);
	struct node *iq = a ? node_new(a, NS_CLIENT, "iq") : NULL, *list, *item, *report;
	int r = ERR_NOMEM;

	list = iq ? node_add(a, iq, NS_BLOCKING, "block") : NULL;
	item = list ? node_add(a, list, NS_BLOCKING, "item") : NULL;
	if (item && node_set_attr(a, iq, "type", STR("set")) == 0 && node_set_attr(a, iq, "id", STR("gate")) == 0 &&
	    node_set_attr(a, iq, "from", w->user->bare) == 0 && node_set_attr(a, iq, "to", w->user->bare) == 0)
		r = node_set_attr(a, item, "jid", w->request.from);
	if (r == 0 && w->answer == GATE_REPORT) {
		report = node_add(a, item, NS_REPORTING, "report");
		if (!report || node_set_attr(a, report, "reason", STR("urn:xmpp:reporting:spam")) < 0 || !add_ids(w, a, report))
			r = ERR_NOMEM;
	}
	if (r == 0)
		r = trip_emit(w->srv, iq);
	arena_free(&a);
	return r;
}

static void accepted(const struct said *w)
{
	for (size_t i = 0; i < w->request.n; i++) {
		char id[VAULT_ID_TEXT];

		vault_id_text(w->request.ids[i], id);
		hold_release(w->srv, str_of(id));
	}
	if (w->quiet)
		return;
	if (w->request.n_more)
		bot_tell(w->srv, w->user->bare, "%.*s is let in. %u messages had been too many and were not kept.", STR_FMT(w->request.from),
			 w->request.n_more);
	else
		bot_tell(w->srv, w->user->bare, "%.*s is let in.", STR_FMT(w->request.from));
}

static void settled(void *ctx, int err)
{
	struct said *w = ctx;

	if (err == 0) {
		audit_account(w->srv, events[w->answer], w->user->bare, "a first contact, by its receiver");
		if (w->answer == GATE_ACCEPT)
			accepted(w);
		else if (block(w) == 0)
			bot_tell(w->srv, w->user->bare, w->answer == GATE_BLOCK ? "%.*s is blocked." : "%.*s is blocked and reported.",
				 STR_FMT(w->request.from));
		else
			err = ERR_NOMEM;
	}
	if (err < 0 && !(w->quiet && err == ERR_NOT_FOUND))
		bot_tell(w->srv, w->user->bare, "That could not be done at the moment; please try again.");
	said_free(w);
}

/* Known in memory at once; on disk with the decision. */
static int learn(struct said *w)
{
	struct buf b;
	int r = user_learn(w->user, w->request.from);

	buf_init(&b, LIMIT_VALUE_BYTES);
	if (r == 0)
		r = user_encode_known(w->user, &b);
	if (r == 0)
		w->known = arena_str(w->arena, buf_str(&b));
	buf_release(&b);
	return r == 0 && !w->known.p ? ERR_LIMIT : r;
}

static void found(void *ctx, int err)
{
	struct said *w = ctx;

	if (err == 0 && w->answer == GATE_ACCEPT)
		err = learn(w);
	if (err == 0 && server_store(w->srv, w, settle_work, settled) == 0)
		return;
	if (w->quiet)
		;
	else if (w->several)
		bot_tell(w->srv, w->user->bare, "Several people wait for your answer: add the number, such as \"accept 2\"; \"list\" shows them.");
	else if (err == ERR_NOT_FOUND)
		bot_tell(w->srv, w->user->bare, "There is no request%s.", w->which.n ? " of that number; \"list\" shows those that wait" : " that waits for your answer");
	else
		bot_tell(w->srv, w->user->bare, "That could not be done at the moment; please try again.");
	said_free(w);
}

static void begin(void *ctx, struct user *u, int err)
{
	struct said *w = ctx;

	if (err == 0) {
		w->user = user_ref(u);
		if (server_store(w->srv, w, find_work, found) == 0)
			return;
	}
	said_free(w);
}

static struct said *said_new(struct server *srv, enum gate_answer answer, struct str which)
{
	struct arena *a = arena_new(ARENA_BYTES);
	struct said *w = a ? arena_alloc(a, sizeof(*w)) : NULL;

	if (!w) {
		arena_free(&a);
		return NULL;
	}
	*w = (struct said){ .srv = srv, .arena = a, .answer = answer, .which = arena_str(a, which), .known = STR_NONE };
	if (!w->which.p)
		arena_free(&a);
	return a ? w : NULL;
}

void gate_word_say(struct server *srv, struct str bare, enum gate_answer answer, struct str which)
{
	struct said *w = said_new(srv, answer, which);

	if (w)
		user_get(srv, bare, begin, w);
	else
		bot_tell(srv, bare, "That cannot be done at the moment; please try again.");
}

void gate_word_wrote(struct server *srv, struct user *u, struct str peer)
{
	struct said *w;

	if (user_learn(u, peer) < 0)
		return;			/* he stays unknown: his answer waits as a request */
	user_save_known(u, NULL, NULL);
	w = said_new(srv, GATE_ACCEPT, peer);
	if (w) {
		w->quiet = true;
		begin(w, u, 0);
	}
}
