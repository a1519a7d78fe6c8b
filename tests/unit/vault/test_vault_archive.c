/* test_vault_archive.c - pages against a simple model, purging, shredding one owner's month. */
#include "vault_world.h"

#include "base/rand.h"

static struct vault_page page_of(struct world *w, struct vault_query q)
{
	struct vault_page page = { 0 };

	assert_int_equal(vault_archive_page(w->v, &q, w->a, &page), 0);
	return page;
}

static void both_owners_find_the_message_and_nobody_else(void **st)
{
	struct world *w = *st;
	struct vault_page p;

	begin(w);
	assert_int_equal(add(w, 7, NOW, ANNA, BERT, "<message>hi</message>"), 0);
	p = page_of(w, (struct vault_query){ .owner = ANNA, .max = 10 });
	assert_int_equal(p.n, 1);		/* the own transaction is seen */
	commit(w);
	world_restart(w);
	for (int i = 0; i < 2; i++) {
		p = page_of(w, (struct vault_query){ .owner = i ? ANNA : BERT, .with = i ? BERT : ANNA, .max = 10 });
		assert_int_equal(p.n, 1);
		assert_int_equal(p.count, 1);
		assert_int_equal(p.v[0].id, 7);
		assert_int_equal(p.v[0].when_ms, NOW);
		assert_true(str_is(p.v[0].stanza, "<message>hi</message>"));
		assert_true(p.complete);
		assert_false(p.v[0].gone);
	}
	assert_int_equal(page_of(w, (struct vault_query){ .owner = CARL, .max = 10 }).count, 0);
	assert_int_equal(page_of(w, (struct vault_query){ .owner = ANNA, .with = CARL, .max = 10 }).count, 0);
}

static void a_message_to_oneself_has_one_row(void **st)
{
	struct world *w = *st;
	struct vault_message m = { .id = 3, .when_ms = NOW, .stanza = STR("note"), .owners = { { ANNA, ANNA } },
				   .n_owners = 1 };

	begin(w);
	assert_int_equal(vault_archive_add(w->v, &m), 0);
	commit(w);
	assert_int_equal(page_of(w, (struct vault_query){ .owner = ANNA, .with = ANNA, .max = 5 }).n, 1);
}

static void names_that_are_not_in_the_archive_are_an_error(void **st)
{
	struct world *w = *st;
	struct vault_page p;

	begin(w);
	assert_int_equal(add(w, 7, NOW, ANNA, BERT, "x"), 0);
	assert_int_equal(add(w, 8, NOW, BERT, CARL, "y"), 0);
	commit(w);
	assert_int_equal(vault_archive_page(w->v, &(struct vault_query){ .owner = ANNA, .after_id = 9, .max = 1 }, w->a, &p),
			 ERR_NOT_FOUND);
	assert_int_equal(vault_archive_page(w->v, &(struct vault_query){ .owner = ANNA, .before_id = 8, .max = 1 }, w->a, &p),
			 ERR_NOT_FOUND);		/* it is in another's */
	assert_int_equal(vault_archive_page(w->v, &(struct vault_query){ .owner = ANNA, .max = LIMIT_MAM_PAGE + 1 }, w->a,
					    &p), ERR_LIMIT);
	p = page_of(w, (struct vault_query){ .owner = ANNA, .after_id = 7, .max = 1 });
	assert_int_equal(p.n, 0);
	assert_int_equal(p.count, 1);
	assert_true(p.complete);
}

/* --- against a model --------------------------------------------------------------------------------- */

#define MODEL 400

struct model {
	struct { uint64_t id, when; int from, to; } v[MODEL];
	size_t n;
};

static struct str person(int i)
{
	static const char *const jids[] = { "anna@corp.example", "bert@corp.example", "carl@corp.example", "dora@x.example" };

	return str_of(jids[i]);
}

static size_t expected(const struct model *m, int owner, int with, const struct vault_query *q, bool paged, uint64_t *ids)
{
	size_t n = 0;

	for (size_t i = 0; i < m->n; i++) {
		int peer = m->v[i].from == owner ? m->v[i].to : m->v[i].from;

		if ((m->v[i].from != owner && m->v[i].to != owner) || (with >= 0 && peer != with))
			continue;
		if (m->v[i].when < q->start_ms || (q->end_ms && m->v[i].when > q->end_ms))
			continue;
		if (paged && ((q->after_id && m->v[i].id <= q->after_id) || (q->before_id && m->v[i].id >= q->before_id)))
			continue;
		ids[n++] = m->v[i].id;
	}
	return n;
}

