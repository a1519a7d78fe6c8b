/* files.c - see files.h: files are looked at, judged, told of, looked at again, and deleted when their time is over.
 *
 * What is decided is written first and told afterwards. A verdict is written only onto the state it was made for: what an officer, a purge or
 * the end of its time has done meanwhile stays.
 */
#include "core/files.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "core/bot.h"
#include "core/file_key.h"
#include "core/file_parts.h"
#include "core/purge.h"
#include "core/scanner.h"
#include "core/state.h"
#include "crypt/chunk.h"
#include "policy/policy_file.h"

#define LOOK_BYTES (128 * 1024)		/* one row with its lists */
#define SWEEP_BYTES (1u << 20)
#define SWEEP_MS 30000
#define SWEEP_MOST 200				/* files in one transaction */
#define RETRY_MS 2000
#define TOLD_MOST 100				/* people who are told that a file they have is dangerous */

/* --- links ----------------------------------------------------------------------------------------------------------- */

static bool is_plain(unsigned char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_' || c == '~';
}

void files_base(const struct server *srv, struct buf *b)
{
	if (*srv->config->web.url)
		buf_printf(b, "%s/upload/", srv->config->web.url);
	else if (srv->config->listen.https == 443)
		buf_printf(b, "https://%.*s/upload/", STR_FMT(srv->domain));
	else
		buf_printf(b, "https://%.*s:%u/upload/", STR_FMT(srv->domain), srv->config->listen.https);
}

int files_url_write(const struct server *srv, struct str token, struct str name, struct buf *b)
{
	files_base(srv, b);
	buf_str_add(b, token);
	buf_char(b, '/');
	for (size_t i = 0; i < name.n; i++) {
		unsigned char c = (unsigned char)name.p[i];

		if (is_plain(c))
			buf_char(b, (char)c);
		else
			buf_printf(b, "%%%02X", c);
	}
	return b->failed ? ERR_LIMIT : 0;
}

bool files_url(const struct server *srv, struct str url, uint8_t ret_id[VAULT_FILE_ID])
{
	struct buf b;
	bool ours = false;

	buf_init(&b, 2048);
	files_base(srv, &b);
	if (!b.failed && url.n >= b.n + VAULT_FILE_TOKEN && str_eq_nocase(str_make(url.p, b.n), buf_str(&b)))
		ours = vault_file_id(str_make(url.p + b.n, VAULT_FILE_TOKEN), ret_id);
	buf_release(&b);
	return ours;
}

/* --- words ----------------------------------------------------------------------------------------------------------- */

struct str files_sentence(const struct vault_file *f, struct arena *a)
{
	struct str s = STR_NONE;

	switch (f->state) {
	case FILE_IS_SLOT:
		s = arena_printf(a, "The file %.*s has not been uploaded.", STR_FMT(f->name));
		break;
	case FILE_IS_PENDING:
		s = arena_printf(a, "The file %.*s is still being checked.", STR_FMT(f->name));
		break;
	case FILE_IS_HELD:
		s = arena_printf(a, "The file %.*s is held: %.*s. Somebody on duty looks at it.", STR_FMT(f->name), STR_FMT(f->why));
		break;
	case FILE_IS_REFUSED:
		s = arena_printf(a, "The file %.*s is not let through: %.*s.", STR_FMT(f->name), STR_FMT(f->why));
		break;
	case FILE_IS_REVOKED:
		s = arena_printf(a, "The file %.*s was taken back as dangerous: %.*s.", STR_FMT(f->name), STR_FMT(f->why));
		break;
	case FILE_IS_EXPIRED:
		s = arena_printf(a, "The file %.*s is not kept any more.", STR_FMT(f->name));
		break;
	case FILE_IS_SERVED:
	case FILE_IS_CLEANED:
	case FILE_STATES:
		break;
	}
	return s.p ? s : STR_NONE;
}

struct str files_removed(const struct vault_file *f, struct arena *a)
{
	const uint64_t quiet = FACT_BIT(FACT_METADATA) | FACT_BIT(FACT_TRAILING_DATA);	/* every photograph has some */
	struct str s = STR_NONE;

	for (unsigned i = 0; i < FACT_COUNT; i++)
		if (f->removed & ~quiet & FACT_BIT(i)) {
			struct str t = arena_printf(a, "%.*s%s%s", STR_FMT(s), s.n ? "; " : "", file_fact_text(i));

			s = t.p ? t : s;
		}
	return s;
}

/* Without the full stop: it stands within a sentence. */
static struct str reason_of(const struct scan_result *r, unsigned fact, struct arena *a)
{
	struct str s;

