/* mam.c - XEP-0313: the archive of one's own account, and of a room, page by page (XEP-0059). */
#include "base/clock.h"
#include "base/limits.h"
#include "core/hooks.h"
#include "core/mod.h"
#include "core/state.h"
#include "vault/vault.h"
#include "xmpp/wire.h"

#define NS_XDATA_VALIDATE "http://jabber.org/protocol/xdata-validate"	/* XEP-0122 */
#define PAGE_DEFAULT 50
#define ARENA_BYTES (64u << 20)
#define PAGE_BYTES (1u << 20)		/* of messages: several pages fit into LIMIT_SEND_BYTES */

struct mam {
	struct vault_query q;
	struct vault_page page;
	struct arena *arena;		/* of the page; freed with the trip's reply */
	struct str queryid;
	uint64_t since_ms;		/* what is older is not for the asker */
	uint64_t *ids;			/* NULL: a range is asked for */
	size_t n_ids;
	bool flip;
};

/* --- reading the query ----------------------------------------------------------------------------------- */

static int read_time(struct str text, uint64_t *ret)
{
	return clock_parse(text.p, text.n, ret) < 0 ? ERR_BAD_REQUEST : 0;
}

static int read_ids(struct iq *iq, struct mam *m, const struct node *v)
{
	m->ids = arena_alloc(iq->arena, LIMIT_MAM_PAGE * sizeof(*m->ids));
	if (!m->ids)
		return ERR_LIMIT;
	for (; v; v = node_child_next(v, NS_XDATA, "value")) {
		int r = m->n_ids < LIMIT_MAM_PAGE ? vault_id_parse(node_text(iq->arena, v), &m->ids[m->n_ids]) : ERR_NOT_ACCEPTABLE;

		if (r < 0)
			return r;
		m->n_ids++;
	}
	return 0;
}

static int read_field(struct iq *iq, struct mam *m, struct str var, struct str value)
{
	struct jid with;

	if (str_is(var, "FORM_TYPE"))
		return str_is(value, NS_MAM) ? 0 : ERR_BAD_REQUEST;
	if (str_is(var, "with")) {
		/* A room's archive is kept by real addresses: it must not answer who said something. */
		if (iq->target != TO_SELF)
			return ERR_UNSUPPORTED;
		if (jid_parse(iq->arena, value, &with) < 0)
			return ERR_JID;
		m->q.with = with.bare;
		return 0;
	}
	if (str_is(var, "start"))
		return read_time(value, &m->q.start_ms);
	if (str_is(var, "end"))
		return read_time(value, &m->q.end_ms);
	if (str_is(var, "after-id"))
		return vault_id_parse(value, &m->q.after_id);
	if (str_is(var, "before-id"))
		return vault_id_parse(value, &m->q.before_id);
	return ERR_UNSUPPORTED;
}

static int read_form(struct iq *iq, struct mam *m)
{
	const struct node *x = node_child(iq->payload, NS_XDATA, "x");

	for (const struct node *f = x ? node_child(x, NS_XDATA, "field") : NULL; f;
	     f = node_child_next(f, NS_XDATA, "field")) {
		const struct node *v = node_child(f, NS_XDATA, "value");
		struct str var = node_attr(f, "var");
		int r = 0;

		if (v)
			r = str_is(var, "ids") ? read_ids(iq, m, v) : read_field(iq, m, var, node_text(iq->arena, v));

		if (r < 0)
			return r;
	}
	return m->q.start_ms && m->q.end_ms && m->q.start_ms > m->q.end_ms ? ERR_BAD_REQUEST : 0;
}

static int read_rsm(struct iq *iq, struct mam *m)
{
	const struct node *set = node_child(iq->payload, NS_RSM, "set"), *n;
	uint64_t max;
	int r = 0;

	m->q.max = PAGE_DEFAULT;
	if (!set)
		return 0;
	n = node_child(set, NS_RSM, "max");
	if (n) {
		struct str text = str_trim(node_text(iq->arena, n));

		if (!str_to_u64(text, UINT64_MAX / 16, &max))
			return ERR_BAD_REQUEST;
		m->q.max = max > LIMIT_MAM_PAGE ? LIMIT_MAM_PAGE : (size_t)max;
	}
	n = node_child(set, NS_RSM, "after");
	if (n)
		r = vault_id_parse(node_text(iq->arena, n), &m->q.after_id);
	n = node_child(set, NS_RSM, "before");
	if (n && r == 0) {
		struct str id = node_text(iq->arena, n);

		m->q.backward = true;
		r = id.n ? vault_id_parse(id, &m->q.before_id) : 0;
	}
	return r;
}