static void compare(struct world *w, const struct model *m)
{
	uint64_t all[MODEL], part[MODEL], named[MODEL];
	int owner = (int)rand_below(4), with = (int)rand_below(5) - 1;
	struct vault_query q = { .owner = person(owner), .with = with >= 0 ? person(with) : STR_NONE,
				 .max = (size_t)rand_below(20), .backward = rand_below(2) };
	size_t n_named = expected(m, owner, -1, &(struct vault_query){ 0 }, false, named), n_all, n, want, first;
	struct vault_page p;

	if (rand_below(3) == 0)
		q.start_ms = NOW + rand_below(MODEL) * 1000;
	if (rand_below(3) == 0)
		q.end_ms = NOW + rand_below(MODEL) * 1000;
	if (n_named && rand_below(2))
		q.after_id = named[rand_below(n_named)];
	if (n_named && rand_below(2))
		q.before_id = named[rand_below(n_named)];
	n_all = expected(m, owner, with, &q, false, all);
	n = expected(m, owner, with, &q, true, part);
	p = page_of(w, q);
	assert_true(p.counted || (q.max && n_all > LIMIT_MAM_COUNT));
	if (p.counted)
		assert_int_equal(p.count, n_all);
	want = n < q.max ? n : q.max;
	assert_int_equal(p.n, want);
	first = q.backward ? n - want : 0;
	for (size_t i = 0; i < want; i++) {
		assert_int_equal(p.v[i].id, part[first + i]);
		assert_int_equal(strtoull(p.v[i].stanza.p, NULL, 10), p.v[i].id);
	}
	if (q.max)
		assert_int_equal(p.complete, n <= q.max);
	if (want && p.counted) {
		size_t at = 0;

		while (all[at] != part[first])
			at++;
		assert_int_equal(p.first_index, at);
	}
}

static void pages_agree_with_a_simple_model(void **st)
{
	struct world *w = *st;
	struct model m = { 0 };
	uint64_t seed = rand_u64() >> 32 | 1, id = NOW << 20;

	print_message("seed %llu\n", (unsigned long long)seed);
	rand_simulate(seed);
	while (m.n < MODEL) {
		begin(w);
		for (uint64_t i = rand_below(60); i > 0 && m.n < MODEL; i--) {
			char text[32];
			int from = (int)rand_below(4), to = (from + 1 + (int)rand_below(3)) % 4;

			/* As vault_next_id() gives them: rising, and never behind the time. */
			id += 1 + rand_below(5);
			if (id < (NOW + m.n * 1000) << 20)
				id = (NOW + m.n * 1000) << 20;
			snprintf(text, sizeof(text), "%llu", (unsigned long long)id);
			assert_int_equal(add(w, id, NOW + m.n * 1000, person(from), person(to), text), 0);
			m.v[m.n].id = id;
			m.v[m.n].when = NOW + m.n * 1000;
			m.v[m.n].from = from;
			m.v[m.n++].to = to;
			if (rand_below(20) == 0)
				compare(w, &m);
		}
		commit(w);
		for (int i = 0; i < 20; i++)
			compare(w, &m);
		if (rand_below(3) == 0)
			world_restart(w);
		if (rand_below(3) == 0)
			world_crash(w);
	}
	for (int i = 0; i < 300; i++)
		compare(w, &m);
	rand_simulate(0);
}

/* A released message keeps its first id: it is added when later ones are there already. */
static void a_message_with_an_earlier_id_finds_its_place(void **st)
{
	struct world *w = *st;
	struct vault_page p;

	begin(w);
	for (uint64_t i = 0; i < 20; i++)
		assert_int_equal(add(w, 1000 + i * 10, NOW, ANNA, BERT, "x"), 0);
	commit(w);
	page_of(w, (struct vault_query){ .owner = ANNA, .max = 5 });
	begin(w);
	assert_int_equal(add(w, 1055, NOW, BERT, ANNA, "late"), 0);
	commit(w);
	world_restart(w);
	p = page_of(w, (struct vault_query){ .owner = ANNA, .after_id = 1050, .max = 1 });
	assert_true(str_is(p.v[0].stanza, "late"));
	assert_int_equal(p.first_index, 6);
	assert_int_equal(page_of(w, (struct vault_query){ .owner = BERT, .max = 50 }).n, 21);
}

