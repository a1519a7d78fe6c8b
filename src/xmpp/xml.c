/* xml.c - see xml.h. On Expat, namespace-aware. Our checks stand before it (one verdict on UTF-8, what
 * may precede the stream, bytes) and in its handlers (shape, counts).
 *
 * Not done here: what an element means, and what follows from a fault.
 */
#include "xmpp/xml.h"

#include <stdlib.h>

#include "base/check.h"
#include "base/limits.h"
#include "base/utf8.h"
#include "xmpp/ns.h"
#include "xmpp/parser.h"
#include "xmpp/wire.h"

#define XML_MAGIC 0x3a9d0041u
#define STORED_SLACK 64			/* what the server itself adds to a stanza that was at a limit */

enum xml_state { XML_PROLOG, XML_OPEN, XML_CLOSED };

struct xml {
	CHECK_MAGIC;
	enum xml_state state;
	struct xml_pool *pool;
	struct parser *parser;		/* NULL while idle */
	struct arena *arena;		/* of the element being read, or kept for the next */
	const struct xml_sink *sink;
	void *ctx;
	size_t max, arena_cap;
	char *header;			/* the stream's declarations, to prime another parser; NULL: the usual ones */
	const char *content_ns;
	struct xml_fault fault;
	int result;			/* what xml_feed returns from now on */
	struct utf8_state utf8;
	bool busy, doomed;		/* in xml_feed; to be freed when it ends */
	bool restart, renew;		/* a new stream, a new parser from the end of this element on */
	bool stored;			/* xml_parse_one: the arena is the caller's */
};

static void halt(struct xml *x, int result)
{
	if (x->result == 0)
		x->result = result;
	if (x->parser)
		XML_StopParser(x->parser->expat, XML_FALSE);
}

static void fault_as(struct xml *x, int err, const char *condition, const char *text)
{
	if (x->result == 0)
		x->fault = (struct xml_fault){ .condition = condition, .text = text };
	halt(x, err);
}

static void fault(struct xml *x, const char *condition, const char *text)
{
	fault_as(x, ERR_BAD_FORMAT, condition, text);
}

static void fault_big(struct xml *x, const char *text)
{
	bool first = x->result == 0;

	fault_as(x, ERR_LIMIT, "policy-violation", text);
	if (first)
		x->fault.too_big = true;
}

/* Expat may still call a few handlers after it has been told to stop. */
static bool stopped(const struct xml *x)
{
	return x->result < 0 || x->restart || x->renew || x->doomed || x->state == XML_CLOSED;
}

static void after_sink(struct xml *x, int r)
{
	if (r < 0)
		halt(x, r);
	else if (stopped(x))
		XML_StopParser(x->parser->expat, XML_FALSE);
}

/* --- elements ---------------------------------------------------------------------------------------- */

/* "uri SEP name SEP prefix", "uri SEP name" or "name". */
static void split(const char *full, struct str *ret_ns, struct str *ret_name, struct str *ret_prefix)
{
	const char *sep = strchr(full, PARSER_SEP), *sep2;

	*ret_ns = *ret_prefix = STR_NONE;
	if (!sep) {
		*ret_name = str_of(full);
		return;
	}
	*ret_ns = str_make(full, (size_t)(sep - full));
	sep2 = strchr(sep + 1, PARSER_SEP);
	*ret_name = sep2 ? str_make(sep + 1, (size_t)(sep2 - sep - 1)) : str_of(sep + 1);
	if (sep2)
		*ret_prefix = str_of(sep2 + 1);
}

/* Attributes of XML itself are told by their prefix, which nobody can bind to anything else. */
static struct attr *attr_make(struct arena *a, const char *full, const char *text)
{
	struct str ns, name, prefix, value = str_of(text);
	struct attr *at;
	char *p;
	size_t skip;

	split(full, &ns, &name, &prefix);
	skip = str_is(ns, NS_XML) ? 4 : 0;
	at = arena_alloc(a, sizeof(*at) + skip + name.n + value.n + 2);
	if (!at)
		return NULL;
	p = (char *)(at + 1);
	memcpy(p, "xml:", skip);
	memcpy(p + skip, name.p, name.n);
	at->name = str_make(p, skip + name.n);
	p += skip + name.n + 1;
	memcpy(p, value.p, value.n);
	at->value = str_make(p, value.n);
	at->ns = skip || ns.n == 0 ? STR_NONE : ns_share(a, ns);
	return at->ns.p ? at : NULL;
}

