/* clean_html.c - a page of the web becomes the text that it shows: what a browser could run, load or send is not in a text.
 *
 * No layout: blocks begin a line, cells are parted by tabs. Where a page and this reader understand a tag differently, the worst is a word too
 * many in a text.
 */
#include <stdlib.h>
#include <strings.h>
#include <unicode/ucnv.h>

#include "base/utf8.h"
#include "scan/clean_parts.h"

#define TAG_NAME 32
#define ENTITY 12
#define CHARSET_WITHIN 2048
#define IN_MAX (256u << 20)

struct html {
	struct str in;
	size_t at;
	struct buf *out;
	bool pre, blank;		/* blank: white space waits to be written */
	unsigned lines;			/* new lines at the end so far */
};

bool clean_html_is(const struct clean *c)
{
	return str_eq(c->media, STR("text/html")) || str_eq(c->media, STR("application/xhtml+xml"));
}

static bool letter(char c) { return (c | 32) >= 'a' && (c | 32) <= 'z'; }
static bool digit(char c) { return c >= '0' && c <= '9'; }

static void line(struct html *h, unsigned n)
{
	h->blank = false;
	if (h->out->n == 0)
		return;
	while (h->lines < n) {
		buf_char(h->out, '\n');
		h->lines++;
	}
}

static void put(struct html *h, const char *p, size_t n)
{
	if (h->blank && h->lines == 0 && h->out->n > 0)
		buf_char(h->out, ' ');
	h->blank = false;
	h->lines = 0;
	buf_add(h->out, p, n);
}

static void put_code(struct html *h, uint32_t u)
{
	char c[4];

	if (u == 0 || u > 0x10ffff || (u >= 0xd800 && u < 0xe000))
		u = 0xfffd;
	if (u < 0x20 || u == 0x7f || u == 0xa0)
		h->blank = true;
	else
		put(h, c, utf8_put(u, c));
}

static uint32_t named(const char *s, size_t n)
{
	/* HTML 4, 24.2: U+00A0 to U+00FF in their order. */
	static const char *const latin[] = {
		"nbsp", "iexcl", "cent", "pound", "curren", "yen", "brvbar", "sect", "uml", "copy", "ordf", "laquo", "not", "shy", "reg", "macr", "deg",
		"plusmn", "sup2", "sup3", "acute", "micro", "para", "middot", "cedil", "sup1", "ordm", "raquo", "frac14", "frac12", "frac34", "iquest",
		"Agrave", "Aacute", "Acirc", "Atilde", "Auml", "Aring", "AElig", "Ccedil", "Egrave", "Eacute", "Ecirc", "Euml", "Igrave", "Iacute",
		"Icirc", "Iuml", "ETH", "Ntilde", "Ograve", "Oacute", "Ocirc", "Otilde", "Ouml", "times", "Oslash", "Ugrave", "Uacute", "Ucirc", "Uuml",
		"Yacute", "THORN", "szlig", "agrave", "aacute", "acirc", "atilde", "auml", "aring", "aelig", "ccedil", "egrave", "eacute", "ecirc", "euml",
		"igrave", "iacute", "icirc", "iuml", "eth", "ntilde", "ograve", "oacute", "ocirc", "otilde", "ouml", "divide", "oslash", "ugrave",
		"uacute", "ucirc", "uuml", "yacute", "thorn", "yuml",
	};
	static const struct { const char *name; uint32_t u; } more[] = {
		{ "amp", '&' }, { "lt", '<' }, { "gt", '>' }, { "quot", '"' }, { "apos", '\'' }, { "euro", 0x20ac }, { "hellip", 0x2026 },
		{ "ndash", 0x2013 }, { "mdash", 0x2014 }, { "lsquo", 0x2018 }, { "rsquo", 0x2019 }, { "ldquo", 0x201c }, { "rdquo", 0x201d },
		{ "bdquo", 0x201e }, { "sbquo", 0x201a }, { "bull", 0x2022 }, { "trade", 0x2122 }, { "rarr", 0x2192 }, { "larr", 0x2190 }, { "ensp", ' ' },
		{ "emsp", ' ' }, { "thinsp", ' ' },
	};

	for (size_t i = 0; i < sizeof(latin) / sizeof(latin[0]); i++)
		if (strlen(latin[i]) == n && memcmp(latin[i], s, n) == 0)
			return 0xa0 + (uint32_t)i;
	for (size_t i = 0; i < sizeof(more) / sizeof(more[0]); i++)
		if (strlen(more[i].name) == n && memcmp(more[i].name, s, n) == 0)
			return more[i].u;
	return 0;
}

