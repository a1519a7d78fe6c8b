/* file_link.c - see file_link.h: finds files of ours in stanzas, and says what follows. The wait itself is file_wait.c. */
#include "core/file_link.h"

#include "core/bot.h"
#include "core/file_parts.h"
#include "core/policy_step.h"
#include "core/session.h"
#include "core/state.h"
#include "core/user.h"
#include "inspect/url.h"
#include "policy/policy_file.h"

#define NO_INSPECTION "the message could not be inspected; try again later"

/* --- tokens in a stanza ---------------------------------------------------------------------------------------------- */

static bool is_hex(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
}

struct search {
	struct trip_files *files;
	struct str base;		/* of our links */
	struct arena *a;
};

/* linked: behind the beginning of our links; path: between slashes, as in every spelling of one. */
static void add(struct search *s, struct str token, bool linked, bool path)
{
	struct trip_files *f = s->files;
	uint8_t id[VAULT_FILE_ID];
	unsigned n_linked = 0;

	if (!vault_file_id(token, id))
		return;
	for (unsigned i = 0; i < f->n; i++) {
		n_linked += f->v[i].linked;
		if (memcmp(f->v[i].id, id, VAULT_FILE_ID) == 0) {
			f->v[i].linked |= linked;
			return;
		}
	}
	f->too_many |= linked && n_linked >= FILES_LINKS;
	if (f->n == FILE_LINK_ASKED || (!linked && f->n - n_linked >= FILE_LINK_ASKED - FILES_LINKS)) {
		f->too_many |= path;	/* digits that come first do not hide it */
		return;
	}
	f->v[f->n] = (struct trip_file){ .linked = linked, .name = STR_NONE, .owner = STR_NONE, .sentence = STR_NONE, .gone = STR_NONE };
	memcpy(f->v[f->n++].id, id, VAULT_FILE_ID);
}

static bool is_slash(struct str text, size_t i)
{
	return i < text.n && (text.p[i] == '/' || text.p[i] == '\\');
}

/* Every piece of exactly 32 characters of 0-9 a-f, whatever stands around it: other spellings of a link lead to the same file. */
static void search_text(struct search *s, struct str text)
{
	for (size_t i = 0; i < text.n;) {
		size_t from = i;

		while (i < text.n && is_hex(text.p[i]))
			i++;
		if (i - from == VAULT_FILE_TOKEN) {
			bool linked = from >= s->base.n && str_eq_nocase(str_make(text.p + from - s->base.n, s->base.n), s->base);

			add(s, str_make(text.p + from, VAULT_FILE_TOKEN), linked, from > 0 && is_slash(text, from - 1) && is_slash(text, i));
		}
		i += i == from;
	}
}

/* Browsers pass over tabs and line ends inside of an address. False: there are none, or no memory. */
static bool without_breaks(struct search *s, struct str text, struct str *ret)
{
	size_t n = 0;
	char *p;

	if (str_find_char(text, '\t') < 0 && str_find_char(text, '\n') < 0 && str_find_char(text, '\r') < 0)
		return false;
	p = arena_alloc(s->a, text.n);
	if (!p) {
		s->files->err = ERR_LIMIT;
		return false;
	}
	for (size_t i = 0; i < text.n; i++)
		if (text.p[i] != '\t' && text.p[i] != '\n' && text.p[i] != '\r')
			p[n++] = text.p[i];
	*ret = str_make(p, n);
	return true;
}

static void search_str(struct search *s, struct str text)
{
	size_t n;
	char *p;

	if (text.n < VAULT_FILE_TOKEN)
		return;
	search_text(s, text);
	if (without_breaks(s, text, &text))
		search_text(s, text);
	if (str_find_char(text, '%') < 0)
		return;
	n = text.n;
	p = arena_dup(s->a, text.p, n);
	if (!p)
		s->files->err = ERR_LIMIT;
	else if (url_percent_decode(p, &n))
		search_text(s, str_make(p, n));
}

/* Clients read a text past the elements that stand within it. What is another text's cannot hide a token: each stands behind a slash of its own. */
static void search_joined(struct search *s, const struct node *m)
{
	struct str all = node_deep_text(s->a, m);

	if (!all.p)
		s->files->err = ERR_LIMIT;
	else
		search_str(s, all);
}

