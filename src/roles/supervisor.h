/* supervisor.h - keeps worker and web role alive: starts them, starts them again after a crash, passes signals on.
 *
 * The supervisor meets nothing from the network and holds nothing but process ids and both ends of the channel between
 * its children, so that either may be replaced. A child that ends before it was ready is not started again: what was
 * wrong is wrong still, and it has said what. The kernel ends the children when the supervisor is killed.
 *
 * The worker crashing again and again ends the server; the web role is tried for ever, with pauses.
 *
 * Threads  One; call it before there are others.
 * Errors   The exit status of the process.
 */
#ifndef ROLES_SUPERVISOR_H
#define ROLES_SUPERVISOR_H

struct heritage;

/* The exit status of a worker that is to be started again at once. */
#define SUPERVISOR_AGAIN 75

/* work(ctx, heritage) runs in the worker, writes one of HERITAGE_* to 'ready' when it serves, and returns the exit
 * status. web: arguments of wardroom-web behind its name, NULL at the end. */
int supervisor_run(int (*work)(void *ctx, const struct heritage *h), void *ctx, const char *const *web);

#endif
