/* xml.c - see xml.h. On Expat, namespace-aware; our checks come before and after it:
 * UTF-8 before (one verdict for every parser), shape and counts in the handlers.
 *
 * Not done here: what an element means, and what follows from an error.
 */
#include "xmpp/xml.h"

#include <expat.h>
#include <stdlib.h>

#include "base/buf.h"
#include "base/check.h"
#include "base/limits.h"
#include "base/rand.h"
#include "base/utf8.h"
#include "xmpp/ns.h"

#define SEP '\xff'			/* between namespace and name: no byte of UTF-8 */
#define HEADER_MAX LIMIT_STANZA_PREAUTH

struct parser {
	XML_Parser expat;
	struct parser *next;
	struct memory {
		size_t live;
	} memory;
};

struct xml_pool {
	struct parser *free;
	size_t n, max;
};

struct xml {
	struct xml_pool *pool;
	struct parser *parser;
	const struct xml_sink *sink;
	void *ctx;
	size_t max_bytes, arena_cap;
	struct xml_fault fault;
	struct utf8_state utf8;
	struct arena *arena;		/* of the element being read */
	struct node *root, *at;
	char *header;			/* declarations of the stream header, to prime another parser */
	char *content_ns;
	struct ns_decl { struct ns_decl *next; char *prefix, *uri; } *decls;	/* seen before the header element */
	struct arena *decl_arena;
	unsigned depth;			/* elements open, the stream itself included */
	unsigned nodes;
	struct buf text;		/* of the element being read, until the next tag */
	long fed, boundary;		/* bytes given to this parser; where the last element or white space ended */
	int stop;			/* what the sink or a check returned */
	bool opened, closed, failed, priming, any_bytes;
};

/* Names are interned by Expat's own allocator calls: what lives there is counted. The block's size stands before it. */
struct block {
	struct memory *memory;
	size_t n;
};

/* RULE: Expat's allocator has no context argument; the parser that is being fed stands here for the thread. */
static _Thread_local struct memory *counting;

static void *count_malloc(size_t n)
{
	struct block *b = malloc(sizeof(*b) + n);

	if (!b)
		return NULL;
	b->memory = counting;
	b->n = n;
	if (counting)
		counting->live += n;
	return b + 1;
}

static void count_free(void *p)
{
	struct block *b = p;

	if (!p)
		return;
	b--;
	if (counting)
		counting->live -= b->n < counting->live ? b->n : counting->live;
	free(b);
}

static void *count_realloc(void *p, size_t n)
{
	struct block *b = p;
	size_t old;

	if (!p)
		return count_malloc(n);
	b--;
	old = b->n;
	b = realloc(b, sizeof(*b) + n);
	if (!b)
		return NULL;
	b->n = n;
	if (counting)
		counting->live += n - old;
	return b + 1;
}

static void stop_with(struct xml *x, const char *condition)
{
	if (x->stop)
		return;
	x->fault.condition = condition;
	x->stop = ERR_BAD_FORMAT;
	XML_StopParser(x->parser->expat, XML_FALSE);
}

static void stop_sink(struct xml *x, int r)
{
	if (r >= 0 || x->stop)
		return;
	x->stop = r;
	XML_StopParser(x->parser->expat, XML_FALSE);
}

/* --- Expat's handlers ------------------------------------------------------------------------------ */

/* Splits "uri SEP name". Known namespaces keep one constant, so that comparing is mostly comparing pointers. */
static void split(const char *full, struct str *ret_ns, struct str *ret_name)
{
	const char *sep = strchr(full, SEP);

	if (!sep) {
		*ret_ns = STR_NONE;
		*ret_name = str_of(full);
		return;
	}
	*ret_ns = str_make(full, (size_t)(sep - full));
	*ret_name = str_of(sep + 1);
}

static struct str intern_ns(struct xml *x, struct str ns)
{
	if (ns.n == sizeof(NS_CLIENT) - 1 && memcmp(ns.p, NS_CLIENT, ns.n) == 0)
		return STR(NS_CLIENT);
	if (x->at && str_eq(x->at->ns, ns))
		return x->at->ns;
	return arena_str(x->arena, ns);
}

static int add_attr(struct xml *x, struct attr ***tail, const char *full, const char *value)
{
	struct attr *at = arena_alloc(x->arena, sizeof(*at));
	struct str ns, name;

	if (!at)
		return ERR_LIMIT;
	split(full, &ns, &name);
	if (str_is(ns, NS_XML)) {
		at->name = arena_printf(x->arena, "xml:%.*s", STR_FMT(name));
		at->ns = STR_NONE;
	} else {
		at->name = arena_str(x->arena, name);
		at->ns = ns.n ? arena_str(x->arena, ns) : STR_NONE;
	}
	at->value = arena_str(x->arena, str_of(value));
	if (!at->name.p || !at->ns.p || !at->value.p)
		return ERR_LIMIT;
	**tail = at;
	*tail = &at->next;
	return 0;
}

