#include "scan/page.h"

#include "base/buf.h"
#include "scan/bytes.h"
#include "scan/eicar.h"
#include "scan/text.h"

#define RUN 64				/* letters of Base64 in a row that are worth to be unpacked */
#define PARTS 64			/* runs of one page that are looked at as files; of more only those with a telling beginning */
#define BIG 256				/* bytes in Base64 that make "something is unpacked" of a page with such scripts */
#define WIDE (32u << 20)			/* of pages in UTF-16 as much is read */

/* Both alphabets of RFC 4648; -1: no letter of them. */
static const int8_t letters[128] = {
	-1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1,
	-1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1,
	-1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, 62, -1, 62, -1, 63,
	52, 53, 54, 55, 56, 57, 58, 59, 60, 61, -1, -1, -1, -1, -1, -1,
	-1, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14,
	15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, -1, -1, -1, -1, 63,
	-1, 26, 27, 28, 29, 30, 31, 32, 33, 34, 35, 36, 37, 38, 39, 40,
	41, 42, 43, 44, 45, 46, 47, 48, 49, 50, 51, -1, -1, -1, -1, -1,
};

static int value(char c)
{
	return (uint8_t)c < 128 ? letters[(uint8_t)c] : -1;
}

void page_decode(struct str s, struct buf *out)
{
	uint32_t bits = 0;
	unsigned n = 0;

	for (size_t i = 0; i < s.n; i++) {
		int v = value(s.p[i]);

		if (v < 0)
			continue;
		bits = bits << 6 | (uint32_t)v;
		n += 6;
		if (n >= 8) {
			n -= 8;
			if (buf_char(out, (char)(bits >> n)) < 0)
				return;
		}
	}
}

/* A program, an archive, a document, the test file: whatever number of runs came before. */
static bool telling(struct str s)
{
	static const struct str marks[] = { { "MZ", 2 }, { "PK", 2 }, { "\x7f" "ELF", 4 }, { "Rar!", 4 }, { "7z\xbc\xaf", 4 },
	{ "\xd0\xcf\x11\xe0", 4 }, { "%PDF", 4 },
					    { "\x1f\x8b", 2 }, { "{\\rt", 4 }, { "L\0\0\0", 4 }, { "<", 1 } };

	for (size_t i = 0; i < ARRAY_SIZE(marks); i++)
		if (bytes_at(s, 0, marks[i]))
			return true;
	return eicar_in(s);
}

static void deeper(struct look *l, struct str s)
{
	if (l->depth < SCAN_DEPTH)
		look_part(l, STR("base64"), s);
	else if (telling(s))
		look_note(l, FACT_ARCHIVE_DEPTH, "more than %d, one in another", SCAN_DEPTH);
}

/* The end of a run that begins at `at`; lines may be broken. */
static size_t run_end(struct str s, size_t at)
{
	while (at < s.n && (value(s.p[at]) >= 0 || ((s.p[at] == '\n' || s.p[at] == '\r') && at + 2 < s.n &&
	    (value(s.p[at + 1]) >= 0 || value(s.p[at + 2]) >= 0))))
		at++;
	return at;
}

size_t page_base64(struct look *l, struct str s)
{
	size_t longest = 0;
	unsigned parts = 0;
	struct buf b;

	buf_init(&b, PAGE_BASE64);
	for (size_t at = 0; at + RUN <= s.n;) {
		size_t end;

		/* The last letter of a run of that length must be one: most text is passed in big steps. */
		if (value(s.p[at + RUN - 1]) < 0 && s.p[at + RUN - 1] != '\n' && s.p[at + RUN - 1] != '\r') {
			at += RUN;
			continue;
		}
		if (value(s.p[at]) < 0) {
			at++;
			continue;
		}
		end = run_end(s, at);
		if (end - at >= RUN) {
			buf_clear(&b);
			page_decode(str_make(s.p + at, end - at), &b);
			longest = b.n > longest ? b.n : longest;
			if (!look_spend(l, b.n))
				break;
			if (parts++ < PARTS || telling(buf_str(&b)))
				deeper(l, buf_str(&b));
		}
		at = end;
	}
	buf_release(&b);
	return longest;
}