	if (fact >= FACT_COUNT)
		return STR("the company's policy does not let files of this kind through");
	for (unsigned i = 0; i < r->n_found && i < FACTS_FOUND; i++)
		if (r->found[i].fact == fact && r->found[i].evidence[0]) {
			s = arena_printf(a, "%s (%s)", file_fact_text(fact), r->found[i].evidence);
			return s.p ? s : STR_NONE;
		}
	return str_of(file_fact_text(fact));
}

/* --- who waits ------------------------------------------------------------------------------------------------------- */

void files_wait(struct server *srv, struct files_wait *w)
{
	list_append(&srv->files->waits, &w->node);
}

void files_unwait(struct files_wait *w)
{
	if (!list_empty(&w->node))
		list_remove(&w->node);
	list_init(&w->node);
}

void files_changed(struct server *srv, const uint8_t id[VAULT_FILE_ID])
{
	struct list mine;

	if (!srv->files)
		return;
	/* What they do may make others wait, or wait no more: each is taken out before it is called. */
	list_init(&mine);
	for (struct list *it = srv->files->waits.next, *next; it != &srv->files->waits; it = next) {
		struct files_wait *w = LIST_ITEM(it, struct files_wait, node);

		next = it->next;
		if (memcmp(w->id, id, VAULT_FILE_ID) != 0)
			continue;
		list_remove(&w->node);
		list_append(&mine, &w->node);
	}
	while (!list_empty(&mine)) {
		struct files_wait *w = LIST_ITEM(mine.next, struct files_wait, node);

		files_unwait(w);
		w->fn(w);
	}
}

/* --- looking --------------------------------------------------------------------------------------------------------- */

/* A file that is being looked at: for the first time, or again. */
struct look {
	struct server *srv;
	struct arena *arena;		/* wiped */
	struct scan_job job;
	struct str owner, name;
	bool again;
	bool had_clean;			/* looked at again: there is a cleaned copy, which stays; of the original it lacks had_removed */
	uint64_t had_removed;
	bool served;			/* as it is */
	struct scan_result *result;	/* job.out, or what stands for it when there was no scan */
	enum vault_file_state to;	/* what policy makes of that, why, and by which rule */
	struct str why, rule, trial;	/* trial: what a rule on trial would have done; empty: nothing */
	struct vault_file file;		/* as written */
	enum vault_file_state before;
	bool changed;
	files_done_fn *done;
	void *ctx;
};

static void look_end(struct look *l, int err)
{
	struct arena *a = l->arena;

	map_take(l->srv->files->looks, str_make((const char *)l->job.id, VAULT_FILE_ID));
	if (l->done)
		l->done(l->ctx, err);
	arena_free(&a);
}

static struct look *look_new(struct server *srv, const struct vault_file *f, bool again)
{
	struct arena *a = map_count(srv->files->looks) < 2 * FILES_PENDING ? arena_new(LOOK_BYTES * 2) : NULL;
	struct look *l;

	if (!a)
		return NULL;
	arena_wipe_on_free(a);
	l = arena_alloc(a, sizeof(*l));
	if (l) {
		*l = (struct look){ .srv = srv, .arena = a, .again = again, .owner = arena_str(a, f->owner), .name = arena_str(a, f->name) };
		list_init(&l->job.node);
		memcpy(l->job.id, f->id, VAULT_FILE_ID);
		memcpy(l->job.key, f->original.key, VAULT_FILE_KEY);
		l->job.size = f->original.size;
		l->job.name = l->name;
		l->job.type = arena_str(a, f->declared);
		l->job.low = again;
		l->had_clean = f->clean.size > 0;
		l->had_removed = f->removed;
		l->served = f->state == FILE_IS_SERVED;
	}
	if (!l || !l->owner.p || !l->name.p || !l->job.type.p || map_put(srv->files->looks, str_make((const char *)l->job.id, VAULT_FILE_ID), l) < 0)
		arena_free(&a);
	return a ? l : NULL;
}

static enum vault_file_state state_of(const struct policy_file_view *v, bool cleaned)
{
	switch (v->act) {
	case FILE_ALLOW:
		return FILE_IS_SERVED;
	case FILE_CLEAN:
		return cleaned ? FILE_IS_CLEANED : FILE_IS_HELD;
	case FILE_HOLD:
		return FILE_IS_HELD;
	case FILE_REFUSE:
		return FILE_IS_REFUSED;
	}
	return FILE_IS_HELD;
}