static struct node *element_make(struct arena *a, const struct node *parent, const char *full, const char **atts)
{
	struct str ns, name, prefix;
	struct attr **tail;
	struct node *n;
	char *p;

	split(full, &ns, &name, &prefix);
	n = arena_alloc(a, sizeof(*n) + name.n + 1);
	if (!n)
		return NULL;
	p = (char *)(n + 1);
	memcpy(p, name.p, name.n);
	n->name = str_make(p, name.n);
	n->text = STR_NONE;
	n->ns = parent && str_eq(parent->ns, ns) ? parent->ns : ns_share(a, ns);
	if (!n->ns.p)
		return NULL;
	tail = &n->attrs;
	for (; atts[0]; atts += 2) {
		*tail = attr_make(a, atts[0], atts[1]);
		if (!*tail)
			return NULL;
		tail = &(*tail)->next;
	}
	return n;
}

static bool within_limits(struct xml *x, const char **atts)
{
	struct parser *p = x->parser;
	unsigned n = p->decls, slack = x->stored ? STORED_SLACK : 0;

	p->decls = 0;
	while (n <= LIMIT_XML_ATTRS + slack && *atts) {
		n++;
		atts += 2;
	}
	if (n > LIMIT_XML_ATTRS + slack)
		fault_as(x, ERR_LIMIT, "policy-violation", "too many attributes");
	else if (p->depth > LIMIT_XML_DEPTH + slack)
		fault_as(x, ERR_LIMIT, "policy-violation", "nested too deep");
	else if (p->nodes > LIMIT_XML_NODES + slack)
		fault_as(x, ERR_LIMIT, "policy-violation", "too many elements");
	return x->result == 0;
}

static struct node *element(struct xml *x, const struct node *parent, const char *full, const char **atts)
{
	struct node *n;

	if (!within_limits(x, atts))
		return NULL;
	if (!x->arena)
		x->arena = arena_new(x->arena_cap);
	if (!x->arena) {
		fault_as(x, ERR_NOMEM, "resource-constraint", "out of memory");
		return NULL;
	}
	n = element_make(x->arena, parent, full, atts);
	if (!n)
		fault_big(x, "the stanza needs too much memory");
	return n;
}

/* --- the stream header -------------------------------------------------------------------------------- */

/* RFC 6120 4.8 and 4.9.3.2, 4.9.3.10. The strict choice: prefix "stream", and a content namespace that we speak. */
static bool header_right(struct xml *x, const char *full)
{
	struct str ns, name, prefix;

	split(full, &ns, &name, &prefix);
	if (!str_is(name, "stream"))
		fault(x, "bad-format", "the root is not a stream");
	else if (!str_is(prefix, "stream"))
		fault(x, "bad-namespace-prefix", "the root's prefix is not 'stream'");
	else if (!str_is(ns, NS_STREAM))
		fault(x, "invalid-namespace", "not the namespace of streams");
	else if (!x->content_ns)
		fault(x, "invalid-namespace", "neither jabber:client nor jabber:server nor jabber:component:accept");
	return x->result == 0;
}

/* Two declarations are the stream's prefix and the default: those can be made again from the latter. */
static bool header_keep(struct xml *x)
{
	struct parser *p = x->parser;

	if (p->decls != 2) {
		if (buf_add(&p->text, ">", 2) < 0 || !(x->header = strdup(p->text.p))) {
			fault_as(x, ERR_NOMEM, "resource-constraint", "out of memory");
			return false;
		}
	}
	buf_clear(&p->text);
	return true;
}

static void header_open(struct xml *x, const char *full, const char **atts)
{
	struct parser *p = x->parser;
	struct node *n;
	int r;

	if (!header_right(x, full) || !header_keep(x))
		return;
	n = element(x, NULL, full, atts);
	if (!n)
		return;
	p->unit = parser_to(p);
	x->state = XML_OPEN;
	r = x->sink->open(x->ctx, n);
	arena_clear(x->arena);
	after_sink(x, r);
}

