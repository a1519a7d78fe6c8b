/* breakers.h - the breakers of this server's links to other networks (outbreak/breaker.h): counted, kept over restarts, recorded, told.
 *
 * Threads  The loop's; rows are written behind.
 * Limits   BREAKERS.
 * Errors   What cannot be written is logged; in memory it holds all the same.
 */
#ifndef CORE_BREAKERS_H
#define CORE_BREAKERS_H

#include "core/trip.h"
#include "vault/vault.h"

#define BREAKERS_CHECK_MS 1000

MUST_CHECK int breakers_start(struct server *srv, struct vault *v);	/* before the store's thread */
void breakers_stop(struct server *srv);
/* Is the link that this stanza comes or goes by interrupted? */
bool breakers_cut(const struct trip *t);
/* A message was judged: does it spread over a link? */
void breakers_judged(struct trip *t);
/* An operator's word; the row is written already. */
void breakers_operator(struct server *srv, struct str domain, bool open);
unsigned breakers_open_now(const struct server *srv);

#endif