/* An officer has let it go, and knew what had been seen in it (admin/admin_file.c); or its sender's key has shown what is within. */
static bool was_released(const struct vault_file *f)
{
	for (size_t i = 0; i < f->n_story; i++)
		if ((str_is(f->story[i].by, "operator") || str_is(f->story[i].by, FILE_KEY_BY)) &&
		    (str_starts(f->story[i].what, STR("served")) || str_starts(f->story[i].what, STR("cleaned"))))
			return true;
	return false;
}

/* May a verdict of now be written onto the state that the row has? A second look never makes anything milder that a person has decided. */
static bool takes_verdict(const struct look *l, const struct vault_file *f, enum vault_file_state *to)
{
	if (!l->again)
		return f->state == FILE_IS_PENDING;
	switch (f->state) {
	case FILE_IS_HELD:
		if (file_key_opened(f) && f->facts & ~FACT_BIT(FACT_CIPHERTEXT) && *to < FILE_IS_HELD)
			*to = FILE_IS_HELD;	/* what is within is not seen again */
		return true;
	case FILE_IS_PENDING:
		return true;
	case FILE_IS_SERVED:
	case FILE_IS_CLEANED:
		if (was_released(f) && !(l->result->facts & ~f->facts))
			*to = f->state;
		else if (*to == FILE_IS_HELD || *to == FILE_IS_REFUSED)
			*to = FILE_IS_REVOKED;
		else
			*to = f->state == FILE_IS_SERVED && *to == FILE_IS_CLEANED ? FILE_IS_CLEANED : f->state;
		return true;
	case FILE_IS_SLOT:
	case FILE_IS_REFUSED:
	case FILE_IS_REVOKED:
	case FILE_IS_EXPIRED:
	case FILE_STATES:
		break;
	}
	return false;
}

static int take_found(const struct scan_result *r, struct arena *a, struct vault_file *f)
{
	f->n_found = r->n_found < VAULT_FILE_FOUND ? r->n_found : VAULT_FILE_FOUND;
	f->found = arena_alloc(a, (f->n_found + 1) * sizeof(*f->found));
	for (size_t i = 0; f->found && i < f->n_found; i++)
		f->found[i] = (struct vault_file_found){ .fact = r->found[i].fact, .evidence = str_of(r->found[i].evidence) };
	return f->found ? 0 : ERR_LIMIT;
}

/* What was seen; the cleaned copy of a second look takes the place of the first one's. */
static int take_result(struct look *l, struct vault_file *f)
{
	const struct scan_result *r = l->result;

	f->facts = file_key_opened(f) ? f->facts | r->facts : r->facts;
	f->tlsh = str_of(r->tlsh);
	f->scan_version = r->version;
	f->scanned_ms = clock_wall_ms();
	f->original.type = str_of(r->type);
	memcpy(f->original.sha256, r->sha256, sizeof(f->original.sha256));
	if (r->cleaned) {
		f->removed = r->removed;
		f->clean_suffix = str_of(r->cleaned_suffix);
		f->clean = (struct vault_file_copy){ .size = r->cleaned_n, .type = r->cleaned_type[0] ? str_of(r->cleaned_type) : f->original.type };
		memcpy(f->clean.sha256, r->cleaned_sha256, sizeof(f->clean.sha256));
		memcpy(f->clean.key, r->cleaned_key, sizeof(f->clean.key));
	}
	return take_found(r, l->arena, f);
}

static int audit(struct vault *v, struct look *l, const struct vault_file *f)
{
	char id[VAULT_FILE_ID_TEXT], digest[2][2 * VAULT_FILE_DIGEST + 1];
	struct str text;

	vault_file_id_text(f->id, id);
	for (unsigned i = 0; i < VAULT_FILE_DIGEST; i++) {
		snprintf(digest[0] + 2 * i, 3, "%02x", f->original.sha256[i]);
		snprintf(digest[1] + 2 * i, 3, "%02x", f->clean.sha256[i]);
	}
	/* No name and no evidence: the record is not sealed under the owner's key, and outlives the file. */
	text = arena_printf(l->arena, "{\"file\":\"%s\",\"state\":\"%s\",\"facts\":\"%016llx\",\"sha256\":\"%s\"%s%s%s}", id, vault_file_state_name(f->state),
			    (unsigned long long)f->facts, digest[0], f->clean.size ? ",\"sha256_cleaned\":\"" : "", f->clean.size ? digest[1] : "",
			    f->clean.size ? "\"" : "");
	return text.p ? vault_audit_add(v, f->scanned_ms, STR("file"), text) : ERR_LIMIT;
}

