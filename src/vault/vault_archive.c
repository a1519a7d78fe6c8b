/* vault_archive.c - the archive (decision 0001).
 *
 * A message row holds everything once: the body under a key of its own, and for each owner that key
 * wrapped under the owner's key of the month. The archive table is an index alone: (owner, id), the
 * peer's tag, the time. Shredding (owner, month) deletes one key: the other owner reads on.
 *
 * A retracted message has what is shown, a NUL, and what was sent in its body.
 *
 * Message value: version, number of owners, time (8); for each owner: tag (8), month (4), peer tag (8), wrapped
 * key (60); the sealed body. A purged message keeps version and time, or has a tombstone for its body.
 */
#include "base/clock.h"
#include "base/rand.h"
#include "base/secret.h"
#include "vault/vault_row.h"

#define WHOLE 1
#define PURGED 2
#define BURIED 3			/* whole, but what was sent is not in it any more: a tombstone */
#define WRAPPED (SEAL_KEY + SEAL_EXTRA)
#define OWNER_BYTES (8 + 4 + 8 + WRAPPED)
#define OWNERS_MAX 2

/* --- writing -------------------------------------------------------------------------------------- */

static struct str wrap_aad(uint64_t owner, uint32_t month, uint64_t id, struct vault_key *k)
{
	*k = (struct vault_key){ 0 };
	k->p[k->n++] = 'w';
	vault_key_u64(k, owner);
	vault_key_u64(k, month);
	vault_key_u64(k, id);
	return vault_key_str(k);
}

static struct str body_aad(uint64_t id, uint64_t when_ms, struct vault_key *k)
{
	*k = (struct vault_key){ 0 };
	k->p[k->n++] = 'm';
	vault_key_u64(k, id);
	vault_key_u64(k, when_ms);
	return vault_key_str(k);
}

static int add_owner(struct vault *v, const struct vault_message *m, const struct vault_owner *o,
		     const uint8_t key[SEAL_KEY], struct buf *b)
{
	uint64_t owner = vault_row_owner(v, o->owner), peer = vault_row_peer(v, owner, o->peer);
	uint32_t month = clock_month(m->when_ms);
	struct vault_index_row row = { .owner = owner, .id = m->id, .peer = peer, .when_ms = m->when_ms };
	struct vault_key aad;
	struct seal *s;
	int r = vault_row_key(v, owner, month, true, &s);

	if (r < 0)
		return r;
	vault_pack_u64(b, owner);
	vault_pack_u32(b, month);
	vault_pack_u64(b, peer);
	r = buf_reserve(b, WRAPPED);
	if (r == 0)
		r = seal_close(s, wrap_aad(owner, month, m->id, &aad), str_make((const char *)key, SEAL_KEY),
			       (uint8_t *)b->p + b->n);
	if (r < 0)
		return r;
	b->n += WRAPPED;
	return vault_index_add(v, &row);
}

static int add_body(struct vault *v, const struct vault_message *m, const uint8_t key[SEAL_KEY], struct buf *b)
{
	struct vault_key aad;
	int r = buf_reserve(b, m->stanza.n + SEAL_TAG);

	if (r == 0)
		r = seal_close_once(v->lib, key, body_aad(m->id, m->when_ms, &aad), m->stanza, (uint8_t *)b->p + b->n);
	if (r == 0)
		b->n += m->stanza.n + SEAL_TAG;
	return r;
}

int vault_archive_add(struct vault *v, const struct vault_message *m)
{
	struct buf *b = vault_row_pack(v);
	uint8_t key[SEAL_KEY];
	struct vault_key k = { 0 };
	int r = 0;

	CHECK(m->n_owners <= OWNERS_MAX);
	if (m->n_owners == 0)
		return 0;
	rand_bytes(key, sizeof(key));
	buf_char(b, WHOLE);
	buf_char(b, (char)m->n_owners);
	vault_pack_u64(b, m->when_ms);
	for (size_t i = 0; i < m->n_owners && r == 0; i++)
		r = add_owner(v, m, &m->owners[i], key, b);
	if (r == 0)
		r = add_body(v, m, key, b);
	secret_wipe(key, sizeof(key));
	if (r < 0)
		return r;
	if (b->failed)
		return ERR_LIMIT;
	vault_key_u64(&k, m->id);
	return vault_row_put_plain(v, STORE_TABLE_message, vault_key_str(&k), 0, buf_str(b));
}

