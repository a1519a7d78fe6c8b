/* vault_queue.c - streams in memory: what journal records come to, until it is written to the tables.
 *
 * For each stream: whether all older rows are void (removed), up to where older queue rows are acknowledged,
 * the newest state, and the queue entries that nobody has acknowledged yet.
 */
#include <stdlib.h>

#include "base/secret.h"
#include "vault/vault_row.h"

struct queued {
	uint32_t seq;
	uint32_t n;
	char *p;
};

struct vault_queue {
	uint64_t tag, owner;
	bool removed, trimmed;
	uint32_t trim;
	struct str row;			/* packed; .p NULL: as it was */
	struct queued *q;
	size_t n, cap;
};

/* --- records --------------------------------------------------------------------------------------- */

void vault_queue_put(struct buf *record, uint64_t stream, uint64_t owner, struct str packed)
{
	buf_char(record, QUEUE_PUT);
	vault_pack_u64(record, stream);
	vault_pack_u64(record, owner);
	vault_pack_str(record, packed);
}

void vault_queue_push(struct buf *record, uint64_t stream, uint64_t owner, uint32_t seq, struct str stanza)
{
	buf_char(record, QUEUE_PUSH);
	vault_pack_u64(record, stream);
	vault_pack_u64(record, owner);
	vault_pack_u32(record, seq);
	vault_pack_str(record, stanza);
}

void vault_queue_trim(struct buf *record, uint64_t stream, uint32_t up_to_seq)
{
	buf_char(record, QUEUE_TRIM);
	vault_pack_u64(record, stream);
	vault_pack_u32(record, up_to_seq);
}

void vault_queue_remove(struct buf *record, uint64_t stream)
{
	buf_char(record, QUEUE_REMOVE);
	vault_pack_u64(record, stream);
}

struct op {
	char kind;
	uint64_t stream, owner;
	uint32_t seq;
	struct str bytes;
};

static int next_op(struct vault_unpack *u, struct op *ret)
{
	struct op op = { .kind = vault_unpack_bytes(u, 1).p[0] };

	if (u->bad)
		return ERR_CORRUPT;
	op.stream = vault_unpack_u64(u);
	switch (op.kind) {
	case QUEUE_PUT:
		op.owner = vault_unpack_u64(u);
		op.bytes = vault_unpack_str(u);
		break;
	case QUEUE_PUSH:
		op.owner = vault_unpack_u64(u);
		op.seq = vault_unpack_u32(u);
		op.bytes = vault_unpack_str(u);
		break;
	case QUEUE_TRIM:
		op.seq = vault_unpack_u32(u);
		break;
	case QUEUE_REMOVE:
		break;
	default:
		return ERR_CORRUPT;
	}
	*ret = op;
	return u->bad ? ERR_CORRUPT : 0;
}

/* --- in memory ----------------------------------------------------------------------------------------- */

static struct str tag_key(const uint64_t *tag)
{
	return str_make((const char *)tag, sizeof(*tag));
}

static void drop_bytes(struct vault *v, char *p, size_t n)
{
	if (!p)
		return;
	secret_wipe(p, n);
	free(p);
	v->journal.bytes -= n;
}

static char *keep_bytes(struct vault *v, struct str s)
{
	char *p = malloc(s.n ? s.n : 1);

	if (!p)
		return NULL;
	if (s.n)
		memcpy(p, s.p, s.n);
	v->journal.bytes += s.n;
	return p;
}

static struct vault_queue *queue_of(struct vault *v, uint64_t tag)
{
	struct vault_queue *q = map_get(v->journal.streams, tag_key(&tag));

	if (q)
		return q;
	q = calloc(1, sizeof(*q));
	if (!q)
		return NULL;
	q->tag = tag;
	if (map_put(v->journal.streams, tag_key(&tag), q) < 0) {
		free(q);
		return NULL;
	}
	v->journal.bytes += sizeof(*q);
	return q;
}

static void drop_queue(struct vault *v, struct vault_queue *q)
{
	for (size_t i = 0; i < q->n; i++)
		drop_bytes(v, q->q[i].p, q->q[i].n);
	q->n = 0;
}

static void on_remove(struct vault *v, struct vault_queue *q)
{
	drop_queue(v, q);
	drop_bytes(v, (char *)(uintptr_t)q->row.p, q->row.n);
	q->row = (struct str){ 0 };
	q->removed = true;
	q->trimmed = false;
}

static int on_put(struct vault *v, struct vault_queue *q, const struct op *op)
{
	char *p = keep_bytes(v, op->bytes);

	if (!p)
		return ERR_NOMEM;
	drop_bytes(v, (char *)(uintptr_t)q->row.p, q->row.n);
	q->row = str_make(p, op->bytes.n);
	q->owner = op->owner;
	return 0;
}

