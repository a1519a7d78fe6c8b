/* vault_pubsub.c - see vault_pubsub.h.
 *
 * Two rows an item: (owner, ITEM_PUBSUB, node tag, place) holds it sealed; (owner, ITEM_PUBSUB_ID, node tag, id tag)
 * has its place in the row's tag and its size as value, so that publishing one of a thousand touches a few rows and not
 * a thousand. One row an owner, where a node of tag 0 would be, has the sum of the sizes as its tag.
 */
#include "vault/vault_pubsub.h"

#include "vault/vault_row.h"

#define PREFIX (8 + 1 + 8)

static void prefix_of(struct vault *v, enum vault_kind kind, uint64_t owner, struct str node, struct vault_key *ret)
{
	*ret = (struct vault_key){ 0 };
	vault_key_u64(ret, owner);
	ret->p[ret->n++] = (uint8_t)kind;
	vault_key_u64(ret, vault_row_tag(v, 'n', owner, node));
}

static void place_of(struct vault *v, uint64_t owner, struct str node, uint64_t seq, struct vault_key *ret)
{
	prefix_of(v, ITEM_PUBSUB, owner, node, ret);
	vault_key_u64(ret, seq);
}

static void id_of(struct vault *v, uint64_t owner, struct str node, struct str id, struct vault_key *ret)
{
	prefix_of(v, ITEM_PUBSUB_ID, owner, node, ret);
	vault_key_u64(ret, vault_row_tag(v, 'd', owner, id));
}

/* Every place of the node in (after, before). */
struct span {
	struct vault_key from, to;
	struct store_range range;
};

static void span_of(struct vault *v, uint64_t owner, struct str node, uint64_t after, uint64_t before, struct span *ret)
{
	*ret = (struct span){ .range.table = STORE_TABLE_item };
	place_of(v, owner, node, after ? after + 1 : 0, &ret->from);
	place_of(v, owner, node, before ? before : UINT64_MAX, &ret->to);
	ret->range.from = vault_key_str(&ret->from);
	ret->range.to = vault_key_str(&ret->to);
}

/* What is at an id: where, and how large. */
struct place {
	uint64_t seq, size;
};

static int find_place(struct vault *v, uint64_t owner, struct str node, struct str id, struct place *ret)
{
	struct store_row row;
	struct vault_key k;
	int r;

	id_of(v, owner, node, id, &k);
	arena_clear(v->tmp);
	r = store_get(v->store, STORE_TABLE_item, vault_key_str(&k), v->tmp, &row);
	if (r < 0)
		return r;
	if (row.value.n != 8)
		return ERR_CORRUPT;
	*ret = (struct place){ .seq = row.tag, .size = store_number(row.value.p) };
	return 0;
}

static void sum_key(uint64_t owner, struct vault_key *ret)
{
	*ret = (struct vault_key){ 0 };
	vault_key_u64(ret, owner);
	ret->p[ret->n++] = (uint8_t)ITEM_PUBSUB_ID;
	vault_key_u64(ret, 0);
}

static int read_sum(struct vault *v, uint64_t owner, uint64_t *ret)
{
	struct store_row row;
	struct vault_key k;
	int r;

	sum_key(owner, &k);
	arena_clear(v->tmp);
	r = store_get(v->store, STORE_TABLE_item, vault_key_str(&k), v->tmp, &row);
	*ret = r == 0 ? row.tag : 0;
	return r == ERR_NOT_FOUND ? 0 : r;
}

static int change_sum(struct vault *v, uint64_t owner, uint64_t more, uint64_t less)
{
	struct vault_key k;
	uint64_t sum;
	int r = read_sum(v, owner, &sum);

	if (r < 0 || more == less)
		return r;
	sum = sum + more > less ? sum + more - less : 0;
	sum_key(owner, &k);
	return vault_row_put_plain(v, STORE_TABLE_item, vault_key_str(&k), sum, STR_NONE);
}

static int unpack(struct str plain, uint64_t seq, struct vault_pub *ret)
{
	struct vault_unpack u = { .rest = plain };
	struct vault_pub item = { .seq = seq };
	int r;

	item.id = vault_unpack_str(&u);
	item.publisher = vault_unpack_str(&u);
	item.payload = vault_unpack_str(&u);
	r = vault_unpack_end(&u);
	if (r == 0)
		*ret = item;
	return r;
}