static struct str header_again(const struct xml *x)
{
	if (x->header)
		return str_of(x->header);
	if (strcmp(x->content_ns, NS_COMPONENT) == 0)
		return STR("<stream:stream xmlns='" NS_COMPONENT "' xmlns:stream='" NS_STREAM "'>");
	return strcmp(x->content_ns, NS_CLIENT) == 0 ?
	       STR("<stream:stream xmlns='" NS_CLIENT "' xmlns:stream='" NS_STREAM "'>") :
	       STR("<stream:stream xmlns='" NS_SERVER "' xmlns:stream='" NS_STREAM "'>");
}

/* --- Expat's handlers --------------------------------------------------------------------------------- */

static bool flush_text(struct xml *x)
{
	struct parser *p = x->parser;
	int r = 0;

	if (p->text.n) {
		p->nodes++;
		r = node_add_text(x->arena, p->at, buf_str(&p->text));
		buf_clear(&p->text);
		if (r < 0)
			fault_big(x, "the stanza needs too much memory");
	}
	return r == 0;
}

static void XMLCALL on_start(void *data, const char *full, const char **atts)
{
	struct xml *x = data;
	struct parser *p = x->parser;
	struct node *n;

	if (stopped(x))
		return;
	if (p->depth++ == 0) {
		if (!p->priming)
			header_open(x, full, atts);
		p->decls = 0;
		return;
	}
	p->nodes++;
	if (!flush_text(x))
		return;
	n = element(x, p->at, full, atts);
	if (!n)
		return;
	if (p->at)
		node_append(p->at, n);
	else
		p->root = n;
	p->at = n;
}

static void give_stanza(struct xml *x)
{
	struct parser *p = x->parser;
	struct node *n = p->root;
	int r;

	p->root = p->at = NULL;
	p->nodes = 0;
	p->unit = parser_to(p);
	r = x->sink->stanza(x->ctx, &x->arena, n);
	if (x->arena && !x->stored)
		arena_clear(x->arena);
	if (parser_weight(p) > LIMIT_XML_PARSER_BYTES)
		x->renew = true;
	after_sink(x, r);
}

static void XMLCALL on_end(void *data, const char *full)
{
	struct xml *x = data;
	struct parser *p = x->parser;

	(void)full;
	if (stopped(x) || !flush_text(x))
		return;
	p->depth--;
	if (p->depth == 0) {
		int r;

		x->state = XML_CLOSED;
		p->unit = parser_to(p);
		r = x->sink->close(x->ctx);
		after_sink(x, r);
	} else if (p->depth == 1) {
		give_stanza(x);
	} else {
		p->at = p->at->parent;
	}
}

static bool blank(char c)
{
	return c == ' ' || c == '\n' || c == '\r' || c == '\t';
}

static void XMLCALL on_text(void *data, const char *s, int n)
{
	struct xml *x = data;
	struct parser *p = x->parser;

	if (stopped(x))
		return;
	if (p->depth > 1) {
		if (buf_add(&p->text, s, (size_t)n) < 0)
			fault_big(x, "the stanza is too big");
		return;
	}
	for (int i = 0; i < n; i++)
		if (!blank(s[i])) {
			fault(x, "bad-format", "text between stanzas");
			return;
		}
	p->unit = parser_to(p);
}

static void XMLCALL on_cdata(void *data)
{
	struct xml *x = data;

	if (!stopped(x) && x->parser->depth <= 1)
		fault(x, "bad-format", "text between stanzas");
}

static void on_restricted(struct xml *x, const char *text)
{
	if (!stopped(x))
		fault(x, "restricted-xml", text);
}

static void XMLCALL on_comment(void *data, const char *text)
{
	(void)text;
	on_restricted(data, "a comment");
}

static void XMLCALL on_pi(void *data, const char *target, const char *text)
{
	(void)target;
	(void)text;
	on_restricted(data, "a processing instruction");
}

static void XMLCALL on_doctype(void *data, const char *name, const char *sysid, const char *pubid, int internal)
{
	(void)name;
	(void)sysid;
	(void)pubid;
	(void)internal;
	on_restricted(data, "a document type");
}

static void XMLCALL on_skipped(void *data, const char *name, int parameter)
{
	(void)name;
	(void)parameter;
	on_restricted(data, "an entity");
}