/* --- answering ------------------------------------------------------------------------------------------------ */

/* What the account was sent carries its mark here, too (vault/vault_frank.h). */
static int prove(const struct iq *iq, struct arena *a, struct node *message, struct str owner, uint64_t id)
{
	struct jid from, to;

	if (iq->target != TO_SELF || jid_parse(a, node_attr(message, "to"), &to) < 0 || !str_eq(to.bare, owner) ||
	    jid_parse(a, node_attr(message, "from"), &from) < 0)
		return 0;
	return vault_frank_add(iq->server->frank, a, message, from.bare, owner, id);
}

static int send_result(struct iq *iq, const struct mam *m, const struct vault_entry *e)
{
	struct arena *a = arena_new(LIMIT_STANZA_BYTES_MAX * 16);
	struct node *msg = a ? node_new(a, NS_CLIENT, "message") : NULL, *result, *fwd, *delay, *inner = NULL;
	char id[VAULT_ID_TEXT], stamp[CLOCK_STAMP_BYTES];
	int r = ERR_LIMIT;

	vault_id_text(e->id, id);
	clock_stamp(e->when_ms, stamp);
	result = msg ? node_add(a, msg, NS_MAM, "result") : NULL;
	fwd = result ? node_add(a, result, NS_FORWARD, "forwarded") : NULL;
	delay = fwd ? node_add(a, fwd, NS_DELAY, "delay") : NULL;
	if (delay && node_set_attr(a, msg, "to", iq->trip->from.full) == 0 &&
	    (iq->target == TO_SELF || node_set_attr(a, msg, "from", m->q.owner) == 0) && node_set_attr(a, result, "id", str_of(id)) == 0 &&
	    (m->queryid.n == 0 || node_set_attr(a, result, "queryid", m->queryid) == 0) &&
	    node_set_attr(a, delay, "stamp", str_of(stamp)) == 0)
		r = wire_parse(a, e->stanza, &inner);
	if (r == 0)
		r = prove(iq, a, inner, m->q.owner, e->id);
	if (r == 0) {
		node_append(fwd, inner);
		trip_answer(iq->trip, msg);
	}
	arena_free(&a);
	return r;
}

static int add_id(struct iq *iq, struct node *set, const char *name, uint64_t id, const char *index)
{
	char text[VAULT_ID_TEXT];
	struct node *n;

	vault_id_text(id, text);
	n = node_add_leaf(iq->arena, set, NS_RSM, name, str_of(text));
	if (!n)
		return ERR_LIMIT;
	return index ? node_set_attr(iq->arena, n, "index", str_of(index)) : 0;
}

static int finish(struct iq *iq, const struct mam *m)
{
	struct node *fin = node_new(iq->arena, NS_MAM, "fin"), *set = node_add(iq->arena, fin, NS_RSM, "set");
	struct str count = arena_printf(iq->arena, "%llu", (unsigned long long)m->page.count);
	struct str index = arena_printf(iq->arena, "%llu", (unsigned long long)m->page.first_index);

	if (!set || !count.p || !index.p)
		return ERR_LIMIT;
	if (m->page.complete && node_set_attr(iq->arena, fin, "complete", STR("true")) < 0)
		return ERR_LIMIT;
	/*
	 * XEP-0059 2.6 wants an index (SHOULD). Backwards it stays away: slixmpp (1.8.3, and poezio with it) takes
	 * index + page = count for the end even there, and after the newest page would never ask for what lies before.
	 */
	if (m->page.n && (add_id(iq, set, "first", m->page.v[0].id, m->page.counted && !m->q.backward ? index.p : NULL) < 0 ||
			  add_id(iq, set, "last", m->page.v[m->page.n - 1].id, NULL) < 0))
		return ERR_LIMIT;
	/* XEP-0059 2.7: where counting costs too much, it is left out. */
	if (m->page.counted && !node_add_leaf(iq->arena, set, NS_RSM, "count", count))
		return ERR_LIMIT;
	return iq_reply(iq, fin);
}

