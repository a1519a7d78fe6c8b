/* xml.h - the one door for XML from a peer: bytes in, whole first-level elements out (RFC 6120 11).
 *
 * Restricted XML only: no DOCTYPE, comments, processing instructions, own entities or other encodings.
 * How the bytes are cut into pieces makes no difference to what comes out.
 *
 * Ownership  The caller's. A sink may take the arena of an element, else it is used again. From within
 *            a sink xml_reset and xml_free act when the sink has returned; xml_idle does nothing there.
 * Threads    One; a pool and its doors belong to one loop.
 * Limits     Bytes of an element: the maximum given; of a stream header LIMIT_STANZA_PREAUTH;
 *            LIMIT_XML_{DEPTH,ATTRS,NODES}; the arena's cap. Expat keeps every name for the life of a parser:
 *            it is replaced between elements beyond LIMIT_XML_PARSER_BYTES.
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
	int (*stanza)(void *ctx, struct arena **a, struct node *n);	/* set *a NULL to take it, with n */
	int (*close)(void *ctx);				/* </stream:stream>; what follows is ignored */
};

struct xml_fault {
	const char *condition;		/* RFC 6120 4.9.3 */
	const char *text;		/* the same in plain words */
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
void xml_reset(struct xml *x);			/* a new stream begins with the next byte (RFC 6120 4.3.3) */
/* Right after xml_new(): elements without a stream around them (RFC 7395), the default namespace jabber:client. */
void xml_begin(struct xml *x);
/* Has every element that began ended, too? */
bool xml_is_between(const struct xml *x);
/* Between elements: gives parser and buffers back; less than 300 bytes stay. The next element brings them again. */
void xml_idle(struct xml *x);
/* The default namespace of the stream header; empty before it. */
struct str xml_content_ns(const struct xml *x);

/* Stored bytes, one element, through the same checks; for wire_parse. */
MUST_CHECK int xml_parse_one(struct arena *a, struct str bytes, struct node **ret);

#endif
