/* report.c - see report.h. Three steps: the store reads the evidence; the guard names what it is; the store keeps it. */
#include "core/report.h"

#include <jansson.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/limits.h"
#include "base/log.h"
#include "core/bot.h"
#include "core/learn.h"
#include "core/purge.h"
#include "core/state.h"
#include "core/user.h"
#include "xmpp/jid.h"
#include "xmpp/ns.h"
#include "xmpp/wire.h"

#define ARENA_BYTES (32u << 20)
#define LOOK_BACK 5			/* messages taken when the report names none */
#define OFFICERS_WEIGHT 200		/* weights are in hundredths */

struct evidence {
	uint64_t id, when_ms;
	struct str stanza;
	bool proven;			/* shown by the reporter, under our mark */
	char print[GUARD_FINGERPRINT];	/* empty: not the reported one's, or nothing in it has one */
};

struct report {
	struct server *srv;
	struct arena *arena;
	struct str by, about, reason, text, ids;
	enum vault_role role;
	struct evidence v[REPORT_EVIDENCE];
	unsigned n, n_shown;		/* of them from the request itself */
	unsigned weight;
	uint64_t id, when_ms;
	uint64_t over_id;		/* and a message that has it */
	char over[GUARD_FINGERPRINT];	/* the fingerprint that has enough weight now; empty: none */
	struct str memory;
};

/* Who has reported a fingerprint. */
struct voices {
	uint64_t by[REPORT_VOICES];
	unsigned n, weight;
	bool over;
};

static struct str bare_of(struct str jid)
{
	ptrdiff_t slash = str_find_char(jid, '/');

	return slash < 0 ? jid : str_make(jid.p, (size_t)slash);
}

/* --- counting ------------------------------------------------------------------------------------------------------------ */

/* True: with this one it is enough. */
static bool count(struct server *srv, const char *print, struct str by, unsigned weight)
{
	static const uint64_t key[2] = { 0x7265706f72746572ull, 0x766f69636573ull };
	unsigned enough = guard_policy(srv->guard)->reports.purge_at * 100;
	uint64_t hash = map_hash(key, by);
	struct voices *v = map_get(srv->reported, str_of(print));

	if (!v) {
		v = calloc(1, sizeof(*v));
		if (!v || map_put(srv->reported, str_of(print), v) < 0) {
			free(v);
			return false;
		}
	}
	for (unsigned i = 0; i < v->n; i++)
		if (v->by[i] == hash)
			return false;
	if (v->n < REPORT_VOICES) {
		v->by[v->n++] = hash;
		v->weight += weight;
	}
	if (v->over || enough == 0 || v->weight < enough)
		return false;
	v->over = true;
	return true;
}

/* 100 at first; less with every report that an officer found wrong, more with every one he found right. */
static unsigned reliability(struct str json, enum vault_role role)
{
	json_t *o = json.n ? json_loadb(json.p, json.n, 0, NULL) : NULL;
	unsigned right = (unsigned)json_integer_value(json_object_get(o, "confirmed"));
	unsigned wrong = (unsigned)json_integer_value(json_object_get(o, "rejected"));

	json_decref(o);
	if (role == ROLE_OFFICER || role == ROLE_ADMIN)
		return OFFICERS_WEIGHT;
	return wrong ? 100 * (right + 2) / (right + 2 * wrong + 2) : right >= 3 ? 150 : 100;
}

/* --- the evidence, on the store's thread --------------------------------------------------------------------------------- */

static bool is_about(struct arena *a, struct str from, struct str about)
{
	struct jid jid;

	return jid_parse(a, from, &jid) == 0 && (str_eq(jid.full, about) || str_eq(jid.bare, about) || str_eq(jid.domain, about));
}

static void take(struct report *r, uint64_t id, uint64_t when_ms, struct str stanza)
{
	if (r->n < REPORT_EVIDENCE && stanza.n)
		r->v[r->n++] = (struct evidence){ .id = id, .when_ms = when_ms, .stanza = stanza };
}

