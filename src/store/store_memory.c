/* store_memory.c - the oracle: rows in sorted arrays, transactions by an undo list.
 *
 * For simulation and for comparing other back ends with. Simple before fast: an insertion moves
 * pointers, nothing else.
 */
#include <stdlib.h>

#include "base/check.h"
#include "store/store.h"

#define MEMORY_MAGIC 0x3e3079a1u

struct row {
	struct str key, value;		/* both in the same allocation */
	uint64_t tag;
};

struct table {
	struct row **v;
	size_t n, cap;
};

/* What to do to undo: put 'row' back, or take 'key' out. */
struct undo {
	enum store_table table;
	struct row *row;		/* NULL: there was none */
	struct str key;			/* own copy when row is NULL */
};

struct memory {
	struct store store;
	CHECK_MAGIC;
	struct table t[STORE_TABLES];
	struct undo *undo;
	size_t n_undo, cap_undo;
};

static struct memory *memory_of(struct store *s)
{
	struct memory *m = (struct memory *)s;

	CHECK_OBJ(m, MEMORY_MAGIC);
	return m;
}

static int open_memory(const struct store_conf *conf, struct store **ret)
{
	struct memory *m = calloc(1, sizeof(*m));

	(void)conf;
	if (!m)
		return ERR_NOMEM;
	m->magic = MEMORY_MAGIC;
	m->store.ops = &store_memory;
	*ret = &m->store;
	return 0;
}

