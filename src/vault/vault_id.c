/* vault_id.c - ids that rise with time and are never given twice.
 *
 * vault_next_id touches one atomic and nothing else: any thread may call it. At start it is set above
 * everything stored and above the time of the day, so that a clock set back repeats nothing that was kept.
 */
#include "vault/vault_row.h"

#include "base/clock.h"

static const char digits[] = "0123456789abcdefghijklmnopqrstuv";

struct last {
	uint64_t id;
};

static int see(void *ctx, const struct store_row *row)
{
	struct last *last = ctx;

	last->id = store_number(row->key.p);
	return 1;
}

int vault_id_open(struct vault *v)
{
	static const enum store_table with_ids[] = { STORE_TABLE_message, STORE_TABLE_held, STORE_TABLE_finding };
	uint64_t highest = clock_wall_ms() << 20;

	for (size_t i = 0; i < ARRAY_SIZE(with_ids); i++) {
		struct store_range all = { .table = with_ids[i], .backward = true, .max = 1 };
		struct last last = { 0 };
		int r = store_scan(v->store, &all, see, &last);

		if (r < 0)
			return r;
		highest = last.id > highest ? last.id : highest;
	}
	atomic_store(&v->last_id, highest);
	return 0;
}

uint64_t vault_next_id(struct vault *v, uint64_t now_ms)
{
	uint64_t last = atomic_load_explicit(&v->last_id, memory_order_relaxed), next;

	do {
		uint64_t floor = now_ms << 20;

		next = last + 1 > floor ? last + 1 : floor;
	} while (!atomic_compare_exchange_weak(&v->last_id, &last, next));
	return next;
}

void vault_id_text(uint64_t id, char ret[VAULT_ID_TEXT])
{
	for (int i = VAULT_ID_TEXT - 2; i >= 0; i--) {
		ret[i] = digits[id & 31];
		id >>= 5;
	}
	ret[VAULT_ID_TEXT - 1] = 0;
}

int vault_id_parse(struct str text, uint64_t *ret)
{
	uint64_t id = 0;

	if (text.n != VAULT_ID_TEXT - 1)
		return ERR_NOT_FOUND;
	for (size_t i = 0; i < text.n; i++) {
		const char *d = text.p[i] ? strchr(digits, text.p[i]) : NULL;

		if (!d || id >> 59)
			return ERR_NOT_FOUND;
		id = id << 5 | (uint64_t)(d - digits);
	}
	/* 63 bits are in use: the store's numbers are signed. */
	if (id == 0 || id >> 63)
		return ERR_NOT_FOUND;
	*ret = id;
	return 0;
}
