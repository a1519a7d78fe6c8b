/* http.c - see http.h. */
#include "web/http.h"

/* RFC 9110 5.6.2. */
static bool is_token(struct str s)
{
	static const char marks[] = "!#$%&'*+-.^_`|~";

	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i];

		if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || (c && strchr(marks, c))))
			return false;
	}
	return s.n > 0;
}

/* Lines end with CR LF and in no other way; no other control characters but the tab. */
static int check_bytes(struct str s)
{
	for (size_t i = 0; i < s.n; i++) {
		uint8_t c = (uint8_t)s.p[i];

		if (c == '\n' && (i == 0 || s.p[i - 1] != '\r'))
			return ERR_BAD_FORMAT;
		if (c == '\r' && i + 1 < s.n && s.p[i + 1] != '\n')
			return ERR_BAD_FORMAT;
		if ((c < 0x20 && c != '\t' && c != '\r' && c != '\n') || c == 0x7f)
			return ERR_BAD_FORMAT;
	}
	return 0;
}

static struct str line_of(struct str s, size_t *at)
{
	ptrdiff_t end = str_find(str_cut(s, *at), STR("\r\n"));
	struct str line = str_make(s.p + *at, (size_t)end);

	*at += line.n + 2;
	return line;
}

static int read_target(struct str t, struct http_request *ret)
{
	ptrdiff_t q;

	for (size_t i = 0; i < t.n; i++)
		if ((uint8_t)t.p[i] <= 0x20 || (uint8_t)t.p[i] >= 0x7f || t.p[i] == '#')
			return ERR_BAD_FORMAT;
	if (t.n == 0 || t.p[0] != '/')
		return ERR_BAD_FORMAT;		/* absolute, authority and asterisk form have no use here */
	q = str_find_char(t, '?');
	ret->path = q < 0 ? t : str_make(t.p, (size_t)q);
	ret->query = q < 0 ? STR_NONE : str_cut(t, (size_t)q + 1);
	return 0;
}

static int read_request_line(struct str line, struct http_request *ret)
{
	ptrdiff_t sp = str_find_char(line, ' '), sp2;
	struct str method, rest, version;

	if (sp < 0)
		return ERR_BAD_FORMAT;		/* HTTP/0.9 too */
	method = str_make(line.p, (size_t)sp);
	rest = str_cut(line, (size_t)sp + 1);
	sp2 = str_find_char(rest, ' ');
	if (sp2 < 0 || !is_token(method))
		return ERR_BAD_FORMAT;
	version = str_cut(rest, (size_t)sp2 + 1);
	if (version.n != 8 || !str_starts(version, STR("HTTP/")) || version.p[6] != '.')
		return ERR_BAD_FORMAT;
	ret->old = str_is(version, "HTTP/1.0");
	if (!ret->old && !str_is(version, "HTTP/1.1"))
		return ERR_VERSION;
	ret->method = str_is(method, "GET") ? HTTP_GET : str_is(method, "HEAD") ? HTTP_HEAD :
		      str_is(method, "OPTIONS") ? HTTP_OPTIONS : str_is(method, "PUT") ? HTTP_PUT : HTTP_OTHER;
	return read_target(str_make(rest.p, (size_t)sp2), ret);
}

static struct str strip(struct str s)
{
	while (s.n && (s.p[0] == ' ' || s.p[0] == '\t'))
		s = str_cut(s, 1);
	while (s.n && (s.p[s.n - 1] == ' ' || s.p[s.n - 1] == '\t'))
		s.n--;
	return s;
}

/* No folded lines, no space before the colon (RFC 9112 5): both have been used to smuggle. */
static int read_field(struct str line, struct http_request *ret)
{
	ptrdiff_t colon = str_find_char(line, ':');
	struct http_field *f = &ret->fields[ret->n_fields];

	if (ret->n_fields == HTTP_FIELDS)
		return ERR_LIMIT;
	if (colon <= 0 || !is_token(str_make(line.p, (size_t)colon)))
		return ERR_BAD_FORMAT;
	f->name = str_make(line.p, (size_t)colon);
	f->value = strip(str_cut(line, (size_t)colon + 1));
	ret->n_fields++;
	return 0;
}

/* RFC 9112 6: at most one of the two, once, and in the form that everybody understands. */
static int read_body(struct http_request *ret)
{
	unsigned n_length, n_coding;
	struct str length = http_field(ret, "Content-Length", &n_length);
	struct str coding = http_field(ret, "Transfer-Encoding", &n_coding);

	if (n_length + n_coding > 1)
		return ERR_BAD_FORMAT;
	if (n_coding && (ret->old || !str_eq_nocase(coding, STR("chunked"))))
		return ERR_BAD_FORMAT;
	if (n_length && !str_to_u64(length, INT64_MAX, &ret->length))
		return ERR_BAD_FORMAT;
	ret->chunked = n_coding > 0;
	ret->has_length = n_length > 0;
	ret->has_body = ret->chunked || ret->length > 0;
	return 0;
}

static int read_host(struct http_request *ret)
{
	unsigned n;

	ret->host = http_field(ret, "Host", &n);
	if (n > 1 || (n == 0 && !ret->old) || (n == 1 && ret->host.n == 0))
		return ERR_BAD_FORMAT;
	for (size_t i = 0; i < ret->host.n; i++) {
		char c = ret->host.p[i];

		if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || (c && strchr(".-:[]_", c))))
			return ERR_BAD_FORMAT;
	}
	return 0;
}

int http_parse(struct str bytes, struct http_request *ret)
{
	ptrdiff_t end = str_find(bytes, STR("\r\n\r\n"));
	size_t at = 0;
	struct str head;
	int r;

	memset(ret, 0, sizeof(*ret));
	head = end < 0 ? bytes : str_make(bytes.p, (size_t)end + 4);
	r = check_bytes(head);
	if (r < 0)
		return r;
	if (end < 0)
		return bytes.n >= HTTP_HEAD_BYTES ? ERR_LIMIT : ERR_AGAIN;
	if (head.n > HTTP_HEAD_BYTES)
		return ERR_LIMIT;
	ret->n = head.n;
	r = read_request_line(line_of(head, &at), ret);
	while (r == 0 && at < head.n - 2)
		r = read_field(line_of(head, &at), ret);
	if (r == 0)
		r = read_host(ret);
	if (r == 0)
		r = read_body(ret);
	return r;
}

struct str http_field(const struct http_request *r, const char *name, unsigned *ret_n)
{
	struct str found = STR_NONE;
	unsigned n = 0;

	for (unsigned i = 0; i < r->n_fields; i++)
		if (str_eq_nocase(r->fields[i].name, str_of(name)) && n++ == 0)
			found = r->fields[i].value;
	if (ret_n)
		*ret_n = n;
	return found;
}

bool http_lists(struct str value, const char *word)
{
	while (value.n) {
		ptrdiff_t comma = str_find_char(value, ',');
		struct str one = comma < 0 ? value : str_make(value.p, (size_t)comma);

		if (str_eq_nocase(strip(one), str_of(word)))
			return true;
		value = comma < 0 ? STR_NONE : str_cut(value, (size_t)comma + 1);
	}
	return false;
}

struct str http_host_name(struct str host)
{
	ptrdiff_t end = host.n && host.p[0] == '[' ? str_find_char(host, ']') + 1 : str_find_char(host, ':');

	return end > 0 ? str_make(host.p, (size_t)end) : host;
}