static void purging_takes_the_body_from_everybody_and_leaves_a_mark(void **st)
{
	struct world *w = *st;
	struct vault_page p;

	begin(w);
	assert_int_equal(add(w, 1, NOW, ANNA, BERT, "worm"), 0);
	assert_int_equal(add(w, 2, NOW, ANNA, BERT, "fine"), 0);
	commit(w);
	begin(w);
	assert_int_equal(vault_archive_purge(w->v, 1), 0);
	assert_int_equal(vault_archive_purge(w->v, 1), 0);
	assert_int_equal(vault_archive_purge(w->v, 9), ERR_NOT_FOUND);
	commit(w);
	world_restart(w);
	for (int i = 0; i < 2; i++) {
		p = page_of(w, (struct vault_query){ .owner = i ? ANNA : BERT, .max = 10 });
		assert_int_equal(p.n, 2);
		assert_true(p.v[0].gone && p.v[0].stanza.n == 0);
		assert_false(p.v[1].gone);
		assert_true(str_is(p.v[1].stanza, "fine"));
	}
}

static void a_buried_message_has_its_tombstone_alone(void **st)
{
	struct world *w = *st;
	struct vault_entry e, *all;
	size_t n;

	begin(w);
	assert_int_equal(add(w, 1, NOW, ANNA, BERT, "worm"), 0);
	assert_int_equal(add(w, 2, NOW, ANNA, BERT, "fine"), 0);
	assert_int_equal(add(w, 3, NOW, ANNA, BERT, "taken back before"), 0);
	assert_int_equal(vault_archive_retract(w->v, ANNA, 3, STR("gone")), 0);
	commit(w);
	begin(w);
	assert_int_equal(vault_archive_bury(w->v, 1, STR("tomb")), 0);
	assert_int_equal(vault_archive_bury(w->v, 1, STR("again")), ERR_CONFLICT);
	assert_int_equal(vault_archive_bury(w->v, 9, STR("tomb")), ERR_NOT_FOUND);
	assert_int_equal(vault_archive_bury(w->v, 3, STR("gone")), 0);
	assert_int_equal(vault_archive_retract(w->v, BERT, 1, STR("mine")), ERR_CONFLICT);
	commit(w);
	world_restart(w);
	for (int i = 0; i < 2; i++) {
		struct vault_page p = page_of(w, (struct vault_query){ .owner = i ? ANNA : BERT, .with = i ? BERT : ANNA, .max = 10 });

		assert_int_equal(p.n, 3);
		assert_true(str_is(p.v[0].stanza, "tomb") && p.v[0].purged && !p.v[0].gone);
		assert_true(str_is(p.v[1].stanza, "fine") && !p.v[1].purged);
		assert_true(str_is(p.v[2].stanza, "gone") && p.v[2].purged);
	}
	/* Whoever's it is, as a purge looks for it. */
	assert_int_equal(vault_archive_any(w->v, 2, w->a, &e), 0);
	assert_true(str_is(e.stanza, "fine"));
	assert_int_equal(vault_archive_any(w->v, 9, w->a, &e), ERR_NOT_FOUND);
	assert_int_equal(vault_archive_scan(w->v, 2, 10, w->a, &all, &n), 0);
	assert_int_equal(n, 2);
	assert_true(all[0].id == 2 && str_is(all[0].stanza, "fine") && all[1].purged);
	begin(w);
	assert_int_equal(vault_archive_shred(w->v, ANNA, clock_month(NOW)), 0);
	commit(w);
	assert_int_equal(vault_archive_any(w->v, 2, w->a, &e), 0);
	assert_true(str_is(e.stanza, "fine"));		/* through the other one */
	begin(w);
	assert_int_equal(vault_archive_shred(w->v, BERT, clock_month(NOW)), 0);
	commit(w);
	assert_int_equal(vault_archive_any(w->v, 2, w->a, &e), 0);
	assert_true(e.gone);
}

static void a_retracted_message_shows_what_stands_in_its_place(void **st)
{
	struct world *w = *st;
	struct vault_entry e;

	begin(w);
	assert_int_equal(add(w, 1, NOW, ANNA, BERT, "taken back"), 0);
	assert_int_equal(add(w, 2, NOW, ANNA, BERT, "stays"), 0);
	commit(w);
	begin(w);
	assert_int_equal(vault_archive_retract(w->v, CARL, 1, STR("gone")), ERR_CORRUPT);
	vault_rollback(w->v);
	begin(w);
	assert_int_equal(vault_archive_retract(w->v, ANNA, 9, STR("gone")), ERR_NOT_FOUND);
	assert_int_equal(vault_archive_retract(w->v, ANNA, 1, STR("gone")), 0);
	assert_int_equal(vault_archive_retract(w->v, BERT, 1, STR("again")), ERR_CONFLICT);
	commit(w);
	world_restart(w);
	for (int i = 0; i < 2; i++) {
		struct vault_page p = page_of(w, (struct vault_query){ .owner = i ? ANNA : BERT, .with = i ? BERT : ANNA, .max = 10 });

		assert_int_equal(p.n, 2);
		assert_true(str_is(p.v[0].stanza, "gone"));
		assert_int_equal(p.v[0].when_ms, NOW);
		assert_true(str_is(p.v[1].stanza, "stays"));
		assert_int_equal(vault_archive_one(w->v, i ? ANNA : BERT, 1, w->a, &e), 0);
		assert_true(str_is(e.stanza, "gone"));
	}
}