static struct node *element(struct xml *x, const char *full, const char **atts)
{
	struct node *n = arena_alloc(x->arena, sizeof(*n));
	struct attr **tail;
	struct str ns, name;
	unsigned count = 0;

	if (!n)
		return NULL;
	split(full, &ns, &name);
	n->ns = intern_ns(x, ns);
	n->name = arena_str(x->arena, name);
	n->text = STR_NONE;
	if (!n->ns.p || !n->name.p)
		return NULL;
	tail = &n->attrs;
	for (; atts[0]; atts += 2) {
		if (++count > LIMIT_XML_ATTRS)
			return NULL;
		if (add_attr(x, &tail, atts[0], atts[1]) < 0)
			return NULL;
	}
	return n;
}

static bool need_arena(struct xml *x)
{
	if (!x->arena)
		x->arena = arena_new(x->arena_cap);
	return x->arena != NULL;
}

/* For the end of <a/> Expat's event is empty and lies behind it, so the sum is right for both forms. */
static void mark_boundary(struct xml *x)
{
	x->boundary = XML_GetCurrentByteIndex(x->parser->expat) + XML_GetCurrentByteCount(x->parser->expat);
}

static size_t used(const struct xml *x)
{
	return (size_t)(x->fed - x->boundary);
}

/* RFC 6120 4.8, 4.9.3.2, 4.9.3.10; security-tests 25, 26. Expat has resolved the prefix; the raw name tells it. */
static const char *header_fault(struct xml *x, const struct node *header)
{
	bool is_stream = str_is(header->name, "stream");

	if (!str_is(header->ns, NS_STREAM))
		return is_stream ? "invalid-namespace" : header->ns.n ? "invalid-namespace" : "bad-format";
	if (!is_stream)
		return "bad-format";
	for (struct ns_decl *d = x->decls; d; d = d->next)
		if (!d->prefix[0])
			return strcmp(d->uri, NS_STREAM) == 0 ? "bad-namespace-prefix" : NULL;
	return NULL;
}

/* Keeps what later elements may refer to: xmlns declarations of the header. */
static int save_header(struct xml *x)
{
	struct buf b;
	int r;

	buf_init(&b, HEADER_MAX * 6);
	buf_add(&b, "<stream:stream", 14);
	for (struct ns_decl *d = x->decls; d; d = d->next) {
		buf_printf(&b, d->prefix[0] ? " xmlns:%s='" : " xmlns%s='", d->prefix);
		for (const char *c = d->uri; *c; c++)
			if (*c == '&' || *c == '<' || *c == '\'')
				buf_printf(&b, "&#%d;", *c);
			else
				buf_char(&b, *c);
		buf_char(&b, '\'');
		if (!d->prefix[0])
			x->content_ns = strdup(d->uri);
	}
	buf_add(&b, ">", 2);		/* with its NUL */
	r = b.failed ? ERR_LIMIT : 0;
	if (r == 0) {
		x->header = strdup(b.p);
		r = x->header ? 0 : ERR_NOMEM;
	}
	buf_release(&b);
	return r;
}

static void on_header(struct xml *x, const char *full, const char **atts)
{
	struct node *header = need_arena(x) ? element(x, full, atts) : NULL;
	const char *fault;

	if (!header) {
		stop_with(x, "policy-violation");
		return;
	}
	fault = header_fault(x, header);
	if (fault) {
		stop_with(x, fault);
		return;
	}
	if (save_header(x) < 0) {
		stop_with(x, "policy-violation");
		return;
	}
	x->opened = true;
	stop_sink(x, x->sink->open(x->ctx, header));
	arena_free(&x->arena);
	arena_free(&x->decl_arena);
	x->decls = NULL;
	mark_boundary(x);
}

static bool flush_text(struct xml *x)
{
	int r = x->at ? node_add_text(x->arena, x->at, buf_str(&x->text)) : 0;

	buf_clear(&x->text);
	return r == 0;
}

