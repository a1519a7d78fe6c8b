/* sniff_text.c - types that are text: pages, scripts, shortcuts, mail. By what stands at their beginning, as those see it who run them. */
#include "scan/bytes.h"
#include "scan/sniff_parts.h"

#define HEAD 4096
#define MAIL_LINES 12

struct word {
	struct str text;		/* in lower case */
	enum kind kind;
};

static bool space(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n' || c == '\f' || c == '\v' || c == 0;
}

static struct str skip(struct str s)
{
	size_t i = 0;

	while (i < s.n && space(s.p[i]))
		i++;
	return str_cut(s, i);
}

static bool starts(struct str s, struct str what)
{
	return bytes_find_nocase(bytes_sub(s, 0, what.n), 0, what) == 0;
}

/* "#!/usr/bin/env python3": by the interpreter. */
static enum kind shebang(struct str s)
{
	static const struct word of[] = { { { "python", 6 }, KIND_PYTHON }, { { "perl", 4 }, KIND_PERL },
	{ { "php", 3 }, KIND_PHP }, { { "ruby", 4 }, KIND_RUBY },
		{ { "node", 4 }, KIND_JAVASCRIPT }, { { "pwsh", 4 }, KIND_POWERSHELL }, { { "sh", 2 }, KIND_SHELL } };
	const char *end = memchr(s.p, '\n', s.n);
	struct str line = end ? str_make(s.p, (size_t)(end - s.p)) : bytes_sub(s, 0, 256);

	if (starts(s, STR("#!amr")))
		return KIND_MEDIA;
	if (!memchr(line.p, '/', line.n) && !bytes_has_nocase(line, STR("env")))
		return KIND_UNKNOWN;
	for (size_t i = 0; i < ARRAY_SIZE(of); i++)
		if (bytes_has_nocase(line, of[i].text))
			return of[i].kind;
	return KIND_SCRIPT;
}

/* The first tag that says what a page or an XML document is. */
static enum kind markup(struct str s)
{
	static const struct word tags[] = {
		{ { "<hta:application", 16 }, KIND_HTA }, { { "<svg", 4 }, KIND_SVG }, { { "<!doctype svg", 13 }, KIND_SVG },
		{ { "<!doctype html", 14 }, KIND_HTML }, { { "<html", 5 }, KIND_HTML }, { { "<head", 5 }, KIND_HTML },
		{ { "<body", 5 }, KIND_HTML },
		{ { "<script", 7 }, KIND_HTML }, { { "<iframe", 7 }, KIND_HTML }, { { "<meta", 5 }, KIND_HTML },
		{ { "<title", 6 }, KIND_HTML },
		{ { "<a href", 7 }, KIND_HTML }, { { "<img", 4 }, KIND_HTML }, { { "<form", 5 }, KIND_HTML },
		{ { "<table", 6 }, KIND_HTML }, { { "<div", 4 }, KIND_HTML },
		{ { "<style", 6 }, KIND_HTML }, { { "<link ", 6 }, KIND_HTML }, { { "<base ", 6 }, KIND_HTML },
		{ { "<embed", 6 }, KIND_HTML },
		{ { "<object", 7 }, KIND_HTML }, { { "<frameset", 9 }, KIND_HTML }, { { "<video", 6 }, KIND_HTML },
		{ { "<h1", 3 }, KIND_HTML }, { { "<p>", 3 }, KIND_HTML },
		{ { "<job", 4 }, KIND_WSF }, { { "<scriptlet", 10 }, KIND_WSF }, { { "<registration", 13 }, KIND_WSF },
		{ { "<?component", 11 }, KIND_WSF }, { { "<?job", 5 }, KIND_WSF },
		{ { "<jnlp", 5 }, KIND_SHORTCUT }, { { "<pcsettings", 11 }, KIND_SHORTCUT },
		{ { "<librarydescription", 19 }, KIND_SHORTCUT },
		{ { "<searchconnectordescription", 27 }, KIND_SHORTCUT }, { { "<asmv1:assembly", 15 }, KIND_SHORTCUT },
		{ { "<?php", 5 }, KIND_PHP }, { { "<%@", 3 }, KIND_SERVER_PAGE }, { { "<?mso-application", 17 }, KIND_FLAT_OFFICE },
		{ { "<w:worddocument", 15 }, KIND_FLAT_OFFICE }, { { "<pkg:package", 12 }, KIND_FLAT_OFFICE },
		{ { "<workbook", 9 }, KIND_FLAT_OFFICE },
		{ { "<office:document", 16 }, KIND_ODF }, { { "<xdp:xdp", 8 }, KIND_XML }, { { "<msb:", 5 }, KIND_SCRIPT },
		{ { "<project", 8 }, KIND_XML },
	};
	size_t first = s.n;
	enum kind k = KIND_UNKNOWN;