static int ids_work(struct vault *v, struct iq *iq)
{
	struct mam *m = iq->data;
	struct vault_page page = { .v = arena_alloc(m->arena, (m->n_ids + 1) * sizeof(*page.v)), .complete = true, .counted = true };
	int r = page.v ? 0 : ERR_LIMIT;

	for (; r == 0 && page.n < m->n_ids; page.n++) {
		r = vault_archive_one(v, m->q.owner, m->ids[page.n], m->arena, &page.v[page.n]);
		if (r == 0 && page.v[page.n].when_ms < m->since_ms)
			r = ERR_NOT_FOUND;
	}
	page.count = page.n;
	if (r == 0)
		m->page = page;
	return r;
}

/* Not more than a client can be sent at once: it asks for the rest as for any next page. */
static void cut(struct mam *m)
{
	struct vault_page *p = &m->page;
	size_t bytes = 0, n = 0;

	while (n < p->n) {
		bytes += p->v[m->q.backward ? p->n - 1 - n : n].stanza.n;
		if (n > 0 && bytes > PAGE_BYTES)
			break;
		n++;
	}
	if (n == p->n)
		return;
	if (m->q.backward) {
		p->v += p->n - n;
		p->first_index += p->n - n;
	}
	p->n = n;
	p->complete = false;
}

/* May run twice, and begins anew each time. */
static int page_work(struct vault *v, struct iq *iq)
{
	struct mam *m = iq->data;
	struct vault_query q = m->q;
	int r;

	arena_clear(m->arena);
	if (m->ids)
		return ids_work(v, iq);
	while ((r = vault_archive_page(v, &q, m->arena, &m->page)) == ERR_LIMIT && q.max > 1) {
		q.max /= 2;		/* these are large ones */
		arena_clear(m->arena);
	}
	if (r == 0)
		cut(m);
	return r;
}

static int page_done(struct iq *iq, int err)
{
	struct mam *m = iq->data;

	for (size_t i = 0; err == 0 && i < m->page.n; i++) {
		const struct vault_entry *e = &m->page.v[m->flip ? m->page.n - 1 - i : i];

		if (e->gone)
			continue;
		err = send_result(iq, m, e);
	}
	if (err == 0)
		err = finish(iq, m);
	arena_free(&m->arena);
	return err;
}

static int send_form(struct iq *iq)
{
	static const struct { const char *var, *type; } fields[] = {
		{ "with", "jid-single" }, { "start", "text-single" }, { "end", "text-single" },
		{ "before-id", "text-single" }, { "after-id", "text-single" }, { "ids", "list-multi" },
	};
	struct node *q = node_new(iq->arena, NS_MAM, "query"), *x = node_add(iq->arena, q, NS_XDATA, "x"), *f;

	if (!x || node_set_attr(iq->arena, x, "type", STR("form")) < 0)
		return ERR_LIMIT;
	f = node_add(iq->arena, x, NS_XDATA, "field");
	if (!f || node_set_attr(iq->arena, f, "type", STR("hidden")) < 0 ||
	    node_set_attr(iq->arena, f, "var", STR("FORM_TYPE")) < 0 ||
	    !node_add_leaf(iq->arena, f, NS_XDATA, "value", STR(NS_MAM)))
		return ERR_LIMIT;
	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
		f = node_add(iq->arena, x, NS_XDATA, "field");
		if (!f || node_set_attr(iq->arena, f, "type", str_of(fields[i].type)) < 0 ||
		    node_set_attr(iq->arena, f, "var", str_of(fields[i].var)) < 0)
			return ERR_LIMIT;
	}
	/* XEP-0313 4.1.5: a list, but of any ids (XEP-0122). */
	f = node_add(iq->arena, f, NS_XDATA_VALIDATE, "validate");
	if (!f || node_set_attr(iq->arena, f, "datatype", STR("xs:string")) < 0 ||
	    !node_add(iq->arena, f, NS_XDATA_VALIDATE, "open"))
		return ERR_LIMIT;
	return iq_reply(iq, q);
}

/* To who is from elsewhere an account is as one that is not there. */
static int refusal(const struct iq *iq)
{
	return trip_is_foreign(iq->trip) ? ERR_UNAVAILABLE : ERR_FORBIDDEN;
}

