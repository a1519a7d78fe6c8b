#include "scan/markup.h"

#include <expat.h>

#define PIECE (1u << 20)

struct run {
	const struct markup *m;
	XML_Parser p;
	unsigned depth;
	bool bad;
};

static const char *local(const char *name)
{
	const char *at = strrchr(name, ':');

	return at ? at + 1 : name;
}

static void stop(struct run *r)
{
	r->bad = true;
	XML_StopParser(r->p, XML_FALSE);
}

static void on_start(void *ctx, const XML_Char *name, const XML_Char **attrs)
{
	struct run *r = ctx;

	if (++r->depth > MARKUP_DEPTH)
		stop(r);
	else if (r->m->start)
		r->m->start(r->m->ctx, local(name), attrs);
}

static void on_end(void *ctx, const XML_Char *name)
{
	struct run *r = ctx;

	r->depth--;
	if (r->m->end)
		r->m->end(r->m->ctx, local(name));
}

static void on_text(void *ctx, const XML_Char *p, int n)
{
	struct run *r = ctx;

	if (r->m->text)
		r->m->text(r->m->ctx, str_make(p, (size_t)n));
}

/* The DTD of old OpenOffice is named and never read; one that stands in the file itself can declare entities. */
static void on_doctype(void *ctx, const XML_Char *name, const XML_Char *sys, const XML_Char *pub, int has_subset)
{
	(void)name;
	(void)sys;
	(void)pub;
	if (has_subset)
		stop(ctx);
}

int markup_run(const struct markup *m, struct str bytes)
{
	struct run r = { .m = m, .p = XML_ParserCreate(NULL) };
	enum XML_Status st = XML_STATUS_OK;

	if (!r.p)
		return ERR_NOMEM;
	XML_SetUserData(r.p, &r);
	XML_SetElementHandler(r.p, on_start, on_end);
	XML_SetCharacterDataHandler(r.p, on_text);
	XML_SetStartDoctypeDeclHandler(r.p, on_doctype);
	XML_SetParamEntityParsing(r.p, XML_PARAM_ENTITY_PARSING_NEVER);
	for (size_t at = 0; at < bytes.n && st == XML_STATUS_OK && !r.bad; at += PIECE) {
		size_t n = bytes.n - at < PIECE ? bytes.n - at : PIECE;

		st = XML_Parse(r.p, bytes.p + at, (int)n, at + n == bytes.n);
	}
	XML_ParserFree(r.p);
	return st == XML_STATUS_OK && !r.bad ? 0 : ERR_BAD_FORMAT;
}

struct str markup_attr(const char **attrs, const char *name)
{
	for (size_t i = 0; attrs[i]; i += 2)
		if (strcmp(local(attrs[i]), name) == 0)
			return str_of(attrs[i + 1]);
	return STR_NONE;
}
