/* xml.h - the door for XML: bytes of a peer in, whole first-level elements out (RFC 6120 11).
 *
 * Restricted XML only: no DOCTYPE, comments, processing instructions, entities of one's own or other
 * encodings. Everything is bounded before it is kept.
 *
 * Ownership  The caller's. Each element comes in an arena of its own, which the sink may take.
 * Threads    One.
 * Limits     Bytes of an element or header: the maximum given; LIMIT_XML_{DEPTH,ATTRS,NODES}. Expat keeps
 *            every name for the life of a parser, so the parser is replaced between elements beyond
 *            LIMIT_XML_PARSER_BYTES, and given back to the pool while a connection is idle.
 * Errors     A negative value stops for good; xml_fault() says which stream error that is.
 */
#ifndef XMPP_XML_H
#define XMPP_XML_H

#include "xmpp/node.h"

struct xml;
struct xml_pool;

struct xml_sink {
	/* Each returns 0, or a negative value to stop here: the bytes behind are not looked at. */
	int (*open)(void *ctx, const struct node *header);	/* <stream:stream>; valid during the call */
	int (*stanza)(void *ctx, struct arena **a, struct node *n);	/* set *a NULL to take it */
	int (*close)(void *ctx);				/* </stream:stream> */
};

struct xml_fault {
	const char *condition;		/* RFC 6120 4.9.3 */
	bool too_big;			/* add <stanza-too-big/> */
};

struct xml_pool *xml_pool_new(size_t max_parsers);
void xml_pool_free(struct xml_pool **p);

/* pool may be NULL. NULL: out of memory. */
struct xml *xml_new(struct xml_pool *pool, const struct xml_sink *sink, void *ctx, size_t max_bytes, size_t arena_cap);
void xml_free(struct xml **x);
MUST_CHECK int xml_feed(struct xml *x, struct str bytes);
/* After xml_feed failed: the fault, or NULL when the sink stopped it. */
const struct xml_fault *xml_fault(const struct xml *x);
void xml_set_max(struct xml *x, size_t max_bytes);
void xml_reset(struct xml *x);			/* a new stream begins (RFC 6120 4.3.3); not from within a sink */
/* Between elements: gives parser and buffers back. The next byte brings them again. */
void xml_idle(struct xml *x);
/* The default namespace of the stream header. */
struct str xml_content_ns(const struct xml *x);

#endif
