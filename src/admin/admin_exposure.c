/* admin_exposure.c - see admin_exposure.h. */
#include "admin/admin_exposure.h"

#include "base/limits.h"
#include "vault/vault_pubsub.h"
#include "xmpp/jid.h"
#include "xmpp/ns.h"
#include "xmpp/wire.h"

#define NAME_BYTES (LIMIT_JID + 1)
#define SCRATCH_BYTES (64u * LIMIT_STANZA_BYTES_MAX)

struct view {
	struct vault *v;
	struct arena *scratch;
	json_t *copies, *exposed, *tree;
	json_t *rooms;			/* as keys: those that have their edge */
	struct str zero;
	uint8_t files[EXPOSURE_FILES][VAULT_FILE_ID];
	unsigned n_files;
	unsigned looked;
};

/* --- did he read it? ------------------------------------------------------------------------------------------------- */

/* His clients keep it in step how far he has read with that one (XEP-0490). 0: not so far. */
static uint64_t synced(struct view *x, struct str who, struct str peer, uint64_t id)
{
	const struct node *sid;
	struct vault_pub item;
	struct node *n;
	uint64_t up_to;

	if (vault_pubsub_get(x->v, who, STR(NS_MDS), peer, x->scratch, &item) < 0 || wire_parse(x->scratch, item.payload, &n) < 0)
		return 0;
	sid = node_is(n, NS_MDS, "displayed") ? node_child(n, NS_SID, "stanza-id") : NULL;
	return sid && vault_id_parse(node_attr(sid, "id"), &up_to) == 0 && up_to >= id ? item.seq >> 20 : 0;
}

static bool is_from(struct arena *a, const struct node *m, struct str who)
{
	struct jid jid;

	return jid_parse(a, node_attr(m, "from"), &jid) == 0 && str_eq(jid.bare, who);
}

/* Is it one of these that the marker means? Who has seen a later one has seen what is above it. */
static bool means(const struct node *const *said, size_t n, struct str marked)
{
	for (size_t i = 0; i < n; i++)
		if (str_eq(node_attr(said[i], "id"), marked))
			return true;
	return false;
}

/* The first marker of 'who' for it, in the archive of one of the two. */
static int marked(struct view *x, struct str owner, struct str with, struct str who, uint64_t id, uint64_t *ret)
{
	struct vault_query q = { .owner = owner, .with = with, .after_id = id, .max = EXPOSURE_PAGE };
	const struct node *said[EXPOSURE_PAGE + 1], *mark;
	struct vault_entry e;
	struct vault_page page;
	struct node *m;
	size_t n = 0;
	int r = vault_archive_one(x->v, owner, id, x->scratch, &e);

	if (r == 0 && !e.gone && wire_parse(x->scratch, e.stanza, &m) == 0)
		said[n++] = m;
	if (r == 0)
		r = vault_archive_page(x->v, &q, x->scratch, &page);
	for (size_t i = 0; r == 0 && i < page.n; i++) {
		if (page.v[i].gone || wire_parse(x->scratch, page.v[i].stanza, &m) < 0)
			continue;
		mark = node_child(m, NS_MARKERS, "displayed");
		if (mark && is_from(x->scratch, m, who) && node_attr(mark, "id").n && means(said, n, node_attr(mark, "id"))) {
			*ret = page.v[i].when_ms;
			return 0;
		}
		if (!mark && n <= EXPOSURE_PAGE)
			said[n++] = m;
	}
	return r < 0 ? r : ERR_NOT_FOUND;
}

static int look(struct view *x, json_t *o, struct str who, const struct vault_spread *s)
{
	uint64_t when = 0;
	int r;

	if (x->looked++ >= EXPOSURE_LOOKED)
		return 0;
	arena_clear(x->scratch);
	r = marked(x, who, s->from, who, s->id, &when);
	if (r == ERR_NOT_FOUND || r == ERR_LIMIT)
		r = marked(x, s->from, who, who, s->id, &when);		/* he has no archive here: the sender may */
	if (r < 0 && r != ERR_NOT_FOUND && r != ERR_LIMIT)
		return r;
	if (!when)
		when = synced(x, who, str_eq(who, s->to) ? s->from : s->to, s->id);
	return when ? admin_put(o, "read", admin_json_time(when)) : 0;
}