/* At '&'. Returns how many bytes it took. */
static size_t entity(struct html *h)
{
	const char *s = h->in.p + h->at + 1;
	size_t room = h->in.n - h->at - 1, n = 0;
	uint32_t u = 0;

	if (room > 1 && s[0] == '#') {
		bool hex = (s[1] | 32) == 'x';
		size_t i = hex ? 2 : 1, from = i;

		for (; i < room && i < from + ENTITY; i++) {
			int d = digit(s[i]) ? s[i] - '0' : hex && (s[i] | 32) >= 'a' && (s[i] | 32) <= 'f' ? (s[i] | 32) - 'a' + 10 : -1;

			if (d < 0)
				break;
			u = u > 0x110000 ? u : u * (hex ? 16u : 10u) + (uint32_t)d;
		}
		if (i == from) {
			put(h, "&", 1);
			return 1;
		}
		put_code(h, u);
		return 1 + i + (i < room && s[i] == ';');
	}
	while (n < room && n < ENTITY && (letter(s[n]) || digit(s[n])))
		n++;
	u = named(s, n);
	if (u == 0) {
		put(h, "&", 1);
		return 1;
	}
	put_code(h, u);
	return 1 + n + (n < room && s[n] == ';');
}

/* Index behind the '>' that ends the tag, quotes apart. */
static size_t tag_end(struct str in, size_t at)
{
	char quote = 0;

	for (; at < in.n; at++) {
		if (quote) {
			if (in.p[at] == quote)
				quote = 0;
		} else if ((in.p[at] == '"' || in.p[at] == '\'') && at > 0 && (in.p[at - 1] == '=' || in.p[at - 1] == ' ')) {
			quote = in.p[at];
		} else if (in.p[at] == '>') {
			return at + 1;
		}
	}
	return in.n;
}

static bool one_of(const char *name, const char *const names[], size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(name, names[i]) == 0)
			return true;
	return false;
}
#define ONE_OF(name, ...) one_of(name, (const char *const[]){ __VA_ARGS__ }, sizeof((const char *const[]){ __VA_ARGS__ }) / sizeof(char *))

/* What these hold is not shown. */
static size_t behind_raw(const struct html *h, size_t at, const char *name)
{
	size_t n = strlen(name);

	for (; at + n + 2 <= h->in.n; at++) {
		const char *s = memchr(h->in.p + at, '<', h->in.n - at);

		if (!s)
			return h->in.n;
		at = (size_t)(s - h->in.p);
		if (h->in.n - at >= n + 2 && s[1] == '/' && strncasecmp(s + 2, name, n) == 0)
			return tag_end(h->in, at);
	}
	return h->in.n;
}

static void tag(struct html *h)
{
	size_t at = h->at + 1, n = 0, end;
	bool close = at < h->in.n && h->in.p[at] == '/';
	char name[TAG_NAME] = "";

	at += close;
	while (at + n < h->in.n && n < TAG_NAME - 1 && (letter(h->in.p[at + n]) || (n && digit(h->in.p[at + n])))) {
		name[n] = (char)(h->in.p[at + n] | (h->in.p[at + n] > '9' ? 32 : 0));
		n++;
	}
	end = tag_end(h->in, at + n);
	h->at = end;
	if (!close && ONE_OF(name, "script", "style", "template", "iframe", "noembed", "object", "applet", "svg", "math", "select"))
		h->at = behind_raw(h, end, name);
	else if (ONE_OF(name, "p", "h", "h1", "h2", "h3", "h4", "h5", "h6", "ul", "ol", "dl", "table", "blockquote", "title", "article", "section", "form"))
		line(h, 2);
	else if (ONE_OF(name, "div", "br", "tr", "dt", "dd", "hr", "pre", "header", "footer", "nav", "main", "aside", "address", "fieldset", "option", "body",
			"head", "center", "caption", "figure", "figcaption", "textarea", "li"))
		line(h, 1);
	else if (ONE_OF(name, "td", "th") && close)
		put(h, "\t", 1);
	if (strcmp(name, "pre") == 0)
		h->pre = !close;
	if (strcmp(name, "li") == 0 && !close)
		put(h, "- ", 2);
	if (strcmp(name, "br") == 0 && h->lines == 1)
		h->lines = 0;			/* two of them: an empty line */
}

static void declaration(struct html *h)
{
	struct str rest = str_cut(h->in, h->at);

	if (str_starts(rest, STR("<!--"))) {
		ptrdiff_t end = str_find(str_cut(rest, 4), STR("-->"));

		h->at = end < 0 ? h->in.n : h->at + 4 + (size_t)end + 3;
	} else {
		h->at = tag_end(h->in, h->at);
	}
}