	for (size_t i = 0; i < ARRAY_SIZE(tags); i++) {
		ptrdiff_t at = bytes_find_nocase(bytes_sub(s, 0, first + tags[i].text.n), 0, tags[i].text);

		if (at >= 0 && (size_t)at < first) {
			first = (size_t)at;
			k = tags[i].kind;
		}
	}
	return k;
}

static bool xml_first(enum kind k)		/* a page that is XML, or what only XML can be */
{
	return k == KIND_SVG || k == KIND_HTML || k == KIND_WSF || k == KIND_SHORTCUT || k == KIND_FLAT_OFFICE || k == KIND_ODF ||
	    k == KIND_HTA;
}

static enum kind mail(struct str s)
{
	static const struct str of[] = { { "return-path:", 12 }, { "received:", 9 }, { "message-id:", 11 },
	{ "mime-version:", 13 }, { "delivered-to:", 13 },
		{ "content-type:", 13 }, { "x-mailer:", 9 }, { "from:", 5 }, { "to:", 3 }, { "subject:", 8 }, { "date:", 5 },
		{ "reply-to:", 9 } };
	unsigned seen = 0, lines = 0;
	bool strong = starts(s, STR("from ")) && bytes_has(bytes_sub(s, 0, 200), STR("@"));

	for (size_t at = 0; at < s.n && lines < MAIL_LINES; lines++) {
		struct str line = str_cut(s, at);
		const char *end = memchr(line.p, '\n', line.n);

		if (line.n > 0 && (line.p[0] == '\r' || line.p[0] == '\n'))
			break;
		for (size_t i = 0; i < ARRAY_SIZE(of); i++)
			if (starts(line, of[i])) {
				seen++;
				strong |= i < 5;
			}
		if (!end)
			break;
		at = (size_t)(end - s.p) + 1;
	}
	return (strong && seen >= 1) || seen >= 3 ? KIND_MAIL : KIND_UNKNOWN;
}

enum kind sniff_text_kind(struct str bytes)
{
	static const struct word words[] = {
		{ { "{\\rt", 4 }, KIND_RTF }, { { "[internetshortcut", 17 }, KIND_URL },
		{ { "[desktop entry]", 15 }, KIND_DESKTOP }, { { "[shell]", 7 }, KIND_SHORTCUT },
		{ { "[autorun]", 9 }, KIND_SCRIPT }, { { "[version]", 9 }, KIND_SCRIPT },
		{ { "windows registry editor", 23 }, KIND_REG }, { { "regedit4", 8 }, KIND_REG },
		{ { "web\r\n1\r\n", 8 }, KIND_SHORTCUT }, { { "web\n1\n", 6 }, KIND_SHORTCUT }, { { "id;p", 4 }, KIND_SYLK },
		{ { "@echo off", 9 }, KIND_BATCH },
		{ { "#@~^", 4 }, KIND_VBSCRIPT }, { { "<?php", 5 }, KIND_PHP }, { { "# disk descriptorfile", 21 }, KIND_VHD },
		{ { "%!ps", 4 }, KIND_PS },
		{ { "-----begin pgp message", 22 }, KIND_PGP }, { { "begin 6", 7 }, KIND_UU }, { { "begin 7", 7 }, KIND_UU },
		{ { "begin-base64 ", 13 }, KIND_UU },
		{ { "(this file must be converted", 28 }, KIND_ARCHIVE },
		{ { "on error resume next", 20 }, KIND_VBSCRIPT }, { { "xlsx;", 5 }, KIND_TEXT }, { { "solid ", 6 }, KIND_TEXT },
		{ { "full address:s:", 15 }, KIND_SHORTCUT },
		{ { "screen mode id:i:", 17 }, KIND_SHORTCUT }, { { "%pdf-", 5 }, KIND_PDF },
	};
	char head[HEAD];
	struct str s = { head, bytes_narrow(bytes, head, sizeof(head)) }, t = skip(s);
	enum kind k;

	if (starts(s, STR("#!")) && (k = shebang(s)) != KIND_UNKNOWN)
		return k;
	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		if (starts(t, words[i].text) && !(words[i].kind == KIND_SCRIPT && i == 5 && !bytes_has_nocase(t, STR("signature"))))
			return words[i].kind;
	if (t.n == 0)
		return KIND_TEXT;
	if (t.p[0] == '<') {
		k = markup(t);
		if (k == KIND_HTML && bytes_has_nocase(s, STR("<hta:application")))
			k = KIND_HTA;
		if (starts(t, STR("<?xml")) || starts(t, STR("<?mso")))
			return xml_first(k) ? k : KIND_XML;
		return k != KIND_UNKNOWN ? k : KIND_XML;
	}
	k = mail(t);
	if (k != KIND_UNKNOWN)
		return k;
	/* A browser takes it for a page when it is named so; a tag at the start of a line is what editors of such pages hide behind text. */
	k = bytes_has_nocase(t, STR("<script")) || bytes_has_nocase(t, STR("<html")) ||
	    bytes_has_nocase(t, STR("<!doctype html")) ? KIND_HTML : KIND_UNKNOWN;
	return k;
}