/* The other owner's copy is shredded already: it stays so, and who is left sees the new text. */
static void a_retraction_brings_no_shredded_copy_back(void **st)
{
	struct world *w = *st;
	struct vault_entry e;

	begin(w);
	assert_int_equal(add(w, 1, NOW, ANNA, BERT, "taken back"), 0);
	commit(w);
	begin(w);
	assert_int_equal(vault_archive_shred(w->v, BERT, clock_month(NOW)), 0);
	assert_int_equal(vault_archive_retract(w->v, ANNA, 1, STR("gone")), 0);
	commit(w);
	assert_int_equal(vault_archive_one(w->v, ANNA, 1, w->a, &e), 0);
	assert_true(str_is(e.stanza, "gone"));
	assert_int_equal(vault_archive_one(w->v, BERT, 1, w->a, &e), ERR_NOT_FOUND);
}

static void shredding_one_owners_month_leaves_the_others_copy(void **st)
{
	struct world *w = *st;
	struct vault_entry *off;
	struct vault_page p;
	size_t n;

	begin(w);
	assert_int_equal(add(w, 1, EARLIER, ANNA, BERT, "old"), 0);
	assert_int_equal(add(w, 2, NOW, ANNA, BERT, "new"), 0);
	assert_int_equal(vault_offline_add(w->v, ANNA, 1, EARLIER, STR("old")), 0);
	assert_int_equal(vault_offline_add(w->v, ANNA, 2, NOW, STR("new")), 0);
	commit(w);
	begin(w);
	assert_int_equal(vault_archive_shred(w->v, ANNA, clock_month(EARLIER)), 0);
	assert_int_equal(vault_archive_shred(w->v, ANNA, 0), ERR_BAD_REQUEST);
	commit(w);
	world_restart(w);
	p = page_of(w, (struct vault_query){ .owner = ANNA, .max = 10 });
	assert_int_equal(p.n, 1);
	assert_true(str_is(p.v[0].stanza, "new"));
	p = page_of(w, (struct vault_query){ .owner = BERT, .max = 10 });
	assert_int_equal(p.n, 2);
	assert_true(str_is(p.v[0].stanza, "old"));
	assert_int_equal(vault_offline_list(w->v, ANNA, w->a, &off, &n), 0);
	assert_int_equal(n, 1);
	assert_true(str_is(off[0].stanza, "new"));
	/* What comes later in that month is kept under a new key. */
	begin(w);
	assert_int_equal(add(w, 3, EARLIER, ANNA, BERT, "late"), 0);
	commit(w);
	world_restart(w);
	p = page_of(w, (struct vault_query){ .owner = ANNA, .max = 10 });
	assert_int_equal(p.n, 2);
	assert_true(str_is(p.v[1].stanza, "late"));
}

/* Whoever puts the index row back finds the key gone. */
static void a_shredded_copy_cannot_be_brought_back(void **st)
{
	struct world *w = *st;
	struct vault_page p;

	begin(w);
	assert_int_equal(add(w, 1, EARLIER, ANNA, BERT, "old"), 0);
	assert_int_equal(add(w, 2, NOW, ANNA, BERT, "new"), 0);
	commit(w);
	world_restart(w);	/* so that everything is in its table */
	page_of(w, (struct vault_query){ .owner = ANNA, .max = 10 });
	world_sql(w, "CREATE TABLE kept AS SELECT * FROM archive");
	world_open(w);
	begin(w);
	assert_int_equal(vault_archive_shred(w->v, ANNA, clock_month(EARLIER)), 0);
	commit(w);
	world_sql(w, "INSERT OR REPLACE INTO archive SELECT * FROM kept");
	world_open(w);
	p = page_of(w, (struct vault_query){ .owner = ANNA, .max = 10 });
	assert_int_equal(p.n, 2);
	assert_true(p.v[0].gone);
	assert_int_equal(p.v[0].stanza.n, 0);
}