static int read_place(struct vault *v, uint64_t owner, struct str node, uint64_t seq, struct arena *a, struct vault_pub *ret)
{
	struct vault_key k;
	struct str plain;
	int r;

	place_of(v, owner, node, seq, &k);
	r = vault_row_get(v, STORE_TABLE_item, vault_key_str(&k), owner, a, &plain);
	if (r == ERR_NOT_FOUND)
		return ERR_CORRUPT;	/* the row of its id says it is there */
	return r < 0 ? r : unpack(plain, seq, ret);
}

static int remove_both(struct vault *v, uint64_t owner, struct str node, struct str id, uint64_t seq)
{
	struct vault_key k;
	int r;

	place_of(v, owner, node, seq, &k);
	r = vault_row_remove_one(v, STORE_TABLE_item, vault_key_str(&k));
	if (r < 0)
		return r;
	id_of(v, owner, node, id, &k);
	return vault_row_remove_one(v, STORE_TABLE_item, vault_key_str(&k));
}

int vault_pubsub_put(struct vault *v, struct str owner, struct str node, const struct vault_pub *item)
{
	uint64_t tag = vault_row_owner(v, owner), size = item->id.n + item->publisher.n + item->payload.n;
	struct place old = { 0 };
	struct vault_key k;
	uint8_t bytes[8];
	struct buf *b;
	int r = find_place(v, tag, node, item->id, &old);

	if (r == 0)
		r = remove_both(v, tag, node, item->id, old.seq);
	if (r < 0 && r != ERR_NOT_FOUND)
		return r;
	b = vault_row_pack(v);
	vault_pack_str(b, item->id);
	vault_pack_str(b, item->publisher);
	vault_pack_str(b, item->payload);
	if (b->failed)
		return ERR_LIMIT;
	place_of(v, tag, node, item->seq, &k);
	r = vault_row_put(v, STORE_TABLE_item, vault_key_str(&k), 0, tag, VAULT_STANDING, buf_str(b));
	if (r < 0)
		return r;
	id_of(v, tag, node, item->id, &k);
	store_key_number(size, bytes);
	r = vault_row_put_plain(v, STORE_TABLE_item, vault_key_str(&k), item->seq, str_make((const char *)bytes, 8));
	return r < 0 ? r : change_sum(v, tag, size, old.size);
}

int vault_pubsub_get(struct vault *v, struct str owner, struct str node, struct str id, struct arena *a, struct vault_pub *ret)
{
	uint64_t tag = vault_row_owner(v, owner);
	struct place at;
	int r = find_place(v, tag, node, id, &at);

	if (r == 0)
		r = read_place(v, tag, node, at.seq, a, ret);
	/* Two ids with one tag: 2^-64. */
	return r == 0 && !str_eq(ret->id, id) ? ERR_NOT_FOUND : r;
}

static int remove_one(struct vault *v, uint64_t owner, struct str node, struct str id)
{
	struct place at;
	int r = find_place(v, owner, node, id, &at);

	if (r == 0)
		r = remove_both(v, owner, node, id, at.seq);
	return r < 0 ? r : change_sum(v, owner, 0, at.size);
}

int vault_pubsub_remove(struct vault *v, struct str owner, struct str node, struct str id)
{
	return remove_one(v, vault_row_owner(v, owner), node, id);
}

int vault_pubsub_seq(struct vault *v, struct str owner, struct str node, struct str id, uint64_t *ret)
{
	struct place at;
	int r = find_place(v, vault_row_owner(v, owner), node, id, &at);

	if (r == 0)
		*ret = at.seq;
	return r;
}

int vault_pubsub_count(struct vault *v, struct str owner, struct str node, uint64_t before_seq, uint64_t *ret)
{
	struct span s;

	span_of(v, vault_row_owner(v, owner), node, 0, before_seq, &s);
	return store_count(v->store, &s.range, ret);
}

static int open_rows(struct vault *v, uint64_t owner, const struct vault_rows *rows, bool backward, struct arena *a,
		     struct vault_pub *list)
{
	int r = 0;