/* Store thread. Runs again from the start when the transaction has to. */
static int verdict_work(struct vault *v, void *ctx)
{
	struct look *l = ctx;
	enum vault_file_state to = l->to;
	struct vault_file f;
	struct str what;
	int r = vault_file_get(v, l->job.id, l->arena, &f);

	l->changed = false;
	if (r < 0)
		return r;
	l->before = f.state;
	if (!takes_verdict(l, &f, &to))
		return 0;
	r = take_result(l, &f);
	f.state = to;
	f.why = to == FILE_IS_SERVED ? STR_NONE : l->why;
	f.rule = l->rule;
	what = f.why.n ? arena_printf(l->arena, "%s: %.*s", vault_file_state_name(to), STR_FMT(f.why)) : str_of(vault_file_state_name(to));
	if (r == 0)
		r = what.p ? vault_file_tell(&f, l->arena, f.scanned_ms, l->again ? STR("a second look") : STR("first look"), what) : ERR_LIMIT;
	if (r == 0 && l->trial.n)
		r = vault_file_tell(&f, l->arena, f.scanned_ms, STR("policy"), l->trial);
	if (r == 0)
		r = vault_file_put(v, &f);
	if (r == 0 && (to != l->before || !l->again))
		r = audit(v, l, &f);
	l->file = f;
	l->changed = to != l->before;
	return r;
}

/* --- told ------------------------------------------------------------------------------------------------------------ */

/* A file that people have, and that is dangerous: everybody of ours who was sent it or has loaded it. */
struct recall {
	struct server *srv;
	struct arena *arena;
	uint8_t id[VAULT_FILE_ID];
	struct str owner, name, why;
	struct vault_file_seen *list[2];
	size_t n[2];
};

static int recall_work(struct vault *v, void *ctx)
{
	struct recall *c = ctx;
	int r = vault_file_seen_list(v, c->id, FILE_SENT, TOLD_MOST, c->arena, &c->list[0], &c->n[0]);

	return r < 0 ? r : vault_file_seen_list(v, c->id, FILE_LOADED, TOLD_MOST, c->arena, &c->list[1], &c->n[1]);
}

static bool told_before(const struct recall *c, unsigned kind, size_t i)
{
	struct str who = c->list[kind][i].who;

	for (unsigned k = 0; k <= kind; k++)
		for (size_t j = 0; j < (k == kind ? i : c->n[k]); j++)
			if (str_eq(c->list[k][j].who, who))
				return true;
	return false;
}

static void recall_done(void *ctx, int err)
{
	struct recall *c = ctx;
	size_t loads = 0;

	for (unsigned k = 0; err == 0 && k < 2; k++)
		for (size_t i = 0; i < c->n[k]; i++) {
			loads += k == 1 ? c->list[k][i].times : 0;
			if (!c->list[k][i].who.n || str_eq(c->list[k][i].who, c->owner) || told_before(c, k, i))
				continue;
			bot_tell(c->srv, c->list[k][i].who, "The file %.*s that %.*s sent you has turned out to be dangerous: %.*s. Its link is dead now. If you "
				 "have loaded it, do not open it, delete it, and write to %.*s.", STR_FMT(c->name), STR_FMT(c->owner), STR_FMT(c->why),
				 STR_FMT(c->srv->helpdesk));
		}
	bot_alert(c->srv, BOT_ALERT_FILE, "A file of %.*s was taken back: %.*s. It had been sent to %zu and loaded %zu times: `wardroom file list --state revoked`.",
		  STR_FMT(c->owner), STR_FMT(c->why), c->n[0], loads);
	arena_free(&c->arena);
}

static void recall(struct server *srv, const struct vault_file *f)
{
	struct arena *a = arena_new(SWEEP_BYTES);
	struct recall *c = a ? arena_alloc(a, sizeof(*c)) : NULL;

	if (c) {
		*c = (struct recall){ .srv = srv, .arena = a, .owner = arena_str(a, f->owner), .name = arena_str(a, f->name), .why = arena_str(a, f->why) };
		memcpy(c->id, f->id, VAULT_FILE_ID);
		if (c->owner.p && c->name.p && c->why.p && server_store(srv, c, recall_work, recall_done) == 0)
			return;
	}
	log_event(LOG_ERROR, "file.recall_not_told");
	arena_free(&a);
}

/* A late verdict: what was delivered with it is taken back from everybody. */
static void purge(struct server *srv, const struct vault_file *f)
{
	struct buf url;

	buf_init(&url, 2048);
	if (f->token.n && files_url_write(srv, f->token, f->name, &url) == 0)
		purge_start(srv, PURGE_LINK, buf_str(&url), "its file has turned out to be dangerous");
	buf_release(&url);
}