/* What was removed while its index row was still put off does not come back with the journal. */
static void what_was_removed_stays_so_after_a_crash(void **st)
{
	struct world *w = *st;
	struct vault_account acc = { .jid = ANNA, .state_reason = STR(""), .credentials = STR("") };
	struct vault_page p;

	begin(w);
	assert_int_equal(vault_account_add(w->v, &acc), 0);
	assert_int_equal(add(w, 1, NOW, ANNA, BERT, "purged"), 0);
	assert_int_equal(add(w, 2, EARLIER, CARL, BERT, "shredded"), 0);
	assert_int_equal(add(w, 3, NOW, ANNA, BERT, "removed"), 0);
	commit(w);
	begin(w);
	assert_int_equal(vault_archive_purge(w->v, 1), 0);
	assert_int_equal(vault_archive_shred(w->v, CARL, clock_month(EARLIER)), 0);
	assert_int_equal(add(w, 4, NOW, ANNA, CARL, "after"), 0);	/* in a transaction that has settled */
	commit(w);
	begin(w);
	assert_int_equal(vault_account_remove(w->v, ANNA), 0);
	commit(w);
	world_crash(w);
	assert_int_equal(page_of(w, (struct vault_query){ .owner = ANNA, .max = 9 }).count, 0);
	p = page_of(w, (struct vault_query){ .owner = CARL, .max = 9 });
	assert_int_equal(p.n, 1);
	assert_true(str_is(p.v[0].stanza, "after"));
	p = page_of(w, (struct vault_query){ .owner = BERT, .max = 9 });
	assert_int_equal(p.n, 3);
	assert_true(p.v[0].gone && str_is(p.v[1].stanza, "shredded") && str_is(p.v[2].stanza, "removed"));
}

/* A failed settling leaves what was put off where it is. */
static void a_rolled_back_settling_loses_nothing(void **st)
{
	struct world *w = *st;

	begin(w);
	assert_int_equal(add(w, 5, NOW, ANNA, BERT, "x"), 0);
	commit(w);
	begin(w);
	assert_int_equal(add(w, 6, NOW, ANNA, BERT, "lost"), 0);
	assert_int_equal(page_of(w, (struct vault_query){ .owner = ANNA, .max = 9 }).n, 2);
	assert_int_equal(add(w, 7, NOW, ANNA, BERT, "lost"), 0);
	vault_rollback(w->v);
	assert_int_equal(page_of(w, (struct vault_query){ .owner = ANNA, .max = 9 }).n, 1);
	begin(w);
	assert_int_equal(add(w, 6, NOW, ANNA, BERT, "again"), 0);
	commit(w);
	world_crash(w);
	assert_int_equal(page_of(w, (struct vault_query){ .owner = BERT, .max = 9 }).n, 2);
}

/* Many in small transactions, so that whatever is put off is written in between. */
static void thousands_of_messages_are_all_found(void **st)
{
	struct world *w = *st;
	uint64_t last = 0;
	size_t total = 0;
	bool complete = false;

	for (uint64_t i = 1; i <= 12000;) {
		begin(w);
		for (int j = 0; j < 100; j++, i++)
			assert_int_equal(add(w, i, NOW, i % 3 ? ANNA : CARL, BERT, "x"), 0);
		commit(w);
	}
	world_crash(w);
	while (!complete) {
		struct vault_page p;

		arena_clear(w->a);
		p = page_of(w, (struct vault_query){ .owner = ANNA, .after_id = last, .max = 250 });
		assert_false(p.counted);		/* beside a page that would be read for nothing */
		total += p.n;
		last = p.v[p.n - 1].id;
		complete = p.complete;
	}
	assert_int_equal(total, 8000);
	assert_int_equal(page_of(w, (struct vault_query){ .owner = ANNA }).count, 8000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		IN_BOTH(both_owners_find_the_message_and_nobody_else),
		IN_BOTH(a_message_to_oneself_has_one_row),
		IN_BOTH(names_that_are_not_in_the_archive_are_an_error),
		IN_BOTH(pages_agree_with_a_simple_model),
		IN_BOTH(a_message_with_an_earlier_id_finds_its_place),
		IN_BOTH(purging_takes_the_body_from_everybody_and_leaves_a_mark),
		IN_BOTH(a_buried_message_has_its_tombstone_alone),
		IN_BOTH(a_retracted_message_shows_what_stands_in_its_place),
		IN_BOTH(a_retraction_brings_no_shredded_copy_back),
		IN_BOTH(shredding_one_owners_month_leaves_the_others_copy),
		ON_DISK(a_shredded_copy_cannot_be_brought_back),
		IN_BOTH(what_was_removed_stays_so_after_a_crash),
		IN_BOTH(a_rolled_back_settling_loses_nothing),
		IN_BOTH(thousands_of_messages_are_all_found),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
