/* xml.h - the one door for XML from a peer: the subset RFC 6120 section 11 allows, within limits.
 *
 * Ownership  The caller's. The arena of a stanza may be taken by the sink, else it is reused.
 *            A sink may call xml_reset, xml_set_max_stanza, xml_idle and xml_free: they act
 *            when the callback has returned.
 * Threads    One; a pool and its doors are of one loop.
 * Limits     LIMIT_XML_*; bytes of a stanza as told; bytes of a stream header LIMIT_STANZA_PREAUTH.
 *            What one stanza may need in the arena as told.
 * Errors     xml_feed tells a fault once and for ever; xml_fault has the stream error to send.
 *            How the bytes are cut into pieces makes no difference.
 */
#ifndef XMPP_XML_H
#define XMPP_XML_H

#include "xmpp/node.h"

struct xml;
struct xml_pool;

/* Each returns 0 to go on, or a negative value to stop: the rest of the bytes is not looked at. */
struct xml_sink {
	int (*open)(void *ctx, const struct node *header);	/* valid during the call */
	/* A first-level element; taking *a (and setting it to NULL) takes the ownership of n. */
	int (*stanza)(void *ctx, struct arena **a, struct node *n);
	int (*close)(void *ctx);				/* </stream:stream>; what follows is ignored */
};

struct xml_fault {
	const char *condition;		/* a stream error of RFC 6120 4.9.3 */
	const char *text;		/* for the log and <text/> */
	bool too_big;			/* say stanza-too-big (XEP-0205) as well */
};

/* Keeps at most max_parsers parsers that nobody uses. */
struct xml_pool *xml_pool_new(size_t max_parsers);
void xml_pool_free(struct xml_pool **pool);

/* sink and ctx must outlive it. NULL when out of memory. */
struct xml *xml_new(struct xml_pool *pool, const struct xml_sink *sink, void *ctx, size_t max_stanza_bytes,
		    size_t arena_cap);
void xml_free(struct xml **x);

/* 0, the sink's negative value, or a negative value with xml_fault set. */
MUST_CHECK int xml_feed(struct xml *x, struct str bytes);
const struct xml_fault *xml_fault(const struct xml *x);		/* NULL: none */
/* The default namespace of the stream; empty before its header. */
struct str xml_content_ns(const struct xml *x);
bool xml_mid_stanza(const struct xml *x);			/* part of something has been read */

void xml_set_max_stanza(struct xml *x, size_t bytes);
void xml_reset(struct xml *x);		/* a new stream begins with the next byte (RFC 6120 4.3.3) */
void xml_idle(struct xml *x);		/* between stanzas: gives parser and buffers back; free to call at any time */

/* One element of stored bytes through the same door; see wire_parse. */
MUST_CHECK int xml_parse_one(struct arena *a, struct str bytes, struct node **ret);

#endif