static void tell(struct server *srv, const struct vault_file *f)
{
	struct arena *a = arena_new(16384);
	struct str removed = a ? files_removed(f, a) : STR_NONE;
	char id[VAULT_FILE_ID_TEXT];

	vault_file_id_text(f->id, id);
	if (file_key_asks(srv, f)) {
		file_key_ask(srv, f);
	} else if (f->state == FILE_IS_HELD) {
		bot_tell(srv, f->owner, "Your file %.*s is held: %.*s. Nobody can load it until somebody on duty has looked at it.", STR_FMT(f->name),
			 STR_FMT(f->why));
		bot_alert(srv, BOT_ALERT_FILE, "A file of %.*s is held: %.*s. `wardroom file show %s` tells more, `wardroom file release %s` lets it go.",
			  STR_FMT(f->owner), STR_FMT(f->why), id, id);
	} else if (f->state == FILE_IS_REFUSED) {
		bot_tell(srv, f->owner, "Your file %.*s is not let through: %.*s.", STR_FMT(f->name), STR_FMT(f->why));
	} else if (f->state == FILE_IS_REVOKED) {
		bot_tell(srv, f->owner, "Your file %.*s has been taken back: %.*s. Please write to %.*s.", STR_FMT(f->name), STR_FMT(f->why), STR_FMT(srv->helpdesk));
		recall(srv, f);
	} else if (f->state == FILE_IS_CLEANED && removed.n) {
		bot_tell(srv, f->owner, "Your file %.*s was cleaned before others can load it: %.*s. Who gets it gets it without that.%s", STR_FMT(f->name),
			 STR_FMT(removed), f->facts & FACT_BIT(FACT_SIGNED) ? " Its signature does not hold any more." : "");
	}
	arena_free(&a);
}

/* --- the work of one look -------------------------------------------------------------------------------------------- */

static void again_later(struct server *srv);

static void verdict_done(void *ctx, int err)
{
	struct look *l = ctx;
	struct server *srv = l->srv;
	uint8_t id[VAULT_FILE_ID];

	memcpy(id, l->job.id, VAULT_FILE_ID);
	if (err < 0 && err != ERR_NOT_FOUND) {		/* not written: not judged. It is looked at again. */
		srv->metrics.store_failures++;
		log_event(LOG_ERROR, "file.verdict_lost", LOG_Z("why", err_text(err)));
		look_end(l, err);
		again_later(srv);
		return;
	}
	if (err == 0 && l->changed) {
		srv->metrics.files_judged++;
		srv->metrics.files_held += l->file.state == FILE_IS_HELD || l->file.state == FILE_IS_REFUSED;
		tell(srv, &l->file);
		if (l->file.state == FILE_IS_REVOKED)
			purge(srv, &l->file);
	}
	look_end(l, err);
	files_changed(srv, id);
}

static const char *tried(enum file_action act)
{
	return act == FILE_REFUSE ? "refused" : act == FILE_HOLD ? "held" : "cleaned";
}

/* The policy is the loop's: a reload may replace it while the store works. */
static void write_verdict(struct look *l)
{
	const struct policy *p = guard_policy(l->srv->guard);
	const struct scan_result *r = l->result;
	struct policy_file_view view;

	policy_file_of(p, policy_file_sender(p, l->owner), r->facts, r->cleaned ? r->removed : l->had_clean ? l->had_removed : 0, &view);
	l->to = state_of(&view, r->cleaned || l->had_clean);
	l->why = reason_of(r, view.fact, l->arena);
	l->rule = policy_file_by(&view, l->arena);
	if (!l->rule.p)
		l->rule = STR_NONE;
	l->trial = view.would_by ? arena_printf(l->arena, "on trial: %.*s would have it %s", STR_FMT(view.would_by->name), tried(view.would)) : STR_NONE;
	if (server_store(l->srv, l, verdict_work, verdict_done) < 0)
		verdict_done(l, ERR_BUSY);
}

/* There is nobody who looks, or the bytes are not there: what was found is that. */
static void give_up(struct look *l, unsigned fact, const char *evidence)
{
	struct scan_result *r = arena_alloc(l->arena, sizeof(*r));

	if (!r) {
		look_end(l, ERR_NOMEM);
		again_later(l->srv);
		return;
	}
	r->facts = FACT_BIT(fact);
	r->n_found = 1;
	r->found[0].fact = (uint8_t)fact;
	snprintf(r->found[0].evidence, sizeof(r->found[0].evidence), "%s", evidence);
	l->result = r;
	write_verdict(l);
}

