/* file_key.c - see file_key.h.
 *
 * RULE: a key lies in memory that is wiped (arena, job), never in a row, a log or an answer.
 */
#include "core/file_key.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/secret.h"
#include "core/bot.h"
#include "core/file_parts.h"
#include "core/hold.h"
#include "core/scanner.h"
#include "core/state.h"
#include "core/user.h"
#include "inspect/transfer.h"
#include "policy/policy_file.h"
#include "xmpp/ns.h"

#define LOOK_BYTES (4u << 20)		/* a row with its lists, and messages that are let go */
#define FRAGMENT 88			/* hexadecimal digits: the shorter IV and the key */
#define MESSAGES 200			/* that are let go with a file */
#define TAKEN "[the link of an encrypted file; its key was not kept]"

/* --- the link in a message --------------------------------------------------------------------------------------------- */

static bool is_hex(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

static bool is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/* "aesgcm:", or a '#' with as many digits as a key has. */
static bool has_key(struct str s)
{
	for (size_t i = 0; i < s.n; i++) {
		size_t n = 0;

		if (s.n - i >= 7 && str_eq_nocase(str_make(s.p + i, 7), STR("aesgcm:")))
			return true;
		while (s.p[i] == '#' && i + 1 + n < s.n && n < FRAGMENT && is_hex(s.p[i + 1 + n]))
			n++;
		if (n == FRAGMENT)
			return true;
	}
	return false;
}

/* "SCHEME://HOST/upload/TOKEN/NAME#IVKEY" in one word. */
static bool read_word(struct str w, struct arena *a, uint8_t id[VAULT_FILE_ID], struct transfer_key *key)
{
	ptrdiff_t path = str_find(w, STR("/upload/")), at = str_find_char(w, '#');
	struct str s = STR_NONE;
	size_t n = 0, from = (size_t)at + 1;

	if (path < 0 || at < path || w.n < (size_t)path + 8 + VAULT_FILE_TOKEN || !vault_file_id(str_make(w.p + path + 8, VAULT_FILE_TOKEN), id))
		return false;
	while (from + n < w.n && is_hex(w.p[from + n]))
		n++;
	s = arena_printf(a, "aesgcm://x#%.*s", (int)n, w.p + from);
	return s.p && transfer_key_of(s, key);
}

static bool read_text(struct str s, struct arena *a, uint8_t id[VAULT_FILE_ID], struct transfer_key *key)
{
	for (size_t i = 0; i < s.n;) {
		size_t from = i;

		while (i < s.n && !is_space(s.p[i]))
			i++;
		if (i > from && read_word(str_make(s.p + from, i - from), a, id, key))
			return true;
		i += i == from;
	}
	return false;
}

/* Returns whether anything in it may be a key; *ret_found: one that can be used. */
static int search(const struct node *m, struct arena *a, bool *ret_found, uint8_t id[VAULT_FILE_ID], struct transfer_key *key)
{
	struct str all = node_deep_text(a, m);
	bool any;

	*ret_found = false;
	if (!all.p && node_first_element(m))
		return ERR_NOMEM;
	any = has_key(all);
	for (const struct node *n = m; n; n = node_walk(m, n)) {
		if (node_is_text(n) && has_key(n->text)) {
			any = true;
			*ret_found = *ret_found || read_text(n->text, a, id, key);
		}
		for (const struct attr *at = node_is_text(n) ? NULL : n->attrs; at; at = at->next)
			if (has_key(at->value)) {
				any = true;
				*ret_found = *ret_found || read_text(at->value, a, id, key);
			}
	}
	return any;
}

/* --- one look ------------------------------------------------------------------------------------------------------------ */

struct key_look {
	struct list node;
	struct server *srv;
	struct arena *arena;		/* wiped */
	struct scan_job job;
	struct str owner;
	struct vault_file file;
	struct scan_result *result;
	enum vault_file_state to;
	struct str why, rule;
	bool changed;
	char (*messages)[VAULT_ID_TEXT];	/* that go on with it */
	unsigned n_messages;
};

static void end(struct key_look *k)
{
	struct arena *a = k->arena;

	list_remove(&k->node);
	k->srv->files->n_keys--;
	arena_free(&a);
}

bool file_key_opened(const struct vault_file *f)
{
	for (size_t i = 0; i < f->n_story; i++)
		if (str_is(f->story[i].by, FILE_KEY_BY))
			return true;
	return false;
}

bool file_key_asks(const struct server *srv, const struct vault_file *f)
{
	const struct policy *p = guard_policy(srv->guard);

	return f->state == FILE_IS_HELD && policy_file_asks_key(p, policy_file_sender(p, f->owner), f->facts);
}

void file_key_ask(struct server *srv, const struct vault_file *f)
{
	bot_tell(srv, f->owner, "Your file %.*s is encrypted, and this company looks into files before anybody can load them: answer me with the file's link "
		 "as your client shows it (aesgcm://...#...); its key is used for this check alone and kept nowhere. Until then the file is held.",
		 STR_FMT(f->name));
}

/* Messages that failed because of it while it was held: as when an officer lets it go (admin/admin_file.c). */
static int release_messages(struct vault *v, struct key_look *k)
{
	struct str begins = arena_printf(k->arena, "The file %.*s is held:", STR_FMT(k->file.name));
	struct vault_held *held;
	size_t n = 0;
	int r = begins.p ? vault_held_list(v, k->owner, HELD_REJECTED, MESSAGES, k->arena, &held, &n) : ERR_NOMEM;

	k->messages = arena_alloc(k->arena, (n + 1) * sizeof(*k->messages));
	if (r == 0 && !k->messages)
		r = ERR_LIMIT;
	for (size_t i = 0; r == 0 && i < n; i++) {
		if (!str_starts(held[i].reason, begins) || str_find(held[i].stanza, k->file.token) < 0)
			continue;
		held[i].state = HELD_RELEASED;
		r = vault_held_put(v, &held[i]);
		vault_id_text(held[i].id, k->messages[k->n_messages++]);
	}
	return r;
}

static int add_found(struct key_look *k, struct vault_file *f)
{
	const struct scan_result *r = k->result;
	struct vault_file_found *all = arena_alloc(k->arena, VAULT_FILE_FOUND * sizeof(*all));
	size_t n = f->n_found;

	if (!all)
		return ERR_LIMIT;
	memcpy(all, f->found, n * sizeof(*all));
	for (size_t i = 0; i < r->n_found && n < VAULT_FILE_FOUND; i++)
		all[n++] = (struct vault_file_found){ .fact = r->found[i].fact, .evidence = str_of(r->found[i].evidence) };
	f->found = all;
	f->n_found = n;
	f->facts |= r->facts;
	return 0;
}

static int audit(struct vault *v, struct key_look *k, uint64_t now)
{
	char id[VAULT_FILE_ID_TEXT];
	struct str text;

	vault_file_id_text(k->file.id, id);
	text = arena_printf(k->arena, "{\"file\":\"%s\",\"state\":\"%s\",\"facts\":\"%016llx\",\"by\":\"key\"}", id, vault_file_state_name(k->to),
			    (unsigned long long)k->file.facts);
	return text.p ? vault_audit_add(v, now, STR("file"), text) : ERR_LIMIT;
}

/* Store thread. Only onto the state that it was looked at in. */
static int verdict_work(struct vault *v, void *ctx)
{
	struct key_look *k = ctx;
	struct vault_file *f = &k->file;
	uint64_t now = clock_wall_ms();
	struct str what;
	int r = vault_file_get(v, k->job.id, k->arena, f);

	k->changed = false;
	k->n_messages = 0;
	if (r < 0 || f->state != FILE_IS_HELD || f->facts != FACT_BIT(FACT_CIPHERTEXT))
		return r;
	what = k->to == FILE_IS_SERVED ? STR("served: looked into with the sender's key, and nothing of weight was found") :
	       arena_printf(k->arena, "%s: looked into with the sender's key: %.*s", vault_file_state_name(k->to), STR_FMT(k->why));
	r = what.p ? add_found(k, f) : ERR_LIMIT;
	f->state = k->to;
	f->why = k->to == FILE_IS_SERVED ? STR_NONE : k->why;
	f->rule = k->rule;
	if (r == 0)
		r = vault_file_tell(f, k->arena, now, STR(FILE_KEY_BY), what);
	if (r == 0)
		r = vault_file_put(v, f);
	if (r == 0)
		r = audit(v, k, now);
	if (r == 0 && k->to == FILE_IS_SERVED)
		r = release_messages(v, k);
	k->changed = true;
	return r;
}

static void tell(struct key_look *k)
{
	struct server *srv = k->srv;
	char id[VAULT_FILE_ID_TEXT];

	vault_file_id_text(k->file.id, id);
	if (k->to == FILE_IS_SERVED) {
		bot_tell(srv, k->owner, "Your file %.*s was looked into with your key and let go: everybody who has its link can load it now. The key was not kept.",
			 STR_FMT(k->file.name));
		return;
	}
	bot_tell(srv, k->owner, "Your file %.*s was looked into with your key; the key was not kept. It %s: %.*s.", STR_FMT(k->file.name),
		 k->to == FILE_IS_HELD ? "stays held" : "is not let through", STR_FMT(k->why));
	bot_alert(srv, BOT_ALERT_FILE, "An encrypted file of %.*s was looked into with its key: %.*s. `wardroom file show %s` tells more.", STR_FMT(k->owner),
		  STR_FMT(k->why), id);
}

static void verdict_done(void *ctx, int err)
{
	struct key_look *k = ctx;
	struct server *srv = k->srv;
	uint8_t id[VAULT_FILE_ID];

	memcpy(id, k->job.id, VAULT_FILE_ID);
	if (err < 0) {
		bot_tell(srv, k->owner, "Your file was looked into, and I could not write down what came of it; it stays held. Please try again later.");
	} else if (k->changed) {
		tell(k);
		for (unsigned i = 0; i < k->n_messages; i++)
			hold_go_on(srv, str_of(k->messages[i]));
	}
	end(k);
	if (err == 0)
		files_changed(srv, id);
}

static struct str reason_of(struct key_look *k, unsigned fact)
{
	struct str s = STR_NONE;

	if (fact >= FACT_COUNT)
		return STR("the company's policy does not let files of this kind through");
	for (unsigned i = 0; i < k->result->n_found && !s.n; i++)
		if (k->result->found[i].fact == fact && k->result->found[i].evidence[0])
			s = arena_printf(k->arena, "%s (%s)", file_fact_text(fact), k->result->found[i].evidence);
	return s.n ? s : str_of(file_fact_text(fact));
}

/* There is no cleaned copy: what policy would clean is held. */
static void judge(struct key_look *k)
{
	const struct policy *p = guard_policy(k->srv->guard);
	struct policy_file_view view;

	policy_file_of(p, policy_file_sender(p, k->owner), k->result->facts, 0, &view);
	k->to = view.act == FILE_ALLOW ? FILE_IS_SERVED : view.act == FILE_REFUSE ? FILE_IS_REFUSED : FILE_IS_HELD;
	k->why = reason_of(k, view.fact);
	k->rule = policy_file_by(&view, k->arena);
	if (!k->rule.p)
		k->rule = STR_NONE;
	if (server_store(k->srv, k, verdict_work, verdict_done) < 0)
		verdict_done(k, ERR_BUSY);
}

static void looked(struct scan_job *job, int err)
{
	struct key_look *k = LIST_ITEM(job, struct key_look, job);
	struct str name = k->file.name;

	k->result = &job->out;
	if (err == 0 && !(job->out.facts & (FACT_BIT(FACT_SCAN_FAILED) | FACT_BIT(FACT_SCAN_TIMEOUT)))) {
		judge(k);
		return;
	}
	if (err == ERR_FORBIDDEN)
		bot_tell(k->srv, k->owner, "The key in that link does not fit the file %.*s: it stays held. Please copy the whole link, with all "
			 "that stands behind the #.", STR_FMT(name));
	else
		bot_tell(k->srv, k->owner, "The check of your file %.*s broke down; it stays held. Please try again later, or write to %.*s.", STR_FMT(name),
			 STR_FMT(k->srv->helpdesk));
	end(k);
}

/* What is within has the name that is left without the mark of what is around it. */
static struct str inner_name(struct str s)
{
	const struct str mark = STR(".aesgcm");

	while (s.n > mark.n && str_eq_nocase(str_make(s.p + s.n - mark.n, mark.n), mark))
		s.n -= mark.n;
	return s;
}

static int read_work(struct vault *v, void *ctx)
{
	struct key_look *k = ctx;

	return vault_file_get(v, k->job.id, k->arena, &k->file);
}

/* A file that is not his and one that is not there are answered alike. */
static void read_done(void *ctx, int err)
{
	struct key_look *k = ctx;
	const struct vault_file *f = &k->file;

	if (err == ERR_NOT_FOUND || (err == 0 && (!str_eq(f->owner, k->owner) || !file_key_asks(k->srv, f)))) {
		bot_tell(k->srv, k->owner, "That is no link to a file of yours that waits for its key. I did not keep it.");
		end(k);
		return;
	}
	if (err == 0) {
		memcpy(k->job.key, f->original.key, VAULT_FILE_KEY);
		k->job.size = f->original.size;
		k->job.name = inner_name(f->name);
		k->job.type = STR_NONE;		/* declared is what was uploaded, not what is within */
		k->job.done = looked;
		err = !k->srv->scanner || k->srv->stopping ? ERR_BUSY : scanner_submit(k->srv->scanner, &k->job);
	}
	if (err < 0) {
		bot_tell(k->srv, k->owner, "I cannot look into your file at the moment; I did not keep the key. Please answer again later.");
		end(k);
	}
}

static bool is_busy(const struct server *srv, struct str owner)
{
	bool busy = srv->files->n_keys >= FILE_KEYS;

	LIST_EACH(it, &srv->files->keys)
		busy = busy || str_eq(LIST_ITEM(it, struct key_look, node)->owner, owner);
	return busy;
}

static void begin(struct server *srv, struct str owner, const uint8_t id[VAULT_FILE_ID], const struct transfer_key *key)
{
	struct arena *a = srv->stopping || is_busy(srv, owner) ? NULL : arena_new(LOOK_BYTES);
	struct key_look *k = NULL;

	if (a) {
		arena_wipe_on_free(a);
		k = arena_alloc(a, sizeof(*k));
	}
	if (k) {
		*k = (struct key_look){ .srv = srv, .arena = a, .owner = arena_str(a, owner), .why = STR_NONE, .rule = STR_NONE };
		list_init(&k->job.node);
		memcpy(k->job.id, id, VAULT_FILE_ID);
		memcpy(k->job.unlock.key, key->key, sizeof(k->job.unlock.key));
		memcpy(k->job.unlock.iv, key->iv, key->n_iv);
		k->job.unlock.n_iv = key->n_iv;
		list_append(&srv->files->keys, &k->node);
		srv->files->n_keys++;
		if (k->owner.p && server_store(srv, k, read_work, read_done) == 0)
			return;
		end(k);
		a = NULL;
	}
	arena_free(&a);
	bot_tell(srv, owner, "I am busy with another file; I did not keep the key. Please answer again in a moment.");
}

/* --- messages to the bot --------------------------------------------------------------------------------------------------- */

static int take_out(struct trip *t)
{
	struct node *body;

	arena_wipe_on_free(t->arena);
	while (t->stanza->first)
		node_remove(t->stanza->first);
	/* Its own attributes may hold whatever a client makes up. */
	for (struct attr *at = t->stanza->attrs; at; at = at->next)
		if (has_key(at->value))
			at->value = STR("removed");
	body = node_add(t->arena, t->stanza, NS_CLIENT, "body");
	return body ? node_add_text(t->arena, body, STR(TAKEN)) : ERR_NOMEM;
}

int file_key_take(struct trip *t)
{
	struct server *srv = t->server;
	struct transfer_key key = { 0 };
	uint8_t id[VAULT_FILE_ID];
	bool found;
	int r;

	if (t->kind != STANZA_MESSAGE || t->origin != TRIP_CLIENT || t->key_taken || !t->from_user || !srv->files || !str_eq(t->to.bare, srv->bot))
		return 0;
	r = search(t->stanza, t->arena, &found, id, &key);
	if (r > 0) {
		t->key_taken = true;
		r = take_out(t);
	}
	if (r == 0 && t->key_taken && t->from_user->frozen)
		bot_tell(srv, t->from.bare, "This account is frozen; please write to %.*s.", STR_FMT(srv->helpdesk));
	else if (r == 0 && t->key_taken && found)
		begin(srv, t->from.bare, id, &key);
	else if (r == 0 && t->key_taken)
		bot_tell(srv, t->from.bare, "That link has no whole key in it: it ends with a # and 88 or 96 digits. I did not keep it.");
	secret_wipe(&key, sizeof(key));
	return r;
}

void file_key_stop(struct server *srv)
{
	while (!list_empty(&srv->files->keys))
		end(LIST_ITEM(srv->files->keys.next, struct key_look, node));
}
