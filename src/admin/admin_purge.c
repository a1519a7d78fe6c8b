/* admin_purge.c - see admin_purge.h. Asked for twice it does nothing the second time: what has a tombstone is not taken back again. */
#include "admin/admin_purge.h"

#include <openssl/evp.h>
#include <stdlib.h>

#include "admin/admin_exposure.h"
#include "base/b64.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/limits.h"
#include "base/rand.h"
#include "inspect/fingerprint.h"
#include "vault/vault_file.h"
#include "xmpp/jid.h"
#include "xmpp/ns.h"
#include "xmpp/tombstone.h"
#include "xmpp/wire.h"

#define SCRATCH_BYTES (64u * LIMIT_STANZA_BYTES_MAX)
#define HELD_MOST 500				/* held messages that a link or a likeness is looked for in */
#define WORDS_LEAST 6				/* fewer are too common for other people's messages to be taken for the same */
#define SHA_HEX 65

struct like {
	struct fingerprint print;
	char sha[SHA_HEX];
	struct str from;
};

struct run {
	struct admin_call *call;
	struct vault *v;
	struct arena *scratch;		/* of one message */
	struct str bot, name;		/* name: of what is alike; empty: by itself */
	json_t *job, *tells;
	const char *what, *value;
	struct like like;
	char stamp[CLOCK_STAMP_BYTES];
};

struct found { struct str from, to; uint64_t id; };

static void sha_of(struct str s, char ret[SHA_HEX])
{
	uint8_t d[EVP_MAX_MD_SIZE];
	unsigned n = 0;

	ret[0] = '\0';
	if (EVP_Digest(s.p, s.n, d, &n, EVP_sha256(), NULL) == 1 && n == 32)
		b64_hex(d, 32, ret);
}

static void count(json_t *job, const char *key, json_int_t more)
{
	json_object_set_new(job, key, json_integer(json_integer_value(json_object_get(job, key)) + more));
}

static struct str job_id(const struct run *x)
{
	return str_of(json_string_value(json_object_get(x->job, "id")));
}

/* --- who is to be told ------------------------------------------------------------------------------------------------ */

/* The files of our own that a message links to: from here on nobody loads them. */
static int revoke_files(struct run *x, const struct found *f, struct str stanza, json_t *files)
{
	struct str why = str_of(json_string_value(json_object_get(x->job, "why"))), rest = stanza;
	struct vault_spread s = { .fingerprint = str_of(json_string_value(json_object_get(x->job, "fingerprint"))), .from = f->from, .id = f->id,
				  .when_ms = clock_wall_ms(), .outcome = STR("file") };
	uint8_t id[VAULT_FILE_ID];
	char text[VAULT_FILE_ID_TEXT];
	struct vault_file row;
	int r = 0;

	while (r == 0 && json_array_size(files) < PURGE_FILES && admin_exposure_file(&rest, id)) {
		r = vault_file_settle(x->v, id, FILE_IS_REVOKED, s.when_ms, STR("purge"), why.n ? why : STR("the message that brought it was purged"),
				      x->scratch, &row);
		if (r == ERR_NOT_FOUND || r == ERR_CONFLICT) {
			r = 0;			/* no file of ours, or refused before */
			continue;
		}
		vault_file_id_text(id, text);
		s.to = str_of(text);
		if (r == 0 && json_array_append_new(files, json_string(text)) != 0)
			r = ERR_NOMEM;
		if (r == 0 && s.fingerprint.n)
			r = vault_spread_add(x->v, &s);		/* the tree names who has loaded it */
		count(x->job, "files", 1);
	}
	return r;
}

/* The author as his message names him: an account, or somebody in a room. */
static struct str author(struct run *x, const struct node *m, struct str from)
{
	struct jid jid;

	if (!m || jid_parse(x->scratch, node_attr(m, "from"), &jid) < 0)
		return from;
	return !from.n || str_eq(jid.bare, from) ? jid.bare : jid.full;
}

/* As its author has it, to somebody's nick in a room: who that is, is told under the other's own copy, so that nobody learns it from us. */
static bool is_whisper(struct run *x, const struct node *m, const struct found *f)
{
	struct jid to;

	return !str_is(node_attr(m, "type"), "groupchat") && node_has_attr(m, "to") &&
	       (jid_parse(x->scratch, node_attr(m, "to"), &to) < 0 || (f->to.n && !str_eq(to.bare, f->to)));
}