static void scanned(struct scan_job *job, int err)
{
	struct look *l = LIST_ITEM(job, struct look, job);
	struct server *srv = l->srv;

	if (err == ERR_NOT_FOUND || err == ERR_CORRUPT) {
		log_event(LOG_ERROR, "file.bytes_lost", LOG_Z("why", err_text(err)));
		give_up(l, FACT_SCAN_FAILED, "its bytes are damaged on this server's disk");
		return;
	}
	if (err < 0) {
		log_event(LOG_WARN, "file.not_looked_at", LOG_Z("why", err_text(err)));
		look_end(l, err);
		again_later(srv);
		return;
	}
	l->result = &job->out;
	write_verdict(l);
}

static int submit(struct look *l)
{
	const struct policy *p = guard_policy(l->srv->guard);

	/* A copy that people may be loading is not written over. */
	l->job.clean_what = l->had_clean || l->served ? 0 : policy_file_cleans(p, policy_file_sender(p, l->owner));
	l->job.done = scanned;
	if (!l->srv->scanner || l->srv->stopping)
		return ERR_BUSY;
	return scanner_submit(l->srv->scanner, &l->job);
}

unsigned files_pending(const struct server *srv)
{
	return srv->files ? (unsigned)map_count(srv->files->looks) : 0;
}

unsigned files_pending_of(const struct server *srv, struct str owner)
{
	struct map_iter it = { 0 };
	unsigned n = 0;
	void *l;

	while (srv->files && map_next(srv->files->looks, &it, NULL, &l))
		n += str_eq(((const struct look *)l)->owner, owner);
	return n;
}

void files_look(struct server *srv, const struct vault_file *f)
{
	struct look *l;

	if (srv->stopping || map_get(srv->files->looks, str_make((const char *)f->id, VAULT_FILE_ID)))
		return;
	l = look_new(srv, f, false);
	if (!l) {
		again_later(srv);
		return;
	}
	if (!srv->scanner)
		give_up(l, FACT_SCAN_FAILED, "nobody looks at files on this server");
	else if (submit(l) < 0) {
		look_end(l, ERR_BUSY);
		again_later(srv);
	}
}

/* --- what is pending and nobody works on: after a start, a full queue, a broken store -------------------------------- */

struct round {
	struct server *srv;
	struct arena *arena;
	struct vault_file *list;
	size_t n;
};

static int pending_work(struct vault *v, void *ctx)
{
	struct round *d = ctx;
	const struct vault_file_query q = { .owner = STR_NONE, .state = FILE_IS_PENDING, .max = SWEEP_MOST };

	return vault_file_list(v, &q, d->arena, &d->list, &d->n);
}

static void pending_done(void *ctx, int err)
{
	struct round *d = ctx;
	struct server *srv = d->srv;
	size_t before = map_count(srv->files->looks);
	bool more = err < 0 || d->n == SWEEP_MOST;

	for (size_t i = 0; err == 0 && i < d->n; i++)
		files_look(srv, &d->list[i]);
	arena_free(&d->arena);
	if (more && map_count(srv->files->looks) >= before)
		again_later(srv);
}

static struct round *round_new(struct server *srv)
{
	struct arena *a = arena_new(SWEEP_MOST * LOOK_BYTES);
	struct round *d;

	if (!a)
		return NULL;
	arena_wipe_on_free(a);
	d = arena_alloc(a, sizeof(*d));
	if (d)
		*d = (struct round){ .srv = srv, .arena = a };
	else
		arena_free(&a);
	return a ? d : NULL;
}

static void on_retry(void *ctx)
{
	struct server *srv = ctx;
	struct round *d = srv->stopping ? NULL : round_new(srv);

	if (d && server_store(srv, d, pending_work, pending_done) < 0) {
		arena_free(&d->arena);
		again_later(srv);
	}
}

static void again_later(struct server *srv)
{
	loop_timer_set(srv->loop, &srv->files->retry, RETRY_MS, on_retry, srv);
}

/* --- again ----------------------------------------------------------------------------------------------------------- */

struct second {
	struct server *srv;
	struct arena *arena;
	uint8_t id[VAULT_FILE_ID];
	struct vault_file file;
	files_done_fn *done;
	void *ctx;
};

static int second_work(struct vault *v, void *ctx)
{
	struct second *s = ctx;

	return vault_file_get(v, s->id, s->arena, &s->file);
}