/* --- reading one message ----------------------------------------------------------------------------- */

struct envelope {
	uint64_t id, when_ms;
	size_t n_owners;
	struct str owners, body;
	bool purged, buried;
};

static int open_envelope(uint64_t id, struct str value, struct envelope *ret)
{
	struct vault_unpack u = { .rest = value };
	struct str head = vault_unpack_bytes(&u, 2);
	struct envelope e = { .id = id, .when_ms = vault_unpack_u64(&u) };

	if (u.bad || head.p[0] < WHOLE || head.p[0] > BURIED)
		return ERR_CORRUPT;
	e.purged = head.p[0] == PURGED;
	e.buried = head.p[0] == BURIED;
	e.n_owners = (uint8_t)head.p[1];
	e.owners = vault_unpack_bytes(&u, e.n_owners * OWNER_BYTES);
	e.body = u.rest;
	if (u.bad || e.n_owners > OWNERS_MAX)
		return ERR_CORRUPT;
	*ret = e;
	return 0;
}

int vault_archive_reindex(struct vault *v, uint64_t id, struct str value)
{
	struct envelope e;
	int r = open_envelope(id, value, &e);

	for (size_t i = 0; r == 0 && i < e.n_owners; i++) {
		struct vault_unpack u = { .rest = str_make(e.owners.p + i * OWNER_BYTES, OWNER_BYTES) };
		struct vault_index_row row = { .owner = vault_unpack_u64(&u), .id = id, .when_ms = e.when_ms };

		(void)vault_unpack_u32(&u);
		row.peer = vault_unpack_u64(&u);
		r = vault_index_keep(v, &row);
	}
	return r;
}

/* ERR_NOT_FOUND: the owner's key is shredded. */
static int unwrap(struct vault *v, const struct envelope *e, uint64_t owner, uint8_t ret[SEAL_KEY])
{
	for (size_t i = 0; i < e->n_owners; i++) {
		struct vault_unpack u = { .rest = str_make(e->owners.p + i * OWNER_BYTES, OWNER_BYTES) };
		uint64_t tag = vault_unpack_u64(&u);
		uint32_t month = vault_unpack_u32(&u);
		struct vault_key aad;
		struct seal *s;
		int r;

		if (tag != owner)
			continue;
		(void)vault_unpack_u64(&u);
		r = vault_row_key(v, owner, month, false, &s);
		return r < 0 ? r : seal_open(s, wrap_aad(owner, month, e->id, &aad), u.rest, ret);
	}
	return ERR_CORRUPT;
}

static int open_body(struct vault *v, const struct envelope *e, uint64_t owner, struct arena *a, struct str *ret)
{
	uint8_t key[SEAL_KEY];
	struct vault_key aad;
	char *p = e->body.n >= SEAL_TAG ? arena_alloc(a, e->body.n - SEAL_TAG + 1) : NULL;
	int r;

	if (!p)
		return e->body.n >= SEAL_TAG ? ERR_LIMIT : ERR_CORRUPT;
	r = unwrap(v, e, owner, key);
	if (r == 0)
		r = seal_open_once(v->lib, key, body_aad(e->id, e->when_ms, &aad), e->body, (uint8_t *)p);
	secret_wipe(key, sizeof(key));
	if (r == 0)
		*ret = str_make(p, e->body.n - SEAL_TAG);
	return r;
}

/* Fills stanza or gone. */
static int load(struct vault *v, uint64_t owner, struct arena *a, struct vault_entry *entry)
{
	struct vault_key k = { 0 };
	struct store_row row;
	struct envelope e;
	int r;

	entry->stanza = STR_NONE;
	vault_key_u64(&k, entry->id);
	r = store_get(v->store, STORE_TABLE_message, vault_key_str(&k), a, &row);
	if (r == 0)
		r = open_envelope(entry->id, row.value, &e);
	if (r == 0 && e.purged)
		r = ERR_NOT_FOUND;
	if (r == 0)
		r = open_body(v, &e, owner, a, &entry->stanza);
	entry->purged = r == 0 && e.buried;
	if (r == 0 && memchr(entry->stanza.p, 0, entry->stanza.n))
		entry->stanza = str_of(entry->stanza.p);	/* retracted */
	if (r == ERR_NOT_FOUND) {
		entry->gone = true;
		r = 0;
	}
	return r;
}