static int tell(struct run *x, const struct found *f, struct node *m, struct str stanza, const char *own)
{
	json_t *files = json_array();
	struct str from = author(x, m, f->from), given = m && !is_whisper(x, m, f) ? node_attr(m, "id") : STR_NONE;
	struct str type = m ? node_attr(m, "type") : STR_NONE;
	char id[VAULT_ID_TEXT], sha[SHA_HEX];
	json_t *o;
	int r;

	vault_id_text(f->id, id);
	sha_of(stanza, sha);
	o = json_pack("{s:s, s:s%, s:s%, s:s%, s:s%, s:s, s:s}", "id", id, "from", from.p, from.n, "to", f->to.p, f->to.n, "given", given.p, given.n,
		      "type", type.p, type.n, "own", own, "sha", m ? sha : "");
	r = files ? revoke_files(x, f, stanza, files) : ERR_NOMEM;
	if (r == 0 && o)		/* otherwise an address that is no UTF-8: nobody has it */
		r = json_object_set(o, "files", files) == 0 && json_array_append(x->tells, o) == 0 ? 0 : ERR_NOMEM;
	if (r == 0 && o)
		count(x->job, "to_tell", 1);
	json_decref(files);
	json_decref(o);
	return r;
}

/* --- one message -------------------------------------------------------------------------------------------------------- */

static int write_tombstone(struct run *x, const struct found *f, const struct node *m, const char *own)
{
	bool room = str_is(node_attr(m, "type"), "groupchat");
	const struct tombstone t = { .stamp = str_of(x->stamp), .id = str_of(own), .moderator = room ? f->to : STR_NONE };
	struct node *n;
	struct buf b;
	int r = tombstone_of(x->scratch, m, &t, &n);

	buf_init(&b, LIMIT_STANZA_BYTES_MAX * 2);
	if (r == 0)
		r = wire_write(&b, n, STR(NS_CLIENT));
	if (r == 0)
		r = vault_archive_bury(x->v, f->id, buf_str(&b));
	buf_release(&b);
	return r;
}

/* e NULL: no archive has it; what waits for its receiver goes all the same. */
static int take_out(struct run *x, const struct found *f, const struct vault_entry *e)
{
	struct node *m = NULL;
	char own[17];
	int r = 0;

	if (e && (e->gone || e->purged))
		return 0;
	rand_text(own, sizeof(own) - 1);
	if (e && wire_parse(x->scratch, e->stanza, &m) < 0)
		m = NULL;
	if (m)
		r = write_tombstone(x, f, m, own);
	else if (e)
		r = vault_archive_purge(x->v, f->id);
	if (r == 0 && e)
		count(x->job, "purged", 1);
	if (r == 0 && f->to.n)
		r = vault_offline_take(x->v, f->to, f->id);
	return r < 0 ? r : tell(x, f, m, e ? e->stanza : STR_NONE, own);
}

static int reject(struct run *x, struct vault_held *h)
{
	if (h->state == HELD_REJECTED || h->state == HELD_DELIVERED)
		return 0;
	h->state = HELD_REJECTED;
	count(x->job, "held", 1);
	return vault_held_put(x->v, h);
}

static int take_id(struct run *x, const struct found *f)
{
	struct vault_entry e;
	int r = vault_archive_any(x->v, f->id, x->scratch, &e);

	if (r == ERR_NOT_FOUND)
		return take_out(x, f, NULL);
	return r < 0 ? r : take_out(x, f, &e);
}

/* It is held; or it was, and was let go. */
static int from_quarantine(struct run *x, const struct found *f)
{
	struct vault_held h;
	int r = vault_held_get(x->v, f->id, x->scratch, &h);

	if (r < 0)
		return r == ERR_NOT_FOUND ? 0 : r;
	return h.state == HELD_DELIVERED ? take_id(x, f) : reject(x, &h);
}

/* --- by fingerprint ------------------------------------------------------------------------------------------------------- */