static void second_read(void *ctx, int err)
{
	struct second *s = ctx;
	struct look *l = NULL;

	if (err == 0 && (s->file.state == FILE_IS_SLOT || s->file.state == FILE_IS_EXPIRED))
		err = ERR_NOT_FOUND;
	if (err == 0)
		l = map_get(s->srv->files->looks, str_make((const char *)s->id, VAULT_FILE_ID)) ? NULL : look_new(s->srv, &s->file, true);
	if (err == 0 && !l)
		err = ERR_BUSY;
	if (l && submit(l) < 0) {
		look_end(l, 0);
		err = ERR_BUSY;
	} else if (l) {
		l->done = s->done;
		l->ctx = s->ctx;
	}
	if (err < 0 && s->done)
		s->done(s->ctx, err);
	arena_free(&s->arena);
}

int files_rescan(struct server *srv, const uint8_t id[VAULT_FILE_ID], files_done_fn *done, void *ctx)
{
	struct arena *a = srv->files && srv->scanner && map_count(srv->files->looks) < FILES_PENDING ? arena_new(LOOK_BYTES) : NULL;
	struct second *s;
	int r;

	if (!a)
		return ERR_BUSY;
	arena_wipe_on_free(a);
	s = arena_alloc(a, sizeof(*s));
	if (!s) {
		arena_free(&a);
		return ERR_NOMEM;
	}
	*s = (struct second){ .srv = srv, .arena = a, .done = done, .ctx = ctx };
	memcpy(s->id, id, VAULT_FILE_ID);
	r = server_store(srv, s, second_work, second_read);
	if (r < 0)
		arena_free(&a);
	return r;
}

/* --- taken back ------------------------------------------------------------------------------------------------------ */

struct revoking {
	struct server *srv;
	struct arena *arena;
	uint8_t id[VAULT_FILE_ID];
	struct str by, why;		/* by empty: somebody else has written it */
	struct vault_file file;
	files_done_fn *done;
	void *ctx;
};

static int revoke_work(struct vault *v, void *ctx)
{
	struct revoking *w = ctx;

	if (!w->by.n)
		return vault_file_get(v, w->id, w->arena, &w->file);
	return vault_file_settle(v, w->id, FILE_IS_REVOKED, clock_wall_ms(), w->by, w->why, w->arena, &w->file);
}

static void revoke_done(void *ctx, int err)
{
	struct revoking *w = ctx;

	if (err < 0 && err != ERR_CONFLICT && err != ERR_NOT_FOUND)
		log_event(LOG_ERROR, "file.not_revoked", LOG_Z("why", err_text(err)));
	else if (err == 0 && !w->by.n && (w->file.state == FILE_IS_SERVED || w->file.state == FILE_IS_CLEANED))
		bot_tell(w->srv, w->file.owner, "Your file %.*s has been let go: send its link again, everybody can load it now.", STR_FMT(w->file.name));
	else if (err == 0)
		tell(w->srv, &w->file);
	files_changed(w->srv, w->id);
	if (w->done)
		w->done(w->ctx, err);
	arena_free(&w->arena);
}

void files_revoke(struct server *srv, const uint8_t id[VAULT_FILE_ID], struct str by, struct str why, files_done_fn *done, void *ctx)
{
	struct arena *a = arena_new(LOOK_BYTES);
	struct revoking *w = NULL;

	if (a) {
		arena_wipe_on_free(a);
		w = arena_alloc(a, sizeof(*w));
	}
	if (w) {
		*w = (struct revoking){ .srv = srv, .arena = a, .by = arena_str(a, by), .why = arena_str(a, why), .done = done, .ctx = ctx };
		memcpy(w->id, id, VAULT_FILE_ID);
		if (w->by.p && w->why.p && server_store(srv, w, revoke_work, revoke_done) == 0)
			return;
	}
	arena_free(&a);
	log_event(LOG_ERROR, "file.not_revoked", LOG_Z("why", err_text(ERR_BUSY)));
	if (done)
		done(ctx, ERR_BUSY);
}

void files_settled(struct server *srv, const uint8_t id[VAULT_FILE_ID])
{
	if (srv->files)
		files_revoke(srv, id, STR_NONE, STR_NONE, NULL, NULL);
}

/* --- the end of their time ------------------------------------------------------------------------------------------- */

struct sweeping {
	struct server *srv;
	struct arena *arena;
	struct vault_file_ids due, orphans;
	char *spool;
	size_t n_gone;
};

static int sweep_work(struct vault *v, void *ctx)
{
	struct sweeping *w = ctx;
	uint64_t now = clock_wall_ms();
	int r = vault_file_due(v, now, SWEEP_MOST, w->arena, &w->due);

	for (size_t i = 0; r == 0 && i < w->due.n; i++)
		r = vault_file_expire(v, w->due.v[i], now, now + FILES_RECORD_MS);
	return r < 0 ? r : vault_file_orphans(v, SWEEP_MOST, w->arena, &w->orphans);
}

