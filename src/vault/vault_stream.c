/* vault_stream.c - resumable streams (XEP-0198) and their unacknowledged stanzas.
 *
 * Operations go to the journal; reading settles it first (vault_journal.h).
 */
#include "vault/vault_row.h"

static struct vault_key key_of(uint64_t stream)
{
	struct vault_key k = { 0 };

	vault_key_u64(&k, stream);
	return k;
}

static void add_seq(struct vault_key *k, uint32_t seq)
{
	for (int i = 0; i < 4; i++)
		k->p[k->n++] = (uint8_t)(seq >> (24 - 8 * i));
}

/* --- to the tables: called by the journal -------------------------------------------------------------- */

int vault_stream_write_row(struct vault *v, uint64_t stream, uint64_t owner, struct str packed)
{
	struct vault_key k = key_of(stream);

	return vault_row_put(v, STORE_TABLE_stream, vault_key_str(&k), owner, v->purpose[PURPOSE_STREAM], VAULT_STANDING,
			     packed);
}

int vault_stream_write_push(struct vault *v, uint64_t stream, uint64_t owner, uint32_t seq, struct str stanza)
{
	struct vault_key k = key_of(stream);

	add_seq(&k, seq);
	return vault_row_put(v, STORE_TABLE_queue, vault_key_str(&k), owner, v->purpose[PURPOSE_STREAM], VAULT_STANDING,
			     stanza);
}

/* Removes from <= seq <= to. */
static int trim(struct vault *v, const struct vault_key *stream, uint32_t from, uint32_t to)
{
	struct vault_key lo = *stream, hi = *stream;

	add_seq(&lo, from);
	add_seq(&hi, to);
	hi.p[hi.n++] = 0;		/* the smallest key behind it */
	return vault_row_remove(v, STORE_TABLE_queue, vault_key_str(&lo), vault_key_str(&hi), false);
}

/* Acknowledged are the 2^31 numbers up to up_to_seq, which may wrap (XEP-0198 4). */
int vault_stream_write_trim(struct vault *v, uint64_t stream, uint32_t up_to_seq)
{
	uint32_t first = up_to_seq - INT32_MAX;
	struct vault_key k = key_of(stream);
	int r;

	if (first <= up_to_seq)
		return trim(v, &k, first, up_to_seq);
	r = trim(v, &k, 0, up_to_seq);
	return r < 0 ? r : trim(v, &k, first, UINT32_MAX);
}

int vault_stream_write_remove(struct vault *v, uint64_t stream)
{
	struct vault_key k = key_of(stream);
	int r = vault_row_remove_one(v, STORE_TABLE_stream, vault_key_str(&k));

	return r < 0 ? r : vault_row_remove_prefix(v, STORE_TABLE_queue, vault_key_str(&k), false);
}

/* --- what core asks for ----------------------------------------------------------------------------------- */

/* Whether the operation goes to the tables: when this transaction has settled, or its record would grow too large. */
static int choose(struct vault *v, size_t more, bool *ret_direct)
{
	int r = 0;

	v->changes++;
	v->journal.n_ops++;
	if (!v->journal.direct && (v->journal.record.n + more + 64 > v->journal.record.max ||
				   v->journal.n_ops > LIMIT_JOURNAL_STREAMS / 2))
		r = vault_journal_settle(v);
	if (r == 0)
		*ret_direct = v->journal.direct;
	return r;
}

int vault_stream_put(struct vault *v, const struct vault_stream *st)
{
	uint64_t tag = vault_row_stream(v, st->id), owner = vault_row_owner(v, st->owner);
	struct buf *b = vault_row_pack(v);
	bool direct;
	int r;

	vault_pack_str(b, st->id);
	vault_pack_str(b, st->owner);
	vault_pack_str(b, st->state);
	vault_pack_u64(b, st->expires_ms);
	if (b->failed)
		return ERR_LIMIT;
	r = choose(v, b->n, &direct);
	if (r < 0)
		return r;
	if (direct)
		return vault_stream_write_row(v, tag, owner, buf_str(b));
	vault_queue_put(&v->journal.record, tag, owner, buf_str(b));
	return 0;
}

int vault_stream_push(struct vault *v, struct str id, struct str owner, uint32_t seq, struct str stanza)
{
	uint64_t tag = vault_row_stream(v, id), owner_tag = vault_row_owner(v, owner);
	bool direct;
	int r = choose(v, stanza.n, &direct);

	if (r < 0)
		return r;
	if (direct)
		return vault_stream_write_push(v, tag, owner_tag, seq, stanza);
	vault_queue_push(&v->journal.record, tag, owner_tag, seq, stanza);
	return 0;
}

int vault_stream_trim(struct vault *v, struct str id, uint32_t up_to_seq)
{
	uint64_t tag = vault_row_stream(v, id);
	bool direct;
	int r = choose(v, 0, &direct);

	if (r < 0)
		return r;
	if (direct)
		return vault_stream_write_trim(v, tag, up_to_seq);
	vault_queue_trim(&v->journal.record, tag, up_to_seq);
	return 0;
}