static void text(struct html *h)
{
	char c = h->in.p[h->at];

	if (c == '&') {
		h->at += entity(h);
	} else if (h->pre && c == '\n') {
		h->lines = h->lines > 1 ? 1 : h->lines;
		buf_char(h->out, '\n');
		h->lines = 1;
		h->at++;
	} else if ((uint8_t)c <= ' ' || c == 0x7f) {
		if (h->pre && c == ' ')
			put(h, " ", 1);
		else
			h->blank = true;
		h->at++;
	} else {
		size_t n = 1;

		while (h->at + n < h->in.n && (uint8_t)h->in.p[h->at + n] > ' ' && !strchr("<&\x7f", h->in.p[h->at + n]))
			n++;
		put(h, h->in.p + h->at, n);
		h->at += n;
	}
}

static const char *charset(struct str in, char *room, size_t n)
{
	struct str head = str_make(in.p, in.n < CHARSET_WITHIN ? in.n : CHARSET_WITHIN);
	size_t k = 0;

	if (str_starts(in, STR("\xff\xfe")) || str_starts(in, STR("\xfe\xff")))
		return "UTF-16";
	if (str_starts(in, STR("\xef\xbb\xbf")) || utf8_valid(in))
		return NULL;
	for (size_t i = 0; i + 8 < head.n; i++)
		if (strncasecmp(head.p + i, "charset=", 8) == 0) {
			for (i += 8; i < head.n && k < n - 1; i++) {
				char c = head.p[i];

				if (letter(c) || digit(c) || c == '-' || c == '_')
					room[k++] = c;
				else if (k > 0)
					break;
			}
			break;
		}
	room[k] = 0;
	return k > 0 && strncasecmp(room, "utf", 3) != 0 ? room : "windows-1252";
}

/* ret: NULL when it is UTF-8 as it is; else the caller's to free. */
static int to_utf8(struct str in, char **ret, struct str *ret_text)
{
	UErrorCode e = U_ZERO_ERROR;
	char room[40];
	const char *from = charset(in, room, sizeof(room));
	size_t cap = in.n * 3 + 16;
	int32_t n;
	char *p;

	*ret = NULL;
	*ret_text = str_starts(in, STR("\xef\xbb\xbf")) ? str_cut(in, 3) : in;
	if (!from)
		return utf8_valid(*ret_text) ? 0 : ERR_BAD_FORMAT;
	if (cap > INT32_MAX)
		return ERR_LIMIT;
	p = malloc(cap);
	if (!p)
		return ERR_NOMEM;
	n = ucnv_convert("UTF-8", from, p, (int32_t)cap, in.p, (int32_t)in.n, &e);
	if (U_FAILURE(e) && strcmp(from, "windows-1252") != 0) {
		e = U_ZERO_ERROR;
		n = ucnv_convert("UTF-8", "windows-1252", p, (int32_t)cap, in.p, (int32_t)in.n, &e);
	}
	if (U_FAILURE(e) || n < 0 || (size_t)n > cap) {
		free(p);
		return ERR_UNSUPPORTED;
	}
	*ret = p;
	*ret_text = str_make(p, (size_t)n);
	return 0;
}

int clean_html(struct clean *c)
{
	struct html h = { .out = &c->out };
	char *own;
	int err = c->in.n > IN_MAX ? ERR_LIMIT : to_utf8(c->in, &own, &h.in);

	if (err < 0)
		return err;
	while (h.at < h.in.n && !c->out.failed) {
		char next = h.at + 1 < h.in.n ? h.in.p[h.at + 1] : 0;

		if (h.in.p[h.at] == '<' && (letter(next) || next == '/'))
			tag(&h);
		else if (h.in.p[h.at] == '<' && (next == '!' || next == '?'))
			declaration(&h);
		else if (h.in.p[h.at] == '<')
			put(&h, h.in.p + h.at++, 1);
		else
			text(&h);
	}
	buf_char(&c->out, '\n');
	free(own);
	c->type = "text/plain";
	c->suffix = ".txt";
	c->removed |= FACT_BIT(FACT_HTML_SCRIPT) | FACT_BIT(FACT_HTML_SMUGGLING) | FACT_BIT(FACT_EXTERNAL_OBJECT) | FACT_BIT(FACT_METADATA) |
		      FACT_BIT(FACT_EMBEDDED_OBJECT) | FACT_BIT(FACT_ACTIVEX);
	return 0;
}