static bool removed(const char *spool, const uint8_t id[VAULT_FILE_ID])
{
	static const char *const endings[] = { CHUNK_ORIGINAL, CHUNK_CLEAN, CHUNK_PART };
	char path[CHUNK_PATH];

	for (size_t i = 0; i < sizeof(endings) / sizeof(endings[0]); i++) {
		chunk_path(spool, id, endings[i], path);
		if (unlink(path) < 0 && errno != ENOENT) {
			log_event(LOG_ERROR, "file.not_deleted", LOG_Z("why", strerror(errno)));
			return false;
		}
	}
	return true;
}

/* Store thread: unlinking may wait for the disk. */
static int orphans_work(struct vault *v, void *ctx)
{
	struct sweeping *w = ctx;
	int r = 0;

	w->n_gone = 0;
	for (size_t i = 0; r == 0 && i < w->orphans.n; i++)
		if (removed(w->spool, w->orphans.v[i])) {
			r = vault_file_orphan_gone(v, w->orphans.v[i]);
			w->n_gone++;
		}
	return r;
}

static void on_sweep(void *ctx);

static void sweep_end(struct sweeping *w, bool at_once)
{
	struct server *srv = w->srv;

	arena_free(&w->arena);
	srv->files->sweeping = false;
	loop_timer_set(srv->loop, &srv->files->sweep, at_once ? 0 : SWEEP_MS, on_sweep, srv);
}

static void orphans_done(void *ctx, int err)
{
	struct sweeping *w = ctx;

	sweep_end(w, err == 0 && w->n_gone && (w->orphans.n == SWEEP_MOST || w->due.n == SWEEP_MOST));
}

static void sweep_done(void *ctx, int err)
{
	struct sweeping *w = ctx;

	for (size_t i = 0; err == 0 && i < w->due.n; i++)
		files_changed(w->srv, w->due.v[i]);
	if (err < 0)
		log_event(LOG_ERROR, "file.sweep_failed", LOG_Z("why", err_text(err)));
	if (err < 0 || w->orphans.n == 0 || server_store(w->srv, w, orphans_work, orphans_done) < 0)
		sweep_end(w, false);
}

static void on_sweep(void *ctx)
{
	struct server *srv = ctx;
	struct arena *a = srv->stopping || srv->files->sweeping ? NULL : arena_new(SWEEP_BYTES);
	struct sweeping *w = a ? arena_alloc(a, sizeof(*w)) : NULL;

	if (w) {
		*w = (struct sweeping){ .srv = srv, .arena = a, .spool = arena_dup(a, srv->spool.p, srv->spool.n) };
		srv->files->sweeping = true;
		if (w->spool && server_store(srv, w, sweep_work, sweep_done) == 0)
			return;
		srv->files->sweeping = false;
	}
	arena_free(&a);
	loop_timer_set(srv->loop, &srv->files->sweep, SWEEP_MS, on_sweep, srv);
}

/* --- begin and end --------------------------------------------------------------------------------------------------- */

int files_start(struct server *srv)
{
	struct files *f = calloc(1, sizeof(*f));

	if (!f)
		return ERR_NOMEM;
	f->srv = srv;
	list_init(&f->waits);
	list_init(&f->messages);
	list_init(&f->keys);
	f->looks = map_new(2 * FILES_PENDING);
	f->puts = map_new(FILES_PENDING);
	srv->files = f;
	if (!f->looks || !f->puts)
		return ERR_NOMEM;
	loop_timer_set(srv->loop, &f->retry, 0, on_retry, srv);
	if (srv->spool.n)
		loop_timer_set(srv->loop, &f->sweep, 0, on_sweep, srv);
	file_wait_start(srv);
	return 0;
}

void files_stop(struct server *srv)
{
	struct files *f = srv->files;
	struct map_iter it = { 0 };
	void *v;

	if (!f)
		return;
	loop_timer_cancel(srv->loop, &f->retry);
	loop_timer_cancel(srv->loop, &f->sweep);
	file_wait_stop(srv);
	file_key_stop(srv);
	/* What is looked at stays PENDING on disk: the next start looks at it. */
	while (f->looks && map_next(f->looks, &it, NULL, &v)) {
		struct look *l = v;
		struct arena *a = l->arena;

		arena_free(&a);
	}
	map_free(&f->looks);
	map_free(&f->puts);
	free(f);
	srv->files = NULL;
}
