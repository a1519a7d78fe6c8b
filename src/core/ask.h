/* ask.h - requests that the server itself makes: of a client, a component, a peer.
 *
 * The answer is the one with our id that comes from whom we asked to whom we asked as.
 *
 * Ownership  The request is copied. ctx is the caller's until done() is called, which happens exactly once.
 * Threads    The loop's thread.
 * Limits     ASK_WAITING under way: ERR_BUSY. ASK_MS for an answer.
 */
#ifndef CORE_ASK_H
#define CORE_ASK_H

#include "base/arena.h"
#include "base/err.h"
#include "xmpp/node.h"

#define ASK_WAITING 4096
#define ASK_MS 30000

struct server;

/* answer: <iq type='result' or 'error'/>, good during the call; NULL: none came, or the server stops. */
typedef void ask_fn(void *ctx, const struct node *answer);

/* iq: 'from', 'to', 'type' are set; gets its id here. done() may be called before this returns. */
MUST_CHECK int ask_send(struct server *srv, struct arena *a, struct node *iq, ask_fn *done, void *ctx);
/* True: it was the answer to one of ours. */
bool ask_answered(struct server *srv, const struct node *answer);
/* The server stops: nobody will answer. */
void ask_stop(struct server *srv);

#endif