/* Whose archive it is, for those who may read it. */
static int owner_of(struct iq *iq, struct str *ret, uint64_t *ret_since_ms)
{
	*ret_since_ms = 0;
	if (iq->target == TO_ROOM)
		return hooks_archive_access(iq, ret, ret_since_ms);
	*ret = iq->trip->from.bare;
	return iq->target == TO_SELF ? 0 : refusal(iq);
}

static int on_query(struct iq *iq)
{
	struct mam *m;
	struct str owner;
	uint64_t since_ms;
	int r = owner_of(iq, &owner, &since_ms);

	if (r < 0)
		return r;
	if (iq->type == IQ_GET)
		return send_form(iq);
	m = arena_alloc(iq->arena, sizeof(*m));
	if (!m)
		return ERR_LIMIT;
	iq->data = m;
	m->q.owner = owner;
	m->q.with = STR_NONE;
	m->queryid = node_attr(iq->payload, "queryid");
	m->flip = node_child(iq->payload, NS_MAM, "flip-page") != NULL;
	r = read_form(iq, m);
	if (r == 0)
		r = read_rsm(iq, m);
	if (r < 0)
		return r;
	m->since_ms = since_ms;
	if (m->q.start_ms < since_ms)
		m->q.start_ms = since_ms;
	m->arena = arena_new(ARENA_BYTES);
	if (!m->arena)
		return ERR_NOMEM;
	r = iq_store(iq, page_work, page_done);
	if (r < 0)
		arena_free(&m->arena);
	return r;
}

/* --- metadata (XEP-0313 5) ----------------------------------------------------------------------------------------- */

struct ends { struct vault_page first, last; struct str owner; uint64_t since_ms; };

static int ends_work(struct vault *v, struct iq *iq)
{
	struct ends *e = iq->data;
	struct vault_query q = { .owner = e->owner, .with = STR_NONE, .start_ms = e->since_ms, .max = 1 };
	int r = vault_archive_page(v, &q, iq->arena, &e->first);

	q.backward = true;
	return r < 0 ? r : vault_archive_page(v, &q, iq->arena, &e->last);
}

static int add_end(struct iq *iq, struct node *metadata, const char *name, const struct vault_entry *e)
{
	struct node *n = node_add(iq->arena, metadata, NS_MAM, name);
	char id[VAULT_ID_TEXT], stamp[CLOCK_STAMP_BYTES];
	int r;

	vault_id_text(e->id, id);
	clock_stamp(e->when_ms, stamp);
	r = n ? node_set_attr(iq->arena, n, "id", str_of(id)) : ERR_LIMIT;
	return r < 0 ? r : node_set_attr(iq->arena, n, "timestamp", str_of(stamp));
}

static int ends_done(struct iq *iq, int err)
{
	const struct ends *e = iq->data;
	struct node *n = node_new(iq->arena, NS_MAM, "metadata");

	if (err < 0 || !n)
		return err < 0 ? err : ERR_LIMIT;
	if (e->first.n && e->last.n) {
		err = add_end(iq, n, "start", &e->first.v[0]);
		if (err == 0)
			err = add_end(iq, n, "end", &e->last.v[0]);
	}
	return err < 0 ? err : iq_reply(iq, n);
}

static int on_metadata(struct iq *iq)
{
	struct ends *e = arena_alloc(iq->arena, sizeof(*e));
	int r = e ? owner_of(iq, &e->owner, &e->since_ms) : ERR_LIMIT;

	iq->data = e;
	return r < 0 ? r : iq_store(iq, ends_work, ends_done);
}

static const struct iq_hook iqs[] = {
	{ IQ_GET | IQ_SET, NS_MAM, "query", TO_SELF | TO_ACCOUNT | TO_ROOM, on_query },
	{ IQ_GET, NS_MAM, "metadata", TO_SELF | TO_ACCOUNT | TO_ROOM, on_metadata },
	{ 0 }
};

const struct mod_def mod_mam = {
	.name = "mam",
	.xep = 313,
	.xep_version = "1.1.3",
	.disco_account = (const char *const[]){ NS_MAM, NS_MAM_EXTENDED, NS_SID, NULL },
	.iq = iqs,
};