static void on_trim(struct vault *v, struct vault_queue *q, uint32_t up_to)
{
	size_t kept = 0;

	for (size_t i = 0; i < q->n; i++) {
		if ((int32_t)(q->q[i].seq - up_to) <= 0)
			drop_bytes(v, q->q[i].p, q->q[i].n);
		else
			q->q[kept++] = q->q[i];
	}
	q->n = kept;
	if (!q->trimmed || (int32_t)(up_to - q->trim) > 0)
		q->trim = up_to;
	q->trimmed = true;
}

/* A number that is there already is replaced, as a row would be. It can only be when numbers do not rise. */
static struct queued *place_for(struct vault_queue *q, uint32_t seq)
{
	if (q->n && (int32_t)(seq - q->q[q->n - 1].seq) <= 0)
		for (size_t i = 0; i < q->n; i++)
			if (q->q[i].seq == seq)
				return &q->q[i];
	if (q->n == q->cap) {
		size_t cap = q->cap ? q->cap * 2 : 4;
		struct queued *grown = realloc(q->q, cap * sizeof(*grown));

		if (!grown)
			return NULL;
		q->q = grown;
		q->cap = cap;
	}
	q->q[q->n] = (struct queued){ .seq = seq };
	return &q->q[q->n++];
}

static int on_push(struct vault *v, struct vault_queue *q, const struct op *op)
{
	char *p = keep_bytes(v, op->bytes);
	struct queued *e = p ? place_for(q, op->seq) : NULL;

	if (!e) {
		drop_bytes(v, p, op->bytes.n);
		return ERR_NOMEM;
	}
	drop_bytes(v, e->p, e->n);
	e->p = p;
	e->n = (uint32_t)op->bytes.n;
	q->owner = op->owner;
	return 0;
}

int vault_queue_apply(struct vault *v, struct str record)
{
	struct vault_unpack u = { .rest = record };

	while (u.rest.n) {
		struct vault_queue *q;
		struct op op;
		int r = next_op(&u, &op);

		if (r < 0)
			return r;
		q = queue_of(v, op.stream);
		if (!q)
			return ERR_NOMEM;
		if (op.kind == QUEUE_PUT)
			r = on_put(v, q, &op);
		else if (op.kind == QUEUE_PUSH)
			r = on_push(v, q, &op);
		else if (op.kind == QUEUE_TRIM)
			on_trim(v, q, op.seq);
		else
			on_remove(v, q);
		if (r < 0)
			return r;
	}
	return 0;
}

bool vault_queue_has(const struct vault *v, uint64_t stream)
{
	return v->journal.record.n > 0 || map_get(v->journal.streams, tag_key(&stream)) != NULL;
}

void vault_queue_clear(struct vault *v)
{
	struct map_iter it = { 0 };
	struct str key;
	void *value;

	while (map_next(v->journal.streams, &it, &key, &value)) {
		struct vault_queue *q = value;
		uint64_t tag = q->tag;

		on_remove(v, q);
		free(q->q);
		free(q);
		v->journal.bytes -= sizeof(*q);
		map_take(v->journal.streams, tag_key(&tag));
	}
}

/* --- to the tables ----------------------------------------------------------------------------------------- */

static int settle_one(struct vault *v, const struct vault_queue *q)
{
	int r = 0;

	if (q->removed)
		r = vault_stream_write_remove(v, q->tag);
	if (r == 0 && q->trimmed && !q->removed)
		r = vault_stream_write_trim(v, q->tag, q->trim);
	if (r == 0 && q->row.p)
		r = vault_stream_write_row(v, q->tag, q->owner, q->row);
	for (size_t i = 0; i < q->n && r == 0; i++)
		r = vault_stream_write_push(v, q->tag, q->owner, q->q[i].seq, str_make(q->q[i].p, q->q[i].n));
	return r;
}

static int settle_record(struct vault *v, struct str record)
{
	struct vault_unpack u = { .rest = record };
	int r = 0;

	while (u.rest.n && r == 0) {
		struct op op;

		r = next_op(&u, &op);
		if (r < 0)
			return r;
		if (op.kind == QUEUE_PUT)
			r = vault_stream_write_row(v, op.stream, op.owner, op.bytes);
		else if (op.kind == QUEUE_PUSH)
			r = vault_stream_write_push(v, op.stream, op.owner, op.seq, op.bytes);
		else if (op.kind == QUEUE_TRIM)
			r = vault_stream_write_trim(v, op.stream, op.seq);
		else
			r = vault_stream_write_remove(v, op.stream);
	}
	return r;
}

int vault_queue_settle(struct vault *v)
{
	struct map_iter it = { 0 };
	struct str key;
	void *value;
	int r = 0;

	while (r == 0 && map_next(v->journal.streams, &it, &key, &value))
		r = settle_one(v, value);
	if (r == 0)
		r = settle_record(v, buf_str(&v->journal.record));
	return r;
}
