/* clean_svg.c - a picture of SVG 2, written anew from a list of what only draws: no scripts, no handlers, nothing foreign, nothing from elsewhere.
 *
 * A list of what is allowed, not of what is not: browsers grow faster than such lists. Entities are resolved on the way (Expat bounds them).
 */
#include <expat.h>
#include <strings.h>

#include "scan/clean_parts.h"
#include "scan/clean_xml.h"

#define SVG "http://www.w3.org/2000/svg"
#define XLINK "http://www.w3.org/1999/xlink"
#define XML_NS "http://www.w3.org/XML/1998/namespace"
#define DEPTH_MAX 512
#define HEAD 4096			/* bytes within which the picture begins */
#define STYLE_MAX (4u << 20)

struct svg {
	XML_Parser parser;
	struct clean *c;
	unsigned depth, skip;
	bool style;			/* within <style> */
	bool any;
	struct buf css;
	int err;
};

static const char *const elements[] = {
	"svg", "g", "defs", "symbol", "use", "path", "rect", "circle", "ellipse", "line", "polyline", "polygon", "text", "tspan", "textPath", "tref", "image",
	"marker", "linearGradient", "radialGradient", "stop", "pattern", "clipPath", "mask", "filter", "title", "desc", "style", "switch", "view", "a",
	"feBlend", "feColorMatrix", "feComponentTransfer", "feComposite", "feConvolveMatrix", "feDiffuseLighting", "feDisplacementMap", "feDistantLight",
	"feDropShadow", "feFlood", "feFuncA", "feFuncB", "feFuncG", "feFuncR", "feGaussianBlur", "feImage", "feMerge", "feMergeNode", "feMorphology", "feOffset",
	"fePointLight", "feSpecularLighting", "feSpotLight", "feTile", "feTurbulence", "animate", "animateTransform", "animateMotion", "animateColor", "set",
	"mpath", "font", "font-face", "glyph", "missing-glyph", "hkern", "vkern", "altGlyph", "altGlyphDef", "altGlyphItem", "glyphRef", "flowRoot",
	"flowRegion", "flowPara", "flowSpan", "solidColor", "hatch", "hatchpath", "mesh", "meshgradient", "meshpatch", "meshrow",
};

bool clean_svg_is(struct str in)
{
	struct str head = str_make(in.p, in.n < HEAD ? in.n : HEAD);

	if (str_starts(head, STR("\xef\xbb\xbf")))
		head = str_cut(head, 3);
	head = str_trim(head);
	return str_starts(head, STR("<")) && (memmem(head.p, head.n, "<svg", 4) || memmem(head.p, head.n, ":svg", 4));
}

static void took(struct svg *s, unsigned fact)
{
	s->c->removed |= FACT_BIT(fact);
}

static void escaped(struct buf *b, struct str text, bool attribute)
{
	for (size_t i = 0; i < text.n; i++) {
		char ch = text.p[i];

		if (ch == '&')
			buf_str_add(b, STR("&amp;"));
		else if (ch == '<')
			buf_str_add(b, STR("&lt;"));
		else if (ch == '>')
			buf_str_add(b, STR("&gt;"));
		else if (attribute && (ch == '"' || ch == '\n' || ch == '\t' || ch == '\r'))
			buf_printf(b, "&#%u;", (unsigned)(uint8_t)ch);
		else
			buf_char(b, ch);
	}
}

static bool picture_within(const char *s)
{
	static const char *const types[] = { "data:image/png", "data:image/jpeg", "data:image/jpg", "data:image/gif", "data:image/webp" };

	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		if (strncasecmp(s, types[i], strlen(types[i])) == 0 && strchr(";,", s[strlen(types[i])]) && s[strlen(types[i])])
			return true;
	return false;
}

static bool font_within(const char *s)
{
	return strncasecmp(s, "data:font/", 10) == 0 || strncasecmp(s, "data:application/font", 21) == 0 ||
	       strncasecmp(s, "data:application/x-font", 23) == 0 || strncasecmp(s, "data:application/vnd.ms-fontobject", 34) == 0;
}

