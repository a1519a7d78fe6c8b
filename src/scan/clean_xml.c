#include "scan/clean_xml.h"

#include <expat.h>

#include "base/check.h"

struct clean_xml {
	XML_Parser parser;
	struct str in;
	const struct clean_xml_rules *rules;
	struct buf *out;
	size_t copied;			/* bytes of in that are dealt with */
	unsigned depth, skip;		/* skip: the depth of what is dropped; 0: nothing is */
	unsigned only;			/* the depth of what is kept within it */
	size_t only_at;
	bool only_mode;
	uint8_t done[CLEAN_XML_DEPTH + 1];	/* enum clean_xml_do of each that is open */
	unsigned watch;			/* the depth of what is watched */
	size_t watch_out;
	struct buf watch_text, tag;	/* tag: the start tag as it will be */
	bool edited;
	int err;
};

const char *clean_xml_local(const char *name)
{
	const char *s = strrchr(name, CLEAN_XML_SEP);

	return s ? s + 1 : name;
}

bool clean_xml_ns(const char *name, const char *ns)
{
	size_t n = strlen(ns);

	return strncmp(name, ns, n) == 0 && name[n] == CLEAN_XML_SEP;
}

const char *clean_xml_get(const char **atts, const char *local)
{
	for (; atts[0]; atts += 2)
		if (clean_xml_is(atts[0], local))
			return atts[1];
	return NULL;
}

static void stop(struct clean_xml *x, int err)
{
	if (x->err == 0)
		x->err = err;
	XML_StopParser(x->parser, XML_FALSE);
}

static size_t here(const struct clean_xml *x)
{
	XML_Index at = XML_GetCurrentByteIndex(x->parser);

	return at < 0 || (size_t)at > x->in.n ? x->in.n : (size_t)at;
}

static size_t behind(const struct clean_xml *x)
{
	int n = XML_GetCurrentByteCount(x->parser);
	size_t at = here(x);

	return n < 0 || (size_t)n > x->in.n - at ? x->in.n : at + (size_t)n;
}

static void copy_to(struct clean_xml *x, size_t at)
{
	if (at > x->copied)
		buf_add(x->out, x->in.p + x->copied, at - x->copied);
	x->copied = at > x->copied ? at : x->copied;
}