static void XMLCALL on_declaration(void *data, const char *version, const char *encoding, int standalone)
{
	struct xml *x = data;

	(void)standalone;
	if (stopped(x))
		return;
	if (version && strcmp(version, "1.0") != 0)
		fault(x, "not-well-formed", "not XML 1.0");
	else if (encoding && !str_eq_nocase(str_of(encoding), STR("utf-8")))
		fault(x, "unsupported-encoding", "not UTF-8");
}

/* The header's declarations are kept as text. */
static void XMLCALL on_namespace(void *data, const char *prefix, const char *uri)
{
	struct xml *x = data;
	struct parser *p = x->parser;

	if (stopped(x) || p->priming)
		return;
	p->decls++;
	if (p->depth > 0 || p->decls > LIMIT_XML_ATTRS)
		return;
	if (p->decls == 1)
		buf_add(&p->text, "<stream:stream", 14);
	if (prefix)
		buf_printf(&p->text, " xmlns:%s='", prefix);
	else
		buf_add(&p->text, " xmlns='", 8);
	if (wire_escape(&p->text, str_of(uri)) < 0 || buf_char(&p->text, '\'') < 0)
		fault_big(x, "the stream header is too big");
	if (!prefix && uri)
		x->content_ns = strcmp(uri, NS_CLIENT) == 0 ? NS_CLIENT : strcmp(uri, NS_SERVER) == 0 ? NS_SERVER :
				strcmp(uri, NS_COMPONENT) == 0 ? NS_COMPONENT : NULL;
}

/* --- parsers ------------------------------------------------------------------------------------------- */

static void set_handlers(struct xml *x)
{
	XML_Parser e = x->parser->expat;

	XML_SetUserData(e, x);
	XML_SetElementHandler(e, on_start, on_end);
	XML_SetCharacterDataHandler(e, on_text);
	XML_SetStartCdataSectionHandler(e, on_cdata);
	XML_SetCommentHandler(e, on_comment);
	XML_SetProcessingInstructionHandler(e, on_pi);
	XML_SetStartDoctypeDeclHandler(e, on_doctype);
	XML_SetSkippedEntityHandler(e, on_skipped);
	XML_SetXmlDeclHandler(e, on_declaration);
	XML_SetStartNamespaceDeclHandler(e, on_namespace);
	XML_SetParamEntityParsing(e, XML_PARAM_ENTITY_PARSING_NEVER);
}

/* A header's declarations may take six bytes for one when they are written again. */
static size_t text_max(const struct xml *x)
{
	return x->max > 6 * LIMIT_STANZA_PREAUTH ? x->max : 6 * LIMIT_STANZA_PREAUTH;
}

static bool want_parser(struct xml *x)
{
	struct parser *p = x->parser;

	if (p)
		return true;
	p = x->parser = parser_get(x->pool, text_max(x));
	if (!p) {
		fault_as(x, ERR_NOMEM, "resource-constraint", "out of memory");
		return false;
	}
	set_handlers(x);
	lex_init(&p->lex, x->state == XML_PROLOG);
	if (x->state != XML_OPEN)
		return true;
	p->priming = true;
	if (!parser_parse(p, header_again(x))) {
		fault_as(x, ERR_NOMEM, "resource-constraint", "out of memory");
		return false;
	}
	p->priming = false;
	p->base = header_again(x).n;
	return true;
}

static void drop_parser(struct xml *x)
{
	parser_put(x->pool, &x->parser);
	x->utf8 = (struct utf8_state){ 0 };
}

static void forget_stream(struct xml *x)
{
	drop_parser(x);
	if (!x->stored)
		arena_free(&x->arena);
	free(x->header);
	x->header = NULL;
	x->content_ns = NULL;
	x->state = XML_PROLOG;
	x->fault = (struct xml_fault){ 0 };
	x->result = 0;
	x->restart = x->renew = false;
}

static bool between(const struct xml *x)
{
	const struct parser *p = x->parser;

	return x->state == XML_OPEN && (!p || (p->depth == 1 && p->got == p->unit));
}

/* --- the bytes ------------------------------------------------------------------------------------------ */

static size_t plain_ascii(struct str s)
{
	size_t i = 0;
	uint64_t w;

	for (; i + 8 <= s.n; i += 8) {
		memcpy(&w, s.p + i, 8);
		if (w & 0x8080808080808080u)
			break;
	}
	return i;
}