static int slice_spread(struct run *x, bool *ret_more)
{
	json_t *at = json_object_get(x->job, "at");
	struct vault_spread_at pos = { .when_ms = (uint64_t)json_integer_value(json_array_get(at, 0)),
				       .id = (uint64_t)json_integer_value(json_array_get(at, 1)),
				       .chance = strtoull(json_string_value(json_array_get(at, 2)) ? json_string_value(json_array_get(at, 2)) : "0", NULL, 10) };
	struct arena *a = arena_new(SCRATCH_BYTES);
	struct vault_spread *s = NULL;
	size_t n = 0;
	char chance[24];
	int r = a ? vault_spread_next(x->v, str_of(x->value), &pos, PURGE_SLICE, a, &s, &n) : ERR_NOMEM;

	for (size_t i = 0; r == 0 && i < n; i++) {
		struct found f = { .from = s[i].from, .to = s[i].to, .id = s[i].id };

		arena_clear(x->scratch);
		if (str_is(s[i].outcome, "delivered"))
			r = take_id(x, &f);
		if (r == 0 && (str_is(s[i].outcome, "delivered") || str_is(s[i].outcome, "held")))
			r = from_quarantine(x, &f);
	}
	arena_free(&a);
	snprintf(chance, sizeof(chance), "%llu", (unsigned long long)pos.chance);
	if (r == 0)
		r = admin_put(x->job, "at", json_pack("[I, I, s]", (json_int_t)pos.when_ms, (json_int_t)pos.id, chance));
	count(x->job, "seen", (json_int_t)n);
	*ret_more = n == PURGE_SLICE;
	return r;
}

/* --- by likeness, by link --------------------------------------------------------------------------------------------------- */

static struct str body_of(struct arena *a, const struct node *m)
{
	const struct node *body = node_child(m, NS_CLIENT, "body");

	return body ? str_trim(node_text(a, body)) : STR_NONE;
}

static void print_of(struct str body, struct fingerprint *ret)
{
	const struct subject s = { .from = STR_NONE, .to = STR_NONE, .body = body, .topic = STR_NONE };

	fingerprint_of(&s, NULL, false, ret);
}

static bool is_alike(struct run *x, const struct node *m)
{
	struct str body = body_of(x->scratch, m);
	struct fingerprint print;
	char sha[SHA_HEX];
	struct jid from;

	if (!body.n)
		return false;
	print_of(body, &print);
	sha_of(body, sha);
	if (strcmp(sha, x->like.sha) == 0)
		return print.n_words >= WORDS_LEAST ||
		       (jid_parse(x->scratch, node_attr(m, "from"), &from) == 0 && (str_eq(from.bare, x->like.from) || str_eq(from.full, x->like.from)));
	return print.n_words >= WORDS_LEAST && fingerprint_alike(&print, &x->like.print);
}

static bool matches(struct run *x, struct str stanza, struct node **ret)
{
	bool link = strcmp(x->what, "link") == 0;

	if (link && str_find(stanza, str_of(json_string_value(json_object_get(x->job, "needle")))) < 0)
		return false;
	if (wire_parse(x->scratch, stanza, ret) < 0 || node_child(*ret, NS_RETRACT, "retracted"))
		return false;
	return link || is_alike(x, *ret);
}

/* From whom to whom, as far as the message itself says. */
static void addresses(struct run *x, const struct node *m, struct found *f)
{
	bool room = str_is(node_attr(m, "type"), "groupchat");
	const struct node *sid = node_child(m, NS_SID, "stanza-id");
	struct jid jid;

	f->from = f->to = STR_NONE;
	if (jid_parse(x->scratch, node_attr(m, "from"), &jid) == 0) {
		f->from = room || !node_has_attr(m, "to") ? jid.full : jid.bare;	/* a room's copy of what one of its occupants says */
		f->to = room ? jid.bare : STR_NONE;
	}
	if (!room && jid_parse(x->scratch, node_has_attr(m, "to") ? node_attr(m, "to") : sid ? node_attr(sid, "by") : STR_NONE, &jid) == 0)
		f->to = jid.bare;
}

/* The tree of what had no fingerprint so far. */
static int note_spread(struct run *x, const struct found *f, uint64_t when_ms)
{
	struct vault_spread s = { .fingerprint = str_of(json_string_value(json_object_get(x->job, "fingerprint"))), .from = f->from, .to = f->to,
				  .id = f->id, .when_ms = when_ms, .outcome = STR("delivered") };

	return s.fingerprint.n && s.from.n && s.to.n ? vault_spread_add(x->v, &s) : 0;
}

static int look_at(struct run *x, const struct vault_entry *e)
{
	struct found f = { .id = e->id };
	struct node *m;
	int r;

	arena_clear(x->scratch);
	if (e->gone || e->purged || !matches(x, e->stanza, &m))
		return 0;
	addresses(x, m, &f);
	r = note_spread(x, &f, e->when_ms);
	return r < 0 ? r : take_out(x, &f, e);
}

