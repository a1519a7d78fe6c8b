/* wire.h - trees to bytes and back.
 *
 * What is written is made from the tree alone: no CDATA, no comment, no prefix of the sender
 * survives, so every reader sees the same elements that the server judged.
 *
 * Limits     The buffer's maximum; LIMIT_XML_* when reading.
 * Errors     ERR_LIMIT, ERR_NOMEM; ERR_BAD_FORMAT from wire_parse.
 */
#ifndef XMPP_WIRE_H
#define XMPP_WIRE_H

#include "base/buf.h"
#include "xmpp/node.h"

/* default_ns: the default namespace in force where the bytes will stand. A failed write leaves b as it was. */
MUST_CHECK int wire_write(struct buf *b, const struct node *n, struct str default_ns);
/* Exactly one element; without a declaration of its own it is in jabber:client. */
MUST_CHECK int wire_parse(struct arena *a, struct str bytes, struct node **ret);
/* Escaped for text, and for an attribute in either kind of quotes. */
MUST_CHECK int wire_text(struct buf *b, struct str s);
MUST_CHECK int wire_attr(struct buf *b, struct str s);

#endif