/* How many bytes are UTF-8, or the beginning of it. */
static size_t good_utf8(struct xml *x, struct str s)
{
	size_t from = x->utf8.need ? 0 : plain_ascii(s);
	struct utf8_state before = x->utf8;

	if (utf8_feed(&x->utf8, str_cut(s, from)))
		return s.n;
	x->utf8 = before;
	while (from < s.n && utf8_feed(&x->utf8, str_make(s.p + from, 1)))
		from++;
	return from;
}

/* UTF-16 and UTF-32 of either order begin with one of these bytes, or with '<' and 0. */
static bool foreign_start(const struct xml *x, struct str s)
{
	return x->state == XML_PROLOG && x->parser->got == 0 && ((uint8_t)s.p[0] >= 0xfe || s.p[0] == 0);
}

static void expat_fault(struct xml *x)
{
	struct parser *p = x->parser;
	enum XML_Error e = XML_GetErrorCode(p->expat);
	const char *text = XML_ErrorString(e), *condition = "not-well-formed";

	if (e == XML_ERROR_NO_MEMORY) {
		fault_as(x, ERR_NOMEM, "resource-constraint", text);
		return;
	}
	if (e == XML_ERROR_UNDEFINED_ENTITY || e == XML_ERROR_ENTITY_DECLARED_IN_PE ||
	    e == XML_ERROR_EXTERNAL_ENTITY_HANDLING)
		condition = "restricted-xml";
	else if (e == XML_ERROR_UNKNOWN_ENCODING || e == XML_ERROR_INCORRECT_ENCODING)
		condition = "unsupported-encoding";
	else if (e == XML_ERROR_UNBOUND_PREFIX && p->depth == 0)
		condition = "bad-namespace-prefix";
	fault(x, condition, text ? text : "");
}

/* What was held back, then the sound bytes up to 'safe'; the rest of them is held back. */
static void hand_on(struct xml *x, struct str sound, size_t safe)
{
	struct parser *p = x->parser;
	bool ok = true;

	if (safe > 0) {
		if (p->held.n)
			ok = parser_parse(p, buf_str(&p->held));
		buf_clear(&p->held);
		if (ok && !stopped(x))
			ok = parser_parse(p, str_make(sound.p, safe));
		if (!ok && !stopped(x))
			expat_fault(x);
	}
	if (!stopped(x) && buf_str_add(&p->held, str_cut(sound, safe)) < 0)
		fault_as(x, ERR_NOMEM, "resource-constraint", "out of memory");
}

/* What is left for this element before it is too big. Expat never sees a byte more. What follows a header
 * in the same piece must not be larger either than an element may be. */
static size_t room(const struct xml *x)
{
	size_t max = x->state == XML_PROLOG ? LIMIT_STANZA_PREAUTH : x->max, used = x->parser->got - x->parser->unit;

	return used < max ? max - used : 0;
}

/* The sound beginning of the piece is parsed; then what is wrong behind it becomes the fault. */
static void read_piece(struct xml *x, struct str piece)
{
	const char *condition = "not-well-formed";
	size_t good, safe;

	if (foreign_start(x, piece)) {
		fault(x, "unsupported-encoding", "not UTF-8");
		return;
	}
	good = good_utf8(x, piece);
	x->parser->got += piece.n;
	good = lex_scan(&x->parser->lex, str_make(piece.p, good), &safe, &condition);
	hand_on(x, str_make(piece.p, good), safe);
	if (good < piece.n && !stopped(x))
		fault(x, condition, "bytes that are not allowed");
}

/* Takes some of the bytes and tells how many. */
static size_t take(struct xml *x, struct str bytes)
{
	size_t from, n;

	if (!want_parser(x))
		return bytes.n;
	if (room(x) == 0) {
		fault_big(x, x->state == XML_PROLOG ? "the stream header is too big" : "the stanza is too big");
		return bytes.n;
	}
	n = room(x) < x->max ? room(x) : x->max;
	if (n < bytes.n)
		bytes.n = n;
	from = x->parser->got;
	read_piece(x, bytes);
	if (x->result < 0 || !(x->restart || x->renew))
		return bytes.n;
	/* The element after which we stopped ended in these bytes. */
	n = x->parser->unit - from;
	drop_parser(x);
	x->renew = false;
	return n;
}

static size_t leading_blanks(struct str s)
{
	size_t i = 0;

	while (i < s.n && blank(s.p[i]))
		i++;
	return i;
}