/* --- files ---------------------------------------------------------------------------------------------------------- */

bool admin_exposure_file(struct str *rest, uint8_t ret[VAULT_FILE_ID])
{
	ptrdiff_t at;

	while ((at = str_find(*rest, STR("/upload/"))) >= 0) {
		*rest = str_cut(*rest, (size_t)at + sizeof("/upload/") - 1);
		if (rest->n >= VAULT_FILE_TOKEN && vault_file_id(str_make(rest->p, VAULT_FILE_TOKEN), ret))
			return true;
	}
	return false;
}

static void note_file(struct view *x, const uint8_t id[VAULT_FILE_ID])
{
	for (unsigned i = 0; i < x->n_files; i++)
		if (memcmp(x->files[i], id, VAULT_FILE_ID) == 0)
			return;
	if (x->n_files < EXPOSURE_FILES)
		memcpy(x->files[x->n_files++], id, VAULT_FILE_ID);
}

/* --- who has it ----------------------------------------------------------------------------------------------------------- */

static json_t *exposure_of(struct view *x, struct str who)
{
	char name[NAME_BYTES];

	if (who.n >= sizeof(name))
		return NULL;
	memcpy(name, who.p, who.n);
	name[who.n] = '\0';
	return json_object_get(x->exposed, name);
}

static int edge(struct view *x, struct str from, struct str to, const struct vault_spread *s)
{
	json_t *o = json_object();
	int r = json_array_append_new(x->tree, o) == 0 ? 0 : ERR_NOMEM;

	if (r == 0)
		r = admin_put(o, "from", admin_json_str(from));
	if (r == 0)
		r = admin_put(o, "to", admin_json_str(to));
	if (r == 0)
		r = admin_put(o, "when", admin_json_time(s->when_ms));
	return r < 0 ? r : admin_put(o, "id", admin_json_id(s->id));
}

static int expose(struct view *x, struct str who, const struct vault_spread *s)
{
	char name[NAME_BYTES];
	json_t *o;
	int r;

	if (who.n == 0 || who.n >= sizeof(name) || exposure_of(x, who))
		return 0;
	memcpy(name, who.p, who.n);
	name[who.n] = '\0';
	o = json_object();
	if (json_object_set_new(x->exposed, name, o) != 0)
		return 0;		/* no UTF-8: no address that anybody has */
	r = admin_put(o, "id", admin_json_id(s->id));
	if (r == 0)
		r = admin_put(o, "received", admin_json_time(s->when_ms));
	if (r == 0 && !str_eq(who, s->to))
		r = admin_put(o, "room", admin_json_str(s->to));
	if (r == 0)
		r = look(x, o, who, s);
	/* Who began it had it from nobody, even if it comes back to him. */
	return r < 0 || str_eq(who, x->zero) ? r : edge(x, str_eq(who, s->to) ? s->from : s->to, who, s);
}

/* Who was in the room then: they stand in the message's story. */
static int expose_readers(struct view *x, json_t *readers, const struct vault_spread *s)
{
	char name[NAME_BYTES];
	json_t *one;
	size_t i;
	int r = 0;

	if (s->to.n >= sizeof(name))
		return 0;
	memcpy(name, s->to.p, s->to.n);
	name[s->to.n] = '\0';
	if (!json_object_get(x->rooms, name))
		r = json_object_set_new(x->rooms, name, json_true()) == 0 ? edge(x, s->from, s->to, s) : ERR_NOMEM;

	json_array_foreach(readers, i, one)
		if (r == 0 && json_is_string(one) && !str_is(s->from, json_string_value(one)))
			r = expose(x, str_of(json_string_value(one)), s);
	return r;
}

/* As long as it has not been purged it says itself which; afterwards its rows do. */
static void look_for_files(struct view *x, uint64_t id)
{
	struct vault_entry e;
	uint8_t file[VAULT_FILE_ID];
	struct str rest;

	if (x->looked >= EXPOSURE_LOOKED || vault_archive_any(x->v, id, x->scratch, &e) < 0)
		return;
	for (rest = e.stanza; admin_exposure_file(&rest, file);)
		note_file(x, file);
}

