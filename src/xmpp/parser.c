/* parser.c - Expat keeps every name it has seen as long as a parser lives, so a parser is something
 * to weigh, to hand back and to replace. Here is no rule of XMPP. */
#include "xmpp/parser.h"

#include <malloc.h>
#include <stdlib.h>

#include "base/limits.h"
#include "base/rand.h"

struct xml_pool {
	struct parser *free;
	size_t n, max;
};

/* RULE: Expat's allocator hooks carry no context; the counter of the parser at work stands here, for its thread.
 * Set around each call of Expat and put back after it, because a sink may read stored XML with a second parser. */
static _Thread_local size_t *counting;

static void *counted_malloc(size_t n)
{
	void *p = malloc(n);

	if (p)
		*counting += malloc_usable_size(p);
	return p;
}

static void counted_free(void *p)
{
	if (p)
		*counting -= malloc_usable_size(p);
	free(p);
}

static void *counted_realloc(void *p, size_t n)
{
	size_t old = p ? malloc_usable_size(p) : 0;
	void *q = realloc(p, n);

	if (q)
		*counting += malloc_usable_size(q) - old;
	return q;
}

static struct parser *parser_make(void)
{
	static const XML_Memory_Handling_Suite suite = { counted_malloc, counted_realloc, counted_free };
	static const char sep[] = { PARSER_SEP, 0 };
	struct parser *p = calloc(1, sizeof(*p));
	size_t *outer = counting;

	if (!p)
		return NULL;
	counting = &p->live;
	p->expat = XML_ParserCreate_MM("UTF-8", &suite, sep);
	counting = outer;
	if (!p->expat) {
		free(p);
		return NULL;
	}
	return p;
}

static void parser_unmake(struct parser *p)
{
	size_t *outer = counting;

	counting = &p->live;
	XML_ParserFree(p->expat);
	counting = outer;
	buf_release(&p->text);
	buf_release(&p->held);
	free(p);
}

/* A parser from the pool is as new: no names, no handlers. */
static bool parser_renew(struct parser *p)
{
	size_t *outer = counting;
	bool ok;

	counting = &p->live;
	ok = XML_ParserReset(p->expat, "UTF-8") == XML_TRUE;
	counting = outer;
	return ok;
}

struct parser *parser_get(struct xml_pool *pool, size_t text_max)
{
	struct parser *p = NULL;

	if (pool && pool->free) {
		p = pool->free;
		pool->free = p->next;
		pool->n--;
	}
	if (!p)
		p = parser_make();
	if (!p)
		return NULL;
	p->next = NULL;
	p->text.max = p->held.max = text_max;
	p->root = p->at = NULL;
	p->base = p->got = p->unit = 0;
	p->depth = p->nodes = p->decls = 0;
	p->priming = false;
	XML_SetReturnNSTriplet(p->expat, 1);
	/* Never 0, which would let Expat choose by the clock. */
	XML_SetHashSalt(p->expat, (unsigned long)rand_u64() | 1);
#ifdef HAVE_REPARSE_DEFERRAL
	/* Else the last tag of a stanza that arrives in pieces would be held back. */
	XML_SetReparseDeferralEnabled(p->expat, XML_FALSE);
#endif
	return p;
}

void parser_put(struct xml_pool *pool, struct parser **ref)
{
	struct parser *p = *ref;

	*ref = NULL;
	if (!p)
		return;
	if (!pool || pool->n >= pool->max || parser_weight(p) > LIMIT_XML_PARSER_BYTES || !parser_renew(p)) {
		parser_unmake(p);
		return;
	}
	buf_clear(&p->text);
	buf_clear(&p->held);
	p->next = pool->free;
	pool->free = p;
	pool->n++;
}

bool parser_parse(struct parser *p, struct str piece)
{
	size_t *outer = counting;
	enum XML_Status st;

	counting = &p->live;
	st = XML_Parse(p->expat, piece.p, (int)piece.n, 0);
	counting = outer;
	return st == XML_STATUS_OK;
}

size_t parser_weight(const struct parser *p)
{
	return p->live + p->text.cap + p->held.cap;
}

size_t parser_to(const struct parser *p)
{
	return (size_t)XML_GetCurrentByteIndex(p->expat) + (size_t)XML_GetCurrentByteCount(p->expat) - p->base;
}

struct xml_pool *parser_pool_new(size_t max_parsers)
{
	struct xml_pool *pool = calloc(1, sizeof(*pool));

	if (pool)
		pool->max = max_parsers;
	return pool;
}

void parser_pool_free(struct xml_pool **pool)
{
	if (!*pool)
		return;
	while ((*pool)->free) {
		struct parser *p = (*pool)->free;

		(*pool)->free = p->next;
		parser_unmake(p);
	}
	free(*pool);
	*pool = NULL;
}