/* Style, in an attribute or an element: nothing is fetched or run. 0, or the fact that it is. */
static unsigned bad_style(const char *s)
{
	static const char *const words[] = { "@import", "expression", "javascript", "behavior", "-moz-binding", "vbscript", "\\", "/*" };

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (strcasestr(s, words[i])) {
			if (words[i][0] == '/' && !strcasestr(s, "url"))
				continue;		/* a remark hides nothing where nothing is fetched */
			return words[i][0] == '@' ? FACT_EXTERNAL_OBJECT : FACT_SVG_SCRIPT;
		}
	if (strcasestr(s, "image-set") || strcasestr(s, "src("))
		return FACT_EXTERNAL_OBJECT;
	for (s = strcasestr(s, "url"); s; s = strcasestr(s, "url")) {
		s += 3;
		while (*s == ' ' || *s == '\t' || *s == '\n' || *s == '(' || *s == '"' || *s == '\'')
			s++;
		if (s[-1] == 'l' || s[-1] == 'L')
			continue;			/* a word with these letters */
		if (*s != '#' && !picture_within(s) && !font_within(s))
			return FACT_EXTERNAL_OBJECT;
	}
	return 0;
}

/* 0: it may stay. */
static unsigned bad_attribute(const char *element, const char *local, const char *value)
{
	while (*value == ' ' || *value == '\n' || *value == '\t' || *value == '\r')
		value++;
	if (strncasecmp(local, "on", 2) == 0)
		return FACT_SVG_SCRIPT;
	if (strcmp(local, "base") == 0 || strcmp(local, "ping") == 0)
		return FACT_EXTERNAL_OBJECT;
	if (strcmp(local, "attributeName") == 0 && (strcasestr(value, "href") || strncasecmp(value, "on", 2) == 0))
		return FACT_SVG_SCRIPT;
	if (strcmp(local, "href") == 0 || strcmp(local, "src") == 0) {
		if (*value == '#' || *value == 0)
			return 0;
		if ((strcmp(element, "image") == 0 || strcmp(element, "feImage") == 0) && picture_within(value))
			return 0;
		if (strcmp(element, "a") == 0 && (strncasecmp(value, "https://", 8) == 0 || strncasecmp(value, "http://", 7) == 0 ||
						  strncasecmp(value, "mailto:", 7) == 0))
			return 0;
		return strncasecmp(value, "http", 4) == 0 || value[0] == '/' ? FACT_EXTERNAL_OBJECT : FACT_SVG_SCRIPT;
	}
	return bad_style(value);
}

static bool known(const char *local)
{
	for (size_t i = 0; i < sizeof(elements) / sizeof(elements[0]); i++)
		if (strcmp(local, elements[i]) == 0)
			return true;
	return false;
}

/* An element that is not written, and why that matters to somebody. */
static void skip(struct svg *s, const char *name)
{
	const char *local = clean_xml_local(name);

	s->skip = s->depth;
	if (clean_xml_ns(name, SVG) && strcmp(local, "metadata") != 0)
		took(s, FACT_SVG_SCRIPT);
	else if (clean_xml_ns(name, SVG) || (strncmp(name, "http://www.w3.org/1999/xhtml", 28) != 0 && strcasecmp(local, "script") != 0))
		took(s, FACT_METADATA);
	else
		took(s, FACT_SVG_SCRIPT);
}

static void attributes(struct svg *s, const char *element, const char **atts)
{
	for (; atts[0]; atts += 2) {
		const char *local = clean_xml_local(atts[0]), *prefix = "";
		unsigned fact;

		if (clean_xml_ns(atts[0], XLINK))
			prefix = "xlink:";
		else if (clean_xml_ns(atts[0], XML_NS))
			prefix = "xml:";
		else if (local != atts[0]) {
			took(s, FACT_METADATA);		/* of a drawing program */
			continue;
		}
		fact = bad_attribute(element, local, atts[1]);
		if (fact) {
			took(s, fact);
			continue;
		}
		buf_printf(&s->c->out, " %s%s=\"", prefix, local);
		escaped(&s->c->out, str_of(atts[1]), true);
		buf_char(&s->c->out, '"');
	}
}

