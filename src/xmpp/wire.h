/* wire.h - a tree as bytes, and stored bytes as a tree.
 *
 * What is sent is always written anew from the parsed tree: no byte of a peer's own XML reaches another
 * peer, so two parsers cannot see two different stanzas (security-tests A1, "smuggling").
 * Limits   The buffer's maximum: ERR_LIMIT.
 */
#ifndef XMPP_WIRE_H
#define XMPP_WIRE_H

#include "base/buf.h"
#include "xmpp/node.h"

/* scope_ns: the default namespace already in force where the bytes go (inside a client's stream "jabber:client"). */
MUST_CHECK int wire_write(struct buf *b, const struct node *n, struct str scope_ns);
/* Escaped for text and for attributes in either quotes: & < > ' " and control characters. */
MUST_CHECK int wire_escape(struct buf *b, struct str text);
/* Reads one stored element; its default namespace is "jabber:client". ERR_BAD_FORMAT, ERR_LIMIT. */
MUST_CHECK int wire_parse(struct arena *a, struct str bytes, struct node **ret);

#endif
