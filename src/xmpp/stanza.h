/* stanza.h - message, presence, iq (RFC 6120 8): kinds, replies, errors. */
#ifndef XMPP_STANZA_H
#define XMPP_STANZA_H

#include "xmpp/node.h"

enum stanza_kind { STANZA_MESSAGE, STANZA_PRESENCE, STANZA_IQ, STANZA_OTHER };

enum stanza_kind stanza_kind(const struct node *n);
/* <iq type='result'/> with from and to exchanged and the same id. NULL: arena full. */
struct node *stanza_reply(struct arena *a, const struct node *req);
/* The same kind of stanza, type 'error' (RFC 6120 8.3). text may be NULL. NULL for an error stanza or a full arena. */
struct node *stanza_error(struct arena *a, const struct node *req, int err, const char *text);
struct node *stanza_error_cond(struct arena *a, const struct node *req, const char *type, const char *condition,
			       struct node *extra);

#endif
