/* test_loop.c - timers, deferred and posted items, work and connections, on both loops. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/check.h"
#include "base/clock.h"
#include "net/conn.h"
#include "net/loop.h"
#include "net/loop_sim.h"

/* --- what both loops promise ----------------------------------------------------------------------------- */

struct order {
	struct loop *loop;
	char seen[16];
	size_t n;
	struct loop_timer late, early, end;
	struct loop_item item;
	struct loop_work work;
};

static void note(struct order *o, char c)
{
	o->seen[o->n++] = c;
}

static void on_early(void *ctx) { note(ctx, 'e'); }
static void on_late(void *ctx) { note(ctx, 'l'); }

static void on_end(void *ctx)
{
	struct order *o = ctx;

	loop_stop(o->loop);
}

static void on_item(struct loop_item *item) { note(LIST_ITEM(item, struct order, item), 'i'); }
static void on_run(struct loop_work *w) { (void)w; }
static void on_done(struct loop_work *w) { note(LIST_ITEM(w, struct order, work), 'w'); }

static void run_order(struct loop *l)
{
	struct order o = { .loop = l };

	list_init(&o.item.node);
	o.item.fn = on_item;
	o.work = (struct loop_work){ .run = on_run, .done = on_done };
	loop_timer_set(l, &o.late, 60, on_late, &o);
	loop_timer_set(l, &o.early, 40, on_early, &o);
	loop_timer_set(l, &o.end, 80, on_end, &o);
	loop_defer(l, &o.item);
	loop_defer(l, &o.item);
	assert_int_equal(loop_work(l, &o.work), 0);
	loop_run(l);
	assert_int_equal(o.n, 4);
	assert_int_equal(o.seen[2], 'e');
	assert_int_equal(o.seen[3], 'l');
	loop_timer_set(l, &o.early, 1, on_early, &o);
	loop_timer_cancel(l, &o.early);
	loop_timer_set(l, &o.end, 10, on_end, &o);
	loop_run(l);
	assert_int_equal(o.n, 4);
}

static void timers_fire_in_order_and_items_run_once(void **state)
{
	struct loop *l;

	(void)state;
	assert_int_equal(loop_uv_new(&l), 0);
	run_order(l);
	loop_free(&l);
	assert_int_equal(loop_sim_new(1, &l), 0);
	run_order(l);
	loop_free(&l);
}

/* --- the simulated loop ---------------------------------------------------------------------------------------- */

static void virtual_hours_take_no_time(void **state)
{
	struct loop *l;
	struct order o = { 0 };
	uint64_t wall;

	(void)state;
	assert_int_equal(loop_sim_new(7, &l), 0);
	o.loop = l;
	wall = clock_wall_ms();
	loop_timer_set(l, &o.late, 24 * 3600 * 1000, on_late, &o);
	loop_sim_run_until(l, loop_now_ms(l) + 25 * 3600 * 1000);
	assert_int_equal(o.n, 1);
	assert_int_equal(clock_wall_ms() - wall, 25 * 3600 * 1000);
	loop_free(&l);
}

struct echo {
	struct conn *conn;
	struct buf got, trace;
	bool back, closed;
};

static void on_data(void *ctx, struct str bytes)
{
	struct echo *e = ctx;

	assert_int_equal(buf_str_add(&e->got, bytes), 0);
	assert_int_equal(buf_printf(&e->trace, "%zu ", bytes.n), 0);
	if (e->back)
		assert_int_equal(conn_send(e->conn, bytes), 0);
}

static void on_closed(void *ctx)
{
	struct echo *e = ctx;

	e->closed = true;
	e->conn = NULL;
}

static const struct conn_ops ops = { .data = on_data, .closed = on_closed };

/* Sends n bytes through an echo; ret_trace: how they were cut. */
static void echo(uint64_t seed, size_t n, struct buf *ret_trace)
{
	struct echo client = { 0 }, server = { .back = true };
	struct conn_pool *pool;
	struct loop *l;
	int fds[2];
	char *text = malloc(n);

	assert_non_null(text);
	for (size_t i = 0; i < n; i++)
		text[i] = (char)('a' + i % 26);
	buf_init(&client.got, 1 << 20);
	buf_init(&server.got, 1 << 20);
	buf_init(&client.trace, 1 << 20);
	buf_init(&server.trace, 1 << 20);
	assert_int_equal(loop_sim_new(seed, &l), 0);
	assert_int_equal(conn_pool_new(l, &pool), 0);
	assert_int_equal(loop_sim_pair(l, fds), 0);
	assert_int_equal(conn_accept(pool, fds[0], NULL, &ops, &client, &client.conn), 0);
	assert_int_equal(conn_accept(pool, fds[1], NULL, &ops, &server, &server.conn), 0);
	assert_int_equal(conn_send(client.conn, str_make(text, n)), 0);
	loop_sim_run_until(l, loop_now_ms(l) + 60000);
	assert_int_equal(client.got.n, n);
	assert_memory_equal(client.got.p, text, n);
	conn_close(client.conn);
	loop_sim_run_until(l, loop_now_ms(l) + 60000);
	assert_true(client.closed && server.closed);
	*ret_trace = client.trace;
	buf_release(&client.got);
	buf_release(&server.got);
	buf_release(&server.trace);
	conn_pool_free(&pool);
	loop_free(&l);
	free(text);
}

static void the_same_seed_gives_the_same_run(void **state)
{
	struct buf a, b, c;

	(void)state;
	echo(42, 100000, &a);
	echo(42, 100000, &b);
	echo(43, 100000, &c);
	assert_true(str_eq(buf_str(&a), buf_str(&b)));
	assert_false(str_eq(buf_str(&a), buf_str(&c)));
	buf_release(&a);
	buf_release(&b);
	buf_release(&c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(timers_fire_in_order_and_items_run_once),
		cmocka_unit_test(virtual_hours_take_no_time),
		cmocka_unit_test(the_same_seed_gives_the_same_run),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
