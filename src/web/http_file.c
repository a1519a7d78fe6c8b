/* http_file.c - see http_file.h. */
#include "web/http_file.h"

#include <stdio.h>
#include <time.h>

#include "base/utf8.h"

/* --- names ------------------------------------------------------------------------------------------------------------ */

static int hex_of(char c)
{
	return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

bool http_file_name(struct str s)
{
	char name[HTTP_FILE_NAME];
	size_t n = 0;

	for (size_t i = 0; i < s.n; i++) {
		int c = (uint8_t)s.p[i];

		if (c == '%') {
			if (i + 2 >= s.n || hex_of(s.p[i + 1]) < 0 || hex_of(s.p[i + 2]) < 0)
				return false;
			c = hex_of(s.p[i + 1]) << 4 | hex_of(s.p[i + 2]);
			i += 2;
		}
		if (c < 0x20 || c == 0x7f || c == '/' || c == '\\' || n == sizeof(name))
			return false;
		name[n++] = (char)c;
	}
	s = str_make(name, n);
	return n > 0 && !str_is(s, ".") && !str_is(s, "..") && utf8_valid(s);
}

/* Unicode's marks of direction and C1 controls: a name that shows another ending than it has fools whoever saves it. */
static bool is_treacherous(uint32_t c)
{
	return c < 0x20 || (c >= 0x7f && c < 0xa0) || c == 0x061c || (c >= 0x200b && c <= 0x200f) || (c >= 0x2028 && c <= 0x202e) ||
	       (c >= 0x2066 && c <= 0x2069) || c == 0xfeff || c == '/' || c == '\\';
}

void http_file_disposition(struct str name, struct buf *b)
{
	static const char attr_char[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789!#$&+-.^_`|~";	/* RFC 8187 3.2.1 */

	if (!utf8_valid(name))
		name = STR("file");
	buf_printf(b, "Content-Disposition: attachment; filename*=UTF-8''");
	for (size_t at = 0; at < name.n;) {
		size_t from = at;
		uint32_t c = utf8_next(name, &at);

		if (is_treacherous(c))
			buf_char(b, '_');
		else if (c < 0x80 && strchr(attr_char, (int)c))
			buf_char(b, (char)c);
		else
			for (size_t i = from; i < at; i++)
				buf_printf(b, "%%%02X", (uint8_t)name.p[i]);
	}
	buf_printf(b, "\r\n");
}

bool http_file_type(struct str s)
{
	ptrdiff_t slash = str_find_char(s, '/');

	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] < 0x20 || s.p[i] > 0x7e)
			return false;
	return slash > 0 && (size_t)slash + 1 < s.n && s.n <= 127;
}

/* --- ranges -------------------------------------------------------------------------------------------------------------- */

enum http_file_part http_file_range(struct str v, uint64_t size, uint64_t *ret_from, uint64_t *ret_n)
{
	ptrdiff_t dash;
	struct str first, last;
	uint64_t from = 0, to = 0;

	if (v.n < 7 || !str_eq_nocase(str_make(v.p, 6), STR("bytes=")))
		return HTTP_FILE_ALL;
	v = str_trim(str_cut(v, 6));
	dash = str_find_char(v, '-');
	if (dash < 0 || str_find_char(v, ',') >= 0)
		return HTTP_FILE_ALL;
	first = str_make(v.p, (size_t)dash);
	last = str_cut(v, (size_t)dash + 1);
	if ((first.n && !str_to_u64(first, INT64_MAX, &from)) || (last.n && !str_to_u64(last, INT64_MAX, &to)) || (!first.n && !last.n))
		return HTTP_FILE_ALL;
	if (!first.n) {			/* the last so many bytes */
		if (to == 0 || size == 0)
			return HTTP_FILE_NO_PART;
		*ret_n = to < size ? to : size;
		*ret_from = size - *ret_n;
		return HTTP_FILE_PART;
	}
	if (last.n && to < from)
		return HTTP_FILE_ALL;
	if (from >= size)
		return HTTP_FILE_NO_PART;
	*ret_from = from;
	*ret_n = last.n && to < size ? to - from + 1 : size - from;
	return HTTP_FILE_PART;
}