/* Of the quarantine, once, at the end. */
static int slice_held(struct run *x, enum vault_held_state state)
{
	struct arena *a = arena_new(SCRATCH_BYTES * 2);
	struct vault_held *h = NULL;
	struct node *m;
	size_t n = 0;
	int r = a ? vault_held_list(x->v, STR_NONE, (int)state, HELD_MOST, a, &h, &n) : ERR_NOMEM;

	for (size_t i = 0; r == 0 && i < n; i++) {
		arena_clear(x->scratch);
		if (matches(x, h[i].stanza, &m))
			r = reject(x, &h[i]);
	}
	arena_free(&a);
	return r == ERR_LIMIT ? 0 : r;		/* so much is held that it cannot be looked through at once: people decide on it one by one */
}

static int slice_scan(struct run *x, bool *ret_more)
{
	uint64_t at = (uint64_t)json_integer_value(json_object_get(x->job, "at"));
	struct vault_entry *e = NULL;
	struct arena *a = arena_new(SCRATCH_BYTES);
	size_t max = PURGE_SCAN, n = 0, done = 0;
	int r = a ? ERR_LIMIT : ERR_NOMEM;

	for (; r == ERR_LIMIT && max > 0; max /= 2) {		/* these are large ones */
		arena_clear(a);
		r = vault_archive_scan(x->v, at, max, a, &e, &n);
	}
	for (; r == 0 && done < n && json_array_size(x->tells) < PURGE_SLICE; done++) {
		r = look_at(x, &e[done]);
		at = e[done].id + 1;
	}
	arena_free(&a);
	*ret_more = n > 0;
	count(x->job, "seen", (json_int_t)done);
	if (r == 0 && n == 0)
		r = slice_held(x, HELD_WAITING);
	if (r == 0 && n == 0)
		r = slice_held(x, HELD_REQUEST);
	return r < 0 ? r : admin_put(x->job, "at", json_integer((json_int_t)at));
}

/* --- the job ------------------------------------------------------------------------------------------------------------------ */

static int put_job(struct run *x)
{
	char *text = json_dumps(x->job, JSON_COMPACT);
	int r = text ? vault_item_put(x->v, x->bot, ITEM_PURGE, job_id(x), str_of(text)) : ERR_NOMEM;

	free(text);
	return r;
}

static int put_tells(struct run *x)
{
	char id[VAULT_ID_TEXT], *text;
	json_t *o;
	int r = ERR_NOMEM;

	if (json_array_size(x->tells) == 0)
		return 0;
	vault_id_text(vault_next_id(x->v, clock_wall_ms()), id);
	o = json_pack("{s:O, s:O}", "purge", json_object_get(x->job, "id"), "tells", x->tells);
	text = o ? json_dumps(o, JSON_COMPACT) : NULL;
	if (text)
		r = vault_item_put(x->v, x->bot, ITEM_PURGE_TELL, str_of(id), str_of(text));
	free(text);
	json_decref(o);
	return r == 0 ? admin_effect(x->call, EFFECT_PURGED, STR_NONE) : r;
}

/* There is room for one more: what was done first is forgotten. */
static int make_room(struct run *x)
{
	struct str oldest = STR_NONE;
	struct vault_item *v;
	size_t n = 0;
	int r = vault_item_list(x->v, x->bot, ITEM_PURGE, x->call->arena, &v, &n);

	if (r < 0 || n + 1 < LIMIT_ITEMS)
		return r;
	for (size_t i = 0; i < n; i++)
		if (str_find(v[i].value, STR("\"state\":\"done\"")) >= 0 && (!oldest.n || str_cmp(v[i].key, oldest) < 0))
			oldest = v[i].key;
	return oldest.n ? vault_item_remove(x->v, x->bot, ITEM_PURGE, oldest) : ERR_LIMIT;
}

static int outbreak_row(struct run *x, struct str fingerprint)
{
	struct vault_outbreak b = { .fingerprint = fingerprint, .started_ms = clock_wall_ms(), .json = STR("{\"why\":\"purged\"}") }, had;
	int r = vault_outbreak_get(x->v, fingerprint, x->call->arena, &had);

	return r == ERR_NOT_FOUND ? vault_outbreak_put(x->v, &b) : r;
}