static void XMLCALL on_start(void *data, const char *full, const char **atts)
{
	struct xml *x = data;
	struct node *n;

	if (x->stop)
		return;
	if (x->depth++ == 0) {
		if (!x->priming)
			on_header(x, full, atts);
		return;
	}
	if (x->depth > LIMIT_XML_DEPTH + 1 || ++x->nodes > LIMIT_XML_NODES || !need_arena(x)) {
		stop_with(x, "policy-violation");
		return;
	}
	n = flush_text(x) ? element(x, full, atts) : NULL;
	if (!n) {
		stop_with(x, "policy-violation");
		return;
	}
	if (x->at)
		node_append(x->at, n);
	else
		x->root = n;
	x->at = n;
}

static void give_stanza(struct xml *x)
{
	struct node *n = x->root;
	int r;

	x->root = x->at = NULL;
	x->nodes = 0;
	mark_boundary(x);
	r = x->sink->stanza(x->ctx, &x->arena, n);
	arena_free(&x->arena);
	stop_sink(x, r);
}

static void XMLCALL on_end(void *data, const char *full)
{
	struct xml *x = data;

	(void)full;
	if (x->stop)
		return;
	if (!flush_text(x)) {
		stop_with(x, "policy-violation");
		return;
	}
	if (--x->depth == 0) {
		x->closed = true;
		stop_sink(x, x->sink->close(x->ctx));
		return;
	}
	if (x->depth == 1)
		give_stanza(x);
	else
		x->at = x->at->parent;
}

static bool blank(const char *s, int n)
{
	for (int i = 0; i < n; i++)
		if (s[i] != ' ' && s[i] != '\t' && s[i] != '\r' && s[i] != '\n')
			return false;
	return true;
}

static void XMLCALL on_text(void *data, const char *s, int n)
{
	struct xml *x = data;

	if (x->stop)
		return;
	if (x->depth <= 1) {
		if (!blank(s, n))
			stop_with(x, "bad-format");
		else
			mark_boundary(x);
		return;
	}
	if (buf_add(&x->text, s, (size_t)n) < 0)
		stop_with(x, "policy-violation");
}

static void XMLCALL on_restricted(void *data)
{
	stop_with(data, "restricted-xml");
}

static void XMLCALL on_comment(void *data, const char *text)
{
	(void)text;
	on_restricted(data);
}

static void XMLCALL on_pi(void *data, const char *target, const char *text)
{
	(void)target;
	(void)text;
	on_restricted(data);
}

static void XMLCALL on_doctype(void *data, const char *name, const char *sysid, const char *pubid, int internal)
{
	(void)name;
	(void)sysid;
	(void)pubid;
	(void)internal;
	on_restricted(data);
}

static void XMLCALL on_skipped(void *data, const char *name, int parameter)
{
	(void)name;
	(void)parameter;
	on_restricted(data);
}

static void XMLCALL on_declaration(void *data, const char *version, const char *encoding, int standalone)
{
	struct xml *x = data;

	(void)standalone;
	if (version && strcmp(version, "1.0") != 0)
		stop_with(x, "not-well-formed");
	else if (encoding && !str_eq_nocase(str_of(encoding), STR("utf-8")))
		stop_with(x, "unsupported-encoding");
}

static int XMLCALL on_encoding(void *data, const char *name, XML_Encoding *info)
{
	(void)name;
	(void)info;
	stop_with(data, "unsupported-encoding");
	return XML_STATUS_ERROR;
}

static void XMLCALL on_namespace(void *data, const char *prefix, const char *uri)
{
	struct xml *x = data;
	struct ns_decl *d, **tail = &x->decls;

	if (x->stop || x->depth > 0 || x->priming)
		return;
	if (!x->decl_arena)
		x->decl_arena = arena_new(HEADER_MAX * 6);
	d = x->decl_arena ? arena_alloc(x->decl_arena, sizeof(*d)) : NULL;
	if (!d) {
		stop_with(x, "policy-violation");
		return;
	}
	d->prefix = arena_dup(x->decl_arena, prefix ? prefix : "", prefix ? strlen(prefix) : 0);
	d->uri = arena_dup(x->decl_arena, uri ? uri : "", uri ? strlen(uri) : 0);
	if (!d->prefix || !d->uri) {
		stop_with(x, "policy-violation");
		return;
	}
	while (*tail)
		tail = &(*tail)->next;
	*tail = d;
}

/* --- parsers ------------------------------------------------------------------------------------------ */

static void parser_free(struct parser *p)
{
	counting = &p->memory;
	XML_ParserFree(p->expat);
	counting = NULL;
	free(p);
}