/* An animation of a link or a handler: all of it. */
static bool bad_animation(const char **atts)
{
	const char *what = clean_xml_get(atts, "attributeName");

	return what && bad_attribute("set", "attributeName", what);
}

static void XMLCALL on_start(void *ctx, const XML_Char *name, const XML_Char **atts)
{
	struct svg *s = ctx;
	const char *local = clean_xml_local(name);

	if (++s->depth > DEPTH_MAX || s->c->out.failed) {
		s->err = ERR_LIMIT;
		XML_StopParser(s->parser, XML_FALSE);
		return;
	}
	if (s->skip)
		return;
	if (!clean_xml_ns(name, SVG) || !known(local) || s->style || bad_animation(atts)) {
		if (bad_animation(atts))
			took(s, FACT_SVG_SCRIPT);
		skip(s, name);
		return;
	}
	if (s->depth == 1 && strcmp(local, "svg") != 0) {
		s->err = ERR_BAD_FORMAT;
		XML_StopParser(s->parser, XML_FALSE);
		return;
	}
	buf_printf(&s->c->out, "<%s", local);
	if (s->depth == 1)
		buf_str_add(&s->c->out, STR(" xmlns=\"" SVG "\" xmlns:xlink=\"" XLINK "\""));
	attributes(s, local, atts);
	buf_char(&s->c->out, '>');
	s->any = true;
	if (strcmp(local, "style") == 0) {
		s->style = true;
		buf_clear(&s->css);
	}
}

static void end_style(struct svg *s)
{
	unsigned fact;

	s->style = false;
	if (buf_char(&s->css, 0) < 0 || s->css.failed) {
		s->err = ERR_LIMIT;
		return;
	}
	fact = bad_style(s->css.p);
	if (fact)
		took(s, fact);
	else
		escaped(&s->c->out, str_of(s->css.p), false);
}

static void XMLCALL on_end(void *ctx, const XML_Char *name)
{
	struct svg *s = ctx;

	if (s->skip) {
		if (s->skip == s->depth)
			s->skip = 0;
		s->depth--;
		return;
	}
	if (s->style && clean_xml_is(name, "style"))
		end_style(s);
	buf_printf(&s->c->out, "</%s>", clean_xml_local(name));
	s->depth--;
}

static void XMLCALL on_text(void *ctx, const XML_Char *p, int n)
{
	struct svg *s = ctx;

	if (s->skip || s->depth == 0)
		return;
	if (s->style)
		buf_add(&s->css, p, (size_t)n);
	else
		escaped(&s->c->out, str_make(p, (size_t)n), false);
}

static void XMLCALL on_instruction(void *ctx, const XML_Char *target, const XML_Char *data)
{
	(void)data;
	took(ctx, strcasecmp(target, "xml-stylesheet") == 0 ? FACT_EXTERNAL_OBJECT : FACT_METADATA);
}

static void XMLCALL on_remark(void *ctx, const XML_Char *data)
{
	(void)data;
	took(ctx, FACT_METADATA);		/* "Generator: ..." */
}

int clean_svg(struct clean *c)
{
	struct svg s = { .c = c, .parser = XML_ParserCreateNS(NULL, CLEAN_XML_SEP) };

	if (!s.parser)
		return ERR_NOMEM;
	buf_init(&s.css, STYLE_MAX);
	buf_str_add(&c->out, STR("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"));
	XML_SetUserData(s.parser, &s);
	XML_SetElementHandler(s.parser, on_start, on_end);
	XML_SetCharacterDataHandler(s.parser, on_text);
	XML_SetProcessingInstructionHandler(s.parser, on_instruction);
	XML_SetCommentHandler(s.parser, on_remark);
	if (c->in.n >= INT32_MAX / 2)
		s.err = ERR_LIMIT;
	else if (XML_Parse(s.parser, c->in.p, (int)c->in.n, 1) != XML_STATUS_OK && s.err == 0)
		s.err = ERR_BAD_FORMAT;
	if (s.err == 0 && !s.any)
		s.err = ERR_BAD_FORMAT;
	buf_char(&c->out, '\n');
	XML_ParserFree(s.parser);
	buf_release(&s.css);
	return s.err;
}
