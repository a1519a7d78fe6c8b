/* test_vault_stream.c - streams and their queues against a simple model, across restarts and rollbacks. */
#include "vault_world.h"

#include "base/rand.h"

static struct vault_stream stream(struct str id, struct str owner, const char *state)
{
	return (struct vault_stream){ .id = id, .owner = owner, .state = str_of(state), .expires_ms = NOW };
}

static size_t queue_of(struct world *w, struct str id, struct vault_queued **ret)
{
	struct vault_stream s;
	size_t n = 0;

	assert_int_equal(vault_stream_get(w->v, id, w->a, &s, ret, &n), 0);
	assert_true(str_eq(s.id, id));
	return n;
}

static void a_stream_comes_back_with_what_was_not_acknowledged(void **st)
{
	struct world *w = *st;
	struct vault_stream s = stream(STR("id-1"), ANNA, "h=3"), got, *list;
	struct vault_queued *q;
	size_t n;

	begin(w);
	assert_int_equal(vault_stream_put(w->v, &s), 0);
	for (uint32_t i = 1; i <= 5; i++)
		assert_int_equal(vault_stream_push(w->v, s.id, ANNA, i, i == 4 ? STR("four") : STR("x")), 0);
	assert_int_equal(vault_stream_trim(w->v, s.id, 3), 0);
	commit(w);
	world_restart(w);
	assert_int_equal(vault_stream_get(w->v, s.id, w->a, &got, &q, &n), 0);
	assert_true(str_eq(got.owner, ANNA) && str_is(got.state, "h=3"));
	assert_int_equal(got.expires_ms, NOW);
	assert_int_equal(n, 2);
	assert_int_equal(q[0].seq, 4);
	assert_true(str_is(q[0].stanza, "four"));
	assert_int_equal(vault_stream_list(w->v, w->a, &list, &n), 0);
	assert_int_equal(n, 1);
	assert_true(str_is(list[0].id, "id-1"));
	begin(w);
	assert_int_equal(vault_stream_remove(w->v, s.id), 0);
	assert_int_equal(vault_stream_remove(w->v, STR("never there")), 0);
	commit(w);
	world_restart(w);
	assert_int_equal(vault_stream_get(w->v, s.id, w->a, &got, &q, &n), ERR_NOT_FOUND);
	/* The same id again starts without the old queue. */
	begin(w);
	assert_int_equal(vault_stream_put(w->v, &s), 0);
	commit(w);
	assert_int_equal(queue_of(w, s.id, &q), 0);
}

static void numbers_may_wrap(void **st)
{
	struct world *w = *st;
	struct vault_stream s = stream(STR("id-1"), ANNA, "");
	struct vault_queued *q;

	begin(w);
	assert_int_equal(vault_stream_put(w->v, &s), 0);
	for (uint32_t i = 0; i < 6; i++)
		assert_int_equal(vault_stream_push(w->v, s.id, ANNA, UINT32_MAX - 2 + i, STR("x")), 0);
	commit(w);
	assert_int_equal(queue_of(w, s.id, &q), 6);
	for (uint32_t i = 0; i < 6; i++)
		assert_int_equal(q[i].seq, UINT32_MAX - 2 + i);
	begin(w);
	assert_int_equal(vault_stream_trim(w->v, s.id, UINT32_MAX - 1), 0);
	commit(w);
	world_restart(w);
	assert_int_equal(queue_of(w, s.id, &q), 4);
	assert_int_equal(q[0].seq, UINT32_MAX);
	begin(w);
	assert_int_equal(vault_stream_trim(w->v, s.id, 1), 0);
	commit(w);
	assert_int_equal(queue_of(w, s.id, &q), 1);
	assert_int_equal(q[0].seq, 2);
}