static int take_one(struct vault *v, struct report *r, uint64_t id)
{
	struct vault_entry e;
	struct vault_held h;
	int err = vault_archive_one(v, r->by, id, r->arena, &e);

	if (err == 0 && !e.gone)
		take(r, id, e.when_ms, e.stanza);
	if (err != ERR_NOT_FOUND)
		return err;
	err = vault_held_get(v, id, r->arena, &h);
	if (err == 0 && str_eq(bare_of(h.to), r->by))
		take(r, id, h.when_ms, h.stanza);
	return err == ERR_NOT_FOUND ? 0 : err;
}

static int take_latest(struct vault *v, struct report *r)
{
	struct vault_query q = { .owner = r->by, .with = bare_of(r->about), .backward = true, .max = LOOK_BACK };
	struct vault_page page;
	int err = vault_archive_page(v, &q, r->arena, &page);

	for (size_t i = 0; err == 0 && i < page.n; i++)
		if (!page.v[i].gone)
			take(r, page.v[i].id, page.v[i].when_ms, page.v[i].stanza);
	return err == ERR_NOT_FOUND ? 0 : err;
}

static int read_work(struct vault *v, void *ctx)
{
	struct report *r = ctx;
	struct str rest = r->ids, said = STR_NONE;
	int err = vault_item_get(v, r->by, ITEM_REPORTER, STR_NONE, r->arena, &said);

	if (err < 0 && err != ERR_NOT_FOUND)
		return err;
	r->weight = reliability(said, r->role);
	r->n = r->n_shown;
	for (err = 0; err == 0 && rest.n;) {
		ptrdiff_t space = str_find_char(rest, ' ');
		struct str id = space < 0 ? rest : str_make(rest.p, (size_t)space);
		uint64_t n;

		rest = space < 0 ? STR_NONE : str_cut(rest, (size_t)space + 1);
		if (vault_id_parse(id, &n) == 0)
			err = take_one(v, r, n);
	}
	return err == 0 && r->n == 0 ? take_latest(v, r) : err;
}

/* --- what it is, on the loop's ----------------------------------------------------------------------------------------------- */

static void name_one(struct report *r, struct evidence *e)
{
	struct node *m, *oob;
	struct subject s = { .to = r->by, .body = STR_NONE, .topic = STR_NONE };
	const struct node *body;

	e->print[0] = '\0';
	if (wire_parse(r->arena, e->stanza, &m) < 0 || !is_about(r->arena, node_attr(m, "from"), r->about)) {
		e->stanza = STR_NONE;		/* the report is about somebody else */
		return;
	}
	body = node_child(m, NS_CLIENT, "body");
	oob = node_child(m, NS_OOB, "x");
	oob = oob ? node_child(oob, NS_OOB, "url") : NULL;
	s.from = bare_of(node_attr(m, "from"));
	s.body = body ? node_text(r->arena, body) : STR_NONE;
	if (oob)
		subject_add_link(&s, node_text(r->arena, oob), STR_NONE);
	s.ts_ms = r->when_ms;
	if (guard_name(r->srv->guard, &s, r->arena, e->print) < 0)
		e->print[0] = '\0';
	/* Who reports abuse speaks of the sender, who reports spam of the text. */
	if (str_is(r->reason, "spam"))
		learn_message(r->srv, r->arena, m, true, (float)r->weight / (2 * OFFICERS_WEIGHT));
}

static void name_all(struct report *r)
{
	for (unsigned i = 0; i < r->n; i++) {
		name_one(r, &r->v[i]);
		if (r->v[i].print[0] && !r->over[0] && count(r->srv, r->v[i].print, r->by, r->weight)) {
			memcpy(r->over, r->v[i].print, sizeof(r->over));
			r->over_id = r->v[i].id;
		}
	}
	if (r->over[0]) {
		char memory[GUARD_MEMORY];

		guard_contain(r->srv->guard, str_of(r->over), true);
		guard_memory(r->srv->guard, str_of(r->over), memory);
		r->memory = arena_str(r->arena, str_of(memory));
	}
}

