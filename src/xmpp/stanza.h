/* stanza.h - what RFC 6120 section 8 says about message, presence and iq.
 *
 * Ownership  The arena owns what is returned; it shares the bytes of the request, which
 *            must live as long. An extra node becomes part of the answer.
 * Errors     NULL when the arena is full or nothing may be answered.
 */
#ifndef XMPP_STANZA_H
#define XMPP_STANZA_H

#include "xmpp/node.h"

enum stanza_kind { STANZA_MESSAGE, STANZA_PRESENCE, STANZA_IQ, STANZA_OTHER };

/* By name, in jabber:client or jabber:server. */
enum stanza_kind stanza_kind(const struct node *n);
/* An iq result: from and to swapped, same id, empty. */
struct node *stanza_reply(struct arena *a, const struct node *req);
/* The error for err (RFC 6120 8.3), with a <text/> unless text is NULL. NULL for a stanza that is an error itself. */
struct node *stanza_error(struct arena *a, const struct node *req, int err, const char *text);
/* type and condition are kept, not copied. extra: an application-specific condition, or NULL. */
struct node *stanza_error_cond(struct arena *a, const struct node *req, const char *type, const char *condition,
			       struct node *extra);

#endif