/* --- pages ------------------------------------------------------------------------------------------- */

#define CLOCK_STEP_MS (7 * 86400000ull)

struct walk {
	const struct vault_query *q;
	uint64_t owner, peer;
	struct vault_entry *v;		/* NULL: count only */
	size_t n, max;
	uint64_t count, most;		/* most: counting stops there; 0: at the end */
};

static bool in_time(const struct vault_query *q, uint64_t when_ms)
{
	return when_ms >= q->start_ms && (!q->end_ms || when_ms <= q->end_ms);
}

static int on_row(void *ctx, const struct store_row *row)
{
	struct walk *w = ctx;
	uint64_t when;

	if (row->key.n != 16 || row->value.n != 8)
		return ERR_CORRUPT;
	when = store_number(row->value.p);
	if (!in_time(w->q, when))
		return 0;
	w->count++;
	if (!w->v)
		return w->count == w->most;
	w->v[w->n++] = (struct vault_entry){ .id = store_number(row->key.p + 8), .when_ms = when };
	return w->n == w->max;
}

static uint64_t id_at(uint64_t ms)
{
	static const uint64_t last = UINT64_MAX >> 20;

	return (ms < last ? ms : last) << 20;
}

/* The rows of the query's owner and peer with from_id <= id < to_id (0: open). */
static int walk(struct vault *v, struct walk *w, uint64_t from_id, uint64_t to_id, bool backward)
{
	struct vault_key from = { 0 }, to = { 0 };
	struct store_range range = { .table = STORE_TABLE_archive, .by_tag = w->q->with.n > 0, .tag = w->peer,
				     .backward = backward };
	/* Ids rise with time and never stand before it; ahead of it only where a clock was set back. */
	uint64_t earliest = id_at(w->q->start_ms), latest = id_at(w->q->end_ms + CLOCK_STEP_MS);

	if (from_id < earliest)
		from_id = earliest;
	if (w->q->end_ms && (!to_id || to_id > latest))
		to_id = latest;
	if (to_id && from_id > to_id)
		from_id = to_id;
	vault_key_u64(&from, w->owner);
	to = from;
	vault_key_u64(&from, from_id);
	vault_key_u64(&to, to_id ? to_id : UINT64_MAX);
	range.from = vault_key_str(&from);
	range.to = vault_key_str(&to);
	range.max = w->v ? 0 : (size_t)w->most;
	if (!w->v && !w->q->start_ms && !w->q->end_ms)
		return store_count(v->store, &range, &w->count);
	range.max = 0;			/* rows outside the time do not count */
	return store_scan(v->store, &range, on_row, w);
}

/* XEP-0059 2.2: an item that is not there is an error of its own. */
static int check_named(struct vault *v, uint64_t owner, uint64_t id)
{
	struct vault_key k = { 0 };
	struct store_row row;

	if (id == 0)
		return 0;
	vault_key_u64(&k, owner);
	vault_key_u64(&k, id);
	arena_clear(v->tmp);
	return store_get(v->store, STORE_TABLE_archive, vault_key_str(&k), v->tmp, &row);
}

static void turn_round(struct vault_entry *e, size_t n)
{
	for (size_t i = 0; i < n / 2; i++) {
		struct vault_entry x = e[i];

		e[i] = e[n - 1 - i];
		e[n - 1 - i] = x;
	}
}

/* One more than the page, to know whether it is the last. */
static int collect(struct vault *v, struct walk *w, struct arena *a, struct vault_page *ret)
{
	const struct vault_query *q = w->q;
	int r;

	w->max = q->max + 1;
	w->v = arena_alloc(a, w->max * sizeof(*w->v));
	if (!w->v)
		return ERR_LIMIT;
	r = walk(v, w, q->after_id ? q->after_id + 1 : 0, q->before_id, q->backward);
	if (r < 0)
		return r;
	ret->complete = w->n <= q->max;
	if (!ret->complete)
		w->n = q->max;
	if (q->backward)
		turn_round(w->v, w->n);
	ret->v = w->v;
	ret->n = w->n;
	return 0;
}

