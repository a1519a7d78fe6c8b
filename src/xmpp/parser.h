/* parser.h - one Expat parser whose memory is counted, and a pool of them. For xml.c alone.
 *
 * Ownership  Who holds it; parser_put gives it back.
 * Threads    One at a time.
 * Limits     A pool's maximum; a parser heavier than LIMIT_XML_PARSER_BYTES is not kept.
 * Errors     NULL when out of memory.
 */
#ifndef XMPP_PARSER_H
#define XMPP_PARSER_H

#include <expat.h>

#include "base/buf.h"
#include "xmpp/lex.h"
#include "xmpp/node.h"

/* Between namespace, local name and prefix: no byte of UTF-8 text is this one. */
#define PARSER_SEP '\xff'

/* All that a door needs only while it reads. */
struct parser {
	XML_Parser expat;
	struct parser *next;		/* in the pool */
	size_t live;			/* bytes Expat holds now */
	struct buf text;		/* since the last tag */
	struct buf held;		/* a tag that has not ended: kept from Expat */
	struct lex lex;
	struct node *root, *at;		/* the element being read, the innermost open one */
	size_t base;			/* bytes of the priming header */
	size_t got, unit;		/* bytes taken since; where the last element or white space ended */
	unsigned depth;			/* open elements, the stream included */
	unsigned nodes, decls;		/* of this element; namespace declarations of the next tag */
	bool priming;
};

struct xml_pool;

struct xml_pool *parser_pool_new(size_t max_parsers);
void parser_pool_free(struct xml_pool **pool);

struct parser *parser_get(struct xml_pool *pool, size_t text_max);	/* pool may be NULL */
void parser_put(struct xml_pool *pool, struct parser **p);
bool parser_parse(struct parser *p, struct str piece);			/* false: Expat has an error, or was stopped */
size_t parser_weight(const struct parser *p);
/* Where the current event ends, in the bytes taken. */
size_t parser_to(const struct parser *p);

#endif
