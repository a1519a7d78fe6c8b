/* loop_core.h - what both loops share: timers, deferred and posted items. For loop*.c alone. */
#ifndef NET_LOOP_CORE_H
#define NET_LOOP_CORE_H

#include <pthread.h>

#include "net/loop.h"

#define LOOP_MAGIC 0x10090001u

struct loop {
	uint32_t magic;
	const struct loop_backend *ops;
	struct heap timers;
	struct list deferred;
	pthread_mutex_t lock;
	struct list posted;		/* under lock */
	unsigned n_works;
};

/* Every struct loop_io begins with its loop. */
struct loop_io {
	struct loop *loop;
};

void loop_core_init(struct loop *l, const struct loop_backend *ops);
void loop_core_release(struct loop *l);
void loop_core_posted(struct loop *l);		/* runs what was posted */
void loop_core_timers(struct loop *l);		/* runs what is due */
void loop_core_deferred(struct loop *l);	/* runs until nothing is deferred */
/* The next deadline; false: none. */
bool loop_core_deadline(const struct loop *l, uint64_t *ret_ms);

#endif