	for (size_t i = 0; i < rows->n && r == 0; i++) {
		const struct store_row *row = &rows->v[backward ? rows->n - 1 - i : i];
		struct str plain;

		r = vault_row_open(v, STORE_TABLE_item, row->key, owner, row->value, a, &plain);
		if (r == 0)
			r = unpack(plain, store_number(row->key.p + PREFIX), &list[i]);
	}
	return r == ERR_NOT_FOUND ? ERR_CORRUPT : r;
}

int vault_pubsub_page(struct vault *v, struct str owner, struct str node, const struct vault_pub_query *q, struct arena *a,
		      struct vault_pub **ret, size_t *ret_n)
{
	uint64_t tag = vault_row_owner(v, owner);
	struct vault_rows rows;
	struct vault_pub *list;
	struct span s;
	int r;

	CHECK(q->max > 0);
	span_of(v, tag, node, q->after_seq, q->before_seq, &s);
	s.range.max = q->max;
	s.range.backward = q->newest;
	r = vault_row_collect(v, &s.range, a, &rows);
	if (r < 0)
		return r;
	list = arena_alloc(a, (rows.n + 1) * sizeof(*list));
	if (!list)
		return ERR_LIMIT;
	r = open_rows(v, tag, &rows, q->newest, a, list);
	if (r == 0) {
		*ret = list;
		*ret_n = rows.n;
	}
	return r;
}

/* The oldest of the span, one after the other: each may be as large as an item gets. */
static int remove_oldest(struct vault *v, uint64_t owner, struct str node, uint64_t n, uint64_t before)
{
	struct arena *a = arena_new(LIMIT_VALUE_BYTES * 3);
	int r = a ? 0 : ERR_NOMEM;

	for (uint64_t i = 0; i < n && r == 0; i++) {
		struct vault_rows rows;
		struct vault_pub one;
		struct span s;

		arena_clear(a);
		span_of(v, owner, node, 0, before, &s);
		s.range.max = 1;
		r = vault_row_collect(v, &s.range, a, &rows);
		if (r < 0 || rows.n == 0)
			break;
		r = open_rows(v, owner, &rows, false, a, &one);
		if (r == 0)
			r = remove_one(v, owner, node, one.id);
	}
	arena_free(&a);
	return r;
}

int vault_pubsub_trim(struct vault *v, struct str owner, struct str node, uint64_t keep, uint64_t before_seq)
{
	uint64_t tag = vault_row_owner(v, owner), n;
	int r = 0;

	if (before_seq) {
		r = vault_pubsub_count(v, owner, node, before_seq, &n);
		if (r == 0 && n)
			r = remove_oldest(v, tag, node, n, before_seq);
	}
	if (r == 0)
		r = vault_pubsub_count(v, owner, node, 0, &n);
	return r == 0 && n > keep ? remove_oldest(v, tag, node, n - keep, 0) : r;
}

static int add_size(void *ctx, const struct store_row *row)
{
	uint64_t *sum = ctx;

	if (row->value.n == 8)
		*sum += store_number(row->value.p);
	return 0;
}

static int size_of_node(struct vault *v, uint64_t owner, struct str node, uint64_t *ret)
{
	struct store_range range = { .table = STORE_TABLE_item };
	struct vault_key k;
	uint8_t after[PREFIX];

	prefix_of(v, ITEM_PUBSUB_ID, owner, node, &k);
	range.from = vault_key_str(&k);
	if (store_key_after(range.from, after))
		range.to = str_make((const char *)after, PREFIX);
	*ret = 0;
	return store_scan(v->store, &range, add_size, ret);
}

int vault_pubsub_clear(struct vault *v, struct str owner, struct str node)
{
	static const enum vault_kind kinds[] = { ITEM_PUBSUB, ITEM_PUBSUB_ID };
	uint64_t tag = vault_row_owner(v, owner), size;
	int r = size_of_node(v, tag, node, &size);

	for (size_t i = 0; i < ARRAY_SIZE(kinds) && r == 0; i++) {
		struct vault_key k;

		prefix_of(v, kinds[i], tag, node, &k);
		r = vault_row_remove_prefix(v, STORE_TABLE_item, vault_key_str(&k), false);
	}
	return r < 0 ? r : change_sum(v, tag, 0, size);
}

int vault_pubsub_used(struct vault *v, struct str owner, uint64_t *ret)
{
	return read_sum(v, vault_row_owner(v, owner), ret);
}