/* What a crash leaves in the journal is taken in again, and again. */
static void a_journal_survives_any_number_of_crashes(void **st)
{
	struct world *w = *st;
	struct vault_stream s = stream(STR("id-1"), ANNA, "x"), got;
	struct vault_queued *q;
	size_t n;

	for (uint32_t i = 1; i <= 30; i++) {
		begin(w);
		assert_int_equal(vault_stream_put(w->v, &s), 0);
		assert_int_equal(vault_stream_push(w->v, s.id, ANNA, i, STR("x")), 0);
		if (i % 3 == 0)
			assert_int_equal(vault_stream_trim(w->v, s.id, i - 2), 0);
		commit(w);
		world_crash(w);
	}
	assert_int_equal(vault_stream_get(w->v, s.id, w->a, &got, &q, &n), 0);
	assert_int_equal(n, 2);
	assert_int_equal(q[0].seq, 29);
	begin(w);
	assert_int_equal(vault_stream_remove(w->v, s.id), 0);
	commit(w);
	world_crash(w);
	assert_int_equal(vault_stream_get(w->v, s.id, w->a, &got, &q, &n), ERR_NOT_FOUND);
}

/* A transaction with more than a journal row may hold goes to the tables. */
static void a_very_large_transaction_is_kept_whole(void **st)
{
	struct world *w = *st;
	struct vault_stream s = stream(STR("id-1"), ANNA, "x");
	char *big = malloc(200000);
	struct vault_queued *q;

	memset(big, 'x', 200000);
	begin(w);
	assert_int_equal(vault_stream_put(w->v, &s), 0);
	for (uint32_t i = 1; i <= 60; i++)
		assert_int_equal(vault_stream_push(w->v, s.id, ANNA, i, str_make(big, 200000)), 0);
	assert_int_equal(vault_stream_trim(w->v, s.id, 10), 0);
	commit(w);
	world_crash(w);
	assert_int_equal(queue_of(w, s.id, &q), 50);
	assert_int_equal(q[0].seq, 11);
	assert_int_equal(q[49].stanza.n, 200000);
	free(big);
}

/* The receiver's stream may be put after the first push: core does both in any order. */
static void a_queue_may_be_written_before_its_stream(void **st)
{
	struct world *w = *st;
	struct vault_stream s = stream(STR("id-1"), ANNA, "");
	struct vault_queued *q;

	begin(w);
	assert_int_equal(vault_stream_push(w->v, s.id, ANNA, 1, STR("early")), 0);
	commit(w);
	world_restart(w);
	begin(w);
	assert_int_equal(vault_stream_put(w->v, &s), 0);
	commit(w);
	assert_int_equal(queue_of(w, s.id, &q), 1);
}

/* --- against a model -------------------------------------------------------------------------------------- */

#define STREAMS 5
#define QUEUE 64

struct model {
	struct one {
		bool there;
		int state;
		size_t n;
		struct { uint32_t seq; int text; } q[QUEUE];
		uint32_t next;
	} s[STREAMS];
};

static struct str id_of(int i)
{
	static const char *const ids[STREAMS] = { "s-zero", "s-one", "s-two", "s-three", "s-four" };

	return str_of(ids[i]);
}

static void compare(struct world *w, const struct model *m)
{
	struct vault_stream *list;
	size_t there = 0, n;

	for (int i = 0; i < STREAMS; i++) {
		const struct one *o = &m->s[i];
		struct vault_stream s;
		struct vault_queued *q;
		int r = vault_stream_get(w->v, id_of(i), w->a, &s, &q, &n);

		assert_int_equal(r, o->there ? 0 : ERR_NOT_FOUND);
		there += o->there;
		if (!o->there)
			continue;
		assert_int_equal(strtol(s.state.p, NULL, 10), o->state);
		assert_int_equal(n, o->n);
		for (size_t j = 0; j < n; j++) {
			assert_int_equal(q[j].seq, o->q[j].seq);
			assert_int_equal(strtol(q[j].stanza.p, NULL, 10), o->q[j].text);
		}
	}
	assert_int_equal(vault_stream_list(w->v, w->a, &list, &n), 0);
	assert_int_equal(n, there);
	arena_clear(w->a);
}