int xml_feed(struct xml *x, struct str bytes)
{
	int r;

	CHECK_OBJ(x, XML_MAGIC);
	CHECK(!x->busy);
	x->busy = true;
	while (x->result == 0 && x->state != XML_CLOSED && !x->doomed) {
		if (between(x))			/* white space costs no parser */
			bytes = str_cut(bytes, leading_blanks(bytes));
		if (bytes.n == 0)
			break;
		bytes = str_cut(bytes, take(x, bytes));
		if (x->restart && x->result == 0)
			forget_stream(x);
	}
	x->busy = false;
	r = x->result;
	if (x->doomed) {
		xml_free(&x);
		return r < 0 ? r : ERR_EOF;
	}
	if (x->restart)
		forget_stream(x);
	return r;
}

/* --- the object ------------------------------------------------------------------------------------------- */

struct xml_pool *xml_pool_new(size_t max_parsers)
{
	return parser_pool_new(max_parsers);
}

void xml_pool_free(struct xml_pool **p)
{
	parser_pool_free(p);
}

struct xml *xml_new(struct xml_pool *pool, const struct xml_sink *sink, void *ctx, size_t max_bytes, size_t arena_cap)
{
	struct xml *x = calloc(1, sizeof(*x));

	if (!x)
		return NULL;
	x->magic = XML_MAGIC;
	x->pool = pool;
	x->sink = sink;
	x->ctx = ctx;
	x->max = max_bytes ? max_bytes : 1;
	x->arena_cap = arena_cap;
	return x;
}

void xml_free(struct xml **ref)
{
	struct xml *x = *ref;

	if (!x)
		return;
	CHECK_OBJ(x, XML_MAGIC);
	*ref = NULL;
	if (x->busy) {
		x->doomed = true;
		return;
	}
	forget_stream(x);
	x->magic = 0;
	free(x);
}

const struct xml_fault *xml_fault(const struct xml *x)
{
	return x->fault.condition ? &x->fault : NULL;
}

void xml_set_max(struct xml *x, size_t max_bytes)
{
	CHECK_OBJ(x, XML_MAGIC);
	x->max = max_bytes ? max_bytes : 1;
	if (x->parser)
		x->parser->text.max = x->parser->held.max = text_max(x);
}

void xml_reset(struct xml *x)
{
	CHECK_OBJ(x, XML_MAGIC);
	if (x->busy)
		x->restart = true;
	else
		forget_stream(x);
}

void xml_begin(struct xml *x)
{
	CHECK_OBJ(x, XML_MAGIC);
	CHECK(x->state == XML_PROLOG && !x->parser);
	x->state = XML_OPEN;
	x->content_ns = NS_CLIENT;
}

bool xml_is_between(const struct xml *x)
{
	return between(x);
}

void xml_idle(struct xml *x)
{
	CHECK_OBJ(x, XML_MAGIC);
	if (x->busy || !(between(x) || x->state == XML_CLOSED || x->result < 0))
		return;
	drop_parser(x);
	arena_free(&x->arena);
}

struct str xml_content_ns(const struct xml *x)
{
	return x->state == XML_PROLOG ? STR_NONE : str_of(x->content_ns);
}

/* --- stored bytes ------------------------------------------------------------------------------------------ */

static int one_stanza(void *ctx, struct arena **a, struct node *n)
{
	struct node **found = ctx;

	(void)a;
	if (*found)
		return ERR_BAD_FORMAT;
	*found = n;
	return 0;
}

static int one_close(void *ctx)
{
	(void)ctx;
	return ERR_BAD_FORMAT;
}

int xml_parse_one(struct arena *a, struct str bytes, struct node **ret)
{
	static const struct xml_sink sink = { .stanza = one_stanza, .close = one_close };
	struct node *found = NULL;
	struct xml x = { .magic = XML_MAGIC, .state = XML_OPEN, .arena = a, .sink = &sink, .ctx = &found,
			 .max = bytes.n + 1, .content_ns = NS_CLIENT, .stored = true };
	int r = xml_feed(&x, bytes);
	bool whole = between(&x);

	forget_stream(&x);
	if (r < 0)
		return r;
	if (!whole || !found)
		return ERR_BAD_FORMAT;
	*ret = found;
	return 0;
}
