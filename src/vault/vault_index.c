/* vault_index.c - the index of the archive, put off and written in order (vault_journal.h). */
#include <stdlib.h>

#include "vault/vault_row.h"

static const struct str mark_name = { "indexed", 7 };

static int append(struct vault_index_list *l, const struct vault_index_row *row)
{
	if (l->n == l->cap) {
		size_t cap = l->cap ? l->cap * 2 : 256;
		struct vault_index_row *grown = realloc(l->v, cap * sizeof(*grown));

		if (!grown)
			return ERR_NOMEM;
		l->v = grown;
		l->cap = cap;
	}
	l->v[l->n++] = *row;
	return 0;
}

static int write_row(struct vault *v, const struct vault_index_row *row)
{
	struct vault_key k = { 0 };
	uint8_t when[8];

	vault_key_u64(&k, row->owner);
	vault_key_u64(&k, row->id);
	store_key_number(row->when_ms, when);
	return vault_row_put_plain(v, STORE_TABLE_archive, vault_key_str(&k), row->peer, str_make((const char *)when, 8));
}

/* An id at or below the mark would not be looked for at start: a released message keeps its first id. */
int vault_index_add(struct vault *v, const struct vault_index_row *row)
{
	struct vault_journal *j = &v->journal;

	if (row->id > j->highest)
		j->highest = row->id;
	if (j->direct || row->id <= j->mark)
		return write_row(v, row);
	v->changes++;
	return append(&j->fresh, row);
}

int vault_index_keep(struct vault *v, const struct vault_index_row *row)
{
	if (row->id > v->journal.highest)
		v->journal.highest = v->journal.highest_committed = row->id;
	return append(&v->journal.kept, row);
}

static bool has(const struct vault_index_list *l, uint64_t owner)
{
	for (size_t i = 0; i < l->n; i++)
		if (l->v[i].owner == owner)
			return true;
	return false;
}

int vault_index_catch_up(struct vault *v, uint64_t owner)
{
	if (has(&v->journal.kept, owner) || has(&v->journal.fresh, owner))
		return vault_journal_settle(v);
	return 0;
}

static int by_place(const void *a, const void *b)
{
	const struct vault_index_row *x = a, *y = b;

	if (x->owner != y->owner)
		return x->owner < y->owner ? -1 : 1;
	return x->id < y->id ? -1 : x->id > y->id;
}

int vault_index_write_mark(struct vault *v)
{
	struct vault_journal *j = &v->journal;
	uint8_t value[8];

	if (j->highest <= j->mark)
		return 0;
	j->mark = j->highest;
	store_key_number(j->mark, value);
	return vault_row_put_plain(v, STORE_TABLE_meta, mark_name, 0, str_make((const char *)value, 8));
}

int vault_index_settle(struct vault *v)
{
	struct vault_journal *j = &v->journal;
	struct vault_index_list *lists[] = { &j->kept, &j->fresh };
	int r = 0;

	/* The order of the kept ones does not matter; sorting them where they are survives a rollback. */
	for (size_t i = 0; i < ARRAY_SIZE(lists); i++) {
		struct vault_index_list *l = lists[i];

		if (l->n)
			qsort(l->v, l->n, sizeof(*l->v), by_place);
		for (size_t k = 0; k < l->n && r == 0; k++)
			r = write_row(v, &l->v[k]);
	}
	j->fresh.n = 0;
	return r < 0 ? r : vault_index_write_mark(v);
}

/* Fails for want of memory alone; the next start finds the rows. */
int vault_index_after_commit(struct vault *v)
{
	struct vault_journal *j = &v->journal;
	int r = 0;

	if (j->direct)
		j->kept.n = 0;
	for (size_t i = 0; i < j->fresh.n && r == 0; i++)
		r = append(&j->kept, &j->fresh.v[i]);
	j->fresh.n = 0;
	return r;
}