int vault_archive_page(struct vault *v, const struct vault_query *q, struct arena *a, struct vault_page *ret)
{
	struct vault_page page = { .complete = true };
	struct walk w = { .q = q, .owner = vault_row_owner(v, q->owner) };
	struct walk all, before;
	int r;

	if (q->max > LIMIT_MAM_PAGE)
		return ERR_LIMIT;
	w.peer = vault_row_peer(v, w.owner, q->with);
	all = before = w;
	/* Whoever asks how many there are is told; beside a page it is not worth reading a large archive through. */
	all.most = q->max ? LIMIT_MAM_COUNT + 1 : 0;
	r = vault_index_catch_up(v, w.owner);
	if (r == 0)
		r = check_named(v, w.owner, q->after_id);
	if (r == 0)
		r = check_named(v, w.owner, q->before_id);
	if (r == 0)
		r = walk(v, &all, 0, 0, false);
	if (r == 0 && q->max)
		r = collect(v, &w, a, &page);
	page.counted = q->max == 0 || all.count <= LIMIT_MAM_COUNT;
	if (r == 0 && page.n && page.counted)
		r = walk(v, &before, 0, page.v[0].id, false);
	for (size_t i = 0; i < page.n && r == 0; i++)
		r = load(v, w.owner, a, &page.v[i]);
	if (r < 0)
		return r;
	page.count = all.count;
	page.first_index = before.count;
	if (q->max == 0)
		page.complete = all.count == 0;
	*ret = page;
	return 0;
}

int vault_archive_one(struct vault *v, struct str owner, uint64_t id, struct arena *a, struct vault_entry *ret)
{
	uint64_t tag = vault_row_owner(v, owner);
	struct vault_entry e = { .id = id };
	struct vault_key k = { 0 };
	struct store_row row;
	int r = vault_index_catch_up(v, tag);

	if (r < 0)
		return r;
	vault_key_u64(&k, tag);
	vault_key_u64(&k, id);
	r = store_get(v->store, STORE_TABLE_archive, vault_key_str(&k), a, &row);
	if (r < 0)
		return r;
	if (row.value.n != 8)
		return ERR_CORRUPT;
	e.when_ms = store_number(row.value.p);
	r = load(v, tag, a, &e);
	if (r == 0)
		*ret = e;
	return r;
}

/* --- removing -------------------------------------------------------------------------------------------- */

/* The other key of a new body for one owner; who was shredded keeps what opens nothing. */
static int rewrap(struct vault *v, uint64_t id, struct vault_unpack *u, const uint8_t key[SEAL_KEY], struct buf *b)
{
	uint64_t owner = vault_unpack_u64(u);
	uint32_t month = vault_unpack_u32(u);
	uint64_t peer = vault_unpack_u64(u);
	struct str old = vault_unpack_bytes(u, WRAPPED);
	struct vault_key aad;
	struct seal *s;
	int r = u->bad ? ERR_CORRUPT : vault_row_key(v, owner, month, false, &s);

	vault_pack_u64(b, owner);
	vault_pack_u32(b, month);
	vault_pack_u64(b, peer);
	if (r == ERR_NOT_FOUND)
		return buf_str_add(b, old);
	if (r == 0)
		r = buf_reserve(b, WRAPPED);
	if (r == 0)
		r = seal_close(s, wrap_aad(owner, month, id, &aad), str_make((const char *)key, SEAL_KEY), (uint8_t *)b->p + b->n);
	if (r == 0)
		b->n += WRAPPED;
	return r;
}

/* A key seals one text: the new one has its own. */
static int write_other(struct vault *v, const struct envelope *e, char kind, struct str text)
{
	struct vault_message m = { .id = e->id, .when_ms = e->when_ms, .stanza = text };
	struct vault_unpack u = { .rest = e->owners };
	struct buf *b = vault_row_pack(v);
	uint8_t key[SEAL_KEY];
	struct vault_key k = { 0 };
	int r = 0;

	rand_bytes(key, sizeof(key));
	buf_char(b, kind);
	buf_char(b, (char)e->n_owners);
	vault_pack_u64(b, e->when_ms);
	for (size_t i = 0; i < e->n_owners && r == 0; i++)
		r = rewrap(v, e->id, &u, key, b);
	if (r == 0)
		r = add_body(v, &m, key, b);
	secret_wipe(key, sizeof(key));
	if (r < 0)
		return r;
	if (b->failed)
		return ERR_LIMIT;
	vault_key_u64(&k, e->id);
	return vault_row_put_plain(v, STORE_TABLE_message, vault_key_str(&k), 0, buf_str(b));
}