/* What the others are compared with. */
static int begin_like(struct run *x)
{
	struct vault_entry e = { 0 };
	struct vault_held h;
	struct fingerprint print;
	struct node *m;
	struct str body;
	struct jid from;
	char name[17], sha[SHA_HEX];
	json_t *words = json_array();
	uint64_t id;
	int r = vault_id_parse(str_of(x->value), &id);

	if (r == 0)
		r = vault_archive_any(x->v, id, x->scratch, &e);
	if (r == ERR_NOT_FOUND && vault_id_parse(str_of(x->value), &id) == 0 && vault_held_get(x->v, id, x->scratch, &h) == 0) {
		e.stanza = h.stanza;
		r = 0;
	}
	body = r == 0 && !e.gone && wire_parse(x->scratch, e.stanza, &m) == 0 ? body_of(x->scratch, m) : STR_NONE;
	if (!body.n || jid_parse(x->scratch, node_attr(m, "from"), &from) < 0) {
		json_decref(words);
		return admin_why(x->call, ERR_NOT_FOUND, "no archive holds a message '%s' with a text", x->value);
	}
	print_of(body, &print);
	fingerprint_id(&print, name);
	sha_of(body, sha);
	for (unsigned i = 0; words && i < print.n_words; i++)
		json_array_append_new(words, json_integer(print.words[i]));
	r = admin_put(x->job, "words", words);
	if (r == 0)
		r = admin_put(x->job, "sha", json_string(sha));
	if (r == 0)
		r = admin_put(x->job, "author", admin_json_str(str_is(node_attr(m, "type"), "groupchat") ? from.full : from.bare));
	if (r == 0)
		r = admin_put(x->job, "fingerprint", admin_json_str(x->name.n ? x->name : str_of(name)));
	return r < 0 ? r : outbreak_row(x, x->name.n ? x->name : str_of(name));
}

/* As it stands in a stanza. A file of our own is named by the token in its path, however the rest of the link is spelt. */
static int begin_link(struct run *x)
{
	char name[17], sha[SHA_HEX];
	uint8_t file[VAULT_FILE_ID];
	struct str needle = str_of(x->value), rest = needle;
	struct buf b;
	int r;

	if (admin_exposure_file(&rest, file))
		needle = str_make(rest.p, VAULT_FILE_TOKEN);
	sha_of(str_of(x->value), sha);
	memcpy(name, sha, 16);
	name[16] = '\0';
	buf_init(&b, LIMIT_STANZA_BYTES_MAX);
	r = wire_escape(&b, needle);
	if (r == 0)
		r = admin_put(x->job, "needle", admin_json_str(buf_str(&b)));
	buf_release(&b);
	if (r == 0)
		r = admin_put(x->job, "fingerprint", json_string(name));
	return r < 0 ? r : outbreak_row(x, str_of(name));
}

/* Nothing is as good as a wrong name. */
static int begin_fingerprint(struct run *x)
{
	uint64_t n;
	int r = vault_spread_count(x->v, str_of(x->value), &n);

	if (r == 0 && n == 0)
		return admin_why(x->call, ERR_NOT_FOUND, "nothing was seen with the fingerprint '%s'; `wardroom outbreak list` shows those that spread", x->value);
	return r < 0 ? r : admin_put(x->job, "fingerprint", json_string(x->value));
}

/* Of both, the fingerprint when there are rows of it; otherwise it is a name for what is alike. */
static int choose(struct run *x)
{
	struct str fingerprint = arena_str(x->call->arena, admin_text(x->call, "fingerprint"));
	uint64_t n;
	int r = fingerprint.p ? vault_spread_count(x->v, fingerprint, &n) : ERR_NOMEM;

	if (r < 0)
		return r;
	json_object_del(x->call->args, n ? "like" : "fingerprint");
	x->name = n ? STR_NONE : fingerprint;
	return 0;
}

