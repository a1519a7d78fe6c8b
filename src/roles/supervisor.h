/* supervisor.h - keeps the worker alive: starts it, starts it again after a crash, passes signals on.
 *
 * The supervisor meets nothing from the network and holds nothing but the worker's process id. A worker that ends
 * before it was ready is not started again: what was wrong is wrong still, and it has said what. The kernel ends the
 * worker when the supervisor is killed.
 *
 * Threads  One; call it before there are others.
 * Errors   The exit status of the process.
 */
#ifndef ROLES_SUPERVISOR_H
#define ROLES_SUPERVISOR_H

/* work(ctx, ready) runs in the worker, writes one byte to 'ready' when it serves, and returns the exit status. */
int supervisor_run(int (*work)(void *ctx, int ready), void *ctx);

#endif