static void set_handlers(struct parser *p, struct xml *x)
{
	XML_Parser e = p->expat;

	XML_SetUserData(e, x);
	XML_SetElementHandler(e, on_start, on_end);
	XML_SetCharacterDataHandler(e, on_text);
	XML_SetCommentHandler(e, on_comment);
	XML_SetProcessingInstructionHandler(e, on_pi);
	XML_SetStartDoctypeDeclHandler(e, on_doctype);
	XML_SetSkippedEntityHandler(e, on_skipped);
	XML_SetXmlDeclHandler(e, on_declaration);
	XML_SetUnknownEncodingHandler(e, on_encoding, x);
	XML_SetStartNamespaceDeclHandler(e, on_namespace);
	XML_SetParamEntityParsing(e, XML_PARAM_ENTITY_PARSING_NEVER);
	XML_SetHashSalt(e, (unsigned long)rand_u64() | 1u);
#ifdef HAVE_REPARSE_DEFERRAL
	XML_SetReparseDeferralEnabled(e, XML_FALSE);
#endif
}

static struct parser *parser_new(void)
{
	static const XML_Memory_Handling_Suite suite = { count_malloc, count_realloc, count_free };
	static const char sep[] = { SEP, 0 };
	struct parser *p = calloc(1, sizeof(*p));

	if (!p)
		return NULL;
	counting = &p->memory;
	p->expat = XML_ParserCreate_MM(NULL, &suite, sep);
	counting = NULL;
	if (!p->expat) {
		free(p);
		return NULL;
	}
	return p;
}

/* Back to the pool when it is light and there is room; a reset parser keeps no names. */
static void parser_put(struct xml_pool *pool, struct parser *p)
{
	if (pool && pool->n < pool->max && p->memory.live < LIMIT_XML_PARSER_BYTES) {
		bool ok;

		counting = &p->memory;
		ok = XML_ParserReset(p->expat, NULL) == XML_TRUE;
		counting = NULL;
		if (ok) {
			p->next = pool->free;
			pool->free = p;
			pool->n++;
			return;
		}
	}
	parser_free(p);
}

static int parser_get(struct xml *x)
{
	struct xml_pool *pool = x->pool;

	if (pool && pool->free) {
		x->parser = pool->free;
		pool->free = x->parser->next;
		pool->n--;
	} else {
		x->parser = parser_new();
	}
	if (!x->parser)
		return ERR_NOMEM;
	set_handlers(x->parser, x);
	if (x->opened) {
		enum XML_Status st;

		x->priming = true;
		x->depth = 0;
		counting = &x->parser->memory;
		st = XML_Parse(x->parser->expat, x->header, (int)strlen(x->header), 0);
		counting = NULL;
		x->priming = false;
		if (st != XML_STATUS_OK)
			return ERR_INTERNAL;
	}
	x->fed = x->opened ? (long)strlen(x->header) : 0;
	x->boundary = x->fed;
	return 0;
}

struct xml_pool *xml_pool_new(size_t max_parsers)
{
	struct xml_pool *p = calloc(1, sizeof(*p));

	if (p)
		p->max = max_parsers;
	return p;
}

void xml_pool_free(struct xml_pool **p)
{
	if (!*p)
		return;
	while ((*p)->free) {
		struct parser *one = (*p)->free;

		(*p)->free = one->next;
		parser_free(one);
	}
	free(*p);
	*p = NULL;
}

/* --- the door ------------------------------------------------------------------------------------------- */

struct xml *xml_new(struct xml_pool *pool, const struct xml_sink *sink, void *ctx, size_t max_bytes, size_t arena_cap)
{
	struct xml *x = calloc(1, sizeof(*x));

	if (!x)
		return NULL;
	x->pool = pool;
	x->sink = sink;
	x->ctx = ctx;
	x->max_bytes = max_bytes;
	x->arena_cap = arena_cap;
	buf_init(&x->text, max_bytes * 2);
	return x;
}

static void drop_parser(struct xml *x)
{
	if (x->parser)
		parser_put(x->failed ? NULL : x->pool, x->parser);
	x->parser = NULL;
}

static void drop_stream(struct xml *x)
{
	drop_parser(x);
	buf_release(&x->text);
	arena_free(&x->arena);
	arena_free(&x->decl_arena);
	x->decls = NULL;
	free(x->header);
	free(x->content_ns);
	x->header = x->content_ns = NULL;
	x->root = x->at = NULL;
}

void xml_free(struct xml **x)
{
	if (!*x)
		return;
	drop_stream(*x);
	free(*x);
	*x = NULL;
}

void xml_reset(struct xml *x)
{
	drop_stream(x);
	x->utf8 = (struct utf8_state){ 0 };
	x->fault = (struct xml_fault){ 0 };
	x->depth = x->nodes = 0;
	x->fed = x->boundary = 0;
	x->stop = 0;
	x->opened = x->closed = x->failed = x->any_bytes = false;
}