static void trim(struct one *o, uint32_t up_to)
{
	size_t kept = 0;

	for (size_t j = 0; j < o->n; j++)
		if ((int32_t)(o->q[j].seq - up_to) > 0)
			o->q[kept++] = o->q[j];
	o->n = kept;
}

static void step(struct world *w, struct model *m)
{
	int i = (int)rand_below(STREAMS);
	struct one *o = &m->s[i];
	char text[16];
	int number = (int)rand_below(100000);
	struct vault_stream s = stream(id_of(i), i % 2 ? ANNA : BERT, text);

	snprintf(text, sizeof(text), "%d", number);
	s.state = str_of(text);
	switch (rand_below(10)) {
	case 0:
		assert_int_equal(vault_stream_remove(w->v, s.id), 0);
		o->there = false;
		o->n = 0;
		break;
	case 1: case 2: case 3:
		assert_int_equal(vault_stream_put(w->v, &s), 0);
		o->there = true;
		o->state = number;
		break;
	case 4: case 5: {
		uint32_t up_to = o->next - (uint32_t)rand_below(6);

		assert_int_equal(vault_stream_trim(w->v, s.id, up_to), 0);
		trim(o, up_to);
		break;
	}
	default:
		if (!o->there || o->n == QUEUE)
			break;
		assert_int_equal(vault_stream_push(w->v, s.id, s.owner, o->next, s.state), 0);
		o->q[o->n].seq = o->next++;
		o->q[o->n++].text = number;
	}
}

static void random_work_agrees_with_a_simple_model(void **st)
{
	struct world *w = *st;
	struct model m = { 0 };
	uint64_t seed = rand_u64() >> 32 | 1;

	print_message("seed %llu\n", (unsigned long long)seed);
	rand_simulate(seed);
	for (int i = 0; i < STREAMS; i++)
		m.s[i].next = i == 0 ? UINT32_MAX - 20 : 1;
	for (int i = 0; i < 600; i++) {
		struct model before = m;

		begin(w);
		for (uint64_t n = rand_below(12); n > 0; n--)
			step(w, &m);
		if (rand_below(8) == 0)
			compare(w, &m);			/* within the transaction */
		if (rand_below(4) == 0) {
			vault_rollback(w->v);
			m = before;
		} else {
			commit(w);
		}
		if (rand_below(6) == 0)
			compare(w, &m);
		if (rand_below(25) == 0)
			world_restart(w);
		if (rand_below(10) == 0)
			world_crash(w);
	}
	compare(w, &m);
	rand_simulate(0);
}

/* More than is ever put off: queues that nobody acknowledges. */
static void long_queues_survive(void **st)
{
	struct world *w = *st;
	struct vault_stream s = stream(STR("id-1"), ANNA, "");
	struct vault_queued *q;
	char text[4000];
	size_t n;

	memset(text, 'x', sizeof(text));
	begin(w);
	assert_int_equal(vault_stream_put(w->v, &s), 0);
	commit(w);
	for (uint32_t i = 1; i <= LIMIT_SM_QUEUE;) {
		begin(w);
		for (int j = 0; j < 50; j++)
			assert_int_equal(vault_stream_push(w->v, s.id, ANNA, i++, str_make(text, sizeof(text))), 0);
		commit(w);
	}
	world_crash(w);
	n = queue_of(w, s.id, &q);
	assert_int_equal(n, LIMIT_SM_QUEUE);
	for (size_t i = 0; i < n; i++) {
		assert_int_equal(q[i].seq, i + 1);
		assert_int_equal(q[i].stanza.n, sizeof(text));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		IN_BOTH(a_stream_comes_back_with_what_was_not_acknowledged),
		IN_BOTH(numbers_may_wrap),
		ON_DISK(a_journal_survives_any_number_of_crashes),
		IN_BOTH(a_very_large_transaction_is_kept_whole),
		IN_BOTH(a_queue_may_be_written_before_its_stream),
		IN_BOTH(random_work_agrees_with_a_simple_model),
		IN_BOTH(long_queues_survive),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