static int received(struct view *x, const struct vault_spread *s)
{
	struct str story;
	json_t *o = NULL, *readers;
	int r;

	arena_clear(x->scratch);
	look_for_files(x, s->id);
	arena_clear(x->scratch);
	r = vault_finding_get(x->v, s->id, x->scratch, &story);
	if (r == 0)
		o = json_loadb(story.p, story.n, 0, NULL);
	readers = json_object_get(o, "readers");
	r = json_is_array(readers) ? expose_readers(x, readers, s) : expose(x, s->to, s);
	json_decref(o);
	return r;
}

/* What he did: the first time of each. */
static int did(struct view *x, struct str who, const char *what, uint64_t when_ms)
{
	json_t *o = exposure_of(x, who);

	return o && !json_object_get(o, what) ? admin_put(o, what, admin_json_time(when_ms)) : 0;
}

static int loaded(struct view *x, const uint8_t id[VAULT_FILE_ID])
{
	struct vault_file_seen *seen = NULL;
	size_t n = 0;
	int r;

	arena_clear(x->scratch);
	r = vault_file_seen_list(x->v, id, FILE_LOADED, EXPOSURE_LOOKED, x->scratch, &seen, &n);
	for (size_t i = 0; r == 0 && i < n; i++)
		r = did(x, seen[i].who, "downloaded", seen[i].first_ms);
	return r == ERR_NOT_FOUND || r == ERR_LIMIT ? 0 : r;
}

/* What was held at first. */
static bool was_let_go(struct view *x, uint64_t id)
{
	struct vault_held h;

	arena_clear(x->scratch);
	return vault_held_get(x->v, id, x->scratch, &h) == 0 && h.state == HELD_DELIVERED;
}

static int one(struct view *x, const struct vault_spread *s)
{
	uint8_t file[VAULT_FILE_ID];
	json_t *copy;
	int r;

	if (str_is(s->outcome, "file")) {
		if (vault_file_id_parse(s->to, file) == 0)
			note_file(x, file);
		return 0;
	}
	copy = json_object();
	r = json_array_append_new(x->copies, copy) == 0 ? 0 : ERR_NOMEM;

	if (r == 0)
		r = admin_put(copy, "from", admin_json_str(s->from));
	if (r == 0)
		r = admin_put(copy, "to", admin_json_str(s->to));
	if (r == 0)
		r = admin_put(copy, "when", admin_json_time(s->when_ms));
	if (r == 0)
		r = admin_put(copy, "id", admin_json_id(s->id));
	if (r == 0)
		r = admin_put(copy, "outcome", admin_json_str(s->outcome));
	if (r < 0)
		return r;
	if (str_is(s->outcome, "clicked"))
		return did(x, s->to, "clicked", s->when_ms);
	r = did(x, s->from, "passed_on", s->when_ms);
	return r == 0 && (str_is(s->outcome, "delivered") || was_let_go(x, s->id)) ? received(x, s) : r;
}

int admin_exposure(struct admin_call *call, struct vault *v, struct str fingerprint)
{
	struct view x = { .v = v, .scratch = arena_new(SCRATCH_BYTES), .copies = json_array(), .exposed = json_object(), .tree = json_array(),
			  .rooms = json_object() };
	struct vault_spread *s = NULL;
	size_t n = 0;
	int r = admin_put(call->reply, "copies", x.copies);

	if (r == 0)
		r = admin_put(call->reply, "exposures", x.exposed);
	if (r == 0)
		r = admin_put(call->reply, "tree", x.tree);
	if (r == 0)
		r = x.scratch ? vault_spread_list(v, fingerprint, 0, EXPOSURE_ROWS, call->arena, &s, &n) : ERR_NOMEM;
	/* The first who sent it: what the evidence says, or else the first row of its spread. */
	if (r == 0 && n && !json_is_string(json_object_get(call->reply, "patient_zero")))
		r = admin_put(call->reply, "patient_zero", admin_json_str(s[0].from));
	x.zero = str_of(json_string_value(json_object_get(call->reply, "patient_zero")));
	for (size_t i = 0; r == 0 && i < n; i++)
		r = one(&x, &s[i]);
	for (unsigned i = 0; r == 0 && i < x.n_files; i++)
		r = loaded(&x, x.files[i]);
	if (r == 0 && n == EXPOSURE_ROWS)
		r = admin_put(call->reply, "more", json_true());
	json_decref(x.rooms);
	arena_free(&x.scratch);
	return r;
}
