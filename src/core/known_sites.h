/* known_sites.h - the sites that people here have linked to, kept over restarts: else every site would be new after one.
 *
 * Threads  The loop's; the row is written behind.
 * Limits   One row of SITES_BYTES (outbreak/sites.h), every KNOWN_SITES_MS while it changes, and at the end.
 * Errors   What cannot be written or read is logged; then sites are new again.
 */
#ifndef CORE_KNOWN_SITES_H
#define CORE_KNOWN_SITES_H

#include "base/arena.h"
#include "base/err.h"

#define KNOWN_SITES_MS (5ull * 60 * 1000)

struct server;
struct vault;

MUST_CHECK int known_sites_restore(struct server *srv, struct vault *v);	/* before the store's thread */
/* The server ends: writes them while the store still works, and looks no more. */
void known_sites_stop(struct server *srv);

#endif