static int begin(struct run *x)
{
	static const char *const whats[] = { "fingerprint", "stanza-id", "like", "link" };
	struct str why = admin_text(x->call, "why"), value = STR_NONE;
	unsigned named = 0;
	char id[VAULT_ID_TEXT];
	uint64_t now = clock_wall_ms();
	int r;

	x->name = STR_NONE;
	if (admin_text(x->call, "like").n && admin_text(x->call, "fingerprint").n) {
		r = choose(x);
		if (r < 0)
			return r;
	}
	for (size_t i = 0; i < sizeof(whats) / sizeof(whats[0]); i++)
		if (admin_text(x->call, whats[i]).n) {
			x->what = whats[i];
			value = admin_text(x->call, whats[i]);
			named++;
		}
	if (named != 1)
		return admin_why(x->call, ERR_BAD_REQUEST, "name what to purge: --fingerprint F (from `wardroom outbreak list`), --stanza-id S, --like S (all messages "
				 "that say nearly the same) or --link URL");
	vault_id_text(vault_next_id(x->v, now), id);
	x->job = json_pack("{s:s, s:s, s:s%, s:s%, s:s, s:s, s:i, s:i, s:i, s:i, s:i, s:i, s:i}", "id", id, "what", x->what, "value", value.p, value.n,
			   "why", why.p, why.n, "started", x->stamp, "state", "running", "seen", 0, "purged", 0, "held", 0, "to_tell", 0, "told", 0,
			   "unreachable", 0, "files", 0);
	if (!x->job)
		return ERR_BAD_REQUEST;
	x->value = json_string_value(json_object_get(x->job, "value"));
	json_object_set_new(x->job, "at", json_integer((json_int_t)((now - PURGE_BACK_MS) << 20)));
	r = make_room(x);
	if (r == 0 && strcmp(x->what, "fingerprint") == 0)
		r = begin_fingerprint(x);
	if (r == 0 && strcmp(x->what, "like") == 0)
		r = begin_like(x);
	if (r == 0 && strcmp(x->what, "link") == 0)
		r = begin_link(x);
	return r;
}

static int resume(struct run *x, struct str id)
{
	struct str text;
	int r = vault_item_get(x->v, x->bot, ITEM_PURGE, id, x->call->arena, &text);

	if (r == ERR_NOT_FOUND)
		return admin_why(x->call, r, "there is no purge '%.*s'", STR_FMT(id));
	x->job = r == 0 ? json_loadb(text.p, text.n, 0, NULL) : NULL;
	x->what = json_string_value(json_object_get(x->job, "what"));
	x->value = json_string_value(json_object_get(x->job, "value"));
	return r < 0 ? r : x->what && x->value && job_id(x).n ? 0 : ERR_CORRUPT;
}

static void read_like(struct run *x)
{
	const char *sha = json_string_value(json_object_get(x->job, "sha"));
	json_t *word;
	size_t i;

	json_array_foreach(json_object_get(x->job, "words"), i, word)
		if (x->like.print.n_words < FINGERPRINT_WORDS)
			x->like.print.words[x->like.print.n_words++] = (uint32_t)json_integer_value(word);
	snprintf(x->like.sha, sizeof(x->like.sha), "%s", sha ? sha : "-");
	x->like.from = str_of(json_string_value(json_object_get(x->job, "author")));
}

/* One message, by its number alone. */
static int slice_one(struct run *x, bool *ret_more)
{
	struct found f = { .from = STR_NONE, .to = STR_NONE };
	struct vault_entry e;
	struct str story;
	struct node *m;
	json_t *o = NULL;
	int r = vault_id_parse(str_of(x->value), &f.id);

	*ret_more = false;
	if (r == 0)
		r = vault_archive_any(x->v, f.id, x->scratch, &e);
	if (r == ERR_NOT_FOUND || (r == 0 && (e.gone || e.purged)))
		return admin_why(x->call, ERR_NOT_FOUND, "no archive holds a message '%s'", x->value);
	if (r < 0)
		return r;
	if (wire_parse(x->scratch, e.stanza, &m) == 0)
		addresses(x, m, &f);
	/* Who sent it to whom stands in its story, when it had one. */
	if (vault_finding_get(x->v, f.id, x->scratch, &story) == 0)
		o = json_loadb(story.p, story.n, 0, NULL);
	if (json_is_string(json_object_get(o, "from")) && json_is_string(json_object_get(o, "to"))) {
		f.from = arena_str(x->call->arena, str_of(json_string_value(json_object_get(o, "from"))));
		f.to = arena_str(x->call->arena, str_of(json_string_value(json_object_get(o, "to"))));
	}
	json_decref(o);
	return f.from.p && f.to.p ? take_out(x, &f, &e) : ERR_NOMEM;
}

static int slice(struct run *x, bool *ret_more)
{
	if (strcmp(x->what, "stanza-id") == 0)
		return slice_one(x, ret_more);
	if (strcmp(x->what, "fingerprint") == 0)
		return slice_spread(x, ret_more);
	read_like(x);
	return slice_scan(x, ret_more);
}

