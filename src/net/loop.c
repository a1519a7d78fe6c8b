/* loop.c - the common half of the two loops. */
#include "net/loop.h"

#include <stdlib.h>

#include "base/check.h"
#include "net/loop_core.h"

void loop_core_init(struct loop *l, const struct loop_backend *ops)
{
	l->magic = LOOP_MAGIC;
	l->ops = ops;
	list_init(&l->deferred);
	list_init(&l->posted);
	pthread_mutex_init(&l->lock, NULL);
}

void loop_core_release(struct loop *l)
{
	heap_release(&l->timers);
	pthread_mutex_destroy(&l->lock);
}

static struct loop_item *first_of(struct list *head)
{
	struct loop_item *item = LIST_ITEM(head->next, struct loop_item, node);

	list_remove(&item->node);
	return item;
}

void loop_core_posted(struct loop *l)
{
	struct list mine;

	list_init(&mine);
	pthread_mutex_lock(&l->lock);
	while (!list_empty(&l->posted)) {
		struct list *it = l->posted.next;

		list_remove(it);
		list_append(&mine, it);
	}
	pthread_mutex_unlock(&l->lock);
	while (!list_empty(&mine)) {
		struct loop_item *item = first_of(&mine);

		item->fn(item);
	}
}

void loop_core_timers(struct loop *l)
{
	uint64_t now = loop_now_ms(l);
	struct heap_node *top;

	while ((top = heap_top(&l->timers)) != NULL && top->key <= now) {
		struct loop_timer *t = LIST_ITEM(top, struct loop_timer, node);

		heap_remove(&l->timers, top);
		t->fn(t->ctx);
	}
}

void loop_core_deferred(struct loop *l)
{
	while (!list_empty(&l->deferred)) {
		struct loop_item *item = first_of(&l->deferred);

		item->fn(item);
	}
}

bool loop_core_deadline(const struct loop *l, uint64_t *ret_ms)
{
	const struct heap_node *top = heap_top(&l->timers);

	if (!top)
		return false;
	*ret_ms = top->key;
	return true;
}

void loop_free(struct loop **l)
{
	if (!*l)
		return;
	CHECK_OBJ(*l, LOOP_MAGIC);
	(*l)->ops->free(*l);
	*l = NULL;
}

void loop_run(struct loop *l)
{
	CHECK_OBJ(l, LOOP_MAGIC);
	l->ops->run(l);
}

void loop_stop(struct loop *l)
{
	l->ops->stop(l);
}

uint64_t loop_now_ms(const struct loop *l)
{
	return l->ops->now_ms(l);
}

void loop_timer_set(struct loop *l, struct loop_timer *t, uint64_t delay_ms, void (*fn)(void *ctx), void *ctx)
{
	heap_remove(&l->timers, &t->node);
	t->fn = fn;
	t->ctx = ctx;
	t->node.key = loop_now_ms(l) + (delay_ms ? delay_ms : 1);	/* 0: a timer that sets itself would never end */
	/* A timer that cannot be kept would be a connection that never times out: no way to go on. */
	CHECK(heap_add(&l->timers, &t->node) == 0);
}

void loop_timer_cancel(struct loop *l, struct loop_timer *t)
{
	heap_remove(&l->timers, &t->node);
}

void loop_defer(struct loop *l, struct loop_item *item)
{
	if (list_empty(&item->node))
		list_append(&l->deferred, &item->node);
}

void loop_post(struct loop *l, struct loop_item *item)
{
	bool first;

	pthread_mutex_lock(&l->lock);
	first = list_empty(&l->posted);
	list_append(&l->posted, &item->node);
	pthread_mutex_unlock(&l->lock);
	if (first)
		l->ops->wake(l);
}

int loop_work(struct loop *l, struct loop_work *w)
{
	if (l->n_works >= LOOP_WORKS)
		return ERR_BUSY;
	return l->ops->work(l, w);
}

int loop_signal(struct loop *l, int signum, void (*fn)(void *ctx), void *ctx)
{
	return l->ops->signal(l, signum, fn, ctx);
}

int loop_io_open(struct loop *l, int fd, loop_ready_fn *ready, void *ctx, struct loop_io **ret)
{
	return l->ops->io_open(l, fd, ready, ctx, ret);
}

void loop_io_close(struct loop_io **io)
{
	if (!*io)
		return;
	(*io)->loop->ops->io_close(*io);
	*io = NULL;
}

void loop_io_want(struct loop_io *io, bool readable, bool writable)
{
	io->loop->ops->io_want(io, readable, writable);
}

int loop_io_read(struct loop_io *io, void *p, size_t n)
{
	return io->loop->ops->io_read(io, p, n);
}

int loop_io_write(struct loop_io *io, const void *p, size_t n)
{
	return io->loop->ops->io_write(io, p, n);
}

void loop_io_shutdown(struct loop_io *io)
{
	io->loop->ops->io_shutdown(io);
}

int loop_io_fd(const struct loop_io *io)
{
	return io->loop->ops->io_fd(io);
}
