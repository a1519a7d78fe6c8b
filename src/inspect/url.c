/* url.c - see url.h. The text is first cleaned into a copy (invisible characters out, defanged forms back,
 * full width to ASCII); links are cut out of the copy, and what the cleaning had to do is remembered per byte. */
#include "inspect/url.h"

#include <arpa/inet.h>
#include <libpsl.h>
#include <stdio.h>
#include <unicode/uidna.h>
#include <unicode/uscript.h>

#include "base/utf8.h"

#define LINK_BYTES 2048			/* of one link in running text */
#define HOST_BYTES 1024			/* as written, in any alphabet */

struct clean {
	char *p;
	uint8_t *odd;		/* this byte was not written like that */
	uint32_t *at;		/* where it stood; one more: the end */
	size_t n;
};

/* --- cleaning ------------------------------------------------------------------------------------------ */

static bool invisible(uint32_t c)
{
	return c == 0xad || c == 0x34f || c == 0x61c || c == 0x180e || (c >= 0x200b && c <= 0x200f) ||
	       (c >= 0x202a && c <= 0x202e) || (c >= 0x2060 && c <= 0x206f) || c == 0xfeff || (c >= 0xfe00 && c <= 0xfe0f);
}

static bool starts_nocase(struct str s, const char *z)
{
	size_t n = strlen(z);

	return s.n >= n && str_eq_nocase(str_make(s.p, n), str_make(z, n));
}

/* A dot written otherwise: [.] (.) {.} [dot] (dot) ; length, or 0. */
static size_t defanged_dot(struct str s)
{
	static const char *const forms[] = { "[.]", "(.)", "{.}", "[dot]", "(dot)", "{dot}", " dot ", "[punkt]", "(punkt)" };

	for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++)
		if (starts_nocase(s, forms[i]))
			return strlen(forms[i]);
	return 0;
}

static size_t defanged_scheme(struct str s, const char **ret)
{
	static const struct { const char *from, *to; } forms[] = {
		{ "hxxps", "https" }, { "hxxp", "http" }, { "h**p", "http" }, { "[:]//", "://" }, { "[://]", "://" }, { ":[//]", "://" },
	};

	for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++)
		if (starts_nocase(s, forms[i].from)) {
			*ret = forms[i].to;
			return strlen(forms[i].from);
		}
	return 0;
}

static void put(struct clean *c, const char *p, size_t n, bool odd, size_t at)
{
	memcpy(c->p + c->n, p, n);
	memset(c->odd + c->n, odd, n);
	for (size_t i = 0; i < n; i++)
		c->at[c->n++] = (uint32_t)at;
}

/* Most of any text: ASCII that begins no disguise. */
static bool plain(uint8_t c, char next)
{
	if (c == 'h' || c == 'H')
		return next != 'x' && next != 'X' && next != '*';
	if (c == ' ')
		return next != 'd' && next != 'D';
	return c < 0x80 && c != '[' && c != '(' && c != '{' && c != ':';
}

/* Nothing here makes the text longer. */
static bool clean_text(struct str s, struct arena *a, struct clean *c)
{
	size_t at = 0;
	bool hidden = false;

	c->p = arena_alloc(a, s.n + 1);
	c->odd = arena_alloc(a, s.n + 1);
	c->at = arena_alloc(a, (s.n + 1) * sizeof(*c->at));
	c->n = 0;
	if (!c->p || !c->odd || !c->at)
		return false;
	while (at < s.n) {
		struct str rest = str_cut(s, at);
		const char *scheme;
		size_t n, from = at;
		uint32_t cp;
		char ascii;

		if (plain((uint8_t)rest.p[0], rest.n > 1 ? rest.p[1] : 0)) {
			c->p[c->n] = rest.p[0];
			c->at[c->n] = (uint32_t)at;
			c->odd[c->n++] = hidden;
			hidden = false;
			at++;
			continue;
		}
		n = rest.p[0] == '[' || rest.p[0] == '(' || rest.p[0] == '{' || rest.p[0] == ' ' ? defanged_dot(rest) : 0;
		if (n) {
			put(c, ".", 1, true, at);
			at += n;
			continue;
		}
		n = (rest.p[0] | 0x20) == 'h' || rest.p[0] == '[' || rest.p[0] == ':' ? defanged_scheme(rest, &scheme) : 0;
		if (n) {
			put(c, scheme, strlen(scheme), true, at);
			at += n;
			continue;
		}
		cp = utf8_next(s, &at);
		if (cp >= 0x80 && invisible(cp)) {
			hidden = true;
			continue;
		}
		ascii = cp >= 0xff01 && cp <= 0xff5e ? (char)(cp - 0xfee0) : cp == 0x3002 || cp == 0xff61 ? '.' : 0;
		if (ascii)
			put(c, &ascii, 1, true, from);
		else
			put(c, s.p + from, at - from, hidden, from);
		hidden = false;
	}
	c->at[c->n] = (uint32_t)s.n;
	return true;
}

