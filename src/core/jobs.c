/* jobs.c - see jobs.h. One mutex guards the two lists; no vault call is made under it. */
#include "core/jobs.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "base/check.h"
#include "base/limits.h"
#include "net/loop.h"
#include "vault/vault.h"

#define JOBS_MAGIC 0x10b50001u

struct jobs {
	CHECK_MAGIC;
	struct loop *loop;
	struct vault *vault;
	bool threaded, stopping;
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t wake;
	struct list todo, finished;		/* under lock */
	size_t n_todo;				/* under lock */
	atomic_size_t waiting;			/* submitted, done() not called yet */
	struct loop_item arrived;		/* posted to the loop when 'finished' is not empty */
	struct loop_item turn;			/* simulation: runs a batch on the loop's thread */
	void (*stopped)(void *ctx);
	void *stopped_ctx;
};

static void run_one(struct vault *v, struct job *j)
{
	int r = vault_begin(v);

	if (r == 0) {
		r = j->work(v, j);
		if (r >= 0) {
			int c = vault_commit(v);

			r = c < 0 ? c : r;
		} else {
			vault_rollback(v);
		}
	}
	j->err = r;
}

static bool run_together(struct vault *v, struct list *batch)
{
	if (vault_begin(v) < 0)
		return false;
	LIST_EACH(it, batch) {
		struct job *j = LIST_ITEM(it, struct job, node);
		uint64_t before = vault_changes(v);

		j->err = j->work(v, j);
		if (j->err < 0 && vault_changes(v) != before) {
			vault_rollback(v);
			return false;
		}
	}
	if (vault_commit(v) < 0) {
		vault_rollback(v);
		return false;
	}
	return true;
}

static void run_batch(struct vault *v, struct list *batch)
{
	if (run_together(v, batch))
		return;
	LIST_EACH(it, batch)
		run_one(v, LIST_ITEM(it, struct job, node));
}

/* Moves up to LIMIT_BATCH_ROWS jobs; under lock. */
static void take_batch(struct jobs *jobs, struct list *batch)
{
	list_init(batch);
	for (size_t n = 0; n < LIMIT_BATCH_ROWS && !list_empty(&jobs->todo); n++) {
		struct list *first = jobs->todo.next;

		list_remove(first);
		list_append(batch, first);
		jobs->n_todo--;
	}
}

static void hand_over(struct jobs *jobs, struct list *batch)
{
	bool first;

	pthread_mutex_lock(&jobs->lock);
	first = list_empty(&jobs->finished);
	while (!list_empty(batch)) {
		struct list *it = batch->next;

		list_remove(it);
		list_append(&jobs->finished, it);
	}
	pthread_mutex_unlock(&jobs->lock);
	if (first)
		loop_post(jobs->loop, &jobs->arrived);
}

static void *store_thread(void *arg)
{
	struct jobs *jobs = arg;

	pthread_setname_np(pthread_self(), "store");
	for (;;) {
		struct list batch;

		pthread_mutex_lock(&jobs->lock);
		while (list_empty(&jobs->todo) && !jobs->stopping)
			pthread_cond_wait(&jobs->wake, &jobs->lock);
		if (list_empty(&jobs->todo)) {
			pthread_mutex_unlock(&jobs->lock);
			return NULL;
		}
		take_batch(jobs, &batch);
		pthread_mutex_unlock(&jobs->lock);
		run_batch(jobs->vault, &batch);
		hand_over(jobs, &batch);
	}
}

static void maybe_stopped(struct jobs *jobs)
{
	void (*stopped)(void *ctx) = jobs->stopped;

	if (!stopped || atomic_load(&jobs->waiting) > 0)
		return;
	jobs->stopped = NULL;
	stopped(jobs->stopped_ctx);
}

