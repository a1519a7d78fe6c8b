/* announce.h - what the server itself has to say to people who are there: a headline from its domain, kept nowhere.
 *
 * Threads  The loop's.
 * Limits   ANNOUNCE_BYTES of text.
 */
#ifndef CORE_ANNOUNCE_H
#define CORE_ANNOUNCE_H

#include "base/arena.h"
#include "base/err.h"
#include "xmpp/node.h"

#define ANNOUNCE_BYTES 10000

struct server;

/* The lines of a field of a form that was filled in; empty: none. ERR_LIMIT: too much. */
MUST_CHECK int announce_text(struct arena *a, const struct node *form, const char *var, struct str *ret);
/* type: headline, normal. NULL: no memory. */
struct node *announce_message(struct server *srv, struct arena *a, const char *type, struct str text);
/* To every session that is available; *ret_told of them. */
MUST_CHECK int announce_all(struct server *srv, struct arena *a, struct str text, unsigned *ret_told);

#endif