/* --- keeping it -------------------------------------------------------------------------------------------------------------- */

static json_t *as_json(const struct report *r)
{
	char id[VAULT_ID_TEXT], stamp[CLOCK_STAMP_BYTES];
	json_t *o, *list = json_array();

	for (unsigned i = 0; list && i < r->n; i++) {
		const struct evidence *e = &r->v[i];
		json_t *one;

		if (!e->stanza.n)
			continue;
		vault_id_text(e->id, id);
		clock_stamp(e->when_ms, stamp);
		one = json_pack("{s:s, s:s, s:s%, s:b, s:s}", "id", id, "when", stamp, "stanza", e->stanza.p, e->stanza.n, "proven", e->proven,
				"fingerprint", e->print);
		if (!one || json_array_append_new(list, one) != 0)
			break;
	}
	vault_id_text(r->id, id);
	clock_stamp(r->when_ms, stamp);
	o = json_pack("{s:s, s:s, s:s%, s:s%, s:s%, s:s%, s:i, s:s, s:o}", "id", id, "when", stamp, "by", r->by.p, r->by.n, "about", r->about.p, r->about.n,
		      "reason", r->reason.p, r->reason.n, "text", r->text.p, r->text.n, "weight", (int)r->weight, "state", "open", "evidence", list);
	return o;
}

static int put_outbreak(struct vault *v, const struct report *r)
{
	struct vault_outbreak b = { .fingerprint = str_of(r->over), .started_ms = r->when_ms, .contained = true };
	json_t *o = json_pack("{s:s, s:s%}", "why", "reported by several people", "memory", r->memory.p ? r->memory.p : "", r->memory.p ? r->memory.n : 0);
	char *text = o ? json_dumps(o, JSON_COMPACT) : NULL;
	int err = ERR_NOMEM;

	json_decref(o);
	if (text) {
		b.json = str_of(text);
		err = vault_outbreak_put(v, &b);
	}
	free(text);
	return err;
}

static int keep_work(struct vault *v, void *ctx)
{
	struct report *r = ctx;
	json_t *o = as_json(r);
	char *text = o ? json_dumps(o, JSON_COMPACT) : NULL, id[VAULT_ID_TEXT];
	int err = text ? 0 : ERR_NOMEM;

	json_decref(o);
	vault_id_text(r->id, id);
	if (err == 0)
		err = vault_item_put(v, r->srv->bot, ITEM_REPORT, str_of(id), str_of(text));
	free(text);
	if (err == ERR_LIMIT)
		err = 0;		/* it stands in the audit record alone */
	return err == 0 && r->over[0] ? put_outbreak(v, r) : err;
}

/* As an officer's command would, with its entry in the record: all copies of what spreads, and all messages that say nearly the same. */
static void purge(struct report *r)
{
	char id[VAULT_ID_TEXT];

	vault_id_text(r->over_id, id);
	purge_reported(r->srv, str_of(r->over), str_of(id), "reported by several people");
}

static void kept(void *ctx, int err)
{
	struct report *r = ctx;

	if (err < 0)
		log_event(LOG_ERROR, "report.not_kept", LOG_Z("why", err_text(err)));
	if (r->over[0]) {
		purge(r);
		bot_alert(r->srv, BOT_ALERT_REPORTS, "Several people have reported the same message: it has been taken back from everybody and is held from "
			  "now on. `wardroom outbreak show %s` tells more, `wardroom outbreak lift %s` ends it.", r->over, r->over);
	}
	arena_free(&r->arena);
}

static void have_read(void *ctx, int err)
{
	struct report *r = ctx;

	if (err < 0)
		log_event(LOG_ERROR, "report.not_read", LOG_Z("why", err_text(err)));
	if (err == 0) {
		name_all(r);
		if (server_store(r->srv, r, keep_work, kept) == 0)
			return;
	}
	arena_free(&r->arena);
}

