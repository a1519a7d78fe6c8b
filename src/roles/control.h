/* control.h - run/control.sock: operators' commands for a running server, one line of JSON each way.
 *
 * Ownership  control_new/control_free; it lives as long as the server may still answer.
 * Threads    The loop's.
 * Limits     CONTROL_CLIENTS connections, CONTROL_REQUEST_BYTES a request; answers as conn.h allows.
 *            Whoever may open the socket (its owner: mode 0600) may command.
 */
#ifndef ROLES_CONTROL_H
#define ROLES_CONTROL_H

#include "base/err.h"

#define CONTROL_CLIENTS 16
#define CONTROL_REQUEST_BYTES (64 * 1024 * 1024)	/* an import in batches stays far below */

struct control;
struct loop;
struct server;

/* Takes the listening descriptor over, also on failure. dir and domain must outlive it. reload: reads the instance's files again, when a
 * command has changed them; before that command is answered. */
MUST_CHECK int control_new(struct loop *loop, struct server *srv, int fd, const char *dir, const char *domain, void (*reload)(void *ctx), void *reload_ctx,
			   struct control **ret);
void control_stop(struct control *c);	/* no more commands; the loop still has to run until clients are gone */
void control_free(struct control **c);

#endif