int vault_stream_remove(struct vault *v, struct str id)
{
	uint64_t tag = vault_row_stream(v, id);
	bool direct;
	int r = choose(v, 0, &direct);

	if (r < 0)
		return r;
	if (direct)
		return vault_stream_write_remove(v, tag);
	vault_queue_remove(&v->journal.record, tag);
	return 0;
}

static int open_one(struct vault *v, const struct store_row *row, struct arena *a, struct vault_stream *ret)
{
	struct vault_unpack u = { 0 };
	struct vault_stream st = { 0 };
	int r = vault_row_open(v, STORE_TABLE_stream, row->key, v->purpose[PURPOSE_STREAM], row->value, a, &u.rest);

	if (r < 0)
		return r == ERR_NOT_FOUND ? ERR_CORRUPT : r;
	st.id = vault_unpack_str(&u);
	st.owner = vault_unpack_str(&u);
	st.state = vault_unpack_str(&u);
	st.expires_ms = vault_unpack_u64(&u);
	r = vault_unpack_end(&u);
	if (r == 0)
		*ret = st;
	return r;
}

/* Rows come in order of their number; where numbers wrapped, the upper part is the older. */
static void put_oldest_first(struct vault_queued *q, size_t n, struct arena *a)
{
	struct vault_queued *copy;
	size_t first = 0;

	while (first < n && (first == 0 || q[first].seq - q[first - 1].seq < (uint32_t)INT32_MAX))
		first++;
	if (first == n)
		return;
	copy = arena_alloc(a, n * sizeof(*q));
	if (!copy)
		return;
	memcpy(copy, q + first, (n - first) * sizeof(*q));
	memcpy(copy + n - first, q, first * sizeof(*q));
	memcpy(q, copy, n * sizeof(*q));
}

static int load_queue(struct vault *v, const struct vault_key *stream, struct arena *a, struct vault_queued **ret,
		      size_t *ret_n)
{
	struct vault_key to = { .n = stream->n };
	struct store_range range = { .table = STORE_TABLE_queue, .from = vault_key_str(stream) };
	struct vault_rows rows;
	struct vault_queued *q;
	int r;

	if (store_key_after(range.from, to.p))
		range.to = vault_key_str(&to);
	r = vault_row_collect(v, &range, a, &rows);
	q = r == 0 ? arena_alloc(a, (rows.n + 1) * sizeof(*q)) : NULL;
	if (!q)
		return r < 0 ? r : ERR_LIMIT;
	for (size_t i = 0; i < rows.n; i++) {
		struct vault_unpack u = { .rest = str_cut(rows.v[i].key, 8) };

		q[i].seq = vault_unpack_u32(&u);
		r = vault_unpack_end(&u);
		if (r == 0)
			r = vault_row_open(v, STORE_TABLE_queue, rows.v[i].key, v->purpose[PURPOSE_STREAM],
					   rows.v[i].value, a, &q[i].stanza);
		if (r < 0)
			return r == ERR_NOT_FOUND ? ERR_CORRUPT : r;
	}
	put_oldest_first(q, rows.n, a);
	*ret = q;
	*ret_n = rows.n;
	return 0;
}

int vault_stream_get(struct vault *v, struct str id, struct arena *a, struct vault_stream *ret,
		     struct vault_queued **ret_queue, size_t *ret_n)
{
	struct vault_key k = key_of(vault_row_stream(v, id));
	struct vault_stream st;
	struct store_row row;
	int r = vault_queue_has(v, vault_row_stream(v, id)) ? vault_journal_settle(v) : 0;

	if (r == 0)
		r = store_get(v->store, STORE_TABLE_stream, vault_key_str(&k), a, &row);
	if (r == 0)
		r = open_one(v, &row, a, &st);
	if (r == 0 && !str_eq(st.id, id))
		r = ERR_NOT_FOUND;
	if (r == 0)
		r = load_queue(v, &k, a, ret_queue, ret_n);
	if (r == 0)
		*ret = st;
	return r;
}

int vault_stream_list(struct vault *v, struct arena *a, struct vault_stream **ret, size_t *ret_n)
{
	struct vault_rows rows;
	struct vault_stream *list;
	int r = vault_journal_settle(v);

	if (r == 0)
		r = vault_row_collect(v, &(struct store_range){ .table = STORE_TABLE_stream }, a, &rows);
	list = r == 0 ? arena_alloc(a, (rows.n + 1) * sizeof(*list)) : NULL;
	if (!list)
		return r < 0 ? r : ERR_LIMIT;
	for (size_t i = 0; i < rows.n; i++) {
		r = open_one(v, &rows.v[i], a, &list[i]);
		if (r < 0)
			return r;
	}
	*ret = list;
	*ret_n = rows.n;
	return 0;
}

int vault_stream_forget(struct vault *v, uint64_t owner)
{
	static const enum store_table tables[] = { STORE_TABLE_stream, STORE_TABLE_queue };
	int r = 0;

	for (size_t i = 0; i < ARRAY_SIZE(tables) && r == 0; i++) {
		struct store_range range = { .table = tables[i], .by_tag = true, .tag = owner };
		uint64_t n;

		v->changes++;
		r = store_remove(v->store, &range, false, &n);
	}
	return r;
}