static void search_stanza(struct search *s, const struct node *m)
{
	unsigned texts = 0;

	for (const struct node *n = m; n; n = node_walk(m, n)) {
		if (node_is_text(n)) {
			search_str(s, n->text);
			texts++;
			continue;
		}
		for (const struct attr *at = n == m ? NULL : n->attrs; at; at = at->next)
			if (!str_is(at->name, "id"))
				search_str(s, at->value);
	}
	if (texts > 1)
		search_joined(s, m);
}

int file_link_search(struct server *srv, struct arena *a, const struct node *m, struct trip_files *f)
{
	struct search s = { .files = f, .a = a };
	struct buf b;

	buf_init(&b, 2048);
	files_base(srv, &b);
	s.base = buf_str(&b);
	if (b.failed)
		f->err = ERR_LIMIT;
	else
		search_stanza(&s, m);
	buf_release(&b);
	return f->err;
}

/* --- how they are ---------------------------------------------------------------------------------------------------- */

static int read_one(struct vault *v, struct arena *a, struct trip_file *f)
{
	struct arena *tmp = arena_new(256 * 1024);
	struct vault_file row;
	int r = tmp ? vault_file_get(v, f->id, tmp, &row) : ERR_NOMEM;

	f->found = r == 0;
	if (r == 0) {
		f->state = row.state;
		f->facts = row.facts;
		f->removed = row.removed;
		f->name = arena_str(a, row.name);
		f->owner = arena_str(a, row.owner);
		f->sentence = arena_str(a, files_sentence(&row, tmp));
		f->gone = row.state == FILE_IS_CLEANED ? arena_str(a, files_removed(&row, tmp)) : STR_NONE;
		if (!f->name.p || !f->owner.p || !f->sentence.p || !f->gone.p)
			r = ERR_LIMIT;
	}
	if (tmp)
		arena_wipe_on_free(tmp);
	arena_free(&tmp);
	return r == ERR_NOT_FOUND ? 0 : r;
}

int file_link_read(struct vault *v, struct arena *a, struct trip_files *f)
{
	int r = 0;

	for (unsigned i = 0; i < f->n && r == 0; i++)
		r = read_one(v, a, &f->v[i]);
	return r;
}

static int asked_work(struct vault *v, void *ctx)
{
	struct trip *t = ctx;

	return file_link_read(v, t->arena, t->files);
}

/* What is no file of ours is forgotten, unless a link says that it is one. */
static void asked_done(void *ctx, int err)
{
	struct trip *t = ctx;
	struct trip_files *f = t->files;
	unsigned kept = 0;

	f->asked = true;
	f->err = err;
	for (unsigned i = 0; i < f->n; i++)
		if (f->v[i].found || f->v[i].linked)
			f->v[kept++] = f->v[i];
	f->n = kept;
	trip_run(t);
}

bool file_link_is_dead(const struct trip_file *f)
{
	if (!f->found)
		return true;
	return f->state == FILE_IS_HELD || f->state == FILE_IS_REFUSED || f->state == FILE_IS_REVOKED;
}

static bool is_pending(const struct trip_file *f)
{
	return f->found && (f->state == FILE_IS_SLOT || f->state == FILE_IS_PENDING);
}

struct str file_link_sentence(const struct trip_file *f)
{
	return f->found ? f->sentence : STR("The message links to a file that this server does not have.");
}

static enum trip_next refuse_dead(struct trip *t, const struct trip_file *f)
{
	struct str s = arena_printf(t->arena, "%.*s", STR_FMT(file_link_sentence(f)));

	if (trip_is_foreign(t) || !s.p)
		return trip_refuse(t, ERR_POLICY, "The message links to a file that is not let through.");
	return trip_refuse(t, ERR_POLICY, s.p);
}

enum trip_next file_link_find(struct trip *t)
{
	struct trip_files *f = t->files;
	int r;