int vault_archive_retract(struct vault *v, struct str owner, uint64_t id, struct str shown)
{
	struct arena *a = arena_new(4 * (size_t)LIMIT_VALUE_BYTES);
	struct vault_key k = { 0 };
	struct store_row row;
	struct envelope e;
	struct str was, text;
	int r = a ? 0 : ERR_NOMEM;

	vault_key_u64(&k, id);
	if (r == 0)
		r = store_get(v->store, STORE_TABLE_message, vault_key_str(&k), a, &row);
	if (r == 0)
		r = open_envelope(id, row.value, &e);
	if (r == 0 && e.purged)
		r = ERR_NOT_FOUND;
	if (r == 0)
		r = open_body(v, &e, vault_row_owner(v, owner), a, &was);
	if (r == 0 && (e.buried || memchr(was.p, 0, was.n)))
		r = ERR_CONFLICT;
	if (r == 0) {
		char *p = arena_alloc(a, shown.n + 1 + was.n);

		if (p) {
			memcpy(p, shown.p, shown.n);
			memcpy(p + shown.n + 1, was.p, was.n);
		}
		text = str_make(p, shown.n + 1 + was.n);
		r = p ? write_other(v, &e, WHOLE, text) : ERR_LIMIT;
	}
	arena_free(&a);
	return r;
}

int vault_archive_purge(struct vault *v, uint64_t id)
{
	struct vault_key k = { 0 };
	struct store_row row;
	struct envelope e;
	struct arena *a;
	struct buf *b;
	int r = vault_journal_settle(v);	/* the index cannot be made from what is left */

	if (r < 0)
		return r;
	a = arena_new(2 * LIMIT_VALUE_BYTES);
	if (!a)
		return ERR_NOMEM;
	vault_key_u64(&k, id);
	r = store_get(v->store, STORE_TABLE_message, vault_key_str(&k), a, &row);
	if (r == 0)
		r = open_envelope(id, row.value, &e);
	arena_free(&a);
	if (r < 0)
		return r;
	/* Body and wrapped keys leave without a trace; the index rows stay and find this. */
	r = vault_row_erase_one(v, STORE_TABLE_message, vault_key_str(&k));
	if (r < 0)
		return r;
	b = vault_row_pack(v);
	buf_char(b, PURGED);
	buf_char(b, 0);
	vault_pack_u64(b, e.when_ms);
	return vault_row_put_plain(v, STORE_TABLE_message, vault_key_str(&k), 0, buf_str(b));
}

int vault_archive_bury(struct vault *v, uint64_t id, struct str shown)
{
	struct vault_key k = { 0 };
	struct store_row row;
	struct envelope e;
	struct arena *a;
	int r = vault_journal_settle(v);

	if (r < 0)
		return r;
	a = arena_new(2 * LIMIT_VALUE_BYTES);
	if (!a)
		return ERR_NOMEM;
	vault_key_u64(&k, id);
	r = store_get(v->store, STORE_TABLE_message, vault_key_str(&k), a, &row);
	if (r == 0)
		r = open_envelope(id, row.value, &e);
	if (r == 0 && (e.purged || e.buried))
		r = ERR_CONFLICT;
	if (r == 0)
		r = vault_row_erase_one(v, STORE_TABLE_message, vault_key_str(&k));
	if (r == 0)
		r = write_other(v, &e, BURIED, shown);
	arena_free(&a);
	return r;
}

/* Through the first owner whose key is still there. */
static int open_any(struct vault *v, const struct envelope *e, struct arena *a, struct str *ret)
{
	int r = ERR_NOT_FOUND;

	for (size_t i = 0; i < e->n_owners && r == ERR_NOT_FOUND; i++) {
		struct vault_unpack u = { .rest = str_make(e->owners.p + i * OWNER_BYTES, OWNER_BYTES) };

		r = open_body(v, e, vault_unpack_u64(&u), a, ret);
	}
	return r;
}

