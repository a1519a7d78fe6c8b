/* loop_sim.h - the simulated half of loop.h: virtual time, sockets in memory, one seed.
 *
 * loop_sim_new() makes a loop whose clock stands still until everything that can run has run, then jumps to the
 * next deadline; base/clock.h follows it on this thread. Sockets are pairs in memory that carry bytes in pieces
 * and after delays that the seed decides. The same seed gives the same run.
 */
#ifndef NET_LOOP_SIM_H
#define NET_LOOP_SIM_H

#include "net/loop.h"

/* Two ends of one connection, as descriptors for loop_io_open() of this loop. ERR_LIMIT. */
MUST_CHECK int loop_sim_pair(struct loop *l, int ret_fds[2]);
/* Runs until this moment of virtual time, or until loop_stop(). */
void loop_sim_run_until(struct loop *l, uint64_t mono_ms);

#endif