static bool blank(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static size_t skip_blank(struct str t, size_t at)
{
	while (at < t.n && blank(t.p[at]))
		at++;
	return at;
}

/* The tag is well-formed: Expat has read it. from..to: the attribute with the blank before it; value: between its quotes. */
static bool attribute(struct str t, const char *local, size_t *ret_from, size_t *ret_to, size_t *ret_value)
{
	size_t at = 1, n = strlen(local);

	while (at < t.n && !blank(t.p[at]) && t.p[at] != '>' && t.p[at] != '/')
		at++;
	while (at < t.n) {
		size_t from = at, name, colon, end;
		char quote;

		name = colon = at = skip_blank(t, at);
		while (at < t.n && t.p[at] != '=' && !blank(t.p[at]) && t.p[at] != '>') {
			if (t.p[at] == ':')
				colon = at + 1;
			at++;
		}
		end = at;
		at = skip_blank(t, at);
		if (at >= t.n || t.p[at] != '=')
			return false;
		at = skip_blank(t, at + 1);
		if (at >= t.n)
			return false;
		quote = t.p[at];
		*ret_value = ++at;
		while (at < t.n && t.p[at] != quote)
			at++;
		if (at >= t.n)
			return false;
		at++;
		if (end - colon == n && memcmp(t.p + colon, local, n) == 0 && !str_starts(str_cut(t, name), STR("xmlns"))) {
			*ret_from = from;
			*ret_to = at;
			return true;
		}
	}
	return false;
}

void clean_xml_attr(struct clean_xml *x, const char *local, const char *value)
{
	size_t from, to, at;
	struct str tag;
	struct buf b;

	if (!x->edited)
		buf_add(&x->tag, x->in.p + here(x), behind(x) - here(x));
	x->edited = true;
	tag = buf_str(&x->tag);
	if (!attribute(tag, local, &from, &to, &at))
		return;
	buf_init(&b, x->tag.max);
	if (value) {
		buf_add(&b, tag.p, at);
		buf_str_add(&b, str_of(value));
		buf_add(&b, tag.p + to - 1, tag.n - to + 1);
	} else {
		buf_add(&b, tag.p, from);
		buf_add(&b, tag.p + to, tag.n - to);
	}
	if (b.failed)
		stop(x, ERR_LIMIT);
	buf_release(&x->tag);
	x->tag = b;
}

struct str clean_xml_rest(const struct clean_xml *x)
{
	return str_cut(x->in, here(x));
}

static void begin_drop(struct clean_xml *x, bool only)
{
	copy_to(x, here(x));
	x->skip = x->depth;
	x->only_mode = only;
}

static void apply(struct clean_xml *x, enum clean_xml_do todo)
{
	switch (todo) {
	case CLEAN_XML_KEEP:
		if (!x->edited)
			return;
		copy_to(x, here(x));
		buf_str_add(x->out, buf_str(&x->tag));
		x->copied = behind(x);
		return;
	case CLEAN_XML_DROP:
	case CLEAN_XML_ONLY:
		begin_drop(x, todo == CLEAN_XML_ONLY);
		return;
	case CLEAN_XML_UNWRAP:
		copy_to(x, here(x));
		x->copied = behind(x);
		return;
	case CLEAN_XML_WATCH:
		if (x->watch)
			return;
		copy_to(x, here(x));
		x->watch = x->depth;
		x->watch_out = x->out->n;
		buf_clear(&x->watch_text);
		return;
	}
}

static void XMLCALL on_start(void *ctx, const XML_Char *name, const XML_Char **atts)
{
	struct clean_xml *x = ctx;
	enum clean_xml_do todo;

	if (++x->depth >= CLEAN_XML_DEPTH) {
		stop(x, ERR_LIMIT);
		return;
	}
	if (x->skip) {
		if (x->only_mode && !x->only && x->rules->only && clean_xml_is(name, x->rules->only)) {
			x->only = x->depth;
			x->only_at = here(x);
		}
		return;
	}
	buf_clear(&x->tag);
	x->edited = false;
	todo = x->rules->start(x->rules->ctx, x, name, atts);
	x->done[x->depth] = (uint8_t)todo;
	apply(x, todo);
	if (x->out->failed)
		stop(x, ERR_LIMIT);
}

static void end_skipped(struct clean_xml *x, const char *name)
{
	if (x->only == x->depth) {
		buf_add(x->out, x->in.p + x->only_at, behind(x) - x->only_at);
		x->only = 0;
		x->only_mode = false;			/* once: a choice of the same picture is not shown twice */
	}
	if (x->skip == x->depth) {
		x->skip = 0;
		x->copied = behind(x);
		if (x->rules->end)
			x->rules->end(x->rules->ctx, name);
	}
}

static void XMLCALL on_end(void *ctx, const XML_Char *name)
{
	struct clean_xml *x = ctx;

	if (x->skip) {
		end_skipped(x, name);
		x->depth--;
		return;
	}
	if (x->watch == x->depth) {
		copy_to(x, behind(x));
		if (x->watch_text.failed || x->rules->watched(x->rules->ctx, name, buf_str(&x->watch_text)))
			x->out->n = x->watch_out;
		x->watch = 0;
	} else if (x->done[x->depth] == CLEAN_XML_UNWRAP) {
		copy_to(x, here(x));
		x->copied = behind(x);
	}
	if (x->rules->end)
		x->rules->end(x->rules->ctx, name);
	x->depth--;
}

static void XMLCALL on_text(void *ctx, const XML_Char *s, int n)
{
	struct clean_xml *x = ctx;

	if (x->skip)
		return;
	if (x->watch)
		buf_add(&x->watch_text, s, (size_t)n);
	if (x->rules->text)
		x->rules->text(x->rules->ctx, str_make(s, (size_t)n));
}

static void XMLCALL on_doctype(void *ctx, const XML_Char *name, const XML_Char *system, const XML_Char *public, int subset)
{
	(void)name;
	(void)system;
	(void)public;
	if (subset)			/* an outer one is not read: StarOffice names it */
		stop(ctx, ERR_UNSUPPORTED);
}

static void parse(struct clean_xml *x)
{
	XML_SetUserData(x->parser, x);
	XML_SetElementHandler(x->parser, on_start, on_end);
	XML_SetCharacterDataHandler(x->parser, on_text);
	XML_SetStartDoctypeDeclHandler(x->parser, on_doctype);
	if (XML_Parse(x->parser, x->in.p, (int)x->in.n, 1) != XML_STATUS_OK && x->err == 0)
		x->err = XML_GetErrorCode(x->parser) == XML_ERROR_NO_MEMORY ? ERR_NOMEM : ERR_BAD_FORMAT;
}

int clean_xml_edit(struct str in, const struct clean_xml_rules *rules, struct buf *out)
{
	struct clean_xml x = { .in = in, .rules = rules, .out = out };

	if (in.n >= INT32_MAX / 2)
		return ERR_LIMIT;
	/* UTF-16 and its kin: names would have to be written in them too. */
	if (in.n >= 2 && (((uint8_t)in.p[0] >= 0xfe && (uint8_t)in.p[1] >= 0xfe) || in.p[0] == 0 || in.p[1] == 0))
		return ERR_UNSUPPORTED;
	x.parser = XML_ParserCreateNS(NULL, CLEAN_XML_SEP);
	if (!x.parser)
		return ERR_NOMEM;
	buf_init(&x.watch_text, CLEAN_XML_TEXT);
	buf_init(&x.tag, 16u << 20);
	parse(&x);
	if (x.err == 0)
		copy_to(&x, in.n);
	XML_ParserFree(x.parser);
	buf_release(&x.watch_text);
	buf_release(&x.tag);
	if (x.err == 0 && out->failed)
		x.err = ERR_LIMIT;
	return x.err;
}
