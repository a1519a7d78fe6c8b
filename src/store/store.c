/* store.c - what all back ends share: checks of what is asked, and keys. */
#include "store/store.h"

#include "base/check.h"
#include "base/limits.h"

static const struct {
	const char *name;
	bool number;
} tables[] = {
#define BYTES false
#define NUMBER true
#define TABLE(name, kind) { #name, kind },
#include "store/store.def"
#undef TABLE
#undef BYTES
#undef NUMBER
};

int store_open(const struct store_ops *ops, const struct store_conf *conf, struct store **ret)
{
	return ops->open(conf, ret);
}

void store_close(struct store **s)
{
	if (*s)
		(*s)->ops->close(s);
}

int store_begin(struct store *s)
{
	int r;

	CHECK(!s->in_txn);
	r = s->ops->begin(s);
	s->in_txn = r == 0;
	s->failed = 0;
	return r;
}

int store_commit(struct store *s)
{
	int r;

	CHECK(s->in_txn);
	r = s->failed ? s->failed : s->ops->commit(s);
	if (r < 0)
		s->failed = r;
	else
		s->in_txn = false;
	return r;
}

void store_rollback(struct store *s)
{
	CHECK(s->in_txn);
	s->ops->rollback(s);
	s->in_txn = false;
}

/* A back end may have rolled back by itself (SQLite when the disk is full): what follows must not stand alone. */
static int after_write(struct store *s, int r)
{
	if (r < 0)
		s->failed = r;
	return r;
}

static int check_key(enum store_table table, struct str key)
{
	CHECK(table < STORE_TABLES);
	if (tables[table].number)
		return key.n == 8 && store_number(key.p) < INT64_MAX ? 0 : ERR_LIMIT;
	return key.n > 0 && key.n <= STORE_KEY ? 0 : ERR_LIMIT;
}

int store_put(struct store *s, enum store_table table, struct str key, uint64_t tag, struct str value)
{
	int r = check_key(table, key);

	CHECK(s->in_txn);
	if (r == 0 && value.n > LIMIT_VALUE_BYTES)
		r = ERR_LIMIT;
	if (r < 0 || s->failed)
		return r < 0 ? r : s->failed;
	return after_write(s, s->ops->put(s, table, key, tag, value));
}

int store_get(struct store *s, enum store_table table, struct str key, struct arena *a, struct store_row *ret)
{
	return check_key(table, key) < 0 ? ERR_NOT_FOUND : s->ops->get(s, table, key, a, ret);
}

static void check_range(const struct store_range *range)
{
	CHECK(range->table < STORE_TABLES);
	CHECK(range->from.n <= STORE_KEY && range->to.n <= STORE_KEY);
	if (tables[range->table].number)
		CHECK((range->from.n == 0 || range->from.n == 8) && (range->to.n == 0 || range->to.n == 8));
}

int store_scan(struct store *s, const struct store_range *range, store_row_fn *fn, void *ctx)
{
	check_range(range);
	return s->ops->scan(s, range, fn, ctx);
}

int store_count(struct store *s, const struct store_range *range, uint64_t *ret)
{
	check_range(range);
	return s->ops->count(s, range, ret);
}

int store_remove(struct store *s, const struct store_range *range, bool erase, uint64_t *ret_n)
{
	check_range(range);
	CHECK(range->max == 0 && s->in_txn);
	return s->failed ? s->failed : after_write(s, s->ops->remove(s, range, erase, ret_n));
}

const char *store_table_name(enum store_table table)
{
	return tables[table].name;
}

bool store_table_is_number(enum store_table table)
{
	return tables[table].number;
}

bool store_key_after(struct str prefix, uint8_t *ret)
{
	bool carry = true;

	for (size_t i = prefix.n; i-- > 0;) {
		uint8_t b = (uint8_t)prefix.p[i];

		ret[i] = carry ? (uint8_t)(b + 1) : b;
		carry = carry && b == 0xff;
	}
	return !carry;
}

void store_key_number(uint64_t v, uint8_t ret[8])
{
	for (int i = 0; i < 8; i++)
		ret[i] = (uint8_t)(v >> (56 - 8 * i));
}

uint64_t store_number(const char *p)
{
	uint64_t v = 0;

	for (int i = 0; i < 8; i++)
		v = v << 8 | (uint8_t)p[i];
	return v;
}
