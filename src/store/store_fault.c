/* store_fault.c - see store_fault.h. */
#include "store/store_fault.h"

#include <stdlib.h>

#include "base/check.h"

#define FAULT_MAGIC 0xfa017001u

struct fault {
	struct store store;
	CHECK_MAGIC;
	struct store *under;
	uint64_t left;			/* calls until one fails; 0: none will */
	int err;
	bool sticky, fired;
};

static const struct store_ops ops;

static struct fault *fault_of(const struct store *s)
{
	struct fault *f = (struct fault *)(uintptr_t)s;

	CHECK_OBJ(f, FAULT_MAGIC);
	return f;
}

int store_fault_new(struct store **under, struct store **ret)
{
	struct fault *f = calloc(1, sizeof(*f));

	if (!f)
		return ERR_NOMEM;
	f->magic = FAULT_MAGIC;
	f->store.ops = &ops;
	f->under = *under;
	*under = NULL;
	*ret = &f->store;
	return 0;
}

void store_fault_arm(struct store *s, uint64_t nth, int err, bool sticky)
{
	struct fault *f = fault_of(s);

	f->left = nth;
	f->err = err;
	f->sticky = sticky;
	f->fired = false;
}

bool store_fault_fired(const struct store *s)
{
	return fault_of(s)->fired;
}

struct store *store_fault_under(struct store *s)
{
	return fault_of(s)->under;
}

static int hit(struct fault *f)
{
	if (f->fired && f->sticky)
		return f->err;
	if (f->left == 0 || --f->left > 0)
		return 0;
	f->fired = true;
	return f->err;
}

static int fault_open(const struct store_conf *conf, struct store **ret)
{
	(void)conf;
	(void)ret;
	return ERR_NOT_ALLOWED;		/* made by store_fault_new */
}

static void fault_close(struct store **s)
{
	struct fault *f = fault_of(*s);

	store_close(&f->under);
	f->magic = 0;
	free(f);
	*s = NULL;
}

static int fault_begin(struct store *s)
{
	struct fault *f = fault_of(s);
	int r = hit(f);

	return r < 0 ? r : store_begin(f->under);
}

static int fault_commit(struct store *s)
{
	struct fault *f = fault_of(s);
	int r = hit(f);

	return r < 0 ? r : store_commit(f->under);
}

static void fault_rollback(struct store *s)
{
	store_rollback(fault_of(s)->under);
}

static int fault_put(struct store *s, enum store_table table, struct str key, uint64_t tag, struct str value)
{
	struct fault *f = fault_of(s);
	int r = hit(f);

	return r < 0 ? r : store_put(f->under, table, key, tag, value);
}

static int fault_get(struct store *s, enum store_table table, struct str key, struct arena *a, struct store_row *ret)
{
	struct fault *f = fault_of(s);
	int r = hit(f);

	return r < 0 ? r : store_get(f->under, table, key, a, ret);
}

static int fault_scan(struct store *s, const struct store_range *range, store_row_fn *fn, void *ctx)
{
	struct fault *f = fault_of(s);
	int r = hit(f);

	return r < 0 ? r : store_scan(f->under, range, fn, ctx);
}

static int fault_count(struct store *s, const struct store_range *range, uint64_t *ret)
{
	struct fault *f = fault_of(s);
	int r = hit(f);

	return r < 0 ? r : store_count(f->under, range, ret);
}

static int fault_remove(struct store *s, const struct store_range *range, bool erase, uint64_t *ret_n)
{
	struct fault *f = fault_of(s);
	int r = hit(f);

	return r < 0 ? r : store_remove(f->under, range, erase, ret_n);
}

static const struct store_ops ops = {
	.name = "fault",
	.open = fault_open,
	.close = fault_close,
	.begin = fault_begin,
	.commit = fault_commit,
	.rollback = fault_rollback,
	.put = fault_put,
	.get = fault_get,
	.scan = fault_scan,
	.count = fault_count,
	.remove = fault_remove,
};