	if (!t->server->files)
		return TRIP_NEXT;
	if (!f) {
		struct trip_files found = { 0 };

		r = file_link_search(t->server, t->arena, t->stanza, &found);
		if (r == 0 && found.n == 0)
			return TRIP_NEXT;
		f = t->files = arena_alloc(t->arena, sizeof(*f));
		if (r < 0 || !f)
			return trip_refuse(t, ERR_NOMEM, NO_INSPECTION);
		*f = found;
		if (server_store(t->server, t, asked_work, asked_done) < 0)
			return trip_refuse(t, ERR_BUSY, NO_INSPECTION);
		return TRIP_WAIT;
	}
	if (f->err < 0)
		return trip_refuse(t, ERR_BUSY, NO_INSPECTION);
	if (t->origin == TRIP_RELEASE)
		return TRIP_NEXT;	/* somebody has decided */
	if (f->too_many)
		return trip_refuse(t, ERR_POLICY, "The message links to too many files; send them in several messages.");
	for (unsigned i = 0; i < f->n; i++)
		if (file_link_is_dead(&f->v[i]))
			return refuse_dead(t, &f->v[i]);
	return TRIP_NEXT;
}

bool file_link_waits(const struct trip *t)
{
	return t->files && t->files->waits;
}

bool file_link_brings(const struct trip *t)
{
	return t->files && t->files->n > 0;
}

const struct trip_file *file_link_pending(const struct trip_files *f)
{
	for (unsigned i = 0; f && i < f->n; i++)
		if (is_pending(&f->v[i]))
			return &f->v[i];
	return NULL;
}

/* The strictest that the policy asks for of all that were seen in the files, between these two. */
enum file_action file_link_judge(struct server *srv, const struct subject *s, const struct trip_files *f, struct arena *a, struct str *ret_why)
{
	const struct policy *p = guard_policy(srv->guard);
	struct people_pair pair = people_pair_of(&p->people, s);
	enum file_action act = FILE_ALLOW;

	for (unsigned i = 0; i < f->n; i++) {
		const struct trip_file *one = &f->v[i];
		struct policy_file_view view;
		struct str why;

		if (one->state != FILE_IS_SERVED && one->state != FILE_IS_CLEANED)
			continue;
		policy_file_between(p, pair, one->state == FILE_IS_CLEANED ? one->facts & ~one->removed : one->facts, &view);
		if (view.act <= act)
			continue;
		act = view.act == FILE_REFUSE ? FILE_REFUSE : FILE_HOLD;
		why = view.fact < FACT_COUNT ? str_of(file_fact_text(view.fact)) : STR("the company's policy does not let files pass between these two");
		*ret_why = arena_printf(a, "The file %.*s may not go there: %.*s.%s%.*s", STR_FMT(one->name), STR_FMT(why),
					view.by && view.by->reason.n ? " " : "", view.by ? (int)view.by->reason.n : 0, view.by ? view.by->reason.p : "");
		if (!ret_why->p)
			*ret_why = STR("The company's policy does not let this file pass.");
	}
	return act;
}

/* A rule on trial that would have kept it from this receiver: said in the record. */
static void note_trial(struct trip *t, const struct subject *s)
{
	const struct policy *p = guard_policy(t->server->guard);
	struct people_pair pair = people_pair_of(&p->people, s);

	for (unsigned i = 0; i < t->files->n; i++) {
		const struct trip_file *one = &t->files->v[i];
		struct policy_file_view view;
		enum decision would;

		if (one->state != FILE_IS_SERVED && one->state != FILE_IS_CLEANED)
			continue;
		policy_file_between(p, pair, one->state == FILE_IS_CLEANED ? one->facts & ~one->removed : one->facts, &view);
		would = view.would == FILE_REFUSE ? DECISION_REJECT : DECISION_HOLD;
		if (!view.would_by || would <= t->verdict.decision || (t->verdict.differs && would <= t->verdict.would))
			continue;
		t->server->metrics.would += !t->verdict.differs;
		t->verdict.differs = t->judged = true;
		t->verdict.would = would;
		t->verdict.would_by = view.would_by->name;
		memcpy(t->verdict.policy, p->digest, sizeof(t->verdict.policy));
	}
}

static void hold_for_person(struct trip *t)
{
	guard_unreserve(t->server->guard, &t->verdict);
	t->verdict.reserved = false;
	t->verdict.decision = DECISION_HOLD;
	t->verdict.first_hold = t->hold = t->judged = true;
}