static int load_any(struct vault *v, uint64_t id, struct str value, struct arena *a, struct vault_entry *ret)
{
	struct envelope e;
	int r = open_envelope(id, value, &e);

	*ret = (struct vault_entry){ .id = id, .stanza = STR_NONE };
	if (r < 0)
		return r;
	ret->when_ms = e.when_ms;
	ret->purged = e.buried;
	r = e.purged ? ERR_NOT_FOUND : open_any(v, &e, a, &ret->stanza);
	if (r == 0 && memchr(ret->stanza.p, 0, ret->stanza.n))
		ret->stanza = str_of(ret->stanza.p);
	ret->gone = r == ERR_NOT_FOUND;
	return r == ERR_NOT_FOUND ? 0 : r;
}

int vault_archive_any(struct vault *v, uint64_t id, struct arena *a, struct vault_entry *ret)
{
	struct vault_key k = { 0 };
	struct store_row row;
	int r;

	vault_key_u64(&k, id);
	r = store_get(v->store, STORE_TABLE_message, vault_key_str(&k), a, &row);
	return r < 0 ? r : load_any(v, id, row.value, a, ret);
}

int vault_archive_scan(struct vault *v, uint64_t from_id, size_t max, struct arena *a, struct vault_entry **ret, size_t *ret_n)
{
	struct vault_key from = { 0 };
	struct store_range range = { .table = STORE_TABLE_message, .max = max };
	struct vault_rows rows;
	struct vault_entry *list;
	int r;

	vault_key_u64(&from, from_id);
	range.from = vault_key_str(&from);
	r = vault_row_collect(v, &range, a, &rows);
	list = r == 0 ? arena_alloc(a, (rows.n + 1) * sizeof(*list)) : NULL;
	if (!list)
		return r < 0 ? r : ERR_LIMIT;
	for (size_t i = 0; i < rows.n; i++) {
		r = load_any(v, store_number(rows.v[i].key.p), rows.v[i].value, a, &list[i]);
		if (r < 0)
			return r;
	}
	*ret = list;
	*ret_n = rows.n;
	return 0;
}

struct of_month {
	struct buf ids;
	uint32_t month;
};

static int on_month(void *ctx, const struct store_row *row)
{
	struct of_month *m = ctx;
	struct vault_unpack u = { .rest = row->value };

	if (row->key.n != 16 || row->value.n < 8)
		return ERR_CORRUPT;
	if (clock_month(vault_unpack_u64(&u)) == m->month)
		return buf_add(&m->ids, row->key.p, 16);
	return 0;
}

/* The index rows of one owner and month. */
static int remove_month(struct vault *v, uint64_t owner, uint32_t month)
{
	struct vault_key from = { 0 }, to = { 0 };
	struct store_range range = { .table = STORE_TABLE_archive };
	struct of_month m = { .month = month };
	int r;

	vault_key_u64(&from, owner);
	range.from = vault_key_str(&from);
	if (store_key_after(range.from, to.p)) {
		to.n = from.n;
		range.to = vault_key_str(&to);
	}
	buf_init(&m.ids, (size_t)1 << 30);
	r = store_scan(v->store, &range, on_month, &m);
	for (size_t i = 0; i + 16 <= m.ids.n && r == 0; i += 16)
		r = vault_row_remove_one(v, STORE_TABLE_archive, str_make(m.ids.p + i, 16));
	buf_release(&m.ids);
	return r;
}

int vault_archive_shred(struct vault *v, struct str owner, uint32_t month)
{
	uint64_t tag = vault_row_owner(v, owner);
	struct vault_key k = { 0 };
	int r;

	if (month == VAULT_STANDING)
		return ERR_BAD_REQUEST;		/* roster and other standing items go with the account alone */
	r = vault_journal_settle(v);
	if (r < 0)
		return r;
	vault_key_u64(&k, tag);
	for (int i = 0; i < 4; i++)
		k.p[k.n++] = (uint8_t)(month >> (24 - 8 * i));
	r = vault_file_forget(v, tag, month);
	if (r == 0)
		r = vault_row_remove_prefix(v, STORE_TABLE_keys, vault_key_str(&k), true);
	if (r == 0)
		r = remove_month(v, tag, month);
	keyring_forget(v->keyring, tag, month);
	return r;
}