/* The first index whose key is not below 'key'. */
static size_t lower(const struct table *t, struct str key)
{
	size_t lo = 0, hi = t->n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (str_cmp(t->v[mid]->key, key) < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

static struct row *row_new(struct str key, uint64_t tag, struct str value)
{
	struct row *row = malloc(sizeof(*row) + key.n + value.n);
	char *p = (char *)(row + 1);

	if (!row)
		return NULL;
	if (key.n)
		memcpy(p, key.p, key.n);
	if (value.n)
		memcpy(p + key.n, value.p, value.n);
	*row = (struct row){ .key = { p, key.n }, .value = { p + key.n, value.n }, .tag = tag };
	return row;
}

static int room(void *array_of_pointers, size_t n, size_t *cap, size_t each)
{
	void **p = array_of_pointers;
	void *grown;
	size_t want = *cap ? *cap * 2 : 32;

	if (n < *cap)
		return 0;
	grown = realloc(*p, want * each);
	if (!grown)
		return ERR_NOMEM;
	*p = grown;
	*cap = want;
	return 0;
}

static void insert_at(struct table *t, size_t at, struct row *row)
{
	memmove(t->v + at + 1, t->v + at, (t->n - at) * sizeof(*t->v));
	t->v[at] = row;
	t->n++;
}

static void remove_at(struct table *t, size_t at)
{
	memmove(t->v + at, t->v + at + 1, (t->n - at - 1) * sizeof(*t->v));
	t->n--;
}

static bool is_at(const struct table *t, size_t at, struct str key)
{
	return at < t->n && str_eq(t->v[at]->key, key);
}

static void forget_undo(struct memory *m)
{
	for (size_t i = 0; i < m->n_undo; i++) {
		if (m->undo[i].row)
			free(m->undo[i].row);
		else
			free((void *)(uintptr_t)m->undo[i].key.p);
	}
	m->n_undo = 0;
}

static void close_memory(struct store **s)
{
	struct memory *m = memory_of(*s);

	if (m->store.in_txn)
		store_rollback(&m->store);
	for (int t = 0; t < STORE_TABLES; t++) {
		for (size_t i = 0; i < m->t[t].n; i++)
			free(m->t[t].v[i]);
		free(m->t[t].v);
	}
	free(m->undo);
	m->magic = 0;
	free(m);
	*s = NULL;
}

static int begin_memory(struct store *s)
{
	(void)memory_of(s);
	return 0;
}

static int commit_memory(struct store *s)
{
	forget_undo(memory_of(s));
	return 0;
}

static void rollback_memory(struct store *s)
{
	struct memory *m = memory_of(s);

	while (m->n_undo) {
		struct undo *u = &m->undo[--m->n_undo];
		struct table *t = &m->t[u->table];
		struct str key = u->row ? u->row->key : u->key;
		size_t at = lower(t, key);

		if (is_at(t, at, key)) {
			free(t->v[at]);
			if (u->row)
				t->v[at] = u->row;
			else
				remove_at(t, at);
		} else {
			CHECK(u->row != NULL && t->n < t->cap);
			insert_at(t, at, u->row);
		}
		if (!u->row)
			free((void *)(uintptr_t)u->key.p);
	}
}

static int put_memory(struct store *s, enum store_table table, struct str key, uint64_t tag, struct str value)
{
	struct memory *m = memory_of(s);
	struct table *t = &m->t[table];
	size_t at = lower(t, key);
	struct row *row = row_new(key, tag, value);
	bool replaces = is_at(t, at, key);
	char *copy = replaces ? NULL : malloc(key.n);

	if (!row || (!replaces && !copy) || room(&m->undo, m->n_undo, &m->cap_undo, sizeof(*m->undo)) < 0 ||
	    room(&t->v, t->n, &t->cap, sizeof(*t->v)) < 0) {
		free(row);
		free(copy);
		return ERR_NOMEM;
	}
	if (replaces) {
		m->undo[m->n_undo++] = (struct undo){ .table = table, .row = t->v[at] };
		t->v[at] = row;
	} else {
		memcpy(copy, key.p, key.n);
		m->undo[m->n_undo++] = (struct undo){ .table = table, .key = { copy, key.n } };
		insert_at(t, at, row);
	}
	return 0;
}

static int get_memory(struct store *s, enum store_table table, struct str key, struct arena *a, struct store_row *ret)
{
	struct memory *m = memory_of(s);
	struct table *t = &m->t[table];
	size_t at = lower(t, key);
	struct store_row row;

	if (!is_at(t, at, key))
		return ERR_NOT_FOUND;
	row = (struct store_row){ arena_str(a, key), t->v[at]->tag, arena_str(a, t->v[at]->value) };
	if (!row.key.p || !row.value.p)
		return ERR_LIMIT;
	*ret = row;
	return 0;
}

static void borders(const struct table *t, const struct store_range *g, size_t *ret_lo, size_t *ret_hi)
{
	*ret_lo = lower(t, g->from);
	*ret_hi = g->to.n ? lower(t, g->to) : t->n;
	if (*ret_hi < *ret_lo)
		*ret_hi = *ret_lo;
}

static bool wanted(const struct store_range *g, const struct row *row)
{
	return !g->by_tag || row->tag == g->tag;
}

static int scan_memory(struct store *s, const struct store_range *g, store_row_fn *fn, void *ctx)
{
	struct table *t = &memory_of(s)->t[g->table];
	size_t lo, hi, shown = 0;
	int r = 0;

	borders(t, g, &lo, &hi);
	for (size_t i = 0; i < hi - lo && r == 0 && (!g->max || shown < g->max); i++) {
		const struct row *row = t->v[g->backward ? hi - 1 - i : lo + i];

		if (!wanted(g, row))
			continue;
		shown++;
		r = fn(ctx, &(struct store_row){ row->key, row->tag, row->value });
	}
	return r < 0 ? r : 0;
}

static int count_memory(struct store *s, const struct store_range *g, uint64_t *ret)
{
	struct table *t = &memory_of(s)->t[g->table];
	size_t lo, hi;
	uint64_t n = 0;

	borders(t, g, &lo, &hi);
	for (size_t i = lo; i < hi && (!g->max || n < g->max); i++)
		n += wanted(g, t->v[i]);
	*ret = n;
	return 0;
}

static int remove_memory(struct store *s, const struct store_range *g, bool erase, uint64_t *ret_n)
{
	struct memory *m = memory_of(s);
	struct table *t = &m->t[g->table];
	size_t lo, hi, kept;
	uint64_t n = 0;
	int r = 0;

	(void)erase;
	borders(t, g, &lo, &hi);
	kept = lo;
	for (size_t i = lo; i < hi; i++) {
		if (r == 0 && wanted(g, t->v[i])) {
			r = room(&m->undo, m->n_undo, &m->cap_undo, sizeof(*m->undo));
			if (r == 0) {
				m->undo[m->n_undo++] = (struct undo){ .table = g->table, .row = t->v[i] };
				n++;
				continue;
			}
		}
		t->v[kept++] = t->v[i];
	}
	if (t->n > hi)
		memmove(t->v + kept, t->v + hi, (t->n - hi) * sizeof(*t->v));
	t->n -= hi - kept;
	if (r == 0)
		*ret_n = n;
	return r;
}

const struct store_ops store_memory = {
	.name = "memory",
	.open = open_memory,
	.close = close_memory,
	.begin = begin_memory,
	.commit = commit_memory,
	.rollback = rollback_memory,
	.put = put_memory,
	.get = get_memory,
	.scan = scan_memory,
	.count = count_memory,
	.remove = remove_memory,
};