enum trip_next file_link_obey(struct trip *t, const struct subject *s)
{
	struct str why = STR_NONE;
	enum file_action act;

	if (!file_link_brings(t) || t->origin == TRIP_RELEASE)
		return TRIP_NEXT;
	act = file_link_judge(t->server, s, t->files, t->arena, &why);
	note_trial(t, s);
	if (act == FILE_REFUSE)
		return policy_step_refuse(t, why.p);
	if (act != FILE_ALLOW) {
		hold_for_person(t);
		return TRIP_NEXT;
	}
	if (!file_link_pending(t->files))
		return TRIP_NEXT;
	if (!file_wait_room(t->server, t->from.bare))
		return trip_refuse(t, ERR_BUSY, "too many messages wait for their files to be checked; try again later");
	t->hold = t->files->waits = true;
	return TRIP_NEXT;
}

enum trip_next file_link_publish(struct trip *t)
{
	enum trip_next next = file_link_find(t);
	const struct trip_file *f = next == TRIP_NEXT ? file_link_pending(t->files) : NULL;
	struct str s;

	if (!f)
		return next;
	s = arena_printf(t->arena, "The file %.*s is still being checked; try again in a moment.", STR_FMT(f->name));
	return trip_refuse(t, ERR_BUSY, s.p ? s.p : NO_INSPECTION);
}

struct str file_link_reason(struct trip *t)
{
	const struct trip_file *f = file_link_pending(t->files);
	struct str s = arena_printf(t->arena, "It waits until the file %.*s has been checked.", STR_FMT(f ? f->name : STR("that it brings")));

	return s.p ? s : STR("It waits until its file has been checked.");
}

/* --- who gets it ----------------------------------------------------------------------------------------------------- */

static void add_sent(struct trip *t, struct str bare)
{
	struct trip_files *f = t->files;

	if (!bare.n || str_eq(bare, t->from.bare) || f->n_sent == FILE_LINK_TOLD)
		return;
	for (unsigned i = 0; i < f->n_sent; i++)
		if (str_eq(f->sent[i], bare))
			return;
	f->sent[f->n_sent] = arena_str(t->arena, bare);
	f->n_sent += f->sent[f->n_sent].p != NULL;
}

void file_link_plan(struct trip *t)
{
	if (!file_link_brings(t) || t->hold)
		return;
	t->files->n_sent = 0;
	t->files->sent = arena_alloc(t->arena, FILE_LINK_TOLD * sizeof(*t->files->sent));
	if (!t->files->sent)
		return;
	add_sent(t, t->to.bare);
	for (const struct copy *c = t->copies; c; c = c->next) {
		const struct session *s = session_find(t->server, c->session_id);

		if (s)
			add_sent(t, s->user->bare);
	}
}

int file_link_work(struct vault *v, struct trip *t)
{
	struct trip_files *f = t->files;
	int r = 0;

	for (unsigned i = 0; i < f->n; i++)
		for (unsigned j = 0; f->v[i].found && j < f->n_sent && r == 0; j++) {
			struct vault_file_seen seen = { .kind = FILE_SENT, .who = f->sent[j], .address = t->from.bare, .last_ms = t->when_ms };

			r = vault_file_seen_add(v, f->v[i].id, &seen);
			if (r == ERR_NOT_FOUND)
				r = 0;		/* it went meanwhile */
		}
	return r;
}

void file_link_delivered(struct trip *t)
{
	struct trip_files *f = t->files;

	for (unsigned i = 0; file_link_brings(t) && i < f->n; i++)
		for (unsigned j = 0; f->v[i].gone.n && j < f->n_sent; j++)
			bot_tell(t->server, f->sent[j], "The file %.*s from %.*s was cleaned before you got it: %.*s. That was removed; the original is kept and "
				 "%.*s can look at it.%s", STR_FMT(f->v[i].name), STR_FMT(t->from.bare), STR_FMT(f->v[i].gone), STR_FMT(t->server->helpdesk),
				 f->v[i].facts & FACT_BIT(FACT_SIGNED) ? " Its signature does not hold any more." : "");
}