static void on_arrived(struct loop_item *item)
{
	struct jobs *jobs = LIST_ITEM(item, struct jobs, arrived);
	struct list mine;

	list_init(&mine);
	pthread_mutex_lock(&jobs->lock);
	while (!list_empty(&jobs->finished)) {
		struct list *it = jobs->finished.next;

		list_remove(it);
		list_append(&mine, it);
	}
	pthread_mutex_unlock(&jobs->lock);
	while (!list_empty(&mine)) {
		struct job *j = LIST_ITEM(mine.next, struct job, node);

		list_remove(&j->node);
		atomic_fetch_sub(&jobs->waiting, 1);
		j->done(j, j->err);
	}
	maybe_stopped(jobs);
}

/* Simulation: one batch a turn, on the loop's thread. */
static void on_turn(struct loop_item *item)
{
	struct jobs *jobs = LIST_ITEM(item, struct jobs, turn);
	struct list batch;

	take_batch(jobs, &batch);
	run_batch(jobs->vault, &batch);
	if (!list_empty(&batch))
		hand_over(jobs, &batch);
	if (jobs->n_todo)
		loop_post(jobs->loop, &jobs->turn);
}

int jobs_new(struct loop *loop, struct vault *v, bool threaded, struct jobs **ret)
{
	struct jobs *jobs = calloc(1, sizeof(*jobs));

	if (!jobs)
		return ERR_NOMEM;
	jobs->magic = JOBS_MAGIC;
	jobs->loop = loop;
	jobs->vault = v;
	jobs->threaded = threaded;
	list_init(&jobs->todo);
	list_init(&jobs->finished);
	list_init(&jobs->arrived.node);
	list_init(&jobs->turn.node);
	jobs->arrived.fn = on_arrived;
	jobs->turn.fn = on_turn;
	pthread_mutex_init(&jobs->lock, NULL);
	pthread_cond_init(&jobs->wake, NULL);
	if (threaded && pthread_create(&jobs->thread, NULL, store_thread, jobs) != 0) {
		pthread_cond_destroy(&jobs->wake);
		pthread_mutex_destroy(&jobs->lock);
		free(jobs);
		return ERR_NOMEM;
	}
	*ret = jobs;
	return 0;
}

int jobs_submit(struct jobs *jobs, struct job *j, job_work_fn *work, job_done_fn *done)
{
	bool was_empty;

	CHECK_OBJ(jobs, JOBS_MAGIC);
	if (atomic_load(&jobs->waiting) >= LIMIT_STORE_JOBS)
		return ERR_BUSY;
	atomic_fetch_add(&jobs->waiting, 1);
	j->work = work;
	j->done = done;
	j->err = 0;
	pthread_mutex_lock(&jobs->lock);
	was_empty = list_empty(&jobs->todo);
	list_append(&jobs->todo, &j->node);
	jobs->n_todo++;
	pthread_mutex_unlock(&jobs->lock);
	if (was_empty && jobs->threaded)
		pthread_cond_signal(&jobs->wake);
	else if (was_empty)
		loop_post(jobs->loop, &jobs->turn);
	return 0;
}

size_t jobs_waiting(const struct jobs *jobs)
{
	return atomic_load(&((struct jobs *)(uintptr_t)jobs)->waiting);
}

void jobs_stop(struct jobs *jobs, void (*done)(void *ctx), void *ctx)
{
	CHECK_OBJ(jobs, JOBS_MAGIC);
	jobs->stopped = done;
	jobs->stopped_ctx = ctx;
	maybe_stopped(jobs);
}

void jobs_free(struct jobs **jobs)
{
	if (!*jobs)
		return;
	CHECK_OBJ(*jobs, JOBS_MAGIC);
	CHECK(atomic_load(&(*jobs)->waiting) == 0);
	if ((*jobs)->threaded) {
		pthread_mutex_lock(&(*jobs)->lock);
		(*jobs)->stopping = true;
		pthread_mutex_unlock(&(*jobs)->lock);
		pthread_cond_signal(&(*jobs)->wake);
		pthread_join((*jobs)->thread, NULL);
	}
	pthread_cond_destroy(&(*jobs)->wake);
	pthread_mutex_destroy(&(*jobs)->lock);
	free(*jobs);
	*jobs = NULL;
}