/* --- hosts ------------------------------------------------------------------------------------------------ */

static int hex(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = (char)(c | 0x20);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool url_percent_decode(char *p, size_t *n)
{
	size_t out = 0;
	bool any = false;

	for (size_t i = 0; i < *n; i++) {
		if (p[i] == '%' && i + 2 < *n && hex(p[i + 1]) >= 0 && hex(p[i + 2]) >= 0) {
			p[out++] = (char)(hex(p[i + 1]) << 4 | hex(p[i + 2]));
			i += 2;
			any = true;
		} else {
			p[out++] = p[i];
		}
	}
	*n = out;
	return any;
}

/* One to four numbers, decimal, octal or hexadecimal, as inet_aton and every browser read them. */
static bool odd_ipv4(const char *z, struct arena *a, struct str *ret)
{
	struct in_addr in;
	char text[INET_ADDRSTRLEN];

	for (const char *p = z; *p; p++)
		if (hex(*p) < 0 && *p != '.' && *p != 'x' && *p != 'X')
			return false;
	if (z[0] < '0' || z[0] > '9' || inet_aton(z, &in) != 1)
		return false;
	*ret = arena_str(a, str_of(inet_ntop(AF_INET, &in, text, sizeof(text))));
	return ret->p != NULL;
}

static bool ascii_only(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if ((uint8_t)s.p[i] >= 0x80)
			return false;
	return true;
}

static bool mixed(struct str s)
{
	size_t at = 0;
	UScriptCode seen = USCRIPT_INVALID_CODE;

	while (at < s.n) {
		UErrorCode e = U_ZERO_ERROR;
		uint32_t cp = utf8_next(s, &at);
		UScriptCode sc;

		if (cp == '.') {
			seen = USCRIPT_INVALID_CODE;	/* label by label */
			continue;
		}
		sc = uscript_getScript((UChar32)cp, &e);
		if (sc == USCRIPT_COMMON || sc == USCRIPT_INHERITED)
			continue;
		if (seen != USCRIPT_INVALID_CODE && sc != seen &&
		    !((sc == USCRIPT_HAN || sc == USCRIPT_HIRAGANA || sc == USCRIPT_KATAKANA) && seen != USCRIPT_LATIN &&
		      seen != USCRIPT_CYRILLIC && seen != USCRIPT_GREEK))
			return true;
		seen = sc;
	}
	return false;
}

/* Non-transitional UTS 46 to ASCII and back. */
static bool idna(struct str s, struct arena *a, struct url *u)
{
	UErrorCode e = U_ZERO_ERROR;
	UIDNA *id = uidna_openUTS46(UIDNA_NONTRANSITIONAL_TO_ASCII | UIDNA_NONTRANSITIONAL_TO_UNICODE, &e);
	UIDNAInfo info = UIDNA_INFO_INITIALIZER, info2 = UIDNA_INFO_INITIALIZER;
	char ascii[512], uni[1024];
	int32_t n = 0, m = 0;

	if (U_SUCCESS(e)) {
		n = uidna_nameToASCII_UTF8(id, s.p, (int32_t)s.n, ascii, sizeof(ascii), &info, &e);
		m = uidna_nameToUnicodeUTF8(id, s.p, (int32_t)s.n, uni, sizeof(uni), &info2, &e);
	}
	uidna_close(id);
	if (U_FAILURE(e) || n <= 0 || n > 253 || m <= 0)
		return false;
	u->host = arena_str(a, str_make(ascii, (size_t)n));
	u->unicode = arena_str(a, str_make(uni, (size_t)m));
	u->mixed_script = mixed(u->unicode);
	return u->host.p && u->unicode.p;
}

static bool host_chars(struct str s)
{
	size_t label = 0;

	for (size_t i = 0; i <= s.n; i++) {
		char c = i < s.n ? s.p[i] : '.';

		if (c == '.') {
			if (i == label || i - label > 63)
				return false;
			label = i + 1;
		} else if (!(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9') && c != '-' && c != '_') {
			return false;
		}
	}
	return s.n > 0 && s.n <= 253;
}

static struct str site_of(struct str host)
{
	char z[256];
	const char *site;

	memcpy(z, host.p, host.n);
	z[host.n] = 0;
	site = psl_registrable_domain(psl_builtin(), z);
	return site ? str_cut(host, (size_t)(site - z)) : host;
}

static bool read_host(struct str raw, struct arena *a, struct url *u)
{
	char *p = arena_dup(a, raw.p, raw.n);
	size_t n = raw.n;
	uint8_t bin[16];
	char text[INET6_ADDRSTRLEN];

	if (!p || n == 0)
		return false;
	if (p[0] == '[') {
		if (p[n - 1] != ']')
			return false;
		p[n - 1] = 0;
		if (memchr(p + 1, 0, n - 2) || inet_pton(AF_INET6, p + 1, bin) != 1)
			return false;
		u->host = arena_str(a, str_of(inet_ntop(AF_INET6, bin, text, sizeof(text))));	/* one form of many */
		u->unicode = u->site = u->host;
		u->ip = true;
		return u->host.p != NULL;
	}
	if (url_percent_decode(p, &n))
		u->obfuscated = true;
	while (n && p[n - 1] == '.')
		n--;
	p[n] = 0;
	for (size_t i = 0; i < n; i++)
		if (p[i] >= 'A' && p[i] <= 'Z')
			p[i] = (char)(p[i] + 32);
	if (memchr(p, 0, n))
		return false;
	if (odd_ipv4(p, a, &u->host)) {
		u->unicode = u->site = u->host;
		u->ip = true;
		u->obfuscated = u->obfuscated || !str_eq(u->host, str_make(p, n));
		return true;
	}
	raw = str_make(p, n);
	if (!utf8_valid(raw))
		return false;
	if ((ascii_only(raw) && !memmem(p, n, "xn--", 4)) || !idna(raw, a, u) || !host_chars(u->host))
		u->host = u->unicode = raw;	/* as it is: a resolver does not ask whether the xn-- makes sense */
	if (!host_chars(u->host))
		return false;
	u->site = site_of(u->host);
	return true;
}

/* authority[/path]: what stands behind "//". */
static bool read_authority(struct str s, struct arena *a, struct url *u)
{
	size_t end = 0;
	struct str auth, host;
	ptrdiff_t at = -1, colon;
	uint64_t port;

	while (end < s.n && s.p[end] != '/' && s.p[end] != '?' && s.p[end] != '#' && s.p[end] != '\\')
		end++;
	auth = str_make(s.p, end);
	u->path = str_cut(s, end);
	for (size_t i = 0; i < auth.n; i++)
		if (auth.p[i] == '@')
			at = (ptrdiff_t)i;
	u->userinfo = at >= 0;
	host = str_cut(auth, (size_t)(at + 1));
	colon = str_find_char(host, host.n && host.p[0] == '[' ? ']' : ':');
	if (host.n && host.p[0] == '[') {
		if (colon < 0)
			return false;
		colon++;
	}
	if (colon >= 0) {
		if (str_to_u64(str_cut(host, (size_t)colon + 1), UINT16_MAX, &port))
			u->port = (uint16_t)port;
		host.n = (size_t)colon;
	}
	return read_host(host, a, u);
}

/* Of what stands before "://" in whatever case. */
static struct str scheme_name(struct str s, size_t n)
{
	static const char *const names[] = { "http", "https", "ftp", "aesgcm" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (n == strlen(names[i]) + 3 && str_eq_nocase(str_make(s.p, n - 3), str_of(names[i])))
			return str_of(names[i]);
	return STR_NONE;
}

static size_t scheme_at(struct str s)
{
	static const char *const schemes[] = { "http://", "https://", "ftp://", "aesgcm://", "http:\\\\", "https:\\\\" };

	for (size_t i = 0; i < sizeof(schemes) / sizeof(schemes[0]); i++) {
		size_t n = strlen(schemes[i]);

		if (s.n > n && str_eq_nocase(str_make(s.p, n), str_of(schemes[i])))
			return n;
	}
	return 0;
}

bool url_parse(struct str target, struct arena *a, struct url *ret)
{
	struct clean c;
	struct url u = { .shown = STR_NONE };
	struct str s;
	size_t n;

	if (target.n > URL_TEXT)
		target.n = URL_TEXT;
	if (!clean_text(str_trim(target), a, &c))
		return false;
	s = str_make(c.p, c.n);
	n = scheme_at(s);
	if (n == 0 && str_starts(s, STR("//")))
		n = 2;
	if (n == 0) {
		if (str_find(s, STR("://")) >= 0 || str_find_char(s, ':') >= 0)
			return false;		/* xmpp:, mailto:, tel: lead to no host */
		u.bare = true;
	}
	u.scheme = scheme_name(s, n);
	if (!read_authority(str_cut(s, n), a, &u))
		return false;
	for (size_t i = 0; i < c.n && !u.obfuscated; i++)
		u.obfuscated = c.odd[i];
	*ret = u;
	return true;
}

/* --- finding ---------------------------------------------------------------------------------------------------- */

/* Suffixes under which a bare name is taken for a link: not those that file names end in (md, py, sh, rs, zip). */
static bool common_suffix(struct str host)
{
	static const char *const list[] = {
		"com", "net", "org", "info", "biz", "io", "co", "ru", "cn", "xyz", "top", "club", "site", "online", "shop",
		"link", "click", "live", "life", "app", "dev", "me", "tv", "cc", "ws", "tk", "ml", "ga", "cf", "gq", "de",
		"uk", "fr", "it", "es", "nl", "br", "in", "jp", "kr", "eu", "us", "ca", "au", "ch", "at", "be", "se", "cz",
		"ua", "icu", "vip", "win", "bid", "loan", "work", "store", "space", "website", "tech", "fun", "ly", "gg",
		"gl", "to", "test", "example",
	};
	size_t i = host.n;
	struct str tld;

	while (i > 0 && host.p[i - 1] != '.')
		i--;
	if (i == 0)
		return false;
	tld = str_cut(host, i);
	if (str_starts(tld, STR("xn--"))) {
		char z[64];

		if (tld.n >= sizeof(z))
			return false;
		memcpy(z, tld.p, tld.n);
		z[tld.n] = 0;
		/* There are a few; Chinese prose has figures such as 4.5 everywhere. */
		return psl_is_public_suffix2(psl_builtin(), z, PSL_TYPE_ICANN | PSL_TYPE_NO_STAR_RULE);
	}
	for (size_t k = 0; k < sizeof(list) / sizeof(list[0]); k++)
		if (str_is(tld, list[k]))
			return true;
	return false;
}

static bool ends_link(char c)
{
	return (uint8_t)c <= ' ' || c == '<' || c == '>' || c == '"' || c == '`' || c == '|' || c == 0x7f;
}

/* "(see http://a.example/b)." : what closes a sentence is not the link's. */
static size_t trim_link(struct str s)
{
	while (s.n) {
		char c = s.p[s.n - 1];
		bool close = c == ')' && str_find_char(s, '(') < 0;

		close = close || (c == ']' && str_find_char(s, '[') < 0) || (c == '}' && str_find_char(s, '{') < 0);
		if (!close && !strchr(".,;:!?'*_", c))
			break;
		s.n--;
	}
	return s.n;
}

static bool name_char(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_' ||
	       (uint8_t)c >= 0x80;
}

static bool was_odd(const struct clean *c, size_t from, size_t to)
{
	for (size_t i = from; i < to; i++)
		if (c->odd[i])
			return true;
	return false;
}

/* [shown](target) of Markdown: the shown text of the link that begins at 'from'. */
static struct str markdown_shown(const struct clean *c, size_t from)
{
	size_t i = from;

	if (i < 3 || c->p[i - 1] != '(' || c->p[i - 2] != ']')
		return STR_NONE;
	i -= 2;
	for (size_t end = i; i > 0; i--)
		if (c->p[i - 1] == '[')
			return str_make(c->p + i, end - i);
	return STR_NONE;
}

/* Worth the full reading? Every byte may begin a bare name, so this looks no further than a host is long. */
static bool bare_name(const struct clean *c, size_t from)
{
	size_t end = from, tld = from;
	char z[16];
	size_t n = 0;

	while (end < c->n && end - from < HOST_BYTES && (name_char(c->p[end]) || c->p[end] == '.')) {
		if (c->p[end] == '.' && end + 1 < c->n && name_char(c->p[end + 1]))
			tld = end + 1;
		end++;
	}
	if (end - from > 4 && str_eq_nocase(str_make(c->p + from, 4), STR("www.")))
		return true;
	z[n++] = '.';
	for (; tld < end && c->p[tld] != '.' && n < sizeof(z); tld++) {
		char ch = c->p[tld];

		if ((uint8_t)ch >= 0x80 || ch == '-')
			return true;		/* a name in another alphabet: read it */
		z[n++] = (char)(ch >= 'A' && ch <= 'Z' ? ch + 32 : ch);
	}
	return n < sizeof(z) && common_suffix(str_make(z, n));
}

static bool take_link(const struct clean *c, size_t from, size_t scheme, struct arena *a, size_t *ret_end, struct url *ret)
{
	struct url u = { .shown = STR_NONE };
	size_t end = from;
	struct str s;

	if (scheme == 0 && !bare_name(c, from))
		return false;
	while (end < c->n && end - from < LINK_BYTES && !ends_link(c->p[end]))
		end++;
	s = str_make(c->p + from, end - from);
	if (from && c->p[from - 1] == '(' && str_find_char(s, ')') >= 0 && markdown_shown(c, from).n)
		s.n = (size_t)str_find_char(s, ')');
	s.n = trim_link(s);
	*ret_end = from + s.n;
	if (s.n <= scheme || !read_authority(str_cut(s, scheme), a, &u))
		return false;
	u.obfuscated = u.obfuscated || was_odd(c, from, from + s.n);
	u.shown = markdown_shown(c, from);
	u.scheme = scheme_name(s, scheme);
	u.bare = scheme == 0;
	if (u.bare && !u.ip && !str_starts(u.host, STR("www.")) && !common_suffix(u.host))
		return false;
	if (u.bare && u.ip)
		return false;		/* a version number, an address in a log */
	*ret = u;
	return true;
}

/* A bare name: letters, a dot, letters. Not inside a longer word or an e-mail address. */
static bool bare_start(const struct clean *c, size_t i, size_t *ret_from)
{
	size_t from = i;

	if (i == 0 || i + 1 >= c->n || !name_char(c->p[i - 1]) || !name_char(c->p[i + 1]))
		return false;
	while (from > 0 && name_char(c->p[from - 1]))
		from--;
	if (from > 0 && (c->p[from - 1] == '@' || c->p[from - 1] == '/' || c->p[from - 1] == '.'))
		return false;
	*ret_from = from;
	return true;
}

static bool worth_looking(struct str s)
{
	for (size_t i = 0; i < s.n; i++) {
		uint8_t c = (uint8_t)s.p[i];

		if (c == '.' || c == ':' || c >= 0x80 || c == '(' || c == '[' || c == '{')
			return true;
	}
	return str_find(s, STR(" dot ")) >= 0;
}

unsigned url_find(struct str text, struct arena *a, struct url *ret, bool *ret_more)
{
	struct clean c;
	unsigned n = 0;
	size_t i = 0, last_end = 0;

	*ret_more = false;
	if (text.n > URL_TEXT) {
		text.n = URL_TEXT;
		*ret_more = true;
	}
	if (!worth_looking(text))
		return 0;
	if (!clean_text(text, a, &c)) {
		*ret_more = true;	/* not looked at: not trusted */
		return 0;
	}
	while (i < c.n) {
		size_t scheme = 0, from = i, end;
		struct url u;
		bool found = false;

		if (c.p[i] == ':') {
			/* back to the letters before "://" */
			while (from > last_end && ((c.p[from - 1] | 0x20) >= 'a' && (c.p[from - 1] | 0x20) <= 'z'))
				from--;
			scheme = scheme_at(str_make(c.p + from, c.n - from));
			found = scheme && take_link(&c, from, scheme, a, &end, &u);
		} else if (c.p[i] == '.' && bare_start(&c, i, &from) && from >= last_end) {
			found = take_link(&c, from, 0, a, &end, &u);
		}
		if (!found) {
			i++;
			continue;
		}
		if (n == URLS) {
			*ret_more = true;
			break;
		}
		u.from = c.at[from];
		u.to = c.at[end];
		ret[n++] = u;
		i = last_end = end > i ? end : i + 1;
	}
	return n;
}

bool url_is_program(const struct url *u)
{
	static const char *const ends[] = { ".exe", ".scr", ".pif", ".com", ".bat", ".cmd", ".vbs", ".vbe", ".js", ".jse",
					    ".wsf", ".hta", ".msi", ".lnk", ".jar", ".ps1", ".apk", ".iso", ".cpl" };
	struct str p = u->path;

	for (size_t i = 0; i < p.n; i++)
		if (p.p[i] == '?' || p.p[i] == '#')
			p.n = i;
	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
		size_t n = strlen(ends[i]);

		if (p.n > n && str_eq_nocase(str_cut(p, p.n - n), str_of(ends[i])))
			return true;
	}
	return false;
}
