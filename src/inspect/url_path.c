/* url_path.c - see url_path.h. */
#include "inspect/url_path.h"

#include "base/b64.h"
#include "base/utf8.h"

static bool ends(char c)
{
	return (uint8_t)c <= ' ' || c == '&' || c == '"' || c == '\'' || c == '<' || c == '>' || c == ';';
}

struct found {
	struct url *v;
	unsigned n;
	struct arena *a;
};

static void take(struct found *f, struct str target)
{
	struct url u;

	if (f->n == URL_PATH_NESTED || !utf8_valid(target) || !url_parse(target, f->a, &u) || u.bare)
		return;
	for (unsigned i = 0; i < f->n; i++)
		if (str_eq(f->v[i].host, u.host))
			return;
	f->v[f->n++] = u;
}

static void look_plain(struct found *f, struct str s)
{
	for (size_t i = 4; i + 3 < s.n; i++) {
		size_t from = i, end = i;

		if (memcmp(s.p + i, "://", 3) != 0)
			continue;
		while (from > 0 && i - from < 6 && (s.p[from - 1] | 0x20) >= 'a' && (s.p[from - 1] | 0x20) <= 'z')
			from--;
		while (end < s.n && !ends(s.p[end]))
			end++;
		take(f, str_make(s.p + from, end - from));
	}
}

/* "aHR0c" is "http" in Base64, in either alphabet. */
static void look_base64(struct found *f, struct str s)
{
	char text[URL_PATH_BYTES];
	uint8_t bin[URL_PATH_BYTES];

	for (size_t i = 0; i + 12 < s.n; i++) {
		size_t n = 0, m;

		if (memcmp(s.p + i, "aHR0c", 5) != 0)
			continue;
		for (size_t k = i; k < s.n && n + 4 < sizeof(text); k++) {
			char c = s.p[k] == '-' ? '+' : s.p[k] == '_' ? '/' : s.p[k];

			if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '+' || c == '/'))
				break;
			text[n++] = c;
		}
		n -= n % 4;		/* a tail of a character or two does not matter here */
		if (b64_decode(str_make(text, n), bin, sizeof(bin), &m) == 0)
			look_plain(f, str_make((const char *)bin, m));
	}
}

unsigned url_path_nested(const struct url *u, struct arena *a, struct url ret[URL_PATH_NESTED])
{
	struct found f = { .v = ret, .a = a };
	size_t n = u->path.n < URL_PATH_BYTES ? u->path.n : URL_PATH_BYTES;
	char *p;

	if (n < 8)
		return 0;
	p = arena_dup(a, u->path.p, n);
	for (unsigned i = 0; p && i <= URL_PATH_DECODE; i++) {
		look_plain(&f, str_make(p, n));
		look_base64(&f, str_make(p, n));
		if (!url_percent_decode(p, &n))
			break;
	}
	return f.n;
}

bool url_path_disguised(const struct url *u)
{
	static const char *const documents[] = { "pdf", "doc", "docx", "xls", "xlsx", "ppt", "pptx", "txt", "rtf", "odt", "csv", "jpg", "jpeg", "png",
						 "gif", "mp3", "mp4", "avi", "mov", "htm", "html" };
	char text[URL_PATH_BYTES];
	size_t n = u->path.n < sizeof(text) ? u->path.n : sizeof(text), dot, end;

	if (!url_is_program(u))
		return false;
	memcpy(text, u->path.p, n);
	url_percent_decode(text, &n);
	for (size_t i = 0; i < n; i++)
		if (text[i] == '?' || text[i] == '#')
			n = i;
	for (dot = n; dot > 0 && text[dot - 1] != '.'; dot--)
		;
	if (dot < 2)
		return false;
	for (end = dot - 1; end > 0 && ((uint8_t)text[end - 1] <= ' ' || text[end - 1] == '_'); end--)
		;
	for (dot = end; dot > 0 && text[dot - 1] != '.' && text[dot - 1] != '/'; dot--)
		;
	if (dot == 0 || text[dot - 1] != '.')
		return false;
	for (size_t i = 0; i < sizeof(documents) / sizeof(documents[0]); i++)
		if (str_eq_nocase(str_make(text + dot, end - dot), str_of(documents[i])))
			return true;
	return false;
}

bool url_path_redirector(const struct url *u)
{
	static const struct { const char *site, *path; } pages[] = {
		{ "google.com", "/url" }, { "google.com", "/amp/" }, { "google.com", "/imgres" }, { "doubleclick.net", "/" }, { "googleadservices.com", "/" },
		{ "youtube.com", "/redirect" }, { "youtube.com", "/attribution_link" }, { "bing.com", "/ck/" }, { "facebook.com", "/l.php" },
		{ "facebook.com", "/flx/warn" }, { "instagram.com", "/?u=" }, { "linkedin.com", "/redir" }, { "linkedin.com", "/slink" },
		{ "linkedin.com", "/authwall" }, { "medium.com", "/r/" }, { "reddit.com", "/r/a" }, { "steamcommunity.com", "/linkfilter" },
		{ "vk.com", "/away" }, { "t.co", "/" }, { "adobe.com", "/r/" }, { "baidu.com", "/link" }, { "yandex.ru", "/redir" },
		{ "slack-redir.net", "/link" }, { "t.umblr.com", "/redirect" }, { "umblr.com", "/redirect" }, { "deviantart.com", "/users/outgoing" },
		{ "pocket.co", "/" }, { "yahoo.com", "/RU=" }, { "microsoft.com", "/fwlink" },
	};

	for (size_t i = 0; i < sizeof(pages) / sizeof(pages[0]); i++)
		if (str_is(u->site, pages[i].site) && str_starts(u->path, str_of(pages[i].path)))
			return true;
	return false;
}