/* --- versions ------------------------------------------------------------------------------------------------------------ */

bool http_file_lists_tag(struct str v, struct str tag, bool weak)
{
	if (str_is(str_trim(v), "*"))
		return true;
	while (v.n) {
		ptrdiff_t end;
		bool is_weak = false;

		while (v.n && (v.p[0] == ' ' || v.p[0] == '\t' || v.p[0] == ','))
			v = str_cut(v, 1);
		if (str_starts(v, STR("W/"))) {
			is_weak = true;
			v = str_cut(v, 2);
		}
		if (v.n == 0 || v.p[0] != '"')
			return false;
		end = str_find_char(str_cut(v, 1), '"');
		if (end < 0)
			return false;
		if ((weak || !is_weak) && str_eq(str_make(v.p, (size_t)end + 2), tag))
			return true;
		v = str_cut(v, (size_t)end + 2);
	}
	return false;
}

void http_file_date(uint64_t unix_s, char ret[HTTP_FILE_DATE])
{
	time_t t = (time_t)unix_s;
	struct tm tm;

	gmtime_r(&t, &tm);
	strftime(ret, HTTP_FILE_DATE, "%a, %d %b %Y %H:%M:%S GMT", &tm);	/* the C locale's: no role sets another */
}

bool http_file_date_read(struct str v, uint64_t *ret_unix_s)
{
	char text[HTTP_FILE_DATE], again[HTTP_FILE_DATE];
	struct tm tm = { 0 };
	time_t t;

	if (v.n != 29)
		return false;
	memcpy(text, v.p, v.n);
	text[v.n] = '\0';
	if (!strptime(text, "%a, %d %b %Y %H:%M:%S GMT", &tm))
		return false;
	t = timegm(&tm);
	if (t < 0)
		return false;
	http_file_date((uint64_t)t, again);
	if (strcmp(text, again) != 0)		/* a weekday that is not that day's, a 31st of June */
		return false;
	*ret_unix_s = (uint64_t)t;
	return true;
}

/* All fields of that name, one after the other. */
static bool lists_tag(const struct http_request *r, const char *name, struct str tag, bool weak)
{
	for (unsigned i = 0; i < r->n_fields; i++)
		if (str_eq_nocase(r->fields[i].name, str_of(name)) && http_file_lists_tag(r->fields[i].value, tag, weak))
			return true;
	return false;
}

unsigned http_file_condition(const struct http_request *r, const struct http_file_version *v)
{
	unsigned match, none_match, since, unsince;
	struct str since_text = http_field(r, "If-Modified-Since", &since), unsince_text = http_field(r, "If-Unmodified-Since", &unsince);
	uint64_t when;

	http_field(r, "If-Match", &match);
	http_field(r, "If-None-Match", &none_match);
	if (match) {
		if (!lists_tag(r, "If-Match", v->tag, false))
			return 412;
	} else if (unsince == 1 && v->modified_s && http_file_date_read(unsince_text, &when) && v->modified_s > when) {
		return 412;
	}
	if (none_match)
		return lists_tag(r, "If-None-Match", v->tag, true) ? 304 : 0;
	if (since == 1 && v->modified_s && http_file_date_read(since_text, &when) && v->modified_s <= when)
		return 304;
	return 0;
}

bool http_file_range_counts(const struct http_request *r, const struct http_file_version *v)
{
	unsigned n, n_range;
	struct str one = http_field(r, "If-Range", &n);
	uint64_t when;

	http_field(r, "Range", &n_range);
	if (r->method != HTTP_GET || n_range != 1 || n > 1)
		return false;
	if (n == 0)
		return true;
	if (one.n && one.p[0] == '"')
		return str_eq(one, v->tag);
	return v->modified_s && http_file_date_read(one, &when) && when == v->modified_s;
}