void xml_set_max(struct xml *x, size_t max_bytes)
{
	x->max_bytes = max_bytes;
	x->text.max = max_bytes * 2;
}

const struct xml_fault *xml_fault(const struct xml *x)
{
	return x->fault.condition ? &x->fault : NULL;
}

struct str xml_content_ns(const struct xml *x)
{
	return str_of(x->content_ns);
}

void xml_idle(struct xml *x)
{
	if (!x->opened || x->depth != 1 || x->failed || used(x) || x->utf8.need)
		return;
	drop_parser(x);
	buf_release(&x->text);
}

static int fail(struct xml *x, const char *condition)
{
	x->failed = true;
	if (condition)
		x->fault.condition = condition;
	arena_free(&x->arena);
	x->root = x->at = NULL;
	return x->stop ? x->stop : ERR_BAD_FORMAT;
}

static const char *expat_fault(const struct xml *x, enum XML_Error e)
{
	switch ((int)e) {
	case XML_ERROR_UNDEFINED_ENTITY:
	case XML_ERROR_RECURSIVE_ENTITY_REF:
	case XML_ERROR_ASYNC_ENTITY:
	case XML_ERROR_ENTITY_DECLARED_IN_PE:
	case XML_ERROR_EXTERNAL_ENTITY_HANDLING:
		return "restricted-xml";
	case XML_ERROR_UNKNOWN_ENCODING:
	case XML_ERROR_INCORRECT_ENCODING:
		return "unsupported-encoding";
	case XML_ERROR_UNBOUND_PREFIX:
		return x->opened ? "not-well-formed" : "bad-namespace-prefix";
	case XML_ERROR_NO_MEMORY:
		return "resource-constraint";
	default:
		return "not-well-formed";
	}
}

/* UTF-16 in any order begins with one of these. */
static bool other_encoding(struct str s)
{
	const uint8_t *p = (const uint8_t *)s.p;

	return (p[0] == 0xfe || p[0] == 0xff || p[0] == 0) || (s.n > 1 && p[0] == '<' && p[1] == 0);
}

static int parse_piece(struct xml *x, struct str piece)
{
	enum XML_Status st;

	if (!x->parser) {
		int r = parser_get(x);

		if (r < 0)
			return fail(x, "resource-constraint");
	}
	x->fed += (long)piece.n;
	counting = &x->parser->memory;
	st = XML_Parse(x->parser->expat, piece.p, (int)piece.n, 0);
	counting = NULL;
	if (x->stop)
		return fail(x, NULL);
	if (st != XML_STATUS_OK)
		return fail(x, expat_fault(x, XML_GetErrorCode(x->parser->expat)));
	return 0;
}

static size_t budget(const struct xml *x)
{
	return x->opened ? x->max_bytes : HEADER_MAX;
}

/* White space between elements costs no parser. */
static struct str skip_blank(struct xml *x, struct str s)
{
	size_t i = 0;

	if (!x->opened || x->depth != 1 || used(x))
		return s;
	while (i < s.n && blank(s.p + i, 1))
		i++;
	return str_cut(s, i);
}

int xml_feed(struct xml *x, struct str bytes)
{
	if (x->failed)
		return ERR_BAD_FORMAT;
	if (bytes.n == 0)
		return 0;
	if (!x->any_bytes) {
		x->any_bytes = true;
		if (other_encoding(bytes))
			return fail(x, "unsupported-encoding");
	}
	while (bytes.n) {
		struct str piece;
		int r;

		bytes = skip_blank(x, bytes);
		if (bytes.n == 0)
			break;
		if (used(x) >= budget(x)) {
			x->fault.too_big = x->opened;
			return fail(x, "policy-violation");
		}
		piece = bytes;
		if (piece.n > budget(x) - used(x))
			piece.n = budget(x) - used(x);
		if (!utf8_feed(&x->utf8, piece))
			return fail(x, "not-well-formed");
		if (x->opened && x->depth == 1 && str_starts(piece, STR("\xef\xbb\xbf")))
			return fail(x, "bad-format");
		r = parse_piece(x, piece);
		if (r < 0)
			return r;
		bytes = str_cut(bytes, piece.n);
	}
	/* Between elements: a parser that has learnt too many names is replaced. */
	if (x->opened && x->depth == 1 && x->parser && x->parser->memory.live > LIMIT_XML_PARSER_BYTES && !used(x))
		drop_parser(x);
	return 0;
}