static int answer(struct run *x)
{
	static const char *const shown[] = { "purged", "held", "seen", "to_tell", "files", "fingerprint" };
	const char *fingerprint = json_string_value(json_object_get(x->job, "fingerprint"));
	int r = admin_put(x->call->reply, "purge", json_incref(json_object_get(x->job, "id")));

	for (size_t i = 0; r == 0 && i < sizeof(shown) / sizeof(shown[0]); i++)
		if (json_object_get(x->job, shown[i]))
			r = admin_put(x->call->reply, shown[i], json_incref(json_object_get(x->job, shown[i])));
	return r < 0 || !fingerprint ? r : admin_exposure(x->call, x->v, str_of(fingerprint));
}

static void forget(struct admin_call *call)
{
	free(call->state);
	call->state = NULL;
	call->state_free = NULL;
}

static int one_slice(struct run *x)
{
	struct str job = admin_text(x->call, "job"), later = str_of(x->call->state);
	bool more = false;
	int r = ERR_NOT_FOUND;

	/* From the second slice on it is found by its number; unless the first was undone. */
	if (later.n)
		r = resume(x, later);
	if (r == ERR_NOT_FOUND) {
		x->call->why = STR_NONE;
		forget(x->call);
		r = job.n ? resume(x, job) : begin(x);
	}
	if (r == 0 && str_is(str_of(json_string_value(json_object_get(x->job, "state"))), "done"))
		return admin_why(x->call, ERR_CONFLICT, "this purge is done");
	if (r == 0)
		r = slice(x, &more);
	if (r == 0)
		r = admin_put(x->job, "state", json_string(more ? "running" : "done"));
	if (r == 0 && !more)
		r = admin_put(x->job, "ended", json_string(x->stamp));
	if (r == 0)
		r = put_tells(x);
	if (r == 0)
		r = put_job(x);
	if (r < 0)
		return r;
	x->call->again = more;
	return more ? 0 : answer(x);
}

static void report_progress(struct run *x)
{
	uint64_t seen = (uint64_t)json_integer_value(json_object_get(x->job, "seen")), total = seen;

	if (!x->call->progress || !x->job)
		return;
	if (strcmp(x->what, "fingerprint") == 0 && vault_spread_count(x->v, str_of(x->value), &total) < 0)
		total = seen;
	x->call->progress(x->call->progress_ctx, seen, total < seen ? seen : total);
}

int admin_purge(struct admin_call *call, struct vault *v)
{
	struct run x = { .call = call, .v = v, .scratch = arena_new(SCRATCH_BYTES), .tells = json_array() };
	int r = x.scratch && x.tells ? 0 : ERR_NOMEM;

	clock_stamp(clock_wall_ms(), x.stamp);
	x.bot = arena_printf(call->arena, "guard@%s", call->domain);
	if (r == 0)
		r = x.bot.p ? one_slice(&x) : ERR_NOMEM;
	if (r == 0 && call->again && !call->state) {
		call->state = strndup(job_id(&x).p, job_id(&x).n);
		call->state_free = free;
		r = call->state ? 0 : ERR_NOMEM;
	}
	if (r == 0)
		report_progress(&x);
	json_decref(x.job);
	json_decref(x.tells);
	arena_free(&x.scratch);
	return r;
}

/* --- looking ------------------------------------------------------------------------------------------------------------------- */

int admin_purge_list(struct admin_call *call, struct vault *v)
{
	static const char *const hidden[] = { "at", "words", "sha", "needle", "author" };
	struct str bot = arena_printf(call->arena, "guard@%s", call->domain);
	json_t *list = json_array();
	struct vault_item *items;
	size_t n = 0;
	int r = admin_put(call->reply, "purges", list);

	if (r == 0)
		r = bot.p ? vault_item_list(v, bot, ITEM_PURGE, call->arena, &items, &n) : ERR_NOMEM;
	for (size_t i = 0; r == 0 && i < n; i++) {
		json_t *o = json_loadb(items[i].value.p, items[i].value.n, 0, NULL);

		for (size_t k = 0; k < sizeof(hidden) / sizeof(hidden[0]); k++)
			json_object_del(o, hidden[k]);
		r = o && json_array_append_new(list, o) == 0 ? 0 : ERR_NOMEM;
	}
	return r;
}