bool report_proves(struct server *srv, struct arena *a, struct str by, struct str about, const struct node *message)
{
	uint64_t id;

	return is_about(a, node_attr(message, "from"), about) && vault_frank_verify(srv->frank, a, message, by, &id) == 1;
}

static void show(struct report *r, const struct node *message)
{
	const struct node *f = node_child(message, NS_FRANK, "frank");
	struct buf b;

	buf_init(&b, LIMIT_STANZA_BYTES_MAX * 2);
	if (f && wire_write(&b, message, STR(NS_CLIENT)) == 0 && vault_id_parse(node_attr(f, "id"), &r->v[0].id) == 0) {
		r->v[0].stanza = arena_str(r->arena, buf_str(&b));
		r->v[0].when_ms = r->v[0].id >> 20;
		r->v[0].proven = true;
		r->n_shown = r->v[0].stanza.p != NULL;
	}
	buf_release(&b);
}

void report_file(struct server *srv, const struct user *by, const struct report_said *said)
{
	struct arena *a = arena_new(ARENA_BYTES);
	struct report *r = a ? arena_alloc(a, sizeof(*r)) : NULL;

	if (r) {
		r->srv = srv;
		r->arena = a;
		r->by = arena_str(a, by->bare);
		r->role = by->role;
		r->about = arena_str(a, said->about);
		r->reason = arena_str(a, said->reason);
		r->text = arena_str(a, said->text);
		r->ids = arena_str(a, said->ids);
		r->memory = STR_NONE;
		r->when_ms = clock_wall_ms();
		r->id = vault_next_id(srv->vault, r->when_ms);
		if (said->shown)
			show(r, said->shown);
		if (r->by.p && r->about.p && r->reason.p && r->text.p && r->ids.p && server_store(srv, r, read_work, have_read) == 0)
			return;
	}
	arena_free(&a);
	log_event(LOG_ERROR, "report.not_filed", LOG_S("by", by->bare));
}

/* --- over a restart ---------------------------------------------------------------------------------------------------------- */

struct before {
	struct server *srv;
	struct arena *arena;
	struct vault_item *v;
	size_t n;
};

static int before_work(struct vault *v, void *ctx)
{
	struct before *b = ctx;

	return vault_item_list(v, b->srv->bot, ITEM_REPORT, b->arena, &b->v, &b->n);
}

static void recall(struct server *srv, struct str json)
{
	json_t *o = json_loadb(json.p, json.n, 0, NULL), *one;
	const char *by = json_string_value(json_object_get(o, "by")), *state = json_string_value(json_object_get(o, "state"));
	json_int_t weight = json_integer_value(json_object_get(o, "weight"));
	size_t i;

	if (by && state && strcmp(state, "rejected") != 0)
		json_array_foreach(json_object_get(o, "evidence"), i, one) {
			const char *print = json_string_value(json_object_get(one, "fingerprint"));

			if (print && *print)
				(void)count(srv, print, str_of(by), weight > 0 && weight <= OFFICERS_WEIGHT ? (unsigned)weight : 0);
		}
	json_decref(o);
}

static void before_done(void *ctx, int err)
{
	struct before *b = ctx;

	if (err < 0)
		log_event(LOG_WARN, "report.not_recalled", LOG_Z("why", err_text(err)));
	for (size_t i = 0; err == 0 && i < b->n; i++)
		recall(b->srv, b->v[i].value);
	arena_free(&b->arena);
}

void report_start(struct server *srv)
{
	struct arena *a = arena_new(ARENA_BYTES * 4);
	struct before *b = a ? arena_alloc(a, sizeof(*b)) : NULL;

	if (b) {
		*b = (struct before){ .srv = srv, .arena = a };
		if (server_store(srv, b, before_work, before_done) == 0)
			return;
	}
	arena_free(&a);
}

void report_stop(struct server *srv)
{
	struct map_iter it = { 0 };
	void *v;

	while (srv->reported && map_next(srv->reported, &it, NULL, &v))
		free(v);
	map_free(&srv->reported);
}