/* onload=, onclick =: an attribute, so a space or quote before it, and within a tag. */
static bool handler(struct str s)
{
	for (ptrdiff_t at = bytes_find_nocase(s, 0, STR("on")); at >= 0; at = bytes_find_nocase(s, (size_t)at + 2, STR("on"))) {
		size_t i = (size_t)at + 2, length = 0;

		if (at == 0 || !(strchr(" \t\r\n\"'/", s.p[at - 1]) && s.p[at - 1]))
			continue;
		while (i < s.n && (s.p[i] | 0x20) >= 'a' && (s.p[i] | 0x20) <= 'z') {
			i++;
			length++;
		}
		while (i < s.n && (s.p[i] == ' ' || s.p[i] == '\t' || s.p[i] == '\n' || s.p[i] == '\r'))
			i++;
		if (length < 3 || length > 24 || i >= s.n || s.p[i] != '=')
			continue;
		/* Within a tag: the last angle bracket before it opens one. */
		for (size_t k = (size_t)at; k-- > 0 && (size_t)at - k < 4096;) {
			if (s.p[k] == '>')
				break;
			if (s.p[k] == '<')
				return true;
		}
	}
	return false;
}

static bool any(struct str s, const struct str *words, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (bytes_has_nocase(s, words[i]))
			return true;
	return false;
}

static bool active(struct str s)
{
	static const struct str words[] = { { "<script", 7 }, { ":script", 7 }, { "javascript:", 11 }, { "vbscript:", 9 },
	{ "srcdoc=", 7 }, { "data:text/html", 14 },
		{ "http-equiv=\"refresh\"", 20 }, { "http-equiv=refresh", 18 }, { "http-equiv='refresh'", 20 }, { "<object", 7 },
		{ "<embed", 6 }, { "<applet", 7 },
		{ "&#106;avascript", 15 }, { "&#x6a;avascript", 15 }, { "<handler", 8 }, { "<foreignobject", 14 }, { "<iframe", 7 } };

	return any(s, words, ARRAY_SIZE(words)) || handler(s);
}

/* Makes a file of what it carries (MITRE ATT&CK T1027.006). */
static bool unpacks(struct str s)
{
	static const struct str ways[] = { { "createobjecturl", 15 }, { "mssaveoropenblob", 16 }, { "mssaveblob", 10 },
	{ "new blob", 8 }, { "new file(", 9 },
		{ ".download=", 10 }, { ".download =", 11 }, { "'download'", 10 }, { "\"download\"", 10 },
		{ "octet-stream;base64", 19 }, { "application/zip;base64", 22 },
		{ "x-msdownload;base64", 19 }, { "x-iso9660-image;base64", 22 } };
	static const struct str decoders[] = { { "atob", 4 }, { "uint8array", 10 }, { "charcodeat", 10 }, { "frombase64", 10 },
	{ "base64", 6 }, { "fromcharcode", 12 },
		{ "unescape(", 9 }, { "decodeuricomponent", 18 }, { "arraybuffer", 11 } };

	return any(s, ways, ARRAY_SIZE(ways)) && any(s, decoders, ARRAY_SIZE(decoders));
}

static void check(struct look *l, enum kind k, struct str s)
{
	size_t longest = page_base64(l, s);
	bool script = active(s);

	if (script)
		look_note(l, k == KIND_SVG ? FACT_SVG_SCRIPT : FACT_HTML_SCRIPT, "%s", "");
	if (k == KIND_SVG)
		text_entities(l, s);
	if (bytes_has_nocase(s, STR("<hta:application")))
		look_note(l, FACT_SCRIPT, "HTML application");
	if ((script && unpacks(s) && (longest >= BIG / 4 || bytes_has_nocase(s, STR("atob")) || s.n > 4 * BIG)) ||
	    (script && longest >= 256 * BIG && bytes_has_nocase(s, STR("atob("))))
		look_note(l, FACT_HTML_SMUGGLING, "a file of %zu bytes or more", longest);
}

void page_check(struct look *l, enum kind k, struct str bytes)
{
	struct buf b;

	if (!bytes_at(bytes, 0, STR("\xff\xfe")) && !bytes_at(bytes, 0, STR("\xfe\xff")) && bytes_u8(bytes, 1) != 0) {
		check(l, k, bytes);
		return;
	}
	buf_init(&b, WIDE);
	if (buf_reserve(&b, bytes.n / 2 < WIDE ? bytes.n / 2 : WIDE) == 0) {
		b.n = bytes_narrow(bytes, b.p, bytes.n / 2 < WIDE ? bytes.n / 2 : WIDE);
		check(l, k, buf_str(&b));
	}
	buf_release(&b);
}
